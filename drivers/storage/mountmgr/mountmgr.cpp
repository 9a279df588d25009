// Entry, dispatch, and requests that wait for a change.
#include "drivers/storage/mountmgr/mountmgr.hpp"

#include <initguid.h>
#include <wdmguid.h>

namespace mountmgr {

PDEVICE_OBJECT Self;

namespace {

// MOUNTDEV_MOUNTED_DEVICE_GUID
constexpr GUID MountedDevice = { 0x53F5630D, 0xB6BF, 0x11D0, { 0x94, 0xF2, 0x00, 0xA0, 0xC9, 0x1E, 0xFB, 0x8B } };

PVOID Notification;
KEVENT Free;                            // the lock
ULONG EpicNumber = 1;

// IOCTL_MOUNTMGR_CHANGE_NOTIFY that wait.
IO_CSQ Queue;
LIST_ENTRY Waiting;
KSPIN_LOCK QueueLock;

void NTAPI Insert(PIO_CSQ, PIRP Irp) { InsertTailList(&Waiting, &Irp->Tail.Overlay.ListEntry); }
void NTAPI Remove(PIO_CSQ, PIRP Irp) { RemoveEntryList(&Irp->Tail.Overlay.ListEntry); }
PIRP NTAPI Peek(PIO_CSQ, PIRP Irp, PVOID)
{
    PLIST_ENTRY At = Irp ? Irp->Tail.Overlay.ListEntry.Flink : Waiting.Flink;
    return At == &Waiting ? nullptr : CONTAINING_RECORD(At, IRP, Tail.Overlay.ListEntry);
}
void NTAPI Acquire(PIO_CSQ, PKIRQL Irql) { KeAcquireSpinLock(&QueueLock, Irql); }
void NTAPI Release(PIO_CSQ, KIRQL Irql) { KeReleaseSpinLock(&QueueLock, Irql); }

NTSTATUS Complete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information = 0)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

void NTAPI Canceled(PIO_CSQ, PIRP Irp) { Complete(Irp, STATUS_CANCELLED); }

NTSTATUS Told(PIRP Irp)
{
    static_cast<MOUNTMGR_CHANGE_NOTIFY_INFO*>(Irp->AssociatedIrp.SystemBuffer)->EpicNumber = EpicNumber;
    return Complete(Irp, STATUS_SUCCESS, sizeof(MOUNTMGR_CHANGE_NOTIFY_INFO));
}

// With the lock.
NTSTATUS WaitForChange(PIRP Irp)
{
    auto& P = IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceIoControl;
    if (P.InputBufferLength < sizeof(MOUNTMGR_CHANGE_NOTIFY_INFO) || P.OutputBufferLength < sizeof(MOUNTMGR_CHANGE_NOTIFY_INFO))
        return Complete(Irp, STATUS_INVALID_PARAMETER);
    if (static_cast<MOUNTMGR_CHANGE_NOTIFY_INFO*>(Irp->AssociatedIrp.SystemBuffer)->EpicNumber != EpicNumber)
        return Told(Irp);
    IoCsqInsertIrp(&Queue, Irp, nullptr);       // marks it pending
    return STATUS_PENDING;
}

void Arrives(const UNICODE_STRING& Interface)
{
    if (!Arrive(Interface))
        DbgPrint("mountmgr: %wZ does not answer as a volume\n", &Interface);
}

NTSTATUS NTAPI InterfaceChanges(PVOID Structure, PVOID)
{
    auto& N = *static_cast<DEVICE_INTERFACE_CHANGE_NOTIFICATION*>(Structure);
    Enter();
    if (IsEqualGUID(N.Event, GUID_DEVICE_INTERFACE_ARRIVAL))
        Arrives(*N.SymbolicLinkName);
    else if (IsEqualGUID(N.Event, GUID_DEVICE_INTERFACE_REMOVAL))
        Depart(*N.SymbolicLinkName);
    Leave();
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI OpenClose(PDEVICE_OBJECT, PIRP Irp) { return Complete(Irp, STATUS_SUCCESS); }

NTSTATUS NTAPI DeviceControl(PDEVICE_OBJECT, PIRP Irp)
{
    NTSTATUS Status;
    Enter();
    if (IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceIoControl.IoControlCode == IOCTL_MOUNTMGR_CHANGE_NOTIFY) {
        Status = WaitForChange(Irp);
    } else {
        ULONG_PTR Information = 0;
        Status = Control(Irp, Information);
        Complete(Irp, Status, Information);
    }
    Leave();
    return Status;
}

void NTAPI Unload(PDRIVER_OBJECT Driver)
{
    if (Notification)
        IoUnregisterPlugPlayNotification(Notification);
    Enter();
    while (Volume* V = Volumes) {
        while (V->Links)
            DropLink(*V, *V->Links);
        Volumes = V->Next;
        ExFreePoolWithTag(V, Tag);
    }
    Changed();
    Leave();
    UNICODE_STRING Dos;
    RtlInitUnicodeString(&Dos, L"\\DosDevices\\MountPointManager");
    IoDeleteSymbolicLink(&Dos);
    ExFreePoolWithTag(ServiceKey.Buffer, Tag);
    IoDeleteDevice(Driver->DeviceObject);
}

}

void Enter() { KeWaitForSingleObject(&Free, Executive, KernelMode, FALSE, nullptr); }
void Leave() { KeSetEvent(&Free, IO_NO_INCREMENT, FALSE); }

void Changed()
{
    ++EpicNumber;
    while (PIRP Irp = IoCsqRemoveNextIrp(&Queue, nullptr))
        Told(Irp);
}

}

