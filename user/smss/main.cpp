// The order of things: settings, streams, programs, power off.
#include "user/smss/smss.hpp"

extern "C" {
ULONG NTAPI DbgPrint(const char* Format, ...);
NTSTATUS NTAPI RtlAdjustPrivilege(ULONG Privilege, BOOLEAN Enable, BOOLEAN ForThread, BOOLEAN* Was);
void NTAPI RtlInitUnicodeString(UNICODE_STRING* String, const WCHAR* Source);
PVOID NTAPI RtlAllocateHeap(PVOID Heap, ULONG Flags, SIZE_T Size);
}

using namespace smss;

namespace {

constexpr ULONG ShutdownPowerOff = 2, SE_LOAD_DRIVER_PRIVILEGE = 10;

// The whole file; null with the reason in Status.
char* ReadSettings(PEB* Process, u64& Length, NTSTATUS& Status)
{
    UNICODE_STRING Path;
    RtlInitUnicodeString(&Path, L"\\??\\C:\\neptune.ini");
    OBJECT_ATTRIBUTES Object { sizeof(OBJECT_ATTRIBUTES), nullptr, &Path, OBJ_CASE_INSENSITIVE, nullptr, nullptr };
    IO_STATUS_BLOCK Io {};
    HANDLE File;
    Status = NtOpenFile(&File, FILE_GENERIC_READ, &Object, &Io, FILE_SHARE_READ, FILE_SYNCHRONOUS_IO_NONALERT | FILE_NON_DIRECTORY_FILE);
    if (Status < 0)
        return nullptr;
    FILE_STANDARD_INFORMATION Size {};
    Status = NtQueryInformationFile(File, &Io, &Size, sizeof(Size), FileStandardInformation);
    char* Bytes = nullptr;
    Length = 0;
    if (Status >= 0) {
        Bytes = static_cast<char*>(RtlAllocateHeap(Process->ProcessHeap, 0, u64(Size.EndOfFile.QuadPart) + 1));
        Status = Bytes ? STATUS_SUCCESS : STATUS_NO_MEMORY;
    }
    while (Status >= 0 && Length < u64(Size.EndOfFile.QuadPart)) {
        Status = NtReadFile(File, nullptr, nullptr, nullptr, &Io, Bytes + Length, ULONG(u64(Size.EndOfFile.QuadPart) - Length), nullptr, nullptr);
        if (Status >= 0 && !Io.Information)
            break;
        if (Status >= 0)
            Length += Io.Information;
    }
    NtClose(File);
    return Status >= 0 ? Bytes : nullptr;
}

class Session final : public Sink {
public:
    Mode TheMode = Mode::Run;
    u32 Programs = 0;
    bool Failed = false;                // a driver did not start, a drive or the disk did not come
    bool Disk = false, FromDisk = false;

