// A PnP driver for QEMU's teaching device (docs/specs/edu of QEMU: 1234:11E8): registers, an interrupt, DMA.
#include "wdm/ntoskrnl/ddk.hpp"

#include "tests/guest/wdm/drivers/wdmtest.hpp"

namespace {

struct Extension {
    PDEVICE_OBJECT Below, Physical;
    volatile unsigned char* Registers;
    PKINTERRUPT Interrupt;
    PDMA_ADAPTER Dma;
    unsigned char* Buffer;
    PHYSICAL_ADDRESS BufferPhysical;
    PIRP Waiting;
    KDPC Dpc;
    ULONG Interrupts, Messages, Vector, StartStatus;
    PIO_INTERRUPT_MESSAGE_INFO MessageTable;
    KIRQL Irql;
};

enum : ULONG { Liveness = 0x04, Factorial = 0x08, Status = 0x20, InterruptStatus = 0x24, InterruptAck = 0x64, DmaSource = 0x80, DmaTarget = 0x88, DmaCount = 0x90, DmaCommand = 0x98 };
ULONG Get(Extension& X, ULONG At) { return *reinterpret_cast<volatile ULONG*>(X.Registers + At); }
void Put(Extension& X, ULONG At, ULONG Value) { *reinterpret_cast<volatile ULONG*>(X.Registers + At) = Value; }
void Put64(Extension& X, ULONG At, ULONGLONG Value) { *reinterpret_cast<volatile ULONGLONG*>(X.Registers + At) = Value; }

NTSTATUS Complete(PIRP Irp, NTSTATUS S, ULONG_PTR Information = 0)
{
    Irp->IoStatus.Status = S;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return S;
}

BOOLEAN NTAPI Isr(PKINTERRUPT, PVOID Context)
{
    auto& X = *static_cast<Extension*>(Context);
    ULONG Which = Get(X, InterruptStatus);
    if (!Which)
        return FALSE;
    Put(X, InterruptAck, Which);
    ++X.Interrupts;
    KeInsertQueueDpc(&X.Dpc, nullptr, nullptr);
    return TRUE;
}

BOOLEAN NTAPI OnMessage(PKINTERRUPT, PVOID Context, ULONG)
{
    ++static_cast<Extension*>(Context)->Messages;
    return Isr(nullptr, Context);
}

void NTAPI Finished(PKDPC, PVOID Context, PVOID, PVOID)
{
    auto& X = *static_cast<Extension*>(Context);
    PIRP Irp = X.Waiting;
    X.Waiting = nullptr;
    if (!Irp)
        return;
    auto* Out = static_cast<ULONG*>(Irp->AssociatedIrp.SystemBuffer);
    Out[0] = Get(X, Factorial);
    Out[1] = X.Interrupts;
    Complete(Irp, STATUS_SUCCESS, 8);
}

NTSTATUS Start(PDEVICE_OBJECT Device, PIRP Irp)
{
    auto& X = *static_cast<Extension*>(Device->DeviceExtension);
    PCM_RESOURCE_LIST List = IoGetCurrentIrpStackLocation(Irp)->Parameters.StartDevice.AllocatedResourcesTranslated;
    if (!IoForwardIrpSynchronously(X.Below, Irp) || !NT_SUCCESS(Irp->IoStatus.Status))
        return Complete(Irp, Irp->IoStatus.Status);
    NTSTATUS S = STATUS_DEVICE_CONFIGURATION_ERROR;
    for (ULONG I = 0; List && I < List->List[0].PartialResourceList.Count; ++I) {
        auto& D = List->List[0].PartialResourceList.PartialDescriptors[I];
        if (D.Type == CmResourceTypeMemory) {
            X.Registers = static_cast<unsigned char*>(MmMapIoSpace(D.u.Memory.Start, D.u.Memory.Length, MmNonCached));
        } else if (D.Type == CmResourceTypeInterrupt && D.Flags & CM_RESOURCE_INTERRUPT_MESSAGE) {
            IO_CONNECT_INTERRUPT_PARAMETERS P {};
            P.Version = CONNECT_MESSAGE_BASED;
            P.MessageBased.PhysicalDeviceObject = X.Physical;
            P.MessageBased.ConnectionContext.InterruptMessageTable = &X.MessageTable;
            P.MessageBased.MessageServiceRoutine = OnMessage;
            P.MessageBased.ServiceContext = &X;
            S = IoConnectInterruptEx(&P);
            if (NT_SUCCESS(S) && (P.Version != CONNECT_MESSAGE_BASED || X.MessageTable->MessageCount != 1))
                S = STATUS_DEVICE_CONFIGURATION_ERROR;
        } else if (D.Type == CmResourceTypeInterrupt) {
            S = IoConnectInterrupt(&X.Interrupt, Isr, &X, nullptr, D.u.Interrupt.Vector, KIRQL(D.u.Interrupt.Level), KIRQL(D.u.Interrupt.Level), LevelSensitive, TRUE,
                                   D.u.Interrupt.Affinity, FALSE);
        }
    }
    if (!X.Registers)
        S = STATUS_INSUFFICIENT_RESOURCES;
    DEVICE_DESCRIPTION Description {};
    Description.Version = DEVICE_DESCRIPTION_VERSION;
    Description.Master = Description.ScatterGather = TRUE;
    Description.InterfaceType = PCIBus;
    Description.MaximumLength = 4096;
    ULONG Registers;
    X.Dma = NT_SUCCESS(S) ? IoGetDmaAdapter(X.Below, &Description, &Registers) : nullptr;
    if (X.Dma)
        X.Buffer = static_cast<unsigned char*>(X.Dma->DmaOperations->AllocateCommonBuffer(X.Dma, 8192, &X.BufferPhysical, TRUE));
    if (NT_SUCCESS(S) && !X.Buffer)
        S = STATUS_INSUFFICIENT_RESOURCES;
    return Complete(Irp, S);
}

NTSTATUS NTAPI Pnp(PDEVICE_OBJECT Device, PIRP Irp)
{
    auto& X = *static_cast<Extension*>(Device->DeviceExtension);
    if (IoGetCurrentIrpStackLocation(Irp)->MinorFunction == IRP_MN_START_DEVICE)
        return Start(Device, Irp);
    IoSkipCurrentIrpStackLocation(Irp);
    return IoCallDriver(X.Below, Irp);
}

// Waits for the device's own DMA to be over.
bool Transfer(Extension& X, ULONGLONG From, ULONGLONG To, ULONG Bytes, ULONG Direction)
{
    Put64(X, DmaSource, From);
    Put64(X, DmaTarget, To);
    Put64(X, DmaCount, Bytes);
    Put64(X, DmaCommand, 1 | Direction);
    for (int I = 0; I < 100; ++I) {
        if (!(Get(X, DmaCommand) & 1))
            return true;
        LARGE_INTEGER Time;
        Time.QuadPart = -100000;
        KeDelayExecutionThread(KernelMode, FALSE, &Time);
    }
    return false;
}

void Access(Extension& X, UCHAR Minor, ULONG At, void* Data, ULONG Bytes)
{
    KEVENT Event;
    IO_STATUS_BLOCK Iosb {};
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    PIRP Irp = IoBuildSynchronousFsdRequest(IRP_MJ_PNP, X.Below, nullptr, 0, nullptr, &Event, &Iosb);
    if (!Irp)
        return;
    Irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    PIO_STACK_LOCATION Stack = IoGetNextIrpStackLocation(Irp);
    Stack->MinorFunction = Minor;
    Stack->Parameters.ReadWriteConfig.Buffer = Data;
    Stack->Parameters.ReadWriteConfig.Offset = At;
    Stack->Parameters.ReadWriteConfig.Length = Bytes;
    if (IoCallDriver(X.Below, Irp) == STATUS_PENDING)
        KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, nullptr);
}
void ReadConfig(Extension& X, ULONG At, void* Data, ULONG Bytes) { Access(X, IRP_MN_READ_CONFIG, At, Data, Bytes); }
void WriteConfig(Extension& X, ULONG At, void* Data, ULONG Bytes) { Access(X, IRP_MN_WRITE_CONFIG, At, Data, Bytes); }

