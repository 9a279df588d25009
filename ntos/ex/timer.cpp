// Timers: notification and synchronisation timers, periods, and the user APC of the thread that set one.
#include "ntos/ex/ex.hpp"
#include "ntos/ps/thread.hpp"

using namespace ob;

namespace ex {

namespace {

// The APC is queued to the thread that set the timer; the timer is stopped when that thread ends (as NT does it), and the APC
// taken back when the timer is cancelled, set again or gone.
class Timer final : public Object, public ke::Waitable, public ps::ThreadRundown {
public:
    static const TypeInfo Type;
    explicit Timer(bool AutoReset) : Object(Type), Clock_(*this), AutoReset_(AutoReset) { Apc_.Owned = true; }
    ~Timer() override { Stop(); }
    ke::Waitable* AsWaitable() override { return this; }
    bool IsSignaled(const ke::Caller*) const override { return Signaled_; }
    NTSTATUS Satisfy(ke::Caller*) override
    {
        if (AutoReset_)
            Signaled_ = false;
        return STATUS_SUCCESS;
    }
    bool State() const { return Signaled_; }
    bool IsRunning() const { return Clock_.IsSet(); }
    u64 Due() const { return Due_; }

    Status Start(u64 Due, u32 PeriodMs, ps::Thread* ApcThread, u64 Routine, u64 Context)
    {
        Stop();
        Signaled_ = false;
        Period_ = u64(PeriodMs) * 10000;
        if (Routine) {
            ApcThread_ = ApcThread;
            Apc_.Routine = Routine;
            Apc_.Arguments[0] = Context;
            ApcThread->AddRundown(*this);
        }
        Due_ = Due;
        if (Due <= ke::InterruptTime()) {
            Expire();
            return STATUS_SUCCESS;
        }
        return Clock_.Set(Due);
    }

    // Whether it was running.
    bool Stop()
    {
        bool Was = Clock_.Cancel();
        Period_ = 0;
        if (ps::Thread* T = std::exchange(ApcThread_, nullptr)) {
            T->RemoveApc(Apc_);
            ps::ThreadRundown::Link.Unlink();
        }
        return Was;
    }

private:
    struct Clock : ke::Timer {
        explicit Clock(ex::Timer& Owner) : ke::Timer(Expired), Owner_(Owner) { }
        static void Expired(ke::Timer& T) { static_cast<Clock&>(T).Owner_.Expire(); }
        ex::Timer& Owner_;
    };

    void Expire()
    {
        Ref<Object> Keep(*this);        // a waiter that goes on may drop the last reference
        if (Period_) {
            // The next one in step with the first, however late this one comes.
            u64 Now = ke::InterruptTime();
            Due_ += Period_;
            if (Due_ <= Now)
                Due_ += (Now - Due_) / Period_ * Period_ + Period_;
            Clock_.Set(Due_).Ignore();  // the heap just lost an element: there is room
        }
        Signaled_ = true;
        if (ApcThread_ && !Apc_.Link.IsLinked()) {
            u64 Now = ke::SystemTime();
            Apc_.Arguments[1] = u32(Now);
            Apc_.Arguments[2] = Now >> 32;
            ApcThread_->QueueApc(Apc_);
        }
        Wake();
    }

    void ThreadEnds(ps::Thread&) override
    {
        Clock_.Cancel();
        ApcThread_->RemoveApc(Apc_);
        ApcThread_ = nullptr;
    }

    Clock Clock_;
    bool AutoReset_, Signaled_ = false;
    u64 Due_ = 0, Period_ = 0;
    ps::Thread* ApcThread_ = nullptr;   // while the rundown is linked
    ps::UserApc Apc_;
};

constinit const TypeInfo Timer::Type {
    .Name = L"Timer",
    .ValidAccess = TIMER_ALL_ACCESS,
    .Mapping = { STANDARD_RIGHTS_READ | TIMER_QUERY_STATE, STANDARD_RIGHTS_WRITE | TIMER_MODIFY_STATE, STANDARD_RIGHTS_EXECUTE | SYNCHRONIZE,
                 TIMER_ALL_ACCESS },
};

}

}

using ex::Timer;

Status NtCreateTimer(ke::Caller& Caller, svc::CreateTimer& Call)
{
    TRY(ClearHandle(Caller, Call.TimerHandle));
    if (Call.TimerType > SynchronizationTimer)
        return STATUS_INVALID_PARAMETER_4;
    Attributes Where = TRY(Capture(Caller, Call.ObjectAttributes));
    Ref<Timer> New = TRY(Make<Timer>(Call.TimerType == SynchronizationTimer));
    return ReturnHandle(Caller, Call.TimerHandle, InsertAndOpen(Caller, std::move(New), Where, Call.DesiredAccess));
}

Status NtOpenTimer(ke::Caller& Caller, svc::OpenTimer& Call)
{
    TRY(ClearHandle(Caller, Call.TimerHandle));
    Attributes Wanted = TRY(Capture(Caller, Call.ObjectAttributes));
    return ReturnHandle(Caller, Call.TimerHandle, OpenByName(Caller, Timer::Type, Wanted, Call.DesiredAccess));
}

Status NtSetTimer(ke::Caller& Caller, svc::SetTimer& Call)
{
    if (Call.Period < 0)
        return STATUS_INVALID_PARAMETER_6;
    LARGE_INTEGER Due = TRY(Call.DueTime.Read(Caller));
    Ref<Timer> T = TRY(Reference<Timer>(Caller, Call.TimerHandle, TIMER_MODIFY_STATE));
    bool Was = T->State();
    u64 At = Due.QuadPart ? ke::Deadline::From(Due.QuadPart).At : 0;
    TRY(T->Start(At, u32(Call.Period.Get()), &Caller.Thread(), Call.TimerApcRoutine.Raw(), Call.TimerContext.Raw()));
    TRY(Call.PreviousState.WriteIfThere(Caller, Was));
    // Nothing sleeps here, so nothing can be woken.
    return Call.ResumeTimer ? STATUS_TIMER_RESUME_IGNORED : STATUS_SUCCESS;
}

Status NtCancelTimer(ke::Caller& Caller, svc::CancelTimer& Call)
{
    if (Call.CurrentState)
        TRY(Call.CurrentState.Probe(Caller));
    Ref<Timer> T = TRY(Reference<Timer>(Caller, Call.TimerHandle, TIMER_MODIFY_STATE));
    T->Stop();
    return Call.CurrentState.WriteIfThere(Caller, T->State());
}

Status NtQueryTimer(ke::Caller& Caller, svc::QueryTimer& Call)
{
    if (Call.TimerInformationClass != 0)
        return STATUS_INVALID_INFO_CLASS;
    if (Call.Length != sizeof(TIMER_BASIC_INFORMATION))
        return STATUS_INFO_LENGTH_MISMATCH;
    Ref<Timer> T = TRY(Reference<Timer>(Caller, Call.TimerHandle, TIMER_QUERY_STATE));
    TIMER_BASIC_INFORMATION Info {};
    Info.RemainingTime.QuadPart = i64(T->Due() - ke::InterruptTime());
    Info.TimerState = T->State();
    return ke::WriteFixed(Caller, Call.TimerInformation, Call.Length, Call.ReturnLength, Info);
}
