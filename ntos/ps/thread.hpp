// A thread: a seL4 TCB whose IPC buffer is its TEB, and the Caller its services run for. Waitable: signalled when it has ended.
//
// A thread is in user mode, or in a service (blocked in its Call until the dispatcher replies). One whose service waits is parked: it gets ParkReply and
// waits for a notification of its own, so that its end needs no reply that is kept. A suspended one in a service gets its reply when it is resumed. It ends in two steps: Terminate() marks it, ps::Reap() (after the current service) takes it apart, so
// that no service destroys the frames it runs in.
#pragma once
#include "abi/nt/context.hpp"
#include "ntos/mm/mm.hpp"
#include "ntos/ps/process.hpp"

namespace kernel {
struct Registers;
}

namespace ps {

// A user APC, queued to a thread; allocated by QueueApc, or owned by its queuer (a timer) that can take it back.
struct UserApc {
    core::ListNode<UserApc> Link;
    u64 Routine = 0, Arguments[3] = {};
    bool Owned = false;                 // not to be deleted after delivery
    static void* operator new(usize Bytes) noexcept { return ::operator new(Bytes, std::nothrow); }
    static void operator delete(void* At) { ::operator delete(At); }
};

// Something that must be told when the thread ends (outstanding I/O, owned mutants, ...).
struct ThreadRundown {
    core::ListNode<ThreadRundown> Link;
    virtual void ThreadEnds(class Thread& T) = 0;       // unlinked before the call
protected:
    ~ThreadRundown() = default;
};

struct ThreadStart {
    u64 Routine, Argument;              // of RtlUserThreadStart
    u64 StackReserve = 0, StackCommit = 0;      // bytes; 0: as the image says
    u64 StackHighest = ~u64(0);          // the last address it may take
    bool Suspended = false;
    bool SkipLoaderInit = false;        // start at Routine itself
};

class Thread final : public ob::Object, public ke::Caller {
public:
    static const ob::TypeInfo Type;
    // A new thread of Owner with stack and TEB, ready to run (Start() lets it).
    static Result<Ref<Thread>> Create(ps::Process& Owner, const ThreadStart& How);
    void Start();                       // once: the thread runs unless it was made suspended
    u64 Id() const { return Id_; }
    ke::Waitable* AsWaitable() override { return &Ended_; }
    bool HasEnded() const { return Ended_.State(); }
    bool IsTerminating() const { return Terminating_; }
    u64 TebAddress() const { return Teb_; }
    NTSTATUS ExitStatus() const { return ExitStatus_; }
    static RefPtr<Thread> ById(u64 Id);

    // --- APCs and alerts
    // Queues a user APC (copied): delivered at the next alertable wait, NtTestAlert or NtContinue. STATUS_NO_MEMORY, STATUS_UNSUCCESSFUL if it has ended.
    Status QueueApc(u64 Routine, u64 Argument1, u64 Argument2, u64 Argument3);
    void QueueApc(UserApc& Owned);
    bool RemoveApc(UserApc& Owned);     // whether it was still queued
    bool HasApc() const { return !Apcs_.IsEmpty(); }
    void Alert();                       // NtAlertThread
    bool TestAlert();                   // takes a pending alert
    Status TakeAlert() override;
    ke::Event AlertById { ke::Event::Synchronization };        // NtAlertThreadByThreadId
    void AddRundown(ThreadRundown& R) { Rundown_.PushBack(R); }

    // --- security
    // The token access checks use: the impersonation token, or the process's.
    se::Token& EffectiveToken() const;
    se::Token* ImpersonationToken() const { return Impersonation_.Get(); }
    void Impersonate(RefPtr<se::Token> Token);

