// storahci.sys: AHCI controllers with ATA disks, as a storport miniport. Each port is a bus with one target. Half duplex: HwStartIo, HwInterrupt and HwResetBus
// exclude each other by the interrupt lock.
//
// A port has up to 32 commands of native command queuing under way, or one command that cannot be queued (flush, trim); what comes meanwhile waits in the port's
// own list, in order. When a queued command fails the device forgets all of them: each is sent again by itself, so that the failing one is told from the rest.
#pragma once
#include "storahci/ahci_regs.hpp"

#include "common/scsi_disk.hpp"

namespace ahci {

inline constexpr ULONG MostPorts = 32, MostSlots = 32, MostBytes = 1024 * 1024, MostDescriptors = MostBytes / PAGE_SIZE + 1, MostTrims = 64;

// In memory the controller reads; its command table wants 128-byte alignment, which the extension itself need not have.
struct CommandTable {
    union {
        HostFis Fis;
        UCHAR FisRoom[64];
    };
    UCHAR Atapi[16], Reserved[48];
    DataDescriptor Data[MostDescriptors];
};
struct RequestExtension {
    PSCSI_REQUEST_BLOCK Next;           // of the port's list
    disk::Command What;
    bool Single;                        // not as a queued command
    UCHAR Slot;
    ULONGLONG Trims[MostTrims];         // one 512-byte block
    UCHAR TableRoom[sizeof(CommandTable) + 128];
};

struct PortState {
    volatile Port* Regs;
    UCHAR Number;
    bool Present, Queued, Ext, Trim;    // Queued: native command queuing; Ext: 48-bit addresses
    ULONG Depth;
    CommandHeader* Headers;
    ULONGLONG HeadersPhysical, FisPhysical;
    PSCSI_REQUEST_BLOCK Slots[MostSlots];
    ULONG Issued;                       // slots under way
    bool Alone;                         // the one under way is not a queued command
    PSCSI_REQUEST_BLOCK First, Last;    // waiting
    disk::Disk Disk;
};

struct Adapter {
    volatile Registers* Regs;
    ULONG Capabilities, PortCount, SlotCount;
    UCHAR* Memory;
    ULONGLONG MemoryPhysical;
    PortState Ports[MostPorts];
};

// --- port.cpp: the hardware's side
ULONG MemoryBytes(ULONG Ports);
bool StopPort(PortState& P);
bool StartPort(Adapter& A, PortState& P);
bool ResetLink(PortState& P);           // COMRESET; whether a device is there
// Looks for a disk and identifies it; polled, no interrupts.
void Discover(Adapter& A, PortState& P);

// --- command.cpp: requests
void Accept(Adapter& A, PortState& P, PSCSI_REQUEST_BLOCK Srb, const disk::Command& C);
void Serve(Adapter& A, PortState& P);   // its interrupt
void Drop(PortState& P);                // all requests are the port library's again

}
