#include "ntos/hal/pci.hpp"

#include "kernel/kernel.hpp"

namespace hal {

u32 PciRead(u32 Device, u32 Function, u32 Offset)
{
    kernel::Out32(0xCF8, 0x80000000u | Device << 11 | Function << 8 | (Offset & 0xFC));
    return kernel::In32(0xCFC);
}

void PciWrite(u32 Device, u32 Function, u32 Offset, u32 Value)
{
    kernel::Out32(0xCF8, 0x80000000u | Device << 11 | Function << 8 | (Offset & 0xFC));
    kernel::Out32(0xCFC, Value);
}

u32 PciInterruptLine(u32 Device, u32 Pin)
{
    // ICH9 in APIC mode, as its ACPI tables in QEMU route it: devices below 25 turn around PIRQE..PIRQH, the others have PIRQA..PIRQH
    // of their own; PIRQx is pin 16 + x.
    if (Device < 25)
        return 16 + 4 + ((Device + Pin - 1) & 3);
    return 16 + ((Pin - 1) & 3);
}

}
