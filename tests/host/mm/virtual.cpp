// The virtual memory services where the model does not reach: placement, hostile arguments, placeholders, huge ranges, other
// processes, and failures in the midst.
#include "tests/host/mm/system.hpp"
#include "tests/host/support/pool.hpp"

using namespace mm;

namespace {

constexpr u32 Both = MEM_RESERVE | MEM_COMMIT;

struct Virtual : ::testing::Test {
    test::Client C;
    u64 Base = 0, Size = 0;
    u32 Old = 0;
    NTSTATUS Allocate(u64 At, u64 Bytes, u32 Type, u32 Protect, u64 ZeroBits = 0)
    {
        Base = At;
        Size = Bytes;
        return C.Allocate(Base, Size, Type, Protect, ZeroBits);
    }
    NTSTATUS Free(u64 At, u64 Bytes, u32 Type)
    {
        Base = At;
        Size = Bytes;
        return C.Free(Base, Size, Type);
    }
    NTSTATUS Protect(u64 At, u64 Bytes, u32 New)
    {
        Base = At;
        Size = Bytes;
        return C.Protect(Base, Size, New, Old);
    }
};

}

TEST_F(Virtual, Placement)
{
    ASSERT_EQ(Allocate(0, 1, Both, PAGE_READWRITE), STATUS_SUCCESS);
    EXPECT_EQ(Base, LowestUser);
    EXPECT_EQ(Size, PageSize);
    ASSERT_EQ(Allocate(0, AllocationGranularity + 1, MEM_RESERVE, PAGE_READWRITE), STATUS_SUCCESS);
    EXPECT_EQ(Base, LowestUser + AllocationGranularity);
    EXPECT_EQ(Size, AllocationGranularity + PageSize);
    u64 Second = Base;
    ASSERT_EQ(Allocate(0, PageSize, MEM_RESERVE | MEM_TOP_DOWN, PAGE_READWRITE), STATUS_SUCCESS);
    EXPECT_EQ(Base, AlignDown(u64(HighestUser), AllocationGranularity));
    ASSERT_EQ(Allocate(0, 3 * AllocationGranularity, MEM_RESERVE | MEM_TOP_DOWN, PAGE_READWRITE), STATUS_SUCCESS);
    EXPECT_EQ(Base, AlignDown(u64(HighestUser), AllocationGranularity) - 3 * AllocationGranularity);
    // What was freed is found again.
    ASSERT_EQ(Free(Second, 0, MEM_RELEASE), STATUS_SUCCESS);
    EXPECT_EQ(Size, AllocationGranularity + PageSize);
    ASSERT_EQ(Allocate(0, PageSize, MEM_RESERVE, PAGE_READWRITE), STATUS_SUCCESS);
    EXPECT_EQ(Base, Second);
    ASSERT_EQ(Allocate(0, PageSize, Both, PAGE_READWRITE, 13), STATUS_SUCCESS);
    EXPECT_LT(Base, u64(1) << 19);
    EXPECT_NE(Allocate(0, u64(1) << 18, Both, PAGE_READWRITE, 15), STATUS_SUCCESS);
    ASSERT_EQ(Allocate(0, PageSize, Both, PAGE_READWRITE, 0x7FFF'FFFF), STATUS_SUCCESS);
    EXPECT_LT(Base, u64(1) << 31);
    EXPECT_EQ(Allocate(0x1234'5678, 0x10000, MEM_RESERVE, PAGE_READWRITE), STATUS_SUCCESS);
    EXPECT_EQ(Base, 0x1234'0000u);
    EXPECT_EQ(Size, 0x16000u);
}

TEST_F(Virtual, HostileArguments)
{
    for (u64 At : { u64(0), u64(0x1000'0000), u64(HighestUser) - 5, u64(0x7FFF'FFFF'0000), u64(1) << 47, ~u64(0), ~u64(0) - 0xFFFF })
        for (u64 Bytes : { u64(0), u64(1) << 48, ~u64(0), ~u64(0) - 0xFFFF, u64(HighestUser) + 1, u64(0x8000'0000'0000'0000) }) {
            EXPECT_LT(Allocate(At, Bytes, Both, PAGE_READWRITE), 0) << std::hex << At << ' ' << Bytes;
            EXPECT_LT(Allocate(At, Bytes, MEM_COMMIT, PAGE_READWRITE), 0) << std::hex << At << ' ' << Bytes;
            EXPECT_LT(Free(At, Bytes, MEM_RELEASE), 0) << std::hex << At << ' ' << Bytes;
            EXPECT_LT(Free(At, Bytes, MEM_DECOMMIT), 0) << std::hex << At << ' ' << Bytes;
            EXPECT_LT(Protect(At, Bytes, PAGE_READONLY), 0) << std::hex << At << ' ' << Bytes;
        }
    for (u32 P : { 0u, 3u, 0x100u, 0x44u, 0xFFFFFFFFu, PAGE_WRITECOPY, PAGE_EXECUTE_WRITECOPY, PAGE_NOACCESS | PAGE_GUARD })
        EXPECT_EQ(Allocate(0, PageSize, Both, P), STATUS_INVALID_PAGE_PROTECTION) << P;
    for (u32 T : { 0u, MEM_TOP_DOWN, 1u, MEM_RELEASE | MEM_RESERVE, 0x8000'0000u | MEM_RESERVE })
        EXPECT_EQ(Allocate(0, PageSize, T, PAGE_READWRITE), STATUS_INVALID_PARAMETER_5) << T;
    EXPECT_EQ(Allocate(0, PageSize, Both, PAGE_READWRITE, 22), STATUS_INVALID_PARAMETER_3);
    for (u32 T : { 0u, MEM_RELEASE | MEM_DECOMMIT, MEM_COMMIT, MEM_DECOMMIT | 1 })
        EXPECT_EQ(Free(0x1000'0000, 0, T), STATUS_INVALID_PARAMETER_4) << T;
    // The arguments themselves unreadable, read-only.
    EXPECT_EQ(C.Now(NtAllocateVirtualMemory, test::Self, 0x10, 0, 0x18, Both, PAGE_READWRITE), STATUS_ACCESS_VIOLATION);
    EXPECT_EQ(C.Now(NtAllocateVirtualMemory, test::Self, ~u64(7), 0, ~u64(7), Both, PAGE_READWRITE), STATUS_ACCESS_VIOLATION);
    u64 Reserved = C.Space().ReservedBytes;
    ASSERT_EQ(Allocate(0x2000'0000, PageSize, Both, PAGE_READWRITE), STATUS_SUCCESS);
    u64 Wanted[2] = { 0, PageSize };
    ASSERT_EQ(C.Write(0x2000'0000, Wanted, 16), STATUS_SUCCESS);
    ASSERT_EQ(Protect(0x2000'0000, PageSize, PAGE_READONLY), STATUS_SUCCESS);
    EXPECT_EQ(C.Now(NtAllocateVirtualMemory, test::Self, 0x2000'0000, 0, 0x2000'0008, Both, PAGE_READWRITE), STATUS_ACCESS_VIOLATION);
    EXPECT_EQ(C.Space().ReservedBytes, Reserved + PageSize);        // and nothing was left behind
    EXPECT_EQ(C.Now(NtAllocateVirtualMemory, 0x1234, C.Put(0, 0), 0, C.Put(1, PageSize), Both, PAGE_READWRITE), STATUS_INVALID_HANDLE);
}

TEST_F(Virtual, HugeRangesCostWhatIsInThem)
{
    u64 Huge = u64(1) << 46;
    ASSERT_EQ(Allocate(0x1'0000'0000, Huge, MEM_RESERVE, PAGE_READWRITE), STATUS_SUCCESS);
    EXPECT_EQ(Allocate(0x1'0000'0000, Huge, MEM_COMMIT, PAGE_READWRITE), STATUS_COMMITMENT_LIMIT);
    EXPECT_EQ(Allocate(0x1'0000'1000, Huge - PageSize, MEM_COMMIT, PAGE_READWRITE), STATUS_COMMITMENT_LIMIT);
    ASSERT_EQ(Allocate(0x1000'0000'0000, 3 * PageSize, MEM_COMMIT, PAGE_READWRITE), STATUS_SUCCESS);
    EXPECT_EQ(C.Poke(0x1000'0000'1000, 1), STATUS_SUCCESS);
    EXPECT_EQ(C.Query(0x1'0000'0000).RegionSize, 0x1000'0000'0000 - 0x1'0000'0000);
    EXPECT_EQ(C.Query(0x1000'0000'3000).RegionSize, Huge + 0x1'0000'0000 - 0x1000'0000'3000);
    EXPECT_EQ(Protect(0x1'0000'0000, Huge, PAGE_READONLY), STATUS_NOT_COMMITTED);
    EXPECT_EQ(Free(0x1'0000'1000, Huge - PageSize, MEM_DECOMMIT), STATUS_SUCCESS);
    EXPECT_EQ(C.Peek(0x1000'0000'1000, *reinterpret_cast<u8*>(&Old)), STATUS_ACCESS_VIOLATION);
    EXPECT_EQ(Free(0x1'0000'0000, 0, MEM_RELEASE), STATUS_SUCCESS);
    EXPECT_EQ(C.Query(0x1'0000'0000).State, MEM_FREE);
}

TEST_F(Virtual, Placeholders)
{
    auto Ex = [&](u64 At, u64 Bytes, u32 Type, u32 Protect) {
        NTSTATUS S = C.Now(NtAllocateVirtualMemoryEx, test::Self, C.Put(0, At), C.Put(1, Bytes), Type, Protect, 0, 0);
        Base = C.Get(0);
        Size = C.Get(1);
        return S;
    };
    constexpr u32 Make = MEM_RESERVE | MEM_RESERVE_PLACEHOLDER, Replace = MEM_RESERVE | MEM_COMMIT | MEM_REPLACE_PLACEHOLDER;
    ASSERT_EQ(Ex(0x3000'0000, 16 * PageSize, Make, PAGE_NOACCESS), STATUS_SUCCESS);
    EXPECT_EQ(Ex(0x3000'0000, 8 * PageSize, Replace, PAGE_READWRITE), STATUS_CONFLICTING_ADDRESSES);
    EXPECT_EQ(Ex(0x3000'0000, PageSize, MEM_COMMIT, PAGE_READWRITE), STATUS_CONFLICTING_ADDRESSES);
    // Split, replaced in the middle, put together again.
    ASSERT_EQ(Free(0x3000'4000, 4 * PageSize, MEM_RELEASE | MEM_PRESERVE_PLACEHOLDER), STATUS_SUCCESS);
    ASSERT_EQ(Ex(0x3000'4000, 4 * PageSize, Replace, PAGE_READWRITE), STATUS_SUCCESS);
    EXPECT_EQ(C.Poke(0x3000'4000, 1), STATUS_SUCCESS);
    EXPECT_EQ(C.Query(0x3000'0000).RegionSize, 4 * PageSize);
    EXPECT_EQ(C.Query(0x3000'0000).State, MEM_RESERVE);
    EXPECT_EQ(Free(0x3000'0000, 16 * PageSize, MEM_RELEASE | MEM_COALESCE_PLACEHOLDERS), STATUS_CONFLICTING_ADDRESSES);
    ASSERT_EQ(Free(0x3000'4000, 4 * PageSize, MEM_RELEASE | MEM_PRESERVE_PLACEHOLDER), STATUS_SUCCESS);
    ASSERT_EQ(Free(0x3000'0000, 16 * PageSize, MEM_RELEASE | MEM_COALESCE_PLACEHOLDERS), STATUS_SUCCESS);
    EXPECT_EQ(C.Query(0x3000'0000).RegionSize, 16 * PageSize);
    ASSERT_EQ(Ex(0x3000'0000, 16 * PageSize, Replace, PAGE_READWRITE), STATUS_SUCCESS);
    ASSERT_EQ(Free(0x3000'0000, 0, MEM_RELEASE), STATUS_SUCCESS);
    EXPECT_EQ(C.Query(0x3000'0000).State, MEM_FREE);
}

// A request that is refused leaves the placeholder.
TEST_F(Virtual, ARefusedReplacementChangesNothing)
{
    auto Ex = [&](u64 At, u64 Bytes, u32 Type, u32 Protect, u64 Parameters, u32 Count) {
        return C.Now(NtAllocateVirtualMemoryEx, test::Self, C.Put(0, At), C.Put(1, Bytes), Type, Protect, Parameters, Count);
    };
    ASSERT_EQ(Ex(0x3000'0000, 16 * PageSize, MEM_RESERVE | MEM_RESERVE_PLACEHOLDER, PAGE_NOACCESS, 0, 0), STATUS_SUCCESS);
    u64 Requirements = C.Put(20, 0x5000'0000);
    C.Put(21, 0x5FFF'FFFF);
    C.Put(22, 0);
    u64 Parameters = C.Put(10, MemExtendedParameterAddressRequirements);
    C.Put(11, Requirements);
    EXPECT_EQ(Ex(0x3000'0000, 16 * PageSize, MEM_RESERVE | MEM_REPLACE_PLACEHOLDER, PAGE_READWRITE, Parameters, 1), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(C.Query(0x3000'0000).State, MEM_RESERVE);
    ASSERT_EQ(Ex(0, PageSize, MEM_RESERVE, PAGE_READWRITE, Parameters, 1), STATUS_SUCCESS);
    EXPECT_EQ(C.Get(0), 0x5000'0000u);
    for (u64 Bad : { u64(0x5000'0001), u64(1) << 63 }) {
        C.Put(20, Bad);
        EXPECT_EQ(Ex(0, PageSize, MEM_RESERVE, PAGE_READWRITE, Parameters, 1), STATUS_INVALID_PARAMETER);
    }
    C.Put(20, 0x5000'0000);
    C.Put(22, 0x3000);
    EXPECT_EQ(Ex(0, PageSize, MEM_RESERVE, PAGE_READWRITE, Parameters, 1), STATUS_INVALID_PARAMETER);
    C.Put(22, u64(1) << 63);
    EXPECT_LT(Ex(0, PageSize, MEM_RESERVE, PAGE_READWRITE, Parameters, 1), 0);
    EXPECT_EQ(Ex(0, PageSize, MEM_RESERVE, PAGE_READWRITE, Parameters, ~0u), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(Ex(0, PageSize, MEM_RESERVE, PAGE_READWRITE, 0x18, 1), STATUS_ACCESS_VIOLATION);
}

TEST_F(Virtual, OtherProcesses)
{
    test::Client Other;
    HANDLE All = C.Open(Ref<ob::Object>(Other.Process()), PROCESS_ALL_ACCESS), Look = C.Open(Ref<ob::Object>(Other.Process()), PROCESS_QUERY_LIMITED_INFORMATION);
    ASSERT_EQ(C.Now(NtAllocateVirtualMemory, All, C.Put(0, 0x4000'0000), 0, C.Put(1, 3 * PageSize), Both, PAGE_READWRITE), STATUS_SUCCESS);
    EXPECT_EQ(C.Now(NtAllocateVirtualMemory, Look, C.Put(0, 0x5000'0000), 0, C.Put(1, 3 * PageSize), Both, PAGE_READWRITE), STATUS_ACCESS_DENIED);
    ASSERT_EQ(Allocate(0x6000'0000, 4 * PageSize, Both, PAGE_READWRITE), STATUS_SUCCESS);
    std::vector<u8> Bytes(2 * PageSize, 0x5A);
    ASSERT_EQ(C.Write(0x6000'0800, Bytes.data(), Bytes.size()), STATUS_SUCCESS);
    EXPECT_EQ(C.Now(NtWriteVirtualMemory, All, 0x4000'0100, 0x6000'0800, Bytes.size(), C.Put(3, 0)), STATUS_SUCCESS);
    EXPECT_EQ(C.Get(3), Bytes.size());
    std::vector<u8> Got(Bytes.size());
    EXPECT_EQ(Other.Read(0x4000'0100, Got.data(), Got.size()), STATUS_SUCCESS);
    EXPECT_EQ(Got, Bytes);
    // Half way there is nothing more.
    EXPECT_EQ(C.Now(NtReadVirtualMemory, All, 0x4000'2800, 0x6000'0000, PageSize, C.Put(3, 0)), STATUS_PARTIAL_COPY);
    EXPECT_EQ(C.Get(3), 0x800u);
    EXPECT_EQ(C.Now(NtReadVirtualMemory, All, 0x4000'0000, 0x6000'0000, ~u64(0), C.Put(3, 0)), STATUS_ACCESS_VIOLATION);
    EXPECT_EQ(C.Now(NtReadVirtualMemory, Look, 0x4000'0000, 0x6000'0000, 1, C.Put(3, 0)), STATUS_ACCESS_DENIED);
    Other.Space().Clear();
    EXPECT_NE(C.Now(NtReadVirtualMemory, All, 0x4000'0000, 0x6000'0000, 1, C.Put(3, 0)), STATUS_SUCCESS);
}

TEST_F(Virtual, QueriesCheckTheirBuffers)
{
    u64 At = test::Client::Arguments + 64;
    EXPECT_EQ(C.Now(NtQueryVirtualMemory, test::Self, 0x1000, MemoryBasicInformation, At, 47, 0), STATUS_INFO_LENGTH_MISMATCH);
    EXPECT_EQ(C.Now(NtQueryVirtualMemory, test::Self, 0x1000, MemoryBasicInformation, At, 48, C.Put(0, 0)), STATUS_SUCCESS);
    EXPECT_EQ(C.Get(0), 48u);
    EXPECT_EQ(C.Now(NtQueryVirtualMemory, test::Self, 0x1000, MemoryBasicInformation, 0x100, 48, 0), STATUS_ACCESS_VIOLATION);
    EXPECT_EQ(C.Now(NtQueryVirtualMemory, test::Self, u64(HighestUser) + 1, MemoryBasicInformation, At, 48, 0), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(C.Now(NtQueryVirtualMemory, test::Self, 0x1000, 99, At, 48, 0), STATUS_INVALID_INFO_CLASS);
    EXPECT_EQ(C.Now(NtQueryVirtualMemory, test::Self, test::Client::Arguments, MemoryMappedFilenameInformation, At, 400, 0), STATUS_INVALID_ADDRESS);
}

TEST_F(Virtual, GuardPagesGoToTheStack)
{
    static u32 Grown;
    Grown = 0;
    AddressSpace::GrowStack = [](AddressSpace&, u64) { return ++Grown < 3 ? Status(STATUS_SUCCESS) : Status(STATUS_STACK_OVERFLOW); };
    ASSERT_EQ(Allocate(0x7000'0000, 8 * PageSize, Both, PAGE_READWRITE | PAGE_GUARD), STATUS_SUCCESS);
    EXPECT_EQ(C.Poke(0x7000'1000, 1), STATUS_SUCCESS);
    EXPECT_TRUE(CopyToUser(C.Process(), 0x7000'2000, "a", 1).Ok());
    EXPECT_EQ(C.Poke(0x7000'3000, 1), STATUS_STACK_OVERFLOW);
    EXPECT_EQ(C.Poke(0x7000'1000, 1), STATUS_SUCCESS);
    EXPECT_EQ(Grown, 3u);
    AddressSpace::GrowStack = nullptr;
}

// Every kernel call, or every allocation from the pool, of a process's life fails once: a status comes, and all is given back at the end.
struct Injection {
    const char* Name;
    void (*Arm)(u32);
    bool (*Pending)();
    void (*Disarm)();
};
class VirtualFailures : public ::testing::TestWithParam<Injection> { };

TEST_P(VirtualFailures, NothingIsLost)
{
    test::Balance B;
    const Injection& Inject = GetParam();
    u32 Statuses = 0, N = 0;
    for (; N < 400; ++N) {
        Inject.Arm(N);
        auto Space = AddressSpace::Create();
        bool Hit = !Inject.Pending();
        EXPECT_TRUE(Space.Ok() || Hit);
        if (Space.Ok()) {
            AddressSpace& S = *Space.Value();
            auto Step = [&](Status Got) {
                bool Now = !Inject.Pending();
                if (!Got.Ok()) {
                    EXPECT_TRUE(Now && !Hit) << "a failure without a cause, at " << N;
                    ++Statuses;
                }
                Hit |= Now;
                return Got.Ok();
            };
            for (u64 At : { u64(0x1000'0000), u64(0x4000'0000) - PageSize, u64(0x7FFF'0000'0000) }) {
                auto V = S.Insert(At, 4 * PageSize, Vad::Private);
                if (!Step(V.Ok() ? Status(STATUS_SUCCESS) : V.GetStatus()))
                    continue;
                if (!Step(S.Commit(*V.Value(), At, At + 4 * PageSize, Protection::ReadWrite, false)))
                    continue;
                for (u32 I = 0; I < 4; ++I)
                    Step(S.Fault(At + I * PageSize, I & 1 ? AddressSpace::Access::Write : AddressSpace::Access::Read));
                auto P = S.Protect(*V.Value(), At, At + 2 * PageSize, Protection::ReadOnly, false);
                Step(P.Ok() ? Status(STATUS_SUCCESS) : P.GetStatus());
                if (P.Ok() && S.Fault(At, AddressSpace::Access::Read).Ok()) {
                    u8 Byte = 0;
                    EXPECT_TRUE(fake::WriteClient(S.Pml4(), At, &Byte, 1));
                }
                Step(S.Decommit(*V.Value(), At, At + PageSize));
                Step(S.Split(*V.Value(), At + 2 * PageSize));
            }
        }
        bool Done = Inject.Pending();
        Inject.Disarm();
        if (Done)
            break;
    }
    EXPECT_GT(Statuses, 5u);
    EXPECT_LT(N, 400u);
    B.Check();
}

INSTANTIATE_TEST_SUITE_P(Each, VirtualFailures,
                         ::testing::Values(Injection { "Kernel", [](u32 N) { fake::FailAny(N); }, fake::FailurePending, fake::NoFailures },
                                           Injection { "Pool", test::FailAllocation, test::AllocationFailurePending, test::NoAllocationFailure }),
                         [](auto& Info) { return std::string(Info.param.Name); });

TEST(Spaces, Many)
{
    test::Balance B;
    {
        std::vector<Own<AddressSpace>> Spaces;
        for (u32 I = 0; I < 1100; ++I) {
            auto S = AddressSpace::Create();
            ASSERT_TRUE(S.Ok()) << I;
            Spaces.push_back(S.Take());
        }
        EXPECT_NE(Spaces[0]->Pml4(), Spaces[1099]->Pml4());
    }
    B.Check();
}
