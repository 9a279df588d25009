// Task<T>: the coroutine of a service that may wait, and Activity: what runs one.
//
// A service that can wait returns ke::Task<T> and `co_return`s a Result<T>; callers write
// `CO_TRY(co_await Other(...))`. Frames live in the bounded LIFO arena of the Activity that runs them (a client thread
// or a WorkItem); an arena that is full makes the call return STATUS_INSUFFICIENT_RESOURCES. A task starts when it is
// awaited. Destroying an activity's root task destroys every frame below it, innermost first; what a frame waits on
// unlinks itself in its destructor, so termination releases everything the service held.
// There is one dispatcher thread and no preemption: state changes only across a co_await. Re-check after each, and hold
// Refs across it. Parameters of a coroutine are values, Refs, or things the activity owns.
#pragma once
#include <coroutine>

#include "lib/core/list.hpp"
#include "lib/core/ref.hpp"

namespace ke {

// Memory for coroutine frames, strictly last in, first out.
class Arena {
public:
    static constexpr usize Size = 4096;
    Arena() = default;
    Arena(const Arena&) = delete;
    ~Arena();
    void* Allocate(usize Bytes);        // null when full; the memory itself is got at first use
    void Free(void* At, usize Bytes);
    usize Used() const { return Used_; }

private:
    u8* Base_ = nullptr;
    usize Used_ = 0;
};

template <typename T> class Task;
class Caller;

// Runs one root task at a time. Suspended between Start() and completion if the task waits.
class Activity {
public:
    Activity() = default;
    Activity(const Activity&) = delete;
    virtual ~Activity();

    // Runs the task until it ends or waits. True: it ended and Outcome is its status; false: Completed() will be called.
    bool Run(Task<void>&& Root, Status& Outcome);
    // The same for what MakeRoot returns; MakeRoot is called with this activity current, as it must be for the frame to come from here.
    template <typename F> bool Start(F&& MakeRoot, Status& Outcome);
    bool IsSuspended() const { return Suspended_; }
    // Destroys a suspended root task: everything it held is released, Completed() is not called.
    void Cancel();
    // Puts a suspended activity on the ready list, to go on at Where (called by awaiters).
    void MakeReady(std::coroutine_handle<> Where);
    usize ArenaUsed() const { return Frames_.Used(); }
    virtual Caller* AsCaller() { return nullptr; }      // a client thread, or null for a work item
    // The activity whose code is running now.
    static Activity* Current() { return Current_; }
    // Makes A the running one (its coroutines' frames come from its arena); the one before, to be put back.
    static Activity* Enter(Activity* A) { return std::exchange(Current_, A); }

protected:
    // The root task ended after having waited.
    virtual void Completed(Status Outcome) = 0;

private:
    friend void RunReadyActivities();
    friend struct FrameMemory;
    Arena Frames_;
    std::coroutine_handle<> Root_;
    Status* RootOutcome_ = nullptr;
    std::coroutine_handle<> ResumeAt_;
    bool Suspended_ = false;
    core::ListNode<Activity> ReadyLink_;
    static Activity* Current_;
    static core::List<Activity, &Activity::ReadyLink_>& Ready();
    void Resume();
};

// Runs everything on the ready list until it is empty. The dispatcher calls it after every message.
void RunReadyActivities();

struct FrameMemory {
    static void* operator new(usize Bytes) noexcept;
    static void operator delete(void* At, usize Bytes) noexcept;
};

template <typename T> struct TaskPromiseBase : FrameMemory {
    std::coroutine_handle<> Continuation;
    Activity* Runs = nullptr;
    std::suspend_always initial_suspend() noexcept { return {}; }
    struct FinalAwaiter {
        bool await_ready() noexcept { return false; }
        template <typename P> std::coroutine_handle<> await_suspend(std::coroutine_handle<P> Done) noexcept
        {
            std::coroutine_handle<> Next = Done.promise().Continuation;
            return Next ? Next : std::noop_coroutine();
        }
        void await_resume() noexcept { }
    };
    FinalAwaiter final_suspend() noexcept { return {}; }
    void unhandled_exception() noexcept { }
};

template <typename T = void> class [[nodiscard]] Task {
public:
    struct promise_type : TaskPromiseBase<T> {
        Result<T> Value { Status(nt::STATUS_INTERNAL_ERROR) };
        Task get_return_object() noexcept { return Task(std::coroutine_handle<promise_type>::from_promise(*this)); }
        static Task get_return_object_on_allocation_failure() noexcept { return Task(Result<T>(Status(nt::STATUS_INSUFFICIENT_RESOURCES))); }
        void return_value(Result<T> R) noexcept { Value = std::move(R); }
    };
    // A task that is already done: a service that finds it need not wait returns this without making a frame.
    explicit Task(Result<T> Done) : Ready_(std::move(Done)) { }
    Task(Task&& Other) : Frame_(std::exchange(Other.Frame_, nullptr)), Ready_(std::move(Other.Ready_)) { }
    Task& operator=(Task&&) = delete;
    ~Task()
    {
        if (Frame_)
            Frame_.destroy();
    }
    bool await_ready() const noexcept { return !Frame_; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> Caller) noexcept
    {
        Frame_.promise().Continuation = Caller;
        return Frame_;
    }
    Result<T> await_resume()
    {
        if (!Frame_)
            return std::move(Ready_);
        Result<T> Value = std::move(Frame_.promise().Value);
        Frame_.destroy();
        Frame_ = nullptr;
        return Value;
    }

private:
    friend class Activity;
    explicit Task(std::coroutine_handle<promise_type> Frame) : Frame_(Frame) { }
    std::coroutine_handle<promise_type> Frame_;
    Result<T> Ready_ { Status(nt::STATUS_INTERNAL_ERROR) };
};

template <typename F> bool Activity::Start(F&& MakeRoot, Status& Outcome)
{
    Activity* Before = std::exchange(Current_, this);
    Task<void> Root = MakeRoot();
    Current_ = Before;
    return Run(std::move(Root), Outcome);
}

// Work of the Executive itself that may wait: it owns its frames and outlives the call that started it. It deletes
// itself when its task ends (make it with new).
class WorkItem : public Activity {
public:
    // Starts Root now (it runs at once until its first wait). The item is gone when this returns if the task is done.
    static void Start(Own<WorkItem> Item, Task<void>&& Root);
    // Makes the root task in the item's own arena first.
    template <typename F> static void Launch(Own<WorkItem> Item, F&& MakeRoot)
    {
        Status Outcome;
        WorkItem* Raw = Item.Leak();
        if (Raw->Activity::Start(std::forward<F>(MakeRoot), Outcome))
            Raw->Completed(Outcome);
    }

protected:
    void Completed(Status) override { delete this; }
};

}
