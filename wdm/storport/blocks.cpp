// Request blocks: writing the one the miniport gets, out of a CDB or of the class driver's block, and taking the results back. Also requests of the library's own.
#include "port.hpp"

namespace stor {

namespace {

constexpr ULONG ExBytes = sizeof(STORAGE_REQUEST_BLOCK) + sizeof(STOR_ADDR_BTL8) + sizeof(SRBEX_DATA_SCSI_CDB16);
static_assert(ExBytes <= BlockRoom);

// An empty block of the kind the miniport takes, with its address.
void Begin(Request& R, UCHAR Path, UCHAR Target, UCHAR Lun, ULONG Function)
{
    R.Block = R.Room;
    if (TakesEx(*R.Of)) {
        RtlZeroMemory(R.Room, ExBytes);
        auto& S = *reinterpret_cast<STORAGE_REQUEST_BLOCK*>(R.Room);
        S.Length = sizeof(STORAGE_REQUEST_BLOCK_HEADER);
        S.Function = SRB_FUNCTION_STORAGE_REQUEST_BLOCK;
        S.Signature = SRB_SIGNATURE;
        S.Version = STORAGE_REQUEST_BLOCK_VERSION_1;
        S.SrbLength = ExBytes;
        S.SrbFunction = Function;
        S.AddressOffset = sizeof(STORAGE_REQUEST_BLOCK);
        S.OriginalRequest = &R;
        S.PortContext = &R;
        S.MiniportContext = R.Extension;
        auto& Address = *reinterpret_cast<STOR_ADDR_BTL8*>(R.Room + S.AddressOffset);
        Address.Type = STOR_ADDRESS_TYPE_BTL8;
        Address.Port = USHORT(R.Of->Number);
        Address.AddressLength = STOR_ADDR_BTL8_ADDRESS_LENGTH;
        Address.Path = Path;
        Address.Target = Target;
        Address.Lun = Lun;
        if (Function == SRB_FUNCTION_EXECUTE_SCSI) {
            S.NumSrbExData = 1;
            S.SrbExDataOffset[0] = S.AddressOffset + sizeof(STOR_ADDR_BTL8);
            auto& Data = *reinterpret_cast<SRBEX_DATA_SCSI_CDB16*>(R.Room + S.SrbExDataOffset[0]);
            Data.Type = SrbExDataTypeScsiCdb16;
            Data.Length = SRBEX_DATA_SCSI_CDB16_LENGTH;
        }
    } else {
        auto& S = *reinterpret_cast<SCSI_REQUEST_BLOCK*>(R.Room);
        RtlZeroMemory(&S, sizeof(S));
        S.Length = sizeof(S);
        S.Function = UCHAR(Function);
        S.PathId = Path;
        S.TargetId = Target;
        S.Lun = Lun;
        S.QueueTag = SP_UNTAGGED;
        S.OriginalRequest = &R;
        S.SrbExtension = R.Extension;
    }
}

void SetCdb(Request& R, const void* Cdb, ULONG Bytes, PVOID Sense, UCHAR SenseBytes)
{
    if (TakesEx(*R.Of)) {
        auto& S = *reinterpret_cast<STORAGE_REQUEST_BLOCK*>(R.Room);
        auto& Data = *reinterpret_cast<SRBEX_DATA_SCSI_CDB16*>(R.Room + S.SrbExDataOffset[0]);
        Data.CdbLength = UCHAR(Bytes);
        RtlCopyMemory(Data.Cdb, Cdb, Bytes);
        Data.SenseInfoBuffer = Sense;
        Data.SenseInfoBufferLength = SenseBytes;
    } else {
        auto& S = *reinterpret_cast<SCSI_REQUEST_BLOCK*>(R.Room);
        S.CdbLength = UCHAR(Bytes);
        RtlCopyMemory(S.Cdb, Cdb, Bytes);
        S.SenseInfoBuffer = Sense;
        S.SenseInfoBufferLength = SenseBytes;
    }
}

struct Waiter {
    KEVENT Event;
    Outcome Result;
};

void Woken(Request& R)
{
    auto& W = *static_cast<Waiter*>(R.Context);
    W.Result.SrbStatus = SrbGetSrbStatus(R.Block);
    if (SrbGetSrbFunction(R.Block) == SRB_FUNCTION_EXECUTE_SCSI)
        W.Result.ScsiStatus = SrbGetScsiStatus(R.Block);
    W.Result.Bytes = SrbGetDataTransferLength(R.Block);
    if (W.Result.SrbStatus & SRB_STATUS_AUTOSENSE_VALID)
        RtlCopyMemory(W.Result.Sense, R.Sense, sizeof(W.Result.Sense));
    FreeRequest(R);
    KeSetEvent(&W.Event, 0, FALSE);
}

}

void DescribeScsi(Request& R, UCHAR Path, UCHAR Target, UCHAR Lun, const void* Cdb, ULONG CdbBytes, ULONG Flags, ULONG Timeout)
{
    Begin(R, Path, Target, Lun, SRB_FUNCTION_EXECUTE_SCSI);
    SetCdb(R, Cdb, CdbBytes, R.Sense, SenseRoom);
    SrbSetSrbFlags(R.Block, Flags | SRB_FLAGS_NO_QUEUE_FREEZE);
    SrbSetTimeOutValue(R.Block, Timeout);
    SrbSetDataTransferLength(R.Block, R.Bytes);
}

void DescribeFunction(Request& R, UCHAR Path, UCHAR Target, UCHAR Lun, ULONG Function)
{
    Begin(R, Path, Target, Lun, Function);
    SrbSetTimeOutValue(R.Block, DefaultTimeout);
    SrbSetDataTransferLength(R.Block, R.Bytes);
}

NTSTATUS DescribeOriginal(Request& R, PVOID Srb)
{
    auto& U = *R.Lun;
    ULONG Function = SrbGetSrbFunction(Srb);
    R.Original = Srb;
    R.Bytes = SrbGetDataTransferLength(Srb);
    Begin(R, U.Path, U.Target, U.Lun, Function);
    if (Function == SRB_FUNCTION_EXECUTE_SCSI) {
        auto* Cdb = SrbGetCdb(Srb);
        ULONG Bytes = SrbGetCdbLength(Srb);
        if (!Cdb || !Bytes || Bytes > 16)
            return STATUS_INVALID_PARAMETER;
        SetCdb(R, Cdb, Bytes, SrbGetSenseInfoBuffer(Srb), SrbGetSenseInfoBufferLength(Srb));
    }
    SrbSetSrbFlags(R.Block, SrbGetSrbFlags(Srb));
    SrbSetTimeOutValue(R.Block, SrbGetTimeOutValue(Srb));
    SrbSetDataTransferLength(R.Block, R.Bytes);
    SrbSetDataBuffer(R.Block, SrbGetDataBuffer(Srb));
    return STATUS_SUCCESS;
}

void CopyBack(Request& R)
{
    PVOID To = R.Original;
    UCHAR Status = SrbGetSrbStatus(R.Block);
    SrbSetSrbStatus(To, Status & ~SRB_STATUS_QUEUE_FROZEN);
    SrbSetDataTransferLength(To, SrbGetDataTransferLength(R.Block));
    if (SrbGetSrbFunction(R.Block) == SRB_FUNCTION_EXECUTE_SCSI) {
        SrbSetScsiStatus(To, SrbGetScsiStatus(R.Block));
        if (Status & SRB_STATUS_AUTOSENSE_VALID)
            SrbSetSenseInfoBufferLength(To, SrbGetSenseInfoBufferLength(R.Block));
    }
    SrbSetSystemStatus(To, SrbGetSystemStatus(R.Block));
}

Outcome RunCdb(Adapter& A, UCHAR Path, UCHAR Target, UCHAR Lun, const void* Cdb, ULONG CdbBytes, void* Data, ULONG Bytes, bool ToDevice)
{
    Waiter W {};
    W.Result.SrbStatus = SRB_STATUS_INTERNAL_ERROR;
    KeInitializeEvent(&W.Event, NotificationEvent, FALSE);
    Request* R = NewRequest(A);
    if (!R)
        return W.Result;
    R->Bytes = Bytes;
    if (Bytes) {
        R->Mdl = IoAllocateMdl(Data, Bytes, FALSE, FALSE, nullptr);
        if (!R->Mdl) {
            FreeRequest(*R);
            return W.Result;
        }
        MmBuildMdlForNonPagedPool(R->Mdl);
        R->FreeMdl = true;
    }
    R->Finish = Woken;
    R->Context = &W;
    DescribeScsi(*R, Path, Target, Lun, Cdb, CdbBytes, Bytes ? ToDevice ? SRB_FLAGS_DATA_OUT : SRB_FLAGS_DATA_IN : 0, DefaultTimeout);
    R->Lun = FindUnit(A, Path, Target, Lun);
    Submit(*R);
    KeWaitForSingleObject(&W.Event, Executive, KernelMode, FALSE, nullptr);
    return W.Result;
}

NTSTATUS StatusOf(UCHAR SrbStatus)
{
    switch (SRB_STATUS(SrbStatus)) {
    case SRB_STATUS_SUCCESS: return STATUS_SUCCESS;
    case SRB_STATUS_TIMEOUT:
    case SRB_STATUS_COMMAND_TIMEOUT: return STATUS_IO_TIMEOUT;
    case SRB_STATUS_BAD_SRB_BLOCK_LENGTH:
    case SRB_STATUS_BAD_FUNCTION: return STATUS_INVALID_DEVICE_REQUEST;
    case SRB_STATUS_INVALID_REQUEST: return STATUS_INVALID_PARAMETER;
    case SRB_STATUS_NO_DEVICE:
    case SRB_STATUS_INVALID_LUN:
    case SRB_STATUS_INVALID_TARGET_ID:
    case SRB_STATUS_INVALID_PATH_ID:
    case SRB_STATUS_NO_HBA: return STATUS_DEVICE_DOES_NOT_EXIST;
    case SRB_STATUS_DATA_OVERRUN: return STATUS_BUFFER_OVERFLOW;
    case SRB_STATUS_SELECTION_TIMEOUT: return STATUS_DEVICE_NOT_CONNECTED;
    case SRB_STATUS_BUSY: return STATUS_DEVICE_BUSY;
    case SRB_STATUS_ABORTED: return STATUS_REQUEST_ABORTED;
    case SRB_STATUS_NOT_POWERED: return STATUS_DEVICE_POWERED_OFF;
    default: return STATUS_IO_DEVICE_ERROR;
    }
}

}
