// The console driver's control codes and their data: what the packaged Win32 library sends (libwine-dev's wine/condrv.h describes it), and one of ours.
#pragma once
#include "lib/core/types.hpp"

namespace condrv {

inline constexpr u32 DeviceType = 0x50;             // FILE_DEVICE_CONSOLE
enum class Access : u32 { Any = 0, Read = 1, Write = 2 };
constexpr u32 Code(u32 Function, Access Needed) { return DeviceType << 16 | u32(Needed) << 14 | Function << 2; }      // METHOD_BUFFERED

enum : u32 {
    // Of input and output
    GetMode = Code(0, Access::Read),
    SetMode = Code(1, Access::Write),
    IsUnix = Code(2, Access::Any),
    // Of input
    ReadConsole = Code(10, Access::Read),
    ReadFile = Code(11, Access::Read),
    ReadInput = Code(12, Access::Read),
    WriteInput = Code(13, Access::Write),
    Peek = Code(14, Access::Read),
    GetInputInfo = Code(15, Access::Read),
    SetInputInfo = Code(16, Access::Write),
    GetTitle = Code(17, Access::Read),
    SetTitle = Code(18, Access::Write),
    CtrlEvent = Code(19, Access::Any),
    Beep = Code(20, Access::Any),
    Flush = Code(21, Access::Any),
    GetWindow = Code(22, Access::Any),
    GetProcessList = Code(23, Access::Any),
    ReadConsoleControl = Code(24, Access::Read),
    // Of output
    WriteConsole = Code(30, Access::Write),
    WriteFile = Code(31, Access::Write),
    ReadOutput = Code(32, Access::Read),
    WriteOutput = Code(33, Access::Write),
    GetOutputInfo = Code(34, Access::Read),
    SetOutputInfo = Code(35, Access::Write),
    Activate = Code(36, Access::Write),
    FillOutput = Code(37, Access::Write),
    Scroll = Code(38, Access::Write),
    // Of a connection
    BindProcess = Code(51, Access::Any),
    // Of a server: the console is shown on the host's terminal (TerminalSize), or with the size 0 no longer. STATUS_DEVICE_BUSY: another one is.
    UseTerminal = Code(0x800, Access::Any),
};

struct TerminalSize {
    u32 Columns, Rows;
    // The first process of the console is its shell: Ctrl-C does not reach it.
    u32 HasShell;
};

struct InputInfo {
    u32 InputCp, OutputCp, Count;
};
struct InputInfoParameters {
    u32 Mask;                           // 1 InputCp, 2 OutputCp
    InputInfo Info;
};
struct OutputParameters {
    u32 X, Y, Mode, Width;              // Mode: 0 characters, 1 attributes, 2 both. Width 0: rows go on at the next one
};
struct CharInfo {
    wchar_t Char;
    u16 Attribute;
};
struct SmallRect {
    i16 Left, Top, Right, Bottom;
};
struct OutputInfo {
    i16 CursorSize, CursorVisible, CursorX, CursorY, Width, Height, Attribute, PopupAttribute;
    SmallRect Window;
    i16 MaxWidth, MaxHeight, FontWidth, FontHeight, FontWeight, FontPitchFamily;
    u32 Colours[16];
};
struct OutputInfoParameters {
    u32 Mask;
    OutputInfo Info;
};
enum : u32 { SetCursorGeometry = 1, SetCursorPosition = 2, SetSize = 4, SetAttribute = 8, SetWindow = 16, SetMaxSize = 32, SetPopupAttribute = 64, SetFont = 128 };
struct FillParameters {
    i32 X, Y, Mode, Count, Wrap;
    wchar_t Char;
    u16 Attribute;
};
struct ScrollParameters {
    SmallRect From;
    i16 ToX, ToY;
    SmallRect Clip;
    CharInfo Fill;
};
struct CtrlEventParameters {
    i32 Event;
    u32 Group;
};
static_assert(sizeof(OutputInfo) == 100 && sizeof(FillParameters) == 24 && sizeof(ScrollParameters) == 24);

// Input modes.
enum : u32 { ProcessedInput = 1, LineInput = 2, EchoInput = 4, WindowInput = 8, InsertMode = 0x20, VirtualTerminalInput = 0x200 };
enum : u32 { CtrlC = 0, CtrlBreak = 1, CtrlClose = 2 };

}
