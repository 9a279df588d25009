// Everything files and folders of a FAT volume can do, by native services. The volume stays as this leaves it: the host checks it (tools/neptune/fs_tests.py).
#include "tests/guest/fs/fs.hpp"

using namespace fs;

static u8 Buffer[256 * 1024], Other[256 * 1024];

static void Opening()
{
    CHECK_EQ(u32(Create(L"hello.txt", FILE_OPEN).Status), u32(STATUS_OBJECT_NAME_NOT_FOUND));
    CHECK_EQ(u32(Create(L"no\\hello.txt", FILE_OPEN).Status), u32(STATUS_OBJECT_PATH_NOT_FOUND));
    CHECK_EQ(u32(Create(L"a*b", FILE_CREATE).Status), u32(STATUS_OBJECT_NAME_INVALID));
    {
        Opened F = Create(L"hello.txt", FILE_CREATE);
        CHECK_EQ(u32(F.Status), 0);
        CHECK_EQ(F.Information, u64(FILE_CREATED));
        CHECK_EQ(u32(Write(F, "hello, world\n", 13)), 0);
        CHECK_EQ(SizeOf(F), 13u);
    }
    CHECK_EQ(u32(Create(L"hello.txt", FILE_CREATE).Status), u32(STATUS_OBJECT_NAME_COLLISION));
    {
        Opened F = Create(L"HELLO.TXT", FILE_OPEN, FILE_GENERIC_READ);
        CHECK_EQ(u32(F.Status), 0);
        char Text[40] {};
        u64 Done = 0;
        CHECK_EQ(u32(Read(F, Text, 40, -2, &Done)), 0);
        CHECK_EQ(Done, 13u);
        CHECK(memcmp(Text, "hello, world\n", 13) == 0);
        CHECK_EQ(u32(Read(F, Text, 40)), u32(STATUS_END_OF_FILE));
        CHECK_EQ(u32(Write(F, "x", 1)), u32(STATUS_ACCESS_DENIED));
    }
    CHECK_EQ(u32(Create(L"hello.txt", FILE_OPEN, FILE_GENERIC_READ, FILE_DIRECTORY_FILE).Status), u32(STATUS_NOT_A_DIRECTORY));
    CHECK_EQ(u32(Create(L"", FILE_OPEN, FILE_GENERIC_READ, FILE_NON_DIRECTORY_FILE).Status), u32(STATUS_FILE_IS_A_DIRECTORY));
    {
        Opened F = Create(L"hello.txt", FILE_OVERWRITE_IF);
        CHECK_EQ(F.Information, u64(FILE_OVERWRITTEN));
        CHECK_EQ(SizeOf(F), 0u);
        CHECK_EQ(u32(Write(F, "again", 5)), 0);
    }
    CHECK_EQ(u32(Folder(L"sub", FILE_CREATE).Status), 0);
    CHECK_EQ(u32(Folder(L"sub\\Deeper Folder With A Long Name", FILE_CREATE).Status), 0);
    {
        Opened Sub = Folder(L"sub");
        CHECK_EQ(u32(Sub.Status), 0);
        Opened F = Create(L"deeper folder with a long name\\Relative.Data", FILE_CREATE, ReadWrite, 0, FILE_SHARE_VALID_FLAGS, 0, Sub);
        CHECK_EQ(u32(F.Status), 0);
        CHECK_EQ(u32(Write(F, "relative", 8)), 0);
        struct {
            FILE_NAME_INFORMATION Name;
            WCHAR More[100];
        } N {};
        CHECK_EQ(u32(Query(F, FileNameInformation, N)), 0);
        static const WCHAR Whole[] = L"\\sub\\Deeper Folder With A Long Name\\Relative.Data";
        CHECK_EQ(N.Name.FileNameLength, ULONG(sizeof(Whole) - 2));
        CHECK(memcmp(N.Name.FileName, Whole, sizeof(Whole) - 2) == 0);
    }
    FILE_NETWORK_OPEN_INFORMATION Info {};
    CHECK_EQ(u32(Attributes(L"sub\\Deeper Folder With A Long Name\\relative.data", Info)), 0);
    CHECK_EQ(Info.EndOfFile.QuadPart, 8);
    CHECK_EQ(Info.FileAttributes, ULONG(FILE_ATTRIBUTE_ARCHIVE));
    CHECK_EQ(u32(Attributes(L"sub\\nothing", Info)), u32(STATUS_OBJECT_NAME_NOT_FOUND));
}

