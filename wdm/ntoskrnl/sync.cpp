// Further locks and things to wait for: guarded mutexes, mutants, push locks, reader-writer spin locks, queues, timers with an object of their own,
// callback objects, lookaside lists of the second kind.
#include "wdm/ntoskrnl/object.hpp"

using namespace host;
#define CALLER __builtin_return_address(0)

extern "C" {

// --- guarded mutexes

static PKEVENT GateOf(PKGUARDED_MUTEX M) { return reinterpret_cast<PKEVENT>(&M->Gate); }
static void TakeGuarded(PKGUARDED_MUTEX M)
{
    if (M->Owner == reinterpret_cast<PKTHREAD>(Current()))
        BugCheck(0x1B9, u64(M), 0, 0, 0, "acquires a guarded mutex it owns", CALLER);
    if (__atomic_sub_fetch(&M->Count, 1, __ATOMIC_ACQUIRE) != 0)
        KeWaitForSingleObject(GateOf(M), Executive, KernelMode, FALSE, nullptr);
    M->Owner = reinterpret_cast<PKTHREAD>(Current());
}
static void DropGuarded(PKGUARDED_MUTEX M)
{
    if (M->Owner != reinterpret_cast<PKTHREAD>(Current()))
        BugCheck(0x1B9, u64(M), 1, 0, 0, "releases a guarded mutex it does not own", CALLER);
    M->Owner = nullptr;
    if (__atomic_add_fetch(&M->Count, 1, __ATOMIC_RELEASE) <= 0)
        KeSetEvent(GateOf(M), 0, FALSE);
}
void NTAPI KeInitializeGuardedMutex(PKGUARDED_MUTEX M)
{
    memset(M, 0, sizeof(*M));
    M->Count = 1;
    KeInitializeEvent(GateOf(M), SynchronizationEvent, FALSE);
}
void NTAPI KeAcquireGuardedMutex(PKGUARDED_MUTEX M)
{
    RequireIrql(APC_LEVEL, "KeAcquireGuardedMutex", CALLER);
    TakeGuarded(M);
}
void NTAPI KeReleaseGuardedMutex(PKGUARDED_MUTEX M) { DropGuarded(M); }
void NTAPI KeAcquireGuardedMutexUnsafe(PKGUARDED_MUTEX M) { TakeGuarded(M); }
void NTAPI KeReleaseGuardedMutexUnsafe(PKGUARDED_MUTEX M) { DropGuarded(M); }
BOOLEAN NTAPI KeTryToAcquireGuardedMutex(PKGUARDED_MUTEX M)
{
    LONG One = 1;
    if (!__atomic_compare_exchange_n(&M->Count, &One, 0, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        return FALSE;
    M->Owner = reinterpret_cast<PKTHREAD>(Current());
    return TRUE;
}
void NTAPI ExEnterCriticalRegionAndAcquireFastMutexUnsafe(PFAST_MUTEX M) { ExAcquireFastMutexUnsafe(M); }
void NTAPI ExReleaseFastMutexUnsafeAndLeaveCriticalRegion(PFAST_MUTEX M) { ExReleaseFastMutexUnsafe(M); }

// --- mutants: mutexes that one may own at first

void NTAPI KeInitializeMutant(PRKMUTANT M, BOOLEAN Owned)
{
    KeInitializeMutex(M, 0);
    M->ApcDisable = 0;
    if (Owned)
        KeWaitForSingleObject(M, Executive, KernelMode, FALSE, nullptr);
}
LONG NTAPI KeReleaseMutant(PRKMUTANT M, KPRIORITY, BOOLEAN, BOOLEAN Wait) { return KeReleaseMutex(M, Wait); }
LONG NTAPI KeReadStateMutant(PRKMUTANT M) { return M->Header.SignalState; }

// --- push locks: -1 exclusive, 0 free, else the number of those who share it

static LONG* StateOf(PEX_PUSH_LOCK L) { return reinterpret_cast<LONG*>(L); }
static void Push(PEX_PUSH_LOCK L, bool Exclusive)
{
    for (bool Waited = false;; Waited = true) {
        LONG Seen = __atomic_load_n(StateOf(L), __ATOMIC_RELAXED);
        while (Exclusive ? Seen == 0 : Seen >= 0)
            if (__atomic_compare_exchange_n(StateOf(L), &Seen, Exclusive ? -1 : Seen + 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
                return;
        if (!Waited) {
            RequireIrql(APC_LEVEL, "a push lock", CALLER);
            Blocking Now;
        }
        RtlWaitOnAddress(StateOf(L), &Seen, sizeof(Seen), nullptr);
    }
}
static void Pull(PEX_PUSH_LOCK L)
{
    LONG Seen = __atomic_load_n(StateOf(L), __ATOMIC_RELAXED), New;
    do {
        if (Seen == 0)
            BugCheck(0x152, u64(L), 0, 0, 0, "releases a push lock that nobody has", CALLER);
        New = Seen < 0 ? 0 : Seen - 1;
    } while (!__atomic_compare_exchange_n(StateOf(L), &Seen, New, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
    if (New == 0)
        RtlWakeAddressAll(StateOf(L));
}
void NTAPI ExInitializePushLockExport(PEX_PUSH_LOCK L) { *reinterpret_cast<u64*>(L) = 0; }
void NTAPI ExAcquirePushLockExclusiveEx(PEX_PUSH_LOCK L, ULONG) { Push(L, true); }
void NTAPI ExAcquirePushLockSharedEx(PEX_PUSH_LOCK L, ULONG) { Push(L, false); }
void NTAPI ExReleasePushLockExclusiveEx(PEX_PUSH_LOCK L, ULONG) { Pull(L); }
void NTAPI ExReleasePushLockSharedEx(PEX_PUSH_LOCK L, ULONG) { Pull(L); }
void NTAPI ExfAcquirePushLockExclusive(PEX_PUSH_LOCK L) { Push(L, true); }
void NTAPI ExfAcquirePushLockShared(PEX_PUSH_LOCK L) { Push(L, false); }
void NTAPI ExfReleasePushLock(PEX_PUSH_LOCK L) { Pull(L); }
void NTAPI ExfReleasePushLockExclusive(PEX_PUSH_LOCK L) { Pull(L); }
void NTAPI ExfReleasePushLockShared(PEX_PUSH_LOCK L) { Pull(L); }

// --- reader-writer spin locks: DISPATCH_LEVEL itself excludes everybody else, so a lock that is taken is one's own

static LONG* Word(volatile LONG* L) { return const_cast<LONG*>(L); }
constexpr LONG Exclusively = LONG(0x80000000);
static void TakeSpin(volatile LONG* L, bool Exclusive, const void* Caller)
{
    if (Irql() < DISPATCH_LEVEL)
        BugCheck(0x09, u64(L), Irql(), 0, 0, "a spin lock is acquired below DISPATCH_LEVEL", Caller);
    if (Exclusive ? *L != 0 : *L < 0)
        BugCheck(0x0F, u64(L), 0, 0, 0, "acquires a reader-writer spin lock it has", Caller);
    *Word(L) = Exclusive ? Exclusively : *L + 1;
}
static void DropSpin(volatile LONG* L, bool Exclusive, const void* Caller)
{
    if (Exclusive ? *L != Exclusively : *L <= 0)
        BugCheck(0x10, u64(L), 0, 0, 0, "releases a reader-writer spin lock it has not", Caller);
    *Word(L) = Exclusive ? 0 : *L - 1;
}
KIRQL NTAPI ExAcquireSpinLockExclusive(volatile LONG* L)
{
    KIRQL Old = Raise(DISPATCH_LEVEL);
    TakeSpin(L, true, CALLER);
    return Old;
}
KIRQL NTAPI ExAcquireSpinLockShared(volatile LONG* L)
{
    KIRQL Old = Raise(DISPATCH_LEVEL);
    TakeSpin(L, false, CALLER);
    return Old;
}
void NTAPI ExReleaseSpinLockExclusive(volatile LONG* L, KIRQL Old)
{
    DropSpin(L, true, CALLER);
    Lower(Old);
}
void NTAPI ExReleaseSpinLockShared(volatile LONG* L, KIRQL Old)
{
    DropSpin(L, false, CALLER);
    Lower(Old);
}
void NTAPI ExAcquireSpinLockExclusiveAtDpcLevel(volatile LONG* L) { TakeSpin(L, true, CALLER); }
void NTAPI ExAcquireSpinLockSharedAtDpcLevel(volatile LONG* L) { TakeSpin(L, false, CALLER); }
void NTAPI ExReleaseSpinLockExclusiveFromDpcLevel(volatile LONG* L) { DropSpin(L, true, CALLER); }
void NTAPI ExReleaseSpinLockSharedFromDpcLevel(volatile LONG* L) { DropSpin(L, false, CALLER); }
LOGICAL NTAPI ExTryConvertSharedSpinLockExclusive(volatile LONG* L)
{
    if (*L != 1)
        return FALSE;
    *Word(L) = Exclusively;
    return TRUE;
}
LOGICAL NTAPI ExTryAcquireSpinLockExclusiveAtDpcLevel(volatile LONG* L)
{
    if (*L)
        return FALSE;
    TakeSpin(L, true, CALLER);
    return TRUE;
}
LOGICAL NTAPI ExTryAcquireSpinLockSharedAtDpcLevel(volatile LONG* L)
{
    if (*L < 0)
        return FALSE;
    TakeSpin(L, false, CALLER);
    return TRUE;
}

// The system's numbered spin locks.
static KSPIN_LOCK Numbered[LockQueueMaximumLock];
KIRQL NTAPI KeAcquireQueuedSpinLock(KSPIN_LOCK_QUEUE_NUMBER N) { return KeAcquireSpinLockRaiseToDpc(&Numbered[ULONG(N) % LockQueueMaximumLock]); }
void NTAPI KeReleaseQueuedSpinLock(KSPIN_LOCK_QUEUE_NUMBER N, KIRQL Old) { KeReleaseSpinLock(&Numbered[ULONG(N) % LockQueueMaximumLock], Old); }
LOGICAL NTAPI KeTryToAcquireQueuedSpinLock(KSPIN_LOCK_QUEUE_NUMBER N, PKIRQL Old)
{
    *Old = KeAcquireQueuedSpinLock(N);
    return TRUE;
}
KIRQL NTAPI KeAcquireSpinLockForDpc(PKSPIN_LOCK L) { return KeAcquireSpinLockRaiseToDpc(L); }
void NTAPI KeReleaseSpinLockForDpc(PKSPIN_LOCK L, KIRQL Old) { KeReleaseSpinLock(L, Old); }
void NTAPI KeAcquireInStackQueuedSpinLockForDpc(PKSPIN_LOCK L, PKLOCK_QUEUE_HANDLE H) { KeAcquireInStackQueuedSpinLock(L, H); }
void NTAPI KeReleaseInStackQueuedSpinLockForDpc(PKLOCK_QUEUE_HANDLE H) { KeReleaseInStackQueuedSpinLock(H); }

// --- queues: waited for as a semaphore

constexpr UCHAR CountedType = 5;
void NTAPI KeInitializeQueue(PRKQUEUE Q, ULONG Count)
{
    memset(Q, 0, sizeof(*Q));
    Q->Header.Type = CountedType;
    Q->Header.Size = sizeof(KQUEUE) / 4;
    InitializeListHead(&Q->Header.WaitListHead);
    InitializeListHead(&Q->EntryListHead);
    InitializeListHead(&Q->ThreadListHead);
    Q->MaximumCount = Count ? Count : 1;
}
static LONG Enqueue(PRKQUEUE Q, PLIST_ENTRY Entry, bool First)
{
    Hold Held(Dispatcher);
    LONG Old = Q->Header.SignalState++;
    if (First)
        InsertHeadList(&Q->EntryListHead, Entry);
    else
        InsertTailList(&Q->EntryListHead, Entry);
    SignalObject(&Q->Header);
    return Old;
}
LONG NTAPI KeInsertQueue(PRKQUEUE Q, PLIST_ENTRY Entry) { return Enqueue(Q, Entry, false); }
LONG NTAPI KeInsertHeadQueue(PRKQUEUE Q, PLIST_ENTRY Entry) { return Enqueue(Q, Entry, true); }
LONG NTAPI KeReadStateQueue(PRKQUEUE Q) { return Q->Header.SignalState; }
PLIST_ENTRY NTAPI KeRemoveQueue(PRKQUEUE Q, KPROCESSOR_MODE, PLARGE_INTEGER Timeout)
{
    NTSTATUS Status = KeWaitForSingleObject(Q, Executive, KernelMode, FALSE, Timeout);
    if (Status != STATUS_SUCCESS)
        return reinterpret_cast<PLIST_ENTRY>(LONG_PTR(Status));
    Hold Held(Dispatcher);
    return IsListEmpty(&Q->EntryListHead) ? reinterpret_cast<PLIST_ENTRY>(LONG_PTR(STATUS_ABANDONED)) : RemoveHeadList(&Q->EntryListHead);
}
// The entries, linked to each other without a head; who waits gets STATUS_ABANDONED.
PLIST_ENTRY NTAPI KeRundownQueue(PRKQUEUE Q)
{
    Hold Held(Dispatcher);
    PLIST_ENTRY First = nullptr;
    if (!IsListEmpty(&Q->EntryListHead)) {
        First = Q->EntryListHead.Flink;
        RemoveEntryList(&Q->EntryListHead);
        InitializeListHead(&Q->EntryListHead);
    }
    Q->Header.SignalState = 0x10000000;
    SignalObject(&Q->Header);
    return First;
}

// --- timers that the system makes

struct _EX_TIMER {
    KTIMER Timer;                       // first: it may be waited for
    KDPC Dpc;
    PEXT_CALLBACK Routine;
    PVOID Context;
};
static void NTAPI OwnTick(PKDPC, PVOID Context, PVOID, PVOID)
{
    auto* T = static_cast<PEX_TIMER>(Context);
    if (T->Routine)
        T->Routine(T, T->Context);
}
PEX_TIMER NTAPI ExAllocateTimer(PEXT_CALLBACK Routine, PVOID Context, ULONG Attributes)
{
    auto* T = New<_EX_TIMER>();
    if (!T)
        return nullptr;
    constexpr ULONG Notification = 1u << 31;
    KeInitializeTimerEx(&T->Timer, Attributes & Notification ? NotificationTimer : SynchronizationTimer);
    KeInitializeDpc(&T->Dpc, OwnTick, T);
    T->Routine = Routine;
    T->Context = Context;
    return T;
}
BOOLEAN NTAPI ExSetTimer(PEX_TIMER T, LONGLONG Due, LONGLONG Period, PEXT_SET_PARAMETERS)
{
    LARGE_INTEGER When;
    When.QuadPart = Due;
    return KeSetTimerEx(&T->Timer, When, LONG((Period + 9999) / 10000), &T->Dpc);
}
BOOLEAN NTAPI ExCancelTimer(PEX_TIMER T, PEXT_CANCEL_PARAMETERS) { return KeCancelTimer(&T->Timer); }
BOOLEAN NTAPI ExDeleteTimer(PEX_TIMER T, BOOLEAN Cancel, BOOLEAN, PEXT_DELETE_PARAMETERS)
{
    BOOLEAN Was = Cancel ? KeCancelTimer(&T->Timer) : FALSE;
    KeRemoveQueueDpc(&T->Dpc);
    Free(T);
    return Was;
}
void NTAPI ExQueryTimerResolution(PULONG Most, PULONG Least, PULONG Now) { *Most = *Least = *Now = 156250; }
ULONG NTAPI ExSetTimerResolution(ULONG, BOOLEAN) { return 156250; }

// --- callback objects: known by name within the process

struct _CALLBACK_OBJECT {
    _CALLBACK_OBJECT* Next;
    LIST_ENTRY Registered;
    bool Many;
    USHORT Length;
    WCHAR Name[64];
};
struct Registration {
    LIST_ENTRY Links;
    PCALLBACK_OBJECT Of;
    PCALLBACK_FUNCTION Function;
    PVOID Context;
};
static Lock CallbackLock;
static _CALLBACK_OBJECT* Callbacks;
NTSTATUS NTAPI ExCreateCallback(PCALLBACK_OBJECT* Out, POBJECT_ATTRIBUTES Attributes, BOOLEAN Create, BOOLEAN Many)
{
    const UNICODE_STRING* Name = Attributes ? Attributes->ObjectName : nullptr;
    if (Name && Name->Length > sizeof(_CALLBACK_OBJECT::Name))
        return STATUS_NAME_TOO_LONG;
    Hold Held(CallbackLock);
    for (_CALLBACK_OBJECT* C = Callbacks; Name && C; C = C->Next)
        if (C->Length == Name->Length && memcmp(C->Name, Name->Buffer, Name->Length) == 0) {
            *Out = C;
            return STATUS_SUCCESS;
        }
    if (!Create)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    auto* C = New<_CALLBACK_OBJECT>();
    if (!C)
        return STATUS_INSUFFICIENT_RESOURCES;
    InitializeListHead(&C->Registered);
    C->Many = Many;
    if (Name) {
        C->Length = Name->Length;
        memcpy(C->Name, Name->Buffer, Name->Length);
    }
    C->Next = Callbacks;
    Callbacks = C;
    *Out = C;
    return STATUS_SUCCESS;
}
PVOID NTAPI ExRegisterCallback(PCALLBACK_OBJECT C, PCALLBACK_FUNCTION Function, PVOID Context)
{
    auto* R = New<Registration>();
    if (!R)
        return nullptr;
    *R = { {}, C, Function, Context };
    Hold Held(CallbackLock);
    if (!C->Many && !IsListEmpty(&C->Registered)) {
        Free(R);
        return nullptr;
    }
    InsertTailList(&C->Registered, &R->Links);
    return R;
}
void NTAPI ExUnregisterCallback(PVOID Of)
{
    auto* R = static_cast<Registration*>(Of);
    {
        Hold Held(CallbackLock);
        RemoveEntryList(&R->Links);
    }
    Free(R);
}
void NTAPI ExNotifyCallback(PCALLBACK_OBJECT C, PVOID Argument1, PVOID Argument2)
{
    if (!C)
        return;
    for (PLIST_ENTRY At = C->Registered.Flink, Next; At != &C->Registered; At = Next) {
        Next = At->Flink;
        auto* R = CONTAINING_RECORD(At, Registration, Links);
        R->Function(R->Context, Argument1, Argument2);
    }
}

// --- lookaside lists with routines that are told the list

static PVOID NTAPI TakePlain(POOL_TYPE Type, SIZE_T Bytes, ULONG Tag, PLOOKASIDE_LIST_EX) { return ExAllocatePoolWithTag(Type, Bytes, Tag); }
static void NTAPI GivePlain(PVOID At, PLOOKASIDE_LIST_EX) { ExFreePool(At); }
NTSTATUS NTAPI ExInitializeLookasideListEx(PLOOKASIDE_LIST_EX L, PALLOCATE_FUNCTION_EX Allocate, PFREE_FUNCTION_EX Free, POOL_TYPE Type, ULONG Flags, SIZE_T Bytes, ULONG Tag, USHORT Depth)
{
    if (Depth || Flags & ~ULONG(3) || Flags == 3)
        return STATUS_INVALID_PARAMETER;
    memset(L, 0, sizeof(*L));
    RtlInitializeSListHead(&L->L.ListHead);
    L->L.Depth = 16;
    L->L.MaximumDepth = 256;
    L->L.Type = POOL_TYPE(Type | (Flags & 1 ? POOL_RAISE_IF_ALLOCATION_FAILURE : 0));
    L->L.Tag = Tag;
    L->L.Size = ULONG(Bytes < sizeof(SLIST_ENTRY) ? sizeof(SLIST_ENTRY) : Bytes);
    L->L.AllocateEx = Allocate ? Allocate : TakePlain;
    L->L.FreeEx = Free ? Free : GivePlain;
    return STATUS_SUCCESS;
}
void NTAPI ExFlushLookasideListEx(PLOOKASIDE_LIST_EX L)
{
    while (PVOID E = RtlInterlockedPopEntrySList(&L->L.ListHead))
        L->L.FreeEx(E, L);
}
void NTAPI ExDeleteLookasideListEx(PLOOKASIDE_LIST_EX L) { ExFlushLookasideListEx(L); }

}
