// Processes and threads: creation structures, information classes and their structures.
#pragma once
#include "abi/nt/peb.hpp"

namespace nt {

// --- creation -------------------------------------------------------------------------------------------------------

struct SECTION_IMAGE_INFORMATION {
    PVOID TransferAddress;
    ULONG ZeroBits;
    SIZE_T MaximumStackSize;
    SIZE_T CommittedStackSize;
    ULONG SubSystemType;
    USHORT SubSystemMinorVersion;
    USHORT SubSystemMajorVersion;
    USHORT MajorOperatingSystemVersion;
    USHORT MinorOperatingSystemVersion;
    USHORT ImageCharacteristics;
    USHORT DllCharacteristics;
    USHORT Machine;
    BOOLEAN ImageContainsCode;
    UCHAR ImageFlags;                   // SECTION_IMAGE_
    ULONG LoaderFlags;
    ULONG ImageFileSize;
    ULONG CheckSum;
};
NT_SIZE(SECTION_IMAGE_INFORMATION, 64);
NT_AT(SECTION_IMAGE_INFORMATION, SubSystemType, 32);
NT_AT(SECTION_IMAGE_INFORMATION, ImageContainsCode, 50);
NT_AT(SECTION_IMAGE_INFORMATION, CheckSum, 60);
inline constexpr UCHAR SECTION_IMAGE_COM_PLUS_NATIVE_READY = 0x1, SECTION_IMAGE_COM_PLUS_IL_ONLY = 0x2,
                       SECTION_IMAGE_DYNAMICALLY_RELOCATED = 0x4, SECTION_IMAGE_MAPPED_FLAT = 0x8, SECTION_IMAGE_BASE_BELOW_4GB = 0x10;

struct RTL_USER_PROCESS_INFORMATION {
    ULONG Length;
    HANDLE ProcessHandle;
    HANDLE ThreadHandle;
    CLIENT_ID ClientId;
    SECTION_IMAGE_INFORMATION ImageInformation;
};
NT_SIZE(RTL_USER_PROCESS_INFORMATION, 104);

enum PS_CREATE_STATE : i32 {
    PsCreateInitialState,
    PsCreateFailOnFileOpen,
    PsCreateFailOnSectionCreate,
    PsCreateFailExeFormat,
    PsCreateFailMachineMismatch,
    PsCreateFailExeName,
    PsCreateSuccess,
};

struct PS_CREATE_INFO {
    SIZE_T Size;
    PS_CREATE_STATE State;
    union {
        struct {
            ULONG InitFlags;            // PS_CREATE_
            ACCESS_MASK AdditionalFileAccess;
        } InitState;
        struct {
            HANDLE FileHandle;
        } FailSection;
        struct {
            USHORT DllCharacteristics;
        } ExeFormat;
        struct {
            HANDLE IFEOKey;
        } ExeName;
        struct {
            ULONG OutputFlags;
            HANDLE FileHandle;
            HANDLE SectionHandle;
            ULONGLONG UserProcessParametersNative;
            ULONG UserProcessParametersWow64;
            ULONG CurrentParameterFlags;
            ULONGLONG PebAddressNative;
            ULONG PebAddressWow64;
            ULONGLONG ManifestAddress;
            ULONG ManifestSize;
        } SuccessState;
    };
};
NT_SIZE(PS_CREATE_INFO, 0x58);
NT_AT(PS_CREATE_INFO, SuccessState, 0x10);
inline constexpr ULONG PS_CREATE_WRITE_OUTPUT_ON_EXIT = 0x1, PS_CREATE_DETECT_MANIFEST = 0x2, PS_CREATE_IFEO_SKIP_DEBUGGER = 0x4,
                       PS_CREATE_IFEO_DO_NOT_PROPAGATE_KEYS = 0x8;

struct PS_ATTRIBUTE {
    ULONG_PTR Attribute;                // PS_ATTRIBUTE_
    SIZE_T Size;
    union {
        ULONG_PTR Value;
        PVOID ValuePtr;
    };
    SIZE_T* ReturnLength;
};
NT_SIZE(PS_ATTRIBUTE, 32);

struct PS_ATTRIBUTE_LIST {
    SIZE_T TotalLength;                 // bytes of the list with all its attributes
    PS_ATTRIBUTE Attributes[1];
};
NT_SIZE(PS_ATTRIBUTE_LIST, 40);

inline constexpr ULONG_PTR PS_ATTRIBUTE_NUMBER_MASK = 0xFFFF, PS_ATTRIBUTE_THREAD = 0x10000, PS_ATTRIBUTE_INPUT = 0x20000,
                           PS_ATTRIBUTE_ADDITIVE = 0x40000;
inline constexpr ULONG_PTR PS_ATTRIBUTE_PARENT_PROCESS = 0x60000, PS_ATTRIBUTE_DEBUG_OBJECT = 0x60001, PS_ATTRIBUTE_TOKEN = 0x60002,
                           PS_ATTRIBUTE_CLIENT_ID = 0x10003, PS_ATTRIBUTE_TEB_ADDRESS = 0x10004, PS_ATTRIBUTE_IMAGE_NAME = 0x20005,
                           PS_ATTRIBUTE_IMAGE_INFO = 0x6, PS_ATTRIBUTE_MEMORY_RESERVE = 0x20007, PS_ATTRIBUTE_PRIORITY_CLASS = 0x20008,
                           PS_ATTRIBUTE_ERROR_MODE = 0x20009, PS_ATTRIBUTE_STD_HANDLE_INFO = 0x2000A, PS_ATTRIBUTE_HANDLE_LIST = 0x2000B,
                           PS_ATTRIBUTE_GROUP_AFFINITY = 0x3000C, PS_ATTRIBUTE_PREFERRED_NODE = 0x2000D,
                           PS_ATTRIBUTE_IDEAL_PROCESSOR = 0x3000E, PS_ATTRIBUTE_UMS_THREAD = 0x3000F,
                           PS_ATTRIBUTE_MITIGATION_OPTIONS = 0x20010, PS_ATTRIBUTE_PROTECTION_LEVEL = 0x60011,
                           PS_ATTRIBUTE_SECURE_PROCESS = 0x20012, PS_ATTRIBUTE_JOB_LIST = 0x20013,
                           PS_ATTRIBUTE_CHILD_PROCESS_POLICY = 0x20014, PS_ATTRIBUTE_ALL_APPLICATION_PACKAGES_POLICY = 0x20015,
                           PS_ATTRIBUTE_WIN32K_FILTER = 0x20016, PS_ATTRIBUTE_SAFE_OPEN_PROMPT_ORIGIN_CLAIM = 0x20017,
                           PS_ATTRIBUTE_BNO_ISOLATION = 0x20018, PS_ATTRIBUTE_DESKTOP_APP_POLICY = 0x20019,
                           PS_ATTRIBUTE_MITIGATION_AUDIT_OPTIONS = 0x2001B, PS_ATTRIBUTE_MACHINE_TYPE = 0x6001C;

// Value of PS_ATTRIBUTE_STD_HANDLE_INFO.
struct PS_STD_HANDLE_INFO {
    ULONG Flags;                        // bits 0-1: PS_STD_STATE; bits 2-4: which of input, output, error
    ULONG StdHandleSubsystemType;
};

// NtCreateUserProcess process flags.
inline constexpr ULONG PROCESS_CREATE_FLAGS_BREAKAWAY = 0x1, PROCESS_CREATE_FLAGS_NO_DEBUG_INHERIT = 0x2,
                       PROCESS_CREATE_FLAGS_INHERIT_HANDLES = 0x4, PROCESS_CREATE_FLAGS_OVERRIDE_ADDRESS_SPACE = 0x8,
                       PROCESS_CREATE_FLAGS_LARGE_PAGES = 0x10, PROCESS_CREATE_FLAGS_SUSPENDED = 0x200;
// NtCreateThreadEx flags.
inline constexpr ULONG THREAD_CREATE_FLAGS_CREATE_SUSPENDED = 0x1, THREAD_CREATE_FLAGS_SKIP_THREAD_ATTACH = 0x2,
                       THREAD_CREATE_FLAGS_HIDE_FROM_DEBUGGER = 0x4, THREAD_CREATE_FLAGS_LOADER_WORKER = 0x10,
                       THREAD_CREATE_FLAGS_SKIP_LOADER_INIT = 0x20, THREAD_CREATE_FLAGS_BYPASS_PROCESS_FREEZE = 0x40,
                       THREAD_CREATE_FLAGS_INITIAL_THREAD = 0x80;

// --- access rights --------------------------------------------------------------------------------------------------

inline constexpr ACCESS_MASK PROCESS_TERMINATE = 0x1, PROCESS_CREATE_THREAD = 0x2, PROCESS_SET_SESSIONID = 0x4, PROCESS_VM_OPERATION = 0x8,
                             PROCESS_VM_READ = 0x10, PROCESS_VM_WRITE = 0x20, PROCESS_DUP_HANDLE = 0x40, PROCESS_CREATE_PROCESS = 0x80,
                             PROCESS_SET_QUOTA = 0x100, PROCESS_SET_INFORMATION = 0x200, PROCESS_QUERY_INFORMATION = 0x400,
                             PROCESS_SUSPEND_RESUME = 0x800, PROCESS_QUERY_LIMITED_INFORMATION = 0x1000,
                             PROCESS_SET_LIMITED_INFORMATION = 0x2000, PROCESS_ALL_ACCESS = 0x1FFFFF;
inline constexpr ACCESS_MASK THREAD_TERMINATE = 0x1, THREAD_SUSPEND_RESUME = 0x2, THREAD_ALERT = 0x4, THREAD_GET_CONTEXT = 0x8,
                             THREAD_SET_CONTEXT = 0x10, THREAD_SET_INFORMATION = 0x20, THREAD_QUERY_INFORMATION = 0x40,
                             THREAD_SET_THREAD_TOKEN = 0x80, THREAD_IMPERSONATE = 0x100, THREAD_DIRECT_IMPERSONATION = 0x200,
                             THREAD_SET_LIMITED_INFORMATION = 0x400, THREAD_QUERY_LIMITED_INFORMATION = 0x800, THREAD_RESUME = 0x1000,
                             THREAD_ALL_ACCESS = 0x1FFFFF;
inline constexpr ACCESS_MASK JOB_OBJECT_ASSIGN_PROCESS = 0x1, JOB_OBJECT_SET_ATTRIBUTES = 0x2, JOB_OBJECT_QUERY = 0x4,
                             JOB_OBJECT_TERMINATE = 0x8, JOB_OBJECT_ALL_ACCESS = 0x1F003F;

// --- processes ------------------------------------------------------------------------------------------------------

enum PROCESSINFOCLASS : u32 {
    ProcessBasicInformation = 0,
    ProcessQuotaLimits = 1,
    ProcessIoCounters = 2,
    ProcessVmCounters = 3,
    ProcessTimes = 4,
    ProcessBasePriority = 5,
    ProcessRaisePriority = 6,
    ProcessDebugPort = 7,
    ProcessExceptionPort = 8,
    ProcessAccessToken = 9,
    ProcessLdtInformation = 10,
    ProcessLdtSize = 11,
    ProcessDefaultHardErrorMode = 12,
    ProcessIoPortHandlers = 13,
    ProcessPooledUsageAndLimits = 14,
    ProcessWorkingSetWatch = 15,
    ProcessUserModeIOPL = 16,
    ProcessEnableAlignmentFaultFixup = 17,
    ProcessPriorityClass = 18,
    ProcessWx86Information = 19,
    ProcessHandleCount = 20,
    ProcessAffinityMask = 21,
    ProcessPriorityBoost = 22,
    ProcessDeviceMap = 23,
    ProcessSessionInformation = 24,
    ProcessForegroundInformation = 25,
    ProcessWow64Information = 26,
    ProcessImageFileName = 27,
    ProcessLUIDDeviceMapsEnabled = 28,
    ProcessBreakOnTermination = 29,
    ProcessDebugObjectHandle = 30,
    ProcessDebugFlags = 31,
    ProcessHandleTracing = 32,
    ProcessIoPriority = 33,
    ProcessExecuteFlags = 34,
    ProcessTlsInformation = 35,
    ProcessCookie = 36,
    ProcessImageInformation = 37,
    ProcessCycleTime = 38,
    ProcessPagePriority = 39,
    ProcessInstrumentationCallback = 40,
    ProcessThreadStackAllocation = 41,
    ProcessWorkingSetWatchEx = 42,
    ProcessImageFileNameWin32 = 43,
    ProcessImageFileMapping = 44,
    ProcessAffinityUpdateMode = 45,
    ProcessMemoryAllocationMode = 46,
    ProcessGroupInformation = 47,
    ProcessTokenVirtualizationEnabled = 48,
    ProcessConsoleHostProcess = 49,
    ProcessWindowInformation = 50,
    ProcessHandleInformation = 51,
    ProcessMitigationPolicy = 52,
    ProcessDynamicFunctionTableInformation = 53,
    ProcessHandleCheckingMode = 54,
    ProcessKeepAliveCount = 55,
    ProcessRevokeFileHandles = 56,
    ProcessWorkingSetControl = 57,
    ProcessHandleTable = 58,
    ProcessCheckStackExtentsMode = 59,
    ProcessCommandLineInformation = 60,
    ProcessProtectionInformation = 61,
    ProcessMemoryExhaustion = 62,
    ProcessFaultInformation = 63,
    ProcessTelemetryIdInformation = 64,
    ProcessCommitReleaseInformation = 65,
    ProcessDefaultCpuSetsInformation = 66,
    ProcessAllowedCpuSetsInformation = 67,
    ProcessSubsystemProcess = 68,
    ProcessJobMemoryInformation = 69,
    ProcessInPrivate = 70,
    ProcessRaiseUMExceptionOnInvalidHandleClose = 71,
    ProcessSubsystemInformation = 75,
    ProcessEnergyValues = 76,
    ProcessPowerThrottlingState = 77,
    ProcessWin32kSyscallFilterInformation = 79,
    ProcessWakeInformation = 81,
    ProcessManageWritesToExecutableMemory = 83,
    ProcessUptimeInformation = 88,
    ProcessImageSection = 89,
    ProcessSystemResourceManagement = 91,
    ProcessSequenceNumber = 92,
    ProcessSecurityDomainInformation = 94,
    ProcessEnableLogging = 96,
    ProcessLeapSecondInformation = 97,
};

struct PROCESS_BASIC_INFORMATION {
    NTSTATUS ExitStatus;
    PEB* PebBaseAddress;
    ULONG_PTR AffinityMask;
    KPRIORITY BasePriority;
    ULONG_PTR UniqueProcessId;
    ULONG_PTR InheritedFromUniqueProcessId;
};
NT_SIZE(PROCESS_BASIC_INFORMATION, 48);

struct PROCESS_EXTENDED_BASIC_INFORMATION {
    SIZE_T Size;
    PROCESS_BASIC_INFORMATION BasicInfo;
    ULONG Flags;                        // 1 protected, 2 WOW64, 4 deleting, 8 cross-session create, 0x10 frozen, 0x20 background
};
NT_SIZE(PROCESS_EXTENDED_BASIC_INFORMATION, 64);

struct QUOTA_LIMITS {
    SIZE_T PagedPoolLimit;
    SIZE_T NonPagedPoolLimit;
    SIZE_T MinimumWorkingSetSize;
    SIZE_T MaximumWorkingSetSize;
    SIZE_T PagefileLimit;
    LARGE_INTEGER TimeLimit;
};
struct IO_COUNTERS {
    ULONGLONG ReadOperationCount, WriteOperationCount, OtherOperationCount;
    ULONGLONG ReadTransferCount, WriteTransferCount, OtherTransferCount;
};
struct VM_COUNTERS {
    SIZE_T PeakVirtualSize;
    SIZE_T VirtualSize;
    ULONG PageFaultCount;
    SIZE_T PeakWorkingSetSize;
    SIZE_T WorkingSetSize;
    SIZE_T QuotaPeakPagedPoolUsage;
    SIZE_T QuotaPagedPoolUsage;
    SIZE_T QuotaPeakNonPagedPoolUsage;
    SIZE_T QuotaNonPagedPoolUsage;
    SIZE_T PagefileUsage;
    SIZE_T PeakPagefileUsage;
};
NT_SIZE(VM_COUNTERS, 88);
struct VM_COUNTERS_EX {
    VM_COUNTERS Basic;
    SIZE_T PrivateUsage;
};
struct KERNEL_USER_TIMES {
    LARGE_INTEGER CreateTime;
    LARGE_INTEGER ExitTime;
    LARGE_INTEGER KernelTime;
    LARGE_INTEGER UserTime;
};
struct PROCESS_PRIORITY_CLASS {
    BOOLEAN Foreground;
    UCHAR PriorityClass;                // PROCESS_PRIORITY_CLASS_
};
inline constexpr UCHAR PROCESS_PRIORITY_CLASS_UNKNOWN = 0, PROCESS_PRIORITY_CLASS_IDLE = 1, PROCESS_PRIORITY_CLASS_NORMAL = 2,
                       PROCESS_PRIORITY_CLASS_HIGH = 3, PROCESS_PRIORITY_CLASS_REALTIME = 4, PROCESS_PRIORITY_CLASS_BELOW_NORMAL = 5,
                       PROCESS_PRIORITY_CLASS_ABOVE_NORMAL = 6;
struct PROCESS_SESSION_INFORMATION {
    ULONG SessionId;
};
struct PROCESS_DEVICEMAP_INFORMATION {
    union {
        struct {
            HANDLE DirectoryHandle;
        } Set;
        struct {
            ULONG DriveMap;
            UCHAR DriveType[32];
        } Query;
    };
};
struct PROCESS_CYCLE_TIME_INFORMATION {
    ULONGLONG AccumulatedCycles;
    ULONGLONG CurrentCycleCount;
};
struct PROCESS_STACK_ALLOCATION_INFORMATION {
    SIZE_T ReserveSize;
    SIZE_T ZeroBits;
    PVOID StackBase;
};
struct PROCESS_HANDLE_TABLE_ENTRY_INFO {
    HANDLE HandleValue;
    ULONG_PTR HandleCount;
    ULONG_PTR PointerCount;
    ULONG GrantedAccess;
    ULONG ObjectTypeIndex;
    ULONG HandleAttributes;
    ULONG Reserved;
};
struct PROCESS_HANDLE_SNAPSHOT_INFORMATION {
    ULONG_PTR NumberOfHandles;
    ULONG_PTR Reserved;
    PROCESS_HANDLE_TABLE_ENTRY_INFO Handles[1];
};
struct PROCESS_MITIGATION_POLICY_INFORMATION {
    ULONG Policy;
    ULONG Flags;
};

// --- threads --------------------------------------------------------------------------------------------------------

enum THREADINFOCLASS : u32 {
    ThreadBasicInformation = 0,
    ThreadTimes = 1,
    ThreadPriority = 2,
    ThreadBasePriority = 3,
    ThreadAffinityMask = 4,
    ThreadImpersonationToken = 5,
    ThreadDescriptorTableEntry = 6,
    ThreadEnableAlignmentFaultFixup = 7,
    ThreadEventPair = 8,
    ThreadQuerySetWin32StartAddress = 9,
    ThreadZeroTlsCell = 10,
    ThreadPerformanceCount = 11,
    ThreadAmILastThread = 12,
    ThreadIdealProcessor = 13,
    ThreadPriorityBoost = 14,
    ThreadSetTlsArrayAddress = 15,
    ThreadIsIoPending = 16,
    ThreadHideFromDebugger = 17,
    ThreadBreakOnTermination = 18,
    ThreadSwitchLegacyState = 19,
    ThreadIsTerminated = 20,
    ThreadLastSystemCall = 21,
    ThreadIoPriority = 22,
    ThreadCycleTime = 23,
    ThreadPagePriority = 24,
    ThreadActualBasePriority = 25,
    ThreadTebInformation = 26,
    ThreadCSwitchMon = 27,
    ThreadCSwitchPmu = 28,
    ThreadWow64Context = 29,
    ThreadGroupInformation = 30,
    ThreadUmsInformation = 31,
    ThreadCounterProfiling = 32,
    ThreadIdealProcessorEx = 33,
    ThreadCpuAccountingInformation = 34,
    ThreadSuspendCount = 35,
    ThreadHeterogeneousCpuPolicy = 36,
    ThreadContainerId = 37,
    ThreadNameInformation = 38,
    ThreadSelectedCpuSets = 39,
    ThreadSystemThreadInformation = 40,
    ThreadActualGroupAffinity = 41,
    ThreadDynamicCodePolicyInfo = 42,
    ThreadExplicitCaseSensitivity = 43,
    ThreadWorkOnBehalfTicket = 44,
    ThreadSubsystemInformation = 45,
    ThreadPowerThrottlingState = 49,
    ThreadWorkloadClass = 50,
};

struct THREAD_BASIC_INFORMATION {
    NTSTATUS ExitStatus;
    TEB* TebBaseAddress;
    CLIENT_ID ClientId;
    KAFFINITY AffinityMask;
    KPRIORITY Priority;
    KPRIORITY BasePriority;
};
NT_SIZE(THREAD_BASIC_INFORMATION, 48);

struct THREAD_LAST_SYSCALL_INFORMATION {
    PVOID FirstArgument;
    USHORT SystemCallNumber;
};
struct THREAD_CYCLE_TIME_INFORMATION {
    ULONGLONG AccumulatedCycles;
    ULONGLONG CurrentCycleCount;
};
struct THREAD_TEB_INFORMATION {
    PVOID TebInformation;               // where the bytes go
    ULONG TebOffset;
    ULONG BytesToRead;
};
struct THREAD_NAME_INFORMATION {
    UNICODE_STRING ThreadName;
};
struct GROUP_AFFINITY {
    KAFFINITY Mask;
    WORD Group;
    WORD Reserved[3];
};
struct PROCESSOR_NUMBER {
    WORD Group;
    BYTE Number;
    BYTE Reserved;
};

// --- jobs -----------------------------------------------------------------------------------------------------------

enum JOBOBJECTINFOCLASS : u32 {
    JobObjectBasicAccountingInformation = 1,
    JobObjectBasicLimitInformation = 2,
    JobObjectBasicProcessIdList = 3,
    JobObjectBasicUIRestrictions = 4,
    JobObjectSecurityLimitInformation = 5,
    JobObjectEndOfJobTimeInformation = 6,
    JobObjectAssociateCompletionPortInformation = 7,
    JobObjectBasicAndIoAccountingInformation = 8,
    JobObjectExtendedLimitInformation = 9,
    JobObjectJobSetInformation = 10,
    JobObjectGroupInformation = 11,
    JobObjectNotificationLimitInformation = 12,
    JobObjectLimitViolationInformation = 13,
    JobObjectGroupInformationEx = 14,
    JobObjectCpuRateControlInformation = 15,
};

struct JOBOBJECT_BASIC_ACCOUNTING_INFORMATION {
    LARGE_INTEGER TotalUserTime, TotalKernelTime, ThisPeriodTotalUserTime, ThisPeriodTotalKernelTime;
    DWORD TotalPageFaultCount, TotalProcesses, ActiveProcesses, TotalTerminatedProcesses;
};
struct JOBOBJECT_BASIC_AND_IO_ACCOUNTING_INFORMATION {
    JOBOBJECT_BASIC_ACCOUNTING_INFORMATION BasicInfo;
    IO_COUNTERS IoInfo;
};
struct JOBOBJECT_BASIC_LIMIT_INFORMATION {
    LARGE_INTEGER PerProcessUserTimeLimit, PerJobUserTimeLimit;
    DWORD LimitFlags;                   // JOB_OBJECT_LIMIT_
    SIZE_T MinimumWorkingSetSize, MaximumWorkingSetSize;
    DWORD ActiveProcessLimit;
    ULONG_PTR Affinity;
    DWORD PriorityClass, SchedulingClass;
};
NT_SIZE(JOBOBJECT_BASIC_LIMIT_INFORMATION, 64);
struct JOBOBJECT_EXTENDED_LIMIT_INFORMATION {
    JOBOBJECT_BASIC_LIMIT_INFORMATION BasicLimitInformation;
    IO_COUNTERS IoInfo;
    SIZE_T ProcessMemoryLimit, JobMemoryLimit, PeakProcessMemoryUsed, PeakJobMemoryUsed;
};
NT_SIZE(JOBOBJECT_EXTENDED_LIMIT_INFORMATION, 144);
struct JOBOBJECT_BASIC_PROCESS_ID_LIST {
    DWORD NumberOfAssignedProcesses;
    DWORD NumberOfProcessIdsInList;
    ULONG_PTR ProcessIdList[1];
};
struct JOBOBJECT_BASIC_UI_RESTRICTIONS {
    DWORD UIRestrictionsClass;
};
struct JOBOBJECT_ASSOCIATE_COMPLETION_PORT {
    PVOID CompletionKey;
    HANDLE CompletionPort;
};
inline constexpr DWORD JOB_OBJECT_LIMIT_ACTIVE_PROCESS = 0x8, JOB_OBJECT_LIMIT_PROCESS_MEMORY = 0x100, JOB_OBJECT_LIMIT_JOB_MEMORY = 0x200,
                       JOB_OBJECT_LIMIT_DIE_ON_UNHANDLED_EXCEPTION = 0x400, JOB_OBJECT_LIMIT_BREAKAWAY_OK = 0x800,
                       JOB_OBJECT_LIMIT_SILENT_BREAKAWAY_OK = 0x1000, JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE = 0x2000;
inline constexpr DWORD JOB_OBJECT_MSG_END_OF_JOB_TIME = 1, JOB_OBJECT_MSG_END_OF_PROCESS_TIME = 2, JOB_OBJECT_MSG_ACTIVE_PROCESS_LIMIT = 3,
                       JOB_OBJECT_MSG_ACTIVE_PROCESS_ZERO = 4, JOB_OBJECT_MSG_NEW_PROCESS = 6, JOB_OBJECT_MSG_EXIT_PROCESS = 7,
                       JOB_OBJECT_MSG_ABNORMAL_EXIT_PROCESS = 8, JOB_OBJECT_MSG_PROCESS_MEMORY_LIMIT = 9,
                       JOB_OBJECT_MSG_JOB_MEMORY_LIMIT = 10;

}
