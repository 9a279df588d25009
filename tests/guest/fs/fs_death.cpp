// The process of the file system is ended while files are open: everything goes on with the one that is started in its place.
#include "tests/guest/fs/fs.hpp"
#include "tests/guest/wdm/process.hpp"

extern "C" NTSTATUS NTAPI RtlCreateUserThread(HANDLE, PVOID, BOOLEAN, ULONG, SIZE_T, SIZE_T, PVOID Start, PVOID Argument, HANDLE* Thread, CLIENT_ID*);

using namespace fs;

static const HANDLE Self = reinterpret_cast<HANDLE>(-1ll);
static constexpr ULONG Bytes = 300 * 1024 + 77;
alignas(4096) static u8 Buffer[512 * 1024], Other[512 * 1024];

static void Wait(u32 Milliseconds)
{
    LARGE_INTEGER Time;
    Time.QuadPart = -10000ll * Milliseconds;
    NtDelayExecution(0, &Time);
}

// When there is one again.
static bool Kill()
{
    for (u32 Tries = 0; Tries < 1000; ++Tries) {
        if (wdm::KillDriver("fastfat") >= 0)
            return true;
        Wait(10);
    }
    return false;
}

static bool Is(HANDLE F, u32 Seed, ULONG Count = Bytes)
{
    Pattern(Buffer, Count, 0, Seed);
    u64 Done = 0;
    memset(Other, 0xEE, Count);
    return Read(F, Other, Count, 0, &Done) >= 0 && Done == Count && memcmp(Buffer, Other, Count) == 0;
}

static Opened Filled(const WCHAR* Name, u32 Seed, ULONG Options = 0, ULONG Count = Bytes)
{
    Opened F = Create(Name, FILE_CREATE, ReadWrite, Options);
    CHECK_EQ(u32(F.Status), 0);
    Pattern(Buffer, sizeof(Buffer), 0, Seed);
    CHECK_EQ(u32(Write(F, Buffer, Count, 0)), 0);
    return F;
}

static bool IsOnDisk(const WCHAR* Name, u32 Seed, ULONG Count = Bytes)
{
    Opened F = Create(Name, FILE_OPEN, FILE_GENERIC_READ, FILE_NO_INTERMEDIATE_BUFFERING);
    Pattern(Buffer, Count, 0, Seed);
    u64 Done = 0;
    return F.Status >= 0 && SizeOf(F) == Count && Read(F, Other, (Count + 511) & ~511u, 0, &Done) >= 0 && Done == Count && memcmp(Buffer, Other, Count) == 0;
}

static void Data()
{
    Opened F = Filled(L"death\\data.bin", 1), Second = Create(L"death\\data.bin", FILE_OPEN, FILE_GENERIC_READ);
    Opened Closed = Filled(L"death\\closed.bin", 2);
    Closed.Close();
    CHECK(Kill());
    CHECK_EQ(SizeOf(F), u64(Bytes));
    CHECK(Is(F, 1) && Is(Second, 1));
    // The shares are as they were.
    CHECK_EQ(u32(Create(L"death\\data.bin", FILE_OPEN, FILE_GENERIC_READ, 0, FILE_SHARE_READ).Status), u32(STATUS_SHARING_VIOLATION));
    CHECK_EQ(u32(Write(Second, "x", 1, 0)), u32(STATUS_ACCESS_DENIED));
    CHECK_EQ(u32(Write(F, "more", 4, Bytes)), 0);
    CHECK_EQ(SizeOf(Second), u64(Bytes + 4));
    CHECK_EQ(u32(SetSize(F, Bytes)), 0);
    CHECK_EQ(u32(Flush(F)), 0);
    CHECK(IsOnDisk(L"death\\data.bin", 1));
    {
        Opened Again = Create(L"death\\closed.bin", FILE_OPEN);
        CHECK_EQ(u32(Again.Status), 0);
        CHECK(Is(Again, 2));
        CHECK_EQ(u32(Flush(Again)), 0);
    }
    CHECK(IsOnDisk(L"death\\closed.bin", 2));
    // The place of a synchronous file.
    LARGE_INTEGER At { .QuadPart = 1000 };
    CHECK_EQ(u32(Set(F, FilePositionInformation, At)), 0);
    CHECK(Kill());
    u8 Some[16];
    CHECK_EQ(u32(Read(F, Some, 16)), 0);
    Pattern(Buffer, 1016, 0, 1);
    CHECK(memcmp(Some, Buffer + 1000, 16) == 0);
}

