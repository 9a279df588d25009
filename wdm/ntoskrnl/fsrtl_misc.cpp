// Smaller things for file systems: statuses, work for another stack, opportunistic locks, cached reads and writes of fast I/O.
// Opportunistic locks are not given: a request for one is refused, so there never is one to break.
#include "wdm/ntoskrnl/host.hpp"

#include <ntddstor.h>

using namespace host;

namespace {

struct Posted {
    WORK_QUEUE_ITEM Item;
    PVOID Context;
    PKEVENT Event;
    PFSRTL_STACK_OVERFLOW_ROUTINE Routine;
};
void NTAPI RunPosted(PVOID Context)
{
    auto* P = static_cast<Posted*>(Context);
    P->Routine(P->Context, P->Event);
    Free(P);
}
void Post(PVOID Context, PKEVENT Event, PFSRTL_STACK_OVERFLOW_ROUTINE Routine)
{
    auto* P = New<Posted>();
    if (!P)
        RtlRaiseStatus(STATUS_INSUFFICIENT_RESOURCES);
    P->Context = Context;
    P->Event = Event;
    P->Routine = Routine;
    ExInitializeWorkItem(&P->Item, RunPosted, P);
    ExQueueWorkItem(&P->Item, DelayedWorkQueue);
}

// Whether fast I/O may be used: what FastIoIsPossible says.
bool MayGoFast(PFILE_OBJECT F)
{
    auto* H = static_cast<PFSRTL_COMMON_FCB_HEADER>(F->FsContext);
    return F->PrivateCacheMap && H && H->IsFastIoPossible == FastIoIsPossible;
}

}

