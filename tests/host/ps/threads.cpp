// Threads: made, found, ended; in which order what is told.
#include "tests/host/system/system.hpp"

using namespace test;
using abi::Service;

namespace {

// A thread made by a program, suspended or not.
struct Made {
    HANDLE Handle;
    u64 Id;
};
Made Create(Client& By, HANDLE In = Self, u32 Flags = 0)
{
    u64 Out = By.Room(8), IdAt = By.Room(sizeof(CLIENT_ID));
    struct {
        u64 Total;
        PS_ATTRIBUTE Id;
    } List { sizeof(List), { PS_ATTRIBUTE_CLIENT_ID, sizeof(CLIENT_ID), { IdAt }, nullptr } };
    EXPECT_NT(STATUS_SUCCESS, By.Call(Service::CreateThreadEx, Out, THREAD_ALL_ACCESS, 0, In, 0x1'4000'2000, 0x77, Flags, 0, 0, 0, By.Put(List)));
    return { By.Handle(Out), reinterpret_cast<u64>(By.Get<CLIENT_ID>(IdAt).UniqueThread) };
}
Ref<ps::Thread> ById(u64 Id) { return Ref<ps::Thread>(*ps::Thread::ById(Id)); }

TEST(Threads, BeginInTheLoaderWithTheirContext)
{
    Client C;
    Made M = Create(C);
    ASSERT_NE(M.Id, 0u);
    Client T(C, ById(M.Id));
    EXPECT_TRUE(T.IsRunning());
    EXPECT_EQ(T.Rip(), LoaderAt);
    auto& R = T.Cpu().Registers();
    EXPECT_EQ(R.Rdx, NtdllAt);
    CONTEXT Start = C.Get<CONTEXT>(R.Rcx);
    EXPECT_EQ(Start.Rip, ThreadStartAt);
    EXPECT_EQ(Start.Rcx, 0x1'4000'2000u);
    EXPECT_EQ(Start.Rdx, 0x77u);
    EXPECT_EQ(R.Rcx % 16, 0u);
    EXPECT_GE(R.Rcx, R.Rsp + 0x20);
    // Its TEB knows it; GS is the TEB.
    u64 Teb = T.Thread().TebAddress();
    EXPECT_EQ(T.Cpu().IpcBuffer(), Teb);
    NT_TIB Tib = C.Get<NT_TIB>(Teb);
    EXPECT_EQ(reinterpret_cast<u64>(Tib.Self), Teb);
    EXPECT_GT(reinterpret_cast<u64>(Tib.StackBase), R.Rcx);
    EXPECT_LT(reinterpret_cast<u64>(Tib.StackLimit), R.Rsp);
    CLIENT_ID Id = C.Get<CLIENT_ID>(Teb + __builtin_offsetof(TEB, ClientId));
    EXPECT_EQ(reinterpret_cast<u64>(Id.UniqueThread), M.Id);
    EXPECT_EQ(reinterpret_cast<u64>(Id.UniqueProcess), C.Process().Id());
}

TEST(Threads, EndLeavesNothing)
{
    Balance B;
    {
        Client C;
        mm::MemoryInfo Before = mm::QueryMemory();
        Made M = Create(C);
        Ref<ps::Thread> T = ById(M.Id);
        {
            Client Other(C, T);
            EXPECT_NT(STATUS_PENDING, Other.Call(Service::TerminateThread, 0, 7));
        }
        EXPECT_TRUE(T->HasEnded());
        EXPECT_EQ(T->ExitStatus(), 7);
        EXPECT_EQ(T->KernelThread(), 0u);
        EXPECT_EQ(C.Process().ThreadCount(), 1u);
        EXPECT_EQ(mm::QueryMemory().CommittedPages, Before.CommittedPages);         // stack and TEB are given back
        EXPECT_NT(STATUS_SUCCESS, C.Call(Service::WaitForSingleObject, M.Handle, 0, 0));
        EXPECT_NT(STATUS_SUCCESS, C.Close(M.Handle));
    }
    B.Check();
}

TEST(Threads, TheirIdIsTheirsAsLongAsAHandleIsOpen)
{
    Client C;
    Made Old = Create(C);
    EXPECT_NT(STATUS_SUCCESS, C.Call(Service::TerminateThread, Old.Handle, 0));
    auto CreateAndEnd = [&] {
        C.Forget();
        Made New = Create(C);
        EXPECT_NT(STATUS_SUCCESS, C.Call(Service::TerminateThread, New.Handle, 0));
        EXPECT_NT(STATUS_SUCCESS, C.Close(New.Handle));
        return New.Id;
    };
    // Ids come around after some hundreds.
    for (u32 I = 0; I < 2000; ++I)
        ASSERT_NE(CreateAndEnd(), Old.Id);
    EXPECT_NT(STATUS_SUCCESS, C.Close(Old.Handle));
    bool Again = false;
    for (u32 I = 0; I < 2000 && !Again; ++I)
        Again = CreateAndEnd() == Old.Id;
    EXPECT_TRUE(Again);
}

TEST(Threads, AreOpenedById)
{
    Client C, Other;
    u64 Out = C.Room(8), Attributes = C.PutAttributes({});
    auto Open = [&](u64 Process, u64 Thread) {
        return C.Call(Service::OpenThread, Out, THREAD_QUERY_LIMITED_INFORMATION, Attributes, C.Put(CLIENT_ID { reinterpret_cast<HANDLE>(Process), reinterpret_cast<HANDLE>(Thread) }));
    };
    EXPECT_NT(STATUS_SUCCESS, Open(0, Other.Thread().Id()));
    EXPECT_NT(STATUS_SUCCESS, Open(Other.Process().Id(), Other.Thread().Id()));
    EXPECT_NT(STATUS_INVALID_CID, Open(C.Process().Id(), Other.Thread().Id()));
    EXPECT_NT(STATUS_INVALID_CID, Open(0, Other.Process().Id()));       // a process is no thread
    EXPECT_NT(STATUS_INVALID_CID, Open(0, 0xFFFF'FFF0));
}

TEST(Threads, OfAProcessAreListed)
{
    Client C;
    Made A = Create(C), B = Create(C);
    u64 Out = C.Room(8);
    std::vector<u64> Ids;
    HANDLE At = nullptr;
    while (C.Call(Service::GetNextThread, Self, At, THREAD_ALL_ACCESS, 0, 0, Out) == STATUS_SUCCESS) {
        At = C.Handle(Out);
        u64 Info = C.Room(sizeof(THREAD_BASIC_INFORMATION));
        ASSERT_NT(STATUS_SUCCESS, C.Call(Service::QueryInformationThread, At, ThreadBasicInformation, Info, sizeof(THREAD_BASIC_INFORMATION), 0));
        Ids.push_back(reinterpret_cast<u64>(C.Get<THREAD_BASIC_INFORMATION>(Info).ClientId.UniqueThread));
    }
    EXPECT_EQ(Ids, (std::vector<u64> { C.Thread().Id(), A.Id, B.Id }));
}

TEST(Threads, TheLastOneEndsTheProcess)
{
    Client Watcher, C;
    HANDLE H = Watcher.Open(Ref<ob::Object>(C.Process()), PROCESS_ALL_ACCESS);
    EXPECT_NT(STATUS_PENDING, Watcher.Call(Service::WaitForSingleObject, H, 0, 0));
    EXPECT_NT(STATUS_CANT_TERMINATE_SELF, C.Call(Service::TerminateThread, 0, 9));
    EXPECT_NT(STATUS_PENDING, C.Call(Service::TerminateThread, SelfThread, 9));
    EXPECT_TRUE(C.Process().HasEnded());
    EXPECT_EQ(C.Process().ExitStatus(), 9);
    EXPECT_NT(STATUS_SUCCESS, Watcher.Reply());
}

TEST(Threads, AreNotMadeInAProcessThatEnds)
{
    Client C, Other;
    HANDLE H = C.Open(Ref<ob::Object>(Other.Process()), PROCESS_ALL_ACCESS);
    EXPECT_NT(STATUS_SUCCESS, C.Call(Service::TerminateProcess, H, 1));
    u64 Out = C.Room(8);
    EXPECT_NT(STATUS_PROCESS_IS_TERMINATING, C.Call(Service::CreateThreadEx, Out, THREAD_ALL_ACCESS, 0, H, 0x1000, 0, 0, 0, 0, 0, 0));
}

TEST(Threads, WithoutMemoryAreNotHalfMade)
{
    Client C;
    mm::MemoryInfo Before = mm::QueryMemory();
    u64 Out = C.Room(8);
    C.Call(Service::CreateThreadEx, Out, THREAD_ALL_ACCESS, 0, Self, 0x1000, 0, 0, 0, 0, 0, 0);
    EXPECT_NT(STATUS_SUCCESS, C.Call(Service::TerminateThread, C.Handle(Out), 0));
    u32 Threads = C.Process().ThreadCount(), Failed = 0;
    for (u32 Skip = 0; Skip < 60; ++Skip) {
        fake::FailAny(Skip);
        NTSTATUS S = C.Call(Service::CreateThreadEx, Out, THREAD_ALL_ACCESS, 0, Self, 0x1000, 0, 0, 0, 0, 0, 0);
        bool Done = fake::FailurePending();
        fake::NoFailures();
        if (S == STATUS_SUCCESS)
            EXPECT_NT(STATUS_SUCCESS, C.Call(Service::TerminateThread, C.Handle(Out), 0));
        else
            ++Failed;
        ASSERT_EQ(C.Process().ThreadCount(), Threads);
        ASSERT_EQ(mm::QueryMemory().CommittedPages, Before.CommittedPages) << "after failure " << Skip;
        if (Done)
            break;
    }
    EXPECT_GT(Failed, 0u);
}

TEST(Threads, WithHostileArgumentsAreRefused)
{
    Client C;
    u64 Out = C.Room(8);
    auto Try = [&](u64 To, HANDLE In, u64 Commit, u64 Reserve, u64 List) { return C.Call(Service::CreateThreadEx, To, THREAD_ALL_ACCESS, 0, In, 0x1000, 0, 1, 0, Commit, Reserve, List); };
    EXPECT_NT(STATUS_ACCESS_VIOLATION, Try(0x10, Self, 0, 0, 0));
    EXPECT_NT(STATUS_INVALID_HANDLE, Try(Out, reinterpret_cast<HANDLE>(0x7774), 0, 0, 0));
    EXPECT_NT(STATUS_OBJECT_TYPE_MISMATCH, Try(Out, SelfThread, 0, 0, 0));
    EXPECT_LT(Try(Out, Self, 0, ~u64(0), 0), 0);
    EXPECT_LT(Try(Out, Self, ~u64(0), 0, 0), 0);
    EXPECT_LT(Try(Out, Self, ~u64(0) - 2 * PageSize, 64 * GiB, 0), 0);
    EXPECT_NT(STATUS_INVALID_PARAMETER, Try(Out, Self, 0, 0, C.Put(u64(9))));
    EXPECT_NT(STATUS_INVALID_PARAMETER, Try(Out, Self, 0, 0, C.Put(~u64(0))));
    EXPECT_EQ(C.Process().ThreadCount(), 1u);
}

}
