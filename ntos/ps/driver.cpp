// Threads of driver processes: the two capabilities they have beside those of every thread (abi/wire/driver.hpp).
#include "abi/wire/driver.hpp"
#include "kernel/kernel.hpp"
#include "ntos/hal/hal.hpp"
#include "ntos/ps/detail.hpp"

namespace ps {

using namespace nt;
using kernel::Failed;

Status Thread::GiveDriverCapabilities(const DriverLink& Of)
{
    if (Failed(kernel::MintInto(CNode_.Cap, mm::ClientCNodeBits, wire::driver::WaitSlot, Of.WaitCap, kernel::Read, 0)) ||
        Failed(kernel::MintInto(CNode_.Cap, mm::ClientCNodeBits, wire::driver::DoorbellSlot, DispatcherNotification, kernel::Write, NotificationBadge | hal::DriverDoorbells)))
        return STATUS_INSUFFICIENT_RESOURCES;
    return STATUS_SUCCESS;
}

Status Thread::BecomeInterruptThread(u64 Notification)
{
    if (Failed(kernel::DeleteFrom(CNode_.Cap, mm::ClientCNodeBits, wire::driver::WaitSlot)) ||
        Failed(kernel::MintInto(CNode_.Cap, mm::ClientCNodeBits, wire::driver::WaitSlot, Notification, kernel::Read, 0)) ||
        Failed(kernel::SetPriority(Tcb_.Cap, ExecutivePriority + 1)))
        return STATUS_INSUFFICIENT_RESOURCES;
    return STATUS_SUCCESS;
}

}
