// The driver's side towards the I/O manager: StorPortInitialize, AddDevice, the dispatch routines.
#include "port.hpp"

namespace stor {

NTSTATUS Finish(PIRP I, NTSTATUS Status, ULONG_PTR Information)
{
    I->IoStatus.Status = Status;
    I->IoStatus.Information = Information;
    IoCompleteRequest(I, IO_NO_INCREMENT);
    return Status;
}

namespace {

// Identifies the list of registrations among a driver object's extensions.
int ExtensionId;
struct DriverExtra {
    Registration* First;
};

bool IsUnit(DEVICE_OBJECT* D) { return *static_cast<bool*>(D->DeviceExtension); }
Unit& UnitIn(DEVICE_OBJECT* D) { return *static_cast<Unit*>(D->DeviceExtension); }
Adapter& AdapterIn(DEVICE_OBJECT* D) { return *static_cast<Adapter*>(D->DeviceExtension); }

NTSTATUS NTAPI OpenOrClose(PDEVICE_OBJECT, PIRP I) { return Finish(I, STATUS_SUCCESS); }

NTSTATUS NTAPI Control(PDEVICE_OBJECT D, PIRP I)
{
    if (IsUnit(D))
        return DeviceControl(*UnitIn(D).Of, &UnitIn(D), I);
    return DeviceControl(AdapterIn(D), nullptr, I);
}

NTSTATUS NTAPI Scsi(PDEVICE_OBJECT D, PIRP I)
{
    return IsUnit(D) ? UnitScsi(UnitIn(D), I) : Finish(I, STATUS_INVALID_DEVICE_REQUEST);
}

NTSTATUS NTAPI Power(PDEVICE_OBJECT D, PIRP I)
{
    PoStartNextPowerIrp(I);
    if (!IsUnit(D)) {
        IoSkipCurrentIrpStackLocation(I);
        return PoCallDriver(AdapterIn(D).Lower, I);
    }
    UCHAR Minor = IoGetCurrentIrpStackLocation(I)->MinorFunction;
    return Finish(I, Minor == IRP_MN_SET_POWER || Minor == IRP_MN_QUERY_POWER ? STATUS_SUCCESS : I->IoStatus.Status);
}

NTSTATUS NTAPI SystemControl(PDEVICE_OBJECT D, PIRP I)
{
    if (IsUnit(D))
        return Finish(I, I->IoStatus.Status, I->IoStatus.Information);
    IoSkipCurrentIrpStackLocation(I);
    return IoCallDriver(AdapterIn(D).Lower, I);
}

NTSTATUS BusRelationsOf(Adapter& A, PIRP I)
{
    Enumerate(A);
    ULONG Count = 0;
    KIRQL Old = KeAcquireSpinLockRaiseToDpc(&A.Lock);
    for (LIST_ENTRY* At = A.Units.Flink; At != &A.Units; At = At->Flink)
        Count += CONTAINING_RECORD(At, Unit, Link)->Present;
    KeReleaseSpinLock(&A.Lock, Old);
    auto* Old1 = reinterpret_cast<DEVICE_RELATIONS*>(I->IoStatus.Information);
    ULONG Before = Old1 ? Old1->Count : 0;
    auto* R = static_cast<DEVICE_RELATIONS*>(ExAllocatePoolWithTag(PagedPool, sizeof(DEVICE_RELATIONS) + (Before + Count) * sizeof(PDEVICE_OBJECT), Tag));
    if (!R)
        return STATUS_INSUFFICIENT_RESOURCES;
    R->Count = 0;
    for (ULONG N = 0; N < Before; ++N)
        R->Objects[R->Count++] = Old1->Objects[N];
    Old = KeAcquireSpinLockRaiseToDpc(&A.Lock);
    for (LIST_ENTRY* At = A.Units.Flink; At != &A.Units && Count; At = At->Flink) {
        auto* U = CONTAINING_RECORD(At, Unit, Link);
        if (!U->Present)
            continue;
        --Count;
        U->Reported = true;
        ObReferenceObject(U->Self);
        R->Objects[R->Count++] = U->Self;
    }
    KeReleaseSpinLock(&A.Lock, Old);
    if (Old1)
        ExFreePool(Old1);
    I->IoStatus.Information = ULONG_PTR(R);
    return STATUS_SUCCESS;
}

NTSTATUS AdapterPnp(Adapter& A, PIRP I)
{
    IO_STACK_LOCATION* S = IoGetCurrentIrpStackLocation(I);
    switch (S->MinorFunction) {
    case IRP_MN_START_DEVICE: {
        PCM_RESOURCE_LIST Raw = S->Parameters.StartDevice.AllocatedResources, Translated = S->Parameters.StartDevice.AllocatedResourcesTranslated;
        if (!IoForwardIrpSynchronously(A.Lower, I))
            return Finish(I, STATUS_INSUFFICIENT_RESOURCES);
        if (!NT_SUCCESS(I->IoStatus.Status))
            return Finish(I, I->IoStatus.Status);
        return Finish(I, StartAdapter(A, Raw, Translated));
    }
    case IRP_MN_QUERY_DEVICE_RELATIONS:
        if (S->Parameters.QueryDeviceRelations.Type == BusRelations) {
            NTSTATUS Status = BusRelationsOf(A, I);
            if (!NT_SUCCESS(Status))
                return Finish(I, Status);
            I->IoStatus.Status = STATUS_SUCCESS;
        }
        break;
    case IRP_MN_QUERY_STOP_DEVICE:
    case IRP_MN_QUERY_REMOVE_DEVICE:
    case IRP_MN_CANCEL_STOP_DEVICE:
    case IRP_MN_CANCEL_REMOVE_DEVICE:
        I->IoStatus.Status = STATUS_SUCCESS;
        break;
    case IRP_MN_STOP_DEVICE:
    case IRP_MN_SURPRISE_REMOVAL:
        StopAdapter(A);
        I->IoStatus.Status = STATUS_SUCCESS;
        break;
    case IRP_MN_REMOVE_DEVICE: {
        StopAdapter(A);
        I->IoStatus.Status = STATUS_SUCCESS;
        IoSkipCurrentIrpStackLocation(I);
        NTSTATUS Status = IoCallDriver(A.Lower, I);
        IoDetachDevice(A.Lower);
        IoDeleteDevice(A.Self);
        return Status;
    }
    default:
        break;
    }
    IoSkipCurrentIrpStackLocation(I);
    return IoCallDriver(A.Lower, I);
}

NTSTATUS NTAPI Pnp(PDEVICE_OBJECT D, PIRP I) { return IsUnit(D) ? UnitPnp(UnitIn(D), I) : AdapterPnp(AdapterIn(D), I); }

// What is on its way to the disk is the class driver's to flush; the adapter has nothing of its own.
NTSTATUS NTAPI FlushOrShutdown(PDEVICE_OBJECT, PIRP I) { return Finish(I, STATUS_SUCCESS); }

NTSTATUS NTAPI AddDevice(PDRIVER_OBJECT Driver, PDEVICE_OBJECT Pdo)
{
    auto* Extra = static_cast<DriverExtra*>(IoGetDriverObjectExtension(Driver, &ExtensionId));
    if (!Extra || !Extra->First)
        return STATUS_NO_SUCH_DEVICE;
    WCHAR Text[32];
    DEVICE_OBJECT* D = nullptr;
    ULONG Number = 0;
    NTSTATUS Status;
    for (; Number < 1000; ++Number) {
        UNICODE_STRING Name { 0, sizeof(Text), Text };
        RtlAppendUnicodeToString(&Name, L"\\Device\\RaidPort");
        WCHAR Digits[12];
        UNICODE_STRING Decimal { 0, sizeof(Digits), Digits };
        RtlIntegerToUnicodeString(Number, 10, &Decimal);
        RtlAppendUnicodeStringToString(&Name, &Decimal);
        Status = IoCreateDevice(Driver, sizeof(Adapter), &Name, FILE_DEVICE_CONTROLLER, FILE_DEVICE_SECURE_OPEN, FALSE, &D);
        if (Status != STATUS_OBJECT_NAME_COLLISION)
            break;
    }
    if (!NT_SUCCESS(Status))
        return Status;
    auto& A = *static_cast<Adapter*>(D->DeviceExtension);
    A.Self = D;
    A.Pdo = Pdo;
    A.Number = Number;
    A.Of = Extra->First;
    for (Registration* R = Extra->First; R; R = R->Next)
        if (R->Hw.AdapterInterfaceType == PCIBus)
            A.Of = R;
    KeInitializeSpinLock(&A.Lock);
    KeInitializeSpinLock(&A.StartLock);
    KeInitializeSpinLock(&A.InterruptLock);
    InitializeListHead(&A.Units);
    InitializeListHead(&A.Free);
    ExInitializeSListHead(&A.Completed);
    ExInitializeFastMutex(&A.EnumerationLock);
    A.Worker = IoAllocateWorkItem(D);
    A.Lower = IoAttachDeviceToDeviceStack(D, Pdo);
    if (!A.Lower || !A.Worker) {
        IoDeleteDevice(D);
        return STATUS_NO_SUCH_DEVICE;
    }
    D->Flags |= DO_DIRECT_IO;
    D->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

void NTAPI Unload(PDRIVER_OBJECT) { }

}

}

using namespace stor;

extern "C" {

// Argument1 and Argument2 are DriverEntry's.
ULONG NTAPI StorPortInitialize(PVOID Argument1, PVOID Argument2, PHW_INITIALIZATION_DATA Data, PVOID HwContext)
{
    auto* Driver = static_cast<PDRIVER_OBJECT>(Argument1);
    if (!Driver || !Argument2 || !Data)
        return ULONG(STATUS_INVALID_PARAMETER);
    // Windows 7's structure ends before HwTracingEnabled.
    if (Data->HwInitializationDataSize < FIELD_OFFSET(HW_INITIALIZATION_DATA, HwInitializeTracing))
        return ULONG(STATUS_REVISION_MISMATCH);
    if (!Data->HwInitialize || !Data->HwFindAdapter || !Data->HwStartIo || !Data->HwResetBus)
        return ULONG(STATUS_INVALID_PARAMETER);
    auto* Extra = static_cast<DriverExtra*>(IoGetDriverObjectExtension(Driver, &ExtensionId));
    if (!Extra) {
        NTSTATUS Status = IoAllocateDriverObjectExtension(Driver, &ExtensionId, sizeof(DriverExtra), reinterpret_cast<PVOID*>(&Extra));
        if (!NT_SUCCESS(Status))
            return ULONG(Status);
    }
    auto* R = New<Registration>();
    if (!R)
        return ULONG(STATUS_INSUFFICIENT_RESOURCES);
    RtlCopyMemory(&R->Hw, Data, Data->HwInitializationDataSize < sizeof(R->Hw) ? Data->HwInitializationDataSize : sizeof(R->Hw));
    R->HwContext = HwContext;
    R->Next = Extra->First;
    Extra->First = R;
    Driver->DriverExtension->AddDevice = AddDevice;
    Driver->DriverUnload = Unload;
    Driver->MajorFunction[IRP_MJ_CREATE] = Driver->MajorFunction[IRP_MJ_CLOSE] = Driver->MajorFunction[IRP_MJ_CLEANUP] = OpenOrClose;
    Driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control;
    Driver->MajorFunction[IRP_MJ_SCSI] = Scsi;
    Driver->MajorFunction[IRP_MJ_PNP] = Pnp;
    Driver->MajorFunction[IRP_MJ_POWER] = Power;
    Driver->MajorFunction[IRP_MJ_SYSTEM_CONTROL] = SystemControl;
    Driver->MajorFunction[IRP_MJ_FLUSH_BUFFERS] = Driver->MajorFunction[IRP_MJ_SHUTDOWN] = FlushOrShutdown;
    return ULONG(STATUS_SUCCESS);
}

// The library itself, as the loader of drivers sees it.
NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT, PUNICODE_STRING) { return STATUS_SUCCESS; }

}
