// Starting programs: ShellExecute(Ex), FindExecutable and the file associations of HKEY_CLASSES_ROOT.
#include "win32/common/win.hpp"

#include <shellapi.h>
#include <shlobj.h>

namespace {

constexpr usize MaxText = 1024;

const WCHAR* Extension(const WCHAR* Name)
{
    const WCHAR* Dot = nullptr;
    for (; *Name; ++Name) {
        if (*Name == '\\' || *Name == '/') {
            Dot = nullptr;
        } else if (*Name == '.') {
            Dot = Name;
        }
    }
    return Dot ? Dot : Name;
}

bool IsProgram(const WCHAR* Name)
{
    static const WCHAR* const Kinds[] = { L".exe", L".com", L".bat", L".cmd", L".scr", L".pif" };
    for (const WCHAR* Kind : Kinds) {
        if (lstrcmpiW(Extension(Name), Kind) == 0) {
            return true;
        }
    }
    return false;
}

// The default value of a key below HKEY_CLASSES_ROOT, expanded when it says so.
bool ClassValue(const WCHAR* Key, WCHAR* Out, DWORD Size)
{
    DWORD Bytes = Size * sizeof(WCHAR);
    return RegGetValueW(HKEY_CLASSES_ROOT, Key, nullptr, RRF_RT_REG_SZ | RRF_RT_REG_EXPAND_SZ, nullptr, Out, &Bytes) == ERROR_SUCCESS &&
           *Out;
}

bool Append(WCHAR* To, const WCHAR* More, usize Size = MaxText)
{
    usize At = win::Length(To), Count = win::Length(More);
    if (At + Count + 1 > Size) {
        return false;
    }
    __builtin_memcpy(To + At, More, (Count + 1) * sizeof(WCHAR));
    return true;
}

// The command with which a verb opens files like Name: HKCR\.ext -> class, HKCR\class\shell\verb\command.
bool Association(const WCHAR* Name, const WCHAR* Verb, WCHAR* Out)
{
    const WCHAR* Dot = Extension(Name);
    WCHAR Key[MaxText] = {}, Class[256];
    if (!*Dot) {
        return false;
    }
    if (!ClassValue(Dot, Class, 256)) {
        lstrcpynW(Class, Dot, 256); // the verbs may be at the extension itself
    }
    if (!Append(Key, Class) || !Append(Key, L"\\shell")) {
        return false;
    }
    WCHAR Default[64];
    if (!Verb || !*Verb) {
        Verb = ClassValue(Key, Default, 64) ? Default : L"open";
    }
    return Append(Key, L"\\") && Append(Key, Verb) && Append(Key, L"\\command") && ClassValue(Key, Out, MaxText);
}

// Puts the file and the parameters where the command has %1 (%L) and %*; a command without %1 gets the file at its end.
bool Fill(const WCHAR* Command, const WCHAR* File, const WCHAR* Parameters, WCHAR* Out, usize Size)
{
    bool HadFile = false;
    WCHAR One[2] = {};
    Out[0] = 0;
    for (; *Command; ++Command) {
        if (*Command != '%') {
            One[0] = *Command;
            if (!Append(Out, One, Size)) {
                return false;
            }
            continue;
        }
        ++Command;
        bool Good = true;
        if (*Command == '1' || *Command == 'L' || *Command == 'l') {
            Good = Append(Out, File, Size);
            HadFile = true;
        } else if (*Command == '*') {
            Good = Append(Out, Parameters, Size);
        } else if (*Command == '%') {
            Good = Append(Out, L"%", Size);
        } else if (!*Command) {
            break;
        }
        if (!Good) {
            return false;
        }
    }
    if (!HadFile) {
        return Append(Out, L" \"", Size) && Append(Out, File, Size) && Append(Out, L"\"", Size);
    }
    return true;
}

// HKLM\...\App Paths\<name>: where programs register under a short name.
bool AppPath(const WCHAR* Name, WCHAR* Out)
{
    WCHAR Key[MaxText] = L"SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\App Paths\\";
    if (!Append(Key, Name) || (!*Extension(Name) && !Append(Key, L".exe"))) {
        return false;
    }
    DWORD Bytes = MaxText * sizeof(WCHAR);
    return RegGetValueW(HKEY_LOCAL_MACHINE, Key, nullptr, RRF_RT_REG_SZ | RRF_RT_REG_EXPAND_SZ, nullptr, Out, &Bytes) == ERROR_SUCCESS &&
           *Out;
}

// The full path of a file as given, in Directory, or on the search path, with .exe and the like added when it has no extension.
bool Locate(const WCHAR* Name, const WCHAR* Directory, WCHAR* Out)
{
    static const WCHAR* const Added[] = { nullptr, L".exe", L".com", L".bat", L".cmd" };
    for (const WCHAR* More : Added) {
        if (More && *Extension(Name)) {
            break;
        }
        if (Directory && *Directory) {
            DWORD Size = SearchPathW(Directory, Name, More, MaxText, Out, nullptr);
            if (Size && Size < MaxText && (More || *Extension(Name))) {
                return true;
            }
        }
        DWORD Size = SearchPathW(nullptr, Name, More, MaxText, Out, nullptr);
        if (Size && Size < MaxText && (More || GetFileAttributesW(Out) != INVALID_FILE_ATTRIBUTES)) {
            return true;
        }
    }
    return AppPath(Name, Out);
}

// The codes ShellExecute returns instead of an instance handle.
int ShellCode(DWORD Error)
{
    switch (Error) {
    case ERROR_FILE_NOT_FOUND:
        return SE_ERR_FNF;
    case ERROR_PATH_NOT_FOUND:
        return SE_ERR_PNF;
    case ERROR_ACCESS_DENIED:
        return SE_ERR_ACCESSDENIED;
    case ERROR_NOT_ENOUGH_MEMORY:
    case ERROR_OUTOFMEMORY:
        return SE_ERR_OOM;
    case ERROR_SHARING_VIOLATION:
        return SE_ERR_SHARE;
    case ERROR_NO_ASSOCIATION:
        return SE_ERR_NOASSOC;
    case ERROR_DLL_NOT_FOUND:
        return SE_ERR_DLLNOTFOUND;
    case ERROR_BAD_EXE_FORMAT:
        return int(ERROR_BAD_FORMAT);
    default:
        return SE_ERR_ACCESSDENIED;
    }
}

// 0 or the Win32 error.
DWORD Start(SHELLEXECUTEINFOW& Info)
{
    const WCHAR* Verb = Info.lpVerb ? Info.lpVerb : L"";
    const WCHAR* Parameters = Info.lpParameters ? Info.lpParameters : L"";
    if (!Info.lpFile || (Info.fMask & (SEE_MASK_IDLIST | SEE_MASK_CLASSKEY))) {
        return Info.lpFile ? ERROR_CALL_NOT_IMPLEMENTED : ERROR_FILE_NOT_FOUND;
    }
    win::Buffer<WCHAR> File(MaxText), Path(MaxText), Command(MaxText);
    constexpr usize LineSize = 32768;
    win::Buffer<WCHAR> Line(LineSize);
    if (!File || !Path || !Command || !Line) {
        return ERROR_NOT_ENOUGH_MEMORY;
    }
    if (!ExpandEnvironmentStringsW(Info.lpFile, File, MaxText)) {
        return ERROR_FILENAME_EXCED_RANGE;
    }
    // A quoted name is taken without its quotes.
    usize Length = win::Length(File.Get());
    if (Length >= 2 && File[0] == '"' && File[Length - 1] == '"') {
        for (usize i = 0; i + 2 < Length; ++i) {
            File[i] = File[i + 1];
        }
        File[Length - 2] = 0;
    }
    if (!Locate(File, Info.lpDirectory, Path)) {
        return ERROR_FILE_NOT_FOUND;
    }
    DWORD Attributes = GetFileAttributesW(Path);
    if (Attributes != INVALID_FILE_ATTRIBUTES && (Attributes & FILE_ATTRIBUTE_DIRECTORY)) {
        return ERROR_NO_ASSOCIATION; // nothing here shows folders
    }
    bool Runs = IsProgram(Path);
    bool PlainVerb = !*Verb || lstrcmpiW(Verb, L"open") == 0 || lstrcmpiW(Verb, L"runas") == 0;
    if (Runs && PlainVerb) {
        if (!Append(Line, L"\"", LineSize) || !Append(Line, Path, LineSize) || !Append(Line, L"\"", LineSize) ||
            (*Parameters && (!Append(Line, L" ", LineSize) || !Append(Line, Parameters, LineSize)))) {
            return ERROR_FILENAME_EXCED_RANGE;
        }
    } else if (!Association(Path, Verb, Command) || !Fill(Command, Path, Parameters, Line, LineSize)) {
        return ERROR_NO_ASSOCIATION;
    }
    STARTUPINFOW Startup = {};
    Startup.cb = sizeof(Startup);
    Startup.dwFlags = STARTF_USESHOWWINDOW;
    Startup.wShowWindow = WORD(Info.nShow);
    PROCESS_INFORMATION Process;
    DWORD Flags = (Info.fMask & SEE_MASK_NO_CONSOLE) ? 0 : CREATE_NEW_CONSOLE;
    if (!CreateProcessW(nullptr, Line, nullptr, nullptr, FALSE, Flags | CREATE_UNICODE_ENVIRONMENT, nullptr,
                        Info.lpDirectory && *Info.lpDirectory ? Info.lpDirectory : nullptr, &Startup, &Process)) {
        return GetLastError();
    }
    CloseHandle(Process.hThread);
    if (Info.fMask & SEE_MASK_NOCLOSEPROCESS) {
        Info.hProcess = Process.hProcess;
    } else {
        CloseHandle(Process.hProcess);
    }
    return 0;
}

}

