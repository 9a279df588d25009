// Reads, writes, flushes and waits: their queues, timeouts, completion.
#include "drivers/serial/serial/serial.hpp"

namespace serial {

namespace {

Queue& QueueOf(PIO_CSQ Csq) { return *CONTAINING_RECORD(Csq, Queue, Csq); }

// DriverContext[0] of a queued IRP: the interrupt time at which it came to the head; its queue's port is the device's.
ULONGLONG& StartedAt(PIRP I) { return *reinterpret_cast<ULONGLONG*>(&I->Tail.Overlay.DriverContext[0]); }
Port& PortOf(PIRP I) { return Of(IoGetCurrentIrpStackLocation(I)->DeviceObject); }

void NTAPI Insert(PIO_CSQ C, PIRP I) { InsertTailList(&QueueOf(C).Irps, &I->Tail.Overlay.ListEntry); }
PIRP NTAPI Peek(PIO_CSQ C, PIRP After, PVOID File) { return PeekQueued(QueueOf(C).Irps, After, File); }
void NTAPI AcquireReads(PIO_CSQ C, PKIRQL Irql) { *Irql = KeAcquireInterruptSpinLock(CONTAINING_RECORD(&QueueOf(C), Port, Reads)->Interrupt); }
void NTAPI ReleaseReads(PIO_CSQ C, KIRQL Irql) { KeReleaseInterruptSpinLock(CONTAINING_RECORD(&QueueOf(C), Port, Reads)->Interrupt, Irql); }
void NTAPI AcquireWrites(PIO_CSQ C, PKIRQL Irql) { *Irql = KeAcquireInterruptSpinLock(CONTAINING_RECORD(&QueueOf(C), Port, Writes)->Interrupt); }
void NTAPI ReleaseWrites(PIO_CSQ C, KIRQL Irql) { KeReleaseInterruptSpinLock(CONTAINING_RECORD(&QueueOf(C), Port, Writes)->Interrupt, Irql); }
void NTAPI CompleteCancelled(PIO_CSQ, PIRP I)
{
    Port& P = PortOf(I);
    Complete(I, STATUS_CANCELLED, I->IoStatus.Information);
    Pump(P);                            // the next one is at the head now
}

// IRPs that are done, to be completed without the lock.
struct DoneList {
    LIST_ENTRY Irps { &Irps, &Irps };
    void Add(PIRP I, NTSTATUS Status)
    {
        I->IoStatus.Status = Status;
        InsertTailList(&Irps, &I->Tail.Overlay.ListEntry);
    }
    void CompleteAll()
    {
        while (!IsListEmpty(&Irps)) {
            PIRP I = CONTAINING_RECORD(RemoveHeadList(&Irps), IRP, Tail.Overlay.ListEntry);
            IoCompleteRequest(I, IO_SERIAL_INCREMENT);
        }
    }
};

// Takes an IRP off its queue; false: it is being cancelled and will go by itself.
bool TakeOff(PIRP I)
{
    if (!IoSetCancelRoutine(I, nullptr))
        return false;
    RemoveEntryList(&I->Tail.Overlay.ListEntry);
    return true;
}

constexpr ULONGLONG Millisecond = 10000;
constexpr ULONGLONG Never = ~0ull;

ULONGLONG Total(ULONG Multiplier, ULONG Constant, ULONG Length) { return (ULONGLONG(Multiplier) * Length + Constant) * Millisecond; }

// Serves the reads from the ring. When the first of them times out, or Never.
ULONGLONG ServeReads(Port& P, DoneList& Done, ULONGLONG Now)
{
    while (PIRP I = P.Reads.First()) {
        ULONG Length = IoGetCurrentIrpStackLocation(I)->Parameters.Read.Length;
        if (!StartedAt(I))
            StartedAt(I) = Now;
        I->IoStatus.Information += TakeReceived(P, static_cast<UCHAR*>(I->AssociatedIrp.SystemBuffer) + I->IoStatus.Information, ULONG(Length - I->IoStatus.Information));
        const SERIAL_TIMEOUTS& T = P.Timeouts;
        NTSTATUS Status = STATUS_PENDING;
        ULONGLONG Due = Never;
        if (I->IoStatus.Information == Length) {
            Status = STATUS_SUCCESS;
        } else if (T.ReadIntervalTimeout == MAXULONG && T.ReadTotalTimeoutMultiplier == 0 && T.ReadTotalTimeoutConstant == 0) {
            Status = STATUS_SUCCESS;    // what there is
        } else if (T.ReadIntervalTimeout == MAXULONG && T.ReadTotalTimeoutMultiplier == MAXULONG && T.ReadTotalTimeoutConstant) {
            if (I->IoStatus.Information)
                Status = STATUS_SUCCESS;
            else
                Due = StartedAt(I) + T.ReadTotalTimeoutConstant * Millisecond;
        } else {
            if (T.ReadTotalTimeoutMultiplier || T.ReadTotalTimeoutConstant)
                Due = StartedAt(I) + Total(T.ReadTotalTimeoutMultiplier, T.ReadTotalTimeoutConstant, Length);
            if (T.ReadIntervalTimeout && T.ReadIntervalTimeout != MAXULONG && I->IoStatus.Information) {
                ULONGLONG Since = P.LastReceived > StartedAt(I) ? P.LastReceived : StartedAt(I);
                ULONGLONG Interval = Since + T.ReadIntervalTimeout * Millisecond;
                if (Interval < Due)
                    Due = Interval;
            }
        }
        if (Status == STATUS_PENDING && Now >= Due)
            Status = STATUS_TIMEOUT;
        if (Status == STATUS_PENDING)
            return Due;
        if (!TakeOff(I))
            return Never;
        Done.Add(I, Status);
    }
    return Never;
}

ULONGLONG ServeWrites(Port& P, DoneList& Done, ULONGLONG Now)
{
    ULONGLONG Due = Never;
    Transmit(P);
    while (PIRP I = P.Writes.First()) {
        IO_STACK_LOCATION* S = IoGetCurrentIrpStackLocation(I);
        if (!StartedAt(I))
            StartedAt(I) = Now;
        NTSTATUS Status = STATUS_SUCCESS;
        if (S->MajorFunction == IRP_MJ_WRITE && I->IoStatus.Information < S->Parameters.Write.Length) {
            const SERIAL_TIMEOUTS& T = P.Timeouts;
            if (T.WriteTotalTimeoutMultiplier || T.WriteTotalTimeoutConstant)
                Due = StartedAt(I) + Total(T.WriteTotalTimeoutMultiplier, T.WriteTotalTimeoutConstant, S->Parameters.Write.Length);
            if (Now < Due)
                break;
            Status = STATUS_TIMEOUT;
            Due = Never;
        }
        if (!TakeOff(I))
            break;
        Done.Add(I, Status);
        Transmit(P);                    // behind a flush
    }
    bool Busy = P.Writes.First() != nullptr;
    if (P.WasBusy && !Busy) {
        Event(P, SERIAL_EV_TXEMPTY);
        if ((P.Flow.FlowReplace & SERIAL_RTS_MASK) == SERIAL_TRANSMIT_TOGGLE)
            ApplyFlow(P);
    }
    P.WasBusy = Busy;
    return Due;
}

// The wait for events and the immediate character are one IRP each, with a plain cancel routine.
void NTAPI CancelOne(PDEVICE_OBJECT D, PIRP I)
{
    IoReleaseCancelSpinLock(I->CancelIrql);
    Port& P = Of(D);
    {
        Hold H(P);
        if (P.Waiter == I)
            P.Waiter = nullptr;
        if (P.ImmediateIrp == I) {
            P.ImmediateIrp = nullptr;
            P.Immediate = false;
        }
    }
    Complete(I, STATUS_CANCELLED);
}

// With the lock held: the IRP From holds, if the caller may complete it; otherwise null and false.
bool Claim(PIRP& From, PIRP& I)
{
    I = nullptr;
    if (!From || !IoSetCancelRoutine(From, nullptr))
        return false;
    I = From;
    From = nullptr;
    return true;
}

// With the lock held, before anybody else can see I. False: it was cancelled already.
bool MakeCancellable(PIRP I)
{
    IoMarkIrpPending(I);
    IoSetCancelRoutine(I, CancelOne);
    return !I->Cancel || !IoSetCancelRoutine(I, nullptr);
}

}

void InitializeQueues(Port& P)
{
    InitializeListHead(&P.Reads.Irps);
    InitializeListHead(&P.Writes.Irps);
    IoCsqInitialize(&P.Reads.Csq, Insert, RemoveQueued, Peek, AcquireReads, ReleaseReads, CompleteCancelled);
    IoCsqInitialize(&P.Writes.Csq, Insert, RemoveQueued, Peek, AcquireWrites, ReleaseWrites, CompleteCancelled);
}

void Pump(Port& P)
{
    DoneList Done;
    PIRP Waiter = nullptr, Immediate = nullptr;
    KIRQL Old;
    KeAcquireSpinLock(&P.PumpLock, &Old);
    ULONGLONG Due, Now = KeQueryInterruptTime();
    {
        Hold H(P);
        ULONGLONG Read = ServeReads(P, Done, Now), Write = ServeWrites(P, Done, Now);
        Due = Read < Write ? Read : Write;
        if (P.History && Claim(P.Waiter, Waiter)) {
            *static_cast<ULONG*>(Waiter->AssociatedIrp.SystemBuffer) = P.History;
            P.History = 0;
        }
        if (!P.Immediate)
            Claim(P.ImmediateIrp, Immediate);
    }
    if (Due != Never) {
        LARGE_INTEGER In;
        In.QuadPart = -LONGLONG(Due - Now);
        KeSetTimer(&P.Timer, In, &P.TimerDpc);
    }
    KeReleaseSpinLock(&P.PumpLock, Old);
    if (Waiter)
        Complete(Waiter, STATUS_SUCCESS, sizeof(ULONG), IO_SERIAL_INCREMENT);
    if (Immediate)
        Complete(Immediate, STATUS_SUCCESS, 0, IO_SERIAL_INCREMENT);
    Done.CompleteAll();
}

void NTAPI PumpDpc(PKDPC, PVOID Context, PVOID, PVOID) { Pump(*static_cast<Port*>(Context)); }

void CancelAll(Port&, Queue& Q, NTSTATUS Status)
{
    while (PIRP I = IoCsqRemoveNextIrp(&Q.Csq, nullptr))
        Complete(I, Status, I->IoStatus.Information);
}

NTSTATUS NTAPI ReadWrite(PDEVICE_OBJECT D, PIRP Irp)
{
    Port& P = Of(D);
    IO_STACK_LOCATION* S = IoGetCurrentIrpStackLocation(Irp);
    bool Write = S->MajorFunction == IRP_MJ_WRITE;
    if (!P.Started || !P.Open)
        return Complete(Irp, STATUS_DELETE_PENDING);
    {
        Hold H(P);
        if (P.Errors && P.Flow.ControlHandShake & SERIAL_ERROR_ABORT) {
            Irp->IoStatus.Status = STATUS_CANCELLED;
            Irp->IoStatus.Information = 0;
        } else {
            Irp->IoStatus.Status = STATUS_PENDING;
        }
    }
    if (Irp->IoStatus.Status == STATUS_CANCELLED)
        return Complete(Irp, STATUS_CANCELLED);
    Irp->IoStatus.Information = 0;
    if ((Write ? S->Parameters.Write.Length : S->Parameters.Read.Length) == 0)
        return Complete(Irp, STATUS_SUCCESS);
    StartedAt(Irp) = 0;
    IoCsqInsertIrp(Write ? &P.Writes.Csq : &P.Reads.Csq, Irp, nullptr);
    Pump(P);
    return STATUS_PENDING;
}

NTSTATUS NTAPI Flush(PDEVICE_OBJECT D, PIRP Irp)
{
    Port& P = Of(D);
    if (!P.Started || !P.Open)
        return Complete(Irp, STATUS_DELETE_PENDING);
    Irp->IoStatus.Information = 0;
    StartedAt(Irp) = 0;
    IoCsqInsertIrp(&P.Writes.Csq, Irp, nullptr);
    Pump(P);
    return STATUS_PENDING;
}

// What becomes of an IRP whose place was taken (Refused), or that has been cancelled already, or that has its place now.
static NTSTATUS Placed(Port& P, PIRP Irp, bool Refused, bool Cancelled)
{
    if (Refused)
        return Complete(Irp, STATUS_INVALID_PARAMETER);
    if (Cancelled)
        Complete(Irp, STATUS_CANCELLED);
    else
        Pump(P);
    return STATUS_PENDING;
}

NTSTATUS QueueWait(Port& P, PIRP Irp)
{
    bool Cancelled = false, Refused;
    {
        Hold H(P);
        Refused = P.Waiter || !P.WaitMask;
        if (!Refused && !(Cancelled = !MakeCancellable(Irp)))
            P.Waiter = Irp;
    }
    return Placed(P, Irp, Refused, Cancelled);
}

NTSTATUS QueueImmediate(Port& P, PIRP Irp)
{
    bool Cancelled = false, Busy;
    {
        Hold H(P);
        Busy = P.ImmediateIrp || P.Immediate;
        if (!Busy && !(Cancelled = !MakeCancellable(Irp))) {
            P.ImmediateIrp = Irp;
            P.ImmediateChar = *static_cast<UCHAR*>(Irp->AssociatedIrp.SystemBuffer);
            P.Immediate = true;
        }
    }
    return Placed(P, Irp, Busy, Cancelled);
}

void EndWait(Port& P, NTSTATUS Status, ULONG Events)
{
    PIRP Waiter;
    {
        Hold H(P);
        if (!Claim(P.Waiter, Waiter))
            return;
    }
    *static_cast<ULONG*>(Waiter->AssociatedIrp.SystemBuffer) = Events;
    Complete(Waiter, Status, Status == STATUS_SUCCESS ? sizeof(ULONG) : 0);
}

}
