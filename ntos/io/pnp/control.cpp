// NtPlugPlayControl: a device is to be found, or removed. Buffers begin with the device's instance path (a UNICODE_STRING).
#include "ntos/io/pnp/devnode.hpp"
#include "ntos/se/se.hpp"

using namespace nt;

namespace io::pnp {

static Devnode* NodeAt(ob::Name Path)
{
    for (Devnode* N = Root; N; N = NextNode(N))
        if (N != Root && ob::Equal(N->Path, Path, true))
            return N;
    return nullptr;
}

ke::Task<> Enumerate(ob::String Path)
{
    Look();
    ke::Deadline Limit { ke::InterruptTime() + Patience };
    for (;;) {
        Devnode* N = Root ? NodeAt(Path) : nullptr;
        if (!N)
            co_return STATUS_NO_SUCH_DEVICE;
        if (N->Started || N->Failed || (N->LayersKnown && N->Layers.IsEmpty() && !N->RawOk))
            co_return N->Failed ? Status(STATUS_PLUGPLAY_NO_DEVICE) : Status(STATUS_SUCCESS);
        CO_TRY(co_await AwaitStep(Limit));
    }
}

ke::Task<> RemoveNode(ob::String Path)
{
    ke::Deadline Limit { ke::InterruptTime() + Patience };
    Devnode* N = Root ? NodeAt(Path) : nullptr;
    if (!N)
        co_return STATUS_NO_SUCH_DEVICE;
    if (!N->Vanished)
        N->Asked = Devnode::Removal::Wanted;
    Wake();
    while ((N = NodeAt(Path))) {
        if (N->Asked == Devnode::Removal::Refused) {
            N->Asked = Devnode::Removal::None;
            co_return STATUS_PLUGPLAY_QUERY_VETOED;
        }
        CO_TRY(co_await AwaitStep(Limit));
    }
    co_return STATUS_SUCCESS;
}

}

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
