// Internationalized domain names: nameprep, and Punycode (RFC 3492) label by label.
#include <initializer_list>

#include "lib/rtl/crt/crt.hpp"
#include "lib/rtl/nls.hpp"
#include "lib/rtl/normalize.hpp"
#include "lib/rtl/platform.hpp"
#include "lib/rtl/rtl.hpp"

namespace rtl {

namespace {

constexpr ULONG IDN_ALLOW_UNASSIGNED = 1, IDN_USE_STD3_ASCII_RULES = 2;
constexpr usize MaxLabel = 63, MaxName = 256;
constexpr u32 Base = 36, TMin = 1, TMax = 26, Skew = 38, Damp = 700, FirstBias = 72, FirstCode = 0x80;

bool IsStd3(u32 C) { return (C >= 'a' && C <= 'z') || (C >= 'A' && C <= 'Z') || (C >= '0' && C <= '9') || C == '-'; }

u32 Threshold(u32 K, u32 Bias) { return K <= Bias ? TMin : K >= Bias + TMax ? TMax : K - Bias; }

u32 Adapt(u32 Delta, u32 Points, bool First)
{
    Delta /= First ? Damp : 2;
    Delta += Delta / Points;
    u32 K = 0;
    for (; Delta > (Base - TMin) * TMax / 2; K += Base)
        Delta /= Base - TMin;
    return K + (Base - TMin + 1) * Delta / (Delta + Skew);
}

// A name in the making; what does not fit makes it invalid.
struct Name {
    WCHAR Text[MaxName];
    usize Count = 0;
    bool Full = false;

    void Put(WCHAR C)
    {
        if (Count < MaxName)
            Text[Count++] = C;
        else
            Full = true;
    }
};

// Characters that nameprep leaves but a label must not have.
bool HasForbidden(const NormTable& Table, ULONG Flags, const u32* Label, usize Count)
{
    for (usize I = 0; I < Count; ++I) {
        u32 C = Label[I];
        if ((C == 0x200C || C == 0x200D) && (!I || Table.CombiningClass(Label[I - 1]) != 9))    // joiners only behind a virama
            return true;
        if ((C == 0x2260 || C == 0x226E || C == 0x226F) && (Flags & IDN_USE_STD3_ASCII_RULES))
            return true;
        u8 Property = Table.Properties(C);
        if (Property == PropertyDecomposes || (Property == PropertyInvalid && !(C >= HangulBase && C < HangulBase + 0x2C00)) ||
            (Property == PropertyUnassigned && !(Flags & IDN_ALLOW_UNASSIGNED)))
            return true;
    }
    return (Flags & IDN_USE_STD3_ASCII_RULES) && Count && (Label[0] == '-' || Label[Count - 1] == '-');
}

void EncodeLabel(const u32* Label, usize Count, Name& To)
{
    for (WCHAR C : { 'x', 'n', '-', '-' })
        To.Put(C);
    u32 Done = 0;
    for (usize I = 0; I < Count; ++I)
        if (Label[I] < 0x80) {
            To.Put(WCHAR(Label[I]));
            ++Done;
        }
    const u32 Basic = Done;
    if (Basic)
        To.Put('-');
    u32 Code = FirstCode, Delta = 0, Bias = FirstBias;
    while (Done < Count) {
        u32 Next = 0x10FFFF;
        for (usize I = 0; I < Count; ++I)
            if (Label[I] >= Code && Label[I] < Next)
                Next = Label[I];
        Delta += (Next - Code) * (Done + 1);    // a label has at most 63 characters: no overflow
        Code = Next;
        for (usize I = 0; I < Count; ++I) {
            if (Label[I] < Code)
                ++Delta;
            if (Label[I] != Code)
                continue;
            u32 Value = Delta;
            for (u32 K = Base;; K += Base) {
                u32 T = Threshold(K, Bias), Digit = Value < T ? Value : T + (Value - T) % (Base - T);
                To.Put(WCHAR(Digit < 26 ? 'a' + Digit : '0' + Digit - 26));
                if (Value < T)
                    break;
                Value = (Value - T) / (Base - T);
            }
            Bias = Adapt(Delta, Done + 1, Done == Basic);
            Delta = 0;
            ++Done;
        }
        ++Delta;
        ++Code;
    }
}

// The characters of a Punycode label (behind its "xn--"); 0 if it is none.
usize DecodeLabel(const WCHAR* S, usize Count, u32 (&Label)[MaxLabel + 1])
{
    usize Dash = Count;
    for (usize I = Count; I-- > 0;)
        if (S[I] == '-') {
            Dash = I;
            break;
        }
    usize Length = 0, At = 0;
    if (Dash < Count) {
        if (Dash > MaxLabel)
            return 0;
        for (; At < Dash; ++At)
            Label[Length++] = u16(S[At]);
        ++At;
        if (!Dash)                      // a dash in front is not a separator's
            At = 1;
    }
    u32 Code = FirstCode, Index = 0, Bias = FirstBias;
    while (At < Count) {
        u32 Old = Index;
        u64 Weight = 1, Sum = Index;
        for (u32 K = Base;; K += Base) {
            if (At >= Count)
                return 0;
            WCHAR C = S[At++];
            u32 Digit = C >= 'a' && C <= 'z' ? u32(C - 'a') : C >= 'A' && C <= 'Z' ? u32(C - 'A') : C >= '0' && C <= '9' ? u32(C - '0' + 26) : Base;
            if (Digit >= Base)
                return 0;
            Sum += Digit * Weight;
            if (Sum > 0x7FFFFFFF)
                return 0;
            u32 T = Threshold(K, Bias);
            if (Digit < T)
                break;
            Weight *= Base - T;
            if (Weight > 0x7FFFFFFF)
                return 0;
        }
        Index = u32(Sum);
        Bias = Adapt(Index - Old, u32(Length) + 1, Old == 0);
        Code += Index / (u32(Length) + 1);
        Index %= u32(Length) + 1;
        if (Code > 0x10FFFF || Length >= MaxLabel)
            return 0;
        for (usize I = Length; I > Index; --I)
            Label[I] = Label[I - 1];
        Label[Index++] = Code;
        ++Length;
    }
    return Length;
}

NTSTATUS Deliver(const WCHAR* Text, usize Count, WCHAR* To, INT* Room)
{
    NTSTATUS Status = STATUS_SUCCESS;
    if (*Room) {
        if (Count <= usize(*Room))
            CRT(memcpy)(To, Text, Count * 2);
        else
            Status = STATUS_BUFFER_TOO_SMALL;
    }
    *Room = INT(Count);
    return Status;
}

}
}

