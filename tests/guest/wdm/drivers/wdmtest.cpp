// A driver that does what its tests ask for: requests of every kind, waiting, pending, cancelling, and mistakes.
#include "wdm/ntoskrnl/ddk.hpp"

#include "tests/guest/wdm/drivers/wdmtest.hpp"

#undef KeGetCurrentIrql
using namespace wdmtest;

namespace {

CounterValues Count;
KSPIN_LOCK Lock;
LIST_ENTRY Pending;

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
    KIRQL Old;
    KeAcquireSpinLock(&Lock, &Old);
    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
    ++Count.Cancelled;
    --Count.Pending;
    KeReleaseSpinLock(&Lock, Old);
    Complete(Irp, STATUS_CANCELLED);
}

NTSTATUS Queue(PIRP Irp)
{
    KIRQL Old;
    KeAcquireSpinLock(&Lock, &Old);
    IoSetCancelRoutine(Irp, Cancel);
    if (Irp->Cancel && IoSetCancelRoutine(Irp, nullptr)) {
        KeReleaseSpinLock(&Lock, Old);
        return Complete(Irp, STATUS_CANCELLED);
    }
    IoMarkIrpPending(Irp);
    InsertTailList(&Pending, &Irp->Tail.Overlay.ListEntry);
    ++Count.Pending;
    KeReleaseSpinLock(&Lock, Old);
    return STATUS_PENDING;
}

unsigned Release()
{
    unsigned Done = 0;
    for (;;) {
        KIRQL Old;
        KeAcquireSpinLock(&Lock, &Old);
        PIRP Irp = nullptr;
        for (LIST_ENTRY* E = Pending.Flink; E != &Pending; E = E->Flink) {
            PIRP At = CONTAINING_RECORD(E, IRP, Tail.Overlay.ListEntry);
            if (IoSetCancelRoutine(At, nullptr)) {
                Irp = At;
                RemoveEntryList(E);
                --Count.Pending;
                break;
            }
        }
        KeReleaseSpinLock(&Lock, Old);
        if (!Irp)
            return Done;
        ++Done;
        Complete(Irp, STATUS_SUCCESS, 0);
    }
}

struct Later {
    KTIMER Timer;
    KDPC Dpc;
    PIRP Irp;
    PIO_WORKITEM Item;
    KIRQL Irql;
};

void NTAPI TimerFires(PKDPC, PVOID Context, PVOID, PVOID)
{
    auto* L = static_cast<Later*>(Context);
    PIRP Irp = L->Irp;
    *static_cast<ULONG*>(Irp->AssociatedIrp.SystemBuffer) = KeGetCurrentIrql();
    ExFreePoolWithTag(L, 'tset');
    Complete(Irp, STATUS_SUCCESS, sizeof(ULONG));
}

void NTAPI Work(PDEVICE_OBJECT, PVOID Context)
{
    auto* L = static_cast<Later*>(Context);
    PIRP Irp = L->Irp;
    *static_cast<ULONG*>(Irp->AssociatedIrp.SystemBuffer) = KeGetCurrentIrql();
    IoFreeWorkItem(L->Item);
    ExFreePoolWithTag(L, 'tset');
    Complete(Irp, STATUS_SUCCESS, sizeof(ULONG));
}

KEVENT ThreadGo;
void NTAPI ThreadMain(PVOID Context)
{
    KeWaitForSingleObject(&ThreadGo, Executive, KernelMode, FALSE, nullptr);
    ++Count.Threads;
    *static_cast<ULONG*>(Context) = 77;
    PsTerminateSystemThread(STATUS_SUCCESS);
}

// Mistakes.
IO_REMOVE_LOCK Removal;
KSPIN_LOCK Other;
Later Left;
WORK_QUEUE_ITEM LeftWork;
void NTAPI NeverFires(PKDPC, PVOID, PVOID, PVOID) { }
void NTAPI WaitsForever(PVOID) { KeWaitForSingleObject(&ThreadGo, Executive, KernelMode, FALSE, nullptr); }

