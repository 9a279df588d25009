// The plug-and-play manager: devnodes, the drivers of their stacks, starting and removing them, device interfaces.
//
// A Devnode is a device that a bus has: a PCI function, or what a bus driver told in its bus relations. Its name is BUS\ID\INSTANCE, the same at every
// start; the key of that name below \Registry\Machine\System\CurrentControlSet\Enum has HardwareID, CompatibleIDs and Service. The service, when the
// key names none, comes from Control\CriticalDeviceDatabase: by hardware ids, then compatible ids, with '#' for '\'. Filters are the services in
// UpperFilters and LowerFilters of the devnode's key and of its class' key (Control\Class\{ClassGUID}).
// The stack, bottom-up: the physical device (the bus driver's), lower filters of device and class, the service, upper filters of device and class. Each
// layer's driver is started, and its AddDevice called; then the top gets START_DEVICE, and QUERY_DEVICE_RELATIONS, whose answer are the devnode's
// children. Children that are no longer told get SURPRISE_REMOVAL (as it was not asked for) and, when no file of theirs is open any more, REMOVE_DEVICE.
// NtPlugPlayControl (control.cpp) asks first: QUERY_REMOVE_DEVICE to the devnode and those below, then REMOVE_DEVICE.
// When the process of a layer dies its seat stays (driver/stack.hpp). The process that comes in its place has AddDevice called and gets START_DEVICE, the other
// layers do not notice. A bus driver's new process tells its children again: who is known by name gets his old seat.
// Keys below Enum\ROOT are devnodes without a bus: the key declares their resources, too (driver/fixed.cpp).
// A filter whose service key has a value Hosted (not 0) runs in the process of the driver below it: what they tell each other are addresses, as a class driver's callback.
// A driver whose service key says StartOnOpen (driver/demand.cpp) is not started for its devnodes before one of these names is opened.
// Steps of all devnodes are done one after the other, by one work item.
#pragma once
#include "ntos/io/driver/stack.hpp"

namespace io::pnp {

using driver::Channel;
using driver::Driver;
using driver::DriverDevice;
using driver::Seat;

// A PCI function: its ids are made by pci.cpp. The service's driver gets Function. Called again (the registry has changed) it finds what has no service yet.
struct BusDevice {
    ob::String Bus, Device, Instance;           // parts of the name
    Vector<wchar_t> Hardware, Compatible;       // terminated names, and an empty one
    const driver::wd::PciDevice* Pci = nullptr;
    Vector<driver::wd::Resource> Resources;     // beside those of the function's base addresses
};
Result<Devnode*> Report(BusDevice&& D);
// Everything is done again that is not as it should be: after the start of the system, after a driver was loaded.
void Look();
// Waits until the devnodes that D drives have been started, or cannot be.
ke::Task<> Settle(Ref<Driver> D);

// The same, and waits until the devnode of that path is started or cannot be. STATUS_NO_SUCH_DEVICE, STATUS_PLUGPLAY_NO_DEVICE: it cannot.
ke::Task<> Enumerate(ob::String Path);
// Asks the devnode's drivers, removes it and what is below. STATUS_PLUGPLAY_QUERY_VETOED: one is against it, or a file is open.
ke::Task<> RemoveNode(ob::String Path);

// --- told by drivers
void DriverRuns(Driver& D);
void DriverEnds(Driver& D, bool Again);
void RelationsChange(Seat& Physical);
// The seat of a layer of Below's stack that D is to take again; null.
RefPtr<Seat> SeatFor(Driver& D, Seat& Below);
void HasAttached(Driver& D, Seat& New);
// The last file of a device that leaves has been closed.
void LastCloses();

// --- device interfaces (interface.cpp); statuses as the Io functions of these names
Result<ob::String> RegisterInterface(Driver& By, Seat& Physical, const driver::wd::Guid& Class, ob::Name Reference);
Status SetInterface(ob::Name Link, bool Enable);
// A device of the Executive's own has one: enabled, for ever.
Status AddOwnInterface(const driver::wd::Guid& Class, ob::Name Link, ob::Name Device);
Status ListInterfaces(const driver::wd::InterfaceQuery& Query, Vector<wchar_t>& Names);
Status Notify(Channel& In, const driver::wd::Notification& N);
void EndNotify(Channel& In, u64 Cookie);
void ChannelEnds(Channel& In);
// Of those that drivers have enabled now.
Status EnabledClasses(Vector<driver::wd::Guid>& To);
// --- drivers that start with an interface (trigger.cpp)
void Triggered(const driver::wd::Guid& Class);
void ArmTriggers();

// Of a devnode: what IoGetDeviceProperty tells.
Status Property(Seat& Physical, u32 Which, Vector<u8>& To);

}
