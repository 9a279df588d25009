// stornvme.sys: NVM Express controllers, as a storport miniport that takes extended request blocks. One admin queue pair and one for I/O; each namespace is a
// logical unit. Full duplex: HwBuildIo makes the command and its list of pages without a lock, HwStartIo puts it into the queue; the completion queue is emptied
// in a DPC. The queue's words are guarded by the interrupt lock.
#include "stornvme/nvme_regs.hpp"

#include "common/pci_bars.hpp"
#include "common/scsi_disk.hpp"

namespace {

using namespace nvme;

constexpr ULONG MostEntries = 256, AdminEntries = 16, MostNamespaces = 8, MostBytes = 1024 * 1024, MostRanges = 32;
constexpr USHORT AdminId = 0xFFF0;

constexpr ULONG MostPages = MostBytes / PAGE_SIZE + 1;

struct RequestExtension {
    Submission Command;
    DatasetRange Ranges[MostRanges];
    USHORT Slot;
    bool NeedsFlush;
    ULONGLONG ListRoom[2 * MostPages];  // the list does not cross a page: it begins at the next one if need be
};

struct Queue {
    Submission* Commands;
    volatile Completion* Completions;
    ULONGLONG CommandsPhysical, CompletionsPhysical;
    volatile ULONG *Tail, *Head;        // doorbells
    ULONG Entries;
    ULONG CommandTail, CompletionHead, Phase;
};

struct Adapter {
    volatile Registers* Regs;
    ULONG Stride, Timeout;              // bytes between doorbells; milliseconds to get ready
    Queue Admin, Io;
    UCHAR* Memory;
    ULONGLONG MemoryPhysical;
    UCHAR* Scratch;                     // a page for identify data
    ULONGLONG ScratchPhysical;
    bool Live, Messages;
    ULONG Namespaces;
    disk::Disk Disks[MostNamespaces];
    STOR_DPC Dpc;
    PSCSI_REQUEST_BLOCK Slots[MostEntries];
    USHORT FreeSlots[MostEntries];
    ULONG Free, MostTransfer;
    // A command of our own, polled.
    Completion OwnResult;
    bool OwnDone;
};

// --- memory: admin queues, I/O queues, a page

constexpr ULONG CommandsBytes(ULONG Entries) { return (Entries * ULONG(sizeof(Submission)) + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1u); }
constexpr ULONG CompletionsBytes(ULONG Entries) { return (Entries * ULONG(sizeof(Completion)) + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1u); }
constexpr ULONG MemoryBytes = CommandsBytes(AdminEntries) + CompletionsBytes(AdminEntries) + CommandsBytes(MostEntries) + CompletionsBytes(MostEntries) + PAGE_SIZE;

void Place(Adapter& A, Queue& Q, ULONG& At, ULONG Number, ULONG Entries)
{
    Q = {};
    Q.Entries = Entries;
    Q.Commands = reinterpret_cast<Submission*>(A.Memory + At);
    Q.CommandsPhysical = A.MemoryPhysical + At;
    At += CommandsBytes(Entries);
    Q.Completions = reinterpret_cast<volatile Completion*>(A.Memory + At);
    Q.CompletionsPhysical = A.MemoryPhysical + At;
    At += CompletionsBytes(Entries);
    auto* Base = reinterpret_cast<volatile UCHAR*>(A.Regs) + Doorbells;
    Q.Tail = reinterpret_cast<volatile ULONG*>(Base + 2 * Number * A.Stride);
    Q.Head = reinterpret_cast<volatile ULONG*>(Base + (2 * Number + 1) * A.Stride);
    Q.Phase = 1;
}

// --- queues

void Put(Queue& Q, const Submission& Command)
{
    Q.Commands[Q.CommandTail] = Command;
    Q.CommandTail = Q.CommandTail + 1 == Q.Entries ? 0 : Q.CommandTail + 1;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    *Q.Tail = Q.CommandTail;
}

// The next completion, if there is one.
bool Take(Queue& Q, Completion& To)
{
    volatile Completion& C = Q.Completions[Q.CompletionHead];
    USHORT Status = __atomic_load_n(const_cast<USHORT*>(&C.Status), __ATOMIC_ACQUIRE);
    if ((Status & 1u) != Q.Phase)
        return false;
    To = { C.Result, 0, C.SubmissionHead, C.SubmissionQueue, C.Id, Status };
    if (++Q.CompletionHead == Q.Entries) {
        Q.CompletionHead = 0;
        Q.Phase ^= 1;
    }
    return true;
}

// An admin command, waited for; at the start and while nothing else runs. Success of the command.
bool Run(Adapter& A, Submission& Command, ULONG* Result = nullptr)
{
    Command.Id = AdminId;
    Put(A.Admin, Command);
    Completion C;
    for (ULONG Tries = 0; Tries < 20'000; ++Tries) {
        if (Take(A.Admin, C)) {
            *A.Admin.Head = A.Admin.CompletionHead;
            if (C.Id != AdminId)
                continue;
            if (Result)
                *Result = C.Result;
            return CodeOf(C.Status) == Success;
        }
        StorPortStallExecution(100);
    }
    return false;
}

bool WaitReady(Adapter& A, ULONG Wanted)
{
    for (ULONG Milliseconds = 0; Milliseconds <= A.Timeout * 10; ++Milliseconds) {
        ULONG Status = A.Regs->Status;
        if (Status == ~0u)
            return false;               // gone
        if ((Status & ReadyBit) == Wanted)
            return true;
        StorPortStallExecution(100);
    }
    return false;
}

// Controller initialization (7.6.1), up to the I/O queues.
bool Bring(Adapter& A)
{
    A.Live = false;
    A.Regs->Configuration = A.Regs->Configuration & ~Enable;
    if (!WaitReady(A, 0))
        return false;
    RtlZeroMemory(A.Memory, MemoryBytes);
    ULONGLONG Capabilities = A.Regs->Capabilities;
    ULONG Entries = ULONG(Capabilities & 0xFFFF) + 1;
    if (Entries > MostEntries)
        Entries = MostEntries;
    ULONG At = 0;
    Place(A, A.Admin, At, 0, AdminEntries);
    Place(A, A.Io, At, 1, Entries);
    A.Scratch = A.Memory + MemoryBytes - PAGE_SIZE;
    A.ScratchPhysical = A.MemoryPhysical + MemoryBytes - PAGE_SIZE;
    A.Regs->AdminQueueAttributes = (AdminEntries - 1) << 16 | (AdminEntries - 1);
    A.Regs->AdminSubmission = A.Admin.CommandsPhysical;
    A.Regs->AdminCompletion = A.Admin.CompletionsPhysical;
    A.Regs->Configuration = EntrySizes | Enable;
    if (!WaitReady(A, ReadyBit) || A.Regs->Status & FatalBit)
        return false;
    Submission C {};
    C.Opcode = SetFeatures;
    C.Dword10 = NumberOfQueues;
    C.Dword11 = 0;                      // one of each, counted from zero
    if (!Run(A, C))
        return false;
    C = {};
    C.Opcode = CreateCompletion;
    C.Prp1 = A.Io.CompletionsPhysical;
    C.Dword10 = (Entries - 1) << 16 | 1;
    C.Dword11 = 0 << 16 | 2 | 1;        // vector 0, interrupts, contiguous
    if (!Run(A, C))
        return false;
    C = {};
    C.Opcode = CreateSubmission;
    C.Prp1 = A.Io.CommandsPhysical;
    C.Dword10 = (Entries - 1) << 16 | 1;
    C.Dword11 = 1u << 16 | 1;           // of completion queue 1, contiguous
    if (!Run(A, C))
        return false;
    A.Free = 0;
    for (ULONG N = 0; N < Entries - 1; ++N) {       // a full queue looks empty: one fewer
        A.Slots[N] = nullptr;
        A.FreeSlots[A.Free++] = USHORT(Entries - 2 - N);
    }
    A.Live = true;
    return true;
}

// --- what there is

// Text of the specification: padded with blanks.
void CopyText(CHAR* To, ULONG Room, const CHAR* From, ULONG Bytes)
{
    ULONG N = 0;
    while (Bytes && (From[Bytes - 1] == ' ' || !From[Bytes - 1]))
        --Bytes;
    for (; N < Room && N < Bytes; ++N)
        To[N] = From[N];
    for (; N < Room; ++N)
        To[N] = ' ';
}

bool Describe(Adapter& A)
{
    Submission C {};
    C.Opcode = Identify;
    C.Prp1 = A.ScratchPhysical;
    C.Dword10 = 1;                      // the controller
    if (!Run(A, C))
        return false;
    auto& I = *reinterpret_cast<IdentifyController*>(A.Scratch);
    disk::Disk Common {};
    disk::Pad(Common.Vendor, sizeof(Common.Vendor), "NVMe");
    CopyText(Common.Product, sizeof(Common.Product), I.Model, sizeof(I.Model));
    CopyText(Common.Revision, sizeof(Common.Revision), I.Firmware, 4);
    ULONG N = sizeof(I.Serial);
    while (N && (I.Serial[N - 1] == ' ' || !I.Serial[N - 1]))
        --N;
    RtlCopyMemory(Common.Serial, I.Serial, N);
    Common.WriteCache = I.VolatileCache & 1;
    Common.Fua = true;
    Common.Unmaps = I.OptionalCommands & 4;
    Common.MaximumUnmapRanges = MostRanges;
    Common.MaximumUnmapBlocks = 0xFFFFFFFF;
    A.Namespaces = I.Namespaces < MostNamespaces ? I.Namespaces : MostNamespaces;
    A.MostTransfer = MostBytes;
    ULONG Least = PAGE_SIZE << (A.Regs->Capabilities >> 48 & 15);
    if (I.MaximumTransfer && I.MaximumTransfer < 16 && (Least << I.MaximumTransfer) < A.MostTransfer)
        A.MostTransfer = Least << I.MaximumTransfer;
    for (ULONG Number = 0; Number < A.Namespaces; ++Number) {
        auto& D = A.Disks[Number];
        D = {};
        C = {};
        C.Opcode = Identify;
        C.Namespace = Number + 1;
        C.Prp1 = A.ScratchPhysical;
        if (!Run(A, C))
            continue;
        auto& S = *reinterpret_cast<IdentifyNamespace*>(A.Scratch);
        const LbaFormat& F = S.LbaFormats[S.Format & 15];
        if (!S.Size || F.DataShift < 9 || F.DataShift > 12 || F.MetadataBytes)
            continue;
        D = Common;
        D.Blocks = S.Size;
        D.BlockBytes = 1u << F.DataShift;
        RtlCopyMemory(D.Eui64, S.Eui64, sizeof(D.Eui64));
    }
    return true;
}

// --- requests

disk::Sense SenseOf(USHORT Status, bool IsWrite)
{
    switch (CodeOf(Status)) {
    case InvalidOpcode: return disk::InvalidCommand;
    case InvalidField: return disk::InvalidField;
    case LbaOutOfRange: return disk::OutOfRange;
    case NamespaceNotReady: return disk::NotReady;
    case WriteFault: return disk::WriteError;
    case UnrecoveredRead: return disk::ReadError;
    case ReadOnlyNamespace:
    case AccessDenied: return disk::WriteProtected;
    default: return IsWrite ? disk::WriteError : disk::HardwareError;
    }
}

void Finish(Adapter& A, PSCSI_REQUEST_BLOCK Srb) { StorPortNotification(RequestComplete, &A, Srb); }

void NTAPI OnDpc(PSTOR_DPC, PVOID X, PVOID, PVOID)
{
    auto& A = *static_cast<Adapter*>(X);
    STOR_LOCK_HANDLE Lock {};
    StorPortAcquireSpinLock(X, InterruptLock, nullptr, &Lock);
    Completion C;
    bool Any = false;
    while (A.Live && Take(A.Io, C)) {
        Any = true;
        PSCSI_REQUEST_BLOCK Srb = C.Id < A.Io.Entries ? A.Slots[C.Id] : nullptr;
        if (!Srb)
            continue;
        A.Slots[C.Id] = nullptr;
        A.FreeSlots[A.Free++] = C.Id;
        auto& R = *static_cast<RequestExtension*>(SrbGetMiniportContext(Srb));
        if (CodeOf(C.Status) == Success)
            disk::Succeed(Srb);
        else if (CodeOf(C.Status) == AbortedBySq || CodeOf(C.Status) == AbortRequested)
            SrbSetSrbStatus(Srb, SRB_STATUS_BUS_RESET);
        else
            disk::Fail(Srb, SenseOf(C.Status, R.Command.Opcode == Write));
        Finish(A, Srb);
    }
    if (Any)
        *A.Io.Head = A.Io.CompletionHead;
    StorPortReleaseSpinLock(X, &Lock);
    if (!A.Messages && A.Live)
        A.Regs->InterruptMaskClear = 1;
}

// The pages of the data (4.3): the first, and the second or a list of all others. False: a piece begins or ends within a page.
bool FillPages(Adapter& A, PSCSI_REQUEST_BLOCK Srb, RequestExtension& R)
{
    auto* List = StorPortGetScatterGatherList(&A, Srb);
    if (!List)
        return false;
    ULONG Pages = 0, Length;
    ULONGLONG ListPhysical = ULONGLONG(StorPortGetPhysicalAddress(&A, Srb, R.ListRoom, &Length).QuadPart);
    ULONG Left = ULONG(PAGE_SIZE - (ListPhysical & (PAGE_SIZE - 1))) / ULONG(sizeof(ULONGLONG)), Skip = Left < MostPages ? Left : 0;
    ULONGLONG* Others = R.ListRoom + Skip;
    for (ULONG E = 0; E < List->NumberOfElements; ++E) {
        ULONGLONG At = ULONGLONG(List->List[E].PhysicalAddress.QuadPart), End = At + List->List[E].Length;
        if ((E && At & (PAGE_SIZE - 1)) || (E + 1 < List->NumberOfElements && End & (PAGE_SIZE - 1)))
            return false;
        while (At < End) {
            if (Pages == 0)
                R.Command.Prp1 = At;
            else if (Pages <= MostPages)
                Others[Pages - 1] = At;
            else
                return false;
            ++Pages;
            At = (At & ~ULONGLONG(PAGE_SIZE - 1)) + PAGE_SIZE;
        }
    }
    if (Pages == 2)
        R.Command.Prp2 = Others[0];
    else if (Pages > 2)
        R.Command.Prp2 = ListPhysical + Skip * sizeof(ULONGLONG);
    return Pages != 0;
}

// HwBuildIo: the command, or the answer at once. TRUE: to be started.
BOOLEAN NTAPI BuildIo(PVOID X, PSCSI_REQUEST_BLOCK Srb)
{
    auto& A = *static_cast<Adapter*>(X);
    auto& R = *static_cast<RequestExtension*>(SrbGetMiniportContext(Srb));
    UCHAR Path, Target, Lun;
    SrbGetPathTargetLun(Srb, &Path, &Target, &Lun);
    auto Answer = [&](UCHAR Status) {
        SrbSetSrbStatus(Srb, Status);
        Finish(A, Srb);
        return BOOLEAN(FALSE);
    };
    ULONG Function = SrbGetSrbFunction(Srb);
    if (Function == SRB_FUNCTION_RESET_BUS || Function == SRB_FUNCTION_RESET_DEVICE || Function == SRB_FUNCTION_RESET_LOGICAL_UNIT)
        return TRUE;
    if (Path || Target || Lun >= A.Namespaces || !A.Disks[Lun].Blocks)
        return Answer(SRB_STATUS_NO_DEVICE);
    disk::Disk& D = A.Disks[Lun];
    RtlZeroMemory(&R.Command, sizeof(R.Command));
    R.Command.Namespace = Lun + 1u;
    if (Function == SRB_FUNCTION_FLUSH || Function == SRB_FUNCTION_SHUTDOWN) {
        if (!D.WriteCache)
            return Answer(SRB_STATUS_SUCCESS);
        R.Command.Opcode = Flush;
        return TRUE;
    }
    if (Function != SRB_FUNCTION_EXECUTE_SCSI)
        return Answer(SRB_STATUS_INVALID_REQUEST);
    auto* Cdb = reinterpret_cast<UCHAR*>(SrbGetCdb(Srb));
    if (Cdb && Cdb[0] == SCSIOP_REPORT_LUNS) {
        // Every namespace with blocks.
        UCHAR P[8 + MostNamespaces * 8] {};
        ULONG N = 0;
        for (ULONG L = 0; L < A.Namespaces; ++L)
            if (A.Disks[L].Blocks)
                P[8 + 8 * N++ + 1] = UCHAR(L);
        P[3] = UCHAR(N * 8);
        ULONG Bytes = 8 + N * 8, Room = SrbGetDataTransferLength(Srb);
        if (Bytes > Room)
            Bytes = Room;
        RtlCopyMemory(SrbGetDataBuffer(Srb), P, Bytes);
        SrbSetDataTransferLength(Srb, Bytes);
        return Answer(Bytes < Room ? SRB_STATUS_DATA_OVERRUN : SRB_STATUS_SUCCESS);
    }
    disk::Command C = disk::Interpret(Srb, D);
    switch (C.Action) {
    case disk::What::Done:
        Finish(A, Srb);
        return FALSE;
    case disk::What::Read:
    case disk::What::Write:
        R.Command.Opcode = C.Action == disk::What::Write ? Write : Read;
        R.Command.Dword10 = ULONG(C.Lba);
        R.Command.Dword11 = ULONG(C.Lba >> 32);
        R.Command.Dword12 = (C.Blocks - 1) | (C.Fua ? 0x4000'0000u : 0);
        if (!FillPages(A, Srb, R))
            return Answer(SRB_STATUS_INVALID_REQUEST);
        return TRUE;
    case disk::What::Unmap: {
        ULONGLONG Lba;
        ULONG Blocks, N = 0;
        for (; N < MostRanges && disk::UnmapRange(Srb, N, Lba, Blocks); ++N)
            R.Ranges[N] = { 0, Blocks, Lba };
        if (!N) {
            disk::Succeed(Srb);
            Finish(A, Srb);
            return FALSE;
        }
        R.Command.Opcode = DatasetManagement;
        R.Command.Dword10 = N - 1;
        R.Command.Dword11 = 4;          // deallocate
        ULONG Length;
        R.Command.Prp1 = ULONGLONG(StorPortGetPhysicalAddress(&A, Srb, R.Ranges, &Length).QuadPart);
        ULONGLONG Last = R.Command.Prp1 + N * sizeof(DatasetRange) - 1;
        if ((Last ^ R.Command.Prp1) & ~ULONGLONG(PAGE_SIZE - 1))
            R.Command.Prp2 = Last & ~ULONGLONG(PAGE_SIZE - 1);
        return TRUE;
    }
    default:
        R.Command.Opcode = Flush;
        return TRUE;
    }
}

BOOLEAN NTAPI ResetBus(PVOID X, ULONG Path)
{
    auto& A = *static_cast<Adapter*>(X);
    bool Good = Bring(A);
    StorPortCompleteRequest(X, UCHAR(Path), UCHAR(SP_UNTAGGED), UCHAR(SP_UNTAGGED), SRB_STATUS_BUS_RESET);
    return Good;
}

BOOLEAN NTAPI StartIo(PVOID X, PSCSI_REQUEST_BLOCK Srb)
{
    auto& A = *static_cast<Adapter*>(X);
    ULONG Function = SrbGetSrbFunction(Srb);
    if (Function == SRB_FUNCTION_RESET_BUS || Function == SRB_FUNCTION_RESET_DEVICE || Function == SRB_FUNCTION_RESET_LOGICAL_UNIT) {
        SrbSetSrbStatus(Srb, ResetBus(X, 0) ? SRB_STATUS_SUCCESS : SRB_STATUS_ERROR);
        Finish(A, Srb);
        return TRUE;
    }
    auto& R = *static_cast<RequestExtension*>(SrbGetMiniportContext(Srb));
    STOR_LOCK_HANDLE Lock {};
    StorPortAcquireSpinLock(X, InterruptLock, nullptr, &Lock);
    bool Room = A.Live && A.Free;
    if (Room) {
        USHORT Slot = A.FreeSlots[--A.Free];
        A.Slots[Slot] = Srb;
        R.Slot = R.Command.Id = Slot;
        Put(A.Io, R.Command);
    }
    StorPortReleaseSpinLock(X, &Lock);
    if (!Room) {
        SrbSetSrbStatus(Srb, A.Live ? SRB_STATUS_BUSY : SRB_STATUS_NO_HBA);
        Finish(A, Srb);
    }
    return TRUE;
}

// --- the miniport

BOOLEAN NTAPI Interrupt(PVOID X)
{
    auto& A = *static_cast<Adapter*>(X);
    if (!A.Live || (const_cast<USHORT&>(A.Io.Completions[A.Io.CompletionHead].Status) & 1u) != A.Io.Phase)
        return FALSE;
    A.Regs->InterruptMaskSet = 1;       // until the DPC has emptied the queue
    StorPortIssueDpc(X, &A.Dpc, nullptr, nullptr);
    return TRUE;
}

BOOLEAN NTAPI OnMessage(PVOID X, ULONG)
{
    auto& A = *static_cast<Adapter*>(X);
    StorPortIssueDpc(X, &A.Dpc, nullptr, nullptr);
    return TRUE;
}

ULONG NTAPI FindAdapter(PVOID X, PVOID, PVOID, PCHAR, PPORT_CONFIGURATION_INFORMATION C, PBOOLEAN Again)
{
    auto& A = *static_cast<Adapter*>(X);
    *Again = FALSE;
    pci::Function F;
    const ACCESS_RANGE* R = F.Read(X, C) ? F.Range(C, 0) : nullptr;
    if (!R || !R->RangeInMemory || R->RangeLength < 0x2000)
        return SP_RETURN_NOT_FOUND;
    A.Regs = static_cast<volatile Registers*>(StorPortGetDeviceBase(X, PCIBus, C->SystemIoBusNumber, R->RangeStart, R->RangeLength, FALSE));
    if (!A.Regs)
        return SP_RETURN_ERROR;
    ULONGLONG Capabilities = A.Regs->Capabilities;
    A.Stride = 4u << (Capabilities >> 32 & 15);
    A.Timeout = ULONG(Capabilities >> 24 & 0xFF) * 500 + 500;
    if (Capabilities >> 48 & 15 || !(Capabilities >> 37 & 1))
        return SP_RETURN_NOT_FOUND;     // pages larger than ours, or no NVM command set
    if (Doorbells + 4 * A.Stride > R->RangeLength)
        return SP_RETURN_NOT_FOUND;
    A.Memory = static_cast<UCHAR*>(StorPortGetUncachedExtension(X, C, MemoryBytes));
    if (!A.Memory)
        return SP_RETURN_ERROR;
    ULONG Length;
    A.MemoryPhysical = ULONGLONG(StorPortGetPhysicalAddress(X, nullptr, A.Memory, &Length).QuadPart);
    // The controller is asked here, before interrupts: what it can says how the adapter is set up.
    A.Regs->InterruptMaskSet = ~0u;
    if (!Bring(A) || !Describe(A))
        return SP_RETURN_ERROR;
    A.Live = false;
    ULONG Entries = A.Io.Entries - 1;
    C->MaximumTransferLength = A.MostTransfer;
    C->NumberOfPhysicalBreaks = A.MostTransfer / PAGE_SIZE;
    C->NumberOfBuses = 1;
    C->MaximumNumberOfTargets = 1;
    C->MaximumNumberOfLogicalUnits = MostNamespaces;
    C->ScatterGather = C->Master = C->CachesData = TRUE;
    C->MapBuffers = STOR_MAP_NON_READ_WRITE_BUFFERS;
    C->Dma64BitAddresses = SCSI_DMA64_MINIPORT_FULL64BIT_SUPPORTED;
    C->AlignmentMask = 3;               // FILE_LONG_ALIGNMENT: what a page list can say
    C->SynchronizationModel = StorSynchronizeFullDuplex;
    C->MaxNumberOfIO = C->MaxIOsPerLun = C->InitialLunQueueDepth = Entries;
    C->HwMSInterruptRoutine = OnMessage;
    C->InterruptSynchronizationMode = InterruptSynchronizeAll;
    return SP_RETURN_FOUND;
}

BOOLEAN NTAPI Initialize(PVOID X)
{
    auto& A = *static_cast<Adapter*>(X);
    StorPortInitializeDpc(X, &A.Dpc, OnDpc);
    MESSAGE_INTERRUPT_INFORMATION Message;
    A.Messages = StorPortGetMSIInfo(X, 0, &Message) == STOR_STATUS_SUCCESS;
    if (!Bring(A))
        return FALSE;
    A.Regs->InterruptMaskClear = ~0u;
    return TRUE;
}

SCSI_ADAPTER_CONTROL_STATUS NTAPI AdapterControl(PVOID X, SCSI_ADAPTER_CONTROL_TYPE Type, PVOID Parameters)
{
    auto& A = *static_cast<Adapter*>(X);
    switch (Type) {
    case ScsiQuerySupportedControlTypes: return disk::TellControls(static_cast<PSCSI_SUPPORTED_CONTROL_TYPE_LIST>(Parameters));
    case ScsiStopAdapter:
        A.Live = false;
        A.Regs->Configuration = (A.Regs->Configuration & ~0xC000u) | 0x4000;    // shutdown, normal
        for (int Tries = 0; (A.Regs->Status & 0xC) != 8 && Tries < 1000; ++Tries)
            StorPortStallExecution(1000);
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
    D.HwBuildIo = BuildIo;
    D.HwStartIo = StartIo;
    D.HwInterrupt = Interrupt;
    D.HwFindAdapter = FindAdapter;
    D.HwResetBus = ResetBus;
    D.HwAdapterControl = AdapterControl;
    D.DeviceExtensionSize = sizeof(Adapter);
    D.SrbExtensionSize = sizeof(RequestExtension);
    D.NumberOfAccessRanges = 2;
    D.SrbTypeFlags = SRB_TYPE_FLAG_STORAGE_REQUEST_BLOCK;
    return NTSTATUS(StorPortInitialize(Driver, Key, &D, nullptr));
}
