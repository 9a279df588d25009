// Casts that are assigned to and whose addresses are taken, and what looks like them; a file system's tables with routines of the documented types.
#include <ntifs.h>

typedef struct _LITE {
    LIST_ENTRY Link;
    PVOID Context;
} LITE, *PLITE;
#define Release(P) ReleaseAt((PVOID *)&(P))
static VOID ReleaseAt(PVOID *Place)
{
    ExFreePool(*Place);
    *Place = NULL;
}

RTL_GENERIC_COMPARE_ROUTINE Compare;
RTL_GENERIC_ALLOCATE_ROUTINE Allocate;
RTL_GENERIC_FREE_ROUTINE Free;
RTL_GENERIC_COMPARE_RESULTS Compare(PRTL_GENERIC_TABLE Table, PVOID First, PVOID Second)
{
    return First < Second ? GenericLessThan : First > Second ? GenericGreaterThan : GenericEqual;
}
PVOID Allocate(PRTL_GENERIC_TABLE Table, CLONG Bytes) { return ExAllocatePoolWithTag(PagedPool, Bytes, 'tseT'); }
VOID Free(PRTL_GENERIC_TABLE Table, PVOID Buffer) { Release((PLITE)Buffer); }

VOID Mark(PFILE_OBJECT File, ULONG Type, PVOID *Context)
{
    FILE_FS_SECTOR_SIZE_INFORMATION Sizes;
    SetFlag(((ULONG_PTR)File->FsContext2), Type);
    *Context = File->FsContext2;
    (PUCHAR)*Context += 2;
    (BOOLEAN)Type = TRUE;
    ((PULONG)*Context)++;
    ClearFlag((ULONG_PTR)*Context, 7);
    if ((ULONG_PTR)*Context) ++Type;
    *((PULONG)File->FsContext) = (ULONG)(Type & ((ULONG)7));
    InsertTailList(&((PLITE)*Context)->Link, &((PLITE)File->FsContext)->Link);
    if (NT_SUCCESS(FsRtlGetSectorSizeInformation(File->DeviceObject, &Sizes))) *(PULONG)File->FsContext = Sizes.LogicalBytesPerSector;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    static RTL_GENERIC_TABLE Table;
    RtlInitializeGenericTable(&Table, Compare, Allocate, Free, NULL);
    return STATUS_SUCCESS;
}
