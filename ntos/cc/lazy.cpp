// The lazy writer, the dirty limit, and the end: everything is written.
#include "ntos/cc/cc.hpp"

#include "ntos/mm/mm.hpp"
#include "ntos/mm/paging.hpp"

namespace cc {

using namespace nt;
using mm::PageStore;

static constexpr u64 Tick = 2'500'000;          // 250 ms
static constexpr u64 LeastAtOnce = 256;         // pages of a round; more if many are dirty, so that each is written within four rounds
static constexpr u32 LongestPause = 7;          // after n failures in a row a store is left alone for 2^n rounds, at most 2^this

static u64 Limit, LimitSet;
static bool Running;
// Made at the first use, never destroyed.
static ke::Event& RoomEvent()
{
    alignas(ke::Event) static char Room[sizeof(ke::Event)];
    static ke::Event* Made;
    if (!Made)
        Made = new (Room) ke::Event(ke::Event::Notification, false);
    return *Made;
}
static ke::Event& HurryEvent()
{
    alignas(ke::Event) static char Room[sizeof(ke::Event)];
    static ke::Event* Made;
    if (!Made)
        Made = new (Room) ke::Event(ke::Event::Synchronization, false);
    return *Made;
}

bool IsTooDirty()
{
    return mm::Totals.Dirty + mm::Totals.Writing > Limit;
}

void SetDirtyLimit(u64 Pages)
{
    LimitSet = Pages;
    Limit = Pages ? Pages : mm::QueryMemory().TotalPages / 8;
}

// One round over all stores, in order of the file in each. Hurry: as much as can be under way.
static void WriteRound(bool Hurry)
{
    constexpr u64 MostUnderWay = 2048;          // pages
    u64 Now = ke::InterruptTime();
    u64 Budget = mm::Totals.Dirty / 4 + LeastAtOnce;
    if (Hurry)
        Budget = ~u64(0);
    for (RefPtr<PageStore> S(PageStore::NextPaged(nullptr)); S && Budget && mm::Totals.Writing < MostUnderWay; S = RefPtr<PageStore>(PageStore::NextPaged(S.Get()))) {
        if (!S->About().Dirty || (S->About().Failures && S->RetryAt > Now))
            continue;
        if (u32 Failures = S->About().Failures)
            S->RetryAt = Now + (Tick << (Failures < LongestPause ? Failures : LongestPause));
        u64 Start = S->WriteHand;
        bool Wrapped = Start == 0;
        while (Budget && mm::Totals.Writing < MostUnderWay) {
            u64 Most = Budget < PageStore::LargestIo ? Budget : PageStore::LargestIo;
            u64 Before = mm::Totals.PagesWritten, Next = S->StartWrites(S->WriteHand, Most);
            u64 Done = mm::Totals.PagesWritten - Before;
            Budget -= Done < Budget ? Done : Budget;
            if (Next == ~u64(0)) {
                S->WriteHand = 0;
                if (std::exchange(Wrapped, true))
                    break;
                continue;
            }
            S->WriteHand = Next;
            if (Wrapped && Start && Next >= Start)
                break;                  // once around
            if (S->About().Failures)
                break;
        }
    }
}

class LazyWriter final : public ke::WorkItem {
public:
    static ke::Task<> Loop()
    {
        while (mm::Totals.Dirty) {
            ke::Waitable* Hurry[] = { &HurryEvent() };
            Status Woken = co_await ke::WaitFor(Hurry, ke::WaitType::Any, false, ke::Deadline { ke::InterruptTime() + Tick });
            WriteRound(Woken.Code() == STATUS_WAIT_0 || IsTooDirty());
        }
        Running = false;
        co_return STATUS_SUCCESS;
    }
};

static void BecameDirty(PageStore&)
{
    if (IsTooDirty())
        HurryEvent().Set();
    if (Running)
        return;
    Own<ke::WorkItem> Item(new (std::nothrow) LazyWriter);
    if (!Item)
        return;                         // the next page tries again
    Running = true;
    ke::WorkItem::Launch(std::move(Item), [] { return LazyWriter::Loop(); });
}

static void WasWritten(PageStore& S)
{
    if (IsTooDirty() && S.About().Failures == 0)
        HurryEvent().Set();             // there is room for more under way
    else
        RoomEvent().Set();
}

void Initialize()
{
    if (PageStore::OnDirty)
        return;
    PageStore::OnDirty = BecameDirty;
    PageStore::OnWritten = WasWritten;
    SetDirtyLimit(LimitSet);
}

ke::Task<> WaitForWrites(Ref<PageStore> Of)
{
    while (IsTooDirty()) {
        if (Of->About().Failures)
            co_return Of->About().Failed;
        RoomEvent().Reset();
        HurryEvent().Set();
        // (Also looked at from time to time: others may fail, or be truncated.)
        ke::Waitable* Room[] = { &RoomEvent() };
        (void)(co_await ke::WaitFor(Room, ke::WaitType::Any, false, ke::Deadline { ke::InterruptTime() + Tick })).Code();
    }
    co_return STATUS_SUCCESS;
}

static ke::Task<> FlushStore(Ref<PageStore> Of)
{
    Status Written = co_await PageStore::Flush(Of, 0, ~u64(0));
    Status Passed = Of->From() ? co_await PageStore::Barrier(Of) : Status(STATUS_SUCCESS);
    co_return Written.Ok() ? Passed : Written;
}

ke::Task<> FlushAll()
{
    Vector<RefPtr<PageStore>> All;
    for (PageStore* S = PageStore::NextPaged(nullptr); S; S = PageStore::NextPaged(S))
        CO_TRY(All.Push(RefPtr<PageStore>(S)));
    Status First = STATUS_SUCCESS;
    for (RefPtr<PageStore>& S : All) {
        Status Flushed = co_await FlushStore(Ref<PageStore>(*S));
        if (First.Ok() && !Flushed.Ok())
            First = Flushed;
        S.Reset();
    }
    co_return First;
}

Counts Count()
{
    const mm::PagingTotals& T = mm::Totals;
    return { T.Resident, T.Dirty, T.Writing, T.Reading, T.ReadRequests, T.WriteRequests, T.PagesRead, T.PagesWritten };
}

}
