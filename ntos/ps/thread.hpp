// A thread: a seL4 TCB whose IPC buffer is its TEB, and the Caller its services run for. Waitable: signalled when it has ended.
#pragma once
#include "ntos/ps/process.hpp"

namespace ps {

// A user APC, queued to a thread; allocated by QueueApc, or owned by its queuer (a timer) that can take it back.
struct UserApc {
    core::ListNode<UserApc> Link;
    u64 Routine = 0, Arguments[3] = {};
    bool Owned = false;                 // not to be deleted after delivery
};

// Something that must be told when the thread ends (outstanding I/O, owned mutants, ...).
struct ThreadRundown {
    core::ListNode<ThreadRundown> Link;
    virtual void ThreadEnds(class Thread& T) = 0;       // unlinked before the call
protected:
    ~ThreadRundown() = default;
};

class Thread final : public ob::Object, public ke::Caller {
public:
    static const ob::TypeInfo Type;
    u64 Id() const { return Id_; }

    ke::Waitable* AsWaitable() override { return &Ended_; }
    bool HasEnded() const { return Ended_.State(); }
    u64 TebAddress() const { return Teb_; }
    // Queues a user APC (copied): delivered at the next alertable wait, NtTestAlert or NtContinue. STATUS_NO_MEMORY, STATUS_UNSUCCESSFUL if it has ended.
    Status QueueApc(u64 Routine, u64 Argument1, u64 Argument2, u64 Argument3);
    void QueueApc(UserApc& Owned);
    bool RemoveApc(UserApc& Owned);     // whether it was still queued
    void AddRundown(ThreadRundown& R) { Rundown_.PushBack(R); }
    void Alert();                       // NtAlertThread
    // The token access checks use: the impersonation token, or the process's.
    se::Token& EffectiveToken() const;
    se::Token* ImpersonationToken() const { return Impersonation_.Get(); }
    void Impersonate(RefPtr<se::Token> Token);
    Status TakeAlert() override;
    static RefPtr<Thread> ById(u64 Id);

private:
    friend class ps::Process;
    void Completed(Status Outcome) override;
    ke::Event Ended_ { ke::Event::Notification, false };
    core::List<UserApc, &UserApc::Link> Apcs_;
    core::List<ThreadRundown, &ThreadRundown::Link> Rundown_;
    RefPtr<se::Token> Impersonation_;
    u64 Id_ = 0, Teb_ = 0;
};

}
