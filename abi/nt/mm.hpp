// Memory structures and constants of the NT API.
#pragma once
#include "abi/nt/forward.hpp"

namespace nt {

inline constexpr ULONG PAGE_NOACCESS = 0x01, PAGE_READONLY = 0x02, PAGE_READWRITE = 0x04, PAGE_WRITECOPY = 0x08, PAGE_EXECUTE = 0x10,
                       PAGE_EXECUTE_READ = 0x20, PAGE_EXECUTE_READWRITE = 0x40, PAGE_EXECUTE_WRITECOPY = 0x80, PAGE_GUARD = 0x100,
                       PAGE_NOCACHE = 0x200, PAGE_WRITECOMBINE = 0x400, PAGE_TARGETS_INVALID = 0x40000000;
inline constexpr ULONG MEM_COMMIT = 0x1000, MEM_RESERVE = 0x2000, MEM_REPLACE_PLACEHOLDER = 0x4000, MEM_DECOMMIT = 0x4000, MEM_RELEASE = 0x8000,
                       MEM_FREE = 0x10000, MEM_PRIVATE = 0x20000, MEM_MAPPED = 0x40000, MEM_RESERVE_PLACEHOLDER = 0x40000, MEM_RESET = 0x80000,
                       MEM_TOP_DOWN = 0x100000, MEM_WRITE_WATCH = 0x200000, MEM_PHYSICAL = 0x400000, MEM_RESET_UNDO = 0x1000000,
                       MEM_LARGE_PAGES = 0x20000000, MEM_DOS_LIM = 0x40000000, MEM_IMAGE = 0x1000000, MEM_COALESCE_PLACEHOLDERS = 0x1,
                       MEM_PRESERVE_PLACEHOLDER = 0x2;
inline constexpr ULONG SEC_FILE = 0x800000, SEC_IMAGE = 0x1000000, SEC_RESERVE = 0x4000000, SEC_COMMIT = 0x8000000, SEC_NOCACHE = 0x10000000,
                       SEC_LARGE_PAGES = 0x80000000, SEC_IMAGE_NO_EXECUTE = 0x11000000, SEC_PROTECTED_IMAGE = 0x2000000;
inline constexpr ACCESS_MASK SECTION_QUERY = 1, SECTION_MAP_WRITE = 2, SECTION_MAP_READ = 4, SECTION_MAP_EXECUTE = 8, SECTION_EXTEND_SIZE = 0x10,
                             SECTION_ALL_ACCESS = STANDARD_RIGHTS_REQUIRED | 0x1F;
inline constexpr ULONG ViewShare = 1, ViewUnmap = 2;

enum MEMORY_INFORMATION_CLASS : ULONG {
    MemoryBasicInformation, MemoryWorkingSetInformation, MemoryMappedFilenameInformation, MemoryRegionInformation, MemoryWorkingSetExInformation,
    MemorySharedCommitInformation, MemoryImageInformation, MemoryRegionInformationEx, MemoryPrivilegedBasicInformation,
};
struct MEMORY_BASIC_INFORMATION {
    PVOID BaseAddress, AllocationBase;
    ULONG AllocationProtect;
    USHORT PartitionId;
    SIZE_T RegionSize;
    ULONG State, Protect, Type;
};
static_assert(sizeof(MEMORY_BASIC_INFORMATION) == 48);
struct MEMORY_REGION_INFORMATION {
    PVOID AllocationBase;
    ULONG AllocationProtect, RegionType;
    SIZE_T RegionSize, CommitSize;
};
struct MEMORY_IMAGE_INFORMATION {
    PVOID ImageBase;
    SIZE_T SizeOfImage;
    ULONG ImageFlags;
};
struct MEMORY_WORKING_SET_EX_INFORMATION {
    PVOID VirtualAddress;
    ULONG_PTR VirtualAttributes;
};
struct MEM_EXTENDED_PARAMETER {
    u64 Type;                           // low 8 bits
    union {
        u64 ULong64;
        PVOID Pointer;
        SIZE_T Size;
        HANDLE Handle;
        ULONG ULong;
    };
};
inline constexpr u64 MemExtendedParameterAddressRequirements = 1, MemExtendedParameterNumaNode = 2, MemExtendedParameterPartitionHandle = 3,
                     MemExtendedParameterUserPhysicalHandle = 4, MemExtendedParameterAttributeFlags = 5, MemExtendedParameterImageMachine = 6;
struct MEM_ADDRESS_REQUIREMENTS {
    PVOID LowestStartingAddress, HighestEndingAddress;
    SIZE_T Alignment;
};

enum SECTION_INFORMATION_CLASS : ULONG { SectionBasicInformation, SectionImageInformation, SectionRelocationInformation, SectionOriginalBaseInformation };
struct SECTION_BASIC_INFORMATION {
    PVOID BaseAddress;
    ULONG AllocationAttributes;
    LARGE_INTEGER MaximumSize;
};

}
