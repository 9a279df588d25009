// Running a program on the host's streams.
#include "abi/wire/condrv.hpp"
#include "user/smss/smss.hpp"

extern "C" {
ULONG NTAPI DbgPrint(const char* Format, ...);
void NTAPI RtlInitUnicodeString(UNICODE_STRING* String, const WCHAR* Source);
void NTAPI RtlFreeUnicodeString(UNICODE_STRING* String);
BOOLEAN NTAPI RtlDosPathNameToNtPathName_U(const WCHAR* Dos, UNICODE_STRING* NtName, WCHAR** FilePart, PVOID Relative);
NTSTATUS NTAPI RtlCreateProcessParametersEx(RTL_USER_PROCESS_PARAMETERS** Out, const UNICODE_STRING* Image, const UNICODE_STRING* DllPath,
                                            const UNICODE_STRING* Directory, const UNICODE_STRING* CommandLine, PVOID Environment,
                                            const UNICODE_STRING* Title, const UNICODE_STRING* Desktop, const UNICODE_STRING* Shell,
                                            const UNICODE_STRING* Runtime, ULONG Flags);
void NTAPI RtlDestroyProcessParameters(RTL_USER_PROCESS_PARAMETERS* Parameters);
int _snprintf(char* Buffer, size_t Room, const char* Format, ...);
}

