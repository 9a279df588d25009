// The virtual memory services against a model of every page: random calls, and after each, what the answers, the accounts and the
// hardware's tables must be.
#include <random>

#include "tests/host/mm/system.hpp"

using namespace mm;

namespace {

constexpr u64 First = 0x4000'0000 - 8 * AllocationGranularity;      // across the reach of a table and a directory
constexpr u32 Pages = 16 * 16;

enum State : u8 { Free, Reserved, Committed };
struct Page {
    State Is = Free;
    u32 Owner = 0;                      // pages of one range have the same
    u32 Protect = 0;
    bool Guard = false;
    u8 Byte = 0;                        // at its first byte
};

bool MayRead(const Page& P) { return P.Is == Committed && P.Protect != PAGE_NOACCESS; }
bool MayWrite(const Page& P) { return P.Is == Committed && (P.Protect == PAGE_READWRITE || P.Protect == PAGE_EXECUTE_READWRITE); }

class Model {
public:
    Model(test::Client& C, u32 Seed) : C_(C), Random_(Seed), Others_(C.Space().PrivatePages) { }

    void Step()
    {
        switch (Pick(12)) {
        case 0:
        case 1: Reserve(); break;
        case 2:
        case 3: Commit(); break;
        case 4: Decommit(); break;
        case 5: Release(); break;
        case 6:
        case 7: Protect(); break;
        default: Access(); break;
        }
        Query(Pick(Pages));
        u64 Charged = 0;
        for (const Page& P : P_)
            Charged += P.Is == Committed;
        ASSERT_EQ(C_.Space().PrivatePages, Charged + Others_);
    }
    void CheckHardware()
    {
        for (u32 I = 0; I < Pages; ++I) {
            u8 Byte;
            if (!fake::ReadClient(C_.Space().Pml4(), At(I), &Byte, 1)) {
                ASSERT_TRUE(MayRead(P_[I]) && !P_[I].Guard) << I;
                ASSERT_EQ(Byte, P_[I].Byte) << I;
            }
            Byte = P_[I].Byte;
            if (!fake::WriteClient(C_.Space().Pml4(), At(I), &Byte, 1))
                ASSERT_TRUE(MayWrite(P_[I]) && !P_[I].Guard) << I;
        }
        ASSERT_EQ(fake::StrayMappings(), 0u);
    }
    void ReleaseAll()
    {
        for (u32 I = 0; I < Pages; ++I) {
            if (P_[I].Is == Free)
                continue;
            u64 Base = At(I), Size = 0;
            ASSERT_EQ(C_.Free(Base, Size, MEM_RELEASE), STATUS_SUCCESS);
            u32 Owner = P_[I].Owner;
            for (u32 J = I; J < Pages && P_[J].Owner == Owner; ++J)
                P_[J] = {};
        }
    }

private:
    u32 Pick(u32 Below) { return u32(Random_() % Below); }
    static u64 At(u32 Index) { return First + (u64(Index) << PageShift); }
    u32 AnyProtect()
    {
        static constexpr u32 All[] = { PAGE_NOACCESS, PAGE_READONLY, PAGE_READWRITE, PAGE_READWRITE, PAGE_EXECUTE_READ, PAGE_EXECUTE_READWRITE };
        return All[Pick(6)];
    }
    bool AnyGuard(u32 Protect) { return Protect != PAGE_NOACCESS && Pick(6) == 0; }
    void Range(u32& From, u32& Count)
    {
        From = Pick(Pages);
        Count = 1 + Pick(Pick(3) ? 8 : 64);
        if (From + Count > Pages)
            Count = Pages - From;
    }
    // Whether all pages are in one range.
    bool OneOwner(u32 From, u32 Count)
    {
        for (u32 I = From; I < From + Count; ++I)
            if (P_[I].Is == Free || P_[I].Owner != P_[From].Owner)
                return false;
        return true;
    }
    void Touchy(u32 From, u32 Count, u32 Protect, bool Guard)
    {
        for (u32 I = From; I < From + Count; ++I) {
            if (P_[I].Is != Committed)
                P_[I].Byte = 0;
            P_[I].Is = Committed;
            P_[I].Protect = Protect;
            P_[I].Guard = Guard;
        }
    }

