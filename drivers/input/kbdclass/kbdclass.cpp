// \Device\KeyboardClassN: what reads keyboards. It lies on a port driver's device (i8042prt's), which calls Service with what was typed; reads complete with
// arrays of KEYBOARD_INPUT_DATA. What nobody reads is kept, up to the length of the queue; after that it is lost, as on Windows.
#include "drivers/common/driver.hpp"

#include <kbdmou.h>
#include <ntddkbd.h>

namespace {

using namespace driver;

constexpr ULONG QueueEntries = 100;     // KeyboardDataQueueSize's default
LONG Keyboards;

struct Extension {
    PDEVICE_OBJECT Below;
    USHORT Unit;
    bool Started;
    KSPIN_LOCK Lock;
    IO_CSQ Csq;
    LIST_ENTRY Reads;
    KEYBOARD_INPUT_DATA Queue[QueueEntries];
    ULONG At, Count;
};

Extension& Of(PDEVICE_OBJECT D) { return *static_cast<Extension*>(D->DeviceExtension); }
Extension& Of(PIO_CSQ C) { return *CONTAINING_RECORD(C, Extension, Csq); }

void NTAPI Insert(PIO_CSQ C, PIRP I) { InsertTailList(&Of(C).Reads, &I->Tail.Overlay.ListEntry); }
PIRP NTAPI Peek(PIO_CSQ C, PIRP After, PVOID File) { return PeekQueued(Of(C).Reads, After, File); }
void NTAPI Acquire(PIO_CSQ C, PKIRQL Irql) { KeAcquireSpinLock(&Of(C).Lock, Irql); }
void NTAPI Release(PIO_CSQ C, KIRQL Irql) { KeReleaseSpinLock(&Of(C).Lock, Irql); }
void NTAPI Cancelled(PIO_CSQ, PIRP I) { Complete(I, STATUS_CANCELLED); }

// Gives reads what there is.
void Serve(Extension& X)
{
    for (;;) {
        KIRQL Old;
        KeAcquireSpinLock(&X.Lock, &Old);
        bool Any = X.Count != 0;
        KeReleaseSpinLock(&X.Lock, Old);
        PIRP I = Any ? IoCsqRemoveNextIrp(&X.Csq, nullptr) : nullptr;
        if (!I)
            return;
        auto* To = static_cast<KEYBOARD_INPUT_DATA*>(I->AssociatedIrp.SystemBuffer);
        ULONG Room = IoGetCurrentIrpStackLocation(I)->Parameters.Read.Length / sizeof(*To), N = 0;
        KeAcquireSpinLock(&X.Lock, &Old);
        for (; N < Room && X.Count; --X.Count) {
            To[N++] = X.Queue[X.At];
            X.At = (X.At + 1) % QueueEntries;
        }
        KeReleaseSpinLock(&X.Lock, Old);
        if (!N) {
            IoCsqInsertIrp(&X.Csq, I, nullptr);         // somebody else was faster
            continue;
        }
        Complete(I, STATUS_SUCCESS, N * sizeof(*To), IO_KEYBOARD_INCREMENT);
    }
}

// From the port driver's DPC: the data from Start to End.
void NTAPI Service(PVOID Device, PVOID Start, PVOID End, PVOID Consumed)
{
    Extension& X = Of(static_cast<PDEVICE_OBJECT>(Device));
    auto *From = static_cast<KEYBOARD_INPUT_DATA*>(Start), *Last = static_cast<KEYBOARD_INPUT_DATA*>(End);
    KIRQL Old;
    KeAcquireSpinLock(&X.Lock, &Old);
    *static_cast<ULONG*>(Consumed) = ULONG(Last - From);
    for (; From < Last && X.Count < QueueEntries; ++From) {
        auto& E = X.Queue[(X.At + X.Count++) % QueueEntries];
        E = *From;
        E.UnitId = X.Unit;
    }
    KeReleaseSpinLock(&X.Lock, Old);
    Serve(X);
}

NTSTATUS Connect(PDEVICE_OBJECT D)
{
    Extension& X = Of(D);
    CONNECT_DATA Data { D, reinterpret_cast<PVOID>(Service) };
    KEVENT Event;
    IO_STATUS_BLOCK Io {};
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    PIRP I = IoBuildDeviceIoControlRequest(IOCTL_INTERNAL_KEYBOARD_CONNECT, X.Below, &Data, sizeof(Data), nullptr, 0, TRUE, &Event, &Io);
    if (!I)
        return STATUS_INSUFFICIENT_RESOURCES;
    NTSTATUS Status = IofCallDriver(X.Below, I);
    if (Status == STATUS_PENDING) {
        KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, nullptr);
        Status = Io.Status;
    }
    return Status;
}

NTSTATUS NTAPI Read(PDEVICE_OBJECT D, PIRP Irp)
{
    Extension& X = Of(D);
    ULONG Length = IoGetCurrentIrpStackLocation(Irp)->Parameters.Read.Length;
    if (!Length)
        return Complete(Irp, STATUS_SUCCESS);
    if (Length % sizeof(KEYBOARD_INPUT_DATA))
        return Complete(Irp, STATUS_BUFFER_TOO_SMALL);
    if (!X.Started)
        return Complete(Irp, STATUS_DEVICE_NOT_READY);
    IoCsqInsertIrp(&X.Csq, Irp, nullptr);
    Serve(X);
    return STATUS_PENDING;
}

