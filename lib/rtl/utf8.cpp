// UTF-8 and UTF-16. A malformed part becomes U+FFFD and the status says STATUS_SOME_NOT_MAPPED.
#include "lib/rtl/crt/crt.hpp"
#include "lib/rtl/nls.hpp"
#include "lib/rtl/platform.hpp"
#include "lib/rtl/rtl.hpp"

namespace rtl {

u32 DecodeUtf8(const char* S, usize Count, usize& At)
{
    u8 First = u8(S[At++]);
    if (First < 0x80)
        return First;
    u32 More = First >= 0xF0 ? 3 : First >= 0xE0 ? 2 : 1;
    if (First < 0xC2 || First > 0xF4)
        return BadCharacter;
    u32 Value = First & (0x3F >> More);
    // The second byte's range keeps out overlong forms, surrogates and what is above U+10FFFF.
    u8 Low = First == 0xE0 ? 0xA0 : First == 0xF0 ? 0x90 : 0x80, High = First == 0xED ? 0x9F : First == 0xF4 ? 0x8F : 0xBF;
    if (At + More > Count) {
        // Cut off by the end: one bad character, all of it.
        At = Count;
        return BadCharacter;
    }
    for (u32 I = 0; I < More; ++I) {
        u8 Next = u8(S[At]);
        if ((Next & 0xC0) != 0x80)
            return BadCharacter;
        ++At;                           // a continuation out of its range belongs to the bad character, as on Windows
        if (Next < Low || Next > High)
            return BadCharacter;
        Low = 0x80;
        High = 0xBF;
        Value = Value << 6 | (Next & 0x3F);
    }
    return Value;
}

usize EncodeUtf8(u32 C, char* To)
{
    if (C < 0x80) {
        To[0] = char(C);
        return 1;
    }
    if (C < 0x800) {
        To[0] = char(0xC0 | C >> 6);
        To[1] = char(0x80 | (C & 0x3F));
        return 2;
    }
    if (C < 0x10000) {
        To[0] = char(0xE0 | C >> 12);
        To[1] = char(0x80 | (C >> 6 & 0x3F));
        To[2] = char(0x80 | (C & 0x3F));
        return 3;
    }
    To[0] = char(0xF0 | C >> 18);
    To[1] = char(0x80 | (C >> 12 & 0x3F));
    To[2] = char(0x80 | (C >> 6 & 0x3F));
    To[3] = char(0x80 | (C & 0x3F));
    return 4;
}

}

using namespace rtl;

extern "C" {

NTSTATUS NTAPI RtlUTF8ToUnicodeN(WCHAR* To, ULONG Room, ULONG* Size, const CHAR* From, ULONG FromSize)
{
    if (!From)
        return STATUS_INVALID_PARAMETER_4;
    if (!Size)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS Result = STATUS_SUCCESS;
    usize Used = 0, Units = To ? Room / 2 : ~usize(0) / 2;
    for (usize At = 0; At < FromSize;) {
        if (Used == Units) {
            Result = STATUS_BUFFER_TOO_SMALL;
            break;
        }
        u32 C = DecodeUtf8(From, FromSize, At);
        if (C == BadCharacter) {
            C = 0xFFFD;
            Result = STATUS_SOME_NOT_MAPPED;
        }
        WCHAR Pair[2];
        usize N = EncodeUtf16(C, Pair);
        if (To)
            To[Used] = Pair[0];
        ++Used;
        if (N == 2) {
            if (Used == Units) {        // half a pair is written
                Result = STATUS_BUFFER_TOO_SMALL;
                break;
            }
            if (To)
                To[Used] = Pair[1];
            ++Used;
        }
    }
    *Size = ULONG(Used * 2);
    return Result;
}

NTSTATUS NTAPI RtlUnicodeToUTF8N(CHAR* To, ULONG Room, ULONG* Size, const WCHAR* From, ULONG FromSize)
{
    if (!From)
        return STATUS_INVALID_PARAMETER_4;
    if (!Size)
        return STATUS_INVALID_PARAMETER;
    if (To && (FromSize & 1))
        return STATUS_INVALID_PARAMETER_5;
    NTSTATUS Result = STATUS_SUCCESS;
    usize Used = 0, Count = FromSize / 2;
    for (usize At = 0; At < Count;) {
        u32 C = DecodeUtf16(From, Count, At);
        bool Bad = C == BadCharacter;
        if (Bad) {
            C = 0xFFFD;
            Result = STATUS_SOME_NOT_MAPPED;
        }
        char Bytes[4];
        usize N = EncodeUtf8(C, Bytes);
        if (To) {
            if (Room - Used < N) {
                Result = STATUS_BUFFER_TOO_SMALL;
                break;
            }
            CRT(memcpy)(To + Used, Bytes, N);
        }
        Used += N;
    }
    *Size = ULONG(Used);
    return Result;
}

NTSTATUS NTAPI RtlUTF8StringToUnicodeString(UNICODE_STRING* To, const STRING* From, BOOLEAN Allocate)
{
    ULONG Size = 0;
    NTSTATUS Result = RtlUTF8ToUnicodeN(nullptr, 0, &Size, From->Buffer, From->Length);
    if (Result < 0)
        return Result;
    if (Size + 2 > 0xFFFF)
        return STATUS_INVALID_PARAMETER_2;
    if (Allocate) {
        To->Buffer = static_cast<WCHAR*>(platform::Allocate(Size + 2));
        if (!To->Buffer)
            return STATUS_NO_MEMORY;
        To->MaximumLength = USHORT(Size + 2);
    } else if (Size + 2 > To->MaximumLength) {
        return STATUS_BUFFER_OVERFLOW;
    }
    Result = RtlUTF8ToUnicodeN(To->Buffer, Size, &Size, From->Buffer, From->Length);
    To->Length = USHORT(Size);
    To->Buffer[Size / 2] = 0;
    return Result;
}

NTSTATUS NTAPI RtlUnicodeStringToUTF8String(STRING* To, const UNICODE_STRING* From, BOOLEAN Allocate)
{
    ULONG Size = 0;
    NTSTATUS Result = RtlUnicodeToUTF8N(nullptr, 0, &Size, From->Buffer, From->Length);
    if (Result < 0)
        return Result;
    if (Size + 1 > 0xFFFF)
        return STATUS_INVALID_PARAMETER_2;
    if (Allocate) {
        To->Buffer = static_cast<CHAR*>(platform::Allocate(Size + 1));
        if (!To->Buffer)
            return STATUS_NO_MEMORY;
        To->MaximumLength = USHORT(Size + 1);
    } else if (Size + 1 > To->MaximumLength) {
        return STATUS_BUFFER_OVERFLOW;
    }
    Result = RtlUnicodeToUTF8N(To->Buffer, Size, &Size, From->Buffer, From->Length);
    To->Length = USHORT(Size);
    To->Buffer[Size] = 0;
    return Result;
}

}
