// What a file system that moves the data itself uses: where a file lies, room for it in memory first, labels.
#include <cstring>

#include "tests/host/fat/fat_test.hpp"

using namespace test;

namespace {

struct Mounted {
    Disk On;
    Own<fat::Volume> V;
    fat::Entry Root;
    explicit Mounted(u32 Bits, u32 KiloBytes, const std::string& More = "")
    {
        On.Data = MakeVolume(Bits, KiloBytes, More);
        V = fat::Volume::Mount(On, UpCase).Take();
        Root = V->Root();
    }
};

// Reads a file by its pieces on the disk.
Bytes ByExtents(Mounted& M, fat::Entry& E, u64 Size)
{
    Bytes All;
    while (All.size() < Size) {
        auto Run = M.V->Where(E, All.size(), Size - All.size());
        if (!Run.Ok())
            return {};
        All.insert(All.end(), M.On.Data.begin() + long(Run->At), M.On.Data.begin() + long(Run->At + Run->Bytes));
    }
    return All;
}

}

TEST(FatExtents, SayWhereEveryByteLies)
{
    if (!HaveTools())
        GTEST_SKIP() << "dosfstools and mtools are not installed";
    for (auto [Bits, Size] : { std::pair { 12u, 2048u }, { 16u, 16384u }, { 32u, 40960u } }) {
        Mounted M(Bits, Size, "-s 1");
        // Two files that grow by turns lie in many pieces.
        fat::Entry A = M.V->Create(M.Root, T(u"a.bin"), 0, {}).Take(), B = M.V->Create(M.Root, T(u"b.bin"), 0, {}).Take();
        Bytes DataA, DataB;
        std::mt19937 Random(Bits);
        for (int I = 0; I < 60; ++I) {
            for (auto [E, D] : { std::pair { &A, &DataA }, { &B, &DataB } }) {
                Bytes More(Random() % 3000 + 1);
                for (u8& X : More)
                    X = u8(Random());
                ASSERT_TRUE(M.V->Write(*E, D->size(), More.data(), More.size()).Ok());
                D->insert(D->end(), More.begin(), More.end());
            }
        }
        EXPECT_EQ(ByExtents(M, A, DataA.size()), DataA);
        EXPECT_EQ(ByExtents(M, B, DataB.size()), DataB);
        // In any order, also behind what has been followed before.
        fat::Entry Again = M.V->Find(M.Root, T(u"A.BIN")).Take();
        for (int I = 0; I < 200; ++I) {
            u64 At = Random() % DataA.size(), Most = Random() % 5000 + 1;
            if (Most > DataA.size() - At)
                Most = DataA.size() - At;
            auto Run = M.V->Where(Again, At, Most);
            ASSERT_TRUE(Run.Ok());
            ASSERT_GE(Run->Bytes, 1u);
            ASSERT_LE(Run->Bytes, Most);
            EXPECT_EQ(memcmp(&M.On.Data[Run->At], &DataA[At], Run->Bytes), 0);
        }
        // Behind the chain there is nothing.
        auto Room = M.V->Reserved(A);
        ASSERT_TRUE(Room.Ok());
        EXPECT_GE(Room.Value(), DataA.size());
        EXPECT_EQ(M.V->Where(A, Room.Value(), 1).Code(), STATUS_FILE_CORRUPT_ERROR);
        ASSERT_TRUE(M.V->Sync().Ok());
        EXPECT_TRUE(IsClean(M.On.Data));
    }
}

