// IOCTL_SERIAL_*. Buffer sizes and statuses as the driver kit's pages of the control codes say.
#include "drivers/serial/serial/serial.hpp"

namespace serial {

namespace {

bool SetLine(Port& P, const SERIAL_LINE_CONTROL& L)
{
    if (L.WordLength < 5 || L.WordLength > 8 || L.Parity > SPACE_PARITY || L.StopBits > STOP_BITS_2)
        return false;
    if ((L.StopBits == STOP_BITS_1_5 && L.WordLength != 5) || (L.StopBits == STOP_BITS_2 && L.WordLength == 5))
        return false;
    P.Line = L;
    Configure(P);
    return true;
}

bool SetHandflow(Port& P, const SERIAL_HANDFLOW& F)
{
    ULONG Limit = P.RingBytes;
    if (F.ControlHandShake & SERIAL_CONTROL_INVALID || F.FlowReplace & SERIAL_FLOW_INVALID || (F.ControlHandShake & SERIAL_DTR_MASK) == SERIAL_DTR_MASK ||
        F.XonLimit < 0 || F.XoffLimit < 0 || ULONG(F.XonLimit) > Limit || ULONG(F.XoffLimit) > Limit)
        return false;
    P.Flow = F;
    if ((F.ControlHandShake & SERIAL_DTR_MASK) == 0)
        P.Mcr &= UCHAR(~regs::mcr::Dtr);
    else if ((F.ControlHandShake & SERIAL_DTR_MASK) == SERIAL_DTR_CONTROL)
        P.Mcr |= regs::mcr::Dtr;
    if ((F.FlowReplace & SERIAL_RTS_MASK) == 0)
        P.Mcr &= UCHAR(~regs::mcr::Rts);
    else if ((F.FlowReplace & SERIAL_RTS_MASK) == SERIAL_RTS_CONTROL)
        P.Mcr |= regs::mcr::Rts;
    ApplyFlow(P);
    return true;
}

// A larger ring; what is in the old one moves. The new one was allocated by the caller, who frees what this returns.
UCHAR* ExchangeRing(Port& P, UCHAR* New, ULONG Bytes)
{
    if (Bytes <= P.RingBytes)
        return New;
    ULONG Count = P.RingCount;
    for (ULONG I = 0; I < Count; ++I) {
        New[I] = P.Ring[P.RingAt];
        P.RingAt = P.RingAt + 1 == P.RingBytes ? 0 : P.RingAt + 1;
    }
    UCHAR* Old = P.Ring;
    P.Ring = New;
    P.RingBytes = Bytes;
    P.RingAt = 0;
    ApplyFlow(P);
    return Old;
}

SERIAL_COMMPROP Properties(Port& P)
{
    SERIAL_COMMPROP C {};
    C.PacketLength = sizeof(SERIAL_COMMPROP);
    C.PacketVersion = 2;
    C.ServiceMask = 1;                  // SERIAL_SP_SERIALCOMM
    C.MaxBaud = SERIAL_BAUD_USER;
    C.ProvSubType = 1;                  // PST_RS232
    C.ProvCapabilities = SERIAL_PCF_DTRDSR | SERIAL_PCF_RTSCTS | SERIAL_PCF_CD | SERIAL_PCF_PARITY_CHECK | SERIAL_PCF_XONXOFF | SERIAL_PCF_SETXCHAR | SERIAL_PCF_TOTALTIMEOUTS |
                         SERIAL_PCF_INTTIMEOUTS | SERIAL_PCF_SPECIALCHARS;
    C.SettableParams = SERIAL_SP_PARITY | SERIAL_SP_BAUD | SERIAL_SP_DATABITS | SERIAL_SP_STOPBITS | SERIAL_SP_HANDSHAKING | SERIAL_SP_PARITY_CHECK | SERIAL_SP_CARRIER_DETECT;
    C.SettableBaud = SERIAL_BAUD_075 | SERIAL_BAUD_110 | SERIAL_BAUD_134_5 | SERIAL_BAUD_150 | SERIAL_BAUD_300 | SERIAL_BAUD_600 | SERIAL_BAUD_1200 | SERIAL_BAUD_1800 |
                     SERIAL_BAUD_2400 | SERIAL_BAUD_4800 | SERIAL_BAUD_7200 | SERIAL_BAUD_9600 | SERIAL_BAUD_14400 | SERIAL_BAUD_19200 | SERIAL_BAUD_38400 | SERIAL_BAUD_56K |
                     SERIAL_BAUD_57600 | SERIAL_BAUD_115200 | SERIAL_BAUD_USER;
    C.SettableData = SERIAL_DATABITS_5 | SERIAL_DATABITS_6 | SERIAL_DATABITS_7 | SERIAL_DATABITS_8;
    C.SettableStopParity = SERIAL_STOPBITS_10 | SERIAL_STOPBITS_15 | SERIAL_STOPBITS_20 | SERIAL_PARITY_NONE | SERIAL_PARITY_ODD | SERIAL_PARITY_EVEN | SERIAL_PARITY_MARK |
                           SERIAL_PARITY_SPACE;
    C.CurrentRxQueue = P.RingBytes;
    return C;
}

SERIAL_STATUS StatusOf(Port& P)
{
    SERIAL_STATUS S {};
    S.Errors = P.Errors;
    P.Errors = 0;
    S.HoldReasons = P.TxHold;
    S.AmountInInQueue = P.RingCount;
    for (LIST_ENTRY* E = P.Writes.Irps.Flink; E != &P.Writes.Irps; E = E->Flink) {
        PIRP I = CONTAINING_RECORD(E, IRP, Tail.Overlay.ListEntry);
        IO_STACK_LOCATION* W = IoGetCurrentIrpStackLocation(I);
        if (W->MajorFunction == IRP_MJ_WRITE)
            S.AmountInOutQueue += ULONG(W->Parameters.Write.Length - I->IoStatus.Information);
    }
    S.WaitForImmediate = P.Immediate;
    return S;
}

void Purge(Port& P, ULONG What)
{
    // What is aborted is completed outside of the lock.
    if (What & SERIAL_PURGE_TXABORT) {
        CancelAll(P, P.Writes, STATUS_CANCELLED);
        Hold H(P);
        P.Immediate = false;
    }
    if (What & SERIAL_PURGE_RXABORT)
        CancelAll(P, P.Reads, STATUS_CANCELLED);
    Hold H(P);
    UCHAR Clear = 0;
    if (What & SERIAL_PURGE_TXCLEAR)
        Clear |= regs::fcr::ClearTransmit;
    if (What & SERIAL_PURGE_RXCLEAR) {
        P.RingAt = P.RingCount = 0;
        Clear |= regs::fcr::ClearReceive;
        ApplyFlow(P);
    }
    if (Clear && P.HasFifo)
        Put(P, regs::InterruptIdentity, UCHAR(regs::fcr::Enable | Clear | P.FifoTrigger));
}

}

NTSTATUS NTAPI Control(PDEVICE_OBJECT D, PIRP Irp)
{
    Port& P = Of(D);
    IO_STACK_LOCATION* S = IoGetCurrentIrpStackLocation(Irp);
    ULONG InBytes = S->Parameters.DeviceIoControl.InputBufferLength, OutBytes = S->Parameters.DeviceIoControl.OutputBufferLength;
    void* Buffer = Irp->AssociatedIrp.SystemBuffer;
    if (!P.Started || !P.Open)
        return Complete(Irp, STATUS_DELETE_PENDING);
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG_PTR Information = 0;
    bool RunPump = false;
    auto In = [&]<typename T>(T*& At) {
        At = static_cast<T*>(Buffer);
        return InBytes >= sizeof(T) && Buffer;
    };
    auto Give = [&](const auto& Value) {
        if (OutBytes < sizeof(Value) || !Buffer) {
            Status = STATUS_BUFFER_TOO_SMALL;
            return;
        }
        memcpy(Buffer, &Value, sizeof(Value));
        Information = sizeof(Value);
    };
    switch (S->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_SERIAL_SET_BAUD_RATE: {
        SERIAL_BAUD_RATE* B;
        if (!In(B)) {
            Status = STATUS_BUFFER_TOO_SMALL;
            break;
        }
        ULONG Divisor = B->BaudRate ? (regs::Clock + B->BaudRate / 2) / B->BaudRate : 0;
        // The rate the divisor gives must be the wanted one, as nearly as receivers need it (within 2.5 %).
        ULONG Got = Divisor ? regs::Clock / Divisor : 0, Off = Got > B->BaudRate ? Got - B->BaudRate : B->BaudRate - Got;
        if (!Divisor || Divisor > 0xFFFF || Off * 40ull > B->BaudRate) {
            Status = STATUS_INVALID_PARAMETER;
            break;
        }
        Hold H(P);
        P.Baud = B->BaudRate;
        Configure(P);
        break;
    }
    case IOCTL_SERIAL_GET_BAUD_RATE:
        Give(SERIAL_BAUD_RATE { P.Baud });
        break;
    case IOCTL_SERIAL_SET_LINE_CONTROL: {
        SERIAL_LINE_CONTROL* L;
        if (!In(L)) {
            Status = STATUS_BUFFER_TOO_SMALL;
            break;
        }
        Hold H(P);
        if (!SetLine(P, *L))
            Status = STATUS_INVALID_PARAMETER;
        break;
    }
    case IOCTL_SERIAL_GET_LINE_CONTROL:
        Give(P.Line);
        break;
    case IOCTL_SERIAL_SET_CHARS: {
        SERIAL_CHARS* C;
        if (!In(C)) {
            Status = STATUS_BUFFER_TOO_SMALL;
            break;
        }
        Hold H(P);
        if (C->XonChar == C->XoffChar && P.Flow.FlowReplace & (SERIAL_AUTO_TRANSMIT | SERIAL_AUTO_RECEIVE))
            Status = STATUS_INVALID_PARAMETER;
        else
            P.Chars = *C;
        break;
    }
    case IOCTL_SERIAL_GET_CHARS:
        Give(P.Chars);
        break;
    case IOCTL_SERIAL_SET_TIMEOUTS: {
        SERIAL_TIMEOUTS* T;
        if (!In(T)) {
            Status = STATUS_BUFFER_TOO_SMALL;
        } else if (T->ReadIntervalTimeout == MAXULONG && T->ReadTotalTimeoutMultiplier == MAXULONG && T->ReadTotalTimeoutConstant == MAXULONG) {
            Status = STATUS_INVALID_PARAMETER;
        } else {
            Hold H(P);
            P.Timeouts = *T;
        }
        break;
    }
    case IOCTL_SERIAL_GET_TIMEOUTS:
        Give(P.Timeouts);
        break;
    case IOCTL_SERIAL_SET_HANDFLOW: {
        SERIAL_HANDFLOW* F;
        if (!In(F)) {
            Status = STATUS_BUFFER_TOO_SMALL;
            break;
        }
        Hold H(P);
        if (!SetHandflow(P, *F))
            Status = STATUS_INVALID_PARAMETER;
        RunPump = true;
        break;
    }
    case IOCTL_SERIAL_GET_HANDFLOW:
        Give(P.Flow);
        break;
    case IOCTL_SERIAL_SET_DTR:
    case IOCTL_SERIAL_CLR_DTR:
    case IOCTL_SERIAL_SET_RTS:
    case IOCTL_SERIAL_CLR_RTS: {
        ULONG Code = S->Parameters.DeviceIoControl.IoControlCode;
        bool Dtr = Code == IOCTL_SERIAL_SET_DTR || Code == IOCTL_SERIAL_CLR_DTR, Set = Code == IOCTL_SERIAL_SET_DTR || Code == IOCTL_SERIAL_SET_RTS;
        Hold H(P);
        // A line that flow control drives is not the program's.
        if (Dtr ? (P.Flow.ControlHandShake & SERIAL_DTR_MASK) == SERIAL_DTR_HANDSHAKE : (P.Flow.FlowReplace & SERIAL_RTS_MASK) >= SERIAL_RTS_HANDSHAKE) {
            Status = STATUS_INVALID_PARAMETER;
            break;
        }
        UCHAR Bit = Dtr ? regs::mcr::Dtr : regs::mcr::Rts;
        P.Mcr = Set ? P.Mcr | Bit : P.Mcr & UCHAR(~Bit);
        Put(P, regs::ModemControl, P.Mcr);
        break;
    }
    case IOCTL_SERIAL_GET_DTRRTS:
        Give(ULONG((P.Mcr & regs::mcr::Dtr ? SERIAL_DTR_STATE : 0) | (P.Mcr & regs::mcr::Rts ? SERIAL_RTS_STATE : 0)));
        break;
    case IOCTL_SERIAL_SET_BREAK_ON:
    case IOCTL_SERIAL_SET_BREAK_OFF: {
        bool On = S->Parameters.DeviceIoControl.IoControlCode == IOCTL_SERIAL_SET_BREAK_ON;
        Hold H(P);
        P.Lcr = On ? P.Lcr | regs::lcr::Break : P.Lcr & UCHAR(~regs::lcr::Break);
        Put(P, regs::LineControl, P.Lcr);
        P.TxHold = On ? P.TxHold | SERIAL_TX_WAITING_ON_BREAK : P.TxHold & ~SERIAL_TX_WAITING_ON_BREAK;
        RunPump = true;
        break;
    }
    case IOCTL_SERIAL_SET_XOFF: {
        Hold H(P);
        P.TxHold |= SERIAL_TX_WAITING_FOR_XON;
        break;
    }
    case IOCTL_SERIAL_SET_XON: {
        Hold H(P);
        P.TxHold &= ~(SERIAL_TX_WAITING_FOR_XON | SERIAL_TX_WAITING_XOFF_SENT);
        RunPump = true;
        break;
    }
    case IOCTL_SERIAL_SET_QUEUE_SIZE: {
        SERIAL_QUEUE_SIZE* Q;
        if (!In(Q)) {
            Status = STATUS_BUFFER_TOO_SMALL;
            break;
        }
        if (Q->InSize <= P.RingBytes)
            break;
        ULONG Bytes = Q->InSize > LargestRing ? LargestRing : Q->InSize;
        auto* New = static_cast<UCHAR*>(ExAllocatePoolWithTag(NonPagedPool, Bytes, 'ireS'));
        if (!New) {
            Status = STATUS_INSUFFICIENT_RESOURCES;
            break;
        }
        UCHAR* Old;
        {
            Hold H(P);
            Old = ExchangeRing(P, New, Bytes);
        }
        ExFreePool(Old);
        break;
    }
    case IOCTL_SERIAL_PURGE: {
        ULONG* What;
        if (!In(What)) {
            Status = STATUS_BUFFER_TOO_SMALL;
        } else if (!*What || *What & ~15u) {
            Status = STATUS_INVALID_PARAMETER;
        } else {
            Purge(P, *What);
            RunPump = true;
        }
        break;
    }
    case IOCTL_SERIAL_GET_COMMSTATUS: {
        SERIAL_STATUS Out;
        if (OutBytes < sizeof(Out)) {
            Status = STATUS_BUFFER_TOO_SMALL;
            break;
        }
        {
            Hold H(P);
            Out = StatusOf(P);
        }
        Give(Out);
        break;
    }
    case IOCTL_SERIAL_GET_PROPERTIES:
        Give(Properties(P));
        break;
    case IOCTL_SERIAL_GET_MODEMSTATUS: {
        ULONG Lines;
        {
            Hold H(P);
            Lines = P.Msr & 0xF0u;
        }
        Give(Lines);
        break;
    }
    case IOCTL_SERIAL_GET_MODEM_CONTROL:
        Give(ULONG(P.Mcr));
        break;
    case IOCTL_SERIAL_SET_MODEM_CONTROL: {
        ULONG* Value;
        if (!In(Value)) {
            Status = STATUS_BUFFER_TOO_SMALL;
            break;
        }
        Hold H(P);
        P.Mcr = UCHAR((*Value & 0x1F) | regs::mcr::Out2);       // without it there would be no interrupts
        Put(P, regs::ModemControl, P.Mcr);
        break;
    }
    case IOCTL_SERIAL_SET_FIFO_CONTROL: {
        ULONG* Value;
        if (!In(Value)) {
            Status = STATUS_BUFFER_TOO_SMALL;
            break;
        }
        Hold H(P);
        P.FifoTrigger = *Value & regs::fcr::Trigger14;
        if (P.HasFifo)
            Put(P, regs::InterruptIdentity, UCHAR(*Value));
        break;
    }
    case IOCTL_SERIAL_GET_WAIT_MASK:
        Give(P.WaitMask);
        break;
    case IOCTL_SERIAL_SET_WAIT_MASK: {
        ULONG* Mask;
        if (!In(Mask)) {
            Status = STATUS_BUFFER_TOO_SMALL;
            break;
        }
        if (*Mask & ~0x1FFFu) {
            Status = STATUS_INVALID_PARAMETER;
            break;
        }
        ULONG New = *Mask;
        EndWait(P, STATUS_SUCCESS, 0);
        Hold H(P);
        P.WaitMask = New;
        P.History = 0;
        break;
    }
    case IOCTL_SERIAL_WAIT_ON_MASK:
        if (OutBytes < sizeof(ULONG)) {
            Status = STATUS_BUFFER_TOO_SMALL;
            break;
        }
        return QueueWait(P, Irp);
    case IOCTL_SERIAL_IMMEDIATE_CHAR:
        if (InBytes < 1) {
            Status = STATUS_BUFFER_TOO_SMALL;
            break;
        }
        return QueueImmediate(P, Irp);
    case IOCTL_SERIAL_RESET_DEVICE:
        break;
    case IOCTL_SERIAL_CONFIG_SIZE:
        Give(ULONG(0));
        break;
    case IOCTL_SERIAL_GET_STATS: {
        SERIALPERF_STATS Out;
        {
            Hold H(P);
            Out = P.Stats;
        }
        Give(Out);
        break;
    }
    case IOCTL_SERIAL_CLEAR_STATS: {
        Hold H(P);
        P.Stats = {};
        break;
    }
    case IOCTL_SERIAL_XOFF_COUNTER:
    case IOCTL_SERIAL_LSRMST_INSERT:
        Status = STATUS_NOT_IMPLEMENTED;
        break;
    default:
        Status = STATUS_INVALID_PARAMETER;
        break;
    }
    if (RunPump)
        Pump(P);
    return Complete(Irp, Status, Information);
}

}
