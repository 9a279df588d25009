// A pager of the test's own: a file in a vector, requests that end when, how and in which order the test wants.
#pragma once
#include <map>
#include <random>
#include <set>

#include "ntos/mm/paging.hpp"
#include "tests/host/mm/system.hpp"

namespace test {

// An activity whose end the test sees.
class Run final : public ke::Activity {
public:
    template <typename F> explicit Run(F&& Make)
    {
        Status S;
        if (Start(std::forward<F>(Make), S))
            Outcome = S.Code();
    }
    bool HasEnded() const { return Outcome != STATUS_PENDING; }
    NTSTATUS Outcome = STATUS_PENDING;

private:
    void Completed(Status S) override { Outcome = S.Code(); }
};

class FilePager final : public mm::Pager {
public:
    explicit FilePager(usize Bytes = 0) : File(Bytes)
    {
        for (usize I = 0; I < Bytes; ++I)
            File[I] = Original(I);
    }
    ~FilePager() { EXPECT_TRUE(Waiting.empty()); }
    static u8 Original(u64 At) { return u8(At * 7 + (At >> 12) * 31 + 3); }

    void Read(mm::PageIo& Io) override { Take(Io); }
    void Write(mm::PageIo& Io) override { Take(Io); }
    void Flush(mm::PageIo& Io) override
    {
        ++Flushes;
        Take(Io);
    }
    // Ends request I of those that wait.
    void End(usize I, NTSTATUS Outcome = STATUS_SUCCESS)
    {
        mm::PageIo& Io = *Waiting[I];
        Waiting.erase(Waiting.begin() + long(I));
        Limit = Limits.count(&Io) ? Limits[&Io] : ~u64(0);
        Limits.erase(&Io);
        u64 Done = 0;
        if (Outcome == STATUS_SUCCESS)
            Done = Io.What == mm::PageIo::Kind::Read ? Fill(Io) : Io.What == mm::PageIo::Kind::Write ? Store(Io) : 0;
        Io.Complete(Outcome, Done);
        ke::RunReadyActivities();
    }
    void EndAll()
    {
        ke::RunReadyActivities();
        while (!Waiting.empty())
            End(0);
    }
    // The file becomes shorter, as a file system does it: what is under way does not write behind the new end any more.
    void Truncate(u64 Bytes)
    {
        if (File.size() > Bytes)
            File.resize(Bytes);
        for (mm::PageIo* Io : Waiting)
            if (!Limits.count(Io) || Limits[Io] > Bytes)
                Limits[Io] = Bytes;
    }
    usize Count(mm::PageIo::Kind What) const
    {
        usize N = 0;
        for (mm::PageIo* Io : Waiting)
            N += Io->What == What;
        return N;
    }

    std::vector<u8> File;
    std::vector<mm::PageIo*> Waiting;
    bool Delay = true;                  // else they end at once
    NTSTATUS Fails = STATUS_SUCCESS;    // what ends at once does so with this
    u32 Reads = 0, Writes = 0, Flushes = 0, Largest = 0;
    std::vector<u64> Written;           // offsets, in the order they came

private:
    std::map<mm::PageIo*, u64> Limits;
    u64 Limit = 0;
    void Take(mm::PageIo& Io)
    {
        // The rules of pager.hpp.
        EXPECT_EQ(Io.Offset & PageMask, 0u);
        EXPECT_EQ(Io.Bytes & PageMask, 0u);
        EXPECT_EQ(Io.Frames.size(), Io.Bytes >> PageShift);
        EXPECT_LE(Io.Useful, Io.Bytes);
        for (mm::Pfn Frame : Io.Frames)
            EXPECT_GE(mm::EntryOf(Frame).References, 2u);
        for (mm::PageIo* Other : Waiting)
            EXPECT_FALSE(Io.Bytes && Other->Bytes && Io.Offset < Other->Offset + Other->Bytes && Other->Offset < Io.Offset + Io.Bytes) << "two requests overlap";
        if (Io.What == mm::PageIo::Kind::Read)
            ++Reads;
        if (Io.What == mm::PageIo::Kind::Write) {
            ++Writes;
            Written.push_back(Io.Offset);
        }
        Largest = std::max(Largest, Io.Bytes);
        Waiting.push_back(&Io);
        if (!Delay)
            End(Waiting.size() - 1, Fails);
    }
    u64 Fill(mm::PageIo& Io)
    {
        u64 Done = Io.Offset < File.size() ? std::min<u64>(Io.Bytes, File.size() - Io.Offset) : 0;
        for (u64 At = 0; At < Io.Bytes; ++At)   // behind the end comes rubbish, as of a disk
            mm::PageAddress(Io.Frames[At >> PageShift])[At & PageMask] = At < Done ? File[Io.Offset + At] : 0xEE;
        return Done;
    }
    u64 Store(mm::PageIo& Io)
    {
        u64 End = std::min<u64>(Io.Offset + Io.Useful, Limit);
        if (File.size() < End)
            File.resize(End);
        for (u64 At = 0; Io.Offset + At < End; ++At)
            File[Io.Offset + At] = mm::PageAddress(Io.Frames[At >> PageShift])[At & PageMask];
        return Io.Useful;
    }
};

inline Ref<mm::PageStore> MakePaged(FilePager& Of)
{
    Begin();
    return MUST(mm::PageStore::CreatePaged(Of, Of.File.size(), Of.File.size()));
}

}
