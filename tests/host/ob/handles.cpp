// Handle tables, references, duplication, inheritance.
#include "tests/host/support/gtest.hpp"

#include <set>

#include "tests/host/ex/double/system.hpp"

using namespace ob;
using fake::Client;

namespace {

constexpr u64 Self = ~u64(0), SelfThread = ~u64(1);

struct Counted final : Object {
    static const TypeInfo Type;
    Counted() : Object(Type) { ++Live; }
    ~Counted() override { --Live; }
    static inline int Live = 0;
    static inline u32 Left = 99, InProcess = 99, Closes = 0;
    void HandleClosed(ps::Process&, u32 L, u32 P) override
    {
        Left = L;
        InProcess = P;
        ++Closes;
    }
};
const TypeInfo Counted::Type { .Name = L"Counted", .ValidAccess = SYNCHRONIZE | 0xF, .Mapping = { 1, 2, 4, 0xF }, .CountsPerProcess = true };

struct Handles : testing::Test {
    Client C, D;
    u64 Out = C.Room(8);
    HANDLE Made() { return C.At<HANDLE>(Out); }
    HANDLE New(Client& For, u32 Access = 0xF, u32 Flags = 0)
    {
        auto O = Make<Counted>();
        auto H = GrantHandle(For.Thread(), std::move(O.Value()), Access, Flags);
        return H.Value();
    }
};

TEST_F(Handles, AreSmallDenseAndReused)
{
    std::set<HANDLE> Seen;
    for (int I = 1; I <= 300; ++I) {
        HANDLE H = New(C);
        EXPECT_EQ(u64(H), u64(I) * 4);
        Seen.insert(H);
    }
    EXPECT_EQ(C.Now(NtClose, HANDLE(40)), STATUS_SUCCESS);
    EXPECT_EQ(C.Now(NtClose, HANDLE(40)), STATUS_INVALID_HANDLE);
    EXPECT_EQ(New(C), HANDLE(40));
    EXPECT_EQ(C.Now(NtClose, HANDLE(43)), STATUS_SUCCESS);     // the low bits are the caller's
    EXPECT_EQ(Counted::Live, 299);
    C.Process().Handles().CloseAll();
    EXPECT_EQ(Counted::Live, 0);
    EXPECT_EQ(C.Process().Handles().Count(), 0u);
}

TEST_F(Handles, CloseOfNonsense)
{
    EXPECT_EQ(C.Now(NtClose, u64(0)), STATUS_INVALID_HANDLE);
    EXPECT_EQ(C.Now(NtClose, u64(1) << 40), STATUS_INVALID_HANDLE);
    EXPECT_EQ(C.Now(NtClose, u64(0x80000004)), STATUS_INVALID_HANDLE);
    EXPECT_EQ(C.Now(NtClose, Self), STATUS_SUCCESS);
    EXPECT_EQ(C.Now(NtClose, u64(-7)), STATUS_INVALID_HANDLE);
}

TEST_F(Handles, TypeAndRightsAreChecked)
{
    HANDLE H = New(C, 3);
    EXPECT_EQ(Reference<Counted>(C.Thread(), H, 1).GetStatus().Code(), STATUS_SUCCESS);
    EXPECT_EQ(Reference<Counted>(C.Thread(), H, 4).Code(), STATUS_ACCESS_DENIED);
    EXPECT_EQ(Reference<ex::Event>(C.Thread(), H, 4).Code(), STATUS_OBJECT_TYPE_MISMATCH);
    EXPECT_EQ(Reference<Counted>(C.Thread(), HANDLE(0x1234), 0).Code(), STATUS_INVALID_HANDLE);
    EXPECT_EQ(ReferenceIf<Counted>(C.Thread(), nullptr, 1).GetStatus().Code(), STATUS_SUCCESS);
    EXPECT_EQ(Reference<ps::Process>(C.Thread(), HANDLE(Self), 1).Value().Get(), &C.Process());
    EXPECT_EQ(Reference<ps::Thread>(C.Thread(), HANDLE(SelfThread), 1).Value().Get(), &C.Thread());
    EXPECT_EQ(Reference<ps::Thread>(C.Thread(), HANDLE(Self), 1).Code(), STATUS_OBJECT_TYPE_MISMATCH);
}

TEST_F(Handles, HandleClosedTells)
{
    HANDLE H = New(C);
    ASSERT_EQ(C.Now(NtDuplicateObject, Self, H, Self, Out, 0, 0, DUPLICATE_SAME_ACCESS), STATUS_SUCCESS);
    HANDLE Second = Made();
    Ref<Object> Target = ReferenceAny(C.Thread(), H, 0).Value().Target;
    HANDLE Foreign = GrantHandle(D.Thread(), Target, 1, 0).Value();
    EXPECT_EQ(Target->Handles(), 3u);
    C.Now(NtClose, Second);
    EXPECT_EQ(Counted::Left, 2u);
    EXPECT_EQ(Counted::InProcess, 1u);
    C.Now(NtClose, H);
    EXPECT_EQ(Counted::Left, 1u);
    EXPECT_EQ(Counted::InProcess, 0u);
    D.Now(NtClose, Foreign);
    EXPECT_EQ(Counted::Left, 0u);
}

TEST_F(Handles, Duplicate)
{
    HANDLE H = New(C, 3, HandleTable::Inherit);
    // Across processes, through a handle to the other.
    HANDLE Other = GrantHandle(C.Thread(), Ref<Object>(D.Process()), PROCESS_DUP_HANDLE, 0).Value();
    ASSERT_EQ(C.Now(NtDuplicateObject, Self, H, Other, Out, 1, 0, 0), STATUS_SUCCESS);
    HANDLE Theirs = Made();
    EXPECT_EQ(D.Process().Handles().Find(Theirs)->Access, 1u);
    EXPECT_EQ(D.Process().Handles().Find(Theirs)->Flags, 0u);
    ASSERT_EQ(C.Now(NtDuplicateObject, Other, Theirs, Self, Out, 0, 0, DUPLICATE_SAME_ACCESS | DUPLICATE_CLOSE_SOURCE), STATUS_SUCCESS);
    EXPECT_EQ(D.Process().Handles().Count(), 0u);
    ASSERT_EQ(C.Now(NtDuplicateObject, Self, H, Self, Out, 0, 0, DUPLICATE_SAME_ACCESS | DUPLICATE_SAME_ATTRIBUTES), STATUS_SUCCESS);
    EXPECT_EQ(C.Process().Handles().Find(Made())->Flags, HandleTable::Inherit);
    // Rights the type does not have.
    C.At<u64>(Out) = 7;
    EXPECT_EQ(C.Now(NtDuplicateObject, Self, H, Self, Out, ~0u, 0, 0), STATUS_ACCESS_DENIED);
    EXPECT_EQ(C.At<u64>(Out), 0u);
    EXPECT_EQ(C.Now(NtDuplicateObject, Self, 0xdead, Self, Out, 0, 0, DUPLICATE_SAME_ACCESS), STATUS_INVALID_HANDLE);
    EXPECT_EQ(C.Now(NtDuplicateObject, Self, H, Self, 0, 0, 0, DUPLICATE_SAME_ACCESS), STATUS_SUCCESS);
    u32 Count = C.Process().Handles().Count();
    EXPECT_EQ(C.Now(NtDuplicateObject, Self, H, Self, 0x30, 0, 0, DUPLICATE_SAME_ACCESS), STATUS_ACCESS_VIOLATION);
    EXPECT_EQ(C.Process().Handles().Count(), Count);
    // Close for somebody else: no target.
    EXPECT_EQ(C.Now(NtDuplicateObject, Self, H, 0, 0, 0, 0, DUPLICATE_CLOSE_SOURCE), STATUS_SUCCESS);
    EXPECT_EQ(C.Now(NtClose, H), STATUS_INVALID_HANDLE);
    // Pseudo handles become real ones; of another process it is that process.
    ASSERT_EQ(C.Now(NtDuplicateObject, Other, Self, Self, Out, 0, 0, DUPLICATE_SAME_ACCESS), STATUS_SUCCESS);
    EXPECT_EQ(C.Now(NtCompareObjects, Made(), Other), STATUS_SUCCESS);
    EXPECT_EQ(C.Now(NtCompareObjects, Made(), Self), STATUS_NOT_SAME_OBJECT);
}

TEST_F(Handles, ProtectionFromClose)
{
    HANDLE H = New(C);
    u64 Info = C.Put(OBJECT_HANDLE_FLAG_INFORMATION { 1, 1 });
    EXPECT_EQ(C.Now(NtSetInformationObject, H, ObjectHandleFlagInformation, Info, 2), STATUS_SUCCESS);
    EXPECT_EQ(C.Now(NtClose, H), STATUS_HANDLE_NOT_CLOSABLE);
    EXPECT_EQ(C.Now(NtQueryObject, H, ObjectHandleFlagInformation, Out, 2, 0), STATUS_SUCCESS);
    EXPECT_EQ(C.At<u16>(Out), 0x0101);
    C.At<OBJECT_HANDLE_FLAG_INFORMATION>(Info) = {};
    EXPECT_EQ(C.Now(NtSetInformationObject, H, ObjectHandleFlagInformation, Info, 2), STATUS_SUCCESS);
    EXPECT_EQ(C.Now(NtClose, H), STATUS_SUCCESS);
    EXPECT_EQ(C.Now(NtSetInformationObject, H, ObjectHandleFlagInformation, Info, 2), STATUS_INVALID_HANDLE);
    EXPECT_EQ(C.Now(NtSetInformationObject, H, 77, Info, 2), STATUS_INVALID_INFO_CLASS);
}

TEST_F(Handles, Inheritance)
{
    std::vector<HANDLE> Kept;
    for (int I = 0; I < 200; ++I) {
        HANDLE H = New(C, 3, I % 3 == 0 ? HandleTable::Inherit : 0);
        if (I % 3 == 0)
            Kept.push_back(H);
    }
    ASSERT_TRUE(C.Process().Handles().InheritTo(D.Process().Handles()).Ok());
    EXPECT_EQ(D.Process().Handles().Count(), Kept.size());
    for (HANDLE H : Kept) {
        ASSERT_TRUE(D.Process().Handles().Find(H));
        EXPECT_EQ(D.Process().Handles().Find(H)->Target, C.Process().Handles().Find(H)->Target);
    }
    EXPECT_EQ(New(D), HANDLE(8));               // the lowest free one
    std::set<HANDLE> All;
    for (HANDLE H = nullptr; (H = D.Process().Handles().Next(H));)
        All.insert(H);
    EXPECT_EQ(All.size(), Kept.size() + 1);
    D.Process().Handles().CloseAll();
    C.Process().Handles().CloseAll();
    EXPECT_EQ(Counted::Live, 0);
}

}
