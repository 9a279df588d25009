// GUIDs as {8-4-4-4-12} text.
#include "lib/rtl/crt/crt.hpp"
#include "lib/rtl/platform.hpp"
#include "lib/rtl/rtl.hpp"

namespace {

constexpr u32 TextLength = 38;
// Where each byte's two digits stand in the text, most significant field first.
constexpr u8 Places[16] = { 1, 3, 5, 7, 10, 12, 15, 17, 20, 22, 25, 27, 29, 31, 33, 35 };

int Digit(WCHAR C)
{
    if (C >= '0' && C <= '9')
        return C - '0';
    if (C >= 'a' && C <= 'f')
        return C - 'a' + 10;
    return C >= 'A' && C <= 'F' ? C - 'A' + 10 : -1;
}

}

extern "C" {

NTSTATUS NTAPI RtlGUIDFromString(const UNICODE_STRING* String, GUID* Guid)
{
    const WCHAR* S = String->Buffer;
    if (String->Length < TextLength * 2 || S[0] != '{' || S[9] != '-' || S[14] != '-' || S[19] != '-' || S[24] != '-' || S[37] != '}')
        return STATUS_INVALID_PARAMETER;
    u8 Bytes[16];
    for (u32 I = 0; I < 16; ++I) {
        int High = Digit(S[Places[I]]), Low = Digit(S[Places[I] + 1]);
        if (High < 0 || Low < 0)
            return STATUS_INVALID_PARAMETER;
        Bytes[I] = u8(High << 4 | Low);
    }
    Guid->Data1 = u32(Bytes[0]) << 24 | u32(Bytes[1]) << 16 | u32(Bytes[2]) << 8 | Bytes[3];
    Guid->Data2 = u16(Bytes[4] << 8 | Bytes[5]);
    Guid->Data3 = u16(Bytes[6] << 8 | Bytes[7]);
    CRT(memcpy)(Guid->Data4, Bytes + 8, 8);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlStringFromGUIDEx(const GUID* Guid, UNICODE_STRING* String, BOOLEAN Allocate)
{
    constexpr usize Size = (TextLength + 1) * 2;
    if (Allocate) {
        String->Buffer = static_cast<WCHAR*>(rtl::platform::Allocate(Size));
        if (!String->Buffer) {
            String->Length = String->MaximumLength = 0;
            return STATUS_NO_MEMORY;
        }
        String->MaximumLength = Size;
    } else if (String->MaximumLength < Size) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    String->Length = Size - 2;
    CRT(_snwprintf)(String->Buffer, TextLength + 1, L"{%08X-%04X-%04X-%02X%02X-%02X%02X%02X%02X%02X%02X}", Guid->Data1, Guid->Data2, Guid->Data3,
                    Guid->Data4[0], Guid->Data4[1], Guid->Data4[2], Guid->Data4[3], Guid->Data4[4], Guid->Data4[5], Guid->Data4[6], Guid->Data4[7]);
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI RtlStringFromGUID(const GUID* Guid, UNICODE_STRING* String) { return RtlStringFromGUIDEx(Guid, String, true); }

}
