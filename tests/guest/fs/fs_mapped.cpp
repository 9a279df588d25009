// Mapped files of a volume on a disk: pages come when they are touched, by the program and by services; what is written there reaches the file.
#include "tests/guest/fs/fs.hpp"

using namespace fs;

static const HANDLE Self = reinterpret_cast<HANDLE>(-1ll);
static constexpr ULONG Bytes = 400 * 1024 + 123;
alignas(4096) static u8 Buffer[512 * 1024], Other[512 * 1024];

// Written past the cache, so that its pages are on the disk only.
static bool MakeCold(const WCHAR* Name, u32 Seed)
{
    Opened F = Create(Name, FILE_CREATE, ReadWrite, FILE_NO_INTERMEDIATE_BUFFERING);
    Pattern(Buffer, sizeof(Buffer), 0, Seed);
    return F.Status >= 0 && Write(F, Buffer, (Bytes + 511) & ~511u, 0) >= 0 && SetSize(F, Bytes) >= 0;
}

struct View {
    HANDLE Section = nullptr;
    u8* At = nullptr;
    SIZE_T Size = 0;
    NTSTATUS Status;
    explicit View(HANDLE File, ULONG Protect = PAGE_READWRITE, ULONG Attributes = SEC_COMMIT)
    {
        Status = NtCreateSection(&Section, SECTION_ALL_ACCESS, nullptr, nullptr, Protect, Attributes, File);
        PVOID Base = nullptr;
        if (Status >= 0)
            Status = NtMapViewOfSection(Section, Self, &Base, 0, 0, nullptr, &Size, ViewShare, 0, Protect);
        At = static_cast<u8*>(Base);
    }
    ~View()
    {
        if (At)
            NtUnmapViewOfSection(Self, At);
        if (Section)
            NtClose(Section);
    }
    NTSTATUS Flush()
    {
        PVOID Base = At;
        SIZE_T All = 0;
        IO_STATUS_BLOCK Io {};
        return NtFlushVirtualMemory(Self, &Base, &All, &Io);
    }
};

static void Touching()
{
    CHECK(MakeCold(L"mapped.bin", 1));
    Opened F = Create(L"mapped.bin", FILE_OPEN);
    CHECK_EQ(u32(F.Status), 0);
    View V(F);
    CHECK_EQ(u32(V.Status), 0);
    Pattern(Buffer, Bytes, 0, 1);
    CHECK_EQ(V.At[200 * 1024 + 7], Buffer[200 * 1024 + 7]);
    CHECK(memcmp(V.At, Buffer, Bytes) == 0);
    CHECK_EQ(V.At[Bytes], 0);           // behind the end of the file, in its last page
    // What is written there is read, and the other way round.
    memset(V.At + 5000, 0x5A, 9000);
    u64 Done = 0;
    CHECK_EQ(u32(Read(F, Other, 9000, 5000, &Done)), 0);
    CHECK_EQ(Done, 9000u);
    CHECK(memcmp(V.At + 5000, Other, 9000) == 0);
    CHECK_EQ(u32(Write(F, "through the file", 16, 100 * 1024)), 0);
    CHECK(memcmp(V.At + 100 * 1024, "through the file", 16) == 0);
    // It is on the disk after a flush: read past the cache. And what is written after that is noticed, too.
    CHECK_EQ(u32(V.Flush()), 0);
    {
        Opened Raw = Create(L"mapped.bin", FILE_OPEN, FILE_GENERIC_READ, FILE_NO_INTERMEDIATE_BUFFERING);
        CHECK_EQ(u32(Read(Raw, Other, 16384, 0, &Done)), 0);
        CHECK_EQ(Other[5000], 0x5A);
        CHECK_EQ(Other[13999], 0x5A);
    }
    V.At[5000] = 0x77;
    CHECK_EQ(u32(V.Flush()), 0);
    {
        Opened Raw = Create(L"mapped.bin", FILE_OPEN, FILE_GENERIC_READ, FILE_NO_INTERMEDIATE_BUFFERING);
        CHECK_EQ(u32(Read(Raw, Other, 16384, 0, &Done)), 0);
        CHECK_EQ(Other[5000], 0x77);
    }
    // A mapped file does not become shorter.
    CHECK_EQ(u32(SetSize(F, 1000)), u32(STATUS_USER_MAPPED_FILE));
}

