// Security descriptors of objects that programs keep themselves (private objects), with inheritance; token helpers.
#include <initializer_list>

#include "lib/rtl/crt/crt.hpp"
#include "lib/rtl/platform.hpp"
#include "lib/rtl/rtl.hpp"

namespace rtl {

namespace {

constexpr ULONG SEF_DACL_AUTO_INHERIT = 1, SEF_SACL_AUTO_INHERIT = 2, SEF_DEFAULT_DESCRIPTOR_FOR_OBJECT = 4, SEF_DEFAULT_OWNER_FROM_PARENT = 0x20,
                SEF_DEFAULT_GROUP_FROM_PARENT = 0x40;
constexpr ULONG TokenOwner = 4, TokenPrimaryGroup = 5, TokenDefaultDacl = 6;
const HANDLE CurrentProcess = reinterpret_cast<HANDLE>(i64(-1)), CurrentThread = reinterpret_cast<HANDLE>(i64(-2));

constexpr ACCESS_MASK AnyGeneric = GENERIC_READ | GENERIC_WRITE | GENERIC_EXECUTE | GENERIC_ALL;

// CREATOR OWNER (S-1-3-0) and CREATOR GROUP (S-1-3-1) in an inheritable ACE stand for the new object's own.
const SID* CreatorSubstitute(const SID* Sid, const SID* Owner, const SID* Group)
{
    if (Sid->SubAuthorityCount != 1 || Sid->IdentifierAuthority.Value[5] != 3)
        return Sid;
    for (u32 I = 0; I < 5; ++I)
        if (Sid->IdentifierAuthority.Value[I])
            return Sid;
    return Sid->SubAuthority[0] == 0 ? Owner : Sid->SubAuthority[0] == 1 ? Group : Sid;
}

struct Builder {
    u8* Room = nullptr;
    usize Used = sizeof(ACL), Size = 0;
    u32 Count = 0;
    u8 Revision = ACL_REVISION;
    bool Failed = false;

    ~Builder()
    {
        if (Room)
            platform::Free(Room);
    }
    void Add(const ACE_HEADER* From, const SID* OldSid, const SID* NewSid, u8 Flags, ACCESS_MASK Mask)
    {
        usize Head = usize(reinterpret_cast<const u8*>(OldSid) - reinterpret_cast<const u8*>(From)), SidSize = RtlLengthSid(NewSid);
        usize Bytes = Head + SidSize;
        if (Used + Bytes > Size) {
            usize More = (Used + Bytes) * 2;
            auto* New = static_cast<u8*>(platform::Allocate(More));
            if (!New || Used + Bytes > 0xFFF0) {
                if (New)
                    platform::Free(New);
                Failed = true;
                return;
            }
            if (Room) {
                CRT(memcpy)(New, Room, Used);
                platform::Free(Room);
            }
            Room = New;
            Size = More;
        }
        auto* Ace = reinterpret_cast<ACCESS_ALLOWED_ACE*>(Room + Used);
        CRT(memcpy)(Ace, From, Head);
        CRT(memcpy)(Room + Used + Head, NewSid, SidSize);
        Ace->Header.AceFlags = Flags;
        Ace->Header.AceSize = USHORT(Bytes);
        Ace->Mask = Mask;
        Used += Bytes;
        ++Count;
    }
    ACL* Finish()
    {
        if (!Room) {
            Room = static_cast<u8*>(platform::Allocate(sizeof(ACL)));
            if (!Room)
                return nullptr;
        }
        auto* Acl = reinterpret_cast<ACL*>(Room);
        *Acl = { Revision, 0, USHORT(Used), USHORT(Count), 0 };
        return Acl;
    }
};

const SID* SidOf(const ACE_HEADER* Ace, const GUID** Inherited)
{
    auto* Plain = reinterpret_cast<const ACCESS_ALLOWED_ACE*>(Ace);
    *Inherited = nullptr;
    if (Ace->AceType >= ACCESS_ALLOWED_OBJECT_ACE_TYPE && Ace->AceType <= SYSTEM_ALARM_OBJECT_ACE_TYPE) {
        auto* Object = reinterpret_cast<const ACCESS_ALLOWED_OBJECT_ACE*>(Ace);
        auto* At = reinterpret_cast<const u8*>(&Object->ObjectType);
        if (Object->Flags & ACE_OBJECT_TYPE_PRESENT)
            At += sizeof(GUID);
        if (Object->Flags & ACE_INHERITED_OBJECT_TYPE_PRESENT) {
            *Inherited = reinterpret_cast<const GUID*>(At);
            At += sizeof(GUID);
        }
        return reinterpret_cast<const SID*>(At);
    }
    return reinterpret_cast<const SID*>(&Plain->SidStart);
}

struct Inheritance {
    bool Container;
    u8 Mark;                            // INHERITED_ACE for automatic inheritance
    const SID *Owner, *Group;
    const GENERIC_MAPPING* Mapping;
    const GUID** Types;
    ULONG TypeCount;

