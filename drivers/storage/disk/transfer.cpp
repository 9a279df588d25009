// Reads, writes and flushes of the disk.
#include "drivers/storage/disk/disk.hpp"

namespace disk {

// With the remove lock held, which it gives back.
static NTSTATUS Finish(Disk& D, PIRP Irp, NTSTATUS Status, ULONG Bytes = 0)
{
    Complete(Irp, Status, Bytes);
    IoReleaseRemoveLock(&D.Lock, Irp);
    return Status;
}

void Ended(srb::Mover& M, PIRP Irp, NTSTATUS Status, ULONG Bytes)
{
    Finish(static_cast<Disk&>(M), Irp, Status, Bytes);
}

srb::Verdict Decide(srb::Mover&, PIRP, SCSI_REQUEST_BLOCK& Srb, NTSTATUS IrpStatus, ULONG)
{
    return srb::Judge(Srb, IrpStatus);
}

NTSTATUS NTAPI ReadWrite(PDEVICE_OBJECT Device, PIRP Irp)
{
    Disk& D = Of(Device);
    PIO_STACK_LOCATION S = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS Status = IoAcquireRemoveLock(&D.Lock, Irp);
    if (!NT_SUCCESS(Status))
        return Complete(Irp, STATUS_DEVICE_DOES_NOT_EXIST);
    bool Write = S->MajorFunction == IRP_MJ_WRITE;
    ULONG Bytes = S->Parameters.Read.Length;
    ULONGLONG Offset = ULONGLONG(S->Parameters.Read.ByteOffset.QuadPart);
    if (!D.Started || !D.Sectors)
        return Finish(D, Irp, STATUS_DEVICE_NOT_READY);
    if (Bytes % D.SectorBytes || Offset % D.SectorBytes)
        return Finish(D, Irp, STATUS_INVALID_PARAMETER);
    if (Offset / D.SectorBytes > D.Sectors || Bytes / D.SectorBytes > D.Sectors - Offset / D.SectorBytes)
        return Finish(D, Irp, STATUS_INVALID_PARAMETER);
    if (Write && D.ReadOnly)
        return Finish(D, Irp, STATUS_MEDIA_WRITE_PROTECTED);
    if (!Bytes)
        return Finish(D, Irp, STATUS_SUCCESS);
    if (!Irp->MdlAddress)
        return Finish(D, Irp, STATUS_INVALID_PARAMETER);
    // A write that must be on the medium forces unit access, if the disk can; one that cannot keeps it until it is flushed, as with Windows' class driver.
    Status = srb::Move(D, Irp, Offset, Bytes, D.MostBytes, Write, Write && S->Flags & SL_WRITE_THROUGH && D.ForcesUnit, D.Sectors > 0xFFFFFFFF);
    return Status == STATUS_PENDING ? Status : Finish(D, Irp, Status);
}

NTSTATUS NTAPI Flush(PDEVICE_OBJECT Device, PIRP Irp)
{
    Disk& D = Of(Device);
    NTSTATUS Status = IoAcquireRemoveLock(&D.Lock, Irp);
    if (!NT_SUCCESS(Status))
        return Complete(Irp, STATUS_DEVICE_DOES_NOT_EXIST);
    if (!D.Started)
        return Finish(D, Irp, STATUS_DEVICE_NOT_READY);
    UCHAR Cdb[10] = { SynchronizeCache10 };
    Status = srb::Command(D, Irp, Cdb, sizeof(Cdb));
    return Status == STATUS_PENDING ? Status : Finish(D, Irp, Status);
}

}
