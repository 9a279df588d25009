// Byte-range locks of a file system's files.
#include "wdm/ntoskrnl/host.hpp"

using namespace host;

namespace {

struct Range {
    Range* Next;
    FILE_LOCK_INFO Info;                // EndingByte is the last byte; of an empty range the one before StartingByte
};
// FILE_LOCK.LockInformation.
struct Ranges {
    Range* First;
    LIST_ENTRY Waiting;                 // IRPs, by Tail.Overlay.ListEntry
};
// One for all files: it is held shortly. Taken at DISPATCH_LEVEL, as cancel routines are.
KSPIN_LOCK LocksLock;
class Locked {
public:
    Locked() : Old_(KeAcquireSpinLockRaiseToDpc(&LocksLock)) { }
    ~Locked() { KeReleaseSpinLock(&LocksLock, Old_); }

private:
    KIRQL Old_;
};

Ranges* Of(PFILE_LOCK L) { return static_cast<Ranges*>(L->LockInformation); }
Ranges* Make(PFILE_LOCK L)
{
    if (auto* R = Of(L))
        return R;
    auto* R = New<Ranges>();
    if (!R)
        return nullptr;
    InitializeListHead(&R->Waiting);
    Locked Now;
    if (L->LockInformation)
        Free(R);
    else
        L->LockInformation = R;
    return Of(L);
}

bool Overlap(const FILE_LOCK_INFO& A, u64 Start, u64 Length)
{
    u64 From = u64(A.StartingByte.QuadPart), Bytes = u64(A.Length.QuadPart);
    // An empty range conflicts with what it lies inside of.
    if (!Bytes)
        return From > Start && From - Start < Length;
    if (!Length)
        return Start > From && Start - From < Bytes;
    return Start >= From ? Start - From < Bytes : From - Start < Length;
}

bool Same(const FILE_LOCK_INFO& A, PFILE_OBJECT F, PVOID Process, ULONG Key) { return A.FileObject == F && A.ProcessId == Process && A.Key == Key; }

// Whether the lock may be given: exclusive ones exclude all others, shared ones the exclusive of others: a shared lock may lie over an exclusive one of
// the same file object, which is how one becomes the other.
bool Free(const Ranges& R, PFILE_OBJECT F, PVOID Process, u64 Start, u64 Length, ULONG Key, bool Exclusive)
{
    for (Range* L = R.First; L; L = L->Next)
        if ((Exclusive || (L->Info.ExclusiveLock && !Same(L->Info, F, Process, Key))) && Overlap(L->Info, Start, Length))
            return false;
    return true;
}

bool Give(PFILE_LOCK L, PFILE_OBJECT F, PVOID Process, u64 Start, u64 Length, ULONG Key, bool Exclusive, Range* New)
{
    New->Info = {};
    New->Info.StartingByte.QuadPart = LONGLONG(Start);
    New->Info.Length.QuadPart = LONGLONG(Length);
    New->Info.EndingByte.QuadPart = LONGLONG(Start + Length - 1);
    New->Info.ExclusiveLock = Exclusive;
    New->Info.Key = Key;
    New->Info.FileObject = F;
    New->Info.ProcessId = Process;
    New->Next = Of(L)->First;
    Of(L)->First = New;
    L->FastIoIsQuestionable = TRUE;
    return true;
}

void Complete(PFILE_LOCK L, PIRP I, PVOID Context, NTSTATUS Status)
{
    I->IoStatus.Status = Status;
    I->IoStatus.Information = 0;
    if (L->CompleteLockIrpRoutine)
        L->CompleteLockIrpRoutine(Context, I);      // it completes it
    else
        IoCompleteRequest(I, IO_DISK_INCREMENT);
}

void NTAPI CancelWait(PDEVICE_OBJECT, PIRP I)
{
    IoReleaseCancelSpinLock(I->CancelIrql);
    auto* L = static_cast<PFILE_LOCK>(I->Tail.Overlay.DriverContext[0]);
    PVOID Context = I->Tail.Overlay.DriverContext[1];
    {
        Locked Now;
        RemoveEntryList(&I->Tail.Overlay.ListEntry);
    }
    host::Free(I->Tail.Overlay.DriverContext[2]);
    Complete(L, I, Context, STATUS_CANCELLED);
}

// After an unlock: those that waited and may have theirs now.
void Retry(PFILE_LOCK L)
{
    for (;;) {
        PIRP Given = nullptr;
        PVOID Context = nullptr;
        {
            Locked Now;
            Ranges* R = Of(L);
            for (LIST_ENTRY* E = R->Waiting.Flink; E != &R->Waiting && !Given; E = E->Flink) {
                PIRP I = CONTAINING_RECORD(E, IRP, Tail.Overlay.ListEntry);
                auto* S = IoGetCurrentIrpStackLocation(I);
                auto& P = S->Parameters.LockControl;
                bool Exclusive = S->Flags & SL_EXCLUSIVE_LOCK;
                if (!Free(*R, S->FileObject, IoGetRequestorProcess(I), u64(P.ByteOffset.QuadPart), u64(P.Length->QuadPart), P.Key, Exclusive) || !IoSetCancelRoutine(I, nullptr))
                    continue;
                RemoveEntryList(E);
                Context = I->Tail.Overlay.DriverContext[1];
                Give(L, S->FileObject, IoGetRequestorProcess(I), u64(P.ByteOffset.QuadPart), u64(P.Length->QuadPart), P.Key, Exclusive, static_cast<Range*>(I->Tail.Overlay.DriverContext[2]));
                Given = I;
            }
        }
        if (!Given)
            return;
        Complete(L, Given, Context, STATUS_SUCCESS);
    }
}

// Takes away what Which says. Whether there was any.
template <typename F> bool Remove(PFILE_LOCK L, F Which, PVOID Context, bool One)
{
    if (!Of(L))
        return false;
    Range* Gone = nullptr;
    {
        Locked Now;
        for (Range** At = &Of(L)->First; *At;) {
            Range* R = *At;
            if (!Which(R->Info)) {
                At = &R->Next;
                continue;
            }
            *At = R->Next;
            R->Next = Gone;
            Gone = R;
            if (One)
                break;
        }
        if (!Of(L)->First)
            L->FastIoIsQuestionable = FALSE;
    }
    bool Any = Gone;
    while (Range* R = Gone) {
        Gone = R->Next;
        if (L->UnlockRoutine)
            L->UnlockRoutine(Context, &R->Info);
        host::Free(R);
    }
    if (Any)
        Retry(L);
    return Any;
}

bool MayAccess(PFILE_LOCK L, u64 Start, u64 Length, ULONG Key, PFILE_OBJECT F, PVOID Process, bool Write)
{
    if (!Of(L) || !Length)
        return true;
    Locked Now;
    for (Range* R = Of(L)->First; R; R = R->Next) {
        if (!Overlap(R->Info, Start, Length))
            continue;
        // A shared lock forbids all writing, an exclusive one everything to everybody else.
        if (R->Info.ExclusiveLock ? !Same(R->Info, F, Process, Key) : Write)
            return false;
    }
    return true;
}

}