static void Data()
{
    Opened F = Create(L"data.bin", FILE_CREATE);
    CHECK_EQ(u32(F.Status), 0);
    // In odd pieces, overlapping clusters in every way.
    u64 At = 0;
    for (u32 Step = 1; At + Step < sizeof(Buffer); Step = Step * 3 + 7) {
        Pattern(Buffer, Step, At, 1);
        CHECK_EQ(u32(Write(F, Buffer, Step, i64(At))), 0);
        At += Step;
    }
    CHECK_EQ(SizeOf(F), At);
    memset(Buffer, 0, sizeof(Buffer));
    u64 Done = 0;
    CHECK_EQ(u32(Read(F, Buffer, sizeof(Buffer), 0, &Done)), 0);
    CHECK_EQ(Done, At);
    Pattern(Other, At, 0, 1);
    CHECK(memcmp(Buffer, Other, At) == 0);
    // The middle anew, then a part read that crosses it.
    Pattern(Other + 5000, 9000, 5000, 2);
    CHECK_EQ(u32(Write(F, Other + 5000, 9000, 5000)), 0);
    CHECK_EQ(u32(Read(F, Buffer, 20000, 1234, &Done)), 0);
    CHECK(memcmp(Buffer, Other + 1234, 20000) == 0);
    // A gap reads as zero.
    CHECK_EQ(u32(Write(F, "end", 3, i64(At) + 10000)), 0);
    CHECK_EQ(u32(Read(F, Buffer, 10003, i64(At), &Done)), 0);
    bool Zero = true;
    for (u32 I = 0; I < 10000; ++I)
        Zero &= Buffer[I] == 0;
    CHECK(Zero && memcmp(Buffer + 10000, "end", 3) == 0);
    // Shorter, longer.
    CHECK_EQ(u32(SetSize(F, 6001)), 0);
    CHECK_EQ(u32(SetSize(F, 9000)), 0);
    CHECK_EQ(u32(Read(F, Buffer, 20000, 0, &Done)), 0);
    CHECK_EQ(Done, 9000u);
    CHECK(memcmp(Buffer, Other, 6001) == 0);
    Zero = true;
    for (u32 I = 6001; I < 9000; ++I)
        Zero &= Buffer[I] == 0;
    CHECK(Zero);
    CHECK_EQ(u32(Flush(F)), 0);
    // At the end, and where the position is afterwards.
    CHECK_EQ(u32(Write(F, "tail", 4, -1)), 0);
    FILE_POSITION_INFORMATION P {};
    CHECK_EQ(u32(Query(F, FilePositionInformation, P)), 0);
    CHECK_EQ(P.CurrentByteOffset.QuadPart, 9004);
    CHECK_EQ(SizeOf(F), 9004u);
    {
        Opened A = Create(L"data.bin", FILE_OPEN, FILE_APPEND_DATA);
        CHECK_EQ(u32(Write(A, "more", 4, 0)), 0);
    }
    CHECK_EQ(SizeOf(F), 9008u);
    CHECK_EQ(u32(Read(F, Buffer, 8, 9000, &Done)), 0);
    CHECK(memcmp(Buffer, "tailmore", 8) == 0);
    // Unbuffered.
    Opened D = Create(L"data.bin", FILE_OPEN, ReadWrite, FILE_NO_INTERMEDIATE_BUFFERING);
    CHECK_EQ(u32(D.Status), 0);
    CHECK_EQ(u32(Read(D, Buffer, 100, 0)), u32(STATUS_INVALID_PARAMETER));
    CHECK_EQ(u32(Read(D, Buffer, 4096, 512, &Done)), 0);
    CHECK(memcmp(Buffer, Other + 512, 4096) == 0);
    Pattern(Buffer, 1024, 1024, 3);
    CHECK_EQ(u32(Write(D, Buffer, 1024, 1024)), 0);
    CHECK_EQ(u32(Read(F, Other, 1024, 1024)), 0);
    CHECK(memcmp(Buffer, Other, 1024) == 0);
    CHECK_EQ(u32(Read(D, Buffer, 4096, 8192, &Done)), 0);
    CHECK_EQ(Done, 9008u - 8192u);
}

