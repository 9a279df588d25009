// What answers mean, and commands that every class driver sends.
#include "class.hpp"

using namespace classpnp;

extern "C" {

// Whether the block is to be sent again, and after how many seconds.
BOOLEAN NTAPI ClassInterpretSenseInfo(PDEVICE_OBJECT D, PSCSI_REQUEST_BLOCK Srb, UCHAR, ULONG Code, ULONG RetryCount, NTSTATUS* Status, ULONG* RetryInterval)
{
    PFUNCTIONAL_DEVICE_EXTENSION F = Fdo(D);
    srb::Verdict V = srb::Judge(*Srb, STATUS_SUCCESS);
    if (SRB_STATUS(Srb->SrbStatus) == SRB_STATUS_DATA_OVERRUN)
        V = { STATUS_DATA_OVERRUN, false, 0 };
    // Whoever asks for the medium wants to know of a new one.
    bool Verifies = Code == IOCTL_STORAGE_CHECK_VERIFY || Code == IOCTL_STORAGE_CHECK_VERIFY2 || Code == IOCTL_DISK_CHECK_VERIFY || Code == IOCTL_CDROM_CHECK_VERIFY;
    if (V.Status == STATUS_VERIFY_REQUIRED) {
        if (D->Characteristics & FILE_REMOVABLE_MEDIA) {
            ++F->MediaChangeCount;
            if (D->Vpb && D->Vpb->Flags & VPB_MOUNTED) {
                D->Flags |= DO_VERIFY_VOLUME;
                V.Again = false;
            }
        } else {
            V.Status = STATUS_IO_DEVICE_ERROR;
        }
        V.Again = V.Again && !Verifies;
    }
    if (!NT_SUCCESS(V.Status) && V.Status != STATUS_DATA_OVERRUN && V.Status != STATUS_VERIFY_REQUIRED && V.Status != STATUS_NO_MEDIA_IN_DEVICE)
        InterlockedIncrement(reinterpret_cast<volatile LONG*>(&F->ErrorCount));
    BOOLEAN Again = V.Again && RetryCount < MAXIMUM_RETRIES;
    *Status = V.Status;
    if (F->CommonExtension.DevInfo->ClassError)
        F->CommonExtension.DevInfo->ClassError(D, Srb, Status, &Again);
    if (RetryInterval)
        *RetryInterval = Again ? (V.DelayMs + 500) / 1000 : 0;
    return Again;
}

// Into DiskGeometry, SectorShift and PartitionLength. Without an answer they are those of no medium.
NTSTATUS NTAPI ClassReadDriveCapacity(PDEVICE_OBJECT D)
{
    PFUNCTIONAL_DEVICE_EXTENSION F = Fdo(D);
    DISK_GEOMETRY& G = F->DiskGeometry;
    auto* Answer = static_cast<UCHAR*>(ExAllocatePoolWithTag(NonPagedPoolCacheAligned, 32, Tag));
    if (!Answer)
        return STATUS_INSUFFICIENT_RESOURCES;
    SCSI_REQUEST_BLOCK Srb {};
    Srb.CdbLength = 10;
    Srb.TimeOutValue = F->TimeOutValue;
    Srb.Cdb[0] = srb::ReadCapacity10;
    RtlZeroMemory(Answer, 32);
    NTSTATUS Status = ClassSendSrbSynchronous(D, &Srb, Answer, 8, FALSE);
    ULONGLONG Last = srb::GetBig(Answer, 4);
    ULONG Bytes = ULONG(srb::GetBig(Answer + 4, 4));
    if (NT_SUCCESS(Status) && Last == 0xFFFFFFFF) {
        RtlZeroMemory(&Srb, sizeof(Srb));
        RtlZeroMemory(Answer, 32);
        Srb.CdbLength = 16;
        Srb.TimeOutValue = F->TimeOutValue;
        Srb.Cdb[0] = srb::ServiceActionIn16;
        Srb.Cdb[1] = srb::ReadCapacity16;
        srb::PutBig(Srb.Cdb + 10, 32, 4);
        Status = ClassSendSrbSynchronous(D, &Srb, Answer, 32, FALSE);
        if (Status == STATUS_DATA_OVERRUN)      // an older one is shorter
            Status = STATUS_SUCCESS;
        Last = srb::GetBig(Answer, 8);
        Bytes = ULONG(srb::GetBig(Answer + 8, 4));
        F->DeviceFlags |= DEV_USE_16BYTE_CDB;
    }
    ExFreePoolWithTag(Answer, Tag);
    if (NT_SUCCESS(Status) && (Bytes & (Bytes - 1) || Last >= ~0ull / 65536))
        Bytes = 0;
    bool Good = NT_SUCCESS(Status);
    if (!Good || !Bytes)
        Bytes = D->DeviceType == FILE_DEVICE_CD_ROM ? 2048 : 512;
    if (!Good)
        Last = ~0ull;
    G.MediaType = D->Characteristics & FILE_REMOVABLE_MEDIA ? RemovableMedia : FixedMedia;
    G.BytesPerSector = Bytes;
    for (F->SectorShift = 0; 1u << F->SectorShift < Bytes;)
        ++F->SectorShift;
    G.TracksPerCylinder = D->DeviceType == FILE_DEVICE_CD_ROM ? 64 : 255;
    G.SectorsPerTrack = D->DeviceType == FILE_DEVICE_CD_ROM ? 32 : 63;
    G.Cylinders.QuadPart = LONGLONG((Last + 1) / (G.TracksPerCylinder * G.SectorsPerTrack));
    F->CommonExtension.PartitionLength.QuadPart = LONGLONG((Last + 1) << F->SectorShift);
    auto& P = Private(D);
    P.MostBytes = P.MostBytes < Bytes ? Bytes : P.MostBytes & ~(Bytes - 1);
    return Status;
}

// MODE SENSE (6). How many bytes came; 0: none.
ULONG NTAPI ClassModeSense(PDEVICE_OBJECT D, PCHAR Buffer, ULONG Length, UCHAR Page)
{
    SCSI_REQUEST_BLOCK Srb {};
    if (Length > 255)
        Length = 255;
    Srb.CdbLength = 6;
    Srb.TimeOutValue = Fdo(D)->TimeOutValue;
    Srb.Cdb[0] = srb::ModeSense6;
    Srb.Cdb[2] = Page & 0x3F;
    Srb.Cdb[4] = UCHAR(Length);
    auto* Room = static_cast<UCHAR*>(ExAllocatePoolWithTag(NonPagedPoolCacheAligned, Length ? Length : 1, Tag));
    if (!Room)
        return 0;
    RtlZeroMemory(Room, Length);
    NTSTATUS Status = ClassSendSrbSynchronous(D, &Srb, Room, Length, FALSE);
    ULONG Came = NT_SUCCESS(Status) || Status == STATUS_DATA_OVERRUN ? Srb.DataTransferLength : 0;
    if (Came > Length)
        Came = Length;
    RtlCopyMemory(Buffer, Room, Came);
    ExFreePoolWithTag(Room, Tag);
    return Came;
}

// The page in what MODE SENSE has answered; null.
PVOID NTAPI ClassFindModePage(PCHAR Buffer, ULONG Length, UCHAR Page, BOOLEAN Use6Byte)
{
    auto* At = reinterpret_cast<UCHAR*>(Buffer);
    ULONG Head = Use6Byte ? 4 : 8;
    if (Length < Head)
        return nullptr;
    ULONG Total = Use6Byte ? At[0] + 1u : ULONG(srb::GetBig(At, 2)) + 2;
    if (Total < Length)
        Length = Total;
    ULONG Offset = Head + (Use6Byte ? At[3] : ULONG(srb::GetBig(At + 6, 2)));
    while (Offset + 2 <= Length) {
        ULONG Bytes = At[Offset] & 0x40 ? Offset + 4 <= Length ? 4 + ULONG(srb::GetBig(At + Offset + 2, 2)) : Length : 2u + At[Offset + 1];
        if ((At[Offset] & 0x3F) == Page)
            return Bytes <= Length - Offset ? At + Offset : nullptr;
        if (Bytes > Length - Offset)
            break;
        Offset += Bytes;
    }
    return nullptr;
}

// The whole descriptor, in nonpaged memory that the caller frees.
NTSTATUS NTAPI ClassGetDescriptor(PDEVICE_OBJECT D, PSTORAGE_PROPERTY_ID Property, PSTORAGE_DESCRIPTOR_HEADER* Out)
{
    *Out = nullptr;
    STORAGE_PROPERTY_QUERY Query {};
    Query.PropertyId = *Property;
    Query.QueryType = PropertyStandardQuery;
    IO_STATUS_BLOCK Io {};
    ULONG Bytes = sizeof(STORAGE_DESCRIPTOR_HEADER);
    // First its length.
    for (int Round = 0; Round < 2; ++Round) {
        ULONG Room = Bytes > sizeof(Query) ? Bytes : ULONG(sizeof(Query));
        auto* Buffer = static_cast<PSTORAGE_DESCRIPTOR_HEADER>(ExAllocatePoolWithTag(NonPagedPool, Room, Tag));
        if (!Buffer)
            return STATUS_INSUFFICIENT_RESOURCES;
        RtlZeroMemory(Buffer, Room);
        RtlCopyMemory(Buffer, &Query, sizeof(Query));
        ClassSendDeviceIoControlSynchronous(IOCTL_STORAGE_QUERY_PROPERTY, D, Buffer, sizeof(Query), Bytes, FALSE, &Io);
        if (NT_SUCCESS(Io.Status) && Round && Buffer->Size <= Bytes) {
            *Out = Buffer;
            return STATUS_SUCCESS;
        }
        Bytes = Buffer->Size;
        ExFreePoolWithTag(Buffer, Tag);
        if (!NT_SUCCESS(Io.Status))
            return Io.Status;
        if (Bytes < sizeof(STORAGE_DESCRIPTOR_HEADER) || Bytes > 0x10000)
            return STATUS_UNSUCCESSFUL;
    }
    return STATUS_UNSUCCESSFUL;
}

// Calls for the entries of a list of devices that are this one: names are compared as far as the entry's go, those that are null are any.
void NTAPI ClassScanForSpecial(PFUNCTIONAL_DEVICE_EXTENSION F, CLASSPNP_SCAN_FOR_SPECIAL_INFO List[], PCLASS_SCAN_FOR_SPECIAL_HANDLER Call)
{
    PSTORAGE_DEVICE_DESCRIPTOR Descriptor = F->DeviceDescriptor;
    if (!Descriptor || !Call)
        return;
    auto Is = [&](PCHAR Wanted, ULONG Offset) {
        if (!Wanted)
            return true;
        const char* Has = Offset ? reinterpret_cast<const char*>(Descriptor) + Offset : "";
        while (*Wanted && *Wanted != '*' && *Wanted == *Has) {
            ++Wanted;
            ++Has;
        }
        return !*Wanted || *Wanted == '*';
    };
    for (; List->VendorId || List->ProductId || List->ProductRevision; ++List)
        if (Is(List->VendorId, Descriptor->VendorIdOffset) && Is(List->ProductId, Descriptor->ProductIdOffset) && Is(List->ProductRevision, Descriptor->ProductRevisionOffset))
            Call(F, List->Data);
}

}
