// disk.sys over a port driver of the test's own, each in its process: a root device's bus tells of a disk, whose stack is built, started, read and written,
// loses its bottom again and again, and goes when the bus tells of it no more.
#include "tests/guest/wdm/drivers/ramscsi.hpp"
#include "tests/guest/wdm/load.hpp"

using namespace wdm;

static const WCHAR* PortKey = L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\RamScsi";
static const WCHAR* EnumPath = L"\\Registry\\Machine\\System\\CurrentControlSet\\Enum\\ROOT\\RAMSCSI\\0000";
static const WCHAR* DriveName = L"\\??\\PhysicalDrive0";
constexpr u32 Most = 1 << 20;
alignas(4096) static u8 Out[Most], In[Most];
static u8* Medium;

// The keys of Path, one after the other; the last one stays open.
static HANDLE MakeKeys(const WCHAR* Path)
{
    static WCHAR Part[300];
    HANDLE Last = nullptr;
    u32 At = 0, Slashes = 0;
    for (;; ++At) {
        if ((Path[At] == '\\' && ++Slashes > 5) || !Path[At]) {
            Part[At] = 0;
            UNICODE_STRING Name = String(Part);
            OBJECT_ATTRIBUTES Attributes { sizeof(OBJECT_ATTRIBUTES), nullptr, &Name, OBJ_CASE_INSENSITIVE, nullptr, nullptr };
            if (Last)
                NtClose(Last);
            if (NtCreateKey(&Last, 0xF003F, &Attributes, 0, nullptr, 0, nullptr) < 0)
                return nullptr;
        }
        if (!Path[At])
            return Last;
        Part[At] = Path[At];
    }
}

static bool SetText(HANDLE Key, const WCHAR* Name, const WCHAR* Value)
{
    UNICODE_STRING N = String(Name), V = String(Value);
    return NtSetValueKey(Key, &N, 0, 1, V.Buffer, V.Length + 2u) >= 0;
}

static NTSTATUS Move(HANDLE File, bool Write, u8* At, u32 Bytes, u64 Offset, u64* Done = nullptr)
{
    IO_STATUS_BLOCK Io {};
    LARGE_INTEGER Where;
    Where.QuadPart = i64(Offset);
    NTSTATUS S = (Write ? NtWriteFile : NtReadFile)(File, nullptr, nullptr, nullptr, &Io, At, Bytes, &Where, nullptr);
    if (Done)
        *Done = Io.Information;
    return S;
}

// SCSI_PASS_THROUGH of ntddscsi.h with room for data and sense data behind it.
struct PassThrough {
    u16 Length;
    u8 ScsiStatus, PathId, TargetId, Lun, CdbLength, SenseInfoLength, DataIn;
    u32 DataTransferLength, TimeOutValue;
    u64 DataBufferOffset;
    u32 SenseInfoOffset;
    u8 Cdb[16], Pad[4];
    u8 Sense[32];
    u8 Data[64];
};
static NTSTATUS Command(HANDLE File, u8 Operation, u8 A = 0, u8 B = 0, u8 C = 0, PassThrough* Result = nullptr)
{
    PassThrough P {};
    P.Length = 56;
    P.CdbLength = 6;
    P.SenseInfoLength = 32;
    P.SenseInfoOffset = __builtin_offsetof(PassThrough, Sense);
    P.DataBufferOffset = __builtin_offsetof(PassThrough, Data);
    P.DataIn = Operation == ramscsi::Count || Operation == 0x12 ? 1 : 2;
    P.DataTransferLength = P.DataIn == 1 ? 36 : 0;
    P.TimeOutValue = 5;
    u8 Cdb[] = { Operation, A, B, C, Operation == 0x12 ? u8(36) : u8(0), 0 };
    memcpy(P.Cdb, Cdb, sizeof(Cdb));
    NTSTATUS S = Control(File, 0x4D004, &P, sizeof(P), &P, sizeof(P));
    if (Result)
        *Result = P;
    return S;
}
static ramscsi::Counts Counts(HANDLE File)
{
    PassThrough P;
    ramscsi::Counts C {};
    Command(File, ramscsi::Count, 0, 0, 0, &P);
    memcpy(&C, P.Data, sizeof(C));
    return C;
}