// Appended in small pieces: what it costs is counted.
static void Appending()
{
    Opened F = Create(L"log.txt", FILE_CREATE);
    ramdisk::Counts Before = Counts();
    for (u32 I = 0; I < 100; ++I) {
        Pattern(Buffer, 2000, I * 2000, 4);
        if (Write(F, Buffer, 2000) < 0)
            break;
    }
    ramdisk::Counts After = Counts();
    tap::Print("# 100 appends of 2000 bytes: %u writes to the disk, %u reads\n", unsigned(After.Writes - Before.Writes), unsigned(After.Reads - Before.Reads));
    CHECK_EQ(SizeOf(F), 200000u);
    u64 Done = 0;
    CHECK_EQ(u32(Read(F, Buffer, 200000, 0, &Done)), 0);
    Pattern(Other, 200000, 0, 4);
    CHECK(memcmp(Buffer, Other, 200000) == 0);
}

static void Information()
{
    Opened F = Create(L"info.txt", FILE_CREATE);
    CHECK_EQ(u32(Write(F, "1234567890", 10)), 0);
    FILE_STANDARD_INFORMATION S {};
    CHECK_EQ(u32(Query(F, FileStandardInformation, S)), 0);
    CHECK(S.EndOfFile.QuadPart == 10 && S.AllocationSize.QuadPart >= 10 && S.NumberOfLinks == 1 && !S.Directory && !S.DeletePending);
    struct {
        FILE_ALL_INFORMATION All;
        WCHAR More[100];
    } A {};
    CHECK_EQ(u32(Query(F, FileAllInformation, A)), 0);
    CHECK_EQ(A.All.StandardInformation.EndOfFile.QuadPart, 10);
    CHECK_EQ(A.All.PositionInformation.CurrentByteOffset.QuadPart, 10);
    CHECK_EQ(A.All.ModeInformation.Mode, ULONG(FILE_SYNCHRONOUS_IO_NONALERT));
    CHECK_EQ(A.All.AccessInformation.AccessFlags & (FILE_READ_DATA | FILE_WRITE_DATA), ULONG(FILE_READ_DATA | FILE_WRITE_DATA));
    CHECK_EQ(A.All.NameInformation.FileNameLength, 18u);
    // Times: two seconds for writing, ten milliseconds for creation.
    FILE_BASIC_INFORMATION B {};
    B.CreationTime.QuadPart = 132539328012340000;       // 2021-01-01 00:00:01.234
    B.LastWriteTime.QuadPart = 132539328040000000;      // 00:00:04
    B.FileAttributes = FILE_ATTRIBUTE_READONLY | FILE_ATTRIBUTE_HIDDEN;
    CHECK_EQ(u32(Set(F, FileBasicInformation, B)), 0);
    F.Close();
    Opened R = Create(L"info.txt", FILE_OPEN, FILE_GENERIC_READ | FILE_WRITE_ATTRIBUTES);
    FILE_BASIC_INFORMATION C {};
    CHECK_EQ(u32(Query(R, FileBasicInformation, C)), 0);
    CHECK_EQ(C.CreationTime.QuadPart, 132539328012300000);
    CHECK_EQ(C.LastWriteTime.QuadPart, 132539328040000000);
    CHECK_EQ(C.FileAttributes, ULONG(FILE_ATTRIBUTE_READONLY | FILE_ATTRIBUTE_HIDDEN));
    CHECK_EQ(u32(Create(L"info.txt", FILE_OPEN).Status), u32(STATUS_ACCESS_DENIED));
    CHECK_EQ(u32(Create(L"info.txt", FILE_OPEN, DELETE_ACCESS, FILE_DELETE_ON_CLOSE).Status), u32(STATUS_CANNOT_DELETE));
    B = {};
    B.FileAttributes = FILE_ATTRIBUTE_NORMAL;
    CHECK_EQ(u32(Set(R, FileBasicInformation, B)), 0);
    CHECK_EQ(u32(Create(L"info.txt", FILE_OPEN).Status), 0);
    u64 Id[2] = {};
    CHECK_EQ(u32(Query(R, FileInternalInformation, Id, 8)), 0);
    CHECK(Id[0] != 0);
}

static void Sharing()
{
    Opened A = Create(L"hello.txt", FILE_OPEN, FILE_GENERIC_READ, 0, FILE_SHARE_READ);
    CHECK_EQ(u32(A.Status), 0);
    CHECK_EQ(u32(Create(L"hello.txt", FILE_OPEN, FILE_GENERIC_WRITE).Status), u32(STATUS_SHARING_VIOLATION));
    CHECK_EQ(u32(Create(L"hello.txt", FILE_OPEN, FILE_GENERIC_READ).Status), 0);
    CHECK_EQ(u32(Create(L"hello.txt", FILE_OPEN, DELETE_ACCESS).Status), u32(STATUS_SHARING_VIOLATION));
    CHECK_EQ(u32(Create(L"hello.txt", FILE_OVERWRITE_IF).Status), u32(STATUS_SHARING_VIOLATION));
    A.Close();
    CHECK_EQ(u32(Create(L"hello.txt", FILE_OPEN, FILE_GENERIC_WRITE).Status), 0);
}

