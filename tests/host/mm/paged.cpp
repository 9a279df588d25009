// Paged stores: pages come when they are wanted and go back when they are dirty; views of them; a long random walk against a model.
#include "tests/host/mm/paged.hpp"

#include "ntos/mm/absent.hpp"

using namespace mm;
using Kind = PageIo::Kind;

namespace {

constexpr u64 P = PageSize;

struct Paged : ::testing::Test {
    test::Balance B;
    test::FilePager Pager { 100 * P + 123 };
    Ref<PageStore> S = test::MakePaged(Pager);

    NTSTATUS Read(u64 Offset, void* To, usize Bytes) { return S->Read(Offset, To, Bytes).Code(); }
    u8 ByteAt(u64 Offset)
    {
        u8 Byte = 0xAA;
        EXPECT_EQ(Read(Offset, &Byte, 1), STATUS_SUCCESS) << Offset;
        return Byte;
    }
    // Reads what is needed to write there.
    void Write(u64 Offset, u8 Byte)
    {
        test::Run Needed([&] { return PageStore::Need(S, Offset >> PageShift, 1); });
        Pager.EndAll();
        ASSERT_EQ(Needed.Outcome, STATUS_SUCCESS);
        ASSERT_EQ(S->Write(Offset, &Byte, 1).Code(), STATUS_SUCCESS);
    }
    void TearDown() override
    {
        Pager.EndAll();
        S->Truncate(0).Ignore();
    }
};

}

TEST_F(Paged, PagesComeWhenTheyAreNeeded)
{
    u8 Byte;
    EXPECT_EQ(Read(5 * P, &Byte, 1), PageAbsent);
    test::Run First([&] { return PageStore::Need(S, 5, 1); }), Second([&] { return PageStore::Need(S, 5, 1); });
    EXPECT_FALSE(First.HasEnded());
    ASSERT_EQ(Pager.Waiting.size(), 1u);        // one request for both
    EXPECT_EQ(Read(5 * P, &Byte, 1), PageAbsent);       // not before it ends
    EXPECT_EQ(S->About().Reading, 1u);
    Pager.End(0);
    EXPECT_EQ(First.Outcome, STATUS_SUCCESS);
    EXPECT_EQ(Second.Outcome, STATUS_SUCCESS);
    EXPECT_EQ(ByteAt(5 * P + 7), Pager.Original(5 * P + 7));
    EXPECT_EQ(S->About().Resident, 1u);
    test::Run Third([&] { return PageStore::Need(S, 5, 1); });
    EXPECT_EQ(Third.Outcome, STATUS_SUCCESS);
    EXPECT_EQ(Pager.Reads, 1u);
}

TEST_F(Paged, BehindTheEndThereIsNothingToRead)
{
    test::Run Last([&] { return PageStore::Need(S, 100, 50); });
    ASSERT_EQ(Pager.Waiting.size(), 1u);
    EXPECT_EQ(Pager.Waiting[0]->Bytes, P);
    EXPECT_EQ(Pager.Waiting[0]->Useful, 123u);
    Pager.End(0);
    EXPECT_EQ(Last.Outcome, STATUS_SUCCESS);
    EXPECT_EQ(ByteAt(100 * P + 122), Pager.Original(100 * P + 122));
    EXPECT_EQ(ByteAt(100 * P + 123), 0);        // not what the medium has there
    EXPECT_EQ(ByteAt(120 * P), 0);
    EXPECT_EQ(S->About().Resident, 1u);
    EXPECT_NE(MUST(S->Page(101, true)), nullptr);
    EXPECT_EQ(S->About().Resident, 2u);
}

TEST_F(Paged, MuchIsReadInSeveralRequestsAtATime)
{
    test::FilePager Big(3000 * P);
    Ref<PageStore> Large = MUST(PageStore::CreatePaged(Big, 3000 * P, 3000 * P));
    test::Run All([&] { return PageStore::Need(Large, 0, 2500); });
    EXPECT_GE(Big.Waiting.size(), 3u);
    EXPECT_LE(Big.Waiting.size(), 5u);
    while (!Big.Waiting.empty())
        Big.End(Big.Waiting.size() - 1);
    EXPECT_EQ(All.Outcome, STATUS_SUCCESS);
    EXPECT_EQ(Large->About().Resident, 2500u);
    EXPECT_LE(Big.Largest, PageStore::LargestIo * P);
    EXPECT_EQ(Big.Reads, (2500 + PageStore::LargestIo - 1) / PageStore::LargestIo);
}

