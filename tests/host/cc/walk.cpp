// A long random walk: reads, writes, sizes, flushes and purges of two maps at a time, with a pager that delays, reorders and fails, against plain bytes.
#include "tests/host/cc/cc_test.hpp"

using namespace test;

namespace {

class Walk : public ::testing::TestWithParam<u32> { };

// An awaited read or write under way, with a buffer of its own.
struct Pending {
    io::Transfer T;
    u32 Slot;
    bool IsWrite;
    std::unique_ptr<test::Run> R;
};

}

TEST_P(Walk, AgreesWithTheModel)
{
    std::mt19937 Random(GetParam());
    auto Pick = [&](u64 N) { return u64(Random()) % N; };
    Mapped F(50 * P + 33);
    cc::SetDirtyLimit(GetParam() % 3 ? 40 : 0);
    std::vector<u8> Model = F.Pager.File;
    constexpr u32 Slots = 8;
    constexpr u64 SlotBytes = 16 * P;
    std::vector<std::unique_ptr<Pending>> Running;
    std::vector<std::unique_ptr<test::Run>> Others;
    u32 Compared = 0;
    auto SlotFree = [&](u32 S) { return std::none_of(Running.begin(), Running.end(), [&](auto& X) { return X->Slot == S; }); };
    for (u32 Step = 0; Step < 5000 && !testing::Test::HasFatalFailure(); ++Step) {
        u64 Size = Model.size();
        u64 At = Size ? Pick(Size) : 0, Count = 1 + Pick(Pick(4) ? 3 * P : SlotBytes - P);
        u32 Slot = u32(Pick(Slots));
        switch (Pick(12)) {
        case 0:
        case 1: {
            Status S = F.TryRead(At, Count);
            if (S == STATUS_SUCCESS) {
                ASSERT_EQ(F.Done, std::min(Count, Size - At));
                auto Got = F.Got(F.Done);
                ASSERT_EQ(memcmp(Got.data(), &Model[At], F.Done), 0) << "read at " << At << " step " << Step;
                ++Compared;
            }
            ASSERT_TRUE(S == STATUS_SUCCESS || S == STATUS_CANT_WAIT || (S == STATUS_END_OF_FILE && At >= Size));
            break;
        }
        case 2:
        case 3:
            if (At + Count > Size)
                Count = Size - At;
            if (Count) {
                std::vector<u8> New(Count);
                for (u8& B : New)
                    B = u8(Random());
                Status S = F.TryWrite(At, New);
                if (S.Ok())
                    std::copy(New.begin(), New.end(), Model.begin() + long(At));
                else                    // a part may have been written: do the rest
                    F.Fill(New);
                ASSERT_TRUE(S.Ok() || S == STATUS_CANT_WAIT) << std::hex << S.Code();
                if (!S.Ok()) {
                    auto N = std::make_unique<Pending>();
                    N->T = F.Transfer(At, Count);
                    N->Slot = ~0u;
                    N->IsWrite = true;
                    // The buffer is everybody's: it is to be answered before anything else.
                    for (u32 I = 0; I < 200 && !(N->R && N->R->Outcome == STATUS_SUCCESS); ++I) {
                        if (!N->R || N->R->HasEnded())       // (it fails while writes of the device fail)
                            N->R = std::make_unique<test::Run>([&] { return F.M->Write(N->T); });
                        F.Pager.EndAll();
                        Clock::Advance(3'000'000);
                    }
                    ASSERT_EQ(N->R->Outcome, STATUS_SUCCESS);
                    std::copy(New.begin(), New.end(), Model.begin() + long(At));
                }
            }
            break;
        case 4:
            if (SlotFree(Slot)) {
                auto N = std::make_unique<Pending>();
                N->T = F.Transfer(At, Count);
                N->T.Address += MiB + Slot * SlotBytes;
                N->Slot = Slot;
                N->IsWrite = false;
                N->R = std::make_unique<test::Run>([&] { return F.M->Read(N->T, &F.At); });
                Running.push_back(std::move(N));
            }
            break;
        case 5:
            Others.push_back(std::make_unique<test::Run>([&] { return F.M->Flush(At, Count, Pick(2)); }));
            break;
        case 6:
        case 7:
            if (!F.Pager.Waiting.empty())
                F.Pager.End(Pick(F.Pager.Waiting.size()), Pick(10) ? STATUS_SUCCESS : STATUS_DEVICE_DATA_ERROR);
            break;
        case 8:
            Clock::Advance(Pick(2'000'000));
            break;
        case 9:
            if (Pick(4) == 0) {
                u64 To = Pick(70 * P), Valid = std::min<u64>(F.M->GetSizes().Valid, To);
                if (To < Size)
                    F.Pager.Truncate(To);
                ASSERT_TRUE(F.M->SetSizes({ To + Pick(5 * P), To, Valid }).Ok());
                Model.resize(To);
            }
            break;
        case 10:
            (void)mm::ReclaimPages(1 + Pick(30));
            break;
        case 11:
            if (Pick(8) == 0 && !Others.empty())
                Others.erase(Others.begin() + long(Pick(Others.size())));
            break;
        }
        std::erase_if(Others, [](auto& R) { return R->HasEnded(); });
        std::erase_if(Running, [&](auto& X) { return X->R->HasEnded(); });
    }
    for (u32 I = 0; I < 300 && (!Running.empty() || !Others.empty()); ++I) {
        F.Pager.EndAll();
        Clock::Advance(3'000'000);
        std::erase_if(Others, [](auto& R) { return R->HasEnded(); });
        std::erase_if(Running, [&](auto& X) { return X->R->HasEnded(); });
    }
    EXPECT_TRUE(Running.empty() && Others.empty());
    EXPECT_EQ(F.Flush(true), STATUS_SUCCESS);
    EXPECT_FALSE(F.M->IsDirty());
    F.Pager.File.resize(Model.size());
    EXPECT_TRUE(F.Pager.File == Model);
    EXPECT_GT(Compared, 100u);
    cc::SetDirtyLimit(0);
}

INSTANTIATE_TEST_SUITE_P(Seeds, Walk, ::testing::Range(1u, 13u));
