// The Win32 console functions, on a console whose terminal is tools/neptune/device_tests.py. Results go to the host's error stream. Lines for the partner:
//   # type HEX      the terminal sends these bytes
//   # shown HEX     the terminal must have been sent these
#include "tests/guest/win32/tap.hpp"

namespace {

HANDLE In, Out;
WCHAR Text[512];

void Partner(const char* What, const char* Bytes)
{
    char Line[300];
    int At = _snprintf(Line, sizeof(Line), "# %s ", What);
    for (; *Bytes && At < 290; ++Bytes)
        At += _snprintf(Line + At, 4, "%02x", unsigned(BYTE(*Bytes)));
    Line[At++] = '\n';
    Line[At] = 0;
    tap::Print(Line);
}
DWORD Type(const char* Keys) { return Partner("type", Keys), 0; }

CONSOLE_SCREEN_BUFFER_INFO Info(HANDLE H)
{
    CONSOLE_SCREEN_BUFFER_INFO I {};
    GetConsoleScreenBufferInfo(H, &I);
    return I;
}
void Clear(HANDLE H)
{
    DWORD Done;
    CONSOLE_SCREEN_BUFFER_INFO I = Info(H);
    FillConsoleOutputCharacterW(H, L' ', DWORD(I.dwSize.X) * DWORD(I.dwSize.Y), { 0, 0 }, &Done);
    FillConsoleOutputAttribute(H, 7, DWORD(I.dwSize.X) * DWORD(I.dwSize.Y), { 0, 0 }, &Done);
    SetConsoleCursorPosition(H, { 0, 0 });
}
const WCHAR* At(HANDLE H, SHORT X, SHORT Y, DWORD Length)
{
    DWORD Done = 0;
    ReadConsoleOutputCharacterW(H, Text, Length, { X, Y }, &Done);
    Text[Done] = 0;
    return Text;
}
const WCHAR* Line()
{
    DWORD Done = 0;
    if (!ReadConsoleW(In, Text, ARRAYSIZE(Text) - 1, &Done, nullptr))
        return L"(failed)";
    Text[Done] = 0;
    return Text;
}
DWORD Records()
{
    DWORD N = 99;
    GetNumberOfConsoleInputEvents(In, &N);
    return N;
}

void Basics()
{
    DWORD Mode = 0, Done;
    CHECK_EQ(GetFileType(In), DWORD(FILE_TYPE_CHAR));
    CHECK_EQ(GetFileType(Out), DWORD(FILE_TYPE_CHAR));
    CHECK(GetConsoleMode(In, &Mode));
    CHECK_EQ(Mode & 7, 7u);
    CHECK(GetConsoleMode(Out, &Mode));
    CHECK_EQ(Mode, DWORD(ENABLE_PROCESSED_OUTPUT | ENABLE_WRAP_AT_EOL_OUTPUT));
    CHECK(!GetConsoleMode(reinterpret_cast<HANDLE>(0x1230), &Mode));
    CHECK(!ReadConsoleW(Out, Text, 1, &Done, nullptr));
    CHECK(!WriteConsoleW(In, L"x", 1, &Done, nullptr));
    CONSOLE_SCREEN_BUFFER_INFO I = Info(Out);
    CHECK_EQ(I.dwSize.X, 80);
    CHECK_EQ(I.dwSize.Y, 25);
    CHECK_EQ(I.srWindow.Bottom, 24);
    CHECK_EQ(I.wAttributes, 7);
    CHECK(SetConsoleTitleW(L"a title"));
    CHECK_EQ(GetConsoleTitleW(Text, ARRAYSIZE(Text)), 7u);
    CHECK_TEXT(Text, L"a title");
    DWORD Ids[4] {};
    CHECK_EQ(GetConsoleProcessList(Ids, 4), 1u);
    CHECK_EQ(Ids[0], GetCurrentProcessId());
    CONSOLE_CURSOR_INFO C { 50, FALSE };
    CHECK(SetConsoleCursorInfo(Out, &C));
    C = {};
    CHECK(GetConsoleCursorInfo(Out, &C));
    CHECK_EQ(C.dwSize, 50u);
    CHECK(!C.bVisible);
    C.bVisible = TRUE;
    CHECK(SetConsoleCursorInfo(Out, &C));
    C.dwSize = 0;
    CHECK(!SetConsoleCursorInfo(Out, &C));
    HANDLE H = CreateFileW(L"CONOUT$", GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, nullptr, OPEN_EXISTING, 0, nullptr);
    CHECK(H != INVALID_HANDLE_VALUE);
    CHECK_EQ(Info(H).dwSize.X, 80);
    CloseHandle(H);
    H = CreateFileW(L"CONIN$", GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, nullptr, OPEN_EXISTING, 0, nullptr);
    CHECK(H != INVALID_HANDLE_VALUE);
    CHECK(GetConsoleMode(H, &Mode));
    CloseHandle(H);
}

void Output()
{
    DWORD Done;
    Clear(Out);
    CHECK(WriteConsoleW(Out, L"one\r\ntwo", 8, &Done, nullptr));
    CHECK_EQ(Done, 8u);
    CHECK_EQ(Info(Out).dwCursorPosition.X, 3);
    CHECK_EQ(Info(Out).dwCursorPosition.Y, 1);
    CHECK_TEXT(At(Out, 0, 1, 3), L"two");
    CHECK(WriteFile(Out, "\xC3\xA9\r\n", 4, &Done, nullptr));
    CHECK_EQ(Done, 4u);
    CHECK_TEXT(At(Out, 3, 1, 1), L"\xE9");
    // A character in two writes.
    WriteFile(Out, "\xE2\x82", 2, &Done, nullptr);
    WriteFile(Out, "\xAC", 1, &Done, nullptr);
    CHECK_TEXT(At(Out, 0, 2, 1), L"\x20AC");
    CHECK_EQ(GetConsoleOutputCP(), 65001u);
    CHECK(SetConsoleOutputCP(437));
    CHECK(!SetConsoleOutputCP(12345));
    CHECK_EQ(GetConsoleOutputCP(), 437u);
    WriteFile(Out, "\x80", 1, &Done, nullptr);
    CHECK_TEXT(At(Out, 1, 2, 1), L"\xC7");
    CHECK(SetConsoleOutputCP(65001));

    CHAR_INFO Cells[6], Back[12];
    for (int N = 0; N < 6; ++N) {
        Cells[N].Char.UnicodeChar = WCHAR(L'a' + N);
        Cells[N].Attributes = WORD(0x10 + N);
    }
    SMALL_RECT R { 78, 4, 90, 5 };
    CHECK(WriteConsoleOutputW(Out, Cells, { 3, 2 }, { 0, 0 }, &R));
    CHECK_EQ(R.Right, 79);
    CHECK_EQ(R.Bottom, 5);
    CHECK_TEXT(At(Out, 78, 5, 2), L"de");
    R = { 77, 4, 79, 5 };
    CHECK(ReadConsoleOutputW(Out, Back, { 4, 3 }, { 1, 1 }, &R));
    CHECK_EQ(R.Left, 77);
    CHECK_EQ(Back[6].Char.UnicodeChar, L'a');
    CHECK_EQ(Back[6].Attributes, 0x10);
    CHECK(FillConsoleOutputCharacterW(Out, L'=', 100, { 70, 24 }, &Done));
    CHECK_EQ(Done, 10u);
    CHECK(FillConsoleOutputAttribute(Out, 0x4F, 2, { 0, 10 }, &Done));
    WORD Attributes[3] {};
    CHECK(ReadConsoleOutputAttribute(Out, Attributes, 3, { 0, 10 }, &Done));
    CHECK(Attributes[1] == 0x4F && Attributes[2] == 7);
    CHECK(WriteConsoleOutputCharacterW(Out, L"xyz", 3, { 79, 10 }, &Done));
    CHECK_EQ(Done, 3u);
    CHECK_TEXT(At(Out, 0, 11, 2), L"yz");
    SMALL_RECT From { 0, 11, 1, 11 };
    CHAR_INFO Blank {};
    Blank.Char.UnicodeChar = L'.';
    Blank.Attributes = 7;
    CHECK(ScrollConsoleScreenBufferW(Out, &From, nullptr, { 5, 12 }, &Blank));
    CHECK_TEXT(At(Out, 5, 12, 2), L"yz");
    CHECK_TEXT(At(Out, 0, 11, 2), L"..");
    CHECK(!SetConsoleCursorPosition(Out, { 80, 0 }));
    CHECK(SetConsoleCursorPosition(Out, { 0, 24 }));
    CHECK(WriteConsoleW(Out, L"\n", 1, &Done, nullptr));        // all goes up by a row
    CHECK_TEXT(At(Out, 5, 11, 2), L"yz");
    CHECK(SetConsoleMode(Out, 7));
    CHECK(WriteConsoleW(Out, L"\x1b[5;3H\x1b[31mred\x1b[m", 16, &Done, nullptr));
    CHECK_TEXT(At(Out, 2, 4, 3), L"red");
    CHECK(ReadConsoleOutputAttribute(Out, Attributes, 1, { 2, 4 }, &Done));
    CHECK_EQ(Attributes[0], 4);
    CHECK(SetConsoleMode(Out, 3));
    CHECK(SetConsoleScreenBufferSize(Out, { 80, 60 }));
    CHECK_EQ(Info(Out).dwSize.Y, 60);
    CHECK(SetConsoleCursorPosition(Out, { 0, 59 }));
    CHECK_EQ(Info(Out).srWindow.Bottom, 59);
    SMALL_RECT Top { 0, 0, 79, 24 }, Large { 0, 0, 79, 40 };
    CHECK(SetConsoleWindowInfo(Out, TRUE, &Top));
    CHECK(!SetConsoleWindowInfo(Out, TRUE, &Large));
    CHECK(SetConsoleScreenBufferSize(Out, { 80, 25 }));
    Clear(Out);
}

void SecondBuffer()
{
    DWORD Done;
    WriteConsoleW(Out, L"first", 5, &Done, nullptr);
    HANDLE Second = CreateConsoleScreenBuffer(GENERIC_READ | GENERIC_WRITE, 0, nullptr, CONSOLE_TEXTMODE_BUFFER, nullptr);
    CHECK(Second != INVALID_HANDLE_VALUE);
    CHECK(WriteConsoleW(Second, L"second screen", 13, &Done, nullptr));
    CHECK_TEXT(At(Out, 0, 0, 6), L"first ");
    CHECK(SetConsoleActiveScreenBuffer(Second));
    CHECK_TEXT(At(Out, 0, 0, 6), L"second");        // the standard output is whatever is active
    Sleep(100);
    Partner("shown", "second screen");
    CHECK(CloseHandle(Second));         // the first one is shown again
    CHECK_TEXT(At(Out, 0, 0, 6), L"first ");
    Clear(Out);
}

void CALLBACK Waited(void* Event, BOOLEAN) { SetEvent(Event); }

void Input()
{
    INPUT_RECORD R[4] {}, Got[8];
    DWORD Done;
    FlushConsoleInputBuffer(In);
    CHECK_EQ(WaitForSingleObject(In, 0), DWORD(WAIT_TIMEOUT));
    for (int N = 0; N < 3; ++N) {
        R[N].EventType = KEY_EVENT;
        R[N].Event.KeyEvent.bKeyDown = TRUE;
        R[N].Event.KeyEvent.wRepeatCount = 1;
        R[N].Event.KeyEvent.uChar.UnicodeChar = WCHAR(L'a' + N);
    }
    R[3].EventType = MENU_EVENT;
    R[3].Event.MenuEvent.dwCommandId = 7;
    CHECK(WriteConsoleInputW(In, R, 4, &Done));
    CHECK_EQ(Records(), 4u);
    CHECK_EQ(WaitForSingleObject(In, 1000), DWORD(WAIT_OBJECT_0));
    CHECK_EQ(WaitForSingleObject(In, 0), DWORD(WAIT_OBJECT_0));
    CHECK(PeekConsoleInputW(In, Got, 8, &Done));
    CHECK_EQ(Done, 4u);
    CHECK(ReadConsoleInputW(In, Got, 2, &Done));
    CHECK_EQ(Done, 2u);
    CHECK_EQ(Got[1].Event.KeyEvent.uChar.UnicodeChar, L'b');
    CHECK(ReadConsoleInputW(In, Got, 8, &Done));
    CHECK_EQ(Done, 2u);
    CHECK_EQ(Got[1].Event.MenuEvent.dwCommandId, 7u);
    CHECK_EQ(WaitForSingleObject(In, 0), DWORD(WAIT_TIMEOUT));
    WriteConsoleInputW(In, R, 1, &Done);
    CHECK(FlushConsoleInputBuffer(In));
    CHECK_EQ(WaitForSingleObject(In, 0), DWORD(WAIT_TIMEOUT));
    // A key of the terminal ends a wait for several objects.
    HANDLE Event = CreateEventW(nullptr, TRUE, FALSE, nullptr), Both[] = { Event, In };
    Type("\x1b[A");
    CHECK_EQ(WaitForMultipleObjects(2, Both, FALSE, 10000), DWORD(WAIT_OBJECT_0 + 1));
    CHECK(ReadConsoleInputW(In, Got, 8, &Done));
    CHECK_EQ(Got[0].Event.KeyEvent.wVirtualKeyCode, VK_UP);
    CHECK_EQ(Got[0].Event.KeyEvent.dwControlKeyState & ENHANCED_KEY, DWORD(ENHANCED_KEY));
    FlushConsoleInputBuffer(In);
    // By another handle, and with a registered wait.
    HANDLE H = CreateFileW(L"CONIN$", GENERIC_READ | GENERIC_WRITE, 0, nullptr, OPEN_EXISTING, 0, nullptr), Wait;
    CHECK_EQ(WaitForSingleObject(H, 0), DWORD(WAIT_TIMEOUT));
    CHECK(RegisterWaitForSingleObject(&Wait, H, Waited, Event, INFINITE, WT_EXECUTEONLYONCE));
    Sleep(100);
    CHECK(WriteConsoleInputW(H, R, 1, &Done));
    CHECK_EQ(WaitForSingleObject(H, 5000), DWORD(WAIT_OBJECT_0));
    CHECK_EQ(WaitForSingleObject(Event, 5000), DWORD(WAIT_OBJECT_0));
    UnregisterWait(Wait);
    FlushConsoleInputBuffer(In);
    CHECK_EQ(WaitForSingleObject(H, 0), DWORD(WAIT_TIMEOUT));
    CloseHandle(H);
    CloseHandle(Event);
}

void Lines()
{
    DWORD Done, Mode;
    char Bytes[16];
    Type("helxo\x7f\x7flo\r");
    CHECK_TEXT(Line(), L"hello\r\n");
    CHECK_TEXT(At(Out, 0, 0, 6), L"hello ");
    Type("\x1b[A!\r");
    CHECK_TEXT(Line(), L"hello!\r\n");
    // A line for several reads; bytes of one character for two.
    Type("\xC3\xA9z\r");
    CHECK(ReadFile(In, Bytes, 1, &Done, nullptr));
    CHECK_EQ(Done, 1u);
    CHECK_EQ(BYTE(Bytes[0]), 0xC3);
    CHECK(ReadFile(In, Bytes, 16, &Done, nullptr));
    CHECK_EQ(Done, 4u);
    CHECK_EQ(BYTE(Bytes[0]), 0xA9);
    Type("\x1a\r");
    CHECK(ReadFile(In, Bytes, 16, &Done, nullptr));
    CHECK_EQ(Done, 0u);
    GetConsoleMode(In, &Mode);
    CHECK(SetConsoleMode(In, Mode & ~DWORD(ENABLE_LINE_INPUT | ENABLE_ECHO_INPUT)));
    Type("q");
    CHECK_TEXT(Line(), L"q");
    CHECK(SetConsoleMode(In, ENABLE_VIRTUAL_TERMINAL_INPUT));
    Type("\x1b[A");
    WCHAR All[8] {};
    for (DWORD N = 0; N < 3; N += Done)
        if (!ReadConsoleW(In, All + N, 3 - N, &Done, nullptr) || !Done)
            break;
    CHECK_TEXT(All, L"\x1b[A");
    CHECK(SetConsoleMode(In, Mode));
    FlushConsoleInputBuffer(In);
}

volatile LONG Events, LastEvent = -1;
BOOL WINAPI Handler(DWORD Event)
{
    LastEvent = LONG(Event);
    InterlockedIncrement(&Events);
    return TRUE;
}
bool Comes(LONG Count)
{
    for (int N = 0; N < 500 && Events < Count; ++N)
        Sleep(10);
    return Events >= Count;
}

void Control()
{
    CHECK(SetConsoleCtrlHandler(Handler, TRUE));
    Type("\x03");
    CHECK(Comes(1));
    CHECK_EQ(LastEvent, LONG(CTRL_C_EVENT));
    CHECK_EQ(Records(), 0u);
    CHECK(GenerateConsoleCtrlEvent(CTRL_BREAK_EVENT, 0));
    CHECK(Comes(2));
    CHECK_EQ(LastEvent, LONG(CTRL_BREAK_EVENT));
    // Who waits for a line gets an empty one.
    Type("abc\x03");
    CHECK_TEXT(Line(), L"\r\n");
    CHECK(Comes(3));
    // Ignored by the process.
    CHECK(SetConsoleCtrlHandler(nullptr, TRUE));
    CHECK(GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0));
    Sleep(300);
    CHECK_EQ(Events, 3);
    CHECK(SetConsoleCtrlHandler(nullptr, FALSE));
    // As a key.
    DWORD Mode;
    GetConsoleMode(In, &Mode);
    SetConsoleMode(In, Mode & ~DWORD(ENABLE_PROCESSED_INPUT | ENABLE_LINE_INPUT | ENABLE_ECHO_INPUT));
    Type("\x03");
    CHECK_TEXT(Line(), L"\x03");
    SetConsoleMode(In, Mode);
    CHECK(SetConsoleCtrlHandler(Handler, FALSE));
}

