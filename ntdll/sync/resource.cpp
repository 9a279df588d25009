// Resources: shared or exclusive, taken again by their owner, waiting optional.
#include "ntdll/sync/sync.hpp"

// RTL_RESOURCE, as programs allocate it. Where Windows keeps two semaphores, two condition variables do.
struct RTL_RESOURCE {
    RTL_CRITICAL_SECTION Section;
    RTL_CONDITION_VARIABLE SharedMayEnter;
    ULONG SharedWaiters;
    RTL_CONDITION_VARIABLE ExclusiveMayEnter;
    ULONG ExclusiveWaiters;
    LONG Active;                        // shared owners, or minus the times its exclusive owner has it
    HANDLE Owner;                       // the exclusive owner's thread id
    ULONG Flags;
    PVOID DebugInfo;
};
static_assert(sizeof(RTL_RESOURCE) == 0x60);

namespace {

HANDLE Self() { return Teb()->ClientId.UniqueThread; }

void Wait(RTL_RESOURCE& R, RTL_CONDITION_VARIABLE& For, ULONG& Waiters)
{
    ++Waiters;
    RtlSleepConditionVariableCS(&For, &R.Section, nullptr);
    --Waiters;
}

// It has become free, or shared: who may go on? An exclusive waiter is preferred, so that readers cannot keep it out for ever.
void WakeNext(RTL_RESOURCE& R)
{
    if (R.Active == 0 && R.ExclusiveWaiters)
        RtlWakeConditionVariable(&R.ExclusiveMayEnter);
    else if (R.SharedWaiters)
        RtlWakeAllConditionVariable(&R.SharedMayEnter);
}

}

extern "C" {

void NTAPI RtlInitializeResource(RTL_RESOURCE* R)
{
    *R = {};
    RtlInitializeCriticalSection(&R->Section);
}

void NTAPI RtlDeleteResource(RTL_RESOURCE* R)
{
    RtlDeleteCriticalSection(&R->Section);
    *R = {};
}

BOOLEAN NTAPI RtlAcquireResourceExclusive(RTL_RESOURCE* R, BOOLEAN MayWait)
{
    SectionGuard Held(R->Section);
    if (R->Active < 0 && R->Owner == Self()) {
        --R->Active;
        return 1;
    }
    while (R->Active != 0) {
        if (!MayWait)
            return 0;
        Wait(*R, R->ExclusiveMayEnter, R->ExclusiveWaiters);
    }
    R->Active = -1;
    R->Owner = Self();
    return 1;
}

BOOLEAN NTAPI RtlAcquireResourceShared(RTL_RESOURCE* R, BOOLEAN MayWait)
{
    SectionGuard Held(R->Section);
    if (R->Active < 0 && R->Owner == Self()) {
        --R->Active;
        return 1;
    }
    while (R->Active < 0) {
        if (!MayWait)
            return 0;
        Wait(*R, R->SharedMayEnter, R->SharedWaiters);
    }
    ++R->Active;
    return 1;
}

void NTAPI RtlReleaseResource(RTL_RESOURCE* R)
{
    SectionGuard Held(R->Section);
    if (R->Active > 0)
        --R->Active;
    else if (R->Active < 0 && ++R->Active == 0)
        R->Owner = nullptr;
    if (R->Active == 0)
        WakeNext(*R);
}

void NTAPI RtlConvertExclusiveToShared(RTL_RESOURCE* R)
{
    SectionGuard Held(R->Section);
    if (R->Active >= 0)
        return;
    R->Active = 1;
    R->Owner = nullptr;
    WakeNext(*R);
}

void NTAPI RtlConvertSharedToExclusive(RTL_RESOURCE* R)
{
    SectionGuard Held(R->Section);
    if (R->Active <= 0)
        return;
    --R->Active;
    while (R->Active != 0)
        Wait(*R, R->ExclusiveMayEnter, R->ExclusiveWaiters);
    R->Active = -1;
    R->Owner = Self();
}

}
