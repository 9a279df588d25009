// Security descriptors, absolute and self-relative.
#include <initializer_list>

#include "lib/rtl/crt/crt.hpp"
#include "lib/rtl/platform.hpp"
#include "lib/rtl/rtl.hpp"

namespace {

bool IsRelative(const SECURITY_DESCRIPTOR* Sd) { return Sd->Control & SE_SELF_RELATIVE; }

template <typename T> T* At(SECURITY_DESCRIPTOR* Sd, ULONG Offset) { return Offset ? reinterpret_cast<T*>(reinterpret_cast<u8*>(Sd) + Offset) : nullptr; }
SECURITY_DESCRIPTOR_RELATIVE* Relative(SECURITY_DESCRIPTOR* Sd) { return reinterpret_cast<SECURITY_DESCRIPTOR_RELATIVE*>(Sd); }

struct Parts {
    SID *Owner, *Group;
    ACL *Dacl, *Sacl;

    explicit Parts(SECURITY_DESCRIPTOR* Sd)
    {
        if (IsRelative(Sd)) {
            auto* R = Relative(Sd);
            Owner = At<SID>(Sd, R->Owner);
            Group = At<SID>(Sd, R->Group);
            Dacl = R->Control & SE_DACL_PRESENT ? At<ACL>(Sd, R->Dacl) : nullptr;
            Sacl = R->Control & SE_SACL_PRESENT ? At<ACL>(Sd, R->Sacl) : nullptr;
        } else {
            Owner = Sd->Owner;
            Group = Sd->Group;
            Dacl = Sd->Control & SE_DACL_PRESENT ? Sd->Dacl : nullptr;
            Sacl = Sd->Control & SE_SACL_PRESENT ? Sd->Sacl : nullptr;
        }
    }
    static ULONG Round(ULONG Size) { return (Size + 3) & ~3u; }
    ULONG OwnerSize() const { return Owner ? Round(RtlLengthSid(Owner)) : 0; }
    ULONG GroupSize() const { return Group ? Round(RtlLengthSid(Group)) : 0; }
    ULONG DaclSize() const { return Dacl ? Round(Dacl->AclSize) : 0; }
    ULONG SaclSize() const { return Sacl ? Round(Sacl->AclSize) : 0; }
    ULONG Total() const { return OwnerSize() + GroupSize() + DaclSize() + SaclSize(); }
};

NTSTATUS GetSid(SECURITY_DESCRIPTOR* Sd, SID* Found, SECURITY_DESCRIPTOR_CONTROL Bit, SID** Sid, BOOLEAN* Defaulted)
{
    if (Sd->Revision != SECURITY_DESCRIPTOR_REVISION)
        return STATUS_UNKNOWN_REVISION;
    *Sid = Found;
    if (Defaulted)
        *Defaulted = (Sd->Control & Bit) != 0;
    return STATUS_SUCCESS;
}

NTSTATUS GetAcl(SECURITY_DESCRIPTOR* Sd, ACL* Found, SECURITY_DESCRIPTOR_CONTROL PresentBit, SECURITY_DESCRIPTOR_CONTROL DefaultedBit, BOOLEAN* Present, ACL** Acl, BOOLEAN* Defaulted)
{
    if (Sd->Revision != SECURITY_DESCRIPTOR_REVISION)
        return STATUS_UNKNOWN_REVISION;
    *Present = (Sd->Control & PresentBit) != 0;
    if (*Present) {
        *Acl = Found;
        *Defaulted = (Sd->Control & DefaultedBit) != 0;
    }
    return STATUS_SUCCESS;
}

NTSTATUS MaySet(const SECURITY_DESCRIPTOR* Sd)
{
    if (Sd->Revision != SECURITY_DESCRIPTOR_REVISION)
        return STATUS_UNKNOWN_REVISION;
    return IsRelative(Sd) ? STATUS_INVALID_SECURITY_DESCR : STATUS_SUCCESS;
}

void SetBit(SECURITY_DESCRIPTOR* Sd, SECURITY_DESCRIPTOR_CONTROL Bit, bool On)
{
    Sd->Control = SECURITY_DESCRIPTOR_CONTROL(On ? Sd->Control | Bit : Sd->Control & ~Bit);
}

bool Within(ULONG Offset, ULONG Needed, ULONG Size) { return Offset % 4 == 0 && Offset <= Size && Needed <= Size - Offset; }

}

