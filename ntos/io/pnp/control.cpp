// NtPlugPlayControl: a device is to be found, or removed. Buffers begin with the device's instance path (a UNICODE_STRING).
#include "ntos/io/pnp/pnp.hpp"
#include "ntos/se/se.hpp"

using namespace nt;

ke::Task<> NtPlugPlayControl(ke::Caller& Caller, svc::PlugPlayControl& Call)
{
    // PLUGPLAY_CONTROL_CLASS
    constexpr u32 EnumerateDevice = 0, QueryAndRemoveDevice = 6;
    constexpr u32 LoadDriverPrivilege = 10;
    if (!se::HasPrivilege(Caller.Thread().EffectiveToken(), LoadDriverPrivilege))
        return ke::Task<>(Status(STATUS_PRIVILEGE_NOT_HELD));
    u32 Class = Call.Class;
    if (Class != EnumerateDevice && Class != QueryAndRemoveDevice)
        return ke::Task<>(Status(STATUS_NOT_IMPLEMENTED));
    if (Call.Length < sizeof(UNICODE_STRING))
        return ke::Task<>(Status(STATUS_INVALID_PARAMETER));
    auto Path = ob::CaptureString(Caller, ke::UserPtr<UNICODE_STRING>::At(Call.Data.Address()));
    if (!Path.Ok())
        return ke::Task<>(Path.GetStatus());
    return Class == EnumerateDevice ? io::pnp::Enumerate(Path.Take()) : io::pnp::RemoveNode(Path.Take());
}
