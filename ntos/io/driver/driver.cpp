// Driver objects: starting, ending, starting again.
#include "ntos/io/driver/fixed.hpp"
#include "ntos/io/driver/hardware.hpp"
#include "ntos/io/driver/images.hpp"
#include "ntos/io/driver/pci.hpp"
#include "ntos/io/pnp/pnp.hpp"

#include "ntos/ex/log.hpp"
#include "ntos/mm/space.hpp"
#include "ntos/ps/detail.hpp"

namespace io::driver {

using namespace nt;

constinit const ob::TypeInfo Driver::Type {
    .Name = L"Driver",
    .ValidAccess = STANDARD_RIGHTS_REQUIRED,
    .Mapping = { STANDARD_RIGHTS_READ, STANDARD_RIGHTS_WRITE, STANDARD_RIGHTS_EXECUTE, STANDARD_RIGHTS_REQUIRED },
};

// Starting again: after 100 ms, doubled each time, at most so often. A driver that has run for a minute or has moved data starts counting anew: the limit is
// for those that die without getting anywhere. What kills the driver each time it is sent has a limit of its own (Seat).
static constexpr u32 MaximumDeaths = 8;
static constexpr u64 LinksStay = 300'000'000;
static constexpr u64 FirstPause = 1'000'000, LongestPause = 16'000'000, GoodRun = 600'000'000;

Driver::~Driver()
{
    ASSERT(Devices.IsEmpty());
}

Status Driver::StartProcess()
{
    State_ = State::Starting;
    Unloaded_ = false;
    Changed.Reset();
    auto Go = [&]() -> Status {
        Ref<Channel> New = TRY(Channel::Create(*this));
        ob::String Command = TRY(ob::String::Copy(L"wdmhost.exe "));
        TRY(Command.Append(Key_));
        Ref<ps::Process> P = TRY(ps::MakeSystemProcess(L"\\SystemRoot\\System32\\wdmhost.exe", Command));
        auto Undo = [&](Status S) {
            P->Terminate(STATUS_UNSUCCESSFUL);
            return S;
        };
        mm::ViewRequest View;
        View.Protect = PAGE_READWRITE;
        View.Inherit = false;
        auto At = mm::MapView(P->Memory(), Ref<mm::Section>(New->Shared()), View);
        if (!At.Ok())
            return Undo(At.GetStatus());
        New->SectionAddress = At.Value();
        New->Process = P.Get();
        P->Driver = New.Get();
        In_ = New;
        Ref<Driver> Keep(*this);
        if (Status S = ps::StartSystemProcess(*P); !S.Ok())
            return Undo(S);
        AddRef();                       // the process's, until HasEnded
        return STATUS_SUCCESS;
    };
    Status S = Go();
    if (!S.Ok() && State_ == State::Starting) {
        State_ = State::Failed;
        Outcome_ = S;
        Changed.Set();
    }
    return S;
}

void Driver::HasStarted(Status Outcome)
{
    if (State_ != State::Starting)
        return;
    Outcome_ = Outcome;
    if (Outcome.Ok()) {
        State_ = State::Running;
        StartedAt_ = ke::InterruptTime();
        pnp::DriverRuns(*this);
        if (!Left_.IsEmpty() && !LinksEnd_.Set(StartedAt_ + LinksStay).Ok())
            DropLinks();
    } else {
        State_ = State::Failed;
    }
    Changed.Set();
}

DriverDevice* Driver::FindAway(const ob::Object& Named)
{
    for (DriverDevice& D : Away)
        if (&D == &Named)
            return &D;
    return nullptr;
}

void Driver::HasEnded(ps::Process& P)
{
    State Was = State_;
    Unloaded_ = Was == State::Unloading;
    for (ob::String& L : Links_)
        if (!Left_.Push(std::move(L)).Ok())
            break;                      // without memory it stays for good
    Links_.Clear();
    while (DriverDevice* D = Devices.First()) {
        D->TakeAway(Was == State::Running || (Was == State::Starting && Deaths_));
        D->Release();                   // the driver's own reference
    }
    TakeDevices(*this);
    bool HasServed = In_ && In_->HasServed();
    TakeFixed(*this);
    PlaceDemandDevices(Key_);
    if (In_) {
        pnp::ChannelEnds(*In_);
        WatchImages(*In_, false).Ignore();      // turning it off cannot fail
    }
    delete std::exchange(Hardware_, nullptr);
    In_.Reset();
    State_ = State::Stopped;
    if (Was == State::Starting && !Deaths_) {
        State_ = State::Failed;
        Outcome_ = P.ExitStatus() < 0 ? Status(P.ExitStatus()) : Status(STATUS_DRIVER_PROCESS_TERMINATED);
        ex::Log("driver %S: its process ended before it had started (status 0x%x)\n", Name(), u32(P.ExitStatus()));
    } else if (Was == State::Unloading) {
        Outcome_ = P.ExitStatus() < 0 ? Status(P.ExitStatus()) : Status(STATUS_SUCCESS);      // what it left behind when it unloaded
    } else if (Was == State::Running || Was == State::Starting) {
        if (Was == State::Running && (ke::InterruptTime() - StartedAt_ > GoodRun || HasServed))
            Deaths_ = 0;
        ++Deaths_;
        if (Deaths_ > MaximumDeaths) {
            State_ = State::Failed;
            Outcome_ = STATUS_DRIVER_PROCESS_TERMINATED;
            ex::Log("driver %S: its process %u died (status 0x%x), %u times now: it is not started again\n", Name(), P.Id(), u32(P.ExitStatus()), Deaths_);
        } else {
            u64 Pause = FirstPause << (Deaths_ - 1);
            Pause = Pause < LongestPause ? Pause : LongestPause;
            ex::Log("driver %S: its process %u died (status 0x%x); it is started again in %u ms\n", Name(), P.Id(), u32(P.ExitStatus()), Pause / 10000);
            if (!Again_.Set(ke::InterruptTime() + Pause).Ok())
                State_ = State::Failed;
        }
    }
    if (!StartsAgain())
        DropLinks();
    pnp::DriverEnds(*this, StartsAgain() || Unloaded_);
    Changed.Set();
    Release();
}

void Driver::DropLinks()
{
    LinksEnd_.Cancel();
    for (ob::String& L : Left_)
        if (auto Found = ob::LookupKernel(L, true); Found.Ok())
            ob::MakePermanent(*Found.Value(), false);
    Left_.Clear();
}

// A link of the process before that leads there. One that leads elsewhere goes.
bool Driver::TakeLink(const ob::String& Name, const ob::String& Target)
{
    for (usize I = 0; I < Left_.Size(); ++I) {
        if (!ob::Equal(Left_[I], Name, true))
            continue;
        Left_.RemoveAt(I);
        auto Found = ob::LookupKernel(Name, true);
        if (!Found.Ok() || &Found.Value()->GetType() != &ob::SymbolicLink::Type)
            return false;
        if (ob::Equal(static_cast<ob::SymbolicLink&>(*Found.Value()).Target(), Target, true))
            return true;
        ob::MakePermanent(*Found.Value(), false);
        return false;
    }
    return false;
}

void Driver::Restart::Expired(ke::Timer& T)
{
    Driver& D = static_cast<Restart&>(T).Owner;
    if (D.State_ != State::Stopped)
        return;
    if (Status S = D.StartProcess(); !S.Ok())
        ex::Log("driver %S: cannot be started again: 0x%x\n", D.Name(), u32(S.Code()));
}

Status Driver::BeginUnload()
{
    if (State_ == State::Stopped && Again_.Cancel())
        return STATUS_SUCCESS;
    if (State_ != State::Running || !In_)
        return STATUS_INVALID_DEVICE_REQUEST;
    class UnloadIrp final : public Irp {
    public:
        void Done(Channel&, Status, u64, u64, bool) override { }
    };
    auto* I = new UnloadIrp;
    if (!I)
        return STATUS_INSUFFICIENT_RESOURCES;
    I->M.What = wd::Kind::Unload;
    Changed.Reset();
    In_->Submit(*I);
    return STATUS_SUCCESS;
}

DriverDevice* Driver::Find(u64 Id)
{
    for (DriverDevice& D : Devices)
        if (D.Id == Id)
            return &D;
    return nullptr;
}

}