TEST_F(Paged, AFailedReadIsTold)
{
    test::Run A([&] { return PageStore::Need(S, 3, 4); });
    Pager.End(0, STATUS_DEVICE_DATA_ERROR);
    EXPECT_EQ(A.Outcome, STATUS_DEVICE_DATA_ERROR);
    EXPECT_EQ(S->About().Resident, 0u);
    EXPECT_EQ(S->Pages(), 0u);
    test::Run Again([&] { return PageStore::Need(S, 3, 4); });
    Pager.EndAll();
    EXPECT_EQ(Again.Outcome, STATUS_SUCCESS);
    // The same when the pager answers at once.
    Pager.Delay = false;
    Pager.Fails = STATUS_DEVICE_DATA_ERROR;
    test::Run AtOnce([&] { return PageStore::Need(S, 50, 1); });
    EXPECT_EQ(AtOnce.Outcome, STATUS_DEVICE_DATA_ERROR);
    Pager.Fails = STATUS_END_OF_FILE;           // nothing there: zeroes
    test::Run Zeroes([&] { return PageStore::Need(S, 51, 1); });
    EXPECT_EQ(Zeroes.Outcome, STATUS_SUCCESS);
    EXPECT_EQ(ByteAt(51 * P), 0);
}

TEST_F(Paged, DirtyPagesAreWrittenInOrder)
{
    for (u64 Page : { 40, 7, 8, 9, 90, 10 })
        Write(Page * P + 1, u8(Page));
    EXPECT_EQ(S->About().Dirty, 6u);
    test::Run Flushed([&] { return PageStore::Flush(S, 0, ~u64(0)); });
    ASSERT_EQ(Pager.Waiting.size(), 3u);        // 7 to 10, 40, 90
    EXPECT_EQ(Pager.Waiting[0]->Offset, 7 * P);
    EXPECT_EQ(Pager.Waiting[0]->Bytes, 4 * P);
    EXPECT_EQ(Pager.Waiting[1]->Offset, 40 * P);
    EXPECT_EQ(Pager.Waiting[2]->Offset, 90 * P);
    EXPECT_EQ(S->About().Dirty, 0u);
    EXPECT_EQ(S->About().Writing, 6u);
    // Written again while it is under way: dirty again, and not written twice at once.
    u8 Byte = 99;
    ASSERT_TRUE(S->Write(40 * P + 1, &Byte, 1).Ok());
    test::Run More([&] { return PageStore::Flush(S, 0, ~u64(0)); });
    EXPECT_EQ(Pager.Waiting.size(), 3u);
    Pager.End(2);
    Pager.End(0);
    EXPECT_FALSE(Flushed.HasEnded());
    Pager.End(0);
    EXPECT_EQ(Flushed.Outcome, STATUS_SUCCESS);
    ASSERT_EQ(Pager.Waiting.size(), 1u);
    Pager.End(0);
    EXPECT_EQ(More.Outcome, STATUS_SUCCESS);
    EXPECT_EQ(Pager.File[40 * P + 1], 99);
    EXPECT_EQ(Pager.File[90 * P + 1], 90);
    EXPECT_EQ(S->About().Dirty + S->About().Writing, 0u);
}

TEST_F(Paged, AFailedWriteLosesNothing)
{
    Write(3 * P, 1);
    Write(4 * P, 2);
    test::Run Failed([&] { return PageStore::Flush(S, 0, ~u64(0)); });
    Pager.End(0, STATUS_DEVICE_NOT_READY);
    EXPECT_EQ(Failed.Outcome, STATUS_DEVICE_NOT_READY);
    EXPECT_EQ(S->About().Dirty, 2u);
    EXPECT_EQ(S->About().Failures, 1u);
    test::Run Again([&] { return PageStore::Flush(S, 0, ~u64(0)); });
    Pager.EndAll();
    EXPECT_EQ(Again.Outcome, STATUS_SUCCESS);
    EXPECT_EQ(Pager.File[4 * P], 2);
    EXPECT_EQ(S->About().Failures, 0u);
    // The pager goes: what cannot be written any more is told once.
    Write(5 * P, 3);
    S->Detach(STATUS_DEVICE_REMOVED);
    test::Run Lost([&] { return PageStore::Flush(S, 0, ~u64(0)); }), Told([&] { return PageStore::Flush(S, 0, ~u64(0)); });
    EXPECT_EQ(Lost.Outcome, STATUS_DEVICE_REMOVED);
    EXPECT_EQ(Told.Outcome, STATUS_SUCCESS);
    EXPECT_EQ(ByteAt(5 * P), 3);
    test::Run Absent([&] { return PageStore::Need(S, 60, 1); });
    EXPECT_EQ(Absent.Outcome, STATUS_DEVICE_REMOVED);
}

