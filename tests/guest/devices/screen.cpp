// The screen: text mode and a linear frame buffer. tools/neptune/device_tests.py looks at the display when this program says "look", and says so on COM2.
#include "drivers/console/screen/ioctl.hpp"
#include "tests/guest/wdm/process.hpp"

using namespace wdm;

namespace {

HANDLE File, Port;
screen::Cell Cells[128];

NTSTATUS Say(const char* Text)
{
    ULONG N = 0;
    while (Text[N])
        ++N;
    IO_STATUS_BLOCK Io {};
    NTSTATUS S = NtWriteFile(File, nullptr, nullptr, nullptr, &Io, const_cast<char*>(Text), N, nullptr, nullptr);
    return S == 0 && Io.Information != N ? STATUS_UNSUCCESSFUL : S;
}
template <typename T> NTSTATUS Tell(ULONG Code, const T& What) { return Control(File, Code, &What, sizeof(What)); }
screen::Info About()
{
    screen::Info I {};
    CHECK_EQ(u32(Control(File, screen::GetInfo, nullptr, 0, &I, sizeof(I))), 0);
    return I;
}
// What is on the screen from there on.
bool Has(screen::Position At, const char* Text, UCHAR Attribute)
{
    ULONG N = 0;
    while (Text[N])
        ++N;
    if (Control(File, screen::ReadCells, &At, sizeof(At), Cells, N * 2) != 0)
        return false;
    for (ULONG I = 0; I < N; ++I)
        if (Cells[I].Character != UCHAR(Text[I]) || Cells[I].Attribute != Attribute)
            return false;
    return true;
}
// "line N" for N below Count.
void Lines(int Count)
{
    for (int I = 0; I < Count; ++I) {
        char Text[] = "line 00\n";
        Text[5] = char('0' + I / 10);
        Text[6] = char('0' + I % 10);
        CHECK_EQ(u32(Say(Text)), 0);
    }
}
void Look(const char* At)
{
    tap::Print("look %s\n", At);
    UCHAR Byte = 0;
    IO_STATUS_BLOCK Io {};
    CHECK_EQ(u32(NtReadFile(Port, nullptr, nullptr, nullptr, &Io, &Byte, 1, nullptr, nullptr)), 0);
    CHECK_EQ(Byte, 'g');
}

void Writing()
{
    screen::Info I = About();
    CHECK(I.Columns == 80 && I.Rows == 25 && I.Width == 0);
    CHECK(I.Where.At.Column == 0 && I.Where.At.Row == 0 && I.Where.Visible);
    UCHAR Colours = 0x1E;
    CHECK_EQ(u32(Tell(screen::SetAttribute, Colours)), 0);
    CHECK_EQ(u32(Say("ab\b\bX\tY\r\nZ\rz")), 0);
    CHECK(Has({ 0, 0 }, "X       Y", 0x1E));
    CHECK(Has({ 9, 0 }, " ", 0x07));
    CHECK(Has({ 0, 1 }, "z", 0x1E));
    I = About();
    CHECK(I.Where.At.Column == 1 && I.Where.At.Row == 1);
    // The end of a line goes on in the next.
    CHECK_EQ(u32(Tell(screen::SetCursor, screen::Cursor { { 79, 2 }, 1, 0 })), 0);
    CHECK_EQ(u32(Say("PQ")), 0);
    CHECK(Has({ 79, 2 }, "PQ", 0x1E));
    // A rectangle down by one, and cells by position.
    CHECK_EQ(u32(Tell(screen::Scroll, screen::Area { 0, 0, 8, 3, -1, { '.', 0x07 } })), 0);
    CHECK(Has({ 0, 0 }, ".........", 0x07));
    CHECK(Has({ 0, 1 }, "X       Y", 0x1E));
    CHECK(Has({ 0, 2 }, "z", 0x1E));
    struct {
        screen::Position At;
        screen::Cell With[2];
    } Two { { 78, 24 }, { { 'o', 0x4F }, { 'k', 0x4F } } };
    CHECK_EQ(u32(Tell(screen::WriteCells, Two)), 0);
    CHECK(Has({ 78, 24 }, "ok", 0x4F));
    Two.At.Column = 79;
    CHECK_EQ(u32(Tell(screen::WriteCells, Two)), u32(STATUS_INVALID_PARAMETER));
    CHECK_EQ(u32(Tell(screen::SetCursor, screen::Cursor { { 80, 0 }, 1, 0 })), u32(STATUS_INVALID_PARAMETER));
    CHECK_EQ(u32(Tell(screen::Fill, screen::Filling { { 0, 0 }, 2001, { ' ', 7 } })), u32(STATUS_INVALID_PARAMETER));
    CHECK_EQ(u32(Tell(screen::Scroll, screen::Area { 0, 0, 80, 3, 1, { '.', 0x07 } })), u32(STATUS_INVALID_PARAMETER));
    CHECK_EQ(u32(Control(File, screen::SetCursor, &Two, 3)), u32(STATUS_BUFFER_TOO_SMALL));
    CHECK_EQ(u32(Control(File, screen::GetInfo, nullptr, 0, Cells, 3)), u32(STATUS_BUFFER_TOO_SMALL));
    // Scrolling: of 30 lines the last 24 are left.
    CHECK_EQ(u32(Tell(screen::Fill, screen::Filling { { 0, 0 }, 2000, { ' ', 0x07 } })), 0);
    CHECK_EQ(u32(Tell(screen::SetCursor, screen::Cursor { { 0, 0 }, 1, 0 })), 0);
    Lines(30);
    CHECK(Has({ 0, 0 }, "line 06", 0x1E));
    CHECK(Has({ 0, 23 }, "line 29", 0x1E));
    I = About();
    CHECK(I.Where.At.Column == 0 && I.Where.At.Row == 24);
    Look("text");
}

void Linear()
{
    CHECK_EQ(u32(Tell(screen::SetMode, screen::Mode { 801, 600 })), u32(STATUS_INVALID_PARAMETER));
    CHECK_EQ(u32(Tell(screen::SetMode, screen::Mode { 800, 60000 })), u32(STATUS_INVALID_PARAMETER));
    CHECK_EQ(u32(Tell(screen::SetMode, screen::Mode { 800, 600 })), 0);
    screen::Info I = About();
    CHECK(I.Columns == 100 && I.Rows == 37 && I.Width == 800 && I.Height == 600);
    Lines(40);
    CHECK(Has({ 0, 0 }, "line 04", 0x1E));
    Look("linear");
    CHECK_EQ(u32(Tell(screen::SetMode, screen::Mode { 0, 0 })), 0);
    Lines(30);
    Look("back");
}

}

