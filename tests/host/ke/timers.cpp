// Timers and deadlines.
#include <algorithm>

#include "ntos/ke/time.hpp"
#include "tests/host/ke/activity.hpp"

using namespace test;

namespace {

struct Recording : ke::Timer {
    Recording() : Timer([](Timer& T) { static_cast<Recording&>(T).At.push_back(ke::InterruptTime()); }) { Begin(); }
    std::vector<u64> At;
};

TEST(Timers, ExpireOnceAndNeverEarly)
{
    Recording T;
    u64 Now = ke::InterruptTime();
    EXPECT_TRUE(T.Set(Now + 100).Ok());
    EXPECT_TRUE(T.IsSet());
    EXPECT_EQ(ke::NextTimer(), Now + 100);
    Advance(99);
    EXPECT_TRUE(T.At.empty());
    Advance(1);
    ASSERT_EQ(T.At.size(), 1u);
    EXPECT_GE(T.At[0], Now + 100);
    EXPECT_FALSE(T.IsSet());
    Advance(1000);
    EXPECT_EQ(T.At.size(), 1u);
}

TEST(Timers, CanBeMovedAndCancelled)
{
    Recording T;
    u64 Now = ke::InterruptTime();
    EXPECT_TRUE(T.Set(Now + 100).Ok());
    EXPECT_TRUE(T.Set(Now + 500).Ok());
    Advance(200);
    EXPECT_TRUE(T.At.empty());
    EXPECT_TRUE(T.Set(Now + 250).Ok());
    Advance(50);
    EXPECT_EQ(T.At.size(), 1u);
    EXPECT_TRUE(T.Set(ke::InterruptTime() + 10).Ok());
    EXPECT_TRUE(T.Cancel());
    EXPECT_FALSE(T.Cancel());
    Advance(100);
    EXPECT_EQ(T.At.size(), 1u);
    EXPECT_EQ(ke::NextTimer(), ke::Never);
    {
        Recording Short;
        EXPECT_TRUE(Short.Set(ke::InterruptTime() + 10).Ok());
    }
    Advance(100);                       // one that is gone does not expire
}

TEST(Timers, CanSetThemselvesAgain)
{
    struct Periodic : ke::Timer {
        Periodic() : Timer([](Timer& T) { auto& P = static_cast<Periodic&>(T); if (++P.Count < 5) P.Set(P.Due() + 10).Ignore(); }) { }
        u32 Count = 0;
    } T;
    EXPECT_TRUE(T.Set(ke::InterruptTime() + 10).Ok());
    Advance(30);
    EXPECT_EQ(T.Count, 3u);
    Advance(100);
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
    u64 Now = ke::InterruptTime();
    EXPECT_TRUE(A.Set(Now + 10).Ok());
    EXPECT_TRUE(B.Set(Now + 10).Ok());
    Advance(10);
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
            Due[I] = ke::InterruptTime() + 1 + Next(1000);
            ASSERT_TRUE(Timers[I]->Set(Due[I]).Ok());
        }
        if (Round % 10 == 0) {
            Advance(Next(50));
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
