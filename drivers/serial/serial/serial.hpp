// Serial ports: 16550 UARTs behind IOCTL_SERIAL_* (ntddser.h, as documented in the Windows driver kit).
//
// A port's state is the interrupt routine's, too: whoever touches it holds the interrupt's spin lock (Hold). IRPs are completed and timers set outside of it, by
// Pump, which one thread runs at a time. Reads, writes (with flushes among them) and the one wait for events are cancel-safe queues under the same lock.
// A write is complete when its last byte is in the UART's FIFO.
#pragma once
#include "drivers/common/driver.hpp"
#include "drivers/serial/serial/regs.hpp"

#include <ntddser.h>

namespace serial {

using namespace driver;

// Why this side has asked the other one to stop (its own numbers; SERIAL_TX_WAITING_* are the driver kit's).
constexpr ULONG RxHoldDtr = 1, RxHoldRts = 2, RxHoldXoff = 4;
constexpr ULONG FirstRing = 4096, LargestRing = 1 << 20;

struct Queue {
    IO_CSQ Csq;
    LIST_ENTRY Irps;
    PIRP First() const { return IsListEmpty(const_cast<LIST_ENTRY*>(&Irps)) ? nullptr : CONTAINING_RECORD(Irps.Flink, IRP, Tail.Overlay.ListEntry); }
};

struct Port {
    PDEVICE_OBJECT Self, Below, Pdo;
    ULONG Base, Number;
    bool Started, Open, HasFifo, Linked;
    PKINTERRUPT Interrupt;
    KDPC Dpc, TimerDpc;
    KTIMER Timer;
    KSPIN_LOCK PumpLock;
    UNICODE_STRING Link, Name;
    WCHAR LinkText[48], NameText[32];

    // settings
    ULONG Baud;
    SERIAL_LINE_CONTROL Line;
    SERIAL_CHARS Chars;
    SERIAL_HANDFLOW Flow;
    SERIAL_TIMEOUTS Timeouts;
    UCHAR FifoTrigger;

    // received
    UCHAR* Ring;
    ULONG RingBytes, RingAt, RingCount;
    ULONGLONG LastReceived;             // interrupt time
    ULONG Errors;                       // SERIAL_ERROR_*
    // transmission
    UCHAR Lcr, Mcr, Msr;
    ULONG TxHold, RxHold;               // SERIAL_TX_WAITING_*, RxHold*
    bool Immediate, SendXon, SendXoff, WasBusy;
    bool RxPaused;                      // the ring is full: what comes stays in the UART, without interrupts
    UCHAR ImmediateChar;
    PIRP ImmediateIrp;
    SERIALPERF_STATS Stats;

    // events
    ULONG WaitMask, History;
    PIRP Waiter;

    Queue Reads, Writes;
};

inline Port& Of(PDEVICE_OBJECT D) { return *static_cast<Port*>(D->DeviceExtension); }

class Hold {
public:
    explicit Hold(Port& P) : P_(P), Old_(KeAcquireInterruptSpinLock(P.Interrupt)) { }
    ~Hold() { KeReleaseInterruptSpinLock(P_.Interrupt, Old_); }

private:
    Port& P_;
    KIRQL Old_;
};

inline UCHAR Get(Port& P, UCHAR Register) { return In8(P.Base + Register); }
inline void Put(Port& P, UCHAR Register, UCHAR Value) { Out8(P.Base + Register, Value); }

// uart.cpp: with the lock held
bool Exists(Port& P);                   // a UART answers
void Configure(Port& P);                // baud rate and line, FIFO
void OpenUart(Port& P);
void CloseUart(Port& P);
void Event(Port& P, ULONG Events);
void ApplyFlow(Port& P);                // after a change of handflow, ring or lines
void Transmit(Port& P);                 // fills the FIFO
ULONG TakeReceived(Port& P, UCHAR* To, ULONG Room);
BOOLEAN NTAPI Isr(PKINTERRUPT, PVOID Context);

// transfer.cpp
void InitializeQueues(Port& P);
void Pump(Port& P);
void CancelAll(Port& P, Queue& Q, NTSTATUS Status);
void NTAPI PumpDpc(PKDPC, PVOID Context, PVOID, PVOID);
NTSTATUS NTAPI ReadWrite(PDEVICE_OBJECT D, PIRP Irp);
NTSTATUS NTAPI Flush(PDEVICE_OBJECT D, PIRP Irp);
NTSTATUS QueueWait(Port& P, PIRP Irp);
NTSTATUS QueueImmediate(Port& P, PIRP Irp);
void EndWait(Port& P, NTSTATUS Status, ULONG Events);   // completes the one that waits, if any

// control.cpp
NTSTATUS NTAPI Control(PDEVICE_OBJECT D, PIRP Irp);

}
