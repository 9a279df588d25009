// For io alone: which functions there are on the PCI buses and which driver has them.
#pragma once
#include "ntos/io/driver/hardware.hpp"

namespace io::driver {

bool HasFunction(const Driver& D, u32 Bus, u32 Device, u32 Function);
bool HasLine(const Driver& D, u32 Pin);
bool HasMemory(const Driver& D, u64 Physical, u64 Bytes);
bool HasPort(const Driver& D, u32 Port, u32 Bytes);
bool HasAny(const Driver& D);
bool IsOfOthers(const Driver& D, bool IsPort, u64 Start, u64 Bytes);    // it overlaps a range of a function that another driver has
bool IsDriven(u32 Bus, u32 Device, u32 Function);       // a driver has it
const wd::PciDevice* BridgeTo(u32 Bus);
bool LineIsLow(const Driver& D, u32 Pin);               // of D's functions' lines: it is active low
bool HasMessages(const wd::PciDevice& P);               // there is a capability for them
void ReadConfig(u32 Bus, u32 Device, u32 Function, u32 Offset, u8* To, u32 Bytes);
void WriteConfig(u32 Bus, u32 Device, u32 Function, u32 Offset, const u8* From, u32 Bytes);
// The driver has the function, until TakeDevices; its base addresses are known then.
void GiveFunction(const wd::PciDevice& About, Driver& To);
void TakeDevices(Driver& From);         // bus mastering off
// --- message-signalled interrupts (message.cpp)
struct Messages {
    u32 Count = 0;                      // 0: there is no such capability
    bool Extended = false;              // MSI-X
    u32 Capability = 0;                 // in configuration space
    u64 Table = 0;                      // MSI-X: its physical address
};
Messages FindMessages(const wd::PciDevice& P);
const wd::PciDevice* FindFunction(const Driver& D, u32 Bus, u32 Device, u32 Function);     // if D has it
bool IsMessageRegister(u32 Bus, u32 Device, u32 Function, u32 Offset);      // in one of the capabilities: not for drivers to write to
// Pages of a table of messages, among these of D's devices: [First, End), or both 0.
struct MessageTable {
    u64 First = 0, End = 0;
};
MessageTable TableIn(const Driver& D, u64 First, u32 Pages);

}
