// Addresses, command lines and wsprintf.
#include <gtest/gtest.h>

#include <string>

#include "tests/host/win32/hex.hpp"
#include "win32/shell32/argv.hpp"
#include "win32/user32/format.hpp"
#include "win32/ws2_32/text.hpp"

namespace {

std::string Ip4(const char* Text, bool Loose = false)
{
    u8 Out[4];
    bool Good = Loose ? ws::ParseIpv4Loose(Text, Out) : ws::ParseIpv4(Text, Out);
    return Good && !*Text ? ToHex(Out, 4) : "bad";
}
std::string Ip6(const char* Text)
{
    u8 Out[16];
    return ws::ParseIpv6(Text, Out) && !*Text ? ToHex(Out, 16) : "bad";
}
std::string Show6(const char* Hex)
{
    auto Address = FromHex(Hex);
    char Text[ws::MaxAddressText];
    return std::string(Text, ws::FormatIpv6(Address.data(), Text));
}

std::vector<std::string> Split(const std::string& Line)
{
    usize Chars, Again;
    int Count = shell32::SplitCommandLine<char>(Line.c_str(), nullptr, nullptr, Chars);
    std::vector<char*> Words(usize(Count) + 1);
    std::vector<char> Text(Chars);
    EXPECT_EQ(shell32::SplitCommandLine<char>(Line.c_str(), Words.data(), Text.data(), Again), Count);
    EXPECT_EQ(Chars, Again);
    return { Words.begin(), Words.end() - 1 };
}
using List = std::vector<std::string>;

template <typename... Types> std::string Print(const char* Pattern, Types... Values)
{
    auto Slot = [](auto Value) {
        if constexpr (std::is_pointer_v<decltype(Value)>) {
            return reinterpret_cast<u64>(Value);
        } else {
            return u64(Value);
        }
    };
    u64 Slots[] = { Slot(Values)..., 0 };
    char Out[user32::MaxFormatted];
    auto Convert = [](const char16_t* Text, int Count, char* To, int Room) {
        for (int i = 0; To && i < Count && i < Room; ++i) {
            To[i] = char(Text[i]);
        }
        return Count;
    };
    int Length = user32::Format<char, char16_t>(Out, Pattern, Slots, Convert);
    EXPECT_EQ(std::string(Out).size(), usize(Length));
    return Out;
}

}

TEST(Address, Ipv4)
{
    EXPECT_EQ(Ip4("127.0.0.1"), "7f000001");
    EXPECT_EQ(Ip4("255.255.255.255"), "ffffffff");
    for (const char* Bad :
         { "", "1", "1.2.3", "1.2.3.4.5", "256.0.0.1", "1.2.3.04", "1..2.3", "1.2.3.4 ", "a.b.c.d", "1.2.3.-4", "0x1.2.3.4" }) {
        EXPECT_EQ(Ip4(Bad), "bad") << Bad;
    }
    EXPECT_EQ(Ip4("1", true), "00000001");
    EXPECT_EQ(Ip4("127.1", true), "7f000001");
    EXPECT_EQ(Ip4("0x7f.1", true), "7f000001");
    EXPECT_EQ(Ip4("10.0.258", true), "0a000102");
    EXPECT_EQ(Ip4("010.0.0.1", true), "08000001");
    EXPECT_EQ(Ip4("4294967295", true), "ffffffff");
    EXPECT_EQ(Ip4("4294967296", true), "bad");
    EXPECT_EQ(Ip4("1.16777216", true), "bad");
    EXPECT_EQ(Ip4("1.2.3.4.5", true), "bad");
}

TEST(Address, Ipv6)
{
    EXPECT_EQ(Ip6("::"), "00000000000000000000000000000000");
    EXPECT_EQ(Ip6("::1"), "00000000000000000000000000000001");
    EXPECT_EQ(Ip6("2001:db8::ff00:42:8329"), "20010db8000000000000ff0000428329");
    EXPECT_EQ(Ip6("1:2:3:4:5:6:7:8"), "00010002000300040005000600070008");
    EXPECT_EQ(Ip6("1::"), "00010000000000000000000000000000");
    EXPECT_EQ(Ip6("::ffff:192.168.0.1"), "00000000000000000000ffffc0a80001");
    EXPECT_EQ(Ip6("1:2:3:4:5:6:1.2.3.4"), "00010002000300040005000601020304");
    for (const char* Bad : { "", ":", ":1", "1:", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::", "::g", "::1.2.3",
                             "1:2:3:4:5:6:7:1.2.3.4", ":::" }) {
        EXPECT_EQ(Ip6(Bad), "bad") << Bad;
    }
}

