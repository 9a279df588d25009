// Cached reads and writes of client memory.
#include "ntos/cc/cc.hpp"

#include <string.h>

#include "ntos/mm/mm.hpp"

namespace cc {

using namespace nt;
using mm::PageStore;

static constexpr u64 PagesOf(u64 Bytes) { return (Bytes + PageMask) >> PageShift; }

static Sizes Checked(const Sizes& S)
{
    Sizes C = S;
    if (C.Valid > C.File)               // the driver keeps none
        C.Valid = C.File;
    if (C.Allocation < C.File)
        C.Allocation = C.File;
    return C;
}

Result<Ref<Map>> Map::Create(mm::Pager& Of, const Sizes& S)
{
    Initialize();
    Sizes C = Checked(S);
    Map* New = new Map(TRY(PageStore::CreatePaged(Of, C.File, C.Valid)));
    if (!New)
        return STATUS_INSUFFICIENT_RESOURCES;
    New->Sizes_ = C;
    return Ref<Map>::Adopt(*New);
}

Map::~Map()
{
    while (!Views_.IsEmpty())
        DropView(Views_.Size() - 1);
}

void Map::Detach(Status Why)
{
    Store_->Detach(Why);
}

// --- reading

// Reads ahead while Offset goes on where the last read ended, twice as far each time.
void Map::Follow(Cursor& C, u64 Offset, u64 Bytes)
{
    constexpr u32 Least = 64 * 1024, Most = 1024 * 1024;
    bool InOrder = Offset == C.End;
    C.End = Offset + Bytes;
    if (!InOrder) {
        C.Window = 0;
        C.AheadTo = C.End;
        return;
    }
    if (C.End + C.Window / 2 < C.AheadTo)
        return;
    if (u64(Store_->About().Resident) << PageShift >= Sizes_.Valid)
        return;                         // all is there
    C.Window = C.Window ? (C.Window * 2 < Most ? C.Window * 2 : Most) : Least;
    u64 From = C.AheadTo > C.End ? C.AheadTo : C.End, To = C.End + C.Window;
    if (From < To)
        Store_->ReadAhead(From >> PageShift, PagesOf(To) - (From >> PageShift));
    C.AheadTo = To;
}

Status Map::TryRead(io::Transfer& T, Cursor& C)
{
    T.Done = 0;
    if (!T.Length)
        return STATUS_SUCCESS;
    if (T.Offset >= Sizes_.File)
        return STATUS_END_OF_FILE;
    u64 Count = Sizes_.File - T.Offset < T.Length ? Sizes_.File - T.Offset : T.Length;
    usize Done;
    TRY(Store_->ReadToUser(T.Offset, *T.Process, T.Address, Count, Done));
    T.Done = Count;
    Follow(C, T.Offset, Count);
    return STATUS_SUCCESS;
}

ke::Task<> Map::Read(io::Transfer& T, Cursor* C)
{
    Ref<Map> Keep(*this);
    T.Done = 0;
    for (bool First = true; T.Done < T.Length;) {
        u64 At = T.Offset + T.Done;
        if (At >= Sizes_.File)
            co_return T.Done || !T.Length ? STATUS_SUCCESS : STATUS_END_OF_FILE;
        u64 Count = Sizes_.File - At < T.Length - T.Done ? Sizes_.File - At : T.Length - T.Done;
        usize Done;
        Status S = Store_->ReadToUser(At, *T.Process, T.Address + T.Done, Count, Done);
        T.Done += Done;
        if (S.Ok())
            break;
        if (S == STATUS_CANT_WAIT) {
            At += Done;
            Count -= Done;
            auto Needed = PageStore::Need(Store_, At >> PageShift, PagesOf((At & PageMask) + Count));
            // (Need starts its requests first: what is wanted comes before what may be wanted.)
            S = co_await std::move(Needed);
        } else if (S == mm::PageAbsent) {
            S = co_await mm::MakeResident(Ref<ps::Process>(*T.Process), T.Address + T.Done, Count - Done, true);
        }
        CO_TRY(S);
        if (std::exchange(First, false) && C)
            Follow(*C, T.Offset, T.Length);
    }
    co_return STATUS_SUCCESS;
}

void Map::ReadAhead(u64 Offset, u64 Bytes)
{
    if (Offset < Sizes_.File)
        Store_->ReadAhead(Offset >> PageShift, PagesOf((Offset & PageMask) + Bytes));
}

// --- writing

Status Map::TryWrite(io::Transfer& T)
{
    T.Done = 0;
    if (!T.Length)
        return STATUS_SUCCESS;
    if (T.Append || T.Offset + T.Length > Sizes_.Valid || T.Offset + T.Length < T.Offset || IsTooDirty())
        return STATUS_CANT_WAIT;
    usize Done;
    TRY(Store_->WriteFromUser(T.Offset, *T.Process, T.Address, T.Length, Done));
    T.Done = T.Length;
    return STATUS_SUCCESS;
}

ke::Task<> Map::Write(io::Transfer& T, bool Through)
{
    T.Done = 0;
    if (!T.Length)
        return ke::Task<>(Status(STATUS_SUCCESS));
    if (T.Offset + T.Length > Sizes_.File || T.Offset + T.Length < T.Offset)
        return ke::Task<>(Status(STATUS_INVALID_PARAMETER));
    return WriteNow(T, Through);
}

ke::Task<> Map::WriteNow(io::Transfer& T, bool Through)
{
    constexpr u64 AtOnce = 1024 * 1024;         // then it is looked again whether too much is dirty
    Ref<Map> Keep(*this);
    if (T.Offset > Sizes_.Valid)
        CO_TRY(co_await Zero(Sizes_.Valid, T.Offset - Sizes_.Valid));
    while (T.Done < T.Length) {
        if (IsTooDirty())
            CO_TRY(co_await WaitForWrites(Store_));
        u64 At = T.Offset + T.Done, Count = T.Length - T.Done < AtOnce ? T.Length - T.Done : AtOnce;
        if (At + Count > Sizes_.File)
            co_return STATUS_END_OF_FILE;       // it has been truncated meanwhile
        usize Done;
        Status S = Store_->WriteFromUser(At, *T.Process, T.Address + T.Done, Count, Done);
        T.Done += Done;
        At += Done;
        if (Done && At > Sizes_.Valid)
            Sizes_.Valid = At;
        if (S == STATUS_CANT_WAIT) {
            CO_TRY(co_await PageStore::Need(Store_, At >> PageShift, 1));
            if (!Store_->IsValid(At >> PageShift))
                CO_TRY(co_await PageStore::WaitForIo(Store_, At >> PageShift, 1));
        } else if (S == mm::PageAbsent) {
            CO_TRY(co_await mm::MakeResident(Ref<ps::Process>(*T.Process), T.Address + T.Done, T.Length - T.Done, false));
        } else {
            CO_TRY(S);
        }
    }
    if (Through)
        co_return co_await Flush(T.Offset, T.Length);
    co_return STATUS_SUCCESS;
}

ke::Task<> Map::Zero(u64 Offset, u64 Bytes)
{
    Ref<Map> Keep(*this);
    u64 End = Offset + Bytes;
    while (Offset < End) {
        if (IsTooDirty())
            CO_TRY(co_await WaitForWrites(Store_));
        if (End > Sizes_.File)
            co_return STATUS_END_OF_FILE;
        u64 Index = Offset >> PageShift, In = Offset & PageMask, Now = PageSize - In < End - Offset ? PageSize - In : End - Offset;
        bool Made;
        if (Now < PageSize && !Store_->IsValid(Index))
            CO_TRY(co_await PageStore::Need(Store_, Index, 1));
        auto Page = Store_->PageToFill(Index, true, Made);
        if (Page.Code() == mm::PageAbsent) {
            CO_TRY(co_await PageStore::WaitForIo(Store_, Index, 1));
            continue;
        }
        u8* To = CO_TRY(Page);
        // A page behind the valid data began as zero: what else is there came by a view.
        if (!Made && (In || Offset < Sizes_.Valid))
            memset(To + In, 0, Now);
        Offset += Now;
        if (Offset > Sizes_.Valid)
            Sizes_.Valid = Offset;
    }
    co_return STATUS_SUCCESS;
}

}
