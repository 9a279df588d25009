// Services on processes and threads: open, end, suspend, APCs, alerts.
#include "ntos/ex/log.hpp"
#include "ntos/ps/detail.hpp"
#include "ntos/se/se.hpp"

using namespace ps;

// CLIENT_ID and ObjectAttributes of NtOpenProcess and NtOpenThread: no name, an id.
static Result<CLIENT_ID> ReadClientId(ke::Caller& Caller, ke::UserPtr<CLIENT_ID> From, const ob::Attributes& Attributes)
{
    if (Attributes.HasName)
        return STATUS_INVALID_PARAMETER_MIX;
    if (From.IsNull())
        return STATUS_INVALID_PARAMETER_MIX;
    return From.Read(Caller);
}

Status NtOpenProcess(ke::Caller& Caller, svc::OpenProcess& Call)
{
    TRY(Call.ProcessHandle.Probe(Caller));
    if (!Call.ObjectAttributes)
        return STATUS_ACCESS_VIOLATION;
    auto Attributes = TRY(ob::Capture(Caller, Call.ObjectAttributes));
    CLIENT_ID Id = TRY(ReadClientId(Caller, Call.ClientId, Attributes));
    RefPtr<Process> P;
    if (Id.UniqueThread) {
        RefPtr<Thread> T = Thread::ById(reinterpret_cast<u64>(Id.UniqueThread));
        if (!T || (Id.UniqueProcess && T->Process().Id() != reinterpret_cast<u64>(Id.UniqueProcess)))
            return STATUS_INVALID_CID;
        P = RefPtr<Process>(&T->Process());
    } else {
        P = Process::ById(reinterpret_cast<u64>(Id.UniqueProcess));
        if (!P)
            return STATUS_INVALID_CID;
    }
    HANDLE Handle = TRY(ob::OpenByPointer(Caller, Ref<ob::Object>(*P), Call.DesiredAccess, Attributes.Flags));
    return Call.ProcessHandle.Write(Caller, Handle);
}

Status NtOpenThread(ke::Caller& Caller, svc::OpenThread& Call)
{
    TRY(Call.ThreadHandle.Probe(Caller));
    if (!Call.ObjectAttributes)
        return STATUS_ACCESS_VIOLATION;
    auto Attributes = TRY(ob::Capture(Caller, Call.ObjectAttributes));
    CLIENT_ID Id = TRY(ReadClientId(Caller, Call.ClientId, Attributes));
    RefPtr<Thread> T = Thread::ById(reinterpret_cast<u64>(Id.UniqueThread));
    if (!T || (Id.UniqueProcess && T->Process().Id() != reinterpret_cast<u64>(Id.UniqueProcess)))
        return STATUS_INVALID_CID;
    HANDLE Handle = TRY(ob::OpenByPointer(Caller, Ref<ob::Object>(*T), Call.DesiredAccess, Attributes.Flags));
    return Call.ThreadHandle.Write(Caller, Handle);
}

ke::Task<> NtTerminateProcess(ke::Caller& Caller, svc::TerminateProcess& Call)
{
    NTSTATUS Status = Call.ExitStatus;
    if (!Call.ProcessHandle.Get()) {
        // The calling thread stays, to run the rest of the process's end.
        Caller.Process().Terminate(Status, &Caller.Thread());
        return ke::Task<>(STATUS_SUCCESS);
    }
    auto P = ob::Reference<Process>(Caller, Call.ProcessHandle, PROCESS_TERMINATE);
    if (!P.Ok())
        return ke::Task<>(P.GetStatus());
    if (P.Value()->HasEnded())
        return ke::Task<>(STATUS_PROCESS_IS_TERMINATING);
    P.Value()->Terminate(Status);
    return ke::Task<>(STATUS_SUCCESS);
}

