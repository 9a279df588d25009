// The session manager: the first process. Starts the program that C:\neptune.ini names with the host's streams as its standard
// handles, waits for its end, tells the host and turns the machine off.
#include <initializer_list>

#include "abi/nt/io.hpp"
#include "abi/nt/ps.hpp"
#include "abi/services.hpp"
#include "lib/rtl/rtl.hpp"
#include "user/smss/config.hpp"

using namespace smss;

extern "C" {
NTSTATUS NTAPI RtlCreateProcessParametersEx(RTL_USER_PROCESS_PARAMETERS** Result, const UNICODE_STRING* Image, const UNICODE_STRING* DllPath,
                                            const UNICODE_STRING* Directory, const UNICODE_STRING* Command, void* Environment, const UNICODE_STRING* Title,
                                            const UNICODE_STRING* Desktop, const UNICODE_STRING* Shell, const UNICODE_STRING* Runtime, ULONG Flags);
}

namespace {

HANDLE Control;

// A line for the host, built piece by piece.
struct Line {
    char Data[512];
    ULONG Used = 0;
    Line& Put(const char* From)
    {
        while (*From && Used < sizeof(Data) - 1)
            Data[Used++] = *From++;
        return *this;
    }
    Line& Put(const UNICODE_STRING& From)
    {
        ULONG Bytes = 0;
        RtlUnicodeToUTF8N(Data + Used, sizeof(Data) - 1 - Used, &Bytes, From.Buffer, From.Length);
        Used += Bytes;
        return *this;
    }
    Line& Put(ULONG Number, ULONG Base)
    {
        char Digits[12];
        ULONG N = 0;
        do
            Digits[N++] = "0123456789abcdef"[Number % Base];
        while (Number /= Base);
        while (N && Used < sizeof(Data) - 1)
            Data[Used++] = Digits[--N];
        return *this;
    }
    void Send()
    {
        Data[Used++] = '\n';
        IO_STATUS_BLOCK Io;
        NtWriteFile(Control, nullptr, nullptr, nullptr, &Io, Data, Used, nullptr, nullptr);
    }
};

HANDLE OpenStream(const WCHAR* Path, ACCESS_MASK Access, ULONG Attributes)
{
    UNICODE_STRING Name;
    RtlInitUnicodeString(&Name, Path);
    OBJECT_ATTRIBUTES Wanted { sizeof(Wanted), nullptr, &Name, OBJ_CASE_INSENSITIVE | Attributes, nullptr, nullptr };
    HANDLE File = nullptr;
    IO_STATUS_BLOCK Io;
    NTSTATUS Status = NtOpenFile(&File, Access | SYNCHRONIZE, &Wanted, &Io, FILE_SHARE_READ | FILE_SHARE_WRITE, FILE_SYNCHRONOUS_IO_NONALERT);
    return NT_SUCCESS(Status) ? File : nullptr;
}

const char* Meaning(NTSTATUS Status)
{
    switch (Status) {
    case STATUS_OBJECT_NAME_NOT_FOUND:
    case STATUS_OBJECT_PATH_NOT_FOUND: return "there is no such file";
    case STATUS_IMAGE_MACHINE_TYPE_MISMATCH: return "it is not a program for 64-bit x86";
    case STATUS_INVALID_IMAGE_NOT_MZ:
    case STATUS_INVALID_IMAGE_FORMAT:
    case STATUS_INVALID_IMAGE_PROTECT:
    case STATUS_INVALID_IMAGE_WIN_16: return "it is not a valid program";
    case STATUS_NO_MEMORY:
    case STATUS_COMMITMENT_LIMIT:
    case STATUS_INSUFFICIENT_RESOURCES: return "there is not enough memory (see --memory)";
    default: return nullptr;
    }
}

// Starts the program; its process, and what to tell if that fails.
NTSTATUS Start(const Config& What, HANDLE& Process)
{
    UNICODE_STRING Image = What.Image.View(), Command = What.Command.View(), Directory = What.Directory.View(), NtImage {};
    UNICODE_STRING DllPath, Desktop;
    RtlInitUnicodeString(&DllPath, L"C:\\Windows\\System32;C:\\Windows");
    RtlInitUnicodeString(&Desktop, L"WinSta0\\Default");
    if (!RtlDosPathNameToNtPathName_U(What.Image.Data, &NtImage, nullptr, nullptr))
        return STATUS_OBJECT_NAME_INVALID;
    RTL_USER_PROCESS_PARAMETERS* Parameters;
    NTSTATUS Status = RtlCreateProcessParametersEx(&Parameters, &Image, &DllPath, &Directory, &Command, What.Environment, &Image, &Desktop, nullptr, nullptr,
                                                   RTL_USER_PROC_PARAMS_NORMALIZED);
    if (!NT_SUCCESS(Status))
        return Status;
    Parameters->EnvironmentSize = What.EnvironmentBytes;
    Parameters->StandardInput = OpenStream(L"\\Device\\HostLink\\stdin", FILE_GENERIC_READ, OBJ_INHERIT);
    Parameters->StandardOutput = OpenStream(L"\\Device\\HostLink\\stdout", FILE_GENERIC_WRITE, OBJ_INHERIT);
    Parameters->StandardError = OpenStream(L"\\Device\\HostLink\\stderr", FILE_GENERIC_WRITE, OBJ_INHERIT);
    PS_CREATE_INFO Info {};
    Info.Size = sizeof(Info);
    PS_ATTRIBUTE_LIST Attributes {};
    Attributes.TotalLength = sizeof(Attributes);
    Attributes.Attributes[0].Attribute = PS_ATTRIBUTE_IMAGE_NAME;
    Attributes.Attributes[0].Size = NtImage.Length;
    Attributes.Attributes[0].ValuePtr = NtImage.Buffer;
    HANDLE Thread;
    Status = NtCreateUserProcess(&Process, &Thread, PROCESS_ALL_ACCESS, THREAD_ALL_ACCESS, nullptr, nullptr, PROCESS_CREATE_FLAGS_INHERIT_HANDLES, 0, Parameters,
                                 &Info, &Attributes);
    if (!NT_SUCCESS(Status))
        return Status;
    for (HANDLE H : { Thread, Parameters->StandardInput, Parameters->StandardOutput, Parameters->StandardError })
        NtClose(H);
    return STATUS_SUCCESS;
}

void Run()
{
    Config What;
    NTSTATUS Status = ReadConfig(What);
    if (!NT_SUCCESS(Status)) {
        Line().Put("error C:\\neptune.ini does not say what to run (status 0x").Put(ULONG(Status), 16).Put(")").Send();
        return;
    }
    HANDLE Process;
    Status = Start(What, Process);
    if (!NT_SUCCESS(Status)) {
        Line L;
        L.Put("error cannot start ").Put(What.Image.View()).Put(": ");
        if (const char* Why = Meaning(Status))
            L.Put(Why);
        else
            L.Put("status 0x").Put(ULONG(Status), 16);
        L.Send();
        return;
    }
    NtWaitForSingleObject(Process, 0, nullptr);
    PROCESS_BASIC_INFORMATION Info {};
    NtQueryInformationProcess(Process, ProcessBasicInformation, &Info, sizeof(Info), nullptr);
    Line().Put("exit ").Put(ULONG(Info.ExitStatus), 10).Send();
}

}

extern "C" NTSTATUS NTAPI NtProcessStartup(PEB*)
{
    Control = OpenStream(L"\\Device\\HostLink\\control", FILE_GENERIC_WRITE, 0);
    Run();
    NtShutdownSystem(2);                // power off
    return STATUS_SUCCESS;
}