static void Sizes()
{
    Opened F = Create(L"death\\size.bin", FILE_CREATE), Raw = Filled(L"death\\raw.bin", 3, FILE_NO_INTERMEDIATE_BUFFERING, 64 * 1024);
    CHECK_EQ(u32(SetSize(F, 100'000)), 0);
    CHECK(Kill());
    CHECK_EQ(SizeOf(F), 100'000u);
    u64 Done = 0;
    memset(Other, 1, 4096);
    CHECK_EQ(u32(Read(F, Other, 4096, 50'000, &Done)), 0);
    CHECK(Done == 4096 && !Other[0] && !Other[4095]);
    CHECK(IsOnDisk(L"death\\raw.bin", 3, 64 * 1024));
    CHECK_EQ(u32(SetSize(F, 10)), 0);
    CHECK(Kill());
    CHECK_EQ(SizeOf(F), 10u);
}

static void Views()
{
    Opened F = Filled(L"death\\view.bin", 4);
    HANDLE Section = nullptr;
    CHECK_EQ(u32(NtCreateSection(&Section, SECTION_ALL_ACCESS, nullptr, nullptr, PAGE_READWRITE, SEC_COMMIT, F)), 0);
    PVOID Base = nullptr;
    SIZE_T Size = 0;
    CHECK_EQ(u32(NtMapViewOfSection(Section, Self, &Base, 0, 0, nullptr, &Size, ViewShare, 0, PAGE_READWRITE)), 0);
    auto* At = static_cast<u8*>(Base);
    F.Close();
    memset(At + 9000, 0x5A, 100);
    CHECK(Kill());
    At[9100] = 0x77;
    CHECK(At[9000] == 0x5A && At[9099] == 0x5A);
    Pattern(Buffer, Bytes, 0, 4);
    CHECK(memcmp(At + 10'000, Buffer + 10'000, Bytes - 10'000) == 0);
    PVOID Start = At;
    SIZE_T All = 0;
    IO_STATUS_BLOCK Io {};
    CHECK_EQ(u32(NtFlushVirtualMemory(Self, &Start, &All, &Io)), 0);
    Opened Raw = Create(L"death\\view.bin", FILE_OPEN, FILE_GENERIC_READ, FILE_NO_INTERMEDIATE_BUFFERING);
    CHECK_EQ(u32(Read(Raw, Other, 16384, 0)), 0);
    CHECK(Other[9000] == 0x5A && Other[9100] == 0x77 && Other[9101] == Buffer[9101]);
    CHECK_EQ(u32(NtUnmapViewOfSection(Self, At)), 0);
    NtClose(Section);
}

static void Locks()
{
    Opened A = Filled(L"death\\locked.bin", 5), B = Create(L"death\\locked.bin", FILE_OPEN);
    IO_STATUS_BLOCK Io {};
    LARGE_INTEGER At { .QuadPart = 100 }, Length { .QuadPart = 50 };
    CHECK_EQ(u32(NtLockFile(A, nullptr, nullptr, nullptr, &Io, &At, &Length, 0, 1, 1)), 0);
    LARGE_INTEGER Gone { .QuadPart = 500 };
    CHECK_EQ(u32(NtLockFile(A, nullptr, nullptr, nullptr, &Io, &Gone, &Length, 0, 1, 1)), 0);
    CHECK_EQ(u32(NtUnlockFile(A, &Io, &Gone, &Length, 0)), 0);
    CHECK(Kill());
    u8 Some[16];
    CHECK_EQ(u32(Read(B, Some, 10, 100)), u32(STATUS_FILE_LOCK_CONFLICT));
    CHECK_EQ(u32(Read(B, Some, 10, 90)), 0);
    CHECK_EQ(u32(Read(B, Some, 10, 500)), 0);
    CHECK_EQ(u32(Read(A, Some, 10, 100)), 0);
    CHECK_EQ(u32(NtUnlockFile(A, &Io, &At, &Length, 0)), 0);
    CHECK_EQ(u32(Read(B, Some, 10, 100)), 0);
    CHECK_EQ(u32(NtUnlockFile(A, &Io, &At, &Length, 0)), u32(STATUS_RANGE_NOT_LOCKED));
}

static void Deleting()
{
    Opened F = Filled(L"death\\on close.bin", 6, FILE_DELETE_ON_CLOSE), G = Filled(L"death\\pending.bin", 7), H = Filled(L"death\\closed late.bin", 8, FILE_DELETE_ON_CLOSE);
    CHECK_EQ(u32(Delete(G)), 0);
    CHECK(Kill());
    H.Close();                          // while there is no file system
    CHECK(!Exists(L"death\\closed late.bin"));
    FILE_STANDARD_INFORMATION S {};
    CHECK_EQ(u32(Query(F, FileStandardInformation, S)), 0);
    CHECK(!S.DeletePending);
    CHECK_EQ(u32(Query(G, FileStandardInformation, S)), 0);
    CHECK(S.DeletePending);
    CHECK_EQ(u32(Create(L"death\\pending.bin", FILE_OPEN).Status), u32(STATUS_DELETE_PENDING));
    CHECK(Is(F, 6) && Is(G, 7));
    F.Close();
    G.Close();
    CHECK(!Exists(L"death\\on close.bin") && !Exists(L"death\\pending.bin"));
}

static void Renaming()
{
    CHECK_EQ(u32(Folder(L"death\\before", FILE_CREATE).Status), 0);
    Opened F = Filled(L"death\\before\\old name.bin", 9);
    Opened Twice = Create(L"death\\before\\old name.bin", FILE_OPEN, FILE_GENERIC_READ);
    Filled(L"death\\before\\below.bin", 10).Close();
    CHECK_EQ(u32(Rename(F, L"death\\new name.bin", false)), 0);
    {
        Opened D = Folder(L"death\\before");
        CHECK_EQ(u32(Rename(D, L"death\\after", false)), 0);
    }
    CHECK(Kill());
    CHECK(Is(F, 9) && Is(Twice, 9));
    CHECK_EQ(u32(Flush(F)), 0);
    CHECK(IsOnDisk(L"death\\new name.bin", 9) && !Exists(L"death\\before"));
    Opened B = Create(L"death\\after\\below.bin", FILE_OPEN);
    CHECK(Is(B, 10));
    CHECK_EQ(u32(Flush(B)), 0);
    CHECK(IsOnDisk(L"death\\after\\below.bin", 10));
}

// The numbers of the files named N in the rest of the listing; each counted in Seen.
static u32 Next(HANDLE D, u8* Seen, u32 Most)
{
    u32 Count = 0;
    for (; Count < Most; ++Count) {
        IO_STATUS_BLOCK Io {};
        UNICODE_STRING Mask = wdm::String(L"n*");
        if (NtQueryDirectoryFile(D, nullptr, nullptr, nullptr, &Io, Buffer, 1024, FileBothDirectoryInformation, 1, &Mask, 0) < 0)
            break;
        WCHAR Digits[3];
        memcpy(Digits, Buffer + 94 + 2, 6);
        ++Seen[(Digits[0] - L'0') * 100 + (Digits[1] - L'0') * 10 + (Digits[2] - L'0')];
    }
    return Count;
}

static void Listing()
{
    constexpr u32 Count = 60;
    static u8 Seen[1000];
    WCHAR Name[] = L"death\\many\\n000";
    CHECK_EQ(u32(Folder(L"death\\many", FILE_CREATE).Status), 0);
    auto NameIt = [&](u32 N) {
        Name[12] = WCHAR(L'0' + N / 100);
        Name[13] = WCHAR(L'0' + N / 10 % 10);
        Name[14] = WCHAR(L'0' + N % 10);
        return Name;
    };
    for (u32 N = 0; N < Count; ++N)
        CHECK_EQ(u32(Create(NameIt(N), FILE_CREATE).Status), 0);
    memset(Seen, 0, sizeof(Seen));
    Opened D = Folder(L"death\\many"), Fresh = Folder(L"death\\many");
    CHECK_EQ(Next(D, Seen, 25), 25u);
    // Some of those that have been listed are deleted, the last one, too.
    for (u32 N : { 3u, 10u, 24u })
        CHECK_EQ(u32(Create(NameIt(N), FILE_OPEN, DELETE_ACCESS, FILE_DELETE_ON_CLOSE).Status), 0);
    CHECK(Kill());
    CHECK_EQ(Next(D, Seen, 1000), Count - 25);
    bool Once = true;
    for (u32 N = 0; N < Count; ++N)
        Once &= Seen[N] == 1;
    CHECK(Once);
    CHECK_EQ(Next(Fresh, Seen, 1000), Count - 3);
}

static void Noticing()
{
    Path P(L"death");
    OBJECT_ATTRIBUTES At { sizeof(At), nullptr, &P.Name, OBJ_CASE_INSENSITIVE, nullptr, nullptr };
    HANDLE Watch = nullptr;
    IO_STATUS_BLOCK Io {}, Result {};
    CHECK_EQ(u32(NtOpenFile(&Watch, FILE_LIST_DIRECTORY | SYNCHRONIZE, &At, &Io, FILE_SHARE_VALID_FLAGS, FILE_DIRECTORY_FILE)), 0);
    CHECK_EQ(u32(NtNotifyChangeDirectoryFile(Watch, nullptr, nullptr, nullptr, &Result, Buffer, 4096, FILE_NOTIFY_CHANGE_FILE_NAME, 0)), u32(STATUS_PENDING));
    CHECK(Kill());
    CHECK(Exists(L"death\\many"));      // it is back
    LARGE_INTEGER Soon { .QuadPart = -1'000'000 }, Later { .QuadPart = -50'000'000 };
    CHECK_EQ(u32(NtWaitForSingleObject(Watch, 0, &Soon)), u32(STATUS_TIMEOUT));
    CHECK_EQ(u32(Create(L"death\\noticed.txt", FILE_CREATE).Status), 0);
    CHECK_EQ(u32(NtWaitForSingleObject(Watch, 0, &Later)), 0);
    u32 Head[3];
    memcpy(Head, Buffer, 12);
    CHECK(Head[1] == u32(FILE_ACTION_ADDED) && Head[2] == 22 && memcmp(Buffer + 12, L"noticed.txt", 22) == 0);
    // Without a request under way what changed is not known: the folder is to be read again.
    CHECK(Kill());
    CHECK(Exists(L"death\\many"));
    CHECK_EQ(u32(NtNotifyChangeDirectoryFile(Watch, nullptr, nullptr, nullptr, &Result, Buffer, 4096, FILE_NOTIFY_CHANGE_FILE_NAME, 0)), u32(STATUS_NOTIFY_ENUM_DIR));
    NtClose(Watch);
}

static void Times()
{
    Opened F = Filled(L"death\\times.bin", 11);
    FILE_BASIC_INFORMATION Basic {};
    Basic.LastWriteTime.QuadPart = 126'000'000'000'000'000;
    Basic.FileAttributes = FILE_ATTRIBUTE_READONLY;
    CHECK_EQ(u32(Set(F, FileBasicInformation, Basic)), 0);
    CHECK(Kill());
    CHECK(Is(F, 11));
    CHECK_EQ(u32(Write(F, "first", 5, 0)), 0);
    F.Close();
    FILE_NETWORK_OPEN_INFORMATION Info {};
    CHECK_EQ(u32(Attributes(L"death\\times.bin", Info)), 0);
    CHECK_EQ(u64(Info.LastWriteTime.QuadPart), 126'000'000'000'000'000u);
    CHECK(Info.FileAttributes & FILE_ATTRIBUTE_READONLY);
}

static HANDLE OpenVolume()
{
    WCHAR Name[] = L"\\??\\R:";
    Name[4] = Drive;
    HANDLE V = nullptr;
    CHECK_EQ(u32(wdm::Open(&V, Name)), 0);
    return V;
}
static NTSTATUS Control(HANDLE V, ULONG Code)
{
    IO_STATUS_BLOCK Io {};
    return NtFsControlFile(V, nullptr, nullptr, nullptr, &Io, Code, nullptr, 0, nullptr, 0);
}

// The serial number, past the file system, which has another one in mind from here on.
static void ChangeSerial()
{
    HANDLE V = OpenVolume();
    CHECK_EQ(u32(Control(V, FSCTL_LOCK_VOLUME)), 0);
    CHECK_EQ(u32(Read(V, Other, 512, 0)), 0);
    Other[Other[22] || Other[23] ? 39 : 67] ^= 0xFF;
    CHECK_EQ(u32(Write(V, Other, 512, 0)), 0);
    CHECK_EQ(u32(Control(V, FSCTL_UNLOCK_VOLUME)), 0);
    NtClose(V);
}

static void AnotherVolume()
{
    {
        Opened F = Filled(L"death\\other.bin", 12);
        CHECK_EQ(u32(Flush(F)), 0);
    }
    ChangeSerial();
    {
        Opened F = Create(L"death\\other.bin", FILE_OPEN);
        CHECK(Is(F, 12));
        CHECK(Kill());
        u8 Some[16];
        CHECK_EQ(u32(Read(F, Some, 16, 0)), u32(STATUS_DEVICE_REMOVED));
        CHECK_EQ(u32(Write(F, Some, 16, 0)), u32(STATUS_DEVICE_REMOVED));
        Opened G = Create(L"death\\other.bin", FILE_OPEN);
        CHECK(Is(G, 12));
    }
    ChangeSerial();
    CHECK(Kill());
    CHECK(Exists(L"death\\other.bin"));
    // Who has the volume for himself may have changed anything.
    HANDLE V = OpenVolume();
    CHECK_EQ(u32(Control(V, FSCTL_LOCK_VOLUME)), 0);
    CHECK(Kill());
    CHECK_EQ(u32(Read(V, Other, 512, 0)), u32(STATUS_DEVICE_REMOVED));
    NtClose(V);
    CHECK(Exists(L"death\\other.bin"));
}

// Everything at once, while the process ends again and again at any moment.
static volatile bool Ends;
static u32 Kills;
static ULONG NTAPI Killer(PVOID)
{
    for (u32 Seed = 12345; !Ends;) {
        Seed = Seed * 1664525 + 1013904223;
        Wait(300 + (Seed >> 16) % 400);
        if (wdm::KillDriver("fastfat") >= 0)
            ++Kills;
    }
    return 0;
}

static void AnyMoment(u32 Rounds)
{
    HANDLE Thread = nullptr;
    Ends = false;
    Kills = 0;
    CHECK_EQ(u32(RtlCreateUserThread(Self, nullptr, 0, 0, 0, 0, reinterpret_cast<PVOID>(Killer), nullptr, &Thread, nullptr)), 0);
    Opened Keep = Create(L"death\\keep.bin", FILE_CREATE);
    u32 Trouble = 0;
    for (u32 Round = 0; Round < Rounds; ++Round) {
        u32 Seed = Round + 20;
        Opened F = Create(L"death\\any.tmp", FILE_OVERWRITE_IF);
        Pattern(Buffer, Bytes, 0, Seed);
        bool Fine = F.Status >= 0 && Write(F, Buffer, Bytes, 0) >= 0 && (Round & 1 || Flush(F) >= 0) && Rename(F, L"death\\any.bin", true) >= 0 && Is(F, Seed);
        F.Close();
        Pattern(Buffer, 1024, u64(Round) * 1024, 99);
        Fine &= Write(Keep, Buffer, 1024, i64(Round) * 1024) >= 0;
        Opened Again = Create(L"death\\any.bin", FILE_OPEN);
        Fine &= Again.Status >= 0 && Is(Again, Seed);
        if (!Fine && !Trouble++)
            tap::Print("# round %u: opened 0x%x, 0x%x\n", Round, u32(F.Status), u32(Again.Status));
    }
    Ends = true;
    NtWaitForSingleObject(Thread, 0, nullptr);
    NtClose(Thread);
    CHECK_EQ(Trouble, 0u);
    CHECK(Is(Keep, 99, Rounds * 1024));
    tap::Print("# %u rounds, %u kills\n", Rounds, Kills);
    CHECK(Kills > 0);
}

TAP_MAIN()
{
    CHECK_EQ(u32(LoadAll()), 0);
    for (WCHAR Letter = L'R'; Letter <= L'T'; ++Letter) {
        Drive = Letter;
        if (!Exists(L""))
            break;
        tap::Print("# drive %c\n", Letter);
        CHECK_EQ(u32(Folder(L"death", FILE_CREATE).Status), 0);
        Data();
        Sizes();
        Views();
        Locks();
        Deleting();
        Renaming();
        Listing();
        Noticing();
        Times();
        AnotherVolume();
        AnyMoment(Letter == L'R' ? 60 : 20);
    }
}
