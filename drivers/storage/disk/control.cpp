// Device controls: what the disk is, and SCSI commands of callers.
#include "drivers/storage/disk/disk.hpp"

namespace disk {

namespace {

struct Call {
    PIRP Irp;
    ULONG In, Out;
    void* Buffer;
};

NTSTATUS PassDown(Disk& D, PIRP Irp)
{
    IoSkipCurrentIrpStackLocation(Irp);
    return IoCallDriver(D.Below, Irp);
}

// The answer, or as much of it as counts when there is less room.
NTSTATUS Answer(const Call& C, const void* From, ULONG Bytes)
{
    if (C.Out < Bytes)
        return Complete(C.Irp, STATUS_BUFFER_TOO_SMALL);
    memcpy(C.Buffer, From, Bytes);
    return Complete(C.Irp, STATUS_SUCCESS, Bytes);
}

DISK_GEOMETRY Geometry(const Disk& D)
{
    DISK_GEOMETRY G {};
    G.MediaType = D.Removable ? RemovableMedia : FixedMedia;
    G.TracksPerCylinder = 255;
    G.SectorsPerTrack = 63;
    G.BytesPerSector = D.SectorBytes;
    G.Cylinders.QuadPart = LONGLONG(D.Sectors / (255 * 63));
    return G;
}

NTSTATUS QueryProperty(Disk& D, const Call& C)
{
    auto* Q = static_cast<STORAGE_PROPERTY_QUERY*>(C.Buffer);
    if (C.In < offsetof(STORAGE_PROPERTY_QUERY, AdditionalParameters))
        return Complete(C.Irp, STATUS_INVALID_PARAMETER);
    if (Q->PropertyId != StorageAccessAlignmentProperty)
        return PassDown(D, C.Irp);      // the port driver's
    if (Q->QueryType == PropertyExistsQuery)
        return Complete(C.Irp, STATUS_SUCCESS);
    if (Q->QueryType != PropertyStandardQuery)
        return Complete(C.Irp, STATUS_NOT_SUPPORTED);
    STORAGE_ACCESS_ALIGNMENT_DESCRIPTOR A {};
    A.Version = A.Size = sizeof(A);
    A.BytesPerLogicalSector = D.SectorBytes;
    A.BytesPerPhysicalSector = D.PhysicalSectorBytes;
    ULONG Bytes = C.Out < sizeof(A) ? C.Out : ULONG(sizeof(A));
    if (Bytes < sizeof(STORAGE_DESCRIPTOR_HEADER))
        return Complete(C.Irp, STATUS_INFO_LENGTH_MISMATCH);
    memcpy(C.Buffer, &A, Bytes);
    return Complete(C.Irp, STATUS_SUCCESS, Bytes);
}

// IOCTL_SCSI_PASS_THROUGH: the caller's command, data and sense data in one buffer.
NTSTATUS PassThrough(Disk& D, const Call& C)
{
    auto* P = static_cast<SCSI_PASS_THROUGH*>(C.Buffer);
    if (C.In < sizeof(*P) || P->Length != sizeof(*P) || C.Out < sizeof(*P))
        return Complete(C.Irp, STATUS_INVALID_PARAMETER);
    SCSI_PASS_THROUGH Wanted = *P;
    bool Write = Wanted.DataIn == SCSI_IOCTL_DATA_OUT;
    ULONG Bytes = Wanted.DataIn == SCSI_IOCTL_DATA_UNSPECIFIED ? 0 : Wanted.DataTransferLength;
    if (Wanted.CdbLength == 0 || Wanted.CdbLength > 16 || Wanted.DataIn > SCSI_IOCTL_DATA_UNSPECIFIED || Bytes > D.MostBytes)
        return Complete(C.Irp, STATUS_INVALID_PARAMETER);
    ULONG DataRoom = Write ? C.In : C.Out;
    if (Bytes && (Wanted.DataBufferOffset < sizeof(*P) || Wanted.DataBufferOffset > DataRoom || Bytes > DataRoom - Wanted.DataBufferOffset))
        return Complete(C.Irp, STATUS_INVALID_PARAMETER);
    if (Wanted.SenseInfoLength && (Wanted.SenseInfoOffset < sizeof(*P) || Wanted.SenseInfoOffset > C.Out || Wanted.SenseInfoLength > C.Out - Wanted.SenseInfoOffset))
        return Complete(C.Irp, STATUS_INVALID_PARAMETER);
    struct Block {
        SCSI_REQUEST_BLOCK Srb;
        UCHAR Sense[SenseBytes];
    };
    auto* B = static_cast<Block*>(ExAllocatePoolWithTag(NonPagedPool, sizeof(Block) + Bytes, Tag));
    if (!B)
        return Complete(C.Irp, STATUS_INSUFFICIENT_RESOURCES);
    auto* Data = reinterpret_cast<UCHAR*>(B + 1);
    if (Write && Bytes)
        memcpy(Data, static_cast<UCHAR*>(C.Buffer) + Wanted.DataBufferOffset, Bytes);
    Prepare(B->Srb, Wanted.Cdb, Wanted.CdbLength, Data, Bytes, Write, B->Sense);
    if (Wanted.TimeOutValue)
        B->Srb.TimeOutValue = Wanted.TimeOutValue;
    NTSTATUS Status = ExecuteOnce(D, B->Srb, Data, Bytes);
    // A command the device has refused was sent all the same: its status tells.
    if (SRB_STATUS(B->Srb.SrbStatus) != SRB_STATUS_PENDING)
        Status = STATUS_SUCCESS;
    ULONG_PTR Information = 0;
    if (NT_SUCCESS(Status)) {
        ULONG Came = B->Srb.DataTransferLength < Bytes ? B->Srb.DataTransferLength : Bytes;
        P->ScsiStatus = B->Srb.ScsiStatus;
        P->DataTransferLength = Came;
        Information = sizeof(*P);
        if (!Write && Came) {
            memcpy(static_cast<UCHAR*>(C.Buffer) + Wanted.DataBufferOffset, Data, Came);
            Information = Wanted.DataBufferOffset + Came;
        }
        ULONG Sense = B->Srb.SrbStatus & SRB_STATUS_AUTOSENSE_VALID ? B->Srb.SenseInfoBufferLength : 0;
        if (Sense > Wanted.SenseInfoLength)
            Sense = Wanted.SenseInfoLength;
        P->SenseInfoLength = UCHAR(Sense);
        if (Sense) {
            memcpy(static_cast<UCHAR*>(C.Buffer) + Wanted.SenseInfoOffset, B->Sense, Sense);
            if (Wanted.SenseInfoOffset + Sense > Information)
                Information = Wanted.SenseInfoOffset + Sense;
        }
    }
    ExFreePoolWithTag(B, Tag);
    return Complete(C.Irp, Status, Information);
}

NTSTATUS VerifySectors(Disk& D, const Call& C)
{
    auto* V = static_cast<VERIFY_INFORMATION*>(C.Buffer);
    if (C.In < sizeof(*V))
        return Complete(C.Irp, STATUS_INFO_LENGTH_MISMATCH);
    if (V->StartingOffset.QuadPart < 0 || V->StartingOffset.QuadPart % D.SectorBytes || V->Length % D.SectorBytes)
        return Complete(C.Irp, STATUS_INVALID_PARAMETER);
    ULONGLONG First = ULONGLONG(V->StartingOffset.QuadPart) / D.SectorBytes;
    ULONG Left = V->Length / D.SectorBytes;
    if (First > D.Sectors || Left > D.Sectors - First)
        return Complete(C.Irp, STATUS_NONEXISTENT_SECTOR);
    NTSTATUS Status = STATUS_SUCCESS;
    while (Left && NT_SUCCESS(Status)) {
        ULONG Now = Left > 0x8000 ? 0x8000 : Left;
        UCHAR Cdb[16] = { Verify16 };
        PutBig(Cdb + 2, First, 8);
        PutBig(Cdb + 10, Now, 4);
        if (D.Sectors <= 0xFFFFFFFF) {
            memset(Cdb, 0, sizeof(Cdb));
            Cdb[0] = Verify10;
            PutBig(Cdb + 2, First, 4);
            PutBig(Cdb + 7, Now, 2);
        }
        Status = Execute(D, Cdb, Cdb[0] == Verify16 ? 16 : 10, nullptr, 0, false, 3);
        First += Now;
        Left -= Now;
    }
    return Complete(C.Irp, Status);
}

NTSTATUS Dispatch(Disk& D, const Call& C, ULONG Code)
{
    switch (Code) {
    case IOCTL_DISK_GET_DRIVE_GEOMETRY:
    case IOCTL_DISK_GET_MEDIA_TYPES: {
        if (!D.Sectors)
            return Complete(C.Irp, STATUS_NO_MEDIA_IN_DEVICE);
        DISK_GEOMETRY G = Geometry(D);
        return Answer(C, &G, sizeof(G));
    }
    case IOCTL_DISK_GET_DRIVE_GEOMETRY_EX: {
        if (!D.Sectors)
            return Complete(C.Irp, STATUS_NO_MEDIA_IN_DEVICE);
        DISK_GEOMETRY_EX G {};
        G.Geometry = Geometry(D);
        G.DiskSize.QuadPart = LONGLONG(D.Sectors * D.SectorBytes);
        return Answer(C, &G, offsetof(DISK_GEOMETRY_EX, Data));
    }
    case IOCTL_DISK_GET_LENGTH_INFO: {
        GET_LENGTH_INFORMATION L {};
        L.Length.QuadPart = LONGLONG(D.Sectors * D.SectorBytes);
        return Answer(C, &L, sizeof(L));
    }
    case IOCTL_STORAGE_GET_DEVICE_NUMBER: {
        STORAGE_DEVICE_NUMBER N { FILE_DEVICE_DISK, D.Number, 0 };
        return Answer(C, &N, sizeof(N));
    }
    case IOCTL_STORAGE_QUERY_PROPERTY: return QueryProperty(D, C);
    case IOCTL_DISK_IS_WRITABLE: return Complete(C.Irp, D.ReadOnly ? STATUS_MEDIA_WRITE_PROTECTED : STATUS_SUCCESS);
    case IOCTL_STORAGE_CHECK_VERIFY:
    case IOCTL_STORAGE_CHECK_VERIFY2:
    case IOCTL_DISK_CHECK_VERIFY: return Complete(C.Irp, Ready(D));
    case IOCTL_DISK_VERIFY: return VerifySectors(D, C);
    case IOCTL_DISK_UPDATE_PROPERTIES:
    case IOCTL_DISK_UPDATE_DRIVE_SIZE: {
        NTSTATUS Status = Identify(D);
        DISK_GEOMETRY G = Geometry(D);
        return NT_SUCCESS(Status) && Code == IOCTL_DISK_UPDATE_DRIVE_SIZE ? Answer(C, &G, sizeof(G)) : Complete(C.Irp, Status);
    }
    case IOCTL_STORAGE_GET_HOTPLUG_INFO: {
        STORAGE_HOTPLUG_INFO H {};
        H.Size = sizeof(H);
        H.MediaRemovable = D.Removable;
        return Answer(C, &H, sizeof(H));
    }
    case IOCTL_SCSI_PASS_THROUGH: return PassThrough(D, C);
    // The caller's buffer is out of reach here.
    case IOCTL_SCSI_PASS_THROUGH_DIRECT: return Complete(C.Irp, STATUS_NOT_SUPPORTED);
    default: return PassDown(D, C.Irp);
    }
}

}

NTSTATUS AskBelow(Disk& D, ULONG Code, void* In, ULONG InBytes, void* Out, ULONG OutBytes, ULONG_PTR* Information)
{
    KEVENT Event;
    IO_STATUS_BLOCK Iosb {};
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    PIRP Irp = IoBuildDeviceIoControlRequest(Code, D.Below, In, InBytes, Out, OutBytes, FALSE, &Event, &Iosb);
    if (!Irp)
        return STATUS_INSUFFICIENT_RESOURCES;
    NTSTATUS Status = IoCallDriver(D.Below, Irp);
    if (Status == STATUS_PENDING) {
        KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, nullptr);
        Status = Iosb.Status;
    }
    if (Information)
        *Information = Iosb.Information;
    return Status;
}

NTSTATUS NTAPI Control(PDEVICE_OBJECT Device, PIRP Irp)
{
    Disk& D = Of(Device);
    auto& P = IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceIoControl;
    // Held until the answer of this driver; what goes on down is the next one's.
    NTSTATUS Status = IoAcquireRemoveLock(&D.Lock, Irp);
    if (!NT_SUCCESS(Status))
        return Complete(Irp, STATUS_DEVICE_DOES_NOT_EXIST);
    Call C { Irp, P.InputBufferLength, P.OutputBufferLength, Irp->AssociatedIrp.SystemBuffer };
    Status = D.Started ? Dispatch(D, C, P.IoControlCode) : Complete(Irp, STATUS_DEVICE_NOT_READY);
    IoReleaseRemoveLock(&D.Lock, Irp);
    return Status;
}

}
