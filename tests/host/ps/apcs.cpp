// User APCs and alerts: when they come, in which order, and what the thread finds on its stack.
#include "abi/process.hpp"
#include "tests/host/system/system.hpp"

using namespace test;
using abi::Service;

namespace {

struct Apcs : testing::Test {
    Client A, B { A };
    HANDLE H = A.Open(Ref<ob::Object>(B.Thread()), THREAD_ALL_ACCESS);
    u64 Out = A.Room(8);
    HANDLE Event()
    {
        EXPECT_NT(STATUS_SUCCESS, A.Call(Service::CreateEvent, Out, 0x1F0003, 0, 1, 0));
        return A.Handle(Out);
    }
    NTSTATUS Queue(u64 Routine, u64 First = 1, u64 Second = 2, u64 Third = 3) { return A.Call(Service::QueueApcThread, H, Routine, First, Second, Third); }
    // What KiUserApcDispatcher finds at its stack pointer.
    CONTEXT Frame() { return B.Get<CONTEXT>(B.Rsp()); }
    NTSTATUS GoOn(const CONTEXT& At) { return B.Call(Service::Continue, B.Put(At), 1); }
};

TEST_F(Apcs, AnAlertableWaitEndsForOne)
{
    HANDLE E = Event();
    EXPECT_NT(STATUS_PENDING, B.Call(Service::WaitForSingleObject, E, 1, 0));
    u64 Rbx = B.Cpu().Registers().Rbx;
    EXPECT_NT(STATUS_SUCCESS, Queue(0x1'4000'7000));
    ASSERT_TRUE(B.IsRunning());
    EXPECT_EQ(B.Rip(), ApcAt);
    EXPECT_EQ(B.Rsp() % 16, 0u);
    CONTEXT C = Frame();
    EXPECT_EQ(C.P1Home, 1u);
    EXPECT_EQ(C.P2Home, 2u);
    EXPECT_EQ(C.P3Home, 3u);
    EXPECT_EQ(C.P4Home, 0x1'4000'7000u);
    EXPECT_EQ(C.Rip, ServiceReturnAt);  // it was parked
    EXPECT_EQ(C.Rsp, Rbx);
    EXPECT_EQ(C.Rax, u64(STATUS_USER_APC));
    EXPECT_LE(B.Rsp() + abi::ApcFrameSize, Rbx);
    // The wait is over: the event stays for the next.
    EXPECT_NT(STATUS_SUCCESS, A.Call(Service::SetEvent, E, 0));
    EXPECT_NT(STATUS_PENDING, GoOn(C));
    EXPECT_EQ(B.Rip(), C.Rip);
    EXPECT_NT(STATUS_SUCCESS, B.Call(Service::WaitForSingleObject, E, 1, 0));
}

TEST_F(Apcs, AWaitThatIsNotAlertableGoesOn)
{
    HANDLE E = Event();
    EXPECT_NT(STATUS_PENDING, B.Call(Service::WaitForSingleObject, E, 0, 0));
    EXPECT_NT(STATUS_SUCCESS, Queue(0x1'4000'7000));
    EXPECT_TRUE(B.IsBlocked());
    EXPECT_NT(STATUS_SUCCESS, A.Call(Service::SetEvent, E, 0));
    EXPECT_NT(STATUS_SUCCESS, B.Reply());
    EXPECT_TRUE(B.Thread().HasApc());
    EXPECT_NT(STATUS_PENDING, B.Call(Service::DelayExecution, 1, B.Put(Milliseconds(1))));   // an alertable one takes it without waiting
    EXPECT_EQ(B.Rip(), ApcAt);
    EXPECT_FALSE(B.Thread().HasApc());
}

TEST_F(Apcs, ComeInTheirOrder)
{
    for (u64 I = 1; I <= 3; ++I)
        EXPECT_NT(STATUS_SUCCESS, Queue(0x1'4000'7000, I));
    EXPECT_TRUE(B.IsRunning());
    EXPECT_NT(STATUS_PENDING, B.Call(Service::TestAlert));
    for (u64 I = 1; I <= 3; ++I) {
        ASSERT_EQ(B.Rip(), ApcAt);
        CONTEXT C = Frame();
        EXPECT_EQ(C.P1Home, I);
        u64 Stack = B.Rsp();
        EXPECT_NT(STATUS_PENDING, GoOn(C));
        if (I < 3)
            EXPECT_EQ(B.Rsp(), Stack);  // the next is not deeper in the stack
    }
    EXPECT_NE(B.Rip(), ApcAt);
    EXPECT_NT(STATUS_SUCCESS, B.Call(Service::TestAlert));
}

TEST_F(Apcs, ForAThreadThatEndsAreRefusedOrDropped)
{
    Balance Memory;
    EXPECT_NT(STATUS_SUCCESS, Queue(0x1'4000'7000));
    EXPECT_NT(STATUS_SUCCESS, A.Call(Service::TerminateThread, H, 0));
    EXPECT_NT(STATUS_UNSUCCESSFUL, Queue(0x1'4000'7000));
    EXPECT_FALSE(B.Thread().HasApc());
}

TEST_F(Apcs, OnASuspendedThreadWaitForTheResume)
{
    HANDLE E = Event();
    EXPECT_NT(STATUS_PENDING, B.Call(Service::WaitForSingleObject, E, 1, 0));
    EXPECT_NT(STATUS_SUCCESS, A.Call(Service::SuspendThread, H, 0));
    EXPECT_NT(STATUS_SUCCESS, Queue(0x1'4000'7000));
    EXPECT_FALSE(B.IsRunning());
    EXPECT_NT(STATUS_SUCCESS, A.Call(Service::ResumeThread, H, 0));
    EXPECT_TRUE(B.IsRunning());
    EXPECT_EQ(B.Rip(), ApcAt);
}

TEST_F(Apcs, WithoutAStackEndTheProcess)
{
    EXPECT_NT(STATUS_SUCCESS, Queue(0x1'4000'7000));
    CONTEXT C {};
    C.ContextFlags = CONTEXT_CONTROL;
    C.Rip = 0x1'4000'6000;
    C.Rsp = 0x20;
    u64 At = B.Put(C);
    EXPECT_NT(STATUS_PENDING, B.Call(Service::Continue, At, 1));
    EXPECT_TRUE(B.Process().HasEnded());
    EXPECT_NT(STATUS_ACCESS_VIOLATION, B.Process().ExitStatus());
}

TEST_F(Apcs, AlertsEndAlertableWaits)
{
    HANDLE E = Event();
    EXPECT_NT(STATUS_PENDING, B.Call(Service::WaitForSingleObject, E, 1, 0));
    EXPECT_NT(STATUS_SUCCESS, A.Call(Service::AlertThread, H));
    EXPECT_NT(STATUS_ALERTED, B.Reply());
    EXPECT_NT(STATUS_SUCCESS, B.Call(Service::TestAlert));      // it has been taken
    EXPECT_NT(STATUS_SUCCESS, A.Call(Service::AlertThread, H));
    EXPECT_NT(STATUS_ALERTED, B.Call(Service::TestAlert));
    EXPECT_NT(STATUS_SUCCESS, A.Call(Service::AlertThread, H));
    EXPECT_NT(STATUS_ALERTED, B.Call(Service::WaitForSingleObject, E, 1, 0));
}

TEST_F(Apcs, AlertAndResume)
{
    HANDLE E = Event();
    EXPECT_NT(STATUS_PENDING, B.Call(Service::WaitForSingleObject, E, 1, 0));
    EXPECT_NT(STATUS_SUCCESS, A.Call(Service::SuspendThread, H, 0));
    EXPECT_NT(STATUS_SUCCESS, A.Call(Service::AlertResumeThread, H, Out));
    EXPECT_EQ(A.Get<u32>(Out), 1u);
    EXPECT_NT(STATUS_ALERTED, B.Reply());
}

TEST_F(Apcs, AlertsByIdAreRemembered)
{
    u64 Id = B.Thread().Id();
    EXPECT_NT(STATUS_PENDING, B.Call(Service::WaitForAlertByThreadId, 0, 0));
    EXPECT_NT(STATUS_SUCCESS, A.Call(Service::AlertThreadByThreadId, Id));
    EXPECT_NT(STATUS_ALERTED, B.Reply());
    EXPECT_NT(STATUS_SUCCESS, A.Call(Service::AlertThreadByThreadId, Id));
    EXPECT_NT(STATUS_SUCCESS, A.Call(Service::AlertThreadByThreadId, Id));      // many are one
    EXPECT_NT(STATUS_ALERTED, B.Call(Service::WaitForAlertByThreadId, 0, 0));
    EXPECT_NT(STATUS_TIMEOUT, B.Call(Service::WaitForAlertByThreadId, 0, B.Put(i64(0))));
    EXPECT_NT(STATUS_PENDING, B.Call(Service::WaitForAlertByThreadId, 0, B.Put(Milliseconds(5))));
    Advance(49'999);
    EXPECT_NT(STATUS_PENDING, B.Reply());
    Advance(1 + ke::TimerGrid);
    EXPECT_NT(STATUS_TIMEOUT, B.Reply());
    Client Other;
    EXPECT_NT(STATUS_ACCESS_DENIED, Other.Call(Service::AlertThreadByThreadId, Id));
    EXPECT_NT(STATUS_INVALID_CID, Other.Call(Service::AlertThreadByThreadId, 3));
}

}
