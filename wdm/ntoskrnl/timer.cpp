// Kernel timers, and what time it is. One thread waits for the earliest.
#include "wdm/ntoskrnl/host.hpp"

namespace host {

namespace {

LIST_ENTRY Timers = { &Timers, &Timers };       // by DueTime; Dispatcher lock
LONG Changes;                                   // the thread looks again when it changes
bool Started;

u64 Now()
{
    // KUSER_SHARED_DATA.InterruptTime is refreshed by the clock tick; the counter is exact.
    LARGE_INTEGER Counter, Frequency;
    NtQueryPerformanceCounter(&Counter, &Frequency);
    return u64(Counter.QuadPart) / u64(Frequency.QuadPart) * 10'000'000 + u64(Counter.QuadPart) % u64(Frequency.QuadPart) * 10'000'000 / u64(Frequency.QuadPart);
}

void Insert(KTIMER* T)
{
    LIST_ENTRY* At = Timers.Blink;
    while (At != &Timers && CONTAINING_RECORD(At, KTIMER, TimerListEntry)->DueTime.QuadPart > T->DueTime.QuadPart)
        At = At->Blink;
    InsertHeadList(At, &T->TimerListEntry);
    T->Header.Inserted = TRUE;
    if (Timers.Flink == &T->TimerListEntry) {
        __atomic_add_fetch(&Changes, 1, __ATOMIC_RELEASE);
        RtlWakeAddressSingle(&Changes);
    }
}

void Remove(KTIMER* T)
{
    RemoveEntryList(&T->TimerListEntry);
    T->Header.Inserted = FALSE;
}

void NTAPI Run(PVOID)
{
    for (;;) {
        LONG Seen = __atomic_load_n(&Changes, __ATOMIC_ACQUIRE);
        KIRQL Old = Raise(DISPATCH_LEVEL);
        LARGE_INTEGER Wait;
        Dispatcher.Acquire();
        bool Any;
        while ((Any = !IsListEmpty(&Timers))) {
            auto* T = CONTAINING_RECORD(Timers.Flink, KTIMER, TimerListEntry);
            u64 Time = Now();
            if (T->DueTime.QuadPart > Time) {
                Wait.QuadPart = -LONGLONG(T->DueTime.QuadPart - Time);
                break;
            }
            Remove(T);
            T->Header.SignalState = 1;
            SignalObject(&T->Header);
            if (T->Period) {
                T->DueTime.QuadPart += u64(T->Period) * 10'000;
                Insert(T);
            }
            KDPC* D = reinterpret_cast<KDPC*>(T->Dpc);
            if (!D)
                continue;
            Dispatcher.Release();
            LARGE_INTEGER System;
            NtQuerySystemTime(&System);
            KeInsertQueueDpc(D, reinterpret_cast<PVOID>(ULONG_PTR(System.LowPart)), reinterpret_cast<PVOID>(ULONG_PTR(System.HighPart)));
            Dispatcher.Acquire();
        }
        Dispatcher.Release();
        Lower(Old);
        RtlWaitOnAddress(&Changes, &Seen, sizeof(Seen), Any ? &Wait : nullptr);
    }
}

}

const void* PendingTimer(const char*& Description)
{
    {
        Hold Held(Dispatcher);
        for (LIST_ENTRY* At = Timers.Flink; At != &Timers; At = At->Flink)
            if (auto* D = reinterpret_cast<KDPC*>(CONTAINING_RECORD(At, KTIMER, TimerListEntry)->Dpc)) {
                Description = "unloaded, but a timer is still set";
                return reinterpret_cast<const void*>(D->DeferredRoutine);
            }
    }
    KIRQL Old = Raise(DISPATCH_LEVEL);
    const void* Routine = IsListEmpty(&Dpcs) ? nullptr : reinterpret_cast<const void*>(CONTAINING_RECORD(Dpcs.Flink, KDPC, DpcListEntry)->DeferredRoutine);
    if (Routine) {
        Description = "unloaded, but a DPC is still queued";
        RemoveEntryList(Dpcs.Flink);    // or the fall of the level runs it
    }
    Lower(Old);
    return Routine;
}

void StartTimers()
{
    if (Started)
        return;
    Started = true;
    if (auto* T = New<Thread>()) {
        T->References = 1;
        InitializeListHead(&T->Header.WaitListHead);
        if (StartThread(T, Run, nullptr) < 0)
            Log("no thread for timers\n");
    }
}

}

