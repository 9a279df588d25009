// The descriptor of a new object.
#include "ntos/se/token.hpp"

namespace se {

namespace {

struct Inheritance {
    const Sid& Owner;
    const Sid& Group;
    const GENERIC_MAPPING& Mapping;
    bool Container;
};

const Sid* Creator(const Ace& A, const Inheritance& To)
{
    if (A.SidIs(sid::CreatorOwner))
        return &To.Owner;
    if (A.SidIs(sid::CreatorGroup))
        return &To.Group;
    return nullptr;
}

// The entry with another SID and mask.
Status AddAs(AclBuilder& Out, const Ace& A, u8 Flags, ACCESS_MASK Mask, const Sid* Who)
{
    u8 Entry[64 + sizeof(Sid)];
    if (!A.SidAt || (!Who && A.Bytes.size() > sizeof(Entry)) || A.SidAt > 44) {
        Vector<u8> Copy;                // nothing to change but flags and mask
        TRY(Copy.Resize(A.Bytes.size()));
        memcpy(Copy.Data(), A.Bytes.data(), A.Bytes.size());
        Copy[1] = Flags;
        if (A.SidAt)
            memcpy(Copy.Data() + 4, &Mask, sizeof(Mask));
        return Out.AddRaw(Copy.Span());
    }
    usize Size = A.Bytes.size();
    memcpy(Entry, A.Bytes.data(), Who ? A.SidAt : Size);
    if (Who) {                          // what follows the SID (a condition) goes
        memcpy(Entry + A.SidAt, Who, Who->Size());
        Size = A.SidAt + Who->Size();
    }
    ACE_HEADER Header { A.Header.AceType, Flags, u16(Size) };
    memcpy(Entry, &Header, sizeof(Header));
    memcpy(Entry + 4, &Mask, sizeof(Mask));
    return Out.AddRaw({ Entry, Size });
}

constexpr u8 InheritFlags = OBJECT_INHERIT_ACE | CONTAINER_INHERIT_ACE | NO_PROPAGATE_INHERIT_ACE | INHERIT_ONLY_ACE;

// One entry of the container's list, for a new object in it: nothing, the entry itself, one that only goes on, or both.
Status InheritAce(AclBuilder& Out, const Ace& A, const Inheritance& To)
{
    u8 Flags = A.Header.AceFlags;
    bool Effective = Flags & (To.Container ? CONTAINER_INHERIT_ACE : OBJECT_INHERIT_ACE);
    bool GoesOn = To.Container && (Flags & (CONTAINER_INHERIT_ACE | OBJECT_INHERIT_ACE)) && !(Flags & NO_PROPAGATE_INHERIT_ACE);
    u8 Rest = (Flags & (OBJECT_INHERIT_ACE | CONTAINER_INHERIT_ACE));
    u8 Kept = u8((Flags & ~InheritFlags) | INHERITED_ACE);
    const Sid* Who = Creator(A, To);
    ACCESS_MASK Mapped = MapGeneric(A.Mask, To.Mapping);
    if (Effective && GoesOn && !Who && Mapped == A.Mask)
        return AddAs(Out, A, u8(Kept | Rest), A.Mask, nullptr);
    if (Effective)
        TRY(AddAs(Out, A, Kept, Mapped, Who));
    if (GoesOn)
        TRY(AddAs(Out, A, u8(Kept | Rest | INHERIT_ONLY_ACE), A.Mask, nullptr));
    return STATUS_SUCCESS;
}

Status InheritList(AclBuilder& Out, std::span<const u8> Parent, const Inheritance& To)
{
    AceReader Reader(Parent);
    for (Ace A; Reader.Next(A);)
        TRY(InheritAce(Out, A, To));
    return STATUS_SUCCESS;
}

// A list that is given: generic rights mapped, creators replaced where they take effect.
Status GivenList(AclBuilder& Out, std::span<const u8> Given, const Inheritance& To, bool DropInherited)
{
    AceReader Reader(Given);
    for (Ace A; Reader.Next(A);) {
        u8 Flags = A.Header.AceFlags;
        if (DropInherited && (Flags & INHERITED_ACE))
            continue;
        if (Flags & INHERIT_ONLY_ACE) {
            TRY(AddAs(Out, A, Flags, A.Mask, nullptr));
            continue;
        }
        const Sid* Who = Creator(A, To);
        ACCESS_MASK Mapped = MapGeneric(A.Mask, To.Mapping);
        bool Splits = To.Container && (Flags & (OBJECT_INHERIT_ACE | CONTAINER_INHERIT_ACE)) && (Who || Mapped != A.Mask);
        TRY(AddAs(Out, A, Splits ? u8(Flags & ~InheritFlags) : Flags, Mapped, Who));
        if (Splits)
            TRY(AddAs(Out, A, u8(Flags | INHERIT_ONLY_ACE), A.Mask, nullptr));
    }
    return STATUS_SUCCESS;
}

bool OnlyLabels(std::span<const u8> Sacl, const Token& By)
{
    AceReader Reader(Sacl);
    for (Ace A; Reader.Next(A);) {
        u32 Level = ~0u;
        if (A.Header.AceType != SYSTEM_MANDATORY_LABEL_ACE_TYPE)
            return false;
        if (A.SidBytes()[1] == 1)
            memcpy(&Level, A.SidBytes() + 8, 4);
        if (Level > By.Integrity && !HasEnabled(By, SE_RELABEL_PRIVILEGE))
            return false;
    }
    return true;
}

}

Result<Own<SecurityDescriptor>> AssignSecurity(const SecurityDescriptor* Explicit, const SecurityDescriptor* Parent, const Token& By,
                                               const GENERIC_MAPPING& Mapping, bool Container)
{
    Parts Given = TakeApart(Explicit), Above = TakeApart(Parent), New;
    Sid Owner = By.Owner(), Group = By.PrimaryGroup;
    if (!Given.Owner.empty()) {
        Owner = TRY(ParseSid(Given.Owner));
        if (!By.MayOwn(Owner) && !HasEnabled(By, SE_RESTORE_PRIVILEGE))
            return STATUS_INVALID_OWNER;
    }
    if (!Given.Group.empty())
        Group = TRY(ParseSid(Given.Group));
    New.Owner = Owner.Bytes();
    New.Group = Group.Bytes();
    Inheritance To { Owner, Group, Mapping, Container };

    // The DACL: given, inherited, given as a default, the token's.
    AclBuilder Dacl, Sacl;
    Vector<u8> DaclBytes, SaclBytes;
    bool HasGiven = (Given.Control & SE_DACL_PRESENT) && !(Given.Control & SE_DACL_DEFAULTED), HasDacl = true;
    bool AutoInherit = Given.Control & SE_DACL_AUTO_INHERIT_REQ;
    if (HasGiven) {
        New.Control |= Given.Control & SE_DACL_PROTECTED;
        if (Given.Dacl.empty()) {
            HasDacl = false;            // everyone may everything
        } else {
            bool Merges = AutoInherit && !(Given.Control & SE_DACL_PROTECTED) && !Above.Dacl.empty();
            TRY(GivenList(Dacl, Given.Dacl, To, Merges));
            if (Merges) {
                TRY(InheritList(Dacl, Above.Dacl, To));
                New.Control |= SE_DACL_AUTO_INHERITED;
            }
        }
    } else {
        TRY(InheritList(Dacl, Above.Dacl, To));
        if (!Dacl.IsEmpty()) {
            New.Control |= Above.Control & SE_DACL_AUTO_INHERITED;
        } else if (Given.Control & SE_DACL_PRESENT) {
            New.Control |= SE_DACL_DEFAULTED;
            HasDacl = !Given.Dacl.empty();
            TRY(GivenList(Dacl, Given.Dacl, To, false));
        } else {
            New.Control |= SE_DACL_DEFAULTED;
            HasDacl = !By.DefaultDacl.IsEmpty();
            TRY(GivenList(Dacl, By.DefaultDacl.Span(), To, false));
        }
    }
    if (HasDacl)
        DaclBytes = TRY(Dacl.Finish());
    if (HasDacl || HasGiven || (Given.Control & SE_DACL_PRESENT))
        New.Control |= SE_DACL_PRESENT;
    else
        New.Control &= ~SE_DACL_DEFAULTED;
    New.Dacl = DaclBytes.Span();

    // The SACL: given (for those who may), or inherited.
    if ((Given.Control & SE_SACL_PRESENT) && !(Given.Control & SE_SACL_DEFAULTED)) {
        if (!Given.Sacl.empty() && !HasEnabled(By, SE_SECURITY_PRIVILEGE) && !OnlyLabels(Given.Sacl, By))
            return STATUS_PRIVILEGE_NOT_HELD;
        New.Control |= SE_SACL_PRESENT | (Given.Control & SE_SACL_PROTECTED);
        if (!Given.Sacl.empty()) {
            TRY(GivenList(Sacl, Given.Sacl, To, false));
            SaclBytes = TRY(Sacl.Finish());
        }
    } else {
        TRY(InheritList(Sacl, Above.Sacl, To));
        if (!Sacl.IsEmpty()) {
            New.Control |= SE_SACL_PRESENT | (Above.Control & SE_SACL_AUTO_INHERITED);
            SaclBytes = TRY(Sacl.Finish());
        }
    }
    New.Sacl = SaclBytes.Span();
    return PutTogether(New);
}

Result<Own<SecurityDescriptor>> MakeDescriptor(std::span<const Allowed> Entries, u8 AceFlags)
{
    AclBuilder Dacl;
    for (const Allowed& E : Entries)
        TRY(Dacl.Add(ACCESS_ALLOWED_ACE_TYPE, AceFlags, E.Rights, E.Who));
    Vector<u8> List = TRY(Dacl.Finish());
    Parts P;
    P.Control = SE_DACL_PRESENT | SE_DACL_PROTECTED;
    P.Owner = sid::Administrators.Bytes();
    P.Group = sid::LocalSystem.Bytes();
    P.Dacl = List.Span();
    return PutTogether(P);
}

}
