// Memory that may be thrown away, barriers, and what can be asked about processes and tokens.
#define _WIN32_WINNT 0x0A00
#include "win32/common/win.hpp"

extern "C" NTSTATUS NTAPI NtAllocateVirtualMemory(HANDLE Process, PVOID* Base, ULONG_PTR ZeroBits, SIZE_T* Size, ULONG Type, ULONG Protect);

namespace {

// PAGE_NOACCESS is a valid protection; with MEM_RESET it is not looked at.
DWORD Reset(PVOID Address, SIZE_T Size, ULONG Type)
{
    if (!Size || (ULONG_PTR(Address) & 0xFFF) || (Size & 0xFFF)) {
        return ERROR_INVALID_PARAMETER;
    }
    NTSTATUS Status = NtAllocateVirtualMemory(GetCurrentProcess(), &Address, 0, &Size, Type, PAGE_NOACCESS);
    return Status < 0 ? RtlNtStatusToDosError(Status) : DWORD(ERROR_SUCCESS);
}

// What a SYNCHRONIZATION_BARRIER holds: Turn counts the times it opened.
struct Barrier {
    LONG Threads, Missing;
    LONG Turn, Inside;
    u64 Pad[2];
};
static_assert(sizeof(Barrier) == sizeof(SYNCHRONIZATION_BARRIER));

Barrier* Of(LPSYNCHRONIZATION_BARRIER B) { return reinterpret_cast<Barrier*>(B); }

}

EXPORT DWORD WINAPI DiscardVirtualMemory(PVOID Address, SIZE_T Size) { return Reset(Address, Size, MEM_RESET); }
EXPORT DWORD WINAPI OfferVirtualMemory(PVOID Address, SIZE_T Size, OFFER_PRIORITY Priority)
{
    return ULONG(Priority) - 1 < 4 ? Reset(Address, Size, MEM_RESET) : ERROR_INVALID_PARAMETER;
}
EXPORT DWORD WINAPI ReclaimVirtualMemory(PVOID Address, SIZE_T Size) { return Reset(Address, Size, MEM_RESET_UNDO); }

EXPORT BOOL WINAPI InitializeSynchronizationBarrier(LPSYNCHRONIZATION_BARRIER Out, LONG Threads, LONG)
{
    if (!Out || Threads < 1) {
        return win::Fail(ERROR_INVALID_PARAMETER);
    }
    *Of(Out) = { Threads, Threads, 0, 0, {} };
    return TRUE;
}
// TRUE for the one that came last.
EXPORT BOOL WINAPI EnterSynchronizationBarrier(LPSYNCHRONIZATION_BARRIER In, DWORD)
{
    Barrier* B = Of(In);
    LONG Turn = __atomic_load_n(&B->Turn, __ATOMIC_ACQUIRE);
    __atomic_add_fetch(&B->Inside, 1, __ATOMIC_ACQ_REL);
    bool Last = __atomic_sub_fetch(&B->Missing, 1, __ATOMIC_ACQ_REL) == 0;
    if (Last) {
        __atomic_store_n(&B->Missing, B->Threads, __ATOMIC_RELEASE);
        __atomic_add_fetch(&B->Turn, 1, __ATOMIC_ACQ_REL);
        WakeByAddressAll(&B->Turn);
    } else {
        while (__atomic_load_n(&B->Turn, __ATOMIC_ACQUIRE) == Turn) {
            WaitOnAddress(&B->Turn, &Turn, sizeof(Turn), INFINITE);
        }
    }
    if (__atomic_sub_fetch(&B->Inside, 1, __ATOMIC_ACQ_REL) == 0) {
        WakeByAddressAll(&B->Inside);
    }
    return Last;
}
// Waits until nobody is in it any more.
EXPORT BOOL WINAPI DeleteSynchronizationBarrier(LPSYNCHRONIZATION_BARRIER In)
{
    Barrier* B = Of(In);
    for (LONG Inside; (Inside = __atomic_load_n(&B->Inside, __ATOMIC_ACQUIRE)) != 0;) {
        WaitOnAddress(&B->Inside, &Inside, sizeof(Inside), INFINITE);
    }
    return TRUE;
}

EXPORT BOOL WINAPI IsProcessCritical(HANDLE Process, PBOOL Critical)
{
    ULONG Answer = 0;
    NTSTATUS Status = Critical ? NtQueryInformationProcess(Process, PROCESSINFOCLASS(29), &Answer, sizeof(Answer), nullptr) : STATUS_INVALID_PARAMETER;
    if (Status < 0) {
        return win::Fail(RtlNtStatusToDosError(Status));
    }
    *Critical = Answer != 0;
    return TRUE;
}

// There are no app containers: the flag that includes them changes nothing.
EXPORT BOOL WINAPI CheckTokenMembershipEx(HANDLE Token, PSID Sid, DWORD Flags, PBOOL Member)
{
    constexpr DWORD IncludeAppContainers = 1;
    if (Flags & ~IncludeAppContainers) {
        return win::Fail(ERROR_INVALID_PARAMETER);
    }
    return CheckTokenMembership(Token, Sid, Member);
}

// Whether the name ends as one of the designated file types of the software restriction policies does ("Designated File Types", default list).
// For the shell an .exe is none of them.
EXPORT BOOL WINAPI SaferiIsExecutableFileType(LPCWSTR Name, BOOLEAN FromShell)
{
    static constexpr const WCHAR* Types[] = { L"ADE", L"ADP", L"BAS", L"BAT", L"CHM", L"CMD", L"COM", L"CPL", L"CRT", L"EXE", L"HLP", L"HTA", L"INF", L"INS", L"ISP", L"LNK", L"MDB",
                                              L"MDE", L"MSC", L"MSI", L"MSP", L"MST", L"OCX", L"PCD", L"PIF", L"REG", L"SCR", L"SHS", L"URL", L"VB", L"WSC" };
    if (!Name) {
        return win::Fail(ERROR_INVALID_PARAMETER);
    }
    const WCHAR* Type = nullptr;
    for (const WCHAR* At = Name; *At; ++At) {
        if (*At == '.') {
            Type = At + 1;
        } else if (*At == '\\' || *At == '/') {
            Type = nullptr;
        }
    }
    for (const WCHAR* Known : Types) {
        if (Type && !lstrcmpiW(Type, Known)) {
            return !FromShell || lstrcmpiW(Type, L"EXE");
        }
    }
    return FALSE;
}
