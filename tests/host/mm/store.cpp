// PageStore: holes, growth, truncation; against a plain copy of the bytes.
#include <map>
#include <random>

#include "tests/host/mm/system.hpp"

using namespace mm;

TEST(Store, HolesReadAsZero)
{
    test::Balance B;
    {
        Ref<PageStore> S = MUST(PageStore::Create());
        u8 Bytes[64];
        memset(Bytes, 1, sizeof(Bytes));
        EXPECT_TRUE(S->Read(u64(1) << 40, Bytes, sizeof(Bytes)).Ok());
        EXPECT_EQ(Bytes[63], 0);
        EXPECT_EQ(S->Pages(), 0u);
        EXPECT_EQ(MUST(S->Page(12345, false)), nullptr);
        EXPECT_TRUE(S->Zero(0, u64(1) << 30).Ok());
        EXPECT_EQ(S->Pages(), 0u);
        memset(Bytes, 7, sizeof(Bytes));
        EXPECT_TRUE(S->Write(PageSize - 10, Bytes, 20).Ok());
        EXPECT_EQ(S->Pages(), 2u);
        EXPECT_EQ(MUST(S->Page(1, false))[9], 7);
        EXPECT_EQ(MUST(S->Page(1, false))[10], 0);
    }
    B.Check();
}

TEST(Store, FarPages)
{
    test::Balance B;
    {
        Ref<PageStore> S = MUST(PageStore::Create());
        // From the far end to the near and the other way round.
        for (u64 Index : { u64(0), u64(1023), u64(1024), u64(1024) * 512 - 1, u64(1024) * 512, u64(1024) * 512 * 512, (u64(1) << 40) - 1 }) {
            MUST(S->Page(Index, true))[5] = u8(Index * 7 + 1);
        }
        for (u64 Index : { u64(0), u64(1023), u64(1024), u64(1024) * 512 - 1, u64(1024) * 512, u64(1024) * 512 * 512, (u64(1) << 40) - 1 })
            EXPECT_EQ(MUST(S->Page(Index, false))[5], u8(Index * 7 + 1));
        EXPECT_EQ(S->Pages(), 7u);
        EXPECT_EQ(S->Page(u64(1) << 40, true).Code(), STATUS_DISK_FULL);
        EXPECT_TRUE(S->Truncate(1024 * PageSize).Ok());
        EXPECT_EQ(S->Pages(), 2u);
        EXPECT_EQ(MUST(S->Page(1023, false))[5], u8(1023 * 7 + 1));
        EXPECT_EQ(MUST(S->Page(1024, false)), nullptr);
    }
    B.Check();
}

TEST(Store, TruncateRespectsMappings)
{
    Ref<PageStore> S = MUST(PageStore::Create());
    u8 Bytes[100] = { 1, 2, 3 };
    EXPECT_TRUE(S->Write(0, Bytes, 100).Ok());
    S->Mappings = 1;
    EXPECT_EQ(S->Truncate(2).Code(), STATUS_USER_MAPPED_FILE);
    S->Mappings = 0;
    S->ImageMappings = 1;
    EXPECT_EQ(S->Truncate(2).Code(), STATUS_USER_MAPPED_FILE);
    S->ImageMappings = 0;
    EXPECT_TRUE(S->Truncate(2).Ok());
    EXPECT_TRUE(S->Read(0, Bytes, 4).Ok());
    EXPECT_EQ(Bytes[1], 2);
    EXPECT_EQ(Bytes[2], 0);
}

TEST(Store, AgainstPlainBytes)
{
    test::Balance B;
    std::mt19937 Random(7);
    for (u32 Round = 0; Round < 20; ++Round) {
        Ref<PageStore> S = MUST(PageStore::Create());
        std::vector<u8> Plain(40 * PageSize);
        u64 Base = Round % 4 == 0 ? 0 : (u64(1) << (12 + Random() % 30)) - 20 * PageSize;
        if (Base > u64(1) << 50)
            Base = 0;
        for (u32 I = 0; I < 200; ++I) {
            u64 At = Random() % Plain.size(), Count = Random() % 9000;
            if (At + Count > Plain.size())
                Count = Plain.size() - At;
            switch (Random() % 8) {
            case 0:
                ASSERT_TRUE(S->Zero(Base + At, Count).Ok());
                memset(&Plain[At], 0, Count);
                break;
            case 1:
                if (Random() % 4 == 0) {
                    ASSERT_TRUE(S->Truncate(Base + At).Ok());
                    memset(&Plain[At], 0, Plain.size() - At);
                }
                break;
            case 2:
            case 3: {
                std::vector<u8> Got(Count + 1);
                ASSERT_TRUE(S->Read(Base + At, Got.data(), Count).Ok());
                ASSERT_EQ(memcmp(Got.data(), &Plain[At], Count), 0);
                break;
            }
            default:
                for (u64 J = 0; J < Count; ++J)
                    Plain[At + J] = u8(Random());
                ASSERT_TRUE(S->Write(Base + At, &Plain[At], Count).Ok());
            }
        }
    }
    B.Check();
}

