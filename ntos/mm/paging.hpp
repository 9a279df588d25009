// The state of a paged store, for mm and the cache manager.
#pragma once
#include "ntos/mm/pager.hpp"
#include "ntos/mm/space.hpp"

namespace mm {

// A word of a paged store's leaf: 0 (absent), or a frame with flags. A frame that is being read is not valid: as an i32 it is negative.
namespace word {
inline constexpr Pfn Frame = (Pfn(1) << 28) - 1;
inline constexpr Pfn Used = Pfn(1) << 28;           // since the last look for pages to take
inline constexpr Pfn Dirty = Pfn(1) << 29;
inline constexpr Pfn Writing = Pfn(1) << 30;        // perhaps dirty again
inline constexpr Pfn Reading = Pfn(1) << 31;
inline bool IsValid(Pfn W) { return i32(W) > 0; }
}

struct PagedView {
    core::ListNode<PagedView> Link;
    AddressSpace* In;
    Vad* V;
    static void* operator new(usize Bytes) noexcept { return ::operator new(Bytes, std::nothrow); }
    static void operator delete(void* At) { ::operator delete(At); }
};

struct Paging {
    explicit Paging(PageStore& Of, Pager& From, u64 Size, u64 Valid) : Store(Of), From(&From), Size(Size), Valid(Valid) { }
    PageStore& Store;
    Pager* From;                        // null: gone, see Gone
    Status Gone;
    u64 Size, Valid;                    // bytes
    PageStore::Figures About;
    bool WholePages = false;
    u64 NextNumber = 1;                 // of requests, in the order they are started
    u64 FailedWrites = 0;
    u64 Hand = 0;                       // where the search for pages to take goes on
    core::List<PageIo, &PageIo::StoreLink> UnderWay;
    core::List<PagedView, &PagedView::Link> Views;
    core::ListNode<Paging> AllLink;
    static void* operator new(usize Bytes) noexcept { return ::operator new(Bytes, std::nothrow); }
    static void operator delete(void* At) { ::operator delete(At); }
};

// Sums of all stores' figures, and requests since the start.
struct PagingTotals {
    u64 Resident, Dirty, Reading, Writing;
    u64 ReadRequests, WriteRequests, PagesRead, PagesWritten;
};
extern PagingTotals Totals;

}
