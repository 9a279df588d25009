// disk.sys: a disk over a port driver's physical device that takes SCSI request blocks (IRP_MJ_SCSI).
//
// \Device\HarddiskN\DRN, links \??\PhysicalDriveN and \Device\HarddiskN\Partition0, interface GUID_DEVINTERFACE_DISK. Direct I/O; what
// moves data and what answers mean is common/srb.hpp's.
// Sources: SPC-4 (commands, sense data), SBC-3 (READ, WRITE, READ CAPACITY, SYNCHRONIZE CACHE); the requests as the WDK documents them.
#pragma once
#include "wdm/ntoskrnl/ddk.hpp"

#include <ntdddisk.h>
#include <ntddscsi.h>
#include <ntddstor.h>
#include <srb.h>

#include "drivers/storage/common/srb.hpp"

namespace disk {

constexpr ULONG Tag = 'ksiD';
using namespace srb;

struct Disk : Mover {
    PDEVICE_OBJECT Self, Physical;
    ULONG Number;
    ULONGLONG Sectors;
    bool Started, Linked, ReadOnly, Removable, ForcesUnit;
    IO_REMOVE_LOCK Lock;
    UNICODE_STRING Interface;
    HANDLE Folder;                      // \Device\HarddiskN
    ULONG PhysicalSectorBytes;
};
inline Disk& Of(PDEVICE_OBJECT D) { return *static_cast<Disk*>(D->DeviceExtension); }

NTSTATUS Complete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information = 0);

// --- scsi.cpp
// Sends a command and waits; Data in nonpaged memory of the process. Tries: at most so often. Done: bytes.
NTSTATUS Execute(Disk& D, const UCHAR* Cdb, UCHAR CdbBytes, void* Data, ULONG Bytes, bool Write, ULONG Tries, ULONG* Done = nullptr);
// The same with the caller's block, once and unjudged.
NTSTATUS ExecuteOnce(Disk& D, SCSI_REQUEST_BLOCK& Srb, void* Data, ULONG Bytes);
NTSTATUS Identify(Disk& D);             // capacity, limits
NTSTATUS Ready(Disk& D);

// --- transfer.cpp
NTSTATUS NTAPI ReadWrite(PDEVICE_OBJECT Device, PIRP Irp);
NTSTATUS NTAPI Flush(PDEVICE_OBJECT Device, PIRP Irp);
void Ended(Mover& M, PIRP Irp, NTSTATUS Status, ULONG Bytes);
Verdict Decide(Mover&, PIRP, SCSI_REQUEST_BLOCK& Srb, NTSTATUS IrpStatus, ULONG);

// --- control.cpp
NTSTATUS NTAPI Control(PDEVICE_OBJECT Device, PIRP Irp);
NTSTATUS AskBelow(Disk& D, ULONG Code, void* In, ULONG InBytes, void* Out, ULONG OutBytes, ULONG_PTR* Information);

}
