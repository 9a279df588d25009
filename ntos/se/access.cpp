// The access check.
#include "ntos/se/token.hpp"

namespace se {

ACCESS_MASK MapGeneric(ACCESS_MASK Desired, const GENERIC_MAPPING& Mapping)
{
    if (!(Desired & 0xF0000000)) [[likely]]
        return Desired;
    ACCESS_MASK Mapped = Desired & 0x0FFFFFFF;
    if (Desired & GENERIC_READ)
        Mapped |= Mapping.GenericRead;
    if (Desired & GENERIC_WRITE)
        Mapped |= Mapping.GenericWrite;
    if (Desired & GENERIC_EXECUTE)
        Mapped |= Mapping.GenericExecute;
    if (Desired & GENERIC_ALL)
        Mapped |= Mapping.GenericAll;
    return Mapped;
}

bool HasPrivilege(const Token& By, u32 Number) { return Number < 64 && HasEnabled(By, Number); }

namespace {

enum class Effect { None, Allow, Deny };

Effect EffectOf(const Ace& A)
{
    if ((A.Header.AceFlags & INHERIT_ONLY_ACE) || !A.SidAt || A.HasObjectType)
        return Effect::None;            // rights on a property of a directory object are nobody's here
    switch (A.Header.AceType) {
    case ACCESS_ALLOWED_ACE_TYPE:
    case ACCESS_ALLOWED_OBJECT_ACE_TYPE:
        return Effect::Allow;
    case ACCESS_DENIED_ACE_TYPE:
    case ACCESS_DENIED_OBJECT_ACE_TYPE:
    case ACCESS_DENIED_CALLBACK_ACE_TYPE:       // a condition that is not evaluated may hold: refuse
    case ACCESS_DENIED_CALLBACK_OBJECT_ACE_TYPE:
        return Effect::Deny;
    default:
        return Effect::None;
    }
}

// Which of Wanted the list grants. Restricting: by the token's restricted SIDs instead of its own.
ACCESS_MASK WalkDacl(std::span<const u8> Dacl, const Token& By, ACCESS_MASK Wanted, std::span<const u8> Owner, bool Restricting, const GENERIC_MAPPING& Mapping)
{
    ACCESS_MASK Granted = 0, Denied = 0;
    AceReader Reader(Dacl);
    bool IsOwner = !Owner.empty() && (Restricting ? By.HasRestrictedBytes(Owner) : By.HasBytes(Owner, false));
    for (Ace A; Reader.Next(A);) {
        Effect E = EffectOf(A);
        if (E == Effect::None)
            continue;
        bool ForDeny = E == Effect::Deny, Matches;
        if (A.SidIs(sid::OwnerRights)) {
            Matches = IsOwner;
        } else {
            std::span<const u8> Who { A.SidBytes(), 8 + 4 * usize(A.SidBytes()[1]) };
            Matches = Restricting ? By.HasRestrictedBytes(Who) : By.HasBytes(Who, ForDeny);
        }
        if (!Matches)
            continue;
        ACCESS_MASK Mask = MapGeneric(A.Mask, Mapping);
        if (ForDeny)
            Denied |= Mask & ~Granted;
        else
            Granted |= Mask & ~Denied;
        if (!(Wanted & ~(Granted | Denied)))
            break;
    }
    return Granted & Wanted;
}

bool NamesOwnerRights(std::span<const u8> Dacl)
{
    AceReader Reader(Dacl);
    for (Ace A; Reader.Next(A);)
        if (EffectOf(A) != Effect::None && A.SidIs(sid::OwnerRights))
            return true;
    return false;
}

// What the mandatory label takes away from a token of lower integrity. An object without a label is of medium integrity, protected from writes.
ACCESS_MASK ForbiddenByLabel(std::span<const u8> Sacl, const Token& By, const GENERIC_MAPPING& Mapping)
{
    u32 Level = sid::MediumIntegrity;
    ACCESS_MASK Policy = 1;
    AceReader Reader(Sacl);
    for (Ace A; Reader.Next(A);) {
        if (A.Header.AceType != SYSTEM_MANDATORY_LABEL_ACE_TYPE || (A.Header.AceFlags & INHERIT_ONLY_ACE) || A.SidBytes()[1] != 1)
            continue;
        memcpy(&Level, A.SidBytes() + 8, 4);
        Policy = A.Mask;
        break;
    }
    if (By.Integrity >= Level || !(By.MandatoryPolicy & 1))
        return 0;
    ACCESS_MASK Kept = READ_CONTROL | SYNCHRONIZE, Forbidden = 0;
    if (Policy & 1)
        Forbidden |= (Mapping.GenericWrite | (Mapping.GenericAll & ~(Mapping.GenericRead | Mapping.GenericExecute))) & ~Mapping.GenericRead;
    if (Policy & 2)
        Forbidden |= Mapping.GenericRead;
    if (Policy & 4)
        Forbidden |= Mapping.GenericExecute & ~Mapping.GenericRead;
    return Forbidden & ~Kept;
}

}

Result<ACCESS_MASK> CheckDescriptor(const SecurityDescriptor* Descriptor, const Token& By, ACCESS_MASK Desired, const GENERIC_MAPPING& Mapping, u64& Used)
{
    Desired = MapGeneric(Desired, Mapping);
    bool Maximum = Desired & MAXIMUM_ALLOWED;
    ACCESS_MASK Wanted = Desired & ~MAXIMUM_ALLOWED, ByPrivilege = 0;
    if (Wanted & ACCESS_SYSTEM_SECURITY) {
        if (!HasEnabled(By, SE_SECURITY_PRIVILEGE))
            return STATUS_PRIVILEGE_NOT_HELD;
        Used |= u64(1) << SE_SECURITY_PRIVILEGE;
        ByPrivilege |= ACCESS_SYSTEM_SECURITY;
    }
    Parts P = TakeApart(Descriptor);
    ACCESS_MASK Forbidden = Descriptor ? ForbiddenByLabel(P.Sacl, By, Mapping) : 0;
    if ((P.Control & SE_DACL_PRESENT) == 0 || P.Dacl.empty()) {
        if (Maximum)
            Wanted |= Mapping.GenericAll & ~Forbidden;
        if (Wanted & Forbidden)
            return STATUS_ACCESS_DENIED;
        return Wanted;
    }
    // All that could be asked: Wanted alone, or everything the type knows.
    ACCESS_MASK Asked = (Maximum ? Wanted | Mapping.GenericAll | READ_CONTROL | WRITE_DAC | WRITE_OWNER : Wanted) & ~ByPrivilege;
    bool OwnerRights = NamesOwnerRights(P.Dacl);
    auto Grants = [&](bool Restricting) {
        ACCESS_MASK Rights = WalkDacl(P.Dacl, By, Asked, P.Owner, Restricting, Mapping);
        if (!OwnerRights && !P.Owner.empty() && (Restricting ? By.HasRestrictedBytes(P.Owner) : By.HasBytes(P.Owner, false)))
            Rights |= Asked & (READ_CONTROL | WRITE_DAC);
        return Rights;
    };
    ACCESS_MASK Granted = Grants(false);
    if (By.IsRestricted()) {
        ACCESS_MASK Passing = By.WriteRestricted ? ~(Mapping.GenericWrite & ~(Mapping.GenericRead | Mapping.GenericExecute)) : 0;
        Granted &= Grants(true) | Passing;
    }
    Granted &= ~Forbidden;
    if ((Asked & ~Granted & WRITE_OWNER) && HasEnabled(By, SE_TAKE_OWNERSHIP_PRIVILEGE)) {
        Granted |= WRITE_OWNER;
        if (Wanted & WRITE_OWNER)
            Used |= u64(1) << SE_TAKE_OWNERSHIP_PRIVILEGE;
    }
    Granted |= ByPrivilege;
    if (Wanted & ~Granted)
        return STATUS_ACCESS_DENIED;
    if (Maximum && !Granted)
        return STATUS_ACCESS_DENIED;
    return Granted;
}

Result<ACCESS_MASK> AccessCheck(const SecurityDescriptor* Descriptor, const Token& By, ACCESS_MASK Desired, const GENERIC_MAPPING& Mapping)
{
    if (By.Kind == TokenImpersonation && By.Level < SecurityImpersonation) [[unlikely]]
        return STATUS_BAD_IMPERSONATION_LEVEL;
    if (!Descriptor && !(Desired & (ACCESS_SYSTEM_SECURITY | MAXIMUM_ALLOWED)))
        return MapGeneric(Desired, Mapping);
    u64 Used = 0;
    if (!Descriptor)
        return CheckDescriptor(nullptr, By, Desired, Mapping, Used);
    Desired = MapGeneric(Desired, Mapping);
    if (Descriptor->CachedFor == By.ModifiedId && !(Desired & ~Descriptor->CachedGranted))
        return Desired;
    ACCESS_MASK Granted = TRY(CheckDescriptor(Descriptor, By, Desired, Mapping, Used));
    if (Descriptor->CachedFor != By.ModifiedId) {
        Descriptor->CachedFor = By.ModifiedId;
        Descriptor->CachedGranted = 0;
    }
    Descriptor->CachedGranted |= Granted;
    return Granted;
}

}
