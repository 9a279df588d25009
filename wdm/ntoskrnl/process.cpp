// System threads, work items, handles of objects, and the services that may wait.
#include "wdm/ntoskrnl/fsd.hpp"
#include "wdm/ntoskrnl/object.hpp"

#include <utility>

struct _IO_WORKITEM {
    WORK_QUEUE_ITEM Item;
    PVOID Object, Context;
    PIO_WORKITEM_ROUTINE Routine;
    PIO_WORKITEM_ROUTINE_EX RoutineEx;
};

namespace host {

namespace {

void NTAPI RunItem(PVOID Context)
{
    auto* W = static_cast<_IO_WORKITEM*>(Context);
    if (W->RoutineEx)
        W->RoutineEx(W->Object, W->Context, W);
    else
        W->Routine(static_cast<PDEVICE_OBJECT>(W->Object), W->Context);
}
// The driver's, which an IO_WORKITEM hides.
const void* RoutineOf(const WORK_QUEUE_ITEM* Item)
{
    if (Item->WorkerRoutine != RunItem)
        return reinterpret_cast<const void*>(Item->WorkerRoutine);
    auto* W = static_cast<_IO_WORKITEM*>(Item->Parameter);
    return W->RoutineEx ? reinterpret_cast<const void*>(W->RoutineEx) : reinterpret_cast<const void*>(W->Routine);
}

// Work items: a few threads, one more when all are busy.
Lock WorkLock;
LIST_ENTRY Work = { &Work, &Work };
LONG WorkCount;
ULONG Workers, Idle;
const void* Running[32];                // routines, by worker
constexpr ULONG MostWorkers = RTL_NUMBER_OF(Running);

LONG Threads;                           // system threads of the driver's
const void* LastThread;                 // the routine of one

void NTAPI Worker(PVOID Context)
{
    const void*& Now = Running[u64(Context)];
    for (;;) {
        WorkLock.Acquire();
        while (IsListEmpty(&Work)) {
            LONG Seen = WorkCount;
            ++Idle;
            WorkLock.Release();
            RtlWaitOnAddress(&WorkCount, &Seen, sizeof(Seen), nullptr);
            WorkLock.Acquire();
            --Idle;
        }
        auto* Item = CONTAINING_RECORD(RemoveHeadList(&Work), WORK_QUEUE_ITEM, List);
        PWORKER_THREAD_ROUTINE Routine = Item->WorkerRoutine;
        Now = RoutineOf(Item);
        WorkLock.Release();
        Routine(Item->Parameter);
        Now = nullptr;
        if (Irql() != PASSIVE_LEVEL)
            BugCheck(0xE1, u64(Routine), Irql(), 0, 0, "WORKER_THREAD_RETURNED_AT_BAD_IRQL", reinterpret_cast<void*>(Routine));
    }
}

// Drivers print a line in parts; it goes to the log when it is whole or too long, or when the driver has nothing to do.
Lock LineLock;
char Line[400];
usize LineLength;
void FlushLine()
{
    if (LineLength)
        Log("%.*s", int(LineLength), Line);
    LineLength = 0;
}

}

const void* PendingWork(const char*& Description)
{
    Hold Held(WorkLock);
    if (!IsListEmpty(&Work)) {
        Description = "unloaded, but a work item is still queued";
        return RoutineOf(CONTAINING_RECORD(Work.Flink, WORK_QUEUE_ITEM, List));
    }
    for (const void* Routine : Running)
        if (Routine) {
            Description = "unloaded, but a work item is still running";
            return Routine;
        }
    Description = "unloaded, but a system thread is still running";
    return __atomic_load_n(&Threads, __ATOMIC_ACQUIRE) > 0 ? LastThread : nullptr;
}

void FlushText()
{
    if (!__atomic_load_n(&LineLength, __ATOMIC_RELAXED))
        return;
    Hold Held(LineLock);
    FlushLine();
}

}

using namespace host;
#define CALLER __builtin_return_address(0)

