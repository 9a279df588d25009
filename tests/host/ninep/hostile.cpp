// A server that lies, is cut off, or is gone: the client reports it and touches nothing outside of what it was given (the sanitizers watch).
#include <random>

#include "tests/host/ninep/server.hpp"

using namespace test;

namespace {

// Everything a client can ask for, with whatever comes of it.
void Everything(ninep::Client& Client)
{
    (void)Client.Start();
    ninep::Qid Qids[16];
    u32 Found = 0;
    std::string Text[] = { "d", "f" };
    ninep::Chars Path[] = { C(Text[0]), C(Text[1]) };
    auto F = Client.Walk(Client.Root(), Path, Qids, Found);
    EXPECT_LE(Found, 2u);
    ninep::Fid File = F.Ok() ? F.Value() : 77;
    (void)Client.Query(File);
    (void)Client.Open(File, ninep::open::ReadWrite);
    std::vector<char> Data(3000);
    if (auto R = Client.Read(File, 0, Data.data(), Data.size()); R.Ok())
        EXPECT_LE(R.Value(), Data.size());
    if (auto W = Client.Write(File, 0, Data.data(), Data.size()); W.Ok())
        EXPECT_LE(W.Value(), Data.size());
    (void)Client.Sync(File);
    (void)Client.Volume();
    if (auto D = Client.Walk(Client.Root(), C(Text[0])); D.Ok()) {
        (void)Client.Open(D.Value(), ninep::open::ReadOnly);
        u64 Offset = 0;
        for (int Steps = 0; Steps < 20; ++Steps) {
            auto More = Client.List(D.Value(), Offset, [](const ninep::FolderEntry& E) {
                EXPECT_TRUE(ninep::Client::IsName(E.Name));
                return Status(STATUS_SUCCESS);
            });
            if (!More.Ok() || !More.Value())
                break;
        }
        std::vector<ninep::Attributes> A(1);
        Client.QuerySeveral(D.Value(), std::span(Path + 1, 1), A);
        Client.Clunk(D.Value());
    }
    std::string Link = "l";
    if (auto L = Client.Walk(Client.Root(), C(Link)); L.Ok()) {
        Vector<char> Target;
        (void)Client.ReadLink(L.Value(), Target);
        Client.Clunk(L.Value());
    }
    Client.Clunk(File);
}

struct Hostile : testing::Test {
    Folder Host;
    void SetUp() override
    {
        ASSERT_EQ(system(("mkdir " + Host.At("d") + " && ln -s x " + Host.At("l")).c_str()), 0);
        for (int I = 0; I < 30; ++I)
            Host.Write("d/f" + std::string(I ? std::to_string(I) : ""), std::string(2000, 'x'));
    }
};

TEST_F(Hostile, AnswersWithRandomBytesChanged)
{
    struct State {
        std::mt19937 Random;
        u32 OneIn;
    };
    for (u32 Seed = 0; Seed < 1500; ++Seed) {
        Server S { Host.Path };
        Direct Line { S };
        State Now { std::mt19937(Seed), 1 + Seed % 20 };
        Line.Context = &Now;
        Line.Spoil = [](Bytes& A, void* Context) {
            auto& Now = *static_cast<State*>(Context);
            if (Now.Random() % Now.OneIn)
                return;
            switch (Now.Random() % 4) {
            case 0:
                A[Now.Random() % A.size()] = u8(Now.Random());
                break;
            case 1: {                   // a whole number, extreme
                u32 V = Now.Random() % 2 ? ~0u : u32(Now.Random() % 70000);
                memcpy(&A[Now.Random() % (A.size() - 3)], &V, 4);
                break;
            }
            case 2:                     // cut, and honest about it
                A.resize(Now.Random() % A.size());
                if (A.size() >= 4) {
                    u32 Size = u32(A.size());
                    memcpy(A.data(), &Size, 4);
                }
                break;
            default:
                for (usize I = 7; I < A.size(); ++I)
                    A[I] = u8(Now.Random());
            }
        };
        ninep::Client Client { Line };
        Everything(Client);
    }
}

TEST_F(Hostile, Gone)
{
    Server S { Host.Path };
    Direct Line { S };
    ninep::Client Client { Line };
    ASSERT_TRUE(Client.Start().Ok());
    Line.Gone = true;
    EXPECT_EQ(Client.Query(Client.Root()).Code(), STATUS_CONNECTION_DISCONNECTED);
    Everything(Client);
}

TEST_F(Hostile, MoreThanAskedFor)
{
    Server S { Host.Path };
    Direct Line { S };
    ninep::Client Client { Line };
    ASSERT_TRUE(Client.Start().Ok());
    auto D = Client.Walk(Client.Root(), C("d")), F = Client.Walk(D.Value(), C("f"));
    ASSERT_TRUE(Client.Open(F.Value(), ninep::open::ReadWrite).Ok());
    Line.Spoil = [](Bytes& A, void*) {
        Packet P;
        P.Put(u32(7 + 4 + 11));
        P.Put(u8(A[4]));
        P.Put(u16(A[5] | A[6] << 8));
        P.Put(u32(11));
        for (int I = 0; I < 11; ++I)
            P.Put(u8('!'));
        A = P.Data;
    };
    char Ten[10];
    EXPECT_EQ(Client.Read(F.Value(), 0, Ten, 10).Code(), STATUS_INVALID_NETWORK_RESPONSE);
    EXPECT_EQ(Client.Write(F.Value(), 0, Ten, 10).Code(), STATUS_INVALID_NETWORK_RESPONSE);
}

TEST_F(Hostile, NamesThatDoNotFit)
{
    Server S { Host.Path };
    Direct Line { S };
    ninep::Client Client { Line };
    ASSERT_TRUE(Client.Start().Ok());
    std::string Long(70000, 'n');
    EXPECT_FALSE(Client.Walk(Client.Root(), C(Long)).Ok());
    EXPECT_FALSE(Client.MakeFolder(Client.Root(), C(Long), 0755).Ok());
}

}
