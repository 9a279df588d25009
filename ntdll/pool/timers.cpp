// Timers of the pool, and the older timer queues on top of them.
#include "ntdll/pool/pool.hpp"

namespace tp {

namespace {

PROCESS_LOCK constinit RTL_SRWLOCK Lock {};
constinit RTL_CONDITION_VARIABLE Changed {};
constinit LIST_ENTRY Timers { &Timers, &Timers };       // by due time
constinit bool Running = false;

void Insert(Object* O)
{
    LIST_ENTRY* I = Timers.Flink;
    while (I != &Timers && RECORD_OF(I, Object, Timer.Links)->Timer.Due <= O->Timer.Due)
        I = I->Flink;
    InsertTailList(I, &O->Timer.Links);
    O->Timer.Listed = true;
}

void Remove(Object* O)
{
    if (O->Timer.Listed) {
        RemoveEntryList(&O->Timer.Links);
        O->Timer.Listed = false;
    }
}

void NTAPI TimerThread(PVOID)
{
    RtlAcquireSRWLockExclusive(&Lock);
    for (;;) {
        i64 Now = RtlpInterruptTime();
        if (IsListEmpty(&Timers)) {
            RtlSleepConditionVariableSRW(&Changed, &Lock, nullptr, 0);
            continue;
        }
        Object* O = RECORD_OF(Timers.Flink, Object, Timer.Links);
        if (O->Timer.Due > Now) {
            LARGE_INTEGER Timeout;
            Timeout.QuadPart = Now - O->Timer.Due;
            RtlSleepConditionVariableSRW(&Changed, &Lock, &Timeout, 0);
            continue;
        }
        Remove(O);
        if (O->Timer.Period) {
            i64 Step = i64(O->Timer.Period) * 10000;
            O->Timer.Due += Step;
            if (O->Timer.Due <= Now)
                O->Timer.Due = Now + Step;
            Insert(O);
        }
        Submit(O);
    }
}

}

void SetTimer(Object* O, const LARGE_INTEGER* Due, u32 Period)
{
    bool Start = false;
    {
        SrwExclusive Held(Lock);
        Remove(O);
        O->Timer.Set = Due != nullptr;
        if (!Due)
            return;
        O->Timer.Period = Period;
        i64 Now = RtlpInterruptTime();
        if (Due->QuadPart < 0) {
            O->Timer.Due = Now - Due->QuadPart;
        } else {
            LARGE_INTEGER System;
            NtQuerySystemTime(&System);
            O->Timer.Due = Due->QuadPart > System.QuadPart ? Now + (Due->QuadPart - System.QuadPart) : Now;
        }
        Insert(O);
        Start = !Running;
        Running = true;
    }
    if (Start)
        StartThread(reinterpret_cast<PVOID>(&TimerThread), nullptr);
    else
        RtlWakeConditionVariable(&Changed);
}

}

using namespace tp;

