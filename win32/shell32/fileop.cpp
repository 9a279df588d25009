// SHFileOperation: copy, move, rename and delete of files and whole folders. Nobody can be asked, so it does what it is
// told, as with FOF_NOCONFIRMATION; FOF_NOCONFIRMMKDIR likewise. There is no recycle bin: FOF_ALLOWUNDO deletes.
#include "win32/common/win.hpp"

#include <shellapi.h>
#include <shlobj.h>

namespace {

constexpr usize MaxPath = 4096;

// Codes of its own that SHFileOperation returns (they are not Win32 errors).
constexpr DWORD SameFile = 0x71, ManySourceOneDestination = 0x72, RootDirectory = 0x74, DestinationIsSubtree = 0x7D, InvalidFiles = 0x7C;

bool IsSlash(WCHAR C) { return C == '\\' || C == '/'; }
bool IsFolder(DWORD Attributes) { return Attributes != INVALID_FILE_ATTRIBUTES && (Attributes & FILE_ATTRIBUTE_DIRECTORY); }
bool HasPattern(const WCHAR* Name)
{
    for (; *Name; ++Name) {
        if (*Name == '*' || *Name == '?') {
            return true;
        }
    }
    return false;
}
usize LastSlash(const WCHAR* Name) // index behind it, 0 if there is none
{
    usize At = 0;
    for (usize i = 0; Name[i]; ++i) {
        if (IsSlash(Name[i])) {
            At = i + 1;
        }
    }
    return At;
}
// Folder + '\' + Name.
bool Join(WCHAR* Out, const WCHAR* Folder, const WCHAR* Name)
{
    usize A = win::Length(Folder), B = win::Length(Name);
    if (A + B + 2 > MaxPath) {
        return false;
    }
    __builtin_memmove(Out, Folder, A * sizeof(WCHAR));
    if (A && !IsSlash(Out[A - 1])) {
        Out[A++] = '\\';
    }
    __builtin_memcpy(Out + A, Name, (B + 1) * sizeof(WCHAR));
    return true;
}

// Walks a folder depth first without recursion: Enter is called for a folder before what is in it, File for each file,
// Leave for a folder after. Each returns 0 or the error that ends the walk. Tail is the path below the starting folder.
template <typename EnterFolder, typename VisitFile, typename LeaveFolder>
DWORD Walk(const WCHAR* Top, bool Deep, EnterFolder Enter, VisitFile File, LeaveFolder Leave)
{
    struct Level {
        Level* Outer;
        HANDLE Find;
        usize Length; // of the path up to this folder
    };
    win::Buffer<WCHAR> Path(MaxPath);
    win::Buffer<WIN32_FIND_DATAW> Data(1);
    if (!Path || !Data) {
        return ERROR_NOT_ENOUGH_MEMORY;
    }
    usize TopLength = win::Length(Top);
    if (TopLength + 3 > MaxPath) {
        return ERROR_FILENAME_EXCED_RANGE;
    }
    __builtin_memcpy(Path.Get(), Top, (TopLength + 1) * sizeof(WCHAR));
    DWORD Error = Enter(Path.Get(), Path + TopLength);
    if (Error) {
        return Error;
    }
    Level* Inner = nullptr;
    bool Descend = true;
    usize Length = TopLength;
    while (!Error) {
        bool More;
        if (Descend) {
            auto Next = static_cast<Level*>(win::Allocate(sizeof(Level)));
            if (!Next) {
                Error = ERROR_NOT_ENOUGH_MEMORY;
                break;
            }
            Next->Outer = Inner;
            Next->Length = Length;
            Inner = Next;
            Path[Length] = '\\';
            Path[Length + 1] = '*';
            Path[Length + 2] = 0;
            Next->Find = FindFirstFileW(Path, Data);
            More = Next->Find != INVALID_HANDLE_VALUE;
            DWORD Why = More ? 0 : GetLastError();
            if (Why && Why != ERROR_FILE_NOT_FOUND && Why != ERROR_NO_MORE_FILES) {
                Error = Why;
                break;
            }
            Descend = false;
        } else {
            More = FindNextFileW(Inner->Find, Data);
        }
        Length = Inner->Length;
        if (!More) {
            Path[Length] = 0;
            if (Inner->Find != INVALID_HANDLE_VALUE) {
                FindClose(Inner->Find);
            }
            Level* Done = Inner;
            Inner = Inner->Outer;
            win::Free(Done);
            Error = Leave(Path.Get(), Path + TopLength);
            if (!Inner) {
                break;
            }
            continue;
        }
        const WCHAR* Name = Data->cFileName;
        if (Name[0] == '.' && (!Name[1] || (Name[1] == '.' && !Name[2]))) {
            continue;
        }
        usize Size = win::Length(Name);
        if (Length + Size + 4 > MaxPath) {
            Error = ERROR_FILENAME_EXCED_RANGE;
            break;
        }
        Path[Length] = '\\';
        __builtin_memcpy(Path + Length + 1, Name, (Size + 1) * sizeof(WCHAR));
        bool Folder = Data->dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY, Link = Data->dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT;
        if (Folder && !Link) {
            if (Deep) {
                Error = Enter(Path.Get(), Path + TopLength);
                Descend = true;
                Length += Size + 1;
            }
        } else {
            Error = File(Path.Get(), Path + TopLength, Data->dwFileAttributes);
        }
    }
    while (Inner) {
        if (Inner->Find != INVALID_HANDLE_VALUE) {
            FindClose(Inner->Find);
        }
        Level* Done = Inner;
        Inner = Inner->Outer;
        win::Free(Done);
    }
    return Error;
}

DWORD DeleteOne(const WCHAR* Name, DWORD Attributes)
{
    if (Attributes & FILE_ATTRIBUTE_READONLY) {
        SetFileAttributesW(Name, Attributes & ~DWORD(FILE_ATTRIBUTE_READONLY));
    }
    BOOL Good = (Attributes & FILE_ATTRIBUTE_DIRECTORY) ? RemoveDirectoryW(Name) : DeleteFileW(Name);
    return Good ? 0 : GetLastError();
}

DWORD DeleteTree(const WCHAR* Top)
{
    return Walk(
        Top, true, [](const WCHAR*, const WCHAR*) { return DWORD(0); },
        [](const WCHAR* Name, const WCHAR*, DWORD Attributes) { return DeleteOne(Name, Attributes); },
        [](const WCHAR* Name, const WCHAR*) { return DeleteOne(Name, GetFileAttributesW(Name)); });
}

DWORD CopyTree(const WCHAR* Top, const WCHAR* To, bool Deep)
{
    win::Buffer<WCHAR> Target(MaxPath);
    if (!Target) {
        return ERROR_NOT_ENOUGH_MEMORY;
    }
    auto Place = [&](const WCHAR* Tail) {
        usize A = win::Length(To), B = win::Length(Tail);
        if (A + B + 1 > MaxPath) {
            return false;
        }
        __builtin_memcpy(Target.Get(), To, A * sizeof(WCHAR));
        __builtin_memcpy(Target + A, Tail, (B + 1) * sizeof(WCHAR));
        return true;
    };
    return Walk(
        Top, Deep,
        [&](const WCHAR*, const WCHAR* Tail) -> DWORD {
            if (!Place(Tail)) {
                return ERROR_FILENAME_EXCED_RANGE;
            }
            if (IsFolder(GetFileAttributesW(Target))) {
                return 0;
            }
            return DWORD(SHCreateDirectoryExW(nullptr, Target, nullptr));
        },
        [&](const WCHAR* Name, const WCHAR* Tail, DWORD) -> DWORD {
            return !Place(Tail) ? ERROR_FILENAME_EXCED_RANGE : CopyFileW(Name, Target, FALSE) ? 0 : GetLastError();
        },
        [](const WCHAR*, const WCHAR*) { return DWORD(0); });
}

// A file name that is free, for FOF_RENAMEONCOLLISION: "name (2).ext".
bool FreeName(WCHAR* Name)
{
    usize Start = LastSlash(Name), Dot = win::Length(Name);
    for (usize i = Start; Name[i]; ++i) {
        if (Name[i] == '.') {
            Dot = i;
        }
    }
    win::Buffer<WCHAR> Extension(MaxPath);
    if (!Extension || win::Length(Name) + 8 > MaxPath) {
        return false;
    }
    lstrcpyW(Extension, Name + Dot);
    for (unsigned Number = 2; Number < 1000; ++Number) {
        WCHAR* At = Name + Dot;
        *At++ = ' ';
        *At++ = '(';
        for (unsigned Scale = 100; Scale; Scale /= 10) {
            if (Number >= Scale) {
                *At++ = WCHAR('0' + Number / Scale % 10);
            }
        }
        *At++ = ')';
        lstrcpyW(At, Extension);
        if (GetFileAttributesW(Name) == INVALID_FILE_ATTRIBUTES) {
            return true;
        }
    }
    return false;
}

struct Operation {
    UINT Kind;
    FILEOP_FLAGS Flags;
    const WCHAR* To; // list of destinations, null for delete
    bool ToFolder;   // the destination is a folder to put sources into

