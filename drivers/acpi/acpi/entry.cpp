// The driver's own device: starting ACPICA in a thread, the power button, the registers that turn the machine off and reset it.
#include "drivers/acpi/acpi/acpi.hpp"

#include "abi/wire/driver.hpp"

extern "C" __declspec(dllimport) NTSTATUS NTAPI NtShutdownSystem(ULONG Action);

namespace acpi {

namespace {

constexpr ULONG PowerOff = 2;           // SHUTDOWN_ACTION

struct Extension {
    PDEVICE_OBJECT Below, Physical;
    bool Started;
};

void PressedLater(void*)
{
    Say("the power button was pressed\n");
    NTSTATUS Status = NtShutdownSystem(PowerOff);
    Say("the system does not shut down: 0x%x\n", unsigned(Status));
}

UINT32 PowerButton(void*)
{
    Later(PressedLater, nullptr);
    return ACPI_INTERRUPT_HANDLED;
}

void TellPowerRegisters()
{
    wire::driver::PowerRegisters P {};
    // PM1 control: sleep type in bits 10 to 12, enable in bit 13 (ACPI 6.4, section 4.8.3.2.1).
    UINT8 A, B;
    if (ACPI_SUCCESS(AcpiGetSleepTypeData(ACPI_STATE_S5, &A, &B))) {
        P.PortA = USHORT(AcpiGbl_FADT.Pm1aControlBlock);
        P.PortB = USHORT(AcpiGbl_FADT.Pm1bControlBlock);
        P.ValueA = USHORT(A << 10 | 1 << 13);
        P.ValueB = USHORT(B << 10 | 1 << 13);
    }
    // The reset register may be in other spaces, too (section 4.8.3.6): those are left to the chip set's.
    const ACPI_GENERIC_ADDRESS& R = AcpiGbl_FADT.ResetRegister;
    if ((AcpiGbl_FADT.Flags & ACPI_FADT_RESET_REGISTER) && R.SpaceId == ACPI_ADR_SPACE_SYSTEM_IO && R.Address < 0x10000) {
        P.ResetPort = USHORT(R.Address);
        P.ResetValue = AcpiGbl_FADT.ResetValue;
    }
    if (NTSTATUS Status = Tell(ULONG(wire::driver::Control::PowerRegisters), &P, sizeof(P)); !NT_SUCCESS(Status))
        Say("the power registers are not taken: 0x%x\n", unsigned(Status));
}

void NTAPI Run(PVOID Context)
{
    auto* D = static_cast<PDEVICE_OBJECT>(Context);
    const char* What = "";
    ACPI_STATUS Status = AE_OK;
    auto Next = [&](const char* Name, auto Step) {
        if (ACPI_FAILURE(Status))
            return;
        What = Name;
        Status = Step();
    };
    Next("the subsystem", [] { return AcpiInitializeSubsystem(); });
    Next("the tables", [] { return AcpiInitializeTables(nullptr, 16, FALSE); });
    Next("the memory of AML", [] { return AcpiInstallAddressSpaceHandler(ACPI_ROOT_OBJECT, ACPI_ADR_SPACE_SYSTEM_MEMORY, MemoryRegion, nullptr, nullptr); });
    Next("the namespace", [] { return AcpiLoadTables(); });
    Next("the hardware", [] { return AcpiEnableSubsystem(ACPI_FULL_INITIALIZATION); });
    Next("the devices", [] { return AcpiInitializeObjects(ACPI_FULL_INITIALIZATION); });
    if (ACPI_FAILURE(Status)) {
        Say("%s cannot be initialized: %s\n", What, AcpiFormatException(Status));
        return;
    }
    RouteInterrupts();
    TellPowerRegisters();
    FindDevices(D->DriverObject);
    IoInvalidateDeviceRelations(static_cast<Extension*>(D->DeviceExtension)->Physical, BusRelations);
    if (ACPI_FAILURE(Status = AcpiInstallFixedEventHandler(ACPI_EVENT_POWER_BUTTON, PowerButton, nullptr)))
        Say("there is no power button: %s\n", AcpiFormatException(Status));
}

NTSTATUS Start(PDEVICE_OBJECT D, PIRP Irp)
{
    auto& X = *static_cast<Extension*>(D->DeviceExtension);
    if (X.Started)
        return STATUS_SUCCESS;
    auto* Line = Resource(Irp, CmResourceTypeInterrupt);
    if (!Line)
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    NTSTATUS Status = StartLayer(Line->u.Interrupt.Vector, KIRQL(Line->u.Interrupt.Level), Line->Flags == CM_RESOURCE_INTERRUPT_LEVEL_SENSITIVE);
    if (!NT_SUCCESS(Status))
        return Status;
    // Not here: other devices' starts wait for this one's end.
    HANDLE Thread;
    Status = PsCreateSystemThread(&Thread, THREAD_ALL_ACCESS, nullptr, nullptr, nullptr, Run, D);
    if (!NT_SUCCESS(Status))
        return Status;
    ZwClose(Thread);
    X.Started = true;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI PlugAndPlay(PDEVICE_OBJECT D, PIRP Irp)
{
    if (IsChild(D))
        return ChildPlugAndPlay(D, Irp);
    auto& X = *static_cast<Extension*>(D->DeviceExtension);
    IO_STACK_LOCATION* S = IoGetCurrentIrpStackLocation(Irp);
    switch (S->MinorFunction) {
    case IRP_MN_START_DEVICE:
        return StartDevice(X.Below, Irp, [&] { return Start(D, Irp); });
    case IRP_MN_QUERY_DEVICE_RELATIONS:
        if (S->Parameters.QueryDeviceRelations.Type != BusRelations)
            return PassOn(X.Below, Irp);
        if (auto* R = Relations())
            return Complete(Irp, STATUS_SUCCESS, ULONG_PTR(R));
        return Complete(Irp, STATUS_INSUFFICIENT_RESOURCES);
    // The interpreter cannot be stopped: routing and power depend on it.
    case IRP_MN_QUERY_STOP_DEVICE:
    case IRP_MN_QUERY_REMOVE_DEVICE:
        return Complete(Irp, STATUS_UNSUCCESSFUL);
    default:
        return PassOn(X.Below, Irp);
    }
}

NTSTATUS NTAPI Power(PDEVICE_OBJECT D, PIRP Irp)
{
    if (!IsChild(D))
        return PassOnPower(static_cast<Extension*>(D->DeviceExtension)->Below, Irp);
    UCHAR Minor = IoGetCurrentIrpStackLocation(Irp)->MinorFunction;
    PoStartNextPowerIrp(Irp);
    return Complete(Irp, Minor == IRP_MN_SET_POWER || Minor == IRP_MN_QUERY_POWER ? STATUS_SUCCESS : Irp->IoStatus.Status);
}

NTSTATUS NTAPI AddDevice(PDRIVER_OBJECT Driver, PDEVICE_OBJECT Pdo)
{
    PDEVICE_OBJECT D;
    NTSTATUS Status = IoCreateDevice(Driver, sizeof(Extension), nullptr, FILE_DEVICE_ACPI, 0, FALSE, &D);
    if (!NT_SUCCESS(Status))
        return Status;
    auto& X = *static_cast<Extension*>(D->DeviceExtension);
    X.Physical = Pdo;
    X.Below = IoAttachDeviceToDeviceStack(D, Pdo);
    if (!X.Below) {
        IoDeleteDevice(D);
        return STATUS_NO_SUCH_DEVICE;
    }
    D->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

}

}

extern "C" NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING)
{
    Driver->DriverExtension->AddDevice = acpi::AddDevice;
    Driver->MajorFunction[IRP_MJ_PNP] = acpi::PlugAndPlay;
    Driver->MajorFunction[IRP_MJ_POWER] = acpi::Power;
    return STATUS_SUCCESS;
}
