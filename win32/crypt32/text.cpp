// CryptBinaryToString and CryptStringToBinary.
#include "win32/common/win.hpp"

#include <wincrypt.h>

#include "win32/crypt32/encode.hpp"

using namespace crypt32;

namespace {

struct Banner {
    DWORD Kind;
    const char* Name;
};
const Banner Banners[] = { { CRYPT_STRING_BASE64HEADER, "CERTIFICATE" },
                           { CRYPT_STRING_BASE64REQUESTHEADER, "NEW CERTIFICATE REQUEST" },
                           { CRYPT_STRING_BASE64X509CRLHEADER, "X509 CRL" } };

const char* BannerOf(DWORD Kind)
{
    for (const Banner& B : Banners) {
        if (B.Kind == Kind) {
            return B.Name;
        }
    }
    return nullptr;
}

template <typename Char> BOOL Print(const BYTE* Data, DWORD Size, DWORD Flags, Char* Out, DWORD* Room)
{
    DWORD Kind = Flags & 0x0FFFFFFF;
    if (!Data || !Room) {
        return win::Fail(ERROR_INVALID_PARAMETER);
    }
    DWORD Used = 0;
    bool Writing = Out != nullptr;
    auto Put = [&](char C) {
        if (Writing && Used < *Room) {
            Out[Used] = Char(C);
        }
        ++Used;
    };
    auto PutText = [&](const char* Text) {
        while (*Text) {
            Put(*Text++);
        }
    };
    auto Line = [&] {
        if (Flags & CRYPT_STRING_NOCRLF) {
            return;
        }
        if (!(Flags & CRYPT_STRING_NOCR)) {
            Put('\r');
        }
        Put('\n');
    };
    auto Digit = [](unsigned Value) { return "0123456789abcdef"[Value & 15]; };
    const char* Name = BannerOf(Kind);
    switch (Kind) {
    case CRYPT_STRING_BINARY:
        if (Writing && *Room < Size) {
            *Room = Size;
            return win::Fail(ERROR_MORE_DATA);
        }
        for (DWORD i = 0; i < Size; ++i) {
            Put(char(Data[i]));
        }
        *Room = Size;
        return TRUE;
    case CRYPT_STRING_BASE64:
    case CRYPT_STRING_BASE64HEADER:
    case CRYPT_STRING_BASE64REQUESTHEADER:
    case CRYPT_STRING_BASE64X509CRLHEADER:
        if (Name) {
            PutText("-----BEGIN ");
            PutText(Name);
            PutText("-----");
            Line();
        }
        ToBase64(Data, Size, Put, Line);
        if (Name) {
            PutText("-----END ");
            PutText(Name);
            PutText("-----");
            Line();
        }
        break;
    case CRYPT_STRING_HEXRAW:
        for (DWORD i = 0; i < Size; ++i) {
            Put(Digit(Data[i] >> 4));
            Put(Digit(Data[i]));
        }
        Line();
        break;
    case CRYPT_STRING_HEX:
    case CRYPT_STRING_HEXASCII:
    case CRYPT_STRING_HEXADDR:
    case CRYPT_STRING_HEXASCIIADDR: {
        bool Address = Kind == CRYPT_STRING_HEXADDR || Kind == CRYPT_STRING_HEXASCIIADDR;
        bool Ascii = Kind == CRYPT_STRING_HEXASCII || Kind == CRYPT_STRING_HEXASCIIADDR;
        for (DWORD Row = 0; Row < Size; Row += 16) {
            if (Address) {
                for (int Shift = 12; Shift >= 0; Shift -= 4) {
                    Put(Digit(Row >> Shift));
                }
            }
            DWORD End = Row + 16 < Size ? Row + 16 : Size;
            for (DWORD i = Row; i < Row + (Ascii ? 16 : End - Row); ++i) {
                if (i == Row) {
                    if (Address) {
                        Put('\t');
                    }
                } else {
                    Put(' ');
                    if (i == Row + 8) {
                        Put(' ');
                    }
                }
                Put(i < End ? Digit(Data[i] >> 4) : ' ');
                Put(i < End ? Digit(Data[i]) : ' ');
            }
            if (Ascii) {
                PutText("   ");
                for (DWORD i = Row; i < End; ++i) {
                    Put(Data[i] >= 0x20 && Data[i] < 0x7F ? char(Data[i]) : '.');
                }
            }
            Line();
        }
        break;
    }
    default:
        return win::Fail(ERROR_INVALID_PARAMETER);
    }
    Put(0);
    if (!Writing) {
        *Room = Used;
        return TRUE;
    }
    if (*Room < Used) {
        *Room = Used;
        return win::Fail(ERROR_MORE_DATA);
    }
    *Room = Used - 1;
    return TRUE;
}

// The text between "-----BEGIN …-----" and "-----END …-----"; false if there is no such pair.
template <typename Char> bool Inside(const Char*& Text, usize& Size, usize& Skipped)
{
    auto Find = [&](usize From, const char* What) {
        for (usize i = From; i < Size; ++i) {
            usize n = 0;
            while (What[n] && i + n < Size && Text[i + n] == Char(What[n])) {
                ++n;
            }
            if (!What[n]) {
                return i;
            }
        }
        return ~usize(0);
    };
    usize Begin = Find(0, "-----BEGIN ");
    usize Start = Begin == ~usize(0) ? Begin : Find(Begin + 11, "-----");
    usize End = Start == ~usize(0) ? Start : Find(Start + 5, "-----END ");
    if (End == ~usize(0) || Find(End + 9, "-----") == ~usize(0)) {
        return false;
    }
    Skipped = Begin;
    Text += Start + 5;
    Size = End - Start - 5;
    return true;
}

template <typename Char> BOOL Read(const Char* Text, DWORD Count, DWORD Kind, BYTE* Out, DWORD* Room, DWORD* Skip, DWORD* Found)
{
    if (!Text || !Room) {
        return win::Fail(ERROR_INVALID_PARAMETER);
    }
    usize Size = Count ? Count : win::Length(Text);
    auto Try = [&](DWORD As) {
        const Char* At = Text;
        usize Length = Size, Skipped = 0;
        auto Run = [&](auto Put) {
            switch (As) {
            case CRYPT_STRING_BINARY:
                for (usize i = 0; i < Length; ++i) {
                    Put(u8(At[i]));
                }
                return true;
            case CRYPT_STRING_HEX:
            case CRYPT_STRING_HEXRAW:
                return FromHex(At, Length, Put);
            default:
                return FromBase64(At, Length, Put);
            }
        };
        if (BannerOf(As) && !Inside(At, Length, Skipped)) {
            return 0;
        }
        DWORD Needed = 0;
        if (!Run([&](u8) { ++Needed; })) {
            return 0;
        }
        if (Skip) {
            *Skip = DWORD(Skipped);
        }
        if (Found) {
            *Found = As;
        }
        DWORD Have = *Room;
        *Room = Needed;
        if (!Out) {
            return 1;
        }
        if (Have < Needed) {
            return 2;
        }
        BYTE* To = Out;
        Run([&](u8 Byte) { *To++ = Byte; });
        return 1;
    };
    static constexpr DWORD Any[] = { CRYPT_STRING_BASE64HEADER, CRYPT_STRING_BASE64, CRYPT_STRING_BINARY };
    static constexpr DWORD AnyHex[] = { CRYPT_STRING_HEXRAW };
    int Result = 0;
    switch (Kind) {
    case CRYPT_STRING_BASE64_ANY:
        Result = Try(Any[0]);
        Result = Result ? Result : Try(Any[1]);
        break;
    case CRYPT_STRING_ANY:
        for (DWORD As : Any) {
            Result = Result ? Result : Try(As);
        }
        break;
    case CRYPT_STRING_HEX_ANY:
        Result = Try(AnyHex[0]);
        break;
    case CRYPT_STRING_BINARY:
    case CRYPT_STRING_BASE64:
    case CRYPT_STRING_HEX:
    case CRYPT_STRING_HEXRAW:
    case CRYPT_STRING_BASE64HEADER:
    case CRYPT_STRING_BASE64REQUESTHEADER:
    case CRYPT_STRING_BASE64X509CRLHEADER:
        Result = Try(Kind);
        break;
    default:
        return win::Fail(ERROR_INVALID_PARAMETER);
    }
    return Result == 1 ? TRUE : win::Fail(Result == 2 ? ERROR_MORE_DATA : ERROR_INVALID_DATA);
}

}

