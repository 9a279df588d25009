// Private to ntoskrnl.exe: devices of the machine that the process has.
#pragma once
#include "wdm/ntoskrnl/host.hpp"

namespace host {

// Vectors and IRQLs drivers see for interrupt lines: a line's vector is its pin plus LineVector.
inline constexpr ULONG LineVector = 0x30;
inline constexpr KIRQL LineIrql = 5;

// Physical: the id of the physical device it makes. IsRoot: it is of no bus.
NTSTATUS AddDevice(const wd::NewDevnode& About, bool IsRoot, u64* Physical);
// A second driver in this process: that of the service key Services\Name. Once for each.
NTSTATUS LoadAnother(const WCHAR* Name, DRIVER_OBJECT** Out);
// The resource lists of a START_DEVICE, of the physical device below D that is of this process; nothing to do if there is none.
bool GiveResources(IO_STACK_LOCATION* S, DEVICE_OBJECT* D);
// Message interrupts: those of MessageBit and up need no acknowledgement.
inline constexpr ULONG MessageBit = 8, MessageVector = 0x60;
// How many the device is to have: if it can, and its hardware key says Interrupt Management\MessageSignaledInterruptProperties, MSISupported = 1
// (at most MessageNumberLimit). 0: its line.
ULONG MessagesOf(const wd::PciDevice& P);
void DescribeMessages(CM_PARTIAL_RESOURCE_DESCRIPTOR* D, ULONG Count, bool Translated);
const wd::PciDevice* PciOf(DEVICE_OBJECT* D);   // of the physical device below D; null
const wd::Resource* FixedLine(DEVICE_OBJECT* D);        // the interrupt of a device on no bus; null
CM_RESOURCE_LIST* FixedResources(const wd::Resource* R, ULONG Count);   // fixed.cpp
void DescribeFixed(CM_PARTIAL_RESOURCE_DESCRIPTOR& D, const wd::Resource& From);
DEVICE_OBJECT* AnyPdo();
// A device object without the Executive's knowledge.
DEVICE_OBJECT* NewDevice(DRIVER_OBJECT* Driver, ULONG ExtensionBytes, DEVICE_TYPE Type, ULONG Characteristics);
DEVICE_OBJECT* BelowOf(DEVICE_OBJECT* D);

// --- devices of other processes (remote.cpp)
u64 IdOf(DEVICE_OBJECT* D);                     // the Executive's
bool IsProxy(DEVICE_OBJECT* D);
// The device object here for a device of the system: this process's own, or one that stands for it; the same each time. Null: no memory.
DEVICE_OBJECT* DeviceFor(const wd::DeviceShape& S);
DEVICE_OBJECT* DeviceById(u64 Id);
void TellShape(DEVICE_OBJECT* D);               // to the Executive, if it is not what was told last
void TellShapes(DRIVER_OBJECT* Of);             // of all the driver's devices
NTSTATUS AddAbove(u64 PhysicalDevice, const wd::NewDevnode& About);     // pnp.cpp
void InterfaceChange(const wd::Message& M);     // interface.cpp

// --- IRP_MJ_PNP between processes (pnp_irp.cpp): its data packed for the way down, and its answer for the way up.
bool PresentPnp(const wd::Message& M, IRP* I, IO_STACK_LOCATION* S, DEVICE_OBJECT* D);
u64 PackPnp(const wd::Message& M, IRP* I, u8* To, u32 Room);       // bytes; what the IRP's Information points to is freed
// For a device of another process: the input. False: it does not cross.
bool DescribePnp(wd::RemoteCall& C, IRP* I, IO_STACK_LOCATION* S, u8*& Buffer);
void UnpackPnp(IRP* I, IO_STACK_LOCATION* S, const u8* From, u64 Bytes);

}
