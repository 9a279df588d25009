// The well-known folders, by CSIDL and by KNOWNFOLDERID.
#define INITGUID
#include "win32/common/win.hpp"

#include <knownfolders.h>
#include <shlobj.h>

namespace {

enum Base : u8 { User, Roaming, Local, LocalLow, Public, ProgramData, Windows, System, ProgramFiles, CommonFiles, CommonPrograms };

struct Folder {
    const KNOWNFOLDERID* Id;
    int Csidl; // -1: it has none
    Base Root;
    const WCHAR* Below; // path below the root
    const WCHAR* Value; // its value in "User Shell Folders", which wins; may be null
};

constexpr WCHAR RoamingMenu[] = L"Microsoft\\Windows\\Start Menu";

const Folder Folders[] = {
    { &FOLDERID_Profile, CSIDL_PROFILE, User, L"", nullptr },
    { &FOLDERID_RoamingAppData, CSIDL_APPDATA, Roaming, L"", L"AppData" },
    { &FOLDERID_LocalAppData, CSIDL_LOCAL_APPDATA, Local, L"", L"Local AppData" },
    { &FOLDERID_LocalAppDataLow, -1, LocalLow, L"", nullptr },
    { &FOLDERID_Desktop, CSIDL_DESKTOPDIRECTORY, User, L"Desktop", L"Desktop" },
    { &FOLDERID_Desktop, CSIDL_DESKTOP, User, L"Desktop", L"Desktop" },
    { &FOLDERID_Documents, CSIDL_PERSONAL, User, L"Documents", L"Personal" },
    { &FOLDERID_Downloads, -1, User, L"Downloads", L"{374DE290-123F-4565-9164-39C4925E467B}" },
    { &FOLDERID_Music, CSIDL_MYMUSIC, User, L"Music", L"My Music" },
    { &FOLDERID_Pictures, CSIDL_MYPICTURES, User, L"Pictures", L"My Pictures" },
    { &FOLDERID_Videos, CSIDL_MYVIDEO, User, L"Videos", L"My Video" },
    { &FOLDERID_Favorites, CSIDL_FAVORITES, User, L"Favorites", L"Favorites" },
    { &FOLDERID_Contacts, -1, User, L"Contacts", nullptr },
    { &FOLDERID_Links, -1, User, L"Links", nullptr },
    { &FOLDERID_SavedGames, -1, User, L"Saved Games", nullptr },
    { &FOLDERID_SavedSearches, -1, User, L"Searches", nullptr },
    { &FOLDERID_StartMenu, CSIDL_STARTMENU, Roaming, RoamingMenu, L"Start Menu" },
    { &FOLDERID_Programs, CSIDL_PROGRAMS, Roaming, L"Microsoft\\Windows\\Start Menu\\Programs", L"Programs" },
    { &FOLDERID_Startup, CSIDL_STARTUP, Roaming, L"Microsoft\\Windows\\Start Menu\\Programs\\Startup", L"Startup" },
    { &FOLDERID_Recent, CSIDL_RECENT, Roaming, L"Microsoft\\Windows\\Recent", L"Recent" },
    { &FOLDERID_SendTo, CSIDL_SENDTO, Roaming, L"Microsoft\\Windows\\SendTo", L"SendTo" },
    { &FOLDERID_Templates, CSIDL_TEMPLATES, Roaming, L"Microsoft\\Windows\\Templates", L"Templates" },
    { &FOLDERID_NetHood, CSIDL_NETHOOD, Roaming, L"Microsoft\\Windows\\Network Shortcuts", L"NetHood" },
    { &FOLDERID_PrintHood, CSIDL_PRINTHOOD, Roaming, L"Microsoft\\Windows\\Printer Shortcuts", L"PrintHood" },
    { &FOLDERID_Cookies, CSIDL_COOKIES, Local, L"Microsoft\\Windows\\INetCookies", L"Cookies" },
    { &FOLDERID_InternetCache, CSIDL_INTERNET_CACHE, Local, L"Microsoft\\Windows\\INetCache", L"Cache" },
    { &FOLDERID_History, CSIDL_HISTORY, Local, L"Microsoft\\Windows\\History", L"History" },
    { &FOLDERID_CDBurning, CSIDL_CDBURN_AREA, Local, L"Microsoft\\Windows\\Burn\\Burn", nullptr },
    { &FOLDERID_AdminTools, CSIDL_ADMINTOOLS, Roaming, L"Microsoft\\Windows\\Start Menu\\Programs\\Administrative Tools", nullptr },
    { &FOLDERID_UserProgramFiles, -1, Local, L"Programs", nullptr },
    { &FOLDERID_UserProgramFilesCommon, -1, Local, L"Programs\\Common", nullptr },
    { &FOLDERID_Public, -1, Public, L"", nullptr },
    { &FOLDERID_PublicDesktop, CSIDL_COMMON_DESKTOPDIRECTORY, Public, L"Desktop", nullptr },
    { &FOLDERID_PublicDocuments, CSIDL_COMMON_DOCUMENTS, Public, L"Documents", nullptr },
    { &FOLDERID_PublicDownloads, -1, Public, L"Downloads", nullptr },
    { &FOLDERID_PublicMusic, CSIDL_COMMON_MUSIC, Public, L"Music", nullptr },
    { &FOLDERID_PublicPictures, CSIDL_COMMON_PICTURES, Public, L"Pictures", nullptr },
    { &FOLDERID_PublicVideos, CSIDL_COMMON_VIDEO, Public, L"Videos", nullptr },
    { &FOLDERID_ProgramData, CSIDL_COMMON_APPDATA, ProgramData, L"", nullptr },
    { &FOLDERID_CommonStartMenu, CSIDL_COMMON_STARTMENU, ProgramData, RoamingMenu, nullptr },
    { &FOLDERID_CommonPrograms, CSIDL_COMMON_PROGRAMS, ProgramData, L"Microsoft\\Windows\\Start Menu\\Programs", nullptr },
    { &FOLDERID_CommonStartup, CSIDL_COMMON_STARTUP, ProgramData, L"Microsoft\\Windows\\Start Menu\\Programs\\StartUp", nullptr },
    { &FOLDERID_CommonTemplates, CSIDL_COMMON_TEMPLATES, ProgramData, L"Microsoft\\Windows\\Templates", nullptr },
    { &FOLDERID_CommonAdminTools, CSIDL_COMMON_ADMINTOOLS, ProgramData, L"Microsoft\\Windows\\Start Menu\\Programs\\Administrative Tools",
      nullptr },
    { &FOLDERID_Windows, CSIDL_WINDOWS, Windows, L"", nullptr },
    { &FOLDERID_System, CSIDL_SYSTEM, System, L"", nullptr },
    { &FOLDERID_SystemX86, CSIDL_SYSTEMX86, System, L"", nullptr },
    { &FOLDERID_Fonts, CSIDL_FONTS, Windows, L"Fonts", nullptr },
    { &FOLDERID_ResourceDir, CSIDL_RESOURCES, Windows, L"resources", nullptr },
    { &FOLDERID_ProgramFiles, CSIDL_PROGRAM_FILES, ProgramFiles, L"", nullptr },
    { &FOLDERID_ProgramFilesX64, -1, ProgramFiles, L"", nullptr },
    { &FOLDERID_ProgramFilesCommon, CSIDL_PROGRAM_FILES_COMMON, CommonFiles, L"", nullptr },
    { &FOLDERID_ProgramFilesCommonX64, -1, CommonFiles, L"", nullptr },
    { &FOLDERID_UserProfiles, -1, Public, L"..", nullptr },
};

constexpr usize MaxText = 1024;

// A path in a fixed buffer: folders' paths are short, one that is not fails.
struct Path {
    WCHAR Text[MaxText] = {};
    usize Length = 0;
    bool Add(const WCHAR* More)
    {
        usize Size = win::Length(More);
        if (Length + Size + 1 > MaxText) {
            return false;
        }
        __builtin_memcpy(Text + Length, More, (Size + 1) * sizeof(WCHAR));
        Length += Size;
        return true;
    }
    bool AddBelow(const WCHAR* More) { return !*More || ((Length && Text[Length - 1] == '\\') || Add(L"\\") ? Add(More) : false); }
};

bool FromEnvironment(const WCHAR* Name, Path& Out)
{
    DWORD Size = GetEnvironmentVariableW(Name, Out.Text, MaxText);
    if (!Size || Size >= MaxText) {
        Out.Text[0] = 0;
        return false;
    }
    Out.Length = Size;
    return true;
}

// A string value, expanded.
bool FromRegistry(HKEY Root, const WCHAR* Key, const WCHAR* Value, Path& Out)
{
    HKEY Opened;
    if (RegOpenKeyExW(Root, Key, 0, KEY_QUERY_VALUE, &Opened)) {
        return false;
    }
    win::Buffer<WCHAR> Raw(MaxText);
    DWORD Type, Size = (MaxText - 1) * sizeof(WCHAR);
    LSTATUS Error =
        Raw ? RegQueryValueExW(Opened, Value, nullptr, &Type, reinterpret_cast<BYTE*>(Raw.Get()), &Size) : ERROR_NOT_ENOUGH_MEMORY;
    RegCloseKey(Opened);
    if (Error || (Type != REG_SZ && Type != REG_EXPAND_SZ) || !Raw[0]) {
        return false;
    }
    DWORD Count = ExpandEnvironmentStringsW(Raw, Out.Text, MaxText);
    if (!Count || Count > MaxText) {
        Out.Text[0] = 0;
        return false;
    }
    Out.Length = win::Length(Out.Text);
    return true;
}

constexpr WCHAR CurrentVersion[] = L"SOFTWARE\\Microsoft\\Windows\\CurrentVersion";
constexpr WCHAR UserShellFolders[] = L"Software\\Microsoft\\Windows\\CurrentVersion\\Explorer\\User Shell Folders";

bool Drive(Path& Out)
{
    WCHAR Directory[MAX_PATH];
    if (!GetWindowsDirectoryW(Directory, MAX_PATH)) {
        return false;
    }
    Directory[2] = 0;
    return Out.Add(Directory);
}

bool RootOf(Base Kind, Path& Out)
{
    switch (Kind) {
    case User:
        return FromEnvironment(L"USERPROFILE", Out);
    case Roaming:
        return FromEnvironment(L"APPDATA", Out) || (RootOf(User, Out) && Out.AddBelow(L"AppData\\Roaming"));
    case Local:
        return FromEnvironment(L"LOCALAPPDATA", Out) || (RootOf(User, Out) && Out.AddBelow(L"AppData\\Local"));
    case LocalLow:
        return RootOf(User, Out) && Out.AddBelow(L"AppData\\LocalLow");
    case Public:
        return FromEnvironment(L"PUBLIC", Out) || (Drive(Out) && Out.AddBelow(L"Users\\Public"));
    case ProgramData:
        return FromEnvironment(L"ProgramData", Out) || (Drive(Out) && Out.AddBelow(L"ProgramData"));
    case Windows: {
        UINT Size = GetWindowsDirectoryW(Out.Text, MaxText);
        Out.Length = Size;
        return Size && Size < MaxText;
    }
    case System: {
        UINT Size = GetSystemDirectoryW(Out.Text, MaxText);
        Out.Length = Size;
        return Size && Size < MaxText;
    }
    case ProgramFiles:
        return FromRegistry(HKEY_LOCAL_MACHINE, CurrentVersion, L"ProgramFilesDir", Out) || (Drive(Out) && Out.AddBelow(L"Program Files"));
    case CommonFiles:
        return FromRegistry(HKEY_LOCAL_MACHINE, CurrentVersion, L"CommonFilesDir", Out) ||
               (Drive(Out) && Out.AddBelow(L"Program Files\\Common Files"));
    default:
        return false;
    }
}

bool PathOf(const Folder& F, bool Default, Path& Out)
{
    if (!Default && F.Value && FromRegistry(HKEY_CURRENT_USER, UserShellFolders, F.Value, Out)) {
        return true;
    }
    if (F.Below[0] == '.') {
        // The parent of the root.
        if (!RootOf(F.Root, Out)) {
            return false;
        }
        while (Out.Length && Out.Text[--Out.Length] != '\\') {}
        Out.Text[Out.Length] = 0;
        return true;
    }
    return RootOf(F.Root, Out) && Out.AddBelow(F.Below);
}

const Folder* ById(const KNOWNFOLDERID& Id)
{
    for (const Folder& F : Folders) {
        if (__builtin_memcmp(F.Id, &Id, sizeof(Id)) == 0) {
            return &F;
        }
    }
    return nullptr;
}
const Folder* ByCsidl(int Csidl)
{
    for (const Folder& F : Folders) {
        if (F.Csidl == Csidl) {
            return &F;
        }
    }
    return nullptr;
}

HRESULT Check(Path& P, bool Create, bool Verify)
{
    DWORD Attributes = GetFileAttributesW(P.Text);
    if (Attributes != INVALID_FILE_ATTRIBUTES && (Attributes & FILE_ATTRIBUTE_DIRECTORY)) {
        return S_OK;
    }
    if (Create) {
        int Error = SHCreateDirectoryExW(nullptr, P.Text, nullptr);
        return Error && Error != ERROR_ALREADY_EXISTS ? HRESULT_FROM_WIN32(Error) : S_OK;
    }
    return Verify ? HRESULT_FROM_WIN32(ERROR_FILE_NOT_FOUND) : S_OK;
}

// Of the users only the caller's own is known.
bool OtherUser(HANDLE Token) { return Token == HANDLE(LONG_PTR(-1)); }

HRESULT ForCsidl(int Csidl, DWORD Which, Path& Out)
{
    const Folder* F = ByCsidl(Csidl & 0xFF);
    if (!F) {
        return E_INVALIDARG;
    }
    if (!PathOf(*F, Which == SHGFP_TYPE_DEFAULT, Out) || Out.Length >= MAX_PATH) {
        return E_FAIL;
    }
    HRESULT Result = Check(Out, Csidl & CSIDL_FLAG_CREATE, !(Csidl & CSIDL_FLAG_DONT_VERIFY));
    // S_FALSE: the folder has a name but does not exist.
    return Result == HRESULT_FROM_WIN32(ERROR_FILE_NOT_FOUND) ? S_FALSE : Result;
}

}