EXPORT BOOL WINAPI CryptBinaryToStringA(const BYTE* Data, DWORD Size, DWORD Flags, LPSTR Out, DWORD* Room)
{
    return Print(Data, Size, Flags, Out, Room);
}
EXPORT BOOL WINAPI CryptBinaryToStringW(const BYTE* Data, DWORD Size, DWORD Flags, LPWSTR Out, DWORD* Room)
{
    return Print(Data, Size, Flags, Out, Room);
}
EXPORT BOOL WINAPI CryptStringToBinaryA(LPCSTR Text, DWORD Count, DWORD Flags, BYTE* Out, DWORD* Room, DWORD* Skip, DWORD* Found)
{
    return Read(Text, Count, Flags, Out, Room, Skip, Found);
}
EXPORT BOOL WINAPI CryptStringToBinaryW(LPCWSTR Text, DWORD Count, DWORD Flags, BYTE* Out, DWORD* Room, DWORD* Skip, DWORD* Found)
{
    return Read(Text, Count, Flags, Out, Room, Skip, Found);
}

EXPORT LPVOID WINAPI CryptMemAlloc(ULONG Size) { return HeapAlloc(GetProcessHeap(), 0, Size); }
EXPORT LPVOID WINAPI CryptMemRealloc(LPVOID Memory, ULONG Size)
{
    return Memory ? HeapReAlloc(GetProcessHeap(), 0, Memory, Size) : CryptMemAlloc(Size);
}
EXPORT VOID WINAPI CryptMemFree(LPVOID Memory) { win::Free(Memory); }
