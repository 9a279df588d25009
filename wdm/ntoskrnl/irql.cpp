// IRQL, spin locks, DPCs, and what the verifier says about them.
#include "wdm/ntoskrnl/host.hpp"

namespace host {

static Lock DispatchLock;
LIST_ENTRY Dpcs = { &Dpcs, &Dpcs };
static DISPATCHER_HEADER* Unused;

void Lock::Wait()
{
    (void)Unused;
    while (__atomic_exchange_n(&State_, 2, __ATOMIC_ACQUIRE) != 0) {
        LONG Two = 2;
        RtlWaitOnAddress(&State_, &Two, sizeof(Two), nullptr);
    }
}

KIRQL Raise(KIRQL To)
{
    Thread* T = Current();
    KIRQL Old = T->Irql;
    if (Old < DISPATCH_LEVEL && To >= DISPATCH_LEVEL)
        DispatchLock.Acquire();
    T->Irql = To;
    return Old;
}

void RunDpcs()
{
    while (!IsListEmpty(&Dpcs)) {
        auto* D = CONTAINING_RECORD(RemoveHeadList(&Dpcs), KDPC, DpcListEntry);
        D->DpcData = nullptr;
        Current()->Irql = DISPATCH_LEVEL;
        D->DeferredRoutine(D, D->DeferredContext, D->SystemArgument1, D->SystemArgument2);
        if (Current()->Irql != DISPATCH_LEVEL)
            BugCheck(0xC7, 0, u64(D->DeferredRoutine), Current()->Irql, 0, "a DPC returned at another IRQL", reinterpret_cast<void*>(D->DeferredRoutine));
    }
}

void Lower(KIRQL To)
{
    Thread* T = Current();
    if (T->Irql >= DISPATCH_LEVEL && To < DISPATCH_LEVEL) {
        if (!IsListEmpty(&Dpcs)) [[unlikely]]
            RunDpcs();
        T->Irql = To;
        DispatchLock.Release();
        return;
    }
    T->Irql = To;
}

void RequireIrql(KIRQL AtMost, const char* Function, const void* Caller)
{
    if (Irql() > AtMost) [[unlikely]]
        BugCheck(0x0A, 0, Irql(), 0, u64(Caller), Function, Caller);
}

}

using namespace host;

#define CALLER __builtin_return_address(0)

// The level falls below DISPATCH_LEVEL: other threads run.
static void MayFall(KIRQL To, const void* Caller)
{
    if (To < DISPATCH_LEVEL && Current()->SpinLocks) [[unlikely]]
        BugCheck(0xC4, 0x31, Irql(), To, Current()->SpinLocks, "the IRQL falls while a spin lock is held", Caller);
}

