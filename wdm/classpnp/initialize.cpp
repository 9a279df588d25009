// Becoming a class driver, its devices, the dispatch routines.
#include "class.hpp"

namespace classpnp {

namespace {

NTSTATUS NTAPI AddDevice(PDRIVER_OBJECT Driver, PDEVICE_OBJECT Physical)
{
    return ClassGetDriverExtension(Driver)->InitData.ClassAddDevice(Driver, Physical);
}

void NTAPI Unload(PDRIVER_OBJECT Driver)
{
    PCLASS_DRIVER_EXTENSION E = ClassGetDriverExtension(Driver);
    if (E->InitData.ClassUnload)
        E->InitData.ClassUnload(Driver);
    RtlFreeUnicodeString(&E->RegistryPath);
}

NTSTATUS NTAPI DispatchCreateClose(PDEVICE_OBJECT D, PIRP Irp)
{
    // A handle may be closed when the device is gone.
    bool Gone = ClassAcquireRemoveLock(D, Irp) != NO_REMOVE;
    if (Gone && IoGetCurrentIrpStackLocation(Irp)->MajorFunction == IRP_MJ_CREATE)
        return Finish(D, Irp, STATUS_DEVICE_DOES_NOT_EXIST);
    return Common(D)->DevInfo->ClassCreateClose ? Common(D)->DevInfo->ClassCreateClose(D, Irp) : Finish(D, Irp, STATUS_SUCCESS);
}

NTSTATUS NTAPI DispatchCleanup(PDEVICE_OBJECT D, PIRP Irp)
{
    ClassAcquireRemoveLock(D, Irp);
    return Finish(D, Irp, STATUS_SUCCESS);
}

NTSTATUS NTAPI DispatchControl(PDEVICE_OBJECT D, PIRP Irp)
{
    return Enter(D, Irp) ? Common(D)->DevInfo->ClassDeviceControl(D, Irp) : STATUS_DEVICE_DOES_NOT_EXIST;
}

NTSTATUS NTAPI DispatchShutdownFlush(PDEVICE_OBJECT D, PIRP Irp)
{
    if (!Enter(D, Irp))
        return STATUS_DEVICE_DOES_NOT_EXIST;
    if (Common(D)->DevInfo->ClassShutdownFlush)
        return Common(D)->DevInfo->ClassShutdownFlush(D, Irp);
    return Finish(D, Irp, STATUS_INVALID_DEVICE_REQUEST);
}

NTSTATUS NTAPI DispatchSystemControl(PDEVICE_OBJECT D, PIRP Irp)
{
    return Enter(D, Irp) ? PassDown(D, Irp) : STATUS_DEVICE_DOES_NOT_EXIST;
}

}

NTSTATUS Finish(PDEVICE_OBJECT D, PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    ClassReleaseRemoveLock(D, Irp);
    ClassCompleteRequest(D, Irp, IO_NO_INCREMENT);
    return Status;
}

bool Enter(PDEVICE_OBJECT D, PIRP Irp)
{
    if (ClassAcquireRemoveLock(D, Irp) == NO_REMOVE)
        return true;
    Finish(D, Irp, STATUS_DEVICE_DOES_NOT_EXIST);
    return false;
}

NTSTATUS PassDown(PDEVICE_OBJECT D, PIRP Irp)
{
    PDEVICE_OBJECT Lower = Common(D)->LowerDeviceObject;
    IoSkipCurrentIrpStackLocation(Irp);
    ClassReleaseRemoveLock(D, Irp);
    return IoCallDriver(Lower, Irp);
}

}

using namespace classpnp;

extern "C" {

// The library itself, as the loader of drivers sees it.
NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT, PUNICODE_STRING) { return STATUS_SUCCESS; }

