// PEB, TEB, process parameters and loader lists, laid out as Windows 10 22H2 (10.0.19045) x64 has them.
#pragma once
#include "abi/nt/context.hpp"

namespace nt {

struct RTL_CRITICAL_SECTION;
struct RTL_BITMAP;
struct TEB_ACTIVE_FRAME;

struct RTL_BALANCED_NODE {
    RTL_BALANCED_NODE* Children[2];     // left, right
    ULONG_PTR ParentValue;              // parent and, in the low bits, colour or balance
};
NT_SIZE(RTL_BALANCED_NODE, 24);

// --- process parameters ---------------------------------------------------------------------------------------------

struct CURDIR {
    UNICODE_STRING DosPath;             // ends with a backslash
    HANDLE Handle;
};
struct RTL_DRIVE_LETTER_CURDIR {
    USHORT Flags;
    USHORT Length;
    ULONG TimeStamp;
    STRING DosPath;
};

struct RTL_USER_PROCESS_PARAMETERS {
    ULONG MaximumLength;
    ULONG Length;
    ULONG Flags;                        // RTL_USER_PROC_
    ULONG DebugFlags;
    HANDLE ConsoleHandle;
    ULONG ConsoleFlags;
    HANDLE StandardInput;
    HANDLE StandardOutput;
    HANDLE StandardError;
    CURDIR CurrentDirectory;
    UNICODE_STRING DllPath;
    UNICODE_STRING ImagePathName;
    UNICODE_STRING CommandLine;
    PVOID Environment;                  // NUL-terminated name=value strings, one more NUL
    ULONG StartingX, StartingY, CountX, CountY, CountCharsX, CountCharsY;
    ULONG FillAttribute;
    ULONG WindowFlags;
    ULONG ShowWindowFlags;
    UNICODE_STRING WindowTitle;
    UNICODE_STRING DesktopInfo;
    UNICODE_STRING ShellInfo;
    UNICODE_STRING RuntimeData;
    RTL_DRIVE_LETTER_CURDIR CurrentDirectories[32];
    ULONG_PTR EnvironmentSize;          // bytes
    ULONG_PTR EnvironmentVersion;       // goes up with every change
    PVOID PackageDependencyData;
    ULONG ProcessGroupId;
    ULONG LoaderThreads;
    UNICODE_STRING RedirectionDllName;
    UNICODE_STRING HeapPartitionName;
    ULONG_PTR* DefaultThreadpoolCpuSetMasks;
    ULONG DefaultThreadpoolCpuSetMaskCount;
    ULONG DefaultThreadpoolThreadMaximum;
};
NT_SIZE(RTL_USER_PROCESS_PARAMETERS, 0x440);
NT_AT(RTL_USER_PROCESS_PARAMETERS, StandardInput, 0x20);
NT_AT(RTL_USER_PROCESS_PARAMETERS, CurrentDirectory, 0x38);
NT_AT(RTL_USER_PROCESS_PARAMETERS, ImagePathName, 0x60);
NT_AT(RTL_USER_PROCESS_PARAMETERS, Environment, 0x80);
NT_AT(RTL_USER_PROCESS_PARAMETERS, ShowWindowFlags, 0xA8);
NT_AT(RTL_USER_PROCESS_PARAMETERS, WindowTitle, 0xB0);
NT_AT(RTL_USER_PROCESS_PARAMETERS, CurrentDirectories, 0xF0);
NT_AT(RTL_USER_PROCESS_PARAMETERS, EnvironmentSize, 0x3F0);
NT_AT(RTL_USER_PROCESS_PARAMETERS, ProcessGroupId, 0x408);
NT_AT(RTL_USER_PROCESS_PARAMETERS, HeapPartitionName, 0x420);

inline constexpr ULONG RTL_USER_PROC_PARAMS_NORMALIZED = 0x1, RTL_USER_PROC_PROFILE_USER = 0x2, RTL_USER_PROC_RESERVE_1MB = 0x20,
                       RTL_USER_PROC_DISABLE_HEAP_CHECKS = 0x100, RTL_USER_PROC_DLL_REDIRECTION_LOCAL = 0x1000,
                       RTL_USER_PROC_APP_MANIFEST_PRESENT = 0x2000, RTL_USER_PROC_IMAGE_KEY_MISSING = 0x4000;

// --- loader ---------------------------------------------------------------------------------------------------------

struct PEB_LDR_DATA {
    ULONG Length;
    BOOLEAN Initialized;
    HANDLE SsHandle;
    LIST_ENTRY InLoadOrderModuleList;
    LIST_ENTRY InMemoryOrderModuleList;
    LIST_ENTRY InInitializationOrderModuleList;
    PVOID EntryInProgress;
    BOOLEAN ShutdownInProgress;
    HANDLE ShutdownThreadId;
};
NT_SIZE(PEB_LDR_DATA, 0x58);
NT_AT(PEB_LDR_DATA, InLoadOrderModuleList, 0x10);

struct LDR_DDAG_NODE;

enum LDR_DLL_LOAD_REASON : i32 {
    LoadReasonUnknown = -1,
    LoadReasonStaticDependency = 0,
    LoadReasonStaticForwarderDependency,
    LoadReasonDynamicForwarderDependency,
    LoadReasonDelayloadDependency,
    LoadReasonDynamicLoad,
    LoadReasonAsImageLoad,
    LoadReasonAsDataLoad,
    LoadReasonEnclavePrimary,
    LoadReasonEnclaveDependency,
};

struct LDR_DATA_TABLE_ENTRY {
    LIST_ENTRY InLoadOrderLinks;
    LIST_ENTRY InMemoryOrderLinks;
    LIST_ENTRY InInitializationOrderLinks;
    PVOID DllBase;
    PVOID EntryPoint;
    ULONG SizeOfImage;
    UNICODE_STRING FullDllName;
    UNICODE_STRING BaseDllName;
    ULONG Flags;                        // LDRP_
    USHORT ObsoleteLoadCount;
    USHORT TlsIndex;
    LIST_ENTRY HashLinks;
    ULONG TimeDateStamp;
    PVOID EntryPointActivationContext;
    PVOID Lock;
    LDR_DDAG_NODE* DdagNode;
    LIST_ENTRY NodeModuleLink;
    PVOID LoadContext;
    PVOID ParentDllBase;
    PVOID SwitchBackContext;
    RTL_BALANCED_NODE BaseAddressIndexNode;
    RTL_BALANCED_NODE MappingInfoIndexNode;
    ULONG_PTR OriginalBase;
    LARGE_INTEGER LoadTime;
    ULONG BaseNameHashValue;
    LDR_DLL_LOAD_REASON LoadReason;
    ULONG ImplicitPathOptions;
    ULONG ReferenceCount;
    ULONG DependentLoadFlags;
    UCHAR SigningLevel;
};
NT_SIZE(LDR_DATA_TABLE_ENTRY, 0x120);
NT_AT(LDR_DATA_TABLE_ENTRY, DllBase, 0x30);
NT_AT(LDR_DATA_TABLE_ENTRY, FullDllName, 0x48);
NT_AT(LDR_DATA_TABLE_ENTRY, Flags, 0x68);
NT_AT(LDR_DATA_TABLE_ENTRY, HashLinks, 0x70);
NT_AT(LDR_DATA_TABLE_ENTRY, DdagNode, 0x98);
NT_AT(LDR_DATA_TABLE_ENTRY, BaseAddressIndexNode, 0xC8);
NT_AT(LDR_DATA_TABLE_ENTRY, OriginalBase, 0xF8);
NT_AT(LDR_DATA_TABLE_ENTRY, LoadReason, 0x10C);
NT_AT(LDR_DATA_TABLE_ENTRY, SigningLevel, 0x11C);

inline constexpr ULONG LDRP_PACKAGED_BINARY = 0x1, LDRP_MARKED_FOR_REMOVAL = 0x2, LDRP_IMAGE_DLL = 0x4, LDRP_LOAD_NOTIFICATIONS_SENT = 0x8,
                       LDRP_TELEMETRY_ENTRY_PROCESSED = 0x10, LDRP_PROCESS_STATIC_IMPORT = 0x20, LDRP_IN_LEGACY_LISTS = 0x40,
                       LDRP_IN_INDEXES = 0x80, LDRP_SHIM_DLL = 0x100, LDRP_IN_EXCEPTION_TABLE = 0x200, LDRP_LOAD_IN_PROGRESS = 0x1000,
                       LDRP_LOAD_CONFIG_PROCESSED = 0x2000, LDRP_ENTRY_PROCESSED = 0x4000, LDRP_PROTECT_DELAY_LOAD = 0x8000,
                       LDRP_DONT_CALL_FOR_THREADS = 0x40000, LDRP_PROCESS_ATTACH_CALLED = 0x80000, LDRP_PROCESS_ATTACH_FAILED = 0x100000,
                       LDRP_COR_DEFERRED_VALIDATE = 0x200000, LDRP_COR_IMAGE = 0x400000, LDRP_DONT_RELOCATE = 0x800000,
                       LDRP_COR_IL_ONLY = 0x1000000, LDRP_REDIRECTED = 0x10000000, LDRP_COMPAT_DATABASE_PROCESSED = 0x80000000;

// --- activation-context stack of a thread ---------------------------------------------------------------------------

struct RTL_ACTIVATION_CONTEXT_STACK_FRAME {
    RTL_ACTIVATION_CONTEXT_STACK_FRAME* Previous;
    PVOID ActivationContext;
    ULONG Flags;
};
struct ACTIVATION_CONTEXT_STACK {
    RTL_ACTIVATION_CONTEXT_STACK_FRAME* ActiveFrame;
    LIST_ENTRY FrameListCache;
    ULONG Flags;
    ULONG NextCookieSequenceNumber;
    ULONG StackId;
};
NT_SIZE(ACTIVATION_CONTEXT_STACK, 0x28);

// --- PEB ------------------------------------------------------------------------------------------------------------

struct PEB {
    BOOLEAN InheritedAddressSpace;
    BOOLEAN ReadImageFileExecOptions;
    BOOLEAN BeingDebugged;
    UCHAR BitField;                     // PEB_
    UCHAR Padding0[4];
    HANDLE Mutant;
    PVOID ImageBaseAddress;
    PEB_LDR_DATA* Ldr;
    RTL_USER_PROCESS_PARAMETERS* ProcessParameters;
    PVOID SubSystemData;
    PVOID ProcessHeap;
    RTL_CRITICAL_SECTION* FastPebLock;
    PVOID AtlThunkSListPtr;
    PVOID IFEOKey;
    ULONG CrossProcessFlags;
    UCHAR Padding1[4];
    PVOID KernelCallbackTable;
    ULONG SystemReserved;
    ULONG AtlThunkSListPtr32;
    PVOID ApiSetMap;
    ULONG TlsExpansionCounter;
    UCHAR Padding2[4];
    RTL_BITMAP* TlsBitmap;
    ULONG TlsBitmapBits[2];
    PVOID ReadOnlySharedMemoryBase;
    PVOID SharedData;
    PVOID* ReadOnlyStaticServerData;
    PVOID AnsiCodePageData;
    PVOID OemCodePageData;
    PVOID UnicodeCaseTableData;
    ULONG NumberOfProcessors;
    ULONG NtGlobalFlag;
    LARGE_INTEGER CriticalSectionTimeout;
    ULONGLONG HeapSegmentReserve;
    ULONGLONG HeapSegmentCommit;
    ULONGLONG HeapDeCommitTotalFreeThreshold;
    ULONGLONG HeapDeCommitFreeBlockThreshold;
    ULONG NumberOfHeaps;
    ULONG MaximumNumberOfHeaps;
    PVOID* ProcessHeaps;
    PVOID GdiSharedHandleTable;
    PVOID ProcessStarterHelper;
    ULONG GdiDCAttributeList;
    UCHAR Padding3[4];
    RTL_CRITICAL_SECTION* LoaderLock;
    ULONG OSMajorVersion;
    ULONG OSMinorVersion;
    USHORT OSBuildNumber;
    USHORT OSCSDVersion;
    ULONG OSPlatformId;
    ULONG ImageSubsystem;
    ULONG ImageSubsystemMajorVersion;
    ULONG ImageSubsystemMinorVersion;
    UCHAR Padding4[4];
    ULONGLONG ActiveProcessAffinityMask;
    ULONG GdiHandleBuffer[60];
    PVOID PostProcessInitRoutine;
    RTL_BITMAP* TlsExpansionBitmap;
    ULONG TlsExpansionBitmapBits[32];
    ULONG SessionId;
    UCHAR Padding5[4];
    ULARGE_INTEGER AppCompatFlags;
    ULARGE_INTEGER AppCompatFlagsUser;
    PVOID pShimData;
    PVOID AppCompatInfo;
    UNICODE_STRING CSDVersion;
    const void* ActivationContextData;
    PVOID ProcessAssemblyStorageMap;
    const void* SystemDefaultActivationContextData;
    PVOID SystemAssemblyStorageMap;
    ULONGLONG MinimumStackCommit;
    PVOID SparePointers[2];
    PVOID PatchLoaderData;
    PVOID ChpeV2ProcessInfo;
    ULONG AppModelFeatureState;
    ULONG SpareUlongs[2];
    ULONG SpareUlong2;
    USHORT ActiveCodePage;
    USHORT OemCodePage;
    USHORT UseCaseMapping;
    USHORT UnusedNlsField;
    PVOID WerRegistrationData;
    PVOID WerShipAssertPtr;
    PVOID EcCodeBitMap;
    PVOID pImageHeaderHash;
    ULONG TracingFlags;
    UCHAR Padding6[4];
    ULONGLONG CsrServerReadOnlySharedMemoryBase;
    ULONGLONG TppWorkerpListLock;
    LIST_ENTRY TppWorkerpList;
    PVOID WaitOnAddressHashTable[128];
    PVOID TelemetryCoverageHeader;
    ULONG CloudFileFlags;
    ULONG CloudFileDiagFlags;
    CHAR PlaceholderCompatibilityMode;
    CHAR PlaceholderCompatibilityModeReserved[7];
    PVOID LeapSecondData;
    ULONG LeapSecondFlags;
    ULONG NtGlobalFlag2;
};
NT_SIZE(PEB, 0x7C8);
NT_AT(PEB, Ldr, 0x18);
NT_AT(PEB, ProcessHeap, 0x30);
NT_AT(PEB, CrossProcessFlags, 0x50);
NT_AT(PEB, ApiSetMap, 0x68);
NT_AT(PEB, TlsBitmapBits, 0x80);
NT_AT(PEB, AnsiCodePageData, 0xA0);
NT_AT(PEB, NumberOfProcessors, 0xB8);
NT_AT(PEB, CriticalSectionTimeout, 0xC0);
NT_AT(PEB, ProcessHeaps, 0xF0);
NT_AT(PEB, LoaderLock, 0x110);
NT_AT(PEB, OSMajorVersion, 0x118);
NT_AT(PEB, ImageSubsystem, 0x128);
NT_AT(PEB, GdiHandleBuffer, 0x140);
NT_AT(PEB, TlsExpansionBitmap, 0x238);
NT_AT(PEB, SessionId, 0x2C0);
NT_AT(PEB, CSDVersion, 0x2E8);
NT_AT(PEB, ActivationContextData, 0x2F8);
NT_AT(PEB, MinimumStackCommit, 0x318);
NT_AT(PEB, ActiveCodePage, 0x350);
NT_AT(PEB, WerRegistrationData, 0x358);
NT_AT(PEB, TracingFlags, 0x378);
NT_AT(PEB, TppWorkerpList, 0x390);
NT_AT(PEB, WaitOnAddressHashTable, 0x3A0);
NT_AT(PEB, CloudFileFlags, 0x7A8);
NT_AT(PEB, NtGlobalFlag2, 0x7C4);

inline constexpr UCHAR PEB_IMAGE_USES_LARGE_PAGES = 0x1, PEB_IS_PROTECTED_PROCESS = 0x2, PEB_IS_IMAGE_DYNAMICALLY_RELOCATED = 0x4,
                       PEB_SKIP_PATCHING_USER32_FORWARDERS = 0x8, PEB_IS_PACKAGED_PROCESS = 0x10, PEB_IS_APP_CONTAINER = 0x20;
inline constexpr ULONG PEB_PROCESS_IN_JOB = 0x1, PEB_PROCESS_INITIALIZING = 0x2, PEB_PROCESS_USING_VEH = 0x4, PEB_PROCESS_USING_VCH = 0x8;

// --- TEB ------------------------------------------------------------------------------------------------------------

struct NT_TIB {
    EXCEPTION_REGISTRATION_RECORD* ExceptionList;
    PVOID StackBase;                    // highest address
    PVOID StackLimit;                   // lowest committed address
    PVOID SubSystemTib;
    PVOID FiberData;
    PVOID ArbitraryUserPointer;
    NT_TIB* Self;
};
NT_SIZE(NT_TIB, 0x38);

struct GDI_TEB_BATCH {
    ULONG Offset;
    ULONG_PTR HDC;
    ULONG Buffer[310];
};
NT_SIZE(GDI_TEB_BATCH, 0x4E8);

struct TEB {
    NT_TIB NtTib;
    PVOID EnvironmentPointer;
    CLIENT_ID ClientId;
    PVOID ActiveRpcHandle;
    PVOID ThreadLocalStoragePointer;
    PEB* ProcessEnvironmentBlock;
    ULONG LastErrorValue;
    ULONG CountOfOwnedCriticalSections;
    PVOID CsrClientThread;
    PVOID Win32ThreadInfo;
    ULONG User32Reserved[26];
    ULONG UserReserved[5];
    PVOID WOW32Reserved;
    ULONG CurrentLocale;
    ULONG FpSoftwareStatusRegister;
    PVOID ReservedForDebuggerInstrumentation[16];
    PVOID SystemReserved1[30];
    CHAR PlaceholderCompatibilityMode;
    UCHAR PlaceholderHydrationAlwaysExplicit;
    CHAR PlaceholderReserved[10];
    ULONG ProxiedProcessId;
    ACTIVATION_CONTEXT_STACK ActivationStack;
    UCHAR WorkingOnBehalfTicket[8];
    NTSTATUS ExceptionCode;
    UCHAR Padding0[4];
    ACTIVATION_CONTEXT_STACK* ActivationContextStackPointer;
    ULONGLONG InstrumentationCallbackSp;
    ULONGLONG InstrumentationCallbackPreviousPc;
    ULONGLONG InstrumentationCallbackPreviousSp;
    ULONG TxFsContext;
    BOOLEAN InstrumentationCallbackDisabled;
    BOOLEAN UnalignedLoadStoreExceptions;
    UCHAR Padding1[2];
    GDI_TEB_BATCH GdiTebBatch;
    CLIENT_ID RealClientId;
    HANDLE GdiCachedProcessHandle;
    ULONG GdiClientPID;
    ULONG GdiClientTID;
    PVOID GdiThreadLocalInfo;
    ULONGLONG Win32ClientInfo[62];
    PVOID glDispatchTable[233];
    ULONGLONG glReserved1[29];
    PVOID glReserved2;
    PVOID glSectionInfo;
    PVOID glSection;
    PVOID glTable;
    PVOID glCurrentRC;
    PVOID glContext;
    NTSTATUS LastStatusValue;
    UCHAR Padding2[4];
    UNICODE_STRING StaticUnicodeString;
    WCHAR StaticUnicodeBuffer[261];
    UCHAR Padding3[6];
    PVOID DeallocationStack;            // start of the stack's reservation
    PVOID TlsSlots[64];
    LIST_ENTRY TlsLinks;
    PVOID Vdm;
    PVOID ReservedForNtRpc;
    PVOID DbgSsReserved[2];
    ULONG HardErrorMode;
    UCHAR Padding4[4];
    PVOID Instrumentation[11];
    GUID ActivityId;
    PVOID SubProcessTag;
    PVOID PerflibData;
    PVOID EtwTraceData;
    PVOID WinSockData;
    ULONG GdiBatchCount;
    ULONG IdealProcessorValue;
    ULONG GuaranteedStackBytes;
    UCHAR Padding5[4];
    PVOID ReservedForPerf;
    PVOID ReservedForOle;
    ULONG WaitingOnLoaderLock;
    UCHAR Padding6[4];
    PVOID SavedPriorityState;
    ULONGLONG ReservedForCodeCoverage;
    PVOID ThreadPoolData;
    PVOID* TlsExpansionSlots;
    PVOID DeallocationBStore;
    PVOID BStoreLimit;
    ULONG MuiGeneration;
    ULONG IsImpersonating;
    PVOID NlsCache;
    PVOID pShimData;
    ULONG HeapData;
    UCHAR Padding7[4];
    HANDLE CurrentTransactionHandle;
    TEB_ACTIVE_FRAME* ActiveFrame;
    PVOID FlsData;
    PVOID PreferredLanguages;
    PVOID UserPrefLanguages;
    PVOID MergedPrefLanguages;
    ULONG MuiImpersonation;
    USHORT CrossTebFlags;
    USHORT SameTebFlags;                // TEB_
    PVOID TxnScopeEnterCallback;
    PVOID TxnScopeExitCallback;
    PVOID TxnScopeContext;
    ULONG LockCount;
    LONG WowTebOffset;
    PVOID ResourceRetValue;
    PVOID ReservedForWdf;
    ULONGLONG ReservedForCrt;
    GUID EffectiveContainerId;
};
NT_SIZE(TEB, 0x1838);
NT_AT(TEB, ClientId, 0x40);
NT_AT(TEB, ThreadLocalStoragePointer, 0x58);
NT_AT(TEB, ProcessEnvironmentBlock, 0x60);
NT_AT(TEB, LastErrorValue, 0x68);
NT_AT(TEB, WOW32Reserved, 0x100);
NT_AT(TEB, SystemReserved1, 0x190);
NT_AT(TEB, ActivationStack, 0x290);
NT_AT(TEB, ActivationContextStackPointer, 0x2C8);
NT_AT(TEB, GdiTebBatch, 0x2F0);
NT_AT(TEB, RealClientId, 0x7D8);
NT_AT(TEB, Win32ClientInfo, 0x800);
NT_AT(TEB, glReserved1, 0x1138);
NT_AT(TEB, LastStatusValue, 0x1250);
NT_AT(TEB, StaticUnicodeBuffer, 0x1268);
NT_AT(TEB, DeallocationStack, 0x1478);
NT_AT(TEB, TlsSlots, 0x1480);
NT_AT(TEB, TlsLinks, 0x1680);
NT_AT(TEB, HardErrorMode, 0x16B0);
NT_AT(TEB, GuaranteedStackBytes, 0x1748);
NT_AT(TEB, TlsExpansionSlots, 0x1780);
NT_AT(TEB, FlsData, 0x17C8);
NT_AT(TEB, SameTebFlags, 0x17EE);
NT_AT(TEB, EffectiveContainerId, 0x1828);

inline constexpr USHORT TEB_SAFE_THUNK_CALL = 0x1, TEB_IN_DEBUG_PRINT = 0x2, TEB_HAS_FIBER_DATA = 0x4, TEB_SKIP_THREAD_ATTACH = 0x8,
                        TEB_WER_IN_SHIPASSERT = 0x10, TEB_RAN_PROCESS_INIT = 0x20, TEB_CLONED_THREAD = 0x40, TEB_SUPPRESS_DEBUG_MSG = 0x80,
                        TEB_DISABLE_USER_STACK_WALK = 0x100, TEB_RTL_EXCEPTION_ATTACHED = 0x200, TEB_INITIAL_THREAD = 0x400,
                        TEB_SESSION_AWARE = 0x800, TEB_LOAD_OWNER = 0x1000, TEB_LOADER_WORKER = 0x2000;

struct TEB_ACTIVE_FRAME_CONTEXT {
    ULONG Flags;
    const CHAR* FrameName;
};
struct TEB_ACTIVE_FRAME {
    ULONG Flags;
    TEB_ACTIVE_FRAME* Previous;
    TEB_ACTIVE_FRAME_CONTEXT* Context;
};

struct INITIAL_TEB {
    PVOID OldStackBase;
    PVOID OldStackLimit;
    PVOID StackBase;
    PVOID StackLimit;
    PVOID DeallocationStack;
};
NT_SIZE(INITIAL_TEB, 40);

}
