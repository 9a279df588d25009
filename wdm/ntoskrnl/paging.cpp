// Paging requests to file systems that gave callbacks for the lazy writer.
//
// On Windows a page is read by the thread that misses it, and written by the thread that flushes or by the lazy writer, which takes the file's locks first. Here the Executive
// does both, and its requests come by the ring. So that a file system finds what it expects:
// - a write is a lazy writer's: AcquireForLazyWrite, the request, ReleaseFromLazyWrite in one thread, one write of a file at a time;
// - a read is made with the header's PagingIoResource shared, as it is when the memory manager reads;
// - neither waits for these locks. Whoever has them alone may be waiting in a Cc call for this very request (a flush, a purge): then the request runs in that thread's name, which is what
//   the thread itself would do on Windows. Otherwise it is tried again soon.
// The requests are synchronous (IRP_SYNCHRONOUS_PAGING_IO), as Windows' are.
#include "wdm/ntoskrnl/object.hpp"

namespace host {

namespace {

Lock CallersLock;

// Does it as the thread that has the file's locks and waits for its data. False: there is none.
bool CallAsOwner(DEVICE_OBJECT* D, IRP* I, SharedMap* S, PFSRTL_COMMON_FCB_HEADER H)
{
    CacheCaller* Found = nullptr;
    {
        Hold Held(CallersLock);
        for (CacheCaller* C = S->Callers; C && !Found; C = C->Next)
            if (OwnsAlone(H->Resource, C->Who) || OwnsAlone(H->PagingIoResource, C->Who))
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

bool TryWrite(DEVICE_OBJECT* D, IRP* I, SharedMap* S)
{
    Blocking Now;
    Hold Held(S->Writing);
    if (!S->Callbacks->AcquireForLazyWrite(S->Context, FALSE))
        return false;
    (void)IofCallDriver(D, I);
    S->Callbacks->ReleaseFromLazyWrite(S->Context);
    return true;
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
    while (!(Write ? TryWrite(D, I, S) : TryRead(D, I, H)) && !CallAsOwner(D, I, S, H)) {
        LARGE_INTEGER Soon;
        Soon.QuadPart = -20'000;
        KeDelayExecutionThread(KernelMode, FALSE, &Soon);
    }
    DereferenceFile(Shares);
    DereferenceFile(F);
}

InCache::InCache(PSECTION_OBJECT_POINTERS Section)
{
    Of_ = Section ? static_cast<SharedMap*>(Section->SharedCacheMap) : nullptr;
    if (!Of_ || !Of_->Callbacks) {
        Of_ = nullptr;
        return;
    }
    ReferenceFile(&CONTAINING_RECORD(Of_, File, Cache)->Object);
    Me_.Who = Current();
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
