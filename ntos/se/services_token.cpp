// The services that open, copy, restrict and create tokens.
#include "ntos/se/token.hpp"

#include "ntos/ps/thread.hpp"

using namespace se;

// --- opening

static Status OpenToken(ke::Caller& Caller, Ref<Token> T, ACCESS_MASK Desired, u32 Attributes, ke::UserPtr<HANDLE> To)
{
    return ob::ReturnHandle(Caller, To, ob::OpenByPointer(Caller, std::move(T), Desired, Attributes));
}

static Status OpenProcessToken(ke::Caller& Caller, HANDLE Process, ACCESS_MASK Desired, u32 Attributes, ke::UserPtr<HANDLE> To)
{
    auto P = TRY(ob::Reference<ps::Process>(Caller, Process, PROCESS_QUERY_LIMITED_INFORMATION));
    return OpenToken(Caller, Ref<Token>(P->Token()), Desired, Attributes, To);
}

static Status OpenThreadToken(ke::Caller& Caller, HANDLE Thread, ACCESS_MASK Desired, u32 Attributes, ke::UserPtr<HANDLE> To)
{
    TRY(To.Write(Caller, nullptr));
    auto T = TRY(ob::Reference<ps::Thread>(Caller, Thread, THREAD_QUERY_LIMITED_INFORMATION));
    Token* Impersonated = T->ImpersonationToken();
    if (!Impersonated)
        return STATUS_NO_TOKEN;
    if (Impersonated->Level == SecurityAnonymous)
        return STATUS_CANT_OPEN_ANONYMOUS;
    return OpenToken(Caller, Ref<Token>(*Impersonated), Desired, Attributes, To);
}

Status NtOpenProcessToken(ke::Caller& Caller, svc::OpenProcessToken& Call)
{
    return OpenProcessToken(Caller, Call.ProcessHandle, Call.DesiredAccess, 0, Call.TokenHandle);
}

Status NtOpenProcessTokenEx(ke::Caller& Caller, svc::OpenProcessTokenEx& Call)
{
    return OpenProcessToken(Caller, Call.ProcessHandle, Call.DesiredAccess, Call.HandleAttributes, Call.TokenHandle);
}

Status NtOpenThreadToken(ke::Caller& Caller, svc::OpenThreadToken& Call)
{
    return OpenThreadToken(Caller, Call.ThreadHandle, Call.DesiredAccess, 0, Call.TokenHandle);
}

Status NtOpenThreadTokenEx(ke::Caller& Caller, svc::OpenThreadTokenEx& Call)
{
    return OpenThreadToken(Caller, Call.ThreadHandle, Call.DesiredAccess, Call.HandleAttributes, Call.TokenHandle);
}

// --- duplicates

// The quality of service a caller names; Found: whether there is one. STATUS_INVALID_PARAMETER, STATUS_BAD_IMPERSONATION_LEVEL.
static Status CaptureQos(ke::Caller& Caller, u64 Address, SECURITY_QUALITY_OF_SERVICE& Qos)
{
    Qos = TRY(ke::UserPtr<SECURITY_QUALITY_OF_SERVICE>::At(Address).Read(Caller));
    if (Qos.Length != sizeof(Qos))
        return STATUS_INVALID_PARAMETER;
    return Qos.ImpersonationLevel > SecurityDelegation ? STATUS_BAD_IMPERSONATION_LEVEL : STATUS_SUCCESS;
}

static Result<u64> QosAddress(ke::Caller& Caller, ke::UserPtr<OBJECT_ATTRIBUTES> Attributes)
{
    if (!Attributes)
        return u64(0);
    OBJECT_ATTRIBUTES Raw = TRY(Attributes.Read(Caller));
    return reinterpret_cast<u64>(Raw.SecurityQualityOfService);
}

// Takes away what is not in effect.
static void KeepEffective(Token& T)
{
    T.Present &= T.Enabled;
    T.EnabledByDefault &= T.Enabled;
    for (usize I = T.Groups.Size(); I-- > 1;) {
        u32 A = T.Groups[I].Attributes;
        if (A & (SE_GROUP_ENABLED | SE_GROUP_INTEGRITY | SE_GROUP_USE_FOR_DENY_ONLY))
            continue;
        T.Groups.RemoveAt(I);
        if (T.OwnerIndex == I)
            T.OwnerIndex = 0;
        else if (T.OwnerIndex > I)
            --T.OwnerIndex;
    }
    T.Changed();
}

