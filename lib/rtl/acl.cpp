// Access-control lists.
#include "lib/rtl/crt/crt.hpp"
#include "lib/rtl/platform.hpp"
#include "lib/rtl/rtl.hpp"

namespace {

ACE_HEADER* Next(ACE_HEADER* Ace) { return reinterpret_cast<ACE_HEADER*>(reinterpret_cast<u8*>(Ace) + Ace->AceSize); }
ACE_HEADER* First(ACL* Acl) { return reinterpret_cast<ACE_HEADER*>(Acl + 1); }
u8* End(ACL* Acl) { return reinterpret_cast<u8*>(Acl) + Acl->AclSize; }

// The byte behind the last ACE; null if the ACEs do not lie within the list.
u8* Used(ACL* Acl)
{
    ACE_HEADER* Ace = First(Acl);
    for (u32 I = 0; I < Acl->AceCount; ++I) {
        u8* At = reinterpret_cast<u8*>(Ace);
        if (At + sizeof(ACE_HEADER) > End(Acl) || Ace->AceSize < sizeof(ACE_HEADER) || At + Ace->AceSize > End(Acl))
            return nullptr;
        Ace = Next(Ace);
    }
    return reinterpret_cast<u8*>(Ace);
}

bool HasPlainSid(UCHAR Type)
{
    return Type <= SYSTEM_ALARM_ACE_TYPE || Type == ACCESS_ALLOWED_CALLBACK_ACE_TYPE || Type == ACCESS_DENIED_CALLBACK_ACE_TYPE || Type == SYSTEM_MANDATORY_LABEL_ACE_TYPE;
}
bool IsObject(UCHAR Type) { return Type >= ACCESS_ALLOWED_OBJECT_ACE_TYPE && Type <= SYSTEM_ALARM_OBJECT_ACE_TYPE; }

// Puts an ACE of a kind with mask, optional GUIDs and a SID at the end.
NTSTATUS Append(ACL* Acl, ULONG Revision, UCHAR Type, ULONG Flags, ACCESS_MASK Mask, SID* Sid, const GUID* Object = nullptr, const GUID* Inherited = nullptr)
{
    if (!RtlValidSid(Sid))
        return STATUS_INVALID_SID;
    if (Acl->AclRevision > MAX_ACL_REVISION || Revision > MAX_ACL_REVISION)
        return STATUS_REVISION_MISMATCH;
    u8* At = Used(Acl);
    if (!At)
        return STATUS_INVALID_ACL;
    bool WithObject = IsObject(Type);
    ULONG SidSize = RtlLengthSid(Sid);
    usize Size = sizeof(ACE_HEADER) + sizeof(ACCESS_MASK) + (WithObject ? 4 : 0) + (Object ? sizeof(GUID) : 0) + (Inherited ? sizeof(GUID) : 0) + SidSize;
    if (At + Size > End(Acl))
        return STATUS_ALLOTTED_SPACE_EXCEEDED;
    ACE_HEADER Header = { Type, UCHAR(Flags), USHORT(Size) };
    auto Put = [&](const void* From, usize Count) {
        CRT(memcpy)(At, From, Count);
        At += Count;
    };
    Put(&Header, sizeof(Header));
    Put(&Mask, sizeof(Mask));
    if (WithObject) {
        ULONG Present = (Object ? ACE_OBJECT_TYPE_PRESENT : 0) | (Inherited ? ACE_INHERITED_OBJECT_TYPE_PRESENT : 0);
        Put(&Present, sizeof(Present));
        if (Object)
            Put(Object, sizeof(GUID));
        if (Inherited)
            Put(Inherited, sizeof(GUID));
    }
    Put(Sid, SidSize);
    ++Acl->AceCount;
    if (Revision > Acl->AclRevision)
        Acl->AclRevision = UCHAR(Revision);
    return STATUS_SUCCESS;
}

// An object ACE without GUIDs is a plain one.
NTSTATUS AppendObject(ACL* Acl, ULONG Revision, UCHAR Plain, UCHAR WithObject, ULONG Flags, ACCESS_MASK Mask, const GUID* Object, const GUID* Inherited, SID* Sid)
{
    if (!Object && !Inherited)
        return Append(Acl, Revision, Plain, Flags, Mask, Sid);
    if (Revision < ACL_REVISION_DS)
        return STATUS_REVISION_MISMATCH;
    return Append(Acl, Revision, WithObject, Flags, Mask, Sid, Object, Inherited);
}

ULONG AuditFlags(BOOLEAN Success, BOOLEAN Failure)
{
    return (Success ? SUCCESSFUL_ACCESS_ACE_FLAG : 0u) | (Failure ? FAILED_ACCESS_ACE_FLAG : 0u);
}

}

