// Two drivers in one: under a key that ends in "Low" a memory disk with direct I/O, \Device\LayerLow; under any other a filter that lies on it, from a process of its own.
#include "wdm/ntoskrnl/ddk.hpp"

#include "tests/guest/wdm/drivers/layer.hpp"

using namespace layer;

namespace {

CountValues Count;
unsigned char* Disk;
PDEVICE_OBJECT Below;
PIRP Held;
volatile unsigned char* Kept;
ULONG KeptBytes;

NTSTATUS Complete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information = 0)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

void NTAPI Cancel(PDEVICE_OBJECT, PIRP Irp)
{
    IoReleaseCancelSpinLock(Irp->CancelIrql);
    ++Count.Cancelled;
    Held = nullptr;
    Complete(Irp, STATUS_CANCELLED);
}

void Look(PIRP Irp)
{
    // Lent pages are not mapped yet, and their frames are known.
    if (Irp->MdlAddress && !(Irp->MdlAddress->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA) && MmGetMdlPfnArray(Irp->MdlAddress)[0])
        ++Count.Lent;
}

NTSTATUS NTAPI Transfer(PDEVICE_OBJECT, PIRP Irp)
{
    PIO_STACK_LOCATION S = IoGetCurrentIrpStackLocation(Irp);
    ULONGLONG Offset = ULONGLONG(S->Parameters.Read.ByteOffset.QuadPart);
    ULONG Length = S->Parameters.Read.Length;
    bool Write = S->MajorFunction == IRP_MJ_WRITE;
    ++(Write ? Count.Writes : Count.Reads);
    if (Offset > DiskBytes || Length > DiskBytes - Offset)
        return Complete(Irp, STATUS_INVALID_PARAMETER);
    if (!Length)
        return Complete(Irp, STATUS_SUCCESS);
    Look(Irp);
    // The second half by an MDL of its own, as drivers that split do it.
    ULONG First = Length / 2;
    auto* All = static_cast<unsigned char*>(MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority));
    PMDL Part = IoAllocateMdl(static_cast<char*>(MmGetMdlVirtualAddress(Irp->MdlAddress)) + First, Length - First, FALSE, FALSE, nullptr);
    if (!All || !Part)
        return Complete(Irp, STATUS_INSUFFICIENT_RESOURCES);
    IoBuildPartialMdl(Irp->MdlAddress, Part, static_cast<char*>(MmGetMdlVirtualAddress(Irp->MdlAddress)) + First, Length - First);
    auto* Second = static_cast<unsigned char*>(MmGetSystemAddressForMdlSafe(Part, NormalPagePriority));
    if (Write) {
        memcpy(Disk + Offset, All, First);
        memcpy(Disk + Offset + First, Second, Length - First);
    } else {
        memcpy(All, Disk + Offset, First);
        memcpy(Second, Disk + Offset + First, Length - First);
    }
    IoFreeMdl(Part);
    return Complete(Irp, STATUS_SUCCESS, Length);
}

NTSTATUS NTAPI Control(PDEVICE_OBJECT, PIRP Irp)
{
    PIO_STACK_LOCATION S = IoGetCurrentIrpStackLocation(Irp);
    ULONG Out = S->Parameters.DeviceIoControl.OutputBufferLength;
    auto At = [&] { return static_cast<unsigned char*>(MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority)); };
    switch (S->Parameters.DeviceIoControl.IoControlCode) {
    case Counts:
        if (Out < sizeof(Count))
            return Complete(Irp, STATUS_BUFFER_TOO_SMALL);
        memcpy(Irp->AssociatedIrp.SystemBuffer, &Count, sizeof(Count));
        return Complete(Irp, STATUS_SUCCESS, sizeof(Count));
    case Fill:
        Look(Irp);
        for (ULONG I = 0; I < Out; ++I)
            At()[I] = static_cast<unsigned char>(I * 5 + *static_cast<unsigned char*>(Irp->AssociatedIrp.SystemBuffer));
        return Complete(Irp, STATUS_SUCCESS, Out);
    case Sum: {                         // of what came; the answer is the status' information
        Look(Irp);
        ULONG Total = 0;
        unsigned char* From = At();
        for (ULONG I = 0; I < Out; ++I)
            Total += From[I];
        return Complete(Irp, STATUS_SUCCESS, Total);
    }
    case Hold:                          // until it is cancelled
        IoMarkIrpPending(Irp);
        Held = Irp;
        IoSetCancelRoutine(Irp, Cancel);
        return STATUS_PENDING;
    case Keep:                          // a driver that keeps the address of what it was lent
        Kept = At();
        KeptBytes = Out;
        Kept[0] = 1;
        return Complete(Irp, STATUS_SUCCESS, Out);
    case Late:                          // and uses it later
        Kept[0] = 0x66;
        return Complete(Irp, STATUS_SUCCESS);
    case Die:
        *reinterpret_cast<volatile int*>(8) = 1;
        return STATUS_SUCCESS;
    default:
        return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST);
    }
}

NTSTATUS NTAPI OpenClose(PDEVICE_OBJECT, PIRP Irp)
{
    PIO_STACK_LOCATION S = IoGetCurrentIrpStackLocation(Irp);
    if (S->MajorFunction == IRP_MJ_CREATE)
        ++Count.Creates;
    if (S->MajorFunction == IRP_MJ_CLOSE)
        ++Count.Closes;
    return Complete(Irp, STATUS_SUCCESS);
}

// --- the filter

CountValues Filtered;

