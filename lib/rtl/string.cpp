// Counted strings: make, copy, append, compare, search. Lengths are bytes.
#include "lib/rtl/crt/crt.hpp"
#include "lib/rtl/platform.hpp"
#include "lib/rtl/rtl.hpp"

namespace {

constexpr usize MaxBytes = 0xFFFF, MaxUnicodeBytes = 0xFFFE;

u8 Upper(u8 C) { return C >= 'a' && C <= 'z' ? u8(C - 32) : C; }

LONG Compare(const CHAR* A, usize SizeA, const CHAR* B, usize SizeB, bool NoCase)
{
    usize Size = SizeA < SizeB ? SizeA : SizeB;
    for (usize I = 0; I < Size; ++I) {
        u8 X = u8(A[I]), Y = u8(B[I]);
        if (NoCase) {
            X = u8(RtlUpperChar(CHAR(X)));
            Y = u8(RtlUpperChar(CHAR(Y)));
        }
        if (X != Y)
            return LONG(X) - LONG(Y);
    }
    return LONG(SizeA) - LONG(SizeB);
}

bool EqualUnicode(const WCHAR* A, const WCHAR* B, usize Count, bool NoCase)
{
    for (usize I = 0; I < Count; ++I)
        if (A[I] != B[I] && !(NoCase && RtlUpcaseUnicodeChar(A[I]) == RtlUpcaseUnicodeChar(B[I])))
            return false;
    return true;
}

bool Contains(const UNICODE_STRING* Set, WCHAR C, bool NoCase)
{
    for (usize I = 0; I < Set->Length / 2; ++I)
        if (Set->Buffer[I] == C || (NoCase && RtlDowncaseUnicodeChar(Set->Buffer[I]) == RtlDowncaseUnicodeChar(C)))
            return true;
    return false;
}

}