namespace smss {

namespace {

HANDLE Input, Output, Error, Control, Server, Console;
condrv::TerminalSize Size;
char Mark[64];
u32 MarkLength;

void WriteMark()
{
    for (HANDLE Stream : { Output, Error }) {
        IO_STATUS_BLOCK Io {};
        if (MarkLength && Stream)
            NtWriteFile(Stream, nullptr, nullptr, nullptr, &Io, Mark, MarkLength, nullptr, nullptr);
    }
}

HANDLE OpenStream(const WCHAR* Name, ACCESS_MASK Access, ULONG Attributes, HANDLE Root = nullptr)
{
    UNICODE_STRING Path;
    RtlInitUnicodeString(&Path, Name);
    OBJECT_ATTRIBUTES Object { sizeof(OBJECT_ATTRIBUTES), Root, &Path, OBJ_CASE_INSENSITIVE | Attributes, nullptr, nullptr };
    IO_STATUS_BLOCK Io {};
    HANDLE Handle = nullptr;
    NTSTATUS Status = NtOpenFile(&Handle, Access | SYNCHRONIZE, &Object, &Io, FILE_SHARE_READ | FILE_SHARE_WRITE, FILE_SYNCHRONOUS_IO_NONALERT);
    if (Status < 0) {
        DbgPrint("smss: %wZ cannot be opened (status %08x)\n", &Path, Status);
        return nullptr;
    }
    return Handle;
}

const char* Meaning(NTSTATUS Status)
{
    switch (Status) {
    case STATUS_OBJECT_NAME_NOT_FOUND:
    case STATUS_NO_SUCH_FILE:
        return "there is no such file";
    case STATUS_OBJECT_PATH_NOT_FOUND:
    case STATUS_OBJECT_PATH_SYNTAX_BAD:
        return "there is no such folder";
    case STATUS_INVALID_IMAGE_FORMAT:
    case STATUS_INVALID_IMAGE_NOT_MZ:
        return "it is not a 64-bit Windows program";
    case STATUS_INVALID_IMAGE_WIN_32:
    case STATUS_IMAGE_MACHINE_TYPE_MISMATCH:
        return "it is a 32-bit program; this system runs 64-bit ones";
    case STATUS_NO_MEMORY:
    case STATUS_INSUFFICIENT_RESOURCES:
    case STATUS_COMMITMENT_LIMIT:
        return "there is not enough memory (see --memory)";
    case STATUS_ACCESS_DENIED:
        return "access is denied";
    default:
        return nullptr;
    }
}

NTSTATUS ShowConsole(condrv::TerminalSize On)
{
    IO_STATUS_BLOCK Io {};
    return NtDeviceIoControlFile(Server, nullptr, nullptr, nullptr, &Io, condrv::UseTerminal, &On, sizeof(On), nullptr, 0);
}

NTSTATUS Create(Program& P, HANDLE& Process)
{
    UNICODE_STRING Nt;
    if (!RtlDosPathNameToNtPathName_U(P.Image.Chars(), &Nt, nullptr, nullptr))
        return STATUS_OBJECT_PATH_SYNTAX_BAD;
    P.Environment.Append(L"", 1);
    UNICODE_STRING Image = P.Image.String(), Command = P.Command.Length() ? P.Command.String() : P.Image.String();
    UNICODE_STRING Directory, Desktop, DllPath;
    RtlInitUnicodeString(&Desktop, L"WinSta0\\Default");
    RtlInitUnicodeString(&DllPath, L"C:\\Windows\\System32;C:\\Windows");
    RtlInitUnicodeString(&Directory, P.Directory.Length() ? P.Directory.Chars() : L"C:\\");
    RTL_USER_PROCESS_PARAMETERS* Parameters = nullptr;
    NTSTATUS Status = RtlCreateProcessParametersEx(&Parameters, &Image, &DllPath, &Directory, &Command, const_cast<WCHAR*>(P.Environment.Chars()),
                                                   &Image, &Desktop, nullptr, nullptr, RTL_USER_PROC_PARAMS_NORMALIZED);
    if (Status >= 0) {
        Parameters->ConsoleHandle = Console;
        Parameters->StandardInput = Input;
        Parameters->StandardOutput = Output;
        Parameters->StandardError = Error;
        struct {
            SIZE_T Total;
            PS_ATTRIBUTE Attributes[1];
        } List { sizeof(List), { { PS_ATTRIBUTE_IMAGE_NAME, Nt.Length, { u64(Nt.Buffer) }, nullptr } } };
        PS_CREATE_INFO Info {};
        Info.Size = sizeof(Info);
        HANDLE Thread = nullptr;
        Status = NtCreateUserProcess(&Process, &Thread, PROCESS_ALL_ACCESS, THREAD_ALL_ACCESS, nullptr, nullptr, PROCESS_CREATE_FLAGS_INHERIT_HANDLES, 0,
                                     Parameters, &Info, reinterpret_cast<PS_ATTRIBUTE_LIST*>(&List));
        if (Status >= 0 && Thread)
            NtClose(Thread);
        RtlDestroyProcessParameters(Parameters);
    }
    RtlFreeUnicodeString(&Nt);
    return Status;
}

}

bool OpenStreams()
{
    Control = OpenStream(L"\\Device\\HostLink\\control", FILE_GENERIC_WRITE, 0);
    Input = OpenStream(L"\\Device\\HostLink\\stdin", FILE_GENERIC_READ, OBJ_INHERIT);
    Output = OpenStream(L"\\Device\\HostLink\\stdout", FILE_GENERIC_WRITE, OBJ_INHERIT);
    Error = OpenStream(L"\\Device\\HostLink\\stderr", FILE_GENERIC_WRITE, OBJ_INHERIT);
    return Control && Input && Output && Error;
}

NTSTATUS UseConsole(u32 Columns, u32 Rows, bool Shell)
{
    Server = OpenStream(L"\\Device\\ConDrv\\Server", FILE_GENERIC_READ | FILE_GENERIC_WRITE, 0);
    HANDLE Own = Server ? OpenStream(L"Reference", FILE_GENERIC_READ | FILE_GENERIC_WRITE, 0, Server) : nullptr;
    HANDLE In = Own ? OpenStream(L"Input", FILE_GENERIC_READ | FILE_GENERIC_WRITE, OBJ_INHERIT, Own) : nullptr;
    HANDLE Out = Own ? OpenStream(L"Output", FILE_GENERIC_READ | FILE_GENERIC_WRITE, OBJ_INHERIT, Own) : nullptr;
    if (!In || !Out)
        return STATUS_DEVICE_NOT_READY;
    Size = { Columns, Rows, Shell };
    Console = Own;
    Input = In;
    Output = Error = Out;
    return STATUS_SUCCESS;
}

void Tell(const char* Line)
{
    char Buffer[600];
    u32 Length = 0;
    // A line stays a line.
    for (; Line[Length] && Length < sizeof(Buffer) - 1; ++Length)
        Buffer[Length] = Line[Length] == '\n' || Line[Length] == '\r' ? ' ' : Line[Length];
    Buffer[Length++] = '\n';
    IO_STATUS_BLOCK Io {};
    if (!Control || NtWriteFile(Control, nullptr, nullptr, nullptr, &Io, Buffer, Length, nullptr, nullptr) < 0)
        DbgPrint("smss: %s\n", Line);
}

void TellFailure(const char* What, const Text& Of, NTSTATUS Status)
{
    char Line[500];
    UNICODE_STRING Name = Of.String();
    if (const char* Why = Meaning(Status))
        _snprintf(Line, sizeof(Line) - 1, "error %s %wZ: %s (status 0x%08X)", What, &Name, Why, unsigned(Status));
    else
        _snprintf(Line, sizeof(Line) - 1, "error %s %wZ: status 0x%08X", What, &Name, unsigned(Status));
    Line[sizeof(Line) - 1] = 0;
    Tell(Line);
}

void SetMark(const Text& From)
{
    MarkLength = From.Length() < sizeof(Mark) ? From.Length() : sizeof(Mark);
    for (u32 I = 0; I < MarkLength; ++I)
        Mark[I] = char(From.Chars()[I]);
}

void Run(Program& P)
{
    HANDLE Process = nullptr;
    NTSTATUS Status = Console ? ShowConsole(Size) : STATUS_SUCCESS;
    if (Status >= 0)
        Status = Create(P, Process);
    if (Status < 0) {
        WriteMark();
        TellFailure("cannot start", P.Image, Status);
        return;
    }
    Status = NtWaitForSingleObject(Process, 0, nullptr);
    if (Console)
        ShowConsole({});                // what it has written arrives before the news of its end
    WriteMark();
    PROCESS_BASIC_INFORMATION Basic {};
    if (Status >= 0)
        Status = NtQueryInformationProcess(Process, ProcessBasicInformation, &Basic, sizeof(Basic), nullptr);
    if (Status < 0) {
        TellFailure("lost", P.Image, Status);
    } else {
        char Line[32];
        _snprintf(Line, sizeof(Line), "exit %u", unsigned(Basic.ExitStatus));
        Tell(Line);
    }
    NtClose(Process);
}

}
