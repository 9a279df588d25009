// Message-signalled interrupts of drivers' devices (PCI 3.0, section 6.8): the Executive fills in the capability or the table, so that a device writes only the
// vectors it was given; the interrupt goes from the kernel straight to the driver's interrupt thread.
#include "kernel/kernel.hpp"
#include "ntos/hal/pci.hpp"
#include "ntos/io/driver/hardware.hpp"
#include "ntos/io/driver/pci.hpp"

namespace io::driver {

using namespace nt;

namespace {

constexpr u32 StatusRegister = 4, CommandRegister = 4, FirstCapability = 0x34, MsiId = 0x05, MsixId = 0x11;
constexpr u32 InterruptDisable = 1u << 10;

u32 Where(u32 Bus, u32 Device) { return Bus << 5 | Device; }

// Calls Each(offset, id) for the capabilities of a function, until it returns true.
template <typename F> bool EachCapability(u32 Bus, u32 Device, u32 Function, F Each)
{
    u32 At = Where(Bus, Device);
    if (!(hal::PciRead(At, Function, StatusRegister) >> 16 & 0x10))
        return false;
    u32 Next = hal::PciRead(At, Function, FirstCapability) & 0xFC;
    for (u32 Steps = 0; Next >= 0x40 && Steps < 48; ++Steps) {
        u32 Word = hal::PciRead(At, Function, Next);
        if (Each(Next, Word & 0xFF))
            return true;
        Next = Word >> 8 & 0xFC;
    }
    return false;
}

// Bytes of an MSI capability: with 64-bit addresses and masks if it says so.
u32 MsiBytes(u32 Control) { return 10 + (Control & 0x80 ? 4u : 0u) + (Control & 0x100 ? 10u : 0u); }

void Change(u32 At, u32 Function, u32 Offset, u32 Clear, u32 Set)
{
    u32 Word = hal::PciRead(At, Function, Offset);
    if (Offset == CommandRegister)
        Word &= 0xFFFF;                 // ones in the status register clear its bits
    hal::PciWrite(At, Function, Offset, (Word & ~Clear) | Set);
}

// The pages of tables, mapped for the Executive once each.
Result<volatile u32*> TableEntry(u64 Table, u32 Message)
{
    struct Page {
        u64 Physical;
        volatile u8* At;
    };
    static Page Mapped[16];
    static u32 Count = 0;
    u64 Entry = Table + Message * 16, Start = AlignDown(Entry, PageSize);
    for (u32 I = 0; I < Count; ++I)
        if (Mapped[I].Physical == Start)
            return reinterpret_cast<volatile u32*>(Mapped[I].At + (Entry - Start));
    if (Count == sizeof(Mapped) / sizeof(Mapped[0]))
        return STATUS_INSUFFICIENT_RESOURCES;
    volatile u8* At = TRY(mm::MapDevice(Start, PageSize));
    Mapped[Count++] = { Start, At };
    return reinterpret_cast<volatile u32*>(At + (Entry - Start));
}

}

bool HasMessages(const wd::PciDevice& P)
{
    return EachCapability(P.Bus, P.Device, P.Function, [](u32, u32 Id) { return Id == MsiId || Id == MsixId; });
}

Messages FindMessages(const wd::PciDevice& P)
{
    Messages M;
    EachCapability(P.Bus, P.Device, P.Function, [&](u32 Offset, u32 Id) {
        u32 At = Where(P.Bus, P.Device), Control = hal::PciRead(At, P.Function, Offset) >> 16;
        if (Id == MsixId) {
            u32 Table = hal::PciRead(At, P.Function, Offset + 4), Index = Table & 7;
            u32 Count = (Control & 0x7FF) + 1;
            if (Index >= 6 || P.Bars[Index].IsPort || (Table & ~7u) + Count * 16 > P.Bars[Index].Bytes)
                return false;
            M = { Count, true, Offset, P.Bars[Index].Base + (Table & ~7u) };
            return true;
        }
        if (Id == MsiId)
            M = { 1, false, Offset, 0 };    // one: several would need vectors in a row
        return false;
    });
    return M;
}

bool IsMessageRegister(u32 Bus, u32 Device, u32 Function, u32 Register)
{
    return EachCapability(Bus, Device, Function, [&](u32 Offset, u32 Id) {
        u32 Bytes = Id == MsixId ? 12 : Id == MsiId ? MsiBytes(hal::PciRead(Where(Bus, Device), Function, Offset) >> 16) : 0;
        return Register >= Offset && Register < Offset + Bytes;
    });
}

Status Hardware::ConnectMessage(ke::Caller& Caller, svc::DriverControl& Call)
{
    if (Call.InputLength < sizeof(wd::MessageInterrupt))
        return STATUS_INVALID_PARAMETER;
    auto In = TRY(Call.InputBuffer.ReadAs<wd::MessageInterrupt>(Caller));
    if (Call.OutputLength < sizeof(In))
        return STATUS_BUFFER_TOO_SMALL;
    const wd::PciDevice* P = FindFunction(Of_.Of(), In.Bus, In.Device, In.Function);
    if (!P)
        return STATUS_ACCESS_DENIED;
    Messages Has = FindMessages(*P);
    if (!Interrupts_.Cap || In.Message >= Has.Count || In.Count > Has.Count)
        return STATUS_INVALID_DEVICE_REQUEST;
    u32 I = 0;
    while (I < MaximumMessages && Messages_[I].Irq)
        ++I;
    if (I == MaximumMessages)
        return STATUS_INSUFFICIENT_RESOURCES;
    Message& M = Messages_[I];
    volatile u32* Entry = Has.Extended ? TRY(TableEntry(Has.Table, In.Message)) : nullptr;
    u64 Slot = TRY(mm::AllocateSlot());
    u32 Bit = MaximumLines + I;
    Status S = kernel::Failed(kernel::Mint(Slot, Interrupts_.Cap, kernel::Write, u64(1) << Bit)) ? Status(STATUS_INSUFFICIENT_RESOURCES) :
                                                                                                    hal::ConnectMessage(M, In.Bus, In.Device, In.Function, In.Message, Slot);
    if (!S.Ok()) {
        (void)kernel::Delete(Slot);
        mm::FreeSlot(Slot);
        return S;
    }
    M.Badged = Slot;
    M.Bus = In.Bus;
    M.Device = In.Device;
    M.Function = In.Function;
    u32 At = Where(In.Bus, In.Device), C = Has.Capability;
    if (Has.Extended) {
        Entry[0] = u32(M.Address);
        Entry[1] = u32(M.Address >> 32);
        Entry[2] = M.Data;
        Entry[3] = 0;                   // not masked
        Change(At, In.Function, C, 0x4000'0000, 0x8000'0000);      // enabled, the whole not masked
    } else {
        u32 Control = hal::PciRead(At, In.Function, C) >> 16;
        hal::PciWrite(At, In.Function, C + 4, u32(M.Address));
        if (Control & 0x80)
            hal::PciWrite(At, In.Function, C + 8, u32(M.Address >> 32));
        u32 DataAt = C + (Control & 0x80 ? 12 : 8);
        Change(At, In.Function, DataAt, 0xFFFF, M.Data);
        if (Control & 0x100)
            hal::PciWrite(At, In.Function, DataAt + 4, 0);         // masks
        Change(At, In.Function, C, 0x0070'0000, 0x0001'0000);      // one message, enabled
    }
    Change(At, In.Function, CommandRegister, 0, InterruptDisable);
    In.Bit = Bit;
    In.Data = M.Data;
    In.Address = M.Address;
    return Call.OutputBuffer.WriteAs(Caller, In);
}

void Hardware::DisconnectMessages(u32 Bus, u32 Device, u32 Function)
{
    bool Any = false;
    for (Message& M : Messages_)
        Any |= M.Irq && M.Bus == Bus && M.Device == Device && M.Function == Function;
    if (!Any)
        return;
    u32 At = Where(Bus, Device);
    EachCapability(Bus, Device, Function, [&](u32 Offset, u32 Id) {
        if (Id == MsixId)
            Change(At, Function, Offset, 0x8000'0000, 0);
        else if (Id == MsiId)
            Change(At, Function, Offset, 0x0001'0000, 0);
        return false;
    });
    Change(At, Function, CommandRegister, InterruptDisable, 0);
    for (Message& M : Messages_) {
        if (!M.Irq || M.Bus != Bus || M.Device != Device || M.Function != Function)
            continue;
        hal::DisconnectMessage(M);
        (void)kernel::Delete(M.Badged);
        mm::FreeSlot(M.Badged);
        M.Badged = 0;
    }
}

}
