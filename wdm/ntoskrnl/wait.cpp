// Dispatcher objects of the process's own (events, mutexes, semaphores, timers, threads) and waiting for them.
// An object that stands for a handle of the Executive's (ObReferenceObjectByHandle) has Type ProxyObject and the handle in SignalState's place.
#include "wdm/ntoskrnl/object.hpp"

extern "C" {
NTSTATUS NTAPI NtQueryEvent(HANDLE, ULONG, PVOID, ULONG, PULONG);
NTSTATUS NTAPI NtQuerySemaphore(HANDLE, ULONG, PVOID, ULONG, PULONG);
}

namespace host {

Lock Dispatcher;

namespace {

enum : UCHAR { NotificationEventType = 0, SynchronizationEventType = 1, MutexType = 2, SemaphoreType = 5, ThreadType = 6, NotificationTimerType = 8, SynchronizationTimerType = 9 };

// One object of one wait; in the object's WaitListHead.
struct Block {
    LIST_ENTRY Link;
    Thread* Waiter;
    DISPATCHER_HEADER* Object;
    struct Wait* Of;
    NTSTATUS Index;
};
struct Wait {
    Block* Blocks;
    ULONG Count;
    bool All, Done;
};

bool IsSignaled(DISPATCHER_HEADER* H, Thread* By)
{
    if (H->Type == MutexType)
        return H->SignalState > 0 || CONTAINING_RECORD(H, KMUTEX, Header)->OwnerThread == reinterpret_cast<PKTHREAD>(By);
    return H->SignalState > 0;
}

// Takes the signal. STATUS_ABANDONED of an abandoned mutex.
NTSTATUS Take(DISPATCHER_HEADER* H, Thread* By)
{
    switch (H->Type) {
    case SynchronizationEventType:
    case SynchronizationTimerType:
        H->SignalState = 0;
        break;
    case SemaphoreType:
        --H->SignalState;
        break;
    case MutexType: {
        auto* M = CONTAINING_RECORD(H, KMUTEX, Header);
        --H->SignalState;
        M->OwnerThread = reinterpret_cast<PKTHREAD>(By);
        if (M->Abandoned) {
            M->Abandoned = FALSE;
            return STATUS_ABANDONED;
        }
        break;
    }
    }
    return STATUS_SUCCESS;
}

bool TryAll(Wait& W, Thread* By)
{
    for (ULONG I = 0; I < W.Count; ++I)
        if (!IsSignaled(W.Blocks[I].Object, By))
            return false;
    for (ULONG I = 0; I < W.Count; ++I)
        (void)Take(W.Blocks[I].Object, By);
    return true;
}

void End(Wait& W, Thread* T, NTSTATUS Status)
{
    W.Done = true;
    for (ULONG I = 0; I < W.Count; ++I)
        RemoveEntryList(&W.Blocks[I].Link);
    T->WaitStatus = Status;
    __atomic_store_n(&T->Woken, 1, __ATOMIC_RELEASE);
    RtlWakeAddressSingle(&T->Woken);
}

NTSTATUS WaitFor(ULONG Count, DISPATCHER_HEADER** Objects, bool All, PLARGE_INTEGER Timeout, const void* Caller)
{
    Thread* T = Current();
    bool Poll = Timeout && Timeout->QuadPart == 0;
    if (T->Irql >= DISPATCH_LEVEL && !Poll)
        BugCheck(0x0A, u64(Objects[0]), T->Irql, 0, u64(Caller), "waits at DISPATCH_LEVEL", Caller);
    Block Few[4];
    Block* Blocks = Count <= 4 ? Few : static_cast<Block*>(Allocate(Count * sizeof(Block)));
    if (!Blocks)
        return STATUS_INSUFFICIENT_RESOURCES;
    Wait W { Blocks, Count, All, false };
    Dispatcher.Acquire();
    for (ULONG I = 0; I < Count; ++I)
        Blocks[I] = { {}, T, Objects[I], &W, NTSTATUS(I) };
    NTSTATUS Status = STATUS_PENDING;
    if (All) {
        if (TryAll(W, T))
            Status = STATUS_SUCCESS;
    } else {
        for (ULONG I = 0; I < Count && Status == STATUS_PENDING; ++I)
            if (IsSignaled(Objects[I], T))
                Status = NTSTATUS(I) + (Take(Objects[I], T) == STATUS_ABANDONED ? STATUS_ABANDONED : 0);
    }
    if (Status != STATUS_PENDING || Poll) {
        Dispatcher.Release();
        if (Blocks != Few)
            Free(Blocks);
        return Status == STATUS_PENDING ? STATUS_TIMEOUT : Status;
    }
    T->Woken = 0;
    for (ULONG I = 0; I < Count; ++I)
        InsertTailList(&Objects[I]->WaitListHead, &Blocks[I].Link);
    Dispatcher.Release();

    Blocking Now;
    LARGE_INTEGER Until;
    if (Timeout) {
        Until = *Timeout;
        if (Until.QuadPart < 0) {       // an absolute time, as the wait may go around
            LARGE_INTEGER Time;
            NtQuerySystemTime(&Time);
            Until.QuadPart = Time.QuadPart - Until.QuadPart;
        }
    }
    LONG Zero = 0;
    while (!__atomic_load_n(&T->Woken, __ATOMIC_ACQUIRE)) {
        if (RtlWaitOnAddress(&T->Woken, &Zero, sizeof(Zero), Timeout ? &Until : nullptr) != STATUS_TIMEOUT)
            continue;
        Hold Held(Dispatcher);
        if (!W.Done)
            End(W, T, STATUS_TIMEOUT);
    }
    // Whoever woke us may still hold the lock: what is on our stack is theirs until then.
    Dispatcher.Acquire();
    Dispatcher.Release();
    if (Blocks != Few)
        Free(Blocks);
    return T->WaitStatus;
}

}

void SignalObject(DISPATCHER_HEADER* H)
{
    for (LIST_ENTRY* E = H->WaitListHead.Flink; E != &H->WaitListHead && H->SignalState > 0;) {
        auto* B = CONTAINING_RECORD(E, Block, Link);
        E = E->Flink;
        Wait& W = *B->Of;
        if (!IsSignaled(H, B->Waiter))
            continue;
        if (W.All) {
            if (!TryAll(W, B->Waiter))
                continue;
            End(W, B->Waiter, STATUS_SUCCESS);
        } else {
            NTSTATUS Status = B->Index + (Take(H, B->Waiter) == STATUS_ABANDONED ? STATUS_ABANDONED : 0);
            End(W, B->Waiter, Status);
        }
        E = H->WaitListHead.Flink;      // blocks of one wait may be several in this list
    }
}

NTSTATUS WaitForHandle(HANDLE H, BOOLEAN Alertable, PLARGE_INTEGER Timeout)
{
    LARGE_INTEGER Zero {};
    if (!Timeout || Timeout->QuadPart) {
        NTSTATUS S = NtWaitForSingleObject(H, FALSE, &Zero);
        if (S != STATUS_TIMEOUT)
            return S;
        Blocking Now;
        return NtWaitForSingleObject(H, Alertable, Timeout);
    }
    return NtWaitForSingleObject(H, FALSE, Timeout);
}

}

