// What the registry says about devices: keys below Enum, services, filters.
#include <string.h>

#include "ntos/cm/key.hpp"
#include "ntos/ex/log.hpp"
#include "ntos/io/driver/firmware.hpp"
#include "ntos/io/driver/fixed.hpp"
#include "ntos/io/pnp/devnode.hpp"

namespace io::pnp {

using namespace nt;

namespace {

constexpr ob::Name CurrentControlSet = L"\\Registry\\Machine\\System\\CurrentControlSet\\";
constexpr u32 RegSz = 1, RegDword = 4, RegMultiSz = 7, RegResourceList = 8;

Result<Ref<cm::Node>> Open(ob::Name First, ob::Name Second, bool Create = false)
{
    ob::String Path = TRY(ob::String::Copy(CurrentControlSet));
    TRY(Path.Append(First));
    TRY(Path.Append(Second));
    return cm::OpenNode(Path, Create);
}

// A text value, or several; null characters end each.
Result<Vector<wchar_t>> Text(cm::Node& Of, ob::Name Name)
{
    cm::UpperName Upper;
    TRY(Upper.Set(Name));
    const cm::Value* V = Of.FindValue(Upper);
    if (!V || (V->Type != RegSz && V->Type != RegMultiSz) || V->Data.Size() < 4)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    Vector<wchar_t> Characters;
    TRY(Characters.Resize(V->Data.Size() / 2));
    memcpy(Characters.Data(), V->Data.Data(), V->Data.Size() & ~usize(1));
    TRY(Characters.Push(L'\0'));
    TRY(Characters.Push(L'\0'));
    return Characters;
}

Status SetText(cm::Node& Of, ob::Name Name, u32 Type, const wchar_t* Characters, usize Count)
{
    cm::UpperName Upper;
    TRY(Upper.Set(Name));
    Vector<u8> Data;
    TRY(Data.Resize(Count * 2));
    memcpy(Data.Data(), Characters, Count * 2);
    return Of.SetValue(Name, Upper, Type, std::move(Data));
}

// Text that the key has already is not written again: who watches it would be told.
Status SetText(cm::Node& Of, ob::Name Name, ob::Name Text)
{
    const cm::Value* V = Of.FindValue(Name);
    if (V && V->Type == RegSz && V->Data.Size() == (Text.Length + 1) * 2 && memcmp(V->Data.Data(), Text.Data, Text.Length * 2) == 0)
        return STATUS_SUCCESS;
    ob::String Terminated = TRY(ob::String::Copy(Text));
    TRY(Terminated.Characters().Push(L'\0'));
    return SetText(Of, Name, RegSz, Terminated.Characters().Data(), Text.Length + 1);
}

ob::Name First(const Vector<wchar_t>& Names)
{
    usize N = 0;
    while (N < Names.Size() && Names[N])
        ++N;
    return { Names.Data(), N };
}

template <typename F> Status ForEachName(const Vector<wchar_t>& Names, F Each)
{
    for (usize At = 0; At < Names.Size() && Names[At];) {
        usize End = At;
        while (End < Names.Size() && Names[End])
            ++End;
        TRY(Each(ob::Name(Names.Data() + At, End - At)));
        At = End + 1;
    }
    return STATUS_SUCCESS;
}

bool IsHosted(ob::Name Service)
{
    auto Key = Open(L"Services\\", Service);
    return Key.Ok() && Key.Value()->Number(L"Hosted", 0);
}

Status AddLayer(Devnode& N, ob::Name Service)
{
    if (!N.Layers.IsEmpty() && IsHosted(Service)) {
        Vector<wchar_t>& To = N.Layers.Last().Hosted;
        if (To.IsEmpty())
            TRY(To.Push(L'\0'));
        if (To.Size() + Service.Length + 1 > driver::wd::MaximumHosted)
            return STATUS_INSUFFICIENT_RESOURCES;
        To.Last() = Service.Length ? Service.Data[0] : L'\0';
        for (usize I = 1; I < Service.Length; ++I)
            TRY(To.Push(Service.Data[I]));
        TRY(To.Push(L'\0'));
        return To.Push(L'\0');
    }
    ob::String Key = TRY(ob::String::Copy(CurrentControlSet));
    TRY(Key.Append(L"Services\\"));
    TRY(Key.Append(Service));
    Layer L { TRY(driver::FindOrMakeDriver(Key)) };
    L.OnOpen = driver::StartsOnOpen(Key) || driver::IsFirmware(Key);     // by driver/firmware.cpp
    return N.Layers.Push(std::move(L));
}

Status AddFilters(Devnode& N, RefPtr<cm::Node> From, ob::Name Value)
{
    if (!From)
        return STATUS_SUCCESS;
    auto Names = Text(*From, Value);
    return Names.Ok() ? ForEachName(Names.Value(), [&](ob::Name S) { return AddLayer(N, S); }) : Status(STATUS_SUCCESS);
}

RefPtr<cm::Node> ClassKey(cm::Node& Of)
{
    auto Guid = Text(Of, L"ClassGUID");
    if (!Guid.Ok())
        return nullptr;
    auto Key = Open(L"Control\\Class\\", First(Guid.Value()));
    return Key.Ok() ? RefPtr<cm::Node>(Key.Take()) : nullptr;
}

}

Status Record(Devnode& N)
{
    Ref<cm::Node> Key = TRY(Open(L"Enum\\", N.Path, true));
    if (!N.Hardware.IsEmpty())
        TRY(SetText(*Key, L"HardwareID", RegMultiSz, N.Hardware.Data(), N.Hardware.Size()));
    if (!N.Compatible.IsEmpty())
        TRY(SetText(*Key, L"CompatibleIDs", RegMultiSz, N.Compatible.Data(), N.Compatible.Size()));
    if (!N.Container.IsEmpty())
        TRY(SetText(*Key, L"ContainerID", N.Container));
    if (N.Capabilities)
        TRY(Key->SetValue(L"Capabilities", RegDword, &N.Capabilities, sizeof(u32)));
    u32 Flags = Key->Number(L"ConfigFlags", 0);
    return Key->SetValue(L"ConfigFlags", RegDword, &Flags, sizeof(Flags));
}

static Status SetLinked(cm::Node& Reference, u32 Linked)
{
    cm::UpperName Upper;
    TRY(Upper.Set(L"Control"));
    RefPtr<cm::Node> Control(Reference.Find(Upper));
    if (!Control && !Linked)
        return STATUS_SUCCESS;
    if (!Control)                       // what is linked now says nothing of the next start
        Control = TRY(cm::Node::Create(Reference, L"Control", {}, true));
    return Control->Number(L"Linked", ~0u) == Linked ? Status(STATUS_SUCCESS) : Control->SetValue(L"Linked", RegDword, &Linked, sizeof(Linked));
}

// DeviceClasses\{class}\##?#BUS#ID#INSTANCE#{class}
static Result<Ref<cm::Node>> InterfaceKey(ob::Name Link, bool Create)
{
    constexpr usize Head = 4, Guid = 38;       // \??\ and {...}
    if (Link.Length < Head + Guid)
        return STATUS_INVALID_PARAMETER;
    ob::String Path = TRY(ob::String::Copy(Link.From(Link.Length - Guid)));
    TRY(Path.Append(L"\\##?#"));
    TRY(Path.Append(Link.From(Head)));
    return Open(L"Control\\DeviceClasses\\", Path, Create);
}

Status RecordInterface(ob::Name Link, ob::Name Reference, ob::Name Instance, bool Linked)
{
    Ref<cm::Node> Key = TRY(InterfaceKey(Link, true));
    TRY(SetText(*Key, L"DeviceInstance", Instance));
    ob::String Name = TRY(ob::String::Copy(L"#"));
    TRY(Name.Append(Reference));
    for (wchar_t& C : Name.Characters())
        if (C == L'\\')
            C = L'#';
    cm::UpperName Upper;
    TRY(Upper.Set(Name));
    RefPtr<cm::Node> Sub(Key->Find(Upper));
    if (!Sub)
        Sub = TRY(cm::Node::Create(*Key, Name, {}, false));
    ob::String Path = TRY(ob::String::Copy(L"\\\\?\\"));
    TRY(Path.Append(Link.From(4)));
    if (!Reference.IsEmpty()) {
        TRY(Path.Append(L"\\"));
        TRY(Path.Append(Reference));
    }
    TRY(SetText(*Sub, L"SymbolicLink", Path));
    return SetLinked(*Sub, Linked);
}

Status RecordUnlinked(ob::Name Link)
{
    Ref<cm::Node> Key = TRY(InterfaceKey(Link, false));
    for (usize I = 0; I < Key->ChildCount(); ++I)
        TRY(SetLinked(*Key->Child(I), 0));
    return STATUS_SUCCESS;
}

// A CM_RESOURCE_LIST with one bus; what cannot be given (busses' windows, DMA channels) is left out.
Status ReadList(const Vector<u8>& From, Vector<wd::Resource>& To)
{
    constexpr usize Head = 4 + 8 + 8, Each = 20;        // count; interface, bus number; version and revision, count
    u32 Count;
    if (From.Size() < Head)
        return STATUS_SUCCESS;
    memcpy(&Count, From.Data() + Head - 4, 4);
    for (u32 I = 0; I < Count && Head + (I + 1) * Each <= From.Size() && To.Size() < wd::MaximumResources; ++I) {
        const u8* At = From.Data() + Head + I * Each;
        wd::Resource R {};
        u32 Length;
        R.Type = At[0];
        R.Shared = At[1] == 3;          // CmResourceShareShared
        if (R.Type == 1 || R.Type == 3) {
            memcpy(&R.Start, At + 4, 8);
            memcpy(&Length, At + 12, 4);
            R.Bytes = Length;
            if (!Length || R.Start + R.Bytes < R.Start)
                continue;
        } else if (R.Type == 2) {
            memcpy(&Length, At + 8, 4);
            R.Start = Length;           // the vector is the line
            R.Bytes = 1;
            R.Level = R.ActiveLow = !(At[2] & 1);       // CM_RESOURCE_INTERRUPT_LATCHED; level lines are PCI's
        } else {
            continue;
        }
        TRY(To.Push(R));
    }
    return STATUS_SUCCESS;
}

Status RecordResources(Devnode& N, std::span<const u8> List)
{
    ob::String Path = TRY(ob::String::Copy(N.Path));
    TRY(Path.Append(L"\\LogConf"));
    Ref<cm::Node> Key = TRY(Open(L"Enum\\", Path, true));
    return Key->SetValue(L"BootConfig", RegResourceList, List.data(), List.size());
}

static bool HaveCommonId(const Devnode& A, const Devnode& B)
{
    bool Found = false;
    ForEachName(A.Hardware, [&](ob::Name X) {
        return ForEachName(B.Hardware, [&](ob::Name Y) {
            Found |= ob::Equal(X, Y, true);
            return Status(STATUS_SUCCESS);
        });
    }).Ignore();                        // nothing in it fails
    return Found;
}

static const wd::Resource* FirstPort(const Devnode& N)
{
    for (const wd::Resource& R : N.Resources)
        if (R.Type == 1)
            return &R;
    return nullptr;
}

static Status CopyValues(cm::Node& From, cm::Node& To, std::span<const ob::Name> Only)
{
    for (usize I = 0; I < From.ValueCount(); ++I) {
        const cm::Value& V = From.ValueAt(I);
        bool Wanted = Only.empty();
        for (ob::Name N : Only)
            Wanted |= ob::Equal(V.Name, N, true);
        cm::UpperName Upper;
        TRY(Upper.Set(V.Name));
        if (Wanted && !To.FindValue(Upper))
            TRY(To.SetValue(V.Name, V.Type, V.Data.Data(), V.Data.Size()));
    }
    return STATUS_SUCCESS;
}

Status TakeOver(Devnode& N)
{
    const wd::Resource* Mine = FirstPort(N);
    if (!Mine)
        return STATUS_SUCCESS;
    for (Devnode& Old : Root->Children) {
        if (!Old.IsRoot || Old.Failed || !HaveCommonId(N, Old))
            continue;
        Ref<cm::Node> From = TRY(Open(L"Enum\\", Old.Path));
        if (Old.Resources.IsEmpty())
            TRY(driver::ReadResources(*From, Old.Resources));
        const wd::Resource* Its = FirstPort(Old);
        if (!Its || Its->Start != Mine->Start)
            continue;
        bool Driven = false;
        for (Layer& L : Old.Layers)
            Driven |= L.Added;
        (Driven ? N : Old).Failed = true;
        ex::Log("pnp: %S is %S\n", Old.Path.View(), N.Path.View());
        if (Driven)
            return STATUS_SUCCESS;
        Ref<cm::Node> To = TRY(Open(L"Enum\\", N.Path, true));
        const ob::Name Names[] = { L"Service", L"ClassGUID", L"Class", L"DeviceDesc", L"UpperFilters", L"LowerFilters" };
        TRY(CopyValues(*From, *To, Names));
        ob::String Parameters = TRY(ob::String::Copy(Old.Path)), NewParameters = TRY(ob::String::Copy(N.Path));
        TRY(Parameters.Append(L"\\Device Parameters"));
        TRY(NewParameters.Append(L"\\Device Parameters"));
        auto Values = Open(L"Enum\\", Parameters);
        return Values.Ok() ? CopyValues(*Values.Value(), *TRY(Open(L"Enum\\", NewParameters, true)), {}) : Status(STATUS_SUCCESS);
    }
    return STATUS_SUCCESS;
}

Status FindLayers(Devnode& N)
{
    Ref<cm::Node> Key = TRY(Open(L"Enum\\", N.Path, true));
    auto Service = Text(*Key, L"Service");
    if (!Service.Ok()) {
        auto Match = [&](ob::Name Id) -> Status {
            if (Service.Ok())
                return STATUS_SUCCESS;
            ob::String Name = TRY(ob::String::Copy(Id));
            for (wchar_t& C : Name.Characters())
                if (C == L'\\')
                    C = L'#';
            auto Entry = Open(L"Control\\CriticalDeviceDatabase\\", Name);
            if (!Entry.Ok())
                return STATUS_SUCCESS;
            Service = Text(*Entry.Value(), L"Service");
            auto Guid = Text(*Entry.Value(), L"ClassGUID");
            if (Guid.Ok())
                TRY(SetText(*Key, L"ClassGUID", RegSz, Guid.Value().Data(), First(Guid.Value()).Length + 1));
            return STATUS_SUCCESS;
        };
        TRY(ForEachName(N.Hardware, Match));
        TRY(ForEachName(N.Compatible, Match));
        if (Service.Ok())
            TRY(SetText(*Key, L"Service", RegSz, Service.Value().Data(), First(Service.Value()).Length + 1));
    }
    if (!Service.Ok() && !N.RawOk)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    // The packaged setupapi lists interfaces of devices only that have a class.
    if (!Service.Ok() && !Text(*Key, L"ClassGUID").Ok())
        TRY(SetText(*Key, L"ClassGUID", L"{00000000-0000-0000-0000-000000000000}"));
    RefPtr<cm::Node> Class = ClassKey(*Key), Own(Key.Get());
    N.Layers.Clear();
    if (N.IsRoot)
        TRY(driver::ReadResources(*Key, N.Resources));
    TRY(AddFilters(N, Own, L"LowerFilters"));
    TRY(AddFilters(N, Class, L"LowerFilters"));
    if (Service.Ok())
        TRY(AddLayer(N, First(Service.Value())));
    TRY(AddFilters(N, Own, L"UpperFilters"));
    TRY(AddFilters(N, Class, L"UpperFilters"));
    return STATUS_SUCCESS;
}

void FindRootDevices()
{
    auto Bus = Open(L"Enum\\", L"ROOT");
    if (!Bus.Ok())
        return;
    for (usize I = 0; I < Bus.Value()->ChildCount(); ++I) {
        cm::Node& Device = *Bus.Value()->Child(I);
        for (usize J = 0; J < Device.ChildCount(); ++J) {
            auto Make = [&]() -> Status {
                ob::String Path = TRY(ob::String::Copy(L"ROOT\\"));
                TRY(Path.Append(Device.Name()));
                TRY(Path.Append(L"\\"));
                TRY(Path.Append(Device.Child(J)->Name()));
                if (FindChild(*Root, Path))
                    return STATUS_SUCCESS;
                auto Hardware = Text(*Device.Child(J), L"HardwareID");
                Devnode* N = TRY(MakeNode(*Root, std::move(Path)));
                N->IsRoot = true;
                if (Hardware.Ok())
                    N->Hardware = Hardware.Take();
                return STATUS_SUCCESS;
            };
            Make().Ignore();            // without memory it is not there
        }
    }
}

}
