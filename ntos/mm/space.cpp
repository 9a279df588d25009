// Ranges of an address space, and its life.
#include "ntos/mm/space.hpp"

#include <bit>

#include "kernel/kernel.hpp"
#include "ntos/mm/phys.hpp"
#include "ntos/mm/slots.hpp"

namespace mm {

using kernel::Failed;
using namespace nt;

static constexpr u32 KeptEmptyLeaves = 16;

Result<Protection> ProtectionFrom(u32 Page)
{
    switch (Page & 0xFF) {
    case PAGE_NOACCESS: return Protection::NoAccess;
    case PAGE_READONLY: return Protection::ReadOnly;
    case PAGE_READWRITE: return Protection::ReadWrite;
    case PAGE_WRITECOPY: return Protection::WriteCopy;
    case PAGE_EXECUTE: return Protection::Execute;
    case PAGE_EXECUTE_READ: return Protection::ExecuteRead;
    case PAGE_EXECUTE_READWRITE: return Protection::ExecuteReadWrite;
    case PAGE_EXECUTE_WRITECOPY: return Protection::ExecuteWriteCopy;
    default: return STATUS_INVALID_PAGE_PROTECTION;
    }
}

u32 PageFrom(Protection P)
{
    return 1u << u32(P);                // PAGE_NOACCESS 1, PAGE_READONLY 2 ... in this order
}
static_assert(u32(Protection::ExecuteWriteCopy) == 7 && PAGE_EXECUTE_WRITECOPY == 1u << 7);

// --- life

// One pool serves 512 spaces; more pools are made as they fill, and kept.
static Status AssignAsid(CPtr Pml4)
{
    static CPtr Pools[64] = { kernel::boot::AsidPool };
    static u32 PoolCount = 1;
    for (u32 I = PoolCount; I-- > 0;)
        if (!Failed(kernel::AssignAsid(Pools[I], Pml4)))
            return STATUS_SUCCESS;
    if (PoolCount == 64)
        return STATUS_INSUFFICIENT_RESOURCES;
    CPtr Slot = TRY(AllocateSlot());
    Pfn Page = TRY(TakeUntyped());
    if (Failed(kernel::MakeAsidPool(UntypedOf(Page), Slot))) {
        ReturnUntyped(Page);
        FreeSlot(Slot);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Pools[PoolCount++] = Slot;
    return Failed(kernel::AssignAsid(Slot, Pml4)) ? STATUS_INSUFFICIENT_RESOURCES : STATUS_SUCCESS;
}

Result<Own<AddressSpace>> AddressSpace::Create()
{
    Own<AddressSpace> Space(new AddressSpace);
    if (!Space)
        return STATUS_INSUFFICIENT_RESOURCES;
    Space->Pml4_ = TRY(AllocateObject(KernelObject::Pml4));
    TRY(AssignAsid(Space->Pml4_.Cap));
    return Space;
}

AddressSpace::~AddressSpace()
{
    Clear();
}

void AddressSpace::Clear()
{
    // Without the top table nothing is mapped any more: the pages' capabilities need not be unmapped one by one.
    FreeObject(Pml4_, KernelObject::Pml4);
    while (!Vads_.IsEmpty())
        Remove(*Vads_.Last());
    for (Leaf& L : Leaves_) {
        mm::FreePage(reinterpret_cast<u8*>(L.Entries));
        FreeObject(L.Table, KernelObject::PageTable);
    }
    Leaves_.Clear();
    EmptyLeaves_ = 0;
    for (Upper& D : Directories_)
        FreeObject(D.Handle, KernelObject::PageDirectory);
    Directories_.Clear();
    for (Upper& P : Pdpts_)
        FreeObject(P.Handle, KernelObject::Pdpt);
    Pdpts_.Clear();
    Forget();
}

// --- VADs: an array ordered by address

// The first VAD that ends after Address.
static usize LowerBound(const Vector<Vad*>& Vads, u64 Address)
{
    usize Low = 0, High = Vads.Size();
    while (Low < High) {
        usize Middle = (Low + High) / 2;
        if (Vads[Middle]->End <= Address)
            Low = Middle + 1;
        else
            High = Middle;
    }
    return Low;
}

Vad* AddressSpace::Find(u64 Address)
{
    usize At = LowerBound(Vads_, Address);
    return At < Vads_.Size() && Vads_[At]->Start <= Address ? Vads_[At] : nullptr;
}

bool AddressSpace::IsFree(u64 Start, u64 End)
{
    usize At = LowerBound(Vads_, Start);
    return At == Vads_.Size() || Vads_[At]->Start >= End;
}

Result<u64> AddressSpace::FindFree(u64 Bytes, const Placement& Where)
{
    if (Bytes == 0 || Bytes > HighestUser)
        return STATUS_NO_MEMORY;
    u64 Lowest = Where.Lowest < LowestUser ? LowestUser : Where.Lowest;
    u64 Highest = Where.Highest > HighestUser ? HighestUser : Where.Highest;
    if (!Where.TopDown) {
        u64 At = AlignUp(Lowest, Where.Alignment);
        // Everything below the hint is known to be full (for ordinary requests).
        bool Ordinary = Lowest == LowestUser && Where.Alignment == AllocationGranularity && Bytes <= AllocationGranularity;
        if (Ordinary && Hint_ > At)
            At = Hint_;
        for (usize I = LowerBound(Vads_, At);; ++I) {
            u64 Limit = I < Vads_.Size() ? Vads_[I]->Start : Highest + 1;
            if (At + Bytes <= Limit && At + Bytes - 1 <= Highest) {
                if (Ordinary)
                    Hint_ = At;
                return At;
            }
            if (I >= Vads_.Size())
                return STATUS_NO_MEMORY;
            At = AlignUp(Vads_[I]->End, Where.Alignment);
            if (At > Highest)
                return STATUS_NO_MEMORY;
        }
    }
    u64 Top = Highest + 1;
    for (usize I = LowerBound(Vads_, Highest); ; --I) {
        // The gap below VAD I (or below Top), above VAD I-1.
        u64 Limit = I < Vads_.Size() && Vads_[I]->Start < Top ? Vads_[I]->Start : Top;
        u64 Floor = I > 0 ? Vads_[I - 1]->End : Lowest;
        if (Floor < Lowest)
            Floor = Lowest;
        if (Limit >= Bytes) {
            u64 At = AlignDown(Limit - Bytes, Where.Alignment);
            if (At >= Floor && At >= Lowest)
                return At;
        }
        if (I == 0 || Floor <= Lowest)
            return STATUS_NO_MEMORY;
    }
}

Result<Vad*> AddressSpace::Insert(u64 Start, u64 Bytes, Vad::Kinds Kind)
{
    u64 End = Start + Bytes;
    if (Start < LowestUser || End < Start || End - 1 > HighestUser)
        return STATUS_CONFLICTING_ADDRESSES;
    if (!IsFree(Start, End))
        return STATUS_CONFLICTING_ADDRESSES;
    Vad* V = new Vad { .Start = Start, .End = End, .Kind = Kind, .Protect = Protection::NoAccess, .AllocationBase = Start, .Backing = {}, .InitialPage = PAGE_NOACCESS };
    if (!V)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (Status S = Vads_.Push(nullptr); !S.Ok()) {
        delete V;
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    usize At = Vads_.Size() - 1;
    while (At > 0 && Vads_[At - 1]->Start > Start) {
        Vads_[At] = Vads_[At - 1];
        --At;
    }
    Vads_[At] = V;
    ReservedBytes += Bytes;
    return V;
}

static bool IsUntouched(const Pte& E)
{
    return std::bit_cast<u64>(E) == 0;
}

void AddressSpace::Remove(Vad& V)
{
    (void)Decommit(V, V.Start, V.End);   // of a whole range it cannot fail: nothing is split
    // A private range has no entries by now.
    for (u64 Base = NextLeaf(V.Start); Base < V.End; Base = NextLeaf(Base + LeafSpan)) {
        Leaf* L = LeafFor(Base, false).Take();
        u64 From = Base < V.Start ? V.Start : Base, End = Base + LeafSpan < V.End ? Base + LeafSpan : V.End;
        for (u64 P = From; P < End && V.Kind != Vad::Private; P += PageSize) {
            Pte& E = L->Entries[(P - Base) >> PageShift];
            if (E.State != Pte::Default || E.HasProtect) {
                E = {};
                --L->Used;
            }
        }
    }
    DropEmptyLeaves(V.Start, V.End);
    if (V.Start < Hint_)
        Hint_ = AlignDown(V.Start, AllocationGranularity);
    ReservedBytes -= V.End - V.Start;
    if (V.Backing && V.Backing->Store) {
        --V.Backing->Store->Mappings;
        if (V.System)
            --V.Backing->Store->SystemViews;
        if (V.Paged) {
            PageStore::RemoveView(V.Paged);
            --PagedViews;
        }
    }
    usize At = LowerBound(Vads_, V.Start);
    Vads_.RemoveAt(At);
    delete &V;
    Forget();
}

Status AddressSpace::Split(Vad& V, u64 At)
{
    if (At <= V.Start || At >= V.End)
        return STATUS_SUCCESS;
    ASSERT(!V.Paged);                   // views are not split
    u64 End = V.End;
    V.End = At;
    auto Rest = Insert(At, End - At, V.Kind);
    if (!Rest.Ok()) {
        V.End = End;
        return Rest.GetStatus();
    }
    ReservedBytes -= End - At;          // Insert counted it again
    Vad& R = *Rest.Value();
    R.Protect = V.Protect;
    R.Guard = V.Guard;
    R.Committed = V.Committed;
    R.WriteWatch = V.WriteWatch;
    R.NoInherit = V.NoInherit;
    R.AllocationBase = V.AllocationBase;
    R.Offset = V.Offset + (At - V.Start);
    R.InitialPage = V.InitialPage;
    R.Backing = V.Backing;
    R.TracksWrites = V.TracksWrites;
    if (R.Backing && R.Backing->Store)
        ++R.Backing->Store->Mappings;
    return STATUS_SUCCESS;
}

// --- page tables

Result<AddressSpace::Leaf*> AddressSpace::LeafFor(u64 Address, bool Make)
{
    u64 Base = AlignDown(Address, LeafSpan);
    if (LastLeaf_ < Leaves_.Size() && Leaves_[LastLeaf_].Base == Base)
        return &Leaves_[LastLeaf_];
    usize Low = 0, High = Leaves_.Size();
    while (Low < High) {
        usize Middle = (Low + High) / 2;
        if (Leaves_[Middle].Base < Base)
            Low = Middle + 1;
        else
            High = Middle;
    }
    if (Low < Leaves_.Size() && Leaves_[Low].Base == Base) {
        LastLeaf_ = u32(Low);
        return &Leaves_[Low];
    }
    if (!Make)
        return static_cast<Leaf*>(nullptr);
    TRY(Leaves_.Reserve(Leaves_.Size() + 1 > 16 ? Leaves_.Size() + Leaves_.Size() / 2 : 16));
    u8* Page = TRY(AllocatePage());
    (void)Leaves_.Push(Leaf {});        // reserved above
    for (usize I = Leaves_.Size() - 1; I > Low; --I)
        Leaves_[I] = Leaves_[I - 1];
    Leaves_[Low] = Leaf { Base, reinterpret_cast<Pte*>(Page), {}, 0 };
    LastLeaf_ = u32(Low);
    return &Leaves_[Low];
}

u64 AddressSpace::NextLeaf(u64 Address)
{
    if (LastLeaf_ < Leaves_.Size() && Leaves_[LastLeaf_].Base == AlignDown(Address, LeafSpan))
        return Leaves_[LastLeaf_].Base;
    usize Low = 0, High = Leaves_.Size();
    while (Low < High) {
        usize Middle = (Low + High) / 2;
        if (Leaves_[Middle].Base + LeafSpan <= Address)
            Low = Middle + 1;
        else
            High = Middle;
    }
    return Low < Leaves_.Size() ? Leaves_[Low].Base : ~u64(0);
}

Pte* AddressSpace::Entry(u64 Address)
{
    if (LastLeaf_ < Leaves_.Size()) [[likely]] {
        Leaf& Last = Leaves_[LastLeaf_];
        if (Address - Last.Base < LeafSpan) [[likely]]
            return &Last.Entries[(Address - Last.Base) >> PageShift];
    }
    Leaf* L = LeafFor(Address, false).Take();
    return L ? &L->Entries[(Address - L->Base) >> PageShift] : nullptr;
}

Result<Pte*> AddressSpace::MakeEntry(u64 Address)
{
    Leaf* L = TRY(LeafFor(Address, true));
    Pte* E = &L->Entries[(Address - L->Base) >> PageShift];
    if (E->State == Pte::Default && !E->HasProtect)
        ++L->Used;                      // the caller gives it a state
    return E;
}

void AddressSpace::DropEmptyLeaves(u64 Start, u64 End)
{
    // Leaves in the range that hold nothing; a few empty ones are worth keeping for the next allocation.
    for (usize I = Leaves_.Size(); I-- > 0;) {
        Leaf& L = Leaves_[I];
        if (L.Base + LeafSpan <= Start)
            break;
        if (L.Base >= End || L.Used)
            continue;
        if (Leaves_.Size() <= KeptEmptyLeaves)
            continue;
        mm::FreePage(reinterpret_cast<u8*>(L.Entries));
        FreeObject(L.Table, KernelObject::PageTable);
        for (usize J = I; J + 1 < Leaves_.Size(); ++J)
            Leaves_[J] = Leaves_[J + 1];
        Leaves_.Pop();
        LastLeaf_ = 0;
    }
}

Status AddressSpace::ChargePrivate(u64 Pages)
{
    TRY(ChargeCommit(Pages));
    PrivatePages += Pages;
    if (PrivatePages > PeakPrivatePages)
        PeakPrivatePages = PrivatePages;
    return STATUS_SUCCESS;
}

void AddressSpace::ReturnPrivate(u64 Pages)
{
    ReturnCommit(Pages);
    PrivatePages -= Pages;
}

// --- commit, decommit, protect

// Whether the page counts as committed to a private range.
static bool IsCommitted(const Vad& V, const Pte* E)
{
    if (V.Kind == Vad::Placeholder)
        return false;
    if (!E || E->State == Pte::Default)
        return V.Kind == Vad::Private ? V.Committed : true;
    return E->State != Pte::Decommitted;
}

Status AddressSpace::Commit(Vad& V, u64 Start, u64 End, Protection P, bool Guard)
{
    if (V.Kind == Vad::Data) {
        // Views: pages of a reserved section come into being; others only change protection.
        for (u64 A = Start; A < End && !V.Paged; A += PageSize)
            (void)TRY(V.Backing->Store->PageFrame((V.Offset + A - V.Start) >> PageShift, true));
        (void)TRY(Protect(V, Start, End, P, Guard));
        return STATUS_SUCCESS;
    }
    if (V.Kind != Vad::Private)
        return STATUS_CONFLICTING_ADDRESSES;
    // A fresh range that is committed as a whole needs no entries.
    if (Start == V.Start && End == V.End && !V.Committed) {
        bool Untouched = true;
        for (u64 Base = NextLeaf(Start); Base < End && Untouched; Base = NextLeaf(Base + LeafSpan))
            for (u64 A = Base < Start ? Start : Base; A < End && A < Base + LeafSpan; A += PageSize)
                if (Pte* E = Entry(A); E->State != Pte::Default || E->HasProtect)
                    Untouched = false;
        if (Untouched) {
            TRY(ChargePrivate((End - Start) >> PageShift));
            V.Committed = true;
            V.Protect = P;
            V.Guard = Guard;
            return STATUS_SUCCESS;
        }
    }
    u64 New = 0;
    for (u64 A = Start; A < End;) {
        u64 Leaf = NextLeaf(A);
        if (A < Leaf) {                 // no entries: as the range is
            u64 Stop = Leaf < End ? Leaf : End;
            New += V.Committed ? 0 : (Stop - A) >> PageShift;
            A = Stop;
            continue;
        }
        New += !IsCommitted(V, Entry(A));
        A += PageSize;
    }
    if (New)
        TRY(ChargePrivate(New));
    u64 Left = New;
    for (u64 A = Start; A < End; A += PageSize) {
        Pte* Old = Entry(A);
        bool Was = IsCommitted(V, Old);
        auto Made = MakeEntry(A);
        if (!Made.Ok()) {
            ReturnPrivate(Left);
            return Made.GetStatus();
        }
        Pte& E = *Made.Value();
        if (!Was)
            --Left;
        if (E.State == Pte::Present) {
            // Committed again: the content stays, the protection is new.
            UnmapInHardware(E);
        } else {
            E.State = Pte::Demand;
        }
        E.Protect = u64(P);
        E.HasProtect = 1;
        E.Guard = Guard;
    }
    Forget();
    return STATUS_SUCCESS;
}

void AddressSpace::FreePage(Vad& V, Pte& E)
{
    UnmapInHardware(E);
    if (E.State == Pte::Present && E.Private) {
        ReleaseFrame(E.Frame);
        if (V.Kind != Vad::Private)
            ReturnPrivate(1);           // charged when it was copied; a private range's page stays charged until decommit
    } else if (E.State == Pte::Present && V.Paged) {
        ReleaseFrame(E.Frame);
    }
    E.Clean = 0;
    E.Frame = 0;
    E.Private = 0;
}

Status AddressSpace::Decommit(Vad& V, u64 Start, u64 End)
{
    bool Whole = Start == V.Start && End == V.End;
    if (!Whole && V.Kind == Vad::Private && V.Committed)
        for (u64 A = AlignDown(Start, LeafSpan); A < End; A += LeafSpan)
            (void)TRY(LeafFor(A, true));        // entries are needed to say so: all or nothing
    u64 Returned = 0;
    for (u64 A = Start; A < End;) {
        Leaf* L = LeafFor(A, false).Take();
        u64 Stop = AlignDown(A, LeafSpan) + LeafSpan;
        if (Stop > End)
            Stop = End;
        if (!L && (Whole || V.Kind != Vad::Private || !V.Committed)) {
            u64 Next = NextLeaf(A);
            if (Stop < Next)
                Stop = Next < End ? Next : End;
            if (V.Kind == Vad::Private && V.Committed)
                Returned += (Stop - A) >> PageShift;
            A = Stop;
            continue;
        }
        // Most of a stack or heap that is reserved was never touched.
        bool DefaultCommitted = V.Kind == Vad::Private && V.Committed;
        for (; A < Stop; A += PageSize) {
            if (Whole && IsUntouched(L->Entries[(A - L->Base) >> PageShift])) {
                Returned += DefaultCommitted;
                continue;
            }
            Pte* E = Whole || V.Kind != Vad::Private ? Entry(A) : TRY(MakeEntry(A));
            if (!E)
                continue;
            bool Was = IsCommitted(V, E);
            FreePage(V, *E);
            if (V.Kind != Vad::Private) {
                if (E->State == Pte::Present)
                    E->State = Pte::Demand;
                continue;
            }
            if (Was)
                ++Returned;
            if (!Whole) {
                E->State = Pte::Decommitted;
                E->HasProtect = 1;
                E->Guard = 0;
            } else if (E->State != Pte::Default || E->HasProtect) {
                *E = {};
                --LeafFor(A, false).Take()->Used;
            }
        }
    }
    if (Returned)
        ReturnPrivate(Returned);
    if (Whole && V.Kind == Vad::Private)
        V.Committed = false;
    Forget();
    return STATUS_SUCCESS;
}

AddressSpace::PageInfo AddressSpace::Query(Vad& V, u64 Address)
{
    Pte* E = Entry(Address);
    PageInfo Info {};
    Info.Committed = IsCommitted(V, E);
    if (V.Kind == Vad::Data && V.Backing->Attributes & SEC_RESERVE && !V.Paged && (!E || E->State == Pte::Default)) {
        auto Frame = V.Backing->Store->PageFrame((V.Offset + Address - V.Start) >> PageShift, false);
        Info.Committed = Frame.Ok() && Frame.Value() != NoPfn;
    }
    Info.Present = E && E->State == Pte::Present;
    Info.Private = E && E->Private;
    if (E && E->HasProtect) {
        Info.Protect = Protection(E->Protect);
        Info.Guard = E->Guard;
    } else if (V.Kind == Vad::Image) {
        const Subsection* S = V.Backing->Image->Find(u32((V.Offset + Address - V.Start) >> PageShift));
        Info.Protect = S ? S->Protect : Protection::ReadOnly;
    } else {
        Info.Protect = V.Protect;
        Info.Guard = V.Guard;
    }
    return Info;
}

Result<u32> AddressSpace::Protect(Vad& V, u64 Start, u64 End, Protection P, bool Guard)
{
    for (u64 A = Start; A < End; A += PageSize)
        if (!Query(V, A).Committed)
            return STATUS_NOT_COMMITTED;
    PageInfo First = Query(V, Start);
    u32 Old = PageFrom(First.Protect) | (First.Guard ? PAGE_GUARD : 0);
    // An image's pages are copied on write unless they are shared writable data.
    bool Copy = V.Kind == Vad::Image || (V.Kind == Vad::Data && IsCopyOnWrite(V.Protect));
    for (u64 A = Start; A < End; A += PageSize) {
        Protection Now = P;
        if (Copy && (IsWritable(P))) {
            const Subsection* S = V.Kind == Vad::Image ? V.Backing->Image->Find(u32((V.Offset + A - V.Start) >> PageShift)) : nullptr;
            if (!S || !S->Shared)
                Now = P == Protection::ReadWrite ? Protection::WriteCopy : Protection::ExecuteWriteCopy;
        }
        Pte& E = *TRY(MakeEntry(A));
        bool Fresh = E.State == Pte::Default;
        if (Fresh)
            E.State = Pte::Demand;
        E.Protect = u64(Now);
        E.HasProtect = 1;
        E.Guard = Guard;
        if (E.State == Pte::Present && E.Slot) {
            bool Writable = (IsWritable(Now) && !E.Clean) || (IsCopyOnWrite(Now) && E.Private);
            if (!IsReadable(Now) || Guard)
                UnmapInHardware(E);
            else if (bool(E.Writable) != Writable)
                TRY(MapInHardware(A, E, Writable));
        }
    }
    Forget();
    return Result<u32>(u32(Old));
}

void AddressSpace::QueryRun(u64 Address, MEMORY_BASIC_INFORMATION& Info)
{
    Info = {};
    u64 Page = AlignDown(Address, PageSize);
    Info.BaseAddress = reinterpret_cast<PVOID>(Page);
    Vad* V = Find(Page);
    if (!V) {
        usize At = LowerBound(Vads_, Page);
        u64 End = At < Vads_.Size() ? Vads_[At]->Start : HighestUser + 1;
        Info.RegionSize = End - Page;
        Info.State = MEM_FREE;
        Info.Protect = PAGE_NOACCESS;
        return;
    }
    PageInfo First = Query(*V, Page);
    u64 End = Page;
    // Where there are no entries pages are alike: skip over them. (Of a reserved section, its store says which are committed.)
    bool Alike = V->Kind != Vad::Data || !(V->Backing->Attributes & SEC_RESERVE);
    while (End < V->End) {
        if (u64 Next = NextLeaf(End); Alike && End < Next) {
            PageInfo Rest = Query(*V, End);
            if (Rest.Committed != First.Committed || (Rest.Committed && (Rest.Protect != First.Protect || Rest.Guard != First.Guard)))
                break;
            u64 Stop = Next < V->End ? Next : V->End;
            if (V->Kind == Vad::Image) {
                u32 At = u32((V->Offset + End - V->Start) >> PageShift);
                const Subsection* S = V->Backing->Image->Find(At);
                u64 PartEnd = End + (S ? u64(S->FirstPage + S->Pages - At) << PageShift : PageSize);
                Stop = PartEnd < Stop ? PartEnd : Stop;
            }
            End = Stop;
            continue;
        }
        PageInfo Now = Query(*V, End);
        if (Now.Committed != First.Committed || (Now.Committed && (Now.Protect != First.Protect || Now.Guard != First.Guard)))
            break;
        End += PageSize;
    }
    Info.AllocationBase = reinterpret_cast<PVOID>(V->AllocationBase);
    Info.AllocationProtect = V->InitialPage;
    Info.RegionSize = End - Page;
    Info.State = First.Committed ? MEM_COMMIT : MEM_RESERVE;
    Info.Protect = First.Committed ? PageFrom(First.Protect) | (First.Guard ? PAGE_GUARD : 0) : 0;
    if (First.Committed && IsCopyOnWrite(First.Protect) && First.Private)
        Info.Protect = PageFrom(First.Protect == Protection::WriteCopy ? Protection::ReadWrite : Protection::ExecuteReadWrite);
    Info.Type = V->Kind == Vad::Image ? MEM_IMAGE : V->Kind == Vad::Data ? MEM_MAPPED : MEM_PRIVATE;
}

}
