// Private to io::driver: the devices a driver's process has, and what it may do with them. Nothing else is in its reach; memory its devices reach by
// DMA is the exception (there is no IOMMU): bus mastering is turned off when the process ends, before its memory goes to somebody else.
#pragma once
#include "ntos/hal/hal.hpp"
#include "ntos/io/driver/driver.hpp"

namespace cm {
class Node;
}

namespace io::driver {

struct Function {
    wd::PciDevice About;
    bool HasBars = false;
    Driver* Of = nullptr;               // that has it now
};

class Hardware {
public:
    explicit Hardware(Channel& Of) : Of_(Of) { }
    ~Hardware() { End(); }
    Status Control(ke::Caller& Caller, svc::DriverControl& Call);
    void End();                         // the process is gone
    static void* operator new(usize Bytes) noexcept { return ::operator new(Bytes, std::nothrow); }
    static void operator delete(void* At) { ::operator delete(At); }

private:
    struct Connection : hal::SharedInterrupt {
        Hardware* Owner;
        u64 Badged = 0;                 // the interrupt notification, with this connection's bit
    };
    Status Connect(ke::Caller& Caller, svc::DriverControl& Call);
    bool MayUse(const wd::PortAccess& A) const;
    Status PortBuffer(ke::Caller& Caller, svc::DriverControl& Call);
    Status ConnectMessage(ke::Caller& Caller, svc::DriverControl& Call);
    void DisconnectMessages(u32 Bus, u32 Device, u32 Function);
    struct Message : hal::MessageInterrupt {
        u32 Bus, Device, Function;
        u64 Badged = 0;
    };
    Status InterruptThread(ke::Caller& Caller);
    Channel& Of_;
    mm::KernelHandle Interrupts_;
    static constexpr u32 MaximumLines = 8;
    Connection Lines_[MaximumLines];
    static constexpr u32 MaximumMessages = 32 - MaximumLines;   // the badge's bits behind those of lines
    Message Messages_[MaximumMessages];
    Vector<u32> Contiguous_;            // first frames and counts, in pairs: released with the process
};

// Tells the plug-and-play manager what is on the PCI buses.
void EnumeratePci();

// --- devices on no bus (fixed.cpp)

// What the devnode's key declares. STATUS_INVALID_PARAMETER: it cannot be understood.
Status ReadResources(cm::Node& Key, Vector<wd::Resource>& To);
// To's process has them until TakeFixed. For: whose they are. STATUS_CONFLICTING_ADDRESSES: another device has one of them.
Status GiveFixed(std::span<const wd::Resource> What, const void* For, Driver& To);
void TakeFixed(Driver& From);
bool HasFixedPort(const Driver& D, u32 Port, u32 Bytes);
bool HasFixedMemory(const Driver& D, u64 Physical, u64 Bytes);
const wd::Resource* FixedLine(const Driver& D, u32 Pin);        // how the line is triggered; null: not of its devices

// --- drivers that are started when one of their names is opened (demand.cpp): values StartOnOpen of service keys

void PlaceDemandDevices(ob::Name ServiceKey);   // those of the names that are free
void PlaceDemandDevices(cm::Node& ServiceKey);
bool StartsOnOpen(ob::Name ServiceKey);

}
