// A hive's files: base block, log, recovery.
#include <string.h>

#include "lib/regf/format.hpp"
#include "lib/regf/regf.hpp"

namespace regf {

using namespace nt;

static u32 ChecksumOf(const u8* Block)
{
    u32 Sum = 0;
    for (u32 I = 0; I < 508; I += 4) {
        u32 Word;
        memcpy(&Word, Block + I, 4);
        Sum ^= Word;
    }
    return Sum == 0 ? 1 : Sum == 0xFFFFFFFF ? 0xFFFFFFFE : Sum;
}

static bool GoodBase(const disk::Base& B, u32 Type)
{
    return B.Signature == disk::Base::Magic && B.Checksum == ChecksumOf(reinterpret_cast<const u8*>(&B)) && B.Major == 1 && B.Minor >= 3 && B.Minor <= 6 &&
           B.Type == Type && B.Format == 1 && B.BinsSize % Space::Page == 0 && B.BinsSize <= MaximumSize;
}

// Sequence numbers wrap around.
static bool IsBefore(u32 A, u32 B) { return i32(A - B) < 0; }

void Store::SetName(Text FileName)
{
    usize Skip = FileName.size() > 31 ? FileName.size() - 31 : 0;
    memset(Name_, 0, sizeof(Name_));
    for (usize I = Skip; I < FileName.size(); ++I)
        Name_[I - Skip] = u16(FileName[I]);
}

void Store::MakeBase(u8* To, u32 Type, u32 Primary, u32 Secondary) const
{
    disk::Base B {};
    B.Signature = disk::Base::Magic;
    B.Primary = Primary;
    B.Secondary = Secondary;
    B.LastWritten = Hive_.Around().Now ? Hive_.Around().Now() : 0;
    B.Major = 1;
    B.Minor = 5;
    B.Type = Type;
    B.Format = 1;
    B.Root = Hive_.Root();
    B.BinsSize = Type == disk::Base::PrimaryType ? WrittenSize_ : Hive_.Bins().Size();
    B.Clustering = 1;
    memcpy(B.Name, Name_, sizeof(B.Name));
    memcpy(To, &B, sizeof(B));
    B.Checksum = ChecksumOf(To);
    memcpy(To, &B, sizeof(B));
}

Status Store::WriteBase(u32 Primary, u32 Secondary)
{
    u8 Block[512];
    MakeBase(Block, disk::Base::PrimaryType, Primary, Secondary);
    TRY(Primary_.WriteAt(0, Block, sizeof(Block)));
    return Primary_.Flush();
}

Status Store::Create()
{
    WrittenSize_ = Hive_.Bins().Size();
    Vector<u8> Empty;
    TRY(Empty.Resize(disk::BaseBlock));
    // What logs say is of another hive, and must not be applied to this one.
    for (File* Log : Logs_)
        if (Log && TRY(Log->Size()) >= sizeof(disk::Base)) {
            TRY(Log->WriteAt(0, Empty.Data(), sizeof(disk::Base)));
            TRY(Log->Flush());
        }
    // Until all is there the file is no hive.
    if (TRY(Primary_.Size()) < disk::BaseBlock + WrittenSize_)
        TRY(Primary_.Extend(disk::BaseBlock + WrittenSize_));
    TRY(Primary_.WriteAt(0, Empty.Data(), Empty.Size()));
    TRY(Primary_.WriteAt(disk::BaseBlock, Hive_.Bins().Data(), WrittenSize_));
    TRY(Primary_.Flush());
    TRY(WriteBase(Sequence_, Sequence_));
    WrittenSequence_ = Sequence_;
    Hive_.Bins().Unlogged.Clear();
    Hive_.Bins().Unwritten.Clear();
    MarkedDirty_ = LogStarted_ = false;
    Current_ = 0;
    LogEnd_ = 0;
    if (!Logs_[0] || !Logs_[1])
        return STATUS_SUCCESS;
    // From the start there is a second base block to be had.
    TRY(StartLog(Sequence_ + 1));
    return Logs_[0]->Flush();
}

// --- opening

// The contents of a log that has a sound base block; First: the sequence number of its first entry.
Status Store::ReadLog(u32 Which, Vector<u8>& Whole, u32& First) const
{
    if (!Logs_[Which])
        return STATUS_NOT_FOUND;
    u64 Size = TRY(Logs_[Which]->Size());
    if (Size < sizeof(disk::Base) || Size > 2 * u64(MaximumSize))
        return STATUS_NOT_FOUND;
    TRY(Whole.Resize(Size));
    TRY(Logs_[Which]->ReadAt(0, Whole.Data(), Size));
    disk::Base B;
    memcpy(&B, Whole.Data(), sizeof(B));
    if (!GoodBase(B, disk::Base::LogType) || B.Primary != B.Secondary)
        return STATUS_NOT_FOUND;
    First = B.Primary;
    return STATUS_SUCCESS;
}

u32 Store::NewestLog(Vector<u8>& Whole, u32& First) const
{
    u32 Newest = NoLog;
    for (u32 I = 0; I < 2; ++I) {
        Vector<u8> Log;
        u32 Sequence;
        if (!ReadLog(I, Log, Sequence).Ok() || (Newest != NoLog && IsBefore(Sequence, First)))
            continue;
        Newest = I;
        First = Sequence;
        Whole = std::move(Log);
    }
    return Newest;
}

// Whether a sound entry with this sequence number is at At.
static bool GoodEntry(std::span<const u8> Log, usize At, u32 Sequence, disk::LogEntry& E)
{
    if (Log.size() - At < sizeof(E))
        return false;
    memcpy(&E, &Log[At], sizeof(E));
    if (E.Signature != disk::LogEntry::Magic || E.Sequence != Sequence || E.Size < 512 || E.Size % 512 || E.Size > Log.size() - At)
        return false;
    if (!E.BinsSize || E.BinsSize % Space::Page || E.BinsSize > MaximumSize || E.Pages > (E.Size - sizeof(E)) / sizeof(disk::PageReference))
        return false;
    if (E.Hash2 != Marvin32(Log.subspan(At, 32)) || E.Hash1 != Marvin32(Log.subspan(At + sizeof(E), E.Size - sizeof(E))))
        return false;
    u64 Data = sizeof(E) + u64(E.Pages) * sizeof(disk::PageReference);
    for (u32 I = 0; I < E.Pages; ++I) {
        disk::PageReference P;
        memcpy(&P, &Log[At + sizeof(E) + I * sizeof(P)], sizeof(P));
        Data += P.Size;
        if (Data > E.Size || P.Offset > E.BinsSize || P.Size > E.BinsSize - P.Offset)
            return false;
    }
    return true;
}

// Applies to Bins what the logs hold from PrimarySequence on. BaseIsGood false: the primary's numbers are unknown, and the newest log counts.
Status Store::Apply(Vector<u8>& Bins, u32 PrimarySequence, bool BaseIsGood, u32& Last, u32& Applied)
{
    Vector<u8> Logs[2];
    u32 First[2] = {};
    bool Has[2];
    for (u32 I = 0; I < 2; ++I) {
        Status S = ReadLog(I, Logs[I], First[I]);
        Has[I] = S.Ok();
        if (!S.Ok() && S != STATUS_NOT_FOUND)
            return S;
    }
    u32 Order[2] = { 0, 1 };
    if (Has[0] && Has[1] && IsBefore(First[1], First[0]))
        std::swap(Order[0], Order[1]);
    for (u32 Which : Order) {
        if (!Has[Which] || (!BaseIsGood && Which == Order[0] && Has[Order[1]]))
            continue;
        std::span<const u8> Log = Logs[Which].Span();
        disk::LogEntry E;
        u32 Sequence = First[Which];
        for (usize At = 512; At < Log.size() && GoodEntry(Log, At, Sequence, E); At += E.Size, ++Sequence) {
            if (BaseIsGood && IsBefore(Sequence, PrimarySequence))
                continue;
            if (Applied ? Sequence != Last + 1 : BaseIsGood && Sequence != PrimarySequence)
                break;                  // one is missing before it
            TRY(Bins.Resize(E.BinsSize));
            usize Data = At + sizeof(E) + E.Pages * sizeof(disk::PageReference);
            for (u32 I = 0; I < E.Pages; ++I) {
                disk::PageReference P;
                memcpy(&P, &Log[At + sizeof(E) + I * sizeof(P)], sizeof(P));
                memcpy(Bins.Data() + P.Offset, &Log[Data], P.Size);
                Data += P.Size;
            }
            Last = Sequence;
            ++Applied;
            Current_ = Which;
        }
    }
    return STATUS_SUCCESS;
}

Result<bool> Store::IsUnfinished()
{
    u64 Size = TRY(Primary_.Size());
    disk::Base B {};
    TRY(Primary_.ReadAt(0, &B, Size < sizeof(B) ? Size : sizeof(B)));
    const u8* Byte = reinterpret_cast<const u8*>(&B);
    for (usize I = 0; I < sizeof(B); ++I)
        if (Byte[I])
            return false;
    Vector<u8> Log;
    u32 First;
    return NewestLog(Log, First) == NoLog;
}

Status Store::Open()
{
    u64 Size = TRY(Primary_.Size());
    if (Size < sizeof(disk::Base))
        return STATUS_NOT_REGISTRY_FILE;
    disk::Base B;
    TRY(Primary_.ReadAt(0, &B, sizeof(B)));
    bool Good = GoodBase(B, disk::Base::PrimaryType);
    u32 Root = B.Root;
    if (!Good) {
        // A log's copy tells where the root is.
        Vector<u8> Log;
        u32 First;
        if (NewestLog(Log, First) == NoLog)
            return B.Signature == disk::Base::Magic ? STATUS_REGISTRY_CORRUPT : STATUS_NOT_REGISTRY_FILE;
        memcpy(&B, Log.Data(), sizeof(B));
        B.Primary = First - 1;          // of the entry before the first
        Root = B.Root;
    }
    memcpy(Name_, B.Name, sizeof(Name_));
    u64 Has = Size > disk::BaseBlock ? Size - disk::BaseBlock : 0;
    Vector<u8> Bins;
    TRY(Bins.Resize(Has < B.BinsSize ? Has / Space::Page * Space::Page : B.BinsSize));
    bool Short = Bins.Size() < B.BinsSize;
    if (!Bins.IsEmpty())
        TRY(Primary_.ReadAt(disk::BaseBlock, Bins.Data(), Bins.Size()));
    bool Dirty = !Good || B.Primary != B.Secondary;
    u32 Last = B.Primary, Applied = 0;
    usize Before = Bins.Size();
    Vector<u8> Clean;
    if (Dirty) {
        TRY(Clean.Resize(Before));
        if (Before)
            memcpy(Clean.Data(), Bins.Data(), Before);
        TRY(Apply(Bins, B.Primary, Good, Last, Applied));
    }
    TRY(Hive_.Adopt(std::move(Bins), Root));
    Space& S = Hive_.Bins();
    // What the logs brought is not in the primary file yet.
    for (u32 P = 0; Dirty && P < S.Size() / Space::Page; ++P)
        if (usize(P + 1) * Space::Page > Before || memcmp(S.Data() + P * Space::Page, Clean.Data() + P * Space::Page, Space::Page) != 0)
            S.Touch(P * Space::Page, Space::Page);
    if (!Applied) {
        // The log that was written last keeps its base block: the other one is used next.
        Vector<u8> Log;
        u32 First;
        u32 Newest = NewestLog(Log, First);
        Current_ = Newest == NoLog ? 1 : Newest;
    }
    Current_ ^= 1;
    Sequence_ = Last;
    WrittenSequence_ = Last;
    WrittenSize_ = B.BinsSize;
    MarkedDirty_ = LogStarted_ = false;
    if (Dirty && !ReadOnly_) {
        // The pages go to the primary file now. It is marked dirty and the logs are whole: a power cut here leads to the same again.
        TRY(WritePages(S.Unwritten));
        WrittenSize_ = S.Size();
        TRY(WriteBase(Sequence_, Sequence_));
        S.Unwritten.Clear();
        S.Unlogged.Clear();
    }
    return Applied || Short || Hive_.Mended() ? STATUS_REGISTRY_RECOVERED : STATUS_SUCCESS;
}

// --- writing

Status Store::WritePages(const Space::PageSet& Pages)
{
    const Space& S = Hive_.Bins();
    u64 Need = disk::BaseBlock + u64(S.Size());
    if (TRY(Primary_.Size()) < Need)
        TRY(Primary_.Extend(Need));
    for (u32 P = 0, End; P < S.Size() / Space::Page; P = End) {
        End = P + 1;
        if (!Pages.Has(P))
            continue;
        while (End < S.Size() / Space::Page && Pages.Has(End))
            ++End;
        TRY(Primary_.WriteAt(disk::BaseBlock + u64(P) * Space::Page, S.Data() + usize(P) * Space::Page, usize(End - P) * Space::Page));
    }
    return Primary_.Flush();
}

// Begins the current log anew: its first entry will have this number. What it held is in the primary file.
Status Store::StartLog(u32 First)
{
    File& Log = *Logs_[Current_];
    u8 Block[512];
    MakeBase(Block, disk::Base::LogType, First, First);
    if (TRY(Log.Size()) < sizeof(Block))
        TRY(Log.Extend(sizeof(Block)));
    TRY(Log.WriteAt(0, Block, sizeof(Block)));
    LogStarted_ = true;
    LogEnd_ = sizeof(Block);
    return STATUS_SUCCESS;
}

Status Store::Commit()
{
    Space& S = Hive_.Bins();
    if (ReadOnly_)
        return STATUS_MEDIA_WRITE_PROTECTED;
    if (!S.Unlogged.Count)
        return STATUS_SUCCESS;
    u32 Next = Sequence_ + 1;
    if (!Logs_[0] || !Logs_[1]) {
        TRY(WriteBase(Next, WrittenSequence_));
        TRY(WritePages(S.Unwritten));
        WrittenSize_ = S.Size();
        TRY(WriteBase(Next, Next));
        Sequence_ = WrittenSequence_ = Next;
        S.Unlogged.Clear();
        S.Unwritten.Clear();
        return STATUS_SUCCESS;
    }
    Vector<u8> Entry;
    u32 Runs = 0, Pages = S.Size() / Space::Page;
    for (u32 P = 0; P < Pages; ++P)
        Runs += S.Unlogged.Has(P);
    u64 Size = AlignUp(sizeof(disk::LogEntry) + u64(Runs) * (sizeof(disk::PageReference) + Space::Page), 512);
    if (Size > MaximumSize)
        return STATUS_INSUFFICIENT_RESOURCES;
    TRY(Entry.Resize(Size));
    disk::LogEntry E { disk::LogEntry::Magic, u32(Size), 0, Next, S.Size(), Runs, 0, 0 };
    u8* Reference = Entry.Data() + sizeof(E);
    u8* Data = Reference + usize(Runs) * sizeof(disk::PageReference);
    for (u32 P = 0; P < Pages; ++P) {
        if (!S.Unlogged.Has(P))
            continue;
        disk::PageReference R { P * Space::Page, Space::Page };
        memcpy(Reference, &R, sizeof(R));
        memcpy(Data, S.Data() + R.Offset, R.Size);
        Reference += sizeof(R);
        Data += R.Size;
    }
    E.Hash1 = Marvin32(std::span<const u8>(Entry.Data() + sizeof(E), Size - sizeof(E)));
    memcpy(Entry.Data(), &E, sizeof(E));
    E.Hash2 = Marvin32(std::span<const u8>(Entry.Data(), 32));
    memcpy(Entry.Data(), &E, sizeof(E));

    if (!MarkedDirty_) {
        TRY(WriteBase(Next, WrittenSequence_));
        MarkedDirty_ = true;
    }
    if (!LogStarted_)
        TRY(StartLog(Next));
    File& Log = *Logs_[Current_];
    if (TRY(Log.Size()) < LogEnd_ + Size)
        TRY(Log.Extend(LogEnd_ + Size));
    TRY(Log.WriteAt(LogEnd_, Entry.Data(), Size));
    TRY(Log.Flush());
    LogEnd_ += Size;
    Sequence_ = Next;
    S.Unlogged.Clear();
    return STATUS_SUCCESS;
}

Status Store::Reconcile()
{
    Space& S = Hive_.Bins();
    if (ReadOnly_)
        return STATUS_MEDIA_WRITE_PROTECTED;
    TRY(Commit());
    if (!MarkedDirty_)
        return STATUS_SUCCESS;
    TRY(WritePages(S.Unwritten));
    WrittenSize_ = S.Size();
    TRY(WriteBase(Sequence_, Sequence_));
    WrittenSequence_ = Sequence_;
    S.Unwritten.Clear();
    MarkedDirty_ = LogStarted_ = false;
    Current_ ^= 1;
    LogEnd_ = 0;
    return STATUS_SUCCESS;
}

}
