// Commands of a port: issuing, completing, recovering from errors (AHCI 5.5, 6.2).
#include "storahci/storahci.hpp"

namespace ahci {

namespace {

RequestExtension& ExtensionOf(PSCSI_REQUEST_BLOCK Srb) { return *static_cast<RequestExtension*>(SrbGetMiniportContext(Srb)); }

void Finish(Adapter& A, PSCSI_REQUEST_BLOCK Srb) { StorPortNotification(RequestComplete, &A, Srb); }

bool IsQueuedCommand(const PortState& P, const RequestExtension& R) { return P.Queued && !R.Single && (R.What.Action == disk::What::Read || R.What.Action == disk::What::Write); }

void Append(PortState& P, PSCSI_REQUEST_BLOCK Srb)
{
    ExtensionOf(Srb).Next = nullptr;
    if (P.Last)
        ExtensionOf(P.Last).Next = Srb;
    else
        P.First = Srb;
    P.Last = Srb;
}

void PutFirst(PortState& P, PSCSI_REQUEST_BLOCK Srb)
{
    ExtensionOf(Srb).Next = P.First;
    P.First = Srb;
    if (!P.Last)
        P.Last = Srb;
}

void SetLba(HostFis& F, ULONGLONG Lba)
{
    F.Lba0 = UCHAR(Lba);
    F.Lba1 = UCHAR(Lba >> 8);
    F.Lba2 = UCHAR(Lba >> 16);
    F.Lba3 = UCHAR(Lba >> 24);
    F.Lba4 = UCHAR(Lba >> 32);
    F.Lba5 = UCHAR(Lba >> 40);
}

// The ranges of an UNMAP as entries of 48 bits of address and 16 of length (ACS-3, 7.5). Their number.
ULONG FillTrims(PSCSI_REQUEST_BLOCK Srb, RequestExtension& R)
{
    RtlZeroMemory(R.Trims, sizeof(R.Trims));
    ULONGLONG Lba;
    ULONG Blocks, N = 0;
    for (ULONG I = 0; disk::UnmapRange(Srb, I, Lba, Blocks); ++I) {
        while (Blocks && N < MostTrims) {
            ULONG Now = Blocks < 65535 ? Blocks : 65535;
            R.Trims[N++] = Lba | ULONGLONG(Now) << 48;
            Lba += Now;
            Blocks -= Now;
        }
    }
    return N;
}

// Writes the command's table and header. False: the data has more pieces than there are descriptors.
bool Build(Adapter& A, PortState& P, PSCSI_REQUEST_BLOCK Srb, ULONG Slot)
{
    auto& R = ExtensionOf(Srb);
    ULONG Length;
    ULONGLONG Room = ULONGLONG(StorPortGetPhysicalAddress(&A, Srb, R.TableRoom, &Length).QuadPart);
    ULONG Skip = ULONG(-LONGLONG(Room)) & 127;
    auto& T = *reinterpret_cast<CommandTable*>(R.TableRoom + Skip);
    ULONGLONG Table = Room + Skip;
    RtlZeroMemory(&T, sizeof(HostFis));
    HostFis& F = T.Fis;
    F.Type = HostFisType;
    F.Flags = IsCommand;
    F.Device = 0x40;                    // LBA
    bool Write = R.What.Action == disk::What::Write || R.What.Action == disk::What::Unmap, Moves = true;
    switch (R.What.Action) {
    case disk::What::Read:
    case disk::What::Write:
        SetLba(F, R.What.Lba);
        if (IsQueuedCommand(P, R)) {
            F.Command = Write ? WriteQueued : ReadQueued;
            F.Features = UCHAR(R.What.Blocks);
            F.FeaturesHigh = UCHAR(R.What.Blocks >> 8);
            F.Count = UCHAR(Slot << 3);
            if (R.What.Fua)
                F.Device |= 0x80;
        } else {
            F.Command = !P.Ext ? Write ? WriteDma : ReadDma : !Write ? ReadDmaExt : R.What.Fua && P.Disk.Fua ? WriteDmaFuaExt : WriteDmaExt;
            F.Count = UCHAR(R.What.Blocks);
            F.CountHigh = UCHAR(R.What.Blocks >> 8);
            if (!P.Ext) {
                F.Device |= F.Lba3 & 15;
                F.Lba3 = 0;
            }
        }
        break;
    case disk::What::Unmap:
        F.Command = DataSetManagement;
        F.Features = 1;                 // trim
        F.Count = 1;
        break;
    default:
        F.Command = P.Ext ? FlushCacheExt : FlushCache;
        Moves = false;
        break;
    }
    ULONG N = 0;
    auto Describe = [&](ULONGLONG Address, ULONG Bytes) {
        if (N == MostDescriptors || Bytes > MostPerDescriptor)
            return false;
        T.Data[N++] = { ULONG(Address), ULONG(Address >> 32), 0, Bytes - 1 };
        return true;
    };
    if (R.What.Action == disk::What::Unmap) {
        Describe(ULONGLONG(StorPortGetPhysicalAddress(&A, Srb, R.Trims, &Length).QuadPart), sizeof(R.Trims));
    } else if (Moves) {
        auto* List = StorPortGetScatterGatherList(&A, Srb);
        if (!List)
            return false;
        for (ULONG E = 0; E < List->NumberOfElements; ++E)
            if (!Describe(ULONGLONG(List->List[E].PhysicalAddress.QuadPart), List->List[E].Length))
                return false;
    }
    CommandHeader& H = P.Headers[Slot];
    H.Flags = USHORT(sizeof(HostFis) / 4 | (Write && Moves ? HeaderWrite : 0));
    H.Descriptors = USHORT(N);
    H.Transferred = 0;
    H.Table = ULONG(Table);
    H.TableHigh = ULONG(Table >> 32);
    return true;
}

// Sends what may be sent.
void Pump(Adapter& A, PortState& P)
{
    while (P.First && P.Present) {
        PSCSI_REQUEST_BLOCK Srb = P.First;
        auto& R = ExtensionOf(Srb);
        bool Queues = IsQueuedCommand(P, R);
        if (P.Issued && (P.Alone || !Queues))
            return;
        ULONG Slot = 0;
        while (Slot < P.Depth && P.Issued >> Slot & 1)
            ++Slot;
        if (Slot == P.Depth)
            return;
        P.First = R.Next;
        if (!P.First)
            P.Last = nullptr;
        if (!Build(A, P, Srb, Slot)) {
            SrbSetSrbStatus(Srb, SRB_STATUS_INVALID_REQUEST);
            Finish(A, Srb);
            continue;
        }
        R.Slot = UCHAR(Slot);
        P.Slots[Slot] = Srb;
        P.Issued |= 1u << Slot;
        P.Alone = !Queues;
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        if (Queues)
            P.Regs->SataActive = 1u << Slot;
        P.Regs->CommandIssue = 1u << Slot;
    }
}

disk::Sense SenseOf(UCHAR Error, disk::What Action)
{
    if (Error & ErrorNoId)
        return disk::OutOfRange;
    if (Error & ErrorUncorrectable)
        return Action == disk::What::Write ? disk::WriteError : disk::ReadError;
    if (Error & ErrorCrc)
        return { 0x0B, 0x47, 3 };       // aborted command: CRC error of the interface
    if (Error & ErrorAborted)
        return Action == disk::What::Write ? disk::WriteError : Action == disk::What::Read ? disk::ReadError : disk::Sense { 0x0B, 0, 0 };
    return disk::HardwareError;
}

PSCSI_REQUEST_BLOCK Release(PortState& P, ULONG Slot)
{
    PSCSI_REQUEST_BLOCK Srb = P.Slots[Slot];
    P.Slots[Slot] = nullptr;
    P.Issued &= ~(1u << Slot);
    return Srb;
}

void Recover(Adapter& A, PortState& P, UCHAR Error)
{
    bool Restarted = StopPort(P) && StartPort(A, P);
    if (!Restarted)
        Restarted = ResetLink(P) && StartPort(A, P);
    P.Regs->InterruptEnable = IsAll;
    if (P.Alone) {
        // The only one under way is the one that failed.
        for (ULONG Slot = 0; Slot < MostSlots; ++Slot) {
            if (!(P.Issued >> Slot & 1))
                continue;
            PSCSI_REQUEST_BLOCK Srb = Release(P, Slot);
            disk::Fail(Srb, Restarted ? SenseOf(Error, ExtensionOf(Srb).What.Action) : disk::HardwareError);
            Finish(A, Srb);
        }
    } else {
        for (ULONG Slot = MostSlots; Slot--;) {
            if (!(P.Issued >> Slot & 1))
                continue;
            PSCSI_REQUEST_BLOCK Srb = Release(P, Slot);
            ExtensionOf(Srb).Single = true;
            PutFirst(P, Srb);
        }
    }
    P.Alone = false;
}

}

void Accept(Adapter& A, PortState& P, PSCSI_REQUEST_BLOCK Srb, const disk::Command& C)
{
    auto& R = ExtensionOf(Srb);
    R.What = C;
    R.Single = false;
    if (C.Action == disk::What::Unmap && !FillTrims(Srb, R)) {
        disk::Succeed(Srb);
        Finish(A, Srb);
        return;
    }
    Append(P, Srb);
    Pump(A, P);
}

void Drop(PortState& P)
{
    for (auto& S : P.Slots)
        S = nullptr;
    P.Issued = 0;
    P.Alone = false;
    P.First = P.Last = nullptr;
}

void Serve(Adapter& A, PortState& P)
{
    volatile Port& R = *P.Regs;
    ULONG Why = R.InterruptStatus;
    R.InterruptStatus = Why;
    if (Why & (IsConnectChange | IsPhyChange)) {
        R.SataError = 1u << 26 | 1u << 16;      // X, N
        if ((R.SataStatus & 15) != 3 && P.Present) {
            P.Present = false;
            Drop(P);
            StorPortCompleteRequest(&A, P.Number, UCHAR(SP_UNTAGGED), UCHAR(SP_UNTAGGED), SRB_STATUS_NO_DEVICE);
            StorPortNotification(BusChangeDetected, &A, ULONG(P.Number));
            return;
        }
    }
    bool Failed = Why & IsErrors;
    UCHAR Error = UCHAR(R.TaskFile >> 8);
    // What is neither issued nor active any more has been done; of a failed command that cannot be queued the issue bit stays.
    ULONG Done = P.Issued & ~(R.CommandIssue | R.SataActive);
    if (Failed && P.Alone)
        Done = 0;
    for (ULONG Slot = 0; Done; ++Slot, Done >>= 1) {
        if (!(Done & 1))
            continue;
        PSCSI_REQUEST_BLOCK Srb = Release(P, Slot);
        disk::Succeed(Srb);
        Finish(A, Srb);
    }
    if (Failed)
        Recover(A, P, Error);
    if (!P.Issued)
        P.Alone = false;
    Pump(A, P);
}

}
