// The lists of a key's subkeys: one leaf, or a root ("ri") over several. Leaves are written with hashes ("lh"); those of other kinds become such
// when they change.
#include "lib/core/defer.hpp"
#include "lib/regf/names.hpp"

namespace regf {

using namespace nt;

u32 Hive::NameHash(u32 Key) const
{
    StoredName Name = NameOf(As<disk::Key>(Key));
    u32 Hash = 0;
    for (u32 I = 0; I < Name.Length; ++I)
        Hash = Hash * 37 + u16(Around_.UpCase(Name[I]));
    return Hash;
}

// A leaf of these keys, with some room for more.
Result<u32> Hive::WriteLeaf(std::span<const u32> Sorted)
{
    u32 Count = u32(Sorted.size()), Room = Count < 8 ? Count : Count + Count / 4;
    if (Room > LeafMaximum)
        Room = LeafMaximum;
    u32 Cell = TRY(Space_.Allocate(u32(sizeof(disk::List) + Room * sizeof(disk::Hashed))));
    u8* To = Space_.Change(Cell, 0, Space_.Room(Cell));
    disk::List Head { disk::List::Hashed, u16(Count) };
    memcpy(To, &Head, sizeof(Head));
    for (u32 I = 0; I < Count; ++I) {
        disk::Hashed Entry { Sorted[I], NameHash(Sorted[I]) };
        memcpy(To + sizeof(Head) + I * sizeof(Entry), &Entry, sizeof(Entry));
    }
    return Cell;
}

void Hive::FreeList(u32 List)
{
    if (List == None)
        return;
    if (As<disk::List>(List)->Signature == disk::List::Root)
        for (u32 I = 0; I < LeafView(Space_.At(List)).Count; ++I)
            Space_.Free(LeafView(Space_.At(List))[I]);
    Space_.Free(List);
}

// A new list for a key, in place of whatever its List field says, which is not freed.
Status Hive::WriteList(u32 Key, std::span<const u32> Sorted)
{
    u32 List = None;
    if (Sorted.size() <= LeafMaximum) {
        if (!Sorted.empty())
            List = TRY(WriteLeaf(Sorted));
    } else {
        constexpr u32 Part = LeafMaximum * 3 / 4;
        u32 Leaves = u32((Sorted.size() + Part - 1) / Part);
        if (Leaves > 0xFFFF)
            return STATUS_INSUFFICIENT_RESOURCES;
        List = TRY(Space_.Allocate(u32(sizeof(disk::List) + 4 * Leaves)));
        for (u32 I = 0; I < Leaves; ++I) {
            usize From = usize(I) * Part, Size = Sorted.size() - From < Part ? Sorted.size() - From : Part;
            Result<u32> Leaf = WriteLeaf(Sorted.subspan(From, Size));
            disk::List Head { disk::List::Root, u16(Leaf.Ok() ? I + 1 : I) };
            memcpy(Space_.Change(List, 0, sizeof(Head)), &Head, sizeof(Head));
            if (!Leaf.Ok()) {
                FreeList(List);
                return Leaf.GetStatus();
            }
            memcpy(Space_.Change(List, u32(sizeof(Head) + 4 * I), 4), &Leaf.Value(), 4);
        }
    }
    disk::Key* K = Edit<disk::Key>(Key);
    K->List = List;
    K->Subkeys = u32(Sorted.size());
    return STATUS_SUCCESS;
}

Status Hive::Link(u32 Parent, u32 Key)
{
    Vector<wchar_t> Name;
    TRY(NameOf(As<disk::Key>(Key)).CopyTo(Name));
    u32 List = As<disk::Key>(Parent)->List;
    if (List == None) {
        u32 Leaf = TRY(WriteLeaf({ &Key, 1 }));
        disk::Key* P = Edit<disk::Key>(Parent);
        P->List = Leaf;
        P->Subkeys = 1;
        RaiseLongest(Parent, Key);
        return STATUS_SUCCESS;
    }
    // The leaf, and the place in it.
    bool Tree = As<disk::List>(List)->Signature == disk::List::Root;
    u32 Which = 0, Leaf = List;
    if (Tree) {
        LeafView Top(Space_.At(List));
        u32 High = Top.Count;
        while (High - Which > 1) {
            u32 Middle = (Which + High) / 2;
            if (Compare(Name.Span(), LeafView(Space_.At(Top[Middle]))[0]) >= 0)
                Which = Middle;
            else
                High = Middle;
        }
        Leaf = Top[Which];
    }
    LeafView Keys(Space_.At(Leaf));
    u32 Place = 0, High = Keys.Count;
    while (Place < High) {
        u32 Middle = (Place + High) / 2;
        if (Compare(Name.Span(), Keys[Middle]) > 0)
            Place = Middle + 1;
        else
            High = Middle;
    }
    constexpr u32 Head = sizeof(disk::List), Each = sizeof(disk::Hashed);
    u32 Count = Keys.Count;
    if (As<disk::List>(Leaf)->Signature == disk::List::Hashed && Count < LeafMaximum && Space_.Room(Leaf) >= Head + (Count + 1) * Each) {
        disk::Hashed Entry { Key, NameHash(Key) };
        u8* At = Space_.Change(Leaf, Head + Place * Each, (Count - Place + 1) * Each);
        memmove(At + Each, At, (Count - Place) * Each);
        memcpy(At, &Entry, Each);
        Edit<disk::List>(Leaf)->Count = u16(Count + 1);
    } else {
        Vector<u32> All;
        TRY(All.Reserve(Count + 1));
        for (u32 I = 0; I <= Count; ++I)
            MUST(All.Push(I == Place ? Key : Keys[I < Place ? I : I - 1]));         // reserved
        std::span<const u32> Whole = All.Span();
        if (Whole.size() <= LeafMaximum) {
            u32 New = TRY(WriteLeaf(Whole));
            if (Tree)
                memcpy(Space_.Change(List, Head + 4 * Which, 4), &New, 4);
            else
                Edit<disk::Key>(Parent)->List = New;
        } else {
            // Two leaves in place of one, and room for one more in the root.
            u32 Leaves = Tree ? LeafView(Space_.At(List)).Count : 1;
            if (Leaves >= 0xFFFF)
                return STATUS_INSUFFICIENT_RESOURCES;
            u32 First = TRY(WriteLeaf(Whole.first(Whole.size() / 2)));
            Defer NotFirst = [&] { Space_.Free(First); };
            u32 Second = TRY(WriteLeaf(Whole.subspan(Whole.size() / 2)));
            Defer NotSecond = [&] { Space_.Free(Second); };
            u32 Root = TRY(Space_.Allocate(Head + 4 * (Leaves + 1)));
            u8* To = Space_.Change(Root, 0, Space_.Room(Root));
            disk::List RootHead { disk::List::Root, u16(Leaves + 1) };
            memcpy(To, &RootHead, Head);
            for (u32 I = 0, Out = 0; I < Leaves; ++I) {
                u32 Old = Tree ? LeafView(Space_.At(List))[I] : Leaf;
                memcpy(To + Head + 4 * Out++, I == Which ? &First : &Old, 4);
                if (I == Which)
                    memcpy(To + Head + 4 * Out++, &Second, 4);
            }
            NotFirst.Commit();
            NotSecond.Commit();
            Edit<disk::Key>(Parent)->List = Root;
            if (Tree)
                Space_.Free(List);
        }
        Space_.Free(Leaf);
    }
    ++Edit<disk::Key>(Parent)->Subkeys;
    RaiseLongest(Parent, Key);
    return STATUS_SUCCESS;
}

Status Hive::Unlink(u32 Parent, u32 Key)
{
    u32 List = As<disk::Key>(Parent)->List;
    if (List == None)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    bool Tree = As<disk::List>(List)->Signature == disk::List::Root;
    u32 Leaves = Tree ? LeafView(Space_.At(List)).Count : 1;
    for (u32 I = 0; I < Leaves; ++I) {
        u32 Leaf = Tree ? LeafView(Space_.At(List))[I] : List;
        LeafView Keys(Space_.At(Leaf));
        for (u32 J = 0; J < Keys.Count; ++J) {
            if (Keys[J] != Key)
                continue;
            u32 Count = Keys.Count, Each = Keys.Stride;
            u8* At = Space_.Change(Leaf, u32(sizeof(disk::List) + J * Each), (Count - J) * Each);
            memmove(At, At + Each, (Count - J - 1) * Each);
            memset(At + (Count - J - 1) * Each, 0, Each);
            Edit<disk::List>(Leaf)->Count = u16(Count - 1);
            --Edit<disk::Key>(Parent)->Subkeys;
            if (Count > 1)
                return STATUS_SUCCESS;
            Space_.Free(Leaf);
            if (Tree && Leaves > 1) {
                u8* Entry = Space_.Change(List, u32(sizeof(disk::List) + 4 * I), 4 * (Leaves - I));
                memmove(Entry, Entry + 4, 4 * (Leaves - I - 1));
                Edit<disk::List>(List)->Count = u16(Leaves - 1);
                return STATUS_SUCCESS;
            }
            if (Tree)
                Space_.Free(List);
            Edit<disk::Key>(Parent)->List = None;
            return STATUS_SUCCESS;
        }
    }
    return STATUS_OBJECT_NAME_NOT_FOUND;
}

}