using namespace rtl;

extern "C" {

NTSTATUS NTAPI RtlIdnToNameprepUnicode(ULONG Flags, const WCHAR* From, INT Length, WCHAR* To, INT* Room)
{
    if ((Flags & ~(IDN_ALLOW_UNASSIGNED | IDN_USE_STD3_ASCII_RULES)) || !From || Length < -1)
        return STATUS_INVALID_PARAMETER;
    const NormTable* Table;
    if (NTSTATUS Status = NormTable::Get(FormIdna, &Table); Status < 0)
        return Status;
    usize Count = Length < 0 ? CRT(wcslen)(From) + 1 : usize(Length);
    WCHAR Text[MaxName];
    INT TextCount = MaxName;
    usize Plain = 0;
    while (Plain < Count && u16(From[Plain]) >= 0x20 && u16(From[Plain]) < 0x7F)
        ++Plain;
    if (Plain == Count || (Plain + 1 == Count && !From[Plain])) {       // printable ASCII stays as it is
        if (Count > MaxName)
            return STATUS_INVALID_IDN_NORMALIZATION;
        CRT(memcpy)(Text, From, Count * 2);
        TextCount = INT(Count);
    } else if (NTSTATUS Status = RtlNormalizeString(FormIdna, From, INT(Count), Text, &TextCount); Status < 0) {
        return Status == STATUS_NO_UNICODE_TRANSLATION ? STATUS_INVALID_IDN_NORMALIZATION : Status;
    }
    bool Std3 = Flags & IDN_USE_STD3_ASCII_RULES;
    usize Start = 0, At = 0, End = usize(TextCount);
    auto BadEdge = [&](usize Behind) { return Std3 && (Text[Start] == '-' || Text[Behind - 1] == '-'); };
    while (At < End) {
        usize Here = At;
        u32 C = DecodeUtf16(Text, End, At);
        if (C == BadCharacter || !C) {
            At = Here;
            break;
        }
        if (C == '.') {
            if (Start == Here || Here - Start > MaxLabel || BadEdge(Here))
                return STATUS_INVALID_IDN_NORMALIZATION;
            Start = At;
        } else if (Std3) {
            if (!IsStd3(C))
                return STATUS_INVALID_IDN_NORMALIZATION;
        } else if (!(Flags & IDN_ALLOW_UNASSIGNED) && Table->Properties(C) == PropertyUnassigned) {
            return STATUS_INVALID_IDN_NORMALIZATION;
        }
    }
    if (!At || At - Start > MaxLabel || (At > Start && BadEdge(At)))
        return STATUS_INVALID_IDN_NORMALIZATION;
    return Deliver(Text, End, To, Room);
}

NTSTATUS NTAPI RtlIdnToAscii(ULONG Flags, const WCHAR* From, INT Length, WCHAR* To, INT* Room)
{
    const NormTable* Table;
    if (NTSTATUS Status = NormTable::Get(FormIdna, &Table); Status < 0)
        return Status;
    WCHAR Text[MaxName];
    INT Count = MaxName;
    if (NTSTATUS Status = RtlIdnToNameprepUnicode(Flags, From, Length, Text, &Count); Status < 0)
        return Status;
    Name Out;
    for (usize At = 0; At < usize(Count);) {
        u32 Label[MaxLabel + 1];
        usize Points = 0, Start = At, End = At, OutStart = Out.Count;
        bool Ascii = true;
        while (End < usize(Count) && Text[End] && Text[End] != '.') {
            u32 C = DecodeUtf16(Text, usize(Count), End);
            if (C == BadCharacter || Points > MaxLabel)
                return STATUS_INVALID_IDN_NORMALIZATION;
            Ascii = Ascii && C < 0x80;
            Label[Points++] = C;
        }
        if (Ascii) {
            for (usize I = Start; I < End; ++I)
                Out.Put(Text[I]);
        } else {
            if ((Points >= 4 && Label[2] == '-' && Label[3] == '-') || HasForbidden(*Table, Flags, Label, Points))
                return STATUS_INVALID_IDN_NORMALIZATION;
            EncodeLabel(Label, Points, Out);
            if (Out.Count - OutStart > MaxLabel)
                return STATUS_INVALID_IDN_NORMALIZATION;
        }
        if (End < usize(Count))
            Out.Put(Text[End]);
        At = End + 1;
    }
    if (Out.Full)
        return STATUS_INVALID_IDN_NORMALIZATION;
    return Deliver(Out.Text, Out.Count, To, Room);
}

NTSTATUS NTAPI RtlIdnToUnicode(ULONG Flags, const WCHAR* From, INT Length, WCHAR* To, INT* Room)
{
    if (!From || Length < -1)
        return STATUS_INVALID_PARAMETER;
    const NormTable* Table;
    if (NTSTATUS Status = NormTable::Get(FormIdna, &Table); Status < 0)
        return Status;
    usize Count = Length < 0 ? CRT(wcslen)(From) + 1 : usize(Length);
    bool Std3 = Flags & IDN_USE_STD3_ASCII_RULES;
    Name Out;
    for (usize Start = 0; Start < Count;) {
        usize End = Start;
        for (; End < Count && From[End] && From[End] != '.'; ++End)
            if (u16(From[End]) > 0x7F || (Std3 && !IsStd3(u16(From[End]))))
                return STATUS_INVALID_IDN_NORMALIZATION;
        if (End < Count && !From[End] && End + 1 != Count)
            return STATUS_INVALID_IDN_NORMALIZATION;
        usize Size = End - Start;
        bool Terminator = End < Count && !From[End];
        if (!Size && !Terminator && End < Count)        // only the last label may be empty
            return STATUS_INVALID_IDN_NORMALIZATION;
        const WCHAR* S = From + Start;
        bool Puny = Size >= 4 && (S[0] | 0x20) == 'x' && (S[1] | 0x20) == 'n' && S[2] == '-' && S[3] == '-';
        if (!Puny) {
            if (Size > MaxLabel || (Std3 && Size && (S[0] == '-' || S[Size - 1] == '-')))
                return STATUS_INVALID_IDN_NORMALIZATION;
            for (usize I = 0; I < Size; ++I)
                Out.Put(S[I]);
        } else {
            u32 Label[MaxLabel + 1];
            usize Points = DecodeLabel(S + 4, Size - 4, Label);
            if (!Points || HasForbidden(*Table, Flags, Label, Points))
                return STATUS_INVALID_IDN_NORMALIZATION;
            for (usize I = 0; I < Points; ++I) {
                WCHAR Pair[2];
                usize N = EncodeUtf16(Label[I], Pair);
                for (usize J = 0; J < N; ++J)
                    Out.Put(Pair[J]);
            }
        }
        if (End < Count)
            Out.Put(From[End]);
        Start = End + 1;
    }
    if (Out.Full)
        return STATUS_INVALID_IDN_NORMALIZATION;
    return Deliver(Out.Text, Out.Count, To, Room);
}

}