TEST(FatExtents, RoomIsTakenInMemoryUntilTheTableIsWritten)
{
    if (!HaveTools())
        GTEST_SKIP() << "dosfstools and mtools are not installed";
    Mounted M(32, 40960, "-s 1");
    fat::Entry E = M.V->Create(M.Root, T(u"grows.bin"), 0, {}).Take();
    Bytes Before = M.On.Data;
    u32 Free = M.V->FreeClusters().Take();
    M.On.Keep = true;
    for (u32 I = 1; I <= 100; ++I)
        ASSERT_TRUE(M.V->Reserve(E, I * 700).Ok());
    // Nothing but the mark that the volume is being changed.
    for (const auto& W : M.On.Log)
        EXPECT_LT(W.Offset, 32u * 512 + 512 + 40960 * 8);
    EXPECT_LE(M.On.Log.size(), 8u);
    EXPECT_EQ(M.V->FreeClusters().Take(), Free - (70000 + 511) / 512);
    Bytes Data(70000);
    for (usize I = 0; I < Data.size(); ++I)
        Data[I] = u8(I * 7 + I / 512);
    for (u64 At = 0; At < Data.size();) {
        auto Run = M.V->Where(E, At, Data.size() - At);
        ASSERT_TRUE(Run.Ok());
        memcpy(&M.On.Data[Run->At], &Data[At], Run->Bytes);
        At += Run->Bytes;
    }
    ASSERT_TRUE(M.V->WriteTable().Ok());
    E.Size = 70000;
    ASSERT_TRUE(M.V->Update(E).Ok());
    ASSERT_TRUE(M.V->Sync().Ok());
    EXPECT_TRUE(IsClean(M.On.Data));
    auto V = fat::Volume::Mount(M.On, UpCase).Take();
    fat::Entry Root = V->Root(), Found = V->Find(Root, T(u"grows.bin")).Take();
    Bytes Back(70000);
    EXPECT_EQ(V->Read(Found, 0, Back.data(), Back.size()).Take(), 70000u);
    EXPECT_EQ(Back, Data);
    // Too much is refused, and nothing is taken.
    u32 Left = V->FreeClusters().Take();
    EXPECT_EQ(V->Reserve(Found, 0xFFFFFFF0).Code(), STATUS_DISK_FULL);
    EXPECT_EQ(V->FreeClusters().Take(), Left);
    EXPECT_EQ(V->Reserve(Found, u64(1) << 32).Code(), STATUS_DISK_FULL);
}

TEST(FatExtents, CutFreesWhatIsBehind)
{
    if (!HaveTools())
        GTEST_SKIP() << "dosfstools and mtools are not installed";
    for (u32 Bits : { 12u, 16u, 32u }) {
        Mounted M(Bits, Bits == 12 ? 2048 : Bits == 16 ? 16384 : 40960, "-s 1");
        u32 Free = M.V->FreeClusters().Take();
        fat::Entry E = M.V->Create(M.Root, T(u"cut.bin"), 0, {}).Take();
        Bytes Data(50000, 0x5A);
        ASSERT_TRUE(M.V->Write(E, 0, Data.data(), Data.size()).Ok());
        ASSERT_TRUE(M.V->Reserve(E, 80000).Ok());
        ASSERT_TRUE(M.V->Cut(E, 60000).Ok());           // only what was reserved
        EXPECT_EQ(E.Size, 50000u);
        ASSERT_TRUE(M.V->Cut(E, 1000).Ok());
        EXPECT_EQ(E.Size, 1000u);
        EXPECT_EQ(M.V->Reserved(E).Take(), 1024u);
        EXPECT_EQ(ByExtents(M, E, 1000), Bytes(1000, 0x5A));
        ASSERT_TRUE(M.V->Reserve(E, 5000).Ok());
        EXPECT_TRUE(M.V->Where(E, 4999, 1).Ok());
        ASSERT_TRUE(M.V->Cut(E, 0).Ok());
        EXPECT_EQ(E.First, 0u);
        EXPECT_EQ(M.V->FreeClusters().Take(), Free);
        ASSERT_TRUE(M.V->Sync().Ok());
        EXPECT_TRUE(IsClean(M.On.Data));
    }
}

TEST(Fat, LabelsAreReadAndWritten)
{
    if (!HaveTools())
        GTEST_SKIP() << "dosfstools and mtools are not installed";
    for (u32 Bits : { 12u, 16u, 32u }) {
        Mounted M(Bits, Bits == 12 ? 2048 : Bits == 16 ? 16384 : 40960, "-n FIRST -i 1234ABCD -s 1");
        EXPECT_EQ(M.V->Serial(), 0x1234ABCDu);
        auto Label = [&] {
            auto L = M.V->Label();
            return L.Ok() ? U(L.Value().Span()) : u"?";
        };
        EXPECT_EQ(Label(), u"FIRST");
        ASSERT_TRUE(M.V->SetLabel(T(u"a new one"), {}).Ok());
        EXPECT_EQ(Label(), u"A NEW ONE");
        EXPECT_EQ(M.V->SetLabel(T(u"twelve chars"), {}).Code(), STATUS_INVALID_VOLUME_LABEL);
        EXPECT_EQ(M.V->SetLabel(T(u"a*b"), {}).Code(), STATUS_INVALID_VOLUME_LABEL);
        ASSERT_TRUE(M.V->SetLabel({}, {}).Ok());
        EXPECT_EQ(Label(), u"");
        ASSERT_TRUE(M.V->SetLabel(T(u"again"), {}).Ok());
        EXPECT_EQ(Label(), u"AGAIN");
        // It is not a file.
        u32 Slot = 0;
        EXPECT_EQ(M.V->Next(M.Root, Slot).Code(), STATUS_NO_MORE_FILES);
        ASSERT_TRUE(M.V->Sync().Ok());
    }
}
