// What brings a store's pages from a file and takes them back: a Pager, asked by PageIo requests.
//
// Implemented by io/fs (paging IRPs to a file-system driver), and by a fake in host tests. Everything happens on the dispatcher thread. Read, Write and Flush start the
// operation and return; PageIo::Complete is called exactly once for each, before they return or later, in any order. A PageIo stays valid until then, and its frames stay
// referenced: they may be lent to a device. Any number may be under way, but never two that overlap. A Write behind the valid data makes the data valid to its end; what lies between is
// to be zero in the file then. A Write that is under way when the file is truncated writes nothing behind the new end, also if the file has grown again by then.
#pragma once
#include <span>

#include "lib/core/list.hpp"
#include "lib/core/vector.hpp"
#include "ntos/ke/wait.hpp"
#include "ntos/mm/store.hpp"

namespace mm {

class PageIo : public RefCounted<PageIo> {
public:
    enum class Kind : u8 { Read, Write, Flush };
    Kind What = Kind::Read;
    bool Awaited = false;               // somebody waits for it (no read-ahead, no lazy write)
    // A multiple of PageSize each. Of a Flush: 0.
    u64 Offset = 0;
    u32 Bytes = 0;
    // The bytes of it that are inside the file: what a pager must move that does not clip at the file's size itself. May end within the last page.
    u32 Useful = 0;
    std::span<const Pfn> Frames;        // Bytes / PageSize of them
    // The pager's own while the operation is under way.
    core::ListNode<PageIo> Link;
    u64 Context[2] = {};

    // It ended with Done bytes moved from the start. A Read that moved less (and one that ends with STATUS_END_OF_FILE): the rest is zero. A Read that fails: the pages stay
    // absent; whoever waits for them gets STATUS_IN_PAGE_ERROR with Outcome as its cause (a fault), or Outcome (NtReadFile, NtCreateSection). A Write that fails or moved less
    // than Useful: the pages it did not write stay dirty, and the store keeps the error for the next flush.
    void Complete(Status Outcome, u64 Done);
    u64 Pages() const { return Bytes >> PageShift; }

    // The store's.
    core::ListNode<PageIo> StoreLink;

private:
    friend class PageStore;
    friend class RefCounted<PageIo>;
    PageIo(Ref<PageStore> Of, Kind What, u64 First);
    ~PageIo();
    static void* operator new(usize Bytes) noexcept { return ::operator new(Bytes, std::nothrow); }
    static void operator delete(void* At) { ::operator delete(At); }
    RefPtr<PageStore> Store_;           // keeps the store until it is complete
    Vector<Pfn> Held_;
    u64 First_, Number_ = 0;
    ke::Event Ended_ { ke::Event::Notification, false };
    Status Outcome_;
};

class Pager {
public:
    virtual void Read(PageIo& Io) = 0;
    virtual void Write(PageIo& Io) = 0;
    // A barrier: what has been written (Write has been completed) is on the medium when this is complete.
    virtual void Flush(PageIo& Io) { Io.Complete(nt::STATUS_SUCCESS, 0); }

protected:
    ~Pager() = default;
};

}
