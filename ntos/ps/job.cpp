#include "ntos/ps/job.hpp"

#include "ntos/io/completion.hpp"
#include "ntos/ps/detail.hpp"

namespace ps {

using namespace nt;

constinit const ob::TypeInfo Job::Type {
    .Name = L"Job",
    .ValidAccess = JOB_OBJECT_ALL_ACCESS,
    .Mapping = { STANDARD_RIGHTS_READ | JOB_OBJECT_QUERY, STANDARD_RIGHTS_WRITE | JOB_OBJECT_ASSIGN_PROCESS | JOB_OBJECT_SET_ATTRIBUTES | JOB_OBJECT_TERMINATE,
                 STANDARD_RIGHTS_EXECUTE | SYNCHRONIZE, JOB_OBJECT_ALL_ACCESS },
};

Job::Job() : Object(Type) { }
Job::~Job() = default;

Status Job::Assign(Process& P)
{
    if (P.IsTerminating())
        return STATUS_PROCESS_IS_TERMINATING;
    if (P.InJob)
        return P.InJob.Get() == this ? STATUS_SUCCESS : STATUS_ACCESS_DENIED;
    if (Limits_.BasicLimitInformation.LimitFlags & JOB_OBJECT_LIMIT_ACTIVE_PROCESS && Active_ >= Limits_.BasicLimitInformation.ActiveProcessLimit) {
        Tell(JOB_OBJECT_MSG_ACTIVE_PROCESS_LIMIT, 0);
        return STATUS_QUOTA_EXCEEDED;
    }
    P.InJob = RefPtr<Job>(this);
    ++Total_;
    ++Active_;
    Tell(JOB_OBJECT_MSG_NEW_PROCESS, P.Id());
    return STATUS_SUCCESS;
}

void Job::ProcessEnds(Process& P)
{
    --Active_;
    Tell(P.ExitStatus() < 0 ? JOB_OBJECT_MSG_ABNORMAL_EXIT_PROCESS : JOB_OBJECT_MSG_EXIT_PROCESS, P.Id());
    if (Active_ == 0)
        Tell(JOB_OBJECT_MSG_ACTIVE_PROCESS_ZERO, 0);
}

void Job::Terminate(NTSTATUS Status)
{
    for (Process* P = Process::First(); P; P = Process::Next(*P)) {
        if (P->InJob.Get() != this || P->IsTerminating())
            continue;
        ++Terminated_;
        P->Terminate(Status);
    }
}

void Job::HandleClosed(Process&, u32 HandlesLeft, u32)
{
    if (HandlesLeft == 0 && Limits_.BasicLimitInformation.LimitFlags & JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE)
        Terminate(STATUS_SUCCESS);
}

bool Job::AllowsBreakaway(bool Asked) const
{
    u32 Flags = Limits_.BasicLimitInformation.LimitFlags;
    return Flags & JOB_OBJECT_LIMIT_SILENT_BREAKAWAY_OK || (Asked && Flags & JOB_OBJECT_LIMIT_BREAKAWAY_OK);
}

void Job::Tell(u32 Message, u64 ProcessId)
{
    if (!Port_)
        return;
    io::Packet* P = new io::Packet;
    if (!P)
        return;                         // a listener without memory misses a message
    P->Key = Key_;
    P->ApcContext = ProcessId;
    P->Information = ProcessId;
    P->Status = NTSTATUS(Message);
    Port_->Queue(*P);
}

Status Job::Query(ke::Caller& Caller, svc::QueryInformationJobObject& Call)
{
    auto Fixed = [&](const auto& Value) { return ke::WriteFixed(Caller, Call.JobObjectInformation, Call.Length, Call.ReturnLength, Value); };
    JOBOBJECT_BASIC_AND_IO_ACCOUNTING_INFORMATION Accounting {};
    Accounting.BasicInfo.TotalProcesses = Total_;
    Accounting.BasicInfo.ActiveProcesses = Active_;
    Accounting.BasicInfo.TotalTerminatedProcesses = Terminated_;
    switch (u32(Call.JobObjectInformationClass)) {
    case JobObjectBasicAccountingInformation: return Fixed(Accounting.BasicInfo);
    case JobObjectBasicAndIoAccountingInformation: return Fixed(Accounting);
    case JobObjectBasicLimitInformation: return Fixed(Limits_.BasicLimitInformation);
    case JobObjectExtendedLimitInformation: return Fixed(Limits_);
    case JobObjectBasicUIRestrictions: return Fixed(UiRestrictions_);
    case JobObjectBasicProcessIdList: {
        constexpr usize Head = __builtin_offsetof(JOBOBJECT_BASIC_PROCESS_ID_LIST, ProcessIdList);
        if (Call.Length < Head)
            return STATUS_INFO_LENGTH_MISMATCH;
        usize Room = (Call.Length - Head) / sizeof(u64), Told = 0;
        for (Process* P = Process::First(); P; P = Process::Next(*P)) {
            if (P->InJob.Get() != this || P->HasEnded() || Told == Room)
                continue;
            TRY(Call.JobObjectInformation.WriteAs(Caller, u64(P->Id()), Head + Told * sizeof(u64)));
            ++Told;
        }
        u32 Counts[2] = { Active_, u32(Told) };
        TRY(Call.JobObjectInformation.Write(Caller, Counts, sizeof(Counts)));
        TRY(Call.ReturnLength.WriteIfThere(Caller, ULONG(Head + Told * sizeof(u64))));
        return Told < Active_ ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
    }
    default: return STATUS_INVALID_INFO_CLASS;
    }
}

Status Job::Set(ke::Caller& Caller, svc::SetInformationJobObject& Call)
{
    constexpr u32 KnownBasic = 0xFF, KnownExtended = 0x7FFF;
    switch (u32(Call.JobObjectInformationClass)) {
    case JobObjectBasicLimitInformation: {
        if (Call.Length != sizeof(JOBOBJECT_BASIC_LIMIT_INFORMATION))
            return STATUS_INFO_LENGTH_MISMATCH;
        auto Info = TRY(Call.JobObjectInformation.ReadAs<JOBOBJECT_BASIC_LIMIT_INFORMATION>(Caller));
        if (Info.LimitFlags & ~KnownBasic)
            return STATUS_INVALID_PARAMETER;
        Limits_.BasicLimitInformation = Info;
        return STATUS_SUCCESS;
    }
    case JobObjectExtendedLimitInformation: {
        if (Call.Length != sizeof(JOBOBJECT_EXTENDED_LIMIT_INFORMATION))
            return STATUS_INFO_LENGTH_MISMATCH;
        auto Info = TRY(Call.JobObjectInformation.ReadAs<JOBOBJECT_EXTENDED_LIMIT_INFORMATION>(Caller));
        if (Info.BasicLimitInformation.LimitFlags & ~KnownExtended)
            return STATUS_INVALID_PARAMETER;
        Limits_ = Info;
        return STATUS_SUCCESS;
    }
    case JobObjectBasicUIRestrictions:
        if (Call.Length != sizeof(u32))
            return STATUS_INFO_LENGTH_MISMATCH;
        UiRestrictions_ = TRY(Call.JobObjectInformation.ReadAs<u32>(Caller));
        return STATUS_SUCCESS;
    case JobObjectAssociateCompletionPortInformation: {
        if (Call.Length != sizeof(JOBOBJECT_ASSOCIATE_COMPLETION_PORT))
            return STATUS_INFO_LENGTH_MISMATCH;
        auto Info = TRY(Call.JobObjectInformation.ReadAs<JOBOBJECT_ASSOCIATE_COMPLETION_PORT>(Caller));
        if (Port_)
            return STATUS_INVALID_PARAMETER;
        Port_ = TRY(ob::Reference<io::CompletionPort>(Caller, Info.CompletionPort, 2));        // IO_COMPLETION_MODIFY_STATE
        Key_ = reinterpret_cast<u64>(Info.CompletionKey);
        for (Process* P = Process::First(); P; P = Process::Next(*P))
            if (P->InJob.Get() == this && !P->HasEnded())
                Tell(JOB_OBJECT_MSG_NEW_PROCESS, P->Id());
        return STATUS_SUCCESS;
    }
    default: return STATUS_INVALID_INFO_CLASS;
    }
}

}

