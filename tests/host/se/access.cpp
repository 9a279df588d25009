// Access checks: lists, owners, privileges, labels, restricted tokens.
#include <optional>

#include "ntos/se/token.hpp"
#include "tests/host/system/system.hpp"

using namespace test;
using namespace se;

namespace {

constexpr ACCESS_MASK Read = 0x1, Write = 0x2, Execute = 0x4, Everything = Read | Write | Execute | STANDARD_RIGHTS_REQUIRED;
const GENERIC_MAPPING Map { Read | READ_CONTROL, Write, Execute, Everything };
const Sid User = sid::Machine.Below(1000), Stranger = sid::Machine.Below(2000);

struct AceOf {
    u8 Type;
    ACCESS_MASK Mask;
    Sid Who;
    u8 Flags = 0;
};
Own<SecurityDescriptor> Make(std::optional<std::vector<AceOf>> Dacl, const Sid& Owner = Stranger, std::vector<AceOf> Sacl = {})
{
    Begin();
    auto List = [](const std::vector<AceOf>& From) {
        AclBuilder Out;
        for (auto& A : From)
            MUST(Out.Add(A.Type, A.Flags, A.Mask, A.Who));
        return MUST(Out.Finish());
    };
    Vector<u8> D, S;
    Parts P;
    P.Owner = Owner.Bytes();
    P.Group = Owner.Bytes();
    if (Dacl) {
        P.Control |= SE_DACL_PRESENT;
        D = List(*Dacl);
        P.Dacl = D.Span();
    }
    if (!Sacl.empty()) {
        P.Control |= SE_SACL_PRESENT;
        S = List(Sacl);
        P.Sacl = S.Span();
    }
    return MUST(PutTogether(P));
}
constexpr u8 Allow = ACCESS_ALLOWED_ACE_TYPE, Deny = ACCESS_DENIED_ACE_TYPE, Label = SYSTEM_MANDATORY_LABEL_ACE_TYPE;

// What is granted; 0 for access denied.
ACCESS_MASK Check(const Own<SecurityDescriptor>& D, const Token& By, ACCESS_MASK Desired)
{
    Result<ACCESS_MASK> Granted = AccessCheck(D.Get(), By, Desired, Map);
    // Once more, from what the descriptor remembers: the same.
    Result<ACCESS_MASK> Again = AccessCheck(D.Get(), By, Desired, Map);
    EXPECT_EQ(Granted.Code(), Again.Code());
    if (Granted.Ok() && Again.Ok())
        EXPECT_EQ(Granted.Value() & Desired, Again.Value() & Desired);
    return Granted.Ok() ? Granted.Value() : 0;
}

Ref<Token> MakeUser()
{
    Begin();
    return MUST(UserToken());
}
struct Access : testing::Test {
    Ref<Token> T = MakeUser();
};

TEST_F(Access, ListsAreReadInTheirOrder)
{
    auto D = Make({ { { Deny, Write, User }, { Allow, Read | Write, User } } });
    EXPECT_EQ(Check(D, *T, Read), Read);
    EXPECT_EQ(Check(D, *T, Write), 0u);
    EXPECT_EQ(Check(D, *T, Read | Write), 0u);
    D = Make({ { { Allow, Read | Write, User }, { Deny, Write, User } } });
    EXPECT_EQ(Check(D, *T, Read | Write), Read | Write);
    D = Make({ { { Allow, Read, User }, { Allow, Write, sid::Everyone } } });        // rights add up
    EXPECT_EQ(Check(D, *T, Read | Write), Read | Write);
    D = Make({ { { Allow, Everything, Stranger } } });
    EXPECT_EQ(Check(D, *T, Read), 0u);
}

TEST_F(Access, NoListGrantsAllAndAnEmptyOneNothing)
{
    EXPECT_EQ(Check(Make({}), *T, Everything), Everything);
    auto Empty = Make(std::vector<AceOf> {});
    EXPECT_EQ(Check(Empty, *T, Read), 0u);
    EXPECT_EQ(Check(Empty, *T, MAXIMUM_ALLOWED), WRITE_OWNER & (HasPrivilege(*T, SE_TAKE_OWNERSHIP_PRIVILEGE) ? ~0u : 0u));
    Result<ACCESS_MASK> None = AccessCheck(nullptr, *T, Read, Map);
    ASSERT_TRUE(None.Ok());
    EXPECT_EQ(None.Value(), Read);
}

TEST_F(Access, InheritOnlyEntriesDoNotCount)
{
    auto D = Make({ { { Deny, Read, User, INHERIT_ONLY_ACE | CONTAINER_INHERIT_ACE }, { Allow, Read, User }, { Allow, Write, User, INHERIT_ONLY_ACE } } });
    EXPECT_EQ(Check(D, *T, Read), Read);
    EXPECT_EQ(Check(D, *T, Write), 0u);
}

TEST_F(Access, GenericRightsAreMapped)
{
    auto D = Make({ { { Allow, GENERIC_READ, User } } });
    EXPECT_EQ(Check(D, *T, GENERIC_READ), Map.GenericRead);
    EXPECT_EQ(Check(D, *T, GENERIC_READ | GENERIC_WRITE), 0u);
    D = Make({ { { Allow, GENERIC_ALL, User } } });
    EXPECT_EQ(Check(D, *T, GENERIC_ALL), Everything);
}

TEST_F(Access, MaximumAllowedIsWhatWouldBeGranted)
{
    auto D = Make({ { { Deny, Write, sid::Everyone }, { Allow, Read | Write, User }, { Allow, Execute, Stranger } } });
    EXPECT_EQ(Check(D, *T, MAXIMUM_ALLOWED), Read);
    EXPECT_EQ(Check(D, *T, MAXIMUM_ALLOWED | Read), Read);
    EXPECT_EQ(Check(D, *T, MAXIMUM_ALLOWED | Write), 0u);
    // Every single right: asked for alone it is granted exactly if the maximum has it.
    ACCESS_MASK Most = Check(D, *T, MAXIMUM_ALLOWED);
    for (u32 Bit = 0; Bit < 20; ++Bit)
        EXPECT_EQ(Check(D, *T, 1u << Bit) != 0, (Most >> Bit & 1) != 0) << "bit " << Bit;
}

TEST_F(Access, OwnersReadAndWriteTheList)
{
    auto D = Make(std::vector<AceOf> {}, User);
    EXPECT_EQ(Check(D, *T, READ_CONTROL | WRITE_DAC), READ_CONTROL | WRITE_DAC);
    EXPECT_EQ(Check(D, *T, Read), 0u);
    EXPECT_EQ(Check(D, *T, DELETE_ACCESS), 0u);
    // An entry for OWNER RIGHTS says what an owner has instead.
    D = Make({ { { Allow, Read, sid::OwnerRights } } }, User);
    EXPECT_EQ(Check(D, *T, Read), Read);
    EXPECT_EQ(Check(D, *T, WRITE_DAC), 0u);
    EXPECT_EQ(Check(D, *T, MAXIMUM_ALLOWED), Read);
    D = Make({ { { Allow, Read, sid::OwnerRights } } }, Stranger);
    EXPECT_EQ(Check(D, *T, Read), 0u);
    D = Make({ { { Deny, WRITE_DAC, sid::OwnerRights }, { Allow, Everything, User } } }, User);
    EXPECT_EQ(Check(D, *T, WRITE_DAC), 0u);
    EXPECT_EQ(Check(D, *T, Read), Read);
}

TEST_F(Access, GroupsThatOnlyDenyDoNotGrant)
{
    auto D = Make({ { { Allow, Read, sid::Administrators } } }), Denying = Make({ { { Deny, Read, sid::Administrators }, { Allow, Read, User } } });
    EXPECT_EQ(Check(D, *T, Read), Read);
    for (auto& G : T->Groups)
        if (G.Id == sid::Administrators)
            G.Attributes = SE_GROUP_USE_FOR_DENY_ONLY;
    T->Changed();
    EXPECT_EQ(Check(D, *T, Read), 0u);
    EXPECT_EQ(Check(Denying, *T, Read), 0u);
    for (auto& G : T->Groups)
        if (G.Id == sid::Administrators)
            G.Attributes = 0;           // disabled: neither grants nor denies
    T->Changed();
    EXPECT_EQ(Check(D, *T, Read), 0u);
    EXPECT_EQ(Check(Denying, *T, Read), Read);
}

TEST_F(Access, WhatIsRememberedIsNotAnothersNorOld)
{
    auto D = Make({ { { Allow, Read, User } } });
    Ref<Token> System = MUST(SystemToken());
    EXPECT_EQ(Check(D, *T, Read), Read);
    EXPECT_EQ(Check(D, *System, Read), 0u);
    EXPECT_EQ(Check(D, *T, Read), Read);
    Ref<Token> Same = MUST(T->Copy());
    EXPECT_EQ(Check(D, *Same, Read), Read);
    T->Groups[0].Attributes = SE_GROUP_USE_FOR_DENY_ONLY;
    T->Changed();
    EXPECT_EQ(Check(D, *T, Read), 0u);
    EXPECT_EQ(Check(D, *Same, Read), Read);
}

TEST_F(Access, PrivilegesGrantWhatListsCannot)
{
    auto D = Make(std::vector<AceOf> {});
    u64 Used = 0;
    T->Enabled &= ~(u64(1) << SE_SECURITY_PRIVILEGE | u64(1) << SE_TAKE_OWNERSHIP_PRIVILEGE);
    T->Changed();
    EXPECT_NT(STATUS_PRIVILEGE_NOT_HELD, CheckDescriptor(D.Get(), *T, ACCESS_SYSTEM_SECURITY, Map, Used).Code());
    EXPECT_NT(STATUS_ACCESS_DENIED, CheckDescriptor(D.Get(), *T, WRITE_OWNER, Map, Used).Code());
    EXPECT_EQ(Used, 0u);
    T->Enabled |= u64(1) << SE_SECURITY_PRIVILEGE | u64(1) << SE_TAKE_OWNERSHIP_PRIVILEGE;
    T->Changed();
    EXPECT_EQ(Check(D, *T, ACCESS_SYSTEM_SECURITY), ACCESS_SYSTEM_SECURITY);
    EXPECT_EQ(Check(D, *T, WRITE_OWNER), WRITE_OWNER);
    EXPECT_TRUE(CheckDescriptor(D.Get(), *T, WRITE_OWNER, Map, Used).Ok());
    EXPECT_EQ(Used, u64(1) << SE_TAKE_OWNERSHIP_PRIVILEGE);
    EXPECT_EQ(Check(D, *T, WRITE_OWNER | Read), 0u);
    // A list that forbids the owner's right does not stop the privilege.
    D = Make({ { { Deny, WRITE_OWNER, sid::Everyone } } });
    EXPECT_EQ(Check(D, *T, WRITE_OWNER), WRITE_OWNER);
}

TEST_F(Access, LowerIntegrityDoesNotWriteUp)
{
    auto Plain = Make({ { { Allow, Everything, sid::Everyone } } });
    auto High = Make({ { { Allow, Everything, sid::Everyone } } }, Stranger, { { Label, 1, Sid(16, sid::HighIntegrity) } });
    auto Secret = Make({ { { Allow, Everything, sid::Everyone } } }, Stranger, { { Label, 3, Sid(16, sid::HighIntegrity) } });
    T->Integrity = sid::LowIntegrity;
    T->Changed();
    EXPECT_EQ(Check(Plain, *T, Read), Read);
    EXPECT_EQ(Check(Plain, *T, Write), 0u);         // no label is a medium one
    EXPECT_EQ(Check(Plain, *T, DELETE_ACCESS), 0u);
    EXPECT_EQ(Check(Secret, *T, Read), 0u);
    EXPECT_EQ(Check(Plain, *T, MAXIMUM_ALLOWED) & (Read | Write), Read);
    T->Integrity = sid::MediumIntegrity;
    T->Changed();
    EXPECT_EQ(Check(Plain, *T, Write), Write);
    EXPECT_EQ(Check(High, *T, Write), 0u);
    EXPECT_EQ(Check(High, *T, Read), Read);
    T->Integrity = sid::HighIntegrity;
    T->Changed();
    EXPECT_EQ(Check(High, *T, Write), Write);
    EXPECT_EQ(Check(Secret, *T, Read), Read);
}

TEST_F(Access, ARestrictedTokenPassesTwice)
{
    auto Both = Make({ { { Allow, Read, User }, { Allow, Read, sid::RestrictedCode } } }), One = Make({ { { Allow, Read, User } } });
    MUST(T->Restricted.Push(SidEntry { sid::RestrictedCode, 7 }));
    T->Changed();
    EXPECT_EQ(Check(Both, *T, Read), Read);
    EXPECT_EQ(Check(One, *T, Read), 0u);
    auto Only = Make({ { { Allow, Read, sid::RestrictedCode } } });
    EXPECT_EQ(Check(Only, *T, Read), 0u);           // the restriction grants nothing itself
    auto Owned = Make({ { { Allow, Read, sid::RestrictedCode } } }, User);
    EXPECT_EQ(Check(Owned, *T, WRITE_DAC), 0u);     // its owner is not among the restricted SIDs
    // Restricted in writing only.
    T->WriteRestricted = true;
    T->Changed();
    EXPECT_EQ(Check(One, *T, Read), Read);
    auto Writes = Make({ { { Allow, Read | Write, User } } });
    EXPECT_EQ(Check(Writes, *T, Write), 0u);
    EXPECT_EQ(Check(Writes, *T, Read), Read);
}

TEST_F(Access, AnIdentificationTokenOpensNothing)
{
    auto D = Make({ { { Allow, Everything, sid::Everyone } } });
    T->Kind = TokenImpersonation;
    for (auto Level : { SecurityAnonymous, SecurityIdentification }) {
        T->Level = Level;
        EXPECT_NT(STATUS_BAD_IMPERSONATION_LEVEL, AccessCheck(D.Get(), *T, Read, Map).Code());
        EXPECT_NT(STATUS_BAD_IMPERSONATION_LEVEL, AccessCheck(nullptr, *T, Read, Map).Code());
    }
    T->Level = SecurityImpersonation;
    EXPECT_TRUE(AccessCheck(D.Get(), *T, Read, Map).Ok());
}

// --- descriptors of new objects

std::vector<AceOf> DaclOf(const Own<SecurityDescriptor>& D)
{
    std::vector<AceOf> Out;
    AceReader Reader(TakeApart(D.Get()).Dacl);
    for (Ace A; Reader.Next(A);)
        Out.push_back({ A.Header.AceType, A.Mask, MUST(ParseSid({ A.SidBytes(), A.Bytes.size() - A.SidAt })), A.Header.AceFlags });
    return Out;
}

TEST_F(Access, NewObjectsInheritFromTheirContainer)
{
    auto Parent = Make({ { { Allow, Read, sid::Everyone, CONTAINER_INHERIT_ACE }, { Allow, Write, User, OBJECT_INHERIT_ACE }, { Allow, Execute, Stranger },
                           { Allow, GENERIC_ALL, sid::CreatorOwner, CONTAINER_INHERIT_ACE | OBJECT_INHERIT_ACE | INHERIT_ONLY_ACE } } });
    auto Folder = DaclOf(MUST(AssignSecurity(nullptr, Parent.Get(), *T, Map, true)));
    ASSERT_FALSE(Folder.empty());
    for (auto& A : Folder) {
        EXPECT_FALSE(A.Who == Stranger);            // not inheritable
        EXPECT_TRUE(A.Flags & INHERITED_ACE);
    }
    auto File = DaclOf(MUST(AssignSecurity(nullptr, Parent.Get(), *T, Map, false)));
    ASSERT_EQ(File.size(), 2u);
    EXPECT_EQ(File[0].Mask, Write);
    EXPECT_TRUE(File[0].Who == User);
    EXPECT_EQ(File[0].Flags, INHERITED_ACE);
    EXPECT_EQ(File[1].Mask, Everything);
    EXPECT_TRUE(File[1].Who == T->Owner());         // the creator
    // Nothing to inherit: the token's default.
    auto Bare = Make({ { { Allow, Read, sid::Everyone } } });
    EXPECT_FALSE(DaclOf(MUST(AssignSecurity(nullptr, Bare.Get(), *T, Map, false))).empty());
}

TEST_F(Access, AGivenDescriptorIsTakenIfItsOwnerMayBe)
{
    auto Mine = Make({ { { Allow, GENERIC_READ, User } } }, User), Others = Make({ { { Allow, Read, User } } }, Stranger);
    auto D = MUST(AssignSecurity(Mine.Get(), nullptr, *T, Map, false));
    EXPECT_EQ(DaclOf(D)[0].Mask, Map.GenericRead);
    EXPECT_TRUE(MUST(ParseSid(TakeApart(D.Get()).Owner)) == User);
    T->Enabled &= ~(u64(1) << SE_RESTORE_PRIVILEGE);
    EXPECT_NT(STATUS_INVALID_OWNER, AssignSecurity(Others.Get(), nullptr, *T, Map, false).Code());
    T->Enabled &= ~(u64(1) << SE_SECURITY_PRIVILEGE);
    auto Audited = Make({ { { Allow, Read, User } } }, User, { { SYSTEM_AUDIT_ACE_TYPE, Read, sid::Everyone, SUCCESSFUL_ACCESS_ACE_FLAG } });
    EXPECT_NT(STATUS_PRIVILEGE_NOT_HELD, AssignSecurity(Audited.Get(), nullptr, *T, Map, false).Code());
}

}
