// Values: set, asked for in every form, enumerated, deleted; with lengths and pointers nobody should believe.
#include "tests/host/cm/registry.hpp"

using namespace test;

namespace {

struct Values : Registry { };

TEST_F(Values, AreSetAndReplaced)
{
    EXPECT_NT(STATUS_SUCCESS, SetNumber(Top, L"Number", 1));
    EXPECT_EQ(Number(Top, L"NUMBER"), 1u);
    EXPECT_NT(STATUS_SUCCESS, SetNumber(Top, L"number", 2));
    EXPECT_EQ(Number(Top, L"Number"), 2u);
    EXPECT_NT(STATUS_SUCCESS, SetValue(Top, L"Number", 0xABCD'0123, "abcdefgh", 8));       // any type is kept
    EXPECT_NT(STATUS_SUCCESS, QueryPartial(Top, L"Number"));
    auto P = C.Get<KEY_VALUE_PARTIAL_INFORMATION>(Buffer);
    EXPECT_EQ(P.Type, 0xABCD'0123u);
    EXPECT_EQ(P.DataLength, 8u);
    EXPECT_NT(STATUS_SUCCESS, SetValue(Top, L"Number", REG_NONE, nullptr, 0));
    EXPECT_NT(STATUS_SUCCESS, QueryPartial(Top, L"Number"));
    EXPECT_EQ(C.Get<KEY_VALUE_PARTIAL_INFORMATION>(Buffer).DataLength, 0u);
    EXPECT_NT(STATUS_SUCCESS, SetNumber(Top, {}, 5));       // the one without a name
    EXPECT_EQ(Number(Top, {}), 5u);
}

TEST_F(Values, AreAskedForInEveryForm)
{
    EXPECT_NT(STATUS_SUCCESS, SetNumber(Top, L"Value", 0x1234));
    auto Ask = [&](u32 Class, u32 Bytes) { return C.Call(Service::QueryValueKey, Top, C.PutString(L"value"), Class, Buffer, Bytes, Length); };
    EXPECT_NT(STATUS_SUCCESS, Ask(KeyValueBasicInformation, 4096));
    EXPECT_EQ(Text(Buffer + sizeof(KEY_VALUE_BASIC_INFORMATION), C.Get<KEY_VALUE_BASIC_INFORMATION>(Buffer).NameLength), u"Value");
    EXPECT_NT(STATUS_SUCCESS, Ask(KeyValueFullInformation, 4096));
    auto Full = C.Get<KEY_VALUE_FULL_INFORMATION>(Buffer);
    EXPECT_EQ(Full.Type, REG_DWORD);
    EXPECT_EQ(Text(Buffer + sizeof(Full), Full.NameLength), u"Value");
    EXPECT_EQ(C.Get<u32>(Buffer + Full.DataOffset), 0x1234u);
    EXPECT_GE(Full.DataOffset, sizeof(Full) + Full.NameLength);
    EXPECT_NT(STATUS_SUCCESS, Ask(KeyValuePartialInformation, 16));
    EXPECT_EQ(Told(), 16u);
    EXPECT_NT(STATUS_BUFFER_OVERFLOW, Ask(KeyValuePartialInformation, 14));
    EXPECT_NT(STATUS_BUFFER_TOO_SMALL, Ask(KeyValuePartialInformation, 11));
    EXPECT_EQ(Told(), 16u);
    EXPECT_NT(STATUS_SUCCESS, Ask(KeyValuePartialInformationAlign64, 4096));
    EXPECT_EQ(C.Get<u32>(Buffer + 8), 0x1234u);
    EXPECT_LT(Ask(77, 4096), 0);
    EXPECT_NT(STATUS_OBJECT_NAME_NOT_FOUND, QueryPartial(Top, L"None"));
}

TEST_F(Values, AreEnumeratedAndDeleted)
{
    for (ob::Name Name : { ob::Name(L"one"), ob::Name(L"two"), ob::Name(L"three") })
        EXPECT_NT(STATUS_SUCCESS, SetNumber(Top, Name, 1));
    auto Nth = [&](u32 Index) -> std::u16string {
        if (C.Call(Service::EnumerateValueKey, Top, Index, KeyValueBasicInformation, Buffer, 4096, Length) != STATUS_SUCCESS)
            return {};
        return Text(Buffer + sizeof(KEY_VALUE_BASIC_INFORMATION), C.Get<KEY_VALUE_BASIC_INFORMATION>(Buffer).NameLength);
    };
    EXPECT_EQ(Nth(0) + Nth(1) + Nth(2), u"onetwothree");
    EXPECT_EQ(Nth(3), u"");
    EXPECT_NT(STATUS_SUCCESS, C.Call(Service::DeleteValueKey, Top, C.PutString(L"TWO")));
    EXPECT_NT(STATUS_OBJECT_NAME_NOT_FOUND, C.Call(Service::DeleteValueKey, Top, C.PutString(L"two")));
    EXPECT_EQ(Nth(0) + Nth(1), u"onethree");
    EXPECT_NT(STATUS_NO_MORE_ENTRIES, C.Call(Service::EnumerateValueKey, Top, 2, KeyValueBasicInformation, Buffer, 4096, Length));
}

TEST_F(Values, HostileSetsAreRefused)
{
    auto Set = [&](u64 Name, u64 Data, u32 Bytes) { return C.Call(Service::SetValueKey, Top, Name, 0, REG_BINARY, Data, Bytes); };
    u64 Good = C.PutString(L"v");
    EXPECT_NT(STATUS_ACCESS_VIOLATION, Set(0, Buffer, 4));
    EXPECT_NT(STATUS_ACCESS_VIOLATION, Set(Good, 0x10, 4));
    EXPECT_NT(STATUS_ACCESS_VIOLATION, Set(Good, ~u64(0) - 1, 4));
    EXPECT_LT(Set(Good, Buffer, 0xFFFF'FFFF), 0);
    EXPECT_LT(Set(Good, Buffer, 64 * 1024 * 1024), 0);      // more than is there
    EXPECT_NT(STATUS_INVALID_PARAMETER, Set(C.Put(UNICODE_STRING { 5, 6, reinterpret_cast<wchar_t*>(Buffer) }), Buffer, 4));
    EXPECT_NT(STATUS_INVALID_PARAMETER, Set(C.Put(UNICODE_STRING { 32768, 32768, reinterpret_cast<wchar_t*>(Buffer) }), Buffer, 4));
    EXPECT_NT(STATUS_ACCESS_VIOLATION, Set(C.Put(UNICODE_STRING { 32766, 32766, reinterpret_cast<wchar_t*>(0x10) }), Buffer, 4));
    EXPECT_NT(STATUS_OBJECT_NAME_NOT_FOUND, QueryPartial(Top, L"v"));
    EXPECT_NT(STATUS_NO_MORE_ENTRIES, C.Call(Service::EnumerateValueKey, Top, 0, KeyValueBasicInformation, Buffer, 4096, Length));
}

TEST_F(Values, EveryLengthOfEveryFormIsServed)
{
    EXPECT_NT(STATUS_SUCCESS, SetValue(Top, L"A value with a name", REG_BINARY, "0123456789", 10));
    u64 Name = C.PutString(L"A value with a name");
    for (u32 Class = 0; Class < 8; ++Class) {
        for (u32 Bytes = 0; Bytes < 96; ++Bytes) {
            u64 Guard = 0x5A5A'5A5A'5A5A'5A5A;
            C.Set(Buffer + Bytes, Guard);
            C.Call(Service::QueryValueKey, Top, Name, Class, Buffer, Bytes, Length);
            ASSERT_EQ(C.Get<u64>(Buffer + Bytes), Guard) << "class " << Class << " length " << Bytes;
            C.Call(Service::EnumerateValueKey, Top, 0, Class, Buffer, Bytes, Length);
            ASSERT_EQ(C.Get<u64>(Buffer + Bytes), Guard) << "class " << Class << " length " << Bytes;
            C.Call(Service::QueryKey, Top, Class, Buffer, Bytes, Length);
            ASSERT_EQ(C.Get<u64>(Buffer + Bytes), Guard) << "class " << Class << " length " << Bytes;
        }
        C.Call(Service::QueryValueKey, Top, Name, Class, 0x10, 4096, 0x10);
        ASSERT_TRUE(C.IsRunning());
    }
}

TEST_F(Values, SeveralAtOnce)
{
    EXPECT_NT(STATUS_SUCCESS, SetNumber(Top, L"a", 1));
    EXPECT_NT(STATUS_SUCCESS, SetNumber(Top, L"b", 2));
    auto Name = [&](ob::Name N) { return reinterpret_cast<UNICODE_STRING*>(C.PutString(N)); };
    KEY_VALUE_ENTRY Entries[2] = { { Name(L"a"), 0, 0, 0 }, { Name(L"b"), 0, 0, 0 } };
    u64 At = C.Put(Entries), Size = C.Put(u32(4096)), Needed = C.Room(4);
    EXPECT_NT(STATUS_SUCCESS, C.Call(Service::QueryMultipleValueKey, Top, At, 2, Buffer, Size, Needed));
    auto Second = C.Get<KEY_VALUE_ENTRY>(At + sizeof(KEY_VALUE_ENTRY));
    EXPECT_EQ(Second.Type, REG_DWORD);
    EXPECT_EQ(C.Get<u32>(Buffer + Second.DataOffset), 2u);
    C.Set(Size, u32(5));
    EXPECT_NT(STATUS_BUFFER_OVERFLOW, C.Call(Service::QueryMultipleValueKey, Top, At, 2, Buffer, Size, Needed));
    EXPECT_EQ(C.Get<u32>(Needed), 8u);
    EXPECT_LT(C.Call(Service::QueryMultipleValueKey, Top, At, 0xFFFF'FFFF, Buffer, Size, Needed), 0);
    EXPECT_LT(C.Call(Service::QueryMultipleValueKey, Top, 0x10, 2, Buffer, Size, Needed), 0);
}

TEST_F(Values, WithoutMemoryStayAsTheyWere)
{
    EXPECT_NT(STATUS_SUCCESS, SetNumber(Top, L"v", 1));
    for (u32 Skip = 0; Skip < 20; ++Skip) {
        u64 Name = C.PutString(L"v"), Data = C.Put(u64(2));
        test::FailAllocation(Skip);
        NTSTATUS S = C.Call(Service::SetValueKey, Top, Name, 0, REG_QWORD, Data, 8);
        bool Done = test::AllocationFailurePending();
        test::NoAllocationFailure();
        ASSERT_EQ(Number(Top, L"v"), S == STATUS_SUCCESS ? 2u : 1u);
        if (Done) {
            EXPECT_NT(STATUS_SUCCESS, S);
            return;
        }
        EXPECT_NT(STATUS_SUCCESS, SetNumber(Top, L"v", 1));
    }
    ADD_FAILURE() << "it never succeeds";
}

}
