// Cache maps, one behaviour at a time.
#include "tests/host/cc/cc_test.hpp"

#include "ntos/mm/space.hpp"

namespace test {

static constexpr u64 TscPerTick = 128;

void Clock::Start()
{
    static bool Started;
    if (std::exchange(Started, true))
        return;
    Begin();
    fake::SetTsc(1'000'000);
    ke::StartClock({ .TscFrequency = TscPerTick * 10'000'000, .SystemTimeAtStart = 133'000'000'000'000'000, .SetAlarm = nullptr }, nullptr);
}

void Clock::Advance(u64 Ticks)
{
    fake::AdvanceTsc(Ticks * TscPerTick);
    ke::RunTimers();
    ke::RunReadyActivities();
}

Mapped::Mapped(u64 Bytes) : Pager(Bytes)
{
    Clock::Start();
    u64 At = Buffer, Size = BufferBytes;
    EXPECT_EQ(C.Allocate(At, Size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE), STATUS_SUCCESS);
    M = MUST(cc::Map::Create(Pager, { Bytes, Bytes, Bytes }));
}

Mapped::~Mapped()
{
    Pager.EndAll();
    if (M) {
        M->Detach(STATUS_DEVICE_REMOVED);
        M.Reset();
    }
    C.Space().Clear();
    Clock::Advance(100'000'000);        // the lazy writer sees that there is nothing
}

std::vector<u8> Mapped::Got(u64 Bytes)
{
    std::vector<u8> V(Bytes);
    EXPECT_EQ(C.Read(Buffer, V.data(), Bytes), STATUS_SUCCESS);
    return V;
}

void Mapped::Fill(const std::vector<u8>& Bytes)
{
    EXPECT_EQ(C.Write(Buffer, Bytes.data(), Bytes.size()), STATUS_SUCCESS);
}

io::Transfer Mapped::Transfer(u64 Offset, u64 Bytes)
{
    io::Transfer T;
    T.Process = &C.Process();
    T.Address = Buffer;
    T.Length = u32(Bytes);
    T.Offset = Offset;
    return T;
}

Status Mapped::TryRead(u64 Offset, u64 Bytes)
{
    io::Transfer T = Transfer(Offset, Bytes);
    Status S = M->TryRead(T, At);
    Done = T.Done;
    return S;
}

Status Mapped::TryWrite(u64 Offset, const std::vector<u8>& Bytes)
{
    Fill(Bytes);
    io::Transfer T = Transfer(Offset, Bytes.size());
    Status S = M->TryWrite(T);
    Done = T.Done;
    return S;
}

NTSTATUS Mapped::Read(u64 Offset, u64 Bytes)
{
    io::Transfer T = Transfer(Offset, Bytes);
    test::Run R([&] { return M->Read(T, &At); });
    Pager.EndAll();
    EXPECT_TRUE(R.HasEnded());
    Done = T.Done;
    return R.Outcome;
}

NTSTATUS Mapped::Write(u64 Offset, const std::vector<u8>& Bytes, bool Through)
{
    Fill(Bytes);
    io::Transfer T = Transfer(Offset, Bytes.size());
    test::Run R([&] { return M->Write(T, Through); });
    Pager.EndAll();
    for (u32 I = 0; I < 50 && !R.HasEnded(); ++I) {
        Clock::Advance(3'000'000);
        Pager.EndAll();
    }
    EXPECT_TRUE(R.HasEnded());
    Done = T.Done;
    return R.Outcome;
}

NTSTATUS Mapped::Flush(bool Barrier)
{
    test::Run R([&] { return M->Flush(0, ~u64(0), Barrier); });
    Pager.EndAll();
    EXPECT_TRUE(R.HasEnded());
    return R.Outcome;
}

std::vector<u8> Mapped::Original(u64 Offset, u64 Bytes)
{
    std::vector<u8> V(Bytes);
    for (u64 I = 0; I < Bytes; ++I)
        V[I] = FilePager::Original(Offset + I);
    return V;
}

}

using namespace test;
using Kind = mm::PageIo::Kind;

TEST(Map, MissesWaitAndHitsDoNot)
{
    Mapped F(20 * P + 100);
    EXPECT_EQ(F.TryRead(5000, 9000).Code(), STATUS_CANT_WAIT);
    EXPECT_EQ(F.Read(5000, 9000), STATUS_SUCCESS);
    EXPECT_EQ(F.Done, 9000u);
    EXPECT_EQ(F.Got(9000), F.Original(5000, 9000));
    EXPECT_EQ(F.TryRead(6000, 4000).Code(), STATUS_SUCCESS);
    EXPECT_EQ(F.Got(4000), F.Original(6000, 4000));
    // The end.
    EXPECT_EQ(F.Read(20 * P + 50, 1000), STATUS_SUCCESS);
    EXPECT_EQ(F.Done, 50u);
    EXPECT_EQ(F.TryRead(20 * P + 100, 1).Code(), STATUS_END_OF_FILE);
    EXPECT_EQ(F.Read(20 * P + 100, 1), STATUS_END_OF_FILE);
    EXPECT_EQ(F.TryRead(~u64(0) - 5, 10).Code(), STATUS_END_OF_FILE);
    EXPECT_EQ(F.TryRead(0, 0).Code(), STATUS_SUCCESS);
    // A bad buffer.
    io::Transfer T = F.Transfer(6000, 10);
    T.Address = 0x10;
    EXPECT_EQ(F.M->TryRead(T, F.At).Code(), STATUS_ACCESS_VIOLATION);
    test::Run R([&] { return F.M->Read(T, nullptr); });
    EXPECT_EQ(R.Outcome, STATUS_ACCESS_VIOLATION);
}

TEST(Map, ErrorsOfReadsAreTold)
{
    Mapped F(20 * P);
    io::Transfer T = F.Transfer(0, 2 * P);
    test::Run R([&] { return F.M->Read(T, nullptr); });
    ASSERT_EQ(F.Pager.Waiting.size(), 1u);
    F.Pager.End(0, STATUS_CRC_ERROR);
    EXPECT_EQ(R.Outcome, STATUS_CRC_ERROR);
    EXPECT_EQ(F.Read(0, 2 * P), STATUS_SUCCESS);
}

TEST(Map, ReadsInOrderAreReadAhead)
{
    Mapped F(2000 * P);
    u32 Waited = 0;
    for (u64 At = 0; At < 2000 * P; At += 4 * P) {
        Status S = F.TryRead(At, 4 * P);
        if (S == STATUS_CANT_WAIT) {
            ++Waited;
            ASSERT_EQ(F.Read(At, 4 * P), STATUS_SUCCESS);
        }
        ASSERT_EQ(F.Got(64), F.Original(At, 64));
        F.Pager.EndAll();               // the device is fast enough
    }
    EXPECT_LE(Waited, 3u);
    EXPECT_LE(F.Pager.Reads, 40u);
    EXPECT_GE(F.Pager.Largest, 128u * P);
    EXPECT_EQ(mm::Totals.Resident, 2000u);
    // Here and there: nothing that was not asked for.
    Mapped G(2000 * P);
    for (u64 At : { 100, 700, 300, 1500 })
        ASSERT_EQ(G.Read(At * P, P), STATUS_SUCCESS);
    EXPECT_EQ(G.M->Store().About().Resident, 4u);
}

TEST(Map, WritesGoBackLazily)
{
    Mapped F(20 * P);
    std::vector<u8> New(3 * P, 0x77);
    EXPECT_EQ(F.TryWrite(4 * P, New).Code(), STATUS_SUCCESS);       // whole pages are not read
    EXPECT_EQ(F.Pager.Reads, 0u);
    EXPECT_EQ(F.TryWrite(10 * P + 1, { 1, 2, 3 }).Code(), STATUS_CANT_WAIT);
    EXPECT_EQ(F.Write(10 * P + 1, { 1, 2, 3 }), STATUS_SUCCESS);
    EXPECT_EQ(F.Pager.Reads, 1u);
    EXPECT_TRUE(F.M->IsDirty());
    Clock::Advance(3'000'000);
    EXPECT_EQ(F.Pager.Count(Kind::Write), 2u);
    EXPECT_EQ(F.Pager.Waiting[0]->Offset, 4 * P);
    EXPECT_FALSE(F.Pager.Waiting[0]->Awaited);
    F.Pager.EndAll();
    EXPECT_FALSE(F.M->IsDirty());
    EXPECT_EQ(F.Pager.File[10 * P + 2], 2);
    EXPECT_EQ(F.Pager.File[6 * P], 0x77);
    EXPECT_EQ(F.Pager.File[10 * P + 4], FilePager::Original(10 * P + 4));
    Clock::Advance(3'000'000);
    EXPECT_EQ(ke::NextTimer(), ke::Never);      // it rests
    // Not inside the valid data: the slow way, and not beyond the file.
    EXPECT_EQ(F.TryWrite(20 * P - 1, { 1, 2 }).Code(), STATUS_CANT_WAIT);
    EXPECT_EQ(F.Write(20 * P - 1, { 1, 2 }), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(F.Write(2 * P, std::vector<u8>(P, 9), true), STATUS_SUCCESS);
    EXPECT_EQ(F.Pager.File[2 * P], 9);
}

TEST(Map, TheFileGrows)
{
    Mapped F(2 * P + 10);
    ASSERT_EQ(F.Read(0, 2 * P + 10), STATUS_SUCCESS);
    ASSERT_TRUE(F.M->SetSizes({ 64 * P, 60 * P, 2 * P + 10 }).Ok());
    // Behind the valid data: zero, and nothing to read.
    EXPECT_EQ(F.Read(2 * P, 8 * P), STATUS_SUCCESS);
    auto Got = F.Got(8 * P);
    EXPECT_EQ(Got[9], FilePager::Original(2 * P + 9));
    EXPECT_EQ(Got[10], 0);
    EXPECT_EQ(Got[7 * P], 0);
    EXPECT_EQ(F.Pager.Reads, 1u);
    // A write behind it makes what lies between zero, also in the file.
    EXPECT_EQ(F.TryWrite(30 * P + 5, { 1, 2, 3 }).Code(), STATUS_CANT_WAIT);
    EXPECT_EQ(F.Write(30 * P + 5, { 1, 2, 3 }), STATUS_SUCCESS);
    EXPECT_EQ(F.M->GetSizes().Valid, 30 * P + 8);
    EXPECT_EQ(F.Flush(true), STATUS_SUCCESS);
    EXPECT_EQ(F.Pager.Flushes, 1u);
    EXPECT_GE(F.Pager.File.size(), 30 * P + 8);
    EXPECT_EQ(F.Pager.File[2 * P + 9], FilePager::Original(2 * P + 9));
    EXPECT_EQ(F.Pager.File[2 * P + 10], 0);
    EXPECT_EQ(F.Pager.File[20 * P], 0);
    EXPECT_EQ(F.Pager.File[30 * P + 6], 2);
    EXPECT_EQ(F.M->Store().Valid(), F.Pager.File.size());
}

TEST(Map, TheFileShrinks)
{
    Mapped F(20 * P);
    ASSERT_EQ(F.Read(0, 20 * P), STATUS_SUCCESS);
    ASSERT_EQ(F.TryWrite(15 * P, std::vector<u8>(P, 1)).Code(), STATUS_SUCCESS);
    ASSERT_TRUE(F.M->SetSizes({ 20 * P, 10 * P + 7, 10 * P + 7 }).Ok());
    EXPECT_FALSE(F.M->IsDirty());
    EXPECT_EQ(F.M->Store().About().Resident, 11u);
    ASSERT_TRUE(F.M->SetSizes({ 20 * P, 20 * P, 10 * P + 7 }).Ok());
    EXPECT_EQ(F.TryRead(10 * P, 10 * P).Code(), STATUS_SUCCESS);
    auto Got = F.Got(10 * P);
    EXPECT_EQ(Got[6], FilePager::Original(10 * P + 6));
    EXPECT_EQ(Got[7], 0);
    EXPECT_EQ(Got[5 * P], 0);
}

TEST(Map, MappedFilesAreCoherent)
{
    Mapped F(40 * P);
    Ref<mm::Section> Of = MUST(ob::Make<mm::Section>());
    Of->Store = RefPtr<mm::PageStore>(&F.M->Store());
    ++F.M->Store().Sections;
    Of->Size = 40 * P;
    Of->PageProtect = PAGE_READWRITE;
    EXPECT_TRUE(F.M->HasUserReferences());
    EXPECT_TRUE(F.M->CanTruncate(0));
    mm::ViewRequest Request;
    u64 View = MUST(mm::MapView(F.C.Space(), Of, Request));
    ASSERT_EQ(F.Read(0, 40 * P), STATUS_SUCCESS);
    EXPECT_EQ(F.C.Poke(View + 3 * P, 0x99), STATUS_SUCCESS);
    EXPECT_EQ(F.TryRead(3 * P, 1).Code(), STATUS_SUCCESS);
    EXPECT_EQ(F.Got(1)[0], 0x99);
    EXPECT_EQ(F.TryWrite(3 * P + 1, { 0x98 }).Code(), STATUS_SUCCESS);
    u8 Byte = 0;
    EXPECT_EQ(F.C.Peek(View + 3 * P + 1, Byte), STATUS_SUCCESS);
    EXPECT_EQ(Byte, 0x98);
    // The lazy writer takes what the program writes, each time.
    Clock::Advance(3'000'000);
    F.Pager.EndAll();
    EXPECT_EQ(F.Pager.File[3 * P], 0x99);
    EXPECT_EQ(F.C.Poke(View + 3 * P, 0x11), STATUS_SUCCESS);
    Clock::Advance(10'000'000);
    F.Pager.EndAll();
    EXPECT_EQ(F.Pager.File[3 * P], 0x11);
    // And the file cannot shrink or be purged below it.
    EXPECT_EQ(F.M->SetSizes({ 40 * P, P, P }).Code(), STATUS_USER_MAPPED_FILE);
    EXPECT_FALSE(F.M->CanTruncate(0));
    test::Run Purged([&] { return F.M->Purge(); });
    EXPECT_EQ(Purged.Outcome, STATUS_USER_MAPPED_FILE);
    EXPECT_TRUE(mm::UnmapView(F.C.Space(), View, false).Ok());
    // Reading a file into a view of itself.
    View = MUST(mm::MapView(F.C.Space(), Of, Request));
    test::Run Dropped([&] { return F.M->Purge(); });
    (void)Dropped;
    io::Transfer T = F.Transfer(8 * P, 3 * P);
    T.Address = View + 30 * P + 5;
    test::Run Own([&] { return F.M->Read(T, nullptr); });
    F.Pager.EndAll();
    EXPECT_EQ(Own.Outcome, STATUS_SUCCESS);
    EXPECT_EQ(F.TryRead(30 * P + 5, 100).Code(), STATUS_SUCCESS);
    EXPECT_EQ(F.Got(100), F.Original(8 * P, 100));
    EXPECT_TRUE(mm::UnmapView(F.C.Space(), View, false).Ok());
}

TEST(Map, PurgeForgets)
{
    Mapped F(20 * P);
    ASSERT_EQ(F.Write(5 * P, std::vector<u8>(P, 1)), STATUS_SUCCESS);
    F.Pager.File[6 * P] = 0xAB;         // somebody wrote past the cache
    test::Run Purged([&] { return F.M->Purge(4 * P, 4 * P); });
    EXPECT_EQ(Purged.Outcome, STATUS_SUCCESS);
    EXPECT_EQ(F.Read(5 * P, 2 * P), STATUS_SUCCESS);
    EXPECT_EQ(F.Got(1)[0], FilePager::Original(5 * P));
    EXPECT_EQ(F.Got(P + 1)[P], 0xAB);
}

TEST(Map, WritersWaitWhenTooMuchIsDirty)
{
    Mapped F(1000 * P);
    cc::SetDirtyLimit(64);
    std::vector<u8> Block(16 * P, 5);
    u64 At = 0;
    while (F.TryWrite(At, Block).Ok())
        At += Block.size();
    EXPECT_EQ(At, 80 * P);
    io::Transfer T = F.Transfer(At, Block.size());
    test::Run R([&] { return F.M->Write(T); });
    EXPECT_FALSE(R.HasEnded());
    ke::RunReadyActivities();
    EXPECT_GE(F.Pager.Count(Kind::Write), 1u);  // the lazy writer does not sleep then
    F.Pager.EndAll();
    EXPECT_EQ(R.Outcome, STATUS_SUCCESS);
    // A device that does not take it: the writer is told.
    while (F.TryWrite(At, Block).Ok())
        At += Block.size();
    T = F.Transfer(At, Block.size());
    test::Run Second([&] { return F.M->Write(T); });
    ke::RunReadyActivities();
    while (!F.Pager.Waiting.empty())
        F.Pager.End(0, STATUS_DISK_FULL);
    for (u32 I = 0; I < 10 && !Second.HasEnded(); ++I) {
        Clock::Advance(3'000'000);
        while (!F.Pager.Waiting.empty())
            F.Pager.End(0, STATUS_DISK_FULL);
    }
    EXPECT_EQ(Second.Outcome, STATUS_DISK_FULL);
    EXPECT_TRUE(F.M->IsDirty());
    EXPECT_EQ(F.Flush(), STATUS_SUCCESS);
    EXPECT_FALSE(F.M->IsDirty());
    cc::SetDirtyLimit(0);
}

TEST(Map, FailedWritesAreTriedEverMoreSeldom)
{
    Mapped F(20 * P);
    ASSERT_EQ(F.TryWrite(0, std::vector<u8>(P, 1)).Code(), STATUS_SUCCESS);
    F.Pager.Delay = false;
    F.Pager.Fails = STATUS_DEVICE_NOT_READY;
    for (u32 I = 0; I < 400; ++I)
        Clock::Advance(2'500'001);
    EXPECT_GE(F.Pager.Writes, 6u);
    EXPECT_LE(F.Pager.Writes, 14u);
    EXPECT_EQ(F.Flush(), STATUS_DEVICE_NOT_READY);
    F.Pager.Fails = STATUS_SUCCESS;
    for (u32 I = 0; I < 400; ++I)
        Clock::Advance(2'500'001);
    EXPECT_FALSE(F.M->IsDirty());
    EXPECT_EQ(F.Pager.File[0], 1);
    EXPECT_EQ(F.Flush(), STATUS_SUCCESS);
}

TEST(Map, ViewsOfADriver)
{
    Mapped F(300 * P);
    Client Driver;
    auto Map = [&](u64 Offset, u32 Bytes, bool Fresh, u64& Address) {
        auto Go = [](cc::Map& M, Ref<ps::Process> In, u64 Offset, u32 Bytes, bool Fresh, u64& To) -> ke::Task<> {
            To = CO_TRY(co_await M.MapInto(In, Offset, Bytes, Fresh));
            co_return STATUS_SUCCESS;
        };
        test::Run R([&] { return Go(*F.M, Ref<ps::Process>(Driver.Process()), Offset, Bytes, Fresh, Address); });
        F.Pager.EndAll();
        return R.Outcome;
    };
    u64 A = 0, B = 0, D = 0;
    ASSERT_EQ(Map(3 * P + 100, 5000, false, A), STATUS_SUCCESS);
    // No fault waits: the pages are there.
    u8 Byte = 0;
    fake::Fault Met = fake::ReadClient(Driver.Space().Pml4(), A, &Byte, 1);
    EXPECT_FALSE(bool(Met));
    EXPECT_EQ(Byte, FilePager::Original(3 * P + 100));
    EXPECT_EQ(Driver.Poke(A + 4999, 0x42), STATUS_SUCCESS);
    EXPECT_TRUE(F.M->IsDirty());
    ASSERT_EQ(Map(4 * P, 100, false, B), STATUS_SUCCESS);
    EXPECT_EQ(B, A + P - 100);          // the same view
    // Across two windows; and pages that are to be zero.
    ASSERT_EQ(Map(63 * P + 10, 2 * P, true, D), STATUS_SUCCESS);
    EXPECT_EQ(Driver.Peek(D - 1, Byte), STATUS_SUCCESS);
    EXPECT_EQ(Byte, FilePager::Original(63 * P + 9));
    EXPECT_EQ(Driver.Peek(D, Byte), STATUS_SUCCESS);
    EXPECT_EQ(Byte, 0);
    EXPECT_EQ(Driver.Peek(D + 2 * P - 1, Byte), STATUS_SUCCESS);
    EXPECT_EQ(Byte, 0);
    EXPECT_EQ(Map(299 * P, 2 * P, false, B), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(Map(~u64(0) - P, 2 * P, false, B), STATUS_INVALID_PARAMETER);
    // The driver cannot unmap it itself, and a program's truncation is not kept by it.
    EXPECT_EQ(Driver.Now(NtUnmapViewOfSection, Self, A), STATUS_NOT_MAPPED_VIEW);
    EXPECT_FALSE(F.M->HasUserReferences());
    EXPECT_TRUE(F.M->CanTruncate(0));
    F.M->Unmap(Driver.Process(), A);
    F.M->Unmap(Driver.Process(), A + P - 100);
    test::Run Purged([&] { return F.M->Purge(); });
    F.Pager.EndAll();
    EXPECT_EQ(Purged.Outcome, STATUS_UNABLE_TO_FREE_VM);
    EXPECT_EQ(F.M->Store().About().Resident, 3u);
    F.M->Unmap(Driver.Process(), D);
    F.M->Unmap(Driver.Process(), D);    // once too often
    test::Run Again([&] { return F.M->Purge(); });
    EXPECT_EQ(Again.Outcome, STATUS_SUCCESS);
    EXPECT_EQ(F.M->Store().About().Resident, 0u);
    ASSERT_EQ(Map(0, 100, false, A), STATUS_SUCCESS);
    Driver.Space().Clear();
    F.M->Forget(Driver.Process());
    EXPECT_EQ(F.M->Store().Mappings, 0u);
}

TEST(Map, AllIsWrittenInTheEnd)
{
    Mapped F(20 * P), G(20 * P);
    ASSERT_EQ(F.TryWrite(0, std::vector<u8>(P, 1)).Code(), STATUS_SUCCESS);
    ASSERT_EQ(G.TryWrite(P, std::vector<u8>(P, 2)).Code(), STATUS_SUCCESS);
    test::Run All([] { return cc::FlushAll(); });
    for (u32 I = 0; I < 10; ++I) {
        F.Pager.EndAll();
        G.Pager.EndAll();
    }
    EXPECT_EQ(All.Outcome, STATUS_SUCCESS);
    EXPECT_EQ(F.Pager.Flushes, 1u);
    EXPECT_EQ(G.Pager.Flushes, 1u);
    EXPECT_EQ(F.Pager.File[0], 1);
    EXPECT_EQ(G.Pager.File[P], 2);
    EXPECT_EQ(cc::Count().Dirty, 0u);
}
