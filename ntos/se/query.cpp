// NtQueryInformationToken and NtSetInformationToken.
#include "ntos/se/token.hpp"

#include "ntos/ps/thread.hpp"

using namespace se;

namespace {

// An answer with pointers into itself, built in Executive memory for the place it will have in the caller's.
class Answer {
public:
    explicit Answer(u64 Address) : Address_(Address) { }
    // The offset of a zeroed piece.
    Result<usize> Room(usize Size, u64 Alignment = 8)
    {
        usize At = AlignUp(Bytes_.Size(), Alignment);
        TRY(Bytes_.Resize(At + Size));
        return At;
    }
    template <typename T> Status Put(const T& Value)
    {
        usize At = TRY(Room(sizeof(T), alignof(T)));
        Set(At, Value);
        return STATUS_SUCCESS;
    }
    template <typename T> void Set(usize At, const T& Value) { memcpy(Bytes_.Data() + At, &Value, sizeof(T)); }
    // Copies Data behind what is there and writes its address at PointerAt.
    Status Refer(usize PointerAt, std::span<const u8> Data)
    {
        usize At = TRY(Room(Data.size(), 4));
        if (!Data.empty())
            memcpy(Bytes_.Data() + At, Data.data(), Data.size());
        Set(PointerAt, Address_ + At);
        return STATUS_SUCCESS;
    }
    // An array of SID_AND_ATTRIBUTES at At with their SIDs behind.
    Status Sids(usize At, std::span<const SidEntry> List)
    {
        for (const SidEntry& E : List) {
            TRY(Refer(At, E.Id.Bytes()));
            Set(At + 8, E.Attributes);
            At += sizeof(SID_AND_ATTRIBUTES);
        }
        return STATUS_SUCCESS;
    }
    Status Groups(std::span<const SidEntry> List)
    {
        usize At = TRY(Room(8 + List.size() * sizeof(SID_AND_ATTRIBUTES)));
        Set(At, u32(List.size()));
        return Sids(At + 8, List);
    }
    Status Privileges(const Token& T)
    {
        for (u32 P = 0; P < 64; ++P) {
            u64 Bit = u64(1) << P;
            if (T.Present & Bit)
                TRY(Put(LUID_AND_ATTRIBUTES { { P, 0 }, ((T.Enabled & Bit) ? SE_PRIVILEGE_ENABLED : 0) | ((T.EnabledByDefault & Bit) ? SE_PRIVILEGE_ENABLED_BY_DEFAULT : 0) }));
        }
        return STATUS_SUCCESS;
    }
    u64 AddressOf(usize At) const { return Address_ + At; }
    usize Size() const { return Bytes_.Size(); }
    const u8* Data() const { return Bytes_.Data(); }

private:
    u64 Address_;
    Vector<u8> Bytes_;
};

u32 CountPrivileges(const Token& T) { return u32(__builtin_popcountll(T.Present)); }

Status PutGroupsAndPrivileges(Answer& Out, const Token& T)
{
    auto Bytes = [](std::span<const SidEntry> List) {
        usize N = 0;
        for (const SidEntry& E : List)
            N += sizeof(SID_AND_ATTRIBUTES) + E.Id.Size();
        return u32(N);
    };
    std::span<const SidEntry> Groups = T.Groups.Span(), Restricted = T.Restricted.Span();
    TOKEN_GROUPS_AND_PRIVILEGES Info {};
    usize At = TRY(Out.Room(sizeof(Info)));
    auto List = [&](std::span<const SidEntry> From, PVOID& Pointer) -> Status {
        if (From.empty())
            return STATUS_SUCCESS;
        usize Where = TRY(Out.Room(From.size() * sizeof(SID_AND_ATTRIBUTES)));
        Pointer = reinterpret_cast<PVOID>(Out.AddressOf(Where));
        return Out.Sids(Where, From);
    };
    Info.SidCount = u32(Groups.size());
    Info.SidLength = Bytes(Groups);
    TRY(List(Groups, Info.Sids));
    Info.RestrictedSidCount = u32(Restricted.size());
    Info.RestrictedSidLength = Bytes(Restricted);
    TRY(List(Restricted, Info.RestrictedSids));
    Info.PrivilegeCount = CountPrivileges(T);
    Info.PrivilegeLength = Info.PrivilegeCount * u32(sizeof(LUID_AND_ATTRIBUTES));
    usize Where = TRY(Out.Room(0, 4));
    Info.Privileges = reinterpret_cast<PVOID>(Out.AddressOf(Where));
    TRY(Out.Privileges(T));
    Info.AuthenticationId = ToLuid(T.AuthenticationId);
    Out.Set(At, Info);
    return STATUS_SUCCESS;
}

Status PutSid(Answer& Out, const Sid& S, usize HeaderSize, u32 Attributes)
{
    usize At = TRY(Out.Room(HeaderSize));
    if (HeaderSize > 8)
        Out.Set(At + 8, Attributes);
    return Out.Refer(At, S.Bytes());
}

Status Fill(Answer& Out, Token& T, u32 Class)
{
    switch (Class) {
    case TokenUser: return PutSid(Out, T.User(), sizeof(SID_AND_ATTRIBUTES), T.Groups[0].Attributes);
    case TokenGroups: return Out.Groups(T.Groups.Span().subspan(1));
    case TokenRestrictedSids: return Out.Groups(T.Restricted.Span());
    case TokenLogonSid: {
        for (const SidEntry& E : T.Groups)
            if ((E.Attributes & SE_GROUP_LOGON_ID) == SE_GROUP_LOGON_ID)
                return Out.Groups({ &E, 1 });
        return STATUS_NOT_FOUND;
    }
    case TokenCapabilities:
    case TokenDeviceGroups:
    case TokenRestrictedDeviceGroups: return Out.Groups({});
    case TokenPrivileges:
        TRY(Out.Put(CountPrivileges(T)));
        return Out.Privileges(T);
    case TokenOwner: return PutSid(Out, T.Owner(), 8, 0);
    case TokenPrimaryGroup: return PutSid(Out, T.PrimaryGroup, 8, 0);
    case TokenAppContainerSid: return Out.Put(u64(0));
    case TokenIntegrityLevel: return PutSid(Out, Sid(16, T.Integrity), sizeof(SID_AND_ATTRIBUTES), SE_GROUP_INTEGRITY | SE_GROUP_INTEGRITY_ENABLED);
    case TokenDefaultDacl: {
        usize At = TRY(Out.Room(8));
        return T.DefaultDacl.IsEmpty() ? STATUS_SUCCESS : Out.Refer(At, T.DefaultDacl.Span());
    }
    case TokenSource: return Out.Put(T.Source);
    case TokenType: return Out.Put(u32(T.Kind));
    case TokenImpersonationLevel:
        if (!T.IsImpersonation())
            return STATUS_INVALID_INFO_CLASS;
        return Out.Put(u32(T.Level));
    case TokenStatistics: {
        TOKEN_STATISTICS S {};
        S.TokenId = ToLuid(T.Id);
        S.AuthenticationId = ToLuid(T.AuthenticationId);
        S.ExpirationTime.QuadPart = T.ExpirationTime;
        S.TokenType = T.Kind;
        S.ImpersonationLevel = T.Level;
        S.DynamicCharged = 4096;
        S.DynamicAvailable = 4096 - u32(T.DefaultDacl.Size() < 4096 ? T.DefaultDacl.Size() : 4096);
        S.GroupCount = u32(T.Groups.Size() - 1);
        S.PrivilegeCount = CountPrivileges(T);
        S.ModifiedId = ToLuid(T.ModifiedId);
        return Out.Put(S);
    }
    case TokenGroupsAndPrivileges: return PutGroupsAndPrivileges(Out, T);
    case TokenSessionId: return Out.Put(T.SessionId);
    case TokenSandBoxInert: return Out.Put(u32(T.SandboxInert));
    case TokenOrigin: return Out.Put(ToLuid(T.Origin));
    case TokenElevationType: return Out.Put(u32(T.Elevation));
    case TokenElevation: return Out.Put(u32(T.Elevated));
    case TokenLinkedToken: return STATUS_NO_SUCH_LOGON_SESSION;     // as with UAC off
    case TokenHasRestrictions: return Out.Put(u8(T.Filtered));
    case TokenVirtualizationAllowed: return Out.Put(u32(T.VirtualizationAllowed));
    case TokenVirtualizationEnabled: return Out.Put(u32(T.VirtualizationEnabled));
    case TokenUIAccess: return Out.Put(u32(T.UiAccess));
    case TokenMandatoryPolicy: return Out.Put(T.MandatoryPolicy);
    case TokenIsAppContainer:
    case TokenAppContainerNumber:
    case TokenIsSandboxed:
    case TokenIsLessPrivilegedAppContainer:
    case TokenPrivateNameSpace: return Out.Put(u32(0));
    case TokenIsRestricted: return Out.Put(u8(T.IsRestricted()));
    case TokenBnoIsolation: {
        TRY(Out.Put(u64(0)));           // no prefix, not enabled
        return Out.Put(u64(0));
    }
    case TokenUserClaimAttributes:
    case TokenDeviceClaimAttributes:
    case TokenSecurityAttributes: {
        TRY(Out.Put(u32(1)));           // version 1, none
        TRY(Out.Put(u32(0)));
        return Out.Put(u64(0));
    }
    default: return STATUS_INVALID_INFO_CLASS;
    }
}

Status Need(ke::Caller& Caller, u32 Privilege)
{
    return HasEnabled(Caller.Thread().EffectiveToken(), Privilege) ? STATUS_SUCCESS : STATUS_PRIVILEGE_NOT_HELD;
}

}

