// StorPortNotification and StorPortExtendedFunction: what the inline functions of storport.h go through.
#include "port.hpp"

using namespace stor;

namespace {

struct Worker {                         // InitializeWorker
    PIO_WORKITEM Item;
    PHW_WORKITEM Routine;
    PVOID Context;
    Adapter* Of;
};
struct TimerHandle {                    // InitializeTimer
    KTIMER Timer;
    KDPC Dpc;
    PHW_TIMER_EX Routine;
    PVOID Context;
    Adapter* Of;
};

void NTAPI RunWorker(PDEVICE_OBJECT, PVOID Context)
{
    auto& W = *static_cast<Worker*>(Context);
    W.Routine(W.Of->Extension, W.Context, &W);
}

void NTAPI RunTimer(PKDPC, PVOID Context, PVOID, PVOID)
{
    auto& T = *static_cast<TimerHandle*>(Context);
    T.Routine(T.Of->Extension, T.Context);
}

void Take(Adapter& A, STOR_SPINLOCK Which, PVOID Context, STOR_LOCK_HANDLE& H)
{
    H.Lock = Which;
    H.Context.LockQueue.Lock = nullptr;
    switch (Which) {
    case DpcLock:
    case ThreadedDpcLock:
        H.Context.LockQueue.Lock = &static_cast<STOR_DPC*>(Context)->Lock;
        H.Context.OldIrql = KeAcquireSpinLockRaiseToDpc(&static_cast<STOR_DPC*>(Context)->Lock);
        break;
    case StartIoLock:
        H.Context.OldIrql = KeAcquireSpinLockRaiseToDpc(&A.StartLock);
        break;
    case InterruptLock:
        H.Context.OldIrql = AcquireInterrupt(A);
        break;
    default:
        break;
    }
}

void Drop(Adapter& A, STOR_LOCK_HANDLE& H)
{
    switch (H.Lock) {
    case DpcLock:
    case ThreadedDpcLock:
        KeReleaseSpinLock(static_cast<PKSPIN_LOCK>(H.Context.LockQueue.Lock), H.Context.OldIrql);
        break;
    case StartIoLock:
        KeReleaseSpinLock(&A.StartLock, H.Context.OldIrql);
        break;
    case InterruptLock:
        ReleaseInterrupt(A, H.Context.OldIrql);
        break;
    default:
        break;
    }
}

// StorPortNotification's types beyond ScsiPort's, as numbers: no values of the C enumeration.
enum Note : ULONG { NotePassive = 0x1000, NoteInitializeDpc, NoteIssueDpc, NoteAcquire, NoteRelease, NoteStateChange, NoteServiceTime, NoteAsync };

ULONG MessageInformation(Adapter& A, ULONG Id, MESSAGE_INTERRUPT_INFORMATION& To)
{
    if (!A.UsesMessages || Id >= A.Messages->MessageCount)
        return STOR_STATUS_INVALID_PARAMETER;
    auto& M = A.Messages->MessageInfo[Id];
    To.MessageId = Id;
    To.MessageData = M.MessageData;
    To.MessageAddress = M.MessageAddress;
    To.InterruptVector = M.Vector;
    To.InterruptLevel = M.Irql;
    To.InterruptMode = M.Mode;
    return STOR_STATUS_SUCCESS;
}

}

