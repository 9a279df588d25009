// Dynamic hash tables: chains of entries by signature, split as the table fills (linear hashing's effect by doubling).
// Directory is an array of chain heads; TableSize is their number, DivisorMask that minus one.
#include "lib/rtl/crt/crt.hpp"
#include "lib/rtl/platform.hpp"
#include "lib/rtl/rtl.hpp"

namespace {

using Table = RTL_DYNAMIC_HASH_TABLE;
using Entry = RTL_DYNAMIC_HASH_TABLE_ENTRY;

constexpr ULONG RTL_HASH_ALLOCATED_HEADER = 1, LeastSize = 128, GreatestSize = 1u << 24;

LIST_ENTRY* Heads(Table* T) { return static_cast<LIST_ENTRY*>(T->Directory); }

LIST_ENTRY* HeadOf(Table* T, ULONG_PTR Signature)
{
    u32 Hash = u32((Signature >> T->Shift) * 0x9E3779B97F4A7C15 >> 32);
    return &Heads(T)[Hash & T->DivisorMask];
}

bool IsEmpty(const LIST_ENTRY* Head) { return Head->Flink == Head; }

LIST_ENTRY* MakeHeads(ULONG Count)
{
    auto* New = rtl::Allocate<LIST_ENTRY>(Count);
    for (ULONG I = 0; New && I < Count; ++I)
        New[I].Flink = New[I].Blink = &New[I];
    return New;
}

void Append(LIST_ENTRY* Before, LIST_ENTRY* Link)
{
    Link->Flink = Before->Flink;
    Link->Blink = Before;
    Before->Flink->Blink = Link;
    Before->Flink = Link;
}

// An enumeration's mark in a chain: signature 0 belongs to nobody else.
bool IsMark(const LIST_ENTRY* Link) { return reinterpret_cast<const Entry*>(Link)->Signature == 0; }

// A full table doubles, if nobody is enumerating it and there is memory; it works without.
void Grow(Table* T)
{
    if (T->NumEntries < T->TableSize * 2 || T->NumEnumerators || T->TableSize >= GreatestSize)
        return;
    LIST_ENTRY* New = MakeHeads(T->TableSize * 2);
    if (!New)
        return;
    LIST_ENTRY* Old = Heads(T);
    ULONG OldSize = T->TableSize;
    T->Directory = New;
    T->TableSize = OldSize * 2;
    T->DivisorMask = T->TableSize - 1;
    T->NonEmptyBuckets = 0;
    for (ULONG I = 0; I < OldSize; ++I)
        for (LIST_ENTRY* Link = Old[I].Flink; Link != &Old[I];) {
            LIST_ENTRY* Next = Link->Flink;
            LIST_ENTRY* Head = HeadOf(T, reinterpret_cast<Entry*>(Link)->Signature);
            T->NonEmptyBuckets += IsEmpty(Head);
            Append(Head->Blink, Link);
            Link = Next;
        }
    rtl::platform::Free(Old);
}

Entry* NextWith(LIST_ENTRY* Head, LIST_ENTRY* From, ULONG_PTR Signature, RTL_DYNAMIC_HASH_TABLE_CONTEXT* Context)
{
    for (LIST_ENTRY *Before = From, *Link = From->Flink; Link != Head; Before = Link, Link = Link->Flink) {
        if (reinterpret_cast<Entry*>(Link)->Signature != Signature)
            continue;
        if (Context)
            *Context = { Head, Before, Signature };
        return reinterpret_cast<Entry*>(Link);
    }
    return nullptr;
}

}

