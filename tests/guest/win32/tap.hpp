// TAP from a Win32 program without a C run-time: CHECK prints a line, main's end prints the plan.
#pragma once
#define WIN32_NO_STATUS
#include <windows.h>
#undef WIN32_NO_STATUS
#include <ntstatus.h>

extern "C" int __cdecl _snprintf(char* Out, size_t Size, const char* Format, ...);

namespace tap {

inline int Count, Bad;
inline HANDLE To;                       // instead of the standard output

inline void Print(const char* Text)
{
    DWORD Done;
    WriteFile(To ? To : GetStdHandle(STD_OUTPUT_HANDLE), Text, DWORD(lstrlenA(Text)), &Done, nullptr);
}
inline void Ok(bool Good, const char* What, long long Value)
{
    char Line[512];
    ++Count;
    Bad += !Good;
    if (Good) {
        _snprintf(Line, sizeof(Line), "ok %d - %s\n", Count, What);
    } else {
        _snprintf(Line, sizeof(Line), "not ok %d - %s\n# value %lld (0x%llx), last error %lu\n", Count, What, Value, Value, GetLastError());
    }
    Line[sizeof(Line) - 1] = 0;
    Print(Line);
}

}

#define CHECK(Condition) tap::Ok(static_cast<bool>(Condition), #Condition, 0)
#define CHECK_EQ(Have, Want)                                                                                                               \
    do {                                                                                                                                   \
        auto HaveIt = (Have);                                                                                                              \
        tap::Ok(HaveIt == (Want), #Have " == " #Want, (long long)(HaveIt));                                                                \
    } while (0)
#define CHECK_TEXT(Have, Want) tap::Ok(lstrcmpW(Have, Want) == 0, #Have " is " #Want, 0)
#define CHECK_TEXTA(Have, Want) tap::Ok(lstrcmpA(Have, Want) == 0, #Have " is " #Want, 0)

void Test();

// The program's entry point.
extern "C" void Start()
{
    Test();
    char Line[32];
    _snprintf(Line, sizeof(Line), "1..%d\n", tap::Count);
    tap::Print(Line);
    ExitProcess(tap::Bad != 0);
}
