// Entry, adding a disk, dispatch.
#include <new>

#include "drivers/storage/partmgr/partmgr.hpp"

namespace partmgr {

PDRIVER_OBJECT Driver;

static NTSTATUS NTAPI AddDevice(PDRIVER_OBJECT, PDEVICE_OBJECT Physical)
{
    PDEVICE_OBJECT Device;
    NTSTATUS Status = IoCreateDevice(Driver, sizeof(Filter), nullptr, FILE_DEVICE_DISK, 0, FALSE, &Device);
    if (!NT_SUCCESS(Status))
        return Status;
    auto* D = &(new (Device->DeviceExtension) Filter { { false }, {} })->Disk;
    D->Device = Device;
    D->Physical = Physical;
    ExInitializeFastMutex(&D->Lock);
    D->Table = static_cast<Layout*>(ExAllocatePoolWithTag(NonPagedPool, sizeof(Layout), Tag));
    D->Work = ExAllocatePoolWithTag(NonPagedPool, WorkBytes, Tag);
    D->Lower = D->Table && D->Work ? IoAttachDeviceToDeviceStack(Device, Physical) : nullptr;
    if (!D->Lower) {
        if (D->Table)
            ExFreePoolWithTag(D->Table, Tag);
        if (D->Work)
            ExFreePoolWithTag(D->Work, Tag);
        IoDeleteDevice(Device);
        return STATUS_NO_SUCH_DEVICE;
    }
    memset(D->Table, 0, sizeof(Layout));
    D->Table->What = Style::Raw;
    Device->Flags |= D->Lower->Flags & (DO_DIRECT_IO | DO_BUFFERED_IO | DO_POWER_PAGABLE);
    Device->Characteristics = D->Lower->Characteristics;
    Device->AlignmentRequirement = D->Lower->AlignmentRequirement;
    Device->SectorSize = D->Lower->SectorSize;
    Device->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI Dispatch(PDEVICE_OBJECT Device, PIRP Irp)
{
    auto* C = static_cast<Common*>(Device->DeviceExtension);
    if (C->IsVolume)
        return VolumeDispatch(*static_cast<Volume*>(C), Irp);
    auto& D = static_cast<Filter*>(C)->Disk;
    switch (IoGetCurrentIrpStackLocation(Irp)->MajorFunction) {
    case IRP_MJ_DEVICE_CONTROL: return FilterControl(D, Irp);
    case IRP_MJ_PNP: return FilterPnp(D, Irp);
    case IRP_MJ_POWER:
        PoStartNextPowerIrp(Irp);
        IoSkipCurrentIrpStackLocation(Irp);
        return PoCallDriver(D.Lower, Irp);
    default: return PassDown(D.Lower, Irp);
    }
}

static void NTAPI Unload(PDRIVER_OBJECT) { }

}

extern "C" NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT Object, PUNICODE_STRING)
{
    partmgr::Driver = Object;
    for (auto& Major : Object->MajorFunction)
        Major = partmgr::Dispatch;
    Object->DriverExtension->AddDevice = partmgr::AddDevice;
    Object->DriverUnload = partmgr::Unload;
    return STATUS_SUCCESS;
}
