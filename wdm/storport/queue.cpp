// Requests under way: queues of units, starting, completing, timeouts, resets.
#include "port.hpp"

namespace stor {

namespace {

constexpr ULONG ExtensionChunk = 64 * 1024;
constexpr UCHAR MostRetries = 2, MostBusies = 200;
constexpr LONGLONG RetrySoon = -10 * 10'000;    // 10 ms

// A chunk of requests: their SRB extensions are contiguous, for the miniport's own descriptors.
bool MakeRequests(Adapter& A)
{
    ULONG Each = (A.Config.SrbExtensionSize + 127) & ~127u;
    ULONG Count = Each ? ExtensionChunk / Each : 16;
    Count = Count ? Count > 32 ? 32 : Count : 1;
    UCHAR* Extensions = nullptr;
    PHYSICAL_ADDRESS Physical {};
    if (Each) {
        Extensions = static_cast<UCHAR*>(A.Dma->DmaOperations->AllocateCommonBuffer(A.Dma, Each * Count, &Physical, TRUE));
        if (!Extensions)
            return false;
    }
    bool Any = false;
    for (ULONG N = 0; N < Count; ++N) {
        auto* R = New<Request>(A.ListRoom + 16);
        if (!R)
            break;
        R->Of = &A;
        R->List = reinterpret_cast<STOR_SCATTER_GATHER_LIST*>((ULONG_PTR(R + 1) + 15) & ~ULONG_PTR(15));
        R->Extension = Each ? Extensions + N * Each : nullptr;
        R->ExtensionPhysical = ULONGLONG(Physical.QuadPart) + N * Each;
        KIRQL Old = KeAcquireSpinLockRaiseToDpc(&A.Lock);
        InsertTailList(&A.Free, &R->Link);
        ++A.Requests;
        KeReleaseSpinLock(&A.Lock, Old);
        Any = true;
    }
    return Any;
}

bool IsReadOrWrite(PVOID Srb)
{
    if (SrbGetSrbFunction(Srb) != SRB_FUNCTION_EXECUTE_SCSI)
        return false;
    auto* Cdb = reinterpret_cast<UCHAR*>(SrbGetCdb(Srb));
    if (!Cdb)
        return false;
    switch (Cdb[0]) {
    case SCSIOP_READ6:
    case SCSIOP_WRITE6:
    case SCSIOP_READ:
    case SCSIOP_WRITE:
    case SCSIOP_READ12:
    case SCSIOP_WRITE12:
    case SCSIOP_READ16:
    case SCSIOP_WRITE16:
        return true;
    default:
        return false;
    }
}

struct Listed {
    STOR_SCATTER_GATHER_LIST* List;
};
void NTAPI GotList(PDEVICE_OBJECT, PIRP, PSCATTER_GATHER_LIST List, PVOID Context) { static_cast<Listed*>(Context)->List = reinterpret_cast<STOR_SCATTER_GATHER_LIST*>(List); }

// The frames behind the data, and its address if the miniport wants to look at it. An SRB status.
UCHAR Prepare(Request& R)
{
    Adapter& A = *R.Of;
    if (!R.Bytes || !R.Mdl) {
        SrbSetDataBuffer(R.Block, nullptr);
        return SRB_STATUS_PENDING;
    }
    if (R.Bytes > A.Config.MaximumTransferLength)
        return SRB_STATUS_INVALID_REQUEST;
    auto* At = static_cast<UCHAR*>(MmGetMdlVirtualAddress(R.Mdl)) + R.Offset;
    if ((ULONG_PTR(At) & (PAGE_SIZE - 1)) + R.Bytes > ULONGLONG(A.Config.NumberOfPhysicalBreaks + 1) * PAGE_SIZE)
        return SRB_STATUS_INVALID_REQUEST;
    bool Maps = A.Config.MapBuffers == STOR_MAP_ALL_BUFFERS || A.Config.MapBuffers == STOR_MAP_ALL_BUFFERS_INCLUDING_READ_WRITE ||
                (A.Config.MapBuffers == STOR_MAP_NON_READ_WRITE_BUFFERS && !IsReadOrWrite(R.Block));
    if (Maps) {
        auto* Mapped = static_cast<UCHAR*>(MmGetSystemAddressForMdlSafe(R.Mdl, HighPagePriority));
        if (!Mapped)
            return SRB_STATUS_ERROR;
        SrbSetDataBuffer(R.Block, Mapped + R.Offset);
    } else {
        SrbSetDataBuffer(R.Block, At);
    }
    Listed L { nullptr };
    bool ToDevice = (SrbGetSrbFlags(R.Block) & SRB_FLAGS_DATA_OUT) != 0;
    NTSTATUS Status = A.Dma->DmaOperations->BuildScatterGatherList(A.Dma, A.Self, R.Mdl, At, R.Bytes, GotList, &L, ToDevice, R.List, A.ListRoom);
    if (!NT_SUCCESS(Status) || !L.List)
        return SRB_STATUS_ERROR;
    R.Listed = true;
    return SRB_STATUS_PENDING;
}

void Put(Request& R, UCHAR SrbStatus)
{
    SrbSetSrbStatus(R.Block, SrbStatus);
    ExInterlockedPushEntrySList(&R.Of->Completed, &R.Done, nullptr);
    KeInsertQueueDpc(&R.Of->Dpc, nullptr, nullptr);
}

// To the miniport. At DISPATCH_LEVEL or below, without the lock.
void Start(Request& R)
{
    Adapter& A = *R.Of;
    const HW_INITIALIZATION_DATA& Hw = A.Of->Hw;
    UCHAR Status = A.Started ? Prepare(R) : UCHAR(SRB_STATUS_NO_DEVICE);
    if (Status != SRB_STATUS_PENDING) {
        R.Completed = true;
        Put(R, Status);
        return;
    }
    auto* Srb = static_cast<PSCSI_REQUEST_BLOCK>(R.Block);
    // When the level falls the DPC may run, and the request be over.
    KIRQL Old = KeRaiseIrqlToDpcLevel();
    if (!Hw.HwBuildIo || Hw.HwBuildIo(A.Extension, Srb)) {      // otherwise the miniport has completed it
        StartGuard Held(A);
        if (!Hw.HwStartIo(A.Extension, Srb) && !R.Completed) {
            R.Completed = true;
            Put(R, SRB_STATUS_BUSY);
        }
    }
    KeLowerIrql(Old);
}

bool MaySend(Adapter& A, Unit* U)
{
    if (A.Paused || A.BusyUntil || A.Outstanding >= A.MostOutstanding)
        return false;
    return !U || (!U->Paused && !U->BusyUntil && U->Outstanding < U->Depth);
}

// With the lock.
void MarkRunning(Request& R)
{
    R.Running = true;
    R.Completed = false;
    R.SecondsLeft = SrbGetTimeOutValue(R.Block);
    ++R.Of->Outstanding;
    if (R.Lun) {
        ++R.Lun->Outstanding;
        InsertTailList(&R.Lun->Running, &R.Link);
    } else {
        InitializeListHead(&R.Link);
    }
}

// What has no unit yet (discovery) or no place waits in the unit's queue; without a unit it is sent at once.
void Complete(Request& R)
{
    Adapter& A = *R.Of;
    UCHAR SrbStatus = SrbGetSrbStatus(R.Block), Plain = SRB_STATUS(SrbStatus), Scsi = 0;
    if (SrbGetSrbFunction(R.Block) == SRB_FUNCTION_EXECUTE_SCSI)
        Scsi = SrbGetScsiStatus(R.Block);
    bool Full = Scsi == SCSISTAT_QUEUE_FULL || Scsi == SCSISTAT_BUSY;
    bool Busy = (Plain == SRB_STATUS_BUSY || (Plain == SRB_STATUS_ERROR && Full)) && R.Busies < MostBusies && R.Lun;
    bool Again = (Plain == SRB_STATUS_BUS_RESET || (Plain == SRB_STATUS_TIMEOUT && R.TimedOut)) && R.Retries < MostRetries && !R.NoRetry && R.Lun;
    KIRQL Old = KeAcquireSpinLockRaiseToDpc(&A.Lock);
    if (R.Running) {
        R.Running = false;
        --A.Outstanding;
        if (A.BusyUntil)
            --A.BusyUntil;
        if (R.Lun) {
            --R.Lun->Outstanding;
            if (R.Lun->BusyUntil)
                --R.Lun->BusyUntil;
            RemoveEntryList(&R.Link);
        }
    }
    if ((Busy || Again) && A.Started) {
        // The same again, in front of the others.
        Busy ? ++R.Busies : ++R.Retries;
        SrbSetSrbStatus(R.Block, SRB_STATUS_PENDING);
        SrbSetDataTransferLength(R.Block, R.Bytes);
        InsertHeadList(&R.Lun->Waiting, &R.Link);
        bool Wait = Busy && R.Lun->Outstanding == 0;
        if (Wait) {
            R.Lun->BusyUntil = ~0u;     // until the timer
            A.RetryPending = true;
        }
        KeReleaseSpinLock(&A.Lock, Old);
        if (Wait) {
            LARGE_INTEGER Due;
            Due.QuadPart = RetrySoon;
            KeSetTimer(&A.RetryTimer, Due, &A.RetryDpc);
        }
        return;
    }
    KeReleaseSpinLock(&A.Lock, Old);
    if (Plain == SRB_STATUS_BUS_RESET && R.TimedOut)
        SrbSetSrbStatus(R.Block, SRB_STATUS_TIMEOUT);
    R.Finish(R);
}

void NTAPI OnDpc(PKDPC, PVOID Context, PVOID, PVOID)
{
    auto& A = *static_cast<Adapter*>(Context);
    // In the order in which they were completed: the list is the other way round.
    SLIST_ENTRY* Taken = ExInterlockedFlushSList(&A.Completed);
    SLIST_ENTRY* First = nullptr;
    while (Taken) {
        SLIST_ENTRY* Next = Taken->Next;
        Taken->Next = First;
        First = Taken;
        Taken = Next;
    }
    while (First) {
        SLIST_ENTRY* Next = First->Next;
        Complete(*CONTAINING_RECORD(First, Request, Done));
        First = Next;
    }
    StartWaiting(A);
}

void NTAPI OnRetry(PKDPC, PVOID Context, PVOID, PVOID)
{
    auto& A = *static_cast<Adapter*>(Context);
    KIRQL Old = KeAcquireSpinLockRaiseToDpc(&A.Lock);
    A.RetryPending = false;
    for (LIST_ENTRY* At = A.Units.Flink; At != &A.Units; At = At->Flink) {
        auto* U = CONTAINING_RECORD(At, Unit, Link);
        if (U->BusyUntil == ~0u)
            U->BusyUntil = 0;
    }
    KeReleaseSpinLock(&A.Lock, Old);
    StartWaiting(A);
}

void NTAPI OnSecond(PKDPC, PVOID Context, PVOID, PVOID)
{
    auto& A = *static_cast<Adapter*>(Context);
    bool Late = false;
    UCHAR Path = 0;
    KIRQL Old = KeAcquireSpinLockRaiseToDpc(&A.Lock);
    if (A.Paused && A.PauseLeft && --A.PauseLeft == 0)
        A.Paused = false;
    for (LIST_ENTRY* At = A.Units.Flink; At != &A.Units; At = At->Flink) {
        auto* U = CONTAINING_RECORD(At, Unit, Link);
        if (U->Paused && U->PauseLeft && --U->PauseLeft == 0)
            U->Paused = false;
        for (LIST_ENTRY* L = U->Running.Flink; L != &U->Running; L = L->Flink) {
            auto* R = CONTAINING_RECORD(L, Request, Link);
            if (R->SecondsLeft && --R->SecondsLeft == 0 && !R->Completed) {
                R->TimedOut = Late = true;
                Path = U->Path;
            }
        }
    }
    KeReleaseSpinLock(&A.Lock, Old);
    if (Late) {
        DbgPrint("storport: adapter %lu: a request takes too long; bus %u is reset\n", A.Number, Path);
        Reset(A, Path);
    }
    StartWaiting(A);
}

void NTAPI OnHwTimer(PKDPC, PVOID Context, PVOID, PVOID)
{
    auto& A = *static_cast<Adapter*>(Context);
    StartGuard Held(A);
    if (A.HwTimerRoutine)
        A.HwTimerRoutine(A.Extension);
}

}

void StartTimers(Adapter& A)
{
    KeInitializeDpc(&A.Dpc, OnDpc, &A);
    KeInitializeDpc(&A.RetryDpc, OnRetry, &A);
    KeInitializeDpc(&A.SecondDpc, OnSecond, &A);
    KeInitializeDpc(&A.HwTimerDpc, OnHwTimer, &A);
    KeInitializeTimer(&A.RetryTimer);
    KeInitializeTimer(&A.SecondTimer);
    KeInitializeTimer(&A.HwTimer);
    LARGE_INTEGER Due;
    Due.QuadPart = -10'000'000;
    KeSetTimerEx(&A.SecondTimer, Due, 1000, &A.SecondDpc);
}

void StopTimers(Adapter& A)
{
    KeCancelTimer(&A.RetryTimer);
    KeCancelTimer(&A.SecondTimer);
    KeCancelTimer(&A.HwTimer);
}

Request* NewRequest(Adapter& A)
{
    for (int Try = 0; Try < 2; ++Try) {
        KIRQL Old = KeAcquireSpinLockRaiseToDpc(&A.Lock);
        Request* R = IsListEmpty(&A.Free) ? nullptr : CONTAINING_RECORD(RemoveHeadList(&A.Free), Request, Link);
        KeReleaseSpinLock(&A.Lock, Old);
        if (R) {
            R->Lun = nullptr;
            R->Irp = nullptr;
            R->Original = nullptr;
            R->Finish = nullptr;
            R->Context = nullptr;
            R->Mdl = nullptr;
            R->Offset = 0;
            R->Bytes = 0;
            R->FreeMdl = R->UnlockMdl = R->Listed = R->Running = R->Completed = R->TimedOut = R->NoRetry = false;
            R->Retries = R->Busies = 0;
            R->Block = R->Room;
            return R;
        }
        if (!A.Dma || !MakeRequests(A))
            return nullptr;
    }
    return nullptr;
}

void FreeRequest(Request& R)
{
    if (R.Mdl && R.UnlockMdl)
        MmUnlockPages(R.Mdl);
    if (R.Mdl && R.FreeMdl)
        IoFreeMdl(R.Mdl);
    R.Mdl = nullptr;
    KIRQL Old = KeAcquireSpinLockRaiseToDpc(&R.Of->Lock);
    InsertHeadList(&R.Of->Free, &R.Link);
    KeReleaseSpinLock(&R.Of->Lock, Old);
}

Request* RequestOf(PVOID Srb) { return CONTAINING_RECORD(Srb, Request, Room); }

void MiniportCompleted(Adapter& A, PVOID Srb)
{
    Request* R = RequestOf(Srb);
    if (R->Completed || R->Of != &A) {
        DbgPrint("storport: adapter %lu: the miniport completes a request that it does not have\n", A.Number);
        return;
    }
    R->Completed = true;
    ExInterlockedPushEntrySList(&A.Completed, &R->Done, nullptr);
    KeInsertQueueDpc(&A.Dpc, nullptr, nullptr);
}

void CompleteAll(Adapter& A, UCHAR Path, UCHAR Target, UCHAR Lun, UCHAR SrbStatus)
{
    for (LIST_ENTRY* At = A.Units.Flink; At != &A.Units; At = At->Flink) {
        auto* U = CONTAINING_RECORD(At, Unit, Link);
        if ((Path != 255 && U->Path != Path) || (Target != 255 && U->Target != Target) || (Lun != 255 && U->Lun != Lun))
            continue;
        for (LIST_ENTRY* L = U->Running.Flink; L != &U->Running; L = L->Flink) {
            auto* R = CONTAINING_RECORD(L, Request, Link);
            if (R->Completed)
                continue;
            R->Completed = true;
            Put(*R, SrbStatus);
        }
    }
}

// HwResetBus is to complete what it had; what it leaves is completed here.
void Reset(Adapter& A, UCHAR Path)
{
    StartGuard Held(A);
    A.Of->Hw.HwResetBus(A.Extension, Path);
    CompleteAll(A, Path, 255, 255, SRB_STATUS_BUS_RESET);
}

Unit* FindUnit(Adapter& A, UCHAR Path, UCHAR Target, UCHAR Lun)
{
    for (LIST_ENTRY* At = A.Units.Flink; At != &A.Units; At = At->Flink) {
        auto* U = CONTAINING_RECORD(At, Unit, Link);
        if (U->Path == Path && U->Target == Target && U->Lun == Lun && U->Present)
            return U;
    }
    return nullptr;
}

void Submit(Request& R)
{
    Adapter& A = *R.Of;
    KIRQL Old = KeAcquireSpinLockRaiseToDpc(&A.Lock);
    bool Bypass = !R.Lun || (SrbGetSrbFlags(R.Block) & SRB_FLAGS_BYPASS_LOCKED_QUEUE);
    bool Now = !R.Lun || (MaySend(A, R.Lun) && IsListEmpty(&R.Lun->Waiting) && (Bypass || !R.Lun->Locked));
    if (Now)
        MarkRunning(R);
    else
        InsertTailList(&R.Lun->Waiting, &R.Link);
    KeReleaseSpinLock(&A.Lock, Old);
    if (Now)
        Start(R);
}

void StartWaiting(Adapter& A)
{
    for (;;) {
        Request* Next = nullptr;
        KIRQL Old = KeAcquireSpinLockRaiseToDpc(&A.Lock);
        for (LIST_ENTRY* At = A.Units.Flink; At != &A.Units && !Next; At = At->Flink) {
            auto* U = CONTAINING_RECORD(At, Unit, Link);
            if (IsListEmpty(&U->Waiting) || (!MaySend(A, U) && !A.Stopped))
                continue;
            auto* R = CONTAINING_RECORD(U->Waiting.Flink, Request, Link);
            if (U->Locked && !(SrbGetSrbFlags(R->Block) & SRB_FLAGS_BYPASS_LOCKED_QUEUE) && !A.Stopped)
                continue;
            RemoveEntryList(&R->Link);
            Next = R;
            MarkRunning(*R);
        }
        KeReleaseSpinLock(&A.Lock, Old);
        if (!Next)
            return;
        Start(*Next);
    }
}

}
