// Image files: what headers are taken, what is refused, and what the pages of a mapped image hold.
#include <random>

#include "tests/host/mm/pe.hpp"
#include "tests/host/mm/system.hpp"

using namespace mm;
using test::Pe;

namespace {

Status Parse(const std::vector<u8>& Bytes)
{
    Ref<test::File> F = test::MakeFile(Bytes);
    return ImageMap::Create(F->Data, Bytes.size()).GetStatus();
}

template <typename F> Status With(F&& Change)
{
    Pe P;
    Change(P);
    return Parse(P.Bytes);
}

// A process with the image mapped.
struct Mapped {
    test::Client C;
    u64 Base = 0;
    Status Outcome;
    explicit Mapped(Ref<test::File> F, u64 At = 0)
    {
        auto S = CreateImageSection(Ref<ob::Object>(*F), F->Data, F->Size, L"\\Test\\Image");
        if (!S.Ok()) {
            Outcome = S.GetStatus();
            return;
        }
        ViewRequest R { .Base = At };
        auto B = MapView(C.Space(), S.Take(), R);
        Outcome = B.GetStatus();
        if (B.Ok())
            Base = B.Value();
    }
};

}

TEST(Image, AValidOne)
{
    EXPECT_EQ(With([](Pe&) {}).Code(), STATUS_SUCCESS);
}

TEST(Image, WhatIsRefused)
{
    test::Balance B;
    EXPECT_EQ(Parse({}).Code(), STATUS_INVALID_IMAGE_NOT_MZ);
    EXPECT_EQ(Parse({ 'M', 'Z' }).Code(), STATUS_INVALID_IMAGE_NOT_MZ);
    EXPECT_EQ(With([](Pe& P) { P.Dos().e_magic = 0; }).Code(), STATUS_INVALID_IMAGE_NOT_MZ);
    EXPECT_EQ(With([](Pe& P) { P.Dos().e_lfanew = -4; }).Code(), STATUS_INVALID_IMAGE_PROTECT);
    EXPECT_EQ(With([](Pe& P) { P.Dos().e_lfanew = i32(P.Bytes.size() - 8); }).Code(), STATUS_INVALID_IMAGE_PROTECT);
    EXPECT_EQ(With([](Pe& P) { P.Nt().Signature = 0x454E; }).Code(), STATUS_INVALID_IMAGE_WIN_16);
    EXPECT_EQ(With([](Pe& P) { P.Nt().Signature = 1; }).Code(), STATUS_INVALID_IMAGE_PROTECT);
    EXPECT_EQ(With([](Pe& P) { P.Nt().FileHeader.Machine = 0x14C; }).Code(), STATUS_INVALID_IMAGE_FORMAT);      // a 64-bit optional header
    EXPECT_EQ(With([](Pe& P) { P.Nt().FileHeader.Machine = 0xAA64; }).Code(), STATUS_INVALID_IMAGE_FORMAT);
    NTSTATUS Bad = STATUS_INVALID_IMAGE_FORMAT;
    EXPECT_EQ(With([](Pe& P) { P.Nt().FileHeader.Characteristics = 0; }).Code(), Bad);
    EXPECT_EQ(With([](Pe& P) { P.Nt().FileHeader.SizeOfOptionalHeader = 20; }).Code(), Bad);
    EXPECT_EQ(With([](Pe& P) { P.Nt().FileHeader.SizeOfOptionalHeader = 0xFFFF; }).Code(), Bad);
    EXPECT_EQ(With([](Pe& P) { P.Nt().FileHeader.NumberOfSections = 97; }).Code(), Bad);
    EXPECT_EQ(With([](Pe& P) { P.Nt().FileHeader.NumberOfSections = 96; }).Code(), Bad);       // beyond the file's end
    EXPECT_EQ(With([](Pe& P) { P.Nt().OptionalHeader.Magic = 0x10B; }).Code(), Bad);
    for (u32 A : { 0u, 3u, 0x300u, 0x2000u })
        EXPECT_EQ(With([A](Pe& P) { P.Nt().OptionalHeader.FileAlignment = A; }).Code(), Bad) << A;
    for (u32 A : { 0u, 0x1800u, 0x100u })
        EXPECT_EQ(With([A](Pe& P) { P.Nt().OptionalHeader.SectionAlignment = A; }).Code(), Bad) << A;
    for (u32 Size : { 0u, 0x80000000u, 0xFFFFFFFFu, 0x4000u })
        EXPECT_EQ(With([Size](Pe& P) { P.Nt().OptionalHeader.SizeOfImage = Size; }).Code(), Bad) << Size;
    EXPECT_EQ(With([](Pe& P) { P.Nt().OptionalHeader.ImageBase += 0x1000; }).Code(), Bad);
    for (u32 Size : { 0u, 0x6000u, 0xFFFFFFFFu })
        EXPECT_EQ(With([Size](Pe& P) { P.Nt().OptionalHeader.SizeOfHeaders = Size; }).Code(), Bad) << Size;
    EXPECT_EQ(With([](Pe& P) { P.Nt().OptionalHeader.AddressOfEntryPoint = 0x5000; }).Code(), Bad);
    for (u32 Address : { 0u, 0x1800u, 0x1000u, 0x4000u, 0xFFFFF000u })
        EXPECT_EQ(With([Address](Pe& P) { P.Section(1).VirtualAddress = Address; }).Code(), Bad) << Address;
    for (u32 Size : { 0x2001u, 0x80000000u, 0xFFFFFFFFu })
        EXPECT_EQ(With([Size](Pe& P) { P.Section(1).Misc.VirtualSize = Size; }).Code(), Bad) << Size;
    for (u32 At : { 0xC00u, 0xFFFFFE00u })
        EXPECT_EQ(With([At](Pe& P) { P.Section(1).PointerToRawData = At; }).Code(), Bad) << At;
    EXPECT_EQ(With([](Pe& P) { P.Section(1).SizeOfRawData = 0xFFFFFFFF; }).Code(), Bad);
    B.Check();
}

