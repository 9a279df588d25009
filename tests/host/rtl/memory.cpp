#include <random>
#include <vector>

#include "tests/host/rtl/process.hpp"

// Every size and mutual offset around the block sizes the code is built on, against a byte-wise model.
TEST(Memory, MoveAllOverlaps)
{
    for (usize Size : { 0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 48, 49, 63, 64, 65, 79, 95, 127, 128, 129, 130, 200, 255, 257 })
        for (int Shift = -70; Shift <= 70; ++Shift) {
            std::vector<u8> Room(600), Model;
            for (usize I = 0; I < Room.size(); ++I)
                Room[I] = u8(I * 7 + 3);
            Model = Room;
            const usize From = 150, To = usize(150 + Shift);
            std::vector<u8> Copy(Model.begin() + 150, Model.begin() + 150 + long(Size));
            std::copy(Copy.begin(), Copy.end(), Model.begin() + long(To));
            EXPECT_EQ(CRT(memmove)(&Room[To], &Room[From], Size), &Room[To]);
            ASSERT_EQ(Room, Model) << Size << " by " << Shift;
        }
}
TEST(Memory, SetAndCompare)
{
    for (usize Size = 0; Size < 300; ++Size) {
        std::vector<u8> Room(Size + 2, 1), Model(Size + 2, 1);
        std::fill(Model.begin() + 1, Model.begin() + 1 + long(Size), 0xA5);
        CRT(memset)(&Room[1], 0xFFA5, Size);
        ASSERT_EQ(Room, Model);
        ASSERT_EQ(CRT(memcmp)(Room.data(), Model.data(), Size + 2), 0);
        if (Size) {
            Room[Size] = 0xA6;
            ASSERT_GT(CRT(memcmp)(Room.data(), Model.data(), Size + 2), 0);
            ASSERT_LT(CRT(memcmp)(Model.data(), Room.data(), Size + 2), 0);
            ASSERT_EQ(RtlCompareMemory(Room.data(), Model.data(), Size + 2), Size);
        }
    }
}
TEST(Memory, Checksums)
{
    EXPECT_EQ(RtlComputeCrc32(0, "123456789", 9), 0xCBF43926u);
    EXPECT_EQ(RtlCrc32("123456789", 9, 0), 0xCBF43926u);
    EXPECT_EQ(RtlComputeCrc32(RtlComputeCrc32(0, "1234", 4), "56789", 5), 0xCBF43926u);
    ULONG Seed = 2;
    EXPECT_EQ(RtlUniform(&Seed), 0x7FFFFF9Fu);
}
TEST(Memory, CheckedCopies)
{
    char Room[4] = "abc";
    EXPECT_EQ(CRT(memcpy_s)(Room, 4, "xy", 5), crt::Range);
    EXPECT_EQ(Room[0], 0);
    EXPECT_EQ(CRT(memcpy_s)(nullptr, 0, "xy", 1), crt::Invalid);
    EXPECT_EQ(CRT(memmove_s)(Room, 4, "xy", 3), 0);
    EXPECT_STREQ(Room, "xy");
}

namespace {
int CompareInt(const void* A, const void* B) { return *static_cast<const int*>(A) - *static_cast<const int*>(B); }
}
TEST(Memory, Sort)
{
    std::mt19937 Random(1);
    for (int Count : { 0, 1, 2, 7, 8, 9, 10, 100, 1000, 5000 })
        for (int Kind = 0; Kind < 5; ++Kind) {
            std::vector<int> Values(usize(Count) + 1);
            for (int I = 0; I < Count; ++I)
                Values[usize(I)] = Kind == 0 ? int(Random() % 1000) : Kind == 1 ? I : Kind == 2 ? Count - I : Kind == 3 ? 5 : I % 3;
            std::vector<int> Model = Values;
            std::sort(Model.begin(), Model.begin() + Count);
            CRT(qsort)(Values.data(), usize(Count), sizeof(int), CompareInt);
            ASSERT_EQ(Values, Model) << Count << " kind " << Kind;
            if (Kind == 1)
                for (int I = 0; I < Count; ++I)
                    ASSERT_EQ(CRT(bsearch)(&I, Values.data(), usize(Count), sizeof(int), CompareInt), &Values[usize(I)]);
        }
}
TEST(Memory, InterlockedList)
{
    alignas(16) SLIST_HEADER Head;
    SLIST_ENTRY Entries[3];
    RtlInitializeSListHead(&Head);
    EXPECT_EQ(RtlInterlockedPopEntrySList(&Head), nullptr);
    EXPECT_EQ(RtlInterlockedPushEntrySList(&Head, &Entries[0]), nullptr);
    EXPECT_EQ(RtlInterlockedPushEntrySList(&Head, &Entries[1]), &Entries[0]);
    EXPECT_EQ(RtlQueryDepthSList(&Head), 2);
    EXPECT_EQ(RtlInterlockedPopEntrySList(&Head), &Entries[1]);
    Entries[1].Next = &Entries[2];
    EXPECT_EQ(RtlInterlockedPushListSListEx(&Head, &Entries[1], &Entries[2], 2), &Entries[0]);
    EXPECT_EQ(RtlQueryDepthSList(&Head), 3);
    EXPECT_EQ(RtlFirstEntrySList(&Head), &Entries[1]);
    EXPECT_EQ(RtlInterlockedFlushSList(&Head), &Entries[1]);
    EXPECT_EQ(Entries[2].Next, &Entries[0]);
    EXPECT_EQ(RtlQueryDepthSList(&Head), 0);
}