extern "C" {

NTSTATUS NTAPI PsCreateSystemThread(PHANDLE Out, ULONG, POBJECT_ATTRIBUTES, HANDLE, PCLIENT_ID Id, PKSTART_ROUTINE Start, PVOID Context)
{
    RequireIrql(PASSIVE_LEVEL, "PsCreateSystemThread", CALLER);
    auto* T = New<Thread>();
    if (!T)
        return STATUS_INSUFFICIENT_RESOURCES;
    T->References = 1;
    T->IsSystem = true;
    InitializeListHead(&T->Header.WaitListHead);
    T->Header.Type = 6;
    T->Start = Start;
    T->Context = Context;
    __atomic_add_fetch(&T->References, 1, __ATOMIC_RELAXED);    // ours until the handle is there
    T->IsDrivers = true;
    LastThread = reinterpret_cast<const void*>(Start);
    __atomic_add_fetch(&Threads, 1, __ATOMIC_RELAXED);
    NTSTATUS Status = StartThread(T, Start, Context);
    if (Status < 0) {
        __atomic_sub_fetch(&Threads, 1, __ATOMIC_RELAXED);
        Free(T);
        return Status;
    }
    Status = NtDuplicateObject(NtCurrentProcess(), T->Handle, NtCurrentProcess(), Out, 0, 0, DUPLICATE_SAME_ACCESS);
    if (Id)
        *Id = {};
    Release(T);
    return Status;
}
NTSTATUS NTAPI PsTerminateSystemThread(NTSTATUS Status)
{
    Thread* T = Current();
    if (T->IsDrivers)
        __atomic_sub_fetch(&Threads, 1, __ATOMIC_RELEASE);
    {
        Hold Held(Dispatcher);
        T->Header.SignalState = 1;
        SignalObject(&T->Header);
    }
    Release(T);
    RtlExitUserThread(Status);
    return Status;
}
PETHREAD NTAPI PsGetCurrentThreadExport() { return reinterpret_cast<PETHREAD>(Current()); }
PKTHREAD NTAPI KeGetCurrentThreadExport() { return reinterpret_cast<PKTHREAD>(Current()); }
HANDLE NTAPI PsGetCurrentThreadId() { return Current()->Id; }
HANDLE NTAPI PsGetThreadId(PETHREAD T) { return IsClientThread(T) ? reinterpret_cast<HANDLE>(u64(T) & 0xFFFFFFFF) : reinterpret_cast<Thread*>(T)->Id; }
// In a dispatch routine and in callbacks that is the client, as on Windows.
HANDLE NTAPI PsGetCurrentProcessId() { return reinterpret_cast<HANDLE>(Current()->Client ? Current()->Client : OwnProcessId()); }
static HandleProxy ThisProcess { { .Type = 3 }, nullptr, 1 };
PEPROCESS PsInitialSystemProcess = reinterpret_cast<PEPROCESS>(&ThisProcess);
PEPROCESS NTAPI IoGetCurrentProcess() { return Current()->Client ? ClientProcess(Current()->Client) : PsInitialSystemProcess; }
// The client's, if the request is one of the ring: an address that is the same for the same process.
PEPROCESS NTAPI IoGetRequestorProcess(PIRP I)
{
    return I->AllocationFlags & HasPrefix && HostIrp::Of(I)->Kind == RingKind ? ClientProcess(HostIrp::Of(I)->M.Process) : PsInitialSystemProcess;
}
PEPROCESS NTAPI IoThreadToProcess(PETHREAD) { return PsInitialSystemProcess; }
HANDLE NTAPI PsGetProcessId(PEPROCESS Process) { return reinterpret_cast<HANDLE>(ClientId(Process)); }
BOOLEAN NTAPI PsIsSystemThread(PETHREAD T) { return !IsClientThread(T) && reinterpret_cast<Thread*>(T)->IsSystem; }
BOOLEAN NTAPI IoIsSystemThread(PETHREAD T) { return T && !IsClientThread(T) && reinterpret_cast<Thread*>(T)->IsSystem; }
KPRIORITY NTAPI KeSetPriorityThread(PKTHREAD T, KPRIORITY P)
{
    auto* Of = reinterpret_cast<Thread*>(T);
    KPRIORITY Old = Of->Priority ? KPRIORITY(Of->Priority) : 8;
    Of->Priority = ULONG(P);
    return Old;
}
KPRIORITY NTAPI KeQueryPriorityThread(PKTHREAD T)
{
    auto* Of = reinterpret_cast<Thread*>(T);
    return Of->Priority ? KPRIORITY(Of->Priority) : 8;
}
LONG NTAPI KeSetBasePriorityThread(PKTHREAD, LONG) { return 0; }
void NTAPI KeAttachProcess(PKPROCESS) { }
void NTAPI KeDetachProcess() { }
KPROCESSOR_MODE NTAPI ExGetPreviousMode() { return Current()->IsHost ? UserMode : KernelMode; }
ULONG NTAPI KeQueryActiveProcessorCount(PKAFFINITY Mask)
{
    if (Mask)
        *Mask = 1;
    return 1;
}
ULONG NTAPI KeQueryActiveProcessorCountEx(USHORT) { return 1; }
ULONG NTAPI KeQueryMaximumProcessorCount() { return 1; }
ULONG NTAPI KeQueryMaximumProcessorCountEx(USHORT) { return 1; }
KAFFINITY NTAPI KeQueryActiveProcessors() { return 1; }
ULONG NTAPI KeGetCurrentProcessorNumberExExport(PVOID) { return 0; }
CCHAR KeNumberProcessorsValue = 1;

// --- work items

void NTAPI ExQueueWorkItem(PWORK_QUEUE_ITEM Item, WORK_QUEUE_TYPE)
{
    Hold Held(WorkLock);
    InsertTailList(&Work, &Item->List);
    __atomic_add_fetch(&WorkCount, 1, __ATOMIC_RELEASE);
    if (Idle) {
        RtlWakeAddressSingle(&WorkCount);
        return;
    }
    if (Workers >= MostWorkers)
        return;
    auto* T = New<Thread>();
    if (!T)
        return;
    T->References = 1;
    T->IsSystem = true;
    InitializeListHead(&T->Header.WaitListHead);
    if (StartThread(T, Worker, reinterpret_cast<PVOID>(u64(Workers))) >= 0)
        ++Workers;
    else
        Free(T);
}
PIO_WORKITEM NTAPI IoAllocateWorkItem(PDEVICE_OBJECT D)
{
    auto* W = New<_IO_WORKITEM>();
    if (W)
        W->Object = D;
    return W;
}
void NTAPI IoFreeWorkItem(PIO_WORKITEM W) { Free(W); }
ULONG NTAPI IoSizeofWorkItem() { return sizeof(_IO_WORKITEM); }
void NTAPI IoInitializeWorkItem(PVOID Object, PIO_WORKITEM W)
{
    memset(W, 0, sizeof(*W));
    W->Object = Object;
}
void NTAPI IoUninitializeWorkItem(PIO_WORKITEM) { }
void NTAPI IoQueueWorkItem(PIO_WORKITEM W, PIO_WORKITEM_ROUTINE Routine, WORK_QUEUE_TYPE Queue, PVOID Context)
{
    W->Routine = Routine;
    W->RoutineEx = nullptr;
    W->Context = Context;
    W->Item.WorkerRoutine = RunItem;
    W->Item.Parameter = W;
    ExQueueWorkItem(&W->Item, Queue);
}
void NTAPI IoQueueWorkItemEx(PIO_WORKITEM W, PIO_WORKITEM_ROUTINE_EX Routine, WORK_QUEUE_TYPE Queue, PVOID Context)
{
    W->RoutineEx = Routine;
    W->Context = Context;
    W->Item.WorkerRoutine = RunItem;
    W->Item.Parameter = W;
    ExQueueWorkItem(&W->Item, Queue);
}

// --- objects by handle

// What the exported type pointers lead to.
static ULONG Types[10] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 };
static POBJECT_TYPE TypePointer(int N) { return reinterpret_cast<POBJECT_TYPE>(&Types[N]); }
POBJECT_TYPE EventType = TypePointer(1), SemaphoreType = TypePointer(2), ProcessType = TypePointer(5), ThreadType = TypePointer(6), FileType = TypePointer(7), KeyType = TypePointer(9);
POBJECT_TYPE* ExEventObjectType = &EventType;
POBJECT_TYPE* ExSemaphoreObjectType = &SemaphoreType;
POBJECT_TYPE* PsProcessType = &ProcessType;
POBJECT_TYPE* PsThreadType = &ThreadType;
POBJECT_TYPE* IoFileObjectType = &FileType;
POBJECT_TYPE* CmKeyObjectType = &KeyType;

