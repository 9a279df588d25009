// ntifs.h: mingw-w64's, and what newer kits add.
#ifndef NEPTUNE_DDK_NTIFS_H
#define NEPTUNE_DDK_NTIFS_H
#define _NTIFS_INCLUDED_
#define _GNU_NTIFS_
#include <ntddk.h>
// Windows 8 added members to FSRTL_ADVANCED_FCB_HEADER after this one; the macro adds them where mingw-w64 declares the structure.
#define FileContextSupportPointer \
    FileContextSupportPointer;    \
    union {                       \
        PVOID Oplock;             \
        PVOID ReservedForRemote;  \
    };                            \
    PVOID AePushLock;             \
    ULONG BypassIoOpenCount;      \
    PVOID ReservedContext
// Newer kits have one bit more in MM_PREFETCH_FLAGS.
#define RepurposePriority RepurposePriority : SYSTEM_PAGE_PRIORITY_BITS; ULONG PriorityProtection : 1; ULONG
#include_next <ntifs.h>
#undef FileContextSupportPointer
#undef RepurposePriority
#undef MM_PREFETCH_FLAGS_MASK
#define MM_PREFETCH_FLAGS_MASK ((1 << (2 * SYSTEM_PAGE_PRIORITY_BITS + 1)) - 1)
#include <neptune/callbacks_ntifs.h>
#include <neptune/ntifs_more.h>
#include <neptune/ntifs_info.h>
#endif
