// For file systems: contexts that others keep at a stream or a file, waits that a request's cancelling ends, the newer forms of oplocks and of the
// cache's functions, and the counters of fast I/O.
#include "wdm/ntoskrnl/host.hpp"

using namespace host;

namespace {

// Contexts are FSRTL_PER_STREAM_CONTEXT and what has its shape (per file, per file object, without the free routine).
struct Owned {
    LIST_ENTRY Links;
    PVOID Owner, Instance;
};
Owned* Find(PLIST_ENTRY Head, PVOID Owner, PVOID Instance)
{
    if (!Head->Flink)
        return nullptr;
    for (PLIST_ENTRY At = Head->Flink; At != Head; At = At->Flink) {
        auto* C = CONTAINING_RECORD(At, Owned, Links);
        if ((!Owner || C->Owner == Owner) && (!Instance || C->Instance == Instance))
            return C;
    }
    return nullptr;
}
// Per-file contexts hang on a pointer of the file's; the list has this head.
struct FileContexts {
    FAST_MUTEX Mutex;
    LIST_ENTRY Head;
};
FileContexts* ContextsOf(PVOID* Pointer)
{
    if (auto* There = static_cast<FileContexts*>(__atomic_load_n(Pointer, __ATOMIC_ACQUIRE)))
        return There;
    auto* Made = New<FileContexts>();
    if (!Made)
        return nullptr;
    ExInitializeFastMutex(&Made->Mutex);
    InitializeListHead(&Made->Head);
    PVOID None = nullptr;
    if (!__atomic_compare_exchange_n(Pointer, &None, Made, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
        Free(Made);
        return static_cast<FileContexts*>(None);
    }
    return Made;
}

}

extern "C" {

// --- contexts

NTSTATUS NTAPI FsRtlInsertPerStreamContext(PFSRTL_ADVANCED_FCB_HEADER H, PFSRTL_PER_STREAM_CONTEXT C)
{
    if (!H || !(H->Flags2 & FSRTL_FLAG2_SUPPORTS_FILTER_CONTEXTS))
        return STATUS_INVALID_DEVICE_REQUEST;
    ExAcquireFastMutex(H->FastMutex);
    InsertHeadList(&H->FilterContexts, &C->Links);
    ExReleaseFastMutex(H->FastMutex);
    return STATUS_SUCCESS;
}
PFSRTL_PER_STREAM_CONTEXT NTAPI FsRtlLookupPerStreamContextInternal(PFSRTL_ADVANCED_FCB_HEADER H, PVOID Owner, PVOID Instance)
{
    ExAcquireFastMutex(H->FastMutex);
    Owned* C = Find(&H->FilterContexts, Owner, Instance);
    ExReleaseFastMutex(H->FastMutex);
    return reinterpret_cast<PFSRTL_PER_STREAM_CONTEXT>(C);
}
PFSRTL_PER_STREAM_CONTEXT NTAPI FsRtlRemovePerStreamContext(PFSRTL_ADVANCED_FCB_HEADER H, PVOID Owner, PVOID Instance)
{
    if (!(H->Flags2 & FSRTL_FLAG2_SUPPORTS_FILTER_CONTEXTS))
        return nullptr;
    ExAcquireFastMutex(H->FastMutex);
    Owned* C = Find(&H->FilterContexts, Owner, Instance);
    if (C)
        RemoveEntryList(&C->Links);
    ExReleaseFastMutex(H->FastMutex);
    return reinterpret_cast<PFSRTL_PER_STREAM_CONTEXT>(C);
}
void NTAPI FsRtlTeardownPerStreamContexts(PFSRTL_ADVANCED_FCB_HEADER H)
{
    if (!(H->Flags2 & FSRTL_FLAG2_SUPPORTS_FILTER_CONTEXTS) || !H->FilterContexts.Flink)
        return;
    for (;;) {
        ExAcquireFastMutex(H->FastMutex);
        bool None = IsListEmpty(&H->FilterContexts);
        auto* C = None ? nullptr : CONTAINING_RECORD(RemoveHeadList(&H->FilterContexts), FSRTL_PER_STREAM_CONTEXT, Links);
        ExReleaseFastMutex(H->FastMutex);
        if (None)
            return;
        C->FreeCallback(C);
    }
}
NTSTATUS NTAPI FsRtlInsertPerFileContext(PVOID* Pointer, PFSRTL_PER_FILE_CONTEXT C)
{
    FileContexts* F = Pointer ? ContextsOf(Pointer) : nullptr;
    if (!F)
        return Pointer ? STATUS_INSUFFICIENT_RESOURCES : STATUS_INVALID_DEVICE_REQUEST;
    ExAcquireFastMutex(&F->Mutex);
    InsertHeadList(&F->Head, &C->Links);
    ExReleaseFastMutex(&F->Mutex);
    return STATUS_SUCCESS;
}
PFSRTL_PER_FILE_CONTEXT NTAPI FsRtlLookupPerFileContext(PVOID* Pointer, PVOID Owner, PVOID Instance)
{
    auto* F = Pointer ? static_cast<FileContexts*>(*Pointer) : nullptr;
    if (!F)
        return nullptr;
    ExAcquireFastMutex(&F->Mutex);
    Owned* C = Find(&F->Head, Owner, Instance);
    ExReleaseFastMutex(&F->Mutex);
    return reinterpret_cast<PFSRTL_PER_FILE_CONTEXT>(C);
}
PFSRTL_PER_FILE_CONTEXT NTAPI FsRtlRemovePerFileContext(PVOID* Pointer, PVOID Owner, PVOID Instance)
{
    auto* F = Pointer ? static_cast<FileContexts*>(*Pointer) : nullptr;
    if (!F)
        return nullptr;
    ExAcquireFastMutex(&F->Mutex);
    Owned* C = Find(&F->Head, Owner, Instance);
    if (C)
        RemoveEntryList(&C->Links);
    ExReleaseFastMutex(&F->Mutex);
    return reinterpret_cast<PFSRTL_PER_FILE_CONTEXT>(C);
}
void NTAPI FsRtlTeardownPerFileContexts(PVOID* Pointer)
{
    auto* F = static_cast<FileContexts*>(__atomic_exchange_n(Pointer, nullptr, __ATOMIC_ACQ_REL));
    if (!F)
        return;
    while (!IsListEmpty(&F->Head)) {
        auto* C = CONTAINING_RECORD(RemoveHeadList(&F->Head), FSRTL_PER_FILE_CONTEXT, Links);
        C->FreeCallback(C);
    }
    Free(F);
}
// The cache writes without asking the file system for its locks: the callbacks are taken and never called.
NTSTATUS NTAPI FsRtlRegisterFileSystemFilterCallbacks(PDRIVER_OBJECT, PFS_FILTER_CALLBACKS Callbacks) { return Callbacks ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER; }

// --- waits of a request that may be cancelled

NTSTATUS NTAPI FsRtlCancellableWaitForMultipleObjects(ULONG Count, PVOID* Objects, WAIT_TYPE Type, PLARGE_INTEGER Timeout, PKWAIT_BLOCK Blocks, PIRP I)
{
    LARGE_INTEGER Now, End {}, Slice;
    if (Timeout) {
        End = *Timeout;
        if (End.QuadPart < 0) {
            NtQuerySystemTime(&Now);
            End.QuadPart = Now.QuadPart - End.QuadPart;
        }
    }
    // In slices: whether the request is cancelled is looked at ten times a second.
    for (;;) {
        if (I && I->Cancel)
            return STATUS_CANCELLED;
        Slice.QuadPart = -1'000'000;
        if (Timeout) {
            NtQuerySystemTime(&Now);
            if (LONGLONG Left = End.QuadPart - Now.QuadPart; Left < 1'000'000)
                Slice.QuadPart = Left > 0 ? -Left : 0;
        }
        NTSTATUS Status = KeWaitForMultipleObjects(Count, Objects, Type, Executive, KernelMode, FALSE, &Slice, Blocks);
        if (Status != STATUS_TIMEOUT || (Timeout && -Slice.QuadPart < 1'000'000))
            return Status;
    }
}
NTSTATUS NTAPI FsRtlCancellableWaitForSingleObject(PVOID Object, PLARGE_INTEGER Timeout, PIRP I)
{
    return FsRtlCancellableWaitForMultipleObjects(1, &Object, WaitAny, Timeout, nullptr, I);
}

// --- oplocks: none is given (fsrtl_misc.cpp)

NTSTATUS NTAPI FsRtlOplockFsctrlEx(POPLOCK O, PIRP I, ULONG Opens, ULONG) { return FsRtlOplockFsctrl(O, I, Opens); }
NTSTATUS NTAPI FsRtlOplockBreakH(POPLOCK, PIRP, ULONG, PVOID, POPLOCK_WAIT_COMPLETE_ROUTINE, POPLOCK_FS_PREPOST_IRP) { return STATUS_SUCCESS; }
NTSTATUS NTAPI FsRtlOplockBreakToNoneEx(POPLOCK, PIRP, ULONG, PVOID, POPLOCK_WAIT_COMPLETE_ROUTINE, POPLOCK_FS_PREPOST_IRP) { return STATUS_SUCCESS; }
NTSTATUS NTAPI FsRtlCheckOplockEx2(POPLOCK, PIRP, ULONG, ULONG, PVOID, POPLOCK_WAIT_COMPLETE_ROUTINE, POPLOCK_FS_PREPOST_IRP, ULONGLONG, PVOID) { return STATUS_SUCCESS; }
NTSTATUS NTAPI FsRtlCheckUpperOplock(POPLOCK, ULONG, PVOID, POPLOCK_WAIT_COMPLETE_ROUTINE, POPLOCK_FS_PREPOST_IRP, ULONG) { return STATUS_SUCCESS; }
BOOLEAN NTAPI FsRtlOplockKeysEqual(PFILE_OBJECT A, PFILE_OBJECT B) { return A == B; }
BOOLEAN NTAPI FsRtlOplockIsSharedRequest(PIRP) { return FALSE; }

// --- byte-range locks, volumes, sizes

BOOLEAN NTAPI FsRtlAreThereCurrentOrInProgressFileLocks(PFILE_LOCK L) { return L->FastIoIsQuestionable || L->LockRequestsInProgress > 0; }
NTSTATUS NTAPI FsRtlNotifyVolumeEventEx(PFILE_OBJECT F, ULONG Event, PTARGET_DEVICE_CUSTOM_NOTIFICATION) { return FsRtlNotifyVolumeEvent(F, Event); }
NTSTATUS NTAPI FsRtlBalanceReads(PDEVICE_OBJECT) { return STATUS_NOT_IMPLEMENTED; }     // of mirrored volumes
LOGICAL NTAPI FsRtlIsPagingFile(PFILE_OBJECT) { return FALSE; }
LOGICAL NTAPI FsRtlIsSystemPagingFile(PFILE_OBJECT) { return FALSE; }
LOGICAL NTAPI FsRtlIs32BitProcess(PEPROCESS) { return FALSE; }
BOOLEAN NTAPI FsRtlAreVolumeStartupApplicationsComplete() { return TRUE; }
void NTAPI FsRtlDismountComplete(PDEVICE_OBJECT, NTSTATUS) { }
// Of a file of this driver's, from the header its FsContext begins with.
NTSTATUS NTAPI FsRtlGetFileSize(PFILE_OBJECT F, PLARGE_INTEGER Size)
{
    auto* H = static_cast<PFSRTL_COMMON_FCB_HEADER>(F->FsContext);
    if (!H)
        return STATUS_NOT_IMPLEMENTED;
    *Size = H->FileSize;
    return STATUS_SUCCESS;
}
void NTAPI FsRtlAcquireFileExclusive(PFILE_OBJECT F)
{
    if (auto* H = static_cast<PFSRTL_COMMON_FCB_HEADER>(F->FsContext); H && H->Resource)
        ExAcquireResourceExclusiveLite(H->Resource, TRUE);
}
void NTAPI FsRtlReleaseFile(PFILE_OBJECT F)
{
    if (auto* H = static_cast<PFSRTL_COMMON_FCB_HEADER>(F->FsContext); H && H->Resource)
        ExReleaseResourceLite(H->Resource);
}
#undef FsRtlEnterFileSystem
#undef FsRtlExitFileSystem
void NTAPI FsRtlEnterFileSystemExport() { KeEnterCriticalRegion(); }
void NTAPI FsRtlExitFileSystemExport() { KeLeaveCriticalRegion(); }

// --- counters

ULONG CcFastReadWaitValue, CcFastReadNotPossibleValue, CcFastMdlReadWaitValue;
static ULONG NoWait, ResourceMiss;
static void Count(ULONG& What) { __atomic_add_fetch(&What, 1, __ATOMIC_RELAXED); }
void NTAPI FsRtlIncrementCcFastReadNotPossible() { Count(CcFastReadNotPossibleValue); }
void NTAPI FsRtlIncrementCcFastReadWait() { Count(CcFastReadWaitValue); }
void NTAPI FsRtlIncrementCcFastReadNoWait() { Count(NoWait); }
void NTAPI FsRtlIncrementCcFastReadResourceMiss() { Count(ResourceMiss); }
void NTAPI FsRtlIncrementCcFastMdlReadWait() { Count(CcFastMdlReadWaitValue); }

// --- the cache, as newer file systems call it

BOOLEAN NTAPI CcCopyReadEx(PFILE_OBJECT F, PLARGE_INTEGER Offset, ULONG Length, BOOLEAN Wait, PVOID Buffer, PIO_STATUS_BLOCK Iosb, PETHREAD)
{
    return CcCopyRead(F, Offset, Length, Wait, Buffer, Iosb);
}
BOOLEAN NTAPI CcCopyWriteEx(PFILE_OBJECT F, PLARGE_INTEGER Offset, ULONG Length, BOOLEAN Wait, PVOID Buffer, PETHREAD) { return CcCopyWrite(F, Offset, Length, Wait, Buffer); }
void NTAPI CcInitializeCacheMapEx(PFILE_OBJECT F, PCC_FILE_SIZES Sizes, BOOLEAN PinAccess, PCACHE_MANAGER_CALLBACKS Callbacks, PVOID Context, ULONG)
{
    CcInitializeCacheMap(F, Sizes, PinAccess, Callbacks, Context);
}
void NTAPI CcScheduleReadAheadEx(PFILE_OBJECT F, PLARGE_INTEGER Offset, ULONG Length, PETHREAD) { CcScheduleReadAhead(F, Offset, Length); }
void NTAPI CcSetAdditionalCacheAttributesEx(PFILE_OBJECT, ULONG) { }
void NTAPI CcSetParallelFlushFile(PFILE_OBJECT, BOOLEAN) { }
// Logs: the cache writes in its own order, so a file system with a log has to flush that itself.
void NTAPI CcSetLogHandleForFile(PFILE_OBJECT, PVOID, PFLUSH_TO_LSN) { }
LARGE_INTEGER NTAPI CcGetDirtyPages(PVOID, PDIRTY_PAGE_ROUTINE, PVOID, PVOID) { return {}; }
BOOLEAN NTAPI CcIsThereDirtyDataEx(PVPB V, PULONG Pages)
{
    if (Pages)
        *Pages = 0;
    return CcIsThereDirtyData(V);
}

}
