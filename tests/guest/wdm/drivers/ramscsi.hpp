// The test's port driver ramscsi.sys, shared with its test. Commands of its own (by SCSI pass through), besides those of a disk.
#pragma once

namespace ramscsi {

constexpr unsigned SectorBytes = 512, Sectors = 16384, MostBytes = 65536;
// Operation codes, vendor specific.
constexpr unsigned char Die = 0xC0,     // the process crashes before it answers
    Fail = 0xC1,                        // the next commands fail: byte 1 how many, byte 2 the sense key, byte 3 additional sense code; key 0xFF: BUSY
    Count = 0xC2,                       // reads Counts
    Vanish = 0xC3,                      // the disk is taken out
    Hang = 0xC4,                        // spins at DISPATCH_LEVEL for ever
    Delay = 0xC5;                       // commands take byte 1 milliseconds from now on

struct Counts {
    unsigned Commands, Reads, Writes, Flushes, Largest, InFlight, MostInFlight, Mapped;
};

// What both see: the sectors, which outlive the process.
constexpr const wchar_t* SectionName = L"\\BaseNamedObjects\\RamScsi";

}
