// fuzz.exe: the supervisor. fuzz.exe --seed N --calls N
// For looking closer: --trace 1 tells each call on the log; --run N begins with that run; --honest 0 leaves the honest process out; --each 1
// compares the counts after each run; --only N calls service number N - 1 only; --sweep N calls each service N times per thread, compared.
// Exit code 0: the Executive counts what it counted before, and the honest process was never disturbed.
#include "tests/guest/fuzz/fuzz.hpp"

using namespace fuzz;

namespace {

// A user of no rank: no privileges, in the groups that everybody is in.
NTSTATUS MakeToken(HANDLE* Out)
{
    struct Sid2 {
        UCHAR Revision, Count, Authority[6];
        ULONG Sub[5];
    };
    static Sid2 User { 1, 5, { 0, 0, 0, 0, 0, 5 }, { 21, 1, 2, 3, 4711 } }, Everyone { 1, 1, { 0, 0, 0, 0, 0, 1 }, { 0 } }, Authenticated { 1, 1, { 0, 0, 0, 0, 0, 5 }, { 11 } },
        Users { 1, 2, { 0, 0, 0, 0, 0, 5 }, { 32, 545 } };
    auto Of = [](Sid2& S) { return reinterpret_cast<SID*>(&S); };
    SID_AND_ATTRIBUTES Who { Of(User), 0 };
    constexpr ULONG Normal = SE_GROUP_MANDATORY | SE_GROUP_ENABLED_BY_DEFAULT | SE_GROUP_ENABLED;
    struct {
        ULONG Count;
        SID_AND_ATTRIBUTES Groups[3];
    } Groups { 3, { { Of(Everyone), Normal }, { Of(Authenticated), Normal }, { Of(Users), Normal } } };
    struct {
        ULONG Count;
        LUID_AND_ATTRIBUTES List[1];
    } Privileges {};
    struct {
        ACL Head;
        ACE_HEADER Ace;
        ACCESS_MASK Mask;
        Sid2 Who;
    } Dacl { { 2, 0, sizeof(Dacl), 1, 0 }, { 0, 0, USHORT(sizeof(Dacl) - sizeof(ACL)) }, GENERIC_ALL, User };
    ACL* List = &Dacl.Head;
    SID *Owner = Of(User), *Group = Of(Users);
    LUID Logon { 0x3E7, 0 };
    LARGE_INTEGER Never;
    Never.QuadPart = 0x7FFFFFFFFFFFFFFF;
    TOKEN_SOURCE Source { { 'f', 'u', 'z', 'z' }, {} };
    OBJECT_ATTRIBUTES Object { sizeof(Object), nullptr, nullptr, 0, nullptr, nullptr };
    return NtCreateToken(Out, TOKEN_ALL_ACCESS, &Object, TokenPrimary, &Logon, &Never, &Who, &Groups, &Privileges, &Owner, &Group, &List, &Source);
}

// Everybody may do everything, here and below.
struct OpenToAll {
    struct {
        ACL Head;
        ACE_HEADER Ace;
        ACCESS_MASK Mask;
        UCHAR Revision, Count, Authority[6];
        ULONG Sub;
    } List { { 2, 0, sizeof(List), 1, 0 }, { 0, OBJECT_INHERIT_ACE | CONTAINER_INHERIT_ACE, 20 }, GENERIC_ALL, 1, 1, { 0, 0, 0, 0, 0, 1 }, 0 };
    SECURITY_DESCRIPTOR Descriptor { 1, 0, SE_DACL_PRESENT, nullptr, nullptr, nullptr, &List.Head };
};

NTSTATUS MakePlaces()
{
    OpenToAll Open;
    UNICODE_STRING Name;
    RtlInitUnicodeString(&Name, L"\\??\\C:\\fuzz");
    OBJECT_ATTRIBUTES Object { sizeof(Object), nullptr, &Name, OBJ_CASE_INSENSITIVE, &Open.Descriptor, nullptr };
    IO_STATUS_BLOCK Io {};
    HANDLE H;
    NTSTATUS S = NtCreateFile(&H, FILE_ALL_ACCESS, &Object, &Io, nullptr, 0, 7, FILE_OPEN_IF, FILE_DIRECTORY_FILE | FILE_SYNCHRONOUS_IO_NONALERT, nullptr, 0);
    if (S < 0)
        return S;
    NtClose(H);
    RtlInitUnicodeString(&Name, L"\\Registry\\Machine\\Software\\fuzz");
    S = NtCreateKey(&H, 0xF003F, &Object, 0, nullptr, 0, nullptr);
    if (S >= 0)
        NtClose(H);
    return S;
}

// The hostile process may have locked everybody out of what it made: it is taken over first. Open(Access, Handle) opens it.
template <typename F> void TakeOver(F&& Open)
{
    struct {
        UCHAR Revision, Count, Authority[6];
        ULONG Sub[2];
    } Administrators { 1, 2, { 0, 0, 0, 0, 0, 5 }, { 32, 544 } };
    OpenToAll Everybody;
    HANDLE H;
    if (Open(WRITE_OWNER, H) >= 0) {
        SECURITY_DESCRIPTOR Owner { 1, 0, 0, reinterpret_cast<SID*>(&Administrators), nullptr, nullptr, nullptr };
        NtSetSecurityObject(H, OWNER_SECURITY_INFORMATION, &Owner);
        NtClose(H);
    }
    if (Open(WRITE_DAC, H) >= 0) {
        NtSetSecurityObject(H, DACL_SECURITY_INFORMATION, &Everybody.Descriptor);
        NtClose(H);
    }
}

// Deletes what is in a folder, and the folder.
void EmptyFolder(HANDLE Root, UNICODE_STRING Name, u32 Depth)
{
    OBJECT_ATTRIBUTES Object { sizeof(Object), Root, &Name, OBJ_CASE_INSENSITIVE, nullptr, nullptr };
    IO_STATUS_BLOCK Io {};
    HANDLE Folder;
    TakeOver([&](ACCESS_MASK Access, HANDLE& H) { return NtOpenFile(&H, Access, &Object, &Io, 7, 0x4000 | 0x200000); });
    if (NtOpenFile(&Folder, FILE_LIST_DIRECTORY | DELETE_ACCESS | SYNCHRONIZE | FILE_WRITE_ATTRIBUTES, &Object, &Io, 7, FILE_SYNCHRONOUS_IO_NONALERT | 0x4000 | 0x200000) < 0)
        return;
    alignas(8) u8 Buffer[700];
    while (Depth < 30 && NtQueryDirectoryFile(Folder, nullptr, nullptr, nullptr, &Io, Buffer, sizeof(Buffer), FileDirectoryInformation, 1, nullptr, 0) == 0) {
        auto& Entry = *reinterpret_cast<FILE_DIRECTORY_INFORMATION*>(Buffer);
        UNICODE_STRING Inner { USHORT(Entry.FileNameLength), USHORT(Entry.FileNameLength), Entry.FileName };
        if (Inner.Length && Entry.FileName[0] == '.' && (Inner.Length == 2 || (Inner.Length == 4 && Entry.FileName[1] == '.')))
            continue;
        EmptyFolder(Folder, Inner, Depth + 1);
    }
    FILE_BASIC_INFORMATION Basic {};
    Basic.FileAttributes = FILE_ATTRIBUTE_NORMAL;
    NtSetInformationFile(Folder, &Io, &Basic, sizeof(Basic), FileBasicInformation);
    BOOLEAN Gone = 1;
    NtSetInformationFile(Folder, &Io, &Gone, sizeof(Gone), FileDispositionInformation);
    NtClose(Folder);
}

void EmptyKey(HANDLE Root, UNICODE_STRING Name, u32 Depth)
{
    // A link is deleted itself.
    OBJECT_ATTRIBUTES Object { sizeof(Object), Root, &Name, OBJ_CASE_INSENSITIVE | 0x100, nullptr, nullptr };
    HANDLE Key;
    TakeOver([&](ACCESS_MASK Access, HANDLE& H) { return NtOpenKeyEx(&H, Access, &Object, 4); });
    if (NtOpenKeyEx(&Key, 0xF003F, &Object, 4) < 0)
        return;
    alignas(8) u8 Buffer[700];
    ULONG Length;
    for (u32 Left = 2000; Left && Depth < 30 && NtEnumerateKey(Key, 0, 0, Buffer, sizeof(Buffer), &Length) == 0; --Left) {
        struct Info {
            u64 Time;
            ULONG Title, Bytes;
            WCHAR Text[1];
        };
        auto& Entry = *reinterpret_cast<Info*>(Buffer);
        EmptyKey(Key, { USHORT(Entry.Bytes), USHORT(Entry.Bytes), Entry.Text }, Depth + 1);
    }
    NtDeleteKey(Key);
    NtClose(Key);
}

// What outlives a process by design goes: files, keys, atoms.
void CleanUp()
{
    UNICODE_STRING Name;
    RtlInitUnicodeString(&Name, L"\\??\\C:\\fuzz");
    EmptyFolder(nullptr, Name, 0);
    RtlInitUnicodeString(&Name, L"\\Registry\\Machine\\Software\\fuzz");
    EmptyKey(nullptr, Name, 0);
    for (u32 Atom = 0xC000; Atom < 0xC400; ++Atom)
        for (u32 Times = 0; Times < 5000 && NtDeleteAtom(USHORT(Atom)) >= 0; ++Times) { }
}

HANDLE Section, Job;
Shared* The;

u32 Sum()
{
    u32 All = 0;
    for (u32 Done : The->Done)
        All += Done < The->Quota ? Done : The->Quota;
    return All;
}

// One life of the hostile process: until it ends, or nothing moves in it.
NTSTATUS OneRun(HANDLE Token)
{
    for (auto& D : The->Done)
        D = 0;
    NTSTATUS S = NtCreateJobObject(&Job, 0x1F003F, nullptr);
    if (S < 0)
        return S;
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION Limits {};
    Limits.BasicLimitInformation.LimitFlags = 0x2008;      // ends with its handle; at most so many processes
    Limits.BasicLimitInformation.ActiveProcessLimit = 12;
    NtSetInformationJobObject(Job, 9, &Limits, sizeof(Limits));
    HANDLE Process = nullptr;
    S = StartProgram(L"fuzzchild.exe", Section, Token, Job, Process);
    if (S < 0)
        return S;
    u32 Before = 0, Still = 0;
    for (;;) {
        LARGE_INTEGER Wait;
        Wait.QuadPart = -200000;
        if (NtWaitForSingleObject(Process, 0, &Wait) == 0)
            break;
        u32 Now = Sum();
        Still = Now == Before ? Still + 1 : 0;
        Before = Now;
        if (Still >= (Now ? 3u : 50u))
            break;
    }
    NtTerminateJobObject(Job, 0);
    NtTerminateProcess(Process, 0);
    NtWaitForSingleObject(Process, 0, nullptr);
    NtClose(Process);
    for (u32 I = 0; I < 500; ++I) {
        JOBOBJECT_BASIC_ACCOUNTING_INFORMATION Info {};
        if (NtQueryInformationJobObject(Job, 1, &Info, sizeof(Info), nullptr) < 0 || !Info.ActiveProcesses)
            break;
        NtTerminateJobObject(Job, 0);
        Sleep(1);
    }
    NtClose(Job);
    return 0;
}

NTSTATUS StartHonest(HANDLE& Process)
{
    The->Stop = 0;
    The->Rounds = 0;
    return StartProgram(L"fuzzhonestchild.exe", Section, nullptr, nullptr, Process);
}

// The honest process's verdict; it ends after the round it is in.
u32 EndHonest(HANDLE Process)
{
    The->Stop = 1;
    LARGE_INTEGER Wait;
    Wait.QuadPart = -300000000;
    if (NtWaitForSingleObject(Process, 0, &Wait) != 0) {
        Print("the honest process hangs after %u rounds\n", The->Rounds);
        NtTerminateProcess(Process, 1);
    }
    PROCESS_BASIC_INFORMATION Basic {};
    NtQueryInformationProcess(Process, ProcessBasicInformation, &Basic, sizeof(Basic), nullptr);
    NtClose(Process);
    return u32(Basic.ExitStatus);
}

// As many threads as the hostile process may make: the tables of ids and of kernel objects keep the size they once had.
void UseThreads()
{
    static HANDLE Threads[600];
    u32 Count = 0;
    while (Count < 600 && RtlCreateUserThread(Self(), nullptr, 1, 0, 0x10000, 0x1000, reinterpret_cast<PVOID>(UseThreads), nullptr, &Threads[Count], nullptr) >= 0)
        ++Count;
    while (Count) {
        HANDLE Thread = Threads[--Count];
        NtTerminateThread(Thread, 0);
        NtWaitForSingleObject(Thread, 0, nullptr);
        NtClose(Thread);
    }
}

// All memory once, so that it is cut into pages and these have their places: what is free afterwards is as free as before.
void UseMemory()
{
    constexpr SIZE_T Piece = 4 << 20;
    static PVOID Pieces[256];
    u32 Count = 0;
    for (; Count < 256; ++Count) {
        SIZE_T Size = Piece;
        Pieces[Count] = nullptr;
        // The last pages are left: nobody else should run out of them meanwhile.
        SYSTEM_PERFORMANCE_INFORMATION Info {};
        NtQuerySystemInformation(SystemPerformanceInformation, &Info, sizeof(Info), nullptr);
        if (Info.AvailablePages < 2 * Piece / PageSize || NtAllocateVirtualMemory(Self(), &Pieces[Count], 0, &Size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE) < 0)
            break;
        for (SIZE_T At = 0; At < Piece; At += PageSize)
            static_cast<volatile u8*>(Pieces[Count])[At] = 1;
    }
    // Files take what may not be committed.
    UNICODE_STRING Name;
    RtlInitUnicodeString(&Name, L"\\??\\C:\\fuzz.big");
    OBJECT_ATTRIBUTES Object { sizeof(Object), nullptr, &Name, OBJ_CASE_INSENSITIVE, nullptr, nullptr };
    IO_STATUS_BLOCK Io {};
    HANDLE File;
    if (Count && NtCreateFile(&File, FILE_GENERIC_WRITE | DELETE_ACCESS, &Object, &Io, nullptr, 0, 0, FILE_SUPERSEDE, FILE_SYNCHRONOUS_IO_NONALERT | 0x1000, nullptr, 0) >= 0) {
        for (;;) {
            SYSTEM_PERFORMANCE_INFORMATION Info {};
            NtQuerySystemInformation(SystemPerformanceInformation, &Info, sizeof(Info), nullptr);
            if (Info.AvailablePages < 1024 || NtWriteFile(File, nullptr, nullptr, nullptr, &Io, Pieces[0], 1 << 20, nullptr, nullptr) < 0)
                break;
        }
        NtClose(File);
    }
    // And the Executive's heap.
    RtlInitUnicodeString(&Name, L"\\Registry\\Machine\\Software\\fuzz");
    HANDLE Key;
    if (Count && NtCreateKey(&Key, 0xF003F, &Object, 0, nullptr, 0, nullptr) >= 0) {
        for (u32 I = 0; I < 64; ++I) {
            SYSTEM_PERFORMANCE_INFORMATION Info {};
            NtQuerySystemInformation(SystemPerformanceInformation, &Info, sizeof(Info), nullptr);
            WCHAR Digit[3] = { WCHAR('A' + I / 8), WCHAR('A' + I % 8), 0 };
            RtlInitUnicodeString(&Name, Digit);
            if (Info.AvailablePages < 600 || NtSetValueKey(Key, &Name, 0, 3, Pieces[0], 1000000) < 0)
                break;
        }
        NtDeleteKey(Key);
        NtClose(Key);
    }
    while (Count) {
        SIZE_T Size = 0;
        NtFreeVirtualMemory(Self(), &Pieces[--Count], &Size, MEM_RELEASE);
    }
}

[[gnu::noinline]] u32 UseStack(u32 Depth)
{
    volatile u8 Room[3000];
    Room[0] = u8(Depth);
    return Depth ? UseStack(Depth - 1) + Room[0] : 0;
}

u32 Milliseconds()
{
    LARGE_INTEGER Now;
    NtQuerySystemTime(&Now);
    return u32(Now.QuadPart / 10000);
}

}

