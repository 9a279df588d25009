#include "ntos/mm/store.hpp"

#include <string.h>

#include "ntos/mm/access.hpp"
#include "ntos/mm/paging.hpp"
#include "ntos/mm/phys.hpp"

namespace mm {

using namespace nt;

Result<Ref<PageStore>> PageStore::Create()
{
    PageStore* S = new (std::nothrow) PageStore;
    if (!S)
        return STATUS_INSUFFICIENT_RESOURCES;
    return Ref<PageStore>::Adopt(*S);
}

static void* Untagged(void* Node)
{
    return reinterpret_cast<void*>(reinterpret_cast<u64>(Node) & ~PageMask);
}

PageStore::~PageStore()
{
    if (Top_ && !FreeFrom(Top_, Levels_, 0, 0))
        ASSERT(!"a page store keeps pages");
    if (Top_)
        FreePage(static_cast<u8*>(Top_));
    EndPaging();
}

// Index bits below an entry of a node at Level (leaves are level 1: an entry is a page).
static constexpr u32 BitsBelow(u32 Level, u32 LeafShift, u32 NodeShift)
{
    return Level < 2 ? 0 : LeafShift + (Level - 2) * NodeShift;
}

Result<Pfn*> PageStore::Entry(u64 Index, bool Make)
{
    if (Index >= u64(1) << 40)
        return STATUS_DISK_FULL;
    while (Levels_ == 0 || Index >> BitsBelow(Levels_ + 1, LeafShift, NodeShift)) {
        if (!Make)
            return static_cast<Pfn*>(nullptr);
        u8* Node = TRY(AllocatePage());
        if (Top_)
            reinterpret_cast<u64*>(Node)[0] = reinterpret_cast<u64>(Top_) | HasDirty();
        Top_ = Node;
        ++Levels_;
    }
    void* At = Top_;
    for (u32 Level = Levels_, Shift = BitsBelow(Level, LeafShift, NodeShift); Level > 1; --Level, Shift -= NodeShift) {
        void*& Below = static_cast<void**>(At)[Index >> Shift & (NodeFan - 1)];
        if (!Below) {
            if (!Make)
                return static_cast<Pfn*>(nullptr);
            Below = TRY(AllocatePage());
        }
        At = Untagged(Below);
        if (Level == 2)
            break;
    }
    return static_cast<Pfn*>(At) + (Index & (LeafFan - 1));
}

Pfn* PageStore::Lookup(u64 Index, u64& Follow)
{
    u32 Shift = BitsBelow(Levels_ + 1, LeafShift, NodeShift);
    if (Levels_ == 0 || Index >> Shift) {
        Follow = ~u64(0) - Index;
        return nullptr;
    }
    void* At = Top_;
    for (u32 Level = Levels_; Level > 1; --Level) {
        Shift = BitsBelow(Level, LeafShift, NodeShift);
        At = Untagged(static_cast<void**>(At)[Index >> Shift & (NodeFan - 1)]);
        if (!At) {
            Follow = (u64(1) << Shift) - (Index & ((u64(1) << Shift) - 1));
            return nullptr;
        }
    }
    Follow = LeafFan - (Index & (LeafFan - 1));
    return static_cast<Pfn*>(At) + (Index & (LeafFan - 1));
}

bool PageStore::FreeFrom(void* At, u32 Level, u64 Base, u64 From)
{
    bool Empty = true;
    if (Level == 1) {
        Pfn* Leaf = static_cast<Pfn*>(At);
        for (u32 I = 0; I < LeafFan; ++I) {
            if (Leaf[I] == NoPfn)
                continue;
            if (Base + I >= From)
                Forget(Leaf[I]);
            else
                Empty = false;
        }
        return Empty;
    }
    void** Node = static_cast<void**>(At);
    u64 S = u64(1) << BitsBelow(Level, LeafShift, NodeShift);
    for (u32 I = 0; I < NodeFan; ++I) {
        if (!Node[I])
            continue;
        // Depth is at most 5: 1024 * 512^4 pages.
        if (Base + (I + 1) * S <= From || !FreeFrom(Untagged(Node[I]), Level - 1, Base + I * S, From)) {
            Empty = false;
        } else {
            FreePage(static_cast<u8*>(Untagged(Node[I])));
            Node[I] = nullptr;
        }
    }
    return Empty;
}

// Another frame for the store, charged.
Result<Pfn> PageStore::NewFrame(bool Zeroed)
{
    TRY(ChargeCommit(1));
    auto Frame = AllocateFrame(Zeroed);
    if (!Frame.Ok())
        ReturnCommit(1);
    return Frame;
}

Result<Pfn> PageStore::PageFrame(u64 Index, bool Make)
{
    if (Paging_) [[unlikely]]
        return PagedFrame(Index, Make);
    Pfn* Word = TRY(Entry(Index, Make));
    if (!Word)
        return Result<Pfn>(u32(NoPfn));
    if (*Word == NoPfn && Make) {
        *Word = TRY(NewFrame(true));
        ++PageCount_;
    }
    return Result<Pfn>(u32(*Word));
}

Result<u8*> PageStore::Page(u64 Index, bool Make)
{
    Pfn Frame = TRY(PageFrame(Index, Make));
    return Frame == NoPfn ? static_cast<u8*>(nullptr) : PageAddress(Frame);
}

Status PageStore::AdoptBootPage(u64 Index, Pfn Frame)
{
    Pfn* Word = TRY(Entry(Index, true));
    if (*Word != NoPfn)
        return STATUS_CONFLICTING_ADDRESSES;
    TRY(ChargeCommit(1));
    *Word = Frame;
    ++PageCount_;
    return STATUS_SUCCESS;
}

Status PageStore::Read(u64 Offset, void* To, usize Bytes)
{
    u8* Out = static_cast<u8*>(To);
    while (Bytes) {
        usize Now = PageSize - (Offset & PageMask);
        if (Now > Bytes)
            Now = Bytes;
        u8* From = TRY(Page(Offset >> PageShift, false));
        if (From)
            memcpy(Out, From + (Offset & PageMask), Now);
        else
            memset(Out, 0, Now);
        Out += Now;
        Offset += Now;
        Bytes -= Now;
    }
    return STATUS_SUCCESS;
}

Status PageStore::Write(u64 Offset, const void* From, usize Bytes)
{
    const u8* In = static_cast<const u8*>(From);
    while (Bytes) {
        usize Now = PageSize - (Offset & PageMask);
        if (Now > Bytes)
            Now = Bytes;
        u8* To = TRY(Page(Offset >> PageShift, true));
        memcpy(To + (Offset & PageMask), In, Now);
        if (Paging_)
            MarkDirty(Offset >> PageShift);
        In += Now;
        Offset += Now;
        Bytes -= Now;
    }
    return STATUS_SUCCESS;
}

Status PageStore::Zero(u64 Offset, u64 Bytes)
{
    while (Bytes) {
        u64 Now = PageSize - (Offset & PageMask);
        if (Now > Bytes)
            Now = Bytes;
        u64 Follow;
        Pfn* Word = Lookup(Offset >> PageShift, Follow);
        if (!Word) {                    // nothing there for a while
            u64 Skip = Follow >= u64(1) << 50 ? Bytes : (Follow << PageShift) - (Offset & PageMask);
            Now = Skip < Bytes ? Skip : Bytes;
        } else if (word::IsValid(*Word)) {
            memset(PageAddress(*Word & word::Frame) + (Offset & PageMask), 0, Now);
            if (Paging_)
                MarkDirty(Offset >> PageShift);
        }
        Offset += Now;
        Bytes -= Now;
    }
    return STATUS_SUCCESS;
}

Status PageStore::Truncate(u64 Size)
{
    if (Mappings > SystemViews || ImageMappings)
        return STATUS_USER_MAPPED_FILE;
    // (The rest of the last page is no change of the file's data: it is not dirty for that.)
    u64 Follow;
    Pfn* Last = Size & PageMask ? Lookup(Size >> PageShift, Follow) : nullptr;
    if (Last && word::IsValid(*Last))
        memset(PageAddress(*Last & word::Frame) + (Size & PageMask), 0, PageSize - (Size & PageMask));
    if (Top_)
        (void)FreeFrom(Top_, Levels_, 0, (Size + PageMask) >> PageShift);
    return STATUS_SUCCESS;
}

}