NTSTATUS RunThread(ULONG* Out)
{
    HANDLE Handle;
    PVOID Object;
    KeInitializeEvent(&ThreadGo, SynchronizationEvent, FALSE);
    NTSTATUS Status = PsCreateSystemThread(&Handle, THREAD_ALL_ACCESS, nullptr, nullptr, nullptr, ThreadMain, Out);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = ObReferenceObjectByHandle(Handle, SYNCHRONIZE, *reinterpret_cast<POBJECT_TYPE*>(&PsThreadType), KernelMode, &Object, nullptr);
    ZwClose(Handle);
    if (!NT_SUCCESS(Status))
        return Status;
    KeSetEvent(&ThreadGo, 0, FALSE);
    Status = KeWaitForSingleObject(Object, Executive, KernelMode, FALSE, nullptr);
    ObDereferenceObject(Object);
    return Status;
}

// A request to this driver's own device, made and waited for here.
NTSTATUS Ask(PDEVICE_OBJECT Device, ULONG* Out)
{
    KEVENT Event;
    IO_STATUS_BLOCK Iosb;
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    unsigned char Text[4] = { 1, 2, 3, 4 };
    PIRP Irp = IoBuildDeviceIoControlRequest(Reverse, Device, Text, 4, Text, 4, FALSE, &Event, &Iosb);
    if (!Irp)
        return STATUS_INSUFFICIENT_RESOURCES;
    NTSTATUS Status = IoCallDriver(Device, Irp);
    if (Status == STATUS_PENDING) {
        KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, nullptr);
        Status = Iosb.Status;
    }
    *Out = *reinterpret_cast<ULONG*>(Text);
    return Status;
}

LONG Filter(ULONG Code) { return Code == ULONG(STATUS_ACCESS_VIOLATION) ? EXCEPTION_EXECUTE_HANDLER : EXCEPTION_CONTINUE_SEARCH; }
ULONG TryIt()
{
    ULONG Result = 0;
    __try {
        *reinterpret_cast<volatile int*>(16) = 1;
        Result = 1;
    } __except (Filter(GetExceptionCode())) {
        Result = 2;
    }
    __try {
        ProbeForRead(reinterpret_cast<void*>(0xFFFF800000000000), 4, 1);
        Result |= 0x100;
    } __except (Filter(GetExceptionCode())) {
        Result |= 0x200;
    }
    return Result;
}

NTSTATUS ReadRegistry(PIRP Irp, ULONG Room)
{
    OBJECT_ATTRIBUTES Attributes;
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\Registry\\Machine\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion"), Value = RTL_CONSTANT_STRING(L"CurrentBuild");
    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, nullptr, nullptr);
    HANDLE Key;
    NTSTATUS Status = ZwOpenKey(&Key, KEY_READ, &Attributes);
    if (!NT_SUCCESS(Status))
        return Complete(Irp, Status);
    ULONG Length = 0;
    Status = ZwQueryValueKey(Key, &Value, KeyValuePartialInformation, Irp->AssociatedIrp.SystemBuffer, Room, &Length);
    ZwClose(Key);
    return Complete(Irp, Status, Length);
}

NTSTATUS ReadFile(PIRP Irp, ULONG Room)
{
    OBJECT_ATTRIBUTES Attributes;
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\SystemRoot\\System32\\config\\registry.txt");
    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, nullptr, nullptr);
    HANDLE Handle;
    IO_STATUS_BLOCK Iosb;
    NTSTATUS Status = ZwOpenFile(&Handle, FILE_GENERIC_READ, &Attributes, &Iosb, FILE_SHARE_READ, FILE_SYNCHRONOUS_IO_NONALERT);
    if (!NT_SUCCESS(Status))
        return Complete(Irp, Status);
    Status = ZwReadFile(Handle, nullptr, nullptr, nullptr, &Iosb, Irp->AssociatedIrp.SystemBuffer, Room, nullptr, nullptr);
    ZwClose(Handle);
    return Complete(Irp, Status, Iosb.Information);
}

