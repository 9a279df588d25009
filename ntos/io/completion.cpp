// Completion ports and their services.
#include "ntos/io/completion.hpp"

#include "ntos/io/issue.hpp"

namespace io {

const ob::TypeInfo CompletionPort::Type { .Name = L"IoCompletion",
                                          .ValidAccess = IO_COMPLETION_ALL_ACCESS,
                                          .Mapping = { STANDARD_RIGHTS_READ | IO_COMPLETION_QUERY_STATE, STANDARD_RIGHTS_WRITE | IO_COMPLETION_MODIFY_STATE,
                                                       STANDARD_RIGHTS_EXECUTE | SYNCHRONIZE, IO_COMPLETION_ALL_ACCESS } };

static void Drop(Packet& P)
{
    if (!P.Owned)
        delete &P;
    else if (P.Taken)
        P.Taken(P);
}

CompletionPort::~CompletionPort()
{
    while (Packet* P = Packets_.PopFront())
        Drop(*P);
}

void CompletionPort::Queue(Packet& P)
{
    if (Waiter* W = Waiters_.PopFront()) {
        W->Packet_ = &P;
        W->Given_.Set();
        return;
    }
    Packets_.PushBack(P);
    ++Depth_;
    if (!Signal_.Set) {
        Signal_.Set = true;
        Signal_.Wake();
    }
}

void CompletionPort::PushFront(Packet& P)
{
    if (!Waiters_.IsEmpty())
        return Queue(P);
    Packets_.PushFront(P);
    ++Depth_;
    Signal_.Set = true;
}

Packet* CompletionPort::Pop()
{
    Packet* P = Packets_.PopFront();
    if (P && --Depth_ == 0)
        Signal_.Set = false;
    return P;
}

bool CompletionPort::Remove(Packet& P)
{
    if (!P.Link.IsLinked())
        return false;
    P.Link.Unlink();
    if (--Depth_ == 0)
        Signal_.Set = false;
    return true;
}

CompletionPort::Waiter::~Waiter()
{
    Link_.Unlink();
    if (Packet_)
        Port_.PushFront(*std::exchange(Packet_, nullptr));
}

struct TakenPacket {
    u64 Key, ApcContext;
    NTSTATUS Status;
    u64 Information;
};

static TakenPacket Consume(Packet& P)
{
    TakenPacket T { P.Key, P.ApcContext, P.Status, P.Information };
    Drop(P);
    return T;
}

static Result<ke::Deadline> CaptureTimeout(ke::Caller& Caller, ke::UserPtr<LARGE_INTEGER> Timeout)
{
    if (!Timeout)
        return ke::Deadline::None();
    return ke::Deadline::From(TRY(Timeout.Read(Caller)).QuadPart);
}

static Status WriteTaken(ke::Caller& Caller, svc::RemoveIoCompletion& Call, const TakenPacket& T)
{
    TRY(Call.KeyContext.Write(Caller, reinterpret_cast<PVOID>(T.Key)));
    TRY(Call.ApcContext.Write(Caller, reinterpret_cast<PVOID>(T.ApcContext)));
    return WriteStatusBlock(Caller.Process(), Call.IoStatusBlock.Address(), T.Status, T.Information);
}

static ke::Task<> WaitForPacket(ke::Caller& Caller, svc::RemoveIoCompletion& Call, Ref<CompletionPort> Port, ke::Deadline Until)
{
    CompletionPort::Waiter W(*Port);
    W.Enter();
    Status S = co_await ke::WaitFor(W.Given(), false, Until);
    if (S.Code() != STATUS_SUCCESS)
        co_return S;
    co_return WriteTaken(Caller, Call, Consume(*W.Take()));
}

static Result<Ref<CompletionPort>> PrepareRemove(ke::Caller& Caller, svc::RemoveIoCompletion& Call)
{
    Ref<CompletionPort> Port = TRY(ob::Reference<CompletionPort>(Caller, Call.IoCompletionHandle, IO_COMPLETION_MODIFY_STATE));
    TRY(Call.KeyContext.Probe(Caller));
    TRY(Call.ApcContext.Probe(Caller));
    TRY(Call.IoStatusBlock.Probe(Caller));
    return Port;
}

// The first packet and, without waiting, up to Room more.
static Status WriteMany(ke::Caller& Caller, svc::RemoveIoCompletionEx& Call, CompletionPort& Port, Packet* First, u32 Room)
{
    u32 Count = 0;
    for (Packet* P = First; P; P = Count < Room ? Port.Pop() : nullptr) {
        TakenPacket T = Consume(*P);
        FILE_IO_COMPLETION_INFORMATION Out {};
        Out.KeyContext = reinterpret_cast<PVOID>(T.Key);
        Out.ApcContext = reinterpret_cast<PVOID>(T.ApcContext);
        Out.IoStatusBlock.Pointer = nullptr;
        Out.IoStatusBlock.Status = T.Status;
        Out.IoStatusBlock.Information = T.Information;
        TRY(Call.IoCompletionInformation.WriteAs(Caller, Out, usize(Count) * sizeof(Out)));
        ++Count;
    }
    return Call.NumEntriesRemoved.Write(Caller, Count);
}

static ke::Task<> WaitForPackets(ke::Caller& Caller, svc::RemoveIoCompletionEx& Call, Ref<CompletionPort> Port, ke::Deadline Until, u32 Count, bool Alertable)
{
    CompletionPort::Waiter W(*Port);
    W.Enter();
    Status S = co_await ke::WaitFor(W.Given(), Alertable, Until);
    if (S.Code() != STATUS_SUCCESS) {
        CO_TRY(Call.NumEntriesRemoved.Write(Caller, 1));      // as NT
        co_return S;
    }
    co_return WriteMany(Caller, Call, *Port, W.Take(), Count);
}

// A packet whose queuing is bound to another object's signal.
class WaitPacket final : public ob::Object {
public:
    static const ob::TypeInfo Type;
    WaitPacket() : Object(Type)
    {
        Packet_.Owned = true;
        Packet_.Taken = [](Packet& P) { static_cast<Holder&>(P).Self->Left(); };
        Packet_.Self = this;
    }
    ~WaitPacket() override { (void)Cancel(true); }
    Status Associate(Ref<CompletionPort> Port, Ref<ob::Object> Target, u64 Key, u64 ApcContext, NTSTATUS Status, u64 Information, bool& Already);
    Status Cancel(bool RemoveQueued);

private:
    struct Holder : Packet {
        WaitPacket* Self = nullptr;
    } Packet_;
    struct Watch final : ke::Activity {
        WaitPacket* Self = nullptr;
        void Completed(Status Outcome) override { Self->Signaled(Outcome); }
    } Watch_;
    // Target is held by the packet.
    static ke::Task<> WaitForTarget(ob::Object& Target) { co_return co_await ke::WaitFor(*Target.AsWaitable()); }
    void Signaled(Status Outcome);
    void Left();
    RefPtr<CompletionPort> Port_;       // while the target is waited for
    CompletionPort* QueuedAt_ = nullptr;        // while it is queued there, or given to a thread that waits there
    RefPtr<ob::Object> Target_;
};

const ob::TypeInfo WaitPacket::Type { .Name = L"WaitCompletionPacket", .ValidAccess = 0x1F0001, .Mapping = { 0x20000, 0x20001, 0x100000, 0x1F0001 } };

Status WaitPacket::Associate(Ref<CompletionPort> Port, Ref<ob::Object> Target, u64 Key, u64 ApcContext, NTSTATUS Status, u64 Information, bool& Already)
{
    if (Port_ || QueuedAt_)
        return STATUS_INVALID_PARAMETER_1;      // it is in use
    Packet_.Key = Key;
    Packet_.ApcContext = ApcContext;
    Packet_.Status = Status;
    Packet_.Information = Information;
    Port_ = Port;
    Target_ = Target;
    Watch_.Self = this;
    core::Status Outcome;
    // The watch keeps the packet alive: it may be queued after its handle is closed.
    if (Watch_.Start([&] { return WaitForTarget(*Target_); }, Outcome)) {
        if (IsError(Outcome)) {
            Port_.Reset();
            Target_.Reset();
            return Outcome;
        }
        Already = true;
        Signaled(Outcome);
    }
    return STATUS_SUCCESS;
}

void WaitPacket::Signaled(Status)
{
    AddRef();                           // while it is queued
    Target_.Reset();
    // A queue holds its packets; if they held it too, neither would go with its last handle.
    RefPtr<CompletionPort> Port = std::move(Port_);
    QueuedAt_ = Port.Get();
    Port->Queue(Packet_);
}

void WaitPacket::Left()
{
    QueuedAt_ = nullptr;
    Release();
}

Status WaitPacket::Cancel(bool RemoveQueued)
{
    if (!Port_ && !QueuedAt_)
        return STATUS_CANCELLED;
    if (Watch_.IsSuspended()) {
        Watch_.Cancel();
        Target_.Reset();
        Port_.Reset();
        return STATUS_SUCCESS;
    }
    if (!RemoveQueued || !QueuedAt_->Remove(Packet_))
        return STATUS_PENDING;
    Left();
    return STATUS_SUCCESS;
}

static bool IsWaitable(ob::Object& O)
{
    return O.AsWaitable() && &O.GetType() != &CompletionPort::Type;
}

}

