// Reads and writes: whole ones by the library, and the parts that drivers with a StartIo use.
#include "class.hpp"

namespace classpnp {

srb::Verdict Decide(srb::Mover& M, PIRP Whole, SCSI_REQUEST_BLOCK& Srb, NTSTATUS IrpStatus, ULONG Tries)
{
    if (SRB_STATUS(Srb.SrbStatus) == SRB_STATUS_PENDING || SRB_STATUS(Srb.SrbStatus) == SRB_STATUS_SUCCESS)
        return srb::Judge(Srb, IrpStatus);
    NTSTATUS Status;
    ULONG Seconds = 0;
    bool Again = ClassInterpretSenseInfo(static_cast<_CLASS_PRIVATE_FDO_DATA&>(M).Self, &Srb, IoGetCurrentIrpStackLocation(Whole)->MajorFunction, 0, Tries, &Status, &Seconds);
    ULONG DelayMs = Again ? srb::Judge(Srb, IrpStatus).DelayMs : 0;
    return { Status, Again, DelayMs > Seconds * 1000 ? DelayMs : Seconds * 1000 };
}

static bool IsTransfer(PIRP Irp)
{
    UCHAR Major = IoGetCurrentIrpStackLocation(Irp)->MajorFunction;
    return Major == IRP_MJ_READ || Major == IRP_MJ_WRITE;
}

static void StartNext(PDEVICE_OBJECT D)
{
    KIRQL Old;
    KeRaiseIrql(DISPATCH_LEVEL, &Old);
    IoStartNextPacket(D, FALSE);
    KeLowerIrql(Old);
}

void Ended(srb::Mover& M, PIRP Irp, NTSTATUS Status, ULONG Bytes)
{
    PDEVICE_OBJECT D = static_cast<_CLASS_PRIVATE_FDO_DATA&>(M).Self;
    if (IoIsErrorUserInduced(Status) && Irp->Tail.Overlay.Thread)
        IoSetHardErrorOrVerifyDevice(Irp, D);
    bool Next = Common(D)->DriverExtension->InitData.ClassStartIo && IsTransfer(Irp);
    Finish(D, Irp, Status, Bytes);
    if (Next)
        StartNext(D);
}

static NTSTATUS Transfer(PDEVICE_OBJECT D, PIRP Irp, ULONG Most)
{
    PFUNCTIONAL_DEVICE_EXTENSION F = Fdo(D);
    auto& P = Private(D);
    PIO_STACK_LOCATION S = IoGetCurrentIrpStackLocation(Irp);
    P.SectorBytes = F->DiskGeometry.BytesPerSector;
    P.MoreFlags = F->SrbFlags;
    P.Seconds = F->TimeOutValue;
    bool Write = S->MajorFunction == IRP_MJ_WRITE;
    bool Long = ULONGLONG(F->CommonExtension.PartitionLength.QuadPart) / P.SectorBytes > 0xFFFFFFFF || F->DeviceFlags & DEV_USE_16BYTE_CDB;
    return srb::Move(P, Irp, ULONGLONG(S->Parameters.Read.ByteOffset.QuadPart), S->Parameters.Read.Length, Most, Write,
                     Write && S->Flags & SL_WRITE_THROUGH && F->CdbForceUnitAccess, Long);
}

NTSTATUS NTAPI DispatchReadWrite(PDEVICE_OBJECT D, PIRP Irp)
{
    if (!Enter(D, Irp))
        return STATUS_DEVICE_DOES_NOT_EXIST;
    PFUNCTIONAL_DEVICE_EXTENSION F = Fdo(D);
    PIO_STACK_LOCATION S = IoGetCurrentIrpStackLocation(Irp);
    if (!F->CommonExtension.IsInitialized)
        return Finish(D, Irp, STATUS_DEVICE_NOT_READY);
    if (D->Flags & DO_VERIFY_VOLUME && !(S->Flags & SL_OVERRIDE_VERIFY_VOLUME)) {
        if (Irp->Tail.Overlay.Thread)
            IoSetHardErrorOrVerifyDevice(Irp, D);
        return Finish(D, Irp, STATUS_VERIFY_REQUIRED);
    }
    NTSTATUS Status = STATUS_SUCCESS;
    if (F->CommonExtension.DevInfo->ClassReadWriteVerification)
        Status = F->CommonExtension.DevInfo->ClassReadWriteVerification(D, Irp);
    if (Status == STATUS_PENDING)       // the driver does it by itself
        return Status;
    if (!NT_SUCCESS(Status))
        return Finish(D, Irp, Status, Irp->IoStatus.Information);
    if (F->CommonExtension.DriverExtension->InitData.ClassStartIo) {
        IoMarkIrpPending(Irp);
        IoStartPacket(D, Irp, nullptr, nullptr);
        return STATUS_PENDING;
    }
    ULONG Sector = F->DiskGeometry.BytesPerSector, Bytes = S->Parameters.Read.Length;
    S->Parameters.Read.ByteOffset.QuadPart += F->CommonExtension.StartingOffset.QuadPart;
    if (!Sector)
        return Finish(D, Irp, STATUS_DEVICE_NOT_READY);
    if (Bytes % Sector || S->Parameters.Read.ByteOffset.QuadPart < 0 || S->Parameters.Read.ByteOffset.QuadPart % Sector || (Bytes && !Irp->MdlAddress))
        return Finish(D, Irp, STATUS_INVALID_PARAMETER);
    if (!Bytes)
        return Finish(D, Irp, STATUS_SUCCESS);
    Status = Transfer(D, Irp, Private(D).MostBytes);
    return Status == STATUS_PENDING ? Status : Finish(D, Irp, Status);
}

}

