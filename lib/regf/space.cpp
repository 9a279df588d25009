// Cells in bins: finding them, allocating and freeing them.
//
// Neighbouring free cells are always one cell. Free cells are remembered in lists by size; an entry that is no longer true (the cell was
// merged or given out) is dropped when it is met.
#include <bit>
#include <string.h>

#include "lib/regf/format.hpp"
#include "lib/regf/regf.hpp"

namespace regf {

using namespace nt;

void Space::PageSet::Add(u32 Page)
{
    u64& Word = Bits[Page / 64];
    Count += !(Word >> (Page % 64) & 1);
    Word |= u64(1) << (Page % 64);
}

void Space::PageSet::Clear()
{
    for (u64& Word : Bits)
        Word = 0;
    Count = 0;
}

u32 Space::SizeAt(u32 Cell) const
{
    i32 Size;
    memcpy(&Size, Data_.Data() + Cell, 4);
    return Size < 0 ? u32(-i64(Size)) : u32(Size);
}

bool Space::IsFree(u32 Cell) const
{
    i32 Size;
    memcpy(&Size, Data_.Data() + Cell, 4);
    return Size > 0;
}

bool Space::IsCell(u32 Cell) const { return Cell < Data_.Size() && Cell % 8 == 0 && Starts(Cell) && !IsFree(Cell); }

u32 Space::Room(u32 Cell) const { return SizeAt(Cell) - 4; }

u8* Space::Change(u32 Cell, u32 From, u32 Bytes)
{
    Touch(Cell + 4 + From, Bytes);
    return Data_.Data() + Cell + 4 + From;
}

void Space::Touch(u32 Offset, u32 Bytes)
{
    for (u32 P = Offset / Page; P <= (Offset + (Bytes ? Bytes - 1 : 0)) / Page; ++P) {
        Unlogged.Add(P);
        Unwritten.Add(P);
    }
}

void Space::SetHead(u32 Cell, u32 Size, bool Used)
{
    i32 Value = Used ? -i32(Size) : i32(Size);
    memcpy(Data_.Data() + Cell, &Value, 4);
    Touch(Cell, 4);
}

void Space::Mark(u32 Offset, bool Start)
{
    u64 Bit = u64(1) << (Offset / 8 % 64);
    u64& Word = Starts_[Offset / 512];
    Word = Start ? Word | Bit : Word & ~Bit;
}

u32 Space::ClassOf(u32 Size)
{
    u32 Units = Size / 8;
    return Units < 48 ? Units : u32(std::bit_width(Units)) + 42 < Classes ? u32(std::bit_width(Units)) + 42 : Classes - 1;
}

// Forgetting one for want of memory only wastes it.
void Space::KeepFree(u32 Cell, u32 Size) { Free_[ClassOf(Size)].Push(Cell).Ignore(); }

u32 Space::BinEnd(u32 Bin) const
{
    u32 Size;
    memcpy(&Size, Data_.Data() + Bin + offsetof(disk::Bin, Size), 4);
    return Bin + Size;
}

Status Space::Grow(u32 Need)
{
    u32 Old = Size(), More = u32(AlignUp(u64(Need) + BinHeader, Page));
    if (Need > MaximumSize || u64(Old) + More > MaximumSize)
        return STATUS_DISK_FULL;
    usize New = usize(Old) + More, Pages = New / Page;
    // Everything that can fail comes first.
    if (New > Data_.Size())
        TRY(Data_.Reserve(AlignUp(New + New / 4, Page)));
    TRY(Starts_.Reserve(AlignUp(New + New / 4, Page) / 512));
    TRY(Bins_.Reserve(AlignUp(New + New / 4, Page) / Page));
    TRY(Unlogged.Bits.Resize(Pages / 64 + 1));
    TRY(Unwritten.Bits.Resize(Pages / 64 + 1));
    MUST(Data_.Resize(New));            // reserved above, as the next ones
    MUST(Starts_.Resize(New / 512));
    MUST(Bins_.Resize(Pages));
    disk::Bin Head {};
    Head.Signature = disk::Bin::Magic;
    Head.Offset = Old;
    Head.Size = More;
    memcpy(Data_.Data() + Old, &Head, sizeof(Head));
    for (u32 P = Old / Page; P < Pages; ++P)
        Bins_[P] = Old;
    Touch(Old, More);
    Mark(Old + BinHeader, true);
    SetHead(Old + BinHeader, More - BinHeader, false);
    KeepFree(Old + BinHeader, More - BinHeader);
    return STATUS_SUCCESS;
}

Result<u32> Space::Allocate(u32 Bytes)
{
    if (Bytes > MaximumSize)
        return STATUS_DISK_FULL;
    u32 Size = u32(AlignUp(Bytes + 4, 8));
    for (u32 Attempt = 0; Attempt < 2; ++Attempt) {
        for (u32 Class = ClassOf(Size); Class < Classes; ++Class) {
            Vector<u32>& List = Free_[Class];
            for (usize I = List.Size(); I-- > 0;) {
                u32 Cell = List[I];
                if (Cell >= Data_.Size() || !Starts(Cell) || !IsFree(Cell) || ClassOf(SizeAt(Cell)) != Class) {
                    List[I] = List.Last();
                    List.Pop();
                    continue;
                }
                u32 Has = SizeAt(Cell);
                if (Has < Size)
                    continue;           // only in a class of several sizes
                List[I] = List.Last();
                List.Pop();
                if (Has > Size) {
                    Mark(Cell + Size, true);
                    SetHead(Cell + Size, Has - Size, false);
                    KeepFree(Cell + Size, Has - Size);
                }
                SetHead(Cell, Size, true);
                memset(Change(Cell, 0, Size - 4), 0, Size - 4);
                return Cell;
            }
        }
        if (!Attempt)
            TRY(Grow(Size));
    }
    return STATUS_NO_MEMORY;            // a list could not take the new bin
}

void Space::Free(u32 Cell)
{
    u32 Bin = BinOf(Cell), End = BinEnd(Bin), Size = SizeAt(Cell), Start = Cell;
    if (Cell + Size < End && IsFree(Cell + Size)) {
        Mark(Cell + Size, false);
        Size += SizeAt(Cell + Size);
    }
    if (Cell > Bin + BinHeader) {
        u32 Before = Cell - 8;
        while (!Starts(Before))
            Before -= 8;
        if (IsFree(Before)) {
            Mark(Cell, false);
            Size += SizeAt(Before);
            Start = Before;
        }
    }
    SetHead(Start, Size, false);
    KeepFree(Start, Size);
}

u32 Space::Next(u32 Cell) const
{
    u32 At = Cell == None ? BinHeader : Cell + SizeAt(Cell);
    while (At < Data_.Size()) {
        if (At % Page == 0 && BinOf(At) == At) {
            At += BinHeader;            // the end of a bin is the start of the next
            continue;
        }
        if (!IsFree(At))
            return At;
        At += SizeAt(At);
    }
    return None;
}

// Makes the cells of one bin consistent; says how many places were wrong.
u32 Space::MendBin(u32 Bin)
{
    u32 End = BinEnd(Bin), Wrong = 0, Before = None;
    for (u32 At = Bin + BinHeader; At < End;) {
        u32 Size = SizeAt(At);
        if (Size < 8 || Size % 8 || Size > End - At) {
            Size = End - At;            // the rest of the bin is lost
            SetHead(At, Size, false);
            ++Wrong;
        }
        if (Before != None && IsFree(Before) && IsFree(At)) {
            SetHead(Before, SizeAt(Before) + Size, false);
        } else {
            Mark(At, true);
            Before = At;
        }
        At += Size;
    }
    for (u32 At = Bin + BinHeader; At < End; At += SizeAt(At))
        if (IsFree(At))
            KeepFree(At, SizeAt(At));
    return Wrong;
}

Result<u32> Space::Adopt(Vector<u8> Bins)
{
    if (Bins.Size() > MaximumSize)
        return STATUS_REGISTRY_CORRUPT;
    u32 Size = u32(Bins.Size() / Page * Page), Wrong = Size != Bins.Size();
    TRY(Bins.Resize(Size));
    Data_ = std::move(Bins);
    for (Vector<u32>& List : Free_)
        List.Clear();
    Starts_.Clear();
    TRY(Starts_.Resize(Size / 512));
    TRY(Bins_.Resize(Size / Page));
    for (PageSet* Set : { &Unlogged, &Unwritten }) {
        TRY(Set->Bits.Resize(Size / Page / 64 + 1));
        Set->Clear();
    }
    for (u32 At = 0; At < Size;) {
        disk::Bin Head;
        memcpy(&Head, Data_.Data() + At, sizeof(Head));
        bool Good = Head.Signature == disk::Bin::Magic && Head.Offset == At && Head.Size >= Page && Head.Size % Page == 0 && Head.Size <= Size - At;
        if (!Good) {
            // One page of free space; where the next bin begins is seen there.
            ++Wrong;
            Head = {};
            Head.Signature = disk::Bin::Magic;
            Head.Offset = At;
            Head.Size = Page;
            memcpy(Data_.Data() + At, &Head, sizeof(Head));
            Touch(At, sizeof(Head));
            SetHead(At + BinHeader, Page - BinHeader, false);
        }
        for (u32 P = At / Page; P < (At + Head.Size) / Page; ++P)
            Bins_[P] = At;
        Wrong += MendBin(At);
        At += Head.Size;
    }
    return Wrong;
}

}