    // What of a parent's ACE a child gets: one that works on it, one that is only passed on, both, or nothing.
    void Take(const ACE_HEADER* Ace, Builder& To) const
    {
        const GUID* Type;
        const SID* Sid = SidOf(Ace, &Type);
        ACCESS_MASK Mask = reinterpret_cast<const ACCESS_ALLOWED_ACE*>(Ace)->Mask;
        bool Passes = Container && !(Ace->AceFlags & NO_PROPAGATE_INHERIT_ACE);
        bool Works = Ace->AceFlags & (Container ? CONTAINER_INHERIT_ACE : OBJECT_INHERIT_ACE);
        if (Type) {
            bool Mine = false;
            for (ULONG I = 0; I < TypeCount && !Mine; ++I)
                Mine = Types[I] && CRT(memcmp)(Types[I], Type, sizeof(GUID)) == 0;
            Works = Works && Mine;
        }
        if (!Works && !(Passes && (Ace->AceFlags & (OBJECT_INHERIT_ACE | CONTAINER_INHERIT_ACE))))
            return;
        u8 Kept = u8((Ace->AceFlags & (SUCCESSFUL_ACCESS_ACE_FLAG | FAILED_ACCESS_ACE_FLAG)) | Mark);
        u8 PassFlags = u8(Ace->AceFlags & (OBJECT_INHERIT_ACE | CONTAINER_INHERIT_ACE));
        if (!Works) {
            To.Add(Ace, Sid, Sid, u8(Kept | PassFlags | INHERIT_ONLY_ACE), Mask);
            return;
        }
        const SID* Own = CreatorSubstitute(Sid, Owner, Group);
        ACCESS_MASK Mapped = Mask;
        if (Mapped & AnyGeneric && Mapping)
            RtlMapGenericMask(&Mapped, Mapping);
        bool Changed = Own != Sid || Mapped != Mask;
        if (!Passes) {
            To.Add(Ace, Sid, Own, Kept, Mapped);
        } else if (!Changed) {
            To.Add(Ace, Sid, Sid, u8(Kept | PassFlags), Mask);
        } else {
            To.Add(Ace, Sid, Own, Kept, Mapped);
            To.Add(Ace, Sid, Sid, u8(Kept | PassFlags | INHERIT_ONLY_ACE), Mask);
        }
    }
    void TakeAll(ACL* From, Builder& To) const
    {
        if (!From || !RtlValidAcl(From))
            return;
        To.Revision = From->AclRevision;
        for (u32 I = 0; I < From->AceCount; ++I) {
            PVOID Ace;
            if (RtlGetAce(From, I, &Ace) >= 0)
                Take(static_cast<ACE_HEADER*>(Ace), To);
        }
    }
};

// The creator's own ACEs, generic rights mapped where they work on the object; inherited ones do not count.
void TakeOwn(ACL* From, const GENERIC_MAPPING* Mapping, bool SkipInherited, Builder& To)
{
    if (!From)
        return;
    To.Revision = From->AclRevision;
    for (u32 I = 0; I < From->AceCount; ++I) {
        PVOID Found;
        if (RtlGetAce(From, I, &Found) < 0)
            return;
        auto* Ace = static_cast<ACE_HEADER*>(Found);
        if (SkipInherited && (Ace->AceFlags & INHERITED_ACE))
            continue;
        const GUID* Type;
        const SID* Sid = SidOf(Ace, &Type);
        ACCESS_MASK Mask = static_cast<ACCESS_ALLOWED_ACE*>(Found)->Mask;
        if ((Mask & AnyGeneric) && Mapping && !(Ace->AceFlags & INHERIT_ONLY_ACE))
            RtlMapGenericMask(&Mask, Mapping);
        To.Add(Ace, Sid, Sid, Ace->AceFlags, Mask);
    }
}

// Information of the token in the heap; null if there is none.
template <typename T> T* QueryToken(HANDLE Token, ULONG Class)
{
    ULONG Size = 0;
    if (NtQueryInformationToken(Token, Class, nullptr, 0, &Size) != STATUS_BUFFER_TOO_SMALL)
        return nullptr;
    auto* Data = static_cast<T*>(platform::Allocate(Size));
    if (Data && NtQueryInformationToken(Token, Class, Data, Size, &Size) < 0) {
        platform::Free(Data);
        return nullptr;
    }
    return Data;
}

struct TokenParts {
    struct Sidholder {
        SID* Sid;
    };
    struct AclHolder {
        ACL* Dacl;
    };
    Sidholder *Owner, *Group;
    AclHolder* Dacl;

