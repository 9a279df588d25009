// The character tables in force, shared by the conversion functions.
#pragma once
#include "abi/nt/rtl.hpp"

namespace rtl {

extern nt::NLSTABLEINFO Nls;

// A casing table: three levels of 8, 4 and 4 bits lead to a difference.
inline nt::WCHAR MapCase(const nt::USHORT* Table, nt::WCHAR C)
{
    u16 Ch = u16(C);
    return nt::WCHAR(Ch + Table[Table[Table[Ch >> 8] + (Ch >> 4 & 0xF)] + (Ch & 0xF)]);
}

constexpr bool IsHighSurrogate(u16 C) { return (C & 0xFC00) == 0xD800; }
constexpr bool IsLowSurrogate(u16 C) { return (C & 0xFC00) == 0xDC00; }
constexpr u32 BadCharacter = ~0u;

// The character at S[At]; At moves behind it. An unpaired surrogate is BadCharacter.
inline u32 DecodeUtf16(const nt::WCHAR* S, usize Count, usize& At)
{
    u16 C = u16(S[At++]);
    if ((C & 0xF800) != 0xD800)
        return C;
    if (IsHighSurrogate(C) && At < Count && IsLowSurrogate(u16(S[At])))
        return 0x10000 + (u32(C & 0x3FF) << 10) + (u16(S[At++]) & 0x3FF);
    return BadCharacter;
}
// Writes 1 or 2 units; returns how many.
inline usize EncodeUtf16(u32 C, nt::WCHAR* To)
{
    if (C < 0x10000) {
        To[0] = nt::WCHAR(C);
        return 1;
    }
    To[0] = nt::WCHAR(0xD7C0 + (C >> 10));
    To[1] = nt::WCHAR(0xDC00 + (C & 0x3FF));
    return 2;
}
// The character at S[At], BadCharacter for a malformed sequence: At is then behind what of it was well-formed (at least
// one byte), so that the next character is not swallowed.
u32 DecodeUtf8(const char* S, usize Count, usize& At);
// 1 to 4 bytes.
usize EncodeUtf8(u32 C, char* To);

// The conversions of one code page; counts in characters of their kind, results what was written.
usize ToUnicode(const nt::CPTABLEINFO& Page, nt::WCHAR* To, usize Room, const char* From, usize Count);
usize FromUnicode(const nt::CPTABLEINFO& Page, char* To, usize Room, const nt::WCHAR* From, usize Count, bool Upper);

}
