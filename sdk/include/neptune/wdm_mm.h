// Memory manager names newer than mingw-w64's wdm.h.
#pragma once
#ifdef __cplusplus
extern "C" {
#endif

#define MdlMappingNoWrite 0x80000000
#define MdlMappingNoExecute 0x40000000
#define MdlMappingWithGuardPtes 0x20000000
#ifndef MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS
#define MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS 0x00000020
#endif
#define MM_ALLOCATE_TRIM_IF_NECESSARY 0x00000010
#define MM_ALLOCATE_AND_HOT_REMOVE 0x00000100
#define MM_ALLOCATE_FAST_LARGE_PAGES 0x00000040
#define MM_FREE_MDL_PAGES_ZERO 0x00000001
#ifndef MM_COPY_MEMORY_PHYSICAL
#define MM_COPY_MEMORY_PHYSICAL 0x1
#define MM_COPY_MEMORY_VIRTUAL 0x2
#endif

union _FILE_SEGMENT_ELEMENT;
typedef struct _MM_COPY_ADDRESS {
    union {
        PVOID VirtualAddress;
        PHYSICAL_ADDRESS PhysicalAddress;
    };
} MM_COPY_ADDRESS, *PMMCOPY_ADDRESS;
typedef struct _MM_PHYSICAL_ADDRESS_LIST {
    PHYSICAL_ADDRESS PhysicalAddress;
    SIZE_T NumberOfBytes;
} MM_PHYSICAL_ADDRESS_LIST, *PMM_PHYSICAL_ADDRESS_LIST;
typedef enum _MM_MDL_PAGE_CONTENTS_STATE { MmMdlPageContentsDynamic, MmMdlPageContentsInvariant, MmMdlPageContentsQuery } MM_MDL_PAGE_CONTENTS_STATE;
typedef VOID(NTAPI MM_MDL_ROUTINE)(PVOID DriverContext, PVOID MappedVa);
typedef MM_MDL_ROUTINE *PMM_MDL_ROUTINE;

NTKERNELAPI PVOID NTAPI MmMapIoSpaceEx(PHYSICAL_ADDRESS PhysicalAddress, SIZE_T NumberOfBytes, ULONG Protect);
NTKERNELAPI PVOID NTAPI MmAllocateContiguousNodeMemory(SIZE_T NumberOfBytes, PHYSICAL_ADDRESS Lowest, PHYSICAL_ADDRESS Highest,
                                                       PHYSICAL_ADDRESS Boundary, ULONG Protect, NODE_REQUIREMENT PreferredNode);
NTKERNELAPI PMDL NTAPI MmAllocateNodePagesForMdlEx(PHYSICAL_ADDRESS Low, PHYSICAL_ADDRESS High, PHYSICAL_ADDRESS Skip, SIZE_T TotalBytes,
                                                   MEMORY_CACHING_TYPE CacheType, ULONG IdealNode, ULONG Flags);
NTKERNELAPI NTSTATUS NTAPI MmAllocateMdlForIoSpace(PMM_PHYSICAL_ADDRESS_LIST List, SIZE_T NumberOfEntries, PMDL *NewMdl);
NTKERNELAPI VOID NTAPI MmFreePagesFromMdlEx(PMDL Mdl, ULONG Flags);
NTKERNELAPI LOGICAL NTAPI MmAreMdlPagesCached(PMDL Mdl);
NTKERNELAPI NTSTATUS NTAPI MmMapMdl(PMDL Mdl, ULONG Protection, PMM_MDL_ROUTINE Routine, PVOID Context);
NTKERNELAPI MM_MDL_PAGE_CONTENTS_STATE NTAPI MmMdlPageContentsState(PMDL Mdl, MM_MDL_PAGE_CONTENTS_STATE State);
NTKERNELAPI NTSTATUS NTAPI MmCopyMemory(PVOID Target, MM_COPY_ADDRESS Source, SIZE_T NumberOfBytes, ULONG Flags, PSIZE_T NumberOfBytesTransferred);
NTKERNELAPI NTSTATUS NTAPI MmGetCacheAttribute(PHYSICAL_ADDRESS PhysicalAddress, MEMORY_CACHING_TYPE *CacheType);
NTKERNELAPI VOID NTAPI MmProbeAndLockSelectedPages(PMDL Mdl, union _FILE_SEGMENT_ELEMENT *Segments, KPROCESSOR_MODE Mode, LOCK_OPERATION Operation);
NTKERNELAPI HANDLE NTAPI MmSecureVirtualMemoryEx(PVOID Address, SIZE_T Size, ULONG ProbeMode, ULONG Flags);
NTKERNELAPI ULONG NTAPI MmIsDriverSuspectForVerifier(PDRIVER_OBJECT DriverObject);
NTKERNELAPI NTSTATUS NTAPI MmProtectDriverSection(PVOID AddressWithinSection, SIZE_T Size, ULONG Flags);

NTKERNELAPI NTSTATUS NTAPI ObCloseHandle(HANDLE Handle, KPROCESSOR_MODE PreviousMode);
NTKERNELAPI BOOLEAN NTAPI ObReferenceObjectSafe(PVOID Object);
NTKERNELAPI BOOLEAN NTAPI ObReferenceObjectSafeWithTag(PVOID Object, ULONG Tag);

#ifdef __cplusplus
}
#endif
