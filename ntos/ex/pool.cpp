#include "ntos/ex/pool.hpp"

#include <string.h>

#include "ntos/ex/ex.hpp"
#include "ntos/mm/phys.hpp"
#include "ntos/mm/slots.hpp"

namespace ex {

namespace {

constexpr usize Head = 32;
constexpr u16 Sizes[] = { 16, 32, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 672, 800, 1008, 1344, pool::LargestSlot };
constexpr u32 SizeCount = sizeof(Sizes) / sizeof(Sizes[0]);

// The smallest class for a size in units of 16 bytes, rounded up; how many slots a page of each class has.
struct ClassTables {
    u8 Of[pool::LargestSlot / 16 + 1];
    u16 Slots[SizeCount];
    constexpr ClassTables() : Of(), Slots()
    {
        u8 C = 0;
        for (u32 Units = 0; Units <= pool::LargestSlot / 16; ++Units) {
            while (Sizes[C] < Units * 16)
                ++C;
            Of[Units] = C;
        }
        for (u32 I = 0; I < SizeCount; ++I)
            Slots[I] = u16((PageSize - Head) / Sizes[I]);
    }
};
constexpr ClassTables Classes;

#ifdef NDEBUG
constexpr bool Poison = false;
#else
constexpr bool Poison = true;
#endif

constexpr u32 SlotMagic = 0x746F6C53, RunMagic = 0x6E755252;

struct SlotPage {
    u32 Magic;
    u8 Class, Pad;
    u16 Used;                           // slots handed out
    u16 Fresh;                          // slots from this one on were never handed out
    u16 Free;                           // offset of the slot freed last, 0: none; its first two bytes are the next one's
    u32 Pad2;
    SlotPage *Next, *Previous;          // of the pages with room
};
static_assert(sizeof(SlotPage) == Head);

struct RunPage {
    u32 Magic, Pages;
    usize Bytes;                        // of the block
    u32* Frames;
    u64 Pad;
};
static_assert(sizeof(RunPage) == Head);

// Pages with room, per class; and how many of them hold nothing (at most one is kept).
SlotPage* WithRoom[SizeCount];
u32 EmptyPages[SizeCount];
PoolUse Use;

void Link(SlotPage& P)
{
    SlotPage*& First = WithRoom[P.Class];
    P.Previous = nullptr;
    P.Next = First;
    if (First)
        First->Previous = &P;
    First = &P;
}

void Unlink(SlotPage& P)
{
    if (P.Previous)
        P.Previous->Next = P.Next;
    else
        WithRoom[P.Class] = P.Next;
    if (P.Next)
        P.Next->Previous = P.Previous;
}

u8* NewPage()
{
    Result<mm::Pfn> Frame = mm::AllocateFrame(false);
    if (!Frame.Ok())
        return nullptr;
    ++Use.Pages;
    return mm::PageAddress(Frame.Value());
}

void DropPage(void* Page)
{
    --Use.Pages;
    mm::ReleaseFrame(mm::FrameOf(Page));
}

void* TakeSlot(u8 Class)
{
    SlotPage* P = WithRoom[Class];
    if (!P) [[unlikely]] {
        u8* Page = NewPage();
        if (!Page)
            return nullptr;
        P = new (Page) SlotPage { SlotMagic, Class, 0, 0, 0, 0, 0, nullptr, nullptr };
        Link(*P);
        ++EmptyPages[Class];
    }
    u8* Base = reinterpret_cast<u8*>(P);
    u8* Slot;
    if (P->Free) {
        Slot = Base + P->Free;
        memcpy(&P->Free, Slot, sizeof(u16));
    } else {
        Slot = Base + Head + usize(P->Fresh++) * Sizes[Class];
    }
    if (P->Used++ == 0)
        --EmptyPages[Class];
    if (P->Used == Classes.Slots[Class])
        Unlink(*P);
    ++Use.Blocks;
    Use.Bytes += Sizes[Class];
    return Slot;
}

void FreeSlot(SlotPage& P, u8* Slot)
{
    u8 Class = P.Class;
    usize Offset = usize(Slot - reinterpret_cast<u8*>(&P));
    ASSERT(P.Used > 0 && (Offset - Head) % Sizes[Class] == 0);
    if constexpr (Poison)
        memset(Slot, 0xDD, Sizes[Class]);
    memcpy(Slot, &P.Free, sizeof(u16));
    P.Free = u16(Offset);
    if (P.Used-- == Classes.Slots[Class])
        Link(P);
    --Use.Blocks;
    Use.Bytes -= Sizes[Class];
    if (P.Used == 0 && ++EmptyPages[Class] > 1) {
        --EmptyPages[Class];
        Unlink(P);
        P.Magic = 0;
        DropPage(&P);
    }
}

void* TakeRun(usize Bytes)
{
    if (Bytes > (usize(1) << 40))
        return nullptr;
    usize Pages = (Bytes + Head + PageMask) >> PageShift;
    u32* Frames = static_cast<u32*>(pool::Allocate(Pages * sizeof(u32)));
    if (!Frames)
        return nullptr;
    Result<u8*> Run = mm::AllocateRun(Pages, Frames);
    if (!Run.Ok()) {
        pool::Free(Frames);
        return nullptr;
    }
    new (Run.Value()) RunPage { RunMagic, u32(Pages), Bytes, Frames, 0 };
    ++Use.Blocks;
    Use.Bytes += Bytes;
    Use.Pages += Pages;
    return Run.Value() + Head;
}

void FreeRun(RunPage& R)
{
    u32* Frames = R.Frames;
    usize Pages = R.Pages;
    --Use.Blocks;
    Use.Bytes -= R.Bytes;
    Use.Pages -= Pages;
    mm::FreeRun(reinterpret_cast<u8*>(&R), Pages, Pages, Frames);
    pool::Free(Frames);
}

void* TakePage()
{
    void* Page = NewPage();
    if (Page) {
        ++Use.Blocks;
        Use.Bytes += PageSize;
    }
    return Page;
}

}

namespace pool {

void* Allocate(usize Bytes)
{
    if (Bytes <= LargestSlot) [[likely]]
        return TakeSlot(Classes.Of[(Bytes + 15) / 16]);
    return Bytes <= PageSize ? TakePage() : TakeRun(Bytes);
}

void* AllocateAligned(usize Bytes, usize Alignment)
{
    if (Alignment <= 16) [[likely]]
        return Allocate(Bytes);
    return Alignment <= PageSize && Bytes <= PageSize ? TakePage() : nullptr;
}

void Free(void* Block)
{
    if (!Block)
        return;
    u64 Address = reinterpret_cast<u64>(Block);
    if ((Address & PageMask) == 0) {
        --Use.Blocks;
        Use.Bytes -= PageSize;
        DropPage(Block);
        return;
    }
    SlotPage* Page = reinterpret_cast<SlotPage*>(AlignDown(Address, PageSize));
    if (Page->Magic == SlotMagic) [[likely]] {
        FreeSlot(*Page, static_cast<u8*>(Block));
    } else {
        ASSERT(Page->Magic == RunMagic && (Address & PageMask) == Head);
        FreeRun(*reinterpret_cast<RunPage*>(Page));
    }
}

void Trim()
{
    for (u32 C = 0; C < SizeCount; ++C) {
        for (SlotPage* P = WithRoom[C]; P && EmptyPages[C];) {
            SlotPage* Next = P->Next;
            if (P->Used == 0) {
                --EmptyPages[C];
                Unlink(*P);
                DropPage(P);
            }
            P = Next;
        }
    }
}

}

PoolUse QueryPool()
{
    return Use;
}

}
