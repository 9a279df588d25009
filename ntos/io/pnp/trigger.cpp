// Drivers that the registry wants when a device interface appears: Services\X\TriggerInfo\N with Type 1 (SERVICE_TRIGGER_TYPE_DEVICE_INTERFACE_ARRIVAL),
// Action 1 (start) and GUID, the interface class. Nothing is started before ArmTriggers: until then the start of the system may still change the registry and the
// names of drives.
#include <string.h>

#include "ntos/cm/key.hpp"
#include "ntos/ex/log.hpp"
#include "ntos/io/pnp/devnode.hpp"

namespace io::pnp {

using namespace nt;

namespace {

constexpr ob::Name Services = L"\\Registry\\Machine\\System\\CurrentControlSet\\Services";
constexpr u32 RegBinary = 3, RegDword = 4, InterfaceArrival = 1, StartIt = 1;
bool Armed;

bool Has(cm::Node& Of, ob::Name Name, u32 Type, const void* Data, usize Bytes)
{
    const cm::Value* V = Of.FindValue(Name);
    return V && V->Type == Type && V->Data.Size() == Bytes && memcmp(V->Data.Data(), Data, Bytes) == 0;
}

bool IsWanted(cm::Node& Triggers, const wd::Guid& Class)
{
    for (usize I = 0; I < Triggers.ChildCount(); ++I) {
        cm::Node& N = *Triggers.Child(I);
        if (Has(N, L"Type", RegDword, &InterfaceArrival, 4) && Has(N, L"Action", RegDword, &StartIt, 4) && Has(N, L"GUID", RegBinary, &Class, sizeof(Class)))
            return true;
    }
    return false;
}

Status Start(const wd::Guid& Class)
{
    Ref<cm::Node> Keys = TRY(cm::OpenNode(Services, false));
    for (usize I = 0; I < Keys->ChildCount(); ++I) {
        ob::String Path = TRY(ob::String::Copy(Services));
        TRY(Path.Append(L"\\"));
        TRY(Path.Append(Keys->Child(I)->Name()));
        ob::String Below = TRY(ob::String::Copy(Path));
        TRY(Below.Append(L"\\TriggerInfo"));
        auto Triggers = cm::OpenNode(Below, false);
        if (!Triggers.Ok() || !IsWanted(*Triggers.Value(), Class))
            continue;
        Ref<Driver> D = TRY(driver::FindOrMakeDriver(Path));
        if (D->Now() != Driver::State::Stopped || D->HasDied() || D->WasUnloaded())
            continue;
        if (Status S = D->StartProcess(); !S.Ok())
            ex::Log("driver %S: cannot be started: 0x%x\n", D->Name(), u32(S.Code()));
    }
    return STATUS_SUCCESS;
}

}

void Triggered(const wd::Guid& Class)
{
    if (Armed)
        Start(Class).Ignore();          // without memory nothing starts
}

void ArmTriggers()
{
    if (std::exchange(Armed, true))
        return;
    Vector<wd::Guid> Classes;
    if (EnabledClasses(Classes).Ok())
        for (const wd::Guid& C : Classes)
            Triggered(C);
}

}
