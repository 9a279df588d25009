// PageStore: the pages of one file (or of a page-file backed section), each once, shared by everything that looks at the
// data: mapped views, image sections, NtReadFile and NtWriteFile.
//
// An ordinary store is the data itself: sparse; a page that was never written is a hole and reads as zero. The length in bytes is the owner's business.
// A paged store holds part of a file that lies elsewhere; a Pager (pager.hpp) brings pages and takes them back. A page of it is absent, being read, or valid; a valid one may be dirty and
// may be under way to the file. It knows the file's size and its valid length: behind that pages are zero and need not be read. Functions that
// must not wait answer PageAbsent (ke/user.hpp) when they meet a page that has to be read: Need waits for it. Valid clean pages that nobody else refers to are taken when memory is short;
// so a pointer to a page is good until the next allocation.
#pragma once
#include "lib/core/ref.hpp"
#include "ntos/ke/task.hpp"
#include "ntos/ke/user.hpp"

namespace mm {

using Pfn = u32;                    // index of a physical page
inline constexpr Pfn NoPfn = 0;

class ImageMap;
class PageIo;
class Pager;
struct Paging;
struct PagedView;
struct Vad;
class AddressSpace;

class PageStore : public RefCounted<PageStore> {
public:
    static Result<Ref<PageStore>> Create();
    static Result<Ref<PageStore>> CreatePaged(Pager& From, u64 Size, u64 Valid);
    // What the pager reads behind the end of the data stays in the last page (else it becomes zero): the data is a piece of something longer, and may grow to show more of it.
    void ReadWholePages();
    ~PageStore();
    // The Executive's address of page Index, valid until the next Truncate or ReplacePage of it. A hole: null, unless Make.
    Result<u8*> Page(u64 Index, bool Make);
    Result<Pfn> PageFrame(u64 Index, bool Make);
    // Uses an existing, mapped, read-only frame of the boot image as page Index; the first write replaces it by a copy.
    Status AdoptBootPage(u64 Index, Pfn Frame);
    // Executive memory to and from the store, any alignment.
    Status Read(u64 Offset, void* To, usize Bytes);
    Status Write(u64 Offset, const void* From, usize Bytes);
    // Client memory to and from the store: one copy, page by page. Done: bytes copied, also when it fails half way. STATUS_CANT_WAIT: the next page of a paged store is absent.
    // (PageAbsent: the next page of the client's memory is.)
    Status ReadToUser(u64 Offset, ps::Process& To, u64 Address, usize Bytes, usize& Done);
    Status WriteFromUser(u64 Offset, ps::Process& From, u64 Address, usize Bytes, usize& Done);
    Status Zero(u64 Offset, u64 Bytes);
    // Frees the pages from byte Size on and zeroes the rest of the last one. STATUS_USER_MAPPED_FILE while views of them exist.
    Status Truncate(u64 Size);
    u64 Pages() const { return PageCount_; }        // not holes
    // Views and image sections that refer to the pages.
    u32 Mappings = 0;
    u32 Sections = 0;                   // section objects of the file's data, with or without views
    u32 ImageMappings = 0;
    ImageMap* SharedImage = nullptr;          // borrowed: the image map of this file while one exists