// Argument1 and Argument2 are DriverEntry's.
ULONG NTAPI ClassInitialize(PVOID Argument1, PVOID Argument2, PCLASS_INIT_DATA Data)
{
    auto* Driver = static_cast<PDRIVER_OBJECT>(Argument1);
    auto* Path = static_cast<PUNICODE_STRING>(Argument2);
    if (!Driver || !Path || !Data)
        return ULONG(STATUS_INVALID_PARAMETER);
    if (Data->InitializationDataSize != sizeof(CLASS_INIT_DATA) || Data->FdoData.DeviceExtensionSize < sizeof(FUNCTIONAL_DEVICE_EXTENSION))
        return ULONG(STATUS_REVISION_MISMATCH);
    if (!Data->ClassAddDevice || !Data->FdoData.ClassDeviceControl || !Data->FdoData.ClassStartDevice || !(Data->FdoData.ClassReadWriteVerification || Data->ClassStartIo))
        return ULONG(STATUS_REVISION_MISMATCH);
    if (Data->ClassEnumerateDevice)
        return ULONG(STATUS_NOT_IMPLEMENTED);
    PCLASS_DRIVER_EXTENSION E;
    NTSTATUS Status = IoAllocateDriverObjectExtension(Driver, CLASS_DRIVER_EXTENSION_KEY, sizeof(*E), reinterpret_cast<PVOID*>(&E));
    if (!NT_SUCCESS(Status))
        return ULONG(Status);
    RtlZeroMemory(E, sizeof(*E));
    E->RegistryPath.Buffer = static_cast<PWCH>(ExAllocatePoolWithTag(PagedPool, Path->Length + sizeof(WCHAR), Tag));
    if (!E->RegistryPath.Buffer)
        return ULONG(STATUS_INSUFFICIENT_RESOURCES);
    E->RegistryPath.MaximumLength = USHORT(Path->Length + sizeof(WCHAR));
    RtlCopyUnicodeString(&E->RegistryPath, Path);
    E->RegistryPath.Buffer[Path->Length / sizeof(WCHAR)] = 0;
    E->InitData = *Data;
    auto& Major = Driver->MajorFunction;
    Major[IRP_MJ_CREATE] = Major[IRP_MJ_CLOSE] = DispatchCreateClose;
    Major[IRP_MJ_CLEANUP] = DispatchCleanup;
    Major[IRP_MJ_READ] = Major[IRP_MJ_WRITE] = DispatchReadWrite;
    Major[IRP_MJ_SCSI] = ClassInternalIoControl;
    Major[IRP_MJ_DEVICE_CONTROL] = DispatchControl;
    Major[IRP_MJ_SHUTDOWN] = Major[IRP_MJ_FLUSH_BUFFERS] = DispatchShutdownFlush;
    Major[IRP_MJ_PNP] = DispatchPnp;
    Major[IRP_MJ_POWER] = DispatchPower;
    Major[IRP_MJ_SYSTEM_CONTROL] = DispatchSystemControl;
    if (Data->ClassStartIo)
        Driver->DriverStartIo = Data->ClassStartIo;
    Driver->DriverUnload = Data->ClassUnload ? Unload : nullptr;
    Driver->DriverExtension->AddDevice = AddDevice;
    return ULONG(STATUS_SUCCESS);
}

ULONG NTAPI ClassInitializeEx(PDRIVER_OBJECT Driver, LPGUID Guid, PVOID Data)
{
    static const GUID RegInfo = GUID_CLASSPNP_QUERY_REGINFOEX, SenseInfo2 = GUID_CLASSPNP_SENSEINFO2, WorkingSet = GUID_CLASSPNP_WORKING_SET;
    PCLASS_DRIVER_EXTENSION E = ClassGetDriverExtension(Driver);
    if (!E || !Guid || !Data)
        return ULONG(STATUS_INVALID_PARAMETER);
    if (IsEqualGUID(*Guid, RegInfo)) {
        auto* List = static_cast<PCLASS_QUERY_WMI_REGINFO_EX_LIST>(Data);
        if (List->Size != sizeof(*List))
            return ULONG(STATUS_INVALID_PARAMETER);
        E->ClassFdoQueryWmiRegInfoEx = List->ClassFdoQueryWmiRegInfoEx;
        E->ClassPdoQueryWmiRegInfoEx = List->ClassPdoQueryWmiRegInfoEx;
        return ULONG(STATUS_SUCCESS);
    }
    // Packets are made as they are needed: there is no set to tune.
    if (IsEqualGUID(*Guid, WorkingSet))
        return ULONG(static_cast<PCLASS_WORKING_SET>(Data)->Size == sizeof(CLASS_WORKING_SET) ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER);
    return ULONG(IsEqualGUID(*Guid, SenseInfo2) ? STATUS_NOT_IMPLEMENTED : STATUS_NOT_SUPPORTED);
}

PCLASS_DRIVER_EXTENSION NTAPI ClassGetDriverExtension(PDRIVER_OBJECT Driver)
{
    return static_cast<PCLASS_DRIVER_EXTENSION>(IoGetDriverObjectExtension(Driver, CLASS_DRIVER_EXTENSION_KEY));
}

