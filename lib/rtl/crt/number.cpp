// Numbers from text and text from numbers.
#include <limits>
#include <type_traits>

#include "lib/rtl/crt/text.hpp"

namespace {

bool IsSpace(char C) { return C == ' ' || (C >= 9 && C <= 13); }
bool IsSpace(wchar_t C) { return CRT(iswspace)(C); }

int DigitOf(char C)
{
    if (C >= '0' && C <= '9')
        return C - '0';
    C = crt::AsciiLower(C);
    return C >= 'a' && C <= 'z' ? C - 'a' + 10 : 99;
}

// The decimal digits of other scripts count too.
int DigitOf(wchar_t C)
{
    static constexpr u16 Zeros[] = { 0x660, 0x6F0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xC66, 0xCE6, 0xD66, 0xE50, 0xED0, 0xF20, 0x1040, 0x17E0, 0x1810, 0xFF10 };
    u16 Ch = C;
    if (Ch < 0x80)
        return DigitOf(char(Ch));
    // These scripts' digit 0 to 9; Tamil (0x0BE6) is not among them.
    for (u16 Zero : Zeros)
        if (Ch >= Zero && Ch <= Zero + 9)
            return Ch - Zero;
    return 99;
}

// Too great a value becomes the type's greatest; a negative one its least, or for unsigned types is negated after that.
template <typename T, typename C> T Parse(const C* S, C** End, int Base)
{
    using U = std::make_unsigned_t<T>;
    constexpr bool Signed = std::is_signed_v<T>;
    const C* Start = S;
    if (End)
        *End = const_cast<C*>(S);
    if (Base < 0 || Base == 1 || Base > 36)
        return 0;
    while (IsSpace(*S))
        ++S;
    bool Negative = *S == '-';
    if (*S == '-' || *S == '+')
        ++S;
    if ((Base == 0 || Base == 16) && DigitOf(*S) == 0 && (S[1] == 'x' || S[1] == 'X')) {
        Base = 16;
        S += 2;
        Start = S - 1;                  // "0x" alone is a zero that ends at the x
    }
    if (Base == 0)
        Base = DigitOf(*S) == 0 ? 8 : 10;
    U Value = 0;
    bool Any = false, Over = false;
    const U Limit = std::numeric_limits<U>::max();
    for (int Digit; (Digit = DigitOf(*S)) < Base; ++S) {
        Any = true;
        if (Value > (Limit - U(Digit)) / U(Base))
            Over = true;
        else
            Value = Value * U(Base) + U(Digit);
    }
    if (!Any) {
        if (End && Base == 16 && Start != *End && (*Start == 'x' || *Start == 'X'))
            *End = const_cast<C*>(Start);
        return 0;
    }
    if (End)
        *End = const_cast<C*>(S);
    if constexpr (Signed) {
        constexpr U Least = U(std::numeric_limits<T>::max()) + 1;
        if (Negative)
            return Over || Value > Least ? std::numeric_limits<T>::min() : T(U(0) - Value);
        return Over || Value >= Least ? std::numeric_limits<T>::max() : T(Value);
    } else {
        if (Over)
            Value = Limit;
        return Negative ? U(0) - Value : Value;
    }
}

// Decimal, never out of range: it wraps.
template <typename C> u64 ParseDecimal(const C* S)
{
    while (IsSpace(*S))
        ++S;
    bool Negative = *S == '-';
    if (*S == '-' || *S == '+')
        ++S;
    u64 Value = 0;
    for (; *S >= '0' && *S <= '9'; ++S)
        Value = Value * 10 + u64(*S - '0');
    return Negative ? 0 - Value : Value;
}

// Writes Value's text so that it ends before End; returns its start.
template <typename C> C* Digits(C* End, u64 Value, u32 Base)
{
    do {
        u32 Digit = u32(Value % Base);
        *--End = C(Digit < 10 ? '0' + Digit : 'a' + Digit - 10);
        Value /= Base;
    } while (Value);
    return End;
}
template <typename C> C* Format(u64 Value, bool Negative, C* To, int Base)
{
    C Room[66], *End = Room + 66, *S = Digits(End, Negative ? 0 - Value : Value, u32(Base < 2 ? 2 : Base));
    if (Negative)
        *--S = '-';
    CRT(memcpy)(To, S, usize(End - S) * sizeof(C));
    To[End - S] = 0;
    return To;
}
template <typename C> int FormatChecked(u64 Value, bool Negative, C* To, usize Room, int Base)
{
    if (!To || !Room)
        return crt::Invalid;
    *To = 0;
    if (Base < 2 || Base > 36)
        return crt::Invalid;
    C Text[66], *End = Text + 66, *S = Digits(End, Negative ? 0 - Value : Value, u32(Base));
    if (Negative)
        *--S = '-';
    if (usize(End - S) >= Room)
        return crt::Range;
    CRT(memcpy)(To, S, usize(End - S) * sizeof(C));
    To[End - S] = 0;
    return 0;
}

// Only base 10 knows a sign; elsewhere the bits of the type are shown.
template <typename U> bool IsNegative(std::make_signed_t<U> Value, int Base) { return Value < 0 && Base == 10; }

}

