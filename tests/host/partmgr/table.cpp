#include "drivers/storage/partmgr/table.hpp"

#include <gtest/gtest.h>
#include <string.h>

#include <map>
#include <random>
#include <vector>

using namespace partmgr;

namespace {

// A disk that keeps only the sectors that were written.
class MemoryDisk final : public Disk {
public:
    MemoryDisk(uint64_t Sectors, uint32_t Bytes = 512) : Sectors_(Sectors), Bytes_(Bytes) { }
    uint64_t Sectors() const override { return Sectors_; }
    uint32_t SectorBytes() const override { return Bytes_; }
    bool Read(uint64_t Sector, uint32_t Count, void* To) override
    {
        for (uint32_t I = 0; I < Count; ++I, To = static_cast<uint8_t*>(To) + Bytes_) {
            if (Sector + I >= Sectors_ || Sector + I == BadSector)
                return false;
            auto At = Data.find(Sector + I);
            if (At == Data.end())
                memset(To, 0, Bytes_);
            else
                memcpy(To, At->second.data(), Bytes_);
        }
        return true;
    }
    bool Write(uint64_t Sector, uint32_t Count, const void* From) override
    {
        for (uint32_t I = 0; I < Count; ++I, From = static_cast<const uint8_t*>(From) + Bytes_) {
            if (Sector + I >= Sectors_ || !WritesLeft)
                return false;
            --WritesLeft;
            auto* At = static_cast<const uint8_t*>(From);
            Data[Sector + I].assign(At, At + Bytes_);
        }
        return true;
    }
    std::vector<uint8_t>& At(uint64_t Sector)
    {
        auto& V = Data[Sector];
        V.resize(Bytes_);
        return V;
    }
    std::map<uint64_t, std::vector<uint8_t>> Data;
    uint64_t BadSector = ~0ull;
    uint32_t WritesLeft = ~0u;

private:
    uint64_t Sectors_;
    uint32_t Bytes_;
};

void Entry(std::vector<uint8_t>& Table, uint32_t Index, uint8_t Type, uint32_t Start, uint32_t Count, uint8_t Boot = 0)
{
    uint8_t* E = &Table[446 + 16 * Index];
    E[0] = Boot;
    E[4] = Type;
    memcpy(E + 8, &Start, 4);
    memcpy(E + 12, &Count, 4);
    Table[510] = 0x55;
    Table[511] = 0xAA;
}

struct Tables : testing::Test {
    MemoryDisk D { 1'000'000 };
    std::vector<uint8_t> Work = std::vector<uint8_t>(WorkBytes);
    Layout L;
    void Read(Disk& From)
    {
        ASSERT_TRUE(partmgr::Read(From, L, Work.data()));
        Check(From);
    }
    void Read() { Read(D); }
    // What must be true of every answer.
    void Check(const Disk& From)
    {
        ASSERT_LE(L.Count, MaximumPartitions);
        uint64_t Size = From.Sectors() * From.SectorBytes();
        for (uint32_t I = 0; I < L.Count; ++I) {
            const Partition& P = L.Partitions[I];
            ASSERT_EQ(P.Number, I + 1);
            ASSERT_GT(P.Length, 0u);
            ASSERT_LE(P.Start, Size);
            ASSERT_LE(P.Length, Size - P.Start);
            for (uint32_t J = 0; J < I; ++J)
                ASSERT_FALSE(P.Start < L.Partitions[J].Start + L.Partitions[J].Length && L.Partitions[J].Start < P.Start + P.Length);
        }
    }
    uint64_t First(uint32_t I) { return L.Partitions[I].Start / D.SectorBytes(); }
    uint64_t Count(uint32_t I) { return L.Partitions[I].Length / D.SectorBytes(); }
    // A GPT with these partitions, written by the library.
    void MakeGpt(MemoryDisk& On, std::vector<std::pair<uint64_t, uint64_t>> Parts)
    {
        L = {};
        L.What = Style::Gpt;
        L.DiskId.Bytes[0] = 0xD1;
        for (auto& [Start, Length] : Parts) {
            Partition& P = L.Partitions[L.Count];
            P.Start = Start * On.SectorBytes();
            P.Length = Length * On.SectorBytes();
            P.Kind.Bytes[3] = 7;
            P.Id.Bytes[5] = uint8_t(L.Count + 1);
            P.Name[0] = u'x';
            P.Entry = L.Count++;
        }
        ASSERT_EQ(partmgr::Write(On, L, Work.data()), WriteResult::Done);
    }
};

}

