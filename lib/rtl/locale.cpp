// Locale names and identifiers, from the tables of locale.nls; preferred languages.
//
// locale.nls begins with eight offsets; the fifth leads to the locale tables: a header, an index by identifier and one by
// name (both sorted), the locales' data, and counted strings. Everything is checked against the size of the mapping.
#include "lib/rtl/crt/crt.hpp"
#include "lib/rtl/platform.hpp"
#include "lib/rtl/rtl.hpp"

namespace {

struct Header {
    u32 Offset, Unknown1, Version, Magic, Unknown2[3];
    u16 HeaderSize, LcidCount, LocaleCount, LocaleSize;
    u32 Locales;
    u16 NameCount, Pad;
    u32 Lcids, Names, Unknown3;
    u16 CalendarCount, CalendarSize;
    u32 Calendars, Strings;
};
static_assert(sizeof(Header) == 0x44);
struct LcidEntry {
    u32 Lcid;
    u16 Locale, Name;
};
struct NameEntry {
    u16 Name, Locale;
    u32 Lcid;
};
constexpr usize NotNeutralOffset = 0x18;        // of a locale's data
constexpr ULONG AllowNeutral = 2;

// What was found in the mapping; all null until then.
struct {
    const u8* Base;
    usize Size;                                 // from Base on
    const LcidEntry* Lcids;
    const NameEntry* Names;
    u32 LcidCount, NameCount;
    const Header* Head;
} Table;

bool Covers(usize Offset, usize Count, usize Each) { return Offset <= Table.Size && Count <= (Table.Size - Offset) / Each; }

bool Load(const void* File, usize Size)
{
    if (Size < 32)
        return false;
    u32 Offset = static_cast<const u32*>(File)[4];
    if (Offset > Size || Size - Offset < sizeof(Header))
        return false;
    Table.Base = static_cast<const u8*>(File) + Offset;
    Table.Size = Size - Offset;
    auto* Head = reinterpret_cast<const Header*>(Table.Base);
    if (!Covers(Head->Lcids, Head->LcidCount, sizeof(LcidEntry)) || !Covers(Head->Names, Head->NameCount, sizeof(NameEntry)) ||
        Head->LocaleSize < NotNeutralOffset + 2 || !Covers(Head->Locales, Head->LocaleCount, Head->LocaleSize) || Head->Strings > Table.Size)
        return false;
    Table.Lcids = reinterpret_cast<const LcidEntry*>(Table.Base + Head->Lcids);
    Table.Names = reinterpret_cast<const NameEntry*>(Table.Base + Head->Names);
    Table.LcidCount = Head->LcidCount;
    Table.NameCount = Head->NameCount;
    Table.Head = Head;
    return true;
}

// A counted string; empty if it does not lie in the mapping.
const WCHAR* String(u16 Index, usize* Count)
{
    *Count = 0;
    usize At = Table.Head->Strings + usize(Index) * 2;
    if (!Covers(At, 1, 2))
        return nullptr;
    auto* S = reinterpret_cast<const WCHAR*>(Table.Base + At);
    if (!Covers(At + 2, u16(S[0]), 2))
        return nullptr;
    *Count = u16(S[0]);
    return S + 1;
}

bool IsNeutral(u16 Locale)
{
    if (Locale >= Table.Head->LocaleCount)
        return true;
    u16 NotNeutral;
    CRT(memcpy)(&NotNeutral, Table.Base + Table.Head->Locales + usize(Locale) * Table.Head->LocaleSize + NotNeutralOffset, 2);
    return !NotNeutral;
}

// Without regard to case, "_" as "-".
u16 Fold(WCHAR C) { return C >= 'a' && C <= 'z' ? u16(C - 32) : C == '_' ? u16('-') : u16(C); }

const NameEntry* FindName(const WCHAR* Name)
{
    if (!Name || !Table.Head)
        return nullptr;
    usize Length = CRT(wcslen)(Name);
    u32 Low = 0, High = Table.NameCount;
    while (Low < High) {
        u32 Middle = (Low + High) / 2;
        usize Count;
        const WCHAR* Entry = String(Table.Names[Middle].Name, &Count);
        i32 Order = 0;
        for (usize I = 0; !Order && (I < Length || I < Count); ++I)
            Order = i32(I < Length ? Fold(Name[I]) : 0) - i32(I < Count ? Fold(Entry[I]) : 0);
        if (!Order)
            return &Table.Names[Middle];
        if (Order < 0)
            High = Middle;
        else
            Low = Middle + 1;
    }
    return nullptr;
}

const LcidEntry* FindLcid(LCID Lcid)
{
    if (!Table.Head)
        return nullptr;
    u32 Low = 0, High = Table.LcidCount;
    while (Low < High) {
        u32 Middle = (Low + High) / 2;
        if (Table.Lcids[Middle].Lcid == Lcid)
            return &Table.Lcids[Middle];
        if (Lcid < Table.Lcids[Middle].Lcid)
            High = Middle;
        else
            Low = Middle + 1;
    }
    return nullptr;
}

// One language as a list of strings: its name, or its number in hexadecimal.
NTSTATUS OneLanguage(ULONG Flags, LANGID Language, ULONG* Count, WCHAR* Buffer, ULONG* Size)
{
    WCHAR Text[86] = {};
    if (Flags & MUI_LANGUAGE_ID) {
        CRT(_snwprintf)(Text, 85, L"%04lX", u32(Language));
    } else {
        UNICODE_STRING Name = { 0, sizeof(Text) - 2, Text };
        if (NTSTATUS Status = RtlLcidToLocaleName(Language, &Name, AllowNeutral, false); Status < 0)
            return Status;
    }
    ULONG Needed = ULONG(CRT(wcslen)(Text) + 2);
    *Count = 1;
    if (Buffer && *Size < Needed) {
        *Size = Needed;
        return STATUS_BUFFER_TOO_SMALL;
    }
    *Size = Needed;
    if (Buffer)
        CRT(memcpy)(Buffer, Text, Needed * 2);
    return STATUS_SUCCESS;
}

bool BadQuery(ULONG Flags, ULONG Allowed, const ULONG* Count, const WCHAR* Buffer, const ULONG* Size)
{
    return (Flags & ~Allowed) || ((Flags & MUI_LANGUAGE_NAME) && (Flags & MUI_LANGUAGE_ID)) || !Count || !Size || (*Size && !Buffer);
}

constexpr ULONG MUI_MERGE_SYSTEM_FALLBACK = 0x10, MUI_MERGE_USER_FALLBACK = 0x20, MUI_THREAD_LANGUAGES = 0x40, MUI_MACHINE_LANGUAGE_SETTINGS = 0x400;

}