EXPORT BOOL WINAPI ShellExecuteExW(LPSHELLEXECUTEINFOW Info)
{
    if (!Info || Info->cbSize != sizeof(*Info)) {
        return win::Fail(ERROR_ACCESS_DENIED);
    }
    Info->hProcess = nullptr;
    DWORD Error = Start(*Info);
    Info->hInstApp = HINSTANCE(LONG_PTR(Error ? ShellCode(Error) : 42));
    return Error ? win::Fail(Error) : TRUE;
}
EXPORT BOOL WINAPI ShellExecuteExA(LPSHELLEXECUTEINFOA Info)
{
    if (!Info || Info->cbSize != sizeof(*Info)) {
        return win::Fail(ERROR_ACCESS_DENIED);
    }
    win::Buffer<WCHAR> Verb = win::Wide(Info->lpVerb), File = win::Wide(Info->lpFile), Parameters = win::Wide(Info->lpParameters),
                       Directory = win::Wide(Info->lpDirectory);
    SHELLEXECUTEINFOW Wide = {};
    Wide.cbSize = sizeof(Wide);
    Wide.fMask = Info->fMask;
    Wide.lpVerb = Verb;
    Wide.lpFile = File;
    Wide.lpParameters = Parameters;
    Wide.lpDirectory = Directory;
    Wide.nShow = Info->nShow;
    BOOL Good = ShellExecuteExW(&Wide);
    Info->hInstApp = Wide.hInstApp;
    Info->hProcess = Wide.hProcess;
    return Good;
}
EXPORT HINSTANCE WINAPI ShellExecuteW(HWND Owner, LPCWSTR Verb, LPCWSTR File, LPCWSTR Parameters, LPCWSTR Directory, INT Show)
{
    SHELLEXECUTEINFOW Info = {};
    Info.cbSize = sizeof(Info);
    Info.hwnd = Owner;
    Info.lpVerb = Verb;
    Info.lpFile = File;
    Info.lpParameters = Parameters;
    Info.lpDirectory = Directory;
    Info.nShow = Show;
    ShellExecuteExW(&Info);
    return Info.hInstApp;
}
EXPORT HINSTANCE WINAPI ShellExecuteA(HWND Owner, LPCSTR Verb, LPCSTR File, LPCSTR Parameters, LPCSTR Directory, INT Show)
{
    return ShellExecuteW(Owner, win::Wide(Verb), win::Wide(File), win::Wide(Parameters), win::Wide(Directory), Show);
}

