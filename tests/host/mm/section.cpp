// Data sections and views.
#include "tests/host/mm/system.hpp"

using namespace mm;

namespace {

struct Sections : ::testing::Test {
    test::Client C, D;
    HANDLE Create(HANDLE File, u64 Size, u32 Protect, u32 Attributes, NTSTATUS Expected = STATUS_SUCCESS)
    {
        NTSTATUS S = C.Now(NtCreateSection, C.Put(0, 0), SECTION_ALL_ACCESS, 0, Size ? C.Put(1, Size) : 0, Protect, Attributes, File);
        EXPECT_EQ(S, Expected);
        return reinterpret_cast<HANDLE>(C.Get(0));
    }
    NTSTATUS Map(HANDLE Section, u64& Base, u64 Offset, u64& Size, u32 Protect, u32 Type = 0, HANDLE In = test::Self)
    {
        NTSTATUS S = C.Now(NtMapViewOfSection, Section, In, C.Put(2, Base), 0, 0, C.Put(3, Offset), C.Put(4, Size), ViewShare, Type, Protect);
        Base = C.Get(2);
        Size = C.Get(4);
        return S;
    }
    NTSTATUS Unmap(u64 Base, HANDLE In = test::Self) { return C.Now(NtUnmapViewOfSection, In, Base); }
    HANDLE Other() { return C.Open(Ref<ob::Object>(D.Process()), PROCESS_ALL_ACCESS); }
};

u8 At(test::Client& C, u64 Address)
{
    u8 Byte = 0xEE;
    EXPECT_EQ(C.Peek(Address, Byte), STATUS_SUCCESS);
    return Byte;
}

}

TEST_F(Sections, AreShared)
{
    HANDLE S = Create(nullptr, 3 * PageSize, PAGE_READWRITE, SEC_COMMIT);
    u64 A = 0, B = 0x5000'0000, Size = 0, SizeB = 0;
    ASSERT_EQ(Map(S, A, 0, Size, PAGE_READWRITE), STATUS_SUCCESS);
    EXPECT_EQ(Size, 3 * PageSize);
    ASSERT_EQ(Map(S, B, 0, SizeB, PAGE_READONLY, 0, Other()), STATUS_SUCCESS);
    EXPECT_EQ(C.Poke(A + 5, 42), STATUS_SUCCESS);
    EXPECT_EQ(At(D, B + 5), 42);
    EXPECT_EQ(D.Poke(B + 5, 1), STATUS_ACCESS_VIOLATION);
    EXPECT_TRUE(CopyToUser(C.Process(), A + 2 * PageSize, "z", 1).Ok());
    EXPECT_EQ(At(D, B + 2 * PageSize), 'z');
    EXPECT_FALSE(CopyToUser(D.Process(), B, "z", 1).Ok());
    C.Close(S);
    EXPECT_EQ(At(D, B + 5), 42);        // views keep it
    EXPECT_EQ(Unmap(A + PageSize), STATUS_SUCCESS);         // any address of the view
    EXPECT_EQ(Unmap(A), STATUS_NOT_MAPPED_VIEW);
    EXPECT_EQ(C.Poke(A, 1), STATUS_ACCESS_VIOLATION);
    EXPECT_EQ(C.Query(A).State, MEM_FREE);
    EXPECT_EQ(D.Query(B).Type, MEM_MAPPED);
}

TEST_F(Sections, CopyOnWriteViews)
{
    HANDLE S = Create(nullptr, 2 * PageSize, PAGE_READWRITE, SEC_COMMIT);
    u64 A = 0, B = 0, Size = 0;
    ASSERT_EQ(Map(S, A, 0, Size, PAGE_READWRITE), STATUS_SUCCESS);
    ASSERT_EQ(Map(S, B, 0, Size, PAGE_WRITECOPY), STATUS_SUCCESS);
    EXPECT_EQ(C.Poke(A, 1), STATUS_SUCCESS);
    EXPECT_EQ(At(C, B), 1);
    EXPECT_EQ(C.Poke(B + 1, 7), STATUS_SUCCESS);
    EXPECT_EQ(At(C, A + 1), 0);
    EXPECT_EQ(C.Poke(A, 2), STATUS_SUCCESS);
    EXPECT_EQ(At(C, B), 1);             // a copy since
    u64 Base = B + PageSize, Bytes = PageSize;
    u32 Old;
    EXPECT_EQ(C.Protect(Base, Bytes, PAGE_READWRITE, Old), STATUS_SUCCESS);
    EXPECT_EQ(Old, PAGE_WRITECOPY);
    EXPECT_EQ(C.Poke(B + PageSize, 9), STATUS_SUCCESS);
    EXPECT_EQ(At(C, A + PageSize), 0);  // still not the section's
}

