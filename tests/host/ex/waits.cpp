// The wait services: now, later, any, all, alerts, deadlines, and what termination releases.
#include "tests/host/support/gtest.hpp"

#include "tests/host/ex/double/system.hpp"

using fake::Client;
using namespace ob;

namespace {

constexpr u64 Self = ~u64(0);

struct Waits : testing::Test {
    Client A, B { A };
    u64 Out = A.Room(8);
    HANDLE Made() { return A.At<HANDLE>(Out); }
    HANDLE Event(bool AutoReset = true, bool Set = false)
    {
        EXPECT_EQ(A.Now(NtCreateEvent, Out, GENERIC_ALL, 0, AutoReset, Set), STATUS_SUCCESS);
        return Made();
    }
    HANDLE Mutant(Client& Owner, bool Owned)
    {
        EXPECT_EQ(Owner.Now(NtCreateMutant, Out, GENERIC_ALL, 0, Owned), STATUS_SUCCESS);
        return Made();
    }
    HANDLE Semaphore(LONG Count, LONG Limit)
    {
        EXPECT_EQ(A.Now(NtCreateSemaphore, Out, GENERIC_ALL, 0, u64(Count), u64(Limit)), STATUS_SUCCESS);
        return Made();
    }
    u64 Timeout(i64 Time) { return A.Put(Time); }
    NTSTATUS Wait(Client& By, HANDLE H, u64 Time = 0, bool Alertable = false) { return By.Start(NtWaitForSingleObject, H, Alertable, Time); }
    NTSTATUS WaitMany(Client& By, std::initializer_list<HANDLE> Handles, bool Any, u64 Time = 0)
    {
        u64 List = A.Room(8 * Handles.size() + 8);
        u32 I = 0;
        for (HANDLE H : Handles)
            A.At<HANDLE>(List + 8 * I++) = H;
        return By.Start(NtWaitForMultipleObjects, Handles.size(), List, u64(Any), 0, Time);
    }
    NTSTATUS Set(HANDLE H) { return A.Now(NtSetEvent, H, 0); }
};

TEST_F(Waits, SignalledAtOnce)
{
    HANDLE E = Event(true, true);
    EXPECT_EQ(Wait(A, E), STATUS_SUCCESS);
    EXPECT_EQ(Wait(A, E, Timeout(0)), STATUS_TIMEOUT);
    HANDLE N = Event(false, true);
    EXPECT_EQ(Wait(A, N), STATUS_SUCCESS);
    EXPECT_EQ(Wait(A, N), STATUS_SUCCESS);
    EXPECT_EQ(A.Thread().ArenaUsed(), 0u);
}

TEST_F(Waits, BlocksUntilSet)
{
    HANDLE E = Event();
    EXPECT_EQ(Wait(B, E), STATUS_PENDING);
    EXPECT_TRUE(B.IsBlocked());
    EXPECT_EQ(B.Reply(), STATUS_PENDING);
    EXPECT_EQ(Set(E), STATUS_SUCCESS);
    EXPECT_EQ(B.Reply(), STATUS_SUCCESS);
    EXPECT_EQ(B.Thread().ArenaUsed(), 0u);
    EXPECT_EQ(Wait(A, E, Timeout(0)), STATUS_TIMEOUT);     // consumed
}

TEST_F(Waits, TheObjectLivesWhileWaitedFor)
{
    u32 Before = ex::Event::Type.Objects;
    HANDLE E = Event();
    EXPECT_EQ(Wait(B, E), STATUS_PENDING);
    A.Now(NtClose, E);
    EXPECT_EQ(ex::Event::Type.Objects, Before + 1);
    B.Thread().End();
    EXPECT_EQ(ex::Event::Type.Objects, Before);
    EXPECT_EQ(B.Thread().ArenaUsed(), 0u);
}

TEST_F(Waits, OneWaiterPerAutoResetAllPerManual)
{
    Client D { A };
    HANDLE E = Event();
    Wait(B, E);
    Wait(D, E);
    Set(E);
    EXPECT_EQ(B.Reply(), STATUS_SUCCESS);       // first come, first served
    EXPECT_EQ(D.Reply(), STATUS_PENDING);
    Set(E);
    EXPECT_EQ(D.Reply(), STATUS_SUCCESS);
    HANDLE N = Event(false);
    Wait(B, N);
    Wait(D, N);
    A.Now(NtPulseEvent, N, 0);
    EXPECT_EQ(B.Reply(), STATUS_SUCCESS);
    EXPECT_EQ(D.Reply(), STATUS_SUCCESS);
    EXPECT_EQ(Wait(A, N, Timeout(0)), STATUS_TIMEOUT);
}

TEST_F(Waits, Deadlines)
{
    HANDLE E = Event();
    EXPECT_EQ(Wait(B, E, Timeout(-1000)), STATUS_PENDING);
    fake::AdvanceClock(999);
    EXPECT_EQ(B.Reply(), STATUS_PENDING);
    fake::AdvanceClock(1);
    EXPECT_EQ(B.Reply(), STATUS_TIMEOUT);
    EXPECT_EQ(Wait(B, E, Timeout(i64(ke::SystemTime() + 50))), STATUS_PENDING);
    fake::AdvanceClock(50);
    EXPECT_EQ(B.Reply(), STATUS_TIMEOUT);
    EXPECT_EQ(Wait(B, E, Timeout(1)), STATUS_TIMEOUT);
    EXPECT_EQ(Wait(B, E, 0x20), STATUS_ACCESS_VIOLATION);
}

TEST_F(Waits, BadArguments)
{
    EXPECT_EQ(Wait(A, HANDLE(0x7777)), STATUS_INVALID_HANDLE);
    EXPECT_EQ(A.Now(NtCreateEvent, Out, EVENT_MODIFY_STATE, 0, 0, 0), STATUS_SUCCESS);
    EXPECT_EQ(Wait(A, Made()), STATUS_ACCESS_DENIED);
    EXPECT_EQ(A.Now(NtCreateDirectoryObject, Out, DIRECTORY_ALL_ACCESS | SYNCHRONIZE, 0), STATUS_SUCCESS);
    EXPECT_NE(Wait(A, Made()), STATUS_SUCCESS);
    HANDLE E = Event();
    EXPECT_EQ(WaitMany(A, {}, true), STATUS_INVALID_PARAMETER_1);
    EXPECT_EQ(A.Start(NtWaitForMultipleObjects, 65, Out, 1, 0, 0), STATUS_INVALID_PARAMETER_1);
    EXPECT_EQ(A.Start(NtWaitForMultipleObjects, 1, Out, 2, 0, 0), STATUS_INVALID_PARAMETER_3);
    EXPECT_EQ(A.Start(NtWaitForMultipleObjects, 1, 0x10, 1, 0, 0), STATUS_ACCESS_VIOLATION);
    EXPECT_EQ(WaitMany(A, { E, E }, false), STATUS_INVALID_PARAMETER_MIX);
    EXPECT_EQ(WaitMany(A, { E, HANDLE(0x7777) }, true), STATUS_INVALID_HANDLE);
    // The pseudo handle of the process can be waited for (and is not signalled).
    EXPECT_EQ(Wait(A, HANDLE(Self), Timeout(0)), STATUS_TIMEOUT);
}

TEST_F(Waits, Any)
{
    HANDLE E = Event(), F = Event(), G = Event();
    Set(F);
    EXPECT_EQ(WaitMany(A, { E, F, G }, true), STATUS_WAIT_1);
    EXPECT_EQ(WaitMany(B, { E, F, G, Event(), Event() }, true), STATUS_PENDING);
    Set(G);
    EXPECT_EQ(B.Reply(), STATUS_WAIT_2);
    EXPECT_EQ(B.Thread().ArenaUsed(), 0u);
    EXPECT_EQ(WaitMany(B, { E, E }, true), STATUS_PENDING);
    Set(E);
    EXPECT_EQ(B.Reply(), STATUS_SUCCESS);
    EXPECT_EQ(WaitMany(B, { E, F }, true, Timeout(-10)), STATUS_PENDING);
    fake::AdvanceClock(10);
    EXPECT_EQ(B.Reply(), STATUS_TIMEOUT);
}

TEST_F(Waits, All)
{
    HANDLE E = Event(), F = Event();
    EXPECT_EQ(WaitMany(B, { E, F }, false), STATUS_PENDING);
    Set(E);
    EXPECT_EQ(B.Reply(), STATUS_PENDING);
    EXPECT_EQ(Wait(A, E, Timeout(0)), STATUS_SUCCESS);         // an incomplete wait takes nothing
    Set(F);
    EXPECT_EQ(B.Reply(), STATUS_PENDING);
    Set(E);
    EXPECT_EQ(B.Reply(), STATUS_SUCCESS);
    EXPECT_EQ(WaitMany(A, { E, F }, false, Timeout(0)), STATUS_TIMEOUT);
    Set(E);
    Set(F);
    EXPECT_EQ(WaitMany(A, { E, F }, false), STATUS_SUCCESS);
}

TEST_F(Waits, SixtyFour)
{
    std::vector<HANDLE> All;
    for (int I = 0; I < 64; ++I)
        All.push_back(Event());
    u64 List = A.Room(64 * 8);
    for (int I = 0; I < 64; ++I)
        A.At<HANDLE>(List + 8 * I) = All[I];
    EXPECT_EQ(B.Start(NtWaitForMultipleObjects, 64, List, 1, 0, 0), STATUS_PENDING);
    Set(All[63]);
    EXPECT_EQ(B.Reply(), STATUS_WAIT_63);
    EXPECT_EQ(B.Start(NtWaitForMultipleObjects, 64, List, 0, 0, 0), STATUS_PENDING);
    for (HANDLE H : All)
        Set(H);
    EXPECT_EQ(B.Reply(), STATUS_SUCCESS);
}

TEST_F(Waits, Alerts)
{
    HANDLE E = Event();
    B.Thread().Alerted = true;
    EXPECT_EQ(Wait(B, E, Timeout(0)), STATUS_TIMEOUT);         // not alertable
    EXPECT_EQ(Wait(B, E, 0, true), STATUS_ALERTED);
    Set(E);
    B.Thread().Alerted = true;
    EXPECT_EQ(Wait(B, E, 0, true), STATUS_SUCCESS);            // the signal goes first
    EXPECT_TRUE(B.Thread().Alerted);
    EXPECT_EQ(B.Start(NtDelayExecution, 1, Timeout(-100)), STATUS_ALERTED);
    EXPECT_EQ(Wait(B, E, 0, true), STATUS_PENDING);
    ASSERT_TRUE(B.Thread().CurrentWait());
    B.Thread().CurrentWait()->End(STATUS_USER_APC);
    EXPECT_EQ(B.Reply(), STATUS_USER_APC);
}

TEST_F(Waits, Delay)
{
    EXPECT_EQ(B.Start(NtDelayExecution, 0, Timeout(-500)), STATUS_PENDING);
    fake::AdvanceClock(499);
    EXPECT_EQ(B.Reply(), STATUS_PENDING);
    fake::AdvanceClock(1);
    EXPECT_EQ(B.Reply(), STATUS_SUCCESS);
    u32 Before = fake::Yields;
    EXPECT_EQ(B.Start(NtDelayExecution, 0, Timeout(0)), STATUS_SUCCESS);
    EXPECT_EQ(fake::Yields, Before + 1);
    EXPECT_EQ(B.Start(NtDelayExecution, 0, 8), STATUS_ACCESS_VIOLATION);
    EXPECT_EQ(B.Start(NtDelayExecution, 1, 0), STATUS_PENDING);        // no interval: until something else ends it
    fake::AdvanceClock(1ull << 40);
    EXPECT_EQ(B.Reply(), STATUS_PENDING);
    ASSERT_TRUE(B.Thread().CurrentWait());
    B.Thread().CurrentWait()->End(STATUS_USER_APC);
    EXPECT_EQ(B.Reply(), STATUS_USER_APC);
}

TEST_F(Waits, SignalAndWait)
{
    HANDLE E = Event(), F = Event();
    EXPECT_EQ(B.Start(NtSignalAndWaitForSingleObject, E, F, 0, 0), STATUS_PENDING);
    EXPECT_EQ(Wait(A, E), STATUS_SUCCESS);
    Set(F);
    EXPECT_EQ(B.Reply(), STATUS_SUCCESS);
    EXPECT_EQ(A.Start(NtSignalAndWaitForSingleObject, E, E, 0, 0), STATUS_SUCCESS);
    HANDLE M = Mutant(A, false);
    EXPECT_EQ(A.Start(NtSignalAndWaitForSingleObject, M, E, 0, 0), STATUS_MUTANT_NOT_OWNED);
    HANDLE S = Semaphore(0, 1);
    EXPECT_EQ(A.Start(NtSignalAndWaitForSingleObject, S, S, 0, 0), STATUS_SUCCESS);
    EXPECT_EQ(A.Start(NtSignalAndWaitForSingleObject, HANDLE(Self), E, 0, 0), STATUS_OBJECT_TYPE_MISMATCH);
    EXPECT_EQ(A.Start(NtSignalAndWaitForSingleObject, E, HANDLE(0x7777), 0, 0), STATUS_INVALID_HANDLE);
    EXPECT_EQ(Wait(A, E, Timeout(0)), STATUS_TIMEOUT);         // a bad wait signals nothing
}

TEST_F(Waits, MutantsRecurseAndAreAbandoned)
{
    HANDLE M = Mutant(B, true);
    u64 Info = A.Room(8), Previous = A.Room(4);
    auto State = [&](Client& By) {
        EXPECT_EQ(By.Now(NtQueryMutant, M, 0, Info, 8, 0), STATUS_SUCCESS);
        return A.At<MUTANT_BASIC_INFORMATION>(Info);
    };
    EXPECT_EQ(State(B).CurrentCount, 0);
    EXPECT_TRUE(State(B).OwnedByCaller);
    EXPECT_FALSE(State(A).OwnedByCaller);
    EXPECT_EQ(Wait(B, M), STATUS_SUCCESS);
    EXPECT_EQ(State(B).CurrentCount, -1);
    EXPECT_EQ(Wait(A, M), STATUS_PENDING);
    EXPECT_EQ(B.Now(NtReleaseMutant, M, Previous), STATUS_SUCCESS);
    EXPECT_EQ(A.At<LONG>(Previous), -1);
    EXPECT_EQ(A.Reply(), STATUS_PENDING);
    EXPECT_EQ(B.Now(NtReleaseMutant, M, Previous), STATUS_SUCCESS);
    EXPECT_EQ(A.At<LONG>(Previous), 0);
    EXPECT_EQ(A.Reply(), STATUS_SUCCESS);
    EXPECT_EQ(B.Now(NtReleaseMutant, M, 0), STATUS_MUTANT_NOT_OWNED);
    EXPECT_EQ(A.Now(NtReleaseMutant, M, 0), STATUS_SUCCESS);
    EXPECT_EQ(State(A).CurrentCount, 1);
    {
        Client D { A };
        EXPECT_EQ(Wait(D, M), STATUS_SUCCESS);
    }
    EXPECT_TRUE(State(A).AbandonedState);
    EXPECT_EQ(State(A).CurrentCount, 1);
    EXPECT_EQ(Wait(A, M), STATUS_ABANDONED);
    EXPECT_FALSE(State(A).AbandonedState);
    // A waiter gets it abandoned too, in a wait for several.
    HANDLE N = Mutant(B, true);
    EXPECT_EQ(WaitMany(A, { Event(), N }, true), STATUS_PENDING);
    B.Thread().End();
    EXPECT_EQ(A.Reply(), STATUS_ABANDONED_WAIT_0 + 1);
    u64 Owner = A.Room(16);
    EXPECT_EQ(A.Now(NtQueryMutant, N, 1, Owner, 16, 0), STATUS_SUCCESS);
    EXPECT_EQ(A.At<u64>(Owner + 8), A.Thread().Id());
}

TEST_F(Waits, AnOwnedMutantMayGo)
{
    HANDLE M = Mutant(A, true);
    A.Now(NtClose, M);
    A.Thread().End();
}

TEST_F(Waits, Semaphores)
{
    EXPECT_EQ(A.Now(NtCreateSemaphore, Out, GENERIC_ALL, 0, 2, 1), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(A.Now(NtCreateSemaphore, Out, GENERIC_ALL, 0, u64(-1), 1), STATUS_INVALID_PARAMETER);
    HANDLE S = Semaphore(1, 3);
    u64 Previous = A.Room(4);
    EXPECT_EQ(Wait(A, S), STATUS_SUCCESS);
    EXPECT_EQ(Wait(A, S, Timeout(0)), STATUS_TIMEOUT);
    Client D { A };
    EXPECT_EQ(Wait(B, S), STATUS_PENDING);
    EXPECT_EQ(Wait(D, S), STATUS_PENDING);
    EXPECT_EQ(A.Now(NtReleaseSemaphore, S, 3, Previous), STATUS_SUCCESS);
    EXPECT_EQ(A.At<LONG>(Previous), 0);
    EXPECT_EQ(B.Reply(), STATUS_SUCCESS);
    EXPECT_EQ(D.Reply(), STATUS_SUCCESS);
    A.At<LONG>(Previous) = 77;
    EXPECT_EQ(A.Now(NtReleaseSemaphore, S, 3, Previous), STATUS_SEMAPHORE_LIMIT_EXCEEDED);
    EXPECT_EQ(A.Now(NtReleaseSemaphore, S, u64(0x7FFFFFFF), Previous), STATUS_SEMAPHORE_LIMIT_EXCEEDED);
    EXPECT_EQ(A.At<LONG>(Previous), 77);
    EXPECT_EQ(A.Now(NtReleaseSemaphore, S, 0, 0), STATUS_INVALID_PARAMETER);
    u64 Info = A.Room(8);
    EXPECT_EQ(A.Now(NtQuerySemaphore, S, 0, Info, 8, 0), STATUS_SUCCESS);
    EXPECT_EQ(A.At<SEMAPHORE_BASIC_INFORMATION>(Info).CurrentCount, 1u);
    EXPECT_EQ(A.At<SEMAPHORE_BASIC_INFORMATION>(Info).MaximumCount, 3u);
}

}