extern "C" {

NTSTATUS NTAPI RtlCreateAcl(ACL* Acl, ULONG Size, ULONG Revision)
{
    if (Revision < MIN_ACL_REVISION || Revision > MAX_ACL_REVISION)
        return STATUS_INVALID_PARAMETER;
    if (Size < sizeof(ACL))
        return STATUS_BUFFER_TOO_SMALL;
    if (Size > 0xFFFF)
        return STATUS_INVALID_PARAMETER;
    *Acl = { UCHAR(Revision), 0, USHORT(Size & 0xFFFC), 0, 0 };
    return STATUS_SUCCESS;
}

BOOLEAN NTAPI RtlValidAcl(ACL* Acl)
{
    if (!Acl || Acl->AclRevision < MIN_ACL_REVISION || Acl->AclRevision > MAX_ACL_REVISION || Acl->AclSize < sizeof(ACL) || !Used(Acl))
        return false;
    ACE_HEADER* Ace = First(Acl);
    for (u32 I = 0; I < Acl->AceCount; ++I, Ace = Next(Ace)) {
        usize At = 8;
        if (IsObject(Ace->AceType)) {
            if (Ace->AceSize < 12)
                return false;
            ULONG Present = reinterpret_cast<ACCESS_ALLOWED_OBJECT_ACE*>(Ace)->Flags;
            At = 12 + (Present & ACE_OBJECT_TYPE_PRESENT ? 16 : 0) + (Present & ACE_INHERITED_OBJECT_TYPE_PRESENT ? 16 : 0);
        } else if (!HasPlainSid(Ace->AceType)) {
            continue;                   // of a kind with a layout of its own
        }
        if (Ace->AceSize < At + 8)
            return false;
        auto* Sid = reinterpret_cast<SID*>(reinterpret_cast<u8*>(Ace) + At);
        if (!RtlValidSid(Sid) || Ace->AceSize < At + RtlLengthSid(Sid))
            return false;
    }
    return true;
}

BOOLEAN NTAPI RtlFirstFreeAce(ACL* Acl, ACE_HEADER** Ace)
{
    // Less strict than Used: an ACE of size 0 is walked over, and the end of the list is a place too.
    *Ace = nullptr;
    ACE_HEADER* At = First(Acl);
    for (u32 I = 0; I < Acl->AceCount; ++I, At = Next(At))
        if (reinterpret_cast<u8*>(At) + sizeof(ACE_HEADER) > End(Acl))
            return false;
    if (reinterpret_cast<u8*>(At) <= End(Acl))
        *Ace = At;
    return true;
}

NTSTATUS NTAPI RtlGetAce(ACL* Acl, ULONG Index, PVOID* Ace)
{
    if (Index >= Acl->AceCount || !Used(Acl))
        return STATUS_INVALID_PARAMETER;
    ACE_HEADER* At = First(Acl);
    while (Index--)
        At = Next(At);
    *Ace = At;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlAddAce(ACL* Acl, ULONG Revision, ULONG Index, PVOID Aces, ULONG Size)
{
    if (!RtlValidAcl(Acl))
        return STATUS_INVALID_PARAMETER;
    if (Acl->AclRevision > Revision && Revision < MIN_ACL_REVISION)
        return STATUS_REVISION_MISMATCH;
    auto* List = static_cast<u8*>(Aces);
    u32 Count = 0;
    for (ULONG At = 0; At < Size; ++Count) {
        auto* Ace = reinterpret_cast<ACE_HEADER*>(List + At);
        if (Size - At < sizeof(ACE_HEADER) || Ace->AceSize < sizeof(ACE_HEADER) || Ace->AceSize > Size - At)
            return STATUS_INVALID_PARAMETER;
        At += Ace->AceSize;
    }
    u8* Free = Used(Acl);
    if (Free + Size > End(Acl))
        return STATUS_BUFFER_TOO_SMALL;
    u8* Place = Free;
    if (Index < Acl->AceCount) {
        ACE_HEADER* At = First(Acl);
        while (Index--)
            At = Next(At);
        Place = reinterpret_cast<u8*>(At);
        CRT(memmove)(Place + Size, Place, usize(Free - Place));
    }
    CRT(memcpy)(Place, Aces, Size);
    Acl->AceCount = USHORT(Acl->AceCount + Count);
    if (Revision > Acl->AclRevision && Revision <= MAX_ACL_REVISION)
        Acl->AclRevision = UCHAR(Revision);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlDeleteAce(ACL* Acl, ULONG Index)
{
    PVOID Found;
    if (NTSTATUS Status = RtlGetAce(Acl, Index, &Found); Status < 0)
        return Status;
    u8* Free = Used(Acl);
    auto* Ace = static_cast<ACE_HEADER*>(Found);
    u8* Behind = reinterpret_cast<u8*>(Next(Ace));
    usize Size = Ace->AceSize;
    CRT(memmove)(Ace, Behind, usize(Free - Behind));
    CRT(memset)(Free - Size, 0, Size);
    --Acl->AceCount;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlAddAccessAllowedAce(ACL* Acl, ULONG Revision, ACCESS_MASK Mask, SID* Sid) { return Append(Acl, Revision, ACCESS_ALLOWED_ACE_TYPE, 0, Mask, Sid); }
NTSTATUS NTAPI RtlAddAccessAllowedAceEx(ACL* Acl, ULONG Revision, ULONG Flags, ACCESS_MASK Mask, SID* Sid)
{
    return Append(Acl, Revision, ACCESS_ALLOWED_ACE_TYPE, Flags, Mask, Sid);
}
NTSTATUS NTAPI RtlAddAccessDeniedAce(ACL* Acl, ULONG Revision, ACCESS_MASK Mask, SID* Sid) { return Append(Acl, Revision, ACCESS_DENIED_ACE_TYPE, 0, Mask, Sid); }
NTSTATUS NTAPI RtlAddAccessDeniedAceEx(ACL* Acl, ULONG Revision, ULONG Flags, ACCESS_MASK Mask, SID* Sid)
{
    return Append(Acl, Revision, ACCESS_DENIED_ACE_TYPE, Flags, Mask, Sid);
}
NTSTATUS NTAPI RtlAddAuditAccessAce(ACL* Acl, ULONG Revision, ACCESS_MASK Mask, SID* Sid, BOOLEAN Success, BOOLEAN Failure)
{
    return Append(Acl, Revision, SYSTEM_AUDIT_ACE_TYPE, AuditFlags(Success, Failure), Mask, Sid);
}
NTSTATUS NTAPI RtlAddAuditAccessAceEx(ACL* Acl, ULONG Revision, ULONG Flags, ACCESS_MASK Mask, SID* Sid, BOOLEAN Success, BOOLEAN Failure)
{
    return Append(Acl, Revision, SYSTEM_AUDIT_ACE_TYPE, Flags | AuditFlags(Success, Failure), Mask, Sid);
}
NTSTATUS NTAPI RtlAddAccessAllowedObjectAce(ACL* Acl, ULONG Revision, ULONG Flags, ACCESS_MASK Mask, const GUID* Type, const GUID* Inherited, SID* Sid)
{
    return AppendObject(Acl, Revision, ACCESS_ALLOWED_ACE_TYPE, ACCESS_ALLOWED_OBJECT_ACE_TYPE, Flags, Mask, Type, Inherited, Sid);
}
NTSTATUS NTAPI RtlAddAccessDeniedObjectAce(ACL* Acl, ULONG Revision, ULONG Flags, ACCESS_MASK Mask, const GUID* Type, const GUID* Inherited, SID* Sid)
{
    return AppendObject(Acl, Revision, ACCESS_DENIED_ACE_TYPE, ACCESS_DENIED_OBJECT_ACE_TYPE, Flags, Mask, Type, Inherited, Sid);
}
NTSTATUS NTAPI RtlAddAuditAccessObjectAce(ACL* Acl, ULONG Revision, ULONG Flags, ACCESS_MASK Mask, const GUID* Type, const GUID* Inherited, SID* Sid, BOOLEAN Success, BOOLEAN Failure)
{
    return AppendObject(Acl, Revision, SYSTEM_AUDIT_ACE_TYPE, SYSTEM_AUDIT_OBJECT_ACE_TYPE, Flags | AuditFlags(Success, Failure), Mask, Type, Inherited, Sid);
}
NTSTATUS NTAPI RtlAddMandatoryAce(ACL* Acl, ULONG Revision, ULONG Flags, ACCESS_MASK Policy, UCHAR Type, SID* Sid)
{
    if (Type != SYSTEM_MANDATORY_LABEL_ACE_TYPE)
        return STATUS_INVALID_PARAMETER;
    return Append(Acl, Revision, Type, Flags, Policy, Sid);
}

NTSTATUS NTAPI RtlQueryInformationAcl(ACL* Acl, PVOID Information, ULONG Size, ACL_INFORMATION_CLASS Class)
{
    switch (Class) {
    case AclRevisionInformation:
        if (Size < sizeof(ACL_REVISION_INFORMATION))
            return STATUS_INVALID_PARAMETER;
        static_cast<ACL_REVISION_INFORMATION*>(Information)->AclRevision = Acl->AclRevision;
        return STATUS_SUCCESS;
    case AclSizeInformation: {
        if (Size < sizeof(ACL_SIZE_INFORMATION))
            return STATUS_INVALID_PARAMETER;
        auto* Sizes = static_cast<ACL_SIZE_INFORMATION*>(Information);
        u8* Free = Used(Acl);
        Sizes->AceCount = Acl->AceCount;
        Sizes->AclBytesInUse = Free ? ULONG(Free - reinterpret_cast<u8*>(Acl)) : Acl->AclSize;
        Sizes->AclBytesFree = Acl->AclSize - Sizes->AclBytesInUse;
        return STATUS_SUCCESS;
    }
    default:
        return STATUS_INVALID_INFO_CLASS;
    }
}
NTSTATUS NTAPI RtlSetInformationAcl(ACL* Acl, PVOID Information, ULONG Size, ACL_INFORMATION_CLASS Class)
{
    if (Class != AclRevisionInformation)
        return STATUS_INVALID_INFO_CLASS;
    if (Size < sizeof(ACL_REVISION_INFORMATION))
        return STATUS_BUFFER_TOO_SMALL;
    ULONG Revision = static_cast<ACL_REVISION_INFORMATION*>(Information)->AclRevision;
    if (Revision < Acl->AclRevision || Revision > MAX_ACL_REVISION)
        return STATUS_INVALID_PARAMETER;
    Acl->AclRevision = UCHAR(Revision);
    return STATUS_SUCCESS;
}

// The default list of a named pipe depends on the token's owner: not known here.
NTSTATUS NTAPI RtlDefaultNpAcl(ACL** Acl)
{
    *Acl = nullptr;
    return STATUS_SUCCESS;
}

}