TEST_F(Sections, ProtectionsMustFit)
{
    HANDLE Read = Create(nullptr, PageSize, PAGE_READONLY, SEC_COMMIT);
    u64 A = 0, Size = 0;
    EXPECT_EQ(Map(Read, A, 0, Size, PAGE_READWRITE), STATUS_SECTION_PROTECTION);
    EXPECT_EQ(Map(Read, A, 0, Size, PAGE_EXECUTE_READ), STATUS_SECTION_PROTECTION);
    EXPECT_EQ(Map(Read, A, 0, Size, 0), STATUS_INVALID_PAGE_PROTECTION);
    ASSERT_EQ(Map(Read, A, 0, Size, PAGE_READONLY), STATUS_SUCCESS);
    u32 Old;
    Size = PageSize;
    EXPECT_EQ(C.Protect(A, Size, PAGE_READWRITE, Old), STATUS_SECTION_PROTECTION);
    EXPECT_EQ(C.Protect(A, Size, PAGE_NOACCESS, Old), STATUS_SUCCESS);
    u8 Byte;
    EXPECT_EQ(C.Peek(A, Byte), STATUS_ACCESS_VIOLATION);
    // A handle that may only read.
    HANDLE Write = Create(nullptr, PageSize, PAGE_READWRITE, SEC_COMMIT);
    auto Any = ob::ReferenceAny(C.Thread(), Write, 0).Take();
    HANDLE Weak = C.Open(Any.Target, SECTION_MAP_READ | SECTION_QUERY);
    u64 B = 0;
    Size = 0;
    EXPECT_EQ(Map(Weak, B, 0, Size, PAGE_READWRITE), STATUS_ACCESS_DENIED);
    EXPECT_EQ(Map(Weak, B, 0, Size, PAGE_READONLY), STATUS_SUCCESS);
}

