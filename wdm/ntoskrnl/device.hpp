// Private to ntoskrnl.exe: devices of the machine that the process has.
#pragma once
#include "wdm/ntoskrnl/host.hpp"

namespace host {

// Vectors and IRQLs drivers see for interrupt lines: a line's vector is its pin plus LineVector.
inline constexpr ULONG LineVector = 0x30;
inline constexpr KIRQL LineIrql = 5;

NTSTATUS AddPciDevice(const wd::PciDevice& About);
const wd::PciDevice* PciOf(DEVICE_OBJECT* D);   // of the physical device below D; null
DEVICE_OBJECT* AnyPdo();
// A device object without the Executive's knowledge.
DEVICE_OBJECT* NewDevice(DRIVER_OBJECT* Driver, ULONG ExtensionBytes, DEVICE_TYPE Type, ULONG Characteristics);
// Device interfaces: links that are made when they are enabled, to the name of the physical device.
struct InterfaceLink {
    InterfaceLink* Next;
    DEVICE_OBJECT* Device;
    usize Length;
    WCHAR Text[300];
};
void RegisterLink(InterfaceLink* I);
InterfaceLink* FindLink(PUNICODE_STRING Name);
NTSTATUS NameOf(DEVICE_OBJECT* D, PUNICODE_STRING To);     // STATUS_OBJECT_NAME_NOT_FOUND: it has none
DEVICE_OBJECT* BelowOf(DEVICE_OBJECT* D);
u64 IdOf(DEVICE_OBJECT* D);              // the Executive's number of it

}