NTSTATUS NTAPI ObReferenceObjectByHandle(HANDLE H, ACCESS_MASK Access, POBJECT_TYPE Type, KPROCESSOR_MODE Mode, PVOID* Out, POBJECT_HANDLE_INFORMATION Info)
{
    RequireIrql(PASSIVE_LEVEL, "ObReferenceObjectByHandle", CALLER);
    *Out = nullptr;
    if (H == NtCurrentThread()) {
        *Out = Current();
        __atomic_add_fetch(&Current()->References, 1, __ATOMIC_RELAXED);
        return STATUS_SUCCESS;
    }
    // A user-mode handle is one of the client whose request this thread works on.
    u64 Client = 0;
    if (Mode == UserMode && Current()->Client)
        Client = Current()->Client;
    wd::HandleOf In { Client, u64(H), Access, 0 };
    wd::HandleGot Got {};
    NTSTATUS Status = Control(wd::Control::ReferenceHandle, &In, sizeof(In), &Got, sizeof(Got));
    if (Status < 0)
        return Status;
    if (Type && *reinterpret_cast<ULONG*>(Type) != Got.Type) {
        NtClose(reinterpret_cast<HANDLE>(Got.Handle));
        return STATUS_OBJECT_TYPE_MISMATCH;
    }
    if (Info)
        *Info = { 0, Got.Granted };
    // A thread of our own is the object itself.
    *Out = NewProxy(reinterpret_cast<HANDLE>(Got.Handle), Got.Type);
    return *Out ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}
