// From DOS paths to NT paths, and the current directory.
#include "lib/rtl/crt/crt.hpp"
#include "lib/rtl/path.hpp"
#include "lib/rtl/platform.hpp"
#include "lib/rtl/rtl.hpp"

namespace nt {

// A counted reference to the handle of the current directory, held by relative names.
struct RTLP_CURDIR_REF {
    LONG References;
    HANDLE Handle;
};

}

namespace rtl {

namespace {

constexpr ULONG FILE_ATTRIBUTE_DIRECTORY = 0x10;

// "\??\" and the parts behind it.
NTSTATUS Compose(UNICODE_STRING* Nt, const WCHAR* Prefix, const WCHAR* Rest, usize RestCount)
{
    usize PrefixCount = CRT(wcslen)(Prefix), Bytes = (PrefixCount + RestCount) * 2;
    if (Bytes + 2 > 0xFFFE)
        return STATUS_NAME_TOO_LONG;
    auto* Buffer = static_cast<WCHAR*>(platform::Allocate(Bytes + 2));
    if (!Buffer)
        return STATUS_NO_MEMORY;
    CRT(memcpy)(Buffer, Prefix, PrefixCount * 2);
    CRT(memcpy)(Buffer + PrefixCount, Rest, RestCount * 2);
    Buffer[Bytes / 2] = 0;
    *Nt = { USHORT(Bytes), USHORT(Bytes + 2), Buffer };
    return STATUS_SUCCESS;
}

// "\\?\anything" and "\??\something" are NT names already.
bool IsVerbatim(const WCHAR* Dos, usize Count)
{
    if (Count < 4 || Dos[0] != '\\' || Dos[3] != '\\' || Dos[2] != '?')
        return false;
    return Dos[1] == '\\' || (Dos[1] == '?' && Count > 4);
}

void FindFilePart(const UNICODE_STRING* Nt, WCHAR** FilePart)
{
    WCHAR *End = Nt->Buffer + Nt->Length / 2, *At = End;
    while (At > Nt->Buffer && At[-1] != '\\')
        --At;
    *FilePart = At < End ? At : nullptr;
}

NTSTATUS ToNt(const WCHAR* Dos, usize Count, UNICODE_STRING* Nt, WCHAR** FilePart);

// A device under a folder is only there if the folder is.
bool FolderExists(const WCHAR* Dos, usize Count)
{
    UNICODE_STRING Nt;
    if (FindDeviceName(Dos, Count).Length || ToNt(Dos, Count, &Nt, nullptr) < 0)
        return false;
    ULONG Attributes = 0;
    bool Exists = platform::FileAttributes(&Nt, &Attributes) >= 0 && (Attributes & FILE_ATTRIBUTE_DIRECTORY);
    platform::Free(Nt.Buffer);
    return Exists;
}

NTSTATUS ToNt(const WCHAR* Dos, usize Count, UNICODE_STRING* Nt, WCHAR** FilePart)
{
    if (FilePart)
        *FilePart = nullptr;
    if (IsVerbatim(Dos, Count)) {
        NTSTATUS Status = Compose(Nt, L"\\??\\", Dos + 4, Count - 4);
        if (Status >= 0 && FilePart)
            FindFilePart(Nt, FilePart);
        return Status;
    }
    FullPath Path;
    if (NTSTATUS Status = Path.Make(Dos, Count); Status < 0)
        return Status;
    if (Path.Device) {
        usize Folder = FindDeviceName(Dos, Count).Start;
        if (Folder && IsSeparator(Dos[Folder - 1]) && !FolderExists(Dos, Folder))
            return STATUS_OBJECT_NAME_INVALID;
    }
    bool Local = Path.Device || Path.Type == RtlPathTypeLocalDevice || Path.Type == RtlPathTypeRootLocalDevice;
    bool Unc = !Local && Path.Text[0] == '\\' && Path.Text[1] == '\\';
    usize Skip = Local ? 4 : Unc ? 2 : 0;
    const WCHAR* Prefix = Unc ? L"\\??\\UNC\\" : L"\\??\\";
    NTSTATUS Status = Compose(Nt, Prefix, Path.Text + Skip, Path.Count - Skip);
    if (Status >= 0 && FilePart && Path.FilePart)
        *FilePart = Nt->Buffer + CRT(wcslen)(Prefix) + Path.FilePart - Skip;
    return Status;
}

NTSTATUS Convert(const WCHAR* Dos, UNICODE_STRING* Nt, WCHAR** FilePart, RTL_RELATIVE_NAME_U* Relative)
{
    if (Relative)
        *Relative = {};
    if (!Dos)
        return STATUS_OBJECT_NAME_INVALID;
    return ToNt(Dos, CRT(wcslen)(Dos), Nt, FilePart);
}

RTLP_CURDIR_REF* CurrentReference = nullptr;    // of the present current directory; under the PEB lock

void Release(RTLP_CURDIR_REF* Reference)
{
    if (Reference && __atomic_sub_fetch(&Reference->References, 1, __ATOMIC_ACQ_REL) == 0) {
        platform::Close(Reference->Handle);
        platform::Free(Reference);
    }
}

// A path inside the current directory may be opened relative to its handle.
NTSTATUS ConvertRelative(const WCHAR* Dos, UNICODE_STRING* Nt, WCHAR** FilePart, RTL_RELATIVE_NAME_U* Relative)
{
    NTSTATUS Status = Convert(Dos, Nt, FilePart, Relative);
    if (Status < 0 || !Relative || PathType(Dos, CRT(wcslen)(Dos)) != RtlPathTypeRelative)
        return Status;
    platform::LockPeb();
    const CURDIR& Here = platform::Peb()->ProcessParameters->CurrentDirectory;
    usize Prefix = 4 + Here.DosPath.Length / 2;
    if (Here.Handle && Here.DosPath.Buffer && Here.DosPath.Length >= 6 && Here.DosPath.Buffer[1] == ':' && Nt->Length / 2 > Prefix &&
        RtlCompareUnicodeStrings(Nt->Buffer + 4, Here.DosPath.Length / 2, Here.DosPath.Buffer, Here.DosPath.Length / 2, true) == 0) {
        // Without a reference of ours the handle may be closed by the next change: then the full name serves.
        if (CurrentReference && CurrentReference->Handle == Here.Handle) {
            __atomic_add_fetch(&CurrentReference->References, 1, __ATOMIC_ACQ_REL);
            Relative->CurDirRef = CurrentReference;
            Relative->ContainingDirectory = Here.Handle;
            Relative->RelativeName = { USHORT(Nt->Length - Prefix * 2), USHORT(Nt->MaximumLength - Prefix * 2), Nt->Buffer + Prefix };
        }
    }
    platform::UnlockPeb();
    return Status;
}

}
}

