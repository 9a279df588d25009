// Security identifiers, LUIDs, access masks.
#include "lib/rtl/crt/crt.hpp"
#include "lib/rtl/platform.hpp"
#include "lib/rtl/rtl.hpp"

namespace {

constexpr usize TextRoom = 256;

u64 AuthorityOf(const SID* Sid)
{
    u64 Value = 0;
    for (UCHAR Byte : Sid->IdentifierAuthority.Value)
        Value = Value << 8 | Byte;
    return Value;
}

// "S-1-authority-sub-sub": the authority is decimal below 2^32 and hexadecimal above. Returns the length.
usize ToText(const SID* Sid, WCHAR (&Text)[TextRoom])
{
    u64 Authority = AuthorityOf(Sid);
    usize At = usize(CRT(_snwprintf)(Text, TextRoom, Authority >> 32 ? L"S-%u-0x%I64x" : L"S-%u-%I64u", u32(Sid->Revision), Authority));
    for (u32 I = 0; I < Sid->SubAuthorityCount; ++I)
        At += usize(CRT(_snwprintf)(Text + At, TextRoom - At, L"-%u", Sid->SubAuthority[I]));
    return At;
}

// SHA-1 of a message of up to 2^29 bytes, for service SIDs.
struct Sha1 {
    u32 H[5] = { 0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0 };
    u8 Block[64];
    u32 Used = 0, Total = 0;

    static u32 Rotate(u32 Value, u32 By) { return Value << By | Value >> (32 - By); }
    void Mix()
    {
        u32 W[80];
        for (u32 I = 0; I < 16; ++I)
            W[I] = u32(Block[I * 4]) << 24 | u32(Block[I * 4 + 1]) << 16 | u32(Block[I * 4 + 2]) << 8 | Block[I * 4 + 3];
        for (u32 I = 16; I < 80; ++I)
            W[I] = Rotate(W[I - 3] ^ W[I - 8] ^ W[I - 14] ^ W[I - 16], 1);
        u32 A = H[0], B = H[1], C = H[2], D = H[3], E = H[4];
        for (u32 I = 0; I < 80; ++I) {
            u32 F = I < 20 ? (B & C) | (~B & D) : I < 40 ? B ^ C ^ D : I < 60 ? (B & C) | (B & D) | (C & D) : B ^ C ^ D;
            u32 K = I < 20 ? 0x5A827999 : I < 40 ? 0x6ED9EBA1 : I < 60 ? 0x8F1BBCDC : 0xCA62C1D6;
            u32 Next = Rotate(A, 5) + F + E + K + W[I];
            E = D;
            D = C;
            C = Rotate(B, 30);
            B = A;
            A = Next;
        }
        H[0] += A, H[1] += B, H[2] += C, H[3] += D, H[4] += E;
    }
    void Add(u8 Byte)
    {
        Block[Used++] = Byte;
        if (Used == 64) {
            Mix();
            Used = 0;
        }
    }
    void Finish()
    {
        u64 Bits = u64(Total) * 8;
        Add(0x80);
        while (Used != 56)
            Add(0);
        for (u32 I = 0; I < 8; ++I)
            Add(u8(Bits >> (56 - 8 * I)));
    }
};

}

