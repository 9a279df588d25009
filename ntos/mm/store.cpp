#include "ntos/mm/store.hpp"

#include <string.h>

#include "ntos/mm/access.hpp"
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

PageStore::~PageStore()
{
    if (Top_ && !FreeFrom(Top_, Levels_, 0, 0))
        ASSERT(!"a page store keeps pages");
    if (Top_)
        FreePage(static_cast<u8*>(Top_));
}

// Pages below one entry of a node at Level (leaves are level 1: an entry is a page).
static u64 Span(u32 Level)
{
    u64 S = 1;
    for (u32 I = 1; I < Level; ++I)
        S *= I == 1 ? 1024 : 512;
    return S;
}

Result<Pfn*> PageStore::Entry(u64 Index, bool Make)
{
    if (Index >= u64(1) << 40)
        return STATUS_DISK_FULL;
    while (Levels_ == 0 || Index >= Span(Levels_ + 1)) {
        if (!Make)
            return static_cast<Pfn*>(nullptr);
        u8* Node = TRY(AllocatePage());
        if (Top_)
            reinterpret_cast<void**>(Node)[0] = Top_;
        Top_ = Node;
        ++Levels_;
    }
    void* At = Top_;
    for (u32 Level = Levels_; Level > 1; --Level) {
        u64 S = Span(Level);
        void*& Below = static_cast<void**>(At)[Index / S];
        Index %= S;
        if (!Below) {
            if (!Make)
                return static_cast<Pfn*>(nullptr);
            Below = TRY(AllocatePage());
        }
        At = Below;
    }
    return static_cast<Pfn*>(At) + Index;
}

bool PageStore::FreeFrom(void* At, u32 Level, u64 Base, u64 From)
{
    bool Empty = true;
    if (Level == 1) {
        Pfn* Leaf = static_cast<Pfn*>(At);
        for (u32 I = 0; I < LeafFan; ++I) {
            if (Leaf[I] == NoPfn)
                continue;
            if (Base + I >= From) {
                ReleaseFrame(Leaf[I]);
                ReturnCommit(1);
                Leaf[I] = NoPfn;
                --PageCount_;
            } else {
                Empty = false;
            }
        }
        return Empty;
    }
    void** Node = static_cast<void**>(At);
    u64 S = Span(Level);
    for (u32 I = 0; I < NodeFan; ++I) {
        if (!Node[I])
            continue;
        // Depth is at most 5: 1024 * 512^4 pages.
        if (Base + (I + 1) * S <= From || !FreeFrom(Node[I], Level - 1, Base + I * S, From)) {
            Empty = false;
        } else {
            FreePage(static_cast<u8*>(Node[I]));
            Node[I] = nullptr;
        }
    }
    return Empty;
}

Result<Pfn> PageStore::PageFrame(u64 Index, bool Make)
{
    Pfn* Word = TRY(Entry(Index, Make));
    if (!Word)
        return Result<Pfn>(u32(NoPfn));
    if (*Word == NoPfn && Make) {
        TRY(ChargeCommit(1));
        auto Frame = AllocateFrame();
        if (!Frame.Ok()) {
            ReturnCommit(1);
            return Frame.GetStatus();
        }
        *Word = Frame.Value();
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
        In += Now;
        Offset += Now;
        Bytes -= Now;
    }
    return STATUS_SUCCESS;
}

Status PageStore::ReadToUser(u64 Offset, ps::Process& To, u64 Address, usize Bytes, usize& Done)
{
    for (Done = 0; Done < Bytes;) {
        usize Now = PageSize - (Offset & PageMask);
        if (Now > Bytes - Done)
            Now = Bytes - Done;
        u8* From = TRY(Page(Offset >> PageShift, false));
        if (From)
            TRY(CopyToUser(To, Address + Done, From + (Offset & PageMask), Now));
        else
            TRY(ZeroUser(To, Address + Done, Now));
        Done += Now;
        Offset += Now;
    }
    return STATUS_SUCCESS;
}

Status PageStore::WriteFromUser(u64 Offset, ps::Process& From, u64 Address, usize Bytes, usize& Done)
{
    for (Done = 0; Done < Bytes;) {
        usize Now = PageSize - (Offset & PageMask);
        if (Now > Bytes - Done)
            Now = Bytes - Done;
        u8* To = TRY(Page(Offset >> PageShift, true));
        TRY(CopyFromUser(From, To + (Offset & PageMask), Address + Done, Now));
        Done += Now;
        Offset += Now;
    }
    return STATUS_SUCCESS;
}

Status PageStore::Zero(u64 Offset, u64 Bytes)
{
    while (Bytes) {
        u64 Now = PageSize - (Offset & PageMask);
        if (Now > Bytes)
            Now = Bytes;
        if (u8* To = TRY(Page(Offset >> PageShift, false)))
            memset(To + (Offset & PageMask), 0, Now);
        Offset += Now;
        Bytes -= Now;
    }
    return STATUS_SUCCESS;
}

Status PageStore::Truncate(u64 Size)
{
    if (Mappings || ImageMappings)
        return STATUS_USER_MAPPED_FILE;
    if (Size & PageMask)
        TRY(Zero(Size, PageSize - (Size & PageMask)));
    if (Top_)
        (void)FreeFrom(Top_, Levels_, 0, (Size + PageMask) >> PageShift);
    return STATUS_SUCCESS;
}

}
