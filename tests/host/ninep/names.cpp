// Names there and back.
#include <random>

#include "tests/host/ninep/server.hpp"

using namespace test;

namespace {

std::u16string Windows(const std::string& Name)
{
    Vector<wchar_t> W;
    EXPECT_TRUE(ninep::ToWindows(C(Name), W).Ok());
    return std::u16string(W.begin(), W.end());
}

std::string ServerName(const std::u16string& Name, NTSTATUS Want = STATUS_SUCCESS)
{
    Vector<char> N;
    EXPECT_EQ(ninep::ToServer({ reinterpret_cast<const wchar_t*>(Name.data()), Name.size() }, N), Want);
    return Want == STATUS_SUCCESS ? std::string(N.begin(), N.end()) : "";
}

TEST(NinepNames, Plain)
{
    EXPECT_EQ(Windows("readme.txt"), u"readme.txt");
    EXPECT_EQ(Windows("\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80"), u"\u00E4\u20AC\U0001F600");
    EXPECT_EQ(ServerName(u"\u00E4\u20AC\U0001F600"), "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80");
    EXPECT_EQ(Windows(".hidden"), u".hidden");
}

TEST(NinepNames, WhatWindowsCannotHave)
{
    EXPECT_EQ(Windows("a:b"), u"a\uF03Ab");
    EXPECT_EQ(Windows("a\\b"), u"a\uF05Cb");
    EXPECT_EQ(Windows("end."), u"end\uF02E");
    EXPECT_EQ(Windows("end "), u"end\uF020");
    EXPECT_EQ(Windows("\n"), u"\uF00A");
    EXPECT_EQ(Windows("\xFF"), u"\uF0FF");
    EXPECT_EQ(ServerName(u"a\uF03Ab"), "a:b");
    for (char16_t Bad : std::u16string(u"\\/:*?\"<>|\u0001\u001F"))
        ServerName(std::u16string(u"a") + Bad, STATUS_OBJECT_NAME_INVALID);
    for (auto Bad : { u"", u".", u"..", u"\uF02F", u"\uF02E\uF02E", u".\uF02E" })
        ServerName(Bad, STATUS_OBJECT_NAME_INVALID);
    ServerName(std::u16string(256, u'a'), STATUS_OBJECT_NAME_INVALID);
    ServerName(std::u16string(128, u'\u00E4'), STATUS_OBJECT_NAME_INVALID);
    EXPECT_EQ(ServerName(std::u16string(255, u'a')).size(), 255u);
}

TEST(NinepNames, EveryNameComesBack)
{
    std::mt19937 Random(5);
    for (int Round = 0; Round < 200000; ++Round) {
        std::string Name;
        for (u32 Length = 1 + Random() % 12; Length--;) {
            switch (Random() % 4) {
            case 0:
                Name += char(1 + Random() % 255);
                break;
            case 1:
                Name += "\xED\xA0\x80\xED\xB0\x80"[Random() % 6];      // surrogates, and pieces of them
                break;
            case 2:
                Name += Random() % 2 ? "\xEF\x80\xBA" : "\xED\xA0\x80\xED\xB0\x80";
                break;
            default:
                Name += "ab. \\"[Random() % 5];
            }
        }
        for (char& Each : Name)
            if (Each == '/')
                Each = '_';
        if (Name == "." || Name == "..")
            continue;
        ASSERT_EQ(ServerName(Windows(Name)), Name);
    }
}

TEST(NinepNames, SingleSurrogatesComeBack)
{
    for (auto Name : { u"\xD800", u"x\xDC00y", u"\xDC00\xD800" }) {
        std::u16string N(Name);
        EXPECT_EQ(Windows(ServerName(N)), N);
    }
}

}