TEST_F(Paged, TruncationWhilePagesAreUnderWay)
{
    test::Run Reading([&] { return PageStore::Need(S, 20, 4); });
    Write(50 * P, 5);
    EXPECT_TRUE(Reading.HasEnded());
    test::Run Again([&] { return PageStore::Need(S, 30, 4); });
    test::Run Writing([&] { return PageStore::Flush(S, 0, ~u64(0)); });
    ASSERT_EQ(Pager.Waiting.size(), 2u);
    Pager.Truncate(10 * P + 5);
    ASSERT_TRUE(S->Truncate(10 * P + 5).Ok());
    S->SetSizes(10 * P + 5, 10 * P + 5);
    EXPECT_EQ(S->Pages(), 0u);
    // Longer again: the new page there is no business of the old requests.
    S->SetSizes(100 * P, 10 * P + 5);
    u8 Byte = 77;
    ASSERT_TRUE(S->Write(50 * P, &Byte, 1).Ok());
    test::Run Second([&] { return PageStore::Flush(S, 0, ~u64(0)); });
    EXPECT_EQ(Pager.Waiting.size(), 2u);        // it waits for the old one
    Pager.End(1);
    ASSERT_EQ(Pager.Waiting.size(), 2u);
    Pager.EndAll();
    EXPECT_EQ(Again.Outcome, STATUS_SUCCESS);
    EXPECT_EQ(Writing.Outcome, STATUS_SUCCESS);
    EXPECT_EQ(Second.Outcome, STATUS_SUCCESS);
    EXPECT_EQ(Pager.File[50 * P], 77);
    EXPECT_EQ(ByteAt(30 * P), 0);
    EXPECT_EQ(ByteAt(50 * P), 77);
}

TEST_F(Paged, WaitersMayGo)
{
    {
        test::Run A([&] { return PageStore::Need(S, 1, 1); }), F([&] { return PageStore::Flush(S, 0, ~u64(0)); });
        test::Run N([&] { return PageStore::Barrier(S); });
        EXPECT_FALSE(A.HasEnded());
    }
    Pager.EndAll();
    EXPECT_EQ(ByteAt(P), Pager.Original(P));
}

TEST_F(Paged, WhatNobodyUsesIsTakenWhenMemoryIsShort)
{
    test::Run All([&] { return PageStore::Need(S, 0, 101); });
    Pager.EndAll();
    Write(9 * P, 1);
    EXPECT_EQ(S->About().Resident, 101u);
    EXPECT_EQ(ReclaimablePages(), 100u);
    ReferenceFrame(MUST(S->PageFrame(10, false)));
    Pfn Pinned = MUST(S->PageFrame(10, false));
    // Everything else is wanted.
    std::vector<u8*> Taken;
    for (;;) {
        if (!ChargeCommit(1).Ok())
            break;
        auto Page = AllocatePage();
        if (!Page.Ok()) {
            ReturnCommit(1);
            break;
        }
        Taken.push_back(Page.Value());
    }
    EXPECT_EQ(S->About().Resident, 2u);
    EXPECT_EQ(S->About().Dirty, 1u);
    EXPECT_EQ(ByteAt(9 * P), 1);
    EXPECT_EQ(ByteAt(10 * P), Pager.Original(10 * P));
    for (u8* Page : Taken) {
        FreePage(Page);
        ReturnCommit(1);
    }
    ReleaseFrame(Pinned);
}

