// leak.exe: everything is made and ended many times, and the Executive counts what it counted before. Exit code: how many kinds leak.
#include "tests/guest/fuzz/fuzz.hpp"

using namespace fuzz;

namespace {

OBJECT_ATTRIBUTES Named(UNICODE_STRING& Name, const WCHAR* Path)
{
    RtlInitUnicodeString(&Name, Path);
    return { sizeof(OBJECT_ATTRIBUTES), nullptr, &Name, OBJ_CASE_INSENSITIVE, nullptr, nullptr };
}

NTSTATUS AProcess(u32 I)
{
    HANDLE Process;
    NTSTATUS S = StartProgram(L"fuzzhonestchild.exe", nullptr, nullptr, nullptr, Process);
    if (S < 0)
        return S;
    // Some end by themselves, some are ended at once.
    if (I % 4 == 3)
        NtTerminateProcess(Process, 42);
    S = NtWaitForSingleObject(Process, 0, nullptr);
    PROCESS_BASIC_INFORMATION Basic {};
    NtQueryInformationProcess(Process, ProcessBasicInformation, &Basic, sizeof(Basic), nullptr);
    NtClose(Process);
    return S < 0 ? S : Basic.ExitStatus == 42 ? 0 : STATUS_UNSUCCESSFUL;
}

ULONG NTAPI Nothing(PVOID) { return 0; }
ULONG NTAPI Forever(PVOID)
{
    for (;;)
        Sleep(1000);
}

NTSTATUS AThread(u32 I)
{
    HANDLE Thread;
    NTSTATUS S = RtlCreateUserThread(Self(), nullptr, 0, 0, 0, 0, reinterpret_cast<PVOID>(I % 3 ? Nothing : Forever), nullptr, &Thread, nullptr);
    if (S < 0)
        return S;
    if (I % 3 == 0) {
        NtYieldExecution();
        NtTerminateThread(Thread, 0);
    }
    S = NtWaitForSingleObject(Thread, 0, nullptr);
    NtClose(Thread);
    return S;
}

NTSTATUS ASection(u32 I)
{
    HANDLE Section;
    LARGE_INTEGER Size;
    Size.QuadPart = 0x20000;
    NTSTATUS S = NtCreateSection(&Section, 0xF001F, nullptr, &Size, PAGE_READWRITE, I % 2 ? 0x8000000 : 0x4000000, nullptr);
    if (S < 0)
        return S;
    PVOID Base = nullptr;
    SIZE_T View = 0;
    S = NtMapViewOfSection(Section, Self(), &Base, 0, 0, nullptr, &View, 2, 0, PAGE_READWRITE);
    if (S >= 0 && I % 2)
        memset(Base, int(I), 0x20000);
    if (S >= 0)
        S = NtUnmapViewOfSection(Self(), Base);
    NtClose(Section);
    return S;
}

NTSTATUS Pages(u32)
{
    PVOID Base = nullptr;
    SIZE_T Size = 0x100000;
    NTSTATUS S = NtAllocateVirtualMemory(Self(), &Base, 0, &Size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    if (S < 0)
        return S;
    memset(Base, 1, 0x40000);
    Size = 0;
    return NtFreeVirtualMemory(Self(), &Base, &Size, MEM_RELEASE);
}

NTSTATUS AFile(u32 I)
{
    UNICODE_STRING Name;
    OBJECT_ATTRIBUTES Object = Named(Name, L"\\??\\C:\\leak.dat");
    IO_STATUS_BLOCK Io {};
    HANDLE File;
    static char Text[9000];
    NTSTATUS S = NtCreateFile(&File, FILE_ALL_ACCESS, &Object, &Io, nullptr, 0, 0, FILE_CREATE, FILE_SYNCHRONOUS_IO_NONALERT, nullptr, 0);
    if (S < 0)
        return S;
    S = NtWriteFile(File, nullptr, nullptr, nullptr, &Io, Text, sizeof(Text), nullptr, nullptr);
    NtClose(File);
    NTSTATUS Deleted = NtDeleteFile(&Object);
    return S < 0 ? S : Deleted;
}

NTSTATUS AKey(u32 I)
{
    UNICODE_STRING Name, Value;
    OBJECT_ATTRIBUTES Object = Named(Name, L"\\Registry\\Machine\\Software\\leak");
    HANDLE Key;
    NTSTATUS S = NtCreateKey(&Key, 0xF003F, &Object, 0, nullptr, 0, nullptr);
    if (S < 0)
        return S;
    RtlInitUnicodeString(&Value, L"Value");
    S = NtSetValueKey(Key, &Value, 0, 4, &I, sizeof(I));
    NTSTATUS Deleted = NtDeleteKey(Key);
    NtClose(Key);
    return S < 0 ? S : Deleted;
}

NTSTATUS Pipe(u32)
{
    UNICODE_STRING Name;
    OBJECT_ATTRIBUTES Object = Named(Name, L"\\Device\\NamedPipe\\leak");
    IO_STATUS_BLOCK Io {};
    HANDLE Server, Client;
    LARGE_INTEGER Wait;
    Wait.QuadPart = -1000000;
    NTSTATUS S = NtCreateNamedPipeFile(&Server, FILE_GENERIC_READ | FILE_GENERIC_WRITE, &Object, &Io, 3, FILE_CREATE, FILE_SYNCHRONOUS_IO_NONALERT, 0, 0, 0, 1, 4096, 4096, &Wait);
    if (S < 0)
        return S;
    S = NtOpenFile(&Client, FILE_GENERIC_READ | FILE_GENERIC_WRITE, &Object, &Io, 3, FILE_SYNCHRONOUS_IO_NONALERT);
    if (S >= 0) {
        // Written and never read.
        S = NtWriteFile(Client, nullptr, nullptr, nullptr, &Io, &Wait, sizeof(Wait), nullptr, nullptr);
        NtClose(Client);
    }
    NtClose(Server);
    return S;
}

NTSTATUS Objects(u32 I)
{
    UNICODE_STRING Name;
    OBJECT_ATTRIBUTES Object = Named(Name, L"\\BaseNamedObjects\\leak");
    HANDLE H[8] {};
    NTSTATUS S = NtCreateEvent(&H[0], EVENT_ALL_ACCESS, I % 2 ? &Object : nullptr, SynchronizationEvent, 0);
    NtCreateMutant(&H[1], MUTANT_ALL_ACCESS, nullptr, 1);
    NtCreateSemaphore(&H[2], SEMAPHORE_ALL_ACCESS, nullptr, 1, 2);
    NtCreateTimer(&H[3], TIMER_ALL_ACCESS, nullptr, SynchronizationTimer);
    LARGE_INTEGER Due;
    Due.QuadPart = -100000000;
    NtSetTimer(H[3], &Due, nullptr, nullptr, 0, 0, nullptr);
    NtCreateIoCompletion(&H[4], 0x1F0003, nullptr, 0);
    NtSetIoCompletion(H[4], nullptr, nullptr, 0, 0);
    NtCreateJobObject(&H[5], 0x1F003F, nullptr);
    NtOpenProcessToken(Self(), TOKEN_ALL_ACCESS, &H[6]);
    HANDLE Copy = nullptr;
    NtDuplicateToken(H[6], TOKEN_ALL_ACCESS, nullptr, 0, TokenPrimary, &Copy);
    NtCreateDirectoryObject(&H[7], 0xF000F, nullptr);
    for (HANDLE Each : H)
        if (NtClose(Each) < 0 && S >= 0)
            S = STATUS_UNSUCCESSFUL;
    NtClose(Copy);
    return S;
}

u32 Leaks;

void Repeat(const char* What, NTSTATUS (*Do)(u32), u32 Times)
{
    static Counts Before, After;
    NTSTATUS S = 0;
    // Tables grow to their size first: the one of ids goes once around.
    for (u32 I = 0; I < (Do == AThread ? 600u : 24u) && S >= 0; ++I)
        S = Do(I);
    Sleep(20);
    Before.Take();
    Before.Take();
    for (u32 I = 0; I < Times && S >= 0; ++I)
        S = Do(I);
    Sleep(20);
    After.Take();
    u32 Wrong = Counts::Compare(Before, After, false);
    Print("%s: %u times, last status 0x%x, %u mismatches\n", What, Times, unsigned(S), Wrong);
    Leaks += Wrong || S < 0;
}

}

extern "C" void NtProcessStartup(PEB*)
{
    u32 Times = u32(Option(L"--times", 1000));
    Repeat("events and other objects", Objects, Times);
    Repeat("virtual memory", Pages, Times);
    Repeat("sections", ASection, Times);
    Repeat("files", AFile, Times);
    Repeat("keys", AKey, Times);
    Repeat("pipes", Pipe, Times);
    Repeat("threads", AThread, Times);
    Repeat("processes", AProcess, Times);
    RtlExitUserProcess(NTSTATUS(Leaks));
}
