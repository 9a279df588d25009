// Partition tables as the I/O manager reads them for disk drivers: of the master boot record with its extended partitions, and of GUID partition
// tables. Writing one answers STATUS_NOT_IMPLEMENTED.
#include "wdm/ntoskrnl/host.hpp"

#include <ntdddisk.h>

using namespace host;

namespace {

constexpr ULONG MostPartitions = 128;

class Disk {
public:
    explicit Disk(DEVICE_OBJECT* D) : Device_(D)
    {
        DISK_GEOMETRY G {};
        if (Control(IOCTL_DISK_GET_DRIVE_GEOMETRY, &G, sizeof(G)) >= 0)
            Sector = G.BytesPerSector;
        GET_LENGTH_INFORMATION L {};
        if (Control(IOCTL_DISK_GET_LENGTH_INFO, &L, sizeof(L)) >= 0)
            Bytes = u64(L.Length.QuadPart);
        else
            Bytes = u64(G.Cylinders.QuadPart) * G.TracksPerCylinder * G.SectorsPerTrack * G.BytesPerSector;
    }
    ULONG Sector = 0;
    u64 Bytes = 0;

    NTSTATUS Transfer(ULONG Major, u64 At, void* Buffer, ULONG Length)
    {
        LARGE_INTEGER Offset;
        Offset.QuadPart = LONGLONG(At);
        KEVENT Done;
        IO_STATUS_BLOCK Iosb;
        KeInitializeEvent(&Done, NotificationEvent, FALSE);
        PIRP I = IoBuildSynchronousFsdRequest(Major, Device_, Buffer, Length, &Offset, &Done, &Iosb);
        if (!I)
            return STATUS_INSUFFICIENT_RESOURCES;
        IoGetNextIrpStackLocation(I)->Flags |= SL_OVERRIDE_VERIFY_VOLUME;
        return Wait(IofCallDriver(Device_, I), Done, Iosb);
    }

private:
    NTSTATUS Control(ULONG Code, void* Out, ULONG OutBytes)
    {
        KEVENT Done;
        IO_STATUS_BLOCK Iosb;
        KeInitializeEvent(&Done, NotificationEvent, FALSE);
        PIRP I = IoBuildDeviceIoControlRequest(Code, Device_, nullptr, 0, Out, OutBytes, FALSE, &Done, &Iosb);
        return I ? Wait(IofCallDriver(Device_, I), Done, Iosb) : STATUS_INSUFFICIENT_RESOURCES;
    }
    static NTSTATUS Wait(NTSTATUS Status, KEVENT& Done, IO_STATUS_BLOCK& Iosb)
    {
        if (Status == STATUS_PENDING) {
            KeWaitForSingleObject(&Done, Executive, KernelMode, FALSE, nullptr);
            Status = Iosb.Status;
        }
        return Status;
    }
    DEVICE_OBJECT* Device_;
};

template <typename T> T At(const u8* Sector, ULONG Offset)
{
    T Value;
    memcpy(&Value, Sector + Offset, sizeof(T));
    return Value;
}

struct [[gnu::packed]] MbrEntry {
    u8 Boot, Chs[3], Type, ChsEnd[3];
    u32 Start, Sectors;
};
MbrEntry EntryOf(const u8* Sector, ULONG I) { return At<MbrEntry>(Sector, 446 + 16 * I); }
bool HasTable(const u8* Sector) { return At<u16>(Sector, 510) == 0xAA55; }
bool IsExtended(u8 Type) { return Type == 5 || Type == 0x0F || Type == 0x85; }

// What is found; Parts has room for MostPartitions.
struct Table {
    bool Gpt;
    ULONG Signature, Count;
    GUID DiskId;
    u64 FirstUsable, LastUsable;
    ULONG MostInGpt;
    PARTITION_INFORMATION_EX* Parts;
};

void AddMbr(Table& T, const MbrEntry& E, u64 Base, ULONG Sector, ULONG& Number)
{
    if (T.Count == MostPartitions)
        return;
    auto& P = T.Parts[T.Count++];
    memset(&P, 0, sizeof(P));
    P.PartitionStyle = PARTITION_STYLE_MBR;
    P.StartingOffset.QuadPart = E.Type ? LONGLONG((Base + E.Start) * Sector) : 0;
    P.PartitionLength.QuadPart = LONGLONG(u64(E.Sectors) * Sector);
    P.Mbr.PartitionType = E.Type;
    P.Mbr.BootIndicator = E.Boot == 0x80;
    P.Mbr.RecognizedPartition = E.Type && !IsExtended(E.Type);
    P.Mbr.HiddenSectors = E.Start;
    P.PartitionNumber = P.Mbr.RecognizedPartition ? ++Number : 0;
}

NTSTATUS ReadMbr(Disk& D, const u8* First, u8* Sector, Table& T)
{
    ULONG Number = 0;
    u64 Chain = 0;
    memcpy(Sector, First, D.Sector);
    // Each record of the chain has four entries in the answer, as Windows gives them.
    for (u64 Record = 0, Steps = 0; Steps < MostPartitions / 4; ++Steps) {
        u64 Next = 0;
        for (ULONG I = 0; I < 4; ++I) {
            MbrEntry E = EntryOf(Sector, I);
            u64 From = IsExtended(E.Type) ? Chain : Record;
            if (E.Type && (From + E.Start) * D.Sector >= D.Bytes)
                return STATUS_DISK_CORRUPT_ERROR;
            if (IsExtended(E.Type) && !Next)
                Next = Chain + E.Start;
            AddMbr(T, E, From, D.Sector, Number);
        }
        if (!Next)
            return STATUS_SUCCESS;
        if (!Chain)
            Chain = Next;
        Record = Next;
        if (NTSTATUS Status = D.Transfer(IRP_MJ_READ, Next * D.Sector, Sector, D.Sector); Status < 0)
            return Status;
        if (!HasTable(Sector))
            return STATUS_SUCCESS;
    }
    return STATUS_DISK_CORRUPT_ERROR;   // a chain that goes round
}

u32 Crc(const u8* From, ULONG Bytes)
{
    u32 Sum = ~0u;
    while (Bytes--) {
        Sum ^= *From++;
        for (int I = 0; I < 8; ++I)
            Sum = Sum >> 1 ^ (Sum & 1 ? 0xEDB88320 : 0);
    }
    return ~Sum;
}

NTSTATUS ReadGpt(Disk& D, u64 Header, u8* Sector, Table& T)
{
    if (NTSTATUS Status = D.Transfer(IRP_MJ_READ, Header * D.Sector, Sector, D.Sector); Status < 0)
        return Status;
    ULONG Length = At<u32>(Sector, 12), Sum = At<u32>(Sector, 16), Zero = 0;
    if (memcmp(Sector, "EFI PART", 8) || Length < 92 || Length > D.Sector)
        return STATUS_DISK_CORRUPT_ERROR;
    memcpy(Sector + 16, &Zero, 4);
    ULONG Entries = At<u32>(Sector, 80), EntryBytes = At<u32>(Sector, 84);
    if (Crc(Sector, Length) != Sum || EntryBytes < 128 || EntryBytes > 4096 || Entries > 1024)
        return STATUS_DISK_CORRUPT_ERROR;
    T.Gpt = true;
    T.FirstUsable = At<u64>(Sector, 40);
    T.LastUsable = At<u64>(Sector, 48);
    T.DiskId = At<GUID>(Sector, 56);
    T.MostInGpt = Entries;
    u64 List = At<u64>(Sector, 72);
    ULONG ListBytes = ULONG(AlignUp(Entries * EntryBytes, D.Sector)), ListSum = At<u32>(Sector, 88);
    auto* All = static_cast<u8*>(ExAllocatePoolWithTag(NonPagedPool, ListBytes, 'tpIo'));
    if (!All)
        return STATUS_INSUFFICIENT_RESOURCES;
    NTSTATUS Status = D.Transfer(IRP_MJ_READ, List * D.Sector, All, ListBytes);
    if (Status >= 0 && Crc(All, Entries * EntryBytes) != ListSum)
        Status = STATUS_DISK_CORRUPT_ERROR;
    static const GUID None {};
    for (ULONG I = 0; Status >= 0 && I < Entries && T.Count < MostPartitions; ++I) {
        const u8* E = All + I * EntryBytes;
        if (!memcmp(E, &None, sizeof(GUID)))
            continue;
        auto& P = T.Parts[T.Count++];
        memset(&P, 0, sizeof(P));
        u64 First = At<u64>(E, 32), Last = At<u64>(E, 40);
        P.PartitionStyle = PARTITION_STYLE_GPT;
        P.StartingOffset.QuadPart = LONGLONG(First * D.Sector);
        P.PartitionLength.QuadPart = LONGLONG((Last - First + 1) * D.Sector);
        P.PartitionNumber = T.Count;
        P.Gpt.PartitionType = At<GUID>(E, 0);
        P.Gpt.PartitionId = At<GUID>(E, 16);
        P.Gpt.Attributes = At<u64>(E, 48);
        memcpy(P.Gpt.Name, E + 56, sizeof(P.Gpt.Name));
    }
    ExFreePool(All);
    return Status;
}

// Of the device; Read is called with the table while it is there.
template <typename F> NTSTATUS WithTable(DEVICE_OBJECT* Device, F Use)
{
    Disk D(Device);
    if (D.Sector < 512 || D.Sector > 4096)
        return STATUS_INVALID_DEVICE_REQUEST;
    usize Bytes = 2 * usize(D.Sector) + MostPartitions * sizeof(PARTITION_INFORMATION_EX);
    auto* Buffer = static_cast<u8*>(ExAllocatePoolWithTag(NonPagedPool, Bytes, 'tpIo'));
    if (!Buffer)
        return STATUS_INSUFFICIENT_RESOURCES;
    Table T {};
    T.Parts = reinterpret_cast<PARTITION_INFORMATION_EX*>(Buffer + 2 * D.Sector);
    u8 *First = Buffer, *Sector = Buffer + D.Sector;
    NTSTATUS Status = D.Transfer(IRP_MJ_READ, 0, First, D.Sector);
    if (Status >= 0 && HasTable(First)) {
        T.Signature = At<u32>(First, 440);
        bool Protective = false;
        for (ULONG I = 0; I < 4; ++I)
            Protective |= EntryOf(First, I).Type == 0xEE;
        Status = !Protective ? ReadMbr(D, First, Sector, T) : ReadGpt(D, 1, Sector, T);
        if (Protective && Status == STATUS_DISK_CORRUPT_ERROR) {
            T.Count = 0;
            Status = ReadGpt(D, D.Bytes / D.Sector - 1, Sector, T);      // the copy at the end
        }
    }
    if (Status >= 0)
        Status = Use(D, T, First);
    ExFreePool(Buffer);
    return Status;
}

}

