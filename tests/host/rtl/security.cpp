#include <vector>

#include "tests/host/rtl/process.hpp"

using test::Of;

namespace {

constexpr SID_IDENTIFIER_AUTHORITY NtAuthority = { { 0, 0, 0, 0, 0, 5 } };

struct Sid {
    alignas(4) u8 Bytes[SECURITY_MAX_SID_SIZE] = {};
    Sid(std::initializer_list<ULONG> Parts)
    {
        RtlInitializeSid(*this, &NtAuthority, UCHAR(Parts.size()));
        ULONG I = 0;
        for (ULONG Part : Parts)
            *RtlSubAuthoritySid(*this, I++) = Part;
    }
    operator SID*() { return reinterpret_cast<SID*>(Bytes); }
};

}

TEST(Security, Sids)
{
    test::Fresh();
    Sid Admins = { 32, 544 }, Users = { 32, 545 };
    UNICODE_STRING S;
    ASSERT_EQ(RtlConvertSidToUnicodeString(&S, Admins, true), STATUS_SUCCESS);
    EXPECT_EQ(Of(S), u"S-1-5-32-544");
    ULONG Size;
    EXPECT_EQ(RtlLengthSidAsUnicodeString(Admins, &Size), STATUS_SUCCESS);
    EXPECT_EQ(Size, S.Length + 2u);
    RtlFreeUnicodeString(&S);
    EXPECT_TRUE(RtlEqualPrefixSid(Admins, Users));
    EXPECT_FALSE(RtlEqualSid(Admins, Users));
    Sid Copy = {};
    EXPECT_EQ(RtlCopySid(8, Copy, Admins), STATUS_BUFFER_TOO_SMALL);
    EXPECT_EQ(RtlCopySid(68, Copy, Admins), STATUS_SUCCESS);
    EXPECT_TRUE(RtlEqualSid(Admins, Copy));
    Sid Service = {};
    Size = 68;
    UNICODE_STRING Name = test::Counted(L"TrustedInstaller");
    ASSERT_EQ(RtlCreateServiceSid(&Name, Service, &Size), STATUS_SUCCESS);
    ASSERT_EQ(RtlConvertSidToUnicodeString(&S, Service, true), STATUS_SUCCESS);
    EXPECT_EQ(Of(S), u"S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464");
    RtlFreeUnicodeString(&S);
    EXPECT_EQ(test::The().Blocks, 0);
}
TEST(Security, Acls)
{
    alignas(4) u8 Room[256];
    auto* List = reinterpret_cast<ACL*>(Room);
    Sid Admins = { 32, 544 }, Users = { 32, 545 };
    EXPECT_EQ(RtlCreateAcl(List, sizeof(Room), 1), STATUS_INVALID_PARAMETER);
    ASSERT_EQ(RtlCreateAcl(List, sizeof(Room), ACL_REVISION), STATUS_SUCCESS);
    ASSERT_EQ(RtlAddAccessAllowedAce(List, ACL_REVISION, 0x1F, Admins), STATUS_SUCCESS);
    ASSERT_EQ(RtlAddAccessDeniedAceEx(List, ACL_REVISION, CONTAINER_INHERIT_ACE, 0x2, Users), STATUS_SUCCESS);
    GUID Type = { 1, 2, 3, {} };
    EXPECT_EQ(RtlAddAccessAllowedObjectAce(List, ACL_REVISION, 0, 1, &Type, nullptr, Users), STATUS_REVISION_MISMATCH);
    ASSERT_EQ(RtlAddAccessAllowedObjectAce(List, ACL_REVISION_DS, 0, 1, &Type, nullptr, Users), STATUS_SUCCESS);
    EXPECT_EQ(List->AclRevision, ACL_REVISION_DS);
    EXPECT_TRUE(RtlValidAcl(List));
    PVOID Ace;
    ASSERT_EQ(RtlGetAce(List, 1, &Ace), STATUS_SUCCESS);
    EXPECT_EQ(static_cast<ACE_HEADER*>(Ace)->AceFlags, CONTAINER_INHERIT_ACE);
    ASSERT_EQ(RtlDeleteAce(List, 0), STATUS_SUCCESS);
    ASSERT_EQ(RtlGetAce(List, 0, &Ace), STATUS_SUCCESS);
    EXPECT_EQ(static_cast<ACE_HEADER*>(Ace)->AceType, ACCESS_DENIED_ACE_TYPE);
    ACL_SIZE_INFORMATION Sizes;
    ASSERT_EQ(RtlQueryInformationAcl(List, &Sizes, sizeof(Sizes), AclSizeInformation), STATUS_SUCCESS);
    EXPECT_EQ(Sizes.AceCount, 2u);
    EXPECT_EQ(Sizes.AclBytesInUse + Sizes.AclBytesFree, sizeof(Room));
    static_cast<ACE_HEADER*>(Ace)->AceSize = 0xFFFC;
    EXPECT_FALSE(RtlValidAcl(List));
    EXPECT_EQ(RtlAddAccessAllowedAce(List, ACL_REVISION, 0x1F, Admins), STATUS_INVALID_ACL);
    ASSERT_EQ(RtlCreateAcl(List, 16, ACL_REVISION), STATUS_SUCCESS);
    EXPECT_EQ(RtlAddAccessAllowedAce(List, ACL_REVISION, 0x1F, Admins), STATUS_ALLOTTED_SPACE_EXCEEDED);
}
TEST(Security, Descriptors)
{
    Sid Admins = { 32, 544 }, System = { 18 };
    alignas(4) u8 List[64];
    RtlCreateAcl(reinterpret_cast<ACL*>(List), sizeof(List), ACL_REVISION);
    RtlAddAccessAllowedAce(reinterpret_cast<ACL*>(List), ACL_REVISION, GENERIC_ALL, Admins);
    SECURITY_DESCRIPTOR Sd;
    ASSERT_EQ(RtlCreateSecurityDescriptor(&Sd, 1), STATUS_SUCCESS);
    RtlSetOwnerSecurityDescriptor(&Sd, System, false);
    RtlSetDaclSecurityDescriptor(&Sd, true, reinterpret_cast<ACL*>(List), false);
    ULONG Size = 0;
    EXPECT_EQ(RtlAbsoluteToSelfRelativeSD(&Sd, nullptr, &Size), STATUS_BUFFER_TOO_SMALL);
    std::vector<u8> Room(Size);
    auto* Relative = reinterpret_cast<SECURITY_DESCRIPTOR*>(Room.data());
    ASSERT_EQ(RtlAbsoluteToSelfRelativeSD(&Sd, Relative, &Size), STATUS_SUCCESS);
    EXPECT_TRUE(RtlValidRelativeSecurityDescriptor(Relative, Size, OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION));
    EXPECT_FALSE(RtlValidRelativeSecurityDescriptor(Relative, Size, GROUP_SECURITY_INFORMATION));
    EXPECT_EQ(RtlLengthSecurityDescriptor(Relative), Size);
    SID* Owner;
    BOOLEAN Defaulted;
    RtlGetOwnerSecurityDescriptor(Relative, &Owner, &Defaulted);
    EXPECT_TRUE(RtlEqualSid(Owner, System));
    // Truncated and damaged ones are refused without reading beyond them.
    for (ULONG Cut = 0; Cut < Size; ++Cut) {
        std::vector<u8> Part(Room.begin(), Room.begin() + long(Cut));
        if (Cut >= 20)
            EXPECT_FALSE(RtlValidRelativeSecurityDescriptor(reinterpret_cast<SECURITY_DESCRIPTOR*>(Part.data()), Cut, 0));
    }
    for (ULONG At = 4; At < Size * 8; ++At) {
        std::vector<u8> Bad = Room;
        Bad[At / 8] ^= u8(1 << At % 8);
        RtlValidRelativeSecurityDescriptor(reinterpret_cast<SECURITY_DESCRIPTOR*>(Bad.data()), Size, 0);
    }
    // And back, in place.
    std::vector<u8> Wide(Size + 20);
    std::copy(Room.begin(), Room.end(), Wide.begin());
    auto* Absolute = reinterpret_cast<SECURITY_DESCRIPTOR*>(Wide.data());
    ULONG WideSize = ULONG(Wide.size());
    ASSERT_EQ(RtlSelfRelativeToAbsoluteSD2(Absolute, &WideSize), STATUS_SUCCESS);
    EXPECT_TRUE(RtlValidSecurityDescriptor(Absolute));
    EXPECT_TRUE(RtlEqualSid(Absolute->Owner, System));
}
TEST(Security, Masks)
{
    GENERIC_MAPPING Mapping = { 1, 2, 4, 7 };
    ACCESS_MASK Mask = GENERIC_READ | GENERIC_EXECUTE | 0x100;
    RtlMapGenericMask(&Mask, &Mapping);
    EXPECT_EQ(Mask, 0x105u);
}
