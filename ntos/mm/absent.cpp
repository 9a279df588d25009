#include "ntos/mm/absent.hpp"

#include <string.h>

#include "ntos/mm/access.hpp"
#include "ntos/mm/pager.hpp"
#include "ntos/mm/space.hpp"
#include "ntos/ps/process.hpp"

namespace mm {

using namespace nt;
using ke::Caller;

// Bytes the Executive wanted to write to an absent page.
struct KeptStore {
    core::ListNode<KeptStore> Link;
    RefPtr<ps::Process> To;
    u64 Address;
    u32 Bytes;
    u8* Data() { return reinterpret_cast<u8*>(this + 1); }
    static KeptStore* Make(ps::Process& To, u64 Address, const void* From, u32 Bytes)
    {
        void* Room = ::operator new(sizeof(KeptStore) + Bytes, std::nothrow);
        if (!Room)
            return nullptr;
        auto* K = new (Room) KeptStore { .Link = {}, .To = RefPtr<ps::Process>(&To), .Address = Address, .Bytes = Bytes };
        if (From)
            memcpy(K->Data(), From, Bytes);
        else
            memset(K->Data(), 0, Bytes);
        return K;
    }
    void Free()
    {
        this->~KeptStore();
        ::operator delete(static_cast<void*>(this));
    }
};

struct Absence {
    RefPtr<ps::Process> In;             // where the last missing page is
    u64 Address = 0, Bytes = 0;
    core::List<KeptStore, &KeptStore::Link> Stores;
    u64 StoreBytes = 0;
};

static Absence* AbsenceOf(Caller& By)
{
    if (!By.Absent)
        By.Absent = new (std::nothrow) Absence;
    return By.Absent;
}

Status Missed(ps::Process& In, u64 Address, u64 Bytes, bool, Status Why)
{
    Caller* By = Why == PageAbsent ? ke::RunningCaller() : nullptr;
    if (!By)
        return Why;
    Absence* A = AbsenceOf(*By);
    if (!A)
        return STATUS_INSUFFICIENT_RESOURCES;
    A->In = RefPtr<ps::Process>(&In);
    A->Address = Address;
    A->Bytes = Bytes;
    By->Attention |= Caller::PageMissing;
    return Why;
}

// Without a caller: a work item of its own waits and stores.
class StoreItem final : public ke::WorkItem {
public:
    static ke::Task<> Store(KeptStore* Kept)
    {
        struct Free {
            KeptStore* K;
            ~Free() { K->Free(); }
        } Freed { Kept };
        Ref<ps::Process> To(*Kept->To);
        CO_TRY(co_await MakeResident(To, Kept->Address, Kept->Bytes, true));
        co_return CopyToUser(*To, Kept->Address, Kept->Data(), Kept->Bytes);
    }
};

Status KeepStore(ps::Process& To, u64 Address, const void* From, usize Bytes, usize BytesLeft, Status Why)
{
    if (Why != PageAbsent)
        return Why;
    constexpr u64 MostBytes = 64 * 1024;        // of a caller; then the service is run again when the page is there
    Caller* By = ke::RunningCaller();
    if (!By) {
        KeptStore* K = KeptStore::Make(To, Address, From, u32(Bytes));
        Own<ke::WorkItem> Item(new (std::nothrow) StoreItem);
        if (!K || !Item) {
            if (K)
                K->Free();
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        ke::WorkItem::Launch(std::move(Item), [K] { return StoreItem::Store(K); });
        return STATUS_SUCCESS;
    }
    Absence* A = AbsenceOf(*By);
    if (!A)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (A->StoreBytes + Bytes > MostBytes)
        return Missed(To, Address, BytesLeft, true, Why);
    KeptStore* K = KeptStore::Make(To, Address, From, u32(Bytes));
    if (!K)
        return STATUS_INSUFFICIENT_RESOURCES;
    A->Stores.PushBack(*K);
    A->StoreBytes += Bytes;
    By->Attention |= Caller::StoresKept;
    return STATUS_SUCCESS;
}

static ke::Task<> Resident(Ref<ps::Process> In, u64 Address, u64 Bytes, bool Write)
{
    u64 End = Address + Bytes;
    for (u64 At = Address; At < End;) {
        auto There = In->Memory().Touch(At, Write);
        if (There.Ok()) {
            At = AlignDown(At, PageSize) + PageSize;
            continue;
        }
        if (There.Code() != PageAbsent)
            co_return There.GetStatus();
        CO_TRY(co_await WaitForPages(In, At, End - At));
    }
    co_return STATUS_SUCCESS;
}

bool MayBeAbsent(ps::Process& In)
{
    return In.Memory().PagedViews;
}

ke::Task<> MakeResident(Ref<ps::Process> In, u64 Address, u64 Bytes, bool Write)
{
    if (!MayBeAbsent(*In))
        return ke::Task<>(Status(STATUS_SUCCESS));      // nothing can be absent
    if (Address + Bytes < Address)
        return ke::Task<>(Status(STATUS_ACCESS_VIOLATION));
    return Resident(std::move(In), Address, Bytes, Write);
}

ke::Task<> WaitForPages(Ref<ps::Process> In, u64 Address, u64 Bytes)
{
    AddressSpace::Missing M = In->Memory().FindMissing(Address, Bytes);
    if (!M.Store)
        return ke::Task<>(Status(STATUS_SUCCESS));      // unmapped meanwhile
    // As much as fits; what was read may be taken again before it is used if it is more than there is memory for.
    constexpr u64 Most = 4 * PageStore::LargestIo;
    return PageStore::Need(Ref<PageStore>(*M.Store), M.First, M.Pages < Most ? M.Pages : Most);
}

ke::Task<> WaitForFault(Ref<ps::Process> In, u64 Address)
{
    constexpr u64 Cluster = 16;         // pages
    AddressSpace::Missing M = In->Memory().FindMissing(Address, ~u64(0) - Address);
    if (!M.Store)
        return ke::Task<>(Status(STATUS_SUCCESS));
    // Behind a page that is there the file is probably touched in order: a whole cluster, and the next one is under way when it is wanted. Otherwise what is left of an
    // aligned one.
    bool InOrder = M.First && M.Store->HasAll(M.First - 1, 1);
    u64 Pages = InOrder ? Cluster : Cluster - M.First % Cluster;
    Ref<PageStore> Store(*M.Store);
    M.Store->ReadAhead(M.First, InOrder ? 2 * Cluster : Pages);
    return PageStore::Need(std::move(Store), M.First, 1);
}

ke::Task<> WaitForMissing(Caller& By)
{
    By.Attention &= u8(~Caller::PageMissing);
    Absence* A = By.Absent;
    if (!A || !A->In)
        return ke::Task<>(Status(STATUS_SUCCESS));
    Ref<ps::Process> In = Ref<ps::Process>::Adopt(*A->In.Leak());
    return WaitForPages(std::move(In), A->Address, A->Bytes);
}

ke::Task<> ApplyStores(Caller& By)
{
    By.Attention &= u8(~Caller::StoresKept);
    Status First = STATUS_SUCCESS;
    while (KeptStore* Next = By.Absent ? By.Absent->Stores.First() : nullptr) {
        struct Taken {
            KeptStore* K;
            ~Taken() { K->Free(); }
        } K { Next };
        Next->Link.Unlink();
        By.Absent->StoreBytes -= Next->Bytes;
        Ref<ps::Process> To(*Next->To);
        Status S = co_await MakeResident(To, Next->Address, Next->Bytes, true);
        if (S.Ok())
            S = CopyToUser(*To, Next->Address, Next->Data(), Next->Bytes);
        if (First.Ok() && !S.Ok())
            First = S;
    }
    co_return First;
}

void ForgetAbsence(Caller& By)
{
    By.Attention &= Caller::ApcDue;
    Absence* A = std::exchange(By.Absent, nullptr);
    if (!A)
        return;
    while (KeptStore* K = A->Stores.First())
        K->Free();
    delete A;
}

}
