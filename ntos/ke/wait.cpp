#include "ntos/ke/wait.hpp"

#include "ntos/ke/caller.hpp"

namespace ke {

using namespace nt;

static Caller* CallerOf(Activity* A)
{
    return A ? A->AsCaller() : nullptr;
}

void Waitable::Wake()
{
    // One waiter may consume the signal, and a satisfied wait unlinks blocks anywhere in the list: start over each time.
    bool Progress = true;
    while (Progress) {
        Progress = false;
        for (Block& B : Waiters_) {
            if (B.Wait->TryOne(B)) {
                Progress = true;
                break;
            }
        }
    }
}

WaitState::WaitState(std::span<Waitable* const> Objects, WaitType Type, bool Alertable, Deadline Until)
    : Blocks_(Few_), Count_(u32(Objects.size())), Type_(Type), Alertable_(Alertable), Until_(Until), Waiter_(Activity::Current())
{
    if (Count_ > Inline) {
        Blocks_ = new (std::nothrow) Waitable::Block[Count_];
        if (!Blocks_) {
            Count_ = 0;
            Done_ = true;
            Outcome_ = STATUS_NO_MEMORY;
            return;
        }
    }
    for (u32 I = 0; I < Count_; ++I) {
        Blocks_[I].Wait = this;
        Blocks_[I].Object = Objects[I];
    }
    Timer_.Owner = this;
}

WaitState::~WaitState()
{
    if (Caller* By = CallerOf(Waiter_); By && By->Wait_ == this)
        By->Wait_ = nullptr;
    if (Blocks_ != Few_)
        delete[] Blocks_;
}

bool WaitState::TryOne(Waitable::Block& B)
{
    if (Type_ == WaitType::All && Count_ > 1)
        return TryAll();
    Caller* By = CallerOf(Waiter_);
    if (Done_ || !B.Object->IsSignaled(By))
        return false;
    NTSTATUS Status = B.Object->Satisfy(By);
    End(Status == STATUS_ABANDONED ? STATUS_ABANDONED_WAIT_0 + NTSTATUS(&B - Blocks_) : Status == STATUS_SUCCESS ? NTSTATUS(&B - Blocks_) : Status);
    return true;
}

bool WaitState::TryAll()
{
    Caller* By = CallerOf(Waiter_);
    if (Done_)
        return false;
    for (u32 I = 0; I < Count_; ++I)
        if (!Blocks_[I].Object->IsSignaled(By))
            return false;
    NTSTATUS Outcome = STATUS_SUCCESS;
    for (u32 I = 0; I < Count_; ++I)
        if (NTSTATUS S = Blocks_[I].Object->Satisfy(By); S != STATUS_SUCCESS)
            Outcome = S == STATUS_ABANDONED ? STATUS_ABANDONED_WAIT_0 : S;
    End(Outcome);
    return true;
}

bool WaitState::await_ready()
{
    if (Done_)
        return true;
    if (Type_ == WaitType::All) {
        if (Count_ && TryAll())
            return true;
    } else {
        for (u32 I = 0; I < Count_; ++I)
            if (TryOne(Blocks_[I]))
                return true;
    }
    Caller* By = CallerOf(Waiter_);
    if (Alertable_ && By) {
        if (Status S = By->TakeAlert(); S.Code() != STATUS_SUCCESS) {
            End(S);
            return true;
        }
    }
    if (Until_.HasPassed()) {
        End(STATUS_TIMEOUT);
        return true;
    }
    return false;
}

void WaitState::await_suspend(std::coroutine_handle<> Where)
{
    Where_ = Where;
    for (u32 I = 0; I < Count_; ++I)
        Blocks_[I].Object->Waiters_.PushBack(Blocks_[I]);
    if (Caller* By = CallerOf(Waiter_))
        By->Wait_ = this;
    if (Until_.At != Never)
        if (Status S = Timer_.Set(Until_.At); !S.Ok())
            End(S);
}

void WaitState::End(Status Outcome)
{
    if (Done_)
        return;
    Done_ = true;
    Outcome_ = Outcome;
    for (u32 I = 0; I < Count_; ++I)
        Blocks_[I].Link.Unlink();
    Timer_.Cancel();
    if (Caller* By = CallerOf(Waiter_); By && By->Wait_ == this)
        By->Wait_ = nullptr;
    if (Where_)
        Waiter_->MakeReady(Where_);
}

void WaitState::TimedOut(Timer& T)
{
    static_cast<Expiry&>(T).Owner->End(STATUS_TIMEOUT);
}

}
