// The machine: physical memory, what is there at start, failures.
#include "kernel/fake/machine.hpp"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bit>

namespace fake {

Machine* M;
static Configuration NextConfiguration;
static struct {
    bool Armed;
    u32 Skip;
    Error With;
} Failures[u32(Operation::Count)], Any;
static u64 CallCounts[u32(Operation::Count)];

void Die(const char* What)
{
    fprintf(stderr, "the in-memory kernel: %s\n", What);
    abort();
}

bool Fails(Operation What, Error& With)
{
    ++CallCounts[u32(What)];
    for (auto* F : { &Failures[u32(What)], &Any }) {
        if (!F->Armed || F->Skip-- > 0)
            continue;
        F->Armed = false;
        With = F->With;
        return true;
    }
    return false;
}

void FailNext(Operation What, u32 Skip, Error With) { Failures[u32(What)] = { true, Skip, With }; }
void FailAny(u32 Skip, Error With) { Any = { true, Skip, With }; }
bool FailurePending()
{
    bool Pending = Any.Armed;
    for (auto& F : Failures)
        Pending |= F.Armed;
    return Pending;
}
void NoFailures()
{
    Any.Armed = false;
    for (auto& F : Failures)
        F.Armed = false;
}
u64 Calls(Operation What) { return CallCounts[u32(What)]; }

u8* PhysicalBytes(u64 Physical)
{
    if (Physical >= M->MemoryTop)
        Die("no memory at this physical address");
    return M->Memory + Physical;
}

u8* ImageBytes() { return reinterpret_cast<u8*>(M->Configured.ImageAddress); }

// --- pages on the host

// Only where nothing of the host's can be: between its program and the sanitizers' tables.
static constexpr u64 LowestHost = 0x1100'0000'0000, HighestHost = 0x4000'0000'0000;
static std::set<u64> OnHost;

void PutOnHost(u64 Address, u64 Physical, bool Writable)
{
    if (Address < LowestHost || Address >= HighestHost)
        Die("the Executive maps a page where the host has no room for it");
    int Rights = Writable ? PROT_READ | PROT_WRITE : PROT_READ;
    bool IsMemory = Physical < M->MemoryTop;
    int Flags = IsMemory ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;     // a device's registers read zero
    int Again = OnHost.contains(Address) ? MAP_FIXED : MAP_FIXED_NOREPLACE;
    void* At = mmap(reinterpret_cast<void*>(Address), PageSize, Rights, Flags | Again, IsMemory ? M->File : -1, IsMemory ? off_t(Physical) : 0);
    if (At != reinterpret_cast<void*>(Address))
        Die("the host does not map a page");
    OnHost.insert(Address);
}

void TakeFromHost(u64 Address)
{
    if (OnHost.erase(Address))
        munmap(reinterpret_cast<void*>(Address), PageSize);
}

// --- start and end

static void EndAll(CNode& Node)
{
    for (Slot& S : Node.Slots)
        if (S)
            Remove(S);
}

void EndMachine()
{
    if (!M)
        return;
    if (M->Caller)
        Remove(M->Caller);
    for (CNode* Node : std::vector<CNode*>(M->Nodes.rbegin(), M->Nodes.rend()))
        EndAll(*Node);
    for (Slot& S : M->Kept)
        if (S)
            Remove(S);
    for (u64 Address : std::set<u64>(OnHost))
        TakeFromHost(Address);
    munmap(M->Memory, M->MemoryTop);
    close(M->File);
    delete std::exchange(M, nullptr);
}

void Reset(const Configuration& To)
{
    EndMachine();
    NextConfiguration = To;
    NoFailures();
    SetTsc(1'000'000'000);
}

// The kernel's own tables for what it has mapped.
static void AddOwnTables(u64 Address)
{
    for (u32 Level = 0; Level < 3; ++Level)
        M->Own->Tables[Level].emplace(AlignDown(Address, PageSize << 9 * (Level + 1)), nullptr);
}

static void MapAtBoot(Slot& Frame, u64 Address)
{
    AddOwnTables(Address);
    M->Own->Pages[Address] = { Frame->Target->Physical, true, Frame };
    Frame->Asid = M->Own->Asid;
    Frame->Address = Address;
    PutOnHost(Address, Frame->Target->Physical, true);
}

static Object* NewPage(u64 Physical)
{
    Object* Page = new Object(Kind::Page);
    Page->Physical = Physical;
    Page->Bits = PageShift;
    return Page;
}

static void AddUntyped(CPtr& Next, u64 Physical, u8 Bits, bool IsDevice)
{
    kernel::BootInfo& Info = M->Info;
    if (Info.UntypedCount == 256)
        Die("too many untypeds");
    Object* O = new Object(Kind::Untyped);
    O->Physical = Physical;
    O->Bits = Bits;
    O->IsDevice = IsDevice;
    Info.Untyped[Info.UntypedCount++] = { Next, Physical, Bits, IsDevice };
    Put(SlotAt(Next++), O, nullptr, true);
}

static kernel::BootInfo& Boot()
{
    EndMachine();
    M = new Machine;
    M->Configured = NextConfiguration;
    const Configuration& C = M->Configured;
    kernel::BootInfo& Info = M->Info;
    u64 ImageEnd = C.ImagePhysical + (C.ImagePages << PageShift);
    M->MemoryTop = ImageEnd + C.MemoryBytes;
    M->File = memfd_create("physical memory", 0);
    if (M->File < 0 || ftruncate(M->File, off_t(M->MemoryTop)) != 0)
        Die("no memory file");
    void* At = mmap(nullptr, M->MemoryTop, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, M->File, 0);
    if (At == MAP_FAILED)
        Die("no room for physical memory");
    M->Memory = static_cast<u8*>(At);

    CNode* First = new CNode(NodeBits);
    M->Nodes.push_back(First);
    M->Kept.resize(1);
    Put(M->Kept[0], First, nullptr, true);
    Put(SlotAt(kernel::boot::CNode), First, M->Kept[0], false);
    M->OwnTcb = new Tcb;
    M->OwnTcb->State = Tcb::Running;
    Put(SlotAt(kernel::boot::Tcb), M->OwnTcb, nullptr, true);
    M->Own = new Pml4;
    M->Own->IsHost = true;
    Put(SlotAt(kernel::boot::Pml4), M->Own, nullptr, true);
    Put(SlotAt(kernel::boot::IrqControl), new Object(Kind::IrqControl), nullptr, true);
    Put(SlotAt(kernel::boot::AsidControl), new Object(Kind::AsidControl), nullptr, true);
    AsidPool* Pool = new AsidPool(0);
    M->Pools[0] = Pool;
    Put(SlotAt(kernel::boot::AsidPool), Pool, nullptr, true);
    Put(SlotAt(kernel::boot::IoPort), new Object(Kind::IoPort), nullptr, true);
    M->Own->Asid = 1;
    Pool->Spaces[1] = M->Own;

    CPtr Next = 16;
    Info.FirstImageFrame = Next;
    Info.ImageFrames = C.ImagePages;
    Info.ImageAddress = C.ImageAddress;
    Info.ImagePhysical = C.ImagePhysical;
    Info.TscFrequency = C.TscFrequency;
    for (u64 I = 0; I < C.ImagePages; ++I) {
        Put(SlotAt(Next), NewPage(C.ImagePhysical + (I << PageShift)), nullptr, true);
        MapAtBoot(SlotAt(Next++), C.ImageAddress + (I << PageShift));
    }
    // The message buffer and the boot information lie behind the image, from memory below it.
    u64 Behind = C.ImageAddress + (C.ImagePages << PageShift);
    Put(SlotAt(kernel::boot::IpcBufferFrame), NewPage(C.ImagePhysical - PageSize), nullptr, true);
    MapAtBoot(SlotAt(kernel::boot::IpcBufferFrame), Behind);
    M->Kept.resize(2);
    Put(M->Kept[1], NewPage(C.ImagePhysical - 2 * PageSize), nullptr, true);
    MapAtBoot(M->Kept[1], Behind + PageSize);

    for (u64 P = ImageEnd; P < M->MemoryTop;) {
        u32 Bits = u32(std::countr_zero(P));
        while (Bits > 30 || P + (u64(1) << Bits) > M->MemoryTop)
            --Bits;
        AddUntyped(Next, P, u8(Bits), false);
        P += u64(1) << Bits;
    }
    for (const Device& D : C.Devices)
        AddUntyped(Next, D.Physical, D.SizeBits, true);
    Info.FirstFreeSlot = Next;
    Info.EndFreeSlot = NodeSlots;
    return Info;
}

}

namespace kernel {
using namespace fake;

const BootInfo& Start(void*)
{
    return fake::Boot();
}

}