static void FillOut(u32 Bytes, u32 Seed)
{
    for (u32 I = 0; I < Bytes; I += 4) {
        u32 V = (I ^ Seed * 2654435761u) * 40503u + Seed;
        memcpy(Out + I, &V, 4);
    }
}

static bool WritesAndReads(HANDLE File, u32 Bytes, u64 Offset, u32 Seed)
{
    FillOut(Bytes, Seed);
    memset(In, 0, Bytes);
    NTSTATUS W = Move(File, true, Out, Bytes, Offset), R = Move(File, false, In, Bytes, Offset);
    bool Fine = W == 0 && R == 0 && memcmp(In, Out, Bytes) == 0 && memcmp(Medium + Offset, Out, Bytes) == 0;
    if (!Fine)
        tap::Print("# %u bytes at %llu: write 0x%x, read 0x%x, read %s, medium %s\n", Bytes, Offset, u32(W), u32(R), memcmp(In, Out, Bytes) ? "differs" : "same",
                   memcmp(Medium + Offset, Out, Bytes) ? "differs" : "same");
    return Fine;
}

static bool MakeMedium()
{
    UNICODE_STRING Name = String(ramscsi::SectionName);
    OBJECT_ATTRIBUTES Attributes { sizeof(OBJECT_ATTRIBUTES), nullptr, &Name, OBJ_CASE_INSENSITIVE, nullptr, nullptr };
    LARGE_INTEGER Size;
    Size.QuadPart = i64(ramscsi::Sectors) * ramscsi::SectorBytes;
    HANDLE Section;
    if (NtCreateSection(&Section, 0xF001F, &Attributes, &Size, PAGE_READWRITE, 0x8000000, nullptr) < 0)
        return false;
    void* At = nullptr;
    u64 Bytes = 0;
    NTSTATUS S = NtMapViewOfSection(Section, reinterpret_cast<HANDLE>(-1), &At, 0, 0, nullptr, &Bytes, 2, 0, PAGE_READWRITE);
    Medium = static_cast<u8*>(At);
    return S >= 0;
}

static void Questions(HANDLE File)
{
    u8 Answer[64] {};
    u64 Bytes;
    u64 Length;
    CHECK_EQ(u32(Control(File, 0x7405C, nullptr, 0, &Length, 8, &Bytes)), 0);          // IOCTL_DISK_GET_LENGTH_INFO
    CHECK_EQ(Length, u64(ramscsi::Sectors) * ramscsi::SectorBytes);
    CHECK_EQ(u32(Control(File, 0x70000, nullptr, 0, Answer, 24, &Bytes)), 0);          // IOCTL_DISK_GET_DRIVE_GEOMETRY
    u32 Sector;
    memcpy(&Sector, Answer + 20, 4);
    CHECK_EQ(Sector, 512u);
    CHECK_EQ(u32(Control(File, 0x70000, nullptr, 0, Answer, 20)), u32(STATUS_BUFFER_TOO_SMALL));
    CHECK_EQ(u32(Control(File, 0x700A0, nullptr, 0, Answer, 64, &Bytes)), 0);          // ..._EX
    memcpy(&Length, Answer + 24, 8);
    CHECK_EQ(Length, u64(ramscsi::Sectors) * ramscsi::SectorBytes);
    u32 Number[3];
    CHECK_EQ(u32(Control(File, 0x2D1080, nullptr, 0, Number, 12)), 0);                 // IOCTL_STORAGE_GET_DEVICE_NUMBER
    CHECK(Number[0] == 7 && Number[2] == 0);
    u32 Query[3] = { 1, 0, 0 };
    CHECK_EQ(u32(Control(File, 0x2D1400, Query, 12, Answer, 32)), 0);                  // IOCTL_STORAGE_QUERY_PROPERTY, by the port driver
    memcpy(&Sector, Answer + 8, 4);
    CHECK_EQ(Sector, ramscsi::MostBytes);
    CHECK_EQ(u32(Control(File, 0x2D4800)), 0);                                         // IOCTL_STORAGE_CHECK_VERIFY
    PassThrough P;
    CHECK_EQ(u32(Command(File, 0x12, 0, 0, 0, &P)), 0);
    CHECK(memcmp(P.Data + 8, "NEPTUNE RAM DISK", 16) == 0);
    CHECK_EQ(u32(Command(File, 0xEE, 0, 0, 0, &P)), 0);
    CHECK(P.ScsiStatus == 2 && (P.Sense[2] & 15) == 5 && P.Sense[12] == 0x20);
}

