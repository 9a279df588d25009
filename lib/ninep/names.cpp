// Names of the server's as Windows has them, and back.
#include "lib/ninep/ninep.hpp"

namespace ninep {

using namespace nt;

static constexpr wchar_t Private = 0xF000;

static bool IsForbidden(u32 C)
{
    switch (C) {
    case '\\': case '/': case ':': case '*': case '?': case '"': case '<': case '>': case '|':
        return true;
    default:
        return C < 0x20;
    }
}

static bool IsPrivate(u32 C) { return C > Private && C <= Private + 0xFF; }

// One character of UTF-8 at Text: its bytes, 0 if it is none. Surrogates are let through: Windows' names may hold single ones.
static u32 Decode(Chars Text, u32& C)
{
    u8 First = u8(Text[0]);
    if (First < 0x80) {
        C = First;
        return 1;
    }
    u32 Count = First >= 0xF0 && First < 0xF5 ? 4 : First >= 0xE0 && First < 0xF0 ? 3 : First >= 0xC2 && First < 0xE0 ? 2 : 0;
    if (!Count || Text.size() < Count)
        return 0;
    C = First & (0x7F >> Count);
    for (u32 I = 1; I < Count; ++I) {
        if ((u8(Text[I]) & 0xC0) != 0x80)
            return 0;
        C = C << 6 | (u8(Text[I]) & 0x3F);
    }
    constexpr u32 Least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    return C < Least[Count] || C > 0x10FFFF ? 0 : Count;
}

Status ToWindows(Chars Name, Vector<wchar_t>& To)
{
    To.Clear();
    bool HighBefore = false;            // a single high surrogate: a low one behind it would make a pair of both
    for (usize At = 0; At < Name.size();) {
        u32 C = 0, Count = Decode(Name.subspan(At), C);
        bool High = (C & 0xFFFFFC00) == 0xD800, Low = (C & 0xFFFFFC00) == 0xDC00;
        if (!Count || IsPrivate(C) || (Low && HighBefore)) {
            for (u32 I = 0; I < (Count ? Count : 1); ++I)
                TRY(To.Push(wchar_t(Private + u8(Name[At + I]))));
            HighBefore = false;
            At += Count ? Count : 1;
            continue;
        }
        At += Count;
        HighBefore = High;
        bool AtEnd = At == Name.size() && (C == '.' || C == ' ');
        if (IsForbidden(C) || AtEnd) {
            TRY(To.Push(wchar_t(Private + C)));
        } else if (C >= 0x10000) {
            TRY(To.Push(wchar_t(0xD800 + ((C - 0x10000) >> 10))));
            TRY(To.Push(wchar_t(0xDC00 + ((C - 0x10000) & 0x3FF))));
        } else {
            TRY(To.Push(wchar_t(C)));
        }
    }
    return STATUS_SUCCESS;
}

Status ToServer(WideText Name, Vector<char>& To)
{
    To.Clear();
    if (Name.empty() || Name.size() > MaximumName)
        return STATUS_OBJECT_NAME_INVALID;
    for (usize I = 0; I < Name.size(); ++I) {
        u32 C = u16(Name[I]);
        if (IsForbidden(C))
            return STATUS_OBJECT_NAME_INVALID;
        if (IsPrivate(C)) {
            u8 Byte = u8(C - Private);
            if (Byte == '/')
                return STATUS_OBJECT_NAME_INVALID;
            TRY(To.Push(char(Byte)));
            continue;
        }
        if ((C & 0xFC00) == 0xD800 && I + 1 < Name.size() && (u16(Name[I + 1]) & 0xFC00) == 0xDC00)
            C = 0x10000 + ((C & 0x3FF) << 10) + (u16(Name[++I]) & 0x3FF);
        if (C < 0x80) {
            TRY(To.Push(char(C)));
        } else if (C < 0x800) {
            TRY(To.Push(char(0xC0 | C >> 6)));
            TRY(To.Push(char(0x80 | (C & 0x3F))));
        } else if (C < 0x10000) {
            TRY(To.Push(char(0xE0 | C >> 12)));
            TRY(To.Push(char(0x80 | (C >> 6 & 0x3F))));
            TRY(To.Push(char(0x80 | (C & 0x3F))));
        } else {
            TRY(To.Push(char(0xF0 | C >> 18)));
            TRY(To.Push(char(0x80 | (C >> 12 & 0x3F))));
            TRY(To.Push(char(0x80 | (C >> 6 & 0x3F))));
            TRY(To.Push(char(0x80 | (C & 0x3F))));
        }
    }
    bool Dots = To.Size() <= 2;
    for (char C : To)
        Dots = Dots && C == '.';
    return Dots || To.Size() > MaximumName ? STATUS_OBJECT_NAME_INVALID : STATUS_SUCCESS;
}

}
