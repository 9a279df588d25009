// NtQueryInformationProcess and NtSetInformationProcess.
#include "ntos/ke/time.hpp"
#include "ntos/mm/space.hpp"
#include "ntos/ps/debug.hpp"
#include "ntos/ps/detail.hpp"
#include "ntos/se/token.hpp"

using namespace ps;

namespace {

// The answer to a query: the bytes, which must fit Length exactly (fixed structures) or at most.
struct Answer {
    ke::Caller& Caller;
    svc::QueryInformationProcess& Call;
    template <typename T> Status Fixed(const T& Value) { return ke::WriteFixed(Caller, Call.ProcessInformation, Call.ProcessInformationLength, Call.ReturnLength, Value); }
    // A UNICODE_STRING and its characters behind it.
    Status String(ob::Name Text)
    {
        usize Bytes = Text.Length * sizeof(wchar_t), Needed = sizeof(UNICODE_STRING) + Bytes + sizeof(wchar_t);
        TRY(Call.ReturnLength.WriteIfThere(Caller, ULONG(Needed)));
        if (Call.ProcessInformationLength < Needed)
            return STATUS_INFO_LENGTH_MISMATCH;
        u64 At = Call.ProcessInformation.Address() + sizeof(UNICODE_STRING);
        UNICODE_STRING Header { .Length = USHORT(Bytes), .MaximumLength = USHORT(Bytes + sizeof(wchar_t)), .Buffer = reinterpret_cast<WCHAR*>(At) };
        TRY(Call.ProcessInformation.WriteAs(Caller, Header));
        TRY(Call.ProcessInformation.Write(Caller, Text.Data, Bytes, sizeof(Header)));
        return Call.ProcessInformation.WriteAs(Caller, wchar_t(0), sizeof(Header) + Bytes);
    }
};

VM_COUNTERS_EX Counters(Process& P)
{
    mm::AddressSpace& Space = P.Memory();
    VM_COUNTERS_EX C {};
    C.Basic.VirtualSize = C.Basic.PeakVirtualSize = Space.ReservedBytes;
    C.Basic.PageFaultCount = ULONG(Space.PageFaults);
    C.Basic.WorkingSetSize = C.Basic.PeakWorkingSetSize = Space.MappedPages << PageShift;
    C.Basic.PagefileUsage = Space.PrivatePages << PageShift;
    C.Basic.PeakPagefileUsage = Space.PeakPrivatePages << PageShift;
    C.PrivateUsage = C.Basic.PagefileUsage;
    return C;
}

i32 BasePriority(u32 Class)
{
    switch (Class) {
    case PROCESS_PRIORITY_CLASS_IDLE: return 4;
    case PROCESS_PRIORITY_CLASS_BELOW_NORMAL: return 6;
    case PROCESS_PRIORITY_CLASS_ABOVE_NORMAL: return 10;
    case PROCESS_PRIORITY_CLASS_HIGH: return 13;
    case PROCESS_PRIORITY_CLASS_REALTIME: return 24;
    default: return 8;
    }
}

PROCESS_BASIC_INFORMATION Basic(Process& P)
{
    PROCESS_BASIC_INFORMATION Info {};
    Info.ExitStatus = P.ExitStatus();
    Info.PebBaseAddress = reinterpret_cast<PEB*>(P.PebAddress());
    Info.AffinityMask = 1;
    // The packaged kernelbase reads the priority class here. (The base priority itself is in the list of processes.)
    Info.BasePriority = i32(P.PriorityClass);
    Info.UniqueProcessId = P.Id();
    Info.InheritedFromUniqueProcessId = P.ParentId;
    return Info;
}

// The DOS form of an image's path: a drive letter for the device it begins with, as the links in \??  say.
Result<ob::String> DosPath(ob::Name Path)
{
    wchar_t Link[] = L"\\??\\A:";
    for (wchar_t Letter = L'A'; Letter <= L'Z'; ++Letter) {
        Link[4] = Letter;
        auto Found = ob::LookupKernel(ob::Name(Link, 6), true);
        if (!Found.Ok() || &Found.Value()->GetType() != &ob::SymbolicLink::Type)
            continue;
        ob::Name Target = static_cast<ob::SymbolicLink&>(*Found.Value()).Target();
        if (Path.Length <= Target.Length || !ob::Equal(Path.Up(Target.Length), Target, true) || Path.Data[Target.Length] != L'\\')
            continue;
        ob::String Dos = TRY(ob::String::Copy(ob::Name(Link + 4, 2)));
        for (usize I = Target.Length; I < Path.Length; ++I)
            TRY(Dos.Characters().Push(Path.Data[I]));
        return Dos;
    }
    return ob::String::Copy(Path);
}

Status CommandLine(Answer& To, Process& P)
{
    u64 Parameters;
    TRY(mm::CopyFromUser(P, &Parameters, P.PebAddress() + __builtin_offsetof(PEB, ProcessParameters), sizeof(Parameters)));
    UNICODE_STRING Line;
    TRY(mm::CopyFromUser(P, &Line, Parameters + __builtin_offsetof(RTL_USER_PROCESS_PARAMETERS, CommandLine), sizeof(Line)));
    ob::String Text;
    TRY(Text.Characters().Resize(Line.Length / 2));
    TRY(mm::CopyFromUser(P, Text.Characters().Data(), reinterpret_cast<u64>(Line.Buffer), Line.Length & ~1u));
    return To.String(Text);
}

// The length of the fixed answers is looked at before the handle. STATUS_INVALID_INFO_CLASS: there never was such a class.
Status CheckLength(u32 Class, usize Length)
{
    constexpr u32 MaximumClass = 110;
    auto Is = [&](usize Right) -> Status { return Length == Right ? STATUS_SUCCESS : STATUS_INFO_LENGTH_MISMATCH; };
    switch (Class) {
    case ProcessBasicInformation:
        return Length == sizeof(PROCESS_EXTENDED_BASIC_INFORMATION) ? Status(STATUS_SUCCESS) : Is(sizeof(PROCESS_BASIC_INFORMATION));
    case ProcessIoCounters:
        return Is(sizeof(IO_COUNTERS));
    case ProcessVmCounters:
        return Length == sizeof(VM_COUNTERS) ? Status(STATUS_SUCCESS) : Is(sizeof(VM_COUNTERS_EX));
    case ProcessTimes:
        return Is(sizeof(KERNEL_USER_TIMES));
    case ProcessDebugPort:
    case ProcessDebugObjectHandle:
    case ProcessWow64Information:
    case ProcessAffinityMask:
        return Is(sizeof(u64));
    case ProcessDebugFlags:
    case ProcessDefaultHardErrorMode:
    case ProcessHandleCount:
    case ProcessPriorityBoost:
    case ProcessSessionInformation:
    case ProcessBreakOnTermination:
    case ProcessExecuteFlags:
        return Is(sizeof(ULONG));
    case ProcessPriorityClass:
        return Is(sizeof(PROCESS_PRIORITY_CLASS));
    case ProcessImageInformation:
        return Is(sizeof(SECTION_IMAGE_INFORMATION));
    default:
        return Class < MaximumClass ? STATUS_SUCCESS : STATUS_INVALID_INFO_CLASS;
    }
}

// NtSetInformationProcess(ProcessThreadStackAllocation): reserves room for a stack and tells where. The longer form names a NUMA node, too.
Status AllocateStack(ke::Caller& Caller, Process& P, svc::SetInformationProcess& Call)
{
    constexpr usize NodeBytes = 16;
    usize Length = Call.ProcessInformationLength, At = Length == sizeof(PROCESS_STACK_ALLOCATION_INFORMATION) ? 0 : NodeBytes;
    if (Length != At + sizeof(PROCESS_STACK_ALLOCATION_INFORMATION))
        return STATUS_INFO_LENGTH_MISMATCH;
    auto Info = TRY(Call.ProcessInformation.ReadAs<PROCESS_STACK_ALLOCATION_INFORMATION>(Caller, At));
    u64 Bytes = AlignUp(Info.ReserveSize, PageSize);
    if (!Bytes || Bytes < Info.ReserveSize)
        return STATUS_INVALID_PARAMETER;
    u64 Base = TRY(P.Memory().FindFree(Bytes, {}));
    mm::Vad* V = TRY(P.Memory().Insert(Base, Bytes, mm::Vad::Private));
    V->Protect = mm::Protection::ReadWrite;
    V->InitialPage = PAGE_READWRITE;
    Info.StackBase = reinterpret_cast<PVOID>(Base);
    return Call.ProcessInformation.WriteAs(Caller, Info, At);
}

// Classes that another process's handle may be asked with only the limited right.
bool IsLimited(u32 Class)
{
    switch (Class) {
    case ProcessBasicInformation:
    case ProcessQuotaLimits:
    case ProcessLUIDDeviceMapsEnabled:
    case ProcessIoPriority:
    case ProcessPagePriority:
    case ProcessIoCounters:
    case ProcessVmCounters:
    case ProcessTimes:
    case ProcessPriorityClass:
    case ProcessHandleCount:
    case ProcessSessionInformation:
    case ProcessImageFileName:
    case ProcessImageFileNameWin32:
    case ProcessCycleTime:
    case ProcessCommandLineInformation:
    case ProcessImageInformation:
    case ProcessWow64Information:
    case ProcessBreakOnTermination:
    case ProcessDefaultHardErrorMode:
    case ProcessAffinityMask:
    case ProcessPriorityBoost:
    case ProcessProtectionInformation:
        return true;
    default:
        return false;
    }
}

}

