#include "tests/host/console/console_test.hpp"

using namespace console_test;

namespace {

struct BufferTest : testing::Test {
    Buffer B;
    void SetUp() override { ASSERT_TRUE(B.Create(10, 4, 10, 4).Ok()); }
};

TEST_F(BufferTest, TextGoesOnAtTheNextRowAndScrolls)
{
    Write(B, L"0123456789ab\r\nc\r\nd\r\ne");
    EXPECT_EQ(Row(B, 0), "ab");
    EXPECT_EQ(Row(B, 3), "e");
    EXPECT_EQ(B.Scrolled, 1u);
    EXPECT_EQ(B.X, 1);
    EXPECT_EQ(B.Y, 3);
}

TEST_F(BufferTest, WithoutWrapTextOverwritesItself)
{
    Write(B, L"01");
    Write(B, L"23456789ab", Processed);
    EXPECT_EQ(Row(B, 0), "01ab456789");
    EXPECT_EQ(B.X, 4);
    EXPECT_EQ(B.Y, 0);
    Write(B, L"\x1b[H0123456789ab", Processed | Sequences);
    EXPECT_EQ(Row(B, 0), "012345678b");
    EXPECT_EQ(B.X, 9);
}

TEST_F(BufferTest, WrapIsLateWithSequences)
{
    Write(B, L"0123456789");
    EXPECT_EQ(B.X, 0);
    EXPECT_EQ(B.Y, 1);
    Buffer C;
    ASSERT_TRUE(C.Create(10, 4, 10, 4).Ok());
    Write(C, L"0123456789", Vt);
    EXPECT_EQ(C.X, 9);
    EXPECT_EQ(C.Y, 0);
    Write(C, L"a", Vt);
    EXPECT_EQ(Row(C, 1), "a");
}

TEST_F(BufferTest, ControlCharacters)
{
    Write(B, L"ab\bX\tY\rZ");
    EXPECT_EQ(Row(B, 0), "ZX      Y");
    Nothing To;
    std::wstring Bell = L"\a\a";
    B.Write(To, Span(Bell), Processed);
    EXPECT_EQ(To.Bells, 2);
    B.Write(To, Span(Bell), 0);
    EXPECT_EQ(To.Bells, 2);
}

TEST_F(BufferTest, PlacedText)
{
    B.Fill(8, 1, 4, L'x', 0x1F, Part::Both);
    EXPECT_EQ(Row(B, 1), "        xx");
    EXPECT_EQ(Row(B, 2), "xx");
    EXPECT_EQ(B.Row(2)[0].Attribute, 0x1F);
    B.Fill(0, 2, 1, 0, 0x2E, Part::Attribute);
    EXPECT_EQ(B.Row(2)[0].Char, L'x');
    EXPECT_EQ(B.Row(2)[0].Attribute, 0x2E);
    EXPECT_EQ(B.Room(8, 3, 100), 2u);
    EXPECT_EQ(B.Room(-1, 3, 100), 0u);
    B.Fill(9, 3, 0xFFFFFFFF, L'y', 7, Part::Both);
    EXPECT_EQ(Row(B, 3), "         y");
}

TEST_F(BufferTest, Scroll)
{
    Write(B, L"aaa\r\nbbb\r\nccc");
    ASSERT_TRUE(B.Scroll({ 0, 0, 2, 2 }, 1, 1, { 0, 0, 99, 99 }, L'.', 7).Ok());
    EXPECT_EQ(Row(B, 0), "...");
    EXPECT_EQ(Row(B, 1), ".aaa");
    EXPECT_EQ(Row(B, 3), " ccc");
    ASSERT_TRUE(B.Scroll({ 1, 1, 3, 3 }, 0, 0, { 0, 0, 99, 99 }, L' ', 7).Ok());
    EXPECT_EQ(Row(B, 0), "aaa");
    EXPECT_EQ(Row(B, 2), "ccc");
    EXPECT_FALSE(B.Scroll({ 0, 0, 10, 2 }, 0, 0, { 0, 0, 99, 99 }, L' ', 7).Ok());
    EXPECT_FALSE(B.Scroll({ 0, 0, 2, 2 }, 0, 4, { 0, 0, 99, 99 }, L' ', 7).Ok());
    EXPECT_FALSE(B.Scroll({ 0, 0, 2, 2 }, 0, 0, { 5, 5, 1, 1 }, L' ', 7).Ok());
}

TEST_F(BufferTest, Resize)
{
    Write(B, L"a\r\nb\r\nc\r\nd\r\ne");
    ASSERT_TRUE(B.Resize(5, 2, true).Ok());
    EXPECT_EQ(Row(B, 1), "e");
    EXPECT_EQ(B.Y, 1);
    EXPECT_EQ(B.Window.Bottom, 1);
    EXPECT_FALSE(B.Resize(0, 2).Ok());
    EXPECT_FALSE(B.Resize(32767, 32767).Ok());
    EXPECT_EQ(Row(B, 1), "e");
}

TEST_F(BufferTest, SequencesMoveAndErase)
{
    Write(B, L"\x1b[2;3Hx\x1b[Ay\x1b[1;1Hz\x1b[4;10Hq\x1b[K\x1b[1D\x1b[1K", Vt);
    EXPECT_EQ(Row(B, 0), "z  y");
    EXPECT_EQ(Row(B, 1), "  x");
    EXPECT_EQ(Row(B, 3), "");
    Write(B, L"\x1b[2J\x1b[H\x1b[5Ca\x1b[3Pb\x1b[H12345\x1b[2G\x1b[2@", Vt);
    EXPECT_EQ(Row(B, 0), "1  2345ab");
    // Without the mode they are characters.
    Write(B, L"\r\n\x1b[A");
    EXPECT_EQ(B.Row(1)[1].Char, L'[');
}

TEST_F(BufferTest, Colours)
{
    Write(B, L"\x1b[31;1ma\x1b[0;38;5;200mb\x1b[48;2;1;2;3mc\x1b[m\x1b[7;4md\x1b[97;100me", Vt);
    EXPECT_EQ(B.Row(0)[0].Attribute, 0x0C);
    EXPECT_EQ(B.Row(0)[1].Fore, PaletteColour | 200);
    EXPECT_EQ(B.Row(0)[2].Back, TrueColour | 0x010203);
    EXPECT_EQ(B.Row(0)[3].Attribute, 7 | Reverse | Underscore);
    EXPECT_EQ(B.Row(0)[4].Attribute & 0xFF, 0x8F);
}

TEST_F(BufferTest, Margins)
{
    Write(B, L"a\r\nb\r\nc\r\nd\x1b[2;3r\x1b[3;1H\n", Vt);
    EXPECT_EQ(Row(B, 0), "a");
    EXPECT_EQ(Row(B, 1), "c");
    EXPECT_EQ(Row(B, 2), "");
    EXPECT_EQ(Row(B, 3), "d");
    Write(B, L"\x1b[2;1H\x1bM", Vt);
    EXPECT_EQ(Row(B, 1), "");
    EXPECT_EQ(Row(B, 2), "c");
    EXPECT_EQ(Row(B, 3), "d");
}

TEST_F(BufferTest, AlternateScreenAndReports)
{
    Write(B, L"main\x1b[?1049hother", Vt);
    EXPECT_EQ(Row(B, 0), "    other");
    Write(B, L"\x1b[?1049l", Vt);
    EXPECT_EQ(Row(B, 0), "main");
    EXPECT_EQ(B.X, 4);
    Nothing To;
    std::wstring Ask = L"\x1b[6n\x1b[c";
    B.Write(To, Span(Ask), Vt);
    EXPECT_EQ(To.Answers, L"\x1b[1;5R\x1b[?1;0c");
}

TEST_F(BufferTest, WideCharacters)
{
    Write(B, L"012345678\x4E2D", Vt);
    EXPECT_EQ(B.Row(1)[0].Char, L'\x4E2D');
    EXPECT_TRUE(B.Row(1)[0].Attribute & LeadingHalf);
    EXPECT_TRUE(B.Row(1)[1].Attribute & TrailingHalf);
    Write(B, L"\x1b[2;2Hx", Vt);
    EXPECT_EQ(B.Row(1)[0].Char, L' ');
    EXPECT_FALSE(B.Row(1)[0].Attribute & LeadingHalf);
}

TEST(BufferFuzz, AnythingMayBeWritten)
{
    u32 Seed = 12345;
    auto Next = [&] { return Seed = Seed * 1664525 + 1013904223, Seed >> 8; };
    static const wchar_t Alphabet[] = L"\x1b\x1b\x1b[[[]??;;;0123456789ABCDEFGHJKLMPSTXZ@bcdfghlmnrsu78(0!p\r\n\t\b\a ab\x4E2D\xD83D\xDE00";
    for (int Round = 0; Round < 300; ++Round) {
        Buffer B;
        ASSERT_TRUE(B.Create(i32(1 + Next() % 20), i32(1 + Next() % 10), i32(1 + Next() % 20), i32(1 + Next() % 10)).Ok());
        Nothing To;
        for (int I = 0; I < 2000; ++I) {
            wchar_t C = Next() % 50 ? Alphabet[Next() % (sizeof(Alphabet) / sizeof(wchar_t) - 1)] : wchar_t(Next());
            B.Write(To, { &C, 1 }, Next() % 100 ? Vt : Next() % 16);
            ASSERT_TRUE(B.X >= 0 && B.X < B.Width() && B.Y >= 0 && B.Y < B.Height());
            if (Next() % 500 == 0)
                ASSERT_TRUE(B.Resize(i32(1 + Next() % 20), i32(1 + Next() % 10), Next() % 2).Ok());
            if (Next() % 200 == 0)
                (void)B.Scroll({ i32(Next() % 20), i32(Next() % 20), i32(Next() % 20), i32(Next() % 20) }, i32(Next() % 20), i32(Next() % 20), { -5, -5, 40, 40 }, L'.', 7);
        }
    }
}

}
