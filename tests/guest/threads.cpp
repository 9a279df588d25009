// Threads, locks, waits, the thread pool.
#include "tests/guest/tap.hpp"

extern "C" {
NTSTATUS NTAPI RtlCreateUserThread(HANDLE, PVOID, BOOLEAN, ULONG, SIZE_T, SIZE_T, PVOID Start, PVOID Argument, HANDLE* Thread, CLIENT_ID*);
void NTAPI RtlExitUserThread(NTSTATUS Status);
NTSTATUS NTAPI RtlInitializeCriticalSection(RTL_CRITICAL_SECTION*);
NTSTATUS NTAPI RtlEnterCriticalSection(RTL_CRITICAL_SECTION*);
NTSTATUS NTAPI RtlLeaveCriticalSection(RTL_CRITICAL_SECTION*);
BOOLEAN NTAPI RtlTryEnterCriticalSection(RTL_CRITICAL_SECTION*);
NTSTATUS NTAPI RtlDeleteCriticalSection(RTL_CRITICAL_SECTION*);
void NTAPI RtlAcquireSRWLockExclusive(RTL_SRWLOCK*);
void NTAPI RtlReleaseSRWLockExclusive(RTL_SRWLOCK*);
void NTAPI RtlAcquireSRWLockShared(RTL_SRWLOCK*);
void NTAPI RtlReleaseSRWLockShared(RTL_SRWLOCK*);
BOOLEAN NTAPI RtlTryAcquireSRWLockExclusive(RTL_SRWLOCK*);
BOOLEAN NTAPI RtlTryAcquireSRWLockShared(RTL_SRWLOCK*);
NTSTATUS NTAPI RtlSleepConditionVariableSRW(RTL_CONDITION_VARIABLE*, RTL_SRWLOCK*, LARGE_INTEGER*, ULONG);
void NTAPI RtlWakeConditionVariable(RTL_CONDITION_VARIABLE*);
void NTAPI RtlWakeAllConditionVariable(RTL_CONDITION_VARIABLE*);
NTSTATUS NTAPI RtlWaitOnAddress(const void*, const void*, SIZE_T, const LARGE_INTEGER*);
void NTAPI RtlWakeAddressAll(const void*);
NTSTATUS NTAPI RtlRunOnceExecuteOnce(RTL_RUN_ONCE*, ULONG NTAPI (*)(RTL_RUN_ONCE*, PVOID, PVOID*), PVOID, PVOID*);
NTSTATUS NTAPI RtlQueueWorkItem(void NTAPI (*)(PVOID), PVOID, ULONG);
NTSTATUS NTAPI RtlCreateTimerQueue(HANDLE*);
NTSTATUS NTAPI RtlCreateTimer(HANDLE, HANDLE*, void NTAPI (*)(PVOID, BOOLEAN), PVOID, ULONG Due, ULONG Period, ULONG Flags);
NTSTATUS NTAPI RtlDeleteTimerQueueEx(HANDLE, HANDLE);
NTSTATUS NTAPI RtlRegisterWait(HANDLE*, HANDLE, void NTAPI (*)(PVOID, BOOLEAN), PVOID, ULONG, ULONG);
NTSTATUS NTAPI RtlDeregisterWaitEx(HANDLE, HANDLE);
NTSTATUS NTAPI RtlFlsAlloc(void NTAPI (*)(PVOID), ULONG*);
NTSTATUS NTAPI RtlFlsSetValue(ULONG, PVOID);
NTSTATUS NTAPI RtlFlsGetValue(ULONG, PVOID*);
NTSTATUS NTAPI RtlFlsFree(ULONG);
struct TpObject;
NTSTATUS NTAPI TpAllocWork(TpObject**, void NTAPI (*)(PVOID, PVOID, TpObject*), PVOID, PVOID);
void NTAPI TpPostWork(TpObject*);
void NTAPI TpWaitForWork(TpObject*, BOOLEAN);
void NTAPI TpReleaseWork(TpObject*);
}