EXPORT HRESULT WINAPI SHGetKnownFolderPath(REFKNOWNFOLDERID Id, DWORD Flags, HANDLE Token, PWSTR* Out)
{
    *Out = nullptr;
    const Folder* F = ById(Id);
    if (!F) {
        return HRESULT_FROM_WIN32(ERROR_FILE_NOT_FOUND);
    }
    if (OtherUser(Token) && F->Root <= LocalLow) {
        return E_ACCESSDENIED;
    }
    Path P;
    if (!PathOf(*F, Flags & KF_FLAG_DEFAULT_PATH, P)) {
        return HRESULT_FROM_WIN32(ERROR_PATH_NOT_FOUND);
    }
    HRESULT Result = Check(P, Flags & KF_FLAG_CREATE, !(Flags & KF_FLAG_DONT_VERIFY));
    if (FAILED(Result)) {
        return Result;
    }
    // COM's task memory is the process heap.
    auto Copy = static_cast<WCHAR*>(HeapAlloc(GetProcessHeap(), 0, (P.Length + 1) * sizeof(WCHAR)));
    if (!Copy) {
        return E_OUTOFMEMORY;
    }
    __builtin_memcpy(Copy, P.Text, (P.Length + 1) * sizeof(WCHAR));
    *Out = Copy;
    return S_OK;
}

