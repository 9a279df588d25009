#include <cstdio>
#include <random>

#include "tests/host/rtl/process.hpp"

namespace {

std::string Print(const char* Format, ...)
{
    char Room[4096];
    va_list Args;
    va_start(Args, Format);
    int N = CRT(_vsnprintf)(Room, sizeof(Room), Format, Args);
    va_end(Args);
    return N < 0 ? "overflow" : std::string(Room, size_t(N));
}
test::Text PrintWide(const wchar_t* Format, ...)
{
    wchar_t Room[512];
    va_list Args;
    va_start(Args, Format);
    CRT(_vsnwprintf)(Room, 512, Format, Args);
    va_end(Args);
    return test::Of(Room);
}

}

TEST(Text, PrintIntegers)
{
    EXPECT_EQ(Print("%d|%5d|%-5d|%05d|%+d|% d", 42, 42, 42, 42, 42, 42), "42|   42|42   |00042|+42| 42");
    EXPECT_EQ(Print("%.3d|%8.3d|%.0d|%u", 7, -7, 0, ~0u), "007|    -007||4294967295");
    EXPECT_EQ(Print("%#x|%#X|%#o|%#x|%x", 255, 255, 8, 0, -1), "0xff|0XFF|010|0|ffffffff");
    EXPECT_EQ(Print("%I64d|%lld|%I64x|%Ix|%zx|%I32u|%hd|%hhd", 1ll << 40, -1ll, 255ull, 16ull, 17ull, 5, 98765, 300), "1099511627776|-1|ff|10|11|5|-32307|44");
    EXPECT_EQ(Print("%p", reinterpret_cast<void*>(0xABCD)), "000000000000ABCD");
    EXPECT_EQ(Print("%*d|%-*d|%.*d", 5, 1, 5, 1, 3, 1), "    1|1    |001");
    EXPECT_EQ(Print("100%% %q %", 1), "100% q ");
    EXPECT_EQ(Print("%I64d", INT64_MIN), "-9223372036854775808");
}
TEST(Text, PrintStrings)
{
    EXPECT_EQ(Print("%s|%5s|%-5s|%.2s|%s", "abc", "abc", "abc", "abc", static_cast<char*>(nullptr)), "abc|  abc|abc  |ab|(null)");
    EXPECT_EQ(Print("%S|%ls|%ws|%hs|%c|%C", L"wide", L"wide", L"wide", "narrow", 'c', L'C'), "wide|wide|wide|narrow|c|C");
    nt::ANSI_STRING A = { 3, 3, const_cast<char*>("abc") };
    nt::UNICODE_STRING U = test::Counted(L"uni");
    EXPECT_EQ(Print("%Z %wZ", &A, &U), "abc uni");
    EXPECT_EQ(PrintWide(L"%s %S %hs %c %Z %wZ %d", L"wide", "narrow", "narrow", L'x', &A, &U, 5), u"wide narrow narrow x abc uni 5");
    char Small[4];
    EXPECT_EQ(CRT(_snprintf)(Small, 4, "%s", "abcd"), 4);
    EXPECT_EQ(CRT(_snprintf)(Small, 3, "%s", "abcd"), -1);
    EXPECT_EQ(CRT(_snprintf)(nullptr, 0, "%s", "abcd"), 4);
    EXPECT_EQ(CRT(_snprintf_s)(Small, 4, crt::Truncate, "%s", "abcdef"), -1);
    EXPECT_STREQ(Small, "abc");
    EXPECT_EQ(CRT(sprintf_s)(Small, 4, "%s", "abcd"), -1);
    EXPECT_STREQ(Small, "");
}
// The C library of the host is the model (it prints two exponent digits, Windows' three).
TEST(Text, PrintFloats)
{
    std::mt19937_64 Random(7);
    char Model[2000];
    for (int I = 0; I < 20000; ++I) {
        double Value;
        if (I % 3 == 0) {
            Value = double(i64(Random() % 2000000) - 1000000) / double(1 << (Random() % 20));
        } else {
            u64 Bits = Random();
            __builtin_memcpy(&Value, &Bits, 8);
            if (Value != Value || Value - Value != 0)
                continue;
        }
        for (const char* Format : { "%f", "%.0f", "%.3f", "%20.10f", "%g", "%.12g", "%#g", "%.1g" }) {
            std::snprintf(Model, sizeof(Model), Format, Value);
            std::string Expected = Model;
            if (size_t E = Expected.find('e'); E != std::string::npos && Expected.size() - E == 4)
                Expected.insert(E + 2, "0");
            ASSERT_EQ(Print(Format, Value), Expected) << Format;
        }
        std::snprintf(Model, sizeof(Model), "%.17e", Value);
        std::string Expected = Model;
        size_t E = Expected.find('e');
        if (Expected.size() - E == 4)
            Expected.insert(E + 2, "0");
        ASSERT_EQ(Print("%.17e", Value), Expected);
    }
    EXPECT_EQ(Print("%e %f %g %5.1f|%-8.2f|%08.2f|%+.1e", 0.0, 0.0, 0.0, 9.95, 1.005, -3.14159, 12345.678), "0.000000e+000 0.000000 0   9.9|1.00    |-0003.14|+1.2e+004");
    EXPECT_EQ(Print("%f %F %g", 1.0 / 0.0, -1.0 / 0.0, 0.0 / 0.0).substr(0, 8), "inf -INF");
    EXPECT_EQ(Print("%.2000f", 1.0).size(), 2002u);
}
TEST(Text, Numbers)
{
    char* End;
    EXPECT_EQ(CRT(strtol)("  -0x1Fz", &End, 0), -31);
    EXPECT_STREQ(End, "z");
    EXPECT_EQ(CRT(strtol)("0x", &End, 16), 0);
    EXPECT_STREQ(End, "x");
    EXPECT_EQ(CRT(strtol)("zz", &End, 36), 35 * 36 + 35);
    EXPECT_EQ(CRT(strtol)("99999999999", &End, 10), INT32_MAX);
    EXPECT_EQ(CRT(strtoul)("-1", &End, 10), ~0u);
    EXPECT_EQ(CRT(_strtoui64)("18446744073709551616", &End, 10), ~0ull);
    EXPECT_EQ(CRT(atoi)("-9999999999"), -1410065407);
    wchar_t Thai[] = { 0xE54, 0xE50, 0xE55, 0 };
    EXPECT_EQ(CRT(wcstol)(Thai, nullptr, 0), 405);
    char Room[70];
    EXPECT_STREQ(CRT(_itoa)(-1, Room, 16), "ffffffff");
    EXPECT_STREQ(CRT(_i64toa)(INT64_MIN, Room, 10), "-9223372036854775808");
    EXPECT_EQ(CRT(_itoa_s)(12345, Room, 5, 10), crt::Range);
    EXPECT_EQ(CRT(_itoa_s)(1, Room, 70, 37), crt::Invalid);
}
TEST(Text, Scan)
{
    int A = 0, B = 0, N = 0;
    u64 Wide = 0;
    char Word[16], Set[16], Two[2];
    EXPECT_EQ(CRT(sscanf)(" 12 -0x1f word;abc", "%d %i %15[^;];%[a-b]%n", &A, &B, Word, Set, &N), 4);
    EXPECT_EQ(A, 12);
    EXPECT_EQ(B, -31);
    EXPECT_STREQ(Word, "word");
    EXPECT_STREQ(Set, "ab");
    EXPECT_EQ(N, 17);
    EXPECT_EQ(CRT(sscanf)("ffffffffff xy", "%I64x %2c", &Wide, Two), 2);
    EXPECT_EQ(Wide, 0xFFFFFFFFFFull);
    EXPECT_EQ(CRT(sscanf)("", "%d", &A), -1);
    EXPECT_EQ(CRT(sscanf)("x", "%d", &A), 0);
    EXPECT_EQ(CRT(sscanf)("1.5", "%f", &A), 0);
    EXPECT_EQ(CRT(sscanf)("1 2 3", "%*d %2d%d", &A, &B), 2);
}
TEST(Text, Strings)
{
    EXPECT_EQ(CRT(_stricmp)("ABC", "abd"), -1);
    EXPECT_EQ(CRT(_wcsnicmp)(L"ABCx", L"abcy", 3), 0);
    EXPECT_STREQ(CRT(strstr)("abcabd", "abd"), "abd");
    EXPECT_EQ(CRT(strspn)("aabbc", "ab"), 4u);
    EXPECT_EQ(CRT(wcscspn)(L"abc;d", L";"), 3u);
    EXPECT_EQ(CRT(strpbrk)("abc", "xyz"), nullptr);
    char Room[8] = "ab";
    EXPECT_EQ(CRT(strcat_s)(Room, 8, "cdef"), 0);
    EXPECT_STREQ(Room, "abcdef");
    EXPECT_EQ(CRT(strcat_s)(Room, 8, "gh"), crt::Range);
    EXPECT_STREQ(Room, "");
    EXPECT_EQ(CRT(strncpy_s)(Room, 4, "abcdef", crt::Truncate), crt::Truncated);
    EXPECT_STREQ(Room, "abc");
    char Line[] = " a,b ,,c";
    char* Next;
    EXPECT_STREQ(CRT(strtok_s)(Line, " ,", &Next), "a");
    EXPECT_STREQ(CRT(strtok_s)(nullptr, " ,", &Next), "b");
    EXPECT_STREQ(CRT(strtok_s)(nullptr, " ,", &Next), "c");
    EXPECT_EQ(CRT(strtok_s)(nullptr, " ,", &Next), nullptr);
    wchar_t Drive[3], Folder[20], Name[20], Extension[20];
    EXPECT_EQ(CRT(_wsplitpath_s)(L"C:\\a.b\\c.d.e", Drive, 3, Folder, 20, Name, 20, Extension, 20), 0);
    EXPECT_EQ(test::Of(Folder), u"\\a.b\\");
    EXPECT_EQ(test::Of(Name), u"c.d");
    EXPECT_EQ(test::Of(Extension), u".e");
    wchar_t Path[40];
    EXPECT_EQ(CRT(_wmakepath_s)(Path, 40, Drive, L"x", L"y", L"z"), 0);
    EXPECT_EQ(test::Of(Path), u"C:x\\y.z");
}
TEST(Text, Classes)
{
    EXPECT_TRUE(CRT(isalpha)('q') && CRT(isxdigit)('F') && CRT(isspace)('\v') && !CRT(isalpha)(0xE4) && !CRT(isprint)(-1));
    EXPECT_TRUE(CRT(iswalpha)(0xE4) && CRT(iswdigit)(0xB2) && CRT(iswspace)(0xA0) && !CRT(iswalpha)(0x100));
    EXPECT_EQ(CRT(towlower)(0xC4), 0xE4);
    EXPECT_EQ(CRT(towupper)(0x3B1), 0x391);
}