extern "C" {

int CRT(abs)(int Value) { return Value < 0 ? int(0u - u32(Value)) : Value; }
i32 CRT(labs)(i32 Value) { return CRT(abs)(Value); }

int CRT(atoi)(const char* S) { return int(ParseDecimal(S)); }
i32 CRT(atol)(const char* S) { return i32(ParseDecimal(S)); }
i64 CRT(_atoi64)(const char* S) { return i64(ParseDecimal(S)); }
int CRT(_wtoi)(const wchar_t* S) { return int(ParseDecimal(S)); }
i32 CRT(_wtol)(const wchar_t* S) { return i32(ParseDecimal(S)); }
i64 CRT(_wtoi64)(const wchar_t* S) { return i64(ParseDecimal(S)); }

i32 CRT(strtol)(const char* S, char** End, int Base) { return Parse<i32>(S, End, Base); }
u32 CRT(strtoul)(const char* S, char** End, int Base) { return Parse<u32>(S, End, Base); }
i64 CRT(_strtoi64)(const char* S, char** End, int Base) { return Parse<i64>(S, End, Base); }
u64 CRT(_strtoui64)(const char* S, char** End, int Base) { return Parse<u64>(S, End, Base); }
i32 CRT(wcstol)(const wchar_t* S, wchar_t** End, int Base) { return Parse<i32>(S, End, Base); }
u32 CRT(wcstoul)(const wchar_t* S, wchar_t** End, int Base) { return Parse<u32>(S, End, Base); }
i64 CRT(_wcstoi64)(const wchar_t* S, wchar_t** End, int Base) { return Parse<i64>(S, End, Base); }
u64 CRT(_wcstoui64)(const wchar_t* S, wchar_t** End, int Base) { return Parse<u64>(S, End, Base); }

#define TEXT_OF(Name, Value, Unsigned, C)                                                                                  \
    C* CRT(Name)(Value V, C* To, int Base)                                                                                 \
    {                                                                                                                      \
        bool Negative = std::is_signed_v<Value> && IsNegative<Unsigned>(V, Base);                                          \
        return Format(Negative ? u64(i64(V)) : u64(Unsigned(V)), Negative, To, Base);                                      \
    }                                                                                                                      \
    int CRT(Name##_s)(Value V, C* To, usize Room, int Base)                                                                \
    {                                                                                                                      \
        bool Negative = std::is_signed_v<Value> && IsNegative<Unsigned>(V, Base);                                          \
        return FormatChecked(Negative ? u64(i64(V)) : u64(Unsigned(V)), Negative, To, Room, Base);                         \
    }
TEXT_OF(_itoa, int, u32, char)
TEXT_OF(_ltoa, i32, u32, char)
TEXT_OF(_ultoa, u32, u32, char)
TEXT_OF(_i64toa, i64, u64, char)
TEXT_OF(_ui64toa, u64, u64, char)
TEXT_OF(_itow, int, u32, wchar_t)
TEXT_OF(_ltow, i32, u32, wchar_t)
TEXT_OF(_ultow, u32, u32, wchar_t)
TEXT_OF(_i64tow, i64, u64, wchar_t)
TEXT_OF(_ui64tow, u64, u64, wchar_t)
#undef TEXT_OF

}
