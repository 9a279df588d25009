// Bitmaps. Everything rests on Next and Previous, which look for a bit of a value a word at a time.
#include "lib/rtl/crt/crt.hpp"
#include "lib/rtl/rtl.hpp"

namespace {

constexpr ULONG None = ~0u;

bool Get(const RTL_BITMAP* Map, ULONG Bit) { return Map->Buffer[Bit / 32] >> (Bit % 32) & 1; }

// The first bit at or behind From that is Value; the size if there is none.
ULONG Next(const RTL_BITMAP* Map, ULONG From, bool Value)
{
    ULONG Size = Map->SizeOfBitMap;
    if (From >= Size)
        return Size;
    const ULONG Flip = Value ? 0 : ~0u;
    ULONG Word = From / 32;
    ULONG Bits = (Map->Buffer[Word] ^ Flip) & (~0u << (From % 32));
    for (;;) {
        if (Bits) {
            ULONG At = Word * 32 + ULONG(__builtin_ctz(Bits));
            return At < Size ? At : Size;
        }
        if (++Word > (Size - 1) / 32)
            return Size;
        Bits = Map->Buffer[Word] ^ Flip;
    }
}

// The last bit at or before From that is Value; None if there is none.
ULONG Previous(const RTL_BITMAP* Map, ULONG From, bool Value)
{
    const ULONG Flip = Value ? 0 : ~0u;
    ULONG Word = From / 32;
    ULONG Bits = (Map->Buffer[Word] ^ Flip) & (~0u >> (31 - From % 32));
    for (;;) {
        if (Bits)
            return Word * 32 + 31 - ULONG(__builtin_clz(Bits));
        if (!Word--)
            return None;
        Bits = Map->Buffer[Word] ^ Flip;
    }
}

void Change(RTL_BITMAP* Map, ULONG Start, ULONG Count, bool Value)
{
    if (!Count || Start >= Map->SizeOfBitMap || Count > Map->SizeOfBitMap - Start)
        return;
    ULONG End = Start + Count;
    for (ULONG Word = Start / 32; Word <= (End - 1) / 32; ++Word) {
        ULONG Mask = ~0u;
        if (Word == Start / 32)
            Mask &= ~0u << (Start % 32);
        if (Word == (End - 1) / 32)
            Mask &= ~0u >> (31 - (End - 1) % 32);
        if (Value)
            Map->Buffer[Word] |= Mask;
        else
            Map->Buffer[Word] &= ~Mask;
    }
}

bool Are(const RTL_BITMAP* Map, ULONG Start, ULONG Count, bool Value)
{
    if (!Count || Start >= Map->SizeOfBitMap || Count > Map->SizeOfBitMap - Start)
        return false;
    return Next(Map, Start, !Value) >= Start + Count;
}

// The first run of Count bits that begins in [From, To).
ULONG FindBetween(const RTL_BITMAP* Map, ULONG Count, ULONG From, ULONG To, bool Value)
{
    ULONG Size = Map->SizeOfBitMap;
    while (From < To) {
        From = Next(Map, From, Value);
        if (From >= To || Count > Size - From)
            return None;
        ULONG End = Next(Map, From, !Value);
        if (End - From >= Count)
            return From;
        From = End;
    }
    return None;
}

// From the hint to the end, then from the start. An empty run is found at the hint's byte.
ULONG Find(const RTL_BITMAP* Map, ULONG Count, ULONG Hint, bool Value)
{
    ULONG Size = Map->SizeOfBitMap;
    if (Hint >= Size)
        Hint = 0;
    if (!Count)
        return Hint & ~7u;
    if (Count > Size)
        return None;
    ULONG At = FindBetween(Map, Count, Hint, Size, Value);
    return At != None || !Hint ? At : FindBetween(Map, Count, 0, Hint, Value);
}

ULONG NextRun(const RTL_BITMAP* Map, ULONG Start, ULONG* RunStart, bool Value)
{
    if (Start >= Map->SizeOfBitMap) {
        *RunStart = Start;
        return 0;
    }
    ULONG At = Next(Map, Start, Value);
    *RunStart = At;
    return At < Map->SizeOfBitMap ? Next(Map, At, !Value) - At : 0;
}

ULONG LastRun(const RTL_BITMAP* Map, ULONG Start, ULONG* RunStart, bool Value)
{
    ULONG At = Start < Map->SizeOfBitMap ? Previous(Map, Start, Value) : None;
    if (At == None)
        return 0;
    ULONG Before = Previous(Map, At, !Value);
    *RunStart = Before == None ? 0 : Before + 1;
    return At - *RunStart + 1;
}

// The longest runs, longest first and earlier ones before later ones of the same length; or simply the first ones.
ULONG Runs(const RTL_BITMAP* Map, RTL_BITMAP_RUN* To, ULONG Room, bool Longest, bool Value)
{
    ULONG Found = 0;
    for (ULONG At = 0, Start; Room;) {
        ULONG Count = NextRun(Map, At, &Start, Value);
        if (!Count)
            break;
        At = Start + Count;
        if (!Longest) {
            To[Found++] = { Start, Count };
            if (Found == Room)
                break;
            continue;
        }
        if (Found == Room && To[Found - 1].NumberOfBits >= Count)
            continue;
        ULONG Place = Found < Room ? Found++ : Found - 1;
        for (; Place && To[Place - 1].NumberOfBits < Count; --Place)
            To[Place] = To[Place - 1];
        To[Place] = { Start, Count };
    }
    return Found;
}

ULONG LongestRun(const RTL_BITMAP* Map, ULONG* Start, bool Value)
{
    RTL_BITMAP_RUN Run;
    if (!Runs(Map, &Run, 1, true, Value)) {
        if (Start)
            *Start = 0;
        return 0;
    }
    if (Start)
        *Start = Run.StartingIndex;
    return Run.NumberOfBits;
}

}

