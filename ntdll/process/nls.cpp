// The national-language files of this process: ANSI and OEM code pages, the case table, the locale file.
#include "ntdll/process/process.hpp"

struct CPTABLEINFO_STORAGE {
    u64 Words[8];
};

namespace nt {
struct NLSTABLEINFO;
}

extern "C" {
void NTAPI RtlInitNlsTables(USHORT* Ansi, USHORT* Oem, USHORT* Case, NLSTABLEINFO* Info);
void NTAPI RtlResetRtlTranslations(const NLSTABLEINFO* Info);
void NTAPI RtlpSetLocaleTable(const void* LocaleNls, ULONG Size);
}

namespace {

constexpr ULONG CaseSection = 10, CodePageSection = 11;
constinit PVOID Locale = nullptr;
constinit ULONG LocaleId = 0x409;
constinit LARGE_INTEGER LocaleSize {};

PVOID MapSection(ULONG Type, ULONG Id)
{
    PVOID Address = nullptr;
    ULONG Size = 0;
    return NtGetNlsSectionPtr(Type, Id, nullptr, &Address, &Size) >= 0 ? Address : nullptr;
}

}

void RtlpInitializeNls()
{
    PEB* P = Peb();
    if (!P->AnsiCodePageData)
        P->AnsiCodePageData = MapSection(CodePageSection, 1252);
    if (!P->OemCodePageData)
        P->OemCodePageData = MapSection(CodePageSection, 437);
    if (!P->UnicodeCaseTableData)
        P->UnicodeCaseTableData = MapSection(CaseSection, 0);
    if (P->AnsiCodePageData && P->OemCodePageData && P->UnicodeCaseTableData) {
        alignas(16) u64 Tables[32] {};          // NLSTABLEINFO
        auto* Info = reinterpret_cast<NLSTABLEINFO*>(Tables);
        RtlInitNlsTables(static_cast<USHORT*>(P->AnsiCodePageData), static_cast<USHORT*>(P->OemCodePageData),
                         static_cast<USHORT*>(P->UnicodeCaseTableData), Info);
        RtlResetRtlTranslations(Info);
        P->ActiveCodePage = 1252;
        P->OemCodePage = 437;
    }
    if (NtInitializeNlsFiles(&Locale, &LocaleId, &LocaleSize) < 0)
        Locale = nullptr;
    if (Locale)
        RtlpSetLocaleTable(Locale, ~0u);
}

extern "C" NTSTATUS NTAPI RtlGetLocaleFileMappingAddress(PVOID* Address, ULONG* DefaultLocale, LARGE_INTEGER* Size)
{
    if (!Locale)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    *Address = Locale;
    *DefaultLocale = LocaleId;
    if (Size)
        *Size = LocaleSize;
    return STATUS_SUCCESS;
}
