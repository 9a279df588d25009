// The readable description of a registry: what it may say, and where a wrong one is told to be wrong.
#include "ntos/cm/cm.hpp"
#include "tests/host/cm/registry.hpp"

using namespace test;

namespace {

struct Seed : Registry {
    cm::SeedError Error;
    NTSTATUS Load(std::string Text)
    {
        Error = {};
        // Exactly sized: reading beyond is an error that the sanitizer tells.
        std::vector<char> Exact(Text.begin(), Text.end());
        return cm::LoadSeed(Exact.data(), Exact.size(), &Error).Code();
    }
    std::vector<u8> Data(ob::Name Name, u32 Type)
    {
        EXPECT_NT(STATUS_SUCCESS, QueryPartial(Top, Name));
        auto P = C.Get<KEY_VALUE_PARTIAL_INFORMATION>(Buffer);
        EXPECT_EQ(P.Type, Type);
        std::vector<u8> Bytes(P.DataLength);
        C.Read(Buffer + sizeof(P), Bytes.data(), Bytes.size());
        return Bytes;
    }
};
constexpr char Head[] = "[HKEY_LOCAL_MACHINE\\Software\\Test]\n";

TEST_F(Seed, ValuesOfEveryKind)
{
    ASSERT_NT(STATUS_SUCCESS, Load(std::string("Windows Registry Editor Version 5.00\r\n\r\n; a comment\n") + Head +
                                   "\"text\"=\"a\\\\b\\\"c\"\n"
                                   "\"expand\"=expand:\"%x%\"\r\n"
                                   "\"list\"=multi:\"a\",\"bc\"\n"
                                   "\"none\"=multi:\n"
                                   "\"d\" = dword:2A ; forty-two\n"
                                   "\"q\"=qword:123456789abcdef0\n"
                                   "\"b\"=hex:01,ff,\\\n  7f\n"
                                   "\"t\"=hex(7):41,00,00,00,00,00\n"
                                   "\"utf\"=\"\xC3\xA4\xE2\x82\xAC\"\n"
                                   "@=\"default\""))
        << Error.Line << ": " << (Error.What ? Error.What : "");
    auto Wide = [](std::u16string S) { return std::vector<u8>(reinterpret_cast<const u8*>(S.data()), reinterpret_cast<const u8*>(S.data() + S.size())); };
    EXPECT_EQ(Data(L"text", REG_SZ), Wide(std::u16string(u"a\\b\"c\0", 6)));
    EXPECT_EQ(Data(L"expand", REG_EXPAND_SZ), Wide(std::u16string(u"%x%\0", 4)));
    EXPECT_EQ(Data(L"list", REG_MULTI_SZ), Wide(std::u16string(u"a\0bc\0\0", 6)));
    EXPECT_EQ(Data(L"none", REG_MULTI_SZ), Wide(std::u16string(1, 0)));
    EXPECT_EQ(Data(L"d", REG_DWORD), (std::vector<u8> { 0x2A, 0, 0, 0 }));
    EXPECT_EQ(Data(L"q", REG_QWORD), (std::vector<u8> { 0xF0, 0xDE, 0xBC, 0x9A, 0x78, 0x56, 0x34, 0x12 }));
    EXPECT_EQ(Data(L"b", REG_BINARY), (std::vector<u8> { 1, 0xFF, 0x7F }));
    EXPECT_EQ(Data(L"t", REG_MULTI_SZ).size(), 6u);
    EXPECT_EQ(Data(L"utf", REG_SZ), Wide(std::u16string(u"\u00E4\u20AC\0", 3)));
    EXPECT_EQ(Data({}, REG_SZ).size(), 16u);
}

TEST_F(Seed, KeysWithTheirParents)
{
    ASSERT_NT(STATUS_SUCCESS, Load("[HKEY_LOCAL_MACHINE\\Software\\Test\\a [b]\\c]\n\"v\"=dword:1\n[\\Registry\\Machine\\Software\\Test\\d]\n"));
    EXPECT_NT(STATUS_SUCCESS, Open(L"a [b]\\c", Top));
    EXPECT_EQ(Number(C.Handle(Out), L"v"), 1u);
    EXPECT_NT(STATUS_SUCCESS, Open(L"d", Top));
}

TEST_F(Seed, AValueIsTakenAway)
{
    ASSERT_NT(STATUS_SUCCESS, Load(std::string(Head) + "\"v\"=dword:1\n\"v\"=-\n\"never\"=-\n"));
    EXPECT_NT(STATUS_OBJECT_NAME_NOT_FOUND, QueryPartial(Top, L"v"));
}

TEST_F(Seed, MistakesAreToldWithTheirLine)
{
    const struct {
        const char* Text;
        u32 Line;
    } Rows[] = {
        { "\"v\"=dword:1\n", 1 }, { "nonsense\n", 1 }, { "\n\n[HKEY_NOWHERE\\x]\n", 3 }, { "[HKEY_LOCAL_MACHINE\\x\n", 1 }, { "[HKEY_LOCAL_MACHINEx]\n", 1 },
        { "[HKEY_LOCAL_MACHINE\\x] y\n", 1 }, { "[]\n", 1 },
    };
    for (auto& Row : Rows) {
        EXPECT_NT(STATUS_INVALID_PARAMETER, Load(Row.Text)) << Row.Text;
        EXPECT_EQ(Error.Line, Row.Line) << Row.Text;
        EXPECT_NE(Error.What, nullptr) << Row.Text;
    }
    const char* Values[] = {
        "\"v\"", "\"v", "\"v\"=", "\"v\"=\"x", "\"v\"=\"x\" y", "\"v\"=dword:", "\"v\"=dword:xyz", "\"v\"=dword:123456789", "\"v\"=qword:12345678123456781",
        "\"v\"=hex:1g", "\"v\"=hex:001", "\"v\"=hex(:00", "\"v\"=hex(100000000):00", "\"v\"=multi:\"\"", "\"v\"=multi:\"a\",", "\"v\"=multi:a", "\"v\"=float:1",
        "\"v\"=\"\\x\"", "@", "@\"v\"=dword:1", "\"v\"=\"\xFF\"", "\"v\"=\"\xC3\"", "\"v\"=\"\xED\xA0\x80\"", "\"v\"=hex:01,\\",
    };
    for (const char* Value : Values) {
        SetNumber(Top, L"v", 77);
        NTSTATUS S = Load(std::string(Head) + Value + "\n");
        EXPECT_NT(STATUS_INVALID_PARAMETER, S) << Value;
        if (S == STATUS_INVALID_PARAMETER)
            EXPECT_TRUE(Error.Line == 2 || Error.Line == 3) << Value << " in line " << Error.Line;
    }
}

TEST_F(Seed, WhatComesBeforeAMistakeIsDone)
{
    EXPECT_NT(STATUS_INVALID_PARAMETER, Load(std::string(Head) + "\"a\"=dword:5\nwrong\n\"b\"=dword:6\n"));
    EXPECT_EQ(Error.Line, 3u);
    EXPECT_EQ(Number(Top, L"a"), 5u);
    EXPECT_NT(STATUS_OBJECT_NAME_NOT_FOUND, QueryPartial(Top, L"b"));
}

TEST_F(Seed, EveryBeginningOfAGoodTextEndsWell)
{
    std::string Good = std::string(Head) + "\"a\\\\\"=\"b\xC3\xA4\"\n@=multi:\"x\",\"y\"\n\"h\"=hex(3):01,\\\n02\n\"q\"=qword:1\n\"e\"=expand:\"\"\n\"gone\"=-\n";
    ASSERT_NT(STATUS_SUCCESS, Load(Good));
    for (usize Length = 0; Length < Good.size(); ++Length) {
        NTSTATUS S = Load(Good.substr(0, Length));
        EXPECT_TRUE(S == STATUS_SUCCESS || S == STATUS_INVALID_PARAMETER) << "at " << Length;
    }
}

TEST_F(Seed, ChangedBytesDoNoHarm)
{
    std::string Good = std::string(Head) + "\"a\"=\"b\"\n\"h\"=hex(3):01,\\\n02\n\"d\"=dword:1\n@=multi:\"x\",\"y\"\n";
    u32 Random = 12345;
    // Below the key of the test only: the first line stays.
    usize First = sizeof(Head) - 1;
    for (u32 Round = 0; Round < 4000; ++Round) {
        std::string Text = Good;
        for (u32 Changes = 0; Changes < 3; ++Changes) {
            Random = Random * 1664525 + 1013904223;
            usize At = First + (Random >> 8) % (Text.size() - First);
            Random = Random * 1664525 + 1013904223;
            char To = char(Random >> 24);
            Text[At] = To == '[' ? ']' : To;
        }
        NTSTATUS S = Load(Text);
        ASSERT_TRUE(S == STATUS_SUCCESS || S == STATUS_INVALID_PARAMETER) << Text;
    }
}

}
