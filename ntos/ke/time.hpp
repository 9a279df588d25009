// Time: one linear clock from the TSC, one heap of timers, and the page every process reads (abi/kuser.hpp).
// All times are in 100 ns units; "interrupt time" counts from boot, "system time" from 1601 UTC.
#pragma once
#include "abi/kuser.hpp"
#include "lib/core/result.hpp"

namespace ke {

u64 InterruptTime();
u64 SystemTime();                   // as of the last tick: what the shared page shows. Programs compare the two
void SetSystemTime(u64 Now);        // absolute deadlines move with it
inline constexpr u64 Never = ~u64(0);

// When a wait gives up, in interrupt time.
struct Deadline {
    u64 At = Never;
    static Deadline None() { return {}; }
    // An NT timeout: negative = relative, positive = absolute system time, 0 = at once.
    static Deadline From(i64 NtTimeout);
    bool HasPassed() const { return At != Never && At <= InterruptTime(); }
};

// Half a millisecond: the finest resolution of Windows' clock (NtQueryTimerResolution).
inline constexpr u64 TimerGrid = 5000;

// Calls Expired once at Due (never earlier) on the dispatcher thread. Cancels itself when destroyed.
class Timer {
public:
    using Routine = void (*)(Timer&);
    constexpr explicit Timer(Routine Expired) : Expired_(Expired) { }
    Timer(const Timer&) = delete;
    ~Timer() { Cancel(); }
    // Interrupt time, taken up to the next multiple of TimerGrid; set again to move it. STATUS_NO_MEMORY if the heap cannot grow.
    Status Set(u64 Due);
    bool Cancel();                  // whether it was pending
    bool IsSet() const { return Index_ != NotSet; }
    u64 Due() const { return Due_; }

private:
    friend class TimerQueue;
    static constexpr u32 NotSet = ~0u;
    Routine Expired_;
    u64 Due_ = 0;
    u32 Index_ = NotSet;
};

// Expires what is due and programs the hardware for the next. Called by the dispatcher at every clock interrupt.
void RunTimers();
// The earliest due time, or Never.
u64 NextTimer();

// --- the clock hardware, given by hal (or a test): a TSC frequency, the wall time at boot, one-shot alarms.
struct ClockSource {
    u64 TscFrequency;
    u64 SystemTimeAtStart;
    void (*SetAlarm)(u64 InterruptTimeDue);     // a clock interrupt at that time or a little later; Never = none
};
// Page: where the shared page is seen by the Executive (null in tests that do not look at it).
void StartClock(const ClockSource& Source, abi::KuserSharedData* Page);
void UpdateSharedTime();            // refreshes the page; at every clock interrupt
inline constexpr u64 ClockTick = 156250;        // 15.625 ms: how often the page is refreshed while programs run

}