LONG_PTR FASTCALL ObfReferenceObject(PVOID Object)
{
    if (IsClientThread(Object))
        return 1;
    if (ProxyHandle(Object))
        return __atomic_add_fetch(&static_cast<HandleProxy*>(Object)->References, 1, __ATOMIC_RELAXED);
    if (static_cast<DISPATCHER_HEADER*>(Object)->Type == 6 && static_cast<CSHORT*>(Object)[0] == 6)
        return __atomic_add_fetch(&static_cast<Thread*>(Object)->References, 1, __ATOMIC_RELAXED);
    if (IsFile(Object))
        return ReferenceFile(static_cast<FILE_OBJECT*>(Object));
    return 1;
}
LONG_PTR FASTCALL ObfDereferenceObject(PVOID Object)
{
    if (IsClientThread(Object))
        return 1;
    if (ProxyHandle(Object)) {
        auto* P = static_cast<HandleProxy*>(Object);
        LONG Left = __atomic_sub_fetch(&P->References, 1, __ATOMIC_ACQ_REL);
        if (Left == 0) {
            NtClose(P->Handle);
            Free(P);
        }
        return Left;
    }
    if (static_cast<DISPATCHER_HEADER*>(Object)->Type == 6 && static_cast<CSHORT*>(Object)[0] == 6)
        host::Release(static_cast<Thread*>(Object));
    if (IsFile(Object))
        return DereferenceFile(static_cast<FILE_OBJECT*>(Object));
    return 1;
}
NTSTATUS NTAPI ObReferenceObjectByPointer(PVOID Object, ACCESS_MASK, POBJECT_TYPE, KPROCESSOR_MODE)
{
    ObfReferenceObject(Object);
    return STATUS_SUCCESS;
}
void NTAPI ObDereferenceObjectDeferDelete(PVOID Object) { ObfDereferenceObject(Object); }
PKEVENT NTAPI IoCreateNotificationEvent(PUNICODE_STRING Name, PHANDLE Handle)
{
    OBJECT_ATTRIBUTES Attributes;
    InitializeObjectAttributes(&Attributes, Name, OBJ_OPENIF | OBJ_CASE_INSENSITIVE, nullptr, nullptr);
    PVOID Object = nullptr;
    if (NtCreateEvent(Handle, EVENT_ALL_ACCESS, &Attributes, NotificationEvent, TRUE) >= 0)
        ObReferenceObjectByHandle(*Handle, EVENT_ALL_ACCESS, nullptr, KernelMode, &Object, nullptr);
    return static_cast<PKEVENT>(Object);
}
PKEVENT NTAPI IoCreateSynchronizationEvent(PUNICODE_STRING Name, PHANDLE Handle)
{
    OBJECT_ATTRIBUTES Attributes;
    InitializeObjectAttributes(&Attributes, Name, OBJ_OPENIF | OBJ_CASE_INSENSITIVE, nullptr, nullptr);
    PVOID Object = nullptr;
    if (NtCreateEvent(Handle, EVENT_ALL_ACCESS, &Attributes, SynchronizationEvent, TRUE) >= 0)
        ObReferenceObjectByHandle(*Handle, EVENT_ALL_ACCESS, nullptr, KernelMode, &Object, nullptr);
    return static_cast<PKEVENT>(Object);
}

// --- services that may wait: somebody else serves the ring meanwhile

