#include <ntifs.h>
#include "sddl.h"

typedef struct _SCANNER {
    const WCHAR *At, *End;
} SCANNER;

typedef struct _SID_NAME {
    WCHAR Name[2];
    UCHAR Authority, Count;
    ULONG Sub[2];
} SID_NAME;

// [MS-DTYP] 2.5.1.1: the abbreviations of SIDs that do not depend on a domain.
static const SID_NAME Names[] = {
    {L"WD", 1, 1, {0}},       {L"CO", 3, 1, {0}},       {L"CG", 3, 1, {1}},       {L"OW", 3, 1, {4}},       {L"NU", 5, 1, {2}},
    {L"IU", 5, 1, {4}},       {L"SU", 5, 1, {6}},       {L"AN", 5, 1, {7}},       {L"ED", 5, 1, {9}},       {L"PS", 5, 1, {10}},
    {L"AU", 5, 1, {11}},      {L"RC", 5, 1, {12}},      {L"SY", 5, 1, {18}},      {L"LS", 5, 1, {19}},      {L"NS", 5, 1, {20}},
    {L"WR", 5, 1, {33}},      {L"BA", 5, 2, {32, 544}}, {L"BU", 5, 2, {32, 545}}, {L"BG", 5, 2, {32, 546}}, {L"PU", 5, 2, {32, 547}},
    {L"AO", 5, 2, {32, 548}}, {L"SO", 5, 2, {32, 549}}, {L"PO", 5, 2, {32, 550}}, {L"BO", 5, 2, {32, 551}}, {L"AC", 15, 2, {2, 1}},
};

static const struct {
    WCHAR Name[2];
    ACCESS_MASK Mask;
} Rights[] = {
    {L"GA", GENERIC_ALL},     {L"GR", GENERIC_READ},        {L"GW", GENERIC_WRITE},      {L"GX", GENERIC_EXECUTE}, {L"RC", READ_CONTROL},
    {L"SD", DELETE},          {L"WD", WRITE_DAC},           {L"WO", WRITE_OWNER},        {L"FA", FILE_ALL_ACCESS}, {L"FR", FILE_GENERIC_READ},
    {L"FW", FILE_GENERIC_WRITE}, {L"FX", FILE_GENERIC_EXECUTE},
};

static BOOLEAN Take(SCANNER *S, WCHAR Wanted)
{
    if (S->At == S->End || *S->At != Wanted) return FALSE;
    S->At++;
    return TRUE;
}

static BOOLEAN TakePair(SCANNER *S, const WCHAR Wanted[2])
{
    if (S->End - S->At < 2 || S->At[0] != Wanted[0] || S->At[1] != Wanted[1]) return FALSE;
    S->At += 2;
    return TRUE;
}

static BOOLEAN TakeNumber(SCANNER *S, ULONGLONG Limit, ULONGLONG *Value)
{
    ULONG Base = 10, Digits = 0;
    *Value = 0;
    if (S->End - S->At > 2 && S->At[0] == L'0' && (S->At[1] | 0x20) == L'x') {
        S->At += 2;
        Base = 16;
    }
    for (; S->At != S->End; S->At++, Digits++) {
        WCHAR C = *S->At;
        ULONG Digit = C >= L'0' && C <= L'9' ? C - L'0' : (C | 0x20) >= L'a' && (C | 0x20) <= L'f' ? (C | 0x20) - L'a' + 10u : 99u;
        if (Digit >= Base) break;
        *Value = *Value * Base + Digit;
        if (*Value > Limit) return FALSE;
    }
    return Digits != 0;
}

static BOOLEAN TakeRights(SCANNER *S, ACCESS_MASK *Mask)
{
    ULONGLONG Value;
    *Mask = 0;
    if (S->At != S->End && *S->At == L'0') {
        if (!TakeNumber(S, MAXULONG, &Value)) return FALSE;
        *Mask = (ACCESS_MASK)Value;
        return TRUE;
    }
    while (S->At != S->End && *S->At != L';') {
        ULONG Index = 0;
        while (Index != RTL_NUMBER_OF(Rights) && !TakePair(S, Rights[Index].Name)) Index++;
        if (Index == RTL_NUMBER_OF(Rights)) return FALSE;
        *Mask |= Rights[Index].Mask;
    }
    return TRUE;
}

