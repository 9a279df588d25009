// A small driver: a counter that programs add to, ask for and wait on. It shows device and symbolic link, buffered and direct requests,
// pending requests in a cancel-safe queue, and cleanup when a file is closed.
#include <ntddk.h>
#include "counter.h"

typedef struct _EXTENSION {
    KSPIN_LOCK Lock; // guards Value and the queue
    LONG64 Value;
    LONG Opens;
    LIST_ENTRY Waiters;
    IO_CSQ Queue;
} EXTENSION;

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD CounterUnload;
_Dispatch_type_(IRP_MJ_CREATE) _Dispatch_type_(IRP_MJ_CLOSE) DRIVER_DISPATCH CounterCreateClose;
_Dispatch_type_(IRP_MJ_CLEANUP) DRIVER_DISPATCH CounterCleanup;
_Dispatch_type_(IRP_MJ_DEVICE_CONTROL) DRIVER_DISPATCH CounterControl;
IO_CSQ_INSERT_IRP CounterInsert;
IO_CSQ_REMOVE_IRP CounterRemove;
IO_CSQ_PEEK_NEXT_IRP CounterPeek;
IO_CSQ_ACQUIRE_LOCK CounterAcquire;
IO_CSQ_RELEASE_LOCK CounterRelease;
IO_CSQ_COMPLETE_CANCELED_IRP CounterCanceled;

static EXTENSION *Owner(PIO_CSQ Queue) { return CONTAINING_RECORD(Queue, EXTENSION, Queue); }

static NTSTATUS Complete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

VOID CounterInsert(PIO_CSQ Queue, PIRP Irp) { InsertTailList(&Owner(Queue)->Waiters, &Irp->Tail.Overlay.ListEntry); }

VOID CounterRemove(PIO_CSQ Queue, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Queue);
    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
}

// The next request after Irp that Context asks for: those of a file that is going away, or (without one) those whose bound is reached.
PIRP CounterPeek(PIO_CSQ Queue, PIRP Irp, PVOID Context)
{
    EXTENSION *Self = Owner(Queue);
    PLIST_ENTRY Entry = Irp != NULL ? Irp->Tail.Overlay.ListEntry.Flink : Self->Waiters.Flink;
    for (; Entry != &Self->Waiters; Entry = Entry->Flink) {
        PIRP Next = CONTAINING_RECORD(Entry, IRP, Tail.Overlay.ListEntry);
        if (Context != NULL) {
            if (IoGetCurrentIrpStackLocation(Next)->FileObject == Context) return Next;
        } else if (*(LONG64 *)Next->AssociatedIrp.SystemBuffer <= Self->Value) {
            return Next;
        }
    }
    return NULL;
}

_Use_decl_annotations_ VOID CounterAcquire(PIO_CSQ Queue, PKIRQL Irql) { KeAcquireSpinLock(&Owner(Queue)->Lock, Irql); }
_Use_decl_annotations_ VOID CounterRelease(PIO_CSQ Queue, KIRQL Irql) { KeReleaseSpinLock(&Owner(Queue)->Lock, Irql); }

VOID CounterCanceled(PIO_CSQ Queue, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Queue);
    Complete(Irp, STATUS_CANCELLED, 0);
}

