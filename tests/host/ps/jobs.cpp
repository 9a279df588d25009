// Jobs: limits, accounting, and the end of all that is in one.
#include "tests/host/system/system.hpp"

using namespace test;
using abi::Service;

namespace {

struct Jobs : testing::Test {
    Client C;                           // who makes the job
    u64 Out = C.Room(8);
    HANDLE Job = Make();
    HANDLE Make()
    {
        EXPECT_NT(STATUS_SUCCESS, C.Call(Service::CreateJobObject, Out, JOB_OBJECT_ALL_ACCESS, 0));
        return C.Handle(Out);
    }
    HANDLE Of(Client& P) { return C.Open(Ref<ob::Object>(P.Process()), PROCESS_ALL_ACCESS); }
    NTSTATUS Assign(HANDLE P) { return C.Call(Service::AssignProcessToJobObject, Job, P); }
    NTSTATUS Limit(u32 Flags, u32 Active = 0)
    {
        JOBOBJECT_EXTENDED_LIMIT_INFORMATION L {};
        L.BasicLimitInformation.LimitFlags = Flags;
        L.BasicLimitInformation.ActiveProcessLimit = Active;
        return C.Call(Service::SetInformationJobObject, Job, JobObjectExtendedLimitInformation, C.Put(L), sizeof(L));
    }
    JOBOBJECT_BASIC_ACCOUNTING_INFORMATION Accounting()
    {
        u64 At = C.Room(sizeof(JOBOBJECT_BASIC_ACCOUNTING_INFORMATION));
        EXPECT_NT(STATUS_SUCCESS, C.Call(Service::QueryInformationJobObject, Job, JobObjectBasicAccountingInformation, At, sizeof(JOBOBJECT_BASIC_ACCOUNTING_INFORMATION), 0));
        return C.Get<JOBOBJECT_BASIC_ACCOUNTING_INFORMATION>(At);
    }
};

TEST_F(Jobs, CountTheirProcesses)
{
    Client A, B;
    HANDLE OfA = Of(A);
    EXPECT_NT(STATUS_PROCESS_NOT_IN_JOB, C.Call(Service::IsProcessInJob, OfA, Job));
    EXPECT_NT(STATUS_SUCCESS, Assign(OfA));
    EXPECT_NT(STATUS_SUCCESS, Assign(Of(B)));
    EXPECT_NT(STATUS_PROCESS_IN_JOB, C.Call(Service::IsProcessInJob, OfA, Job));
    EXPECT_NT(STATUS_PROCESS_IN_JOB, C.Call(Service::IsProcessInJob, OfA, 0));
    EXPECT_NT(STATUS_PROCESS_NOT_IN_JOB, C.Call(Service::IsProcessInJob, Self, 0));
    EXPECT_EQ(Accounting().ActiveProcesses, 2u);
    EXPECT_NT(STATUS_SUCCESS, C.Call(Service::TerminateProcess, OfA, 0));
    EXPECT_EQ(Accounting().ActiveProcesses, 1u);
    EXPECT_EQ(Accounting().TotalProcesses, 2u);
    EXPECT_NT(STATUS_PROCESS_IS_TERMINATING, Assign(OfA));
}

TEST_F(Jobs, AProcessIsInOneOnly)
{
    Client A;
    HANDLE OfA = Of(A);
    EXPECT_NT(STATUS_SUCCESS, Assign(OfA));
    HANDLE First = std::exchange(Job, Make());
    EXPECT_NT(STATUS_ACCESS_DENIED, Assign(OfA));
    Job = First;
    EXPECT_EQ(Accounting().ActiveProcesses, 1u);
}

TEST_F(Jobs, LimitHowManyThereAre)
{
    Client A, B;
    EXPECT_NT(STATUS_SUCCESS, Limit(JOB_OBJECT_LIMIT_ACTIVE_PROCESS, 1));
    EXPECT_NT(STATUS_SUCCESS, Assign(Of(A)));
    EXPECT_NT(STATUS_QUOTA_EXCEEDED, Assign(Of(B)));
    EXPECT_EQ(Accounting().ActiveProcesses, 1u);
    EXPECT_NT(STATUS_INVALID_PARAMETER, Limit(0x8000'0000));
}

TEST_F(Jobs, EndTogether)
{
    Client A, B;
    EXPECT_NT(STATUS_SUCCESS, Assign(Of(A)));
    EXPECT_NT(STATUS_SUCCESS, Assign(Of(B)));
    EXPECT_NT(STATUS_SUCCESS, C.Call(Service::TerminateJobObject, Job, 5));
    EXPECT_TRUE(A.Process().HasEnded());
    EXPECT_TRUE(B.Process().HasEnded());
    EXPECT_EQ(A.Process().ExitStatus(), 5);
    EXPECT_EQ(Accounting().ActiveProcesses, 0u);
    EXPECT_EQ(Accounting().TotalTerminatedProcesses, 2u);
    EXPECT_FALSE(C.Process().HasEnded());
}

TEST_F(Jobs, OneThatEndsItselfWithItsJob)
{
    Client A;
    EXPECT_NT(STATUS_SUCCESS, Assign(Of(A)));
    u64 At = A.Room(8);
    (void)At;
    HANDLE InA = A.Open(Ref<ob::Object>(*C.Process().Handles().Find(Job)->Target), JOB_OBJECT_ALL_ACCESS);
    EXPECT_NT(STATUS_PENDING, A.Call(Service::TerminateJobObject, InA, 6));
    EXPECT_TRUE(A.Process().HasEnded());
    EXPECT_EQ(A.Process().ExitStatus(), 6);
}

TEST_F(Jobs, KillAtTheLastClose)
{
    Client A;
    EXPECT_NT(STATUS_SUCCESS, Limit(JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE));
    EXPECT_NT(STATUS_SUCCESS, Assign(Of(A)));
    EXPECT_NT(STATUS_SUCCESS, C.Call(Service::DuplicateObject, Self, Job, Self, Out, 0, 0, DUPLICATE_SAME_ACCESS));
    EXPECT_NT(STATUS_SUCCESS, C.Close(Job));
    EXPECT_FALSE(A.Process().HasEnded());
    EXPECT_NT(STATUS_SUCCESS, C.Close(C.Handle(Out)));
    EXPECT_TRUE(A.Process().HasEnded());
}

TEST_F(Jobs, ListTheirProcesses)
{
    Client A, B;
    EXPECT_NT(STATUS_SUCCESS, Assign(Of(A)));
    EXPECT_NT(STATUS_SUCCESS, Assign(Of(B)));
    u64 At = C.Room(64);
    EXPECT_NT(STATUS_SUCCESS, C.Call(Service::QueryInformationJobObject, Job, JobObjectBasicProcessIdList, At, 64, Out));
    EXPECT_EQ(C.Get<u32>(At), 2u);
    EXPECT_EQ(C.Get<u32>(At + 4), 2u);
    EXPECT_EQ(C.Get<u64>(At + 8), A.Process().Id());
    EXPECT_EQ(C.Get<u64>(At + 16), B.Process().Id());
    EXPECT_EQ(C.Get<u32>(Out), 24u);
    EXPECT_NT(STATUS_BUFFER_OVERFLOW, C.Call(Service::QueryInformationJobObject, Job, JobObjectBasicProcessIdList, At, 16, 0));
    EXPECT_EQ(C.Get<u32>(At + 4), 1u);
    EXPECT_NT(STATUS_INFO_LENGTH_MISMATCH, C.Call(Service::QueryInformationJobObject, Job, JobObjectBasicProcessIdList, At, 7, 0));
    EXPECT_NT(STATUS_INVALID_INFO_CLASS, C.Call(Service::QueryInformationJobObject, Job, 99, At, 64, 0));
}

TEST_F(Jobs, TellACompletionPort)
{
    Client A;
    EXPECT_NT(STATUS_SUCCESS, C.Call(Service::CreateIoCompletion, Out, 0x1F0003, 0, 0));
    HANDLE Port = C.Handle(Out);
    JOBOBJECT_ASSOCIATE_COMPLETION_PORT P { reinterpret_cast<void*>(0x1234), Port };
    EXPECT_NT(STATUS_SUCCESS, C.Call(Service::SetInformationJobObject, Job, JobObjectAssociateCompletionPortInformation, C.Put(P), sizeof(P)));
    EXPECT_NT(STATUS_SUCCESS, Assign(Of(A)));
    EXPECT_NT(STATUS_SUCCESS, C.Call(Service::TerminateJobObject, Job, 0));
    u64 Key = C.Room(8), Id = C.Room(8), Block = C.Room(16), Now = C.Put(i64(0));
    std::vector<u32> Told;
    while (C.Call(Service::RemoveIoCompletion, Port, Key, Id, Block, Now) == STATUS_SUCCESS) {
        EXPECT_EQ(C.Get<u64>(Key), 0x1234u);
        Told.push_back(C.Get<u32>(Block));
        if (Told.back() != JOB_OBJECT_MSG_ACTIVE_PROCESS_ZERO)
            EXPECT_EQ(C.Get<u64>(Id), A.Process().Id());
    }
    EXPECT_EQ(Told, (std::vector<u32> { JOB_OBJECT_MSG_NEW_PROCESS, JOB_OBJECT_MSG_EXIT_PROCESS, JOB_OBJECT_MSG_ACTIVE_PROCESS_ZERO }));
}

TEST_F(Jobs, LeaveNothing)
{
    Balance B;
    {
        Client A;
        HANDLE Mine = Make(), OfA = Of(A);
        EXPECT_NT(STATUS_SUCCESS, C.Call(Service::AssignProcessToJobObject, Mine, OfA));
        EXPECT_NT(STATUS_SUCCESS, C.Close(Mine));
        EXPECT_FALSE(A.Process().HasEnded());
        EXPECT_NT(STATUS_SUCCESS, C.Close(OfA));
    }
    B.Check();
}

}