extern "C" {

VOID StorPortNotification(SCSI_NOTIFICATION_TYPE Type, PVOID X, ...)
{
    va_list V;
    va_start(V, X);
    Adapter& A = AdapterOf(X);
    switch (ULONG(Type)) {
    case RequestComplete:
        MiniportCompleted(A, va_arg(V, PVOID));
        break;
    case RequestTimerCall: {
        A.HwTimerRoutine = va_arg(V, PHW_TIMER);
        ULONG Microseconds = va_arg(V, ULONG);
        if (Microseconds) {
            LARGE_INTEGER Due;
            Due.QuadPart = -LONGLONG(Microseconds) * 10;
            KeSetTimer(&A.HwTimer, Due, &A.HwTimerDpc);
        } else {
            KeCancelTimer(&A.HwTimer);
        }
        break;
    }
    case BusChangeDetected:
    case NoteAsync:
    case NoteStateChange:
    case LinkUp:
        QueueEnumeration(A);
        break;
    case QueryTickCount: {
        auto* Time = va_arg(V, PLARGE_INTEGER);
        KeQueryTickCount(Time);
        break;
    }
    case NotePassive: {
        A.Passive = va_arg(V, PHW_PASSIVE_INITIALIZE_ROUTINE);
        *va_arg(V, PBOOLEAN) = TRUE;
        break;
    }
    case NoteInitializeDpc: {
        auto* D = va_arg(V, PSTOR_DPC);
        auto* Routine = va_arg(V, PHW_DPC_ROUTINE);
        // Both routines have the arguments (object, context, argument, argument), and a STOR_DPC begins with its KDPC.
        static_assert(FIELD_OFFSET(STOR_DPC, Dpc) == 0);
        KeInitializeDpc(&D->Dpc, reinterpret_cast<PKDEFERRED_ROUTINE>(Routine), X);
        KeInitializeSpinLock(&D->Lock);
        break;
    }
    case NoteIssueDpc: {
        auto* D = va_arg(V, PSTOR_DPC);
        PVOID Argument1 = va_arg(V, PVOID), Argument2 = va_arg(V, PVOID);
        *va_arg(V, PBOOLEAN) = KeInsertQueueDpc(&D->Dpc, Argument1, Argument2);
        break;
    }
    case NoteAcquire: {
        auto Which = STOR_SPINLOCK(va_arg(V, int));
        PVOID Context = va_arg(V, PVOID);
        Take(A, Which, Context, *va_arg(V, PSTOR_LOCK_HANDLE));
        break;
    }
    case NoteRelease:
        Drop(A, *va_arg(V, PSTOR_LOCK_HANDLE));
        break;
    default:
        break;                          // NextRequest, ResetDetected, WMI events ...: nothing is to be done
    }
    va_end(V);
}

ULONG StorPortExtendedFunction(STORPORT_FUNCTION_CODE Code, PVOID X, ...)
{
    va_list V;
    va_start(V, X);
    Adapter& A = AdapterOf(X);
    ULONG Result = STOR_STATUS_SUCCESS;
    switch (Code) {
    case ExtFunctionAllocatePool: {
        ULONG Bytes = va_arg(V, ULONG), PoolTag = va_arg(V, ULONG);
        PVOID* To = va_arg(V, PVOID*);
        *To = ExAllocatePoolWithTag(NonPagedPool, Bytes, PoolTag);
        if (!*To)
            Result = STOR_STATUS_INSUFFICIENT_RESOURCES;
        break;
    }
    case ExtFunctionFreePool:
        ExFreePool(va_arg(V, PVOID));
        break;
    case ExtFunctionAllocateMdl: {
        PVOID At = va_arg(V, PVOID);
        ULONG Bytes = va_arg(V, ULONG);
        PVOID* To = va_arg(V, PVOID*);
        *To = IoAllocateMdl(At, Bytes, FALSE, FALSE, nullptr);
        if (!*To)
            Result = STOR_STATUS_INSUFFICIENT_RESOURCES;
        break;
    }
    case ExtFunctionFreeMdl:
        IoFreeMdl(va_arg(V, PMDL));
        break;
    case ExtFunctionBuildMdlForNonPagedPool:
        MmBuildMdlForNonPagedPool(va_arg(V, PMDL));
        break;
    case ExtFunctionGetSystemAddress:
    case ExtFunctionGetDataInBufferSystemAddress: {
        Request& R = *RequestOf(va_arg(V, PVOID));
        PVOID* To = va_arg(V, PVOID*);
        auto* At = R.Mdl ? static_cast<UCHAR*>(MmGetSystemAddressForMdlSafe(R.Mdl, HighPagePriority)) : nullptr;
        *To = At ? At + R.Offset : nullptr;
        if (!At)
            Result = R.Mdl ? STOR_STATUS_INSUFFICIENT_RESOURCES : STOR_STATUS_INVALID_PARAMETER;
        break;
    }
    case ExtFunctionGetOriginalMdl:
    case ExtFunctionGetDataInBufferMdl: {
        Request& R = *RequestOf(va_arg(V, PVOID));
        *va_arg(V, PVOID*) = R.Mdl;
        if (!R.Mdl)
            Result = STOR_STATUS_INVALID_PARAMETER;
        break;
    }
    case ExtFunctionGetDeviceObjects:
        *va_arg(V, PVOID*) = A.Self;
        *va_arg(V, PVOID*) = A.Pdo;
        *va_arg(V, PVOID*) = A.Lower;
        break;
    case ExtFunctionAcquireMSISpinLock: {
        ULONG Id = va_arg(V, ULONG);
        PULONG Old = va_arg(V, PULONG);
        if (!A.UsesMessages || Id >= A.Messages->MessageCount)
            Result = STOR_STATUS_INVALID_PARAMETER;
        else
            *Old = KeAcquireInterruptSpinLock(A.Messages->MessageInfo[Id].InterruptObject);
        break;
    }
    case ExtFunctionReleaseMSISpinLock: {
        ULONG Id = va_arg(V, ULONG), Old = va_arg(V, ULONG);
        if (!A.UsesMessages || Id >= A.Messages->MessageCount)
            Result = STOR_STATUS_INVALID_PARAMETER;
        else
            KeReleaseInterruptSpinLock(A.Messages->MessageInfo[Id].InterruptObject, KIRQL(Old));
        break;
    }
    case ExtFunctionGetMessageInterruptInformation: {
        ULONG Id = va_arg(V, ULONG);
        Result = MessageInformation(A, Id, *va_arg(V, PMESSAGE_INTERRUPT_INFORMATION));
        break;
    }
    case ExtFunctionInitializePerformanceOptimizations: {
        // One processor: of the optimizations only completing in StartIo means anything, and that is always allowed.
        bool Query = va_arg(V, int) != 0;
        auto* D = va_arg(V, PPERF_CONFIGURATION_DATA);
        if (Query)
            D->Flags = STOR_PERF_OPTIMIZE_FOR_COMPLETION_DURING_STARTIO;
        else if (D->Flags & ~STOR_PERF_OPTIMIZE_FOR_COMPLETION_DURING_STARTIO)
            Result = STOR_STATUS_INVALID_PARAMETER;
        break;
    }
    case ExtFunctionGetCurrentProcessorNumber:
        *va_arg(V, PPROCESSOR_NUMBER) = {};
        break;
    case ExtFunctionGetHighestNodeNumber:
        *va_arg(V, PULONG) = 0;
        break;
    case ExtFunctionGetActiveGroupCount:
        *va_arg(V, PUSHORT) = 1;
        break;
    case ExtFunctionAllocateContiguousMemorySpecifyCacheNode: {
        SIZE_T Bytes = va_arg(V, SIZE_T);
        PHYSICAL_ADDRESS Low = va_arg(V, PHYSICAL_ADDRESS), High = va_arg(V, PHYSICAL_ADDRESS), Boundary = va_arg(V, PHYSICAL_ADDRESS);
        auto Cache = MEMORY_CACHING_TYPE(va_arg(V, int));
        (void)va_arg(V, ULONG);
        PVOID* To = va_arg(V, PVOID*);
        *To = MmAllocateContiguousMemorySpecifyCache(Bytes, Low, High, Boundary, Cache);
        if (!*To)
            Result = STOR_STATUS_INSUFFICIENT_RESOURCES;
        break;
    }
    case ExtFunctionAllocateDmaMemory: {
        SIZE_T Bytes = va_arg(V, SIZE_T);
        PHYSICAL_ADDRESS Low = va_arg(V, PHYSICAL_ADDRESS), High = va_arg(V, PHYSICAL_ADDRESS), Boundary = va_arg(V, PHYSICAL_ADDRESS);
        auto Cache = MEMORY_CACHING_TYPE(va_arg(V, int));
        (void)va_arg(V, ULONG);
        PVOID* To = va_arg(V, PVOID*);
        auto* Physical = va_arg(V, PPHYSICAL_ADDRESS);
        *To = MmAllocateContiguousMemorySpecifyCache(Bytes, Low, High, Boundary, Cache);
        if (!*To)
            Result = STOR_STATUS_INSUFFICIENT_RESOURCES;
        else
            *Physical = MmGetPhysicalAddress(*To);
        break;
    }
    case ExtFunctionFreeContiguousMemorySpecifyCache:
    case ExtFunctionFreeDmaMemory: {
        PVOID At = va_arg(V, PVOID);
        SIZE_T Bytes = va_arg(V, SIZE_T);
        MmFreeContiguousMemorySpecifyCache(At, Bytes, MmCached);
        break;
    }
    case ExtFunctionInitializeWorker: {
        PVOID* To = va_arg(V, PVOID*);
        auto* W = New<Worker>();
        if (W && !(W->Item = IoAllocateWorkItem(A.Self))) {
            ExFreePool(W);
            W = nullptr;
        }
        *To = W;
        if (W)
            W->Of = &A;
        else
            Result = STOR_STATUS_INSUFFICIENT_RESOURCES;
        break;
    }
    case ExtFunctionQueueWorkItem: {
        auto* Routine = va_arg(V, PHW_WORKITEM);
        auto* W = va_arg(V, Worker*);
        W->Routine = Routine;
        W->Context = va_arg(V, PVOID);
        IoQueueWorkItem(W->Item, RunWorker, DelayedWorkQueue, W);
        break;
    }
    case ExtFunctionFreeWorker: {
        auto* W = va_arg(V, Worker*);
        IoFreeWorkItem(W->Item);
        ExFreePool(W);
        break;
    }
    case ExtFunctionInitializeTimer: {
        PVOID* To = va_arg(V, PVOID*);
        auto* T = New<TimerHandle>();
        *To = T;
        if (!T) {
            Result = STOR_STATUS_INSUFFICIENT_RESOURCES;
            break;
        }
        T->Of = &A;
        KeInitializeTimer(&T->Timer);
        KeInitializeDpc(&T->Dpc, RunTimer, T);
        break;
    }
    case ExtFunctionRequestTimer: {
        auto* T = va_arg(V, TimerHandle*);
        T->Routine = va_arg(V, PHW_TIMER_EX);
        T->Context = va_arg(V, PVOID);
        ULONGLONG Microseconds = va_arg(V, ULONGLONG);
        LARGE_INTEGER Due;
        Due.QuadPart = -LONGLONG(Microseconds) * 10;
        if (Microseconds)
            KeSetTimer(&T->Timer, Due, &T->Dpc);
        else
            KeCancelTimer(&T->Timer);
        break;
    }
    case ExtFunctionFreeTimer: {
        auto* T = va_arg(V, TimerHandle*);
        KeCancelTimer(&T->Timer);
        KeFlushQueuedDpcs();
        ExFreePool(T);
        break;
    }
    case ExtFunctionGetSystemPortNumber: {
        auto* Address = va_arg(V, PSTOR_ADDRESS);
        Address->Port = USHORT(A.Number);
        break;
    }
    case ExtFunctionQueryPerformanceCounter: {
        auto* Frequency = va_arg(V, PLARGE_INTEGER);
        auto* Counter = va_arg(V, PLARGE_INTEGER);
        LARGE_INTEGER Now = KeQueryPerformanceCounter(Frequency);
        if (Counter)
            *Counter = Now;
        break;
    }
    case ExtFunctionMarkDumpMemory:
        break;                          // there are no crash dumps
    case ExtFunctionDelayExecution: {
        LARGE_INTEGER Due;
        Due.QuadPart = -LONGLONG(va_arg(V, ULONG)) * 10;
        KeDelayExecutionThread(KernelMode, FALSE, &Due);
        break;
    }
    case ExtFunctionSetPowerSettingNotificationGuids:
        break;                          // nothing changes
    default:
        Result = STOR_STATUS_NOT_IMPLEMENTED;
        break;
    }
    va_end(V);
    return Result;
}

}