NTSTATUS CounterCreateClose(PDEVICE_OBJECT Device, PIRP Irp)
{
    EXTENSION *Self = Device->DeviceExtension;
    PAGED_CODE();
    if (IoGetCurrentIrpStackLocation(Irp)->MajorFunction == IRP_MJ_CREATE) InterlockedIncrement(&Self->Opens);
    return Complete(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS CounterCleanup(PDEVICE_OBJECT Device, PIRP Irp)
{
    EXTENSION *Self = Device->DeviceExtension;
    PFILE_OBJECT File = IoGetCurrentIrpStackLocation(Irp)->FileObject;
    PIRP Pending;
    while ((Pending = IoCsqRemoveNextIrp(&Self->Queue, File)) != NULL) Complete(Pending, STATUS_CANCELLED, 0);
    return Complete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS Add(EXTENSION *Self, PIRP Irp, PIO_STACK_LOCATION Stack)
{
    LONG64 *Number = Irp->AssociatedIrp.SystemBuffer;
    PIRP Ready;
    KIRQL Irql;

    if (Stack->Parameters.DeviceIoControl.InputBufferLength < sizeof(*Number) ||
        Stack->Parameters.DeviceIoControl.OutputBufferLength < sizeof(*Number))
        return Complete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
    KeAcquireSpinLock(&Self->Lock, &Irql);
    Self->Value += *Number;
    *Number = Self->Value;
    KeReleaseSpinLock(&Self->Lock, Irql);
    while ((Ready = IoCsqRemoveNextIrp(&Self->Queue, NULL)) != NULL) Complete(Ready, STATUS_SUCCESS, 0);
    return Complete(Irp, STATUS_SUCCESS, sizeof(*Number));
}

static NTSTATUS Query(EXTENSION *Self, PIRP Irp, PIO_STACK_LOCATION Stack)
{
    COUNTER_STATE *State = Irp->AssociatedIrp.SystemBuffer;
    PLIST_ENTRY Entry;
    KIRQL Irql;

    if (Stack->Parameters.DeviceIoControl.OutputBufferLength < sizeof(*State)) return Complete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
    RtlZeroMemory(State, sizeof(*State));
    KeAcquireSpinLock(&Self->Lock, &Irql);
    State->Value = Self->Value;
    State->Opens = (ULONG)Self->Opens;
    for (Entry = Self->Waiters.Flink; Entry != &Self->Waiters; Entry = Entry->Flink) State->Waiting++;
    KeReleaseSpinLock(&Self->Lock, Irql);
    return Complete(Irp, STATUS_SUCCESS, sizeof(*State));
}

static NTSTATUS Wait(EXTENSION *Self, PIRP Irp, PIO_STACK_LOCATION Stack)
{
    PIRP Ready;
    if (Stack->Parameters.DeviceIoControl.InputBufferLength < sizeof(LONG64)) return Complete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
    IoCsqInsertIrp(&Self->Queue, Irp, NULL); // marks it pending; from here on it may be complete already
    while ((Ready = IoCsqRemoveNextIrp(&Self->Queue, NULL)) != NULL) Complete(Ready, STATUS_SUCCESS, 0);
    return STATUS_PENDING;
}

static NTSTATUS Shout(PIRP Irp, PIO_STACK_LOCATION Stack)
{
    ULONG Length = Stack->Parameters.DeviceIoControl.InputBufferLength;
    const CHAR *In = Irp->AssociatedIrp.SystemBuffer;
    CHAR *Out;

    if (Length > Stack->Parameters.DeviceIoControl.OutputBufferLength) return Complete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
    if (Length == 0) return Complete(Irp, STATUS_SUCCESS, 0);
    Out = MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority | MdlMappingNoExecute);
    if (Out == NULL) return Complete(Irp, STATUS_INSUFFICIENT_RESOURCES, 0);
    for (ULONG Index = 0; Index != Length; Index++) Out[Index] = RtlUpperChar(In[Index]);
    return Complete(Irp, STATUS_SUCCESS, Length);
}

NTSTATUS CounterControl(PDEVICE_OBJECT Device, PIRP Irp)
{
    EXTENSION *Self = Device->DeviceExtension;
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);

    switch (Stack->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_COUNTER_ADD: return Add(Self, Irp, Stack);
    case IOCTL_COUNTER_QUERY: return Query(Self, Irp, Stack);
    case IOCTL_COUNTER_WAIT: return Wait(Self, Irp, Stack);
    case IOCTL_COUNTER_SHOUT: return Shout(Irp, Stack);
    default: return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
}

VOID CounterUnload(PDRIVER_OBJECT Driver)
{
    UNICODE_STRING Link = RTL_CONSTANT_STRING(COUNTER_LINK);
    PAGED_CODE();
    IoDeleteSymbolicLink(&Link);
    IoDeleteDevice(Driver->DeviceObject);
}

_Use_decl_annotations_ NTSTATUS DriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(COUNTER_DEVICE);
    UNICODE_STRING Link = RTL_CONSTANT_STRING(COUNTER_LINK);
    PDEVICE_OBJECT Device;
    EXTENSION *Self;
    NTSTATUS Status;

    UNREFERENCED_PARAMETER(RegistryPath);
    Status = IoCreateDevice(Driver, sizeof(EXTENSION), &Name, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN, FALSE, &Device);
    if (!NT_SUCCESS(Status)) return Status;
    Self = Device->DeviceExtension;
    KeInitializeSpinLock(&Self->Lock);
    InitializeListHead(&Self->Waiters);
    Status = IoCsqInitialize(&Self->Queue, CounterInsert, CounterRemove, CounterPeek, CounterAcquire, CounterRelease, CounterCanceled);
    if (NT_SUCCESS(Status)) Status = IoCreateSymbolicLink(&Link, &Name);
    if (!NT_SUCCESS(Status)) {
        IoDeleteDevice(Device);
        return Status;
    }
    Driver->MajorFunction[IRP_MJ_CREATE] = CounterCreateClose;
    Driver->MajorFunction[IRP_MJ_CLOSE] = CounterCreateClose;
    Driver->MajorFunction[IRP_MJ_CLEANUP] = CounterCleanup;
    Driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = CounterControl;
    Driver->DriverUnload = CounterUnload;
    DbgPrint("counter: ready\n");
    return STATUS_SUCCESS;
}
