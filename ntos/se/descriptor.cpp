// Security descriptors: captured from a client, taken apart, put together.
#include "ntos/se/token.hpp"

namespace se {

Result<Sid> CaptureSid(ke::Caller& From, u64 Address)
{
    Sid S;
    if (!Address)
        return STATUS_INVALID_SID;
    TRY(mm::CopyFromUser(From.Process(), &S, Address, 8));
    TRY(CheckSidHeader(S.Revision, S.Count));
    TRY(mm::CopyFromUser(From.Process(), S.Subs, Address + 8, 4 * usize(S.Count)));
    return S;
}

Result<Vector<u8>> CaptureAcl(ke::Caller& From, u64 Address)
{
    ACL Header;
    Vector<u8> Bytes;
    TRY(mm::CopyFromUser(From.Process(), &Header, Address, sizeof(Header)));
    if (Header.AclSize < sizeof(ACL))
        return STATUS_INVALID_ACL;
    TRY(Bytes.Resize(Header.AclSize));
    memcpy(Bytes.Data(), &Header, sizeof(Header));
    TRY(mm::CopyFromUser(From.Process(), Bytes.Data() + sizeof(Header), Address + sizeof(Header), Header.AclSize - sizeof(Header)));
    if (!IsValidAcl(Bytes.Span()))
        return STATUS_INVALID_ACL;
    return Bytes;
}

Result<Own<SecurityDescriptor>> SecurityDescriptor::Capture(ke::Caller& From, u64 Address)
{
    struct {
        UCHAR Revision, Sbz1;
        USHORT Control;
    } Start;
    TRY(mm::CopyFromUser(From.Process(), &Start, Address, sizeof(Start)));
    if (Start.Revision != 1)
        return STATUS_UNKNOWN_REVISION;
    u64 Owner, Group, Sacl, Dacl;
    if (Start.Control & SE_SELF_RELATIVE) {
        SECURITY_DESCRIPTOR_RELATIVE R;
        TRY(mm::CopyFromUser(From.Process(), &R, Address, sizeof(R)));
        auto At = [&](u32 Offset) { return Offset ? Address + Offset : 0; };
        Owner = At(R.Owner), Group = At(R.Group), Sacl = At(R.Sacl), Dacl = At(R.Dacl);
    } else {
        SECURITY_DESCRIPTOR_ABSOLUTE A;
        TRY(mm::CopyFromUser(From.Process(), &A, Address, sizeof(A)));
        Owner = u64(A.Owner), Group = u64(A.Group), Sacl = u64(A.Sacl), Dacl = u64(A.Dacl);
    }
    Parts P;
    P.Control = Start.Control;
    Sid OwnerSid, GroupSid;
    Vector<u8> SaclBytes, DaclBytes;
    if (Owner) {
        OwnerSid = TRY(CaptureSid(From, Owner));
        P.Owner = OwnerSid.Bytes();
    }
    if (Group) {
        GroupSid = TRY(CaptureSid(From, Group));
        P.Group = GroupSid.Bytes();
    }
    if ((Start.Control & SE_SACL_PRESENT) && Sacl) {
        SaclBytes = TRY(CaptureAcl(From, Sacl));
        P.Sacl = SaclBytes.Span();
    }
    if ((Start.Control & SE_DACL_PRESENT) && Dacl) {
        DaclBytes = TRY(CaptureAcl(From, Dacl));
        P.Dacl = DaclBytes.Span();
    }
    return PutTogether(P);
}

Result<Own<SecurityDescriptor>> SecurityDescriptor::Clone() const
{
    Vector<u8> Copy;
    TRY(Copy.Resize(Bytes_.Size()));
    memcpy(Copy.Data(), Bytes_.Data(), Bytes_.Size());
    return Adopt(std::move(Copy));
}

Parts TakeApart(const SecurityDescriptor* Descriptor)
{
    Parts P;
    if (!Descriptor || Descriptor->Bytes().size() < sizeof(SECURITY_DESCRIPTOR_RELATIVE))
        return P;
    std::span<const u8> All = Descriptor->Bytes();
    SECURITY_DESCRIPTOR_RELATIVE H;
    memcpy(&H, All.data(), sizeof(H));
    auto SidAt = [&](u32 At) { return At ? All.subspan(At, 8 + 4 * usize(All[At + 1])) : std::span<const u8>(); };
    auto AclAt = [&](u32 At) {
        u16 Size;
        if (!At)
            return std::span<const u8>();
        memcpy(&Size, &All[At + 2], sizeof(Size));
        return All.subspan(At, Size);
    };
    P.Control = H.Control;
    P.Owner = SidAt(H.Owner);
    P.Group = SidAt(H.Group);
    if (H.Control & SE_SACL_PRESENT)
        P.Sacl = AclAt(H.Sacl);
    if (H.Control & SE_DACL_PRESENT)
        P.Dacl = AclAt(H.Dacl);
    return P;
}

Result<Own<SecurityDescriptor>> PutTogether(const Parts& From)
{
    SECURITY_DESCRIPTOR_RELATIVE H { 1, 0, u16(From.Control | SE_SELF_RELATIVE), 0, 0, 0, 0 };
    usize Size = sizeof(H);
    auto Place = [&](std::span<const u8> Part, u32& Offset) {
        if (Part.empty())
            return;
        Offset = u32(Size);
        Size = AlignUp(Size + Part.size(), 4);
    };
    Place(From.Owner, H.Owner);
    Place(From.Group, H.Group);
    Place(From.Sacl, H.Sacl);
    Place(From.Dacl, H.Dacl);
    Vector<u8> Out;
    TRY(Out.Resize(Size));
    memcpy(Out.Data(), &H, sizeof(H));
    auto Put = [&](std::span<const u8> Part, u32 Offset) {
        if (!Part.empty())
            memcpy(Out.Data() + Offset, Part.data(), Part.size());
    };
    Put(From.Owner, H.Owner);
    Put(From.Group, H.Group);
    Put(From.Sacl, H.Sacl);
    Put(From.Dacl, H.Dacl);
    return SecurityDescriptor::Adopt(std::move(Out));
}

}
