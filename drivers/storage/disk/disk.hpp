// disk.sys: a disk over a port driver's physical device that takes SCSI request blocks (IRP_MJ_SCSI).
//
// \Device\HarddiskN\DRN, links \??\PhysicalDriveN and \Device\HarddiskN\Partition0, interface GUID_DEVINTERFACE_DISK. Direct I/O: a transfer goes down in
// pieces as large as the adapter takes, all at once, each by its own request that shares the MDL of the whole; nothing is copied. A piece that
// fails is sent again a few times when its sense data or status says that this helps.
// Sources: SPC-4 (commands, sense data), SBC-3 (READ, WRITE, READ CAPACITY, SYNCHRONIZE CACHE); the requests as the WDK documents them.
#pragma once
#include "wdm/ntoskrnl/ddk.hpp"

#include <ntdddisk.h>
#include <ntddscsi.h>
#include <ntddstor.h>
#include <srb.h>

namespace disk {

constexpr ULONG Tag = 'ksiD';
constexpr ULONG SenseBytes = 64, TimeOut = 30;

// Operation codes (SPC-4, SBC-3).
enum Operation : UCHAR {
    TestUnitReady = 0x00, RequestSense = 0x03, Inquiry = 0x12, ModeSense6 = 0x1A, ReadCapacity10 = 0x25, Read10 = 0x28, Write10 = 0x2A, Verify10 = 0x2F,
    SynchronizeCache10 = 0x35, Read16 = 0x88, Write16 = 0x8A, Verify16 = 0x8F, SynchronizeCache16 = 0x91, ServiceActionIn16 = 0x9E,
};
constexpr UCHAR ReadCapacity16 = 0x10;  // service action

struct Disk {
    PDEVICE_OBJECT Self, Below, Physical;
    ULONG Number, SectorBytes, MostBytes;      // of one transfer
    ULONGLONG Sectors;
    bool Started, Gone, Linked, ReadOnly, Removable;
    IO_REMOVE_LOCK Lock;
    UNICODE_STRING Interface;
    HANDLE Folder;                      // \Device\HarddiskN
    ULONG PhysicalSectorBytes;
};
inline Disk& Of(PDEVICE_OBJECT D) { return *static_cast<Disk*>(D->DeviceExtension); }

NTSTATUS Complete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information = 0);
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

// --- scsi.cpp
// What to do about a block that has come back.
struct Verdict {
    NTSTATUS Status;
    bool Again;                         // worth another try
    ULONG DelayMs;                      // before it
};
// IrpStatus: of the request that carried it (a port driver that is gone leaves the block alone).
Verdict Judge(const SCSI_REQUEST_BLOCK& Srb, NTSTATUS IrpStatus);
void Prepare(SCSI_REQUEST_BLOCK& Srb, const UCHAR* Cdb, UCHAR CdbBytes, void* Data, ULONG Bytes, bool Write, UCHAR* Sense);
// Sends a command and waits; Data in nonpaged memory of the process. Tries: at most so often. Done: bytes.
NTSTATUS Execute(Disk& D, const UCHAR* Cdb, UCHAR CdbBytes, void* Data, ULONG Bytes, bool Write, ULONG Tries, ULONG* Done = nullptr);
// The same with the caller's block, once and unjudged.
NTSTATUS ExecuteOnce(Disk& D, SCSI_REQUEST_BLOCK& Srb, void* Data, ULONG Bytes);
NTSTATUS Identify(Disk& D);             // capacity, limits
NTSTATUS Ready(Disk& D);

// --- transfer.cpp
NTSTATUS NTAPI ReadWrite(PDEVICE_OBJECT Device, PIRP Irp);
NTSTATUS NTAPI Flush(PDEVICE_OBJECT Device, PIRP Irp);
// A command by itself, on behalf of Irp, which it completes.
NTSTATUS SendCommand(Disk& D, PIRP Irp, const UCHAR* Cdb, UCHAR CdbBytes);

// --- control.cpp
NTSTATUS NTAPI Control(PDEVICE_OBJECT Device, PIRP Irp);
NTSTATUS AskBelow(Disk& D, ULONG Code, void* In, ULONG InBytes, void* Out, ULONG OutBytes, ULONG_PTR* Information);

}
