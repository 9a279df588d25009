// Enabling and disabling a token's privileges and groups.
#include "ntos/se/token.hpp"

using namespace se;

static constexpr u32 PrivilegeCount = 64;

static u32 AttributesOf(const Token& T, u32 Privilege)
{
    u64 Bit = u64(1) << Privilege;
    return ((T.Enabled & Bit) ? SE_PRIVILEGE_ENABLED : 0) | ((T.EnabledByDefault & Bit) ? SE_PRIVILEGE_ENABLED_BY_DEFAULT : 0);
}

Status NtAdjustPrivilegesToken(ke::Caller& Caller, svc::AdjustPrivilegesToken& Call)
{
    Vector<LUID_AND_ATTRIBUTES> Wanted;
    bool DisableAll = Call.DisableAllPrivileges;
    if (!DisableAll) {
        if (!Call.NewState)
            return STATUS_INVALID_PARAMETER;
        TRY(CapturePrivileges(Caller, Call.NewState.Address() + 4, TRY(Call.NewState.ReadAs<u32>(Caller)), Wanted));
    }
    Ref<Token> T = TRY(ReferenceToken(Caller, Call.TokenHandle, TOKEN_ADJUST_PRIVILEGES | (Call.PreviousState ? TOKEN_QUERY : 0)));
    u64 Enabled = T->Enabled, Present = T->Present;
    bool Missing = false;
    if (DisableAll)
        Enabled = 0;
    for (const LUID_AND_ATTRIBUTES& W : Wanted) {
        u64 Bit = W.Luid.LowPart < PrivilegeCount ? u64(1) << W.Luid.LowPart : 0;
        if (W.Luid.HighPart || !(Present & Bit))
            Missing = true;
        else if (W.Attributes & SE_PRIVILEGE_REMOVED)
            Present &= ~Bit, Enabled &= ~Bit;
        else if (W.Attributes & SE_PRIVILEGE_ENABLED)
            Enabled |= Bit;
        else
            Enabled &= ~Bit;
    }
    u64 Different = (Enabled ^ T->Enabled) | (Present ^ T->Present);
    if (Call.PreviousState) {
        u32 Count = u32(__builtin_popcountll(Different)), Bytes = 4 + Count * u32(sizeof(LUID_AND_ATTRIBUTES));
        TRY(Call.ReturnLength.Write(Caller, Bytes));
        if (Call.BufferLength < Bytes)
            return STATUS_BUFFER_TOO_SMALL;
        u8 Out[4 + PrivilegeCount * sizeof(LUID_AND_ATTRIBUTES)];
        memcpy(Out, &Count, 4);
        usize At = 4;
        for (u32 P = 0; P < PrivilegeCount; ++P) {
            if (!(Different >> P & 1))
                continue;
            LUID_AND_ATTRIBUTES Was { { P, 0 }, AttributesOf(*T, P) };
            memcpy(Out + At, &Was, sizeof(Was));
            At += sizeof(Was);
        }
        TRY(Call.PreviousState.Write(Caller, Out, Bytes));
    }
    if (Different) {
        T->Enabled = Enabled;
        T->Present = Present;
        T->EnabledByDefault &= Present;
        T->Changed();
    }
    return Missing ? STATUS_NOT_ALL_ASSIGNED : STATUS_SUCCESS;
}

Status NtAdjustGroupsToken(ke::Caller& Caller, svc::AdjustGroupsToken& Call)
{
    Vector<SidEntry> Wanted;
    bool Reset = Call.ResetToDefault;
    if (!Reset) {
        if (!Call.NewState)
            return STATUS_INVALID_PARAMETER;
        TRY(CaptureSids(Caller, Call.NewState.Address() + 8, TRY(Call.NewState.ReadAs<u32>(Caller)), Wanted));
    }
    Ref<Token> T = TRY(ReferenceToken(Caller, Call.TokenHandle, TOKEN_ADJUST_GROUPS | (Call.PreviousState ? TOKEN_QUERY : 0)));
    // What each group's attributes would be; checked whole before anything changes.
    Vector<u32> New;
    TRY(New.Resize(T->Groups.Size()));
    usize Matched = 0, Changes = 0, SidBytes = 0;
    for (usize I = 0; I < T->Groups.Size(); ++I) {
        u32 A = New[I] = T->Groups[I].Attributes;
        if (I == 0)
            continue;                   // the user is not a group
        if (Reset) {
            if (A & (SE_GROUP_USE_FOR_DENY_ONLY | SE_GROUP_INTEGRITY))
                continue;
            New[I] = (A & SE_GROUP_ENABLED_BY_DEFAULT) ? A | SE_GROUP_ENABLED : A & ~SE_GROUP_ENABLED;
        }
        for (const SidEntry& W : Wanted) {
            if (!(W.Id == T->Groups[I].Id))
                continue;
            ++Matched;
            if (W.Attributes & SE_GROUP_ENABLED) {
                if (A & SE_GROUP_USE_FOR_DENY_ONLY)
                    return STATUS_CANT_ENABLE_DENY_ONLY;
                New[I] = A | SE_GROUP_ENABLED;
            } else {
                if (A & SE_GROUP_MANDATORY)
                    return STATUS_CANT_DISABLE_MANDATORY;
                New[I] = A & ~SE_GROUP_ENABLED;
            }
        }
        if (New[I] != A) {
            ++Changes;
            SidBytes += T->Groups[I].Id.Size();
        }
    }
    if (Call.PreviousState) {
        usize Bytes = 8 + Changes * sizeof(SID_AND_ATTRIBUTES) + SidBytes;
        TRY(Call.ReturnLength.Write(Caller, ULONG(Bytes)));
        if (Call.BufferLength < Bytes)
            return STATUS_BUFFER_TOO_SMALL;
        Vector<u8> Out;
        TRY(Out.Resize(Bytes));
        u32 Count = u32(Changes);
        memcpy(Out.Data(), &Count, 4);
        usize At = 8, SidAt = 8 + Changes * sizeof(SID_AND_ATTRIBUTES);
        for (usize I = 1; I < T->Groups.Size(); ++I) {
            const SidEntry& E = T->Groups[I];
            if (New[I] == E.Attributes)
                continue;
            u64 Pointer = Call.PreviousState.Address() + SidAt;
            memcpy(Out.Data() + At, &Pointer, 8);
            memcpy(Out.Data() + At + 8, &E.Attributes, 4);
            memcpy(Out.Data() + SidAt, &E.Id, E.Id.Size());
            At += sizeof(SID_AND_ATTRIBUTES);
            SidAt += E.Id.Size();
        }
        TRY(Call.PreviousState.Write(Caller, Out.Data(), Bytes));
    }
    for (usize I = 1; I < T->Groups.Size(); ++I)
        T->Groups[I].Attributes = New[I];
    if (Changes)
        T->Changed();
    return Matched < Wanted.Size() ? STATUS_NOT_ALL_ASSIGNED : STATUS_SUCCESS;
}
