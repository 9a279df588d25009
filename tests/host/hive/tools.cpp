// Beside other people's tools: hivex (and its Python binding) and reged read what is written here, and what hivex writes is read here.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <algorithm>

#include "tests/host/hive/hive_test.hpp"

using namespace test;

namespace {

std::string Scratch(const char* Name) { return std::string(HIVE_SCRATCH) + "/" + Name; }

void Save(const std::string& Path, const Bytes& B)
{
    FILE* F = fopen(Path.c_str(), "wb");
    ASSERT_TRUE(F);
    ASSERT_EQ(fwrite(B.data(), 1, B.size(), F), B.size());
    fclose(F);
}

Bytes Load(const std::string& Path)
{
    FILE* F = fopen(Path.c_str(), "rb");
    EXPECT_TRUE(F) << Path;
    Bytes B;
    u8 Part[4096];
    for (usize N; F && (N = fread(Part, 1, sizeof(Part), F)) > 0;)
        B.insert(B.end(), Part, Part + N);
    if (F)
        fclose(F);
    return B;
}

bool Have(const char* Command) { return system(("command -v " + std::string(Command) + " >/dev/null 2>&1").c_str()) == 0; }
bool HaveBinding() { return system(HIVE_PYTHON " -c 'import hivex' >/dev/null 2>&1") == 0; }

void Hex(std::string& To, const void* From, usize Count)
{
    char Text[3];
    for (usize I = 0; I < Count; ++I) {
        snprintf(Text, sizeof(Text), "%02x", static_cast<const u8*>(From)[I]);
        To += Text;
    }
}

// The form with_hivex.py prints: one line for a key, one for every value; all texts as hexadecimal UTF-16.
void Print(std::string& To, const ModelKey& K, u32 Depth)
{
    To += std::to_string(Depth) + " key ";
    if (Depth)
        Hex(To, K.Name.data(), K.Name.size() * 2);
    To += "\n";
    std::map<std::u16string, const ModelValue*> Sorted;
    for (const ModelValue& V : K.Values)
        Sorted[V.Name] = &V;
    std::vector<std::string> Lines;
    for (const auto& [Name, V] : Sorted) {
        std::string Line = std::to_string(Depth) + " value ";
        Hex(Line, V->Name.data(), V->Name.size() * 2);
        Line += " " + std::to_string(V->Type) + " ";
        Hex(Line, V->Data.data(), V->Data.size());
        Lines.push_back(Line + "\n");
    }
    std::sort(Lines.begin(), Lines.end());
    for (const std::string& Line : Lines)
        To += Line;
    for (const auto& [Name, Child] : K.Children)
        Print(To, *Child, Depth + 1);
}

// The first line in which two listings differ, cut short; empty if none does.
std::string Difference(const std::string& A, const std::string& B)
{
    for (usize At = 0; At < A.size() || At < B.size();) {
        usize EndA = std::min(A.find('\n', At), A.size()), EndB = std::min(B.find('\n', At), B.size());
        std::string LineA = At < A.size() ? A.substr(At, EndA - At) : "", LineB = At < B.size() ? B.substr(At, EndB - At) : "";
        if (LineA != LineB)
            return LineA.substr(0, 200) + " / " + LineB.substr(0, 200);
        At = EndA + 1;
    }
    return "";
}

void Prepare(Machine& M, ModelKey& Model, u32 Seed)
{
    auto H = NewHive(Model);
    std::mt19937 Random(Seed);
    regf::Store S(*H, M.Files[0], &M.Files[1], &M.Files[2]);
    ASSERT_TRUE(S.Create().Ok());
    for (u32 Round = 0; Round < 4; ++Round) {
        for (u32 I = 0; I < 120; ++I)
            RandomChange(Random, *H, Model);
        ASSERT_TRUE(S.Reconcile().Ok());
    }
}

}

TEST(Tools, HivexReadsWhatIsWritten)
{
    if (!HaveBinding())
        GTEST_SKIP() << "python3-hivex is not installed";
    for (u32 Seed = 1; Seed <= 6; ++Seed) {
        Machine M;
        ModelKey Model;
        Prepare(M, Model, Seed);
        std::string Hive = Scratch("written.hive"), Dump = Scratch("written.txt");
        Save(Hive, M.Files[0].Seen);
        ASSERT_EQ(system((HIVE_PYTHON " " HIVE_SCRIPT " dump " + Hive + " > " + Dump).c_str()), 0);
        std::string Expected;
        Print(Expected, Model, 0);
        Bytes Found = Load(Dump);
        ASSERT_EQ(Difference(Expected, std::string(Found.begin(), Found.end())), "") << "seed " << Seed;
    }
}

