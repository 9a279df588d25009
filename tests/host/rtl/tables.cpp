#include <cstdlib>
#include <map>
#include <random>
#include <vector>

#include "tests/host/rtl/process.hpp"

namespace {

struct Element {
    int Key, Value;
};

template <typename T> RTL_GENERIC_COMPARE_RESULTS Compare(T*, PVOID A, PVOID B)
{
    int X = static_cast<Element*>(A)->Key, Y = static_cast<Element*>(B)->Key;
    return X < Y ? GenericLessThan : X > Y ? GenericGreaterThan : GenericEqual;
}
template <typename T> PVOID Allocate(T*, ULONG Size) { return malloc(Size); }
template <typename T> void Free(T*, PVOID At) { free(At); }
template <typename F> PVOID Function(F* Routine) { return reinterpret_cast<PVOID>(Routine); }

// Height of an AVL tree; checks balances and parents on the way.
int Height(RTL_BALANCED_LINKS* L)
{
    if (!L)
        return 0;
    for (auto* Child : { L->LeftChild, L->RightChild })
        if (Child)
            EXPECT_EQ(Child->Parent, L);
    int Left = Height(L->LeftChild), Right = Height(L->RightChild);
    EXPECT_EQ(Right - Left, L->Balance);
    EXPECT_LE(abs(L->Balance), 1);
    return 1 + std::max(Left, Right);
}

}

