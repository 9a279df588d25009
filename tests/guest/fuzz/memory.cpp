// Addresses, numbers and handles of the hostile caller.
#include "tests/guest/fuzz/child.hpp"

namespace fuzz {

Region Memory;
HANDLE Pool[KindCount][SlotsPerKind];

static u8* Allocate(u64 Bytes, ULONG Type, ULONG Protect)
{
    PVOID At = nullptr;
    SIZE_T Size = Bytes;
    return NtAllocateVirtualMemory(Self(), &At, 0, &Size, Type, Protect) >= 0 ? static_cast<u8*>(At) : nullptr;
}

bool MakeMemory()
{
    constexpr ULONG Both = MEM_RESERVE | MEM_COMMIT;
    Memory.Good = Allocate(GoodBytes, Both, PAGE_READWRITE);
    u8* Two = Allocate(2 * PageSize, MEM_RESERVE, PAGE_READWRITE);
    Memory.BeforeNothing = Two;
    PVOID At = Two;
    SIZE_T Size = PageSize;
    NtAllocateVirtualMemory(Self(), &At, 0, &Size, MEM_COMMIT, PAGE_READWRITE);
    Memory.ReadOnly = Allocate(PageSize, Both, PAGE_READONLY);
    Memory.NoAccess = Allocate(PageSize, Both, PAGE_NOACCESS);
    Memory.Guard = Allocate(PageSize, Both, PAGE_READWRITE | PAGE_GUARD);
    Memory.Reserved = Allocate(0x10000, MEM_RESERVE, PAGE_READWRITE);
    Memory.Code = Allocate(PageSize, Both, PAGE_EXECUTE_READWRITE);
    Memory.Playground = Allocate(PlaygroundBytes, MEM_RESERVE, PAGE_READWRITE);
    return Two && Memory.Good && Memory.ReadOnly && Memory.NoAccess && Memory.Guard && Memory.Reserved && Memory.Code && Memory.Playground;
}

u64 AnyNumber(Random& R)
{
    static constexpr u64 Corners[] = {
        0, 1, 2, 3, 4, 5, 7, 8, 12, 15, 16, 24, 31, 32, 40, 48, 56, 63, 64, 65, 72, 96, 104, 127, 128, 255, 256, 511, 512, 0x7FF, 0xFFF, 0x1000, 0x1001, 0x2000,
        0x3000, 0x4000, 0x8000, 0xFFFE, 0xFFFF, 0x10000, 0x10001, 0x20000, 0x100000, 0x7FFFFF, 0x1000000, 0x10000000, 0x40000000, 0x7FFFFFFF, 0x80000000,
        0x80000001, 0xFFFFFFF0, 0xFFFFFFFF, 0x100000000, 0x7FFFFFFFFFFF, 0x7FFFFFFFFFFFFFFF, 0x8000000000000000, 0xFFFFFFFF00000000, 0xFFFFFFFFFFFFF000,
        0xFFFFFFFFFFFFFFFE, 0xFFFFFFFFFFFFFFFF, 0x6E6F7270, 0x103, 0xC0, 0x101, 0x102,
    };
    switch (R.Below(4)) {
    case 0: return R.Next();
    case 1: return R.Below(64);
    case 2: return u64(1) << R.Below(64);
    default: return R.Of(Corners);
    }
}

u64 AnyAddress(Random& R, u32 Bytes, u32 Bad)
{
    auto At = [](const void* P) { return reinterpret_cast<u64>(P); };
    if (!R.Percent(Bad)) {
        if (Bytes >= GoodBytes)
            return At(Memory.Good);
        return At(Memory.Good) + AlignDown(R.Below(GoodBytes - Bytes), R.Percent(90) ? 16 : 1);
    }
    switch (R.Below(20)) {
    case 0: return 0;
    case 1: return R.Below(0x10000);
    case 2: return At(Memory.BeforeNothing) + PageSize - (Bytes ? R.Below(Bytes + 8) : R.Below(16));
    case 3: return At(Memory.ReadOnly) + R.Below(PageSize);
    case 4: return At(Memory.NoAccess);
    case 5: return At(Memory.Guard);
    case 6: return At(Memory.Reserved);
    case 7: return At(Memory.Playground) + AlignDown(R.Below(PlaygroundBytes), 8);
    case 8: return 0xFFFF800000000000 + R.Next() % 0x100000000;
    case 9: return 0x200000000000 + R.Below(0x100000);      // where the Executive's own image is, in its address space
    case 10: return 0x7FFE0000 + R.Below(0x1000);
    case 11: return 0x800000000000 - R.Below(0x20000);
    case 12: return R.Next();
    case 13: return ~u64(0) - R.Below(64);
    case 14: return At(RtlGetCurrentPeb()) + R.Below(0x400);
    case 15: return At(__builtin_frame_address(0)) - 0x2000;       // the stack, below
    case 16: return At(reinterpret_cast<const void*>(&AnyAddress)) & ~u64(PageMask);   // code
    case 17: return At(Memory.BeforeNothing) + R.Below(PageSize);
    case 18: return At(Memory.Code) + R.Below(PageSize);
    default: return R.Next() & 0x7FFFFFFFFFFF;
    }
}

namespace {

struct Hint {
    const char* Part;
    Kind Of;
};
const Hint Hints[] = {
    { "KeyedEvent", Kind::KeyedEvent }, { "Event", Kind::Event }, { "Mutant", Kind::Mutant }, { "Semaphore", Kind::Semaphore }, { "TimerHandle", Kind::Timer },
    { "Section", Kind::Section }, { "File", Kind::File }, { "Key", Kind::Key }, { "Token", Kind::Token }, { "Process", Kind::Process },
    { "Thread", Kind::Thread }, { "Job", Kind::Job }, { "WaitCompletionPacket", Kind::WaitPacket }, { "IoCompletion", Kind::Completion },
    { "Port", Kind::Port }, { "Link", Kind::Link }, { "Directory", Kind::Directory },
};

}

HANDLE AnyHandle(Random& R, const char* Name)
{
    u32 Way = R.Below(100);
    Kind K = Kind(R.Below(KindCount));
    u32 Slot = R.Below(SlotsPerKind);
    i64 Pseudo = -i64(1 + R.Below(7));
    u64 Wild = AnyNumber(R), Small = R.Below(96) * 4 + (R.Percent(5) ? R.Below(4) : 0);
    if (Way < 70) {
        for (const Hint& H : Hints)
            if (Contains(Name, H.Part)) {
                K = H.Of;
                break;
            }
        // What is a file has many faces.
        static constexpr Kind Files[] = { Kind::File, Kind::File, Kind::Folder, Kind::PipeServer, Kind::PipeClient, Kind::Mailslot, Kind::HostLink };
        if (K == Kind::File)
            K = R.Of(Files);
        if (K == Kind::Section && R.Percent(25))
            K = Kind::ImageSection;
        if ((K == Kind::Process || K == Kind::Thread) && R.Percent(50))
            return Handle(u64(K == Kind::Process ? -1 : -2));
        if (K == Kind::Event && Equal(Name, "Event") && R.Percent(50))
            return nullptr;
        return Pool[u32(K)][Slot];
    }
    if (Way < 82)
        return Pool[u32(K)][Slot];
    if (Way < 88)
        return Handle(u64(Pseudo));
    return Way < 94 ? Handle(Small) : Way < 97 ? nullptr : Handle(Wild);
}

// --- making objects

static NTSTATUS OpenPath(HANDLE* Out, const WCHAR* Path, ACCESS_MASK Access, ULONG Disposition, ULONG Options)
{
    UNICODE_STRING Name;
    RtlInitUnicodeString(&Name, Path);
    OBJECT_ATTRIBUTES Object { sizeof(OBJECT_ATTRIBUTES), nullptr, &Name, OBJ_CASE_INSENSITIVE, nullptr, nullptr };
    IO_STATUS_BLOCK Io {};
    return NtCreateFile(Out, Access | SYNCHRONIZE, &Object, &Io, nullptr, 0, 7, Disposition, Options, nullptr, 0);
}

static void Numbered(WCHAR* Path, u32 Number)
{
    while (*Path)
        ++Path;
    Path[0] = WCHAR('0' + Number);
    Path[1] = 0;
}

void Refresh(Random& R, Kind K, u32 Slot)
{
    HANDLE New = nullptr;
    u32 Choice = R.Below(4), Flag = R.Below(2), Sharp = R.Below(10);
    WCHAR Path[64];
    auto Set = [&](const WCHAR* Text, u32 Number) {
        u32 I = 0;
        for (; Text[I]; ++I)
            Path[I] = Text[I];
        Path[I] = 0;
        Numbered(Path, Number);
    };
    OBJECT_ATTRIBUTES Object { sizeof(OBJECT_ATTRIBUTES), nullptr, nullptr, OBJ_CASE_INSENSITIVE, nullptr, nullptr };
    UNICODE_STRING Name;
    LARGE_INTEGER Size, Wait;
    IO_STATUS_BLOCK Io {};
    switch (K) {
    case Kind::Event: NtCreateEvent(&New, EVENT_ALL_ACCESS, nullptr, Flag, Choice == 0); break;
    case Kind::Mutant: NtCreateMutant(&New, MUTANT_ALL_ACCESS, nullptr, Choice == 0); break;
    case Kind::Semaphore: NtCreateSemaphore(&New, SEMAPHORE_ALL_ACCESS, nullptr, LONG(Choice), 4); break;
    case Kind::Timer: NtCreateTimer(&New, TIMER_ALL_ACCESS, nullptr, Flag); break;
    case Kind::KeyedEvent: NtCreateKeyedEvent(&New, KEYEDEVENT_ALL_ACCESS, nullptr, 0); break;
    case Kind::Section:
        Size.QuadPart = 0x3000 + Choice * 0x10001;
        NtCreateSection(&New, 0xF001F, nullptr, &Size, PAGE_EXECUTE_READWRITE, Sharp ? 0x8000000 : 0x4000000, Choice == 3 ? Pool[u32(Kind::File)][Slot] : nullptr);
        break;
    case Kind::ImageSection: {
        HANDLE File = nullptr;
        OpenPath(&File, L"\\SystemRoot\\System32\\ntdll.dll", FILE_GENERIC_READ | FILE_EXECUTE, FILE_OPEN, 0x20);
        NtCreateSection(&New, 0xF001F, nullptr, nullptr, PAGE_EXECUTE, 0x1000000, File);
        NtClose(File);
        break;
    }
    case Kind::File:
        Set(L"\\??\\C:\\fuzz\\file", Slot);
        OpenPath(&New, Path, Sharp ? FILE_ALL_ACCESS : FILE_GENERIC_READ, FILE_OPEN_IF, Flag ? 0x20 : 0);
        break;
    case Kind::Folder:
        Set(L"\\??\\C:\\fuzz\\folder", Choice);
        OpenPath(&New, Path, FILE_ALL_ACCESS, FILE_OPEN_IF, 0x1 | (Flag ? 0x20 : 0));
        break;
    case Kind::PipeServer:
        Set(L"\\Device\\NamedPipe\\fuzz", Slot);
        RtlInitUnicodeString(&Name, Path);
        Object.ObjectName = &Name;
        Wait.QuadPart = -500000;
        NtCreateNamedPipeFile(&New, FILE_GENERIC_READ | FILE_GENERIC_WRITE, &Object, &Io, 3, FILE_OPEN_IF, Flag ? 0x20 : 0, Choice & 1, Choice >> 1, 0, 3, 512, 512, &Wait);
        break;
    case Kind::PipeClient:
        Set(L"\\Device\\NamedPipe\\fuzz", Slot);
        OpenPath(&New, Path, FILE_GENERIC_READ | FILE_GENERIC_WRITE, FILE_OPEN, Flag ? 0x20 : 0);
        break;
    case Kind::Mailslot:
        Set(L"\\Device\\Mailslot\\fuzz", Slot);
        RtlInitUnicodeString(&Name, Path);
        Object.ObjectName = &Name;
        Wait.QuadPart = 0;
        NtCreateMailslotFile(&New, FILE_GENERIC_READ | FILE_GENERIC_WRITE, &Object, &Io, 0, 0, 0, &Wait);
        break;
    case Kind::Key: {
        Set(L"\\Registry\\Machine\\Software\\fuzz\\key", Slot);
        RtlInitUnicodeString(&Name, Path);
        Object.ObjectName = &Name;
        ULONG Was;
        NtCreateKey(&New, 0xF003F, &Object, 0, nullptr, 0, &Was);
        break;
    }
    case Kind::Token:
        NtOpenProcessToken(Self(), TOKEN_ALL_ACCESS, &New);
        if (Flag) {
            HANDLE Copy = nullptr;
            SECURITY_QUALITY_OF_SERVICE Qos { sizeof(Qos), SecurityImpersonation, 0, 0 };
            Object.SecurityQualityOfService = &Qos;
            NtDuplicateToken(New, TOKEN_ALL_ACCESS, &Object, 0, Choice & 1 ? TokenPrimary : TokenImpersonation, &Copy);
            NtClose(New);
            New = Copy;
        }
        break;
    case Kind::Process: NtDuplicateObject(Self(), Self(), Self(), &New, 0, 0, DUPLICATE_SAME_ACCESS); break;
    case Kind::Thread: NtDuplicateObject(Self(), Handle(u64(-2)), Self(), &New, 0, 0, DUPLICATE_SAME_ACCESS); break;
    case Kind::Job: NtCreateJobObject(&New, 0x1F003F, nullptr); break;
    case Kind::Completion: NtCreateIoCompletion(&New, 0x1F0003, nullptr, Choice); break;
    case Kind::WaitPacket: NtCreateWaitCompletionPacket(&New, 1, nullptr); break;
    case Kind::Port:
        NtCreatePort(&New, &Object, 64, 256, 0);
        break;
    case Kind::Link:
        Set(L"\\BaseNamedObjects\\fuzzlink", Slot);
        RtlInitUnicodeString(&Name, L"\\BaseNamedObjects");
        NtCreateSymbolicLinkObject(&New, 0xF0001, nullptr, &Name);
        break;
    case Kind::Directory: NtCreateDirectoryObject(&New, 0xF000F, nullptr); break;
    case Kind::HostLink: OpenPath(&New, L"\\Device\\HostLink\\stdout", FILE_GENERIC_WRITE, FILE_OPEN, 0x20); break;
    case Kind::Count: break;
    }
    HANDLE Old = Pool[u32(K)][Slot];
    Pool[u32(K)][Slot] = New;
    if (Old)
        NtClose(Old);
}

}
