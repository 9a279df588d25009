// ERESOURCE: a lock that one thread has alone or several share.
//
// Owners are kept by thread: the first in OwnerEntry, further ones that share it in OwnerTable (allocated when it is needed; its first entry holds only the size). Who has it may take it again,
// whoever waits. ActiveEntries counts owners. Waiters queue in SystemResourcesList and are given the resource by the one that lets it go: all that want to
// share it when it was owned alone, the first that wants it alone when it was shared.
#include "wdm/ntoskrnl/host.hpp"

using namespace host;
#define CALLER __builtin_return_address(0)

namespace {

Lock ResourceLock;                      // for all of them: held for a few instructions

struct Waiter {
    LIST_ENTRY Link;
    KEVENT Given;
    ERESOURCE_THREAD Thread;
    bool Alone;
};

ERESOURCE_THREAD Me() { return reinterpret_cast<ERESOURCE_THREAD>(Current()); }
bool IsAlone(const ERESOURCE* R) { return R->Flag & ResourceOwnedExclusive; }

OWNER_ENTRY* Find(ERESOURCE* R, ERESOURCE_THREAD Thread)
{
    if (R->OwnerEntry.OwnerThread == Thread && R->OwnerEntry.OwnerCount)
        return &R->OwnerEntry;
    for (ULONG I = 1; R->OwnerTable && I < R->OwnerTable[0].TableSize; ++I)
        if (R->OwnerTable[I].OwnerThread == Thread && R->OwnerTable[I].OwnerCount)
            return &R->OwnerTable[I];
    return nullptr;
}

// Room for one more owner. Null: no memory.
OWNER_ENTRY* Room(ERESOURCE* R)
{
    if (!R->OwnerEntry.OwnerCount)
        return &R->OwnerEntry;
    ULONG Size = R->OwnerTable ? R->OwnerTable[0].TableSize : 0;
    for (ULONG I = 1; I < Size; ++I)
        if (!R->OwnerTable[I].OwnerCount)
            return &R->OwnerTable[I];
    ULONG More = Size ? Size * 2 : 4;
    auto* New = static_cast<OWNER_ENTRY*>(Allocate(More * sizeof(OWNER_ENTRY)));
    if (!New)
        return nullptr;
    if (Size)
        memcpy(New, R->OwnerTable, Size * sizeof(OWNER_ENTRY));
    New[0].TableSize = More;
    Free(R->OwnerTable);
    R->OwnerTable = New;
    return &New[Size ? Size : 1];
}

// A new owner. False: no memory.
bool Add(ERESOURCE* R, ERESOURCE_THREAD Thread, bool Alone)
{
    OWNER_ENTRY* E = Room(R);
    if (!E)
        return false;
    E->OwnerThread = Thread;
    E->OwnerCount = 1;
    ++R->ActiveEntries;
    R->ActiveCount = SHORT(R->ActiveEntries);
    if (Alone)
        R->Flag |= ResourceOwnedExclusive;
    return true;
}

// Gives a free or shared resource to those whose turn it is.
void Give(ERESOURCE* R, bool WasAlone)
{
    bool Share = R->ActiveEntries || (R->NumberOfSharedWaiters && (WasAlone || !R->NumberOfExclusiveWaiters));
    for (LIST_ENTRY* E = R->SystemResourcesList.Flink; E != &R->SystemResourcesList;) {
        auto* W = CONTAINING_RECORD(E, Waiter, Link);
        E = E->Flink;
        if (W->Alone == Share || !Add(R, W->Thread, W->Alone))
            continue;
        RemoveEntryList(&W->Link);
        --(W->Alone ? R->NumberOfExclusiveWaiters : R->NumberOfSharedWaiters);
        KeSetEvent(&W->Given, 0, FALSE);
        if (!Share)
            return;
    }
}

enum class Manner { Alone, Shared, StarveExclusive, WaitForExclusive };

BOOLEAN Acquire(ERESOURCE* R, Manner How, bool Wait)
{
    bool Alone = How == Manner::Alone;
    for (;;) {
        Waiter W;
        bool Queued = false;
        {
            Hold Held(ResourceLock);
            OWNER_ENTRY* Mine = Find(R, Me());
            if (Mine && (IsAlone(R) || (!Alone && (How != Manner::WaitForExclusive || !R->NumberOfExclusiveWaiters)))) {
                Mine->OwnerCount = Mine->OwnerCount + 1;
                return TRUE;
            }
            bool Free = !R->ActiveEntries;
            if (Alone ? Free : Free || (!IsAlone(R) && (How == Manner::StarveExclusive || !R->NumberOfExclusiveWaiters))) {
                if (Add(R, Me(), Alone))
                    return TRUE;
            } else if (Wait) {
                Queued = true;
                KeInitializeEvent(&W.Given, SynchronizationEvent, FALSE);
                W.Thread = Me();
                W.Alone = Alone;
                InsertTailList(&R->SystemResourcesList, &W.Link);
                ++(Alone ? R->NumberOfExclusiveWaiters : R->NumberOfSharedWaiters);
                ++R->ContentionCount;
            }
            if (!Wait)
                return FALSE;
        }
        if (Queued) {
            KeWaitForSingleObject(&W.Given, Executive, KernelMode, FALSE, nullptr);
            return TRUE;
        }
        LARGE_INTEGER Tick;             // without memory for an owner: again, soon
        Tick.QuadPart = -100'000;
        KeDelayExecutionThread(KernelMode, FALSE, &Tick);
    }
}

void Release(ERESOURCE* R, ERESOURCE_THREAD Thread, const void* Caller)
{
    Hold Held(ResourceLock);
    OWNER_ENTRY* E = Find(R, Thread);
    if (!E)
        BugCheck(0xE3, u64(R), Thread, u64(R->OwnerTable), 0, "RESOURCE_NOT_OWNED: a resource is released by a thread that does not have it", Caller);
    E->OwnerCount = E->OwnerCount - 1;
    if (E->OwnerCount)
        return;
    E->OwnerThread = 0;
    bool WasAlone = IsAlone(R);
    --R->ActiveEntries;
    R->ActiveCount = SHORT(R->ActiveEntries);
    R->Flag &= USHORT(~ResourceOwnedExclusive);
    if (!R->ActiveEntries)
        Give(R, WasAlone);
}

}