Status NtDuplicateToken(ke::Caller& Caller, svc::DuplicateToken& Call)
{
    u32 Kind = Call.TokenType;
    if (Kind != TokenPrimary && Kind != TokenImpersonation)
        return STATUS_INVALID_PARAMETER;
    ob::Attributes Where = TRY(ob::Capture(Caller, Call.ObjectAttributes));
    u64 QosAt = TRY(QosAddress(Caller, Call.ObjectAttributes));
    SECURITY_QUALITY_OF_SERVICE Qos {};
    if (QosAt)
        TRY(CaptureQos(Caller, QosAt, Qos));
    auto Found = TRY(ob::ReferenceType(Caller, Call.ExistingTokenHandle, TOKEN_DUPLICATE, Token::Type));
    Token& From = static_cast<Token&>(*Found.Target);
    u32 Level = QosAt ? Qos.ImpersonationLevel : From.IsImpersonation() ? From.Level : SecurityAnonymous;
    if (From.IsImpersonation()) {
        if (Kind == TokenPrimary ? From.Level < SecurityImpersonation : Level > From.Level)
            return STATUS_BAD_IMPERSONATION_LEVEL;
    }
    Ref<Token> New = TRY(From.Copy());
    New->Kind = TOKEN_TYPE(Kind);
    New->Level = Kind == TokenPrimary ? SecurityAnonymous : SECURITY_IMPERSONATION_LEVEL(Level);
    if (Call.EffectiveOnly || (QosAt && Qos.EffectiveOnly))
        KeepEffective(*New);
    ACCESS_MASK Desired = Call.DesiredAccess ? ACCESS_MASK(Call.DesiredAccess) : Found.Granted;
    return ob::ReturnHandle(Caller, Call.NewTokenHandle, ob::InsertAndOpen(Caller, std::move(New), Where, Desired));
}

static Result<Ref<Token>> ForServer(const Token& Client, u32 Level, bool EffectiveOnly)
{
    Ref<Token> New = TRY(Client.Copy());
    New->Kind = TokenImpersonation;
    New->Level = SECURITY_IMPERSONATION_LEVEL(Client.IsImpersonation() && Level > u32(Client.Level) ? u32(Client.Level) : Level);
    if (EffectiveOnly)
        KeepEffective(*New);
    return New;
}

Result<Ref<ob::Object>> se::TokenForServer(ke::Caller& Client, u32 Level, bool EffectiveOnly)
{
    return Ref<ob::Object>(TRY(ForServer(Client.Thread().EffectiveToken(), Level, EffectiveOnly)));
}

Status se::ImpersonateClient(ps::Thread& Server, ob::Object& Given)
{
    constexpr u32 ImpersonatePrivilege = 29;
    Ref<Token> As(static_cast<Token&>(Given));
    if (As->Level > SecurityIdentification && !HasPrivilege(Server.Process().Token(), ImpersonatePrivilege))
        As = TRY(ForServer(*As, SecurityIdentification, false));
    Server.Impersonate(RefPtr<Token>(std::move(As)));
    return STATUS_SUCCESS;
}

// --- restricted tokens

static void DenyOnly(Token& T, usize I)
{
    constexpr u32 Lost = SE_GROUP_MANDATORY | SE_GROUP_ENABLED_BY_DEFAULT | SE_GROUP_ENABLED | SE_GROUP_OWNER;
    SidEntry& E = T.Groups[I];
    E.Attributes = (E.Attributes & ~Lost) | SE_GROUP_USE_FOR_DENY_ONLY;
    if (T.OwnerIndex == I)
        T.OwnerIndex = 0;
}

static void DenyOnly(Token& T, const Sid& Who)
{
    for (usize I = 0; I < T.Groups.Size(); ++I)
        if (T.Groups[I].Id == Who && !(T.Groups[I].Attributes & (SE_GROUP_INTEGRITY)))
            DenyOnly(T, I);
}

static void RemovePrivileges(Token& T, u64 Kept)
{
    T.Present &= Kept;
    T.Enabled &= Kept;
    T.EnabledByDefault &= Kept;
}

// A token of an ordinary user made from an administrator's.
static void MakeLimited(Token& T)
{
    DenyOnly(T, sid::Administrators);
    u64 Kept = 0;
    for (u32 P : { SE_CHANGE_NOTIFY_PRIVILEGE, SE_SHUTDOWN_PRIVILEGE, SE_UNDOCK_PRIVILEGE, SE_INC_WORKING_SET_PRIVILEGE, SE_TIME_ZONE_PRIVILEGE })
        Kept |= u64(1) << P;
    RemovePrivileges(T, Kept);
    if (T.Integrity > sid::MediumIntegrity)
        T.Integrity = sid::MediumIntegrity;
    for (SidEntry& E : T.Groups)
        if (E.Attributes & SE_GROUP_INTEGRITY)
            E.Id = Sid(16, T.Integrity);
    T.Elevated = false;
}

