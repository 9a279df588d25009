// kill.exe PERIOD KILLS: packs C:\work\source.bin with 7za.exe into C:\work\packed.7z and has it verified, and meanwhile ends, every PERIOD milliseconds, one of the
// processes of the disk's drivers: port driver, disk.sys, partmgr.sys, fastfat.sys and mountmgr.sys by turns. Goes on, with a new archive each time, until there have been so many KILLS.
// The host looks at what is left (tools/neptune/kill_tests.py).
#include "tests/guest/wdm/process.hpp"

extern "C" {
NTSTATUS NTAPI RtlCreateProcessParametersEx(RTL_USER_PROCESS_PARAMETERS** Out, const UNICODE_STRING* Image, const UNICODE_STRING* DllPath,
                                            const UNICODE_STRING* Directory, const UNICODE_STRING* Command, PVOID Environment, const UNICODE_STRING* Title,
                                            const UNICODE_STRING* Desktop, const UNICODE_STRING* Shell, const UNICODE_STRING* Runtime, ULONG Flags);
NTSTATUS NTAPI RtlCreateUserProcess(UNICODE_STRING* Path, ULONG, RTL_USER_PROCESS_PARAMETERS* Parameters, PVOID ProcessSecurity, PVOID ThreadSecurity,
                                    HANDLE Parent, BOOLEAN Inherit, HANDLE DebugPort, HANDLE Token, RTL_USER_PROCESS_INFORMATION* Info);
}

namespace {

const char* const Drivers[] = { "storahci", "stornvme", "vioblk", "disk", "partmgr", "fastfat", "mountmgr" };
constexpr u32 Count = sizeof(Drivers) / sizeof(Drivers[0]);
u32 Turn, Kills, Done[Count];

void KillNext()
{
    for (u32 Tries = 0; Tries < Count; ++Tries) {
        u32 Which = Turn++ % Count;
        // A driver that moves no data is not started for ever.
        if (Which == Count - 1 && Done[Which] >= 7)
            continue;
        if (wdm::KillDriver(Drivers[Which]) < 0)
            continue;
        ++Kills;
        ++Done[Which];
        return;
    }
}

// Until the disk serves again: a driver that is killed before it has done anything is not started for ever.
void AwaitDisk()
{
    UNICODE_STRING Name = wdm::String(L"\\Device\\Harddisk0\\DR0");
    OBJECT_ATTRIBUTES Attributes { sizeof(Attributes), nullptr, &Name, OBJ_CASE_INSENSITIVE, nullptr, nullptr };
    alignas(4096) static UCHAR Sector[4096];
    for (u32 Tries = 0; Tries < 3000; ++Tries) {
        IO_STATUS_BLOCK Io;
        HANDLE Disk;
        LARGE_INTEGER At {}, Pause;
        Pause.QuadPart = -200000;
        bool Served = false;
        if (NtOpenFile(&Disk, FILE_READ_DATA | SYNCHRONIZE, &Attributes, &Io, 7, FILE_SYNCHRONOUS_IO_NONALERT) >= 0) {
            Served = NtReadFile(Disk, nullptr, nullptr, nullptr, &Io, Sector, sizeof(Sector), &At, nullptr) >= 0;
            NtClose(Disk);
        }
        if (Served)
            return;
        NtDelayExecution(0, &Pause);
    }
    CHECK(!"the disk serves");
}

// Runs it while drivers are killed; its exit code.
u32 Run(const WCHAR* Words, u32 Period)
{
    UNICODE_STRING Path = wdm::String(L"\\??\\C:\\work\\7za.exe"), Image = wdm::String(L"C:\\work\\7za.exe"), Folder = wdm::String(L"C:\\work\\"),
                   Line = wdm::String(Words);
    RTL_USER_PROCESS_PARAMETERS* Parameters = nullptr;
    auto* Mine = RtlGetCurrentPeb()->ProcessParameters;
    NTSTATUS S = RtlCreateProcessParametersEx(&Parameters, &Image, nullptr, &Folder, &Line, nullptr, nullptr, nullptr, nullptr, nullptr, RTL_USER_PROC_PARAMS_NORMALIZED);
    if (S < 0)
        return u32(S);
    Parameters->StandardInput = Mine->StandardInput;
    Parameters->StandardOutput = Mine->StandardOutput;
    Parameters->StandardError = Mine->StandardError;
    RTL_USER_PROCESS_INFORMATION Info {};
    Info.Length = sizeof(Info);
    S = RtlCreateUserProcess(&Path, 0, Parameters, nullptr, nullptr, nullptr, 1, nullptr, nullptr, &Info);
    if (S < 0)
        return u32(S);
    NtResumeThread(Info.ThreadHandle, nullptr);
    for (;;) {
        LARGE_INTEGER Time;
        Time.QuadPart = -10000 * i64(Period);
        if (NtWaitForSingleObject(Info.ProcessHandle, 0, &Time) == STATUS_WAIT_0)
            break;
        KillNext();
        AwaitDisk();
    }
    PROCESS_BASIC_INFORMATION Basic {};
    NtQueryInformationProcess(Info.ProcessHandle, ProcessBasicInformation, &Basic, sizeof(Basic), nullptr);
    NtClose(Info.ThreadHandle);
    NtClose(Info.ProcessHandle);
    return u32(Basic.ExitStatus);
}

void DeleteArchive()
{
    UNICODE_STRING Name = wdm::String(L"\\??\\C:\\work\\packed.7z");
    OBJECT_ATTRIBUTES Attributes { sizeof(Attributes), nullptr, &Name, OBJ_CASE_INSENSITIVE, nullptr, nullptr };
    NtDeleteFile(&Attributes);
}

}

TAP_MAIN()
{
    UNICODE_STRING& Line = Process->ProcessParameters->CommandLine;
    u32 Numbers[2] = {}, Which = 2;
    for (u32 At = Line.Length / 2, Scale = 1; At-- && Which;) {
        WCHAR C = Line.Buffer[At];
        if (C >= L'0' && C <= L'9') {
            Numbers[Which - 1] += (C - L'0') * Scale;
            Scale *= 10;
        } else {
            --Which;
            Scale = 1;
        }
    }
    u32 Period = Numbers[0], Wanted = Numbers[1];
    if (!CHECK(Period && Wanted))
        return;
    for (u32 Round = 1; Kills < Wanted; ++Round) {
        u32 Before = Kills;
        DeleteArchive();
        CHECK_EQ(Run(L"7za.exe a -bd -mx0 packed.7z source.bin", Period), 0u);
        u32 Packed = Kills;
        CHECK_EQ(Run(L"7za.exe t -bd packed.7z", Period), 0u);
        tap::Print("# round %u: %u kills while it was written, %u while it was verified\n", Round, Packed - Before, Kills - Packed);
        if (tap::Failures || Round == 1000)
            break;
    }
    for (u32 I = 0; I < Count; ++I)
        if (Done[I])
            tap::Print("# %s: %u\n", Drivers[I], Done[I]);
    tap::Print("# kills: %u\n", Kills);
    CHECK(Kills >= Wanted);
}