static void Deleting()
{
    {
        Opened F = Create(L"gone.txt", FILE_CREATE, ReadWrite, FILE_DELETE_ON_CLOSE);
        CHECK_EQ(u32(F.Status), 0);
        CHECK_EQ(u32(Write(F, Buffer, 20000)), 0);
        CHECK(Exists(L"gone.txt"));
    }
    // NtClose has waited for it.
    CHECK(!Exists(L"gone.txt"));
    Opened A = Create(L"two.txt", FILE_CREATE), B = Create(L"two.txt", FILE_OPEN);
    CHECK_EQ(u32(Delete(A)), 0);
    A.Close();
    CHECK_EQ(u32(Create(L"two.txt", FILE_OPEN).Status), u32(STATUS_DELETE_PENDING));
    CHECK_EQ(u32(Write(B, "still", 5)), 0);
    FILE_STANDARD_INFORMATION S {};
    CHECK_EQ(u32(Query(B, FileStandardInformation, S)), 0);
    CHECK(S.DeletePending);
    B.Close();
    CHECK_EQ(u32(Create(L"two.txt", FILE_OPEN).Status), u32(STATUS_OBJECT_NAME_NOT_FOUND));
    Opened Sub = Folder(L"sub");
    CHECK_EQ(u32(Delete(Sub)), u32(STATUS_DIRECTORY_NOT_EMPTY));
    Sub.Close();
    CHECK_EQ(u32(Folder(L"empty", FILE_CREATE).Status), 0);
    Opened E = Folder(L"empty");
    CHECK_EQ(u32(Delete(E)), 0);
    E.Close();
    CHECK(!Exists(L"empty"));
    CHECK_EQ(u32(Create(L"by name.txt", FILE_CREATE).Status), 0);
    Path P(L"by name.txt");
    OBJECT_ATTRIBUTES At { sizeof(At), nullptr, &P.Name, OBJ_CASE_INSENSITIVE, nullptr, nullptr };
    CHECK_EQ(u32(NtDeleteFile(&At)), 0);
    CHECK(!Exists(L"by name.txt"));
    CHECK_EQ(u32(NtDeleteFile(&At)), u32(STATUS_OBJECT_NAME_NOT_FOUND));
}

static void Renaming()
{
    Opened F = Create(L"first.txt", FILE_CREATE);
    CHECK_EQ(u32(Write(F, "first", 5)), 0);
    CHECK_EQ(u32(Create(L"second.txt", FILE_CREATE).Status), 0);
    CHECK_EQ(u32(Rename(F, L"second.txt", false)), u32(STATUS_OBJECT_NAME_COLLISION));
    CHECK_EQ(u32(Rename(F, L"second.txt", true)), 0);
    CHECK(!Exists(L"first.txt"));
    FILE_NETWORK_OPEN_INFORMATION Info {};
    CHECK_EQ(u32(Attributes(L"second.txt", Info)), 0);
    CHECK_EQ(Info.EndOfFile.QuadPart, 5);
    // The case of letters, a bare name, into a folder, by a folder's handle.
    CHECK_EQ(u32(Rename(F, L"SECOND Name With Spaces.txt", false, nullptr, false)), 0);
    CHECK(Exists(L"second name with spaces.txt"));
    CHECK_EQ(u32(Rename(F, L"sub\\moved.txt", false)), 0);
    CHECK(Exists(L"sub\\moved.txt") && !Exists(L"second name with spaces.txt"));
    {
        Opened Sub = Folder(L"sub", FILE_OPEN, FILE_GENERIC_READ | FILE_GENERIC_WRITE);
        CHECK_EQ(u32(Rename(F, L"moved again.txt", false, Sub)), 0);
    }
    CHECK(Exists(L"sub\\moved again.txt"));
    CHECK_EQ(u32(Rename(F, L"nowhere\\x.txt", false)), u32(STATUS_OBJECT_PATH_NOT_FOUND));
    CHECK_EQ(u32(Write(F, "still the same", 14, 0)), 0);
    F.Close();
    // Folders.
    CHECK_EQ(u32(Folder(L"old", FILE_CREATE).Status), 0);
    CHECK_EQ(u32(Create(L"old\\inside.txt", FILE_CREATE).Status), 0);
    Opened D = Folder(L"old");
    CHECK_EQ(u32(Rename(D, L"sub\\new", false)), 0);
    D.Close();
    CHECK(Exists(L"sub\\new\\inside.txt") && !Exists(L"old"));
    Opened Into = Folder(L"sub");
    CHECK(Rename(Into, L"sub\\new\\below itself", false) < 0);
}

