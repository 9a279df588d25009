#include <map>
#include <random>

#include "tests/host/rtl/process.hpp"

using test::Counted;
using test::Of;
using test::Text;
using test::The;

namespace {

// The block as a list of strings, checked for its order.
std::map<Text, Text> Read(const wchar_t* Block)
{
    std::map<Text, Text> Result;
    Text Last;
    for (; Block && *Block; Block += CRT(wcslen)(Block) + 1) {
        Text Entry = Of(Block);
        size_t Equal = Entry.find(u'=', 1);
        Text Name = Entry.substr(0, Equal);
        EXPECT_LT(Last, Name);
        Last = Name;
        Result[Name] = Entry.substr(Equal + 1);
    }
    return Result;
}

}

TEST(Environment, RandomChanges)
{
    test::Fresh();
    wchar_t* Block;
    ASSERT_EQ(RtlCreateEnvironment(false, &Block), STATUS_SUCCESS);
    std::map<Text, Text> Model;
    std::mt19937 Random(5);
    for (int I = 0; I < 3000; ++I) {
        Text Name(1, char16_t(u'A' + Random() % 20)), Value(Random() % 30, char16_t(u'a' + Random() % 26));
        UNICODE_STRING N = Counted(reinterpret_cast<const wchar_t*>(Name.c_str())), V = Counted(reinterpret_cast<const wchar_t*>(Value.c_str()));
        bool Remove = Random() % 3 == 0;
        ASSERT_EQ(RtlSetEnvironmentVariable(&Block, &N, Remove ? nullptr : &V), STATUS_SUCCESS);
        if (Remove)
            Model.erase(Name);
        else
            Model[Name] = Value;
        ASSERT_EQ(Read(Block), Model);
    }
    RtlDestroyEnvironment(Block);
    EXPECT_EQ(The().Blocks, 0);
}
TEST(Environment, Query)
{
    test::Fresh();
    UNICODE_STRING Name = Counted(L"Path"), Value = Counted(L"C:\\x"), Bad = Counted(L"a=b"), Hidden = Counted(L"=C:");
    ASSERT_EQ(RtlSetEnvironmentVariable(nullptr, &Name, &Value), STATUS_SUCCESS);
    EXPECT_EQ(RtlSetEnvironmentVariable(nullptr, &Bad, &Value), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(RtlSetEnvironmentVariable(nullptr, &Hidden, &Value), STATUS_SUCCESS);
    wchar_t Room[8];
    UNICODE_STRING To = { 0, 16, Room };
    UNICODE_STRING Upper = Counted(L"PATH");
    EXPECT_EQ(RtlQueryEnvironmentVariable_U(nullptr, &Upper, &To), STATUS_SUCCESS);
    EXPECT_EQ(Of(To), u"C:\\x");
    To.MaximumLength = 4;
    EXPECT_EQ(RtlQueryEnvironmentVariable_U(nullptr, &Upper, &To), STATUS_BUFFER_TOO_SMALL);
    EXPECT_EQ(To.Length, 8);
    SIZE_T Length;
    EXPECT_EQ(RtlQueryEnvironmentVariable(nullptr, L"PATH", 4, Room, 4, &Length), STATUS_BUFFER_TOO_SMALL);
    EXPECT_EQ(Length, 5u);
    EXPECT_EQ(RtlQueryEnvironmentVariable(nullptr, L"NONE", 4, Room, 4, &Length), STATUS_VARIABLE_NOT_FOUND);
    wchar_t Long[40];
    ASSERT_EQ(RtlExpandEnvironmentStrings(nullptr, L"%path%;%none%;%Path", 19, Long, 40, &Length), STATUS_SUCCESS);
    EXPECT_EQ(Of(Long), u"C:\\x;%none%;%Path");
    EXPECT_EQ(Length, Of(Long).size() + 1);
    EXPECT_EQ(RtlExpandEnvironmentStrings(nullptr, L"%path%", 6, Long, 4, &Length), STATUS_BUFFER_TOO_SMALL);
    EXPECT_EQ(Length, 5u);
    EXPECT_EQ(The().LockDepth, 0);
}
