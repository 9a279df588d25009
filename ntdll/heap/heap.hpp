// The heap: HEAP is opaque outside this folder.
#pragma once
#include "ntdll/ntdll.hpp"

inline constexpr ULONG HEAP_NO_SERIALIZE = 0x1, HEAP_GROWABLE = 0x2, HEAP_GENERATE_EXCEPTIONS = 0x4, HEAP_ZERO_MEMORY = 0x8,
                       HEAP_REALLOC_IN_PLACE_ONLY = 0x10, HEAP_TAIL_CHECKING_ENABLED = 0x20, HEAP_FREE_CHECKING_ENABLED = 0x40,
                       HEAP_DISABLE_COALESCE_ON_FREE = 0x80, HEAP_SETTABLE_USER_VALUE = 0x100, HEAP_SETTABLE_USER_FLAGS = 0xE00,
                       HEAP_CREATE_ENABLE_EXECUTE = 0x40000;

extern "C" {
PVOID NTAPI RtlAllocateHeap(PVOID Heap, ULONG Flags, SIZE_T Size);
BOOLEAN NTAPI RtlFreeHeap(PVOID Heap, ULONG Flags, PVOID Memory);
PVOID NTAPI RtlReAllocateHeap(PVOID Heap, ULONG Flags, PVOID Memory, SIZE_T Size);
SIZE_T NTAPI RtlSizeHeap(PVOID Heap, ULONG Flags, const void* Memory);
PVOID NTAPI RtlCreateHeap(ULONG Flags, PVOID Base, SIZE_T Reserve, SIZE_T Commit, PVOID Lock, PVOID Parameters);
}

// The process heap, as T; zeroed.
template <typename T> T* NewZeroed(u64 Extra = 0)
{
    return static_cast<T*>(RtlAllocateHeap(Peb()->ProcessHeap, HEAP_ZERO_MEMORY, sizeof(T) + Extra));
}
inline void Free(PVOID Memory)
{
    if (Memory)
        RtlFreeHeap(Peb()->ProcessHeap, 0, Memory);
}
