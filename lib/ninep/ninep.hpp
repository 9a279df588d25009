// 9P2000.L, the client's side: messages and names, without an operating system around them.
// (The protocol: diod's protocol.md; messages of 9P2000 itself: section 5 of Plan 9's manual.)
//
// A Transport carries messages to a server and back, several at a time. A Message is one request and its answer: put together, sent, waited for,
// taken apart. A Client knows what the messages mean. Nothing here is locked: a Client's functions may be called by any number of threads at once if
// the Transport's may.
// The server is not trusted: an answer of another type, tag or length than fits, a text or count that does not lie in it, or more data than was asked
// for is STATUS_INVALID_NETWORK_RESPONSE. What a server's names and numbers mean is for the caller to check.
// Errors of the server (Linux's numbers) become NT's statuses: StatusOf.
#pragma once
#include <span>

#include "lib/core/vector.hpp"

namespace ninep {

using Chars = std::span<const char>;            // a name or path of the server's
using WideText = std::span<const wchar_t>;
using Fid = u32;
inline constexpr Fid NoFid = ~0u;

enum class Type : u8 {
    LError = 7, StatFs = 8, LOpen = 12, LCreate = 14, SymLink = 16, Rename = 20, ReadLink = 22, GetAttributes = 24, SetAttributes = 26,
    ReadFolder = 40, Sync = 50, Lock = 52, Link = 70, MakeFolder = 72, RenameAt = 74, UnlinkAt = 76, Version = 100, Attach = 104, Walk = 110, Read = 116, Write = 118, Clunk = 120,
};

// --- what travels

struct Qid {
    enum : u8 { Folder = 0x80, SymLink = 0x02 };
    u8 Type = 0;
    u32 Version = 0;
    u64 Path = 0;                       // the file's identity
};
struct Time {
    u64 Seconds = 0, Nanoseconds = 0;   // since 1970
    friend bool operator==(const Time&, const Time&) = default;
};
namespace mode {
inline constexpr u32 Kind = 0170000, Folder = 0040000, File = 0100000, SymLink = 0120000, AnyWrite = 0222, OwnerWrite = 0200;
}
struct Attributes {
    Qid Id;
    u32 Mode = 0, Uid = 0, Gid = 0;
    u64 Links = 0, Size = 0, Blocks = 0;        // Blocks: of 512 bytes
    Time Accessed, Modified, Changed;
    bool IsFolder() const { return (Mode & mode::Kind) == mode::Folder; }
    bool IsSymLink() const { return (Mode & mode::Kind) == mode::SymLink; }
};
struct NewAttributes {
    enum : u32 { HasMode = 1, HasSize = 8, HasAccessed = 0x10 | 0x80, HasModified = 0x20 | 0x100 };
    u32 Valid = 0, Mode = 0;
    u64 Size = 0;
    Time Accessed, Modified;
};
struct VolumeAbout {
    u32 BlockBytes;
    u64 Blocks, Free, Available;
    u64 Id;
    u32 NameBytes;
};
// Flags of opens, Linux's.
namespace open {
inline constexpr u32 ReadOnly = 0, WriteOnly = 1, ReadWrite = 2, Create = 0100, Exclusive = 0200, Truncate = 01000;
}
inline constexpr u32 UnlinkFolder = 0x200;
inline constexpr u32 MaximumWalk = 16, MaximumName = 255;

// --- transport

// Room for one request and its answer.
struct Exchange {
    std::span<u8> Request, Reply;       // the reply's room is as asked for, or less
    u32 RequestBytes = 0, ReplyBytes = 0;
    u16 Tag = 0;                        // unlike that of any other under way
    void* Owner = nullptr;              // the transport's
};
class Transport {
public:
    // A free exchange with at least ReplyRoom bytes for the answer; waits for one, or (Wait false) answers null if there is none now.
    virtual Exchange* Take(u32 RequestRoom, u32 ReplyRoom, bool Wait) = 0;
    virtual void Send(Exchange& E) = 0;
    // The answer is there, or the server is gone. STATUS_CONNECTION_DISCONNECTED.
    virtual Status Wait(Exchange& E) = 0;
    virtual void Give(Exchange& E) = 0;         // after Wait, or never sent
    // For a sent one whose answer does not matter: given back by itself.
    virtual void Forget(Exchange& E) = 0;
    virtual u32 MaximumMessage() const = 0;     // bytes, of request or answer

protected:
    ~Transport() = default;
};

// A request and its answer. Putting more than fits is noticed by Send, taking more than there is by Failed.
class Message {
public:
    Message(Transport& By, Type What, u32 RequestRoom, u32 ReplyRoom, bool Wait = true);
    ~Message();
    Message(const Message&) = delete;
    Message& operator=(const Message&) = delete;
    bool Exists() const { return E_ != nullptr; }       // false: there was none free
    Message& U8(u8 V) { return Put(&V, 1); }
    Message& U16(u16 V) { return Put(&V, 2); }
    Message& U32(u32 V) { return Put(&V, 4); }
    Message& U64(u64 V) { return Put(&V, 8); }
    Message& Text(Chars Name);
    Message& Bytes(const void* From, usize Count) { return Put(From, Count); }
    Status Send();                      // STATUS_NAME_TOO_LONG: it does not fit; STATUS_INSUFFICIENT_RESOURCES
    Status Wait();                      // the server's error, or that the answer is none
    Status Run();                       // both
    void SendAndForget();
    u8 TakeU8() { return Number<u8>(); }
    u16 TakeU16() { return Number<u16>(); }
    u32 TakeU32() { return Number<u32>(); }
    u64 TakeU64() { return Number<u64>(); }
    Qid TakeQid();
    std::span<const u8> TakeBytes(usize Count);
    Chars TakeText();
    bool Failed() const { return Failed_; }
    usize Left() const { return Failed_ ? 0 : E_->ReplyBytes - At_; }

private:
    Message& Put(const void* From, usize Count);
    template <typename T> T Number()
    {
        T V = 0;
        if (auto B = TakeBytes(sizeof(T)); !B.empty())
            __builtin_memcpy(&V, B.data(), sizeof(T));
        return V;
    }
    Transport& By_;
    Exchange* E_;
    Type What_;
    usize At_ = 0;
    bool Failed_ = false, Sent_ = false, Over_ = false;
};

// --- client

struct FolderEntry {
    Qid Id;
    u64 Next;                           // where the listing goes on
    u8 Kind;                            // Linux's DT_: 4 folder, 8 file, 10 symbolic link, 0 unknown
    Chars Name;
};

class Client {
public:
    explicit Client(Transport& By) : By_(By) { }
    // Agrees on the version and attaches the server's tree: Root() is its root. STATUS_REVISION_MISMATCH.
    Status Start();
    Fid Root() const { return Root_; }
    u32 MostData() const { return Most_; }      // of one read or write

