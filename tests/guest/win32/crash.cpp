// Programs that end of an exception nobody handles: their exit code, and the report in the system's log ("# log:" lines are patterns that guest_tests.py looks for).
#include "tests/guest/win32/tap.hpp"

namespace {

LONG WINAPI Give(EXCEPTION_POINTERS*)
{
    return EXCEPTION_EXECUTE_HANDLER;
}
LONG WINAPI Leave(EXCEPTION_POINTERS*)
{
    ExitProcess(77);
}

[[noreturn]] void Crash(char Way)
{
    switch (Way) {
    case 'r': RaiseException(0xE0001234, 0, 0, nullptr); break;
    case 'g': SetUnhandledExceptionFilter(Give); break;
    case 'l': SetUnhandledExceptionFilter(Leave); break;
    }
    *reinterpret_cast<volatile int*>(ULONG_PTR(0x1234)) = 1;
    ExitProcess(0);
}

DWORD EndOf(const WCHAR* Way)
{
    WCHAR Line[MAX_PATH + 8];
    GetModuleFileNameW(nullptr, Line, MAX_PATH);
    lstrcatW(Line, Way);
    STARTUPINFOW Start { sizeof(Start) };
    PROCESS_INFORMATION Made;
    DWORD Code = 0;
    if (!CreateProcessW(nullptr, Line, nullptr, nullptr, FALSE, 0, nullptr, nullptr, &Start, &Made))
        return 0;
    WaitForSingleObject(Made.hProcess, 60000);
    GetExitCodeProcess(Made.hProcess, &Code);
    CloseHandle(Made.hThread);
    CloseHandle(Made.hProcess);
    return Code;
}

}

void Test()
{
    const char* Line = GetCommandLineA();
    int Length = lstrlenA(Line);
    if (Length > 2 && Line[Length - 2] == '/')
        Crash(Line[Length - 1]);
    CHECK_EQ(EndOf(L" /a"), DWORD(STATUS_ACCESS_VIOLATION));
    tap::Print("# log: unhandled access violation 0xc0000005\n");
    tap::Print("# log: at [0-9a-f]+ win32_crash.exe\\+0x[0-9a-f]+\n");
    tap::Print("# log: information\\[0\\] = 0*1\n# log: information\\[1\\] = 0*1234\n");
    tap::Print("# log: stack [0-9a-f]+ kernel32.dll\\+0x[0-9a-f]+\n");
    CHECK_EQ(EndOf(L" /r"), DWORD(0xE0001234));
    tap::Print("# log: unhandled exception 0xe0001234\n");
    CHECK_EQ(EndOf(L" /g"), DWORD(STATUS_ACCESS_VIOLATION));
    CHECK_EQ(EndOf(L" /l"), DWORD(77));
}
