#include <random>
#include <vector>

#include "tests/host/rtl/process.hpp"

// Random bitmaps against a vector of bools.
TEST(Bitmap, Random)
{
    std::mt19937 Random(3);
    for (int Round = 0; Round < 400; ++Round) {
        ULONG Size = 1 + Random() % 200;
        std::vector<ULONG> Words((Size + 31) / 32);
        std::vector<bool> Model(Size);
        RTL_BITMAP Map;
        RtlInitializeBitMap(&Map, Words.data(), Size);
        for (int Step = 0; Step < 30; ++Step) {
            ULONG Start = Random() % Size, Count = Random() % (Size - Start + 1);
            bool Set = Random() & 1;
            (Set ? RtlSetBits : RtlClearBits)(&Map, Start, Count);
            for (ULONG I = 0; I < Count; ++I)
                Model[Start + I] = Set;
            ULONG Ones = 0;
            for (bool B : Model)
                Ones += B;
            ASSERT_EQ(RtlNumberOfSetBits(&Map), Ones);
            ULONG Want = 1 + Random() % 8, Hint = Random() % Size;
            auto Fits = [&](ULONG At) {
                for (ULONG I = 0; I < Want; ++I)
                    if (At + I >= Size || Model[At + I])
                        return false;
                return true;
            };
            ULONG Expected = ~0u;
            for (ULONG I = 0; I < Size && Expected == ~0u; ++I)
                if (Fits((Hint + I) % Size))
                    Expected = (Hint + I) % Size;
            ASSERT_EQ(RtlFindClearBits(&Map, Want, Hint), Expected);
            ULONG RunStart, Run = RtlFindNextForwardRunSet(&Map, Hint, &RunStart), At = Hint;
            while (At < Size && !Model[At])
                ++At;
            ULONG End = At;
            while (End < Size && Model[End])
                ++End;
            ASSERT_EQ(Run, End - At);
            if (Run)
                ASSERT_EQ(RunStart, At);
            ASSERT_EQ(RtlAreBitsSet(&Map, Start, Count), Count && Set);
        }
    }
}
TEST(Bitmap, Runs)
{
    ULONG Words[2] = { 0b1110'0111'0001, 0 };
    RTL_BITMAP Map = { 64, Words };
    RTL_BITMAP_RUN Runs[4];
    EXPECT_EQ(RtlFindSetRuns(&Map, Runs, 2, true), 2u);
    EXPECT_EQ(Runs[0].StartingIndex, 4u);
    EXPECT_EQ(Runs[1].StartingIndex, 9u);
    ULONG Start;
    EXPECT_EQ(RtlFindLongestRunClear(&Map, &Start), 52u);
    EXPECT_EQ(Start, 12u);
    EXPECT_EQ(RtlFindLastBackwardRunSet(&Map, 10, &Start), 2u);
    EXPECT_EQ(Start, 9u);
    EXPECT_EQ(RtlFindMostSignificantBit(0), -1);
    EXPECT_EQ(RtlFindMostSignificantBit(1ull << 40), 40);
}
