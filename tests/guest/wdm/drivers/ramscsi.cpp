// A port driver for a root device whose bus has one disk, of memory that a section of the test's holds.
#include "wdm/ntoskrnl/ddk.hpp"

#include "tests/guest/wdm/drivers/ramscsi.hpp"

#include <ntddscsi.h>
#include <ntddstor.h>
#include <srb.h>

using namespace ramscsi;

extern "C" NTSTATUS NTAPI ZwOpenSection(PHANDLE, ACCESS_MASK, POBJECT_ATTRIBUTES);

namespace {

struct Bus {
    bool IsBus;
    PDEVICE_OBJECT Below, Physical, Child;
    bool Vanished;
};
struct Unit {
    bool IsBus;
    PDEVICE_OBJECT Owner;
    bool Removed;
};

unsigned char* Data;
Counts Count_;
UCHAR FailLeft, FailKey, FailCode, DelayMs;
bool TakenOut;

NTSTATUS Complete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information = 0)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

bool MapData()
{
    UNICODE_STRING Name;
    RtlInitUnicodeString(&Name, SectionName);
    OBJECT_ATTRIBUTES Attributes;
    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE, nullptr, nullptr);
    HANDLE Section;
    if (!NT_SUCCESS(ZwOpenSection(&Section, SECTION_ALL_ACCESS, &Attributes)))
        return false;
    PVOID At = nullptr;
    SIZE_T Bytes = 0;
    NTSTATUS Status = ZwMapViewOfSection(Section, ZwCurrentProcess(), &At, 0, 0, nullptr, &Bytes, ViewUnmap, 0, PAGE_READWRITE);
    ZwClose(Section);
    Data = static_cast<unsigned char*>(At);
    return NT_SUCCESS(Status);
}

// --- commands

struct Later {
    KTIMER Timer;
    KDPC Dpc;
    PIRP Irp;
};

void Finish(PIRP Irp, UCHAR SrbStatus)
{
    auto* Srb = IoGetCurrentIrpStackLocation(Irp)->Parameters.Scsi.Srb;
    Srb->SrbStatus = SrbStatus;
    --Count_.InFlight;
    Complete(Irp, SRB_STATUS(SrbStatus) == SRB_STATUS_SUCCESS ? STATUS_SUCCESS : STATUS_IO_DEVICE_ERROR, Srb->DataTransferLength);
}

UCHAR SenseError(SCSI_REQUEST_BLOCK* Srb, UCHAR Key, UCHAR Code)
{
    Srb->ScsiStatus = 2;                // CHECK CONDITION
    Srb->DataTransferLength = 0;
    auto* Sense = static_cast<UCHAR*>(Srb->SenseInfoBuffer);
    if (!Sense || Srb->SenseInfoBufferLength < 18)
        return SRB_STATUS_ERROR;
    memset(Sense, 0, 18);
    Sense[0] = 0x70;
    Sense[2] = Key;
    Sense[7] = 10;
    Sense[12] = Code;
    Srb->SenseInfoBufferLength = 18;
    return SRB_STATUS_ERROR | SRB_STATUS_AUTOSENSE_VALID;
}

ULONG Big(const UCHAR* From, int Bytes)
{
    ULONG Value = 0;
    for (int I = 0; I < Bytes; ++I)
        Value = Value << 8 | From[I];
    return Value;
}

