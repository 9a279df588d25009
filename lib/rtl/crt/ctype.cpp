// Character classes: fixed tables, bytes as ASCII and wide characters as Latin-1; what lies above has no class.
#include "lib/rtl/crt/text.hpp"
#include "lib/rtl/rtl.hpp"

namespace {

constexpr u16 UPPER = 0x1, LOWER = 0x2, DIGIT = 0x4, SPACE = 0x8, PUNCT = 0x10, CNTRL = 0x20, BLANK = 0x40, XDIGIT = 0x80, ALPHA = 0x100;

struct Classes {
    u16 Of[256];
};

constexpr u16 AsciiClass(u32 C)
{
    if (C >= '0' && C <= '9')
        return DIGIT | XDIGIT;
    if (C >= 'A' && C <= 'Z')
        return UPPER | ALPHA | (C <= 'F' ? XDIGIT : 0);
    if (C >= 'a' && C <= 'z')
        return LOWER | ALPHA | (C <= 'f' ? XDIGIT : 0);
    if (C == ' ')
        return SPACE | BLANK;
    if (C < ' ' || C == 0x7F)
        return C >= 9 && C <= 13 ? CNTRL | SPACE : CNTRL;
    return PUNCT;
}

constexpr Classes Narrow = [] {
    Classes T {};
    for (u32 C = 0; C < 0x80; ++C)
        T.Of[C] = AsciiClass(C);
    return T;
}();

constexpr Classes Wide = [] {
    Classes T {};
    for (u32 C = 0; C < 0x100; ++C) {
        if (C < 0x80)
            T.Of[C] = AsciiClass(C);
        else if (C < 0xA0)
            T.Of[C] = CNTRL;
        else if (C < 0xC0 || C == 0xD7 || C == 0xF7)
            T.Of[C] = PUNCT;
        else
            T.Of[C] = ALPHA | (C < 0xDF ? UPPER : LOWER);
    }
    T.Of[9] |= BLANK;
    T.Of[0xA0] = SPACE | BLANK;
    T.Of[0xB2] |= DIGIT;
    T.Of[0xB3] |= DIGIT;
    T.Of[0xB9] |= DIGIT;
    return T;
}();

int Class(int C, int Mask) { return u32(C) < 256 ? Narrow.Of[C] & Mask : 0; }

}

extern "C" {

int CRT(isalnum)(int C) { return Class(C, DIGIT | LOWER | UPPER); }
int CRT(isalpha)(int C) { return Class(C, LOWER | UPPER); }
int CRT(iscntrl)(int C) { return Class(C, CNTRL); }
int CRT(isdigit)(int C) { return Class(C, DIGIT); }
int CRT(isgraph)(int C) { return Class(C, DIGIT | PUNCT | LOWER | UPPER); }
int CRT(islower)(int C) { return Class(C, LOWER); }
int CRT(isprint)(int C) { return Class(C, DIGIT | BLANK | PUNCT | LOWER | UPPER); }
int CRT(ispunct)(int C) { return Class(C, PUNCT); }
int CRT(isspace)(int C) { return Class(C, SPACE); }
int CRT(isupper)(int C) { return Class(C, UPPER); }
int CRT(isxdigit)(int C) { return Class(C, XDIGIT); }
int CRT(__isascii)(int C) { return u32(C) < 0x80; }
int CRT(__toascii)(int C) { return C & 0x7F; }
int CRT(__iscsym)(int C) { return C < 0x7F && (Class(C, DIGIT | LOWER | UPPER) || C == '_'); }
int CRT(__iscsymf)(int C) { return C < 0x7F && (Class(C, LOWER | UPPER) || C == '_'); }

int CRT(tolower)(int C) { return char(C) >= 'A' && char(C) <= 'Z' ? C + 32 : C; }

// By way of the ANSI code page and back; a value above 0xFF is a lead byte and its trail byte.
int CRT(toupper)(int C)
{
    CHAR Bytes[3] = { CHAR(C), CHAR(C >> 8), 0 };
    CHAR* At = Bytes;
    WCHAR Upper = RtlUpcaseUnicodeChar(RtlAnsiCharToUnicodeChar(&At));
    ULONG Size = 0;
    if (!nt::NT_SUCCESS(RtlUnicodeToMultiByteN(Bytes, 2, &Size, &Upper, sizeof(Upper))) || !Size)
        return u16(C);
    return Size == 2 ? u8(Bytes[1]) + (u8(Bytes[0]) << 8) : u8(Bytes[0]);
}
int CRT(_tolower)(int C) { return C + 32; }
int CRT(_toupper)(int C) { return C - 32; }

int CRT(iswctype)(wchar_t C, u16 Mask) { return u16(C) < 256 ? Wide.Of[u16(C)] & Mask : 0; }
int CRT(iswalnum)(wchar_t C) { return CRT(iswctype)(C, ALPHA | DIGIT | LOWER | UPPER); }
int CRT(iswalpha)(wchar_t C) { return CRT(iswctype)(C, ALPHA | LOWER | UPPER); }
int CRT(iswascii)(wchar_t C) { return u16(C) < 0x80; }
int CRT(iswdigit)(wchar_t C) { return CRT(iswctype)(C, DIGIT); }
int CRT(iswgraph)(wchar_t C) { return CRT(iswctype)(C, DIGIT | PUNCT | ALPHA | LOWER | UPPER); }
int CRT(iswlower)(wchar_t C) { return CRT(iswctype)(C, LOWER); }
int CRT(iswprint)(wchar_t C) { return CRT(iswctype)(C, DIGIT | BLANK | PUNCT | ALPHA | LOWER | UPPER); }
int CRT(iswspace)(wchar_t C) { return CRT(iswctype)(C, SPACE); }
int CRT(iswxdigit)(wchar_t C) { return CRT(iswctype)(C, XDIGIT); }
wchar_t CRT(towlower)(wchar_t C) { return CRT(iswctype)(C, UPPER) ? wchar_t(C + 32) : C; }
wchar_t CRT(towupper)(wchar_t C) { return RtlUpcaseUnicodeChar(C); }

}