TEST_F(Tables, AnEmptyDiskIsRaw)
{
    Read();
    EXPECT_EQ(L.What, Style::Raw);
    ASSERT_EQ(L.Count, 1u);
    EXPECT_EQ(L.Partitions[0].Start, 0u);
    EXPECT_EQ(Count(0), 1'000'000u);
    uint8_t Id[MaximumUniqueId];
    EXPECT_EQ(UniqueId(L, L.Partitions[0], Id), 0u);
}

TEST_F(Tables, AVolumeWithoutATableIsRaw)
{
    auto& S = D.At(0);
    const uint8_t Bpb[] = { 0xEB, 0x58, 0x90, 'm', 'k', 'f', 's', '.', 'f', 'a', 't', 0x00, 0x02, 8, 32, 0, 2, 0, 0, 0, 0, 0xF8 };
    memcpy(S.data(), Bpb, sizeof(Bpb));
    S[510] = 0x55;
    S[511] = 0xAA;
    for (uint32_t I = 446; I < 510; ++I)
        S[I] = uint8_t("Missing operating system"[I % 24]);
    Read();
    EXPECT_EQ(L.What, Style::Raw);
    // The same fields before a table that makes sense.
    memset(&S[446], 0, 64);
    Entry(S, 0, 0x0C, 2048, 1000, 0x80);
    Read();
    EXPECT_EQ(L.What, Style::Mbr);
    EXPECT_EQ(L.Count, 1u);
}

