// Paged stores: pages that are read from a file when they are wanted.
#include "ntos/mm/paging.hpp"

#include <string.h>

#include "ntos/mm/access.hpp"
#include "ntos/mm/phys.hpp"
#include "ntos/ps/process.hpp"

namespace mm {

using namespace nt;

void (*PageStore::OnDirty)(PageStore&);
void (*PageStore::OnWritten)(PageStore&);
constinit PagingTotals Totals {};

using AllList = core::List<Paging, &Paging::AllLink>;
static AllList& All()
{
    // Never destroyed.
    alignas(AllList) static char Room[sizeof(AllList)];
    static AllList* List;
    if (!List)
        List = new (Room) AllList;
    return *List;
}

Result<Ref<PageStore>> PageStore::CreatePaged(Pager& From, u64 Size, u64 Valid)
{
    Ref<PageStore> S = TRY(Create());
    S->Paging_ = new Paging(*S, From, Size, Valid < Size ? Valid : Size);
    if (!S->Paging_)
        return STATUS_INSUFFICIENT_RESOURCES;
    All().PushBack(*S->Paging_);
    return S;
}

void PageStore::EndPaging()
{
    ASSERT(!Paging_ || (Paging_->UnderWay.IsEmpty() && Paging_->Views.IsEmpty()));
    delete Paging_;
}

PageStore* PageStore::NextPaged(PageStore* At)
{
    Paging* P = At ? All().Next(*At->Paging_) : All().First();
    return P ? &P->Store : nullptr;
}

u64 PageStore::Size() const { return Paging_->Size; }
u64 PageStore::Valid() const { return Paging_->Valid; }
const PageStore::Figures& PageStore::About() const { return Paging_->About; }
Pager* PageStore::From() const { return Paging_->From; }
u64 PageStore::HasDirty() const { return Paging_ && Paging_->About.Dirty; }

Status PageStore::TakeLost()
{
    return std::exchange(Paging_->About.Lost, Status(STATUS_SUCCESS));
}

void PageStore::SetSizes(u64 Size, u64 Valid)
{
    Paging_->Size = Size;
    Paging_->Valid = Valid < Size ? Valid : Size;
}

bool PageStore::MustRead(u64 Index) const
{
    return Index << PageShift < Paging_->Valid;
}

// --- words

void PageStore::FreeWord(Pfn& Word)
{
    ReleaseFrame(Word & word::Frame);
    ReturnCommit(1);
    Word = NoPfn;
    --PageCount_;
}

void PageStore::ForgetState(Pfn& Word)
{
    Figures& F = Paging_->About;
    if (Word & word::Reading) {
        --F.Reading;
        --Totals.Reading;
    } else {
        --F.Resident;
        --Totals.Resident;
    }
    if (Word & word::Dirty) {
        --F.Dirty;
        --Totals.Dirty;
    }
    if (Word & word::Writing) {
        --F.Writing;
        --Totals.Writing;
    }
}

Result<Pfn> PageStore::PagedFrame(u64 Index, bool Make)
{
    u64 Follow;
    Pfn* Word = Lookup(Index, Follow);
    if (Word && word::IsValid(*Word)) {
        *Word |= word::Used;
        return Result<Pfn>(u32(*Word & word::Frame));
    }
    if (MustRead(Index) || (Word && *Word))
        return Paging_->Gone.Ok() ? Status(PageAbsent) : Paging_->Gone;
    if (!Make)
        return Result<Pfn>(u32(NoPfn));
    Pfn Frame = TRY(NewFrame(true));
    auto Made = Entry(Index, true);
    if (!Made.Ok()) {
        ReleaseFrame(Frame);
        ReturnCommit(1);
        return Made.GetStatus();
    }
    *Made.Value() = Frame | word::Used;
    ++PageCount_;
    ++Paging_->About.Resident;
    ++Totals.Resident;
    return Result<Pfn>(u32(Frame));
}

Result<u8*> PageStore::PageToFill(u64 Index, bool Zeroed, bool& Made)
{
    Made = false;
    u64 Follow;
    Pfn* Word = Lookup(Index, Follow);
    if (Word && *Word) {
        if (!word::IsValid(*Word))
            return Status(PageAbsent);  // it is being read: that has to end first
    } else {
        if (!Paging_->Gone.Ok())
            return Paging_->Gone;
        if (UnderWay(Index, 1))
            return Status(PageAbsent);  // an older page of that place is
        Pfn Frame = TRY(NewFrame(Zeroed));
        auto Entered = Entry(Index, true);
        if (!Entered.Ok()) {
            ReleaseFrame(Frame);
            ReturnCommit(1);
            return Entered.GetStatus();
        }
        Word = Entered.Value();
        *Word = Frame | word::Used;
        ++PageCount_;
        ++Paging_->About.Resident;
        ++Totals.Resident;
        Made = true;
    }
    MarkDirty(Index);
    return PageAddress(*Word & word::Frame);
}

void PageStore::Unmake(u64 Index)
{
    u64 Follow;
    if (Pfn* Word = Lookup(Index, Follow); Word && *Word)
        Forget(*Word);
}

Status PageStore::PagedWrite(u64 Offset, ps::Process& From, u64 Address, usize Bytes, usize& Done)
{
    while (Done < Bytes) {
        u64 Index = Offset >> PageShift;
        usize At = Offset & PageMask, Now = PageSize - At < Bytes - Done ? PageSize - At : Bytes - Done;
        // The client's page first: then the copy cannot fail half way, and nothing is allocated between finding the store's page and filling it.
        TRY(ProbeForRead(From, Address, Now));
        u64 Follow;
        Pfn* Word = Lookup(Index, Follow);
        u8* To;
        bool Made = false;
        if (Word && word::IsValid(*Word)) {
            if (!(*Word & word::Dirty))
                MarkDirty(Index);
            To = PageAddress(*Word & word::Frame);
        } else {
            bool Whole = Now == PageSize;
            if (!Whole && MustRead(Index))
                return Paging_->Gone.Ok() ? Status(STATUS_CANT_WAIT) : Paging_->Gone;
            auto Filled = PageToFill(Index, !Whole, Made);
            if (!Filled.Ok())
                return Filled.Code() == PageAbsent ? Status(STATUS_CANT_WAIT) : Filled.GetStatus();
            To = Filled.Value();
        }
        if (Status S = CopyFromUser(From, To + At, Address, Now); !S.Ok()) {
            if (Made)
                Unmake(Index);
            return S;
        }
        Done += Now;
        Address += Now;
        Offset += Now;
    }
    return STATUS_SUCCESS;
}

// --- reading

PageIo::PageIo(Ref<PageStore> Of, Kind What, u64 First) : What(What), Offset(First << PageShift), Store_(std::move(Of)), First_(First) { }

PageIo::~PageIo()
{
    ASSERT(Held_.IsEmpty());
}

void PageIo::Complete(Status Outcome, u64 Done)
{
    ASSERT(!Ended_.State());
    Outcome_ = Outcome;
    Ref<PageStore> Store(*Store_);
    Link.Unlink();
    StoreLink.Unlink();
    Store->Ended(*this, Outcome, Done);
    for (Pfn Frame : Held_)
        ReleaseFrame(Frame);
    Held_.Clear();
    Frames = {};
    Ended_.Set();
    Store_.Reset();
    Release();
}

PageIo* PageStore::UnderWay(u64 First, u64 Count)
{
    for (PageIo& Io : Paging_->UnderWay)
        if (Io.First_ < First + Count && First < Io.First_ + (Io.Bytes >> PageShift))
            return &Io;
    return nullptr;
}

// Reads a run of absent pages from First on: at least that one, at most Most. They must be worth reading.
Result<RefPtr<PageIo>> PageStore::StartRead(u64 First, u64 Most, bool Awaited)
{
    u64 End = (Paging_->Valid + PageMask) >> PageShift;
    if (Most > LargestIo)
        Most = LargestIo;
    if (Most > End - First)
        Most = End - First;
    PageIo* New = new PageIo(Ref<PageStore>(*this), PageIo::Kind::Read, First);
    if (!New)
        return STATUS_INSUFFICIENT_RESOURCES;
    RefPtr<PageIo> Io = RefPtr<PageIo>::Adopt(New);
    TRY(Io->Held_.Reserve(Most));
    for (u64 I = 0; I < Most; ++I) {
        if (UnderWay(First + I, 1))
            break;
        auto Entered = Entry(First + I, true);
        if (Entered.Ok() && *Entered.Value())
            break;
        auto Frame = Entered.Ok() ? NewFrame(false) : Result<Pfn>(Entered.GetStatus());
        if (!Frame.Ok()) {
            if (I == 0)
                return Frame.GetStatus();
            break;                      // a shorter run will do
        }
        *Entered.Value() = Frame.Value() | word::Reading;
        ReferenceFrame(Frame.Value());
        (void)Io->Held_.Push(Frame.Value());        // reserved
        ++PageCount_;
    }
    u32 Pages = u32(Io->Held_.Size());
    ASSERT(Pages);
    Paging_->About.Reading += Pages;
    Totals.Reading += Pages;
    Totals.PagesRead += Pages;
    ++Totals.ReadRequests;
    Io->Awaited = Awaited;
    Io->Bytes = Pages << PageShift;
    Io->Useful = Paging_->Valid - Io->Offset < Io->Bytes ? u32(Paging_->Valid - Io->Offset) : Io->Bytes;
    Io->Frames = Io->Held_.Span();
    Io->Number_ = Paging_->NextNumber++;
    Paging_->UnderWay.PushBack(*Io);
    Io->AddRef();                       // the pager's
    Paging_->From->Read(*Io);
    return Io;
}

static Status ReadOutcome(Status Outcome)
{
    return Outcome == STATUS_END_OF_FILE ? Status(STATUS_SUCCESS) : Outcome;
}

void PageStore::ReadWholePages() { Paging_->WholePages = true; }

void PageStore::Ended(PageIo& Io, Status Outcome, u64 Done)
{
    if (Io.What == PageIo::Kind::Flush)
        return;
    bool Read = Io.What == PageIo::Kind::Read;
    if (Read)
        Outcome = Io.Outcome_ = ReadOutcome(Outcome);
    if (!Read)
        return EndedWrite(Io, Outcome, Done);
    // Behind what was read, and behind the valid data as it is now, pages are zero.
    u64 Most = Paging_->WholePages ? Io.Bytes : Io.Useful, End = Io.Offset + (Done < Most ? Done : Most);
    if (End > Paging_->Valid && !Paging_->WholePages)
        End = Paging_->Valid;
    for (u32 I = 0; I < Io.Held_.Size(); ++I) {
        u64 Follow;
        Pfn* Word = Lookup(Io.First_ + I, Follow);
        if (!Word || *Word != (Io.Held_[I] | word::Reading))
            continue;                   // truncated or dropped meanwhile
        if (!Outcome.Ok()) {
            Forget(*Word);
            continue;
        }
        u64 At = (Io.First_ + I) << PageShift;
        if (End < At + PageSize) {
            u64 Keep = End > At ? End - At : 0;
            memset(PageAddress(Io.Held_[I]) + Keep, 0, PageSize - Keep);
        }
        *Word = Io.Held_[I] | word::Used;
        --Paging_->About.Reading;
        --Totals.Reading;
        ++Paging_->About.Resident;
        ++Totals.Resident;
    }
}

bool PageStore::IsValid(u64 Index)
{
    u64 Follow;
    Pfn* Word = Lookup(Index, Follow);
    return Word && word::IsValid(*Word);
}

ke::Task<> PageStore::WaitForIo(Ref<PageStore> Of, u64 First, u64 Count)
{
    while (RefPtr<PageIo> Busy { Of->UnderWay(First, Count) }) {
        Busy->Awaited = true;
        while (!Busy->Ended_.State())
            CO_TRY(co_await ke::WaitFor(Busy->Ended_));
    }
    co_return STATUS_SUCCESS;
}

bool PageStore::HasAll(u64 First, u64 Count)
{
    for (u64 At = First; At < First + Count;) {
        u64 Follow;
        Pfn* Word = Lookup(At, Follow);
        if (!Word) {
            if (MustRead(At))
                return false;
            At += Follow < First + Count - At ? Follow : First + Count - At;
            continue;
        }
        for (; Follow && At < First + Count; --Follow, ++At, ++Word)
            if (!word::IsValid(*Word) && (*Word || MustRead(At)))
                return false;
    }
    return true;
}

// The first page from At on, before End, that has to be read or is being read; End if there is none.
u64 PageStore::NextAbsent(u64 At, u64 End)
{
    while (At < End) {
        u64 Follow;
        Pfn* Word = Lookup(At, Follow);
        if (!Word) {
            if (MustRead(At))
                return At;
            At += Follow < End - At ? Follow : End - At;
            continue;
        }
        for (; Follow && At < End; --Follow, ++At, ++Word)
            if (!word::IsValid(*Word) && (*Word || MustRead(At)))
                return At;
    }
    return End;
}

ke::Task<> PageStore::Need(Ref<PageStore> Of, u64 First, u64 Count)
{
    if (Of->HasAll(First, Count))
        return ke::Task<>(Status(STATUS_SUCCESS));
    return NeedAbsent(std::move(Of), First, First + Count);
}

ke::Task<> PageStore::NeedAbsent(Ref<PageStore> Of, u64 First, u64 End)
{
    // Requests go out ahead of the page that is waited for.
    constexpr u64 Ahead = 4 * LargestIo;
    u64 Started = First;
    while ((First = Of->NextAbsent(First, End)) < End) {
        Paging& P = *Of->Paging_;
        if (!P.Gone.Ok())
            co_return P.Gone;
        RefPtr<PageIo> Io(Of->UnderWay(First, 1));
        if (!Io) {
            Io = CO_TRY(Of->StartRead(First, End - First, true));
            Started = First + Io->Pages();
        }
        bool Ours = Io->What == PageIo::Kind::Read;
        if (Started < First)
            Started = First;
        while (P.Gone.Ok() && (Started = Of->NextAbsent(Started, End)) < End && Started < First + Ahead) {
            if (PageIo* Other = Of->UnderWay(Started, 1)) {
                Started = Other->First_ + (Other->Bytes >> PageShift);
                continue;
            }
            auto More = Of->StartRead(Started, End - Started, true);
            if (!More.Ok())
                break;
            Started += More.Value()->Pages();
        }
        Io->Awaited = true;
        while (!Io->Ended_.State())
            CO_TRY(co_await ke::WaitFor(Io->Ended_));
        if (Ours && !Io->Outcome_.Ok() && Of->NextAbsent(First, First + 1) == First)
            co_return Io->Outcome_;
    }
    co_return STATUS_SUCCESS;
}

void PageStore::ReadAhead(u64 First, u64 Count)
{
    u64 End = (Paging_->Valid + PageMask) >> PageShift;
    if (First >= End)
        return;
    if (Count > End - First)
        Count = End - First;
    for (u64 At = First; Paging_->Gone.Ok() && (At = NextAbsent(At, First + Count)) < First + Count && IsMemoryPlentiful();) {
        if (PageIo* Other = UnderWay(At, 1)) {
            At = Other->First_ + (Other->Bytes >> PageShift);
            continue;
        }
        auto Io = StartRead(At, First + Count - At, false);
        if (!Io.Ok())
            return;
        At += Io.Value()->Pages();
    }
}

// --- memory that can be had

u64 ReclaimPages(u64 Wanted)
{
    u64 Got = 0;
    for (bool Hard : { false, true })
        for (Paging& P : All())
            if (Got < Wanted)
                Got += P.Store.Reclaim(Wanted - Got, Hard);
    if (Paging* First = All().First()) {
        First->AllLink.Unlink();        // the next time others come first
        All().PushBack(*First);
    }
    return Got;
}

u64 ReclaimablePages()
{
    return Totals.Resident - Totals.Dirty;
}

}
