// The rings: every interleaving of a small history, two real threads, and a partner that writes anything.
#include "lib/ring/ring.hpp"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "abi/wire/driver.hpp"

namespace {

struct Slot {
    u64 Number, Check;
};

template <u32 Size> struct Shared {
    ring::Indices Where {};
    Slot Slots[Size] {};
    struct At {
        Slot* Base;
        Slot* operator()(u32 I) const { return Base + I; }
    };
    ring::Producer<Slot, Size, At> Producer;
    ring::Consumer<Slot, Size, At> Consumer;
    Shared()
    {
        Producer.Attach(Where, { Slots });
        Consumer.Attach(Where, { Slots });
    }
};

TEST(Ring, holds_as_many_as_it_has_slots_in_order)
{
    Shared<4> R;
    Slot S;
    EXPECT_FALSE(R.Consumer.Take(S));
    u64 In = 0, Out = 0;
    for (int Round = 0; Round < 100; ++Round) {
        while (R.Producer.Put({ In, ~In }))
            ++In;
        EXPECT_EQ(In - Out, 4u);
        EXPECT_FALSE(R.Consumer.Take(S)) << "not published";
        R.Producer.Publish();
        for (int I = 0; I <= Round % 4; ++I) {
            ASSERT_TRUE(R.Consumer.Take(S));
            EXPECT_EQ(S.Number, Out);
            EXPECT_EQ(S.Check, ~Out++);
        }
        while (R.Consumer.Take(S))
            ++Out;
    }
}

TEST(Ring, the_indices_may_wrap)
{
    Shared<4> R;
    R.Where.Head = R.Where.Tail = 0;
    // Drive both over 2^32 by starting near it is not possible from outside; the same arithmetic with small indices is.
    Slot S;
    for (u64 I = 0; I < 1'000'000; ++I) {
        ASSERT_TRUE(R.Producer.Put({ I, ~I }));
        R.Producer.Publish();
        ASSERT_TRUE(R.Consumer.Take(S));
        ASSERT_EQ(S.Number, I);
    }
}

TEST(Ring, a_sleeper_is_notified_once_and_a_busy_one_never)
{
    Shared<4> R;
    Slot S;
    R.Producer.Put({ 1, 0 });
    EXPECT_FALSE(R.Producer.Publish());         // nobody sleeps
    EXPECT_FALSE(R.Consumer.BeginSleep());      // there is something
    EXPECT_TRUE(R.Consumer.Take(S));
    EXPECT_TRUE(R.Consumer.BeginSleep());
    R.Producer.Put({ 2, 0 });
    EXPECT_TRUE(R.Producer.Publish());
    R.Producer.Put({ 3, 0 });
    EXPECT_FALSE(R.Producer.Publish());
}

// Every interleaving of a producer's and a consumer's steps (each step is one operation on shared memory of the discipline): no message is lost
// and nobody sleeps beside a full ring. The model has the same order of accesses as the code.
struct Model {
    u32 Tail = 0, Head = 0, Sleeping = 0;
    u32 Produced = 0, Consumed = 0, ProducerStep = 0, ConsumerStep = 0;
    bool Notified = false, Asleep = false;
    static constexpr u32 Messages = 3;
    bool ProducerDone() const { return Produced == Messages && ProducerStep == 0; }
    void Produce()
    {
        switch (ProducerStep) {
        case 0: ++Tail; ++Produced; ProducerStep = 1; break;            // publish
        case 1: ProducerStep = Sleeping ? 2 : 0; break;                 // look
        case 2:                                                         // exchange
            if (Sleeping) {
                Sleeping = 0;
                Notified = true;
            }
            ProducerStep = 0;
            break;
        }
    }
    void Consume()
    {
        if (Asleep) {
            if (!Notified)
                return;
            Notified = false;
            Asleep = false;
            ConsumerStep = 0;
            return;
        }
        switch (ConsumerStep) {
        case 0:                                                         // take, or go to sleep
            if (Tail != Head) {
                ++Head;
                ++Consumed;
            } else {
                ConsumerStep = 1;
            }
            break;
        case 1: Sleeping = 1; ConsumerStep = 2; break;
        case 2: ConsumerStep = Tail != Head ? 3 : 4; break;             // look once more
        case 3: Sleeping = 0; ConsumerStep = 0; break;
        case 4: Asleep = true; break;
        }
    }
};

void Explore(Model M, u32 Depth, u64& Ends)
{
    ASSERT_LT(Depth, 64u);
    bool Stuck = M.ProducerDone() && M.Asleep && !M.Notified;
    if (Stuck) {
        ++Ends;
        ASSERT_EQ(M.Consumed, Model::Messages) << "asleep beside messages";
        return;
    }
    if (!M.ProducerDone()) {
        Model N = M;
        N.Produce();
        Explore(N, Depth + 1, Ends);
    }
    if (!(M.Asleep && !M.Notified)) {
        Model N = M;
        N.Consume();
        Explore(N, Depth + 1, Ends);
    }
}

TEST(Ring, no_interleaving_loses_a_message)
{
    u64 Ends = 0;
    Explore({}, 0, Ends);
    EXPECT_GT(Ends, 100u);
}

TEST(Ring, two_threads)
{
    static Shared<8> R;
    constexpr u64 Many = 300'000;
    std::mutex Lock;
    std::condition_variable Bell;
    u64 Rings = 0;
    std::thread Consumer([&] {
        u64 Seen = 0, Heard = 0;
        while (Seen < Many) {
            Slot S;
            if (R.Consumer.Take(S)) {
                ASSERT_EQ(S.Number, Seen);
                ASSERT_EQ(S.Check, ~Seen);
                ++Seen;
                continue;
            }
            if (!R.Consumer.BeginSleep())
                continue;
            std::unique_lock Held(Lock);
            Bell.wait(Held, [&] { return Rings > Heard; });
            Heard = Rings;
        }
    });
    for (u64 I = 0; I < Many;) {
        if (R.Producer.Put({ I, ~I }))
            ++I;
        if (R.Producer.Publish()) {
            std::lock_guard Held(Lock);
            ++Rings;
            Bell.notify_one();
        }
    }
    Consumer.join();
}

// The other side writes whatever it likes into the shared memory: both ends stay within the ring and say that it is broken.
TEST(Ring, hostile_indices)
{
    std::mt19937_64 Random(1);
    for (int Round = 0; Round < 2000; ++Round) {
        Shared<16> R;
        bool Broken = false;
        for (int Step = 0; Step < 200; ++Step) {
            switch (Random() % 6) {
            case 0: R.Where.Tail = u32(Random()); break;
            case 1: R.Where.Head = u32(Random()); break;
            case 2: R.Where.Tail = u32(Random() % 40); break;
            case 3: {
                Slot S;
                u32 Taken = 0;
                while (R.Consumer.Take(S) && ++Taken < 100) { }
                ASSERT_LE(Taken, 32u) << "what was seen before, and a ring full that is told now";
                break;
            }
            case 4: {
                u32 Put = 0;
                while (R.Producer.Put({ 1, 2 }) && ++Put < 100) { }
                ASSERT_LE(Put, 16u);
                break;
            }
            default:
                R.Producer.Publish();
                (void)R.Consumer.BeginSleep();
                break;
            }
            Broken |= R.Consumer.IsBroken() || R.Producer.IsBroken();
        }
        (void)Broken;
    }
    Shared<16> R;
    R.Where.Tail = 17;
    Slot S;
    EXPECT_FALSE(R.Consumer.Take(S));
    EXPECT_TRUE(R.Consumer.IsBroken());
    R.Where.Tail = 1;
    EXPECT_FALSE(R.Consumer.Take(S)) << "broken for ever";
    R.Where.Head = 5;
    EXPECT_FALSE(R.Producer.Put({}));
    EXPECT_TRUE(R.Producer.IsBroken());
}

TEST(Ring, the_layout_of_the_section)
{
    namespace L = wire::driver::layout;
    EXPECT_LT(L::Header, L::Requests);
    EXPECT_EQ((L::Replies - L::Requests) * PageSize, wire::driver::RequestSlots * sizeof(wire::driver::Message));
    EXPECT_EQ((L::Frames - L::Replies) * PageSize, wire::driver::ReplySlots * sizeof(wire::driver::Reply));
    EXPECT_EQ((L::Data - L::Frames) * PageSize, wire::driver::DataPages * 8);
}

}
