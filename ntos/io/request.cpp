// Requests: from issue to completion.
#include <string.h>

#include "lib/core/defer.hpp"
#include "ntos/ex/ex.hpp"
#include "ntos/io/issue.hpp"

namespace io {

constinit Immortal<Request::WaitedList> Request::Waited_;

ke::Event* EventOf(ob::Object& Object)
{
    return &Object.GetType() == &ex::Event::Type ? &static_cast<ex::Event&>(Object).State() : nullptr;
}

Status WriteStatusBlock(ps::Process& To, u64 Address, Status Outcome, u64 Information)
{
    struct {
        u64 Status, Information;
    } Block { u32(Outcome.Code()), Information };
    static_assert(sizeof(Block) == sizeof(IO_STATUS_BLOCK));
    if (u8* At = mm::TouchWithin(To, Address, sizeof(Block), true)) [[likely]] {
        memcpy(At, &Block, sizeof(Block));
        return STATUS_SUCCESS;
    }
    return mm::CopyToUser(To, Address, &Block, sizeof(Block));
}

Result<u8*> Scratch::Get(usize Bytes)
{
    if (Bytes <= Small) {
        memset(Inline_, 0, Bytes);
        return static_cast<u8*>(Inline_);
    }
    ::operator delete(Large_);
    Large_ = static_cast<u8*>(::operator new(Bytes, std::nothrow));
    if (!Large_)
        return STATUS_INSUFFICIENT_RESOURCES;
    memset(Large_, 0, Bytes);
    return static_cast<u8*>(Large_);
}

void InfoBuffer::Bytes(const void* From, usize Count)
{
    usize Fits = Count < Room_ - Used_ ? Count : Room_ - Used_;
    if (Fits)
        memcpy(Data_ + Used_, From, Fits);
    Used_ += u32(Fits);
    Cut_ |= Fits < Count;
}

// --- issue

Result<Issue> Issue::Begin(ke::Caller& Caller, HANDLE Handle, ACCESS_MASK AnyOf, HANDLE Event, PVOID ApcRoutine, PVOID ApcContext,
                           ke::UserPtr<IO_STATUS_BLOCK> StatusBlock, bool NeedsBlock)
{
    auto Found = TRY(ob::ReferenceType(Caller, Handle, 0, File::Type));
    Issue I { Caller, Ref<File>::Adopt(static_cast<File&>(*Found.Target.Leak())), Found.Granted, nullptr, StatusBlock.Address(), u64(ApcRoutine), u64(ApcContext) };
    if (AnyOf && !(I.Granted & AnyOf))
        return STATUS_ACCESS_DENIED;
    if (I.StatusBlock || NeedsBlock)
        if (!mm::TouchWithin(Caller.Process(), I.StatusBlock, sizeof(IO_STATUS_BLOCK), true)) [[unlikely]]
            TRY(mm::ProbeForWrite(Caller.Process(), I.StatusBlock, sizeof(IO_STATUS_BLOCK)));
    if (I.ApcRoutine && I.Target->Port_)
        return STATUS_INVALID_PARAMETER;
    if (Event) {
        auto E = TRY(ob::ReferenceAny(Caller, Event, 2 /* EVENT_MODIFY_STATE */));
        ke::Event* Waitable = EventOf(*E.Target);
        if (!Waitable)
            return STATUS_OBJECT_TYPE_MISMATCH;
        I.Event = std::move(E.Target);
    }
    return I;
}

Status Issue::Finish(Status Outcome, u64 Information)
{
    if (IsError(Outcome)) {
        if (Event)
            EventOf(*Event)->Reset();
        return Outcome;
    }
    TRY(Tell(Outcome, Information, !(Target->NotificationFlags_ & FILE_SKIP_COMPLETION_PORT_ON_SUCCESS)));
    return Outcome;
}

Status Issue::FinishAsPended(Status Outcome, u64 Information)
{
    TRY(Tell(Outcome, Information, true));
    return STATUS_PENDING;
}

Status Issue::FinishAtEnd()
{
    ApcRoutine = 0;
    TRY(Tell(STATUS_END_OF_FILE, 0, false));
    return STATUS_END_OF_FILE;
}

Status Issue::Tell(Status Outcome, u64 Information, bool QueuePacket)
{
    if (StatusBlock) [[likely]]
        TRY(WriteStatusBlock(Caller.Process(), StatusBlock, Outcome, Information));
    File& F = *Target;
    if (Event)
        EventOf(*Event)->Set();
    // With an event of the caller's the file stays as the start left it, unless it is synchronous.
    if (Event && !F.IsSynchronous())
        F.Idle(false);
    else if (!(F.NotificationFlags_ & FILE_SKIP_SET_EVENT_ON_HANDLE))
        F.Idle(true);
    if (ApcRoutine) [[unlikely]]
        TRY(Caller.Thread().QueueApc(ApcRoutine, ApcContext, StatusBlock, 0));
    if (F.Port_ && ApcContext && QueuePacket) {
        Packet* P = new Packet;
        if (!P)
            return STATUS_INSUFFICIENT_RESOURCES;
        P->Key = F.Key_;
        P->ApcContext = ApcContext;
        P->Status = Outcome.Code();
        P->Information = Information;
        F.Port_->Queue(*P);
    }
    return STATUS_SUCCESS;
}

Result<Ref<Request>> Issue::Make(Operation What)
{
    Request* New = new Request(What, Target, Ref<ps::Process>(Caller.Process()), RefPtr<ps::Thread>(&Caller.Thread()));
    if (!New)
        return STATUS_INSUFFICIENT_RESOURCES;
    Ref<Request> R = Ref<Request>::Adopt(*New);
    R->StatusBlock_ = StatusBlock;
    R->ApcRoutine_ = ApcRoutine;
    R->ApcContext_ = ApcContext;
    R->Event_ = Event;
    R->Synchronous_ = Target->IsSynchronous();
    R->WaitsForDispatch_ = What == Operation::DeviceControl && !R->Synchronous_;
    R->Data.Process = &Caller.Process();
    if (Target->Port_ && ApcContext) {
        R->Packet_ = Own<Packet>(new Packet);
        if (!R->Packet_)
            return STATUS_INSUFFICIENT_RESOURCES;
        R->Packet_->Key = Target->Key_;
        R->Packet_->ApcContext = ApcContext;
        R->Port_ = Target->Port_;
    }
    return R;
}

Status Issue::StartNow(Request& R)
{
    File& F = *R.Target;
    R.State_ = Request::State::Started;
    R.AddRef();                         // the device's, until Complete
    F.Idle(false);
    if (R.Event_)
        EventOf(*R.Event_)->Reset();
    Status S = F.Start(R);
    if (S.Code() != STATUS_PENDING) {
        ASSERT(R.State_ == Request::State::Started);
        R.State_ = Request::State::Done;
        R.Outcome_ = S;
        R.Information_ = R.Data.Done;
        R.Link.Unlink();
        R.Release();
        return S;
    }
    if (R.State_ == Request::State::Done)       // the device completed it before it returned
        return R.Outcome_;
    R.State_ = Request::State::Pending;
    F.Requests_.PushBack(R);
    return STATUS_PENDING;
}

// As Finish, for a request that ended at once.
Status Issue::FinishInline(ke::Caller& Caller, Request& R)
{
    if (!IsError(R.Outcome_))
        R.CopyReply();
    Issue I { Caller, R.Target, 0, R.Event_, R.StatusBlock_, R.ApcRoutine_, R.ApcContext_ };
    if (R.Target->IsSynchronous() && R.Target->HasPosition() && !IsError(R.Outcome_) && (R.What == Operation::Read || R.What == Operation::Write))
        R.Target->Position = R.Data.Offset + R.Information_;
    bool Pended = R.HasReturned_ && R.Mark_ != Request::Mark::NotPended && !R.Synchronous_;
    Status S = Pended ? I.Tell(R.Outcome_, R.Information_, true) : I.Finish(R.Outcome_, R.Information_);
    return S.Code() == (Pended ? STATUS_SUCCESS : R.Outcome_.Code()) ? R.ToReturn() : S;
}

// A synchronous request that was waited for: of an error only the file tells, and the return value; a query of an asynchronous file writes its status block, if
// the driver had it pending.
Status Issue::FinishWaited(ke::Caller& Caller, Request& R)
{
    if (!IsError(R.Outcome_))
        return FinishInline(Caller, R);
    if (R.Mark_ == Request::Mark::Pended && !R.Target->IsSynchronous() && R.StatusBlock_)
        TRY(WriteStatusBlock(Caller.Process(), R.StatusBlock_, R.Outcome_, R.Information_));
    R.Target->Idle(true);
    return R.ToReturn();
}

ke::Task<> Issue::Run(Ref<Request> R)
{
    if (R->Synchronous_ && R->Target->Busy_)
        return RunInTurn(Caller, std::move(R));
    if (StartNow(*R).Code() != STATUS_PENDING || R->State_ == Request::State::Done)
        return ke::Task<>(FinishInline(Caller, *R));
    if (R->Synchronous_)
        return RunSynchronous(Caller, std::move(R));
    // With a port the request belongs to the file, not to the thread.
    if (!R->Target->Port_)
        Caller.Thread().AddRundown(R->Rundown_);
    if (R->WaitsForDispatch_ && R->Target->TakesRequests())
        return RunDispatch(std::move(R));
    return ke::Task<>(Status(STATUS_PENDING));
}

ke::Task<> Issue::RunDispatch(Ref<Request> R)
{
    while (!R->Done_.State())
        CO_TRY(co_await ke::WaitFor(R->Done_));
    co_return R->State_ == Request::State::Done ? R->ToReturn() : R->Returned_;
}

// Waits until no other synchronous operation of the file is under way.
ke::Task<> Issue::RunInTurn(ke::Caller& Caller, Ref<Request> R)
{
    File& F = *R->Target;
    while (F.Busy_) {
        ++F.Waiting_;
        Defer Left = [&F] {
            if (--F.Waiting_ && !F.Busy_)       // the turn was ours and we do not take it
                F.Turn_.Set();
        };
        Status S = co_await ke::WaitFor(F.Turn_, F.IsAlertable());
        if (S.Code() != STATUS_SUCCESS)
            co_return S;
        if (!F.Busy_) {
            --F.Waiting_;
            Left.Commit();
        }
    }
    F.Busy_ = true;
    Defer Free = [&F] {
        F.Busy_ = false;
        if (F.Waiting_)
            F.Turn_.Set();
    };
    if (StartNow(*R).Code() != STATUS_PENDING || R->State_ == Request::State::Done)
        co_return FinishInline(Caller, *R);
    co_return co_await RunSynchronous(Caller, R);
}

ke::Task<> Issue::RunCreate(ke::Caller& Caller, Ref<File> New, u32& Information)
{
    Ref<Request> R = CO_TRY(MakeOwn(Caller, New, Operation::Create));
    Status S = co_await Await(Caller, R);
    New->CreateEnds(S);
    if (S.Ok())
        New->Idle(true);                // a file that nothing was done with yet is signalled
    Information = u32(R->Information_);
    co_return S;
}

static Ref<Request> ForExecutive(Ref<Request> R)
{
    R->ForExecutive = true;
    R->WaitAlways();
    return R;
}

Result<Ref<Request>> Issue::MakeOwn(ke::Caller& Caller, Ref<File> Of, Operation What)
{
    Request* Made = new Request(What, std::move(Of), Ref<ps::Process>(Caller.Process()), RefPtr<ps::Thread>(&Caller.Thread()));
    return Made ? Result<Ref<Request>>(ForExecutive(Ref<Request>::Adopt(*Made))) : Result<Ref<Request>>(STATUS_INSUFFICIENT_RESOURCES);
}

Result<Ref<Request>> Issue::MakeOwn(Ref<ps::Process> For, Ref<File> Of, Operation What)
{
    Request* Made = new Request(What, std::move(Of), std::move(For), nullptr);
    return Made ? Result<Ref<Request>>(ForExecutive(Ref<Request>::Adopt(*Made))) : Result<Ref<Request>>(STATUS_INSUFFICIENT_RESOURCES);
}

ke::Task<> Issue::Await(ke::Caller&, Ref<Request> R) { return Await(std::move(R)); }

ke::Task<> Issue::Await(Ref<Request> R)
{
    Status S = StartNow(*R);
    if (S.Code() == STATUS_PENDING) {
        Defer Abandon = [&R] { R->Cancel(); };
        while (!R->Done_.State())
            CO_TRY(co_await ke::WaitFor(R->Done_));
        Abandon.Commit();
        S = R->Outcome_;
    }
    co_return S;
}

ke::Task<> Issue::Close(ke::Caller&, Ref<File> F)
{
    if (ke::Event* Ended = F->CleanupNow())
        CO_TRY(co_await ke::WaitFor(*Ended));
    co_return STATUS_SUCCESS;
}

// Waits for a request that is pending already.
ke::Task<> Issue::RunSynchronous(ke::Caller& Caller, Ref<Request> R)
{
    File& F = *R->Target;
    bool Mine = !F.Busy_ && F.InTurn_;
    F.Busy_ |= F.InTurn_;
    Defer Free = [&F, Mine] {
        if (!Mine)
            return;
        F.Busy_ = false;
        if (F.Waiting_)
            F.Turn_.Set();
    };
    Defer Abandon = [&R] { R->Cancel(); };      // the thread ends
    Request::Waited_->PushBack(*R);
    bool Alertable = F.IsAlertable();
    while (!R->Done_.State()) {
        Status S = co_await ke::WaitFor(R->Done_, Alertable);
        if (R->Done_.State())
            break;
        if (S.Code() == STATUS_USER_APC)
            Caller.Attention |= ke::Caller::ApcDue;
        if (S.Code() == STATUS_USER_APC || S.Code() == STATUS_ALERTED)
            R->Cancel();
        else if (IsError(S))
            co_return S;                // no memory to wait with
        Alertable = false;
    }
    Abandon.Commit();
    co_return FinishWaited(Caller, *R);
}

// --- the request

Request::Request(Operation What, Ref<File> Target, Ref<ps::Process> Process, RefPtr<ps::Thread> Thread)
    : What(What), Target(std::move(Target)), Process(std::move(Process)), Thread(std::move(Thread))
{
    Rundown_.Owner = this;
}

Request::~Request()
{
    ASSERT(State_ != State::Pending);
}

void Request::Rundown::ThreadEnds(ps::Thread&)
{
    Owner->Cancel();
}

void Request::CopyReply()
{
    u64 Bytes = Reply.Size() < Information_ ? Reply.Size() : Information_;
    if (Bytes > Data.Length)
        Bytes = Data.Length;
    if (Bytes && !mm::CopyToUser(*Process, Data.Address, Reply.Data(), Bytes).Ok()) {
        Outcome_ = STATUS_ACCESS_VIOLATION;
        Information_ = 0;
    }
}

void Request::Complete(Status Outcome, u64 Information)
{
    ASSERT(State_ == State::Pending || State_ == State::Started);
    Outcome_ = Outcome;
    Information_ = Information;
    Data.Done = Information;
    if (What == Operation::Read)
        Process->Io.ReadTransferCount += Information;
    else if (What == Operation::Write)
        Process->Io.WriteTransferCount += Information;
    bool WasPending = State_ == State::Pending;
    State_ = State::Done;
    if (auto* Ended = std::exchange(OnEnd, nullptr))
        Ended(*this);
    Link.Unlink();
    FileLink_.Unlink();
    WaitedLink_.Unlink();
    Rundown_.Link.Unlink();
    if (WasPending) {
        if (!Synchronous_)
            Deliver();
        if (Synchronous_ || WaitsForDispatch_)
            Done_.Set();                // the waiting service does the rest
    }
    Release();
}

void Request::Deliver()
{
    if (IsError(Outcome_) && Mark_ == Mark::NotPended)
        return;
    if (!IsError(Outcome_))
        CopyReply();
    if (StatusBlock_) [[likely]]
        (void)WriteStatusBlock(*Process, StatusBlock_, Outcome_, Information_);      // the process may be gone
    if (Event_)
        EventOf(*Event_)->Set();
    else if (!(Target->NotificationFlags_ & FILE_SKIP_SET_EVENT_ON_HANDLE))
        Target->Idle(true);
    if (ApcRoutine_ && Thread)
        (void)Thread->QueueApc(ApcRoutine_, ApcContext_, StatusBlock_, 0);         // it may be gone
    if (Mark_ == Mark::NotPended && Target->NotificationFlags_ & FILE_SKIP_COMPLETION_PORT_ON_SUCCESS)
        return;
    if (Packet* P = Packet_.Leak()) {
        P->Status = Outcome_.Code();
        P->Information = Information_;
        Port_->Queue(*P);
    }
}

bool Request::Cancel(NTSTATUS Why)
{
    if (State_ != State::Pending || CancelLater_)
        return false;
    Target->Withdraw(*this);
    if (State_ == State::Pending && !CancelLater_)      // Withdraw may complete it in its own way
        Complete(Why, 0);
    return true;
}

Status CancelRequests(File& F, ps::Thread* Of, u64 StatusBlock)
{
    bool Any = false;
    for (bool Again = true; Again;) {
        Again = false;
        for (Request& R : F.Requests_) {
            if ((Of && !(R.Thread == Of)) || (StatusBlock && StatusBlock != R.StatusBlock_))
                continue;
            if (R.Cancel()) {
                Any = Again = true;
                break;                  // the list may have changed anywhere
            }
        }
    }
    return Any ? STATUS_SUCCESS : STATUS_NOT_FOUND;
}

Status CancelSynchronous(ps::Thread& Of, u64 StatusBlock)
{
    for (Request& R : *Request::Waited_)
        if (R.Thread == &Of && (!StatusBlock || StatusBlock == R.StatusBlock_))
            return R.Cancel() ? STATUS_SUCCESS : STATUS_NOT_FOUND;
    return STATUS_NOT_FOUND;
}

// --- the file

File::File(Device& Of, const CreateParameters& How) : Object(Type), Device_(Of), Options_(How.Options), Granted_(How.Granted), InTurn_(Of.DeviceType != FILE_DEVICE_CONSOLE) { }

File::~File()
{
    ASSERT(CleanedUp_ && Requests_.IsEmpty());
}

void File::CleanupOnce()
{
    if (std::exchange(CleanedUp_, true))
        return;
    Cleanup();
    (void)CancelRequests(*this, nullptr, 0);     // none: fine
}

void File::HandleClosed(ps::Process& Process, u32 HandlesLeft, u32)
{
    HandleClosedBy(Process, HandlesLeft == 0);
    if (HandlesLeft == 0) {
        Ref<File> Keep(*this);
        CleanupOnce();
        if (ke::Event* Ended = CleanupEnds(); Ended && !Ended->State())
            ob::WaitAfterClose(*this, *Ended);
    }
}

Status SetCompletion(File& F, RefPtr<CompletionPort> Port, u64 Key)
{
    if (F.IsSynchronous() || F.Port_)
        return STATUS_INVALID_PARAMETER;
    // What is pending already tells the port when it ends.
    for (Request& R : F.Requests_) {
        if (!R.ApcContext_ || R.ApcRoutine_ || R.Packet_)
            continue;
        R.Packet_ = Own<Packet>(new Packet);
        if (!R.Packet_)
            return STATUS_INSUFFICIENT_RESOURCES;
        R.Packet_->Key = Key;
        R.Packet_->ApcContext = R.ApcContext_;
        R.Port_ = Port;
    }
    F.Port_ = std::move(Port);
    F.Key_ = Key;
    return STATUS_SUCCESS;
}

Status SetNotificationFlags(File& F, u32 Flags)
{
    if (F.IsSynchronous() && (Flags & FILE_SKIP_COMPLETION_PORT_ON_SUCCESS))
        return STATUS_INVALID_PARAMETER;
    // Flags only ever come on; what is not known is ignored.
    F.NotificationFlags_ |= Flags & (FILE_SKIP_COMPLETION_PORT_ON_SUCCESS | FILE_SKIP_SET_EVENT_ON_HANDLE);
    if (Flags & FILE_SKIP_SET_EVENT_ON_HANDLE)
        F.Idle(false);
    return STATUS_SUCCESS;
}

}