NTSTATUS NTAPI Control(PDEVICE_OBJECT Device, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG In = Stack->Parameters.DeviceIoControl.InputBufferLength, Out = Stack->Parameters.DeviceIoControl.OutputBufferLength;
    auto* Buffer = static_cast<unsigned char*>(Irp->AssociatedIrp.SystemBuffer);
    switch (Stack->Parameters.DeviceIoControl.IoControlCode) {
    case Nothing:
    case NeedsWrite:
        return Complete(Irp, STATUS_SUCCESS);
    case Reverse:
        if (Out < In)
            return Complete(Irp, STATUS_BUFFER_TOO_SMALL);
        for (ULONG I = 0; I < In / 2; ++I) {
            unsigned char T = Buffer[I];
            Buffer[I] = Buffer[In - 1 - I];
            Buffer[In - 1 - I] = T;
        }
        return Complete(Irp, STATUS_SUCCESS, In);
    case ReverseOut: {                  // METHOD_OUT_DIRECT: input buffered, output by MDL
        if (Out < In || !Irp->MdlAddress)
            return Complete(Irp, STATUS_BUFFER_TOO_SMALL);
        auto* To = static_cast<unsigned char*>(MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority));
        if (!To || MmGetMdlByteCount(Irp->MdlAddress) != Out)
            return Complete(Irp, STATUS_INSUFFICIENT_RESOURCES);
        for (ULONG I = 0; I < In; ++I)
            To[I] = Buffer[In - 1 - I];
        return Complete(Irp, STATUS_SUCCESS, In);
    }
    case SumIn: {                       // METHOD_IN_DIRECT: both are read, the sum goes to Information
        auto* More = Irp->MdlAddress ? static_cast<unsigned char*>(MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority)) : nullptr;
        ULONG_PTR Sum = 0;
        for (ULONG I = 0; I < In; ++I)
            Sum += Buffer[I];
        for (ULONG I = 0; More && I < Out; ++I)
            Sum += More[I];
        return Complete(Irp, STATUS_SUCCESS, Sum);
    }
    case Neither: {
        auto* From = static_cast<unsigned char*>(Stack->Parameters.DeviceIoControl.Type3InputBuffer);
        auto* To = static_cast<unsigned char*>(Irp->UserBuffer);
        if (Out < In)
            return Complete(Irp, STATUS_BUFFER_TOO_SMALL);
        NTSTATUS Status = STATUS_SUCCESS;
        __try {
            ProbeForRead(From, In, 1);
            ProbeForWrite(To, Out, 1);
            for (ULONG I = 0; I < In; ++I)
                To[I] = static_cast<unsigned char>(From[I] + 1);
        } __except (EXCEPTION_EXECUTE_HANDLER) {
            Status = GetExceptionCode();
        }
        return Complete(Irp, Status, In);
    }
    case Pend:
    case PendQueued:
        return Queue(Irp);
    case ReleasePended:
        return Complete(Irp, STATUS_SUCCESS, Release());
    case Sleep: {                       // a dispatch routine that waits: milliseconds
        LARGE_INTEGER Time;
        if (In < 4)
            return Complete(Irp, STATUS_INVALID_PARAMETER);
        Time.QuadPart = -10000ll * *reinterpret_cast<ULONG*>(Buffer);
        KeDelayExecutionThread(KernelMode, FALSE, &Time);
        return Complete(Irp, STATUS_SUCCESS);
    }
    case Crash:
        *reinterpret_cast<volatile int*>(8) = 1;
        return Complete(Irp, STATUS_SUCCESS);
    case Overrun: {
        auto* P = static_cast<unsigned char*>(ExAllocatePoolWithTag(NonPagedPool, 24, 'tset'));
        for (int I = 0; I < 28; ++I)
            P[I] = 0x55;
        ExFreePoolWithTag(P, 'tset');
        return Complete(Irp, STATUS_SUCCESS);
    }
    case CompleteTwice:
        Complete(Irp, STATUS_SUCCESS);
        return Complete(Irp, STATUS_SUCCESS);
    case RaiseAndReturn: {
        KIRQL Old;
        KeRaiseIrql(DISPATCH_LEVEL, &Old);
        return Complete(Irp, STATUS_SUCCESS);
    }
    case Irql: {
        KIRQL Old;
        if (Out < 12)
            return Complete(Irp, STATUS_BUFFER_TOO_SMALL);
        auto* Values = reinterpret_cast<ULONG*>(Buffer);
        Values[0] = KeGetCurrentIrql();
        KeRaiseIrql(DISPATCH_LEVEL, &Old);
        Values[1] = KeGetCurrentIrql();
        KeLowerIrql(Old);
        Values[2] = KeGetCurrentIrql();
        return Complete(Irp, STATUS_SUCCESS, 12);
    }
    case Spin: {
        KIRQL Old;
        KeAcquireSpinLock(&Lock, &Old);
        KeAcquireSpinLock(&Lock, &Old);
        return Complete(Irp, STATUS_SUCCESS);
    }
    case FreeSent: {                    // to this driver's own device, which keeps it
        PIRP Mine = IoAllocateIrp(Device->StackSize, FALSE);
        PIO_STACK_LOCATION Next = IoGetNextIrpStackLocation(Mine);
        Next->MajorFunction = IRP_MJ_DEVICE_CONTROL;
        Next->Parameters.DeviceIoControl.IoControlCode = PendQueued;
        IoCallDriver(Device, Mine);
        IoFreeIrp(Mine);
        return Complete(Irp, STATUS_SUCCESS);
    }
    case FreeForeign:
        IoFreeIrp(Irp);
        return STATUS_SUCCESS;
    case wdmtest::RemoveLock:
        IoInitializeRemoveLock(&Removal, 'tset', 0, 0);
        IoAcquireRemoveLock(&Removal, Irp);
        IoReleaseRemoveLock(&Removal, Irp);
        IoReleaseRemoveLock(&Removal, Irp);
        return Complete(Irp, STATUS_SUCCESS);
    case RemoveTwice:
        IoInitializeRemoveLock(&Removal, 'tset', 0, 0);
        IoAcquireRemoveLock(&Removal, Irp);
        IoReleaseRemoveLockAndWait(&Removal, Irp);
        IoReleaseRemoveLockAndWait(&Removal, Irp);
        return Complete(Irp, STATUS_SUCCESS);
    case ReleaseLow: {
        KIRQL Old;
        KeAcquireSpinLock(&Lock, &Old);
        *reinterpret_cast<volatile KSPIN_LOCK*>(&Other) = 0;
        KeAcquireSpinLockAtDpcLevel(&Other);
        KeReleaseSpinLock(&Other, Old); // while the first is held
        KeReleaseSpinLock(&Lock, Old);
        return Complete(Irp, STATUS_SUCCESS);
    }
    case LowerHeld: {
        KIRQL Old;
        KeAcquireSpinLock(&Lock, &Old);
        KeLowerIrql(Old);
        KeReleaseSpinLock(&Lock, Old);
        return Complete(Irp, STATUS_SUCCESS);
    }
    // What is left behind when the driver unloads.
    case LeaveTimer: {
        LARGE_INTEGER Due;
        Due.QuadPart = -600'000'000'0;
        KeInitializeTimer(&Left.Timer);
        KeInitializeDpc(&Left.Dpc, NeverFires, nullptr);
        KeSetTimer(&Left.Timer, Due, &Left.Dpc);
        return Complete(Irp, STATUS_SUCCESS);
    }
    case LeaveWork:
        KeInitializeEvent(&ThreadGo, SynchronizationEvent, FALSE);
        ExInitializeWorkItem(&LeftWork, WaitsForever, nullptr);
        ExQueueWorkItem(&LeftWork, DelayedWorkQueue);
        return Complete(Irp, STATUS_SUCCESS);
    case LeaveThread: {
        HANDLE Handle;
        KeInitializeEvent(&ThreadGo, SynchronizationEvent, FALSE);
        NTSTATUS Status = PsCreateSystemThread(&Handle, THREAD_ALL_ACCESS, nullptr, nullptr, nullptr, WaitsForever, nullptr);
        if (NT_SUCCESS(Status))
            ZwClose(Handle);
        return Complete(Irp, Status);
    }
    case Counters:
        if (Out < sizeof(Count))
            return Complete(Irp, STATUS_BUFFER_TOO_SMALL);
        *reinterpret_cast<CounterValues*>(Buffer) = Count;
        return Complete(Irp, STATUS_SUCCESS, sizeof(Count));
    case Timer: {
        auto* L = static_cast<Later*>(ExAllocatePoolWithTag(NonPagedPool, sizeof(Later), 'tset'));
        if (!L || Out < sizeof(ULONG))
            return Complete(Irp, STATUS_INSUFFICIENT_RESOURCES);
        L->Irp = Irp;
        KeInitializeTimer(&L->Timer);
        KeInitializeDpc(&L->Dpc, TimerFires, L);
        IoMarkIrpPending(Irp);
        LARGE_INTEGER Due;
        Due.QuadPart = -200000;
        KeSetTimer(&L->Timer, Due, &L->Dpc);
        return STATUS_PENDING;
    }
    case WorkItem: {
        auto* L = static_cast<Later*>(ExAllocatePoolWithTag(NonPagedPool, sizeof(Later), 'tset'));
        if (!L || Out < sizeof(ULONG))
            return Complete(Irp, STATUS_INSUFFICIENT_RESOURCES);
        L->Irp = Irp;
        L->Item = IoAllocateWorkItem(Device);
        IoMarkIrpPending(Irp);
        IoQueueWorkItem(L->Item, Work, DelayedWorkQueue, L);
        return STATUS_PENDING;
    }
    case Seh:
        *reinterpret_cast<ULONG*>(Buffer) = TryIt();
        return Complete(Irp, STATUS_SUCCESS, sizeof(ULONG));
    case Synchronous: {
        NTSTATUS Status = Ask(Device, reinterpret_cast<ULONG*>(Buffer));
        return Complete(Irp, Status, sizeof(ULONG));
    }
    case Thread: {
        NTSTATUS Status = RunThread(reinterpret_cast<ULONG*>(Buffer));
        return Complete(Irp, Status, sizeof(ULONG));
    }
    case wdmtest::SetEvent: {           // a handle of the client's
        PVOID Object;
        NTSTATUS Status = ObReferenceObjectByHandle(*reinterpret_cast<HANDLE*>(Buffer), EVENT_MODIFY_STATE, *reinterpret_cast<POBJECT_TYPE*>(&ExEventObjectType), Irp->RequestorMode, &Object, nullptr);
        if (NT_SUCCESS(Status)) {
            KeSetEvent(static_cast<PKEVENT>(Object), 0, FALSE);
            ObDereferenceObject(Object);
        }
        return Complete(Irp, Status);
    }
    case Remote: {                      // a request of this driver's to a device of another process: the same driver under another key
        UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\Device\\WdmOther");
        PFILE_OBJECT File;
        PDEVICE_OBJECT Other;
        NTSTATUS Status = IoGetDeviceObjectPointer(&Name, FILE_READ_DATA | FILE_WRITE_DATA, &File, &Other);
        if (!NT_SUCCESS(Status))
            return Complete(Irp, Status);
        Status = Ask(Other, reinterpret_cast<ULONG*>(Buffer));
        ObDereferenceObject(File);
        return Complete(Irp, Status, sizeof(ULONG));
    }
    case Registry:
        return ReadRegistry(Irp, Out);
    case File:
        return ReadFile(Irp, Out);
    default:
        return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST);
    }
}

