// Address spaces: tables, pages, and what a client's access meets.
#include <string.h>

#include "kernel/fake/machine.hpp"

namespace fake {

Pml4* SpaceOf(u32 Asid)
{
    auto Pool = M->Pools.find(Asid >> 9);
    return Asid && Pool != M->Pools.end() ? Pool->second->Spaces[Asid & 511] : nullptr;
}

// What one table, directory, PDPT spans.
static u64 Span(u32 Level) { return PageSize << 9 * (Level + 1); }

static u32 LevelOf(Kind K) { return K == Kind::PageTable ? 0 : K == Kind::PageDirectory ? 1 : 2; }

static void ErasePages(Pml4& P, u64 Start, u64 End)
{
    for (auto At = P.Pages.lower_bound(Start); At != P.Pages.end() && At->first < End; At = P.Pages.erase(At))
        if (P.IsHost)
            TakeFromHost(At->first);
}

void EndPml4(Pml4& P)
{
    ErasePages(P, 0, ~u64(0));
    for (auto& Level : P.Tables)
        Level.clear();
    if (auto Pool = M->Pools.find(P.Asid >> 9); P.Asid && Pool != M->Pools.end())
        Pool->second->Spaces[P.Asid & 511] = nullptr;
    P.Asid = 0;
}

void RemoveMapping(Capability& Of)
{
    Pml4* P = SpaceOf(Of.Asid);
    Of.Asid = 0;
    if (!P)
        return;
    if (Of.K == Kind::Page || Of.K == Kind::LargePage) {
        // The kernel looks whether the entry there is this page's; it may be another's by now.
        if (auto At = P->Pages.find(Of.Address); At != P->Pages.end() && At->second.Physical == Of.Target->Physical)
            ErasePages(*P, Of.Address, Of.Address + 1);
        return;
    }
    u32 Level = LevelOf(Of.K);
    auto At = P->Tables[Level].find(Of.Address);
    if (At == P->Tables[Level].end() || At->second != Of.Target)
        return;
    ErasePages(*P, Of.Address, Of.Address + Span(Level));
    for (u32 Below = 0; Below < Level; ++Below)
        P->Tables[Below].erase(P->Tables[Below].lower_bound(Of.Address), P->Tables[Below].lower_bound(Of.Address + Span(Level)));
    P->Tables[Level].erase(At);
}

static bool HasTable(const Pml4& P, u64 Address, u32 Level) { return P.Tables[Level].contains(AlignDown(Address, Span(Level))); }

// The address space named by an operand; null if it is none, or has no ASID.
static Pml4* SpaceAt(CPtr At)
{
    Slot S = SlotAt(At);
    if (!S || S->K != Kind::Pml4)
        return nullptr;
    Pml4* P = static_cast<Pml4*>(S->Target);
    return P->Asid ? P : nullptr;
}

static constexpr u64 UserTop = 0x7FFF'FFFF'F000;

u64 StrayMappings()
{
    u64 Count = 0;
    for (auto& [Index, Pool] : M->Pools)
        for (Pml4* P : Pool->Spaces)
            if (P)
                for (auto& [Address, Page] : P->Pages)
                    Count += !Page.By;
    return Count;
}

u64 MappingCount(CPtr At)
{
    Pml4* P = SpaceAt(At);
    return P ? P->Pages.size() : 0;
}

template <typename F> static Fault Access(CPtr At, u64 Address, usize Bytes, bool Write, F&& Piece)
{
    Pml4* P = SpaceAt(At);
    for (usize Done = 0; Done < Bytes;) {
        usize Now = PageSize - (Address & PageMask);
        if (Now > Bytes - Done)
            Now = Bytes - Done;
        const Mapping* Page = nullptr;
        if (P)
            if (auto Found = P->Pages.find(AlignDown(Address, PageSize)); Found != P->Pages.end())
                Page = &Found->second;
        if (!Page || (Write && !Page->Writable))
            return { true, Address, u64(4 | (Write ? 2 : 0) | (Page ? 1 : 0)) };
        Piece(PhysicalBytes(Page->Physical) + (Address & PageMask), Done, Now);
        Done += Now;
        Address += Now;
    }
    return {};
}

Fault ReadClient(CPtr At, u64 Address, void* To, usize Bytes)
{
    return Access(At, Address, Bytes, false, [&](u8* From, usize Done, usize Now) { memcpy(static_cast<u8*>(To) + Done, From, Now); });
}

Fault WriteClient(CPtr At, u64 Address, const void* From, usize Bytes)
{
    return Access(At, Address, Bytes, true, [&](u8* To, usize Done, usize Now) { memcpy(To, static_cast<const u8*>(From) + Done, Now); });
}

}

