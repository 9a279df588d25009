// Splay trees and the generic tables on them. A table's node is the links, its place in the list of insertion order, and
// the element.
#include "lib/rtl/crt/crt.hpp"
#include "lib/rtl/rtl.hpp"

namespace {

using Links = RTL_SPLAY_LINKS;
using CompareRoutine = RTL_GENERIC_COMPARE_RESULTS(NTAPI*)(RTL_GENERIC_TABLE*, PVOID First, PVOID Second);
using AllocateRoutine = PVOID(NTAPI*)(RTL_GENERIC_TABLE*, ULONG Size);
using FreeRoutine = void(NTAPI*)(RTL_GENERIC_TABLE*, PVOID Buffer);

struct Node {
    Links Tree;
    LIST_ENTRY Order;
    alignas(16) u8 Element[16];         // really as long as the caller said
};
constexpr usize ElementOffset = 48;
static_assert(__builtin_offsetof(Node, Element) == ElementOffset);

bool IsRoot(const Links* L) { return L->Parent == L; }
bool IsLeft(const Links* L) { return L->Parent->LeftChild == L; }

// Puts Child where Old hangs; a root's parent is itself.
void Replace(Links* Old, Links* Child)
{
    if (IsRoot(Old)) {
        if (Child)
            Child->Parent = Child;
        return;
    }
    if (IsLeft(Old))
        Old->Parent->LeftChild = Child;
    else
        Old->Parent->RightChild = Child;
    if (Child)
        Child->Parent = Old->Parent;
}

// Lifts L above its parent.
void Rotate(Links* L)
{
    Links* Parent = L->Parent;
    bool Left = IsLeft(L);
    Links* Inner = Left ? L->RightChild : L->LeftChild;
    Replace(Parent, L);
    Parent->Parent = L;
    if (Left) {
        Parent->LeftChild = Inner;
        L->RightChild = Parent;
    } else {
        Parent->RightChild = Inner;
        L->LeftChild = Parent;
    }
    if (Inner)
        Inner->Parent = Parent;
}

PVOID ElementOf(Links* L) { return reinterpret_cast<u8*>(L) + ElementOffset; }
Node* NodeOf(LIST_ENTRY* Entry) { return reinterpret_cast<Node*>(reinterpret_cast<u8*>(Entry) - __builtin_offsetof(Node, Order)); }

// The node that equals Buffer, or the one under which it belongs.
TABLE_SEARCH_RESULT Search(RTL_GENERIC_TABLE* Table, PVOID Buffer, Links** Found)
{
    Links* At = Table->TableRoot;
    if (!At)
        return TableEmptyTree;
    for (;;) {
        *Found = At;
        switch (reinterpret_cast<CompareRoutine>(Table->CompareRoutine)(Table, Buffer, ElementOf(At))) {
        case GenericLessThan:
            if (!At->LeftChild)
                return TableInsertAsLeft;
            At = At->LeftChild;
            break;
        case GenericGreaterThan:
            if (!At->RightChild)
                return TableInsertAsRight;
            At = At->RightChild;
            break;
        default:
            return TableFoundNode;
        }
    }
}

Links* Leftmost(Links* L)
{
    while (L && L->LeftChild)
        L = L->LeftChild;
    return L;
}

}