NTSTATUS NTAPI Create(PDEVICE_OBJECT, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    ++Count.Creates;
    UNICODE_STRING Refused = RTL_CONSTANT_STRING(L"\\refused");
    if (RtlEqualUnicodeString(&Stack->FileObject->FileName, &Refused, TRUE))
        return Complete(Irp, STATUS_ACCESS_DENIED);
    return Complete(Irp, STATUS_SUCCESS, FILE_OPENED);
}
NTSTATUS NTAPI Cleanup(PDEVICE_OBJECT, PIRP Irp)
{
    ++Count.Cleanups;
    return Complete(Irp, STATUS_SUCCESS);
}
NTSTATUS NTAPI Close(PDEVICE_OBJECT, PIRP Irp)
{
    ++Count.Closes;
    return Complete(Irp, STATUS_SUCCESS);
}
NTSTATUS NTAPI Read(PDEVICE_OBJECT, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    ++Count.Reads;
    auto* To = static_cast<unsigned char*>(Irp->AssociatedIrp.SystemBuffer);
    for (ULONG I = 0; I < Stack->Parameters.Read.Length; ++I)
        To[I] = static_cast<unsigned char>(Stack->Parameters.Read.ByteOffset.QuadPart + I);
    return Complete(Irp, STATUS_SUCCESS, Stack->Parameters.Read.Length);
}
NTSTATUS NTAPI Write(PDEVICE_OBJECT, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    ++Count.Writes;
    auto* From = static_cast<unsigned char*>(Irp->AssociatedIrp.SystemBuffer);
    for (ULONG I = 0; I < Stack->Parameters.Write.Length; ++I)
        if (From[I] != static_cast<unsigned char>(I * 7))
            return Complete(Irp, STATUS_DATA_ERROR, I);
    return Complete(Irp, STATUS_SUCCESS, Stack->Parameters.Write.Length);
}

