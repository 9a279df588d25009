/* A disk class driver over classpnp.sys, as the WDK's documentation describes one: it can take the place of disk.sys. */
#include <ntddk.h>
#include <classpnp.h>
#include <initguid.h>
#include <ntstrsafe.h>

DEFINE_GUID(DiskInterface, 0x53f56307, 0xb6bf, 0x11d0, 0x94, 0xf2, 0x00, 0xa0, 0xc9, 0x1e, 0xfb, 0x8b);

typedef struct _DISK_DATA {
    UNICODE_STRING Interface;
    HANDLE Directory;
    BOOLEAN WriteProtected;
    BOOLEAN Linked;
} DISK_DATA, *PDISK_DATA;

DRIVER_INITIALIZE DriverEntry;

static VOID MakeName(PWCHAR To, size_t Bytes, PCWSTR Format, ULONG Number, PUNICODE_STRING String)
{
    RtlStringCbPrintfW(To, Bytes, Format, Number, Number);
    RtlInitUnicodeString(String, To);
}

static NTSTATUS NTAPI ClassDiskAddDevice(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT Pdo)
{
    PFUNCTIONAL_DEVICE_EXTENSION fdoExtension;
    PDEVICE_OBJECT fdo = NULL;
    OBJECT_ATTRIBUTES attributes;
    UNICODE_STRING string;
    WCHAR text[64];
    CHAR name[64];
    HANDLE directory = NULL;
    NTSTATUS status = STATUS_UNSUCCESSFUL;
    ULONG number;

    for (number = 0; number < 64; number++) {
        MakeName(text, sizeof(text), L"\\Device\\Harddisk%u", number, &string);
        InitializeObjectAttributes(&attributes, &string, OBJ_CASE_INSENSITIVE | OBJ_OPENIF | OBJ_KERNEL_HANDLE, NULL, NULL);
        status = ZwCreateDirectoryObject(&directory, DIRECTORY_ALL_ACCESS, &attributes);
        if (!NT_SUCCESS(status))
            return status;
        RtlStringCbPrintfA(name, sizeof(name), "\\Device\\Harddisk%u\\DR%u", number, number);
        status = ClassCreateDeviceObject(DriverObject, name, Pdo, TRUE, &fdo);
        if (status != STATUS_OBJECT_NAME_COLLISION)
            break;
        ZwClose(directory);
    }
    if (!NT_SUCCESS(status))
        return status;
    SET_FLAG(fdo->Flags, DO_DIRECT_IO);
    fdoExtension = fdo->DeviceExtension;
    fdoExtension->DeviceNumber = number;
    ((PDISK_DATA)fdoExtension->CommonExtension.DriverData)->Directory = directory;
    fdoExtension->LowerPdo = Pdo;
    fdoExtension->CommonExtension.LowerDeviceObject = IoAttachDeviceToDeviceStack(fdo, Pdo);
    if (fdoExtension->CommonExtension.LowerDeviceObject == NULL) {
        ClassRemoveDevice(fdo, IRP_MN_REMOVE_DEVICE);
        return STATUS_NO_SUCH_DEVICE;
    }
    status = ClassClaimDevice(fdoExtension->CommonExtension.LowerDeviceObject, FALSE);
    if (!NT_SUCCESS(status)) {
        ClassRemoveDevice(fdo, IRP_MN_REMOVE_DEVICE);
        return status;
    }
    CLEAR_FLAG(fdo->Flags, DO_DEVICE_INITIALIZING);
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI ClassDiskInitDevice(PDEVICE_OBJECT Fdo)
{
    PFUNCTIONAL_DEVICE_EXTENSION fdoExtension = Fdo->DeviceExtension;
    PDISK_DATA data = fdoExtension->CommonExtension.DriverData;

    fdoExtension->TimeOutValue = 10;
    return IoRegisterDeviceInterface(fdoExtension->LowerPdo, &DiskInterface, NULL, &data->Interface);
}

static NTSTATUS NTAPI ClassDiskStartDevice(PDEVICE_OBJECT Fdo)
{
    PFUNCTIONAL_DEVICE_EXTENSION fdoExtension = Fdo->DeviceExtension;
    PDISK_DATA data = fdoExtension->CommonExtension.DriverData;
    UNICODE_STRING link, target;
    WCHAR linkText[64], targetText[64];
    CHAR mode[64];
    ULONG length;
    NTSTATUS status = ClassReadDriveCapacity(Fdo);

    if (!NT_SUCCESS(status) && !TEST_FLAG(Fdo->Characteristics, FILE_REMOVABLE_MEDIA))
        return status;
    Fdo->SectorSize = (USHORT)fdoExtension->DiskGeometry.BytesPerSector;
    length = ClassModeSense(Fdo, mode, sizeof(mode), MODE_SENSE_RETURN_ALL);
    if (length >= sizeof(MODE_PARAMETER_HEADER)) {
        data->WriteProtected = ((PMODE_PARAMETER_HEADER)mode)->DeviceSpecificParameter >> 7;
        if (ClassFindModePage(mode, length, MODE_PAGE_CACHING, TRUE) != NULL)
            SET_FLAG(fdoExtension->DeviceFlags, DEV_WRITE_CACHE);
    }
    ADJUST_FUA_FLAG(fdoExtension);
    if (!data->Linked) {
        MakeName(linkText, sizeof(linkText), L"\\DosDevices\\PhysicalDrive%u", fdoExtension->DeviceNumber, &link);
        MakeName(targetText, sizeof(targetText), L"\\Device\\Harddisk%u\\DR%u", fdoExtension->DeviceNumber, &target);
        data->Linked = NT_SUCCESS(IoCreateSymbolicLink(&link, &target));
        MakeName(linkText, sizeof(linkText), L"\\Device\\Harddisk%u\\Partition0", fdoExtension->DeviceNumber, &link);
        IoCreateSymbolicLink(&link, &target);
    }
    ClassUpdateInformationInRegistry(Fdo, "PhysicalDrive", fdoExtension->DeviceNumber, NULL, 0);
    IoSetDeviceInterfaceState(&data->Interface, TRUE);
    DbgPrint("classdisk: disk %lu, %I64u bytes, over classpnp\n", fdoExtension->DeviceNumber, fdoExtension->CommonExtension.PartitionLength.QuadPart);
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI ClassDiskStopDevice(PDEVICE_OBJECT Fdo, UCHAR Type)
{
    UNREFERENCED_PARAMETER(Fdo);
    UNREFERENCED_PARAMETER(Type);
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI ClassDiskRemoveDevice(PDEVICE_OBJECT Fdo, UCHAR Type)
{
    PFUNCTIONAL_DEVICE_EXTENSION fdoExtension = Fdo->DeviceExtension;
    PDISK_DATA data = fdoExtension->CommonExtension.DriverData;
    UNICODE_STRING link;
    WCHAR text[64];

    if (Type == IRP_MN_QUERY_REMOVE_DEVICE || Type == IRP_MN_CANCEL_REMOVE_DEVICE)
        return STATUS_SUCCESS;
    if (data->Linked) {
        MakeName(text, sizeof(text), L"\\DosDevices\\PhysicalDrive%u", fdoExtension->DeviceNumber, &link);
        IoDeleteSymbolicLink(&link);
        MakeName(text, sizeof(text), L"\\Device\\Harddisk%u\\Partition0", fdoExtension->DeviceNumber, &link);
        IoDeleteSymbolicLink(&link);
        data->Linked = FALSE;
    }
    if (data->Interface.Buffer != NULL) {
        IoSetDeviceInterfaceState(&data->Interface, FALSE);
        RtlFreeUnicodeString(&data->Interface);
        RtlInitUnicodeString(&data->Interface, NULL);
    }
    if (Type == IRP_MN_REMOVE_DEVICE && data->Directory != NULL) {
        ZwClose(data->Directory);
        data->Directory = NULL;
    }
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI ClassDiskReadWriteVerification(PDEVICE_OBJECT Fdo, PIRP Irp)
{
    PFUNCTIONAL_DEVICE_EXTENSION fdoExtension = Fdo->DeviceExtension;
    PDISK_DATA data = fdoExtension->CommonExtension.DriverData;
    PIO_STACK_LOCATION irpSp = IoGetCurrentIrpStackLocation(Irp);
    LONGLONG end = fdoExtension->CommonExtension.PartitionLength.QuadPart;
    LONGLONG offset = irpSp->Parameters.Read.ByteOffset.QuadPart;

    if (offset < 0 || offset > end || irpSp->Parameters.Read.Length > end - offset)
        return STATUS_INVALID_PARAMETER;
    if (irpSp->MajorFunction == IRP_MJ_WRITE && data->WriteProtected)
        return STATUS_MEDIA_WRITE_PROTECTED;
    return STATUS_SUCCESS;
}

static NTSTATUS CompleteWith(PDEVICE_OBJECT Fdo, PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    ClassReleaseRemoveLock(Fdo, Irp);
    ClassCompleteRequest(Fdo, Irp, IO_NO_INCREMENT);
    return Status;
}

static NTSTATUS NTAPI ClassDiskDeviceControl(PDEVICE_OBJECT Fdo, PIRP Irp)
{
    PFUNCTIONAL_DEVICE_EXTENSION fdoExtension = Fdo->DeviceExtension;
    PDISK_DATA data = fdoExtension->CommonExtension.DriverData;
    PIO_STACK_LOCATION irpSp = IoGetCurrentIrpStackLocation(Irp);
    ULONG room = irpSp->Parameters.DeviceIoControl.OutputBufferLength;
    PVOID buffer = Irp->AssociatedIrp.SystemBuffer;

    switch (irpSp->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_DISK_GET_DRIVE_GEOMETRY:
        if (room < sizeof(DISK_GEOMETRY))
            return CompleteWith(Fdo, Irp, STATUS_BUFFER_TOO_SMALL, 0);
        RtlCopyMemory(buffer, &fdoExtension->DiskGeometry, sizeof(DISK_GEOMETRY));
        return CompleteWith(Fdo, Irp, STATUS_SUCCESS, sizeof(DISK_GEOMETRY));
    case IOCTL_DISK_GET_LENGTH_INFO:
        if (room < sizeof(GET_LENGTH_INFORMATION))
            return CompleteWith(Fdo, Irp, STATUS_BUFFER_TOO_SMALL, 0);
        ((PGET_LENGTH_INFORMATION)buffer)->Length = fdoExtension->CommonExtension.PartitionLength;
        return CompleteWith(Fdo, Irp, STATUS_SUCCESS, sizeof(GET_LENGTH_INFORMATION));
    case IOCTL_DISK_IS_WRITABLE:
        return CompleteWith(Fdo, Irp, data->WriteProtected ? STATUS_MEDIA_WRITE_PROTECTED : STATUS_SUCCESS, 0);
    default:
        return ClassDeviceControl(Fdo, Irp);
    }
}

static NTSTATUS NTAPI ClassDiskShutdownFlush(PDEVICE_OBJECT Fdo, PIRP Irp)
{
    PSCSI_REQUEST_BLOCK srb = ExAllocatePoolWithTag(NonPagedPool, sizeof(SCSI_REQUEST_BLOCK), 'kdlC');
    PFUNCTIONAL_DEVICE_EXTENSION fdoExtension = Fdo->DeviceExtension;

    if (srb == NULL)
        return CompleteWith(Fdo, Irp, STATUS_INSUFFICIENT_RESOURCES, 0);
    RtlZeroMemory(srb, sizeof(*srb));
    srb->TimeOutValue = fdoExtension->TimeOutValue * 4;
    srb->CdbLength = 10;
    srb->Cdb[0] = SCSIOP_SYNCHRONIZE_CACHE;
    return ClassSendSrbAsynchronous(Fdo, srb, Irp, NULL, 0, TRUE);
}

#ifdef CLASSDISK_STARTIO
/* One transfer at a time, built here: as older class drivers do. */
static VOID NTAPI ClassDiskStartIo(PDEVICE_OBJECT Fdo, PIRP Irp)
{
    PFUNCTIONAL_DEVICE_EXTENSION fdoExtension = Fdo->DeviceExtension;
    ULONG length = IoGetCurrentIrpStackLocation(Irp)->Parameters.Read.Length;
    ULONG sector = fdoExtension->DiskGeometry.BytesPerSector;
    NTSTATUS status = STATUS_SUCCESS;

    if (length % sector != 0 || IoGetCurrentIrpStackLocation(Irp)->Parameters.Read.ByteOffset.QuadPart % sector != 0)
        status = STATUS_INVALID_PARAMETER;
    if (!NT_SUCCESS(status) || length == 0) {
        CompleteWith(Fdo, Irp, status, 0);
        IoStartNextPacket(Fdo, FALSE);
    } else if (length > 0x10000) {
        ClassSplitRequest(Fdo, Irp, 0x10000);
    } else if (!NT_SUCCESS(status = ClassBuildRequest(Fdo, Irp))) {
        CompleteWith(Fdo, Irp, status, 0);
        IoStartNextPacket(Fdo, FALSE);
    } else {
        IoCallDriver(fdoExtension->CommonExtension.LowerDeviceObject, Irp);
    }
}
#endif

/* A device without a cache need not know SYNCHRONIZE CACHE. */
static VOID NTAPI ClassDiskError(PDEVICE_OBJECT Fdo, PSCSI_REQUEST_BLOCK Srb, NTSTATUS *Status, BOOLEAN *Retry)
{
    UNREFERENCED_PARAMETER(Fdo);
    UNREFERENCED_PARAMETER(Retry);
    if (Srb->Cdb[0] == SCSIOP_SYNCHRONIZE_CACHE && *Status == STATUS_INVALID_DEVICE_REQUEST)
        *Status = STATUS_SUCCESS;
}

static VOID NTAPI ClassDiskUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    CLASS_INIT_DATA data;

    RtlZeroMemory(&data, sizeof(data));
    data.InitializationDataSize = sizeof(data);
    data.FdoData.DeviceExtensionSize = sizeof(FUNCTIONAL_DEVICE_EXTENSION) + sizeof(DISK_DATA);
    data.FdoData.DeviceType = FILE_DEVICE_DISK;
    data.FdoData.DeviceCharacteristics = FILE_DEVICE_SECURE_OPEN;
    data.FdoData.ClassInitDevice = ClassDiskInitDevice;
    data.FdoData.ClassStartDevice = ClassDiskStartDevice;
    data.FdoData.ClassStopDevice = ClassDiskStopDevice;
    data.FdoData.ClassRemoveDevice = ClassDiskRemoveDevice;
    data.FdoData.ClassPowerDevice = ClassSpinDownPowerHandler;
    data.FdoData.ClassReadWriteVerification = ClassDiskReadWriteVerification;
    data.FdoData.ClassDeviceControl = ClassDiskDeviceControl;
    data.FdoData.ClassShutdownFlush = ClassDiskShutdownFlush;
    data.FdoData.ClassError = ClassDiskError;
    data.ClassAddDevice = ClassDiskAddDevice;
    data.ClassUnload = ClassDiskUnload;
#ifdef CLASSDISK_STARTIO
    data.ClassStartIo = ClassDiskStartIo;
#endif
    return ClassInitialize(DriverObject, RegistryPath, &data);
}
