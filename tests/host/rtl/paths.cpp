#include "tests/host/rtl/process.hpp"

using test::Counted;
using test::Of;
using test::Text;
using test::The;

namespace {

struct Case {
    const wchar_t* Dos;
    const wchar_t* Full;                // null: no full path
    const wchar_t* File;
    const wchar_t* Nt;                  // null: no NT path
};
constexpr Case Cases[] = {
    { L"c:/test", L"c:\\test", L"test", L"\\??\\c:\\test" },
    { L"c:/test/", L"c:\\test\\", nullptr, L"\\??\\c:\\test\\" },
    { L"c:/test  ....   ..   ", L"c:\\test", L"test", L"\\??\\c:\\test" },
    { L"c:/test/.. ", L"c:\\test\\", nullptr, L"\\??\\c:\\test\\" },
    { L"c:/test./file", L"c:\\test\\file", L"file", L"\\??\\c:\\test\\file" },
    { L"c:/test.. /file", L"c:\\test.. \\file", L"file", L"\\??\\c:\\test.. \\file" },
    { L"c:///test\\..\\file\\..\\//", L"c:\\", nullptr, L"\\??\\c:\\" },
    { L"c:/..", L"c:\\", nullptr, L"\\??\\c:\\" },
    { L"c:foo/bar", L"C:\\windows\\foo\\bar", L"bar", L"\\??\\C:\\windows\\foo\\bar" },
    { L"\\foo", L"C:\\foo", L"foo", L"\\??\\C:\\foo" },
    { L".", L"C:\\windows", L"windows", L"\\??\\C:\\windows" },
    { L"./", L"C:\\windows\\", nullptr, L"\\??\\C:\\windows\\" },
    { L"..", L"C:\\", nullptr, L"\\??\\C:\\" },
    { L"...", L"C:\\windows\\", nullptr, L"\\??\\C:\\windows\\" },
    { L"foo/..", L"C:\\windows", L"windows", L"\\??\\C:\\windows" },
    { L"\\windows\\nul", L"\\\\.\\nul", nullptr, L"\\??\\nul" },
    { L"C:\\nonexistent\\nul", L"\\\\.\\nul", nullptr, nullptr },
    { L"AUX", L"\\\\.\\AUX", nullptr, L"\\??\\AUX" },
    { L"\\\\foo", L"\\\\foo", nullptr, L"\\??\\UNC\\foo" },
    { L"//server/share/../a/./b", L"\\\\server\\share\\a\\b", L"b", L"\\??\\UNC\\server\\share\\a\\b" },
    { L"//.", L"\\\\.\\", nullptr, L"\\??\\" },
    { L"//./foo/..", L"\\\\.\\", nullptr, L"\\??\\" },
    { L"//?/foo/bar", L"\\\\?\\foo\\bar", L"bar", L"\\??\\foo\\bar" },
    { L"\\\\?\\foo/..", L"\\\\?\\", nullptr, L"\\??\\foo/.." },
    { L"\\??\\foo. . ", L"C:\\??\\foo", L"foo", L"\\??\\foo. . " },
    { L"\\??\\", L"C:\\??\\", nullptr, L"\\??\\C:\\??\\" },
    { L"?:", L"?:\\", nullptr, L"\\??\\?:\\" },
    { L"d:x", L"d:\\x", L"x", L"\\??\\d:\\x" },
    { L" ", nullptr, nullptr, nullptr },
    { L"", nullptr, nullptr, nullptr },
};

}