    void Reserve()
    {
        u32 From = Pick(Pages / 16) * 16, Count = 1 + Pick(40);
        if (From + Count > Pages)
            Count = Pages - From;
        u32 Protect = AnyProtect();
        bool Also = Pick(2), Guard = AnyGuard(Protect), Clash = false;
        for (u32 I = From; I < From + Count; ++I)
            Clash |= P_[I].Is != Free;
        u64 Base = At(From) + Pick(100), Size = (u64(Count) << PageShift) - Pick(4) * 1000 - (Base & PageMask);
        if (AlignUp(Base + Size, PageSize) != At(From + Count))
            Size = At(From + Count) - Base;
        NTSTATUS S = C_.Allocate(Base, Size, MEM_RESERVE | (Also ? MEM_COMMIT : 0), Protect | (Guard ? PAGE_GUARD : 0));
        ASSERT_EQ(S, Clash ? STATUS_CONFLICTING_ADDRESSES : STATUS_SUCCESS);
        if (Clash)
            return;
        ASSERT_EQ(Base, At(From));
        ASSERT_EQ(Size, u64(Count) << PageShift);
        ++Owners_;
        for (u32 I = From; I < From + Count; ++I)
            P_[I] = { Reserved, Owners_ };
        if (Also)
            Touchy(From, Count, Protect, Guard);
    }
    void Commit()
    {
        u32 From, Count, Protect = AnyProtect();
        Range(From, Count);
        bool Guard = AnyGuard(Protect);
        u64 Base = At(From), Size = u64(Count) << PageShift;
        bool Good = OneOwner(From, Count);
        NTSTATUS S = C_.Allocate(Base, Size, MEM_COMMIT, Protect | (Guard ? PAGE_GUARD : 0));
        ASSERT_EQ(S, Good ? STATUS_SUCCESS : STATUS_CONFLICTING_ADDRESSES);
        if (Good)
            Touchy(From, Count, Protect, Guard);
    }
    void Decommit()
    {
        u32 From, Count;
        Range(From, Count);
        u64 Base = At(From), Size = u64(Count) << PageShift;
        bool Good = OneOwner(From, Count);
        NTSTATUS S = C_.Free(Base, Size, MEM_DECOMMIT);
        ASSERT_EQ(S, Good ? STATUS_SUCCESS : P_[From].Is == Free ? STATUS_MEMORY_NOT_ALLOCATED : STATUS_UNABLE_TO_FREE_VM);
        if (Good)
            for (u32 I = From; I < From + Count; ++I)
                P_[I] = { Reserved, P_[I].Owner };
    }
    void Release()
    {
        u32 From, Count;
        Range(From, Count);
        bool Whole = Pick(2);
        if (Whole) {
            u64 Base = At(From), Size = 0;
            bool Begins = P_[From].Is != Free && (From == 0 || P_[From - 1].Owner != P_[From].Owner);
            NTSTATUS S = C_.Free(Base, Size, MEM_RELEASE);
            ASSERT_EQ(S, Begins ? STATUS_SUCCESS : P_[From].Is == Free ? STATUS_MEMORY_NOT_ALLOCATED : STATUS_FREE_VM_NOT_AT_BASE);
            if (Begins)
                for (u32 I = From, Owner = P_[From].Owner; I < Pages && P_[I].Owner == Owner && P_[I].Is != Free; ++I)
                    P_[I] = {};
            return;
        }
        bool Good = OneOwner(From, Count);
        u64 Base = At(From), Size = u64(Count) << PageShift;
        NTSTATUS S = C_.Free(Base, Size, MEM_RELEASE);
        ASSERT_EQ(S, Good ? STATUS_SUCCESS : P_[From].Is == Free ? STATUS_MEMORY_NOT_ALLOCATED : STATUS_UNABLE_TO_FREE_VM);
        if (!Good)
            return;
        // What is behind becomes a range of its own.
        u32 Owner = P_[From].Owner;
        ++Owners_;
        for (u32 I = From + Count; I < Pages && P_[I].Owner == Owner && P_[I].Is != Free; ++I)
            P_[I].Owner = Owners_;
        for (u32 I = From; I < From + Count; ++I)
            P_[I] = {};
    }
    void Protect()
    {
        u32 From, Count, New = AnyProtect(), Old;
        Range(From, Count);
        bool Guard = AnyGuard(New), Good = OneOwner(From, Count), All = true;
        for (u32 I = From; I < From + Count; ++I)
            All &= P_[I].Is == Committed;
        u64 Base = At(From), Size = u64(Count) << PageShift;
        NTSTATUS S = C_.Protect(Base, Size, New | (Guard ? PAGE_GUARD : 0), Old);
        ASSERT_EQ(S, !Good ? STATUS_CONFLICTING_ADDRESSES : !All ? STATUS_NOT_COMMITTED : STATUS_SUCCESS);
        if (!Good || !All)
            return;
        ASSERT_EQ(Old, P_[From].Protect | (P_[From].Guard ? PAGE_GUARD : 0));
        Touchy(From, Count, New, Guard);
    }
    void Access()
    {
        u32 I = Pick(Pages);
        Page& P = P_[I];
        bool Writes = Pick(2), Executive = Pick(2);
        NTSTATUS Expected = !(Writes ? MayWrite(P) : MayRead(P)) ? STATUS_ACCESS_VIOLATION : P.Guard ? STATUS_GUARD_PAGE_VIOLATION : STATUS_SUCCESS;
        u8 Byte = u8(Pick(256));
        NTSTATUS S;
        if (Executive)
            S = Writes ? CopyToUser(C_.Process(), At(I), &Byte, 1).Code() : CopyFromUser(C_.Process(), &Byte, At(I), 1).Code();
        else
            S = Writes ? C_.Poke(At(I), Byte) : C_.Peek(At(I), Byte);
        ASSERT_EQ(S, Expected) << "page " << I << (Writes ? " written" : " read") << (Executive ? " by the Executive" : "");
        if (Expected == STATUS_GUARD_PAGE_VIOLATION)
            P.Guard = false;
        if (Expected != STATUS_SUCCESS)
            return;
        if (Writes)
            P.Byte = Byte;
        else
            ASSERT_EQ(Byte, P.Byte);
    }
    void Query(u32 I)
    {
        MEMORY_BASIC_INFORMATION Info = C_.Query(At(I));
        const Page& P = P_[I];
        ASSERT_EQ(reinterpret_cast<u64>(Info.BaseAddress), At(I));
        ASSERT_EQ(Info.State, P.Is == Free ? MEM_FREE : P.Is == Reserved ? MEM_RESERVE : MEM_COMMIT);
        ASSERT_EQ(Info.Protect, P.Is == Free ? PAGE_NOACCESS : P.Is == Reserved ? 0 : P.Protect | (P.Guard ? PAGE_GUARD : 0));
        u32 End = I;
        while (End < Pages && P_[End].Is == P.Is && P_[End].Owner == P.Owner && P_[End].Protect == P.Protect && P_[End].Guard == P.Guard)
            ++End;
        if (End < Pages || P.Is != Free)
            ASSERT_EQ(Info.RegionSize, u64(End - I) << PageShift);
        ASSERT_EQ(Info.Type, P.Is == Free ? 0 : MEM_PRIVATE);
    }

    test::Client& C_;
    std::mt19937_64 Random_;
    u64 Others_;
    u32 Owners_ = 0;
    Page P_[Pages];
};

}

TEST(Model, RandomCalls)
{
    test::Balance B;
    for (u32 Seed = 1; Seed <= 60 && !::testing::Test::HasFailure(); ++Seed) {
        SCOPED_TRACE(Seed);
        test::Client C;
        C.Put(511, 0);                  // the arguments' page is there
        Model M(C, Seed);
        for (u32 I = 0; I < 1500 && !::testing::Test::HasFailure(); ++I) {
            M.Step();
            if (I % 50 == 0)
                M.CheckHardware();
        }
        if (Seed & 1 && !::testing::Test::HasFailure())
            M.ReleaseAll();             // the others are left to the end of the process
    }
    if (!::testing::Test::HasFailure())
        B.Check();
}
