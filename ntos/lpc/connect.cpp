// Making and accepting connections.
#include <string.h>

#include "ntos/lpc/port.hpp"
#include "ntos/ps/thread.hpp"

using namespace ob;
using ex::Done;
using lpc::Message;
using lpc::Pending;
using lpc::Port;

namespace lpc {

static CLIENT_ID IdsOf(ke::Caller& Caller)
{
    return { reinterpret_cast<HANDLE>(Caller.Process().Id()), reinterpret_cast<HANDLE>(Caller.Thread().Id()) };
}

}

Status NtCreatePort(ke::Caller& Caller, svc::CreatePort& Call)
{
    if (Call.MaxMessageLength > Port::LongestMessage)
        return STATUS_INVALID_PARAMETER_4;
    if (Call.MaxConnectionInfoLength > Port::LongestMessage - sizeof(PORT_MESSAGE))
        return STATUS_INVALID_PARAMETER_3;
    Attributes Where = TRY(Capture(Caller, Call.ObjectAttributes));
    Ref<Port> New = TRY(Make<Port>(Port::Connection, RefPtr<Port>()));
    New->ServerProcess = Caller.Process().Id();
    New->MaximumInfo = Call.MaxConnectionInfoLength;
    // A message must be able to carry the connection information.
    ULONG Least = ULONG(Call.MaxConnectionInfoLength + sizeof(PORT_MESSAGE));
    New->MaximumMessage = Call.MaxMessageLength > Least ? Call.MaxMessageLength.Get() : Least;
    return ReturnHandle(Caller, Call.PortHandle, InsertAndOpen(Caller, std::move(New), Where, PORT_ALL_ACCESS));
}

namespace {

struct ConnectCall {
    ke::UserPtr<HANDLE> PortHandle;
    ke::UserPtr<ULONG> MaxMessageLength;
    ke::UserBuffer Information;
    ke::UserPtr<ULONG> InformationLength;
};

ke::Task<> WaitForAccept(ke::Caller& Caller, ConnectCall Call, Ref<Port> To, Ref<Port> Mine, Own<Message> Request, ULONG InformationRoom)
{
    Pending Me(lpc::IdsOf(Caller), *To, Mine.Get(), true);
    Request->Head.MessageId = Me.MessageId;
    CO_TRY(To->Send(std::move(Request)));
    CO_TRY(co_await ke::WaitFor(Me.Answered));
    // Also a refusal may tell something.
    if (InformationRoom || Call.InformationLength) {
        ULONG Given = ULONG(Me.Data.Size() < InformationRoom ? Me.Data.Size() : InformationRoom);
        if (Given)
            CO_TRY(Call.Information.Write(Caller, Me.Data.Data(), Given));
        CO_TRY(Call.InformationLength.WriteIfThere(Caller, Given));
    }
    CO_TRY(Me.Outcome);
    CO_TRY(Call.MaxMessageLength.WriteIfThere(Caller, To->MaximumMessage));
    co_return ReturnHandle(Caller, Call.PortHandle, GrantHandle(Caller, std::move(Mine), PORT_ALL_ACCESS, 0));
}

struct Prepared {
    RefPtr<Port> To, Mine;
    Own<Message> Request;
    ULONG Room = 0;
};

Result<Prepared> PrepareConnect(ke::Caller& Caller, ke::UserPtr<UNICODE_STRING> PortName, ConnectCall& Call)
{
    Attributes Wanted;
    Wanted.IsGiven = Wanted.HasName = true;
    Wanted.Flags = OBJ_CASE_INSENSITIVE;
    Wanted.Path = TRY(CaptureString(Caller, PortName));
    OpenRequest Request { Caller, Wanted, PORT_CONNECT, nullptr, &Port::Type };
    Ref<Object> Found = TRY(Lookup(Request));
    if (&Found->GetType() != &Port::Type)
        return STATUS_OBJECT_TYPE_MISMATCH;
    TRY(CheckAccess(Caller, *Found, PORT_CONNECT));
    Prepared P;
    P.To = RefPtr<Port>(static_cast<Port*>(Found.Get()));
    if (P.To->Kind() != Port::Connection)
        return STATUS_INVALID_PORT_HANDLE;
    if (Call.InformationLength)
        P.Room = TRY(Call.InformationLength.Read(Caller));
    ULONG Sent = P.Room < P.To->MaximumInfo ? P.Room : P.To->MaximumInfo;
    P.Mine = RefPtr<Port>(TRY(Make<Port>(Port::Client, P.To)));
    P.Mine->MaximumMessage = P.To->MaximumMessage;
    P.Request = Own<Message>(new Message);
    if (!P.Request.Get())
        return STATUS_NO_MEMORY;
    TRY(P.Request->Data.Resize(Sent));
    if (Sent)
        TRY(Call.Information.Read(Caller, P.Request->Data.Data(), Sent));
    PORT_MESSAGE& Head = P.Request->Head;
    Head.DataLength = SHORT(Sent);
    Head.TotalLength = SHORT(Sent + sizeof(PORT_MESSAGE));
    Head.Type = LPC_CONNECTION_REQUEST;
    Head.ClientId = lpc::IdsOf(Caller);
    return P;
}

ke::Task<> Connect(ke::Caller& Caller, ke::UserPtr<UNICODE_STRING> PortName, ConnectCall Call)
{
    Result<Prepared> P = PrepareConnect(Caller, PortName, Call);
    if (!P.Ok())
        return Done(P.GetStatus());
    return WaitForAccept(Caller, Call, Ref<Port>::Adopt(*P->To.Leak()), Ref<Port>::Adopt(*P->Mine.Leak()), std::move(P->Request), P->Room);
}

}