TEST(Store, BootPagesAreCopiedWhenTheyAreWritten)
{
    test::Begin();
    u8* Archive = fake::ImageBytes() + test::ArchivePage * PageSize;
    memset(Archive, 0x11, 2 * PageSize);
    {
        Ref<PageStore> S = MUST(PageStore::Create());
        ASSERT_TRUE(S->AdoptBootPage(0, test::ImageFrame(test::ArchivePage)).Ok());
        ASSERT_TRUE(S->AdoptBootPage(1, test::ImageFrame(test::ArchivePage + 1)).Ok());
        EXPECT_EQ(S->AdoptBootPage(1, test::ImageFrame(test::ArchivePage + 1)).Code(), STATUS_CONFLICTING_ADDRESSES);
        u8 Byte = 0;
        EXPECT_TRUE(S->Read(PageSize + 3, &Byte, 1).Ok());
        EXPECT_EQ(Byte, 0x11);
        Byte = 0x22;
        EXPECT_TRUE(S->Write(5, &Byte, 1).Ok());
        EXPECT_TRUE(S->Read(5, &Byte, 1).Ok());
        EXPECT_EQ(Byte, 0x22);
        EXPECT_TRUE(S->Read(6, &Byte, 1).Ok());
        EXPECT_EQ(Byte, 0x11);
    }
}

TEST(Store, UserCopies)
{
    test::Balance B;
    {
        test::Client C;
        Ref<PageStore> S = MUST(PageStore::Create());
        u64 Base = 0x5000'0000, Size = 8 * PageSize;
        ASSERT_EQ(C.Allocate(Base, Size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE), STATUS_SUCCESS);
        std::vector<u8> Bytes(5 * PageSize);
        for (u32 I = 0; I < Bytes.size(); ++I)
            Bytes[I] = u8(I * 31 >> 3);
        ASSERT_EQ(C.Write(Base + 100, Bytes.data(), Bytes.size()), STATUS_SUCCESS);
        usize Done;
        EXPECT_TRUE(S->WriteFromUser(4000, C.Process(), Base + 100, Bytes.size(), Done).Ok());
        EXPECT_EQ(Done, Bytes.size());
        std::vector<u8> Got(Bytes.size());
        EXPECT_TRUE(S->Read(4000, Got.data(), Got.size()).Ok());
        EXPECT_EQ(Got, Bytes);
        // Holes zero the target; a bad page stops it there.
        EXPECT_EQ(S->ReadToUser(100 * PageSize + 1, C.Process(), Base + 6 * PageSize, 4 * PageSize, Done).Code(), STATUS_ACCESS_VIOLATION);
        EXPECT_GE(Done, PageSize);
        EXPECT_LE(Done, 2 * PageSize);
        EXPECT_EQ(S->WriteFromUser(0, C.Process(), 0x10, 10, Done).Code(), STATUS_ACCESS_VIOLATION);
        EXPECT_EQ(Done, 0u);
    }
    B.Check();
}

TEST(Store, MemoryRunsOut)
{
    test::Balance B;
    {
        Ref<PageStore> S = MUST(PageStore::Create());
        u64 I = 0;
        Status Last = STATUS_SUCCESS;
        for (; Last.Ok(); ++I)
            Last = S->Page(I, true).GetStatus();
        EXPECT_TRUE(Last == STATUS_COMMITMENT_LIMIT || Last == STATUS_NO_MEMORY);
        EXPECT_EQ(S->Pages(), I - 1);
        EXPECT_TRUE(S->Truncate(0).Ok());
        EXPECT_EQ(S->Pages(), 0u);
        EXPECT_TRUE(S->Page(0, true).Ok());
    }
    B.Check();
}