namespace {

HANDLE CurrentProcess() { return reinterpret_cast<HANDLE>(i64(-1)); }

HANDLE Start(ULONG NTAPI (*Function)(PVOID), PVOID Argument)
{
    HANDLE Thread = nullptr;
    CHECK_EQ(u32(RtlCreateUserThread(CurrentProcess(), nullptr, 0, 0, 0, 0, reinterpret_cast<PVOID>(Function), Argument, &Thread, nullptr)), 0);
    return Thread;
}
void Join(HANDLE Thread)
{
    NtWaitForSingleObject(Thread, 0, nullptr);
    NtClose(Thread);
}
LARGE_INTEGER Milliseconds(i64 N)
{
    LARGE_INTEGER T;
    T.QuadPart = -N * 10000;
    return T;
}
void Sleep(i64 N)
{
    LARGE_INTEGER T = Milliseconds(N);
    NtDelayExecution(0, &T);
}

RTL_CRITICAL_SECTION Section;
RTL_SRWLOCK Lock;
RTL_CONDITION_VARIABLE Changed;
u64 Counter, Shared[2];
volatile int Torn;
u32 Ready;

ULONG NTAPI CountWithSection(PVOID)
{
    for (int I = 0; I < 20000; ++I) {
        RtlEnterCriticalSection(&Section);
        RtlEnterCriticalSection(&Section);
        u64 Old = Counter;
        if (I % 500 == 0)
            NtYieldExecution();
        Counter = Old + 1;
        RtlLeaveCriticalSection(&Section);
        RtlLeaveCriticalSection(&Section);
    }
    return 0;
}
ULONG NTAPI Write(PVOID)
{
    for (int I = 0; I < 5000; ++I) {
        RtlAcquireSRWLockExclusive(&Lock);
        ++Shared[0];
        if (I % 200 == 0)
            NtYieldExecution();
        ++Shared[1];
        RtlReleaseSRWLockExclusive(&Lock);
    }
    return 0;
}
ULONG NTAPI Read(PVOID)
{
    for (int I = 0; I < 5000; ++I) {
        RtlAcquireSRWLockShared(&Lock);
        u64 A = Shared[0];
        if (I % 300 == 0)
            NtYieldExecution();
        if (A != Shared[1])
            Torn = 1;
        RtlReleaseSRWLockShared(&Lock);
    }
    return 0;
}

// A queue of one, to pass numbers between two threads.
u64 Item;
bool Full;
ULONG NTAPI Produce(PVOID)
{
    for (u64 I = 1; I <= 2000; ++I) {
        RtlAcquireSRWLockExclusive(&Lock);
        while (Full)
            RtlSleepConditionVariableSRW(&Changed, &Lock, nullptr, 0);
        Item = I;
        Full = true;
        RtlReleaseSRWLockExclusive(&Lock);
        RtlWakeAllConditionVariable(&Changed);
    }
    return 0;
}

ULONG NTAPI WaitOnWord(PVOID)
{
    u32 Zero = 0;
    while (__atomic_load_n(&Ready, __ATOMIC_SEQ_CST) == 0)
        RtlWaitOnAddress(&Ready, &Zero, 4, nullptr);
    __atomic_add_fetch(&Counter, 1, __ATOMIC_SEQ_CST);
    return 0;
}

ULONG NTAPI Init(RTL_RUN_ONCE*, PVOID, PVOID* Context)
{
    __atomic_add_fetch(&Counter, 1, __ATOMIC_SEQ_CST);
    *Context = reinterpret_cast<PVOID>(0x40);
    return 1;
}
void NTAPI Work(PVOID) { __atomic_add_fetch(&Counter, 1, __ATOMIC_SEQ_CST); }
void NTAPI TpWork(PVOID, PVOID, TpObject*) { __atomic_add_fetch(&Counter, 1, __ATOMIC_SEQ_CST); }
void NTAPI Tick(PVOID, BOOLEAN) { __atomic_add_fetch(&Counter, 1, __ATOMIC_SEQ_CST); }
u32 TimedOut, Signalled;
void NTAPI Waited(PVOID, BOOLEAN Timeout) { __atomic_add_fetch(Timeout ? &TimedOut : &Signalled, 1, __ATOMIC_SEQ_CST); }

bool Until(u64 Value)
{
    for (int I = 0; I < 2000 && __atomic_load_n(&Counter, __ATOMIC_SEQ_CST) < Value; ++I)
        Sleep(2);
    return Counter >= Value;
}

ULONG Slot;
u64 FlsSeen;
void NTAPI FlsGone(PVOID Value) { FlsSeen += u64(Value); }
ULONG NTAPI UseFls(PVOID Value)
{
    RtlFlsSetValue(Slot, Value);
    PVOID Back = nullptr;
    RtlFlsGetValue(Slot, &Back);
    return Back == Value ? 7 : 8;
}

}

