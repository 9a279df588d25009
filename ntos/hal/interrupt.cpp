// Interrupts: each source is a bit of the badge with which the kernel signals the dispatcher's notification.
#include "kernel/kernel.hpp"
#include "ntos/hal/hal.hpp"
#include "ntos/mm/mm.hpp"
#include "ntos/ps/detail.hpp"

namespace hal {

using namespace nt;
using kernel::Failed;

static u64 DispatcherNotification;
static void (*Handlers[62])();

Status InitializeInterrupts(u64 Notification)
{
    DispatcherNotification = Notification;
    return STATUS_SUCCESS;
}

Status ConnectInterrupt(u32 Pin, bool Level, bool ActiveLow, u64 BadgeBit, u64& IrqCap)
{
    // seL4 maps the vectors it offers one to one to the pins asked for; any free one will do.
    static u32 NextVector = 0;
    u64 Irq = TRY(mm::AllocateSlot());
    u64 Badged = TRY(mm::AllocateSlot());
    if (Failed(kernel::GetIoApicIrq(Irq, 0, Pin, Level, ActiveLow, NextVector)))
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    ++NextVector;
    if (Failed(kernel::Mint(Badged, DispatcherNotification, kernel::AllRights, ps::NotificationBadge | BadgeBit)) || Failed(kernel::SetIrqNotification(Irq, Badged)))
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    (void)kernel::AckIrq(Irq);
    IrqCap = Irq;
    return STATUS_SUCCESS;
}

void SetInterruptHandler(u64 BadgeBit, void (*Handler)())
{
    Handlers[__builtin_ctzll(BadgeBit)] = Handler;
}

void Interrupts(u64 Sources)
{
    while (Sources) {
        u32 Bit = u32(__builtin_ctzll(Sources));
        Sources &= Sources - 1;
        if (Bit < 62 && Handlers[Bit])
            Handlers[Bit]();
    }
}

}