NTSTATUS NTAPI Control(PDEVICE_OBJECT Device, PIRP Irp)
{
    auto& X = *static_cast<Extension*>(Device->DeviceExtension);
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    auto* Values = static_cast<ULONG*>(Irp->AssociatedIrp.SystemBuffer);
    if (!X.Registers || Stack->Parameters.DeviceIoControl.OutputBufferLength < 8)
        return Complete(Irp, STATUS_DEVICE_NOT_READY);
    switch (Stack->Parameters.DeviceIoControl.IoControlCode) {
    case wdmtest::EduLive:
        Put(X, Liveness, 0x12345678);
        Values[0] = Get(X, Liveness);
        Values[1] = Get(X, 0);
        return Complete(Irp, STATUS_SUCCESS, 8);
    case wdmtest::EduFactorial: {       // of the number given; the interrupt tells when it is there
        IoMarkIrpPending(Irp);
        ULONG Of = Values[0];
        X.Waiting = Irp;
        Put(X, Status, 0x80);
        Put(X, Factorial, Of);
        return STATUS_PENDING;
    }
    case wdmtest::EduDma: {             // most of a page to the device and back to the second page (QEMU 7.2 refuses its buffer's last byte)
        constexpr ULONG Bytes = 4000;
        for (ULONG I = 0; I < 4096; ++I) {
            X.Buffer[I] = static_cast<unsigned char>(I * 13 + Values[0]);
            X.Buffer[4096 + I] = 0;
        }
        bool Done = Transfer(X, X.BufferPhysical.QuadPart, 0x40000, Bytes, 0) && Transfer(X, 0x40000, X.BufferPhysical.QuadPart + 4096, Bytes, 2);
        ULONG Wrong = 0;
        for (ULONG I = 0; I < Bytes; ++I)
            Wrong += X.Buffer[I] != X.Buffer[4096 + I];
        Values[0] = Done;
        Values[1] = Wrong;
        return Complete(Irp, STATUS_SUCCESS, 8);
    }
    case wdmtest::EduMessages: {        // how many there were; whether the driver can change where they go
        Values[0] = X.Messages;
        Values[1] = 0;
        if (X.MessageTable) {
            // The capability of the device is its first: what is written there stays as it was.
            unsigned char Config[64];
            ULONG Before, Wrong = 0x12345678, After;
            ReadConfig(X, 0, Config, sizeof(Config));
            ULONG At = Config[0x34];
            ReadConfig(X, At + 4, &Before, 4);
            WriteConfig(X, At + 4, &Wrong, 4);
            ReadConfig(X, At + 4, &After, 4);
            Values[1] = Before == After && Before == X.MessageTable->MessageInfo[0].MessageAddress.LowPart;
        }
        return Complete(Irp, STATUS_SUCCESS, 8);
    }
    case wdmtest::EduDie:
        KeBugCheck(0xE2);               // MANUALLY_INITIATED_CRASH: the next process gets the device as the registry says then
    case wdmtest::EduForeign: {         // what is not its device's
        PHYSICAL_ADDRESS Hpet;
        Hpet.QuadPart = 0xFED00000;
        Values[0] = MmMapIoSpace(Hpet, 4096, MmNonCached) == nullptr;
        Values[1] = __inbyte(0x70);
        return Complete(Irp, STATUS_SUCCESS, 8);
    }
    default:
        return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST);
    }
}

NTSTATUS NTAPI Open(PDEVICE_OBJECT, PIRP Irp) { return Complete(Irp, STATUS_SUCCESS); }

NTSTATUS NTAPI AddDevice(PDRIVER_OBJECT Driver, PDEVICE_OBJECT Physical)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\Device\\EduTest");
    PDEVICE_OBJECT Device;
    NTSTATUS S = IoCreateDevice(Driver, sizeof(Extension), &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
    if (!NT_SUCCESS(S))
        return S;
    auto& X = *static_cast<Extension*>(Device->DeviceExtension);
    KeInitializeDpc(&X.Dpc, Finished, &X);
    X.Physical = Physical;
    X.Below = IoAttachDeviceToDeviceStack(Device, Physical);
    Device->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

}

extern "C" NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING)
{
    Driver->DriverExtension->AddDevice = AddDevice;
    Driver->MajorFunction[IRP_MJ_PNP] = Pnp;
    Driver->MajorFunction[IRP_MJ_CREATE] = Driver->MajorFunction[IRP_MJ_CLEANUP] = Driver->MajorFunction[IRP_MJ_CLOSE] = Open;
    Driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control;
    return STATUS_SUCCESS;
}