    // One existing source.
    DWORD Do(const WCHAR* From, DWORD Attributes, bool FromPattern) const
    {
        bool Folder = IsFolder(Attributes), Link = Attributes & FILE_ATTRIBUTE_REPARSE_POINT;
        if (Folder && FromPattern && (Flags & FOF_FILESONLY)) {
            return 0;
        }
        if (Kind == FO_DELETE) {
            return Folder && !Link ? DeleteTree(From) : DeleteOne(From, Attributes);
        }
        win::Buffer<WCHAR> Target(MaxPath);
        if (!Target) {
            return ERROR_NOT_ENOUGH_MEMORY;
        }
        if (ToFolder) {
            if (!Join(Target, To, From + LastSlash(From))) {
                return ERROR_FILENAME_EXCED_RANGE;
            }
        } else {
            lstrcpynW(Target, To, MaxPath);
        }
        if (lstrcmpiW(From, Target) == 0 && !(Flags & FOF_RENAMEONCOLLISION)) {
            return Kind == FO_RENAME ? 0 : SameFile;
        }
        usize Length = win::Length(From);
        if (Folder &&
            CompareStringOrdinal(From, int(Length), Target, int(win::Length(Target.Get()) < Length ? win::Length(Target.Get()) : Length),
                                 TRUE) == CSTR_EQUAL &&
            IsSlash(Target[Length])) {
            return DestinationIsSubtree;
        }
        DWORD There = GetFileAttributesW(Target);
        if (There != INVALID_FILE_ATTRIBUTES && (Flags & FOF_RENAMEONCOLLISION) && !FreeName(Target)) {
            return ERROR_FILE_EXISTS;
        }
        usize Parent = LastSlash(Target);
        if (Parent > 3) {
            WCHAR Cut = Target[Parent - 1];
            Target[Parent - 1] = 0;
            DWORD Error = IsFolder(GetFileAttributesW(Target)) ? 0 : DWORD(SHCreateDirectoryExW(nullptr, Target, nullptr));
            Target[Parent - 1] = Cut;
            if (Error) {
                return Error;
            }
        }
        if (Kind == FO_COPY) {
            if (Folder) {
                return CopyTree(From, Target, !(Flags & FOF_NORECURSION));
            }
            return CopyFileW(From, Target, FALSE) ? 0 : GetLastError();
        }
        if (Folder && Kind == FO_MOVE && IsFolder(GetFileAttributesW(Target))) {
            // Into a folder of that name: merge.
            DWORD Error = CopyTree(From, Target, true);
            return Error ? Error : DeleteTree(From);
        }
        if (MoveFileExW(From, Target, MOVEFILE_REPLACE_EXISTING | MOVEFILE_COPY_ALLOWED)) {
            return 0;
        }
        DWORD Error = GetLastError();
        if (Folder && Error == ERROR_NOT_SAME_DEVICE) {
            Error = CopyTree(From, Target, true);
            return Error ? Error : DeleteTree(From);
        }
        return Error;
    }
};

// Full path of a name, without a slash at its end.
bool Full(const WCHAR* Name, WCHAR* Out)
{
    DWORD Size = GetFullPathNameW(Name, MaxPath, Out, nullptr);
    if (!Size || Size >= MaxPath) {
        return false;
    }
    while (Size > 3 && IsSlash(Out[Size - 1])) {
        Out[--Size] = 0;
    }
    return true;
}

usize Count(const WCHAR* List)
{
    usize Number = 0;
    for (; List && *List; List += win::Length(List) + 1) {
        ++Number;
    }
    return Number;
}

DWORD Run(SHFILEOPSTRUCTW& Info)
{
    if (!Info.pFrom || !*Info.pFrom || Info.wFunc < FO_MOVE || Info.wFunc > FO_RENAME) {
        return Info.wFunc < FO_MOVE || Info.wFunc > FO_RENAME ? ERROR_INVALID_PARAMETER : InvalidFiles;
    }
    bool Delete = Info.wFunc == FO_DELETE;
    if (!Delete && (!Info.pTo || !*Info.pTo)) {
        return InvalidFiles;
    }
    usize Sources = Count(Info.pFrom), Targets = Delete ? 0 : Count(Info.pTo);
    bool Many = !Delete && (Info.fFlags & FOF_MULTIDESTFILES) && Targets > 1;
    if (Many && Sources != Targets) {
        return ManySourceOneDestination;
    }
    if (Info.wFunc == FO_RENAME && (Sources > 1 || HasPattern(Info.pFrom))) {
        return ManySourceOneDestination;
    }
    win::Buffer<WCHAR> From(MaxPath), To(MaxPath), Found(MaxPath);
    win::Buffer<WIN32_FIND_DATAW> Data(1);
    if (!From || !To || !Found || !Data) {
        return ERROR_NOT_ENOUGH_MEMORY;
    }
    const WCHAR* Target = Info.pTo;
    for (const WCHAR* Source = Info.pFrom; *Source; Source += win::Length(Source) + 1) {
        if (!Full(Source, From) || (!Delete && !Full(Target, To))) {
            return InvalidFiles;
        }
        usize NameAt = LastSlash(From);
        bool Pattern = HasPattern(From + NameAt);
        if (!Pattern && NameAt == win::Length(From.Get())) {
            return RootDirectory;
        }
        Operation Op = { Info.wFunc, Info.fFlags, To, false };
        if (!Delete && Info.wFunc != FO_RENAME && !Many) {
            Op.ToFolder = IsFolder(GetFileAttributesW(To)) || Sources > 1 || Pattern;
        }
        DWORD Attributes = Pattern ? 0 : GetFileAttributesW(From);
        DWORD Error = 0;
        if (Attributes == INVALID_FILE_ATTRIBUTES) {
            Error = GetLastError();
        } else if (!Pattern) {
            Error = Op.Do(From, Attributes, false);
        } else {
            HANDLE Find = FindFirstFileW(From, Data);
            if (Find == INVALID_HANDLE_VALUE) {
                Error = GetLastError();
            } else {
                do {
                    const WCHAR* Name = Data->cFileName;
                    if (Name[0] == '.' && (!Name[1] || (Name[1] == '.' && !Name[2]))) {
                        continue;
                    }
                    From[NameAt] = 0;
                    Error = Join(Found, From, Name) ? Op.Do(Found, Data->dwFileAttributes, true) : DWORD(ERROR_FILENAME_EXCED_RANGE);
                } while (!Error && FindNextFileW(Find, Data));
                FindClose(Find);
            }
        }
        if (Error) {
            return Error;
        }
        if (Many) {
            Target += win::Length(Target) + 1;
        }
    }
    return 0;
}

}

