// The hardware abstraction layer: clock, interrupts, power. Polled and small; real devices belong to drivers.
#pragma once
#include "lib/core/result.hpp"

namespace hal {

// Notification: the capability of the dispatcher's bound notification; interrupts signal it. First.
Status InitializeInterrupts(u64 Notification);
// Finds the timer hardware, measures the TSC, reads the real-time clock, starts ke's clock. SharedPage: abi::KuserSharedData, or null.
Status InitializeClock(void* SharedPage);
// Interrupt sources by bit of the notification badge.
inline constexpr u64 ClockInterrupt = 1, HostLinkInterrupts = 2, DriverDoorbells = 4;
void Interrupts(u64 Sources);
// A handler for interrupt Pin of the I/O APIC (level triggered, active low as PCI's), under a badge bit.
Status ConnectInterrupt(u32 Pin, bool Level, bool ActiveLow, u64 BadgeBit, u64& IrqCap);
void SetInterruptHandler(u64 BadgeBit, void (*Handler)());

// Interrupt lines of drivers, shared where need be: Handler is told of each interrupt, which stays masked until every one that was told
// has called InterruptDone. One per driver and line.
struct SharedInterrupt {
    void (*Handler)(SharedInterrupt&) = nullptr;
    u32 Pin = ~0u;
    bool Outstanding = false;
    SharedInterrupt* Next = nullptr;
};
Status ConnectShared(SharedInterrupt& I, u32 Pin, bool Level, bool ActiveLow);
void InterruptDone(SharedInterrupt& I);
void DisconnectShared(SharedInterrupt& I);

// A message of a PCI function: what the device is to write, and where, so that Notification (badged) is signalled. No thread of the Executive's is involved.
struct MessageInterrupt {
    u64 Irq = 0;                        // capability; 0: none
    u32 Vector = 0, Data = 0;
    u64 Address = 0;
};
Status ConnectMessage(MessageInterrupt& M, u32 Bus, u32 Device, u32 Function, u32 Handle, u64 Notification);
void DisconnectMessage(MessageInterrupt& M);        // the device has been told before

enum class PowerAction : u32 { Halt, Restart, PowerOff };       // NT's ShutdownNoReboot, ShutdownReboot, ShutdownPowerOff
[[noreturn]] void Shutdown(PowerAction Action);
// As ACPI's tables say: what is written to the PM1a and PM1b control registers (PortB 0: there is none) to turn the machine off, and to which port to start it again.
void SetSoftOff(u16 PortA, u16 ValueA, u16 PortB, u16 ValueB);
void SetReset(u16 Port, u8 Value);

}
