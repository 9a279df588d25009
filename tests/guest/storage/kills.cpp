// kills.exe COUNT PAUSE PACK TEST SERVICE...: PACK and TEST are command lines of a program of C:\work (with '+' for blanks). It runs PACK, then TEST,
// and that again, until the processes of the services have been ended COUNT times in turn, every PAUSE milliseconds. Each run must end with code 0.
#include "tests/guest/devices/process.hpp"

extern "C" {
NTSTATUS NTAPI RtlCreateProcessParametersEx(RTL_USER_PROCESS_PARAMETERS** Out, const UNICODE_STRING* Image, const UNICODE_STRING* DllPath,
                                            const UNICODE_STRING* Directory, const UNICODE_STRING* Command, PVOID Environment, const UNICODE_STRING* Title,
                                            const UNICODE_STRING* Desktop, const UNICODE_STRING* Shell, const UNICODE_STRING* Runtime, ULONG Flags);
NTSTATUS NTAPI RtlDestroyProcessParameters(RTL_USER_PROCESS_PARAMETERS* Parameters);
}

namespace {

char Line[600];
char* Words[24];
u32 Count;

void Split(const UNICODE_STRING& From)
{
    u32 At = 0;
    for (u32 I = 0; I < From.Length / 2u && At < sizeof(Line) - 1; ++I)
        Line[At++] = From.Buffer[I] == L' ' ? 0 : char(From.Buffer[I]);
    for (u32 I = 0; I < At && Count < 24; ++I)
        if (Line[I] && (!I || !Line[I - 1]))
            Words[Count++] = &Line[I];
}

u32 Number(const char* Word)
{
    u32 N = 0;
    while (*Word >= '0' && *Word <= '9')
        N = N * 10 + u32(*Word++ - '0');
    return N;
}

NTSTATUS Start(const char* Command, HANDLE& Process)
{
    WCHAR Path[300] = L"\\??\\C:\\work\\", Text[300];
    u32 Bytes = 0, N = 12;
    bool Program = true;
    for (; Command[Bytes] && N < 290; ++Bytes) {
        Text[Bytes] = Command[Bytes] == '+' ? L' ' : WCHAR(Command[Bytes]);
        Program = Program && Text[Bytes] != L' ';
        if (Program)
            Path[N++] = Text[Bytes];
    }
    Path[N] = 0;
    UNICODE_STRING Image { USHORT(N * 2 - 8), USHORT(N * 2 - 8), Path + 4 }, CommandLine { USHORT(Bytes * 2), USHORT(Bytes * 2), Text }, Folder;
    RtlInitUnicodeString(&Folder, L"C:\\work");
    RTL_USER_PROCESS_PARAMETERS* Parameters = nullptr;
    NTSTATUS S = RtlCreateProcessParametersEx(&Parameters, &Image, nullptr, &Folder, &CommandLine, nullptr, nullptr, nullptr, nullptr, nullptr, RTL_USER_PROC_PARAMS_NORMALIZED);
    if (S < 0)
        return S;
    Parameters->StandardOutput = Parameters->StandardError = RtlGetCurrentPeb()->ProcessParameters->StandardOutput;
    struct {
        SIZE_T Total;
        PS_ATTRIBUTE Name;
    } List { sizeof(List), { PS_ATTRIBUTE_IMAGE_NAME, N * 2, { u64(Path) }, nullptr } };
    PS_CREATE_INFO Info {};
    Info.Size = sizeof(Info);
    HANDLE Thread;
    S = NtCreateUserProcess(&Process, &Thread, PROCESS_ALL_ACCESS, THREAD_ALL_ACCESS, nullptr, nullptr, PROCESS_CREATE_FLAGS_INHERIT_HANDLES, 0, Parameters, &Info,
                            reinterpret_cast<PS_ATTRIBUTE_LIST*>(&List));
    if (S >= 0)
        NtClose(Thread);
    RtlDestroyProcessParameters(Parameters);
    return S;
}

u32 Kills, Turn, Pause;

// Runs it, ending a driver now and then.
void Run(const char* Command)
{
    HANDLE Process;
    if (!CHECK_EQ(u32(Start(Command, Process)), 0))
        return;
    LARGE_INTEGER Wait;
    Wait.QuadPart = -10000ll * Pause;
    u32 Before = Kills;
    NTSTATUS S;
    while ((S = NtWaitForSingleObject(Process, 0, &Wait)) == STATUS_TIMEOUT) {
        // One that is just being started again is left alone.
        const char* Service = Words[5 + Turn++ % (Count - 5)];
        NTSTATUS Killed = wdm::KillDriver(Service);
        if (Killed >= 0)
            ++Kills;
        else if (Killed != STATUS_NOT_FOUND)
            CHECK_EQ(Killed, 0);
    }
    CHECK_EQ(S, 0);
    PROCESS_BASIC_INFORMATION Basic {};
    CHECK_EQ(NtQueryInformationProcess(Process, ProcessBasicInformation, &Basic, sizeof(Basic), nullptr), 0);
    tap::Print("# %s: %u kills\n", Command, Kills - Before);
    CHECK_EQ(Basic.ExitStatus, 0);
    NtClose(Process);
}

}

TAP_MAIN()
{
    Split(Process->ProcessParameters->CommandLine);
    if (!CHECK(Count > 5))
        return;
    u32 Wanted = Number(Words[1]);
    Pause = Number(Words[2]);
    while (Kills < Wanted && !tap::Failures) {
        Run(Words[3]);
        Run(Words[4]);
    }
    CHECK(Kills >= Wanted);
    tap::Print("# %u kills\n", Kills);
}
