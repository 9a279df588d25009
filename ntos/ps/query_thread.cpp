// NtQueryInformationThread and NtSetInformationThread.
#include "ntos/ke/time.hpp"
#include "ntos/mm/space.hpp"
#include "ntos/ps/detail.hpp"
#include "ntos/se/token.hpp"

using namespace ps;

namespace {

bool IsLimited(u32 Class)
{
    switch (Class) {
    case ThreadBasicInformation:
    case ThreadTimes:
    case ThreadAmILastThread:
    case ThreadPriorityBoost:
    case ThreadIsTerminated:
    case ThreadNameInformation:
    case ThreadCycleTime:
    case ThreadSuspendCount:
    case ThreadGroupInformation:
    case ThreadIdealProcessorEx:
        return true;
    default:
        return false;
    }
}

Status TebInformation(ke::Caller& Caller, svc::QueryInformationThread& Call, Thread& T)
{
    if (Call.ThreadInformationLength != sizeof(THREAD_TEB_INFORMATION))
        return STATUS_INFO_LENGTH_MISMATCH;
    auto Info = TRY(Call.ThreadInformation.ReadAs<THREAD_TEB_INFORMATION>(Caller));
    u64 Offset = Info.TebOffset, Bytes = Info.BytesToRead;
    if (Offset > sizeof(TEB) || Bytes > sizeof(TEB) - Offset)
        return STATUS_INVALID_PARAMETER;
    Vector<u8> Buffer;
    TRY(Buffer.Resize(Bytes));
    TRY(mm::CopyFromUser(T.Process(), Buffer.Data(), T.TebAddress() + Offset, Bytes));
    return mm::CopyToUser(Caller.Process(), reinterpret_cast<u64>(Info.TebInformation), Buffer.Data(), Bytes);
}

}

Status NtQueryInformationThread(ke::Caller& Caller, svc::QueryInformationThread& Call)
{
    u32 Class = Call.ThreadInformationClass;
    auto Fixed = [&](const auto& Value) { return ke::WriteFixed(Caller, Call.ThreadInformation, Call.ThreadInformationLength, Call.ReturnLength, Value); };
    if (Class == ThreadHideFromDebugger && Call.ThreadInformationLength != sizeof(BOOLEAN))     // looked at before the handle
        return STATUS_INFO_LENGTH_MISMATCH;
    auto T = TRY(ob::Reference<Thread>(Caller, Call.ThreadHandle, IsLimited(Class) ? THREAD_QUERY_LIMITED_INFORMATION : THREAD_QUERY_INFORMATION));
    switch (Class) {
    case ThreadBasicInformation: {
        THREAD_BASIC_INFORMATION Info {};
        Info.ExitStatus = T->ExitStatus();
        Info.TebBaseAddress = reinterpret_cast<decltype(Info.TebBaseAddress)>(T->TebAddress());
        Info.ClientId = { reinterpret_cast<HANDLE>(T->Process().Id()), reinterpret_cast<HANDLE>(T->Id()) };
        Info.AffinityMask = 1;
        // Windows has the priority itself in Priority; the packaged Win32 library takes the increment from there.
        Info.Priority = Info.BasePriority = T->PriorityIncrement;
        return Fixed(Info);
    }
    case ThreadTimes: {
        KERNEL_USER_TIMES Info {};
        Info.CreateTime.QuadPart = i64(T->CreateTime);
        Info.ExitTime.QuadPart = i64(T->ExitTime);
        u64 Until = T->ExitTime ? T->ExitTime : ke::SystemTime();
        Info.UserTime.QuadPart = i64(Until - T->CreateTime);
        return Fixed(Info);
    }
    case ThreadQuerySetWin32StartAddress: return Fixed(u64(T->StartAddress));
    case ThreadAmILastThread: return Fixed(ULONG(T->Process().ThreadCount() == 1));
    case ThreadAffinityMask: return Fixed(u64(T->Affinity));
    case ThreadPriorityBoost: return Fixed(ULONG(0));
    case ThreadIsIoPending: return Fixed(ULONG(0));
    case ThreadHideFromDebugger: return Fixed(BOOLEAN(T->HideFromDebugger));
    case ThreadBreakOnTermination: return Fixed(ULONG(0));
    case ThreadIsTerminated: return Fixed(ULONG(T->HasEnded()));
    case ThreadSuspendCount: return Fixed(ULONG(T->SuspendCount()));
    case ThreadTebInformation: return TebInformation(Caller, Call, *T);
    case ThreadCycleTime: {
        THREAD_CYCLE_TIME_INFORMATION Info {};
        Info.AccumulatedCycles = Info.CurrentCycleCount = ke::SystemTime() - T->CreateTime;
        return Fixed(Info);
    }
    case ThreadIoPriority: return Fixed(ULONG(2));
    case ThreadPagePriority: return Fixed(ULONG(5));
    case ThreadGroupInformation: {
        GROUP_AFFINITY Info {};
        Info.Mask = 1;
        return Fixed(Info);
    }
    case ThreadIdealProcessorEx: return Fixed(PROCESSOR_NUMBER {});
    case ThreadNameInformation: {
        ob::Name Text = T->Description;
        usize Bytes = Text.Length * sizeof(wchar_t), Needed = sizeof(UNICODE_STRING) + Bytes;
        TRY(Call.ReturnLength.WriteIfThere(Caller, ULONG(Needed)));
        if (Call.ThreadInformationLength < Needed)
            return STATUS_BUFFER_TOO_SMALL;
        UNICODE_STRING Header { .Length = USHORT(Bytes), .MaximumLength = USHORT(Bytes),
                                .Buffer = reinterpret_cast<WCHAR*>(Call.ThreadInformation.Address() + sizeof(UNICODE_STRING)) };
        TRY(Call.ThreadInformation.WriteAs(Caller, Header));
        return Call.ThreadInformation.Write(Caller, Text.Data, Bytes, sizeof(Header));
    }
    default:
        return STATUS_INVALID_INFO_CLASS;
    }
}

