// IRPs: from the ring's messages, allocation, the way down and the way up.
#include "wdm/ntoskrnl/device.hpp"
#include "wdm/ntoskrnl/fsd.hpp"
#include "wdm/ntoskrnl/object.hpp"

#include <srb.h>

namespace host {

namespace {

constexpr u32 MostTags = 2048;
HostIrp* ByTag[MostTags];               // requests from the ring, under way; at DISPATCH_LEVEL, so that a cancel finds them whole
KSPIN_LOCK CancelLock;

// IRPs for reuse, by number of stack locations. Freed ones stay poisoned for a while: completing one again is noticed.
constexpr int Classes = 8;
HostIrp* FreeIrps[Classes];
Lock PoolLock;

USHORT SizeOf(CCHAR Stacks) { return USHORT(sizeof(IRP) + Stacks * sizeof(IO_STACK_LOCATION)); }

void Initialize(IRP* I, USHORT Bytes, CCHAR Stacks)
{
    memset(I, 0, Bytes);
    I->Type = IO_TYPE_IRP;
    I->Size = Bytes;
    I->StackCount = Stacks;
    I->CurrentLocation = CHAR(Stacks + 1);
    InitializeListHead(&I->ThreadListEntry);
    I->Tail.Overlay.CurrentStackLocation = reinterpret_cast<IO_STACK_LOCATION*>(I + 1) + Stacks;
}

// An MDL of pages in the data area.
MDL* DataMdl(u32 Page, u32 Offset, u32 Bytes, bool Write)
{
    u8* At = DataAt(Page, Offset);
    MDL* M;
    u32 Pages = u32((Bytes + (Offset & PageMask) + PageMask) >> PageShift);
    M = static_cast<MDL*>(Allocate(sizeof(MDL) + Pages * sizeof(PFN_NUMBER)));
    if (!M)
        return nullptr;
    M->Size = CSHORT(sizeof(MDL) + Pages * sizeof(PFN_NUMBER));
    M->MdlFlags = CSHORT(MDL_PAGES_LOCKED | MDL_MAPPED_TO_SYSTEM_VA | (Write ? MDL_WRITE_OPERATION : 0));
    M->Process = nullptr;
    M->MappedSystemVa = At;
    M->StartVa = reinterpret_cast<PVOID>(u64(At) & ~PageMask);
    M->ByteCount = Bytes;
    M->ByteOffset = u32(u64(At) & PageMask);
    auto* Frames = reinterpret_cast<PFN_NUMBER*>(M + 1);
    for (u32 P = 0; P < Pages; ++P)
        Frames[P] = DataFrame(Page + (Offset >> PageShift) + P);
    return M;
}

// An MDL of lent pages.
MDL* LentMdl(HostIrp* H)
{
    const wd::Message& M = H->M;
    u32 Pages = u32((u64(M.OutputOffset) + M.OutputBytes + PageMask) >> PageShift);
    auto* L = static_cast<MDL*>(Allocate(sizeof(MDL) + Pages * sizeof(PFN_NUMBER)));
    if (!L)
        return nullptr;
    L->Size = CSHORT(sizeof(MDL) + Pages * sizeof(PFN_NUMBER));
    L->MdlFlags = CSHORT(MDL_PAGES_LOCKED | (M.Flags & wd::LentReadOnly ? 0 : MDL_WRITE_OPERATION));
    L->StartVa = reinterpret_cast<PVOID>(LentBase | u64(M.Tag % MostTags) << 32);
    L->ByteCount = M.OutputBytes;
    L->ByteOffset = M.OutputOffset;
    auto* From = reinterpret_cast<const u64*>(DataAt(M.Data, u32(AlignUp(M.InputBytes, 8))));
    auto* Frames = reinterpret_cast<PFN_NUMBER*>(L + 1);
    for (u32 P = 0; P < Pages; ++P)
        Frames[P] = PFN_NUMBER(From[P]);
    return L;
}

FILE_OBJECT* NewFile(DEVICE_OBJECT* D, const wd::Message& M)
{
    FILE_OBJECT* F = NewFileObject(File::Sort::Client, D, M.InputBytes + 2);
    if (!F)
        return nullptr;
    F->Vpb = VpbOf(D);
    F->RelatedFileObject = reinterpret_cast<FILE_OBJECT*>(M.Related);
    auto* Name = reinterpret_cast<WCHAR*>(F + 1);
    if (M.InputBytes)
        memcpy(Name, DataAt(M.Data, 0), M.InputBytes);
    F->FileName = { USHORT(M.InputBytes), USHORT(M.InputBytes + 2), Name };
    u32 Options = M.Options & 0xFFFFFF;
    F->Flags = (Options & (FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT) ? FO_SYNCHRONOUS_IO : 0) | (Options & FILE_SYNCHRONOUS_IO_ALERT ? FO_ALERTABLE_IO : 0) |
               (Options & FILE_NO_INTERMEDIATE_BUFFERING ? FO_NO_INTERMEDIATE_BUFFERING : 0) | (Options & FILE_WRITE_THROUGH ? FO_WRITE_THROUGH : 0);
    F->ReadAccess = (M.Access & (FILE_READ_DATA | FILE_EXECUTE)) != 0;
    F->WriteAccess = (M.Access & (FILE_WRITE_DATA | FILE_APPEND_DATA)) != 0;
    F->DeleteAccess = (M.Access & DELETE) != 0;
    F->SharedRead = (M.Share & FILE_SHARE_READ) != 0;
    F->SharedWrite = (M.Share & FILE_SHARE_WRITE) != 0;
    F->SharedDelete = (M.Share & FILE_SHARE_DELETE) != 0;
    return F;
}

struct CreateExtras {
    IO_SECURITY_CONTEXT Security;
    ACCESS_STATE Access;
    MAILSLOT_CREATE_PARAMETERS Slot;
};

// The block is used where it lies: the Executive takes it back from there.
bool PresentSrb(HostIrp* H, IRP* I, IO_STACK_LOCATION* S)
{
    const wd::Message& M = H->M;
    if (M.InputBytes != sizeof(wd::Srb))
        return false;
    auto* Wire = reinterpret_cast<wd::Srb*>(DataAt(M.Data, 0));
    auto* Srb = reinterpret_cast<SCSI_REQUEST_BLOCK*>(Wire->Block);
    if (M.OutputBytes && !I->MdlAddress && !(I->MdlAddress = DataMdl(M.Data, M.OutputOffset, M.OutputBytes, true)))
        return false;
    Srb->DataBuffer = I->MdlAddress ? MmGetMdlVirtualAddress(I->MdlAddress) : nullptr;
    Srb->SenseInfoBuffer = Wire->HasSense ? Wire->Sense : nullptr;
    Srb->OriginalRequest = I;
    Srb->NextSrb = nullptr;
    Srb->SrbExtension = nullptr;
    memset(&S->Parameters, 0, sizeof(S->Parameters));
    S->Parameters.Scsi.Srb = Srb;
    return true;
}

// How the data is shown to the driver.
bool Present(HostIrp* H, IRP* I, IO_STACK_LOCATION* S, DEVICE_OBJECT* D)
{
    const wd::Message& M = H->M;
    u8* In = M.InputBytes ? DataAt(M.Data, 0) : nullptr;
    u8* Out = M.OutputBytes ? DataAt(M.Data, M.OutputOffset) : nullptr;
    if (M.Flags & wd::Lent) {
        if (!(I->MdlAddress = LentMdl(H)))
            return false;
        Out = static_cast<u8*>(MmGetMdlVirtualAddress(I->MdlAddress));
    }
    if (M.Mode == wd::Transfer::Srb)
        return PresentSrb(H, I, S);
    if (M.Mode == wd::Transfer::Pnp)
        return PresentPnp(M, I, S, D);
    switch (M.Major) {
    case IRP_MJ_READ:
    case IRP_MJ_WRITE: {
        bool Write = M.Major == IRP_MJ_WRITE;
        if (M.Flags & wd::Lent) {
            I->UserBuffer = Out;
            if (D->Flags & DO_DIRECT_IO || M.IrpFlags & IRP_PAGING_IO)
                return true;
            // A driver that wants an address gets one.
            if (!(Out = MapLent(I->MdlAddress)))
                return false;
            I->UserBuffer = Out;
            if (D->Flags & DO_BUFFERED_IO)
                I->AssociatedIrp.SystemBuffer = Out;
            return true;
        }
        u8* Buffer = Write ? In : Out;
        u32 Bytes = Write ? M.InputBytes : M.OutputBytes;
        I->UserBuffer = Buffer;
        if (D->Flags & DO_BUFFERED_IO) {
            I->AssociatedIrp.SystemBuffer = Buffer;
            I->Flags |= IRP_BUFFERED_IO | (Write ? 0 : IRP_INPUT_OPERATION);
        } else if ((D->Flags & DO_DIRECT_IO || I->Flags & (IRP_NOCACHE | IRP_PAGING_IO)) && Bytes) {
            I->MdlAddress = DataMdl(M.Data, 0, Bytes, !Write);
            return I->MdlAddress != nullptr;
        }
        return true;
    }
    case IRP_MJ_DEVICE_CONTROL:
    case IRP_MJ_INTERNAL_DEVICE_CONTROL:
    case IRP_MJ_FILE_SYSTEM_CONTROL:
        switch (M.Mode) {
        case wd::Transfer::Buffered:
            I->AssociatedIrp.SystemBuffer = In ? In : Out;
            I->UserBuffer = Out;
            I->Flags |= IRP_BUFFERED_IO;
            return true;
        case wd::Transfer::Direct:
            I->AssociatedIrp.SystemBuffer = In;
            if (M.OutputBytes && !I->MdlAddress) {
                I->MdlAddress = DataMdl(M.Data, M.OutputOffset, M.OutputBytes, true);
                return I->MdlAddress != nullptr;
            }
            return true;
        default:
            S->Parameters.DeviceIoControl.Type3InputBuffer = In;
            I->UserBuffer = Out;
            return true;
        }
    case IRP_MJ_DIRECTORY_CONTROL:
        if (M.Minor == IRP_MN_QUERY_DIRECTORY && M.InputBytes) {
            auto* Name = New<UNICODE_STRING>();
            if (!Name)
                return false;
            *Name = { USHORT(M.InputBytes), USHORT(M.InputBytes), reinterpret_cast<WCHAR*>(In) };
            S->Parameters.QueryDirectory.FileName = Name;
            H->Extra = Name;
        }
        I->UserBuffer = Out;
        if (D->Flags & DO_DIRECT_IO && M.OutputBytes)
            I->MdlAddress = DataMdl(M.Data, M.OutputOffset, M.OutputBytes, true);
        else
            I->AssociatedIrp.SystemBuffer = Out;
        return true;
    default:
        I->AssociatedIrp.SystemBuffer = In ? In : Out;
        I->Flags |= IRP_BUFFERED_IO;
        return true;
    }
}

bool PresentCreate(HostIrp* H, IRP* I, IO_STACK_LOCATION* S, DEVICE_OBJECT* D)
{
    const wd::Message& M = H->M;
    FILE_OBJECT* F = NewFile(D, M);
    auto* X = New<CreateExtras>();
    if (!F || !X) {
        FreeFile(F);
        Free(X);
        return false;
    }
    X->Security.AccessState = &X->Access;
    X->Security.DesiredAccess = M.Access;
    X->Access.PreviouslyGrantedAccess = X->Access.OriginalDesiredAccess = M.Access;
    S->Parameters.Create.SecurityContext = &X->Security;
    S->Parameters.Create.Options = M.Options;
    S->Parameters.Create.FileAttributes = M.Attributes;
    S->Parameters.Create.ShareAccess = M.Share;
    S->Parameters.Create.EaLength = ULONG(M.Parameters[0]);
    I->Overlay.AllocationSize.QuadPart = LONGLONG(M.Parameters[1]);
    if (M.Minor == wd::CreateMailslot) {
        X->Slot = { ULONG(M.Parameters[1]), ULONG(M.Parameters[1] >> 32), { .QuadPart = LONGLONG(M.Parameters[3]) }, TRUE };
        S->MajorFunction = IRP_MJ_CREATE_MAILSLOT;
        S->MinorFunction = 0;
        S->Parameters.CreateMailslot.Parameters = &X->Slot;
        I->Overlay.AllocationSize.QuadPart = 0;
    }
    if (M.OutputBytes)
        I->AssociatedIrp.SystemBuffer = DataAt(M.Data, M.OutputOffset);
    S->FileObject = F;
    I->Tail.Overlay.OriginalFileObject = F;
    H->Extra = X;
    return true;
}

void FinishRing(HostIrp* H);

}

void ReceiveIrp(const wd::Message& M)
{
    if (M.Major == IRP_MJ_CLOSE && M.File && !MayClose(reinterpret_cast<FILE_OBJECT*>(M.File), M))
        return;
    auto* Named = reinterpret_cast<DEVICE_OBJECT*>(M.Device);
    DEVICE_OBJECT* D = M.Flags & wd::Exact ? Named : TopOf(Named);
    HostIrp* H = NewIrp(D->StackSize);
    if (!H) {
        Answer(M.Tag, STATUS_INSUFFICIENT_RESOURCES, 0, 0);
        return;
    }
    H->Kind = RingKind;
    H->Tag = M.Tag;
    H->M = M;
    IRP* I = H->Irp();
    I->RequestorMode = KPROCESSOR_MODE(M.RequestorMode);
    I->Flags |= M.IrpFlags;
    I->Tail.Overlay.Thread = reinterpret_cast<PETHREAD>(M.Thread ? ClientThread | M.Thread : u64(Current()));
    I->UserIosb = &I->IoStatus;
    auto* File = reinterpret_cast<FILE_OBJECT*>(M.File);
    I->Tail.Overlay.OriginalFileObject = File;
    IO_STACK_LOCATION* S = IoGetNextIrpStackLocation(I);
    S->MajorFunction = M.Major;
    S->MinorFunction = M.Minor;
    S->Flags = M.StackFlags;
    S->FileObject = File;
    I->Flags |= FlagsOf(M);
    memcpy(&S->Parameters, M.Parameters, sizeof(M.Parameters));
    if (M.Major == IRP_MJ_LOCK_CONTROL) {
        auto* Length = static_cast<LARGE_INTEGER*>(Allocate(sizeof(LARGE_INTEGER)));
        if (Length)
            Length->QuadPart = LONGLONG(M.Parameters[0]);
        S->Parameters.LockControl.Length = Length;
        H->Extra = Length;
    }
    I->Flags |= M.IrpFlags;
    KIRQL Old = Raise(DISPATCH_LEVEL);
    ByTag[M.Tag % MostTags] = H;
    Lower(Old);
    bool Fine = M.Major == IRP_MJ_CREATE ? PresentCreate(H, I, S, M.Parameters[2] ? reinterpret_cast<DEVICE_OBJECT*>(M.Parameters[2]) : Named) : Present(H, I, S, D);
    if (!Fine) {
        I->IoStatus.Status = STATUS_INSUFFICIENT_RESOURCES;
        FinishRing(H);
        return;
    }
    if (File && M.Major == IRP_MJ_CLEANUP)
        File->Flags |= M.Parameters[0] ? FO_FILE_MODIFIED : 0;
    Thread* T = Current();
    T->Client = M.Process;
    T->ClientTag = M.Tag;
    bool Own = M.Mode == wd::Transfer::Neither || M.Major == IRP_MJ_READ || M.Major == IRP_MJ_WRITE || M.Major == IRP_MJ_DIRECTORY_CONTROL;
    T->OwnStart = Own ? u64(DataAt(M.Data, 0)) : 0;
    T->OwnEnd = T->OwnStart + (Own ? u64(M.OutputOffset) + (M.OutputBytes > M.InputBytes ? M.OutputBytes : M.InputBytes) : 0);
    Dispatching Now {};
    if (M.Flags & wd::TellReturn)
        H->Dispatch = &Now;
    NTSTATUS Returned = STATUS_SUCCESS;
    if (I->Flags & IRP_PAGING_IO)
        CallForPage(D, I, File);
    else
        Returned = IofCallDriver(D, I);
    T->Client = 0;
    if (M.Flags & wd::TellReturn) {
        Old = Raise(DISPATCH_LEVEL);
        if (!Now.Answered)
            H->Dispatch = nullptr;
        Lower(Old);
        if (Now.Answered) {
            Now.Answer.Minor |= wd::HasReturned;
            Now.Answer.Options = u32(Returned);
            Post(Now.Answer);
            return;
        }
    }
    if (M.Flags & wd::TellPending) {
        Old = Raise(DISPATCH_LEVEL);
        bool UnderWay = ByTag[M.Tag % MostTags] && ByTag[M.Tag % MostTags]->Tag == M.Tag;
        Lower(Old);
        if (UnderWay) {                 // or it was, a moment ago: then nobody looks for it any more
            wd::Reply R {};
            R.What = wd::ReplyKind::Pending;
            R.Tag = M.Tag;
            R.Status = u32(Returned);
            Post(R);
        }
    }
}

void ReceiveCancel(const wd::Message& M)
{
    KIRQL Irql;
    IoAcquireCancelSpinLock(&Irql);
    HostIrp* H = ByTag[M.Tag % MostTags];
    if (!H || H->Tag != M.Tag) {
        IoReleaseCancelSpinLock(Irql);
        return;
    }
    IRP* I = H->Irp();
    I->Cancel = TRUE;
    PDRIVER_CANCEL Routine = IoSetCancelRoutine(I, nullptr);
    if (!Routine) {
        IoReleaseCancelSpinLock(Irql);
        return;
    }
    I->CancelIrql = Irql;
    Routine(IoGetCurrentIrpStackLocation(I)->DeviceObject, I);
}

namespace {

// A request from the ring is complete.
void FinishRing(HostIrp* H)
{
    IRP* I = H->Irp();
    KIRQL Old = Raise(Irql() < DISPATCH_LEVEL ? DISPATCH_LEVEL : Irql());
    ByTag[H->Tag % MostTags] = nullptr;
    Lower(Old);
    u64 Cookie = 0;
    NTSTATUS Status = I->IoStatus.Status;
    u64 Information = I->IoStatus.Information;
    u32 Tag = H->Tag;
    if (I->MdlAddress) {
        for (MDL* M = I->MdlAddress; M;) {
            MDL* Next = M->Next;
            Free(M);
            M = Next;
        }
        I->MdlAddress = nullptr;
    }
    FILE_OBJECT* F = I->Tail.Overlay.OriginalFileObject;
    if (H->M.Major == IRP_MJ_CREATE) {
        TellShape(TopOf(reinterpret_cast<DEVICE_OBJECT*>(H->M.Device)));
        Cookie = u64(F);
        if (Status < 0) {
            Cookie = 0;
            FreeFile(F);
        } else if (F->SectionObjectPointer) {
            wd::Reply R {};
            R.What = wd::ReplyKind::FileIs;
            R.Tag = Tag;
            R.Information = u64(F->FsContext);
            R.File = u64(F->SectionObjectPointer);
            Post(R);
        }
    } else if (H->M.Major == IRP_MJ_CLEANUP && F) {
        F->Flags |= FO_CLEANUP_COMPLETE;
    } else if (H->M.Major == IRP_MJ_CLOSE) {
        FreeFile(F);
    } else if (H->M.Major == IRP_MJ_WRITE && F) {
        Cookie = u64(F->CurrentByteOffset.QuadPart);
    }
    if (H->Extra) {
        Free(H->Extra);
        H->Extra = nullptr;
    }
    if (H->M.Mode == wd::Transfer::Pnp)
        Information = PackPnp(H->M, I, H->M.OutputBytes ? DataAt(H->M.Data, H->M.OutputOffset) : nullptr, H->M.OutputBytes);
    wd::Reply R {};
    R.What = wd::ReplyKind::Done;
    R.Tag = Tag;
    R.Status = u32(Status);
    R.Information = Information;
    R.File = Cookie;
    R.Minor = I->PendingReturned ? wd::Pended : wd::NotPended;
    bool Waits = false;
    if (H->M.Flags & wd::TellReturn) {
        Old = Raise(Irql() < DISPATCH_LEVEL ? DISPATCH_LEVEL : Irql());
        if (Dispatching* D = H->Dispatch) {
            D->Answer = R;
            D->Answered = Waits = true;
        }
        Lower(Old);
    }
    FreeIrp(I);
    if (!Waits)
        Post(R);
}

// A request of the driver's own, after its last completion routine.
void FinishPlain(IRP* I)
{
    if (I->Flags & IRP_ASSOCIATED_IRP) {
        IRP* Master = I->AssociatedIrp.MasterIrp;
        LONG Left = __atomic_sub_fetch(&Master->AssociatedIrp.IrpCount, 1, __ATOMIC_ACQ_REL);
        IoFreeIrp(I);
        if (Left == 0)
            IofCompleteRequest(Master, IO_NO_INCREMENT);
        return;
    }
    if (I->Flags & IRP_BUFFERED_IO) {
        if (I->Flags & IRP_INPUT_OPERATION && I->IoStatus.Status >= 0 && I->UserBuffer && I->AssociatedIrp.SystemBuffer)
            memcpy(I->UserBuffer, I->AssociatedIrp.SystemBuffer, I->IoStatus.Information);
        if (I->Flags & IRP_DEALLOCATE_BUFFER)
            Free(I->AssociatedIrp.SystemBuffer);
    }
    for (MDL* M = I->MdlAddress; M;) {
        MDL* Next = M->Next;
        Free(M);
        M = Next;
    }
    PKEVENT Event = I->UserEvent;
    if (I->UserIosb)
        *I->UserIosb = I->IoStatus;
    FreeIrp(I);
    if (Event)
        KeSetEvent(Event, 0, FALSE);
}

}

HostIrp* NewIrp(CCHAR Stacks)
{
    HostIrp* H = nullptr;
    USHORT Bytes = SizeOf(Stacks);
    if (Stacks < Classes) {
        Hold Held(PoolLock);
        if ((H = FreeIrps[int(Stacks)]))
            FreeIrps[int(Stacks)] = H->NextFree;
    }
    if (!H)
        H = static_cast<HostIrp*>(Allocate(sizeof(HostIrp) + Bytes));
    if (!H)
        return nullptr;
    H->Kind = PlainKind;
    H->Completed = false;
    H->Extra = nullptr;
    H->Dispatch = nullptr;
    H->LentAt = 0;
    H->Origin = 0;
    Initialize(H->Irp(), Bytes, Stacks);
    H->Irp()->ApcEnvironment = Prefixed;
    H->Irp()->AllocationFlags = Stacks < Classes ? IRP_ALLOCATED_FIXED_SIZE : 0;
    return H;
}

void FreeIrp(IRP* I)
{
    if (!HasPrefix(I))
        return;
    HostIrp* H = HostIrp::Of(I);
    I->Type = 0;                        // completing it again is noticed
    if (I->StackCount < Classes) {
        Hold Held(PoolLock);
        H->NextFree = FreeIrps[int(I->StackCount)];
        FreeIrps[int(I->StackCount)] = H;
        return;
    }
    Free(H);
}

void MarkLent(MDL* M, u32 Tag) { M->StartVa = reinterpret_cast<PVOID>(LentBase | u64(Tag % MostTags) << 32); }
HostIrp* LenderOf(const MDL* M) { return ByTag[u64(M->StartVa) >> 32 & (MostTags - 1)]; }

u8* MapLent(const MDL* M)
{
    HostIrp* H = LenderOf(M);
    if (!H)
        return nullptr;
    if (!H->LentAt) {
        wd::LentPages L { H->Tag, 0 };
        wd::Address A {};
        if (Control(wd::Control::MapLent, &L, sizeof(L), &A, sizeof(A)) < 0)
            return nullptr;
        H->LentAt = A.At;
    }
    return reinterpret_cast<u8*>(H->LentAt + u32(u64(M->StartVa)) + M->ByteOffset);
}

}

