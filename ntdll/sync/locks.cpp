// Slim reader-writer locks, condition variables, run-once and barriers.
#include "ntdll/sync/sync.hpp"

namespace {

// SRW word: low half the owners (all ones: an exclusive one), then 31 bits of waiting writers, then "readers wait".
// Writers sleep on the lock's address, readers on the address after it.
constexpr u64 Owners = 0xFFFFFFFF, Exclusive = Owners, OneWriter = u64(1) << 32, Writers = u64(0x7FFFFFFF) << 32, Readers = u64(1) << 63;

const void* ReaderKey(const RTL_SRWLOCK* Lock) { return At<>(Lock, 4); }

bool Swap(u64& Word, u64& Old, u64 New)
{
    return __atomic_compare_exchange_n(&Word, &Old, New, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

[[gnu::noinline]] void AcquireExclusiveSlow(RTL_SRWLOCK* Lock)
{
    bool Registered = false;
    u64 Old = __atomic_load_n(&Lock->Word, __ATOMIC_RELAXED);
    for (;;) {
        if (!(Old & Owners)) {
            if (Swap(Lock->Word, Old, (Old | Exclusive) - (Registered ? OneWriter : 0)))
                return;
        } else if (!Registered) {
            if (Swap(Lock->Word, Old, Old + OneWriter)) {
                Registered = true;
                Old += OneWriter;
            }
        } else {
            sync::Wait(Lock, &Lock->Word, Old, Owners, nullptr);
            Old = __atomic_load_n(&Lock->Word, __ATOMIC_RELAXED);
        }
    }
}

[[gnu::noinline]] void AcquireSharedSlow(RTL_SRWLOCK* Lock)
{
    u64 Old = __atomic_load_n(&Lock->Word, __ATOMIC_RELAXED);
    for (;;) {
        if ((Old & Owners) != Exclusive && !(Old & Writers)) {
            if (Swap(Lock->Word, Old, Old + 1))
                return;
        } else if (!(Old & Readers)) {
            Swap(Lock->Word, Old, Old | Readers);
        } else {
            sync::Wait(ReaderKey(Lock), &Lock->Word, Readers, Readers, nullptr);
            Old = __atomic_load_n(&Lock->Word, __ATOMIC_RELAXED);
        }
    }
}

// After a release left Word without owners.
[[gnu::noinline]] void WakeNext(RTL_SRWLOCK* Lock, u64 Word)
{
    if (Word & Writers) {
        sync::Wake(Lock, false);
    } else if (Word & Readers) {
        __atomic_and_fetch(&Lock->Word, ~Readers, __ATOMIC_SEQ_CST);
        sync::Wake(ReaderKey(Lock), true);
    }
}

}

extern "C" {

void NTAPI RtlInitializeSRWLock(RTL_SRWLOCK* Lock) { Lock->Word = 0; }

void NTAPI RtlAcquireSRWLockExclusive(RTL_SRWLOCK* Lock)
{
    u64 Free = 0;
    if (!Swap(Lock->Word, Free, Exclusive)) [[unlikely]]
        AcquireExclusiveSlow(Lock);
}
BOOLEAN NTAPI RtlTryAcquireSRWLockExclusive(RTL_SRWLOCK* Lock)
{
    u64 Old = __atomic_load_n(&Lock->Word, __ATOMIC_RELAXED);
    while (!(Old & Owners)) {
        if (Swap(Lock->Word, Old, Old | Exclusive))
            return 1;
    }
    return 0;
}
void NTAPI RtlReleaseSRWLockExclusive(RTL_SRWLOCK* Lock)
{
    u64 Old = __atomic_fetch_and(&Lock->Word, ~Owners, __ATOMIC_SEQ_CST);
    if ((Old & Owners) != Exclusive) [[unlikely]] {         // was not owned: put it back, as loudly as Windows does
        __atomic_or_fetch(&Lock->Word, Old & Owners, __ATOMIC_SEQ_CST);
        RtlRaiseStatus(STATUS_RESOURCE_NOT_OWNED);
        return;
    }
    if (Old & ~Owners) [[unlikely]]
        WakeNext(Lock, Old & ~Owners);
}
void NTAPI RtlAcquireSRWLockShared(RTL_SRWLOCK* Lock)
{
    u64 Old = __atomic_load_n(&Lock->Word, __ATOMIC_RELAXED);
    if ((Old & Owners) == Exclusive || (Old & Writers) || !Swap(Lock->Word, Old, Old + 1)) [[unlikely]]
        AcquireSharedSlow(Lock);
}
BOOLEAN NTAPI RtlTryAcquireSRWLockShared(RTL_SRWLOCK* Lock)
{
    u64 Old = __atomic_load_n(&Lock->Word, __ATOMIC_RELAXED);
    while ((Old & Owners) != Exclusive && !(Old & Writers)) {
        if (Swap(Lock->Word, Old, Old + 1))
            return 1;
    }
    return 0;
}
void NTAPI RtlReleaseSRWLockShared(RTL_SRWLOCK* Lock)
{
    u64 Now = __atomic_sub_fetch(&Lock->Word, 1, __ATOMIC_SEQ_CST);
    if (!(Now & Owners) && Now) [[unlikely]]
        WakeNext(Lock, Now);
}

// --- condition variables: the word counts wake-ups

void NTAPI RtlInitializeConditionVariable(RTL_CONDITION_VARIABLE* Variable) { Variable->Word = 0; }
void NTAPI RtlWakeConditionVariable(RTL_CONDITION_VARIABLE* Variable)
{
    __atomic_add_fetch(&Variable->Word, 1, __ATOMIC_SEQ_CST);
    sync::Wake(Variable, false);
}
void NTAPI RtlWakeAllConditionVariable(RTL_CONDITION_VARIABLE* Variable)
{
    __atomic_add_fetch(&Variable->Word, 1, __ATOMIC_SEQ_CST);
    sync::Wake(Variable, true);
}
NTSTATUS NTAPI RtlSleepConditionVariableCS(RTL_CONDITION_VARIABLE* Variable, RTL_CRITICAL_SECTION* Section, LARGE_INTEGER* Timeout)
{
    u64 Seen = __atomic_load_n(&Variable->Word, __ATOMIC_SEQ_CST);
    RtlLeaveCriticalSection(Section);
    NTSTATUS Status = sync::Wait(Variable, &Variable->Word, Seen, ~u64(0), Timeout);
    RtlEnterCriticalSection(Section);
    return Status;
}
NTSTATUS NTAPI RtlSleepConditionVariableSRW(RTL_CONDITION_VARIABLE* Variable, RTL_SRWLOCK* Lock, LARGE_INTEGER* Timeout, ULONG Flags)
{
    if (Flags & ~RTL_CONDITION_VARIABLE_LOCKMODE_SHARED)
        return STATUS_INVALID_PARAMETER_4;
    u64 Seen = __atomic_load_n(&Variable->Word, __ATOMIC_SEQ_CST);
    const bool Shared = Flags & RTL_CONDITION_VARIABLE_LOCKMODE_SHARED;
    Shared ? RtlReleaseSRWLockShared(Lock) : RtlReleaseSRWLockExclusive(Lock);
    NTSTATUS Status = sync::Wait(Variable, &Variable->Word, Seen, ~u64(0), Timeout);
    Shared ? RtlAcquireSRWLockShared(Lock) : RtlAcquireSRWLockExclusive(Lock);
    return Status;
}

// --- run-once: the low two bits are the state, the rest the context (or, under way, nothing)

enum RunOnceState : u64 { RunOnceNew = 0, RunOnceBusy = 1, RunOnceDone = 2, RunOnceAsync = 3 };
using RUN_ONCE_FUNCTION = ULONG NTAPI(RTL_RUN_ONCE*, PVOID Parameter, PVOID* Context);

void NTAPI RtlRunOnceInitialize(RTL_RUN_ONCE* Once) { Once->Word = 0; }

NTSTATUS NTAPI RtlRunOnceBeginInitialize(RTL_RUN_ONCE* Once, ULONG Flags, PVOID* Context)
{
    if (Flags & RTL_RUN_ONCE_CHECK_ONLY) {
        u64 Word = __atomic_load_n(&Once->Word, __ATOMIC_ACQUIRE);
        if (Flags & RTL_RUN_ONCE_ASYNC)
            return STATUS_INVALID_PARAMETER;
        if ((Word & 3) != RunOnceDone)
            return STATUS_UNSUCCESSFUL;
        if (Context)
            *Context = reinterpret_cast<PVOID>(Word & ~u64(3));
        return STATUS_SUCCESS;
    }
    u64 Old = __atomic_load_n(&Once->Word, __ATOMIC_ACQUIRE);
    for (;;) {
        switch (Old & 3) {
        case RunOnceNew:
            if (Swap(Once->Word, Old, Flags & RTL_RUN_ONCE_ASYNC ? RunOnceAsync : RunOnceBusy))
                return STATUS_PENDING;
            break;
        case RunOnceBusy:
            if (Flags & RTL_RUN_ONCE_ASYNC)
                return STATUS_INVALID_PARAMETER;
            sync::Wait(Once, &Once->Word, Old, ~u64(0), nullptr);
            Old = __atomic_load_n(&Once->Word, __ATOMIC_ACQUIRE);
            break;
        case RunOnceAsync:
            return Flags & RTL_RUN_ONCE_ASYNC ? STATUS_PENDING : STATUS_INVALID_PARAMETER;
        default:
            if (Context)
                *Context = reinterpret_cast<PVOID>(Old & ~u64(3));
            return STATUS_SUCCESS;
        }
    }
}

NTSTATUS NTAPI RtlRunOnceComplete(RTL_RUN_ONCE* Once, ULONG Flags, PVOID Context)
{
    if (u64(Context) & 3)
        return STATUS_INVALID_PARAMETER;
    if ((Flags & RTL_RUN_ONCE_INIT_FAILED) && (Context || (Flags & RTL_RUN_ONCE_ASYNC)))
        return STATUS_INVALID_PARAMETER;
    u64 Old = __atomic_load_n(&Once->Word, __ATOMIC_ACQUIRE);
    u64 New = Flags & RTL_RUN_ONCE_INIT_FAILED ? 0 : u64(Context) | RunOnceDone;
    switch (Old & 3) {
    case RunOnceBusy:
        if (Flags & RTL_RUN_ONCE_ASYNC)
            return STATUS_INVALID_PARAMETER;
        __atomic_store_n(&Once->Word, New, __ATOMIC_SEQ_CST);
        sync::Wake(Once, true);
        return STATUS_SUCCESS;
    case RunOnceAsync:
        if (!(Flags & RTL_RUN_ONCE_ASYNC))
            return STATUS_INVALID_PARAMETER;
        return Swap(Once->Word, Old, New) ? STATUS_SUCCESS : STATUS_OBJECT_NAME_COLLISION;
    default:
        return STATUS_UNSUCCESSFUL;
    }
}

NTSTATUS NTAPI RtlRunOnceExecuteOnce(RTL_RUN_ONCE* Once, RUN_ONCE_FUNCTION* Function, PVOID Parameter, PVOID* Context)
{
    NTSTATUS Status = RtlRunOnceBeginInitialize(Once, 0, Context);
    if (Status != STATUS_PENDING)
        return Status;
    PVOID Result = nullptr;
    if (!Function(Once, Parameter, &Result)) {
        RtlRunOnceComplete(Once, RTL_RUN_ONCE_INIT_FAILED, nullptr);
        return STATUS_UNSUCCESSFUL;
    }
    Status = RtlRunOnceComplete(Once, 0, Result);
    if (Context)
        *Context = Result;
    return Status;
}

// --- barriers: Reserved1 threads missing in this round, Reserved2 total, Reserved3[0] round

NTSTATUS NTAPI RtlInitBarrier(RTL_BARRIER* Barrier, ULONG Threads, ULONG SpinCount)
{
    if (!Barrier || !Threads)
        return STATUS_INVALID_PARAMETER;
    *Barrier = { Threads, Threads, { 0, 0 }, 0, SpinCount };
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI RtlDeleteBarrier(RTL_BARRIER*) { return STATUS_SUCCESS; }
BOOLEAN NTAPI RtlBarrier(RTL_BARRIER* Barrier, ULONG)
{
    u64 Round = __atomic_load_n(&Barrier->Reserved3[0], __ATOMIC_SEQ_CST);
    if (__atomic_sub_fetch(&Barrier->Reserved1, 1, __ATOMIC_SEQ_CST) == 0) {
        __atomic_store_n(&Barrier->Reserved1, Barrier->Reserved2, __ATOMIC_SEQ_CST);
        __atomic_add_fetch(&Barrier->Reserved3[0], 1, __ATOMIC_SEQ_CST);
        sync::Wake(Barrier, true);
        return 1;
    }
    while (__atomic_load_n(&Barrier->Reserved3[0], __ATOMIC_SEQ_CST) == Round)
        sync::Wait(Barrier, &Barrier->Reserved3[0], Round, ~u64(0), nullptr);
    return 0;
}
BOOLEAN NTAPI RtlBarrierForDelete(RTL_BARRIER* Barrier, ULONG Flags) { return RtlBarrier(Barrier, Flags); }

}
