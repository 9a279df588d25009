// AVL trees as generic tables. A node is the balanced links and the element; the tree hangs as the right child of
// BalancedRoot, so that no node is without a parent.
#include "lib/rtl/crt/crt.hpp"
#include "lib/rtl/rtl.hpp"

namespace {

using Links = RTL_BALANCED_LINKS;
using CompareRoutine = RTL_GENERIC_COMPARE_RESULTS(NTAPI*)(RTL_AVL_TABLE*, PVOID First, PVOID Second);
using AllocateRoutine = PVOID(NTAPI*)(RTL_AVL_TABLE*, ULONG Size);
using FreeRoutine = void(NTAPI*)(RTL_AVL_TABLE*, PVOID Buffer);

PVOID ElementOf(Links* L) { return L + 1; }
Links* Root(RTL_AVL_TABLE* Table) { return Table->BalancedRoot.RightChild; }
Links*& Child(Links* L, bool Right) { return Right ? L->RightChild : L->LeftChild; }
bool IsRight(const Links* L) { return L->Parent->RightChild == L; }
CHAR Side(bool Right) { return Right ? 1 : -1; }

RTL_GENERIC_COMPARE_RESULTS Compare(RTL_AVL_TABLE* Table, PVOID Buffer, Links* L)
{
    return reinterpret_cast<CompareRoutine>(Table->CompareRoutine)(Table, Buffer, ElementOf(L));
}

TABLE_SEARCH_RESULT Search(RTL_AVL_TABLE* Table, PVOID Buffer, Links** Found)
{
    Links* At = Root(Table);
    if (!At)
        return TableEmptyTree;
    for (;;) {
        *Found = At;
        RTL_GENERIC_COMPARE_RESULTS Order = Compare(Table, Buffer, At);
        if (Order == GenericEqual)
            return TableFoundNode;
        bool Right = Order == GenericGreaterThan;
        if (!Child(At, Right))
            return Right ? TableInsertAsRight : TableInsertAsLeft;
        At = Child(At, Right);
    }
}

// Lifts L's child on the given side above L.
Links* Rotate(Links* L, bool Right)
{
    Links* Up = Child(L, Right);
    Links* Inner = Child(Up, !Right);
    Child(L->Parent, IsRight(L)) = Up;
    Up->Parent = L->Parent;
    Child(Up, !Right) = L;
    L->Parent = Up;
    Child(L, Right) = Inner;
    if (Inner)
        Inner->Parent = L;
    return Up;
}

// L is two too deep on the given side. Returns the top of the subtree; *Shorter says whether its height went down.
Links* Rebalance(Links* L, bool Right, bool* Shorter)
{
    CHAR Heavy = Side(Right);
    Links* Deep = Child(L, Right);
    *Shorter = true;
    if (Deep->Balance == -Heavy) {      // the inner grandchild comes up
        Links* Inner = Child(Deep, !Right);
        CHAR Old = Inner->Balance;
        Rotate(Deep, !Right);
        Rotate(L, Right);
        L->Balance = Old == Heavy ? CHAR(-Heavy) : CHAR(0);
        Deep->Balance = Old == -Heavy ? Heavy : CHAR(0);
        Inner->Balance = 0;
        return Inner;
    }
    Rotate(L, Right);
    if (Deep->Balance == 0) {           // only when an element was deleted
        L->Balance = Heavy;
        Deep->Balance = CHAR(-Heavy);
        *Shorter = false;
    } else {
        L->Balance = Deep->Balance = 0;
    }
    return Deep;
}

void Inserted(RTL_AVL_TABLE* Table, Links* L)
{
    for (Links* Parent = L->Parent; Parent != &Table->BalancedRoot; L = Parent, Parent = L->Parent) {
        bool Right = IsRight(L);
        if (!Parent->Balance) {
            Parent->Balance = Side(Right);
            continue;                   // the subtree grew
        }
        if (Parent->Balance != Side(Right)) {
            Parent->Balance = 0;
        } else {
            bool Shorter;
            Rebalance(Parent, Right, &Shorter);
        }
        return;
    }
    ++Table->DepthOfTree;
}

// The subtree on one side of Parent became less deep.
void Shrunk(RTL_AVL_TABLE* Table, Links* Parent, bool Right)
{
    while (Parent != &Table->BalancedRoot) {
        Links* Top = Parent;
        bool Shorter = true;
        if (!Parent->Balance) {
            Parent->Balance = Side(!Right);
            return;
        }
        if (Parent->Balance == Side(Right))
            Parent->Balance = 0;
        else
            Top = Rebalance(Parent, !Right, &Shorter);
        if (!Shorter)
            return;
        Right = IsRight(Top);
        Parent = Top->Parent;
    }
    --Table->DepthOfTree;
}

Links* Outermost(Links* L, bool Right)
{
    while (L && Child(L, Right))
        L = Child(L, Right);
    return L;
}

Links* Neighbour(RTL_AVL_TABLE* Table, Links* L, bool Right)
{
    if (Child(L, Right))
        return Outermost(Child(L, Right), !Right);
    while (L->Parent != &Table->BalancedRoot && IsRight(L) == Right)
        L = L->Parent;
    return L->Parent == &Table->BalancedRoot ? nullptr : L->Parent;
}

void Unlink(RTL_AVL_TABLE* Table, Links* L)
{
    Links* Out = L;
    if (L->LeftChild && L->RightChild)
        Out = L->Balance >= 0 ? Outermost(L->RightChild, false) : Outermost(L->LeftChild, true);
    Links *Parent = Out->Parent, *Below = Out->LeftChild ? Out->LeftChild : Out->RightChild;
    bool Right = IsRight(Out);
    Child(Parent, Right) = Below;
    if (Below)
        Below->Parent = Parent;
    if (Out == L) {
        Shrunk(Table, Parent, Right);
        return;
    }
    // Out takes L's place, before the balances are mended.
    if (Parent == L)
        Parent = Out;
    Out->LeftChild = L->LeftChild;
    Out->RightChild = L->RightChild;
    Out->Parent = L->Parent;
    Out->Balance = L->Balance;
    Child(L->Parent, IsRight(L)) = Out;
    if (Out->LeftChild)
        Out->LeftChild->Parent = Out;
    if (Out->RightChild)
        Out->RightChild->Parent = Out;
    Shrunk(Table, Parent, Right);
}

}