HANDLE Child(const WCHAR* Word, DWORD Flags)
{
    WCHAR Command[300];
    GetModuleFileNameW(nullptr, Command, 260);
    lstrcatW(Command, Word);
    STARTUPINFOW S {};
    S.cb = sizeof(S);
    PROCESS_INFORMATION P {};
    if (!CreateProcessW(nullptr, Command, nullptr, nullptr, FALSE, Flags, nullptr, nullptr, &S, &P))
        return nullptr;
    CloseHandle(P.hThread);
    return P.hProcess;
}
DWORD Ended(HANDLE Process)
{
    DWORD Code = 999;
    if (WaitForSingleObject(Process, 20000) == WAIT_OBJECT_0)
        GetExitCodeProcess(Process, &Code);
    CloseHandle(Process);
    return Code;
}

void Children()
{
    DWORD Ids[4], Done;
    // Without inherited handles a child has the console all the same.
    Clear(Out);
    CHECK_EQ(Ended(Child(L" write", 0)), 2u);
    CHECK_TEXT(At(Out, 0, 0, 5), L"child");
    CHECK_EQ(GetConsoleProcessList(Ids, 4), 1u);
    // A reader that is killed.
    HANDLE P = Child(L" read", 0);
    for (int N = 0; N < 500 && GetConsoleProcessList(Ids, 4) < 2; ++N)
        Sleep(10);
    Sleep(500);
    CHECK(TerminateProcess(P, 5));
    CHECK_EQ(Ended(P), 5u);
    Type("after\r");
    CHECK_TEXT(Line(), L"after\r\n");
    // Ctrl-C ends a child that has no handler, and one in a group of its own does not notice.
    HANDLE Other = Child(L" sleep", CREATE_NEW_PROCESS_GROUP);
    P = Child(L" sleep", 0);
    for (int N = 0; N < 500 && GetConsoleProcessList(Ids, 4) < 3; ++N)
        Sleep(10);
    Sleep(500);
    SetConsoleCtrlHandler(Handler, TRUE);
    Type("\x03");
    CHECK_EQ(Ended(P), 0u);
    CHECK_EQ(WaitForSingleObject(Other, 300), DWORD(WAIT_TIMEOUT));
    TerminateProcess(Other, 6);
    CHECK_EQ(Ended(Other), 6u);
    SetConsoleCtrlHandler(Handler, FALSE);
    // One that has none of it.
    CHECK_EQ(Ended(Child(L" write", DETACHED_PROCESS)), 1u);
    // One with a console of its own.
    CHECK_EQ(Ended(Child(L" alone", CREATE_NEW_CONSOLE)), 3u);
    WriteConsoleW(Out, L"\r\n", 2, &Done, nullptr);
}

