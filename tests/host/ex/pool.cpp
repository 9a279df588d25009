// The pool on pages of the host: every size, reuse, pages given back, exhaustion.
#include "ntos/ex/pool.hpp"

#include "tests/host/support/gtest.hpp"

#include <map>
#include <random>

#include "ntos/ex/ex.hpp"
#include "ntos/mm/phys.hpp"
#include "ntos/mm/slots.hpp"

namespace core {
void Panic(const char* What, const char* File, int Line)
{
    fprintf(stderr, "panic: %s (%s:%d)\n", What, File, Line);
    abort();
}
}

static i64 PagesLeft = 1 << 20;

namespace mm {

static std::map<Pfn, u8*> Pages;
static std::map<const void*, Pfn> Frames;
static Pfn NextFrame = 1;

Result<Pfn> AllocateFrame(bool)
{
    if (PagesLeft <= 0)
        return STATUS_NO_MEMORY;
    --PagesLeft;
    u8* P = static_cast<u8*>(aligned_alloc(4096, 4096));
    memset(P, 0xA5, 4096);
    Pages[NextFrame] = P;
    Frames[P] = NextFrame;
    return NextFrame++;
}
u8* PageAddress(Pfn F) { return Pages.at(F); }
Pfn FrameOf(const void* A) { return Frames.at(A); }
void ReleaseFrame(Pfn F)
{
    ++PagesLeft;
    u8* P = Pages.at(F);
    Pages.erase(F);
    Frames.erase(P);
    free(P);
}
Result<u8*> AllocateRun(usize Count, u32* Into)
{
    if (PagesLeft < i64(Count))
        return STATUS_NO_MEMORY;
    PagesLeft -= i64(Count);
    for (usize I = 0; I < Count; ++I)
        Into[I] = u32(I);
    return static_cast<u8*>(aligned_alloc(4096, Count * 4096));
}
void FreeRun(u8* At, usize Count, usize, const u32* From)
{
    for (usize I = 0; I < Count; ++I)
        ASSERT(From[I] == u32(I));
    PagesLeft += i64(Count);
    free(At);
}

}

namespace {

using namespace ex;

TEST(Pool, EverySizeIsAlignedAndDistinct)
{
    i64 Before = PagesLeft;
    std::vector<std::pair<u8*, usize>> Blocks;
    for (usize Size = 0; Size < 10000; Size += Size < 4200 ? 1 : 97) {
        u8* B = static_cast<u8*>(pool::Allocate(Size));
        ASSERT_TRUE(B);
        ASSERT_EQ(u64(B) % 16, 0u);
        memset(B, u8(Size), Size);
        Blocks.push_back({ B, Size });
    }
    for (auto [B, Size] : Blocks)
        for (usize I = 0; I < Size; ++I)
            ASSERT_EQ(B[I], u8(Size));
    for (auto [B, Size] : Blocks)
        pool::Free(B);
    EXPECT_EQ(QueryPool().Blocks, 0u);
    EXPECT_EQ(QueryPool().Bytes, 0u);
    pool::Trim();
    EXPECT_EQ(QueryPool().Pages, 0u);
    EXPECT_EQ(PagesLeft, Before);
}

TEST(Pool, RandomUse)
{
    i64 Before = PagesLeft;
    std::mt19937 Random(1);
    std::vector<std::pair<u8*, usize>> Live;
    for (int I = 0; I < 200000; ++I) {
        if (Live.empty() || Random() % 100 < 52) {
            usize Size = Random() % 20 ? Random() % 600 : Random() % 20000;
            u8* B = static_cast<u8*>(pool::Allocate(Size));
            ASSERT_TRUE(B);
            if (Size)
                B[0] = B[Size - 1] = u8(Size);
            Live.push_back({ B, Size });
        } else {
            usize At = Random() % Live.size();
            auto [B, Size] = Live[At];
            if (Size)
                ASSERT_TRUE(B[0] == u8(Size) && B[Size - 1] == u8(Size));
            pool::Free(B);
            Live[At] = Live.back();
            Live.pop_back();
        }
    }
    for (auto [B, Size] : Live)
        pool::Free(B);
    EXPECT_EQ(QueryPool().Blocks, 0u);
    pool::Trim();
    EXPECT_EQ(PagesLeft, Before);
}

TEST(Pool, Exhaustion)
{
    i64 Before = PagesLeft;
    PagesLeft = 3;
    EXPECT_EQ(pool::Allocate(5 * 4096), nullptr);
    std::vector<void*> Blocks;
    while (void* B = pool::Allocate(100))
        Blocks.push_back(B);
    EXPECT_GE(Blocks.size(), 2 * 36u);
    EXPECT_EQ(pool::Allocate(4096), nullptr);
    EXPECT_EQ(pool::Allocate(usize(1) << 60), nullptr);
    for (void* B : Blocks)
        pool::Free(B);
    pool::Trim();
    EXPECT_EQ(PagesLeft, 3);
    PagesLeft = Before;
    pool::Free(nullptr);
    void* Aligned = pool::AllocateAligned(64, 4096);
    EXPECT_EQ(u64(Aligned) % 4096, 0u);
    pool::Free(Aligned);
}

}
