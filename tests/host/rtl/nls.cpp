// With the packaged character tables, where they are to be found (process.cpp).
#include <vector>

#include "tests/host/rtl/process.hpp"

using test::Of;
using test::Text;

namespace {

class Nls : public testing::Test {
protected:
    void SetUp() override
    {
        void *Case, *Ansi, *Oem, *Locale;
        ULONG Size, LocaleSize;
        if (rtl::platform::NlsSection(NLS_SECTION_CASEMAP, 0, &Case, &Size) < 0 || rtl::platform::NlsSection(NLS_SECTION_CODEPAGE, 1252, &Ansi, &Size) < 0 ||
            rtl::platform::NlsSection(NLS_SECTION_CODEPAGE, 932, &Oem, &Size) < 0 || rtl::platform::NlsSection(0, 0, &Locale, &LocaleSize) < 0)
            GTEST_SKIP() << "no .nls files: set NEPTUNE_NLS to their folder";
        // A process that has none: what is in force before is UTF-8 with Unicode's case.
        RtlInitNlsTables(static_cast<USHORT*>(Ansi), static_cast<USHORT*>(Oem), static_cast<USHORT*>(Case), &Loaded_);
        USHORT Utf8[13] = { 13, 65001 };
        NLSTABLEINFO Default = Loaded_;
        RtlInitCodePageTable(Utf8, &Default.AnsiTableInfo);
        RtlInitCodePageTable(Utf8, &Default.OemTableInfo);
        Default_ = Default;
        RtlpSetLocaleTable(Locale, LocaleSize);
    }
    void Use() { RtlResetRtlTranslations(&Loaded_); }
    void TearDown() override
    {
        if (Default_.UpperCaseTable)
            RtlResetRtlTranslations(&Default_);
    }
    NLSTABLEINFO Loaded_ = {}, Default_ = {};
};

Text Normalized(ULONG Form, const Text& In)
{
    wchar_t Room[300];
    INT Size = 300;
    NTSTATUS Status = RtlNormalizeString(Form, reinterpret_cast<const wchar_t*>(In.data()), INT(In.size()), Room, &Size);
    return Status < 0 ? u"failed" : Text(reinterpret_cast<char16_t*>(Room), size_t(Size));
}

}