EXPORT int WINAPI SHFileOperationW(LPSHFILEOPSTRUCTW Info)
{
    DWORD Error = Info ? Run(*Info) : DWORD(ERROR_INVALID_PARAMETER);
    if (Info) {
        Info->fAnyOperationsAborted = FALSE;
        Info->hNameMappings = nullptr;
    }
    SetLastError(Error);
    return int(Error);
}

EXPORT int WINAPI SHFileOperationA(LPSHFILEOPSTRUCTA Info)
{
    if (!Info) {
        return ERROR_INVALID_PARAMETER;
    }
    auto WidenList = [](const char* List) {
        if (!List) {
            return win::Buffer<WCHAR>();
        }
        usize Size = 0;
        while (List[Size] || (Size && List[Size - 1]) || (!Size && List[0])) {
            ++Size;
        }
        ++Size;
        win::Buffer<WCHAR> Out(Size + 1);
        if (Out) {
            MultiByteToWideChar(CP_ACP, 0, List, int(Size), Out, int(Size));
        }
        return Out;
    };
    win::Buffer<WCHAR> From = WidenList(Info->pFrom), To = WidenList(Info->pTo);
    SHFILEOPSTRUCTW Wide = { Info->hwnd, Info->wFunc, From, To, Info->fFlags, FALSE, nullptr, nullptr };
    int Result = SHFileOperationW(&Wide);
    Info->fAnyOperationsAborted = FALSE;
    Info->hNameMappings = nullptr;
    return Result;
}
EXPORT void WINAPI SHFreeNameMappings(HANDLE) {}
EXPORT void WINAPI SHChangeNotify(LONG, UINT, LPCVOID, LPCVOID) {}