TEST(Image, ForX86AndManaged)
{
    test::Balance B;
    auto FlagsOf = [](auto&& Change) -> int {
        Pe P;
        Change(P);
        Ref<test::File> F = test::MakeFile(P.Bytes);
        auto I = ImageMap::Create(F->Data, P.Bytes.size());
        return I.Ok() ? int(I.Value()->Info.ImageFlags) : -1;
    };
    constexpr int Il = SECTION_IMAGE_COM_PLUS_IL_ONLY, Native = SECTION_IMAGE_COM_PLUS_NATIVE_READY;
    EXPECT_EQ(FlagsOf([](Pe& P) { P.Narrow(); }), 0);
    EXPECT_EQ(FlagsOf([](Pe& P) { P.Manage(1); }), Il | Native);
    EXPECT_EQ(FlagsOf([](Pe& P) { P.Manage(1); P.Narrow(); }), Il | Native);
    EXPECT_EQ(FlagsOf([](Pe& P) { P.Manage(3); P.Narrow(); }), Il);
    EXPECT_EQ(FlagsOf([](Pe& P) { P.Manage(1, 2, 0); P.Narrow(); }), Il);
    EXPECT_EQ(FlagsOf([](Pe& P) { P.Manage(0); }), 0);
    EXPECT_EQ(FlagsOf([](Pe& P) { P.Manage(1); P.Nt().OptionalHeader.DataDirectory[14].VirtualAddress = 0x13FF; }), 0);
    EXPECT_EQ(FlagsOf([](Pe& P) { P.Manage(1); P.Nt().OptionalHeader.DataDirectory[14].VirtualAddress = 0xFFFFFFF0; }), 0);
    EXPECT_EQ(FlagsOf([](Pe& P) { P.Manage(1); P.Nt().OptionalHeader.NumberOfRvaAndSizes = 14; }), 0);
    EXPECT_EQ(FlagsOf([](Pe& P) { P.Narrow(0x401000); }), -1);
    EXPECT_EQ(FlagsOf([](Pe& P) { P.Narrow(); P.Nt().OptionalHeader.Magic = 0x20B; }), -1);

    Pe P;
    P.Narrow();
    Mapped M(test::MakeFile(P.Bytes));
    EXPECT_EQ(M.Outcome.Code(), STATUS_IMAGE_MACHINE_TYPE_MISMATCH);
    EXPECT_EQ(M.Base, 0x400000u);
    u8 Byte = 0;
    EXPECT_EQ(M.C.Peek(M.Base + 0x1000, Byte), STATUS_SUCCESS);
    EXPECT_EQ(Byte, 1);
}

