#include "ntos/ke/time.hpp"

#include "kernel/kernel.hpp"
#include "lib/core/vector.hpp"

namespace ke {

using namespace nt;

static ClockSource Source;
static abi::KuserSharedData* Page;
static u64 TscBase, Multiplier, SystemAtBase;   // 100 ns per TSC tick, 32.32
static u64 LastTick;                            // the interrupt time that the page shows

u64 InterruptTime()
{
    return u64((unsigned __int128)(kernel::Tsc() - TscBase) * Multiplier >> 32);
}

u64 SystemTime()
{
    return SystemAtBase + LastTick;
}

void SetSystemTime(u64 Now)
{
    SystemAtBase = Now - InterruptTime();
    UpdateSharedTime();
}

Deadline Deadline::From(i64 NtTimeout)
{
    u64 Now = InterruptTime();
    if (NtTimeout <= 0) {
        u64 Span = 0 - u64(NtTimeout);
        return { Span > Never - 1 - Now ? Never : Now + Span };
    }
    u64 System = SystemAtBase + Now;
    return { u64(NtTimeout) <= System ? Now : Now + (u64(NtTimeout) - System) };
}

// --- the heap of timers

class TimerQueue {
public:
    static Status Insert(Timer& T)
    {
        if (T.Index_ == Timer::NotSet) {
            if (Count_ == Room_)
                TRY(Grow());
            T.Index_ = Count_++;
            Heap_[T.Index_] = &T;
        }
        Up(T.Index_);
        Down(T.Index_);
        return STATUS_SUCCESS;
    }
    static void Remove(Timer& T)
    {
        u32 At = T.Index_;
        T.Index_ = Timer::NotSet;
        Timer* Last = Heap_[--Count_];
        if (Last == &T)
            return;
        Heap_[At] = Last;
        Last->Index_ = At;
        Up(At);
        Down(Last->Index_);
    }
    static Timer* First() { return Count_ ? Heap_[0] : nullptr; }
    static void Fire(Timer& T)
    {
        Remove(T);
        T.Expired_(T);
    }

private:
    static Status Grow()
    {
        u32 Room = Room_ ? Room_ * 2 : 64;
        Timer** Bigger = static_cast<Timer**>(::operator new(Room * sizeof(Timer*), std::nothrow));
        if (!Bigger)
            return STATUS_NO_MEMORY;
        for (u32 I = 0; I < Count_; ++I)
            Bigger[I] = Heap_[I];
        ::operator delete(Heap_);
        Heap_ = Bigger;
        Room_ = Room;
        return STATUS_SUCCESS;
    }
    static void Swap(u32 A, u32 B)
    {
        std::swap(Heap_[A], Heap_[B]);
        Heap_[A]->Index_ = A;
        Heap_[B]->Index_ = B;
    }
    static void Up(u32 At)
    {
        for (; At > 0 && Heap_[At]->Due_ < Heap_[(At - 1) / 2]->Due_; At = (At - 1) / 2)
            Swap(At, (At - 1) / 2);
    }
    static void Down(u32 At)
    {
        for (;;) {
            u32 Least = At;
            for (u32 Child : { 2 * At + 1, 2 * At + 2 })
                if (Child < Count_ && Heap_[Child]->Due_ < Heap_[Least]->Due_)
                    Least = Child;
            if (Least == At)
                return;
            Swap(At, Least);
            At = Least;
        }
    }
    static inline Timer** Heap_ = nullptr;
    static inline u32 Count_ = 0, Room_ = 0;
};

static u64 AlarmSet = Never;

// The clock ticks while anything may look at the shared page; the next alarm is the earlier of tick and timer.
static void Rearm()
{
    u64 Due = NextTimer();
    if (Due < AlarmSet && Source.SetAlarm) {
        AlarmSet = Due;
        Source.SetAlarm(Due);
    }
}

Status Timer::Set(u64 Due)
{
    // Timers expire on a grid, so that those that are due about the same time take one interrupt, and a program that polls with the shortest of sleeps
    // sleeps as long as on Windows.
    u64 Late = Due % TimerGrid;
    Due_ = Late == 0 || Due > Never - TimerGrid || Due <= InterruptTime() ? Due : Due - Late + TimerGrid;
    TRY(TimerQueue::Insert(*this));
    Rearm();
    return STATUS_SUCCESS;
}

bool Timer::Cancel()
{
    if (!IsSet())
        return false;
    TimerQueue::Remove(*this);
    return true;
}

u64 NextTimer()
{
    Timer* T = TimerQueue::First();
    return T ? T->Due() : Never;
}

void RunTimers()
{
    UpdateSharedTime();                 // first: what the timers wake looks at it
    u64 Now = InterruptTime();
    while (Timer* T = TimerQueue::First()) {
        if (T->Due() > Now)
            break;
        TimerQueue::Fire(*T);
    }
    AlarmSet = Now + ClockTick;
    if (NextTimer() < AlarmSet)
        AlarmSet = NextTimer();
    if (Source.SetAlarm)
        Source.SetAlarm(AlarmSet);
}

static void Put(abi::KSYSTEM_TIME& To, u64 Value)
{
    // Readers take High1, Low, High2 and try again while the highs differ.
    volatile abi::KSYSTEM_TIME& T = To;
    T.High2Time = i32(Value >> 32);
    T.LowPart = u32(Value);
    T.High1Time = i32(Value >> 32);
}

void UpdateSharedTime()
{
    u64 Tsc = kernel::Tsc();
    u64 Interrupt = LastTick = u64((unsigned __int128)(Tsc - TscBase) * Multiplier >> 32);
    if (!Page)
        return;
    Put(Page->InterruptTime, Interrupt);
    Put(Page->SystemTime, SystemAtBase + Interrupt);
    // In milliseconds (multiplier 1): kernelbase's GetTickCount does not multiply.
    u64 Ticks = Interrupt / 10000;
    Put(Page->TickCount, Ticks);
    volatile abi::ClockPage& C = Page->Clock;
    C.Sequence = C.Sequence + 1;
    C.TscBase = Tsc;
    C.SystemTimeBase = SystemAtBase + Interrupt;
    C.InterruptTimeBase = Interrupt;
    C.Sequence = C.Sequence + 1;
}

void StartClock(const ClockSource& From, abi::KuserSharedData* Shared)
{
    Source = From;
    Page = Shared;
    // The clock does not start at 0 but at one second, for firmware and loader: no Windows program ever saw a smaller count, and some take one for
    // "never" (the packaged GlobalMemoryStatusEx answers from an empty cache then).
    TscBase = kernel::Tsc() - From.TscFrequency;
    SystemAtBase = From.SystemTimeAtStart - 10'000'000;
    // 10^7 units a second; 32 fraction bits keep a year within microseconds for any plausible TSC.
    Multiplier = u64(((unsigned __int128)10'000'000 << 32) / From.TscFrequency);
    if (Page) {
        Page->TickCountMultiplier = 1 << 24;
        Page->Clock.Multiplier = Multiplier;
        Page->Clock.TscFrequency = From.TscFrequency;
        Page->QpcFrequency = 10'000'000;
    }
    RunTimers();
}

}
