// Default locales and languages of the system: US English until somebody says otherwise.
#include "ntos/ex/ex.hpp"

static ULONG SystemLocale = 0x409, UserLocale = 0x409;
static USHORT UserLanguage = 0x409;
static constexpr USHORT InstallLanguage = 0x409;

Status NtQueryDefaultLocale(ke::Caller& Caller, svc::QueryDefaultLocale& Call)
{
    return Call.DefaultLocaleId.Write(Caller, Call.UserProfile ? UserLocale : SystemLocale);
}

Status NtSetDefaultLocale(ke::Caller&, svc::SetDefaultLocale& Call)
{
    ULONG New = Call.DefaultLocaleId;
    if (New & 0xFFF00000)               // bits that no locale has
        return STATUS_INVALID_PARAMETER;
    (Call.UserProfile ? UserLocale : SystemLocale) = New;
    return STATUS_SUCCESS;
}

Status NtQueryDefaultUILanguage(ke::Caller& Caller, svc::QueryDefaultUILanguage& Call)
{
    return Call.DefaultUILanguageId.Write(Caller, UserLanguage);
}

Status NtSetDefaultUILanguage(ke::Caller&, svc::SetDefaultUILanguage& Call)
{
    UserLanguage = Call.DefaultUILanguageId ? Call.DefaultUILanguageId.Get() : InstallLanguage;
    return STATUS_SUCCESS;
}

Status NtQueryInstallUILanguage(ke::Caller& Caller, svc::QueryInstallUILanguage& Call)
{
    return Call.InstallUILanguageId.Write(Caller, InstallLanguage);
}
