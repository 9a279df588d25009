// Pools, workers, work items, cleanup groups.
#include "ntdll/pool/pool.hpp"

#include "ntdll/exception/exception.hpp"
#include "ntdll/process/process.hpp"

extern "C" NTSTATUS NTAPI LdrUnloadDll(PVOID Base);
extern "C" NTSTATUS NTAPI LdrAddRefDll(ULONG Flags, PVOID Base);
extern "C" NTSTATUS NTAPI RtlCreateUserThread(HANDLE, PVOID, BOOLEAN, ULONG, SIZE_T, SIZE_T, PVOID, PVOID, HANDLE*, CLIENT_ID*);

namespace tp {

namespace {

constexpr i64 IdleTime = -30 * 10000000ll;

PROCESS_LOCK constinit RTL_SRWLOCK DefaultLock {};
constinit Pool* Default = nullptr;

Pool* NewPool()
{
    auto* P = NewZeroed<Pool>();
    if (!P)
        return nullptr;
    for (LIST_ENTRY& Q : P->Queue)
        InitializeListHead(&Q);
    P->References = 1;
    P->Maximum = 500;
    return P;
}

void ReleasePool(Pool* P)
{
    if (__atomic_sub_fetch(&P->References, 1, __ATOMIC_SEQ_CST) == 0)
        Free(P);
}

void FinishInstance(Instance& I)
{
    if (I.Leave)
        RtlLeaveCriticalSection(I.Leave);
    if (I.Mutant)
        NtReleaseMutant(I.Mutant, nullptr);
    if (I.Semaphore)
        NtReleaseSemaphore(I.Semaphore, I.SemaphoreCount, nullptr);
    if (I.Event)
        NtSetEvent(I.Event, nullptr);
    if (I.Dll)
        LdrUnloadDll(I.Dll);
}

Object* Next(Pool& P)
{
    for (LIST_ENTRY& Q : P.Queue) {
        if (!IsListEmpty(&Q))
            return RECORD_OF(Q.Flink, Object, QueueLinks);
    }
    return nullptr;
}

void NTAPI Worker(PVOID Argument)
{
    auto& P = *static_cast<Pool*>(Argument);
    RtlAcquireSRWLockExclusive(&P.Lock);
    for (;;) {
        Object* O = Next(P);
        if (!O) {
            if (P.Closing)
                break;
            LARGE_INTEGER Timeout;
            Timeout.QuadPart = IdleTime;
            ++P.Idle;
            NTSTATUS Status = RtlSleepConditionVariableSRW(&P.More, &P.Lock, &Timeout, 0);
            --P.Idle;
            if (Status == STATUS_TIMEOUT && !Next(P) && P.Workers > P.Minimum)
                break;
            continue;
        }
        RemoveEntryList(&O->QueueLinks);
        O->Queued = false;
        --O->Pending;
        ++O->Running;
        ++O->Associated;
        if (O->Pending) {
            InsertTailList(&P.Queue[O->Priority], &O->QueueLinks);
            O->Queued = true;
        }
        ++P.Busy;
        bool Start = Next(P) && P.Busy >= P.Workers && P.Workers < P.Maximum;
        if (Start) {
            ++P.Workers;
            ++P.References;
        }
        RtlReleaseSRWLockExclusive(&P.Lock);
        if (Start)
            StartThread(reinterpret_cast<PVOID>(&Worker), &P, P.StackReserve, P.StackCommit);
        Execute(O);
        Release(O);
        RtlAcquireSRWLockExclusive(&P.Lock);
        --P.Busy;
    }
    --P.Workers;
    RtlReleaseSRWLockExclusive(&P.Lock);
    ReleasePool(&P);
    RtlExitUserThread(STATUS_SUCCESS);
}

void LeaveGroup(Object* O)
{
    Group* G = O->TheGroup;
    if (!G)
        return;
    RtlAcquireSRWLockExclusive(&G->Lock);
    if (!O->Leaving)
        RemoveEntryList(&O->GroupLinks);
    O->TheGroup = nullptr;
    bool Last = --G->References == 0;
    RtlReleaseSRWLockExclusive(&G->Lock);
    if (Last)
        Free(G);
}

}

void StartThread(PVOID Routine, PVOID Argument, SIZE_T Reserve, SIZE_T Commit)
{
    HANDLE Thread;
    NTSTATUS Status = RtlCreateUserThread(CurrentProcess(), nullptr, 0, 0, Reserve, Commit, Routine, Argument, &Thread, nullptr);
    if (Status >= 0)
        NtClose(Thread);
    else
        DbgPrint("tp: no thread for the pool (status %08x)\n", Status);
}

Pool* DefaultPool()
{
    SrwExclusive Held(DefaultLock);
    if (!Default)
        Default = NewPool();
    return Default;
}

NTSTATUS Create(Object*& Out, Kind Type, PVOID Callback, PVOID Context, const TP_CALLBACK_ENVIRON* E)
{
    if (E && (!E->Version || E->Version > 3 || (E->Version == 3 && E->Priority > 2)))
        return STATUS_INVALID_PARAMETER;
    Pool* P = E && E->ThePool ? E->ThePool : DefaultPool();
    auto* O = P ? NewZeroed<Object>() : nullptr;
    if (!O)
        return STATUS_NO_MEMORY;
    O->ThePool = P;
    O->Type = Type;
    O->References = 1;
    O->Callback = Callback;
    O->Context = Context;
    O->Priority = 1;
    InitializeListHead(&O->QueueLinks);
    InitializeListHead(&O->GroupLinks);
    InitializeListHead(&O->Timer.Links);
    InitializeListHead(&O->Wait.Links);
    InitializeListHead(&O->Io.Done);
    __atomic_add_fetch(&P->References, 1, __ATOMIC_SEQ_CST);
    if (E) {
        O->RaceDll = E->RaceDll;
        O->Finalization = E->FinalizationCallback;
        O->ActivationContext = E->ActivationContext;
        O->LongFunction = E->Flags & 1;
        if (E->Version >= 3)
            O->Priority = u8(E->Priority);
        if (Group* G = E->CleanupGroup) {
            O->TheGroup = G;
            O->Cancel = E->CancelCallback;
            SrwExclusive Held(G->Lock);
            ++G->References;
            InsertTailList(&G->Members, &O->GroupLinks);
        }
        if (O->RaceDll)
            LdrAddRefDll(0, O->RaceDll);
    }
    Out = O;
    return STATUS_SUCCESS;
}

void Reference(Object* O) { __atomic_add_fetch(&O->References, 1, __ATOMIC_SEQ_CST); }

void Release(Object* O)
{
    if (__atomic_sub_fetch(&O->References, 1, __ATOMIC_SEQ_CST))
        return;
    LeaveGroup(O);
    Pool* P = O->ThePool;
    if (O->RaceDll)
        LdrUnloadDll(O->RaceDll);
    while (!IsListEmpty(&O->Io.Done)) {
        auto* C = RECORD_OF(O->Io.Done.Flink, Completion, Links);
        RemoveEntryList(&C->Links);
        Free(C);
    }
    Free(O->Owned);
    Free(O);
    ReleasePool(P);
}

void Submit(Object* O)
{
    Pool& P = *O->ThePool;
    Reference(O);
    bool Start = false, WakeUp = false;
    {
        SrwExclusive Held(P.Lock);
        ++O->Pending;
        if (!O->Queued) {
            InsertTailList(&P.Queue[O->Priority], &O->QueueLinks);
            O->Queued = true;
        }
        if (P.Idle) {
            WakeUp = true;
        } else if (P.Busy >= P.Workers && P.Workers < P.Maximum) {
            ++P.Workers;
            ++P.References;
            Start = true;
        }
    }
    if (WakeUp)
        RtlWakeConditionVariable(&P.More);
    if (Start)
        StartThread(reinterpret_cast<PVOID>(&Worker), &P, P.StackReserve, P.StackCommit);
}

void Execute(Object* O)
{
    Pool& P = *O->ThePool;
    Instance I { O, Teb()->ClientId.UniqueThread, true, O->LongFunction, nullptr, nullptr, nullptr, nullptr, 0, nullptr };
    switch (O->Type) {
    case Kind::Simple:
        reinterpret_cast<SIMPLE_CALLBACK*>(O->Callback)(&I, O->Context);
        break;
    case Kind::Work:
    case Kind::Timer:
        reinterpret_cast<WORK_CALLBACK*>(O->Callback)(&I, O->Context, O);
        break;
    case Kind::Function:
        reinterpret_cast<FUNCTION*>(O->Callback)(O->Context);
        break;
    case Kind::Wait: {
        bool TimedOut;
        {
            SrwExclusive Held(P.Lock);
            TimedOut = !O->Wait.Signals;
            if (O->Wait.Signals)
                --O->Wait.Signals;
            else if (O->Wait.Timeouts)
                --O->Wait.Timeouts;
        }
        if (O->Wait.Registered)
            reinterpret_cast<WAIT_OR_TIMER*>(O->Callback)(O->Context, TimedOut);
        else
            reinterpret_cast<WAIT_CALLBACK*>(O->Callback)(&I, O->Context, O, TimedOut ? ULONG(STATUS_TIMEOUT) : 0);
        break;
    }
    case Kind::Io: {
        Completion* C = nullptr;
        {
            SrwExclusive Held(P.Lock);
            if (!IsListEmpty(&O->Io.Done)) {
                C = RECORD_OF(O->Io.Done.Flink, Completion, Links);
                RemoveEntryList(&C->Links);
            }
        }
        if (C) {
            reinterpret_cast<IO_CALLBACK*>(O->Callback)(&I, O->Context, C->ApcContext, &C->Status, O);
            Free(C);
        }
        break;
    }
    }
    if (O->Finalization)
        reinterpret_cast<SIMPLE_CALLBACK*>(O->Finalization)(&I, O->Context);
    FinishInstance(I);
    bool WakeUp;
    HANDLE Done = nullptr;
    {
        SrwExclusive Held(P.Lock);
        --O->Running;
        if (I.Associated)
            --O->Associated;
        WakeUp = !O->Pending;
        if (!O->Pending && !O->Running)
            Done = std::exchange(O->Done, nullptr);
    }
    if (WakeUp)
        RtlWakeAllConditionVariable(&O->Idle);
    if (Done)
        NtSetEvent(Done, nullptr);
}

u32 CancelPending(Object* O)
{
    u32 Dropped;
    {
        SrwExclusive Held(O->ThePool->Lock);
        Dropped = O->Pending;
        O->Pending = 0;
        O->Wait.Signals = O->Wait.Timeouts = 0;
        if (O->Queued) {
            RemoveEntryList(&O->QueueLinks);
            O->Queued = false;
        }
    }
    for (u32 I = 0; I < Dropped; ++I)
        Release(O);
    return Dropped;
}

void WaitFor(Object* O, bool Cancel, bool All)
{
    Pool& P = *O->ThePool;
    if (Cancel)
        CancelPending(O);
    SrwExclusive Held(P.Lock);
    while (O->Pending || (All ? O->Running : O->Associated) || (O->Type == Kind::Io && !Cancel && O->Io.Outstanding))
        RtlSleepConditionVariableSRW(&O->Idle, &P.Lock, nullptr, 0);
}

void Disown(Object* O)
{
    if (!__atomic_exchange_n(&O->Released, true, __ATOMIC_SEQ_CST))
        Release(O);
}

bool SignalWhenDone(Object* O, HANDLE Event)
{
    SrwExclusive Held(O->ThePool->Lock);
    if (!O->Running && !O->Pending)
        return false;
    O->Done = Event;
    return true;
}

}

