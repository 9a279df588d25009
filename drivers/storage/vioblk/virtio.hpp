// Structures of virtio 1.0 (OASIS, 2016): PCI transport (4.1.4), split queues (2.4), block device (5.2).
#pragma once
#include <storport.h>

namespace virtio {

// Virtio's own PCI capabilities (4.1.4): id 9; type, BAR, offset and length in it.
inline constexpr UCHAR VendorCapability = 9;
enum : UCHAR { CommonConfig = 1, NotifyConfig, IsrConfig, DeviceConfig };

struct Common {
    ULONG DeviceFeatureSelect, DeviceFeature, DriverFeatureSelect, DriverFeature;
    USHORT MsixConfig, Queues;
    UCHAR Status, Generation;
    USHORT QueueSelect, QueueSize, QueueMsixVector, QueueEnable, QueueNotifyOffset;
    ULONG QueueDescriptorsLow, QueueDescriptorsHigh, QueueDriverLow, QueueDriverHigh, QueueDeviceLow, QueueDeviceHigh;
};
static_assert(sizeof(Common) == 56);
enum : UCHAR { Acknowledge = 1, Driver = 2, DriverOk = 4, FeaturesOk = 8, Failed = 128 };
inline constexpr USHORT NoVector = 0xFFFF;

struct Descriptor {
    ULONGLONG Address;
    ULONG Length;
    USHORT Flags, Next;
};
enum : USHORT { HasNext = 1, DeviceWrites = 2, Indirect = 4 };
struct Available {
    USHORT Flags, Index, Ring[];
};
struct UsedElement {
    ULONG Id, Length;
};
struct Used {
    USHORT Flags, Index;
    UsedElement Ring[];
};
inline constexpr USHORT NoNotify = 1;

// Feature bits.
enum : ULONGLONG {
    SegMax = 1ull << 2, ReadOnly = 1ull << 5, BlockSize = 1ull << 6, FlushFeature = 1ull << 9, Topology = 1ull << 10, Discard = 1ull << 13, IndirectDescriptors = 1ull << 28,
    Version1 = 1ull << 32
};

struct BlockConfig {
    ULONGLONG Capacity;         // in 512 bytes
    ULONG SizeMax, SegMax;
    USHORT Cylinders;
    UCHAR Heads, Sectors;
    ULONG BlockSize;
    UCHAR PhysicalExponent, AlignmentOffset;
    USHORT MinimumIo;
    ULONG OptimalIo;
    UCHAR WriteBack, Unused0;
    USHORT Queues;
    ULONG MaxDiscardSectors, MaxDiscardSegments, DiscardAlignment;
};
static_assert(FIELD_OFFSET(BlockConfig, BlockSize) == 20 && FIELD_OFFSET(BlockConfig, MaxDiscardSectors) == 36);

enum : ULONG { In = 0, Out = 1, Flush = 4, GetId = 8, DiscardType = 11 };
struct Header {
    ULONG Type, Reserved;
    ULONGLONG Sector;
};
struct DiscardRange {
    ULONGLONG Sector;
    ULONG Sectors, Flags;
};
enum : UCHAR { Ok = 0, IoError = 1, Unsupported = 2 };

}
