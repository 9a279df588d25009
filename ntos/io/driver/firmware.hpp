// For io alone: the driver of the machine's firmware (acpi.sys), which tells the routing of PCI interrupts and how the machine is turned off.
//
// It is the service whose key has the value Firmware (1). Only its process reaches the ranges that its devnode's key declares with the word "firmware" (driver/fixed.hpp),
// every PCI function's configuration space, and the two messages below. It is started when a device needs a routed line, and otherwise five seconds after the start of the system,
// so that nobody waits for it: it takes a few million instructions.
#pragma once
#include "ntos/io/driver/driver.hpp"

namespace cm {
class Node;
}

namespace io::driver {

void NoteService(cm::Node& Service);            // of each service key, at the start of the system
void StartFirmwareSoon();
bool IsFirmware(ob::Name ServiceKey);
bool IsFirmware(const Driver& D);
// Control::PciRoutes, Control::PowerRegisters.
Status FirmwareControl(ke::Caller& Caller, Driver& Of, svc::DriverControl& Call);
// The I/O APIC pin of the function's interrupt pin; ~0: it has none, or nobody knows. The firmware's routing counts where it is told, behind bridges by the bridge's own
// pins; before that, or without it, the chip set's on bus 0.
u32 LineOf(const wd::PciDevice& P, bool& ActiveLow);
// Whether a driver that will use the function's line has to wait until the routing is told. It is asked for then, and pnp::Look() called.
bool MustAwaitRoutes(const wd::PciDevice& P, const Driver& By);

}