using namespace host;
#define CALLER __builtin_return_address(0)

extern "C" {

NTSTATUS NTAPI KeWaitForSingleObject(PVOID Object, KWAIT_REASON, KPROCESSOR_MODE, BOOLEAN Alertable, PLARGE_INTEGER Timeout)
{
    auto* H = static_cast<DISPATCHER_HEADER*>(Object);
    if (HANDLE Handle = ProxyHandle(Object)) {
        if (Irql() >= DISPATCH_LEVEL && !(Timeout && Timeout->QuadPart == 0))
            BugCheck(0x0A, u64(Object), Irql(), 0, 0, "waits at DISPATCH_LEVEL", CALLER);
        return WaitForHandle(Handle, Alertable, Timeout);
    }
    // A client's process or thread; this process does not end before its drivers.
    if (IsClientThread(Object) || (IsProcess(Object) && Object != PsInitialSystemProcess)) {
        RequireIrql(APC_LEVEL, "KeWaitForSingleObject", CALLER);
        HANDLE Other;
        if (NTSTATUS S = ObOpenObjectByPointer(Object, 0, nullptr, SYNCHRONIZE, nullptr, KernelMode, &Other); S < 0)
            return STATUS_SUCCESS;      // it is gone
        NTSTATUS Status = WaitForHandle(Other, Alertable, Timeout);
        NtClose(Other);
        return Status;
    }
    if (FILE_OBJECT* F = static_cast<FILE_OBJECT*>(Object); F->Type == 5 && F->Size == sizeof(FILE_OBJECT))
        H = &F->Event.Header;
    return WaitFor(1, &H, false, Timeout, CALLER);
}
NTSTATUS NTAPI KeWaitForMutexObjectExport(PVOID Object, KWAIT_REASON R, KPROCESSOR_MODE M, BOOLEAN A, PLARGE_INTEGER T) { return KeWaitForSingleObject(Object, R, M, A, T); }
NTSTATUS NTAPI KeWaitForMultipleObjects(ULONG Count, PVOID* Objects, WAIT_TYPE Type, KWAIT_REASON, KPROCESSOR_MODE, BOOLEAN Alertable, PLARGE_INTEGER Timeout, PKWAIT_BLOCK)
{
    if (!Count || Count > 64)
        BugCheck(0x0C, Count, 0, 0, 0, "waits for too many objects", CALLER);
    ULONG Proxies = 0;
    HANDLE Handles[64];
    for (ULONG I = 0; I < Count; ++I)
        if ((Handles[I] = ProxyHandle(Objects[I])))
            ++Proxies;
    if (Proxies == Count) {
        Blocking Now;
        return NtWaitForMultipleObjects(Count, Handles, Type == WaitAny, Alertable, Timeout);
    }
    if (Proxies)
        return STATUS_NOT_SUPPORTED;    // objects of the process and of the system in one wait
    return WaitFor(Count, reinterpret_cast<DISPATCHER_HEADER**>(Objects), Type == WaitAll, Timeout, CALLER);
}
NTSTATUS NTAPI KeDelayExecutionThread(KPROCESSOR_MODE, BOOLEAN Alertable, PLARGE_INTEGER Interval)
{
    RequireIrql(APC_LEVEL, "KeDelayExecutionThread", CALLER);
    Blocking Now;
    return NtDelayExecution(Alertable, Interval);
}

// --- events
void NTAPI KeInitializeEvent(PRKEVENT E, EVENT_TYPE Type, BOOLEAN State)
{
    E->Header.Type = Type == NotificationEvent ? NotificationEventType : SynchronizationEventType;
    E->Header.Size = sizeof(KEVENT) / 4;
    E->Header.SignalState = State ? 1 : 0;
    InitializeListHead(&E->Header.WaitListHead);
}
LONG NTAPI KeSetEvent(PRKEVENT E, KPRIORITY, BOOLEAN)
{
    if (HANDLE H = ProxyHandle(E)) {
        LONG Old = 0;
        NtSetEvent(H, &Old);
        return Old;
    }
    Hold Held(Dispatcher);
    LONG Old = E->Header.SignalState;
    E->Header.SignalState = 1;
    if (!IsListEmpty(&E->Header.WaitListHead))
        SignalObject(&E->Header);
    return Old;
}
LONG NTAPI KeResetEvent(PRKEVENT E)
{
    if (HANDLE H = ProxyHandle(E)) {
        LONG Old = 0;
        NtResetEvent(H, &Old);
        return Old;
    }
    Hold Held(Dispatcher);
    LONG Old = E->Header.SignalState;
    E->Header.SignalState = 0;
    return Old;
}
void NTAPI KeClearEvent(PRKEVENT E) { KeResetEvent(E); }
LONG NTAPI KePulseEvent(PRKEVENT E, KPRIORITY P, BOOLEAN W)
{
    LONG Old = KeSetEvent(E, P, W);
    KeResetEvent(E);
    return Old;
}
LONG NTAPI KeReadStateEvent(PRKEVENT E)
{
    struct {
        EVENT_TYPE Type;
        LONG State;
    } About {};
    if (HANDLE H = ProxyHandle(E))
        return NtQueryEvent(H, 0, &About, sizeof(About), nullptr) >= 0 ? About.State : 0;
    return E->Header.SignalState;
}

// --- mutexes
void NTAPI KeInitializeMutex(PRKMUTEX M, ULONG)
{
    M->Header.Type = MutexType;
    M->Header.Size = sizeof(KMUTEX) / 4;
    M->Header.SignalState = 1;
    InitializeListHead(&M->Header.WaitListHead);
    M->OwnerThread = nullptr;
    M->Abandoned = FALSE;
    M->ApcDisable = 1;
}
LONG NTAPI KeReleaseMutex(PRKMUTEX M, BOOLEAN)
{
    Hold Held(Dispatcher);
    if (M->OwnerThread != reinterpret_cast<PKTHREAD>(Current()))
        BugCheck(0x4000, u64(M), 0, 0, 0, "releases a mutex it does not own", CALLER);
    LONG Old = M->Header.SignalState++;
    if (M->Header.SignalState == 1) {
        M->OwnerThread = nullptr;
        SignalObject(&M->Header);
    }
    return Old;
}
LONG NTAPI KeReadStateMutex(PRKMUTEX M) { return M->Header.SignalState; }

// --- semaphores
void NTAPI KeInitializeSemaphore(PRKSEMAPHORE S, LONG Count, LONG Limit)
{
    S->Header.Type = SemaphoreType;
    S->Header.Size = sizeof(KSEMAPHORE) / 4;
    S->Header.SignalState = Count;
    InitializeListHead(&S->Header.WaitListHead);
    S->Limit = Limit;
}
LONG NTAPI KeReleaseSemaphore(PRKSEMAPHORE S, KPRIORITY, LONG Adjustment, BOOLEAN)
{
    if (HANDLE H = ProxyHandle(S)) {
        LONG Old = 0;
        NtReleaseSemaphore(H, Adjustment, &Old);
        return Old;
    }
    LONG Old;
    {
        Hold Held(Dispatcher);
        Old = S->Header.SignalState;
        LONG New = Old + Adjustment;
        if (New <= S->Limit && New >= Old) {
            S->Header.SignalState = New;
            SignalObject(&S->Header);
            return Old;
        }
    }
    RtlRaiseStatus(STATUS_SEMAPHORE_LIMIT_EXCEEDED);
    return Old;
}
LONG NTAPI KeReadStateSemaphore(PRKSEMAPHORE S)
{
    struct {
        ULONG Count;
        LONG Limit;
    } About {};
    if (HANDLE H = ProxyHandle(S))
        return NtQuerySemaphore(H, 0, &About, sizeof(About), nullptr) >= 0 ? LONG(About.Count) : 0;
    return S->Header.SignalState;
}

}
