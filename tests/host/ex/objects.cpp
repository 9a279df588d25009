// Events' queries, timers and keyed events.
#include "tests/host/support/gtest.hpp"

#include "tests/host/ex/double/system.hpp"

using fake::Client;
using namespace ob;

namespace {

struct Objects : testing::Test {
    Client A, B { A };
    u64 Out = A.Room(8);
    HANDLE Made() { return A.At<HANDLE>(Out); }
    u64 Time(i64 T) { return A.Put(T); }
    NTSTATUS Wait(Client& By, HANDLE H, u64 Timeout = 0, bool Alertable = false) { return By.Start(NtWaitForSingleObject, H, Alertable, Timeout); }
};

TEST_F(Objects, EventStates)
{
    EXPECT_EQ(A.Now(NtCreateEvent, Out, GENERIC_ALL, 0, 2, 0), STATUS_INVALID_PARAMETER);
    ASSERT_EQ(A.Now(NtCreateEvent, Out, GENERIC_ALL, 0, SynchronizationEvent, 0), STATUS_SUCCESS);
    HANDLE E = Made();
    u64 Info = A.Room(8), Previous = A.Room(4), Length = A.Room(4);
    EXPECT_EQ(A.Now(NtSetEvent, E, Previous), STATUS_SUCCESS);
    EXPECT_EQ(A.At<LONG>(Previous), 0);
    EXPECT_EQ(A.Now(NtQueryEvent, E, 0, Info, 8, Length), STATUS_SUCCESS);
    EXPECT_EQ(A.At<EVENT_BASIC_INFORMATION>(Info).EventType, SynchronizationEvent);
    EXPECT_EQ(A.At<EVENT_BASIC_INFORMATION>(Info).EventState, 1);
    EXPECT_EQ(A.At<ULONG>(Length), 8u);
    EXPECT_EQ(A.Now(NtQueryEvent, E, 0, Info, 7, 0), STATUS_INFO_LENGTH_MISMATCH);
    EXPECT_EQ(A.Now(NtQueryEvent, E, 9, Info, 8, 0), STATUS_INVALID_INFO_CLASS);
    EXPECT_EQ(A.Now(NtResetEvent, E, Previous), STATUS_SUCCESS);
    EXPECT_EQ(A.At<LONG>(Previous), 1);
    EXPECT_EQ(A.Now(NtSetEvent, E, 0), STATUS_SUCCESS);
    EXPECT_EQ(A.Now(NtPulseEvent, E, Previous), STATUS_SUCCESS);
    EXPECT_EQ(A.At<LONG>(Previous), 1);
    EXPECT_EQ(A.Now(NtClearEvent, E), STATUS_SUCCESS);
    EXPECT_EQ(A.Now(NtReleaseSemaphore, E, 30, 0), STATUS_OBJECT_TYPE_MISMATCH);
    ASSERT_EQ(A.Now(NtCreateEvent, Out, EVENT_QUERY_STATE, 0, 0, 0), STATUS_SUCCESS);
    EXPECT_EQ(A.Now(NtSetEvent, Made(), 0), STATUS_ACCESS_DENIED);
}

TEST_F(Objects, TimerFiresOnce)
{
    EXPECT_EQ(A.Now(NtCreateTimer, Out, GENERIC_ALL, 0, 2), STATUS_INVALID_PARAMETER_4);
    ASSERT_EQ(A.Now(NtCreateTimer, Out, GENERIC_ALL, 0, NotificationTimer), STATUS_SUCCESS);
    HANDLE T = Made();
    u64 State = A.Room(1), Info = A.Room(16);
    EXPECT_EQ(A.Now(NtSetTimer, T, Time(-1000), 0, 0, 0, 0, State), STATUS_SUCCESS);
    EXPECT_EQ(A.At<u8>(State), 0);
    EXPECT_EQ(A.Now(NtQueryTimer, T, 0, Info, 16, 0), STATUS_SUCCESS);
    EXPECT_EQ(A.At<i64>(Info), 1000);
    EXPECT_EQ(Wait(B, T), STATUS_PENDING);
    fake::AdvanceClock(999);
    EXPECT_EQ(B.Reply(), STATUS_PENDING);
    fake::AdvanceClock(1);
    EXPECT_EQ(B.Reply(), STATUS_SUCCESS);
    EXPECT_EQ(Wait(A, T, Time(0)), STATUS_SUCCESS);            // notification: it stays
    EXPECT_EQ(A.Now(NtSetTimer, T, Time(-1000), 0, 0, 1, 0, State), STATUS_TIMER_RESUME_IGNORED);
    EXPECT_EQ(A.At<u8>(State), 1);
    EXPECT_EQ(A.Now(NtCancelTimer, T, State), STATUS_SUCCESS);
    EXPECT_EQ(A.At<u8>(State), 0);
    fake::AdvanceClock(5000);
    EXPECT_EQ(Wait(A, T, Time(0)), STATUS_TIMEOUT);
    EXPECT_EQ(A.Now(NtSetTimer, T, Time(0), 0, 0, 0, 0, 0), STATUS_SUCCESS);   // at once
    EXPECT_EQ(Wait(A, T, Time(0)), STATUS_SUCCESS);
    EXPECT_EQ(A.Now(NtSetTimer, T, 0, 0, 0, 0, 0, 0), STATUS_ACCESS_VIOLATION);
    EXPECT_EQ(A.Now(NtSetTimer, T, Time(0), 0, 0, 0, u64(-1), 0), STATUS_INVALID_PARAMETER_6);
}

TEST_F(Objects, PeriodicTimerKeepsStep)
{
    ASSERT_EQ(A.Now(NtCreateTimer, Out, GENERIC_ALL, 0, SynchronizationTimer), STATUS_SUCCESS);
    HANDLE T = Made();
    ASSERT_EQ(A.Now(NtSetTimer, T, Time(-10000), 0, 0, 0, 1, 0), STATUS_SUCCESS);
    for (int I = 0; I < 3; ++I) {
        fake::AdvanceClock(10000);
        EXPECT_EQ(Wait(A, T, Time(0)), STATUS_SUCCESS);
        EXPECT_EQ(Wait(A, T, Time(0)), STATUS_TIMEOUT);
    }
    fake::AdvanceClock(35000);                                  // three and a half periods late: one signal
    EXPECT_EQ(Wait(A, T, Time(0)), STATUS_SUCCESS);
    EXPECT_EQ(Wait(A, T, Time(0)), STATUS_TIMEOUT);
    fake::AdvanceClock(5000);
    EXPECT_EQ(Wait(A, T, Time(0)), STATUS_SUCCESS);
    // It may go while it runs.
    A.Now(NtClose, T);
    fake::AdvanceClock(20000);
}

TEST_F(Objects, TimerApc)
{
    ASSERT_EQ(A.Now(NtCreateTimer, Out, GENERIC_ALL, 0, SynchronizationTimer), STATUS_SUCCESS);
    HANDLE T = Made();
    ASSERT_EQ(A.Now(NtSetTimer, T, Time(-100), 0x1234, 0x77, 0, 0, 0), STATUS_SUCCESS);
    fake::AdvanceClock(100);
    ps::UserApc* Apc = A.Thread().Apcs.First();
    ASSERT_TRUE(Apc);
    EXPECT_EQ(Apc->Routine, 0x1234u);
    EXPECT_EQ(Apc->Arguments[0], 0x77u);
    EXPECT_EQ(Apc->Arguments[1] | Apc->Arguments[2] << 32, ke::SystemTime());
    EXPECT_TRUE(Apc->Owned);
    EXPECT_EQ(Wait(A, T, 0, true), STATUS_SUCCESS);
    EXPECT_EQ(A.Start(NtDelayExecution, 1, Time(-10)), STATUS_USER_APC);
    // Cancelling and closing take it back.
    A.Now(NtCancelTimer, T, 0);
    EXPECT_TRUE(A.Thread().Apcs.IsEmpty());
    ASSERT_EQ(A.Now(NtSetTimer, T, Time(0), 0x1234, 0x77, 0, 0, 0), STATUS_SUCCESS);
    EXPECT_FALSE(A.Thread().Apcs.IsEmpty());
    A.Now(NtClose, T);
    EXPECT_TRUE(A.Thread().Apcs.IsEmpty());
    // The end of the thread stops its timer.
    ASSERT_EQ(A.Now(NtCreateTimer, Out, GENERIC_ALL, 0, NotificationTimer), STATUS_SUCCESS);
    T = Made();
    ASSERT_EQ(B.Now(NtSetTimer, T, Time(-100), 0x1234, 0, 0, 0, 0), STATUS_SUCCESS);
    B.Thread().End();
    fake::AdvanceClock(100);
    EXPECT_EQ(Wait(A, T, Time(0)), STATUS_TIMEOUT);
}

TEST_F(Objects, KeyedEventsMeet)
{
    ASSERT_EQ(A.Now(NtCreateKeyedEvent, Out, KEYEDEVENT_ALL_ACCESS | SYNCHRONIZE, 0, 0), STATUS_SUCCESS);
    HANDLE K = Made();
    EXPECT_EQ(Wait(A, K, Time(0)), STATUS_SUCCESS);
    EXPECT_EQ(A.Start(NtWaitForKeyedEvent, K, 255, 0, Time(-10)), STATUS_INVALID_PARAMETER_1);
    EXPECT_EQ(A.Start(NtReleaseKeyedEvent, HANDLE(0xdeadbeef), 9, 0, 0), STATUS_INVALID_PARAMETER_1);
    EXPECT_EQ(A.Start(NtReleaseKeyedEvent, HANDLE(0xdeadbeef), 8, 0, 0), STATUS_INVALID_HANDLE);
    // Waiter first.
    EXPECT_EQ(A.Start(NtWaitForKeyedEvent, K, 16, 0, 0), STATUS_PENDING);
    EXPECT_EQ(B.Start(NtReleaseKeyedEvent, K, 32, 0, Time(-10)), STATUS_PENDING);
    fake::AdvanceClock(10);
    EXPECT_EQ(B.Reply(), STATUS_TIMEOUT);
    EXPECT_EQ(B.Start(NtReleaseKeyedEvent, K, 16, 0, 0), STATUS_SUCCESS);
    EXPECT_EQ(A.Reply(), STATUS_SUCCESS);
    // Releaser first.
    EXPECT_EQ(B.Start(NtReleaseKeyedEvent, K, 16, 0, 0), STATUS_PENDING);
    EXPECT_EQ(A.Start(NtWaitForKeyedEvent, K, 16, 0, 0), STATUS_SUCCESS);
    EXPECT_EQ(B.Reply(), STATUS_SUCCESS);
    // One release per waiter; a null handle is the system's event.
    Client D { A };
    EXPECT_EQ(A.Start(NtWaitForKeyedEvent, 0, 16, 0, 0), STATUS_PENDING);
    EXPECT_EQ(D.Start(NtWaitForKeyedEvent, 0, 16, 0, 0), STATUS_PENDING);
    EXPECT_EQ(B.Start(NtReleaseKeyedEvent, 0, 16, 0, 0), STATUS_SUCCESS);
    EXPECT_EQ(A.Reply(), STATUS_SUCCESS);
    EXPECT_EQ(D.Reply(), STATUS_PENDING);
    // Another process has other keys.
    Client E;
    u64 Timeout = E.Put(i64(0));
    EXPECT_EQ(E.Start(NtReleaseKeyedEvent, 0, 16, 0, Timeout), STATUS_TIMEOUT);
    // Rights.
    ASSERT_EQ(A.Now(NtCreateKeyedEvent, Out, GENERIC_READ, 0, 0), STATUS_SUCCESS);
    EXPECT_EQ(A.Start(NtReleaseKeyedEvent, Made(), 8, 0, Time(0)), STATUS_ACCESS_DENIED);
    EXPECT_EQ(A.Start(NtWaitForKeyedEvent, Made(), 8, 0, Time(0)), STATUS_TIMEOUT);
    ASSERT_EQ(A.Now(NtCreateEvent, Out, GENERIC_ALL, 0, 0, 0), STATUS_SUCCESS);
    EXPECT_EQ(A.Start(NtWaitForKeyedEvent, Made(), 8, 0, Time(0)), STATUS_OBJECT_TYPE_MISMATCH);
}

}
