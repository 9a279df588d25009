// Locking, validating, walking and describing heaps; user values and flags of blocks.
#include "ntdll/heap/arena.hpp"

namespace heap {
LIST_ENTRY& Heaps();
RTL_SRWLOCK& HeapsLock();
u64& UserValueOf(Block* B);
u64 DataSize(Block* B);
}
using namespace heap;

namespace {

Heap* From(PVOID Handle)
{
    auto* H = static_cast<Heap*>(Handle);
    return H && H->SegmentSignature == Signature ? H : nullptr;
}

struct RTL_HEAP_WALK_ENTRY {
    PVOID DataAddress;
    SIZE_T DataSize;
    UCHAR OverheadBytes;
    UCHAR SegmentIndex;
    USHORT Flags;
    union {
        struct {
            SIZE_T Settable;
            USHORT TagIndex;
            USHORT AllocatorBackTraceIndex;
            ULONG Reserved[2];
        } Block;
        struct {
            ULONG CommittedSize, UnCommittedSize;
            PVOID FirstEntry, LastEntry;
        } Segment;
    };
};
static_assert(sizeof(RTL_HEAP_WALK_ENTRY) == 48);
// RTL_HEAP_ENTRY_: busy, block, committed; region; uncommitted. A free block has none.
constexpr USHORT WalkBusy = 0x4011, WalkRegion = 0x2, WalkUncommitted = 0x1000;

bool ValidSegment(Segment& S)
{
    u32 Previous = 0;
    for (Block* B = S.First;; B = B->Next()) {
        if (u64(B) < u64(S.First) || u64(B) > u64(S.Last) || !B->Valid() || B->PreviousUnits != Previous)
            return false;
        if (B == S.Last)
            return (B->Flags & Sentinel) != 0;
        if (B->Units < 2)
            return false;
        Previous = B->Units;
    }
}

}

