// Volumes and their names by Win32 and by the mount manager's own requests. The machine has a disk with three partitions (two with FAT: D: and E:, one of another system's)
// and a disk that is one FAT volume (F:); h.txt on D: says "from the host".
#include "tests/guest/win32/tap.hpp"

#include <winioctl.h>

namespace {

constexpr DWORD QueryPoints = 0x6D0008, CreatePoint = 0x6DC000, DeletePoints = 0x6DC004, NextLetter = 0x6DC010, ChangeNotify = 0x6D4020, QueryPath = 0x6D0030,
                QueryPaths = 0x6D0034, QueryAutoMount = 0x6D003C, SetAutoMount = 0x6DC040;

struct Point {
    ULONG LinkOffset;
    USHORT LinkBytes;
    ULONG IdOffset;
    USHORT IdBytes;
    ULONG DeviceOffset;
    USHORT DeviceBytes;
};
struct Points {
    ULONG Size, Count;
    Point At[1];
};

HANDLE Manager;
alignas(8) BYTE In[4096], Out[16384];

// The error; Got: bytes that came back.
DWORD Ask(DWORD Code, DWORD InBytes, DWORD OutBytes, DWORD* Got = nullptr)
{
    DWORD Done = 0;
    OVERLAPPED O = {};
    O.hEvent = CreateEventW(nullptr, TRUE, FALSE, nullptr);
    DWORD Error = 0;
    if (!DeviceIoControl(Manager, Code, In, InBytes, Out, OutBytes, &Done, &O)) {
        Error = GetLastError();
        if (Error == ERROR_IO_PENDING)
            Error = GetOverlappedResult(Manager, &O, &Done, TRUE) ? 0 : GetLastError();
    }
    CloseHandle(O.hEvent);
    if (Got)
        *Got = Done;
    return Error;
}

// A mount point with only a link's or a device's name. Bytes of it.
DWORD PutPoint(const wchar_t* Link, const wchar_t* Device = nullptr)
{
    auto& P = *reinterpret_cast<Point*>(In);
    P = {};
    DWORD At = sizeof(P);
    auto Put = [&](const wchar_t* Text, ULONG& Offset, USHORT& Bytes) {
        if (!Text)
            return;
        Bytes = USHORT(lstrlenW(Text) * 2);
        Offset = At;
        memcpy(In + At, Text, Bytes);
        At += Bytes;
    };
    Put(Link, P.LinkOffset, P.LinkBytes);
    Put(Device, P.DeviceOffset, P.DeviceBytes);
    return At;
}

DWORD PutCreate(const wchar_t* Link, const wchar_t* Device)
{
    USHORT LinkBytes = USHORT(lstrlenW(Link) * 2), DeviceBytes = USHORT(lstrlenW(Device) * 2);
    USHORT Head[4] = { 8, LinkBytes, USHORT(8 + LinkBytes), DeviceBytes };
    memcpy(In, Head, 8);
    memcpy(In + 8, Link, LinkBytes);
    memcpy(In + 8 + LinkBytes, Device, DeviceBytes);
    return 8u + LinkBytes + DeviceBytes;
}

DWORD PutTarget(const wchar_t* Device)
{
    USHORT Bytes = USHORT(lstrlenW(Device) * 2);
    memcpy(In, &Bytes, 2);
    memcpy(In + 2, Device, Bytes);
    return 2u + Bytes;
}

bool Reads(const wchar_t* Path, const char* Want)
{
    HANDLE File = CreateFileW(Path, GENERIC_READ, FILE_SHARE_READ, nullptr, OPEN_EXISTING, 0, nullptr);
    if (File == INVALID_HANDLE_VALUE)
        return false;
    char Text[64] = {};
    DWORD Done = 0;
    BOOL Good = ReadFile(File, Text, sizeof(Text) - 1, &Done, nullptr);
    CloseHandle(File);
    return Good && lstrcmpA(Text, Want) == 0;
}

bool Writes(const wchar_t* Path, const char* Text)
{
    HANDLE File = CreateFileW(Path, GENERIC_WRITE, 0, nullptr, CREATE_ALWAYS, 0, nullptr);
    DWORD Done = 0;
    BOOL Good = File != INVALID_HANDLE_VALUE && WriteFile(File, Text, DWORD(lstrlenA(Text)), &Done, nullptr);
    CloseHandle(File);
    return Good && Done == DWORD(lstrlenA(Text));
}

void Win32()
{
    memset(In, 0, 32);
    In[24] = 'D';
    DWORD Got = 0;
    CHECK_EQ(Ask(0x6D4084, 32, 32, &Got), 0ul);
    CHECK(Got == 32 && Out[0] == 32 && Out[4] == DRIVE_FIXED);
    CHECK_EQ(GetLogicalDrives() & 0xFC, 0x3Cul);
    CHECK_EQ(GetDriveTypeW(L"D:\\"), UINT(DRIVE_FIXED));
    CHECK_EQ(GetDriveTypeW(L"C:\\"), UINT(DRIVE_FIXED));
    CHECK_EQ(GetDriveTypeW(L"G:\\"), UINT(DRIVE_NO_ROOT_DIR));
    CHECK(Reads(L"D:\\h.txt", "from the host"));
    CHECK(Writes(L"D:\\g.txt", "from the guest"));
    CHECK(Writes(L"E:\\e.txt", "the second partition"));
    CHECK(Writes(L"F:\\f.txt", "the disk without a table"));
    CHECK(Reads(L"F:\\f.txt", "the disk without a table"));
    wchar_t FileSystem[16] = {};
    CHECK(GetVolumeInformationW(L"D:\\", nullptr, 0, nullptr, nullptr, nullptr, FileSystem, 16));
    CHECK_TEXT(FileSystem, L"FAT32");
    ULARGE_INTEGER Total = {};
    CHECK(GetDiskFreeSpaceExW(L"E:\\", nullptr, &Total, nullptr));
    CHECK(Total.QuadPart > 45ull << 20 && Total.QuadPart <= 48ull << 20);
    // Names of volumes.
    wchar_t Name[64] = {}, Path[128] = {}, Device[64] = {};
    CHECK(GetVolumeNameForVolumeMountPointW(L"D:\\", Name, 64));
    CHECK(lstrlenW(Name) == 49 && memcmp(Name, L"\\\\?\\Volume{", 22) == 0);
    lstrcpyW(Path, Name);
    lstrcatW(Path, L"h.txt");
    CHECK(Reads(Path, "from the host"));
    CHECK(!GetVolumeNameForVolumeMountPointW(L"G:\\", Path, 64));
    CHECK(GetVolumePathNameW(L"D:\\no\\such.txt", Path, 64));
    CHECK_TEXT(Path, L"D:\\");
    DWORD Length = 0;
    CHECK(GetVolumePathNamesForVolumeNameW(Name, Path, 64, &Length));
    CHECK_TEXT(Path, L"D:\\");
    CHECK(QueryDosDeviceW(L"D:", Device, 64));
    CHECK(memcmp(Device, L"\\Device\\HarddiskVolume", 44) == 0);
    // All of them, each once, and one of them D:.
    int Volumes = 0, OfD = 0;
    HANDLE Search = FindFirstVolumeW(Path, 64);
    CHECK(Search != INVALID_HANDLE_VALUE);
    do {
        ++Volumes;
        OfD += lstrcmpW(Path, Name) == 0;
    } while (FindNextVolumeW(Search, Path, 64));
    FindVolumeClose(Search);
    CHECK_EQ(Volumes, 4);
    CHECK_EQ(OfD, 1);
    // A letter for a folder.
    CHECK(DefineDosDeviceW(0, L"Q:", L"D:\\"));
    CHECK(Reads(L"Q:\\h.txt", "from the host"));
    CHECK(DefineDosDeviceW(DDD_REMOVE_DEFINITION, L"Q:", nullptr));
    CHECK(!Reads(L"Q:\\h.txt", "from the host"));
}

void Requests()
{
    static const ULONG States[] = { 0, 1 };
    auto& Answer = *reinterpret_cast<Points*>(Out);
    wchar_t Device[64] = {};
    DWORD Got = 0;
    CHECK(QueryDosDeviceW(L"E:", Device, 64));
    // Both names of E:, by its device; too little room tells how much it takes.
    DWORD Bytes = PutPoint(nullptr, Device);
    CHECK_EQ(Ask(QueryPoints, Bytes, sizeof(Points), &Got), DWORD(ERROR_MORE_DATA));
    CHECK(Got == sizeof(Points) && Answer.Size > sizeof(Points));
    ULONG Size = Answer.Size;
    Bytes = PutPoint(nullptr, Device);
    CHECK_EQ(Ask(QueryPoints, Bytes, Size, &Got), 0ul);
    CHECK(Got == Size && Answer.Count == 2 && Answer.At[0].IdBytes == 12);
    Bytes = PutPoint(L"\\DosDevices\\G:");
    CHECK_EQ(Ask(QueryPoints, Bytes, sizeof(Out)), DWORD(ERROR_FILE_NOT_FOUND));
    static const DWORD Paths[] = { QueryPath, QueryPaths };
    for (DWORD Code : Paths) {
        Bytes = PutTarget(Device);
        CHECK_EQ(Ask(Code, Bytes, sizeof(Out), &Got), 0ul);
        CHECK(Got == 12 && *reinterpret_cast<ULONG*>(Out) == 8);
        CHECK_TEXT(reinterpret_cast<wchar_t*>(Out + 4), L"E:");
    }
    // A change is told.
    ULONG Epic = 0;
    OVERLAPPED O = {};
    O.hEvent = CreateEventW(nullptr, TRUE, FALSE, nullptr);
    DWORD Done = 0;
    BOOL Now = DeviceIoControl(Manager, ChangeNotify, &Epic, 4, &Epic, 4, &Done, &O);
    CHECK(Now || (GetLastError() == ERROR_IO_PENDING && GetOverlappedResult(Manager, &O, &Done, TRUE)));
    CHECK(Done == 4 && Epic != 0);
    ULONG Last = Epic;
    CHECK(!DeviceIoControl(Manager, ChangeNotify, &Epic, 4, &Epic, 4, &Done, &O) && GetLastError() == ERROR_IO_PENDING);
    CHECK_EQ(WaitForSingleObject(O.hEvent, 100), DWORD(WAIT_TIMEOUT));
    // The letter goes; what was deleted is told.
    Bytes = PutPoint(L"\\DosDevices\\E:");
    CHECK_EQ(Ask(DeletePoints, Bytes, sizeof(Out)), 0ul);
    CHECK_EQ(Answer.Count, 1ul);
    CHECK_EQ(WaitForSingleObject(O.hEvent, 5000), DWORD(WAIT_OBJECT_0));
    CHECK(GetOverlappedResult(Manager, &O, &Done, TRUE) && Epic != Last);
    CHECK(!Reads(L"E:\\e.txt", "the second partition"));
    CHECK_EQ(GetLogicalDrives() & 0x10, 0ul);
    // It does not come back by itself.
    Bytes = PutTarget(Device);
    CHECK_EQ(Ask(NextLetter, Bytes, sizeof(Out), &Got), 0ul);
    CHECK(Got == 2 && !Out[0] && !Out[1]);
    Bytes = PutTarget(Device);
    CHECK_EQ(Ask(QueryPath, Bytes, sizeof(Out)), 0ul);
    CHECK(memcmp(Out + 4, L"\\\\?\\Volume{", 22) == 0);
    // Another one.
    Bytes = PutCreate(L"\\DosDevices\\D:", Device);
    CHECK_EQ(Ask(CreatePoint, Bytes, 0), DWORD(ERROR_ALREADY_EXISTS));
    Bytes = PutCreate(L"\\DosDevices\\M:", Device);
    CHECK_EQ(Ask(CreatePoint, Bytes, 0), 0ul);
    CHECK(Reads(L"M:\\e.txt", "the second partition"));
    Bytes = PutCreate(L"\\DosDevices\\N:", Device);
    CHECK_EQ(Ask(CreatePoint, Bytes, 0), DWORD(ERROR_INVALID_PARAMETER));
    Bytes = PutCreate(L"\\DosDevices\\Nonsense", Device);
    CHECK_EQ(Ask(CreatePoint, Bytes, 0), DWORD(ERROR_INVALID_PARAMETER));
    Bytes = PutCreate(L"\\DosDevices\\N:", L"\\Device\\Null");
    CHECK_EQ(Ask(CreatePoint, Bytes, 0), DWORD(ERROR_FILE_NOT_FOUND));
    CHECK_EQ(Ask(QueryAutoMount, 0, 4), 0ul);
    CHECK_EQ(*reinterpret_cast<ULONG*>(Out), 1ul);
    for (ULONG State : States) {
        memcpy(In, &State, 4);
        CHECK_EQ(Ask(SetAutoMount, 4, 0), 0ul);
        CHECK(Ask(QueryAutoMount, 0, 4) == 0 && *reinterpret_cast<ULONG*>(Out) == State);
    }
    CloseHandle(O.hEvent);
}

// What is wrong is refused, and nothing is lost.
void Nonsense()
{
    unsigned Seed = 1;
    int Odd = 0;
    for (int Round = 0; Round < 3000; ++Round) {
        auto Random = [&] { return (Seed = Seed * 1103515245 + 12345) >> 16; };
        static const DWORD Codes[] = { QueryPoints, NextLetter, QueryPath, QueryPaths, CreatePoint, DeletePoints, 0x6D0024, 0x6D402C };
        for (BYTE& B : In)
            B = BYTE(Random() % 3 ? 0 : Random() % 5 ? Random() % 64 : Random());
        In[4] |= 1;                     // a name, which none has
        In[5] |= 1;
        In[8] = In[9] = 0x33;           // not asked for everything
        DWORD Got = 0;
        DWORD Error = Ask(Codes[Random() % 8], Random() % 200, Random() % 300, &Got);
        Odd += !Error && Got > 300;
    }
    CHECK_EQ(Odd, 0);
    CHECK(Reads(L"D:\\h.txt", "from the host"));
    CHECK(Reads(L"M:\\e.txt", "the second partition"));
}

}

void Test()
{
    Manager = CreateFileW(L"\\\\.\\MountPointManager", GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, nullptr, OPEN_EXISTING, FILE_FLAG_OVERLAPPED, nullptr);
    CHECK(Manager != INVALID_HANDLE_VALUE);
    Win32();
    Requests();
    Nonsense();
}