extern "C" {

NTSTATUS NTAPI RtlCreateSecurityDescriptor(SECURITY_DESCRIPTOR* Sd, ULONG Revision)
{
    if (Revision != SECURITY_DESCRIPTOR_REVISION)
        return STATUS_UNKNOWN_REVISION;
    CRT(memset)(Sd, 0, sizeof(*Sd));
    Sd->Revision = SECURITY_DESCRIPTOR_REVISION;
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI RtlCreateSecurityDescriptorRelative(SECURITY_DESCRIPTOR_RELATIVE* Sd, ULONG Revision)
{
    if (Revision != SECURITY_DESCRIPTOR_REVISION)
        return STATUS_UNKNOWN_REVISION;
    *Sd = { SECURITY_DESCRIPTOR_REVISION, 0, SE_SELF_RELATIVE, 0, 0, 0, 0 };
    return STATUS_SUCCESS;
}

BOOLEAN NTAPI RtlValidSecurityDescriptor(SECURITY_DESCRIPTOR* Sd)
{
    if (!Sd || Sd->Revision != SECURITY_DESCRIPTOR_REVISION)
        return false;
    Parts P(Sd);
    return (!P.Owner || RtlValidSid(P.Owner)) && (!P.Group || RtlValidSid(P.Group)) && (!P.Dacl || RtlValidAcl(P.Dacl)) && (!P.Sacl || RtlValidAcl(P.Sacl));
}

BOOLEAN NTAPI RtlValidRelativeSecurityDescriptor(SECURITY_DESCRIPTOR* Sd, ULONG Size, ULONG Required)
{
    if (Size < sizeof(SECURITY_DESCRIPTOR_RELATIVE) || Sd->Revision != SECURITY_DESCRIPTOR_REVISION || !IsRelative(Sd))
        return false;
    auto* R = Relative(Sd);
    for (ULONG Offset : { R->Owner, R->Group })
        if (Offset) {
            if (!Within(Offset, 8, Size))
                return false;
            auto* Sid = At<SID>(Sd, Offset);
            if (!RtlValidSid(Sid) || !Within(Offset, RtlLengthSid(Sid), Size))
                return false;
        }
    if ((!R->Owner && (Required & OWNER_SECURITY_INFORMATION)) || (!R->Group && (Required & GROUP_SECURITY_INFORMATION)))
        return false;
    if (!(R->Control & SE_DACL_PRESENT) && (Required & DACL_SECURITY_INFORMATION))
        return false;
    if (!(R->Control & SE_SACL_PRESENT) && (Required & SACL_SECURITY_INFORMATION))
        return false;
    for (ULONG Offset : { R->Control & SE_DACL_PRESENT ? R->Dacl : 0, R->Control & SE_SACL_PRESENT ? R->Sacl : 0 })
        if (Offset) {
            if (!Within(Offset, sizeof(ACL), Size))
                return false;
            auto* Acl = At<ACL>(Sd, Offset);
            if (!Within(Offset, Acl->AclSize, Size) || !RtlValidAcl(Acl))
                return false;
        }
    return true;
}

ULONG NTAPI RtlLengthSecurityDescriptor(SECURITY_DESCRIPTOR* Sd)
{
    if (!Sd)
        return 0;
    return ULONG(IsRelative(Sd) ? sizeof(SECURITY_DESCRIPTOR_RELATIVE) : sizeof(SECURITY_DESCRIPTOR)) + Parts(Sd).Total();
}

NTSTATUS NTAPI RtlGetControlSecurityDescriptor(SECURITY_DESCRIPTOR* Sd, SECURITY_DESCRIPTOR_CONTROL* Control, ULONG* Revision)
{
    *Revision = Sd->Revision;
    if (Sd->Revision != SECURITY_DESCRIPTOR_REVISION)
        return STATUS_UNKNOWN_REVISION;
    *Control = Sd->Control;
    return STATUS_SUCCESS;
}
// Only the bits of automatic inheritance and protection.
NTSTATUS NTAPI RtlSetControlSecurityDescriptor(SECURITY_DESCRIPTOR* Sd, SECURITY_DESCRIPTOR_CONTROL Which, SECURITY_DESCRIPTOR_CONTROL Values)
{
    constexpr u32 Changeable = SE_DACL_AUTO_INHERIT_REQ | SE_SACL_AUTO_INHERIT_REQ | SE_DACL_AUTO_INHERITED | SE_SACL_AUTO_INHERITED | SE_DACL_PROTECTED | SE_SACL_PROTECTED;
    if ((Which | Values) & ~Changeable)
        return STATUS_INVALID_PARAMETER;
    Sd->Control = SECURITY_DESCRIPTOR_CONTROL((Sd->Control & ~Which) | (Values & Which));
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI RtlSetAttributesSecurityDescriptor(SECURITY_DESCRIPTOR* Sd, SECURITY_DESCRIPTOR_CONTROL Control, ULONG* Revision)
{
    *Revision = Sd->Revision;
    if (Sd->Revision != SECURITY_DESCRIPTOR_REVISION)
        return STATUS_UNKNOWN_REVISION;
    constexpr SECURITY_DESCRIPTOR_CONTROL Changeable = 0x3F00;
    return RtlSetControlSecurityDescriptor(Sd, Changeable, Control & Changeable);
}

NTSTATUS NTAPI RtlGetOwnerSecurityDescriptor(SECURITY_DESCRIPTOR* Sd, SID** Owner, BOOLEAN* Defaulted)
{
    return Sd && Owner && Defaulted ? GetSid(Sd, Parts(Sd).Owner, SE_OWNER_DEFAULTED, Owner, Defaulted) : STATUS_INVALID_PARAMETER;
}
NTSTATUS NTAPI RtlGetGroupSecurityDescriptor(SECURITY_DESCRIPTOR* Sd, SID** Group, BOOLEAN* Defaulted)
{
    return Sd && Group && Defaulted ? GetSid(Sd, Parts(Sd).Group, SE_GROUP_DEFAULTED, Group, Defaulted) : STATUS_INVALID_PARAMETER;
}
NTSTATUS NTAPI RtlSetOwnerSecurityDescriptor(SECURITY_DESCRIPTOR* Sd, SID* Owner, BOOLEAN Defaulted)
{
    if (NTSTATUS Status = MaySet(Sd); Status < 0)
        return Status;
    Sd->Owner = Owner;
    SetBit(Sd, SE_OWNER_DEFAULTED, Defaulted);
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI RtlSetGroupSecurityDescriptor(SECURITY_DESCRIPTOR* Sd, SID* Group, BOOLEAN Defaulted)
{
    if (NTSTATUS Status = MaySet(Sd); Status < 0)
        return Status;
    Sd->Group = Group;
    SetBit(Sd, SE_GROUP_DEFAULTED, Defaulted);
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI RtlGetDaclSecurityDescriptor(SECURITY_DESCRIPTOR* Sd, BOOLEAN* Present, ACL** Dacl, BOOLEAN* Defaulted)
{
    return GetAcl(Sd, Parts(Sd).Dacl, SE_DACL_PRESENT, SE_DACL_DEFAULTED, Present, Dacl, Defaulted);
}
NTSTATUS NTAPI RtlGetSaclSecurityDescriptor(SECURITY_DESCRIPTOR* Sd, BOOLEAN* Present, ACL** Sacl, BOOLEAN* Defaulted)
{
    return GetAcl(Sd, Parts(Sd).Sacl, SE_SACL_PRESENT, SE_SACL_DEFAULTED, Present, Sacl, Defaulted);
}
NTSTATUS NTAPI RtlSetDaclSecurityDescriptor(SECURITY_DESCRIPTOR* Sd, BOOLEAN Present, ACL* Dacl, BOOLEAN Defaulted)
{
    if (NTSTATUS Status = MaySet(Sd); Status < 0)
        return Status;
    SetBit(Sd, SE_DACL_PRESENT, Present);
    if (Present) {
        Sd->Dacl = Dacl;
        SetBit(Sd, SE_DACL_DEFAULTED, Defaulted);
    }
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI RtlSetSaclSecurityDescriptor(SECURITY_DESCRIPTOR* Sd, BOOLEAN Present, ACL* Sacl, BOOLEAN Defaulted)
{
    if (NTSTATUS Status = MaySet(Sd); Status < 0)
        return Status;
    SetBit(Sd, SE_SACL_PRESENT, Present);
    if (Present) {
        Sd->Sacl = Sacl;
        SetBit(Sd, SE_SACL_DEFAULTED, Defaulted);
    }
    return STATUS_SUCCESS;
}
BOOLEAN NTAPI RtlGetSecurityDescriptorRMControl(SECURITY_DESCRIPTOR* Sd, UCHAR* Control)
{
    *Control = Sd->Control & SE_RM_CONTROL_VALID ? Sd->Sbz1 : 0;
    return (Sd->Control & SE_RM_CONTROL_VALID) != 0;
}
void NTAPI RtlSetSecurityDescriptorRMControl(SECURITY_DESCRIPTOR* Sd, UCHAR* Control)
{
    SetBit(Sd, SE_RM_CONTROL_VALID, Control != nullptr);
    Sd->Sbz1 = Control ? *Control : 0;
}

NTSTATUS NTAPI RtlMakeSelfRelativeSD(SECURITY_DESCRIPTOR* Sd, SECURITY_DESCRIPTOR* To, ULONG* Size)
{
    Parts P(Sd);
    ULONG Needed = sizeof(SECURITY_DESCRIPTOR_RELATIVE) + P.Total();
    if (*Size < Needed) {
        *Size = Needed;
        return STATUS_BUFFER_TOO_SMALL;
    }
    auto* R = Relative(To);
    CRT(memset)(R, 0, Needed);
    R->Revision = Sd->Revision;
    R->Sbz1 = Sd->Sbz1;
    R->Control = Sd->Control | SE_SELF_RELATIVE;
    ULONG Offset = sizeof(*R);
    auto Put = [&](ULONG& Field, const void* From, ULONG Count, ULONG Rounded) {
        if (!From)
            return;
        Field = Offset;
        CRT(memcpy)(reinterpret_cast<u8*>(R) + Offset, From, Count);
        Offset += Rounded;
    };
    Put(R->Owner, P.Owner, P.Owner ? RtlLengthSid(P.Owner) : 0, P.OwnerSize());
    Put(R->Group, P.Group, P.Group ? RtlLengthSid(P.Group) : 0, P.GroupSize());
    Put(R->Sacl, P.Sacl, P.Sacl ? P.Sacl->AclSize : 0, P.SaclSize());
    Put(R->Dacl, P.Dacl, P.Dacl ? P.Dacl->AclSize : 0, P.DaclSize());
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI RtlAbsoluteToSelfRelativeSD(SECURITY_DESCRIPTOR* Sd, SECURITY_DESCRIPTOR* To, ULONG* Size)
{
    return IsRelative(Sd) ? STATUS_BAD_DESCRIPTOR_FORMAT : RtlMakeSelfRelativeSD(Sd, To, Size);
}

NTSTATUS NTAPI RtlSelfRelativeToAbsoluteSD(SECURITY_DESCRIPTOR* From, SECURITY_DESCRIPTOR* To, ULONG* ToSize, ACL* Dacl, ULONG* DaclSize, ACL* Sacl, ULONG* SaclSize, SID* Owner, ULONG* OwnerSize, SID* Group, ULONG* GroupSize)
{
    if (!IsRelative(From))
        return STATUS_BAD_DESCRIPTOR_FORMAT;
    Parts P(From);
    ULONG OwnerBytes = P.Owner ? RtlLengthSid(P.Owner) : 0, GroupBytes = P.Group ? RtlLengthSid(P.Group) : 0;
    ULONG DaclBytes = P.Dacl ? P.Dacl->AclSize : 0, SaclBytes = P.Sacl ? P.Sacl->AclSize : 0;
    bool Fits = *ToSize >= sizeof(SECURITY_DESCRIPTOR) && *DaclSize >= DaclBytes && *SaclSize >= SaclBytes && *OwnerSize >= OwnerBytes && *GroupSize >= GroupBytes;
    *ToSize = sizeof(SECURITY_DESCRIPTOR);
    *DaclSize = DaclBytes;
    *SaclSize = SaclBytes;
    *OwnerSize = OwnerBytes;
    *GroupSize = GroupBytes;
    if (!Fits)
        return STATUS_BUFFER_TOO_SMALL;
    CRT(memset)(To, 0, sizeof(*To));
    To->Revision = From->Revision;
    To->Sbz1 = From->Sbz1;
    To->Control = From->Control & ~SE_SELF_RELATIVE;
    auto Put = [](auto*& Field, auto* Room, const void* Source, ULONG Size) {
        if (!Source)
            return;
        CRT(memcpy)(Room, Source, Size);
        Field = Room;
    };
    Put(To->Owner, Owner, P.Owner, OwnerBytes);
    Put(To->Group, Group, P.Group, GroupBytes);
    Put(To->Dacl, Dacl, P.Dacl, DaclBytes);
    Put(To->Sacl, Sacl, P.Sacl, SaclBytes);
    return STATUS_SUCCESS;
}

// In place: the pointers take more room than the offsets did, so the parts move up.
NTSTATUS NTAPI RtlSelfRelativeToAbsoluteSD2(SECURITY_DESCRIPTOR* Sd, ULONG* Size)
{
    if (!Sd)
        return STATUS_INVALID_PARAMETER_1;
    if (!Size)
        return STATUS_INVALID_PARAMETER_2;
    if (!IsRelative(Sd))
        return STATUS_BAD_DESCRIPTOR_FORMAT;
    constexpr ULONG Growth = sizeof(SECURITY_DESCRIPTOR) - sizeof(SECURITY_DESCRIPTOR_RELATIVE);
    ULONG Needed = RtlLengthSecurityDescriptor(Sd) + Growth;
    if (*Size < Needed) {
        *Size = Needed;
        return STATUS_BUFFER_TOO_SMALL;
    }
    Parts P(Sd);
    ULONG End = sizeof(SECURITY_DESCRIPTOR_RELATIVE);
    auto Reach = [&](const void* Part, ULONG Bytes) {
        if (Part) {
            ULONG Behind = ULONG(static_cast<const u8*>(Part) - reinterpret_cast<u8*>(Sd)) + Bytes;
            End = Behind > End ? Behind : End;
        }
    };
    Reach(P.Owner, P.OwnerSize());
    Reach(P.Group, P.GroupSize());
    Reach(P.Dacl, P.DaclSize());
    Reach(P.Sacl, P.SaclSize());
    if (End + Growth > *Size) {
        *Size = End + Growth;
        return STATUS_BUFFER_TOO_SMALL;
    }
    auto* Base = reinterpret_cast<u8*>(Sd);
    CRT(memmove)(Base + sizeof(SECURITY_DESCRIPTOR), Base + sizeof(SECURITY_DESCRIPTOR_RELATIVE), End - sizeof(SECURITY_DESCRIPTOR_RELATIVE));
    auto Moved = [](auto* Part) { return Part ? reinterpret_cast<decltype(Part)>(reinterpret_cast<u8*>(Part) + Growth) : nullptr; };
    Sd->Control = Sd->Control & ~SE_SELF_RELATIVE;
    Sd->Owner = Moved(P.Owner);
    Sd->Group = Moved(P.Group);
    Sd->Sacl = Moved(P.Sacl);
    Sd->Dacl = Moved(P.Dacl);
    return STATUS_SUCCESS;
}

// The copy is one block whatever the form: an absolute descriptor's parts lie behind it.
NTSTATUS NTAPI RtlCopySecurityDescriptor(SECURITY_DESCRIPTOR* From, SECURITY_DESCRIPTOR** To)
{
    if (From->Revision != SECURITY_DESCRIPTOR_REVISION)
        return STATUS_UNKNOWN_REVISION;
    ULONG Size = RtlLengthSecurityDescriptor(From);
    auto* New = static_cast<SECURITY_DESCRIPTOR*>(rtl::platform::Allocate(Size));
    if (!New)
        return STATUS_NO_MEMORY;
    if (IsRelative(From)) {
        RtlMakeSelfRelativeSD(From, New, &Size);
    } else {
        Parts P(From);
        *New = *From;
        u8* Room = reinterpret_cast<u8*>(New + 1);
        auto Put = [&](auto*& Field, auto* Part, ULONG Bytes, ULONG Rounded) {
            if (!Part)
                return;
            CRT(memcpy)(Room, Part, Bytes);
            Field = reinterpret_cast<decltype(Part)>(Room);
            Room += Rounded;
        };
        Put(New->Owner, P.Owner, P.Owner ? RtlLengthSid(P.Owner) : 0, P.OwnerSize());
        Put(New->Group, P.Group, P.Group ? RtlLengthSid(P.Group) : 0, P.GroupSize());
        Put(New->Sacl, P.Sacl, P.Sacl ? P.Sacl->AclSize : 0, P.SaclSize());
        Put(New->Dacl, P.Dacl, P.Dacl ? P.Dacl->AclSize : 0, P.DaclSize());
    }
    *To = New;
    return STATUS_SUCCESS;
}

}