TAP_MAIN()
{
    HANDLE Threads[8];
    RtlInitializeCriticalSection(&Section);
    for (int I = 0; I < 4; ++I)
        Threads[I] = Start(CountWithSection, nullptr);
    for (int I = 0; I < 4; ++I)
        Join(Threads[I]);
    CHECK_EQ(Counter, 80000);
    CHECK_EQ(Section.LockCount, -1);
    CHECK(RtlTryEnterCriticalSection(&Section));
    CHECK_EQ(Section.RecursionCount, 1);
    RtlLeaveCriticalSection(&Section);
    CHECK_EQ(u32(RtlDeleteCriticalSection(&Section)), 0);

    for (int I = 0; I < 6; ++I)
        Threads[I] = Start(I < 2 ? Write : Read, nullptr);
    for (int I = 0; I < 6; ++I)
        Join(Threads[I]);
    CHECK_EQ(Torn, 0);
    CHECK_EQ(Shared[0], 10000);
    CHECK_EQ(Lock.Word, 0);
    CHECK(RtlTryAcquireSRWLockShared(&Lock));
    CHECK(!RtlTryAcquireSRWLockExclusive(&Lock));
    RtlReleaseSRWLockShared(&Lock);

    Threads[0] = Start(Produce, nullptr);
    u64 Sum = 0;
    for (u64 I = 1; I <= 2000; ++I) {
        RtlAcquireSRWLockExclusive(&Lock);
        while (!Full)
            RtlSleepConditionVariableSRW(&Changed, &Lock, nullptr, 0);
        Sum += Item;
        Full = false;
        RtlReleaseSRWLockExclusive(&Lock);
        RtlWakeConditionVariable(&Changed);
    }
    Join(Threads[0]);
    CHECK_EQ(Sum, 2001000);

    RtlAcquireSRWLockExclusive(&Lock);
    LARGE_INTEGER Timeout = Milliseconds(30);
    CHECK_EQ(u32(RtlSleepConditionVariableSRW(&Changed, &Lock, &Timeout, 0)), u32(STATUS_TIMEOUT));
    RtlReleaseSRWLockExclusive(&Lock);

    Counter = 0;
    for (int I = 0; I < 5; ++I)
        Threads[I] = Start(WaitOnWord, nullptr);
    Sleep(20);
    CHECK_EQ(Counter, 0);
    Ready = 1;
    RtlWakeAddressAll(&Ready);
    for (int I = 0; I < 5; ++I)
        Join(Threads[I]);
    CHECK_EQ(Counter, 5);

    Counter = 0;
    RTL_RUN_ONCE Once {};
    PVOID Context = nullptr;
    for (int I = 0; I < 3; ++I)
        CHECK_EQ(u32(RtlRunOnceExecuteOnce(&Once, Init, nullptr, &Context)), 0);
    CHECK_EQ(Counter, 1);
    CHECK_EQ(u64(Context), 0x40);

    // FLS callbacks run at the end of a thread, exit codes arrive
    CHECK_EQ(u32(RtlFlsAlloc(FlsGone, &Slot)), 0);
    HANDLE Thread = Start(UseFls, reinterpret_cast<PVOID>(0x111));
    NtWaitForSingleObject(Thread, 0, nullptr);
    THREAD_BASIC_INFORMATION Basic {};
    CHECK_EQ(u32(NtQueryInformationThread(Thread, ThreadBasicInformation, &Basic, sizeof(Basic), nullptr)), 0);
    CHECK_EQ(Basic.ExitStatus, 7);
    NtClose(Thread);
    CHECK_EQ(FlsSeen, 0x111);
    CHECK_EQ(u32(RtlFlsFree(Slot)), 0);

    Counter = 0;
    for (int I = 0; I < 50; ++I)
        RtlQueueWorkItem(Work, nullptr, 0);
    CHECK(Until(50));
    Counter = 0;
    TpObject* Object = nullptr;
    CHECK_EQ(u32(TpAllocWork(&Object, TpWork, nullptr, nullptr)), 0);
    for (int I = 0; I < 20; ++I)
        TpPostWork(Object);
    TpWaitForWork(Object, 0);
    CHECK_EQ(Counter, 20);
    TpReleaseWork(Object);

    Counter = 0;
    HANDLE Queue, Timer;
    CHECK_EQ(u32(RtlCreateTimerQueue(&Queue)), 0);
    CHECK_EQ(u32(RtlCreateTimer(Queue, &Timer, Tick, nullptr, 10, 10, 0)), 0);
    CHECK(Until(3));
    CHECK_EQ(u32(RtlDeleteTimerQueueEx(Queue, CurrentProcess())), 0);
    u64 After = Counter;
    Sleep(50);
    CHECK_EQ(Counter, After);

    HANDLE Event, Wait;
    CHECK_EQ(u32(NtCreateEvent(&Event, 0x1F0003, nullptr, 1, 0)), 0);
    CHECK_EQ(u32(RtlRegisterWait(&Wait, Event, Waited, nullptr, 0xFFFFFFFF, 0)), 0);
    for (u32 I = 1; I <= 3; ++I) {
        NtSetEvent(Event, nullptr);
        for (int J = 0; J < 1000 && __atomic_load_n(&Signalled, __ATOMIC_SEQ_CST) < I; ++J)
            Sleep(2);
    }
    CHECK_EQ(Signalled, 3);
    CHECK_EQ(TimedOut, 0);
    CHECK_EQ(u32(RtlDeregisterWaitEx(Wait, CurrentProcess())), 0);
    CHECK_EQ(u32(RtlRegisterWait(&Wait, Event, Waited, nullptr, 20, 8)), 0);
    for (int J = 0; J < 1000 && !__atomic_load_n(&TimedOut, __ATOMIC_SEQ_CST); ++J)
        Sleep(2);
    CHECK_EQ(TimedOut, 1);
    CHECK_EQ(u32(RtlDeregisterWaitEx(Wait, CurrentProcess())), 0);
    NtClose(Event);
}