using namespace host;
#define CALLER __builtin_return_address(0)

extern "C" {

NTSTATUS FASTCALL IofCallDriver(PDEVICE_OBJECT D, PIRP I)
{
    if (I->Type != IO_TYPE_IRP || I->CurrentLocation <= 1) [[unlikely]]
        BugCheck(0x35, u64(I), 0, 0, 0, "NO_MORE_IRP_STACK_LOCATIONS: an IRP is sent that has no stack location left", CALLER);
    if (HasPrefix(I) && !HostIrp::Of(I)->Origin)
        HostIrp::Of(I)->Origin = I->CurrentLocation;
    --I->CurrentLocation;
    IO_STACK_LOCATION* S = --I->Tail.Overlay.CurrentStackLocation;
    S->DeviceObject = D;
    KIRQL Before = Irql();
    PDRIVER_DISPATCH Routine = D->DriverObject->MajorFunction[S->MajorFunction];
    NTSTATUS Status = Routine(D, I);
    if (Irql() != Before) [[unlikely]]
        BugCheck(0xC9, 0x0A, u64(Routine), Irql(), Before, "a dispatch routine returned at another IRQL", reinterpret_cast<void*>(Routine));
    return Status;
}
NTSTATUS NTAPI IoCallDriverExport(PDEVICE_OBJECT D, PIRP I) { return IofCallDriver(D, I); }
NTSTATUS NTAPI PoCallDriver(PDEVICE_OBJECT D, PIRP I) { return IofCallDriver(D, I); }
void NTAPI PoStartNextPowerIrp(PIRP) { }

void FASTCALL IofCompleteRequest(PIRP I, CCHAR)
{
    if (I->Type != IO_TYPE_IRP || I->CurrentLocation > I->StackCount + 1) [[unlikely]]
        BugCheck(0x44, u64(I), 0, 0, 0, "MULTIPLE_IRP_COMPLETE_REQUESTS: an IRP is completed twice", CALLER);
    if (I->CancelRoutine) [[unlikely]]
        BugCheck(0x48, u64(I), 0, 0, 0, "CANCEL_STATE_IN_COMPLETED_IRP: an IRP is completed with a cancel routine set", CALLER);
    if (Irql() > DISPATCH_LEVEL) [[unlikely]]
        BugCheck(0x0A, u64(I), Irql(), 0, 0, "IoCompleteRequest above DISPATCH_LEVEL", CALLER);
    // Up: each location's completion routine belongs to the driver above it.
    IO_STACK_LOCATION* S = IoGetCurrentIrpStackLocation(I);
    ++I->CurrentLocation;
    ++I->Tail.Overlay.CurrentStackLocation;
    while (I->CurrentLocation <= I->StackCount + 1) {
        I->PendingReturned = S->Control & SL_PENDING_RETURNED;
        NTSTATUS Status = I->IoStatus.Status;
        if ((Status >= 0 && S->Control & SL_INVOKE_ON_SUCCESS) || (Status < 0 && S->Control & SL_INVOKE_ON_ERROR) || (I->Cancel && S->Control & SL_INVOKE_ON_CANCEL)) {
            PIO_COMPLETION_ROUTINE Routine = S->CompletionRoutine;
            PVOID Context = S->Context;
            memset(S, 0, sizeof(*S));
            DEVICE_OBJECT* D = I->CurrentLocation == I->StackCount + 1 ? nullptr : IoGetCurrentIrpStackLocation(I)->DeviceObject;
            if (Routine(D, I, Context) == STATUS_MORE_PROCESSING_REQUIRED)
                return;
        } else if (I->PendingReturned && I->CurrentLocation <= I->StackCount) {
            IoMarkIrpPending(I);
        }
        S = IoGetCurrentIrpStackLocation(I);
        ++I->CurrentLocation;
        ++I->Tail.Overlay.CurrentStackLocation;
    }
    if (HasPrefix(I) && HostIrp::Of(I)->Kind == RingKind)
        FinishRing(HostIrp::Of(I));
    else
        FinishPlain(I);
}
void NTAPI IoCompleteRequestExport(PIRP I, CCHAR B) { IofCompleteRequest(I, B); }

PIRP NTAPI IoAllocateIrp(CCHAR Stacks, BOOLEAN)
{
    HostIrp* H = NewIrp(Stacks);
    return H ? H->Irp() : nullptr;
}
void NTAPI IoFreeIrp(PIRP I)
{
    if (I->Type != IO_TYPE_IRP) [[unlikely]]
        BugCheck(0x44, u64(I), 1, 0, 0, "an IRP is freed that is none, or for the second time", CALLER);
    if (HasPrefix(I)) {
        HostIrp* H = HostIrp::Of(I);
        if (H->Kind == RingKind) [[unlikely]]
            BugCheck(0xC9, 1, u64(I), 0, 0, "an IRP is freed that the driver did not make", CALLER);
        if (H->Origin && I->CurrentLocation < H->Origin) [[unlikely]]
            BugCheck(0xC9, 1, u64(I), 0, 0, "an IRP is freed while a driver has it", CALLER);
    }
    if (I->CancelRoutine) [[unlikely]]
        BugCheck(0xC9, 2, u64(I), u64(I->CancelRoutine), 0, "an IRP is freed that still has a cancel routine", CALLER);
    FreeIrp(I);
}
void NTAPI IoInitializeIrp(PIRP I, USHORT Bytes, CCHAR Stacks) { Initialize(I, Bytes, Stacks); }
void NTAPI IoReuseIrp(PIRP I, NTSTATUS Status)
{
    UCHAR Flags = I->AllocationFlags;
    bool Ours = HasPrefix(I);
    if (Ours) {
        HostIrp* H = HostIrp::Of(I);
        if (H->Origin && I->CurrentLocation < H->Origin) [[unlikely]]
            BugCheck(0xC9, 1, u64(I), 1, 0, "an IRP is reused while a driver has it", CALLER);
        H->Origin = 0;
    }
    Initialize(I, I->Size, I->StackCount);
    I->AllocationFlags = Flags;
    I->ApcEnvironment = Ours ? Prefixed : 0;
    I->IoStatus.Status = Status;
}
PIRP NTAPI IoMakeAssociatedIrp(PIRP Master, CCHAR Stacks)
{
    PIRP I = IoAllocateIrp(Stacks, FALSE);
    if (I) {
        I->Flags |= IRP_ASSOCIATED_IRP;
        I->Tail.Overlay.Thread = Master->Tail.Overlay.Thread;
        I->AssociatedIrp.MasterIrp = Master;
    }
    return I;
}

// --- cancelling

void NTAPI IoAcquireCancelSpinLock(PKIRQL Irql) { *Irql = KeAcquireSpinLockRaiseToDpc(&CancelLock); }
void NTAPI IoReleaseCancelSpinLock(KIRQL Irql) { KeReleaseSpinLock(&CancelLock, Irql); }
BOOLEAN NTAPI IoCancelIrp(PIRP I)
{
    KIRQL Irql;
    IoAcquireCancelSpinLock(&Irql);
    I->Cancel = TRUE;
    PDRIVER_CANCEL Routine = IoSetCancelRoutine(I, nullptr);
    if (!Routine) {
        IoReleaseCancelSpinLock(Irql);
        return FALSE;
    }
    I->CancelIrql = Irql;
    Routine(IoGetCurrentIrpStackLocation(I)->DeviceObject, I);
    return TRUE;
}
ULONG NTAPI IoGetRequestorProcessId(PIRP I)
{
    return HasPrefix(I) && HostIrp::Of(I)->Kind == RingKind ? ULONG(HostIrp::Of(I)->M.Process) : ULONG(OwnProcessId());
}

}