    // --- paged stores (paging.cpp, writeback.cpp). Tasks keep the store; destroying one leaves what it started under way.
    bool IsPaged() const { return Paging_ != nullptr; }
    static constexpr u32 LargestIo = 256;           // pages
    // Waits until the pages are there, reading absent ones, several requests at a time. The pager's error.
    static ke::Task<> Need(Ref<PageStore> Of, u64 First, u64 Count);
    bool HasAll(u64 First, u64 Count);
    // Starts reading what is absent, as far as memory is plentiful; nobody waits for it.
    void ReadAhead(u64 First, u64 Count);
    // Page Index without reading it: it is going to be written whole, or has been made zero (Zeroed). Made: it was absent. It is dirty.
    Result<u8*> PageToFill(u64 Index, bool Zeroed, bool& Made);
    void Unmake(u64 Index);             // takes that back
    void MarkDirty(u64 Index);
    // Writes what is dirty among the pages now, in order, and waits for it, and for what is under way already. The first error of a write since the call.
    static ke::Task<> Flush(Ref<PageStore> Of, u64 First, u64 Count);
    // Starts writing dirty pages from First on, at most Most; the page behind what it looked at, or ~0: no more are dirty.
    u64 StartWrites(u64 First, u64 Most);
    static ke::Task<> Barrier(Ref<PageStore> Of);           // the pager's Flush
    // Drops pages of the range, dirty or not, after waiting for what is under way. False: some stay, because somebody maps them.
    static ke::Task<bool> Drop(Ref<PageStore> Of, u64 First, u64 Count);
    void SetSizes(u64 Size, u64 Valid);             // Truncate has been called if it is smaller
    u64 Size() const;
    u64 Valid() const;
    void Detach(Status Why);
    Pager* From() const;                // null when it is gone
    struct Figures {
        u32 Resident = 0, Dirty = 0, Reading = 0, Writing = 0;
        Status Lost;                    // dirty pages that had to be given up: the first cause
        Status Failed;                  // of the last write, if it failed
        u32 Failures = 0;               // in a row
    };
    const Figures& About() const;
    Status TakeLost();                  // Figures::Lost, once
    // A view of a paged store begins (the record is for Vad::Paged) or ends.
    Result<PagedView*> AddView(AddressSpace& In, Vad& V);
    static void RemoveView(PagedView* View);
    u32 SystemViews = 0;                // of the Mappings, those in a file-system driver's process, which do not keep the file from being truncated
    u32 Holds = 0;                      // while it is not 0 no page is taken
    // Every paged store: the next after At (null: the first).
    static PageStore* NextPaged(PageStore* At);
    // Told when a page of a store becomes dirty and was not; when a write of one has ended.
    static void (*OnDirty)(PageStore&);
    static void (*OnWritten)(PageStore&);
    u64 WriteHand = 0;                  // the lazy writer's: where it goes on
    u64 RetryAt = 0;                    // the same: not before this time, after failures
    bool IsValid(u64 Index);            // the page is there
    // Waits until nothing of the range is under way.
    static ke::Task<> WaitForIo(Ref<PageStore> Of, u64 First, u64 Count);

private:
    PageStore() = default;
    friend class RefCounted<PageStore>;
    friend class PageIo;
    friend u64 ReclaimPages(u64);
    static constexpr u32 LeafShift = 10, NodeShift = 9;
    static constexpr u32 LeafFan = 1 << LeafShift, NodeFan = 1 << NodeShift;
    // The word for page Index, or null if there is none and not Make.
    Result<Pfn*> Entry(u64 Index, bool Make);
    // The same, without making; and how many words follow it in its leaf (in a hole: how many pages are without).
    Pfn* Lookup(u64 Index, u64& Follow);
    // Frees the pages with index >= From below node At, which covers from Base; true if nothing is left in it.
    bool FreeFrom(void* At, u32 Level, u64 Base, u64 From);
    void Forget(Pfn& Word)
    {
        if (Paging_)
            ForgetState(Word);
        FreeWord(Word);
    }
    void FreeWord(Pfn& Word);
    void ForgetState(Pfn& Word);
    u64 HasDirty() const;               // the tag
    bool MustRead(u64 Index) const;     // whether an absent page is more than zeroes
    Status PagedWrite(u64 Offset, ps::Process& From, u64 Address, usize Bytes, usize& Done);
    void EndPaging();
    Result<Pfn> PagedFrame(u64 Index, bool Make);
    Result<Pfn> NewFrame(bool Zeroed);
    u64 NextDirty(u64 From);
    u64 NextDirtyBelow(void* At, u32 Level, u64 Base, u64 From);
    void TagDirty(u64 Index);
    Result<RefPtr<PageIo>> StartRead(u64 First, u64 Most, bool Awaited);
    Result<RefPtr<PageIo>> StartWrite(u64 First, u64 Most, bool Awaited);
    PageIo* UnderWay(u64 First, u64 Count);
    PageIo* FirstWrite(u64 First, u64 End, u64 Before);
    void Ended(PageIo& Io, Status Outcome, u64 Done);
    void EndedWrite(PageIo& Io, Status Outcome, u64 Done);
    u64 NextAbsent(u64 At, u64 End);
    static ke::Task<> NeedAbsent(Ref<PageStore> Of, u64 First, u64 End);
    static ke::Task<> FlushDirty(Ref<PageStore> Of, u64 First, u64 End);
    void NoticeWrites(u64 Index);
    u64 Reclaim(u64 Wanted, bool Hard);
    // A tree of pages, Levels_ high: leaves hold LeafFan words, inner nodes NodeFan pointers. A word is a frame number; of a paged store it has flags (paging.hpp), and the lowest bit of a pointer says
    // that something below may be dirty.
    void* Top_ = nullptr;
    u32 Levels_ = 0;
    u64 PageCount_ = 0;
    Paging* Paging_ = nullptr;
};

// For phys.cpp: takes clean cached pages, about as many as asked for (0: there are none); how many can be had so.
u64 ReclaimPages(u64 Wanted);
u64 ReclaimablePages();

}
