// Thread-local and fiber-local slots: the bitmaps of TlsAlloc, and FLS with its callbacks.
#include "ntdll/heap/heap.hpp"
#include "ntdll/process/process.hpp"
#include "ntdll/sync/sync.hpp"

namespace nt {
struct RTL_BITMAP {
    ULONG SizeOfBitMap;
    ULONG* Buffer;
};
}

namespace {

constinit RTL_BITMAP Slots {}, Expansion {};

// FLS: chunks of slots of doubling size per thread, as many as were ever used.
constexpr u32 MaxFls = 4080;
using FLS_CALLBACK = void NTAPI(PVOID);
struct FlsInfo {
    FLS_CALLBACK* Callback;         // ~0: none
    bool Used;
};
struct FlsThread {
    LIST_ENTRY Links;
    u32 Count;
    PVOID* Values;
};
PROCESS_LOCK constinit RTL_SRWLOCK FlsLock {};
constinit FlsInfo* FlsSlots = nullptr;
constinit u32 FlsHigh = 1;          // index 0 is never given out
constinit LIST_ENTRY FlsThreads { &FlsThreads, &FlsThreads };

FlsThread* ThreadOf(bool Create)
{
    auto* T = static_cast<FlsThread*>(Teb()->FlsData);
    if (T || !Create)
        return T;
    T = NewZeroed<FlsThread>();
    if (!T)
        return nullptr;
    SrwExclusive Held(FlsLock);
    InsertTailList(&FlsThreads, &T->Links);
    return static_cast<FlsThread*>(Teb()->FlsData = T);
}

void RunCallback(u32 Index, PVOID Value)
{
    FLS_CALLBACK* Callback = FlsSlots[Index].Callback;
    if (Value && Callback)
        Callback(Value);
}

}

void RtlpInitializeTls()
{
    PEB* P = Peb();
    Slots = { 64, P->TlsBitmapBits };
    Expansion = { 1024, P->TlsExpansionBitmapBits };
    P->TlsBitmap = &Slots;
    P->TlsExpansionBitmap = &Expansion;
    P->TlsBitmapBits[0] |= 1;       // slot 0 is never given out
}

void RtlpEndThreadCallbacks()
{
    if (auto* T = ThreadOf(false)) {
        for (u32 I = 1; I < T->Count; ++I) {
            PVOID Value = T->Values[I];
            T->Values[I] = nullptr;
            RunCallback(I, Value);
        }
    }
}

void RtlpEndThread()
{
    if (auto* T = ThreadOf(false)) {
        {
            SrwExclusive Held(FlsLock);
            RemoveEntryList(&T->Links);
        }
        Teb()->FlsData = nullptr;
        Free(T->Values);
        Free(T);
    }
    if (PVOID Slots = Teb()->TlsExpansionSlots) {
        Teb()->TlsExpansionSlots = nullptr;
        Free(Slots);
    }
}

extern "C" {

NTSTATUS NTAPI RtlFlsAlloc(FLS_CALLBACK* Callback, ULONG* Index)
{
    SrwExclusive Held(FlsLock);
    if (!FlsSlots) {
        FlsSlots = static_cast<FlsInfo*>(RtlAllocateHeap(Peb()->ProcessHeap, HEAP_ZERO_MEMORY, MaxFls * sizeof(FlsInfo)));
        if (!FlsSlots)
            return STATUS_NO_MEMORY;
    }
    for (u32 I = 1; I < MaxFls; ++I) {
        if (FlsSlots[I].Used)
            continue;
        FlsSlots[I] = { Callback, true };
        if (I >= FlsHigh)
            FlsHigh = I + 1;
        *Index = I;
        return STATUS_SUCCESS;
    }
    return STATUS_NO_MEMORY;
}

NTSTATUS NTAPI RtlFlsFree(ULONG Index)
{
    if (!Index || Index >= MaxFls || !FlsSlots || !FlsSlots[Index].Used)
        return STATUS_INVALID_PARAMETER;
    // The callback runs for the value of every thread.
    for (;;) {
        PVOID Value = nullptr;
        {
            SrwExclusive Held(FlsLock);
            for (LIST_ENTRY* I = FlsThreads.Flink; I != &FlsThreads && !Value; I = I->Flink) {
                auto* T = RECORD_OF(I, FlsThread, Links);
                if (Index < T->Count)
                    Value = std::exchange(T->Values[Index], nullptr);
            }
            if (!Value) {
                FlsSlots[Index] = {};
                return STATUS_SUCCESS;
            }
        }
        RunCallback(Index, Value);
    }
}

NTSTATUS NTAPI RtlFlsSetValue(ULONG Index, PVOID Value)
{
    if (!Index || Index >= MaxFls)
        return STATUS_INVALID_PARAMETER;
    auto* T = ThreadOf(true);
    if (!T)
        return STATUS_NO_MEMORY;
    if (Index >= T->Count) {
        u32 Count = (Index + 16) & ~15u;
        auto** Bigger = static_cast<PVOID*>(RtlAllocateHeap(Peb()->ProcessHeap, HEAP_ZERO_MEMORY, Count * sizeof(PVOID)));
        if (!Bigger)
            return STATUS_NO_MEMORY;
        SrwExclusive Held(FlsLock);
        if (T->Count)
            __builtin_memcpy(Bigger, T->Values, T->Count * sizeof(PVOID));
        Free(T->Values);
        T->Values = Bigger;
        T->Count = Count;
    }
    T->Values[Index] = Value;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlFlsGetValue(ULONG Index, PVOID* Value)
{
    if (!Index || Index >= MaxFls)
        return STATUS_INVALID_PARAMETER;
    auto* T = ThreadOf(false);
    *Value = T && Index < T->Count ? T->Values[Index] : nullptr;
    return STATUS_SUCCESS;
}
PVOID NTAPI RtlFlsGetValue2(ULONG Index)
{
    PVOID Value = nullptr;
    RtlFlsGetValue(Index, &Value);
    return Value;
}

// Bit 0: run the callbacks; bit 1: free the block. A fiber's block is given, a thread's otherwise.
void NTAPI RtlProcessFlsData(PVOID Data, ULONG Flags)
{
    auto* T = static_cast<FlsThread*>(Data);
    if (!T)
        return;
    if (Flags & 1) {
        for (u32 I = 1; I < T->Count; ++I) {
            if (PVOID Value = std::exchange(T->Values[I], nullptr))
                RunCallback(I, Value);
        }
    }
    if (Flags & 2) {
        {
            SrwExclusive Held(FlsLock);
            RemoveEntryList(&T->Links);
        }
        if (Teb()->FlsData == T)
            Teb()->FlsData = nullptr;
        Free(T->Values);
        Free(T);
    }
}

}
