// The cost of Win32 calls, in the protocol of bench/native/bench.hpp: markers around each round, a line for each row.
#define WIN32_NO_STATUS
#include <windows.h>
#undef WIN32_NO_STATUS
#include <ntstatus.h>

#include <initializer_list>

extern "C" int __cdecl _snprintf(char* Out, size_t Size, const char* Format, ...);
extern "C" LONG NTAPI NtClose(HANDLE);
extern "C" LONG NTAPI NtYieldExecution(void);

namespace {

struct Row {
    const char* Name;
    unsigned Operations;
    bool (*Prepare)();
    bool (*Run)(unsigned Count);
    void (*Finish)();
    const char* Note;
};

constexpr unsigned Rounds = 5;
constexpr char DataName[] = "C:\\work\\micro.dat", NewName[] = "C:\\work\\micro.new";
HANDLE File, A, B, C, D, Partner;
alignas(4096) char Buffer[65536];
char Far[65536];
unsigned Turns;

void Marker() { asm volatile("xchgq %%rcx, %%rcx" : : : "memory"); }

// --- what makes no system call

bool BadClose(unsigned Count)
{
    while (Count--)
        NtClose(reinterpret_cast<HANDLE>(0xDEAD0));
    return true;
}
bool Counter(unsigned Count)
{
    LARGE_INTEGER Now;
    while (Count--)
        QueryPerformanceCounter(&Now);
    return true;
}
bool SystemTime(unsigned Count)
{
    FILETIME Now;
    while (Count--)
        GetSystemTimeAsFileTime(&Now);
    return true;
}
bool Tick(unsigned Count)
{
    while (Count--)
        GetTickCount();
    return true;
}
bool YieldTurn(unsigned Count)
{
    while (Count--)
        NtYieldExecution();
    return true;
}
CRITICAL_SECTION Section;
bool MakeSection()
{
    InitializeCriticalSection(&Section);
    return true;
}
bool EnterLeave(unsigned Count)
{
    while (Count--) {
        EnterCriticalSection(&Section);
        LeaveCriticalSection(&Section);
    }
    return true;
}
void DeleteSection() { DeleteCriticalSection(&Section); }
bool Heap(unsigned Count)
{
    HANDLE Heap = GetProcessHeap();
    while (Count--) {
        void* Block = HeapAlloc(Heap, 0, 100);
        if (!Block)
            return false;
        HeapFree(Heap, 0, Block);
    }
    return true;
}

// --- objects

bool MakeSet() { return (A = CreateEventA(nullptr, TRUE, TRUE, nullptr)) != nullptr; }
bool MakeMutex() { return (A = CreateMutexA(nullptr, FALSE, nullptr)) != nullptr; }
void CloseA() { CloseHandle(A); }
bool CreateClose(unsigned Count)
{
    while (Count--) {
        HANDLE Event = CreateEventA(nullptr, TRUE, TRUE, nullptr);
        if (!Event)
            return false;
        CloseHandle(Event);
    }
    return true;
}
bool Set(unsigned Count)
{
    while (Count--)
        if (!SetEvent(A))
            return false;
    return true;
}
bool Wait(unsigned Count)
{
    while (Count--)
        if (WaitForSingleObject(A, INFINITE))
            return false;
    return true;
}
bool Mutex(unsigned Count)
{
    while (Count--)
        if (WaitForSingleObject(A, INFINITE) || !ReleaseMutex(A))
            return false;
    return true;
}
DWORD WINAPI PongEvent(void*)
{
    while (WaitForSingleObject(A, INFINITE) == 0 && Turns)
        SetEvent(B);
    return 0;
}
bool StartPong()
{
    A = CreateEventA(nullptr, FALSE, FALSE, nullptr);
    B = CreateEventA(nullptr, FALSE, FALSE, nullptr);
    Turns = 1;
    return A && B && (Partner = CreateThread(nullptr, 0, PongEvent, nullptr, 0, nullptr));
}
bool PingEvent(unsigned Count)
{
    while (Count--)
        if (!SetEvent(A) || WaitForSingleObject(B, INFINITE))
            return false;
    return true;
}
void StopPong()
{
    Turns = 0;
    SetEvent(A);
    WaitForSingleObject(Partner, INFINITE);
    for (HANDLE H : { A, B, Partner })
        CloseHandle(H);
}
CONDITION_VARIABLE Turned;
volatile int Turn;
DWORD WINAPI PongVariable(void*)
{
    EnterCriticalSection(&Section);
    while (Turns) {
        while (Turn != 1 && Turns)
            SleepConditionVariableCS(&Turned, &Section, INFINITE);
        Turn = 0;
        WakeConditionVariable(&Turned);
    }
    LeaveCriticalSection(&Section);
    return 0;
}
bool StartVariable()
{
    MakeSection();
    InitializeConditionVariable(&Turned);
    Turn = 0;
    Turns = 1;
    return (Partner = CreateThread(nullptr, 0, PongVariable, nullptr, 0, nullptr)) != nullptr;
}
bool PingVariable(unsigned Count)
{
    EnterCriticalSection(&Section);
    while (Count--) {
        Turn = 1;
        WakeConditionVariable(&Turned);
        while (Turn)
            SleepConditionVariableCS(&Turned, &Section, INFINITE);
    }
    LeaveCriticalSection(&Section);
    return true;
}
void StopVariable()
{
    EnterCriticalSection(&Section);
    Turns = 0;
    WakeAllConditionVariable(&Turned);
    LeaveCriticalSection(&Section);
    WaitForSingleObject(Partner, INFINITE);
    CloseHandle(Partner);
    DeleteSection();
}

// --- threads, processes

DWORD WINAPI Nothing(void*) { return 0; }
bool Threads(unsigned Count)
{
    while (Count--) {
        HANDLE Thread = CreateThread(nullptr, 0, Nothing, nullptr, 0, nullptr);
        if (!Thread)
            return false;
        WaitForSingleObject(Thread, INFINITE);
        CloseHandle(Thread);
    }
    return true;
}
bool Processes(unsigned Count)
{
    while (Count--) {
        char Command[] = "C:\\work\\return0.exe";
        STARTUPINFOA Startup {};
        Startup.cb = sizeof(Startup);
        PROCESS_INFORMATION Made;
        if (!CreateProcessA(nullptr, Command, nullptr, nullptr, FALSE, 0, nullptr, nullptr, &Startup, &Made))
            return false;
        DWORD Code = 1;
        WaitForSingleObject(Made.hProcess, INFINITE);
        GetExitCodeProcess(Made.hProcess, &Code);
        CloseHandle(Made.hThread);
        CloseHandle(Made.hProcess);
        if (Code)
            return false;
    }
    return true;
}

// --- memory

bool ManyPages(unsigned Count)
{
    while (Count) {
        unsigned Now = Count < 1024 ? Count : 1024;
        auto Base = static_cast<volatile char*>(VirtualAlloc(nullptr, SIZE_T(Now) * 4096, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE));
        if (!Base)
            return false;
        for (unsigned I = 0; I < Now; ++I)
            Base[SIZE_T(I) * 4096] = 1;
        VirtualFree(const_cast<char*>(Base), 0, MEM_RELEASE);
        Count -= Now;
    }
    return true;
}
bool OnePage(unsigned Count)
{
    while (Count--) {
        auto Base = static_cast<volatile char*>(VirtualAlloc(nullptr, 4096, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE));
        if (!Base)
            return false;
        *Base = 1;
        VirtualFree(const_cast<char*>(Base), 0, MEM_RELEASE);
    }
    return true;
}
char* Page;
bool MakePage()
{
    Page = static_cast<char*>(VirtualAlloc(nullptr, 4096, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE));
    if (Page)
        *static_cast<volatile char*>(Page) = 1;
    return Page != nullptr;
}
bool Protect(unsigned Count)
{
    DWORD Old;
    while (Count--)
        if (!VirtualProtect(Page, 4096, Count & 1 ? PAGE_READONLY : PAGE_READWRITE, &Old))
            return false;
    return true;
}
void FreePage() { VirtualFree(Page, 0, MEM_RELEASE); }

// --- files

bool MakeFile()
{
    File = CreateFileA(DataName, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ, nullptr, CREATE_ALWAYS, 0, nullptr);
    if (File == INVALID_HANDLE_VALUE)
        return false;
    DWORD Done;
    for (int I = 0; I < 16; ++I)
        if (!WriteFile(File, Buffer, sizeof(Buffer), &Done, nullptr))
            return false;
    return true;
}
void CloseFile() { CloseHandle(File); }
bool MakeAndClose()
{
    bool Ok = MakeFile();
    CloseFile();
    return Ok;
}
bool Read(unsigned Count)
{
    for (unsigned I = 0; I < Count; ++I) {
        DWORD Done;
        if (!(I & 255))
            SetFilePointer(File, 0, nullptr, FILE_BEGIN);
        if (!ReadFile(File, Buffer, 4096, &Done, nullptr) || Done != 4096)
            return false;
    }
    return true;
}
bool WriteOver(unsigned Count)
{
    for (unsigned I = 0; I < Count; ++I) {
        DWORD Done;
        if (!(I & 255))
            SetFilePointer(File, 0, nullptr, FILE_BEGIN);
        if (!WriteFile(File, Buffer, 4096, &Done, nullptr) || Done != 4096)
            return false;
    }
    return true;
}
bool Append(unsigned Count)
{
    HANDLE New = CreateFileA(NewName, GENERIC_WRITE, 0, nullptr, CREATE_ALWAYS, 0, nullptr);
    if (New == INVALID_HANDLE_VALUE)
        return false;
    while (Count--) {
        DWORD Done;
        if (!WriteFile(New, Buffer, 4096, &Done, nullptr) || Done != 4096)
            return false;
    }
    CloseHandle(New);
    return true;
}
void DeleteNew() { DeleteFileA(NewName); }
bool CreateDelete(unsigned Count)
{
    while (Count--) {
        HANDLE New = CreateFileA(NewName, GENERIC_WRITE, 0, nullptr, CREATE_ALWAYS, 0, nullptr);
        if (New == INVALID_HANDLE_VALUE)
            return false;
        CloseHandle(New);
        if (!DeleteFileA(NewName))
            return false;
    }
    return true;
}
bool OpenClose(unsigned Count)
{
    while (Count--) {
        HANDLE Opened = CreateFileA(DataName, GENERIC_READ, FILE_SHARE_READ, nullptr, OPEN_EXISTING, 0, nullptr);
        if (Opened == INVALID_HANDLE_VALUE)
            return false;
        CloseHandle(Opened);
    }
    return true;
}
bool GetAttributes(unsigned Count)
{
    while (Count--)
        if (GetFileAttributesA(DataName) == INVALID_FILE_ATTRIBUTES)
            return false;
    return true;
}
bool MakeMapping() { return MakeFile() && (A = CreateFileMappingA(File, nullptr, PAGE_READONLY, 0, 0, nullptr)); }
bool MapView(unsigned Count)
{
    while (Count--) {
        auto View = static_cast<volatile char*>(MapViewOfFile(A, FILE_MAP_READ, 0, 0, 65536));
        if (!View)
            return false;
        (void)View[0];
        UnmapViewOfFile(const_cast<char*>(View));
    }
    return true;
}
void CloseMapping()
{
    CloseA();
    CloseFile();
}

// --- the registry

HKEY Key;
constexpr char KeyName[] = "Software\\NeptuneMicro";
bool MakeKey()
{
    DWORD Number = 42;
    return !RegCreateKeyExA(HKEY_CURRENT_USER, KeyName, 0, nullptr, 0, KEY_ALL_ACCESS, nullptr, &Key, nullptr) &&
           !RegSetValueExA(Key, "value", 0, REG_DWORD, reinterpret_cast<BYTE*>(&Number), sizeof(Number));
}
void DeleteKey()
{
    RegCloseKey(Key);
    RegDeleteKeyA(HKEY_CURRENT_USER, KeyName);
}
bool QueryValue(unsigned Count)
{
    while (Count--) {
        DWORD Value, Type, Size = sizeof(Value);
        if (RegQueryValueExW(Key, L"value", nullptr, &Type, reinterpret_cast<BYTE*>(&Value), &Size))
            return false;
    }
    return true;
}
bool OpenKey(unsigned Count)
{
    while (Count--) {
        HKEY Opened;
        if (RegOpenKeyExA(HKEY_CURRENT_USER, KeyName, 0, KEY_READ, &Opened))
            return false;
        RegCloseKey(Opened);
    }
    return true;
}

// --- pipes

DWORD WINAPI Echo(void*)
{
    char Byte;
    DWORD Done;
    while (ReadFile(A, &Byte, 1, &Done, nullptr) && WriteFile(D, &Byte, 1, &Done, nullptr)) { }
    return 0;
}
bool StartEcho()
{
    return CreatePipe(&A, &B, nullptr, 0) && CreatePipe(&C, &D, nullptr, 0) && (Partner = CreateThread(nullptr, 0, Echo, nullptr, 0, nullptr));
}
bool PingByte(unsigned Count)
{
    while (Count--) {
        char Byte = 'x';
        DWORD Done;
        if (!WriteFile(B, &Byte, 1, &Done, nullptr) || !ReadFile(C, &Byte, 1, &Done, nullptr))
            return false;
    }
    return true;
}
void StopEcho()
{
    CloseHandle(B);
    WaitForSingleObject(Partner, INFINITE);
    for (HANDLE H : { A, C, D, Partner })
        CloseHandle(H);
}
DWORD WINAPI Drain(void*)
{
    DWORD Done;
    while (ReadFile(A, Far, sizeof(Far), &Done, nullptr) && Done) { }
    return 0;
}
bool StartDrain() { return CreatePipe(&A, &B, nullptr, 0) && (Partner = CreateThread(nullptr, 0, Drain, nullptr, 0, nullptr)); }
bool PipeChunk(unsigned Count)
{
    while (Count--) {
        DWORD Done;
        if (!WriteFile(B, Buffer, sizeof(Buffer), &Done, nullptr) || Done != sizeof(Buffer))
            return false;
    }
    return true;
}
void StopDrain()
{
    CloseHandle(B);
    WaitForSingleObject(Partner, INFINITE);
    CloseHandle(A);
    CloseHandle(Partner);
}

const Row Rows[] = {
    { "win32_null_call", 2000, nullptr, BadClose, nullptr, "NtClose of a handle that does not exist" },
    { "win32_qpc", 2000, nullptr, Counter, nullptr, "QueryPerformanceCounter" },
    { "win32_system_time", 2000, nullptr, SystemTime, nullptr, "GetSystemTimeAsFileTime" },
    { "win32_tick_count", 2000, nullptr, Tick, nullptr, "GetTickCount" },
    { "win32_yield", 2000, nullptr, YieldTurn, nullptr, "NtYieldExecution, nothing else to run" },
    { "win32_critical_section", 2000, MakeSection, EnterLeave, DeleteSection, "EnterCriticalSection and LeaveCriticalSection, uncontended" },
    { "win32_heap", 2000, nullptr, Heap, nullptr, "HeapAlloc and HeapFree of 100 bytes" },
    { "win32_create_event_close", 1000, nullptr, CreateClose, nullptr, "CreateEventA without a name, CloseHandle" },
    { "win32_set_event", 2000, MakeSet, Set, CloseA, "SetEvent of a set manual-reset event" },
    { "win32_wait_signalled", 2000, MakeSet, Wait, CloseA, "WaitForSingleObject of a set manual-reset event" },
    { "win32_mutex", 1000, MakeMutex, Mutex, CloseA, "WaitForSingleObject of a free mutex, ReleaseMutex" },
    { "win32_event_ping_pong", 1000, StartPong, PingEvent, StopPong, "round trip of two threads with two auto-reset events" },
    { "win32_condvar_ping_pong", 1000, StartVariable, PingVariable, StopVariable, "round trip of two threads with one condition variable and its critical section" },
    { "win32_thread_join", 100, nullptr, Threads, nullptr, "CreateThread of a function that returns, WaitForSingleObject, CloseHandle" },
    { "win32_process", 5, nullptr, Processes, nullptr, "CreateProcessA of return0.exe, WaitForSingleObject, GetExitCodeProcess, two CloseHandle" },
    { "win32_page", 1024, nullptr, ManyPages, nullptr, "per page of VirtualAlloc of 4 MiB, a write to each page, VirtualFree" },
    { "win32_one_page", 200, nullptr, OnePage, nullptr, "VirtualAlloc of one page, a write to it, VirtualFree" },
    { "win32_protect", 1000, MakePage, Protect, FreePage, "VirtualProtect of a touched page, read-only and read-write in turn" },
    { "win32_read_4k", 1000, MakeFile, Read, CloseFile, "ReadFile of 4 KiB, one after the other within 1 MiB" },
    { "win32_write_4k", 1000, MakeFile, WriteOver, CloseFile, "WriteFile of 4 KiB over existing data within 1 MiB" },
    { "win32_append_4k", 512, nullptr, Append, DeleteNew, "WriteFile of 4 KiB at the end of a new file" },
    { "win32_create_delete", 200, nullptr, CreateDelete, nullptr, "CreateFileA of a new file, CloseHandle, DeleteFileA" },
    { "win32_open_close", 500, MakeAndClose, OpenClose, nullptr, "CreateFileA of an existing file for reading, CloseHandle" },
    { "win32_get_attributes", 500, MakeAndClose, GetAttributes, nullptr, "GetFileAttributesA of an existing file" },
    { "win32_map_view", 200, MakeMapping, MapView, CloseMapping, "MapViewOfFile of 64 KiB, a read of its first byte, UnmapViewOfFile" },
    { "win32_reg_query", 1000, MakeKey, QueryValue, DeleteKey, "RegQueryValueExW of a DWORD" },
    { "win32_reg_open_close", 500, MakeKey, OpenKey, DeleteKey, "RegOpenKeyExA of HKCU\\Software\\NeptuneMicro, RegCloseKey" },
    { "win32_pipe_byte", 500, StartEcho, PingByte, StopEcho, "round trip of 1 byte between two threads through two anonymous pipes" },
    { "win32_pipe_64k", 100, StartDrain, PipeChunk, StopDrain, "WriteFile of 64 KiB to an anonymous pipe that another thread reads" },
};

void Print(const char* Text)
{
    DWORD Done;
    WriteFile(GetStdHandle(STD_OUTPUT_HANDLE), Text, DWORD(lstrlenA(Text)), &Done, nullptr);
}

bool Measure(const Row& R)
{
    if (R.Prepare && !R.Prepare())
        return false;
    bool Ok = R.Run(R.Operations > 8 ? 8 : R.Operations);
    for (unsigned I = 0; I < Rounds && Ok; ++I) {
        Marker();
        Ok = R.Run(R.Operations);
        Marker();
    }
    DWORD Error = GetLastError();
    if (R.Finish)
        R.Finish();
    SetLastError(Error);
    return Ok;
}

// Whether a word of the command line behind the program's name is Name; without any, every row is wanted.
bool IsWanted(const char* Name)
{
    const char* At = GetCommandLineA();
    bool Any = false;
    while (*At && *At != ' ')
        ++At;
    while (*At) {
        while (*At == ' ')
            ++At;
        if (!*At)
            break;
        Any = true;
        int Length = 0;
        while (At[Length] && At[Length] != ' ')
            ++Length;
        if (lstrlenA(Name) == Length) {
            bool Same = true;
            for (int I = 0; I < Length; ++I)
                Same &= At[I] == Name[I];
            if (Same)
                return true;
        }
        At += Length;
    }
    return !Any;
}

}

extern "C" void Start()
{
    for (const Row& R : Rows) {
        if (!IsWanted(R.Name))
            continue;
        char Line[512];
        bool Ok = Measure(R);
        if (Ok)
            _snprintf(Line, sizeof(Line), "row %s %u %u %s\n", R.Name, R.Operations, Rounds, R.Note);
        else
            _snprintf(Line, sizeof(Line), "fail %s %lu\n", R.Name, GetLastError());
        Line[sizeof(Line) - 1] = 0;
        Print(Line);
        if (!Ok)
            ExitProcess(1);
    }
    ExitProcess(0);
}