extern "C" {

BOOLEAN NTAPI RtlLockHeap(PVOID Handle)
{
    Heap* H = From(Handle);
    if (!H)
        return 0;
    if (H->Serialized(0))
        RtlEnterCriticalSection(&H->Lock);
    return 1;
}
BOOLEAN NTAPI RtlUnlockHeap(PVOID Handle)
{
    Heap* H = From(Handle);
    if (!H)
        return 0;
    if (H->Serialized(0))
        RtlLeaveCriticalSection(&H->Lock);
    return 1;
}

BOOLEAN NTAPI RtlValidateHeap(PVOID Handle, ULONG Flags, const void* Memory)
{
    Heap* H = From(Handle);
    if (!H)
        return 0;
    Guard Held(*H, Flags);
    GiveWaiting(*H);
    if (Memory)
        return Find(*H, Memory) != nullptr;
    for (LIST_ENTRY* I = H->Segments.Flink; I != &H->Segments; I = I->Flink) {
        if (!ValidSegment(*RECORD_OF(I, Segment, Links)))
            return 0;
    }
    return 1;
}
BOOLEAN NTAPI RtlValidateProcessHeaps()
{
    SrwShared Held(HeapsLock());
    for (LIST_ENTRY* I = Heaps().Flink; I != &Heaps(); I = I->Flink) {
        if (!RtlValidateHeap(RECORD_OF(I, Heap, Links), 0, nullptr))
            return 0;
    }
    return 1;
}

// The size of the largest free block.
ULONG NTAPI RtlCompactHeap(PVOID Handle, ULONG Flags)
{
    Heap* H = From(Handle);
    if (!H)
        return 0;
    Guard Held(*H, Flags);
    GiveWaiting(*H);
    u64 Best = 0;
    for (LIST_ENTRY* I = H->Segments.Flink; I != &H->Segments; I = I->Flink) {
        Segment* S = RECORD_OF(I, Segment, Links);
        for (Block* B = S->First; B != S->Last; B = B->Next()) {
            if (!(B->Flags & Busy) && B->Capacity() > Best)
                Best = B->Capacity();
        }
    }
    return ULONG(Best);
}

ULONG NTAPI RtlGetProcessHeaps(ULONG Count, PVOID* Out)
{
    SrwShared Held(HeapsLock());
    ULONG Total = 0;
    PVOID Process = Peb()->ProcessHeap;
    if (Process && Total++ < Count)
        Out[0] = Process;
    for (LIST_ENTRY* I = Heaps().Flink; I != &Heaps(); I = I->Flink) {
        Heap* H = RECORD_OF(I, Heap, Links);
        if (H != Process && Total++ < Count)
            Out[Total - 1] = H;
    }
    return Total;
}
NTSTATUS NTAPI RtlEnumProcessHeaps(NTSTATUS NTAPI (*Callback)(PVOID Heap, PVOID Context), PVOID Context)
{
    SrwShared Held(HeapsLock());
    for (LIST_ENTRY* I = Heaps().Flink; I != &Heaps(); I = I->Flink) {
        if (NTSTATUS Status = Callback(RECORD_OF(I, Heap, Links), Context); Status < 0)
            return Status;
    }
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlWalkHeap(PVOID Handle, PVOID EntryPointer)
{
    Heap* H = From(Handle);
    auto* Entry = static_cast<RTL_HEAP_WALK_ENTRY*>(EntryPointer);
    if (!H || !Entry)
        return STATUS_INVALID_HANDLE;
    Guard Held(*H, 0);
    GiveWaiting(*H);
    auto EnterSegment = [&](Segment* S, u8 Index) {
        *Entry = {};
        Entry->DataAddress = reinterpret_cast<PVOID>(S->Base);
        Entry->DataSize = u64(S->First) - S->Base;
        Entry->SegmentIndex = Index;
        Entry->Flags = WalkRegion;
        Entry->Segment = { ULONG(S->Committed - S->Base), ULONG(S->End - S->Committed), S->First->Data(), reinterpret_cast<PVOID>(S->End) };
        return STATUS_SUCCESS;
    };
    auto EnterBlock = [&](Block* B, u8 Index) {
        *Entry = {};
        Entry->DataAddress = B->Data();
        Entry->DataSize = B->Flags & Busy ? DataSize(B) : B->Capacity();
        Entry->OverheadBytes = u8(HeaderSize + (B->Flags & Busy && B->Slack < 200 ? B->Slack : 0));
        Entry->SegmentIndex = Index;
        Entry->Flags = B->Flags & Busy ? WalkBusy : 0;
        if (B->Flags & UserValue)
            Entry->Block.Settable = UserValueOf(B);
        return STATUS_SUCCESS;
    };
    auto EnterLarge = [&](LIST_ENTRY* I) {
        if (I == &H->LargeBlocks)
            return NTSTATUS(STATUS_NO_MORE_ENTRIES);
        return NTSTATUS(EnterBlock(&RECORD_OF(I, LargeHeader, Links)->Header, 64));
    };
    PVOID Where = Entry->DataAddress;
    if (!Where)
        return EnterSegment(RECORD_OF(H->Segments.Flink, Segment, Links), 0);
    u8 Index = 0;
    for (LIST_ENTRY* I = H->Segments.Flink; I != &H->Segments; I = I->Flink, ++Index) {
        Segment* S = RECORD_OF(I, Segment, Links);
        if (u64(Where) < S->Base || u64(Where) >= S->End)
            continue;
        if (!(Entry->Flags & WalkUncommitted)) {
            Block* B = S->First;
            if (!(Entry->Flags & WalkRegion)) {
                B = At<Block>(Where, -HeaderSize);
                if (u64(B) < u64(S->First) || u64(B) >= u64(S->Last) || !B->Valid())
                    return STATUS_INVALID_PARAMETER;
                B = B->Next();
            }
            if (B != S->Last)
                return EnterBlock(B, Index);
            if (S->Committed < S->End) {
                *Entry = {};
                Entry->DataAddress = reinterpret_cast<PVOID>(S->Committed);
                Entry->DataSize = S->End - S->Committed;
                Entry->SegmentIndex = Index;
                Entry->Flags = WalkUncommitted;
                return STATUS_SUCCESS;
            }
        }
        if (I->Flink != &H->Segments)
            return EnterSegment(RECORD_OF(I->Flink, Segment, Links), u8(Index + 1));
        return EnterLarge(H->LargeBlocks.Flink);
    }
    for (LIST_ENTRY* I = H->LargeBlocks.Flink; I != &H->LargeBlocks; I = I->Flink) {
        if (RECORD_OF(I, LargeHeader, Links)->Header.Data() == Where)
            return EnterLarge(I->Flink);
    }
    return STATUS_INVALID_PARAMETER;
}

BOOLEAN NTAPI RtlSetUserValueHeap(PVOID Handle, ULONG Flags, PVOID Memory, PVOID Value)
{
    Heap* H = From(Handle);
    if (!H)
        return 0;
    Guard Held(*H, Flags);
    Block* B = Find(*H, Memory);
    if (!B || !(B->Flags & UserValue))
        return 0;
    UserValueOf(B) = u64(Value);
    return 1;
}
BOOLEAN NTAPI RtlGetUserInfoHeap(PVOID Handle, ULONG Flags, PVOID Memory, PVOID* Value, ULONG* UserFlags)
{
    Heap* H = From(Handle);
    if (!H)
        return 0;
    Guard Held(*H, Flags);
    Block* B = Find(*H, Memory);
    if (!B)
        return 0;
    if (Value)
        *Value = B->Flags & UserValue ? reinterpret_cast<PVOID>(UserValueOf(B)) : nullptr;
    if (UserFlags)
        *UserFlags = ULONG(B->UserFlags) << 9;
    return 1;
}
BOOLEAN NTAPI RtlSetUserFlagsHeap(PVOID Handle, ULONG Flags, PVOID Memory, ULONG Reset, ULONG Set)
{
    Heap* H = From(Handle);
    if (!H)
        return 0;
    Guard Held(*H, Flags);
    Block* B = Find(*H, Memory);
    if (!B)
        return 0;
    B->UserFlags = u8(((B->UserFlags & ~(Reset >> 9)) | Set >> 9) & 7);
    return 1;
}

NTSTATUS NTAPI RtlQueryHeapInformation(PVOID Handle, ULONG Class, PVOID Information, SIZE_T Length, SIZE_T* ReturnLength)
{
    if (Class != 0)                             // HeapCompatibilityInformation
        return STATUS_UNSUCCESSFUL;
    if (ReturnLength)
        *ReturnLength = sizeof(ULONG);
    if (Length < sizeof(ULONG))
        return STATUS_BUFFER_TOO_SMALL;
    Heap* H = From(Handle);
    if (!H)
        return STATUS_INVALID_PARAMETER;
    *static_cast<ULONG*>(Information) = H->Compatibility;
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI RtlSetHeapInformation(PVOID Handle, ULONG Class, PVOID Information, SIZE_T Length)
{
    switch (Class) {
    case 0: {                                   // HeapCompatibilityInformation: 0 standard, 2 low fragmentation
        Heap* H = From(Handle);
        if (!H)
            return STATUS_INVALID_PARAMETER;
        if (Length < sizeof(ULONG))
            return STATUS_BUFFER_TOO_SMALL;
        ULONG Wanted = *static_cast<ULONG*>(Information);
        if (Wanted != 0 && Wanted != 2)
            return STATUS_UNSUCCESSFUL;
        if (H->Flags & HEAP_NO_SERIALIZE || H->Limit)
            return STATUS_UNSUCCESSFUL;
        H->Compatibility = Wanted;
        return STATUS_SUCCESS;
    }
    case 1:                                     // HeapEnableTerminationOnCorruption
    case 3:                                     // HeapOptimizeResources
        return STATUS_SUCCESS;
    default:
        return STATUS_INVALID_PARAMETER;
    }
}

}
