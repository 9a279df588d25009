// Formatted output: one engine for byte and wide formats.
//
// Beyond C: %S and %C take the other width; h, l, w before s and c choose one; I, I32, I64 are integer sizes; %Z is an
// ANSI_STRING, %wZ a UNICODE_STRING; %p is sixteen upper-case digits. %n stores nothing. Floating point is formatted
// exactly from the bits of the double (float.cpp) where the world has floating-point arguments at all.
#include "lib/rtl/crt/float.hpp"
#include "lib/rtl/crt/text.hpp"
#include "lib/rtl/rtl.hpp"

using namespace nt;

namespace {

struct Arguments {
    va_list List;
};

template <typename C> class Output {
public:
    Output(C* To, usize Room) : To_(To), Room_(To ? Room : 0), Count_(!To) { }
    void Put(C Ch)
    {
        if (Used_ < Room_)
            To_[Used_] = Ch;
        ++Used_;
    }
    void Fill(C Ch, i64 Times)
    {
        for (; Times > 0; --Times)
            Put(Ch);
    }
    usize Used() const { return Used_; }
    // The number of characters, or -1 if they did not fit; terminates if there is room for that.
    int Finish()
    {
        if (Count_)
            return int(Used_);
        if (Used_ < Room_)
            To_[Used_] = 0;
        return Used_ <= Room_ ? int(Used_) : -1;
    }

private:
    C* To_;
    usize Room_, Used_ = 0;
    bool Count_;
};

enum class Size : u8 { Default, Char, Short, Long, LongLong, Wide };

struct Directive {
    bool Left = false, Plus = false, Blank = false, Alternate = false, Zero = false;
    i32 Width = 0, Precision = -1;
    Size Length = Size::Default;
};

// One wide character as bytes of the ANSI code page, or bytes as wide characters.
usize Convert(wchar_t From, char* To)
{
    ULONG Written = 0;
    WCHAR Ch = From;
    return NT_SUCCESS(RtlUnicodeToMultiByteN(To, 4, &Written, &Ch, sizeof(Ch))) ? Written : 0;
}

template <typename C, typename S> void PutText(Output<C>& Out, const Directive& D, const S* Text, usize Count)
{
    if constexpr (sizeof(C) == sizeof(S)) {
        i64 Pad = D.Width - i64(Count);
        if (!D.Left)
            Out.Fill(D.Zero ? '0' : ' ', Pad);
        for (usize I = 0; I < Count; ++I)
            Out.Put(Text[I]);
        if (D.Left)
            Out.Fill(' ', Pad);
    } else if constexpr (sizeof(S) == 2) {
        char Bytes[4];
        i64 Total = 0;
        for (usize I = 0; I < Count; ++I)
            Total += i64(Convert(Text[I], Bytes));
        if (!D.Left)
            Out.Fill(D.Zero ? '0' : ' ', D.Width - Total);
        for (usize I = 0; I < Count; ++I)
            for (usize N = Convert(Text[I], Bytes), J = 0; J < N; ++J)
                Out.Put(Bytes[J]);
        if (D.Left)
            Out.Fill(' ', D.Width - Total);
    } else {
        ULONG Bytes = 0;
        RtlMultiByteToUnicodeSize(&Bytes, Text, ULONG(Count));
        i64 Pad = D.Width - i64(Bytes / 2);
        if (!D.Left)
            Out.Fill(D.Zero ? '0' : ' ', Pad);
        for (usize At = 0; At < Count;) {
            // As many source bytes as make whole characters: at most four in any code page.
            WCHAR Wide[4];
            ULONG Written = 0;
            usize Step = 1;
            const CHAR* Next = Text + At;
            CHAR* Cursor = const_cast<CHAR*>(Next);
            if (u8(*Next) >= 0x80) {
                WCHAR One = RtlAnsiCharToUnicodeChar(&Cursor);
                Step = usize(Cursor - Next);
                if (Step > Count - At)
                    Step = Count - At;
                RtlMultiByteToUnicodeN(Wide, sizeof(Wide), &Written, Next, ULONG(Step));
                if (!Written) {
                    Wide[0] = One;
                    Written = 2;
                }
            } else {
                Wide[0] = WCHAR(*Next);
                Written = 2;
            }
            for (ULONG I = 0; I < Written / 2; ++I)
                Out.Put(Wide[I]);
            At += Step;
        }
        if (D.Left)
            Out.Fill(' ', Pad);
    }
}

template <typename C, typename S> void PutString(Output<C>& Out, const Directive& D, const S* Text)
{
    static constexpr S Null[] = { '(', 'n', 'u', 'l', 'l', ')', 0 };
    if (!Text)
        Text = Null;
    PutText(Out, D, Text, D.Precision >= 0 ? crt::LengthAtMost(Text, usize(D.Precision)) : crt::Length(Text));
}

template <typename C> void PutInteger(Output<C>& Out, Directive D, u64 Value, bool Negative, u32 Base, bool Upper, bool Signed)
{
    char Text[66], *End = Text + 66, *S = End;
    bool IsZero = !Value;
    for (; Value; Value /= Base) {
        u32 Digit = u32(Value % Base);
        *--S = char(Digit < 10 ? '0' + Digit : (Upper ? 'A' : 'a') + Digit - 10);
    }
    i64 Count = End - S;
    i64 Zeros = D.Precision >= 0 ? D.Precision - Count : Count ? 0 : 1;
    if (Zeros < 0)
        Zeros = 0;
    char Prefix[2];
    i64 PrefixCount = 0;
    if (Signed && (Negative || D.Plus || D.Blank))
        Prefix[PrefixCount++] = Negative ? '-' : D.Plus ? '+' : ' ';
    if (D.Alternate && Base == 16 && !IsZero) {
        Prefix[PrefixCount++] = '0';
        Prefix[PrefixCount++] = Upper ? 'X' : 'x';
    }
    if (D.Alternate && Base == 8 && !Zeros)
        Zeros = 1;
    i64 Pad = D.Width - Count - Zeros - PrefixCount;
    if (D.Zero && !D.Left && D.Precision < 0 && Pad > 0) {
        Zeros += Pad;
        Pad = 0;
    }
    if (!D.Left)
        Out.Fill(' ', Pad);
    for (i64 I = 0; I < PrefixCount; ++I)
        Out.Put(C(Prefix[I]));
    Out.Fill('0', Zeros);
    for (; S < End; ++S)
        Out.Put(C(*S));
    if (D.Left)
        Out.Fill(' ', Pad);
}

u64 TakeInteger(Arguments& Args, Size Length, bool Signed)
{
    switch (Length) {
    case Size::LongLong:
        return va_arg(Args.List, u64);
    case Size::Short: {
        int V = va_arg(Args.List, int);
        return Signed ? u64(i64(i16(V))) : u16(V);
    }
    case Size::Char: {
        int V = va_arg(Args.List, int);
        return Signed ? u64(i64(i8(V))) : u8(V);
    }
    default: {
        int V = va_arg(Args.List, int);
        return Signed ? u64(i64(V)) : u32(V);
    }
    }
}

u64 TakeDouble(Arguments& Args)
{
#if __STDC_HOSTED__
    return __builtin_bit_cast(u64, va_arg(Args.List, double));
#else
    return va_arg(Args.List, u64);      // the Windows calling convention passes it among the integers
#endif
}

template <typename C> i32 Number(const C*& F)
{
    i32 N = 0;
    for (; *F >= '0' && *F <= '9'; ++F)
        if (N < 100'000'000)
            N = N * 10 + (*F - '0');
    return N;
}

template <typename C> Size Modifier(const C*& F)
{
    for (Size Length = Size::Default;;) {
        switch (*F) {
        case 'h':
            Length = Length == Size::Short ? Size::Char : Size::Short;
            ++F;
            break;
        case 'l':
            Length = Length == Size::Long ? Size::LongLong : Size::Long;
            ++F;
            break;
        case 'w':
            Length = Size::Wide;
            ++F;
            break;
        case 'L':                       // of a long double, which is a double here: says nothing
            ++F;
            break;
        case 'z':
        case 't':
        case 'j':
            Length = Size::LongLong;
            ++F;
            break;
        case 'I':
            if (F[1] == '3' && F[2] == '2') {
                Length = Size::Long;
                F += 3;
            } else if (F[1] == '6' && F[2] == '4') {
                Length = Size::LongLong;
                F += 3;
            } else {
                Length = Size::LongLong;
                ++F;
            }
            break;
        default:
            return Length;
        }
    }
}

template <typename C> void Character(Output<C>& Out, const Directive& D, bool Wide, Arguments& Args)
{
    int Ch = va_arg(Args.List, int);
    if (Wide) {
        wchar_t One = wchar_t(Ch);
        PutText(Out, D, &One, 1);
    } else {
        char One = char(Ch);
        PutText(Out, D, &One, 1);
    }
}

template <typename C> int Format(C* To, usize Room, const C* F, Arguments& Args)
{
    Output<C> Out(To, Room);
    constexpr bool WideFormat = sizeof(C) == 2;
    while (*F) {
        if (*F != '%') {
            Out.Put(*F++);
            continue;
        }
        if (*++F == '%') {
            Out.Put(*F++);
            continue;
        }
        Directive D;
        for (bool More = true; More;) {
            switch (*F) {
            case '-': D.Left = true; break;
            case '+': D.Plus = true; break;
            case ' ': D.Blank = true; break;
            case '#': D.Alternate = true; break;
            case '0': D.Zero = true; break;
            default: More = false; continue;
            }
            ++F;
        }
        if (*F == '*') {
            ++F;
            D.Width = va_arg(Args.List, int);
            if (D.Width < 0) {
                D.Left = true;
                D.Width = D.Width == INT32_MIN ? INT32_MAX : -D.Width;
            }
        } else {
            D.Width = Number(F);
        }
        if (*F == '.') {
            if (*++F == '*') {
                ++F;
                D.Precision = va_arg(Args.List, int);
                if (D.Precision < 0)
                    D.Precision = -1;
            } else {
                D.Precision = Number(F);
            }
        }
        D.Length = Modifier(F);
        if (!*F)
            break;
        C Kind = *F++;
        bool AskWide = D.Length == Size::Long || D.Length == Size::Wide || D.Length == Size::LongLong, AskNarrow = D.Length == Size::Short;
        switch (Kind) {
        case 'c':
            Character(Out, D, AskWide || (WideFormat && !AskNarrow), Args);
            break;
        case 'C':
            Character(Out, D, AskWide || (!WideFormat && !AskNarrow), Args);
            break;
        case 's':
        case 'S':
            if (AskWide || (!AskNarrow && WideFormat == (Kind == 's')))
                PutString(Out, D, va_arg(Args.List, const wchar_t*));
            else
                PutString(Out, D, va_arg(Args.List, const char*));
            break;
        case 'Z':
            if (AskWide) {
                auto* Text = va_arg(Args.List, const UNICODE_STRING*);
                if (Text && Text->Buffer)
                    PutText(Out, D, Text->Buffer, Text->Length / 2);
                else
                    PutString(Out, D, static_cast<const wchar_t*>(nullptr));
            } else {
                auto* Text = va_arg(Args.List, const ANSI_STRING*);
                if (Text && Text->Buffer)
                    PutText(Out, D, Text->Buffer, Text->Length);
                else
                    PutString(Out, D, static_cast<const char*>(nullptr));
            }
            break;
        case 'd':
        case 'i': {
            i64 Value = i64(TakeInteger(Args, D.Length, true));
            PutInteger(Out, D, Value < 0 ? 0 - u64(Value) : u64(Value), Value < 0, 10, false, true);
            break;
        }
        case 'u':
            PutInteger(Out, D, TakeInteger(Args, D.Length, false), false, 10, false, false);
            break;
        case 'o':
            PutInteger(Out, D, TakeInteger(Args, D.Length, false), false, 8, false, false);
            break;
        case 'x':
        case 'X':
            PutInteger(Out, D, TakeInteger(Args, D.Length, false), false, 16, Kind == 'X', false);
            break;
        case 'p':
            D.Precision = 16;
            PutInteger(Out, D, u64(va_arg(Args.List, void*)), false, 16, true, false);
            break;
        case 'n':
            (void)va_arg(Args.List, void*);
            break;
        case 'e':
        case 'E':
        case 'f':
        case 'F':
        case 'g':
        case 'G': {
            crt::FloatText Text(TakeDouble(Args), char(Kind), D.Precision, D.Alternate);
            char Sign = Text.Negative ? '-' : D.Plus ? '+' : D.Blank ? ' ' : 0;
            i64 Pad = D.Width - i64(Text.Count) - Text.Zeros - (Sign ? 1 : 0);
            bool ZeroPad = D.Zero && !D.Left && Text.Finite;
            if (!D.Left && !ZeroPad)
                Out.Fill(' ', Pad);
            if (Sign)
                Out.Put(C(Sign));
            if (ZeroPad)
                Out.Fill('0', Pad);
            for (u32 I = 0; I < Text.Count; ++I) {
                if (I == Text.ZerosAt)
                    Out.Fill('0', Text.Zeros);
                Out.Put(C(Text.Text[I]));
            }
            if (Text.ZerosAt >= Text.Count)
                Out.Fill('0', Text.Zeros);
            if (D.Left)
                Out.Fill(' ', Pad);
            break;
        }
        default:
            Out.Put(Kind);
        }
    }
    return Out.Finish();
}

// The _s functions with a count.
template <typename C> int FormatChecked(C* To, usize Room, usize Count, const C* F, Arguments& Args)
{
    if (!F || (!To && (Room || Count)))
        return -1;
    if (!To)
        return 0;
    if (!Room)
        return -1;
    if (Count < Room) {                 // room for Count characters and the terminator
        int Result = Format(To, Count, F, Args);
        To[Result < 0 ? Count : usize(Result)] = 0;
        return Result;
    }
    int Result = Format(To, Room, F, Args);
    if (Result >= 0 && usize(Result) < Room)
        return Result;
    if (Count == crt::Truncate)
        To[Room - 1] = 0;
    else
        *To = 0;
    return -1;
}

}