extern "C" {

RTL_SPLAY_LINKS* NTAPI RtlSplay(RTL_SPLAY_LINKS* L)
{
    while (!IsRoot(L)) {
        if (IsRoot(L->Parent)) {
            Rotate(L);
        } else if (IsLeft(L) == IsLeft(L->Parent)) {
            Rotate(L->Parent);
            Rotate(L);
        } else {
            Rotate(L);
            Rotate(L);
        }
    }
    return L;
}

RTL_SPLAY_LINKS* NTAPI RtlSubtreeSuccessor(RTL_SPLAY_LINKS* L) { return Leftmost(L->RightChild); }
RTL_SPLAY_LINKS* NTAPI RtlSubtreePredecessor(RTL_SPLAY_LINKS* L)
{
    L = L->LeftChild;
    while (L && L->RightChild)
        L = L->RightChild;
    return L;
}
RTL_SPLAY_LINKS* NTAPI RtlRealSuccessor(RTL_SPLAY_LINKS* L)
{
    if (L->RightChild)
        return Leftmost(L->RightChild);
    while (!IsRoot(L) && !IsLeft(L))
        L = L->Parent;
    return IsRoot(L) ? nullptr : L->Parent;
}
RTL_SPLAY_LINKS* NTAPI RtlRealPredecessor(RTL_SPLAY_LINKS* L)
{
    if (L->LeftChild)
        return RtlSubtreePredecessor(L);
    while (!IsRoot(L) && IsLeft(L))
        L = L->Parent;
    return IsRoot(L) ? nullptr : L->Parent;
}

// The new root. A node with two children changes places with its predecessor first.
RTL_SPLAY_LINKS* NTAPI RtlDelete(RTL_SPLAY_LINKS* L)
{
    Links* Root = nullptr;
    Links* Parent = IsRoot(L) ? nullptr : L->Parent;
    RtlDeleteNoSplay(L, &Root);
    if (Parent)
        return RtlSplay(Parent);
    return Root;
}
void NTAPI RtlDeleteNoSplay(RTL_SPLAY_LINKS* L, RTL_SPLAY_LINKS** Root)
{
    bool WasRoot = IsRoot(L);
    Links* New;
    if (L->LeftChild && L->RightChild) {
        New = RtlSubtreePredecessor(L);
        if (New != L->LeftChild) {
            New->Parent->RightChild = New->LeftChild;
            if (New->LeftChild)
                New->LeftChild->Parent = New->Parent;
            New->LeftChild = L->LeftChild;
            New->LeftChild->Parent = New;
        }
        New->RightChild = L->RightChild;
        New->RightChild->Parent = New;
    } else {
        New = L->LeftChild ? L->LeftChild : L->RightChild;
    }
    Replace(L, New);
    if (WasRoot)
        *Root = New;
}

void NTAPI RtlInitializeGenericTable(RTL_GENERIC_TABLE* Table, PVOID Compare, PVOID Allocate, PVOID Free, PVOID Context)
{
    *Table = {};
    Table->InsertOrderList.Flink = Table->InsertOrderList.Blink = &Table->InsertOrderList;
    Table->OrderedPointer = &Table->InsertOrderList;
    Table->CompareRoutine = Compare;
    Table->AllocateRoutine = Allocate;
    Table->FreeRoutine = Free;
    Table->TableContext = Context;
}

PVOID NTAPI RtlInsertElementGenericTableFull(RTL_GENERIC_TABLE* Table, PVOID Buffer, ULONG Size, BOOLEAN* New, PVOID Place, TABLE_SEARCH_RESULT Result)
{
    auto* Parent = static_cast<Links*>(Place);
    Links* L;
    if (Result == TableFoundNode) {
        L = Parent;
    } else {
        auto* N = static_cast<Node*>(reinterpret_cast<AllocateRoutine>(Table->AllocateRoutine)(Table, ULONG(Size + ElementOffset)));
        if (!N) {
            if (New)
                *New = false;
            return nullptr;
        }
        L = &N->Tree;
        *L = { L, nullptr, nullptr };
        N->Order = { &Table->InsertOrderList, Table->InsertOrderList.Blink };
        N->Order.Blink->Flink = &N->Order;
        Table->InsertOrderList.Blink = &N->Order;
        ++Table->NumberGenericTableElements;
        if (Result != TableEmptyTree) {
            L->Parent = Parent;
            (Result == TableInsertAsLeft ? Parent->LeftChild : Parent->RightChild) = L;
        }
        CRT(memcpy)(ElementOf(L), Buffer, Size);
    }
    Table->TableRoot = RtlSplay(L);
    if (New)
        *New = Result != TableFoundNode;
    return ElementOf(L);
}
PVOID NTAPI RtlInsertElementGenericTable(RTL_GENERIC_TABLE* Table, PVOID Buffer, ULONG Size, BOOLEAN* New)
{
    Links* Place = nullptr;
    TABLE_SEARCH_RESULT Result = Search(Table, Buffer, &Place);
    return RtlInsertElementGenericTableFull(Table, Buffer, Size, New, Place, Result);
}

BOOLEAN NTAPI RtlDeleteElementGenericTable(RTL_GENERIC_TABLE* Table, PVOID Buffer)
{
    Links* L = nullptr;
    if (Search(Table, Buffer, &L) != TableFoundNode)
        return false;
    Table->TableRoot = RtlDelete(L);
    auto* N = reinterpret_cast<Node*>(L);
    N->Order.Blink->Flink = N->Order.Flink;
    N->Order.Flink->Blink = N->Order.Blink;
    --Table->NumberGenericTableElements;
    Table->OrderedPointer = &Table->InsertOrderList;
    Table->WhichOrderedElement = 0;
    reinterpret_cast<FreeRoutine>(Table->FreeRoutine)(Table, N);
    return true;
}

PVOID NTAPI RtlLookupElementGenericTableFull(RTL_GENERIC_TABLE* Table, PVOID Buffer, PVOID* Place, TABLE_SEARCH_RESULT* Result)
{
    Links* L = nullptr;
    *Result = Search(Table, Buffer, &L);
    *Place = L;
    if (*Result != TableFoundNode)
        return nullptr;
    Table->TableRoot = RtlSplay(L);
    return ElementOf(L);
}
PVOID NTAPI RtlLookupElementGenericTable(RTL_GENERIC_TABLE* Table, PVOID Buffer)
{
    PVOID Place;
    TABLE_SEARCH_RESULT Result;
    return RtlLookupElementGenericTableFull(Table, Buffer, &Place, &Result);
}

PVOID NTAPI RtlEnumerateGenericTableWithoutSplaying(RTL_GENERIC_TABLE* Table, PVOID* Key)
{
    if (!Table->TableRoot)
        return nullptr;
    Links* L = *Key ? RtlRealSuccessor(static_cast<Links*>(*Key)) : Leftmost(Table->TableRoot);
    if (!L)
        return nullptr;
    *Key = L;
    return ElementOf(L);
}
// The element last returned is at the root.
PVOID NTAPI RtlEnumerateGenericTable(RTL_GENERIC_TABLE* Table, BOOLEAN Restart)
{
    if (!Table->TableRoot)
        return nullptr;
    Links* L = Restart ? Leftmost(Table->TableRoot) : RtlRealSuccessor(Table->TableRoot);
    if (!L)
        return nullptr;
    Table->TableRoot = RtlSplay(L);
    return ElementOf(L);
}

// In the order of insertion, from where the last call got to if that is nearer than the start.
PVOID NTAPI RtlGetElementGenericTable(RTL_GENERIC_TABLE* Table, ULONG Index)
{
    ULONG Count = Table->NumberGenericTableElements;
    if (Index == ~0u || Index >= Count)
        return nullptr;
    ULONG Wanted = Index + 1, At = Table->WhichOrderedElement;
    LIST_ENTRY* Entry = Table->OrderedPointer;
    if (Wanted < At / 2 || !At) {
        At = 0;
        Entry = &Table->InsertOrderList;
    }
    for (; At < Wanted; ++At)
        Entry = Entry->Flink;
    for (; At > Wanted; --At)
        Entry = Entry->Blink;
    Table->OrderedPointer = Entry;
    Table->WhichOrderedElement = Wanted;
    return ElementOf(&NodeOf(Entry)->Tree);
}

ULONG NTAPI RtlNumberGenericTableElements(RTL_GENERIC_TABLE* Table) { return Table->NumberGenericTableElements; }
BOOLEAN NTAPI RtlIsGenericTableEmpty(RTL_GENERIC_TABLE* Table) { return !Table->TableRoot; }

}
