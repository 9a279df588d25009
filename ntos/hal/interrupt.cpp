// Interrupts: each source is a bit of the badge with which the kernel signals the dispatcher's notification.
#include <utility>

#include "kernel/kernel.hpp"
#include "ntos/hal/hal.hpp"
#include "ntos/mm/mm.hpp"
#include "ntos/ps/detail.hpp"

namespace hal {

using namespace nt;
using kernel::Failed;

static u64 DispatcherNotification;
static void (*Handlers[62])();
static constexpr u32 Pins = 24;
static u64 UsedVectors[(kernel::Vectors + 63) / 64];

// A vector of those that seL4 offers: any free one will do.
static Result<u32> TakeVector()
{
    for (u32 V = 0; V < kernel::Vectors; ++V) {
        u64 Bit = u64(1) << (V & 63);
        if (UsedVectors[V / 64] & Bit)
            continue;
        UsedVectors[V / 64] |= Bit;
        return Result<u32>(V);
    }
    return STATUS_INSUFFICIENT_RESOURCES;
}
static void FreeVector(u32 V) { UsedVectors[V / 64] &= ~(u64(1) << (V & 63)); }

static struct Line {
    u64 Irq, Bit;
    SharedInterrupt* First;
} Lines[Pins];
static void LineInterrupt(u32 Pin);

Status InitializeInterrupts(u64 Notification)
{
    DispatcherNotification = Notification;
    return STATUS_SUCCESS;
}

Status ConnectInterrupt(u32 Pin, bool Level, bool ActiveLow, u64 BadgeBit, u64& IrqCap)
{
    u64 Irq = TRY(mm::AllocateSlot());
    u64 Badged = TRY(mm::AllocateSlot());
    u32 Vector = TRY(TakeVector());
    if (Failed(kernel::GetIoApicIrq(Irq, 0, Pin, Level, ActiveLow, Vector)))
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    if (Failed(kernel::Mint(Badged, DispatcherNotification, kernel::AllRights, ps::NotificationBadge | BadgeBit)) || Failed(kernel::SetIrqNotification(Irq, Badged)))
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    (void)kernel::AckIrq(Irq);
    IrqCap = Irq;
    if (Pin < Pins)
        Lines[Pin] = { Irq, BadgeBit, nullptr };
    return STATUS_SUCCESS;
}

// --- lines of drivers

// A line that only drivers use has a badge bit of its own; one that the Executive uses, too, is acknowledged by it as well.
static constexpr u32 FirstLineBit = 16;

static void LineInterrupt(u32 Pin)
{
    Line& L = Lines[Pin];
    bool Wait = false;
    for (SharedInterrupt* I = L.First; I; I = I->Next) {
        I->Outstanding = true;
        Wait = true;
        I->Handler(*I);
    }
    if (!Wait)
        (void)kernel::AckIrq(L.Irq);
}

Status ConnectShared(SharedInterrupt& I, u32 Pin, bool Level, bool ActiveLow)
{
    if (Pin >= Pins)
        return STATUS_INVALID_PARAMETER;
    if (!Lines[Pin].Irq) {
        u64 Irq;
        TRY(ConnectInterrupt(Pin, Level, ActiveLow, u64(1) << (FirstLineBit + Pin), Irq));
    }
    I.Pin = Pin;
    I.Outstanding = false;
    I.Next = Lines[Pin].First;
    Lines[Pin].First = &I;
    return STATUS_SUCCESS;
}

void InterruptDone(SharedInterrupt& I)
{
    if (!std::exchange(I.Outstanding, false))
        return;
    for (SharedInterrupt* Other = Lines[I.Pin].First; Other; Other = Other->Next)
        if (Other->Outstanding)
            return;
    (void)kernel::AckIrq(Lines[I.Pin].Irq);
}

void DisconnectShared(SharedInterrupt& I)
{
    if (I.Pin >= Pins)
        return;
    bool Was = I.Outstanding;
    if (Was)
        InterruptDone(I);
    for (SharedInterrupt** At = &Lines[I.Pin].First; *At; At = &(*At)->Next) {
        if (*At == &I) {
            *At = I.Next;
            break;
        }
    }
    I.Pin = ~0u;
}

// --- messages (PCI 3.0, section 6.8; the address and data of x86 local APICs)

Status ConnectMessage(MessageInterrupt& M, u32 Bus, u32 Device, u32 Function, u32 Handle, u64 Notification)
{
    u32 Vector = TRY(TakeVector());
    auto Slot = mm::AllocateSlot();
    if (!Slot.Ok() || Failed(kernel::GetMsiIrq(Slot.Value(), Bus, Device, Function, Handle, Vector))) {
        if (Slot.Ok())
            mm::FreeSlot(Slot.Value());
        FreeVector(Vector);
        return Slot.Ok() ? Status(STATUS_DEVICE_CONFIGURATION_ERROR) : Slot.GetStatus();
    }
    M.Irq = Slot.Value();
    M.Vector = Vector;
    if (Failed(kernel::SetIrqNotification(M.Irq, Notification))) {
        DisconnectMessage(M);
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    }
    u32 A = 1, B, C = 0, D;
    asm volatile("cpuid" : "+a"(A), "=b"(B), "+c"(C), "=d"(D));
    M.Address = 0xFEE00000u | (B >> 24) << 12;     // this processor, physical mode
    M.Data = kernel::FirstVector + Vector;          // fixed, edge
    return STATUS_SUCCESS;
}

void DisconnectMessage(MessageInterrupt& M)
{
    if (!M.Irq)
        return;
    (void)kernel::Delete(M.Irq);
    mm::FreeSlot(M.Irq);
    FreeVector(M.Vector);
    M = {};
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
        for (u32 Pin = 0; Pin < Pins; ++Pin)
            if (Lines[Pin].Bit == u64(1) << Bit && Lines[Pin].First)
                LineInterrupt(Pin);
    }
}

}
