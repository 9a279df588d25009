// Caller: the client thread a service works for, as services see it. ps::Thread derives from it.
// The dispatcher fills Arguments; svc::X views them (ntos/ke/services.hpp).
#pragma once
#include "ntos/ke/task.hpp"
#include "ntos/ke/wait.hpp"

namespace ps {
class Process;
class Thread;
}

namespace mm {
struct Absence;
}

namespace ke {

class WaitState;
struct ServiceInfo;

class Caller : public Activity {
public:
    static constexpr u32 MaximumArguments = 18;
    Caller* AsCaller() override { return this; }
    // The process whose memory and handles the service works on, and the thread itself.
    ps::Process& Process() const { return *Process_; }
    ps::Thread& Thread();

    u64 Arguments[MaximumArguments];

    // What the dispatcher has to look at before it answers: an APC that interrupted the service (it runs whatever the status); pages of client memory that were not there: a service that fails
    // for one is run again, results that could not be written are (mm/absent.hpp).
    enum : u8 { ApcDue = 1, PageMissing = 2, StoresKept = 4 };
    u8 Attention = 0;
    mm::Absence* Absent = nullptr;
    const ServiceInfo* Waiting = nullptr;       // the service that waits

    // For an alertable wait about to begin: STATUS_USER_APC, STATUS_ALERTED (taken), or STATUS_SUCCESS if there is none.
    virtual Status TakeAlert() = 0;
    // The wait it is blocked in, if any.
    WaitState* CurrentWait() const { return Wait_; }

protected:
    ps::Process* Process_ = nullptr;

private:
    friend class WaitState;
    WaitState* Wait_ = nullptr;
};

// For whom the running code works; null in work items and for interrupts.
Caller* RunningCaller();

}
