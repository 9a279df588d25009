// Between the code pages and Unicode.
#include "lib/rtl/crt/crt.hpp"
#include "lib/rtl/nls.hpp"
#include "lib/rtl/platform.hpp"
#include "lib/rtl/rtl.hpp"

namespace rtl {

usize ToUnicode(const CPTABLEINFO& Page, WCHAR* To, usize Room, const char* From, usize Count)
{
    if (Page.CodePage == CP_UTF8) {
        ULONG Size = 0;
        RtlUTF8ToUnicodeN(To, ULONG(Room * 2), &Size, From, ULONG(Count));
        return Size / 2;
    }
    usize Used = 0;
    for (usize At = 0; At < Count && Used < Room; ++At) {
        u8 Byte = u8(From[At]);
        USHORT Offset = Page.DBCSOffsets ? Page.DBCSOffsets[Byte] : 0;
        if (Offset && At + 1 < Count)
            To[Used++] = WCHAR(Page.DBCSOffsets[Offset + u8(From[++At])]);
        else
            To[Used++] = WCHAR(Page.MultiByteTable[Byte]);
    }
    return Used;
}

usize FromUnicode(const CPTABLEINFO& Page, char* To, usize Room, const WCHAR* From, usize Count, bool Upper)
{
    usize Used = 0;
    if (Page.CodePage == CP_UTF8) {
        for (usize At = 0; At < Count;) {
            u32 C = DecodeUtf16(From, Count, At);
            if (C == BadCharacter)
                C = 0xFFFD;
            if (Upper && C < 0x10000)
                C = u16(RtlUpcaseUnicodeChar(WCHAR(C)));
            char Bytes[4];
            usize N = EncodeUtf8(C, Bytes);
            if (Room - Used < N)
                break;
            CRT(memcpy)(To + Used, Bytes, N);
            Used += N;
        }
        return Used;
    }
    for (usize At = 0; At < Count && Used < Room; ++At) {
        u16 C = u16(Upper ? RtlUpcaseUnicodeChar(From[At]) : From[At]);
        if (!Page.DBCSCodePage) {
            To[Used++] = char(static_cast<const u8*>(Page.WideCharTable)[C]);
            continue;
        }
        u16 Bytes = static_cast<const u16*>(Page.WideCharTable)[C];
        if (Bytes & 0xFF00) {
            if (Room - Used < 2)        // no half characters
                break;
            To[Used++] = char(Bytes >> 8);
        }
        To[Used++] = char(Bytes);
    }
    return Used;
}

namespace {

// Bytes of Unicode that so many bytes make, and the reverse.
ULONG UnicodeSize(const CPTABLEINFO& Page, const char* From, usize Count)
{
    if (Page.CodePage == CP_UTF8) {
        ULONG Size = 0;
        if (Count)
            RtlUTF8ToUnicodeN(nullptr, 0, &Size, From, ULONG(Count));
        return Size;
    }
    if (!Page.DBCSOffsets)
        return ULONG(Count * 2);
    ULONG Units = 0;
    for (usize At = 0; At < Count; ++At, ++Units)
        if (Page.DBCSOffsets[u8(From[At])] && At + 1 < Count)
            ++At;
    return Units * 2;
}
ULONG ByteSize(const CPTABLEINFO& Page, const WCHAR* From, usize Count, bool Upper = false)
{
    usize Size = 0;
    if (Page.CodePage == CP_UTF8) {
        for (usize At = 0; At < Count;) {
            u32 C = DecodeUtf16(From, Count, At);
            if (C == BadCharacter)
                C = 0xFFFD;
            if (Upper && C < 0x10000)
                C = u16(RtlUpcaseUnicodeChar(WCHAR(C)));
            Size += C < 0x80 ? 1 : C < 0x800 ? 2 : C < 0x10000 ? 3 : 4;
        }
        return ULONG(Size);
    }
    Size = Count;
    if (Page.DBCSCodePage)
        for (usize At = 0; At < Count; ++At)
            if (static_cast<const u16*>(Page.WideCharTable)[u16(Upper ? RtlUpcaseUnicodeChar(From[At]) : From[At])] & 0xFF00)
                ++Size;
    return ULONG(Size);
}

NTSTATUS ToUnicodeN(const CPTABLEINFO& Page, WCHAR* To, ULONG Room, ULONG* Size, const CHAR* From, ULONG FromSize)
{
    usize Used = ToUnicode(Page, To, Room / 2, From, FromSize);
    if (Size)
        *Size = ULONG(Used * 2);
    return STATUS_SUCCESS;
}
NTSTATUS FromUnicodeN(const CPTABLEINFO& Page, CHAR* To, ULONG Room, ULONG* Size, const WCHAR* From, ULONG FromSize, bool Upper)
{
    usize Used = FromUnicode(Page, To, Room, From, FromSize / 2, Upper);
    if (Size)
        *Size = ULONG(Used);
    return STATUS_SUCCESS;
}

NTSTATUS StringToUnicode(const CPTABLEINFO& Page, UNICODE_STRING* To, const STRING* From, bool Allocate)
{
    ULONG Total = UnicodeSize(Page, From->Buffer, From->Length) + 2;
    if (Total > 0xFFFF)
        return STATUS_INVALID_PARAMETER_2;
    if (Allocate) {
        To->Length = USHORT(Total - 2);
        To->MaximumLength = USHORT(Total);
        To->Buffer = static_cast<WCHAR*>(platform::Allocate(Total));
        if (!To->Buffer)
            return STATUS_NO_MEMORY;
    } else if (Total > To->MaximumLength) {
        return STATUS_BUFFER_OVERFLOW;
    }
    To->Length = USHORT(Total - 2);
    ToUnicode(Page, To->Buffer, To->Length / 2, From->Buffer, From->Length);
    To->Buffer[To->Length / 2] = 0;
    return STATUS_SUCCESS;
}

// With Terminated a NUL is put behind the text and counted in MaximumLength. What does not fit is cut off, and so said.
NTSTATUS StringFromUnicode(const CPTABLEINFO& Page, STRING* To, const UNICODE_STRING* From, bool Allocate, bool Upper, bool Terminated)
{
    ULONG Size = ByteSize(Page, From->Buffer, From->Length / 2, Upper);
    ULONG Total = Size + (Terminated ? 1 : 0);
    if (Total > 0xFFFF)
        return STATUS_INVALID_PARAMETER_2;
    NTSTATUS Result = STATUS_SUCCESS;
    if (Allocate) {
        To->Buffer = static_cast<CHAR*>(platform::Allocate(Total));
        if (!To->Buffer)
            return STATUS_NO_MEMORY;
        To->MaximumLength = USHORT(Total);
    } else if (To->MaximumLength < Total) {
        if (!To->MaximumLength) {
            To->Length = USHORT(Size);
            return STATUS_BUFFER_OVERFLOW;
        }
        Result = STATUS_BUFFER_OVERFLOW;
        Size = To->MaximumLength - (Terminated ? 1 : 0);
    }
    usize Used = FromUnicode(Page, To->Buffer, Size, From->Buffer, From->Length / 2, Upper);
    To->Length = USHORT(Used);
    if (Terminated)
        To->Buffer[Used] = 0;
    return Result;
}

}
}