TAP_MAIN()
{
    ULONG Timeouts[5] = { 0, 0, 30000, 0, 0 };
    CHECK_EQ(u32(Open(&Port, L"\\??\\COM2")), 0);
    CHECK_EQ(u32(Control(Port, 0x1B << 16 | 7 << 2, Timeouts, sizeof(Timeouts))), 0);
    UCHAR Line[3] = { 0, 0, 8 };
    CHECK_EQ(u32(Control(Port, 0x1B << 16 | 3 << 2, Line, 3)), 0);
    CHECK_EQ(u32(Open(&File, L"\\??\\Screen")), 0);
    if (!File || !Port)
        return;
    Writing();
    Linear();
    // Its process ends in the linear mode: the next one begins in text mode, with the font.
    CHECK_EQ(u32(Tell(screen::SetMode, screen::Mode { 640, 480 })), 0);
    CHECK_EQ(u32(KillDriver("screen")), 0);
    for (int I = 0; I < 500 && Say(" ") >= 0; ++I)
        Sleep(10);
    NtClose(File);
    CHECK_EQ(u32(Open(&File, L"\\Device\\Screen")), 0);
    CHECK(About().Columns == 80);
    UCHAR Colours = 0x1E;
    CHECK_EQ(u32(Tell(screen::SetAttribute, Colours)), 0);
    Lines(30);
    Look("again");
}