TEST_F(Paged, DropTakesTheRange)
{
    test::Run All([&] { return PageStore::Need(S, 0, 101); });
    Pager.EndAll();
    Write(9 * P, 1);
    test::Run Writing([&] { return PageStore::Flush(S, 0, ~u64(0)); });
    Write(9 * P, 2);
    auto Dropping = [](Ref<PageStore> Of, bool& Whole) -> ke::Task<> {
        Whole = CO_TRY(co_await PageStore::Drop(Of, 5, 10));
        co_return STATUS_SUCCESS;
    };
    bool Whole = false;
    test::Run Dropped([&] { return Dropping(S, Whole); });
    EXPECT_TRUE(Dropped.HasEnded());            // (the write ended when the page was needed again)
    EXPECT_TRUE(Whole);
    EXPECT_EQ(S->About().Resident, 91u);
    EXPECT_EQ(S->About().Dirty, 0u);
    Pager.EndAll();
    EXPECT_EQ(Pager.File[9 * P], 1);
}

// --- views

namespace {

struct PagedViews : Paged {
    test::Client C;
    RefPtr<Section> Of;
    u64 Base = 0, Size = 0;
    void SetUp() override
    {
        Ref<Section> New = MUST(ob::Make<Section>());
        New->Store = RefPtr<PageStore>(S);
        ++S->Sections;
        New->Size = Pager.File.size();
        New->PageProtect = PAGE_EXECUTE_READWRITE;
        New->Attributes = SEC_COMMIT | SEC_FILE;
        Of = New;
        Base = Map(PAGE_READWRITE);
    }
    u64 Map(u32 Protect)
    {
        ViewRequest Request;
        Request.Protect = Protect;
        return MUST(MapView(C.Space(), Ref<Section>(*Of), Request));
    }
    // As the program, which waits for what is absent.
    NTSTATUS Touch(bool Write, u64 At, u8& Byte)
    {
        for (u32 Round = 0; Round < 100; ++Round) {
            NTSTATUS S = Write ? C.Write(At, &Byte, 1) : C.Read(At, &Byte, 1);
            if (S != PageAbsent)
                return S;
            test::Run Waiting([&] { return WaitForFault(Ref<ps::Process>(C.Process()), At); });
            Pager.EndAll();
            if (Waiting.Outcome != STATUS_SUCCESS)
                return Waiting.Outcome;
        }
        return STATUS_INTERNAL_ERROR;
    }
    u8 Get(u64 At)
    {
        u8 Byte = 0xAA;
        EXPECT_EQ(Touch(false, At, Byte), STATUS_SUCCESS);
        return Byte;
    }
    void Set(u64 At, u8 Byte) { EXPECT_EQ(Touch(true, At, Byte), STATUS_SUCCESS); }
    void TearDown() override
    {
        Pager.EndAll();
        C.Space().Clear();
        Of = nullptr;
        Paged::TearDown();
    }
};

}

TEST_F(PagedViews, FaultsWait)
{
    u8 Byte;
    EXPECT_EQ(C.Peek(Base + 3 * P, Byte), PageAbsent);
    EXPECT_EQ(Get(Base + 3 * P + 5), Pager.Original(3 * P + 5));
    EXPECT_EQ(Pager.Reads, 1u);
    EXPECT_EQ(Get(Base + 15 * P), Pager.Original(15 * P));      // came along
    EXPECT_EQ(Pager.Reads, 1u);
    // In order: the next cluster is under way before it is wanted.
    EXPECT_EQ(Get(Base + 16 * P), Pager.Original(16 * P));
    EXPECT_GE(S->About().Resident, 13u + 32u);
    EXPECT_EQ(Get(Base + 100 * P + 4000), 0);
    EXPECT_EQ(S->About().Dirty, 0u);
}