// Writes the SID to Out and returns its length in bytes, 0 if there is none.
static ULONG TakeSid(SCANNER *S, SID *Out)
{
    ULONGLONG Value;
    RtlZeroMemory(Out, FIELD_OFFSET(SID, SubAuthority));
    Out->Revision = SID_REVISION;
    if (TakePair(S, L"S-")) {
        if (!TakeNumber(S, 1, &Value) || Value != 1 || !Take(S, L'-') || !TakeNumber(S, 0xFFFFFFFFFFFFULL, &Value)) return 0;
        for (int Byte = 5; Byte >= 0; Byte--, Value >>= 8) Out->IdentifierAuthority.Value[Byte] = (UCHAR)Value;
        while (Take(S, L'-')) {
            if (Out->SubAuthorityCount == SID_MAX_SUB_AUTHORITIES || !TakeNumber(S, MAXULONG, &Value)) return 0;
            Out->SubAuthority[Out->SubAuthorityCount++] = (ULONG)Value;
        }
    } else {
        ULONG Index = 0;
        while (Index != RTL_NUMBER_OF(Names) && !TakePair(S, Names[Index].Name)) Index++;
        if (Index == RTL_NUMBER_OF(Names)) return 0;
        Out->IdentifierAuthority.Value[5] = Names[Index].Authority;
        Out->SubAuthorityCount = Names[Index].Count;
        for (ULONG Sub = 0; Sub != Names[Index].Count; Sub++) Out->SubAuthority[Sub] = Names[Index].Sub[Sub];
    }
    return FIELD_OFFSET(SID, SubAuthority) + Out->SubAuthorityCount * sizeof(ULONG);
}

static NTSTATUS TakeEntry(SCANNER *S, ACL *Acl, ULONG Space)
{
    union {
        SID Sid;
        UCHAR Bytes[FIELD_OFFSET(SID, SubAuthority) + SID_MAX_SUB_AUTHORITIES * sizeof(ULONG)];
    } Who;
    ACCESS_ALLOWED_ACE *Ace = (ACCESS_ALLOWED_ACE *)((PUCHAR)Acl + Acl->AclSize);
    ULONG SidLength, Size;
    UCHAR Type;
    ACCESS_MASK Mask;

    if (Take(S, L'A')) Type = ACCESS_ALLOWED_ACE_TYPE;
    else if (Take(S, L'D')) Type = ACCESS_DENIED_ACE_TYPE;
    else return STATUS_INVALID_PARAMETER;
    // (type;flags;rights;object;inherited object;SID): a device has no children, so flags and object types are empty
    if (!Take(S, L';') || !Take(S, L';') || !TakeRights(S, &Mask) || !Take(S, L';') || !Take(S, L';') || !Take(S, L';'))
        return STATUS_INVALID_PARAMETER;
    SidLength = TakeSid(S, &Who.Sid);
    if (SidLength == 0 || !Take(S, L')')) return STATUS_INVALID_PARAMETER;
    Size = FIELD_OFFSET(ACCESS_ALLOWED_ACE, SidStart) + SidLength;
    if (Acl->AclSize + Size > Space) return STATUS_BUFFER_TOO_SMALL;
    Ace->Header.AceType = Type;
    Ace->Header.AceFlags = 0;
    Ace->Header.AceSize = (USHORT)Size;
    Ace->Mask = Mask;
    RtlCopyMemory(&Ace->SidStart, &Who, SidLength);
    Acl->AclSize = (USHORT)(Acl->AclSize + Size);
    Acl->AceCount++;
    return STATUS_SUCCESS;
}

NTSTATUS SddlToDescriptor(const WCHAR *Text, SIZE_T Count, SDDL_DESCRIPTOR *Descriptor)
{
    SCANNER S = {Text, Text + Count};
    ACL *Acl = (ACL *)Descriptor->Dacl;

    RtlZeroMemory(Descriptor, sizeof(*Descriptor));
    Descriptor->Header.Revision = SECURITY_DESCRIPTOR_REVISION;
    Descriptor->Header.Control = SE_SELF_RELATIVE | SE_DACL_PRESENT;
    Descriptor->Header.Dacl = FIELD_OFFSET(SDDL_DESCRIPTOR, Dacl);
    Acl->AclRevision = ACL_REVISION;
    Acl->AclSize = sizeof(ACL);
    if (!TakePair(&S, L"D:")) return STATUS_INVALID_PARAMETER;
    while (S.At != S.End && *S.At != L'(') {
        if (TakePair(&S, L"AI")) Descriptor->Header.Control |= SE_DACL_AUTO_INHERITED;
        else if (TakePair(&S, L"AR")) Descriptor->Header.Control |= SE_DACL_AUTO_INHERIT_REQ;
        else if (Take(&S, L'P')) Descriptor->Header.Control |= SE_DACL_PROTECTED;
        else return STATUS_INVALID_PARAMETER;
    }
    while (Take(&S, L'(')) {
        NTSTATUS Status = TakeEntry(&S, Acl, sizeof(Descriptor->Dacl));
        if (!NT_SUCCESS(Status)) return Status;
    }
    return S.At == S.End ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}
