// The painter against a terminal, for which another buffer is good: both must show the same, whatever is written.
#include "tests/host/console/console_test.hpp"

using namespace console_test;

namespace {

// Shows what a painter sends.
struct Terminal {
    Buffer B;
    Nothing Host;
    std::vector<u8> All;
    Terminal(i32 Width, i32 Height) { EXPECT_TRUE(B.Create(Width, Height, Width, Height).Ok()); }
    void Take(Painter& P)
    {
        std::wstring Text;
        auto& Bytes = P.Output();
        All.insert(All.end(), Bytes.begin(), Bytes.end());
        for (usize I = 0; I < Bytes.Size();) {
            u32 C = Bytes[I], N = C < 0x80 ? 1 : C < 0xE0 ? 2 : C < 0xF0 ? 3 : 4;
            u32 Point = N == 1 ? C : C & (0x7F >> N);
            for (u32 K = 1; K < N; ++K)
                Point = Point << 6 | (Bytes[I + K] & 0x3F);
            I += N;
            if (Point >= 0x10000) {
                Text += wchar_t(0xD7C0 + (Point >> 10));
                Text += wchar_t(0xDC00 | (Point & 0x3FF));
            } else {
                Text += wchar_t(Point);
            }
        }
        Bytes.Clear();
        B.Write(Host, Span(Text), Vt | NoAutoReturn);
    }
    std::string Text() const { return { All.begin(), All.end() }; }
};

void ExpectSame(Buffer& Of, Buffer& Shown, i32 From = 0)
{
    for (i32 Y = 0; Y + From < Shown.Height() && Y < Of.Height(); ++Y)
        for (i32 X = 0; X < Of.Width(); ++X) {
            const Cell A = Visible(Of.Row(Y), Of.Width(), X), B = Visible(Shown.Row(Y + From), Shown.Width(), X);
            ASSERT_EQ(A.Char, B.Char) << X << "," << Y;
            u32 Seen = 0xC000 | (A.Fore ? 0 : 0xF) | (A.Back ? 0 : 0xF0);      // a colour of another kind hides the attribute's
            ASSERT_EQ(A.Attribute & Seen, B.Attribute & Seen) << X << "," << Y;
            ASSERT_EQ(A.Fore, B.Fore);
            ASSERT_EQ(A.Back, B.Back);
        }
}

struct Scrolling final : Buffer::Host {
    Painter* P = nullptr;
    void BeforeScroll(Buffer& B) override { P->Show(B, false); }
};

TEST(Painter, PlainLinesArePlain)
{
    Buffer B;
    Painter P;
    Terminal T(80, 25);
    ASSERT_TRUE(B.Create(80, 25, 80, 25).Ok());
    ASSERT_TRUE(P.Begin(80, 25).Ok());
    Write(B, L"hello world\r\n");
    P.Show(B);
    Write(B, L"second line\r\nC:\\>");
    P.Show(B);
    T.Take(P);
    EXPECT_EQ(T.Text(), "hello world\r\nsecond line\r\nC:\\>");
    P.End();
    T.Take(P);
    EXPECT_EQ(T.Text(), "hello world\r\nsecond line\r\nC:\\>");
}

TEST(Painter, LinesThatScrollAwayHaveBeenShown)
{
    Buffer B;
    Painter P;
    Scrolling Host;
    Host.P = &P;
    ASSERT_TRUE(B.Create(20, 4, 20, 4).Ok());
    ASSERT_TRUE(P.Begin(20, 4).Ok());
    std::wstring Text;
    std::string Expected;
    for (int I = 0; I < 100; ++I) {
        Text += L"line ";
        Text += wchar_t(L'A' + I % 26);
        Text += L"\r\n";
        Expected += std::string("line ") + char('A' + I % 26) + "\r\n";
    }
    B.Write(Host, Span(Text), Processed | WrapAtEnd);
    P.Show(B);
    Terminal T(20, 4);
    T.Take(P);
    EXPECT_EQ(T.Text(), Expected);
}

TEST(Painter, ATerminalThatIsNotEmptyKeepsItsLines)
{
    Buffer B;
    Painter P;
    Terminal T(20, 10);
    Write(T.B, L"$ ls\r\nfile\r\n$ neptune\r\n");
    ASSERT_TRUE(B.Create(20, 10, 20, 10).Ok());
    ASSERT_TRUE(P.Begin(20, 10).Ok());
    Write(B, L"one\r\ntwo\r\n");
    P.Show(B);
    B.Put(0, 0, L'O', 0x1F, Part::Both);
    P.Show(B);
    T.Take(P);
    EXPECT_EQ(Row(T.B, 0), "$ ls");
    EXPECT_EQ(Row(T.B, 3), "One");
    EXPECT_EQ(Row(T.B, 4), "two");
    EXPECT_EQ(T.B.Y, 5);
    // Placed below what has been reached: the terminal scrolls.
    B.Put(3, 9, L'x', 7, Part::Both);
    P.Show(B);
    T.Take(P);
    EXPECT_EQ(Row(T.B, 0), "One");
    EXPECT_EQ(Row(T.B, 9), "   x");
}

TEST(Painter, AnotherBufferIsShownOnTheAlternateScreen)
{
    Buffer A, B;
    Painter P;
    Terminal T(20, 5);
    ASSERT_TRUE(A.Create(20, 5, 20, 5).Ok());
    ASSERT_TRUE(B.Create(20, 5, 20, 5).Ok());
    ASSERT_TRUE(P.Begin(20, 5).Ok());
    Write(A, L"first\r\n");
    P.Show(A);
    Write(B, L"second");
    P.Switch(B, false);
    P.Show(B);
    T.Take(P);
    EXPECT_EQ(Row(T.B, 0), "second");
    P.Switch(A, true);
    P.Show(A);
    Write(A, L"more");
    P.Show(A);
    T.Take(P);
    ExpectSame(A, T.B);
    P.Switch(B, false);
    P.Show(B);
    P.End();
    T.Take(P);
    EXPECT_EQ(Row(T.B, 0), "first");
}

TEST(Painter, WhateverIsWritten)
{
    u32 Seed = 99;
    auto Next = [&] { return Seed = Seed * 1664525 + 1013904223, Seed >> 8; };
    static const wchar_t Alphabet[] = L"\x1b[1;32m\x1b[m\x1b[H\x1b[2J\x1b[K\r\n\r\n\r\n abcdefgh XYZ  \x4E2D\x20AC\t\b\x1b[7m\x1b[L\x1b[2M\x1b[A\x1b[3;7H\x1b[48;5;9m\x1b[?25l\x1b[?25h";
    for (int Round = 0; Round < 200; ++Round) {
        i32 Width = i32(2 + Next() % 30), Height = i32(2 + Next() % 10);
        Buffer B;
        Painter P;
        Terminal T(Width, Height);
        Scrolling Host;
        Host.P = &P;
        ASSERT_TRUE(B.Create(Width, Height, Width, Height).Ok());
        ASSERT_TRUE(P.Begin(Width, Height).Ok());
        for (int Step = 0; Step < 60; ++Step) {
            usize From = Next() % (sizeof(Alphabet) / sizeof(wchar_t) - 1), Length = Next() % 30;
            std::wstring Piece(Alphabet + From, std::min(Length, sizeof(Alphabet) / sizeof(wchar_t) - 1 - From));
            B.Write(Host, Span(Piece), Vt);
            if (Next() % 10 == 0)
                B.Fill(i32(Next()) % Width, i32(Next()) % Height, Next() % 40, wchar_t(L'a' + Next() % 26), u16(Next() & 0xFF), Part::Both);
            P.Show(B);
            T.Take(P);
            // The buffer's state machine may be inside a sequence; the terminal's is not.
            ASSERT_NO_FATAL_FAILURE(ExpectSame(B, T.B)) << "round " << Round << " step " << Step;
            if (B.CursorVisible) {
                ASSERT_EQ(T.B.X, B.X);
                ASSERT_EQ(T.B.Y, B.Y);
            }
        }
    }
}

}
