// What the messages mean.
#include <string.h>

#include "lib/ninep/ninep.hpp"

namespace ninep {

using namespace nt;

static constexpr u32 SmallReply = 256;

bool Client::IsName(Chars Name)
{
    if (Name.empty())
        return false;
    for (char C : Name)
        if (C == '/' || C == 0)
            return false;
    return true;
}

// Numbers are not looked for: they come again after four thousand million opens, and the server refuses one that is still in use.
Fid Client::NewFid()
{
    Fid F;
    do
        F = __atomic_fetch_add(&NextFid_, 1, __ATOMIC_RELAXED);
    while (F == NoFid);
    return F;
}

Result<Qid> Client::TakeQid(Message& M)
{
    Qid Q = M.TakeQid();
    if (M.Failed())
        return STATUS_INVALID_NETWORK_RESPONSE;
    return Q;
}

Status Client::Start()
{
    constexpr char Ours[] = "9P2000.L";
    u32 Largest = By_.MaximumMessage();
    {
        Message M(By_, Type::Version, 64, SmallReply);
        M.U32(Largest).Text({ Ours, sizeof(Ours) - 1 });
        TRY(M.Run());
        u32 Agreed = M.TakeU32();
        Chars Theirs = M.TakeText();
        if (M.Failed() || Agreed > Largest || Agreed < 4096)
            return STATUS_INVALID_NETWORK_RESPONSE;
        if (Theirs.size() != sizeof(Ours) - 1 || memcmp(Theirs.data(), Ours, Theirs.size()) != 0)
            return STATUS_REVISION_MISMATCH;
        Most_ = Agreed - 24;            // a write's header is the largest
    }
    Fid F = NewFid();
    Message M(By_, Type::Attach, 64, SmallReply);
    M.U32(F).U32(NoFid).Text({}).Text({ "/", 1 }).U32(~0u);
    TRY(M.Run());
    (void)TRY(TakeQid(M));
    Root_ = F;
    return STATUS_SUCCESS;
}

Result<Fid> Client::Walk(Fid From, std::span<const Chars> Names, Qid* Qids, u32& Found)
{
    Found = 0;
    if (Names.size() > MaximumWalk)
        return STATUS_INVALID_PARAMETER;
    Fid F = NewFid();
    usize Room = 16;
    for (Chars Name : Names)
        Room += 2 + Name.size();
    Message M(By_, Type::Walk, u32(Room), SmallReply);
    M.U32(From).U32(F).U16(u16(Names.size()));
    for (Chars Name : Names)
        M.Text(Name);
    TRY(M.Run());
    u16 Count = M.TakeU16();
    if (M.Failed() || Count > Names.size())
        return STATUS_INVALID_NETWORK_RESPONSE;
    for (u16 I = 0; I < Count; ++I) {
        Qid Q = M.TakeQid();
        if (Qids)
            Qids[I] = Q;
    }
    if (M.Failed())
        return STATUS_INVALID_NETWORK_RESPONSE;
    Found = Count;
    if (Count < Names.size())
        return STATUS_OBJECT_NAME_NOT_FOUND;
    return Result<Fid>(F);
}

Result<Fid> Client::Walk(Fid From, Chars Name)
{
    u32 Found;
    return Walk(From, { &Name, 1 }, nullptr, Found);
}

Result<Fid> Client::Again(Fid From)
{
    u32 Found;
    return Walk(From, {}, nullptr, Found);
}

void Client::Clunk(Fid F)
{
    Message M(By_, Type::Clunk, 16, SmallReply);
    M.U32(F).SendAndForget();
}

Attributes Client::TakeAttributes(Message& M)
{
    Attributes A;
    (void)M.TakeU64();                  // what is valid: the basic ones always
    A.Id = M.TakeQid();
    A.Mode = M.TakeU32();
    A.Uid = M.TakeU32();
    A.Gid = M.TakeU32();
    A.Links = M.TakeU64();
    (void)M.TakeU64();                  // device
    A.Size = M.TakeU64();
    (void)M.TakeU64();                  // block size
    A.Blocks = M.TakeU64();
    for (Time* T : { &A.Accessed, &A.Modified, &A.Changed }) {
        T->Seconds = M.TakeU64();
        T->Nanoseconds = M.TakeU64();
        if (T->Nanoseconds >= 1000000000)
            T->Nanoseconds = 0;
    }
    if (A.Size > u64(INT64_MAX))
        A.Size = u64(INT64_MAX);
    return A;
}

static constexpr u64 BasicAttributes = 0x7FF;

Result<Attributes> Client::Query(Fid F)
{
    Message M(By_, Type::GetAttributes, 32, SmallReply);
    M.U32(F).U64(BasicAttributes);
    TRY(M.Run());
    Attributes A = TakeAttributes(M);
    if (M.Failed())
        return STATUS_INVALID_NETWORK_RESPONSE;
    return A;
}

Status Client::Set(Fid F, const NewAttributes& To)
{
    Message M(By_, Type::SetAttributes, 96, SmallReply);
    M.U32(F).U32(To.Valid).U32(To.Mode).U32(0).U32(0).U64(To.Size);
    M.U64(To.Accessed.Seconds).U64(To.Accessed.Nanoseconds).U64(To.Modified.Seconds).U64(To.Modified.Nanoseconds);
    return M.Run();
}

Result<Qid> Client::Open(Fid F, u32 Flags)
{
    Message M(By_, Type::LOpen, 16, SmallReply);
    M.U32(F).U32(Flags);
    TRY(M.Run());
    return TakeQid(M);
}

Result<Qid> Client::Create(Fid F, Chars Name, u32 Flags, u32 Mode)
{
    Message M(By_, Type::LCreate, u32(32 + Name.size()), SmallReply);
    M.U32(F).Text(Name).U32(Flags).U32(Mode).U32(~0u);
    TRY(M.Run());
    return TakeQid(M);
}

Result<Qid> Client::MakeFolder(Fid Folder, Chars Name, u32 Mode)
{
    Message M(By_, Type::MakeFolder, u32(32 + Name.size()), SmallReply);
    M.U32(Folder).Text(Name).U32(Mode).U32(~0u);
    TRY(M.Run());
    return TakeQid(M);
}

Result<Qid> Client::MakeSymLink(Fid Folder, Chars Name, Chars Target)
{
    Message M(By_, Type::SymLink, u32(32 + Name.size() + Target.size()), SmallReply);
    M.U32(Folder).Text(Name).Text(Target).U32(~0u);
    TRY(M.Run());
    return TakeQid(M);
}

Status Client::Link(Fid Folder, Fid Of, Chars Name)
{
    Message M(By_, Type::Link, u32(32 + Name.size()), SmallReply);
    M.U32(Folder).U32(Of).Text(Name);
    return M.Run();
}

Status Client::Rename(Fid Folder, Chars Name, Fid ToFolder, Chars ToName)
{
    Message M(By_, Type::RenameAt, u32(32 + Name.size() + ToName.size()), SmallReply);
    M.U32(Folder).Text(Name).U32(ToFolder).Text(ToName);
    return M.Run();
}

Status Client::Unlink(Fid Folder, Chars Name, bool IsFolder)
{
    Message M(By_, Type::UnlinkAt, u32(32 + Name.size()), SmallReply);
    M.U32(Folder).Text(Name).U32(IsFolder ? UnlinkFolder : 0);
    return M.Run();
}

Status Client::ReadLink(Fid F, Vector<char>& Target)
{
    Message M(By_, Type::ReadLink, 16, 4096);
    M.U32(F);
    TRY(M.Run());
    Chars Text = M.TakeText();
    if (M.Failed())
        return STATUS_INVALID_NETWORK_RESPONSE;
    Target.Clear();
    TRY(Target.Resize(Text.size()));
    if (!Text.empty())
        memcpy(Target.Data(), Text.data(), Text.size());
    return STATUS_SUCCESS;
}

Result<usize> Client::Read(Fid F, u64 Offset, void* To, usize Bytes)
{
    usize Done = 0;
    while (Done < Bytes) {
        u32 Now = Bytes - Done < Most_ ? u32(Bytes - Done) : Most_;
        Message M(By_, Type::Read, 32, Now);
        M.U32(F).U64(Offset + Done).U32(Now);
        if (Status S = M.Run(); !S.Ok()) {
            if (Done)
                break;
            return S;
        }
        u32 Count = M.TakeU32();
        auto Data = M.TakeBytes(Count);
        if (M.Failed() || Count > Now)
            return STATUS_INVALID_NETWORK_RESPONSE;
        if (!Count)
            break;
        memcpy(static_cast<u8*>(To) + Done, Data.data(), Count);
        Done += Count;
    }
    return Result<usize>(Done);
}

Result<usize> Client::Write(Fid F, u64 Offset, const void* From, usize Bytes)
{
    usize Done = 0;
    while (Done < Bytes) {
        u32 Now = Bytes - Done < Most_ ? u32(Bytes - Done) : Most_;
        Message M(By_, Type::Write, 32 + Now, SmallReply);
        M.U32(F).U64(Offset + Done).U32(Now).Bytes(static_cast<const u8*>(From) + Done, Now);
        if (Status S = M.Run(); !S.Ok()) {
            if (Done)
                break;
            return S;
        }
        u32 Count = M.TakeU32();
        if (M.Failed() || Count > Now)
            return STATUS_INVALID_NETWORK_RESPONSE;
        if (!Count)
            break;
        Done += Count;
    }
    return Result<usize>(Done);
}

Status Client::Sync(Fid F)
{
    Message M(By_, Type::Sync, 16, SmallReply);
    M.U32(F).U32(0);
    return M.Run();
}

Result<VolumeAbout> Client::Volume()
{
    Message M(By_, Type::StatFs, 16, SmallReply);
    M.U32(Root_);
    TRY(M.Run());
    VolumeAbout V;
    (void)M.TakeU32();                  // kind of file system
    V.BlockBytes = M.TakeU32();
    V.Blocks = M.TakeU64();
    V.Free = M.TakeU64();
    V.Available = M.TakeU64();
    (void)M.TakeU64();                  // files
    (void)M.TakeU64();
    V.Id = M.TakeU64();
    V.NameBytes = M.TakeU32();
    if (M.Failed())
        return STATUS_INVALID_NETWORK_RESPONSE;
    return V;
}

void Client::QuerySeveral(Fid Folder, std::span<const Chars> Names, std::span<Attributes> Outcomes)
{
    constexpr u32 Most = 8;
    struct Step {
        alignas(Message) char Room[sizeof(Message)];
        Message* M;
        Fid F;
        bool Walked, Asked;
    } Steps[Most];
    for (usize Done = 0; Done < Names.size();) {
        // The first waits for room, further ones take what is free: two callers never wait for each other.
        u32 Count = 0;
        for (; Count < Most && Done + Count < Names.size(); ++Count) {
            Step& S = Steps[Count];
            Chars Name = Names[Done + Count];
            S.M = new (S.Room) Message(By_, Type::Walk, u32(32 + Name.size()), SmallReply, Count == 0);
            if (!S.M->Exists()) {
                S.M->~Message();
                break;
            }
            S.F = NewFid();
            S.Walked = S.M->U32(Folder).U32(S.F).U16(1).Text(Name).Send().Ok();
        }
        if (!Count)
            return;
        for (u32 I = 0; I < Count; ++I) {
            Step& S = Steps[I];
            S.Walked = S.Walked && S.M->Wait().Ok() && S.M->TakeU16() == 1;
            S.M->~Message();
            S.M = nullptr;
        }
        for (u32 I = 0; I < Count; ++I) {
            Step& S = Steps[I];
            Outcomes[Done + I] = {};
            if (!S.Walked)
                continue;
            S.M = new (S.Room) Message(By_, Type::GetAttributes, 32, SmallReply, I == 0);
            if (!S.M->Exists() || !S.M->U32(S.F).U64(BasicAttributes).Send().Ok()) {
                S.M->~Message();
                S.M = nullptr;
            }
        }
        for (u32 I = 0; I < Count; ++I) {
            Step& S = Steps[I];
            S.Asked = S.M != nullptr;
            if (!S.Asked)
                continue;
            if (S.M->Wait().Ok()) {
                Attributes A = TakeAttributes(*S.M);
                if (!S.M->Failed())
                    Outcomes[Done + I] = A;
            }
            S.M->~Message();
        }
        for (u32 I = 0; I < Count; ++I)
            if (Steps[I].Walked && !Steps[I].Asked)
                if (auto A = Query(Steps[I].F); A.Ok())
                    Outcomes[Done + I] = A.Take();
        for (u32 I = 0; I < Count; ++I)
            if (Steps[I].Walked)
                Clunk(Steps[I].F);
        Done += Count;
    }
}

}
