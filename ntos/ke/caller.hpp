// Caller: the client thread a service works for, as services see it. ps::Thread derives from it.
// The dispatcher fills Arguments; svc::X views them (ntos/ke/services.hpp).
#pragma once
#include "ntos/ke/task.hpp"
#include "ntos/ke/wait.hpp"

namespace ps {
class Process;
class Thread;
}

namespace ke {

class WaitState;

class Caller : public Activity {
public:
    static constexpr u32 MaximumArguments = 18;
    Caller* AsCaller() override { return this; }
    // The process whose memory and handles the service works on, and the thread itself.
    ps::Process& Process() const { return *Process_; }
    ps::Thread& Thread();

    u64 Arguments[MaximumArguments];

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

}
