// The keyboard behind an i8042 controller (IBM PS/2 Hardware Interface Technical Reference, keyboard controller and keyboard). The controller translates to
// scan code set 1, which is what KEYBOARD_INPUT_DATA holds. Input goes to the class driver above by the callback that IOCTL_INTERNAL_KEYBOARD_CONNECT brings.
// Commands to the keyboard are sent at PASSIVE_LEVEL, one after the other; its answers come by the interrupt routine.
#include "drivers/common/driver.hpp"

#include <kbdmou.h>
#include <ntddkbd.h>

namespace {

using namespace driver;

enum : UCHAR { OutputFull = 1, InputFull = 2, FromMouse = 0x20, BadByte = 0xC0 };        // status
enum : UCHAR { ReadConfig = 0x20, WriteConfig = 0x60, DisableMouse = 0xA7, SelfTest = 0xAA, DisableKeyboard = 0xAD, EnableKeyboard = 0xAE };
enum : UCHAR { ConfigInterrupt = 1, ConfigKeyboardOff = 0x10, ConfigTranslate = 0x40 };
enum : UCHAR { SetLeds = 0xED, SetRepeat = 0xF3, EnableScan = 0xF4, ResetKeyboard = 0xFF };
enum : UCHAR { Acknowledge = 0xFA, Resend = 0xFE, TestPassed = 0xAA, Extended = 0xE0, Extended1 = 0xE1, Overrun = 0xFF, OverrunSet2 = 0x00 };
constexpr ULONG RingEntries = 128;
constexpr LONGLONG Millisecond = 10000;

struct Extension {
    PDEVICE_OBJECT Below;
    ULONG Data, Command;                // ports
    PKINTERRUPT Interrupt;
    bool Started;
    CONNECT_DATA Class;
    KDPC Dpc;
    // the interrupt routine's
    KEYBOARD_INPUT_DATA Ring[RingEntries];
    ULONG At, Count;
    USHORT Prefix;                      // KEY_E0, KEY_E1: of the code under way
    bool Awaiting;                      // an answer to a command
    UCHAR Answer;
    KEVENT Answered;
    // settings
    KMUTEX CommandLock;
    KEYBOARD_INDICATOR_PARAMETERS Leds;
    KEYBOARD_TYPEMATIC_PARAMETERS Repeat;
};

Extension& Of(PDEVICE_OBJECT D) { return *static_cast<Extension*>(D->DeviceExtension); }

// --- the controller, polled

bool WaitStatus(Extension& X, UCHAR Mask, UCHAR Wanted)
{
    for (int I = 0; I < 2000; ++I) {
        if ((In8(X.Command) & Mask) == Wanted)
            return true;
        KeStallExecutionProcessor(50);
    }
    return false;
}
bool SendController(Extension& X, UCHAR Byte)
{
    if (!WaitStatus(X, InputFull, 0))
        return false;
    Out8(X.Command, Byte);
    return true;
}
bool SendData(Extension& X, UCHAR Byte)
{
    if (!WaitStatus(X, InputFull, 0))
        return false;
    Out8(X.Data, Byte);
    return true;
}
bool Receive(Extension& X, UCHAR& Byte)
{
    if (!WaitStatus(X, OutputFull, OutputFull))
        return false;
    Byte = In8(X.Data);
    return true;
}
void Drain(Extension& X)
{
    for (int I = 0; I < 64 && In8(X.Command) & OutputFull; ++I)
        (void)In8(X.Data);
}

NTSTATUS InitializeController(Extension& X)
{
    UCHAR Byte;
    if (In8(X.Command) == 0xFF)
        return STATUS_NO_SUCH_DEVICE;   // nothing drives the bus
    if (!SendController(X, DisableKeyboard) || !SendController(X, DisableMouse))
        return STATUS_IO_TIMEOUT;
    Drain(X);
    if (!SendController(X, SelfTest) || !Receive(X, Byte) || Byte != 0x55)
        return STATUS_IO_DEVICE_ERROR;
    if (!SendController(X, ReadConfig) || !Receive(X, Byte))
        return STATUS_IO_TIMEOUT;
    UCHAR Config = UCHAR((Byte | ConfigTranslate) & ~(ConfigInterrupt | ConfigKeyboardOff));
    if (!SendController(X, WriteConfig) || !SendData(X, Config) || !SendController(X, EnableKeyboard))
        return STATUS_IO_TIMEOUT;
    // The keyboard's own reset: an acknowledgement, then the result of its test.
    if (!SendData(X, ResetKeyboard) || !Receive(X, Byte) || Byte != Acknowledge || !Receive(X, Byte) || Byte != TestPassed)
        return STATUS_NO_SUCH_DEVICE;
    return SendController(X, WriteConfig) && SendData(X, UCHAR(Config | ConfigInterrupt)) ? STATUS_SUCCESS : STATUS_IO_TIMEOUT;
}

// --- the interrupt

void Put(Extension& X, USHORT Code, USHORT Flags)
{
    if (X.Count == RingEntries)
        return;
    auto& E = X.Ring[(X.At + X.Count++) % RingEntries];
    E = {};
    E.MakeCode = Code;
    E.Flags = Flags;
}

void Take(Extension& X, UCHAR Byte)
{
    if (X.Awaiting && (Byte == Acknowledge || Byte == Resend)) {
        X.Awaiting = false;
        X.Answer = Byte;
        return;
    }
    switch (Byte) {
    case Extended:
        X.Prefix = KEY_E0;
        return;
    case Extended1:
        X.Prefix = KEY_E1;
        return;
    case Overrun:
    case OverrunSet2:
        Put(X, KEYBOARD_OVERRUN_MAKE_CODE, KEY_MAKE);
        X.Prefix = 0;
        return;
    default: {
        USHORT Flags = X.Prefix | (Byte & 0x80 ? KEY_BREAK : KEY_MAKE);
        Put(X, Byte & 0x7F, Flags);
        // Pause is E1 1D 45: the prefix is both codes'.
        if (!(X.Prefix == KEY_E1 && (Byte & 0x7F) == 0x1D))
            X.Prefix = 0;
    }
    }
}

BOOLEAN NTAPI Isr(PKINTERRUPT, PVOID Context)
{
    auto& X = *static_cast<Extension*>(Context);
    bool Ours = false;
    UCHAR Status;
    for (int I = 0; I < 64 && (Status = In8(X.Command)) & OutputFull; ++I) {
        UCHAR Byte = In8(X.Data);
        Ours = true;
        if (!(Status & FromMouse))
            Take(X, Byte);
    }
    if (Ours)
        KeInsertQueueDpc(&X.Dpc, nullptr, nullptr);
    return Ours;
}

void NTAPI Deliver(PKDPC, PVOID Context, PVOID, PVOID)
{
    auto& X = *static_cast<Extension*>(Context);
    KEYBOARD_INPUT_DATA Some[RingEntries];
    ULONG Count = 0;
    bool Answer;
    {
        KIRQL Old = KeAcquireInterruptSpinLock(X.Interrupt);
        while (X.Count) {
            Some[Count++] = X.Ring[X.At];
            X.At = (X.At + 1) % RingEntries;
            --X.Count;
        }
        Answer = X.Answer != 0;
        KeReleaseInterruptSpinLock(X.Interrupt, Old);
    }
    if (Answer)
        KeSetEvent(&X.Answered, 0, FALSE);
    if (Count && X.Class.ClassService) {
        ULONG Consumed = 0;
        reinterpret_cast<PSERVICE_CALLBACK_ROUTINE>(X.Class.ClassService)(X.Class.ClassDeviceObject, Some, Some + Count, &Consumed);
    }
}

// --- commands

// One byte and its acknowledgement.
NTSTATUS SendByte(Extension& X, UCHAR Byte)
{
    for (int Tries = 0; Tries < 3; ++Tries) {
        KeClearEvent(&X.Answered);
        KIRQL Old = KeAcquireInterruptSpinLock(X.Interrupt);
        X.Answer = 0;
        X.Awaiting = true;
        bool Sent = SendData(X, Byte);
        KeReleaseInterruptSpinLock(X.Interrupt, Old);
        LARGE_INTEGER Limit;
        Limit.QuadPart = -500 * Millisecond;
        if (!Sent)
            return STATUS_IO_TIMEOUT;
        NTSTATUS Status = KeWaitForSingleObject(&X.Answered, Executive, KernelMode, FALSE, &Limit);
        Old = KeAcquireInterruptSpinLock(X.Interrupt);
        UCHAR Answer = X.Answer;
        X.Answer = 0;
        X.Awaiting = false;
        KeReleaseInterruptSpinLock(X.Interrupt, Old);
        if (Answer == Acknowledge)
            return STATUS_SUCCESS;
        if (Status == STATUS_TIMEOUT)
            return STATUS_IO_TIMEOUT;
    }
    return STATUS_IO_DEVICE_ERROR;
}

NTSTATUS Send(Extension& X, UCHAR Command, UCHAR Parameter)
{
    KeWaitForSingleObject(&X.CommandLock, Executive, KernelMode, FALSE, nullptr);
    NTSTATUS Status = SendByte(X, Command);
    if (NT_SUCCESS(Status))
        Status = SendByte(X, Parameter);
    KeReleaseMutex(&X.CommandLock, FALSE);
    return Status;
}

UCHAR LedBits(USHORT Flags) { return UCHAR(Flags & (KEYBOARD_SCROLL_LOCK_ON | KEYBOARD_NUM_LOCK_ON | KEYBOARD_CAPS_LOCK_ON)); }      // the keyboard's own order

// The keyboard's byte: bits 0 to 4 a period of (8 + M) * 2^E * 4.17 ms, bits 5 and 6 a delay in quarters of a second.
UCHAR RepeatByte(const KEYBOARD_TYPEMATIC_PARAMETERS& R)
{
    ULONG Best = 31, BestOff = ~0u;
    for (ULONG Code = 0; Code < 32; ++Code) {
        ULONG Rate = 240000 / ((8 + (Code & 7)) << (Code >> 3));        // thousandths of characters a second
        ULONG Wanted = R.Rate * 1000u, Off = Rate > Wanted ? Rate - Wanted : Wanted - Rate;
        if (Off < BestOff) {
            BestOff = Off;
            Best = Code;
        }
    }
    ULONG Delay = R.Delay <= 250 ? 0 : R.Delay >= 1000 ? 3 : (R.Delay + 125u) / 250 - 1;
    return UCHAR(Delay << 5 | Best);
}

NTSTATUS NTAPI InternalControl(PDEVICE_OBJECT D, PIRP Irp)
{
    Extension& X = Of(D);
    auto& P = IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceIoControl;
    void* Buffer = Irp->AssociatedIrp.SystemBuffer;
    auto Give = [&](const auto& Value) {
        if (P.OutputBufferLength < sizeof(Value))
            return Complete(Irp, STATUS_BUFFER_TOO_SMALL);
        memcpy(Buffer, &Value, sizeof(Value));
        return Complete(Irp, STATUS_SUCCESS, sizeof(Value));
    };
    switch (P.IoControlCode) {
    case IOCTL_INTERNAL_KEYBOARD_CONNECT:
        if (P.InputBufferLength < sizeof(CONNECT_DATA))
            return Complete(Irp, STATUS_INVALID_PARAMETER);
        if (X.Class.ClassService)
            return Complete(Irp, STATUS_SHARING_VIOLATION);
        X.Class = *static_cast<CONNECT_DATA*>(P.Type3InputBuffer);
        return Complete(Irp, STATUS_SUCCESS);
    case IOCTL_INTERNAL_KEYBOARD_DISCONNECT:
        return Complete(Irp, STATUS_NOT_IMPLEMENTED);   // as on Windows
    case IOCTL_KEYBOARD_QUERY_ATTRIBUTES: {
        KEYBOARD_ATTRIBUTES A {};
        A.KeyboardIdentifier = { 4, 0 };                // enhanced, 101 or 102 keys
        A.KeyboardMode = 1;                             // scan code set 1
        A.NumberOfFunctionKeys = 12;
        A.NumberOfIndicators = 3;
        A.NumberOfKeysTotal = 101;
        A.InputDataQueueLength = RingEntries;
        A.KeyRepeatMinimum = { 0, 2, 250 };
        A.KeyRepeatMaximum = { 0, 30, 1000 };
        return Give(A);
    }
    case IOCTL_KEYBOARD_QUERY_INDICATORS:
        return Give(X.Leds);
    case IOCTL_KEYBOARD_QUERY_TYPEMATIC:
        return Give(X.Repeat);
    case IOCTL_KEYBOARD_QUERY_INDICATOR_TRANSLATION: {
        struct {
            USHORT Keys;
            INDICATOR_LIST List[3];
        } T { 3, { { 0x3A, KEYBOARD_CAPS_LOCK_ON }, { 0x45, KEYBOARD_NUM_LOCK_ON }, { 0x46, KEYBOARD_SCROLL_LOCK_ON } } };
        return Give(T);
    }
    case IOCTL_KEYBOARD_SET_INDICATORS: {
        auto* New = static_cast<KEYBOARD_INDICATOR_PARAMETERS*>(Buffer);
        if (P.InputBufferLength < sizeof(*New) || New->LedFlags & ~7u)
            return Complete(Irp, STATUS_INVALID_PARAMETER);
        if (!X.Started)
            return Complete(Irp, STATUS_DEVICE_NOT_READY);
        NTSTATUS Status = Send(X, SetLeds, LedBits(New->LedFlags));
        if (NT_SUCCESS(Status))
            X.Leds = *New;
        return Complete(Irp, Status);
    }
    case IOCTL_KEYBOARD_SET_TYPEMATIC: {
        auto* New = static_cast<KEYBOARD_TYPEMATIC_PARAMETERS*>(Buffer);
        if (P.InputBufferLength < sizeof(*New) || New->Rate < 2 || New->Rate > 30 || New->Delay < 250 || New->Delay > 1000)
            return Complete(Irp, STATUS_INVALID_PARAMETER);
        if (!X.Started)
            return Complete(Irp, STATUS_DEVICE_NOT_READY);
        NTSTATUS Status = Send(X, SetRepeat, RepeatByte(*New));
        if (NT_SUCCESS(Status))
            X.Repeat = *New;
        return Complete(Irp, Status);
    }
    default:
        return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST);
    }
}

