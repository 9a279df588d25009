// SIDs, lists and descriptors as programs hand them over: checked to the last byte.
#include <algorithm>
#include <memory>

#include "ntos/se/token.hpp"
#include "tests/host/system/system.hpp"

using namespace test;
using namespace se;
using abi::Service;

namespace {

std::vector<u8> BytesOf(std::span<const u8> S) { return { S.begin(), S.end() }; }
// In a block of exactly that size, so that the sanitizer sees what goes beyond.
bool IsGoodAcl(const std::vector<u8>& Bytes)
{
    std::unique_ptr<u8[]> Exact(new u8[Bytes.size()]);
    std::copy(Bytes.begin(), Bytes.end(), Exact.get());
    return IsValidAcl({ Exact.get(), Bytes.size() });
}
std::vector<u8> AclOf(std::initializer_list<Sid> Who)
{
    AclBuilder B;
    for (const Sid& S : Who)
        MUST(B.Add(ACCESS_ALLOWED_ACE_TYPE, 0, 0x1, S));
    return BytesOf(MUST(B.Finish()).Span());
}

TEST(Sids, AreParsedWithinTheirBytes)
{
    Sid S = sid::Machine.Below(1000);
    std::vector<u8> Bytes = BytesOf(S.Bytes());
    EXPECT_EQ(Bytes.size(), 28u);
    EXPECT_TRUE(MUST(ParseSid(Bytes)) == S);
    for (usize Length = 0; Length < Bytes.size(); ++Length) {
        std::unique_ptr<u8[]> Exact(new u8[Length]);
        if (Length)
            memcpy(Exact.get(), Bytes.data(), Length);
        EXPECT_NT(STATUS_INVALID_SID, ParseSid({ Exact.get(), Length }).Code());
    }
    Bytes[0] = 2;
    EXPECT_FALSE(ParseSid(Bytes).Ok());
    std::vector<u8> Long(8 + 16 * 4);
    Long[0] = 1;
    Long[1] = 16;
    EXPECT_FALSE(ParseSid(Long).Ok());
    Long[1] = 15;
    EXPECT_TRUE(ParseSid(Long).Ok());
    EXPECT_FALSE(sid::Everyone == sid::Local);
    EXPECT_FALSE(sid::Machine == sid::Machine.Below(0));
}

TEST(Sids, ListsAreCheckedEntryByEntry)
{
    std::vector<u8> Good = AclOf({ sid::Everyone, sid::Machine.Below(1000), sid::Administrators });
    EXPECT_TRUE(IsGoodAcl(Good));
    for (usize Length = 0; Length < Good.size(); ++Length)
        EXPECT_FALSE(IsGoodAcl({ Good.begin(), Good.begin() + long(Length) })) << Length;
    auto With = [&](usize At, u8 Value) {
        std::vector<u8> Bad = Good;
        Bad[At] = Value;
        return IsGoodAcl(Bad);
    };
    EXPECT_FALSE(With(0, 1));           // revisions are 2 to 4
    EXPECT_FALSE(With(0, 5));
    EXPECT_FALSE(With(2, 7));           // smaller than its header
    EXPECT_FALSE(With(4, 4));           // one entry more than there are
    EXPECT_TRUE(With(4, 2));            // one less: the rest is free room
    EXPECT_FALSE(With(10, 0));          // an entry of no size
    EXPECT_FALSE(With(10, 0xFC));       // beyond the end
    EXPECT_FALSE(With(10, 21));         // not a multiple of four
    EXPECT_FALSE(With(17, 15));         // the SID is longer than its entry
}

TEST(Sids, AnyBytesAsAListDoNoHarm)
{
    std::vector<u8> Good = AclOf({ sid::Everyone, sid::Machine.Below(1000), sid::Administrators });
    u32 Random = 99, Accepted = 0;
    for (u32 Round = 0; Round < 20000; ++Round) {
        std::vector<u8> Bytes = Good;
        for (u32 Changes = 0; Changes < 2; ++Changes) {
            Random = Random * 1664525 + 1013904223;
            Bytes[(Random >> 16) % Bytes.size()] = u8(Random >> 8);
        }
        std::unique_ptr<u8[]> Exact(new u8[Bytes.size()]);
        memcpy(Exact.get(), Bytes.data(), Bytes.size());
        std::span<const u8> All { Exact.get(), Bytes.size() };
        if (!IsValidAcl(All))
            continue;
        ++Accepted;
        AceReader Reader(All);
        for (Ace A; Reader.Next(A);)
            if (A.SidAt)
                EXPECT_TRUE(ParseSid({ A.SidBytes(), A.Bytes.size() - A.SidAt }).Ok());
    }
    EXPECT_GT(Accepted, 100u);
}

struct Descriptors : testing::Test {
    Client C;
    u64 Out = C.Room(8), Length = C.Room(8);
    // A named event with the descriptor at this address.
    NTSTATUS Create(u64 Descriptor)
    {
        NTSTATUS S = C.Call(Service::CreateEvent, Out, 0x1F0003, C.PutAttributes({}, 0, nullptr, Descriptor), 0, 0);
        if (S == STATUS_SUCCESS)
            EXPECT_NT(STATUS_SUCCESS, C.Close(C.Handle(Out)));
        return S;
    }
    std::vector<u8> Good()
    {
        Parts P;
        Sid Owner = sid::Machine.Below(1000);
        std::vector<u8> Dacl = AclOf({ sid::Everyone, Owner });
        P.Control = SE_DACL_PRESENT;
        P.Owner = P.Group = Owner.Bytes();
        P.Dacl = Dacl;
        return BytesOf(MUST(PutTogether(P))->Bytes());
    }
};

TEST_F(Descriptors, RelativeOnesAreCaptured)
{
    std::vector<u8> D = Good();
    EXPECT_NT(STATUS_SUCCESS, Create(C.PutBytes(D.data(), D.size())));
    D[0] = 2;
    EXPECT_NT(STATUS_UNKNOWN_REVISION, Create(C.PutBytes(D.data(), D.size())));
    EXPECT_NT(STATUS_ACCESS_VIOLATION, Create(0x10));
    EXPECT_NT(STATUS_ACCESS_VIOLATION, Create(~u64(0) - 8));
}

TEST_F(Descriptors, AbsoluteOnesAreCaptured)
{
    Sid Owner = sid::Machine.Below(1000);
    std::vector<u8> Dacl = AclOf({ sid::Everyone });
    SECURITY_DESCRIPTOR_ABSOLUTE D { 1, 0, SE_DACL_PRESENT, reinterpret_cast<void*>(C.PutBytes(&Owner, Owner.Size())), nullptr, nullptr,
                                     reinterpret_cast<void*>(C.PutBytes(Dacl.data(), Dacl.size())) };
    EXPECT_NT(STATUS_SUCCESS, Create(C.Put(D)));
    auto Bad = D;
    Bad.Owner = reinterpret_cast<void*>(0x10);
    EXPECT_NT(STATUS_ACCESS_VIOLATION, Create(C.Put(Bad)));
    Bad = D;
    Bad.Dacl = reinterpret_cast<void*>(0x10);
    EXPECT_NT(STATUS_ACCESS_VIOLATION, Create(C.Put(Bad)));
    Owner.Count = 16;
    Bad = D;
    Bad.Owner = reinterpret_cast<void*>(C.PutBytes(&Owner, 8));
    EXPECT_NT(STATUS_INVALID_SID, Create(C.Put(Bad)));
    Dacl[0] = 9;
    Bad = D;
    Bad.Dacl = reinterpret_cast<void*>(C.PutBytes(Dacl.data(), Dacl.size()));
    EXPECT_NT(STATUS_INVALID_ACL, Create(C.Put(Bad)));
    Dacl[0] = 2;
    Dacl[2] = Dacl[3] = 0xFF;           // longer than the memory it is in
    Bad.Dacl = reinterpret_cast<void*>(0x1000'0000 + 4 * MiB - 8);
    C.Write(0x1000'0000 + 4 * MiB - 8, Dacl.data(), 8);
    EXPECT_LT(Create(C.Put(Bad)), 0);
}

TEST_F(Descriptors, ChangedBytesDoNoHarm)
{
    Balance B;
    std::vector<u8> D = Good();
    u32 Random = 7, Taken = 0;
    u64 At = C.Room(D.size());
    u64 Attributes = C.PutAttributes({}, 0, nullptr, At);
    for (u32 Round = 0; Round < 3000; ++Round) {
        std::vector<u8> Bytes = D;
        for (u32 Changes = 0; Changes < 2; ++Changes) {
            Random = Random * 1664525 + 1013904223;
            Bytes[(Random >> 16) % Bytes.size()] = u8(Random >> 8);
        }
        C.Write(At, Bytes.data(), Bytes.size());
        if (C.Call(Service::CreateEvent, Out, 0x1F0003, Attributes, 0, 0) == STATUS_SUCCESS) {
            ++Taken;
            ASSERT_NT(STATUS_SUCCESS, C.Close(C.Handle(Out)));
        }
        ASSERT_TRUE(C.IsRunning());
    }
    EXPECT_GT(Taken, 50u);
    B.Check();
}

TEST_F(Descriptors, AreQueriedAndSet)
{
    std::vector<u8> D = Good();
    ASSERT_NT(STATUS_SUCCESS, C.Call(Service::CreateEvent, Out, 0x1F0003 | READ_CONTROL | WRITE_DAC, C.PutAttributes({}, 0, nullptr, C.PutBytes(D.data(), D.size())), 0, 0));
    HANDLE E = C.Handle(Out);
    u64 Buffer = C.Room(512);
    constexpr u32 What = OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION;
    EXPECT_NT(STATUS_BUFFER_TOO_SMALL, C.Call(Service::QuerySecurityObject, E, What, Buffer, 0, Length));
    u32 Needed = C.Get<u32>(Length);
    EXPECT_NT(STATUS_BUFFER_TOO_SMALL, C.Call(Service::QuerySecurityObject, E, What, Buffer, Needed - 1, Length));
    EXPECT_NT(STATUS_SUCCESS, C.Call(Service::QuerySecurityObject, E, What, Buffer, Needed, Length));
    auto Head = C.Get<SECURITY_DESCRIPTOR_RELATIVE>(Buffer);
    EXPECT_NE(Head.Owner, 0u);
    EXPECT_EQ(Head.Group, 0u);
    EXPECT_NE(Head.Dacl, 0u);
    EXPECT_LT(C.Call(Service::QuerySecurityObject, E, What, 0x10, Needed, Length), 0);
    // What was read can be set, and a null list opens the object.
    EXPECT_NT(STATUS_SUCCESS, C.Call(Service::SetSecurityObject, E, DACL_SECURITY_INFORMATION, Buffer));
    EXPECT_LT(C.Call(Service::SetSecurityObject, E, DACL_SECURITY_INFORMATION, 0x10), 0);
    EXPECT_LT(C.Call(Service::SetSecurityObject, E, DACL_SECURITY_INFORMATION, 0), 0);
}

}