using ps::Job;

Status NtCreateJobObject(ke::Caller& Caller, svc::CreateJobObject& Call)
{
    TRY(ob::ClearHandle(Caller, Call.JobHandle));
    auto Where = TRY(ob::Capture(Caller, Call.ObjectAttributes));
    auto New = TRY(ob::Make<Job>());
    auto Handle = ob::InsertAndOpen(Caller, New, Where, Call.DesiredAccess);
    if (!Handle.Ok())
        return Handle.GetStatus();
    TRY(Call.JobHandle.Write(Caller, Handle.Value()));
    return Handle.GetStatus();
}

Status NtOpenJobObject(ke::Caller& Caller, svc::OpenJobObject& Call)
{
    TRY(ob::ClearHandle(Caller, Call.JobHandle));
    auto Wanted = TRY(ob::Capture(Caller, Call.ObjectAttributes));
    return Call.JobHandle.Write(Caller, TRY(ob::OpenByName(Caller, Job::Type, Wanted, Call.DesiredAccess)));
}

Status NtAssignProcessToJobObject(ke::Caller& Caller, svc::AssignProcessToJobObject& Call)
{
    auto J = TRY(ob::Reference<Job>(Caller, Call.JobHandle, JOB_OBJECT_ASSIGN_PROCESS));
    auto P = TRY(ob::Reference<ps::Process>(Caller, Call.ProcessHandle, PROCESS_SET_QUOTA | PROCESS_TERMINATE));
    return J->Assign(*P);
}

Status NtTerminateJobObject(ke::Caller& Caller, svc::TerminateJobObject& Call)
{
    auto J = TRY(ob::Reference<Job>(Caller, Call.JobHandle, JOB_OBJECT_TERMINATE));
    J->Terminate(Call.ExitStatus);
    return STATUS_SUCCESS;
}

Status NtIsProcessInJob(ke::Caller& Caller, svc::IsProcessInJob& Call)
{
    auto P = TRY(ob::Reference<ps::Process>(Caller, Call.ProcessHandle, PROCESS_QUERY_LIMITED_INFORMATION));
    auto J = TRY(ob::ReferenceIf<Job>(Caller, Call.JobHandle, JOB_OBJECT_QUERY));
    bool In = J ? P->InJob == J : bool(P->InJob);
    return In ? STATUS_PROCESS_IN_JOB : STATUS_PROCESS_NOT_IN_JOB;
}

Status NtQueryInformationJobObject(ke::Caller& Caller, svc::QueryInformationJobObject& Call)
{
    RefPtr<Job> J;
    if (Call.JobHandle.Get())
        J = TRY(ob::Reference<Job>(Caller, Call.JobHandle, JOB_OBJECT_QUERY));
    else
        J = Caller.Process().InJob;     // the caller's own
    if (!J)
        return STATUS_ACCESS_DENIED;
    return J->Query(Caller, Call);
}

Status NtSetInformationJobObject(ke::Caller& Caller, svc::SetInformationJobObject& Call)
{
    auto J = TRY(ob::Reference<Job>(Caller, Call.JobHandle, JOB_OBJECT_SET_ATTRIBUTES));
    return J->Set(Caller, Call);
}
