// Device interfaces: links \??\BUS#ID#INSTANCE#{class} to physical devices, and the drivers that want to know of them.
#include <string.h>

#include "ntos/io/fsrtl.hpp"
#include "ntos/ex/log.hpp"
#include "ntos/io/pnp/devnode.hpp"

namespace io::pnp {

using namespace nt;

namespace {

struct Interface {
    core::ListNode<Interface> Link;
    ob::String Name;                    // of the link, without the reference string
    ob::String Instance;                // of the device; empty: one of the Executive's own
    wd::Guid Class;
    RefPtr<Seat> Physical;              // null: a device of the Executive's own
    bool Enabled = false;
    static void* operator new(usize Bytes) noexcept { return ::operator new(Bytes, std::nothrow); }
    static void operator delete(void* At) { ::operator delete(At); }
};
struct Listener {
    core::ListNode<Listener> Link;
    wd::Guid Class;
    Channel* In;
    u64 Cookie;
    static void* operator new(usize Bytes) noexcept { return ::operator new(Bytes, std::nothrow); }
    static void operator delete(void* At) { ::operator delete(At); }
};
Immortal<core::List<Interface, &Interface::Link>> Interfaces;
Immortal<core::List<Listener, &Listener::Link>> Listeners;

bool Same(const wd::Guid& A, const wd::Guid& B) { return memcmp(&A, &B, sizeof(A)) == 0; }

class ChangeIrp final : public driver::Irp {
public:
    ChangeIrp(u64 Cookie, bool Arrival, ob::String Name) : Name_(std::move(Name))
    {
        M.What = wd::Kind::InterfaceChange;
        M.Device = Cookie;
        M.Parameters[0] = Arrival;
        M.InputBytes = DataBytes = u32(Name_.View().Length * 2);
    }
    Status CopyIn(Channel& In) override { return In.WriteData(*this, 0, Name_.View().Data, M.InputBytes); }
    void Done(Channel&, Status, u64, u64, bool) override { }

private:
    ob::String Name_;
};

void Tell(const Listener& L, const Interface& I, bool Arrival)
{
    auto Name = ob::String::Copy(I.Name);
    if (!Name.Ok())
        return;
    if (auto* C = new ChangeIrp(L.Cookie, Arrival, Name.Take()))
        L.In->Submit(*C);
}

void TellAll(const Interface& I, bool Arrival)
{
    for (Listener& L : *Listeners)
        if (Same(L.Class, I.Class))
            Tell(L, I, Arrival);
}

Status Hex(ob::String& To, const wd::Guid& G, std::span<const u8> Order)
{
    for (u8 I : Order) {
        if (I == 0xFF) {
            TRY(To.Characters().Push(L'-'));
            continue;
        }
        TRY(To.Characters().Push(L"0123456789abcdef"[G.Bytes[I] >> 4]));
        TRY(To.Characters().Push(L"0123456789abcdef"[G.Bytes[I] & 15]));
    }
    return STATUS_SUCCESS;
}

Status MakeLink(Interface& I)
{
    DriverDevice* D = I.Physical->Now();
    if (!D)
        return STATUS_DEVICE_NOT_CONNECTED;
    if (!D->Parent()) {
        // Without a name it gets one.
        static u32 Given;
        wchar_t Name[] = L"\\Device\\NTPNP_00000000";
        for (u32 J = 0, N = ++Given; J < 8; ++J)
            Name[14 + J] = L"0123456789abcdef"[N >> (28 - 4 * J) & 15];
        TRY(NameDevice(Ref<Device>(*D), ob::Name(Name, 22)));
    }
    ob::String Target = TRY(D->QueryName());
    return ob::LinkKernel(I.Name, Target);
}

void DropLink(const Interface& I)
{
    auto Found = ob::LookupKernel(I.Name, true);
    if (Found.Ok())
        ob::MakePermanent(*Found.Value(), false);
}

Interface* Find(ob::Name Name)
{
    for (Interface& I : *Interfaces)
        if (ob::Equal(I.Name, Name, true))
            return &I;
    return nullptr;
}

}

Result<ob::String> RegisterInterface(Driver& By, Seat& Physical, const wd::Guid& Class, ob::Name Reference)
{
    ob::String Name = TRY(ob::String::Copy(L"\\??\\"));
    usize From = 4;
    ob::String Instance;
    // The physical device that the process itself has made belongs to the devnode only when AddDevice has returned.
    bool Is = Adding && Adding->HostsPhysical() && !AddingLayer && Adding->Layers[0].Of.Get() == &By && !Physical.Below();
    Devnode* Node = Physical.Node ? Physical.Node : Is ? Adding : nullptr;
    if (Node) {
        TRY(Instance.Append(Node->Path));
    } else {
        TRY(Instance.Append(L"ROOT\\"));
        TRY(Instance.Append(By.Name()));
        TRY(Instance.Append(L"\\0000"));
    }
    TRY(Name.Append(Instance));
    for (usize I = From; I < Name.View().Length; ++I)
        if (Name.Characters()[I] == L'\\')
            Name.Characters()[I] = L'#';
    static constexpr u8 Order[] = { 3, 2, 1, 0, 0xFF, 5, 4, 0xFF, 7, 6, 0xFF, 8, 9, 0xFF, 10, 11, 12, 13, 14, 15 };
    TRY(Name.Append(L"#{"));
    TRY(Hex(Name, Class, Order));
    TRY(Name.Append(L"}"));
    ob::String Whole = TRY(ob::String::Copy(Name));
    if (!Reference.IsEmpty()) {
        TRY(Whole.Append(L"\\"));
        TRY(Whole.Append(Reference));
    }
    if (Interface* Old = Find(Name)) {
        Old->Physical = RefPtr<Seat>(&Physical);
        TRY(RecordInterface(Name, Reference, Instance, Old->Enabled));
        return Whole;
    }
    TRY(RecordInterface(Name, Reference, Instance, false));
    auto* I = new Interface;
    if (!I)
        return STATUS_INSUFFICIENT_RESOURCES;
    I->Name = std::move(Name);
    I->Instance = std::move(Instance);
    I->Class = Class;
    I->Physical = RefPtr<Seat>(&Physical);
    Interfaces->PushBack(*I);
    return Whole;
}

Status SetInterface(ob::Name Link, bool Enable)
{
    // The link ends with the class.
    usize End = Link.Length;
    for (usize I = 0; I < Link.Length; ++I)
        if (Link.Data[I] == L'}')
            End = I + 1;
    Interface* I = Find(ob::Name(Link.Data, End));
    if (!I)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    if (I->Enabled == Enable)
        return Enable ? STATUS_OBJECT_NAME_EXISTS : STATUS_OBJECT_NAME_NOT_FOUND;
    if (Enable)
        TRY(MakeLink(*I));
    else
        DropLink(*I);
    I->Enabled = Enable;
    ob::Name Reference = End < Link.Length ? Link.From(End + 1) : ob::Name();
    RecordInterface(I->Name, Reference, I->Instance, Enable).Ignore();       // without memory only programs that look do not find it
    TellAll(*I, Enable);
    if (Enable)
        Triggered(I->Class);
    return STATUS_SUCCESS;
}

Status AddOwnInterface(const wd::Guid& Class, ob::Name Link, ob::Name Device)
{
    ob::String Name = TRY(ob::String::Copy(Link));
    TRY(ob::LinkKernel(Link, Device));
    auto* I = new Interface;
    if (!I)
        return STATUS_INSUFFICIENT_RESOURCES;
    I->Name = std::move(Name);
    I->Class = Class;
    I->Enabled = true;
    Interfaces->PushBack(*I);
    return STATUS_SUCCESS;
}

Status EnabledClasses(Vector<wd::Guid>& To)
{
    for (Interface& I : *Interfaces)
        if (I.Enabled && I.Physical)
            TRY(To.Push(I.Class));
    return STATUS_SUCCESS;
}

Status ListInterfaces(const wd::InterfaceQuery& Query, Vector<wchar_t>& Names)
{
    for (Interface& I : *Interfaces) {
        if (!Same(I.Class, Query.Class) || (!I.Enabled && !Query.Disabled) || (Query.Device && (!I.Physical || I.Physical->Id() != Query.Device)))
            continue;
        for (wchar_t C : I.Name.Characters())
            TRY(Names.Push(C));
        TRY(Names.Push(L'\0'));
    }
    return Names.Push(L'\0');
}

Status Notify(Channel& In, const wd::Notification& N)
{
    auto* L = new Listener;
    if (!L)
        return STATUS_INSUFFICIENT_RESOURCES;
    L->Class = N.Class;
    L->In = &In;
    L->Cookie = N.Cookie;
    Listeners->PushBack(*L);
    if (N.Existing)
        for (Interface& I : *Interfaces)
            if (I.Enabled && Same(I.Class, N.Class))
                Tell(*L, I, true);
    return STATUS_SUCCESS;
}

void EndNotify(Channel& In, u64 Cookie)
{
    for (Listener& L : *Listeners) {
        if (L.In == &In && L.Cookie == Cookie) {
            delete &L;
            return;
        }
    }
}

void ChannelEnds(Channel& In)
{
    for (bool Again = true; Again;) {
        Again = false;
        for (Listener& L : *Listeners) {
            if (L.In != &In)
                continue;
            delete &L;
            Again = true;
            break;
        }
    }
    // Interfaces of devices outside of devnodes are gone with the devices.
    for (bool Again = true; Again;) {
        Again = false;
        for (Interface& I : *Interfaces) {
            if (!I.Physical || I.Physical->Node || I.Physical->Now())
                continue;
            if (std::exchange(I.Enabled, false)) {
                DropLink(I);
                RecordUnlinked(I.Name).Ignore();
                TellAll(I, false);
            }
            delete &I;
            Again = true;
            break;
        }
    }
}

void Relink(Devnode& N)
{
    for (Interface& I : *Interfaces) {
        if (!I.Physical || I.Physical->Node != &N || !I.Enabled || !N.Physical)
            continue;
        I.Physical = N.Physical;
        DropLink(I);
        MakeLink(I).Ignore();           // without memory the name is lost
    }
}

void DisableAll(Devnode& N)
{
    for (Interface& I : *Interfaces) {
        if (!I.Physical || I.Physical->Node != &N || !std::exchange(I.Enabled, false))
            continue;
        DropLink(I);
        RecordUnlinked(I.Name).Ignore();
        TellAll(I, false);
    }
}

Status Property(Seat& Physical, u32 Which, Vector<u8>& To)
{
    Devnode* N = Physical.Node;
    auto Put = [&](ob::Name Text, bool Terminate) -> Status {
        TRY(To.Resize(Text.Length * 2 + (Terminate ? 2 : 0)));
        memset(To.Data(), 0, To.Size());
        memcpy(To.Data(), Text.Data, Text.Length * 2);
        return STATUS_SUCCESS;
    };
    // DEVICE_REGISTRY_PROPERTY
    switch (Which) {
    case 1:
    case 2: {
        if (!N)
            return STATUS_INVALID_DEVICE_REQUEST;
        const Vector<wchar_t>& Names = Which == 1 ? N->Hardware : N->Compatible;
        return Names.IsEmpty() ? Status(STATUS_OBJECT_NAME_NOT_FOUND) : Put(ob::Name(Names.Data(), Names.Size()), false);
    }
    case 11: {
        if (!Physical.Now() || !Physical.Now()->Parent())
            return STATUS_OBJECT_NAME_NOT_FOUND;
        ob::String Name = TRY(Physical.Now()->QueryName());
        return Put(Name, true);
    }
    case 15: {
        if (!N)
            return STATUS_INVALID_DEVICE_REQUEST;
        usize Bus = 0;
        while (Bus < N->Path.View().Length && N->Path.View().Data[Bus] != L'\\')
            ++Bus;
        return Put(ob::Name(N->Path.View().Data, Bus), true);
    }
    case ~0u: return N ? Put(N->Path, true) : Status(STATUS_INVALID_DEVICE_REQUEST);
    default: return STATUS_OBJECT_NAME_NOT_FOUND;
    }
}

}
