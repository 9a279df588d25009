// \Device\Beep: the PC speaker. Channel 2 of the interval timer (Intel 8254) makes the tone, two bits of port 61h let it out. IOCTL_BEEP_SET completes at once; the tone
// ends after its duration, or with the next request: a frequency and a duration of zero are silence, a duration of all ones goes on.
#include "drivers/common/driver.hpp"

#include <ntddbeep.h>

namespace {

using namespace driver;

constexpr ULONG Clock = 1193182;        // Hz
constexpr UCHAR Channel2 = 0x80 | 0x30 | 0x06;          // both bytes, square wave
constexpr UCHAR Speaker = 3;            // gate of channel 2, and its output to the speaker

struct Extension {
    PDEVICE_OBJECT Below;
    ULONG Count, Command, Control;      // ports
    bool Started;
    KTIMER Timer;
    KDPC Dpc;
    KSPIN_LOCK Lock;
};

void Sound(Extension& X, ULONG Frequency)
{
    UCHAR Was = In8(X.Control);
    Out8(X.Control, UCHAR(Was & ~Speaker));
    if (!Frequency)
        return;
    ULONG Divisor = Clock / Frequency;
    Out8(X.Command, Channel2);
    Out8(X.Count, UCHAR(Divisor));
    Out8(X.Count, UCHAR(Divisor >> 8));
    Out8(X.Control, Was | Speaker);
}

void NTAPI TimeIsUp(PKDPC, PVOID Context, PVOID, PVOID)
{
    auto& X = *static_cast<Extension*>(Context);
    KIRQL Old;
    KeAcquireSpinLock(&X.Lock, &Old);
    Sound(X, 0);
    KeReleaseSpinLock(&X.Lock, Old);
}

NTSTATUS NTAPI Cleanup(PDEVICE_OBJECT D, PIRP Irp)
{
    auto& X = *static_cast<Extension*>(D->DeviceExtension);
    KeCancelTimer(&X.Timer);
    if (X.Started)
        TimeIsUp(nullptr, &X, nullptr, nullptr);
    return Complete(Irp, STATUS_SUCCESS);
}

NTSTATUS NTAPI DeviceControl(PDEVICE_OBJECT D, PIRP Irp)
{
    auto& X = *static_cast<Extension*>(D->DeviceExtension);
    auto& P = IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceIoControl;
    if (P.IoControlCode != IOCTL_BEEP_SET)
        return Complete(Irp, STATUS_NOT_IMPLEMENTED);
    if (P.InputBufferLength < sizeof(BEEP_SET_PARAMETERS))
        return Complete(Irp, STATUS_INVALID_PARAMETER);
    auto Set = *static_cast<BEEP_SET_PARAMETERS*>(Irp->AssociatedIrp.SystemBuffer);
    if (Set.Frequency && (Set.Frequency < BEEP_FREQUENCY_MINIMUM || Set.Frequency > BEEP_FREQUENCY_MAXIMUM))
        return Complete(Irp, STATUS_INVALID_PARAMETER);
    if (!X.Started)
        return Complete(Irp, STATUS_DEVICE_NOT_READY);
    KIRQL Old;
    KeAcquireSpinLock(&X.Lock, &Old);
    KeCancelTimer(&X.Timer);
    Sound(X, Set.Duration ? Set.Frequency : 0);
    if (Set.Frequency && Set.Duration && Set.Duration != ~0u) {
        LARGE_INTEGER Due;
        Due.QuadPart = -LONGLONG(Set.Duration) * 10000;
        KeSetTimer(&X.Timer, Due, &X.Dpc);
    }
    KeReleaseSpinLock(&X.Lock, Old);
    return Complete(Irp, STATUS_SUCCESS);
}

NTSTATUS Start(Extension& X, PIRP Irp)
{
    auto *Timer = Resource(Irp, CmResourceTypePort, 0), *Control = Resource(Irp, CmResourceTypePort, 1);
    if (!Timer || !Control || Timer->u.Port.Length < 2)
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    X.Count = ULONG(Timer->u.Port.Start.QuadPart);
    X.Command = X.Count + 1;
    X.Control = ULONG(Control->u.Port.Start.QuadPart);
    X.Started = true;
    Sound(X, 0);                        // what a process before this one may have left on
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI PlugAndPlay(PDEVICE_OBJECT D, PIRP Irp)
{
    auto& X = *static_cast<Extension*>(D->DeviceExtension);
    switch (IoGetCurrentIrpStackLocation(Irp)->MinorFunction) {
    case IRP_MN_START_DEVICE:
        return StartDevice(X.Below, Irp, [&] { return Start(X, Irp); });
    case IRP_MN_REMOVE_DEVICE:
        X.Started = false;
        KeCancelTimer(&X.Timer);
        return RemoveDevice(D, X.Below, Irp);
    default:
        return PassOn(X.Below, Irp);
    }
}

NTSTATUS NTAPI Power(PDEVICE_OBJECT D, PIRP Irp) { return PassOnPower(static_cast<Extension*>(D->DeviceExtension)->Below, Irp); }

NTSTATUS NTAPI AddDevice(PDRIVER_OBJECT Driver, PDEVICE_OBJECT Pdo)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(DD_BEEP_DEVICE_NAME_U);
    PDEVICE_OBJECT D;
    NTSTATUS Status = IoCreateDevice(Driver, sizeof(Extension), &Name, FILE_DEVICE_BEEP, 0, FALSE, &D);
    if (!NT_SUCCESS(Status))
        return Status;
    auto& X = *static_cast<Extension*>(D->DeviceExtension);
    KeInitializeSpinLock(&X.Lock);
    KeInitializeTimer(&X.Timer);
    KeInitializeDpc(&X.Dpc, TimeIsUp, &X);
    return Attach(D, Pdo, X.Below);
}

void NTAPI Unload(PDRIVER_OBJECT) { }

}

extern "C" NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING)
{
    Driver->DriverExtension->AddDevice = AddDevice;
    Driver->DriverUnload = Unload;
    Driver->MajorFunction[IRP_MJ_CREATE] = Driver->MajorFunction[IRP_MJ_CLOSE] = Succeed;
    Driver->MajorFunction[IRP_MJ_CLEANUP] = Cleanup;
    Driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = DeviceControl;
    Driver->MajorFunction[IRP_MJ_PNP] = PlugAndPlay;
    Driver->MajorFunction[IRP_MJ_POWER] = Power;
    return STATUS_SUCCESS;
}
