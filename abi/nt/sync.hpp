// The user-mode locks of the NT API: only their sizes and zero states are ABI, the bits are ntdll's.
#pragma once
#include "abi/nt/basic.hpp"

namespace nt {

struct RTL_CRITICAL_SECTION;
struct RTL_CRITICAL_SECTION_DEBUG {
    USHORT Type;
    USHORT CreatorBackTraceIndex;
    RTL_CRITICAL_SECTION* CriticalSection;
    LIST_ENTRY ProcessLocksList;
    ULONG EntryCount;
    ULONG ContentionCount;
    ULONG Flags;
    USHORT CreatorBackTraceIndexHigh;
    USHORT SpareUshort;
};
static_assert(sizeof(RTL_CRITICAL_SECTION_DEBUG) == 48);

// LockCount as since Windows Vista: bit 0 set: free; bit 1 clear: a waiter has been woken and has not come yet; the rest is
// -1 minus the number of waiters. So -1 is free and -2 is owned without waiters.
struct RTL_CRITICAL_SECTION {
    RTL_CRITICAL_SECTION_DEBUG* DebugInfo;
    LONG LockCount;
    LONG RecursionCount;
    HANDLE OwningThread;
    HANDLE LockSemaphore;
    ULONG_PTR SpinCount;
};
static_assert(sizeof(RTL_CRITICAL_SECTION) == 40);

inline constexpr ULONG RTL_CRITICAL_SECTION_FLAG_NO_DEBUG_INFO = 0x01000000, RTL_CRITICAL_SECTION_FLAG_DYNAMIC_SPIN = 0x02000000,
                       RTL_CRITICAL_SECTION_FLAG_STATIC_INIT = 0x04000000, RTL_CRITICAL_SECTION_FLAG_RESOURCE_TYPE = 0x08000000,
                       RTL_CRITICAL_SECTION_FLAG_FORCE_DEBUG_INFO = 0x10000000, RTL_CRITICAL_SECTION_ALL_FLAG_BITS = 0xFF000000;

struct RTL_SRWLOCK {
    u64 Word;
};
struct RTL_CONDITION_VARIABLE {
    u64 Word;
};
struct RTL_RUN_ONCE {
    u64 Word;
};
struct RTL_BARRIER {
    ULONG Reserved1;
    ULONG Reserved2;
    ULONG_PTR Reserved3[2];
    ULONG Reserved4;
    ULONG Reserved5;
};
static_assert(sizeof(RTL_BARRIER) == 32);

inline constexpr ULONG RTL_CONDITION_VARIABLE_LOCKMODE_SHARED = 1;
inline constexpr ULONG RTL_RUN_ONCE_CHECK_ONLY = 1, RTL_RUN_ONCE_ASYNC = 2, RTL_RUN_ONCE_INIT_FAILED = 4, RTL_RUN_ONCE_CTX_RESERVED_BITS = 2;

}
