// Blocks, bins, segments.
#include "ntdll/heap/arena.hpp"

namespace heap {

namespace {

FreeLinks& LinksOf(Block* B) { return *static_cast<FreeLinks*>(B->Data()); }

// The bin that holds blocks of this size.
u32 BinOf(u32 Units)
{
    if (Units < SmallUnits)
        return Units;
    u32 Log = 31 - u32(__builtin_clz(Units));
    u32 Bin = SmallUnits + (Log - 6) * 8 + (Units >> (Log - 3) & 7);
    return Bin < BinCount ? Bin : BinCount - 1;
}

void Insert(Heap& H, Block* B)
{
    u32 Bin = BinOf(B->Units);
    B->Flags = 0;
    B->Slack = 0;
    B->UserFlags = 0;
    B->Seal();
    LinksOf(B) = { H.Bins[Bin], nullptr };
    if (H.Bins[Bin])
        LinksOf(H.Bins[Bin]).Previous = B;
    H.Bins[Bin] = B;
    H.Bitmap[Bin / 64] |= u64(1) << Bin % 64;
}

void Remove(Heap& H, Block* B)
{
    FreeLinks L = LinksOf(B);
    if (L.Next)
        LinksOf(L.Next).Previous = L.Previous;
    if (L.Previous) {
        LinksOf(L.Previous).Next = L.Next;
        return;
    }
    u32 Bin = BinOf(B->Units);
    H.Bins[Bin] = L.Next;
    if (!L.Next)
        H.Bitmap[Bin / 64] &= ~(u64(1) << Bin % 64);
}

// A free block of at least Units, out of its bin.
Block* Search(Heap& H, u32 Units)
{
    u32 Bin = BinOf(Units);
    if (Units >= SmallUnits) {      // the size's own bin may hold smaller ones too
        for (Block* B = H.Bins[Bin]; B; B = LinksOf(B).Next) {
            if (B->Units >= Units) {
                Remove(H, B);
                return B;
            }
        }
        ++Bin;
    }
    for (u32 Word = Bin / 64; Word < BitmapWords; ++Word) {
        u64 Bits = H.Bitmap[Word] & (Word == Bin / 64 ? ~u64(0) << Bin % 64 : ~u64(0));
        if (Bits) {
            Block* B = H.Bins[Word * 64 + u32(__builtin_ctzll(Bits))];
            Remove(H, B);
            return B;
        }
    }
    return nullptr;
}

// Cuts what B has beyond Units off as a free block.
void Split(Heap& H, Block* B, u32 Units)
{
    u32 Rest = B->Units - Units;
    if (Rest < 2)
        return;
    Block* After = B->Next();
    B->Units = Units;
    Block* Tail = B->Next();
    Tail->Units = Rest;
    Tail->PreviousUnits = Units;
    if (!(After->Flags & (Busy | Sentinel))) {
        Remove(H, After);
        Tail->Units += After->Units;
        After = Tail->Next();
    }
    After->PreviousUnits = Tail->Units;
    After->Seal();
    Insert(H, Tail);
}

// Commits more of S: a free block of at least Units at its end, not in a bin.
Block* Extend(Heap& H, Segment& S, u32 Units)
{
    Block* Tail = S.Last;
    u64 Have = 0;
    if (Tail->PreviousUnits && !(Tail->Previous()->Flags & Busy))
        Have = Tail->Previous()->Units;
    u64 Need = (u64(Units) - Have) * Unit;
    u64 Step = AlignUp(Need, Need > 256 * KiB ? PageSize : 64 * KiB);
    if (S.Committed + Step > S.End)
        Step = S.End - S.Committed;
    if (Step < Need)
        return nullptr;
    PVOID Base = reinterpret_cast<PVOID>(S.Committed);
    SIZE_T Size = Step;
    if (NtAllocateVirtualMemory(CurrentProcess(), &Base, 0, &Size, MEM_COMMIT, H.Protection) < 0)
        return nullptr;
    S.Committed += Step;
    Block* B = Tail;
    if (Have) {
        B = Tail->Previous();
        Remove(H, B);
        B->Units += u32(Step / Unit);
    } else {
        B->Units = u32(Step / Unit);
        B->Flags = 0;
    }
    S.Last = B->Next();
    *S.Last = { 1, B->Units, 0, Busy | Sentinel, 0, 0 };
    S.Last->Seal();
    return B;
}

Segment* SegmentOf(Heap& H, u64 Address)
{
    if (H.LastHit && Address >= H.LastHit->Base && Address < H.LastHit->Committed)
        return H.LastHit;
    for (LIST_ENTRY* I = H.Segments.Flink; I != &H.Segments; I = I->Flink) {
        Segment* S = RECORD_OF(I, Segment, Links);
        if (Address >= S->Base && Address < S->Committed)
            return H.LastHit = S;
    }
    return nullptr;
}

}

bool AdoptSegment(Heap& H, PVOID Base, u64 Skip, u64 Committed, u64 Size)
{
    Skip = AlignUp(Skip, Unit);
    if (Committed < Skip + sizeof(Segment) + 4 * Unit)
        return false;
    auto* S = At<Segment>(Base, Skip);
    u64 FirstBlock = AlignUp(Skip + sizeof(Segment), Unit);
    *S = { {}, u64(Base), u64(Base) + Committed, u64(Base) + Size, At<Block>(Base, FirstBlock), nullptr };
    Block* B = S->First;
    B->Units = u32((Committed - FirstBlock - Unit) / Unit);
    B->PreviousUnits = 0;
    S->Last = B->Next();
    *S->Last = { 1, B->Units, 0, Busy | Sentinel, 0, 0 };
    S->Last->Seal();
    Insert(H, B);
    InsertTailList(&H.Segments, &S->Links);
    H.Reserved += Size;
    return true;
}

bool AddSegment(Heap& H, u64 Bytes)
{
    if (H.Limit)
        return false;
    u64 Size = H.GrowBy;
    while (Size < Bytes + 2 * PageSize)
        Size *= 2;
    PVOID Base = nullptr;
    SIZE_T Reserve = Size;
    if (NtAllocateVirtualMemory(CurrentProcess(), &Base, 0, &Reserve, MEM_RESERVE, H.Protection) < 0) {
        Reserve = AlignUp(Bytes + 2 * PageSize, 64 * KiB);
        if (NtAllocateVirtualMemory(CurrentProcess(), &Base, 0, &Reserve, MEM_RESERVE, H.Protection) < 0)
            return false;
    }
    SIZE_T Commit = AlignUp(Bytes + PageSize, 64 * KiB);
    if (Commit > Reserve)
        Commit = Reserve;
    if (NtAllocateVirtualMemory(CurrentProcess(), &Base, 0, &Commit, MEM_COMMIT, H.Protection) < 0) {
        SIZE_T Zero = 0;
        NtFreeVirtualMemory(CurrentProcess(), &Base, &Zero, MEM_RELEASE);
        return false;
    }
    if (H.GrowBy < 16 * MiB)
        H.GrowBy *= 2;
    return AdoptSegment(H, Base, 0, Commit, Reserve);
}

bool Keep(Heap& H, Block* B)
{
    u32 Units = B->Units;
    if (Units >= SmallUnits || H.WaitingCount[Units] == MaximumWaiting)
        return false;
    ++H.WaitingCount[Units];
    B->Flags = Busy | Waiting;
    B->Slack = 0;
    B->Seal();
    LinksOf(B).Next = H.WaitingBlocks[Units];
    H.WaitingBlocks[Units] = B;
    return true;
}

bool GiveWaiting(Heap& H)
{
    bool Any = false;
    for (u32 Units = 0; Units < SmallUnits; ++Units) {
        while (Block* B = H.WaitingBlocks[Units]) {
            H.WaitingBlocks[Units] = LinksOf(B).Next;
            Give(H, B);
            Any = true;
        }
        H.WaitingCount[Units] = 0;
    }
    return Any;
}

Block* Take(Heap& H, u32 Units)
{
    if (Units < SmallUnits) {
        if (Block* B = H.WaitingBlocks[Units]) {
            H.WaitingBlocks[Units] = LinksOf(B).Next;
            --H.WaitingCount[Units];
            B->Flags = Busy;
            return B;
        }
    }
    Block* B = Search(H, Units);
    if (!B && GiveWaiting(H))
        B = Search(H, Units);
    if (!B) {
        for (LIST_ENTRY* I = H.Segments.Blink; I != &H.Segments && !B; I = I->Blink)
            B = Extend(H, *RECORD_OF(I, Segment, Links), Units);
        if (!B) {
            if (!AddSegment(H, u64(Units) * Unit + sizeof(Segment) + 2 * Unit))
                return nullptr;
            B = Search(H, Units);
            if (!B)
                return nullptr;
        }
    }
    Split(H, B, Units);
    B->Flags = Busy;
    Block* Next = B->Next();
    if (Next->PreviousUnits != B->Units) {
        Next->PreviousUnits = B->Units;
        Next->Seal();
    }
    return B;
}

void Give(Heap& H, Block* B)
{
    Block* Next = B->Next();
    if (!(Next->Flags & Busy)) {
        Remove(H, Next);
        B->Units += Next->Units;
    }
    if (B->PreviousUnits) {
        Block* Before = B->Previous();
        if (!(Before->Flags & Busy)) {
            Remove(H, Before);
            B->Flags = 0;           // its header becomes data: it must not pass for a block again
            B->Check = u16(~B->Sum());
            Before->Units += B->Units;
            B = Before;
        }
    }
    Next = B->Next();
    Next->PreviousUnits = B->Units;
    Next->Seal();
    Insert(H, B);
}

bool GrowInPlace(Heap& H, Block* B, u32 Units)
{
    Block* Next = B->Next();
    if (Next->Flags & Busy || B->Units + Next->Units < Units)
        return false;
    Remove(H, Next);
    B->Units += Next->Units;
    B->Next()->PreviousUnits = B->Units;
    B->Next()->Seal();
    Split(H, B, Units);
    return true;
}

void Shrink(Heap& H, Block* B, u32 Units)
{
    Split(H, B, Units);
}

PVOID TakeLarge(Heap& H, u64 Size)
{
    if (H.Limit)
        return nullptr;
    PVOID Base = nullptr;
    SIZE_T Mapped = Size + sizeof(LargeHeader) + PageSize;
    if (Mapped < Size || NtAllocateVirtualMemory(CurrentProcess(), &Base, 0, &Mapped, MEM_RESERVE | MEM_COMMIT, H.Protection) < 0)
        return nullptr;
    auto* L = static_cast<LargeHeader*>(Base);
    L->MappedSize = Mapped;
    L->DataSize = Size;
    L->Header = { 0, 0, 0, Busy | Large, 0, 0 };
    L->Header.Seal();
    InsertTailList(&H.LargeBlocks, &L->Links);
    return L->Header.Data();
}

void GiveLarge(Heap&, LargeHeader* L)
{
    RemoveEntryList(&L->Links);
    PVOID Base = L;
    SIZE_T Size = 0;
    NtFreeVirtualMemory(CurrentProcess(), &Base, &Size, MEM_RELEASE);
}

LargeHeader* LargeOf(Block* B) { return RECORD_OF(B, LargeHeader, Header); }

Block* Find(Heap& H, const void* Memory)
{
    u64 Address = u64(Memory);
    if (!Memory || Address % Unit)
        return nullptr;
    if (Segment* S = SegmentOf(H, Address)) {
        Block* B = At<Block>(Memory, -HeaderSize);
        if (u64(B) < u64(S->First) || !(B->Flags & Busy) || B->Flags & (Sentinel | Large | Waiting) || !B->Valid() || B->Units < 2
            || u64(B->Next()) > u64(S->Last))
            return nullptr;
        return B;
    }
    if ((Address & PageMask) != sizeof(LargeHeader))
        return nullptr;
    for (LIST_ENTRY* I = H.LargeBlocks.Flink; I != &H.LargeBlocks; I = I->Flink) {
        LargeHeader* L = RECORD_OF(I, LargeHeader, Links);
        if (L->Header.Data() == Memory)
            return &L->Header;
    }
    return nullptr;
}

}