    // Walks from a fid by names to a new one. As far as it came: Found qids; STATUS_OBJECT_NAME_NOT_FOUND if not to the end (and no new fid then).
    // At most MaximumWalk names; none gives a second fid of the same file.
    Result<Fid> Walk(Fid From, std::span<const Chars> Names, Qid* Qids, u32& Found);
    Result<Fid> Walk(Fid From, Chars Name);
    Result<Fid> Again(Fid From);
    void Clunk(Fid F);                  // the answer is not waited for
    Result<Attributes> Query(Fid F);
    Status Set(Fid F, const NewAttributes& To);
    Result<Qid> Open(Fid F, u32 Flags);
    // F is a folder and becomes the opened new file.
    Result<Qid> Create(Fid F, Chars Name, u32 Flags, u32 Mode);
    Result<Qid> MakeFolder(Fid Folder, Chars Name, u32 Mode);
    Result<Qid> MakeSymLink(Fid Folder, Chars Name, Chars Target);
    Status Link(Fid Folder, Fid Of, Chars Name);
    Status Rename(Fid Folder, Chars Name, Fid ToFolder, Chars ToName);
    Status Unlink(Fid Folder, Chars Name, bool IsFolder);
    Status ReadLink(Fid F, Vector<char>& Target);
    // As much as there is, in as many messages as it takes (the server may give less each time): fewer bytes than asked for are the file's end.
    Result<usize> Read(Fid F, u64 Offset, void* To, usize Bytes);
    Result<usize> Write(Fid F, u64 Offset, const void* From, usize Bytes);
    Status Sync(Fid F);
    Result<VolumeAbout> Volume();
    // One step of a listing of an opened folder from Offset on; Each is called for every entry ("." and ".." too). True: there may be more, Offset is moved.
    template <typename F> Result<bool> List(Fid Folder, u64& Offset, F Each)
    {
        Message M(By_, Type::ReadFolder, 64, Most_);
        M.U32(Folder).U64(Offset).U32(Most_);
        TRY(M.Run());
        u32 Count = M.TakeU32();
        if (Count > Most_ || Count != M.Left())
            return nt::STATUS_INVALID_NETWORK_RESPONSE;
        bool Any = false;
        while (M.Left()) {
            FolderEntry E;
            E.Id = M.TakeQid();
            E.Next = M.TakeU64();
            E.Kind = M.TakeU8();
            E.Name = M.TakeText();
            if (M.Failed() || !IsName(E.Name))
                return nt::STATUS_INVALID_NETWORK_RESPONSE;
            TRY(Each(E));
            Offset = E.Next;
            Any = true;
        }
        return Any;
    }
    // Attributes of several entries of a folder, with their requests under way together. Outcomes[i].Mode is 0 where it failed.
    void QuerySeveral(Fid Folder, std::span<const Chars> Names, std::span<Attributes> Outcomes);

    static bool IsName(Chars Name);     // what a folder may hold: neither empty nor with a slash or NUL in it

private:
    Fid NewFid();
    Result<Qid> TakeQid(Message& M);
    static Attributes TakeAttributes(Message& M);
    Transport& By_;
    Fid Root_ = NoFid;
    u32 NextFid_ = 0, Most_ = 4096;
};

Status StatusOf(u32 LinuxError);

// --- names
// The server's names are bytes, Windows' are UTF-16 without \ / : * ? " < > | and control characters, and end in neither dot nor space. What has no
// counterpart becomes a character U+F001 to U+F0FF of the private area, one for each byte: every name has one form on each side, and goes there and back unchanged.

Status ToWindows(Chars Name, Vector<wchar_t>& To);
// STATUS_OBJECT_NAME_INVALID: what no file can be called (empty, ".", "..", a character Windows does not allow, over 255 bytes).
Status ToServer(WideText Name, Vector<char>& To);

}