TEST_F(Sections, HostileArguments)
{
    Create(nullptr, 0, PAGE_READWRITE, SEC_COMMIT, STATUS_INVALID_PARAMETER_4);
    Create(nullptr, ~u64(0), PAGE_READWRITE, SEC_COMMIT, STATUS_SECTION_TOO_BIG);
    Create(nullptr, u64(1) << 50, PAGE_READWRITE, SEC_RESERVE, STATUS_SECTION_TOO_BIG);
    Create(nullptr, u64(1) << 40, PAGE_READWRITE, SEC_COMMIT, STATUS_COMMITMENT_LIMIT);
    Create(nullptr, PageSize, 0x55, SEC_COMMIT, STATUS_INVALID_PAGE_PROTECTION);
    Create(nullptr, PageSize, PAGE_READWRITE, SEC_IMAGE, STATUS_INVALID_FILE_FOR_SECTION);
    HANDLE S = Create(nullptr, 20 * PageSize, PAGE_READWRITE, SEC_COMMIT);
    auto Try = [&](u64 Base, u64 Offset, u64 Size) { return Map(S, Base, Offset, Size, PAGE_READWRITE); };
    EXPECT_EQ(Try(0, 1, 0), STATUS_MAPPED_ALIGNMENT);
    EXPECT_EQ(Try(0, PageSize, 0), STATUS_MAPPED_ALIGNMENT);
    EXPECT_EQ(Try(0x1000'1000, 0, 0), STATUS_MAPPED_ALIGNMENT);
    EXPECT_EQ(Try(0, 2 * AllocationGranularity, 0), STATUS_INVALID_VIEW_SIZE);
    EXPECT_EQ(Try(0, ~u64(0xFFFF), 0), STATUS_INVALID_VIEW_SIZE);
    EXPECT_EQ(Try(0, 0, 21 * PageSize), STATUS_INVALID_VIEW_SIZE);
    EXPECT_EQ(Try(0, AllocationGranularity, 5 * PageSize), STATUS_INVALID_VIEW_SIZE);
    EXPECT_EQ(Try(0, AllocationGranularity, 4 * PageSize), STATUS_SUCCESS);
    for (u64 Base : { ~u64(0) & ~u64(0xFFFF), u64(1) << 47, u64(HighestUser) + 1 })
        EXPECT_EQ(Try(Base, 0, PageSize), STATUS_INVALID_PARAMETER_3);
    EXPECT_LT(Try(u64(HighestUser) + 1 - AllocationGranularity, 0, 0), 0);
    EXPECT_EQ(Try(0, 0, ~u64(0)), STATUS_INVALID_PARAMETER_3);
    u64 A = 0x4000'0000, Size = PageSize;
    EXPECT_EQ(Map(S, A, 0, Size, PAGE_READWRITE), STATUS_SUCCESS);
    EXPECT_EQ(Map(S, A, 0, Size, PAGE_READWRITE), STATUS_CONFLICTING_ADDRESSES);
    EXPECT_EQ(C.Now(NtMapViewOfSection, test::Self, test::Self, C.Put(2, 0), 0, 0, 0, C.Put(4, 0), ViewShare, 0, PAGE_READWRITE), STATUS_OBJECT_TYPE_MISMATCH);
    EXPECT_EQ(C.Now(NtMapViewOfSection, S, test::Self, 0x18, 0, 0, 0, C.Put(4, 0), ViewShare, 0, PAGE_READWRITE), STATUS_ACCESS_VIOLATION);
    EXPECT_EQ(C.Now(NtMapViewOfSection, S, test::Self, C.Put(2, 0), 0, 0, 0, C.Put(4, 0), 3, 0, PAGE_READWRITE), STATUS_INVALID_PARAMETER_8);
    EXPECT_EQ(Unmap(test::Client::Arguments), STATUS_NOT_MAPPED_VIEW);
    EXPECT_EQ(Unmap(~u64(0)), STATUS_NOT_MAPPED_VIEW);
    // A view is no private memory.
    u64 Base = A, Bytes = 0;
    EXPECT_LT(C.Free(Base, Bytes, MEM_RELEASE), 0);
    EXPECT_EQ(At(C, A), 0);
}

TEST_F(Sections, ReservedPagesAreCommittedForAll)
{
    HANDLE S = Create(nullptr, u64(1) << 40, PAGE_READWRITE, SEC_RESERVE);
    u64 A = 0, B = 0, Size = 16 * PageSize, SizeB = 32 * PageSize;
    ASSERT_EQ(Map(S, A, 0, Size, PAGE_READWRITE), STATUS_SUCCESS);
    ASSERT_EQ(Map(S, B, 0, SizeB, PAGE_READWRITE, 0, Other()), STATUS_SUCCESS);
    EXPECT_EQ(C.Poke(A, 1), STATUS_ACCESS_VIOLATION);
    EXPECT_EQ(C.Query(A).State, MEM_RESERVE);
    u64 Base = A + 2 * PageSize, Bytes = 3 * PageSize;
    ASSERT_EQ(C.Allocate(Base, Bytes, MEM_COMMIT, PAGE_READWRITE), STATUS_SUCCESS);
    EXPECT_EQ(C.Poke(A + 2 * PageSize, 5), STATUS_SUCCESS);
    EXPECT_EQ(At(D, B + 2 * PageSize), 5);
    EXPECT_EQ(D.Poke(B + 4 * PageSize, 6), STATUS_SUCCESS);
    EXPECT_EQ(D.Poke(B + 5 * PageSize, 6), STATUS_ACCESS_VIOLATION);
    EXPECT_EQ(C.Query(A + 2 * PageSize).RegionSize, 3 * PageSize);
    EXPECT_EQ(D.Query(B + 2 * PageSize).State, MEM_COMMIT);
    Base = A + 2 * PageSize;
    HANDLE Plain = Create(nullptr, 4 * PageSize, PAGE_READWRITE, SEC_COMMIT);
    u64 E = 0, SizeE = 0;
    ASSERT_EQ(Map(Plain, E, 0, SizeE, PAGE_READWRITE), STATUS_SUCCESS);
    // What is committed already gets the protection.
    EXPECT_EQ(C.Allocate(E, SizeE, MEM_COMMIT, PAGE_READONLY), STATUS_SUCCESS);
    EXPECT_EQ(C.Query(E).Protect, DWORD(PAGE_READONLY));
    EXPECT_EQ(C.Poke(E, 1), STATUS_ACCESS_VIOLATION);
}

TEST_F(Sections, OfFiles)
{
    std::vector<u8> Bytes(10000, 3);
    Ref<test::File> F = test::MakeFile(Bytes);
    HANDLE File = C.Open(Ref<ob::Object>(*F), 1);
    HANDLE S = Create(File, 0, PAGE_READWRITE, SEC_COMMIT);
    u64 A = 0, Size = 0;
    ASSERT_EQ(Map(S, A, 0, Size, PAGE_READWRITE), STATUS_SUCCESS);
    EXPECT_EQ(Size, 3 * PageSize);
    EXPECT_EQ(At(C, A + 9999), 3);
    EXPECT_EQ(At(C, A + 10000), 0);
    EXPECT_EQ(C.Poke(A + 20, 9), STATUS_SUCCESS);
    u8 Byte;
    EXPECT_TRUE(F->Data->Read(20, &Byte, 1).Ok());
    EXPECT_EQ(Byte, 9);
    EXPECT_EQ(F->Data->Truncate(0).Code(), STATUS_USER_MAPPED_FILE);
    // Writing to the file is seen in the view.
    Byte = 11;
    EXPECT_TRUE(F->Data->Write(30, &Byte, 1).Ok());
    EXPECT_EQ(At(C, A + 30), 11);
    EXPECT_EQ(Unmap(A), STATUS_SUCCESS);
    EXPECT_TRUE(F->Data->Truncate(0).Ok());
    F->Size = 0;
    Create(File, 0, PAGE_READWRITE, SEC_COMMIT, STATUS_MAPPED_FILE_SIZE_ZERO);
    Create(File, PageSize, PAGE_READONLY, SEC_COMMIT, STATUS_SECTION_TOO_BIG);
    Create(File, PageSize, PAGE_READWRITE, SEC_COMMIT);
    EXPECT_EQ(F->Size, PageSize);
}

TEST_F(Sections, PlaceholdersTakeViews)
{
    HANDLE S = Create(nullptr, 4 * PageSize, PAGE_READWRITE, SEC_COMMIT);
    ASSERT_EQ(C.Now(NtAllocateVirtualMemoryEx, test::Self, C.Put(0, 0x3000'0000), C.Put(1, 4 * PageSize), MEM_RESERVE | MEM_RESERVE_PLACEHOLDER, PAGE_NOACCESS, 0, 0),
              STATUS_SUCCESS);
    auto MapEx = [&](u64 Base, u64 Size) {
        return C.Now(NtMapViewOfSectionEx, S, test::Self, C.Put(2, Base), C.Put(3, 0), C.Put(4, Size), MEM_REPLACE_PLACEHOLDER, PAGE_READWRITE, 0, 0);
    };
    EXPECT_EQ(MapEx(0x3000'0000, 2 * PageSize), STATUS_CONFLICTING_ADDRESSES);
    EXPECT_EQ(MapEx(0x3100'0000, 4 * PageSize), STATUS_CONFLICTING_ADDRESSES);
    EXPECT_EQ(MapEx(0, 4 * PageSize), STATUS_CONFLICTING_ADDRESSES);
    ASSERT_EQ(MapEx(0x3000'0000, 4 * PageSize), STATUS_SUCCESS);
    EXPECT_EQ(C.Poke(0x3000'3000, 1), STATUS_SUCCESS);
    EXPECT_EQ(C.Now(NtUnmapViewOfSectionEx, test::Self, 0x3000'0000, MEM_PRESERVE_PLACEHOLDER), STATUS_SUCCESS);
    EXPECT_EQ(C.Query(0x3000'0000).State, MEM_RESERVE);
    ASSERT_EQ(MapEx(0x3000'0000, 4 * PageSize), STATUS_SUCCESS);
    EXPECT_EQ(At(C, 0x3000'3000), 1);
}

TEST(SectionLife, GivesAllBack)
{
    test::Balance B;
    {
        test::Client C;
        Ref<Section> S = MUST(CreatePageFileSection(64 * PageSize, PAGE_READWRITE, SEC_COMMIT));
        for (u32 I = 0; I < 5; ++I) {
            ViewRequest R { .Protect = I & 1 ? PAGE_WRITECOPY : PAGE_READWRITE };
            u64 At = MUST(MapView(C.Space(), S, R));
            for (u32 P = 0; P < 64; P += 3)
                EXPECT_EQ(C.Poke(At + P * PageSize, 1), STATUS_SUCCESS);
            if (I == 2)
                EXPECT_TRUE(UnmapView(C.Space(), At, false).Ok());
        }
        EXPECT_EQ(S->Store->Mappings, 4u);
        C.Space().Clear();
        EXPECT_EQ(S->Store->Mappings, 0u);
    }
    B.Check();
}