void Hostile()
{
    static BYTE Junk[4096], To[4096];
    static const DWORD InSizes[] = { 0, 1, 4, 8, 12, 16, 20, 24, 104, 4095 }, OutSizes[] = { 0, 1, 4, 8, 12, 100, 4096 };
    HANDLE Handles[] = { In, Out };
    DWORD Done, Calls = 0;
    for (DWORD N = 0; N < sizeof(Junk); ++N)
        Junk[N] = BYTE(N * 37 + N / 256);
    for (int Round = 0; Round < 2; ++Round) {
        for (HANDLE H : Handles)
            for (DWORD Function = 0; Function < 70; ++Function) {
                if ((Function >= 10 && Function <= 13) || Function == 19 || Function == 24)
                    continue;           // they wait, or stop this program
                for (DWORD InBytes : InSizes)
                    for (DWORD OutBytes : OutSizes) {
                        DeviceIoControl(H, 0x50u << 16 | (Function + InBytes) % 4 << 14 | Function << 2, Junk + Round, InBytes, To, OutBytes, &Done, nullptr);
                        ++Calls;
                    }
            }
        memset(Junk, 0xFF, 128);
    }
    CHECK(Calls > 10000);
    SetConsoleMode(In, 0x1F7);
    SetConsoleMode(Out, 3);
    SetConsoleScreenBufferSize(Out, { 80, 25 });
    SetConsoleOutputCP(65001);
    SetConsoleCP(65001);
    FlushConsoleInputBuffer(In);
    Clear(Out);
    CHECK(WriteConsoleW(Out, L"still here\r\n", 12, &Done, nullptr));
    CHECK_TEXT(At(Out, 0, 0, 10), L"still here");
    Type("alive\r");
    CHECK_TEXT(Line(), L"alive\r\n");
}

