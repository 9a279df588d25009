// Private to io::driver: which functions there are on the PCI buses and which driver has them.
#pragma once
#include "ntos/io/driver/hardware.hpp"

namespace io::driver {

bool HasFunction(const Driver& D, u32 Bus, u32 Device, u32 Function);
bool HasLine(const Driver& D, u32 Pin);
bool HasMemory(const Driver& D, u64 Physical, u64 Bytes);
bool HasPort(const Driver& D, u32 Port, u32 Bytes);
bool HasAny(const Driver& D);
void ReadConfig(u32 Bus, u32 Device, u32 Function, u32 Offset, u8* To, u32 Bytes);
void WriteConfig(u32 Bus, u32 Device, u32 Function, u32 Offset, const u8* From, u32 Bytes);
// The driver has the function, until TakeDevices; its base addresses are known then.
void GiveFunction(const wd::PciDevice& About, Driver& To);
void TakeDevices(Driver& From);         // bus mastering off

}
