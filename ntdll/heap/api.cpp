// The Rtl heap functions: allocate, free, resize, and creation. heap/inspect.cpp has the rest.
#include "ntdll/exception/exception.hpp"
#include "ntdll/heap/arena.hpp"

using namespace heap;

namespace {

constinit LIST_ENTRY AllHeaps { &AllHeaps, &AllHeaps };
PROCESS_LOCK constinit RTL_SRWLOCK AllHeapsLock {};

Heap* From(PVOID Handle)
{
    auto* H = static_cast<Heap*>(Handle);
    return H && H->SegmentSignature == Signature ? H : nullptr;
}

void Fail(Heap* H, ULONG Flags)
{
    Teb()->LastStatusValue = STATUS_NO_MEMORY;
    Teb()->LastErrorValue = 8;                  // ERROR_NOT_ENOUGH_MEMORY
    if ((Flags | (H ? H->Flags : 0)) & HEAP_GENERATE_EXCEPTIONS)
        RtlRaiseStatus(STATUS_NO_MEMORY);
}
void Refuse()
{
    Teb()->LastStatusValue = STATUS_INVALID_PARAMETER;
    Teb()->LastErrorValue = 87;                 // ERROR_INVALID_PARAMETER
}

u32 UnitsFor(u64 Size, bool WithValue)
{
    u64 Bytes = AlignUp(Size + HeaderSize + (WithValue ? Unit : 0), Unit);
    return Bytes < 2 * Unit ? 2 : u32(Bytes / Unit);
}

// The user value of a small block is kept in its last eight bytes.
u64& ValueOf(Block* B)
{
    return B->Flags & Large ? LargeOf(B)->UserValue : *At<u64>(B, u64(B->Units) * Unit - 8);
}

u64 SizeOf(Block* B) { return B->Flags & Large ? LargeOf(B)->DataSize : B->Size(); }

PVOID Allocate(Heap& H, ULONG Flags, u64 Size)
{
    const bool WithValue = Flags & HEAP_SETTABLE_USER_VALUE;
    if (Size >= (H.Limit ? FixedLimit : LargeLimit)) {
        Guard Held(H, Flags);
        PVOID Memory = TakeLarge(H, Size);
        if (Memory) {
            Block* B = At<Block>(Memory, -HeaderSize);
            B->UserFlags = u8(Flags >> 9 & 7);
            if (WithValue) {
                B->Flags |= UserValue;
                B->Seal();
            }
        }
        return Memory;
    }
    u32 Units = UnitsFor(Size, WithValue);
    Block* B;
    {
        Guard Held(H, Flags);
        B = Take(H, Units);
        if (!B)
            return nullptr;
        B->Slack = u32(B->Capacity() - Size);
        B->UserFlags = u8(Flags >> 9 & 7);
        B->Flags = WithValue ? Busy | UserValue : Busy;
        B->Seal();
        if (WithValue)
            ValueOf(B) = 0;
    }
    if ((Flags | H.Flags) & HEAP_ZERO_MEMORY)
        __builtin_memset(B->Data(), 0, Size);
    return B->Data();
}

}

namespace heap {
LIST_ENTRY& Heaps() { return AllHeaps; }
RTL_SRWLOCK& HeapsLock() { return AllHeapsLock; }
u64& UserValueOf(Block* B) { return ValueOf(B); }
void ForgetLocks()
{
    for (LIST_ENTRY* I = AllHeaps.Flink; I != &AllHeaps; I = I->Flink) {
        Heap* H = RECORD_OF(I, Heap, Links);
        if (H->Lock.OwningThread != Teb()->ClientId.UniqueThread)
            H->Lock = UnownedSection;
    }
}
u64 DataSize(Block* B) { return SizeOf(B); }
}

