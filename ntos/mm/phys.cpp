// Physical pages: the PFN database, cutting untyped memory, the window, runs.
#include "ntos/mm/phys.hpp"

#include <string.h>

#include "kernel/kernel.hpp"
#include "ntos/mm/paging.hpp"
#include "ntos/mm/slots.hpp"

namespace mm {

using kernel::Failed;
using kernel::ObjectType;
using namespace nt;

// Where things are in the Executive's own address space (the image is placed by the linker, and the window around it:
// image address - image physical address, so that the image's pages are in their window place already).
static constexpr u64 PfnBase = 0x1100'0000'0000, RunBase = 0x1300'0000'0000;

static PfnEntry* const Database = reinterpret_cast<PfnEntry*>(PfnBase);
static const kernel::BootInfo* Boot;
static u64 WindowBase;
static Pfn DatabaseEnd, FirstImagePfn, EndImagePfn;

// One boot untyped, cut from the front; Next is the kernel's watermark.
struct Region {
    CPtr Cap;
    u64 Next, End;
};
static Region Regions[256];
static u32 RegionCount;

struct PageList {
    Pfn Head = NoPfn;
    u32 Count = 0;
    void Push(Pfn P, PageState State)
    {
        Database[P].Next = Head;
        Database[P].State = State;
        Head = P;
        ++Count;
    }
    void Remove(Pfn First, Pfn End)
    {
        for (Pfn* At = &Head; *At != NoPfn;) {
            if (*At < First || *At >= End) {
                At = &Database[*At].Next;
                continue;
            }
            *At = Database[*At].Next;
            --Count;
        }
    }
    Pfn Pop()
    {
        Pfn P = Head;
        if (P != NoPfn) {
            Head = Database[P].Next;
            --Count;
        }
        return P;
    }
};
static constinit PageList FreeUntyped, FreeFrames, ZeroFrames;
// Window places that are taken: these pages never become frames.
static struct {
    Pfn First, End;
} Blocked;
static u64 TotalPages, UncutPages, ObjectPages, FramesInUse, Committed;

PfnEntry& EntryOf(Pfn Frame)
{
    ASSERT(Frame < DatabaseEnd);
    return Database[Frame];
}

CPtr FrameCapability(Pfn Frame)
{
    u32 Slot = Database[Frame].Slot;
    return Slot ? Slot + FrameSlotOffset : Boot->FirstImageFrame + (Frame - FirstImagePfn);
}

CPtr TakeClientCopy(Pfn Frame)
{
    PfnEntry& E = Database[Frame];
    if (!E.Slot || E.ClientCopyTaken)
        return 0;
    CPtr Cap = E.Slot + ClientSlotOffset;
    if (!E.HasClientCopy) {
        if (Failed(kernel::Copy(Cap, E.Slot + FrameSlotOffset, kernel::ReadWrite)))
            return 0;
        E.HasClientCopy = true;
    }
    E.ClientCopyTaken = true;
    return Cap;
}

bool ReturnClientCopy(Pfn Frame, CPtr Cap)
{
    PfnEntry& E = Database[Frame];
    if (!E.ClientCopyTaken || Cap != E.Slot + ClientSlotOffset)
        return false;
    E.ClientCopyTaken = false;
    return true;
}

bool IsMemoryPlentiful()
{
    constexpr u64 Many = 4096;
    return UncutPages + FreeUntyped.Count + FreeFrames.Count + ZeroFrames.Count + ReclaimablePages() > Many;
}

u8* PageAddress(Pfn Frame)
{
    return reinterpret_cast<u8*>(WindowBase + (u64(Frame) << PageShift));
}

Pfn FrameOf(const void* WindowAddress)
{
    return Pfn((reinterpret_cast<u64>(WindowAddress) - WindowBase) >> PageShift);
}

u64 PhysicalAddress(const void* WindowAddress)
{
    return reinterpret_cast<u64>(WindowAddress) - WindowBase;
}

// --- the Executive's own mappings

// Adds the missing page table (and what is above it) for Address. Tables of the Executive stay for ever.
static Status AddOwnTable(u64 Address)
{
    static constexpr struct {
        ObjectType Type;
        kernel::Error (*Map)(CPtr, CPtr, u64);
    } Levels[] = { { ObjectType::PageTable, kernel::MapPageTable }, { ObjectType::PageDirectory, kernel::MapPageDirectory }, { ObjectType::Pdpt, kernel::MapPdpt } };
    Pfn Page = TRY(TakeUntyped());
    CPtr Cap = TRY(AllocateSlot());
    for (auto& Level : Levels) {
        if (Failed(kernel::Retype(Database[Page].Slot, Level.Type, 0, Cap, 1)))
            break;
        kernel::Error E = Level.Map(Cap, kernel::boot::Pml4, Address);
        if (!Failed(E))
            return STATUS_SUCCESS;
        if (Failed(kernel::Delete(Cap)) || E != kernel::Error::FailedLookup)
            break;
    }
    FreeSlot(Cap);
    ReturnUntyped(Page);
    return STATUS_NO_MEMORY;
}

Status MapOwn(CPtr Frame, u64 Address, bool Cached)
{
    for (u32 Try = 0; Try < 4; ++Try) {
        kernel::Error E = kernel::MapPage(Frame, kernel::boot::Pml4, Address, { .Writable = true, .Cached = Cached });
        if (!Failed(E))
            return STATUS_SUCCESS;
        if (E != kernel::Error::FailedLookup)
            return STATUS_NO_MEMORY;
        TRY(AddOwnTable(Address));
    }
    return STATUS_NO_MEMORY;
}

// --- cutting

// Cuts up to 512 pages, not across a 2 MiB boundary, from the front of R; all go to the free list.
static Status Cut(Region& R)
{
    TRY(EnsureSlots(SlotsPerCut));
    u64 End = AlignDown(R.Next, 2 * MiB) + 2 * MiB;
    if (End > R.End)
        End = R.End;
    u32 Pages = u32((End - R.Next) >> PageShift);
    if (Pages == 0)
        return STATUS_NO_MEMORY;
    CPtr First = TakeSlotRange(SlotsPerCut);
    for (u32 Done = 0; Done < Pages;) {
        u32 Now = Pages - Done < 256 ? Pages - Done : 256;
        if (Failed(kernel::Retype(R.Cap, ObjectType::Untyped, PageShift, First + Done, Now))) {
            // One of the small untypeds that kernel::Start took something from.
            u64 Lost = (R.End - R.Next) >> PageShift;
            UncutPages -= Lost;
            TotalPages -= Lost;
            R.Next = R.End;
            return STATUS_NO_MEMORY;
        }
        Done += Now;
    }
    Pfn Base = Pfn(R.Next >> PageShift);
    // Pushed backwards, so that pages are used in address order.
    for (u32 I = Pages; I-- > 0;) {
        if (Base + I >= Blocked.First && Base + I < Blocked.End) {
            --TotalPages;
            continue;
        }
        Database[Base + I].Slot = u32(First + I);
        FreeUntyped.Push(Base + I, PageState::Untyped);
    }
    R.Next = End;
    UncutPages -= Pages;
    return STATUS_SUCCESS;
}

Result<CPtr> TakeLargeUntyped()
{
    for (u32 I = 0; I < RegionCount; ++I) {
        Region& R = Regions[I];
        u64 At = AlignUp(R.Next, 2 * MiB);
        if (At + 2 * MiB > R.End)
            continue;
        if (R.Next < At)
            TRY(Cut(R));                // up to the boundary
        CPtr Cap = TakeSlotRange(1);
        if (Failed(kernel::Retype(R.Cap, ObjectType::Untyped, 21, Cap, 1)))
            return STATUS_NO_MEMORY;
        R.Next += 2 * MiB;
        UncutPages -= 512;
        ObjectPages += 512;
        return Cap;
    }
    return STATUS_NO_MEMORY;
}

Result<Pfn> TakeUntyped()
{
    Pfn Page = FreeUntyped.Pop();
    for (u32 I = 0; Page == NoPfn && I < RegionCount; ++I)
        if (Regions[I].Next < Regions[I].End && Cut(Regions[I]).Ok())
            Page = FreeUntyped.Pop();
    if (Page == NoPfn) {
        // Turn a free frame back, one of a cached page if need be.
        constexpr u64 AtOnce = 64;
        if (FreeFrames.Count + ZeroFrames.Count == 0)
            (void)ReclaimPages(AtOnce);
        // Pages of the boot image have no untyped and stay frames.
        for (PageList* List : { &FreeFrames, &ZeroFrames }) {
            Pfn Kept = NoPfn;
            PageList Rest;
            PageState State = List == &FreeFrames ? PageState::FreeFrame : PageState::ZeroFrame;
            while ((Kept = List->Pop()) != NoPfn && !Database[Kept].Slot)
                Rest.Push(Kept, State);
            while (Pfn P = Rest.Pop())
                List->Push(P, State);
            if (Kept != NoPfn) {
                PfnEntry& E = Database[Kept];
                ASSERT(!E.ClientCopyTaken);
                if ((E.HasClientCopy && Failed(kernel::Delete(E.Slot + ClientSlotOffset))) || Failed(kernel::Delete(E.Slot + FrameSlotOffset)))
                    return STATUS_NO_MEMORY;
                E.HasClientCopy = false;
                Page = Kept;
                break;
            }
        }
    }
    if (Page == NoPfn)
        return STATUS_NO_MEMORY;
    Database[Page].State = PageState::Objects;
    ++ObjectPages;
    return Page;
}

void ReturnUntyped(Pfn Page)
{
    --ObjectPages;
    FreeUntyped.Push(Page, PageState::Untyped);
}

CPtr UntypedOf(Pfn Page)
{
    return Database[Page].Slot;
}

// --- frames

Result<Pfn> AllocateFrame(bool Zeroed)
{
    Pfn Page = Zeroed ? ZeroFrames.Pop() : FreeFrames.Pop();
    if (Page == NoPfn)
        Page = Zeroed ? FreeFrames.Pop() : ZeroFrames.Pop();
    if (Page != NoPfn) {
        if (Zeroed && Database[Page].State == PageState::FreeFrame)
            ZeroPage(PageAddress(Page));
    } else {
        Page = TRY(TakeUntyped());
        CPtr Frame = Database[Page].Slot + FrameSlotOffset;
        if (Failed(kernel::Retype(Database[Page].Slot, ObjectType::Page, 0, Frame, 1))) {
            ReturnUntyped(Page);
            return STATUS_NO_MEMORY;
        }
        if (Status S = MapOwn(Frame, WindowBase + (u64(Page) << PageShift)); !S.Ok()) {
            kernel::Error Ignored = kernel::Delete(Frame);
            (void)Ignored;
            ReturnUntyped(Page);
            return S;
        }
        --ObjectPages;
    }
    Database[Page].State = PageState::Frame;
    Database[Page].References = 1;
    ++FramesInUse;
    return Page;
}

void ReferenceFrame(Pfn Frame)
{
    ++EntryOf(Frame).References;
}

void ReleaseFrame(Pfn Frame)
{
    PfnEntry& E = EntryOf(Frame);
    ASSERT(E.State == PageState::Frame && E.References > 0);
    if (--E.References)
        return;
    --FramesInUse;
    FreeFrames.Push(Frame, PageState::FreeFrame);
}

Result<u8*> AllocatePage()
{
    return PageAddress(TRY(AllocateFrame()));
}

void FreePage(u8* Page)
{
    ReleaseFrame(FrameOf(Page));
}

void ZeroPage(u8* Page)
{
    memset(Page, 0, PageSize);
}

// Free frames that lie together.
static Pfn TakeFreeRun(u32 Pages)
{
    auto IsFree = [](Pfn P) { return Database[P].State == PageState::FreeFrame || Database[P].State == PageState::ZeroFrame; };
    u32 Found = 0;
    for (Pfn P = 0; P < DatabaseEnd; ++P) {
        Found = IsFree(P) ? Found + 1 : 0;
        if (Found < Pages)
            continue;
        Pfn First = P + 1 - Pages;
        FreeFrames.Remove(First, P + 1);
        ZeroFrames.Remove(First, P + 1);
        return First;
    }
    return NoPfn;
}

Result<Pfn> TakeRun(u32 Pages)
{
    for (u32 I = 0; I < RegionCount; ++I) {
        Region& R = Regions[I];
        // Tables for the window and slots may themselves cut from R: get them first, then look where R stands.
        while (R.Next < R.End) {
            TRY(EnsureSlots(SlotsPerCut));
            u64 Start = R.Next;
            u64 End = AlignDown(Start, 2 * MiB) + 2 * MiB;
            if (End > R.End)
                End = R.End;
            u32 Before = FreeUntyped.Count;
            if (!Cut(R).Ok())
                break;
            if (FreeUntyped.Count - Before != (End - Start) >> PageShift || FreeUntyped.Count - Before < Pages)
                continue;               // too small, or with pages that cannot be frames
            // The pages just cut are on top of the free list, in order; a table page for the window is the first after them.
            Pfn First = Pfn(Start >> PageShift);
            for (u32 J = 0; J < Pages; ++J) {
                Pfn P = FreeUntyped.Pop();
                ASSERT(P == First + J);
                Database[P].State = PageState::Objects;
                ++ObjectPages;
            }
            for (u32 J = 0; J < Pages; ++J) {
                Pfn P = First + J;
                CPtr Frame = Database[P].Slot + FrameSlotOffset;
                if (Failed(kernel::Retype(Database[P].Slot, ObjectType::Page, 0, Frame, 1)))
                    return STATUS_NO_MEMORY;
                TRY(MapOwn(Frame, WindowBase + (u64(P) << PageShift)));
                --ObjectPages;
                ++FramesInUse;
                Database[P].State = PageState::Frame;
                Database[P].References = 1;
            }
            return First;
        }
    }
    Pfn First = TakeFreeRun(Pages);
    if (First == NoPfn)
        return STATUS_NO_MEMORY;
    for (Pfn P = First; P < First + Pages; ++P) {
        Database[P].State = PageState::Frame;
        Database[P].References = 1;
        ++FramesInUse;
    }
    return First;
}

// --- runs: blocks of the Executive larger than a page; contiguous addresses, pages from anywhere

static constexpr u32 RunClasses = 20;       // 2^k pages, up to 2 GiB
static u64 NextRun = RunBase;
static u64 FreeRunHead[RunClasses];         // addresses; the link is in the Pfn entries' place: a small side table
static constexpr u32 MaxFreeRuns = 4096;
static struct {
    u64 Address;
    u32 Next;
} FreeRuns[MaxFreeRuns];
static u32 FreeRunsUsed, FreeRunSpare;

static u32 RunClass(usize Pages)
{
    u32 K = 0;
    while ((usize(1) << K) < Pages)
        ++K;
    return K;
}

Result<u8*> AllocateRun(usize Pages, u32* Frames)
{
    u32 K = RunClass(Pages);
    if (K >= RunClasses)
        return STATUS_NO_MEMORY;
    u64 Address;
    if (u32 Free = u32(FreeRunHead[K])) {
        Address = FreeRuns[Free].Address;
        FreeRunHead[K] = FreeRuns[Free].Next;
        FreeRuns[Free].Next = FreeRunSpare;
        FreeRunSpare = Free;
    } else {
        Address = NextRun;
        NextRun += PageSize << K;
    }
    for (usize I = 0; I < Pages; ++I) {
        Status S = STATUS_SUCCESS;
        auto Page = TakeUntyped();
        if (!Page.Ok()) {
            S = Page.GetStatus();
        } else {
            Pfn P = Page.Value();
            CPtr Frame = Database[P].Slot + FrameSlotOffset;
            if (Failed(kernel::Retype(Database[P].Slot, ObjectType::Page, 0, Frame, 1))) {
                ReturnUntyped(P);
                S = STATUS_NO_MEMORY;
            } else if (S = MapOwn(Frame, Address + (I << PageShift)); !S.Ok()) {
                kernel::Error Ignored = kernel::Delete(Frame);
                (void)Ignored;
                ReturnUntyped(P);
            } else {
                Database[P].State = PageState::Run;
                Frames[I] = P;
            }
        }
        if (!S.Ok()) {
            FreeRun(reinterpret_cast<u8*>(Address), Pages, I, Frames);
            return S;
        }
    }
    return reinterpret_cast<u8*>(Address);
}

void FreeRun(u8* Address, usize Pages, usize Mapped, const u32* Frames)
{
    for (usize I = 0; I < Mapped; ++I) {
        kernel::Error E = kernel::Delete(FrameCapability(Frames[I]));
        ASSERT(!Failed(E));
        ReturnUntyped(Frames[I]);
    }
    u32 Entry = FreeRunSpare;
    if (Entry)
        FreeRunSpare = FreeRuns[Entry].Next;
    else if (FreeRunsUsed + 1 < MaxFreeRuns)
        Entry = ++FreeRunsUsed;
    else
        return;                         // the addresses are lost, the memory is not
    u32 K = RunClass(Pages);
    FreeRuns[Entry] = { reinterpret_cast<u64>(Address), u32(FreeRunHead[K]) };
    FreeRunHead[K] = Entry;
}

// --- accounting

static u64 CommitLimit()
{
    u64 Reserve = TotalPages / 16 + 256;        // for page tables and the Executive itself
    return TotalPages > Reserve ? TotalPages - Reserve : 0;
}

Status ChargeCommit(u64 Pages)
{
    if (Pages > CommitLimit() - Committed) [[unlikely]] {
        // Cached pages of files make room.
        constexpr u64 AtOnce = 64;
        u64 Missing = Pages - (CommitLimit() - Committed);
        if (Missing > ReclaimablePages())
            return STATUS_COMMITMENT_LIMIT;
        (void)ReclaimPages(Missing + AtOnce);
        if (Pages > CommitLimit() - Committed)
            return STATUS_COMMITMENT_LIMIT;
    }
    Committed += Pages;
    return STATUS_SUCCESS;
}

void ReturnCommit(u64 Pages)
{
    ASSERT(Pages <= Committed);
    Committed -= Pages;
}

MemoryInfo QueryMemory()
{
    return { .TotalPages = TotalPages,
             .FreePages = UncutPages + FreeUntyped.Count + FreeFrames.Count + ZeroFrames.Count,
             .CommittedPages = Committed,
             .CommitLimit = CommitLimit(),
             .KernelObjectPages = ObjectPages,
             .FramePages = FramesInUse,
             .CapabilitySlots = SlotsInUse(),
             .KernelObjects = ObjectsAlive(),
             .CachedPages = ReclaimablePages() };
}

// --- start

// A 4 KiB object straight from a region, before there is a database to account it in.
static Result<CPtr> BootObject(Region& R, ObjectType Type)
{
    if (R.Next >= R.End)
        return STATUS_NO_MEMORY;
    CPtr Cap = TakeSlotRange(1);
    if (Failed(kernel::Retype(R.Cap, Type, 0, Cap, 1)))
        return STATUS_NO_MEMORY;
    R.Next += PageSize;
    return Cap;
}

static Status BootMap(Region& R, u64 Address)
{
    CPtr Frame = TRY(BootObject(R, ObjectType::Page));
    for (u32 Try = 0; Try < 4; ++Try) {
        if (!Failed(kernel::MapPage(Frame, kernel::boot::Pml4, Address, { .Writable = true })))
            return STATUS_SUCCESS;
        CPtr Pdpt, Directory, Table = TRY(BootObject(R, ObjectType::PageTable));
        if (!Failed(kernel::MapPageTable(Table, kernel::boot::Pml4, Address)))
            continue;
        Directory = TRY(BootObject(R, ObjectType::PageDirectory));
        if (Failed(kernel::MapPageDirectory(Directory, kernel::boot::Pml4, Address))) {
            Pdpt = TRY(BootObject(R, ObjectType::Pdpt));
            if (Failed(kernel::MapPdpt(Pdpt, kernel::boot::Pml4, Address)) || Failed(kernel::MapPageDirectory(Directory, kernel::boot::Pml4, Address)))
                return STATUS_NO_MEMORY;
        }
        if (Failed(kernel::MapPageTable(Table, kernel::boot::Pml4, Address)))
            return STATUS_NO_MEMORY;
    }
    return STATUS_NO_MEMORY;
}

Status Initialize(const kernel::BootInfo& Info)
{
    Boot = &Info;
    WindowBase = Info.ImageAddress - Info.ImagePhysical;
    FirstImagePfn = Pfn(Info.ImagePhysical >> PageShift);
    EndImagePfn = FirstImagePfn + Pfn(Info.ImageFrames);
    StartSlots(Info.FirstFreeSlot, Info.EndFreeSlot);

    u64 Top = u64(EndImagePfn) << PageShift;
    Region* Largest = nullptr;
    for (u32 I = 0; I < Info.UntypedCount; ++I) {
        const kernel::UntypedInfo& U = Info.Untyped[I];
        if (U.SizeBits < PageShift)
            continue;
        u64 End = U.Physical + (u64(1) << U.SizeBits);
        if (U.IsDevice) {
            AddDeviceRegion(U.Cap, U.Physical, End);
            continue;
        }
        // Pfn 0 means none; the database ends at 2^32 pages.
        if (U.Physical == 0 || End > u64(1) << 43)
            continue;
        Regions[RegionCount++] = { U.Cap, U.Physical, End };
        if (End > Top)
            Top = End;
    }
    for (u32 I = 0; I < RegionCount; ++I)
        if (!Largest || Regions[I].End - Regions[I].Next > Largest->End - Largest->Next)
            Largest = &Regions[I];
    if (!Largest)
        return STATUS_NO_MEMORY;

    DatabaseEnd = Pfn(Top >> PageShift);
    for (u64 At = PfnBase; At < PfnBase + u64(DatabaseEnd) * sizeof(PfnEntry); At += PageSize)
        TRY(BootMap(*Largest, At));
    for (u32 I = 0; I < RegionCount; ++I)
        UncutPages += (Regions[I].End - Regions[I].Next) >> PageShift;
    TotalPages = UncutPages;
    for (Pfn P = FirstImagePfn; P < EndImagePfn; ++P)
        Database[P] = { .Next = 0, .Slot = 0, .References = 1, .State = PageState::Frame };

    // The kernel put the boot information and the IPC buffer at the addresses right after the image: the physical pages
    // whose window place that is can only hold kernel objects.
    Blocked = { EndImagePfn, EndImagePfn + 16 };
    return STATUS_SUCCESS;
}

}
