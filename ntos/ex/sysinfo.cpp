// NtQuerySystemInformation and its relatives. One processor, no page file, no modules in kernel mode: the answers say so.
#include "ntos/ex/sysinfo.hpp"

#include <string.h>

#include "ntos/se/se.hpp"

namespace ex {

// --- long answers

Status Stream::Flush()
{
    if (Held_ && At_ <= To_.Length)
        TRY(To_.Buffer.Write(To_.Caller, Piece_, Held_, Flushed_));
    Flushed_ += Held_;
    Held_ = 0;
    return STATUS_SUCCESS;
}

Status Stream::Put(const void* From, usize Bytes)
{
    const u8* At = static_cast<const u8*>(From);
    while (Bytes) {
        usize Part = sizeof(Piece_) - Held_ < Bytes ? sizeof(Piece_) - Held_ : Bytes;
        memcpy(Piece_ + Held_, At, Part);
        Held_ += Part;
        At_ += Part;
        At += Part;
        Bytes -= Part;
        if (Held_ == sizeof(Piece_))
            TRY(Flush());
    }
    return STATUS_SUCCESS;
}

Status Stream::Zero(usize Bytes)
{
    static constexpr u8 Nothing[16] = {};
    for (; Bytes > sizeof(Nothing); Bytes -= sizeof(Nothing))
        TRY(Put(Nothing, sizeof(Nothing)));
    return Put(Nothing, Bytes);
}

Status Stream::Finish()
{
    TRY(Flush());
    TRY(To_.ReturnLength.WriteIfThere(To_.Caller, ULONG(At_)));
    return At_ <= To_.Length ? STATUS_SUCCESS : STATUS_INFO_LENGTH_MISMATCH;
}

namespace {

constexpr u64 HighestUserAddress = 0x7FFFFFFEFFFF;

SYSTEM_BASIC_INFORMATION Basic()
{
    mm::MemoryInfo Memory = mm::QueryMemory();
    SYSTEM_BASIC_INFORMATION Info {};
    Info.TimerResolution = ULONG(ke::ClockTick);
    Info.PageSize = PageSize;
    Info.NumberOfPhysicalPages = ULONG(Memory.TotalPages);
    Info.LowestPhysicalPageNumber = 1;
    Info.HighestPhysicalPageNumber = ULONG(Memory.TotalPages);
    Info.AllocationGranularity = 64 * KiB;
    Info.MinimumUserModeAddress = 0x10000;
    Info.MaximumUserModeAddress = HighestUserAddress;
    Info.ActiveProcessorsAffinityMask = 1;
    Info.NumberOfProcessors = 1;
    return Info;
}

Status Performance(Query& Q)
{
    if (Q.Length < SystemPerformanceInformationMinimum)
        return Q.TooShort(sizeof(SYSTEM_PERFORMANCE_INFORMATION));
    mm::MemoryInfo Memory = mm::QueryMemory();
    SYSTEM_PERFORMANCE_INFORMATION Info {};
    Info.AvailablePages = ULONG(Memory.FreePages + Memory.CachedPages);
    Info.CommittedPages = Info.PeakCommitment = ULONG(Memory.CommittedPages - Memory.CachedPages);
    Info.CommitLimit = ULONG(Memory.CommitLimit);
    PoolUse Pool = QueryPool();
    Info.PagedPoolPages = ULONG(Pool.Pages);
    Info.PagedPoolAllocs = ULONG(Pool.Blocks);
    Info.NonPagedPoolPages = ULONG(Memory.KernelObjectPages);
    Info.NonPagedPoolAllocs = ULONG(Memory.KernelObjects);
    Info.FreeSystemPtes = ULONG((1 << 24) - Memory.CapabilitySlots);
    return Q.Write(&Info, Q.Length < sizeof(Info) ? Q.Length : sizeof(Info));
}

Status TimeOfDay(Query& Q)
{
    SYSTEM_TIMEOFDAY_INFORMATION Info {};
    if (Q.Length > sizeof(Info))
        return Q.TooShort(sizeof(Info));
    u64 Now = ke::SystemTime();
    Info.BootTime.QuadPart = i64(Now - ke::InterruptTime());
    Info.CurrentTime.QuadPart = i64(Now);
    return Q.Write(&Info, Q.Length);
}

Status ProcessorTimes(Query& Q)
{
    // The kernel does not measure: all time since the start counts as used.
    SYSTEM_PROCESSOR_PERFORMANCE_INFORMATION Info {};
    Info.UserTime.QuadPart = i64(ke::InterruptTime());
    if (Q.Length == 0 || Q.Length % sizeof(Info))
        return Q.TooShort(sizeof(Info));
    return Q.Write(&Info, sizeof(Info));
}

Status Interrupts(Query& Q)
{
    // Counters of a machine that runs; programs use them as noise, so noise is what they get.
    SYSTEM_INTERRUPT_INFORMATION Info;
    if (Q.Length < sizeof(Info))
        return Q.TooShort(sizeof(Info));
    RandomBytes(&Info, sizeof(Info));
    return Q.Write(&Info, sizeof(Info));
}

// Coordinated universal time, the same all year.
[[clang::no_destroy]] constinit RTL_DYNAMIC_TIME_ZONE_INFORMATION_NT TimeZone {
    .Zone = { .StandardName = L"Coordinated Universal Time", .DaylightName = L"Coordinated Universal Time" },
    .TimeZoneKeyName = L"UTC",
};

Status NumaMap(Query& Q)
{
    struct {
        ULONG HighestNode, Reserved;
        GROUP_AFFINITY Nodes[64];
    } Info {};
    if (Q.Length < 2 * sizeof(ULONG))
        return Q.TooShort(sizeof(Info));
    Info.Nodes[0].Mask = 1;
    return Q.Write(&Info, Q.Length < sizeof(Info) ? Q.Length : sizeof(Info));
}

Status NumaMemory(Query& Q)
{
    struct {
        ULONG HighestNode, Reserved;
        ULONGLONG Available[64];
    } Info {};
    if (Q.Length < 2 * sizeof(ULONG))
        return Q.TooShort(sizeof(Info));
    Info.Available[0] = mm::QueryMemory().FreePages * PageSize;
    return Q.Write(&Info, Q.Length < sizeof(Info) ? Q.Length : sizeof(Info));
}

Status FirmwareTables(Query& Q)
{
    if (Q.Length < sizeof(SYSTEM_FIRMWARE_TABLE_INFORMATION_HEAD))
        return Q.TooShort(sizeof(SYSTEM_FIRMWARE_TABLE_INFORMATION_HEAD));
    return Q.TooShort(0, STATUS_NOT_IMPLEMENTED);
}

Status CodeIntegrity(Query& Q)
{
    if (Q.Length != sizeof(SYSTEM_CODEINTEGRITY_INFORMATION))
        return Q.TooShort(sizeof(SYSTEM_CODEINTEGRITY_INFORMATION));
    auto Info = TRY(Q.Buffer.ReadAs<SYSTEM_CODEINTEGRITY_INFORMATION>(Q.Caller));
    if (Info.Length != sizeof(Info))
        return STATUS_INFO_LENGTH_MISMATCH;
    Info.CodeIntegrityOptions = 0;
    return Q.Write(&Info, sizeof(Info));
}

Status Answer(Query& Q, ULONG Class)
{
    switch (Class) {
    case SystemBasicInformation:
    case SystemEmulationBasicInformation:
    case SystemNativeBasicInformation: return Q.Exactly(Basic());
    case SystemProcessorInformation: return QueryProcessor(Q, false);
    case SystemEmulationProcessorInformation: return QueryProcessor(Q, true);
    case SystemPerformanceInformation: return Performance(Q);
    case SystemBasicPerformanceInformation: {
        mm::MemoryInfo Memory = mm::QueryMemory();
        return Q.Exactly(SYSTEM_BASIC_PERFORMANCE_INFORMATION { Memory.FreePages, Memory.CommittedPages, Memory.CommitLimit, Memory.CommittedPages });
    }
    case SystemTimeOfDayInformation: return TimeOfDay(Q);
    case SystemProcessInformation: return QueryProcesses(Q, false);
    case SystemExtendedProcessInformation: return QueryProcesses(Q, true);
    case SystemProcessIdInformation: return QueryProcessId(Q);
    case SystemProcessorPerformanceInformation: return ProcessorTimes(Q);
    case SystemFlagsInformation: return Q.Exactly(ULONG(0));
    case SystemModuleInformation: return Q.AtLeast(u64(0));            // a count of none
    case SystemModuleInformationEx: return Q.AtLeast(USHORT(0));       // the end of the list
    case SystemHandleInformation: return QueryHandles(Q);
    case SystemExtendedHandleInformation: return QueryHandlesEx(Q);
    case SystemPageFileInformation: return Q.ReturnLength.WriteIfThere(Q.Caller, 0);
    case SystemFileCacheInformation: return Q.AtLeast(SYSTEM_FILECACHE_INFORMATION {});
    case SystemInterruptInformation: return Interrupts(Q);
    case SystemTimeAdjustmentInformation:
        return Q.Exactly(SYSTEM_QUERY_TIME_ADJUST_INFORMATION { ULONG(ke::ClockTick), ULONG(ke::ClockTick), 1 });
    case SystemExceptionInformation: return Q.AtLeast(SYSTEM_EXCEPTION_INFORMATION {});
    case SystemContextSwitchInformation: return Q.AtLeast(SYSTEM_CONTEXT_SWITCH_INFORMATION {});
    case SystemKernelDebuggerInformation: return Q.AtLeast(SYSTEM_KERNEL_DEBUGGER_INFORMATION { 0, 1 });
    case SystemKernelDebuggerInformationEx: return Q.AtLeast(SYSTEM_KERNEL_DEBUGGER_INFORMATION_EX {});
    case SystemRegistryQuotaInformation: return Q.AtLeast(SYSTEM_REGISTRY_QUOTA_INFORMATION { 0x7FFFFFFF, 0, 0x7FFFFFFF });
    case SystemCurrentTimeZoneInformation: return Q.AtLeast(TimeZone.Zone);
    case SystemDynamicTimeZoneInformation: return Q.AtLeast(TimeZone);
    case SystemNumaProcessorMap: return NumaMap(Q);
    case SystemNumaAvailableMemory: return NumaMemory(Q);
    case SystemRecommendedSharedDataAlignment: return Q.AtLeast(ULONG(64));
    case SystemLogicalProcessorInformation: return QueryLogicalProcessors(Q);
    case SystemFirmwareTableInformation: return FirmwareTables(Q);
    case SystemBootEnvironmentInformation: return Q.AtLeast(SYSTEM_BOOT_ENVIRONMENT_INFORMATION { {}, 1, 0 });     // booted by a BIOS
    case SystemCodeIntegrityInformation: return CodeIntegrity(Q);
    case SystemSecureBootInformation: return Q.AtLeast(SYSTEM_SECUREBOOT_INFORMATION {});
    default: return STATUS_INVALID_INFO_CLASS;
    }
}

// The machines whose programs can run: ours, and a zero that ends the list.
Status Architectures(Query& Q, bool OfProcess)
{
    struct {
        u32 Machine = 0x8664 | 1 << 16 | 1 << 17 | 1 << 18;     // kernel mode, user mode, native
        u32 End = 0;
    } Info;
    if (OfProcess)
        Info.Machine |= 1 << 19;
    return Q.Length < sizeof(Info) ? Q.TooShort(sizeof(Info), STATUS_BUFFER_TOO_SMALL) : Q.Write(&Info, sizeof(Info));
}

// The classes that take a process handle (or null) check it. Whether there is one.
Result<bool> CheckProcessInput(ke::Caller& Caller, svc::QuerySystemInformationEx& Call)
{
    if (!Call.InputBuffer || Call.InputBufferLength < sizeof(HANDLE))
        return STATUS_INVALID_PARAMETER;
    HANDLE Handle = TRY(Call.InputBuffer.ReadAs<HANDLE>(Caller));
    if (Handle)
        TRY(ob::Reference<ps::Process>(Caller, Handle, PROCESS_QUERY_LIMITED_INFORMATION));
    return Handle != nullptr;
}

}

}

