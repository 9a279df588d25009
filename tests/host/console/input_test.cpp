#include <cstring>

#include "lib/console/line.hpp"
#include "tests/host/console/console_test.hpp"

using namespace console_test;

namespace {

struct Collect final : Keys::Sink {
    std::vector<Record> All;
    void Key(const Record& R) override
    {
        if (R.Down)
            All.push_back(R);
    }
};

std::vector<Record> Keys_(const char* Bytes, bool Raw = false, bool Flush = true)
{
    Keys K;
    Collect To;
    for (const char* C = Bytes; *C; ++C)        // byte by byte: sequences come in pieces
        K.Feed(To, { reinterpret_cast<const u8*>(C), 1 }, Raw);
    if (Flush)
        K.Flush(To);
    return To.All;
}

TEST(Keys, Characters)
{
    auto R = Keys_("aA1!\xC3\xA9\xF0\x9F\x98\x80");
    ASSERT_EQ(R.size(), 7u);
    EXPECT_EQ(R[0].Key, 'A');
    EXPECT_EQ(R[0].Char, L'a');
    EXPECT_EQ(R[0].Scan, 0x1E);
    EXPECT_TRUE(R[1].State & keystate::Shift);
    EXPECT_EQ(R[3].Key, '1');
    EXPECT_EQ(R[4].Char, L'\xE9');
    EXPECT_EQ(R[5].Char, wchar_t(0xD83D));
    EXPECT_EQ(R[6].Char, wchar_t(0xDE00));
}

TEST(Keys, Special)
{
    auto R = Keys_("\x1b[A\x1b[1;5D\x1bOP\x1b[3~\x1b[15;2~\r\x7f\x03\x1bx\x1b[Z");
    ASSERT_EQ(R.size(), 10u);
    EXPECT_EQ(R[0].Key, vk::Up);
    EXPECT_TRUE(R[0].State & keystate::Enhanced);
    EXPECT_EQ(R[1].Key, vk::Left);
    EXPECT_TRUE(R[1].State & keystate::LeftCtrl);
    EXPECT_EQ(R[2].Key, vk::F1);
    EXPECT_EQ(R[3].Key, vk::Delete);
    EXPECT_EQ(R[4].Key, vk::F1 + 4);
    EXPECT_TRUE(R[4].State & keystate::Shift);
    EXPECT_EQ(R[5].Key, vk::Return);
    EXPECT_EQ(R[6].Key, vk::Back);
    EXPECT_EQ(R[6].Char, 8);
    EXPECT_EQ(R[7].Key, 'C');
    EXPECT_TRUE(R[7].State & keystate::LeftCtrl);
    EXPECT_TRUE(R[8].State & keystate::LeftAlt);
    EXPECT_EQ(R[9].Key, vk::Tab);
}

TEST(Keys, EscapeAloneAndRaw)
{
    auto R = Keys_("\x1b");
    ASSERT_EQ(R.size(), 1u);
    EXPECT_EQ(R[0].Key, vk::Escape);
    EXPECT_EQ(Keys_("\x1b[", false, false).size(), 0u);
    R = Keys_("\x1b[A", true);
    ASSERT_EQ(R.size(), 3u);
    EXPECT_EQ(R[1].Char, L'[');
}

TEST(Keys, Anything)
{
    u32 Seed = 5;
    Keys K;
    Collect To;
    for (int I = 0; I < 200000; ++I) {
        Seed = Seed * 1664525 + 1013904223;
        u8 B = Seed >> 30 ? u8(Seed >> 8) : 27;
        K.Feed(To, { &B, 1 }, Seed >> 29 == 1);
        if (Seed % 100 == 0)
            K.Flush(To);
    }
}

struct LineTest : testing::Test {
    Buffer B;
    Line L;
    Nothing Host;
    void SetUp() override
    {
        ASSERT_TRUE(B.Create(20, 4, 20, 4).Ok());
        Write(B, L"C:\\>");
        ASSERT_TRUE(L.Begin(B, true).Ok());
    }
    // What the line is when it is ready; empty: it goes on.
    std::string Type(const char* Bytes)
    {
        Keys K;
        Collect To;
        K.Feed(To, { reinterpret_cast<const u8*>(Bytes), std::strlen(Bytes) }, false);
        K.Flush(To);
        for (const Record& R : To.All)
            if (L.Take(Host, B, R) != Line::Result::Goes) {
                std::string Text;
                for (wchar_t C : L.Text())
                    Text += char(C);
                return Text;
            }
        return "";
    }
    void Again()
    {
        Write(B, L"C:\\>");
        ASSERT_TRUE(L.Begin(B, true).Ok());
    }
};

TEST_F(LineTest, Editing)
{
    EXPECT_EQ(Type("helxo\x7f\x7flo"), "");
    EXPECT_EQ(Row(B, 0), "C:\\>hello");
    EXPECT_EQ(Type("\x1b[D\x1b[DX\x1b[H<\x1b[F>\x1b[H\x1b[3~\r"), "helXlo>\r\n");
    EXPECT_EQ(Row(B, 0), "C:\\>helXlo>");
    EXPECT_EQ(B.Y, 1);
    EXPECT_EQ(B.X, 0);
}

TEST_F(LineTest, HistoryAndEscape)
{
    EXPECT_EQ(Type("one\r"), "one\r\n");
    Again();
    EXPECT_EQ(Type("second\r"), "second\r\n");
    Again();
    EXPECT_EQ(Type("\x1b[A"), "");
    EXPECT_EQ(Row(B, 2), "C:\\>second");
    EXPECT_EQ(Type("\x1b[A"), "");
    EXPECT_EQ(Row(B, 2), "C:\\>one");
    EXPECT_EQ(Type("\x1b[B!\r"), "second!\r\n");
    Again();
    EXPECT_EQ(Type("rubbish"), "");
    EXPECT_EQ(Type("\x1b"), "");
    EXPECT_EQ(Row(B, 3), "C:\\>");
    EXPECT_EQ(Type("ok\r"), "ok\r\n");
}

TEST_F(LineTest, LongLinesWrapAndScroll)
{
    std::string Long(70, 'x');
    EXPECT_EQ(Type((Long + "\x1b[H" + "A").c_str()), "");
    EXPECT_EQ(Row(B, 0), "C:\\>Axxxxxxxxxxxxxxx");
    EXPECT_EQ(B.Y, 0);
    EXPECT_EQ(B.X, 5);
    EXPECT_EQ(Type((Long + "\r").c_str()), "A" + Long + Long + "\r\n");
    EXPECT_EQ(B.Y, 3);
}

TEST_F(LineTest, AbandonedAndWoken)
{
    EXPECT_EQ(Type("abc"), "");
    L.Abandon(Host, B);
    EXPECT_EQ(Row(B, 0), "C:\\>abc^C");
    EXPECT_EQ(L.Text().size(), 2u);
    std::wstring Start = L"cd ";
    Write(B, L"C:\\>cd ");
    ASSERT_TRUE(L.Begin(B, true, Span(Start), 1u << 9).Ok());
    EXPECT_EQ(Type("Win\t"), "cd Win\t");
}

TEST_F(LineTest, WithoutEchoNothingIsShownOrKept)
{
    ASSERT_TRUE(L.Begin(B, false).Ok());
    EXPECT_EQ(Type("secret\r"), "secret\r\n");
    EXPECT_EQ(Row(B, 0), "C:\\>");
    ASSERT_TRUE(L.Begin(B, true).Ok());
    EXPECT_EQ(Type("\x1b[A\r"), "\r\n");
}

TEST_F(LineTest, AnyKeys)
{
    u32 Seed = 7;
    auto Next = [&] { return Seed = Seed * 1664525 + 1013904223, Seed >> 8; };
    for (int I = 0; I < 20000; ++I) {
        Record R = MakeKey(u16(Next() % 130), Next() % 3 ? wchar_t(Next() % 2 ? 0x20 + Next() % 90 : Next() % 32) : wchar_t(Next()), Next() % 32, true);
        if (!L.IsOpen())
            ASSERT_TRUE(L.Begin(B, Next() % 8 != 0).Ok());
        L.Take(Host, B, R);
        ASSERT_TRUE(B.X >= 0 && B.X < B.Width() && B.Y >= 0 && B.Y < B.Height());
    }
}

}
