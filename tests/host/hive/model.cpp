// Random changes against a model, through files and back.
#include <string.h>

#include <algorithm>

#include "tests/host/hive/hive_test.hpp"

using namespace test;

namespace {

std::unique_ptr<regf::Hive> Reopen(Machine& M, NTSTATUS Expected = STATUS_SUCCESS)
{
    auto H = std::make_unique<regf::Hive>(Around());
    regf::Store S(*H, M.Files[0], &M.Files[1], &M.Files[2], true);
    Status Opened = S.Open();
    EXPECT_EQ(Opened.Code(), Expected);
    return H;
}

}

TEST(Hive, AnEmptyOneIsOnePageAndOpensAgain)
{
    Machine M;
    ModelKey Model;
    auto H = NewHive(Model);
    regf::Store S(*H, M.Files[0], &M.Files[1], &M.Files[2]);
    ASSERT_TRUE(S.Create().Ok());
    EXPECT_EQ(M.Files[0].Seen.size(), 8192u);
    auto Again = Reopen(M);
    EXPECT_TRUE(Same(*ReadAll(*Again, Again->Root()), Model));
    EXPECT_TRUE(Again->Key(Again->Root())->Flags & regf::KeyIsRoot);
}

TEST(Hive, RandomChangesComeBackFromTheFiles)
{
    for (u32 Seed = 1; Seed <= 5; ++Seed) {
        std::mt19937 Random(Seed);
        Machine M;
        ModelKey Model;
        auto H = NewHive(Model);
        auto S = std::make_unique<regf::Store>(*H, M.Files[0], &M.Files[1], &M.Files[2]);
        ASSERT_TRUE(S->Create().Ok());
        for (u32 Round = 0; Round < 25; ++Round) {
            for (u32 I = 0; I < 60; ++I)
                RandomChange(Random, *H, Model);
            ASSERT_TRUE(Same(*ReadAll(*H, H->Root()), Model));
            bool Logged = false;
            if (Random() % 3) {
                ASSERT_TRUE(S->Commit().Ok());
                Logged = true;
            } else {
                ASSERT_TRUE(S->Reconcile().Ok());
            }
            Reports = 0;
            auto Again = Reopen(M, Logged ? STATUS_REGISTRY_RECOVERED : STATUS_SUCCESS);
            ASSERT_TRUE(Same(*ReadAll(*Again, Again->Root()), Model));
            ASSERT_EQ(Reports, 0u);
            if (Random() % 5 == 0) {
                // The system ends without a word and starts again.
                auto Next = std::make_unique<regf::Hive>(Around());
                S = std::make_unique<regf::Store>(*Next, M.Files[0], &M.Files[1], &M.Files[2]);
                ASSERT_TRUE(S->Open().Ok());
                H = std::move(Next);
            }
        }
    }
}

TEST(Hive, ManySubkeysGoIntoSeveralLists)
{
    Machine M;
    ModelKey Model;
    auto H = NewHive(Model);
    regf::Store S(*H, M.Files[0], nullptr, nullptr);
    ASSERT_TRUE(S.Create().Ok());
    std::vector<u32> Order(3000);
    for (u32 I = 0; I < Order.size(); ++I)
        Order[I] = I;
    std::mt19937 Random(3);
    std::shuffle(Order.begin(), Order.end(), Random);
    auto Name = [](u32 I) {
        std::string S = "key" + std::to_string(I);
        return std::u16string(S.begin(), S.end());
    };
    for (u32 I : Order) {
        auto New = H->NewKey(H->Root(), T(Name(I)), {}, SomeDescriptor(18));
        ASSERT_TRUE(New.Ok());
        ASSERT_TRUE(H->Link(H->Root(), New.Value()).Ok());
        auto K = std::make_unique<ModelKey>();
        K->Name = Name(I);
        K->Descriptor = SomeDescriptor(18);
        Model.Children[Upper(K->Name)] = std::move(K);
    }
    ASSERT_TRUE(S.Commit().Ok());
    auto Again = Reopen(M);
    ASSERT_TRUE(Same(*ReadAll(*Again, Again->Root()), Model));
    for (u32 I : Order) {
        u32 Cell = H->Find(H->Root(), T(Name(I))).Value();
        ASSERT_TRUE(H->Unlink(H->Root(), Cell).Ok());
        ASSERT_TRUE(H->FreeKey(Cell).Ok());
        ASSERT_EQ(H->Find(H->Root(), T(Name(I))).Value(), regf::None);
    }
    ASSERT_TRUE(S.Commit().Ok());
    Model.Children.clear();
    Again = Reopen(M);
    ASSERT_TRUE(Same(*ReadAll(*Again, Again->Root()), Model));
    // All is free again: only the root and its descriptor are cells.
    u32 Cells = 0;
    for (u32 Cell = Again->Bins().Next(regf::None); Cell != regf::None; Cell = Again->Bins().Next(Cell))
        ++Cells;
    EXPECT_EQ(Cells, 2u);
}

TEST(Hive, DescriptorsAreSharedAndCounted)
{
    ModelKey Model;
    auto H = NewHive(Model);
    u32 First = H->NewKey(H->Root(), T(u"a"), {}, SomeDescriptor(1)).Take(), Second = H->NewKey(H->Root(), T(u"b"), {}, SomeDescriptor(1)).Take();
    ASSERT_TRUE(H->Link(H->Root(), First).Ok());
    ASSERT_TRUE(H->Link(H->Root(), Second).Ok());
    u32 Cell = H->Key(First)->Security;
    EXPECT_EQ(H->Key(Second)->Security, Cell);
    ASSERT_TRUE(H->SetDescriptor(First, SomeDescriptor(18)).Ok());
    EXPECT_EQ(H->Key(First)->Security, H->Key(H->Root())->Security);
    EXPECT_TRUE(H->Bins().IsCell(Cell));
    ASSERT_TRUE(H->Unlink(H->Root(), Second).Ok());
    ASSERT_TRUE(H->FreeKey(Second).Ok());
    EXPECT_FALSE(H->Bins().IsCell(Cell) && H->Descriptor(Cell).size() == SomeDescriptor(1).size());
}

TEST(Hive, RefusesNamesThatCannotBe)
{
    ModelKey Model;
    auto H = NewHive(Model);
    EXPECT_EQ(H->NewKey(H->Root(), T(u""), {}, SomeDescriptor(1)).Code(), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(H->NewKey(H->Root(), T(u"a\\b"), {}, SomeDescriptor(1)).Code(), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(H->NewKey(H->Root(), T(std::u16string(256, u'x')), {}, SomeDescriptor(1)).Code(), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(H->NewValue(T(std::u16string(16384, u'x')), 1, {}).Code(), STATUS_INVALID_PARAMETER);
}
