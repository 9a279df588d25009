// acpi.sys: ACPICA and what it is used for here. Its operating system layer is osl.cpp.
//
// A thread of the driver's loads the namespace, tells the Executive the interrupt routing of PCI devices and how the machine is turned off and reset, makes a physical device
// for each device of the namespace that is present and has an id, and then waits for the power button.
#pragma once
#include "drivers/common/driver.hpp"

extern "C" {
#include "acpi.h"
}

static_assert(offsetof(ACPI_RESOURCE_IRQ, Interrupts) == offsetof(ACPI_RESOURCE_IRQ, Interrupt) && offsetof(ACPI_PCI_ROUTING_TABLE, Source) == offsetof(ACPI_PCI_ROUTING_TABLE, Pad));

namespace acpi {

using namespace driver;

void Say(const char* Format, ...);      // to the system's log

// osl.cpp
NTSTATUS StartLayer(ULONG Vector, KIRQL Irql, bool Level);      // of the system control interrupt
NTSTATUS Later(void (*Work)(void*), void* Context);     // at PASSIVE_LEVEL, in order; from any level
// What only the firmware's driver may do (ntos/io/driver/firmware.hpp).
NTSTATUS Tell(ULONG Code, void* In, ULONG Bytes);
// AML's accesses to memory.
ACPI_STATUS MemoryRegion(UINT32 Function, ACPI_PHYSICAL_ADDRESS Address, UINT32 Width, UINT64* Value, void*, void*);

// routing.cpp
void RouteInterrupts();

// devices.cpp
void FindDevices(PDRIVER_OBJECT Driver);
// The answer to IRP_MN_QUERY_DEVICE_RELATIONS; null: no memory.
DEVICE_RELATIONS* Relations();
bool IsChild(PDEVICE_OBJECT D);
NTSTATUS ChildPlugAndPlay(PDEVICE_OBJECT D, PIRP Irp);

}