static u32 List(const WCHAR* Rest, const WCHAR* Pattern, FILE_INFORMATION_CLASS Class, u32 NameAt, u32 LengthAt, ULONG Room, bool Single, const WCHAR* Look, bool* Found)
{
    Opened D = Folder(Rest);
    UNICODE_STRING Mask;
    if (Pattern)
        RtlInitUnicodeString(&Mask, Pattern);
    u32 Count = 0;
    for (bool First = true;; First = false) {
        IO_STATUS_BLOCK Io {};
        NTSTATUS S = NtQueryDirectoryFile(D, nullptr, nullptr, nullptr, &Io, Buffer, Room, Class, Single, First && Pattern ? &Mask : nullptr, 0);
        if (S < 0) {
            if (S != STATUS_NO_MORE_FILES && S != STATUS_NO_SUCH_FILE)
                return 10000;
            return Count;
        }
        for (u32 At = 0;;) {
            u32 Next, Length;
            memcpy(&Next, Buffer + At, 4);
            memcpy(&Length, Buffer + At + LengthAt, 4);
            ++Count;
            if (Found && wcslen(Look) * 2 == Length && memcmp(Buffer + At + NameAt, Look, Length) == 0)
                *Found = true;
            if (!Next)
                break;
            At += Next;
        }
    }
}

static void Listing()
{
    CHECK_EQ(u32(Folder(L"many", FILE_CREATE).Status), 0);
    WCHAR Name[40] = L"many\\A file with a number 000.txt";
    bool Fine = true;
    for (u32 I = 0; I < 150; ++I) {
        Name[26] = WCHAR(L'0' + I / 100);
        Name[27] = WCHAR(L'0' + I / 10 % 10);
        Name[28] = WCHAR(L'0' + I % 10);
        Fine &= Create(Name, FILE_CREATE).Status >= 0;
    }
    CHECK(Fine);
    bool Found = false;
    CHECK_EQ(List(L"many", nullptr, FileBothDirectoryInformation, 94, 60, 4096, false, L"A file with a number 123.txt", &Found), 152u);
    CHECK(Found);
    CHECK_EQ(List(L"many", L"*", FileIdBothDirectoryInformation, 104, 60, 600, false, nullptr, nullptr), 152u);
    CHECK_EQ(List(L"many", L"*.*", FileFullDirectoryInformation, 68, 60, 65536, false, nullptr, nullptr), 152u);
    CHECK_EQ(List(L"many", L"*7.txt", FileNamesInformation, 12, 8, 4096, false, nullptr, nullptr), 15u);
    CHECK_EQ(List(L"many", L"a FILE with a number 0?5.TXT", FileDirectoryInformation, 64, 60, 4096, true, nullptr, nullptr), 10u);
    Found = false;
    CHECK_EQ(List(L"many", L"a file with a number 042.txt", FileIdFullDirectoryInformation, 80, 60, 4096, false, L"A file with a number 042.txt", &Found), 1u);
    CHECK(Found);
    CHECK_EQ(List(L"many", L"nothing*", FileBothDirectoryInformation, 94, 60, 4096, false, nullptr, nullptr), 0u);
    // By the short name, as on FAT.
    CHECK(Exists(L"many\\AFILEW~1.TXT"));
    for (u32 I = 0; I < 150; I += 2) {
        Name[26] = WCHAR(L'0' + I / 100);
        Name[27] = WCHAR(L'0' + I / 10 % 10);
        Name[28] = WCHAR(L'0' + I % 10);
        Fine &= Create(Name, FILE_OPEN, DELETE_ACCESS, FILE_DELETE_ON_CLOSE).Status >= 0;
    }
    CHECK(Fine);
    CHECK_EQ(List(L"many", L"*", FileBothDirectoryInformation, 94, 60, 4096, false, nullptr, nullptr), 77u);
}

