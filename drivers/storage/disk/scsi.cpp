// Commands of the disk's own.
#include "drivers/storage/disk/disk.hpp"

namespace disk {

static NTSTATUS NTAPI Arrived(PDEVICE_OBJECT, PIRP, PVOID Context)
{
    // The data's MDL is the sender's.
    KeSetEvent(static_cast<PKEVENT>(Context), 0, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

NTSTATUS ExecuteOnce(Disk& D, SCSI_REQUEST_BLOCK& Srb, void* Data, ULONG Bytes)
{
    PIRP Irp = IoAllocateIrp(D.Below->StackSize, FALSE);
    PMDL Mdl = Irp && Bytes ? IoAllocateMdl(Data, Bytes, FALSE, FALSE, nullptr) : nullptr;
    if (!Irp || (Bytes && !Mdl)) {
        if (Irp)
            IoFreeIrp(Irp);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    if (Mdl) {
        MmBuildMdlForNonPagedPool(Mdl);
        Srb.DataBuffer = MmGetMdlVirtualAddress(Mdl);
    }
    Irp->MdlAddress = Mdl;
    PIO_STACK_LOCATION Next = IoGetNextIrpStackLocation(Irp);
    Next->MajorFunction = IRP_MJ_SCSI;
    Next->Parameters.Scsi.Srb = &Srb;
    KEVENT Event;
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    IoSetCompletionRoutine(Irp, Arrived, &Event, TRUE, TRUE, TRUE);
    IoCallDriver(D.Below, Irp);
    KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, nullptr);
    NTSTATUS Status = Irp->IoStatus.Status;
    Irp->MdlAddress = nullptr;
    if (Mdl)
        IoFreeMdl(Mdl);
    IoFreeIrp(Irp);
    return Status;
}

NTSTATUS Execute(Disk& D, const UCHAR* Cdb, UCHAR CdbBytes, void* Data, ULONG Bytes, bool Write, ULONG Tries, ULONG* Done)
{
    struct Room {
        SCSI_REQUEST_BLOCK Srb;
        UCHAR Sense[SenseBytes];
    };
    auto* R = static_cast<Room*>(ExAllocatePoolWithTag(NonPagedPool, sizeof(Room), Tag));
    if (!R)
        return STATUS_INSUFFICIENT_RESOURCES;
    Verdict V {};
    do {
        Prepare(R->Srb, Cdb, CdbBytes, Data, Bytes, Write, R->Sense);
        NTSTATUS Status = ExecuteOnce(D, R->Srb, Data, Bytes);
        V = Judge(R->Srb, Status);
        if (V.Again && V.DelayMs && Tries > 1) {
            LARGE_INTEGER Time;
            Time.QuadPart = -10000ll * V.DelayMs;
            KeDelayExecutionThread(KernelMode, FALSE, &Time);
        }
    } while (!NT_SUCCESS(V.Status) && V.Again && --Tries);
    if (Done)
        *Done = R->Srb.DataTransferLength;
    ExFreePoolWithTag(R, Tag);
    return V.Status;
}

NTSTATUS Ready(Disk& D)
{
    UCHAR Cdb[6] = { TestUnitReady };
    return Execute(D, Cdb, sizeof(Cdb), nullptr, 0, false, 10);
}

static NTSTATUS ReadSize(Disk& D, UCHAR* Answer)
{
    UCHAR Cdb[16] = { ReadCapacity10 };
    memset(Answer, 0, 32);
    NTSTATUS Status = Execute(D, Cdb, 10, Answer, 8, false, 10);
    if (!NT_SUCCESS(Status))
        return Status;
    ULONGLONG Last = GetBig(Answer, 4);
    ULONG Bytes = ULONG(GetBig(Answer + 4, 4));
    D.PhysicalSectorBytes = Bytes;
    // The long form also tells of physical sectors; small disks may not have it.
    memset(Cdb, 0, sizeof(Cdb));
    Cdb[0] = ServiceActionIn16;
    Cdb[1] = ReadCapacity16;
    PutBig(Cdb + 10, 32, 4);
    memset(Answer, 0, 32);
    NTSTATUS Long = Execute(D, Cdb, 16, Answer, 32, false, Last == 0xFFFFFFFF ? 10 : 2);
    if (NT_SUCCESS(Long)) {
        Last = GetBig(Answer, 8);
        Bytes = ULONG(GetBig(Answer + 8, 4));
        D.PhysicalSectorBytes = Bytes << (Answer[13] & 15);
    } else if (Last == 0xFFFFFFFF) {
        return Long;
    }
    if (Bytes < 512 || Bytes > 4096 || (Bytes & (Bytes - 1)) || Last == ~0ull || (Last + 1) > ~0ull / Bytes / 2)
        return STATUS_UNRECOGNIZED_MEDIA;
    D.SectorBytes = Bytes;
    D.Sectors = Last + 1;
    return STATUS_SUCCESS;
}

NTSTATUS Identify(Disk& D)
{
    // The adapter's limits; without an answer, what every adapter takes.
    STORAGE_PROPERTY_QUERY Query {};
    Query.PropertyId = StorageAdapterProperty;
    Query.QueryType = PropertyStandardQuery;
    STORAGE_ADAPTER_DESCRIPTOR Adapter {};
    ULONG_PTR Bytes = 0;
    D.MostBytes = 64 * 1024;
    NTSTATUS Status = AskBelow(D, IOCTL_STORAGE_QUERY_PROPERTY, &Query, sizeof(Query), &Adapter, sizeof(Adapter), &Bytes);
    if (NT_SUCCESS(Status) && Bytes >= offsetof(STORAGE_ADAPTER_DESCRIPTOR, AlignmentMask)) {
        ULONGLONG Most = Adapter.MaximumTransferLength ? Adapter.MaximumTransferLength : 0x1000000;
        // A transfer that begins within a page touches one page more.
        if (Adapter.MaximumPhysicalPages > 1 && ULONGLONG(Adapter.MaximumPhysicalPages - 1) * PAGE_SIZE < Most)
            Most = ULONGLONG(Adapter.MaximumPhysicalPages - 1) * PAGE_SIZE;
        D.MostBytes = ULONG(Most > 0x1000000 ? 0x1000000 : Most < PAGE_SIZE ? PAGE_SIZE : Most);
    }
    auto* Answer = static_cast<UCHAR*>(ExAllocatePoolWithTag(NonPagedPool, 64, Tag));
    if (!Answer)
        return STATUS_INSUFFICIENT_RESOURCES;
    UCHAR Cdb[6] = { Inquiry, 0, 0, 0, 36, 0 };
    memset(Answer, 0, 64);
    Status = Execute(D, Cdb, 6, Answer, 36, false, 5);
    if (NT_SUCCESS(Status) && ((Answer[0] & 0x1F) != 0 || (Answer[0] >> 5) != 0))
        Status = STATUS_NO_SUCH_DEVICE;         // no disk, or none behind this number
    D.Removable = Answer[1] >> 7;
    if (NT_SUCCESS(Status)) {
        Status = Ready(D);
        if (NT_SUCCESS(Status) || !D.Removable)
            Status = ReadSize(D, Answer);
        else
            Status = STATUS_SUCCESS;            // no medium yet
    }
    if (NT_SUCCESS(Status)) {
        UCHAR Sense[6] = { ModeSense6, 0x08, 0x3F, 0, 32, 0 };         // DBD, all pages: the header tells of write protection
        memset(Answer, 0, 64);
        if (NT_SUCCESS(Execute(D, Sense, 6, Answer, 32, false, 2))) {
            D.ReadOnly = Answer[2] >> 7;
            D.ForcesUnit = Answer[2] & 0x10;            // DPOFUA
        }
        D.MostBytes &= ~(D.SectorBytes - 1);
    }
    ExFreePoolWithTag(Answer, Tag);
    return Status;
}

}
