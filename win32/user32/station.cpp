// The window station, the desktop that is not there, and what programs ask about the machine's screen and input.
#include "win32/common/win.hpp"

namespace {

// Pseudo handles: there is one window station and one desktop, and they are not objects.
const HWINSTA Station = HWINSTA(LONG_PTR(0x24));
const HDESK Desktop = HDESK(LONG_PTR(0x28));
constexpr WCHAR StationName[] = L"Service-0x0-3e7$", DesktopName[] = L"Default";

BOOL GiveBytes(const void* From, DWORD Size, void* Out, DWORD Room, LPDWORD Needed)
{
    if (Needed) {
        *Needed = Size;
    }
    if (Room < Size || !Out) {
        return win::Fail(ERROR_INSUFFICIENT_BUFFER);
    }
    __builtin_memcpy(Out, From, Size);
    return TRUE;
}

void Say(HANDLE Out, const WCHAR* Text)
{
    DWORD Mode, Done;
    DWORD Length = DWORD(win::Length(Text));
    if (GetConsoleMode(Out, &Mode)) {
        WriteConsoleW(Out, Text, Length, &Done, nullptr);
        return;
    }
    win::Buffer<char> Narrow = win::Narrow(Text, CP_UTF8);
    if (Narrow) {
        WriteFile(Out, Narrow, DWORD(win::Length(Narrow.Get())), &Done, nullptr);
    }
}

// A message box becomes lines on standard error. Only a box with nothing to decide counts as answered.
int Box(const WCHAR* Text, const WCHAR* Caption, UINT Type)
{
    HANDLE Out = GetStdHandle(STD_ERROR_HANDLE);
    if (Out && Out != INVALID_HANDLE_VALUE) {
        Say(Out, Caption ? Caption : L"Error");
        Say(Out, L": ");
        Say(Out, Text ? Text : L"");
        Say(Out, L"\r\n");
    }
    return (Type & MB_TYPEMASK) == MB_OK ? IDOK : win::Fail(ERROR_ACCESS_DENIED);
}

}

EXPORT int WINAPI MessageBoxExW(HWND, LPCWSTR Text, LPCWSTR Caption, UINT Type, WORD) { return Box(Text, Caption, Type); }
EXPORT int WINAPI MessageBoxExA(HWND, LPCSTR Text, LPCSTR Caption, UINT Type, WORD)
{
    return Box(win::Wide(Text), win::Wide(Caption), Type);
}
EXPORT int WINAPI MessageBoxW(HWND, LPCWSTR Text, LPCWSTR Caption, UINT Type) { return Box(Text, Caption, Type); }
EXPORT int WINAPI MessageBoxA(HWND, LPCSTR Text, LPCSTR Caption, UINT Type) { return Box(win::Wide(Text), win::Wide(Caption), Type); }
EXPORT int WINAPI MessageBoxTimeoutW(HWND, LPCWSTR Text, LPCWSTR Caption, UINT Type, WORD, DWORD) { return Box(Text, Caption, Type); }
EXPORT int WINAPI MessageBoxTimeoutA(HWND, LPCSTR Text, LPCSTR Caption, UINT Type, WORD, DWORD)
{
    return Box(win::Wide(Text), win::Wide(Caption), Type);
}
EXPORT int WINAPI MessageBoxIndirectW(const MSGBOXPARAMSW* P)
{
    WCHAR Text[1024], Caption[256];
    auto Resolve = [&](const WCHAR* Value, WCHAR* Buffer, int Size) -> const WCHAR* {
        if (!IS_INTRESOURCE(Value)) {
            return Value;
        }
        return Value && LoadStringW(P->hInstance, UINT(ULONG_PTR(Value)), Buffer, Size) ? Buffer : nullptr;
    };
    return Box(Resolve(P->lpszText, Text, 1024), Resolve(P->lpszCaption, Caption, 256), P->dwStyle);
}
EXPORT BOOL WINAPI MessageBeep(UINT) { return TRUE; }