extern "C" {

BOOLEAN NTAPI RtlCreateHashTableEx(RTL_DYNAMIC_HASH_TABLE** To, ULONG Size, ULONG Shift, ULONG Flags)
{
    if (Flags & ~RTL_HASH_ALLOCATED_HEADER || Shift > 63)
        return false;
    ULONG Count = LeastSize;
    while (Count < Size && Count < GreatestSize)
        Count *= 2;
    Table* T = *To;
    bool Own = !T;
    if (Own && !(T = rtl::Allocate<Table>()))
        return false;
    *T = {};
    T->Directory = MakeHeads(Count);
    if (!T->Directory) {
        if (Own)
            rtl::platform::Free(T);
        return false;
    }
    T->Flags = Own ? RTL_HASH_ALLOCATED_HEADER : 0;
    T->Shift = Shift;
    T->TableSize = Count;
    T->DivisorMask = Count - 1;
    *To = T;
    return true;
}
BOOLEAN NTAPI RtlCreateHashTable(RTL_DYNAMIC_HASH_TABLE** To, ULONG Shift, ULONG Flags) { return RtlCreateHashTableEx(To, 0, Shift, Flags); }

void NTAPI RtlDeleteHashTable(RTL_DYNAMIC_HASH_TABLE* T)
{
    rtl::platform::Free(T->Directory);
    T->Directory = nullptr;
    if (T->Flags & RTL_HASH_ALLOCATED_HEADER)
        rtl::platform::Free(T);
}

BOOLEAN NTAPI RtlInsertEntryHashTable(RTL_DYNAMIC_HASH_TABLE* T, RTL_DYNAMIC_HASH_TABLE_ENTRY* E, ULONG_PTR Signature, RTL_DYNAMIC_HASH_TABLE_CONTEXT* Context)
{
    if (!Signature)                     // reserved for enumerations
        Signature = 2;
    E->Signature = Signature;
    Grow(T);
    LIST_ENTRY* Head = HeadOf(T, Signature);
    T->NonEmptyBuckets += IsEmpty(Head);
    ++T->NumEntries;
    LIST_ENTRY* Before = Head;
    // Equal signatures stay together, a new one first.
    for (LIST_ENTRY* Link = Head->Flink; Link != Head; Link = Link->Flink)
        if (reinterpret_cast<Entry*>(Link)->Signature == Signature) {
            Before = Link->Blink;
            break;
        }
    Append(Before, &E->Linkage);
    if (Context)
        *Context = { Head, Before, Signature };
    return true;
}

BOOLEAN NTAPI RtlRemoveEntryHashTable(RTL_DYNAMIC_HASH_TABLE* T, RTL_DYNAMIC_HASH_TABLE_ENTRY* E, RTL_DYNAMIC_HASH_TABLE_CONTEXT* Context)
{
    LIST_ENTRY* Before = E->Linkage.Blink;
    E->Linkage.Blink->Flink = E->Linkage.Flink;
    E->Linkage.Flink->Blink = E->Linkage.Blink;
    LIST_ENTRY* Head = HeadOf(T, E->Signature);
    --T->NumEntries;
    T->NonEmptyBuckets -= IsEmpty(Head);
    if (Context)
        *Context = { Head, Before, E->Signature };
    return true;
}

RTL_DYNAMIC_HASH_TABLE_ENTRY* NTAPI RtlLookupEntryHashTable(RTL_DYNAMIC_HASH_TABLE* T, ULONG_PTR Signature, RTL_DYNAMIC_HASH_TABLE_CONTEXT* Context)
{
    if (!Signature)
        Signature = 2;
    LIST_ENTRY* Head = HeadOf(T, Signature);
    if (Context)
        *Context = { Head, Head, Signature };
    return NextWith(Head, Head, Signature, Context);
}
RTL_DYNAMIC_HASH_TABLE_ENTRY* NTAPI RtlGetNextEntryHashTable(RTL_DYNAMIC_HASH_TABLE*, RTL_DYNAMIC_HASH_TABLE_CONTEXT* Context)
{
    LIST_ENTRY* Present = Context->PrevLinkage->Flink;
    if (Present == Context->ChainHead)
        return nullptr;
    return NextWith(Context->ChainHead, Present, Context->Signature, Context);
}

BOOLEAN NTAPI RtlInitEnumerationHashTable(RTL_DYNAMIC_HASH_TABLE* T, RTL_DYNAMIC_HASH_TABLE_ENUMERATOR* E)
{
    ++T->NumEnumerators;
    E->BucketIndex = 0;
    E->ChainHead = &Heads(T)[0];
    E->HashEntry.Signature = 0;
    T->NonEmptyBuckets += IsEmpty(E->ChainHead);
    Append(E->ChainHead, &E->HashEntry.Linkage);
    return true;
}

// The enumerator's mark moves through the chains: entries may come and go meanwhile.
RTL_DYNAMIC_HASH_TABLE_ENTRY* NTAPI RtlEnumerateEntryHashTable(RTL_DYNAMIC_HASH_TABLE* T, RTL_DYNAMIC_HASH_TABLE_ENUMERATOR* E)
{
    LIST_ENTRY* Mark = &E->HashEntry.Linkage;
    for (ULONG Bucket = E->BucketIndex; Bucket < T->TableSize; ++Bucket) {
        LIST_ENTRY* Head = &Heads(T)[Bucket];
        for (LIST_ENTRY* Link = Bucket == E->BucketIndex ? Mark->Flink : Head->Flink; Link != Head; Link = Link->Flink) {
            if (IsMark(Link))
                continue;
            Mark->Blink->Flink = Mark->Flink;
            Mark->Flink->Blink = Mark->Blink;
            if (Head != E->ChainHead && IsEmpty(E->ChainHead))
                --T->NonEmptyBuckets;
            E->BucketIndex = Bucket;
            E->ChainHead = Head;
            Append(Link, Mark);
            return reinterpret_cast<Entry*>(Link);
        }
    }
    return nullptr;
}

void NTAPI RtlEndEnumerationHashTable(RTL_DYNAMIC_HASH_TABLE* T, RTL_DYNAMIC_HASH_TABLE_ENUMERATOR* E)
{
    LIST_ENTRY* Mark = &E->HashEntry.Linkage;
    Mark->Blink->Flink = Mark->Flink;
    Mark->Flink->Blink = Mark->Blink;
    if (IsEmpty(E->ChainHead))
        --T->NonEmptyBuckets;
    --T->NumEnumerators;
    E->ChainHead = nullptr;
}

}
