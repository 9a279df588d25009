// Requests a driver makes: building them, sending them on.
#include "wdm/ntoskrnl/host.hpp"

namespace host {

// Requests the I/O manager waits for whatever the file was opened for.
ULONG FlagsOf(const wd::Message& M)
{
    switch (M.Major) {
    case IRP_MJ_CREATE: return IRP_CREATE_OPERATION | IRP_SYNCHRONOUS_API;
    case IRP_MJ_CLOSE:
    case IRP_MJ_CLEANUP: return IRP_CLOSE_OPERATION | IRP_SYNCHRONOUS_API;
    case IRP_MJ_QUERY_INFORMATION:
    case IRP_MJ_SET_INFORMATION:
    case IRP_MJ_QUERY_VOLUME_INFORMATION:
    case IRP_MJ_SET_VOLUME_INFORMATION:
    case IRP_MJ_QUERY_EA:
    case IRP_MJ_SET_EA:
    case IRP_MJ_FLUSH_BUFFERS:
    case IRP_MJ_SHUTDOWN: return IRP_SYNCHRONOUS_API;
    default: return 0;
    }
}

}

using namespace host;

extern "C" {

static PIRP Build(DEVICE_OBJECT* D, PIO_STATUS_BLOCK Iosb, PKEVENT Event)
{
    PIRP I = IoAllocateIrp(D->StackSize, FALSE);
    if (!I)
        return nullptr;
    I->UserIosb = Iosb;
    I->UserEvent = Event;
    I->Tail.Overlay.Thread = reinterpret_cast<PETHREAD>(Current());
    return I;
}
PIRP NTAPI IoBuildAsynchronousFsdRequest(ULONG Major, PDEVICE_OBJECT D, PVOID Buffer, ULONG Length, PLARGE_INTEGER Offset, PIO_STATUS_BLOCK Iosb)
{
    PIRP I = Build(D, Iosb, nullptr);
    if (!I)
        return nullptr;
    IO_STACK_LOCATION* S = IoGetNextIrpStackLocation(I);
    S->MajorFunction = UCHAR(Major);
    if (Major == IRP_MJ_READ || Major == IRP_MJ_WRITE) {
        I->UserBuffer = Buffer;
        if (D->Flags & DO_BUFFERED_IO) {
            I->AssociatedIrp.SystemBuffer = Allocate(Length ? Length : 1);
            if (!I->AssociatedIrp.SystemBuffer) {
                FreeIrp(I);
                return nullptr;
            }
            if (Major == IRP_MJ_WRITE)
                memcpy(I->AssociatedIrp.SystemBuffer, Buffer, Length);
            I->Flags |= IRP_BUFFERED_IO | IRP_DEALLOCATE_BUFFER | (Major == IRP_MJ_READ ? IRP_INPUT_OPERATION : 0);
        } else if (D->Flags & DO_DIRECT_IO && Length) {
            if (!IoAllocateMdl(Buffer, Length, FALSE, FALSE, I)) {
                FreeIrp(I);
                return nullptr;
            }
            MmProbeAndLockPages(I->MdlAddress, KernelMode, Major == IRP_MJ_READ ? IoWriteAccess : IoReadAccess);
        }
        S->Parameters.Read.Length = Length;
        if (Offset)
            S->Parameters.Read.ByteOffset = *Offset;
    }
    return I;
}
PIRP NTAPI IoBuildSynchronousFsdRequest(ULONG Major, PDEVICE_OBJECT D, PVOID Buffer, ULONG Length, PLARGE_INTEGER Offset, PKEVENT Event, PIO_STATUS_BLOCK Iosb)
{
    PIRP I = IoBuildAsynchronousFsdRequest(Major, D, Buffer, Length, Offset, Iosb);
    if (I)
        I->UserEvent = Event;
    return I;
}
PIRP NTAPI IoBuildDeviceIoControlRequest(ULONG Code, PDEVICE_OBJECT D, PVOID Input, ULONG InputLength, PVOID Output, ULONG OutputLength, BOOLEAN Internal, PKEVENT Event,
                                         PIO_STATUS_BLOCK Iosb)
{
    PIRP I = Build(D, Iosb, Event);
    if (!I)
        return nullptr;
    IO_STACK_LOCATION* S = IoGetNextIrpStackLocation(I);
    S->MajorFunction = Internal ? IRP_MJ_INTERNAL_DEVICE_CONTROL : IRP_MJ_DEVICE_CONTROL;
    S->Parameters.DeviceIoControl.IoControlCode = Code;
    S->Parameters.DeviceIoControl.InputBufferLength = InputLength;
    S->Parameters.DeviceIoControl.OutputBufferLength = OutputLength;
    I->UserBuffer = Output;
    ULONG Method = Code & 3;
    if (Method == METHOD_NEITHER) {
        S->Parameters.DeviceIoControl.Type3InputBuffer = Input;
        return I;
    }
    ULONG Room = Method == METHOD_BUFFERED && OutputLength > InputLength ? OutputLength : InputLength;
    if (Room) {
        I->AssociatedIrp.SystemBuffer = Allocate(Room);
        if (!I->AssociatedIrp.SystemBuffer) {
            FreeIrp(I);
            return nullptr;
        }
        if (Input)
            memcpy(I->AssociatedIrp.SystemBuffer, Input, InputLength);
        I->Flags |= IRP_BUFFERED_IO | IRP_DEALLOCATE_BUFFER;
    }
    if (Method == METHOD_BUFFERED) {
        if (Output)
            I->Flags |= IRP_INPUT_OPERATION;
    } else if (Output && OutputLength) {
        if (!IoAllocateMdl(Output, OutputLength, FALSE, FALSE, I)) {
            Free(I->AssociatedIrp.SystemBuffer);
            FreeIrp(I);
            return nullptr;
        }
        MmProbeAndLockPages(I->MdlAddress, KernelMode, Method == METHOD_IN_DIRECT ? IoReadAccess : IoWriteAccess);
    }
    return I;
}
BOOLEAN NTAPI IoForwardIrpSynchronously(PDEVICE_OBJECT D, PIRP I)
{
    if (I->CurrentLocation <= 1)
        return FALSE;
    KEVENT Event;
    KeInitializeEvent(&Event, SynchronizationEvent, FALSE);
    IoCopyCurrentIrpStackLocationToNext(I);
    IoSetCompletionRoutine(I, [](PDEVICE_OBJECT, PIRP Done, PVOID Context) -> NTSTATUS {
        if (Done->PendingReturned)
            KeSetEvent(static_cast<PKEVENT>(Context), 0, FALSE);
        return STATUS_MORE_PROCESSING_REQUIRED;
    }, &Event, TRUE, TRUE, TRUE);
    if (IofCallDriver(D, I) == STATUS_PENDING)
        KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, nullptr);
    return TRUE;
}

NTSTATUS NTAPI IoSetCompletionRoutineEx(PDEVICE_OBJECT, PIRP I, PIO_COMPLETION_ROUTINE Routine, PVOID Context, BOOLEAN Success, BOOLEAN Error, BOOLEAN Cancel)
{
    IoSetCompletionRoutine(I, Routine, Context, Success, Error, Cancel);
    return STATUS_SUCCESS;
}

PIRP NTAPI IoGetTopLevelIrp() { return Current()->TopLevelIrp; }
void NTAPI IoSetTopLevelIrp(PIRP I) { Current()->TopLevelIrp = I; }

}