static void Transfers(HANDLE File)
{
    u64 Done;
    CHECK(WritesAndReads(File, 512, 0, 1));
    CHECK(WritesAndReads(File, 4096, 512 * 7, 2));
    CHECK(WritesAndReads(File, 65536, 4096, 3));
    auto Before = Counts(File);
    CHECK(WritesAndReads(File, Most, 8192, 4));
    auto After = Counts(File);
    CHECK_EQ(After.Writes - Before.Writes, Most / ramscsi::MostBytes);
    CHECK_EQ(After.Largest, ramscsi::MostBytes);
    CHECK_EQ(After.Mapped - Before.Mapped, 2 * Most / ramscsi::MostBytes);     // lent, not copied: no address until the port driver asked
    CHECK_EQ(u32(Move(File, false, In, 100, 0)), u32(STATUS_INVALID_PARAMETER));
    CHECK_EQ(u32(Move(File, false, In, 512, 100)), u32(STATUS_INVALID_PARAMETER));
    CHECK_EQ(u32(Move(File, false, In, 512, u64(ramscsi::Sectors) * 512, &Done)), u32(STATUS_INVALID_PARAMETER));
    CHECK_EQ(u32(Move(File, false, In, 512, u64(ramscsi::Sectors - 1) * 512, &Done)), 0);
    IO_STATUS_BLOCK Io;
    CHECK_EQ(u32(NtFlushBuffersFile(File, &Io)), 0);
    CHECK_EQ(Counts(File).Flushes, 1u);
    // Pieces of one request are under way together.
    Command(File, ramscsi::Delay, 20);
    CHECK(WritesAndReads(File, Most, 0, 5));
    CHECK(Counts(File).MostInFlight >= 8);
    Command(File, ramscsi::Delay, 0);
}

static void Errors(HANDLE File)
{
    tap::Print("# errors\n");
    Command(File, ramscsi::Fail, 2, 6, 0x29);           // UNIT ATTENTION
    CHECK(WritesAndReads(File, 4096, 0, 6));
    Command(File, ramscsi::Fail, 3, 0xFF, 0);           // BUSY
    CHECK(WritesAndReads(File, 4096, 0, 7));
    Command(File, ramscsi::Fail, 200, 3, 0x11);         // MEDIUM ERROR, unrecovered read
    CHECK_EQ(u32(Move(File, false, In, 4096, 0)), u32(STATUS_DEVICE_DATA_ERROR));
    Command(File, ramscsi::Fail, 200, 7, 0x27);         // DATA PROTECT
    CHECK_EQ(u32(Move(File, true, Out, 4096, 0)), u32(STATUS_MEDIA_WRITE_PROTECTED));
    Command(File, ramscsi::Fail, 0);
    CHECK(WritesAndReads(File, 4096, 0, 8));
}

