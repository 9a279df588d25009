// MCBs: which blocks of a file (VBN) are where on the medium (LBN), in runs. Sorted by VBN; what lies between runs is a hole (LBN -1), which counts as a run like the others do, but for one at the start.
#include "wdm/ntoskrnl/host.hpp"

using namespace host;

namespace {

// BASE_MCB.Mapping: runs without holes.
struct Run {
    LONGLONG Vbn, Lbn, Count;
    LONGLONG End() const { return Vbn + Count; }
};
Run* Runs(PBASE_MCB M) { return static_cast<Run*>(M->Mapping); }

bool Insert(PBASE_MCB M, ULONG At, const Run& R)
{
    if (M->PairCount == M->MaximumPairCount) {
        ULONG Room = M->MaximumPairCount ? M->MaximumPairCount * 2 : 8;
        auto* New = static_cast<Run*>(Allocate(Room * sizeof(Run)));
        if (!New)
            return false;
        if (M->PairCount)
            memcpy(New, M->Mapping, M->PairCount * sizeof(Run));
        Free(M->Mapping);
        M->Mapping = New;
        M->MaximumPairCount = Room;
    }
    memmove(Runs(M) + At + 1, Runs(M) + At, (M->PairCount - At) * sizeof(Run));
    Runs(M)[At] = R;
    ++M->PairCount;
    return true;
}
void Drop(PBASE_MCB M, ULONG At)
{
    memmove(Runs(M) + At, Runs(M) + At + 1, (M->PairCount - At - 1) * sizeof(Run));
    --M->PairCount;
}
// The first run that ends behind Vbn.
ULONG Find(PBASE_MCB M, LONGLONG Vbn)
{
    ULONG Low = 0, High = M->PairCount;
    while (Low < High) {
        ULONG Middle = (Low + High) / 2;
        if (Runs(M)[Middle].End() <= Vbn)
            Low = Middle + 1;
        else
            High = Middle;
    }
    return Low;
}
bool Remove(PBASE_MCB M, LONGLONG Vbn, LONGLONG Count)
{
    LONGLONG End = Vbn + Count;
    for (ULONG I = Find(M, Vbn); I < M->PairCount && Runs(M)[I].Vbn < End;) {
        Run& R = Runs(M)[I];
        Run Before { R.Vbn, R.Lbn, Vbn - R.Vbn }, After { End, R.Lbn + (End - R.Vbn), R.End() - End };
        if (Before.Count > 0 && After.Count > 0) {
            R = Before;
            return Insert(M, I + 1, After);
        }
        if (Before.Count > 0) {
            R = Before;
            ++I;
        } else if (After.Count > 0) {
            R = After;
            return true;
        } else {
            Drop(M, I);
        }
    }
    return true;
}
// Runs and holes by number.
bool Numbered(PBASE_MCB M, ULONG Number, LONGLONG* Vbn, LONGLONG* Lbn, LONGLONG* Count)
{
    LONGLONG At = 0;
    for (ULONG I = 0; I < M->PairCount; ++I) {
        const Run& R = Runs(M)[I];
        if (R.Vbn > At && Number-- == 0) {
            *Vbn = At;
            *Lbn = -1;
            *Count = R.Vbn - At;
            return true;
        }
        if (Number-- == 0) {
            *Vbn = R.Vbn;
            *Lbn = R.Lbn;
            *Count = R.Count;
            return true;
        }
        At = R.End();
    }
    return false;
}
ULONG NumberOf(PBASE_MCB M, ULONG Before)
{
    ULONG N = 0;
    LONGLONG At = 0;
    for (ULONG I = 0; I < Before; ++I) {
        N += Runs(M)[I].Vbn > At ? 2 : 1;
        At = Runs(M)[I].End();
    }
    return N;
}

// LARGE_MCB guards the base with a lock, which lies where it has its mutex.
class Guarded {
public:
    explicit Guarded(PLARGE_MCB M) : M_(reinterpret_cast<Lock*>(M->GuardedMutex)) { M_->Acquire(); }
    ~Guarded() { M_->Release(); }

private:
    Lock* M_;
};

}