// --- plug and play

NTSTATUS Start(Extension& X, PIRP Irp)
{
    auto *Data = Resource(Irp, CmResourceTypePort, 0), *Command = Resource(Irp, CmResourceTypePort, 1);
    auto* Line = Resource(Irp, CmResourceTypeInterrupt);
    if (!Data || !Command || !Line)
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    X.Data = ULONG(Data->u.Port.Start.QuadPart);
    X.Command = ULONG(Command->u.Port.Start.QuadPart);
    NTSTATUS Status = InitializeController(X);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = ConnectLine(&X.Interrupt, Isr, &X, *Line);
    if (!NT_SUCCESS(Status))
        return Status;
    X.Started = true;
    return SendByte(X, EnableScan);
}

NTSTATUS NTAPI PlugAndPlay(PDEVICE_OBJECT D, PIRP Irp)
{
    Extension& X = Of(D);
    switch (IoGetCurrentIrpStackLocation(Irp)->MinorFunction) {
    case IRP_MN_START_DEVICE:
        return StartDevice(X.Below, Irp, [&] { return Start(X, Irp); });
    case IRP_MN_QUERY_REMOVE_DEVICE:
    case IRP_MN_QUERY_STOP_DEVICE:
        return Complete(Irp, STATUS_UNSUCCESSFUL);      // a keyboard port is not removed
    default:
        return PassOn(X.Below, Irp);
    }
}

