// An adapter's start: its resources, HwFindAdapter, the interrupt, HwInitialize; and its end.
#include "port.hpp"

namespace stor {

namespace {

BOOLEAN NTAPI OnLine(PKINTERRUPT, PVOID Context)
{
    auto& A = *static_cast<Adapter*>(Context);
    return A.Of->Hw.HwInterrupt(A.Extension);
}

BOOLEAN NTAPI OnMessage(PKINTERRUPT, PVOID Context, ULONG Message)
{
    auto& A = *static_cast<Adapter*>(Context);
    return A.Config.HwMSInterruptRoutine(A.Extension, Message);
}

NTSTATUS ConnectInterrupt(Adapter& A, PCM_RESOURCE_LIST Translated)
{
    const CM_PARTIAL_RESOURCE_DESCRIPTOR *Line = nullptr, *Message = nullptr;
    if (Translated) {
        auto& Partial = Translated->List[0].PartialResourceList;
        for (ULONG N = 0; N < Partial.Count; ++N) {
            auto& D = Partial.PartialDescriptors[N];
            if (D.Type == CmResourceTypeInterrupt)
                (D.Flags & CM_RESOURCE_INTERRUPT_MESSAGE ? Message : Line) = &D;
        }
    }
    if (Message && A.Config.HwMSInterruptRoutine && A.Config.InterruptSynchronizationMode != InterruptSupportNone) {
        IO_CONNECT_INTERRUPT_PARAMETERS P {};
        P.Version = CONNECT_MESSAGE_BASED;
        P.MessageBased.PhysicalDeviceObject = A.Pdo;
        P.MessageBased.ConnectionContext.InterruptMessageTable = &A.Messages;
        P.MessageBased.MessageServiceRoutine = OnMessage;
        P.MessageBased.ServiceContext = &A;
        P.MessageBased.SpinLock = A.Config.InterruptSynchronizationMode == InterruptSynchronizeAll ? &A.InterruptLock : nullptr;
        P.MessageBased.FallBackServiceRoutine = A.Of->Hw.HwInterrupt ? OnLine : nullptr;
        NTSTATUS Status = IoConnectInterruptEx(&P);
        if (NT_SUCCESS(Status)) {
            A.UsesMessages = P.Version == CONNECT_MESSAGE_BASED;
            if (!A.UsesMessages) {
                A.Interrupt = reinterpret_cast<PKINTERRUPT>(A.Messages);
                A.Messages = nullptr;
            }
            return Status;
        }
    }
    if (!A.Of->Hw.HwInterrupt || !Line)
        return STATUS_SUCCESS;          // one that polls, or has no interrupt
    IO_CONNECT_INTERRUPT_PARAMETERS P {};
    P.Version = CONNECT_FULLY_SPECIFIED;
    auto& F = P.FullySpecified;
    F.PhysicalDeviceObject = A.Pdo;
    F.InterruptObject = &A.Interrupt;
    F.ServiceRoutine = OnLine;
    F.ServiceContext = &A;
    F.SpinLock = &A.InterruptLock;
    F.SynchronizeIrql = F.Irql = KIRQL(Line->u.Interrupt.Level);
    F.ShareVector = Line->ShareDisposition == CmResourceShareShared;
    F.Vector = Line->u.Interrupt.Vector;
    F.ProcessorEnableMask = Line->u.Interrupt.Affinity;
    F.InterruptMode = Line->Flags & CM_RESOURCE_INTERRUPT_LATCHED ? Latched : LevelSensitive;
    return IoConnectInterruptEx(&P);
}

void Disconnect(Adapter& A)
{
    IO_DISCONNECT_INTERRUPT_PARAMETERS P {};
    if (A.UsesMessages && A.Messages) {
        P.Version = CONNECT_MESSAGE_BASED;
        P.ConnectionContext.InterruptMessageTable = A.Messages;
        IoDisconnectInterruptEx(&P);
    } else if (A.Interrupt) {
        P.Version = CONNECT_FULLY_SPECIFIED;
        P.ConnectionContext.InterruptObject = A.Interrupt;
        IoDisconnectInterruptEx(&P);
    }
    A.Interrupt = nullptr;
    A.Messages = nullptr;
    A.UsesMessages = false;
}

void FillConfiguration(Adapter& A, PCM_RESOURCE_LIST List)
{
    auto& C = A.Config;
    const HW_INITIALIZATION_DATA& Hw = A.Of->Hw;
    RtlZeroMemory(&C, sizeof(C));
    C.Length = sizeof(C);
    C.AdapterInterfaceType = PCIBus;
    C.MaximumTransferLength = SP_UNINITIALIZED_VALUE;
    C.NumberOfPhysicalBreaks = SP_UNINITIALIZED_VALUE;
    C.DmaChannel = C.DmaPort = C.DmaChannel2 = C.DmaPort2 = SP_UNINITIALIZED_VALUE;
    C.NumberOfAccessRanges = Hw.NumberOfAccessRanges < RTL_NUMBER_OF(A.Ranges) ? Hw.NumberOfAccessRanges : RTL_NUMBER_OF(A.Ranges);
    C.AccessRanges = reinterpret_cast<ACCESS_RANGE(*)[]>(A.Ranges);
    C.MaximumNumberOfTargets = 8;
    C.MaximumNumberOfLogicalUnits = 8;
    for (auto& Id : C.InitiatorBusId)
        Id = -1;
    C.ScatterGather = C.Master = TRUE;
    C.MapBuffers = Hw.MapBuffers;
    C.NeedPhysicalAddresses = Hw.NeedPhysicalAddresses;
    C.TaggedQueuing = Hw.TaggedQueuing;
    C.AutoRequestSense = Hw.AutoRequestSense;
    C.MultipleRequestPerLu = Hw.MultipleRequestPerLu;
    C.ReceiveEvent = Hw.ReceiveEvent;
    C.DeviceExtensionSize = Hw.DeviceExtensionSize;
    C.SpecificLuExtensionSize = Hw.SpecificLuExtensionSize;
    C.SrbExtensionSize = Hw.SrbExtensionSize;
    C.Dma64BitAddresses = SCSI_DMA64_SYSTEM_SUPPORTED;
    C.SrbType = Hw.SrbTypeFlags & SRB_TYPE_FLAG_STORAGE_REQUEST_BLOCK ? SRB_TYPE_STORAGE_REQUEST_BLOCK : SRB_TYPE_SCSI_REQUEST_BLOCK;
    C.AddressType = STORAGE_ADDRESS_TYPE_BTL8;
    C.MaxNumberOfIO = 1000;
    C.MaxIOsPerLun = 255;
    C.InitialLunQueueDepth = 20;
    ULONG Bytes = 0;
    IoGetDeviceProperty(A.Pdo, DevicePropertyBusNumber, sizeof(ULONG), &C.SystemIoBusNumber, &Bytes);
    ULONG Address = 0;
    IoGetDeviceProperty(A.Pdo, DevicePropertyAddress, sizeof(Address), &Address, &Bytes);
    C.SlotNumber = (Address >> 16 & 31) | (Address & 7) << 5;
    if (!List)
        return;
    ULONG Range = 0;
    auto& Partial = List->List[0].PartialResourceList;
    for (ULONG N = 0; N < Partial.Count; ++N) {
        auto& D = Partial.PartialDescriptors[N];
        if ((D.Type == CmResourceTypeMemory || D.Type == CmResourceTypePort) && Range < RTL_NUMBER_OF(A.Ranges)) {
            A.Ranges[Range].RangeStart = D.u.Memory.Start;
            A.Ranges[Range].RangeLength = D.u.Memory.Length;
            A.Ranges[Range].RangeInMemory = D.Type == CmResourceTypeMemory;
            ++Range;
        } else if (D.Type == CmResourceTypeInterrupt && !(D.Flags & CM_RESOURCE_INTERRUPT_MESSAGE)) {
            C.BusInterruptLevel = D.u.Interrupt.Level;
            C.BusInterruptVector = D.u.Interrupt.Vector;
            C.InterruptMode = D.Flags & CM_RESOURCE_INTERRUPT_LATCHED ? Latched : LevelSensitive;
        }
    }
}

STORAGE_BUS_TYPE BusOf(Adapter& A)
{
    UCHAR Class[3] {};
    StorPortGetBusData(A.Extension, PCIConfiguration, A.Config.SystemIoBusNumber, A.Config.SlotNumber, nullptr, 0);
    UCHAR Header[64] {};
    if (StorPortGetBusData(A.Extension, PCIConfiguration, A.Config.SystemIoBusNumber, A.Config.SlotNumber, Header, sizeof(Header)) != sizeof(Header))
        return BusTypeScsi;
    RtlCopyMemory(Class, Header + 9, 3);
    if (Class[2] != 1)
        return BusTypeScsi;
    switch (Class[1]) {
    case 0x01: return BusTypeAta;
    case 0x04: return BusTypeRAID;
    case 0x06: return BusTypeSata;
    case 0x07: return BusTypeSas;
    case 0x08: return STORAGE_BUS_TYPE(17);     // BusTypeNvme
    default: return BusTypeScsi;
    }
}

}

bool MakeDma(Adapter& A)
{
    if (A.Dma)
        return true;
    DEVICE_DESCRIPTION D {};
    D.Version = DEVICE_DESCRIPTION_VERSION;
    D.Master = TRUE;
    D.ScatterGather = TRUE;
    D.Dma32BitAddresses = TRUE;
    D.Dma64BitAddresses = (A.Config.Dma64BitAddresses & ~SCSI_DMA64_SYSTEM_SUPPORTED) != 0;
    D.InterfaceType = PCIBus;
    D.MaximumLength = A.Config.MaximumTransferLength;
    ULONG Registers;
    A.Dma = IoGetDmaAdapter(A.Pdo, &D, &Registers);
    return A.Dma != nullptr;
}

NTSTATUS StartAdapter(Adapter& A, PCM_RESOURCE_LIST Raw, PCM_RESOURCE_LIST Translated)
{
    if (A.Started)
        return STATUS_SUCCESS;
    const HW_INITIALIZATION_DATA& Hw = A.Of->Hw;
    if (!A.Extension) {
        // The way back from HwDeviceExtension lies in front of it.
        auto* At = static_cast<UCHAR*>(ExAllocatePoolWithTag(NonPagedPool, Hw.DeviceExtensionSize + 16, Tag));
        if (!At)
            return STATUS_INSUFFICIENT_RESOURCES;
        RtlZeroMemory(At, Hw.DeviceExtensionSize + 16);
        *reinterpret_cast<Adapter**>(At) = &A;
        A.Extension = At + 16;
    }
    FillConfiguration(A, Translated ? Translated : Raw);
    A.Stopped = false;
    BOOLEAN Again = FALSE;
    CHAR Empty[1] {};
    ULONG Found = Hw.HwFindAdapter(A.Extension, A.Of->HwContext, nullptr, Empty, &A.Config, &Again);
    if (Found != SP_RETURN_FOUND) {
        DbgPrint("storport: adapter %lu: HwFindAdapter answers %lu\n", A.Number, Found);
        return Found == SP_RETURN_NOT_FOUND ? STATUS_NO_SUCH_DEVICE : STATUS_DEVICE_CONFIGURATION_ERROR;
    }
    auto& C = A.Config;
    if (C.MaximumTransferLength == SP_UNINITIALIZED_VALUE || C.MaximumTransferLength > 2 * 1024 * 1024)
        C.MaximumTransferLength = 2 * 1024 * 1024;
    if (C.NumberOfPhysicalBreaks == SP_UNINITIALIZED_VALUE || C.NumberOfPhysicalBreaks > C.MaximumTransferLength / PAGE_SIZE + 1)
        C.NumberOfPhysicalBreaks = C.MaximumTransferLength / PAGE_SIZE + 1;
    if (!C.NumberOfBuses)
        C.NumberOfBuses = 1;
    if (!C.MaxNumberOfIO)
        C.MaxNumberOfIO = 1000;
    if (!C.MaxIOsPerLun)
        C.MaxIOsPerLun = 255;
    if (!C.InitialLunQueueDepth || !C.MultipleRequestPerLu)
        C.InitialLunQueueDepth = C.MultipleRequestPerLu ? 20 : 1;
    A.MostOutstanding = C.MaxNumberOfIO;
    A.ListRoom = ULONG(sizeof(STOR_SCATTER_GATHER_LIST) + (C.NumberOfPhysicalBreaks + 2) * sizeof(STOR_SCATTER_GATHER_ELEMENT));
    A.Bus = BusOf(A);
    if (!MakeDma(A))
        return STATUS_INSUFFICIENT_RESOURCES;
    A.Self->AlignmentRequirement = C.AlignmentMask;

    StartTimers(A);
    if (NTSTATUS Status = ConnectInterrupt(A, Translated); !NT_SUCCESS(Status)) {
        DbgPrint("storport: adapter %lu: its interrupt cannot be connected: 0x%lx\n", A.Number, ULONG(Status));
        return Status;
    }
    KIRQL Old = AcquireInterrupt(A);
    BOOLEAN Good = Hw.HwInitialize(A.Extension);
    ReleaseInterrupt(A, Old);
    if (Good && A.Passive)
        Good = A.Passive(A.Extension);
    if (!Good) {
        DbgPrint("storport: adapter %lu: HwInitialize fails\n", A.Number);
        Disconnect(A);
        StopTimers(A);
        return STATUS_ADAPTER_HARDWARE_ERROR;
    }
    A.Started = true;

    if (!A.LinkMade) {
        WCHAR From[32], To[32], Digits[12];
        UNICODE_STRING Link { 0, sizeof(From), From }, Name { 0, sizeof(To), To }, Decimal { 0, sizeof(Digits), Digits };
        RtlIntegerToUnicodeString(A.Number, 10, &Decimal);
        RtlAppendUnicodeToString(&Link, L"\\DosDevices\\Scsi");
        RtlAppendUnicodeStringToString(&Link, &Decimal);
        RtlAppendUnicodeToString(&Link, L":");
        RtlAppendUnicodeToString(&Name, L"\\Device\\RaidPort");
        RtlAppendUnicodeStringToString(&Name, &Decimal);
        A.LinkMade = NT_SUCCESS(IoCreateSymbolicLink(&Link, &Name));
    }
    StartWaiting(A);
    return STATUS_SUCCESS;
}

void StopAdapter(Adapter& A)
{
    if (!A.Started)
        return;
    A.Started = false;
    A.Stopped = true;
    const HW_INITIALIZATION_DATA& Hw = A.Of->Hw;
    if (Hw.HwAdapterControl) {
        struct {
            SCSI_SUPPORTED_CONTROL_TYPE_LIST List;
            BOOLEAN Room[32];
        } Q {};
        Q.List.MaxControlType = 20;
        if (Hw.HwAdapterControl(A.Extension, ScsiQuerySupportedControlTypes, &Q.List) == ScsiAdapterControlSuccess && Q.List.SupportedTypeList[ScsiStopAdapter]) {
            KIRQL Old = AcquireInterrupt(A);
            Hw.HwAdapterControl(A.Extension, ScsiStopAdapter, nullptr);
            ReleaseInterrupt(A, Old);
        }
    }
    Disconnect(A);
    StopTimers(A);
    KIRQL Old = KeAcquireSpinLockRaiseToDpc(&A.StartLock);      // the DPC comes after
    CompleteAll(A, 255, 255, 255, SRB_STATUS_NO_DEVICE);
    KeReleaseSpinLock(&A.StartLock, Old);
    StartWaiting(A);                    // they fail
    if (Hw.HwFreeAdapterResources)
        Hw.HwFreeAdapterResources(A.Extension);
}

KIRQL AcquireInterrupt(Adapter& A)
{
    if (A.UsesMessages)
        return KeAcquireInterruptSpinLock(A.Messages->MessageInfo[0].InterruptObject);
    if (A.Interrupt)
        return KeAcquireInterruptSpinLock(A.Interrupt);
    return KeAcquireSpinLockRaiseToDpc(&A.InterruptLock);
}

void ReleaseInterrupt(Adapter& A, KIRQL Old)
{
    if (A.UsesMessages)
        KeReleaseInterruptSpinLock(A.Messages->MessageInfo[0].InterruptObject, Old);
    else if (A.Interrupt)
        KeReleaseInterruptSpinLock(A.Interrupt, Old);
    else
        KeReleaseSpinLock(&A.InterruptLock, Old);
}

StartGuard::StartGuard(Adapter& A) : A_(A), Old_(FullDuplex(A) ? KeAcquireSpinLockRaiseToDpc(&A.StartLock) : AcquireInterrupt(A)) { }
StartGuard::~StartGuard()
{
    if (FullDuplex(A_))
        KeReleaseSpinLock(&A_.StartLock, Old_);
    else
        ReleaseInterrupt(A_, Old_);
}

}