extern "C" {

BOOLEAN NTAPI RtlValidSid(const SID* Sid) { return Sid && Sid->Revision == SID_REVISION && Sid->SubAuthorityCount <= SID_MAX_SUB_AUTHORITIES; }
BOOLEAN NTAPI RtlEqualSid(const SID* A, const SID* B)
{
    return A->Revision == B->Revision && A->SubAuthorityCount == B->SubAuthorityCount && CRT(memcmp)(A, B, RtlLengthSid(A)) == 0;
}
// Equal but for the last sub-authority.
BOOLEAN NTAPI RtlEqualPrefixSid(const SID* A, const SID* B)
{
    if (A->Revision != B->Revision || A->SubAuthorityCount != B->SubAuthorityCount ||
        CRT(memcmp)(&A->IdentifierAuthority, &B->IdentifierAuthority, sizeof(SID_IDENTIFIER_AUTHORITY)) != 0)
        return false;
    for (u32 I = 0; I + 1 < A->SubAuthorityCount; ++I)
        if (A->SubAuthority[I] != B->SubAuthority[I])
            return false;
    return true;
}
ULONG NTAPI RtlLengthRequiredSid(ULONG SubAuthorities) { return 8 + 4 * SubAuthorities; }
ULONG NTAPI RtlLengthSid(const SID* Sid) { return 8 + 4 * ULONG(Sid->SubAuthorityCount); }

NTSTATUS NTAPI RtlInitializeSid(SID* Sid, const SID_IDENTIFIER_AUTHORITY* Authority, UCHAR SubAuthorities)
{
    if (SubAuthorities > SID_MAX_SUB_AUTHORITIES)
        return STATUS_INVALID_PARAMETER;
    Sid->Revision = SID_REVISION;
    Sid->SubAuthorityCount = SubAuthorities;
    Sid->IdentifierAuthority = *Authority;
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI RtlAllocateAndInitializeSid(const SID_IDENTIFIER_AUTHORITY* Authority, UCHAR Count, ULONG S0, ULONG S1, ULONG S2, ULONG S3, ULONG S4, ULONG S5, ULONG S6, ULONG S7, SID** Sid)
{
    if (Count > 8)
        return STATUS_INVALID_SID;
    auto* New = static_cast<SID*>(rtl::platform::Allocate(Count ? RtlLengthRequiredSid(Count) : sizeof(SID)));
    if (!New)
        return STATUS_NO_MEMORY;
    RtlInitializeSid(New, Authority, Count);
    const ULONG Values[] = { S0, S1, S2, S3, S4, S5, S6, S7 };
    for (u32 I = 0; I < Count; ++I)
        New->SubAuthority[I] = Values[I];
    *Sid = New;
    return STATUS_SUCCESS;
}
PVOID NTAPI RtlFreeSid(SID* Sid)
{
    rtl::platform::Free(Sid);
    return nullptr;
}
NTSTATUS NTAPI RtlCopySid(ULONG Room, SID* To, const SID* From)
{
    ULONG Size = RtlLengthSid(From);
    if (Room < Size)
        return STATUS_BUFFER_TOO_SMALL;
    CRT(memmove)(To, From, Size);
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI RtlCopySidAndAttributesArray(ULONG Count, const SID_AND_ATTRIBUTES* From, ULONG Room, SID_AND_ATTRIBUTES* To, SID* Sids, SID** NextSid, ULONG* Left)
{
    auto* At = reinterpret_cast<u8*>(Sids);
    for (ULONG I = 0; I < Count; ++I) {
        ULONG Size = RtlLengthSid(From[I].Sid);
        if (Size > Room)
            return STATUS_BUFFER_TOO_SMALL;
        CRT(memcpy)(At, From[I].Sid, Size);
        To[I] = { reinterpret_cast<SID*>(At), From[I].Attributes };
        At += Size;
        Room -= Size;
    }
    *NextSid = reinterpret_cast<SID*>(At);
    *Left = Room;
    return STATUS_SUCCESS;
}
SID_IDENTIFIER_AUTHORITY* NTAPI RtlIdentifierAuthoritySid(SID* Sid) { return &Sid->IdentifierAuthority; }
ULONG* NTAPI RtlSubAuthoritySid(SID* Sid, ULONG Index) { return Sid->SubAuthority + Index; }
UCHAR* NTAPI RtlSubAuthorityCountSid(SID* Sid) { return &Sid->SubAuthorityCount; }

NTSTATUS NTAPI RtlConvertSidToUnicodeString(UNICODE_STRING* To, const SID* Sid, BOOLEAN Allocate)
{
    if (!RtlValidSid(Sid))
        return STATUS_INVALID_SID;
    WCHAR Text[TextRoom];
    usize Size = ToText(Sid, Text) * 2;
    if (Allocate) {
        To->Buffer = static_cast<WCHAR*>(rtl::platform::Allocate(Size + 2));
        if (!To->Buffer)
            return STATUS_NO_MEMORY;
        To->MaximumLength = USHORT(Size + 2);
    } else if (To->MaximumLength < Size) {
        return STATUS_BUFFER_OVERFLOW;
    }
    To->Length = USHORT(Size);
    CRT(memcpy)(To->Buffer, Text, Size);
    if (To->MaximumLength >= Size + 2)
        To->Buffer[Size / 2] = 0;
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI RtlLengthSidAsUnicodeString(const SID* Sid, ULONG* Size)
{
    if (!RtlValidSid(Sid))
        return STATUS_INVALID_SID;
    WCHAR Text[TextRoom];
    *Size = ULONG(ToText(Sid, Text) * 2 + 2);
    return STATUS_SUCCESS;
}

// S-1-5-80 and the SHA-1 of the service's upper-case name.
NTSTATUS NTAPI RtlCreateServiceSid(const UNICODE_STRING* Name, SID* Sid, ULONG* Size)
{
    ULONG Needed = RtlLengthRequiredSid(6);
    if (*Size < Needed) {
        *Size = Needed;
        return STATUS_BUFFER_TOO_SMALL;
    }
    *Size = Needed;
    Sha1 Hash;
    Hash.Total = Name->Length;
    for (usize I = 0; I < Name->Length / 2; ++I) {
        u16 C = u16(RtlUpcaseUnicodeChar(Name->Buffer[I]));
        Hash.Add(u8(C));
        Hash.Add(u8(C >> 8));
    }
    Hash.Finish();
    constexpr SID_IDENTIFIER_AUTHORITY NtAuthority = { { 0, 0, 0, 0, 0, 5 } };
    RtlInitializeSid(Sid, &NtAuthority, 6);
    *RtlSubAuthoritySid(Sid, 0) = 80;
    for (u32 I = 0; I < 5; ++I)
        *RtlSubAuthoritySid(Sid, I + 1) = __builtin_bswap32(Hash.H[I]);
    return STATUS_SUCCESS;
}

void NTAPI RtlCopyLuid(LUID* To, const LUID* From) { *To = *From; }
void NTAPI RtlCopyLuidAndAttributesArray(ULONG Count, const LUID_AND_ATTRIBUTES* From, LUID_AND_ATTRIBUTES* To)
{
    for (ULONG I = 0; I < Count; ++I)
        To[I] = From[I];
}
BOOLEAN NTAPI RtlEqualLuid(const LUID* A, const LUID* B) { return A->LowPart == B->LowPart && A->HighPart == B->HighPart; }

void NTAPI RtlMapGenericMask(ACCESS_MASK* Mask, const GENERIC_MAPPING* Mapping)
{
    ACCESS_MASK Value = *Mask;
    if (Value & GENERIC_READ)
        Value |= Mapping->GenericRead;
    if (Value & GENERIC_WRITE)
        Value |= Mapping->GenericWrite;
    if (Value & GENERIC_EXECUTE)
        Value |= Mapping->GenericExecute;
    if (Value & GENERIC_ALL)
        Value |= Mapping->GenericAll;
    *Mask = Value & 0x0FFFFFFF;
}
BOOLEAN NTAPI RtlAreAllAccessesGranted(ACCESS_MASK Granted, ACCESS_MASK Desired) { return (Granted & Desired) == Desired; }
BOOLEAN NTAPI RtlAreAnyAccessesGranted(ACCESS_MASK Granted, ACCESS_MASK Desired) { return (Granted & Desired) != 0; }

}