ke::Task<> NtConnectPort(ke::Caller& Caller, svc::ConnectPort& Call)
{
    if (Call.ClientView || Call.ServerView)
        return Done(STATUS_NOT_IMPLEMENTED);
    return Connect(Caller, Call.PortName, { Call.PortHandle, Call.MaxMessageLength, Call.ConnectionInformation, Call.ConnectionInformationLength });
}

ke::Task<> NtSecureConnectPort(ke::Caller& Caller, svc::SecureConnectPort& Call)
{
    if (Call.ClientView || Call.ServerView || Call.RequiredServerSid)
        return Done(STATUS_NOT_IMPLEMENTED);
    return Connect(Caller, Call.PortName, { Call.PortHandle, Call.MaxMessageLength, Call.ConnectionInformation, Call.ConnectionInformationLength });
}

Status NtAcceptConnectPort(ke::Caller& Caller, svc::AcceptConnectPort& Call)
{
    if (Call.ServerView || Call.ClientView)
        return STATUS_NOT_IMPLEMENTED;
    PORT_MESSAGE Head = TRY(Call.ConnectionRequest.ReadAs<PORT_MESSAGE>(Caller));
    Pending* Asker = lpc::FindPending(Head.MessageId, Head.ClientId);
    if (!Asker || !Asker->IsConnect || !Asker->Queue || Asker->Queue->ServerProcess != Caller.Process().Id())
        return STATUS_REPLY_MESSAGE_MISMATCH;
    // The request's data, as the server may have changed it, go back to the client.
    Vector<u8> Data;
    if (Head.DataLength > 0 && ULONG(Head.DataLength) <= Asker->Queue->MaximumInfo) {
        TRY(Data.Resize(usize(Head.DataLength)));
        TRY(Call.ConnectionRequest.Read(Caller, Data.Data(), Data.Size(), sizeof(Head)));
    }
    if (!Call.AcceptConnection) {
        Asker->Data = std::move(Data);
        Asker->Answer(STATUS_PORT_CONNECTION_REFUSED);
        return STATUS_SUCCESS;
    }
    Ref<Port> New = TRY(Make<Port>(Port::Server, RefPtr<Port>(Asker->Queue)));
    New->MaximumMessage = Asker->Queue->MaximumMessage;
    New->ConnectId = Head.MessageId;
    New->ConnectClient = Asker->Client;
    New->Accepted = RefPtr<Port>(Asker->Through);
    HANDLE Handle = TRY(GrantHandle(Caller, New, PORT_ALL_ACCESS, 0));
    // Without a name of the server's own, the client is known by the handle.
    New->Context = Call.PortContext.Raw() ? Call.PortContext.Raw() : reinterpret_cast<u64>(Handle);
    TRY(ReturnHandle(Caller, Call.PortHandle, Handle));
    Asker->Data = std::move(Data);
    Asker->Queue = nullptr;             // accepted: not a second time
    New->Join(*Asker->Through);
    return STATUS_SUCCESS;
}

Status NtCompleteConnectPort(ke::Caller& Caller, svc::CompleteConnectPort& Call)
{
    Ref<Port> P = TRY(Reference<Port>(Caller, Call.PortHandle, 0));
    if (P->Kind() != Port::Server)
        return STATUS_INVALID_PORT_HANDLE;
    if (!P->ConnectId)
        return STATUS_INVALID_PARAMETER;
    Pending* Asker = lpc::FindPending(std::exchange(P->ConnectId, 0), P->ConnectClient);
    P->Accepted.Reset();
    if (Asker)
        Asker->Answer(STATUS_SUCCESS);
    return STATUS_SUCCESS;
}
