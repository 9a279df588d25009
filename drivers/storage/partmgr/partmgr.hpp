// partmgr.sys: partitions of disks. An upper filter of every disk that is the bus of its partitions.
//
// A partition is a physical device object with the name \Device\HarddiskVolumeN (the first number that is free) and the link \Device\HarddiskD\PartitionN. It reads and
// writes the disk at its offset, inside its bounds; MDLs go on as they came. What is asked about the disk as a whole goes down to it.
// The table is read when the disk starts and at IOCTL_DISK_UPDATE_PROPERTIES and SET_DRIVE_LAYOUT_EX; a partition that is still there, by offset and length, keeps its
// device.
#pragma once
#include "wdm/ntoskrnl/ddk.hpp"
extern "C" {
#include <mountdev.h>
#include <ntdddisk.h>
#include <ntddvol.h>
}

#include "drivers/storage/partmgr/table.hpp"

namespace partmgr {

constexpr ULONG Tag = 'gmtP';

struct DiskDevice;

// The beginning of both kinds' device extensions.
struct Common {
    bool IsVolume;
};

struct Volume : Common {
    DiskDevice* On;
    PDEVICE_OBJECT Device;
    Volume* Next;
    Partition What;
    ULONG Number;                   // HarddiskVolumeN
    bool Present, Reported, Linked;
    UNICODE_STRING Interface;
    UCHAR UniqueId[MaximumUniqueId];
    ULONG UniqueIdBytes;
    WCHAR Name[40], Link[56];
};

struct DiskDevice final : Disk {
    PDEVICE_OBJECT Device, Lower, Physical;
    ULONG Number;                   // \Device\HarddiskN
    ULONGLONG Length;
    ULONG Bytes;                    // of a sector
    bool Started;
    FAST_MUTEX Lock;                // around the table and the list
    Layout* Table;
    void* Work;
    Volume* Volumes;
    // --- partmgr::Disk
    uint64_t Sectors() const override { return Bytes ? Length / Bytes : 0; }
    uint32_t SectorBytes() const override { return Bytes; }
    bool Read(uint64_t Sector, uint32_t Count, void* To) override;
    bool Write(uint64_t Sector, uint32_t Count, const void* From) override;
};

// The device extension of a filter above a disk.
struct Filter : Common {
    DiskDevice Disk;
};

NTSTATUS Complete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information = 0);
// A control request of our own to the device below.
NTSTATUS Ask(PDEVICE_OBJECT Below, ULONG Code, void* In, ULONG InBytes, void* Out, ULONG OutBytes);
// Reads the table and makes the list of volumes like it. The lock is not held.
NTSTATUS ReadTable(DiskDevice& D);
NTSTATUS FilterControl(DiskDevice& D, PIRP Irp);
NTSTATUS FilterPnp(DiskDevice& D, PIRP Irp);
NTSTATUS GetLayout(DiskDevice& D, PIRP Irp);
NTSTATUS PassDown(PDEVICE_OBJECT Lower, PIRP Irp);

Volume* MakeVolume(DiskDevice& D, const Partition& P);
void DeleteVolume(Volume& V);
NTSTATUS VolumeDispatch(Volume& V, PIRP Irp);
// MBR types of file systems that Windows knows.
bool IsRecognized(UCHAR Type);
void Fill(PARTITION_INFORMATION_EX& To, const Layout& Of, const Partition& P);

extern PDRIVER_OBJECT Driver;

}
