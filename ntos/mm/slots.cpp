// Capability slots, and kernel objects in them.
#include "ntos/mm/slots.hpp"

#include "kernel/kernel.hpp"
#include "ntos/mm/phys.hpp"

namespace mm {

using kernel::Failed;
using namespace nt;

// --- slots: a range taken from the front, and those given back

static CPtr Next, End;
static u64 Single, Free;
// Free slots are linked through a table of one word per slot, made in pieces as slots come into being.
static constexpr u32 PieceSlots = 1024;
static constexpr u32 MaxPieces = (u32(1) << 24) / PieceSlots;
static u32* Pieces[MaxPieces];
static u32 FreeHead;

void StartSlots(CPtr First, CPtr EndSlot)
{
    Next = First;
    End = EndSlot;
}

Status EnsureSlots(u32 Count)
{
    constexpr u32 Margin = 4096;        // hanging in a CNode itself takes slots
    static bool Growing;
    if (End - Next >= Count + Margin || Growing)
        return End - Next >= Count ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
    Growing = true;
    auto Large = TakeLargeUntyped();
    Growing = false;
    CPtr Before = kernel::SlotLimit();
    if (!Large.Ok() || Failed(kernel::AddSlots(Large.Value())))
        return End - Next >= Count ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
    Next = Before;                      // the rest of the old range, some thousands, is given up
    End = kernel::SlotLimit();
    return STATUS_SUCCESS;
}

CPtr TakeSlotRange(u32 Count)
{
    ASSERT(Count <= End - Next);
    CPtr First = Next;
    Next += Count;
    return First;
}

Result<CPtr> AllocateSlot()
{
    if (FreeHead) {
        CPtr Slot = FreeHead;
        FreeHead = Pieces[Slot / PieceSlots][Slot % PieceSlots];
        --Free;
        return Slot;
    }
    TRY(EnsureSlots(1));
    ++Single;
    return TakeSlotRange(1);
}

void FreeSlot(CPtr Slot)
{
    u32*& Piece = Pieces[Slot / PieceSlots];
    if (!Piece) {
        auto Page = AllocatePage();
        if (!Page.Ok())
            return;                     // the slot is lost; memory is full anyway
        Piece = reinterpret_cast<u32*>(Page.Value());
    }
    Piece[Slot % PieceSlots] = FreeHead;
    FreeHead = u32(Slot);
    ++Free;
}

u64 SlotsInUse()
{
    return Single - Free;
}

static u64 Alive;

u64 ObjectsAlive()
{
    return Alive;
}

static bool IsTable(KernelObject Kind)
{
    return Kind == KernelObject::PageTable || Kind == KernelObject::PageDirectory || Kind == KernelObject::Pdpt;
}

// --- kernel objects

struct KindInfo {
    kernel::ObjectType Type;
    u32 SizeArgument;
    u32 Bits;                           // log2 of the bytes one takes; 0: by the kernel's own figure
};
static constexpr KindInfo Kinds[] = {
    { kernel::ObjectType::Tcb, 0, 0 },          { kernel::ObjectType::Endpoint, 0, 0 }, { kernel::ObjectType::Notification, 0, 0 },
    { kernel::ObjectType::CNode, ClientCNodeBits, ClientCNodeBits + kernel::CNodeSlotBits }, { kernel::ObjectType::PageTable, 0, 0 },
    { kernel::ObjectType::PageDirectory, 0, 0 }, { kernel::ObjectType::Pdpt, 0, 0 },    { kernel::ObjectType::Pml4, 0, 0 },
};
static constexpr u32 KindCount = sizeof(Kinds) / sizeof(Kinds[0]);

// A page cut into equal untypeds for one kind of object smaller than a page. Slots: the untypeds, then the objects.
struct Slab {
    core::ListNode<Slab> Link;
    CPtr Base = 0;
    Pfn Page = NoPfn;                   // none: only the slots are kept
    u32 Used = 0, Count = 0;
    u64 FreeMask[4] = {};
    static void* operator new(usize Bytes) noexcept { return ::operator new(Bytes, std::nothrow); }
    static void operator delete(void* At) { ::operator delete(At); }
};
struct SlabList {
    core::List<Slab, &Slab::Link> WithRoom, Full, Unbacked;
};
static SlabList& Slabs(KernelObject Kind)
{
    alignas(SlabList) static char Room[KindCount][sizeof(SlabList)];
    static bool Made;
    if (!Made) {
        for (auto& R : Room)
            new (&R) SlabList;
        Made = true;
    }
    return *reinterpret_cast<SlabList*>(&Room[u32(Kind)]);
}

static u32 BitsOf(KernelObject Kind)
{
    const KindInfo& K = Kinds[u32(Kind)];
    return K.Bits ? K.Bits : kernel::ObjectBits(K.Type);
}

static Status Back(Slab& S, u32 Bits)
{
    Pfn Page = TRY(TakeUntyped());
    if (Failed(kernel::Retype(UntypedOf(Page), kernel::ObjectType::Untyped, Bits, S.Base, S.Count))) {
        ReturnUntyped(Page);
        return STATUS_NO_MEMORY;
    }
    S.Page = Page;
    S.Used = 0;
    for (u32 I = 0; I < S.Count; ++I)
        S.FreeMask[I / 64] |= u64(1) << (I % 64);
    return STATUS_SUCCESS;
}

Result<KernelHandle> AllocateObject(KernelObject Kind)
{
    const KindInfo& K = Kinds[u32(Kind)];
    u32 Bits = BitsOf(Kind);
    if (Bits == PageShift) {
        CPtr Cap = TRY(AllocateSlot());
        auto Page = TakeUntyped();
        if (!Page.Ok()) {
            FreeSlot(Cap);
            return Page.GetStatus();
        }
        if (Failed(kernel::Retype(UntypedOf(Page.Value()), K.Type, K.SizeArgument, Cap, 1))) {
            FreeSlot(Cap);
            ReturnUntyped(Page.Value());
            return STATUS_NO_MEMORY;
        }
        Alive += !IsTable(Kind);
        return KernelHandle { Cap, nullptr, Page.Value() };
    }

    SlabList& List = Slabs(Kind);
    Slab* S = List.WithRoom.First();
    if (!S) {
        S = List.Unbacked.First();
        if (!S) {
            u32 Count = (u32(PageSize) >> Bits) < 256 ? u32(PageSize) >> Bits : 256;
            TRY(EnsureSlots(2 * Count));
            S = new Slab;
            if (!S)
                return STATUS_NO_MEMORY;
            S->Base = TakeSlotRange(2 * Count);
            S->Count = Count;
            List.Unbacked.PushBack(*S);
        }
        TRY(Back(*S, Bits));
        S->Link.Unlink();
        List.WithRoom.PushBack(*S);
    }
    u32 At = 0;
    while (!S->FreeMask[At / 64])
        At += 64;
    At += u32(__builtin_ctzll(S->FreeMask[At / 64]));
    CPtr Cap = S->Base + S->Count + At;
    if (Failed(kernel::Retype(S->Base + At, K.Type, K.SizeArgument, Cap, 1)))
        return STATUS_NO_MEMORY;
    S->FreeMask[At / 64] &= ~(u64(1) << (At % 64));
    Alive += !IsTable(Kind);
    if (++S->Used == S->Count) {
        S->Link.Unlink();
        List.Full.PushBack(*S);
    }
    return KernelHandle { Cap, S, NoPfn };
}

void FreeObject(KernelHandle& Object, KernelObject Kind)
{
    if (!Object.Cap)
        return;
    kernel::Error E = kernel::Delete(Object.Cap);
    ASSERT(!Failed(E));
    Alive -= !IsTable(Kind);
    if (Slab* S = Object.From) {
        SlabList& List = Slabs(Kind);
        u32 At = u32(Object.Cap - S->Base - S->Count);
        S->FreeMask[At / 64] |= u64(1) << (At % 64);
        --S->Used;
        S->Link.Unlink();
        // One empty page is kept for the next; more go back.
        if (S->Used == 0 && !List.WithRoom.IsEmpty()) {
            E = kernel::Revoke(UntypedOf(S->Page));
            ASSERT(!Failed(E));
            ReturnUntyped(std::exchange(S->Page, NoPfn));
            for (u64& M : S->FreeMask)
                M = 0;
            List.Unbacked.PushBack(*S);
        } else {
            List.WithRoom.PushFront(*S);
        }
    } else {
        FreeSlot(Object.Cap);
        ReturnUntyped(Object.Page);
    }
    Object = {};
}

}
