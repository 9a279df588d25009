// File-system support (FsRtl, Cc, Se, Mm) that newer ntifs.h files add to mingw-w64's.
#pragma once
#ifdef __cplusplus
extern "C" {
#endif

#define FSRTL_FCB_HEADER_V2 0x02
#define FSRTL_FCB_HEADER_V3 0x03
#define FSRTL_FCB_HEADER_V4 0x04
#define FSRTL_FLAG2_WRITABLE_USER_MAPPED_FILE 0x10
#define FSRTL_FLAG2_BYPASSIO_STREAM_PAUSED 0x20
#define FSRTL_ADD_TC_CASE_SENSITIVE 1
#define FSRTL_ADD_TC_KEY_BY_SHORT_NAME 2
#define FSRTL_FIND_TC_CASE_SENSITIVE 1
#define FSRTL_DRIVER_BACKING_FLAG_USE_PAGE_FILE 1
#define FSRTL_UNC_HARDENING_CAPABILITIES_MUTUAL_AUTH 1
#define FSRTL_UNC_HARDENING_CAPABILITIES_INTEGRITY 2
#define FSRTL_UNC_HARDENING_CAPABILITIES_PRIVACY 4
#ifndef OPLOCK_FLAG_PARENT_OBJECT
#define OPLOCK_FLAG_PARENT_OBJECT 0x00000010
#define OPLOCK_FLAG_CLOSING_DELETE_ON_CLOSE 0x00000020
#define OPLOCK_FLAG_REMOVING_FILE_OR_LINK 0x00000040
#define OPLOCK_FLAG_BREAKING_FOR_SHARING_VIOLATION 0x00000080
#endif
#define CC_ACQUIRE_DONT_WAIT 0x01
#define CC_ACQUIRE_SUPPORTS_ASYNC_LAZYWRITE 0x01
#define CC_AGGRESSIVE_UNMAP_BEHIND 0x01
#define CC_DISABLE_READ_AHEAD 0x02
#define CC_DISABLE_WRITE_BEHIND 0x04
#define CC_DISABLE_DIRTY_PAGE_TRACKING 0x08
#define CC_ENABLE_DISK_IO_ACCOUNTING 0x10
#define CC_DISABLE_UNMAP_BEHIND 0x20
#define CC_ENABLE_CPU_CACHE 0x10000000
#ifndef CC_FLUSH_AND_PURGE_NO_PURGE
#define CC_FLUSH_AND_PURGE_NO_PURGE 0x1
#endif
#define CC_FLUSH_AND_PURGE_GATHER_DIRTY_BITS 0x2
#define CC_FLUSH_AND_PURGE_WRITEABLE_VIEWS_NOTSEEN 0x4
#define PURGE_WITH_ACTIVE_VIEWS 0x8
#define SUPPORTED_FS_FEATURES_OFFLOAD_READ 0x1
#define SUPPORTED_FS_FEATURES_OFFLOAD_WRITE 0x2
#define SUPPORTED_FS_FEATURES_QUERY_OPEN 0x4
#define SUPPORTED_FS_FEATURES_BYPASS_IO 0x8
#define VPB_FLAGS_BYPASSIO_BLOCKED 0x40
#define VPB_DISMOUNTING 0x80

#define IRP_MN_FLUSH_DATA_ONLY 0x02
#define IRP_MN_FLUSH_NO_SYNC 0x03
#define IRP_MN_FLUSH_DATA_SYNC_ONLY 0x04

// The header of a control block in its newer forms.
#define FsRtlSetupAdvancedHeaderEx2(AdvHdr, FMutx, FctxPtr, OplockPtr)    \
    {                                                                     \
        FsRtlSetupAdvancedHeader(AdvHdr, FMutx);                          \
        if ((FctxPtr) != NULL) (AdvHdr)->FileContextSupportPointer = (FctxPtr); \
        (AdvHdr)->AePushLock = NULL;                                      \
        UNREFERENCED_PARAMETER(OplockPtr);                                \
    }

typedef struct _OPLOCK_KEY_CONTEXT {
    USHORT Version;
    USHORT Flags;
    GUID ParentOplockKey;
    GUID TargetOplockKey;
    ULONG Reserved;
} OPLOCK_KEY_CONTEXT, *POPLOCK_KEY_CONTEXT;
typedef struct _DUAL_OPLOCK_KEY_ECP_CONTEXT {
    GUID ParentOplockKey;
    GUID TargetOplockKey;
    BOOLEAN ParentOplockKeySet;
    BOOLEAN TargetOplockKeySet;
} DUAL_OPLOCK_KEY_ECP_CONTEXT, *PDUAL_OPLOCK_KEY_ECP_CONTEXT;
typedef struct _LINK_SHARE_ACCESS {
    ULONG OpenCount;
    ULONG Deleters;
    ULONG SharedDelete;
} LINK_SHARE_ACCESS, *PLINK_SHARE_ACCESS;
typedef enum _OPLOCK_NOTIFY_REASON { OPLOCK_NOTIFY_BREAK_WAIT_INTERIM_TIMEOUT, OPLOCK_NOTIFY_BREAK_WAIT_TERMINATED } OPLOCK_NOTIFY_REASON;
typedef struct _OPLOCK_NOTIFY_PARAMS {
    OPLOCK_NOTIFY_REASON NotifyReason;
    PVOID NotifyContext;
    PIRP Irp;
    NTSTATUS Status;
} OPLOCK_NOTIFY_PARAMS, *POPLOCK_NOTIFY_PARAMS;
typedef NTSTATUS(NTAPI *POPLOCK_NOTIFY_ROUTINE)(POPLOCK_NOTIFY_PARAMS NotifyParams);

NTKERNELAPI BOOLEAN NTAPI CcCopyReadEx(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset, ULONG Length, BOOLEAN Wait, PVOID Buffer,
                                       PIO_STATUS_BLOCK IoStatus, PETHREAD IoIssuerThread);
NTKERNELAPI BOOLEAN NTAPI CcCopyWriteEx(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset, ULONG Length, BOOLEAN Wait, PVOID Buffer,
                                        PETHREAD IoIssuerThread);
NTKERNELAPI VOID NTAPI CcScheduleReadAheadEx(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset, ULONG Length, PETHREAD IoIssuerThread);
NTKERNELAPI VOID NTAPI CcSetAdditionalCacheAttributesEx(PFILE_OBJECT FileObject, ULONG Flags);
NTKERNELAPI VOID NTAPI CcInitializeCacheMapEx(PFILE_OBJECT FileObject, PCC_FILE_SIZES FileSizes, BOOLEAN PinAccess, PCACHE_MANAGER_CALLBACKS Callbacks,
                                              PVOID LazyWriteContext, ULONG Flags);

NTKERNELAPI VOID NTAPI FsRtlAddToTunnelCacheEx(PTUNNEL Cache, ULONGLONG DirectoryKey, PUNICODE_STRING ShortName, PUNICODE_STRING LongName,
                                               ULONG Flags, ULONG DataLength, PVOID Data);
NTKERNELAPI BOOLEAN NTAPI FsRtlFindInTunnelCacheEx(PTUNNEL Cache, ULONGLONG DirectoryKey, PUNICODE_STRING Name, PUNICODE_STRING ShortName,
                                                   PUNICODE_STRING LongName, ULONG Flags, PULONG DataLength, PVOID Data);
NTKERNELAPI NTSTATUS NTAPI FsRtlCheckOplockEx2(POPLOCK Oplock, PIRP Irp, ULONG Flags, ULONG FlagsEx2, PVOID CompletionRoutineContext,
                                               POPLOCK_WAIT_COMPLETE_ROUTINE CompletionRoutine, POPLOCK_FS_PREPOST_IRP PostIrpRoutine,
                                               ULONG64 Timeout, PVOID NotifyContext, POPLOCK_NOTIFY_ROUTINE NotifyRoutine);
NTKERNELAPI NTSTATUS NTAPI FsRtlCheckUpperOplock(POPLOCK Oplock, ULONG NewLowerOplockState, PVOID CompletionRoutineContext,
                                                 POPLOCK_WAIT_COMPLETE_ROUTINE CompletionRoutine, POPLOCK_FS_PREPOST_IRP PrependRoutine, ULONG Flags);
NTKERNELAPI NTSTATUS NTAPI FsRtlUpperOplockFsctrl(POPLOCK Oplock, PIRP Irp, ULONG OpenCount, ULONG LowerOplockState, ULONG Flags);
NTKERNELAPI BOOLEAN NTAPI FsRtlCheckLockForOplockRequest(PFILE_LOCK FileLock, PLARGE_INTEGER AllocationSize);
NTKERNELAPI BOOLEAN NTAPI FsRtlAreThereWaitingFileLocks(PFILE_LOCK FileLock);
NTKERNELAPI VOID NTAPI FsRtlDismountComplete(PDEVICE_OBJECT DeviceObject, NTSTATUS DismountStatus);
NTKERNELAPI NTSTATUS NTAPI FsRtlGetSupportedFeatures(PDEVICE_OBJECT DeviceObject, PULONG SupportedFeatures);
NTKERNELAPI BOOLEAN NTAPI FsRtlIsMobileOS(VOID);
NTKERNELAPI BOOLEAN NTAPI FsRtlIs32BitProcess(PEPROCESS Process);
NTKERNELAPI BOOLEAN NTAPI FsRtlIsDaxVolume(PFILE_OBJECT FileObject);
NTKERNELAPI LOGICAL NTAPI FsRtlIsSystemPagingFile(PFILE_OBJECT FileObject);
NTKERNELAPI BOOLEAN NTAPI FsRtlIsNameInUnUpcasedExpression(PUNICODE_STRING Expression, PUNICODE_STRING Name, BOOLEAN IgnoreCase, PWCH UpcaseTable);
NTKERNELAPI NTSTATUS NTAPI FsRtlIssueDeviceIoControl(PDEVICE_OBJECT DeviceObject, ULONG IoCtl, UCHAR Flags, PVOID InputBuffer, ULONG InputBufferLength,
                                                     PVOID OutputBuffer, ULONG OutputBufferLength, PULONG_PTR IosbInformation);
NTKERNELAPI NTSTATUS NTAPI FsRtlKernelFsControlFile(PFILE_OBJECT FileObject, ULONG FsControlCode, PVOID InputBuffer, ULONG InputBufferLength,
                                                    PVOID OutputBuffer, ULONG OutputBufferLength, PULONG RetOutputBufferSize);
NTKERNELAPI BOOLEAN NTAPI FsRtlMdlReadEx(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset, ULONG Length, ULONG LockKey, PMDL *MdlChain,
                                         PIO_STATUS_BLOCK IoStatus);
NTKERNELAPI BOOLEAN NTAPI FsRtlPrepareMdlWriteEx(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset, ULONG Length, ULONG LockKey, PMDL *MdlChain,
                                                 PIO_STATUS_BLOCK IoStatus);
NTKERNELAPI NTSTATUS NTAPI FsRtlQueryInformationFile(PFILE_OBJECT FileObject, PVOID FileInformation, ULONG Length,
                                                     FILE_INFORMATION_CLASS FileInformationClass, PULONG RetFileInformationSize);
NTKERNELAPI VOID NTAPI FsRtlUpdateDiskCounters(ULONG64 BytesRead, ULONG64 BytesWritten);
NTKERNELAPI PVOID NTAPI FsRtlAllocateAePushLock(POOL_TYPE PoolType, ULONG Tag);
NTKERNELAPI VOID NTAPI FsRtlFreeAePushLock(PVOID AePushLock);

NTKERNELAPI BOOLEAN NTAPI PsIsDiskCountersEnabled(VOID);
NTKERNELAPI VOID NTAPI PsUpdateDiskCounters(PEPROCESS Process, ULONG64 BytesRead, ULONG64 BytesWritten, ULONG ReadOperationCount,
                                            ULONG WriteOperationCount, ULONG FlushOperationCount);
NTKERNELAPI NTSTATUS NTAPI IoApplyPriorityInfoThread(PIO_PRIORITY_INFO InputPriorityInfo, PIO_PRIORITY_INFO OutputPriorityInfo, PETHREAD Thread);
NTKERNELAPI NTSTATUS NTAPI IoRetrievePriorityInfo(PIRP Irp, PFILE_OBJECT FileObject, PETHREAD Thread, PIO_PRIORITY_INFO PriorityInfo);
NTKERNELAPI NTSTATUS NTAPI IoCheckLinkShareAccess(ACCESS_MASK DesiredAccess, ULONG DesiredShareAccess, PFILE_OBJECT FileObject,
                                                  PSHARE_ACCESS ShareAccess, PLINK_SHARE_ACCESS LinkShareAccess, ULONG IoShareAccessFlags);
NTKERNELAPI VOID NTAPI IoRemoveLinkShareAccess(PFILE_OBJECT FileObject, PSHARE_ACCESS ShareAccess, PLINK_SHARE_ACCESS LinkShareAccess);
NTKERNELAPI POPLOCK_KEY_CONTEXT NTAPI IoGetOplockKeyContextEx(PFILE_OBJECT FileObject);
NTKERNELAPI ULONG NTAPI MmDoesFileHaveUserWritableReferences(PSECTION_OBJECT_POINTERS SectionPointer);
NTKERNELAPI BOOLEAN NTAPI MmForceSectionClosedEx(PSECTION_OBJECT_POINTERS SectionObjectPointer, ULONG ForceCloseFlags);
NTKERNELAPI VOID NTAPI SeCaptureSubjectContextEx(PETHREAD Thread, PEPROCESS Process, PSECURITY_SUBJECT_CONTEXT SubjectContext);
NTKERNELAPI BOOLEAN NTAPI SeAccessCheckFromStateEx(PSECURITY_DESCRIPTOR SecurityDescriptor, PACCESS_TOKEN PrimaryToken, PACCESS_TOKEN ClientToken,
                                                   ACCESS_MASK DesiredAccess, ACCESS_MASK PreviouslyGrantedAccess, PPRIVILEGE_SET *Privileges,
                                                   PGENERIC_MAPPING GenericMapping, KPROCESSOR_MODE AccessMode, PACCESS_MASK GrantedAccess,
                                                   PNTSTATUS AccessStatus);

NTKERNELAPI NTSTATUS NTAPI ObLogSecurityDescriptor(PSECURITY_DESCRIPTOR InputSecurityDescriptor, PSECURITY_DESCRIPTOR *OutputSecurityDescriptor, ULONG RefBias);
NTKERNELAPI VOID NTAPI ObReferenceSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, ULONG Count);
NTKERNELAPI VOID NTAPI ObDereferenceSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, ULONG Count);
NTKERNELAPI PUCHAR NTAPI PsGetProcessImageFileName(PEPROCESS Process);