NTSTATUS NTAPI Power(PDEVICE_OBJECT D, PIRP Irp) { return PassOnPower(Of(D).Below, Irp); }

NTSTATUS NTAPI AddDevice(PDRIVER_OBJECT Driver, PDEVICE_OBJECT Pdo)
{
    PDEVICE_OBJECT D;
    NTSTATUS Status = IoCreateDevice(Driver, sizeof(Extension), nullptr, FILE_DEVICE_8042_PORT, 0, FALSE, &D);
    if (!NT_SUCCESS(Status))
        return Status;
    Extension& X = Of(D);
    KeInitializeDpc(&X.Dpc, Deliver, &X);
    KeInitializeEvent(&X.Answered, SynchronizationEvent, FALSE);
    KeInitializeMutex(&X.CommandLock, 0);
    X.Repeat = { 0, 30, 500 };
    return Attach(D, Pdo, X.Below);
}

}

extern "C" NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING)
{
    Driver->DriverExtension->AddDevice = AddDevice;
    Driver->MajorFunction[IRP_MJ_CREATE] = Driver->MajorFunction[IRP_MJ_CLOSE] = Succeed;
    Driver->MajorFunction[IRP_MJ_INTERNAL_DEVICE_CONTROL] = InternalControl;
    Driver->MajorFunction[IRP_MJ_PNP] = PlugAndPlay;
    Driver->MajorFunction[IRP_MJ_POWER] = Power;
    return STATUS_SUCCESS;
}
