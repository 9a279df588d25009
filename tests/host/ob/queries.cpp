// NtQueryObject: lengths and contents.
#include "tests/host/support/gtest.hpp"

#include "tests/host/ex/double/system.hpp"

using namespace ob;
using fake::Client;

namespace {

struct Queries : testing::Test {
    Client C;
    u64 Out = C.Room(8), Length = C.Room(4), Buffer = C.Room(512);
    HANDLE Event = nullptr;
    void SetUp() override
    {
        ASSERT_EQ(C.Now(NtCreateEvent, Out, GENERIC_ALL, C.PutAttributes(L"\\BaseNamedObjects\\test_event"), 0, 0), STATUS_SUCCESS);
        Event = C.At<HANDLE>(Out);
    }
    NTSTATUS Query(HANDLE H, ULONG Class, ULONG Bytes) { return C.Now(NtQueryObject, H, Class, Buffer, Bytes, Length); }
    ULONG Told() { return C.At<ULONG>(Length); }
};

TEST_F(Queries, Basic)
{
    EXPECT_EQ(Query(Event, ObjectBasicInformation, 0), STATUS_INFO_LENGTH_MISMATCH);
    EXPECT_EQ(Told(), sizeof(OBJECT_BASIC_INFORMATION));
    EXPECT_EQ(Query(Event, ObjectBasicInformation, sizeof(OBJECT_BASIC_INFORMATION)), STATUS_SUCCESS);
    auto& Info = C.At<OBJECT_BASIC_INFORMATION>(Buffer);
    EXPECT_EQ(Info.GrantedAccess, EVENT_ALL_ACCESS);
    EXPECT_EQ(Info.HandleCount, 1u);
    EXPECT_EQ(Info.PointerCount, 2u);           // the handle's and the directory's
    EXPECT_EQ(Query(HANDLE(0x4444), ObjectBasicInformation, sizeof(OBJECT_BASIC_INFORMATION)), STATUS_INVALID_HANDLE);
    EXPECT_EQ(Query(Event, 77, 0), STATUS_INVALID_INFO_CLASS);
}

TEST_F(Queries, Name)
{
    const wchar_t Expected[] = L"\\BaseNamedObjects\\test_event";
    ULONG Needed = sizeof(UNICODE_STRING) + sizeof(Expected);
    EXPECT_EQ(Query(Event, ObjectNameInformation, 0), STATUS_INFO_LENGTH_MISMATCH);
    EXPECT_EQ(Told(), Needed);
    EXPECT_EQ(Query(Event, ObjectNameInformation, Needed - 2), STATUS_INFO_LENGTH_MISMATCH);
    EXPECT_EQ(Query(Event, ObjectNameInformation, Needed), STATUS_SUCCESS);
    auto& S = C.At<UNICODE_STRING>(Buffer);
    EXPECT_EQ(S.Length, sizeof(Expected) - 2);
    EXPECT_EQ(S.MaximumLength, sizeof(Expected));
    EXPECT_EQ(memcmp(C.Bytes(u64(S.Buffer)), Expected, sizeof(Expected)), 0);
    ASSERT_EQ(C.Now(NtCreateEvent, Out, GENERIC_ALL, 0, 0, 0), STATUS_SUCCESS);
    EXPECT_EQ(Query(C.At<HANDLE>(Out), ObjectNameInformation, 512), STATUS_SUCCESS);
    EXPECT_EQ(Told(), sizeof(UNICODE_STRING));
    EXPECT_EQ(S.Buffer, nullptr);
    EXPECT_EQ(Query(C.At<HANDLE>(Out), ObjectNameInformation, 8), STATUS_INFO_LENGTH_MISMATCH);
    ASSERT_EQ(C.Now(NtOpenDirectoryObject, Out, 1, C.PutAttributes(L"\\")), STATUS_SUCCESS);
    EXPECT_EQ(Query(C.At<HANDLE>(Out), ObjectNameInformation, 512), STATUS_SUCCESS);
    EXPECT_EQ(S.Length, 2u);
}

TEST_F(Queries, Type)
{
    EXPECT_EQ(Query(Event, ObjectTypeInformation, sizeof(OBJECT_TYPE_INFORMATION)), STATUS_INFO_LENGTH_MISMATCH);
    EXPECT_GE(Told(), sizeof(OBJECT_TYPE_INFORMATION) + sizeof(L"Event"));
    EXPECT_EQ(Query(Event, ObjectTypeInformation, Told()), STATUS_SUCCESS);
    auto& T = C.At<OBJECT_TYPE_INFORMATION>(Buffer);
    EXPECT_EQ(memcmp(C.Bytes(u64(T.TypeName.Buffer)), L"Event", 12), 0);
    EXPECT_EQ(T.ValidAccessMask, EVENT_ALL_ACCESS);
    EXPECT_GE(T.HighWaterNumberOfObjects, T.TotalNumberOfObjects);
}

TEST_F(Queries, AllTypes)
{
    EXPECT_EQ(Query(nullptr, ObjectTypesInformation, 128), STATUS_INFO_LENGTH_MISMATCH);
    ULONG Needed = Told();
    u64 Big = C.Room(Needed);
    EXPECT_EQ(C.Now(NtQueryObject, 0, ObjectTypesInformation, Big, Needed, Length), STATUS_SUCCESS);
    ULONG Count = C.At<ULONG>(Big);
    EXPECT_GT(Count, 4u);
    u64 At = Big + 8;
    bool Seen = false;
    for (ULONG I = 0; I < Count; ++I) {
        auto& T = C.At<OBJECT_TYPE_INFORMATION>(At);
        EXPECT_EQ(T.TypeIndex, I + 1);
        Seen |= T.TypeName.Length == 10 && memcmp(C.Bytes(u64(T.TypeName.Buffer)), L"Event", 10) == 0;
        At = AlignUp(u64(T.TypeName.Buffer) + T.TypeName.MaximumLength, 8);
    }
    EXPECT_EQ(At, Big + Needed);
    EXPECT_TRUE(Seen);
}

}