ke::Task<> NtTerminateThread(ke::Caller& Caller, svc::TerminateThread& Call)
{
    if (!Call.ThreadHandle.Get()) {
        if (Caller.Process().ThreadCount() == 1)
            return ke::Task<>(STATUS_CANT_TERMINATE_SELF);
        Caller.Thread().Terminate(Call.ExitStatus);
        return ke::Task<>(STATUS_SUCCESS);
    }
    auto T = ob::Reference<Thread>(Caller, Call.ThreadHandle, THREAD_TERMINATE);
    if (!T.Ok())
        return ke::Task<>(T.GetStatus());
    T.Value()->Terminate(Call.ExitStatus);
    return ke::Task<>(STATUS_SUCCESS);
}

Status NtSuspendThread(ke::Caller& Caller, svc::SuspendThread& Call)
{
    auto T = TRY(ob::Reference<Thread>(Caller, Call.ThreadHandle, THREAD_SUSPEND_RESUME));
    u32 Previous = 0;
    TRY(T->Suspend(Previous));
    return Call.PreviousSuspendCount.WriteIfThere(Caller, Previous);
}

Status NtResumeThread(ke::Caller& Caller, svc::ResumeThread& Call)
{
    auto T = TRY(ob::Reference<Thread>(Caller, Call.ThreadHandle, THREAD_SUSPEND_RESUME));
    return Call.PreviousSuspendCount.WriteIfThere(Caller, T->Resume());
}

Status NtSuspendProcess(ke::Caller& Caller, svc::SuspendProcess& Call)
{
    auto P = TRY(ob::Reference<Process>(Caller, Call.ProcessHandle, PROCESS_SUSPEND_RESUME));
    u32 Previous;
    for (Thread* T = P->FirstThread(); T; T = P->NextThread(*T))
        T->Suspend(Previous).Ignore();  // one that ends needs no suspension
    return STATUS_SUCCESS;
}

Status NtResumeProcess(ke::Caller& Caller, svc::ResumeProcess& Call)
{
    auto P = TRY(ob::Reference<Process>(Caller, Call.ProcessHandle, PROCESS_SUSPEND_RESUME));
    for (Thread* T = P->FirstThread(); T; T = P->NextThread(*T))
        T->Resume();
    return STATUS_SUCCESS;
}

Status NtQueueApcThread(ke::Caller& Caller, svc::QueueApcThread& Call)
{
    auto T = TRY(ob::Reference<Thread>(Caller, Call.ThreadHandle, THREAD_SET_CONTEXT));
    if (!Call.ApcRoutine.Raw())
        return STATUS_SUCCESS;          // nothing to call
    return T->QueueApc(Call.ApcRoutine.Raw(), Call.ApcArgument1.Raw(), Call.ApcArgument2.Raw(), Call.ApcArgument3.Raw());
}

Status NtQueueApcThreadEx(ke::Caller& Caller, svc::QueueApcThreadEx& Call)
{
    u64 Reserve = Call.ReserveHandle.Raw();
    if (Reserve > 1)                    // 1: a special user APC, delivered like the others
        return STATUS_NOT_IMPLEMENTED;
    auto T = TRY(ob::Reference<Thread>(Caller, Call.ThreadHandle, THREAD_SET_CONTEXT));
    return T->QueueApc(Call.ApcRoutine.Raw(), Call.ApcArgument1.Raw(), Call.ApcArgument2.Raw(), Call.ApcArgument3.Raw());
}

Status NtAlertThread(ke::Caller& Caller, svc::AlertThread& Call)
{
    auto T = TRY(ob::Reference<Thread>(Caller, Call.ThreadHandle, THREAD_ALERT));
    T->Alert();
    return STATUS_SUCCESS;
}

Status NtAlertResumeThread(ke::Caller& Caller, svc::AlertResumeThread& Call)
{
    auto T = TRY(ob::Reference<Thread>(Caller, Call.ThreadHandle, THREAD_SUSPEND_RESUME));
    T->Alert();
    return Call.PreviousSuspendCount.WriteIfThere(Caller, T->Resume());
}

Status NtTestAlert(ke::Caller& Caller, svc::TestAlert&)
{
    Thread& T = Caller.Thread();
    if (T.TestAlert())
        return STATUS_ALERTED;
    return T.HasApc() ? STATUS_USER_APC : STATUS_SUCCESS;
}

