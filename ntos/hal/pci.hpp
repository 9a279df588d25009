// PCI configuration space through ports 0xCF8 and 0xCFC (PCI 3.0, section 3.2.2.3.2).
#pragma once
#include "lib/core/types.hpp"

namespace hal {

// Bus 0, or Device with the bus number above bit 5.
u32 PciRead(u32 Device, u32 Function, u32 Offset);
void PciWrite(u32 Device, u32 Function, u32 Offset, u32 Value);
// The I/O APIC pin of an interrupt pin (1 to 4) of a device on bus 0, on the chip set of QEMU's q35: for as long as the firmware has not told (io/driver/firmware.hpp).
u32 PciInterruptLine(u32 Device, u32 Pin);

}
