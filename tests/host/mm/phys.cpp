// Physical pages, slots, kernel objects.
#include <algorithm>
#include <set>

#include "kernel/kernel.hpp"
#include "tests/host/mm/system.hpp"

using namespace mm;

// Before the tests that use memory up: contiguous pages and room for more slots come from what was never cut.
TEST(Slots, AreReusedAndGrow)
{
    test::Begin();
    std::vector<CPtr> Slots;
    u64 Before = QueryMemory().CapabilitySlots;
    for (u32 I = 0; I < 70'000; ++I)
        Slots.push_back(MUST(AllocateSlot()));
    EXPECT_EQ(std::set<CPtr>(Slots.begin(), Slots.end()).size(), Slots.size());
    EXPECT_GT(kernel::SlotLimit(), 0x10000u);
    for (CPtr S : Slots) {
        EXPECT_TRUE(fake::IsEmpty(S));
        FreeSlot(S);
    }
    EXPECT_LE(QueryMemory().CapabilitySlots, Before + 70'000 / 512 * 1024);
    u64 Limit = kernel::SlotLimit();
    for (u32 I = 0; I < 70'000; ++I)
        Slots[I] = MUST(AllocateSlot());
    EXPECT_EQ(kernel::SlotLimit(), Limit);
    for (CPtr S : Slots)
        FreeSlot(S);
}

TEST(Phys, Contiguous)
{
    test::Begin();
    EXPECT_EQ(AllocateContiguous(0).Code(), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(AllocateContiguous(2 * MiB + 1).Code(), STATUS_INVALID_PARAMETER);
    for (u32 Pages : { 1, 5, 64, 512 }) {
        auto At = AllocateContiguous(Pages * PageSize);
        ASSERT_TRUE(At.Ok()) << Pages;
        for (u32 I = 0; I < Pages; ++I) {
            u64 Physical;
            EXPECT_EQ(kernel::PageAddress(FrameCapability(FrameOf(At.Value()) + I), Physical), kernel::Error::None);
            EXPECT_EQ(Physical, PhysicalAddress(At.Value()) + I * PageSize);
            EXPECT_EQ(At.Value()[I * PageSize + 9], 0);
            At.Value()[I * PageSize] = 1;
        }
        for (u32 I = 0; I < Pages; ++I)
            FreePage(At.Value() + I * PageSize);
    }
}

TEST(Phys, ContiguousRunsAreUsedAgain)
{
    test::Begin();
    u8* At = MUST(AllocateContiguous(24 * PageSize));
    Pfn First = FrameOf(At);
    memset(At, 7, 24 * PageSize);
    ReferenceFrame(First + 3);              // somebody still has it mapped
    FreeContiguous(First, 24);
    u8* Other = MUST(AllocateContiguous(24 * PageSize));
    EXPECT_NE(Other, At);
    ReleaseFrame(First + 3);
    u8* Half = MUST(AllocateContiguous(12 * PageSize));
    EXPECT_EQ(Half, At);
    EXPECT_EQ(std::count(Half, Half + 12 * PageSize, 0), long(12 * PageSize));
    FreeContiguous(First, 12);              // one run again with the rest
    EXPECT_EQ(MUST(AllocateContiguous(24 * PageSize)), At);
    for (Pfn P : { First, FrameOf(Other) })
        for (u32 I = 0; I < 24; ++I)
            ReleaseFrame(P + I);
}

TEST(Phys, FramesTogetherMakeARunWhenNothingIsUncut)
{
    test::Begin();
    std::vector<Pfn> All;
    for (auto P = AllocateFrame(); P.Ok(); P = AllocateFrame())
        All.push_back(P.Value());
    EXPECT_EQ(AllocateContiguous(8 * PageSize).Code(), STATUS_NO_MEMORY);
    std::sort(All.begin(), All.end());
    usize At = 0;
    while (All[At] + 8 != All[At + 8])
        ++At;
    for (usize I = At; I < At + 9; ++I)
        ReleaseFrame(All[I]);
    u8* Run = MUST(AllocateContiguous(8 * PageSize));
    EXPECT_TRUE(FrameOf(Run) >= All[At] && FrameOf(Run) <= All[At] + 1);
    for (u32 I = 0; I < 8; ++I)
        FreePage(Run + I * PageSize);
    for (usize I = 0; I < All.size(); ++I)
        if (I < At || I >= At + 9)
            ReleaseFrame(All[I]);
}

TEST(Phys, FramesAreZeroDistinctAndInTheWindow)
{
    test::Balance B;
    std::vector<Pfn> Frames;
    for (u32 I = 0; I < 2000; ++I) {
        Pfn P = MUST(AllocateFrame());
        u8* At = PageAddress(P);
        EXPECT_EQ(std::count(At, At + PageSize, 0), long(PageSize));
        EXPECT_EQ(FrameOf(At), P);
        memset(At, int(I), PageSize);
        Frames.push_back(P);
    }
    EXPECT_EQ(std::set<Pfn>(Frames.begin(), Frames.end()).size(), Frames.size());
    for (u32 I = 0; I < Frames.size(); ++I) {
        u64 Physical;
        ASSERT_EQ(kernel::PageAddress(FrameCapability(Frames[I]), Physical), kernel::Error::None);
        EXPECT_EQ(Physical, u64(Frames[I]) << PageShift);
        EXPECT_EQ(PhysicalAddress(PageAddress(Frames[I])), Physical);
        EXPECT_EQ(fake::PhysicalBytes(Physical)[77], u8(I));
        ReleaseFrame(Frames[I]);
    }
    B.Check();
}

TEST(Phys, ReferencesKeepAFrame)
{
    test::Balance B;
    Pfn P = MUST(AllocateFrame());
    PageAddress(P)[0] = 5;
    ReferenceFrame(P);
    ReleaseFrame(P);
    Pfn Q = MUST(AllocateFrame(false));
    EXPECT_NE(P, Q);
    EXPECT_EQ(PageAddress(P)[0], 5);
    ReleaseFrame(Q);
    ReleaseFrame(P);
    B.Check();
}

TEST(Phys, MemoryEndsAndComesBack)
{
    test::Balance B;
    for (u32 Round = 0; Round < 2; ++Round) {
        std::vector<Pfn> All;
        for (;;) {
            auto P = AllocateFrame();
            if (!P.Ok()) {
                EXPECT_EQ(P.Code(), STATUS_NO_MEMORY);
                break;
            }
            All.push_back(P.Value());
        }
        EXPECT_GT(All.size(), 48 * MiB / PageSize * 9 / 10);
        EXPECT_LT(QueryMemory().FreePages, 8u);
        EXPECT_FALSE(AllocateObject(KernelObject::Pml4).Ok());
        for (Pfn P : All)
            ReleaseFrame(P);
    }
    B.Check();
}

TEST(Phys, FreeFramesBecomeKernelObjectsAgain)
{
    test::Balance B;
    std::vector<Pfn> All;
    for (auto P = AllocateFrame(); P.Ok(); P = AllocateFrame())
        All.push_back(P.Value());
    for (Pfn P : All)
        ReleaseFrame(P);
    std::vector<KernelHandle> Objects;
    for (u32 I = 0; I < 3000; ++I)
        Objects.push_back(MUST(AllocateObject(KernelObject::PageTable)));
    for (auto& O : Objects)
        FreeObject(O, KernelObject::PageTable);
    All.clear();
    for (auto P = AllocateFrame(); P.Ok(); P = AllocateFrame()) {
        EXPECT_EQ(PageAddress(P.Value())[100], 0);
        All.push_back(P.Value());
    }
    for (Pfn P : All)
        ReleaseFrame(P);
    B.Check();
}

TEST(Phys, Runs)
{
    test::Balance B;
    u32 Frames[64];
    u8* At = MUST(AllocateRun(37, Frames));
    for (u32 I = 0; I < 37 * PageSize; I += 64)
        EXPECT_EQ(At[I], 0);
    memset(At, 1, 37 * PageSize);
    FreeRun(At, 37, 37, Frames);
    u8* Again = MUST(AllocateRun(64, Frames));      // the same class of sizes: the same addresses
    EXPECT_EQ(Again, At);
    EXPECT_EQ(Again[36 * PageSize], 0);
    FreeRun(Again, 64, 64, Frames);
    B.Check();
    for (u32 N = 0; N < 30; ++N) {
        fake::FailAny(N);
        auto Made = AllocateRun(12, Frames);
        bool Failed = !fake::FailurePending();
        fake::NoFailures();
        EXPECT_EQ(Made.Ok(), !Failed);
        if (Made.Ok())
            FreeRun(Made.Value(), 12, 12, Frames);
    }
    B.Check();
}

TEST(Phys, DeviceMemory)
{
    test::Begin();
    auto A = MapDevice(0xFEB0'5010, 0x20);
    ASSERT_TRUE(A.Ok());
    EXPECT_EQ(reinterpret_cast<u64>(A.Value()) & PageMask, 0x10u);
    auto Before = MapDevice(0xFEB0'2000, 3 * PageSize);     // what the first one stepped over
    ASSERT_TRUE(Before.Ok());
    EXPECT_EQ(Before.Value()[2 * PageSize + 5], 0);
    EXPECT_TRUE(MapDevice(0xFEB8'0000, PageSize).Ok());
    EXPECT_EQ(MapDevice(0xFEC0'0000, PageSize).Code(), STATUS_NOT_FOUND);
    EXPECT_EQ(MapDevice(0x1000, PageSize).Code(), STATUS_NOT_FOUND);
}

TEST(Phys, CommitHasALimit)
{
    test::Balance B;
    MemoryInfo M = QueryMemory();
    EXPECT_LT(M.CommitLimit, M.TotalPages);
    EXPECT_EQ(ChargeCommit(M.CommitLimit - M.CommittedPages + 1).Code(), STATUS_COMMITMENT_LIMIT);
    EXPECT_EQ(ChargeCommit(~u64(0)).Code(), STATUS_COMMITMENT_LIMIT);
    EXPECT_TRUE(ChargeCommit(M.CommitLimit - M.CommittedPages).Ok());
    EXPECT_EQ(ChargeCommit(1).Code(), STATUS_COMMITMENT_LIMIT);
    ReturnCommit(M.CommitLimit - M.CommittedPages);
    B.Check();
}

TEST(Objects, SlabsFillAndEmpty)
{
    test::Balance B;
    for (u32 Round = 0; Round < 3; ++Round) {
        std::vector<KernelHandle> Made;
        for (KernelObject Kind : { KernelObject::Endpoint, KernelObject::Notification, KernelObject::ClientCNode, KernelObject::Tcb }) {
            for (u32 I = 0; I < 600; ++I) {
                Made.push_back(MUST(AllocateObject(Kind)));
                EXPECT_FALSE(fake::IsEmpty(Made.back().Cap));
            }
            if (Round == 1)
                std::reverse(Made.begin(), Made.end());
            for (auto& H : Made) {
                CPtr Cap = H.Cap;
                FreeObject(H, Kind);
                EXPECT_EQ(H.Cap, 0u);
                EXPECT_TRUE(fake::IsEmpty(Cap));
            }
            Made.clear();
        }
    }
    KernelHandle None;
    FreeObject(None, KernelObject::Tcb);
    B.Check();
}

TEST(Objects, EveryFailureIsAStatusAndLosesNothing)
{
    test::Balance B;
    for (KernelObject Kind : { KernelObject::Endpoint, KernelObject::Tcb, KernelObject::Pml4 }) {
        for (u32 N = 0; N < 8; ++N) {
            fake::FailAny(N);
            std::vector<KernelHandle> Made;
            for (u32 I = 0; I < 300; ++I)
                if (auto O = AllocateObject(Kind); O.Ok())
                    Made.push_back(O.Value());
            fake::NoFailures();
            EXPECT_GE(Made.size(), 299u);
            for (auto& H : Made)
                FreeObject(H, Kind);
        }
    }
    B.Check();
}

TEST(Frames, EveryFailureIsAStatusAndLosesNothing)
{
    test::Balance B;
    for (u32 N = 0; N < 40; ++N) {
        std::vector<Pfn> Made;
        fake::FailAny(N);
        for (u32 I = 0; I < 1100; ++I)
            if (auto P = AllocateFrame(); P.Ok())
                Made.push_back(P.Value());
        fake::NoFailures();
        for (Pfn P : Made)
            ReleaseFrame(P);
        // Free frames become untypeds, so that the next round has something to do.
        std::vector<KernelHandle> Objects;
        for (u32 I = 0; I < 1200; ++I)
            Objects.push_back(MUST(AllocateObject(KernelObject::PageTable)));
        for (auto& O : Objects)
            FreeObject(O, KernelObject::PageTable);
    }
    B.Check();
}