NTSTATUS NTAPI Pass(PDEVICE_OBJECT, PIRP Irp)
{
    PIO_STACK_LOCATION S = IoGetCurrentIrpStackLocation(Irp);
    switch (S->MajorFunction) {
    case IRP_MJ_READ: ++Filtered.Reads; break;
    case IRP_MJ_WRITE: ++Filtered.Writes; break;
    case IRP_MJ_CREATE: ++Filtered.Creates; break;
    case IRP_MJ_CLOSE: ++Filtered.Closes; break;
    }
    IoSkipCurrentIrpStackLocation(Irp);
    return IoCallDriver(Below, Irp);
}

struct Halves {
    PIRP Whole;
    LONG Left;
    NTSTATUS Status;
};

NTSTATUS NTAPI HalfDone(PDEVICE_OBJECT, PIRP Irp, PVOID Context)
{
    auto* H = static_cast<Halves*>(Context);
    if (!NT_SUCCESS(Irp->IoStatus.Status))
        H->Status = Irp->IoStatus.Status;
    IoFreeMdl(Irp->MdlAddress);
    Irp->MdlAddress = nullptr;
    IoFreeIrp(Irp);
    if (InterlockedDecrement(&H->Left) == 0) {
        PIRP Whole = H->Whole;
        NTSTATUS Status = H->Status;
        ExFreePoolWithTag(H, 'yalF');
        Complete(Whole, Status, NT_SUCCESS(Status) ? IoGetCurrentIrpStackLocation(Whole)->Parameters.Read.Length : 0);
    }
    return STATUS_MORE_PROCESSING_REQUIRED;
}

// Large ones go on as two requests of the filter's own.
NTSTATUS NTAPI Split(PDEVICE_OBJECT Device, PIRP Irp)
{
    PIO_STACK_LOCATION S = IoGetCurrentIrpStackLocation(Irp);
    ULONG Length = S->Parameters.Read.Length;
    if (Length < 65536)
        return Pass(Device, Irp);
    ++(S->MajorFunction == IRP_MJ_WRITE ? Filtered.Writes : Filtered.Reads);
    auto* H = static_cast<Halves*>(ExAllocatePoolWithTag(NonPagedPool, sizeof(Halves), 'yalF'));
    *H = { Irp, 2, STATUS_SUCCESS };
    IoMarkIrpPending(Irp);
    ULONG First = Length / 2 + 100;
    for (ULONG I = 0; I < 2; ++I) {
        ULONG From = I ? First : 0, Bytes = I ? Length - First : First;
        PIRP Half = IoAllocateIrp(Below->StackSize, FALSE);
        char* At = static_cast<char*>(MmGetMdlVirtualAddress(Irp->MdlAddress)) + From;
        PMDL Part = IoAllocateMdl(At, Bytes, FALSE, FALSE, nullptr);
        IoBuildPartialMdl(Irp->MdlAddress, Part, At, Bytes);
        Half->MdlAddress = Part;
        PIO_STACK_LOCATION Next = IoGetNextIrpStackLocation(Half);
        Next->MajorFunction = S->MajorFunction;
        Next->Parameters.Read.Length = Bytes;
        Next->Parameters.Read.ByteOffset.QuadPart = S->Parameters.Read.ByteOffset.QuadPart + From;
        IoSetCompletionRoutine(Half, HalfDone, H, TRUE, TRUE, TRUE);
        IoCallDriver(Below, Half);
    }
    return STATUS_PENDING;
}

NTSTATUS NTAPI FilterControl(PDEVICE_OBJECT Device, PIRP Irp)
{
    PIO_STACK_LOCATION S = IoGetCurrentIrpStackLocation(Irp);
    // Its own counts lie behind those of the disk.
    if (S->Parameters.DeviceIoControl.IoControlCode == Counts && S->Parameters.DeviceIoControl.OutputBufferLength == sizeof(Count) + 1) {
        memcpy(Irp->AssociatedIrp.SystemBuffer, &Filtered, sizeof(Filtered));
        return Complete(Irp, STATUS_SUCCESS, sizeof(Filtered));
    }
    return Pass(Device, Irp);
}

void NTAPI Unload(PDRIVER_OBJECT Driver)
{
    if (Below)
        IoDetachDevice(Below);
    IoDeleteDevice(Driver->DeviceObject);
}

}

extern "C" NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING Key)
{
    PDEVICE_OBJECT Device;
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\Device\\LayerLow");
    bool Low = Key->Buffer[Key->Length / 2 - 1] == L'w';
    NTSTATUS Status = IoCreateDevice(Driver, 0, Low ? &Name : nullptr, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
    if (!NT_SUCCESS(Status))
        return Status;
    Driver->DriverUnload = Unload;
    Device->Flags |= DO_DIRECT_IO;
    if (Low) {
        Disk = static_cast<unsigned char*>(ExAllocatePoolWithTag(NonPagedPool, DiskBytes, 'yalD'));
        Driver->MajorFunction[IRP_MJ_CREATE] = Driver->MajorFunction[IRP_MJ_CLEANUP] = Driver->MajorFunction[IRP_MJ_CLOSE] = OpenClose;
        Driver->MajorFunction[IRP_MJ_READ] = Driver->MajorFunction[IRP_MJ_WRITE] = Transfer;
        Driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control;
        return Disk ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
    }
    for (auto& M : Driver->MajorFunction)
        M = Pass;
    Driver->MajorFunction[IRP_MJ_READ] = Driver->MajorFunction[IRP_MJ_WRITE] = Split;
    Driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = FilterControl;
    Status = IoAttachDevice(Device, &Name, &Below);
    if (!NT_SUCCESS(Status))
        IoDeleteDevice(Device);
    return Status;
}