extern "C" {

void NTAPI RtlpSetLocaleTable(const void* LocaleNls, ULONG Size) { Load(LocaleNls, Size); }

BOOLEAN NTAPI RtlIsValidLocaleName(const WCHAR* Name, ULONG Flags)
{
    const NameEntry* Entry = FindName(Name);
    return Entry && ((Flags & AllowNeutral) || !IsNeutral(Entry->Locale));
}

NTSTATUS NTAPI RtlLcidToLocaleName(LCID Lcid, UNICODE_STRING* Name, ULONG Flags, BOOLEAN Allocate)
{
    if (!Name)
        return STATUS_INVALID_PARAMETER_2;
    switch (Lcid) {
    case LOCALE_USER_DEFAULT:
        Lcid = rtl::platform::DefaultLocale(true);
        break;
    case LOCALE_SYSTEM_DEFAULT:
    case LOCALE_CUSTOM_DEFAULT:
        Lcid = rtl::platform::DefaultLocale(false);
        break;
    case LOCALE_CUSTOM_UI_DEFAULT:
        return STATUS_UNSUCCESSFUL;
    case LOCALE_CUSTOM_UNSPECIFIED:
        return STATUS_INVALID_PARAMETER_1;
    }
    const LcidEntry* Entry = FindLcid(Lcid);
    if (!Entry || (!(Flags & AllowNeutral) && IsNeutral(Entry->Locale)))
        return STATUS_INVALID_PARAMETER_1;
    usize Count;
    const WCHAR* Text = String(Entry->Name, &Count);
    if (Count > 255)
        return STATUS_INVALID_PARAMETER_1;
    USHORT Room = USHORT(Count * 2 + 2);
    if (Allocate) {
        Name->Buffer = static_cast<WCHAR*>(rtl::platform::Allocate(Room));
        if (!Name->Buffer)
            return STATUS_NO_MEMORY;
        Name->MaximumLength = Room;
    } else if (Name->MaximumLength < Room) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    CRT(memcpy)(Name->Buffer, Text, Count * 2);
    Name->Buffer[Count] = 0;
    Name->Length = USHORT(Count * 2);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlLocaleNameToLcid(const WCHAR* Name, LCID* Lcid, ULONG Flags)
{
    const NameEntry* Entry = FindName(Name);
    if (!Entry || (!(Flags & AllowNeutral) && IsNeutral(Entry->Locale)))
        return STATUS_INVALID_PARAMETER_1;
    *Lcid = Entry->Lcid;
    return STATUS_SUCCESS;
}

// The identifier's digits, filled up with zeros to Padding.
NTSTATUS NTAPI RtlConvertLCIDToString(LCID Lcid, ULONG Base, ULONG Padding, WCHAR* To, ULONG Room)
{
    if (Base < 2 || Base > 16 || Padding > 32)
        return STATUS_INVALID_PARAMETER;
    WCHAR Text[33];
    ULONG At = 32;
    Text[32] = 0;
    do {
        Text[--At] = WCHAR("0123456789abcdef"[Lcid % Base]);
        Lcid /= Base;
    } while (Lcid);
    while (32 - At < Padding)
        Text[--At] = '0';
    if (Room < 33 - At)
        return STATUS_BUFFER_TOO_SMALL;
    CRT(memcpy)(To, Text + At, (33 - At) * 2);
    return STATUS_SUCCESS;
}

// There is one language: the user's, of which the process and its threads have no other.
NTSTATUS NTAPI RtlGetProcessPreferredUILanguages(ULONG Flags, ULONG* Count, WCHAR* Buffer, ULONG* Size)
{
    if (BadQuery(Flags, MUI_LANGUAGE_NAME | MUI_LANGUAGE_ID, Count, Buffer, Size))
        return STATUS_INVALID_PARAMETER;
    return OneLanguage(Flags, LANGID(rtl::platform::DefaultLocale(true)), Count, Buffer, Size);
}
NTSTATUS NTAPI RtlGetSystemPreferredUILanguages(ULONG Flags, ULONG, ULONG* Count, WCHAR* Buffer, ULONG* Size)
{
    if (BadQuery(Flags, MUI_LANGUAGE_NAME | MUI_LANGUAGE_ID | MUI_MACHINE_LANGUAGE_SETTINGS, Count, Buffer, Size))
        return STATUS_INVALID_PARAMETER;
    return OneLanguage(Flags, LANGID(rtl::platform::DefaultLocale(false)), Count, Buffer, Size);
}
NTSTATUS NTAPI RtlGetThreadPreferredUILanguages(ULONG Flags, ULONG* Count, WCHAR* Buffer, ULONG* Size)
{
    constexpr ULONG Allowed = MUI_LANGUAGE_NAME | MUI_LANGUAGE_ID | MUI_MERGE_SYSTEM_FALLBACK | MUI_MERGE_USER_FALLBACK | MUI_THREAD_LANGUAGES;
    if (BadQuery(Flags, Allowed, Count, Buffer, Size))
        return STATUS_INVALID_PARAMETER;
    return OneLanguage(Flags, LANGID(rtl::platform::DefaultLocale(true)), Count, Buffer, Size);
}
NTSTATUS NTAPI RtlGetUserPreferredUILanguages(ULONG Flags, ULONG, ULONG* Count, WCHAR* Buffer, ULONG* Size)
{
    if (BadQuery(Flags, MUI_LANGUAGE_NAME | MUI_LANGUAGE_ID, Count, Buffer, Size))
        return STATUS_INVALID_PARAMETER;
    return OneLanguage(Flags, LANGID(rtl::platform::DefaultLocale(true)), Count, Buffer, Size);
}
// Accepted without effect: programs set their languages without asking whether that helped.
NTSTATUS NTAPI RtlSetProcessPreferredUILanguages(ULONG, const WCHAR*, ULONG* Count)
{
    if (Count)
        *Count = 0;
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI RtlSetThreadPreferredUILanguages(ULONG, const WCHAR*, ULONG* Count)
{
    if (Count)
        *Count = 0;
    return STATUS_SUCCESS;
}

}