extern "C" {

void NTAPI FsRtlInitializeFileLock(PFILE_LOCK L, PCOMPLETE_LOCK_IRP_ROUTINE Complete, PUNLOCK_ROUTINE Unlock)
{
    memset(L, 0, sizeof(*L));
    L->CompleteLockIrpRoutine = Complete;
    L->UnlockRoutine = Unlock;
}
void NTAPI FsRtlUninitializeFileLock(PFILE_LOCK L)
{
    auto* R = Of(L);
    if (!R)
        return;
    for (;;) {
        PIRP I = nullptr;
        {
            Locked Now;
            for (LIST_ENTRY* E = R->Waiting.Flink; E != &R->Waiting && !I; E = E->Flink) {
                PIRP W = CONTAINING_RECORD(E, IRP, Tail.Overlay.ListEntry);
                if (IoSetCancelRoutine(W, nullptr)) {
                    RemoveEntryList(E);
                    I = W;
                }
            }
        }
        if (!I)
            break;
        host::Free(I->Tail.Overlay.DriverContext[2]);
        Complete(L, I, I->Tail.Overlay.DriverContext[1], STATUS_RANGE_NOT_LOCKED);
    }
    while (Range* First = R->First) {
        R->First = First->Next;
        host::Free(First);
    }
    L->LockInformation = nullptr;
    host::Free(R);
}
PFILE_LOCK NTAPI FsRtlAllocateFileLock(PCOMPLETE_LOCK_IRP_ROUTINE Complete, PUNLOCK_ROUTINE Unlock)
{
    auto* L = New<FILE_LOCK>();
    if (L)
        FsRtlInitializeFileLock(L, Complete, Unlock);
    return L;
}
void NTAPI FsRtlFreeFileLock(PFILE_LOCK L)
{
    FsRtlUninitializeFileLock(L);
    host::Free(L);
}

BOOLEAN NTAPI FsRtlPrivateLock(PFILE_LOCK L, PFILE_OBJECT F, PLARGE_INTEGER Offset, PLARGE_INTEGER Length, PEPROCESS Process, ULONG Key, BOOLEAN FailAtOnce, BOOLEAN Exclusive,
                               PIO_STATUS_BLOCK Iosb, PIRP I, PVOID Context, BOOLEAN)
{
    auto* R = Make(L);
    auto* N = R ? New<Range>() : nullptr;
    auto End = [&](NTSTATUS Status) {
        Iosb->Status = Status;
        if (I)
            Complete(L, I, Context, Status);
        return TRUE;
    };
    if (!N)
        return End(STATUS_INSUFFICIENT_RESOURCES);
    u64 Start = u64(Offset->QuadPart), Bytes = u64(Length->QuadPart);
    if (Bytes && Start + Bytes - 1 < Start) {
        host::Free(N);
        return End(STATUS_INVALID_LOCK_RANGE);
    }
    bool Given, Cancelled = false;
    {
        Locked Now;
        Given = Free(*R, F, Process, Start, Bytes, Key, Exclusive);
        if (Given) {
            Give(L, F, Process, Start, Bytes, Key, Exclusive, N);
        } else if (!FailAtOnce && I) {
            I->Tail.Overlay.DriverContext[0] = L;
            I->Tail.Overlay.DriverContext[1] = Context;
            I->Tail.Overlay.DriverContext[2] = N;
            IoMarkIrpPending(I);
            InsertTailList(&R->Waiting, &I->Tail.Overlay.ListEntry);
            IoSetCancelRoutine(I, CancelWait);
            if (I->Cancel && IoSetCancelRoutine(I, nullptr)) {
                RemoveEntryList(&I->Tail.Overlay.ListEntry);
                Cancelled = true;
            } else {
                Iosb->Status = STATUS_PENDING;
                return TRUE;
            }
        }
    }
    if (Given)
        return End(STATUS_SUCCESS);
    host::Free(N);
    if (Cancelled)
        return End(STATUS_CANCELLED);
    if (!FailAtOnce && !I)
        return FALSE;                   // it would have to wait
    return End(STATUS_LOCK_NOT_GRANTED);
}

NTSTATUS NTAPI FsRtlFastUnlockSingle(PFILE_LOCK L, PFILE_OBJECT F, PLARGE_INTEGER Offset, PLARGE_INTEGER Length, PEPROCESS Process, ULONG Key, PVOID Context, BOOLEAN)
{
    // Of an exclusive and a shared lock of the same range the exclusive one goes first.
    auto Named = [&](const FILE_LOCK_INFO& I) { return Same(I, F, Process, Key) && I.StartingByte.QuadPart == Offset->QuadPart && I.Length.QuadPart == Length->QuadPart; };
    bool Any = Remove(L, [&](const FILE_LOCK_INFO& I) { return I.ExclusiveLock && Named(I); }, Context, true) || Remove(L, Named, Context, true);
    return Any ? STATUS_SUCCESS : STATUS_RANGE_NOT_LOCKED;
}
NTSTATUS NTAPI FsRtlFastUnlockAll(PFILE_LOCK L, PFILE_OBJECT F, PEPROCESS Process, PVOID Context)
{
    bool Any = Remove(L, [&](const FILE_LOCK_INFO& I) { return I.FileObject == F && I.ProcessId == Process; }, Context, false);
    return Any ? STATUS_SUCCESS : STATUS_RANGE_NOT_LOCKED;
}
NTSTATUS NTAPI FsRtlFastUnlockAllByKey(PFILE_LOCK L, PFILE_OBJECT F, PEPROCESS Process, ULONG Key, PVOID Context)
{
    bool Any = Remove(L, [&](const FILE_LOCK_INFO& I) { return Same(I, F, Process, Key); }, Context, false);
    return Any ? STATUS_SUCCESS : STATUS_RANGE_NOT_LOCKED;
}

NTSTATUS NTAPI FsRtlProcessFileLock(PFILE_LOCK L, PIRP I, PVOID Context)
{
    auto* S = IoGetCurrentIrpStackLocation(I);
    auto& P = S->Parameters.LockControl;
    PEPROCESS Process = IoGetRequestorProcess(I);
    IO_STATUS_BLOCK Iosb {};
    switch (S->MinorFunction) {
    case IRP_MN_LOCK:
        FsRtlPrivateLock(L, S->FileObject, &P.ByteOffset, P.Length, Process, P.Key, (S->Flags & SL_FAIL_IMMEDIATELY) != 0, (S->Flags & SL_EXCLUSIVE_LOCK) != 0, &Iosb, I, Context, FALSE);
        return Iosb.Status;
    case IRP_MN_UNLOCK_SINGLE:
        Iosb.Status = FsRtlFastUnlockSingle(L, S->FileObject, &P.ByteOffset, P.Length, Process, P.Key, Context, FALSE);
        break;
    case IRP_MN_UNLOCK_ALL:
        Iosb.Status = FsRtlFastUnlockAll(L, S->FileObject, Process, Context);
        break;
    case IRP_MN_UNLOCK_ALL_BY_KEY:
        Iosb.Status = FsRtlFastUnlockAllByKey(L, S->FileObject, Process, P.Key, Context);
        break;
    default:
        Iosb.Status = STATUS_INVALID_DEVICE_REQUEST;
        break;
    }
    Complete(L, I, Context, Iosb.Status);
    return Iosb.Status;
}

BOOLEAN NTAPI FsRtlFastCheckLockForRead(PFILE_LOCK L, PLARGE_INTEGER Offset, PLARGE_INTEGER Length, ULONG Key, PFILE_OBJECT F, PVOID Process)
{
    return MayAccess(L, u64(Offset->QuadPart), u64(Length->QuadPart), Key, F, Process, false);
}
BOOLEAN NTAPI FsRtlFastCheckLockForWrite(PFILE_LOCK L, PLARGE_INTEGER Offset, PLARGE_INTEGER Length, ULONG Key, PFILE_OBJECT F, PVOID Process)
{
    return MayAccess(L, u64(Offset->QuadPart), u64(Length->QuadPart), Key, F, Process, true);
}
BOOLEAN NTAPI FsRtlCheckLockForReadAccess(PFILE_LOCK L, PIRP I)
{
    auto* S = IoGetCurrentIrpStackLocation(I);
    return MayAccess(L, u64(S->Parameters.Read.ByteOffset.QuadPart), S->Parameters.Read.Length, S->Parameters.Read.Key, S->FileObject, IoGetRequestorProcess(I), false);
}
BOOLEAN NTAPI FsRtlCheckLockForWriteAccess(PFILE_LOCK L, PIRP I)
{
    auto* S = IoGetCurrentIrpStackLocation(I);
    return MayAccess(L, u64(S->Parameters.Write.ByteOffset.QuadPart), S->Parameters.Write.Length, S->Parameters.Write.Key, S->FileObject, IoGetRequestorProcess(I), true);
}
PFILE_LOCK_INFO NTAPI FsRtlGetNextFileLock(PFILE_LOCK L, BOOLEAN Restart)
{
    if (!Of(L))
        return nullptr;
    Locked Now;
    auto* At = Restart ? Of(L)->First : static_cast<Range*>(L->LastReturnedLock);
    if (!At)
        return nullptr;
    L->LastReturnedLockInfo = At->Info;
    L->LastReturnedLock = At->Next;
    return &L->LastReturnedLockInfo;
}

BOOLEAN NTAPI FsRtlAreThereWaitingFileLocks(PFILE_LOCK L)
{
    if (!Of(L))
        return FALSE;
    Locked Now;
    return !IsListEmpty(&Of(L)->Waiting);
}
// Whether an opportunistic lock may be given: no range inside the allocation is locked.
BOOLEAN NTAPI FsRtlCheckLockForOplockRequest(PFILE_LOCK L, PLARGE_INTEGER Allocation)
{
    if (!Of(L))
        return TRUE;
    Locked Now;
    for (Range* R = Of(L)->First; R; R = R->Next)
        if (u64(R->Info.StartingByte.QuadPart) < u64(Allocation->QuadPart))
            return FALSE;
    return TRUE;
}

}
