// storport.sys, the storage port library: private to it. Exported under the documented names; what a miniport calls is in library.cpp, extended.cpp and
// notify.cpp, what class drivers and programs ask is in pnp.cpp, scsi.cpp and ioctl.cpp, and requests under way are queue.cpp's.
//
// A miniport calls StorPortInitialize in its DriverEntry. Each of its devices becomes an Adapter (the functional device \Device\RaidPortN, link \??\ScsiN:),
// each logical unit that answers INQUIRY a Unit (a physical device object for the class driver above).
// A request is a Request: the miniport gets a copy of the request block, of the kind it asked for (SCSI_REQUEST_BLOCK or STORAGE_REQUEST_BLOCK), and what it
// left there is copied back at the end. Data is described by an MDL; the scatter/gather list comes from its frames, and nothing is mapped for READ and WRITE.
// Locks: Adapter::Lock (DISPATCH_LEVEL) guards lists and counts. HwBuildIo is called without a lock, HwStartIo with StartLock (full duplex) or the interrupt
// lock (half duplex). The miniport's completions only go into a list that the adapter's DPC empties, so a miniport may complete from anywhere.
// Differs from Windows: a failed request does not freeze its unit's queue.
#pragma once
#define _STORPORT_
#include <storport.h>
#include <ntddscsi.h>
#include <ntddstor.h>
#include <srbhelper.h>

