// A hostile process: every service of io with random handles, addresses, lengths and values. Nothing may break; everything must be given back.
#include <random>

#include "tests/host/io/io_test.hpp"

using namespace io_test;

namespace {

struct Hostile : Test {
    std::mt19937_64 Random { 7 };
    std::vector<u64> Handles;
    u64 Memory = 0;
    static constexpr u32 MemoryBytes = 0x8000;

    u64 Pick(std::initializer_list<u64> From) { return From.begin()[Random() % From.size()]; }
    u64 Handle()
    {
        if (Handles.empty() || Random() % 20 == 0)
            return Pick({ 0, 4, 0x7FFF0, ~u64(0), ~u64(1), 3 });
        return Handles[Random() % Handles.size()];
    }
    u64 Address()
    {
        if (Random() % 20 == 0)
            return Pick({ 0, 1, 0x7FFE0000, ~u64(0), ps::MemoryBase + ps::MemorySize - 4, u64(1) << 47 });
        return Memory + Random() % MemoryBytes / 8 * 8;
    }
    u64 Number()
    {
        switch (Random() % 6) {
        case 0: return Random();
        case 1: return Random() % 8;
        case 2: return u64(1) << Random() % 64;
        case 3: return Random() % 200;
        case 4: return 0;
        default: return Random() % 5000;
        }
    }
    u64 Length() { return Random() % 4 ? Random() % 300 : Number(); }
    u64 Bool() { return Random() & 1; }
    u64 Name()
    {
        static const wchar_t* const Names[] = { L"\\??\\C:\\fuzz", L"\\??\\C:\\fuzz\\a", L"\\??\\C:\\fuzz\\a\\b", L"\\??\\C:\\fuzz\\c", L"\\??\\C:\\fuzz\\D\\", L"a", L"b\\c", L"", L"\\",
                                                L"\\??\\PIPE\\fuzz", L"\\??\\PIPE\\", L"\\??\\NUL", L"\\??\\C:", L"\\??\\C:\\", L"\\??\\MAILSLOT\\f", L"\\Device\\HarddiskVolume1\\fuzz\\x",
                                                L"\\??\\C:\\fuzz\\a\\", L"c", L"\\Device\\NamedPipe", L"\\??\\MountPointManager" };
        HANDLE Root = Random() % 3 ? nullptr : reinterpret_cast<HANDLE>(Handle());
        return A.PutAttributes(Names[Random() % std::size(Names)], OBJ_CASE_INSENSITIVE, Root);
    }
    u64 Access() { return Random() % 3 ? u64(GENERIC_READ | GENERIC_WRITE | DELETE_ACCESS | SYNCHRONIZE) : Pick({ GENERIC_ALL, MAXIMUM_ALLOWED | SYNCHRONIZE, FILE_APPEND_DATA, 0, Random() }); }
    u64 Options()
    {
        return Random() % 8 == 0 ? Random() & 0xFFFFFF
                                 : (Random() % 3 ? Sync : 0) | Pick({ 0, 0, FILE_DIRECTORY_FILE, FILE_NON_DIRECTORY_FILE, FILE_DELETE_ON_CLOSE, FILE_OPEN_REPARSE_POINT, FILE_NO_INTERMEDIATE_BUFFERING });
    }
    void Fill()
    {
        for (u32 I = 0; I < 16; ++I)
            A.At<u64>(Memory + Random() % (MemoryBytes - 8) / 8 * 8) = Number();
    }
    // Something with a meaning, now and then.
    u64 Rename()
    {
        u64 At = Memory + Random() % (MemoryBytes - 200) / 8 * 8;
        static const char16_t* const Names[] = { u"\\??\\C:\\fuzz\\r", u"x", u"\\??\\C:\\fuzz\\a\\y", u"A", u"\\??\\PIPE\\z" };
        std::u16string N = Names[Random() % std::size(Names)];
        A.At<FILE_RENAME_INFORMATION>(At) = {};
        A.At<FILE_RENAME_INFORMATION>(At).Flags = ULONG(Random() & 0x47);
        A.At<FILE_RENAME_INFORMATION>(At).FileNameLength = ULONG(N.size() * 2);
        memcpy(A.Bytes(At) + 20, N.data(), N.size() * 2);
        return At;
    }
    void Step(fake::Client& By);
};

void Hostile::Step(fake::Client& By)
{
    if (By.IsBlocked())
        return;
    u64 B = Random() % 10 ? Memory + Random() % (MemoryBytes - 16) / 8 * 8 : Address(), E = Random() % 8 ? 0 : Handle(), Apc = Random() % 8 ? 0 : Number();
    NTSTATUS S = -1;
    u64 NewHandle = A.Room(8);
    switch (Random() % 26) {
    case 0: case 1: case 2:
        S = By.Start(NtCreateFile, NewHandle, Access(), Name(), B, Random() % 4 ? 0 : Address(), Random() % 4 ? 0 : Number(), Random() % 9, Random() % 7, Options(), Random() % 4 ? 0 : Address(), Length());
        break;
    case 3:
        S = By.Start(NtOpenFile, NewHandle, Access(), Name(), B, Random() % 8, Options());
        break;
    case 4:
        S = By.Start(NtCreateNamedPipeFile, NewHandle, Access(), Name(), B, Random() % 4, Random() % 6, Random() % 4 ? Sync : 0, Random() % 3, Random() % 3, Random() % 2, Random() % 4, Random() % 100, Random() % 100,
                     A.Put(i64(-1000)));
        break;
    case 5: case 6: By.Start(NtReadFile, Handle(), E, Apc, Number(), B, Address(), Length(), Random() % 2 ? 0 : A.Put(i64(Number())), Random() % 8 ? 0 : Address()); break;
    case 7: case 8: By.Start(NtWriteFile, Handle(), E, Apc, Number(), B, Address(), Length(), Random() % 2 ? 0 : A.Put(i64(Number() % (u64(1) << 45))), Random() % 8 ? 0 : Address()); break;
    case 9: By.Start(NtQueryInformationFile, Handle(), B, Address(), Length(), Random() % 80); break;
    case 10: By.Start(NtSetInformationFile, Handle(), B, Random() % 2 ? Rename() : Address(), Length(), Random() % 80); break;
    case 11: By.Start(NtSetInformationFile, Handle(), B, Rename(), 20 + Random() % 60, Pick({ FileRenameInformation, FileLinkInformation, FileRenameInformationEx, FileLinkInformationEx })); break;
    case 12: By.Start(NtQueryDirectoryFile, Handle(), E, Apc, Number(), B, Address(), Length(), Pick({ 1, 2, 3, 12, 37, 38, 60, 63, Number() }), Bool(), Random() % 3 ? 0 : A.PutString(L"*a*"), Bool()); break;
    case 13: By.Start(NtNotifyChangeDirectoryFile, Handle(), E, Apc, Number(), B, Address(), Length(), 1 + Random() % 0xFFF, Bool()); break;
    case 14: By.Start(NtQueryVolumeInformationFile, Handle(), B, Address(), Length(), Random() % 16); break;
    case 15: By.Start(NtSetVolumeInformationFile, Handle(), B, Address(), Length(), Random() % 16); break;
    case 16: By.Start(NtQueryEaFile, Handle(), B, Address(), Length(), Bool(), Random() % 2 ? 0 : Address(), Length(), Random() % 2 ? 0 : Address(), Bool()); break;
    case 17: By.Start(NtSetEaFile, Handle(), B, Address(), Length()); break;
    case 18: By.Start(NtLockFile, Handle(), E, Apc, Number(), B, A.Put(Number()), A.Put(Number()), Random() % 3, Bool(), Bool()); break;
    case 19: By.Now(NtUnlockFile, Handle(), B, A.Put(Number()), A.Put(Number()), Random() % 3); break;
    case 20:
        By.Start(NtFsControlFile, Handle(), E, Apc, Number(), B,
                 Pick({ FSCTL_PIPE_LISTEN, FSCTL_PIPE_DISCONNECT, FSCTL_PIPE_PEEK, FSCTL_PIPE_TRANSCEIVE, FSCTL_PIPE_WAIT, FSCTL_PIPE_GET_CONNECTION_ATTRIBUTE, FSCTL_SET_REPARSE_POINT, FSCTL_GET_REPARSE_POINT,
                        FSCTL_DELETE_REPARSE_POINT, FSCTL_SET_ZERO_DATA, FSCTL_QUERY_ALLOCATED_RANGES, FSCTL_CREATE_OR_GET_OBJECT_ID, FSCTL_SET_SPARSE, Random() }),
                 Address(), Length(), Address(), Length());
        break;
    case 21: By.Start(NtDeviceIoControlFile, Handle(), E, Apc, Number(), B, Pick({ 0x6D4084, 0x6D0008, Random() }), Address(), Length(), Address(), Length()); break;
    case 22:
        if (Bool())
            By.Start(NtCancelIoFileEx, Handle(), Bool() ? 0 : Address(), B);
        else
            By.Start(NtFlushBuffersFile, Handle(), B);
        break;
    case 23:
        S = By.Now(NtCreateIoCompletion, NewHandle, IO_COMPLETION_ALL_ACCESS, 0, 0);
        break;
    case 24:
        A.At<FILE_COMPLETION_INFORMATION>(Memory) = { reinterpret_cast<HANDLE>(Handle()), nullptr };
        By.Start(NtSetInformationFile, Handle(), B, Memory, 16, FileCompletionInformation);
        break;
    case 25:
        if (!Handles.empty() && Random() % 2) {
            usize I = Random() % Handles.size();
            By.Now(NtClose, Handles[I]);
            Handles.erase(Handles.begin() + i64(I));
        } else {
            By.Start(NtRemoveIoCompletion, Handle(), Address(), Address(), B, A.Put(i64(-100)));
        }
        break;
    }
    if (S == STATUS_SUCCESS && A.At<u64>(NewHandle))
        Handles.push_back(A.At<u64>(NewHandle));
}

TEST_F(Hostile, NothingBreaks)
{
    // A file written far out is large but sparse; frames are what is there.
    FrameLimit = FramesInUse() + 3000;
    Close(Open(L"\\??\\C:\\fuzz", GENERIC_READ, FILE_CREATE, Sync | FILE_DIRECTORY_FILE));
    for (int Round = 0; Round < 60; ++Round) {
        A.Forget();
        Block = A.Room(16);
        Memory = A.Room(MemoryBytes);
        u64 Used = Memory + MemoryBytes;
        {
            fake::Client B { A }, C { A };
            for (int I = 0; I < 400; ++I) {
                if (A.Room(1) - Used > 0x14000)
                    break;
                if (I % 8 == 0)
                    Fill();
                Step(I % 3 == 0 ? B : C);
                ke::RunReadyActivities();
                if (I % 16 == 0)
                    fake::AdvanceClock(Random() % 300);
            }
        }
        while (!Handles.empty()) {
            A.Now(NtClose, Handles.back());
            Handles.pop_back();
        }
        EXPECT_EQ(A.Thread().ArenaUsed(), 0u);
    }
    FrameLimit = ~u64(0);
}

}