using namespace io;

Status NtCreateIoCompletion(ke::Caller& Caller, svc::CreateIoCompletion& Call)
{
    TRY(ob::ClearHandle(Caller, Call.IoCompletionHandle));
    ob::Attributes Where = TRY(ob::Capture(Caller, Call.ObjectAttributes));
    auto New = TRY(ob::Make<CompletionPort>());
    auto Handle = ob::InsertAndOpen(Caller, std::move(New), Where, Call.DesiredAccess);
    if (!Handle.Ok())
        return Handle.GetStatus();
    TRY(Call.IoCompletionHandle.Write(Caller, Handle.Value()));
    return Handle.GetStatus();
}

Status NtOpenIoCompletion(ke::Caller& Caller, svc::OpenIoCompletion& Call)
{
    TRY(ob::ClearHandle(Caller, Call.IoCompletionHandle));
    ob::Attributes Wanted = TRY(ob::Capture(Caller, Call.ObjectAttributes));
    HANDLE Handle = TRY(ob::OpenByName(Caller, CompletionPort::Type, Wanted, Call.DesiredAccess));
    return Call.IoCompletionHandle.Write(Caller, Handle);
}

Status NtSetIoCompletion(ke::Caller& Caller, svc::SetIoCompletion& Call)
{
    auto Port = TRY(ob::Reference<CompletionPort>(Caller, Call.IoCompletionHandle, IO_COMPLETION_MODIFY_STATE));
    Packet* P = new Packet;
    if (!P)
        return STATUS_INSUFFICIENT_RESOURCES;
    P->Key = Call.KeyContext.Raw();
    P->ApcContext = Call.ApcContext.Raw();
    P->Status = Call.IoStatus;
    P->Information = Call.IoStatusInformation;
    Port->Queue(*P);
    return STATUS_SUCCESS;
}

