// Paging requests to file systems that gave callbacks for the lazy writer.
//
// On Windows a page is read by the thread that misses it, and written by the thread that flushes or by the lazy writer, which takes the file's locks first. Here the Executive
// does both, and its requests come by the ring. So that a file system finds what it expects:
// - a write is a lazy writer's: AcquireForLazyWrite, the request, ReleaseFromLazyWrite in one thread, one write of a file at a time;
// - a read that a thread waits for in a Cc call runs in that thread's name: it may have locks that know their thread (a fast mutex and a note of who has it);
// - any other read is made with the header's PagingIoResource shared, as it is when the memory manager reads;
// - neither waits for these locks. Whoever has them alone may be waiting in a Cc call for this very request (a flush, a purge): then the request runs in that thread's name, which is what
//   the thread itself would do on Windows. Otherwise it is tried again soon.
// - what is pinned (CcPinRead, CcPreparePinWrite) is not written, and what is being written cannot be pinned: a file system changes pinned data and its own notes about it together. A pin of a thread that
//   itself waits in Cc is not waited for longer than a second.
// The requests are synchronous (IRP_SYNCHRONOUS_PAGING_IO), as Windows' are.
#include "wdm/ntoskrnl/object.hpp"

namespace host {

namespace {

Lock CallersLock, RangesLock;

// Does it as a thread that waits in Cc, the first that Is says so of. False: there is none.
bool CallAs(auto Is, DEVICE_OBJECT* D, IRP* I, SharedMap* S)
{
    CacheCaller* Found = nullptr;
    {
        Hold Held(CallersLock);
        for (CacheCaller* C = S->Callers; C && !Found; C = C->Next)
            if (Is(*C))
                Found = C;
        if (!Found)
            return false;
        __atomic_add_fetch(&Found->Users, 1, __ATOMIC_RELAXED);
    }
    Thread* Mine = Current();
    {
        Blocking Now;                   // the other thread is no leader: the ring is handed over before
        Hold Held(Found->Running);
        Become(Found->Who);
        (void)IofCallDriver(D, I);
        Become(Mine);
    }
    Hold Held(CallersLock);
    __atomic_sub_fetch(&Found->Users, 1, __ATOMIC_RELEASE);
    RtlWakeAddressSingle(&Found->Users);
    return true;
}

// As the thread that has the file's locks and waits for its data.
bool CallAsOwner(DEVICE_OBJECT* D, IRP* I, SharedMap* S, PFSRTL_COMMON_FCB_HEADER H)
{
    return CallAs([H](const CacheCaller& C) { return OwnsAlone(H->Resource, C.Who) || OwnsAlone(H->PagingIoResource, C.Who); }, D, I, S);
}
// As the thread that waits for what is read.
bool CallAsReader(DEVICE_OBJECT* D, IRP* I, SharedMap* S)
{
    auto& P = IoGetNextIrpStackLocation(I)->Parameters.Read;
    u64 Start = u64(P.ByteOffset.QuadPart), End = Start + P.Length;
    return CallAs([Start, End](const CacheCaller& C) { return C.Offset <= Start ? Start - C.Offset < C.Bytes : C.Bytes && C.Offset < End; }, D, I, S);
}

bool Meet(const CacheRange* List, const CacheRange& R)
{
    for (; List; List = List->Next)
        if (List->Offset < R.Offset + R.Bytes && R.Offset < List->Offset + List->Bytes)
            return true;
    return false;
}
void Remove(CacheRange*& List, CacheRange& R)
{
    for (CacheRange** At = &List; *At; At = &(*At)->Next)
        if (*At == &R) {
            *At = R.Next;
            return;
        }
}
void Pause()
{
    LARGE_INTEGER Soon;
    Soon.QuadPart = -10'000;
    KeDelayExecutionThread(KernelMode, FALSE, &Soon);
}
// Puts R into To when nothing of Against meets it, and whatever is there after Tries.
void Enter(CacheRange*& To, CacheRange*& Against, CacheRange& R, u32 Tries)
{
    for (u32 I = 0;; ++I) {
        {
            Hold Held(RangesLock);
            if (I >= Tries || !Meet(Against, R)) {
                R.Next = To;
                To = &R;
                return;
            }
        }
        Pause();
    }
}

bool TryWrite(DEVICE_OBJECT* D, IRP* I, SharedMap* S)
{
    auto& P = IoGetNextIrpStackLocation(I)->Parameters.Write;
    CacheRange R { nullptr, P.ByteOffset.QuadPart, P.Length, Current() };
    Blocking Now;
    Hold Held(S->Writing);
    Enter(S->Writes, S->Pins, R, 1000);
    bool Mine = S->Callbacks->AcquireForLazyWrite(S->Context, FALSE);
    if (Mine) {
        (void)IofCallDriver(D, I);
        S->Callbacks->ReleaseFromLazyWrite(S->Context);
    }
    Hold Ranges(RangesLock);
    Remove(S->Writes, R);
    return Mine;
}

bool TryRead(DEVICE_OBJECT* D, IRP* I, PFSRTL_COMMON_FCB_HEADER H)
{
    PERESOURCE R = H->PagingIoResource;
    if (R && !ExAcquireResourceSharedLite(R, FALSE))
        return false;
    (void)IofCallDriver(D, I);
    if (R)
        ExReleaseResourceLite(R);
    return true;
}

}

void CallForPage(DEVICE_OBJECT* D, IRP* I, FILE_OBJECT* F)
{
    auto* S = F && F->SectionObjectPointer ? static_cast<SharedMap*>(F->SectionObjectPointer->SharedCacheMap) : nullptr;
    auto* H = F ? static_cast<PFSRTL_COMMON_FCB_HEADER>(F->FsContext) : nullptr;
    if (!S || !S->Callbacks || !H) {
        (void)IofCallDriver(D, I);
        return;
    }
    I->Flags |= IRP_SYNCHRONOUS_PAGING_IO;
    bool Write = IoGetNextIrpStackLocation(I)->MajorFunction == IRP_MJ_WRITE;
    // With the answer the file may be closed; its locks are let go after that.
    FILE_OBJECT* Shares = &CONTAINING_RECORD(S, File, Cache)->Object;
    ReferenceFile(F);
    ReferenceFile(Shares);
    while (!(Write ? TryWrite(D, I, S) : CallAsReader(D, I, S) || TryRead(D, I, H)) && !CallAsOwner(D, I, S, H))
        Pause();
    DereferenceFile(Shares);
    DereferenceFile(F);
}

void Pin(SharedMap* S, CacheRange& R) { Enter(S->Pins, S->Writes, R, ~0u); }
void Unpin(SharedMap* S, CacheRange& R)
{
    Hold Held(RangesLock);
    Remove(S->Pins, R);
}

InCache::InCache(PSECTION_OBJECT_POINTERS Section, u64 Offset, u64 Bytes)
{
    Of_ = Section ? static_cast<SharedMap*>(Section->SharedCacheMap) : nullptr;
    if (!Of_ || !Of_->Callbacks) {
        Of_ = nullptr;
        return;
    }
    ReferenceFile(&CONTAINING_RECORD(Of_, File, Cache)->Object);
    Me_.Who = Current();
    Me_.Offset = Offset;
    Me_.Bytes = Bytes;
    Hold Held(CallersLock);
    Me_.Next = Of_->Callers;
    Of_->Callers = &Me_;
}

InCache::~InCache()
{
    if (!Of_)
        return;
    for (;;) {
        LONG Users;
        {
            Hold Held(CallersLock);
            Users = Me_.Users;
            if (!Users) {
                for (CacheCaller** At = &Of_->Callers; *At; At = &(*At)->Next)
                    if (*At == &Me_) {
                        *At = Me_.Next;
                        break;
                    }
                break;
            }
        }
        RtlWaitOnAddress(&Me_.Users, &Users, sizeof(Users), nullptr);
    }
    DereferenceFile(&CONTAINING_RECORD(Of_, File, Cache)->Object);
}

}
