// Sending requests and blocks.
#include "class.hpp"

namespace classpnp {

PSCSI_REQUEST_BLOCK NewSrb(PDEVICE_OBJECT D)
{
    COMMON_DEVICE_EXTENSION& C = *Common(D);
    return static_cast<PSCSI_REQUEST_BLOCK>(C.IsSrbLookasideListInitialized ? ExAllocateFromNPagedLookasideList(&C.SrbLookasideList)
                                                                            : ExAllocatePoolWithTag(NonPagedPool, sizeof(SCSI_REQUEST_BLOCK), Tag));
}

// Blocks that drivers have allocated come here, too: both kinds are from the nonpaged pool.
void FreeSrb(PDEVICE_OBJECT D, PSCSI_REQUEST_BLOCK Srb)
{
    COMMON_DEVICE_EXTENSION& C = *Common(D);
    if (C.IsSrbLookasideListInitialized)
        ExFreeToNPagedLookasideList(&C.SrbLookasideList, Srb);
    else
        ExFreePool(Srb);
}

void Wait(ULONG Seconds)
{
    LARGE_INTEGER Time;
    Time.QuadPart = -10'000'000ll * Seconds;
    KeDelayExecutionThread(KernelMode, FALSE, &Time);
}

// What is the library's of a block whose command, time and flags the driver has set.
static void Complete(PDEVICE_OBJECT D, SCSI_REQUEST_BLOCK& Srb, PVOID Data, ULONG Bytes, bool Write)
{
    PFUNCTIONAL_DEVICE_EXTENSION F = Fdo(D);
    Srb.Length = sizeof(SCSI_REQUEST_BLOCK);
    Srb.Function = SRB_FUNCTION_EXECUTE_SCSI;
    Srb.SrbStatus = Srb.ScsiStatus = 0;
    Srb.NextSrb = nullptr;
    Srb.DataBuffer = Data;
    Srb.DataTransferLength = Bytes;
    Srb.SrbFlags |= F->SrbFlags;
    Srb.SrbFlags &= ~(SRB_FLAGS_DATA_IN | SRB_FLAGS_DATA_OUT);
    Srb.SrbFlags |= Bytes ? Write ? SRB_FLAGS_DATA_OUT : SRB_FLAGS_DATA_IN : SRB_FLAGS_NO_DATA_TRANSFER;
    Srb.SrbFlags |= SRB_FLAGS_DISABLE_SYNCH_TRANSFER;
    Srb.QueueAction = SRB_SIMPLE_TAG_REQUEST;
    if (!Srb.TimeOutValue)
        Srb.TimeOutValue = F->TimeOutValue ? F->TimeOutValue : 10;
}

static NTSTATUS NTAPI Arrived(PDEVICE_OBJECT, PIRP, PVOID Event)
{
    KeSetEvent(static_cast<PKEVENT>(Event), IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

}

using namespace classpnp;

extern "C" {

NTSTATUS NTAPI ClassSignalCompletion(PDEVICE_OBJECT D, PIRP Irp, PKEVENT Event) { return Arrived(D, Irp, Event); }

NTSTATUS NTAPI ClassSendIrpSynchronous(PDEVICE_OBJECT Target, PIRP Irp)
{
    KEVENT Event;
    KeInitializeEvent(&Event, SynchronizationEvent, FALSE);
    IoSetCompletionRoutine(Irp, Arrived, &Event, TRUE, TRUE, TRUE);
    IoCallDriver(Target, Irp);
    KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, nullptr);
    return Irp->IoStatus.Status;
}

NTSTATUS NTAPI ClassForwardIrpSynchronous(PCOMMON_DEVICE_EXTENSION C, PIRP Irp)
{
    IoCopyCurrentIrpStackLocationToNext(Irp);
    return ClassSendIrpSynchronous(C->LowerDeviceObject, Irp);
}

void NTAPI ClassSendDeviceIoControlSynchronous(ULONG Code, PDEVICE_OBJECT Target, PVOID Buffer, ULONG InBytes, ULONG OutBytes, BOOLEAN Internal, PIO_STATUS_BLOCK Io)
{
    KEVENT Event;
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    PIRP Irp = IoBuildDeviceIoControlRequest(Code, Target, Buffer, InBytes, Buffer, OutBytes, Internal, &Event, Io);
    if (!Irp) {
        *Io = {};
        Io->Status = STATUS_INSUFFICIENT_RESOURCES;
        return;
    }
    NTSTATUS Status = IoCallDriver(Target, Irp);
    if (Status == STATUS_PENDING)
        KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, nullptr);
    else
        Io->Status = Status;
}

// Once and again while that helps; the block stays the caller's, its sense data does not.
NTSTATUS NTAPI ClassSendSrbSynchronous(PDEVICE_OBJECT D, PSCSI_REQUEST_BLOCK Srb, PVOID Data, ULONG Bytes, BOOLEAN Write)
{
    PDEVICE_OBJECT Lower = Common(D)->LowerDeviceObject;
    auto* Sense = static_cast<UCHAR*>(ExAllocatePoolWithTag(NonPagedPool, srb::SenseBytes, Tag));
    PIRP Irp = IoAllocateIrp(Lower->StackSize, FALSE);
    PMDL Mdl = Bytes ? IoAllocateMdl(Data, Bytes, FALSE, FALSE, nullptr) : nullptr;
    NTSTATUS Status = STATUS_INSUFFICIENT_RESOURCES;
    if (Mdl)
        MmBuildMdlForNonPagedPool(Mdl);
    for (ULONG Retries = 0; Sense && Irp && (Mdl || !Bytes); ++Retries) {
        Complete(D, *Srb, Data, Bytes, Write);
        RtlZeroMemory(Sense, srb::SenseBytes);
        Srb->SenseInfoBuffer = Sense;
        Srb->SenseInfoBufferLength = srb::SenseBytes;
        Srb->OriginalRequest = Irp;
        Irp->MdlAddress = Mdl;
        PIO_STACK_LOCATION Next = IoGetNextIrpStackLocation(Irp);
        Next->MajorFunction = IRP_MJ_SCSI;
        Next->Parameters.Scsi.Srb = Srb;
        Status = ClassSendIrpSynchronous(Lower, Irp);
        if (SRB_STATUS(Srb->SrbStatus) == SRB_STATUS_SUCCESS) {
            Status = STATUS_SUCCESS;
            break;
        }
        if (SRB_STATUS(Srb->SrbStatus) == SRB_STATUS_PENDING) {         // nobody has looked at it
            Status = NT_SUCCESS(Status) ? STATUS_IO_DEVICE_ERROR : Status;
            break;
        }
        if (Srb->SrbStatus & SRB_STATUS_QUEUE_FROZEN)
            ClassReleaseQueue(D);
        ULONG Seconds = 0;
        if (!ClassInterpretSenseInfo(D, Srb, IRP_MJ_SCSI, 0, Retries, &Status, &Seconds) || Retries == MAXIMUM_RETRIES)
            break;
        if (Seconds)
            Wait(Seconds);
        IoReuseIrp(Irp, STATUS_NOT_SUPPORTED);
    }
    if (Mdl)
        IoFreeMdl(Mdl);
    if (Irp) {
        Irp->MdlAddress = nullptr;
        IoFreeIrp(Irp);
    }
    if (Sense)
        ExFreePoolWithTag(Sense, Tag);
    Srb->SenseInfoBuffer = nullptr;
    Srb->SenseInfoBufferLength = 0;
    return Status;
}

// The block is from the nonpaged pool and the library's from now on; so is the request, which ClassIoComplete completes.
NTSTATUS NTAPI ClassSendSrbAsynchronous(PDEVICE_OBJECT D, PSCSI_REQUEST_BLOCK Srb, PIRP Irp, PVOID Data, ULONG Bytes, BOOLEAN Write)
{
    PFUNCTIONAL_DEVICE_EXTENSION F = Fdo(D);
    Complete(D, *Srb, Data, Bytes, Write);
    Srb->SenseInfoBuffer = F->SenseData;
    Srb->SenseInfoBufferLength = SENSE_BUFFER_SIZE;
    Srb->OriginalRequest = Irp;
    if (Bytes && !Irp->MdlAddress) {
        if (!IoAllocateMdl(Data, Bytes, FALSE, FALSE, Irp)) {
            FreeSrb(D, Srb);
            return Finish(D, Irp, STATUS_INSUFFICIENT_RESOURCES);
        }
        Srb->SrbFlags |= SRB_CLASS_FLAGS_FREE_MDL;
        MmBuildMdlForNonPagedPool(Irp->MdlAddress);
    } else if (Bytes) {
        Srb->DataBuffer = MmGetMdlVirtualAddress(Irp->MdlAddress);
    }
    IoGetCurrentIrpStackLocation(Irp)->Parameters.Others.Argument4 = ULongToPtr(MAXIMUM_RETRIES);
    IoMarkIrpPending(Irp);
    PIO_STACK_LOCATION Next = IoGetNextIrpStackLocation(Irp);
    Next->MajorFunction = IRP_MJ_SCSI;
    Next->Parameters.Scsi.Srb = Srb;
    IoSetCompletionRoutine(Irp, ClassIoComplete, Srb, TRUE, TRUE, TRUE);
    IoCallDriver(F->CommonExtension.LowerDeviceObject, Irp);
    return STATUS_PENDING;
}

// Completion routine for a request that the driver has made and forgets; Context is a COMPLETION_CONTEXT of the pool.
NTSTATUS NTAPI ClassAsynchronousCompletion(PDEVICE_OBJECT, PIRP Irp, PVOID Context)
{
    auto* C = static_cast<PCOMPLETION_CONTEXT>(Context);
    if (C->Srb.Function == SRB_FUNCTION_EXECUTE_SCSI && C->Srb.SrbStatus & SRB_STATUS_QUEUE_FROZEN)
        ClassReleaseQueue(C->DeviceObject);
    ClassReleaseRemoveLock(C->DeviceObject, Irp);
    if (Irp->MdlAddress) {
        IoFreeMdl(Irp->MdlAddress);
        Irp->MdlAddress = nullptr;
    }
    IoFreeIrp(Irp);
    ExFreePool(C);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

// A block of its own that nobody waits for.
static void SendAndForget(PDEVICE_OBJECT D, UCHAR Function, UCHAR Code, UCHAR Byte4, ULONG Seconds)
{
    PDEVICE_OBJECT Lower = Common(D)->LowerDeviceObject;
    auto* C = static_cast<PCOMPLETION_CONTEXT>(ExAllocatePoolWithTag(NonPagedPool, sizeof(COMPLETION_CONTEXT), Tag));
    PIRP Irp = C ? IoAllocateIrp(Lower->StackSize, FALSE) : nullptr;
    if (!Irp) {
        if (C)
            ExFreePoolWithTag(C, Tag);
        return;
    }
    RtlZeroMemory(C, sizeof(*C));
    C->DeviceObject = D;
    C->Srb.Length = sizeof(C->Srb);
    C->Srb.Function = Function;
    C->Srb.TimeOutValue = Seconds;
    C->Srb.SrbFlags = Fdo(D)->SrbFlags | SRB_FLAGS_NO_DATA_TRANSFER | (Code ? SRB_FLAGS_DISABLE_AUTOSENSE : SRB_FLAGS_BYPASS_FROZEN_QUEUE);
    C->Srb.CdbLength = Code ? 6 : 0;
    C->Srb.Cdb[0] = Code;
    C->Srb.Cdb[4] = Byte4;
    C->Srb.OriginalRequest = Irp;
    ClassAcquireRemoveLock(D, Irp);
    PIO_STACK_LOCATION Next = IoGetNextIrpStackLocation(Irp);
    Next->MajorFunction = IRP_MJ_SCSI;
    Next->Parameters.Scsi.Srb = &C->Srb;
    IoSetCompletionRoutine(Irp, ClassAsynchronousCompletion, C, TRUE, TRUE, TRUE);
    IoCallDriver(Lower, Irp);
}

void NTAPI ClassReleaseQueue(PDEVICE_OBJECT D) { SendAndForget(D, SRB_FUNCTION_RELEASE_QUEUE, 0, 0, 10); }
void NTAPI ClassSendStartUnit(PDEVICE_OBJECT D) { SendAndForget(D, SRB_FUNCTION_EXECUTE_SCSI, srb::StartStop, 1, START_UNIT_TIMEOUT); }

// IRP_MJ_SCSI from above goes down.
NTSTATUS NTAPI ClassInternalIoControl(PDEVICE_OBJECT D, PIRP Irp)
{
    if (!Enter(D, Irp))
        return STATUS_DEVICE_DOES_NOT_EXIST;
    if (PSCSI_REQUEST_BLOCK Srb = IoGetCurrentIrpStackLocation(Irp)->Parameters.Scsi.Srb; IoGetCurrentIrpStackLocation(Irp)->MinorFunction == 0 && Srb)
        Srb->OriginalRequest = Irp;
    return PassDown(D, Irp);
}

void NTAPI ClassInitializeSrbLookasideList(PCOMMON_DEVICE_EXTENSION C, ULONG Count)
{
    if (C->IsSrbLookasideListInitialized)
        return;
    ExInitializeNPagedLookasideList(&C->SrbLookasideList, nullptr, nullptr, 0, sizeof(SCSI_REQUEST_BLOCK), 'sBRS', USHORT(Count));
    C->IsSrbLookasideListInitialized = TRUE;
}

void NTAPI ClassDeleteSrbLookasideList(PCOMMON_DEVICE_EXTENSION C)
{
    if (!C->IsSrbLookasideListInitialized)
        return;
    C->IsSrbLookasideListInitialized = FALSE;
    ExDeleteNPagedLookasideList(&C->SrbLookasideList);
}

}
