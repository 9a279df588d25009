// Internet addresses as text, both ways, for char and WCHAR.
#pragma once
#include "lib/core/types.hpp"

namespace ws {

template <typename Char> int DigitOf(Char C)
{
    return C >= '0' && C <= '9' ? C - '0' : C >= 'a' && C <= 'f' ? C - 'a' + 10 : C >= 'A' && C <= 'F' ? C - 'A' + 10 : 99;
}

// A number in Base from Text on, at most Limit; Text moves behind it. False without a digit or when it is too large.
template <typename Char> bool ParseNumber(const Char*& Text, int Base, u64 Limit, u64& Value)
{
    const Char* Start = Text;
    Value = 0;
    for (; DigitOf(*Text) < Base; ++Text) {
        Value = Value * u64(Base) + u64(DigitOf(*Text));
        if (Value > Limit) {
            return false;
        }
    }
    return Text != Start;
}

// "a.b.c.d", exactly four decimal parts without leading zeros (inet_pton). Text moves behind the address.
template <typename Char> bool ParseIpv4(const Char*& Text, u8* Out)
{
    for (int i = 0; i < 4; ++i) {
        u64 Part;
        if (i && *Text++ != '.') {
            return false;
        }
        if (Text[0] == '0' && DigitOf(Text[1]) < 10) {
            return false;
        }
        if (!ParseNumber(Text, 10, 255, Part)) {
            return false;
        }
        Out[i] = u8(Part);
    }
    return true;
}

// The old forms of inet_addr: one to four parts, decimal, octal (0…) or hexadecimal (0x…), the last part filling the rest.
template <typename Char> bool ParseIpv4Loose(const Char*& Text, u8* Out)
{
    u64 Parts[4];
    int Count = 0;
    for (;;) {
        int Base = 10;
        if (*Text == '0' && (Text[1] == 'x' || Text[1] == 'X')) {
            Base = 16;
            Text += 2;
        } else if (*Text == '0' && DigitOf(Text[1]) < 10) {
            Base = 8;
            ++Text;
        }
        if (!ParseNumber(Text, Base, 0xFFFFFFFF, Parts[Count])) {
            return false;
        }
        ++Count;
        if (*Text != '.' || Count == 4) {
            break;
        }
        ++Text;
    }
    u64 Value = 0;
    for (int i = 0; i + 1 < Count; ++i) {
        if (Parts[i] > 255) {
            return false;
        }
        Value |= Parts[i] << (24 - 8 * i);
    }
    if (Parts[Count - 1] >> (32 - 8 * (Count - 1))) {
        return false;
    }
    Value |= Parts[Count - 1];
    for (int i = 0; i < 4; ++i) {
        Out[i] = u8(Value >> (24 - 8 * i));
    }
    return true;
}

// RFC 4291's forms, with "::" and a dotted end. Text moves behind the address.
template <typename Char> bool ParseIpv6(const Char*& Text, u8* Out)
{
    u16 Groups[8] = {};
    int Count = 0, Gap = -1;
    if (Text[0] == ':' && Text[1] == ':') {
        Gap = 0;
        Text += 2;
    } else if (Text[0] == ':') {
        return false;
    }
    while (Count < 8 && DigitOf(*Text) < 16) {
        const Char* Start = Text;
        u64 Value;
        if (!ParseNumber(Text, 16, 0xFFFF, Value) || Text - Start > 4) {
            // The number may be the first part of a dotted end only if it is short enough, so this is wrong in any case.
            return false;
        }
        if (*Text == '.') {
            u8 Dotted[4];
            Text = Start;
            if (Count > 6 || !ParseIpv4(Text, Dotted)) {
                return false;
            }
            Groups[Count++] = u16(Dotted[0] << 8 | Dotted[1]);
            Groups[Count++] = u16(Dotted[2] << 8 | Dotted[3]);
            break;
        }
        Groups[Count++] = u16(Value);
        if (*Text != ':' || Count == 8) {
            break;
        }
        if (Text[1] == ':') {
            if (Gap >= 0) {
                return false;
            }
            Gap = Count;
            Text += 2;
        } else if (DigitOf(Text[1]) < 16) {
            ++Text;
        } else {
            return false;
        }
    }
    if (Gap < 0 ? Count != 8 : Count > 7) {
        return false;
    }
    int Missing = 8 - Count;
    for (int i = 0; i < 8; ++i) {
        u16 Group = Gap < 0 || i < Gap ? Groups[i] : i < Gap + Missing ? u16(0) : Groups[i - Missing];
        Out[2 * i] = u8(Group >> 8);
        Out[2 * i + 1] = u8(Group);
    }
    return true;
}

template <typename Char> Char* PutNumber(Char* Out, u32 Value, u32 Base)
{
    Char Digits[12];
    int Count = 0;
    do {
        Digits[Count++] = Char("0123456789abcdef"[Value % Base]);
        Value /= Base;
    } while (Value);
    while (Count) {
        *Out++ = Digits[--Count];
    }
    return Out;
}

// The longest text is 46 characters with the terminator; the formatters return the end, not terminated.
inline constexpr usize MaxAddressText = 66;

template <typename Char> Char* FormatIpv4(const u8* Address, Char* Out)
{
    for (int i = 0; i < 4; ++i) {
        if (i) {
            *Out++ = '.';
        }
        Out = PutNumber(Out, Address[i], 10);
    }
    return Out;
}

// Small letters, no leading zeros, the longest run of two or more zero groups as "::", mapped and compatible addresses dotted.
template <typename Char> Char* FormatIpv6(const u8* Address, Char* Out)
{
    u16 Groups[8];
    for (int i = 0; i < 8; ++i) {
        Groups[i] = u16(Address[2 * i] << 8 | Address[2 * i + 1]);
    }
    bool FiveZero = true;
    for (int i = 0; i < 5; ++i) {
        FiveZero = FiveZero && Groups[i] == 0;
    }
    bool Mapped = FiveZero && Groups[5] == 0xFFFF;
    bool Compatible = FiveZero && Groups[5] == 0 && Groups[6] != 0;
    int End = Mapped || Compatible ? 6 : 8;
    int Best = -1, BestSize = 1;
    for (int i = 0; i < End; ++i) {
        int Size = 0;
        while (i + Size < End && Groups[i + Size] == 0) {
            ++Size;
        }
        if (Size > BestSize) {
            Best = i;
            BestSize = Size;
        }
    }
    for (int i = 0; i < End; ++i) {
        if (i == Best) {
            *Out++ = ':';
            *Out++ = ':';
            i += BestSize - 1;
            continue;
        }
        if (i && i != Best + BestSize) {
            *Out++ = ':';
        } else if (i && Best < 0) {
            *Out++ = ':';
        }
        Out = PutNumber(Out, Groups[i], 16);
    }
    if (End == 6) {
        if (Out[-1] != ':') {
            *Out++ = ':';
        }
        Out = FormatIpv4(Address + 12, Out);
    }
    return Out;
}

}