static Result<u32> CaptureCount(ke::Caller& Caller, const ke::UserBuffer& From) { return From.IsNull() ? Result<u32>(0u) : From.ReadAs<u32>(Caller); }

Status NtFilterToken(ke::Caller& Caller, svc::FilterToken& Call)
{
    u32 Flags = Call.Flags;
    if (Flags & ~(DISABLE_MAX_PRIVILEGE | SANDBOX_INERT | LUA_TOKEN | WRITE_RESTRICTED))
        return STATUS_INVALID_PARAMETER;
    Vector<SidEntry> Disable, Restrict;
    Vector<LUID_AND_ATTRIBUTES> Delete;
    TRY(CaptureSids(Caller, Call.SidsToDisable.Address() + 8, TRY(CaptureCount(Caller, Call.SidsToDisable)), Disable));
    TRY(CapturePrivileges(Caller, Call.PrivilegesToDelete.Address() + 4, TRY(CaptureCount(Caller, Call.PrivilegesToDelete)), Delete));
    TRY(CaptureSids(Caller, Call.RestrictedSids.Address() + 8, TRY(CaptureCount(Caller, Call.RestrictedSids)), Restrict));
    for (SidEntry& E : Restrict) {
        if (E.Attributes)
            return STATUS_INVALID_PARAMETER;
        E.Attributes = SE_GROUP_MANDATORY | SE_GROUP_ENABLED_BY_DEFAULT | SE_GROUP_ENABLED;
    }
    auto Found = TRY(ob::ReferenceType(Caller, Call.ExistingTokenHandle, TOKEN_DUPLICATE, Token::Type));
    Token& From = static_cast<Token&>(*Found.Target);
    Ref<Token> New = TRY(From.Copy());
    New->Changed();
    New->Filtered = true;
    New->ParentId = From.Id;
    if (Flags & SANDBOX_INERT)
        New->SandboxInert = true;
    for (const SidEntry& E : Disable)
        DenyOnly(*New, E.Id);
    if (Flags & LUA_TOKEN)
        MakeLimited(*New);
    if (Flags & DISABLE_MAX_PRIVILEGE)
        RemovePrivileges(*New, u64(1) << SE_CHANGE_NOTIFY_PRIVILEGE);
    for (const LUID_AND_ATTRIBUTES& P : Delete)
        if (P.Luid.HighPart == 0 && P.Luid.LowPart < 64)
            RemovePrivileges(*New, ~(u64(1) << P.Luid.LowPart));
    if (!Restrict.IsEmpty()) {
        // A token that is restricted already keeps what both lists have; none left: nothing passes.
        Vector<SidEntry> Both;
        for (const SidEntry& E : Restrict)
            if (!From.IsRestricted() || From.HasRestrictedBytes(E.Id.Bytes()))
                TRY(Both.Push(E));
        if (Both.IsEmpty())
            TRY(Both.Push(SidEntry { sid::Nobody, 7 }));
        if (!From.IsRestricted() || !From.WriteRestricted)
            New->WriteRestricted = !From.IsRestricted() && (Flags & WRITE_RESTRICTED);
        else
            New->WriteRestricted = Flags & WRITE_RESTRICTED;
        New->Restricted = std::move(Both);
    }
    return ob::ReturnHandle(Caller, Call.NewTokenHandle, ob::GrantHandle(Caller, std::move(New), Found.Granted, 0));
}

// --- new ones

