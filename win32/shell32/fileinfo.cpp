// SHGetFileInfo without icons: attributes, names, and what kind of program a file is.
#include "win32/common/win.hpp"

#include <shellapi.h>
#include <shlobj.h>

namespace {

// The answer of SHGFI_EXETYPE: signature in the low word, the wanted Windows version (GUI programs) in the high one.
DWORD_PTR ProgramKind(const WCHAR* Name)
{
    HANDLE File = CreateFileW(Name, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_DELETE, nullptr, OPEN_EXISTING, 0, nullptr);
    if (File == INVALID_HANDLE_VALUE) {
        return 0;
    }
    auto Read = [&](LONG Offset, void* Out, DWORD Size) {
        DWORD Done;
        return SetFilePointer(File, Offset, nullptr, FILE_BEGIN) != INVALID_SET_FILE_POINTER && ReadFile(File, Out, Size, &Done, nullptr) &&
               Done == Size;
    };
    DWORD_PTR Kind = 0;
    IMAGE_DOS_HEADER Dos;
    if (Read(0, &Dos, sizeof(Dos)) && Dos.e_magic == IMAGE_DOS_SIGNATURE) {
        IMAGE_NT_HEADERS64 Nt; // the fields used are at the same offsets in both formats
        if (Read(Dos.e_lfanew, &Nt, sizeof(Nt)) && Nt.Signature == IMAGE_NT_SIGNATURE) {
            if (!(Nt.FileHeader.Characteristics & IMAGE_FILE_DLL)) {
                Kind = IMAGE_NT_SIGNATURE;
                if (Nt.OptionalHeader.Subsystem == IMAGE_SUBSYSTEM_WINDOWS_GUI) {
                    Kind |= DWORD_PTR(Nt.OptionalHeader.MajorSubsystemVersion) << 24 | DWORD_PTR(Nt.OptionalHeader.MinorSubsystemVersion)
                                                                                           << 16;
                }
            }
        } else {
            Kind = IMAGE_DOS_SIGNATURE;
        }
    }
    CloseHandle(File);
    return Kind;
}

const WCHAR* FileName(const WCHAR* Path)
{
    const WCHAR* Name = Path;
    for (; *Path; ++Path) {
        if ((*Path == '\\' || *Path == '/') && Path[1]) {
            Name = Path + 1;
        }
    }
    return Name;
}

void TypeName(const WCHAR* Name, DWORD Attributes, WCHAR* Out, int Size)
{
    if (Attributes & FILE_ATTRIBUTE_DIRECTORY) {
        lstrcpynW(Out, L"File folder", Size);
        return;
    }
    const WCHAR* Dot = nullptr;
    for (const WCHAR* At = Name; *At; ++At) {
        Dot = *At == '.' ? At : Dot;
    }
    WCHAR Class[80];
    DWORD Bytes = sizeof(Class);
    if (Dot && RegGetValueW(HKEY_CLASSES_ROOT, Dot, nullptr, RRF_RT_REG_SZ, nullptr, Class, &Bytes) == ERROR_SUCCESS) {
        Bytes = DWORD(Size) * sizeof(WCHAR);
        if (RegGetValueW(HKEY_CLASSES_ROOT, Class, nullptr, RRF_RT_REG_SZ, nullptr, Out, &Bytes) == ERROR_SUCCESS && *Out) {
            return;
        }
    }
    // "TXT File", or "File" without an extension.
    Out[0] = 0;
    if (Dot && Dot[1] && lstrlenW(Dot + 1) + 6 < Size) {
        lstrcpynW(Out, Dot + 1, Size);
        CharUpperBuffW(Out, DWORD(lstrlenW(Out)));
        lstrcatW(Out, L" ");
    }
    lstrcatW(Out, L"File");
}

}

EXPORT DWORD_PTR WINAPI SHGetFileInfoW(LPCWSTR Path, DWORD Attributes, SHFILEINFOW* Out, UINT Size, UINT Flags)
{
    if (!Path || (Flags & SHGFI_PIDL)) {
        return DWORD_PTR(win::Fail(ERROR_CALL_NOT_IMPLEMENTED));
    }
    if (Flags & SHGFI_EXETYPE) {
        return Flags == SHGFI_EXETYPE ? ProgramKind(Path) : 0;
    }
    if (!Out || Size < sizeof(*Out)) {
        return 0;
    }
    if (!(Flags & SHGFI_USEFILEATTRIBUTES)) {
        Attributes = GetFileAttributesW(Path);
        if (Attributes == INVALID_FILE_ATTRIBUTES) {
            return 0;
        }
    }
    *Out = {};
    constexpr UINT Known = SHGFI_ATTRIBUTES | SHGFI_DISPLAYNAME | SHGFI_TYPENAME | SHGFI_USEFILEATTRIBUTES | SHGFI_ATTR_SPECIFIED;
    if (Flags & ~Known) {
        return DWORD_PTR(win::Fail(ERROR_CALL_NOT_IMPLEMENTED)); // icons
    }
    if (Flags & SHGFI_ATTRIBUTES) {
        bool Folder = Attributes & FILE_ATTRIBUTE_DIRECTORY;
        Out->dwAttributes = SFGAO_CANCOPY | SFGAO_CANMOVE | SFGAO_CANRENAME | SFGAO_CANDELETE | SFGAO_FILESYSTEM |
                            (Folder ? SFGAO_FOLDER | SFGAO_FILESYSANCESTOR | SFGAO_STORAGEANCESTOR : SFGAO_STREAM) |
                            ((Attributes & FILE_ATTRIBUTE_READONLY) ? SFGAO_READONLY : 0) |
                            ((Attributes & FILE_ATTRIBUTE_HIDDEN) ? SFGAO_HIDDEN : 0);
    }
    if (Flags & SHGFI_DISPLAYNAME) {
        lstrcpynW(Out->szDisplayName, FileName(Path), MAX_PATH);
    }
    if (Flags & SHGFI_TYPENAME) {
        TypeName(FileName(Path), Attributes, Out->szTypeName, int(sizeof(Out->szTypeName) / sizeof(WCHAR)));
    }
    return TRUE;
}
EXPORT DWORD_PTR WINAPI SHGetFileInfoA(LPCSTR Path, DWORD Attributes, SHFILEINFOA* Out, UINT Size, UINT Flags)
{
    SHFILEINFOW Wide;
    if (Flags & SHGFI_PIDL) {
        return DWORD_PTR(win::Fail(ERROR_CALL_NOT_IMPLEMENTED));
    }
    DWORD_PTR Result = SHGetFileInfoW(win::Wide(Path), Attributes, &Wide, sizeof(Wide), Flags);
    if (Result && !(Flags & SHGFI_EXETYPE)) {
        if (!Out || Size < sizeof(*Out)) {
            return 0;
        }
        Out->hIcon = nullptr;
        Out->iIcon = 0;
        Out->dwAttributes = Wide.dwAttributes;
        WideCharToMultiByte(CP_ACP, 0, Wide.szDisplayName, -1, Out->szDisplayName, sizeof(Out->szDisplayName), nullptr, nullptr);
        WideCharToMultiByte(CP_ACP, 0, Wide.szTypeName, -1, Out->szTypeName, sizeof(Out->szTypeName), nullptr, nullptr);
    }
    return Result;
}
