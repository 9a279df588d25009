// Private to io::pnp: devnodes and what the registry knows of them.
#pragma once
#include "ntos/io/pnp/pnp.hpp"

namespace io::pnp {

namespace wd = driver::wd;

// A driver in a devnode's stack.
struct Layer {
    Ref<Driver> Of;
    Vector<wchar_t> Hosted;             // services of the drivers above it in the same process: terminated names, and an empty one
    bool OnOpen = false;                // it is started by an open
    Vector<RefPtr<Seat>> Places;        // once it, and those it hosts, have attached devices; a driver may decline
    bool Added = false, Started = false;
};

class Devnode {
public:
    ~Devnode();
    core::ListNode<Devnode> Link;       // of its parent
    core::List<Devnode, &Devnode::Link> Children;
    Devnode* Parent = nullptr;          // null: the root
    ob::String Path;                    // BUS\ID\INSTANCE
    Vector<wchar_t> Hardware, Compatible;       // terminated names, and an empty one
    ob::String Container;               // of a bus' child: its ContainerID; empty
    u32 Capabilities = 0;               // of a bus' child: CM_DEVCAP_*
    const wd::PciDevice* Pci = nullptr;
    Vector<wd::Resource> Resources;     // of one without a bus, or on the firmware's; of a PCI function, those beside its base addresses
    bool IsRoot = false;                // the key says that it is there
    bool HostsPhysical() const { return Pci || IsRoot; }        // the first layer's process makes the physical device
    RefPtr<Seat> Physical;
    Vector<Layer> Layers;               // bottom-up
    bool RawOk = false;
    bool LayersKnown = false;
    bool PhysicalStarted = false;
    bool Started = false, Failed = false;
    bool AskRelations = false;
    bool Vanished = false;
    bool Leaving = false;               // it has been told so; REMOVE_DEVICE waits for the last close
    bool Agreed = false;                // its drivers have agreed to the removal
    bool HasNamesake = false;           // a child has come that is named as one that is leaving
    enum class Removal : u8 { None, Wanted, Refused } Asked = Removal::None;
    u32 Attempts = 0;
    u64 BusBackAt = 0;                  // when a layer was started anew: missing children may still come
    static void* operator new(usize Bytes) noexcept { return ::operator new(Bytes, std::nothrow); }
    static void operator delete(void* At) { ::operator delete(At); }
};

extern Devnode* Root;
extern Devnode* Adding;                 // AddDevice of its layer AddingLayer is under way; null
extern usize AddingLayer;
void Wake();                            // there may be something to do
inline constexpr u64 Patience = 600'000'000;    // for a driver's answer
bool IsUnderWay(const Devnode& N);      // something is being done for it
// Waits for a step of the work on the tree. STATUS_IO_TIMEOUT.
ke::Task<> AwaitStep(ke::Deadline Limit);
// The next one in the order that has parents first; null after the last.
Devnode* NextNode(Devnode* After);
Devnode* FindChild(Devnode& Of, ob::Name Path);
Result<Devnode*> MakeNode(Devnode& Parent, ob::String Path);

// --- registry.cpp
// Writes the key below Enum.
Status Record(Devnode& N);
// Of a CM_RESOURCE_LIST with one bus.
Status ReadList(const Vector<u8>& From, Vector<wd::Resource>& To);
// Writes LogConf\BootConfig: what the firmware has set the device to, a CM_RESOURCE_LIST.
Status RecordResources(Devnode& N, std::span<const u8> List);
// N, of the firmware's bus, may be declared below Enum\ROOT, too (an id and the first port are the same): it takes over what that key says of drivers, or, if the other one is
// being driven, gets no driver.
Status TakeOver(Devnode& N);
// Finds service and filters; N.Layers. STATUS_OBJECT_NAME_NOT_FOUND: no service, and it cannot do without.
Status FindLayers(Devnode& N);
// Devnodes below Enum\ROOT that are not there yet.
void FindRootDevices();

// What programs find of an interface: the keys below Control\DeviceClasses. Link: \??\BUS#ID#INSTANCE#{class}.
Status RecordInterface(ob::Name Link, ob::Name Reference, ob::Name Instance, bool Linked);
Status RecordUnlinked(ob::Name Link);   // with every reference
// Some file of a device of its stack is open.
bool IsOpen(Devnode& N);

// --- interface.cpp
void Relink(Devnode& N);                // its physical device is another
void DisableAll(Devnode& N);

}