EXPORT HWINSTA WINAPI GetProcessWindowStation() { return Station; }
EXPORT HDESK WINAPI GetThreadDesktop(DWORD) { return Desktop; }
EXPORT BOOL WINAPI SetProcessWindowStation(HWINSTA Value) { return Value == Station || win::Fail(ERROR_INVALID_HANDLE); }
EXPORT BOOL WINAPI SetThreadDesktop(HDESK Value) { return Value == Desktop || win::Fail(ERROR_INVALID_HANDLE); }
EXPORT BOOL WINAPI CloseWindowStation(HWINSTA Value) { return win::Fail(Value == Station ? ERROR_BUSY : ERROR_INVALID_HANDLE); }
EXPORT BOOL WINAPI CloseDesktop(HDESK Value) { return win::Fail(Value == Desktop ? ERROR_BUSY : ERROR_INVALID_HANDLE); }
EXPORT HDESK WINAPI OpenInputDesktop(DWORD, BOOL, ACCESS_MASK) { return HDESK(ULONG_PTR(win::Fail(ERROR_INVALID_FUNCTION))); }
EXPORT HWINSTA WINAPI OpenWindowStationW(LPCWSTR, BOOL, ACCESS_MASK) { return HWINSTA(ULONG_PTR(win::Fail(ERROR_FILE_NOT_FOUND))); }
EXPORT HWINSTA WINAPI OpenWindowStationA(LPCSTR, BOOL, ACCESS_MASK) { return HWINSTA(ULONG_PTR(win::Fail(ERROR_FILE_NOT_FOUND))); }
EXPORT HDESK WINAPI OpenDesktopW(LPCWSTR, DWORD, BOOL, ACCESS_MASK) { return HDESK(ULONG_PTR(win::Fail(ERROR_FILE_NOT_FOUND))); }
EXPORT HDESK WINAPI OpenDesktopA(LPCSTR, DWORD, BOOL, ACCESS_MASK) { return HDESK(ULONG_PTR(win::Fail(ERROR_FILE_NOT_FOUND))); }

// The station is a service's: not visible (no WSF_VISIBLE), which is how programs learn that nobody can see them.
EXPORT BOOL WINAPI GetUserObjectInformationW(HANDLE Object, int Index, PVOID Out, DWORD Room, LPDWORD Needed)
{
    bool IsStation = Object == HANDLE(Station);
    if (!IsStation && Object != HANDLE(Desktop)) {
        return win::Fail(ERROR_INVALID_HANDLE);
    }
    switch (Index) {
    case UOI_FLAGS: {
        USEROBJECTFLAGS Flags = { FALSE, FALSE, 0 };
        return GiveBytes(&Flags, sizeof(Flags), Out, Room, Needed);
    }
    case UOI_NAME:
        return IsStation ? GiveBytes(StationName, sizeof(StationName), Out, Room, Needed)
                         : GiveBytes(DesktopName, sizeof(DesktopName), Out, Room, Needed);
    case UOI_TYPE: {
        static constexpr WCHAR StationType[] = L"WindowStation", DesktopType[] = L"Desktop";
        return IsStation ? GiveBytes(StationType, sizeof(StationType), Out, Room, Needed)
                         : GiveBytes(DesktopType, sizeof(DesktopType), Out, Room, Needed);
    }
    default:
        return win::Fail(ERROR_INVALID_PARAMETER);
    }
}
EXPORT BOOL WINAPI GetUserObjectInformationA(HANDLE Object, int Index, PVOID Out, DWORD Room, LPDWORD Needed)
{
    if (Index == UOI_FLAGS) {
        return GetUserObjectInformationW(Object, Index, Out, Room, Needed);
    }
    WCHAR Wide[64];
    DWORD Size;
    if (!GetUserObjectInformationW(Object, Index, Wide, sizeof(Wide), &Size)) {
        return FALSE;
    }
    win::Buffer<char> Text = win::Narrow(Wide);
    return Text ? GiveBytes(Text, DWORD(win::Length(Text.Get()) + 1), Out, Room, Needed) : win::Fail(ERROR_NOT_ENOUGH_MEMORY);
}
EXPORT BOOL WINAPI SetUserObjectInformationW(HANDLE, int, PVOID, DWORD) { return TRUE; }
EXPORT BOOL WINAPI SetUserObjectInformationA(HANDLE, int, PVOID, DWORD) { return TRUE; }

