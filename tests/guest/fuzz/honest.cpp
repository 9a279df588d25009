// fuzzhonestchild.exe: ordinary work that checks itself, over and over, until it is told to stop: files, events between threads, memory, a child
// process, the registry, a pipe. Exit code: 0, or the number of the check that failed (told on standard output).
#include "tests/guest/fuzz/fuzz.hpp"

using namespace fuzz;

namespace {

u32 Failed;

void Check(bool Ok, u32 Number, NTSTATUS Status)
{
    if (Ok || Failed)
        return;
    Failed = Number;
    Print("honest: check %u failed (0x%x)\n", Number, unsigned(Status));
}
#define SUCCEEDS(Number, Call)                        \
    {                                                 \
        NTSTATUS Status_ = (Call);                    \
        Check(Status_ >= 0, Number, Status_);         \
        if (Failed)                                   \
            return;                                   \
    }

OBJECT_ATTRIBUTES Named(UNICODE_STRING& Name, const WCHAR* Path)
{
    RtlInitUnicodeString(&Name, Path);
    return { sizeof(OBJECT_ATTRIBUTES), nullptr, &Name, OBJ_CASE_INSENSITIVE, nullptr, nullptr };
}

u8 Pattern(u32 Round, u32 At) { return u8(Mix(Round, At)); }

void Files(u32 Round)
{
    static u8 Out[5000], In[5000];
    UNICODE_STRING Name;
    OBJECT_ATTRIBUTES Object = Named(Name, L"\\??\\C:\\honest.dat");
    IO_STATUS_BLOCK Io {};
    HANDLE File;
    for (u32 I = 0; I < sizeof(Out); ++I)
        Out[I] = Pattern(Round, I);
    SUCCEEDS(10, NtCreateFile(&File, FILE_GENERIC_WRITE | DELETE_ACCESS, &Object, &Io, nullptr, 0, 0, FILE_OVERWRITE_IF, FILE_SYNCHRONOUS_IO_NONALERT, nullptr, 0));
    LARGE_INTEGER At;
    At.QuadPart = 0;
    SUCCEEDS(11, NtWriteFile(File, nullptr, nullptr, nullptr, &Io, Out, sizeof(Out), &At, nullptr));
    Check(Io.Information == sizeof(Out), 12, 0);
    SUCCEEDS(13, NtClose(File));
    SUCCEEDS(14, NtOpenFile(&File, FILE_GENERIC_READ | DELETE_ACCESS, &Object, &Io, 0, FILE_SYNCHRONOUS_IO_NONALERT));
    SUCCEEDS(15, NtReadFile(File, nullptr, nullptr, nullptr, &Io, In, sizeof(In), &At, nullptr));
    Check(Io.Information == sizeof(In) && !memcmp(In, Out, sizeof(In)), 16, 0);
    if (Round % 2) {
        BOOLEAN Gone = 1;
        SUCCEEDS(17, NtSetInformationFile(File, &Io, &Gone, sizeof(Gone), FileDispositionInformation));
    }
    SUCCEEDS(18, NtClose(File));
}

HANDLE Ping, Pong;
volatile u32 Echoes;

ULONG NTAPI Echo(PVOID Count)
{
    for (u64 I = 0; I < u64(Count); ++I) {
        NtWaitForSingleObject(Ping, 0, nullptr);
        Echoes = Echoes + 1;
        NtSetEvent(Pong, nullptr);
    }
    return 5;
}

void Events()
{
    SUCCEEDS(20, NtCreateEvent(&Ping, EVENT_ALL_ACCESS, nullptr, SynchronizationEvent, 0));
    SUCCEEDS(21, NtCreateEvent(&Pong, EVENT_ALL_ACCESS, nullptr, SynchronizationEvent, 0));
    HANDLE Thread;
    Echoes = 0;
    SUCCEEDS(22, RtlCreateUserThread(Self(), nullptr, 0, 0, 0, 0, reinterpret_cast<PVOID>(Echo), reinterpret_cast<PVOID>(20), &Thread, nullptr));
    for (u32 I = 1; I <= 20; ++I) {
        SUCCEEDS(23, NtSetEvent(Ping, nullptr));
        NTSTATUS S = NtWaitForSingleObject(Pong, 0, nullptr);
        Check(S == 0 && Echoes == I, 24, S);
    }
    SUCCEEDS(25, NtWaitForSingleObject(Thread, 0, nullptr));
    THREAD_BASIC_INFORMATION Basic {};
    SUCCEEDS(26, NtQueryInformationThread(Thread, ThreadBasicInformation, &Basic, sizeof(Basic), nullptr));
    Check(Basic.ExitStatus == 5, 27, Basic.ExitStatus);
    for (HANDLE H : { Thread, Ping, Pong })
        SUCCEEDS(28, NtClose(H));
}

void Pages(u32 Round)
{
    PVOID Base = nullptr;
    SIZE_T Size = 0x40000;
    SUCCEEDS(30, NtAllocateVirtualMemory(Self(), &Base, 0, &Size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE));
    u64* Words = static_cast<u64*>(Base);
    for (u32 I = 0; I < 0x40000 / 8; I += 64) {
        Check(Words[I] == 0, 31, NTSTATUS(Words[I]));
        Words[I] = Mix(Round, I);
    }
    NtYieldExecution();
    for (u32 I = 0; I < 0x40000 / 8; I += 64)
        Check(Words[I] == Mix(Round, I), 32, NTSTATUS(Words[I]));
    ULONG Old;
    PVOID At = Base;
    SIZE_T One = PageSize;
    SUCCEEDS(33, NtProtectVirtualMemory(Self(), &At, &One, PAGE_READONLY, &Old));
    Check(Old == PAGE_READWRITE, 34, NTSTATUS(Old));
    SIZE_T None = 0;
    SUCCEEDS(35, NtFreeVirtualMemory(Self(), &Base, &None, MEM_RELEASE));
}

void Child()
{
    HANDLE Process;
    SUCCEEDS(40, StartProgram(L"fuzzhonestchild.exe", nullptr, nullptr, nullptr, Process));
    SUCCEEDS(41, NtWaitForSingleObject(Process, 0, nullptr));
    PROCESS_BASIC_INFORMATION Basic {};
    SUCCEEDS(42, NtQueryInformationProcess(Process, ProcessBasicInformation, &Basic, sizeof(Basic), nullptr));
    Check(Basic.ExitStatus == 42, 43, Basic.ExitStatus);
    SUCCEEDS(44, NtClose(Process));
}

void Registry(u32 Round)
{
    UNICODE_STRING Name, Value;
    OBJECT_ATTRIBUTES Object = Named(Name, L"\\Registry\\Machine\\Software\\honest");
    HANDLE Key;
    SUCCEEDS(50, NtCreateKey(&Key, 0xF003F, &Object, 0, nullptr, 0, nullptr));
    RtlInitUnicodeString(&Value, L"Round");
    SUCCEEDS(51, NtSetValueKey(Key, &Value, 0, 4, &Round, sizeof(Round)));
    struct {
        ULONG Title, Type, Length;
        u32 Data;
    } Info {};
    ULONG Length;
    SUCCEEDS(52, NtQueryValueKey(Key, &Value, 2, &Info, sizeof(Info), &Length));
    Check(Info.Type == 4 && Info.Length == 4 && Info.Data == Round, 53, NTSTATUS(Info.Data));
    SUCCEEDS(54, NtDeleteKey(Key));
    SUCCEEDS(55, NtClose(Key));
}

void Pipes(u32 Round)
{
    UNICODE_STRING Name;
    OBJECT_ATTRIBUTES Object = Named(Name, L"\\Device\\NamedPipe\\honest");
    IO_STATUS_BLOCK Io {};
    HANDLE Server, Client;
    LARGE_INTEGER Wait;
    Wait.QuadPart = -1000000;
    SUCCEEDS(60, NtCreateNamedPipeFile(&Server, FILE_GENERIC_READ | FILE_GENERIC_WRITE, &Object, &Io, 3, FILE_CREATE, FILE_SYNCHRONOUS_IO_NONALERT, 0, 0, 0, 1, 4096, 4096, &Wait));
    SUCCEEDS(61, NtOpenFile(&Client, FILE_GENERIC_READ | FILE_GENERIC_WRITE, &Object, &Io, 3, FILE_SYNCHRONOUS_IO_NONALERT));
    u32 Out[64], In[64] {};
    for (u32 I = 0; I < 64; ++I)
        Out[I] = Round * 64 + I;
    SUCCEEDS(62, NtWriteFile(Client, nullptr, nullptr, nullptr, &Io, Out, sizeof(Out), nullptr, nullptr));
    SUCCEEDS(63, NtReadFile(Server, nullptr, nullptr, nullptr, &Io, In, sizeof(In), nullptr, nullptr));
    Check(Io.Information == sizeof(In) && !memcmp(In, Out, sizeof(In)), 64, 0);
    SUCCEEDS(65, NtClose(Client));
    SUCCEEDS(66, NtClose(Server));
}

}

extern "C" void NtProcessStartup(PEB*)
{
    if (!Option(L"--shared", 0))
        RtlExitUserProcess(42);             // the child of the honest process
    Shared* The = MapShared();
    if (!The)
        RtlExitUserProcess(1);
    u32 Round = 0;
    while (!Failed && (!The->Stop || !Round)) {
        Files(Round);
        Events();
        Pages(Round);
        if (Round % 8 == 0)
            Child();
        Registry(Round);
        Pipes(Round);
        The->Rounds = ++Round;
        Sleep(2);
    }
    UNICODE_STRING Name;
    OBJECT_ATTRIBUTES Object = Named(Name, L"\\??\\C:\\honest.dat");
    NtDeleteFile(&Object);
    RtlExitUserProcess(NTSTATUS(Failed));
}
