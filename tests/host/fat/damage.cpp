// Volumes damaged anywhere: every operation ends, with an error or without.
#include "tests/host/fat/fat_test.hpp"

using namespace test;

namespace {

u32 Walk(fat::Volume& V, const fat::Entry& At, u32 Depth)
{
    u32 Seen = 0;
    for (u32 Slot = 0; Seen < 300;) {
        auto E = V.Next(At, Slot);
        if (!E.Ok())
            break;
        ++Seen;
        static u8 Data[4096];
        if (E->IsFolder() && Depth < 4) {
            Seen += Walk(V, E.Value(), Depth + 1);
        } else {
            V.Read(E.Value(), 0, Data, sizeof(Data)).GetStatus().Ignore();
            V.Read(E.Value(), E->Size / 2, Data, sizeof(Data)).GetStatus().Ignore();
        }
    }
    return Seen;
}

}

TEST(FatDamage, AnyBytes)
{
    if (!HaveTools())
        GTEST_SKIP() << "dosfstools and mtools are not installed";
    Bytes Images[3];
    const u32 Bits[] = { 12, 16, 32 }, Sizes[] = { 360, 4200, 33500 };
    for (u32 I = 0; I < 3; ++I) {
        Disk D;
        D.Data = MakeVolume(Bits[I], Sizes[I], I ? "-s 1" : "");
        auto V = fat::Volume::Mount(D, UpCase);
        ASSERT_TRUE(V.Ok());
        Tree Model;
        std::mt19937 Random(I);
        for (u32 J = 0; J < 60; ++J)
            RandomChange(Random, *V.Value(), Model, 8000);
        ASSERT_TRUE(V.Value()->Sync().Ok());
        Images[I] = D.Data;
    }
    u32 Mounted = 0;
    Disk D;
    for (u32 Seed = 0; Seed < 300; ++Seed) {
        std::mt19937 Random(Seed);
        D.Data = Images[Seed % 3];
        usize Metadata = Seed % 3 == 2 ? 600000 : 60000;
        for (u32 Count = 1 + Random() % 200; Count--;) {
            usize At = Random() % 20 == 0 ? Random() % 512 : 512 + Random() % (Metadata - 512);
            D.Data[At] = Random() % 2 ? u8(Random()) : u8(D.Data[At] ^ 1 << Random() % 8);
        }
        auto V = fat::Volume::Mount(D, UpCase);
        if (!V.Ok())
            continue;
        ++Mounted;
        fat::Volume& Volume = *V.Value();
        Walk(Volume, Volume.Root(), 0);
        fat::Entry Root = Volume.Root();
        auto E = Volume.Create(Root, T(u"a new file with a long name"), fat::Archive, {});
        if (E.Ok()) {
            Bytes Data(5000, 1);
            Volume.Write(E.Value(), 100, Data.data(), Data.size()).Ignore();
            Volume.SetSize(E.Value(), 10).Ignore();
            Volume.Rename(E.Value(), Root, T(u"other")).Ignore();
            Volume.Remove(E.Value()).Ignore();
        }
        for (u32 Slot = 0, Count = 0; Count < 20; ++Count) {
            auto Old = Volume.Next(Root, Slot);
            if (!Old.Ok())
                break;
            if (Count % 2)
                Volume.Remove(Old.Value()).Ignore();
            else
                Volume.SetSize(Old.Value(), Old->Size / 2).Ignore();
        }
        Volume.Sync().Ignore();
        ASSERT_FALSE(HasFailure()) << "seed " << Seed;
    }
    EXPECT_GT(Mounted, 60u);
}
