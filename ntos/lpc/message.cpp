// Sending, receiving and answering.
#include <string.h>

#include "ntos/lpc/port.hpp"
#include "ntos/ps/thread.hpp"

using namespace ob;
using ex::Done;
using lpc::Message;
using lpc::Pending;
using lpc::Port;

namespace {

// A message of the caller's: its header's lengths checked against the port's limit, its data copied.
Result<Own<Message>> CaptureMessage(ke::Caller& Caller, ke::UserBuffer From, ULONG Longest)
{
    Own<Message> M(new Message);
    if (!M.Get())
        return STATUS_NO_MEMORY;
    M->Head = TRY(From.ReadAs<PORT_MESSAGE>(Caller));
    if (M->Head.DataLength < 0 || M->Head.TotalLength < 0 || usize(M->Head.DataLength) + sizeof(PORT_MESSAGE) > usize(M->Head.TotalLength))
        return STATUS_INVALID_PARAMETER;
    if (ULONG(M->Head.TotalLength) > Longest)
        return STATUS_PORT_MESSAGE_TOO_LONG;
    TRY(M->Data.Resize(usize(M->Head.DataLength)));
    TRY(From.Read(Caller, M->Data.Data(), M->Data.Size(), sizeof(PORT_MESSAGE)));
    return M;
}

void Stamp(ke::Caller& Caller, Message& M, SHORT Type, Port& Through)
{
    M.Head.Type = Type;
    M.Head.ClientId = { reinterpret_cast<HANDLE>(Caller.Process().Id()), reinterpret_cast<HANDLE>(Caller.Thread().Id()) };
    M.Head.CallbackId = 0;
    M.Context = Through.PeerContext();
}

Status Deliver(ke::Caller& Caller, ke::UserBuffer To, const PORT_MESSAGE& Head, const Vector<u8>& Data)
{
    if (Data.Size())
        TRY(To.Write(Caller, Data.Data(), Data.Size(), sizeof(Head)));
    return To.WriteAs(Caller, Head);
}

Status Answer(ke::Caller& Caller, Port& P, ke::UserBuffer ReplyMessage)
{
    Own<Message> M = TRY(CaptureMessage(Caller, ReplyMessage, P.Receives().MaximumMessage));
    Pending* Asker = lpc::FindPending(M->Head.MessageId, M->Head.ClientId);
    if (!Asker || Asker->IsConnect || Asker->Queue != &P.Receives())
        return STATUS_REPLY_MESSAGE_MISMATCH;
    Asker->Head = M->Head;
    Asker->Head.Type = LPC_REPLY;
    Asker->Data = std::move(M->Data);
    Asker->Answer(STATUS_SUCCESS);
    return STATUS_SUCCESS;
}

ke::Task<> WaitForAnswer(ke::Caller& Caller, Ref<Port> Through, Ref<Port> To, Own<Message> M, ke::UserBuffer ReplyMessage)
{
    Pending Me(M->Head.ClientId, *To, Through.Get(), false);
    M->Head.MessageId = Me.MessageId;
    CO_TRY(To->Send(std::move(M)));
    CO_TRY(co_await ke::WaitFor(Me.Answered));
    CO_TRY(Me.Outcome);
    co_return Deliver(Caller, ReplyMessage, Me.Head, Me.Data);
}

// OnlyConnections: other messages are dropped (NtListenPort).
ke::Task<> Receive(ke::Caller& Caller, Ref<Port> From, ke::UserBuffer To, ke::UserPtr<PVOID> Context, bool OnlyConnections)
{
    for (;;) {
        Port& Queue = From->Receives();
        if (!Queue.IsOpen())
            co_return STATUS_PORT_DISCONNECTED;
        if (Message* M = Queue.First()) {
            if (OnlyConnections && M->Head.Type != LPC_CONNECTION_REQUEST) {
                Queue.TakeFirst();
                continue;
            }
            // It stays in the queue if it cannot be written.
            Status S = Deliver(Caller, To, M->Head, M->Data);
            if (S.Ok())
                S = Context.WriteIfThere(Caller, reinterpret_cast<PVOID>(M->Context));
            if (S.Ok())
                Queue.TakeFirst();
            co_return S;
        }
        if (From->Kind() == Port::Client && !From->SendsTo())
            co_return STATUS_PORT_DISCONNECTED;
        CO_TRY(co_await ke::WaitFor(Queue.Arrived()));
    }
}

// Tells a port when its thread has ended.
struct LastWord final : ps::ThreadRundown {
    Ref<Port> To;
    CLIENT_ID Of;
    u64 CreateTime;
    LastWord(Ref<Port> P, const CLIENT_ID& Ids, u64 Created) : To(std::move(P)), Of(Ids), CreateTime(Created) { }
    void ThreadEnds(ps::Thread&) override
    {
        Own<Message> M(new Message);
        Port* Queue = To->SendsTo();
        if (M.Get() && Queue && M->Data.Resize(sizeof(CLIENT_DIED_DATA)).Ok()) {
            memcpy(M->Data.Data(), &CreateTime, sizeof(CreateTime));
            M->Head.DataLength = sizeof(CLIENT_DIED_DATA);
            M->Head.TotalLength = sizeof(CLIENT_DIED_DATA) + sizeof(PORT_MESSAGE);
            M->Head.Type = LPC_CLIENT_DIED;
            M->Head.ClientId = Of;
            M->Head.MessageId = lpc::NewMessageId();
            Queue->Send(std::move(M)).Ignore();         // a server that does not listen misses it
        }
        delete this;
    }
    static void* operator new(usize Bytes) noexcept { return ::operator new(Bytes, std::nothrow); }
    static void operator delete(void* At) { ::operator delete(At); }
};

}

