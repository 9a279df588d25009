// Ports: connecting, requests and replies, datagrams, and what ends do.
#include "abi/nt/lpc.hpp"
#include "tests/host/ex/double/system.hpp"
#include "tests/host/support/gtest.hpp"

using fake::Client;

namespace {

constexpr usize Head = sizeof(PORT_MESSAGE);

struct Ports : testing::Test {
    Client S, C;                        // server and client, in their own processes
    u64 SOut = S.Room(8), COut = C.Room(8), SBuffer = S.Room(256), CBuffer = C.Room(256), CReply = C.Room(256), Context = S.Room(8);
    HANDLE Port = nullptr, Comm = nullptr, Mine = nullptr;

    void SetUp() override
    {
        ASSERT_EQ(S.Now(NtCreatePort, SOut, S.PutAttributes(L"\\MyPort"), 100, 100, 0), STATUS_SUCCESS);
        Port = S.At<HANDLE>(SOut);
    }
    NTSTATUS ReceiveAt(Client& By, HANDLE At, u64 Reply = 0) { return By.Start(NtReplyWaitReceivePort, At, Context, Reply, SBuffer); }
    PORT_MESSAGE& Got() { return S.At<PORT_MESSAGE>(SBuffer); }
    std::string Text(Client& Of, u64 At) { return reinterpret_cast<char*>(Of.Bytes(At + Head)); }
    void Fill(Client& Of, u64 At, const char* Text)
    {
        auto& M = Of.At<PORT_MESSAGE>(At);
        M = {};
        M.DataLength = SHORT(strlen(Text) + 1);
        M.TotalLength = SHORT(M.DataLength + Head);
        memcpy(Of.Bytes(At + Head), Text, size_t(M.DataLength));
    }
    void Say(Client& Of, u64 At, const char* Text)      // changes the data, keeps the header
    {
        auto& M = Of.At<PORT_MESSAGE>(At);
        M.DataLength = SHORT(strlen(Text) + 1);
        M.TotalLength = SHORT(M.DataLength + Head);
        memcpy(Of.Bytes(At + Head), Text, size_t(M.DataLength));
    }
    void Establish()
    {
        ASSERT_EQ(C.Start(NtConnectPort, COut, C.PutString(L"\\MyPort"), 0, 0, 0, 0, 0, 0), STATUS_PENDING);
        ASSERT_EQ(ReceiveAt(S, Port), STATUS_SUCCESS);
        ASSERT_EQ(Got().Type, LPC_CONNECTION_REQUEST);
        ASSERT_EQ(S.Now(NtAcceptConnectPort, SOut, 0x77, SBuffer, 1, 0, 0), STATUS_SUCCESS);
        Comm = S.At<HANDLE>(SOut);
        ASSERT_EQ(C.Reply(), STATUS_PENDING);
        ASSERT_EQ(S.Now(NtCompleteConnectPort, Comm), STATUS_SUCCESS);
        ASSERT_EQ(C.Reply(), STATUS_SUCCESS);
        Mine = C.At<HANDLE>(COut);
    }
};

TEST_F(Ports, WineSequence)
{
    Establish();
    ASSERT_EQ(C.Now(NtRegisterThreadTerminatePort, Mine), STATUS_SUCCESS);
    Fill(C, CBuffer, "Request1");
    EXPECT_EQ(C.Now(NtRequestPort, Mine, CBuffer), STATUS_SUCCESS);
    EXPECT_EQ(C.At<PORT_MESSAGE>(CBuffer).Type, 0);
    EXPECT_EQ(ReceiveAt(S, Port), STATUS_SUCCESS);
    EXPECT_EQ(Got().Type, LPC_DATAGRAM);
    EXPECT_EQ(S.At<u64>(Context), 0x77u);
    EXPECT_EQ(Text(S, SBuffer), "Request1");
    Fill(C, CBuffer, "Request2");
    EXPECT_EQ(ReceiveAt(S, Port), STATUS_PENDING);
    EXPECT_EQ(C.Start(NtRequestWaitReplyPort, Mine, CBuffer, CReply), STATUS_PENDING);
    EXPECT_EQ(S.Reply(), STATUS_SUCCESS);
    EXPECT_EQ(Got().Type, LPC_REQUEST);
    EXPECT_EQ(Got().ClientId.UniqueThread, HANDLE(C.Thread().Id()));
    EXPECT_EQ(Text(S, SBuffer), "Request2");
    Say(S, SBuffer, "Reply");
    EXPECT_EQ(S.Now(NtReplyPort, Port, SBuffer), STATUS_SUCCESS);
    EXPECT_EQ(Got().Type, LPC_REQUEST);
    EXPECT_EQ(C.Reply(), STATUS_SUCCESS);
    EXPECT_EQ(C.At<PORT_MESSAGE>(CReply).Type, LPC_REPLY);
    EXPECT_EQ(Text(C, CReply), "Reply");
    EXPECT_EQ(S.Now(NtReplyPort, Port, SBuffer), STATUS_REPLY_MESSAGE_MISMATCH);      // once
    C.Thread().End();
    EXPECT_EQ(ReceiveAt(S, Port), STATUS_SUCCESS);
    EXPECT_EQ(Got().Type, LPC_CLIENT_DIED);
    C.Process().Handles().CloseAll();
    EXPECT_EQ(ReceiveAt(S, Port), STATUS_SUCCESS);
    EXPECT_EQ(Got().Type, LPC_PORT_CLOSED);
    EXPECT_EQ(S.At<u64>(Context), 0x77u);
    Fill(S, SBuffer, "late");
    EXPECT_EQ(S.Now(NtRequestPort, Comm, SBuffer), STATUS_PORT_DISCONNECTED);
}

TEST_F(Ports, ReplyAndReceiveInOne)
{
    Establish();
    Fill(C, CBuffer, "one");
    EXPECT_EQ(C.Start(NtRequestWaitReplyPort, Mine, CBuffer, CReply), STATUS_PENDING);
    EXPECT_EQ(ReceiveAt(S, Comm), STATUS_SUCCESS);              // the accepted port reads the same queue
    Say(S, SBuffer, "two");
    EXPECT_EQ(ReceiveAt(S, Comm, SBuffer), STATUS_PENDING);
    EXPECT_EQ(C.Reply(), STATUS_SUCCESS);
    EXPECT_EQ(Text(C, CReply), "two");
    // From the server to the client.
    u64 Datagram = S.Room(100);
    Fill(S, Datagram, "hello");
    EXPECT_EQ(S.Now(NtRequestPort, Comm, Datagram), STATUS_SUCCESS);
    EXPECT_EQ(C.Start(NtReplyWaitReceivePort, Mine, 0, 0, CReply), STATUS_SUCCESS);
    EXPECT_EQ(Text(C, CReply), "hello");
}

TEST_F(Ports, ConnectionInformationAndRefusal)
{
    u64 Information = C.Put(u64(0x1122)), Length = C.Put(ULONG(8));
    EXPECT_EQ(C.Start(NtConnectPort, COut, C.PutString(L"\\MYPORT"), 0, 0, 0, 0, Information, Length), STATUS_PENDING);
    EXPECT_EQ(S.Start(NtListenPort, Port, SBuffer), STATUS_SUCCESS);
    EXPECT_EQ(Got().DataLength, 8);
    EXPECT_EQ(S.At<u64>(SBuffer + Head), 0x1122u);
    S.At<u64>(SBuffer + Head) = 0x3344;
    Client Other;
    u64 Copy = Other.Put(Got()), OOut = Other.Room(8);
    EXPECT_EQ(Other.Now(NtAcceptConnectPort, OOut, 0, Copy, 1, 0, 0), STATUS_REPLY_MESSAGE_MISMATCH);     // not its port
    EXPECT_EQ(S.Now(NtAcceptConnectPort, SOut, 0, SBuffer, 0, 0, 0), STATUS_SUCCESS);
    EXPECT_EQ(C.Reply(), STATUS_PORT_CONNECTION_REFUSED);
    EXPECT_EQ(C.At<u64>(Information), 0x3344u);
    EXPECT_EQ(S.Now(NtAcceptConnectPort, SOut, 0, SBuffer, 1, 0, 0), STATUS_REPLY_MESSAGE_MISMATCH);
    EXPECT_EQ(C.Start(NtConnectPort, COut, C.PutString(L"\\NoPort"), 0, 0, 0, 0, 0, 0), STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT_EQ(C.Start(NtConnectPort, COut, C.PutString(L"\\Device"), 0, 0, 0, 0, 0, 0), STATUS_OBJECT_TYPE_MISMATCH);
    // Accepted twice: the second does not count.
    EXPECT_EQ(C.Start(NtConnectPort, COut, C.PutString(L"\\MyPort"), 0, 0, 0, 0, 0, 0), STATUS_PENDING);
    EXPECT_EQ(S.Start(NtListenPort, Port, SBuffer), STATUS_SUCCESS);
    EXPECT_EQ(S.Now(NtAcceptConnectPort, SOut, 0, SBuffer, 1, 0, 0), STATUS_SUCCESS);
    HANDLE First = S.At<HANDLE>(SOut);
    EXPECT_EQ(S.Now(NtAcceptConnectPort, SOut, 0, SBuffer, 1, 0, 0), STATUS_REPLY_MESSAGE_MISMATCH);
    // Closed instead of completed.
    S.Now(NtClose, First);
    EXPECT_EQ(C.Reply(), STATUS_PORT_CONNECTION_REFUSED);
}

TEST_F(Ports, EndsAreHeard)
{
    Establish();
    Client D { C };
    Fill(C, CBuffer, "x");
    EXPECT_EQ(C.Start(NtRequestWaitReplyPort, Mine, CBuffer, CReply), STATUS_PENDING);
    EXPECT_EQ(D.Start(NtReplyWaitReceivePort, Mine, 0, 0, CReply), STATUS_PENDING);
    S.Now(NtClose, Comm);
    EXPECT_EQ(C.Reply(), STATUS_PORT_DISCONNECTED);
    EXPECT_EQ(D.Reply(), STATUS_PORT_DISCONNECTED);
    EXPECT_EQ(C.Now(NtRequestPort, Mine, CBuffer), STATUS_PORT_DISCONNECTED);
    // The connection port goes: who connects hears it.
    EXPECT_EQ(C.Start(NtConnectPort, COut, C.PutString(L"\\MyPort"), 0, 0, 0, 0, 0, 0), STATUS_PENDING);
    S.Now(NtClose, Port);
    EXPECT_EQ(C.Reply(), STATUS_PORT_CONNECTION_REFUSED);
    EXPECT_EQ(C.Start(NtConnectPort, COut, C.PutString(L"\\MyPort"), 0, 0, 0, 0, 0, 0), STATUS_OBJECT_NAME_NOT_FOUND);
}

TEST_F(Ports, AClientThatDiesWhileItAsks)
{
    Establish();
    Fill(C, CBuffer, "x");
    EXPECT_EQ(C.Start(NtRequestWaitReplyPort, Mine, CBuffer, CReply), STATUS_PENDING);
    EXPECT_EQ(ReceiveAt(S, Port), STATUS_SUCCESS);
    C.Thread().End();
    EXPECT_EQ(S.Now(NtReplyPort, Port, SBuffer), STATUS_REPLY_MESSAGE_MISMATCH);
    Client D;
    u64 DOut = D.Room(8);
    EXPECT_EQ(D.Start(NtConnectPort, DOut, D.PutString(L"\\MyPort"), 0, 0, 0, 0, 0, 0), STATUS_PENDING);
    EXPECT_EQ(ReceiveAt(S, Port), STATUS_SUCCESS);
    EXPECT_EQ(S.Now(NtAcceptConnectPort, SOut, 0, SBuffer, 1, 0, 0), STATUS_SUCCESS);
    D.Thread().End();
    EXPECT_EQ(S.Now(NtCompleteConnectPort, S.At<HANDLE>(SOut)), STATUS_SUCCESS);
}

TEST_F(Ports, BadMessages)
{
    Establish();
    Fill(C, CBuffer, "x");
    C.At<PORT_MESSAGE>(CBuffer).TotalLength = 41;
    EXPECT_EQ(C.Now(NtRequestPort, Mine, CBuffer), STATUS_INVALID_PARAMETER);
    C.At<PORT_MESSAGE>(CBuffer).DataLength = -1;
    EXPECT_EQ(C.Now(NtRequestPort, Mine, CBuffer), STATUS_INVALID_PARAMETER);
    C.At<PORT_MESSAGE>(CBuffer).DataLength = 100;
    C.At<PORT_MESSAGE>(CBuffer).TotalLength = 141;
    EXPECT_EQ(C.Now(NtRequestPort, Mine, CBuffer), STATUS_PORT_MESSAGE_TOO_LONG);
    EXPECT_EQ(C.Now(NtRequestPort, Mine, 0x10), STATUS_ACCESS_VIOLATION);
    Fill(C, CBuffer, "x");
    EXPECT_EQ(C.Now(NtReplyPort, Mine, CBuffer), STATUS_REPLY_MESSAGE_MISMATCH);
    u32 Sent = 0;
    while (C.Now(NtRequestPort, Mine, CBuffer) == STATUS_SUCCESS)
        ++Sent;
    EXPECT_EQ(Sent, 1024u);
    EXPECT_EQ(C.Now(NtRequestPort, Mine, CBuffer), STATUS_INSUFFICIENT_RESOURCES);
    // What cannot be written stays in the queue.
    EXPECT_EQ(S.Start(NtReplyWaitReceivePort, Port, 0, 0, 0x10), STATUS_ACCESS_VIOLATION);
    EXPECT_EQ(ReceiveAt(S, Port), STATUS_SUCCESS);
    EXPECT_EQ(Text(S, SBuffer), "x");
    EXPECT_EQ(S.Now(NtCreatePort, SOut, 0, 100, 0x10000, 0), STATUS_INVALID_PARAMETER_4);
    EXPECT_EQ(S.Now(NtCompleteConnectPort, Port), STATUS_INVALID_PORT_HANDLE);
    EXPECT_EQ(S.Now(NtRequestPort, Port, SBuffer), STATUS_INVALID_PORT_HANDLE);
}

}
