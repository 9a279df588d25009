// The shape of a file system: advanced headers, oplocks, byte-range locks, cache, names, notification.
#include <ntifs.h>
#include <ntddscsi.h>
#include <scsi.h>
#include <ntddcdrm.h>
#include <ntdddisk.h>
#include <ntddstor.h>
#include <ntintsafe.h>

typedef struct _FCB {
    FSRTL_ADVANCED_FCB_HEADER Header;
    FAST_MUTEX HeaderMutex;
    ERESOURCE Resource, PagingIo;
    SECTION_OBJECT_POINTERS Section;
    FILE_LOCK Lock;
    LARGE_MCB Mcb;
    OPLOCK Oplock;
    PNOTIFY_SYNC NotifySync;
    LIST_ENTRY NotifyList;
    TUNNEL Tunnel;
    SHARE_ACCESS Share;
    RTL_GENERIC_TABLE Table;
} FCB, *PFCB;

ACQUIRE_FOR_LAZY_WRITE AcquireLazy;
DRIVER_INITIALIZE DriverEntry;

BOOLEAN AcquireLazy(PVOID Context, BOOLEAN Wait) { return ExAcquireResourceSharedLite(&((PFCB)Context)->Resource, Wait); }
VOID ReleaseLazy(PVOID Context) { ExReleaseResourceLite(&((PFCB)Context)->Resource); }
static CACHE_MANAGER_CALLBACKS Callbacks = {AcquireLazy, ReleaseLazy, AcquireLazy, ReleaseLazy};

VOID Setup(PFCB Fcb)
{
    RtlZeroMemory(Fcb, sizeof(*Fcb));
    ExInitializeFastMutex(&Fcb->HeaderMutex);
    FsRtlSetupAdvancedHeader(&Fcb->Header, &Fcb->HeaderMutex);
    FsRtlInitializeOplock(&Fcb->Header.Oplock);
    FsRtlInitializeFileLock(&Fcb->Lock, NULL, NULL);
    FsRtlInitializeLargeMcb(&Fcb->Mcb, PagedPool);
    FsRtlNotifyInitializeSync(&Fcb->NotifySync);
    FsRtlInitializeTunnelCache(&Fcb->Tunnel);
    ExInitializeResourceLite(&Fcb->Resource);
    Fcb->Header.Resource = &Fcb->Resource;
    Fcb->Header.PagingIoResource = &Fcb->PagingIo;
    SetFlag(Fcb->Header.Flags2, FSRTL_FLAG2_SUPPORTS_FILTER_CONTEXTS);
}

NTSTATUS Read(PIRP Irp, PFCB Fcb, PFILE_OBJECT File, PVOID Buffer)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS Status = STATUS_SUCCESS;
    FsRtlEnterFileSystem();
    if (IoGetTopLevelIrp() == NULL) IoSetTopLevelIrp(Irp);
    try {
        if (!FsRtlCheckLockForReadAccess(&Fcb->Lock, Irp)) leave;
        if (File->PrivateCacheMap == NULL) {
            CcInitializeCacheMap(File, (PCC_FILE_SIZES)&Fcb->Header.AllocationSize, FALSE, &Callbacks, Fcb);
            CcSetReadAheadGranularity(File, 0x10000);
        }
        if (!CcCopyReadEx(File, &Stack->Parameters.Read.ByteOffset, Stack->Parameters.Read.Length, TRUE, Buffer, &Irp->IoStatus, Irp->Tail.Overlay.Thread))
            ExRaiseStatus(STATUS_CANT_WAIT);
    } except (FsRtlIsNtstatusExpected(GetExceptionCode()) ? EXCEPTION_EXECUTE_HANDLER : EXCEPTION_CONTINUE_SEARCH) {
        Status = GetExceptionCode();
    }
    IoSetTopLevelIrp(NULL);
    FsRtlExitFileSystem();
    return Status;
}