namespace stor {

struct Adapter;
struct Unit;

// What a driver gave StorPortInitialize.
struct Registration {
    Registration* Next;
    PVOID HwContext;
    HW_INITIALIZATION_DATA Hw;
};

inline constexpr ULONG Tag = 'roPS';
inline constexpr ULONG SenseRoom = 252, BlockRoom = 512, DefaultTimeout = 10, InquiryRoom = 96;

template <typename T> T* New(SIZE_T More = 0)
{
    void* At = ExAllocatePoolWithTag(NonPagedPool, sizeof(T) + More, Tag);
    if (At)
        RtlZeroMemory(At, sizeof(T) + More);
    return static_cast<T*>(At);
}

// A request under way. Made by NewRequest, filled, given to Submit; Finish is called at DISPATCH_LEVEL or below, and frees it.
struct Request {
    SLIST_ENTRY Done;           // the adapter's list of completed ones
    LIST_ENTRY Link;            // its unit's Waiting or Running
    Adapter* Of;
    Unit* Lun;
    PIRP Irp;
    PVOID Original;             // the class driver's request block, or null
    void (*Finish)(Request& R);
    PVOID Context;
    // --- the data: Bytes at Offset of Mdl (null: none)
    PMDL Mdl;
    ULONG_PTR Offset;
    ULONG Bytes;
    bool FreeMdl, UnlockMdl, Listed, Running, Completed, TimedOut, NoRetry;
    UCHAR Retries, Busies;
    ULONG SecondsLeft;
    STOR_SCATTER_GATHER_LIST* List;     // ListRoom bytes
    PVOID Extension;            // the miniport's, contiguous
    ULONGLONG ExtensionPhysical;
    PVOID Block;                // what the miniport sees: &Room
    alignas(16) UCHAR Room[BlockRoom];
    UCHAR Sense[SenseRoom];
};

struct Unit {                   // extension of a physical device object
    bool IsUnit;
    DEVICE_OBJECT* Self;
    Adapter* Of;
    LIST_ENTRY Link;            // Adapter::Units
    UCHAR Path, Target, Lun;
    bool Claimed, Present, Reported, Removed, Paused;
    LONG Locked;                // SRB_FUNCTION_LOCK_QUEUE
    ULONG Depth, Outstanding;
    ULONG BusyUntil;            // requests to complete before the next is sent; 0: not busy
    ULONG PauseLeft;            // seconds
    LIST_ENTRY Waiting, Running;
    PVOID Extension;            // the miniport's
    UCHAR Inquiry[InquiryRoom];
    CHAR Serial[64];
    UCHAR DeviceId[256];        // VPD page 0x83, or empty
    ULONG DeviceIdBytes;
};

struct Adapter {                // extension of the functional device object
    bool IsUnit;
    DEVICE_OBJECT *Self, *Pdo, *Lower;
    Registration* Of;
    ULONG Number;
    bool Started, LinkMade, HasPassive, Stopped, Paused, UsesMessages;
    PORT_CONFIGURATION_INFORMATION Config;
    ACCESS_RANGE Ranges[8];
    PVOID Extension;            // HwDeviceExtension; a pointer to this structure lies in front of it
    PVOID Mapped[16];
    ULONG MappedBytes[16];
    PHYSICAL_ADDRESS MappedFrom[16];
    PDMA_ADAPTER Dma;
    PVOID Uncached;
    PHYSICAL_ADDRESS UncachedPhysical;
    ULONG UncachedBytes;
    PHW_PASSIVE_INITIALIZE_ROUTINE Passive;
    PKINTERRUPT Interrupt;
    PIO_INTERRUPT_MESSAGE_INFO Messages;
    KSPIN_LOCK Lock, StartLock, InterruptLock;
    KDPC Dpc, RetryDpc, SecondDpc, HwTimerDpc;
    KTIMER RetryTimer, SecondTimer, HwTimer;
    PHW_TIMER HwTimerRoutine;
    SLIST_HEADER Completed;
    LIST_ENTRY Units;           // Unit
    LIST_ENTRY Free;            // Request
    ULONG Requests, Outstanding, BusyUntil, PauseLeft, MostOutstanding, ListRoom;
    bool RetryPending, ResetWanted;
    PIO_WORKITEM Worker;
    STORAGE_BUS_TYPE Bus;
    FAST_MUTEX EnumerationLock;
};

inline Adapter& AdapterOf(PVOID HwDeviceExtension) { return *static_cast<Adapter**>(HwDeviceExtension)[-2]; }
inline bool FullDuplex(const Adapter& A) { return A.Config.SynchronizationModel == StorSynchronizeFullDuplex; }
inline bool TakesEx(const Adapter& A) { return A.Config.SrbType == SRB_TYPE_STORAGE_REQUEST_BLOCK; }

// --- queue.cpp
Request* NewRequest(Adapter& A);        // null: no memory
void FreeRequest(Request& R);
// Writes the request block: a CDB for a unit. The data is in R.Mdl etc.
void DescribeScsi(Request& R, UCHAR Path, UCHAR Target, UCHAR Lun, const void* Cdb, ULONG CdbBytes, ULONG Flags, ULONG Timeout);
void DescribeFunction(Request& R, UCHAR Path, UCHAR Target, UCHAR Lun, ULONG Function);
// A class driver's block into the form the miniport takes. STATUS_INVALID_PARAMETER.
NTSTATUS DescribeOriginal(Request& R, PVOID Srb);
void CopyBack(Request& R);              // the results into R.Original
void Submit(Request& R);
void MiniportCompleted(Adapter& A, PVOID Srb);
void CompleteAll(Adapter& A, UCHAR Path, UCHAR Target, UCHAR Lun, UCHAR SrbStatus);     // 255: any. What the miniport still has
void StartWaiting(Adapter& A);          // below DISPATCH_LEVEL or at it, without locks
void StartTimers(Adapter& A);
void StopTimers(Adapter& A);
void Reset(Adapter& A, UCHAR Path);
Unit* FindUnit(Adapter& A, UCHAR Path, UCHAR Target, UCHAR Lun);
Request* RequestOf(PVOID Srb);          // of a block the miniport has
// Sends and waits; PASSIVE_LEVEL. The SRB status; Sense and ScsiStatus if wanted.
struct Outcome {
    UCHAR SrbStatus, ScsiStatus;
    ULONG Bytes;
    UCHAR Sense[SenseRoom];
};
Outcome RunCdb(Adapter& A, UCHAR Path, UCHAR Target, UCHAR Lun, const void* Cdb, ULONG CdbBytes, void* Data, ULONG Bytes, bool ToDevice = false);
NTSTATUS StatusOf(UCHAR SrbStatus);

// Raises to the level at which HwStartIo, HwTimer and HwResetBus are called.
class StartGuard {
public:
    explicit StartGuard(Adapter& A);
    ~StartGuard();

private:
    Adapter& A_;
    KIRQL Old_;
};
KIRQL AcquireInterrupt(Adapter& A);
void ReleaseInterrupt(Adapter& A, KIRQL Old);

// --- adapter.cpp
NTSTATUS StartAdapter(Adapter& A, PCM_RESOURCE_LIST Raw, PCM_RESOURCE_LIST Translated);
void StopAdapter(Adapter& A);
bool MakeDma(Adapter& A);

// --- units.cpp
void Enumerate(Adapter& A);             // PASSIVE_LEVEL
NTSTATUS UnitPnp(Unit& U, PIRP I);
void QueueEnumeration(Adapter& A);

// --- scsi.cpp, ioctl.cpp
NTSTATUS UnitScsi(Unit& U, PIRP I);
NTSTATUS DeviceControl(Adapter& A, Unit* U, PIRP I);
NTSTATUS Finish(PIRP I, NTSTATUS Status, ULONG_PTR Information = 0);

}
