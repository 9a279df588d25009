// What programs ask of an adapter (\??\ScsiN:) or a unit: pass-through, addresses, capabilities, properties, the miniport's own controls.
#include "port.hpp"

namespace stor {

namespace {

// --- pass-through

struct PassThrough {
    bool Direct, ToUser;
    ULONG OutputBytes;
};

// Both structures begin alike; the direct one has a pointer where the other has an offset.
static_assert(FIELD_OFFSET(SCSI_PASS_THROUGH, SenseInfoOffset) == FIELD_OFFSET(SCSI_PASS_THROUGH_DIRECT, SenseInfoOffset) &&
              FIELD_OFFSET(SCSI_PASS_THROUGH, Cdb) == FIELD_OFFSET(SCSI_PASS_THROUGH_DIRECT, Cdb));

void FinishPassThrough(Request& R)
{
    PIRP I = R.Irp;
    auto& P = *static_cast<SCSI_PASS_THROUGH*>(I->AssociatedIrp.SystemBuffer);
    bool Direct = R.Context != nullptr;
    UCHAR Status = SrbGetSrbStatus(R.Block), Plain = SRB_STATUS(Status);
    P.ScsiStatus = SrbGetScsiStatus(R.Block);
    P.DataTransferLength = SrbGetDataTransferLength(R.Block);
    ULONG_PTR Information = sizeof(P);
    if (Status & SRB_STATUS_AUTOSENSE_VALID && P.SenseInfoLength) {
        UCHAR Bytes = SrbGetSenseInfoBufferLength(R.Block);
        if (Bytes > P.SenseInfoLength)
            Bytes = P.SenseInfoLength;
        RtlCopyMemory(reinterpret_cast<UCHAR*>(&P) + P.SenseInfoOffset, R.Sense, Bytes);
        P.SenseInfoLength = Bytes;
        Information = P.SenseInfoOffset + ULONG_PTR(Bytes);
    } else {
        P.SenseInfoLength = 0;
    }
    if (!Direct && P.DataIn == SCSI_IOCTL_DATA_IN && P.DataTransferLength && Information < P.DataBufferOffset + P.DataTransferLength)
        Information = P.DataBufferOffset + P.DataTransferLength;
    // What the device said is in ScsiStatus and the sense data; only what did not reach it is a failure.
    NTSTATUS S = Plain == SRB_STATUS_SUCCESS || Plain == SRB_STATUS_DATA_OVERRUN || (Plain == SRB_STATUS_ERROR && P.ScsiStatus) ? STATUS_SUCCESS : StatusOf(Status);
    FreeRequest(R);
    Finish(I, S, NT_SUCCESS(S) ? Information : 0);
}

NTSTATUS LockUser(Request& R, PVOID At, bool Write)
{
    R.Mdl = IoAllocateMdl(At, R.Bytes, FALSE, FALSE, nullptr);
    if (!R.Mdl)
        return STATUS_INSUFFICIENT_RESOURCES;
    R.FreeMdl = true;
    __try {
        MmProbeAndLockPages(R.Mdl, UserMode, Write ? IoWriteAccess : IoReadAccess);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    R.UnlockMdl = true;
    return STATUS_SUCCESS;
}

NTSTATUS StartPassThrough(Adapter& A, Unit* U, PIRP I, bool Direct)
{
    IO_STACK_LOCATION* S = IoGetCurrentIrpStackLocation(I);
    ULONG In = S->Parameters.DeviceIoControl.InputBufferLength, Out = S->Parameters.DeviceIoControl.OutputBufferLength;
    auto* P = static_cast<SCSI_PASS_THROUGH*>(I->AssociatedIrp.SystemBuffer);
    if (In < sizeof(SCSI_PASS_THROUGH))
        return STATUS_INVALID_PARAMETER;
    if (P->Length != sizeof(SCSI_PASS_THROUGH))
        return STATUS_REVISION_MISMATCH;
    if (Out < sizeof(SCSI_PASS_THROUGH))
        return STATUS_BUFFER_TOO_SMALL;
    if (!P->CdbLength || P->CdbLength > sizeof(P->Cdb) || P->DataIn > SCSI_IOCTL_DATA_UNSPECIFIED || P->DataTransferLength > A.Config.MaximumTransferLength ||
        P->TimeOutValue > 108'000)
        return STATUS_INVALID_PARAMETER;
    if (P->SenseInfoLength && (P->SenseInfoOffset < sizeof(SCSI_PASS_THROUGH) || P->SenseInfoOffset > Out || P->SenseInfoLength > Out - P->SenseInfoOffset))
        return STATUS_INVALID_PARAMETER;
    bool ToDevice = P->DataIn == SCSI_IOCTL_DATA_OUT;
    PVOID Data = nullptr;
    if (P->DataTransferLength && Direct) {
        Data = reinterpret_cast<SCSI_PASS_THROUGH_DIRECT*>(P)->DataBuffer;
        if (reinterpret_cast<ULONG_PTR>(Data) & A.Config.AlignmentMask)
            return STATUS_INVALID_PARAMETER;
    } else if (P->DataTransferLength) {
        ULONG Room = ToDevice ? In : Out;
        if (P->DataBufferOffset < sizeof(SCSI_PASS_THROUGH) || P->DataBufferOffset > Room || P->DataTransferLength > Room - P->DataBufferOffset ||
            (P->SenseInfoLength && P->DataBufferOffset < P->SenseInfoOffset + P->SenseInfoLength))
            return STATUS_INVALID_PARAMETER;
        Data = reinterpret_cast<UCHAR*>(P) + P->DataBufferOffset;
    }
    if (!U) {
        KIRQL Old = KeAcquireSpinLockRaiseToDpc(&A.Lock);
        U = FindUnit(A, P->PathId, P->TargetId, P->Lun);
        KeReleaseSpinLock(&A.Lock, Old);
    }
    if (!U || !U->Present)
        return STATUS_DEVICE_DOES_NOT_EXIST;
    Request* R = NewRequest(A);
    if (!R)
        return STATUS_INSUFFICIENT_RESOURCES;
    R->Lun = U;
    R->Irp = I;
    R->NoRetry = true;
    R->Context = Direct ? R : nullptr;
    R->Finish = FinishPassThrough;
    R->Bytes = P->DataTransferLength;
    if (R->Bytes) {
        NTSTATUS Status = STATUS_SUCCESS;
        if (Direct) {
            Status = LockUser(*R, Data, !ToDevice);
        } else {
            R->Mdl = IoAllocateMdl(Data, R->Bytes, FALSE, FALSE, nullptr);
            if (R->Mdl)
                MmBuildMdlForNonPagedPool(R->Mdl);
            else
                Status = STATUS_INSUFFICIENT_RESOURCES;
            R->FreeMdl = true;
        }
        if (!NT_SUCCESS(Status)) {
            FreeRequest(*R);
            return Status;
        }
    }
    ULONG Flags = !R->Bytes ? 0 : P->DataIn == SCSI_IOCTL_DATA_IN ? SRB_FLAGS_DATA_IN : ToDevice ? SRB_FLAGS_DATA_OUT : SRB_FLAGS_UNSPECIFIED_DIRECTION;
    DescribeScsi(*R, U->Path, U->Target, U->Lun, P->Cdb, P->CdbLength, Flags, P->TimeOutValue);
    IoMarkIrpPending(I);
    Submit(*R);
    return STATUS_PENDING;
}

// --- IOCTL_SCSI_MINIPORT

void FinishMiniport(Request& R)
{
    PIRP I = R.Irp;
    UCHAR Status = SrbGetSrbStatus(R.Block);
    ULONG Bytes = SrbGetDataTransferLength(R.Block);
    FreeRequest(R);
    NTSTATUS S = StatusOf(Status);
    ULONG Most = IoGetCurrentIrpStackLocation(I)->Parameters.DeviceIoControl.OutputBufferLength;
    Finish(I, S, NT_SUCCESS(S) ? Bytes < Most ? Bytes : Most : 0);
}

NTSTATUS ToMiniport(Adapter& A, Unit* U, PIRP I)
{
    IO_STACK_LOCATION* S = IoGetCurrentIrpStackLocation(I);
    ULONG In = S->Parameters.DeviceIoControl.InputBufferLength, Out = S->Parameters.DeviceIoControl.OutputBufferLength;
    auto* C = static_cast<SRB_IO_CONTROL*>(I->AssociatedIrp.SystemBuffer);
    if (In < sizeof(SRB_IO_CONTROL) || C->HeaderLength != sizeof(SRB_IO_CONTROL))
        return STATUS_INVALID_PARAMETER;
    ULONG Bytes = C->HeaderLength + C->Length;
    if (Bytes < C->Length || (Bytes > In && Bytes > Out))
        return STATUS_BUFFER_TOO_SMALL;
    Request* R = NewRequest(A);
    if (!R)
        return STATUS_INSUFFICIENT_RESOURCES;
    R->Irp = I;
    R->NoRetry = true;
    R->Finish = FinishMiniport;
    R->Bytes = Bytes;
    R->Mdl = IoAllocateMdl(C, Bytes, FALSE, FALSE, nullptr);
    if (!R->Mdl) {
        FreeRequest(*R);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    MmBuildMdlForNonPagedPool(R->Mdl);
    R->FreeMdl = true;
    DescribeFunction(*R, U ? U->Path : 0, U ? U->Target : 0, U ? U->Lun : 0, SRB_FUNCTION_IO_CONTROL);
    SrbSetSrbFlags(R->Block, SRB_FLAGS_DATA_IN | SRB_FLAGS_NO_QUEUE_FREEZE);
    SrbSetTimeOutValue(R->Block, C->Timeout);
    IoMarkIrpPending(I);
    Submit(*R);
    return STATUS_PENDING;
}

// --- properties

struct Answer {
    NTSTATUS Status;
    ULONG_PTR Bytes;
};

// As much of the descriptor as there is room for; the header alone is enough to learn its size.
Answer Give(PIRP I, const void* Descriptor, ULONG Bytes)
{
    ULONG Room = IoGetCurrentIrpStackLocation(I)->Parameters.DeviceIoControl.OutputBufferLength;
    if (Room < sizeof(STORAGE_DESCRIPTOR_HEADER))
        return { STATUS_BUFFER_TOO_SMALL, 0 };
    if (Bytes > Room)
        Bytes = Room;
    RtlCopyMemory(I->AssociatedIrp.SystemBuffer, Descriptor, Bytes);
    return { STATUS_SUCCESS, Bytes };
}

Answer DeviceProperty(Unit& U, PIRP I)
{
    struct {
        STORAGE_DEVICE_DESCRIPTOR D;
        UCHAR Text[InquiryRoom + 32 + 64];
    } X {};
    auto& D = X.D;
    D.Version = sizeof(D);
    D.DeviceType = U.Inquiry[0] & 0x1F;
    D.DeviceTypeModifier = U.Inquiry[1] & 0x7F;
    D.RemovableMedia = (U.Inquiry[1] & 0x80) != 0;
    D.CommandQueueing = (U.Inquiry[7] & 2) != 0;
    D.BusType = U.Of->Bus;
    UCHAR* Start = reinterpret_cast<UCHAR*>(&X);
    ULONG At = FIELD_OFFSET(STORAGE_DEVICE_DESCRIPTOR, RawDeviceProperties);
    D.RawPropertiesLength = 36;
    RtlCopyMemory(Start + At, U.Inquiry, 36);
    At += 36;
    auto Put = [&](ULONG& Offset, const UCHAR* From, ULONG Bytes) {
        Offset = At;
        RtlCopyMemory(Start + At, From, Bytes);
        At += Bytes + 1;
    };
    Put(D.VendorIdOffset, U.Inquiry + 8, 8);
    Put(D.ProductIdOffset, U.Inquiry + 16, 16);
    Put(D.ProductRevisionOffset, U.Inquiry + 32, 4);
    if (U.Serial[0])
        Put(D.SerialNumberOffset, reinterpret_cast<UCHAR*>(U.Serial), ULONG(strlen(U.Serial)));
    D.Size = At;
    return Give(I, &X, At);
}

Answer AdapterProperty(Adapter& A, PIRP I)
{
    struct {
        STORAGE_ADAPTER_DESCRIPTOR D;
        UCHAR More[8];
    } X {};
    auto& D = X.D;
    constexpr ULONG Bytes = 32;         // of Windows 8 and later: SrbType and AddressType
    D.Version = D.Size = Bytes;
    D.MaximumTransferLength = A.Config.MaximumTransferLength;
    D.MaximumPhysicalPages = A.Config.NumberOfPhysicalBreaks;
    D.AlignmentMask = A.Config.AlignmentMask;
    D.AdapterScansDown = A.Config.AdapterScansDown;
    D.CommandQueueing = TRUE;
    D.AcceleratedTransfer = TRUE;
    D.BusType = UCHAR(A.Bus);
    D.BusMajorVersion = 2;
    reinterpret_cast<UCHAR*>(&X)[28] = A.Config.SrbType;
    reinterpret_cast<UCHAR*>(&X)[29] = STORAGE_ADDRESS_TYPE_BTL8;
    return Give(I, &X, Bytes);
}

Answer IdProperty(Unit& U, PIRP I)
{
    struct {
        STORAGE_DEVICE_ID_DESCRIPTOR D;
        UCHAR Room[1024];
    } X {};
    auto& D = X.D;
    D.Version = sizeof(D);
    UCHAR* Start = reinterpret_cast<UCHAR*>(&X);
    ULONG At = FIELD_OFFSET(STORAGE_DEVICE_ID_DESCRIPTOR, Identifiers);
    STORAGE_IDENTIFIER* Last = nullptr;
    for (ULONG From = 4; From + 4 <= U.DeviceIdBytes;) {
        const UCHAR* V = U.DeviceId + From;
        ULONG Bytes = V[3], Whole = (FIELD_OFFSET(STORAGE_IDENTIFIER, Identifier) + Bytes + 3) & ~3u;
        if (From + 4 + Bytes > U.DeviceIdBytes || At + Whole > sizeof(X))
            break;
        auto* To = reinterpret_cast<STORAGE_IDENTIFIER*>(Start + At);
        To->CodeSet = STORAGE_IDENTIFIER_CODE_SET(V[0] & 15);
        To->Type = STORAGE_IDENTIFIER_TYPE(V[1] & 15);
        To->Association = STORAGE_ASSOCIATION_TYPE(V[1] >> 4 & 3);
        To->IdentifierSize = USHORT(Bytes);
        RtlCopyMemory(To->Identifier, V + 4, Bytes);
        if (Last)
            Last->NextOffset = USHORT(reinterpret_cast<UCHAR*>(To) - reinterpret_cast<UCHAR*>(Last));
        Last = To;
        At += Whole;
        From += 4 + Bytes;
        ++D.NumberOfIdentifiers;
    }
    D.Size = At;
    return Give(I, &X, At);
}

Answer QueryProperty(Adapter& A, Unit* U, PIRP I)
{
    auto* Q = static_cast<STORAGE_PROPERTY_QUERY*>(I->AssociatedIrp.SystemBuffer);
    if (IoGetCurrentIrpStackLocation(I)->Parameters.DeviceIoControl.InputBufferLength < FIELD_OFFSET(STORAGE_PROPERTY_QUERY, AdditionalParameters))
        return { STATUS_INVALID_PARAMETER, 0 };
    if (Q->QueryType > PropertyExistsQuery)
        return { STATUS_NOT_SUPPORTED, 0 };
    bool Known = Q->PropertyId == StorageAdapterProperty || (U && (Q->PropertyId == StorageDeviceProperty || (Q->PropertyId == StorageDeviceIdProperty && U->DeviceIdBytes)));
    if (!Known)
        return { Q->PropertyId == StorageDeviceIdProperty ? STATUS_NOT_FOUND : STATUS_INVALID_DEVICE_REQUEST, 0 };
    if (Q->QueryType == PropertyExistsQuery)
        return { STATUS_SUCCESS, 0 };
    switch (Q->PropertyId) {
    case StorageAdapterProperty: return AdapterProperty(A, I);
    case StorageDeviceProperty: return DeviceProperty(*U, I);
    default: return IdProperty(*U, I);
    }
}

// --- what is on the adapter

Answer InquiryData(Adapter& A, PIRP I)
{
    ULONG Room = IoGetCurrentIrpStackLocation(I)->Parameters.DeviceIoControl.OutputBufferLength;
    auto* Start = static_cast<UCHAR*>(I->AssociatedIrp.SystemBuffer);
    ULONG Buses = A.Config.NumberOfBuses, Units = 0;
    constexpr ULONG Each = (FIELD_OFFSET(SCSI_INQUIRY_DATA, InquiryData) + 36 + 3) & ~3u;
    ULONG First = (FIELD_OFFSET(SCSI_ADAPTER_BUS_INFO, BusData) + Buses * ULONG(sizeof(SCSI_BUS_DATA)) + 7) & ~7u;
    KIRQL Old = KeAcquireSpinLockRaiseToDpc(&A.Lock);
    for (LIST_ENTRY* At = A.Units.Flink; At != &A.Units; At = At->Flink)
        Units += CONTAINING_RECORD(At, Unit, Link)->Present;
    ULONG Bytes = First + Units * Each;
    if (Room < Bytes) {
        KeReleaseSpinLock(&A.Lock, Old);
        return { STATUS_BUFFER_TOO_SMALL, 0 };
    }
    RtlZeroMemory(Start, Bytes);
    auto* Info = reinterpret_cast<SCSI_ADAPTER_BUS_INFO*>(Start);
    Info->NumberOfBuses = UCHAR(Buses);
    ULONG At = First;
    for (ULONG Path = 0; Path < Buses; ++Path) {
        auto& B = Info->BusData[Path];
        B.InitiatorBusId = UCHAR(A.Config.InitiatorBusId[Path < 8 ? Path : 7]);
        SCSI_INQUIRY_DATA* Last = nullptr;
        for (LIST_ENTRY* L = A.Units.Flink; L != &A.Units; L = L->Flink) {
            auto* U = CONTAINING_RECORD(L, Unit, Link);
            if (!U->Present || U->Path != Path || At + Each > Bytes)
                continue;
            auto* D = reinterpret_cast<SCSI_INQUIRY_DATA*>(Start + At);
            D->PathId = U->Path;
            D->TargetId = U->Target;
            D->Lun = U->Lun;
            D->DeviceClaimed = U->Claimed;
            D->InquiryDataLength = 36;
            RtlCopyMemory(D->InquiryData, U->Inquiry, 36);
            if (Last)
                Last->NextInquiryDataOffset = At;
            else
                B.InquiryDataOffset = At;
            Last = D;
            ++B.NumberOfLogicalUnits;
            At += Each;
        }
    }
    KeReleaseSpinLock(&A.Lock, Old);
    return { STATUS_SUCCESS, At };
}

Answer GetCapabilities(Adapter& A, PIRP I)
{
    if (IoGetCurrentIrpStackLocation(I)->Parameters.DeviceIoControl.OutputBufferLength < sizeof(IO_SCSI_CAPABILITIES))
        return { STATUS_BUFFER_TOO_SMALL, 0 };
    auto& C = *static_cast<IO_SCSI_CAPABILITIES*>(I->AssociatedIrp.SystemBuffer);
    C = {};
    C.Length = sizeof(C);
    C.MaximumTransferLength = A.Config.MaximumTransferLength;
    C.MaximumPhysicalPages = A.Config.NumberOfPhysicalBreaks;
    C.AlignmentMask = A.Config.AlignmentMask;
    C.TaggedQueuing = A.Config.TaggedQueuing;
    C.AdapterScansDown = A.Config.AdapterScansDown;
    return { STATUS_SUCCESS, sizeof(C) };
}

}

NTSTATUS DeviceControl(Adapter& A, Unit* U, PIRP I)
{
    IO_STACK_LOCATION* S = IoGetCurrentIrpStackLocation(I);
    ULONG Code = S->Parameters.DeviceIoControl.IoControlCode;
    if (!A.Started)
        return Finish(I, STATUS_DEVICE_NOT_READY);
    Answer Result { STATUS_INVALID_DEVICE_REQUEST, 0 };
    switch (Code) {
    case IOCTL_SCSI_PASS_THROUGH:
    case IOCTL_SCSI_PASS_THROUGH_DIRECT:
        Result.Status = StartPassThrough(A, U, I, Code == IOCTL_SCSI_PASS_THROUGH_DIRECT);
        if (Result.Status == STATUS_PENDING)
            return Result.Status;
        break;
    case IOCTL_SCSI_MINIPORT:
        Result.Status = ToMiniport(A, U, I);
        if (Result.Status == STATUS_PENDING)
            return Result.Status;
        break;
    case IOCTL_SCSI_GET_CAPABILITIES:
        Result = GetCapabilities(A, I);
        break;
    case IOCTL_SCSI_GET_INQUIRY_DATA:
        if (!U)
            Result = InquiryData(A, I);
        break;
    case IOCTL_SCSI_GET_ADDRESS:
        if (!U)
            break;
        if (S->Parameters.DeviceIoControl.OutputBufferLength < sizeof(SCSI_ADDRESS)) {
            Result.Status = STATUS_BUFFER_TOO_SMALL;
        } else {
            *static_cast<SCSI_ADDRESS*>(I->AssociatedIrp.SystemBuffer) = { sizeof(SCSI_ADDRESS), UCHAR(A.Number), U->Path, U->Target, U->Lun };
            Result = { STATUS_SUCCESS, sizeof(SCSI_ADDRESS) };
        }
        break;
    case IOCTL_SCSI_RESCAN_BUS:
        if (!U) {
            Enumerate(A);
            IoInvalidateDeviceRelations(A.Pdo, BusRelations);
            Result.Status = STATUS_SUCCESS;
        }
        break;
    case IOCTL_STORAGE_QUERY_PROPERTY:
        Result = QueryProperty(A, U, I);
        break;
    case IOCTL_STORAGE_RESET_BUS:
    case IOCTL_STORAGE_RESET_DEVICE:
        Reset(A, U ? U->Path : 0);
        Result.Status = STATUS_SUCCESS;
        break;
    default:
        break;
    }
    return Finish(I, Result.Status, Result.Bytes);
}

}