Status NtQueryInformationProcess(ke::Caller& Caller, svc::QueryInformationProcess& Call)
{
    u32 Class = Call.ProcessInformationClass;
    Answer To { Caller, Call };
    if (Class == ProcessCookie) {
        if (Call.ProcessHandle.Get() != reinterpret_cast<HANDLE>(~u64(0)))
            return STATUS_INVALID_PARAMETER;
        return To.Fixed(ULONG(Caller.Process().Cookie));
    }
    TRY(CheckLength(Class, Call.ProcessInformationLength));
    if (Call.ProcessInformationLength)
        TRY(mm::ProbeForWrite(Caller.Process(), Call.ProcessInformation.Address(), 1));
    auto P = TRY(ob::Reference<Process>(Caller, Call.ProcessHandle, IsLimited(Class) ? PROCESS_QUERY_LIMITED_INFORMATION : PROCESS_QUERY_INFORMATION));
    switch (Class) {
    case ProcessBasicInformation:
        if (Call.ProcessInformationLength == sizeof(PROCESS_EXTENDED_BASIC_INFORMATION)) {
            auto Info = TRY(Call.ProcessInformation.ReadAs<PROCESS_EXTENDED_BASIC_INFORMATION>(Caller));
            if (Info.Size != sizeof(Info))
                return STATUS_INVALID_PARAMETER;
            Info.BasicInfo = Basic(*P);
            Info.Flags = P->HasEnded() ? 4 : 0;
            return To.Fixed(Info);
        }
        return To.Fixed(Basic(*P));
    case ProcessQuotaLimits: {
        QUOTA_LIMITS Info {};
        Info.PagedPoolLimit = Info.NonPagedPoolLimit = Info.PagefileLimit = ~u64(0);
        Info.MinimumWorkingSetSize = 50 * PageSize;
        Info.MaximumWorkingSetSize = 345 * PageSize;
        Info.TimeLimit.QuadPart = -1;
        return To.Fixed(Info);
    }
    case ProcessIoCounters: return To.Fixed(P->Io);
    case ProcessVmCounters: {
        VM_COUNTERS_EX Info = Counters(*P);
        if (Call.ProcessInformationLength == sizeof(VM_COUNTERS))
            return To.Fixed(Info.Basic);
        return To.Fixed(Info);
    }
    case ProcessTimes: {
        KERNEL_USER_TIMES Info {};
        Info.CreateTime.QuadPart = i64(P->CreateTime);
        Info.ExitTime.QuadPart = i64(P->ExitTime);
        // The kernel does not tell how long a thread ran: a process has at most been running since it began.
        u64 Until = P->ExitTime ? P->ExitTime : ke::SystemTime();
        Info.UserTime.QuadPart = i64(Until - P->CreateTime);
        return To.Fixed(Info);
    }
    case ProcessDebugPort: return To.Fixed(P->DebuggedBy ? ~u64(0) : 0);
    case ProcessDebugObjectHandle: {
        if (!P->DebuggedBy) {
            TRY(To.Fixed(u64(0)));
            return STATUS_PORT_NOT_SET;
        }
        HANDLE Handle = TRY(ob::OpenByPointer(Caller, Ref<ob::Object>(*P->DebuggedBy), MAXIMUM_ALLOWED, 0));
        Status Written = To.Fixed(reinterpret_cast<u64>(Handle));
        if (!Written.Ok())
            Caller.Process().Handles().Close(Handle).Ignore();
        return Written;
    }
    case ProcessDebugFlags: return To.Fixed(ULONG(!P->NoDebugInherit));
    case ProcessDefaultHardErrorMode: return To.Fixed(ULONG(P->ErrorMode));
    case ProcessPriorityClass: return To.Fixed(PROCESS_PRIORITY_CLASS { .Foreground = 0, .PriorityClass = UCHAR(P->PriorityClass) });
    case ProcessHandleCount: return To.Fixed(ULONG(P->Handles().Count()));
    case ProcessAffinityMask: return To.Fixed(u64(1));
    case ProcessPriorityBoost: return To.Fixed(ULONG(0));
    case ProcessSessionInformation: return To.Fixed(ULONG(P->SessionId));
    case ProcessWow64Information: return To.Fixed(u64(0));
    case ProcessImageFileName: return To.String(P->ImagePath());
    case ProcessImageFileNameWin32: return To.String(TRY(DosPath(P->ImagePath())));
    case ProcessBreakOnTermination: return To.Fixed(ULONG(P->BreakOnTermination));
    case ProcessExecuteFlags: return To.Fixed(ULONG(0x22));     // data may be executed: the kernel has no no-execute
    case ProcessImageInformation: return To.Fixed(P->ImageInfo);
    case ProcessCycleTime: {
        PROCESS_CYCLE_TIME_INFORMATION Info {};
        Info.AccumulatedCycles = Info.CurrentCycleCount = ke::SystemTime() - P->CreateTime;
        return To.Fixed(Info);
    }
    case ProcessCommandLineInformation: return CommandLine(To, *P);
    case ProcessProtectionInformation: return To.Fixed(UCHAR(0));
    case ProcessDeviceMap: {
        PROCESS_DEVICEMAP_INFORMATION Info {};
        Info.Query.DriveMap = 1 << 2;   // C:
        Info.Query.DriveType[2] = 3;    // fixed
        struct {
            ULONG Map;
            UCHAR Type[32];
        } Out;
        Out.Map = Info.Query.DriveMap;
        for (u32 I = 0; I < 32; ++I)
            Out.Type[I] = Info.Query.DriveType[I];
        return To.Fixed(Out);
    }
    case ProcessMitigationPolicy: {
        auto Info = TRY(Call.ProcessInformation.ReadAs<PROCESS_MITIGATION_POLICY_INFORMATION>(Caller));
        Info.Flags = 0;
        return To.Fixed(Info);
    }
    case ProcessSubsystemInformation: return To.Fixed(ULONG(0));
    case ProcessIoPriority: return To.Fixed(ULONG(2));
    case ProcessPagePriority: return To.Fixed(ULONG(5));
    case ProcessGroupInformation: return To.Fixed(USHORT(0));
    case ProcessConsoleHostProcess: return To.Fixed(u64(0));
    case ProcessHandleInformation: {
        // A snapshot of the handle table.
        usize Count = P->Handles().Count();
        usize Needed = __builtin_offsetof(PROCESS_HANDLE_SNAPSHOT_INFORMATION, Handles) + Count * sizeof(PROCESS_HANDLE_TABLE_ENTRY_INFO);
        TRY(Call.ReturnLength.WriteIfThere(Caller, ULONG(Needed)));
        if (Call.ProcessInformationLength < Needed)
            return STATUS_INFO_LENGTH_MISMATCH;
        struct {
            u64 Count, Reserved;
        } Head { Count, 0 };
        TRY(Call.ProcessInformation.WriteAs(Caller, Head));
        usize At = sizeof(Head);
        HANDLE Handle = nullptr;
        for (usize I = 0; I < Count && (Handle = P->Handles().Next(Handle)); ++I) {
            ob::HandleEntry* E = P->Handles().Find(Handle);
            PROCESS_HANDLE_TABLE_ENTRY_INFO Info { .HandleValue = Handle, .HandleCount = E->Target->Handles(), .PointerCount = E->Target->References(),
                                                   .GrantedAccess = E->Access, .ObjectTypeIndex = E->Target->GetType().Index, .HandleAttributes = E->Flags, .Reserved = 0 };
            TRY(Call.ProcessInformation.WriteAs(Caller, Info, At));
            At += sizeof(Info);
        }
        return STATUS_SUCCESS;
    }
    default:
        return STATUS_INVALID_INFO_CLASS;
    }
}

