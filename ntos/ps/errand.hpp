// Errands: a thread runs a few instructions of ntdll for the Executive and comes back, to where it was and to what it waited for.
// Floating-point and AVX registers are in the microkernel's keeping, per thread, and only the thread itself can store and load them:
// ntdll's KiSaveState and KiLoadState do, in an XSAVE area behind the thread's TEB (abi::StateInTeb).
//
// The thread may be suspended, may not have started yet, or may be in a service: whatever it waits for goes on without it, and what
// ends meanwhile is kept for it. It comes back when it makes a call, of any kind, when it faults, when something else wants its registers, when
// the errand is destroyed, and after a second. What its process does to ntdll or to the area harms that process only: its state is then
// what it says.
#pragma once
#include "kernel/kernel.hpp"
#include "ntos/ps/thread.hpp"

namespace ps {

class Errand {
public:
    explicit Errand(Thread& T) : T_(T) { }
    Errand(const Errand&) = delete;
    ~Errand() { Return(false); }
    Status Begin(u64 Routine);
    // Puts the thread back, if it is out. Done: it has done what it was sent for.
    void Return(bool Done);
    // The thread is gone.
    void Abandon();
    bool IsDone() const { return Done_; }
    ke::Event Over { ke::Event::Notification, false };

private:
    Thread& T_;
    kernel::Registers Saved_ {};
    bool InService_ = false, InFault_ = false, Out_ = false, Done_ = false;
};

// Sends the thread to Routine. STATUS_THREAD_IS_TERMINATING; STATUS_UNSUCCESSFUL if it does not come back as it should.
ke::Task<> RunErrand(Ref<Thread> T, u64 Routine);

}