TEST_F(PagedViews, WritesAreNoticed)
{
    u64 Other = Map(PAGE_READWRITE);
    EXPECT_EQ(Get(Base + P), Pager.Original(P));
    EXPECT_EQ(S->About().Dirty, 0u);
    Set(Base + P, 1);
    EXPECT_EQ(S->About().Dirty, 1u);
    Set(Other + P + 1, 2);
    EXPECT_EQ(S->About().Dirty, 1u);
    EXPECT_EQ(Get(Base + P + 1), 2);
    test::Run Flushed([&] { return PageStore::Flush(S, 0, ~u64(0)); });
    EXPECT_EQ(S->About().Dirty, 0u);
    Set(Base + P, 3);                   // while it is written
    EXPECT_EQ(S->About().Dirty, 1u);
    Pager.EndAll();
    EXPECT_EQ(Flushed.Outcome, STATUS_SUCCESS);
    EXPECT_EQ(S->About().Dirty, 1u);
    test::Run Again([&] { return PageStore::Flush(S, 0, ~u64(0)); });
    Pager.EndAll();
    EXPECT_EQ(Pager.File[P], 3);
    EXPECT_EQ(Pager.File[P + 1], 2);
    // The Executive's own writes, also with the page touched a moment ago.
    u8 Byte = 9;
    EXPECT_TRUE(CopyToUser(C.Process(), Other + P, &Byte, 1).Ok());
    EXPECT_EQ(S->About().Dirty, 1u);
    test::Run Third([&] { return PageStore::Flush(S, 0, ~u64(0)); });
    Pager.EndAll();
    EXPECT_TRUE(CopyToUser(C.Process(), Other + P + 1, &Byte, 1).Ok());
    EXPECT_EQ(S->About().Dirty, 1u);
    // Protection changes do not open a way around.
    test::Run Fourth([&] { return PageStore::Flush(S, 0, ~u64(0)); });
    Pager.EndAll();
    u64 At = Base + P, Bytes = P;
    u32 Old;
    EXPECT_EQ(C.Protect(At, Bytes, PAGE_READONLY, Old), STATUS_SUCCESS);
    EXPECT_EQ(C.Poke(Base + P, 1), STATUS_ACCESS_VIOLATION);
    EXPECT_EQ(C.Protect(At, Bytes, PAGE_READWRITE, Old), STATUS_SUCCESS);
    Set(Base + P, 4);
    EXPECT_EQ(S->About().Dirty, 1u);
}

TEST_F(PagedViews, PrivateCopiesStayPrivate)
{
    u64 Copy = Map(PAGE_WRITECOPY);
    Set(Copy + 2 * P, 42);
    EXPECT_EQ(S->About().Dirty, 0u);
    EXPECT_EQ(Get(Base + 2 * P), Pager.Original(2 * P));
    EXPECT_EQ(Get(Copy + 2 * P + 1), Pager.Original(2 * P + 1));
    EXPECT_EQ(EntryOf(MUST(S->PageFrame(2, false))).References, 2u);      // the store and one view
}

TEST_F(PagedViews, MappedPagesStay)
{
    (void)Get(Base + 4 * P);
    EXPECT_GT(S->About().Resident, 1u);
    (void)ReclaimPages(1000);
    EXPECT_EQ(S->About().Resident, 1u);
    EXPECT_EQ(S->Truncate(0).Code(), STATUS_USER_MAPPED_FILE);
    EXPECT_TRUE(UnmapView(C.Space(), Base, false).Ok());
    (void)ReclaimPages(1000);
    EXPECT_EQ(S->About().Resident, 0u);
}

TEST_F(PagedViews, ErrorsReachTheToucher)
{
    Pager.Delay = false;
    Pager.Fails = STATUS_DEVICE_DATA_ERROR;
    u8 Byte;
    EXPECT_EQ(Touch(false, Base + 7 * P, Byte), STATUS_DEVICE_DATA_ERROR);
    test::Run Resident([&] { return MakeResident(Ref<ps::Process>(C.Process()), Base, 3 * P, false); });
    EXPECT_EQ(Resident.Outcome, STATUS_DEVICE_DATA_ERROR);
}