#define WITH_LIST(Expression)        \
    Arguments A;                     \
    va_copy(A.List, Args);           \
    int Result = Expression;         \
    va_end(A.List);                  \
    return Result
#define WITH_DOTS(Last, Expression)  \
    Arguments A;                     \
    va_start(A.List, Last);          \
    int Result = Expression;         \
    va_end(A.List);                  \
    return Result

namespace {
constexpr usize Endless = INT32_MAX;
}

extern "C" {

int CRT(_vsnprintf)(char* To, usize Room, const char* F, va_list Args) { WITH_LIST(Format(To, Room, F, A)); }
int CRT(_vsnwprintf)(wchar_t* To, usize Room, const wchar_t* F, va_list Args) { WITH_LIST(Format(To, Room, F, A)); }
int CRT(_vscprintf)(const char* F, va_list Args) { WITH_LIST(Format<char>(nullptr, 0, F, A)); }
int CRT(_vscwprintf)(const wchar_t* F, va_list Args) { WITH_LIST(Format<wchar_t>(nullptr, 0, F, A)); }
int CRT(_vsnprintf_s)(char* To, usize Room, usize Count, const char* F, va_list Args) { WITH_LIST(FormatChecked(To, Room, Count, F, A)); }
int CRT(_vsnwprintf_s)(wchar_t* To, usize Room, usize Count, const wchar_t* F, va_list Args) { WITH_LIST(FormatChecked(To, Room, Count, F, A)); }
int CRT(vsprintf)(char* To, const char* F, va_list Args) { WITH_LIST(Format(To, Endless, F, A)); }
int CRT(vsprintf_s)(char* To, usize Room, const char* F, va_list Args) { WITH_LIST(FormatChecked(To, Room, Room, F, A)); }
int CRT(_vswprintf)(wchar_t* To, const wchar_t* F, va_list Args) { WITH_LIST(Format(To, Endless, F, A)); }
int CRT(vswprintf_s)(wchar_t* To, usize Room, const wchar_t* F, va_list Args) { WITH_LIST(FormatChecked(To, Room, Room, F, A)); }
int CRT(_snprintf)(char* To, usize Room, const char* F, ...) { WITH_DOTS(F, Format(To, Room, F, A)); }
int CRT(_snprintf_s)(char* To, usize Room, usize Count, const char* F, ...) { WITH_DOTS(F, FormatChecked(To, Room, Count, F, A)); }
int CRT(_snwprintf)(wchar_t* To, usize Room, const wchar_t* F, ...) { WITH_DOTS(F, Format(To, Room, F, A)); }
int CRT(_snwprintf_s)(wchar_t* To, usize Room, usize Count, const wchar_t* F, ...) { WITH_DOTS(F, FormatChecked(To, Room, Count, F, A)); }
int CRT(sprintf)(char* To, const char* F, ...) { WITH_DOTS(F, Format(To, Endless, F, A)); }
int CRT(sprintf_s)(char* To, usize Room, const char* F, ...) { WITH_DOTS(F, FormatChecked(To, Room, Room, F, A)); }
int CRT(swprintf)(wchar_t* To, const wchar_t* F, ...) { WITH_DOTS(F, Format(To, Endless, F, A)); }
int CRT(_swprintf)(wchar_t* To, const wchar_t* F, ...) { WITH_DOTS(F, Format(To, Endless, F, A)); }
int CRT(swprintf_s)(wchar_t* To, usize Room, const wchar_t* F, ...) { WITH_DOTS(F, FormatChecked(To, Room, Room, F, A)); }

}