// The built-in case tables are the file's, but for characters that Unicode got later.
TEST_F(Nls, BuiltInCase)
{
    int Different = 0;
    std::vector<wchar_t> Own;
    for (u32 C = 0; C < 0x10000; ++C)
        Own.push_back(RtlUpcaseUnicodeChar(wchar_t(C)));
    Use();
    for (u32 C = 0; C < 0x500; ++C)
        EXPECT_EQ(Own[C], RtlUpcaseUnicodeChar(wchar_t(C))) << C;
    for (u32 C = 0; C < 0x10000; ++C)
        Different += Own[C] != RtlUpcaseUnicodeChar(wchar_t(C));
    EXPECT_LT(Different, 200);
}
TEST_F(Nls, CodePages)
{
    Use();
    char Bytes[16];
    wchar_t Wide[16];
    ULONG Size;
    RtlUnicodeToMultiByteN(Bytes, 16, &Size, L"\u00e4\u20ac\u4e00", 6);
    EXPECT_EQ(std::string(Bytes, Size), "\xE4\x80?");
    RtlMultiByteToUnicodeN(Wide, 32, &Size, "\xE4\x80", 2);
    EXPECT_EQ(Text(reinterpret_cast<char16_t*>(Wide), Size / 2), u"\u00e4\u20ac");
    RtlOemToUnicodeN(Wide, 32, &Size, "\x88\xEA" "A", 3);
    EXPECT_EQ(Text(reinterpret_cast<char16_t*>(Wide), Size / 2), u"\u4e00A");
    RtlUnicodeToOemN(Bytes, 2, &Size, L"A\u4e00", 4);          // half a character is not written
    EXPECT_EQ(std::string(Bytes, Size), "A");
    OEM_STRING S = { 3, 3, const_cast<char*>("\x88\xEA" "A") };
    EXPECT_EQ(RtlOemStringToUnicodeSize(&S), 6u);
}
TEST_F(Nls, Locales)
{
    test::Fresh();
    LCID Lcid;
    EXPECT_EQ(RtlLocaleNameToLcid(L"de_de", &Lcid, 0), STATUS_SUCCESS);
    EXPECT_EQ(Lcid, 0x407u);
    EXPECT_EQ(RtlLocaleNameToLcid(L"de", &Lcid, 0), STATUS_INVALID_PARAMETER_1);
    EXPECT_EQ(RtlLocaleNameToLcid(L"de", &Lcid, 2), STATUS_SUCCESS);
    EXPECT_EQ(RtlLocaleNameToLcid(L"nowhere", &Lcid, 2), STATUS_INVALID_PARAMETER_1);
    UNICODE_STRING Name;
    ASSERT_EQ(RtlLcidToLocaleName(LOCALE_USER_DEFAULT, &Name, 0, true), STATUS_SUCCESS);
    EXPECT_EQ(Of(Name), u"en-US");
    RtlFreeUnicodeString(&Name);
    ULONG Count, Size = 0;
    EXPECT_EQ(RtlGetUserPreferredUILanguages(MUI_LANGUAGE_NAME, 0, &Count, nullptr, &Size), STATUS_SUCCESS);
    EXPECT_EQ(Size, 7u);
    wchar_t Room[8];
    EXPECT_EQ(RtlGetUserPreferredUILanguages(MUI_LANGUAGE_ID, 0, &Count, Room, &(Size = 8)), STATUS_SUCCESS);
    EXPECT_EQ(Of(Room), u"0409");
}
TEST_F(Nls, Normalization)
{
    EXPECT_EQ(Normalized(1, u"a\u0308\u0323"), u"\u1ea1\u0308");
    EXPECT_EQ(Normalized(2, u"\u1ed9"), u"o\u0323\u0302");
    EXPECT_EQ(Normalized(1, u"o\u0302\u0323"), u"\u1ed9");
    EXPECT_EQ(Normalized(5, u"\ufb01\u2460"), u"fi1");
    EXPECT_EQ(Normalized(2, u"\ud55c"), u"\u1112\u1161\u11ab");
    EXPECT_EQ(Normalized(1, u"\u1112\u1161\u11ab"), u"\ud55c");
    EXPECT_EQ(Normalized(2, u"\U0001D15E"), u"\U0001D157\U0001D165");
    EXPECT_EQ(Normalized(1, u"x\xd800y"), u"failed");
    BOOLEAN Is;
    EXPECT_EQ(RtlIsNormalizedString(1, L"a\u0308", 2, &Is), STATUS_SUCCESS);
    EXPECT_FALSE(Is);
    EXPECT_EQ(RtlIsNormalizedString(2, L"a\u0308", 2, &Is), STATUS_SUCCESS);
    EXPECT_TRUE(Is);
    wchar_t Room[1];
    INT Size = 1;
    EXPECT_EQ(RtlNormalizeString(2, L"\u1ed9", 1, Room, &Size), STATUS_BUFFER_TOO_SMALL);
    EXPECT_EQ(Size, 3);
}
TEST_F(Nls, DomainNames)
{
    struct {
        const char16_t *Unicode, *Ascii;
    } Cases[] = { { u"b\u00fccher.example", u"xn--bcher-kva.example" }, { u"\u4f8b\u3048.jp", u"xn--r8jz45g.jp" }, { u"plain.example", u"plain.example" },
                  { u"\u0440\u0444", u"xn--p1ai" } };
    for (auto& C : Cases) {
        wchar_t Room[256];
        INT Size = 256;
        ASSERT_EQ(RtlIdnToAscii(0, reinterpret_cast<const wchar_t*>(C.Unicode), INT(Text(C.Unicode).size()), Room, &Size), STATUS_SUCCESS);
        EXPECT_EQ(Text(reinterpret_cast<char16_t*>(Room), size_t(Size)), C.Ascii);
        Size = 256;
        ASSERT_EQ(RtlIdnToUnicode(0, reinterpret_cast<const wchar_t*>(C.Ascii), INT(Text(C.Ascii).size()), Room, &Size), STATUS_SUCCESS);
        EXPECT_EQ(Text(reinterpret_cast<char16_t*>(Room), size_t(Size)), C.Unicode);
    }
    wchar_t Room[256];
    INT Size = 256;
    EXPECT_EQ(RtlIdnToAscii(0, L"a..b", 4, Room, &Size), STATUS_INVALID_IDN_NORMALIZATION);
    Size = 256;
    EXPECT_EQ(RtlIdnToUnicode(0, L"xn--999999999b", 14, Room, &Size), STATUS_INVALID_IDN_NORMALIZATION);
}