extern "C" {

void NTAPI RtlInitString(STRING* To, const CHAR* From)
{
    To->Buffer = const_cast<CHAR*>(From);
    To->Length = To->MaximumLength = 0;
    if (From) {
        usize Size = CRT(strlen)(From);
        if (Size > MaxBytes - 1)
            Size = MaxBytes - 1;
        To->Length = USHORT(Size);
        To->MaximumLength = USHORT(Size + 1);
    }
}
NTSTATUS NTAPI RtlInitStringEx(STRING* To, const CHAR* From)
{
    usize Size = From ? CRT(strlen)(From) : 0;
    if (Size + 1 > MaxBytes)
        return STATUS_NAME_TOO_LONG;    // To stays as it was
    *To = { USHORT(Size), USHORT(From ? Size + 1 : 0), const_cast<CHAR*>(From) };
    return STATUS_SUCCESS;
}
void NTAPI RtlInitAnsiString(ANSI_STRING* To, const CHAR* From) { RtlInitString(To, From); }
NTSTATUS NTAPI RtlInitAnsiStringEx(ANSI_STRING* To, const CHAR* From) { return RtlInitStringEx(To, From); }

void NTAPI RtlInitUnicodeString(UNICODE_STRING* To, const WCHAR* From)
{
    To->Buffer = const_cast<WCHAR*>(From);
    To->Length = To->MaximumLength = 0;
    if (From) {
        usize Size = CRT(wcslen)(From) * 2;
        if (Size > MaxUnicodeBytes - 2)
            Size = MaxUnicodeBytes - 2;
        To->Length = USHORT(Size);
        To->MaximumLength = USHORT(Size + 2);
    }
}
NTSTATUS NTAPI RtlInitUnicodeStringEx(UNICODE_STRING* To, const WCHAR* From)
{
    usize Size = From ? CRT(wcslen)(From) * 2 : 0;
    if (Size > MaxUnicodeBytes - 2)
        return STATUS_NAME_TOO_LONG;
    *To = { USHORT(Size), USHORT(From ? Size + 2 : 0), const_cast<WCHAR*>(From) };
    return STATUS_SUCCESS;
}

BOOLEAN NTAPI RtlCreateUnicodeString(UNICODE_STRING* To, const WCHAR* From)
{
    usize Size = (CRT(wcslen)(From) + 1) * 2;
    if (Size > MaxUnicodeBytes)
        return false;
    To->Buffer = static_cast<WCHAR*>(rtl::platform::Allocate(Size));
    if (!To->Buffer)
        return false;
    CRT(memcpy)(To->Buffer, From, Size);
    To->Length = USHORT(Size - 2);
    To->MaximumLength = USHORT(Size);
    return true;
}
BOOLEAN NTAPI RtlCreateUnicodeStringFromAsciiz(UNICODE_STRING* To, const CHAR* From)
{
    ANSI_STRING Text;
    if (RtlInitAnsiStringEx(&Text, From) < 0)
        return false;
    return NT_SUCCESS(RtlAnsiStringToUnicodeString(To, &Text, true));
}

// Flags: 1 terminate, 2 allocate even an empty string.
NTSTATUS NTAPI RtlDuplicateUnicodeString(ULONG Flags, const UNICODE_STRING* From, UNICODE_STRING* To)
{
    constexpr ULONG Terminate = 1, AllocateEmpty = 2;
    if (!From || !To || From->Length > From->MaximumLength || (From->Length == 0 && From->MaximumLength && !From->Buffer) || Flags == 2 || Flags > 3)
        return STATUS_INVALID_PARAMETER;
    if ((From->Length & 1) || (From->Length && !From->Buffer))
        return STATUS_INVALID_PARAMETER;
    if (!From->Length && !(Flags & AllocateEmpty)) {
        *To = {};
        return STATUS_SUCCESS;
    }
    usize Size = From->Length;
    if (Flags & Terminate) {
        Size += 2;
        if (Size > MaxUnicodeBytes)
            return STATUS_NAME_TOO_LONG;
    }
    auto* Buffer = static_cast<WCHAR*>(rtl::platform::Allocate(Size));
    if (!Buffer)
        return STATUS_NO_MEMORY;
    CRT(memcpy)(Buffer, From->Buffer, From->Length);
    if (Flags & Terminate)
        Buffer[From->Length / 2] = 0;
    *To = { From->Length, USHORT(Size), Buffer };
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlValidateUnicodeString(ULONG Flags, const UNICODE_STRING* String)
{
    if (Flags)
        return STATUS_INVALID_PARAMETER;
    if (String && ((String->Length & 1) || (String->MaximumLength & 1) || String->Length > String->MaximumLength ||
                   (!String->Buffer && (String->Length || String->MaximumLength))))
        return STATUS_INVALID_PARAMETER;
    return STATUS_SUCCESS;
}

void NTAPI RtlFreeUnicodeString(UNICODE_STRING* String)
{
    if (String->Buffer) {
        rtl::platform::Free(String->Buffer);
        *String = {};
    }
}
void NTAPI RtlFreeAnsiString(ANSI_STRING* String)
{
    if (String->Buffer) {
        rtl::platform::Free(String->Buffer);
        *String = {};
    }
}
void NTAPI RtlFreeOemString(OEM_STRING* String) { RtlFreeAnsiString(String); }
void NTAPI RtlFreeUTF8String(STRING* String) { RtlFreeAnsiString(String); }

void NTAPI RtlEraseUnicodeString(UNICODE_STRING* String)
{
    if (String->Buffer) {
        CRT(memset)(String->Buffer, 0, String->MaximumLength);
        String->Length = 0;
    }
}

void NTAPI RtlCopyString(STRING* To, const STRING* From)
{
    To->Length = 0;
    if (From) {
        To->Length = From->Length < To->MaximumLength ? From->Length : To->MaximumLength;
        CRT(memcpy)(To->Buffer, From->Buffer, To->Length);
    }
}
void NTAPI RtlCopyUnicodeString(UNICODE_STRING* To, const UNICODE_STRING* From)
{
    To->Length = 0;
    if (From) {
        To->Length = From->Length < To->MaximumLength ? From->Length : To->MaximumLength;
        CRT(memcpy)(To->Buffer, From->Buffer, To->Length);
        if (To->Length < To->MaximumLength)
            To->Buffer[To->Length / 2] = 0;
    }
}

NTSTATUS NTAPI RtlAppendStringToString(STRING* To, const STRING* From)
{
    if (!From->Length)
        return STATUS_SUCCESS;
    if (u32(To->Length) + From->Length > To->MaximumLength)
        return STATUS_BUFFER_TOO_SMALL;
    CRT(memmove)(To->Buffer + To->Length, From->Buffer, From->Length);
    To->Length = USHORT(To->Length + From->Length);
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI RtlAppendAsciizToString(STRING* To, const CHAR* From)
{
    if (!From)
        return STATUS_SUCCESS;
    usize Size = CRT(strlen)(From);
    if (Size > MaxBytes)
        return STATUS_BUFFER_TOO_SMALL;
    STRING Text { USHORT(Size), USHORT(Size), const_cast<CHAR*>(From) };
    return RtlAppendStringToString(To, &Text);
}
NTSTATUS NTAPI RtlAppendUnicodeStringToString(UNICODE_STRING* To, const UNICODE_STRING* From)
{
    if (!From->Length)
        return STATUS_SUCCESS;
    u32 Length = u32(To->Length) + From->Length;
    if (Length > To->MaximumLength)
        return STATUS_BUFFER_TOO_SMALL;
    CRT(memmove)(To->Buffer + To->Length / 2, From->Buffer, From->Length);
    To->Length = USHORT(Length);
    if (Length + 1 < To->MaximumLength)
        To->Buffer[Length / 2] = 0;
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI RtlAppendUnicodeToString(UNICODE_STRING* To, const WCHAR* From)
{
    if (!From)
        return STATUS_SUCCESS;
    usize Size = CRT(wcslen)(From) * 2;
    if (Size > MaxUnicodeBytes)
        return STATUS_BUFFER_TOO_SMALL;
    UNICODE_STRING Text { USHORT(Size), USHORT(Size), const_cast<WCHAR*>(From) };
    return RtlAppendUnicodeStringToString(To, &Text);
}

LONG NTAPI RtlCompareString(const STRING* A, const STRING* B, BOOLEAN NoCase)
{
    return Compare(A->Buffer, A->Length, B->Buffer, B->Length, NoCase);
}
BOOLEAN NTAPI RtlEqualString(const STRING* A, const STRING* B, BOOLEAN NoCase)
{
    return A->Length == B->Length && Compare(A->Buffer, A->Length, B->Buffer, B->Length, NoCase) == 0;
}
BOOLEAN NTAPI RtlPrefixString(const STRING* Prefix, const STRING* String, BOOLEAN NoCase)
{
    return Prefix->Length <= String->Length && Compare(Prefix->Buffer, Prefix->Length, String->Buffer, Prefix->Length, NoCase) == 0;
}

LONG NTAPI RtlCompareUnicodeStrings(const WCHAR* A, SIZE_T LengthA, const WCHAR* B, SIZE_T LengthB, BOOLEAN NoCase)
{
    SIZE_T Length = LengthA < LengthB ? LengthA : LengthB;
    for (SIZE_T I = 0; I < Length; ++I) {
        u16 X = A[I], Y = B[I];
        if (X == Y)
            continue;
        if (NoCase) {
            X = RtlUpcaseUnicodeChar(X);
            Y = RtlUpcaseUnicodeChar(Y);
        }
        if (X != Y)
            return LONG(X) - LONG(Y);
    }
    return LONG(LengthA) - LONG(LengthB);
}
LONG NTAPI RtlCompareUnicodeString(const UNICODE_STRING* A, const UNICODE_STRING* B, BOOLEAN NoCase)
{
    return RtlCompareUnicodeStrings(A->Buffer, A->Length / 2, B->Buffer, B->Length / 2, NoCase);
}
BOOLEAN NTAPI RtlEqualUnicodeString(const UNICODE_STRING* A, const UNICODE_STRING* B, BOOLEAN NoCase)
{
    return A->Length == B->Length && EqualUnicode(A->Buffer, B->Buffer, A->Length / 2, NoCase);
}
BOOLEAN NTAPI RtlPrefixUnicodeString(const UNICODE_STRING* Prefix, const UNICODE_STRING* String, BOOLEAN NoCase)
{
    return Prefix->Length <= String->Length && EqualUnicode(Prefix->Buffer, String->Buffer, Prefix->Length / 2, NoCase);
}
BOOLEAN NTAPI RtlSuffixUnicodeString(const UNICODE_STRING* Suffix, const UNICODE_STRING* String, BOOLEAN NoCase)
{
    if (Suffix->Length > String->Length)
        return false;
    return EqualUnicode(Suffix->Buffer, String->Buffer + (String->Length - Suffix->Length) / 2, Suffix->Length / 2, NoCase);
}

// Flags: 1 from the end, 2 look for what is not in the set, 4 without regard to case. The position is in bytes, behind the
// character found from the start and before that found from the end.
NTSTATUS NTAPI RtlFindCharInUnicodeString(ULONG Flags, const UNICODE_STRING* In, const UNICODE_STRING* Set, USHORT* Position)
{
    constexpr ULONG Backwards = 1, Complement = 2, NoCase = 4;
    if (Flags & ~(Backwards | Complement | NoCase)) {
        *Position = 0;
        return STATUS_INVALID_PARAMETER;
    }
    usize Count = In->Length / 2;
    for (usize N = 0; N < Count; ++N) {
        usize I = Flags & Backwards ? Count - 1 - N : N;
        if (Contains(Set, In->Buffer[I], Flags & NoCase) == !(Flags & Complement)) {
            *Position = USHORT(Flags & Backwards ? I * 2 : (I + 1) * 2);
            return STATUS_SUCCESS;
        }
    }
    *Position = 0;
    return STATUS_NOT_FOUND;
}

NTSTATUS NTAPI RtlHashUnicodeString(const UNICODE_STRING* String, BOOLEAN NoCase, ULONG Algorithm, ULONG* Hash)
{
    if (!String || !Hash || (Algorithm != HASH_STRING_ALGORITHM_DEFAULT && Algorithm != HASH_STRING_ALGORITHM_X65599))
        return STATUS_INVALID_PARAMETER;
    ULONG Value = 0;
    for (usize I = 0; I < String->Length / 2; ++I)
        Value = Value * 65599 + u16(NoCase ? RtlUpcaseUnicodeChar(String->Buffer[I]) : String->Buffer[I]);
    *Hash = Value;
    return STATUS_SUCCESS;
}

CHAR NTAPI RtlUpperChar(CHAR C) { return CHAR(Upper(u8(C))); }

void NTAPI RtlUpperString(STRING* To, const STRING* From)
{
    usize Size = From->Length < To->MaximumLength ? From->Length : To->MaximumLength;
    for (usize I = 0; I < Size; ++I)
        To->Buffer[I] = RtlUpperChar(From->Buffer[I]);
    To->Length = USHORT(Size);
}

// Names are compared as the OEM code page has them.
BOOLEAN NTAPI RtlEqualComputerName(const UNICODE_STRING* A, const UNICODE_STRING* B)
{
    OEM_STRING X, Y;
    if (!NT_SUCCESS(RtlUpcaseUnicodeStringToOemString(&X, A, true)))
        return false;
    BOOLEAN Equal = false;
    if (NT_SUCCESS(RtlUpcaseUnicodeStringToOemString(&Y, B, true))) {
        Equal = RtlEqualString(&X, &Y, false);
        RtlFreeOemString(&Y);
    }
    RtlFreeOemString(&X);
    return Equal;
}
BOOLEAN NTAPI RtlEqualDomainName(const UNICODE_STRING* A, const UNICODE_STRING* B) { return RtlEqualComputerName(A, B); }

// A seed of 0 asks for one that leaves no zero bytes behind.
void NTAPI RtlRunEncodeUnicodeString(UCHAR* Seed, UNICODE_STRING* String)
{
    auto* Bytes = reinterpret_cast<UCHAR*>(String->Buffer);
    if (!*Seed) {
        for (u32 Try = 1; Try < 0x100; ++Try) {
            bool Good = true;
            UCHAR Previous = 0;
            for (usize I = 0; I < String->Length && Good; ++I) {
                UCHAR Out = UCHAR(Bytes[I] ^ (I ? Previous ^ Try : (Try | 0x43)));
                Good = Out != 0;
                Previous = Out;
            }
            if (Good) {
                *Seed = UCHAR(Try);
                break;
            }
        }
        if (!*Seed)
            *Seed = 1;
    }
    for (usize I = 0; I < String->Length; ++I)
        Bytes[I] = UCHAR(Bytes[I] ^ (I ? Bytes[I - 1] ^ *Seed : (*Seed | 0x43)));
}
void NTAPI RtlRunDecodeUnicodeString(UCHAR Seed, UNICODE_STRING* String)
{
    auto* Bytes = reinterpret_cast<UCHAR*>(String->Buffer);
    for (usize I = String->Length; I-- > 1;)
        Bytes[I] = UCHAR(Bytes[I] ^ Bytes[I - 1] ^ Seed);
    if (String->Length)
        Bytes[0] = UCHAR(Bytes[0] ^ (Seed | 0x43));
}

}
