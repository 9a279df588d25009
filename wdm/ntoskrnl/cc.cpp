// The cache as file systems see it. The cached data is in the Executive (ntos/io/fs/stream.hpp); here are the calls, which name a file by its SECTION_OBJECT_POINTERS.
// Reading, writing and mapping may wait for paging requests to this very process: the ring is handed over first.
// Paging requests come from the Executive (paging.cpp). Differs from Windows: the callbacks for read-ahead are not called.
#include "wdm/ntoskrnl/device.hpp"
#include "wdm/ntoskrnl/object.hpp"

#include <utility>

using namespace host;

namespace {

using namespace wd::cache;

NTSTATUS Ask(wd::Control Code, PSECTION_OBJECT_POINTERS Section, wd::Cache C, u64* Answer = nullptr)
{
    C.Section = u64(Section);
    Blocking Now;
    // A view is made and data is copied when it is there.
    bool Reads = (Code == wd::Control::CacheCopy && !(C.Flags & NoWait)) || Code == wd::Control::CacheView || Code == wd::Control::CacheZero;
    InCache Waits(Section, C.Offset, Reads ? C.Bytes : 0);
    return Control(Code, &C, sizeof(C), Answer, Answer ? sizeof(*Answer) : 0);
}
wd::Cache Range(u64 Offset, u64 Bytes, u32 Flags = 0)
{
    wd::Cache C {};
    C.Offset = Offset;
    C.Bytes = Bytes;
    C.Flags = Flags;
    return C;
}
wd::Cache Sizes(PCC_FILE_SIZES S)
{
    wd::Cache C {};
    C.Offset = u64(S->AllocationSize.QuadPart);
    C.Bytes = u64(S->FileSize.QuadPart);
    C.Valid = u64(S->ValidDataLength.QuadPart);
    return C;
}
wd::Cache At(PLARGE_INTEGER Offset, ULONG Length)
{
    // Without an offset it is the whole file; with no length the rest of it.
    return Offset ? Range(u64(Offset->QuadPart), Length ? u64(Length) : ~u64(0) - u64(Offset->QuadPart)) : Range(0, ~u64(0));
}

// A mapped piece. What a file system holds of it is the public part.
struct Bcb {
    PUBLIC_BCB Public;
    LONG References;
    bool Dirty;
    PSECTION_OBJECT_POINTERS Section;
    PFILE_OBJECT File;
    u64 Address;
    SharedMap* Pinned;                  // null: it is not
    CacheRange Range;
};

void PinNow(Bcb* B)
{
    auto* S = static_cast<SharedMap*>(B->Section->SharedCacheMap);
    if (B->Pinned || !S || !S->Callbacks)
        return;
    B->Range = { nullptr, B->Public.MappedFileOffset.QuadPart, B->Public.MappedLength, Current() };
    Pin(S, B->Range);
    B->Pinned = S;
}
void UnpinNow(Bcb* B)
{
    if (B->Pinned)
        Unpin(std::exchange(B->Pinned, nullptr), B->Range);
}

// True: it is there. False: it would have to be waited for. Raises.
BOOLEAN Map(PFILE_OBJECT F, PLARGE_INTEGER Offset, ULONG Length, bool Wait, bool Fresh, PVOID* Out, PVOID* Buffer)
{
    if (!Wait)
        return FALSE;
    u64 Address = 0;
    NTSTATUS S = Ask(wd::Control::CacheView, F->SectionObjectPointer, Range(u64(Offset->QuadPart), Length, Fresh ? wd::cache::Fresh : 0), &Address);
    auto* B = S >= 0 ? New<Bcb>() : nullptr;
    if (!B)
        RtlRaiseStatus(S < 0 ? S : STATUS_INSUFFICIENT_RESOURCES);
    B->Public.NodeTypeCode = 0x02FD;    // CACHE_NTC_BCB
    B->Public.NodeByteSize = sizeof(Bcb);
    B->Public.MappedLength = Length;
    B->Public.MappedFileOffset = *Offset;
    B->References = 1;
    B->Section = F->SectionObjectPointer;
    B->File = F;
    ReferenceFile(F);
    B->Address = Address;
    *Out = B;
    *Buffer = reinterpret_cast<PVOID>(Address);
    return TRUE;
}

void Release(Bcb* B)
{
    if (__atomic_sub_fetch(&B->References, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    UnpinNow(B);
    wd::Cache C {};
    C.Address = B->Address;
    Ask(wd::Control::CacheUnmap, B->Section, C);
    // A stream's map that could not end while this was mapped ends now.
    if (B->File->Flags & FO_STREAM_FILE && !B->File->PrivateCacheMap)
        Ask(wd::Control::CacheClose, B->Section, Range(0, 0));
    DereferenceFile(B->File);
    Free(B);
}

BOOLEAN Copy(PFILE_OBJECT F, u64 Offset, ULONG Length, bool Wait, PVOID Buffer, bool IsWrite, NTSTATUS& Status, u64& Done)
{
    wd::Cache C = Range(Offset, Length, (IsWrite ? wd::cache::Write : 0) | (Wait ? 0 : NoWait) | (IsWrite && F->Flags & FO_WRITE_THROUGH ? Through : 0));
    C.Address = u64(Buffer);
    Done = 0;
    Status = Ask(wd::Control::CacheCopy, F->SectionObjectPointer, C, &Done);
    return Status != STATUS_CANT_WAIT;
}

}

extern "C" {

// --- beginning and end

void NTAPI CcInitializeCacheMap(PFILE_OBJECT F, PCC_FILE_SIZES S, BOOLEAN, PCACHE_MANAGER_CALLBACKS Callbacks, PVOID Context)
{
    if (F->PrivateCacheMap)
        return;
    wd::Cache C = Sizes(S);
    C.File = u64(F);
    C.Context = u64(F->FsContext);
    // The file's own, until the Executive has said whether caching begins with it.
    SharedMap& Own = File::From(F)->Cache;
    Own.Mark = 0x02FF;                  // CACHE_NTC_SHARED_CACHE_MAP
    Own.FileSize = S->FileSize;
    Own.Callbacks = Callbacks && Callbacks->AcquireForLazyWrite && Callbacks->ReleaseFromLazyWrite ? Callbacks : nullptr;
    Own.Context = Context;
    C.Shared = u64(&Own);
    // A stream file object is not known to the Executive: its device is.
    bool IsStream = F->Flags & FO_STREAM_FILE;
    if (IsStream) {
        C.Address = u64(F->Vpb && F->Vpb->DeviceObject ? F->Vpb->DeviceObject : F->DeviceObject);
        ReferenceFile(F);               // the cache's, until its map is gone
    }
    NTSTATUS Status = Ask(wd::Control::CacheOpen, F->SectionObjectPointer, C);
    if (Status < 0) {
        if (IsStream)
            DereferenceFile(F);
        RtlRaiseStatus(Status);
    }
    F->PrivateCacheMap = F;
}
BOOLEAN NTAPI CcUninitializeCacheMap(PFILE_OBJECT F, PLARGE_INTEGER Truncate, PCACHE_UNINITIALIZE_EVENT Event)
{
    bool Was = F->PrivateCacheMap;
    F->PrivateCacheMap = nullptr;
    if (F->SectionObjectPointer && (Was || Truncate)) {
        wd::Cache C = Range(0, Truncate ? u64(Truncate->QuadPart) : 0, (Truncate ? wd::cache::Truncate : 0) | (Was ? Close : 0));
        Ask(wd::Control::CacheClose, F->SectionObjectPointer, C);
    }
    if (Event)
        KeSetEvent(&Event->Event, 0, FALSE);
    if (Was && F->Flags & FO_STREAM_FILE)
        DereferenceFile(F);
    return Was;
}
BOOLEAN NTAPI CcIsFileCachedExport(PFILE_OBJECT F) { return F->SectionObjectPointer && F->SectionObjectPointer->SharedCacheMap; }

// --- copies

BOOLEAN NTAPI CcCopyRead(PFILE_OBJECT F, PLARGE_INTEGER Offset, ULONG Length, BOOLEAN Wait, PVOID Buffer, PIO_STATUS_BLOCK Iosb)
{
    NTSTATUS S;
    u64 Done;
    if (!Copy(F, u64(Offset->QuadPart), Length, Wait, Buffer, false, S, Done))
        return FALSE;
    if (S < 0 && S != STATUS_END_OF_FILE)
        RtlRaiseStatus(S);
    Iosb->Status = S;
    Iosb->Information = Done;
    return TRUE;
}
void NTAPI CcFastCopyRead(PFILE_OBJECT F, ULONG Offset, ULONG Length, ULONG, PVOID Buffer, PIO_STATUS_BLOCK Iosb)
{
    LARGE_INTEGER At;
    At.QuadPart = Offset;
    CcCopyRead(F, &At, Length, TRUE, Buffer, Iosb);
}
BOOLEAN NTAPI CcCopyWrite(PFILE_OBJECT F, PLARGE_INTEGER Offset, ULONG Length, BOOLEAN Wait, PVOID Buffer)
{
    NTSTATUS S;
    u64 Done;
    if (!Copy(F, u64(Offset->QuadPart), Length, Wait, Buffer, true, S, Done))
        return FALSE;
    if (S < 0)
        RtlRaiseStatus(S);
    return TRUE;
}
void NTAPI CcFastCopyWrite(PFILE_OBJECT F, ULONG Offset, ULONG Length, PVOID Buffer)
{
    LARGE_INTEGER At;
    At.QuadPart = Offset;
    CcCopyWrite(F, &At, Length, TRUE, Buffer);
}
BOOLEAN NTAPI CcZeroData(PFILE_OBJECT F, PLARGE_INTEGER Start, PLARGE_INTEGER End, BOOLEAN Wait)
{
    if (!Wait)
        return FALSE;
    NTSTATUS S = Ask(wd::Control::CacheZero, F->SectionObjectPointer, Range(u64(Start->QuadPart), u64(End->QuadPart - Start->QuadPart)));
    if (S < 0)
        RtlRaiseStatus(S);
    return TRUE;
}
// Writers are held back where the data goes into the cache.
BOOLEAN NTAPI CcCanIWrite(PFILE_OBJECT, ULONG, BOOLEAN, UCHAR) { return TRUE; }
void NTAPI CcDeferWrite(PFILE_OBJECT, PCC_POST_DEFERRED_WRITE Routine, PVOID Context1, PVOID Context2, ULONG, BOOLEAN) { Routine(Context1, Context2); }
BOOLEAN NTAPI CcCopyWriteWontFlush(PFILE_OBJECT, PLARGE_INTEGER, ULONG Length) { return Length <= 64 * 1024; }

// --- sizes, flush, purge

NTSTATUS NTAPI CcSetFileSizesEx(PFILE_OBJECT F, PCC_FILE_SIZES S)
{
    if (!F->SectionObjectPointer)
        return STATUS_SUCCESS;
    if (auto* Map = static_cast<SharedMap*>(F->SectionObjectPointer->SharedCacheMap))
        Map->FileSize = S->FileSize;
    return Ask(wd::Control::CacheSizes, F->SectionObjectPointer, Sizes(S));
}
void NTAPI CcSetFileSizes(PFILE_OBJECT F, PCC_FILE_SIZES S) { (void)CcSetFileSizesEx(F, S); }
void NTAPI CcFlushCache(PSECTION_OBJECT_POINTERS Section, PLARGE_INTEGER Offset, ULONG Length, PIO_STATUS_BLOCK Iosb)
{
    NTSTATUS S = Ask(wd::Control::CacheFlush, Section, At(Offset, Length));
    if (Iosb) {
        Iosb->Status = S;
        Iosb->Information = 0;
    }
}
BOOLEAN NTAPI CcPurgeCacheSection(PSECTION_OBJECT_POINTERS Section, PLARGE_INTEGER Offset, ULONG Length, ULONG Flags)
{
    wd::Cache C = At(Offset, Length);
    C.Flags = Flags & 1 ? Close : 0;
    return Ask(wd::Control::CachePurge, Section, C) >= 0;
}
void NTAPI CcCoherencyFlushAndPurgeCache(PSECTION_OBJECT_POINTERS Section, PLARGE_INTEGER Offset, ULONG Length, PIO_STATUS_BLOCK Iosb, ULONG)
{
    CcFlushCache(Section, Offset, Length, Iosb);
    if (Iosb->Status >= 0 && !CcPurgeCacheSection(Section, Offset, Length, 0))
        Iosb->Status = STATUS_CACHE_PAGE_LOCKED;
}
LARGE_INTEGER NTAPI CcGetFlushedValidData(PSECTION_OBJECT_POINTERS, BOOLEAN)
{
    LARGE_INTEGER All;
    All.QuadPart = 0x7FFFFFFFFFFFFFFF;
    return All;
}
BOOLEAN NTAPI MmFlushImageSection(PSECTION_OBJECT_POINTERS Section, MMFLUSH_TYPE Type)
{
    return Ask(wd::Control::CacheImage, Section, Range(0, 0, Type == MmFlushForDelete ? 1 : 0)) >= 0;
}
BOOLEAN NTAPI MmCanFileBeTruncated(PSECTION_OBJECT_POINTERS Section, PLARGE_INTEGER Size)
{
    return Ask(wd::Control::CacheTruncate, Section, Range(0, Size ? u64(Size->QuadPart) : 0)) >= 0;
}
BOOLEAN NTAPI MmForceSectionClosed(PSECTION_OBJECT_POINTERS Section, BOOLEAN)
{
    return Ask(wd::Control::CacheFlush, Section, Range(0, ~u64(0))) >= 0 && Ask(wd::Control::CachePurge, Section, Range(0, ~u64(0), Close)) >= 0;
}
ULONG NTAPI MmDoesFileHaveUserWritableReferences(PSECTION_OBJECT_POINTERS Section)
{
    return Ask(wd::Control::CacheTruncate, Section, Range(0, 0)) < 0;
}
BOOLEAN NTAPI MmSetAddressRangeModified(PVOID, SIZE_T) { return TRUE; }        // what is written to a view is noticed

// --- views

BOOLEAN NTAPI CcMapData(PFILE_OBJECT F, PLARGE_INTEGER Offset, ULONG Length, ULONG Flags, PVOID* Bcb, PVOID* Buffer) { return Map(F, Offset, Length, Flags & 1, false, Bcb, Buffer); }
BOOLEAN NTAPI CcPinRead(PFILE_OBJECT F, PLARGE_INTEGER Offset, ULONG Length, ULONG Flags, PVOID* Out, PVOID* Buffer)
{
    if (!Map(F, Offset, Length, Flags & 1, false, Out, Buffer))
        return FALSE;
    PinNow(static_cast<Bcb*>(*Out));
    return TRUE;
}
BOOLEAN NTAPI CcPinMappedData(PFILE_OBJECT, PLARGE_INTEGER, ULONG, ULONG Flags, PVOID* Of)
{
    if (!(Flags & 1))
        return FALSE;
    PinNow(static_cast<Bcb*>(*Of));     // what is mapped stays where it is
    return TRUE;
}
BOOLEAN NTAPI CcPreparePinWrite(PFILE_OBJECT F, PLARGE_INTEGER Offset, ULONG Length, BOOLEAN Zero, ULONG Flags, PVOID* Out, PVOID* Buffer)
{
    if (!Map(F, Offset, Length, Flags & 1, Zero, Out, Buffer))
        return FALSE;
    PinNow(static_cast<Bcb*>(*Out));
    static_cast<Bcb*>(*Out)->Dirty = true;
    Ask(wd::Control::CacheDirty, F->SectionObjectPointer, Range(u64(Offset->QuadPart), Length));
    return TRUE;
}
void NTAPI CcSetDirtyPinnedData(PVOID Of, PLARGE_INTEGER)
{
    auto* B = static_cast<Bcb*>(Of);
    B->Dirty = true;
    Ask(wd::Control::CacheDirty, B->Section, Range(u64(B->Public.MappedFileOffset.QuadPart), B->Public.MappedLength));
}
PFILE_OBJECT NTAPI CcGetFileObjectFromBcb(PVOID Of) { return static_cast<Bcb*>(Of)->File; }
void NTAPI CcUnpinData(PVOID Of)
{
    UnpinNow(static_cast<Bcb*>(Of));    // what is only repinned may be written
    Release(static_cast<Bcb*>(Of));
}
void NTAPI CcUnpinDataForThread(PVOID Of, ERESOURCE_THREAD) { CcUnpinData(Of); }
void NTAPI CcSetBcbOwnerPointer(PVOID, PVOID) { }
void NTAPI CcRepinBcb(PVOID Of) { __atomic_add_fetch(&static_cast<Bcb*>(Of)->References, 1, __ATOMIC_RELAXED); }
PVOID NTAPI CcRemapBcb(PVOID Of)
{
    CcRepinBcb(Of);
    return Of;
}
void NTAPI CcUnpinRepinnedBcb(PVOID Of, BOOLEAN WriteThrough, PIO_STATUS_BLOCK Iosb)
{
    auto* B = static_cast<Bcb*>(Of);
    Iosb->Status = STATUS_SUCCESS;
    Iosb->Information = 0;
    if (WriteThrough && B->Dirty)
        Iosb->Status = Ask(wd::Control::CacheFlush, B->Section, Range(u64(B->Public.MappedFileOffset.QuadPart), B->Public.MappedLength));
    Release(B);
}

// --- MDLs of cached data: views, which end with the MDL

static void MdlOf(PFILE_OBJECT F, PLARGE_INTEGER Offset, ULONG Length, PMDL* Chain, PIO_STATUS_BLOCK Iosb)
{
    constexpr ULONG Most = 256 * 1024;
    for (ULONG Done = 0; Done < Length;) {
        ULONG Part = Length - Done < Most ? Length - Done : Most;
        LARGE_INTEGER At;
        At.QuadPart = Offset->QuadPart + Done;
        PVOID B, Buffer;
        Map(F, &At, Part, true, false, &B, &Buffer);
        PMDL M = IoAllocateMdl(Buffer, Part, FALSE, FALSE, nullptr);
        if (!M) {
            Release(static_cast<Bcb*>(B));
            RtlRaiseStatus(STATUS_INSUFFICIENT_RESOURCES);
        }
        MmProbeAndLockPages(M, KernelMode, IoReadAccess);
        M->Process = static_cast<decltype(M->Process)>(B);         // for the end
        while (*Chain)
            Chain = &(*Chain)->Next;
        *Chain = M;
        Done += Part;
    }
    Iosb->Status = STATUS_SUCCESS;
    Iosb->Information = Length;
}
static void EndMdl(PMDL Chain, bool Dirty)
{
    while (PMDL M = Chain) {
        Chain = M->Next;
        auto* B = reinterpret_cast<Bcb*>(M->Process);
        if (Dirty)
            CcSetDirtyPinnedData(B, nullptr);
        Release(B);
        IoFreeMdl(M);
    }
}
void NTAPI CcMdlRead(PFILE_OBJECT F, PLARGE_INTEGER Offset, ULONG Length, PMDL* Chain, PIO_STATUS_BLOCK Iosb) { MdlOf(F, Offset, Length, Chain, Iosb); }
void NTAPI CcMdlReadComplete(PFILE_OBJECT, PMDL Chain) { EndMdl(Chain, false); }
void NTAPI CcPrepareMdlWrite(PFILE_OBJECT F, PLARGE_INTEGER Offset, ULONG Length, PMDL* Chain, PIO_STATUS_BLOCK Iosb) { MdlOf(F, Offset, Length, Chain, Iosb); }
void NTAPI CcMdlWriteComplete(PFILE_OBJECT F, PLARGE_INTEGER Offset, PMDL Chain)
{
    ULONG Length = 0;
    for (PMDL M = Chain; M; M = M->Next)
        Length += M->ByteCount;
    EndMdl(Chain, true);
    if (F->Flags & FO_WRITE_THROUGH)
        Ask(wd::Control::CacheFlush, F->SectionObjectPointer, Range(u64(Offset->QuadPart), Length));
}
void NTAPI CcMdlWriteAbort(PFILE_OBJECT, PMDL Chain) { EndMdl(Chain, false); }

// --- wishes: the Executive's cache has its own mind

void NTAPI CcScheduleReadAhead(PFILE_OBJECT, PLARGE_INTEGER, ULONG) { }
void NTAPI CcSetReadAheadGranularity(PFILE_OBJECT, ULONG) { }
void NTAPI CcSetAdditionalCacheAttributes(PFILE_OBJECT, BOOLEAN, BOOLEAN) { }
void NTAPI CcSetDirtyPageThreshold(PFILE_OBJECT, ULONG) { }
// What a file system waits for here, its locks released, is that files which caching kept are closed.
NTSTATUS NTAPI CcWaitForCurrentLazyWriterActivity() { return Ask(wd::Control::CacheSettle, nullptr, {}); }
BOOLEAN NTAPI CcIsThereDirtyData(PVPB) { return FALSE; }

}
