// Private to io::driver: the devices a driver's process has, and what it may do with them. Nothing else is in its reach; memory its devices reach by
// DMA is the exception (there is no IOMMU): bus mastering is turned off when the process ends, before its memory goes to somebody else.
#pragma once
#include "ntos/hal/hal.hpp"
#include "ntos/io/driver/driver.hpp"

namespace io::driver {

struct Function {
    wd::PciDevice About;
    bool HasBars = false;
    bool LowLine = true;                // its line is active low
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

}