    // --- control
    Status Suspend(u32& Previous);
    u32 Resume();                       // the count before
    void Terminate(NTSTATUS Status);
    u32 SuspendCount() const { return SuspendCount_; }
    // For the debugger, apart from suspension. Both idempotent.
    void Freeze();
    void Thaw();
    bool IsHeld() const { return SuspendCount_ || Frozen_; }    // it does not run
    mm::CPtr KernelThread() const { return Tcb_.Cap; }         // 0 when it has been taken apart
    // The registers the thread has, or will have, in user mode. Of a thread that runs they are a snapshot.
    Status GetRegisters(CONTEXT& To);   // CONTROL | INTEGER | SEGMENTS; of a fresh thread FLOATING_POINT, too
    Status SetRegisters(const CONTEXT& From);   // by its ContextFlags
    // It has not run yet: its registers are those of the context that its first instructions go on to.
    bool IsFresh() const { return StartContext_ != 0; }
    class Errand* OnErrand() const { return Errand_; }          // ntos/ps/errand.hpp
    // For the calling thread: instead of a reply it goes on there.
    Status Continue(const CONTEXT& At);
    // Instead of a reply, the calling thread runs the first queued APC; its service returns Returned afterwards. False: there is none.
    bool DeliverApc(const CONTEXT& Interrupted);
    CONTEXT InterruptedContext(NTSTATUS Returned);      // where the service it is in returns
    // Starts KiUserExceptionDispatcher for the thread, which is stopped (in a fault or in a service). Ends the process if the stack cannot take the frame.
    void RaiseException(const EXCEPTION_RECORD& Record, const CONTEXT& At);
    // The same without asking a debugger first.
    void DispatchException(const EXCEPTION_RECORD& Record, const CONTEXT& At);
    // The thread, which is stopped in a fault or service, leaves it for At, when it is let go on.
    void StopAt(const CONTEXT& At);
    // Instead of a reply, the calling thread raises the status as an exception, which its service returns afterwards. What the service returns then.
    Status RaiseStatus(NTSTATUS Code);
    // Nobody handled it: a report on the log, and the process ends.
    void DieOf(const EXCEPTION_RECORD& Record, const CONTEXT& At);
    // The report alone: what happened, where, the registers, and who called.
    void Report(const EXCEPTION_RECORD& Record, const CONTEXT& At);

    u64 StartAddress = 0, CreateTime = 0, ExitTime = 0;
    i32 BasePriority = 8, PriorityIncrement = 0;
    u64 Affinity = 1;
    ob::String Description;
    bool HideFromDebugger = false;
    void SetPriority(i32 Base, i32 Increment);
    // Of a driver's process: the thread waits on this notification from now on (abi/wire/driver.hpp), above all ordinary threads.
    Status BecomeInterruptThread(u64 Notification);

    // --- the dispatcher's
    bool ForeignSyscall = false;        // entered by a `syscall` that is not ours
    bool InService = false, InFault = false;
    mm::CPtr ReplySlot() const { return ReplySlot_; }
    void Reply(NTSTATUS Status);        // of a service that waited
    // What became of a service that waits: not parked; to be parked by the dispatcher's next reply; ended before that (with Answer()); parked.
    enum class Parking : u8 { None, Asked, Answered, Parked };
    bool AskToPark();                   // for the calling thread; false: there is no memory for it, its reply has to be kept
    Parking ParkState() const { return Parking_; }
    NTSTATUS EndParking();              // of an Answered one: the service's status
    void Park() { Parking_ = Parking::Parked; }
    static Thread* Replying;            // the one whose reply the dispatcher is about to send
    core::ListNode<Thread> ProcessLink_, ReapLink_;

    Thread();
    ~Thread() override;

private:
    friend class ps::Process;
    friend class Errand;
    friend bool Reap();
    void Completed(Status Outcome) override;
    Status Build(ps::Process& Owner, const ThreadStart& How);
    Status GiveDriverCapabilities(const DriverLink& Of);
    void TakeApart();
    void GoOn();
    NTSTATUS& ParkStatus() const;
    Status ChangeStart(const CONTEXT& From);
    void WriteFrame(const CONTEXT& Registers, u64 Rip, u64 Rsp);
    // To this thread's own stack, which grows as if the thread had written there.
    Status PushToStack(u64 Address, const void* From, usize Bytes);
    ke::Event Ended_ { ke::Event::Notification, false };
    core::List<UserApc, &UserApc::Link> Apcs_;
    core::List<ThreadRundown, &ThreadRundown::Link> Rundown_;
    RefPtr<se::Token> Impersonation_;
    RefPtr<ps::Process> Keeps_;         // the process object lives as long as its threads do
    mm::KernelHandle Tcb_, CNode_, Wakeup_;
    u8* TebWindow_ = nullptr;           // the TEB's first page in the window
    Parking Parking_ = Parking::None;
    mm::CPtr TebFrame_ = 0, ReplySlot_ = 0;
    u64 Id_ = 0, Teb_ = 0, Stack_ = 0;
    u64 StartContext_ = 0;              // where it is, as long as the thread has not run
    class Errand* Errand_ = nullptr;
    u32 SuspendCount_ = 0;
    bool Alerted_ = false, Terminating_ = false, Started_ = false, ReplyHeld_ = false;
    bool Frozen_ = false;
    bool ReplyLost_ = false;            // in a service or fault, but no reply can reach it: it goes on from its registers
    NTSTATUS HeldStatus_ = 0, ExitStatus_ = 0x103;
};

// Takes apart what has been terminated; whether there was something (who waits for an end goes on after that). The dispatcher calls it after
// each message.
bool Reap();

}