Status NtCreateToken(ke::Caller& Caller, svc::CreateToken& Call)
{
    if (!HasEnabled(Caller.Thread().EffectiveToken(), SE_CREATE_TOKEN_PRIVILEGE))
        return STATUS_PRIVILEGE_NOT_HELD;
    u32 Kind = Call.TokenType;
    if (Kind != TokenPrimary && Kind != TokenImpersonation)
        return STATUS_BAD_TOKEN_TYPE;
    ob::Attributes Where = TRY(ob::Capture(Caller, Call.ObjectAttributes));
    u64 QosAt = TRY(QosAddress(Caller, Call.ObjectAttributes));
    SECURITY_QUALITY_OF_SERVICE Qos {};
    if (QosAt)
        TRY(CaptureQos(Caller, QosAt, Qos));
    Ref<Token> New = TRY(ob::Make<Token>());
    TRY(CaptureSids(Caller, Call.User.Address(), 1, New->Groups));
    New->Groups[0].Attributes = 0;
    TRY(CaptureSids(Caller, Call.Groups.Address() + 8, TRY(Call.Groups.ReadAs<u32>(Caller)), New->Groups));
    Vector<LUID_AND_ATTRIBUTES> Privileges;
    TRY(CapturePrivileges(Caller, Call.Privileges.Address() + 4, TRY(Call.Privileges.ReadAs<u32>(Caller)), Privileges));
    for (const LUID_AND_ATTRIBUTES& P : Privileges) {
        if (P.Luid.HighPart || P.Luid.LowPart < SE_CREATE_TOKEN_PRIVILEGE || P.Luid.LowPart > SE_DELEGATE_SESSION_USER_IMPERSONATE_PRIVILEGE)
            return STATUS_NO_SUCH_PRIVILEGE;
        u64 Bit = u64(1) << P.Luid.LowPart;
        New->Present |= Bit;
        if (P.Attributes & SE_PRIVILEGE_ENABLED)
            New->Enabled |= Bit;
        if (P.Attributes & SE_PRIVILEGE_ENABLED_BY_DEFAULT)
            New->EnabledByDefault |= Bit;
    }
    for (const SidEntry& E : New->Groups)
        if (E.Attributes & SE_GROUP_INTEGRITY)
            New->Integrity = E.Id.Count ? E.Id.Subs[E.Id.Count - 1] : 0;
    auto IndexOf = [&](const Sid& Who) {
        u32 I = 0;
        while (I < New->Groups.Size() && !(New->Groups[I].Id == Who))
            ++I;
        return I;
    };
    if (Call.Owner) {
        Sid Owner = TRY(CaptureSid(Caller, TRY(Call.Owner.ReadAs<u64>(Caller))));
        if (!New->MayOwn(Owner))
            return STATUS_INVALID_OWNER;
        New->OwnerIndex = IndexOf(Owner);
    }
    New->PrimaryGroup = TRY(CaptureSid(Caller, TRY(Call.PrimaryGroup.ReadAs<u64>(Caller))));
    if (IndexOf(New->PrimaryGroup) == New->Groups.Size())
        return STATUS_INVALID_PRIMARY_GROUP;
    if (Call.DefaultDacl)
        if (u64 Acl = TRY(Call.DefaultDacl.ReadAs<u64>(Caller)))
            New->DefaultDacl = TRY(CaptureAcl(Caller, Acl));
    New->Source = TRY(Call.TokenSource.ReadAs<TOKEN_SOURCE>(Caller));
    LUID Authentication = TRY(Call.AuthenticationId.Read(Caller));
    New->AuthenticationId = u64(u32(Authentication.HighPart)) << 32 | Authentication.LowPart;
    New->ExpirationTime = TRY(Call.ExpirationTime.Read(Caller)).QuadPart;
    New->Kind = TOKEN_TYPE(Kind);
    New->Level = Kind == TokenPrimary ? SecurityAnonymous : SECURITY_IMPERSONATION_LEVEL(Qos.ImpersonationLevel);
    New->SessionId = Caller.Process().Token().SessionId;
    New->Elevated = New->Has(sid::Administrators, false);
    return ob::ReturnHandle(Caller, Call.TokenHandle, ob::InsertAndOpen(Caller, std::move(New), Where, Call.DesiredAccess));
}

Status NtImpersonateThread(ke::Caller& Caller, svc::ImpersonateThread& Call)
{
    SECURITY_QUALITY_OF_SERVICE Qos;
    TRY(CaptureQos(Caller, Call.SecurityQos.Address(), Qos));
    auto Server = TRY(ob::Reference<ps::Thread>(Caller, Call.ServerThreadHandle, THREAD_DIRECT_IMPERSONATION));
    auto Client = TRY(ob::Reference<ps::Thread>(Caller, Call.ClientThreadHandle, THREAD_IMPERSONATE));
    Token& From = Client->EffectiveToken();
    if (From.IsImpersonation() && Qos.ImpersonationLevel > From.Level)
        return STATUS_BAD_IMPERSONATION_LEVEL;
    Ref<Token> New = TRY(From.Copy());
    New->Kind = TokenImpersonation;
    New->Level = SECURITY_IMPERSONATION_LEVEL(Qos.ImpersonationLevel);
    if (Qos.EffectiveOnly)
        KeepEffective(*New);
    Server->Impersonate(RefPtr<Token>(std::move(New)));
    return STATUS_SUCCESS;
}
