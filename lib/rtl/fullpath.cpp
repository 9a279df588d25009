// Full paths: the current directory applied, ".", ".." and doubled separators gone, dots and spaces at the end dropped.
#include "lib/rtl/crt/crt.hpp"
#include "lib/rtl/path.hpp"
#include "lib/rtl/platform.hpp"
#include "lib/rtl/rtl.hpp"

namespace rtl {

namespace {

// A copy of the current directory, which ends with a backslash.
struct CurrentDirectory {
    CurrentDirectory()
    {
        platform::LockPeb();
        const UNICODE_STRING& Path = platform::Peb()->ProcessParameters->CurrentDirectory.DosPath;
        if (Path.Buffer && Path.Length >= 6 && Path.Length / 2 < MaxPathChars) {
            Count = Path.Length / 2;
            if (Count + 2 > sizeof(Small) / 2)
                Text = Allocate<WCHAR>(Count + 2);
            if (Text)
                CRT(memcpy)(Text, Path.Buffer, Count * 2);
        } else {
            CRT(memcpy)(Text, L"C:\\", 6);
            Count = 3;
        }
        platform::UnlockPeb();
        if (Text && Text[Count - 1] != '\\')
            Text[Count++] = '\\';
    }
    ~CurrentDirectory()
    {
        if (Text && Text != Small)
            platform::Free(Text);
    }
    bool IsDrive() const { return Text[1] == ':'; }

    WCHAR Small[264];
    WCHAR* Text = Small;                // null: no memory
    usize Count = 0;
};

WCHAR Letter(WCHAR C) { return C >= 'a' && C <= 'z' ? WCHAR(C - 32) : C; }

// The length of "\\server\share\" or as much of it as there is.
usize UncRoot(const WCHAR* Path, usize Count)
{
    usize At = 2;
    for (u32 Part = 0; Part < 2; ++Part) {
        while (At < Count && !IsSeparator(Path[At]))
            ++At;
        while (At < Count && IsSeparator(Path[At]))
            ++At;
    }
    return At;
}

}

FullPath::~FullPath()
{
    if (Text && Text != Small_)
        platform::Free(Text);
}

void FullPath::Append(const WCHAR* From, usize Length)
{
    CRT(memcpy)(Text + Count, From, Length * 2);
    Count += Length;
}

void FullPath::AppendComponents(const WCHAR* Rest, const WCHAR* End)
{
    while (Rest < End && IsSeparator(*Rest))
        ++Rest;
    while (Rest < End) {
        const WCHAR* Next = Rest;
        while (Next < End && !IsSeparator(*Next))
            ++Next;
        usize Length = usize(Next - Rest);
        bool Last = Next == End;
        bool Here = Length == 1 && Rest[0] == '.', Up = Length == 2 && Rest[0] == '.' && Rest[1] == '.';
        if (Here || Up) {
            if (Up && Count > Mark_) {
                --Count;                // its backslash
                while (Count > Mark_ && Text[Count - 1] != '\\')
                    --Count;
            }
            if (Last && Count > Mark_)
                --Count;
        } else {
            if (Last)
                while (Length && (Rest[Length - 1] == '.' || Rest[Length - 1] == ' '))
                    --Length;
            else if (Rest[Length - 1] == '.')
                --Length;
            Append(Rest, Length);
            if (!Last)
                Text[Count++] = '\\';
        }
        while (Next < End && IsSeparator(*Next))
            ++Next;
        Rest = Next;
    }
}

NTSTATUS FullPath::Make(const WCHAR* Name, usize Length)
{
    usize Solid = 0;
    for (usize I = 0; I < Length && !Solid; ++I)
        Solid = Name[I] != ' ';
    if (!Solid)
        return STATUS_OBJECT_NAME_INVALID;
    if (Length > MaxPathChars)
        return STATUS_NAME_TOO_LONG;
    Type = PathType(Name, Length);
    CurrentDirectory Here;
    if (!Here.Text)
        return STATUS_NO_MEMORY;
    // A value of "=X:" may be longer than the current directory.
    WCHAR Other[264];
    UNICODE_STRING OtherDirectory = { 0, sizeof(Other) - 4, Other };
    if (Type == RtlPathTypeDriveRelative && (!Here.IsDrive() || Letter(Here.Text[0]) != Letter(Name[0]))) {
        WCHAR Variable[3] = { '=', Letter(Name[0]), ':' };
        UNICODE_STRING VariableName = { 6, 6, Variable };
        if (RtlQueryEnvironmentVariable_U(nullptr, &VariableName, &OtherDirectory) < 0 || OtherDirectory.Length < 4) {
            Other[0] = Name[0];
            Other[1] = ':';
            OtherDirectory.Length = 4;
        }
        if (Other[OtherDirectory.Length / 2 - 1] != '\\') {
            Other[OtherDirectory.Length / 2] = '\\';
            OtherDirectory.Length += 2;
        }
    }
    usize Room = Here.Count + OtherDirectory.Length / 2 + Length + 8;
    Text = Room <= sizeof(Small_) / 2 ? Small_ : Allocate<WCHAR>(Room);
    if (!Text)
        return STATUS_NO_MEMORY;
    const WCHAR* End = Name + Length;
    if (Type != RtlPathTypeLocalDevice) {
        if (DeviceName Found = FindDeviceName(Name, Length); Found.Length) {
            Append(L"\\\\.\\", 4);
            Append(Name + Found.Start, Found.Length);
            Text[Count] = 0;
            Device = true;
            return STATUS_SUCCESS;
        }
    }
    switch (Type) {
    case RtlPathTypeUncAbsolute: {
        usize Root = UncRoot(Name, Length);
        Append(L"\\\\", 2);
        for (usize I = 2; I < Root; ++I)
            if (!IsSeparator(Name[I]))
                Text[Count++] = Name[I];
            else if (Count > 2 && Text[Count - 1] != '\\')
                Text[Count++] = '\\';
        Mark_ = Count;
        Name += Root;
        break;
    }
    case RtlPathTypeLocalDevice:
    case RtlPathTypeRootLocalDevice:
        Append(Name[2] == '.' ? L"\\\\.\\" : L"\\\\?\\", 4);
        Mark_ = 4;
        Name += Type == RtlPathTypeLocalDevice ? 4 : 3;
        break;
    case RtlPathTypeDriveAbsolute:
        Append(Name, 2);
        Text[Count++] = '\\';
        Mark_ = 3;
        Name += 3;
        break;
    case RtlPathTypeDriveRelative:
        if (OtherDirectory.Length)
            Append(Other, OtherDirectory.Length / 2);
        else
            Append(Here.Text, Here.Count);
        Mark_ = 3;
        Name += 2;
        break;
    case RtlPathTypeRooted:
        Mark_ = Here.IsDrive() ? 3 : UncRoot(Here.Text, Here.Count);
        Append(Here.Text, Mark_);
        break;
    default:
        Mark_ = Here.IsDrive() ? 3 : UncRoot(Here.Text, Here.Count);
        Append(Here.Text, Here.Count);
        break;
    }
    AppendComponents(Name, End);
    Text[Count] = 0;
    if (Count > MaxPathChars)
        return STATUS_NAME_TOO_LONG;
    usize Start = Count;
    while (Start > Mark_ && Text[Start - 1] != '\\')
        --Start;
    if (Start < Count && Start >= Mark_ && (Type != RtlPathTypeUncAbsolute || Count > Mark_))
        FilePart = Start;
    return STATUS_SUCCESS;
}

}

