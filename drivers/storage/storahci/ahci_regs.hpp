// Serial ATA AHCI 1.3.1: registers (3), structures in memory (4); commands of ACS-3 and Serial ATA 3.0.
#pragma once
#include <storport.h>

namespace ahci {

struct Port {
    ULONG ListBase, ListBaseHigh, FisBase, FisBaseHigh, InterruptStatus, InterruptEnable, Command, Reserved0, TaskFile, Signature, SataStatus, SataControl, SataError, SataActive,
        CommandIssue, SataNotification, FisSwitching, DeviceSleep, Reserved1[10], Vendor[4];
};
static_assert(sizeof(Port) == 0x80 && FIELD_OFFSET(Port, CommandIssue) == 0x38);
struct Registers {
    ULONG Capabilities, Control, InterruptStatus, Implemented, Version, CccControl, CccPorts, EnclosureLocation, EnclosureControl, Capabilities2, Handoff;
    UCHAR Reserved[0x100 - 44];
    Port Ports[32];
};
static_assert(FIELD_OFFSET(Registers, Ports) == 0x100);

// GHC
enum : ULONG { HbaReset = 1, InterruptsOn = 2, AhciEnable = 1u << 31 };
// CAP
enum : ULONG { Supports64 = 1u << 31, SupportsNcq = 1u << 30, SupportsClo = 1u << 24, SupportsSpinUp = 1u << 27 };
// PxCMD
enum : ULONG { Start = 1, SpinUp = 2, PowerOn = 4, OverrideBusy = 8, FisOn = 0x10, FisRunning = 1u << 14, Running = 1u << 15, Active = 1u << 28 };
// PxIS, PxIE
enum : ULONG {
    IsDeviceToHost = 1, IsPioSetup = 2, IsDmaSetup = 4, IsSetDeviceBits = 8, IsDescriptor = 0x20, IsConnectChange = 0x40, IsPhyChange = 1u << 22, IsOverflow = 1u << 24,
    IsInterfaceNonFatal = 1u << 26, IsInterfaceFatal = 1u << 27, IsBusData = 1u << 28, IsBusFatal = 1u << 29, IsTaskFile = 1u << 30,
    IsErrors = IsOverflow | IsInterfaceFatal | IsBusData | IsBusFatal | IsTaskFile,
    IsAll = IsDeviceToHost | IsPioSetup | IsDmaSetup | IsSetDeviceBits | IsDescriptor | IsConnectChange | IsPhyChange | IsInterfaceNonFatal | IsErrors
};
// PxTFD: status in the low byte, error in the next
enum : ULONG { TaskError = 1, TaskRequest = 8, TaskBusy = 0x80 };
enum : UCHAR { ErrorAborted = 4, ErrorNoId = 0x10, ErrorUncorrectable = 0x40, ErrorCrc = 0x80 };
inline constexpr ULONG DiskSignature = 0x00000101;

struct CommandHeader {
    USHORT Flags, Descriptors;          // Flags: length of the FIS in dwords, bit 6 write
    ULONG Transferred, Table, TableHigh, Reserved[4];
};
static_assert(sizeof(CommandHeader) == 32);
inline constexpr USHORT HeaderWrite = 0x40;
struct DataDescriptor {
    ULONG Address, AddressHigh, Reserved, Bytes;    // one less; bit 31: interrupt
};
inline constexpr ULONG MostPerDescriptor = 4 * 1024 * 1024;

// Register FIS, host to device.
struct HostFis {
    UCHAR Type, Flags, Command, Features, Lba0, Lba1, Lba2, Device, Lba3, Lba4, Lba5, FeaturesHigh, Count, CountHigh, Icc, Control, Auxiliary[4];
};
static_assert(sizeof(HostFis) == 20);
inline constexpr UCHAR HostFisType = 0x27, IsCommand = 0x80;

// Commands.
enum : UCHAR {
    ReadDmaExt = 0x25, WriteDmaExt = 0x35, WriteDmaFuaExt = 0x3D, ReadQueued = 0x60, WriteQueued = 0x61, ReadDma = 0xC8, WriteDma = 0xCA, FlushCache = 0xE7, FlushCacheExt = 0xEA,
    IdentifyDevice = 0xEC, DataSetManagement = 0x06
};

}
