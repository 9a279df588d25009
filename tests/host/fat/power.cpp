// The power goes after every single sector written: fsck.fat -a repairs the volume, and files flushed before and not touched since are whole.
#include "tests/host/fat/fat_test.hpp"

using namespace test;

namespace {

void CutEverywhere(u32 Bits, u32 KiloBytes, const char* More, u32 Seed)
{
    Disk D;
    D.Data = MakeVolume(Bits, KiloBytes, More);
    auto V = fat::Volume::Mount(D, UpCase);
    ASSERT_TRUE(V.Ok());
    fat::Volume& Volume = *V.Value();
    // Files that are flushed and then left alone, in a folder of their own and beside the others.
    std::map<std::u16string, Bytes> Flushed;
    fat::Entry Root = Volume.Root();
    std::mt19937 Random(Seed);
    for (const char16_t* Name : { u"KEEP1.BIN", u"A file to be kept.data", u"keep3" }) {
        auto E = Volume.Create(Root, T(Name), fat::Archive, {});
        ASSERT_TRUE(E.Ok());
        Bytes Data(3000 + Random() % 6000);
        for (u8& C : Data)
            C = u8(Random());
        ASSERT_TRUE(Volume.Write(E.Value(), 0, Data.data(), Data.size()).Ok());
        Flushed[Name] = Data;
    }
    ASSERT_TRUE(Volume.Sync().Ok());
    Bytes Before = D.Data;
    D.Keep = true;
    auto Make = [&](const char16_t* Name, u8 Attributes, fat::Entry& In) { return std::move(Volume.Create(In, T(Name), Attributes, {}).Value()); };
    fat::Entry Folder = Make(u"Folder with a long name", fat::Folder, Root), File = Make(u"some file that grows.txt", fat::Archive, Folder);
    Bytes Data(9000, 0x55);
    ASSERT_TRUE(Volume.Write(File, 0, Data.data(), Data.size()).Ok());
    ASSERT_TRUE(Volume.Write(File, 9000, Data.data(), 5000).Ok());
    ASSERT_TRUE(Volume.SetSize(File, 2000).Ok());
    ASSERT_TRUE(Volume.Rename(File, Root, T(u"moved to the root and renamed")).Ok());
    fat::Entry Other = Make(u"OTHER", fat::Archive, Folder);
    ASSERT_TRUE(Volume.Write(Other, 100, Data.data(), 4000).Ok());
    ASSERT_TRUE(Volume.Rename(Folder, Root, T(u"another name of the folder")).Ok());
    ASSERT_TRUE(Volume.Remove(Other).Ok());
    ASSERT_TRUE(Volume.SetSize(File, 0).Ok());
    ASSERT_TRUE(Volume.Remove(Folder).Ok());
    ASSERT_TRUE(Volume.Remove(File).Ok());
    ASSERT_TRUE(Volume.Sync().Ok());
    ASSERT_GT(D.Log.size(), 60u);
    std::string Path = Scratch("cut.img");
    Bytes Image = Before;
    Disk After;
    for (usize Cut = 0; Cut <= D.Log.size(); ++Cut) {
        if (Cut) {
            const Disk::Write& W = D.Log[Cut - 1];
            std::copy(W.Data.begin(), W.Data.end(), Image.begin() + long(W.Offset));
        }
        // What the volume repairs by itself leaves nothing to do.
        After.Data = Image;
        if (auto Itself = fat::Volume::Mount(After, UpCase); Itself.Ok() && Itself.Value()->WasDirty()) {
            ASSERT_TRUE(Itself.Value()->Repair().Ok()) << "cut " << Cut;
            ASSERT_TRUE(Itself.Value()->Sync().Ok()) << "cut " << Cut;
            Save(Path, After.Data);
            ASSERT_EQ(RunTool("fsck.fat -n " + Path), 0) << "cut " << Cut << ", repaired by the volume itself";
        }
        Save(Path, Image);
        int Repaired = RunTool("fsck.fat -a " + Path);
        ASSERT_TRUE(Repaired == 0 || Repaired == 1) << "cut " << Cut << ": fsck.fat ends with " << Repaired;
        ASSERT_EQ(RunTool("fsck.fat -n " + Path), 0) << "cut " << Cut;
        Load(Path, After.Data);
        auto Again = fat::Volume::Mount(After, UpCase);
        ASSERT_TRUE(Again.Ok()) << "cut " << Cut;
        auto Found = ReadAll(*Again.Value(), Again.Value()->Root());
        for (const auto& [Name, Contents] : Flushed) {
            ASSERT_TRUE(Found.Inside.contains(Upper(Name))) << "cut " << Cut;
            ASSERT_EQ(Found.Inside[Upper(Name)].Data, Contents) << "cut " << Cut;
        }
    }
}

}

TEST(FatPower, EveryPrefixOfTheWritesCanBeRepaired)
{
    if (!HaveTools())
        GTEST_SKIP() << "dosfstools and mtools are not installed";
    CutEverywhere(12, 1440, "", 1);
    CutEverywhere(16, 8192, "-s 1", 2);
    CutEverywhere(32, 34000, "-s 1", 3);
}

TEST(FatPower, TheVolumeIsDirtyWhileItChanges)
{
    if (!HaveTools())
        GTEST_SKIP() << "dosfstools and mtools are not installed";
    Disk D;
    D.Data = MakeVolume(16, 8192, "-s 1");
    auto V = fat::Volume::Mount(D, UpCase);
    ASSERT_TRUE(V.Ok());
    EXPECT_EQ(D.Data[0x25] & 1, 0);
    fat::Entry Root = V.Value()->Root();
    ASSERT_TRUE(V.Value()->Create(Root, T(u"x"), fat::Archive, {}).Ok());
    EXPECT_EQ(D.Data[0x25] & 1, 1);
    ASSERT_TRUE(V.Value()->Sync().Ok());
    EXPECT_EQ(D.Data[0x25] & 1, 0);
}