static void Locking()
{
    Opened A = Create(L"data.bin", FILE_OPEN), B = Create(L"data.bin", FILE_OPEN);
    auto Lock = [](HANDLE F, i64 From, i64 Bytes, bool Exclusive) {
        IO_STATUS_BLOCK Io {};
        LARGE_INTEGER At { .QuadPart = From }, Length { .QuadPart = Bytes };
        return NtLockFile(F, nullptr, nullptr, nullptr, &Io, &At, &Length, 0, 1, Exclusive);
    };
    auto Unlock = [](HANDLE F, i64 From, i64 Bytes) {
        IO_STATUS_BLOCK Io {};
        LARGE_INTEGER At { .QuadPart = From }, Length { .QuadPart = Bytes };
        return NtUnlockFile(F, &Io, &At, &Length, 0);
    };
    CHECK_EQ(u32(Lock(A, 100, 50, true)), 0);
    CHECK_EQ(u32(Lock(B, 120, 10, false)), u32(STATUS_LOCK_NOT_GRANTED));
    CHECK_EQ(u32(Lock(B, 150, 10, true)), 0);
    u8 Bytes[64];
    CHECK_EQ(u32(Read(B, Bytes, 10, 100)), u32(STATUS_FILE_LOCK_CONFLICT));
    CHECK_EQ(u32(Read(B, Bytes, 10, 90)), 0);
    CHECK_EQ(u32(Read(A, Bytes, 10, 100)), 0);
    CHECK_EQ(u32(Write(A, Bytes, 10, 145)), u32(STATUS_FILE_LOCK_CONFLICT));
    CHECK_EQ(u32(Unlock(B, 100, 50)), u32(STATUS_RANGE_NOT_LOCKED));
    CHECK_EQ(u32(Unlock(A, 100, 50)), 0);
    CHECK_EQ(u32(Read(B, Bytes, 10, 100)), 0);
    CHECK_EQ(u32(Lock(A, 0, 1000, false)), u32(STATUS_LOCK_NOT_GRANTED));
    B.Close();
    CHECK_EQ(u32(Lock(A, 0, 1000, false)), 0);
    // One lock becomes the other: a shared one over one's own exclusive one, which is the first to be unlocked.
    Opened C = Create(L"data.bin", FILE_OPEN);
    CHECK_EQ(u32(Lock(A, 2000, 10, true)), 0);
    CHECK_EQ(u32(Lock(A, 2000, 10, true)), u32(STATUS_LOCK_NOT_GRANTED));
    CHECK_EQ(u32(Lock(A, 2000, 10, false)), 0);
    CHECK_EQ(u32(Write(A, Bytes, 10, 2000)), u32(STATUS_FILE_LOCK_CONFLICT));
    CHECK_EQ(u32(Lock(C, 2000, 10, false)), u32(STATUS_LOCK_NOT_GRANTED));
    CHECK_EQ(u32(Unlock(A, 2000, 10)), 0);
    CHECK_EQ(u32(Lock(C, 2000, 10, false)), 0);
    CHECK_EQ(u32(Unlock(A, 2000, 10)), 0);
    CHECK_EQ(u32(Unlock(A, 2000, 10)), u32(STATUS_RANGE_NOT_LOCKED));
}

