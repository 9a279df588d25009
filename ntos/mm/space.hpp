// The address space of a process: VADs, software page tables, faults.
#pragma once
#include <bit>

#include "abi/nt/mm.hpp"
#include "lib/core/vector.hpp"
#include "ntos/mm/mm.hpp"
#include "ntos/mm/section.hpp"

namespace mm {

inline constexpr u64 LowestUser = 0x10000, HighestUser = 0x7FFF'FFFE'FFFF, AllocationGranularity = 0x10000;

// Page protections as NT's base values, in three bits.
enum class Protection : u8 { NoAccess, ReadOnly, ReadWrite, WriteCopy, Execute, ExecuteRead, ExecuteReadWrite, ExecuteWriteCopy };
Result<Protection> ProtectionFrom(u32 Page);        // PAGE_*; STATUS_INVALID_PAGE_PROTECTION. Modifiers (guard ...) are masked off
u32 PageFrom(Protection P);
inline bool IsReadable(Protection P) { return P != Protection::NoAccess; }      // x86 cannot make pages execute-only
inline bool IsWritable(Protection P) { return P == Protection::ReadWrite || P == Protection::ExecuteReadWrite; }
inline bool IsCopyOnWrite(Protection P) { return P == Protection::WriteCopy || P == Protection::ExecuteWriteCopy; }
inline bool IsExecutable(Protection P) { return P >= Protection::Execute; }

// A software page table entry.
struct Pte {
    enum States : u64 { Default, Decommitted, Demand, Present };
    u64 Frame : 28;
    u64 Slot : 24;                      // of the capability that maps it in hardware; 0: not mapped there
    u64 Protect : 3;
    u64 State : 2;                      // Default: as the VAD says
    u64 Guard : 1;
    u64 Private : 1;                    // the frame is this process' own (charged to it)
    u64 Writable : 1;                   // mapped writable in hardware
    u64 HasProtect : 1;                 // Protect is set (else the VAD's)
    u64 Written : 1;                    // for write watch
    u64 Clean : 1;                      // of a paged store's view: the next write makes the page dirty
    u64 Pad : 1;
};
static_assert(sizeof(Pte) == 8);

struct Vad {
    u64 Start, End;                     // End exclusive
    enum Kinds : u8 { Private, Data, Image, Placeholder } Kind;
    Protection Protect;                 // initial
    bool Guard = false;                 // whole range committed as guard pages
    bool Committed = false;             // Default pages are committed
    bool WriteWatch = false;
    bool NoInherit = true;
    bool Fixed = false;                 // the process cannot free it (shared page, ...)
    bool Device = false;                // device memory: no frames of ours, protection stays
    bool Lent = false;                  // somebody else's frames for a while (MapFrames)
    u64 AllocationBase;                 // placeholders split keep theirs
    u64 Offset = 0;                     // into the section, bytes
    RefPtr<Section> Backing;
    u32 InitialPage;                    // PAGE_* as the caller gave it
    bool TracksWrites = false;          // pages are mapped writable only when they are written
    bool System = false;                // a view of the Executive's in a driver's process, which only the Executive unmaps
    PagedView* Paged = nullptr;         // a view of a paged store; its entries hold references to the frames
    static void* operator new(usize Bytes) noexcept { return ::operator new(Bytes, std::nothrow); }
    static void operator delete(void* At) { ::operator delete(At); }
};

// The highest address that a ZeroBits argument leaves: the number of bits that must be zero (of 32, below 32), or a mask of those that may be
// set. 0: any. STATUS_INVALID_PARAMETER_3.
inline Result<u64> HighestForZeroBits(u64 ZeroBits)
{
    if (ZeroBits == 0)
        return u64(HighestUser);
    if (ZeroBits < 32) {
        if (ZeroBits > 21)
            return nt::STATUS_INVALID_PARAMETER_3;
        return (u64(1) << (32 - ZeroBits)) - 1;
    }
    u64 Mask = ~u64(0) >> __builtin_clzll(ZeroBits);
    return Mask < HighestUser ? Mask : u64(HighestUser);
}

class AddressSpace {
public:
    static Result<Own<AddressSpace>> Create();
    ~AddressSpace();
    static void* operator new(usize Bytes) noexcept { return ::operator new(Bytes, std::nothrow); }
    static void operator delete(void* At) { ::operator delete(At); }
    CPtr Pml4() const { return Pml4_.Cap; }
    // Takes everything apart; the space stays as an empty shell. Idempotent.
    void Clear();

