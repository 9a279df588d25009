// The pieces: hashes, cells.
#include <string.h>

#include "tests/host/hive/hive_test.hpp"

using namespace test;

TEST(Marvin, KnownHashes)
{
    // The published test vectors of the algorithm.
    auto Hash = [](Bytes B) { return regf::Marvin32(B, 0x004FB61A001BDBCC); };
    EXPECT_EQ(Hash({}), 0x30ED35C100CD3C7Du);
    EXPECT_EQ(Hash({ 0xAF }), 0x48E73FC77D75DDC1u);
    EXPECT_EQ(Hash({ 0xE7, 0x0F }), 0xB5F6E1FC485DBFF8u);
    EXPECT_EQ(Hash({ 0x37, 0xF4, 0x95 }), 0xF0B07C789B8CF7E8u);
    EXPECT_EQ(Hash({ 0x86, 0x42, 0xDC, 0x59 }), 0x7008F2E87E9CF556u);
}

TEST(Space, CellsNeverOverlapAndFreeSpaceIsUsedAgain)
{
    regf::Space S;
    ASSERT_TRUE(S.Adopt({}).Ok());
    std::mt19937 Random(5);
    std::map<u32, Bytes> Has;
    u32 Largest = 0;
    for (u32 I = 0; I < 20000; ++I) {
        if (Has.size() > 200 || (!Has.empty() && Random() % 2)) {
            auto At = Has.begin();
            std::advance(At, Random() % Has.size());
            ASSERT_EQ(memcmp(S.At(At->first), At->second.data(), At->second.size()), 0);
            S.Free(At->first);
            Has.erase(At);
        } else {
            u32 Size = 1 + Random() % (Random() % 10 ? 200 : 20000);
            auto Cell = S.Allocate(Size);
            ASSERT_TRUE(Cell.Ok());
            ASSERT_EQ(Cell.Value() % 8, 0u);
            ASSERT_TRUE(S.IsCell(Cell.Value()));
            ASSERT_GE(S.Room(Cell.Value()), Size);
            Bytes B(Size);
            for (u8& C : B)
                C = u8(Random());
            memcpy(S.Change(Cell.Value(), 0, Size), B.data(), Size);
            Has[Cell.Value()] = B;
        }
        if (I == 10000)
            Largest = S.Size();
    }
    EXPECT_LE(S.Size(), Largest + Largest / 2);
    // The cells found by walking are exactly these; and so they are after taking the bytes anew.
    auto Walk = [&](const regf::Space& In) {
        auto At = Has.begin();
        for (u32 Cell = In.Next(regf::None); Cell != regf::None; Cell = In.Next(Cell), ++At) {
            ASSERT_NE(At, Has.end());
            ASSERT_EQ(At->first, Cell);
            ASSERT_EQ(memcmp(In.At(Cell), At->second.data(), At->second.size()), 0);
        }
        ASSERT_EQ(At, Has.end());
    };
    Walk(S);
    Vector<u8> Image;
    ASSERT_TRUE(Image.Resize(S.Size()).Ok());
    memcpy(Image.Data(), S.Data(), S.Size());
    regf::Space Again;
    EXPECT_EQ(Again.Adopt(std::move(Image)).Value(), 0u);
    Walk(Again);
}
