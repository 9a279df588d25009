// A disk as C:.
#include "abi/nt/ps.hpp"
#include "user/smss/smss.hpp"

extern "C" {
ULONG NTAPI DbgPrint(const char* Format, ...);
void NTAPI RtlInitUnicodeString(UNICODE_STRING* String, const WCHAR* Source);
BOOLEAN NTAPI RtlEqualUnicodeString(const UNICODE_STRING* A, const UNICODE_STRING* B, BOOLEAN Fold);
NTSTATUS NTAPI RtlAdjustPrivilege(ULONG Privilege, BOOLEAN Enable, BOOLEAN ForThread, BOOLEAN* Was);
int _snprintf(char* Buffer, size_t Room, const char* Format, ...);
}

namespace smss {

namespace {

constexpr ULONG QueryUniqueId = 0x4D0000;       // IOCTL_MOUNTDEV_QUERY_UNIQUE_ID
constexpr ULONG Patience = 30000, Step = 10;    // ms: drivers find disks in their time
constexpr u32 MaximumVolumes = 64;
constexpr ULONG TcbPrivilege = 7;

struct UniqueId {
    u16 Bytes = 0;
    u8 Id[30] {};
};

bool Digit(WCHAR C, u32& Value)
{
    Value = C >= L'0' && C <= L'9' ? u32(C - L'0') : (C | 0x20) >= L'a' && (C | 0x20) <= L'f' ? u32((C | 0x20) - L'a' + 10) : 16;
    return Value < 16;
}

bool Number(const WCHAR*& At, u64& To)
{
    u32 D, Count = 0;
    for (To = 0; Digit(*At, D); ++At, ++Count)
        To = To << 4 | D;
    return Count >= 1 && Count <= 16;
}

bool Takes(const WCHAR*& At, const char* Word)
{
    const WCHAR* From = At;
    for (; *Word; ++Word, ++From)
        if (*From != WCHAR(*Word))
            return false;
    At = From;
    return true;
}

// mbr:SIGNATURE:OFFSET or gpt:GUID as the partition manager tells it.
bool Parse(const Text& From, UniqueId& To)
{
    const WCHAR* At = From.Chars();
    if (Takes(At, "mbr:")) {
        u64 Signature, Offset;
        if (!Number(At, Signature) || *At++ != L':' || !Number(At, Offset) || *At || Signature > 0xFFFFFFFF)
            return false;
        u32 Short = u32(Signature);
        __builtin_memcpy(To.Id, &Short, 4);
        __builtin_memcpy(To.Id + 4, &Offset, 8);
        To.Bytes = 12;
        return true;
    }
    if (!Takes(At, "gpt:"))
        return false;
    __builtin_memcpy(To.Id, "DMIO:ID:", 8);
    // The first three fields of a GUID are numbers, the rest are bytes in their order.
    constexpr u8 Order[16] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };
    for (u8 Place : Order) {
        u32 High, Low;
        if (*At == L'-')
            ++At;
        if (!Digit(*At, High) || !Digit(At[1], Low))
            return false;
        At += 2;
        To.Id[8 + Place] = u8(High << 4 | Low);
    }
    To.Bytes = 24;
    return !*At;
}

// \Device\HarddiskVolumeN
void VolumeName(u32 N, Text& To)
{
    To.Append(L"\\Device\\HarddiskVolume", 22);
    WCHAR Digits[4];
    u32 Count = 0;
    for (; N; N /= 10)
        Digits[Count++] = WCHAR(L'0' + N % 10);
    while (Count)
        To.Append(&Digits[--Count], 1);
}

bool Is(const Text& Volume, const UniqueId& Wanted)
{
    UNICODE_STRING Name = Volume.String();
    OBJECT_ATTRIBUTES Object { sizeof(OBJECT_ATTRIBUTES), nullptr, &Name, OBJ_CASE_INSENSITIVE, nullptr, nullptr };
    IO_STATUS_BLOCK Io {};
    HANDLE File;
    // Only its attributes: that looks for no file system.
    if (NtOpenFile(&File, FILE_READ_ATTRIBUTES | SYNCHRONIZE, &Object, &Io, FILE_SHARE_READ | FILE_SHARE_WRITE, FILE_SYNCHRONOUS_IO_NONALERT) < 0)
        return false;
    UniqueId Has;
    NTSTATUS Status = NtDeviceIoControlFile(File, nullptr, nullptr, nullptr, &Io, QueryUniqueId, nullptr, 0, &Has, sizeof(Has));
    NtClose(File);
    return Status >= 0 && Has.Bytes == Wanted.Bytes && __builtin_memcmp(Has.Id, Wanted.Id, Has.Bytes) == 0;
}

bool FindVolume(const UniqueId& Wanted, Text& Name)
{
    for (ULONG Waited = 0; Waited < Patience; Waited += Step) {
        for (u32 N = 1; N < MaximumVolumes; ++N) {
            Name.Clear();
            VolumeName(N, Name);
            if (Is(Name, Wanted))
                return true;
        }
        LARGE_INTEGER Short;
        Short.QuadPart = -10000ll * Step;
        NtDelayExecution(0, &Short);
    }
    return false;
}

NTSTATUS MakeLink(const WCHAR* Path, const UNICODE_STRING& Target)
{
    UNICODE_STRING Name;
    RtlInitUnicodeString(&Name, Path);
    OBJECT_ATTRIBUTES Object { sizeof(OBJECT_ATTRIBUTES), nullptr, &Name, OBJ_CASE_INSENSITIVE, nullptr, nullptr };
    HANDLE Link;
    // The old one goes.
    if (NtOpenSymbolicLinkObject(&Link, 0x10000 /* DELETE */, &Object) >= 0) {
        NtMakeTemporaryObject(Link);
        NtClose(Link);
    }
    Object.Attributes |= OBJ_PERMANENT;
    UNICODE_STRING To = Target;
    NTSTATUS Status = NtCreateSymbolicLinkObject(&Link, 0xF0001, &Object, &To);
    if (Status >= 0)
        NtClose(Link);
    return Status;
}

}