    // --- ranges (all page-rounded by the caller's rules; statuses as NT's)
    struct Placement {
        u64 Lowest = LowestUser, Highest = HighestUser;     // inclusive
        u64 Alignment = AllocationGranularity;
        bool TopDown = false;
    };
    Result<u64> FindFree(u64 Bytes, const Placement& Where);
    Vad* Find(u64 Address);             // the VAD around Address, or null
    Result<Vad*> Insert(u64 Start, u64 Bytes, Vad::Kinds Kind);     // STATUS_CONFLICTING_ADDRESSES
    void Remove(Vad& V);                // frees its pages, and the VAD
    Status Split(Vad& V, u64 At);       // placeholders and partial releases: V keeps [Start, At)
    bool IsFree(u64 Start, u64 End);
    Status Commit(Vad& V, u64 Start, u64 End, Protection P, bool Guard);
    Status Decommit(Vad& V, u64 Start, u64 End);
    // The old protection of the first page, in PAGE_* with modifiers.
    Result<u32> Protect(Vad& V, u64 Start, u64 End, Protection P, bool Guard);
    struct PageInfo {
        bool Committed;
        Protection Protect;
        bool Guard, Present, Private;
    };
    PageInfo Query(Vad& V, u64 Address);
    void QueryRun(u64 Address, MEMORY_BASIC_INFORMATION& Info);
    const Vector<Vad*>& Vads() const { return Vads_; }
    // --- write watch
    bool IsWritten(u64 Page);           // since it was last forgotten
    Status ForgetWritten(u64 Start, u64 End);
    // --- faults
    enum class Access : u8 { Read, Write, Execute };
    // Makes the page at Address accessible and mapped. STATUS_SUCCESS, or what the exception is to be:
    // STATUS_ACCESS_VIOLATION, STATUS_GUARD_PAGE_VIOLATION, STATUS_IN_PAGE_ERROR, STATUS_NO_MEMORY ...
    Status Fault(u64 Address, Access How);
    // The page at Address is about to be written to its file: the next write to it is noticed again.
    void NoticeWrites(u64 Address);
    // The page at Address of a view is absent (PageAbsent): what has to be read, at least that page, and at most Bytes from there.
    struct Missing {
        RefPtr<PageStore> Store;
        u64 First = 0, Pages = 0;
    };
    Missing FindMissing(u64 Address, u64 Bytes);
    // The Executive's address of the byte at Address for reading or writing; the page is made present (not mapped).
    Result<u8*> Touch(u64 Address, bool Write);
    // Puts a frame of the Executive's own at Address, read-only for the process (the shared page), or writable (TEB frames are ordinary memory).
    Status MapShared(u64 Address, Pfn Frame);
    // For a driver process: device memory, uncached, which the Executive itself does not see; and frames that lie one after the other, with a reference
    // for each, writable. Both at an address the space chooses; they stay until the process ends.
    // Of device memory the pages from FirstReadOnly up to EndReadOnly (physical addresses), and those that the Executive uses, cannot be written to.
    Result<u64> MapDevice(u64 PhysicalPage, u32 Pages, u64 FirstReadOnly = 0, u64 EndReadOnly = 0);
    Result<u64> MapContiguous(Pfn First, u32 Pages);
    // For copies of many pages: the entry of the page at Address and how many follow it in memory; null (and 1) if there is none.
    Pte* Entries(u64 Address, u64& Follow)
    {
        Pte* E = Address <= HighestUser ? Entry(Address) : nullptr;
        Follow = E ? (LeafSpan - (Address & (LeafSpan - 1)) + PageMask) >> PageShift : 1;
        return E;
    }
    // Whether the page of an entry can be read, or written, without ado. (Write: the caller then sets Written.)
    static bool IsReady(const Pte& E, bool Write)
    {
        const u64 Looked = std::bit_cast<u64>(Pte { .State = 3, .Guard = 1, .HasProtect = 1, .Clean = 1 });
        bool There = (std::bit_cast<u64>(E) & Looked) == std::bit_cast<u64>(Pte { .State = Pte::Present, .HasProtect = 1 });
        // Writable protections have bit 1, those that copy bit 0 too: a page that has been copied is the process' own.
        static_assert(u32(Protection::ReadWrite) == 2 && u32(Protection::WriteCopy) == 3 && u32(Protection::ExecuteReadWrite) == 6 && u32(Protection::ExecuteWriteCopy) == 7);
        return There && (Write ? (E.Protect & 2) && (!(E.Protect & 1) || E.Private) : E.Protect != u64(Protection::NoAccess));
    }
    // Frames of others, mapped at an address the space chooses until UnmapFrames of that address; the process cannot free or protect them.
    Result<u64> MapFrames(std::span<const Pfn> Frames, bool Writable);
    void UnmapFrames(u64 Address);
    // The frame at Address, mapped or not, after Touch.
    Result<Pfn> FrameAt(u64 Address);
    // A guard page was touched at Address in this space: whether it was the stack's and the stack has grown (set by ps).
    // STATUS_SUCCESS: go on; STATUS_STACK_OVERFLOW; STATUS_GUARD_PAGE_VIOLATION: not a stack.
    static Status (*GrowStack)(AddressSpace& Space, u64 Address);
    // The caller has made [Start, End) of this space guard pages: if they are in its stack, the stack ends above them (set by ps).
    static Status (*EndStack)(ke::Caller& By, AddressSpace& Space, u64 Start, u64 End);