extern "C" {

void NTAPI FsRtlPostStackOverflow(PVOID Context, PKEVENT Event, PFSRTL_STACK_OVERFLOW_ROUTINE Routine) { Post(Context, Event, Routine); }
void NTAPI FsRtlPostPagingFileStackOverflow(PVOID Context, PKEVENT Event, PFSRTL_STACK_OVERFLOW_ROUTINE Routine) { Post(Context, Event, Routine); }

BOOLEAN NTAPI FsRtlIsNtstatusExpected(NTSTATUS S)
{
    switch (S) {
    case STATUS_DATATYPE_MISALIGNMENT:
    case STATUS_ACCESS_VIOLATION:
    case STATUS_ILLEGAL_INSTRUCTION:
    case STATUS_INSTRUCTION_MISALIGNMENT: return FALSE;
    default: return TRUE;
    }
}
NTSTATUS NTAPI FsRtlNormalizeNtstatus(NTSTATUS Exception, NTSTATUS Generic) { return FsRtlIsNtstatusExpected(Exception) ? Exception : Generic; }
BOOLEAN NTAPI FsRtlIsTotalDeviceFailure(NTSTATUS S) { return S < 0 && S != STATUS_CRC_ERROR && S != STATUS_DEVICE_DATA_ERROR; }

// --- pool that raises

PVOID NTAPI FsRtlAllocatePoolWithTag(POOL_TYPE Type, ULONG Bytes, ULONG Tag)
{
    PVOID At = ExAllocatePoolWithTag(Type, Bytes, Tag);
    if (!At)
        RtlRaiseStatus(STATUS_INSUFFICIENT_RESOURCES);
    return At;
}
PVOID NTAPI FsRtlAllocatePool(POOL_TYPE Type, ULONG Bytes) { return FsRtlAllocatePoolWithTag(Type, Bytes, 'trSF'); }
PVOID NTAPI FsRtlAllocatePoolWithQuotaTag(POOL_TYPE Type, ULONG Bytes, ULONG Tag) { return FsRtlAllocatePoolWithTag(POOL_TYPE(Type & ~8), Bytes, Tag); }
PVOID NTAPI FsRtlAllocatePoolWithQuota(POOL_TYPE Type, ULONG Bytes) { return FsRtlAllocatePoolWithQuotaTag(Type, Bytes, 'trSF'); }
PERESOURCE NTAPI FsRtlAllocateResource()
{
    auto* R = New<ERESOURCE>();
    if (!R)
        RtlRaiseStatus(STATUS_INSUFFICIENT_RESOURCES);
    ExInitializeResourceLite(R);
    return R;
}

// --- opportunistic locks

void NTAPI FsRtlInitializeOplock(POPLOCK O) { *O = nullptr; }
void NTAPI FsRtlUninitializeOplock(POPLOCK O) { *O = nullptr; }
NTSTATUS NTAPI FsRtlOplockFsctrl(POPLOCK, PIRP I, ULONG)
{
    NTSTATUS S = STATUS_OPLOCK_NOT_GRANTED;
    I->IoStatus.Status = S;
    I->IoStatus.Information = 0;
    IoCompleteRequest(I, IO_NO_INCREMENT);
    return S;
}
NTSTATUS NTAPI FsRtlCheckOplock(POPLOCK, PIRP, PVOID, POPLOCK_WAIT_COMPLETE_ROUTINE, POPLOCK_FS_PREPOST_IRP) { return STATUS_SUCCESS; }
NTSTATUS NTAPI FsRtlCheckOplockEx(POPLOCK, PIRP, ULONG, PVOID, POPLOCK_WAIT_COMPLETE_ROUTINE, POPLOCK_FS_PREPOST_IRP) { return STATUS_SUCCESS; }
NTSTATUS NTAPI FsRtlOplockBreakToNone(POPLOCK, PIO_STACK_LOCATION, PIRP, PVOID, POPLOCK_WAIT_COMPLETE_ROUTINE, POPLOCK_FS_PREPOST_IRP) { return STATUS_SUCCESS; }
BOOLEAN NTAPI FsRtlOplockIsFastIoPossible(POPLOCK) { return TRUE; }
BOOLEAN NTAPI FsRtlCurrentBatchOplock(POPLOCK) { return FALSE; }
BOOLEAN NTAPI FsRtlCurrentOplock(POPLOCK) { return FALSE; }
BOOLEAN NTAPI FsRtlCurrentOplockH(POPLOCK) { return FALSE; }

// --- fast I/O through the cache

BOOLEAN NTAPI FsRtlCopyRead(PFILE_OBJECT F, PLARGE_INTEGER Offset, ULONG Length, BOOLEAN Wait, ULONG, PVOID Buffer, PIO_STATUS_BLOCK Iosb, PDEVICE_OBJECT)
{
    if (!MayGoFast(F) || !CcCopyRead(F, Offset, Length, Wait, Buffer, Iosb))
        return FALSE;
    F->CurrentByteOffset.QuadPart = Offset->QuadPart + LONGLONG(Iosb->Information);
    return TRUE;
}
BOOLEAN NTAPI FsRtlCopyWrite(PFILE_OBJECT F, PLARGE_INTEGER Offset, ULONG Length, BOOLEAN Wait, ULONG, PVOID Buffer, PIO_STATUS_BLOCK Iosb, PDEVICE_OBJECT)
{
    if (!MayGoFast(F))
        return FALSE;
    auto* H = static_cast<PFSRTL_COMMON_FCB_HEADER>(F->FsContext);
    if (Offset->QuadPart < 0 || Offset->QuadPart + LONGLONG(Length) > H->ValidDataLength.QuadPart || !CcCopyWrite(F, Offset, Length, Wait, Buffer))
        return FALSE;
    F->Flags |= FO_FILE_MODIFIED;
    F->CurrentByteOffset.QuadPart = Offset->QuadPart + LONGLONG(Length);
    Iosb->Status = STATUS_SUCCESS;
    Iosb->Information = Length;
    return TRUE;
}
// The MDL ways of fast I/O are not taken: whoever asks sends a request.
BOOLEAN NTAPI FsRtlMdlReadDev(PFILE_OBJECT, PLARGE_INTEGER, ULONG, ULONG, PMDL*, PIO_STATUS_BLOCK, PDEVICE_OBJECT) { return FALSE; }
BOOLEAN NTAPI FsRtlMdlReadCompleteDev(PFILE_OBJECT, PMDL, PDEVICE_OBJECT) { return FALSE; }
BOOLEAN NTAPI FsRtlPrepareMdlWriteDev(PFILE_OBJECT, PLARGE_INTEGER, ULONG, ULONG, PMDL*, PIO_STATUS_BLOCK, PDEVICE_OBJECT) { return FALSE; }
BOOLEAN NTAPI FsRtlMdlWriteCompleteDev(PFILE_OBJECT, PLARGE_INTEGER, PMDL, PDEVICE_OBJECT) { return FALSE; }

NTSTATUS NTAPI FsRtlNotifyVolumeEvent(PFILE_OBJECT, ULONG) { return STATUS_SUCCESS; }

// --- the disk

// FILE_FS_SECTOR_SIZE_INFORMATION, which the headers do not have: logical and physical size, where performance and atomicity count, flags, and how it is aligned.
struct SectorSizes {
    ULONG Logical, PhysicalForAtomicity, PhysicalForPerformance, EffectiveForAtomicity, Flags, Alignment, PartitionAlignment;
};
NTSTATUS NTAPI FsRtlGetSectorSizeInformation(PDEVICE_OBJECT D, SectorSizes* To)
{
    constexpr ULONG Aligned = 3, Unknown = ~0u;
    ULONG Logical = D->SectorSize ? D->SectorSize : 512, Physical = Logical;
    struct {
        ULONG Version, Size, CacheLine, CacheOffset, Logical, Physical, Offset;
    } Found {};
    STORAGE_PROPERTY_QUERY Query {};
    Query.PropertyId = STORAGE_PROPERTY_ID(6);          // StorageAccessAlignmentProperty
    KEVENT Event;
    IO_STATUS_BLOCK Iosb;
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    PIRP I = IoBuildDeviceIoControlRequest(IOCTL_STORAGE_QUERY_PROPERTY, D, &Query, sizeof(Query), &Found, sizeof(Found), FALSE, &Event, &Iosb);
    if (!I)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (IofCallDriver(D, I) == STATUS_PENDING)
        KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, nullptr);
    bool Known = Iosb.Status >= 0 && Iosb.Information >= sizeof(Found) && Found.Logical && Found.Physical >= Found.Logical;
    if (Known) {
        Logical = Found.Logical;
        Physical = Found.Physical;
    }
    *To = { Logical, Physical, Physical, Physical < PAGE_SIZE ? Physical : PAGE_SIZE, Known && !Found.Offset ? Aligned : 0, Known ? Found.Offset : Unknown, Known ? 0 : Unknown };
    return STATUS_SUCCESS;
}
// Nobody counts what a disk has moved for a process.
BOOLEAN NTAPI PsIsDiskCountersEnabled() { return FALSE; }
void NTAPI PsUpdateDiskCounters(PEPROCESS, u64, u64, ULONG, ULONG, ULONG) { }
void NTAPI FsRtlUpdateDiskCounters(u64, u64) { }

NTSTATUS NTAPI IoVolumeDeviceToGuid(PVOID, GUID* Out)
{
    *Out = {};
    return STATUS_NOT_IMPLEMENTED;
}
NTSTATUS NTAPI IoVolumeDeviceToGuidPath(PVOID, PUNICODE_STRING Out)
{
    *Out = {};
    return STATUS_NOT_IMPLEMENTED;
}

}
