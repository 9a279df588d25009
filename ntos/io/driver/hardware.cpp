// What a driver's process asks for its devices.
#include "ntos/io/driver/firmware.hpp"
#include "ntos/io/driver/fixed.hpp"
#include "ntos/io/driver/hardware.hpp"

#include <string.h>

#include "kernel/kernel.hpp"
#include "ntos/hal/pci.hpp"
#include "ntos/io/driver/pci.hpp"
#include "ntos/mm/phys.hpp"
#include "ntos/mm/space.hpp"

namespace io::driver {

using namespace nt;

template <typename T> static Result<T> Input(ke::Caller& Caller, svc::DriverControl& Call)
{
    if (Call.InputLength < sizeof(T))
        return STATUS_INVALID_PARAMETER;
    return Call.InputBuffer.ReadAs<T>(Caller);
}

template <typename T> static Status Output(ke::Caller& Caller, svc::DriverControl& Call, const T& Value)
{
    if (Call.OutputLength < sizeof(T))
        return STATUS_BUFFER_TOO_SMALL;
    return Call.OutputBuffer.WriteAs(Caller, Value);
}

Status Hardware::InterruptThread(ke::Caller& Caller)
{
    if (!Interrupts_.Cap)
        Interrupts_ = TRY(mm::AllocateObject(mm::KernelObject::Notification));
    return Caller.Thread().BecomeInterruptThread(Interrupts_.Cap);
}

Status Hardware::Connect(ke::Caller& Caller, svc::DriverControl& Call)
{
    auto In = TRY(Input<wd::InterruptLine>(Caller, Call));
    if (const wd::Resource* R = FixedLine(Of_.Of(), In.Pin)) {
        In.Level = R->Level;            // what the device does, whatever the driver believes
        In.ActiveLow = R->ActiveLow;
    } else if (!HasLine(Of_.Of(), In.Pin)) {
        return STATUS_ACCESS_DENIED;
    } else {
        In.ActiveLow = LineIsLow(Of_.Of(), In.Pin);
    }
    if (!Interrupts_.Cap)
        return STATUS_INVALID_DEVICE_REQUEST;
    for (u32 I = 0; I < MaximumLines; ++I) {
        Connection& C = Lines_[I];
        if (C.Handler)
            continue;
        u64 Slot = TRY(mm::AllocateSlot());
        if (kernel::Failed(kernel::Mint(Slot, Interrupts_.Cap, kernel::Write, u64(1) << I))) {
            mm::FreeSlot(Slot);
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        C.Owner = this;
        C.Badged = Slot;
        C.Handler = [](hal::SharedInterrupt& S) { kernel::Signal(static_cast<Connection&>(S).Badged); };
        Status S = hal::ConnectShared(C, In.Pin, In.Level, In.ActiveLow);
        if (!S.Ok()) {
            C.Handler = nullptr;
            (void)kernel::Delete(Slot);
            mm::FreeSlot(Slot);
            return S;
        }
        In.Bit = I;
        return Output(Caller, Call, In);
    }
    return STATUS_INSUFFICIENT_RESOURCES;
}

bool Hardware::MayUse(const wd::PortAccess& A) const
{
    return (A.Bytes == 1 || A.Bytes == 2 || A.Bytes == 4) && (HasPort(Of_.Of(), A.Port, A.Bytes) || HasFixedPort(Of_.Of(), A.Port, A.Bytes));
}

static u32 ReadPort(const wd::PortAccess& A) { return A.Bytes == 1 ? kernel::In8(A.Port) : A.Bytes == 2 ? kernel::In16(A.Port) : kernel::In32(A.Port); }
static void WritePort(const wd::PortAccess& A, u32 Value) { A.Bytes == 1 ? kernel::Out8(A.Port, u8(Value)) : A.Bytes == 2 ? kernel::Out16(A.Port, u16(Value)) : kernel::Out32(A.Port, Value); }

Status Hardware::PortBuffer(ke::Caller& Caller, svc::DriverControl& Call)
{
    auto In = TRY(Input<wd::PortAccess>(Caller, Call));
    if (!MayUse(In))
        return STATUS_ACCESS_DENIED;
    if (!In.Value || In.Value > wd::MaximumPortBuffer / In.Bytes)
        return STATUS_INVALID_PARAMETER;
    u8 Data[wd::MaximumPortBuffer];
    u32 Bytes = In.Value * In.Bytes;
    if (In.Write) {
        if (Call.InputLength < sizeof(In) + Bytes)
            return STATUS_INVALID_PARAMETER;
        TRY(Call.InputBuffer.Read(Caller, Data, Bytes, sizeof(In)));
    } else if (Call.OutputLength < Bytes) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    for (u32 I = 0; I < Bytes; I += In.Bytes) {
        u32 Value = 0;
        if (In.Write) {
            memcpy(&Value, Data + I, In.Bytes);
            WritePort(In, Value);
        } else {
            Value = ReadPort(In);
            memcpy(Data + I, &Value, In.Bytes);
        }
    }
    return In.Write ? Status(STATUS_SUCCESS) : Call.OutputBuffer.Write(Caller, Data, Bytes);
}

Status Hardware::Control(ke::Caller& Caller, svc::DriverControl& Call)
{
    switch (wd::Control(Call.Code.Get())) {
    case wd::Control::InterruptThread:
        return InterruptThread(Caller);
    case wd::Control::ConnectInterrupt:
        return Connect(Caller, Call);
    case wd::Control::AckInterrupt:
    case wd::Control::DisconnectInterrupt: {
        auto In = TRY(Input<wd::InterruptLine>(Caller, Call));
        if (In.Bit >= MaximumLines || !Lines_[In.Bit].Handler)
            return STATUS_INVALID_PARAMETER;
        Connection& C = Lines_[In.Bit];
        if (wd::Control(Call.Code.Get()) == wd::Control::AckInterrupt) {
            hal::InterruptDone(C);
            return STATUS_SUCCESS;
        }
        hal::DisconnectShared(C);
        C.Handler = nullptr;
        (void)kernel::Delete(C.Badged);
        mm::FreeSlot(C.Badged);
        return STATUS_SUCCESS;
    }
    case wd::Control::ConnectMessage:
        return ConnectMessage(Caller, Call);
    case wd::Control::DisconnectMessages: {
        auto In = TRY(Input<wd::MessageInterrupt>(Caller, Call));
        DisconnectMessages(In.Bus, In.Device, In.Function);
        return STATUS_SUCCESS;
    }
    case wd::Control::MapDevice: {
        auto In = TRY(Input<wd::PhysicalRange>(Caller, Call));
        bool ReadOnly = false;
        if (!In.Bytes || In.Bytes > 64 * MiB || In.Physical + In.Bytes < In.Physical ||
            (!HasMemory(Of_.Of(), In.Physical, In.Bytes) && !HasFixedMemory(Of_.Of(), In.Physical, In.Bytes, ReadOnly)))
            return STATUS_ACCESS_DENIED;
        u64 First = AlignDown(In.Physical, PageSize);
        u32 Pages = u32((AlignUp(In.Physical + In.Bytes, PageSize) - First) >> PageShift);
        // Where the device's messages go is for the Executive to say.
        MessageTable T = TableIn(Of_.Of(), First, Pages);
        u64 At = TRY(Caller.Process().Memory().MapDevice(First, Pages, ReadOnly ? 0 : T.First, ReadOnly ? ~u64(0) : T.End));
        return Output(Caller, Call, wd::Address { At + (In.Physical - First) });
    }
    case wd::Control::Port: {
        auto In = TRY(Input<wd::PortAccess>(Caller, Call));
        if (!MayUse(In))
            return STATUS_ACCESS_DENIED;
        if (In.Write)
            WritePort(In, In.Value);
        else
            In.Value = ReadPort(In);
        return In.Write ? Status(STATUS_SUCCESS) : Output(Caller, Call, In);
    }
    case wd::Control::Beep: {
        // Channel 2 of the interval timer drives the speaker through two bits of port 61h.
        constexpr u32 TimerHz = 1193182;
        u32 Hz = TRY(Input<wd::Status>(Caller, Call)).Code;
        u8 Gate = kernel::In8(0x61);
        if (!Hz) {
            kernel::Out8(0x61, Gate & ~3);
            return STATUS_SUCCESS;
        }
        u32 Divisor = TimerHz / Hz;
        if (!Divisor || Divisor > 0xFFFF)
            return STATUS_INVALID_PARAMETER;
        kernel::Out8(0x43, 0xB6);       // channel 2, both bytes, square wave
        kernel::Out8(0x42, u8(Divisor));
        kernel::Out8(0x42, u8(Divisor >> 8));
        kernel::Out8(0x61, Gate | 3);
        return STATUS_SUCCESS;
    }
    case wd::Control::PciRoutes:
    case wd::Control::PowerRegisters:
        return FirmwareControl(Caller, Of_.Of(), Call);
    case wd::Control::PortBuffer:
        return PortBuffer(Caller, Call);
    case wd::Control::CommonBuffer: {
        auto In = TRY(Input<wd::PhysicalRange>(Caller, Call));
        if (!HasAny(Of_.Of()))
            return STATUS_ACCESS_DENIED;
        u32 Pages = u32((In.Bytes + PageMask) >> PageShift);
        if (!In.Bytes || In.Bytes > 2 * MiB)
            return STATUS_INVALID_PARAMETER;
        TRY(Contiguous_.Reserve(Contiguous_.Size() + 2));
        u8* Memory = TRY(mm::AllocateContiguous(In.Bytes));
        mm::Pfn First = mm::FrameOf(Memory);
        TRY(Contiguous_.Push(First));
        TRY(Contiguous_.Push(Pages));
        u64 At = TRY(Caller.Process().Memory().MapContiguous(First, Pages));
        return Output(Caller, Call, wd::CommonBuffer { At, mm::PhysicalAddress(Memory) });
    }
    case wd::Control::FrameOf: {
        auto In = TRY(Input<wd::Address>(Caller, Call));
        if (!HasAny(Of_.Of()))
            return STATUS_ACCESS_DENIED;
        (void)TRY(Caller.Process().Memory().Touch(In.At, true));
        u64 Frame = TRY(Caller.Process().Memory().FrameAt(In.At));
        return Output(Caller, Call, Frame);
    }
    case wd::Control::PciConfig: {
        auto In = TRY(Input<wd::ConfigAccess>(Caller, Call));
        bool Firmware = IsFirmware(Of_.Of()) && In.Bus < 256 && In.Device < 32 && In.Function < 8 && !(In.Write && IsDriven(In.Bus, In.Device, In.Function));
        if ((!Firmware && !HasFunction(Of_.Of(), In.Bus, In.Device, In.Function)) || In.Offset >= 256 || !In.Bytes || In.Bytes > 256 - In.Offset)
            return STATUS_ACCESS_DENIED;
        u8 Data[256];
        if (In.Write) {
            if (Call.InputLength < sizeof(In) + In.Bytes)
                return STATUS_INVALID_PARAMETER;
            TRY(Call.InputBuffer.Read(Caller, Data, In.Bytes, sizeof(In)));
            WriteConfig(In.Bus, In.Device, In.Function, In.Offset, Data, In.Bytes);
            return STATUS_SUCCESS;
        }
        ReadConfig(In.Bus, In.Device, In.Function, In.Offset, Data, In.Bytes);
        if (Call.OutputLength < In.Bytes)
            return STATUS_BUFFER_TOO_SMALL;
        return Call.OutputBuffer.Write(Caller, Data, In.Bytes);
    }
    default:
        return STATUS_INVALID_PARAMETER_1;
    }
}

void Hardware::End()
{
    TakeDevices(Of_.Of());
    TakeFixed(Of_.Of());
    for (Connection& C : Lines_) {
        if (!C.Handler)
            continue;
        hal::DisconnectShared(C);
        C.Handler = nullptr;
        (void)kernel::Delete(C.Badged);
        mm::FreeSlot(C.Badged);
    }
    for (Message& M : Messages_)
        if (M.Irq)
            DisconnectMessages(M.Bus, M.Device, M.Function);
    mm::FreeObject(Interrupts_, mm::KernelObject::Notification);
    for (usize I = 0; I + 1 < Contiguous_.Size(); I += 2)
        mm::FreeContiguous(Contiguous_[I], Contiguous_[I + 1]);     // the process's own references go with its address space
    Contiguous_.Clear();
}

}
