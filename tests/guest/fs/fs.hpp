// What the file-system tests share: loading the disks and the file system, paths on a drive, short forms of the services.
#pragma once
#include "tests/guest/fs/drivers/ramdisk.hpp"
#include "tests/guest/wdm/load.hpp"

extern "C" {
void* memmove(void* To, const void* From, size_t Bytes);
size_t wcslen(const wchar_t* Text);
}

namespace fs {

inline WCHAR Drive = L'R';

inline NTSTATUS LoadAll()
{
    static const WCHAR* Disks = L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\RamDisk";
    static const WCHAR* Fat = L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\FastFat";
    wdm::MakeKey(Disks, L"\\??\\C:\\work\\ramdisk.sys");
    NTSTATUS S = wdm::Load(Disks);
    if (S < 0 && S != STATUS_IMAGE_ALREADY_LOADED)
        return S;
    wdm::MakeKey(Fat, L"\\SystemRoot\\System32\\drivers\\fastfat.sys");
    S = wdm::Load(Fat);
    return S == STATUS_IMAGE_ALREADY_LOADED ? NTSTATUS(0) : S;
}

// \??\R:\PATH.
struct Path {
    WCHAR Text[300];
    UNICODE_STRING Name;
    explicit Path(const WCHAR* Rest)
    {
        WCHAR Start[] = L"\\??\\R:\\";
        Start[4] = Drive;
        memcpy(Text, Start, 14);
        usize N = wcslen(Rest);
        memcpy(Text + 7, Rest, (N + 1) * 2);
        Name = { USHORT((7 + N) * 2), USHORT((8 + N) * 2), Text };
    }
};

struct Opened {
    HANDLE File = nullptr;
    NTSTATUS Status = 0;
    u64 Information = 0;
    ~Opened() { Close(); }
    Opened(NTSTATUS S, HANDLE F, u64 I) : File(F), Status(S), Information(I) { }
    Opened(Opened&& O) : File(O.File), Status(O.Status), Information(O.Information) { O.File = nullptr; }
    void Close()
    {
        if (File)
            NtClose(File);
        File = nullptr;
    }
    operator HANDLE() const { return File; }
};

inline constexpr ACCESS_MASK ReadWrite = FILE_GENERIC_READ | FILE_GENERIC_WRITE | DELETE_ACCESS;
inline constexpr ULONG Synchronous = FILE_SYNCHRONOUS_IO_NONALERT;

inline Opened Create(const WCHAR* Rest, ULONG Disposition, ACCESS_MASK Access = ReadWrite, ULONG Options = 0, ULONG Share = FILE_SHARE_VALID_FLAGS, ULONG Attributes = 0, HANDLE Root = nullptr)
{
    Path P(Rest);
    UNICODE_STRING Relative;
    RtlInitUnicodeString(&Relative, Rest);
    OBJECT_ATTRIBUTES A { sizeof(A), Root, Root ? &Relative : &P.Name, OBJ_CASE_INSENSITIVE, nullptr, nullptr };
    IO_STATUS_BLOCK Io {};
    HANDLE File = nullptr;
    NTSTATUS S = NtCreateFile(&File, Access | SYNCHRONIZE, &A, &Io, nullptr, Attributes, Share, Disposition, Options | Synchronous, nullptr, 0);
    return { S, S < 0 ? nullptr : File, Io.Information };
}
inline Opened Folder(const WCHAR* Rest, ULONG Disposition = FILE_OPEN, ACCESS_MASK Access = FILE_GENERIC_READ | DELETE_ACCESS)
{
    return Create(Rest, Disposition, Access, FILE_DIRECTORY_FILE);
}

inline NTSTATUS Write(HANDLE F, const void* From, ULONG Bytes, i64 Offset = -2, u64* Done = nullptr)
{
    IO_STATUS_BLOCK Io {};
    LARGE_INTEGER At;
    At.QuadPart = Offset;
    NTSTATUS S = NtWriteFile(F, nullptr, nullptr, nullptr, &Io, const_cast<void*>(From), Bytes, Offset == -2 ? nullptr : &At, nullptr);
    if (Done)
        *Done = Io.Information;
    return S;
}
inline NTSTATUS Read(HANDLE F, void* To, ULONG Bytes, i64 Offset = -2, u64* Done = nullptr)
{
    IO_STATUS_BLOCK Io {};
    LARGE_INTEGER At;
    At.QuadPart = Offset;
    NTSTATUS S = NtReadFile(F, nullptr, nullptr, nullptr, &Io, To, Bytes, Offset == -2 ? nullptr : &At, nullptr);
    if (Done)
        *Done = Io.Information;
    return S;
}
template <typename T> NTSTATUS Query(HANDLE F, FILE_INFORMATION_CLASS Class, T& To, ULONG Bytes = sizeof(T))
{
    IO_STATUS_BLOCK Io {};
    return NtQueryInformationFile(F, &Io, &To, Bytes, Class);
}
template <typename T> NTSTATUS Set(HANDLE F, FILE_INFORMATION_CLASS Class, T From, ULONG Bytes = sizeof(T))
{
    IO_STATUS_BLOCK Io {};
    return NtSetInformationFile(F, &Io, &From, Bytes, Class);
}
inline u64 SizeOf(HANDLE F)
{
    FILE_STANDARD_INFORMATION S {};
    Query(F, FileStandardInformation, S);
    return u64(S.EndOfFile.QuadPart);
}
inline NTSTATUS SetSize(HANDLE F, i64 Size)
{
    FILE_END_OF_FILE_INFORMATION E;
    E.EndOfFile.QuadPart = Size;
    return Set(F, FileEndOfFileInformation, E);
}
inline NTSTATUS Delete(HANDLE F)
{
    FILE_DISPOSITION_INFORMATION D { 1 };
    return Set(F, FileDispositionInformation, D);
}
// To: a whole path, or with Root a relative one, or a bare name.
inline NTSTATUS Rename(HANDLE F, const WCHAR* To, bool Replace, HANDLE Root = nullptr, bool Whole = true)
{
    struct {
        FILE_RENAME_INFORMATION Info;
        WCHAR More[300];
    } R {};
    Path P(To);
    UNICODE_STRING Name = P.Name;
    if (Root || !Whole)
        RtlInitUnicodeString(&Name, To);
    R.Info.ReplaceIfExists = Replace;
    R.Info.RootDirectory = Root;
    R.Info.FileNameLength = Name.Length;
    memcpy(R.Info.FileName, Name.Buffer, Name.Length);
    IO_STATUS_BLOCK Io {};
    return NtSetInformationFile(F, &Io, &R, sizeof(R), FileRenameInformation);
}
inline NTSTATUS Attributes(const WCHAR* Rest, FILE_NETWORK_OPEN_INFORMATION& Info)
{
    Path P(Rest);
    OBJECT_ATTRIBUTES A { sizeof(A), nullptr, &P.Name, OBJ_CASE_INSENSITIVE, nullptr, nullptr };
    return NtQueryFullAttributesFile(&A, &Info);
}
inline bool Exists(const WCHAR* Rest)
{
    FILE_NETWORK_OPEN_INFORMATION Info;
    return Attributes(Rest, Info) >= 0;
}
inline NTSTATUS Flush(HANDLE F)
{
    IO_STATUS_BLOCK Io {};
    return NtFlushBuffersFile(F, &Io);
}
inline ramdisk::Counts Counts()
{
    ramdisk::Counts C {};
    WCHAR Name[] = L"\\Device\\RamDisk0";
    Name[15] = WCHAR(L'0' + (Drive - L'R'));
    HANDLE F = nullptr;
    if (wdm::Open(&F, Name, FILE_READ_ATTRIBUTES | SYNCHRONIZE) >= 0) {
        wdm::Control(F, ramdisk::GetCounts, nullptr, 0, &C, sizeof(C));
        NtClose(F);
    }
    return C;
}
// A pattern that tells where it is from.
inline void Pattern(u8* To, usize Bytes, u64 Offset, u32 Seed)
{
    for (usize I = 0; I < Bytes; ++I) {
        u64 At = Offset + I;
        To[I] = u8((At * 2654435761u >> 7) + (At >> 9) + Seed * 31);
    }
}

}
