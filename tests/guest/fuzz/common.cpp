// Shared by the three programs: output, options, starting each other.
#include <stdarg.h>

#include "tests/guest/fuzz/fuzz.hpp"

extern "C" int _vsnprintf(char* Buffer, size_t Room, const char* Format, va_list Arguments);

namespace fuzz {

void Print(const char* Format, ...)
{
    char Line[400];
    va_list Arguments;
    va_start(Arguments, Format);
    int Length = _vsnprintf(Line, sizeof(Line) - 1, Format, Arguments);
    va_end(Arguments);
    IO_STATUS_BLOCK Io;
    NtWriteFile(RtlGetCurrentPeb()->ProcessParameters->StandardOutput, nullptr, nullptr, nullptr, &Io, Line,
                ULONG(Length < 0 ? int(sizeof(Line)) - 1 : Length), nullptr, nullptr);
}

u64 Option(const WCHAR* Word, u64 Otherwise)
{
    const UNICODE_STRING& Line = RtlGetCurrentPeb()->ProcessParameters->CommandLine;
    u32 Length = Line.Length / 2, Long = 0;
    while (Word[Long])
        ++Long;
    for (u32 At = 0; At + Long < Length; ++At) {
        u32 I = 0;
        while (I < Long && Line.Buffer[At + I] == Word[I])
            ++I;
        if (I < Long || Line.Buffer[At + I] != ' ')
            continue;
        u64 Value = 0;
        for (u32 D = At + I + 1; D < Length && Line.Buffer[D] >= '0' && Line.Buffer[D] <= '9'; ++D)
            Value = Value * 10 + (Line.Buffer[D] - '0');
        return Value;
    }
    return Otherwise;
}

Shared* MapShared()
{
    PVOID Base = nullptr;
    SIZE_T Size = 0;
    NTSTATUS S = NtMapViewOfSection(Handle(Option(L"--shared", 0)), Self(), &Base, 0, 0, nullptr, &Size, 2, 0, PAGE_READWRITE);
    return S >= 0 ? static_cast<Shared*>(Base) : nullptr;
}

NTSTATUS StartProgram(const WCHAR* Name, HANDLE Section, HANDLE Token, HANDLE Job, HANDLE& Process)
{
    WCHAR Path[100] = L"\\??\\C:\\work\\", Line[140];
    u32 Length = 12;
    for (; *Name; ++Name)
        Path[Length++] = *Name;
    char Tail[40];
    _snprintf(Tail, sizeof(Tail), " --shared %u", unsigned(u64(Section)));
    u32 At = 0;
    for (u32 I = 4; I < Length; ++I)
        Line[At++] = Path[I];
    for (const char* C = Tail; *C; ++C)
        Line[At++] = WCHAR(*C);
    UNICODE_STRING Image { USHORT(Length * 2 - 8), USHORT(Length * 2 - 8), Path + 4 }, Command { USHORT(At * 2), USHORT(At * 2), Line }, Directory;
    RtlInitUnicodeString(&Directory, L"C:\\work");
    RTL_USER_PROCESS_PARAMETERS* Parameters = nullptr;
    NTSTATUS S = RtlCreateProcessParametersEx(&Parameters, &Image, nullptr, &Directory, &Command, nullptr, nullptr, nullptr, nullptr, nullptr,
                                              RTL_USER_PROC_PARAMS_NORMALIZED);
    if (S < 0)
        return S;
    Parameters->StandardOutput = RtlGetCurrentPeb()->ProcessParameters->StandardOutput;
    Parameters->StandardError = RtlGetCurrentPeb()->ProcessParameters->StandardError;
    HANDLE Inherited[] = { Section, Parameters->StandardOutput };
    struct {
        SIZE_T Total;
        PS_ATTRIBUTE Attributes[4];
    } List { sizeof(SIZE_T) + 2 * sizeof(PS_ATTRIBUTE),
             { { PS_ATTRIBUTE_IMAGE_NAME, Length * 2, { u64(Path) }, nullptr },
               // A hostile program gets the section only.
               { PS_ATTRIBUTE_HANDLE_LIST, Token ? sizeof(HANDLE) : sizeof(Inherited), { u64(Inherited) }, nullptr } } };
    auto Add = [&](PS_ATTRIBUTE A) {
        List.Attributes[(List.Total - sizeof(SIZE_T)) / sizeof(PS_ATTRIBUTE)] = A;
        List.Total += sizeof(PS_ATTRIBUTE);
    };
    if (Token)
        Add({ PS_ATTRIBUTE_TOKEN, sizeof(HANDLE), { u64(Token) }, nullptr });
    if (Job)
        Add({ PS_ATTRIBUTE_JOB_LIST, sizeof(HANDLE), { u64(&Job) }, nullptr });
    PS_CREATE_INFO Info {};
    Info.Size = sizeof(Info);
    HANDLE Thread = nullptr;
    S = NtCreateUserProcess(&Process, &Thread, PROCESS_ALL_ACCESS, THREAD_ALL_ACCESS, nullptr, nullptr, PROCESS_CREATE_FLAGS_INHERIT_HANDLES, 0, Parameters,
                            &Info, reinterpret_cast<PS_ATTRIBUTE_LIST*>(&List));
    if (S >= 0)
        NtClose(Thread);
    RtlDestroyProcessParameters(Parameters);
    return S;
}

}
