// Processes: their end, what queries tell of them, memory of others.
#include "tests/host/system/system.hpp"

using namespace test;
using abi::Service;

namespace {

TEST(Processes, EndAndLeaveNothing)
{
    Balance B;
    {
        Client C, Second(C);
        u64 Out = C.Room(8);
        EXPECT_NT(STATUS_SUCCESS, C.Call(Service::CreateEvent, Out, 0x1F0003, 0, 1, 0));
        EXPECT_NT(STATUS_PENDING, Second.Call(Service::WaitForSingleObject, C.Handle(Out), 0, 0));
        EXPECT_NT(STATUS_PENDING, C.Call(Service::TerminateProcess, Self, 11));
        EXPECT_TRUE(C.Process().HasEnded());
        EXPECT_TRUE(Second.Thread().HasEnded());
        EXPECT_EQ(C.Process().ExitStatus(), 11);
        EXPECT_EQ(C.Process().Handles().Count(), 0u);
        EXPECT_EQ(C.Process().ThreadCount(), 0u);
    }
    B.Check();
}

TEST(Processes, EndInTwoSteps)
{
    Client C, Second(C);
    EXPECT_NT(STATUS_SUCCESS, C.Call(Service::TerminateProcess, 0, 4));         // the others
    EXPECT_TRUE(Second.Thread().HasEnded());
    EXPECT_FALSE(C.Process().HasEnded());
    EXPECT_NT(STATUS_PENDING, C.Call(Service::TerminateProcess, Self, 4));
    EXPECT_TRUE(C.Process().HasEnded());
}

TEST(Processes, AreEndedByOthers)
{
    Client A, B;
    HANDLE H = A.Open(Ref<ob::Object>(B.Process()), PROCESS_ALL_ACCESS), Weak = A.Open(Ref<ob::Object>(B.Process()), PROCESS_QUERY_INFORMATION);
    EXPECT_NT(STATUS_ACCESS_DENIED, A.Call(Service::TerminateProcess, Weak, 1));
    EXPECT_NT(STATUS_TIMEOUT, A.Call(Service::WaitForSingleObject, H, 0, A.Put(i64(0))));
    EXPECT_NT(STATUS_SUCCESS, A.Call(Service::TerminateProcess, H, 1));
    EXPECT_NT(STATUS_SUCCESS, A.Call(Service::WaitForSingleObject, H, 0, A.Put(i64(0))));
    EXPECT_NT(STATUS_PROCESS_IS_TERMINATING, A.Call(Service::TerminateProcess, H, 2));
    u64 At = A.Room(sizeof(PROCESS_BASIC_INFORMATION));
    EXPECT_NT(STATUS_SUCCESS, A.Call(Service::QueryInformationProcess, Weak, ProcessBasicInformation, At, sizeof(PROCESS_BASIC_INFORMATION), 0));
    auto Info = A.Get<PROCESS_BASIC_INFORMATION>(At);
    EXPECT_EQ(Info.ExitStatus, 1);
    EXPECT_EQ(u64(Info.UniqueProcessId), B.Process().Id());
}

TEST(Processes, ARightBringsTheLesserOne)
{
    Client A;
    auto Granted = [&](Ref<ob::Object> Of, ACCESS_MASK Access) { return A.Process().Handles().Find(A.Open(std::move(Of), Access))->Access; };
    EXPECT_EQ(Granted(Ref<ob::Object>(A.Process()), PROCESS_QUERY_INFORMATION), PROCESS_QUERY_INFORMATION | PROCESS_QUERY_LIMITED_INFORMATION);
    EXPECT_EQ(Granted(Ref<ob::Object>(A.Process()), PROCESS_QUERY_LIMITED_INFORMATION), PROCESS_QUERY_LIMITED_INFORMATION);
    EXPECT_EQ(Granted(Ref<ob::Object>(A.Thread()), THREAD_SET_INFORMATION), THREAD_SET_INFORMATION | THREAD_SET_LIMITED_INFORMATION);
    EXPECT_EQ(Granted(Ref<ob::Object>(A.Thread()), THREAD_TERMINATE), THREAD_TERMINATE);
}

TEST(Processes, AreOpenedByIdWithRights)
{
    Client A(As::System), B;
    u64 Out = A.Room(8), Attributes = A.PutAttributes({});
    auto Open = [&](u64 Process, u64 Thread) {
        return A.Call(Service::OpenProcess, Out, PROCESS_ALL_ACCESS, Attributes, A.Put(CLIENT_ID { reinterpret_cast<HANDLE>(Process), reinterpret_cast<HANDLE>(Thread) }));
    };
    EXPECT_NT(STATUS_SUCCESS, Open(B.Process().Id(), 0));
    EXPECT_NT(STATUS_SUCCESS, Open(B.Process().Id(), B.Thread().Id()));
    EXPECT_NT(STATUS_INVALID_CID, Open(B.Process().Id(), A.Thread().Id()));
    EXPECT_NT(STATUS_INVALID_CID, Open(B.Thread().Id(), 0));
    EXPECT_NT(STATUS_INVALID_CID, Open(0x7FFF'FFFC, 0));
    EXPECT_NT(STATUS_INVALID_CID, Open(~u64(0), 0));
}

TEST(Processes, MemoryOfOthers)
{
    Client A, B;
    HANDLE H = A.Open(Ref<ob::Object>(B.Process()), PROCESS_ALL_ACCESS);
    u64 There = B.Put(u64(0xABCD)), Here = A.Room(8), Done = A.Room(8);
    EXPECT_NT(STATUS_SUCCESS, A.Call(Service::ReadVirtualMemory, H, There, Here, 8, Done));
    EXPECT_EQ(A.Get<u64>(Here), 0xABCDu);
    EXPECT_EQ(A.Get<u64>(Done), 8u);
    A.Set(Here, u64(0x5555));
    EXPECT_NT(STATUS_SUCCESS, A.Call(Service::WriteVirtualMemory, H, There, Here, 8, Done));
    EXPECT_EQ(B.Get<u64>(There), 0x5555u);
    EXPECT_LT(A.Call(Service::ReadVirtualMemory, H, 0x10, Here, 8, Done), 0);
    EXPECT_LT(A.Call(Service::WriteVirtualMemory, H, ~u64(0) - 3, Here, 8, Done), 0);
    EXPECT_LT(A.Call(Service::ReadVirtualMemory, H, There, Here, ~u64(0), Done), 0);
}

TEST(Processes, EveryQueryTakesHostileLengths)
{
    Client C;
    u64 At = C.Room(4096), Length = C.Room(8);
    for (u32 Class = 0; Class < 120; ++Class)
        for (u32 Bytes : { 0u, 1u, 4u, 7u, 8u, 48u, 4096u, 0xFFFF'FFFFu }) {
            // Memory that ends within the answer, or is not there at all.
            C.Call(Service::QueryInformationProcess, Self, Class, At, Bytes, Length);
            ASSERT_TRUE(C.IsRunning()) << "class " << Class << " length " << Bytes;
            C.Call(Service::QueryInformationProcess, Self, Class, 0x10, Bytes, 0x10);
            ASSERT_TRUE(C.IsRunning());
            C.Call(Service::QueryInformationThread, SelfThread, Class, At, Bytes, Length);
            ASSERT_TRUE(C.IsRunning()) << "class " << Class << " length " << Bytes;
            C.Call(Service::QueryInformationThread, SelfThread, Class, 0x10, Bytes, 0x10);
            ASSERT_TRUE(C.IsRunning());
        }
}

TEST(Processes, EverySetTakesHostileValues)
{
    Balance B;
    {
        Client C;
        u64 At = C.Room(4096);
        for (u64 Fill : { u64(0), ~u64(0), u64(0x8000'0000'0000'0000) }) {
            for (u32 I = 0; I < 512; ++I)
                C.Set(At + I * 8, Fill);
            for (u32 Class = 0; Class < 120; ++Class)
                for (u32 Bytes : { 0u, 1u, 4u, 8u, 16u, 4096u, 0xFFFF'FFFFu }) {
                    // An impersonation token of nobody and the like must not harm; a suspension of itself there is none.
                    C.Call(Service::SetInformationProcess, Self, Class, At, Bytes);
                    ASSERT_TRUE(C.IsRunning()) << "class " << Class << " length " << Bytes;
                    C.Call(Service::SetInformationThread, SelfThread, Class, At, Bytes);
                    ASSERT_TRUE(C.IsRunning()) << "class " << Class << " length " << Bytes;
                    C.Call(Service::SetInformationThread, SelfThread, Class, 0x10, Bytes);
                    ASSERT_TRUE(C.IsRunning());
                }
        }
    }
    B.Check();
}

TEST(Processes, CreationWithHostileArgumentsIsRefused)
{
    Balance Before;
    {
        Client C;
        u64 P = C.Room(8), T = C.Room(8);
        PS_CREATE_INFO Info {};
        Info.Size = sizeof(Info);
        u64 InfoAt = C.Put(Info);
        auto Create = [&](u64 Parameters, u64 List) {
            return C.Call(Service::CreateUserProcess, P, T, PROCESS_ALL_ACCESS, THREAD_ALL_ACCESS, 0, 0, 0, 0, Parameters, InfoAt, List);
        };
        EXPECT_NT(STATUS_INVALID_PARAMETER, Create(0, 0));
        EXPECT_NT(STATUS_ACCESS_VIOLATION, Create(0, 0x10));
        struct {
            u64 Total;
            PS_ATTRIBUTE A;
        } List { sizeof(List), { PS_ATTRIBUTE_IMAGE_NAME, 20, { 0x10 }, nullptr } };
        EXPECT_NT(STATUS_ACCESS_VIOLATION, Create(0, C.Put(List)));
        List.A.Size = 3;
        EXPECT_NT(STATUS_INVALID_PARAMETER, Create(0, C.Put(List)));
        List.A.Size = ~u64(0) & ~u64(1);
        EXPECT_NT(STATUS_INVALID_PARAMETER, Create(0, C.Put(List)));
        constexpr wchar_t Missing[] = L"\\??\\C:\\no such file.exe";
        List.A.Size = sizeof(Missing) - 2;
        List.A.Value = C.PutBytes(Missing, sizeof(Missing));
        EXPECT_LT(Create(0, C.Put(List)), 0);
        List.A.Attribute = PS_ATTRIBUTE_HANDLE_LIST;
        List.A.Size = 1 << 20;
        EXPECT_NT(STATUS_INVALID_PARAMETER, Create(0, C.Put(List)));
        List.Total = sizeof(List) + 1;
        EXPECT_NT(STATUS_INVALID_PARAMETER, Create(0, C.Put(List)));
    }
    Before.Check();
}

}
