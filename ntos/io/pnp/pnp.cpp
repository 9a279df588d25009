// The tree of devnodes and the work on it: adding, starting, asking for children, removing.
#include <string.h>

#include "ntos/ex/log.hpp"
#include "ntos/io/driver/firmware.hpp"
#include "ntos/io/driver/fixed.hpp"
#include "ntos/io/driver/pci.hpp"
#include "ntos/io/pnp/devnode.hpp"

namespace io::pnp {

using namespace nt;
using driver::Irp;
namespace mj = driver::mj;

Devnode* Root;
Devnode* Adding;
usize AddingLayer;

namespace {

// IRP_MN_
constexpr u8 StartDevice = 0x00, QueryRemove = 0x01, RemoveDevice = 0x02, CancelRemove = 0x03, QueryRelations = 0x07, QueryCapabilities = 0x09, QueryResources = 0x0A, QueryId = 0x13, SurpriseRemoval = 0x17;
enum IdType : u32 { DeviceId = 0, HardwareIds = 1, CompatibleIds = 2, InstanceId = 3, ContainerId = 5 };
constexpr u32 AnswerRoom = 4096, CapabilitiesBytes = 64;
constexpr u32 MostAttempts = 8;
constexpr u64 GraceForChildren = 100'000'000;   // after a bus driver's return

struct Manager {
    ke::Event Wanted { ke::Event::Synchronization, false };
    const Devnode* UnderWay = nullptr;          // something is being done for it
    ke::Event Stepped { ke::Event::Notification, false };       // set after each step, reset by who waits
    bool Running = false;
    struct Grace : ke::Timer {
        Grace() : Timer(Expired) { }
        static void Expired(ke::Timer&);
    } Grace_;
    static void* operator new(usize Bytes) noexcept { return ::operator new(Bytes, std::nothrow); }
    static void operator delete(void* At) { ::operator delete(At); }
};
Manager* The;
struct Answer : RefCounted<Answer> {
    ke::Event Done { ke::Event::Notification, false };
    Status Outcome = STATUS_TIMEOUT;
    u64 Information = 0;
    Vector<u8> Data;
    static void* operator new(usize Bytes) noexcept { return ::operator new(Bytes, std::nothrow); }
    static void operator delete(void* At) { ::operator delete(At); }
};

class PnpIrp final : public Irp {
public:
    PnpIrp(RefPtr<Answer> To, Vector<u8>&& In, u32 Room) : To_(std::move(To)), In_(std::move(In))
    {
        M.InputBytes = u32(In_.Size());
        M.OutputBytes = Room;
        M.OutputOffset = u32(AlignUp(In_.Size(), 64));
        DataBytes = M.OutputOffset + Room;
    }
    Status CopyIn(Channel& C) override { return In_.IsEmpty() ? Status(STATUS_SUCCESS) : C.WriteData(*this, 0, In_.Data(), u32(In_.Size())); }
    void Done(Channel& C, Status Outcome, u64 Information, u64, bool Sent) override
    {
        To_->Outcome = Outcome == STATUS_PENDING ? Status(STATUS_DRIVER_INTERNAL_ERROR) : Outcome;
        To_->Information = Information;
        if (Sent && !C.IsDead()) {
            if (M.Minor == QueryCapabilities && M.What == wd::Kind::Irp)
                Take(C, 0, M.InputBytes);
            else if (Outcome.Ok() && Information <= M.OutputBytes)
                Take(C, M.OutputOffset, u32(Information));
        }
        To_->Done.Set();
    }

private:
    void Take(Channel& C, u32 At, u32 Bytes)
    {
        if (Status S = To_->Data.Resize(Bytes); S.Ok())
            S = C.ReadData(*this, At, To_->Data.Data(), Bytes);
        else
            To_->Outcome = S;
    }
    RefPtr<Answer> To_;
    Vector<u8> In_;
};

// Sent to the process; the answer comes later. Null: no memory.
RefPtr<Answer> Send(Channel& In, wd::Kind What, u64 Device, u8 Minor, u64 First, Vector<u8>&& Data, u32 Room)
{
    auto* A = new Answer;
    if (!A)
        return nullptr;
    RefPtr<Answer> Keep = RefPtr<Answer>::Adopt(A);
    auto* I = new PnpIrp(Keep, std::move(Data), Room);
    if (!I)
        return nullptr;
    I->M.What = What;
    I->M.Major = mj::Pnp;
    I->M.Minor = Minor;
    I->M.Mode = What == wd::Kind::Irp ? wd::Transfer::Pnp : wd::Transfer::None;
    I->M.Device = Device;
    I->M.Flags = wd::Exact;
    I->M.Parameters[0] = First;
    In.Submit(*I);
    return Keep;
}

// IRP_MJ_PNP to the device that has a seat now.
ke::Task<> Ask(RefPtr<Seat> Of, u8 Minor, u64 First, RefPtr<Answer>& Got)
{
    DriverDevice* D = Of ? Of->Now() : nullptr;
    if (!D || D->IsGone())
        co_return STATUS_DEVICE_NOT_CONNECTED;
    Vector<u8> In;
    if (Minor == QueryCapabilities) {
        // DEVICE_CAPABILITIES: size, version, the flags, then address and number ~0.
        CO_TRY(In.Resize(CapabilitiesBytes));
        memset(In.Data(), 0, CapabilitiesBytes);
        In[0] = CapabilitiesBytes;
        In[2] = 1;
        memset(In.Data() + 8, 0xFF, 8);
    }
    RefPtr<Answer> A = Send(D->In(), wd::Kind::Irp, D->Cookie, Minor, First, std::move(In), Minor == QueryId || Minor == QueryRelations || Minor == QueryResources ? AnswerRoom : 0);
    if (!A)
        co_return STATUS_INSUFFICIENT_RESOURCES;
    Status S = co_await ke::WaitFor(A->Done, false, ke::Deadline { ke::InterruptTime() + Patience });
    if (S.Code() != STATUS_SUCCESS)
        co_return S.Ok() ? Status(STATUS_IO_TIMEOUT) : S;
    Got = A;
    co_return A->Outcome;
}

bool IsDeath(Status S) { return S == STATUS_DEVICE_REMOVED || S == STATUS_DEVICE_NOT_CONNECTED; }

void Name(const Devnode& N, const char* What, Status S) { ex::Log("pnp: %S %s: 0x%x\n", N.Path.View(), What, u32(S.Code())); }

Seat* TopOf(Devnode& N) { return N.Physical ? &N.Physical->Top() : nullptr; }

// --- one layer

// A NewDevnode for the driver of layer At; it is given what it needs of the machine.
Status Describe(Devnode& N, usize At, Vector<u8>& To)
{
    Layer& L = N.Layers[At];
    TRY(To.Resize(sizeof(wd::NewDevnode)));
    auto& D = *new (To.Data()) wd::NewDevnode {};
    if (!L.Hosted.IsEmpty())
        memcpy(D.Hosted, L.Hosted.Data(), L.Hosted.Size() * sizeof(wchar_t));
    // The firmware's bus has no hand in what its children's drivers reach: each gets it from here.
    if (!N.HostsPhysical() && !N.Resources.IsEmpty()) {
        TRY(driver::GiveFixed({ N.Resources.Data(), N.Resources.Size() }, &N, *L.Of));
        D.Count = u32(N.Resources.Size());
        memcpy(D.Resources, N.Resources.Data(), N.Resources.Size() * sizeof(wd::Resource));
    }
    if (At != 0 || !N.HostsPhysical())
        return STATUS_SUCCESS;
    if (N.Pci) {
        driver::GiveFunction(*N.Pci, *L.Of);
        D.Pci = *N.Pci;
    }
    TRY(driver::GiveFixed({ N.Resources.Data(), N.Resources.Size() }, &N, *L.Of));
    D.Count = u32(N.Resources.Size());
    if (D.Count)
        memcpy(D.Resources, N.Resources.Data(), D.Count * sizeof(wd::Resource));
    return STATUS_SUCCESS;
}

ke::Task<> Add(Devnode& N, usize At)
{
    Layer& L = N.Layers[At];
    Ref<Driver> Of = L.Of;
    if (!Of->In())
        co_return STATUS_DEVICE_NOT_CONNECTED;
    Ref<Channel> In(*Of->In());
    Adding = &N;
    AddingLayer = At;
    RefPtr<Answer> A;
    Vector<u8> Data;
    CO_TRY(Describe(N, At, Data));
    if (At == 0 && N.HostsPhysical()) {
        A = Send(*In, wd::Kind::AddDevice, 0, 0, N.IsRoot, std::move(Data), 0);
    } else if (N.Physical) {
        CO_TRY(In->Grant(N.Physical->Id()));
        A = Send(*In, wd::Kind::AddAbove, 0, 0, N.Physical->Id(), std::move(Data), 0);
    }
    if (!A)
        co_return STATUS_INSUFFICIENT_RESOURCES;
    Status S = co_await ke::WaitFor(A->Done, false, ke::Deadline { ke::InterruptTime() + Patience });
    Adding = nullptr;
    if (S.Code() != STATUS_SUCCESS)
        co_return STATUS_IO_TIMEOUT;
    // A driver may have attached nothing; the physical device is there all the same.
    if (At == 0 && N.HostsPhysical() && A->Information) {
        RefPtr<Seat> P = Seat::Find(A->Information);
        if (P && P->Now() && &P->Now()->In() == In.Get()) {
            if (!N.Physical) {
                N.Physical = P;
                P->Node = &N;
            } else if (P != N.Physical) {
                N.Physical->Take(*P->Now());
            }
            Relink(N);
        }
    }
    co_return A->Outcome;
}

// --- a whole devnode

ke::Task<> StartNode(Devnode& N)
{
    RefPtr<Answer> A;
    Status S = co_await Ask(RefPtr<Seat>(TopOf(N)), StartDevice, 0, A);
    if (!S.Ok()) {
        if (IsDeath(S) && ++N.Attempts < MostAttempts)
            co_return S;                // its drivers come back
        Name(N, "does not start", S);
        N.Failed = true;
        co_return S;
    }
    N.Started = N.PhysicalStarted = N.AskRelations = true;
    for (Layer& L : N.Layers) {
        L.Started = true;
        for (auto& P : L.Places)
            P->Resume();
    }
    N.Physical->Resume();
    co_return STATUS_SUCCESS;
}

// A layer, or the physical device, that has come back below others.
ke::Task<> StartAgain(Devnode& N, RefPtr<Seat> Of)
{
    RefPtr<Answer> A;
    Status S = co_await Ask(Of, StartDevice, 0, A);
    if (IsDeath(S))
        co_return S;
    if (!S.Ok()) {
        Name(N, "does not start again", S);
        N.Failed = true;
        Of->GiveUp(STATUS_DEVICE_NOT_CONNECTED);
        co_return S;
    }
    N.AskRelations = true;
    if (!N.Children.IsEmpty()) {
        N.BusBackAt = ke::InterruptTime();
        (void)The->Grace_.Set(N.BusBackAt + GraceForChildren);
    }
    Of->Resume();
    co_return STATUS_SUCCESS;
}

Status Append(ob::String& To, const Vector<u8>& From)
{
    for (usize I = 0; I + 1 < From.Size(); I += 2) {
        wchar_t C;
        memcpy(&C, &From[I], 2);
        if (!C)
            break;
        TRY(To.Characters().Push(C));
    }
    return STATUS_SUCCESS;
}

Status Names(Vector<wchar_t>& To, const Vector<u8>& From)
{
    To.Clear();
    TRY(To.Resize(From.Size() / 2));
    memcpy(To.Data(), From.Data(), From.Size() & ~usize(1));
    TRY(To.Push(L'\0'));
    TRY(To.Push(L'\0'));
    usize End = 0;
    while (To[End])
        while (To[End++]) { }
    return To.Resize(End + 1);          // what follows the empty one is not the driver's
}

u32 Number(ob::Name Of)
{
    u32 H = 2166136261u;
    for (usize I = 0; I < Of.Length; ++I)
        H = (H ^ Of.Data[I]) * 16777619u;
    return H;
}

// A physical device nobody knows: who is it?
ke::Task<> Meet(Devnode& Parent, RefPtr<Seat> Physical, Devnode*& Known)
{
    RefPtr<Answer> A;
    ob::String Path;
    Known = nullptr;
    CO_TRY(co_await Ask(Physical, QueryId, DeviceId, A));
    CO_TRY(Append(Path, A->Data));
    CO_TRY(Path.Append(L"\\"));
    bool Unique = false, RawOk = false;
    u32 Capabilities = 0;
    if ((co_await Ask(Physical, QueryCapabilities, 0, A)).Ok() && A->Data.Size() >= 8) {
        // Behind size and version: DeviceD1, DeviceD2, LockSupported, EjectSupported, Removable, DockDevice, UniqueID, SilentInstall, RawDeviceOK ...
        u32 Flags;
        memcpy(&Flags, A->Data.Data() + 4, 4);
        Unique = Flags >> 6 & 1;
        RawOk = Flags >> 8 & 1;
        Capabilities = Flags >> 2 & 0xFF;       // the same order, from LockSupported to SurpriseRemovalOK
    }
    if (!Unique) {
        wchar_t Prefix[] = L"00000000&";
        for (u32 I = 0, H = Number(Parent.Path); I < 8; ++I)
            Prefix[I] = L"0123456789abcdef"[H >> (28 - 4 * I) & 15];
        CO_TRY(Path.Append(Prefix));
    }
    CO_TRY(co_await Ask(Physical, QueryId, InstanceId, A));
    CO_TRY(Append(Path, A->Data));
    if (Devnode* Old = FindChild(Parent, Path)) {
        if (Old->Physical && Old->Physical->Now())
            co_return STATUS_OBJECT_NAME_COLLISION;
        if (Old->Physical && Physical->Now())
            Old->Physical->Take(*Physical->Now());
        else
            Old->Physical = Physical;
        Old->Physical->Node = Old;
        Old->PhysicalStarted = false;
        Known = Old;
        Relink(*Old);
        co_return STATUS_SUCCESS;
    }
    Devnode* N = CO_TRY(MakeNode(Parent, std::move(Path)));
    N->Physical = Physical;
    N->RawOk = RawOk;
    N->Capabilities = Capabilities;
    Physical->Node = N;
    Known = N;
    if ((co_await Ask(Physical, QueryId, HardwareIds, A)).Ok())
        CO_TRY(Names(N->Hardware, A->Data));
    if ((co_await Ask(Physical, QueryId, CompatibleIds, A)).Ok())
        CO_TRY(Names(N->Compatible, A->Data));
    if ((co_await Ask(Physical, QueryId, ContainerId, A)).Ok())
        CO_TRY(Append(N->Container, A->Data));
    CO_TRY(Record(*N));
    if (!Physical->Now() || !driver::IsFirmware(Physical->Now()->In().Of()))
        co_return STATUS_SUCCESS;
    if ((co_await Ask(Physical, QueryResources, 0, A)).Ok()) {
        CO_TRY(ReadList(A->Data, N->Resources));
        CO_TRY(RecordResources(*N, { A->Data.Data(), A->Data.Size() }));
    }
    co_return TakeOver(*N);
}

bool IsOfStack(Devnode& N, Driver& D)
{
    for (Layer& L : N.Layers)
        if (L.Of.Get() == &D)
            return true;
    return N.Physical && N.Physical->Now() && &N.Physical->Now()->In().Of() == &D;
}

ke::Task<> AskChildren(Devnode& N)
{
    N.AskRelations = false;
    RefPtr<Answer> A;
    Status S = co_await Ask(RefPtr<Seat>(TopOf(N)), QueryRelations, 0, A);
    if (!S.Ok())
        co_return S == STATUS_NOT_SUPPORTED ? Status(STATUS_SUCCESS) : S;
    Vector<u64> Ids;
    CO_TRY(Ids.Resize(A->Data.Size() / 8));
    memcpy(Ids.Data(), A->Data.Data(), Ids.Size() * 8);
    for (Devnode& C : N.Children)
        C.Vanished = true;
    N.HasNamesake = false;
    for (usize I = 0; I < Ids.Size(); ++I) {
        RefPtr<Seat> P = Seat::Find(Ids[I]);
        if (!P || !P->Now() || !IsOfStack(N, P->Now()->In().Of()))
            continue;
        Devnode* Known = P->Node;
        if (!Known) {
            Status Met = co_await Meet(N, P, Known);
            if (Met == STATUS_OBJECT_NAME_COLLISION)
                N.HasNamesake = true;
            else if (!Met.Ok())
                Name(N, "has a child that does not tell its name", Met);
        }
        if (Known && Known->Parent == &N && !Known->Leaving)
            Known->Vanished = false;
    }
    // What a bus driver had before it died may take a while to be found again.
    if (N.BusBackAt)
        for (Devnode& C : N.Children)
            if (C.Vanished && !C.Leaving && C.Physical && !C.Physical->Now())
                C.Vanished = false;
    co_return STATUS_SUCCESS;
}

// It has no children any more.
ke::Task<> Remove(Devnode& N)
{
    RefPtr<Answer> A;
    if (!std::exchange(N.Leaving, true)) {
        DisableAll(N);
        for (Seat* S = N.Physical.Get(); S; S = S->Above())
            S->Leaves = true;
        if (N.Started && !N.Agreed)
            (void)co_await Ask(RefPtr<Seat>(TopOf(N)), SurpriseRemoval, 0, A);
    }
    if (IsOpen(N))
        co_return STATUS_SUCCESS;
    if (N.Started)
        (void)co_await Ask(RefPtr<Seat>(TopOf(N)), RemoveDevice, 0, A);
    ex::Log("pnp: %S is gone\n", N.Path.View());
    if (N.Parent && std::exchange(N.Parent->HasNamesake, false))
        N.Parent->AskRelations = N.Parent->Started;
    delete &N;
    co_return STATUS_SUCCESS;
}

// Someone wants N removed: its drivers, and before them those of all below, may refuse.
ke::Task<> QueryRemoval(Devnode& N)
{
    Vector<Devnode*> All;
    Devnode* End = &N;
    while (Devnode* Last = End->Children.Last())
        End = Last;
    bool Refused = false;
    for (Devnode* At = &N;; At = NextNode(At)) {
        CO_TRY(All.Push(At));
        Refused |= IsOpen(*At);
        if (At == End)
            break;
    }
    RefPtr<Answer> A;
    usize Left = All.Size();
    while (Left && !Refused) {
        Devnode& At = *All[--Left];
        Refused = At.Started && !(co_await Ask(RefPtr<Seat>(TopOf(At)), QueryRemove, 0, A)).Ok();
    }
    if (Refused) {
        for (; Left < All.Size(); ++Left)
            if (All[Left]->Started)
                (void)co_await Ask(RefPtr<Seat>(TopOf(*All[Left])), CancelRemove, 0, A);
        N.Asked = Devnode::Removal::Refused;
        co_return STATUS_PLUGPLAY_QUERY_VETOED;
    }
    for (Devnode* At : All)
        At->Agreed = true;
    N.Asked = Devnode::Removal::None;
    N.Vanished = true;
    co_return STATUS_SUCCESS;
}

// --- the work

// Whether every layer is there; starts the drivers that are not running.
bool LayersRun(Devnode& N)
{
    bool All = true;
    for (Layer& L : N.Layers) {
        if (!L.OnOpen && L.Of->Now() == Driver::State::Stopped && !L.Of->StartsAgain() && !L.Of->WasUnloaded())
            if (Status S = L.Of->StartProcess(); !S.Ok())
                ex::Log("driver %S: cannot be started for %S: 0x%x\n", L.Of->Name(), N.Path.View(), u32(S.Code()));
        if (L.Of->Now() == Driver::State::Failed) {
            N.Failed = true;
            Name(N, "misses a driver", L.Of->Outcome());
            return false;
        }
        All &= L.Of->Now() == Driver::State::Running;
    }
    return All;
}

// Whether there is something to be done for N.
enum class Step { Nothing, Layers, Add, StartPhysical, StartLayer, Start, Children, Query, Remove };
Step NextStep(Devnode& N, usize& At)
{
    for (Devnode* P = &N; P; P = P->Parent)
        if (P->Vanished)
            return N.Children.IsEmpty() && !(N.Leaving && IsOpen(N)) ? Step::Remove : Step::Nothing;
    if (N.Asked == Devnode::Removal::Wanted)
        return Step::Query;
    if (N.Failed || &N == Root)
        return Step::Nothing;
    if (!N.LayersKnown)
        return Step::Layers;
    if ((N.Layers.IsEmpty() && !N.RawOk) || !LayersRun(N))
        return Step::Nothing;
    bool Physical = N.Physical && N.Physical->Now();
    if (!Physical && !(N.HostsPhysical() && !N.Layers.IsEmpty() && !N.Layers[0].Added))
        return Step::Nothing;
    if (N.Started && !N.HostsPhysical() && !N.PhysicalStarted)
        return Step::StartPhysical;
    for (At = 0; At < N.Layers.Size(); ++At) {
        Layer& L = N.Layers[At];
        if (!L.Added)
            return N.Pci && driver::MustAwaitRoutes(*N.Pci, *L.Of) ? Step::Nothing : Step::Add;
        if (N.Started && !L.Started)
            return Step::StartLayer;
    }
    if (!N.Started)
        return Step::Start;
    return N.AskRelations ? Step::Children : Step::Nothing;
}

ke::Task<> Do(Devnode& N, Step What, usize At)
{
    switch (What) {
    case Step::Layers:
        N.LayersKnown = true;
        // None: it waits for the registry to know more.
        if (Status S = FindLayers(N); S == STATUS_INVALID_PARAMETER) {
            Name(N, "declares resources that cannot be understood", S);
            N.Failed = true;
        } else if (!S.Ok() && S != STATUS_OBJECT_NAME_NOT_FOUND) {
            Name(N, "has drivers that cannot be known", S);
        }
        co_return STATUS_SUCCESS;
    case Step::Add: {
        Status S = co_await Add(N, At);
        Adding = nullptr;
        if (S.Ok())
            N.Layers[At].Added = true;
        else if (N.Layers[At].Of->Now() == Driver::State::Running) {
            Name(N, "is not taken by its driver", S);
            N.Failed = true;
        }
        co_return S;
    }
    case Step::StartPhysical:
        N.PhysicalStarted = true;
        co_return co_await StartAgain(N, N.Physical);
    case Step::StartLayer:
        N.Layers[At].Started = true;
        if (At == 0 && N.HostsPhysical())
            N.Physical->Resume();
        // The top one starts those below it in the process.
        for (usize I = 0; I + 1 < N.Layers[At].Places.Size(); ++I)
            N.Layers[At].Places[I]->Resume();
        if (!N.Layers[At].Places.IsEmpty())
            co_return co_await StartAgain(N, N.Layers[At].Places.Last());
        co_return STATUS_SUCCESS;
    case Step::Start:
        co_return co_await StartNode(N);
    case Step::Children:
        co_return co_await AskChildren(N);
    case Step::Query:
        co_return co_await QueryRemoval(N);
    case Step::Remove:
        co_return co_await Remove(N);
    case Step::Nothing:
        break;
    }
    co_return STATUS_SUCCESS;
}

ke::Task<> Work()
{
    for (;;) {
        bool Any = false;
        for (Devnode* N = Root; N;) {
            usize At = 0;
            Step S = NextStep(*N, At);
            if (S == Step::Nothing) {
                N = NextNode(N);
                continue;
            }
            Any = true;
            The->UnderWay = N;
            (void)co_await Do(*N, S, At);
            The->UnderWay = nullptr;
            The->Stepped.Set();
            break;                      // the tree may have changed anywhere
        }
        if (!Any)
            (void)co_await ke::WaitFor(The->Wanted);
    }
}

bool Ensure()
{
    if (!The)
        The = new Manager;
    if (The && !Root)
        Root = new Devnode;
    return Root != nullptr;
}

// What has not been found again by now is gone.
void Manager::Grace::Expired(ke::Timer&)
{
    for (Devnode* N = Root; N; N = NextNode(N))
        if (std::exchange(N->BusBackAt, 0))
            N->AskRelations = N->Started;
    Wake();
}

}

// --- the tree

void Wake()
{
    if (!Root)
        return;
    The->Wanted.Set();
    if (std::exchange(The->Running, true))
        return;
    Own<ke::WorkItem> Item(new (std::nothrow) ke::WorkItem);
    if (!Item) {
        The->Running = false;
        return;
    }
    ke::WorkItem::Launch(std::move(Item), [] { return Work(); });
}

Result<Devnode*> Report(BusDevice&& D)
{
    if (!Ensure())
        return STATUS_INSUFFICIENT_RESOURCES;
    ob::String Path;
    for (ob::Name Part : { D.Bus.View(), ob::Name(L"\\"), D.Device.View(), ob::Name(L"\\"), D.Instance.View() })
        TRY(Path.Append(Part));
    Devnode* N = TRY(MakeNode(*Root, std::move(Path)));
    N->Hardware = std::move(D.Hardware);
    N->Compatible = std::move(D.Compatible);
    N->Pci = D.Pci;
    N->Resources = std::move(D.Resources);
    Record(*N).Ignore();                // without its key it works as well
    return N;
}

void LastCloses() { Wake(); }

ke::Task<> AwaitStep(ke::Deadline Limit)
{
    The->Stepped.Reset();
    Status S = co_await ke::WaitFor(The->Stepped, false, Limit);
    co_return S.Code() == STATUS_SUCCESS || !S.Ok() ? S : Status(STATUS_IO_TIMEOUT);
}

void Look()
{
    if (!Ensure())
        return;
    FindRootDevices();
    for (Devnode* N = Root; N; N = NextNode(N))
        if (N->Layers.IsEmpty() && !N->Started)
            N->LayersKnown = false;
    Wake();
}

bool IsUnderWay(const Devnode& N) { return The->UnderWay == &N; }

}