extern "C" {

NTSTATUS NTAPI TpAllocTimer(Object** Out, WORK_CALLBACK* Callback, PVOID Context, const TP_CALLBACK_ENVIRON* E)
{
    return Create(*Out, Kind::Timer, reinterpret_cast<PVOID>(Callback), Context, E);
}
void NTAPI TpSetTimer(Object* O, LARGE_INTEGER* Due, LONG Period, LONG) { SetTimer(O, Due, u32(Period)); }
BOOLEAN NTAPI TpSetTimerEx(Object* O, LARGE_INTEGER* Due, LONG Period, LONG)
{
    BOOLEAN Was = O->Timer.Listed;
    SetTimer(O, Due, u32(Period));
    return Was;
}
BOOLEAN NTAPI TpIsTimerSet(Object* O) { return O->Timer.Set; }
void NTAPI TpWaitForTimer(Object* O, BOOLEAN Cancel) { WaitFor(O, Cancel); }
void NTAPI TpReleaseTimer(Object* O)
{
    SetTimer(O, nullptr, 0);
    Disown(O);
}

// --- timer queues

constexpr ULONG WT_EXECUTEONLYONCE = 0x8;

struct TimerQueue;
struct QueuedTimer {
    LIST_ENTRY Links;
    TimerQueue* Queue;
    Object* Timer;
    WAIT_OR_TIMER* Callback;
    PVOID Context;
    ULONG Flags;
};
struct TimerQueue {
    RTL_SRWLOCK Lock;
    LIST_ENTRY Timers;
};

static constinit TimerQueue DefaultQueue { {}, { &DefaultQueue.Timers, &DefaultQueue.Timers } };
static TimerQueue* QueueOf(HANDLE Queue) { return Queue ? static_cast<TimerQueue*>(Queue) : &DefaultQueue; }

static void NTAPI QueueCallback(Instance*, PVOID Context, Object*)
{
    auto* T = static_cast<QueuedTimer*>(Context);
    T->Callback(T->Context, 1);
}

static LARGE_INTEGER Milliseconds(ULONG Time)
{
    LARGE_INTEGER Due;
    Due.QuadPart = Time ? -i64(Time) * 10000 : -1;
    return Due;
}

NTSTATUS NTAPI RtlCreateTimerQueue(HANDLE* Out)
{
    auto* Q = NewZeroed<TimerQueue>();
    if (!Q)
        return STATUS_NO_MEMORY;
    InitializeListHead(&Q->Timers);
    *Out = Q;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlCreateTimer(HANDLE Queue, HANDLE* Out, WAIT_OR_TIMER* Callback, PVOID Context, ULONG Due, ULONG Period, ULONG Flags)
{
    auto* T = NewZeroed<QueuedTimer>();
    if (!T)
        return STATUS_NO_MEMORY;
    *T = { {}, QueueOf(Queue), nullptr, Callback, Context, Flags };
    NTSTATUS Status = Create(T->Timer, Kind::Timer, reinterpret_cast<PVOID>(&QueueCallback), T, nullptr);
    if (Status < 0) {
        Free(T);
        return Status;
    }
    {
        SrwExclusive Held(T->Queue->Lock);
        InsertTailList(&T->Queue->Timers, &T->Links);
    }
    *Out = T;
    if (Due != ~0u) {
        LARGE_INTEGER When = Milliseconds(Due);
        SetTimer(T->Timer, &When, Flags & WT_EXECUTEONLYONCE ? 0 : Period);
    }
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlUpdateTimer(HANDLE, HANDLE Timer, ULONG Due, ULONG Period)
{
    auto* T = static_cast<QueuedTimer*>(Timer);
    if (!T)
        return STATUS_INVALID_PARAMETER;
    // A one-shot timer that has fired stays as it is.
    if (!Period && !T->Timer->Timer.Listed)
        return STATUS_SUCCESS;
    LARGE_INTEGER When = Milliseconds(Due);
    SetTimer(T->Timer, &When, Period);
    return STATUS_SUCCESS;
}

// Event: null: do not wait; -1: wait until no callback runs; else signalled when that is so.
NTSTATUS NTAPI RtlDeleteTimer(HANDLE, HANDLE Timer, HANDLE Event)
{
    auto* T = static_cast<QueuedTimer*>(Timer);
    if (!T)
        return STATUS_INVALID_PARAMETER_1;
    SetTimer(T->Timer, nullptr, 0);
    {
        SrwExclusive Held(T->Queue->Lock);
        RemoveEntryList(&T->Links);
    }
    Object* O = T->Timer;
    O->Owned = T;                   // a callback that runs still uses it
    NTSTATUS Status = STATUS_SUCCESS;
    CancelPending(O);
    if (Event == CurrentProcess())
        WaitFor(O, true);
    else if (SignalWhenDone(O, Event))
        Status = STATUS_PENDING;
    else if (Event)
        NtSetEvent(Event, nullptr);
    Disown(O);
    return Status;
}

NTSTATUS NTAPI RtlDeleteTimerQueueEx(HANDLE Queue, HANDLE Event)
{
    auto* Q = static_cast<TimerQueue*>(Queue);
    if (!Q)
        return STATUS_INVALID_HANDLE;
    for (;;) {
        QueuedTimer* T = nullptr;
        {
            SrwExclusive Held(Q->Lock);
            if (!IsListEmpty(&Q->Timers))
                T = RECORD_OF(Q->Timers.Flink, QueuedTimer, Links);
        }
        if (!T)
            break;
        RtlDeleteTimer(Queue, T, Event ? CurrentProcess() : nullptr);
    }
    Free(Q);
    if (Event && Event != CurrentProcess())
        NtSetEvent(Event, nullptr);
    return Event ? STATUS_SUCCESS : STATUS_PENDING;
}
NTSTATUS NTAPI RtlDeleteTimerQueue(HANDLE Queue) { return RtlDeleteTimerQueueEx(Queue, CurrentProcess()); }

}