using namespace rtl;

extern "C" {

NTSTATUS NTAPI RtlDosPathNameToNtPathName_U_WithStatus(const WCHAR* Dos, UNICODE_STRING* Nt, WCHAR** FilePart, RTL_RELATIVE_NAME_U* Relative)
{
    return Convert(Dos, Nt, FilePart, Relative);
}
BOOLEAN NTAPI RtlDosPathNameToNtPathName_U(const WCHAR* Dos, UNICODE_STRING* Nt, WCHAR** FilePart, RTL_RELATIVE_NAME_U* Relative)
{
    return Convert(Dos, Nt, FilePart, Relative) >= 0;
}
NTSTATUS NTAPI RtlDosLongPathNameToNtPathName_U_WithStatus(const WCHAR* Dos, UNICODE_STRING* Nt, WCHAR** FilePart, RTL_RELATIVE_NAME_U* Relative)
{
    return Convert(Dos, Nt, FilePart, Relative);
}
NTSTATUS NTAPI RtlDosPathNameToRelativeNtPathName_U_WithStatus(const WCHAR* Dos, UNICODE_STRING* Nt, WCHAR** FilePart, RTL_RELATIVE_NAME_U* Relative)
{
    return ConvertRelative(Dos, Nt, FilePart, Relative);
}
BOOLEAN NTAPI RtlDosPathNameToRelativeNtPathName_U(const WCHAR* Dos, UNICODE_STRING* Nt, WCHAR** FilePart, RTL_RELATIVE_NAME_U* Relative)
{
    return ConvertRelative(Dos, Nt, FilePart, Relative) >= 0;
}
void NTAPI RtlReleaseRelativeName(RTL_RELATIVE_NAME_U* Relative)
{
    Release(Relative->CurDirRef);
    Relative->CurDirRef = nullptr;
}

// In place: "\??\C:\x" becomes "C:\x", "\??\UNC\s" becomes "\\s"; what is none of these is a DOS path already (type 1).
NTSTATUS NTAPI RtlNtPathNameToDosPathName(ULONG Flags, UNICODE_STRING* Path, ULONG* Type, WCHAR** FilePart)
{
    if (Flags || !Path)
        return STATUS_INVALID_PARAMETER;
    constexpr ULONG Ambiguous = 1, Unc = 2, Drive = 3, AlreadyDos = 4;
    WCHAR* S = Path->Buffer;
    usize Count = Path->Length / 2;
    ULONG Found = Ambiguous;
    if (Count >= 4 && S[0] == '\\' && S[1] == '?' && S[2] == '?' && S[3] == '\\') {
        const UNICODE_STRING Head = { 8, 8, S + 4 };
        WCHAR UncText[] = { 'U', 'N', 'C', '\\' };
        const UNICODE_STRING UncName = { 8, 8, UncText };
        usize Cut = 0;
        if (Count >= 8 && RtlEqualUnicodeString(&Head, &UncName, true)) {
            Found = Unc;
            Cut = 6;
        } else if (Count >= 6 && S[5] == ':') {
            Found = Drive;
            Cut = 4;
        }
        if (Cut) {
            CRT(memmove)(S, S + Cut, (Count - Cut) * 2);
            Count -= Cut;
            if (Found == Unc)
                S[0] = S[1] = '\\';
            Path->Length = USHORT(Count * 2);
            if (Path->MaximumLength >= Path->Length + 2)
                S[Count] = 0;
        }
    } else if (RTL_PATH_TYPE Kind = PathType(S, Count); Kind == RtlPathTypeDriveAbsolute || Kind == RtlPathTypeUncAbsolute) {
        Found = AlreadyDos;
    }
    if (Type)
        *Type = Found;
    if (FilePart)
        FindFilePart(Path, FilePart);
    return STATUS_SUCCESS;
}

// Without the backslash at the end unless it is a root's.
ULONG NTAPI RtlGetCurrentDirectory_U(ULONG Size, WCHAR* Buffer)
{
    platform::LockPeb();
    const UNICODE_STRING& Path = platform::Peb()->ProcessParameters->CurrentDirectory.DosPath;
    usize Count = Path.Length / 2;
    if (Count > 1 && Path.Buffer[Count - 1] == '\\' && Path.Buffer[Count - 2] != ':')
        --Count;
    ULONG Result = ULONG(Count * 2);
    if (Size > Result) {
        CRT(memcpy)(Buffer, Path.Buffer, Result);
        Buffer[Count] = 0;
    } else {
        Result += 2;
    }
    platform::UnlockPeb();
    return Result;
}

NTSTATUS NTAPI RtlSetCurrentDirectory_U(const UNICODE_STRING* Dos)
{
    usize Count = Dos->Length / 2;
    FullPath Path;
    if (NTSTATUS Status = Path.Make(Dos->Buffer, Count); Status < 0)
        return Status;
    if (Path.Device)
        return STATUS_NOT_A_DIRECTORY;
    UNICODE_STRING Nt;
    if (NTSTATUS Status = ToNt(Dos->Buffer, Count, &Nt, nullptr); Status < 0)
        return Status;
    HANDLE Handle = nullptr;
    NTSTATUS Status = platform::OpenDirectory(&Nt, &Handle);
    platform::Free(Nt.Buffer);
    if (Status < 0)
        return Status;
    bool Slash = Path.Count && Path.Text[Path.Count - 1] == '\\';
    usize Bytes = (Path.Count + (Slash ? 0 : 1)) * 2;
    auto* Text = Bytes < 0xFFFE ? static_cast<WCHAR*>(platform::Allocate(Bytes + 2)) : nullptr;
    auto* Reference = Allocate<RTLP_CURDIR_REF>();
    if (!Text || !Reference) {
        platform::Close(Handle);
        if (Text)
            platform::Free(Text);
        if (Reference)
            platform::Free(Reference);
        return STATUS_NO_MEMORY;
    }
    CRT(memcpy)(Text, Path.Text, Path.Count * 2);
    if (!Slash)
        Text[Path.Count] = '\\';
    Text[Bytes / 2] = 0;
    *Reference = { 1, Handle };

    platform::LockPeb();
    CURDIR& Here = platform::Peb()->ProcessParameters->CurrentDirectory;
    HANDLE OldHandle = Here.Handle;
    RTLP_CURDIR_REF* OldReference = CurrentReference;
    // The path's buffer usually is a fixed one inside the parameters: a longer path than fits there replaces it.
    WCHAR* OldText = nullptr;
    static WCHAR* OwnText;
    if (Here.DosPath.Buffer && Here.DosPath.MaximumLength >= Bytes + 2) {
        CRT(memcpy)(Here.DosPath.Buffer, Text, Bytes + 2);
        Here.DosPath.Length = USHORT(Bytes);
        OldText = Text;
    } else {
        OldText = OwnText;
        OwnText = Text;
        Here.DosPath = { USHORT(Bytes), USHORT(Bytes + 2), Text };
    }
    Here.Handle = Handle;
    CurrentReference = Reference;
    platform::UnlockPeb();

    if (OldText)
        platform::Free(OldText);
    if (OldReference)
        Release(OldReference);
    else if (OldHandle)
        platform::Close(OldHandle);
    return STATUS_SUCCESS;
}

BOOLEAN NTAPI RtlDoesFileExists_U(const WCHAR* Dos)
{
    UNICODE_STRING Nt;
    if (Convert(Dos, &Nt, nullptr, nullptr) < 0)
        return false;
    ULONG Attributes;
    NTSTATUS Status = platform::FileAttributes(&Nt, &Attributes);
    platform::Free(Nt.Buffer);
    // What is there but cannot be opened exists.
    return Status >= 0 || Status == STATUS_SHARING_VIOLATION || Status == STATUS_ACCESS_DENIED;
}

// The first of the folders (separated by semicolons) that has the file; the extension is added to a name without one.
ULONG NTAPI RtlDosSearchPath_U(const WCHAR* Search, const WCHAR* Name, const WCHAR* Extension, ULONG Size, WCHAR* Buffer, WCHAR** FilePart)
{
    if (PathType(Name, CRT(wcslen)(Name)) != RtlPathTypeRelative)
        return RtlDoesFileExists_U(Name) ? RtlGetFullPathName_U(Name, Size, Buffer, FilePart) : 0;
    usize NameCount = CRT(wcslen)(Name), ExtensionCount = Extension ? CRT(wcslen)(Extension) : 0, Longest = 0;
    for (usize I = NameCount; ExtensionCount && I-- > 0 && !IsSeparator(Name[I]);)
        if (Name[I] == '.')
            ExtensionCount = 0;
    for (const WCHAR* P = Search; *P;) {
        const WCHAR* End = P;
        while (*End && *End != ';')
            ++End;
        Longest = usize(End - P) > Longest ? usize(End - P) : Longest;
        P = *End ? End + 1 : End;
    }
    WCHAR* Try = Allocate<WCHAR>(Longest + NameCount + ExtensionCount + 2);
    if (!Try)
        return 0;
    ULONG Result = 0;
    for (const WCHAR* P = Search; *P && !Result;) {
        WCHAR* To = Try;
        while (*P && *P != ';')
            *To++ = *P++;
        if (*P)
            ++P;
        if (To > Try && To[-1] != '/' && To[-1] != '\\')
            *To++ = '\\';
        CRT(memcpy)(To, Name, NameCount * 2);
        CRT(memcpy)(To + NameCount, Extension, ExtensionCount * 2);
        To[NameCount + ExtensionCount] = 0;
        if (RtlDoesFileExists_U(Try))
            Result = RtlGetFullPathName_U(Try, Size, Buffer, FilePart);
    }
    platform::Free(Try);
    return Result;
}

}
