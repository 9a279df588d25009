// Ports: NT's classic local procedure calls, between processes, by copied messages.
//
// A server creates a named connection port and receives there: connection requests, the requests and datagrams of all its
// clients, and word of their end. Accepting a request makes a pair of communication ports, one for each side. A request waits, in
// its service's frame (Pending), for the reply that names its message id and client; a reply may be given through the connection
// port or any port accepted from it. When the last handle of a port is closed, whoever waits for its side hears
// STATUS_PORT_DISCONNECTED.
// Differs from Windows: no section views, no impersonation of clients, no ALPC interface.
#pragma once
#include "abi/nt/lpc.hpp"
#include "ntos/ex/ex.hpp"

namespace lpc {

class Port;

struct Message {
    core::ListNode<Message> Link;
    PORT_MESSAGE Head {};
    Vector<u8> Data;
    u64 Context = 0;                    // of the server's communication port it came through
    static void* operator new(usize Bytes) noexcept { return ::operator new(Bytes, std::nothrow); }
    static void operator delete(void* At) { ::operator delete(At); }
};

// A caller that waits for an answer. Unlinked when its frame goes, so an answer that comes late finds nobody.
struct Pending {
    core::ListNode<Pending> Link;
    CLIENT_ID Client;
    ULONG MessageId;
    Port* Queue;                        // where the request went; cleared by its answer, or when a connection is being accepted
    Port* Through;                      // the asker's own port
    bool IsConnect;
    ke::Event Answered { ke::Event::Notification };
    Status Outcome;
    PORT_MESSAGE Head {};
    Vector<u8> Data;
    Pending(const CLIENT_ID& By, Port& To, Port* From, bool Connect);
    void Answer(Status With);
};
// The one waiting for an answer to this message, or null.
Pending* FindPending(ULONG MessageId, const CLIENT_ID& Client);
ULONG NewMessageId();

class Port final : public ob::Object {
public:
    static const ob::TypeInfo Type;
    enum Kinds : u8 { Connection, Server, Client };
    static constexpr ULONG LongestMessage = 0x7000;     // header included
    static constexpr u32 MostMessages = 1024;

    Port(Kinds Kind, RefPtr<Port> ConnectionPort) : Object(Type), Kind_(Kind), Connection_(std::move(ConnectionPort)) { }
    ~Port() override;
    Kinds Kind() const { return Kind_; }
    // The queue a receiver at this port reads: the connection port's for the server's side.
    Port& Receives() { return Kind_ == Server ? *Connection_ : *this; }
    // The queue what is sent through this port goes to. Null: nobody is there any more.
    Port* SendsTo();
    void Join(Port& Peer);              // the two communication ports of one connection
    u64 PeerContext() const { return Peer_ ? Peer_->Context : 0; }     // what the other end calls this one
    bool IsOpen() const { return Open_; }

    Status Send(Own<Message> M);        // into this queue; STATUS_PORT_DISCONNECTED, STATUS_INSUFFICIENT_RESOURCES
    Message* First() { return Queue_.First(); }
    void TakeFirst();
    ke::Event& Arrived() { return Arrived_; }
    void HandleClosed(ps::Process& By, u32 Left, u32 InProcess) override;

    u64 Context = 0;                    // the server's name for a client
    u64 ServerProcess = 0;              // of a connection port: who may accept
    ULONG MaximumInfo = 0, MaximumMessage = 0;
    RefPtr<Port> Accepted;              // of a server port: keeps the client's port until the connection is complete
    ULONG ConnectId = 0;                // of a server port: the request it answers, until it is complete
    CLIENT_ID ConnectClient {};

private:
    void Close();
    void WakeReceivers();
    Kinds Kind_;
    bool Open_ = true;
    RefPtr<Port> Connection_;
    Port* Peer_ = nullptr;              // cleared by whichever goes first
    core::List<Message, &Message::Link> Queue_;
    u32 Count_ = 0;
    ke::Event Arrived_ { ke::Event::Synchronization };
};

}
