// classpnp.sys, the library of storage class drivers: private to it. Exported under the documented names (sdk/lib/classpnp.def, classpnp.h).
//
// A class driver calls ClassInitialize in its DriverEntry; AddDevice and the dispatch routines are the library's from then on, and call what the driver gave in
// CLASS_INIT_DATA. Its devices' extensions begin with FUNCTIONAL_DEVICE_EXTENSION. Reads and writes that ClassReadWriteVerification lets pass go down in pieces (common/srb.hpp),
// unless the driver has a StartIo and builds them itself (ClassBuildRequest, ClassSplitRequest).
// What an answer means is said by ClassInterpretSenseInfo, which asks the driver's ClassError last.
// Differs from Windows: no physical device objects of children (a driver with ClassEnumerateDevice is refused with STATUS_NOT_IMPLEMENTED); media changes and failures are not
// polled for (as when they are turned off in the registry); IRP_MJ_SYSTEM_CONTROL goes down, so WMI routines are never called, and ClassWmiFireEvent answers STATUS_NOT_SUPPORTED.
#pragma once
#include <classpnp.h>

#include "srb.hpp"

struct _CLASS_PRIVATE_FDO_DATA : srb::Mover {
    PDEVICE_OBJECT Self;
};

namespace classpnp {

constexpr ULONG Tag = 'nUcS';

inline PFUNCTIONAL_DEVICE_EXTENSION Fdo(PDEVICE_OBJECT D) { return static_cast<PFUNCTIONAL_DEVICE_EXTENSION>(D->DeviceExtension); }
inline PCOMMON_DEVICE_EXTENSION Common(PDEVICE_OBJECT D) { return static_cast<PCOMMON_DEVICE_EXTENSION>(D->DeviceExtension); }
inline _CLASS_PRIVATE_FDO_DATA& Private(PDEVICE_OBJECT D) { return *Fdo(D)->PrivateFdoData; }

// Gives the remove lock back and completes.
NTSTATUS Finish(PDEVICE_OBJECT D, PIRP Irp, NTSTATUS Status, ULONG_PTR Information = 0);
// False: the device is gone, and the request has been completed so.
bool Enter(PDEVICE_OBJECT D, PIRP Irp);
NTSTATUS PassDown(PDEVICE_OBJECT D, PIRP Irp);         // gives the lock back

// --- pnp.cpp
NTSTATUS NTAPI DispatchPnp(PDEVICE_OBJECT D, PIRP Irp);
NTSTATUS NTAPI DispatchPower(PDEVICE_OBJECT D, PIRP Irp);
// --- transfer.cpp
NTSTATUS NTAPI DispatchReadWrite(PDEVICE_OBJECT D, PIRP Irp);
srb::Verdict Decide(srb::Mover& M, PIRP Whole, SCSI_REQUEST_BLOCK& Srb, NTSTATUS IrpStatus, ULONG Tries);
void Ended(srb::Mover& M, PIRP Irp, NTSTATUS Status, ULONG Bytes);
// --- send.cpp
PSCSI_REQUEST_BLOCK NewSrb(PDEVICE_OBJECT D);
void FreeSrb(PDEVICE_OBJECT D, PSCSI_REQUEST_BLOCK Srb);
// Seconds: ClassInterpretSenseInfo's, for a driver's block that has come back with an error.
void Wait(ULONG Seconds);

}