EXPORT HINSTANCE WINAPI FindExecutableW(LPCWSTR File, LPCWSTR Directory, LPWSTR Out)
{
    Out[0] = 0;
    win::Buffer<WCHAR> Path(MaxText), Command(MaxText);
    if (!File || !Path || !Command) {
        return HINSTANCE(LONG_PTR(SE_ERR_OOM));
    }
    if (!Locate(File, Directory, Path)) {
        return HINSTANCE(LONG_PTR(SE_ERR_FNF));
    }
    if (IsProgram(Path)) {
        lstrcpynW(Out, Path, MAX_PATH);
        return HINSTANCE(LONG_PTR(42));
    }
    if (!Association(Path, L"open", Command)) {
        return HINSTANCE(LONG_PTR(SE_ERR_NOASSOC));
    }
    // The first word of the command is the program.
    const WCHAR* From = Command;
    WCHAR End = ' ';
    if (*From == '"') {
        ++From;
        End = '"';
    }
    usize Count = 0;
    while (From[Count] && From[Count] != End && Count + 1 < MAX_PATH) {
        Out[Count] = From[Count];
        ++Count;
    }
    Out[Count] = 0;
    return HINSTANCE(LONG_PTR(42));
}
EXPORT HINSTANCE WINAPI FindExecutableA(LPCSTR File, LPCSTR Directory, LPSTR Out)
{
    WCHAR Wide[MAX_PATH];
    HINSTANCE Result = FindExecutableW(win::Wide(File), win::Wide(Directory), Wide);
    Out[0] = 0;
    WideCharToMultiByte(CP_ACP, 0, Wide, -1, Out, MAX_PATH, nullptr, nullptr);
    return Result;
}

EXPORT BOOL WINAPI IsUserAnAdmin()
{
    SID_IDENTIFIER_AUTHORITY Authority = { SECURITY_NT_AUTHORITY };
    PSID Group;
    BOOL Member = FALSE;
    if (!AllocateAndInitializeSid(&Authority, 2, SECURITY_BUILTIN_DOMAIN_RID, DOMAIN_ALIAS_RID_ADMINS, 0, 0, 0, 0, 0, 0, &Group)) {
        return FALSE;
    }
    if (!CheckTokenMembership(nullptr, Group, &Member)) {
        Member = FALSE;
    }
    FreeSid(Group);
    return Member;
}