extern "C" void NtProcessStartup(PEB*)
{
    u64 Seed = Option(L"--seed", 1), Calls = Option(L"--calls", 20000), Honest = Option(L"--honest", 1), Each = Option(L"--each", 0);
    LARGE_INTEGER Size;
    Size.QuadPart = PageSize;
    OBJECT_ATTRIBUTES Inherit { sizeof(Inherit), nullptr, nullptr, OBJ_INHERIT, nullptr, nullptr };
    PVOID Base = nullptr;
    SIZE_T ViewSize = 0;
    HANDLE Token = nullptr;
    NTSTATUS S = NtCreateSection(&Section, 0xF001F, &Inherit, &Size, PAGE_READWRITE, 0x8000000, nullptr);
    if (S >= 0)
        S = NtMapViewOfSection(Section, Self(), &Base, 0, 0, nullptr, &ViewSize, 2, 0, PAGE_READWRITE);
    if (S >= 0)
        S = MakeToken(&Token);
    if (S < 0) {
        Print("cannot begin: 0x%x\n", unsigned(S));
        RtlExitUserProcess(2);
    }
    The = static_cast<Shared*>(Base);
    The->Seed = Seed;
    The->Trace = u32(Option(L"--trace", 0));
    The->OnlyService = u32(Option(L"--only", 0));

    // Once around first, so that what is made at first use is there when counting begins.
    u64 Made = 0;
    u32 Runs = 0, Bad = 0, Verdict = 0;
    static Counts Before, After, Then;
    auto Round = [&](u32 Run, u32 Quota) {
        The->Run = Run;
        The->Quota = Quota;
        S = MakePlaces();
        if (S >= 0)
            S = OneRun(Token);
        if (S < 0)
            Print("the hostile process cannot be started: 0x%x\n", unsigned(S));
        Made += Sum();
        ++Runs;
        return S >= 0;
    };
    HANDLE Process = nullptr;
    bool Good = true;
    for (u32 I = 0; Good && I < 3; ++I) {
        Good = StartHonest(Process) >= 0 && Round(I, I == 2 ? 400 : 0);
        Verdict |= EndHonest(Process);
        CleanUp();
    }
    // The keyed event that stands in for a null handle is made at first use; our own stack has its size.
    LARGE_INTEGER Now {};
    NtReleaseKeyedEvent(nullptr, reinterpret_cast<PVOID>(16), 0, &Now);
    UseStack(8);
    Sleep(20);
    UseThreads();
    UseMemory();
    // The table of atoms is made with the first one.
    USHORT Atom;
    if (NtAddAtom(const_cast<WCHAR*>(L"fuzz"), 8, &Atom) >= 0)
        NtDeleteAtom(Atom);
    // A type gets its entry in \\ObjectTypes with its first object.
    if (HANDLE Debug; NtCreateDebugObject(&Debug, 0x1F000F, nullptr, 0) >= 0)
        NtClose(Debug);
    for (Counts* C : { &After, &Then, &Before })
        C->Take();
    u32 Start = Milliseconds(), Quiet = 0;
    if (Good && Honest && StartHonest(Process) < 0)
        Good = false;
    // One service after the other, each in a run of its own.
    u64 Sweep = Option(L"--sweep", 0);
    for (u32 Service = 1; Sweep && Good && Service <= u32(abi::Service::Count); ++Service) {
        CleanUp();
        Then.Take();
        The->OnlyService = Service;
        Good = Round(Service, u32(Sweep));
        CleanUp();
        Sleep(5);
        After.Take();
        if (Counts::Compare(Then, After, false))
            Print("after service %u (%u calls)\n", Service, Sum());
        The->OnlyService = 0;
    }
    u32 Run = u32(Option(L"--run", 10));
    for (; Good && Made < Calls && Quiet < 20; ++Run) {
        u64 Was = Made;
        if (Each) {
            CleanUp();
            Then.Take();
        }
        u32 Quota = u32((Calls - Made + HostileThreads - 1) / HostileThreads);
        Good = Round(Run, Quota < 4000 ? Quota : 4000);
        Quiet = Made == Was ? Quiet + 1 : 0;
        if (Each) {
            CleanUp();
            Sleep(5);
            After.Take();
            if (Counts::Compare(Then, After, false))
                Print("after run %u (%u calls)\n", Run, u32(Made - Was));
        }
        if (Honest) {
            LARGE_INTEGER Now;
            Now.QuadPart = 0;
            if (NtWaitForSingleObject(Process, 0, &Now) == 0) {
                Print("the honest process ended during run %u\n", Run);
                break;
            }
        }
    }
    u32 Rounds = The->Rounds;
    if (Good && Honest)
        Verdict |= EndHonest(Process);
    CleanUp();
    // Threads of processes that have just ended are taken apart after their last message.
    Sleep(50);
    After.Take();
    Bad = Counts::Compare(Before, After, true);
    Print("seed %u: %u calls in %u runs, %u ms; honest rounds %u, verdict %u; %u mismatches\n", u32(Seed), u32(Made), Runs, Milliseconds() - Start, Rounds, Verdict, Bad);
    bool Enough = Made >= Calls;
    if (!Enough)
        Print("not enough calls\n");
    RtlExitUserProcess(Good && Enough && !Bad && !Verdict ? 0 : 1);
}
