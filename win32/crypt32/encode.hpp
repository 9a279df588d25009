// Bytes as base64 and hexadecimal text, both ways.
#pragma once
#include "lib/core/types.hpp"

namespace crypt32 {

template <typename Char> bool IsBlank(Char C) { return C == ' ' || C == '\t' || C == '\r' || C == '\n'; }

template <typename Char> int Base64Value(Char C)
{
    return C >= 'A' && C <= 'Z'   ? C - 'A'
           : C >= 'a' && C <= 'z' ? C - 'a' + 26
           : C >= '0' && C <= '9' ? C - '0' + 52
           : C == '+'             ? 62
           : C == '/'             ? 63
                                  : -1;
}
template <typename Char> int HexValue(Char C)
{
    return C >= '0' && C <= '9' ? C - '0' : C >= 'a' && C <= 'f' ? C - 'a' + 10 : C >= 'A' && C <= 'F' ? C - 'A' + 10 : -1;
}

// Calls Put for every byte of Text[0, Size). Blanks do not count; padding ends the data. False for anything else.
template <typename Char, typename Function> bool FromBase64(const Char* Text, usize Size, Function Put)
{
    u32 Bits = 0;
    int Count = 0, Padding = 0;
    for (usize i = 0; i < Size; ++i) {
        if (IsBlank(Text[i])) {
            continue;
        }
        if (Text[i] == '=') {
            ++Padding;
            continue;
        }
        int Value = Base64Value(Text[i]);
        if (Value < 0 || Padding) {
            return false;
        }
        Bits = Bits << 6 | u32(Value);
        if (++Count == 4) {
            Put(u8(Bits >> 16));
            Put(u8(Bits >> 8));
            Put(u8(Bits));
            Bits = 0;
            Count = 0;
        }
    }
    if (Count == 1 || (Padding && Padding != (4 - Count) % 4)) {
        return false;
    }
    if (Count == 2) {
        Put(u8(Bits >> 4));
    } else if (Count == 3) {
        Put(u8(Bits >> 10));
        Put(u8(Bits >> 2));
    }
    return true;
}

// Pairs of digits, blanks anywhere between the pairs.
template <typename Char, typename Function> bool FromHex(const Char* Text, usize Size, Function Put)
{
    for (usize i = 0; i < Size;) {
        if (IsBlank(Text[i])) {
            ++i;
            continue;
        }
        if (i + 1 >= Size || HexValue(Text[i]) < 0 || HexValue(Text[i + 1]) < 0) {
            return false;
        }
        Put(u8(HexValue(Text[i]) << 4 | HexValue(Text[i + 1])));
        i += 2;
    }
    return true;
}

// Puts base64 in lines of 64 characters, each ended by Line() (also the last one).
template <typename Function, typename EndLine> void ToBase64(const u8* Data, usize Size, Function Put, EndLine Line)
{
    const char* Digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    usize Column = 0;
    for (usize i = 0; i < Size; i += 3) {
        u32 Bits = u32(Data[i]) << 16 | (i + 1 < Size ? u32(Data[i + 1]) << 8 : 0) | (i + 2 < Size ? Data[i + 2] : 0u);
        Put(Digits[Bits >> 18]);
        Put(Digits[Bits >> 12 & 63]);
        Put(i + 1 < Size ? Digits[Bits >> 6 & 63] : '=');
        Put(i + 2 < Size ? Digits[Bits & 63] : '=');
        Column += 4;
        if (Column == 64) {
            Line();
            Column = 0;
        }
    }
    if (Column) {
        Line();
    }
}

}
