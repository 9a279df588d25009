// Numbers and counted strings.
#include "lib/rtl/crt/crt.hpp"
#include "lib/rtl/rtl.hpp"

namespace {

// One source of characters: Next() is 0 at the end.
template <typename C> struct Source {
    const C* S;
    usize Left;                         // ~0: until a NUL
    u32 Next()
    {
        if (!Left)
            return 0;
        if (Left != ~usize(0))
            --Left;
        return sizeof(C) == 1 ? u8(*S++) : u16(*S++);
    }
};

template <typename C> NTSTATUS Parse(Source<C> From, ULONG Base, ULONG* Value)
{
    u32 Ch = From.Next();
    while (Ch && Ch <= ' ')
        Ch = From.Next();
    bool Negative = Ch == '-';
    if (Ch == '-' || Ch == '+')
        Ch = From.Next();
    if (Base == 0) {
        Base = 10;
        if (Ch == '0') {
            Ch = From.Next();
            Base = Ch == 'b' ? 2 : Ch == 'o' ? 8 : Ch == 'x' ? 16 : 10;
            if (Base != 10)
                Ch = From.Next();
        }
    } else if (Base != 2 && Base != 8 && Base != 10 && Base != 16) {
        return STATUS_INVALID_PARAMETER;
    }
    if (!Value)
        return STATUS_ACCESS_VIOLATION;
    ULONG Total = 0;
    for (;; Ch = From.Next()) {
        u32 Digit = Ch >= '0' && Ch <= '9' ? Ch - '0' : Ch >= 'A' && Ch <= 'Z' ? Ch - 'A' + 10 : Ch >= 'a' && Ch <= 'z' ? Ch - 'a' + 10 : 99;
        if (Digit >= Base)
            break;
        Total = Total * Base + Digit;
    }
    *Value = Negative ? 0u - Total : Total;
    return STATUS_SUCCESS;
}

struct Digits {
    char Text[65];
    u32 Start = 64;

    // False for a base that is none.
    bool Make(u64 Value, ULONG Base)
    {
        if (!Base)
            Base = 10;
        if (Base != 2 && Base != 8 && Base != 10 && Base != 16)
            return false;
        Text[64] = 0;
        do {
            Text[--Start] = "0123456789ABCDEF"[Value % Base];
            Value /= Base;
        } while (Value);
        return true;
    }
    u32 Count() const { return 64 - Start; }
};

NTSTATUS ToChar(u64 Value, ULONG Base, ULONG Room, CHAR* To)
{
    Digits D;
    if (!D.Make(Value, Base))
        return STATUS_INVALID_PARAMETER;
    if (D.Count() > Room)
        return STATUS_BUFFER_OVERFLOW;
    if (!To)
        return STATUS_ACCESS_VIOLATION;
    CRT(memcpy)(To, D.Text + D.Start, D.Count() < Room ? D.Count() + 1 : D.Count());
    return STATUS_SUCCESS;
}

NTSTATUS ToUnicode(u64 Value, ULONG Base, UNICODE_STRING* To)
{
    Digits D;
    if (!D.Make(Value, Base))
        return STATUS_INVALID_PARAMETER;
    To->Length = USHORT(D.Count() * 2);
    if (To->MaximumLength < To->Length + 2)
        return STATUS_BUFFER_OVERFLOW;
    for (u32 I = 0; I <= D.Count(); ++I)
        To->Buffer[I] = WCHAR(D.Text[D.Start + I]);
    return STATUS_SUCCESS;
}

}

extern "C" {

NTSTATUS NTAPI RtlCharToInteger(const CHAR* S, ULONG Base, ULONG* Value) { return Parse(Source<CHAR> { S, ~usize(0) }, Base, Value); }
NTSTATUS NTAPI RtlUnicodeStringToInteger(const UNICODE_STRING* S, ULONG Base, ULONG* Value)
{
    return Parse(Source<WCHAR> { S->Buffer, usize(S->Length / 2) }, Base, Value);
}
NTSTATUS NTAPI RtlIntegerToChar(ULONG Value, ULONG Base, ULONG Room, CHAR* To) { return ToChar(Value, Base, Room, To); }
NTSTATUS NTAPI RtlLargeIntegerToChar(const ULONGLONG* Value, ULONG Base, ULONG Room, CHAR* To) { return ToChar(*Value, Base, Room, To); }
NTSTATUS NTAPI RtlIntegerToUnicodeString(ULONG Value, ULONG Base, UNICODE_STRING* To) { return ToUnicode(Value, Base, To); }
NTSTATUS NTAPI RtlInt64ToUnicodeString(ULONGLONG Value, ULONG Base, UNICODE_STRING* To) { return ToUnicode(Value, Base, To); }

}