ke::Task<> NtRemoveIoCompletion(ke::Caller& Caller, svc::RemoveIoCompletion& Call)
{
    auto Port = PrepareRemove(Caller, Call);
    if (!Port.Ok())
        return ke::Task<>(Port.GetStatus());
    auto Until = CaptureTimeout(Caller, Call.Timeout);
    if (!Until.Ok())
        return ke::Task<>(Until.GetStatus());
    if (Packet* P = Port.Value()->Pop())
        return ke::Task<>(WriteTaken(Caller, Call, Consume(*P)));
    if (Until.Value().HasPassed())
        return ke::Task<>(Status(STATUS_TIMEOUT));
    return WaitForPacket(Caller, Call, Port.Take(), Until.Value());
}

ke::Task<> NtRemoveIoCompletionEx(ke::Caller& Caller, svc::RemoveIoCompletionEx& Call)
{
    auto Port = ob::Reference<CompletionPort>(Caller, Call.IoCompletionHandle, IO_COMPLETION_MODIFY_STATE);
    if (!Port.Ok())
        return ke::Task<>(Port.GetStatus());
    u32 Count = Call.Count;
    if (!Count || Count > 0x7FFFFFFF / sizeof(FILE_IO_COMPLETION_INFORMATION))
        return ke::Task<>(Status(STATUS_INVALID_PARAMETER));
    if (Status S = Call.NumEntriesRemoved.Probe(Caller); !S.Ok())
        return ke::Task<>(S);
    // The caller may offer a huge array: only what can be filled now is looked at.
    u32 Likely = Port.Value()->Depth() ? Port.Value()->Depth() : 1;
    if (Status S = mm::ProbeForWrite(Caller.Process(), Call.IoCompletionInformation.Address(), usize(Count < Likely ? Count : Likely) * sizeof(FILE_IO_COMPLETION_INFORMATION));
        !S.Ok())
        return ke::Task<>(S);
    auto Until = CaptureTimeout(Caller, Call.Timeout);
    if (!Until.Ok())
        return ke::Task<>(Until.GetStatus());
    if (Packet* P = Port.Value()->Pop())
        return ke::Task<>(WriteMany(Caller, Call, *Port.Value(), P, Count));
    bool Alertable = Call.Alertable;
    if (!Alertable && Until.Value().HasPassed()) {
        Status S = Call.NumEntriesRemoved.Write(Caller, 1);      // as NT
        return ke::Task<>(S.Ok() ? Status(STATUS_TIMEOUT) : S);
    }
    return WaitForPackets(Caller, Call, Port.Take(), Until.Value(), Count, Alertable);
}

