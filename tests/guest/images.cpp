// Broken program files: the Executive answers a status or runs what it was given, and goes on. A good program (imageschild.exe: this test's own
// child, which ends with 42) is spoiled in many ways: cut short, bytes and header fields changed, other machines.
#include "tests/guest/tap.hpp"

extern "C" {
NTSTATUS NTAPI RtlCreateProcessParametersEx(RTL_USER_PROCESS_PARAMETERS** Out, const UNICODE_STRING* Image, const UNICODE_STRING* DllPath,
                                            const UNICODE_STRING* Directory, const UNICODE_STRING* CommandLine, PVOID Environment,
                                            const UNICODE_STRING* Title, const UNICODE_STRING* Desktop, const UNICODE_STRING* Shell,
                                            const UNICODE_STRING* Runtime, ULONG Flags);
void NTAPI RtlDestroyProcessParameters(RTL_USER_PROCESS_PARAMETERS* Parameters);
}

namespace {

u8 Good[64 << 10], Bad[sizeof(Good)];
u32 Size;

u64 State = 20260;
u64 Next()
{
    State = State * 6364136223846793005 + 1442695040888963407;
    return State >> 24;
}

NTSTATUS Open(HANDLE* File, const WCHAR* Path, ACCESS_MASK Access, ULONG Disposition)
{
    UNICODE_STRING Name;
    RtlInitUnicodeString(&Name, Path);
    OBJECT_ATTRIBUTES Object { sizeof(Object), nullptr, &Name, OBJ_CASE_INSENSITIVE, nullptr, nullptr };
    IO_STATUS_BLOCK Io {};
    return NtCreateFile(File, Access | SYNCHRONIZE, &Object, &Io, nullptr, 0, 7, Disposition, FILE_SYNCHRONOUS_IO_NONALERT | FILE_NON_DIRECTORY_FILE, nullptr, 0);
}

// How running these bytes went: the status of creation, or 1 and the exit status.
NTSTATUS RunBytes(const u8* Bytes, u32 Length, NTSTATUS& Exit)
{
    static const WCHAR Path[] = L"\\??\\C:\\work\\spoiled.exe";
    HANDLE File;
    NTSTATUS S = Open(&File, Path, FILE_GENERIC_WRITE | DELETE_ACCESS, FILE_SUPERSEDE);
    if (S < 0)
        return S;
    IO_STATUS_BLOCK Io {};
    if (Length)
        NtWriteFile(File, nullptr, nullptr, nullptr, &Io, const_cast<u8*>(Bytes), Length, nullptr, nullptr);
    NtClose(File);
    UNICODE_STRING Image;
    RtlInitUnicodeString(&Image, L"C:\\work\\spoiled.exe");
    RTL_USER_PROCESS_PARAMETERS* Parameters = nullptr;
    S = RtlCreateProcessParametersEx(&Parameters, &Image, nullptr, nullptr, &Image, nullptr, nullptr, nullptr, nullptr, nullptr, RTL_USER_PROC_PARAMS_NORMALIZED);
    if (S < 0)
        return S;
    struct {
        SIZE_T Total;
        PS_ATTRIBUTE Name;
    } List { sizeof(List), { PS_ATTRIBUTE_IMAGE_NAME, sizeof(Path) - 2, { u64(Path) }, nullptr } };
    PS_CREATE_INFO Info {};
    Info.Size = sizeof(Info);
    HANDLE Process, Thread;
    S = NtCreateUserProcess(&Process, &Thread, PROCESS_ALL_ACCESS, THREAD_ALL_ACCESS, nullptr, nullptr, 0, 0, Parameters, &Info, reinterpret_cast<PS_ATTRIBUTE_LIST*>(&List));
    RtlDestroyProcessParameters(Parameters);
    if (S < 0)
        return S;
    LARGE_INTEGER Wait;
    Wait.QuadPart = -3000000;
    if (NtWaitForSingleObject(Process, 0, &Wait) != 0) {
        NtTerminateProcess(Process, 0);
        NtWaitForSingleObject(Process, 0, nullptr);
    }
    PROCESS_BASIC_INFORMATION Basic {};
    NtQueryInformationProcess(Process, ProcessBasicInformation, &Basic, sizeof(Basic), nullptr);
    Exit = Basic.ExitStatus;
    NtClose(Thread);
    NtClose(Process);
    return 1;
}

NTSTATUS RunMachine(u16 Machine)
{
    memcpy(Bad, Good, Size);
    u32 At = *reinterpret_cast<u32*>(Bad + 0x3C);
    *reinterpret_cast<u16*>(Bad + At + 4) = Machine;
    NTSTATUS Exit = 0;
    return RunBytes(Bad, Size, Exit);
}

// The same made one for x86: it is an image, but not one that runs.
NTSTATUS RunNarrow()
{
    memcpy(Bad, Good, Size);
    auto& Nt = *reinterpret_cast<IMAGE_NT_HEADERS64*>(Bad + *reinterpret_cast<u32*>(Bad + 0x3C));
    const IMAGE_OPTIONAL_HEADER64 O = Nt.OptionalHeader;
    IMAGE_OPTIONAL_HEADER32 H {};
    H.Magic = IMAGE_NT_OPTIONAL_HDR32_MAGIC;
    H.AddressOfEntryPoint = O.AddressOfEntryPoint;
    H.ImageBase = 0x400000;
    H.SectionAlignment = O.SectionAlignment;
    H.FileAlignment = O.FileAlignment;
    H.SizeOfImage = O.SizeOfImage;
    H.SizeOfHeaders = O.SizeOfHeaders;
    H.Subsystem = O.Subsystem;
    Nt.FileHeader.Machine = IMAGE_FILE_MACHINE_I386;
    memcpy(&Nt.OptionalHeader, &H, sizeof(H));
    NTSTATUS Exit = 0;
    return RunBytes(Bad, Size, Exit);
}

}

