// For io alone: what the registry says of devices on no bus, and of drivers that wait to be wanted.
#pragma once
#include "ntos/io/driver/driver.hpp"

namespace cm {
class Node;
}

namespace io::driver {

// Ranges with the word "firmware" count only for the firmware's driver (firmware.hpp). They are no resources that others could not have:
// it reaches what is in them and nobody else's, and memory read-only.
// What the devnode's key declares. STATUS_INVALID_PARAMETER: it cannot be understood.
Status ReadResources(cm::Node& Key, Vector<wd::Resource>& To);
// To's process has them until TakeFixed. For: whose they are. STATUS_CONFLICTING_ADDRESSES: another device has one of them.
Status GiveFixed(std::span<const wd::Resource> What, const void* For, Driver& To);
void TakeFixed(Driver& From);
void TakeFixedOf(const void* For);      // of the devnode, which is gone
bool HasFixedPort(const Driver& D, u32 Port, u32 Bytes);
bool HasFixedMemory(const Driver& D, u64 Physical, u64 Bytes, bool& ReadOnly);
const wd::Resource* FixedLine(const Driver& D, u32 Pin);        // how the line is triggered; null: not of its devices

// --- drivers that are started when one of their names is opened (demand.cpp): values StartOnOpen of service keys

void PlaceDemandDevices(ob::Name ServiceKey);   // those of the names that are free
void PlaceDemandDevices(cm::Node& ServiceKey);
bool StartsOnOpen(ob::Name ServiceKey);

}