using namespace classpnp;

extern "C" {

// The whole of a read or write as one block for the lower driver. ClassIoComplete completes it.
NTSTATUS NTAPI ClassBuildRequest(PDEVICE_OBJECT D, PIRP Irp)
{
    PFUNCTIONAL_DEVICE_EXTENSION F = Fdo(D);
    PIO_STACK_LOCATION S = IoGetCurrentIrpStackLocation(Irp), Next = IoGetNextIrpStackLocation(Irp);
    PSCSI_REQUEST_BLOCK Srb = NewSrb(D);
    if (!Srb)
        return STATUS_INSUFFICIENT_RESOURCES;
    bool Write = S->MajorFunction == IRP_MJ_WRITE;
    ULONG Sector = F->DiskGeometry.BytesPerSector;
    ULONGLONG First = ULONGLONG(S->Parameters.Read.ByteOffset.QuadPart) / Sector;
    ULONG Count = S->Parameters.Read.Length / Sector;
    UCHAR Cdb[16] {};
    bool Long = First + Count > 0xFFFFFFFF || Count > 0xFFFF || F->DeviceFlags & DEV_USE_16BYTE_CDB;
    Cdb[0] = Long ? Write ? srb::Write16 : srb::Read16 : Write ? srb::Write10 : srb::Read10;
    Cdb[1] = Write && S->Flags & SL_WRITE_THROUGH && F->CdbForceUnitAccess ? 8 : 0;
    srb::PutBig(Cdb + 2, First, Long ? 8 : 4);
    srb::PutBig(Cdb + (Long ? 10 : 7), Count, Long ? 4 : 2);
    srb::Prepare(*Srb, Cdb, Long ? 16 : 10, MmGetMdlVirtualAddress(Irp->MdlAddress), S->Parameters.Read.Length, Write, nullptr);
    Srb->SrbFlags |= F->SrbFlags;
    Srb->TimeOutValue = F->TimeOutValue;
    Srb->SenseInfoBuffer = F->SenseData;
    Srb->SenseInfoBufferLength = SENSE_BUFFER_SIZE;
    Srb->OriginalRequest = Irp;
    Next->MajorFunction = IRP_MJ_SCSI;
    Next->Parameters.Scsi.Srb = Srb;
    S->Parameters.Others.Argument4 = ULongToPtr(MAXIMUM_RETRIES);
    IoSetCompletionRoutine(Irp, ClassIoComplete, Srb, TRUE, TRUE, TRUE);
    return STATUS_SUCCESS;
}

// In pieces of at most so many bytes; completes the request.
void NTAPI ClassSplitRequest(PDEVICE_OBJECT D, PIRP Irp, ULONG MaximumBytes)
{
    ULONG Sector = Fdo(D)->DiskGeometry.BytesPerSector;
    ULONG Most = MaximumBytes < Sector ? Sector : MaximumBytes - MaximumBytes % Sector;
    NTSTATUS Status = Transfer(D, Irp, Most < Private(D).MostBytes ? Most : Private(D).MostBytes);
    if (Status != STATUS_PENDING)
        Ended(Private(D), Irp, Status, 0);
}

// Completion routine for a block that this library or the driver has built. The block is given back.
NTSTATUS NTAPI ClassIoComplete(PDEVICE_OBJECT, PIRP Irp, PVOID Context)
{
    auto* Srb = static_cast<PSCSI_REQUEST_BLOCK>(Context);
    PIO_STACK_LOCATION S = IoGetCurrentIrpStackLocation(Irp);
    PDEVICE_OBJECT D = S->DeviceObject;
    COMMON_DEVICE_EXTENSION& C = *Common(D);
    NTSTATUS Status = STATUS_SUCCESS;
    bool Again = false;
    if (SRB_STATUS(Srb->SrbStatus) != SRB_STATUS_SUCCESS) {
        ULONG Left = PtrToUlong(S->Parameters.Others.Argument4), Seconds = 0;
        if (SRB_STATUS(Srb->SrbStatus) == SRB_STATUS_PENDING)
            Status = NT_SUCCESS(Irp->IoStatus.Status) ? STATUS_IO_DEVICE_ERROR : Irp->IoStatus.Status;
        else
            Again = ClassInterpretSenseInfo(D, Srb, S->MajorFunction, S->MajorFunction == IRP_MJ_DEVICE_CONTROL ? S->Parameters.DeviceIoControl.IoControlCode : 0,
                                            MAXIMUM_RETRIES - Left, &Status, &Seconds);
        if (Srb->SrbStatus & SRB_STATUS_QUEUE_FROZEN)
            ClassReleaseQueue(D);
        if (Again && Left && !Private(D).Gone) {
            S->Parameters.Others.Argument4 = ULongToPtr(Left - 1);
            PIO_STACK_LOCATION Next = IoGetNextIrpStackLocation(Irp);
            Next->MajorFunction = IRP_MJ_SCSI;
            Next->Parameters.Scsi.Srb = Srb;
            Srb->SrbStatus = Srb->ScsiStatus = 0;
            Srb->DataTransferLength = Irp->MdlAddress ? MmGetMdlByteCount(Irp->MdlAddress) : 0;
            IoSetCompletionRoutine(Irp, ClassIoComplete, Srb, TRUE, TRUE, TRUE);
            IoCallDriver(C.LowerDeviceObject, Irp);
            return STATUS_MORE_PROCESSING_REQUIRED;
        }
    }
    if (NT_SUCCESS(Status) || Status == STATUS_DATA_OVERRUN)
        Irp->IoStatus.Information = Srb->DataTransferLength;
    else
        Irp->IoStatus.Information = 0;
    if (Srb->SrbFlags & SRB_CLASS_FLAGS_FREE_MDL && Irp->MdlAddress) {
        IoFreeMdl(Irp->MdlAddress);
        Irp->MdlAddress = nullptr;
    }
    FreeSrb(D, Srb);
    Irp->IoStatus.Status = Status;
    if (Irp->PendingReturned)
        IoMarkIrpPending(Irp);
    if (C.DriverExtension->InitData.ClassStartIo && IsTransfer(Irp))
        StartNext(D);
    ClassReleaseRemoveLock(D, Irp);
    return Status;
}

// The same for one of several requests made of a master (IoMakeAssociatedIrp): the last one completes the master, whose first stack location's Argument1 counts them.
NTSTATUS NTAPI ClassIoCompleteAssociated(PDEVICE_OBJECT Null, PIRP Irp, PVOID Context)
{
    PIRP Master = Irp->AssociatedIrp.MasterIrp;
    PDEVICE_OBJECT D = IoGetCurrentIrpStackLocation(Irp)->DeviceObject;
    // The lock is the master's.
    ClassAcquireRemoveLock(D, Irp);
    NTSTATUS Status = ClassIoComplete(Null, Irp, Context);
    if (Status == STATUS_MORE_PROCESSING_REQUIRED) {
        ClassReleaseRemoveLock(D, Irp);
        return Status;
    }
    if (!NT_SUCCESS(Status))
        Master->IoStatus.Status = Status;
    PIO_STACK_LOCATION First = IoGetNextIrpStackLocation(Master);
    if (InterlockedDecrement(reinterpret_cast<volatile LONG*>(&First->Parameters.Others.Argument1)) == 0) {
        Master->IoStatus.Information = NT_SUCCESS(Master->IoStatus.Status) ? IoGetCurrentIrpStackLocation(Master)->Parameters.Read.Length : 0;
        ClassReleaseRemoveLock(D, Master);
        IoCompleteRequest(Master, IO_DISK_INCREMENT);
    }
    IoFreeMdl(Irp->MdlAddress);
    Irp->MdlAddress = nullptr;
    IoFreeIrp(Irp);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

}
