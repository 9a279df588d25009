// Loading and unloading by service key, and what the registry starts by itself.
#include <string.h>

#include "lib/core/defer.hpp"
#include "ntos/cm/key.hpp"
#include "ntos/ex/log.hpp"
#include "ntos/hal/hal.hpp"
#include "ntos/ex/ex.hpp"
#include "ntos/io/fs/fs.hpp"
#include "ntos/io/driver/firmware.hpp"
#include "ntos/io/driver/fixed.hpp"
#include "ntos/io/driver/hardware.hpp"
#include "ntos/io/fs/fs.hpp"
#include "ntos/io/pnp/pnp.hpp"
#include "ntos/mm/space.hpp"

namespace io::driver {

using namespace nt;

static constexpr u32 LoadDriverPrivilege = 10;
static constexpr ob::Name Services = L"\\Registry\\Machine\\System\\CurrentControlSet\\Services";

Result<Ref<Driver>> FindOrMakeDriver(ob::Name Key)
{
    usize At = Key.Length;
    while (At && Key.Data[At - 1] != L'\\')
        --At;
    ob::Name Last = Key.From(At);
    if (!At || Last.IsEmpty())
        return STATUS_OBJECT_PATH_SYNTAX_BAD;
    (void)TRY(cm::OpenNode(Key, false));
    ob::String Path = TRY(ob::String::Copy(L"\\Driver\\"));
    TRY(Path.Append(Last));
    if (auto Old = ob::LookupKernel(Path); Old.Ok()) {
        if (&Old.Value()->GetType() != &Driver::Type)
            return STATUS_OBJECT_TYPE_MISMATCH;
        return Ref<Driver>::Adopt(static_cast<Driver&>(*Old.Value().Leak()));
    }
    Ref<Driver> New = TRY(ob::Make<Driver>(TRY(ob::String::Copy(Last)), TRY(ob::String::Copy(Key))));
    TRY(ob::InsertKernel(New, Path, true));
    return New;
}

static ke::Task<> Load(ke::Caller& Caller, Ref<Driver> D)
{
    if (D->Now() == Driver::State::Running || D->Now() == Driver::State::Starting || D->Now() == Driver::State::Unloading)
        co_return STATUS_IMAGE_ALREADY_LOADED;
    D->ForgetDeaths();
    CO_TRY(D->StartProcess());
    while (D->Now() == Driver::State::Starting)
        CO_TRY(co_await ke::WaitFor(D->Changed));
    co_return D->Now() == Driver::State::Running ? Status(STATUS_SUCCESS) : D->Outcome().Ok() ? Status(STATUS_DRIVER_PROCESS_TERMINATED) : D->Outcome();
}

static ke::Task<> Unload(ke::Caller& Caller, Ref<Driver> D)
{
    CO_TRY(D->BeginUnload());
    while (D->Now() == Driver::State::Running || D->Now() == Driver::State::Unloading) {
        CO_TRY(co_await ke::WaitFor(D->Changed));
        if (D->Now() == Driver::State::Running)
            co_return STATUS_INVALID_DEVICE_REQUEST;    // it has no unload routine
    }
    co_return D->Outcome().Ok() ? Status(STATUS_SUCCESS) : Status(STATUS_DRIVER_PROCESS_TERMINATED);      // it is gone either way
}

static Result<Ref<Driver>> Named(ke::Caller& Caller, ke::UserPtr<UNICODE_STRING> Name)
{
    if (!se::HasPrivilege(Caller.Thread().EffectiveToken(), LoadDriverPrivilege))
        return STATUS_PRIVILEGE_NOT_HELD;
    ob::String Key = TRY(ob::CaptureString(Caller, Name));
    return FindOrMakeDriver(Key);
}

}

using namespace io::driver;

ke::Task<> NtLoadDriver(ke::Caller& Caller, svc::LoadDriver& Call)
{
    auto D = Named(Caller, Call.DriverServiceName);
    return D.Ok() ? Load(Caller, D.Take()) : ke::Task<>(D.GetStatus());
}

ke::Task<> NtUnloadDriver(ke::Caller& Caller, svc::UnloadDriver& Call)
{
    auto D = Named(Caller, Call.DriverServiceName);
    return D.Ok() ? Unload(Caller, D.Take()) : ke::Task<>(D.GetStatus());
}

ke::Task<> NtDriverControl(ke::Caller& Caller, svc::DriverControl& Call)
{
    auto* In = static_cast<Channel*>(Caller.Process().Driver);
    if (!In)
        return ke::Task<>(Status(STATUS_ACCESS_DENIED));
    u32 Code = Call.Code;
    if (Code >= u32(wd::Control::CacheOpen) && Code <= u32(wd::Control::CacheSettle))
        return io::fs::CacheControl(Caller, *In, Call);
    return ke::Task<>(In->Of().Control(Caller, Call));
}

namespace io {

Status InitializeDrivers()
{
    hal::SetInterruptHandler(hal::DriverDoorbells, DrainAll);
    ex::ShutdownFileSystems = fs::Shutdown;
    LettersMayBeGiven = pnp::ArmTriggers;
    return STATUS_SUCCESS;
}

void StartBootDrivers()
{
    // The RAM volume is a volume like others: GUID_DEVINTERFACE_VOLUME.
    static constexpr driver::wd::Guid VolumeClass { { 0x0D, 0x63, 0xF5, 0x53, 0xBF, 0xB6, 0xD0, 0x11, 0x94, 0xF2, 0x00, 0xA0, 0xC9, 0x1E, 0xFB, 0x8B } };
    if (Status S = pnp::AddOwnInterface(VolumeClass, L"\\??\\STORAGE#Volume#BootArchive#{53f5630d-b6bf-11d0-94f2-00a0c91efb8b}", L"\\Device\\HarddiskVolume1"); !S.Ok())
        ex::Log("pnp: the first volume has no interface: 0x%x\n", u32(S.Code()));
    driver::EnumeratePci();
    Defer Devices = [] {
        StartFirmwareSoon();
        pnp::Look();
    };
    auto Keys = cm::OpenNode(driver::Services, false);
    if (!Keys.Ok())
        return;
    for (usize I = 0; I < Keys.Value()->ChildCount(); ++I) {
        cm::Node& N = *Keys.Value()->Child(I);
        PlaceDemandDevices(N);
        NoteService(N);
        if (N.Number(L"Start", 4) > 1 || !(N.Number(L"Type", 0) & 3))
            continue;
        auto Go = [&]() -> Status {
            ob::String Path = TRY(ob::String::Copy(driver::Services));
            TRY(Path.Append(L"\\"));
            TRY(Path.Append(N.Name()));
            return TRY(FindOrMakeDriver(Path))->StartProcess();
        };
        if (Status S = Go(); !S.Ok())
            ex::Log("driver %S: cannot be started: 0x%x\n", N.Name(), u32(S.Code()));
    }
}

}
