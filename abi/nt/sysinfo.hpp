// NtQuerySystemInformation: classes and structures, with the layouts of 64-bit Windows.
#pragma once
#include "abi/nt/ps.hpp"

namespace nt {

enum SYSTEM_INFORMATION_CLASS : ULONG {
    SystemBasicInformation = 0,
    SystemProcessorInformation = 1,
    SystemPerformanceInformation = 2,
    SystemTimeOfDayInformation = 3,
    SystemProcessInformation = 5,
    SystemProcessorPerformanceInformation = 8,
    SystemFlagsInformation = 9,
    SystemModuleInformation = 11,
    SystemHandleInformation = 16,
    SystemPageFileInformation = 18,
    SystemFileCacheInformation = 21,
    SystemInterruptInformation = 23,
    SystemTimeAdjustmentInformation = 28,
    SystemExceptionInformation = 33,
    SystemKernelDebuggerInformation = 35,
    SystemContextSwitchInformation = 36,
    SystemRegistryQuotaInformation = 37,
    SystemCurrentTimeZoneInformation = 44,
    SystemNumaProcessorMap = 55,
    SystemExtendedProcessInformation = 57,
    SystemRecommendedSharedDataAlignment = 58,
    SystemNumaAvailableMemory = 60,
    SystemEmulationBasicInformation = 62,
    SystemEmulationProcessorInformation = 63,
    SystemExtendedHandleInformation = 64,
    SystemLogicalProcessorInformation = 73,
    SystemFirmwareTableInformation = 76,
    SystemModuleInformationEx = 77,
    SystemProcessIdInformation = 88,
    SystemBootEnvironmentInformation = 90,
    SystemDynamicTimeZoneInformation = 102,
    SystemCodeIntegrityInformation = 103,
    SystemLogicalProcessorInformationEx = 107,
    SystemNativeBasicInformation = 114,
    SystemBasicPerformanceInformation = 123,
    SystemSecureBootInformation = 145,
    SystemKernelDebuggerInformationEx = 149,
    SystemCpuSetInformation = 175,
    SystemSupportedProcessorArchitectures = 181,
};

struct SYSTEM_BASIC_INFORMATION {
    ULONG Reserved, TimerResolution, PageSize, NumberOfPhysicalPages, LowestPhysicalPageNumber, HighestPhysicalPageNumber;
    ULONG AllocationGranularity, Pad;
    ULONG_PTR MinimumUserModeAddress, MaximumUserModeAddress, ActiveProcessorsAffinityMask;
    UCHAR NumberOfProcessors;
};
static_assert(sizeof(SYSTEM_BASIC_INFORMATION) == 64);

struct SYSTEM_PROCESSOR_INFORMATION {
    USHORT ProcessorArchitecture, ProcessorLevel, ProcessorRevision, MaximumProcessors;
    ULONG ProcessorFeatureBits;
};
static_assert(sizeof(SYSTEM_PROCESSOR_INFORMATION) == 12);

// The first fields; what follows counts things that there are none of here.
struct SYSTEM_PERFORMANCE_INFORMATION {
    LARGE_INTEGER IdleProcessTime, IoReadTransferCount, IoWriteTransferCount, IoOtherTransferCount;
    ULONG IoReadOperationCount, IoWriteOperationCount, IoOtherOperationCount;
    ULONG AvailablePages, CommittedPages, CommitLimit, PeakCommitment, PageFaultCount;
    ULONG CopyOnWriteCount, TransitionCount, CacheTransitionCount, DemandZeroCount, PageReadCount, PageReadIoCount, CacheReadCount, CacheIoCount,
        DirtyPagesWriteCount, DirtyWriteIoCount, MappedPagesWriteCount, MappedWriteIoCount;
    // Here the Executive's heap is the paged pool (allocations: blocks in use, frees: none), seL4's objects are the nonpaged pool (pages that
    // hold them; allocations: objects alive but page tables), and a free system PTE is a capability slot that can still be had.
    ULONG PagedPoolPages, NonPagedPoolPages, PagedPoolAllocs, PagedPoolFrees, NonPagedPoolAllocs, NonPagedPoolFrees, FreeSystemPtes;
    ULONG Others[51];
};
static_assert(sizeof(SYSTEM_PERFORMANCE_INFORMATION) == 344 && __builtin_offsetof(SYSTEM_PERFORMANCE_INFORMATION, PagedPoolPages) == 112);
inline constexpr ULONG SystemPerformanceInformationMinimum = 312;       // before Windows 8

struct SYSTEM_BASIC_PERFORMANCE_INFORMATION {
    SIZE_T AvailablePages, CommittedPages, CommitLimit, PeakCommitment;
};

struct SYSTEM_TIMEOFDAY_INFORMATION {
    LARGE_INTEGER BootTime, CurrentTime, TimeZoneBias;
    ULONG TimeZoneId, Reserved;
    ULONGLONG BootTimeBias, SleepTimeBias;
};
static_assert(sizeof(SYSTEM_TIMEOFDAY_INFORMATION) == 48);

struct SYSTEM_THREAD_INFORMATION {
    LARGE_INTEGER KernelTime, UserTime, CreateTime;
    ULONG WaitTime;
    PVOID StartAddress;
    CLIENT_ID ClientId;
    KPRIORITY Priority;
    LONG BasePriority;
    ULONG ContextSwitches, ThreadState, WaitReason;
};
static_assert(sizeof(SYSTEM_THREAD_INFORMATION) == 80);
struct SYSTEM_EXTENDED_THREAD_INFORMATION {
    SYSTEM_THREAD_INFORMATION ThreadInfo;
    PVOID StackBase, StackLimit, Win32StartAddress, TebBase;
    ULONG_PTR Reserved[3];
};
static_assert(sizeof(SYSTEM_EXTENDED_THREAD_INFORMATION) == 136);

// Followed by the threads, then the name.
struct SYSTEM_PROCESS_INFORMATION {
    ULONG NextEntryOffset, NumberOfThreads;
    LARGE_INTEGER WorkingSetPrivateSize;
    ULONG HardFaultCount, NumberOfThreadsHighWatermark;
    ULONGLONG CycleTime;
    LARGE_INTEGER CreateTime, UserTime, KernelTime;
    UNICODE_STRING ImageName;
    KPRIORITY BasePriority;
    HANDLE UniqueProcessId, InheritedFromUniqueProcessId;
    ULONG HandleCount, SessionId;
    ULONG_PTR UniqueProcessKey;
    VM_COUNTERS_EX VirtualMemory;
    IO_COUNTERS Io;
};
static_assert(sizeof(SYSTEM_PROCESS_INFORMATION) == 256);

struct SYSTEM_PROCESSOR_PERFORMANCE_INFORMATION {
    LARGE_INTEGER IdleTime, KernelTime, UserTime, DpcTime, InterruptTime;
    ULONG InterruptCount;
};
static_assert(sizeof(SYSTEM_PROCESSOR_PERFORMANCE_INFORMATION) == 48);

struct SYSTEM_HANDLE_TABLE_ENTRY_INFO {
    USHORT UniqueProcessId, CreatorBackTraceIndex;
    UCHAR ObjectTypeIndex, HandleAttributes;
    USHORT HandleValue;
    PVOID Object;
    ULONG GrantedAccess;
};
static_assert(sizeof(SYSTEM_HANDLE_TABLE_ENTRY_INFO) == 24);
struct SYSTEM_HANDLE_TABLE_ENTRY_INFO_EX {
    PVOID Object;
    ULONG_PTR UniqueProcessId, HandleValue;
    ULONG GrantedAccess;
    USHORT CreatorBackTraceIndex, ObjectTypeIndex;
    ULONG HandleAttributes, Reserved;
};
static_assert(sizeof(SYSTEM_HANDLE_TABLE_ENTRY_INFO_EX) == 40);

struct SYSTEM_FILECACHE_INFORMATION {
    SIZE_T CurrentSize, PeakSize;
    ULONG PageFaultCount;
    SIZE_T MinimumWorkingSet, MaximumWorkingSet, CurrentSizeIncludingTransitionInPages, PeakSizeIncludingTransitionInPages;
    ULONG TransitionRePurposeCount, Flags;
};
static_assert(sizeof(SYSTEM_FILECACHE_INFORMATION) == 64);

struct SYSTEM_INTERRUPT_INFORMATION {
    ULONG ContextSwitches, DpcCount, DpcRate, TimeIncrement, DpcBypassCount, ApcBypassCount;
};
struct SYSTEM_QUERY_TIME_ADJUST_INFORMATION {
    ULONG TimeAdjustment, TimeIncrement;
    BOOLEAN Enable;
};
struct SYSTEM_SET_TIME_ADJUST_INFORMATION {
    ULONG TimeAdjustment;
    BOOLEAN Enable;
};
struct SYSTEM_EXCEPTION_INFORMATION {
    ULONG AlignmentFixupCount, ExceptionDispatchCount, FloatingEmulationCount, ByteWordEmulationCount;
};
struct SYSTEM_KERNEL_DEBUGGER_INFORMATION {
    BOOLEAN KernelDebuggerEnabled, KernelDebuggerNotPresent;
};
struct SYSTEM_KERNEL_DEBUGGER_INFORMATION_EX {
    BOOLEAN DebuggerAllowed, DebuggerEnabled, DebuggerPresent;
};
struct SYSTEM_CONTEXT_SWITCH_INFORMATION {
    ULONG ContextSwitches, Others[11];
};
struct SYSTEM_REGISTRY_QUOTA_INFORMATION {
    ULONG RegistryQuotaAllowed, RegistryQuotaUsed;
    SIZE_T PagedPoolSize;
};

struct TIME_FIELDS_NT {
    SHORT Year, Month, Day, Hour, Minute, Second, Milliseconds, Weekday;
};
struct RTL_TIME_ZONE_INFORMATION_NT {
    LONG Bias;
    WCHAR StandardName[32];
    TIME_FIELDS_NT StandardDate;
    LONG StandardBias;
    WCHAR DaylightName[32];
    TIME_FIELDS_NT DaylightDate;
    LONG DaylightBias;
};
static_assert(sizeof(RTL_TIME_ZONE_INFORMATION_NT) == 172);
struct RTL_DYNAMIC_TIME_ZONE_INFORMATION_NT {
    RTL_TIME_ZONE_INFORMATION_NT Zone;
    WCHAR TimeZoneKeyName[128];
    BOOLEAN DynamicDaylightTimeDisabled;
};
static_assert(sizeof(RTL_DYNAMIC_TIME_ZONE_INFORMATION_NT) == 432);

enum LOGICAL_PROCESSOR_RELATIONSHIP : ULONG {
    RelationProcessorCore,
    RelationNumaNode,
    RelationCache,
    RelationProcessorPackage,
    RelationGroup,
    RelationProcessorDie,
    RelationNumaNodeEx,
    RelationProcessorModule,
    RelationAll = 0xFFFF,
};
enum PROCESSOR_CACHE_TYPE : ULONG { CacheUnified, CacheInstruction, CacheData, CacheTrace };
struct CACHE_DESCRIPTOR {
    BYTE Level, Associativity;
    WORD LineSize;
    DWORD Size;
    ULONG Type;
};
struct SYSTEM_LOGICAL_PROCESSOR_INFORMATION {
    ULONG_PTR ProcessorMask;
    ULONG Relationship;
    union {
        BYTE CoreFlags;
        DWORD NodeNumber;
        CACHE_DESCRIPTOR Cache;
        ULONGLONG Reserved[2];
    };
};
static_assert(sizeof(SYSTEM_LOGICAL_PROCESSOR_INFORMATION) == 32);

struct PROCESSOR_RELATIONSHIP {
    BYTE Flags, EfficiencyClass, Reserved[20];
    WORD GroupCount;
    GROUP_AFFINITY GroupMask;
};
struct NUMA_NODE_RELATIONSHIP {
    DWORD NodeNumber;
    BYTE Reserved[18];
    WORD GroupCount;
    GROUP_AFFINITY GroupMask;
};
struct CACHE_RELATIONSHIP {
    BYTE Level, Associativity;
    WORD LineSize;
    DWORD CacheSize;
    ULONG Type;
    BYTE Reserved[18];
    WORD GroupCount;
    GROUP_AFFINITY GroupMask;
};
struct PROCESSOR_GROUP_INFO {
    BYTE MaximumProcessorCount, ActiveProcessorCount, Reserved[38];
    KAFFINITY ActiveProcessorMask;
};
struct GROUP_RELATIONSHIP {
    WORD MaximumGroupCount, ActiveGroupCount;
    BYTE Reserved[20];
    PROCESSOR_GROUP_INFO GroupInfo;
};
// Followed by one of the four.
struct SYSTEM_LOGICAL_PROCESSOR_INFORMATION_EX_HEAD {
    ULONG Relationship, Size;
};
static_assert(sizeof(PROCESSOR_RELATIONSHIP) == 40 && sizeof(NUMA_NODE_RELATIONSHIP) == 40 && sizeof(CACHE_RELATIONSHIP) == 48 &&
              sizeof(GROUP_RELATIONSHIP) == 72);

struct SYSTEM_CPU_SET_INFORMATION {
    ULONG Size, Type, Id;
    USHORT Group;
    UCHAR LogicalProcessorIndex, CoreIndex, LastLevelCacheIndex, NumaNodeIndex, EfficiencyClass, AllFlags;
    ULONG Reserved;
    ULONGLONG AllocationTag;
};
static_assert(sizeof(SYSTEM_CPU_SET_INFORMATION) == 32);

struct SYSTEM_BOOT_ENVIRONMENT_INFORMATION {
    GUID BootIdentifier;
    ULONG FirmwareType;
    ULONGLONG BootFlags;
};
static_assert(sizeof(SYSTEM_BOOT_ENVIRONMENT_INFORMATION) == 32);
struct SYSTEM_FIRMWARE_TABLE_INFORMATION_HEAD {
    ULONG ProviderSignature, Action, TableId, TableBufferLength;
};
struct SYSTEM_CODEINTEGRITY_INFORMATION {
    ULONG Length, CodeIntegrityOptions;
};
struct SYSTEM_SECUREBOOT_INFORMATION {
    BOOLEAN SecureBootEnabled, SecureBootCapable;
};
struct SYSTEM_PROCESS_ID_INFORMATION {
    HANDLE ProcessId;
    UNICODE_STRING ImageName;
};

}