void Own()
{
    DWORD Mode;
    CHECK(!AllocConsole());
    CHECK(FreeConsole());
    CHECK(!GetConsoleMode(GetStdHandle(STD_OUTPUT_HANDLE), &Mode) || GetStdHandle(STD_OUTPUT_HANDLE) == Out);
    CHECK_EQ(GetConsoleOutputCP(), 0u);
    CHECK(!AttachConsole(ATTACH_PARENT_PROCESS));
    CHECK(AllocConsole());
    Out = GetStdHandle(STD_OUTPUT_HANDLE);
    CHECK(GetConsoleMode(Out, &Mode));
    CHECK_EQ(Info(Out).dwSize.X, 80);
    DWORD Done;
    CHECK(WriteConsoleW(Out, L"nobody sees it", 14, &Done, nullptr));
    CHECK_TEXT(At(Out, 0, 0, 6), L"nobody");
    CHECK_EQ(Ended(Child(L" attach", DETACHED_PROCESS)), 4u);
    CHECK(FreeConsole());
}

DWORD Play(const WCHAR* Part)
{
    DWORD Done, Mode;
    In = GetStdHandle(STD_INPUT_HANDLE);
    Out = GetStdHandle(STD_OUTPUT_HANDLE);
    if (!lstrcmpW(Part, L"write"))
        return WriteConsoleW(Out, L"child\r\n", 7, &Done, nullptr) && GetConsoleMode(In, &Mode) ? 2 : 1;
    if (!lstrcmpW(Part, L"read"))
        return ReadConsoleW(In, Text, 10, &Done, nullptr);
    if (!lstrcmpW(Part, L"alone")) {
        DWORD Ids[2];
        return GetConsoleProcessList(Ids, 2) == 1 && GetConsoleMode(Out, &Mode) ? 3 : 1;
    }
    if (!lstrcmpW(Part, L"attach")) {
        DWORD Ids[4];
        return AttachConsole(ATTACH_PARENT_PROCESS) && GetConsoleProcessList(Ids, 4) == 2 ? 4 : 1;
    }
    Sleep(60000);
    return 0;
}

}

void Test()
{
    const WCHAR* Word = GetCommandLineW();
    for (const WCHAR* C = Word; *C; ++C)
        if (*C == L' ')
            Word = C + 1;
    if (Word != GetCommandLineW())
        ExitProcess(Play(Word));
    tap::To = CreateFileW(L"\\\\?\\GLOBALROOT\\Device\\HostLink\\stderr", GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, nullptr, OPEN_EXISTING, 0, nullptr);
    In = GetStdHandle(STD_INPUT_HANDLE);
    Out = GetStdHandle(STD_OUTPUT_HANDLE);
    Basics();
    Output();
    SecondBuffer();
    Input();
    Lines();
    Control();
    Children();
    Hostile();
    Own();
}