using namespace rtl;

extern "C" {

WCHAR NTAPI RtlAnsiCharToUnicodeChar(CHAR** At)
{
    const CPTABLEINFO& Page = Nls.AnsiTableInfo;
    const CHAR* S = *At;
    if (Page.CodePage == CP_UTF8) {
        usize N = 0;
        u32 C = u8(*S) < 0x80 ? (++N, u8(*S)) : DecodeUtf8(S, CRT(strnlen)(S, 4), N);
        *At += N ? N : 1;
        return WCHAR(C == BadCharacter || C > 0xFFFF ? 0xFFFD : C);
    }
    ++*At;
    if (Page.DBCSOffsets)
        if (USHORT Offset = Page.DBCSOffsets[u8(*S)])
            return WCHAR(Page.DBCSOffsets[Offset + u8(*(*At)++)]);
    return WCHAR(Page.MultiByteTable[u8(*S)]);
}

NTSTATUS NTAPI RtlMultiByteToUnicodeN(WCHAR* To, ULONG Room, ULONG* Size, const CHAR* From, ULONG FromSize)
{
    return ToUnicodeN(Nls.AnsiTableInfo, To, Room, Size, From, FromSize);
}
NTSTATUS NTAPI RtlMultiByteToUnicodeSize(ULONG* Size, const CHAR* From, ULONG FromSize)
{
    *Size = UnicodeSize(Nls.AnsiTableInfo, From, FromSize);
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI RtlUnicodeToMultiByteN(CHAR* To, ULONG Room, ULONG* Size, const WCHAR* From, ULONG FromSize)
{
    return FromUnicodeN(Nls.AnsiTableInfo, To, Room, Size, From, FromSize, false);
}
NTSTATUS NTAPI RtlUnicodeToMultiByteSize(ULONG* Size, const WCHAR* From, ULONG FromSize)
{
    *Size = ByteSize(Nls.AnsiTableInfo, From, FromSize / 2);
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI RtlUpcaseUnicodeToMultiByteN(CHAR* To, ULONG Room, ULONG* Size, const WCHAR* From, ULONG FromSize)
{
    return FromUnicodeN(Nls.AnsiTableInfo, To, Room, Size, From, FromSize, true);
}
NTSTATUS NTAPI RtlOemToUnicodeN(WCHAR* To, ULONG Room, ULONG* Size, const CHAR* From, ULONG FromSize)
{
    return ToUnicodeN(Nls.OemTableInfo, To, Room, Size, From, FromSize);
}
NTSTATUS NTAPI RtlConsoleMultiByteToUnicodeN(WCHAR* To, ULONG Room, ULONG* Size, const CHAR* From, ULONG FromSize, ULONG* Special)
{
    *Special = 0;
    return ToUnicodeN(Nls.OemTableInfo, To, Room, Size, From, FromSize);
}
NTSTATUS NTAPI RtlUnicodeToOemN(CHAR* To, ULONG Room, ULONG* Size, const WCHAR* From, ULONG FromSize)
{
    return FromUnicodeN(Nls.OemTableInfo, To, Room, Size, From, FromSize, false);
}
NTSTATUS NTAPI RtlUpcaseUnicodeToOemN(CHAR* To, ULONG Room, ULONG* Size, const WCHAR* From, ULONG FromSize)
{
    return FromUnicodeN(Nls.OemTableInfo, To, Room, Size, From, FromSize, true);
}
NTSTATUS NTAPI RtlCustomCPToUnicodeN(CPTABLEINFO* Info, WCHAR* To, ULONG Room, ULONG* Size, const CHAR* From, ULONG FromSize)
{
    return ToUnicodeN(*Info, To, Room, Size, From, FromSize);
}
NTSTATUS NTAPI RtlUnicodeToCustomCPN(CPTABLEINFO* Info, CHAR* To, ULONG Room, ULONG* Size, const WCHAR* From, ULONG FromSize)
{
    return FromUnicodeN(*Info, To, Room, Size, From, FromSize, false);
}
NTSTATUS NTAPI RtlUpcaseUnicodeToCustomCPN(CPTABLEINFO* Info, CHAR* To, ULONG Room, ULONG* Size, const WCHAR* From, ULONG FromSize)
{
    return FromUnicodeN(*Info, To, Room, Size, From, FromSize, true);
}

ULONG NTAPI RtlAnsiStringToUnicodeSize(const ANSI_STRING* String) { return UnicodeSize(Nls.AnsiTableInfo, String->Buffer, String->Length) + 2; }
ULONG NTAPI RtlOemStringToUnicodeSize(const OEM_STRING* String) { return UnicodeSize(Nls.OemTableInfo, String->Buffer, String->Length) + 2; }
ULONG NTAPI RtlUnicodeStringToAnsiSize(const UNICODE_STRING* String) { return ByteSize(Nls.AnsiTableInfo, String->Buffer, String->Length / 2) + 1; }
ULONG NTAPI RtlUnicodeStringToOemSize(const UNICODE_STRING* String) { return ByteSize(Nls.OemTableInfo, String->Buffer, String->Length / 2) + 1; }
ULONG NTAPI RtlxAnsiStringToUnicodeSize(const ANSI_STRING* String) { return RtlAnsiStringToUnicodeSize(String); }
ULONG NTAPI RtlxOemStringToUnicodeSize(const OEM_STRING* String) { return RtlOemStringToUnicodeSize(String); }
ULONG NTAPI RtlxUnicodeStringToAnsiSize(const UNICODE_STRING* String) { return RtlUnicodeStringToAnsiSize(String); }
ULONG NTAPI RtlxUnicodeStringToOemSize(const UNICODE_STRING* String) { return RtlUnicodeStringToOemSize(String); }

NTSTATUS NTAPI RtlAnsiStringToUnicodeString(UNICODE_STRING* To, const ANSI_STRING* From, BOOLEAN Allocate)
{
    return StringToUnicode(Nls.AnsiTableInfo, To, From, Allocate);
}
NTSTATUS NTAPI RtlOemStringToUnicodeString(UNICODE_STRING* To, const OEM_STRING* From, BOOLEAN Allocate)
{
    return StringToUnicode(Nls.OemTableInfo, To, From, Allocate);
}
NTSTATUS NTAPI RtlUnicodeStringToAnsiString(ANSI_STRING* To, const UNICODE_STRING* From, BOOLEAN Allocate)
{
    return StringFromUnicode(Nls.AnsiTableInfo, To, From, Allocate, false, true);
}
NTSTATUS NTAPI RtlUnicodeStringToOemString(OEM_STRING* To, const UNICODE_STRING* From, BOOLEAN Allocate)
{
    return StringFromUnicode(Nls.OemTableInfo, To, From, Allocate, false, true);
}
NTSTATUS NTAPI RtlUnicodeStringToCountedOemString(OEM_STRING* To, const UNICODE_STRING* From, BOOLEAN Allocate)
{
    return StringFromUnicode(Nls.OemTableInfo, To, From, Allocate, false, false);
}
NTSTATUS NTAPI RtlUpcaseUnicodeStringToAnsiString(ANSI_STRING* To, const UNICODE_STRING* From, BOOLEAN Allocate)
{
    return StringFromUnicode(Nls.AnsiTableInfo, To, From, Allocate, true, true);
}
NTSTATUS NTAPI RtlUpcaseUnicodeStringToOemString(OEM_STRING* To, const UNICODE_STRING* From, BOOLEAN Allocate)
{
    return StringFromUnicode(Nls.OemTableInfo, To, From, Allocate, true, true);
}
NTSTATUS NTAPI RtlUpcaseUnicodeStringToCountedOemString(OEM_STRING* To, const UNICODE_STRING* From, BOOLEAN Allocate)
{
    return StringFromUnicode(Nls.OemTableInfo, To, From, Allocate, true, false);
}

usize CRT(mbstowcs)(wchar_t* To, const char* From, usize Count)
{
    usize Size = CRT(strlen)(From);
    if (!To)
        return UnicodeSize(Nls.AnsiTableInfo, From, Size) / 2;
    usize Used = ToUnicode(Nls.AnsiTableInfo, To, Count, From, Size);
    if (Used < Count)
        To[Used] = 0;
    return Used;
}
usize CRT(wcstombs)(char* To, const wchar_t* From, usize Count)
{
    usize Size = CRT(wcslen)(From);
    if (!To)
        return ByteSize(Nls.AnsiTableInfo, From, Size);
    usize Used = FromUnicode(Nls.AnsiTableInfo, To, Count, From, Size, false);
    if (Used < Count)
        To[Used] = 0;
    return Used;
}

}