static void Notifying()
{
    Path P(L"sub");
    OBJECT_ATTRIBUTES At { sizeof(At), nullptr, &P.Name, OBJ_CASE_INSENSITIVE, nullptr, nullptr };
    HANDLE Watch = nullptr;
    IO_STATUS_BLOCK Io {}, Result {};
    CHECK_EQ(u32(NtOpenFile(&Watch, FILE_LIST_DIRECTORY | SYNCHRONIZE, &At, &Io, FILE_SHARE_VALID_FLAGS, FILE_DIRECTORY_FILE)), 0);
    CHECK_EQ(u32(NtNotifyChangeDirectoryFile(Watch, nullptr, nullptr, nullptr, &Result, Buffer, 4096, FILE_NOTIFY_CHANGE_FILE_NAME | FILE_NOTIFY_CHANGE_DIR_NAME, 0)), u32(STATUS_PENDING));
    LARGE_INTEGER Soon { .QuadPart = -1'000'000 }, Later { .QuadPart = -50'000'000 };
    CHECK_EQ(u32(NtWaitForSingleObject(Watch, 0, &Soon)), u32(STATUS_TIMEOUT));
    CHECK_EQ(u32(Create(L"sub\\noticed.txt", FILE_CREATE).Status), 0);
    CHECK_EQ(u32(NtWaitForSingleObject(Watch, 0, &Later)), 0);
    u32 Head[3];
    memcpy(Head, Buffer, 12);
    CHECK_EQ(Head[1], u32(FILE_ACTION_ADDED));
    CHECK(Head[2] == 22 && memcmp(Buffer + 12, L"noticed.txt", 22) == 0);
    // What happens between two requests is not lost.
    CHECK_EQ(u32(Create(L"sub\\noticed.txt", FILE_OPEN, DELETE_ACCESS, FILE_DELETE_ON_CLOSE).Status), 0);
    CHECK(NtNotifyChangeDirectoryFile(Watch, nullptr, nullptr, nullptr, &Result, Buffer, 4096, FILE_NOTIFY_CHANGE_FILE_NAME, 0) >= 0);
    CHECK_EQ(u32(NtWaitForSingleObject(Watch, 0, &Later)), 0);
    memcpy(Head, Buffer, 12);
    CHECK_EQ(Head[1], u32(FILE_ACTION_REMOVED));
    CHECK_EQ(u32(NtNotifyChangeDirectoryFile(Watch, nullptr, nullptr, nullptr, &Result, Buffer, 4096, FILE_NOTIFY_CHANGE_FILE_NAME, 0)), u32(STATUS_PENDING));
    // A rename is told in one piece, and nothing is left for the next request.
    CHECK_EQ(u32(Create(L"sub\\before.txt", FILE_CREATE).Status), 0);
    CHECK_EQ(u32(NtWaitForSingleObject(Watch, 0, &Later)), 0);
    CHECK_EQ(u32(NtNotifyChangeDirectoryFile(Watch, nullptr, nullptr, nullptr, &Result, Buffer, 4096, FILE_NOTIFY_CHANGE_FILE_NAME, 0)), u32(STATUS_PENDING));
    {
        struct {
            FILE_RENAME_INFORMATION Info;
            WCHAR More[16];
        } New {};
        New.Info.FileNameLength = 18;
        memcpy(New.Info.FileName, L"after.txt", 18);
        Opened File = Create(L"sub\\before.txt", FILE_OPEN, DELETE_ACCESS | SYNCHRONIZE);
        CHECK_EQ(u32(NtSetInformationFile(File, &Io, &New, sizeof(New), FileRenameInformation)), 0);
    }
    CHECK_EQ(u32(NtWaitForSingleObject(Watch, 0, &Later)), 0);
    memcpy(Head, Buffer, 12);
    CHECK(Head[0] == 32 && Head[1] == FILE_ACTION_RENAMED_OLD_NAME && Head[2] == 20 && memcmp(Buffer + 12, L"before.txt", 20) == 0);
    memcpy(Head, Buffer + 32 * (Head[0] == 32), 12);
    CHECK(Head[0] == 0 && Head[1] == FILE_ACTION_RENAMED_NEW_NAME && Head[2] == 18 && memcmp(Buffer + 44, L"after.txt", 18) == 0);
    CHECK_EQ(u32(Create(L"sub\\after.txt", FILE_OPEN, DELETE_ACCESS, FILE_DELETE_ON_CLOSE).Status), 0);
    CHECK(NtNotifyChangeDirectoryFile(Watch, nullptr, nullptr, nullptr, &Result, Buffer, 4096, FILE_NOTIFY_CHANGE_FILE_NAME, 0) >= 0);
    CHECK_EQ(u32(NtWaitForSingleObject(Watch, 0, &Later)), 0);
    CHECK_EQ(u32(NtNotifyChangeDirectoryFile(Watch, nullptr, nullptr, nullptr, &Result, Buffer, 4096, FILE_NOTIFY_CHANGE_FILE_NAME, 0)), u32(STATUS_PENDING));
    CHECK_EQ(u32(NtCancelIoFile(Watch, &Io)), 0);
    CHECK_EQ(u32(NtWaitForSingleObject(Watch, 0, &Later)), 0);
    NtClose(Watch);
}