extern "C" {

NTSTATUS NTAPI IoReadPartitionTableEx(PDEVICE_OBJECT Device, PDRIVE_LAYOUT_INFORMATION_EX* Out)
{
    *Out = nullptr;
    return WithTable(Device, [&](Disk& D, const Table& T, const u8*) -> NTSTATUS {
        usize Bytes = FIELD_OFFSET(DRIVE_LAYOUT_INFORMATION_EX, PartitionEntry) + (T.Count ? T.Count : 1) * sizeof(PARTITION_INFORMATION_EX);
        auto* L = static_cast<PDRIVE_LAYOUT_INFORMATION_EX>(ExAllocatePoolWithTag(NonPagedPool, Bytes, 'tpIo'));
        if (!L)
            return STATUS_INSUFFICIENT_RESOURCES;
        memset(L, 0, Bytes);
        L->PartitionStyle = T.Gpt ? PARTITION_STYLE_GPT : PARTITION_STYLE_MBR;
        L->PartitionCount = T.Count;
        if (T.Gpt) {
            L->Gpt.DiskId = T.DiskId;
            L->Gpt.StartingUsableOffset.QuadPart = LONGLONG(T.FirstUsable * D.Sector);
            L->Gpt.UsableLength.QuadPart = LONGLONG((T.LastUsable - T.FirstUsable + 1) * D.Sector);
            L->Gpt.MaxPartitionCount = T.MostInGpt;
        } else {
            L->Mbr.Signature = T.Signature;
        }
        memcpy(L->PartitionEntry, T.Parts, T.Count * sizeof(PARTITION_INFORMATION_EX));
        *Out = L;
        return STATUS_SUCCESS;
    });
}
NTSTATUS FASTCALL IoReadPartitionTable(PDEVICE_OBJECT Device, ULONG, BOOLEAN OnlyRecognized, PDRIVE_LAYOUT_INFORMATION* Out)
{
    *Out = nullptr;
    return WithTable(Device, [&](Disk&, const Table& T, const u8*) -> NTSTATUS {
        if (T.Gpt)
            return STATUS_NOT_SUPPORTED;
        usize Bytes = FIELD_OFFSET(DRIVE_LAYOUT_INFORMATION, PartitionEntry) + (T.Count ? T.Count : 1) * sizeof(PARTITION_INFORMATION);
        auto* L = static_cast<PDRIVE_LAYOUT_INFORMATION>(ExAllocatePoolWithTag(NonPagedPool, Bytes, 'tpIo'));
        if (!L)
            return STATUS_INSUFFICIENT_RESOURCES;
        memset(L, 0, Bytes);
        L->Signature = T.Signature;
        for (ULONG I = 0; I < T.Count; ++I) {
            const auto& P = T.Parts[I];
            if (OnlyRecognized && !P.Mbr.RecognizedPartition)
                continue;
            L->PartitionEntry[L->PartitionCount++] = { P.StartingOffset, P.PartitionLength, P.Mbr.HiddenSectors, P.PartitionNumber, P.Mbr.PartitionType, P.Mbr.BootIndicator,
                                                      P.Mbr.RecognizedPartition, FALSE };
        }
        *Out = L;
        return STATUS_SUCCESS;
    });
}
NTSTATUS NTAPI IoReadDiskSignature(PDEVICE_OBJECT Device, ULONG, PDISK_SIGNATURE Out)
{
    memset(Out, 0, sizeof(*Out));
    return WithTable(Device, [&](Disk&, const Table& T, const u8* First) -> NTSTATUS {
        if (T.Gpt) {
            Out->PartitionStyle = PARTITION_STYLE_GPT;
            Out->Gpt.DiskId = T.DiskId;
            return STATUS_SUCCESS;
        }
        if (!HasTable(First))
            return STATUS_UNRECOGNIZED_VOLUME;
        Out->PartitionStyle = PARTITION_STYLE_MBR;
        Out->Mbr.Signature = T.Signature;
        ULONG Sum = 0;
        for (ULONG I = 0; I < 512; I += 4)
            Sum += At<u32>(First, I);
        Out->Mbr.CheckSum = ~Sum + 1;
        return STATUS_SUCCESS;
    });
}
// The sector of a disk manager or an EZ-Drive, which have a partition of that type; none is on a disk of today.
void FASTCALL HalExamineMBR(PDEVICE_OBJECT Device, ULONG SectorBytes, ULONG Type, PVOID* Buffer)
{
    *Buffer = nullptr;
    Disk D(Device);
    ULONG Bytes = SectorBytes < 512 ? 512 : SectorBytes;
    auto* Sector = static_cast<u8*>(ExAllocatePoolWithTag(NonPagedPool, Bytes, 'tpIo'));
    if (!Sector)
        return;
    if (D.Transfer(IRP_MJ_READ, 0, Sector, Bytes) >= 0 && HasTable(Sector) && EntryOf(Sector, 0).Type == Type)
        *Buffer = Sector;
    else
        ExFreePool(Sector);
}
NTSTATUS NTAPI IoSetPartitionInformationEx(PDEVICE_OBJECT, ULONG, struct _SET_PARTITION_INFORMATION_EX*) { return STATUS_NOT_IMPLEMENTED; }
NTSTATUS FASTCALL IoSetPartitionInformation(PDEVICE_OBJECT, ULONG, ULONG, ULONG) { return STATUS_NOT_IMPLEMENTED; }
NTSTATUS NTAPI IoWritePartitionTableEx(PDEVICE_OBJECT, struct _DRIVE_LAYOUT_INFORMATION_EX*) { return STATUS_NOT_IMPLEMENTED; }
NTSTATUS FASTCALL IoWritePartitionTable(PDEVICE_OBJECT, ULONG, ULONG, ULONG, struct _DRIVE_LAYOUT_INFORMATION*) { return STATUS_NOT_IMPLEMENTED; }
NTSTATUS NTAPI IoVerifyPartitionTable(PDEVICE_OBJECT, BOOLEAN) { return STATUS_NOT_IMPLEMENTED; }
NTSTATUS NTAPI IoCreateDisk(PDEVICE_OBJECT, struct _CREATE_DISK*) { return STATUS_NOT_IMPLEMENTED; }

}