bool host::OwnsAlone(PERESOURCE R, Thread* T)
{
    if (!R)
        return false;
    Hold Held(ResourceLock);
    return IsAlone(R) && Find(R, reinterpret_cast<ERESOURCE_THREAD>(T));
}

extern "C" {

NTSTATUS NTAPI ExInitializeResourceLite(PERESOURCE R)
{
    memset(R, 0, sizeof(*R));
    InitializeListHead(&R->SystemResourcesList);
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI ExReinitializeResourceLite(PERESOURCE R)
{
    Free(R->OwnerTable);
    return ExInitializeResourceLite(R);
}
NTSTATUS NTAPI ExDeleteResourceLite(PERESOURCE R)
{
    Hold Held(ResourceLock);
    if (!IsListEmpty(&R->SystemResourcesList))
        BugCheck(0xC4, 0x91, u64(R), 0, 0, "a resource is deleted that threads wait for", CALLER);
    Free(R->OwnerTable);
    R->OwnerTable = nullptr;
    return STATUS_SUCCESS;
}
BOOLEAN NTAPI ExAcquireResourceExclusiveLite(PERESOURCE R, BOOLEAN Wait)
{
    RequireIrql(APC_LEVEL, "ExAcquireResourceExclusiveLite", CALLER);
    return Acquire(R, Manner::Alone, Wait);
}
BOOLEAN NTAPI ExAcquireResourceSharedLite(PERESOURCE R, BOOLEAN Wait)
{
    RequireIrql(APC_LEVEL, "ExAcquireResourceSharedLite", CALLER);
    return Acquire(R, Manner::Shared, Wait);
}
BOOLEAN NTAPI ExAcquireSharedStarveExclusive(PERESOURCE R, BOOLEAN Wait) { return Acquire(R, Manner::StarveExclusive, Wait); }
BOOLEAN NTAPI ExAcquireSharedWaitForExclusive(PERESOURCE R, BOOLEAN Wait) { return Acquire(R, Manner::WaitForExclusive, Wait); }
void FASTCALL ExReleaseResourceLite(PERESOURCE R) { Release(R, Me(), CALLER); }
void NTAPI ExReleaseResourceForThreadLite(PERESOURCE R, ERESOURCE_THREAD Thread) { Release(R, Thread, CALLER); }
void NTAPI ExConvertExclusiveToSharedLite(PERESOURCE R)
{
    Hold Held(ResourceLock);
    if (!IsAlone(R))
        BugCheck(0xE3, u64(R), Me(), 0, 0, "RESOURCE_NOT_OWNED: a resource is to be shared that nobody has alone", CALLER);
    R->Flag &= USHORT(~ResourceOwnedExclusive);
    if (R->NumberOfSharedWaiters)
        Give(R, true);
}
// What the thread has belongs to Owner from now on: it is released for that.
void NTAPI ExSetResourceOwnerPointer(PERESOURCE R, PVOID Owner)
{
    Hold Held(ResourceLock);
    OWNER_ENTRY* E = Find(R, Me());
    if (!E)
        BugCheck(0xE3, u64(R), Me(), 0, 0, "RESOURCE_NOT_OWNED: a resource's owner is set by a thread that does not have it", CALLER);
    OWNER_ENTRY* Old = Find(R, ERESOURCE_THREAD(Owner));
    if (Old && Old != E) {
        Old->OwnerCount = Old->OwnerCount + E->OwnerCount;
        E->OwnerCount = 0;
        E->OwnerThread = 0;
        --R->ActiveEntries;
        R->ActiveCount = SHORT(R->ActiveEntries);
        return;
    }
    E->OwnerThread = ERESOURCE_THREAD(Owner);
}
BOOLEAN NTAPI ExIsResourceAcquiredExclusiveLite(PERESOURCE R)
{
    Hold Held(ResourceLock);
    return IsAlone(R) && Find(R, Me());
}
ULONG NTAPI ExIsResourceAcquiredSharedLite(PERESOURCE R)
{
    Hold Held(ResourceLock);
    OWNER_ENTRY* E = Find(R, Me());
    return E ? E->OwnerCount : 0;
}
ULONG NTAPI ExGetExclusiveWaiterCount(PERESOURCE R) { return R->NumberOfExclusiveWaiters; }
ULONG NTAPI ExGetSharedWaiterCount(PERESOURCE R) { return R->NumberOfSharedWaiters; }
PVOID NTAPI ExEnterCriticalRegionAndAcquireResourceExclusive(PERESOURCE R)
{
    Acquire(R, Manner::Alone, true);
    return nullptr;
}
PVOID NTAPI ExEnterCriticalRegionAndAcquireResourceShared(PERESOURCE R)
{
    Acquire(R, Manner::Shared, true);
    return nullptr;
}
void FASTCALL ExReleaseResourceAndLeaveCriticalRegion(PERESOURCE R) { Release(R, Me(), CALLER); }

}
