// Paged stores: dirty pages on their way to the file, pages that go.
#include "ntos/mm/paging.hpp"

#include "ntos/mm/phys.hpp"

namespace mm {

using namespace nt;

// --- which pages are dirty: flags in the words, and tags in the nodes above

static constexpr u64 Tag = 1;

void PageStore::MarkDirty(u64 Index)
{
    u64 Follow;
    Pfn* Word = Lookup(Index, Follow);
    if (!Word || !word::IsValid(*Word) || !Paging_->Gone.Ok())
        return;
    *Word |= word::Used;
    if (*Word & word::Dirty)
        return;
    *Word |= word::Dirty;
    TagDirty(Index);
    ++Totals.Dirty;
    ++Paging_->About.Dirty;
    if (OnDirty)
        OnDirty(*this);
}

void PageStore::TagDirty(u64 Index)
{
    void* At = Top_;
    for (u32 Level = Levels_; Level > 1; --Level) {
        u64& Below = static_cast<u64*>(At)[Index >> (LeafShift + (Level - 2) * NodeShift) & (NodeFan - 1)];
        Below |= Tag;
        At = reinterpret_cast<void*>(Below & ~PageMask);
    }
}

u64 PageStore::NextDirtyBelow(void* At, u32 Level, u64 Base, u64 From)
{
    u32 Shift = Level < 2 ? 0 : LeafShift + (Level - 2) * NodeShift;
    u32 First = From > Base ? u32((From - Base) >> Shift) : 0;
    if (Level == 1) {
        Pfn* Leaf = static_cast<Pfn*>(At);
        for (u32 I = First; I < LeafFan; ++I)
            if (Leaf[I] & word::Dirty)
                return Base + I;
        return ~u64(0);
    }
    u64* Node = static_cast<u64*>(At);
    for (u32 I = First; I < NodeFan; ++I) {
        if (!(Node[I] & Tag))
            continue;
        u64 Start = Base + (u64(I) << Shift);
        u64 Found = NextDirtyBelow(reinterpret_cast<void*>(Node[I] & ~PageMask), Level - 1, Start, From);
        if (Found != ~u64(0))
            return Found;
        if (From <= Start)
            Node[I] &= ~Tag;
    }
    return ~u64(0);
}

// The first dirty page from From on, or ~0.
u64 PageStore::NextDirty(u64 From)
{
    if (!Paging_->About.Dirty || From >> (LeafShift + (Levels_ - 1) * NodeShift))
        return ~u64(0);
    return NextDirtyBelow(Top_, Levels_, 0, From);
}

// --- views: who writes there from now on is noticed again

Result<PagedView*> PageStore::AddView(AddressSpace& In, Vad& V)
{
    auto* View = new PagedView { .Link = {}, .In = &In, .V = &V };
    if (!View)
        return STATUS_INSUFFICIENT_RESOURCES;
    Paging_->Views.PushBack(*View);
    return View;
}

void PageStore::RemoveView(PagedView* View)
{
    delete View;
}

void PageStore::NoticeWrites(u64 Index)
{
    for (PagedView& View : Paging_->Views) {
        u64 First = View.V->Offset >> PageShift, Pages = (View.V->End - View.V->Start) >> PageShift;
        if (Index - First < Pages)
            View.In->NoticeWrites(View.V->Start + ((Index - First) << PageShift));
    }
}

// --- writing

// Writes a run of dirty pages from First on, which must be one, with nothing of it under way; at most Most.
Result<RefPtr<PageIo>> PageStore::StartWrite(u64 First, u64 Most, bool Awaited)
{
    if (Most > LargestIo)
        Most = LargestIo;
    PageIo* New = new PageIo(Ref<PageStore>(*this), PageIo::Kind::Write, First);
    if (!New)
        return STATUS_INSUFFICIENT_RESOURCES;
    RefPtr<PageIo> Io = RefPtr<PageIo>::Adopt(New);
    u64 Run = 0;
    for (; Run < Most; ++Run) {
        u64 Follow;
        Pfn* Word = Lookup(First + Run, Follow);
        if (!Word || (*Word & (word::Dirty | word::Writing | word::Reading)) != word::Dirty || UnderWay(First + Run, 1))
            break;
    }
    ASSERT(Run);
    TRY(Io->Held_.Reserve(Run));
    for (u64 I = 0; I < Run; ++I) {
        u64 Follow;
        Pfn* Word = Lookup(First + I, Follow);
        if (!Paging_->Views.IsEmpty())
            NoticeWrites(First + I);
        *Word = (*Word & ~word::Dirty) | word::Writing;
        ReferenceFrame(*Word & word::Frame);
        (void)Io->Held_.Push(*Word & word::Frame);      // reserved
    }
    Paging_->About.Dirty -= u32(Run);
    Totals.Dirty -= Run;
    Paging_->About.Writing += u32(Run);
    Totals.Writing += Run;
    Totals.PagesWritten += Run;
    ++Totals.WriteRequests;
    Io->Awaited = Awaited;
    Io->Bytes = u32(Run) << PageShift;
    Io->Useful = Paging_->Size <= Io->Offset ? 0 : Paging_->Size - Io->Offset < Io->Bytes ? u32(Paging_->Size - Io->Offset) : Io->Bytes;
    Io->Frames = Io->Held_.Span();
    Io->Number_ = Paging_->NextNumber++;
    Paging_->UnderWay.PushBack(*Io);
    Io->AddRef();                       // the pager's
    if (Io->Useful)
        Paging_->From->Write(*Io);
    else
        Io->Complete(STATUS_SUCCESS, 0);        // nothing of it is inside the file
    return Io;
}

void PageStore::EndedWrite(PageIo& Io, Status Outcome, u64 Done)
{
    Figures& F = Paging_->About;
    if (Outcome.Ok() && Done < Io.Useful)
        Outcome = Io.Outcome_ = STATUS_IO_DEVICE_ERROR;
    else if (Outcome.Ok())
        Done = Io.Bytes;
    else
        Done = Done < Io.Useful ? Done : 0;
    u32 Written = u32(Done >> PageShift);
    for (u32 I = 0; I < Io.Held_.Size(); ++I) {
        u64 Follow;
        Pfn* Word = Lookup(Io.First_ + I, Follow);
        if (!Word || (*Word & (word::Frame | word::Writing)) != (Io.Held_[I] | word::Writing))
            continue;                   // truncated or dropped meanwhile
        *Word &= ~word::Writing;
        --F.Writing;
        --Totals.Writing;
        if (I >= Written)
            MarkDirty(Io.First_ + I);
    }
    if (Outcome.Ok()) {
        F.Failures = 0;
        F.Failed = STATUS_SUCCESS;
        u64 End = Io.Offset + Io.Useful;
        if (End > Paging_->Size)
            End = Paging_->Size;
        if (End > Paging_->Valid)
            Paging_->Valid = End;
        if (OnWritten)
            OnWritten(*this);
        return;
    }
    ++F.Failures;
    F.Failed = Outcome;
    ++Paging_->FailedWrites;
    if (!Paging_->Gone.Ok())
        F.Lost = Paging_->Gone;
    if (OnWritten)
        OnWritten(*this);
}

u64 PageStore::StartWrites(u64 First, u64 Most)
{
    u64 At = NextDirty(First);
    if (At == ~u64(0))
        return At;
    if (UnderWay(At, 1))
        return At + 1;
    auto Io = StartWrite(At, Most, false);
    return Io.Ok() ? At + Io.Value()->Pages() : ~u64(0);
}

PageIo* PageStore::FirstWrite(u64 First, u64 End, u64 Before)
{
    for (PageIo& Io : Paging_->UnderWay)
        if (Io.What == PageIo::Kind::Write && Io.Number_ < Before && Io.First_ < End && First < Io.First_ + Io.Pages())
            return &Io;
    return nullptr;
}

ke::Task<> PageStore::Flush(Ref<PageStore> Of, u64 First, u64 Count)
{
    const Figures& F = Of->About();
    u64 End = First + Count < First ? ~u64(0) : First + Count;
    if (!F.Dirty && !F.Writing)
        return ke::Task<>(Of->TakeLost());
    return FlushDirty(std::move(Of), First, End);
}

ke::Task<> PageStore::FlushDirty(Ref<PageStore> Of, u64 First, u64 End)
{
    constexpr u32 MostUnderWay = 8;     // requests
    Paging& P = *Of->Paging_;
    u64 Failed = P.FailedWrites;
    RefPtr<PageIo> Busy;
    for (u64 At = First; (At = Of->NextDirty(At)) < End;) {
        Busy = RefPtr<PageIo>(Of->UnderWay(At, 1));
        if (!Busy && P.UnderWay.Count() >= MostUnderWay)
            Busy = RefPtr<PageIo>(Of->FirstWrite(0, ~u64(0), ~u64(0)));
        if (!Busy) {
            auto Io = Of->StartWrite(At, End - At, true);
            if (Io.Ok()) {
                At += Io.Value()->Pages();
                continue;
            }
            Busy = RefPtr<PageIo>(Of->FirstWrite(0, ~u64(0), ~u64(0)));       // it gives memory back
            if (!Busy)
                co_return Io.GetStatus();
        }
        Busy->Awaited = true;
        while (!Busy->Ended_.State())
            CO_TRY(co_await ke::WaitFor(Busy->Ended_));
    }
    for (u64 Before = P.NextNumber; (Busy = RefPtr<PageIo>(Of->FirstWrite(First, End, Before)));) {
        Busy->Awaited = true;
        while (!Busy->Ended_.State())
            CO_TRY(co_await ke::WaitFor(Busy->Ended_));
    }
    Status Lost = Of->TakeLost();
    co_return P.FailedWrites != Failed && !P.About.Failed.Ok() ? P.About.Failed : Lost;
}

ke::Task<> PageStore::Barrier(Ref<PageStore> Of)
{
    if (!Of->Paging_->Gone.Ok())
        co_return Of->Paging_->Gone;
    PageIo* New = new PageIo(Of, PageIo::Kind::Flush, 0);
    if (!New)
        co_return STATUS_INSUFFICIENT_RESOURCES;
    RefPtr<PageIo> Io = RefPtr<PageIo>::Adopt(New);
    Io->Awaited = true;
    Io->AddRef();
    Of->Paging_->From->Flush(*Io);
    while (!Io->Ended_.State())
        CO_TRY(co_await ke::WaitFor(Io->Ended_));
    co_return Io->Outcome_;
}

void PageStore::Detach(Status Why)
{
    if (!Paging_->Gone.Ok())
        return;
    for (u64 At = 0; (At = NextDirty(At)) != ~u64(0);) {
        u64 Follow;
        *Lookup(At, Follow) &= ~word::Dirty;
        --Paging_->About.Dirty;
        --Totals.Dirty;
        Paging_->About.Lost = Why;
    }
    Paging_->Gone = Why;
    Paging_->From = nullptr;
}

// --- pages that go

ke::Task<bool> PageStore::Drop(Ref<PageStore> Of, u64 First, u64 Count)
{
    u64 End = First + Count < First ? ~u64(0) : First + Count;
    CO_TRY(co_await WaitForIo(Of, First, End - First));
    bool All = true;
    for (u64 At = First; At < End;) {
        u64 Follow;
        Pfn* Word = Of->Lookup(At, Follow);
        if (!Word) {
            At += Follow < End - At ? Follow : End - At;
            continue;
        }
        for (; Follow && At < End; --Follow, ++At, ++Word) {
            if (!*Word)
                continue;
            if (EntryOf(*Word & word::Frame).References > 1 || Of->Holds || Of->ImageMappings)
                All = false;
            else
                Of->Forget(*Word);
        }
    }
    co_return bool(All);
}

// Takes pages that nobody refers to and that have been written. Those used since the last look only if Hard.
u64 PageStore::Reclaim(u64 Wanted, bool Hard)
{
    u64 Clean = Paging_->About.Resident - Paging_->About.Dirty;
    if (Holds || ImageMappings || !Clean)
        return 0;
    u64 Got = 0, Limit = u64(1) << (LeafShift + (Levels_ - 1) * NodeShift), At = Paging_->Hand;
    for (bool Again = At != 0;;) {
        if (At >= Limit) {
            if (!std::exchange(Again, false))
                break;
            At = 0;
        }
        u64 Follow;
        Pfn* Word = Lookup(At, Follow);
        if (!Word) {
            At += Follow < Limit - At ? Follow : Limit - At;
            continue;
        }
        for (; Follow && Got < Wanted; --Follow, ++At, ++Word) {
            if (!word::IsValid(*Word) || *Word & (word::Dirty | word::Writing))
                continue;
            if (!Hard && *Word & word::Used)
                *Word &= ~word::Used;
            else if (EntryOf(*Word & word::Frame).References == 1) {
                Forget(*Word);
                ++Got;
            }
        }
        if (Got >= Wanted)
            break;
    }
    Paging_->Hand = At;
    return Got;
}

}
