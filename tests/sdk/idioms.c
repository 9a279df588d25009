// How drivers for Microsoft's compiler and kit are written: annotations, plain exception words, includes in any case, tracing, pragmas.
#define WPP_CONTROL_GUIDS WPP_DEFINE_CONTROL_GUID(Idiom, (01234567, 89ab, cdef, 0123, 456789abcdef), WPP_DEFINE_BIT(DBG_INIT))
// begin_wpp config
// FUNC TraceIdiom{LEVEL=TRACE_LEVEL_INFORMATION}(FLAGS, MSG, ...);
// end_wpp
#include <NTDDK.H>
#include <Wdmsec.h>
#include <NtStrSafe.h>
#include <ntintsafe.h>
#include <initguid.h>
#include <WdmGuid.h>
#include <wmilib.h>
#include <wmistr.h>
#include <evntrace.h>
#include <dontuse.h>
#include <suppress.h>
#include "inc\PUBLIC.h"
#include "idioms.tmh"

#if _MSC_VER >= 1200
#pragma warning(push)
#endif
#pragma warning(disable : 4201) // nameless struct
#pragma prefast(suppress : 28107, "text")

DEFINE_GUID(GUID_IDIOM, 0x12345678, 0x1234, 0x1234, 1, 2, 3, 4, 5, 6, 7, 8);

#define IDIOM_TAG 'mdiI'
#define InfoPrint(str, ...) DbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_INFO_LEVEL, "%S: "##str"\n", L"idioms", __VA_ARGS__)

typedef struct _CLOSE_CONTEXT {
    enum _OPEN_KIND Kind; // defined below
    BOOLEAN Free;
} CLOSE_CONTEXT;
typedef enum _OPEN_KIND { FirstKind = 1, SecondKind } OPEN_KIND;

typedef struct _COMMON {
    LIST_ENTRY Links;
    ULONG Signature;
} COMMON;
typedef struct _DEVICE_EXTENSION {
    COMMON; // Microsoft's anonymous member
    FAST_MUTEX Mutex;
    IO_REMOVE_LOCK RemoveLock;
    __volatile ULONG Count;
    KSPIN_LOCK QueueLock;
    KTIMER Timer;
    KDPC Dpc;
    _Field_range_(0, 10) ULONG Ranged;
} DEVICE_EXTENSION, *PDEVICE_EXTENSION;

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD IdiomUnload;
DRIVER_ADD_DEVICE IdiomAddDevice;
__drv_dispatchType(IRP_MJ_CREATE) DRIVER_DISPATCH IdiomCreate;
_Dispatch_type_(IRP_MJ_DEVICE_CONTROL) DRIVER_DISPATCH IdiomControl;
IO_COMPLETION_ROUTINE IdiomDone;
KDEFERRED_ROUTINE IdiomDpc;
KSTART_ROUTINE IdiomThread;
IO_WORKITEM_ROUTINE IdiomWork;
EX_CALLBACK_FUNCTION IdiomRegistry;
RTL_QUERY_REGISTRY_ROUTINE IdiomQuery;
CREATE_PROCESS_NOTIFY_ROUTINE_EX IdiomProcess;

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, IdiomUnload)
#endif

_Must_inspect_result_ _Success_(return >= 0) _IRQL_requires_max_(APC_LEVEL) NTSTATUS
Capture(_In_reads_bytes_opt_(Length) PVOID Buffer, _In_ SIZE_T Length, _Outptr_result_maybenull_ PVOID *Copy, __in ULONG Tag, __out_opt PULONG Sum)
{
    NTSTATUS Status = STATUS_SUCCESS;

    PAGED_CODE();
    *Copy = ExAllocatePoolZero(PagedPool, Length, Tag);
    if (*Copy == NULL) return STATUS_INSUFFICIENT_RESOURCES;
    try {
        ProbeForRead(Buffer, Length, TYPE_ALIGNMENT(UCHAR));
        try {
            if (Length == 0) leave;
            RtlCopyMemory(*Copy, Buffer, Length);
        } finally {
            if (AbnormalTermination()) DbgPrint("abnormal\n");
            if (ARGUMENT_PRESENT(Sum)) *Sum = (ULONG)Length;
        }
    } except (GetExceptionCode() == STATUS_ACCESS_VIOLATION ? EXCEPTION_EXECUTE_HANDLER : EXCEPTION_CONTINUE_SEARCH) {
        Status = GetExceptionCode();
    }
    if (!NT_SUCCESS(Status)) {
        ExFreePoolWithTag(*Copy, Tag);
        *Copy = NULL;
    }
    return Status;
}