using namespace tp;

extern "C" {

NTSTATUS NTAPI TpAllocPool(Pool** Out, PVOID)
{
    *Out = NewPool();
    return *Out ? STATUS_SUCCESS : STATUS_NO_MEMORY;
}
void NTAPI TpReleasePool(Pool* P)
{
    {
        SrwExclusive Held(P->Lock);
        P->Closing = true;
    }
    RtlWakeAllConditionVariable(&P->More);
    ReleasePool(P);
}
void NTAPI TpSetPoolMaxThreads(Pool* P, ULONG Maximum)
{
    SrwExclusive Held(P->Lock);
    P->Maximum = Maximum ? Maximum : 1;
    if (P->Minimum > P->Maximum)
        P->Minimum = P->Maximum;
}
NTSTATUS NTAPI TpSetPoolMinThreads(Pool* P, ULONG Minimum)
{
    u32 Start = 0;
    {
        SrwExclusive Held(P->Lock);
        P->Minimum = Minimum;
        if (P->Maximum < Minimum)
            P->Maximum = Minimum;
        while (P->Workers < Minimum) {
            ++P->Workers;
            ++P->References;
            ++Start;
        }
    }
    for (; Start; --Start)
        StartThread(reinterpret_cast<PVOID>(&Worker), P, P->StackReserve, P->StackCommit);
    return STATUS_SUCCESS;
}
struct TP_POOL_STACK_INFORMATION {
    SIZE_T StackReserve, StackCommit;
};
NTSTATUS NTAPI TpQueryPoolStackInformation(Pool* P, TP_POOL_STACK_INFORMATION* Info)
{
    SrwShared Held(P->Lock);
    *Info = { P->StackReserve, P->StackCommit };
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI TpSetPoolStackInformation(Pool* P, const TP_POOL_STACK_INFORMATION* Info)
{
    SrwExclusive Held(P->Lock);
    P->StackReserve = Info->StackReserve;
    P->StackCommit = Info->StackCommit;
    return STATUS_SUCCESS;
}

// --- work

NTSTATUS NTAPI TpAllocWork(Object** Out, WORK_CALLBACK* Callback, PVOID Context, const TP_CALLBACK_ENVIRON* E)
{
    return Create(*Out, Kind::Work, reinterpret_cast<PVOID>(Callback), Context, E);
}
void NTAPI TpPostWork(Object* O) { Submit(O); }
void NTAPI TpWaitForWork(Object* O, BOOLEAN Cancel) { WaitFor(O, Cancel); }
void NTAPI TpReleaseWork(Object* O) { Disown(O); }
NTSTATUS NTAPI TpSimpleTryPost(SIMPLE_CALLBACK* Callback, PVOID Context, const TP_CALLBACK_ENVIRON* E)
{
    Object* O;
    NTSTATUS Status = Create(O, Kind::Simple, reinterpret_cast<PVOID>(Callback), Context, E);
    if (Status >= 0) {
        Submit(O);
        Release(O);
    }
    return Status;
}
NTSTATUS NTAPI RtlQueueWorkItem(FUNCTION* Function, PVOID Context, ULONG)
{
    Object* O;
    NTSTATUS Status = Create(O, Kind::Function, reinterpret_cast<PVOID>(Function), Context, nullptr);
    if (Status >= 0) {
        Submit(O);
        Release(O);
    }
    return Status;
}

// --- cleanup groups

NTSTATUS NTAPI TpAllocCleanupGroup(Group** Out)
{
    auto* G = NewZeroed<Group>();
    if (!G)
        return STATUS_NO_MEMORY;
    G->References = 1;
    InitializeListHead(&G->Members);
    *Out = G;
    return STATUS_SUCCESS;
}
void NTAPI TpReleaseCleanupGroup(Group* G)
{
    RtlAcquireSRWLockExclusive(&G->Lock);
    bool Last = --G->References == 0;
    RtlReleaseSRWLockExclusive(&G->Lock);
    if (Last)
        Free(G);
}
void NTAPI TpReleaseCleanupGroupMembers(Group* G, BOOLEAN Cancel, PVOID CleanupContext)
{
    // The members are taken over as a whole: first nothing more begins, then what runs is waited for.
    LIST_ENTRY Members;
    InitializeListHead(&Members);
    {
        SrwExclusive Held(G->Lock);
        while (!IsListEmpty(&G->Members)) {
            Object* O = RECORD_OF(G->Members.Flink, Object, GroupLinks);
            RemoveEntryList(&O->GroupLinks);
            // One that is just being destroyed waits for the lock in LeaveGroup.
            if (__atomic_load_n(&O->References, __ATOMIC_SEQ_CST) == 0)
                continue;
            Reference(O);
            InsertTailList(&Members, &O->GroupLinks);
            O->Leaving = true;
        }
    }
    for (LIST_ENTRY* I = Members.Flink; I != &Members; I = I->Flink) {
        Object* O = RECORD_OF(I, Object, GroupLinks);
        if (O->Type == Kind::Timer)
            SetTimer(O, nullptr, 0);
        if (O->Type == Kind::Wait)
            SetWait(O, nullptr, nullptr);
    }
    for (LIST_ENTRY* I = Members.Flink; Cancel && I != &Members; I = I->Flink) {
        Object* O = RECORD_OF(I, Object, GroupLinks);
        O->Cancelled = CancelPending(O) != 0;
    }
    while (!IsListEmpty(&Members)) {
        Object* O = RECORD_OF(Members.Flink, Object, GroupLinks);
        RemoveEntryList(&O->GroupLinks);
        WaitFor(O, false, true);
        if (O->Type == Kind::Simple) {
            if (O->Cancelled && O->Cancel && !O->Released)
                reinterpret_cast<CANCEL_CALLBACK*>(O->Cancel)(O->Context, CleanupContext);
        } else if (!O->Released) {
            if (Cancel && O->Cancel)
                reinterpret_cast<CANCEL_CALLBACK*>(O->Cancel)(O->Context, CleanupContext);
            if (O->Type == Kind::Wait)
                RemoveWait(O);
            Disown(O);
        }
        Release(O);
    }
}

// --- from inside a callback

void NTAPI TpCallbackLeaveCriticalSectionOnCompletion(Instance* I, RTL_CRITICAL_SECTION* Section)
{
    if (!I->Leave)
        I->Leave = Section;
}
void NTAPI TpCallbackReleaseMutexOnCompletion(Instance* I, HANDLE Mutant)
{
    if (!I->Mutant)
        I->Mutant = Mutant;
}
void NTAPI TpCallbackReleaseSemaphoreOnCompletion(Instance* I, HANDLE Semaphore, ULONG Count)
{
    if (!I->Semaphore) {
        I->Semaphore = Semaphore;
        I->SemaphoreCount = LONG(Count);
    }
}
void NTAPI TpCallbackSetEventOnCompletion(Instance* I, HANDLE Event)
{
    if (!I->Event)
        I->Event = Event;
}
void NTAPI TpCallbackUnloadDllOnCompletion(Instance* I, PVOID Dll)
{
    if (!I->Dll)
        I->Dll = Dll;
}
NTSTATUS NTAPI TpCallbackMayRunLong(Instance* I)
{
    if (I->ThreadId != Teb()->ClientId.UniqueThread)
        return STATUS_UNSUCCESSFUL;
    if (I->MayRunLong)
        return STATUS_SUCCESS;
    I->MayRunLong = true;
    Pool& P = *I->Owner->ThePool;
    bool Start = false;
    {
        SrwExclusive Held(P.Lock);
        if (P.Busy >= P.Workers) {
            if (P.Workers >= P.Maximum)
                return STATUS_TOO_MANY_THREADS;
            ++P.Workers;
            ++P.References;
            Start = true;
        }
    }
    if (Start)
        StartThread(reinterpret_cast<PVOID>(&Worker), &P, P.StackReserve, P.StackCommit);
    return STATUS_SUCCESS;
}
void NTAPI TpDisassociateCallback(Instance* I)
{
    Object* O = I->Owner;
    bool WakeUp = false;
    {
        SrwExclusive Held(O->ThePool->Lock);
        if (I->Associated) {
            I->Associated = false;
            WakeUp = --O->Associated == 0;
        }
    }
    if (WakeUp)
        RtlWakeAllConditionVariable(&O->Idle);
}

}