TEST(Address, Ipv6AsText)
{
    EXPECT_EQ(Show6("00000000000000000000000000000000"), "::");
    EXPECT_EQ(Show6("00000000000000000000000000000001"), "::1");
    EXPECT_EQ(Show6("00010000000000000000000000000000"), "1::");
    EXPECT_EQ(Show6("20010db8000000000001000000000001"), "2001:db8::1:0:0:1");
    EXPECT_EQ(Show6("20010db8000000010001000100010001"), "2001:db8:0:1:1:1:1:1");
    EXPECT_EQ(Show6("00010002000300040005000600070008"), "1:2:3:4:5:6:7:8");
    EXPECT_EQ(Show6("00000000000000000000ffffc0a80001"), "::ffff:192.168.0.1");
    EXPECT_EQ(Show6("000000000000000000000000c0a80001"), "::192.168.0.1");
    EXPECT_EQ(Show6("fe80000000000000000000000000abcd"), "fe80::abcd");
    EXPECT_EQ(Show6("00010002000300040005000600000000"), "1:2:3:4:5:6::");
}

TEST(CommandLine, Program)
{
    EXPECT_EQ(Split("a.exe"), List { "a.exe" });
    EXPECT_EQ(Split("\"c:\\my files\\a.exe\" b"), (List { "c:\\my files\\a.exe", "b" }));
    EXPECT_EQ(Split("c:\\x\\\\\"y b"), (List { "c:\\x\\\\\"y", "b" })); // plain in the first word
    EXPECT_EQ(Split(" b"), (List { "", "b" }));
    EXPECT_EQ(Split("\"a\"b c"), (List { "a", "b", "c" }));
}

TEST(CommandLine, QuotesAndBackslashes)
{
    EXPECT_EQ(Split("p a  b\tc "), (List { "p", "a", "b", "c" }));
    EXPECT_EQ(Split("p \"a b\" c"), (List { "p", "a b", "c" }));
    EXPECT_EQ(Split("p \"\" c"), (List { "p", "", "c" }));
    EXPECT_EQ(Split("p a\\\\b d\"e f\"g h"), (List { "p", "a\\\\b", "de fg", "h" }));
    EXPECT_EQ(Split("p a\\\\\\\"b c d"), (List { "p", "a\\\"b", "c", "d" }));
    EXPECT_EQ(Split("p a\\\\\\\\\"b c\" d e"), (List { "p", "a\\\\b c", "d", "e" }));
    EXPECT_EQ(Split("p \"a\\\\\" b"), (List { "p", "a\\", "b" }));
    EXPECT_EQ(Split("p \"a\\\"b\""), (List { "p", "a\"b" }));
    EXPECT_EQ(Split("p a\\"), (List { "p", "a\\" }));
    EXPECT_EQ(Split("p \"a b"), (List { "p", "a b" }));
}

TEST(CommandLine, DoubledQuotes)
{
    EXPECT_EQ(Split("p \"a\"\"b\" c"), (List { "p", "a\"b c" })); // the doubled quote ends the quoting
    EXPECT_EQ(Split("p \"a\"\"\" b"), (List { "p", "a\" b" }));
    EXPECT_EQ(Split("p a\"\"b"), (List { "p", "ab" }));
}

TEST(Wsprintf, Numbers)
{
    EXPECT_EQ(Print("%d %i %u", -5, 7, u32(-1)), "-5 7 4294967295");
    EXPECT_EQ(Print("%5d|%-5d|%05d", 42, 42, -42), "   42|42   |-0042");
    EXPECT_EQ(Print("%x %X %#x %#X %08lx", 0xBEEF, 0xBEEF, 255, 255, 0x1234), "beef BEEF 0xff 0XFF 00001234");
    EXPECT_EQ(Print("%.5d %8.3d", 42, 7), "00042      007");
    EXPECT_EQ(Print("%hd %I64d %I64x %Iu", 0x12345, -(1ll << 40), 1ull << 40, 1ull << 40), "9029 -1099511627776 10000000000 1099511627776");
    EXPECT_EQ(Print("%p", reinterpret_cast<void*>(0x1234ABCD)), "000000001234ABCD");
    EXPECT_EQ(Print("%*d %.*s", 4, 1, 2, "abc"), "   1 ab");
}

TEST(Wsprintf, Text)
{
    EXPECT_EQ(Print("[%s][%10s][%-10s][%.2s]", "abc", "abc", "abc", "abc"), "[abc][       abc][abc       ][ab]");
    EXPECT_EQ(Print("%c%C%%|%z", 'A', u'B'), "AB%|z");
    EXPECT_EQ(Print("%S %ls %ws [%5S]", u"wide", u"long", u"w", u"ab"), "wide long w [   ab]");
    EXPECT_EQ(Print("%s", static_cast<const char*>(nullptr)), "(null)");
    EXPECT_EQ(Print("end %"), "end ");
    std::string Long(3000, 'x');
    EXPECT_EQ(Print("%s", Long.c_str()), std::string(1023, 'x'));
    EXPECT_EQ(Print("%3000d!", 1), std::string(1023, ' '));
}