extern "C" {

KIRQL NTAPI KeGetCurrentIrqlExport() { return Irql(); }
KIRQL NTAPI KfRaiseIrqlExport(KIRQL To)
{
    if (To < Irql())
        BugCheck(0x09, To, Irql(), 0, 0, "KeRaiseIrql to a lower level", CALLER);
    return Raise(To);
}
void NTAPI KeLowerIrqlExport(KIRQL To)
{
    if (To > Irql())
        BugCheck(0x0A, To, Irql(), 0, 0, "KeLowerIrql to a higher level", CALLER);
    if (Current()->SpinLocks) [[unlikely]]
        MayFall(To, CALLER);
    Lower(To);
}
KIRQL NTAPI KeRaiseIrqlToDpcLevelExport() { return Raise(DISPATCH_LEVEL); }
// Interrupts are shut out by the lock that DISPATCH_LEVEL is; there is no level between.
KIRQL NTAPI KeRaiseIrqlToSynchLevelExport() { return Raise(DISPATCH_LEVEL); }
ULONG NTAPI KeGetCurrentProcessorNumberExport() { return 0; }

static void Take(PKSPIN_LOCK L, const void* Caller)
{
    if (*L) [[unlikely]]
        BugCheck(0x0F, u64(L), 0, 0, 0, "a spin lock is acquired that is already held", Caller);
    *L = 1 | reinterpret_cast<KSPIN_LOCK>(Current());
    ++Current()->SpinLocks;
}
static void Drop(PKSPIN_LOCK L, const void* Caller)
{
    if (!*L) [[unlikely]]
        BugCheck(0x10, u64(L), 0, 0, 0, "a spin lock is released that is not held", Caller);
    if (*L != (1 | reinterpret_cast<KSPIN_LOCK>(Current()))) [[unlikely]]
        BugCheck(0x10, u64(L), *L & ~KSPIN_LOCK(1), 0, 0, "a spin lock is released that another thread holds", Caller);
    if (Irql() < DISPATCH_LEVEL) [[unlikely]]
        BugCheck(0xC4, 0x32, Irql(), u64(L), 0, "a spin lock is released below DISPATCH_LEVEL", Caller);
    *L = 0;
    --Current()->SpinLocks;
}


void NTAPI KeInitializeSpinLockExport(PKSPIN_LOCK L) { *L = 0; }
KIRQL NTAPI KeAcquireSpinLockRaiseToDpc(PKSPIN_LOCK L)
{
    if (Irql() > DISPATCH_LEVEL) [[unlikely]]
        BugCheck(0x0A, u64(L), Irql(), 0, 0, "KeAcquireSpinLock above DISPATCH_LEVEL", CALLER);
    KIRQL Old = Raise(DISPATCH_LEVEL);
    Take(L, CALLER);
    return Old;
}
KIRQL NTAPI KeAcquireSpinLockRaiseToSynch(PKSPIN_LOCK L) { return KeAcquireSpinLockRaiseToDpc(L); }
void NTAPI KeReleaseSpinLock(PKSPIN_LOCK L, KIRQL Old)
{
    Drop(L, CALLER);
    if (Old > Irql()) [[unlikely]]
        BugCheck(0xC4, 0x32, Irql(), u64(L), Old, "a spin lock is released to a higher IRQL", CALLER);
    if (Current()->SpinLocks) [[unlikely]]
        MayFall(Old, CALLER);
    Lower(Old);
}
void NTAPI KeAcquireSpinLockAtDpcLevel(PKSPIN_LOCK L)
{
    if (Irql() < DISPATCH_LEVEL) [[unlikely]]
        BugCheck(0x09, u64(L), Irql(), 0, 0, "KeAcquireSpinLockAtDpcLevel below DISPATCH_LEVEL", CALLER);
    Take(L, CALLER);
}
void NTAPI KeReleaseSpinLockFromDpcLevel(PKSPIN_LOCK L) { Drop(L, CALLER); }
BOOLEAN NTAPI KeTryToAcquireSpinLockAtDpcLevel(PKSPIN_LOCK L)
{
    if (*L)
        return FALSE;
    KeAcquireSpinLockAtDpcLevel(L);
    return TRUE;
}
BOOLEAN NTAPI KeTestSpinLock(PKSPIN_LOCK L) { return *L == 0; }
void NTAPI KeAcquireInStackQueuedSpinLock(PKSPIN_LOCK L, PKLOCK_QUEUE_HANDLE H)
{
    H->LockQueue.Next = nullptr;
    H->LockQueue.Lock = L;
    H->OldIrql = KeAcquireSpinLockRaiseToDpc(L);
}
void NTAPI KeReleaseInStackQueuedSpinLock(PKLOCK_QUEUE_HANDLE H) { KeReleaseSpinLock(const_cast<PKSPIN_LOCK>(H->LockQueue.Lock), H->OldIrql); }
void NTAPI KeAcquireInStackQueuedSpinLockAtDpcLevel(PKSPIN_LOCK L, PKLOCK_QUEUE_HANDLE H)
{
    H->LockQueue.Next = nullptr;
    H->LockQueue.Lock = L;
    KeAcquireSpinLockAtDpcLevel(L);
}
void NTAPI KeReleaseInStackQueuedSpinLockFromDpcLevel(PKLOCK_QUEUE_HANDLE H) { KeReleaseSpinLockFromDpcLevel(const_cast<PKSPIN_LOCK>(H->LockQueue.Lock)); }

// Lists under a spin lock.
PLIST_ENTRY NTAPI ExInterlockedInsertHeadList(PLIST_ENTRY Head, PLIST_ENTRY Entry, PKSPIN_LOCK)
{
    KIRQL Old = Raise(Irql() < DISPATCH_LEVEL ? DISPATCH_LEVEL : Irql());
    PLIST_ENTRY First = IsListEmpty(Head) ? nullptr : Head->Flink;
    InsertHeadList(Head, Entry);
    Lower(Old);
    return First;
}
PLIST_ENTRY NTAPI ExInterlockedInsertTailList(PLIST_ENTRY Head, PLIST_ENTRY Entry, PKSPIN_LOCK)
{
    KIRQL Old = Raise(Irql() < DISPATCH_LEVEL ? DISPATCH_LEVEL : Irql());
    PLIST_ENTRY Last = IsListEmpty(Head) ? nullptr : Head->Blink;
    InsertTailList(Head, Entry);
    Lower(Old);
    return Last;
}
PLIST_ENTRY NTAPI ExInterlockedRemoveHeadList(PLIST_ENTRY Head, PKSPIN_LOCK)
{
    KIRQL Old = Raise(Irql() < DISPATCH_LEVEL ? DISPATCH_LEVEL : Irql());
    PLIST_ENTRY First = IsListEmpty(Head) ? nullptr : RemoveHeadList(Head);
    Lower(Old);
    return First;
}
PSINGLE_LIST_ENTRY NTAPI ExInterlockedPushEntryList(PSINGLE_LIST_ENTRY Head, PSINGLE_LIST_ENTRY Entry, PKSPIN_LOCK)
{
    KIRQL Old = Raise(Irql() < DISPATCH_LEVEL ? DISPATCH_LEVEL : Irql());
    PSINGLE_LIST_ENTRY First = Head->Next;
    Entry->Next = First;
    Head->Next = Entry;
    Lower(Old);
    return First;
}
PSINGLE_LIST_ENTRY NTAPI ExInterlockedPopEntryList(PSINGLE_LIST_ENTRY Head, PKSPIN_LOCK)
{
    KIRQL Old = Raise(Irql() < DISPATCH_LEVEL ? DISPATCH_LEVEL : Irql());
    PSINGLE_LIST_ENTRY First = Head->Next;
    if (First)
        Head->Next = First->Next;
    Lower(Old);
    return First;
}
LARGE_INTEGER NTAPI ExInterlockedAddLargeInteger(PLARGE_INTEGER Addend, LARGE_INTEGER Increment, PKSPIN_LOCK)
{
    LARGE_INTEGER Old;
    Old.QuadPart = __atomic_fetch_add(&Addend->QuadPart, Increment.QuadPart, __ATOMIC_SEQ_CST);
    return Old;
}

// --- DPCs

void NTAPI KeInitializeDpc(PRKDPC D, PKDEFERRED_ROUTINE Routine, PVOID Context)
{
    D->Type = 19;                       // DpcObject
    D->Importance = 1;
    D->Number = 0;
    D->DpcListEntry.Flink = D->DpcListEntry.Blink = nullptr;
    D->DeferredRoutine = Routine;
    D->DeferredContext = Context;
    D->DpcData = nullptr;
}
void NTAPI KeInitializeThreadedDpc(PRKDPC D, PKDEFERRED_ROUTINE Routine, PVOID Context) { KeInitializeDpc(D, Routine, Context); }
BOOLEAN NTAPI KeInsertQueueDpc(PRKDPC D, PVOID Argument1, PVOID Argument2)
{
    KIRQL Level = Irql(), Old = Raise(Level < DISPATCH_LEVEL ? DISPATCH_LEVEL : Level);
    bool New = !D->DpcData;
    if (New) {
        D->DpcData = D;
        D->SystemArgument1 = Argument1;
        D->SystemArgument2 = Argument2;
        if (D->Importance == 2)
            InsertHeadList(&Dpcs, &D->DpcListEntry);
        else
            InsertTailList(&Dpcs, &D->DpcListEntry);
    }
    Lower(Old);                         // below DISPATCH_LEVEL it runs here and now
    return New;
}
BOOLEAN NTAPI KeRemoveQueueDpc(PRKDPC D)
{
    KIRQL Level = Irql(), Old = Raise(Level < DISPATCH_LEVEL ? DISPATCH_LEVEL : Level);
    bool Was = D->DpcData != nullptr;
    if (Was) {
        RemoveEntryList(&D->DpcListEntry);
        D->DpcData = nullptr;
    }
    Lower(Old);
    return Was;
}
void NTAPI KeFlushQueuedDpcs()
{
    RequireIrql(APC_LEVEL, "KeFlushQueuedDpcs", CALLER);
    Lower(Raise(DISPATCH_LEVEL));
}
void NTAPI KeSetImportanceDpc(PRKDPC D, KDPC_IMPORTANCE Importance) { D->Importance = UCHAR(Importance); }
void NTAPI KeSetTargetProcessorDpc(PRKDPC, CCHAR) { }

// Fast mutexes and guarded regions: APC_LEVEL.
void NTAPI ExAcquireFastMutex(PFAST_MUTEX M)
{
    RequireIrql(APC_LEVEL, "ExAcquireFastMutex", CALLER);
    KIRQL Old = Raise(APC_LEVEL);
    if (__atomic_sub_fetch(&M->Count, 1, __ATOMIC_ACQUIRE) != 0)
        KeWaitForSingleObject(&M->Event, Executive, KernelMode, FALSE, nullptr);
    M->Owner = reinterpret_cast<decltype(M->Owner)>(Current());
    M->OldIrql = Old;
}
void NTAPI ExReleaseFastMutex(PFAST_MUTEX M)
{
    KIRQL Old = KIRQL(M->OldIrql);
    M->Owner = nullptr;
    if (__atomic_add_fetch(&M->Count, 1, __ATOMIC_RELEASE) <= 0)
        KeSetEvent(&M->Event, 0, FALSE);
    Lower(Old);
}
BOOLEAN NTAPI ExTryToAcquireFastMutex(PFAST_MUTEX M)
{
    LONG One = 1;
    if (!__atomic_compare_exchange_n(&M->Count, &One, 0, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        return FALSE;
    M->OldIrql = Raise(APC_LEVEL);
    M->Owner = reinterpret_cast<decltype(M->Owner)>(Current());
    return TRUE;
}
void NTAPI ExAcquireFastMutexUnsafe(PFAST_MUTEX M)
{
    if (__atomic_sub_fetch(&M->Count, 1, __ATOMIC_ACQUIRE) != 0)
        KeWaitForSingleObject(&M->Event, Executive, KernelMode, FALSE, nullptr);
    M->Owner = reinterpret_cast<decltype(M->Owner)>(Current());
}
void NTAPI ExReleaseFastMutexUnsafe(PFAST_MUTEX M)
{
    M->Owner = nullptr;
    if (__atomic_add_fetch(&M->Count, 1, __ATOMIC_RELEASE) <= 0)
        KeSetEvent(&M->Event, 0, FALSE);
}
// No kernel APC is ever delivered to a thread; only whether it could be is known.
void NTAPI KeEnterCriticalRegion() { ++Current()->Regions; }
void NTAPI KeLeaveCriticalRegion() { Current()->Regions -= Current()->Regions ? 1 : 0; }
void NTAPI KeEnterGuardedRegion() { ++Current()->GuardedRegions; }
void NTAPI KeLeaveGuardedRegion() { Current()->GuardedRegions -= Current()->GuardedRegions ? 1 : 0; }
BOOLEAN NTAPI KeAreAllApcsDisabled() { return Irql() >= APC_LEVEL || Current()->GuardedRegions; }
BOOLEAN NTAPI KeAreApcsDisabled() { return KeAreAllApcsDisabled() || Current()->Regions; }

}
