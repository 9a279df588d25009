// A thread: a seL4 TCB whose IPC buffer is its TEB, and the Caller its services run for. Waitable: signalled when it has ended.
#pragma once
#include "ntos/ps/process.hpp"

namespace ps {

inline constexpr ACCESS_MASK THREAD_TERMINATE = 0x1, THREAD_SUSPEND_RESUME = 0x2, THREAD_ALERT = 0x4, THREAD_GET_CONTEXT = 0x8, THREAD_SET_CONTEXT = 0x10,
                             THREAD_SET_INFORMATION = 0x20, THREAD_QUERY_INFORMATION = 0x40, THREAD_SET_THREAD_TOKEN = 0x80, THREAD_IMPERSONATE = 0x100,
                             THREAD_DIRECT_IMPERSONATION = 0x200, THREAD_SET_LIMITED_INFORMATION = 0x400, THREAD_QUERY_LIMITED_INFORMATION = 0x800,
                             THREAD_RESUME = 0x1000, THREAD_ALL_ACCESS = 0x1FFFFF;

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