TEST(Image, PagesOfAView)
{
    test::Balance B;
    {
        Mapped M(test::MakeFile(Pe().Bytes));
        ASSERT_EQ(M.Outcome.Code(), STATUS_SUCCESS);
        EXPECT_EQ(M.Base, 0x1'4000'0000u);
        u8 Byte = 0;
        EXPECT_EQ(M.C.Peek(M.Base, Byte), STATUS_SUCCESS);
        EXPECT_EQ(Byte, 'M');
        EXPECT_EQ(M.C.Peek(M.Base + 0x400, Byte), STATUS_SUCCESS);
        EXPECT_EQ(Byte, 0);             // the file goes on, the headers do not
        EXPECT_EQ(M.C.Poke(M.Base, 1), STATUS_ACCESS_VIOLATION);
        EXPECT_EQ(M.C.Peek(M.Base + 0x13FF, Byte), STATUS_SUCCESS);
        EXPECT_EQ(Byte, 1);
        EXPECT_EQ(M.C.Peek(M.Base + 0x1400, Byte), STATUS_SUCCESS);
        EXPECT_EQ(Byte, 0);
        EXPECT_EQ(M.C.Poke(M.Base + 0x1000, 1), STATUS_ACCESS_VIOLATION);
        EXPECT_EQ(M.C.Peek(M.Base + 0x21FF, Byte), STATUS_SUCCESS);
        EXPECT_EQ(Byte, 2);
        EXPECT_EQ(M.C.Peek(M.Base + 0x2200, Byte), STATUS_SUCCESS);
        EXPECT_EQ(Byte, 0);
        EXPECT_EQ(M.C.Poke(M.Base + 0x2200, 9), STATUS_SUCCESS);
        EXPECT_EQ(M.C.Peek(M.Base + 0x2000, Byte), STATUS_SUCCESS);
        EXPECT_EQ(Byte, 2);             // the copy has all of the page
        EXPECT_EQ(M.C.Poke(M.Base + 0x3800, 9), STATUS_SUCCESS);
        EXPECT_EQ(M.C.Peek(M.Base + 0x5000, Byte), STATUS_ACCESS_VIOLATION);
        EXPECT_EQ(M.C.Query(M.Base + 0x1000).Protect, PAGE_EXECUTE_READ);
        EXPECT_EQ(M.C.Query(M.Base + 0x2000).Type, MEM_IMAGE);
        EXPECT_EQ(M.C.Query(M.Base).RegionSize, 0x1000u);
    }
    B.Check();
}

