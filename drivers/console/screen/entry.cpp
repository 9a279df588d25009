// DriverEntry and plug and play of the screen: a PCI display adapter that decodes the VGA's ports and memory, too.
#include "drivers/console/screen/screen.hpp"

namespace screen {

namespace {

constexpr ULONG VgaPorts = 0x3C0, VgaWindow = 0xA0000, WindowBytes = 0x20000, RegistersAt = 0x500;

struct Extension {
    PDEVICE_OBJECT Below;
    bool Started;
    FAST_MUTEX Lock;
    Screen* Display;
};
Extension& Of(PDEVICE_OBJECT D) { return *static_cast<Extension*>(D->DeviceExtension); }
UNICODE_STRING LinkName = RTL_CONSTANT_STRING(L"\\DosDevices\\Screen"), DeviceName = RTL_CONSTANT_STRING(L"\\Device\\Screen");

NTSTATUS Start(Extension& X, PIRP Irp)
{
    Adapter& A = X.Display->Card;
    PHYSICAL_ADDRESS Window {}, Registers {};
    for (ULONG N = 0; auto* R = Resource(Irp, CmResourceTypePort, N); ++N)
        if (ULONG(R->u.Port.Start.QuadPart) <= VgaPorts && R->u.Port.Start.QuadPart + R->u.Port.Length >= VgaPorts + 0x20)
            A.Ports = VgaPorts;
    // Of the others the largest is the frame buffer, the one of a page has registers.
    for (ULONG N = 0; auto* R = Resource(Irp, CmResourceTypeMemory, N); ++N) {
        if (R->u.Memory.Start.QuadPart == VgaWindow && R->u.Memory.Length >= WindowBytes) {
            Window = R->u.Memory.Start;
        } else if (R->u.Memory.Length == PAGE_SIZE) {
            Registers = R->u.Memory.Start;
        } else if (R->u.Memory.Length > A.MemoryBytes) {
            A.Memory = R->u.Memory.Start;
            A.MemoryBytes = R->u.Memory.Length;
        }
    }
    if (!A.Ports || !Window.QuadPart)
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    A.Window = static_cast<volatile UCHAR*>(MmMapIoSpace(Window, WindowBytes, MmNonCached));
    if (!A.Window)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (Registers.QuadPart && A.MemoryBytes)
        if (auto* At = static_cast<volatile UCHAR*>(MmMapIoSpace(Registers, PAGE_SIZE, MmNonCached)))
            A.Registers = reinterpret_cast<volatile USHORT*>(At + RegistersAt);
    StopLinear(A);
    if (!StartText(A))
        return STATUS_NOT_SUPPORTED;    // the firmware has left it in a graphics mode
    X.Display->Reset(80, 25);
    X.Display->Show();
    X.Started = true;
    return IoCreateSymbolicLink(&LinkName, &DeviceName);
}

NTSTATUS NTAPI PlugAndPlay(PDEVICE_OBJECT D, PIRP Irp)
{
    Extension& X = Of(D);
    switch (IoGetCurrentIrpStackLocation(Irp)->MinorFunction) {
    case IRP_MN_START_DEVICE:
        return StartDevice(X.Below, Irp, [&] { return Start(X, Irp); });
    case IRP_MN_REMOVE_DEVICE:
        if (X.Started)
            IoDeleteSymbolicLink(&LinkName);
        return RemoveDevice(D, X.Below, Irp, X.Display);
    default:
        return PassOn(X.Below, Irp);
    }
}

NTSTATUS NTAPI Power(PDEVICE_OBJECT D, PIRP Irp) { return PassOnPower(Of(D).Below, Irp); }
NTSTATUS NTAPI OpenOrClose(PDEVICE_OBJECT D, PIRP Irp) { return Complete(Irp, Of(D).Started ? STATUS_SUCCESS : STATUS_DEVICE_NOT_READY); }

NTSTATUS NTAPI Write(PDEVICE_OBJECT D, PIRP Irp)
{
    Extension& X = Of(D);
    ULONG Length = IoGetCurrentIrpStackLocation(Irp)->Parameters.Write.Length;
    ExAcquireFastMutex(&X.Lock);
    X.Display->Write(static_cast<UCHAR*>(Irp->AssociatedIrp.SystemBuffer), Length);
    ExReleaseFastMutex(&X.Lock);
    return Complete(Irp, STATUS_SUCCESS, Length);
}

NTSTATUS NTAPI DeviceControl(PDEVICE_OBJECT D, PIRP Irp)
{
    Extension& X = Of(D);
    auto& P = IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceIoControl;
    ULONG_PTR Information = 0;
    ExAcquireFastMutex(&X.Lock);
    NTSTATUS Status = X.Display->Control(P.IoControlCode, Irp->AssociatedIrp.SystemBuffer, P.InputBufferLength, P.OutputBufferLength, &Information);
    ExReleaseFastMutex(&X.Lock);
    return Complete(Irp, Status, Information);
}

NTSTATUS NTAPI AddDevice(PDRIVER_OBJECT Driver, PDEVICE_OBJECT Pdo)
{
    PDEVICE_OBJECT D;
    NTSTATUS Status = IoCreateDevice(Driver, sizeof(Extension), &DeviceName, FILE_DEVICE_SCREEN, 0, FALSE, &D);
    if (!NT_SUCCESS(Status))
        return Status;                  // a second adapter shows nothing
    Extension& X = Of(D);
    ExInitializeFastMutex(&X.Lock);
    auto* Memory = ExAllocatePoolWithTag(NonPagedPool, sizeof(Screen), 'rcSN');
    if (!Memory) {
        IoDeleteDevice(D);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    memset(Memory, 0, sizeof(Screen));
    X.Display = static_cast<Screen*>(Memory);
    X.Display->Prepare();
    Status = Attach(D, Pdo, X.Below, STATUS_INSUFFICIENT_RESOURCES);
    if (!NT_SUCCESS(Status))
        ExFreePool(Memory);
    return Status;
}

void NTAPI Unload(PDRIVER_OBJECT) { }

}

}

extern "C" NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING)
{
    using namespace screen;
    Driver->DriverExtension->AddDevice = AddDevice;
    Driver->DriverUnload = Unload;
    Driver->MajorFunction[IRP_MJ_CREATE] = Driver->MajorFunction[IRP_MJ_CLOSE] = Driver->MajorFunction[IRP_MJ_CLEANUP] = OpenOrClose;
    Driver->MajorFunction[IRP_MJ_WRITE] = Write;
    Driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = DeviceControl;
    Driver->MajorFunction[IRP_MJ_PNP] = PlugAndPlay;
    Driver->MajorFunction[IRP_MJ_POWER] = Power;
    return STATUS_SUCCESS;
}
