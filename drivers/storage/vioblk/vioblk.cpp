// vioblk.sys: virtio block devices with the PCI transport of virtio 1.0, as a storport miniport. One queue; each request is one indirect descriptor, whose
// table lies in the request's SRB extension. Half duplex: HwStartIo, HwInterrupt and HwResetBus exclude each other by the interrupt lock.
#include "vioblk/virtio.hpp"

#include "common/pci_bars.hpp"
#include "common/scsi_disk.hpp"

namespace {

using namespace virtio;

constexpr ULONG MostQueue = 256, MostSegments = 256, MostDiscards = 16;

struct RequestExtension {
    Header Head;
    DiscardRange Discards[MostDiscards];
    UCHAR Status;
    bool FlushAfter;            // a write through the cache: it is done when the flush behind it is
    Descriptor Table[MostSegments + 2];
};

struct Adapter {
    volatile Common* Config;
    volatile UCHAR* Isr;
    volatile UCHAR* Notify;
    volatile BlockConfig* Block;
    ULONG NotifyMultiplier;
    volatile USHORT* Doorbell;
    ULONGLONG Features;
    ULONG QueueSize, Segments;
    // The queue, in the uncached extension.
    UCHAR* Memory;
    ULONGLONG MemoryPhysical;
    Descriptor* Descriptors;
    Available* Avail;
    volatile Used* Done;
    USHORT Seen;                // of Done->Index
    bool Live, Gone;
    USHORT FreeSlots[MostQueue], Free;
    PSCSI_REQUEST_BLOCK Slots[MostQueue];
    // GET_ID at the start: not an SRB.
    RequestExtension* Own;
    ULONGLONG OwnPhysical;
    USHORT OwnSlot;
    volatile bool OwnDone;
    disk::Disk Disk;
};

constexpr USHORT NoSlot = 0xFFFF;

// Offsets in the uncached extension.
ULONG AvailAt(ULONG Size) { return Size * ULONG(sizeof(Descriptor)); }
ULONG UsedAt(ULONG Size) { return (AvailAt(Size) + 6 + Size * 2 + 3) & ~3u; }
ULONG OwnAt(ULONG Size) { return (UsedAt(Size) + 6 + Size * ULONG(sizeof(UsedElement)) + 63) & ~63u; }
constexpr ULONG IdBytes = 20;

// --- the queue

void SetUpQueue(Adapter& A)
{
    RtlZeroMemory(A.Memory, OwnAt(A.QueueSize));
    A.Descriptors = reinterpret_cast<Descriptor*>(A.Memory);
    A.Avail = reinterpret_cast<Available*>(A.Memory + AvailAt(A.QueueSize));
    A.Done = reinterpret_cast<volatile Used*>(A.Memory + UsedAt(A.QueueSize));
    A.Seen = 0;
    A.Free = 0;
    for (ULONG N = 0; N < A.QueueSize; ++N) {
        A.Slots[N] = nullptr;
        A.FreeSlots[A.Free++] = USHORT(A.QueueSize - 1 - N);
    }
}

// The state machine of 3.1.1. Message: interrupts by MSI-X message 0.
bool Bring(Adapter& A, bool Message)
{
    volatile Common& C = *A.Config;
    C.Status = 0;
    for (int Tries = 0; C.Status != 0 && Tries < 1000; ++Tries)
        StorPortStallExecution(100);
    if (C.Status != 0)
        return false;
    C.Status = Acknowledge;
    C.Status = Acknowledge | Driver;
    C.DeviceFeatureSelect = 0;
    ULONGLONG Offered = C.DeviceFeature;
    C.DeviceFeatureSelect = 1;
    Offered |= ULONGLONG(C.DeviceFeature) << 32;
    A.Features = Offered & (SegMax | ReadOnly | BlockSize | FlushFeature | Topology | Discard | IndirectDescriptors | Version1);
    if (!(A.Features & Version1) || !(A.Features & IndirectDescriptors))
        return false;
    C.DriverFeatureSelect = 0;
    C.DriverFeature = ULONG(A.Features);
    C.DriverFeatureSelect = 1;
    C.DriverFeature = ULONG(A.Features >> 32);
    C.Status = Acknowledge | Driver | FeaturesOk;
    if (!(C.Status & FeaturesOk))
        return false;
    C.MsixConfig = NoVector;
    C.QueueSelect = 0;
    ULONG Most = C.QueueSize;
    if (!Most)
        return false;
    A.QueueSize = Most < MostQueue ? Most : MostQueue;
    C.QueueSize = USHORT(A.QueueSize);
    SetUpQueue(A);
    auto Put = [&](volatile ULONG& Low, volatile ULONG& High, ULONG Offset) {
        ULONGLONG At = A.MemoryPhysical + Offset;
        Low = ULONG(At);
        High = ULONG(At >> 32);
    };
    Put(C.QueueDescriptorsLow, C.QueueDescriptorsHigh, 0);
    Put(C.QueueDriverLow, C.QueueDriverHigh, AvailAt(A.QueueSize));
    Put(C.QueueDeviceLow, C.QueueDeviceHigh, UsedAt(A.QueueSize));
    C.QueueMsixVector = Message ? 0 : NoVector;
    if (Message && C.QueueMsixVector != 0)
        return false;
    A.Doorbell = reinterpret_cast<volatile USHORT*>(A.Notify + C.QueueNotifyOffset * A.NotifyMultiplier);
    C.QueueEnable = 1;
    C.Status = Acknowledge | Driver | FeaturesOk | DriverOk;
    A.Live = true;
    return true;
}

// Hands a table of Count descriptors to the device.
void Offer(Adapter& A, USHORT Slot, ULONGLONG Table, ULONG Count)
{
    Descriptor& D = A.Descriptors[Slot];
    D.Address = Table;
    D.Length = Count * ULONG(sizeof(Descriptor));
    D.Flags = Indirect;
    D.Next = 0;
    A.Avail->Ring[A.Avail->Index % A.QueueSize] = Slot;
    __atomic_store_n(&A.Avail->Index, USHORT(A.Avail->Index + 1), __ATOMIC_RELEASE);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (!(A.Done->Flags & NoNotify))
        *A.Doorbell = 0;
}

void Finish(Adapter& A, PSCSI_REQUEST_BLOCK Srb)
{
    StorPortNotification(RequestComplete, &A, Srb);
}

// The table of a request: header, data, status. 0: too many pieces.
ULONG Fill(Adapter& A, RequestExtension& R, ULONGLONG Physical, const STOR_SCATTER_GATHER_LIST* List, const void* Ranges, ULONG RangeBytes)
{
    auto At = [&](const void* P) { return Physical + ULONG(static_cast<const UCHAR*>(P) - reinterpret_cast<UCHAR*>(&R)); };
    ULONG N = 0;
    auto Put = [&](ULONGLONG Address, ULONG Length, USHORT Flags) {
        R.Table[N] = { Address, Length, USHORT(Flags | HasNext), USHORT(N + 1) };
        ++N;
    };
    Put(At(&R.Head), sizeof(R.Head), 0);
    USHORT Direction = R.Head.Type == In || R.Head.Type == GetId ? USHORT(DeviceWrites) : USHORT(0);
    if (List) {
        if (List->NumberOfElements > A.Segments)
            return 0;
        for (ULONG E = 0; E < List->NumberOfElements; ++E)
            Put(ULONGLONG(List->List[E].PhysicalAddress.QuadPart), List->List[E].Length, Direction);
    } else if (RangeBytes) {
        Put(At(Ranges), RangeBytes, Direction);
    }
    R.Status = 0xFF;
    R.Table[N] = { At(&R.Status), 1, DeviceWrites, 0 };
    return N + 1;
}

// What the device has done.
bool Collect(Adapter& A)
{
    bool Any = false;
    while (A.Live && A.Seen != __atomic_load_n(const_cast<USHORT*>(&A.Done->Index), __ATOMIC_ACQUIRE)) {
        ULONG Id = A.Done->Ring[A.Seen % A.QueueSize].Id;
        ++A.Seen;
        Any = true;
        if (Id >= A.QueueSize)
            continue;
        PSCSI_REQUEST_BLOCK Srb = A.Slots[Id];
        if (!Srb && Id == A.OwnSlot) {
            A.OwnSlot = NoSlot;
            A.OwnDone = true;
            A.FreeSlots[A.Free++] = USHORT(Id);
            continue;
        }
        if (!Srb)
            continue;
        auto& R = *static_cast<RequestExtension*>(SrbGetMiniportContext(Srb));
        if (R.FlushAfter && R.Status == Ok) {
            R.FlushAfter = false;
            R.Head = { virtio::Flush, 0, 0 };
            ULONG Length;
            ULONGLONG Physical = ULONGLONG(StorPortGetPhysicalAddress(&A, Srb, &R, &Length).QuadPart);
            Offer(A, USHORT(Id), Physical + FIELD_OFFSET(RequestExtension, Table), Fill(A, R, Physical, nullptr, nullptr, 0));
            continue;
        }
        A.Slots[Id] = nullptr;
        A.FreeSlots[A.Free++] = USHORT(Id);
        switch (R.Status) {
        case Ok:
            disk::Succeed(Srb);
            break;
        case Unsupported:
            disk::Fail(Srb, disk::InvalidCommand);
            break;
        default:
            disk::Fail(Srb, R.Head.Type == In ? disk::ReadError : disk::WriteError);
            break;
        }
        Finish(A, Srb);
    }
    return Any;
}

// --- the miniport

ULONG NTAPI FindAdapter(PVOID X, PVOID, PVOID, PCHAR, PPORT_CONFIGURATION_INFORMATION C, PBOOLEAN Again)
{
    auto& A = *static_cast<Adapter*>(X);
    *Again = FALSE;
    pci::Function F;
    if (!F.Read(X, C))
        return SP_RETURN_ERROR;
    auto Map = [&](UCHAR Capability, ULONG Least) -> volatile UCHAR* {
        ULONG Offset = F.Long(Capability + 8), Bytes = F.Long(Capability + 12);
        const ACCESS_RANGE* R = F.Range(C, F.Config[Capability + 4]);
        if (!R || !R->RangeInMemory || Bytes < Least || Offset > R->RangeLength || Bytes > R->RangeLength - Offset)
            return nullptr;
        auto* Base = static_cast<UCHAR*>(StorPortGetDeviceBase(X, PCIBus, C->SystemIoBusNumber, R->RangeStart, R->RangeLength, FALSE));
        return Base ? Base + Offset : nullptr;
    };
    for (UCHAR At = F.Capability(VendorCapability); At; At = F.Config[At + 1] ? F.Capability(VendorCapability, At) : UCHAR(0)) {
        switch (F.Config[At + 3]) {
        case CommonConfig:
            if (!A.Config)
                A.Config = reinterpret_cast<volatile Common*>(Map(At, sizeof(Common)));
            break;
        case NotifyConfig:
            if (!A.Notify) {
                A.Notify = Map(At, 2);
                A.NotifyMultiplier = F.Long(At + 16);
            }
            break;
        case IsrConfig:
            if (!A.Isr)
                A.Isr = Map(At, 1);
            break;
        case DeviceConfig:
            if (!A.Block)
                A.Block = reinterpret_cast<volatile BlockConfig*>(Map(At, 24));
            break;
        }
    }
    if (!A.Config || !A.Notify || !A.Isr || !A.Block)
        return SP_RETURN_NOT_FOUND;     // one with the transport before 1.0 only
    C->MaximumTransferLength = 1024 * 1024;
    A.Memory = static_cast<UCHAR*>(StorPortGetUncachedExtension(X, C, OwnAt(MostQueue) + sizeof(RequestExtension) + 64));
    if (!A.Memory)
        return SP_RETURN_ERROR;
    ULONG Length;
    A.MemoryPhysical = ULONGLONG(StorPortGetPhysicalAddress(X, nullptr, A.Memory, &Length).QuadPart);
    A.Own = reinterpret_cast<RequestExtension*>(A.Memory + OwnAt(MostQueue));
    A.OwnPhysical = A.MemoryPhysical + OwnAt(MostQueue);
    A.OwnSlot = NoSlot;
    if (!Bring(A, false))
        return SP_RETURN_ERROR;
    A.Segments = MostSegments;
    if (A.Features & SegMax && A.Block->SegMax && A.Block->SegMax < A.Segments)
        A.Segments = A.Block->SegMax;
    A.Config->Status = 0;               // until HwInitialize
    A.Live = false;

    C->NumberOfPhysicalBreaks = A.Segments - 1;
    if (C->MaximumTransferLength > (A.Segments - 1) * PAGE_SIZE)
        C->MaximumTransferLength = (A.Segments - 1) * PAGE_SIZE;
    C->NumberOfBuses = 1;
    C->MaximumNumberOfTargets = 1;
    C->MaximumNumberOfLogicalUnits = 1;
    C->ScatterGather = C->Master = C->CachesData = TRUE;
    C->MapBuffers = STOR_MAP_NON_READ_WRITE_BUFFERS;
    C->Dma64BitAddresses = SCSI_DMA64_MINIPORT_FULL64BIT_SUPPORTED;
    C->AlignmentMask = 3;
    C->SynchronizationModel = StorSynchronizeHalfDuplex;
    C->MaxNumberOfIO = A.QueueSize - 1;
    C->MaxIOsPerLun = A.QueueSize - 1;
    C->InitialLunQueueDepth = A.QueueSize - 1;
    C->HwMSInterruptRoutine = [](PVOID Extension, ULONG) -> BOOLEAN { return Collect(*static_cast<Adapter*>(Extension)), TRUE; };
    C->InterruptSynchronizationMode = InterruptSynchronizeAll;
    return SP_RETURN_FOUND;
}

void Describe(Adapter& A)
{
    auto& D = A.Disk;
    ULONGLONG Capacity;
    UCHAR Generation;
    do {
        Generation = A.Config->Generation;
        Capacity = A.Block->Capacity;
    } while (Generation != A.Config->Generation);
    D.BlockBytes = A.Features & BlockSize && A.Block->BlockSize >= 512 ? A.Block->BlockSize : 512;
    D.Blocks = Capacity / (D.BlockBytes / 512);
    D.PhysicalExponent = A.Features & Topology ? A.Block->PhysicalExponent : 0;
    D.ReadOnly = A.Features & ReadOnly;
    D.WriteCache = A.Features & FlushFeature;
    D.Unmaps = A.Features & Discard;
    D.Fua = true;
    if (D.Unmaps) {
        D.MaximumUnmapBlocks = A.Block->MaxDiscardSectors / (D.BlockBytes / 512);
        D.MaximumUnmapRanges = A.Block->MaxDiscardSegments < MostDiscards ? A.Block->MaxDiscardSegments : MostDiscards;
    }
    disk::Pad(D.Vendor, sizeof(D.Vendor), "VirtIO");
    disk::Pad(D.Product, sizeof(D.Product), "Disk");
    disk::Pad(D.Revision, sizeof(D.Revision), "1.0");
}

// The serial number comes by a request; waited for at PASSIVE_LEVEL.
BOOLEAN NTAPI PassiveInitialize(PVOID X)
{
    auto& A = *static_cast<Adapter*>(X);
    STOR_LOCK_HANDLE Lock {};
    StorPortAcquireSpinLock(X, InterruptLock, nullptr, &Lock);
    auto& R = *A.Own;
    RtlZeroMemory(&R, sizeof(R));
    R.Head.Type = GetId;
    auto* Id = reinterpret_cast<CHAR*>(R.Discards);
    ULONG Count = Fill(A, R, A.OwnPhysical, nullptr, Id, IdBytes);
    A.OwnSlot = A.FreeSlots[--A.Free];
    A.OwnDone = false;
    Offer(A, A.OwnSlot, A.OwnPhysical + FIELD_OFFSET(RequestExtension, Table), Count);
    StorPortReleaseSpinLock(X, &Lock);
    for (int Tries = 0; !A.OwnDone && Tries < 200; ++Tries)
        StorPortDelayExecution(X, 500);
    if (A.OwnDone && R.Status == Ok)
        RtlCopyMemory(A.Disk.Serial, Id, IdBytes);
    return TRUE;
}

BOOLEAN NTAPI Initialize(PVOID X)
{
    auto& A = *static_cast<Adapter*>(X);
    MESSAGE_INTERRUPT_INFORMATION Message;
    if (!Bring(A, StorPortGetMSIInfo(X, 0, &Message) == STOR_STATUS_SUCCESS))
        return FALSE;
    Describe(A);
    return StorPortEnablePassiveInitialization(X, PassiveInitialize);
}

BOOLEAN NTAPI Interrupt(PVOID X)
{
    auto& A = *static_cast<Adapter*>(X);
    if (!A.Live || !(*A.Isr & 3))       // reading acknowledges it
        return FALSE;
    Collect(A);
    return TRUE;
}

void Start(Adapter& A, PSCSI_REQUEST_BLOCK Srb, const disk::Command& C)
{
    auto& R = *static_cast<RequestExtension*>(SrbGetMiniportContext(Srb));
    const STOR_SCATTER_GATHER_LIST* List = nullptr;
    ULONG RangeBytes = 0;
    R.Head = {};
    R.FlushAfter = C.Action == disk::What::Write && C.Fua && A.Disk.WriteCache;
    switch (C.Action) {
    case disk::What::Read:
    case disk::What::Write:
        R.Head.Type = C.Action == disk::What::Write ? Out : In;
        R.Head.Sector = C.Lba * (A.Disk.BlockBytes / 512);
        List = StorPortGetScatterGatherList(&A, Srb);
        break;
    case disk::What::Unmap: {
        R.Head.Type = DiscardType;
        ULONGLONG Lba;
        ULONG Blocks, N = 0, Put = 0, Scale = A.Disk.BlockBytes / 512;
        for (; Put < MostDiscards && disk::UnmapRange(Srb, N, Lba, Blocks); ++N)
            if (Blocks)
                R.Discards[Put++] = { Lba * Scale, Blocks * Scale, 0 };
        RangeBytes = Put * ULONG(sizeof(DiscardRange));
        if (!Put) {
            disk::Succeed(Srb);
            Finish(A, Srb);
            return;
        }
        break;
    }
    default:
        R.Head.Type = virtio::Flush;
        break;
    }
    ULONG Length;
    ULONGLONG Physical = ULONGLONG(StorPortGetPhysicalAddress(&A, Srb, &R, &Length).QuadPart);
    ULONG Count = (C.Action == disk::What::Read || C.Action == disk::What::Write) && !List ? 0 : Fill(A, R, Physical, List, R.Discards, RangeBytes);
    if (!Count) {
        SrbSetSrbStatus(Srb, SRB_STATUS_INVALID_REQUEST);
        Finish(A, Srb);
        return;
    }
    if (!A.Live || !A.Free) {
        SrbSetSrbStatus(Srb, A.Live ? SRB_STATUS_BUSY : SRB_STATUS_ERROR);
        Finish(A, Srb);
        return;
    }
    USHORT Slot = A.FreeSlots[--A.Free];
    A.Slots[Slot] = Srb;
    Offer(A, Slot, Physical + FIELD_OFFSET(RequestExtension, Table), Count);
}

BOOLEAN NTAPI ResetBus(PVOID X, ULONG Path)
{
    auto& A = *static_cast<Adapter*>(X);
    A.Live = false;
    MESSAGE_INTERRUPT_INFORMATION Message;
    bool Good = Bring(A, StorPortGetMSIInfo(X, 0, &Message) == STOR_STATUS_SUCCESS);
    StorPortCompleteRequest(X, UCHAR(Path), SP_UNTAGGED, SP_UNTAGGED, SRB_STATUS_BUS_RESET);
    return Good;
}

BOOLEAN NTAPI StartIo(PVOID X, PSCSI_REQUEST_BLOCK Srb)
{
    auto& A = *static_cast<Adapter*>(X);
    UCHAR Path, Target, Lun;
    SrbGetPathTargetLun(Srb, &Path, &Target, &Lun);
    switch (SrbGetSrbFunction(Srb)) {
    case SRB_FUNCTION_EXECUTE_SCSI: {
        if (Path || Target || Lun) {
            SrbSetSrbStatus(Srb, SRB_STATUS_NO_DEVICE);
            break;
        }
        disk::Command C = disk::Interpret(Srb, A.Disk);
        if (C.Action == disk::What::Done)
            break;
        Start(A, Srb, C);
        return TRUE;
    }
    case SRB_FUNCTION_FLUSH:
    case SRB_FUNCTION_SHUTDOWN:
        if (A.Disk.WriteCache) {
            Start(A, Srb, { disk::What::Flush, false, 0, 0 });
            return TRUE;
        }
        SrbSetSrbStatus(Srb, SRB_STATUS_SUCCESS);
        break;
    case SRB_FUNCTION_RESET_BUS:
    case SRB_FUNCTION_RESET_DEVICE:
    case SRB_FUNCTION_RESET_LOGICAL_UNIT:
        SrbSetSrbStatus(Srb, ResetBus(X, 0) ? SRB_STATUS_SUCCESS : SRB_STATUS_ERROR);
        break;
    default:
        SrbSetSrbStatus(Srb, SRB_STATUS_INVALID_REQUEST);
        break;
    }
    Finish(A, Srb);
    return TRUE;
}

SCSI_ADAPTER_CONTROL_STATUS NTAPI AdapterControl(PVOID X, SCSI_ADAPTER_CONTROL_TYPE Type, PVOID Parameters)
{
    auto& A = *static_cast<Adapter*>(X);
    switch (Type) {
    case ScsiQuerySupportedControlTypes: return disk::TellControls(static_cast<PSCSI_SUPPORTED_CONTROL_TYPE_LIST>(Parameters));
    case ScsiStopAdapter:
        A.Live = false;
        A.Config->Status = 0;
        return ScsiAdapterControlSuccess;
    case ScsiRestartAdapter:
        return ResetBus(X, 0) ? ScsiAdapterControlSuccess : ScsiAdapterControlUnsuccessful;
    default:
        return ScsiAdapterControlUnsuccessful;
    }
}

}

extern "C" NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING Key)
{
    HW_INITIALIZATION_DATA D = disk::PciAdapter();
    D.HwInitialize = Initialize;
    D.HwStartIo = StartIo;
    D.HwInterrupt = Interrupt;
    D.HwFindAdapter = FindAdapter;
    D.HwResetBus = ResetBus;
    D.HwAdapterControl = AdapterControl;
    D.DeviceExtensionSize = sizeof(Adapter);
    D.SrbExtensionSize = sizeof(RequestExtension);
    D.NumberOfAccessRanges = 6;
    D.SrbTypeFlags = SRB_TYPE_FLAG_SCSI_REQUEST_BLOCK;
    return NTSTATUS(StorPortInitialize(Driver, Key, &D, nullptr));
}
