#include "tests/host/rtl/process.hpp"

using test::Counted;
using test::Of;

TEST(Strings, AppendCopyCompare)
{
    wchar_t Room[8];
    UNICODE_STRING S = { 0, sizeof(Room), Room };
    EXPECT_EQ(RtlAppendUnicodeToString(&S, L"abc"), STATUS_SUCCESS);
    EXPECT_EQ(Room[3], 0);
    EXPECT_EQ(RtlAppendUnicodeToString(&S, L"defgh"), STATUS_SUCCESS);     // fits without a terminator
    EXPECT_EQ(S.Length, 16);
    EXPECT_EQ(RtlAppendUnicodeToString(&S, L"i"), STATUS_BUFFER_TOO_SMALL);
    UNICODE_STRING A = Counted(L"Stra\u00dfe"), B = Counted(L"sTRA\u00dfE"), C = Counted(L"stra");
    EXPECT_TRUE(RtlEqualUnicodeString(&A, &B, true));
    EXPECT_FALSE(RtlEqualUnicodeString(&A, &B, false));
    EXPECT_TRUE(RtlPrefixUnicodeString(&C, &A, true));
    EXPECT_TRUE(RtlSuffixUnicodeString(&C, &C, false));
    EXPECT_GT(RtlCompareUnicodeString(&A, &C, true), 0);
    EXPECT_EQ(RtlUpcaseUnicodeChar(0xB5), 0xB5);
    EXPECT_EQ(RtlUpcaseUnicodeChar(0xFF), 0x178);
    EXPECT_EQ(RtlUpcaseUnicodeChar(0x131), 0x131);
    EXPECT_EQ(RtlDowncaseUnicodeChar(0x410), 0x430);
}
TEST(Strings, Duplicate)
{
    test::Fresh();
    UNICODE_STRING A = Counted(L"abc"), B;
    EXPECT_EQ(RtlDuplicateUnicodeString(1, &A, &B), STATUS_SUCCESS);
    EXPECT_EQ(Of(B.Buffer), u"abc");
    EXPECT_EQ(B.MaximumLength, 8);
    RtlFreeUnicodeString(&B);
    EXPECT_EQ(RtlDuplicateUnicodeString(2, &A, &B), STATUS_INVALID_PARAMETER);
    UNICODE_STRING Bad = { 3, 3, A.Buffer };
    EXPECT_EQ(RtlDuplicateUnicodeString(0, &Bad, &B), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(test::The().Blocks, 0);
}
TEST(Strings, Convert)
{
    test::Fresh();
    ANSI_STRING A;
    RtlInitAnsiString(&A, "Gr\xC3\xBC\xC3\x9F" "e \xF0\x9F\x98\x80");
    UNICODE_STRING U;
    ASSERT_EQ(RtlAnsiStringToUnicodeString(&U, &A, true), STATUS_SUCCESS);
    EXPECT_EQ(Of(U), u"Gr\u00fc\u00dfe \U0001F600");
    ANSI_STRING Back;
    ASSERT_EQ(RtlUnicodeStringToAnsiString(&Back, &U, true), STATUS_SUCCESS);
    EXPECT_STREQ(Back.Buffer, A.Buffer);
    RtlFreeAnsiString(&Back);
    ASSERT_EQ(RtlUpcaseUnicodeStringToOemString(&Back, &U, true), STATUS_SUCCESS);
    EXPECT_STREQ(Back.Buffer, "GR\xC3\x9C\xC3\x9F" "E \xF0\x9F\x98\x80");
    RtlFreeOemString(&Back);
    RtlFreeUnicodeString(&U);
    EXPECT_EQ(test::The().Blocks, 0);
}
TEST(Strings, BadUtf8)
{
    auto Decode = [](const char* S, NTSTATUS Expected) {
        wchar_t Room[32];
        ULONG Size;
        EXPECT_EQ(RtlUTF8ToUnicodeN(Room, sizeof(Room), &Size, S, ULONG(strlen(S))), Expected) << S;
        ULONG Counted;
        RtlUTF8ToUnicodeN(nullptr, 0, &Counted, S, ULONG(strlen(S)));
        EXPECT_EQ(Counted, Size);
        return test::Text(reinterpret_cast<char16_t*>(Room), Size / 2);
    };
    EXPECT_EQ(Decode("-\xC0\xAD-", STATUS_SOME_NOT_MAPPED), u"-\ufffd\ufffd-");
    EXPECT_EQ(Decode("-\xE0\x80\xAD-", STATUS_SOME_NOT_MAPPED), u"-\ufffd\ufffd-");
    EXPECT_EQ(Decode("\xF0\x90\x80-", STATUS_SOME_NOT_MAPPED), u"\ufffd-");
    EXPECT_EQ(Decode("\xED\xA0\x80", STATUS_SOME_NOT_MAPPED), u"\ufffd\ufffd");
    EXPECT_EQ(Decode("\xC2", STATUS_SOME_NOT_MAPPED), u"\ufffd");
    wchar_t Two[2];
    ULONG Size;
    EXPECT_EQ(RtlUTF8ToUnicodeN(Two, 2, &Size, "\xF0\x9F\x98\x80", 4), STATUS_BUFFER_TOO_SMALL);
    wchar_t Lone[] = { 'a', 0xD800, 'b' };
    char Bytes[16];
    EXPECT_EQ(RtlUnicodeToUTF8N(Bytes, 16, &Size, Lone, 6), STATUS_SOME_NOT_MAPPED);
    EXPECT_EQ(std::string(Bytes, Size), "a\xEF\xBF\xBD" "b");
}
TEST(Strings, FindAndHash)
{
    UNICODE_STRING S = Counted(L"a/b\\c"), Set = Counted(L"/\\");
    USHORT At;
    EXPECT_EQ(RtlFindCharInUnicodeString(0, &S, &Set, &At), STATUS_SUCCESS);
    EXPECT_EQ(At, 4);
    EXPECT_EQ(RtlFindCharInUnicodeString(1, &S, &Set, &At), STATUS_SUCCESS);
    EXPECT_EQ(At, 6);
    EXPECT_EQ(RtlFindCharInUnicodeString(8, &S, &Set, &At), STATUS_INVALID_PARAMETER);
    wchar_t Nul[] = { 'T', 'e', 's', 't', 0, '1' };
    UNICODE_STRING Embedded = { 12, 12, Nul };
    ULONG Hash;
    EXPECT_EQ(RtlHashUnicodeString(&Embedded, false, HASH_STRING_ALGORITHM_X65599, &Hash), STATUS_SUCCESS);
    EXPECT_EQ(Hash, 0x32803083u);
}
TEST(Strings, Guid)
{
    test::Fresh();
    UNICODE_STRING S = Counted(L"{00020400-0000-0000-C000-000000000046}"), Back;
    GUID G;
    ASSERT_EQ(RtlGUIDFromString(&S, &G), STATUS_SUCCESS);
    EXPECT_EQ(G.Data1, 0x20400u);
    ASSERT_EQ(RtlStringFromGUID(&G, &Back), STATUS_SUCCESS);
    EXPECT_EQ(Of(Back), Of(S));
    RtlFreeUnicodeString(&Back);
    UNICODE_STRING Bad = Counted(L"{00020400-0000-0000-C000-00000000004g}");
    EXPECT_EQ(RtlGUIDFromString(&Bad, &G), STATUS_INVALID_PARAMETER);
}
TEST(Strings, Messages)
{
    wchar_t Room[64];
    ULONG Size;
    ULONG_PTR Args[] = { reinterpret_cast<ULONG_PTR>(L"one"), 255 };
    auto* List = reinterpret_cast<va_list*>(Args);
    ASSERT_EQ(RtlFormatMessage(L"%1: %2!x!%n%%%0rest", 0, false, false, true, List, Room, sizeof(Room), &Size), STATUS_SUCCESS);
    EXPECT_EQ(Of(Room), u"one: ff\r\n%");
    ASSERT_EQ(RtlFormatMessage(L"te st    ab    d\nfoo", 7, false, false, true, List, Room, sizeof(Room), &Size), STATUS_SUCCESS);
    EXPECT_EQ(Of(Room), u"te st\r\n  ab\r\n d foo");
    EXPECT_EQ(RtlFormatMessage(L"too long a text", 0, false, false, true, List, Room, 10, &Size), STATUS_BUFFER_OVERFLOW);
}
TEST(Strings, Atoms)
{
    test::Fresh();
    PVOID Table = nullptr;
    USHORT A, B;
    ASSERT_EQ(RtlCreateAtomTable(0, &Table), STATUS_SUCCESS);
    ASSERT_EQ(RtlAddAtomToAtomTable(Table, L"Name", &A), STATUS_SUCCESS);
    ASSERT_EQ(RtlLookupAtomInAtomTable(Table, L"nAME", &B), STATUS_SUCCESS);
    EXPECT_EQ(A, B);
    EXPECT_EQ(RtlAddAtomToAtomTable(Table, L"#123", &B), STATUS_SUCCESS);
    EXPECT_EQ(B, 123);
    for (int I = 0; I < 300; ++I) {
        wchar_t Name[16];
        CRT(_snwprintf)(Name, 16, L"n%d", I);
        ASSERT_EQ(RtlAddAtomToAtomTable(Table, Name, &B), STATUS_SUCCESS);
    }
    EXPECT_EQ(RtlPinAtomInAtomTable(Table, A), STATUS_SUCCESS);
    EXPECT_EQ(RtlDeleteAtomFromAtomTable(Table, A), STATUS_WAS_LOCKED);
    EXPECT_EQ(RtlDeleteAtomFromAtomTable(Table, B), STATUS_SUCCESS);
    EXPECT_EQ(RtlDeleteAtomFromAtomTable(Table, B), STATUS_INVALID_HANDLE);
    ASSERT_EQ(RtlDestroyAtomTable(Table), STATUS_SUCCESS);
    EXPECT_EQ(test::The().Blocks, 0);
}
TEST(Strings, Encode)
{
    wchar_t Text[] = L"secret";
    UNICODE_STRING S = Counted(Text);
    UCHAR Seed = 0;
    RtlRunEncodeUnicodeString(&Seed, &S);
    EXPECT_NE(Of(S), u"secret");
    RtlRunDecodeUnicodeString(Seed, &S);
    EXPECT_EQ(Of(S), u"secret");
    PVOID P = reinterpret_cast<PVOID>(0x7FFE12345678);
    EXPECT_NE(RtlEncodePointer(P), P);
    EXPECT_EQ(RtlDecodePointer(RtlEncodePointer(P)), P);
}
