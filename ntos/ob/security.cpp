// NtQuerySecurityObject and NtSetSecurityObject: taking self-relative descriptors apart and putting them together.
#include <string.h>

#include "ntos/ob/ob.hpp"
#include "ntos/ps/thread.hpp"
#include "ntos/se/se.hpp"

using namespace ob;

namespace {

// SECURITY_INFORMATION
constexpr ULONG Owner = 0x1, Group = 0x2, Dacl = 0x4, Sacl = 0x8, Label = 0x10, ProtectedDacl = 0x80000000, ProtectedSacl = 0x40000000,
                UnprotectedDacl = 0x20000000, UnprotectedSacl = 0x10000000;
// SECURITY_DESCRIPTOR_CONTROL
constexpr USHORT OwnerDefaulted = 0x1, GroupDefaulted = 0x2, DaclPresent = 0x4, SaclPresent = 0x10, SelfRelative = 0x8000, DaclBits = 0x150C,
                 SaclBits = 0x2A30, DaclProtected = 0x1000, SaclProtected = 0x2000;
constexpr u8 MandatoryLabelAce = 0x11;

// SECURITY_DESCRIPTOR_RELATIVE
struct Header {
    u8 Revision, Sbz1;
    USHORT Control;
    ULONG Owner, Group, Sacl, Dacl;
};
static_assert(sizeof(Header) == 20);

using Bytes = std::span<const u8>;

// The parts of a descriptor. An absent part is empty; a null ACL that is present too: Control tells.
struct Parts {
    USHORT Control = 0;
    Bytes Owner, Group, Sacl, Dacl;
};

Bytes SidAt(Bytes All, ULONG Offset) { return Offset ? All.subspan(Offset, 8 + 4 * usize(All[Offset + 1])) : Bytes(); }

Bytes AclAt(Bytes All, ULONG Offset)
{
    if (!Offset)
        return {};
    USHORT Size;
    memcpy(&Size, &All[Offset + 2], sizeof(Size));
    return All.subspan(Offset, Size);
}

Parts TakeApart(const se::SecurityDescriptor* Descriptor)
{
    Parts P;
    if (!Descriptor || Descriptor->Bytes().size() < sizeof(Header))
        return P;
    Bytes All = Descriptor->Bytes();
    Header H;
    memcpy(&H, All.data(), sizeof(H));
    P.Control = H.Control;
    P.Owner = SidAt(All, H.Owner);
    P.Group = SidAt(All, H.Group);
    if (H.Control & SaclPresent)
        P.Sacl = AclAt(All, H.Sacl);
    if (H.Control & DaclPresent)
        P.Dacl = AclAt(All, H.Dacl);
    return P;
}

Status Append(Vector<u8>& To, Bytes Part, ULONG& Offset)
{
    if (Part.empty())
        return STATUS_SUCCESS;
    Offset = ULONG(To.Size());
    TRY(To.Resize(AlignUp(To.Size() + Part.size(), 4)));
    memcpy(To.Data() + Offset, Part.data(), Part.size());
    return STATUS_SUCCESS;
}

Result<Vector<u8>> PutTogether(const Parts& P)
{
    Header H { 1, 0, USHORT(P.Control | SelfRelative), 0, 0, 0, 0 };
    Vector<u8> Out;
    TRY(Out.Resize(sizeof(H)));
    TRY(Append(Out, P.Owner, H.Owner));
    TRY(Append(Out, P.Group, H.Group));
    TRY(Append(Out, P.Sacl, H.Sacl));
    TRY(Append(Out, P.Dacl, H.Dacl));
    memcpy(Out.Data(), &H, sizeof(H));
    return Out;
}

// The ACEs of an ACL that are (or are not) mandatory labels, as an ACL.
Result<Vector<u8>> Filter(Bytes Acl, bool Labels)
{
    Vector<u8> Out;
    if (Acl.empty())
        return Out;
    TRY(Out.Resize(8));
    memcpy(Out.Data(), Acl.data(), 8);
    USHORT Count, Kept = 0;
    memcpy(&Count, &Acl[4], sizeof(Count));
    usize At = 8;
    for (USHORT I = 0; I < Count && At + 4 <= Acl.size(); ++I) {
        USHORT Size;
        memcpy(&Size, &Acl[At + 2], sizeof(Size));
        if (Size < 4 || At + Size > Acl.size())
            break;
        if ((Acl[At] == MandatoryLabelAce) == Labels) {
            usize Before = Out.Size();
            TRY(Out.Resize(Before + Size));
            memcpy(Out.Data() + Before, &Acl[At], Size);
            ++Kept;
        }
        At += Size;
    }
    USHORT Size = USHORT(Out.Size());
    memcpy(Out.Data() + 2, &Size, sizeof(Size));
    memcpy(Out.Data() + 4, &Kept, sizeof(Kept));
    if (!Kept && Labels)
        Out.Clear();
    return Out;
}

ACCESS_MASK RightsToRead(ULONG What)
{
    return ((What & (Owner | Group | Dacl | Label)) ? READ_CONTROL : 0) | ((What & Sacl) ? ACCESS_SYSTEM_SECURITY : 0);
}

ACCESS_MASK RightsToWrite(ULONG What)
{
    return ((What & (Owner | Group | Label)) ? WRITE_OWNER : 0) | ((What & (Dacl | ProtectedDacl | UnprotectedDacl)) ? WRITE_DAC : 0) |
           ((What & (Sacl | ProtectedSacl | UnprotectedSacl)) ? ACCESS_SYSTEM_SECURITY : 0);
}

}

