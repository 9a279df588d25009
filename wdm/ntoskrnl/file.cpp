// FILE_OBJECTs: references, and those that file systems make for the cache of what is no file.
#include "wdm/ntoskrnl/device.hpp"
#include "wdm/ntoskrnl/fsd.hpp"
#include "wdm/ntoskrnl/object.hpp"

extern "C" NTSTATUS NTAPI NtCompareObjects(HANDLE, HANDLE);

namespace host {

FILE_OBJECT* NewFileObject(File::Sort Of, DEVICE_OBJECT* D, usize More)
{
    auto* N = static_cast<File*>(Allocate(sizeof(File) + More));
    if (!N)
        return nullptr;
    N->References = 1;
    N->Of = Of;
    N->NameRoom = u32(More);
    FILE_OBJECT* F = &N->Object;
    F->Type = IO_TYPE_FILE;
    F->Size = sizeof(FILE_OBJECT);
    F->DeviceObject = D;
    KeInitializeEvent(&F->Event, NotificationEvent, FALSE);
    KeInitializeEvent(&F->Lock, SynchronizationEvent, TRUE);
    return F;
}

void FreeFile(FILE_OBJECT* F)
{
    if (!F)
        return;
    File* N = File::From(F);
    // A file system that exchanges the name gives pool, as on Windows.
    u64 At = u64(F->FileName.Buffer), Own = u64(F + 1);
    if (At && (At < Own || At >= Own + N->NameRoom))
        ExFreePool(F->FileName.Buffer);
    Free(N->Close);
    Free(N);
}

namespace {

Lock HandleLock;
LIST_ENTRY ByHandle = { &ByHandle, &ByHandle };

NTSTATUS NTAPI Sent(PDEVICE_OBJECT, PIRP I, PVOID Context)
{
    if (I->PendingReturned)
        KeSetEvent(static_cast<PKEVENT>(Context), 0, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

// Cleanup or close of a stream file, to the file system.
void Send(FILE_OBJECT* F, UCHAR Major)
{
    DEVICE_OBJECT* Top = TopOf(F->Vpb && F->Vpb->DeviceObject ? F->Vpb->DeviceObject : F->DeviceObject);
    IRP* I = IoAllocateIrp(Top->StackSize, FALSE);
    if (!I)
        return;                         // without memory it does not hear of it
    KEVENT Event;
    KeInitializeEvent(&Event, SynchronizationEvent, FALSE);
    I->Flags |= IRP_SYNCHRONOUS_API | (Major == IRP_MJ_CLOSE ? IRP_CLOSE_OPERATION : 0);
    I->Tail.Overlay.Thread = reinterpret_cast<PETHREAD>(Current());
    I->Tail.Overlay.OriginalFileObject = F;
    IO_STACK_LOCATION* S = IoGetNextIrpStackLocation(I);
    S->MajorFunction = Major;
    S->FileObject = F;
    IoSetCompletionRoutine(I, Sent, &Event, TRUE, TRUE, TRUE);
    if (IofCallDriver(Top, I) == STATUS_PENDING)
        KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, nullptr);
    IoFreeIrp(I);
}

struct LateClose {
    WORK_QUEUE_ITEM Item;
    wd::Message M;
};
void NTAPI CloseNow(PVOID Context)
{
    auto* L = static_cast<LateClose*>(Context);
    Receive(L->M);
    Free(L);
}

}

FILE_OBJECT* FileOfHandle(HANDLE H)
{
    {
        Hold Held(HandleLock);
        for (LIST_ENTRY* At = ByHandle.Flink; At != &ByHandle; At = At->Flink) {
            File* N = CONTAINING_RECORD(At, File, ByHandle);
            if (__atomic_load_n(&N->References, __ATOMIC_RELAXED) <= 0 || NtCompareObjects(N->Object.FsContext2, H) != STATUS_SUCCESS)
                continue;
            __atomic_add_fetch(&N->References, 1, __ATOMIC_RELAXED);
            NtClose(H);
            return &N->Object;
        }
    }
    wd::DeviceId Id { u64(H) };
    wd::DeviceAbout About {};
    FILE_OBJECT* F = Control(wd::Control::DeviceOf, &Id, sizeof(Id), &About, sizeof(About)) >= 0 ? NewFileObject(File::Sort::Handle, nullptr) : nullptr;
    if (!F) {
        NtClose(H);
        return nullptr;
    }
    // A device of the Executive's own has no address here.
    F->DeviceObject = About.Cookie ? reinterpret_cast<DEVICE_OBJECT*>(About.Cookie) : About.Id ? DeviceById(About.Id) : nullptr;
    F->FsContext2 = H;
    F->Flags = FO_HANDLE_CREATED;
    Hold Held(HandleLock);
    InsertHeadList(&ByHandle, &File::From(F)->ByHandle);
    return F;
}

LONG ReferenceFile(FILE_OBJECT* F) { return __atomic_add_fetch(&File::From(F)->References, 1, __ATOMIC_RELAXED); }

LONG DereferenceFile(FILE_OBJECT* F)
{
    File* N = File::From(F);
    LONG Left = __atomic_sub_fetch(&N->References, 1, __ATOMIC_ACQ_REL);
    if (Left > 0)
        return Left;
    switch (N->Of) {
    case File::Sort::Handle:
        if (N->ByHandle.Flink) {
            Hold Held(HandleLock);
            RemoveEntryList(&N->ByHandle);
        }
        NtClose(F->FsContext2);
        FreeFile(F);
        break;
    case File::Sort::Stream:
        Send(F, IRP_MJ_CLOSE);
        FreeFile(F);
        break;
    case File::Sort::Client:
        // The close that waited comes again, from a thread where the driver holds nothing.
        if (auto* L = New<LateClose>(); L && N->Close) {
            L->M = *N->Close;
            N->References = 1;
            ExInitializeWorkItem(&L->Item, CloseNow, L);
            ExQueueWorkItem(&L->Item, DelayedWorkQueue);
        } else {
            Free(L);                    // a reference too few, or no memory: it stays
        }
        break;
    }
    return 0;
}

bool MayClose(FILE_OBJECT* F, const wd::Message& M)
{
    File* N = File::From(F);
    if (__atomic_load_n(&N->References, __ATOMIC_ACQUIRE) == 1 && !N->Close)
        return true;
    if (!N->Close) {
        N->Close = New<wd::Message>();
        if (!N->Close)
            return true;
        *N->Close = M;
    } else {
        return true;                    // it has come again
    }
    DereferenceFile(F);
    return false;
}

}

using namespace host;

extern "C" {

// As IoCreateStreamFileObject of Windows: its handle is closed at once, which the file system hears.
static PFILE_OBJECT NewStream(PFILE_OBJECT Of, PDEVICE_OBJECT D, bool Cleanup)
{
    PFILE_OBJECT F = NewFileObject(File::Sort::Stream, Of ? Of->DeviceObject : D);
    if (!F)
        RtlRaiseStatus(STATUS_INSUFFICIENT_RESOURCES);
    F->Vpb = F->DeviceObject->Vpb;
    if (Of && Of->Vpb)
        F->Vpb = Of->Vpb;
    F->Flags = FO_STREAM_FILE;
    if (Cleanup) {
        Send(F, IRP_MJ_CLEANUP);
        F->Flags |= FO_CLEANUP_COMPLETE;
    }
    return F;
}
PFILE_OBJECT NTAPI IoCreateStreamFileObjectEx(PFILE_OBJECT Of, PDEVICE_OBJECT D, PHANDLE Handle)
{
    if (Handle)
        *Handle = nullptr;              // there is no handle of it
    return NewStream(Of, D, !Handle);
}
PFILE_OBJECT NTAPI IoCreateStreamFileObject(PFILE_OBJECT Of, PDEVICE_OBJECT D) { return NewStream(Of, D, true); }
PFILE_OBJECT NTAPI IoCreateStreamFileObjectLite(PFILE_OBJECT Of, PDEVICE_OBJECT D) { return NewStream(Of, D, false); }

}
