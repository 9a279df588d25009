// What a DOS path is: its type, whether it names a device, whether its name is a short one.
#include "lib/rtl/path.hpp"

#include "lib/rtl/crt/crt.hpp"
#include "lib/rtl/rtl.hpp"

namespace rtl {

namespace {

bool Same(const WCHAR* Text, const char* Upper, usize Count)
{
    for (usize I = 0; I < Count; ++I) {
        WCHAR C = Text[I];
        if ((C >= 'a' && C <= 'z' ? C - 32 : C) != Upper[I])
            return false;
    }
    return true;
}

bool IsDevice(const WCHAR* Name, usize Length)
{
    switch (Length) {
    case 3:
        return Same(Name, "NUL", 3) || Same(Name, "CON", 3) || Same(Name, "AUX", 3) || Same(Name, "PRN", 3);
    case 4: {
        u16 Last = u16(Name[3]);        // a digit, or a superscript one to three
        return (Same(Name, "COM", 3) || Same(Name, "LPT", 3)) && ((Last >= '1' && Last <= '9') || Last == 0xB9 || Last == 0xB2 || Last == 0xB3);
    }
    case 6:
        return Same(Name, "CONIN$", 6);
    case 7:
        return Same(Name, "CONOUT$", 7);
    default:
        return false;
    }
}

}

RTL_PATH_TYPE PathType(const WCHAR* Path, usize Count)
{
    auto At = [&](usize I) { return I < Count ? Path[I] : WCHAR(0); };
    if (!IsSeparator(At(0))) {
        if (!At(0) || At(1) != ':')
            return RtlPathTypeRelative;
        return IsSeparator(At(2)) ? RtlPathTypeDriveAbsolute : RtlPathTypeDriveRelative;
    }
    if (!IsSeparator(At(1)))
        return RtlPathTypeRooted;
    if (At(2) != '.' && At(2) != '?')
        return RtlPathTypeUncAbsolute;
    if (IsSeparator(At(3)))
        return RtlPathTypeLocalDevice;
    return At(3) ? RtlPathTypeUncAbsolute : RtlPathTypeRootLocalDevice;
}

// The last component, up to its first dot or colon and without spaces behind, is what counts.
DeviceName FindDeviceName(const WCHAR* Path, usize Count)
{
    usize Start = 0;
    switch (PathType(Path, Count)) {
    case RtlPathTypeLocalDevice:
        if (Count == 7 && Path[2] == '.' && Same(Path + 4, "CON", 3))
            return { 4, 3 };
        return {};
    case RtlPathTypeDriveAbsolute:
    case RtlPathTypeDriveRelative:
        Start = 2;
        break;
    case RtlPathTypeRooted:
    case RtlPathTypeRelative:
        break;
    default:
        return {};
    }
    for (usize I = Count; I > Start; --I)
        if (IsSeparator(Path[I - 1])) {
            Start = I;
            break;
        }
    usize Length = 0;
    while (Start + Length < Count && Path[Start + Length] != '.' && Path[Start + Length] != ':')
        ++Length;
    while (Length && Path[Start + Length - 1] == ' ')
        --Length;
    return IsDevice(Path + Start, Length) ? DeviceName { Start, Length } : DeviceName {};
}

namespace {

ULONG PackDevice(DeviceName Name)
{
    return Name.Length ? ULONG(Name.Start * 2) << 16 | ULONG(Name.Length * 2) : 0;
}

// Characters that no short name has, as OEM bytes.
bool IsIllegalShort(u8 C)
{
    if (C < ' ')
        return true;
    for (const char* P = "*?<>|\"+=,;[]:/\\\345"; *P; ++P)
        if (u8(*P) == C)
            return true;
    return false;
}

}
}

using namespace rtl;