extern "C" {

void NTAPI RtlInitializeGenericTableAvl(RTL_AVL_TABLE* Table, PVOID Compare, PVOID Allocate, PVOID Free, PVOID Context)
{
    *Table = {};
    Table->BalancedRoot.Parent = &Table->BalancedRoot;
    Table->CompareRoutine = Compare;
    Table->AllocateRoutine = Allocate;
    Table->FreeRoutine = Free;
    Table->TableContext = Context;
}

PVOID NTAPI RtlInsertElementGenericTableFullAvl(RTL_AVL_TABLE* Table, PVOID Buffer, ULONG Size, BOOLEAN* New, PVOID Place, TABLE_SEARCH_RESULT Result)
{
    auto* L = static_cast<Links*>(Place);
    if (New)
        *New = false;
    if (Result == TableFoundNode)
        return ElementOf(L);
    auto* N = static_cast<Links*>(reinterpret_cast<AllocateRoutine>(Table->AllocateRoutine)(Table, ULONG(Size + sizeof(Links))));
    if (!N)
        return nullptr;
    *N = {};
    N->Parent = Result == TableEmptyTree ? &Table->BalancedRoot : L;
    Child(N->Parent, Result != TableInsertAsLeft) = N;
    CRT(memcpy)(ElementOf(N), Buffer, Size);
    ++Table->NumberGenericTableElements;
    Table->OrderedPointer = nullptr;
    Table->WhichOrderedElement = 0;
    Inserted(Table, N);
    if (New)
        *New = true;
    return ElementOf(N);
}
PVOID NTAPI RtlInsertElementGenericTableAvl(RTL_AVL_TABLE* Table, PVOID Buffer, ULONG Size, BOOLEAN* New)
{
    Links* Place = nullptr;
    TABLE_SEARCH_RESULT Result = Search(Table, Buffer, &Place);
    return RtlInsertElementGenericTableFullAvl(Table, Buffer, Size, New, Place, Result);
}

BOOLEAN NTAPI RtlDeleteElementGenericTableAvl(RTL_AVL_TABLE* Table, PVOID Buffer)
{
    Links* L = nullptr;
    if (Search(Table, Buffer, &L) != TableFoundNode)
        return false;
    // An enumeration that stands here goes on behind the element before.
    if (Table->RestartKey == L)
        Table->RestartKey = Neighbour(Table, L, false);
    ++Table->DeleteCount;
    Unlink(Table, L);
    --Table->NumberGenericTableElements;
    Table->OrderedPointer = nullptr;
    Table->WhichOrderedElement = 0;
    reinterpret_cast<FreeRoutine>(Table->FreeRoutine)(Table, L);
    return true;
}

PVOID NTAPI RtlLookupElementGenericTableFullAvl(RTL_AVL_TABLE* Table, PVOID Buffer, PVOID* Place, TABLE_SEARCH_RESULT* Result)
{
    Links* L = nullptr;
    *Result = Search(Table, Buffer, &L);
    *Place = L;
    return *Result == TableFoundNode ? ElementOf(L) : nullptr;
}
PVOID NTAPI RtlLookupElementGenericTableAvl(RTL_AVL_TABLE* Table, PVOID Buffer)
{
    Links* L = nullptr;
    return Search(Table, Buffer, &L) == TableFoundNode ? ElementOf(L) : nullptr;
}
// Of several that compare equal to Buffer (a partial key) the first.
PVOID NTAPI RtlLookupFirstMatchingElementGenericTableAvl(RTL_AVL_TABLE* Table, PVOID Buffer, PVOID* Restart)
{
    Links* L = nullptr;
    *Restart = nullptr;
    if (Search(Table, Buffer, &L) != TableFoundNode)
        return nullptr;
    for (Links* Before = Neighbour(Table, L, false); Before && Compare(Table, Buffer, Before) == GenericEqual; Before = Neighbour(Table, L, false))
        L = Before;
    *Restart = L;
    return ElementOf(L);
}

PVOID NTAPI RtlEnumerateGenericTableWithoutSplayingAvl(RTL_AVL_TABLE* Table, PVOID* Key)
{
    if (!Root(Table))
        return nullptr;
    Links* L = *Key ? Neighbour(Table, static_cast<Links*>(*Key), true) : Outermost(Root(Table), false);
    if (!L)
        return nullptr;
    *Key = L;
    return ElementOf(L);
}
PVOID NTAPI RtlEnumerateGenericTableAvl(RTL_AVL_TABLE* Table, BOOLEAN Restart)
{
    PVOID Key = Restart ? nullptr : Table->RestartKey;
    PVOID Element = RtlEnumerateGenericTableWithoutSplayingAvl(Table, &Key);
    Table->RestartKey = static_cast<Links*>(Key);
    return Element;
}

// In the order of the elements.
PVOID NTAPI RtlGetElementGenericTableAvl(RTL_AVL_TABLE* Table, ULONG Index)
{
    if (Index == ~0u || Index >= Table->NumberGenericTableElements)
        return nullptr;
    ULONG Wanted = Index + 1, At = Table->WhichOrderedElement;
    auto* L = static_cast<Links*>(Table->OrderedPointer);
    if (!At || Wanted < At / 2) {
        At = 1;
        L = Outermost(Root(Table), false);
    }
    for (; At < Wanted; ++At)
        L = Neighbour(Table, L, true);
    for (; At > Wanted; --At)
        L = Neighbour(Table, L, false);
    Table->OrderedPointer = L;
    Table->WhichOrderedElement = Wanted;
    return ElementOf(L);
}

ULONG NTAPI RtlNumberGenericTableElementsAvl(RTL_AVL_TABLE* Table) { return Table->NumberGenericTableElements; }
BOOLEAN NTAPI RtlIsGenericTableEmptyAvl(RTL_AVL_TABLE* Table) { return !Table->NumberGenericTableElements; }

}
