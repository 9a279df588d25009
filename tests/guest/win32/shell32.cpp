// shell32: command lines, folders, file operations, file kinds, starting programs.
#include "tests/guest/win32/tap.hpp"

#define INITGUID
#include <knownfolders.h>
#include <shellapi.h>
#include <shlobj.h>

namespace {

void CommandLines()
{
    static const struct {
        const WCHAR* Line;
        int Count;
        const WCHAR* Last;
    } Cases[] = {
        { L"a.exe", 1, L"a.exe" },           { L"\"a b.exe\" c", 2, L"c" },
        { L"p \"x y\" z", 3, L"z" },         { L"p a\\\\\\\"b", 2, L"a\\\"b" },
        { L"p \"a\\\\\" b", 3, L"b" },       { L"p \"a\"\"b\"", 2, L"a\"b" },
        { L"p \"a\"\"b\" c", 2, L"a\"b c" }, { L"p \"\"\"a\"\" b", 3, L"b" },
        { L"p a\"\"b", 2, L"ab" },           { L" b", 2, L"b" },
    };
    for (auto& C : Cases) {
        int Count = 0;
        LPWSTR* Words = CommandLineToArgvW(C.Line, &Count);
        CHECK(Words != nullptr);
        CHECK_EQ(Count, C.Count);
        CHECK_TEXT(Words[Count - 1], C.Last);
        LocalFree(Words);
    }
}

void Folders()
{
    WCHAR Path[MAX_PATH], Want[MAX_PATH];
    CHECK_EQ(SHGetFolderPathW(nullptr, CSIDL_WINDOWS, nullptr, 0, Path), S_OK);
    GetWindowsDirectoryW(Want, MAX_PATH);
    CHECK(lstrcmpiW(Path, Want) == 0);
    PWSTR Text = nullptr;
    CHECK_EQ(SHGetKnownFolderPath(FOLDERID_System, 0, nullptr, &Text), S_OK);
    GetSystemDirectoryW(Want, MAX_PATH);
    CHECK(Text && lstrcmpiW(Text, Want) == 0);
    HeapFree(GetProcessHeap(), 0, Text);
    CHECK_EQ(SHGetKnownFolderPath(FOLDERID_LocalAppData, KF_FLAG_CREATE, nullptr, &Text), S_OK);
    CHECK(Text && GetFileAttributesW(Text) != INVALID_FILE_ATTRIBUTES);
    HeapFree(GetProcessHeap(), 0, Text);
    GUID Unknown = { 1, 2, 3, {} };
    CHECK_EQ(SHGetKnownFolderPath(Unknown, 0, nullptr, &Text), HRESULT_FROM_WIN32(ERROR_FILE_NOT_FOUND));
    CHECK_EQ(SHGetFolderPathW(nullptr, 0xFE, nullptr, 0, Path), E_INVALIDARG);
}

void Write(const WCHAR* Name)
{
    HANDLE File = CreateFileW(Name, GENERIC_WRITE, 0, nullptr, CREATE_ALWAYS, 0, nullptr);
    DWORD Done;
    WriteFile(File, "data", 4, &Done, nullptr);
    CloseHandle(File);
}
bool Is(const WCHAR* Name) { return GetFileAttributesW(Name) != INVALID_FILE_ATTRIBUTES; }
int Do(UINT What, const WCHAR* From, const WCHAR* To)
{
    SHFILEOPSTRUCTW Info = { nullptr, What, From, To, FOF_NO_UI, FALSE, nullptr, nullptr };
    return SHFileOperationW(&Info);
}

void Files()
{
    WCHAR Temp[MAX_PATH];
    GetTempPathW(MAX_PATH, Temp);
    lstrcatW(Temp, L"neptune_shell");
    SHCreateDirectoryExW(nullptr, Temp, nullptr);
    CHECK(SetCurrentDirectoryW(Temp));
    WCHAR Deep[MAX_PATH];
    lstrcpyW(Deep, Temp);
    lstrcatW(Deep, L"\\one\\two\\three");
    CHECK_EQ(SHCreateDirectoryExW(nullptr, Deep, nullptr), ERROR_SUCCESS);
    CHECK_EQ(SHCreateDirectoryExW(nullptr, Deep, nullptr), ERROR_ALREADY_EXISTS);
    CHECK_EQ(SHCreateDirectoryExW(nullptr, L"relative", nullptr), ERROR_BAD_PATHNAME);
    Write(L"one\\a.txt");
    Write(L"one\\two\\b.txt");
    Write(L"one\\two\\three\\c.txt");
    SetFileAttributesW(L"one\\two\\b.txt", FILE_ATTRIBUTE_READONLY);

    CHECK_EQ(Do(FO_COPY, L"one\0", L"copy\0"), 0);
    CHECK(Is(L"copy\\a.txt") && Is(L"copy\\two\\b.txt") && Is(L"copy\\two\\three\\c.txt") && Is(L"one\\a.txt"));
    CHECK_EQ(Do(FO_MOVE, L"copy\0", L"moved\0"), 0);
    CHECK(Is(L"moved\\two\\three\\c.txt") && !Is(L"copy"));
    CHECK_EQ(Do(FO_COPY, L"one\\*.txt\0", L"moved\\two\0"), 0);
    CHECK(Is(L"moved\\two\\a.txt"));
    CHECK_EQ(Do(FO_RENAME, L"moved\\a.txt\0", L"moved\\r.txt\0"), 0);
    CHECK(Is(L"moved\\r.txt") && !Is(L"moved\\a.txt"));
    CHECK(Do(FO_COPY, L"absent\0", L"x\0") != 0);
    CHECK(Do(FO_DELETE, L"absent\0", nullptr) != 0);
    CHECK_EQ(Do(FO_DELETE, L"one\0moved\0", nullptr), 0);
    CHECK(!Is(L"one") && !Is(L"moved"));

    SHFILEINFOW Info = {};
    Write(L"t.txt");
    CHECK(SHGetFileInfoW(L"t.txt", 0, &Info, sizeof(Info), SHGFI_ATTRIBUTES));
    CHECK(!(Info.dwAttributes & SFGAO_FOLDER) && (Info.dwAttributes & SFGAO_FILESYSTEM));
    CHECK_EQ(SHGetFileInfoW(L"t.txt", 0, nullptr, 0, SHGFI_EXETYPE), 0u);
    WCHAR Self[MAX_PATH];
    GetModuleFileNameW(nullptr, Self, MAX_PATH);
    CHECK_EQ(SHGetFileInfoW(Self, 0, nullptr, 0, SHGFI_EXETYPE), DWORD_PTR(IMAGE_NT_SIGNATURE));
    WCHAR Found[MAX_PATH];
    CHECK(LONG_PTR(FindExecutableW(Self, nullptr, Found)) > 32 && lstrcmpiW(Self, Found) == 0);
    CHECK_EQ(LONG_PTR(FindExecutableW(L"absent.exe", nullptr, Found)), LONG_PTR(SE_ERR_FNF));
    DeleteFileW(L"t.txt");
    SetCurrentDirectoryW(L"C:\\");
    RemoveDirectoryW(Temp);
    CHECK(!Is(Temp));
}

void Programs()
{
    SHELLEXECUTEINFOW Info = {};
    Info.cbSize = sizeof(Info);
    Info.fMask = SEE_MASK_NOCLOSEPROCESS | SEE_MASK_NO_CONSOLE | SEE_MASK_FLAG_NO_UI;
    Info.lpFile = L"cmd.exe";
    Info.lpParameters = L"/c exit 7";
    CHECK(ShellExecuteExW(&Info));
    CHECK(Info.hProcess && LONG_PTR(Info.hInstApp) > 32);
    WaitForSingleObject(Info.hProcess, INFINITE);
    DWORD Code = 0;
    GetExitCodeProcess(Info.hProcess, &Code);
    CHECK_EQ(Code, 7u);
    CloseHandle(Info.hProcess);
    Info.lpFile = L"absent_program";
    CHECK(!ShellExecuteExW(&Info) && GetLastError() == ERROR_FILE_NOT_FOUND);
}

}

void Test()
{
    CommandLines();
    Folders();
    Files();
    Programs();
}
