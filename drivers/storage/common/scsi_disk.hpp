// A disk that knows no SCSI, seen through SCSI commands (SPC-4, SBC-3): what its miniport has found out about it answers INQUIRY, READ CAPACITY, MODE SENSE ...,
// and what moves data comes back as a Command for the miniport to do.
#pragma once
#include <storport.h>
#include <srbhelper.h>

namespace disk {

struct Disk {
    ULONGLONG Blocks;
    ULONG BlockBytes;
    UCHAR PhysicalExponent;     // blocks per physical block: 2^n
    bool WriteCache, ReadOnly, Unmaps;
    bool Fua;                   // the miniport can write through the cache
    ULONG MaximumUnmapBlocks, MaximumUnmapRanges;
    CHAR Vendor[8], Product[16], Revision[4];   // padded with blanks
    CHAR Serial[40];            // up to a zero
    UCHAR Eui64[8];             // zero: none
    UCHAR Naa[8];               // zero: none
};

enum class What : UCHAR {
    Done,                       // the request is answered: its status is set
    Read, Write, Flush, Unmap
};
struct Command {
    What Action;
    bool Fua;
    ULONG Blocks;
    ULONGLONG Lba;
};

// Sense keys and additional codes (SPC-4, tables 28 and D.2).
struct Sense {
    UCHAR Key, Code, Qualifier;
};
inline constexpr Sense InvalidCommand { 5, 0x20, 0 }, OutOfRange { 5, 0x21, 0 }, InvalidField { 5, 0x24, 0 }, NoUnit { 5, 0x25, 0 }, WriteProtected { 7, 0x27, 0 },
    ReadError { 3, 0x11, 0 }, WriteError { 3, 0x0C, 0 }, HardwareError { 4, 0x44, 0 }, NotReady { 2, 0x04, 0 }, ParameterLength { 5, 0x1A, 0 };

// Fills in sense data and the status of a failed request.
void Fail(PSCSI_REQUEST_BLOCK Srb, const Sense& S);
void Succeed(PSCSI_REQUEST_BLOCK Srb);

// What an SRB_FUNCTION_EXECUTE_SCSI for this disk asks. DataBuffer is a system address unless it is a read or a write.
Command Interpret(PSCSI_REQUEST_BLOCK Srb, const Disk& D);

// A range of UNMAP's parameter list (SBC-3, 5.28), the Index-th; false: there is none. The list has been checked by Interpret.
bool UnmapRange(PSCSI_REQUEST_BLOCK Srb, ULONG Index, ULONGLONG& Lba, ULONG& Blocks);

// What HwAdapterControl answers to ScsiQuerySupportedControlTypes: that, stopping and restarting.
SCSI_ADAPTER_CONTROL_STATUS TellControls(PSCSI_SUPPORTED_CONTROL_TYPE_LIST List);

// What the miniports of PCI adapters set alike; the routines, sizes and the kind of request block are each one's own.
HW_INITIALIZATION_DATA PciAdapter();

// Text from a field of big-endian words (ATA) or plain bytes, padded with blanks.
void Pad(CHAR* To, ULONG Room, const CHAR* From);

}
