// Interrupt routing and power registers as the firmware's driver has told them; when that driver starts.
#include "ntos/io/driver/firmware.hpp"

#include <string.h>

#include "ntos/cm/key.hpp"
#include "ntos/ex/log.hpp"
#include "ntos/hal/hal.hpp"
#include "ntos/hal/pci.hpp"
#include "ntos/io/driver/pci.hpp"
#include "ntos/io/pnp/pnp.hpp"

namespace io::driver {

using namespace nt;

namespace {

constexpr u64 Later = 50'000'000, Patience = 100'000'000;       // 5 s after the start of the system; 10 s for the routing once it is wanted

ob::String Key;                         // of the service; empty: there is none
Vector<wd::Route> Routes;
bool Told, GivenUp, IsDisabled;         // IsDisabled: its Start is 4, SERVICE_DISABLED
u64 WantedSince;

struct Starter : ke::Timer {
    Starter() : Timer(Expired) { }
    static void Expired(ke::Timer&);
};
Starter* The;

Status Start()
{
    if (IsDisabled)
        return STATUS_SUCCESS;
    Ref<Driver> D = TRY(FindOrMakeDriver(Key));
    return D->Now() == Driver::State::Stopped && !D->StartsAgain() && !D->WasUnloaded() ? D->StartProcess() : Status(STATUS_SUCCESS);
}

void Starter::Expired(ke::Timer&)
{
    if (WantedSince && !Told && ke::InterruptTime() - WantedSince >= Patience) {
        ex::Log("driver %S: it does not tell the routing of PCI interrupts\n", ob::Name(Key));
        GivenUp = true;
        pnp::Look();
        return;
    }
    Start().Ignore();                   // the driver's state says so
    if (WantedSince && !Told)
        (void)The->Set(WantedSince + Patience);
}

// As the host decides it (wdm/ntoskrnl/message.cpp).
bool WantsMessages(const Driver& D)
{
    ob::String Path;
    for (ob::Name Part : { D.Key(), ob::Name(L"\\Device\\Interrupt Management\\MessageSignaledInterruptProperties") })
        if (!Path.Append(Part).Ok())
            return false;
    auto N = cm::OpenNode(Path, false);
    return N.Ok() && N.Value()->Number(L"MSISupported", 0);
}

const wd::Route* Find(u32 Bus, u32 Device, u32 Pin)
{
    for (const wd::Route& R : Routes)
        if (R.Bus == Bus && R.Device == Device && R.Pin == Pin)
            return &R;
    return nullptr;
}

Status TakeRoutes(ke::Caller& Caller, svc::DriverControl& Call)
{
    if (Call.InputLength % sizeof(wd::Route) || Call.InputLength > wd::MaximumRoutes * sizeof(wd::Route))
        return STATUS_INVALID_PARAMETER;
    Vector<wd::Route> New;
    TRY(New.Resize(Call.InputLength / sizeof(wd::Route)));
    if (!New.IsEmpty())
        TRY(Call.InputBuffer.Read(Caller, New.Data(), Call.InputLength));
    for (const wd::Route& R : New)
        if (R.Bus > 255 || R.Device > 31 || R.Pin - 1 > 3 || R.Line > 255)
            return STATUS_INVALID_PARAMETER;
    Routes = std::move(New);
    Told = true;
    ex::Log("firmware: %u interrupt pins of PCI devices are routed\n", u32(Routes.Size()));
    pnp::Look();
    return STATUS_SUCCESS;
}

}

void NoteService(cm::Node& Service)
{
    if (Key.View().Length != 0 || !Service.Number(L"Firmware", 0))
        return;
    // As the plug-and-play manager names it.
    ob::String Path;
    for (ob::Name Part : { ob::Name(L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\"), Service.Name() })
        if (!Path.Append(Part).Ok())
            return;
    Key = std::move(Path);
    GivenUp = IsDisabled = Service.Number(L"Start", 0) == 4;
}

void StartFirmwareSoon()
{
    if (Key.View().Length == 0 || (!The && !(The = new (std::nothrow) Starter)))
        return;
    (void)The->Set(ke::InterruptTime() + Later);
}

bool IsFirmware(ob::Name ServiceKey) { return Key.View().Length != 0 && ob::Equal(ServiceKey, Key, true); }
bool IsFirmware(const Driver& D) { return IsFirmware(D.Key()); }

Status FirmwareControl(ke::Caller& Caller, Driver& Of, svc::DriverControl& Call)
{
    if (!IsFirmware(Of))
        return STATUS_ACCESS_DENIED;
    if (wd::Control(Call.Code.Get()) == wd::Control::PciRoutes)
        return TakeRoutes(Caller, Call);
    if (Call.InputLength < sizeof(wd::PowerRegisters))
        return STATUS_INVALID_PARAMETER;
    auto In = TRY(Call.InputBuffer.ReadAs<wd::PowerRegisters>(Caller));
    hal::SetSoftOff(In.PortA, In.ValueA, In.PortB, In.ValueB);
    hal::SetReset(In.ResetPort, u8(In.ResetValue));
    return STATUS_SUCCESS;
}

u32 LineOf(const wd::PciDevice& P, bool& ActiveLow)
{
    u32 Bus = P.Bus, Device = P.Device, Pin = P.Config[0x3D];
    ActiveLow = true;
    if (Pin < 1 || Pin > 4)
        return ~0u;
    // Each bridge turns the pins by the device's number (PCI-to-PCI Bridge Architecture 1.2, section 9.1).
    for (u32 Depth = 0; Told && Depth < 8; ++Depth) {
        if (auto* R = Find(Bus, Device, Pin)) {
            ActiveLow = R->ActiveLow;
            return R->Line;
        }
        const wd::PciDevice* Bridge = BridgeTo(Bus);
        if (!Bridge)
            break;
        Pin = ((Pin - 1 + Device) & 3) + 1;
        Bus = Bridge->Bus;
        Device = Bridge->Device;
    }
    return P.Bus == 0 && !Told ? hal::PciInterruptLine(P.Device, P.Config[0x3D]) : ~0u;
}

bool MustAwaitRoutes(const wd::PciDevice& P, const Driver& By)
{
    if (Told || GivenUp || !P.Config[0x3D] || Key.View().Length == 0 || (HasMessages(P) && WantsMessages(By)))
        return false;
    auto D = FindOrMakeDriver(Key);
    if (!D.Ok() || D.Value()->Now() == Driver::State::Failed || D.Value()->WasUnloaded())
        return false;
    if (!WantedSince) {
        if (!The && !(The = new (std::nothrow) Starter))
            return false;
        WantedSince = ke::InterruptTime();
        (void)The->Set(WantedSince);
    }
    return true;
}

}
