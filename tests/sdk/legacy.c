// An old driver without a bus: StartIo with a device queue, a timer's DPC, the speaker, what ReactOS's native headers declare.
#include <ntddk.h>
#include <ntddbeep.h>
#include <ntndk.h>
#define NDEBUG
#include <debug.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_STARTIO Start;
DRIVER_CANCEL Cancel;

VOID NTAPI Cancel(IN PDEVICE_OBJECT DeviceObject, IN PIRP Irp)
{
    if (Irp != DeviceObject->CurrentIrp) KeRemoveEntryDeviceQueue(&DeviceObject->DeviceQueue, &Irp->Tail.Overlay.DeviceQueueEntry);
    IoReleaseCancelSpinLock(Irp->CancelIrql);
    Irp->IoStatus.Status = STATUS_CANCELLED;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
}

static NTSTATUS NTAPI Dispatch(IN PDEVICE_OBJECT DeviceObject, IN PIRP Irp)
{
    IoMarkIrpPending(Irp);
    IoStartPacket(DeviceObject, Irp, NULL, Cancel);
    return STATUS_PENDING;
}

VOID NTAPI Start(IN PDEVICE_OBJECT DeviceObject, IN PIRP Irp)
{
    PBEEP_SET_PARAMETERS Beep = Irp->AssociatedIrp.SystemBuffer;
    KIRQL Level;
    IoAcquireCancelSpinLock(&Level);
    (VOID)IoSetCancelRoutine(Irp, NULL);
    IoReleaseCancelSpinLock(Level);
    Irp->IoStatus.Status = HalMakeBeep(Beep->Frequency) ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
    IoStartNextPacket(DeviceObject, TRUE);
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
}

NTSTATUS NTAPI DriverEntry(IN PDRIVER_OBJECT DriverObject, IN PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    if (InbvCheckDisplayOwnership() || KeLoaderBlock != NULL || *InitSafeBootMode != 0) return STATUS_UNSUCCESSFUL;
    MmPageEntireDriver(DriverEntry);
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Dispatch;
    DriverObject->DriverStartIo = Start;
    return STATUS_SUCCESS;
}