UCHAR Run(PIRP Irp)
{
    auto* Srb = IoGetCurrentIrpStackLocation(Irp)->Parameters.Scsi.Srb;
    UCHAR* Cdb = Srb->Cdb;
    ULONG Bytes = Srb->DataTransferLength;
    ++Count_.Commands;
    UCHAR* At = nullptr;
    if (Bytes) {
        if (!Irp->MdlAddress)
            return SRB_STATUS_INVALID_REQUEST;
        if (!(Irp->MdlAddress->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA))
            ++Count_.Mapped;
        // Where the data is within the MDL, whose address is none.
        auto* Base = static_cast<UCHAR*>(MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority));
        At = Base ? Base + (static_cast<UCHAR*>(Srb->DataBuffer) - static_cast<UCHAR*>(MmGetMdlVirtualAddress(Irp->MdlAddress))) : nullptr;
        if (!At)
            return SRB_STATUS_INTERNAL_ERROR;
    }
    auto Give = [&](const void* From, ULONG Have) {
        if (Have > Bytes)
            Have = Bytes;
        memcpy(At, From, Have);
        Srb->DataTransferLength = Have;
        return UCHAR(SRB_STATUS_SUCCESS);
    };
    if (TakenOut)
        return SRB_STATUS_NO_DEVICE;
    if (FailLeft && Cdb[0] < 0xC0) {
        --FailLeft;
        if (FailKey == 0xFF) {
            Srb->ScsiStatus = 8;        // BUSY
            return SRB_STATUS_ERROR;
        }
        return SenseError(Srb, FailKey, FailCode);
    }
    switch (Cdb[0]) {
    case 0x00:
        return SRB_STATUS_SUCCESS;
    case 0x12: {
        UCHAR Answer[36] = { 0, 0, 5, 2, 31, 0, 0, 2, 'N', 'E', 'P', 'T', 'U', 'N', 'E', ' ', 'R', 'A', 'M', ' ', 'D', 'I', 'S', 'K', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', '1', '.', '0', ' ' };
        return Give(Answer, sizeof(Answer));
    }
    case 0x25: {
        UCHAR Answer[8] = { 0, 0, UCHAR((Sectors - 1) >> 8), UCHAR(Sectors - 1), 0, 0, UCHAR(SectorBytes >> 8), UCHAR(SectorBytes) };
        return Give(Answer, sizeof(Answer));
    }
    case 0x28:
    case 0x2A: {
        ULONG First = Big(Cdb + 2, 4), Length = Big(Cdb + 7, 2) * SectorBytes;
        if (First >= Sectors || Length > (Sectors - First) * SectorBytes)
            return SenseError(Srb, 5, 0x21);
        if (Length != Bytes || Bytes > MostBytes)
            return SRB_STATUS_INVALID_REQUEST;
        ++(Cdb[0] == 0x28 ? Count_.Reads : Count_.Writes);
        if (Bytes > Count_.Largest)
            Count_.Largest = Bytes;
        UCHAR* There = Data + ULONGLONG(First) * SectorBytes;
        Cdb[0] == 0x28 ? memcpy(At, There, Bytes) : memcpy(There, At, Bytes);
        return SRB_STATUS_SUCCESS;
    }
    case 0x35:
        ++Count_.Flushes;
        return SRB_STATUS_SUCCESS;
    case Die:
        *reinterpret_cast<volatile int*>(8) = 1;
        return SRB_STATUS_SUCCESS;
    case Fail:
        FailLeft = Cdb[1];
        FailKey = Cdb[2];
        FailCode = Cdb[3];
        return SRB_STATUS_SUCCESS;
    case Count:
        return Give(&Count_, sizeof(Count_));
    case Vanish: {
        TakenOut = true;
        auto& U = *static_cast<Unit*>(IoGetCurrentIrpStackLocation(Irp)->DeviceObject->DeviceExtension);
        auto& B = *static_cast<Bus*>(U.Owner->DeviceExtension);
        B.Vanished = true;
        IoInvalidateDeviceRelations(B.Physical, BusRelations);
        return SRB_STATUS_SUCCESS;
    }
    case Hang: {
        KIRQL Old;
        KeRaiseIrql(DISPATCH_LEVEL, &Old);
        for (;;)
            YieldProcessor();
    }
    case Delay:
        DelayMs = Cdb[1];
        return SRB_STATUS_SUCCESS;
    default:
        return SenseError(Srb, 5, 0x20);
    }
}

void NTAPI Fires(PKDPC, PVOID Context, PVOID, PVOID)
{
    auto* L = static_cast<Later*>(Context);
    PIRP Irp = L->Irp;
    ExFreePoolWithTag(L, 'csmR');
    Finish(Irp, Run(Irp));
}

