// Waits: any and all of several objects, deadlines, and who is served first.
#include "tests/host/ke/activity.hpp"

using namespace test;
using ke::Event;
using ke::WaitType;

namespace {

ke::Task<> Wait(std::vector<ke::Waitable*> Objects, WaitType Type, ke::Deadline Until)
{
    Status S = co_await ke::WaitFor(Objects, Type, false, Until);
    co_return S;
}
bool Go(Activity& A, std::vector<ke::Waitable*> Objects, WaitType Type = WaitType::Any, ke::Deadline Until = {})
{
    return A.Go([&] { return Wait(std::move(Objects), Type, Until); });
}
ke::Deadline In(u64 Time) { return { ke::InterruptTime() + Time }; }

TEST(Waits, AnySaysWhich)
{
    Activity A;
    Event E[4];
    EXPECT_FALSE(Go(A, { &E[0], &E[1], &E[2], &E[3] }));
    E[2].Set();
    ke::RunReadyActivities();
    EXPECT_NT(STATUS_WAIT_0 + 2, A.Outcome);
    for (Event& Each : E)
        EXPECT_FALSE(Each.HasWaiters());
    E[1].Set();
    EXPECT_TRUE(Go(A, { &E[0], &E[1], &E[2] }));
    EXPECT_NT(STATUS_WAIT_0 + 1, A.Outcome);        // the first of them
}

TEST(Waits, AllTakesEverythingOrNothing)
{
    Activity A;
    Event One(Event::Synchronization), Two(Event::Synchronization);
    EXPECT_FALSE(Go(A, { &One, &Two }, WaitType::All));
    One.Set();
    ke::RunReadyActivities();
    EXPECT_TRUE(A.IsSuspended());
    EXPECT_TRUE(One.State());           // not taken before both are there
    // Somebody else may take it meanwhile.
    Activity B;
    EXPECT_TRUE(Go(B, { &One }));
    Two.Set();
    ke::RunReadyActivities();
    EXPECT_TRUE(A.IsSuspended());
    EXPECT_TRUE(Two.State());
    One.Set();
    ke::RunReadyActivities();
    EXPECT_NT(STATUS_SUCCESS, A.Outcome);
    EXPECT_FALSE(One.State());
    EXPECT_FALSE(Two.State());
}

TEST(Waits, AnAutoResetEventWakesOneInOrder)
{
    Activity A, B, C;
    Event E(Event::Synchronization);
    EXPECT_FALSE(Go(A, { &E }));
    EXPECT_FALSE(Go(B, { &E }));
    EXPECT_FALSE(Go(C, { &E }));
    E.Set();
    ke::RunReadyActivities();
    EXPECT_NT(STATUS_SUCCESS, A.Outcome);
    EXPECT_TRUE(B.IsSuspended());
    EXPECT_FALSE(E.State());
    B.Cancel();
    E.Set();
    ke::RunReadyActivities();
    EXPECT_NT(STATUS_SUCCESS, C.Outcome);
}

TEST(Waits, ASignalIsNotLostOnACancelledWaiter)
{
    Activity A, B;
    Event E(Event::Synchronization);
    EXPECT_FALSE(Go(A, { &E }));
    A.Cancel();
    E.Set();
    EXPECT_TRUE(Go(B, { &E }));
    EXPECT_NT(STATUS_SUCCESS, B.Outcome);
}

TEST(Waits, ANotificationEventWakesAll)
{
    Activity A[5];
    Event E;
    for (Activity& Each : A)
        EXPECT_FALSE(Go(Each, { &E }));
    E.Set();
    ke::RunReadyActivities();
    for (Activity& Each : A)
        EXPECT_NT(STATUS_SUCCESS, Each.Outcome);
    EXPECT_TRUE(E.State());
}

TEST(Waits, EndAtTheirDeadline)
{
    Activity A;
    Event E;
    EXPECT_TRUE(Go(A, { &E }, WaitType::Any, { 0 }));
    EXPECT_NT(STATUS_TIMEOUT, A.Outcome);
    EXPECT_FALSE(Go(A, { &E }, WaitType::Any, In(1000)));
    Advance(999);
    EXPECT_TRUE(A.IsSuspended());
    Advance(1 + ke::TimerGrid);
    EXPECT_NT(STATUS_TIMEOUT, A.Outcome);
    EXPECT_FALSE(E.HasWaiters());
    // One that ends before leaves no timer.
    EXPECT_FALSE(Go(A, { &E }, WaitType::Any, In(1000)));
    E.Set();
    ke::RunReadyActivities();
    EXPECT_EQ(ke::NextTimer(), ke::Never);
    // A signal that is there wins over a deadline that has passed.
    EXPECT_TRUE(Go(A, { &E }, WaitType::Any, { 0 }));
    EXPECT_NT(STATUS_SUCCESS, A.Outcome);
}

TEST(Waits, OnNothingOnlyPassTheTime)
{
    Activity A;
    EXPECT_FALSE(Go(A, {}, WaitType::Any, In(50)));
    Advance(50 + ke::TimerGrid);
    EXPECT_NT(STATUS_TIMEOUT, A.Outcome);
}

TEST(Waits, OnTheSameObjectTwice)
{
    Activity A;
    Event E;
    EXPECT_FALSE(Go(A, { &E, &E }));
    E.Set();
    ke::RunReadyActivities();
    EXPECT_NT(STATUS_SUCCESS, A.Outcome);
    EXPECT_EQ(A.Completions, 1u);
}

TEST(Waits, OnSixtyFourObjects)
{
    Activity A;
    std::vector<Event> E(64);
    std::vector<ke::Waitable*> All;
    for (Event& Each : E)
        All.push_back(&Each);
    EXPECT_FALSE(Go(A, All));
    E[63].Set();
    ke::RunReadyActivities();
    EXPECT_NT(STATUS_WAIT_0 + 63, A.Outcome);
    // There may be no memory for so many.
    A.Go([] { return ke::Task<>(STATUS_SUCCESS); });
    for (Event& Each : E)
        Each.Reset();
    test::FailAllocation(0);
    bool Ended = Go(A, All);
    bool Failed = !test::AllocationFailurePending();
    test::NoAllocationFailure();
    if (Failed) {
        EXPECT_TRUE(Ended);
        EXPECT_NT(STATUS_NO_MEMORY, A.Outcome);
    }
    A.Cancel();
    for (Event& Each : E)
        EXPECT_FALSE(Each.HasWaiters());
}

// Waiters and signals in any order, against a count: an auto-reset event gives as many as were set while somebody waited, and never more.
TEST(Waits, NoSignalIsLostOrDoubled)
{
    Begin();
    u32 Random = 4711;
    auto Next = [&](u32 Below) { Random = Random * 1664525 + 1013904223; return (Random >> 8) % Below; };
    Event E(Event::Synchronization);
    std::vector<std::unique_ptr<Activity>> Actors;
    for (u32 I = 0; I < 8; ++I)
        Actors.push_back(std::make_unique<Activity>());
    u64 Sets = 0, Taken = 0, Merged = 0;
    for (u32 Round = 0; Round < 20000; ++Round) {
        Activity& A = *Actors[Next(8)];
        switch (Next(3)) {
        case 0:
            if (!A.IsSuspended())
                Taken += Go(A, { &E });
            break;
        case 1:
            ++Sets;
            Merged += E.Set();
            break;
        default:
            if (Next(4) == 0)
                A.Cancel();
        }
        u32 Before = 0, After = 0;
        for (auto& Each : Actors)
            Before += Each->Completions;
        ke::RunReadyActivities();
        for (auto& Each : Actors)
            After += Each->Completions;
        Taken += After - Before;
        ASSERT_LE(Taken + Merged, Sets);
        ASSERT_LE(Sets - Taken - Merged - E.State(), Round);        // what was cancelled on its way
    }
    EXPECT_GT(Taken, 1000u);
}

}