Status NtSetInformationThread(ke::Caller& Caller, svc::SetInformationThread& Call)
{
    u32 Class = Call.ThreadInformationClass, Length = Call.ThreadInformationLength;
    ACCESS_MASK Needs = Class == ThreadImpersonationToken ? THREAD_SET_THREAD_TOKEN : Class == ThreadNameInformation ? THREAD_SET_LIMITED_INFORMATION : THREAD_SET_INFORMATION;
    if (Class == ThreadEnableAlignmentFaultFixup) {
        if (Length != sizeof(BOOLEAN))
            return STATUS_INFO_LENGTH_MISMATCH;
        (void)TRY(Call.ThreadInformation.ReadAs<BOOLEAN>(Caller));
    }
    auto T = TRY(ob::Reference<Thread>(Caller, Call.ThreadHandle, Needs));
    auto Number = [&]() -> Result<u64> {
        if (Length != sizeof(ULONG))
            return STATUS_INFO_LENGTH_MISMATCH;
        return u64(TRY(Call.ThreadInformation.ReadAs<ULONG>(Caller)));
    };
    switch (Class) {
    case ThreadPriority: {
        i32 Priority = i32(TRY(Number()));
        if (Priority < 1 || Priority > 31)
            return STATUS_INVALID_PARAMETER;
        T->SetPriority(T->BasePriority, Priority - T->BasePriority);
        return STATUS_SUCCESS;
    }
    case ThreadBasePriority: {
        i32 Increment = i32(TRY(Number()));
        if (Increment < -16 || Increment > 16 || (Increment > 2 && Increment < 15) || (Increment < -2 && Increment > -15))
            return STATUS_INVALID_PARAMETER;
        T->SetPriority(T->BasePriority, Increment);
        return STATUS_SUCCESS;
    }
    case ThreadAffinityMask: {
        if (Length != sizeof(u64))
            return STATUS_INFO_LENGTH_MISMATCH;
        u64 Mask = TRY(Call.ThreadInformation.ReadAs<u64>(Caller));
        return Mask == 1 ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
    }
    case ThreadGroupInformation: {
        if (Length != sizeof(GROUP_AFFINITY))
            return STATUS_INFO_LENGTH_MISMATCH;
        auto Group = TRY(Call.ThreadInformation.ReadAs<GROUP_AFFINITY>(Caller));
        return Group.Group == 0 && Group.Mask == 1 ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
    }
    case ThreadImpersonationToken: {
        if (Length != sizeof(HANDLE))
            return STATUS_INFO_LENGTH_MISMATCH;
        HANDLE Handle = TRY(Call.ThreadInformation.ReadAs<HANDLE>(Caller));
        if (!Handle) {
            T->Impersonate(nullptr);
            return STATUS_SUCCESS;
        }
        auto Token = TRY(ob::Reference<se::Token>(Caller, Handle, TOKEN_IMPERSONATE));
        if (!Token->IsImpersonation())
            return STATUS_BAD_TOKEN_TYPE;
        T->Impersonate(RefPtr<se::Token>(std::move(Token)));
        return STATUS_SUCCESS;
    }
    case ThreadQuerySetWin32StartAddress:
        if (Length != sizeof(u64))
            return STATUS_INFO_LENGTH_MISMATCH;
        T->StartAddress = TRY(Call.ThreadInformation.ReadAs<u64>(Caller));
        return STATUS_SUCCESS;
    case ThreadHideFromDebugger:
        if (Length != 0)
            return STATUS_INFO_LENGTH_MISMATCH;
        T->HideFromDebugger = true;
        return STATUS_SUCCESS;
    case ThreadNameInformation: {
        if (Length != sizeof(UNICODE_STRING))
            return STATUS_INFO_LENGTH_MISMATCH;
        T->Description = TRY(ob::CaptureString(Caller, ke::UserPtr<UNICODE_STRING>::At(Call.ThreadInformation.Address())));
        return STATUS_SUCCESS;
    }
    case ThreadIdealProcessor: {
        u64 Processor = TRY(Number());
        return Processor > 63 ? STATUS_INVALID_PARAMETER : STATUS_SUCCESS;
    }
    case ThreadIdealProcessorEx: {      // in and out: the one before, always the only one
        auto InOut = ke::UserPtr<PROCESSOR_NUMBER>::At(Call.ThreadInformation.Address());
        if (Call.ThreadInformationLength != sizeof(PROCESSOR_NUMBER))
            return STATUS_INFO_LENGTH_MISMATCH;
        PROCESSOR_NUMBER Wanted = TRY(InOut.Read(Caller));
        if (Wanted.Group || Wanted.Number || Wanted.Reserved)
            return STATUS_INVALID_PARAMETER;
        return InOut.Write(Caller, PROCESSOR_NUMBER {});
    }
    case ThreadPriorityBoost:
    case ThreadIoPriority:
    case ThreadPagePriority:
    case ThreadEnableAlignmentFaultFixup:
    case ThreadBreakOnTermination:
    case ThreadZeroTlsCell:
        return STATUS_SUCCESS;          // advice, or done by ntdll
    default:
        return STATUS_INVALID_INFO_CLASS;
    }
}
