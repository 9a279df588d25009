// The volume as a whole: what is told of it, its label, file-system controls.
#include "fastfat.hpp"

namespace fastfat {

NTSTATUS QueryVolume(Volume& V, FS_INFORMATION_CLASS Class, void* To, ULONG Room, ULONG_PTR& Information)
{
    auto Put = [&](const void* From, usize Bytes, const void* Text, usize TextBytes) -> NTSTATUS {
        if (Room < Bytes)
            return STATUS_BUFFER_TOO_SMALL;
        memcpy(To, From, Bytes);
        usize Fits = TextBytes < Room - Bytes ? TextBytes : Room - Bytes;
        if (Fits)
            memcpy(static_cast<u8*>(To) + Bytes, Text, Fits);
        Information = Bytes + Fits;
        return Fits < TextBytes ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
    };
    u32 Sector = V.Fat->SectorBytes(), Cluster = V.Fat->ClusterBytes();
    switch (int(Class)) {
    case FileFsVolumeInformation: {
        FILE_FS_VOLUME_INFORMATION I {};
        I.VolumeSerialNumber = V.Serial;
        I.VolumeLabelLength = V.LabelBytes;
        return Put(&I, offsetof(FILE_FS_VOLUME_INFORMATION, VolumeLabel), V.Label, V.LabelBytes);
    }
    case FileFsSizeInformation:
    case FileFsFullSizeInformation: {
        auto Free = V.Fat->FreeClusters();
        if (!Free.Ok())
            return Free.Code();
        if (Class == FileFsSizeInformation) {
            FILE_FS_SIZE_INFORMATION I {};
            I.TotalAllocationUnits.QuadPart = V.Fat->Clusters();
            I.AvailableAllocationUnits.QuadPart = Free.Value();
            I.SectorsPerAllocationUnit = Cluster / Sector;
            I.BytesPerSector = Sector;
            return Put(&I, sizeof(I), nullptr, 0);
        }
        FILE_FS_FULL_SIZE_INFORMATION I {};
        I.TotalAllocationUnits.QuadPart = V.Fat->Clusters();
        I.CallerAvailableAllocationUnits.QuadPart = I.ActualAvailableAllocationUnits.QuadPart = Free.Value();
        I.SectorsPerAllocationUnit = Cluster / Sector;
        I.BytesPerSector = Sector;
        return Put(&I, sizeof(I), nullptr, 0);
    }
    case FileFsDeviceInformation: {
        FILE_FS_DEVICE_INFORMATION I {};
        I.DeviceType = V.On.Target->DeviceType;
        I.Characteristics = V.On.Target->Characteristics | FILE_DEVICE_IS_MOUNTED;
        return Put(&I, sizeof(I), nullptr, 0);
    }
    case FileFsAttributeInformation: {
        FILE_FS_ATTRIBUTE_INFORMATION I {};
        const WCHAR* Name = V.Fat->Bits() == 32 ? L"FAT32" : L"FAT";
        I.FileSystemAttributes = FILE_CASE_PRESERVED_NAMES | FILE_UNICODE_ON_DISK;
        I.MaximumComponentNameLength = 255;
        I.FileSystemNameLength = ULONG(wcslen(Name) * 2);
        return Put(&I, offsetof(FILE_FS_ATTRIBUTE_INFORMATION, FileSystemName), Name, I.FileSystemNameLength);
    }
    case 11: {                          // FileFsSectorSizeInformation
        ULONG I[7] = { Sector, Sector, Sector, Sector, 3, 0, 0 };
        return Put(I, sizeof(I), nullptr, 0);
    }
    default: return STATUS_INVALID_PARAMETER;
    }
}

NTSTATUS SetVolume(Volume& V, FS_INFORMATION_CLASS Class, const void* From, ULONG Bytes)
{
    if (Class != FileFsLabelInformation)
        return STATUS_INVALID_PARAMETER;
    ULONG Length;
    if (Bytes < 4)
        return STATUS_INFO_LENGTH_MISMATCH;
    memcpy(&Length, From, 4);
    if (Length & 1 || Length > Bytes - 4)
        return STATUS_INVALID_PARAMETER;
    const auto* Text = reinterpret_cast<const wchar_t*>(static_cast<const u8*>(From) + 4);
    if (Status S = V.Fat->SetLabel({ Text, Length / 2 }, Now()); !S.Ok())
        return S.Code();
    Changed(V);
    V.LabelBytes = USHORT(Length);
    for (ULONG I = 0; I < Length / 2; ++I)
        V.Label[I] = RtlUpcaseUnicodeChar(Text[I]);
    V.Vpb->VolumeLabelLength = V.LabelBytes;
    memcpy(V.Vpb->VolumeLabel, V.Label, V.LabelBytes);
    return STATUS_SUCCESS;
}

static NTSTATUS Lock(Volume& V, FILE_OBJECT* File)
{
    if (V.LockedBy)
        return STATUS_ACCESS_DENIED;
    if (V.Files || V.Whole->Opens > 1)
        return STATUS_ACCESS_DENIED;
    if (Status S = Sync(V); !S.Ok())
        return S.Code();
    V.LockedBy = File;
    return STATUS_SUCCESS;
}

static NTSTATUS RetrievalPointers(Volume& V, Fcb& F, PIRP I, IO_STACK_LOCATION* S, ULONG_PTR& Information)
{
    // STARTING_VCN_INPUT_BUFFER, RETRIEVAL_POINTERS_BUFFER: METHOD_NEITHER.
    auto& P = S->Parameters.FileSystemControl;
    if (F.IsFolder() || F.IsVolume || P.InputBufferLength < 8)
        return STATUS_INVALID_PARAMETER;
    if (P.OutputBufferLength < 32)
        return STATUS_BUFFER_TOO_SMALL;
    u64 From;
    memcpy(&From, P.Type3InputBuffer, 8);
    auto* To = static_cast<u8*>(I->UserBuffer);
    u32 Cluster = V.Fat->ClusterBytes(), Count = 0, Room = (P.OutputBufferLength - 16) / 16;
    u64 Total = (u64(F.Header.FileSize.QuadPart) + Cluster - 1) / Cluster;
    if (From >= Total)
        return STATUS_END_OF_FILE;
    NTSTATUS Status = STATUS_SUCCESS;
    for (u64 At = From; At < Total;) {
        auto Run = V.Fat->Where(F.Entry, At * Cluster, (Total - At) * Cluster);
        if (!Run.Ok())
            return Run.Code();
        if (Count == Room) {
            Status = STATUS_BUFFER_OVERFLOW;
            break;
        }
        u64 Pair[2] = { At + Run->Bytes / Cluster, (Run->At - V.Fat->DataStart()) / Cluster };
        memcpy(To + 16 + Count * 16, Pair, 16);
        ++Count;
        At = Pair[0];
    }
    u64 Head[2] = { Count, From };
    memcpy(To, Head, 16);
    Information = 16 + u64(Count) * 16;
    return Status;
}

NTSTATUS Control(Volume& V, Fcb& F, PIRP I, IO_STACK_LOCATION* S, ULONG_PTR& Information)
{
    if (S->MinorFunction != IRP_MN_USER_FS_REQUEST && S->MinorFunction != IRP_MN_KERNEL_CALL)
        return STATUS_INVALID_DEVICE_REQUEST;
    ULONG Code = S->Parameters.FileSystemControl.FsControlCode;
    switch (Code) {
    case FSCTL_IS_VOLUME_MOUNTED: return V.Dismounted ? STATUS_VOLUME_DISMOUNTED : STATUS_SUCCESS;
    case FSCTL_LOCK_VOLUME: return F.IsVolume && !V.Dismounted ? Lock(V, S->FileObject) : STATUS_INVALID_PARAMETER;
    case FSCTL_UNLOCK_VOLUME:
        if (!F.IsVolume || V.LockedBy != S->FileObject)
            return F.IsVolume ? STATUS_NOT_LOCKED : STATUS_INVALID_PARAMETER;
        V.LockedBy = nullptr;
        return STATUS_SUCCESS;
    case FSCTL_DISMOUNT_VOLUME:
        if (!F.IsVolume)
            return STATUS_INVALID_PARAMETER;
        if (V.Dismounted)
            return STATUS_VOLUME_DISMOUNTED;
        if (Status E = Sync(V); !E.Ok())
            return E.Code();
        V.Dismounted = true;
        for (Fcb* Each = V.Fcbs; Each; Each = Each->Next)
            Each->Header.IsFastIoPossible = FastIoIsNotPossible;
        V.Vpb->Flags &= ~VPB_MOUNTED;
        V.On.Drop();
        return STATUS_SUCCESS;
    case FSCTL_IS_PATHNAME_VALID: return STATUS_SUCCESS;
    case FSCTL_GET_RETRIEVAL_POINTERS: return V.Dismounted ? STATUS_VOLUME_DISMOUNTED : RetrievalPointers(V, F, I, S, Information);
    default: return STATUS_INVALID_DEVICE_REQUEST;
    }
}

}