_Use_decl_annotations_ NTSTATUS IdiomDone(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    if (Irp->PendingReturned) IoMarkIrpPending(Irp);
    KeSetEvent(Context, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

VOID IdiomDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PDEVICE_EXTENSION Extension = Context;
    KLOCK_QUEUE_HANDLE Handle;
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    KeAcquireInStackQueuedSpinLockAtDpcLevel(&Extension->QueueLock, &Handle);
    InterlockedIncrement((volatile LONG *)&Extension->Count);
    KeReleaseInStackQueuedSpinLockFromDpcLevel(&Handle);
}

VOID IdiomThread(PVOID Context)
{
    LARGE_INTEGER Now, Delay;
    UNREFERENCED_PARAMETER(Context);
    KeQuerySystemTime(&Now);
    KeQueryTickCount(&Now);
    Delay.QuadPart = Int32x32To64(10, -10000);
    (VOID)KeDelayExecutionThread(KernelMode, FALSE, &Delay);
    NT_ASSERT(KeGetCurrentIrql() == PASSIVE_LEVEL);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

VOID IdiomWork(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    IoFreeWorkItem(Context);
}

NTSTATUS IdiomRegistry(PVOID Context, PVOID Class, PVOID Argument)
{
    UNREFERENCED_PARAMETER(Context);
    switch ((REG_NOTIFY_CLASS)(ULONG_PTR)Class) {
    case RegNtPreCreateKeyEx: return ((PREG_CREATE_KEY_INFORMATION)Argument)->CompleteName->Length != 0 ? STATUS_SUCCESS : STATUS_ACCESS_DENIED;
    default: return STATUS_SUCCESS;
    }
}

NTSTATUS IdiomQuery(PWSTR Name, ULONG Type, PVOID Data, ULONG Length, PVOID Context, PVOID Entry)
{
    UNREFERENCED_PARAMETER(Name);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Entry);
    return Type == REG_DWORD && Length == sizeof(ULONG) && *(UNALIGNED ULONG *)Data != 0 ? STATUS_SUCCESS : STATUS_OBJECT_TYPE_MISMATCH;
}

VOID IdiomProcess(PEPROCESS Process, HANDLE ProcessId, PPS_CREATE_NOTIFY_INFO Info)
{
    UNREFERENCED_PARAMETER(Process);
    if (Info != NULL) InfoPrint("process %p", ProcessId);
}

NTSTATUS IdiomCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

NTSTATUS IdiomControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    PVOID Copy = NULL;
    PMDL Mdl;
    NTSTATUS Status = STATUS_INVALID_DEVICE_REQUEST;
    UNREFERENCED_PARAMETER(DeviceObject);
    TraceIdiom(DBG_INIT, "control %d", Stack->Parameters.DeviceIoControl.IoControlCode);
    if (Stack->Parameters.DeviceIoControl.IoControlCode == IOCTL_IDIOM) {
        Status = Capture(Stack->Parameters.DeviceIoControl.Type3InputBuffer, Stack->Parameters.DeviceIoControl.InputBufferLength, &Copy, IDIOM_TAG, NULL);
        Mdl = IoAllocateMdl(Irp->UserBuffer, Stack->Parameters.DeviceIoControl.OutputBufferLength, FALSE, TRUE, NULL);
        if (Mdl != NULL) {
            try {
                MmProbeAndLockPages(Mdl, UserMode, IoWriteAccess);
                (VOID)MmGetSystemAddressForMdlSafe(Mdl, NormalPagePriority | MdlMappingNoExecute);
                MmUnlockPages(Mdl);
            } except (EXCEPTION_EXECUTE_HANDLER) {
                Status = GetExceptionCode();
            }
            IoFreeMdl(Mdl);
        }
        if (Copy != NULL) ExFreePool(Copy);
    }
    Irp->IoStatus.Status = Status;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

NTSTATUS IdiomAddDevice(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT Pdo)
{
    PDEVICE_OBJECT Fdo;
    PDEVICE_EXTENSION Extension;
    CLOSE_CONTEXT Close = {SecondKind, TRUE};
    WCHAR Text[64];
    ULONG Product;
    UCHAR Large[9000]; // more than a page: needs the stack probe
    NTSTATUS Status = IoCreateDevice(DriverObject, sizeof(DEVICE_EXTENSION), NULL, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN, FALSE, &Fdo);
    if (!NT_SUCCESS(Status)) return Status;
    Extension = Fdo->DeviceExtension;
    InitializeListHead(&Extension->Links);
    Extension->Signature = IDIOM_TAG;
    ExInitializeFastMutex(&Extension->Mutex);
    IoInitializeRemoveLock(&Extension->RemoveLock, IDIOM_TAG, 0, 0);
    KeInitializeTimer(&Extension->Timer);
    KeInitializeDpc(&Extension->Dpc, IdiomDpc, Extension);
    Status = RtlULongMult(Close.Kind, 3, &Product);
    RtlFillMemory(Large, sizeof(Large), (UCHAR)Product);
    if (NT_SUCCESS(Status)) Status = RtlStringCbPrintfW(Text, sizeof(Text), L"\\Device\\Idiom%u%c", Product, Large[8999]);
    if (IoAttachDeviceToDeviceStack(Fdo, Pdo) == NULL) Status = STATUS_NO_SUCH_DEVICE;
    if (!NT_SUCCESS(Status)) IoDeleteDevice(Fdo);
    return Status;
}

VOID IdiomUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    WPP_CLEANUP(DriverObject);
    PsSetCreateProcessNotifyRoutineEx(IdiomProcess, TRUE);
}