bool UseDisk(const Text& Where)
{
    UniqueId Wanted;
    if (!Parse(Where, Wanted)) {
        TellFailure("not understood: disk", Where, STATUS_INVALID_PARAMETER);
        return false;
    }
    BOOLEAN Was;
    RtlAdjustPrivilege(TcbPrivilege, 1, 0, &Was);
    Text Volume;
    if (!FindVolume(Wanted, Volume)) {
        Tell("error the disk did not appear (see the log, -v)");
        return false;
    }
    // By its device's name first: what mounts it is read from C: as it still is.
    Text Folder;
    Folder.Append(Volume.Chars(), Volume.Length());
    Folder.Append(L"\\Windows\\System32", 17);
    UNICODE_STRING Root = Folder.String();
    OBJECT_ATTRIBUTES Object { sizeof(OBJECT_ATTRIBUTES), nullptr, &Root, OBJ_CASE_INSENSITIVE, nullptr, nullptr };
    IO_STATUS_BLOCK Io {};
    HANDLE Opened;
    NTSTATUS Status = NtOpenFile(&Opened, FILE_LIST_DIRECTORY | SYNCHRONIZE, &Object, &Io, FILE_SHARE_VALID_FLAGS, FILE_SYNCHRONOUS_IO_NONALERT | FILE_DIRECTORY_FILE);
    if (Status >= 0) {
        // What the machine was started from stays, as X:.
        UNICODE_STRING Archive;
        RtlInitUnicodeString(&Archive, L"\\Device\\HarddiskVolume1");
        Status = MakeLink(L"\\GLOBAL??\\X:", Archive);
        if (Status >= 0)
            Status = MakeLink(L"\\GLOBAL??\\C:", Volume.String());
        NtClose(Opened);
    }
    if (Status < 0) {
        TellFailure("cannot use the disk's volume", Volume, Status);
        return false;
    }
    Status = NtInitializeRegistry(0);
    if (Status < 0)
        DbgPrint("smss: the registry of C: is not used: %08x\n", Status);
    return true;
}

}