Status NtSetInformationProcess(ke::Caller& Caller, svc::SetInformationProcess& Call)
{
    u32 Class = Call.ProcessInformationClass, Length = Call.ProcessInformationLength;
    auto P = TRY(ob::Reference<Process>(Caller, Call.ProcessHandle, PROCESS_SET_INFORMATION));
    auto Number = [&]() -> Result<u64> {
        if (Length != sizeof(ULONG))
            return STATUS_INFO_LENGTH_MISMATCH;
        return u64(TRY(Call.ProcessInformation.ReadAs<ULONG>(Caller)));
    };
    switch (Class) {
    case ProcessDefaultHardErrorMode:
        P->ErrorMode = u32(TRY(Number()));
        return STATUS_SUCCESS;
    case ProcessPriorityClass: {
        if (Length != sizeof(PROCESS_PRIORITY_CLASS))
            return STATUS_INFO_LENGTH_MISMATCH;
        auto Info = TRY(Call.ProcessInformation.ReadAs<PROCESS_PRIORITY_CLASS>(Caller));
        if (Info.PriorityClass == 0 || Info.PriorityClass > PROCESS_PRIORITY_CLASS_ABOVE_NORMAL)
            return STATUS_INVALID_PARAMETER;
        P->PriorityClass = Info.PriorityClass;
        for (Thread* T = P->FirstThread(); T; T = P->NextThread(*T))
            T->SetPriority(BasePriority(P->PriorityClass), T->PriorityIncrement);
        return STATUS_SUCCESS;
    }
    case ProcessBasePriority: {
        u32 Priority = u32(TRY(Number()));
        if (Priority < 1 || Priority > 31)
            return STATUS_INVALID_PARAMETER;
        for (Thread* T = P->FirstThread(); T; T = P->NextThread(*T))
            T->SetPriority(i32(Priority), T->PriorityIncrement);
        return STATUS_SUCCESS;
    }
    case ProcessBreakOnTermination:
        P->BreakOnTermination = u32(TRY(Number())) != 0;
        return STATUS_SUCCESS;
    case ProcessAffinityMask: {
        if (Length != sizeof(u64))
            return STATUS_INFO_LENGTH_MISMATCH;
        u64 Mask = TRY(Call.ProcessInformation.ReadAs<u64>(Caller));
        return Mask == 1 ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;      // one processor
    }
    case ProcessThreadStackAllocation:
        return AllocateStack(Caller, *P, Call);
    case ProcessPriorityBoost:
    case ProcessIoPriority:
    case ProcessPagePriority:
    case ProcessExecuteFlags:
    case ProcessHandleTracing:
        (void)TRY(Number());            // advice to a scheduler and pager that are the kernel's
        return STATUS_SUCCESS;
    case ProcessQuotaLimits:
        return Length == sizeof(QUOTA_LIMITS) ? STATUS_SUCCESS : STATUS_INFO_LENGTH_MISMATCH;
    case ProcessPowerThrottlingState:
    case ProcessMitigationPolicy:
        return STATUS_SUCCESS;
    default:
        return STATUS_INVALID_INFO_CLASS;
    }
}
