// Functions that winsup.dll supplies under the names of Windows' DLLs: imported, and found by name.
#define _WIN32_WINNT 0x0A00
#include "tests/guest/win32/tap.hpp"

extern "C" __declspec(dllimport) BOOL WINAPI IsProcessCritical(HANDLE Process, PBOOL Critical);

namespace {

void Found()
{
    static const struct {
        const char* Dll;
        const char* Name;
    } Names[] = {
        { "kernel32", "CheckTokenMembershipEx" }, { "kernel32", "CopyFile2" }, { "kernel32", "DeleteSynchronizationBarrier" }, { "kernel32", "DiscardVirtualMemory" },
        { "kernel32", "EnterSynchronizationBarrier" }, { "kernel32", "InitializeSynchronizationBarrier" }, { "kernel32", "IsProcessCritical" },
        { "kernel32", "OfferVirtualMemory" }, { "kernel32", "ReclaimVirtualMemory" }, { "kernelbase", "CopyFile2" }, { "advapi32", "SaferiIsExecutableFileType" },
    };
    for (auto& N : Names) {
        HMODULE Module = LoadLibraryA(N.Dll);
        CHECK(Module != nullptr);
        CHECK(GetProcAddress(Module, N.Name) != nullptr);
    }
    CHECK(GetProcAddress(GetModuleHandleA("kernel32"), "CopyFile2") == GetProcAddress(GetModuleHandleA("kernelbase"), "CopyFile2"));
    CHECK(GetProcAddress(GetModuleHandleA("kernel32"), "SaferiIsExecutableFileType") == nullptr);
    CHECK(GetProcAddress(GetModuleHandleA("advapi32"), "CopyFile2") == nullptr);
    CHECK(GetProcAddress(GetModuleHandleA("kernel32"), "NoSuchFunction") == nullptr);
    CHECK_EQ(GetLastError(), DWORD(ERROR_PROC_NOT_FOUND));
}

void Write(const WCHAR* Name, DWORD Bytes)
{
    static BYTE Data[1000];
    for (SIZE_T I = 0; I < sizeof(Data); ++I)
        Data[I] = BYTE(I * 7);
    HANDLE File = CreateFileW(Name, GENERIC_WRITE, 0, nullptr, CREATE_ALWAYS, 0, nullptr);
    for (DWORD Done, Now; Bytes; Bytes -= Now) {
        Now = Bytes < sizeof(Data) ? Bytes : sizeof(Data);
        WriteFile(File, Data, Now, &Done, nullptr);
    }
    CloseHandle(File);
}
bool Same(const WCHAR* A, const WCHAR* B)
{
    HANDLE FileA = CreateFileW(A, GENERIC_READ, 0, nullptr, OPEN_EXISTING, 0, nullptr), FileB = CreateFileW(B, GENERIC_READ, 0, nullptr, OPEN_EXISTING, 0, nullptr);
    bool Equal = FileA != INVALID_HANDLE_VALUE && FileB != INVALID_HANDLE_VALUE && GetFileSize(FileA, nullptr) == GetFileSize(FileB, nullptr);
    for (bool More = Equal; More && Equal;) {
        BYTE DataA[512], DataB[512];
        DWORD ReadA = 0, ReadB = 0;
        More = ReadFile(FileA, DataA, sizeof(DataA), &ReadA, nullptr) && ReadFile(FileB, DataB, sizeof(DataB), &ReadB, nullptr) && ReadA;
        Equal = ReadA == ReadB && memcmp(DataA, DataB, ReadA) == 0;
    }
    CloseHandle(FileA);
    CloseHandle(FileB);
    return Equal;
}

struct Heard {
    DWORD Started, Chunks, Finished;
    ULONGLONG Bytes;
    COPYFILE2_MESSAGE_ACTION Answer;
};
COPYFILE2_MESSAGE_ACTION CALLBACK Listen(const COPYFILE2_MESSAGE* M, PVOID Context)
{
    auto* H = static_cast<Heard*>(Context);
    if (M->Type == COPYFILE2_CALLBACK_STREAM_STARTED)
        ++H->Started;
    if (M->Type == COPYFILE2_CALLBACK_STREAM_FINISHED)
        ++H->Finished;
    if (M->Type == COPYFILE2_CALLBACK_CHUNK_FINISHED) {
        ++H->Chunks;
        H->Bytes = M->Info.ChunkFinished.uliTotalBytesTransferred.QuadPart;
        return H->Answer;
    }
    return COPYFILE2_PROGRESS_CONTINUE;
}

void Copies()
{
    Write(L"from.bin", 150'000);
    CHECK_EQ(CopyFile2(L"from.bin", L"to.bin", nullptr), S_OK);
    CHECK(Same(L"from.bin", L"to.bin"));
    COPYFILE2_EXTENDED_PARAMETERS How { sizeof(How), COPY_FILE_FAIL_IF_EXISTS, nullptr, nullptr, nullptr };
    CHECK_EQ(CopyFile2(L"from.bin", L"to.bin", &How), HRESULT_FROM_WIN32(ERROR_FILE_EXISTS));
    CHECK_EQ(CopyFile2(L"none.bin", L"other.bin", nullptr), HRESULT_FROM_WIN32(ERROR_FILE_NOT_FOUND));
    How.dwSize = 8;
    CHECK_EQ(CopyFile2(L"from.bin", L"to.bin", &How), E_INVALIDARG);
    Heard H {};
    How = { sizeof(How), 0, nullptr, Listen, &H };
    SetFileAttributesW(L"from.bin", FILE_ATTRIBUTE_READONLY);
    CHECK_EQ(CopyFile2(L"from.bin", L"told.bin", &How), S_OK);
    CHECK_EQ(H.Started, 1);
    CHECK_EQ(H.Chunks, 3);
    CHECK_EQ(H.Finished, 1);
    CHECK_EQ(H.Bytes, 150'000);
    CHECK(Same(L"from.bin", L"told.bin"));
    CHECK(GetFileAttributesW(L"told.bin") & FILE_ATTRIBUTE_READONLY);
    SetFileAttributesW(L"told.bin", FILE_ATTRIBUTE_NORMAL);
    H = {};
    H.Answer = COPYFILE2_PROGRESS_CANCEL;
    CHECK_EQ(CopyFile2(L"from.bin", L"cancelled.bin", &How), HRESULT_FROM_WIN32(ERROR_REQUEST_ABORTED));
    CHECK_EQ(GetFileAttributesW(L"cancelled.bin"), INVALID_FILE_ATTRIBUTES);
    BOOL Cancel = TRUE;
    How = { sizeof(How), 0, &Cancel, Listen, &H };
    CHECK_EQ(CopyFile2(L"from.bin", L"cancelled.bin", &How), HRESULT_FROM_WIN32(ERROR_REQUEST_ABORTED));
    SetFileAttributesW(L"from.bin", FILE_ATTRIBUTE_NORMAL);
    static const WCHAR* const Made[] = { L"from.bin", L"to.bin", L"told.bin" };
    for (const WCHAR* Name : Made)
        CHECK(DeleteFileW(Name));
}

SYNCHRONIZATION_BARRIER Barrier;
LONG Rounds[3], Lasts;
DWORD WINAPI Walk(PVOID)
{
    for (DWORD Round = 0; Round < 3; ++Round) {
        InterlockedIncrement(&Rounds[Round]);
        if (EnterSynchronizationBarrier(&Barrier, 0))
            InterlockedIncrement(&Lasts);
        if (Rounds[Round] != 4)
            return 1;           // somebody was not there yet
    }
    return 0;
}
void Barriers()
{
    CHECK(!InitializeSynchronizationBarrier(&Barrier, 0, -1));
    CHECK(InitializeSynchronizationBarrier(&Barrier, 4, -1));
    HANDLE Threads[4];
    for (HANDLE& T : Threads)
        T = CreateThread(nullptr, 0, Walk, nullptr, 0, nullptr);
    CHECK_EQ(WaitForMultipleObjects(4, Threads, TRUE, 20'000), WAIT_OBJECT_0);
    for (HANDLE T : Threads) {
        DWORD Code = 99;
        GetExitCodeThread(T, &Code);
        CHECK_EQ(Code, 0);
        CloseHandle(T);
    }
    CHECK_EQ(Lasts, 3);
    CHECK(DeleteSynchronizationBarrier(&Barrier));
}

void Memory()
{
    auto* Page = static_cast<BYTE*>(VirtualAlloc(nullptr, 8192, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE));
    Page[0] = 1;
    CHECK_EQ(DiscardVirtualMemory(Page, 4096), DWORD(ERROR_SUCCESS));
    CHECK_EQ(OfferVirtualMemory(Page, 8192, VmOfferPriorityLow), DWORD(ERROR_SUCCESS));
    CHECK_EQ(ReclaimVirtualMemory(Page, 8192), DWORD(ERROR_SUCCESS));
    Page[0] = 2;
    CHECK_EQ(DiscardVirtualMemory(Page + 1, 4096), DWORD(ERROR_INVALID_PARAMETER));
    CHECK_EQ(OfferVirtualMemory(Page, 4096, OFFER_PRIORITY(9)), DWORD(ERROR_INVALID_PARAMETER));
    VirtualFree(Page, 0, MEM_RELEASE);
    CHECK(DiscardVirtualMemory(Page, 4096) != ERROR_SUCCESS);
}

// What the packaged kernelbase has as stubs. The machine has one processor.
void Processors()
{
    USHORT Count = 0, Groups[4] = { 9, 9, 9, 9 };
    CHECK(!GetProcessGroupAffinity(GetCurrentProcess(), &Count, Groups));
    CHECK_EQ(GetLastError(), DWORD(ERROR_INSUFFICIENT_BUFFER));
    CHECK_EQ(Count, 1);
    Count = 4;
    CHECK(GetProcessGroupAffinity(GetCurrentProcess(), &Count, Groups));
    CHECK(Count == 1 && Groups[0] == 0 && Groups[1] == 9);
    CHECK(!GetProcessGroupAffinity(nullptr, &Count, Groups));
    ULONGLONG Mask = 0, Bytes = 0;
    CHECK(GetNumaNodeProcessorMask(0, &Mask) && Mask == 1);
    CHECK(!GetNumaNodeProcessorMask(1, &Mask));
    GROUP_AFFINITY Affinity { 9, 9, {} };
    CHECK(GetNumaNodeProcessorMaskEx(0, &Affinity) && Affinity.Mask == 1 && Affinity.Group == 0);
    CHECK(GetNumaAvailableMemoryNode(0, &Bytes) && Bytes > 1024 * 1024);
    PROCESSOR_NUMBER Number {}, Before { 9, 9, 9 };
    USHORT Node = 7;
    CHECK(GetNumaProcessorNodeEx(&Number, &Node) && Node == 0);
    CHECK(SetThreadIdealProcessorEx(GetCurrentThread(), &Number, &Before) && Before.Group == 0 && Before.Number == 0);
    Number.Number = 1;
    CHECK(!GetNumaProcessorNodeEx(&Number, &Node));
    CHECK(!SetThreadIdealProcessorEx(GetCurrentThread(), &Number, nullptr));
    CHECK_EQ(GetLastError(), DWORD(ERROR_INVALID_PARAMETER));
    CHECK(GetProcAddress(GetModuleHandleA("kernel32"), "GetProcessGroupAffinity") == GetProcAddress(GetModuleHandleA("kernelbase"), "GetProcessGroupAffinity"));
}

void Questions()
{
    BOOL Critical = 7;
    CHECK(IsProcessCritical(GetCurrentProcess(), &Critical));
    CHECK_EQ(Critical, FALSE);
    CHECK(!IsProcessCritical(nullptr, &Critical));
    CHECK_EQ(GetLastError(), DWORD(ERROR_INVALID_HANDLE));
    auto Safer = reinterpret_cast<BOOL(WINAPI*)(LPCWSTR, BOOLEAN)>(reinterpret_cast<void*>(GetProcAddress(LoadLibraryA("advapi32"), "SaferiIsExecutableFileType")));
    CHECK(Safer(L"C:\\a.b\\x.CmD", FALSE));
    CHECK(Safer(L"x.exe", FALSE));
    CHECK(!Safer(L"x.exe", TRUE));
    CHECK(!Safer(L"x.txt", FALSE));
    CHECK(!Safer(L"C:\\a.exe\\x", FALSE));
}

}

void Test()
{
    Found();
    Copies();
    Barriers();
    Memory();
    Processors();
    Questions();
}
