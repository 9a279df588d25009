// Suspension, contexts, and threads that are told to end while they wait.
#include "tests/host/system/system.hpp"

using namespace test;
using abi::Service;

namespace {

struct Control : testing::Test {
    Client A, B { A };                  // two threads of a process
    HANDLE H = A.Open(Ref<ob::Object>(B.Thread()), THREAD_ALL_ACCESS);
    u64 Out = A.Room(8);
    HANDLE Event()
    {
        EXPECT_NT(STATUS_SUCCESS, A.Call(Service::CreateEvent, Out, 0x1F0003, 0, 1, 0));
        return A.Handle(Out);
    }
    NTSTATUS Suspend() { return A.Call(Service::SuspendThread, H, Out); }
    NTSTATUS Resume() { return A.Call(Service::ResumeThread, H, Out); }
    u32 Previous() { return A.Get<u32>(Out); }
};

TEST_F(Control, SuspensionsCount)
{
    EXPECT_TRUE(B.IsRunning());
    EXPECT_NT(STATUS_SUCCESS, Suspend());
    EXPECT_EQ(Previous(), 0u);
    EXPECT_FALSE(B.IsRunning());
    EXPECT_NT(STATUS_SUCCESS, Suspend());
    EXPECT_EQ(Previous(), 1u);
    EXPECT_NT(STATUS_SUCCESS, Resume());
    EXPECT_EQ(Previous(), 2u);
    EXPECT_FALSE(B.IsRunning());
    EXPECT_NT(STATUS_SUCCESS, Resume());
    EXPECT_TRUE(B.IsRunning());
    EXPECT_NT(STATUS_SUCCESS, Resume());        // of one that runs: nothing
    EXPECT_EQ(Previous(), 0u);
}

TEST_F(Control, SuspensionHasALimit)
{
    for (u32 I = 0; I < 127; ++I)
        ASSERT_NT(STATUS_SUCCESS, Suspend());
    EXPECT_NT(STATUS_SUSPEND_COUNT_EXCEEDED, Suspend());
    for (u32 I = 0; I < 127; ++I)
        ASSERT_NT(STATUS_SUCCESS, Resume());
    EXPECT_TRUE(B.IsRunning());
}

TEST_F(Control, AWaitThatEndsWhileSuspendedIsAnsweredAtTheResume)
{
    HANDLE E = Event();
    EXPECT_NT(STATUS_PENDING, B.Call(Service::WaitForSingleObject, E, 0, 0));
    EXPECT_NT(STATUS_SUCCESS, Suspend());
    EXPECT_NT(STATUS_SUCCESS, A.Call(Service::SetEvent, E, 0));
    EXPECT_NT(STATUS_PENDING, B.Reply());
    EXPECT_FALSE(B.IsRunning());
    EXPECT_NT(STATUS_SUCCESS, Resume());
    EXPECT_TRUE(B.IsRunning());
    EXPECT_NT(STATUS_SUCCESS, B.Reply());
}

TEST_F(Control, AWaitGoesOnAfterASuspension)
{
    HANDLE E = Event();
    EXPECT_NT(STATUS_PENDING, B.Call(Service::WaitForSingleObject, E, 0, 0));
    EXPECT_NT(STATUS_SUCCESS, Suspend());
    EXPECT_NT(STATUS_SUCCESS, Resume());
    EXPECT_TRUE(B.IsBlocked());
    EXPECT_NT(STATUS_PENDING, B.Reply());
    EXPECT_NT(STATUS_SUCCESS, A.Call(Service::SetEvent, E, 0));
    EXPECT_NT(STATUS_SUCCESS, B.Reply());
}

TEST_F(Control, AThreadCanSuspendItself)
{
    EXPECT_NT(STATUS_PENDING, B.Call(Service::SuspendThread, SelfThread, 0));
    EXPECT_FALSE(B.IsRunning());
    EXPECT_NT(STATUS_SUCCESS, Resume());
    EXPECT_EQ(Previous(), 1u);
    EXPECT_NT(STATUS_SUCCESS, B.Reply());
    EXPECT_TRUE(B.IsRunning());
}

TEST_F(Control, AProcessIsSuspendedAsAWhole)
{
    Client C;
    HANDLE P = C.Open(Ref<ob::Object>(A.Process()), PROCESS_ALL_ACCESS);
    EXPECT_NT(STATUS_SUCCESS, C.Call(Service::SuspendProcess, P));
    EXPECT_FALSE(A.IsRunning());
    EXPECT_FALSE(B.IsRunning());
    EXPECT_NT(STATUS_SUCCESS, C.Call(Service::ResumeProcess, P));
    EXPECT_TRUE(A.IsRunning());
    EXPECT_TRUE(B.IsRunning());
}

TEST_F(Control, TerminationReleasesWhatAWaitHeld)
{
    HANDLE E = Event();
    ob::Object* Object = A.Process().Handles().Find(E)->Target;
    u32 References = Object->References();
    EXPECT_NT(STATUS_PENDING, B.Call(Service::WaitForSingleObject, E, 0, 0));
    EXPECT_EQ(Object->References(), References + 1);
    EXPECT_NT(STATUS_SUCCESS, A.Call(Service::TerminateThread, H, 3));
    EXPECT_EQ(Object->References(), References);
    EXPECT_TRUE(B.Thread().HasEnded());
    EXPECT_EQ(B.Thread().ArenaUsed(), 0u);
    EXPECT_NT(STATUS_SUCCESS, A.Call(Service::SetEvent, E, 0));         // nobody is there to be woken
    EXPECT_NT(STATUS_THREAD_IS_TERMINATING, Suspend());
    EXPECT_NT(STATUS_SUCCESS, A.Call(Service::TerminateThread, H, 4));  // once is enough
    EXPECT_EQ(B.Thread().ExitStatus(), 3);
}

TEST_F(Control, TerminationEndsASuspendedThread)
{
    EXPECT_NT(STATUS_SUCCESS, Suspend());
    EXPECT_NT(STATUS_SUCCESS, A.Call(Service::TerminateThread, H, 3));
    EXPECT_TRUE(B.Thread().HasEnded());
    EXPECT_NT(STATUS_SUCCESS, Resume());
}

TEST_F(Control, AnAbandonedMutantIsToldToTheNext)
{
    EXPECT_NT(STATUS_SUCCESS, B.Call(Service::CreateMutant, Out, 0x1F0001, 0, 1));
    HANDLE M = A.Handle(Out);
    EXPECT_NT(STATUS_PENDING, A.Call(Service::WaitForSingleObject, M, 0, 0));
    B.Thread().Terminate(0);
    Advance(1);                         // the dispatcher reaps
    EXPECT_NT(STATUS_ABANDONED, A.Reply());
    EXPECT_NT(STATUS_SUCCESS, A.Call(Service::ReleaseMutant, M, 0));
}

TEST_F(Control, RegistersOfASuspendedThread)
{
    u64 At = A.Room(sizeof(CONTEXT));
    CONTEXT C {};
    C.ContextFlags = CONTEXT_CONTROL | CONTEXT_INTEGER;
    auto& R = B.Cpu().Registers();
    R.Rip = 0x1'4000'3000;
    R.R12 = 12;
    EXPECT_NT(STATUS_SUCCESS, Suspend());
    A.Set(At, C);
    EXPECT_NT(STATUS_SUCCESS, A.Call(Service::GetContextThread, H, At));
    C = A.Get<CONTEXT>(At);
    EXPECT_EQ(C.Rip, 0x1'4000'3000u);
    EXPECT_EQ(C.R12, 12u);
    C.Rip = 0x1'4000'4000;
    C.R12 = 13;
    C.EFlags = 0xFFFF'FFFF;
    A.Set(At, C);
    EXPECT_NT(STATUS_SUCCESS, A.Call(Service::SetContextThread, H, At));
    EXPECT_FALSE(B.IsRunning());
    EXPECT_NT(STATUS_SUCCESS, Resume());
    EXPECT_TRUE(B.IsRunning());
    EXPECT_EQ(B.Rip(), 0x1'4000'4000u);
    EXPECT_EQ(B.Cpu().Registers().R12, 13u);
    EXPECT_EQ(B.Cpu().Registers().Rflags & ~u64(0xCD5), 0x202u);        // no IOPL, no trap, no nested task
}

TEST_F(Control, AContextBeyondTheUsersAddressesGoesNowhere)
{
    u64 At = A.Room(sizeof(CONTEXT));
    CONTEXT C {};
    C.ContextFlags = CONTEXT_CONTROL;
    C.Rip = 0xFFFF'8000'0000'1000;
    C.Rsp = 0x8000'0000'0000'0000;
    A.Set(At, C);
    EXPECT_NT(STATUS_SUCCESS, A.Call(Service::SetContextThread, H, At));
    EXPECT_EQ(B.Rip(), 0u);
    C.ContextFlags = 0x2;               // not this processor's
    A.Set(At, C);
    EXPECT_NT(STATUS_INVALID_PARAMETER, A.Call(Service::SetContextThread, H, At));
    EXPECT_NT(STATUS_INVALID_PARAMETER, A.Call(Service::GetContextThread, H, At));
    EXPECT_NT(STATUS_ACCESS_VIOLATION, A.Call(Service::GetContextThread, H, 0x10));
}

TEST_F(Control, ANewContextEndsAWait)
{
    HANDLE E = Event();
    EXPECT_NT(STATUS_PENDING, B.Call(Service::WaitForSingleObject, E, 0, 0));
    u64 At = A.Room(sizeof(CONTEXT));
    CONTEXT C {};
    C.ContextFlags = CONTEXT_CONTROL;
    C.Rip = 0x1'4000'5000;
    C.Rsp = B.Rsp();
    A.Set(At, C);
    EXPECT_NT(STATUS_SUCCESS, A.Call(Service::SetContextThread, H, At));
    EXPECT_TRUE(B.IsRunning());
    EXPECT_EQ(B.Rip(), 0x1'4000'5000u);
    EXPECT_NT(STATUS_SUCCESS, A.Call(Service::SetEvent, E, 0));
    EXPECT_NT(STATUS_SUCCESS, A.Call(Service::WaitForSingleObject, E, 0, A.Put(i64(0))));     // the waiter is gone: the signal is still there
}

TEST_F(Control, ContinueEntersAContext)
{
    u64 At = B.Room(sizeof(CONTEXT));
    CONTEXT C {};
    C.ContextFlags = CONTEXT_CONTROL | CONTEXT_INTEGER;
    C.Rip = 0x1'4000'6000;
    C.Rsp = 0x1000'8000;
    C.Rax = 42;
    B.Set(At, C);
    EXPECT_NT(STATUS_PENDING, B.Call(Service::Continue, At, 0));
    EXPECT_TRUE(B.IsRunning());
    EXPECT_EQ(B.Rip(), C.Rip);
    EXPECT_EQ(B.Rsp(), C.Rsp);
    EXPECT_EQ(B.Cpu().Registers().Rax, 42u);
    EXPECT_NT(STATUS_ACCESS_VIOLATION, B.Call(Service::Continue, 0x10, 0));
}

TEST_F(Control, RightsAreAsked)
{
    HANDLE Weak = A.Open(Ref<ob::Object>(B.Thread()), THREAD_QUERY_LIMITED_INFORMATION);
    u64 At = A.Room(sizeof(CONTEXT));
    EXPECT_NT(STATUS_ACCESS_DENIED, A.Call(Service::SuspendThread, Weak, 0));
    EXPECT_NT(STATUS_ACCESS_DENIED, A.Call(Service::ResumeThread, Weak, 0));
    EXPECT_NT(STATUS_ACCESS_DENIED, A.Call(Service::TerminateThread, Weak, 0));
    EXPECT_NT(STATUS_ACCESS_DENIED, A.Call(Service::GetContextThread, Weak, At));
    EXPECT_NT(STATUS_ACCESS_DENIED, A.Call(Service::SetContextThread, Weak, At));
    EXPECT_NT(STATUS_ACCESS_DENIED, A.Call(Service::QueueApcThread, Weak, 0x1000, 0, 0, 0));
    EXPECT_NT(STATUS_ACCESS_DENIED, A.Call(Service::AlertThread, Weak));
    EXPECT_TRUE(B.IsRunning());
}

}
