// The double of a thread: it runs services, takes APCs and alerts when told to.
#pragma once
#include <array>

#include "ntos/ps/process.hpp"

namespace ps {

struct UserApc {
    core::ListNode<UserApc> Link;
    u64 Routine = 0, Arguments[3] = {};
    bool Owned = false;
};

struct ThreadRundown {
    core::ListNode<ThreadRundown> Link;
    virtual void ThreadEnds(class Thread& T) = 0;

protected:
    ~ThreadRundown() = default;
};

class Thread final : public ob::Object, public ke::Caller {
public:
    static const ob::TypeInfo Type;
    Thread(ps::Process& In, u64 Id);
    ~Thread() override { End(); }
    u64 Id() const { return Id_; }
    ke::Waitable* AsWaitable() override { return &Ended_; }
    void QueueApc(UserApc& Owned) { Apcs.PushBack(Owned); }
    Status QueueApc(u64 Routine, u64 Argument1, u64 Argument2, u64 Argument3)
    {
        Copied = { Routine, Argument1, Argument2, Argument3 };
        return nt::STATUS_SUCCESS;
    }
    std::array<u64, 4> Copied {};       // the last APC queued by value
    bool RemoveApc(UserApc& Owned)
    {
        bool Was = Owned.Link.IsLinked();
        Owned.Link.Unlink();
        return Was;
    }
    void AddRundown(ThreadRundown& R) { Rundown_.PushBack(R); }
    se::Token& EffectiveToken() const;
    Status TakeAlert() override
    {
        if (!Apcs.IsEmpty())
            return STATUS_USER_APC;
        return std::exchange(Alerted, false) ? STATUS_ALERTED : STATUS_SUCCESS;
    }
    void End()
    {
        Cancel();
        while (ThreadRundown* R = Rundown_.PopFront())
            R->ThreadEnds(*this);
        AllLink.Unlink();
        Ended_.Set();
    }

    void Report(const EXCEPTION_RECORD&, const CONTEXT&) { ++Reports; }
    u32 Reports = 0;
    u32 SuspendCount() const { return 0; }
    u64 TebAddress() const { return 0x7FF000; }
    u64 StartAddress = 0x1234, CreateTime = 0;
    i32 BasePriority = 8, PriorityIncrement = 1;
    core::ListNode<Thread> AllLink;

    bool Alerted = false;
    bool ApcDue = false;                // the last service was interrupted by an APC, whatever its status
    core::List<UserApc, &UserApc::Link> Apcs;
    NTSTATUS LastStatus = 0;
    bool HasReply = false;
    ke::Event AlertById { ke::Event::Synchronization };

private:
    void Completed(Status Outcome) override
    {
        LastStatus = Outcome.Code();
        HasReply = true;
    }
    Ref<ps::Process> Keep_;
    u64 Id_;
    ke::Event Ended_ { ke::Event::Notification, false };
    core::List<ThreadRundown, &ThreadRundown::Link> Rundown_;
};

}
