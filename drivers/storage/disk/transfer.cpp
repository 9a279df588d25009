// Reads, writes and flushes: pieces of one request, each with a block of its own, and trying again.
#include "drivers/storage/disk/disk.hpp"

namespace disk {

namespace {

constexpr ULONG Tries = 5;

struct Whole;

struct Piece {
    Whole* Of;
    PIRP Irp;
    ULONG Offset, Bytes;                // in the whole
    ULONG TriesLeft;
    UCHAR Cdb[16], CdbBytes;
    KTIMER Timer;
    KDPC Dpc;
    SCSI_REQUEST_BLOCK Srb;
    UCHAR Sense[SenseBytes];
};

// A request of somebody else's and the pieces it is made of, which follow.
struct Whole {
    Disk* D;
    PIRP Irp;
    LONG Left;
    NTSTATUS Status;
    ULONG Bytes;
    bool Write, IsFlush;
    Piece* Pieces() { return reinterpret_cast<Piece*>(this + 1); }
};

NTSTATUS NTAPI Arrived(PDEVICE_OBJECT, PIRP Irp, PVOID Context);

void Send(Piece& P)
{
    Whole& W = *P.Of;
    void* Data = P.Bytes ? static_cast<char*>(MmGetMdlVirtualAddress(W.Irp->MdlAddress)) + P.Offset : nullptr;
    Prepare(P.Srb, P.Cdb, P.CdbBytes, Data, P.Bytes, W.Write, P.Sense);
    P.Irp->MdlAddress = P.Bytes ? W.Irp->MdlAddress : nullptr;
    PIO_STACK_LOCATION Next = IoGetNextIrpStackLocation(P.Irp);
    Next->MajorFunction = IRP_MJ_SCSI;
    Next->Parameters.Scsi.Srb = &P.Srb;
    IoSetCompletionRoutine(P.Irp, Arrived, &P, TRUE, TRUE, TRUE);
    IoCallDriver(W.D->Below, P.Irp);
}

void NTAPI Again(PKDPC, PVOID Context, PVOID, PVOID)
{
    Send(*static_cast<Piece*>(Context));
}

void Ends(Whole* W)
{
    if (InterlockedDecrement(&W->Left))
        return;
    PIRP Irp = W->Irp;
    Disk& D = *W->D;
    NTSTATUS Status = W->Status;
    ULONG Bytes = NT_SUCCESS(Status) ? W->Bytes : 0;
    ExFreePoolWithTag(W, Tag);
    Complete(Irp, Status, Bytes);
    IoReleaseRemoveLock(&D.Lock, Irp);
}

NTSTATUS NTAPI Arrived(PDEVICE_OBJECT, PIRP Irp, PVOID Context)
{
    auto& P = *static_cast<Piece*>(Context);
    Whole& W = *P.Of;
    Verdict V = Judge(P.Srb, Irp->IoStatus.Status);
    // A device that has no cache need not know the command.
    if (W.IsFlush && V.Status == STATUS_INVALID_DEVICE_REQUEST)
        V.Status = STATUS_SUCCESS;
    if (NT_SUCCESS(V.Status) && P.Srb.DataTransferLength < P.Bytes)
        V = { STATUS_IO_DEVICE_ERROR, true, 0 };
    if (!NT_SUCCESS(V.Status) && V.Again && --P.TriesLeft && !W.D->Gone) {
        IoReuseIrp(Irp, STATUS_NOT_SUPPORTED);
        if (V.DelayMs) {
            LARGE_INTEGER Due;
            Due.QuadPart = -10000ll * V.DelayMs;
            KeSetTimer(&P.Timer, Due, &P.Dpc);
        } else {
            Send(P);
        }
        return STATUS_MORE_PROCESSING_REQUIRED;
    }
    Irp->MdlAddress = nullptr;
    IoFreeIrp(Irp);
    if (!NT_SUCCESS(V.Status))
        W.Status = V.Status;
    Ends(&W);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

// With the remove lock held, which Ends gives back. Null: no memory.
Whole* Make(Disk& D, PIRP Irp, ULONG Count, bool Write)
{
    auto* W = static_cast<Whole*>(ExAllocatePoolWithTag(NonPagedPool, sizeof(Whole) + Count * sizeof(Piece), Tag));
    if (!W)
        return nullptr;
    memset(static_cast<void*>(W), 0, sizeof(Whole) + Count * sizeof(Piece));
    W->D = &D;
    W->Irp = Irp;
    W->Left = LONG(Count) + 1;
    W->Write = Write;
    for (ULONG I = 0; I < Count; ++I) {
        Piece& P = W->Pieces()[I];
        P.Of = W;
        P.TriesLeft = Tries;
        KeInitializeTimer(&P.Timer);
        KeInitializeDpc(&P.Dpc, Again, &P);
        P.Irp = IoAllocateIrp(D.Below->StackSize, FALSE);
        if (P.Irp)
            continue;
        while (I--)
            IoFreeIrp(W->Pieces()[I].Irp);
        ExFreePoolWithTag(W, Tag);
        return nullptr;
    }
    return W;
}

NTSTATUS Refuse(Disk& D, PIRP Irp, NTSTATUS Status)
{
    Complete(Irp, Status);
    IoReleaseRemoveLock(&D.Lock, Irp);
    return Status;
}

}

NTSTATUS NTAPI ReadWrite(PDEVICE_OBJECT Device, PIRP Irp)
{
    Disk& D = Of(Device);
    PIO_STACK_LOCATION S = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS Status = IoAcquireRemoveLock(&D.Lock, Irp);
    if (!NT_SUCCESS(Status))
        return Complete(Irp, STATUS_DEVICE_DOES_NOT_EXIST);
    bool Write = S->MajorFunction == IRP_MJ_WRITE;
    ULONG Bytes = S->Parameters.Read.Length;
    ULONGLONG Offset = ULONGLONG(S->Parameters.Read.ByteOffset.QuadPart);
    if (!D.Started || !D.Sectors)
        return Refuse(D, Irp, STATUS_DEVICE_NOT_READY);
    if (Bytes % D.SectorBytes || Offset % D.SectorBytes)
        return Refuse(D, Irp, STATUS_INVALID_PARAMETER);
    if (Offset / D.SectorBytes > D.Sectors || Bytes / D.SectorBytes > D.Sectors - Offset / D.SectorBytes)
        return Refuse(D, Irp, STATUS_INVALID_PARAMETER);
    if (Write && D.ReadOnly)
        return Refuse(D, Irp, STATUS_MEDIA_WRITE_PROTECTED);
    if (!Bytes)
        return Refuse(D, Irp, STATUS_SUCCESS);
    if (!Irp->MdlAddress)
        return Refuse(D, Irp, STATUS_INVALID_PARAMETER);
    ULONG Count = (Bytes + D.MostBytes - 1) / D.MostBytes;
    Whole* W = Make(D, Irp, Count, Write);
    if (!W)
        return Refuse(D, Irp, STATUS_INSUFFICIENT_RESOURCES);
    W->Bytes = Bytes;
    IoMarkIrpPending(Irp);
    bool Long = D.Sectors > 0xFFFFFFFF;
    // Force unit access for a write that must be on the medium.
    UCHAR Force = Write && S->Flags & SL_WRITE_THROUGH ? 8 : 0;
    for (ULONG I = 0; I < Count; ++I) {
        Piece& P = W->Pieces()[I];
        P.Offset = I * D.MostBytes;
        P.Bytes = Bytes - P.Offset < D.MostBytes ? Bytes - P.Offset : D.MostBytes;
        ULONGLONG First = (Offset + P.Offset) / D.SectorBytes;
        ULONG Sectors = P.Bytes / D.SectorBytes;
        P.Cdb[1] = Force;
        if (Long || Sectors > 0xFFFF) {
            P.Cdb[0] = Write ? Write16 : Read16;
            P.CdbBytes = 16;
            PutBig(P.Cdb + 2, First, 8);
            PutBig(P.Cdb + 10, Sectors, 4);
        } else {
            P.Cdb[0] = Write ? Write10 : Read10;
            P.CdbBytes = 10;
            PutBig(P.Cdb + 2, First, 4);
            PutBig(P.Cdb + 7, Sectors, 2);
        }
        Send(P);
    }
    Ends(W);
    return STATUS_PENDING;
}

NTSTATUS SendCommand(Disk& D, PIRP Irp, const UCHAR* Cdb, UCHAR CdbBytes)
{
    Whole* W = Make(D, Irp, 1, false);
    if (!W)
        return Refuse(D, Irp, STATUS_INSUFFICIENT_RESOURCES);
    IoMarkIrpPending(Irp);
    W->IsFlush = Cdb[0] == SynchronizeCache10;
    Piece& P = *W->Pieces();
    P.CdbBytes = CdbBytes;
    memcpy(P.Cdb, Cdb, CdbBytes);
    Send(P);
    Ends(W);
    return STATUS_PENDING;
}

NTSTATUS NTAPI Flush(PDEVICE_OBJECT Device, PIRP Irp)
{
    Disk& D = Of(Device);
    NTSTATUS Status = IoAcquireRemoveLock(&D.Lock, Irp);
    if (!NT_SUCCESS(Status))
        return Complete(Irp, STATUS_DEVICE_DOES_NOT_EXIST);
    if (!D.Started)
        return Refuse(D, Irp, STATUS_DEVICE_NOT_READY);
    UCHAR Cdb[10] = { SynchronizeCache10 };
    return SendCommand(D, Irp, Cdb, sizeof(Cdb));
}

}