NTSTATUS NTAPI ClassCreateDeviceObject(PDRIVER_OBJECT Driver, PCCHAR Name, PDEVICE_OBJECT Lower, BOOLEAN IsFdo, PDEVICE_OBJECT* Out)
{
    *Out = nullptr;
    PCLASS_DRIVER_EXTENSION E = ClassGetDriverExtension(Driver);
    if (!IsFdo)
        return STATUS_NOT_IMPLEMENTED;
    PCLASS_DEV_INFO Info = &E->InitData.FdoData;
    UNICODE_STRING Text {};
    if (Name) {
        ANSI_STRING Ansi;
        RtlInitAnsiString(&Ansi, Name);
        NTSTATUS Status = RtlAnsiStringToUnicodeString(&Text, &Ansi, TRUE);
        if (!NT_SUCCESS(Status))
            return Status;
    }
    void* Memory = ExAllocatePoolWithTag(NonPagedPool, sizeof(_CLASS_PRIVATE_FDO_DATA), Tag);
    PDEVICE_OBJECT D = nullptr;
    NTSTATUS Status = Memory ? IoCreateDevice(Driver, Info->DeviceExtensionSize, Name ? &Text : nullptr, Info->DeviceType, Info->DeviceCharacteristics, FALSE, &D)
                             : STATUS_INSUFFICIENT_RESOURCES;
    if (!NT_SUCCESS(Status)) {
        if (Memory)
            ExFreePoolWithTag(Memory, Tag);
        RtlFreeUnicodeString(&Text);
        return Status;
    }
    PFUNCTIONAL_DEVICE_EXTENSION F = Fdo(D);
    COMMON_DEVICE_EXTENSION& C = F->CommonExtension;
    RtlZeroMemory(F, Info->DeviceExtensionSize);
    C.Version = 0x03;
    C.DeviceObject = D;
    C.LowerDeviceObject = Lower;
    C.PartitionZeroExtension = F;
    C.DriverExtension = E;
    C.RemoveLock = 1;
    KeInitializeEvent(&C.RemoveEvent, SynchronizationEvent, FALSE);
    KeInitializeEvent(&C.PathCountEvent, SynchronizationEvent, TRUE);
    KeInitializeSpinLock(&C.RemoveTrackingSpinlock);
    C.IsFdo = TRUE;
    C.PreviousState = C.CurrentState = 0xFF;
    C.DeviceName = Text;
    C.DevInfo = Info;
    C.DriverData = F + 1;
    F->LowerPdo = Lower;
    F->DevicePowerState = PowerDeviceD0;
    KeInitializeEvent(&F->EjectSynchronizationEvent, SynchronizationEvent, TRUE);
    KeInitializeEvent(&F->ChildLock, SynchronizationEvent, TRUE);
    KeInitializeSpinLock(&F->ReleaseQueueSpinLock);
    RtlZeroMemory(Memory, sizeof(_CLASS_PRIVATE_FDO_DATA));
    F->PrivateFdoData = static_cast<_CLASS_PRIVATE_FDO_DATA*>(Memory);
    F->PrivateFdoData->Self = D;
    F->PrivateFdoData->Decide = Decide;
    F->PrivateFdoData->Ended = Ended;
    if (Info->StackSize)
        D->StackSize = CCHAR(Info->StackSize);
    InterlockedIncrement(reinterpret_cast<volatile LONG*>(&E->DeviceCount));
    *Out = D;
    return STATUS_SUCCESS;
}

// --- the remove lock: a count that is 1 at rest

ULONG NTAPI ClassAcquireRemoveLockEx(PDEVICE_OBJECT D, PVOID, PCSTR, ULONG)
{
    InterlockedIncrement(&Common(D)->RemoveLock);
    return Common(D)->IsRemoved;
}

void NTAPI ClassReleaseRemoveLock(PDEVICE_OBJECT D, PIRP)
{
    if (InterlockedDecrement(&Common(D)->RemoveLock) == 0)
        KeSetEvent(&Common(D)->RemoveEvent, IO_NO_INCREMENT, FALSE);
}

void NTAPI ClassCompleteRequest(PDEVICE_OBJECT, PIRP Irp, CCHAR Boost) { IoCompleteRequest(Irp, Boost); }

// A thread may take the lock again that it has.
void NTAPI ClassAcquireChildLock(PFUNCTIONAL_DEVICE_EXTENSION F)
{
    if (F->ChildLockOwner != KeGetCurrentThread()) {
        KeWaitForSingleObject(&F->ChildLock, Executive, KernelMode, FALSE, nullptr);
        F->ChildLockOwner = KeGetCurrentThread();
    }
    ++F->ChildLockAcquisitionCount;
}

void NTAPI ClassReleaseChildLock(PFUNCTIONAL_DEVICE_EXTENSION F)
{
    if (--F->ChildLockAcquisitionCount)
        return;
    F->ChildLockOwner = nullptr;
    KeSetEvent(&F->ChildLock, IO_NO_INCREMENT, FALSE);
}

}
