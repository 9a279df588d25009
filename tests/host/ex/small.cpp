// Atoms, identifiers, time, hard errors, locale, power.
#include "tests/host/support/gtest.hpp"

#include <map>
#include <set>

#include "ntos/hal/hal.hpp"
#include "tests/host/ex/double/system.hpp"

using fake::Client;

namespace {

struct Small : testing::Test {
    Client C;
    u64 Out = C.Room(16);
    u64 PutText(const wchar_t* Text, usize& Bytes)
    {
        u64 S = C.PutString(Text);
        Bytes = C.At<UNICODE_STRING>(S).Length;
        return u64(C.At<UNICODE_STRING>(S).Buffer);
    }
    NTSTATUS Add(const wchar_t* Text, u16& Atom)
    {
        usize Bytes;
        u64 At = PutText(Text, Bytes);
        NTSTATUS S = C.Now(NtAddAtom, At, Bytes, Out);
        Atom = C.At<u16>(Out);
        return S;
    }
    NTSTATUS Find(const wchar_t* Text)
    {
        usize Bytes;
        u64 At = PutText(Text, Bytes);
        return C.Now(NtFindAtom, At, Bytes, Out);
    }
};

TEST_F(Small, AtomsAreCounted)
{
    u16 A, B;
    ASSERT_EQ(Add(L"Hello World", A), STATUS_SUCCESS);
    EXPECT_GE(A, 0xC000);
    ASSERT_EQ(Add(L"HELLO world", B), STATUS_SUCCESS);
    EXPECT_EQ(A, B);
    EXPECT_EQ(Find(L"hello WORLD"), STATUS_SUCCESS);
    EXPECT_EQ(C.At<u16>(Out), A);
    EXPECT_EQ(C.Now(NtDeleteAtom, A), STATUS_SUCCESS);
    EXPECT_EQ(Find(L"Hello World"), STATUS_SUCCESS);
    EXPECT_EQ(C.Now(NtDeleteAtom, A), STATUS_SUCCESS);
    EXPECT_EQ(Find(L"Hello World"), STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT_EQ(C.Now(NtDeleteAtom, A), STATUS_INVALID_HANDLE);
    EXPECT_EQ(C.Now(NtDeleteAtom, 0), STATUS_INVALID_HANDLE);
}

TEST_F(Small, IntegerAtoms)
{
    u16 A;
    EXPECT_EQ(C.Now(NtAddAtom, 123, 0, Out), STATUS_SUCCESS);
    EXPECT_EQ(C.At<u16>(Out), 123);
    EXPECT_EQ(C.Now(NtAddAtom, 0, 0, Out), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(C.Now(NtAddAtom, 0xC000, 0, Out), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(Add(L"#132", A), STATUS_SUCCESS);
    EXPECT_EQ(A, 132);
    EXPECT_EQ(Add(L"#0", A), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(Add(L"#49152", A), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(Add(L"#99999999999", A), STATUS_SUCCESS);       // too long to be a number: stays a name
    EXPECT_GE(A, 0xC000);
    EXPECT_EQ(C.Now(NtDeleteAtom, A), STATUS_SUCCESS);
    EXPECT_EQ(Add(L"#132abc", A), STATUS_SUCCESS);
    EXPECT_GE(A, 0xC000);
    EXPECT_EQ(C.Now(NtDeleteAtom, A), STATUS_SUCCESS);
    EXPECT_EQ(C.Now(NtAddAtom, ps::MemoryBase, 0, Out), STATUS_OBJECT_NAME_INVALID);
    EXPECT_EQ(C.Now(NtAddAtom, ps::MemoryBase, 512, Out), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(C.Now(NtAddAtom, u64(1) << 40, 10, Out), STATUS_ACCESS_VIOLATION);
    u64 Info = C.Room(64);
    EXPECT_EQ(C.Now(NtQueryInformationAtom, 123, 0, Info, 64, 0), STATUS_SUCCESS);
    EXPECT_EQ(memcmp(C.Bytes(Info + 6), L"#123", 10), 0);
    EXPECT_EQ(C.At<u16>(Info + 4), 8);
}

TEST_F(Small, AtomInformation)
{
    u16 A;
    const wchar_t Text[] = L"Hello World";
    ASSERT_EQ(Add(Text, A), STATUS_SUCCESS);
    u64 Info = C.Room(600), Length = C.Room(4);
    auto Query = [&](ULONG Bytes) {
        memset(C.Bytes(Info), 0xCC, 600);
        return C.Now(NtQueryInformationAtom, A, 0, Info, Bytes, Length);
    };
    auto& Basic = C.At<ATOM_BASIC_INFORMATION>(Info);
    EXPECT_EQ(Query(600), STATUS_SUCCESS);
    EXPECT_EQ(Basic.UsageCount, 1);
    EXPECT_EQ(Basic.NameLength, 22);
    EXPECT_EQ(memcmp(Basic.Name, Text, sizeof(Text)), 0);
    EXPECT_EQ(C.At<u16>(Info + 6 + sizeof(Text)), 0xCCCC);
    EXPECT_EQ(Query(8), STATUS_BUFFER_TOO_SMALL);
    EXPECT_EQ(Basic.NameLength, 22);
    EXPECT_EQ(Query(8 + 8), STATUS_SUCCESS);
    EXPECT_EQ(Basic.NameLength, 8);
    EXPECT_EQ(Query(7), STATUS_INFO_LENGTH_MISMATCH);
    EXPECT_EQ(C.Now(NtQueryInformationAtom, A, 1, Info, 64, Length), STATUS_SUCCESS);
    EXPECT_EQ(C.At<ULONG>(Info), 1u);
    EXPECT_EQ(C.At<u16>(Info + 4), A);
    EXPECT_EQ(C.Now(NtQueryInformationAtom, A, 2, Info, 64, Length), STATUS_INVALID_INFO_CLASS);
    EXPECT_EQ(C.Now(NtQueryInformationAtom, 0xFFFF, 0, Info, 64, Length), STATUS_INVALID_HANDLE);
    EXPECT_EQ(C.Now(NtDeleteAtom, A), STATUS_SUCCESS);
}

TEST_F(Small, IdsAreUnique)
{
    std::set<u64> Seen;
    for (int I = 0; I < 100; ++I) {
        ASSERT_EQ(C.Now(NtAllocateLocallyUniqueId, Out), STATUS_SUCCESS);
        EXPECT_TRUE(Seen.insert(C.At<u64>(Out)).second);
    }
    u64 T = C.Room(8), R = C.Room(4), Q = C.Room(4), S = C.Room(8);
    ASSERT_EQ(C.Now(NtAllocateUuids, T, R, Q, S), STATUS_SUCCESS);
    u64 First = C.At<u64>(T);
    ULONG Range = C.At<ULONG>(R);
    ASSERT_EQ(C.Now(NtAllocateUuids, T, R, Q, S), STATUS_SUCCESS);
    EXPECT_GE(C.At<u64>(T), First + Range);
    EXPECT_TRUE(C.At<u8>(S) & 1);
    EXPECT_EQ(C.Now(NtAllocateUuids, T, R, Q, 0x10), STATUS_ACCESS_VIOLATION);
    C.At<u64>(S) = 0x665544332211;
    EXPECT_EQ(C.Now(NtSetUuidSeed, S), STATUS_SUCCESS);
    C.At<u64>(S) = 0;
    ASSERT_EQ(C.Now(NtAllocateUuids, T, R, Q, S), STATUS_SUCCESS);
    EXPECT_EQ(C.At<u64>(S), 0x665544332211u);
}

TEST_F(Small, RandomBytesLookRandom)
{
    std::vector<u8> A(64 * 1024);
    ex::RandomBytes(A.data(), A.size());
    u64 Ones = 0;
    std::map<u8, u32> Counts;
    for (u8 B : A) {
        Ones += u64(__builtin_popcount(B));
        ++Counts[B];
    }
    EXPECT_NEAR(double(Ones), A.size() * 4.0, A.size() * 0.05);
    for (auto [B, N] : Counts)
        EXPECT_NEAR(double(N), 256, 110) << int(B);
    u64 X = 0, Y = 0;
    ex::RandomBytes(&X, 7);
    ex::RandomBytes(&Y, 7);
    EXPECT_NE(X, Y);
    EXPECT_EQ(X >> 56, 0u);
}

TEST_F(Small, Time)
{
    ASSERT_EQ(C.Now(NtQuerySystemTime, Out), STATUS_SUCCESS);
    EXPECT_EQ(C.At<u64>(Out), ke::SystemTime());
    u64 New = C.Put(ke::SystemTime() + 1000), Before = C.Room(8);
    fake::HasPrivileges = false;
    EXPECT_EQ(C.Now(NtSetSystemTime, New, Before), STATUS_PRIVILEGE_NOT_HELD);
    fake::HasPrivileges = true;
    EXPECT_EQ(C.Now(NtSetSystemTime, New, Before), STATUS_SUCCESS);
    EXPECT_EQ(ke::SystemTime(), C.At<u64>(New));
    EXPECT_EQ(C.At<u64>(New) - C.At<u64>(Before), 1000u);
    C.At<i64>(New) = -1;
    EXPECT_EQ(C.Now(NtSetSystemTime, New, 0), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(C.Now(NtSetTimerResolution, 10000, 0, Out), STATUS_TIMER_RESOLUTION_NOT_SET);
    EXPECT_EQ(C.Now(NtSetTimerResolution, 1, 1, Out), STATUS_SUCCESS);
    EXPECT_EQ(C.At<ULONG>(Out), 5000u);
    EXPECT_EQ(C.Now(NtSetTimerResolution, 1, 0, Out), STATUS_SUCCESS);
    EXPECT_EQ(C.Now(NtQueryTimerResolution, Out, Out + 4, Out + 8), STATUS_SUCCESS);
    EXPECT_EQ(C.At<ULONG>(Out), 156250u);
}

std::u16string Told;
void Tell(NTSTATUS, ob::Name Text) { Told.assign(Text.Data, Text.Data + Text.Length); }

TEST_F(Small, HardErrors)
{
    ex::OnHardError = Tell;
    u64 Parameters = C.Room(16);
    C.At<u64>(Parameters) = C.PutString(L"foo.dll");
    C.At<u64>(Parameters + 8) = C.PutString(L"bar.exe");
    EXPECT_EQ(C.Start(NtRaiseHardError, u32(STATUS_DLL_NOT_FOUND), 2, 3, Parameters, 1, Out), STATUS_SUCCESS);
    EXPECT_EQ(Told, u"foo.dll was not found, and the program cannot start without it");
    EXPECT_EQ(C.At<ULONG>(Out), 6u);
    EXPECT_EQ(C.Start(NtRaiseHardError, 0xC0001234, 2, 1, Parameters, 0, Out), STATUS_SUCCESS);
    EXPECT_EQ(Told.substr(0, 27), u"error 0xc0001234: foo.dll, ");
    C.At<u64>(Parameters) = 17;
    EXPECT_EQ(C.Start(NtRaiseHardError, u32(STATUS_ORDINAL_NOT_FOUND), 2, 2, Parameters, 1, Out), STATUS_SUCCESS);
    EXPECT_EQ(Told, u"the ordinal 17 was not found in bar.exe");
    EXPECT_EQ(C.Start(NtRaiseHardError, u32(STATUS_DLL_NOT_FOUND), 6, 0, Parameters, 1, Out), STATUS_INVALID_PARAMETER_2);
    EXPECT_EQ(C.Start(NtRaiseHardError, u32(STATUS_DLL_NOT_FOUND), 1, 1, Parameters, 1, Out), STATUS_ACCESS_VIOLATION);
    EXPECT_EQ(C.Start(NtRaiseHardError, u32(STATUS_DLL_NOT_FOUND), 1, 0, 0x10, 1, Out), STATUS_ACCESS_VIOLATION);
    EXPECT_EQ(C.Start(NtRaiseHardError, u32(STATUS_DLL_NOT_FOUND), 0, 0, 0, 9, Out), STATUS_INVALID_PARAMETER_4);
    Told.clear();
    C.Process().ErrorMode = 1;
    EXPECT_EQ(C.Start(NtRaiseHardError, u32(STATUS_NO_MEMORY), 0, 0, 0, 1, Out), STATUS_SUCCESS);
    EXPECT_TRUE(Told.empty());
    ex::OnHardError = nullptr;
    fake::HasPrivileges = false;
    EXPECT_EQ(C.Start(NtRaiseHardError, u32(STATUS_NO_MEMORY), 0, 0, 0, 6, Out), STATUS_PRIVILEGE_NOT_HELD);
    fake::HasPrivileges = true;
}

TEST_F(Small, DisplayString)
{
    EXPECT_EQ(C.Now(NtDisplayString, C.PutString(L"hello\r\n")), STATUS_SUCCESS);
    EXPECT_EQ(fake::LastLog, u"hello");
    EXPECT_EQ(C.Now(NtDisplayString, 0), STATUS_ACCESS_VIOLATION);
}

TEST_F(Small, Locale)
{
    EXPECT_EQ(C.Now(NtQueryDefaultLocale, 1, Out), STATUS_SUCCESS);
    EXPECT_EQ(C.At<ULONG>(Out), 0x409u);
    EXPECT_EQ(C.Now(NtSetDefaultLocale, 1, 0x407), STATUS_SUCCESS);
    EXPECT_EQ(C.Now(NtSetDefaultLocale, 1, 0xFFFFFFFF), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(C.Now(NtQueryDefaultLocale, 1, Out), STATUS_SUCCESS);
    EXPECT_EQ(C.At<ULONG>(Out), 0x407u);
    EXPECT_EQ(C.Now(NtQueryDefaultUILanguage, Out), STATUS_SUCCESS);
    EXPECT_EQ(C.At<u16>(Out), 0x409);
}

TEST_F(Small, Power)
{
    fake::HasPrivileges = false;
    EXPECT_EQ(C.Start(NtShutdownSystem, 2), STATUS_PRIVILEGE_NOT_HELD);
    fake::HasPrivileges = true;
    EXPECT_EQ(C.Start(NtShutdownSystem, 3), STATUS_INVALID_PARAMETER);
    EXPECT_EXIT(C.Start(NtShutdownSystem, 2), testing::ExitedWithCode(33), "shut down");
    u64 Info = C.Room(128);
    EXPECT_EQ(C.Now(NtPowerInformation, 5, 0, 0, Info, 32), STATUS_SUCCESS);
    EXPECT_EQ(C.At<u8>(Info), 1);
    EXPECT_EQ(C.Now(NtPowerInformation, 5, 0, 0, Info, 31), STATUS_BUFFER_TOO_SMALL);
    EXPECT_EQ(C.Now(NtPowerInformation, 11, 0, 0, Info, 24), STATUS_SUCCESS);
    EXPECT_EQ(C.Now(NtPowerInformation, 4, 0, 0, Info, 76), STATUS_SUCCESS);
    EXPECT_EQ(C.Now(NtSetThreadExecutionState, 0x80000001, Out), STATUS_SUCCESS);
    EXPECT_EQ(C.Now(NtSetThreadExecutionState, 0x10000000, Out), STATUS_INVALID_PARAMETER);
}

}