TEST(Tables, Avl)
{
    RTL_AVL_TABLE Table;
    RtlInitializeGenericTableAvl(&Table, Function(Compare<RTL_AVL_TABLE>), Function(Allocate<RTL_AVL_TABLE>), Function(Free<RTL_AVL_TABLE>), nullptr);
    std::map<int, int> Model;
    std::mt19937 Random(11);
    for (int Step = 0; Step < 20000; ++Step) {
        Element E = { int(Random() % 300), int(Random()) };
        if (Random() % 2) {
            BOOLEAN New;
            auto* In = static_cast<Element*>(RtlInsertElementGenericTableAvl(&Table, &E, sizeof(E), &New));
            ASSERT_EQ(bool(New), Model.emplace(E.Key, E.Value).second);
            ASSERT_EQ(In->Value, Model[E.Key]);
        } else {
            ASSERT_EQ(bool(RtlDeleteElementGenericTableAvl(&Table, &E)), Model.erase(E.Key) == 1);
        }
        if (Step % 50 == 0) {
            ASSERT_EQ(Height(Table.BalancedRoot.RightChild), int(Table.DepthOfTree));
            ASSERT_EQ(RtlNumberGenericTableElementsAvl(&Table), Model.size());
            PVOID Key = nullptr;
            ULONG Index = 0;
            for (auto& [K, V] : Model) {
                auto* At = static_cast<Element*>(RtlEnumerateGenericTableWithoutSplayingAvl(&Table, &Key));
                ASSERT_TRUE(At && At->Key == K && At->Value == V);
                ASSERT_EQ(RtlGetElementGenericTableAvl(&Table, Index++), At);
            }
            ASSERT_EQ(RtlEnumerateGenericTableWithoutSplayingAvl(&Table, &Key), nullptr);
        }
    }
    while (auto* E = RtlGetElementGenericTableAvl(&Table, 0))
        RtlDeleteElementGenericTableAvl(&Table, E);
    EXPECT_TRUE(RtlIsGenericTableEmptyAvl(&Table));
    EXPECT_EQ(Table.DepthOfTree, 0u);
}
TEST(Tables, Splay)
{
    RTL_GENERIC_TABLE Table;
    RtlInitializeGenericTable(&Table, Function(Compare<RTL_GENERIC_TABLE>), Function(Allocate<RTL_GENERIC_TABLE>), Function(Free<RTL_GENERIC_TABLE>), nullptr);
    std::map<int, int> Model;
    std::vector<int> Order;
    std::mt19937 Random(12);
    for (int Step = 0; Step < 20000; ++Step) {
        Element E = { int(Random() % 200), int(Random()) };
        if (Random() % 2) {
            BOOLEAN New;
            RtlInsertElementGenericTable(&Table, &E, sizeof(E), &New);
            ASSERT_EQ(bool(New), Model.emplace(E.Key, E.Value).second);
            if (New)
                Order.push_back(E.Key);
        } else {
            bool Had = Model.erase(E.Key) == 1;
            ASSERT_EQ(bool(RtlDeleteElementGenericTable(&Table, &E)), Had);
            if (Had)
                std::erase(Order, E.Key);
        }
        if (Step % 50 == 0) {
            auto* At = static_cast<Element*>(RtlEnumerateGenericTable(&Table, true));
            for (auto& [K, V] : Model) {
                ASSERT_TRUE(At && At->Key == K && At->Value == V);
                At = static_cast<Element*>(RtlEnumerateGenericTable(&Table, false));
            }
            ASSERT_EQ(At, nullptr);
            for (size_t I = 0; I < Order.size(); ++I)
                ASSERT_EQ(static_cast<Element*>(RtlGetElementGenericTable(&Table, ULONG(I)))->Key, Order[I]);
        }
        Element Key = { int(Random() % 200), 0 };
        auto* Found = static_cast<Element*>(RtlLookupElementGenericTable(&Table, &Key));
        ASSERT_EQ(Found != nullptr, Model.count(Key.Key) == 1);
    }
    while (auto* E = RtlGetElementGenericTable(&Table, 0))
        RtlDeleteElementGenericTable(&Table, E);
    EXPECT_TRUE(RtlIsGenericTableEmpty(&Table));
}
TEST(Tables, Hash)
{
    test::Fresh();
    RTL_DYNAMIC_HASH_TABLE* Table = nullptr;
    ASSERT_TRUE(RtlCreateHashTable(&Table, 0, 0));
    std::vector<RTL_DYNAMIC_HASH_TABLE_ENTRY> Entries(5000);
    for (size_t I = 0; I < Entries.size(); ++I)
        ASSERT_TRUE(RtlInsertEntryHashTable(Table, &Entries[I], I / 2 * 64 + 8, nullptr));
    for (size_t I = 0; I < Entries.size(); I += 2) {
        RTL_DYNAMIC_HASH_TABLE_CONTEXT Context;
        auto* First = RtlLookupEntryHashTable(Table, I / 2 * 64 + 8, &Context);
        auto* Second = RtlGetNextEntryHashTable(Table, &Context);
        ASSERT_EQ(First, &Entries[I + 1]);
        ASSERT_EQ(Second, &Entries[I]);
        ASSERT_EQ(RtlGetNextEntryHashTable(Table, &Context), nullptr);
    }
    RTL_DYNAMIC_HASH_TABLE_ENUMERATOR Walk;
    RtlInitEnumerationHashTable(Table, &Walk);
    size_t Seen = 0;
    while (auto* Entry = RtlEnumerateEntryHashTable(Table, &Walk)) {
        ++Seen;
        RtlRemoveEntryHashTable(Table, Entry, nullptr);
    }
    RtlEndEnumerationHashTable(Table, &Walk);
    EXPECT_EQ(Seen, Entries.size());
    EXPECT_EQ(Table->NumEntries, 0u);
    EXPECT_EQ(Table->NonEmptyBuckets, 0u);
    RtlDeleteHashTable(Table);
    EXPECT_EQ(test::The().Blocks, 0);
}
TEST(Tables, Handles)
{
    test::Fresh();
    RTL_HANDLE_TABLE Table;
    RtlInitializeHandleTable(4, 16, &Table);
    RTL_HANDLE_TABLE_ENTRY* All[4];
    ULONG Index;
    for (ULONG I = 0; I < 4; ++I) {
        All[I] = RtlAllocateHandle(&Table, &Index);
        ASSERT_EQ(Index, I);
        All[I]->Flags |= 1;
    }
    EXPECT_EQ(RtlAllocateHandle(&Table, &Index), nullptr);
    EXPECT_TRUE(RtlFreeHandle(&Table, All[2]));
    EXPECT_FALSE(RtlFreeHandle(&Table, All[2]));
    EXPECT_EQ(RtlAllocateHandle(&Table, &Index), All[2]);
    RTL_HANDLE_TABLE_ENTRY* Found;
    EXPECT_TRUE(RtlIsValidIndexHandle(&Table, 1, &Found));
    EXPECT_EQ(Found, All[1]);
    EXPECT_FALSE(RtlIsValidIndexHandle(&Table, 4, &Found));
    RtlDestroyHandleTable(&Table);
    EXPECT_EQ(test::The().Blocks, 0);
}