extern "C" {

RTL_PATH_TYPE NTAPI RtlDetermineDosPathNameType_U(const WCHAR* Path) { return PathType(Path, CRT(wcslen)(Path)); }
RTL_PATH_TYPE NTAPI RtlDetermineDosPathNameType_Ustr(const UNICODE_STRING* Path) { return PathType(Path->Buffer, Path->Length / 2); }

// The name's offset in the upper 16 bits, its length in the lower, in bytes.
ULONG NTAPI RtlIsDosDeviceName_U(const WCHAR* Path) { return Path ? PackDevice(FindDeviceName(Path, CRT(wcslen)(Path))) : 0; }
ULONG NTAPI RtlIsDosDeviceName_Ustr(const UNICODE_STRING* Path) { return PackDevice(FindDeviceName(Path->Buffer, Path->Length / 2)); }

BOOLEAN NTAPI RtlIsNameLegalDOS8Dot3(const UNICODE_STRING* Name, OEM_STRING* Oem, BOOLEAN* Spaces)
{
    CHAR Room[12];
    OEM_STRING Own = { 0, sizeof(Room), Room };
    if (!Oem)
        Oem = &Own;
    if (RtlUpcaseUnicodeStringToCountedOemString(Oem, Name, false) != STATUS_SUCCESS || Oem->Length > 12)
        return false;
    const CHAR* S = Oem->Buffer;
    u32 Length = Oem->Length, Dot = ~0u;
    bool AnySpace = false;
    // "." and ".." are names too.
    if (Length >= 1 && S[0] == '.') {
        if (Length != 1 && (Length != 2 || S[1] != '.'))
            return false;
        if (Spaces)
            *Spaces = false;
        return true;
    }
    for (u32 I = 0; I < Length; ++I) {
        if (S[I] == ' ') {
            if (!I)
                return false;
            AnySpace = true;
        } else if (S[I] == '.') {
            if (Dot != ~0u || S[I - 1] == ' ')
                return false;
            Dot = I;
        } else if (IsIllegalShort(u8(S[I]))) {
            return false;
        }
    }
    if (Dot == ~0u ? Length > 8 : Dot > 8 || Length - Dot > 4 || Dot == Length - 1)
        return false;
    if (Length && S[Length - 1] == ' ')
        return false;
    if (Spaces)
        *Spaces = AnySpace;
    return true;
}

ULONG NTAPI RtlGetLongestNtPathLength() { return 269; }

NTSTATUS NTAPI RtlGetLengthWithoutTrailingPathSeperators(ULONG Flags, const UNICODE_STRING* Path, ULONG* Length)
{
    if (Length)
        *Length = 0;
    if (Flags || !Path || !Length)
        return STATUS_INVALID_PARAMETER;
    usize Count = Path->Length / 2;
    while (Count && IsSeparator(Path->Buffer[Count - 1]))
        --Count;
    *Length = ULONG(Count);
    return STATUS_SUCCESS;
}

// Up to six characters of the name and a number, or from the fifth name on two characters, a checksum and a number.
NTSTATUS NTAPI RtlGenerate8dot3Name(const UNICODE_STRING* Name, BOOLEAN, GENERATE_NAME_CONTEXT* Context, UNICODE_STRING* Short)
{
    usize Count = Name->Length / 2;
    auto Legal = [](WCHAR C) { return u16(C) < 0x80 && C != ' ' && C != '.' && !IsIllegalShort(u8(C)); };
    if (!Context->NameLength) {
        usize Dot = Count;
        for (usize I = Count; I-- > 1;)
            if (Name->Buffer[I] == '.' && I + 1 < Count) {
                Dot = I;
                break;
            }
        u32 Sum = 0;
        for (usize I = 0; I < Count; ++I) {
            Sum = (Sum >> 1 | (Sum & 1) << 15) + u16(Name->Buffer[I]);
            Sum &= 0xFFFF;
        }
        Context->Checksum = USHORT(Sum);
        Context->ChecksumInserted = false;
        Context->ExtensionLength = 0;
        Context->LastIndexValue = 0;
        for (usize I = 0; I < Dot && Context->NameLength < 6; ++I) {
            WCHAR C = Name->Buffer[I];
            if (C == ' ' || C == '.')
                continue;
            Context->NameBuffer[Context->NameLength++] = Legal(C) ? RtlUpcaseUnicodeChar(C) : WCHAR('_');
        }
        if (!Context->NameLength)
            Context->NameBuffer[Context->NameLength++] = '_';
        if (Dot < Count) {
            Context->ExtensionBuffer[Context->ExtensionLength++] = '.';
            for (usize I = Dot + 1; I < Count && Context->ExtensionLength < 4; ++I)
                if (WCHAR C = Name->Buffer[I]; C != ' ' && C != '.')
                    Context->ExtensionBuffer[Context->ExtensionLength++] = Legal(C) ? RtlUpcaseUnicodeChar(C) : WCHAR('_');
        }
    }
    ++Context->LastIndexValue;
    if (Context->LastIndexValue > 4 && !Context->ChecksumInserted) {
        u32 Keep = Context->NameLength < 2 ? Context->NameLength : 2;
        for (u32 I = 0; I < 4; ++I)
            Context->NameBuffer[Keep + I] = WCHAR("0123456789ABCDEF"[Context->Checksum >> (4 * I) & 15]);
        Context->NameLength = UCHAR(Keep + 4);
        Context->ChecksumInserted = true;
        Context->LastIndexValue = 1;
    }
    WCHAR Number[8];
    u32 Digits = 0;
    for (u32 Value = Context->LastIndexValue; Value; Value /= 10)
        Number[7 - Digits++] = WCHAR('0' + Value % 10);
    if (Digits > 6)
        return STATUS_FILE_SYSTEM_LIMITATION;
    u32 Base = Context->NameLength;
    if (Base + 1 + Digits > 8)
        Base = 7 - Digits;
    if (Short->MaximumLength < (Base + 1 + Digits + Context->ExtensionLength) * 2)
        return STATUS_BUFFER_OVERFLOW;
    WCHAR* To = Short->Buffer;
    auto Put = [&](const WCHAR* From, usize N) {
        CRT(memcpy)(To, From, N * 2);
        To += N;
    };
    Put(Context->NameBuffer, Base);
    *To++ = '~';
    Put(Number + 8 - Digits, Digits);
    Put(Context->ExtensionBuffer, Context->ExtensionLength);
    Short->Length = USHORT((To - Short->Buffer) * 2);
    return STATUS_SUCCESS;
}

}