// Data that mingw-w64 declares without an import.
#define NEPTUNE_DATA(Type, Name) extern Type *Neptune##Name __asm__("__imp_" #Name)
NEPTUNE_DATA(KSPIN_LOCK, IoStatisticsLock);
NEPTUNE_DATA(ULONG, IoReadOperationCount);
NEPTUNE_DATA(ULONG, IoWriteOperationCount);
NEPTUNE_DATA(ULONG, IoOtherOperationCount);
NEPTUNE_DATA(LARGE_INTEGER, IoReadTransferCount);
NEPTUNE_DATA(LARGE_INTEGER, IoWriteTransferCount);
NEPTUNE_DATA(LARGE_INTEGER, IoOtherTransferCount);
NEPTUNE_DATA(ULONG, CcFastMdlReadWait);
#define IoStatisticsLock (*NeptuneIoStatisticsLock)
#define IoReadOperationCount (*NeptuneIoReadOperationCount)
#define IoWriteOperationCount (*NeptuneIoWriteOperationCount)
#define IoOtherOperationCount (*NeptuneIoOtherOperationCount)
#define IoReadTransferCount (*NeptuneIoReadTransferCount)
#define IoWriteTransferCount (*NeptuneIoWriteTransferCount)
#define IoOtherTransferCount (*NeptuneIoOtherTransferCount)
#define CcFastMdlReadWait (*NeptuneCcFastMdlReadWait)
#undef NEPTUNE_DATA

/* Exported, and declared by no kit of Microsoft's. */
NTSYSAPI HANDLE NTAPI PsGetProcessInheritedFromUniqueProcessId(PEPROCESS Process);
NTSYSAPI PVOID NTAPI PsGetProcessSectionBaseAddress(PEPROCESS Process);

#ifdef __cplusplus
}
#endif