using namespace mountmgr;

extern "C" NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING Path)
{
    KeInitializeEvent(&Free, SynchronizationEvent, TRUE);
    KeInitializeSpinLock(&QueueLock);
    InitializeListHead(&Waiting);
    IoCsqInitialize(&Queue, Insert, Remove, Peek, Acquire, Release, Canceled);
    ServiceKey.Buffer = static_cast<WCHAR*>(ExAllocatePoolWithTag(PagedPool, Path->Length + sizeof(WCHAR), Tag));
    if (!ServiceKey.Buffer)
        return STATUS_INSUFFICIENT_RESOURCES;
    ServiceKey.MaximumLength = Path->Length + sizeof(WCHAR);
    RtlCopyUnicodeString(&ServiceKey, Path);
    Automatic = ReadAutomatic();
    UNICODE_STRING Name, Dos;
    RtlInitUnicodeString(&Name, MOUNTMGR_DEVICE_NAME);
    NTSTATUS Status = IoCreateDevice(Driver, 0, &Name, MOUNTMGRCONTROLTYPE, FILE_DEVICE_SECURE_OPEN, FALSE, &Self);
    if (!NT_SUCCESS(Status)) {
        ExFreePoolWithTag(ServiceKey.Buffer, Tag);
        return Status;
    }
    RtlInitUnicodeString(&Dos, L"\\DosDevices\\MountPointManager");
    IoCreateSymbolicLink(&Dos, &Name);          // it may be there already
    Driver->MajorFunction[IRP_MJ_CREATE] = OpenClose;
    Driver->MajorFunction[IRP_MJ_CLOSE] = OpenClose;
    Driver->MajorFunction[IRP_MJ_CLEANUP] = OpenClose;
    Driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = DeviceControl;
    Driver->DriverUnload = Unload;
    Self->Flags &= ~DO_DEVICE_INITIALIZING;
    return IoRegisterPlugPlayNotification(EventCategoryDeviceInterfaceChange, PNPNOTIFY_DEVICE_INTERFACE_INCLUDE_EXISTING_INTERFACES, const_cast<GUID*>(&MountedDevice),
                                          Driver, InterfaceChanges, nullptr, &Notification);
}