TEST_F(PagedViews, TheExecutiveWaitsToo)
{
    u8 Bytes[16];
    EXPECT_EQ(CopyFromUser(C.Process(), Bytes, Base + 8 * P - 8, 16).Code(), PageAbsent);
    test::Run Resident([&] { return MakeResident(Ref<ps::Process>(C.Process()), Base + 8 * P - 8, 16, true); });
    EXPECT_FALSE(Resident.HasEnded());
    Pager.EndAll();
    EXPECT_EQ(Resident.Outcome, STATUS_SUCCESS);
    EXPECT_TRUE(CopyFromUser(C.Process(), Bytes, Base + 8 * P - 8, 16).Ok());
    EXPECT_EQ(Bytes[8], Pager.Original(8 * P));
    // Results that are written to an absent page, with nobody to wait: written when it is there.
    u64 Value = 0x1122334455667788;
    EXPECT_TRUE(CopyToUser(C.Process(), Base + 60 * P - 4, &Value, 8).Ok());
    EXPECT_EQ(S->About().Dirty, 2u);
    Pager.EndAll();
    EXPECT_EQ(Get(Base + 60 * P - 4), 0x88);
    EXPECT_EQ(Get(Base + 60 * P), 0x44);
    EXPECT_EQ(Get(Base + 60 * P + 4), Pager.Original(60 * P + 4));
    // Memory that is not there is an error as ever.
    EXPECT_EQ(CopyToUser(C.Process(), Base - P, &Value, 8).Code(), STATUS_ACCESS_VIOLATION);
    test::Run Bad([&] { return MakeResident(Ref<ps::Process>(C.Process()), Base + Pager.File.size(), 4 * P, true); });
    Pager.EndAll();
    EXPECT_EQ(Bad.Outcome, STATUS_ACCESS_VIOLATION);
}

TEST_F(PagedViews, FlushVirtualMemoryWrites)
{
    Set(Base + 2 * P, 1);
    Set(Base + 30 * P, 2);
    EXPECT_EQ(C.Now(NtFlushVirtualMemory, test::Self, C.Put(0, Base), C.Put(1, 5 * P), C.Put(2, 0)), STATUS_PENDING);
    Pager.EndAll();
    EXPECT_EQ(C.Thread().Outcome, STATUS_SUCCESS);
    EXPECT_EQ(Pager.File[2 * P], 1);
    EXPECT_EQ(S->About().Dirty, 1u);
    EXPECT_EQ(C.Now(NtFlushVirtualMemory, test::Self, C.Put(0, Base), C.Put(1, 0), C.Put(2, 0)), STATUS_PENDING);
    Pager.End(0, STATUS_DISK_FULL);
    EXPECT_EQ(C.Thread().Outcome, STATUS_DISK_FULL);
}

// --- everything at once

class PagedWalk : public ::testing::TestWithParam<u32> { };

