// Drivers that start when they are wanted. A service key may have a value StartOnOpen: names in the namespace under which devices of the Executive's wait. The first
// open of one starts the driver and waits until its devices are set up; by then the driver's own device or link has taken the name.
#include "ntos/cm/key.hpp"
#include "ntos/ex/log.hpp"
#include "ntos/io/driver/fixed.hpp"
#include "ntos/io/pnp/pnp.hpp"
#include "ntos/ke/wait.hpp"

namespace io::driver {

using namespace nt;

class DemandDevice final : public Device {
public:
    explicit DemandDevice(ob::String Key) : Device(FILE_DEVICE_UNKNOWN, 0), Key_(std::move(Key)) { Fallback = true; }
    Result<ob::ParseResult> Open(ob::OpenRequest& Request, CreateParameters& How, File*, ob::Name, bool) override
    {
        auto* Own = static_cast<Channel*>(Request.Caller.Process().Driver);
        if (How.Query || (Own && ob::Equal(Own->Of().Key(), Key_, true)))
            return STATUS_DEVICE_NOT_READY;
        How.NotReady = RefPtr<ob::Object>(this);
        return STATUS_RETRY;
    }
    ke::Task<> MakeReady() override
    {
        auto D = FindOrMakeDriver(Key_);
        return D.Ok() ? StartAndWait(D.Take()) : ke::Task<>(D.GetStatus());
    }

private:
    static ke::Task<> StartAndWait(Ref<Driver> D)
    {
        if (D->Now() == Driver::State::Stopped)
            CO_TRY(D->StartProcess());
        while (D->Now() == Driver::State::Starting) {
            D->Changed.Reset();
            CO_TRY(co_await ke::WaitFor(D->Changed));
        }
        if (D->Now() != Driver::State::Running)
            co_return D->Outcome().Ok() ? Status(STATUS_DEVICE_NOT_READY) : D->Outcome();
        co_return co_await pnp::Settle(D);
    }
    ob::String Key_;
};

static const cm::Value* NamesOf(cm::Node& N)
{
    const cm::Value* V = N.FindValue(L"StartOnOpen");
    return V && V->Type == 7 ? V : nullptr;     // REG_MULTI_SZ
}

bool StartsOnOpen(ob::Name ServiceKey)
{
    auto N = cm::OpenNode(ServiceKey, false);
    return N.Ok() && NamesOf(*N.Value());
}

void PlaceDemandDevices(cm::Node& N)
{
    const cm::Value* V = NamesOf(N);
    if (!V)
        return;
    auto* Text = reinterpret_cast<const wchar_t*>(V->Data.Data());
    usize Length = V->Data.Size() / 2;
    for (usize At = 0; At < Length && Text[At];) {
        usize End = At;
        while (End < Length && Text[End])
            ++End;
        auto Place = [&]() -> Status {
            ob::Name Name(Text + At, End - At);
            if (ob::LookupKernel(Name, true).Ok())
                return STATUS_SUCCESS;
            return NameDevice(TRY(ob::Make<DemandDevice>(TRY(N.Path()))), Name);
        };
        if (Status S = Place(); !S.Ok())
            ex::Log("service %S: a name it is to be started by cannot be made: 0x%x\n", N.Name(), u32(S.Code()));
        At = End + 1;
    }
}

void PlaceDemandDevices(ob::Name ServiceKey)
{
    if (auto N = cm::OpenNode(ServiceKey, false); N.Ok())
        PlaceDemandDevices(*N.Value());
}

}
