// Security descriptors of objects: taking parts out and putting parts in.
#include "tests/host/support/gtest.hpp"

#include "tests/host/ex/double/system.hpp"

using fake::Client;

namespace {

constexpr ULONG Owner = 1, Group = 2, Dacl = 4, Sacl = 8, Label = 16;

struct Relative {
    u8 Revision, Sbz1;
    u16 Control;
    u32 Owner, Group, Sacl, Dacl;
};

struct Security : testing::Test {
    Client C;
    u64 Out = C.Room(512), Length = C.Room(4);
    HANDLE Event = nullptr;
    void SetUp() override
    {
        u64 H = C.Room(8);
        ASSERT_EQ(C.Now(NtCreateEvent, H, EVENT_ALL_ACCESS | ACCESS_SYSTEM_SECURITY, 0, 0, 0), STATUS_SUCCESS);
        Event = C.At<HANDLE>(H);
    }
    // S-1-5-N
    std::vector<u8> Sid(u8 N) { return { 1, 1, 0, 0, 0, 0, 0, 5, N, 0, 0, 0 }; }
    std::vector<u8> Ace(u8 Type, u8 N)
    {
        std::vector<u8> A { Type, 0, 20, 0, 1, 0, 0, 0 };
        for (u8 B : Sid(N))
            A.push_back(B);
        return A;
    }
    std::vector<u8> Acl(std::initializer_list<std::vector<u8>> Aces)
    {
        std::vector<u8> A { 2, 0, u8(8 + 20 * Aces.size()), 0, u8(Aces.size()), 0, 0, 0 };
        for (auto& One : Aces)
            A.insert(A.end(), One.begin(), One.end());
        return A;
    }
    u64 Put(u16 Control, std::vector<u8> O, std::vector<u8> G, std::vector<u8> S, std::vector<u8> D)
    {
        u64 At = C.Room(512);
        Relative R { 1, 0, u16(Control | 0x8000), 0, 0, 0, 0 };
        u32 Next = sizeof(R);
        auto Add = [&](std::vector<u8>& Part, u32& Offset) {
            if (Part.empty())
                return;
            Offset = Next;
            memcpy(C.Bytes(At) + Next, Part.data(), Part.size());
            Next += u32(Part.size());
        };
        Add(O, R.Owner);
        Add(G, R.Group);
        Add(S, R.Sacl);
        Add(D, R.Dacl);
        memcpy(C.Bytes(At), &R, sizeof(R));
        return At;
    }
    NTSTATUS Set(ULONG What, u64 From) { return C.Now(NtSetSecurityObject, Event, What, From); }
    NTSTATUS Query(ULONG What, ULONG Bytes = 512) { return C.Now(NtQuerySecurityObject, Event, What, Out, Bytes, Length); }
    Relative& Got() { return C.At<Relative>(Out); }
    std::vector<u8> Part(u32 Offset, usize Bytes) { return { C.Bytes(Out + Offset), C.Bytes(Out + Offset) + Bytes }; }
};

TEST_F(Security, NoneAtFirst)
{
    EXPECT_EQ(Query(Owner | Group | Dacl, 0), STATUS_BUFFER_TOO_SMALL);
    EXPECT_EQ(C.At<ULONG>(Length), 20u);
    EXPECT_EQ(Query(Owner | Group | Dacl, 20), STATUS_SUCCESS);
    EXPECT_EQ(Got().Control, 0x8000);
    EXPECT_EQ(Got().Owner, 0u);
}

TEST_F(Security, PartsGoInAndComeOut)
{
    auto D = Acl({ Ace(0, 18), Ace(1, 19) });
    ASSERT_EQ(Set(Owner | Group | Dacl, Put(0x1004, Sid(32), Sid(33), {}, D)), STATUS_SUCCESS);
    ASSERT_EQ(Query(Owner | Group | Dacl), STATUS_SUCCESS);
    EXPECT_EQ(Got().Control, 0x9004);
    EXPECT_EQ(Part(Got().Owner, 12), Sid(32));
    EXPECT_EQ(Part(Got().Group, 12), Sid(33));
    EXPECT_EQ(Part(Got().Dacl, D.size()), D);
    ULONG Needed = C.At<ULONG>(Length);
    EXPECT_EQ(Query(Owner | Group | Dacl, Needed - 1), STATUS_BUFFER_TOO_SMALL);
    ASSERT_EQ(Query(Dacl), STATUS_SUCCESS);
    EXPECT_EQ(Got().Owner, 0u);
    EXPECT_EQ(Part(Got().Dacl, D.size()), D);
    // One part changes, the others stay.
    ASSERT_EQ(Set(Owner, Put(0, Sid(40), {}, {}, {})), STATUS_SUCCESS);
    ASSERT_EQ(Query(Owner | Group | Dacl), STATUS_SUCCESS);
    EXPECT_EQ(Part(Got().Owner, 12), Sid(40));
    EXPECT_EQ(Part(Got().Group, 12), Sid(33));
    EXPECT_EQ(Part(Got().Dacl, D.size()), D);
    // A null DACL is one that is there.
    ASSERT_EQ(Set(Dacl, Put(0x4, {}, {}, {}, {})), STATUS_SUCCESS);
    ASSERT_EQ(Query(Dacl), STATUS_SUCCESS);
    EXPECT_EQ(Got().Control, 0x8004);
    EXPECT_EQ(Got().Dacl, 0u);
}

TEST_F(Security, LabelsAreApartFromTheSacl)
{
    auto L = Acl({ Ace(0x11, 1) }), A = Acl({ Ace(2, 2) });
    ASSERT_EQ(Set(Label, Put(0x10, {}, {}, L, {})), STATUS_SUCCESS);
    ASSERT_EQ(Set(Sacl, Put(0x10, {}, {}, A, {})), STATUS_SUCCESS);
    ASSERT_EQ(Query(Label), STATUS_SUCCESS);
    EXPECT_EQ(Part(Got().Sacl, L.size()), L);
    ASSERT_EQ(Query(Sacl), STATUS_SUCCESS);
    auto Both = Acl({ Ace(2, 2), Ace(0x11, 1) });
    EXPECT_EQ(Part(Got().Sacl, Both.size()), Both);
    ASSERT_EQ(Set(Sacl | Label, Put(0x10, {}, {}, A, {})), STATUS_SUCCESS);
    ASSERT_EQ(Query(Label), STATUS_SUCCESS);
    EXPECT_EQ(Got().Sacl, 0u);
}

TEST_F(Security, Rights)
{
    u64 H = C.Room(8);
    ASSERT_EQ(C.Now(NtCreateEvent, H, READ_CONTROL, 0, 0, 0), STATUS_SUCCESS);
    Event = C.At<HANDLE>(H);
    EXPECT_EQ(Query(Owner), STATUS_SUCCESS);
    EXPECT_EQ(Query(Sacl), STATUS_ACCESS_DENIED);
    u64 D = Put(0x4, Sid(1), Sid(2), {}, {});
    EXPECT_EQ(Set(Dacl, D), STATUS_ACCESS_DENIED);
    EXPECT_EQ(Set(Owner, D), STATUS_ACCESS_DENIED);
    ASSERT_EQ(C.Now(NtCreateEvent, H, WRITE_DAC | WRITE_OWNER, 0, 0, 0), STATUS_SUCCESS);
    Event = C.At<HANDLE>(H);
    EXPECT_EQ(Query(Owner), STATUS_ACCESS_DENIED);
    EXPECT_EQ(Set(Owner, Put(0, {}, {}, {}, {})), STATUS_INVALID_OWNER);
    EXPECT_EQ(Set(Group, Put(0, {}, {}, {}, {})), STATUS_INVALID_PRIMARY_GROUP);
    fake::HasPrivileges = false;
    EXPECT_EQ(Set(Owner, D), STATUS_INVALID_OWNER);
    fake::HasPrivileges = true;
    EXPECT_EQ(Set(Owner | Dacl, D), STATUS_SUCCESS);
    fake::HasPrivileges = false;
    EXPECT_EQ(Set(Owner, Put(0, Sid(7), {}, {}, {})), STATUS_SUCCESS);         // oneself
    fake::HasPrivileges = true;
    EXPECT_EQ(Set(Dacl, 0x10), STATUS_ACCESS_VIOLATION);
    EXPECT_EQ(C.Now(NtQuerySecurityObject, 0, 1, Out, 512, Length), STATUS_INVALID_HANDLE);
}

}
