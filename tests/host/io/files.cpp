// Files of the RAM volume through the services.
#include "tests/host/io/io_test.hpp"

using namespace io_test;

namespace {

struct Files : Test { };
using Strings = std::vector<std::u16string>;

TEST_F(Files, BootFilesAreThere)
{
    HANDLE H = Open(L"\\??\\C:\\WORK\\hello.TXT");
    EXPECT_STATUS(Read(H, 100), STATUS_SUCCESS);
    EXPECT_EQ(Got(), "hello, world");
    EXPECT_STATUS(Read(H, 100), STATUS_END_OF_FILE);
    EXPECT_STATUS(Read(H, 5, 7), STATUS_SUCCESS);
    EXPECT_EQ(Got(), "world");
    EXPECT_STATUS(Close(H), STATUS_SUCCESS);
    H = Open(L"\\SystemRoot\\System32\\NTDLL.DLL");
    EXPECT_STATUS(Read(H, 10, 4990), STATUS_SUCCESS);
    EXPECT_EQ(Got(), "nnnnnnnnnn");
    FILE_STANDARD_INFORMATION I;
    EXPECT_STATUS(Query(H, FileStandardInformation, I), STATUS_SUCCESS);
    EXPECT_EQ(I.EndOfFile.QuadPart, 5000);
    EXPECT_EQ(I.NumberOfLinks, 1u);
    EXPECT_STATUS(Close(H), STATUS_SUCCESS);
    EXPECT_STATUS(Close(Open(L"\\??\\C:\\work\\\xE9t\xE9.TXT")), STATUS_SUCCESS);
    EXPECT_STATUS(Close(Open(L"\\??\\C:\\work\\\xC9T\xC9.txt")), STATUS_SUCCESS);
}

TEST_F(Files, NamesThatDoNotOpen)
{
    EXPECT_STATUS(Create(L"\\??\\C:\\nothing", GENERIC_READ), STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT_STATUS(Create(L"\\??\\C:\\nothing\\x", GENERIC_READ), STATUS_OBJECT_PATH_NOT_FOUND);
    EXPECT_STATUS(Create(L"\\??\\C:\\work\\hello.txt\\x", GENERIC_READ), STATUS_OBJECT_PATH_NOT_FOUND);
    EXPECT_STATUS(Create(L"\\??\\C:\\work\\hello.txt\\", GENERIC_READ), STATUS_OBJECT_NAME_INVALID);
    EXPECT_STATUS(Create(L"\\??\\C:\\work\\\\hello.txt", GENERIC_READ), STATUS_OBJECT_NAME_INVALID);
    EXPECT_STATUS(Create(L"\\??\\C:\\work\\a*b", GENERIC_READ), STATUS_OBJECT_NAME_INVALID);
    EXPECT_STATUS(Create(L"\\??\\C:\\work\\..\\neptune.ini", GENERIC_READ), STATUS_OBJECT_NAME_INVALID);
    EXPECT_STATUS(Create(L"\\??\\C:\\work\\hello.txt", GENERIC_READ, FILE_OPEN, Sync | FILE_DIRECTORY_FILE), STATUS_NOT_A_DIRECTORY);
    EXPECT_STATUS(Create(L"\\??\\C:\\work", GENERIC_READ, FILE_OPEN, Sync | FILE_NON_DIRECTORY_FILE), STATUS_FILE_IS_A_DIRECTORY);
    EXPECT_STATUS(Create(L"\\??\\Q:\\x", GENERIC_READ), STATUS_OBJECT_PATH_NOT_FOUND);
    std::wstring Long;
    wchar_t Name[400] = L"\\??\\C:\\";
    for (int I = 7; I < 300; ++I)
        Name[I] = 'x';
    EXPECT_STATUS(Create(Name, GENERIC_READ), STATUS_OBJECT_NAME_INVALID);
    // The volume and its root are two things.
    EXPECT_STATUS(Close(Open(L"\\??\\C:\\", GENERIC_READ, FILE_OPEN, Sync | FILE_DIRECTORY_FILE)), STATUS_SUCCESS);
    EXPECT_STATUS(Close(Open(L"\\??\\C:", GENERIC_READ)), STATUS_SUCCESS);
    EXPECT_STATUS(Create(L"\\??\\C:", GENERIC_READ, FILE_OPEN, Sync | FILE_DIRECTORY_FILE), STATUS_NOT_A_DIRECTORY);
}

TEST_F(Files, ParametersAreChecked)
{
    const wchar_t* P = L"\\??\\C:\\work\\hello.txt";
    EXPECT_STATUS(Create(P, GENERIC_READ, 6), STATUS_INVALID_PARAMETER);
    EXPECT_STATUS(Create(P, GENERIC_READ, FILE_OPEN, Sync, 8), STATUS_INVALID_PARAMETER);
    EXPECT_STATUS(Create(P, GENERIC_READ, FILE_OPEN, 0x30), STATUS_INVALID_PARAMETER);
    EXPECT_STATUS(Create(P, GENERIC_READ, FILE_OPEN, Sync | FILE_DELETE_ON_CLOSE), STATUS_INVALID_PARAMETER);
    EXPECT_STATUS(Create(P, GENERIC_READ, FILE_OVERWRITE, Sync | FILE_DIRECTORY_FILE), STATUS_INVALID_PARAMETER);
    EXPECT_STATUS(Create(P, GENERIC_READ, FILE_OPEN, Sync, ShareAll, 0x80000000), STATUS_INVALID_PARAMETER);
    u64 O = A.PutAttributes(P, OBJ_CASE_INSENSITIVE);
    EXPECT_STATUS(A.Start(NtCreateFile, 8, GENERIC_READ, O, Block, 0, 0, 7, 1, 0, 0, 0), STATUS_ACCESS_VIOLATION);
    EXPECT_STATUS(A.Start(NtCreateFile, Out, GENERIC_READ, O, 8, 0, 0, 7, 1, 0, 0, 0), STATUS_ACCESS_VIOLATION);
    EXPECT_STATUS(A.Start(NtCreateFile, Out, GENERIC_READ, 0, Block, 0, 0, 7, 1, 0, 0, 0), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(A.Process().Handles().Count(), 0u);
}

TEST_F(Files, Dispositions)
{
    const wchar_t* P = L"\\??\\C:\\work\\d.tmp";
    constexpr ACCESS_MASK Rw = GENERIC_READ | GENERIC_WRITE | DELETE_ACCESS;
    EXPECT_STATUS(Create(P, Rw, FILE_OVERWRITE), STATUS_OBJECT_NAME_NOT_FOUND);
    HANDLE H = Open(P, Rw, FILE_OPEN_IF);
    EXPECT_EQ(Iosb().Information, FILE_CREATED);
    EXPECT_STATUS(Write(H, "12345"), STATUS_SUCCESS);
    EXPECT_EQ(Iosb().Information, 5u);
    Close(H);
    EXPECT_STATUS(Create(P, Rw, FILE_CREATE), STATUS_OBJECT_NAME_COLLISION);
    H = Open(P, Rw, FILE_OPEN_IF);
    EXPECT_EQ(Iosb().Information, FILE_OPENED);
    EXPECT_STATUS(Read(H, 10), STATUS_SUCCESS);
    EXPECT_EQ(Got(), "12345");
    Close(H);
    H = Open(P, Rw, FILE_OVERWRITE_IF);
    EXPECT_EQ(Iosb().Information, FILE_OVERWRITTEN);
    EXPECT_STATUS(Read(H, 10), STATUS_END_OF_FILE);
    Close(H);
    H = Open(P, Rw, FILE_SUPERSEDE, Sync, ShareAll, FILE_ATTRIBUTE_HIDDEN);
    EXPECT_EQ(Iosb().Information, FILE_SUPERSEDED);
    Close(H);
    // Hidden files are not overwritten by accident.
    EXPECT_STATUS(Create(P, Rw, FILE_OVERWRITE), STATUS_ACCESS_DENIED);
    H = Open(P, Rw, FILE_OVERWRITE, Sync, ShareAll, FILE_ATTRIBUTE_HIDDEN);
    EXPECT_STATUS(Delete(H), STATUS_SUCCESS);
    EXPECT_STATUS(Create(P, GENERIC_READ), STATUS_DELETE_PENDING);
    Close(H);
    EXPECT_STATUS(Create(P, GENERIC_READ), STATUS_OBJECT_NAME_NOT_FOUND);
}

TEST_F(Files, ReadOnly)
{
    const wchar_t* P = L"\\??\\C:\\work\\ro.tmp";
    HANDLE H = Open(P, GENERIC_WRITE, FILE_CREATE, Sync, ShareAll, FILE_ATTRIBUTE_READONLY);
    EXPECT_STATUS(Write(H, "x"), STATUS_SUCCESS);
    Close(H);
    EXPECT_STATUS(Create(P, GENERIC_WRITE), STATUS_ACCESS_DENIED);
    EXPECT_STATUS(Create(P, GENERIC_READ, FILE_OVERWRITE), STATUS_ACCESS_DENIED);
    EXPECT_STATUS(Create(P, DELETE_ACCESS, FILE_OPEN, Sync | FILE_DELETE_ON_CLOSE), STATUS_CANNOT_DELETE);
    H = Open(P, DELETE_ACCESS | FILE_WRITE_ATTRIBUTES | FILE_READ_ATTRIBUTES);
    EXPECT_STATUS(Delete(H), STATUS_CANNOT_DELETE);
    FILE_BASIC_INFORMATION B;
    EXPECT_STATUS(Query(H, FileBasicInformation, B), STATUS_SUCCESS);
    EXPECT_EQ(B.FileAttributes, FILE_ATTRIBUTE_READONLY | FILE_ATTRIBUTE_ARCHIVE);
    B = {};
    B.FileAttributes = FILE_ATTRIBUTE_NORMAL;
    B.LastWriteTime.QuadPart = 123456789;
    EXPECT_STATUS(Set(H, FileBasicInformation, B), STATUS_SUCCESS);
    EXPECT_STATUS(Query(H, FileBasicInformation, B), STATUS_SUCCESS);
    EXPECT_EQ(B.FileAttributes, FILE_ATTRIBUTE_NORMAL);
    EXPECT_EQ(B.LastWriteTime.QuadPart, 123456789);
    EXPECT_STATUS(Delete(H), STATUS_SUCCESS);
    Close(H);
    EXPECT_STATUS(Create(P, GENERIC_READ), STATUS_OBJECT_NAME_NOT_FOUND);
}

TEST_F(Files, Sharing)
{
    const wchar_t* P = L"\\??\\C:\\work\\share.tmp";
    HANDLE H = Open(P, GENERIC_READ | GENERIC_WRITE, FILE_CREATE, Sync, FILE_SHARE_READ);
    EXPECT_STATUS(Create(P, GENERIC_WRITE), STATUS_SHARING_VIOLATION);
    EXPECT_STATUS(Create(P, GENERIC_READ, FILE_OPEN, Sync, FILE_SHARE_READ), STATUS_SHARING_VIOLATION);      // somebody writes
    HANDLE R = Open(P, GENERIC_READ, FILE_OPEN, Sync, FILE_SHARE_READ | FILE_SHARE_WRITE);
    EXPECT_STATUS(Create(P, DELETE_ACCESS), STATUS_SHARING_VIOLATION);
    HANDLE Attributes = Open(P, FILE_READ_ATTRIBUTES, FILE_OPEN, Sync, 0);      // never conflicts
    Close(Attributes);
    Close(H);
    Close(R);
    H = Open(P, DELETE_ACCESS, FILE_OPEN, Sync | FILE_DELETE_ON_CLOSE, 0);
    EXPECT_STATUS(Create(P, GENERIC_READ), STATUS_SHARING_VIOLATION);
    Close(H);
    EXPECT_STATUS(Create(P, GENERIC_READ), STATUS_OBJECT_NAME_NOT_FOUND);
}

TEST_F(Files, PositionsAndSizes)
{
    u64 Frames = FramesInUse();
    const wchar_t* P = L"\\??\\C:\\work\\size.tmp";
    HANDLE H = Open(P, GENERIC_READ | GENERIC_WRITE | DELETE_ACCESS, FILE_CREATE);
    EXPECT_STATUS(Write(H, "abc", 10000), STATUS_SUCCESS);
    FILE_POSITION_INFORMATION Position;
    EXPECT_STATUS(Query(H, FilePositionInformation, Position), STATUS_SUCCESS);
    EXPECT_EQ(Position.CurrentByteOffset.QuadPart, 10003);
    EXPECT_STATUS(Read(H, 3, 9998), STATUS_SUCCESS);
    EXPECT_EQ(Got(), std::string("\0\0a", 3));
    EXPECT_STATUS(Set(H, FileEndOfFileInformation, i64(10001)), STATUS_SUCCESS);
    EXPECT_STATUS(Set(H, FileEndOfFileInformation, i64(10010)), STATUS_SUCCESS);
    EXPECT_STATUS(Read(H, 20, 10000), STATUS_SUCCESS);
    EXPECT_EQ(Got(), std::string("a\0\0\0\0\0\0\0\0\0", 10));
    EXPECT_STATUS(Set(H, FilePositionInformation, i64(-1)), STATUS_INVALID_PARAMETER);
    EXPECT_STATUS(Set(H, FilePositionInformation, i64(2)), STATUS_SUCCESS);
    EXPECT_STATUS(Write(H, "zz"), STATUS_SUCCESS);
    EXPECT_STATUS(Write(H, "end", -1), STATUS_SUCCESS);
    FILE_STANDARD_INFORMATION S;
    EXPECT_STATUS(Query(H, FileStandardInformation, S), STATUS_SUCCESS);
    EXPECT_EQ(S.EndOfFile.QuadPart, 10013);
    EXPECT_EQ(S.AllocationSize.QuadPart, 12288);
    EXPECT_STATUS(Set(H, FileAllocationInformation, i64(100000)), STATUS_SUCCESS);
    EXPECT_STATUS(Query(H, FileStandardInformation, S), STATUS_SUCCESS);
    EXPECT_EQ(S.EndOfFile.QuadPart, 10013);
    EXPECT_EQ(S.AllocationSize.QuadPart, 102400);
    EXPECT_STATUS(Set(H, FileEndOfFileInformation, i64(-5)), STATUS_INVALID_PARAMETER);
    EXPECT_STATUS(Set(H, FileEndOfFileInformation, i64(1) << 50), STATUS_DISK_FULL);
    EXPECT_STATUS(Write(H, "x", i64(0x7FFFFFFFFFFFFFFF)), STATUS_INVALID_PARAMETER);
    EXPECT_STATUS(Write(H, "x", -3), STATUS_INVALID_PARAMETER);
    // A write that fails half way shows nothing of itself when the file grows later.
    u64 Bad = ps::MemoryBase + ps::MemorySize - 4096;
    memset(A.Bytes(Bad), 'B', 4096);
    u64 At = A.Put(i64(12000));
    EXPECT_STATUS(A.Start(NtWriteFile, H, 0, 0, 0, Block, Bad, 8192, At, 0), STATUS_INVALID_USER_BUFFER);
    EXPECT_STATUS(Set(H, FileEndOfFileInformation, i64(13000)), STATUS_SUCCESS);
    EXPECT_STATUS(Read(H, 10, 12000), STATUS_SUCCESS);
    EXPECT_EQ(Got(), std::string(10, 0));
    EXPECT_STATUS(Delete(H), STATUS_SUCCESS);
    Close(H);
    EXPECT_EQ(FramesInUse(), Frames);
}

TEST_F(Files, AppendOnlyHandles)
{
    const wchar_t* P = L"\\??\\C:\\work\\append.tmp";
    Close(Open(P, GENERIC_WRITE, FILE_CREATE));
    HANDLE H = Open(P, FILE_APPEND_DATA | DELETE_ACCESS, FILE_OPEN, Sync | FILE_DELETE_ON_CLOSE), R = Open(P);
    EXPECT_STATUS(Write(H, "one", 0), STATUS_SUCCESS);
    EXPECT_STATUS(Write(H, "two", 0), STATUS_SUCCESS);
    EXPECT_STATUS(Read(R, 10), STATUS_SUCCESS);
    EXPECT_EQ(Got(), "onetwo");
    EXPECT_STATUS(Read(H, 10), STATUS_ACCESS_DENIED);
    EXPECT_STATUS(Write(R, "x"), STATUS_ACCESS_DENIED);
    Close(R);
    Close(H);
}

TEST_F(Files, DiskFull)
{
    const wchar_t* P = L"\\??\\C:\\work\\full.tmp";
    HANDLE H = Open(P, GENERIC_WRITE | DELETE_ACCESS, FILE_CREATE, Sync | FILE_DELETE_ON_CLOSE);
    FrameLimit = FramesInUse() + 2;
    EXPECT_STATUS(Write(H, std::string(20000, 'x')), STATUS_DISK_FULL);
    FrameLimit = ~u64(0);
    FILE_STANDARD_INFORMATION S;
    EXPECT_STATUS(Query(H, FileStandardInformation, S), STATUS_SUCCESS);
    EXPECT_EQ(S.EndOfFile.QuadPart, 0);
    Close(H);
}

TEST_F(Files, FoldersAndDeletion)
{
    HANDLE F = Open(L"\\??\\C:\\work\\dir\\", GENERIC_READ | GENERIC_WRITE | DELETE_ACCESS, FILE_CREATE, Sync | FILE_DIRECTORY_FILE);
    EXPECT_STATUS(Create(L"a", GENERIC_WRITE | DELETE_ACCESS, FILE_CREATE, Sync, ShareAll, 0, F), STATUS_SUCCESS);
    HANDLE X = Made;
    EXPECT_STATUS(Delete(F), STATUS_DIRECTORY_NOT_EMPTY);
    EXPECT_STATUS(Delete(X), STATUS_SUCCESS);
    EXPECT_STATUS(Delete(X, 0), STATUS_SUCCESS);        // changed our mind
    Close(X);
    EXPECT_STATUS(Create(L"A", DELETE_ACCESS, FILE_OPEN, Sync, ShareAll, 0, F), STATUS_SUCCESS);
    X = Made;
    // POSIX: the name goes with this handle, though another one is open.
    EXPECT_STATUS(Create(L"A", GENERIC_READ, FILE_OPEN, Sync, ShareAll, 0, F), STATUS_SUCCESS);
    HANDLE Y = Made;
    EXPECT_STATUS(Delete(X, FILE_DISPOSITION_DELETE | FILE_DISPOSITION_POSIX_SEMANTICS), STATUS_SUCCESS);
    Close(X);
    EXPECT_STATUS(Create(L"A", GENERIC_READ, FILE_OPEN, Sync, ShareAll, 0, F), STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT_STATUS(Delete(F), STATUS_SUCCESS);
    EXPECT_STATUS(Create(L"B", GENERIC_READ, FILE_CREATE, Sync, ShareAll, 0, F), STATUS_DELETE_PENDING);
    Close(F);
    Close(Y);
    EXPECT_STATUS(Create(L"\\??\\C:\\work\\dir", GENERIC_READ), STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT_STATUS(Create(L"\\??\\C:\\work\\x\\y", GENERIC_READ, FILE_CREATE), STATUS_OBJECT_PATH_NOT_FOUND);
    u64 O = A.PutAttributes(L"\\??\\C:\\work\\gone.tmp", OBJ_CASE_INSENSITIVE);
    EXPECT_STATUS(A.Start(NtDeleteFile, O), STATUS_OBJECT_NAME_NOT_FOUND);
    Close(Open(L"\\??\\C:\\work\\gone.tmp", GENERIC_WRITE, FILE_CREATE));
    EXPECT_STATUS(A.Start(NtDeleteFile, O), STATUS_SUCCESS);
    EXPECT_STATUS(A.Start(NtDeleteFile, O), STATUS_OBJECT_NAME_NOT_FOUND);
}

TEST_F(Files, Renaming)
{
    HANDLE D1 = Open(L"\\??\\C:\\r1", GENERIC_READ | DELETE_ACCESS, FILE_CREATE, Sync | FILE_DIRECTORY_FILE);
    HANDLE D2 = Open(L"\\??\\C:\\r2", GENERIC_READ | DELETE_ACCESS, FILE_CREATE, Sync | FILE_DIRECTORY_FILE);
    HANDLE F = Open(L"\\??\\C:\\r1\\one", GENERIC_READ | GENERIC_WRITE | DELETE_ACCESS, FILE_CREATE);
    Write(F, "data");
    Close(Open(L"\\??\\C:\\r2\\taken", GENERIC_WRITE, FILE_CREATE));
    EXPECT_STATUS(Rename(F, FileRenameInformation, u"two", 0), STATUS_SUCCESS);
    EXPECT_STATUS(Create(L"\\??\\C:\\r1\\one", GENERIC_READ), STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT_STATUS(Rename(F, FileRenameInformation, u"TWO", 0), STATUS_SUCCESS);        // case only
    EXPECT_EQ(List(D1, L"*"), (Strings { u".", u"..", u"TWO" }));
    EXPECT_STATUS(Rename(F, FileRenameInformation, u"\\??\\C:\\r2\\Taken", 0), STATUS_OBJECT_NAME_COLLISION);
    HANDLE T = Open(L"\\??\\C:\\r2\\taken");
    EXPECT_STATUS(Rename(F, FileRenameInformation, u"\\??\\C:\\r2\\Taken", 1), STATUS_ACCESS_DENIED);     // open
    EXPECT_STATUS(Rename(F, FileRenameInformationEx, u"Taken", FILE_RENAME_REPLACE_IF_EXISTS | FILE_RENAME_POSIX_SEMANTICS, D2), STATUS_SUCCESS);
    EXPECT_EQ(List(D2, L"*"), (Strings { u".", u"..", u"Taken" }));
    EXPECT_EQ(List(D1, L"*"), (Strings { u".", u".." }));
    EXPECT_STATUS(Read(T, 10), STATUS_END_OF_FILE);      // the old file, still there for who has it open
    Close(T);
    T = Open(L"\\??\\C:\\r2\\taken");
    EXPECT_STATUS(Read(T, 10), STATUS_SUCCESS);
    EXPECT_EQ(Got(), "data");
    u64 B = A.Room(200);
    EXPECT_STATUS(A.Start(NtQueryInformationFile, T, Block, B, 200, FileNameInformation), STATUS_SUCCESS);
    EXPECT_EQ(std::u16string(reinterpret_cast<char16_t*>(A.Bytes(B + 4)), A.At<u32>(B) / 2), u"\\r2\\Taken");
    EXPECT_STATUS(A.Start(NtQueryInformationFile, T, Block, B, 10, FileNameInformation), STATUS_BUFFER_OVERFLOW);
    EXPECT_EQ(A.At<u32>(B), 18u);
    Close(T);
    // Folders: not into themselves, not with something open inside.
    EXPECT_STATUS(Rename(D2, FileRenameInformation, u"\\??\\C:\\r2\\x", 0), STATUS_SHARING_VIOLATION);
    EXPECT_STATUS(Rename(D2, FileRenameInformation, u"r3", 0), STATUS_ACCESS_DENIED);
    EXPECT_STATUS(Delete(F), STATUS_SUCCESS);
    Close(F);
    EXPECT_STATUS(Rename(D2, FileRenameInformation, u"r3", 0), STATUS_SUCCESS);
    EXPECT_STATUS(Rename(D2, FileRenameInformation, u"\\??\\C:\\r1\\r3", 0), STATUS_SUCCESS);
    EXPECT_STATUS(Rename(D2, FileRenameInformation, u"a\\b", 0), STATUS_OBJECT_NAME_INVALID);
    EXPECT_STATUS(Rename(D2, FileRenameInformation, u"", 0), STATUS_INVALID_PARAMETER);
    EXPECT_STATUS(Delete(D2), STATUS_SUCCESS);
    Close(D2);
    EXPECT_STATUS(Delete(D1), STATUS_SUCCESS);
    Close(D1);
}

TEST_F(Files, HardLinks)
{
    HANDLE F = Open(L"\\??\\C:\\work\\l1", GENERIC_READ | GENERIC_WRITE | DELETE_ACCESS, FILE_CREATE);
    Write(F, "linked");
    EXPECT_STATUS(Rename(F, FileLinkInformation, u"\\??\\C:\\Windows\\l2", 0), STATUS_SUCCESS);
    EXPECT_STATUS(Rename(F, FileLinkInformation, u"l2", 0), STATUS_SUCCESS);
    EXPECT_STATUS(Rename(F, FileLinkInformation, u"l2", 0), STATUS_OBJECT_NAME_COLLISION);
    FILE_STANDARD_INFORMATION S;
    EXPECT_STATUS(Query(F, FileStandardInformation, S), STATUS_SUCCESS);
    EXPECT_EQ(S.NumberOfLinks, 3u);
    u64 B = A.Room(512);
    EXPECT_STATUS(A.Start(NtQueryInformationFile, F, Block, B, 512, FileHardLinkInformation), STATUS_SUCCESS);
    EXPECT_EQ(A.At<u32>(B + 4), 3u);
    EXPECT_STATUS(A.Start(NtQueryInformationFile, F, Block, B, 40, FileHardLinkInformation), STATUS_BUFFER_OVERFLOW);
    EXPECT_EQ(A.At<u32>(B + 4), 1u);
    EXPECT_STATUS(Delete(F), STATUS_SUCCESS);
    EXPECT_STATUS(Query(F, FileStandardInformation, S), STATUS_SUCCESS);
    EXPECT_EQ(S.NumberOfLinks, 2u);
    EXPECT_TRUE(S.DeletePending);
    Close(F);
    F = Open(L"\\??\\C:\\work\\L2", GENERIC_READ | DELETE_ACCESS, FILE_OPEN, Sync | FILE_DELETE_ON_CLOSE);
    EXPECT_STATUS(Read(F, 10), STATUS_SUCCESS);
    EXPECT_EQ(Got(), "linked");
    Close(F);
    Close(Open(L"\\??\\C:\\Windows\\l2", DELETE_ACCESS, FILE_OPEN, Sync | FILE_DELETE_ON_CLOSE));
    HANDLE D = Open(L"\\??\\C:\\work", GENERIC_READ);
    EXPECT_STATUS(Rename(D, FileLinkInformation, u"dl", 0), STATUS_FILE_IS_A_DIRECTORY);
    Close(D);
}

TEST_F(Files, Listing)
{
    HANDLE D = Open(L"\\??\\C:\\list", GENERIC_READ | DELETE_ACCESS, FILE_CREATE, Sync | FILE_DIRECTORY_FILE);
    for (const wchar_t* N : { L"\\??\\C:\\list\\b.txt", L"\\??\\C:\\list\\A.txt", L"\\??\\C:\\list\\c", L"\\??\\C:\\list\\a.b.c" })
        Close(Open(N, GENERIC_WRITE, FILE_CREATE));
    for (u32 Class : { u32(FileBothDirectoryInformation), u32(FileDirectoryInformation), u32(FileNamesInformation) })
        for (u32 Room : { 4096u, 130u })
            EXPECT_EQ(List(D, nullptr, Room, Class), (Strings { u".", u"..", u"a.b.c", u"A.txt", u"b.txt", u"c" }));
    EXPECT_EQ(List(D, L"*.*"), (Strings { u".", u"..", u"a.b.c", u"A.txt", u"b.txt", u"c" }));
    EXPECT_EQ(List(D, L"*.TXT"), (Strings { u"A.txt", u"b.txt" }));
    EXPECT_EQ(List(D, L"c"), (Strings { u"c" }));
    EXPECT_EQ(List(D, L"c.*"), (Strings { u"c" }));
    EXPECT_EQ(List(D, L"?.txt"), (Strings { u"A.txt", u"b.txt" }));
    NTSTATUS Last;
    // The folder has been listed before: no such file is told only to the first.
    EXPECT_EQ(List(D, L"zzz", 4096, FileBothDirectoryInformation, &Last), (Strings {}));
    EXPECT_STATUS(Last, STATUS_NO_MORE_FILES);
    HANDLE D2 = Open(L"\\??\\C:\\list");
    EXPECT_EQ(List(D2, L"zzz", 4096, FileBothDirectoryInformation, &Last), (Strings {}));
    EXPECT_STATUS(Last, STATUS_NO_SUCH_FILE);
    Close(D2);
    // Deleting while listing, one at a time: nothing is skipped or told twice.
    D2 = Open(L"\\??\\C:\\list");
    u64 B = A.Room(200);
    Strings Seen;
    for (bool First = true; A.Start(NtQueryDirectoryFile, D2, 0, 0, 0, Block, B, 200, FileNamesInformation, 1, 0, First) == STATUS_SUCCESS; First = false) {
        std::u16string N(reinterpret_cast<char16_t*>(A.Bytes(B + 12)), A.At<u32>(B + 8) / 2);
        Seen.push_back(N);
        if (N[0] == '.')
            continue;
        std::u16string Path = u"\\??\\C:\\list\\" + N;
        Close(Open(reinterpret_cast<const wchar_t*>(Path.c_str()), DELETE_ACCESS, FILE_OPEN, Sync | FILE_DELETE_ON_CLOSE));
    }
    EXPECT_EQ(Seen, (Strings { u".", u"..", u"a.b.c", u"A.txt", u"b.txt", u"c" }));
    Close(D2);
    EXPECT_STATUS(A.Start(NtQueryDirectoryFile, D, 0, 0, 0, Block, B, 20, FileBothDirectoryInformation, 0, 0, 1), STATUS_INFO_LENGTH_MISMATCH);
    EXPECT_STATUS(A.Start(NtQueryDirectoryFile, D, 0, 0, 0, Block, B, 200, FileBasicInformation, 0, 0, 1), STATUS_INVALID_INFO_CLASS);
    EXPECT_STATUS(Delete(D), STATUS_SUCCESS);
    Close(D);
}

TEST_F(Files, InformationLengths)
{
    HANDLE H = Open(L"\\??\\C:\\work\\hello.txt");
    u64 B = A.Room(512);
    EXPECT_STATUS(A.Start(NtQueryInformationFile, H, Block, B, 39, FileBasicInformation), STATUS_INFO_LENGTH_MISMATCH);
    EXPECT_STATUS(A.Start(NtQueryInformationFile, H, Block, B, 512, FileBasicInformation), STATUS_SUCCESS);
    EXPECT_EQ(Iosb().Information, 40u);
    EXPECT_STATUS(A.Start(NtQueryInformationFile, H, Block, B, 512, FileEndOfFileInformation), STATUS_INVALID_INFO_CLASS);
    EXPECT_STATUS(A.Start(NtQueryInformationFile, H, Block, B, 512, 999), STATUS_INVALID_INFO_CLASS);
    EXPECT_STATUS(A.Start(NtQueryInformationFile, H, Block, B, 512, FileAllInformation), STATUS_SUCCESS);
    EXPECT_EQ(Iosb().Information, 100u + 2 * 15);
    EXPECT_EQ(A.At<FILE_ALL_INFORMATION>(B).AccessInformation.AccessFlags, FILE_GENERIC_READ);
    EXPECT_EQ(A.At<FILE_ALL_INFORMATION>(B).ModeInformation.Mode, FILE_SYNCHRONOUS_IO_NONALERT);
    EXPECT_EQ(A.At<FILE_ALL_INFORMATION>(B).StandardInformation.EndOfFile.QuadPart, 12);
    EXPECT_STATUS(A.Start(NtQueryInformationFile, H, Block, B, 104, FileAllInformation), STATUS_BUFFER_OVERFLOW);
    EXPECT_STATUS(A.Start(NtQueryInformationFile, H, Block, 8, 512, FileBasicInformation), STATUS_ACCESS_VIOLATION);
    EXPECT_STATUS(A.Start(NtQueryInformationFile, 0x7777, Block, B, 512, FileBasicInformation), STATUS_INVALID_HANDLE);
    EXPECT_STATUS(A.Start(NtQueryVolumeInformationFile, H, Block, B, 8, FileFsDeviceInformation), STATUS_SUCCESS);
    EXPECT_EQ(A.At<u32>(B), FILE_DEVICE_DISK_FILE_SYSTEM);
    EXPECT_STATUS(A.Start(NtQueryVolumeInformationFile, H, Block, B, 512, FileFsAttributeInformation), STATUS_SUCCESS);
    EXPECT_EQ(std::u16string(reinterpret_cast<char16_t*>(A.Bytes(B + 12)), 4), u"NTFS");
    EXPECT_STATUS(A.Start(NtQueryVolumeInformationFile, H, Block, B, 24, FileFsVolumeInformation), STATUS_BUFFER_OVERFLOW);
    EXPECT_STATUS(A.Start(NtQueryVolumeInformationFile, H, Block, B, 24, FileFsSizeInformation), STATUS_SUCCESS);
    EXPECT_EQ(A.At<u64>(B), mm::QueryMemory().TotalPages);
    Close(H);
    u64 O = A.PutAttributes(L"\\??\\C:\\Windows\\notepad.exe", OBJ_CASE_INSENSITIVE);
    EXPECT_STATUS(A.Start(NtQueryFullAttributesFile, O, B), STATUS_SUCCESS);
    EXPECT_EQ(A.At<FILE_NETWORK_OPEN_INFORMATION>(B).EndOfFile.QuadPart, 2);
    EXPECT_STATUS(A.Start(NtQueryAttributesFile, O, B), STATUS_SUCCESS);
    EXPECT_EQ(A.At<FILE_BASIC_INFORMATION>(B).FileAttributes, FILE_ATTRIBUTE_ARCHIVE);
    O = A.PutAttributes(L"\\??\\C:\\Windows\\nix.exe", OBJ_CASE_INSENSITIVE);
    EXPECT_STATUS(A.Start(NtQueryAttributesFile, O, B), STATUS_OBJECT_NAME_NOT_FOUND);
    O = A.PutAttributes(L"\\??\\NUL", OBJ_CASE_INSENSITIVE);
    EXPECT_STATUS(A.Start(NtQueryAttributesFile, O, B), STATUS_INVALID_DEVICE_REQUEST);
}

TEST_F(Files, FileIdsAndReopening)
{
    HANDLE H = Open(L"\\??\\C:\\work\\hello.txt"), D = Open(L"\\??\\C:\\work");
    FILE_INTERNAL_INFORMATION Id;
    EXPECT_STATUS(Query(H, FileInternalInformation, Id), STATUS_SUCCESS);
    u64 Bytes = A.Put(Id), Text = A.Put(UNICODE_STRING { 8, 8, reinterpret_cast<wchar_t*>(Bytes) });
    u64 O = A.Put(OBJECT_ATTRIBUTES { sizeof(OBJECT_ATTRIBUTES), D, reinterpret_cast<UNICODE_STRING*>(Text), 0, nullptr, nullptr });
    EXPECT_STATUS(A.Start(NtOpenFile, Out, GENERIC_READ | SYNCHRONIZE, O, Block, ShareAll, Sync | FILE_OPEN_BY_FILE_ID), STATUS_SUCCESS);
    HANDLE H2 = A.At<HANDLE>(Out);
    EXPECT_STATUS(Read(H2, 5), STATUS_SUCCESS);
    EXPECT_EQ(Got(), "hello");
    Close(H2);
    EXPECT_STATUS(Create(L"", GENERIC_READ, FILE_OPEN, Sync, ShareAll, 0, H), STATUS_SUCCESS);        // the same file again
    EXPECT_STATUS(Read(Made, 5), STATUS_SUCCESS);
    EXPECT_EQ(Got(), "hello");
    Close(Made);
    Close(H);
    Close(D);
}

TEST_F(Files, SymbolicLinks)
{
    HANDLE L = Open(L"\\??\\C:\\junction", GENERIC_WRITE | GENERIC_READ | DELETE_ACCESS, FILE_CREATE, Sync | FILE_DIRECTORY_FILE);
    std::u16string To = u"\\??\\C:\\work";
    std::vector<u8> Data(16 + To.size() * 2 + 4);
    u32 Tag = IO_REPARSE_TAG_MOUNT_POINT;
    u16 Head[] = { u16(Data.size() - 8), 0, 0, u16(To.size() * 2), u16(To.size() * 2 + 2), 0 };
    memcpy(Data.data(), &Tag, 4);
    memcpy(Data.data() + 4, Head, 12);
    memcpy(Data.data() + 16, To.data(), To.size() * 2);
    u64 B = A.Room(1024);
    memcpy(A.Bytes(B), Data.data(), Data.size());
    EXPECT_STATUS(A.Start(NtFsControlFile, L, 0, 0, 0, Block, FSCTL_SET_REPARSE_POINT, B, Data.size(), 0, 0), STATUS_SUCCESS);
    Close(L);
    HANDLE H = Open(L"\\??\\C:\\junction\\hello.txt");
    EXPECT_STATUS(Read(H, 5), STATUS_SUCCESS);
    EXPECT_EQ(Got(), "hello");
    Close(H);
    L = Open(L"\\??\\C:\\junction", FILE_READ_ATTRIBUTES | DELETE_ACCESS, FILE_OPEN, Sync | FILE_OPEN_REPARSE_POINT | FILE_DELETE_ON_CLOSE);
    FILE_ATTRIBUTE_TAG_INFORMATION T;
    EXPECT_STATUS(Query(L, FileAttributeTagInformation, T), STATUS_SUCCESS);
    EXPECT_EQ(T.ReparseTag, IO_REPARSE_TAG_MOUNT_POINT);
    EXPECT_EQ(T.FileAttributes, FILE_ATTRIBUTE_DIRECTORY | FILE_ATTRIBUTE_REPARSE_POINT);
    EXPECT_STATUS(A.Start(NtFsControlFile, L, 0, 0, 0, Block, FSCTL_GET_REPARSE_POINT, 0, 0, B, 1024), STATUS_SUCCESS);
    EXPECT_EQ(Iosb().Information, Data.size());
    EXPECT_EQ(memcmp(A.Bytes(B), Data.data(), Data.size()), 0);
    Close(L);
    // A link to itself ends somewhere.
    H = Open(L"\\??\\C:\\loop", GENERIC_WRITE | DELETE_ACCESS, FILE_CREATE);
    u32 SymTag = IO_REPARSE_TAG_SYMLINK, Flags = SYMLINK_FLAG_RELATIVE;
    std::u16string Name = u"loop";
    std::vector<u8> Link(20 + 8);
    u16 LinkHead[] = { 20, 0, 0, 8, 0, 8 };
    memcpy(Link.data(), &SymTag, 4);
    memcpy(Link.data() + 4, LinkHead, 12);
    memcpy(Link.data() + 16, &Flags, 4);
    memcpy(Link.data() + 20, Name.data(), 8);
    memcpy(A.Bytes(B), Link.data(), Link.size());
    EXPECT_STATUS(A.Start(NtFsControlFile, H, 0, 0, 0, Block, FSCTL_SET_REPARSE_POINT, B, Link.size(), 0, 0), STATUS_SUCCESS);
    EXPECT_STATUS(Create(L"\\??\\C:\\loop", GENERIC_READ), STATUS_OBJECT_NAME_NOT_FOUND);
    Delete(H);
    Close(H);
}

TEST_F(Files, ExtendedAttributes)
{
    HANDLE H = Open(L"\\??\\C:\\work\\ea.tmp", GENERIC_READ | GENERIC_WRITE | DELETE_ACCESS, FILE_CREATE, Sync | FILE_DELETE_ON_CLOSE);
    u64 B = A.Room(512);
    EXPECT_STATUS(A.Start(NtQueryEaFile, H, Block, B, 512, 0, 0, 0, 0, 1), STATUS_NO_EAS_ON_FILE);
    u8 Ea[] = { 0, 0, 0, 0, 0, 3, 2, 0, 'A', 'B', 'C', 0, 'x', 'y' };
    memcpy(A.Bytes(B), Ea, sizeof(Ea));
    EXPECT_STATUS(A.Start(NtSetEaFile, H, Block, B, sizeof(Ea) - 1), STATUS_EA_LIST_INCONSISTENT);
    EXPECT_STATUS(A.Start(NtSetEaFile, H, Block, B, sizeof(Ea)), STATUS_SUCCESS);
    FILE_EA_INFORMATION I;
    EXPECT_STATUS(Query(H, FileEaInformation, I), STATUS_SUCCESS);
    EXPECT_EQ(I.EaSize, sizeof(Ea));
    EXPECT_STATUS(A.Start(NtQueryEaFile, H, Block, B, 512, 0, 0, 0, 0, 1), STATUS_SUCCESS);
    EXPECT_EQ(memcmp(A.Bytes(B), Ea, sizeof(Ea)), 0);
    EXPECT_STATUS(A.Start(NtQueryEaFile, H, Block, B, 512, 0, 0, 0, 0, 0), STATUS_NO_MORE_EAS);
    Close(H);
}

TEST_F(Files, Locks)
{
    const wchar_t* P = L"\\??\\C:\\work\\lock.tmp";
    HANDLE H1 = Open(P, GENERIC_READ | GENERIC_WRITE | DELETE_ACCESS, FILE_CREATE), H2 = Open(P, GENERIC_READ | GENERIC_WRITE);
    Write(H1, "0123456789");
    u64 Ten = A.Put(i64(10)), Five = A.Put(i64(5)), Zero = A.Put(i64(0));
    auto Lock = [&](fake::Client& By, HANDLE H, bool Now, bool Exclusive) { return By.Start(NtLockFile, H, 0, 0, 0, Block, Five, Five, 0, Now, Exclusive); };
    EXPECT_STATUS(Lock(A, H1, true, true), STATUS_SUCCESS);
    EXPECT_STATUS(Lock(A, H2, true, false), STATUS_LOCK_NOT_GRANTED);
    EXPECT_STATUS(Read(H2, 10, 0), STATUS_FILE_LOCK_CONFLICT);
    EXPECT_STATUS(Read(H2, 5, 0), STATUS_SUCCESS);
    EXPECT_STATUS(Read(H1, 10, 0), STATUS_SUCCESS);
    fake::Client B { A };
    EXPECT_STATUS(Lock(B, H2, false, true), STATUS_PENDING);
    EXPECT_STATUS(A.Now(NtUnlockFile, H1, Block, Zero, Ten, 0), STATUS_RANGE_NOT_LOCKED);
    EXPECT_STATUS(A.Now(NtUnlockFile, H1, Block, Five, Five, 0), STATUS_SUCCESS);
    EXPECT_STATUS(B.Reply(), STATUS_SUCCESS);
    EXPECT_STATUS(Write(H1, "x", 5), STATUS_FILE_LOCK_CONFLICT);
    Close(H2);                          // its locks go with it
    EXPECT_STATUS(Write(H1, "x", 5), STATUS_SUCCESS);
    // A shared lock over one's own exclusive one, which is the first to be unlocked.
    H2 = Open(P, GENERIC_READ | GENERIC_WRITE);
    EXPECT_STATUS(Lock(A, H1, true, true), STATUS_SUCCESS);
    EXPECT_STATUS(Lock(A, H1, true, true), STATUS_LOCK_NOT_GRANTED);
    EXPECT_STATUS(Lock(A, H1, true, false), STATUS_SUCCESS);
    EXPECT_STATUS(Write(H1, "x", 5), STATUS_FILE_LOCK_CONFLICT);
    EXPECT_STATUS(Lock(A, H2, true, false), STATUS_LOCK_NOT_GRANTED);
    EXPECT_STATUS(A.Now(NtUnlockFile, H1, Block, Five, Five, 0), STATUS_SUCCESS);
    EXPECT_STATUS(Lock(A, H2, true, false), STATUS_SUCCESS);
    EXPECT_STATUS(A.Now(NtUnlockFile, H1, Block, Five, Five, 0), STATUS_SUCCESS);
    EXPECT_STATUS(A.Now(NtUnlockFile, H1, Block, Five, Five, 0), STATUS_RANGE_NOT_LOCKED);
    Close(H2);
    Delete(H1);
    Close(H1);
}

TEST_F(Files, ChangeNotification)
{
    HANDLE D = Open(L"\\??\\C:\\work", FILE_LIST_DIRECTORY, FILE_OPEN, FILE_DIRECTORY_FILE);
    u64 B = A.Room(256), B2 = A.Room(16);
    EXPECT_STATUS(A.Start(NtNotifyChangeDirectoryFile, D, 0, 0, 0, B2, B, 256, FILE_NOTIFY_CHANGE_FILE_NAME | FILE_NOTIFY_CHANGE_SIZE, 0), STATUS_PENDING);
    EXPECT_FALSE(A.IsBlocked());
    HANDLE H = Open(L"\\??\\C:\\work\\watched", GENERIC_WRITE | DELETE_ACCESS, FILE_CREATE);
    EXPECT_EQ(A.At<IO_STATUS_BLOCK>(B2).Status, STATUS_SUCCESS);
    EXPECT_EQ(A.At<IO_STATUS_BLOCK>(B2).Information, 12u + 14);
    EXPECT_EQ(A.At<FILE_NOTIFY_INFORMATION>(B).Action, FILE_ACTION_ADDED);
    EXPECT_EQ(std::u16string(reinterpret_cast<char16_t*>(A.Bytes(B + 12)), 7), u"watched");
    // What happens between two requests is kept.
    Write(H, "x");
    Rename(H, FileRenameInformation, u"renamed", 0);
    EXPECT_STATUS(A.Start(NtNotifyChangeDirectoryFile, D, 0, 0, 0, B2, B, 256, 1, 0), STATUS_SUCCESS);
    u32 Actions[3] = {}, N = 0;
    for (u64 At = B; N < 3; At += A.At<u32>(At)) {
        Actions[N++] = A.At<FILE_NOTIFY_INFORMATION>(At).Action;
        if (!A.At<u32>(At))
            break;
    }
    EXPECT_EQ(Actions[0], FILE_ACTION_MODIFIED);
    EXPECT_EQ(Actions[1], FILE_ACTION_RENAMED_OLD_NAME);
    EXPECT_EQ(Actions[2], FILE_ACTION_RENAMED_NEW_NAME);
    EXPECT_STATUS(A.Start(NtNotifyChangeDirectoryFile, D, 0, 0, 0, B2, B, 256, 1, 0), STATUS_PENDING);
    Close(D);
    EXPECT_EQ(A.At<IO_STATUS_BLOCK>(B2).Status, STATUS_NOTIFY_CLEANUP);
    Delete(H);
    Close(H);
}

TEST_F(Files, TheNullDevice)
{
    HANDLE H = Open(L"\\??\\NUL", GENERIC_READ | GENERIC_WRITE);
    EXPECT_STATUS(Write(H, "into the void"), STATUS_SUCCESS);
    EXPECT_EQ(Iosb().Information, 13u);
    EXPECT_STATUS(Read(H, 10), STATUS_END_OF_FILE);
    Close(H);
}

TEST_F(Files, KernelReads)
{
    auto F = io::OpenKernelFile(L"\\SystemRoot\\System32\\ntdll.dll");
    ASSERT_TRUE(F.Ok());
    char Buffer[100];
    EXPECT_EQ(io::ReadKernel(*F.Value(), 4990, Buffer, 100).Value(), 10u);
    EXPECT_STATUS(io::OpenKernelFile(L"\\SystemRoot\\nix").Code(), STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT_STATUS(io::OpenKernelFile(L"\\??\\C:\\work").Code(), STATUS_FILE_IS_A_DIRECTORY);
}

}

namespace {

TEST_F(Files, OverlappedFilesTellLater)
{
    HANDLE H = Open(L"\\??\\C:\\work\\async.tmp", GENERIC_READ | GENERIC_WRITE | DELETE_ACCESS, FILE_CREATE, FILE_DELETE_ON_CLOSE);
    EXPECT_STATUS(Write(H, "data"), STATUS_INVALID_PARAMETER);       // where?
    EXPECT_STATUS(Write(H, "data", 0), STATUS_PENDING);
    EXPECT_EQ(Iosb().Status, STATUS_SUCCESS);
    EXPECT_EQ(Iosb().Information, 4u);
    u64 Buffer = A.Room(16), At = A.Put(i64(2)), End = A.Put(i64(100));
    EXPECT_STATUS(A.Start(NtReadFile, H, 0, 0x1000, 0x55, Block, Buffer, 16, At, 0), STATUS_PENDING);
    EXPECT_EQ(Iosb().Information, 2u);
    EXPECT_EQ(A.Thread().Copied, (std::array<u64, 4> { 0x1000, 0x55, Block, 0 }));
    EXPECT_STATUS(A.Start(NtReadFile, H, 0, 0, 0, Block, Buffer, 16, End, 0), STATUS_PENDING);
    EXPECT_EQ(Iosb().Status, STATUS_END_OF_FILE);
    Close(H);
    // A synchronous one tells of the end in the status block, too.
    H = Open(L"\\??\\C:\\work\\hello.txt");
    Iosb().Status = 0x1234;
    EXPECT_STATUS(Read(H, 1, 500), STATUS_END_OF_FILE);
    EXPECT_EQ(Iosb().Status, STATUS_END_OF_FILE);
    EXPECT_EQ(Iosb().Information, 0u);
    Close(H);
}

}