TEST_P(PagedWalk, AgreesWithTheModel)
{
    test::Balance B;
    std::mt19937 Random(GetParam());
    auto Pick = [&](u64 N) { return u64(Random()) % N; };
    {
        constexpr u64 Most = 60 * P;
        test::Client C;
        test::FilePager Pager(40 * P + 77);
        Ref<PageStore> S = MUST(PageStore::CreatePaged(Pager, Pager.File.size(), Pager.File.size()));
        std::vector<u8> Model = Pager.File;
        Ref<Section> Of = MUST(ob::Make<Section>());
        Of->Store = RefPtr<PageStore>(S);
        ++S->Sections;
        Of->PageProtect = PAGE_READWRITE;
        u64 View = 0, ViewBytes = 0;
        std::vector<std::unique_ptr<test::Run>> Running;
        u32 Compared = 0;
        auto ReadNow = [&](u64 At, u64 Count) {
            std::vector<u8> Got(Count);
            Status R = S->Read(At, Got.data(), Count);
            if (R == PageAbsent)
                return;
            ASSERT_TRUE(R.Ok());
            ASSERT_EQ(memcmp(Got.data(), &Model[At], Count), 0) << "at " << At;
            ++Compared;
        };
        for (u32 Step = 0; Step < 6000; ++Step) {
            u64 Size = Model.size(), At = Size ? Pick(Size) : 0, Count = Size ? 1 + Pick(std::min<u64>(Size - At, 5 * P)) : 0;
            if (Count > Size - At)
                Count = Size - At;
            switch (Pick(16)) {
            case 0:
            case 1:
                if (Count)
                    Running.push_back(std::make_unique<test::Run>([&] { return PageStore::Need(S, At >> PageShift, Count / P + 1); }));
                break;
            case 2:
            case 3:
                ReadNow(At, Count);
                break;
            case 4:
            case 5:
            case 6: {
                // A write of client memory; half way is possible.
                u64 From = C.Arguments + 2048 + Pick(100), Bytes = std::min<u64>(Count, 1900);
                std::vector<u8> New(Bytes);
                for (u8& Byte : New)
                    Byte = u8(Random());
                ASSERT_TRUE(CopyToUser(C.Process(), From, New.data(), Bytes).Ok());
                usize Done = 0;
                Status W = S->WriteFromUser(At, C.Process(), From, Bytes, Done);
                ASSERT_TRUE(W.Ok() || W == STATUS_CANT_WAIT || W == STATUS_COMMITMENT_LIMIT) << std::hex << W.Code();
                std::copy(New.begin(), New.begin() + long(Done), Model.begin() + long(At));
                break;
            }
            case 7:
                if (Count) {
                    bool Made;
                    u64 Index = At >> PageShift;
                    if ((Index + 1) * P > Size)
                        break;
                    auto Page = S->PageToFill(Index, true, Made);
                    if (!Page.Ok())
                        break;
                    memset(Page.Value(), u8(Step), P);
                    memset(&Model[Index * P], u8(Step), P);
                }
                break;
            case 8:
                Running.push_back(std::make_unique<test::Run>([&] { return PageStore::Flush(S, At >> PageShift, Pick(2) ? Count / P + 1 : ~u64(0)); }));
                break;
            case 9:
                (void)S->StartWrites(At >> PageShift, 1 + Pick(20));
                break;
            case 10:
            case 11:
                if (!Pager.Waiting.empty()) {
                    usize Which = Pick(Pager.Waiting.size());
                    Pager.End(Which, Pick(8) ? STATUS_SUCCESS : STATUS_DEVICE_DATA_ERROR);
                }
                break;
            case 12:
                if (Pick(6) == 0 && !View) {
                    u64 To = Pick(Most);
                    ASSERT_TRUE(To > Size || S->Truncate(To).Ok());
                    u64 Valid = std::min(S->Valid(), To);
                    if (To < Size)
                        Pager.Truncate(To);
                    S->SetSizes(To, Valid);
                    Model.resize(To);
                } else if (Pick(3) == 0) {
                    (void)ReclaimPages(1 + Pick(40));
                }
                break;
            case 13:
                if (!View && Size && Pick(3) == 0) {
                    Of->Size = Size;
                    ViewRequest Request;
                    View = MUST(MapView(C.Space(), Of, Request));
                    ViewBytes = Size;
                } else if (View && Pick(6) == 0) {
                    ASSERT_TRUE(UnmapView(C.Space(), View, false).Ok());
                    View = 0;
                }
                break;
            case 14:
                if (View) {
                    u64 Where = Pick(ViewBytes);
                    u8 Byte = u8(Random());
                    NTSTATUS Got = C.Poke(View + Where, Byte);
                    if (Got == PageAbsent)
                        Running.push_back(std::make_unique<test::Run>([&] { return WaitForFault(Ref<ps::Process>(C.Process()), View + Where); }));
                    else
                        Model[Where] = Byte;
                    ASSERT_TRUE(Got == STATUS_SUCCESS || Got == PageAbsent) << std::hex << Got;
                }
                break;
            case 15:
                if (View) {
                    u64 Where = Pick(ViewBytes);
                    u8 Byte = 0;
                    NTSTATUS Got = C.Peek(View + Where, Byte);
                    if (Got == STATUS_SUCCESS) {
                        ASSERT_EQ(Byte, Model[Where]);
                        ++Compared;
                    } else {
                        ASSERT_EQ(Got, PageAbsent);
                    }
                } else if (!Running.empty() && Pick(4) == 0) {
                    Running.erase(Running.begin() + long(Pick(Running.size())));         // given up while it waits
                }
                break;
            }
            std::erase_if(Running, [](auto& R) { return R->HasEnded(); });
            ASSERT_EQ(S->About().Resident + S->About().Reading, S->Pages());
            if (HasFatalFailure())
                break;
        }
        Pager.EndAll();
        test::Run Flushed([&] { return PageStore::Flush(S, 0, ~u64(0)); });
        Pager.EndAll();
        EXPECT_EQ(Flushed.Outcome, STATUS_SUCCESS);
        EXPECT_EQ(S->About().Dirty + S->About().Writing + S->About().Reading, 0u);
        EXPECT_GT(Compared, 200u);
        Pager.File.resize(Model.size());
        EXPECT_TRUE(Pager.File == Model);
        Running.clear();
        C.Space().Clear();
    }
    B.Check();
}

INSTANTIATE_TEST_SUITE_P(Seeds, PagedWalk, ::testing::Range(1u, 13u));