TEST(Paths, FullAndNt)
{
    test::Fresh();
    for (const Case& C : Cases) {
        SCOPED_TRACE(test::Narrow(Of(C.Dos)));
        wchar_t Room[300];
        wchar_t* File;
        ULONG Size = RtlGetFullPathName_U(C.Dos, sizeof(Room), Room, &File);
        if (!C.Full) {
            EXPECT_EQ(Size, 0u);
        } else {
            EXPECT_EQ(Of(Room), Of(C.Full));
            EXPECT_EQ(Size, Of(C.Full).size() * 2);
            EXPECT_EQ(File ? Of(File) : Text(), C.File ? Of(C.File) : Text());
            EXPECT_EQ(RtlGetFullPathName_U(C.Dos, Size, Room, nullptr), Size + 2);      // too small
        }
        UNICODE_STRING Nt;
        NTSTATUS Status = RtlDosPathNameToNtPathName_U_WithStatus(C.Dos, &Nt, nullptr, nullptr);
        if (!C.Nt) {
            EXPECT_EQ(Status, STATUS_OBJECT_NAME_INVALID);
        } else {
            ASSERT_EQ(Status, STATUS_SUCCESS);
            EXPECT_EQ(Of(Nt), Of(C.Nt));
            RtlFreeUnicodeString(&Nt);
        }
    }
    EXPECT_EQ(The().Blocks, 0);
    EXPECT_EQ(The().LockDepth, 0);
}
TEST(Paths, DriveDirectories)
{
    test::Fresh();
    UNICODE_STRING Name = Counted(L"=D:"), Value = Counted(L"D:\\deep\\er");
    ASSERT_EQ(RtlSetEnvironmentVariable(nullptr, &Name, &Value), STATUS_SUCCESS);
    wchar_t Room[100];
    RtlGetFullPathName_U(L"d:..\\x", sizeof(Room), Room, nullptr);
    EXPECT_EQ(Of(Room), u"D:\\deep\\x");
}
TEST(Paths, Devices)
{
    EXPECT_EQ(RtlIsDosDeviceName_U(L"c:\\nul::"), 6u << 16 | 6);
    EXPECT_EQ(RtlIsDosDeviceName_U(L"c:com5:"), 4u << 16 | 8);
    EXPECT_EQ(RtlIsDosDeviceName_U(L"c:nul0"), 0u);
    EXPECT_EQ(RtlIsDosDeviceName_U(L"CONOUT$"), 14u);
    EXPECT_EQ(RtlIsDosDeviceName_U(L"\\\\foo\\nul"), 0u);
    EXPECT_EQ(RtlDetermineDosPathNameType_U(L"\\\\?foo"), RtlPathTypeUncAbsolute);
    EXPECT_EQ(RtlDetermineDosPathNameType_U(L"//."), RtlPathTypeRootLocalDevice);
}
TEST(Paths, LongNames)
{
    test::Fresh();
    Text Long(40000, u'a');
    UNICODE_STRING Nt;
    EXPECT_EQ(RtlDosPathNameToNtPathName_U_WithStatus(reinterpret_cast<const wchar_t*>(Long.c_str()), &Nt, nullptr, nullptr), STATUS_NAME_TOO_LONG);
    Long = u"C:\\";
    for (int I = 0; I < 3000; ++I)
        Long += u"..\\abcdefg\\";
    Long.resize(32000);
    ASSERT_EQ(RtlDosPathNameToNtPathName_U_WithStatus(reinterpret_cast<const wchar_t*>(Long.c_str()), &Nt, nullptr, nullptr), STATUS_SUCCESS);
    RtlFreeUnicodeString(&Nt);
    EXPECT_EQ(The().Blocks, 0);
}
TEST(Paths, CurrentDirectory)
{
    test::Fresh();
    wchar_t Room[64];
    EXPECT_EQ(RtlGetCurrentDirectory_U(sizeof(Room), Room), 20u);
    EXPECT_EQ(Of(Room), u"C:\\windows");
    EXPECT_EQ(RtlGetCurrentDirectory_U(10, Room), 22u);
    UNICODE_STRING To = Counted(L"system32"), File = Counted(L"win.ini"), Gone = Counted(L"gone"), Root = Counted(L"\\");
    EXPECT_EQ(RtlSetCurrentDirectory_U(&File), STATUS_NOT_A_DIRECTORY);
    EXPECT_EQ(RtlSetCurrentDirectory_U(&Gone), STATUS_OBJECT_NAME_NOT_FOUND);
    ASSERT_EQ(RtlSetCurrentDirectory_U(&To), STATUS_SUCCESS);
    EXPECT_EQ(Of(The().Parameters.CurrentDirectory.DosPath), u"C:\\windows\\system32\\");
    UNICODE_STRING Nt;
    RTL_RELATIVE_NAME_U Relative;
    ASSERT_TRUE(RtlDosPathNameToRelativeNtPathName_U(L"a\\b", &Nt, nullptr, &Relative));
    EXPECT_EQ(Of(Relative.RelativeName), u"a\\b");
    EXPECT_NE(Relative.ContainingDirectory, nullptr);
    ASSERT_EQ(RtlSetCurrentDirectory_U(&Root), STATUS_SUCCESS);
    EXPECT_EQ(The().OpenDirectories, 2);        // the relative name keeps the old one
    RtlReleaseRelativeName(&Relative);
    EXPECT_EQ(The().OpenDirectories, 1);
    RtlFreeUnicodeString(&Nt);
    EXPECT_EQ(RtlGetCurrentDirectory_U(sizeof(Room), Room), 6u);
    EXPECT_TRUE(RtlDoesFileExists_U(L"windows\\win.ini"));
    wchar_t* Part;
    EXPECT_EQ(RtlDosSearchPath_U(L"C:\\;C:\\windows\\system32", L"cmd", L".exe", sizeof(Room), Room, &Part), 54u);
    EXPECT_EQ(Of(Room), u"C:\\windows\\system32\\cmd.exe");
    EXPECT_EQ(Of(Part), u"cmd.exe");
}
TEST(Paths, ShortNames)
{
    auto Legal = [](const wchar_t* S, bool* Spaces) {
        UNICODE_STRING Name = Counted(S);
        BOOLEAN Any = 2;
        bool Result = RtlIsNameLegalDOS8Dot3(&Name, nullptr, &Any);
        *Spaces = Any == 1;
        return Result;
    };
    bool Spaces;
    EXPECT_TRUE(Legal(L"12345678.a c", &Spaces));
    EXPECT_TRUE(Spaces);
    EXPECT_FALSE(Legal(L"123456789.a", &Spaces));
    EXPECT_FALSE(Legal(L"12.abc.d", &Spaces));
    EXPECT_TRUE(Legal(L"..", &Spaces));
    GENERATE_NAME_CONTEXT Context = {};
    wchar_t Room[13];
    UNICODE_STRING Short = { 0, 24, Room }, Long = Counted(L"A long name.text");
    for (int I = 1; I <= 5; ++I)
        ASSERT_EQ(RtlGenerate8dot3Name(&Long, false, &Context, &Short), STATUS_SUCCESS);
    EXPECT_EQ(Of(Short).substr(0, 2), u"AL");
    EXPECT_EQ(Of(Short).substr(6), u"~1.TEX");
}
