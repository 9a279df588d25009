// File systems: registration, volumes, file objects.
#include "wdm/ntoskrnl/device.hpp"
#include "wdm/ntoskrnl/fsd.hpp"
#include "wdm/ntoskrnl/object.hpp"

namespace host {

namespace {

struct Mounted {
    Mounted* Next;
    VPB Vpb;
};
Lock VolumeLock;
Mounted* Volumes;

struct Client {
    HandleProxy Object;                 // looks like any other object of the process's
    Client* Next;
    u64 Id;
};
Lock ClientLock;
Client* Clients;

struct MountCall {
    u32 Tag;
    Mounted* Volume;
};

NTSTATUS NTAPI MountDone(PDEVICE_OBJECT, PIRP I, PVOID Context)
{
    auto* C = static_cast<MountCall*>(Context);
    VPB& V = C->Volume->Vpb;
    NTSTATUS Status = I->IoStatus.Status;
    if (Status >= 0 && !V.DeviceObject)
        Status = STATUS_DRIVER_INTERNAL_ERROR;
    u32 Tag = C->Tag;
    u64 Device = 0, Serial = V.SerialNumber;
    if (Status >= 0) {
        V.Flags |= VPB_MOUNTED;
        if (V.DeviceObject->StackSize <= V.RealDevice->StackSize)
            V.DeviceObject->StackSize = CCHAR(V.RealDevice->StackSize + 1);
        Device = u64(V.DeviceObject);
        Hold Held(VolumeLock);
        C->Volume->Next = Volumes;
        Volumes = C->Volume;
    } else {
        V.RealDevice->Vpb = nullptr;
        Free(C->Volume);
    }
    Free(C);
    IoFreeIrp(I);
    Answer(Tag, Status, Serial, Device);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

}

VPB* VpbOf(DEVICE_OBJECT* Volume)
{
    Hold Held(VolumeLock);
    for (Mounted* M = Volumes; M; M = M->Next)
        if (M->Vpb.DeviceObject == Volume)
            return &M->Vpb;
    return nullptr;
}

void MountVolume(const wd::Message& M)
{
    wd::Mount About;
    memcpy(&About, DataAt(M.Data, 0), sizeof(About));
    DEVICE_OBJECT* Top = TopOf(reinterpret_cast<DEVICE_OBJECT*>(M.Device));
    DEVICE_OBJECT* Real = DeviceById(About.Device);
    auto* Volume = New<Mounted>();
    auto* C = New<MountCall>();
    IRP* I = IoAllocateIrp(Top->StackSize, FALSE);
    if (!Real || !Volume || !C || !I) {
        Free(Volume);
        Free(C);
        if (I)
            IoFreeIrp(I);
        Answer(M.Tag, STATUS_INSUFFICIENT_RESOURCES, 0, 0);
        return;
    }
    Volume->Vpb.Type = IO_TYPE_VPB;
    Volume->Vpb.Size = sizeof(VPB);
    Volume->Vpb.RealDevice = Real;
    Volume->Vpb.ReferenceCount = 1;
    Real->Vpb = &Volume->Vpb;
    *C = { M.Tag, Volume };
    IO_STACK_LOCATION* S = IoGetNextIrpStackLocation(I);
    S->MajorFunction = IRP_MJ_FILE_SYSTEM_CONTROL;
    S->MinorFunction = IRP_MN_MOUNT_VOLUME;
    S->Flags = UCHAR(About.Flags);
    S->Parameters.MountVolume.Vpb = &Volume->Vpb;
    S->Parameters.MountVolume.DeviceObject = Real;
    IoSetCompletionRoutine(I, MountDone, C, TRUE, TRUE, TRUE);
    (void)IofCallDriver(Top, I);
}

u64 ClientId(PEPROCESS Process)
{
    Hold Held(ClientLock);
    for (Client* C = Clients; C; C = C->Next)
        if (reinterpret_cast<PEPROCESS>(C) == Process)
            return C->Id;
    return OwnProcessId();
}
bool IsProcess(const void* Object)
{
    if (Object == PsInitialSystemProcess)
        return true;
    Hold Held(ClientLock);
    for (Client* C = Clients; C; C = C->Next)
        if (C == Object)
            return true;
    return false;
}
PEPROCESS ClientProcess(u64 Id)
{
    if (!Id)
        return PsInitialSystemProcess;
    Hold Held(ClientLock);
    for (Client* C = Clients; C; C = C->Next)
        if (C->Id == Id)
            return reinterpret_cast<PEPROCESS>(C);
    auto* C = New<Client>();
    if (!C)
        return PsInitialSystemProcess;
    C->Object.Header.Type = 3;
    C->Object.References = 1;
    C->Id = Id;
    C->Next = Clients;
    Clients = C;
    return reinterpret_cast<PEPROCESS>(C);
}

}

using namespace host;

extern "C" {



void NTAPI IoRegisterFileSystem(PDEVICE_OBJECT D)
{
    wd::DeviceId Id { IdOf(D) };
    Control(wd::Control::RegisterFileSystem, &Id, sizeof(Id));
}
void NTAPI IoUnregisterFileSystem(PDEVICE_OBJECT D)
{
    wd::DeviceId Id { IdOf(D) };
    Control(wd::Control::UnregisterFileSystem, &Id, sizeof(Id));
}
// Nobody but the Executive's list of file systems learns of them.
NTSTATUS NTAPI IoRegisterFsRegistrationChange(PDRIVER_OBJECT, PDRIVER_FS_NOTIFICATION) { return STATUS_NOT_SUPPORTED; }
void NTAPI IoUnregisterFsRegistrationChange(PDRIVER_OBJECT, PDRIVER_FS_NOTIFICATION) { }

// The VPB spin lock is one for all.
static KSPIN_LOCK VpbLock;
void NTAPI IoAcquireVpbSpinLock(PKIRQL Irql) { *Irql = KeAcquireSpinLockRaiseToDpc(&VpbLock); }
void NTAPI IoReleaseVpbSpinLock(KIRQL Irql) { KeReleaseSpinLock(&VpbLock, Irql); }

PDEVICE_OBJECT NTAPI IoGetBaseFileSystemDeviceObject(PFILE_OBJECT F) { return F->Vpb && F->Vpb->DeviceObject ? F->Vpb->DeviceObject : F->DeviceObject; }
BOOLEAN NTAPI IoIsOperationSynchronous(PIRP I)
{
    if (I->Flags & IRP_PAGING_IO)
        return (I->Flags & IRP_SYNCHRONOUS_PAGING_IO) != 0;
    PFILE_OBJECT F = IoGetCurrentIrpStackLocation(I)->FileObject;
    return I->Flags & IRP_SYNCHRONOUS_API || (F && F->Flags & FO_SYNCHRONOUS_IO);
}
void NTAPI IoSetDeviceToVerify(PETHREAD, PDEVICE_OBJECT) { }
PDEVICE_OBJECT NTAPI IoGetDeviceToVerify(PETHREAD) { return nullptr; }
// Media that are exchanged are not followed: nothing needs to be verified.
void NTAPI IoSetHardErrorOrVerifyDevice(PIRP, PDEVICE_OBJECT) { }
BOOLEAN NTAPI IoRaiseInformationalHardError(NTSTATUS Status, PUNICODE_STRING Text, PKTHREAD)
{
    Log("hard error %08lx: %wZ", ULONG(Status), Text);
    return FALSE;
}
void NTAPI IoRaiseHardError(PIRP I, PVPB, PDEVICE_OBJECT)
{
    Log("hard error %08lx", ULONG(I->IoStatus.Status));
    IoCompleteRequest(I, IO_NO_INCREMENT);
}

}
