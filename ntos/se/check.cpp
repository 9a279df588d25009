// NtAccessCheck and NtPrivilegeCheck.
#include "ntos/se/token.hpp"

#include "ntos/ps/thread.hpp"

using namespace se;

// PRIVILEGE_SET with the privileges an access needed.
static Status WritePrivileges(ke::Caller& Caller, const ke::UserBuffer& To, u64 Used)
{
    u32 Count = u32(__builtin_popcountll(Used));
    TRY(To.WriteAs(Caller, PRIVILEGE_SET_HEADER { Count, 0 }));
    usize At = sizeof(PRIVILEGE_SET_HEADER);
    for (u32 P = 0; P < 64; ++P)
        if (Used >> P & 1) {
            TRY(To.WriteAs(Caller, LUID_AND_ATTRIBUTES { { P, 0 }, SE_PRIVILEGE_USED_FOR_ACCESS }, At));
            At += sizeof(LUID_AND_ATTRIBUTES);
        }
    return STATUS_SUCCESS;
}

static constexpr usize SmallestPrivilegeSet = sizeof(PRIVILEGE_SET_HEADER) + sizeof(LUID_AND_ATTRIBUTES);

Status NtAccessCheck(ke::Caller& Caller, svc::AccessCheck& Call)
{
    ACCESS_MASK Desired = Call.DesiredAccess;
    if (Desired & 0xF0000000)
        return STATUS_GENERIC_NOT_MAPPED;
    GENERIC_MAPPING Mapping = TRY(Call.GenericMapping.Read(Caller));
    Ref<Token> By = TRY(ReferenceToken(Caller, Call.ClientToken, TOKEN_QUERY));
    if (!By->IsImpersonation())
        return STATUS_NO_IMPERSONATION_TOKEN;
    if (By->Level < SecurityIdentification)
        return STATUS_BAD_IMPERSONATION_LEVEL;
    u32 Room = TRY(Call.PrivilegeSetLength.Read(Caller));
    auto Descriptor = TRY(SecurityDescriptor::Capture(Caller, Call.SecurityDescriptor.Address()));
    Parts P = TakeApart(Descriptor.Get());
    if (P.Owner.empty() || P.Group.empty())
        return STATUS_INVALID_SECURITY_DESCR;
    if (Room < SmallestPrivilegeSet) {
        TRY(Call.PrivilegeSetLength.Write(Caller, ULONG(SmallestPrivilegeSet)));
        return STATUS_BUFFER_TOO_SMALL;
    }
    u64 Used = 0;
    Result<ACCESS_MASK> Granted = STATUS_ACCESS_DENIED;
    if (Desired)
        Granted = CheckDescriptor(Descriptor.Get(), *By, Desired, Mapping, Used);
    if (!Granted.Ok())
        Used = 0;
    usize Needed = sizeof(PRIVILEGE_SET_HEADER) + usize(__builtin_popcountll(Used)) * sizeof(LUID_AND_ATTRIBUTES);
    if (Room < Needed) {
        TRY(Call.PrivilegeSetLength.Write(Caller, ULONG(Needed)));
        return STATUS_BUFFER_TOO_SMALL;
    }
    TRY(WritePrivileges(Caller, Call.PrivilegeSet, Used));
    TRY(Call.GrantedAccess.Write(Caller, Granted.Ok() ? Granted.Value() : 0));
    return Call.AccessStatus.Write(Caller, Granted.Code());
}

Status NtAccessCheckAndAuditAlarm(ke::Caller& Caller, svc::AccessCheckAndAuditAlarm& Call)
{
    ACCESS_MASK Desired = Call.DesiredAccess;
    if (Desired & 0xF0000000)
        return STATUS_GENERIC_NOT_MAPPED;
    if (!HasEnabled(Caller.Process().Token(), SE_AUDIT_PRIVILEGE))
        return STATUS_PRIVILEGE_NOT_HELD;
    Token* By = Caller.Thread().ImpersonationToken();
    if (!By)
        return STATUS_NO_IMPERSONATION_TOKEN;
    GENERIC_MAPPING Mapping = TRY(Call.GenericMapping.Read(Caller));
    auto Descriptor = TRY(SecurityDescriptor::Capture(Caller, Call.SecurityDescriptor.Address()));
    u64 Used = 0;
    Result<ACCESS_MASK> Granted = CheckDescriptor(Descriptor.Get(), *By, Desired, Mapping, Used);
    TRY(Call.GrantedAccess.Write(Caller, Granted.Ok() ? Granted.Value() : 0));
    TRY(Call.AccessStatus.Write(Caller, Granted.Code()));
    return Call.GenerateOnClose.Write(Caller, 0);
}

Status NtPrivilegeCheck(ke::Caller& Caller, svc::PrivilegeCheck& Call)
{
    auto Header = TRY(Call.RequiredPrivileges.ReadAs<PRIVILEGE_SET_HEADER>(Caller));
    Vector<LUID_AND_ATTRIBUTES> Wanted;
    u64 At = Call.RequiredPrivileges.Address() + sizeof(Header);
    TRY(CapturePrivileges(Caller, At, Header.PrivilegeCount, Wanted));
    Ref<Token> By = TRY(ReferenceToken(Caller, Call.ClientToken, TOKEN_QUERY));
    if (By->IsImpersonation() && By->Level < SecurityIdentification)
        return STATUS_BAD_IMPERSONATION_LEVEL;
    u32 Held = 0;
    for (LUID_AND_ATTRIBUTES& W : Wanted)
        if (W.Luid.HighPart == 0 && W.Luid.LowPart < 64 && HasEnabled(*By, W.Luid.LowPart)) {
            W.Attributes |= SE_PRIVILEGE_USED_FOR_ACCESS;
            ++Held;
        }
    bool All = Header.Control & PRIVILEGE_SET_ALL_NECESSARY;
    TRY(mm::CopyToUser(Caller.Process(), At, Wanted.Data(), Wanted.Size() * sizeof(LUID_AND_ATTRIBUTES)));
    return Call.Result.Write(Caller, All ? Held == Wanted.Size() : Held != 0);
}