namespace kernel {
using namespace fake;

Error MapPage(CPtr Frame, CPtr Space, u64 Address, PageFlags Flags)
{
    Error E;
    Capability* F = Invoked(Frame, Kind::Page, E);
    if (!F || Fails(Operation::MapPage, E))
        return E;
    if (F->Asid)
        return Error::InvalidCapability;
    Pml4* P = SpaceAt(Space);
    if (!P)
        return Error::InvalidCapability;
    if (Address > UserTop)
        return Error::InvalidArgument;
    if (Address & PageMask)
        return Error::AlignmentError;
    for (u32 Level = 3; Level-- > 0;)
        if (!HasTable(*P, Address, Level))
            return Error::FailedLookup;
    if (P->Pages.contains(Address))
        return Error::DeleteFirst;
    bool Writable = Flags.Writable && F->Rights & Rights::Write;
    P->Pages[Address] = { F->Target->Physical, Writable, F };
    F->Asid = P->Asid;
    F->Address = Address;
    if (P->IsHost)
        PutOnHost(Address, F->Target->Physical, Writable);
    return Error::None;
}

Error RemapPage(CPtr Frame, CPtr Space, PageFlags Flags)
{
    Error E;
    Capability* F = Invoked(Frame, Kind::Page, E);
    if (!F || Fails(Operation::RemapPage, E))
        return E;
    if (!F->Asid)
        return Error::IllegalOperation;
    Pml4* P = SpaceAt(Space);
    if (!P || F->Asid != P->Asid)
        return Error::InvalidCapability;
    if (!HasTable(*P, F->Address, 0))
        return Error::FailedLookup;
    // The kernel writes the entry, whatever was there.
    bool Writable = Flags.Writable && F->Rights & Rights::Write;
    P->Pages[F->Address] = { F->Target->Physical, Writable, F };
    if (P->IsHost)
        PutOnHost(F->Address, F->Target->Physical, Writable);
    return Error::None;
}

Error PageAddress(CPtr Frame, u64& Physical)
{
    Error E;
    if (Capability* F = Invoked(Frame, Kind::Page, E))
        Physical = F->Target->Physical;
    return E;
}

Error UnmapPage(CPtr Frame)
{
    Error E;
    Capability* F = Invoked(Frame, Kind::Page, E);
    if (F && F->Asid)
        RemoveMapping(*F);
    return E;
}

static Error MapTable(CPtr Table, Kind K, CPtr Space, u64 Address)
{
    Error E;
    Capability* T = Invoked(Table, K, E);
    if (!T || Fails(Operation::MapTable, E))
        return E;
    if (T->Asid)
        return Error::InvalidCapability;
    Pml4* P = SpaceAt(Space);
    if (!P)
        return Error::InvalidCapability;
    if (Address > UserTop)
        return Error::InvalidArgument;
    u32 Level = LevelOf(K);
    for (u32 Above = 3; --Above > Level;)
        if (!HasTable(*P, Address, Above))
            return Error::FailedLookup;
    u64 Start = AlignDown(Address, Span(Level));
    if (P->Tables[Level].contains(Start))
        return Error::DeleteFirst;
    P->Tables[Level][Start] = T->Target;
    T->Asid = P->Asid;
    T->Address = Start;
    return Error::None;
}

Error MapPageTable(CPtr Table, CPtr Space, u64 Address) { return MapTable(Table, Kind::PageTable, Space, Address); }
Error MapPageDirectory(CPtr Directory, CPtr Space, u64 Address) { return MapTable(Directory, Kind::PageDirectory, Space, Address); }
Error MapPdpt(CPtr Pdpt, CPtr Space, u64 Address) { return MapTable(Pdpt, Kind::Pdpt, Space, Address); }

Error AssignAsid(CPtr Pool, CPtr Space)
{
    Error E;
    Capability* C = Invoked(Pool, Kind::AsidPool, E);
    if (!C || Fails(Operation::AssignAsid, E))
        return E;
    Slot S = SlotAt(Space);
    if (!S || S->K != Kind::Pml4 || static_cast<Pml4*>(S->Target)->Asid)
        return Error::InvalidCapability;
    AsidPool& A = *static_cast<AsidPool*>(C->Target);
    for (u32 I = 0; I < 512; ++I) {
        if (A.FirstAsid + I == 0 || A.Spaces[I])
            continue;
        A.Spaces[I] = static_cast<Pml4*>(S->Target);
        A.Spaces[I]->Asid = A.FirstAsid + I;
        return Error::None;
    }
    return Error::DeleteFirst;
}

Error MakeAsidPool(CPtr Untyped, CPtr To)
{
    Error E;
    if (Fails(Operation::MakeAsidPool, E))
        return E;
    Capability* U = Invoked(Untyped, Kind::Untyped, E);
    if (!U || U->Target->Bits != 12 || U->Target->IsDevice)
        return Error::InvalidCapability;
    if (!U->Children.empty())
        return Error::RevokeFirst;
    Slot* Target = OperandAt(To);
    if (!Target)
        return Error::FailedLookup;
    if (*Target)
        return Error::DeleteFirst;
    u32 Index = 0;
    while (M->Pools.contains(Index))
        ++Index;
    if (Index == 8)
        return Error::DeleteFirst;
    AsidPool* Pool = new AsidPool(Index << 9);
    Pool->Physical = U->Target->Physical;
    U->Free = PageSize;
    M->Pools[Index] = Pool;
    Put(*Target, Pool, U, true);
    return Error::None;
}

}
