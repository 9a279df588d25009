// Files that are damaged in every way: no crash, no endless loop, and what is left is consistent and can be written and read again.
#include <string.h>

#include "tests/host/hive/hive_test.hpp"

using namespace test;

namespace {

void MakeFiles(Machine& M, u32 Seed, u32 Changes, ModelKey& Model)
{
    auto H = NewHive(Model);
    std::mt19937 Random(Seed);
    for (u32 I = 0; I < Changes; ++I)
        RandomChange(Random, *H, Model);
    regf::Store S(*H, M.Files[0], &M.Files[1], &M.Files[2]);
    ASSERT_TRUE(S.Create().Ok());
    for (u32 I = 0; I < 10; ++I)
        RandomChange(Random, *H, Model);
    ASSERT_TRUE(S.Commit().Ok());
}

// Opens; if that works, changes, writes, and reads the same again without complaint.
bool Use(Machine& M, u32 Seed)
{
    regf::Hive H(Around());
    regf::Store S(H, M.Files[0], &M.Files[1], &M.Files[2]);
    if (!S.Open().Ok())
        return false;
    auto Model = ReadAll(H, H.Root());
    std::mt19937 Random(Seed);
    for (u32 I = 0; I < 8; ++I)
        RandomChange(Random, H, *Model);
    EXPECT_TRUE(S.Reconcile().Ok());
    Reports = 0;
    regf::Hive Again(Around());
    regf::Store Reader(Again, M.Files[0], &M.Files[1], &M.Files[2], true);
    EXPECT_EQ(Reader.Open().Code(), STATUS_SUCCESS);
    EXPECT_EQ(Reports, 0u);
    EXPECT_TRUE(Same(*ReadAll(Again, Again.Root()), *Model));
    return true;
}

}

TEST(Damage, RandomBytesAnywhere)
{
    u32 Opened = 0;
    for (u32 Seed = 1; Seed <= 400; ++Seed) {
        Machine M;
        ModelKey Model;
        MakeFiles(M, Seed % 5, 80, Model);
        std::mt19937 Random(Seed);
        for (u32 Count = 1 + Random() % 12; Count--;) {
            Bytes& File = M.Files[Random() % 8 ? 0 : Random() % 3].Seen;
            if (File.empty())
                continue;
            usize At = Random() % 10 ? 4096 % File.size() + Random() % (File.size() > 4096 ? File.size() - 4096 : 1) : Random() % File.size();
            switch (Random() % 4) {
            case 0: File[At] = u8(Random()); break;
            case 1: File[At] ^= u8(1 << Random() % 8); break;
            case 2: File[At] = Random() % 2 ? 0 : 0xFF; break;
            default:
                for (usize I = 0; I < 64 && At + I < File.size(); ++I)
                    File[At + I] = u8(Random());
            }
        }
        Opened += Use(M, Seed);
        if (HasFailure())
            FAIL() << "seed " << Seed;
    }
    EXPECT_GT(Opened, 260u);
}

// Every four bytes that may be a reference point at some other cell: cycles, cells used twice, cells of the wrong kind.
TEST(Damage, ReferencesToOtherCells)
{
    u32 Opened = 0;
    for (u32 Seed = 1; Seed <= 400; ++Seed) {
        Machine M;
        ModelKey Model;
        auto H = NewHive(Model);
        std::mt19937 Random(Seed);
        for (u32 I = 0; I < 60; ++I)
            RandomChange(Random, *H, Model);
        regf::Store S(*H, M.Files[0], &M.Files[1], &M.Files[2]);
        ASSERT_TRUE(S.Create().Ok());
        std::vector<u32> Cells;
        for (u32 Cell = H->Bins().Next(regf::None); Cell != regf::None; Cell = H->Bins().Next(Cell))
            Cells.push_back(Cell);
        for (u32 Count = 1 + Random() % 4; Count--;) {
            u32 Cell = Cells[Random() % Cells.size()], Other = Cells[Random() % Cells.size()];
            memcpy(&M.Files[0].Seen[4096 + Cell + 4 + Random() % (H->Bins().Room(Cell) / 4) * 4], &Other, 4);
        }
        Opened += Use(M, Seed);
        if (HasFailure())
            FAIL() << "seed " << Seed;
    }
    EXPECT_GT(Opened, 340u);
}

TEST(Damage, CutFiles)
{
    Machine Good;
    ModelKey Model;
    MakeFiles(Good, 3, 60, Model);
    for (usize Size = 0; Size < Good.Files[0].Seen.size(); Size += 509) {
        Machine M;
        for (u32 I = 0; I < 3; ++I)
            M.Files[I].Seen = Good.Files[I].Seen;
        M.Files[0].Seen.resize(Size);
        Use(M, 1);
        if (HasFailure())
            FAIL() << "size " << Size;
    }
}

TEST(Damage, ABrokenKeyLosesOnlyWhatItHolds)
{
    Machine M;
    ModelKey Model;
    auto H = NewHive(Model);
    u32 Cells[3];
    const char16_t* Names[] = { u"first", u"second", u"third" };
    for (u32 I = 0; I < 3; ++I) {
        Cells[I] = H->NewKey(H->Root(), T(Names[I]), {}, SomeDescriptor(18)).Take();
        ASSERT_TRUE(H->Link(H->Root(), Cells[I]).Ok());
        u32 Value = H->NewValue(T(u"value"), 4, Bytes { 1, 2, 3, 4 }).Take();
        ASSERT_TRUE(H->SetValues(Cells[I], { &Value, 1 }).Ok());
    }
    regf::Store S(*H, M.Files[0], &M.Files[1], &M.Files[2]);
    ASSERT_TRUE(S.Create().Ok());
    M.Files[0].Seen[4096 + Cells[1] + 4] = 'x';         // no key any more
    Reports = 0;
    regf::Hive Again(Around());
    regf::Store Reader(Again, M.Files[0], &M.Files[1], &M.Files[2], true);
    EXPECT_EQ(Reader.Open().Code(), STATUS_REGISTRY_RECOVERED);
    EXPECT_GT(Reports, 0u);
    auto Left = ReadAll(Again, Again.Root());
    ASSERT_EQ(Left->Children.size(), 2u);
    EXPECT_EQ(Left->Children[u"FIRST"]->Values.size(), 1u);
    EXPECT_EQ(Left->Children[u"THIRD"]->Values.size(), 1u);
}

TEST(Damage, NoHiveIsToldFromABrokenOne)
{
    auto Open = [](const Bytes& File) {
        Machine M;
        M.Files[0].Seen = File;
        regf::Hive H(Around());
        regf::Store S(H, M.Files[0], nullptr, nullptr);
        return S.Open().Code();
    };
    EXPECT_EQ(Open({}), STATUS_NOT_REGISTRY_FILE);
    EXPECT_EQ(Open(Bytes(8192)), STATUS_NOT_REGISTRY_FILE);
    Bytes Broken(8192);
    memcpy(Broken.data(), "regf", 4);
    EXPECT_EQ(Open(Broken), STATUS_REGISTRY_CORRUPT);
}