TEST(Image, WritesArePrivateUnlessShared)
{
    test::Balance B;
    {
        Ref<test::File> F = test::MakeFile(Pe().Bytes);
        Mapped A(F), C(F);
        ASSERT_TRUE(A.Outcome.Ok() && C.Outcome.Ok());
        u8 Byte = 0;
        EXPECT_EQ(C.C.Peek(C.Base + 0x2000, Byte), STATUS_SUCCESS);     // mapped there before the other writes
        EXPECT_EQ(A.C.Poke(A.Base + 0x2000, 77), STATUS_SUCCESS);
        EXPECT_EQ(C.C.Peek(C.Base + 0x2000, Byte), STATUS_SUCCESS);
        EXPECT_EQ(Byte, 2);
        EXPECT_EQ(A.C.Poke(A.Base + 0x4001, 88), STATUS_SUCCESS);
        EXPECT_EQ(C.C.Peek(C.Base + 0x4001, Byte), STATUS_SUCCESS);
        EXPECT_EQ(Byte, 88);
        EXPECT_TRUE(CopyToUser(A.C.Process(), A.Base + 0x2001, "x", 1).Ok());
        EXPECT_EQ(C.C.Peek(C.Base + 0x2001, Byte), STATUS_SUCCESS);
        EXPECT_EQ(Byte, 2);
        // Nothing of it reaches the file.
        EXPECT_TRUE(F->Data->Read(0xA01, &Byte, 1).Ok());
        EXPECT_EQ(Byte, 3);
        EXPECT_TRUE(F->Data->Read(0x800, &Byte, 1).Ok());
        EXPECT_EQ(Byte, 2);
        EXPECT_EQ(F->Data->Truncate(0).Code(), STATUS_USER_MAPPED_FILE);
    }
    B.Check();
}

TEST(Image, PatchingCode)
{
    test::Balance B;
    {
        Ref<test::File> F = test::MakeFile(Pe().Bytes);
        Mapped A(F), C(F);
        u64 Base = A.Base + 0x1000, Size = 1;
        u32 Old;
        EXPECT_EQ(A.C.Protect(Base, Size, PAGE_EXECUTE_READWRITE, Old), STATUS_SUCCESS);
        EXPECT_EQ(Old, PAGE_EXECUTE_READ);
        EXPECT_EQ(A.C.Poke(A.Base + 0x1000, 0xCC), STATUS_SUCCESS);
        u8 Byte;
        EXPECT_EQ(C.C.Peek(C.Base + 0x1000, Byte), STATUS_SUCCESS);
        EXPECT_EQ(Byte, 1);
        EXPECT_EQ(A.C.Protect(Base, Size, PAGE_EXECUTE_READ, Old), STATUS_SUCCESS);
        EXPECT_EQ(A.C.Poke(A.Base + 0x1000, 0xCD), STATUS_ACCESS_VIOLATION);
        EXPECT_EQ(A.C.Peek(A.Base + 0x1000, Byte), STATUS_SUCCESS);
        EXPECT_EQ(Byte, 0xCC);
    }
    B.Check();
}

