// Device stacks across processes.
//
// A Seat is a place in a device stack. The driver that has it may die and come back: its new device object takes the seat (Take), and whoever sends
// requests to the seat (other drivers' proxies, the Executive) notices a pause only. Requests that may be repeated wait in the seat meanwhile; a
// seat whose devnode (ntos/io/pnp) is none, or whose driver does not come back, loses them.
// An id names a seat in the whole system. A device has an id, and a seat, from the start; when it takes an old seat, its own leads there.
// Seats are chained bottom-up; an upper one keeps those below.
#pragma once
#include "ntos/io/driver/driver.hpp"

namespace io::pnp {
class Devnode;
}

namespace io::driver {

class Seat final : public RefCounted<Seat> {
public:
    static Status Create(DriverDevice& For);    // For.Place and For.Id
    static RefPtr<Seat> Find(u64 Id);           // null
    u64 Id() const { return Id_; }
    DriverDevice* Now() const { return Now_; }  // null while its driver is away
    Seat* Above() const { return Above_; }
    Seat* Below() const { return Below_.Get(); }
    Seat& Top();
    Seat& Bottom();
    // On top of Lower, which has nothing above. STATUS_INVALID_DEVICE_REQUEST.
    Status Attach(Seat& Lower);
    void Detach();                              // from what is below
    void Send(Irp& I);                          // Irp.Done is called in any case
    void Cancel(Irp& I);                        // of those it holds
    // A device of a new process takes the place of the one that was lost; requests go on waiting until Resume.
    void Take(DriverDevice& New);
    void Resume();
    void Lost();                                // its device is gone
    void GiveUp(Status Why);                    // it does not come back
    wd::DeviceShape Shape(const Channel& For) const;
    DriverDevice* NameOf = nullptr;             // one that is gone, whose name stays for whoever takes the seat next (DriverDevice::TakeAway)
    pnp::Devnode* Node = nullptr;               // it belongs to; set and cleared by pnp
    bool Leaves = false;                        // its devnode is being removed: the device is not opened any more

private:
    friend class RefCounted<Seat>;
    friend class Channel;
    Seat() : Patience_(*this) { }
    ~Seat();
    static void* operator new(usize Bytes) noexcept { return ::operator new(Bytes, std::nothrow); }
    static void operator delete(void* At) { ::operator delete(At); }
    void Hold(Irp& I);
    void Fail(Irp& I, Status Why);
    u64 Id_ = 0;
    DriverDevice* Now_ = nullptr;
    RefPtr<DriverDevice> Last_;                 // the one that had it last; keeps its channel
    RefPtr<Seat> Below_, Leads_;
    Seat* Above_ = nullptr;
    bool Ready_ = true, Gone_ = false;
    IrpList Held_;
    struct Patience : ke::Timer {
        explicit Patience(Seat& Of) : Timer(Expired), Owner(Of) { }
        static void Expired(ke::Timer& T);
        Seat& Owner;
    } Patience_;
};

}