// No window is there to be found, active or asked.
EXPORT HWND WINAPI GetDesktopWindow() { return nullptr; }
EXPORT HWND WINAPI GetShellWindow() { return nullptr; }
EXPORT HWND WINAPI GetActiveWindow() { return nullptr; }
EXPORT HWND WINAPI GetForegroundWindow() { return nullptr; }
EXPORT HWND WINAPI GetFocus() { return nullptr; }
EXPORT HWND WINAPI GetCapture() { return nullptr; }
EXPORT HWND WINAPI GetLastActivePopup(HWND Window) { return Window; }
EXPORT HWND WINAPI GetOpenClipboardWindow() { return nullptr; }
EXPORT HWND WINAPI GetClipboardOwner() { return nullptr; }
EXPORT BOOL WINAPI AllowSetForegroundWindow(DWORD) { return TRUE; }
EXPORT BOOL WINAPI LockSetForegroundWindow(UINT) { return TRUE; }
EXPORT BOOL WINAPI IsGUIThread(BOOL) { return FALSE; }
EXPORT BOOL WINAPI IsHungAppWindow(HWND) { return FALSE; }
EXPORT void WINAPI DisableProcessWindowsGhosting() {}
EXPORT BOOL WINAPI SetProcessDPIAware() { return TRUE; }
EXPORT BOOL WINAPI IsProcessDPIAware() { return TRUE; }
EXPORT BOOL WINAPI SetProcessDpiAwarenessContext(DPI_AWARENESS_CONTEXT) { return TRUE; }
EXPORT UINT WINAPI GetDpiForSystem() { return 96; }
EXPORT UINT WINAPI GetDpiForWindow(HWND) { return 96; }
EXPORT DWORD WINAPI GetGuiResources(HANDLE, DWORD) { return 0; }

// No screen, no mouse buttons, no monitors: zero for everything but what counts sizes programs divide by.
EXPORT int WINAPI GetSystemMetrics(int Index)
{
    switch (Index) {
    case SM_CXICON:
    case SM_CYICON:
    case SM_CXCURSOR:
    case SM_CYCURSOR:
        return 32;
    case SM_CXSMICON:
    case SM_CYSMICON:
        return 16;
    case SM_NETWORK:
        return 2; // the lowest bit would say that there is a network
    case SM_REMOTESESSION:
    default:
        return 0;
    }
}
EXPORT int WINAPI GetSystemMetricsForDpi(int Index, UINT) { return GetSystemMetrics(Index); }
EXPORT BOOL WINAPI EnumDisplayMonitors(HDC, LPCRECT, MONITORENUMPROC, LPARAM) { return TRUE; }
EXPORT HMONITOR WINAPI MonitorFromWindow(HWND, DWORD) { return nullptr; }
EXPORT HMONITOR WINAPI MonitorFromPoint(POINT, DWORD) { return nullptr; }
EXPORT HMONITOR WINAPI MonitorFromRect(LPCRECT, DWORD) { return nullptr; }
EXPORT BOOL WINAPI EnumDisplayDevicesW(LPCWSTR, DWORD, PDISPLAY_DEVICEW, DWORD) { return FALSE; }
EXPORT BOOL WINAPI EnumDisplayDevicesA(LPCSTR, DWORD, PDISPLAY_DEVICEA, DWORD) { return FALSE; }

