// Tasks: nesting, failure, the arena their frames come from, cancelling.
#include "tests/host/ke/activity.hpp"

using namespace test;

namespace {

ke::Task<u64> Add(u64 A, u64 B) { co_return A + B; }
ke::Task<u64> Fail() { co_return STATUS_NOT_FOUND; }
ke::Task<u64> Sum(u64 N)
{
    u64 Total = 0;
    for (u64 I = 0; I < N; ++I)
        Total = CO_TRY(co_await Add(Total, I));
    co_return Total;
}

TEST(Tasks, NestAndReturnValues)
{
    Activity A;
    u64 Got = 0;
    EXPECT_TRUE(A.Go([&]() -> ke::Task<> {
        return [](u64& Got) -> ke::Task<> {
            Got = CO_TRY(co_await Sum(10));
            co_return STATUS_SUCCESS;
        }(Got);
    }));
    EXPECT_NT(STATUS_SUCCESS, A.Outcome);
    EXPECT_EQ(Got, 45u);
    EXPECT_EQ(A.ArenaUsed(), 0u);
}

TEST(Tasks, FailuresTravelUp)
{
    Activity A;
    std::string Order;
    EXPECT_TRUE(A.Go([&] {
        return [](std::string& Order) -> ke::Task<> {
            Mark M { Order, 'a' };
            u64 Value = CO_TRY(co_await Fail());
            Order += 'x';
            co_return Value ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
        }(Order);
    }));
    EXPECT_NT(STATUS_NOT_FOUND, A.Outcome);
    EXPECT_EQ(Order, "a");
}

TEST(Tasks, OnesThatAreDoneNeedNoFrame)
{
    Activity A;
    EXPECT_TRUE(A.Go([] { return ke::Task<>(STATUS_TIMEOUT); }));
    EXPECT_NT(STATUS_TIMEOUT, A.Outcome);
}

ke::Task<> Deep(u32& Depth, u32& Unwound)
{
    struct Count {
        u32& To;
        ~Count() { ++To; }
    } Here { Unwound };
    if (++Depth == 100'000)
        co_return STATUS_SUCCESS;       // it never comes to that
    Status S = co_await Deep(Depth, Unwound);
    co_return S;
}

TEST(Tasks, AFullArenaIsAStatus)
{
    Activity A;
    u32 Depth = 0, Unwound = 0;
    EXPECT_TRUE(A.Go([&] { return Deep(Depth, Unwound); }));
    EXPECT_NT(STATUS_INSUFFICIENT_RESOURCES, A.Outcome);
    EXPECT_GT(Depth, 4u);
    EXPECT_EQ(Unwound, Depth);
    EXPECT_EQ(A.ArenaUsed(), 0u);
    // And it can be used again.
    EXPECT_TRUE(A.Go([&] { return [](u32& N) -> ke::Task<> { N = u32(CO_TRY(co_await Sum(3))); co_return STATUS_SUCCESS; }(Depth); }));
    EXPECT_EQ(Depth, 3u);
}

TEST(Tasks, WithoutMemoryForTheArenaFail)
{
    Activity A;
    test::FailAllocation(0);
    EXPECT_TRUE(A.Go([] { return [](int) -> ke::Task<> { co_return STATUS_SUCCESS; }(0); }));
    EXPECT_FALSE(test::AllocationFailurePending());
    test::NoAllocationFailure();
    EXPECT_NT(STATUS_INSUFFICIENT_RESOURCES, A.Outcome);
}

ke::Task<> Inner(ke::Event& E, std::string& Order)
{
    Mark M { Order, 'i' };
    Status S = co_await ke::WaitFor(E);
    Order += 'w';
    co_return S;
}
ke::Task<> Outer(ke::Event& E, std::string& Order)
{
    Mark M { Order, 'o' };
    CO_TRY(co_await Inner(E, Order));
    Order += 'd';
    co_return STATUS_SUCCESS;
}

TEST(Tasks, GoOnWhereTheyWaited)
{
    Activity A;
    ke::Event E;
    std::string Order;
    EXPECT_FALSE(A.Go([&] { return Outer(E, Order); }));
    EXPECT_TRUE(A.IsSuspended());
    EXPECT_GT(A.ArenaUsed(), 0u);
    E.Set();
    EXPECT_EQ(Order, "");               // not from within Set
    ke::RunReadyActivities();
    EXPECT_EQ(Order, "wido");
    EXPECT_NT(STATUS_SUCCESS, A.Outcome);
    EXPECT_EQ(A.Completions, 1u);
    EXPECT_EQ(A.ArenaUsed(), 0u);
}

TEST(Tasks, CancellingDestroysTheInnermostFirst)
{
    Activity A;
    ke::Event E;
    std::string Order;
    EXPECT_FALSE(A.Go([&] { return Outer(E, Order); }));
    EXPECT_TRUE(E.HasWaiters());
    A.Cancel();
    EXPECT_EQ(Order, "io");
    EXPECT_FALSE(E.HasWaiters());
    EXPECT_FALSE(A.IsSuspended());
    EXPECT_EQ(A.ArenaUsed(), 0u);
    E.Set();
    ke::RunReadyActivities();
    EXPECT_EQ(A.Completions, 0u);
}

TEST(Tasks, CancelledWhenReadyDoNotRun)
{
    Activity A;
    ke::Event E;
    std::string Order;
    EXPECT_FALSE(A.Go([&] { return Outer(E, Order); }));
    E.Set();
    A.Cancel();
    ke::RunReadyActivities();
    EXPECT_EQ(Order, "io");
    EXPECT_EQ(A.Completions, 0u);
}

TEST(Tasks, EndWithTheirActivity)
{
    ke::Event E;
    std::string Order;
    {
        Activity A;
        EXPECT_FALSE(A.Go([&] { return Outer(E, Order); }));
    }
    EXPECT_EQ(Order, "io");
    EXPECT_FALSE(E.HasWaiters());
}

TEST(Tasks, AWorkItemOutlivesWhoStartedIt)
{
    Begin();
    struct Item final : ke::WorkItem {
        explicit Item(bool& G) : Gone(G) { }
        ~Item() override { Gone = true; }
        bool& Gone;
    };
    bool Gone = false;
    ke::Event E;
    std::string Order;
    ke::WorkItem::Launch(Own<ke::WorkItem>(new Item(Gone)), [&] { return Outer(E, Order); });
    EXPECT_FALSE(Gone);
    E.Set();
    ke::RunReadyActivities();
    EXPECT_EQ(Order, "wido");
    EXPECT_TRUE(Gone);
    Gone = false;
    ke::WorkItem::Launch(Own<ke::WorkItem>(new Item(Gone)), [] { return ke::Task<>(STATUS_SUCCESS); });
    EXPECT_TRUE(Gone);                  // at once, if there is nothing to wait for
}

}