NTSTATUS DriverEntry(_In_ PDRIVER_OBJECT DriverObject, _In_ PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT Device;
    HANDLE Thread;
    LARGE_INTEGER Cookie;
    DECLARE_CONST_UNICODE_STRING(Altitude, L"380010");
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\Device\\Idioms");
    RTL_QUERY_REGISTRY_TABLE Table[2] = {{0}};

    WPP_INIT_TRACING(DriverObject, RegistryPath);
    ExInitializeDriverRuntime(DrvRtPoolNxOptIn);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = IdiomCreate;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = IdiomControl;
    DriverObject->DriverExtension->AddDevice = IdiomAddDevice;
    DriverObject->DriverUnload = IdiomUnload;
    Table[0].QueryRoutine = IdiomQuery;
    Table[0].Flags = RTL_QUERY_REGISTRY_TYPECHECK;
    Table[0].DefaultType = (REG_DWORD << RTL_QUERY_REGISTRY_TYPECHECK_SHIFT) | REG_NONE;
    (VOID)RtlQueryRegistryValues(RTL_REGISTRY_ABSOLUTE, RegistryPath->Buffer, Table, NULL, NULL);
    (VOID)CmRegisterCallbackEx(IdiomRegistry, &Altitude, DriverObject, NULL, &Cookie, NULL);
    if (NT_SUCCESS(PsCreateSystemThread(&Thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, IdiomThread, NULL))) ZwClose(Thread);
    return IoCreateDeviceSecure(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN, FALSE, &SDDL_DEVOBJ_SYS_ALL_ADM_ALL,
                                (LPCGUID)&GUID_IDIOM, &Device);
}
