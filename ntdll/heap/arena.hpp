// What a heap is made of. A heap reserves segments and commits them from the bottom up; a segment is a row of blocks, each with a
// 16-byte header in front that knows its own size and its predecessor's, ending in a sentinel. Free blocks are in bins: one bin per
// size up to 1 KiB, eight per power of two above, with a bitmap of the bins that have something: finding, splitting and joining
// take constant time. Blocks of half a MiB and more are mappings of their own. A few small blocks of each size that were freed last are not joined
// but wait in a list for the next request of their size; to their neighbours they look busy.
//
// A header carries a check value over its fields and its address, so that a pointer that is not a block, a block freed twice or an
// overrun header is noticed and refused instead of spreading.
#pragma once
#include "ntdll/heap/heap.hpp"
#include "ntdll/sync/sync.hpp"

namespace heap {

inline constexpr u64 Unit = 16, HeaderSize = 16, LargeLimit = 512 * KiB;
// The largest block of a heap that does not grow: it has no mappings beside its segment.
inline constexpr u64 FixedLimit = 1 * MiB - PageSize;
inline constexpr u32 SmallUnits = 64, BinCount = SmallUnits + 16 * 8, BitmapWords = (BinCount + 63) / 64;
inline constexpr u32 Signature = 0xEEFFEEFF;

enum BlockFlags : u8 { Busy = 1, Sentinel = 2, Large = 4, UserValue = 8, Fixed = 16, Waiting = 32 };
inline constexpr u32 MaximumWaiting = 16;       // blocks of a size

struct Block {
    u32 Units;              // of 16 bytes, with this header
    u32 PreviousUnits;      // 0: the first of its segment
    u32 Slack;              // bytes at the end that were not asked for
    u8 Flags;
    u8 UserFlags;
    u16 Check;

    PVOID Data() { return this + 1; }
    Block* Next() { return At<Block>(this, u64(Units) * Unit); }
    Block* Previous() { return At<Block>(this, -(u64(PreviousUnits) * Unit)); }
    u64 Capacity() const { return u64(Units) * Unit - HeaderSize; }
    u64 Size() const { return Capacity() - Slack; }
    u16 Sum() const
    {
        u64 S = u64(this) ^ (u64(Units) << 20 | PreviousUnits) ^ u64(Slack) << 32 ^ u64(Flags) << 50;
        S ^= S >> 32;
        return u16(S ^ S >> 16 ^ 0x5AC3);
    }
    void Seal() { Check = Sum(); }
    bool Valid() const { return Check == Sum(); }
};
static_assert(sizeof(Block) == HeaderSize);

// A free block's first bytes.
struct FreeLinks {
    Block* Next;
    Block* Previous;
};

struct Segment {
    LIST_ENTRY Links;
    u64 Base, Committed, End;       // addresses
    Block* First;
    Block* Last;                    // the sentinel at the end of what is committed
};

// In front of a large block's header, at the start of its mapping.
struct LargeHeader {
    LIST_ENTRY Links;
    u64 MappedSize;
    u64 DataSize;
    u64 UserValue;
    u64 Pad;
    Block Header;                   // Flags has Large; Data() follows
};
static_assert(sizeof(LargeHeader) == 64);

struct Heap {
    u32 Filler[4];                  // (readers of Windows' layout find a signature where they expect it)
    u32 SegmentSignature;
    u32 Pad0;
    u64 Pad1[11];
    u32 Flags;                      // +0x70, as on Windows
    u32 ForceFlags;                 // +0x74
    u64 Pad2[2];
    LIST_ENTRY Links;               // of all heaps
    LIST_ENTRY Segments;
    LIST_ENTRY LargeBlocks;
    Segment* LastHit;
    RTL_CRITICAL_SECTION Lock;
    u64 GrowBy;                     // size of the next segment
    u64 Limit;                      // 0: grows; otherwise bytes that may be reserved
    u64 Reserved;
    u32 Protection;
    u32 Compatibility;              // HeapCompatibilityInformation
    bool SuppliedMemory;
    u64 Bitmap[BitmapWords];
    Block* Bins[BinCount];
    Block* WaitingBlocks[SmallUnits];       // linked by their FreeLinks::Next
    u8 WaitingCount[SmallUnits];

    bool Serialized(ULONG CallFlags) const { return !((Flags | CallFlags) & HEAP_NO_SERIALIZE); }
};
static_assert(__builtin_offsetof(Heap, Flags) == 0x70);

class Guard {
public:
    Guard(Heap& H, ULONG Flags) : Heap_(H), Held_(H.Serialized(Flags))
    {
        if (Held_)
            RtlEnterCriticalSection(&Heap_.Lock);
    }
    ~Guard()
    {
        if (Held_)
            RtlLeaveCriticalSection(&Heap_.Lock);
    }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

private:
    Heap& Heap_;
    bool Held_;
};

// All with the heap's lock held. Units include the header.
Block* Take(Heap& H, u32 Units);                    // nullptr: no memory
void Give(Heap& H, Block* B);                       // joins with its free neighbours
bool Keep(Heap& H, Block* B);                       // lets it wait for a request of its size, instead of Give; false: it is too large, or enough do
bool GiveWaiting(Heap& H);                          // gives all that wait; whether there were any
bool GrowInPlace(Heap& H, Block* B, u32 Units);
void Shrink(Heap& H, Block* B, u32 Units);
bool AddSegment(Heap& H, u64 Bytes);
bool AdoptSegment(Heap& H, PVOID Base, u64 Skip, u64 Committed, u64 Size);
PVOID TakeLarge(Heap& H, u64 Size);
void GiveLarge(Heap& H, LargeHeader* L);
// The busy block whose data is at Memory, checked; nullptr: no such block.
Block* Find(Heap& H, const void* Memory);
LargeHeader* LargeOf(Block* B);

}
