// Waiting for dispatcher objects, as NT does it: any or all of a set, alertable or not, with a deadline.
//
// A Waitable is signalled or not, for a given thread; a wait that succeeds consumes the signal (Satisfy). Waiters are
// served in the order they came. `co_await ke::WaitFor(...)` is the one way to wait, also for the Executive itself.
#pragma once
#include <span>

#include "ntos/ke/task.hpp"
#include "ntos/ke/time.hpp"

namespace ke {

class Caller;
class WaitState;

class Waitable {
public:
    Waitable() = default;
    Waitable(const Waitable&) = delete;
    // Waiters hold references to the object around this, so none can be left.
    virtual ~Waitable() { ASSERT(Waiters_.IsEmpty()); }
    // Whether a wait by By (null: the Executive itself) would succeed now.
    virtual bool IsSignaled(const Caller* By) const = 0;
    // Takes the signal for By. STATUS_SUCCESS, or STATUS_ABANDONED for an abandoned mutant.
    virtual nt::NTSTATUS Satisfy(Caller* By) = 0;
    // Lets waiters go on that can: call it after every change towards "signalled".
    void Wake();
    bool HasWaiters() const { return !Waiters_.IsEmpty(); }

    struct Block {                      // one object of one wait
        core::ListNode<Block> Link;
        WaitState* Wait = nullptr;
        Waitable* Object = nullptr;
    };

private:
    friend class WaitState;
    core::List<Block, &Block::Link> Waiters_;
};

// The commonest Waitable: an event, auto-reset (Synchronization) or manual (Notification).
class Event : public Waitable {
public:
    enum Kind { Notification, Synchronization };
    explicit Event(Kind K = Notification, bool Signaled = false) : Signaled_(Signaled), Kind_(K) { }
    bool IsSignaled(const Caller*) const override { return Signaled_; }
    nt::NTSTATUS Satisfy(Caller*) override
    {
        if (Kind_ == Synchronization)
            Signaled_ = false;
        return nt::STATUS_SUCCESS;
    }
    bool Set()                          // the state before
    {
        bool Was = std::exchange(Signaled_, true);
        if (!Was)
            Wake();
        return Was;
    }
    bool Reset() { return std::exchange(Signaled_, false); }
    bool State() const { return Signaled_; }
    Kind GetKind() const { return Kind_; }

private:
    bool Signaled_;
    Kind Kind_;
};

enum class WaitType : u32 { All = 0, Any = 1 };        // NT's numbers
inline constexpr u32 MaximumWaitObjects = 64;

// The wait an activity is in; lives in the awaiting frame, unlinks itself when that is destroyed.
class WaitState {
public:
    // Objects (borrowed: the caller holds references) may be empty: then only the deadline, an alert or an APC ends it.
    WaitState(std::span<Waitable* const> Objects, WaitType Type, bool Alertable, Deadline Until);
    ~WaitState();
    // --- awaiter
    bool await_ready();
    void await_suspend(std::coroutine_handle<> Where);
    // STATUS_WAIT_0+i, STATUS_ABANDONED_WAIT_0+i, STATUS_TIMEOUT, STATUS_USER_APC, STATUS_ALERTED, STATUS_NO_MEMORY.
    Status await_resume() const { return Outcome_; }

    bool IsAlertable() const { return Alertable_; }
    // Ends the wait with this status if it has not ended.
    void End(Status Outcome);

private:
    friend class Waitable;
    bool TryAll();                      // satisfies if it can
    bool TryOne(Waitable::Block& B);
    static void TimedOut(Timer& T);
    static constexpr usize Inline = 3;
    Waitable::Block Few_[Inline];
    Waitable::Block* Blocks_;           // Few_, or an array from the pool
    u32 Count_;
    WaitType Type_;
    bool Alertable_, Done_ = false;
    Deadline Until_;
    Status Outcome_;
    Activity* Waiter_;
    std::coroutine_handle<> Where_;
    struct Expiry : Timer {
        Expiry() : Timer(TimedOut) { }
        WaitState* Owner = nullptr;
    } Timer_;
};

// co_await these. The Executive's own waits (WorkItem) are never alertable.
inline WaitState WaitFor(std::span<Waitable* const> Objects, WaitType Type, bool Alertable, Deadline Until)
{
    return WaitState(Objects, Type, Alertable, Until);
}
inline WaitState WaitFor(Waitable& Object, bool Alertable = false, Deadline Until = {})
{
    Waitable* One[] = { &Object };
    return WaitState(One, WaitType::Any, Alertable, Until);
}
inline WaitState Sleep(bool Alertable, Deadline Until)
{
    return WaitState({}, WaitType::Any, Alertable, Until);
}

}