using namespace rtl;

extern "C" {

// The length without terminator if it fits; the size it needs with it otherwise; 0 for a bad name.
NTSTATUS NTAPI RtlGetFullPathName_UEx(const WCHAR* Name, ULONG Size, WCHAR* Buffer, WCHAR** FilePart, ULONG* Needed)
{
    if (FilePart)
        *FilePart = nullptr;
    *Needed = 0;
    if (!Name)
        return STATUS_OBJECT_NAME_INVALID;
    FullPath Path;
    if (NTSTATUS Status = Path.Make(Name, CRT(wcslen)(Name)); Status < 0)
        return Status;
    ULONG Bytes = ULONG(Path.Count * 2);
    if (Bytes + 2 > Size) {
        *Needed = Bytes + 2;
        return STATUS_SUCCESS;
    }
    CRT(memcpy)(Buffer, Path.Text, Bytes + 2);
    if (FilePart && Path.FilePart)
        *FilePart = Buffer + Path.FilePart;
    *Needed = Bytes;
    return STATUS_SUCCESS;
}
ULONG NTAPI RtlGetFullPathName_U(const WCHAR* Name, ULONG Size, WCHAR* Buffer, WCHAR** FilePart)
{
    ULONG Needed;
    RtlGetFullPathName_UEx(Name, Size, Buffer, FilePart, &Needed);
    return Needed;
}

NTSTATUS NTAPI RtlGetFullPathName_UstrEx(const UNICODE_STRING* Name, UNICODE_STRING* Static, UNICODE_STRING* Dynamic, UNICODE_STRING** Used, SIZE_T* FilePart, BOOLEAN* Invalid, RTL_PATH_TYPE* Type, SIZE_T* Needed)
{
    if (Used)
        *Used = nullptr;
    if (FilePart)
        *FilePart = 0;
    if (Invalid)
        *Invalid = false;
    if (Needed)
        *Needed = 0;
    FullPath Path;
    NTSTATUS Status = Path.Make(Name->Buffer, Name->Length / 2);
    if (Type)
        *Type = Path.Type;
    if (Status < 0) {
        if (Invalid)
            *Invalid = Status == STATUS_OBJECT_NAME_INVALID;
        return Status;
    }
    usize Bytes = Path.Count * 2;
    if (Needed)
        *Needed = Bytes + 2;
    if (FilePart)
        *FilePart = Path.FilePart;
    UNICODE_STRING* To = Static;
    if (!To || To->MaximumLength < Bytes + 2) {
        To = Dynamic;
        if (!To)
            return STATUS_BUFFER_TOO_SMALL;
        To->Buffer = static_cast<WCHAR*>(platform::Allocate(Bytes + 2));
        if (!To->Buffer)
            return STATUS_NO_MEMORY;
        To->MaximumLength = USHORT(Bytes + 2);
    }
    CRT(memcpy)(To->Buffer, Path.Text, Bytes + 2);
    To->Length = USHORT(Bytes);
    if (Used)
        *Used = To;
    return STATUS_SUCCESS;
}

}
