// Random operations against a model; what fsck.fat says and mtools reads; and what mtools writes.
#include <algorithm>
#include <stdio.h>
#include <string.h>

#include "tests/host/fat/fat_test.hpp"

using namespace test;

namespace {

struct Kind {
    u32 Bits, KiloBytes;
    const char* More;
};
const Kind Kinds[] = { { 12, 1440, "" }, { 16, 16384, "-s 4" }, { 32, 40000, "-s 1" }, { 12, 4096, "-s 2 -f 1" }, { 32, 160000, "-S 2048 -s 1" } };

Result<Own<fat::Volume>> Mount(Disk& D) { return fat::Volume::Mount(D, UpCase); }

// The paths of all files, for mtools.
void Paths(const Tree::Item& At, const std::u16string& Above, std::vector<std::pair<std::u16string, const Tree::Item*>>& To)
{
    for (const auto& [Key, I] : At.Inside) {
        if (I.IsFolder)
            Paths(I, Above + u"/" + I.Name, To);
        else
            To.push_back({ Above + u"/" + I.Name, &I });
    }
}

std::string Utf8(const std::u16string& S)
{
    std::string Out;
    for (char16_t C : S) {
        if (C < 0x80) {
            Out += char(C);
        } else if (C < 0x800) {
            Out += char(0xC0 | C >> 6);
            Out += char(0x80 | (C & 0x3F));
        } else {
            Out += char(0xE0 | C >> 12);
            Out += char(0x80 | (C >> 6 & 0x3F));
            Out += char(0x80 | (C & 0x3F));
        }
    }
    return Out;
}

}

TEST(Fat, RandomOperationsOnEveryKind)
{
    if (!HaveTools())
        GTEST_SKIP() << "dosfstools and mtools are not installed";
    for (const Kind& K : Kinds) {
        Disk D;
        D.Data = MakeVolume(K.Bits, K.KiloBytes, K.More);
        auto V = Mount(D);
        ASSERT_TRUE(V.Ok()) << K.Bits << " " << std::hex << V.Code();
        ASSERT_EQ(V.Value()->Bits(), K.Bits);
        Tree Model;
        std::mt19937 Random(K.KiloBytes);
        for (u32 Round = 0; Round < 6; ++Round) {
            for (u32 I = 0; I < 80; ++I) {
                RandomChange(Random, *V.Value(), Model, 30000);
                ASSERT_FALSE(HasFatalFailure()) << K.Bits;
            }
            ASSERT_TRUE(V.Value()->Sync().Ok());
            ASSERT_TRUE(Same(ReadAll(*V.Value(), V.Value()->Root()), Model.Root)) << K.Bits << " round " << Round;
            ASSERT_TRUE(IsClean(D.Data)) << K.Bits << " round " << Round;
            V = Mount(D);
            ASSERT_TRUE(V.Ok());
            ASSERT_TRUE(Same(ReadAll(*V.Value(), V.Value()->Root()), Model.Root));
        }
        // mtools reads the same.
        std::vector<std::pair<std::u16string, const Tree::Item*>> All;
        Paths(Model.Root, u"", All);
        std::string Image = Scratch("read.img"), Out = Scratch("out.bin");
        Save(Image, D.Data);
        u32 Tried = 0;
        for (const auto& [Path, Item] : All) {
            if (++Tried > 12)
                break;
            remove(Out.c_str());
            ASSERT_EQ(RunTool("mcopy -n -i " + Image + " '::" + Utf8(Path) + "' " + Out), 0) << Utf8(Path);
            ASSERT_EQ(Load(Out), Item->Data) << Utf8(Path);
        }
        ASSERT_GT(Tried, 0u);
    }
}

