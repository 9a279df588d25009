// Turning the machine off and starting it again: as the firmware's driver has told, else by the chip sets that QEMU models, from their data sheets.
#include "kernel/kernel.hpp"
#include "ntos/ex/log.hpp"
#include "ntos/hal/hal.hpp"
#include "ntos/hal/hostlink.hpp"
#include "ntos/hal/pci.hpp"

namespace hal {

// I/O port of the PM1a control register, 0 if the chip set is unknown.
static u16 PowerControlPort()
{
    if ((PciRead(31, 0, 0) & 0xFFFF) == 0x8086)         // ICH9 LPC bridge: PMBASE at 0x40
        return u16((PciRead(31, 0, 0x40) & 0xFF80) + 4);
    if (PciRead(1, 3, 0) == 0x71138086)                 // PIIX4 power management: PMBA at 0x40
        return u16((PciRead(1, 3, 0x40) & 0xFFC0) + 4);
    return 0;
}

static struct {
    u16 PortA, ValueA, PortB, ValueB;
} SoftOff;
static struct {
    u16 Port;
    u8 Value;
} Reset;

void SetSoftOff(u16 PortA, u16 ValueA, u16 PortB, u16 ValueB)
{
    SoftOff = { PortA, ValueA, PortB, ValueB };
}

void SetReset(u16 Port, u8 Value)
{
    Reset = { Port, Value };
}

void Shutdown(PowerAction Action)
{
    ex::Log("system stops: %s\n", Action == PowerAction::PowerOff ? "power off" : Action == PowerAction::Restart ? "restart" : "halt");
    DrainHostLink();
    if (Action == PowerAction::PowerOff) {
        if (SoftOff.PortA) {
            kernel::Out16(SoftOff.PortA, SoftOff.ValueA);
            if (SoftOff.PortB)
                kernel::Out16(SoftOff.PortB, SoftOff.ValueB);
        } else if (u16 Port = PowerControlPort()) {
            kernel::Out16(Port, 1 << 13);               // SLP_EN, sleep type 0: soft off on both
        }
    } else if (Action == PowerAction::Restart) {
        if (Reset.Port)
            kernel::Out8(Reset.Port, Reset.Value);
        kernel::Out8(0xCF9, 0x06);                      // reset control register: full reset
    }
    for (;;)
        kernel::Yield();
}

}