TEST_F(Tables, PrimaryPartitions)
{
    auto& S = D.At(0);
    Entry(S, 0, 0x0C, 2048, 1000, 0x80);
    Entry(S, 2, 0x07, 4096, 996'000 - 96);
    memcpy(&S[440], "\x78\x56\x34\x12", 4);
    Read();
    ASSERT_EQ(L.Count, 2u);
    EXPECT_EQ(L.Signature, 0x12345678u);
    EXPECT_TRUE(L.Partitions[0].Active);
    EXPECT_EQ(L.Partitions[1].Type, 0x07);
    EXPECT_EQ(L.Partitions[1].Entry, 2u);
    EXPECT_EQ(First(1), 4096u);
    EXPECT_EQ(L.Damaged, 0u);
    uint8_t Id[MaximumUniqueId];
    ASSERT_EQ(UniqueId(L, L.Partitions[0], Id), 12u);
    EXPECT_EQ(memcmp(Id, "\x78\x56\x34\x12\0\0\x10\0\0\0\0\0", 12), 0);
}

TEST_F(Tables, WhatCannotBeIsLeftOut)
{
    auto& S = D.At(0);
    Entry(S, 0, 0x0C, 2048, 1000);
    Entry(S, 1, 0x0C, 3000, 1000);          // overlaps
    Entry(S, 2, 0x0C, 999'999, 2);          // too long
    Entry(S, 3, 0x0C, 0, 10);               // the table itself
    Read();
    EXPECT_EQ(L.Count, 1u);
    EXPECT_EQ(L.Damaged, 3u);
    Entry(S, 1, 0x0C, 0xFFFFFFFF, 0xFFFFFFFF);
    Entry(S, 2, 0x0C, 999'999, 1);
    Entry(S, 3, 0x0C, 5000, 0);             // not there
    Read();
    EXPECT_EQ(L.Count, 2u);
    EXPECT_EQ(L.Damaged, 1u);
}

TEST_F(Tables, LogicalPartitions)
{
    Entry(D.At(0), 0, 0x0C, 2048, 1000);
    Entry(D.At(0), 1, 0x0F, 10'000, 100'000);
    Entry(D.At(10'000), 0, 0x0B, 63, 500);
    Entry(D.At(10'000), 1, 0x05, 5'000, 1'000);
    Entry(D.At(15'000), 0, 0x07, 64, 400);
    Read();
    ASSERT_EQ(L.Count, 3u);
    EXPECT_EQ(First(1), 10'063u);
    EXPECT_EQ(First(2), 15'064u);
    EXPECT_TRUE(L.Partitions[2].Logical);
    EXPECT_EQ(L.Partitions[2].HiddenSectors, 64u);
    EXPECT_EQ(L.Damaged, 0u);
}

TEST_F(Tables, ChainsThatGoInACircleOrOutside)
{
    Entry(D.At(0), 0, 0x05, 10'000, 100'000);
    Entry(D.At(10'000), 0, 0x0B, 63, 500);
    Entry(D.At(10'000), 1, 0x05, 5'000, 1'000);
    Entry(D.At(15'000), 0, 0x07, 64, 400);
    Entry(D.At(15'000), 1, 0x05, 5'000, 1'000);     // itself
    Read();
    EXPECT_EQ(L.Count, 2u);
    EXPECT_EQ(L.Damaged, 1u);
    Entry(D.At(15'000), 1, 0x05, 0, 1'000);         // the first one
    Read();
    EXPECT_EQ(L.Count, 2u);
    Entry(D.At(15'000), 1, 0x05, 200'000, 1'000);   // outside
    Read();
    EXPECT_EQ(L.Count, 2u);
    EXPECT_EQ(L.Damaged, 1u);
    Entry(D.At(15'000), 0, 0x07, 64, 200'000);      // reaches outside
    Read();
    EXPECT_EQ(L.Count, 1u);
    D.At(10'000)[511] = 0;
    Read();
    EXPECT_EQ(L.Count, 0u);
    Entry(D.At(0), 0, 0x05, 10'000, 0xFFFFFFF0);
    Read();
    EXPECT_EQ(L.Count, 0u);
}

TEST_F(Tables, AnEndlessChainEnds)
{
    Entry(D.At(0), 0, 0x05, 10'000, 900'000);
    for (uint32_t I = 0; I < 300; ++I) {
        Entry(D.At(10'000 + I * 100), 0, 0x0B, 1, 50);
        Entry(D.At(10'000 + I * 100), 1, 0x05, (I + 1) * 100, 100);
    }
    Read();
    EXPECT_EQ(L.Count, MaximumPartitions);
    EXPECT_GT(L.Damaged, 0u);
}

TEST_F(Tables, Gpt)
{
    for (uint32_t Bytes : { 512u, 4096u }) {
        MemoryDisk G(200'000, Bytes);
        MakeGpt(G, { { 2048, 1000 }, { 4096, 100'000 } });
        Read(G);
        EXPECT_EQ(L.What, Style::Gpt);
        ASSERT_EQ(L.Count, 2u);
        EXPECT_EQ(L.Partitions[1].Start, 4096ull * Bytes);
        EXPECT_EQ(L.Partitions[1].Length, 100'000ull * Bytes);
        EXPECT_EQ(L.Partitions[1].Id.Bytes[5], 2);
        EXPECT_EQ(L.Partitions[1].Name[0], u'x');
        EXPECT_EQ(L.DiskId.Bytes[0], 0xD1);
        EXPECT_EQ(L.Damaged, 0u);
        EXPECT_FALSE(L.FromBackup);
        uint8_t Id[MaximumUniqueId];
        ASSERT_EQ(UniqueId(L, L.Partitions[0], Id), 24u);
        EXPECT_EQ(memcmp(Id, "DMIO:ID:", 8), 0);
    }
}

TEST_F(Tables, TheSecondCopyHelps)
{
    MakeGpt(D, { { 2048, 1000 } });
    for (uint64_t Sector : { uint64_t(1), uint64_t(2) }) {
        auto Keep = D.Data;
        D.At(Sector)[17] ^= 1;
        Read();
        EXPECT_EQ(L.Count, 1u);
        EXPECT_TRUE(L.FromBackup);
        EXPECT_EQ(First(0), 2048u);
        D.Data = Keep;
    }
    D.BadSector = 1;
    Read();
    EXPECT_EQ(L.Count, 1u);
    D.At(999'999)[30] ^= 1;
    Read();
    EXPECT_EQ(L.What, Style::Gpt);
    EXPECT_EQ(L.Count, 0u);
}

TEST_F(Tables, AGptThatLies)
{
    // Entries that overlap, lie outside or end before they begin, under good checksums.
    MakeGpt(D, { { 2048, 1000 }, { 4096, 1000 }, { 8192, 1000 }, { 16384, 1000 } });
    auto Set = [&](uint32_t Index, uint64_t First, uint64_t Last) {
        memcpy(&D.At(2)[128 * Index + 32], &First, 8);
        memcpy(&D.At(2)[128 * Index + 40], &Last, 8);
    };
    Set(1, 2500, 2600);
    Set(2, 100, 50);
    Set(3, 999'990, 2'000'000);
    uint32_t Crc = 0;
    for (uint32_t I = 0; I < 32; ++I)
        Crc = Crc32(Crc, D.At(2 + I).data(), 512);
    auto& H = D.At(1);
    auto Seal = [&] {
        memset(&H[16], 0, 4);
        uint32_t Sum = Crc32(0, H.data(), 92);
        memcpy(&H[16], &Sum, 4);
    };
    memcpy(&H[88], &Crc, 4);
    Seal();
    Read();
    EXPECT_FALSE(L.FromBackup);
    EXPECT_EQ(L.Count, 1u);
    EXPECT_EQ(L.Damaged, 3u);
    // Header fields that cannot be, sealed: the other copy is used.
    struct {
        uint32_t At;
        uint64_t Value;
        uint32_t Bytes;
    } Lies[] = { { 80, 0, 4 }, { 80, 0xFFFFFFFF, 4 }, { 84, 127, 4 }, { 84, 0xFFFFFFF8, 4 }, { 72, 0, 8 }, { 72, ~0ull, 8 }, { 40, ~0ull, 8 }, { 48, ~0ull, 8 }, { 24, 5, 8 }, { 12, 4, 4 }, { 12, 600, 4 } };
    for (auto& Lie : Lies) {
        auto Keep = H;
        memcpy(&H[Lie.At], &Lie.Value, Lie.Bytes);
        Seal();
        Read();
        EXPECT_TRUE(L.FromBackup) << Lie.At;
        EXPECT_EQ(L.Count, 4u);
        H = Keep;
    }
}

TEST_F(Tables, WrittenTablesAreReadAgain)
{
    memset(D.At(0).data(), 0x90, 440);
    D.At(0)[510] = 0x55;
    D.At(0)[511] = 0xAA;
    L = {};
    L.What = Style::Mbr;
    L.Signature = 42;
    L.Count = 2;
    L.Partitions[0] = { .Start = 1 << 20, .Length = 5 << 20, .Number = 1, .Type = 0x0C, .Active = true };
    L.Partitions[1] = { .Start = 8 << 20, .Length = 9 << 20, .Number = 3, .Type = 0x07 };
    ASSERT_EQ(partmgr::Write(D, L, Work.data()), WriteResult::Done);
    Layout Wrote = L;
    Read();
    ASSERT_EQ(L.Count, 2u);
    EXPECT_EQ(L.Signature, 42u);
    EXPECT_EQ(L.Partitions[1].Start, Wrote.Partitions[1].Start);
    EXPECT_EQ(L.Partitions[1].Entry, 2u);
    EXPECT_TRUE(L.Partitions[0].Active);
    EXPECT_EQ(D.At(0)[0], 0x90);            // the boot code
}

TEST_F(Tables, WhatMakesNoSenseIsNotWritten)
{
    auto Try = [&](Partition P, Partition Q, Style What) {
        L = {};
        L.What = What;
        L.Count = 2;
        P.Kind.Bytes[0] = Q.Kind.Bytes[0] = 1;
        Q.Entry = 1;
        L.Partitions[0] = P;
        L.Partitions[1] = Q;
        return partmgr::Write(D, L, Work.data());
    };
    Partition Good { .Start = 1 << 20, .Length = 5 << 20, .Number = 1, .Type = 0x0C }, Other { .Start = 8 << 20, .Length = 1 << 20, .Number = 2, .Type = 0x0C };
    for (Style S : { Style::Mbr, Style::Gpt }) {
        EXPECT_EQ(Try(Good, Other, S), WriteResult::Done);
        auto Bad = [&](auto Change) {
            Partition Q = Other;
            Change(Q);
            return Try(Good, Q, S);
        };
        EXPECT_EQ(Bad([](Partition& Q) { Q.Start = 3 << 20; }), WriteResult::Invalid);
        EXPECT_EQ(Bad([](Partition& Q) { Q.Start = 0; }), WriteResult::Invalid);
        EXPECT_EQ(Bad([](Partition& Q) { Q.Length = 0; }), WriteResult::Invalid);
        EXPECT_EQ(Bad([](Partition& Q) { Q.Length = 100; }), WriteResult::Invalid);
        EXPECT_EQ(Bad([](Partition& Q) { Q.Length = 1ull << 62; }), WriteResult::Invalid);
        EXPECT_EQ(Bad([](Partition& Q) { Q.Logical = true; }), WriteResult::Invalid);
    }
    EXPECT_EQ(Try(Good, { .Start = 8 << 20, .Length = 512, .Number = 1, .Type = 1 }, Style::Mbr), WriteResult::Invalid);
    EXPECT_EQ(Try(Good, { .Start = 8 << 20, .Length = 512, .Number = 5, .Type = 1 }, Style::Mbr), WriteResult::Invalid);
    EXPECT_EQ(Try(Good, { .Start = 8 << 20, .Length = 512, .Number = 2, .Type = 5 }, Style::Mbr), WriteResult::Invalid);
    MemoryDisk Small(40);
    EXPECT_EQ(partmgr::Write(Small, L, Work.data()), WriteResult::Invalid);
}

// A new GPT in place of another: after every write there is the old one or the new one.
TEST_F(Tables, PowerFailsWhileAGptIsWritten)
{
    MakeGpt(D, { { 2048, 1000 } });
    auto Before = D.Data;
    bool Done = false;
    for (uint32_t Writes = 0; !Done; ++Writes) {
        D.Data = Before;
        Layout New = {};
        New.What = Style::Gpt;
        New.Count = 1;
        New.Partitions[0] = { .Start = 4096 * 512, .Length = 512'000, .Entry = 7 };
        New.Partitions[0].Kind.Bytes[0] = 1;
        D.WritesLeft = Writes;
        Done = partmgr::Write(D, New, Work.data()) == WriteResult::Done;
        D.WritesLeft = ~0u;
        Read();
        ASSERT_EQ(L.Count, 1u);
        ASSERT_TRUE(First(0) == 2048 || First(0) == 4096);
        ASSERT_TRUE(!Done || First(0) == 4096);
    }
}

TEST_F(Tables, AnythingAtAll)
{
    std::mt19937 Random(1);
    for (int Round = 0; Round < 3000; ++Round) {
        MemoryDisk R(Random() % 4 ? 100'000 : Random() % 100, Random() % 8 ? 512 : 4096);
        if (Round % 3 == 0 && R.Sectors() > 5000)
            MakeGpt(R, { { 2048, 100 }, { 3000, 50 } });
        else if (R.Sectors())
            Entry(R.At(0), Random() % 4, Random() % 2 ? 0x05 : uint8_t(Random()), Random() % 100'000, Random() % 100'000);
        for (int I = Random() % 20; I && R.Sectors(); --I) {
            auto At = R.Data.begin();
            std::advance(At, Random() % R.Data.size());
            for (int J = Random() % 10; J; --J)
                At->second[Random() % At->second.size()] = uint8_t(Random());
            if (Random() % 3 == 0)
                Entry(R.At(Random() % R.Sectors()), Random() % 2, Random() % 2 ? 0x05 : 0x07, Random() % 100'000, Random() % 1000);
        }
        if (partmgr::Read(R, L, Work.data()))
            Check(R);
        else
            EXPECT_EQ(R.Sectors(), 0u);
    }
}