Status NtQueryInformationToken(ke::Caller& Caller, svc::QueryInformationToken& Call)
{
    u32 Class = Call.TokenInformationClass;
    if (Class < TokenUser || Class > TokenIsSandboxed)
        return STATUS_INVALID_INFO_CLASS;
    Ref<Token> T = TRY(ReferenceToken(Caller, Call.TokenHandle, Class == TokenSource ? TOKEN_QUERY_SOURCE : TOKEN_QUERY));
    Answer Out(Call.TokenInformation.Address());
    TRY(Fill(Out, *T, Class));
    TRY(Call.ReturnLength.Write(Caller, ULONG(Out.Size())));
    if (Call.Length < Out.Size())
        return STATUS_BUFFER_TOO_SMALL;
    return Call.TokenInformation.Write(Caller, Out.Data(), Out.Size());
}

Status NtSetInformationToken(ke::Caller& Caller, svc::SetInformationToken& Call)
{
    u32 Class = Call.TokenInformationClass, Length = Call.Length;
    auto Check = [&](u32 Size) -> Status { return Length < Size ? STATUS_INFO_LENGTH_MISMATCH : STATUS_SUCCESS; };
    auto Open = [&](ACCESS_MASK More = 0) { return ReferenceToken(Caller, Call.TokenHandle, TOKEN_ADJUST_DEFAULT | More); };
    auto Flag = [&]() { return Call.TokenInformation.ReadAs<u32>(Caller); };
    switch (Class) {
    case TokenOwner: {
        TRY(Check(8));
        Sid Owner = TRY(CaptureSid(Caller, TRY(Call.TokenInformation.ReadAs<u64>(Caller))));
        Ref<Token> T = TRY(Open());
        if (!T->MayOwn(Owner))
            return STATUS_INVALID_OWNER;
        for (u32 I = 0; I < T->Groups.Size(); ++I)
            if (T->Groups[I].Id == Owner) {
                T->OwnerIndex = I;
                break;
            }
        return STATUS_SUCCESS;
    }
    case TokenPrimaryGroup: {
        TRY(Check(8));
        Sid Group = TRY(CaptureSid(Caller, TRY(Call.TokenInformation.ReadAs<u64>(Caller))));
        Ref<Token> T = TRY(Open());
        for (const SidEntry& E : T->Groups)
            if (E.Id == Group) {
                T->PrimaryGroup = Group;
                return STATUS_SUCCESS;
            }
        return STATUS_INVALID_PRIMARY_GROUP;
    }
    case TokenDefaultDacl: {
        TRY(Check(8));
        u64 Address = TRY(Call.TokenInformation.ReadAs<u64>(Caller));
        Vector<u8> Dacl;
        if (Address)
            Dacl = TRY(CaptureAcl(Caller, Address));
        TRY(Open())->DefaultDacl = std::move(Dacl);
        return STATUS_SUCCESS;
    }
    case TokenSessionId: {
        if (Length != 4)
            return STATUS_INFO_LENGTH_MISMATCH;
        u32 Session = TRY(Flag());
        Ref<Token> T = TRY(Open(TOKEN_ADJUST_SESSIONID));
        TRY(Need(Caller, SE_TCB_PRIVILEGE));
        T->SessionId = Session;
        return STATUS_SUCCESS;
    }
    case TokenOrigin: {
        TRY(Check(sizeof(LUID)));
        u64 Origin = TRY(Call.TokenInformation.ReadAs<u64>(Caller));
        Ref<Token> T = TRY(Open());
        TRY(Need(Caller, SE_TCB_PRIVILEGE));
        if (!T->Origin)
            T->Origin = Origin;
        return STATUS_SUCCESS;
    }
    case TokenIntegrityLevel: {
        TRY(Check(sizeof(SID_AND_ATTRIBUTES)));
        auto Raw = TRY(Call.TokenInformation.ReadAs<SID_AND_ATTRIBUTES>(Caller));
        Sid Label = TRY(CaptureSid(Caller, reinterpret_cast<u64>(Raw.Sid)));
        if (Label.Count != 1 || !(Label == Sid(16, Label.Subs[0])))
            return STATUS_INVALID_LABEL;
        Ref<Token> T = TRY(Open());
        if (Label.Subs[0] > T->Integrity)
            TRY(Need(Caller, SE_RELABEL_PRIVILEGE));
        T->Integrity = Label.Subs[0];
        for (SidEntry& E : T->Groups)
            if (E.Attributes & SE_GROUP_INTEGRITY)
                E.Id = Label;
        T->Changed();
        return STATUS_SUCCESS;
    }
    case TokenMandatoryPolicy: {
        TRY(Check(4));
        u32 Policy = TRY(Flag());
        if (Policy & ~3u)
            return STATUS_INVALID_PARAMETER;
        Ref<Token> T = TRY(Open());
        TRY(Need(Caller, SE_TCB_PRIVILEGE));
        T->MandatoryPolicy = Policy;
        T->Changed();
        return STATUS_SUCCESS;
    }
    case TokenUIAccess:
    case TokenVirtualizationAllowed: {
        TRY(Check(4));
        u32 On = TRY(Flag());
        Ref<Token> T = TRY(Open());
        TRY(Need(Caller, Class == TokenUIAccess ? SE_TCB_PRIVILEGE : SE_CREATE_TOKEN_PRIVILEGE));
        (Class == TokenUIAccess ? T->UiAccess : T->VirtualizationAllowed) = On;
        return STATUS_SUCCESS;
    }
    case TokenVirtualizationEnabled: {
        TRY(Check(4));
        u32 On = TRY(Flag());
        Ref<Token> T = TRY(Open());
        if (On && !T->VirtualizationAllowed)
            return STATUS_ACCESS_DENIED;
        T->VirtualizationEnabled = On;
        return STATUS_SUCCESS;
    }
    default: return STATUS_INVALID_INFO_CLASS;
    }
}
