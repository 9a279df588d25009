// Locks of user mode. All of them sleep in sync::Wait, which is a table of waiters keyed by address in this process over
// NtWaitForAlertByThreadId; nothing here needs an object of the Executive, so no initialisation can fail.
#pragma once
#include "abi/nt/sync.hpp"
#include "ntdll/ntdll.hpp"

// Where ntdll's own locks live: RtlpForgetLocks frees them all when the other threads are gone at the end of a process.
#define PROCESS_LOCK [[gnu::section(".locks$m")]]

namespace sync {

// Sleeps on Key unless *Value differs from Expected in the bytes of Mask (checked so that a Wake after a change of *Value is never
// missed). May return early for no reason; STATUS_TIMEOUT when Timeout (as NtDelayExecution's) is over.
NTSTATUS Wait(const void* Key, const u64* Value, u64 Expected, u64 Mask, const LARGE_INTEGER* Timeout);
void Wake(const void* Key, bool All);

}

extern "C" {
NTSTATUS NTAPI RtlEnterCriticalSection(RTL_CRITICAL_SECTION* Section);
NTSTATUS NTAPI RtlLeaveCriticalSection(RTL_CRITICAL_SECTION* Section);
BOOLEAN NTAPI RtlTryEnterCriticalSection(RTL_CRITICAL_SECTION* Section);
NTSTATUS NTAPI RtlInitializeCriticalSection(RTL_CRITICAL_SECTION* Section);
NTSTATUS NTAPI RtlInitializeCriticalSectionEx(RTL_CRITICAL_SECTION* Section, ULONG SpinCount, ULONG Flags);
NTSTATUS NTAPI RtlDeleteCriticalSection(RTL_CRITICAL_SECTION* Section);
void NTAPI RtlAcquireSRWLockExclusive(RTL_SRWLOCK* Lock);
void NTAPI RtlReleaseSRWLockExclusive(RTL_SRWLOCK* Lock);
void NTAPI RtlAcquireSRWLockShared(RTL_SRWLOCK* Lock);
void NTAPI RtlReleaseSRWLockShared(RTL_SRWLOCK* Lock);
BOOLEAN NTAPI RtlTryAcquireSRWLockExclusive(RTL_SRWLOCK* Lock);
void NTAPI RtlWakeConditionVariable(RTL_CONDITION_VARIABLE* Variable);
void NTAPI RtlWakeAllConditionVariable(RTL_CONDITION_VARIABLE* Variable);
NTSTATUS NTAPI RtlSleepConditionVariableCS(RTL_CONDITION_VARIABLE*, RTL_CRITICAL_SECTION*, LARGE_INTEGER* Timeout);
NTSTATUS NTAPI RtlSleepConditionVariableSRW(RTL_CONDITION_VARIABLE*, RTL_SRWLOCK*, LARGE_INTEGER* Timeout, ULONG Flags);
}

// An unowned, statically initialised section.
inline constexpr RTL_CRITICAL_SECTION UnownedSection { nullptr, -1, 0, nullptr, nullptr, 0 };

class SrwExclusive {
public:
    explicit SrwExclusive(RTL_SRWLOCK& Lock) : Lock_(Lock) { RtlAcquireSRWLockExclusive(&Lock_); }
    ~SrwExclusive() { RtlReleaseSRWLockExclusive(&Lock_); }
    SrwExclusive(const SrwExclusive&) = delete;
    SrwExclusive& operator=(const SrwExclusive&) = delete;

private:
    RTL_SRWLOCK& Lock_;
};
class SrwShared {
public:
    explicit SrwShared(RTL_SRWLOCK& Lock) : Lock_(Lock) { RtlAcquireSRWLockShared(&Lock_); }
    ~SrwShared() { RtlReleaseSRWLockShared(&Lock_); }
    SrwShared(const SrwShared&) = delete;
    SrwShared& operator=(const SrwShared&) = delete;

private:
    RTL_SRWLOCK& Lock_;
};
class SectionGuard {
public:
    explicit SectionGuard(RTL_CRITICAL_SECTION& Section) : Section_(Section) { RtlEnterCriticalSection(&Section_); }
    ~SectionGuard() { RtlLeaveCriticalSection(&Section_); }
    SectionGuard(const SectionGuard&) = delete;
    SectionGuard& operator=(const SectionGuard&) = delete;

private:
    RTL_CRITICAL_SECTION& Section_;
};