EXPORT BOOL WINAPI SystemParametersInfoW(UINT Action, UINT, PVOID Out, UINT)
{
    switch (Action) {
    case SPI_GETSCREENREADER:
    case SPI_GETSCREENSAVEACTIVE:
    case SPI_GETSCREENSAVERRUNNING:
    case SPI_GETCLIENTAREAANIMATION:
    case SPI_GETBEEP:
    case SPI_GETDRAGFULLWINDOWS:
        *static_cast<BOOL*>(Out) = FALSE;
        return TRUE;
    case SPI_GETWHEELSCROLLLINES:
        *static_cast<UINT*>(Out) = 3;
        return TRUE;
    case SPI_GETKEYBOARDDELAY:
        *static_cast<int*>(Out) = 1;
        return TRUE;
    case SPI_GETKEYBOARDSPEED:
        *static_cast<DWORD*>(Out) = 31;
        return TRUE;
    case SPI_GETWORKAREA:
        *static_cast<RECT*>(Out) = {};
        return TRUE;
    default:
        return win::Fail(ERROR_CALL_NOT_IMPLEMENTED);
    }
}
EXPORT BOOL WINAPI SystemParametersInfoA(UINT Action, UINT Value, PVOID Out, UINT Flags)
{
    return SystemParametersInfoW(Action, Value, Out, Flags);
}

// No key is ever down; the layout is that of a US keyboard.
EXPORT SHORT WINAPI GetAsyncKeyState(int) { return 0; }
EXPORT SHORT WINAPI GetKeyState(int) { return 0; }
EXPORT HKL WINAPI GetKeyboardLayout(DWORD) { return HKL(LONG_PTR(0x04090409)); }
EXPORT int WINAPI GetKeyboardLayoutList(int Count, HKL* Out)
{
    if (Count > 0 && Out) {
        Out[0] = GetKeyboardLayout(0);
    }
    return 1;
}
EXPORT BOOL WINAPI GetKeyboardLayoutNameW(LPWSTR Out)
{
    lstrcpyW(Out, L"00000409");
    return TRUE;
}
EXPORT BOOL WINAPI GetKeyboardLayoutNameA(LPSTR Out)
{
    lstrcpyA(Out, "00000409");
    return TRUE;
}
EXPORT int WINAPI GetKeyboardType(int Kind) { return Kind == 0 ? 4 : Kind == 2 ? 12 : 0; }
EXPORT UINT WINAPI GetDoubleClickTime() { return 500; }
EXPORT UINT WINAPI GetCaretBlinkTime() { return 530; }

EXPORT BOOL WINAPI GetLastInputInfo(PLASTINPUTINFO Out)
{
    if (!Out || Out->cbSize != sizeof(*Out)) {
        return FALSE;
    }
    Out->dwTime = 0;
    return TRUE;
}

EXPORT UINT WINAPI RegisterWindowMessageW(LPCWSTR Name) { return GlobalAddAtomW(Name); }
EXPORT UINT WINAPI RegisterWindowMessageA(LPCSTR Name) { return GlobalAddAtomA(Name); }
EXPORT UINT WINAPI RegisterClipboardFormatW(LPCWSTR Name) { return GlobalAddAtomW(Name); }
EXPORT UINT WINAPI RegisterClipboardFormatA(LPCSTR Name) { return GlobalAddAtomA(Name); }
EXPORT int WINAPI GetClipboardFormatNameW(UINT Format, LPWSTR Out, int Size)
{
    return Format < 0xC000 ? 0 : int(GlobalGetAtomNameW(ATOM(Format), Out, Size));
}
EXPORT int WINAPI GetClipboardFormatNameA(UINT Format, LPSTR Out, int Size)
{
    return Format < 0xC000 ? 0 : int(GlobalGetAtomNameA(ATOM(Format), Out, Size));
}

EXPORT BOOL WINAPI ShutdownBlockReasonCreate(HWND, LPCWSTR) { return win::Fail(ERROR_INVALID_WINDOW_HANDLE); }
EXPORT BOOL WINAPI ShutdownBlockReasonDestroy(HWND) { return win::Fail(ERROR_INVALID_WINDOW_HANDLE); }
