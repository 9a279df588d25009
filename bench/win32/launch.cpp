// Runs a program from start to end between markers: launch.exe ROW ROUNDS COMMAND-LINE. The program has launch.exe's standard handles.
#include <windows.h>

extern "C" int __cdecl _snprintf(char* Out, size_t Size, const char* Format, ...);

namespace {

void Marker() { asm volatile("xchgq %%rcx, %%rcx" : : : "memory"); }

void Print(const char* Text)
{
    DWORD Done;
    WriteFile(GetStdHandle(STD_OUTPUT_HANDLE), Text, DWORD(lstrlenA(Text)), &Done, nullptr);
}

// The next word, ended in place; At goes on to what follows.
char* Word(char*& At)
{
    while (*At == ' ')
        ++At;
    char* Start = At;
    while (*At && *At != ' ')
        ++At;
    if (*At)
        *At++ = 0;
    return Start;
}

bool Run(const char* CommandLine)
{
    static char Copy[8192];
    lstrcpynA(Copy, CommandLine, sizeof(Copy));
    STARTUPINFOA Startup {};
    Startup.cb = sizeof(Startup);
    PROCESS_INFORMATION Made;
    if (!CreateProcessA(nullptr, Copy, nullptr, nullptr, TRUE, 0, nullptr, nullptr, &Startup, &Made))
        return false;
    WaitForSingleObject(Made.hProcess, INFINITE);
    DWORD Code = 1;
    GetExitCodeProcess(Made.hProcess, &Code);
    CloseHandle(Made.hThread);
    CloseHandle(Made.hProcess);
    SetLastError(Code);
    return true;
}

}

extern "C" void Start()
{
    char* At = GetCommandLineA();
    Word(At);
    const char* Row = Word(At);
    int Rounds = *Word(At) - '0';
    bool Ok = Rounds > 0 && Rounds < 10;
    for (int I = 0; I < Rounds && Ok; ++I) {
        Marker();
        Ok = Run(At);
        Marker();
    }
    DWORD Code = GetLastError();
    char Line[9000];
    if (Ok)
        _snprintf(Line, sizeof(Line), "\nrow %s 1 %d %s, from CreateProcess to its end, ended with %lu\n", Row, Rounds, At, Code);
    else
        _snprintf(Line, sizeof(Line), "\nfail %s %lu\n", Row, Code);
    Line[sizeof(Line) - 1] = 0;
    Print(Line);
    ExitProcess(Ok ? 0 : 1);
}
