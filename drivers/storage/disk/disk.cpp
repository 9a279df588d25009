// disk.sys: entry, plug and play, names.
#include <initguid.h>

#include "drivers/storage/disk/disk.hpp"


namespace disk {

NTSTATUS Complete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

namespace {

constexpr ULONG MostDisks = 256;

struct Name {
    WCHAR Text[64];
    UNICODE_STRING String;
    Name(const WCHAR* Before, ULONG Number, const WCHAR* After, ULONG Second = ~0u)
    {
        USHORT At = 0;
        auto Add = [&](const WCHAR* From) {
            while (*From)
                Text[At++] = *From++;
        };
        auto Digits = [&](ULONG N) {
            WCHAR Backwards[10];
            int Count = 0;
            do
                Backwards[Count++] = WCHAR('0' + N % 10);
            while (N /= 10);
            while (Count)
                Text[At++] = Backwards[--Count];
        };
        Add(Before);
        Digits(Number);
        Add(After);
        if (Second != ~0u)
            Digits(Second);
        Text[At] = 0;
        String = { USHORT(At * 2), USHORT(At * 2 + 2), Text };
    }
};

// The number a disk had before its driver was started again, or ~0. Kept until the system ends.
HANDLE NumberKey(PDEVICE_OBJECT Physical)
{
    HANDLE Device, Key = nullptr;
    if (!NT_SUCCESS(IoOpenDeviceRegistryKey(Physical, PLUGPLAY_REGKEY_DEVICE, KEY_ALL_ACCESS, &Device)))
        return nullptr;
    UNICODE_STRING Sub = RTL_CONSTANT_STRING(L"Disk");
    OBJECT_ATTRIBUTES Attributes;
    InitializeObjectAttributes(&Attributes, &Sub, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, Device, nullptr);
    if (!NT_SUCCESS(ZwCreateKey(&Key, KEY_ALL_ACCESS, &Attributes, 0, nullptr, REG_OPTION_VOLATILE, nullptr)))
        Key = nullptr;
    ZwClose(Device);
    return Key;
}

ULONG OldNumber(HANDLE Key)
{
    UNICODE_STRING Value = RTL_CONSTANT_STRING(L"Number");
    alignas(8) UCHAR Room[sizeof(KEY_VALUE_PARTIAL_INFORMATION) + 8];
    ULONG Length, Number = ~0u;
    auto* Info = reinterpret_cast<KEY_VALUE_PARTIAL_INFORMATION*>(Room);
    if (Key && NT_SUCCESS(ZwQueryValueKey(Key, &Value, KeyValuePartialInformation, Room, sizeof(Room), &Length)) && Info->Type == REG_DWORD && Info->DataLength == 4)
        memcpy(&Number, Info->Data, 4);
    return Number;
}

// Takes the name \Device\HarddiskN\DRN; N is the old number if it is free, else the first that is.
NTSTATUS MakeDevice(PDRIVER_OBJECT Driver, PDEVICE_OBJECT Physical, PDEVICE_OBJECT* Out)
{
    HANDLE Key = NumberKey(Physical);
    ULONG Old = OldNumber(Key);
    NTSTATUS Status = STATUS_INSUFFICIENT_RESOURCES;
    for (ULONG I = Old < MostDisks ? 0 : 1; I <= MostDisks; ++I) {
        ULONG Number = I ? I - 1 : Old;
        Name Folder(L"\\Device\\Harddisk", Number, L""), Device(L"\\Device\\Harddisk", Number, L"\\DR", Number);
        OBJECT_ATTRIBUTES Attributes;
        InitializeObjectAttributes(&Attributes, &Folder.String, OBJ_CASE_INSENSITIVE | OBJ_OPENIF | OBJ_KERNEL_HANDLE, nullptr, nullptr);
        HANDLE Handle;
        Status = ZwCreateDirectoryObject(&Handle, DIRECTORY_ALL_ACCESS, &Attributes);
        if (!NT_SUCCESS(Status))
            break;
        Status = IoCreateDevice(Driver, sizeof(Disk), &Device.String, FILE_DEVICE_DISK, FILE_DEVICE_SECURE_OPEN, FALSE, Out);
        if (NT_SUCCESS(Status)) {
            Disk& D = Of(*Out);
            D.Number = Number;
            D.Folder = Handle;
            UNICODE_STRING Value = RTL_CONSTANT_STRING(L"Number");
            if (Key)
                ZwSetValueKey(Key, &Value, 0, REG_DWORD, &D.Number, sizeof(D.Number));
            break;
        }
        ZwClose(Handle);
        if (Status != STATUS_OBJECT_NAME_COLLISION)
            break;
    }
    if (Key)
        ZwClose(Key);
    return Status;
}

void Links(Disk& D, bool Make)
{
    Name Device(L"\\Device\\Harddisk", D.Number, L"\\DR", D.Number), Drive(L"\\??\\PhysicalDrive", D.Number, L""), Partition(L"\\Device\\Harddisk", D.Number, L"\\Partition", 0);
    if (Make == D.Linked)
        return;
    D.Linked = Make;
    if (!Make) {
        IoDeleteSymbolicLink(&Drive.String);
        IoDeleteSymbolicLink(&Partition.String);
        return;
    }
    IoCreateSymbolicLink(&Drive.String, &Device.String);
    IoCreateSymbolicLink(&Partition.String, &Device.String);
}

NTSTATUS NTAPI AddDevice(PDRIVER_OBJECT Driver, PDEVICE_OBJECT Physical)
{
    PDEVICE_OBJECT Device;
    NTSTATUS Status = MakeDevice(Driver, Physical, &Device);
    if (!NT_SUCCESS(Status))
        return Status;
    Disk& D = Of(Device);
    D.Self = Device;
    D.Physical = Physical;
    D.Seconds = TimeOut;
    D.Decide = Decide;
    D.Ended = Ended;
    IoInitializeRemoveLock(&D.Lock, Tag, 0, 0);
    Device->Flags |= DO_DIRECT_IO | DO_POWER_PAGABLE;
    D.Below = IoAttachDeviceToDeviceStack(Device, Physical);
    if (!D.Below) {
        ZwClose(D.Folder);
        IoDeleteDevice(Device);
        return STATUS_NO_SUCH_DEVICE;
    }
    Device->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

NTSTATUS Start(Disk& D, PIRP Irp)
{
    if (!IoForwardIrpSynchronously(D.Below, Irp))
        return Complete(Irp, STATUS_UNSUCCESSFUL);
    NTSTATUS Status = Irp->IoStatus.Status;
    if (NT_SUCCESS(Status))
        Status = Identify(D);
    if (!NT_SUCCESS(Status))
        return Complete(Irp, Status);
    D.Started = true;
    if (D.SectorBytes)
        D.Self->SectorSize = USHORT(D.SectorBytes);
    Links(D, true);
    if (!D.Interface.Buffer)
        IoRegisterDeviceInterface(D.Physical, &GUID_DEVINTERFACE_DISK, nullptr, &D.Interface);
    if (D.Interface.Buffer)
        IoSetDeviceInterfaceState(&D.Interface, TRUE);
    return Complete(Irp, STATUS_SUCCESS);
}

void Leave(Disk& D)
{
    D.Gone = true;
    Links(D, false);
    if (D.Interface.Buffer)
        IoSetDeviceInterfaceState(&D.Interface, FALSE);
}

NTSTATUS NTAPI Pnp(PDEVICE_OBJECT Device, PIRP Irp)
{
    Disk& D = Of(Device);
    switch (IoGetCurrentIrpStackLocation(Irp)->MinorFunction) {
    case IRP_MN_START_DEVICE: return Start(D, Irp);
    case IRP_MN_SURPRISE_REMOVAL:
        Leave(D);
        Irp->IoStatus.Status = STATUS_SUCCESS;
        break;
    case IRP_MN_REMOVE_DEVICE: {
        Leave(D);
        NTSTATUS Status = IoAcquireRemoveLock(&D.Lock, Irp);
        if (NT_SUCCESS(Status))
            IoReleaseRemoveLockAndWait(&D.Lock, Irp);
        Irp->IoStatus.Status = STATUS_SUCCESS;
        IoSkipCurrentIrpStackLocation(Irp);
        Status = IoCallDriver(D.Below, Irp);
        IoDetachDevice(D.Below);
        if (D.Interface.Buffer)
            RtlFreeUnicodeString(&D.Interface);
        ZwClose(D.Folder);
        IoDeleteDevice(Device);
        return Status;
    }
    case IRP_MN_QUERY_STOP_DEVICE:
    case IRP_MN_QUERY_REMOVE_DEVICE:
    case IRP_MN_CANCEL_STOP_DEVICE:
    case IRP_MN_CANCEL_REMOVE_DEVICE:
        Irp->IoStatus.Status = STATUS_SUCCESS;
        break;
    }
    IoSkipCurrentIrpStackLocation(Irp);
    return IoCallDriver(D.Below, Irp);
}

NTSTATUS NTAPI Power(PDEVICE_OBJECT Device, PIRP Irp)
{
    PoStartNextPowerIrp(Irp);
    IoSkipCurrentIrpStackLocation(Irp);
    return PoCallDriver(Of(Device).Below, Irp);
}

NTSTATUS NTAPI PassDown(PDEVICE_OBJECT Device, PIRP Irp)
{
    IoSkipCurrentIrpStackLocation(Irp);
    return IoCallDriver(Of(Device).Below, Irp);
}

NTSTATUS NTAPI OpenClose(PDEVICE_OBJECT Device, PIRP Irp)
{
    bool Create = IoGetCurrentIrpStackLocation(Irp)->MajorFunction == IRP_MJ_CREATE;
    return Complete(Irp, Create && Of(Device).Gone ? STATUS_DEVICE_DOES_NOT_EXIST : STATUS_SUCCESS, Create ? FILE_OPENED : 0);
}

void NTAPI Unload(PDRIVER_OBJECT) { }

}

}

extern "C" NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING)
{
    using namespace disk;
    for (auto& M : Driver->MajorFunction)
        M = PassDown;
    Driver->MajorFunction[IRP_MJ_CREATE] = Driver->MajorFunction[IRP_MJ_CLEANUP] = Driver->MajorFunction[IRP_MJ_CLOSE] = OpenClose;
    Driver->MajorFunction[IRP_MJ_READ] = Driver->MajorFunction[IRP_MJ_WRITE] = ReadWrite;
    Driver->MajorFunction[IRP_MJ_FLUSH_BUFFERS] = Driver->MajorFunction[IRP_MJ_SHUTDOWN] = Flush;
    Driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control;
    Driver->MajorFunction[IRP_MJ_PNP] = Pnp;
    Driver->MajorFunction[IRP_MJ_POWER] = Power;
    Driver->DriverExtension->AddDevice = AddDevice;
    Driver->DriverUnload = Unload;
    return STATUS_SUCCESS;
}
