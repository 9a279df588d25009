#include "ntos/ps/errand.hpp"

#include "abi/process.hpp"
#include "abi/services.hpp"
#include "ntos/mm/space.hpp"
#include "ntos/ps/detail.hpp"

namespace ps {

using namespace nt;
using kernel::Failed;

Status Errand::Begin(u64 Routine)
{
    u64 Area = T_.TebAddress() + abi::StateInTeb;
    // Nothing is to fault on the way.
    mm::AddressSpace& Space = T_.Process().Memory();
    TRY(Space.Fault(Routine, mm::AddressSpace::Access::Execute));
    TRY(Space.Fault(Area, mm::AddressSpace::Access::Write));
    if (Failed(kernel::ReadRegisters(T_.Tcb_.Cap, false, Saved_)))
        return STATUS_UNSUCCESSFUL;
    kernel::Registers R = Saved_;
    R.Rip = Routine;
    R.Rcx = Area;
    R.Rax = abi::StateFeatures;
    R.Rdx = 0;
    R.Rdi = abi::ServiceEndpoint;
    R.Rsi = 0;
    R.Rflags = 0x202;
    kernel::Error E = kernel::SetPriority(T_.Tcb_.Cap, ClientPriority);
    ASSERT(!Failed(E));
    if (Failed(kernel::WriteRegisters(T_.Tcb_.Cap, true, R)))
        return STATUS_UNSUCCESSFUL;
    InService_ = T_.InService;
    InFault_ = T_.InFault;
    T_.InService = true;                // nothing else starts or stops it
    T_.Errand_ = this;
    Out_ = true;
    return STATUS_SUCCESS;
}

void Errand::Return(bool Done)
{
    if (!Out_)
        return;
    Out_ = false;
    Done_ = Done;
    T_.Errand_ = nullptr;
    T_.InService = InService_;
    T_.InFault = InFault_;
    bool Waits = InService_ || InFault_;
    // One that is parked takes up its wait again; what else waits for a reply gets none any more, and goes on from its registers.
    bool Runs = Waits ? T_.Parking_ == Thread::Parking::Parked : T_.Started_ && !T_.IsHeld();
    if (!Runs) {
        kernel::Error E = kernel::SuspendTcb(T_.Tcb_.Cap);
        ASSERT(!Failed(E));
    }
    if (Waits && !Runs)
        T_.ReplyLost_ = true;
    T_.SetPriority(T_.BasePriority, T_.PriorityIncrement);
    kernel::Error E = kernel::WriteRegisters(T_.Tcb_.Cap, Runs, Saved_);
    ASSERT(!Failed(E));
    if (T_.ReplyHeld_ && !T_.IsHeld()) {
        T_.ReplyHeld_ = false;
        T_.Reply(T_.HeldStatus_);
    }
    Over.Set();
}

void Errand::Abandon()
{
    Out_ = false;
    T_.Errand_ = nullptr;
    Over.Set();
}

static ke::Deadline In(u32 Milliseconds) { return ke::Deadline::From(-i64(Milliseconds) * 10'000); }

ke::Task<> RunErrand(Ref<Thread> T, u64 Routine)
{
    constexpr u32 Limit = 1000, Tries = 16;
    for (u32 I = 0; I < Tries; ++I) {
        if (T->IsTerminating() || T->HasEnded())
            co_return STATUS_THREAD_IS_TERMINATING;
        if (T->OnErrand() || Thread::Replying == T.Get()) {
            (void)co_await ke::Sleep(false, In(1));
            continue;
        }
        Errand E(*T);
        if (Status S = E.Begin(Routine); !S.Ok())
            co_return S;
        Status Waited = co_await ke::WaitFor(E.Over, false, In(Limit));
        if (E.IsDone())
            co_return STATUS_SUCCESS;
        if (Waited == STATUS_TIMEOUT)
            break;
    }
    co_return STATUS_UNSUCCESSFUL;
}

}