TEST(Tools, WhatHivexWritesIsRead)
{
    if (!HaveBinding())
        GTEST_SKIP() << "python3-hivex is not installed";
    Machine M;
    ModelKey Model;
    Prepare(M, Model, 3);
    std::string Hive = Scratch("changed.hive"), Dump = Scratch("changed.txt");
    Save(Hive, M.Files[0].Seen);
    // hivex adds keys, values and deletes some, then tells what the hive holds.
    ASSERT_EQ(system((HIVE_PYTHON " " HIVE_SCRIPT " change " + Hive + " > " + Dump).c_str()), 0);
    M.Files[0].Seen = Load(Hive);
    Reports = 0;
    regf::Hive H(Around());
    regf::Store S(H, M.Files[0], &M.Files[1], &M.Files[2]);
    Status Opened = S.Open();
    ASSERT_TRUE(Opened.Ok());
    auto Found = ReadAll(H, H.Root());
    std::string Text;
    Print(Text, *Found, 0);
    Bytes Expected = Load(Dump);
    ASSERT_EQ(Difference(Text, std::string(Expected.begin(), Expected.end())), "");
    ASSERT_TRUE(Found->Children.contains(u"ADDED BY HIVEX"));
    // And it can be changed further.
    std::mt19937 Random(8);
    for (u32 I = 0; I < 100; ++I)
        RandomChange(Random, H, *Found);
    ASSERT_TRUE(S.Reconcile().Ok());
    ASSERT_TRUE(Same(*ReadAll(H, H.Root()), *Found));
}

TEST(Tools, RegedReadsAndWrites)
{
    if (!Have("reged") && !Have("/usr/sbin/reged"))
        GTEST_SKIP() << "chntpw is not installed";
    Machine M;
    ModelKey Model;
    auto H = NewHive(Model);
    u32 Key = H->NewKey(H->Root(), T(u"Software"), {}, SomeDescriptor(18)).Take();
    ASSERT_TRUE(H->Link(H->Root(), Key).Ok());
    std::u16string Hello = u"hello";
    u32 Values[2] = { H->NewValue(T(u"Text"), 1, { reinterpret_cast<const u8*>(Hello.c_str()), Hello.size() * 2 + 2 }).Take(),
                      H->NewValue(T(u"Number"), 4, Bytes { 0x2A, 0, 0, 0 }).Take() };
    ASSERT_TRUE(H->SetValues(Key, Values).Ok());
    regf::Store S(*H, M.Files[0], nullptr, nullptr);
    ASSERT_TRUE(S.Create().Ok());
    std::string Hive = Scratch("reged.hive"), Out = Scratch("reged.reg"), In = Scratch("reged-in.reg");
    Save(Hive, M.Files[0].Seen);
    std::string Run = "PATH=$PATH:/usr/sbin reged ";
    ASSERT_EQ(system((Run + "-x " + Hive + " HKEY_LOCAL_MACHINE '\\' " + Out + " >/dev/null 2>&1").c_str()) & ~0x300, 0);
    Bytes Exported = Load(Out);
    std::string Text;
    for (u8 C : Exported)
        if (C && C < 0x80)
            Text += char(C);
    EXPECT_NE(Text.find("\"Text\"=\"hello\""), std::string::npos) << Text;
    EXPECT_NE(Text.find("\"Number\"=dword:0000002a"), std::string::npos) << Text;
    std::string Import = "Windows Registry Editor Version 5.00\r\n\r\n[HKEY_LOCAL_MACHINE\\Software\\ByReged]\r\n\"Seven\"=dword:00000007\r\n\r\n";
    Save(In, Bytes(Import.begin(), Import.end()));
    system((Run + "-I -C " + Hive + " HKEY_LOCAL_MACHINE " + In + " >/dev/null 2>&1").c_str());
    M.Files[0].Seen = Load(Hive);
    regf::Hive Again(Around());
    regf::Store Reader(Again, M.Files[0], nullptr, nullptr);
    ASSERT_TRUE(Reader.Open().Ok());
    auto Found = ReadAll(Again, Again.Root());
    ASSERT_TRUE(Found->Children.contains(u"SOFTWARE"));
    auto& Software = *Found->Children[u"SOFTWARE"];
    EXPECT_EQ(Software.Values.size(), 2u);
    ASSERT_TRUE(Software.Children.contains(u"BYREGED"));
    ASSERT_EQ(Software.Children[u"BYREGED"]->Values.size(), 1u);
    EXPECT_EQ(Software.Children[u"BYREGED"]->Values[0].Data, (Bytes { 7, 0, 0, 0 }));
}
