// ntdll's functions that the driver headers do not declare.
#pragma once
#include "wdm/ntoskrnl/ddk.hpp"

#include <stdarg.h>

#include "lib/core/types.hpp"

extern "C" {
NTSTATUS NTAPI NtQuerySystemTime(PLARGE_INTEGER);
NTSTATUS NTAPI NtQueryPerformanceCounter(PLARGE_INTEGER, PLARGE_INTEGER);
NTSTATUS NTAPI NtWaitForSingleObject(HANDLE, BOOLEAN, PLARGE_INTEGER);
NTSTATUS NTAPI NtWaitForMultipleObjects(ULONG, const HANDLE*, ULONG, BOOLEAN, PLARGE_INTEGER);
NTSTATUS NTAPI NtDelayExecution(BOOLEAN, PLARGE_INTEGER);
NTSTATUS NTAPI NtSetEvent(HANDLE, PLONG);
NTSTATUS NTAPI NtResetEvent(HANDLE, PLONG);
NTSTATUS NTAPI NtReleaseSemaphore(HANDLE, LONG, PLONG);
NTSTATUS NTAPI NtYieldExecution();
NTSTATUS NTAPI NtTerminateProcess(HANDLE, NTSTATUS);
NTSTATUS NTAPI NtTerminateThread(HANDLE, NTSTATUS);
NTSTATUS NTAPI NtOpenKey(PHANDLE, ACCESS_MASK, POBJECT_ATTRIBUTES);
NTSTATUS NTAPI NtQueryFullAttributesFile(POBJECT_ATTRIBUTES, PFILE_NETWORK_OPEN_INFORMATION);
NTSTATUS NTAPI NtCreateKey(PHANDLE, ACCESS_MASK, POBJECT_ATTRIBUTES, ULONG, PUNICODE_STRING, ULONG, PULONG);
NTSTATUS NTAPI NtQueryValueKey(HANDLE, PUNICODE_STRING, KEY_VALUE_INFORMATION_CLASS, PVOID, ULONG, PULONG);
NTSTATUS NTAPI NtDuplicateObject(HANDLE, HANDLE, HANDLE, PHANDLE, ACCESS_MASK, ULONG, ULONG);
NTSTATUS NTAPI NtCreateEvent(PHANDLE, ACCESS_MASK, POBJECT_ATTRIBUTES, ULONG, BOOLEAN);
NTSTATUS NTAPI NtAllocateVirtualMemory(HANDLE, PVOID*, ULONG_PTR, SIZE_T*, ULONG, ULONG);
NTSTATUS NTAPI NtFreeVirtualMemory(HANDLE, PVOID*, SIZE_T*, ULONG);
NTSTATUS NTAPI NtQueryVirtualMemory(HANDLE, PVOID, ULONG, PVOID, SIZE_T, SIZE_T*);
[[noreturn]] void NTAPI RtlRaiseStatus(NTSTATUS);
PVOID NTAPI RtlImageNtHeader(PVOID);
void NTAPI RtlInitializeSListHead(PSLIST_HEADER);
PSLIST_ENTRY NTAPI RtlInterlockedPopEntrySList(PSLIST_HEADER);
PSLIST_ENTRY NTAPI RtlInterlockedPushEntrySList(PSLIST_HEADER, PSLIST_ENTRY);
USHORT NTAPI RtlQueryDepthSList(PSLIST_HEADER);
PSLIST_ENTRY NTAPI RtlInterlockedFlushSList(PSLIST_HEADER);
int __cdecl _vsnprintf(char* To, size_t Room, const char* Format, va_list Arguments);
NTSTATUS NTAPI LdrSetDllDirectory(const UNICODE_STRING* Path);
NTSTATUS NTAPI LdrLoadDll(const WCHAR* Path, u64 Flags, const UNICODE_STRING* Name, PVOID* Base);
NTSTATUS NTAPI NtDriverControl(ULONG Code, PVOID Input, ULONG InputBytes, PVOID Output, ULONG OutputBytes);
NTSTATUS NTAPI RtlWaitOnAddress(const void* Address, const void* Compare, SIZE_T Size, const LARGE_INTEGER* Timeout);
void NTAPI RtlWakeAddressSingle(const void* Address);
void NTAPI RtlWakeAddressAll(const void* Address);
NTSTATUS NTAPI RtlCreateUserThread(HANDLE, PVOID, BOOLEAN, ULONG, SIZE_T, SIZE_T, PVOID Start, PVOID Argument, HANDLE* Thread, CLIENT_ID*);
[[noreturn]] void NTAPI RtlExitUserThread(NTSTATUS Status);
PVOID NTAPI RtlAddVectoredExceptionHandler(ULONG First, LONG NTAPI (*Handler)(EXCEPTION_POINTERS*));
}

namespace host {

// TEB and PEB fields by their offsets on x64.
inline u64 TebWord(u64 Offset)
{
    u64 Value;
    asm("movq %%gs:(%1), %0" : "=r"(Value) : "r"(Offset));
    return Value;
}
inline u64 OwnProcessId() { return TebWord(0x40); }
inline u64 OwnThreadId() { return TebWord(0x48); }
template <typename T> T PebField(u64 Offset) { return *reinterpret_cast<T*>(TebWord(0x60) + Offset); }
inline PVOID ProcessHeap() { return PebField<PVOID>(0x30); }
// Of the volume the system's own processes are on: of the first folder where DLLs are looked for.
inline WCHAR SystemDrive() { return reinterpret_cast<UNICODE_STRING*>(PebField<u64>(0x20) + 0x50)->Buffer[0]; }
inline UNICODE_STRING& CommandLine() { return *reinterpret_cast<UNICODE_STRING*>(PebField<u64>(0x20) + 0x70); }

}