Status NtQuerySecurityObject(ke::Caller& Caller, svc::QuerySecurityObject& Call)
{
    ULONG What = Call.SecurityInformation;
    AnyReference R = TRY(ReferenceAny(Caller, Call.Handle, RightsToRead(What)));
    TRY(R.Target->HasSecurity());
    Parts Has = TakeApart(R.Target->Security()), Told;
    if (What & Owner) {
        Told.Owner = Has.Owner;
        Told.Control |= Has.Control & OwnerDefaulted;
    }
    if (What & Group) {
        Told.Group = Has.Group;
        Told.Control |= Has.Control & GroupDefaulted;
    }
    if (What & Dacl) {
        Told.Dacl = Has.Dacl;
        Told.Control |= Has.Control & DaclBits;
    }
    Vector<u8> Labels;
    if (What & Sacl) {
        Told.Sacl = Has.Sacl;
        Told.Control |= Has.Control & SaclBits;
    } else if (What & Label) {
        Labels = TRY(Filter(Has.Sacl, true));
        Told.Sacl = Labels.Span();
        if (!Labels.IsEmpty())
            Told.Control |= Has.Control & SaclBits;
    }
    Vector<u8> Out = TRY(PutTogether(Told));
    TRY(Call.LengthNeeded.Write(Caller, ULONG(Out.Size())));
    if (Call.Length < Out.Size())
        return STATUS_BUFFER_TOO_SMALL;
    return Call.SecurityDescriptor.Write(Caller, Out.Data(), Out.Size());
}

Status NtSetSecurityObject(ke::Caller& Caller, svc::SetSecurityObject& Call)
{
    static constexpr u32 RestorePrivilege = 18;
    ULONG What = Call.SecurityInformation;
    if (!Call.SecurityDescriptor)
        return STATUS_ACCESS_VIOLATION;
    Own<se::SecurityDescriptor> Given = TRY(se::SecurityDescriptor::Capture(Caller, Call.SecurityDescriptor.Address()));
    AnyReference R = TRY(ReferenceAny(Caller, Call.Handle, RightsToWrite(What)));
    TRY(R.Target->HasSecurity());
    Parts New = TakeApart(Given.Get()), Has = TakeApart(R.Target->Security());
    if (What & Owner) {
        if (New.Owner.empty())
            return STATUS_INVALID_OWNER;
        se::Token& By = Caller.Thread().EffectiveToken();
        if (!se::MayOwn(By, New.Owner) && !se::HasPrivilege(By, RestorePrivilege))
            return STATUS_INVALID_OWNER;
        Has.Owner = New.Owner;
        Has.Control &= ~OwnerDefaulted;
    }
    if (What & Group) {
        if (New.Group.empty())
            return STATUS_INVALID_PRIMARY_GROUP;
        Has.Group = New.Group;
        Has.Control &= ~GroupDefaulted;
    }
    if (What & Dacl) {
        Has.Dacl = New.Dacl;
        Has.Control = USHORT((Has.Control & ~DaclBits) | (New.Control & DaclBits) | DaclPresent);
    }
    // A new SACL leaves the label alone, and the label the rest, unless both are given.
    Vector<u8> Mixed;
    if ((What & (Sacl | Label)) == (Sacl | Label)) {
        Has.Sacl = New.Sacl;
    } else if (What & (Sacl | Label)) {
        bool LabelsNew = What & Label;
        Mixed = TRY(Filter(New.Sacl, LabelsNew));
        Vector<u8> Rest = TRY(Filter(Has.Sacl, !LabelsNew));
        if (Mixed.IsEmpty()) {
            Mixed = std::move(Rest);
        } else if (!Rest.IsEmpty()) {
            usize Before = Mixed.Size();
            if (Before + Rest.Size() - 8 > 0xFFFC)
                return STATUS_INVALID_ACL;
            TRY(Mixed.Resize(Before + Rest.Size() - 8));
            memcpy(Mixed.Data() + Before, Rest.Data() + 8, Rest.Size() - 8);
            USHORT Size = USHORT(Mixed.Size()), A, B;
            memcpy(&A, Mixed.Data() + 4, 2);
            memcpy(&B, Rest.Data() + 4, 2);
            A = USHORT(A + B);
            memcpy(Mixed.Data() + 2, &Size, 2);
            memcpy(Mixed.Data() + 4, &A, 2);
        }
        Has.Sacl = Mixed.Span();
    }
    if (What & (Sacl | Label))
        Has.Control = USHORT((Has.Control & ~SaclBits) | (New.Control & SaclBits) | SaclPresent);
    if (What & ProtectedDacl)
        Has.Control |= DaclProtected;
    if (What & UnprotectedDacl)
        Has.Control &= ~DaclProtected;
    if (What & ProtectedSacl)
        Has.Control |= SaclProtected;
    if (What & UnprotectedSacl)
        Has.Control &= ~SaclProtected;
    R.Target->SetSecurity(TRY(se::SecurityDescriptor::Adopt(TRY(PutTogether(Has)))));
    return STATUS_SUCCESS;
}