    explicit TokenParts(HANDLE Given)
    {
        HANDLE Token = Given;
        if (!Token && NtOpenThreadToken(CurrentThread, TOKEN_QUERY, true, &Token) < 0 && NtOpenProcessToken(CurrentProcess, TOKEN_QUERY, &Token) < 0)
            Token = nullptr;
        Owner = Token ? QueryToken<Sidholder>(Token, TokenOwner) : nullptr;
        Group = Token ? QueryToken<Sidholder>(Token, TokenPrimaryGroup) : nullptr;
        Dacl = Token ? QueryToken<AclHolder>(Token, TokenDefaultDacl) : nullptr;
        if (Token && !Given)
            NtClose(Token);
    }
    ~TokenParts()
    {
        for (void* Part : { static_cast<void*>(Owner), static_cast<void*>(Group), static_cast<void*>(Dacl) })
            if (Part)
                platform::Free(Part);
    }
};

struct AclParts {
    ACL* Acl = nullptr;
    bool Present = false, Defaulted = false, Protected = false;
};
AclParts DaclOf(SECURITY_DESCRIPTOR* Sd)
{
    AclParts P;
    BOOLEAN Present = false, Defaulted = false;
    if (Sd && RtlGetDaclSecurityDescriptor(Sd, &Present, &P.Acl, &Defaulted) >= 0 && Present) {
        P.Present = true;
        P.Defaulted = Defaulted;
        P.Protected = Sd->Control & SE_DACL_PROTECTED;
    }
    return P;
}
AclParts SaclOf(SECURITY_DESCRIPTOR* Sd)
{
    AclParts P;
    BOOLEAN Present = false, Defaulted = false;
    if (Sd && RtlGetSaclSecurityDescriptor(Sd, &Present, &P.Acl, &Defaulted) >= 0 && Present) {
        P.Present = true;
        P.Defaulted = Defaulted;
        P.Protected = Sd->Control & SE_SACL_PROTECTED;
    }
    return P;
}

NTSTATUS ToHeap(SECURITY_DESCRIPTOR* Sd, SECURITY_DESCRIPTOR** New)
{
    ULONG Size = 0;
    NTSTATUS Status = RtlMakeSelfRelativeSD(Sd, nullptr, &Size);
    if (Status != STATUS_BUFFER_TOO_SMALL)
        return Status;
    auto* To = static_cast<SECURITY_DESCRIPTOR*>(platform::Allocate(Size));
    if (!To)
        return STATUS_NO_MEMORY;
    Status = RtlMakeSelfRelativeSD(Sd, To, &Size);
    if (Status < 0) {
        platform::Free(To);
        return Status;
    }
    *New = To;
    return STATUS_SUCCESS;
}

NTSTATUS MakeNew(SECURITY_DESCRIPTOR* Parent, SECURITY_DESCRIPTOR* Creator, SECURITY_DESCRIPTOR** New, const GUID** Types, ULONG TypeCount, bool Container, ULONG Flags, HANDLE Token, const GENERIC_MAPPING* Mapping)
{
    TokenParts Defaults(Token);
    SECURITY_DESCRIPTOR Sd;
    RtlCreateSecurityDescriptor(&Sd, SECURITY_DESCRIPTOR_REVISION);
    BOOLEAN Defaulted;
    SID *Owner = nullptr, *Group = nullptr;
    if (Creator)
        RtlGetOwnerSecurityDescriptor(Creator, &Owner, &Defaulted);
    if (!Owner && Parent && (Flags & SEF_DEFAULT_OWNER_FROM_PARENT))
        RtlGetOwnerSecurityDescriptor(Parent, &Owner, &Defaulted);
    if (!Owner && Defaults.Owner)
        Owner = Defaults.Owner->Sid;
    if (Creator)
        RtlGetGroupSecurityDescriptor(Creator, &Group, &Defaulted);
    if (!Group && Parent && (Flags & SEF_DEFAULT_GROUP_FROM_PARENT))
        RtlGetGroupSecurityDescriptor(Parent, &Group, &Defaulted);
    if (!Group && Defaults.Group)
        Group = Defaults.Group->Sid;
    if (!Owner || !Group)
        return STATUS_NO_TOKEN;
    RtlSetOwnerSecurityDescriptor(&Sd, Owner, false);
    RtlSetGroupSecurityDescriptor(&Sd, Group, false);

    auto Merge = [&](const AclParts& Own, const AclParts& From, bool Auto, Builder& Built, bool& Present) {
        Inheritance Rules = { Container, u8(Auto ? INHERITED_ACE : 0), Owner, Group, Mapping, Types, TypeCount };
        if (Own.Present && (!Own.Defaulted || (!Auto && !From.Acl))) {
            Present = true;
            if (!Own.Acl)
                return true;            // a null list: everybody
            TakeOwn(Own.Acl, Mapping, Auto && !Own.Protected, Built);
            if (Auto && !Own.Protected)
                Rules.TakeAll(From.Acl, Built);
            return false;
        }
        if (From.Acl) {
            Rules.TakeAll(From.Acl, Built);
            if (Built.Count) {
                Present = true;
                return false;
            }
        }
        if (Own.Present && Own.Defaulted && !(Flags & SEF_DEFAULT_DESCRIPTOR_FOR_OBJECT)) {
            Present = true;
            if (!Own.Acl)
                return true;
            TakeOwn(Own.Acl, Mapping, false, Built);
        }
        return false;
    };
    Builder Dacl, Sacl;
    bool DaclPresent = false, SaclPresent = false;
    AclParts OwnDacl = DaclOf(Creator), OwnSacl = SaclOf(Creator);
    bool NullDacl = Merge(OwnDacl, DaclOf(Parent), Flags & SEF_DACL_AUTO_INHERIT, Dacl, DaclPresent);
    if (!DaclPresent && Defaults.Dacl && Defaults.Dacl->Dacl) {
        TakeOwn(Defaults.Dacl->Dacl, Mapping, false, Dacl);
        DaclPresent = true;
    }
    bool NullSacl = Merge(OwnSacl, SaclOf(Parent), Flags & SEF_SACL_AUTO_INHERIT, Sacl, SaclPresent);
    if (Dacl.Failed || Sacl.Failed)
        return STATUS_NO_MEMORY;
    if (DaclPresent)
        RtlSetDaclSecurityDescriptor(&Sd, true, NullDacl ? nullptr : Dacl.Finish(), false);
    if (SaclPresent)
        RtlSetSaclSecurityDescriptor(&Sd, true, NullSacl ? nullptr : Sacl.Finish(), false);
    u32 Control = 0;
    if (Flags & SEF_DACL_AUTO_INHERIT)
        Control |= SE_DACL_AUTO_INHERITED;
    if (Flags & SEF_SACL_AUTO_INHERIT)
        Control |= SE_SACL_AUTO_INHERITED;
    if (OwnDacl.Protected)
        Control |= SE_DACL_PROTECTED;
    if (OwnSacl.Protected)
        Control |= SE_SACL_PROTECTED;
    Sd.Control = SECURITY_DESCRIPTOR_CONTROL(Sd.Control | Control);
    return ToHeap(&Sd, New);
}

// The parts of From that Information names, the others of Base.
void Combine(SECURITY_DESCRIPTOR* Base, SECURITY_DESCRIPTOR* From, ULONG Information, SECURITY_DESCRIPTOR* To)
{
    RtlCreateSecurityDescriptor(To, SECURITY_DESCRIPTOR_REVISION);
    BOOLEAN Defaulted = false;
    SID* Sid = nullptr;
    SECURITY_DESCRIPTOR* Source = Information & OWNER_SECURITY_INFORMATION ? From : Base;
    if (Source && RtlGetOwnerSecurityDescriptor(Source, &Sid, &Defaulted) >= 0)
        RtlSetOwnerSecurityDescriptor(To, Sid, Defaulted);
    Sid = nullptr;
    Source = Information & GROUP_SECURITY_INFORMATION ? From : Base;
    if (Source && RtlGetGroupSecurityDescriptor(Source, &Sid, &Defaulted) >= 0)
        RtlSetGroupSecurityDescriptor(To, Sid, Defaulted);
    u32 Control = 0;
    Source = Information & DACL_SECURITY_INFORMATION ? From : Base;
    if (AclParts P = DaclOf(Source); P.Present) {
        RtlSetDaclSecurityDescriptor(To, true, P.Acl, P.Defaulted);
        Control |= Source->Control & (SE_DACL_PROTECTED | SE_DACL_AUTO_INHERITED);
    }
    Source = Information & SACL_SECURITY_INFORMATION ? From : Base;
    if (AclParts P = SaclOf(Source); P.Present) {
        RtlSetSaclSecurityDescriptor(To, true, P.Acl, P.Defaulted);
        Control |= Source->Control & (SE_SACL_PROTECTED | SE_SACL_AUTO_INHERITED);
    }
    To->Control = SECURITY_DESCRIPTOR_CONTROL(To->Control | Control);
}

}
}