// The bottom dies under requests, which come to their end all the same.
static void Deaths(HANDLE File)
{
    tap::Print("# the port driver dies\n");
    HANDLE Killer;
    CHECK_EQ(u32(Open(&Killer, DriveName, FILE_GENERIC_READ | FILE_GENERIC_WRITE, 0)), 0);
    constexpr u32 Slots = 8, Bytes = 131072;
    static HANDLE Events[Slots];
    static IO_STATUS_BLOCK Io[Slots];
    HANDLE Writer;
    CHECK_EQ(u32(Open(&Writer, DriveName, FILE_GENERIC_READ | FILE_GENERIC_WRITE, 0)), 0);
    for (HANDLE& E : Events)
        NtCreateEvent(&E, 0x1F0003, nullptr, 0, 0);
    for (u32 Round = 0; Round < 5; ++Round) {
        FillOut(Most, 100 + Round);
        u32 Bad = 0;
        Command(File, ramscsi::Delay, 5);
        for (u32 I = 0; I < Slots; ++I) {
            LARGE_INTEGER Where;
            Where.QuadPart = i64(I) * Bytes;
            NTSTATUS S = NtWriteFile(Writer, Events[I], nullptr, nullptr, &Io[I], Out + I * Bytes, Bytes, &Where, nullptr);
            Bad += S != STATUS_PENDING && S != 0;
            if (I == Slots / 2) {
                // Its own answer is that the device was away.
                IO_STATUS_BLOCK KillIo {};
                static PassThrough P;
                P = {};
                P.Length = 56;
                P.CdbLength = 6;
                P.DataIn = 2;
                P.Cdb[0] = ramscsi::Die;
                HANDLE KillEvent;
                NtCreateEvent(&KillEvent, 0x1F0003, nullptr, 0, 0);
                S = NtDeviceIoControlFile(Killer, KillEvent, nullptr, nullptr, &KillIo, 0x4D004, &P, sizeof(P), &P, sizeof(P));
                if (S == STATUS_PENDING) {
                    NtWaitForSingleObject(KillEvent, 0, nullptr);
                    S = KillIo.Status;
                }
                Bad += S >= 0;
                NtClose(KillEvent);
            }
        }
        for (u32 I = 0; I < Slots; ++I) {
            NtWaitForSingleObject(Events[I], 0, nullptr);
            if (Io[I].Status != 0 || Io[I].Information != Bytes) {
                tap::Print("# round %u: request %u: 0x%x, %u bytes\n", Round, I, u32(Io[I].Status), u32(Io[I].Information));
                ++Bad;
            }
        }
        CHECK_EQ(Bad, 0u);
        CHECK(memcmp(Medium, Out, Most) == 0);
        memset(In, 0, Most);
        CHECK_EQ(u32(Move(File, false, In, Most, 0)), 0);
        CHECK(memcmp(In, Out, Most) == 0);
    }
    NtClose(Writer);
    NtClose(Killer);
    tap::Print("# the port driver hangs\n");
    HANDLE Hanger;
    CHECK_EQ(u32(Open(&Hanger, DriveName, FILE_GENERIC_READ | FILE_GENERIC_WRITE, 0)), 0);
    static PassThrough P;
    P = {};
    P.Length = 56;
    P.CdbLength = 6;
    P.DataIn = 2;
    P.Cdb[0] = ramscsi::Hang;
    static IO_STATUS_BLOCK HangIo {};
    NtDeviceIoControlFile(Hanger, Events[0], nullptr, nullptr, &HangIo, 0x4D004, &P, sizeof(P), &P, sizeof(P));
    CHECK(WritesAndReads(File, 65536, 0, 9));
    NtWaitForSingleObject(Events[0], 0, nullptr);
    CHECK(HangIo.Status < 0);
    NtClose(Hanger);
    for (HANDLE E : Events)
        NtClose(E);
}

TAP_MAIN()
{
    CHECK(MakeMedium());
    CHECK_EQ(u32(MakeKey(PortKey, L"\\??\\C:\\work\\ramscsi.sys")), 0);
    HANDLE Key = MakeKeys(EnumPath);
    CHECK(Key && SetText(Key, L"Service", L"RamScsi"));
    NtClose(Key);
    CHECK_EQ(u32(Load(PortKey)), 0);
    HANDLE File = nullptr;
    for (int Tries = 0; Tries < 300 && Open(&File, DriveName) < 0; ++Tries)
        Sleep(20);
    if (!CHECK(File != nullptr))
        return;
    Questions(File);
    Transfers(File);
    Errors(File);
    Deaths(File);
    tap::Print("# the disk is taken out\n");
    Command(File, ramscsi::Vanish);
    HANDLE Gone = nullptr;
    NTSTATUS S = 0;
    for (int Tries = 0; Tries < 200; ++Tries) {
        S = Open(&Gone, DriveName);
        if (S == STATUS_OBJECT_NAME_NOT_FOUND)
            break;
        // Between its surprise removal and its removal the disk has its name and refuses opens.
        if (S >= 0)
            NtClose(Gone);
        Sleep(20);
    }
    CHECK_EQ(u32(S), u32(STATUS_OBJECT_NAME_NOT_FOUND));
    CHECK(Move(File, false, In, 4096, 0) < 0);
    NtClose(File);
}