Status NtAlertThreadByThreadId(ke::Caller& Caller, svc::AlertThreadByThreadId& Call)
{
    RefPtr<Thread> T = Thread::ById(Call.ThreadId.Raw());
    if (!T)
        return STATUS_INVALID_CID;
    if (&T->Process() != &Caller.Process())
        return STATUS_ACCESS_DENIED;
    T->AlertById.Set();
    return STATUS_SUCCESS;
}

static ke::Task<> WaitForAlert(Thread& T, ke::Deadline Until)
{
    Status S = co_await ke::WaitFor(T.AlertById, false, Until);
    co_return S == STATUS_SUCCESS ? Status(STATUS_ALERTED) : S;
}

ke::Task<> NtWaitForAlertByThreadId(ke::Caller& Caller, svc::WaitForAlertByThreadId& Call)
{
    Thread& T = Caller.Thread();
    if (T.AlertById.Reset())
        return ke::Task<>(STATUS_ALERTED);
    ke::Deadline Until;
    if (Call.Timeout) {
        auto Timeout = Call.Timeout.Read(Caller);
        if (!Timeout.Ok())
            return ke::Task<>(Timeout.GetStatus());
        Until = ke::Deadline::From(Timeout.Value().QuadPart);
        if (Until.HasPassed())
            return ke::Task<>(STATUS_TIMEOUT);
    }
    return WaitForAlert(T, Until);
}

static constexpr ULONG Backwards = 1;

Status NtGetNextProcess(ke::Caller& Caller, svc::GetNextProcess& Call)
{
    TRY(Call.NewProcessHandle.Write(Caller, nullptr));
    Process* P;
    if (Call.ProcessHandle.Get()) {
        auto After = TRY(ob::Reference<Process>(Caller, Call.ProcessHandle, 0));
        P = Process::Next(*After);
    } else {
        P = Process::First();
    }
    for (; P; P = Process::Next(*P)) {
        if (P->HasEnded())
            continue;
        auto Handle = ob::OpenByPointer(Caller, Ref<ob::Object>(*P), Call.DesiredAccess, Call.HandleAttributes);
        if (Handle.Ok())
            return Call.NewProcessHandle.Write(Caller, Handle.Value());
    }
    return STATUS_NO_MORE_ENTRIES;
}

Status NtGetNextThread(ke::Caller& Caller, svc::GetNextThread& Call)
{
    TRY(Call.NewThreadHandle.Write(Caller, nullptr));
    if (Call.Flags & ~Backwards)
        return STATUS_INVALID_PARAMETER;
    auto P = TRY(ob::Reference<Process>(Caller, Call.ProcessHandle, PROCESS_QUERY_INFORMATION));
    // The thread before or after At, or the first of that direction.
    auto Next = [&](Thread* At) {
        if (!(Call.Flags & Backwards))
            return At ? P->NextThread(*At) : P->FirstThread();
        Thread* Before = nullptr;
        for (Thread* T = P->FirstThread(); T && T != At; T = P->NextThread(*T))
            Before = T;
        return Before;
    };
    Thread* T = nullptr;
    if (Call.ThreadHandle.Get()) {
        auto After = TRY(ob::Reference<Thread>(Caller, Call.ThreadHandle, 0));
        if (After->ProcessLink_.IsLinked() && &After->Process() == P.Get())
            T = Next(After.Get());
    } else {
        T = Next(nullptr);
    }
    for (; T; T = Next(T)) {
        auto Handle = ob::OpenByPointer(Caller, Ref<ob::Object>(*T), Call.DesiredAccess, Call.HandleAttributes);
        if (Handle.Ok())
            return Call.NewThreadHandle.Write(Caller, Handle.Value());
    }
    return STATUS_NO_MORE_ENTRIES;
}

Status NtGetCurrentProcessorNumber(ke::Caller&, svc::GetCurrentProcessorNumber&)
{
    return 0;                           // the number is the return value
}
