// Tokens through their services: privileges, groups, duplicates, restricted ones, impersonation; and lengths nobody should believe.
#include "abi/nt/ex.hpp"
#include "ntos/se/token.hpp"
#include "tests/host/system/system.hpp"

using namespace test;
using namespace se;
using abi::Service;

namespace {

struct Tokens : testing::Test {
    Client C;
    u64 Out = C.Room(8), Length = C.Room(8), Buffer = C.Room(4096);
    HANDLE Mine = Open();
    HANDLE Open(ACCESS_MASK Access = TOKEN_ALL_ACCESS)
    {
        EXPECT_NT(STATUS_SUCCESS, C.Call(Service::OpenProcessToken, Self, Access, Out));
        return C.Handle(Out);
    }
    Token& At(HANDLE H) { return static_cast<Token&>(*C.Process().Handles().Find(H)->Target); }
    NTSTATUS Adjust(HANDLE T, u32 Privilege, u32 Attributes, u64 Previous = 0, u32 Room = 0)
    {
        TOKEN_PRIVILEGES P { 1, { { { Privilege, 0 }, Attributes } } };
        return C.Call(Service::AdjustPrivilegesToken, T, 0, C.Put(P), Room, Previous, Length);
    }
    NTSTATUS Duplicate(HANDLE From, u32 Type, u32 Level, bool Effective = false, ACCESS_MASK Access = 0)
    {
        SECURITY_QUALITY_OF_SERVICE Q { sizeof(Q), Level, 0, 0 };
        OBJECT_ATTRIBUTES A { sizeof(A), nullptr, nullptr, 0, nullptr, reinterpret_cast<void*>(C.Put(Q)) };
        return C.Call(Service::DuplicateToken, From, Access, C.Put(A), Effective, Type, Out);
    }
    // TOKEN_GROUPS with these.
    u64 PutSids(std::vector<std::pair<Sid, u32>> Sids)
    {
        u64 To = C.Room(8 + 16 * Sids.size());
        C.Set(To, u32(Sids.size()));
        for (usize I = 0; I < Sids.size(); ++I) {
            C.Set(To + 8 + I * 16, C.PutBytes(&Sids[I].first, Sids[I].first.Size()));
            C.Set(To + 16 + I * 16, Sids[I].second);
        }
        return To;
    }
};

TEST_F(Tokens, PrivilegesAreEnabledIfTheyAreThere)
{
    EXPECT_FALSE(HasPrivilege(At(Mine), SE_DEBUG_PRIVILEGE));
    u64 Id = At(Mine).ModifiedId;
    EXPECT_NT(STATUS_SUCCESS, Adjust(Mine, SE_DEBUG_PRIVILEGE, SE_PRIVILEGE_ENABLED, Buffer, 64));
    EXPECT_TRUE(HasPrivilege(At(Mine), SE_DEBUG_PRIVILEGE));
    EXPECT_NE(At(Mine).ModifiedId, Id);
    // What it was before, good for putting it back.
    auto Was = C.Get<TOKEN_PRIVILEGES>(Buffer);
    EXPECT_EQ(Was.PrivilegeCount, 1u);
    EXPECT_EQ(Was.Privileges[0].Luid.LowPart, SE_DEBUG_PRIVILEGE);
    EXPECT_EQ(Was.Privileges[0].Attributes, 0u);
    EXPECT_NT(STATUS_SUCCESS, C.Call(Service::AdjustPrivilegesToken, Mine, 0, Buffer, 0, 0, 0));
    EXPECT_FALSE(HasPrivilege(At(Mine), SE_DEBUG_PRIVILEGE));
    EXPECT_NT(STATUS_NOT_ALL_ASSIGNED, Adjust(Mine, SE_TCB_PRIVILEGE, SE_PRIVILEGE_ENABLED));
    EXPECT_FALSE(HasPrivilege(At(Mine), SE_TCB_PRIVILEGE));
    EXPECT_NT(STATUS_NOT_ALL_ASSIGNED, Adjust(Mine, 1000, SE_PRIVILEGE_ENABLED));
}

TEST_F(Tokens, RemovedPrivilegesStayAway)
{
    EXPECT_NT(STATUS_SUCCESS, Adjust(Mine, SE_DEBUG_PRIVILEGE, SE_PRIVILEGE_REMOVED));
    EXPECT_NT(STATUS_NOT_ALL_ASSIGNED, Adjust(Mine, SE_DEBUG_PRIVILEGE, SE_PRIVILEGE_ENABLED));
    EXPECT_NT(STATUS_SUCCESS, C.Call(Service::AdjustPrivilegesToken, Mine, 1, 0, 0, 0, 0));
    EXPECT_EQ(At(Mine).Enabled, 0u);
}

TEST_F(Tokens, ATooSmallBufferChangesNothing)
{
    u64 Before = At(Mine).Enabled;
    EXPECT_NT(STATUS_BUFFER_TOO_SMALL, Adjust(Mine, SE_DEBUG_PRIVILEGE, SE_PRIVILEGE_ENABLED, Buffer, 15));
    EXPECT_EQ(C.Get<u32>(Length), 16u);
    EXPECT_EQ(At(Mine).Enabled, Before);
    EXPECT_NT(STATUS_ACCESS_VIOLATION, Adjust(Mine, SE_DEBUG_PRIVILEGE, SE_PRIVILEGE_ENABLED, 0x10, 64));
    EXPECT_EQ(At(Mine).Enabled, Before);
}

TEST_F(Tokens, HostileCountsAreRefused)
{
    for (u32 Count : { 0xFFFF'FFFFu, 0x8000'0000u, 0x1555'5556u, 70000u }) {
        u64 List = C.Put(u64(Count));
        EXPECT_LT(C.Call(Service::AdjustPrivilegesToken, Mine, 0, List, 0, 0, 0), 0) << Count;
        EXPECT_LT(C.Call(Service::AdjustGroupsToken, Mine, 0, List, 0, 0, 0), 0) << Count;
        EXPECT_LT(C.Call(Service::FilterToken, Mine, 0, List, 0, 0, Out), 0) << Count;
        EXPECT_LT(C.Call(Service::FilterToken, Mine, 0, 0, List, 0, Out), 0) << Count;
        EXPECT_LT(C.Call(Service::PrivilegeCheck, Mine, List, Out), 0) << Count;
    }
    EXPECT_LT(C.Call(Service::AdjustPrivilegesToken, Mine, 0, 0, 0, 0, 0), 0);
    EXPECT_LT(C.Call(Service::AdjustPrivilegesToken, Mine, 0, 0x10, 0, 0, 0), 0);
}

TEST_F(Tokens, GroupsAreDisabledUnlessMandatory)
{
    EXPECT_NT(STATUS_CANT_DISABLE_MANDATORY, C.Call(Service::AdjustGroupsToken, Mine, 0, PutSids({ { sid::Everyone, 0 } }), 0, 0, 0));
    EXPECT_NT(STATUS_NOT_ALL_ASSIGNED, C.Call(Service::AdjustGroupsToken, Mine, 0, PutSids({ { sid::LocalService, 0 } }), 0, 0, 0));
    Client S(As::System);
    u64 To = S.Room(8);
    ASSERT_NT(STATUS_SUCCESS, S.Call(Service::OpenProcessToken, Self, TOKEN_ALL_ACCESS, To));
    u64 List = S.Room(32), Id = S.PutBytes(&sid::Administrators, sid::Administrators.Size());
    S.Set(List, u32(1));
    S.Set(List + 8, Id);
    EXPECT_NT(STATUS_SUCCESS, S.Call(Service::AdjustGroupsToken, S.Handle(To), 0, List, 0, 0, 0));
    EXPECT_FALSE(S.Process().Token().Has(sid::Administrators, false));
    EXPECT_NT(STATUS_SUCCESS, S.Call(Service::AdjustGroupsToken, S.Handle(To), 1, 0, 0, 0, 0));     // back to the defaults
    EXPECT_TRUE(S.Process().Token().Has(sid::Administrators, false));
}

TEST_F(Tokens, ARestrictedCopyHasLess)
{
    u64 Delete = C.Put(TOKEN_PRIVILEGES { 1, { { { SE_SHUTDOWN_PRIVILEGE, 0 }, 0 } } });
    EXPECT_NT(STATUS_SUCCESS, C.Call(Service::FilterToken, Mine, 0, PutSids({ { sid::Administrators, 0 } }), Delete, PutSids({ { sid::RestrictedCode, 0 } }), Out));
    Token& T = At(C.Handle(Out));
    EXPECT_FALSE(T.Has(sid::Administrators, false));
    EXPECT_TRUE(T.Has(sid::Administrators, true));
    EXPECT_FALSE(T.MayOwn(sid::Administrators));
    EXPECT_TRUE(T.IsRestricted());
    EXPECT_EQ(T.Present >> SE_SHUTDOWN_PRIVILEGE & 1, 0u);
    EXPECT_TRUE(At(Mine).Has(sid::Administrators, false));      // the original is as it was
    EXPECT_NE(T.ModifiedId, At(Mine).ModifiedId);
    // Restricting it again never gives more.
    HANDLE First = C.Handle(Out);
    EXPECT_NT(STATUS_SUCCESS, C.Call(Service::FilterToken, First, 0, 0, 0, PutSids({ { sid::Everyone, 0 } }), Out));
    EXPECT_FALSE(At(C.Handle(Out)).HasRestrictedBytes(sid::Everyone.Bytes()));
    EXPECT_TRUE(At(C.Handle(Out)).IsRestricted());
    // All privileges but one.
    EXPECT_NT(STATUS_SUCCESS, C.Call(Service::FilterToken, Mine, DISABLE_MAX_PRIVILEGE, 0, 0, 0, Out));
    EXPECT_EQ(At(C.Handle(Out)).Present, u64(1) << SE_CHANGE_NOTIFY_PRIVILEGE);
    EXPECT_NT(STATUS_INVALID_PARAMETER, C.Call(Service::FilterToken, Mine, 0x100, 0, 0, 0, Out));
    EXPECT_NT(STATUS_INVALID_PARAMETER, C.Call(Service::FilterToken, Mine, 0, 0, 0, PutSids({ { sid::Everyone, 4 } }), Out));
    EXPECT_NT(STATUS_ACCESS_DENIED, C.Call(Service::FilterToken, Open(TOKEN_QUERY), 0, 0, 0, 0, Out));
}

TEST_F(Tokens, ALevelIsNeverRaised)
{
    EXPECT_NT(STATUS_SUCCESS, Duplicate(Mine, TokenImpersonation, SecurityIdentification));
    HANDLE Weak = C.Handle(Out);
    EXPECT_NT(STATUS_BAD_IMPERSONATION_LEVEL, Duplicate(Weak, TokenImpersonation, SecurityImpersonation));
    EXPECT_NT(STATUS_BAD_IMPERSONATION_LEVEL, Duplicate(Weak, TokenPrimary, SecurityAnonymous));
    EXPECT_NT(STATUS_SUCCESS, Duplicate(Weak, TokenImpersonation, SecurityAnonymous));
    EXPECT_NT(STATUS_BAD_IMPERSONATION_LEVEL, Duplicate(Mine, TokenImpersonation, 4));
    EXPECT_NT(STATUS_INVALID_PARAMETER, Duplicate(Mine, 3, SecurityImpersonation));
    EXPECT_NT(STATUS_ACCESS_DENIED, Duplicate(Open(TOKEN_QUERY), TokenImpersonation, SecurityImpersonation));
    // Only what is in effect.
    EXPECT_NT(STATUS_SUCCESS, Duplicate(Mine, TokenImpersonation, SecurityImpersonation, true));
    EXPECT_EQ(At(C.Handle(Out)).Present, At(Mine).Enabled);
}

TEST_F(Tokens, AThreadActsAsTheTokenItTakesOn)
{
    EXPECT_NT(STATUS_NO_TOKEN, C.Call(Service::OpenThreadToken, SelfThread, TOKEN_QUERY, 1, Out));
    EXPECT_NT(STATUS_SUCCESS, Duplicate(Mine, TokenImpersonation, SecurityImpersonation));
    HANDLE Taken = C.Handle(Out);
    EXPECT_NT(STATUS_SUCCESS, C.Call(Service::SetInformationThread, SelfThread, ThreadImpersonationToken, C.Put(Taken), 8));
    EXPECT_EQ(&C.Thread().EffectiveToken(), &At(Taken));
    EXPECT_NT(STATUS_SUCCESS, C.Call(Service::OpenThreadToken, SelfThread, TOKEN_QUERY, 1, Out));
    EXPECT_EQ(&At(C.Handle(Out)), &At(Taken));
    EXPECT_NT(STATUS_SUCCESS, C.Call(Service::SetInformationThread, SelfThread, ThreadImpersonationToken, C.Put(u64(0)), 8));
    EXPECT_EQ(&C.Thread().EffectiveToken(), &C.Process().Token());
    EXPECT_LT(C.Call(Service::SetInformationThread, SelfThread, ThreadImpersonationToken, C.Put(Mine), 8), 0);     // a primary one is none
    // An anonymous one cannot be opened.
    EXPECT_NT(STATUS_SUCCESS, Duplicate(Mine, TokenImpersonation, SecurityAnonymous));
    EXPECT_NT(STATUS_SUCCESS, C.Call(Service::SetInformationThread, SelfThread, ThreadImpersonationToken, C.Put(C.Handle(Out)), 8));
    EXPECT_NT(STATUS_CANT_OPEN_ANONYMOUS, C.Call(Service::OpenThreadToken, SelfThread, TOKEN_QUERY, 1, Out));
}

TEST_F(Tokens, OneThreadTakesOnAnother)
{
    Client Other(C);
    HANDLE Server = C.Open(Ref<ob::Object>(C.Thread()), THREAD_ALL_ACCESS), Client = C.Open(Ref<ob::Object>(Other.Thread()), THREAD_ALL_ACCESS);
    u64 Qos = C.Put(SECURITY_QUALITY_OF_SERVICE { 12, SecurityImpersonation, 0, 0 });
    EXPECT_NT(STATUS_SUCCESS, C.Call(Service::ImpersonateThread, Server, Client, Qos));
    ASSERT_NE(C.Thread().ImpersonationToken(), nullptr);
    EXPECT_TRUE(C.Thread().ImpersonationToken()->IsImpersonation());
    EXPECT_NT(STATUS_INVALID_PARAMETER, C.Call(Service::ImpersonateThread, Server, Client, C.Put(SECURITY_QUALITY_OF_SERVICE { 11, 2, 0, 0 })));
    EXPECT_NT(STATUS_BAD_IMPERSONATION_LEVEL, C.Call(Service::ImpersonateThread, Server, Client, C.Put(SECURITY_QUALITY_OF_SERVICE { 12, 9, 0, 0 })));
    EXPECT_NT(STATUS_ACCESS_VIOLATION, C.Call(Service::ImpersonateThread, Server, Client, 0x10));
}

TEST_F(Tokens, PrivilegesAreChecked)
{
    struct {
        PRIVILEGE_SET_HEADER Head;
        LUID_AND_ATTRIBUTES P[2];
    } Set { { 2, PRIVILEGE_SET_ALL_NECESSARY }, { { { SE_CHANGE_NOTIFY_PRIVILEGE, 0 }, 0 }, { { SE_TCB_PRIVILEGE, 0 }, 0 } } };
    EXPECT_NT(STATUS_SUCCESS, C.Call(Service::PrivilegeCheck, Mine, C.Put(Set), Out));
    EXPECT_EQ(C.Get<u8>(Out), 0);
    Set.Head.Control = 0;               // any will do
    u64 List = C.Put(Set);
    EXPECT_NT(STATUS_SUCCESS, C.Call(Service::PrivilegeCheck, Mine, List, Out));
    EXPECT_EQ(C.Get<u8>(Out), 1);
    auto After = C.Get<decltype(Set)>(List);
    EXPECT_TRUE(After.P[0].Attributes & SE_PRIVILEGE_USED_FOR_ACCESS);
    EXPECT_FALSE(After.P[1].Attributes & SE_PRIVILEGE_USED_FOR_ACCESS);
}

TEST_F(Tokens, NobodyMakesOneWithoutThePrivilege)
{
    u64 List = C.Put(u64(0)), Luid = C.Put(u64(0));
    EXPECT_NT(STATUS_PRIVILEGE_NOT_HELD, C.Call(Service::CreateToken, Out, TOKEN_ALL_ACCESS, 0, TokenPrimary, Luid, Luid, List, List, List, 0, List, 0, List));
    Client S(As::System);
    u64 To = S.Room(8), Id = S.PutBytes(&sid::LocalService, sid::LocalService.Size()), User = S.Put(SID_AND_ATTRIBUTES { reinterpret_cast<SID*>(Id), 0 }), None = S.Put(u64(0)),
        Group = S.Put(Id), Source = S.Put(TOKEN_SOURCE {});
    auto Make = [&](u32 Type, u64 Groups, u64 Privileges, u64 Primary) {
        return S.Call(Service::CreateToken, To, TOKEN_ALL_ACCESS, 0, Type, None, None, User, Groups, Privileges, 0, Primary, 0, Source);
    };
    EXPECT_NT(STATUS_SUCCESS, Make(TokenPrimary, None, None, Group));
    auto& T = static_cast<Token&>(*S.Process().Handles().Find(S.Handle(To))->Target);
    EXPECT_TRUE(T.User() == sid::LocalService);
    EXPECT_EQ(T.Present, 0u);
    EXPECT_NT(STATUS_BAD_TOKEN_TYPE, Make(7, None, None, Group));
    EXPECT_NT(STATUS_NO_SUCH_PRIVILEGE, Make(TokenPrimary, None, S.Put(TOKEN_PRIVILEGES { 1, { { { 63, 0 }, 0 } } }), Group));
    u64 Stranger = S.PutBytes(&sid::Users, sid::Users.Size());
    EXPECT_NT(STATUS_INVALID_PRIMARY_GROUP, Make(TokenPrimary, None, None, S.Put(Stranger)));
    EXPECT_LT(Make(TokenPrimary, S.Put(u64(0xFFFF'FFFF)), None, Group), 0);
}

// What is the system's is found by everybody and changed by nobody without rank; a name in other letters cannot take its place.
TEST_F(Tokens, TheNamespaceIsTheSystems)
{
    Client Nobody(As::Nobody);
    u64 To = Nobody.Room(8);
    auto Make = [&](ob::Name Path) { return Nobody.Call(Service::CreateEvent, To, EVENT_ALL_ACCESS, Nobody.PutAttributes(Path, 0), 0, 0); };
    for (ob::Name Path : { ob::Name(L"\\rEGISTRY"), ob::Name(L"\\x"), ob::Name(L"\\??\\x"), ob::Name(L"\\Device\\nULL"), ob::Name(L"\\KnownDlls\\NTDLL.dll"), ob::Name(L"\\Sessions\\x"),
                           ob::Name(L"\\Driver\\x"), ob::Name(L"\\KernelObjects\\x") })
        EXPECT_NT(STATUS_ACCESS_DENIED, Make(Path));
    for (ob::Name Path : { ob::Name(L"\\BaseNamedObjects\\nobody"), ob::Name(L"\\Sessions\\1\\BaseNamedObjects\\nobody"), ob::Name(L"\\RPC Control\\nobody") })
        EXPECT_NT(STATUS_SUCCESS, Make(Path));
    for (ob::Name Path : { ob::Name(L"\\"), ob::Name(L"\\Device"), ob::Name(L"\\BaseNamedObjects") }) {
        u64 Where = Nobody.PutAttributes(Path);
        EXPECT_NT(STATUS_SUCCESS, Nobody.Call(Service::OpenDirectoryObject, To, DIRECTORY_QUERY | DIRECTORY_TRAVERSE, Where));
        for (ACCESS_MASK Access : { DELETE_ACCESS, WRITE_DAC, WRITE_OWNER })
            EXPECT_NT(STATUS_ACCESS_DENIED, Nobody.Call(Service::OpenDirectoryObject, To, Access, Where));
    }
    u64 Link = Nobody.PutAttributes(L"\\??");
    EXPECT_NT(STATUS_SUCCESS, Nobody.Call(Service::OpenSymbolicLinkObject, To, SYMBOLIC_LINK_QUERY, Link));
    EXPECT_NT(STATUS_ACCESS_DENIED, Nobody.Call(Service::OpenSymbolicLinkObject, To, DELETE_ACCESS, Link));
    Client User;
    EXPECT_NT(STATUS_SUCCESS, User.Call(Service::CreateEvent, User.Room(8), EVENT_ALL_ACCESS, User.PutAttributes(L"\\anAdministrators"), 0, 0));
}

TEST_F(Tokens, EveryQueryTakesHostileLengths)
{
    for (u32 Class = 0; Class < 60; ++Class) {
        for (u32 Bytes = 0; Bytes < 80; ++Bytes) {
            u64 Guard = 0xA5A5'A5A5'A5A5'A5A5;
            C.Set(Buffer + Bytes, Guard);
            C.Call(Service::QueryInformationToken, Mine, Class, Buffer, Bytes, Length);
            ASSERT_EQ(C.Get<u64>(Buffer + Bytes), Guard) << "class " << Class << " length " << Bytes;
        }
        C.Call(Service::QueryInformationToken, Mine, Class, 0x10, 4096, Length);
        C.Call(Service::QueryInformationToken, Mine, Class, Buffer, 0xFFFF'FFFF, 0x10);
        C.Call(Service::SetInformationToken, Mine, Class, Buffer, 0xFFFF'FFFF);
        C.Call(Service::SetInformationToken, Mine, Class, 0x10, 8);
        ASSERT_TRUE(C.IsRunning());
    }
    // The length told is the length that is enough.
    for (u32 Class = TokenUser; Class <= TokenMandatoryPolicy; ++Class) {
        C.Set(Length, u32(0));
        if (C.Call(Service::QueryInformationToken, Mine, Class, Buffer, 0, Length) != STATUS_BUFFER_TOO_SMALL)
            continue;
        EXPECT_NT(STATUS_SUCCESS, C.Call(Service::QueryInformationToken, Mine, Class, Buffer, C.Get<u32>(Length), Length)) << "class " << Class;
    }
}

TEST_F(Tokens, LeaveNothing)
{
    Balance B;
    {
        Client T;
        u64 To = T.Room(8);
        for (u32 I = 0; I < 8; ++I) {
            EXPECT_NT(STATUS_SUCCESS, T.Call(Service::OpenProcessToken, Self, TOKEN_ALL_ACCESS, To));
            EXPECT_NT(STATUS_SUCCESS, T.Call(Service::DuplicateToken, T.Handle(To), 0, 0, 0, TokenImpersonation, To));
        }
        EXPECT_NT(STATUS_SUCCESS, T.Call(Service::SetInformationThread, SelfThread, ThreadImpersonationToken, T.Put(T.Handle(To)), 8));
    }
    B.Check();
}

}