EXPORT HRESULT WINAPI SHGetFolderPathAndSubDirW(HWND, int Csidl, HANDLE, DWORD Which, LPCWSTR Below, LPWSTR Out)
{
    Path P;
    HRESULT Result = ForCsidl(Csidl, Which, P);
    if (Result == S_OK && Below && *Below) {
        if (!P.AddBelow(Below) || P.Length >= MAX_PATH) {
            return HRESULT_FROM_WIN32(ERROR_FILENAME_EXCED_RANGE);
        }
        Result = Check(P, Csidl & CSIDL_FLAG_CREATE, !(Csidl & CSIDL_FLAG_DONT_VERIFY));
    }
    if (Out) {
        Out[0] = 0;
        if (SUCCEEDED(Result)) {
            lstrcpyW(Out, P.Text);
        }
    }
    return Result;
}
EXPORT HRESULT WINAPI SHGetFolderPathW(HWND Owner, int Csidl, HANDLE Token, DWORD Which, LPWSTR Out)
{
    return SHGetFolderPathAndSubDirW(Owner, Csidl, Token, Which, nullptr, Out);
}
EXPORT HRESULT WINAPI SHGetFolderPathAndSubDirA(HWND Owner, int Csidl, HANDLE Token, DWORD Which, LPCSTR Below, LPSTR Out)
{
    WCHAR Wide[MAX_PATH];
    HRESULT Result = SHGetFolderPathAndSubDirW(Owner, Csidl, Token, Which, win::Wide(Below), Wide);
    if (Out) {
        Out[0] = 0;
        if (SUCCEEDED(Result) && !WideCharToMultiByte(CP_ACP, 0, Wide, -1, Out, MAX_PATH, nullptr, nullptr)) {
            return E_FAIL;
        }
    }
    return Result;
}
EXPORT HRESULT WINAPI SHGetFolderPathA(HWND Owner, int Csidl, HANDLE Token, DWORD Which, LPSTR Out)
{
    return SHGetFolderPathAndSubDirA(Owner, Csidl, Token, Which, nullptr, Out);
}
EXPORT BOOL WINAPI SHGetSpecialFolderPathW(HWND Owner, LPWSTR Out, int Csidl, BOOL Create)
{
    return SHGetFolderPathW(Owner, Csidl | (Create ? CSIDL_FLAG_CREATE : 0), nullptr, 0, Out) == S_OK;
}
EXPORT BOOL WINAPI SHGetSpecialFolderPathA(HWND Owner, LPSTR Out, int Csidl, BOOL Create)
{
    return SHGetFolderPathA(Owner, Csidl | (Create ? CSIDL_FLAG_CREATE : 0), nullptr, 0, Out) == S_OK;
}