TEST(Fat, ReadsWhatMtoolsWrote)
{
    if (!HaveTools())
        GTEST_SKIP() << "dosfstools and mtools are not installed";
    for (const Kind& K : Kinds) {
        std::string Image = Scratch("mtools.img"), In = Scratch("in.bin");
        Save(Image, MakeVolume(K.Bits, K.KiloBytes, K.More));
        Bytes Data(50000);
        for (usize I = 0; I < Data.size(); ++I)
            Data[I] = u8(I * 31 + I / 256);
        Save(In, Data);
        ASSERT_EQ(RunTool("mmd -i " + Image + " '::A longer folder name'"), 0);
        ASSERT_EQ(RunTool("mcopy -i " + Image + " " + In + " '::A longer folder name/Some file.data'"), 0);
        ASSERT_EQ(RunTool("mcopy -i " + Image + " " + In + " ::SHORT.BIN"), 0);
        Disk D;
        D.Data = Load(Image);
        auto V = Mount(D);
        ASSERT_TRUE(V.Ok());
        auto Found = ReadAll(*V.Value(), V.Value()->Root());
        ASSERT_EQ(Found.Inside.size(), 2u);
        ASSERT_TRUE(Found.Inside.contains(u"A LONGER FOLDER NAME"));
        EXPECT_EQ(Found.Inside[u"A LONGER FOLDER NAME"].Inside[u"SOME FILE.DATA"].Data, Data);
        EXPECT_EQ(Found.Inside[u"SHORT.BIN"].Data, Data);
    }
}

TEST(Fat, ShortNamesAreMadeAsWindowsMakesThem)
{
    if (!HaveTools())
        GTEST_SKIP() << "dosfstools and mtools are not installed";
    Disk D;
    D.Data = MakeVolume(16, 16384);
    auto V = Mount(D);
    ASSERT_TRUE(V.Ok());
    fat::Entry Root = V.Value()->Root();
    auto Short = [&](const char16_t* Name) {
        auto E = V.Value()->Create(Root, T(Name), fat::Archive, {});
        EXPECT_TRUE(E.Ok());
        return E.Ok() ? std::string(reinterpret_cast<const char*>(E->Short), 11) + (E->Slots > 1 ? "+" : "") : "";
    };
    EXPECT_EQ(Short(u"README.TXT"), "README  TXT");
    EXPECT_EQ(Short(u"lower.txt"), "LOWER   TXT");
    EXPECT_EQ(Short(u"Mixed.txt"), "MIXED   TXT+");
    EXPECT_EQ(Short(u"Long file name.text"), "LONGFI~1TEX+");
    EXPECT_EQ(Short(u"Long file name 2.text"), "LONGFI~2TEX+");
    EXPECT_EQ(Short(u"a.b.c"), "AB~1    C  +");
    EXPECT_EQ(Short(u"x+y"), "X_Y~1      +");
    EXPECT_EQ(Short(u"\u4E2D\u4E2D"), "__~1       +");
    auto E = V.Value()->Find(Root, T(u"longfi~1.tex"));
    ASSERT_TRUE(E.Ok());
    EXPECT_EQ(U(E->Name.Span()), u"Long file name.text");
    EXPECT_EQ(U(V.Value()->Find(Root, T(u"LOWER.TXT"))->Name.Span()), u"lower.txt");
    for (const char16_t* Name : { u"", u"a/b", u"a?", u"trailing.", u"trailing ", u"con:" })
        EXPECT_EQ(V.Value()->Create(Root, T(Name), fat::Archive, {}).Code(), STATUS_OBJECT_NAME_INVALID);
    ASSERT_TRUE(V.Value()->Sync().Ok());
    EXPECT_TRUE(IsClean(D.Data));
}

TEST(Fat, AFullVolumeStaysWhole)
{
    if (!HaveTools())
        GTEST_SKIP() << "dosfstools and mtools are not installed";
    Disk D;
    D.Data = MakeVolume(12, 360);
    auto V = Mount(D);
    ASSERT_TRUE(V.Ok());
    fat::Entry Root = V.Value()->Root();
    auto E = V.Value()->Create(Root, T(u"big"), fat::Archive, {});
    ASSERT_TRUE(E.Ok());
    Bytes Some(10000, 7);
    Status S;
    while ((S = V.Value()->Write(E.Value(), E->Size, Some.data(), Some.size())).Ok()) { }
    EXPECT_EQ(S.Code(), STATUS_DISK_FULL);
    ASSERT_TRUE(V.Value()->Sync().Ok());
    EXPECT_TRUE(IsClean(D.Data));
    ASSERT_TRUE(V.Value()->Remove(E.Value()).Ok());
    ASSERT_TRUE(V.Value()->Sync().Ok());
    EXPECT_TRUE(IsClean(D.Data));
    EXPECT_EQ(V.Value()->FreeClusters().Value(), V.Value()->Clusters());
}