Status NtQueryIoCompletion(ke::Caller& Caller, svc::QueryIoCompletion& Call)
{
    if (Call.IoCompletionInformationClass != 0)
        return STATUS_INVALID_INFO_CLASS;
    if (Call.Length != sizeof(IO_COMPLETION_BASIC_INFORMATION))
        return STATUS_INFO_LENGTH_MISMATCH;
    auto Port = TRY(ob::Reference<CompletionPort>(Caller, Call.IoCompletionHandle, IO_COMPLETION_QUERY_STATE));
    return ke::WriteFixed(Caller, Call.IoCompletionInformation, Call.Length, Call.ReturnLength, IO_COMPLETION_BASIC_INFORMATION { LONG(Port->Depth()) });
}

Status NtCreateWaitCompletionPacket(ke::Caller& Caller, svc::CreateWaitCompletionPacket& Call)
{
    TRY(ob::ClearHandle(Caller, Call.WaitCompletionPacketHandle));
    ob::Attributes Where = TRY(ob::Capture(Caller, Call.ObjectAttributes));
    auto New = TRY(ob::Make<WaitPacket>());
    auto Handle = ob::InsertAndOpen(Caller, std::move(New), Where, Call.DesiredAccess);
    if (!Handle.Ok())
        return Handle.GetStatus();
    TRY(Call.WaitCompletionPacketHandle.Write(Caller, Handle.Value()));
    return Handle.GetStatus();
}

Status NtAssociateWaitCompletionPacket(ke::Caller& Caller, svc::AssociateWaitCompletionPacket& Call)
{
    auto Packet = TRY(ob::Reference<WaitPacket>(Caller, Call.WaitCompletionPacketHandle, 1));
    auto Port = TRY(ob::Reference<CompletionPort>(Caller, Call.IoCompletionHandle, IO_COMPLETION_MODIFY_STATE));
    auto Target = TRY(ob::ReferenceAny(Caller, Call.TargetObjectHandle, SYNCHRONIZE));
    if (!IsWaitable(*Target.Target))
        return STATUS_OBJECT_TYPE_MISMATCH;
    if (Call.AlreadySignaled)
        TRY(Call.AlreadySignaled.Probe(Caller));
    bool Already = false;
    TRY(Packet->Associate(Port, Target.Target, Call.KeyContext.Raw(), Call.ApcContext.Raw(), Call.IoStatus, Call.IoStatusInformation, Already));
    return Call.AlreadySignaled.WriteIfThere(Caller, Already);
}

Status NtCancelWaitCompletionPacket(ke::Caller& Caller, svc::CancelWaitCompletionPacket& Call)
{
    auto Packet = TRY(ob::Reference<WaitPacket>(Caller, Call.WaitCompletionPacketHandle, 1));
    return Packet->Cancel(Call.RemoveSignaledPacket);
}
