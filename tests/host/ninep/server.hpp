// A 9P2000.L server on a folder of the host, in the test's own process, and the transport to it.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "lib/ninep/ninep.hpp"
#include "tests/host/support/gtest.hpp"

namespace test {

using namespace nt;
using Bytes = std::vector<u8>;

inline ninep::Chars C(const std::string& S) { return { S.data(), S.size() }; }

// What came in a request, or goes out in an answer.
struct Packet {
    Bytes Data;
    usize At = 0;
    template <typename T> T Take()
    {
        T V {};
        if (Data.size() - At >= sizeof(T))
            memcpy(&V, &Data[At], sizeof(T));
        At = std::min(Data.size(), At + sizeof(T));
        return V;
    }
    std::string Text();
    template <typename T> void Put(T V)
    {
        auto* From = reinterpret_cast<const u8*>(&V);
        Data.insert(Data.end(), From, From + sizeof(T));
    }
    void PutText(const std::string& S);
};

class Server {
public:
    explicit Server(std::string Root) : Root_(std::move(Root)) { }
    ~Server();
    Bytes Answer(const Bytes& Request);
    u32 Open() const { return u32(Fids_.size()); }
    u32 Largest = 65536;                // messages
    std::string Version = "9P2000.L";

private:
    struct Entry {
        std::string Path;
        int Fd = -1;
    };
    int Serve(u8 Type, Packet& In, Packet& Out);        // 0 or an error of Linux
    void PutQid(Packet& To, const struct stat& S);
    int ReadFolder(Entry& E, u64 Offset, u32 Room, Packet& Out);
    std::string Root_;
    std::map<u32, Entry> Fids_;
};

// Answers at once, when a request is sent. Spoil may change the answer's bytes.
class Direct final : public ninep::Transport {
public:
    explicit Direct(Server& To) : To_(To) { }
    ~Direct();
    ninep::Exchange* Take(u32 RequestRoom, u32 ReplyRoom, bool Wait) override;
    void Send(ninep::Exchange& E) override;
    Status Wait(ninep::Exchange& E) override;
    void Give(ninep::Exchange& E) override;
    void Forget(ninep::Exchange& E) override { Give(E); }
    u32 MaximumMessage() const override { return Largest; }
    void (*Spoil)(Bytes& Answer, void* Context) = nullptr;
    void* Context = nullptr;
    bool Gone = false;
    u32 Taken = 0, Most = 16, Messages = 0, Largest = 65536;

private:
    struct Room {
        ninep::Exchange E;
        Bytes Request, Reply;
    };
    Server& To_;
    u16 Tag_ = 0;
};

// A folder of its own, gone afterwards.
struct Folder {
    Folder();
    ~Folder();
    std::string Path;
    std::string At(const std::string& Name) const { return Path + "/" + Name; }
    void Write(const std::string& Name, const std::string& Text) const;
    std::string Read(const std::string& Name) const;
    bool Exists(const std::string& Name) const;
};

struct Ninep : testing::Test {
    Folder Host;
    Server TheServer { Host.Path };
    Direct Line { TheServer };
    ninep::Client Client { Line };
    void SetUp() override { ASSERT_TRUE(Client.Start().Ok()); }
};

}
