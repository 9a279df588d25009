// Devices of other processes: device objects here that stand for those there. IRPs sent to them travel by way of the Executive.
#include "wdm/ntoskrnl/device.hpp"
#include "wdm/ntoskrnl/fsd.hpp"
#include "wdm/ntoskrnl/object.hpp"

#include <srb.h>

namespace host {

namespace {

// An IRP that is away.
struct Call {
    Call* Next;
    wd::RemoteCall C;
    IRP* Irp;
    wd::Srb Srb;
    u8* Buffer;                         // of IRP_MJ_PNP
};
Lock CallLock;
Call* Calls;
u32 NextTag;
DRIVER_OBJECT* RemoteDriver;

static_assert(sizeof(SCSI_REQUEST_BLOCK) == sizeof(wd::Srb::Block) && offsetof(SCSI_REQUEST_BLOCK, Cdb) == 72);

struct Stand {
    Stand* Next;
    DEVICE_OBJECT* Device;
    u64 Id;
    HANDLE Handle;                      // of the file it was opened by, if it was
};
Stand* Stands;
Lock StandLock;

void NTAPI Cancel(PDEVICE_OBJECT, PIRP I)
{
    IoReleaseCancelSpinLock(I->CancelIrql);
    u32 Tag = 0;
    bool Found = false;
    {
        Hold Held(CallLock);
        for (Call* C = Calls; C && !Found; C = C->Next) {
            if (C->Irp == I) {
                Tag = C->C.Tag;
                Found = true;
            }
        }
    }
    if (!Found)
        return;                         // it is coming back already
    wd::Reply R {};
    R.What = wd::ReplyKind::CancelCall;
    R.Tag = Tag;
    Post(R);
}

using namespace wd::call;

// Data described by an MDL: Bytes from Offset behind its beginning.
void Pages(wd::RemoteCall& C, MDL* M, u64 Offset, u32 Bytes)
{
    C.OutputBytes = Bytes;
    C.Output = u64(M->StartVa) + M->ByteOffset + Offset;
    if (!IsLent(M)) {
        C.Flags |= MayLend;
        return;
    }
    C.Flags |= PagesOfParent;
    C.LentOffset = u32(C.Output);
    HostIrp* H = LenderOf(M);
    C.Parent = H ? H->Tag : ~0u;
}

void Memory(wd::RemoteCall& C, PVOID At, u32 Bytes)
{
    C.Output = u64(At);
    C.OutputBytes = Bytes;
    C.Flags |= MayLend;
}

// True: there is an SRB.
bool DescribeSrb(Call& A, IRP* I, IO_STACK_LOCATION* S)
{
    auto* Srb = S->Parameters.Scsi.Srb;
    if (!Srb || S->Parameters.DeviceIoControl.IoControlCode != 0 || Srb->Length != sizeof(*Srb))
        return false;
    wd::RemoteCall& C = A.C;
    memcpy(A.Srb.Block, Srb, sizeof(*Srb));
    auto& Copy = *reinterpret_cast<SCSI_REQUEST_BLOCK*>(A.Srb.Block);
    Copy.DataBuffer = Copy.SenseInfoBuffer = Copy.OriginalRequest = Copy.SrbExtension = nullptr;
    Copy.NextSrb = nullptr;
    A.Srb.HasSense = Srb->SenseInfoBuffer && Srb->SenseInfoBufferLength;
    C.Mode = wd::Transfer::Srb;
    C.Input = u64(&A.Srb);
    C.InputBytes = sizeof(A.Srb);
    C.Flags = InputBack;
    memset(C.Parameters, 0, sizeof(C.Parameters));
    if (!(Srb->SrbFlags & (SRB_FLAGS_DATA_IN | SRB_FLAGS_DATA_OUT)) || !Srb->DataTransferLength)
        return true;
    C.Flags |= (Srb->SrbFlags & SRB_FLAGS_DATA_IN ? OutputBackWhole : 0) | (Srb->SrbFlags & SRB_FLAGS_DATA_OUT ? OutputIn : 0);
    u64 At = u64(Srb->DataBuffer);
    MDL* M = I->MdlAddress;
    u64 Start = M ? u64(M->StartVa) + M->ByteOffset : 0;
    if (M && At >= Start && At - Start <= M->ByteCount)
        Pages(C, M, At - Start, Srb->DataTransferLength);
    else
        Memory(C, Srb->DataBuffer, Srb->DataTransferLength);
    return true;
}

// False: it does not cross processes.
bool Describe(Call& A, IRP* I, IO_STACK_LOCATION* S)
{
    wd::RemoteCall& C = A.C;
    memcpy(C.Parameters, &S->Parameters, sizeof(C.Parameters));
    if (HasPrefix(I) && HostIrp::Of(I)->Kind == RingKind)
        C.Parent = HostIrp::Of(I)->Tag;
    C.IrpFlags = I->Flags & (IRP_PAGING_IO | IRP_NOCACHE | IRP_SYNCHRONOUS_PAGING_IO);
    PVOID Buffer = I->AssociatedIrp.SystemBuffer ? I->AssociatedIrp.SystemBuffer : I->UserBuffer;
    switch (S->MajorFunction) {
    case IRP_MJ_CREATE:
        memset(C.Parameters, 0, sizeof(C.Parameters));
        if (S->FileObject) {
            C.Input = u64(S->FileObject->FileName.Buffer);
            C.InputBytes = S->FileObject->FileName.Length;
        }
        break;
    case IRP_MJ_READ:
    case IRP_MJ_WRITE: {
        bool Write = S->MajorFunction == IRP_MJ_WRITE;
        C.Flags = Write ? OutputIn : OutputBack;
        if (!S->Parameters.Read.Length)
            break;
        if (I->MdlAddress)
            Pages(C, I->MdlAddress, 0, S->Parameters.Read.Length);
        else
            Memory(C, Buffer, S->Parameters.Read.Length);
        break;
    }
    case IRP_MJ_INTERNAL_DEVICE_CONTROL:
        if (DescribeSrb(A, I, S))
            break;
        [[fallthrough]];
    case IRP_MJ_DEVICE_CONTROL:
    case IRP_MJ_FILE_SYSTEM_CONTROL: {
        auto& P = S->Parameters.DeviceIoControl;
        ULONG Method = P.IoControlCode & 3;
        C.InputBytes = P.InputBufferLength;
        C.Input = u64(Method == METHOD_NEITHER ? P.Type3InputBuffer : I->AssociatedIrp.SystemBuffer);
        switch (Method) {
        case METHOD_BUFFERED:
            C.Mode = wd::Transfer::Buffered;
            C.Flags = OutputBack;
            C.Output = C.Input;
            C.OutputBytes = P.OutputBufferLength;
            break;
        case METHOD_NEITHER:
            C.Mode = wd::Transfer::Neither;
            C.Flags = OutputIn | OutputBackWhole;
            C.Output = u64(I->UserBuffer);
            C.OutputBytes = P.OutputBufferLength;
            break;
        default:
            C.Mode = wd::Transfer::Direct;
            C.Flags = Method == METHOD_IN_DIRECT ? OutputIn : OutputIn | OutputBackWhole;
            if (I->MdlAddress && P.OutputBufferLength)
                Pages(C, I->MdlAddress, 0, P.OutputBufferLength);
            break;
        }
        break;
    }
    case IRP_MJ_PNP:
        return DescribePnp(C, I, S, A.Buffer);
    case IRP_MJ_SYSTEM_CONTROL:
        return false;
    case IRP_MJ_QUERY_INFORMATION:
    case IRP_MJ_QUERY_VOLUME_INFORMATION:
        C.Mode = wd::Transfer::Buffered;
        C.Flags = OutputBack;
        C.OutputBytes = S->Parameters.QueryFile.Length;
        C.Output = u64(I->AssociatedIrp.SystemBuffer);
        break;
    case IRP_MJ_SET_INFORMATION:
    case IRP_MJ_SET_VOLUME_INFORMATION:
        C.Mode = wd::Transfer::Buffered;
        C.InputBytes = S->Parameters.SetFile.Length;
        C.Input = u64(I->AssociatedIrp.SystemBuffer);
        break;
    }
    if (!C.Input)
        C.InputBytes = 0;
    if (!C.Output)
        C.OutputBytes = 0;
    return true;
}

NTSTATUS NTAPI Dispatch(PDEVICE_OBJECT D, PIRP I)
{
    IO_STACK_LOCATION* S = IoGetCurrentIrpStackLocation(I);
    auto* C = New<Call>();
    if (!C) {
        I->IoStatus.Status = STATUS_INSUFFICIENT_RESOURCES;
        IoCompleteRequest(I, IO_NO_INCREMENT);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    C->Irp = I;
    auto& Of = *static_cast<Stand*>(D->DeviceExtension);
    // By the file it was opened by, when the request is for that.
    if (Of.Handle && S->FileObject && S->FileObject->Flags & FO_HANDLE_CREATED && S->FileObject->FsContext2 == Of.Handle)
        C->C.Handle = u64(Of.Handle);
    C->C.Device = Of.Id;
    C->C.Parent = ~0u;
    C->C.Major = S->MajorFunction;
    C->C.Minor = S->MinorFunction;
    C->C.StackFlags = S->Flags;
    if (!Describe(*C, I, S)) {
        // As if nobody below knew it.
        NTSTATUS Status = I->IoStatus.Status;
        Free(C);
        IoCompleteRequest(I, IO_NO_INCREMENT);
        return Status;
    }
    IoMarkIrpPending(I);
    {
        Hold Held(CallLock);
        C->C.Tag = ++NextTag;
        C->Next = Calls;
        Calls = C;
    }
    IoSetCancelRoutine(I, Cancel);
    wd::Reply R {};
    R.What = wd::ReplyKind::Call;
    R.Tag = C->C.Tag;
    R.Information = u64(&C->C);
    Post(R);
    return STATUS_PENDING;
}

}

bool IsProxy(DEVICE_OBJECT* D) { return RemoteDriver && D->DriverObject == RemoteDriver; }
void SetProxyHandle(DEVICE_OBJECT* D, HANDLE H) { static_cast<Stand*>(D->DeviceExtension)->Handle = H; }
u64 ProxyId(DEVICE_OBJECT* D) { return static_cast<Stand*>(D->DeviceExtension)->Id; }

DEVICE_OBJECT* DeviceFor(const wd::DeviceShape& Shape)
{
    if (Shape.Cookie)
        return reinterpret_cast<DEVICE_OBJECT*>(Shape.Cookie);
    if (!Shape.Id)
        return nullptr;
    Hold Held(StandLock);
    for (Stand* S = Stands; S; S = S->Next)
        if (S->Id == Shape.Id)
            return S->Device;
    if (!RemoteDriver) {
        RemoteDriver = static_cast<DRIVER_OBJECT*>(Allocate(sizeof(DRIVER_OBJECT) + sizeof(DRIVER_EXTENSION) + 64));
        if (!RemoteDriver)
            return nullptr;
        RemoteDriver->Type = IO_TYPE_DRIVER;
        RemoteDriver->Size = sizeof(DRIVER_OBJECT);
        RemoteDriver->DriverExtension = reinterpret_cast<DRIVER_EXTENSION*>(RemoteDriver + 1);
        for (auto& M : RemoteDriver->MajorFunction)
            M = Dispatch;
    }
    DEVICE_OBJECT* D = NewDevice(RemoteDriver, sizeof(Stand), Shape.Type, Shape.Characteristics);
    if (!D)
        return nullptr;
    D->Flags = Shape.Flags & ~DO_DEVICE_INITIALIZING;
    D->StackSize = CCHAR(Shape.StackSize ? Shape.StackSize : 1);
    D->AlignmentRequirement = Shape.AlignmentRequirement;
    D->SectorSize = USHORT(Shape.SectorSize);
    auto* S = static_cast<Stand*>(D->DeviceExtension);
    *S = { Stands, D, Shape.Id, nullptr };
    Stands = S;
    return D;
}

DEVICE_OBJECT* DeviceById(u64 Id)
{
    wd::DeviceId In { Id };
    wd::DeviceShape Shape {};
    return Control(wd::Control::DeviceShapeOf, &In, sizeof(In), &Shape, sizeof(Shape)) >= 0 ? DeviceFor(Shape) : nullptr;
}

void RemoteDone(u32 Tag, NTSTATUS Status, u64 Information)
{
    Call* C = nullptr;
    {
        Hold Held(CallLock);
        for (Call** At = &Calls; *At; At = &(*At)->Next) {
            if ((*At)->C.Tag == Tag) {
                C = *At;
                *At = C->Next;
                break;
            }
        }
    }
    if (!C)
        return;
    IRP* I = C->Irp;
    IoSetCancelRoutine(I, nullptr);
    IO_STACK_LOCATION* S = IoGetCurrentIrpStackLocation(I);
    bool IsRelations = S->MajorFunction == IRP_MJ_PNP && S->MinorFunction == IRP_MN_QUERY_DEVICE_RELATIONS;
    // Of a relation nobody below knows the old answer stays.
    if (!(IsRelations && Status == STATUS_NOT_SUPPORTED)) {
        I->IoStatus.Status = Status;
        if (!IsRelations)
            I->IoStatus.Information = Information;
        if (C->Buffer)
            UnpackPnp(I, S, S->MinorFunction == IRP_MN_QUERY_CAPABILITIES ? C->Buffer : reinterpret_cast<u8*>(C->C.Output), Information);
    }
    if (C->C.Mode == wd::Transfer::Srb) {
        auto& Back = *reinterpret_cast<SCSI_REQUEST_BLOCK*>(C->Srb.Block);
        auto* Srb = S->Parameters.Scsi.Srb;
        Srb->SrbStatus = Back.SrbStatus;
        Srb->ScsiStatus = Back.ScsiStatus;
        Srb->SrbFlags = Back.SrbFlags;
        Srb->DataTransferLength = Back.DataTransferLength;
        Srb->InternalStatus = Back.InternalStatus;
        if (C->Srb.HasSense) {
            memcpy(Srb->SenseInfoBuffer, C->Srb.Sense, Srb->SenseInfoBufferLength);
            Srb->SenseInfoBufferLength = Back.SenseInfoBufferLength;
        }
    }
    Free(C->Buffer);
    Free(C);
    IoCompleteRequest(I, IO_NO_INCREMENT);
}

}

using namespace host;

extern "C" {

NTSTATUS NTAPI IoAttachDevice(PDEVICE_OBJECT Source, PUNICODE_STRING Name, PDEVICE_OBJECT* Attached)
{
    PFILE_OBJECT File;
    PDEVICE_OBJECT Target;
    *Attached = nullptr;
    NTSTATUS Status = IoGetDeviceObjectPointer(Name, FILE_READ_ATTRIBUTES, &File, &Target);
    if (Status < 0)
        return Status;
    *Attached = IoAttachDeviceToDeviceStack(Source, Target);
    ObDereferenceObject(File);
    return *Attached ? STATUS_SUCCESS : STATUS_NO_SUCH_DEVICE;
}

NTSTATUS NTAPI IoGetDeviceObjectPointer(PUNICODE_STRING Name, ACCESS_MASK Access, PFILE_OBJECT* Out, PDEVICE_OBJECT* Device)
{
    OBJECT_ATTRIBUTES Attributes;
    InitializeObjectAttributes(&Attributes, Name, OBJ_CASE_INSENSITIVE, nullptr, nullptr);
    HANDLE Handle;
    IO_STATUS_BLOCK Iosb;
    NTSTATUS Status;
    {
        Blocking Now;
        Status = NtOpenFile(&Handle, Access, &Attributes, &Iosb, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, FILE_NON_DIRECTORY_FILE);
    }
    if (Status < 0)
        return Status;
    wd::DeviceId Id { u64(Handle) };
    wd::DeviceAbout About {};
    Status = Control(wd::Control::DeviceOf, &Id, sizeof(Id), &About, sizeof(About));
    auto* F = Status >= 0 ? NewFileObject(File::Sort::Handle, nullptr) : nullptr;
    DEVICE_OBJECT* D = About.Cookie ? reinterpret_cast<DEVICE_OBJECT*>(About.Cookie) : F && About.Id ? DeviceById(About.Id) : nullptr;
    if (D && !About.Cookie && IsProxy(D))
        SetProxyHandle(D, Handle);
    if (!F || !D) {
        FreeFile(F);
        NtClose(Handle);
        return Status < 0 ? Status : STATUS_INSUFFICIENT_RESOURCES;
    }
    F->DeviceObject = D;
    F->FsContext2 = Handle;             // ObDereferenceObject closes it
    F->Flags = FO_HANDLE_CREATED;
    *Out = F;
    *Device = D;
    return STATUS_SUCCESS;
}

}
