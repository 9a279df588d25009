// The port object, its queue, and who waits for answers.
#include "ntos/lpc/port.hpp"

#include "ntos/ps/thread.hpp"

namespace lpc {

constinit const ob::TypeInfo Port::Type {
    .Name = L"ALPC Port",
    .ValidAccess = PORT_ALL_ACCESS,
    .Mapping = { STANDARD_RIGHTS_READ | PORT_CONNECT, STANDARD_RIGHTS_WRITE | DELETE_ACCESS, STANDARD_RIGHTS_EXECUTE, PORT_ALL_ACCESS },
};

using PendingList = core::List<Pending, &Pending::Link>;

static PendingList& AllPending()
{
    static constinit PendingList* List = nullptr;
    alignas(PendingList) static char Room[sizeof(PendingList)];
    if (!List) [[unlikely]]
        List = new (Room) PendingList;
    return *List;
}

ULONG NewMessageId()
{
    static ULONG Last;
    if (++Last == 0)
        ++Last;
    return Last;
}

Pending::Pending(const CLIENT_ID& By, Port& To, Port* From, bool Connect)
    : Client(By), MessageId(NewMessageId()), Queue(&To), Through(From), IsConnect(Connect)
{
    AllPending().PushBack(*this);
}

void Pending::Answer(Status With)
{
    Link.Unlink();
    Queue = nullptr;
    Outcome = With;
    Answered.Set();
}

Pending* FindPending(ULONG MessageId, const CLIENT_ID& Client)
{
    for (Pending& P : AllPending())
        if (P.MessageId == MessageId && P.Client.UniqueThread == Client.UniqueThread && P.Client.UniqueProcess == Client.UniqueProcess &&
            P.Answered.HasWaiters())
            return &P;
    return nullptr;
}

Port::~Port()
{
    Close();
}

Port* Port::SendsTo()
{
    if (Kind_ == Connection || !Open_ || !Peer_)
        return nullptr;
    Port* To = Kind_ == Client ? Connection_.Get() : Peer_;
    return To->Open_ ? To : nullptr;
}

void Port::Join(Port& Peer)
{
    ASSERT(!Peer_ && !Peer.Peer_);
    Peer_ = &Peer;
    Peer.Peer_ = this;
}

Status Port::Send(Own<Message> M)
{
    if (!Open_)
        return STATUS_PORT_DISCONNECTED;
    if (Count_ >= MostMessages)
        return STATUS_INSUFFICIENT_RESOURCES;
    ++Count_;
    Queue_.PushBack(*M.Leak());
    Arrived_.Set();
    return STATUS_SUCCESS;
}

void Port::TakeFirst()
{
    --Count_;
    delete Queue_.PopFront();
    if (Count_)
        Arrived_.Set();                 // for the next receiver
}

void Port::HandleClosed(ps::Process& By, u32 Left, u32)
{
    if (Left)
        return;
    // The server hears of it from the client's port, once.
    if (Kind_ == Client && Peer_ && Open_ && Connection_->Open_) {
        if (Own<Message> M(new Message); M.Get()) {
            M->Head.Type = LPC_PORT_CLOSED;
            M->Head.TotalLength = sizeof(PORT_MESSAGE);
            M->Head.ClientId.UniqueProcess = reinterpret_cast<HANDLE>(By.Id());
            M->Head.MessageId = NewMessageId();
            M->Context = Peer_->Context;
            Connection_->Send(std::move(M)).Ignore();   // a server that does not listen misses it
        }
    }
    Close();
}

void Port::WakeReceivers()
{
    while (Arrived_.HasWaiters())
        Arrived_.Set();                 // each takes the signal of one
    Arrived_.Set();
}

void Port::Close()
{
    if (!std::exchange(Open_, false))
        return;
    Port* Other = std::exchange(Peer_, nullptr);
    if (Other) {
        Other->Peer_ = nullptr;
        Other->WakeReceivers();         // they look again, and see that nobody is left
    }
    while (Message* M = Queue_.PopFront())
        delete M;
    Count_ = 0;
    WakeReceivers();
    // Everybody who asked through this port or its other end, or waits for an answer from this queue.
    for (bool Again = true; Again;) {
        Again = false;
        for (Pending& P : AllPending()) {
            if (P.Queue == this || P.Through == this || (Other && P.Through == Other) || (Kind_ == Server && P.IsConnect && P.MessageId == ConnectId)) {
                P.Answer(P.IsConnect ? STATUS_PORT_CONNECTION_REFUSED : STATUS_PORT_DISCONNECTED);
                Again = true;
                break;
            }
        }
    }
    Accepted.Reset();
}

}
