// The share as a volume.
#include "drivers/filesystems/ninep/share.hpp"

namespace share {

namespace {

constexpr ULONG SectorBytes = 512;
enum : ULONG { FsSectorSizeInformation = 11 };
struct SectorSizes {
    ULONG Logical, PhysicalForAtomicity, PhysicalForPerformance, EffectiveForAtomicity, Flags, AlignmentOfFirst, AlignmentOfPartition;
};

struct Sizes {
    LONGLONG Units, Free, Available;
    ULONG SectorsPerUnit;
};

NTSTATUS SizesOf(Share& S, Sizes& To)
{
    auto V = S.Server.Volume();
    if (!V.Ok())
        return V.Code();
    // Whole clusters of at least a sector, in numbers that do not run over.
    u64 Unit = V->BlockBytes >= SectorBytes && V->BlockBytes <= 1 << 20 && V->BlockBytes % SectorBytes == 0 ? V->BlockBytes : SectorBytes;
    constexpr u64 Most = u64(1) << 42;
    auto Bounded = [&](u64 N) { return LONGLONG(N > Most ? Most : N); };
    To = { Bounded(V->Blocks), Bounded(V->Free), Bounded(V->Available), ULONG(Unit / SectorBytes) };
    return STATUS_SUCCESS;
}

// A structure with a name at its end, of which as much is told as fits.
NTSTATUS WithName(void* To, ULONG Room, const void* Fixed, ULONG FixedBytes, const void* Name, ULONG NameBytes, ULONG_PTR& Used)
{
    if (Room < FixedBytes)
        return STATUS_INFO_LENGTH_MISMATCH;
    ULONG Fits = Room - FixedBytes < NameBytes ? (Room - FixedBytes) & ~1u : NameBytes;
    memcpy(To, Fixed, FixedBytes);
    memcpy(static_cast<u8*>(To) + FixedBytes, Name, Fits);
    Used = FixedBytes + Fits;
    return Fits < NameBytes ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

}

NTSTATUS QueryVolume(Share& S, PIRP I, IO_STACK_LOCATION* L)
{
    if (!S.Started)
        return STATUS_DEVICE_NOT_READY;
    void* To = I->AssociatedIrp.SystemBuffer;
    ULONG Room = L->Parameters.QueryVolume.Length;
    ULONG_PTR& Used = I->IoStatus.Information;
    auto Put = [&](const void* From, ULONG Bytes) {
        if (Room < Bytes)
            return STATUS_INFO_LENGTH_MISMATCH;
        memcpy(To, From, Bytes);
        Used = Bytes;
        return STATUS_SUCCESS;
    };
    switch (ULONG(L->Parameters.QueryVolume.FsInformationClass)) {
    case FileFsVolumeInformation: {
        auto V = S.Server.Volume();
        if (!V.Ok())
            return V.Code();
        FILE_FS_VOLUME_INFORMATION A {};
        A.VolumeSerialNumber = ULONG(V->Id) ^ ULONG(V->Id >> 32);
        A.VolumeLabelLength = ULONG(S.Label.Size() * sizeof(WCHAR));
        return WithName(To, Room, &A, FIELD_OFFSET(FILE_FS_VOLUME_INFORMATION, VolumeLabel), S.Label.Data(), A.VolumeLabelLength, Used);
    }
    case FileFsSizeInformation: {
        Sizes Z;
        NTSTATUS Status = SizesOf(S, Z);
        FILE_FS_SIZE_INFORMATION A { { .QuadPart = Z.Units }, { .QuadPart = Z.Available }, Z.SectorsPerUnit, SectorBytes };
        return NT_SUCCESS(Status) ? Put(&A, sizeof(A)) : Status;
    }
    case FileFsFullSizeInformation: {
        Sizes Z;
        NTSTATUS Status = SizesOf(S, Z);
        FILE_FS_FULL_SIZE_INFORMATION A { { .QuadPart = Z.Units }, { .QuadPart = Z.Available }, { .QuadPart = Z.Free }, Z.SectorsPerUnit, SectorBytes };
        return NT_SUCCESS(Status) ? Put(&A, sizeof(A)) : Status;
    }
    case FileFsDeviceInformation: {
        FILE_FS_DEVICE_INFORMATION A { S.Device->DeviceType, S.Device->Characteristics };
        return Put(&A, sizeof(A));
    }
    case FileFsAttributeInformation: {
        static constexpr WCHAR Name[] = L"9P";
        FILE_FS_ATTRIBUTE_INFORMATION A {};
        A.FileSystemAttributes = FILE_CASE_PRESERVED_NAMES | FILE_UNICODE_ON_DISK | FILE_SUPPORTS_REPARSE_POINTS | FILE_SUPPORTS_HARD_LINKS;
        A.MaximumComponentNameLength = ninep::MaximumName;
        A.FileSystemNameLength = sizeof(Name) - sizeof(WCHAR);
        return WithName(To, Room, &A, FIELD_OFFSET(FILE_FS_ATTRIBUTE_INFORMATION, FileSystemName), Name, A.FileSystemNameLength, Used);
    }
    case FsSectorSizeInformation: {
        SectorSizes A { SectorBytes, SectorBytes, SectorBytes, SectorBytes, 0, 0, 0 };
        return Put(&A, sizeof(A));
    }
    default: return STATUS_INVALID_INFO_CLASS;
    }
}

}
