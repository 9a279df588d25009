// The registers of an 8250 family UART (National Semiconductor PC16550D data sheet, section 8).
#pragma once

namespace serial::regs {

enum : unsigned char {
    Data = 0,               // RBR, THR; DLL with LCR.DLAB
    InterruptEnable = 1,    // IER; DLM with LCR.DLAB
    InterruptIdentity = 2,  // IIR when read, FCR when written
    LineControl = 3,
    ModemControl = 4,
    LineStatus = 5,
    ModemStatus = 6,
    Scratch = 7,
};
namespace ier {
enum : unsigned char { Received = 1, TransmitEmpty = 2, LineStatus = 4, ModemStatus = 8, All = 15 };
}
namespace iir {
enum : unsigned char { None = 1, Mask = 0x0F, ModemStatus = 0, TransmitEmpty = 2, Received = 4, LineStatus = 6, Timeout = 0x0C, HasFifo = 0xC0 };
}
namespace fcr {
enum : unsigned char { Enable = 1, ClearReceive = 2, ClearTransmit = 4, Trigger1 = 0x00, Trigger8 = 0x80, Trigger14 = 0xC0 };
}
namespace lcr {
enum : unsigned char { TwoStop = 4, ParityOn = 8, Even = 0x10, Stick = 0x20, Break = 0x40, Divisor = 0x80 };
}
namespace mcr {
enum : unsigned char { Dtr = 1, Rts = 2, Out1 = 4, Out2 = 8, Loop = 0x10 };      // Out2 lets interrupts out
}
namespace lsr {
enum : unsigned char { Ready = 1, Overrun = 2, Parity = 4, Framing = 8, Break = 0x10, TransmitEmpty = 0x20, Idle = 0x40, FifoError = 0x80 };
}
namespace msr {
enum : unsigned char { CtsChanged = 1, DsrChanged = 2, RingEnded = 4, DcdChanged = 8, Cts = 0x10, Dsr = 0x20, Ring = 0x40, Dcd = 0x80 };
}
constexpr unsigned Clock = 115200;      // of a PC's UART: 1.8432 MHz / 16
constexpr unsigned FifoBytes = 16;

}
