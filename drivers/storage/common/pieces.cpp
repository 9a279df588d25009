// Reads, writes and flushes: pieces of one request, each with a block of its own, and trying again.
#include "srb.hpp"

namespace srb {

namespace {

constexpr ULONG Tag = 'ceiP';


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
    Mover* M;
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
    P.Srb.SrbFlags |= W.M->MoreFlags;
    P.Srb.TimeOutValue = W.M->Seconds;
    P.Irp->MdlAddress = P.Bytes ? W.Irp->MdlAddress : nullptr;
    PIO_STACK_LOCATION Next = IoGetNextIrpStackLocation(P.Irp);
    Next->MajorFunction = IRP_MJ_SCSI;
    Next->Parameters.Scsi.Srb = &P.Srb;
    IoSetCompletionRoutine(P.Irp, Arrived, &P, TRUE, TRUE, TRUE);
    IoCallDriver(W.M->Below, P.Irp);
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
    Mover& M = *W->M;
    NTSTATUS Status = W->Status;
    ULONG Bytes = NT_SUCCESS(Status) ? W->Bytes : 0;
    ExFreePoolWithTag(W, Tag);
    M.Ended(M, Irp, Status, Bytes);
}

NTSTATUS NTAPI Arrived(PDEVICE_OBJECT, PIRP Irp, PVOID Context)
{
    auto& P = *static_cast<Piece*>(Context);
    Whole& W = *P.Of;
    Verdict V = W.M->Decide(*W.M, W.Irp, P.Srb, Irp->IoStatus.Status, Tries - P.TriesLeft);
    // A device that has no cache need not know the command.
    if (W.IsFlush && V.Status == STATUS_INVALID_DEVICE_REQUEST)
        V.Status = STATUS_SUCCESS;
    if (NT_SUCCESS(V.Status) && P.Srb.DataTransferLength < P.Bytes)
        V = { STATUS_IO_DEVICE_ERROR, true, 0 };
    if (!NT_SUCCESS(V.Status) && V.Again && --P.TriesLeft && !W.M->Gone) {
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

// Null: no memory.
Whole* Make(Mover& M, PIRP Irp, ULONG Count, bool Write)
{
    auto* W = static_cast<Whole*>(ExAllocatePoolWithTag(NonPagedPool, sizeof(Whole) + Count * sizeof(Piece), Tag));
    if (!W)
        return nullptr;
    memset(static_cast<void*>(W), 0, sizeof(Whole) + Count * sizeof(Piece));
    W->M = &M;
    W->Irp = Irp;
    W->Left = LONG(Count) + 1;
    W->Write = Write;
    for (ULONG I = 0; I < Count; ++I) {
        Piece& P = W->Pieces()[I];
        P.Of = W;
        P.TriesLeft = Tries;
        KeInitializeTimer(&P.Timer);
        KeInitializeDpc(&P.Dpc, Again, &P);
        P.Irp = IoAllocateIrp(M.Below->StackSize, FALSE);
        if (P.Irp)
            continue;
        while (I--)
            IoFreeIrp(W->Pieces()[I].Irp);
        ExFreePoolWithTag(W, Tag);
        return nullptr;
    }
    return W;
}

}

NTSTATUS Move(Mover& M, PIRP Irp, ULONGLONG Offset, ULONG Bytes, ULONG Most, bool Write, bool Force, bool Long)
{
    ULONG Count = (Bytes + Most - 1) / Most;
    Whole* W = Make(M, Irp, Count, Write);
    if (!W)
        return STATUS_INSUFFICIENT_RESOURCES;
    W->Bytes = Bytes;
    IoMarkIrpPending(Irp);
    for (ULONG I = 0; I < Count; ++I) {
        Piece& P = W->Pieces()[I];
        P.Offset = I * Most;
        P.Bytes = Bytes - P.Offset < Most ? Bytes - P.Offset : Most;
        ULONGLONG First = (Offset + P.Offset) / M.SectorBytes;
        ULONG Sectors = P.Bytes / M.SectorBytes;
        P.Cdb[1] = Force ? 8 : 0;       // force unit access
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

NTSTATUS Command(Mover& M, PIRP Irp, const UCHAR* Cdb, UCHAR CdbBytes)
{
    Whole* W = Make(M, Irp, 1, false);
    if (!W)
        return STATUS_INSUFFICIENT_RESOURCES;
    IoMarkIrpPending(Irp);
    W->IsFlush = Cdb[0] == SynchronizeCache10 || Cdb[0] == SynchronizeCache16;
    Piece& P = *W->Pieces();
    P.CdbBytes = CdbBytes;
    memcpy(P.Cdb, Cdb, CdbBytes);
    Send(P);
    Ends(W);
    return STATUS_PENDING;
}

}
