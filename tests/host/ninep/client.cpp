// The client and an honest server.
#include <sys/stat.h>

#include <random>
#include <set>

#include "tests/host/ninep/server.hpp"

using namespace test;

namespace {

std::vector<ninep::Chars> Names(const std::vector<std::string>& S)
{
    std::vector<ninep::Chars> N;
    for (auto& Each : S)
        N.push_back(C(Each));
    return N;
}

std::set<std::string> ListAll(ninep::Client& Client, ninep::Fid F)
{
    std::set<std::string> Found;
    u64 Offset = 0;
    for (;;) {
        auto More = Client.List(F, Offset, [&](const ninep::FolderEntry& E) {
            EXPECT_TRUE(Found.insert(std::string(E.Name.begin(), E.Name.end())).second);
            return Status(STATUS_SUCCESS);
        });
        EXPECT_TRUE(More.Ok());
        if (!More.Ok() || !More.Value())
            return Found;
    }
}

TEST_F(Ninep, WalksAsFarAsItCan)
{
    mkdir(Host.At("a").c_str(), 0755);
    mkdir(Host.At("a/b").c_str(), 0755);
    Host.Write("a/b/c", "x");
    std::vector<std::string> Path { "a", "b", "c" };
    ninep::Qid Qids[16];
    u32 Found;
    auto F = Client.Walk(Client.Root(), Names(Path), Qids, Found);
    ASSERT_TRUE(F.Ok());
    EXPECT_EQ(Found, 3u);
    EXPECT_EQ(Qids[1].Type, ninep::Qid::Folder);
    EXPECT_EQ(Qids[2].Type, 0);
    Client.Clunk(F.Value());
    Path = { "a", "none", "c" };
    EXPECT_EQ(Client.Walk(Client.Root(), Names(Path), Qids, Found).Code(), STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT_EQ(Found, 1u);
    Path = { "none" };
    EXPECT_EQ(Client.Walk(Client.Root(), Names(Path), Qids, Found).Code(), STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT_EQ(Found, 0u);
    EXPECT_EQ(TheServer.Open(), 1u);
}

TEST_F(Ninep, WritesAndReadsLongFiles)
{
    auto F = Client.Again(Client.Root());
    ASSERT_TRUE(F.Ok());
    ASSERT_TRUE(Client.Create(F.Value(), C("new"), ninep::open::ReadWrite | ninep::open::Exclusive, 0640).Ok());
    std::mt19937 Random(1);
    std::string Data(1 << 20, 0);
    for (char& B : Data)
        B = char(Random());
    EXPECT_EQ(Client.Write(F.Value(), 5, Data.data(), Data.size()).Take(), Data.size());
    EXPECT_EQ(Host.Read("new"), std::string(5, 0) + Data);
    std::string Back(Data.size() + 100, 0);
    EXPECT_EQ(Client.Read(F.Value(), 5, Back.data(), Back.size()).Take(), Data.size());
    Back.resize(Data.size());
    EXPECT_EQ(Back, Data);
    EXPECT_TRUE(Client.Sync(F.Value()).Ok());
    auto A = Client.Query(F.Value());
    ASSERT_TRUE(A.Ok());
    EXPECT_EQ(A->Size, Data.size() + 5);
    EXPECT_FALSE(A->IsFolder());
    EXPECT_GT(A->Modified.Seconds, 1600000000u);
    Client.Clunk(F.Value());
    auto G = Client.Again(Client.Root());
    EXPECT_EQ(Client.Create(G.Value(), C("new"), ninep::open::ReadWrite | ninep::open::Exclusive, 0640).Code(), STATUS_OBJECT_NAME_COLLISION);
    Client.Clunk(G.Value());
    EXPECT_EQ(TheServer.Open(), 1u);
}

TEST_F(Ninep, ListsManyFiles)
{
    std::set<std::string> Made { ".", ".." };
    for (int I = 0; I < 1000; ++I) {
        std::string Name = "a file with a rather long name, number " + std::to_string(I);
        Host.Write(Name, std::to_string(I));
        Made.insert(Name);
    }
    auto F = Client.Again(Client.Root());
    ASSERT_TRUE(Client.Open(F.Value(), ninep::open::ReadOnly).Ok());
    EXPECT_EQ(ListAll(Client, F.Value()), Made);
    Client.Clunk(F.Value());
}

TEST_F(Ninep, QueriesSeveralWithWhateverRoomThereIs)
{
    std::vector<std::string> Some;
    for (int I = 0; I < 40; ++I) {
        Some.push_back("f" + std::to_string(I));
        if (I % 7 != 3)
            Host.Write(Some.back(), std::string(usize(I), 'x'));
    }
    for (u32 Most : { 1u, 3u, 16u }) {
        Line.Most = Most;
        std::vector<ninep::Attributes> Got(Some.size());
        auto N = Names(Some);
        Client.QuerySeveral(Client.Root(), N, Got);
        for (int I = 0; I < 40; ++I) {
            EXPECT_EQ(Got[usize(I)].Mode != 0, I % 7 != 3);
            if (I % 7 != 3)
                EXPECT_EQ(Got[usize(I)].Size, u64(I));
        }
        EXPECT_EQ(TheServer.Open(), 1u);
    }
}

TEST_F(Ninep, ChangesNamesAndAttributes)
{
    Host.Write("one", "1");
    Host.Write("two", "2");
    ASSERT_TRUE(Client.MakeFolder(Client.Root(), C("d"), 0755).Ok());
    EXPECT_EQ(Client.MakeFolder(Client.Root(), C("d"), 0755).Code(), STATUS_OBJECT_NAME_COLLISION);
    auto D = Client.Walk(Client.Root(), C("d"));
    ASSERT_TRUE(D.Ok());
    EXPECT_TRUE(Client.Rename(Client.Root(), C("one"), D.Value(), C("uno")).Ok());
    EXPECT_EQ(Host.Read("d/uno"), "1");
    EXPECT_EQ(Client.Unlink(Client.Root(), C("d"), true).Code(), STATUS_DIRECTORY_NOT_EMPTY);
    auto F = Client.Walk(D.Value(), C("uno"));
    EXPECT_TRUE(Client.Link(Client.Root(), F.Value(), C("again")).Ok());
    EXPECT_EQ(Client.Query(F.Value()).Take().Links, 2u);
    EXPECT_TRUE(Client.Set(F.Value(), { .Valid = ninep::NewAttributes::HasMode | ninep::NewAttributes::HasSize, .Mode = 0444, .Size = 77 }).Ok());
    EXPECT_TRUE(Client.Set(F.Value(), { .Valid = ninep::NewAttributes::HasModified, .Modified = { 1234567890, 987654300 } }).Ok());
    auto A = Client.Query(F.Value()).Take();
    EXPECT_EQ(A.Size, 77u);
    EXPECT_EQ(A.Mode & 0777, 0444u);
    EXPECT_EQ(A.Modified, (ninep::Time { 1234567890, 987654300 }));
    EXPECT_TRUE(Client.Unlink(D.Value(), C("uno"), false).Ok());
    EXPECT_TRUE(Client.Unlink(Client.Root(), C("d"), true).Ok());
    EXPECT_FALSE(Host.Exists("d"));
    EXPECT_EQ(Client.Unlink(Client.Root(), C("d"), true).Code(), STATUS_OBJECT_NAME_NOT_FOUND);
    Client.Clunk(D.Value());
    Client.Clunk(F.Value());
}

TEST_F(Ninep, KeepsSymbolicLinks)
{
    ASSERT_TRUE(Client.MakeSymLink(Client.Root(), C("link"), C("some/where")).Ok());
    auto F = Client.Walk(Client.Root(), C("link"));
    ASSERT_TRUE(F.Ok());
    EXPECT_TRUE(Client.Query(F.Value()).Take().IsSymLink());
    Vector<char> Target;
    ASSERT_TRUE(Client.ReadLink(F.Value(), Target).Ok());
    EXPECT_EQ(std::string(Target.begin(), Target.end()), "some/where");
    Client.Clunk(F.Value());
}

TEST_F(Ninep, TellsOfTheVolume)
{
    auto V = Client.Volume();
    ASSERT_TRUE(V.Ok());
    EXPECT_GT(V->BlockBytes, 0u);
    EXPECT_GE(V->Blocks, V->Free);
}

TEST_F(Ninep, RefusesOtherVersions)
{
    Server Old { Host.Path };
    Old.Version = "9P2000.u";
    Direct To { Old };
    ninep::Client Other { To };
    EXPECT_EQ(Other.Start(), STATUS_REVISION_MISMATCH);
    Old.Version = "9P2000.L";
    Old.Largest = 100;
    EXPECT_EQ(Other.Start(), STATUS_INVALID_NETWORK_RESPONSE);
}

TEST_F(Ninep, FitsIntoSmallMessages)
{
    Server Small { Host.Path };
    Small.Largest = 4096;
    Direct To { Small };
    ninep::Client Other { To };
    ASSERT_TRUE(Other.Start().Ok());
    EXPECT_LE(Other.MostData(), 4096u);
    Host.Write("f", std::string(20000, 'q'));
    auto F = Other.Walk(Other.Root(), C("f"));
    ASSERT_TRUE(Other.Open(F.Value(), ninep::open::ReadOnly).Ok());
    std::string Back(30000, 0);
    EXPECT_EQ(Other.Read(F.Value(), 0, Back.data(), Back.size()).Take(), 20000u);
    Other.Clunk(F.Value());
}

}