TAP_MAIN()
{
    HANDLE File;
    IO_STATUS_BLOCK Io {};
    CHECK_EQ(u32(Open(&File, L"\\??\\C:\\work\\imageschild.exe", FILE_GENERIC_READ, FILE_OPEN)), 0);
    CHECK_EQ(u32(NtReadFile(File, nullptr, nullptr, nullptr, &Io, Good, sizeof(Good), nullptr, nullptr)), 0);
    Size = u32(Io.Information);
    NtClose(File);
    CHECK(Size > 1024 && Size < sizeof(Good));
    NTSTATUS Exit = 0;
    CHECK_EQ(RunBytes(Good, Size, Exit), 1);
    CHECK_EQ(Exit, 42);
    CHECK_EQ(u32(RunMachine(0x014C)), u32(STATUS_INVALID_IMAGE_FORMAT));     // with a 64-bit optional header
    CHECK_EQ(u32(RunNarrow()), u32(STATUS_INVALID_IMAGE_WIN_32));
    CHECK_EQ(u32(RunMachine(0xAA64)), u32(STATUS_INVALID_IMAGE_FORMAT));
    CHECK_EQ(u32(RunBytes(Good, 0, Exit)), u32(STATUS_INVALID_IMAGE_NOT_MZ));

    u32 Refused = 0, Ran = 0, Same = 0;
    auto Count = [&](u32 Length) {
        NTSTATUS End = 0, S = RunBytes(Bad, Length, End);
        ++(S < 0 ? Refused : End == 42 ? Same : Ran);
    };
    // Cut short: everywhere in the headers, then here and there.
    memcpy(Bad, Good, Size);
    for (u32 Length = 1; Length < Size; Length += Length < 700 ? 13 : 1777)
        Count(Length);
    CHECK(Refused > 50);
    // Each field of the headers becomes something extreme.
    u32 Headers = *reinterpret_cast<u32*>(Good + 0x3C);
    static constexpr u32 Extremes[] = { 0, 1, 0xFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFF000, 0xFFFFFFFF };
    for (u32 At = 0x3C; At < Headers + 24 + 240 + 6 * 40; At += At < Headers ? Headers - 0x3C : 4) {
        for (u32 Extreme : { Extremes[(At / 4) % 7], Extremes[(At / 4 + 3) % 7] }) {
            memcpy(Bad, Good, Size);
            *reinterpret_cast<u32*>(Bad + At) = Extreme;
            Count(Size);
        }
    }
    // Whole 64-bit sizes: base, stack and heap.
    for (u32 Field : { 24u, 72u, 80u, 88u, 96u })
        for (u64 Value : { u64(0), ~u64(0), u64(0xFFFFFFFFFFFFE000), u64(0xFFFFFFFFFFFFD000), u64(1) << 63, u64(0x7FFFFFFF0000), u64(1) << 40, u64(0x7FFE0000) }) {
            memcpy(Bad, Good, Size);
            *reinterpret_cast<u64*>(Bad + Headers + 24 + Field) = Value;
            Count(Size);
        }
    // Bits anywhere.
    for (u32 I = 0; I < 150; ++I) {
        memcpy(Bad, Good, Size);
        u32 Changes = 1 + u32(Next() % 12), Range = I % 3 ? Headers + 600 : Size;
        for (u32 C = 0; C < Changes; ++C)
            Bad[Next() % Range] = u8(Next());
        Count(Size);
    }
    tap::Print("# %d refused, %d ran as before, %d ran into something\n", int(Refused), int(Same), int(Ran));
    CHECK(Refused > 100 && Same > 20);
    CHECK_EQ(RunBytes(Good, Size, Exit), 1);
    CHECK_EQ(Exit, 42);
}