void NTAPI Unload(PDRIVER_OBJECT Driver)
{
    UNICODE_STRING Link = RTL_CONSTANT_STRING(L"\\??\\WdmTest");
    IoDeleteSymbolicLink(&Link);
    IoDeleteDevice(Driver->DeviceObject);
}

}

extern "C" NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING Key)
{
    KeInitializeSpinLock(&Lock);
    InitializeListHead(&Pending);
    // Under the key WdmOther it is a second driver, without a link.
    bool Other = Key->Length > 10 && Key->Buffer[Key->Length / 2 - 5] == L'O';
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\Device\\WdmTest"), Link = RTL_CONSTANT_STRING(L"\\??\\WdmTest"), Second = RTL_CONSTANT_STRING(L"\\Device\\WdmOther");
    if (Other)
        Name = Second;
    PDEVICE_OBJECT Device;
    NTSTATUS Status = IoCreateDevice(Driver, 64, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
    if (!NT_SUCCESS(Status))
        return Status;
    Device->Flags |= DO_BUFFERED_IO;
    Status = Other ? STATUS_SUCCESS : IoCreateSymbolicLink(&Link, &Name);
    if (!NT_SUCCESS(Status)) {
        IoDeleteDevice(Device);
        return Status;
    }
    Driver->MajorFunction[IRP_MJ_CREATE] = Create;
    Driver->MajorFunction[IRP_MJ_CLEANUP] = Cleanup;
    Driver->MajorFunction[IRP_MJ_CLOSE] = Close;
    Driver->MajorFunction[IRP_MJ_READ] = Read;
    Driver->MajorFunction[IRP_MJ_WRITE] = Write;
    Driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control;
    Driver->DriverUnload = Unload;
    DbgPrint("wdmtest: ready, version %d\n", 1);
    return STATUS_SUCCESS;
}
