// The disk's side: the filter, its table, what is asked about the disk.
#include "drivers/storage/partmgr/partmgr.hpp"

namespace partmgr {

NTSTATUS Complete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

NTSTATUS PassDown(PDEVICE_OBJECT Lower, PIRP Irp)
{
    IoSkipCurrentIrpStackLocation(Irp);
    return IoCallDriver(Lower, Irp);
}

static NTSTATUS Wait(PDEVICE_OBJECT Below, PIRP Irp, PKEVENT Done, IO_STATUS_BLOCK* Block)
{
    if (!Irp)
        return STATUS_INSUFFICIENT_RESOURCES;
    NTSTATUS Status = IoCallDriver(Below, Irp);
    if (Status == STATUS_PENDING) {
        KeWaitForSingleObject(Done, Executive, KernelMode, FALSE, nullptr);
        Status = Block->Status;
    }
    return Status;
}

NTSTATUS Ask(PDEVICE_OBJECT Below, ULONG Code, void* In, ULONG InBytes, void* Out, ULONG OutBytes)
{
    KEVENT Done;
    IO_STATUS_BLOCK Block {};
    KeInitializeEvent(&Done, NotificationEvent, FALSE);
    return Wait(Below, IoBuildDeviceIoControlRequest(Code, Below, In, InBytes, Out, OutBytes, FALSE, &Done, &Block), &Done, &Block);
}

static bool Transfer(DiskDevice& D, ULONG Major, uint64_t Sector, uint32_t Count, void* Data)
{
    KEVENT Done;
    IO_STATUS_BLOCK Block {};
    LARGE_INTEGER At;
    At.QuadPart = LONGLONG(Sector * D.Bytes);
    KeInitializeEvent(&Done, NotificationEvent, FALSE);
    NTSTATUS Status = Wait(D.Lower, IoBuildSynchronousFsdRequest(Major, D.Lower, Data, Count * D.Bytes, &At, &Done, &Block), &Done, &Block);
    return NT_SUCCESS(Status);
}

bool DiskDevice::Read(uint64_t Sector, uint32_t Count, void* To) { return Transfer(*this, IRP_MJ_READ, Sector, Count, To); }
bool DiskDevice::Write(uint64_t Sector, uint32_t Count, const void* From) { return Transfer(*this, IRP_MJ_WRITE, Sector, Count, const_cast<void*>(From)); }

// The size of the disk. A disk without a medium has none.
static NTSTATUS Measure(DiskDevice& D)
{
    DISK_GEOMETRY Geometry {};
    NTSTATUS Status = Ask(D.Lower, IOCTL_DISK_GET_DRIVE_GEOMETRY, nullptr, 0, &Geometry, sizeof(Geometry));
    if (!NT_SUCCESS(Status))
        return Status;
    ULONG Bytes = Geometry.BytesPerSector;
    if (Bytes < 512 || Bytes > MaximumSectorBytes || (Bytes & (Bytes - 1)))
        return STATUS_INVALID_PARAMETER;
    D.Bytes = Bytes;
    GET_LENGTH_INFORMATION Length {};
    Status = Ask(D.Lower, IOCTL_DISK_GET_LENGTH_INFO, nullptr, 0, &Length, sizeof(Length));
    D.Length = NT_SUCCESS(Status) ? ULONGLONG(Length.Length.QuadPart)
                                  : ULONGLONG(Geometry.Cylinders.QuadPart) * Geometry.TracksPerCylinder * Geometry.SectorsPerTrack * Bytes;
    return STATUS_SUCCESS;
}

NTSTATUS ReadTable(DiskDevice& D)
{
    NTSTATUS Status = Measure(D);
    ExAcquireFastMutex(&D.Lock);
    Layout& L = *D.Table;
    if (!NT_SUCCESS(Status) || !partmgr::Read(D, L, D.Work)) {
        if (NT_SUCCESS(Status))
            Status = STATUS_IO_DEVICE_ERROR;
        L = {};
        L.What = Style::Raw;
    }
    if (L.Damaged)
        DbgPrint("partmgr: disk %lu: %lu entries of the partition table cannot be used%s\n", D.Number, L.Damaged, L.FromBackup ? ", its second copy is" : "");
    for (Volume* V = D.Volumes; V; V = V->Next)
        V->Present = false;
    for (ULONG I = 0; I < L.Count; ++I) {
        const Partition& P = L.Partitions[I];
        Volume* V = D.Volumes;
        while (V && (V->What.Start != P.Start || V->What.Length != P.Length))
            V = V->Next;
        if (!V) {
            V = MakeVolume(D, P);
            if (!V)
                continue;
            // In the table's order: the mount manager gives letters in the order in which it hears of them.
            Volume** End = &D.Volumes;
            while (*End)
                End = &(*End)->Next;
            *End = V;
        }
        V->What = P;
        V->UniqueIdBytes = UniqueId(L, P, V->UniqueId);
        V->Present = true;
    }
    // What nobody has heard of goes at once; the others are removed by the plug-and-play manager.
    for (Volume** At = &D.Volumes; *At;) {
        Volume* V = *At;
        if (V->Present || V->Reported) {
            At = &V->Next;
            continue;
        }
        *At = V->Next;
        DeleteVolume(*V);
    }
    ExReleaseFastMutex(&D.Lock);
    return Status;
}

bool IsRecognized(UCHAR Type)
{
    return Type == 0x01 || Type == 0x04 || Type == 0x06 || Type == 0x07 || Type == 0x0B || Type == 0x0C || Type == 0x0E;
}

void Fill(PARTITION_INFORMATION_EX& To, const Layout& Of, const Partition& P)
{
    To = {};
    To.PartitionStyle = PARTITION_STYLE(Of.What);
    To.StartingOffset.QuadPart = LONGLONG(P.Start);
    To.PartitionLength.QuadPart = LONGLONG(P.Length);
    To.PartitionNumber = P.Number;
    if (Of.What == Style::Mbr) {
        To.Mbr.PartitionType = P.Type;
        To.Mbr.BootIndicator = P.Active;
        To.Mbr.RecognizedPartition = IsRecognized(P.Type);
        To.Mbr.HiddenSectors = ULONG(P.HiddenSectors);
    } else if (Of.What == Style::Gpt) {
        memcpy(&To.Gpt.PartitionType, P.Kind.Bytes, 16);
        memcpy(&To.Gpt.PartitionId, P.Id.Bytes, 16);
        To.Gpt.Attributes = P.Attributes;
        memcpy(To.Gpt.Name, P.Name, sizeof(P.Name));
    }
}

NTSTATUS GetLayout(DiskDevice& D, PIRP Irp)
{
    PIO_STACK_LOCATION S = IoGetCurrentIrpStackLocation(Irp);
    ExAcquireFastMutex(&D.Lock);
    const Layout& L = *D.Table;
    // An MBR always tells of its four entries.
    ULONG Count = L.What == Style::Mbr && L.Count < 4 ? 4 : L.Count;
    ULONG Needed = ULONG(offsetof(DRIVE_LAYOUT_INFORMATION_EX, PartitionEntry) + Count * sizeof(PARTITION_INFORMATION_EX));
    NTSTATUS Status = STATUS_SUCCESS;
    if (S->Parameters.DeviceIoControl.OutputBufferLength < Needed) {
        Status = STATUS_BUFFER_TOO_SMALL;
    } else {
        auto& To = *static_cast<DRIVE_LAYOUT_INFORMATION_EX*>(Irp->AssociatedIrp.SystemBuffer);
        memset(&To, 0, Needed);
        To.PartitionStyle = ULONG(L.What);
        To.PartitionCount = Count;
        if (L.What == Style::Mbr) {
            To.Mbr.Signature = L.Signature;
        } else if (L.What == Style::Gpt) {
            memcpy(&To.Gpt.DiskId, L.DiskId.Bytes, 16);
            To.Gpt.StartingUsableOffset.QuadPart = LONGLONG(L.UsableStart);
            To.Gpt.UsableLength.QuadPart = LONGLONG(L.UsableLength);
            To.Gpt.MaxPartitionCount = L.MaximumEntries;
        }
        for (ULONG I = 0; I < L.Count; ++I)
            Fill(To.PartitionEntry[I], L, L.Partitions[I]);
    }
    ExReleaseFastMutex(&D.Lock);
    return Complete(Irp, Status, NT_SUCCESS(Status) ? Needed : 0);
}

static NTSTATUS SetLayout(DiskDevice& D, PIRP Irp)
{
    PIO_STACK_LOCATION S = IoGetCurrentIrpStackLocation(Irp);
    constexpr ULONG Head = offsetof(DRIVE_LAYOUT_INFORMATION_EX, PartitionEntry);
    ULONG Bytes = S->Parameters.DeviceIoControl.InputBufferLength;
    const auto& From = *static_cast<const DRIVE_LAYOUT_INFORMATION_EX*>(Irp->AssociatedIrp.SystemBuffer);
    if (Bytes < Head || From.PartitionCount > (Bytes - Head) / sizeof(PARTITION_INFORMATION_EX))
        return Complete(Irp, STATUS_INFO_LENGTH_MISMATCH);
    auto* New = static_cast<Layout*>(ExAllocatePoolWithTag(NonPagedPool, sizeof(Layout), Tag));
    if (!New)
        return Complete(Irp, STATUS_INSUFFICIENT_RESOURCES);
    memset(New, 0, sizeof(*New));
    NTSTATUS Status = From.PartitionStyle > 1 ? STATUS_INVALID_PARAMETER : STATUS_SUCCESS;
    New->What = Style(From.PartitionStyle);
    if (New->What == Style::Mbr)
        New->Signature = From.Mbr.Signature;
    else
        memcpy(New->DiskId.Bytes, &From.Gpt.DiskId, 16);
    for (ULONG I = 0; NT_SUCCESS(Status) && I < From.PartitionCount; ++I) {
        const PARTITION_INFORMATION_EX& E = From.PartitionEntry[I];
        bool Empty = New->What == Style::Mbr ? !E.Mbr.PartitionType : !E.PartitionLength.QuadPart;
        if (Empty)
            continue;
        if (New->Count == MaximumPartitions || ULONG(E.PartitionStyle) != From.PartitionStyle || (New->What == Style::Mbr && I >= 4)) {
            Status = STATUS_INVALID_PARAMETER;
            break;
        }
        Partition& P = New->Partitions[New->Count++];
        P.Start = ULONGLONG(E.StartingOffset.QuadPart);
        P.Length = ULONGLONG(E.PartitionLength.QuadPart);
        P.Number = I + 1;
        P.Entry = I;
        if (New->What == Style::Mbr) {
            P.Type = E.Mbr.PartitionType;
            P.Active = E.Mbr.BootIndicator;
        } else {
            memcpy(P.Kind.Bytes, &E.Gpt.PartitionType, 16);
            memcpy(P.Id.Bytes, &E.Gpt.PartitionId, 16);
            P.Attributes = E.Gpt.Attributes;
            memcpy(P.Name, E.Gpt.Name, sizeof(P.Name));
        }
    }
    if (NT_SUCCESS(Status)) {
        ExAcquireFastMutex(&D.Lock);
        WriteResult R = partmgr::Write(D, *New, D.Work);
        ExReleaseFastMutex(&D.Lock);
        Status = R == WriteResult::Done ? STATUS_SUCCESS : R == WriteResult::Invalid ? STATUS_INVALID_PARAMETER : STATUS_IO_DEVICE_ERROR;
    }
    ExFreePoolWithTag(New, Tag);
    if (NT_SUCCESS(Status)) {
        Status = ReadTable(D);
        IoInvalidateDeviceRelations(D.Physical, BusRelations);
    }
    return Complete(Irp, Status);
}

NTSTATUS FilterControl(DiskDevice& D, PIRP Irp)
{
    PIO_STACK_LOCATION S = IoGetCurrentIrpStackLocation(Irp);
    switch (S->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_DISK_GET_DRIVE_LAYOUT_EX: return GetLayout(D, Irp);
    case IOCTL_DISK_SET_DRIVE_LAYOUT_EX: return SetLayout(D, Irp);
    case IOCTL_DISK_UPDATE_PROPERTIES: {
        NTSTATUS Status = ReadTable(D);
        IoInvalidateDeviceRelations(D.Physical, BusRelations);
        return Complete(Irp, Status);
    }
    case IOCTL_DISK_GET_PARTITION_INFO_EX: {
        // The disk as a whole: partition 0.
        if (S->Parameters.DeviceIoControl.OutputBufferLength < sizeof(PARTITION_INFORMATION_EX))
            return Complete(Irp, STATUS_BUFFER_TOO_SMALL);
        auto& To = *static_cast<PARTITION_INFORMATION_EX*>(Irp->AssociatedIrp.SystemBuffer);
        To = {};
        To.PartitionStyle = PARTITION_STYLE(D.Table->What);
        To.PartitionLength.QuadPart = LONGLONG(D.Length);
        return Complete(Irp, STATUS_SUCCESS, sizeof(To));
    }
    default: return PassDown(D.Lower, Irp);
    }
}

// --- plug and play

static ULONG DiskNumber(DiskDevice& D)
{
    STORAGE_DEVICE_NUMBER Number {};
    return NT_SUCCESS(Ask(D.Lower, IOCTL_STORAGE_GET_DEVICE_NUMBER, nullptr, 0, &Number, sizeof(Number))) ? Number.DeviceNumber : 0;
}

static NTSTATUS Relations(DiskDevice& D, PIRP Irp)
{
    ExAcquireFastMutex(&D.Lock);
    ULONG Count = 0;
    for (Volume* V = D.Volumes; V; V = V->Next)
        Count += V->Present;
    // What is below a disk adds nothing; what it did say stays.
    auto* Old = reinterpret_cast<DEVICE_RELATIONS*>(Irp->IoStatus.Information);
    ULONG Before = Old ? Old->Count : 0;
    auto* New = static_cast<DEVICE_RELATIONS*>(ExAllocatePoolWithTag(PagedPool, sizeof(DEVICE_RELATIONS) + (Before + Count) * sizeof(PDEVICE_OBJECT), Tag));
    if (New) {
        New->Count = Before;
        for (ULONG I = 0; I < Before; ++I)
            New->Objects[I] = Old->Objects[I];
        for (Volume* V = D.Volumes; V; V = V->Next) {
            if (!V->Present) {
                V->Reported = false;    // it will be removed
                continue;
            }
            V->Reported = true;
            ObReferenceObject(V->Device);
            New->Objects[New->Count++] = V->Device;
        }
    }
    ExReleaseFastMutex(&D.Lock);
    if (!New)
        return Complete(Irp, STATUS_INSUFFICIENT_RESOURCES);
    if (Old)
        ExFreePool(Old);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = reinterpret_cast<ULONG_PTR>(New);
    return PassDown(D.Lower, Irp);
}

NTSTATUS FilterPnp(DiskDevice& D, PIRP Irp)
{
    PIO_STACK_LOCATION S = IoGetCurrentIrpStackLocation(Irp);
    switch (S->MinorFunction) {
    case IRP_MN_START_DEVICE: {
        NTSTATUS Status = IoForwardIrpSynchronously(D.Lower, Irp) ? Irp->IoStatus.Status : STATUS_UNSUCCESSFUL;
        if (NT_SUCCESS(Status)) {
            D.Number = DiskNumber(D);
            D.Started = true;
            // A disk without a medium or table is a disk all the same.
            if (NTSTATUS Table = ReadTable(D); !NT_SUCCESS(Table))
                DbgPrint("partmgr: disk %lu cannot be read: %08lx\n", D.Number, Table);
        }
        return Complete(Irp, Status, Irp->IoStatus.Information);
    }
    case IRP_MN_QUERY_DEVICE_RELATIONS:
        if (S->Parameters.QueryDeviceRelations.Type != BusRelations || !D.Started)
            return PassDown(D.Lower, Irp);
        return Relations(D, Irp);
    case IRP_MN_REMOVE_DEVICE: {
        Irp->IoStatus.Status = STATUS_SUCCESS;
        NTSTATUS Status = PassDown(D.Lower, Irp);
        while (Volume* V = D.Volumes) {
            D.Volumes = V->Next;
            DeleteVolume(*V);
        }
        IoDetachDevice(D.Lower);
        ExFreePoolWithTag(D.Table, Tag);
        ExFreePoolWithTag(D.Work, Tag);
        IoDeleteDevice(D.Device);
        return Status;
    }
    case IRP_MN_SURPRISE_REMOVAL:
    case IRP_MN_QUERY_REMOVE_DEVICE:
    case IRP_MN_CANCEL_REMOVE_DEVICE:
    case IRP_MN_QUERY_STOP_DEVICE:
    case IRP_MN_CANCEL_STOP_DEVICE:
    case IRP_MN_STOP_DEVICE: Irp->IoStatus.Status = STATUS_SUCCESS; return PassDown(D.Lower, Irp);
    default: return PassDown(D.Lower, Irp);
    }
}

}
