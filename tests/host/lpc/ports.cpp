// Ports between processes that end at the wrong moment, and messages nobody should believe.
#include "abi/nt/lpc.hpp"
#include "tests/host/system/system.hpp"

using namespace test;
using abi::Service;

namespace {

constexpr usize Head = sizeof(PORT_MESSAGE);

struct Peer {
    Client C { As::System };
    u64 Out = C.Room(8), Message = C.Room(512), Reply = C.Room(512), Context = C.Room(8);
    void Fill(const std::string& Text)
    {
        PORT_MESSAGE M {};
        M.DataLength = SHORT(Text.size());
        M.TotalLength = SHORT(Text.size() + Head);
        C.Set(Message, M);
        C.Write(Message + Head, Text.data(), Text.size());
    }
    PORT_MESSAGE Got() { return C.Get<PORT_MESSAGE>(Message); }
};

struct Ports : testing::Test {
    std::unique_ptr<Peer> Server = std::make_unique<Peer>(), User = std::make_unique<Peer>();
    HANDLE Port = nullptr, Comm = nullptr, Mine = nullptr;
    static inline u32 Number = 0;
    wchar_t Path[16] = L"\\Port000";
    void SetUp() override
    {
        ++Number;
        for (u32 I = 0, N = Number; I < 3; ++I, N /= 10)
            Path[7 - I] = wchar_t(L'0' + N % 10);
        auto& S = *Server;
        ASSERT_NT(STATUS_SUCCESS, S.C.Call(Service::CreatePort, S.Out, S.C.PutAttributes({ Path, 8 }), 100, 200, 0));
        Port = S.C.Handle(S.Out);
    }
    NTSTATUS Connect() { return User->C.Call(Service::ConnectPort, User->Out, User->C.PutString({ Path, 8 }), 0, 0, 0, 0, 0, 0); }
    NTSTATUS Receive(HANDLE At) { return Server->C.Call(Service::ReplyWaitReceivePort, At, Server->Context, 0, Server->Message); }
    void Establish()
    {
        ASSERT_NT(STATUS_PENDING, Connect());
        ASSERT_NT(STATUS_SUCCESS, Receive(Port));
        ASSERT_NT(STATUS_SUCCESS, Server->C.Call(Service::AcceptConnectPort, Server->Out, 0x55, Server->Message, 1, 0, 0));
        Comm = Server->C.Handle(Server->Out);
        ASSERT_NT(STATUS_SUCCESS, Server->C.Call(Service::CompleteConnectPort, Comm));
        ASSERT_NT(STATUS_SUCCESS, User->C.Reply());
        Mine = User->C.Handle(User->Out);
    }
    NTSTATUS Request() { return User->C.Call(Service::RequestWaitReplyPort, Mine, User->Message, User->Reply); }
};

TEST_F(Ports, ARequestAndItsReply)
{
    Establish();
    User->Fill("question");
    EXPECT_NT(STATUS_PENDING, Request());
    EXPECT_NT(STATUS_SUCCESS, Receive(Port));
    EXPECT_EQ(Server->Got().Type, LPC_REQUEST);
    EXPECT_EQ(reinterpret_cast<u64>(Server->Got().ClientId.UniqueProcess), User->C.Process().Id());
    char Text[9] {};
    Server->C.Read(Server->Message + Head, Text, 8);
    EXPECT_STREQ(Text, "question");
    EXPECT_NT(STATUS_SUCCESS, Server->C.Call(Service::ReplyPort, Port, Server->Message));
    EXPECT_NT(STATUS_SUCCESS, User->C.Reply());
    EXPECT_EQ(User->C.Get<PORT_MESSAGE>(User->Reply).Type, LPC_REPLY);
}

TEST_F(Ports, AServerThatDiesFreesItsClients)
{
    Establish();
    User->Fill("question");
    EXPECT_NT(STATUS_PENDING, Request());
    Server.reset();
    EXPECT_NE(User->C.Reply(), STATUS_PENDING);
    EXPECT_LT(Request(), 0);
}

TEST_F(Ports, AServerThatDiesBeforeItAnswersAConnection)
{
    EXPECT_NT(STATUS_PENDING, Connect());
    Server.reset();
    NTSTATUS S = User->C.Reply();
    EXPECT_NE(S, STATUS_PENDING);
    EXPECT_LT(S, 0);
    EXPECT_LT(Connect(), 0);
}

TEST_F(Ports, AClientThatDiesWhileItWaits)
{
    Establish();
    User->Fill("question");
    EXPECT_NT(STATUS_PENDING, Request());
    EXPECT_NT(STATUS_SUCCESS, Receive(Port));
    PORT_MESSAGE Asked = Server->Got();
    User.reset();
    // The answer finds nobody, and the server learns that the client is gone.
    Server->C.Set(Server->Message, Asked);
    EXPECT_LT(Server->C.Call(Service::ReplyPort, Port, Server->Message), 0);
    EXPECT_NT(STATUS_SUCCESS, Receive(Port));
    EXPECT_EQ(Server->Got().Type, LPC_PORT_CLOSED);
}

TEST_F(Ports, AClientThatDiesWhileItConnects)
{
    EXPECT_NT(STATUS_PENDING, Connect());
    EXPECT_NT(STATUS_SUCCESS, Receive(Port));
    User.reset();
    Server->C.Call(Service::AcceptConnectPort, Server->Out, 0x55, Server->Message, 1, 0, 0);
    EXPECT_TRUE(Server->C.IsRunning());
}

TEST_F(Ports, ForgedRepliesReachNobody)
{
    Establish();
    User->Fill("question");
    EXPECT_NT(STATUS_PENDING, Request());
    EXPECT_NT(STATUS_SUCCESS, Receive(Port));
    PORT_MESSAGE M = Server->Got();
    auto Try = [&](PORT_MESSAGE Forged) {
        Server->C.Set(Server->Message, Forged);
        return Server->C.Call(Service::ReplyPort, Port, Server->Message);
    };
    PORT_MESSAGE Bad = M;
    Bad.MessageId += 1;
    EXPECT_LT(Try(Bad), 0);
    Bad = M;
    Bad.ClientId.UniqueThread = reinterpret_cast<HANDLE>(Server->C.Thread().Id());
    EXPECT_LT(Try(Bad), 0);
    EXPECT_TRUE(User->C.IsBlocked());
    EXPECT_NT(STATUS_SUCCESS, Try(M));
    EXPECT_NT(STATUS_SUCCESS, User->C.Reply());
    EXPECT_LT(Try(M), 0);               // once
}

TEST_F(Ports, HostileLengths)
{
    Establish();
    for (SHORT Data : { SHORT(-1), SHORT(-32768), SHORT(32767), SHORT(201), SHORT(100) })
        for (SHORT Total : { SHORT(-1), SHORT(0), SHORT(39), SHORT(40), SHORT(32767), SHORT(140) }) {
            PORT_MESSAGE M {};
            M.DataLength = Data;
            M.TotalLength = Total;
            User->C.Set(User->Message, M);
            NTSTATUS S = User->C.Call(Service::RequestPort, Mine, User->Message);
            EXPECT_EQ(S == STATUS_SUCCESS, Data == 100 && Total == 140) << Data << " " << Total;
        }
    EXPECT_NT(STATUS_ACCESS_VIOLATION, User->C.Call(Service::RequestPort, Mine, 0x10));
    EXPECT_LT(User->C.Call(Service::RequestWaitReplyPort, Mine, 0x10, 0x10), 0);
    EXPECT_LT(Server->C.Call(Service::AcceptConnectPort, Server->Out, 0, 0x10, 1, 0, 0), 0);
    EXPECT_LT(Server->C.Call(Service::CompleteConnectPort, Port), 0);
    EXPECT_LT(Server->C.Call(Service::ReplyPort, Mine, Server->Message), 0);
}

TEST(PortsOfAll, LeaveNothing)
{
    Balance B;
    for (u32 Round = 0; Round < 3; ++Round) {
        Peer S;
        EXPECT_NT(STATUS_SUCCESS, S.C.Call(Service::CreatePort, S.Out, S.C.PutAttributes(L"\\PortThatGoes"), 100, 200, 0));
        Peer C;
        EXPECT_NT(STATUS_PENDING, C.C.Call(Service::ConnectPort, C.Out, C.C.PutString(L"\\PortThatGoes"), 0, 0, 0, 0, 0, 0));
    }
    B.Check();
}

}