TEST(Image, ElsewhereAndTwice)
{
    test::Balance B;
    {
        Ref<test::File> F = test::MakeFile(Pe().Bytes);
        Mapped A(F, 0x7000'0000);
        EXPECT_EQ(A.Outcome.Code(), STATUS_IMAGE_NOT_AT_BASE);
        EXPECT_EQ(A.Base, 0x7000'0000u);
        u8 Byte = 0;
        EXPECT_EQ(A.C.Peek(A.Base + 1, Byte), STATUS_SUCCESS);
        EXPECT_EQ(Byte, 'Z');
        Pe High;
        High.Nt().OptionalHeader.ImageBase = 0xFFFF'FFFF'FFFF'0000;
        Mapped C(test::MakeFile(High.Bytes));
        EXPECT_EQ(C.Outcome.Code(), STATUS_IMAGE_NOT_AT_BASE);
        EXPECT_EQ(C.C.Peek(C.Base + 1, Byte), STATUS_SUCCESS);
    }
    B.Check();
}

// The last page of a section's bytes may share the file's page only if nothing follows them there.
TEST(Image, BytesBehindASectionAreNotPartOfIt)
{
    Pe P({ { ".data", 0x1000, 0x1000, 0x1000, 0x200, IMAGE_SCN_MEM_READ | IMAGE_SCN_MEM_WRITE } }, 0x2000);
    for (u32 I = 0; I < 300; ++I)
        P.Bytes.push_back(0xEE);        // a signature, symbols
    Mapped M(test::MakeFile(P.Bytes));
    ASSERT_TRUE(M.Outcome.Ok());
    u8 Byte;
    EXPECT_EQ(M.C.Peek(M.Base + 0x11FF, Byte), STATUS_SUCCESS);
    EXPECT_EQ(Byte, 1);
    EXPECT_EQ(M.C.Peek(M.Base + 0x1200, Byte), STATUS_SUCCESS);
    EXPECT_EQ(Byte, 0);
}

TEST(Image, AlignedSectionsShareTheFilesPages)
{
    test::Balance B;
    {
        Pe P({ { ".text", 0x1000, 0x3000, 0x1000, 0x3000, IMAGE_SCN_MEM_EXECUTE | IMAGE_SCN_MEM_READ } }, 0x4000, 0x1000);
        Ref<test::File> F = test::MakeFile(P.Bytes);
        Mapped M(F);
        u8 Byte;
        u64 Before = QueryMemory().CommittedPages;
        for (u64 A = 0x1000; A < 0x4000; A += 0x1000)
            EXPECT_EQ(M.C.Peek(M.Base + A, Byte), STATUS_SUCCESS);
        EXPECT_EQ(QueryMemory().CommittedPages, Before);
        EXPECT_EQ(MUST(M.C.Space().FrameAt(M.Base + 0x2000)), MUST(F->Data->PageFrame(2, false)));
    }
    B.Check();
}

TEST(Image, FlatOnes)
{
    test::Balance B;
    {
        Pe P({ { ".text", 0x400, 0x400, 0x400, 0x400, IMAGE_SCN_MEM_EXECUTE | IMAGE_SCN_MEM_READ } }, 0x1800, 0x200, 0x200);
        P.Nt().OptionalHeader.AddressOfEntryPoint = 0x410;
        Mapped M(test::MakeFile(P.Bytes));
        ASSERT_TRUE(M.Outcome.Ok());
        u8 Byte;
        EXPECT_EQ(M.C.Peek(M.Base + 0x7FF, Byte), STATUS_SUCCESS);
        EXPECT_EQ(Byte, 1);
        EXPECT_EQ(M.C.Peek(M.Base + 0x17FF, Byte), STATUS_SUCCESS);
        EXPECT_EQ(Byte, 0);
    }
    B.Check();
}

// Broken in random places: no crash, nothing lost, and every page of what is accepted can be looked at.
TEST(Image, RandomDamage)
{
    test::Balance B;
    std::mt19937 Random(3);
    u32 Accepted = 0;
    for (u32 I = 0; I < 1000; ++I) {
        Pe P;
        u32 Changes = 1 + Random() % 3;
        for (u32 J = 0; J < Changes; ++J) {
            u32 At = Random() % (Pe::HeaderAt + sizeof(IMAGE_NT_HEADERS64) + 3 * sizeof(IMAGE_SECTION_HEADER));
            static constexpr u32 Nasty[] = { 0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFF000, 0x1000, 0x200 };
            if (Random() % 2) {
                P.Bytes[At] = u8(Random());
            } else {
                u32 Value = Nasty[Random() % 8];
                memcpy(&P.Bytes[At & ~3u], &Value, 4);
            }
        }
        if (Random() % 4 == 0)
            P.Bytes.resize(Random() % P.Bytes.size() + 1);
        Mapped M(test::MakeFile(P.Bytes));
        if (!M.Outcome.Ok())
            continue;
        ++Accepted;
        u64 End = M.Base + M.C.Space().Find(M.Base)->End - M.C.Space().Find(M.Base)->Start;
        if (End - M.Base > 64 * PageSize)
            End = M.Base + 64 * PageSize;
        for (u64 A = M.Base; A < End; A += PageSize) {
            u8 Byte;
            (void)M.C.Peek(A, Byte);
            (void)M.C.Poke(A + 5, 1);
            (void)M.C.Query(A);
        }
    }
    EXPECT_GT(Accepted, 50u);
    B.Check();
}
