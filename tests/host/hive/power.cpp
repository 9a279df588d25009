// The power goes at every single operation on the files, and what was written since the last flush is lost, kept or torn: afterwards the hive is what
// it was before the commit under way, or after it; never less than the last finished one.
#include "tests/host/hive/hive_test.hpp"

using namespace test;

namespace {

// Commits and reconciles a few random changes; Committed is what was promised last, Trying what was under way.
struct Script {
    std::unique_ptr<ModelKey> Committed, Trying;
    bool Finished = false;

    Status Run(Machine& M, u32 Seed)
    {
        std::mt19937 Random(Seed);
        auto H = std::make_unique<regf::Hive>(Around());
        regf::Store S(*H, M.Files[0], &M.Files[1], &M.Files[2]);
        TRY(S.Open());
        auto Model = ReadAll(*H, H->Root());
        Committed = Copy(*Model);
        Trying = Copy(*Model);
        for (u32 Round = 0; Round < 5; ++Round) {
            for (u32 I = 0; I < 6; ++I)
                RandomChange(Random, *H, *Model);
            Trying = Copy(*Model);
            TRY(S.Commit());
            Committed = Copy(*Model);
            if (Round % 2)
                TRY(S.Reconcile());
        }
        TRY(S.Reconcile());
        Finished = true;
        return STATUS_SUCCESS;
    }
};

void Prepare(Machine& M)
{
    ModelKey Model;
    auto H = NewHive(Model);
    std::mt19937 Random(77);
    for (u32 I = 0; I < 40; ++I)
        RandomChange(Random, *H, Model);
    regf::Store S(*H, M.Files[0], &M.Files[1], &M.Files[2]);
    ASSERT_TRUE(S.Create().Ok());
}

void CutEverywhere(u32 SectorBytes)
{
    u32 Cuts = 0;
    for (u32 Seed = 1; Seed <= 3; ++Seed) {
        bool Whole = false;
        for (u64 Limit = 0; !Whole; ++Limit) {
            for (u32 Variant = 0; Variant < 6; ++Variant) {
                auto How = Variant == 0 ? Machine::Fate::Lost : Variant == 1 ? Machine::Fate::Kept : Machine::Fate::Mixed;
                Machine M;
                M.SectorBytes = SectorBytes;
                Prepare(M);
                M.Restart(Machine::Fate::Kept, 0);
                M.Limit = Limit;
                Script Run;
                Run.Run(M, Seed).Ignore();          // the end of power shows in what is read below
                Whole = Run.Finished;
                if (!Run.Committed)
                    continue;           // not even opened
                M.Restart(How, Variant);
                // And again, while it recovers: at every other operation, then in peace.
                for (u64 Second = 0; Second < 3; ++Second) {
                    regf::Hive Interrupted(Around());
                    regf::Store Opening(Interrupted, M.Files[0], &M.Files[1], &M.Files[2]);
                    M.Limit = Second;
                    Opening.Open().Ignore();
                    M.Restart(How, Variant + u32(Second));
                }
                Reports = 0;
                regf::Hive After(Around());
                regf::Store Opened(After, M.Files[0], &M.Files[1], &M.Files[2]);
                Status S = Opened.Open();
                ASSERT_TRUE(S.Ok()) << std::hex << S.Code() << " cut " << std::dec << Limit << " variant " << Variant;
                ASSERT_EQ(Reports, 0u) << "cut " << Limit << " variant " << Variant;
                auto Found = ReadAll(After, After.Root());
                ASSERT_TRUE(Same(*Found, *Run.Committed) || Same(*Found, *Run.Trying)) << "seed " << Seed << " cut " << Limit << " variant " << Variant;
                // It goes on from there.
                std::mt19937 Random(9);
                for (u32 I = 0; I < 5; ++I)
                    RandomChange(Random, After, *Found);
                ASSERT_TRUE(Opened.Commit().Ok());
                M.Restart(Machine::Fate::Lost, 0);
                regf::Hive Later(Around());
                regf::Store Last(Later, M.Files[0], &M.Files[1], &M.Files[2]);
                ASSERT_TRUE(Last.Open().Ok());
                ASSERT_TRUE(Same(*ReadAll(Later, Later.Root()), *Found));
                ++Cuts;
            }
        }
    }
    EXPECT_GT(Cuts, 300u);
}

}

TEST(Power, NothingCommittedIsLostWhenSectorsAreWhole) { CutEverywhere(512); }

// A medium that tears sectors: the log's copy of the base block helps.
TEST(Power, NothingCommittedIsLostWhenSectorsTear) { CutEverywhere(64); }

TEST(Power, AFailedWriteIsTriedAgain)
{
    Machine M;
    Prepare(M);
    regf::Hive H(Around());
    regf::Store S(H, M.Files[0], &M.Files[1], &M.Files[2]);
    ASSERT_TRUE(S.Open().Ok());
    auto Model = ReadAll(H, H.Root());
    std::mt19937 Random(4);
    for (u32 Round = 0; Round < 20; ++Round) {
        for (u32 I = 0; I < 5; ++I)
            RandomChange(Random, H, *Model);
        M.Limit = M.Operations + Random() % 6;
        bool First = S.Commit().Ok();
        M.Dead = false;
        M.Limit = ~u64(0);
        ASSERT_TRUE(First || S.HasChanges());
        ASSERT_TRUE(Round % 3 ? S.Commit().Ok() : S.Reconcile().Ok());
        regf::Hive Again(Around());
        regf::Store Reader(Again, M.Files[0], &M.Files[1], &M.Files[2], true);
        ASSERT_TRUE(Reader.Open().Ok());
        ASSERT_TRUE(Same(*ReadAll(Again, Again.Root()), *Model));
    }
}
