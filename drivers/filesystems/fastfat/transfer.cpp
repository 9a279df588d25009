// Data between a request's pages and the medium, in as many requests to the device as it lies in pieces, all under way at once.
#include "fastfat.hpp"

namespace fastfat {

namespace {

struct Transfer {
    PIRP Irp;
    Fcb* F;
    LONG Left;
    LONG Failed;                        // status
    ULONG_PTR Information;
    u64 Past;                           // up to here the folder is to know of the data before the request is complete; 0: it need not
    WORK_QUEUE_ITEM Item;
};

void Finish(Transfer* T)
{
    PIRP I = T->Irp;
    NTSTATUS Status = T->Failed;
    ULONG_PTR Information = T->Information;
    Free(T);
    Complete(I, Status, Status >= 0 ? Information : 0);
}

void NTAPI Commit(PVOID Context)
{
    auto* T = static_cast<Transfer*>(Context);
    {
        Locked Held(*T->F->Of);
        if (Status S = CommitSize(*T->F, T->Past); !S.Ok())
            T->Failed = S.Code();
    }
    Finish(T);
}

void End(Transfer* T)
{
    if (InterlockedDecrement(&T->Left))
        return;
    Fcb* F = T->F;
    if (!InterlockedDecrement(&F->Moving))
        KeSetEvent(&F->Still, 0, FALSE);
    if (T->Past && T->Failed >= 0) {
        ExInitializeWorkItem(&T->Item, Commit, T);
        ExQueueWorkItem(&T->Item, DelayedWorkQueue);
        return;
    }
    Finish(T);
}

NTSTATUS NTAPI PieceDone(PDEVICE_OBJECT, PIRP Piece, PVOID Context)
{
    auto* T = static_cast<Transfer*>(Context);
    if (Piece->IoStatus.Status < 0)
        T->Failed = Piece->IoStatus.Status;
    while (PMDL M = Piece->MdlAddress) {
        Piece->MdlAddress = M->Next;
        IoFreeMdl(M);
    }
    IoFreeIrp(Piece);
    End(T);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

}

// With the volume's resource held; it is given back before anything is sent.
NTSTATUS Move(Fcb& F, PIRP I, bool Write, u64 Offset, u32 Bytes, ULONG_PTR Information, u64 Past)
{
    Volume& V = *F.Of;
    DEVICE_OBJECT* To = V.On.Target;
    auto Fail = [&](NTSTATUS Status) {
        ExReleaseResourceLite(&V.Lock);
        return Complete(I, Status);
    };
    if (!Bytes) {
        ExReleaseResourceLite(&V.Lock);
        return Complete(I, STATUS_SUCCESS, Information);
    }
    if (!I->MdlAddress)
        return Fail(STATUS_INVALID_USER_BUFFER);
    auto* T = static_cast<Transfer*>(Allocate(sizeof(Transfer)));
    if (!T)
        return Fail(STATUS_INSUFFICIENT_RESOURCES);
    *T = { I, &F, 1, STATUS_SUCCESS, Information, Past, {} };
    PIRP First = nullptr;
    PIRP* Next = &First;
    u32 Count = 0;
    Status Outcome = STATUS_SUCCESS;
    auto* Start = static_cast<u8*>(MmGetMdlVirtualAddress(I->MdlAddress));
    for (u32 Done = 0; Done < Bytes;) {
        // The last sector may reach behind the last cluster's used part, not behind the cluster.
        auto Run = V.Fat->Where(F.Entry, Offset + Done, Bytes - Done);
        if (!Run.Ok()) {
            Outcome = Run.GetStatus();
            break;
        }
        u32 Part = u32(Run->Bytes);
        PIRP Piece = IoAllocateIrp(To->StackSize, FALSE);
        PMDL M = Piece ? IoAllocateMdl(Start + Done, Part, FALSE, FALSE, Piece) : nullptr;
        if (!M) {
            if (Piece)
                IoFreeIrp(Piece);
            Outcome = STATUS_INSUFFICIENT_RESOURCES;
            break;
        }
        IoBuildPartialMdl(I->MdlAddress, M, Start + Done, Part);
        IO_STACK_LOCATION* S = IoGetNextIrpStackLocation(Piece);
        S->MajorFunction = Write ? IRP_MJ_WRITE : IRP_MJ_READ;
        S->Parameters.Read.Length = Part;
        S->Parameters.Read.ByteOffset.QuadPart = LONGLONG(Run->At);
        IoSetCompletionRoutine(Piece, PieceDone, T, TRUE, TRUE, TRUE);
        Piece->Tail.Overlay.DriverContext[0] = nullptr;
        *Next = Piece;
        Next = reinterpret_cast<PIRP*>(&Piece->Tail.Overlay.DriverContext[0]);
        if (Write)
            V.On.Forget(Run->At, Part);
        ++Count;
        Done += Part;
    }
    if (!Outcome.Ok()) {
        while (PIRP Piece = First) {
            First = static_cast<PIRP>(Piece->Tail.Overlay.DriverContext[0]);
            IoFreeMdl(Piece->MdlAddress);
            Piece->MdlAddress = nullptr;
            IoFreeIrp(Piece);
        }
        Free(T);
        return Fail(Outcome.Code());
    }
    T->Left = LONG(Count) + 1;
    KeClearEvent(&F.Still);
    InterlockedIncrement(&F.Moving);
    IoMarkIrpPending(I);
    ExReleaseResourceLite(&V.Lock);
    while (PIRP Piece = First) {
        First = static_cast<PIRP>(Piece->Tail.Overlay.DriverContext[0]);
        IoCallDriver(To, Piece);
    }
    End(T);
    return STATUS_PENDING;
}

}
