// Tokens: life, copies, membership; the tokens the system starts with.
#include "ntos/se/token.hpp"

#include "ntos/ex/ex.hpp"
#include "ntos/ps/thread.hpp"

namespace se {

constinit const ob::TypeInfo Token::Type {
    .Name = L"Token",
    .ValidAccess = TOKEN_ALL_ACCESS | SYNCHRONIZE,
    .Mapping = { STANDARD_RIGHTS_READ | TOKEN_QUERY | TOKEN_QUERY_SOURCE | TOKEN_DUPLICATE,
                 STANDARD_RIGHTS_WRITE | TOKEN_ADJUST_PRIVILEGES | TOKEN_ADJUST_GROUPS | TOKEN_ADJUST_DEFAULT | TOKEN_ADJUST_SESSIONID,
                 STANDARD_RIGHTS_EXECUTE | TOKEN_ASSIGN_PRIMARY | TOKEN_IMPERSONATE, TOKEN_ALL_ACCESS },
};

u64 NewLuid()
{
    LUID L = ex::AllocateLuid();
    return u64(u32(L.HighPart)) << 32 | L.LowPart;
}

Token::Token() : Object(Type), Id(NewLuid()), ModifiedId(NewLuid()) { }
Token::~Token() = default;
void Token::Changed() { ModifiedId = NewLuid(); }

static Status CopyEntries(Vector<SidEntry>& To, const Vector<SidEntry>& From)
{
    TRY(To.Reserve(From.Size()));
    for (const SidEntry& E : From)
        TRY(To.Push(E));
    return STATUS_SUCCESS;
}

Status Token::CopyLists(const Token& From)
{
    TRY(CopyEntries(Groups, From.Groups));
    TRY(CopyEntries(Restricted, From.Restricted));
    TRY(DefaultDacl.Resize(From.DefaultDacl.Size()));
    if (!From.DefaultDacl.IsEmpty())
        memcpy(DefaultDacl.Data(), From.DefaultDacl.Data(), From.DefaultDacl.Size());
    return STATUS_SUCCESS;
}

Result<Ref<Token>> Token::Copy() const
{
    Ref<Token> T = TRY(ob::Make<Token>());
    TRY(T->CopyLists(*this));
    T->Present = Present, T->Enabled = Enabled, T->EnabledByDefault = EnabledByDefault;
    T->OwnerIndex = OwnerIndex;
    T->PrimaryGroup = PrimaryGroup;
    T->Source = Source;
    T->Kind = Kind;
    T->Level = Level;
    T->ModifiedId = ModifiedId;
    T->AuthenticationId = AuthenticationId, T->ParentId = ParentId, T->Origin = Origin;
    T->ExpirationTime = ExpirationTime;
    T->SessionId = SessionId;
    T->Elevation = Elevation;
    T->Elevated = Elevated, T->SandboxInert = SandboxInert, T->WriteRestricted = WriteRestricted, T->Filtered = Filtered, T->UiAccess = UiAccess;
    T->VirtualizationAllowed = VirtualizationAllowed, T->VirtualizationEnabled = VirtualizationEnabled;
    T->Integrity = Integrity, T->MandatoryPolicy = MandatoryPolicy;
    return T;
}

static bool Matches(const Sid& S, std::span<const u8> Who)
{
    return Who.size() >= S.Size() && Who[1] == S.Count && memcmp(&S, Who.data(), S.Size()) == 0;
}

bool Token::HasBytes(std::span<const u8> Who, bool ForDeny) const
{
    for (usize I = 0; I < Groups.Size(); ++I) {
        const SidEntry& E = Groups[I];
        if (!Matches(E.Id, Who))
            continue;
        if (E.Attributes & SE_GROUP_USE_FOR_DENY_ONLY)
            return ForDeny;
        return I == 0 || (E.Attributes & SE_GROUP_ENABLED);
    }
    return false;
}

bool Token::Has(const Sid& Who, bool ForDeny) const { return HasBytes(Who.Bytes(), ForDeny); }

bool Token::HasRestrictedBytes(std::span<const u8> Who) const
{
    for (const SidEntry& E : Restricted)
        if (Matches(E.Id, Who))
            return true;
    return false;
}

bool Token::MayOwn(const Sid& Who) const
{
    for (usize I = 0; I < Groups.Size(); ++I)
        if (Groups[I].Id == Who && (I == 0 || (Groups[I].Attributes & SE_GROUP_OWNER)))
            return !(Groups[I].Attributes & SE_GROUP_USE_FOR_DENY_ONLY);
    return false;
}

bool MayOwn(const Token& By, std::span<const u8> Owner)
{
    Result<Sid> Who = ParseSid(Owner);
    return Who.Ok() && By.MayOwn(Who.Value());
}

Result<Ref<Token>> DuplicateForProcess(const Token& From)
{
    Ref<Token> T = TRY(From.Copy());
    T->Kind = TokenPrimary;
    T->Level = SecurityAnonymous;
    return T;
}

Result<Ref<Token>> ReferenceToken(ke::Caller& Caller, HANDLE Handle, ACCESS_MASK Access)
{
    switch (i64(reinterpret_cast<u64>(Handle))) {
    case -4: return Ref<Token>(Caller.Process().Token());
    case -5:
        if (Token* T = Caller.Thread().ImpersonationToken())
            return Ref<Token>(*T);
        return STATUS_NO_TOKEN;
    case -6: return Ref<Token>(Caller.Thread().EffectiveToken());
    default: return ob::Reference<Token>(Caller, Handle, Access);
    }
}

// --- the first tokens

namespace {

constexpr u32 Normal = SE_GROUP_MANDATORY | SE_GROUP_ENABLED_BY_DEFAULT | SE_GROUP_ENABLED;
constexpr u64 Bit(u32 Privilege) { return u64(1) << Privilege; }

struct FirstGroup {
    Sid Id;
    u32 Attributes;
};

struct FirstToken {
    std::span<const FirstGroup> Groups;
    u32 Owner;
    u64 Present, Enabled;
    u32 Integrity;
};

Result<Ref<Token>> Build(const FirstToken& From, const Sid& PrimaryGroup)
{
    Ref<Token> T = TRY(ob::Make<Token>());
    for (const FirstGroup& G : From.Groups)
        TRY(T->Groups.Push(SidEntry { G.Id, G.Attributes }));
    T->PrimaryGroup = PrimaryGroup;
    T->OwnerIndex = From.Owner;
    T->Present = From.Present;
    T->Enabled = T->EnabledByDefault = From.Enabled;
    T->Integrity = From.Integrity;
    T->Elevated = true;
    memcpy(T->Source.SourceName, "Neptune", 8);
    T->Source.SourceIdentifier = ToLuid(T->Id);
    return T;
}

}

// All of one session log on once.
static u64 LogonId;

Result<Ref<Token>> SystemToken()
{
    static constexpr FirstGroup Groups[] = {
        { sid::LocalSystem, 0 },
        { sid::Administrators, SE_GROUP_ENABLED_BY_DEFAULT | SE_GROUP_ENABLED | SE_GROUP_OWNER },
        { sid::Everyone, Normal },
        { sid::AuthenticatedUsers, Normal },
        { Sid(16, sid::SystemIntegrity), SE_GROUP_INTEGRITY | SE_GROUP_INTEGRITY_ENABLED },
    };
    constexpr u64 All = (Bit(37) - 1) & ~(Bit(2) - 1);
    Ref<Token> T = TRY(Build({ Groups, 1, All, All, sid::SystemIntegrity }, sid::LocalSystem));
    AclBuilder Dacl;
    TRY(Dacl.Add(ACCESS_ALLOWED_ACE_TYPE, 0, GENERIC_ALL, sid::LocalSystem));
    TRY(Dacl.Add(ACCESS_ALLOWED_ACE_TYPE, 0, GENERIC_READ | GENERIC_EXECUTE | READ_CONTROL, sid::Administrators));
    T->DefaultDacl = TRY(Dacl.Finish());
    return T;
}

Result<Ref<Token>> UserToken()
{
    const Sid User = sid::Machine.Below(1000), None = sid::Machine.Below(513), Logon(5, 5, u32(LogonId >> 32), u32(LogonId));
    const FirstGroup Groups[] = {
        { User, 0 },
        { None, Normal },
        { sid::Everyone, Normal },
        { sid::LocalAccount, Normal },
        { sid::Administrators, Normal | SE_GROUP_OWNER },
        { sid::Users, Normal },
        { sid::Interactive, Normal },
        { sid::ConsoleLogon, Normal },
        { sid::AuthenticatedUsers, Normal },
        { sid::ThisOrganization, Normal },
        { Logon, Normal | SE_GROUP_LOGON_ID },
        { sid::Local, Normal },
        { sid::NtlmAuthentication, Normal },
        { Sid(16, sid::HighIntegrity), SE_GROUP_INTEGRITY | SE_GROUP_INTEGRITY_ENABLED },
    };
    constexpr u32 Held[] = {
        SE_INCREASE_QUOTA_PRIVILEGE, SE_SECURITY_PRIVILEGE, SE_TAKE_OWNERSHIP_PRIVILEGE, SE_LOAD_DRIVER_PRIVILEGE, SE_SYSTEM_PROFILE_PRIVILEGE,
        SE_SYSTEMTIME_PRIVILEGE, SE_PROF_SINGLE_PROCESS_PRIVILEGE, SE_INC_BASE_PRIORITY_PRIVILEGE, SE_CREATE_PAGEFILE_PRIVILEGE,
        SE_BACKUP_PRIVILEGE, SE_RESTORE_PRIVILEGE, SE_SHUTDOWN_PRIVILEGE, SE_DEBUG_PRIVILEGE, SE_SYSTEM_ENVIRONMENT_PRIVILEGE,
        SE_CHANGE_NOTIFY_PRIVILEGE, SE_REMOTE_SHUTDOWN_PRIVILEGE, SE_UNDOCK_PRIVILEGE, SE_MANAGE_VOLUME_PRIVILEGE, SE_IMPERSONATE_PRIVILEGE,
        SE_CREATE_GLOBAL_PRIVILEGE, SE_INC_WORKING_SET_PRIVILEGE, SE_TIME_ZONE_PRIVILEGE, SE_CREATE_SYMBOLIC_LINK_PRIVILEGE,
        SE_DELEGATE_SESSION_USER_IMPERSONATE_PRIVILEGE,
    };
    u64 Present = 0;
    for (u32 P : Held)
        Present |= Bit(P);
    Ref<Token> T = TRY(Build({ Groups, 4, Present, Bit(SE_CHANGE_NOTIFY_PRIVILEGE) | Bit(SE_IMPERSONATE_PRIVILEGE) | Bit(SE_CREATE_GLOBAL_PRIVILEGE), sid::HighIntegrity }, None));
    T->AuthenticationId = LogonId;
    T->Origin = 0x3E7;
    AclBuilder Dacl;
    TRY(Dacl.Add(ACCESS_ALLOWED_ACE_TYPE, 0, GENERIC_ALL, sid::Administrators));
    TRY(Dacl.Add(ACCESS_ALLOWED_ACE_TYPE, 0, GENERIC_ALL, sid::LocalSystem));
    TRY(Dacl.Add(ACCESS_ALLOWED_ACE_TYPE, 0, GENERIC_READ | GENERIC_EXECUTE, Logon));
    T->DefaultDacl = TRY(Dacl.Finish());
    return T;
}

Status Initialize()
{
    LogonId = NewLuid();
    return STATUS_SUCCESS;
}

}