extern "C" {

void NTAPI RtlInitializeBitMap(RTL_BITMAP* Map, ULONG* Buffer, ULONG Size)
{
    Map->SizeOfBitMap = Size;
    Map->Buffer = Buffer;
}
void NTAPI RtlSetAllBits(RTL_BITMAP* Map) { CRT(memset)(Map->Buffer, 0xFF, (usize(Map->SizeOfBitMap) + 31) / 32 * 4); }
void NTAPI RtlClearAllBits(RTL_BITMAP* Map) { CRT(memset)(Map->Buffer, 0, (usize(Map->SizeOfBitMap) + 31) / 32 * 4); }
void NTAPI RtlSetBit(RTL_BITMAP* Map, ULONG Bit) { Map->Buffer[Bit / 32] |= 1u << (Bit % 32); }
void NTAPI RtlClearBit(RTL_BITMAP* Map, ULONG Bit) { Map->Buffer[Bit / 32] &= ~(1u << (Bit % 32)); }
BOOLEAN NTAPI RtlTestBit(const RTL_BITMAP* Map, ULONG Bit) { return Bit < Map->SizeOfBitMap && Get(Map, Bit); }
void NTAPI RtlSetBits(RTL_BITMAP* Map, ULONG Start, ULONG Count) { Change(Map, Start, Count, true); }
void NTAPI RtlClearBits(RTL_BITMAP* Map, ULONG Start, ULONG Count) { Change(Map, Start, Count, false); }
BOOLEAN NTAPI RtlAreBitsSet(const RTL_BITMAP* Map, ULONG Start, ULONG Count) { return Are(Map, Start, Count, true); }
BOOLEAN NTAPI RtlAreBitsClear(const RTL_BITMAP* Map, ULONG Start, ULONG Count) { return Are(Map, Start, Count, false); }
ULONG NTAPI RtlFindSetBits(const RTL_BITMAP* Map, ULONG Count, ULONG Hint) { return Find(Map, Count, Hint, true); }
ULONG NTAPI RtlFindClearBits(const RTL_BITMAP* Map, ULONG Count, ULONG Hint) { return Find(Map, Count, Hint, false); }
ULONG NTAPI RtlFindSetBitsAndClear(RTL_BITMAP* Map, ULONG Count, ULONG Hint)
{
    ULONG At = Find(Map, Count, Hint, true);
    if (At != None)
        Change(Map, At, Count, false);
    return At;
}
ULONG NTAPI RtlFindClearBitsAndSet(RTL_BITMAP* Map, ULONG Count, ULONG Hint)
{
    ULONG At = Find(Map, Count, Hint, false);
    if (At != None)
        Change(Map, At, Count, true);
    return At;
}
ULONG NTAPI RtlNumberOfSetBits(const RTL_BITMAP* Map)
{
    ULONG Count = 0, Size = Map->SizeOfBitMap;
    for (ULONG Word = 0; Word < Size / 32; ++Word)
        Count += ULONG(__builtin_popcount(Map->Buffer[Word]));
    if (Size % 32)
        Count += ULONG(__builtin_popcount(Map->Buffer[Size / 32] & ~(~0u << (Size % 32))));
    return Count;
}
ULONG NTAPI RtlNumberOfClearBits(const RTL_BITMAP* Map) { return Map->SizeOfBitMap - RtlNumberOfSetBits(Map); }
ULONG NTAPI RtlFindNextForwardRunSet(const RTL_BITMAP* Map, ULONG Start, ULONG* RunStart) { return NextRun(Map, Start, RunStart, true); }
ULONG NTAPI RtlFindNextForwardRunClear(const RTL_BITMAP* Map, ULONG Start, ULONG* RunStart) { return NextRun(Map, Start, RunStart, false); }
ULONG NTAPI RtlFindLastBackwardRunSet(const RTL_BITMAP* Map, ULONG Start, ULONG* RunStart) { return LastRun(Map, Start, RunStart, true); }
ULONG NTAPI RtlFindLastBackwardRunClear(const RTL_BITMAP* Map, ULONG Start, ULONG* RunStart) { return LastRun(Map, Start, RunStart, false); }
ULONG NTAPI RtlFindFirstRunClear(const RTL_BITMAP* Map, ULONG* RunStart) { return NextRun(Map, 0, RunStart, false); }
ULONG NTAPI RtlFindSetRuns(const RTL_BITMAP* Map, RTL_BITMAP_RUN* To, ULONG Room, BOOLEAN Longest) { return Runs(Map, To, Room, Longest, true); }
ULONG NTAPI RtlFindClearRuns(const RTL_BITMAP* Map, RTL_BITMAP_RUN* To, ULONG Room, BOOLEAN Longest) { return Runs(Map, To, Room, Longest, false); }
ULONG NTAPI RtlFindLongestRunSet(const RTL_BITMAP* Map, ULONG* Start) { return LongestRun(Map, Start, true); }
ULONG NTAPI RtlFindLongestRunClear(const RTL_BITMAP* Map, ULONG* Start) { return LongestRun(Map, Start, false); }
CHAR NTAPI RtlFindMostSignificantBit(ULONGLONG Value) { return Value ? CHAR(63 - __builtin_clzll(Value)) : CHAR(-1); }
CHAR NTAPI RtlFindLeastSignificantBit(ULONGLONG Value) { return Value ? CHAR(__builtin_ctzll(Value)) : CHAR(-1); }

}