using ex::Query;

Status NtQuerySystemInformation(ke::Caller& Caller, svc::QuerySystemInformation& Call)
{
    Query Q { Caller, Call.SystemInformation, Call.SystemInformationLength, Call.ReturnLength };
    return ex::Answer(Q, Call.SystemInformationClass);
}

Status NtQuerySystemInformationEx(ke::Caller& Caller, svc::QuerySystemInformationEx& Call)
{
    Query Q { Caller, Call.SystemInformation, Call.SystemInformationLength, Call.ReturnLength };
    switch (Call.SystemInformationClass) {
    case SystemLogicalProcessorInformationEx: {
        if (!Call.InputBuffer || Call.InputBufferLength < sizeof(ULONG))
            return STATUS_INVALID_PARAMETER;
        return ex::QueryLogicalProcessorsEx(Q, TRY(Call.InputBuffer.ReadAs<ULONG>(Caller)));
    }
    case SystemCpuSetInformation: {
        TRY(ex::CheckProcessInput(Caller, Call));
        return ex::QueryCpuSets(Q);
    }
    case SystemSupportedProcessorArchitectures: {
        bool OfProcess = TRY(ex::CheckProcessInput(Caller, Call));
        return ex::Architectures(Q, OfProcess);
    }
    default: return STATUS_INVALID_INFO_CLASS;
    }
}