Status NtRequestPort(ke::Caller& Caller, svc::RequestPort& Call)
{
    Ref<Port> P = TRY(Reference<Port>(Caller, Call.PortHandle, 0));
    Own<Message> M = TRY(CaptureMessage(Caller, Call.RequestMessage, P->MaximumMessage));
    Port* To = P->SendsTo();
    if (!To)
        return P->Kind() == Port::Connection ? STATUS_INVALID_PORT_HANDLE : STATUS_PORT_DISCONNECTED;
    Stamp(Caller, *M, LPC_DATAGRAM, *P);
    M->Head.MessageId = lpc::NewMessageId();
    return To->Send(std::move(M));
}

ke::Task<> NtRequestWaitReplyPort(ke::Caller& Caller, svc::RequestWaitReplyPort& Call)
{
    Result<Ref<Port>> P = Reference<Port>(Caller, Call.PortHandle, 0);
    if (!P.Ok())
        return Done(P.GetStatus());
    Result<Own<Message>> M = CaptureMessage(Caller, Call.RequestMessage, P.Value()->MaximumMessage);
    if (!M.Ok())
        return Done(M.GetStatus());
    Port* To = P.Value()->SendsTo();
    if (!To)
        return Done(P.Value()->Kind() == Port::Connection ? STATUS_INVALID_PORT_HANDLE : STATUS_PORT_DISCONNECTED);
    Stamp(Caller, *M.Value(), LPC_REQUEST, *P.Value());
    return WaitForAnswer(Caller, P.Take(), Ref<Port>(*To), M.Take(), Call.ReplyMessage);
}

Status NtReplyPort(ke::Caller& Caller, svc::ReplyPort& Call)
{
    Ref<Port> P = TRY(Reference<Port>(Caller, Call.PortHandle, 0));
    return Answer(Caller, *P, Call.ReplyMessage);
}

ke::Task<> NtReplyWaitReceivePort(ke::Caller& Caller, svc::ReplyWaitReceivePort& Call)
{
    Result<Ref<Port>> P = Reference<Port>(Caller, Call.PortHandle, 0);
    if (!P.Ok())
        return Done(P.GetStatus());
    if (Call.ReplyMessage)
        if (Status S = Answer(Caller, *P.Value(), Call.ReplyMessage); !S.Ok())
            return Done(S);
    return Receive(Caller, P.Take(), Call.ReceiveMessage, Call.PortContext, false);
}

ke::Task<> NtListenPort(ke::Caller& Caller, svc::ListenPort& Call)
{
    Result<Ref<Port>> P = Reference<Port>(Caller, Call.PortHandle, 0);
    if (!P.Ok())
        return Done(P.GetStatus());
    if (P.Value()->Kind() != Port::Connection)
        return Done(STATUS_INVALID_PORT_HANDLE);
    return Receive(Caller, P.Take(), Call.ConnectionRequest, {}, true);
}

Status NtRegisterThreadTerminatePort(ke::Caller& Caller, svc::RegisterThreadTerminatePort& Call)
{
    Ref<Port> P = TRY(Reference<Port>(Caller, Call.PortHandle, 0));
    ps::Thread& T = Caller.Thread();
    auto* Word = new LastWord(std::move(P), { reinterpret_cast<HANDLE>(T.Process().Id()), reinterpret_cast<HANDLE>(T.Id()) }, T.CreateTime);
    if (!Word)
        return STATUS_NO_MEMORY;
    T.AddRundown(*Word);
    return STATUS_SUCCESS;
}