extern "C" {

PVOID NTAPI RtlCreateHeap(ULONG Flags, PVOID Base, SIZE_T Reserve, SIZE_T Commit, PVOID, PVOID)
{
    const u32 Protection = Flags & HEAP_CREATE_ENABLE_EXECUTE ? PAGE_EXECUTE_READWRITE : PAGE_READWRITE;
    const bool Supplied = Base != nullptr;
    SIZE_T Fixed = Flags & HEAP_GROWABLE ? 0 : Reserve;
    if (!Reserve)
        Reserve = AlignUp(Commit, 64 * KiB) > MiB ? AlignUp(Commit, 64 * KiB) : MiB;
    if (!Commit)
        Commit = 64 * KiB;
    if (Commit < 2 * sizeof(Heap))
        Commit = AlignUp(2 * sizeof(Heap), PageSize);
    if (Commit > Reserve)
        Reserve = Commit;
    Reserve = AlignUp(Reserve, PageSize);
    Commit = AlignUp(Commit, PageSize);
    if (!Supplied && NtAllocateVirtualMemory(CurrentProcess(), &Base, 0, &Reserve, MEM_RESERVE, Protection) < 0)
        return nullptr;
    if (!Supplied || !Fixed) {
        PVOID At = Base;
        if (!Supplied && NtAllocateVirtualMemory(CurrentProcess(), &At, 0, &Commit, MEM_COMMIT, Protection) < 0) {
            SIZE_T Zero = 0;
            NtFreeVirtualMemory(CurrentProcess(), &Base, &Zero, MEM_RELEASE);
            return nullptr;
        }
    }
    auto* H = static_cast<Heap*>(Base);
    __builtin_memset(H, 0, sizeof(Heap));
    H->SegmentSignature = Signature;
    H->Flags = Flags & (HEAP_NO_SERIALIZE | HEAP_GROWABLE | HEAP_GENERATE_EXCEPTIONS | HEAP_ZERO_MEMORY | HEAP_CREATE_ENABLE_EXECUTE);
    H->ForceFlags = 0;
    H->Protection = Protection;
    H->GrowBy = MiB;
    H->Limit = Fixed ? Reserve : 0;
    H->SuppliedMemory = Supplied;
    H->Lock = UnownedSection;
    InitializeListHead(&H->Segments);
    InitializeListHead(&H->LargeBlocks);
    if (!AdoptSegment(*H, Base, sizeof(Heap), Commit, Reserve)) {
        H->SegmentSignature = 0;
        return nullptr;
    }
    SrwExclusive Held(AllHeapsLock);
    InsertTailList(&AllHeaps, &H->Links);
    return H;
}

PVOID NTAPI RtlDestroyHeap(PVOID Handle)
{
    Heap* H = From(Handle);
    if (!H) {
        if (Peb()->BeingDebugged) {
            DbgPrint("heap: %p is destroyed but is no heap\n", Handle);
            DbgBreakPoint();
        }
        return Handle;
    }
    if (Handle == Peb()->ProcessHeap)
        return Handle;
    {
        SrwExclusive Held(AllHeapsLock);
        RemoveEntryList(&H->Links);
    }
    H->SegmentSignature = 0;
    while (!IsListEmpty(&H->LargeBlocks))
        GiveLarge(*H, RECORD_OF(H->LargeBlocks.Flink, LargeHeader, Links));
    RtlDeleteCriticalSection(&H->Lock);
    // The heap itself is in its first segment, which goes last.
    while (H->Segments.Blink != H->Segments.Flink) {
        Segment* S = RECORD_OF(H->Segments.Blink, Segment, Links);
        RemoveEntryList(&S->Links);
        PVOID Base = reinterpret_cast<PVOID>(S->Base);
        SIZE_T Size = 0;
        NtFreeVirtualMemory(CurrentProcess(), &Base, &Size, MEM_RELEASE);
    }
    if (!H->SuppliedMemory) {
        PVOID Base = H;
        SIZE_T Size = 0;
        NtFreeVirtualMemory(CurrentProcess(), &Base, &Size, MEM_RELEASE);
    }
    return nullptr;
}

PVOID NTAPI RtlAllocateHeap(PVOID Handle, ULONG Flags, SIZE_T Size)
{
    Heap* H = From(Handle);
    PVOID Memory = H && Size < (u64(1) << 46) ? Allocate(*H, Flags, Size) : nullptr;
    if (!Memory) [[unlikely]]
        Fail(H, Flags);
    return Memory;
}

BOOLEAN NTAPI RtlFreeHeap(PVOID Handle, ULONG Flags, PVOID Memory)
{
    if (!Memory)
        return 1;
    if (Heap* H = From(Handle)) {
        Guard Held(*H, Flags);
        if (Block* B = Find(*H, Memory)) [[likely]] {
            if (B->Flags & Large)
                GiveLarge(*H, LargeOf(B));
            else if (!Keep(*H, B))
                Give(*H, B);
            return 1;
        }
    }
    Refuse();
    return 0;
}

PVOID NTAPI RtlReAllocateHeap(PVOID Handle, ULONG Flags, PVOID Memory, SIZE_T Size)
{
    Heap* H = From(Handle);
    if (!Memory)
        return nullptr;
    if (!H || Size >= (u64(1) << 46)) {
        Fail(H, Flags);
        return nullptr;
    }
    u64 Old, Value = 0;
    ULONG Kept = 0;
    {
        Guard Held(*H, Flags);
        Block* B = Find(*H, Memory);
        if (!B) {
            Refuse();
            return nullptr;
        }
        Old = SizeOf(B);
        Kept = ULONG(B->UserFlags) << 9;
        const bool WithValue = B->Flags & UserValue;
        if (WithValue) {
            Value = ValueOf(B);
            Kept |= HEAP_SETTABLE_USER_VALUE;
        }
        bool Done = false;
        if (B->Flags & Large) {
            LargeHeader* L = LargeOf(B);
            if (Size + sizeof(LargeHeader) <= L->MappedSize && (Size >= LargeLimit / 2 || Flags & HEAP_REALLOC_IN_PLACE_ONLY)) {
                L->DataSize = Size;
                Done = true;
            }
        } else if (Size < (H->Limit ? FixedLimit : LargeLimit)) {
            u32 Units = UnitsFor(Size, WithValue);
            Done = Units <= B->Units || GrowInPlace(*H, B, Units);
            if (Done) {
                Shrink(*H, B, Units);
                B->Slack = u32(B->Capacity() - Size);
                B->Seal();
                if (WithValue)
                    ValueOf(B) = Value;
            }
        }
        if (Done) {
            if (Size > Old && (Flags | H->Flags) & HEAP_ZERO_MEMORY)
                __builtin_memset(At<>(Memory, Old), 0, Size - Old);
            return Memory;
        }
    }
    if (Flags & HEAP_REALLOC_IN_PLACE_ONLY) {
        Fail(H, Flags);
        return nullptr;
    }
    PVOID New = Allocate(*H, (Flags & ~(HEAP_SETTABLE_USER_VALUE | HEAP_SETTABLE_USER_FLAGS | HEAP_ZERO_MEMORY)) | Kept, Size);
    if (!New) {
        Fail(H, Flags);
        return nullptr;
    }
    if (Kept & HEAP_SETTABLE_USER_VALUE) {
        Block* B = At<Block>(New, -HeaderSize);
        ValueOf(B) = Value;
    }
    __builtin_memcpy(New, Memory, Old < Size ? Old : Size);
    if (Size > Old && (Flags | H->Flags) & HEAP_ZERO_MEMORY)
        __builtin_memset(At<>(New, Old), 0, Size - Old);
    RtlFreeHeap(Handle, Flags, Memory);
    return New;
}

SIZE_T NTAPI RtlSizeHeap(PVOID Handle, ULONG Flags, const void* Memory)
{
    if (Heap* H = From(Handle)) {
        Guard Held(*H, Flags);
        if (Block* B = Find(*H, Memory))
            return SizeOf(B);
    }
    Refuse();
    return ~SIZE_T(0);
}

}
