// Plug and play, power.
#include "class.hpp"

namespace classpnp {

namespace {

// What the port driver says about the device, and what follows from it for transfers.
NTSTATUS Describe(PDEVICE_OBJECT D)
{
    PFUNCTIONAL_DEVICE_EXTENSION F = Fdo(D);
    PDEVICE_OBJECT Lower = F->CommonExtension.LowerDeviceObject;
    STORAGE_PROPERTY_ID Property = StorageDeviceProperty;
    NTSTATUS Status = STATUS_SUCCESS;
    if (!F->DeviceDescriptor)
        Status = ClassGetDescriptor(Lower, &Property, reinterpret_cast<PSTORAGE_DESCRIPTOR_HEADER*>(&F->DeviceDescriptor));
    Property = StorageAdapterProperty;
    if (NT_SUCCESS(Status) && !F->AdapterDescriptor)
        Status = ClassGetDescriptor(Lower, &Property, reinterpret_cast<PSTORAGE_DESCRIPTOR_HEADER*>(&F->AdapterDescriptor));
    if (!NT_SUCCESS(Status))
        return Status;
    if (!F->SenseData)
        F->SenseData = static_cast<PSENSE_DATA>(ExAllocatePoolWithTag(NonPagedPool, srb::SenseBytes, Tag));
    if (!F->SenseData)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (!F->TimeOutValue)
        F->TimeOutValue = ClassQueryTimeOutRegistryValue(D);
    if (!F->TimeOutValue)
        F->TimeOutValue = 10;
    if (F->DeviceDescriptor->CommandQueueing)
        F->SrbFlags |= SRB_FLAGS_QUEUE_ACTION_ENABLE;
    ULONGLONG Most = F->AdapterDescriptor->MaximumTransferLength ? F->AdapterDescriptor->MaximumTransferLength : 0x1000000;
    // A transfer that begins within a page touches one page more.
    ULONG Pages = F->AdapterDescriptor->MaximumPhysicalPages;
    if (Pages > 1 && ULONGLONG(Pages - 1) * PAGE_SIZE < Most)
        Most = ULONGLONG(Pages - 1) * PAGE_SIZE;
    auto& P = Private(D);
    P.MostBytes = ULONG(Most > 0x1000000 ? 0x1000000 : Most < PAGE_SIZE ? PAGE_SIZE : Most);
    P.Below = Lower;
    return STATUS_SUCCESS;
}

NTSTATUS Start(PDEVICE_OBJECT D, PIRP Irp)
{
    COMMON_DEVICE_EXTENSION& C = *Common(D);
    NTSTATUS Status = ClassForwardIrpSynchronous(&C, Irp);
    if (NT_SUCCESS(Status))
        Status = Describe(D);
    if (NT_SUCCESS(Status) && !C.IsInitialized) {
        if (!C.IsSrbLookasideListInitialized)
            ClassInitializeSrbLookasideList(&C, 16);
        if (C.DevInfo->ClassInitDevice)
            Status = C.DevInfo->ClassInitDevice(D);
        C.IsInitialized = NT_SUCCESS(Status);
    }
    if (NT_SUCCESS(Status))
        Status = C.DevInfo->ClassStartDevice(D);
    if (NT_SUCCESS(Status)) {
        C.PreviousState = C.CurrentState;
        C.CurrentState = IRP_MN_START_DEVICE;
    }
    return Finish(D, Irp, Status);
}

// The driver may refuse what is asked.
NTSTATUS Query(PDEVICE_OBJECT D, PIRP Irp, UCHAR Minor, bool Stop)
{
    COMMON_DEVICE_EXTENSION& C = *Common(D);
    NTSTATUS Status = STATUS_SUCCESS;
    if (Stop ? C.DevInfo->ClassStopDevice != nullptr : C.DevInfo->ClassRemoveDevice != nullptr)
        Status = Stop ? C.DevInfo->ClassStopDevice(D, Minor) : C.DevInfo->ClassRemoveDevice(D, Minor);
    if (!NT_SUCCESS(Status))
        return Finish(D, Irp, Status);
    bool Cancel = Minor == IRP_MN_CANCEL_STOP_DEVICE || Minor == IRP_MN_CANCEL_REMOVE_DEVICE;
    if (Cancel) {
        C.CurrentState = C.PreviousState;
        C.PreviousState = 0xFF;
    } else {
        C.PreviousState = C.CurrentState;
        C.CurrentState = Minor;
    }
    Irp->IoStatus.Status = STATUS_SUCCESS;
    return PassDown(D, Irp);
}

NTSTATUS Remove(PDEVICE_OBJECT D, PIRP Irp, UCHAR Minor)
{
    COMMON_DEVICE_EXTENSION& C = *Common(D);
    C.PreviousState = C.CurrentState;
    C.CurrentState = Minor;
    Private(D).Gone = true;
    C.IsRemoved = Minor == IRP_MN_REMOVE_DEVICE ? REMOVE_PENDING : C.IsRemoved;
    Irp->IoStatus.Status = STATUS_SUCCESS;
    if (Minor == IRP_MN_SURPRISE_REMOVAL) {
        if (C.DevInfo->ClassRemoveDevice)
            C.DevInfo->ClassRemoveDevice(D, Minor);
        return PassDown(D, Irp);
    }
    // Those under way first.
    ClassReleaseRemoveLock(D, Irp);
    if (InterlockedDecrement(&C.RemoveLock) > 0)
        KeWaitForSingleObject(&C.RemoveEvent, Executive, KernelMode, FALSE, nullptr);
    C.IsRemoved = REMOVE_COMPLETE;
    PDEVICE_OBJECT Lower = C.LowerDeviceObject;
    IoCopyCurrentIrpStackLocationToNext(Irp);
    NTSTATUS Status = ClassSendIrpSynchronous(Lower, Irp);
    ClassRemoveDevice(D, Minor);
    Irp->IoStatus.Status = Status;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

}

NTSTATUS NTAPI DispatchPnp(PDEVICE_OBJECT D, PIRP Irp)
{
    UCHAR Minor = IoGetCurrentIrpStackLocation(Irp)->MinorFunction;
    ClassAcquireRemoveLock(D, Irp);
    switch (Minor) {
    case IRP_MN_START_DEVICE: return Start(D, Irp);
    case IRP_MN_QUERY_STOP_DEVICE:
    case IRP_MN_CANCEL_STOP_DEVICE:
    case IRP_MN_STOP_DEVICE: return Query(D, Irp, Minor, true);
    case IRP_MN_QUERY_REMOVE_DEVICE:
    case IRP_MN_CANCEL_REMOVE_DEVICE: return Query(D, Irp, Minor, false);
    case IRP_MN_SURPRISE_REMOVAL:
    case IRP_MN_REMOVE_DEVICE: return Remove(D, Irp, Minor);
    case IRP_MN_QUERY_CAPABILITIES:
        if (Common(D)->DevInfo->ClassQueryPnpCapabilities) {
            NTSTATUS Status = ClassForwardIrpSynchronous(Common(D), Irp);
            if (NT_SUCCESS(Status))
                Status = Common(D)->DevInfo->ClassQueryPnpCapabilities(D, IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceCapabilities.Capabilities);
            return Finish(D, Irp, Status);
        }
        return PassDown(D, Irp);
    default: return PassDown(D, Irp);
    }
}

NTSTATUS NTAPI DispatchPower(PDEVICE_OBJECT D, PIRP Irp)
{
    ClassAcquireRemoveLock(D, Irp);
    if (Common(D)->IsRemoved == NO_REMOVE && Common(D)->DevInfo->ClassPowerDevice)
        return Common(D)->DevInfo->ClassPowerDevice(D, Irp);
    PoStartNextPowerIrp(Irp);
    IoSkipCurrentIrpStackLocation(Irp);
    ClassReleaseRemoveLock(D, Irp);
    return PoCallDriver(Common(D)->LowerDeviceObject, Irp);
}

// START STOP UNIT, or writing the cache.
static void PowerCommand(PDEVICE_OBJECT D, UCHAR Code, UCHAR Byte4)
{
    SCSI_REQUEST_BLOCK Srb {};
    Srb.CdbLength = Code == srb::StartStop ? 6 : 10;
    Srb.TimeOutValue = START_UNIT_TIMEOUT;
    Srb.Cdb[0] = Code;
    Srb.Cdb[4] = Byte4;
    ClassSendSrbSynchronous(D, &Srb, nullptr, 0, FALSE);        // a device need not know them
}

static NTSTATUS Power(PDEVICE_OBJECT D, PIRP Irp, bool WriteCache)
{
    PIO_STACK_LOCATION S = IoGetCurrentIrpStackLocation(Irp);
    PFUNCTIONAL_DEVICE_EXTENSION F = Fdo(D);
    bool Set = S->MinorFunction == IRP_MN_SET_POWER && S->Parameters.Power.Type == DevicePowerState;
    DEVICE_POWER_STATE To = S->Parameters.Power.State.DeviceState;
    PoStartNextPowerIrp(Irp);
    if (Set && To != PowerDeviceD0 && F->DevicePowerState == PowerDeviceD0) {
        if (WriteCache)
            PowerCommand(D, srb::SynchronizeCache10, 0);
        if (!(F->ScanForSpecialFlags & CLASS_SPECIAL_DISABLE_SPIN_DOWN))
            PowerCommand(D, srb::StartStop, 0);
    }
    NTSTATUS Status = ClassForwardIrpSynchronous(&F->CommonExtension, Irp);
    if (Set && NT_SUCCESS(Status)) {
        if (To == PowerDeviceD0 && F->DevicePowerState != PowerDeviceD0 && !(F->ScanForSpecialFlags & CLASS_SPECIAL_DISABLE_SPIN_UP))
            PowerCommand(D, srb::StartStop, 1);
        F->DevicePowerState = To;
        PoSetPowerState(D, DevicePowerState, S->Parameters.Power.State);
    }
    return Finish(D, Irp, Status);
}

}

using namespace classpnp;

extern "C" {

NTSTATUS NTAPI ClassSpinDownPowerHandler(PDEVICE_OBJECT D, PIRP Irp) { return Power(D, Irp, true); }
NTSTATUS NTAPI ClassStopUnitPowerHandler(PDEVICE_OBJECT D, PIRP Irp) { return Power(D, Irp, false); }

// Everything of the device goes, and the device.
NTSTATUS NTAPI ClassRemoveDevice(PDEVICE_OBJECT D, UCHAR Type)
{
    PFUNCTIONAL_DEVICE_EXTENSION F = Fdo(D);
    COMMON_DEVICE_EXTENSION& C = F->CommonExtension;
    if (C.DevInfo->ClassRemoveDevice)
        C.DevInfo->ClassRemoveDevice(D, Type);
    if (Type != IRP_MN_REMOVE_DEVICE)
        return STATUS_SUCCESS;
    ClassDeleteSrbLookasideList(&C);
    PVOID Parts[] = { F->DeviceDescriptor, F->AdapterDescriptor, F->SenseData, F->PrivateFdoData };
    for (PVOID Each : Parts)
        if (Each)
            ExFreePool(Each);
    RtlFreeUnicodeString(&C.DeviceName);
    if (C.LowerDeviceObject)
        IoDetachDevice(C.LowerDeviceObject);
    IoDeleteDevice(D);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI ClassClaimDevice(PDEVICE_OBJECT Lower, BOOLEAN Release)
{
    SCSI_REQUEST_BLOCK Srb {};
    Srb.Length = sizeof(Srb);
    Srb.Function = Release ? SRB_FUNCTION_RELEASE_DEVICE : SRB_FUNCTION_CLAIM_DEVICE;
    PIRP Irp = IoAllocateIrp(Lower->StackSize, FALSE);
    if (!Irp)
        return STATUS_INSUFFICIENT_RESOURCES;
    PIO_STACK_LOCATION Next = IoGetNextIrpStackLocation(Irp);
    Next->MajorFunction = IRP_MJ_SCSI;
    Next->Parameters.Scsi.Srb = &Srb;
    Srb.OriginalRequest = Irp;
    NTSTATUS Status = ClassSendIrpSynchronous(Lower, Irp);
    IoFreeIrp(Irp);
    return Status;
}

void NTAPI ClassInvalidateBusRelations(PDEVICE_OBJECT D) { IoInvalidateDeviceRelations(Fdo(D)->LowerPdo, BusRelations); }
// There are no children.
void NTAPI ClassMarkChildrenMissing(PFUNCTIONAL_DEVICE_EXTENSION) { }
BOOLEAN NTAPI ClassMarkChildMissing(PPHYSICAL_DEVICE_EXTENSION, BOOLEAN) { return FALSE; }
PVPB NTAPI ClassGetVpb(PDEVICE_OBJECT D) { return D->Vpb; }

}
