// Interlocked singly linked lists: a 16-byte head with depth, sequence number and first entry, changed by cmpxchg16b.
// Popping reads the first entry's link before it knows that the entry is still there: as on Windows, entries must stay
// readable (not necessarily the same) while others pop.
#include "lib/rtl/platform.hpp"
#include "lib/rtl/rtl.hpp"

namespace {

struct Head {
    u64 Low, High;

    SLIST_ENTRY* First() const { return reinterpret_cast<SLIST_ENTRY*>(High & ~u64(15)); }
    u16 Depth() const { return u16(Low); }
    u64 Sequence() const { return Low >> 16; }
    static Head Make(u16 Depth, u64 Sequence, SLIST_ENTRY* First)
    {
        return { Depth | Sequence << 16, reinterpret_cast<u64>(First) };
    }
};

// The two halves may not match; the exchange notices that.
Head Read(const SLIST_HEADER* List)
{
    Head Now;
    Now.Low = __atomic_load_n(&List->Alignment, __ATOMIC_ACQUIRE);
    Now.High = __atomic_load_n(&List->Region, __ATOMIC_ACQUIRE);
    return Now;
}

bool Exchange(SLIST_HEADER* List, Head& Expected, Head New)
{
    bool Done;
    asm volatile("lock cmpxchg16b %1"
                 : "=@ccz"(Done), "+m"(*List), "+a"(Expected.Low), "+d"(Expected.High)
                 : "b"(New.Low), "c"(New.High)
                 : "memory");
    return Done;
}

}

extern "C" {

void NTAPI RtlInitializeSListHead(SLIST_HEADER* List)
{
    if (reinterpret_cast<u64>(List) & 15)
        rtl::platform::Raise(STATUS_DATATYPE_MISALIGNMENT);
    List->Alignment = 0;
    List->Region = 0;
}

SLIST_ENTRY* NTAPI RtlFirstEntrySList(const SLIST_HEADER* List) { return Read(List).First(); }
USHORT NTAPI RtlQueryDepthSList(SLIST_HEADER* List) { return Read(List).Depth(); }

SLIST_ENTRY* NTAPI RtlInterlockedPushListSListEx(SLIST_HEADER* List, SLIST_ENTRY* First, SLIST_ENTRY* Last, ULONG Count)
{
    Head Old = Read(List);
    do
        Last->Next = Old.First();
    while (!Exchange(List, Old, Head::Make(u16(Old.Depth() + Count), Old.Sequence() + 1, First)));
    return Old.First();
}
SLIST_ENTRY* NTAPI RtlInterlockedPushListSList(SLIST_HEADER* List, SLIST_ENTRY* First, SLIST_ENTRY* Last, ULONG Count)
{
    return RtlInterlockedPushListSListEx(List, First, Last, Count);
}
SLIST_ENTRY* NTAPI RtlInterlockedPushEntrySList(SLIST_HEADER* List, SLIST_ENTRY* Entry)
{
    return RtlInterlockedPushListSListEx(List, Entry, Entry, 1);
}

SLIST_ENTRY* NTAPI RtlInterlockedPopEntrySList(SLIST_HEADER* List)
{
    Head Old = Read(List);
    for (;;) {
        SLIST_ENTRY* First = Old.First();
        if (!First)
            return nullptr;
        SLIST_ENTRY* Next = __atomic_load_n(&First->Next, __ATOMIC_RELAXED);
        if (Exchange(List, Old, Head::Make(u16(Old.Depth() - 1), Old.Sequence() + 1, Next)))
            return First;
    }
}

SLIST_ENTRY* NTAPI RtlInterlockedFlushSList(SLIST_HEADER* List)
{
    Head Old = Read(List);
    do
        if (!Old.First())
            return nullptr;
    while (!Exchange(List, Old, Head::Make(0, Old.Sequence() + 1, nullptr)));
    return Old.First();
}

}