    void OnMode(Mode M) override
    {
        TheMode = M;
        if (M == Mode::Shell)
            Tell("ready");
    }
    void OnDisk(const Text& Where) override
    {
        if (FromDisk)
            return;                     // the disk's own settings name no other one
        Disk = true;
        if (!UseDisk(Where)) {
            ++Programs;
            Failed = true;
        }
    }
    void OnDirectory(const Text& Path) override
    {
        UNICODE_STRING Name = Path.String();
        OBJECT_ATTRIBUTES Object { sizeof(OBJECT_ATTRIBUTES), nullptr, &Name, OBJ_CASE_INSENSITIVE | OBJ_PERMANENT | OBJ_OPENIF, nullptr, nullptr };
        HANDLE Directory;
        NTSTATUS Status = NtCreateDirectoryObject(&Directory, 0xF000F, &Object);
        if (Status >= 0)
            NtClose(Directory);
        else
            TellFailure("cannot create the directory", Path, Status);
    }
    void OnMark(const Text& Mark) override { SetMark(Mark); }
    void OnDriver(const Text& Name) override { LoadDriver(Name); }
    void OnConsole(u32 Columns, u32 Rows) override
    {
        Text Name;
        Name.Append(L"condrv", 6);
        if (!LoadDriver(Name))
            return;
        NTSTATUS Status = UseConsole(Columns, Rows, TheMode == Mode::Shell);
        if (Status < 0) {
            TellFailure("cannot use the console of", Name, Status);
            ++Programs;
            Failed = true;
        }
    }
    bool LoadDriver(const Text& Name)
    {
        Text Key;
        constexpr WCHAR Services[] = L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\";
        Key.Append(Services, sizeof(Services) / sizeof(WCHAR) - 1);
        Key.Append(Name.Chars(), Name.Length());
        BOOLEAN Was;
        NTSTATUS Status = RtlAdjustPrivilege(SE_LOAD_DRIVER_PRIVILEGE, 1, 0, &Was);
        UNICODE_STRING Path = Key.String();
        if (Status >= 0)
            Status = NtLoadDriver(&Path);
        if (Status < 0) {
            TellFailure("cannot start the driver", Name, Status);
            ++Programs;
            Failed = true;
        }
        return Status >= 0;
    }
    void OnDrive(const Text& Drive) override
    {
        Text Root;
        Root.Append(L"\\??\\", 4);
        Root.Append(Drive.Chars(), Drive.Length());
        Root.Append(L"\\", 1);
        UNICODE_STRING Name = Root.String();
        OBJECT_ATTRIBUTES Object { sizeof(OBJECT_ATTRIBUTES), nullptr, &Name, OBJ_CASE_INSENSITIVE, nullptr, nullptr };
        LARGE_INTEGER Pause;
        Pause.QuadPart = -20000;        // 2 ms
        for (u32 Tries = 5000;; --Tries) {
            IO_STATUS_BLOCK Io {};
            HANDLE File;
            NTSTATUS Status = NtOpenFile(&File, FILE_READ_ATTRIBUTES | SYNCHRONIZE, &Object, &Io, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                                         FILE_SYNCHRONOUS_IO_NONALERT | FILE_DIRECTORY_FILE);
            if (Status >= 0) {
                NtClose(File);
                return;
            }
            if (!Tries) {
                TellFailure("there is no drive", Drive, Status);
                ++Programs;
                Failed = true;
                return;
            }
            NtDelayExecution(0, &Pause);
        }
    }
    void OnVolumes(u32 Count) override
    {
        AssignLetters();
        if (WaitForLetters(Count))
            return;
        Tell("error a disk's volumes got no drive letters (see the log, -v)");
        ++Programs;
        Failed = true;
    }
    void OnProgram(Program& P) override
    {
        ++Programs;
        AssignLetters();
        if (!Failed)
            Run(P);
    }
    void OnMistake(const char* Line, u32 Length) override
    {
        ANSI_STRING Text { USHORT(Length < 200 ? Length : 200), 200, const_cast<char*>(Line) };
        DbgPrint("smss: neptune.ini: not understood: %Z\n", &Text);
    }
};

}

extern "C" void NtProcessStartup(PEB* Process)
{
    if (!OpenStreams())
        DbgPrint("smss: the host's streams are not there; programs get no standard handles\n");
    u64 Length = 0;
    NTSTATUS Status;
    Session TheSession;
    if (const char* Bytes = ReadSettings(Process, Length, Status)) {
        Parse(Bytes, Length, TheSession);
        // A disk has settings of its own.
        if (TheSession.Disk && !TheSession.Programs && (Bytes = ReadSettings(Process, Length, Status))) {
            TheSession.FromDisk = true;
            Parse(Bytes, Length, TheSession);
        }
        if (!TheSession.Programs && TheSession.TheMode != Mode::Init)
            Tell("error C:\\neptune.ini names no program");
    } else {
        Text Name;
        Name.Append(L"C:\\neptune.ini", 14);
        TellFailure("cannot read", Name, Status);
    }
    while (TheSession.TheMode == Mode::Init) {
        LARGE_INTEGER Long;
        Long.QuadPart = -36000000000ll;
        NtDelayExecution(0, &Long);
    }
    Status = NtShutdownSystem(ShutdownPowerOff);
    DbgPrint("smss: the machine does not turn off (status %08x)\n", Status);
    for (;;)
        NtTerminateProcess(reinterpret_cast<HANDLE>(i64(-1)), Status);
}