BOOLEAN Match(PUNICODE_STRING Pattern, PUNICODE_STRING Name, POEM_STRING Oem)
{
    return (FsRtlDoesNameContainWildCards(Pattern) ? FsRtlIsNameInExpression(Pattern, Name, TRUE, NULL)
                                                    : FsRtlAreNamesEqual(Pattern, Name, TRUE, NULL)) &&
           FsRtlIsFatDbcsLegal(*Oem, FALSE, FALSE, FALSE) && FsRtlIsAnsiCharacterLegalHpfs(Oem->Buffer[0], FALSE);
}

NTSTATUS Control(PIRP Irp, PFCB Fcb)
{
    switch (IoGetCurrentIrpStackLocation(Irp)->Parameters.FileSystemControl.FsControlCode) {
    case FSCTL_REQUEST_OPLOCK:
    case FSCTL_REQUEST_BATCH_OPLOCK: return FsRtlOplockFsctrlEx(&Fcb->Header.Oplock, Irp, 0, 0);
    case FSCTL_LOCK_VOLUME: return FsRtlNotifyVolumeEvent(NULL, FSRTL_VOLUME_LOCK);
    case FSCTL_FILE_LEVEL_TRIM: return ((PFILE_LEVEL_TRIM)Irp->AssociatedIrp.SystemBuffer)->NumRanges != 0 ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
    default: return STATUS_INVALID_DEVICE_REQUEST;
    }
}

NTSTATUS SetInfo(PIRP Irp)
{
    PFILE_DISPOSITION_INFORMATION_EX Ex = Irp->AssociatedIrp.SystemBuffer;
    return FlagOn(Ex->Flags, FILE_DISPOSITION_POSIX_SEMANTICS) ? STATUS_NOT_SUPPORTED : STATUS_SUCCESS;
}

#ifdef DBG
#error "DBG is defined only in checked builds"
#endif

// What newer kits have in unions of theirs.
NTSTATUS Ahead(PFILE_OBJECT File, ULONG Page)
{
    READ_LIST List;
    PREAD_LIST Lists = &List;
    MM_PREFETCH_FLAGS Flags;
    Flags.AllFlags = 0;
    Flags.Flags.Priority = SYSTEM_PAGE_PRIORITY_LEVELS - 1;
    Flags.Flags.PriorityProtection = 1;
    C_ASSERT(MM_PREFETCH_FLAGS_MASK == 0x7F);
    List.FileObject = File;
    List.IsImage = FALSE;
    List.NumberOfEntries = 1;
    List.List[0].Alignment = (ULONGLONG)Page * PAGE_SIZE | Flags.AllFlags;
    return MmPrefetchPages(1, &Lists);
}

// An inline function called where the compiler does not inline, and a structure that a finally block reads.
__forceinline LARGE_INTEGER Sum(LARGE_INTEGER A, ULONG B)
{
    A.QuadPart += B;
    return A;
}
NTSTATUS FlushAll(PFCB Fcb, PIO_STACK_LOCATION Stack, ULONG* Seen)
{
    IO_STATUS_BLOCK Iosb = {0};
    LARGE_INTEGER At = {0};
    try {
        At = Sum(Fcb->Header.FileSize, 1);
        if (Stack->MinorFunction == IRP_MN_FLUSH_DATA_ONLY) leave;
        CcFlushCache(&Fcb->Section, &At, PAGE_SIZE, &Iosb);
    } finally {
        *Seen = At.LowPart;
    }
    return Iosb.Status;
}

BOOLEAN PassesThrough(ULONG Code)
{
    return Code == IOCTL_SCSI_PASS_THROUGH_EX || Code == IOCTL_SCSI_PASS_THROUGH_DIRECT_EX || (Code == IOCTL_DISK_COPY_DATA && sizeof(DISK_COPY_DATA_PARAMETERS) == 32);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    static FAST_IO_DISPATCH FastIo = {sizeof(FastIo)};
    PDEVICE_OBJECT Device;
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\TestFs");
    NTSTATUS Status;
    UNREFERENCED_PARAMETER(RegistryPath);
    FastIo.FastIoRead = FsRtlCopyRead;
    FastIo.FastIoWrite = FsRtlCopyWrite;
    DriverObject->FastIoDispatch = &FastIo;
    Status = IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_DISK_FILE_SYSTEM, 0, FALSE, &Device);
    if (NT_SUCCESS(Status)) IoRegisterFileSystem(Device);
    return Status;
}
