// Page faults, and the Executive's own access to client memory. Both go through Resolve: which frame, may it be touched.
#include <string.h>

#include "kernel/kernel.hpp"
#include "ntos/mm/absent.hpp"
#include "ntos/mm/access.hpp"
#include "ntos/mm/phys.hpp"
#include "ntos/mm/space.hpp"
#include "ntos/ps/process.hpp"

namespace mm {

using namespace nt;

Status (*AddressSpace::GrowStack)(AddressSpace&, u64);
Status (*AddressSpace::EndStack)(ke::Caller&, AddressSpace&, u64, u64);

Status AddressSpace::CopyPrivate(Pte& E)
{
    TRY(ChargePrivate(1));
    auto Frame = AllocateFrame(false);
    if (!Frame.Ok()) {
        ReturnPrivate(1);
        return Frame.GetStatus();
    }
    memcpy(PageAddress(Frame.Value()), PageAddress(E.Frame), PageSize);
    UnmapInHardware(E);
    E.Frame = Frame.Value();
    E.Private = 1;
    return STATUS_SUCCESS;
}

// Makes the page present if How is allowed. E is its entry.
Status AddressSpace::Resolve(Vad& V, u64 Address, Access How, Pte*& Out)
{
    PageInfo Info;
    Pte* E = Entry(Address);
    if (E && E->State == Pte::Present && E->HasProtect) {
        Info = { .Committed = true, .Protect = Protection(E->Protect), .Guard = bool(E->Guard), .Present = true, .Private = bool(E->Private) };
    } else {
        Info = Query(V, Address);
    }
    if (!Info.Committed)
        return STATUS_ACCESS_VIOLATION;
    Protection P = Info.Protect;
    if (!IsReadable(P) || (How == Access::Write && !IsWritable(P) && !IsCopyOnWrite(P)) || (How == Access::Execute && !IsExecutable(P)))
        return STATUS_ACCESS_VIOLATION;
    if (Info.Guard) {
        E = TRY(MakeEntry(Address));
        if (E->State == Pte::Default)
            E->State = Pte::Demand;
        E->Protect = u64(P);
        E->HasProtect = 1;
        E->Guard = 0;
        Status S = GrowStack ? GrowStack(*this, Address) : Status(STATUS_GUARD_PAGE_VIOLATION);
        if (S.Code() != STATUS_SUCCESS)
            return S;
    }
    if (V.Paged) [[unlikely]]
        return ResolvePaged(V, Address, How, P, Out);
    E = TRY(MakeEntry(Address));
    if (E->State != Pte::Present) {
        if (V.Kind == Vad::Private) {
            E->Frame = TRY(AllocateFrame());
            E->Private = 1;
        } else {
            u64 Index = (V.Offset + AlignDown(Address, PageSize) - V.Start) >> PageShift;
            Pfn Frame = V.Kind == Vad::Image ? TRY(V.Backing->Image->Page(u32(Index))) : TRY(V.Backing->Store->PageFrame(Index, true));
            if (Frame == NoPfn) {
                // Zeroes of an image that nobody has to share.
                TRY(ChargePrivate(1));
                auto Zero = AllocateFrame();
                if (!Zero.Ok()) {
                    ReturnPrivate(1);
                    return Zero.GetStatus();
                }
                E->Frame = Zero.Value();
                E->Private = 1;
            } else {
                E->Frame = Frame;
                E->Private = 0;
            }
        }
        E->State = Pte::Present;
        E->Protect = u64(P);
        E->HasProtect = 1;
    }
    if (How == Access::Write) {
        if (IsCopyOnWrite(P) && !E->Private)
            TRY(CopyPrivate(*E));
        E->Written = 1;
    }
    Out = E;
    return STATUS_SUCCESS;
}

// The same for a view of a paged store.
Status AddressSpace::ResolvePaged(Vad& V, u64 Address, Access How, Protection P, Pte*& Out)
{
    PageStore& Store = *V.Backing->Store;
    u64 Index = (V.Offset + AlignDown(Address, PageSize) - V.Start) >> PageShift;
    Pte* E = Entry(Address);
    if (!E || E->State != Pte::Present) {
        Pfn Frame = TRY(Store.PageFrame(Index, true));
        ReferenceFrame(Frame);          // it stays while it is mapped
        auto Made = MakeEntry(Address);
        if (!Made.Ok()) {
            ReleaseFrame(Frame);
            return Made.GetStatus();
        }
        E = Made.Value();
        E->Frame = Frame;
        E->Private = 0;
        E->Clean = 1;
        E->State = Pte::Present;
        E->Protect = u64(P);
        E->HasProtect = 1;
    }
    if (How == Access::Write && !E->Private) {
        if (IsCopyOnWrite(P)) {
            Pfn Shared = E->Frame;
            TRY(CopyPrivate(*E));
            ReleaseFrame(Shared);
            E->Clean = 0;
        } else if (E->Clean) {
            E->Clean = 0;
            Store.MarkDirty(Index);
        }
        E->Written = 1;
    }
    Out = E;
    return STATUS_SUCCESS;
}

void AddressSpace::NoticeWrites(u64 Address)
{
    Pte* E = Entry(Address);
    if (!E || E->State != Pte::Present || E->Private || E->Clean)
        return;
    E->Clean = 1;
    Forget();
    if (E->Slot && E->Writable)
        if (!MapInHardware(Address, *E, false).Ok())
            UnmapInHardware(*E);        // the next access maps it again
}

AddressSpace::Missing AddressSpace::FindMissing(u64 Address, u64 Bytes)
{
    Missing M;
    Vad* V = Find(Address);
    if (!V || !V->Paged)
        return M;
    u64 Page = AlignDown(Address, PageSize), End = Address + Bytes < V->End && Address + Bytes > Address ? AlignUp(Address + Bytes, PageSize) : V->End;
    M.Store = V->Backing->Store;
    M.First = (V->Offset + Page - V->Start) >> PageShift;
    M.Pages = Page < End ? (End - Page) >> PageShift : 1;
    return M;
}

Status AddressSpace::Fault(u64 Address, Access How)
{
    ++PageFaults;
    Vad* V = Find(Address);
    if (!V)
        return STATUS_ACCESS_VIOLATION;
    Pte* E = nullptr;
    TRY(Resolve(*V, Address, How, E));
    Protection P = Protection(E->Protect);
    bool Writable = IsWritable(P) || (IsCopyOnWrite(P) && E->Private);
    if (V->TracksWrites && How != Access::Write && (V->Paged ? E->Clean : !E->Written))
        Writable = false;
    if (E->Slot && bool(E->Writable) == Writable)
        return STATUS_SUCCESS;          // another thread's fault has mapped it
    Forget();
    TRY(MapInHardware(Address, *E, Writable));
    if (V->Kind == Vad::Private)
        MapAhead(*V, AlignDown(Address, PageSize));
    return STATUS_SUCCESS;
}

// A fault at the page behind the last one is likely to be followed by more: the next pages come along, twice as many each time.
void AddressSpace::MapAhead(Vad& V, u64 Page)
{
    constexpr u32 Most = 15;
    bool Follows = Page == NextFault_;
    NextFault_ = Page + PageSize;
    if (!Follows || V.WriteWatch || !IsMemoryPlentiful()) {
        Ahead_ = 0;
        return;
    }
    Ahead_ = Ahead_ * 2 + 1 < Most ? Ahead_ * 2 + 1 : Most;
    for (u32 I = 0; I < Ahead_ && NextFault_ < V.End; ++I, NextFault_ += PageSize) {
        PageInfo Info = Query(V, NextFault_);
        if (!Info.Committed || Info.Guard || Info.Present || !IsReadable(Info.Protect))
            return;
        Pte* E = nullptr;
        if (!Resolve(V, NextFault_, Access::Read, E).Ok() || !MapInHardware(NextFault_, *E, IsWritable(Info.Protect)).Ok())
            return;
    }
}

Result<u8*> AddressSpace::Touch(u64 Address, bool Write)
{
    u64 Page = AlignDown(Address, PageSize);
    if (Page == LastPage_ && (!Write || LastWritable_))
        return LastAt_ + (Address - Page);
    if (const Recent& R = RecentOf(Page); R.Tag == (Page | 1) || (!Write && R.Tag == Page)) [[likely]] {
        LastPage_ = Page;
        LastAt_ = R.At;
        LastWritable_ = R.Tag & 1;
        return R.At + (Address - Page);
    }
    if (Address < LowestUser || Address > HighestUser)
        return STATUS_ACCESS_VIOLATION;
    // What is there and allows it needs nothing of its range. Memory of devices has no frame: it is refused below.
    if (Pte* E = Entry(Page); E && E->State == Pte::Present && E->Frame != NoPfn && E->HasProtect && !E->Guard && !E->Clean) [[likely]] {
        Protection P = Protection(E->Protect);
        if (Write ? IsWritable(P) || (IsCopyOnWrite(P) && E->Private) : IsReadable(P)) {
            if (Write)
                E->Written = 1;
            return Remember(Page, PageAddress(E->Frame), Write) + (Address - Page);
        }
    }
    Vad* V = Find(Address);
    if (!V || V->Device)
        return STATUS_ACCESS_VIOLATION;
    Pte* E = nullptr;
    bool WasPrivate = (E = Entry(Address)) && E->Private;
    TRY(Resolve(*V, Address, Write ? Access::Write : Access::Read, E));
    if (!WasPrivate && E->Private)
        Forget();
    return Remember(Page, PageAddress(E->Frame), Write) + (Address - Page);
}

Result<Pfn> AddressSpace::FrameAt(u64 Address)
{
    Pte* E = Entry(Address);
    if (!E || E->State != Pte::Present || E->Frame == NoPfn)
        return STATUS_INVALID_ADDRESS;
    return Result<Pfn>(u32(E->Frame));
}

Status AddressSpace::MapShared(u64 Address, Pfn Frame)
{
    Vad* V = TRY(Insert(Address, PageSize, Vad::Private));
    V->Fixed = true;
    V->Protect = Protection::ReadOnly;
    V->InitialPage = PAGE_READONLY;
    V->Committed = true;
    TRY(ChargePrivate(1));
    Pte& E = *TRY(MakeEntry(Address));
    ReferenceFrame(Frame);
    E.Frame = Frame;
    E.Private = 1;                      // releases the reference when it goes
    E.State = Pte::Present;
    E.Protect = u64(Protection::ReadOnly);
    E.HasProtect = 1;
    return MapInHardware(Address, E, false);
}

Result<u64> AddressSpace::MapDevice(u64 PhysicalPage, u32 Pages, u64 FirstReadOnly, u64 EndReadOnly)
{
    u64 At = TRY(FindFree(Pages * PageSize, {}));
    Vad* V = TRY(Insert(At, Pages * PageSize, Vad::Private));
    V->Fixed = V->Device = true;
    V->Protect = Protection::ReadWrite;
    V->InitialPage = PAGE_READWRITE | PAGE_NOCACHE;
    for (u32 I = 0; I < Pages; ++I) {
        u64 Physical = PhysicalPage + I * PageSize;
        bool Writable = (Physical < FirstReadOnly || Physical >= EndReadOnly) && !IsOwnDevicePage(Physical);
        CPtr Frame = TRY(DeviceFrame(Physical));
        Pte& E = *TRY(MakeEntry(At + I * PageSize));
        E.State = Pte::Present;
        E.Clean = 1;                    // so that the Executive's own accesses look at the range: it has no page here
        E.Protect = u64(Writable ? Protection::ReadWrite : Protection::ReadOnly);
        E.HasProtect = 1;
        TRY(MapInHardware(At + I * PageSize, E, Writable, Frame));
    }
    return At;
}

Result<u64> AddressSpace::MapContiguous(Pfn First, u32 Pages)
{
    u64 At = TRY(FindFree(Pages * PageSize, {}));
    Vad* V = TRY(Insert(At, Pages * PageSize, Vad::Private));
    V->Fixed = true;
    V->Protect = Protection::ReadWrite;
    V->InitialPage = PAGE_READWRITE;
    V->Committed = true;
    TRY(ChargePrivate(Pages));
    for (u32 I = 0; I < Pages; ++I) {
        Pte& E = *TRY(MakeEntry(At + I * PageSize));
        ReferenceFrame(First + I);
        E.Frame = First + I;
        E.Private = 1;
        E.State = Pte::Present;
        E.Protect = u64(Protection::ReadWrite);
        E.HasProtect = 1;
        TRY(MapInHardware(At + I * PageSize, E, true));
    }
    return At;
}

Result<u64> AddressSpace::MapFrames(std::span<const Pfn> Frames, bool Writable)
{
    u64 Bytes = Frames.size() * PageSize, At = TRY(FindFree(Bytes, {}));
    Vad* V = TRY(Insert(At, Bytes, Vad::Private));
    V->Fixed = V->Lent = true;
    V->Protect = Writable ? Protection::ReadWrite : Protection::ReadOnly;
    V->InitialPage = Writable ? PAGE_READWRITE : PAGE_READONLY;
    if (Status S = ChargePrivate(Frames.size()); !S.Ok()) {
        Remove(*V);
        return S;
    }
    V->Committed = true;
    for (usize I = 0; I < Frames.size(); ++I) {
        auto Put = [&]() -> Status {
            Pte& E = *TRY(MakeEntry(At + I * PageSize));
            ReferenceFrame(Frames[I]);
            E.Frame = Frames[I];
            E.Private = 1;
            E.State = Pte::Present;
            E.Protect = u64(V->Protect);
            E.HasProtect = 1;
            return MapInHardware(At + I * PageSize, E, Writable);
        };
        if (Status S = Put(); !S.Ok()) {
            UnmapFrames(At);
            return S;
        }
    }
    return At;
}

void AddressSpace::UnmapFrames(u64 Address)
{
    Forget();
    if (Vad* V = Find(Address); V && V->Lent)
        Remove(*V);
}

// --- copies

// Missed(address, bytes done, bytes of this piece, status): what to do about a page that cannot be touched; a success goes on behind it.
template <bool Write, typename F, typename M> static Status ForEachPiece(ps::Process& P, u64 Address, usize Bytes, F&& Piece, M&& Missed)
{
    if (Address + Bytes < Address)
        return STATUS_ACCESS_VIOLATION;
    AddressSpace& Space = P.Memory();
    for (usize Done = 0; Done < Bytes;) {
        usize Now = PageSize - (Address & PageMask);
        if (Now > Bytes - Done)
            Now = Bytes - Done;
        auto At = Space.Touch(Address, Write);
        if (At.Ok()) [[likely]]
            Piece(At.Value(), Done, Now);
        else
            TRY(Missed(Address, Done, Now, At.GetStatus()));
        Done += Now;
        Address += Now;
    }
    return STATUS_SUCCESS;
}

u8* TouchWithin(ps::Process& In, u64 Address, usize Bytes, bool Write)
{
    if ((Address & PageMask) + Bytes > PageSize) [[unlikely]]
        return nullptr;
    auto At = In.Memory().Touch(Address, Write);
    return At.Ok() ? At.Value() : nullptr;
}

Status CopyFromUser(ps::Process& From, void* To, u64 Address, usize Bytes)
{
    return ForEachPiece<false>(From, Address, Bytes, [&](u8* At, usize Done, usize Now) { memcpy(static_cast<u8*>(To) + Done, At, Now); },
                               [&](u64 Address, usize Done, usize, Status Why) { return Missed(From, Address, Bytes - Done, false, Why); });
}

Status CopyToUser(ps::Process& To, u64 Address, const void* From, usize Bytes)
{
    return ForEachPiece<true>(To, Address, Bytes, [&](u8* At, usize Done, usize Now) { memcpy(At, static_cast<const u8*>(From) + Done, Now); },
                              [&](u64 Address, usize Done, usize Now, Status Why) { return KeepStore(To, Address, static_cast<const u8*>(From) + Done, Now, Bytes - Done, Why); });
}

Status ZeroUser(ps::Process& To, u64 Address, usize Bytes)
{
    return ForEachPiece<true>(To, Address, Bytes, [&](u8* At, usize, usize Now) { memset(At, 0, Now); },
                              [&](u64 Address, usize Done, usize Now, Status Why) { return KeepStore(To, Address, nullptr, Now, Bytes - Done, Why); });
}

Status ProbeForWrite(ps::Process& In, u64 Address, usize Bytes)
{
    return ForEachPiece<true>(In, Address, Bytes, [](u8*, usize, usize) { },
                              [&](u64 Address, usize Done, usize, Status Why) { return Missed(In, Address, Bytes - Done, true, Why); });
}

Status ProbeForRead(ps::Process& In, u64 Address, usize Bytes)
{
    return ForEachPiece<false>(In, Address, Bytes, [](u8*, usize, usize) { },
                               [&](u64 Address, usize Done, usize, Status Why) { return Missed(In, Address, Bytes - Done, false, Why); });
}

}
