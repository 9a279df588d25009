// What newer ntddk.h files add to mingw-w64's.
#pragma once
#ifdef __cplusplus
extern "C" {
#endif


typedef enum _PSCREATETHREADNOTIFYTYPE { PsCreateThreadNotifyNonSystem = 0, PsCreateThreadNotifySubsystems } PSCREATETHREADNOTIFYTYPE;
typedef enum _PSCREATEPROCESSNOTIFYTYPE { PsCreateProcessNotifySubsystems = 0 } PSCREATEPROCESSNOTIFYTYPE;
NTKERNELAPI NTSTATUS NTAPI PsSetCreateThreadNotifyRoutineEx(PSCREATETHREADNOTIFYTYPE NotifyType, PVOID NotifyInformation);
NTKERNELAPI NTSTATUS NTAPI PsSetCreateProcessNotifyRoutineEx2(PSCREATEPROCESSNOTIFYTYPE NotifyType, PVOID NotifyInformation, BOOLEAN Remove);
#define PS_IMAGE_NOTIFY_CONFLICTING_ARCHITECTURE 0x1
NTKERNELAPI NTSTATUS NTAPI PsSetLoadImageNotifyRoutineEx(PLOAD_IMAGE_NOTIFY_ROUTINE NotifyRoutine, ULONG_PTR Flags);
NTKERNELAPI PVOID NTAPI PsGetCurrentThreadTeb(VOID);
NTKERNELAPI NTSTATUS NTAPI PsGetProcessExitStatus(PEPROCESS Process);
NTKERNELAPI ULONGLONG NTAPI PsGetProcessStartKey(PEPROCESS Process);
NTKERNELAPI LONGLONG NTAPI PsGetThreadCreateTime(PETHREAD Thread);
NTKERNELAPI NTSTATUS NTAPI PsGetThreadExitStatus(PETHREAD Thread);
NTKERNELAPI PEPROCESS NTAPI PsGetThreadProcess(PETHREAD Thread);

#ifndef RTL_HASH_TABLE_NO_LOCK
NTSYSAPI VOID NTAPI RtlDeleteElementGenericTableAvlEx(PRTL_AVL_TABLE Table, PVOID NodeOrParent);
#endif
typedef VOID(NTAPI EXPAND_STACK_CALLOUT)(PVOID Parameter);
typedef EXPAND_STACK_CALLOUT *PEXPAND_STACK_CALLOUT;
NTKERNELAPI NTSTATUS NTAPI KeExpandKernelStackAndCalloutEx(PEXPAND_STACK_CALLOUT Callout, PVOID Parameter, SIZE_T Size, BOOLEAN Wait, PVOID Context);
NTKERNELAPI VOID NTAPI PoSetHiberRange(PVOID MemoryMap, ULONG Flags, PVOID Address, ULONG_PTR Length, ULONG Tag);

NTSYSAPI NTSTATUS NTAPI ZwCancelIoFileEx(HANDLE FileHandle, PIO_STATUS_BLOCK IoRequestToCancel, PIO_STATUS_BLOCK IoStatusBlock);

// What mingw-w64's ntddk.h leaves out for x64.
NTHALAPI BOOLEAN NTAPI HalMakeBeep(ULONG Frequency);
NTHALAPI ULONG NTAPI HalGetInterruptVector(INTERFACE_TYPE InterfaceType, ULONG BusNumber, ULONG BusInterruptLevel, ULONG BusInterruptVector, PKIRQL Irql,
                                           PKAFFINITY Affinity);
// Data of the kernel's: the import table's entry is the pointer, as for Microsoft's compiler.
extern PULONG InitSafeBootMode __asm__("__imp_InitSafeBootMode");

#ifdef __cplusplus
}
#endif
