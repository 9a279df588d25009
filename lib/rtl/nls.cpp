// Case mapping and the tables of the code pages in force. Until RtlResetRtlTranslations gives others, case is Unicode's
// and both code pages are UTF-8.
#include "lib/rtl/nls.hpp"

#include "lib/rtl/crt/crt.hpp"
#include "lib/rtl/platform.hpp"
#include "lib/rtl/rtl.hpp"
#include "rtl/casing_tables.hpp"

namespace rtl {

namespace {
constexpr CPTABLEINFO Utf8Page = { .CodePage = CP_UTF8, .MaximumCharacterSize = 4, .DefaultChar = '?', .UniDefaultChar = 0xFFFD, .TransDefaultChar = '?', .TransUniDefaultChar = '?' };
}

constinit NLSTABLEINFO Nls = { Utf8Page, Utf8Page, const_cast<USHORT*>(DefaultUpperCase), const_cast<USHORT*>(DefaultLowerCase) };

namespace {

NTSTATUS ChangeCase(UNICODE_STRING* To, const UNICODE_STRING* From, bool Allocate, const USHORT* Table)
{
    if (Allocate) {
        To->MaximumLength = From->Length;
        To->Buffer = static_cast<WCHAR*>(platform::Allocate(From->Length));
        if (!To->Buffer)
            return STATUS_NO_MEMORY;
    } else if (From->Length > To->MaximumLength) {
        return STATUS_BUFFER_OVERFLOW;
    }
    for (usize I = 0; I < From->Length / 2; ++I)
        To->Buffer[I] = MapCase(Table, From->Buffer[I]);
    To->Length = From->Length;
    return STATUS_SUCCESS;
}

}
}

extern "C" {

USHORT NlsAnsiCodePage = CP_UTF8;
UCHAR NlsMbCodePageTag = 0, NlsMbOemCodePageTag = 0;

WCHAR NTAPI RtlUpcaseUnicodeChar(WCHAR C)
{
    if (u16(C) < 0x80)
        return C >= 'a' && C <= 'z' ? WCHAR(C - 32) : C;
    return rtl::MapCase(rtl::Nls.UpperCaseTable, C);
}
WCHAR NTAPI RtlDowncaseUnicodeChar(WCHAR C)
{
    if (u16(C) < 0x80)
        return C >= 'A' && C <= 'Z' ? WCHAR(C + 32) : C;
    return rtl::MapCase(rtl::Nls.LowerCaseTable, C);
}
NTSTATUS NTAPI RtlUpcaseUnicodeString(UNICODE_STRING* To, const UNICODE_STRING* From, BOOLEAN Allocate)
{
    return rtl::ChangeCase(To, From, Allocate, rtl::Nls.UpperCaseTable);
}
NTSTATUS NTAPI RtlDowncaseUnicodeString(UNICODE_STRING* To, const UNICODE_STRING* From, BOOLEAN Allocate)
{
    return rtl::ChangeCase(To, From, Allocate, rtl::Nls.LowerCaseTable);
}

// A code page file: a header of Table[0] words, then the words up to the table from Unicode, 256 characters, a count and
// perhaps glyphs, the lead-byte ranges and their offsets.
void NTAPI RtlInitCodePageTable(USHORT* Table, CPTABLEINFO* Info)
{
    if (Table[1] == CP_UTF8) {
        *Info = rtl::Utf8Page;
        return;
    }
    Info->CodePage = Table[1];
    Info->MaximumCharacterSize = Table[2];
    Info->DefaultChar = Table[3];
    Info->UniDefaultChar = Table[4];
    Info->TransDefaultChar = Table[5];
    Info->TransUniDefaultChar = Table[6];
    CRT(memcpy)(Info->LeadByte, Table + 7, sizeof(Info->LeadByte));
    USHORT* Data = Table + Table[0];
    Info->WideCharTable = Data + Data[0] + 1;
    Info->MultiByteTable = Data + 1;
    USHORT* Glyphs = Data + 257;
    Info->DBCSRanges = Glyphs + 1 + (*Glyphs ? 256 : 0);
    bool Double = *Info->DBCSRanges != 0;
    Info->DBCSCodePage = Double;
    Info->DBCSOffsets = Double ? Info->DBCSRanges + 1 : nullptr;
}

// A casing file: a version, the size of the upper-case table with this word, that table, a size, the lower-case table.
void NTAPI RtlInitNlsTables(USHORT* Ansi, USHORT* Oem, USHORT* Case, NLSTABLEINFO* Info)
{
    RtlInitCodePageTable(Ansi, &Info->AnsiTableInfo);
    RtlInitCodePageTable(Oem, &Info->OemTableInfo);
    Info->UpperCaseTable = Case + 2;
    Info->LowerCaseTable = Case + Case[1] + 2;
}

void NTAPI RtlResetRtlTranslations(const NLSTABLEINFO* Info)
{
    rtl::Nls = *Info;
    NlsAnsiCodePage = Info->AnsiTableInfo.CodePage;
    NlsMbCodePageTag = Info->AnsiTableInfo.DBCSCodePage != 0;
    NlsMbOemCodePageTag = Info->OemTableInfo.DBCSCodePage != 0;
}

void NTAPI RtlGetDefaultCodePage(USHORT* Ansi, USHORT* Oem)
{
    *Ansi = rtl::Nls.AnsiTableInfo.CodePage;
    *Oem = rtl::Nls.OemTableInfo.CodePage;
}

}
