// The UART: settings, bytes in and out, flow control, and the interrupt routine. Everything here runs with the interrupt's lock held.
#include "drivers/serial/serial/serial.hpp"

namespace serial {

using namespace regs;

bool Exists(Port& P)
{
    // The interrupt enable register keeps its low four bits and has no others; a floating bus does not.
    UCHAR Was = Get(P, InterruptEnable);
    Put(P, InterruptEnable, ier::All);
    bool Keeps = Get(P, InterruptEnable) == ier::All;
    Put(P, InterruptEnable, 0);
    bool Clears = Get(P, InterruptEnable) == 0;
    Put(P, InterruptEnable, Keeps && Clears ? 0 : Was);
    if (!Keeps || !Clears)
        return false;
    Put(P, InterruptIdentity, fcr::Enable);
    P.HasFifo = (Get(P, InterruptIdentity) & iir::HasFifo) == iir::HasFifo;
    Put(P, InterruptIdentity, 0);
    return true;
}

void Configure(Port& P)
{
    ULONG Divisor = (Clock + P.Baud / 2) / P.Baud;
    UCHAR Lcr = UCHAR(P.Line.WordLength - 5);
    if (P.Line.StopBits != STOP_BIT_1)
        Lcr |= lcr::TwoStop;
    switch (P.Line.Parity) {
    case ODD_PARITY:
        Lcr |= lcr::ParityOn;
        break;
    case EVEN_PARITY:
        Lcr |= lcr::ParityOn | lcr::Even;
        break;
    case MARK_PARITY:
        Lcr |= lcr::ParityOn | lcr::Stick;
        break;
    case SPACE_PARITY:
        Lcr |= lcr::ParityOn | lcr::Even | lcr::Stick;
        break;
    }
    P.Lcr = Lcr | (P.Lcr & lcr::Break);
    Put(P, LineControl, P.Lcr | lcr::Divisor);
    Put(P, Data, UCHAR(Divisor));
    Put(P, InterruptEnable, UCHAR(Divisor >> 8));
    Put(P, LineControl, P.Lcr);
}

void OpenUart(Port& P)
{
    P.RingAt = P.RingCount = P.Errors = P.TxHold = P.RxHold = P.WaitMask = P.History = 0;
    P.Immediate = P.SendXon = P.SendXoff = P.WasBusy = P.RxPaused = false;
    P.Stats = {};
    Configure(P);
    if (P.HasFifo)
        Put(P, InterruptIdentity, UCHAR(fcr::Enable | fcr::ClearReceive | fcr::ClearTransmit | P.FifoTrigger));
    P.Mcr = UCHAR(mcr::Out2 | ((P.Flow.ControlHandShake & SERIAL_DTR_MASK) == SERIAL_DTR_CONTROL ? mcr::Dtr : 0) |
                  ((P.Flow.FlowReplace & SERIAL_RTS_MASK) == SERIAL_RTS_CONTROL ? mcr::Rts : 0));
    (void)Get(P, LineStatus);
    (void)Get(P, Data);
    P.Msr = Get(P, ModemStatus);
    ApplyFlow(P);
    Put(P, InterruptEnable, ier::All);
}

void CloseUart(Port& P)
{
    Put(P, InterruptEnable, 0);
    P.Lcr &= UCHAR(~lcr::Break);
    Put(P, LineControl, P.Lcr);
    P.Mcr = 0;                          // DTR and RTS fall
    Put(P, ModemControl, 0);
    if (P.HasFifo)
        Put(P, InterruptIdentity, 0);
}

void Event(Port& P, ULONG Events)
{
    P.History |= Events & P.WaitMask;
}

// --- flow control

static ULONG XoffPoint(Port& P)         // that many bytes in the ring and the other side is told to stop
{
    ULONG Limit = P.Flow.XoffLimit > 0 ? ULONG(P.Flow.XoffLimit) : 0;
    return Limit < P.RingBytes ? P.RingBytes - Limit : P.RingBytes;
}

void ApplyFlow(Port& P)
{
    if (P.RxPaused && P.RingCount < P.RingBytes) {
        P.RxPaused = false;
        Put(P, InterruptEnable, ier::All);
    }
    ULONG Dtr = P.Flow.ControlHandShake & SERIAL_DTR_MASK, Rts = P.Flow.FlowReplace & SERIAL_RTS_MASK;
    bool Full = P.RingCount >= XoffPoint(P), Low = P.RingCount <= ULONG(P.Flow.XonLimit > 0 ? P.Flow.XonLimit : 0);
    auto Handshake = [&](ULONG Bit, bool Used) {
        if (!Used)
            P.RxHold &= ~Bit;
        else if (Full)
            P.RxHold |= Bit;
        else if (Low)
            P.RxHold &= ~Bit;
    };
    Handshake(RxHoldDtr, Dtr == SERIAL_DTR_HANDSHAKE);
    Handshake(RxHoldRts, Rts == SERIAL_RTS_HANDSHAKE);
    ULONG Was = P.RxHold;
    Handshake(RxHoldXoff, P.Flow.FlowReplace & SERIAL_AUTO_RECEIVE);
    if (~Was & P.RxHold & RxHoldXoff) {
        P.SendXoff = true;
        P.SendXon = false;
    } else if (Was & ~P.RxHold & RxHoldXoff) {
        P.SendXon = true;
        P.SendXoff = false;
    }
    UCHAR Mcr = P.Mcr;
    if (Dtr == SERIAL_DTR_HANDSHAKE)
        Mcr = P.RxHold & RxHoldDtr ? Mcr & UCHAR(~mcr::Dtr) : Mcr | mcr::Dtr;
    if (Rts == SERIAL_RTS_HANDSHAKE)
        Mcr = P.RxHold & RxHoldRts ? Mcr & UCHAR(~mcr::Rts) : Mcr | mcr::Rts;
    if (Rts == SERIAL_TRANSMIT_TOGGLE)
        Mcr = P.Writes.First() || P.Immediate ? Mcr | mcr::Rts : Mcr & UCHAR(~mcr::Rts);
    P.Mcr = Mcr;
    Put(P, ModemControl, P.Mcr);
    // What the other side says.
    auto Outgoing = [&](ULONG Bit, ULONG Handshake, UCHAR Line) {
        P.TxHold = (P.Flow.ControlHandShake & Handshake) && !(P.Msr & Line) ? P.TxHold | Bit : P.TxHold & ~Bit;
    };
    Outgoing(SERIAL_TX_WAITING_FOR_CTS, SERIAL_CTS_HANDSHAKE, msr::Cts);
    Outgoing(SERIAL_TX_WAITING_FOR_DSR, SERIAL_DSR_HANDSHAKE, msr::Dsr);
    Outgoing(SERIAL_TX_WAITING_FOR_DCD, SERIAL_DCD_HANDSHAKE, msr::Dcd);
    if (!(P.Flow.FlowReplace & SERIAL_AUTO_TRANSMIT))
        P.TxHold &= ~SERIAL_TX_WAITING_FOR_XON;
}

// --- bytes

void Transmit(Port& P)
{
    if (!P.Open || !(Get(P, LineStatus) & lsr::TransmitEmpty))
        return;                         // an interrupt will tell
    ULONG Room = P.HasFifo ? FifoBytes : 1;
    auto Send = [&](UCHAR Byte) {
        Put(P, Data, Byte);
        ++P.Stats.TransmittedCount;
        --Room;
    };
    constexpr ULONG Lines = SERIAL_TX_WAITING_FOR_CTS | SERIAL_TX_WAITING_FOR_DSR | SERIAL_TX_WAITING_FOR_DCD | SERIAL_TX_WAITING_ON_BREAK;
    if (P.TxHold & Lines)
        return;
    // XON and XOFF themselves pass a received XOFF.
    if (P.SendXoff || P.SendXon) {
        bool Xoff = P.SendXoff;
        Send(Xoff ? P.Chars.XoffChar : P.Chars.XonChar);
        P.SendXoff = P.SendXon = false;
        if (Xoff && !(P.Flow.FlowReplace & SERIAL_XOFF_CONTINUE))
            P.TxHold |= SERIAL_TX_WAITING_XOFF_SENT;
        else
            P.TxHold &= ~SERIAL_TX_WAITING_XOFF_SENT;
    }
    if (P.Immediate && Room) {
        Send(P.ImmediateChar);
        P.Immediate = false;
    }
    if (P.TxHold)
        return;
    for (LIST_ENTRY* E = P.Writes.Irps.Flink; E != &P.Writes.Irps && Room; E = E->Flink) {
        PIRP I = CONTAINING_RECORD(E, IRP, Tail.Overlay.ListEntry);
        IO_STACK_LOCATION* S = IoGetCurrentIrpStackLocation(I);
        if (S->MajorFunction != IRP_MJ_WRITE)
            break;                      // a flush: Pump sees to it
        ULONG Left = ULONG(S->Parameters.Write.Length - I->IoStatus.Information), Now = Left < Room ? Left : Room;
        if (!Now)
            continue;
        OutMany8(P.Base + Data, static_cast<PUCHAR>(I->AssociatedIrp.SystemBuffer) + I->IoStatus.Information, Now);
        I->IoStatus.Information += Now;
        P.Stats.TransmittedCount += Now;
        Room -= Now;
    }
}

ULONG TakeReceived(Port& P, UCHAR* To, ULONG Room)
{
    ULONG N = 0;
    while (N < Room && P.RingCount) {
        To[N++] = P.Ring[P.RingAt];
        P.RingAt = P.RingAt + 1 == P.RingBytes ? 0 : P.RingAt + 1;
        --P.RingCount;
    }
    if (N && (P.RxHold || P.RxPaused)) {
        ApplyFlow(P);
        Transmit(P);
    }
    return N;
}

static void PutReceived(Port& P, UCHAR Byte)
{
    if (P.RingCount == P.RingBytes) {
        P.Errors |= SERIAL_ERROR_QUEUEOVERRUN;
        ++P.Stats.BufferOverrunErrorCount;
        Event(P, SERIAL_EV_ERR);
        return;
    }
    ULONG At = P.RingAt + P.RingCount++;
    P.Ring[At >= P.RingBytes ? At - P.RingBytes : At] = Byte;
    ++P.Stats.ReceivedCount;
    Event(P, SERIAL_EV_RXCHAR | (Byte == P.Chars.EventChar ? SERIAL_EV_RXFLAG : 0));
    if (P.RingCount > P.RingBytes / 5 * 4)
        Event(P, SERIAL_EV_RX80FULL);
    if (P.RingCount >= XoffPoint(P))
        ApplyFlow(P);
}

// A good byte.
static void Accept(Port& P, UCHAR Byte)
{
    if (P.Flow.ControlHandShake & SERIAL_DSR_SENSITIVITY && !(P.Msr & msr::Dsr))
        return;
    if (!Byte && P.Flow.FlowReplace & SERIAL_NULL_STRIPPING)
        return;
    if (P.Flow.FlowReplace & SERIAL_AUTO_TRANSMIT) {
        if (Byte == P.Chars.XoffChar) {
            P.TxHold |= SERIAL_TX_WAITING_FOR_XON;
            return;
        }
        if (Byte == P.Chars.XonChar) {
            P.TxHold &= ~SERIAL_TX_WAITING_FOR_XON;
            return;
        }
    }
    PutReceived(P, Byte);
}

// A full ring: the UART keeps what comes, and loses it no sooner than the driver would; a transmitter that looks at this side's FIFO waits. With XON/XOFF
// received characters must be seen.
static bool Pause(Port& P)
{
    if (P.RingCount < P.RingBytes || P.Flow.FlowReplace & SERIAL_AUTO_TRANSMIT)
        return false;
    P.RxPaused = true;
    Put(P, InterruptEnable, ier::TransmitEmpty | ier::ModemStatus);
    return true;
}

// AtLeast: so many bytes are in the FIFO for certain.
static void Receive(Port& P, ULONG AtLeast)
{
    UCHAR Status = Get(P, LineStatus);
    if (Status & lsr::Ready && AtLeast > 1 && P.RingBytes - P.RingCount >= AtLeast && !(Status & (lsr::Overrun | lsr::Parity | lsr::Framing | lsr::Break | lsr::FifoError))) {
        // Without errors among them they need not be looked at one by one.
        UCHAR Bytes[FifoBytes];
        InMany8(P.Base + Data, Bytes, AtLeast);
        P.LastReceived = KeQueryInterruptTime();
        for (ULONG I = 0; I < AtLeast; ++I)
            Accept(P, Bytes[I]);
        Status = Get(P, LineStatus);
    }
    for (; Status & (lsr::Ready | lsr::Break) && !Pause(P); Status = Get(P, LineStatus)) {
        UCHAR Byte = Get(P, Data);
        if (Status & (lsr::Overrun | lsr::Parity | lsr::Framing | lsr::Break)) {
            ULONG Error = 0;
            if (Status & lsr::Overrun) {
                Error |= SERIAL_ERROR_OVERRUN;
                ++P.Stats.SerialOverrunErrorCount;
            }
            if (Status & lsr::Break) {
                Error |= SERIAL_ERROR_BREAK;
                Event(P, SERIAL_EV_BREAK);
            } else {
                if (Status & lsr::Parity) {
                    Error |= SERIAL_ERROR_PARITY;
                    ++P.Stats.ParityErrorCount;
                }
                if (Status & lsr::Framing) {
                    Error |= SERIAL_ERROR_FRAMING;
                    ++P.Stats.FrameErrorCount;
                }
            }
            P.Errors |= Error;
            Event(P, SERIAL_EV_ERR);
            if (Status & lsr::Break) {
                if (P.Flow.FlowReplace & SERIAL_BREAK_CHAR)
                    PutReceived(P, P.Chars.BreakChar);
                continue;
            }
            if (Status & (lsr::Parity | lsr::Framing) && P.Flow.FlowReplace & SERIAL_ERROR_CHAR)
                Byte = P.Chars.ErrorChar;
        }
        if (!(Status & lsr::Ready))
            continue;
        P.LastReceived = KeQueryInterruptTime();
        Accept(P, Byte);
    }
}

static void ModemChanged(Port& P)
{
    P.Msr = Get(P, ModemStatus);
    Event(P, (P.Msr & msr::CtsChanged ? SERIAL_EV_CTS : 0u) | (P.Msr & msr::DsrChanged ? SERIAL_EV_DSR : 0u) | (P.Msr & msr::RingEnded ? SERIAL_EV_RING : 0u) |
             (P.Msr & msr::DcdChanged ? SERIAL_EV_RLSD : 0u));
    ApplyFlow(P);
}

static ULONG TriggerBytes(Port& P)
{
    constexpr UCHAR Bytes[] = { 1, 4, 8, 14 };
    return Bytes[P.FifoTrigger >> 6];
}

BOOLEAN NTAPI Isr(PKINTERRUPT, PVOID Context)
{
    auto& P = *static_cast<Port*>(Context);
    bool Ours = false;
    // A line that is level triggered here and edge triggered elsewhere: not left before the UART is quiet.
    for (int Rounds = 0; Rounds < 64; ++Rounds) {
        UCHAR Why = Get(P, InterruptIdentity);
        if (Why & iir::None)
            break;
        Ours = true;
        switch (Why & iir::Mask) {
        case iir::Received:
            Receive(P, P.HasFifo ? TriggerBytes(P) : 1);
            break;
        case iir::LineStatus:
        case iir::Timeout:
            Receive(P, 1);
            break;
        case iir::ModemStatus:
            ModemChanged(P);
            break;
        default:
            break;                      // reading the register has acknowledged that the transmitter is empty
        }
        Transmit(P);
    }
    if (Ours)
        KeInsertQueueDpc(&P.Dpc, nullptr, nullptr);
    return Ours;
}

}