using namespace rtl;

extern "C" {

NTSTATUS NTAPI RtlNewSecurityObject(SECURITY_DESCRIPTOR* Parent, SECURITY_DESCRIPTOR* Creator, SECURITY_DESCRIPTOR** New, BOOLEAN Container, HANDLE Token, const GENERIC_MAPPING* Mapping)
{
    return MakeNew(Parent, Creator, New, nullptr, 0, Container, 0, Token, Mapping);
}
NTSTATUS NTAPI RtlNewSecurityObjectEx(SECURITY_DESCRIPTOR* Parent, SECURITY_DESCRIPTOR* Creator, SECURITY_DESCRIPTOR** New, const GUID* Type, BOOLEAN Container, ULONG Flags, HANDLE Token, const GENERIC_MAPPING* Mapping)
{
    return MakeNew(Parent, Creator, New, &Type, Type ? 1 : 0, Container, Flags, Token, Mapping);
}
NTSTATUS NTAPI RtlNewSecurityObjectWithMultipleInheritance(SECURITY_DESCRIPTOR* Parent, SECURITY_DESCRIPTOR* Creator, SECURITY_DESCRIPTOR** New, const GUID** Types, ULONG TypeCount, BOOLEAN Container, ULONG Flags, HANDLE Token, const GENERIC_MAPPING* Mapping)
{
    return MakeNew(Parent, Creator, New, Types, Types ? TypeCount : 0, Container, Flags, Token, Mapping);
}
NTSTATUS NTAPI RtlDeleteSecurityObject(SECURITY_DESCRIPTOR** Sd)
{
    platform::Free(*Sd);
    *Sd = nullptr;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlQuerySecurityObject(SECURITY_DESCRIPTOR* Sd, ULONG Information, SECURITY_DESCRIPTOR* To, ULONG Size, ULONG* Needed)
{
    SECURITY_DESCRIPTOR Wanted;
    Combine(nullptr, Sd, Information, &Wanted);
    *Needed = Size;
    return RtlMakeSelfRelativeSD(&Wanted, To, Needed);
}

NTSTATUS NTAPI RtlSetSecurityObject(ULONG Information, SECURITY_DESCRIPTOR* Changes, SECURITY_DESCRIPTOR** Sd, const GENERIC_MAPPING* Mapping, HANDLE)
{
    if (!*Sd || !RtlValidSecurityDescriptor(Changes))
        return STATUS_INVALID_SECURITY_DESCR;
    SECURITY_DESCRIPTOR Result;
    Combine(*Sd, Changes, Information, &Result);
    Builder Dacl;
    if ((Information & DACL_SECURITY_INFORMATION) && Result.Dacl) {
        TakeOwn(Result.Dacl, Mapping, false, Dacl);
        if (Dacl.Failed)
            return STATUS_NO_MEMORY;
        Result.Dacl = Dacl.Finish();
    }
    SECURITY_DESCRIPTOR* New;
    if (NTSTATUS Status = ToHeap(&Result, &New); Status < 0)
        return Status;
    platform::Free(*Sd);
    *Sd = New;
    return STATUS_SUCCESS;
}

// What the parent would hand down is marked as inherited, the rest stays the object's own.
NTSTATUS NTAPI RtlConvertToAutoInheritSecurityObject(SECURITY_DESCRIPTOR* Parent, SECURITY_DESCRIPTOR* Current, SECURITY_DESCRIPTOR** New, const GUID* Type, BOOLEAN Container, const GENERIC_MAPPING* Mapping)
{
    if (!Current || !RtlValidSecurityDescriptor(Current))
        return STATUS_INVALID_SECURITY_DESCR;
    SID *Owner = nullptr, *Group = nullptr;
    BOOLEAN Defaulted;
    RtlGetOwnerSecurityDescriptor(Current, &Owner, &Defaulted);
    RtlGetGroupSecurityDescriptor(Current, &Group, &Defaulted);
    Inheritance Rules = { bool(Container), INHERITED_ACE, Owner, Group, Mapping, &Type, Type ? 1u : 0u };
    auto Convert = [&](const AclParts& Own, const AclParts& From, Builder& Built) {
        Builder Handed;
        Rules.TakeAll(From.Acl, Handed);
        ACL* Expected = Handed.Finish();
        Built.Revision = Own.Acl->AclRevision;
        for (u32 I = 0; Expected && I < Own.Acl->AceCount; ++I) {
            PVOID Found, Other;
            RtlGetAce(Own.Acl, I, &Found);
            auto* Ace = static_cast<ACE_HEADER*>(Found);
            u8 Flags = Ace->AceFlags;
            for (u32 J = 0; J < Expected->AceCount; ++J) {
                RtlGetAce(Expected, J, &Other);
                auto* Model = static_cast<ACE_HEADER*>(Other);
                if (Model->AceType == Ace->AceType && Model->AceSize == Ace->AceSize && (Model->AceFlags & ~INHERITED_ACE) == (Ace->AceFlags & ~INHERITED_ACE) &&
                    CRT(memcmp)(Model + 1, Ace + 1, Ace->AceSize - sizeof(ACE_HEADER)) == 0)
                    Flags |= INHERITED_ACE;
            }
            const GUID* AceType;
            const SID* Sid = SidOf(Ace, &AceType);
            Built.Add(Ace, Sid, Sid, Flags, static_cast<ACCESS_ALLOWED_ACE*>(Found)->Mask);
        }
    };
    SECURITY_DESCRIPTOR Result;
    Combine(nullptr, Current, OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION | SACL_SECURITY_INFORMATION, &Result);
    Builder Dacl, Sacl;
    if (Result.Control & SE_DACL_PRESENT && Result.Dacl) {
        Convert(DaclOf(Current), DaclOf(Parent), Dacl);
        Result.Dacl = Dacl.Finish();
    }
    if (Result.Control & SE_SACL_PRESENT && Result.Sacl) {
        Convert(SaclOf(Current), SaclOf(Parent), Sacl);
        Result.Sacl = Sacl.Finish();
    }
    if (Dacl.Failed || Sacl.Failed)
        return STATUS_NO_MEMORY;
    Result.Control = SECURITY_DESCRIPTOR_CONTROL(Result.Control | SE_DACL_AUTO_INHERITED | SE_SACL_AUTO_INHERITED);
    return ToHeap(&Result, New);
}

NTSTATUS NTAPI RtlAdjustPrivilege(ULONG Privilege, BOOLEAN Enable, BOOLEAN Thread, BOOLEAN* WasEnabled)
{
    HANDLE Token;
    NTSTATUS Status = Thread ? NtOpenThreadToken(CurrentThread, TOKEN_ADJUST_PRIVILEGES | TOKEN_QUERY, false, &Token)
                             : NtOpenProcessToken(CurrentProcess, TOKEN_ADJUST_PRIVILEGES | TOKEN_QUERY, &Token);
    if (Status < 0)
        return Status;
    TOKEN_PRIVILEGES New = { 1, { { { Privilege, 0 }, Enable ? SE_PRIVILEGE_ENABLED : 0 } } }, Old = New;
    ULONG Size = sizeof(Old);
    Status = NtAdjustPrivilegesToken(Token, false, &New, sizeof(New), &Old, &Size);
    NtClose(Token);
    if (Status == STATUS_NOT_ALL_ASSIGNED)
        return STATUS_PRIVILEGE_NOT_HELD;
    if (Status >= 0)
        *WasEnabled = Old.PrivilegeCount ? (Old.Privileges[0].Attributes & SE_PRIVILEGE_ENABLED) != 0 : Enable;
    return Status;
}

NTSTATUS NTAPI RtlImpersonateSelf(ULONG Level)
{
    constexpr ULONG TokenImpersonation = 2, ThreadImpersonationToken = 5;
    HANDLE Process, Token;
    NTSTATUS Status = NtOpenProcessToken(CurrentProcess, TOKEN_DUPLICATE, &Process);
    if (Status < 0)
        return Status;
    SECURITY_QUALITY_OF_SERVICE Quality = { sizeof(Quality), Level, false, false };
    OBJECT_ATTRIBUTES Attributes = { sizeof(Attributes), nullptr, nullptr, 0, nullptr, &Quality };
    Status = NtDuplicateToken(Process, TOKEN_IMPERSONATE, &Attributes, false, TokenImpersonation, &Token);
    NtClose(Process);
    if (Status < 0)
        return Status;
    Status = NtSetInformationThread(CurrentThread, ThreadImpersonationToken, &Token, sizeof(Token));
    NtClose(Token);
    return Status;
}

}
