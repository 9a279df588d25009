// Text functions of user32 that kernelbase does not have (exports.txt forwards the others to it): wsprintf and the
// translations between the ANSI and the OEM code page.
#include "win32/common/win.hpp"
#include "win32/user32/format.hpp"

namespace {

int ToWide(const char* Text, int Count, WCHAR* To, int Room) { return Count ? MultiByteToWideChar(CP_ACP, 0, Text, Count, To, Room) : 0; }
int ToNarrow(const WCHAR* Text, int Count, char* To, int Room)
{
    return Count ? WideCharToMultiByte(CP_ACP, 0, Text, Count, To, Room, nullptr, nullptr) : 0;
}

// From one code page to the other through UTF-16, Count characters, in pieces that fit a small buffer.
BOOL Recode(const char* From, char* To, DWORD Count, UINT FromPage, UINT ToPage)
{
    if (!From || !To) {
        return FALSE;
    }
    win::Buffer<WCHAR> Text(Count + 1);
    if (!Text) {
        return FALSE;
    }
    int Length = Count ? MultiByteToWideChar(FromPage, 0, From, int(Count), Text, int(Count)) : 0;
    if (Length) {
        WideCharToMultiByte(ToPage, 0, Text, Length, To, int(Count), nullptr, nullptr);
    }
    return TRUE;
}

}

EXPORT int WINAPI wvsprintfA(LPSTR Out, LPCSTR Pattern, va_list Arguments)
{
    return user32::Format<char, WCHAR>(Out, Pattern, reinterpret_cast<const u64*>(Arguments), ToNarrow);
}
EXPORT int WINAPI wvsprintfW(LPWSTR Out, LPCWSTR Pattern, va_list Arguments)
{
    return user32::Format<WCHAR, char>(Out, Pattern, reinterpret_cast<const u64*>(Arguments), ToWide);
}
EXPORT int WINAPIV wsprintfA(LPSTR Out, LPCSTR Pattern, ...)
{
    va_list Arguments;
    va_start(Arguments, Pattern);
    int Length = wvsprintfA(Out, Pattern, Arguments);
    va_end(Arguments);
    return Length;
}
EXPORT int WINAPIV wsprintfW(LPWSTR Out, LPCWSTR Pattern, ...)
{
    va_list Arguments;
    va_start(Arguments, Pattern);
    int Length = wvsprintfW(Out, Pattern, Arguments);
    va_end(Arguments);
    return Length;
}

EXPORT BOOL WINAPI CharToOemA(LPCSTR From, LPSTR To)
{
    return From && To && Recode(From, To, DWORD(win::Length(From) + 1), CP_ACP, CP_OEMCP);
}
EXPORT BOOL WINAPI OemToCharA(LPCSTR From, LPSTR To)
{
    return From && To && Recode(From, To, DWORD(win::Length(From) + 1), CP_OEMCP, CP_ACP);
}
EXPORT BOOL WINAPI CharToOemBuffA(LPCSTR From, LPSTR To, DWORD Count) { return Recode(From, To, Count, CP_ACP, CP_OEMCP); }
EXPORT BOOL WINAPI OemToCharBuffA(LPCSTR From, LPSTR To, DWORD Count) { return Recode(From, To, Count, CP_OEMCP, CP_ACP); }

EXPORT BOOL WINAPI CharToOemBuffW(LPCWSTR From, LPSTR To, DWORD Count)
{
    if (!From || !To) {
        return FALSE;
    }
    WideCharToMultiByte(CP_OEMCP, 0, From, int(Count), To, int(Count), nullptr, nullptr);
    return TRUE;
}
EXPORT BOOL WINAPI OemToCharBuffW(LPCSTR From, LPWSTR To, DWORD Count)
{
    if (!From || !To) {
        return FALSE;
    }
    MultiByteToWideChar(CP_OEMCP, 0, From, int(Count), To, int(Count));
    return TRUE;
}
EXPORT BOOL WINAPI CharToOemW(LPCWSTR From, LPSTR To) { return From && To && CharToOemBuffW(From, To, DWORD(win::Length(From) + 1)); }
EXPORT BOOL WINAPI OemToCharW(LPCSTR From, LPWSTR To) { return From && To && OemToCharBuffW(From, To, DWORD(win::Length(From) + 1)); }