NTSTATUS NTAPI Scsi(PDEVICE_OBJECT Device, PIRP Irp)
{
    auto* Srb = IoGetCurrentIrpStackLocation(Irp)->Parameters.Scsi.Srb;
    if (static_cast<Unit*>(Device->DeviceExtension)->IsBus || !Srb || Srb->Function != SRB_FUNCTION_EXECUTE_SCSI)
        return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST);
    if (++Count_.InFlight > Count_.MostInFlight)
        Count_.MostInFlight = Count_.InFlight;
    IoMarkIrpPending(Irp);
    if (!DelayMs || Srb->Cdb[0] >= 0xC0) {
        Finish(Irp, Run(Irp));
        return STATUS_PENDING;
    }
    auto* L = static_cast<Later*>(ExAllocatePoolWithTag(NonPagedPool, sizeof(Later), 'csmR'));
    L->Irp = Irp;
    KeInitializeTimer(&L->Timer);
    KeInitializeDpc(&L->Dpc, Fires, L);
    LARGE_INTEGER Due;
    Due.QuadPart = -10000ll * DelayMs;
    KeSetTimer(&L->Timer, Due, &L->Dpc);
    return STATUS_PENDING;
}

NTSTATUS NTAPI Control(PDEVICE_OBJECT Device, PIRP Irp)
{
    auto& P = IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceIoControl;
    if (static_cast<Unit*>(Device->DeviceExtension)->IsBus || P.IoControlCode != IOCTL_STORAGE_QUERY_PROPERTY || P.InputBufferLength < 8)
        return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST);
    if (static_cast<STORAGE_PROPERTY_QUERY*>(Irp->AssociatedIrp.SystemBuffer)->PropertyId != StorageAdapterProperty)
        return Complete(Irp, STATUS_NOT_SUPPORTED);
    STORAGE_ADAPTER_DESCRIPTOR A {};
    A.Version = A.Size = sizeof(A);
    A.MaximumTransferLength = MostBytes;
    A.MaximumPhysicalPages = MostBytes / 4096 + 1;
    ULONG Bytes = P.OutputBufferLength < sizeof(A) ? P.OutputBufferLength : ULONG(sizeof(A));
    memcpy(Irp->AssociatedIrp.SystemBuffer, &A, Bytes);
    return Complete(Irp, STATUS_SUCCESS, Bytes);
}

// --- plug and play

WCHAR* Text(const WCHAR* From, ULONG Characters)
{
    auto* At = static_cast<WCHAR*>(ExAllocatePoolWithTag(PagedPool, (Characters + 2) * 2, 'csmR'));
    if (At) {
        memset(At, 0, (Characters + 2) * 2);
        memcpy(At, From, Characters * 2);
    }
    return At;
}

NTSTATUS UnitPnp(PDEVICE_OBJECT Device, PIRP Irp)
{
    auto& U = *static_cast<Unit*>(Device->DeviceExtension);
    PIO_STACK_LOCATION S = IoGetCurrentIrpStackLocation(Irp);
    switch (S->MinorFunction) {
    case IRP_MN_REMOVE_DEVICE: {
        auto& B = *static_cast<Bus*>(U.Owner->DeviceExtension);
        Complete(Irp, STATUS_SUCCESS);
        if (B.Vanished) {
            B.Child = nullptr;
            IoDeleteDevice(Device);
        }
        return STATUS_SUCCESS;
    }
    case IRP_MN_START_DEVICE:
    case IRP_MN_SURPRISE_REMOVAL:
    case IRP_MN_QUERY_REMOVE_DEVICE:
    case IRP_MN_CANCEL_REMOVE_DEVICE:
    case IRP_MN_QUERY_STOP_DEVICE:
    case IRP_MN_STOP_DEVICE:
        return Complete(Irp, STATUS_SUCCESS);
    case IRP_MN_QUERY_CAPABILITIES:
        S->Parameters.DeviceCapabilities.Capabilities->UniqueID = FALSE;
        return Complete(Irp, STATUS_SUCCESS);
    case IRP_MN_QUERY_ID:
        switch (S->Parameters.QueryId.IdType) {
        case BusQueryDeviceID:
            return Complete(Irp, STATUS_SUCCESS, ULONG_PTR(Text(L"SCSI\\Disk&Ven_NEPTUNE&Prod_RAM_DISK", 35)));
        case BusQueryHardwareIDs:
            return Complete(Irp, STATUS_SUCCESS, ULONG_PTR(Text(L"SCSI\\DiskNEPTUNE_RAM_DISK\0GenRamDisk", 36)));
        case BusQueryCompatibleIDs:
            return Complete(Irp, STATUS_SUCCESS, ULONG_PTR(Text(L"SCSI\\Disk\0GenDisk", 17)));
        case BusQueryInstanceID:
            return Complete(Irp, STATUS_SUCCESS, ULONG_PTR(Text(L"000100", 6)));
        default:
            break;
        }
        break;
    default:
        break;
    }
    return Complete(Irp, Irp->IoStatus.Status, Irp->IoStatus.Information);
}

