// SCSI request blocks for class drivers: what an answer means, and transfers in pieces. disk.sys and the class library (wdm/classpnp) share it; it is compiled into both.
// Sources: SPC-4 (sense data), SAM-5 (statuses), SBC-3 (READ, WRITE); the requests as the WDK documents them.
#pragma once
#if __has_include("wdm/ntoskrnl/ddk.hpp")
#include "wdm/ntoskrnl/ddk.hpp"
#else
#include <ntddk.h>
#endif
#include <srb.h>

namespace srb {

constexpr ULONG SenseBytes = 64, TimeOut = 30;

// Operation codes (SPC-4, SBC-3).
enum Operation : UCHAR {
    TestUnitReady = 0x00, RequestSense = 0x03, Inquiry = 0x12, ModeSense6 = 0x1A, StartStop = 0x1B, ReadCapacity10 = 0x25, Read10 = 0x28, Write10 = 0x2A, Verify10 = 0x2F,
    SynchronizeCache10 = 0x35, ModeSense10 = 0x5A, Read16 = 0x88, Write16 = 0x8A, Verify16 = 0x8F, SynchronizeCache16 = 0x91, ServiceActionIn16 = 0x9E,
};
constexpr UCHAR ReadCapacity16 = 0x10;  // service action

// Big-endian numbers of commands and answers.
inline void PutBig(UCHAR* To, ULONGLONG Value, int Bytes)
{
    for (int I = 0; I < Bytes; ++I)
        To[I] = UCHAR(Value >> (8 * (Bytes - 1 - I)));
}
inline ULONGLONG GetBig(const UCHAR* From, int Bytes)
{
    ULONGLONG Value = 0;
    for (int I = 0; I < Bytes; ++I)
        Value = Value << 8 | From[I];
    return Value;
}

// What to do about a block that has come back.
struct Verdict {
    NTSTATUS Status;
    bool Again;                         // worth another try
    ULONG DelayMs;                      // before it
};
// IrpStatus: of the request that carried it (a port driver that is gone leaves the block alone).
Verdict Judge(const SCSI_REQUEST_BLOCK& Srb, NTSTATUS IrpStatus);
// Sense: SenseBytes, or null.
void Prepare(SCSI_REQUEST_BLOCK& Srb, const UCHAR* Cdb, UCHAR CdbBytes, void* Data, ULONG Bytes, bool Write, UCHAR* Sense);

// Where a class driver's transfers go. A transfer goes down in pieces as large as the adapter takes, all at once, each by a request of its own that shares the MDL of the
// whole; nothing is copied. A piece that fails is sent again a few times when that helps.
struct Mover {
    PDEVICE_OBJECT Below = nullptr;
    ULONG SectorBytes = 0, MostBytes = 0;       // that the adapter takes at once
    ULONG MoreFlags = 0, Seconds = TimeOut;     // of each block
    volatile bool Gone = false;                 // nothing is tried again
    // Judge, or who knows more. Tries: that it has been sent before.
    Verdict (*Decide)(Mover& M, PIRP Whole, SCSI_REQUEST_BLOCK& Srb, NTSTATUS IrpStatus, ULONG Tries) = nullptr;
    // It is over: completes the request.
    void (*Ended)(Mover& M, PIRP Irp, NTSTATUS Status, ULONG Bytes) = nullptr;
};
constexpr ULONG Tries = 5;

// Reads or writes whole sectors (Bytes is not 0). Most: of one piece. STATUS_PENDING, the request marked so; or a failure, and it is the caller's still.
NTSTATUS Move(Mover& M, PIRP Irp, ULONGLONG Offset, ULONG Bytes, ULONG Most, bool Write, bool Force, bool Long);
// A command without data, on behalf of Irp; the same outcome. A device need not know SYNCHRONIZE CACHE.
NTSTATUS Command(Mover& M, PIRP Irp, const UCHAR* Cdb, UCHAR CdbBytes);

}
