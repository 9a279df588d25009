// The miniport's entry points.
#include "storahci/storahci.hpp"

#include "common/pci_bars.hpp"

namespace {

using namespace ahci;

PortState* PortOf(Adapter& A, UCHAR Path)
{
    return Path < A.PortCount && A.Ports[Path].Regs ? &A.Ports[Path] : nullptr;
}

void Finish(Adapter& A, PSCSI_REQUEST_BLOCK Srb, UCHAR Status)
{
    SrbSetSrbStatus(Srb, Status);
    StorPortNotification(RequestComplete, &A, Srb);
}

// Whoever used it before (firmware, or a driver that died) may have left commands under way, or a device that waits for its error to be read: all start
// from nothing (AHCI 10.4.3).
static bool ResetController(volatile Registers& R)
{
    R.Control = AhciEnable;             // interrupts off
    bool Used = false;
    for (ULONG N = 0; N < MostPorts; ++N)
        Used |= R.Implemented >> N & 1 && R.Ports[N].Command & (Start | FisOn | Running | FisRunning);
    if (!Used)
        return true;
    R.Control = AhciEnable | HbaReset;
    for (ULONG N = 0; N < 10000 && R.Control & HbaReset; ++N)
        StorPortStallExecution(100);
    if (R.Control & HbaReset)
        return false;
    R.Control = AhciEnable;
    return true;
}

ULONG NTAPI FindAdapter(PVOID X, PVOID, PVOID, PCHAR, PPORT_CONFIGURATION_INFORMATION C, PBOOLEAN Again)
{
    auto& A = *static_cast<Adapter*>(X);
    *Again = FALSE;
    pci::Function F;
    const ACCESS_RANGE* R = F.Read(X, C) ? F.Range(C, 5) : nullptr;
    if (!R || !R->RangeInMemory || R->RangeLength < 0x180)
        return SP_RETURN_NOT_FOUND;
    A.Regs = static_cast<volatile Registers*>(StorPortGetDeviceBase(X, PCIBus, C->SystemIoBusNumber, R->RangeStart, R->RangeLength, FALSE));
    if (!A.Regs)
        return SP_RETURN_ERROR;
    if (!ResetController(*A.Regs))
        return SP_RETURN_ERROR;
    A.Capabilities = A.Regs->Capabilities;
    A.SlotCount = (A.Capabilities >> 8 & 31) + 1;
    ULONG Implemented = A.Regs->Implemented;
    A.PortCount = 0;
    for (ULONG N = 0; N < MostPorts && 0x100 + (N + 1) * 0x80 <= R->RangeLength; ++N)
        if (Implemented >> N & 1)
            A.PortCount = N + 1;
    if (!A.PortCount)
        return SP_RETURN_NOT_FOUND;
    C->MaximumTransferLength = MostBytes;
    C->Dma64BitAddresses = A.Capabilities & Supports64 ? SCSI_DMA64_MINIPORT_FULL64BIT_SUPPORTED : 0;
    A.Memory = static_cast<UCHAR*>(StorPortGetUncachedExtension(X, C, MemoryBytes(A.PortCount)));
    if (!A.Memory)
        return SP_RETURN_ERROR;
    ULONG Length, Depth = 1;
    A.MemoryPhysical = ULONGLONG(StorPortGetPhysicalAddress(X, nullptr, A.Memory, &Length).QuadPart);
    for (ULONG N = 0; N < A.PortCount; ++N) {
        auto& P = A.Ports[N];
        P.Number = UCHAR(N);
        P.Regs = Implemented >> N & 1 ? &A.Regs->Ports[N] : nullptr;
        if (!P.Regs)
            continue;
        Drop(P);
        Discover(A, P);
        if (P.Present && P.Depth > Depth)
            Depth = P.Depth;
    }
    C->NumberOfPhysicalBreaks = MostDescriptors - 1;
    C->NumberOfBuses = UCHAR(A.PortCount);
    C->MaximumNumberOfTargets = 1;
    C->MaximumNumberOfLogicalUnits = 1;
    C->ScatterGather = C->Master = C->CachesData = TRUE;
    C->MapBuffers = STOR_MAP_NON_READ_WRITE_BUFFERS;
    C->AlignmentMask = 1;
    C->SynchronizationModel = StorSynchronizeHalfDuplex;
    C->MaxNumberOfIO = 32 * A.PortCount;
    C->MaxIOsPerLun = 32;
    C->InitialLunQueueDepth = Depth;
    C->HwMSInterruptRoutine = [](PVOID Extension, ULONG) -> BOOLEAN {
        auto& Of = *static_cast<Adapter*>(Extension);
        for (ULONG Pending; (Pending = Of.Regs->InterruptStatus);) {
            Of.Regs->InterruptStatus = Pending;
            for (ULONG N = 0; N < Of.PortCount; ++N)
                if (Pending >> N & 1 && Of.Ports[N].Regs)
                    Serve(Of, Of.Ports[N]);
        }
        return TRUE;
    };
    C->InterruptSynchronizationMode = InterruptSynchronizeAll;
    return SP_RETURN_FOUND;
}

BOOLEAN NTAPI Interrupt(PVOID X)
{
    auto& A = *static_cast<Adapter*>(X);
    ULONG Pending = A.Regs->InterruptStatus;
    if (!Pending || Pending == ~0u)
        return FALSE;
    for (ULONG N = 0; N < A.PortCount; ++N)
        if (Pending >> N & 1 && A.Ports[N].Regs)
            Serve(A, A.Ports[N]);
    A.Regs->InterruptStatus = Pending;  // after the ports' own
    return TRUE;
}

BOOLEAN NTAPI Initialize(PVOID X)
{
    auto& A = *static_cast<Adapter*>(X);
    A.Regs->InterruptStatus = ~0u;
    for (ULONG N = 0; N < A.PortCount; ++N)
        if (A.Ports[N].Regs && A.Ports[N].Present)
            A.Ports[N].Regs->InterruptEnable = IsAll;
    A.Regs->Control = AhciEnable | InterruptsOn;
    return TRUE;
}

BOOLEAN NTAPI ResetBus(PVOID X, ULONG Path)
{
    auto& A = *static_cast<Adapter*>(X);
    PortState* P = PortOf(A, UCHAR(Path));
    if (!P || !P->Present)
        return FALSE;
    Drop(*P);
    StopPort(*P);
    bool Good = ResetLink(*P) && StartPort(A, *P);
    P->Regs->InterruptEnable = IsAll;
    StorPortCompleteRequest(X, UCHAR(Path), UCHAR(SP_UNTAGGED), UCHAR(SP_UNTAGGED), SRB_STATUS_BUS_RESET);
    return Good;
}

BOOLEAN NTAPI StartIo(PVOID X, PSCSI_REQUEST_BLOCK Srb)
{
    auto& A = *static_cast<Adapter*>(X);
    UCHAR Path, Target, Lun;
    SrbGetPathTargetLun(Srb, &Path, &Target, &Lun);
    PortState* P = PortOf(A, Path);
    ULONG Function = SrbGetSrbFunction(Srb);
    if (!P || Target || Lun || !P->Present) {
        Finish(A, Srb, SRB_STATUS_NO_DEVICE);
        return TRUE;
    }
    switch (Function) {
    case SRB_FUNCTION_EXECUTE_SCSI: {
        disk::Command C = disk::Interpret(Srb, P->Disk);
        if (C.Action == disk::What::Done)
            StorPortNotification(RequestComplete, &A, Srb);
        else
            Accept(A, *P, Srb, C);
        return TRUE;
    }
    case SRB_FUNCTION_FLUSH:
    case SRB_FUNCTION_SHUTDOWN:
        if (P->Disk.WriteCache)
            Accept(A, *P, Srb, { disk::What::Flush, false, 0, 0 });
        else
            Finish(A, Srb, SRB_STATUS_SUCCESS);
        return TRUE;
    case SRB_FUNCTION_RESET_BUS:
    case SRB_FUNCTION_RESET_DEVICE:
    case SRB_FUNCTION_RESET_LOGICAL_UNIT:
        Finish(A, Srb, ResetBus(X, Path) ? SRB_STATUS_SUCCESS : SRB_STATUS_ERROR);
        return TRUE;
    default:
        Finish(A, Srb, SRB_STATUS_INVALID_REQUEST);
        return TRUE;
    }
}

SCSI_ADAPTER_CONTROL_STATUS NTAPI AdapterControl(PVOID X, SCSI_ADAPTER_CONTROL_TYPE Type, PVOID Parameters)
{
    auto& A = *static_cast<Adapter*>(X);
    switch (Type) {
    case ScsiQuerySupportedControlTypes: return disk::TellControls(static_cast<PSCSI_SUPPORTED_CONTROL_TYPE_LIST>(Parameters));
    case ScsiStopAdapter:
        A.Regs->Control = AhciEnable;
        for (ULONG N = 0; N < A.PortCount; ++N)
            if (A.Ports[N].Regs && A.Ports[N].Present)
                StopPort(A.Ports[N]);
        return ScsiAdapterControlSuccess;
    case ScsiRestartAdapter:
        for (ULONG N = 0; N < A.PortCount; ++N)
            if (A.Ports[N].Regs && A.Ports[N].Present)
                StartPort(A, A.Ports[N]);
        return Initialize(X) ? ScsiAdapterControlSuccess : ScsiAdapterControlUnsuccessful;
    default:
        return ScsiAdapterControlUnsuccessful;
    }
}

}

extern "C" NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING Key)
{
    HW_INITIALIZATION_DATA D = disk::PciAdapter();
    D.HwInitialize = Initialize;
    D.HwStartIo = StartIo;
    D.HwInterrupt = Interrupt;
    D.HwFindAdapter = FindAdapter;
    D.HwResetBus = ResetBus;
    D.HwAdapterControl = AdapterControl;
    D.DeviceExtensionSize = sizeof(Adapter);
    D.SrbExtensionSize = sizeof(RequestExtension);
    D.NumberOfAccessRanges = 6;
    D.SrbTypeFlags = SRB_TYPE_FLAG_SCSI_REQUEST_BLOCK;
    return NTSTATUS(StorPortInitialize(Driver, Key, &D, nullptr));
}