static void Volumes()
{
    Opened Root = Create(L"", FILE_OPEN, FILE_GENERIC_READ | FILE_GENERIC_WRITE, FILE_DIRECTORY_FILE);
    CHECK_EQ(u32(Root.Status), 0);
    IO_STATUS_BLOCK Io {};
    struct {
        FILE_FS_VOLUME_INFORMATION Info;
        WCHAR More[40];
    } V {};
    CHECK_EQ(u32(NtQueryVolumeInformationFile(Root, &Io, &V, sizeof(V), FileFsVolumeInformation)), 0);
    CHECK_EQ(V.Info.VolumeSerialNumber, 0x12345678u);
    CHECK(V.Info.VolumeLabelLength == 8 && memcmp(V.Info.VolumeLabel, L"TEST", 8) == 0);
    FILE_FS_SIZE_INFORMATION S {};
    CHECK_EQ(u32(NtQueryVolumeInformationFile(Root, &Io, &S, sizeof(S), FileFsSizeInformation)), 0);
    CHECK(S.TotalAllocationUnits.QuadPart > 0 && S.AvailableAllocationUnits.QuadPart > 0 && S.AvailableAllocationUnits.QuadPart < S.TotalAllocationUnits.QuadPart && S.BytesPerSector == 512);
    struct {
        FILE_FS_ATTRIBUTE_INFORMATION Info;
        WCHAR More[20];
    } A {};
    CHECK_EQ(u32(NtQueryVolumeInformationFile(Root, &Io, &A, sizeof(A), FileFsAttributeInformation)), 0);
    CHECK(A.Info.FileSystemNameLength >= 6 && memcmp(A.Info.FileSystemName, L"FAT", 6) == 0);
    struct {
        ULONG Length;
        WCHAR Text[8];
    } L { 14, { 'N', 'e', 'p', 't', 'u', 'n', 'e' } };
    CHECK_EQ(u32(NtSetVolumeInformationFile(Root, &Io, &L, sizeof(L), FileFsLabelInformation)), 0);
    CHECK_EQ(u32(NtQueryVolumeInformationFile(Root, &Io, &V, sizeof(V), FileFsVolumeInformation)), 0);
    CHECK(V.Info.VolumeLabelLength == 14 && memcmp(V.Info.VolumeLabel, L"NEPTUNE", 14) == 0);
    // The volume as such: not to be locked while something on it is open.
    HANDLE Volume = nullptr;
    WCHAR Name[] = L"\\??\\R:";
    Name[4] = Drive;
    CHECK_EQ(u32(wdm::Open(&Volume, Name)), 0);
    auto Control = [&](ULONG Code) {
        IO_STATUS_BLOCK Block {};
        return NtFsControlFile(Volume, nullptr, nullptr, nullptr, &Block, Code, nullptr, 0, nullptr, 0);
    };
    CHECK_EQ(u32(Control(FSCTL_IS_VOLUME_MOUNTED)), 0);
    CHECK_EQ(u32(Control(FSCTL_LOCK_VOLUME)), u32(STATUS_ACCESS_DENIED));
    Root.Close();
    CHECK_EQ(u32(Control(FSCTL_LOCK_VOLUME)), 0);
    CHECK_EQ(u32(Create(L"hello.txt", FILE_OPEN).Status), u32(STATUS_ACCESS_DENIED));
    CHECK_EQ(u32(Control(FSCTL_UNLOCK_VOLUME)), 0);
    CHECK_EQ(u32(Create(L"hello.txt", FILE_OPEN).Status), 0);
    // Dismounted, and mounted again by the next open.
    CHECK_EQ(u32(Control(FSCTL_LOCK_VOLUME)), 0);
    CHECK_EQ(u32(Control(FSCTL_DISMOUNT_VOLUME)), 0);
    CHECK_EQ(u32(Read(Volume, Buffer, 512, 0)), 0);
    CHECK(Buffer[510] == 0x55 && Buffer[511] == 0xAA);
    NtClose(Volume);
    CHECK_EQ(u32(Create(L"hello.txt", FILE_OPEN).Status), 0);
    Opened Again = Create(L"", FILE_OPEN, FILE_GENERIC_READ, FILE_DIRECTORY_FILE);
    CHECK_EQ(u32(NtQueryVolumeInformationFile(Again, &Io, &V, sizeof(V), FileFsVolumeInformation)), 0);
    CHECK(V.Info.VolumeLabelLength == 14);
}

TAP_MAIN()
{
    CHECK_EQ(u32(LoadAll()), 0);
    for (WCHAR Letter = L'R'; Letter <= L'T'; ++Letter) {
        Drive = Letter;
        FILE_NETWORK_OPEN_INFORMATION Info {};
        if (Attributes(L"", Info) == STATUS_OBJECT_PATH_NOT_FOUND || (Letter != L'R' && !Exists(L"")))
            break;
        tap::Print("# drive %c\n", Letter);
        CHECK(Info.FileAttributes & FILE_ATTRIBUTE_DIRECTORY);
        Opening();
        Data();
        Appending();
        Information();
        Sharing();
        Deleting();
        Renaming();
        Listing();
        Locking();
        Notifying();
        Volumes();
    }
}