    u32 PagedViews = 0;                 // only with some can a page be absent
    u64 PrivatePages = 0, PeakPrivatePages = 0, MappedPages = 0, ReservedBytes = 0, PageFaults = 0;

private:
    AddressSpace() = default;
    static constexpr u64 LeafSpan = 2 * MiB;
    struct Leaf {                       // 2 MiB of entries, and the page table that maps them
        u64 Base;
        Pte* Entries;
        KernelHandle Table;
        u32 Used;                       // entries that are not Default
    };
    struct Upper {
        u64 Base;
        KernelHandle Handle;
    };
    Result<Leaf*> LeafFor(u64 Address, bool Make);
    u64 NextLeaf(u64 Address);          // the base of the first leaf that ends behind Address, or ~0
    Pte* Entry(u64 Address);            // null if no leaf
    Result<Pte*> MakeEntry(u64 Address);
    Status MapInHardware(u64 Address, Pte& E, bool Writable, CPtr Device = 0);
    void UnmapInHardware(Pte& E);
    void FreePage(Vad& V, Pte& E);
    Status Resolve(Vad& V, u64 Address, Access How, Pte*& E);
    Status CopyPrivate(Pte& E);
    Status ResolvePaged(Vad& V, u64 Address, Access How, Protection P, Pte*& Out);
    void MapAhead(Vad& V, u64 Page);
    void Forget()
    {
        if (LastPage_ == ~u64(0))
            return;
        LastPage_ = ~u64(0);
        for (Recent& R : Recent_)
            R.Tag = ~u64(0);
    }
    Status ChargePrivate(u64 Pages);
    void ReturnPrivate(u64 Pages);
    void DropEmptyLeaves(u64 Start, u64 End);

    KernelHandle Pml4_;
    Vector<Vad*> Vads_;                 // by address
    Vector<Leaf> Leaves_;               // by base
    Vector<Upper> Directories_, Pdpts_;
    u32 LastLeaf_ = 0, EmptyLeaves_ = 0;
    u64 Hint_ = LowestUser;
    u64 NextFault_ = 0;                 // behind what the last faults mapped
    u32 Ahead_ = 0;                     // how many pages the last of them mapped besides its own
    // The page the Executive touched last.
    // The page the Executive touched last, and some before: a service touches a few (stack, status block, buffer), of two threads that talk by turns.
    u64 LastPage_ = ~u64(0);
    u8* LastAt_ = nullptr;
    bool LastWritable_ = false;
    struct Recent {
        u64 Tag = ~u64(0);              // the page's address, | 1 if it may be written
        u8* At = nullptr;
    };
    static constexpr u32 RecentPages = 8;
    Recent& RecentOf(u64 Page) { return Recent_[(Page >> 12 ^ Page >> 16 ^ Page >> 20) % RecentPages]; }
    u8* Remember(u64 Page, u8* At, bool Writable)
    {
        LastPage_ = Page;
        LastAt_ = At;
        LastWritable_ = Writable;
        RecentOf(Page) = { Page | Writable, At };
        return At;
    }
    Recent Recent_[RecentPages];
};

}
