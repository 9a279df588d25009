// IRP_MJ_SCSI: what class drivers send to a unit.
#include "port.hpp"

namespace stor {

namespace {

void FinishScsi(Request& R)
{
    PIRP I = R.Irp;
    CopyBack(R);
    UCHAR Status = SrbGetSrbStatus(R.Original);
    ULONG Bytes = SrbGetDataTransferLength(R.Original);
    NTSTATUS S = StatusOf(Status);
    FreeRequest(R);
    // As the port drivers: the length that was transferred, also with an overrun (fewer bytes than asked for).
    Finish(I, S, NT_SUCCESS(S) || S == STATUS_BUFFER_OVERFLOW ? Bytes : 0);
}

// The data of a class driver's request: its MDL, or memory of this process.
NTSTATUS TakeData(Request& R, PVOID Srb, PIRP I)
{
    auto* At = static_cast<UCHAR*>(SrbGetDataBuffer(Srb));
    if (!R.Bytes || !(SrbGetSrbFlags(Srb) & (SRB_FLAGS_DATA_IN | SRB_FLAGS_DATA_OUT)))
        return R.Bytes = 0, STATUS_SUCCESS;
    if (PMDL M = I->MdlAddress) {
        auto* Start = static_cast<UCHAR*>(MmGetMdlVirtualAddress(M));
        if (At >= Start && ULONG_PTR(At - Start) + R.Bytes <= MmGetMdlByteCount(M)) {
            R.Mdl = M;
            R.Offset = ULONG_PTR(At - Start);
            return STATUS_SUCCESS;
        }
    }
    if (!At)
        return STATUS_INVALID_PARAMETER;
    R.Mdl = IoAllocateMdl(At, R.Bytes, FALSE, FALSE, nullptr);
    if (!R.Mdl)
        return STATUS_INSUFFICIENT_RESOURCES;
    MmBuildMdlForNonPagedPool(R.Mdl);
    R.FreeMdl = true;
    return STATUS_SUCCESS;
}

NTSTATUS Send(Unit& U, PIRP I, PVOID Srb)
{
    Request* R = NewRequest(*U.Of);
    if (!R) {
        SrbSetSrbStatus(Srb, SRB_STATUS_INTERNAL_ERROR);
        return Finish(I, STATUS_INSUFFICIENT_RESOURCES);
    }
    R->Lun = &U;
    R->Irp = I;
    R->Finish = FinishScsi;
    NTSTATUS Status = DescribeOriginal(*R, Srb);
    if (NT_SUCCESS(Status))
        Status = TakeData(*R, Srb, I);
    if (!NT_SUCCESS(Status)) {
        FreeRequest(*R);
        SrbSetSrbStatus(Srb, SRB_STATUS_INVALID_REQUEST);
        return Finish(I, Status);
    }
    IoMarkIrpPending(I);
    Submit(*R);
    return STATUS_PENDING;
}

NTSTATUS Answer(PIRP I, PVOID Srb, UCHAR SrbStatus, NTSTATUS Status)
{
    SrbSetSrbStatus(Srb, SrbStatus);
    return Finish(I, Status);
}

}

NTSTATUS UnitScsi(Unit& U, PIRP I)
{
    PVOID Srb = IoGetCurrentIrpStackLocation(I)->Parameters.Scsi.Srb;
    Adapter& A = *U.Of;
    if (!Srb)
        return Finish(I, STATUS_INVALID_PARAMETER);
    if (!U.Present)
        return Answer(I, Srb, SRB_STATUS_NO_DEVICE, STATUS_DEVICE_DOES_NOT_EXIST);
    switch (SrbGetSrbFunction(Srb)) {
    case SRB_FUNCTION_EXECUTE_SCSI:
    case SRB_FUNCTION_IO_CONTROL:
    case SRB_FUNCTION_FLUSH:
    case SRB_FUNCTION_SHUTDOWN:
        return Send(U, I, Srb);
    case SRB_FUNCTION_CLAIM_DEVICE:
    case SRB_FUNCTION_ATTACH_DEVICE: {
        KIRQL Old = KeAcquireSpinLockRaiseToDpc(&A.Lock);
        bool Was = U.Claimed;
        U.Claimed = true;
        KeReleaseSpinLock(&A.Lock, Old);
        if (Was)
            return Answer(I, Srb, SRB_STATUS_BUSY, STATUS_DEVICE_BUSY);
        SrbSetDataBuffer(Srb, U.Self);
        return Answer(I, Srb, SRB_STATUS_SUCCESS, STATUS_SUCCESS);
    }
    case SRB_FUNCTION_RELEASE_DEVICE:
    case SRB_FUNCTION_REMOVE_DEVICE:
        U.Claimed = false;
        return Answer(I, Srb, SRB_STATUS_SUCCESS, STATUS_SUCCESS);
    case SRB_FUNCTION_LOCK_QUEUE:
    case SRB_FUNCTION_UNLOCK_QUEUE: {
        bool Lock = SrbGetSrbFunction(Srb) == SRB_FUNCTION_LOCK_QUEUE;
        KIRQL Old = KeAcquireSpinLockRaiseToDpc(&A.Lock);
        if (Lock)
            ++U.Locked;
        else if (U.Locked)
            --U.Locked;
        KeReleaseSpinLock(&A.Lock, Old);
        SrbSetSrbStatus(Srb, SRB_STATUS_SUCCESS);
        Finish(I, STATUS_SUCCESS);
        StartWaiting(A);
        return STATUS_SUCCESS;
    }
    case SRB_FUNCTION_RELEASE_QUEUE:
    case SRB_FUNCTION_RELEASE_RECOVERY:
        return Answer(I, Srb, SRB_STATUS_SUCCESS, STATUS_SUCCESS);
    case SRB_FUNCTION_FLUSH_QUEUE: {
        // What has not been sent yet ends.
        LIST_ENTRY Taken;
        InitializeListHead(&Taken);
        KIRQL Old = KeAcquireSpinLockRaiseToDpc(&A.Lock);
        while (!IsListEmpty(&U.Waiting))
            InsertTailList(&Taken, RemoveHeadList(&U.Waiting));
        KeReleaseSpinLock(&A.Lock, Old);
        while (!IsListEmpty(&Taken)) {
            auto* R = CONTAINING_RECORD(RemoveHeadList(&Taken), Request, Link);
            SrbSetSrbStatus(R->Block, SRB_STATUS_REQUEST_FLUSHED);
            R->Finish(*R);
        }
        return Answer(I, Srb, SRB_STATUS_SUCCESS, STATUS_SUCCESS);
    }
    case SRB_FUNCTION_RESET_BUS:
    case SRB_FUNCTION_RESET_DEVICE:
    case SRB_FUNCTION_RESET_LOGICAL_UNIT:
        Reset(A, U.Path);
        return Answer(I, Srb, SRB_STATUS_SUCCESS, STATUS_SUCCESS);
    default:
        return Answer(I, Srb, SRB_STATUS_BAD_FUNCTION, STATUS_INVALID_DEVICE_REQUEST);
    }
}

}
