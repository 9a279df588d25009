// Jobs: sets of processes that are limited, counted and ended together. Children are born into their parent's job (unless it
// may be left: breakaway). No nested jobs: a process is in one job at most.
#pragma once
#include "ntos/ps/process.hpp"

namespace io {
class CompletionPort;
}

namespace ps {

class Job final : public ob::Object {
public:
    static const ob::TypeInfo Type;
    Job();
    ~Job() override;
    // STATUS_ACCESS_DENIED: it is in a job already; STATUS_QUOTA_EXCEEDED: at the limit; STATUS_PROCESS_IS_TERMINATING.
    Status Assign(Process& P);
    void ProcessEnds(Process& P);
    void Terminate(NTSTATUS Status);
    // KILL_ON_JOB_CLOSE ends everything with the last handle.
    void HandleClosed(Process& By, u32 HandlesLeft, u32 InProcess) override;
    ke::Waitable* AsWaitable() override { return &Ended_; }
    Status Query(ke::Caller& Caller, svc::QueryInformationJobObject& Call);
    Status Set(ke::Caller& Caller, svc::SetInformationJobObject& Call);
    bool AllowsBreakaway(bool Asked) const;

private:
    void Tell(u32 Message, u64 ProcessId);
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION Limits_ {};
    u32 UiRestrictions_ = 0;
    u32 Total_ = 0, Active_ = 0, Terminated_ = 0;
    RefPtr<io::CompletionPort> Port_;
    u64 Key_ = 0;
    ke::Event Ended_ { ke::Event::Notification, false };
};

}
