// Critical sections. A release lets any thread take the section, the woken one included: no convoy is formed. LockSemaphore is not a
// handle here but counts wake-ups, so that a waiter that is about to sleep notices one.
#include "ntdll/exception/exception.hpp"
#include "ntdll/heap/heap.hpp"
#include "ntdll/sync/sync.hpp"

namespace {

constexpr LONG Unlocked = 1, NotWaking = 2, OneWaiter = 4;

u64& WakeUps(RTL_CRITICAL_SECTION& Section) { return reinterpret_cast<u64&>(Section.LockSemaphore); }

bool Swap(LONG& Count, LONG& Old, LONG New)
{
    return __atomic_compare_exchange_n(&Count, &Old, New, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

bool TakeIfFree(RTL_CRITICAL_SECTION& Section)
{
    LONG Old = __atomic_load_n(&Section.LockCount, __ATOMIC_RELAXED);
    while (Old & Unlocked) {
        if (Swap(Section.LockCount, Old, Old & ~Unlocked))
            return true;
    }
    return false;
}

[[gnu::noinline]] void EnterSlow(RTL_CRITICAL_SECTION& Section)
{
    if (Kuser().ActiveProcessorCount > 1) {
        for (u64 Spin = Section.SpinCount & 0xFFFFFF; Spin; --Spin) {
            if (TakeIfFree(Section))
                return;
            CpuRelax();
        }
    }
    if (Section.DebugInfo && u64(Section.DebugInfo) != ~u64(0))
        __atomic_add_fetch(&Section.DebugInfo->ContentionCount, 1, __ATOMIC_RELAXED);
    bool Registered = false;
    LONG Old = __atomic_load_n(&Section.LockCount, __ATOMIC_SEQ_CST);
    for (;;) {
        if (Old & Unlocked) {
            if (Swap(Section.LockCount, Old, (Registered ? (Old + OneWaiter) | NotWaking : Old) & ~Unlocked))
                return;
            continue;
        }
        u64 Seen = __atomic_load_n(&WakeUps(Section), __ATOMIC_SEQ_CST);
        if (!Swap(Section.LockCount, Old, Registered ? Old | NotWaking : Old - OneWaiter))
            continue;
        Registered = true;
        sync::Wait(&Section.LockSemaphore, &WakeUps(Section), Seen, ~u64(0), nullptr);
        Old = __atomic_load_n(&Section.LockCount, __ATOMIC_SEQ_CST);
    }
}

[[gnu::noinline]] void WakeOne(RTL_CRITICAL_SECTION& Section)
{
    LONG Old = __atomic_load_n(&Section.LockCount, __ATOMIC_SEQ_CST);
    // Only while it is free, somebody waits and nobody has been woken: otherwise the owner or the woken thread sees to it.
    while ((Old & Unlocked) && (Old >> 2) != -1 && (Old & NotWaking)) {
        if (!Swap(Section.LockCount, Old, Old & ~NotWaking))
            continue;
        __atomic_add_fetch(&WakeUps(Section), 1, __ATOMIC_SEQ_CST);
        sync::Wake(&Section.LockSemaphore, false);
        return;
    }
}

}

extern "C" {

NTSTATUS NTAPI RtlEnterCriticalSection(RTL_CRITICAL_SECTION* Section)
{
    HANDLE Me = Teb()->ClientId.UniqueThread;
    LONG Unowned = -1;
    if (!Swap(Section->LockCount, Unowned, -1 & ~Unlocked)) [[unlikely]] {
        if (Section->OwningThread == Me) {
            ++Section->RecursionCount;
            return STATUS_SUCCESS;
        }
        EnterSlow(*Section);
    }
    Section->OwningThread = Me;
    Section->RecursionCount = 1;
    return STATUS_SUCCESS;
}

BOOLEAN NTAPI RtlTryEnterCriticalSection(RTL_CRITICAL_SECTION* Section)
{
    HANDLE Me = Teb()->ClientId.UniqueThread;
    if (TakeIfFree(*Section)) {
        Section->OwningThread = Me;
        Section->RecursionCount = 1;
        return 1;
    }
    if (Section->OwningThread != Me)
        return 0;
    ++Section->RecursionCount;
    return 1;
}

NTSTATUS NTAPI RtlLeaveCriticalSection(RTL_CRITICAL_SECTION* Section)
{
    if (--Section->RecursionCount > 0)
        return STATUS_SUCCESS;
    // Not owned: nothing to give back. The count stays wrong until somebody enters, as on Windows.
    if (Section->RecursionCount < 0) [[unlikely]]
        return STATUS_SUCCESS;
    Section->OwningThread = nullptr;
    // The bit is clear while somebody owns the section: adding sets it, in one instruction.
    if (__atomic_fetch_add(&Section->LockCount, Unlocked, __ATOMIC_SEQ_CST) != (-1 & ~Unlocked)) [[unlikely]]
        WakeOne(*Section);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlInitializeCriticalSectionEx(RTL_CRITICAL_SECTION* Section, ULONG SpinCount, ULONG Flags)
{
    if (Flags & ~RTL_CRITICAL_SECTION_ALL_FLAG_BITS)
        return STATUS_INVALID_PARAMETER_3;
    if (SpinCount & ~0xFFFFFFu)
        return STATUS_INVALID_PARAMETER_2;
    *Section = UnownedSection;
    // Wine's DLLs write a name into the debug information of every section they did not ask to be without.
    Section->DebugInfo = reinterpret_cast<RTL_CRITICAL_SECTION_DEBUG*>(~u64(0));
    if (!(Flags & RTL_CRITICAL_SECTION_FLAG_NO_DEBUG_INFO) && Peb()->ProcessHeap) {
        auto* Debug = NewZeroed<RTL_CRITICAL_SECTION_DEBUG>();
        if (!Debug)
            return STATUS_NO_MEMORY;
        Debug->CriticalSection = Section;
        InitializeListHead(&Debug->ProcessLocksList);
        Section->DebugInfo = Debug;
    }
    Section->SpinCount = SpinCount & 0xFFFFFF;
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI RtlInitializeCriticalSectionAndSpinCount(RTL_CRITICAL_SECTION* Section, ULONG SpinCount)
{
    return RtlInitializeCriticalSectionEx(Section, SpinCount & 0xFFFFFF, 0);
}
NTSTATUS NTAPI RtlInitializeCriticalSection(RTL_CRITICAL_SECTION* Section) { return RtlInitializeCriticalSectionEx(Section, 0, 0); }

NTSTATUS NTAPI RtlDeleteCriticalSection(RTL_CRITICAL_SECTION* Section)
{
    // A name means static debug information, or a name that its owner has not taken back: not ours to free.
    auto* Debug = Section->DebugInfo;
    if (Debug && u64(Debug) != ~u64(0) && !*At<u64>(Debug, 40))
        RtlFreeHeap(Peb()->ProcessHeap, 0, Debug);
    *Section = UnownedSection;
    return STATUS_SUCCESS;
}
ULONG NTAPI RtlSetCriticalSectionSpinCount(RTL_CRITICAL_SECTION* Section, ULONG SpinCount)
{
    ULONG Old = ULONG(Section->SpinCount);
    Section->SpinCount = SpinCount & 0xFFFFFF;
    return Old;
}
ULONG NTAPI RtlIsCriticalSectionLocked(RTL_CRITICAL_SECTION* Section) { return Section->RecursionCount > 0; }
ULONG NTAPI RtlIsCriticalSectionLockedByThread(RTL_CRITICAL_SECTION* Section)
{
    return Section->OwningThread == Teb()->ClientId.UniqueThread && Section->RecursionCount > 0;
}
void NTAPI RtlEnableEarlyCriticalSectionEventCreation() { }

}