Status NtSetSystemInformation(ke::Caller& Caller, svc::SetSystemInformation& Call)
{
    static constexpr u32 SystemTimePrivilege = 12, TimeZonePrivilege = 34;
    se::Token& By = Caller.Thread().EffectiveToken();
    switch (Call.SystemInformationClass) {
    case SystemTimeAdjustmentInformation: {
        if (Call.SystemInformationLength != sizeof(SYSTEM_SET_TIME_ADJUST_INFORMATION))
            return STATUS_INFO_LENGTH_MISMATCH;
        if (!se::HasPrivilege(By, SystemTimePrivilege))
            return STATUS_PRIVILEGE_NOT_HELD;
        auto Info = TRY(Call.SystemInformation.ReadAs<SYSTEM_SET_TIME_ADJUST_INFORMATION>(Caller));
        // The clock is the processor's own and is not adjusted tick by tick.
        return Info.Enable || Info.TimeAdjustment == ke::ClockTick ? STATUS_SUCCESS : STATUS_NOT_SUPPORTED;
    }
    case SystemCurrentTimeZoneInformation: {
        if (Call.SystemInformationLength != sizeof(RTL_TIME_ZONE_INFORMATION_NT))
            return STATUS_INFO_LENGTH_MISMATCH;
        if (!se::HasPrivilege(By, TimeZonePrivilege))
            return STATUS_PRIVILEGE_NOT_HELD;
        ex::TimeZone.Zone = TRY(Call.SystemInformation.ReadAs<RTL_TIME_ZONE_INFORMATION_NT>(Caller));
        return STATUS_SUCCESS;
    }
    case SystemDynamicTimeZoneInformation: {
        if (Call.SystemInformationLength != sizeof(RTL_DYNAMIC_TIME_ZONE_INFORMATION_NT))
            return STATUS_INFO_LENGTH_MISMATCH;
        if (!se::HasPrivilege(By, TimeZonePrivilege))
            return STATUS_PRIVILEGE_NOT_HELD;
        ex::TimeZone = TRY(Call.SystemInformation.ReadAs<RTL_DYNAMIC_TIME_ZONE_INFORMATION_NT>(Caller));
        return STATUS_SUCCESS;
    }
    default: return STATUS_INVALID_INFO_CLASS;
    }
}

// Firmware variables: a machine started by a BIOS has none.
Status NtQuerySystemEnvironmentValue(ke::Caller&, svc::QuerySystemEnvironmentValue&)
{
    return STATUS_NOT_IMPLEMENTED;
}

Status NtQuerySystemEnvironmentValueEx(ke::Caller&, svc::QuerySystemEnvironmentValueEx&)
{
    return STATUS_NOT_IMPLEMENTED;
}
