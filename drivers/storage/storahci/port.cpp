// Bringing up ports (AHCI 10.1, 10.4) and finding out what is on them.
#include "storahci/storahci.hpp"

namespace ahci {

namespace {

constexpr ULONG PortBytes = 2048, ScratchBytes = 4096;     // command list and received FIS; identify's table and data
constexpr ULONG FisAt = 1024, ScratchData = 2048;

template <typename F> bool Wait(ULONG Milliseconds, F Until)
{
    for (ULONG N = 0; N <= Milliseconds * 10; ++N) {
        if (Until())
            return true;
        StorPortStallExecution(100);
    }
    return false;
}

// A string of ATA's: two characters to a word, the first in the high byte.
void AtaText(CHAR* To, const USHORT* From, ULONG Words)
{
    for (ULONG N = 0; N < Words; ++N) {
        To[2 * N] = CHAR(From[N] >> 8);
        To[2 * N + 1] = CHAR(From[N]);
    }
    ULONG Bytes = Words * 2;
    while (Bytes && (To[Bytes - 1] == ' ' || !To[Bytes - 1]))
        --Bytes;
    To[Bytes] = 0;
}

void Describe(Adapter& A, PortState& P, const USHORT* Id)
{
    auto& D = P.Disk;
    D = {};
    P.Ext = Id[83] & 0x400;
    D.Blocks = P.Ext ? ULONGLONG(Id[100]) | ULONGLONG(Id[101]) << 16 | ULONGLONG(Id[102]) << 32 | ULONGLONG(Id[103]) << 48 : ULONGLONG(Id[60]) | ULONGLONG(Id[61]) << 16;
    D.BlockBytes = 512;
    if ((Id[106] & 0xC000) == 0x4000) {
        if (Id[106] & 0x1000)
            D.BlockBytes = (ULONG(Id[117]) | ULONG(Id[118]) << 16) * 2;
        if (Id[106] & 0x2000)
            D.PhysicalExponent = Id[106] & 15;
    }
    D.WriteCache = Id[85] & 0x20;
    D.Fua = P.Ext && Id[84] & 0x40;
    P.Trim = Id[169] & 1;
    D.Unmaps = P.Trim;
    D.MaximumUnmapRanges = 16;
    D.MaximumUnmapBlocks = MostTrims * 65535;
    P.Queued = A.Capabilities & SupportsNcq && Id[76] & 0x100 && P.Ext;
    P.Depth = P.Queued ? (Id[75] & 31u) + 1 : 1;
    if (P.Depth > A.SlotCount)
        P.Depth = A.SlotCount;
    CHAR Model[41], Firmware[9], Serial[21];
    AtaText(Model, Id + 27, 20);
    AtaText(Firmware, Id + 23, 4);
    AtaText(Serial, Id + 10, 10);
    // As Windows does: the model's first word is the vendor, if it is short enough.
    ULONG Word = 0;
    while (Model[Word] && Model[Word] != ' ')
        ++Word;
    const CHAR* Product = Model;
    if (Word <= 8 && Model[Word]) {
        Product = Model + Word + 1;
        Model[Word] = 0;
        disk::Pad(D.Vendor, sizeof(D.Vendor), Model);
    } else {
        disk::Pad(D.Vendor, sizeof(D.Vendor), "ATA");
    }
    disk::Pad(D.Product, sizeof(D.Product), Product);
    disk::Pad(D.Revision, sizeof(D.Revision), Firmware);
    ULONG Skip = 0;
    while (Serial[Skip] == ' ')
        ++Skip;
    for (ULONG N = 0; Serial[Skip + N] && N < sizeof(D.Serial); ++N)
        D.Serial[N] = Serial[Skip + N];
    if (Id[87] & 0x100)
        for (ULONG N = 0; N < 4; ++N) {
            D.Naa[2 * N] = UCHAR(Id[108 + N] >> 8);
            D.Naa[2 * N + 1] = UCHAR(Id[108 + N]);
        }
}

}

ULONG MemoryBytes(ULONG Ports) { return Ports * PortBytes + ScratchBytes; }

bool StopPort(PortState& P)
{
    volatile Port& R = *P.Regs;
    R.Command = R.Command & ~Start;
    if (!Wait(500, [&] { return !(R.Command & Running); }))
        return false;
    R.Command = R.Command & ~FisOn;
    return Wait(500, [&] { return !(R.Command & FisRunning); });
}

bool StartPort(Adapter& A, PortState& P)
{
    volatile Port& R = *P.Regs;
    R.ListBase = ULONG(P.HeadersPhysical);
    R.ListBaseHigh = ULONG(P.HeadersPhysical >> 32);
    R.FisBase = ULONG(P.FisPhysical);
    R.FisBaseHigh = ULONG(P.FisPhysical >> 32);
    R.Command = R.Command | FisOn;
    R.SataError = ~0u;
    R.InterruptStatus = ~0u;
    if (R.TaskFile & (TaskBusy | TaskRequest)) {
        if (A.Capabilities & SupportsClo) {
            R.Command = R.Command | OverrideBusy;
            Wait(100, [&] { return !(R.Command & OverrideBusy); });
        }
        if (!Wait(1000, [&] { return !(R.TaskFile & (TaskBusy | TaskRequest)); }))
            return false;
    }
    R.Command = R.Command | Start;
    return true;
}

bool ResetLink(PortState& P)
{
    volatile Port& R = *P.Regs;
    R.SataControl = (R.SataControl & ~0xFu) | 1;
    StorPortStallExecution(1000);
    R.SataControl = R.SataControl & ~0xFu;
    if (!Wait(100, [&] { return (R.SataStatus & 15) == 3; }))
        return false;
    R.SataError = ~0u;
    return Wait(5000, [&] { return (R.TaskFile & TaskBusy) == 0; });
}

void Discover(Adapter& A, PortState& P)
{
    volatile Port& R = *P.Regs;
    P.Present = false;
    R.InterruptEnable = 0;
    ULONG Offset = P.Number * PortBytes, Scratch = A.PortCount * PortBytes;
    P.Headers = reinterpret_cast<CommandHeader*>(A.Memory + Offset);
    P.HeadersPhysical = A.MemoryPhysical + Offset;
    P.FisPhysical = P.HeadersPhysical + FisAt;
    RtlZeroMemory(P.Headers, PortBytes);
    if (!StopPort(P) && !ResetLink(P))
        return;
    R.Command = R.Command | SpinUp | PowerOn;
    if ((R.SataStatus & 15) == 0 && !Wait(20, [&] { return (R.SataStatus & 15) != 0; }))
        return;                         // nothing is plugged in
    if ((R.SataStatus & 15) != 3 && !ResetLink(P))
        return;
    if (!StartPort(A, P) && !(ResetLink(P) && StartPort(A, P)))
        return;
    if (!Wait(1000, [&] { return R.Signature != ~0u; }) || R.Signature != DiskSignature) {
        StopPort(P);
        return;
    }
    auto& T = *reinterpret_cast<CommandTable*>(A.Memory + Scratch);
    RtlZeroMemory(&T, 0x80 + sizeof(DataDescriptor));
    T.Fis.Type = HostFisType;
    T.Fis.Flags = IsCommand;
    T.Fis.Command = IdentifyDevice;
    T.Data[0].Address = ULONG(A.MemoryPhysical + Scratch + ScratchData);
    T.Data[0].AddressHigh = ULONG((A.MemoryPhysical + Scratch + ScratchData) >> 32);
    T.Data[0].Bytes = 511;
    CommandHeader& H = P.Headers[0];
    H = {};
    H.Flags = sizeof(HostFis) / 4;
    H.Descriptors = 1;
    H.Table = ULONG(A.MemoryPhysical + Scratch);
    H.TableHigh = ULONG((A.MemoryPhysical + Scratch) >> 32);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    R.CommandIssue = 1;
    bool Done = Wait(5000, [&] { return !(R.CommandIssue & 1) || R.InterruptStatus & IsErrors; });
    if (!Done || R.InterruptStatus & IsErrors || R.TaskFile & TaskError) {
        StopPort(P);
        return;
    }
    Describe(A, P, reinterpret_cast<USHORT*>(A.Memory + Scratch + ScratchData));
    P.Present = P.Disk.Blocks != 0 && P.Disk.BlockBytes >= 512 && P.Disk.BlockBytes <= 4096;
    R.InterruptStatus = ~0u;
}

}