using namespace host;

extern "C" {

// A timer that is set stays so, with its DPC, as on Windows; it fires once.
void NTAPI KeInitializeTimerEx(PKTIMER T, TIMER_TYPE Type)
{
    Hold Held(Dispatcher);
    LIST_ENTRY* At = Timers.Flink;
    while (At != &Timers && At != &T->TimerListEntry)
        At = At->Flink;
    bool Set = At != &Timers;
    T->Header.Type = Type == NotificationTimer ? 8 : 9;
    T->Header.Size = 0;                 // since Windows 8: other fields lie there
    T->Header.Inserted = Set;
    T->Header.SignalState = 0;
    InitializeListHead(&T->Header.WaitListHead);
    T->Period = 0;
    if (Set)
        return;
    InitializeListHead(&T->TimerListEntry);
    T->DueTime.QuadPart = 0;
    T->Dpc = nullptr;
}
void NTAPI KeInitializeTimer(PKTIMER T) { KeInitializeTimerEx(T, NotificationTimer); }
BOOLEAN NTAPI KeSetTimerEx(PKTIMER T, LARGE_INTEGER DueTime, LONG Period, PKDPC Dpc)
{
    u64 Due;
    if (DueTime.QuadPart <= 0) {
        Due = Now() + u64(-DueTime.QuadPart);
    } else {
        LARGE_INTEGER System;
        NtQuerySystemTime(&System);
        Due = Now() + (DueTime.QuadPart > System.QuadPart ? u64(DueTime.QuadPart - System.QuadPart) : 0);
    }
    Hold Held(Dispatcher);
    StartTimers();
    bool Was = T->Header.Inserted;
    if (Was)
        Remove(T);
    T->Header.SignalState = 0;
    T->DueTime.QuadPart = Due;
    T->Period = Period;
    T->Dpc = reinterpret_cast<decltype(T->Dpc)>(Dpc);
    Insert(T);
    return Was;
}
BOOLEAN NTAPI KeSetTimer(PKTIMER T, LARGE_INTEGER DueTime, PKDPC Dpc) { return KeSetTimerEx(T, DueTime, 0, Dpc); }
BOOLEAN NTAPI KeSetCoalescableTimer(PKTIMER T, LARGE_INTEGER DueTime, ULONG Period, ULONG, PKDPC Dpc) { return KeSetTimerEx(T, DueTime, LONG(Period), Dpc); }
BOOLEAN NTAPI KeCancelTimer(PKTIMER T)
{
    Hold Held(Dispatcher);
    bool Was = T->Header.Inserted;
    if (Was)
        Remove(T);
    return Was;
}
BOOLEAN NTAPI KeReadStateTimer(PKTIMER T) { return T->Header.SignalState != 0; }

ULONGLONG NTAPI KeQueryInterruptTimeExport() { return Now(); }
ULONGLONG NTAPI KeQueryUnbiasedInterruptTime() { return Now(); }
void NTAPI KeQuerySystemTimeExport(PLARGE_INTEGER To) { NtQuerySystemTime(To); }
void NTAPI KeQuerySystemTimePreciseExport(PLARGE_INTEGER To) { NtQuerySystemTime(To); }
void NTAPI KeQueryTickCountExport(PLARGE_INTEGER To) { To->QuadPart = LONGLONG(Now() / 156250); }
ULONG NTAPI KeQueryTimeIncrement() { return 156250; }
LARGE_INTEGER NTAPI KeQueryPerformanceCounter(PLARGE_INTEGER Frequency)
{
    LARGE_INTEGER Counter, F;
    NtQueryPerformanceCounter(&Counter, &F);
    if (Frequency)
        *Frequency = F;
    return Counter;
}
void NTAPI KeStallExecutionProcessor(ULONG Microseconds)
{
    u64 Until = Now() + u64(Microseconds) * 10;
    while (Now() < Until)
        __builtin_ia32_pause();
}

}