extern "C" {

void NTAPI FsRtlInitializeBaseMcb(PBASE_MCB M, POOL_TYPE Type)
{
    memset(M, 0, sizeof(*M));
    M->PoolType = USHORT(Type);
}
void NTAPI FsRtlUninitializeBaseMcb(PBASE_MCB M)
{
    Free(M->Mapping);
    M->Mapping = nullptr;
    M->PairCount = M->MaximumPairCount = 0;
}
void NTAPI FsRtlResetBaseMcb(PBASE_MCB M) { M->PairCount = 0; }
BOOLEAN NTAPI FsRtlAddBaseMcbEntry(PBASE_MCB M, LONGLONG Vbn, LONGLONG Lbn, LONGLONG Count)
{
    if (Count <= 0)
        return FALSE;
    ULONG I = Find(M, Vbn);
    // What is there already must say the same.
    for (ULONG J = I; J < M->PairCount && Runs(M)[J].Vbn < Vbn + Count; ++J)
        if (Runs(M)[J].Lbn - Runs(M)[J].Vbn != Lbn - Vbn)
            return FALSE;
    Run New { Vbn, Lbn, Count };
    while (I < M->PairCount && Runs(M)[I].Vbn < New.End()) {
        Run& R = Runs(M)[I];
        LONGLONG End = R.End() > New.End() ? R.End() : New.End();
        if (R.Vbn < New.Vbn)
            New = { R.Vbn, R.Lbn, 0 };
        New.Count = End - New.Vbn;
        Drop(M, I);
    }
    if (I && Runs(M)[I - 1].End() == New.Vbn && Runs(M)[I - 1].Lbn + Runs(M)[I - 1].Count == New.Lbn) {
        New = { Runs(M)[I - 1].Vbn, Runs(M)[I - 1].Lbn, Runs(M)[I - 1].Count + New.Count };
        Drop(M, --I);
    }
    if (I < M->PairCount && Runs(M)[I].Vbn == New.End() && New.Lbn + New.Count == Runs(M)[I].Lbn) {
        New.Count += Runs(M)[I].Count;
        Drop(M, I);
    }
    if (!Insert(M, I, New))
        RtlRaiseStatus(STATUS_INSUFFICIENT_RESOURCES);
    return TRUE;
}
BOOLEAN NTAPI FsRtlRemoveBaseMcbEntry(PBASE_MCB M, LONGLONG Vbn, LONGLONG Count)
{
    if (!Remove(M, Vbn, Count))
        RtlRaiseStatus(STATUS_INSUFFICIENT_RESOURCES);
    return TRUE;
}
void NTAPI FsRtlTruncateBaseMcb(PBASE_MCB M, LONGLONG Vbn)
{
    if (M->PairCount && Runs(M)[M->PairCount - 1].End() > Vbn)
        Remove(M, Vbn, Runs(M)[M->PairCount - 1].End() - Vbn);
}
BOOLEAN NTAPI FsRtlLookupBaseMcbEntry(PBASE_MCB M, LONGLONG Vbn, PLONGLONG Lbn, PLONGLONG Sectors, PLONGLONG StartLbn, PLONGLONG StartCount, PULONG Index)
{
    ULONG I = Find(M, Vbn);
    if (I == M->PairCount)
        return FALSE;
    const Run& R = Runs(M)[I];
    bool Hole = R.Vbn > Vbn;
    LONGLONG From = Hole ? (I ? Runs(M)[I - 1].End() : 0) : R.Vbn, End = Hole ? R.Vbn : R.End();
    if (Lbn)
        *Lbn = Hole ? -1 : R.Lbn + (Vbn - R.Vbn);
    if (Sectors)
        *Sectors = End - Vbn;
    if (StartLbn)
        *StartLbn = Hole ? -1 : R.Lbn;
    if (StartCount)
        *StartCount = End - From;
    if (Index)
        *Index = NumberOf(M, I) + (!Hole && R.Vbn > (I ? Runs(M)[I - 1].End() : 0) ? 1 : 0);
    return TRUE;
}
BOOLEAN NTAPI FsRtlLookupLastBaseMcbEntryAndIndex(PBASE_MCB M, PLONGLONG Vbn, PLONGLONG Lbn, PULONG Index)
{
    if (!M->PairCount)
        return FALSE;
    const Run& R = Runs(M)[M->PairCount - 1];
    *Vbn = R.End() - 1;
    *Lbn = R.Lbn + R.Count - 1;
    if (Index)
        *Index = NumberOf(M, M->PairCount) - 1;
    return TRUE;
}
BOOLEAN NTAPI FsRtlLookupLastBaseMcbEntry(PBASE_MCB M, PLONGLONG Vbn, PLONGLONG Lbn) { return FsRtlLookupLastBaseMcbEntryAndIndex(M, Vbn, Lbn, nullptr); }
ULONG NTAPI FsRtlNumberOfRunsInBaseMcb(PBASE_MCB M) { return NumberOf(M, M->PairCount); }
BOOLEAN NTAPI FsRtlGetNextBaseMcbEntry(PBASE_MCB M, ULONG Number, PLONGLONG Vbn, PLONGLONG Lbn, PLONGLONG Count) { return Numbered(M, Number, Vbn, Lbn, Count); }
BOOLEAN NTAPI FsRtlSplitBaseMcb(PBASE_MCB M, LONGLONG Vbn, LONGLONG Amount)
{
    ULONG I = Find(M, Vbn);
    if (I < M->PairCount && Runs(M)[I].Vbn < Vbn) {
        Run R = Runs(M)[I];
        Runs(M)[I].Count = Vbn - R.Vbn;
        if (!Insert(M, ++I, { Vbn, R.Lbn + (Vbn - R.Vbn), R.End() - Vbn }))
            return FALSE;
    }
    for (; I < M->PairCount; ++I)
        Runs(M)[I].Vbn += Amount;
    return TRUE;
}

// --- with a lock

void NTAPI FsRtlInitializeLargeMcb(PLARGE_MCB M, POOL_TYPE Type)
{
    M->GuardedMutex = New<KGUARDED_MUTEX>();
    if (!M->GuardedMutex)
        RtlRaiseStatus(STATUS_INSUFFICIENT_RESOURCES);
    FsRtlInitializeBaseMcb(&M->BaseMcb, Type);
}
void NTAPI FsRtlUninitializeLargeMcb(PLARGE_MCB M)
{
    FsRtlUninitializeBaseMcb(&M->BaseMcb);
    Free(M->GuardedMutex);
    M->GuardedMutex = nullptr;
}
void NTAPI FsRtlResetLargeMcb(PLARGE_MCB M, BOOLEAN)
{
    Guarded Held(M);
    FsRtlResetBaseMcb(&M->BaseMcb);
}
void NTAPI FsRtlTruncateLargeMcb(PLARGE_MCB M, LONGLONG Vbn)
{
    Guarded Held(M);
    FsRtlTruncateBaseMcb(&M->BaseMcb, Vbn);
}
BOOLEAN NTAPI FsRtlAddLargeMcbEntry(PLARGE_MCB M, LONGLONG Vbn, LONGLONG Lbn, LONGLONG Count)
{
    Guarded Held(M);
    return FsRtlAddBaseMcbEntry(&M->BaseMcb, Vbn, Lbn, Count);
}
void NTAPI FsRtlRemoveLargeMcbEntry(PLARGE_MCB M, LONGLONG Vbn, LONGLONG Count)
{
    Guarded Held(M);
    FsRtlRemoveBaseMcbEntry(&M->BaseMcb, Vbn, Count);
}
BOOLEAN NTAPI FsRtlLookupLargeMcbEntry(PLARGE_MCB M, LONGLONG Vbn, PLONGLONG Lbn, PLONGLONG Sectors, PLONGLONG StartLbn, PLONGLONG StartCount, PULONG Index)
{
    Guarded Held(M);
    return FsRtlLookupBaseMcbEntry(&M->BaseMcb, Vbn, Lbn, Sectors, StartLbn, StartCount, Index);
}
BOOLEAN NTAPI FsRtlLookupLastLargeMcbEntry(PLARGE_MCB M, PLONGLONG Vbn, PLONGLONG Lbn)
{
    Guarded Held(M);
    return FsRtlLookupLastBaseMcbEntry(&M->BaseMcb, Vbn, Lbn);
}
BOOLEAN NTAPI FsRtlLookupLastLargeMcbEntryAndIndex(PLARGE_MCB M, PLONGLONG Vbn, PLONGLONG Lbn, PULONG Index)
{
    Guarded Held(M);
    return FsRtlLookupLastBaseMcbEntryAndIndex(&M->BaseMcb, Vbn, Lbn, Index);
}
ULONG NTAPI FsRtlNumberOfRunsInLargeMcb(PLARGE_MCB M)
{
    Guarded Held(M);
    return FsRtlNumberOfRunsInBaseMcb(&M->BaseMcb);
}
BOOLEAN NTAPI FsRtlGetNextLargeMcbEntry(PLARGE_MCB M, ULONG Number, PLONGLONG Vbn, PLONGLONG Lbn, PLONGLONG Count)
{
    Guarded Held(M);
    return FsRtlGetNextBaseMcbEntry(&M->BaseMcb, Number, Vbn, Lbn, Count);
}
BOOLEAN NTAPI FsRtlSplitLargeMcb(PLARGE_MCB M, LONGLONG Vbn, LONGLONG Amount)
{
    Guarded Held(M);
    return FsRtlSplitBaseMcb(&M->BaseMcb, Vbn, Amount);
}

}