// Services that meet pages which are not there.
static void Services()
{
    CHECK(MakeCold(L"cold1.bin", 2));
    CHECK(MakeCold(L"cold2.bin", 3));
    Opened One = Create(L"cold1.bin", FILE_OPEN), Two = Create(L"cold2.bin", FILE_OPEN), Out = Create(L"copy.bin", FILE_CREATE);
    View A(One), B(Two);
    CHECK_EQ(u32(A.Status | B.Status), 0);
    // A write from an untouched view; a read into an untouched view.
    u64 Done = 0;
    CHECK_EQ(u32(Write(Out, A.At + 3000, 300 * 1024, 0, &Done)), 0);
    CHECK_EQ(Done, 300 * 1024u);
    Pattern(Buffer, Bytes, 0, 2);
    CHECK_EQ(u32(Read(Out, Other, 300 * 1024, 0, &Done)), 0);
    CHECK(memcmp(Other, Buffer + 3000, 300 * 1024) == 0);
    CHECK_EQ(u32(Read(Out, B.At + 4097, 100 * 1024, 10, &Done)), 0);
    CHECK_EQ(Done, 100 * 1024u);
    CHECK(memcmp(B.At + 4097, Buffer + 3010, 100 * 1024) == 0);
    Pattern(Buffer, Bytes, 0, 3);
    CHECK_EQ(B.At[4096], Buffer[4096]);
    CHECK(memcmp(B.At + 4097 + 100 * 1024, Buffer + 4097 + 100 * 1024, 1000) == 0);
    // The status block, sizes and handles in pages nobody has touched: results arrive, and what is around them is the file's.
    auto* Io = reinterpret_cast<IO_STATUS_BLOCK*>(B.At + 250 * 1024);
    LARGE_INTEGER Zero {};
    CHECK_EQ(u32(NtReadFile(Out, nullptr, nullptr, nullptr, Io, Other, 100, &Zero, nullptr)), 0);
    CHECK_EQ(u64(Io->Information), 100u);
    CHECK_EQ(B.At[250 * 1024 + 16], Buffer[250 * 1024 + 16]);
    auto* Got = reinterpret_cast<MEMORY_BASIC_INFORMATION*>(B.At + 300 * 1024 - 20);      // across two pages
    CHECK_EQ(u32(NtQueryVirtualMemory(Self, B.At, MemoryBasicInformation, Got, sizeof(*Got), nullptr)), 0);
    CHECK(Got->BaseAddress == B.At);
    CHECK_EQ(u32(Got->Type), u32(MEM_MAPPED));
    auto* Handle = reinterpret_cast<HANDLE*>(B.At + 340 * 1024);
    CHECK_EQ(u32(NtCreateEvent(Handle, 0x1F0003 /* EVENT_ALL_ACCESS */, nullptr, 0, 0)), 0);
    CHECK_EQ(u32(NtClose(*Handle)), 0);
    // Memory of a process read and written as memory.
    SIZE_T Moved = 0;
    CHECK(MakeCold(L"cold3.bin", 4));
    Opened Three = Create(L"cold3.bin", FILE_OPEN);
    View C(Three);
    CHECK_EQ(u32(NtReadVirtualMemory(Self, C.At + 123, Other, 200 * 1024, &Moved)), 0);
    CHECK_EQ(u64(Moved), 200 * 1024u);
    Pattern(Buffer, Bytes, 0, 4);
    CHECK(memcmp(Other, Buffer + 123, 200 * 1024) == 0);
    CHECK_EQ(u32(NtWriteVirtualMemory(Self, C.At + 300 * 1024, Other, 4096, &Moved)), 0);
    CHECK(memcmp(C.At + 300 * 1024, Other, 4096) == 0);
    CHECK_EQ(u32(Delete(Out)), 0);
}

static void Copies()
{
    Opened F = Create(L"cold1.bin", FILE_OPEN);
    View V(F, PAGE_WRITECOPY);
    CHECK_EQ(u32(V.Status), 0);
    u8 Before = V.At[50000], Byte = 0;
    V.At[50000] = u8(Before + 1);
    u64 Done = 0;
    CHECK_EQ(u32(Read(F, &Byte, 1, 50000, &Done)), 0);
    CHECK_EQ(Byte, Before);
    CHECK_EQ(V.At[50000], u8(Before + 1));
}

// A section makes a file longer; what nobody wrote is zero.
static void Growing()
{
    Opened F = Create(L"grown.bin", FILE_CREATE);
    CHECK_EQ(u32(Write(F, "start", 5, 0)), 0);
    HANDLE Section = nullptr;
    LARGE_INTEGER Size;
    Size.QuadPart = 200 * 1024;
    CHECK_EQ(u32(NtCreateSection(&Section, SECTION_ALL_ACCESS, nullptr, &Size, PAGE_READWRITE, SEC_COMMIT, F)), 0);
    CHECK_EQ(SizeOf(F), 200 * 1024u);
    PVOID Base = nullptr;
    SIZE_T All = 0;
    CHECK_EQ(u32(NtMapViewOfSection(Section, Self, &Base, 0, 0, nullptr, &All, ViewShare, 0, PAGE_READWRITE)), 0);
    auto* At = static_cast<u8*>(Base);
    CHECK(memcmp(At, "start", 5) == 0);
    CHECK_EQ(At[5], 0);
    CHECK_EQ(At[150 * 1024], 0);
    At[150 * 1024] = 9;
    IO_STATUS_BLOCK Io {};
    All = 0;
    CHECK_EQ(u32(NtFlushVirtualMemory(Self, &Base, &All, &Io)), 0);
    NtUnmapViewOfSection(Self, At);
    NtClose(Section);
    F.Close();
    Opened Raw = Create(L"grown.bin", FILE_OPEN, FILE_GENERIC_READ, FILE_NO_INTERMEDIATE_BUFFERING);
    u64 Done = 0;
    CHECK_EQ(u32(Read(Raw, Other, 200 * 1024, 0, &Done)), 0);
    CHECK_EQ(Done, 200 * 1024u);
    CHECK_EQ(Other[150 * 1024], 9);
    CHECK_EQ(Other[5], 0);
    CHECK_EQ(Other[100 * 1024], 0);
}

TAP_MAIN()
{
    CHECK_EQ(u32(LoadAll()), 0);
    Touching();
    Services();
    Copies();
    Growing();
    for (const WCHAR* Name : { L"mapped.bin", L"cold1.bin", L"cold2.bin", L"cold3.bin", L"grown.bin" }) {
        Opened F = Create(Name, FILE_OPEN);
        CHECK_EQ(u32(Delete(F)), 0);
    }
}
