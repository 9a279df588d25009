// Devices of other processes: a device object here that stands for an open file of one there. IRPs sent to it travel by way of the Executive.
#include "wdm/ntoskrnl/device.hpp"
#include "wdm/ntoskrnl/fsd.hpp"

namespace host {

namespace {

// An IRP that is away.
struct Call {
    Call* Next;
    wd::RemoteCall C;
    IRP* Irp;
};
Lock CallLock;
Call* Calls;
u32 NextTag;
DRIVER_OBJECT* RemoteDriver;

struct Stand {
    HANDLE Handle;
};

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

void Describe(wd::RemoteCall& C, IRP* I, IO_STACK_LOCATION* S)
{
    memcpy(C.Parameters, &S->Parameters, sizeof(C.Parameters));
    auto MdlAt = [&] { return I->MdlAddress ? u64(MmGetSystemAddressForMdlSafe(I->MdlAddress, NormalPagePriority)) : 0; };
    switch (S->MajorFunction) {
    case IRP_MJ_READ:
        C.OutputBytes = S->Parameters.Read.Length;
        C.Output = I->MdlAddress ? MdlAt() : u64(I->AssociatedIrp.SystemBuffer ? I->AssociatedIrp.SystemBuffer : I->UserBuffer);
        break;
    case IRP_MJ_WRITE:
        C.InputBytes = S->Parameters.Write.Length;
        C.Input = I->MdlAddress ? MdlAt() : u64(I->AssociatedIrp.SystemBuffer ? I->AssociatedIrp.SystemBuffer : I->UserBuffer);
        break;
    case IRP_MJ_DEVICE_CONTROL:
    case IRP_MJ_INTERNAL_DEVICE_CONTROL:
    case IRP_MJ_FILE_SYSTEM_CONTROL: {
        auto& P = S->Parameters.DeviceIoControl;
        C.InputBytes = P.InputBufferLength;
        C.OutputBytes = P.OutputBufferLength;
        switch (P.IoControlCode & 3) {
        case METHOD_BUFFERED:
            C.Mode = wd::Transfer::Buffered;
            C.Input = C.Output = u64(I->AssociatedIrp.SystemBuffer);
            break;
        case METHOD_NEITHER:
            C.Mode = wd::Transfer::Neither;
            C.Input = u64(P.Type3InputBuffer);
            C.Output = u64(I->UserBuffer);
            break;
        default:
            C.Mode = wd::Transfer::Direct;
            C.Input = u64(I->AssociatedIrp.SystemBuffer);
            C.Output = MdlAt();
            break;
        }
        break;
    }
    case IRP_MJ_QUERY_INFORMATION:
    case IRP_MJ_QUERY_VOLUME_INFORMATION:
        C.Mode = wd::Transfer::Buffered;
        C.OutputBytes = S->Parameters.QueryFile.Length;
        C.Output = u64(I->AssociatedIrp.SystemBuffer);
        break;
    case IRP_MJ_SET_INFORMATION:
        C.Mode = wd::Transfer::Buffered;
        C.InputBytes = S->Parameters.SetFile.Length;
        C.Input = u64(I->AssociatedIrp.SystemBuffer);
        break;
    }
    if (!C.Input)
        C.InputBytes = 0;
    if (!C.Output)
        C.OutputBytes = 0;
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
    C->C.Handle = u64(static_cast<Stand*>(D->DeviceExtension)->Handle);
    C->C.Major = S->MajorFunction;
    C->C.Minor = S->MinorFunction;
    C->C.StackFlags = S->Flags;
    Describe(C->C, I, S);
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

DEVICE_OBJECT* MakeStand(HANDLE Handle, const wd::DeviceAbout& About)
{
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
    DEVICE_OBJECT* D = NewDevice(RemoteDriver, sizeof(Stand), About.Type, About.Characteristics);
    if (D)
        static_cast<Stand*>(D->DeviceExtension)->Handle = Handle;
    return D;
}

}

DEVICE_OBJECT* StandFor(HANDLE Handle, u32 Type, u32 Characteristics)
{
    wd::DeviceAbout About {};
    About.Type = Type;
    About.Characteristics = Characteristics;
    return MakeStand(Handle, About);
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
    Free(C);
    IoSetCancelRoutine(I, nullptr);
    I->IoStatus.Status = Status;
    I->IoStatus.Information = Information;
    IoCompleteRequest(I, IO_NO_INCREMENT);
}

}

using namespace host;

extern "C" {

NTSTATUS NTAPI IoGetDeviceObjectPointer(PUNICODE_STRING Name, ACCESS_MASK Access, PFILE_OBJECT* File, PDEVICE_OBJECT* Device)
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
    auto* F = Status >= 0 ? New<FILE_OBJECT>() : nullptr;
    DEVICE_OBJECT* D = About.Cookie ? TopOf(reinterpret_cast<DEVICE_OBJECT*>(About.Cookie)) : F ? MakeStand(Handle, About) : nullptr;
    if (!F || !D) {
        Free(F);
        NtClose(Handle);
        return Status < 0 ? Status : STATUS_INSUFFICIENT_RESOURCES;
    }
    F->Type = IO_TYPE_FILE;
    F->Size = sizeof(FILE_OBJECT);
    F->DeviceObject = D;
    F->FsContext2 = Handle;             // ObDereferenceObject closes it
    F->Flags = FO_HANDLE_CREATED;
    KeInitializeEvent(&F->Event, NotificationEvent, FALSE);
    *File = F;
    *Device = D;
    return STATUS_SUCCESS;
}

}
