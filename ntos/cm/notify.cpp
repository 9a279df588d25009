// Telling watchers of changes, and the services by which they ask.
#include "ntos/cm/notify.hpp"

#include "ntos/cm/key.hpp"
#include "ntos/ex/ex.hpp"

namespace cm {

namespace {

// Constructed at compile time, never destroyed.
union Watches {
    core::List<Watch, &Watch::All> List;
    constexpr Watches() : List() { }
    ~Watches() { }
};
constinit Watches All;

}

void Post::Complete(NTSTATUS Status)
{
    InWatch.Unlink();
    Link.Unlink();
    Outcome = Status;
    if (!Process) {
        Changed.Set();
        return;
    }
    struct {
        u64 Status, Information;
    } Block { u32(Status), 0 };
    // The client may have given its memory back meanwhile: then there is nobody to tell.
    if (!LeaveBlock)
        mm::CopyToUser(*Process, StatusBlock, &Block, sizeof(Block)).Ignore();
    if (Event)
        static_cast<ex::Event&>(*Event).Set();
    if (ApcRoutine && !Thread->HasEnded())
        Thread->QueueApc(ApcRoutine, ApcContext, StatusBlock, 0).Ignore();
    delete this;
}

void Post::ThreadEnds(ps::Thread&)
{
    ApcRoutine = 0;
    Complete(STATUS_NOTIFY_CLEANUP);
}

Watch::Watch(Node& On, u32 Filter, bool Tree) : On(On), Filter(Filter), Tree(Tree) { cm::All.List.PushBack(*this); }

Watch::~Watch() { CompleteAll(STATUS_NOTIFY_CLEANUP); }

void Watch::CompleteAll(NTSTATUS Status)
{
    while (Post* P = Posts.First())
        P->Complete(Status);
}

void Watch::Tell(Node& N, u32 What)
{
    for (Watch& W : cm::All.List) {
        if (!(W.Filter & What))
            continue;
        Node* At = &N;
        while (W.Tree && At && At != &W.On)
            At = At->Parent();
        if (At != &W.On)
            continue;
        W.Pending = W.Posts.IsEmpty();
        W.CompleteAll(STATUS_NOTIFY_ENUM_DIR);
    }
}

void Watch::Gone(Node& N)
{
    for (Watch& W : cm::All.List)
        if (&W.On == &N)
            W.CompleteAll(STATUS_KEY_DELETED);
}

}

using namespace cm;