NTSTATUS Relations(PDEVICE_OBJECT Device, PIRP Irp)
{
    auto& B = *static_cast<Bus*>(Device->DeviceExtension);
    auto* R = static_cast<DEVICE_RELATIONS*>(ExAllocatePoolWithTag(PagedPool, sizeof(DEVICE_RELATIONS), 'csmR'));
    if (!B.Child && !B.Vanished) {
        if (!NT_SUCCESS(IoCreateDevice(Device->DriverObject, sizeof(Unit), nullptr, FILE_DEVICE_MASS_STORAGE, FILE_AUTOGENERATED_DEVICE_NAME, FALSE, &B.Child)))
            return Complete(Irp, STATUS_INSUFFICIENT_RESOURCES);
        static_cast<Unit*>(B.Child->DeviceExtension)->Owner = Device;
        B.Child->Flags |= DO_DIRECT_IO;
        B.Child->Flags &= ~DO_DEVICE_INITIALIZING;
    }
    R->Count = !B.Vanished;
    R->Objects[0] = B.Child;
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = ULONG_PTR(R);
    IoSkipCurrentIrpStackLocation(Irp);
    return IoCallDriver(B.Below, Irp);
}

NTSTATUS NTAPI Pnp(PDEVICE_OBJECT Device, PIRP Irp)
{
    auto& B = *static_cast<Bus*>(Device->DeviceExtension);
    if (!B.IsBus)
        return UnitPnp(Device, Irp);
    PIO_STACK_LOCATION S = IoGetCurrentIrpStackLocation(Irp);
    if (S->MinorFunction == IRP_MN_QUERY_DEVICE_RELATIONS && S->Parameters.QueryDeviceRelations.Type == BusRelations)
        return Relations(Device, Irp);
    if (S->MinorFunction == IRP_MN_START_DEVICE) {
        IoForwardIrpSynchronously(B.Below, Irp);
        return Complete(Irp, MapData() ? Irp->IoStatus.Status : STATUS_DEVICE_CONFIGURATION_ERROR);
    }
    IoSkipCurrentIrpStackLocation(Irp);
    return IoCallDriver(B.Below, Irp);
}

NTSTATUS NTAPI AddDevice(PDRIVER_OBJECT Driver, PDEVICE_OBJECT Physical)
{
    PDEVICE_OBJECT Device;
    NTSTATUS Status = IoCreateDevice(Driver, sizeof(Bus), nullptr, FILE_DEVICE_CONTROLLER, 0, FALSE, &Device);
    if (!NT_SUCCESS(Status))
        return Status;
    auto& B = *static_cast<Bus*>(Device->DeviceExtension);
    B.IsBus = true;
    B.Physical = Physical;
    B.Below = IoAttachDeviceToDeviceStack(Device, Physical);
    Device->Flags &= ~DO_DEVICE_INITIALIZING;
    return B.Below ? STATUS_SUCCESS : STATUS_NO_SUCH_DEVICE;
}

NTSTATUS NTAPI OpenClose(PDEVICE_OBJECT, PIRP Irp) { return Complete(Irp, STATUS_SUCCESS); }

}

extern "C" NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING)
{
    Driver->DriverExtension->AddDevice = AddDevice;
    Driver->MajorFunction[IRP_MJ_CREATE] = Driver->MajorFunction[IRP_MJ_CLEANUP] = Driver->MajorFunction[IRP_MJ_CLOSE] = OpenClose;
    Driver->MajorFunction[IRP_MJ_PNP] = Pnp;
    Driver->MajorFunction[IRP_MJ_SCSI] = Scsi;
    Driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control;
    return STATUS_SUCCESS;
}