NTSTATUS NTAPI DeviceControl(PDEVICE_OBJECT D, PIRP Irp)
{
    Extension& X = Of(D);
    IO_STACK_LOCATION* S = IoGetCurrentIrpStackLocation(Irp);
    auto& P = S->Parameters.DeviceIoControl;
    switch (P.IoControlCode) {
    case IOCTL_KEYBOARD_SET_INDICATORS:
    case IOCTL_KEYBOARD_SET_TYPEMATIC:
        // Both structures begin with the unit.
        if (P.InputBufferLength < sizeof(KEYBOARD_UNIT_ID_PARAMETER))
            return Complete(Irp, STATUS_BUFFER_TOO_SMALL);
        if (static_cast<KEYBOARD_UNIT_ID_PARAMETER*>(Irp->AssociatedIrp.SystemBuffer)->UnitId != X.Unit)
            return Complete(Irp, STATUS_INVALID_PARAMETER);
        [[fallthrough]];
    case IOCTL_KEYBOARD_QUERY_ATTRIBUTES:
    case IOCTL_KEYBOARD_QUERY_INDICATORS:
    case IOCTL_KEYBOARD_QUERY_INDICATOR_TRANSLATION:
    case IOCTL_KEYBOARD_QUERY_TYPEMATIC:
        // The port driver knows; to it these are internal.
        IoCopyCurrentIrpStackLocationToNext(Irp);
        IoGetNextIrpStackLocation(Irp)->MajorFunction = IRP_MJ_INTERNAL_DEVICE_CONTROL;
        return IofCallDriver(X.Below, Irp);
    default:
        return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST);
    }
}

NTSTATUS NTAPI Cleanup(PDEVICE_OBJECT D, PIRP Irp)
{
    Extension& X = Of(D);
    while (PIRP I = IoCsqRemoveNextIrp(&X.Csq, IoGetCurrentIrpStackLocation(Irp)->FileObject))
        Complete(I, STATUS_CANCELLED);
    return Complete(Irp, STATUS_SUCCESS);
}

NTSTATUS NTAPI Flush(PDEVICE_OBJECT D, PIRP Irp)
{
    Extension& X = Of(D);
    KIRQL Old;
    KeAcquireSpinLock(&X.Lock, &Old);
    X.Count = 0;
    KeReleaseSpinLock(&X.Lock, Old);
    return Complete(Irp, STATUS_SUCCESS);
}

NTSTATUS NTAPI PlugAndPlay(PDEVICE_OBJECT D, PIRP Irp)
{
    Extension& X = Of(D);
    switch (IoGetCurrentIrpStackLocation(Irp)->MinorFunction) {
    case IRP_MN_START_DEVICE:
        return StartDevice(X.Below, Irp, [&] {
            NTSTATUS Status = Connect(D);
            X.Started = NT_SUCCESS(Status);
            return Status;
        });
    case IRP_MN_REMOVE_DEVICE:
        X.Started = false;
        while (PIRP I = IoCsqRemoveNextIrp(&X.Csq, nullptr))
            Complete(I, STATUS_CANCELLED);
        return RemoveDevice(D, X.Below, Irp);
    default:
        return PassOn(X.Below, Irp);
    }
}

NTSTATUS NTAPI Power(PDEVICE_OBJECT D, PIRP Irp) { return PassOnPower(Of(D).Below, Irp); }
NTSTATUS NTAPI InternalControl(PDEVICE_OBJECT D, PIRP Irp) { return PassOn(Of(D).Below, Irp); }

NTSTATUS NTAPI AddDevice(PDRIVER_OBJECT Driver, PDEVICE_OBJECT Pdo)
{
    LONG Number = InterlockedIncrement(&Keyboards) - 1;
    WCHAR Text[] = DD_KEYBOARD_DEVICE_NAME_U L"0";
    Text[ARRAYSIZE(Text) - 2] = WCHAR(L'0' + Number % 10);
    UNICODE_STRING Name;
    RtlInitUnicodeString(&Name, Text);
    PDEVICE_OBJECT D;
    NTSTATUS Status = IoCreateDevice(Driver, sizeof(Extension), &Name, FILE_DEVICE_KEYBOARD, FILE_DEVICE_SECURE_OPEN, FALSE, &D);
    if (!NT_SUCCESS(Status))
        return Status;
    Extension& X = Of(D);
    X.Unit = USHORT(Number);
    KeInitializeSpinLock(&X.Lock);
    InitializeListHead(&X.Reads);
    IoCsqInitialize(&X.Csq, Insert, RemoveQueued, Peek, Acquire, Release, Cancelled);
    return Attach(D, Pdo, X.Below);
}

}

extern "C" NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING)
{
    Driver->DriverExtension->AddDevice = AddDevice;
    Driver->MajorFunction[IRP_MJ_CREATE] = Driver->MajorFunction[IRP_MJ_CLOSE] = Succeed;
    Driver->MajorFunction[IRP_MJ_CLEANUP] = Cleanup;
    Driver->MajorFunction[IRP_MJ_FLUSH_BUFFERS] = Flush;
    Driver->MajorFunction[IRP_MJ_READ] = Read;
    Driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = DeviceControl;
    Driver->MajorFunction[IRP_MJ_INTERNAL_DEVICE_CONTROL] = InternalControl;
    Driver->MajorFunction[IRP_MJ_PNP] = PlugAndPlay;
    Driver->MajorFunction[IRP_MJ_POWER] = Power;
    return STATUS_SUCCESS;
}
