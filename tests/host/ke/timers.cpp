// Timers and deadlines.
#include <algorithm>

#include "ntos/ke/time.hpp"
#include "tests/host/ke/activity.hpp"

using namespace test;

namespace {

// Times in the unit in which timers expire; T.Set(At(3)) is on the grid.
constexpr u64 Grid = ke::TimerGrid;
u64 At(u64 Later) { return ke::InterruptTime() / Grid * Grid + Later * Grid; }

struct Recording : ke::Timer {
    Recording() : Timer([](Timer& T) { static_cast<Recording&>(T).At.push_back(ke::InterruptTime()); }) { Begin(); }
    std::vector<u64> At;
};

TEST(Timers, ExpireOnceAndNeverEarly)
{
    Recording T;
    u64 Due = At(2);
    EXPECT_TRUE(T.Set(Due).Ok());
    EXPECT_TRUE(T.IsSet());
    EXPECT_EQ(ke::NextTimer(), Due);
    Advance(Due - ke::InterruptTime() - 1);
    EXPECT_TRUE(T.At.empty());
    Advance(1);
    ASSERT_EQ(T.At.size(), 1u);
    EXPECT_GE(T.At[0], Due);
    EXPECT_FALSE(T.IsSet());
    Advance(10 * Grid);
    EXPECT_EQ(T.At.size(), 1u);
}

TEST(Timers, ExpireOnAGrid)
{
    Recording T, Exact, Past, Far;
    u64 Due = At(3);
    EXPECT_TRUE(T.Set(Due - Grid + 1).Ok());
    EXPECT_EQ(T.Due(), Due);
    EXPECT_TRUE(Exact.Set(Due).Ok());
    EXPECT_EQ(Exact.Due(), Due);
    EXPECT_TRUE(Past.Set(ke::InterruptTime()).Ok());       // at once, at the next look
    EXPECT_EQ(Past.Due(), ke::InterruptTime());
    EXPECT_TRUE(Far.Set(ke::Never - 1).Ok());
    EXPECT_EQ(Far.Due(), ke::Never - 1);
    EXPECT_TRUE(Far.Cancel());
    Advance(Due - ke::InterruptTime());
    EXPECT_EQ(T.At.size(), 1u);
    EXPECT_EQ(Exact.At.size(), 1u);
    EXPECT_EQ(Past.At.size(), 1u);
}

TEST(Timers, CanBeMovedAndCancelled)
{
    Recording T;
    Begin();
    Advance(Grid - ke::InterruptTime() % Grid);
    EXPECT_TRUE(T.Set(At(10)).Ok());
    EXPECT_TRUE(T.Set(At(50)).Ok());
    Advance(20 * Grid);
    EXPECT_TRUE(T.At.empty());
    EXPECT_TRUE(T.Set(At(5)).Ok());
    Advance(5 * Grid);
    EXPECT_EQ(T.At.size(), 1u);
    EXPECT_TRUE(T.Set(At(1)).Ok());
    EXPECT_TRUE(T.Cancel());
    EXPECT_FALSE(T.Cancel());
    Advance(10 * Grid);
    EXPECT_EQ(T.At.size(), 1u);
    EXPECT_EQ(ke::NextTimer(), ke::Never);
    {
        Recording Short;
        EXPECT_TRUE(Short.Set(At(1)).Ok());
    }
    Advance(10 * Grid);                 // one that is gone does not expire
}

TEST(Timers, CanSetThemselvesAgain)
{
    struct Periodic : ke::Timer {
        Periodic() : Timer([](Timer& T) { auto& P = static_cast<Periodic&>(T); if (++P.Count < 5) P.Set(P.Due() + Grid).Ignore(); }) { }
        u32 Count = 0;
    } T;
    Begin();
    Advance(Grid - ke::InterruptTime() % Grid);
    EXPECT_TRUE(T.Set(At(1)).Ok());
    Advance(3 * Grid);
    EXPECT_EQ(T.Count, 3u);
    Advance(10 * Grid);
    EXPECT_EQ(T.Count, 5u);
}

TEST(Timers, CanTakeEachOtherAway)
{
    struct Pair : ke::Timer {
        Pair() : Timer([](Timer& T) { auto& P = static_cast<Pair&>(T); ++P.Count; P.Other->Cancel(); }) { }
        Pair* Other = nullptr;
        u32 Count = 0;
    } A, B;
    A.Other = &B;
    B.Other = &A;
    EXPECT_TRUE(A.Set(At(1)).Ok());
    EXPECT_TRUE(B.Set(At(1)).Ok());
    Advance(Grid);
    EXPECT_EQ(A.Count + B.Count, 1u);
}

// Against a sorted list.
TEST(Timers, AnyOrderOfAnyNumber)
{
    Begin();
    u32 Random = 1;
    auto Next = [&](u32 Below) { Random = Random * 1664525 + 1013904223; return (Random >> 8) % Below; };
    constexpr u32 N = 300;
    std::vector<std::unique_ptr<Recording>> Timers;
    std::vector<u64> Due(N, 0);         // 0: not set
    for (u32 I = 0; I < N; ++I)
        Timers.push_back(std::make_unique<Recording>());
    for (u32 Round = 0; Round < 5000; ++Round) {
        u32 I = Next(N);
        if (Next(5) == 0) {
            EXPECT_EQ(Timers[I]->Cancel(), Due[I] != 0);
            Due[I] = 0;
        } else {
            Due[I] = At(1 + Next(1000));
            ASSERT_TRUE(Timers[I]->Set(Due[I]).Ok());
        }
        if (Round % 10 == 0) {
            Advance(Next(50 * Grid));
            u64 Now = ke::InterruptTime(), Least = ke::Never;
            for (u32 K = 0; K < N; ++K) {
                if (Due[K] && Due[K] <= Now) {
                    ASSERT_FALSE(Timers[K]->At.empty());
                    ASSERT_GE(Timers[K]->At.back(), Due[K]);
                    ASSERT_FALSE(Timers[K]->IsSet());
                    Due[K] = 0;
                }
                ASSERT_EQ(Timers[K]->IsSet(), Due[K] != 0);
                if (Due[K])
                    Least = std::min(Least, Due[K]);
            }
            ASSERT_EQ(ke::NextTimer(), Least);
        }
    }
}

TEST(Timers, TimeoutsOfEveryKind)
{
    Begin();
    u64 Now = ke::InterruptTime(), System = ke::SystemTime();
    EXPECT_TRUE(ke::Deadline::From(0).HasPassed());
    EXPECT_EQ(ke::Deadline::From(-1000).At, Now + 1000);
    EXPECT_EQ(ke::Deadline::From(i64(System + 1000)).At, Now + 1000);
    EXPECT_TRUE(ke::Deadline::From(1).HasPassed());         // long ago
    EXPECT_EQ(ke::Deadline::From(std::numeric_limits<i64>::min()).At, Now + (u64(1) << 63));
    EXPECT_FALSE(ke::Deadline::From(std::numeric_limits<i64>::max()).HasPassed());
    EXPECT_FALSE(ke::Deadline::None().HasPassed());
}

TEST(Timers, TheSystemTimeCanBeSet)
{
    Begin();
    u64 Before = ke::SystemTime(), Interrupt = ke::InterruptTime();
    ke::SetSystemTime(Before + 10'000'000);
    EXPECT_EQ(ke::SystemTime(), Before + 10'000'000);
    EXPECT_EQ(ke::InterruptTime(), Interrupt);
    EXPECT_EQ(ke::Deadline::From(i64(Before + 10'000'500)).At, Interrupt + 500);
    Advance(100);
    EXPECT_EQ(ke::SystemTime(), Before + 10'000'100);
}

}
