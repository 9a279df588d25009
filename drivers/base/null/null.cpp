// \Device\Null: takes whatever is written, and has nothing to read.
#include "wdm/ntoskrnl/ddk.hpp"

extern "C" {

static NTSTATUS Complete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static NTSTATUS NTAPI OpenOrClose(PDEVICE_OBJECT, PIRP Irp) { return Complete(Irp, STATUS_SUCCESS, 0); }
static NTSTATUS NTAPI Read(PDEVICE_OBJECT, PIRP Irp) { return Complete(Irp, STATUS_END_OF_FILE, 0); }
static NTSTATUS NTAPI Write(PDEVICE_OBJECT, PIRP Irp) { return Complete(Irp, STATUS_SUCCESS, IoGetCurrentIrpStackLocation(Irp)->Parameters.Write.Length); }
static NTSTATUS NTAPI QueryInformation(PDEVICE_OBJECT, PIRP Irp)
{
    if (IoGetCurrentIrpStackLocation(Irp)->Parameters.QueryFile.FileInformationClass != FileStandardInformation)
        return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    auto* Info = static_cast<FILE_STANDARD_INFORMATION*>(Irp->AssociatedIrp.SystemBuffer);
    *Info = {};
    Info->NumberOfLinks = 1;
    return Complete(Irp, STATUS_SUCCESS, sizeof(*Info));
}

static void NTAPI Unload(PDRIVER_OBJECT Driver) { IoDeleteDevice(Driver->DeviceObject); }

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\Device\\Null");
    PDEVICE_OBJECT Device;
    NTSTATUS Status = IoCreateDevice(Driver, 0, &Name, FILE_DEVICE_NULL, 0, FALSE, &Device);
    if (!NT_SUCCESS(Status))
        return Status;
    Driver->MajorFunction[IRP_MJ_CREATE] = Driver->MajorFunction[IRP_MJ_CLOSE] = Driver->MajorFunction[IRP_MJ_CLEANUP] = Driver->MajorFunction[IRP_MJ_FLUSH_BUFFERS] = OpenOrClose;
    Driver->MajorFunction[IRP_MJ_READ] = Read;
    Driver->MajorFunction[IRP_MJ_WRITE] = Write;
    Driver->MajorFunction[IRP_MJ_QUERY_INFORMATION] = QueryInformation;
    Driver->DriverUnload = Unload;
    return STATUS_SUCCESS;
}

}