NTSTATUS NTAPI ZwCreateFileExport(PHANDLE H, ACCESS_MASK A, POBJECT_ATTRIBUTES O, PIO_STATUS_BLOCK I, PLARGE_INTEGER S, ULONG F, ULONG Sh, ULONG D, ULONG Op, PVOID Ea, ULONG El)
{
    RequireIrql(PASSIVE_LEVEL, "ZwCreateFile", CALLER);
    Blocking Now;
    return NtCreateFile(H, A, O, I, S, F, Sh, D, Op, Ea, El);
}
NTSTATUS NTAPI ZwOpenFileExport(PHANDLE H, ACCESS_MASK A, POBJECT_ATTRIBUTES O, PIO_STATUS_BLOCK I, ULONG Sh, ULONG Op)
{
    RequireIrql(PASSIVE_LEVEL, "ZwOpenFile", CALLER);
    Blocking Now;
    return NtOpenFile(H, A, O, I, Sh, Op);
}
NTSTATUS NTAPI ZwReadFileExport(HANDLE H, HANDLE E, PIO_APC_ROUTINE R, PVOID C, PIO_STATUS_BLOCK I, PVOID B, ULONG L, PLARGE_INTEGER O, PULONG K)
{
    RequireIrql(PASSIVE_LEVEL, "ZwReadFile", CALLER);
    Blocking Now;
    return NtReadFile(H, E, R, C, I, B, L, O, K);
}
NTSTATUS NTAPI ZwWriteFileExport(HANDLE H, HANDLE E, PIO_APC_ROUTINE R, PVOID C, PIO_STATUS_BLOCK I, PVOID B, ULONG L, PLARGE_INTEGER O, PULONG K)
{
    RequireIrql(PASSIVE_LEVEL, "ZwWriteFile", CALLER);
    Blocking Now;
    return NtWriteFile(H, E, R, C, I, B, L, O, K);
}
NTSTATUS NTAPI ZwDeviceIoControlFileExport(HANDLE H, HANDLE E, PIO_APC_ROUTINE R, PVOID C, PIO_STATUS_BLOCK I, ULONG Code, PVOID In, ULONG InL, PVOID Out, ULONG OutL)
{
    RequireIrql(PASSIVE_LEVEL, "ZwDeviceIoControlFile", CALLER);
    Blocking Now;
    return NtDeviceIoControlFile(H, E, R, C, I, Code, In, InL, Out, OutL);
}
NTSTATUS NTAPI ZwWaitForSingleObjectExport(HANDLE H, BOOLEAN A, PLARGE_INTEGER T)
{
    RequireIrql(PASSIVE_LEVEL, "ZwWaitForSingleObject", CALLER);
    return WaitForHandle(H, A, T);
}

// --- messages

static void Print(const char* Format, va_list Arguments)
{
    char Text[400];
    _vsnprintf(Text, sizeof(Text) - 1, Format, Arguments);
    Text[sizeof(Text) - 1] = 0;
    Hold Held(LineLock);
    for (const char* C = Text; *C; ++C) {
        if (LineLength == sizeof(Line) - 1)
            FlushLine();
        if (*C == '\n')
            FlushLine();
        else
            Line[LineLength++] = *C;
    }
}
ULONG NTAPI DbgPrintExport(const char* Format, ...)
{
    va_list Arguments;
    va_start(Arguments, Format);
    Print(Format, Arguments);
    va_end(Arguments);
    return 0;
}
ULONG NTAPI DbgPrintExExport(ULONG, ULONG Level, const char* Format, ...)
{
    if (Level > 3 && !(Level & 0x80000000))     // as Windows: without a filter set, errors and warnings of most components are hidden; shown here
        return 0;
    va_list Arguments;
    va_start(Arguments, Format);
    Print(Format, Arguments);
    va_end(Arguments);
    return 0;
}
void NTAPI KeBugCheckEx(ULONG Code, ULONG_PTR P1, ULONG_PTR P2, ULONG_PTR P3, ULONG_PTR P4) { BugCheck(Code, P1, P2, P3, P4, "KeBugCheckEx", CALLER); }
void NTAPI KeBugCheck(ULONG Code) { BugCheck(Code, 0, 0, 0, 0, "KeBugCheck", CALLER); }
void NTAPI ExRaiseStatusExport(NTSTATUS Status) { RtlRaiseStatus(Status); }
void NTAPI ExRaiseAccessViolation() { RtlRaiseStatus(STATUS_ACCESS_VIOLATION); }
void NTAPI ExRaiseDatatypeMisalignment() { RtlRaiseStatus(STATUS_DATATYPE_MISALIGNMENT); }
BOOLEAN KdDebuggerEnabledValue = FALSE, KdDebuggerNotPresentValue = TRUE;
BOOLEAN NTAPI PsGetVersion(PULONG Major, PULONG Minor, PULONG Build, PUNICODE_STRING)
{
    if (Major)
        *Major = 10;
    if (Minor)
        *Minor = 0;
    if (Build)
        *Build = 19045;
    return FALSE;
}
}