EXPORT int WINAPI SHCreateDirectoryExW(HWND, LPCWSTR Name, const SECURITY_ATTRIBUTES* Security)
{
    usize Length = Name ? win::Length(Name) : 0;
    bool Absolute = Length >= 3 && ((Name[1] == ':' && (Name[2] == '\\' || Name[2] == '/')) || (Name[0] == '\\' && Name[1] == '\\'));
    if (!Absolute) {
        return ERROR_BAD_PATHNAME;
    }
    win::Buffer<WCHAR> Copy(Length + 1);
    if (!Copy) {
        return ERROR_NOT_ENOUGH_MEMORY;
    }
    auto Attributes = const_cast<SECURITY_ATTRIBUTES*>(Security);
    if (CreateDirectoryW(Name, Attributes)) {
        return ERROR_SUCCESS;
    }
    DWORD Error = GetLastError();
    if (Error != ERROR_PATH_NOT_FOUND) {
        return int(Error == ERROR_FILE_EXISTS ? ERROR_ALREADY_EXISTS : Error);
    }
    // Every parent in turn, from the top.
    for (usize i = 0; i < Length; ++i) {
        bool End = Name[i] == '\\' || Name[i] == '/';
        if (End && i > 2) {
            Copy[i] = 0;
            CreateDirectoryW(Copy, Attributes);
        }
        Copy[i] = Name[i];
    }
    if (CreateDirectoryW(Name, Attributes)) {
        return ERROR_SUCCESS;
    }
    Error = GetLastError();
    // "a\b\" was made as a parent already.
    return Error == ERROR_ALREADY_EXISTS && (Name[Length - 1] == '\\' || Name[Length - 1] == '/') ? ERROR_SUCCESS : int(Error);
}
EXPORT int WINAPI SHCreateDirectoryExA(HWND Owner, LPCSTR Name, const SECURITY_ATTRIBUTES* Security)
{
    win::Buffer<WCHAR> Wide = win::Wide(Name);
    return Wide ? SHCreateDirectoryExW(Owner, Wide, Security) : ERROR_BAD_PATHNAME;
}
EXPORT int WINAPI SHCreateDirectory(HWND Owner, LPCWSTR Name) { return SHCreateDirectoryExW(Owner, Name, nullptr); }