namespace {

struct NotifyArguments {
    HANDLE Key, Event;
    u64 ApcRoutine, ApcContext;
    ke::UserPtr<IO_STATUS_BLOCK> StatusBlock;
    u32 Filter;
    bool Tree, Asynchronous;
};

Status WriteBlock(ke::Caller& Caller, u64 Address, NTSTATUS Outcome)
{
    struct {
        u64 Status, Information;
    } Block { u32(Outcome), 0 };
    return mm::CopyToUser(Caller.Process(), Address, &Block, sizeof(Block));
}

// The packaged kernelbase's RegNotifyChangeKeyValue has its status block in a frame that is gone when the change comes: a block on the caller's stack is left alone.
bool IsOnStack(ke::Caller& Caller, u64 Address)
{
    NT_TIB Tib {};
    return mm::CopyFromUser(Caller.Process(), &Tib, Caller.Thread().TebAddress(), sizeof(Tib)).Ok() && Address >= reinterpret_cast<u64>(Tib.StackLimit)
        && Address < reinterpret_cast<u64>(Tib.StackBase);
}

// The key and what it watches; a change that has come meanwhile is taken (Happened).
Result<Ref<Key>> StartWatching(ke::Caller& Caller, const NotifyArguments& A, bool& Happened)
{
    u32 Filter = A.Filter & ~REG_NOTIFY_THREAD_AGNOSTIC;
    if (A.Filter & ~REG_LEGAL_CHANGE_FILTER)             // none at all is an event that only the end of the key sets
        return STATUS_INVALID_PARAMETER;
    Ref<Key> K = TRY(ReferenceKey(Caller, A.Key, KEY_NOTIFY));
    if (!K->Watching) {
        K->Watching = Own<Watch>(new Watch(K->Of(), Filter, A.Tree));
        if (!K->Watching)
            return STATUS_INSUFFICIENT_RESOURCES;
    }
    Happened = std::exchange(K->Watching->Pending, false);
    return K;
}

ke::Task<> WaitForChange(ke::Caller& Caller, Ref<Key> K, u64 StatusBlock)
{
    Post P;
    K->Watching->Posts.PushBack(P);
    Status Waited = co_await ke::WaitFor(P.Changed);
    if (Waited.Code() != STATUS_SUCCESS)
        co_return Waited;
    CO_TRY(WriteBlock(Caller, StatusBlock, P.Outcome));
    co_return Status(P.Outcome);
}

ke::Task<> Notify(ke::Caller& Caller, const NotifyArguments& A)
{
    auto Now = [&]() -> Result<Ref<Key>> {
        TRY(A.StatusBlock.Probe(Caller));
        bool Happened;
        Ref<Key> K = TRY(StartWatching(Caller, A, Happened));
        RefPtr<ex::Event> Event = TRY(ob::ReferenceIf<ex::Event>(Caller, A.Event, EVENT_MODIFY_STATE));
        if (Event)
            Event->Reset();
        if (!A.Asynchronous) {
            if (!Happened)
                return Result<Ref<Key>>::With(STATUS_PENDING, std::move(K));
            TRY(WriteBlock(Caller, A.StatusBlock.Address(), STATUS_NOTIFY_ENUM_DIR));
            return Result<Ref<Key>>::With(STATUS_NOTIFY_ENUM_DIR, std::move(K));
        }
        Post* P = new Post;
        if (!P)
            return STATUS_INSUFFICIENT_RESOURCES;
        P->Process = RefPtr<ps::Process>(&Caller.Process());
        P->Thread = RefPtr<ps::Thread>(&Caller.Thread());
        P->Event = RefPtr<ob::Object>(Event.Get());
        P->StatusBlock = A.StatusBlock.Address();
        P->LeaveBlock = Event && !A.ApcRoutine && IsOnStack(Caller, P->StatusBlock);
        P->ApcRoutine = A.ApcRoutine;
        P->ApcContext = A.ApcContext;
        K->Watching->Posts.PushBack(*P);
        if (!(A.Filter & REG_NOTIFY_THREAD_AGNOSTIC))
            Caller.Thread().AddRundown(*P);
        if (Happened)
            P->Complete(STATUS_NOTIFY_ENUM_DIR);
        return Result<Ref<Key>>::With(STATUS_PENDING, std::move(K));
    };
    Result<Ref<Key>> Started = Now();
    if (!Started.Ok() || A.Asynchronous || Started.Code() != STATUS_PENDING)
        return ex::Done(Started.GetStatus());
    return WaitForChange(Caller, Started.Take(), A.StatusBlock.Address());
}

}

ke::Task<> NtNotifyChangeKey(ke::Caller& Caller, svc::NotifyChangeKey& Call)
{
    return Notify(Caller, { Call.KeyHandle, Call.Event, Call.ApcRoutine.Raw(), Call.ApcContext.Raw(), Call.IoStatusBlock, Call.CompletionFilter,
                            Call.WatchTree.Get() != 0, Call.Asynchronous.Get() != 0 });
}

ke::Task<> NtNotifyChangeMultipleKeys(ke::Caller& Caller, svc::NotifyChangeMultipleKeys& Call)
{
    if (Call.Count > 1u)
        return ex::Done(STATUS_INVALID_PARAMETER);
    if (Call.Count)
        return ex::Done(STATUS_NOT_IMPLEMENTED);
    return Notify(Caller, { Call.MasterKeyHandle, Call.Event, Call.ApcRoutine.Raw(), Call.ApcContext.Raw(), Call.IoStatusBlock, Call.CompletionFilter,
                            Call.WatchTree.Get() != 0, Call.Asynchronous.Get() != 0 });
}
