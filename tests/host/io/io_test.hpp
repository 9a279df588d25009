// Helpers of the tests of io: a mounted volume and short forms of the services.
#pragma once
#include "tests/host/support/gtest.hpp"

#include <string>
#include <vector>

#include "abi/wire/bootfs.hpp"
#include "ntos/io/io.hpp"
#include "ntos/mm/mm.hpp"
#include "tests/host/ex/double/system.hpp"

namespace io_test {

inline constexpr mm::Pfn FirstBootFrame = 0x1000000;
extern u8* BootArchive;
extern u64 FrameLimit;
u64 FramesInUse();

struct ArchiveEntry {
    std::string Name, Data;
    u32 Attributes;
    u64 MTime = 130'000'000'000'000'000;
};
std::vector<u8> MakeArchive(const std::vector<ArchiveEntry>& List);
void Begin();

constexpr u32 Sync = FILE_SYNCHRONOUS_IO_NONALERT;
constexpr u32 ShareAll = FILE_SHARE_VALID_FLAGS;

struct Test : testing::Test {
    Test() { Begin(); }
    fake::Client A;
    u64 Block = A.Room(16), Out = A.Room(8);
    IO_STATUS_BLOCK& Iosb() { return A.At<IO_STATUS_BLOCK>(Block); }
    HANDLE Made = nullptr;

    NTSTATUS Create(const wchar_t* Path, ACCESS_MASK Access, u32 Disposition = FILE_OPEN, u32 Options = Sync, u32 Share = ShareAll, u32 Attributes = 0,
                    HANDLE Root = nullptr, fake::Client* By = nullptr)
    {
        fake::Client& C = By ? *By : A;
        u64 O = C.PutAttributes(Path, OBJ_CASE_INSENSITIVE, Root), H = C.Room(8), B = C.Room(16);
        NTSTATUS S = C.Start(NtCreateFile, H, Access | SYNCHRONIZE, O, B, 0, Attributes, Share, Disposition, Options, 0, 0);
        Made = C.At<HANDLE>(H);
        if (S >= 0 && !By)
            Iosb() = C.At<IO_STATUS_BLOCK>(B);
        return S;
    }
    HANDLE Open(const wchar_t* Path, ACCESS_MASK Access = GENERIC_READ, u32 Disposition = FILE_OPEN, u32 Options = Sync, u32 Share = ShareAll, u32 Attributes = 0)
    {
        EXPECT_EQ(u32(Create(Path, Access, Disposition, Options, Share, Attributes)), u32(STATUS_SUCCESS));
        return Made;
    }
    NTSTATUS Close(HANDLE H) { return A.Now(NtClose, H); }
    // At: -2 is the current position.
    NTSTATUS Write(HANDLE H, const std::string& Data, i64 At = -2, u64 Event = 0)
    {
        u64 Buffer = A.Room(Data.size() + 1), Offset = A.Put(At);
        memcpy(A.Bytes(Buffer), Data.data(), Data.size());
        return A.Start(NtWriteFile, H, Event, 0, 0, Block, Buffer, Data.size(), At == -2 ? 0 : Offset, 0);
    }
    NTSTATUS Read(HANDLE H, usize Bytes, i64 At = -2)
    {
        ReadBuffer = A.Room(Bytes + 1);
        u64 Offset = A.Put(At);
        return A.Start(NtReadFile, H, 0, 0, 0, Block, ReadBuffer, Bytes, At == -2 ? 0 : Offset, 0);
    }
    u64 ReadBuffer = 0;
    std::string Got() { return std::string(reinterpret_cast<char*>(A.Bytes(ReadBuffer)), Iosb().Information); }
    template <typename T> NTSTATUS Query(HANDLE H, u32 Class, T& To)
    {
        u64 B = A.Room(sizeof(T));
        NTSTATUS S = A.Start(NtQueryInformationFile, H, Block, B, sizeof(T), Class);
        To = A.At<T>(B);
        return S;
    }
    template <typename T> NTSTATUS Set(HANDLE H, u32 Class, const T& From)
    {
        u64 B = A.Put(From);
        return A.Start(NtSetInformationFile, H, Block, B, sizeof(T), Class);
    }
    NTSTATUS Rename(HANDLE H, u32 Class, const std::u16string& To, u32 Flags, HANDLE Root = nullptr)
    {
        usize Bytes = 24 + To.size() * 2;
        u64 B = A.Room(Bytes);
        A.At<FILE_RENAME_INFORMATION>(B) = {};
        A.At<FILE_RENAME_INFORMATION>(B).Flags = Flags;
        A.At<FILE_RENAME_INFORMATION>(B).RootDirectory = Root;
        A.At<FILE_RENAME_INFORMATION>(B).FileNameLength = ULONG(To.size() * 2);
        memcpy(A.Bytes(B) + 20, To.data(), To.size() * 2);
        return A.Start(NtSetInformationFile, H, Block, B, Bytes, Class);
    }
    NTSTATUS Delete(HANDLE H, u32 Flags = FILE_DISPOSITION_DELETE) { return Set(H, FileDispositionInformationEx, FILE_DISPOSITION_INFORMATION_EX { Flags }); }
    // All names that a pattern finds, Room bytes at a time.
    std::vector<std::u16string> List(HANDLE H, const wchar_t* Pattern, u32 Room = 4096, u32 Class = FileBothDirectoryInformation, NTSTATUS* Last = nullptr)
    {
        std::vector<std::u16string> Names;
        u64 P = Pattern ? A.PutString(Pattern) : 0, B = A.Room(Room);
        u32 NameAt = Class == FileNamesInformation ? 12 : Class == FileDirectoryInformation ? 64 : 94;
        u32 LengthAt = Class == FileNamesInformation ? 8 : 60;
        for (bool First = true;; First = false) {
            NTSTATUS S = A.Start(NtQueryDirectoryFile, H, 0, 0, 0, Block, B, Room, Class, 0, First ? P : 0, First);
            if (Last)
                *Last = S;
            if (S != STATUS_SUCCESS)
                return Names;
            for (u64 At = B;;) {
                u32 Length = A.At<u32>(At + LengthAt);
                Names.emplace_back(reinterpret_cast<char16_t*>(A.Bytes(At + NameAt)), Length / 2);
                if (!A.At<u32>(At))
                    break;
                At += A.At<u32>(At);
            }
        }
    }
};

#define EXPECT_STATUS(Call, Status) EXPECT_EQ(u32(Call), u32(Status))

}
