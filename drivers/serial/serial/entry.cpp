// DriverEntry, plug and play, opening and closing.
#include "drivers/serial/serial/serial.hpp"

namespace serial {

namespace {

LONG Ports;

void Append(UNICODE_STRING& To, const WCHAR* Text)
{
    while (*Text && To.Length + sizeof(WCHAR) <= To.MaximumLength)
        To.Buffer[To.Length / 2] = *Text++, To.Length += 2;
}

// The link's name: what the device's key says (PortName), or COM and a number.
void NamePort(Port& P)
{
    P.Link = { 0, sizeof(P.LinkText), P.LinkText };
    Append(P.Link, L"\\DosDevices\\");
    HANDLE Key;
    alignas(8) UCHAR Room[128];
    auto* V = reinterpret_cast<KEY_VALUE_PARTIAL_INFORMATION*>(Room);
    if (NT_SUCCESS(IoOpenDeviceRegistryKey(P.Pdo, PLUGPLAY_REGKEY_DEVICE, KEY_READ, &Key))) {
        UNICODE_STRING Value = RTL_CONSTANT_STRING(L"PortName");
        ULONG Bytes;
        NTSTATUS Status = ZwQueryValueKey(Key, &Value, KeyValuePartialInformation, Room, sizeof(Room) - 2, &Bytes);
        ZwClose(Key);
        if (NT_SUCCESS(Status) && V->Type == REG_SZ && V->DataLength >= 2) {
            auto* Text = reinterpret_cast<WCHAR*>(V->Data);
            Text[V->DataLength / 2] = 0;
            Append(P.Link, Text);
            return;
        }
    }
    WCHAR Name[] = L"COM0";
    Name[3] = WCHAR(L'1' + P.Number % 9);
    Append(P.Link, Name);
}

void Announce(Port& P)
{
    if (!NT_SUCCESS(IoCreateSymbolicLink(&P.Link, &P.Name)))
        return;
    P.Linked = true;
    // HARDWARE\DEVICEMAP\SERIALCOMM: what programs list the ports by.
    RtlCreateRegistryKey(RTL_REGISTRY_DEVICEMAP, const_cast<PWSTR>(L"SERIALCOMM"));
    WCHAR* Short = P.Link.Buffer + 12;
    RtlWriteRegistryValue(RTL_REGISTRY_DEVICEMAP, L"SERIALCOMM", P.NameText, REG_SZ, Short, ULONG(P.Link.Length - 24 + 2));
}

void Withdraw(Port& P)
{
    if (!P.Linked)
        return;
    P.Linked = false;
    IoDeleteSymbolicLink(&P.Link);
    RtlDeleteRegistryValue(RTL_REGISTRY_DEVICEMAP, L"SERIALCOMM", P.NameText);
}

NTSTATUS Start(Port& P, PIRP Irp)
{
    auto* Ports = Resource(Irp, CmResourceTypePort);
    auto* Line = Resource(Irp, CmResourceTypeInterrupt);
    if (!Ports || !Line || Ports->u.Port.Length < 8)
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    P.Base = ULONG(Ports->u.Port.Start.QuadPart);
    if (!Exists(P))
        return STATUS_NO_SUCH_DEVICE;
    NTSTATUS Status = ConnectLine(&P.Interrupt, Isr, &P, *Line);
    if (!NT_SUCCESS(Status))
        return Status;
    P.Started = true;
    Announce(P);
    return STATUS_SUCCESS;
}

void Stop(Port& P)
{
    if (!P.Started)
        return;
    P.Started = false;
    Withdraw(P);
    EndWait(P, STATUS_CANCELLED, 0);
    CancelAll(P, P.Reads, STATUS_CANCELLED);
    CancelAll(P, P.Writes, STATUS_CANCELLED);
    {
        Hold H(P);
        CloseUart(P);
    }
    KeCancelTimer(&P.Timer);
    IoDisconnectInterrupt(P.Interrupt);
}

NTSTATUS NTAPI PlugAndPlay(PDEVICE_OBJECT D, PIRP Irp)
{
    Port& P = Of(D);
    switch (IoGetCurrentIrpStackLocation(Irp)->MinorFunction) {
    case IRP_MN_START_DEVICE:
        return StartDevice(P.Below, Irp, [&] { return Start(P, Irp); });
    case IRP_MN_QUERY_REMOVE_DEVICE:
    case IRP_MN_QUERY_STOP_DEVICE:
        if (P.Open)
            return Complete(Irp, STATUS_UNSUCCESSFUL);
        [[fallthrough]];
    case IRP_MN_CANCEL_REMOVE_DEVICE:
    case IRP_MN_CANCEL_STOP_DEVICE:
        Irp->IoStatus.Status = STATUS_SUCCESS;
        return PassOn(P.Below, Irp);
    case IRP_MN_STOP_DEVICE:
    case IRP_MN_SURPRISE_REMOVAL:
        Stop(P);
        Irp->IoStatus.Status = STATUS_SUCCESS;
        return PassOn(P.Below, Irp);
    case IRP_MN_REMOVE_DEVICE:
        Stop(P);
        return RemoveDevice(D, P.Below, Irp, P.Ring);
    default:
        return PassOn(P.Below, Irp);
    }
}

NTSTATUS NTAPI Power(PDEVICE_OBJECT D, PIRP Irp) { return PassOnPower(Of(D).Below, Irp); }
NTSTATUS NTAPI SystemControl(PDEVICE_OBJECT D, PIRP Irp) { return PassOn(Of(D).Below, Irp); }

NTSTATUS NTAPI Create(PDEVICE_OBJECT D, PIRP Irp)
{
    Port& P = Of(D);
    IO_STACK_LOCATION* S = IoGetCurrentIrpStackLocation(Irp);
    if (S->Parameters.Create.Options & FILE_DIRECTORY_FILE)
        return Complete(Irp, STATUS_NOT_A_DIRECTORY);
    if (!P.Started)
        return Complete(Irp, STATUS_DEVICE_NOT_READY);
    {
        Hold H(P);
        P.Open = true;
        OpenUart(P);
    }
    return Complete(Irp, STATUS_SUCCESS);
}

NTSTATUS NTAPI Cleanup(PDEVICE_OBJECT D, PIRP Irp)
{
    Port& P = Of(D);
    EndWait(P, STATUS_CANCELLED, 0);
    CancelAll(P, P.Reads, STATUS_CANCELLED);
    CancelAll(P, P.Writes, STATUS_CANCELLED);
    return Complete(Irp, STATUS_SUCCESS);
}

NTSTATUS NTAPI Close(PDEVICE_OBJECT D, PIRP Irp)
{
    Port& P = Of(D);
    if (P.Started) {
        // What is in the FIFO goes out first: at most its bytes' time, which the baud rate gives (11 bits each).
        LARGE_INTEGER Pause;
        Pause.QuadPart = -10000;
        ULONG Most = regs::FifoBytes * 11 * 1000 / P.Baud + 10;
        for (ULONG I = 0; I < Most && !P.TxHold && !(Get(P, regs::LineStatus) & regs::lsr::Idle); ++I)
            KeDelayExecutionThread(KernelMode, FALSE, &Pause);
        Hold H(P);
        CloseUart(P);
    }
    P.Open = false;
    return Complete(Irp, STATUS_SUCCESS);
}

NTSTATUS NTAPI QueryInformation(PDEVICE_OBJECT, PIRP Irp)
{
    switch (IoGetCurrentIrpStackLocation(Irp)->Parameters.QueryFile.FileInformationClass) {
    case FileStandardInformation: {
        auto* Info = static_cast<FILE_STANDARD_INFORMATION*>(Irp->AssociatedIrp.SystemBuffer);
        *Info = {};
        return Complete(Irp, STATUS_SUCCESS, sizeof(*Info));
    }
    case FilePositionInformation: {
        auto* Info = static_cast<FILE_POSITION_INFORMATION*>(Irp->AssociatedIrp.SystemBuffer);
        *Info = {};
        return Complete(Irp, STATUS_SUCCESS, sizeof(*Info));
    }
    default:
        return Complete(Irp, STATUS_INVALID_PARAMETER);
    }
}

NTSTATUS NTAPI AddDevice(PDRIVER_OBJECT Driver, PDEVICE_OBJECT Pdo)
{
    LONG Number = InterlockedIncrement(&Ports) - 1;
    WCHAR Text[] = L"\\Device\\Serial0";
    Text[14] = WCHAR(L'0' + Number % 10);
    UNICODE_STRING Name;
    RtlInitUnicodeString(&Name, Text);
    PDEVICE_OBJECT D;
    NTSTATUS Status = IoCreateDevice(Driver, sizeof(Port), &Name, FILE_DEVICE_SERIAL_PORT, FILE_DEVICE_SECURE_OPEN, TRUE, &D);
    if (!NT_SUCCESS(Status))
        return Status;
    Port& P = Of(D);
    P.Ring = static_cast<UCHAR*>(ExAllocatePoolWithTag(NonPagedPool, FirstRing, 'ireS'));
    if (!P.Ring) {
        IoDeleteDevice(D);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    P.Self = D;
    P.Pdo = Pdo;
    P.Number = ULONG(Number);
    memcpy(P.NameText, Text, sizeof(Text));
    RtlInitUnicodeString(&P.Name, P.NameText);
    P.RingBytes = FirstRing;
    P.Baud = 1200;                      // the driver kit's defaults
    P.Line = { STOP_BIT_1, EVEN_PARITY, 7 };
    P.Chars.XonChar = 0x11;
    P.Chars.XoffChar = 0x13;
    P.Flow.ControlHandShake = SERIAL_DTR_CONTROL;
    P.Flow.FlowReplace = SERIAL_RTS_CONTROL;
    P.Flow.XoffLimit = FirstRing / 8;
    P.Flow.XonLimit = FirstRing / 2;
    P.FifoTrigger = regs::fcr::Trigger14;
    InitializeQueues(P);
    KeInitializeSpinLock(&P.PumpLock);
    KeInitializeDpc(&P.Dpc, PumpDpc, &P);
    KeInitializeDpc(&P.TimerDpc, PumpDpc, &P);
    KeInitializeTimer(&P.Timer);
    D->Flags |= DO_POWER_PAGABLE;
    PVOID Ring = P.Ring;
    Status = Attach(D, Pdo, P.Below, STATUS_INSUFFICIENT_RESOURCES);
    if (NT_SUCCESS(Status))
        NamePort(P);
    else
        ExFreePool(Ring);
    return Status;
}

void NTAPI Unload(PDRIVER_OBJECT) { }

}

}

extern "C" NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING)
{
    using namespace serial;
    Driver->DriverExtension->AddDevice = AddDevice;
    Driver->DriverUnload = Unload;
    Driver->MajorFunction[IRP_MJ_CREATE] = Create;
    Driver->MajorFunction[IRP_MJ_CLEANUP] = Cleanup;
    Driver->MajorFunction[IRP_MJ_CLOSE] = Close;
    Driver->MajorFunction[IRP_MJ_READ] = Driver->MajorFunction[IRP_MJ_WRITE] = ReadWrite;
    Driver->MajorFunction[IRP_MJ_FLUSH_BUFFERS] = Flush;
    Driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control;
    Driver->MajorFunction[IRP_MJ_QUERY_INFORMATION] = QueryInformation;
    Driver->MajorFunction[IRP_MJ_PNP] = PlugAndPlay;
    Driver->MajorFunction[IRP_MJ_POWER] = Power;
    Driver->MajorFunction[IRP_MJ_SYSTEM_CONTROL] = SystemControl;
    return STATUS_SUCCESS;
}
