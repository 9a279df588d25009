// System information: lengths as Windows has them, and lists that can be walked.
#include "abi/nt/sysinfo.hpp"

#include "tests/host/ex/double/system.hpp"
#include "tests/host/support/gtest.hpp"

using fake::Client;

namespace {

struct SystemInformation : testing::Test {
    Client C, D { C };
    u64 Buffer = C.Room(8192), Length = C.Room(4);
    NTSTATUS Query(ULONG Class, ULONG Bytes, u64 At = ~u64(0))
    {
        C.At<ULONG>(Length) = 0xdeadbeef;
        return C.Now(NtQuerySystemInformation, Class, At == ~u64(0) ? Buffer : At, Bytes, Length);
    }
    NTSTATUS QueryEx(ULONG Class, u64 Input, ULONG InputBytes, ULONG Bytes)
    {
        C.At<ULONG>(Length) = 0xdeadbeef;
        return C.Now(NtQuerySystemInformationEx, Class, Input, InputBytes, Buffer, Bytes, Length);
    }
    ULONG Told() { return C.At<ULONG>(Length); }
};

TEST_F(SystemInformation, Lengths)
{
    EXPECT_EQ(Query(~0u, 0, 0), STATUS_INVALID_INFO_CLASS);
    EXPECT_EQ(Query(SystemBasicInformation, 0, 0), STATUS_INFO_LENGTH_MISMATCH);
    EXPECT_EQ(Query(SystemBasicInformation, 64, 0), STATUS_ACCESS_VIOLATION);
    EXPECT_EQ(Query(SystemBasicInformation, 128), STATUS_INFO_LENGTH_MISMATCH);
    EXPECT_EQ(Query(SystemBasicInformation, 64), STATUS_SUCCESS);
    EXPECT_EQ(Told(), 64u);
    EXPECT_EQ(C.At<SYSTEM_BASIC_INFORMATION>(Buffer).NumberOfProcessors, 1);
    EXPECT_EQ(C.Now(NtQuerySystemInformation, SystemBasicInformation, Buffer, 64, 0), STATUS_SUCCESS);
    EXPECT_EQ(Query(SystemProcessorInformation, 12), STATUS_SUCCESS);
    EXPECT_NE(C.At<SYSTEM_PROCESSOR_INFORMATION>(Buffer).ProcessorFeatureBits, 0u);
    EXPECT_EQ(Query(SystemPerformanceInformation, 0), STATUS_INFO_LENGTH_MISMATCH);
    EXPECT_EQ(Query(SystemPerformanceInformation, 312), STATUS_SUCCESS);
    EXPECT_EQ(Told(), 312u);
    EXPECT_EQ(Query(SystemPerformanceInformation, 400), STATUS_SUCCESS);
    EXPECT_EQ(Told(), 344u);
    EXPECT_EQ(Query(SystemTimeOfDayInformation, 0), STATUS_SUCCESS);
    EXPECT_EQ(Told(), 0u);
    EXPECT_EQ(Query(SystemTimeOfDayInformation, 24), STATUS_SUCCESS);
    EXPECT_EQ(Told(), 24u);
    EXPECT_EQ(Query(SystemTimeOfDayInformation, 49), STATUS_INFO_LENGTH_MISMATCH);
    EXPECT_EQ(Query(SystemProcessorPerformanceInformation, 48), STATUS_SUCCESS);
    EXPECT_EQ(Query(SystemProcessorPerformanceInformation, 50), STATUS_INFO_LENGTH_MISMATCH);
    EXPECT_EQ(Told(), 48u);
    EXPECT_EQ(Query(SystemInterruptInformation, 0), STATUS_INFO_LENGTH_MISMATCH);
    EXPECT_EQ(Told(), 24u);
    EXPECT_EQ(Query(SystemInterruptInformation, 24), STATUS_SUCCESS);
    for (ULONG I = 64; I <= 128; ++I)
        EXPECT_EQ(Query(SystemFileCacheInformation, I), STATUS_SUCCESS);
    EXPECT_EQ(Query(SystemKernelDebuggerInformation, 4), STATUS_SUCCESS);
    EXPECT_EQ(Told(), 2u);
    EXPECT_EQ(Query(SystemKernelDebuggerInformationEx, 0), STATUS_INFO_LENGTH_MISMATCH);
    EXPECT_EQ(Query(SystemRegistryQuotaInformation, 18), STATUS_SUCCESS);
    EXPECT_EQ(Told(), 16u);
    EXPECT_EQ(Query(SystemTimeAdjustmentInformation, 12), STATUS_SUCCESS);
    EXPECT_EQ(Query(SystemTimeAdjustmentInformation, 13), STATUS_INFO_LENGTH_MISMATCH);
    EXPECT_EQ(Query(SystemDynamicTimeZoneInformation, 432), STATUS_SUCCESS);
    EXPECT_EQ(Query(SystemFirmwareTableInformation, 15), STATUS_INFO_LENGTH_MISMATCH);
    EXPECT_EQ(Told(), 16u);
    EXPECT_EQ(Query(SystemFirmwareTableInformation, 16), STATUS_NOT_IMPLEMENTED);
    EXPECT_EQ(Told(), 0u);
    C.At<u64>(Buffer) = 8;
    EXPECT_EQ(Query(SystemCodeIntegrityInformation, 8), STATUS_SUCCESS);
}

TEST_F(SystemInformation, Processes)
{
    C.Process().ImagePath_ = MUST(ob::String::Copy(L"\\Device\\HarddiskVolume1\\dir\\program.exe"));
    for (bool Extended : { false, true }) {
        ULONG Class = Extended ? SystemExtendedProcessInformation : SystemProcessInformation;
        usize ThreadSize = Extended ? sizeof(SYSTEM_EXTENDED_THREAD_INFORMATION) : sizeof(SYSTEM_THREAD_INFORMATION);
        ASSERT_EQ(Query(Class, 0, 0), STATUS_INFO_LENGTH_MISMATCH);
        ULONG Needed = Told();
        ASSERT_GT(Needed, 0u);
        EXPECT_EQ(Query(Class, Needed - 1), STATUS_INFO_LENGTH_MISMATCH);
        EXPECT_EQ(Told(), Needed);
        ASSERT_EQ(Query(Class, Needed), STATUS_SUCCESS);
        u64 At = Buffer;
        bool Found = false;
        for (;;) {
            auto& P = C.At<SYSTEM_PROCESS_INFORMATION>(At);
            if (P.UniqueProcessId == HANDLE(C.Process().Id())) {
                Found = true;
                EXPECT_EQ(P.NumberOfThreads, 2u);
                EXPECT_EQ(P.ImageName.Length, 22);
                EXPECT_EQ(memcmp(C.Bytes(u64(P.ImageName.Buffer)), L"program.exe", 24), 0);
                EXPECT_EQ(P.HandleCount, C.Process().Handles().Count());
                auto& T = C.At<SYSTEM_EXTENDED_THREAD_INFORMATION>(At + sizeof(P) + ThreadSize);
                EXPECT_EQ(T.ThreadInfo.ClientId.UniqueProcess, P.UniqueProcessId);
                EXPECT_EQ(T.ThreadInfo.ClientId.UniqueThread, HANDLE(D.Thread().Id()));
                if (Extended)
                    EXPECT_EQ(T.TebBase, (void*)D.Thread().TebAddress());
            }
            if (!P.NextEntryOffset)
                break;
            EXPECT_EQ(P.NextEntryOffset % 8, 0u);
            At += P.NextEntryOffset;
        }
        EXPECT_TRUE(Found);
        EXPECT_LE(At - Buffer, Needed);
    }
}

TEST_F(SystemInformation, Handles)
{
    u64 Out = C.Room(8);
    for (int I = 0; I < 70; ++I)
        ASSERT_EQ(C.Now(NtCreateEvent, Out, GENERIC_ALL, 0, 0, 0), STATUS_SUCCESS);
    HANDLE Last = C.At<HANDLE>(Out);
    C.Process().Handles().Find(Last)->Flags = 3;
    EXPECT_EQ(Query(SystemHandleInformation, 32), STATUS_INFO_LENGTH_MISMATCH);
    ULONG Needed = Told();
    ASSERT_EQ(Query(SystemHandleInformation, Needed), STATUS_SUCCESS);
    ULONG Count = C.At<ULONG>(Buffer);
    EXPECT_EQ(Needed, 8 + Count * 24);
    bool Found = false;
    for (ULONG I = 0; I < Count; ++I) {
        auto& E = C.At<SYSTEM_HANDLE_TABLE_ENTRY_INFO>(Buffer + 8 + I * 24);
        if (E.UniqueProcessId == C.Process().Id() && HANDLE(u64(E.HandleValue)) == Last) {
            Found = true;
            EXPECT_EQ(E.HandleAttributes, 3);
            EXPECT_EQ(E.GrantedAccess, EVENT_ALL_ACCESS);
        }
    }
    EXPECT_TRUE(Found);
    EXPECT_EQ(Query(SystemHandleInformation, Needed, 0), STATUS_ACCESS_VIOLATION);
    EXPECT_EQ(Query(SystemExtendedHandleInformation, 56), STATUS_INFO_LENGTH_MISMATCH);
    Needed = Told();
    ASSERT_EQ(Query(SystemExtendedHandleInformation, Needed), STATUS_SUCCESS);
    EXPECT_EQ(Told(), 16 + C.At<u64>(Buffer) * 40);
}

TEST_F(SystemInformation, LogicalProcessors)
{
    EXPECT_EQ(Query(SystemLogicalProcessorInformation, 0, 0), STATUS_INFO_LENGTH_MISMATCH);
    EXPECT_EQ(Told() % 32, 0u);
    ASSERT_EQ(Query(SystemLogicalProcessorInformation, Told()), STATUS_SUCCESS);
    u64 Relationship = C.Room(4);
    auto Needs = [&](ULONG Which) {
        C.At<ULONG>(Relationship) = Which;
        EXPECT_EQ(QueryEx(SystemLogicalProcessorInformationEx, Relationship, 4, 0), STATUS_INFO_LENGTH_MISMATCH);
        return Told();
    };
    ULONG Parts = Needs(RelationProcessorCore) + Needs(RelationNumaNode) + Needs(RelationProcessorPackage) + Needs(RelationGroup);
    C.At<ULONG>(Relationship) = RelationCache;
    QueryEx(SystemLogicalProcessorInformationEx, Relationship, 4, 0);
    Parts += Told();
    EXPECT_EQ(Needs(RelationAll), Parts);
    EXPECT_EQ(QueryEx(SystemLogicalProcessorInformationEx, Relationship, 4, Parts), STATUS_SUCCESS);
    ULONG At = 0;
    while (At < Parts) {
        ULONG Size = C.At<ULONG>(Buffer + At + 4);
        ASSERT_NE(Size, 0u);
        At += Size;
    }
    EXPECT_EQ(At, Parts);
    C.At<ULONG>(Relationship) = RelationProcessorDie;
    EXPECT_EQ(QueryEx(SystemLogicalProcessorInformationEx, Relationship, 4, 0), STATUS_UNSUCCESSFUL);
}

TEST_F(SystemInformation, CpuSetsAndArchitectures)
{
    u64 Process = C.Put(~u64(0));
    EXPECT_EQ(QueryEx(SystemCpuSetInformation, Process, 8, 0), STATUS_BUFFER_TOO_SMALL);
    EXPECT_EQ(Told(), 32u);
    EXPECT_EQ(QueryEx(SystemCpuSetInformation, Process, 8, 32), STATUS_SUCCESS);
    EXPECT_EQ(C.At<SYSTEM_CPU_SET_INFORMATION>(Buffer).Id, 0x100u);
    EXPECT_EQ(QueryEx(SystemCpuSetInformation, 0, 8, 32), STATUS_INVALID_PARAMETER);
    C.At<u64>(Process) = 0xdeadbeef;
    EXPECT_EQ(QueryEx(SystemCpuSetInformation, Process, 8, 32), STATUS_INVALID_HANDLE);
    C.At<u64>(Process) = 0;
    EXPECT_EQ(QueryEx(SystemSupportedProcessorArchitectures, Process, 8, 16), STATUS_SUCCESS);
    EXPECT_EQ(C.At<u16>(Buffer), 0x8664);
    EXPECT_EQ(QueryEx(SystemBasicInformation, Process, 8, 64), STATUS_INVALID_INFO_CLASS);
}

}
