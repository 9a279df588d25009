#include "tests/host/ninep/server.hpp"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace test {

std::string Packet::Text()
{
    usize Count = std::min<usize>(Take<u16>(), Data.size() - At);
    std::string S(reinterpret_cast<const char*>(Data.data()) + At, Count);
    At += Count;
    return S;
}

void Packet::PutText(const std::string& S)
{
    Put(u16(S.size()));
    Data.insert(Data.end(), S.begin(), S.end());
}

Server::~Server()
{
    for (auto& [Number, E] : Fids_)
        if (E.Fd >= 0)
            close(E.Fd);
}

void Server::PutQid(Packet& To, const struct stat& S)
{
    To.Put(u8(S_ISDIR(S.st_mode) ? 0x80 : S_ISLNK(S.st_mode) ? 2 : 0));
    To.Put(u32(S.st_mtime));
    To.Put(u64(S.st_ino));
}

int Server::ReadFolder(Entry& E, u64 Offset, u32 Room, Packet& Out)
{
    DIR* D = opendir(E.Path.c_str());
    if (!D)
        return errno;
    Packet List;
    u64 Index = 0;
    while (dirent* Item = readdir(D)) {
        if (Index++ < Offset)
            continue;
        usize Before = List.Data.size();
        List.Put(u8(Item->d_type == DT_DIR ? 0x80 : Item->d_type == DT_LNK ? 2 : 0));
        List.Put(u32(0));
        List.Put(u64(Item->d_ino));
        List.Put(Index);
        List.Put(u8(Item->d_type));
        List.PutText(Item->d_name);
        if (List.Data.size() > Room) {
            List.Data.resize(Before);
            break;
        }
    }
    closedir(D);
    Out.Put(u32(List.Data.size()));
    Out.Data.insert(Out.Data.end(), List.Data.begin(), List.Data.end());
    return 0;
}

int Server::Serve(u8 Type, Packet& In, Packet& Out)
{
    using T = ninep::Type;
    auto Know = [&](u32 Number) -> Entry* {
        auto At = Fids_.find(Number);
        return At == Fids_.end() ? nullptr : &At->second;
    };
    auto QidOf = [&](const std::string& Path) {
        struct stat S {};
        if (lstat(Path.c_str(), &S) != 0)
            return errno;
        PutQid(Out, S);
        return 0;
    };
    auto Outcome = [](int R) { return R == 0 ? 0 : errno; };
    if (T(Type) == T::Version) {
        u32 Theirs = In.Take<u32>();
        Out.Put(std::min(Theirs, Largest));
        Out.PutText(Version);
        return 0;
    }
    u32 Number = In.Take<u32>();
    if (T(Type) == T::Attach) {
        Fids_[Number] = { Root_ };
        return QidOf(Root_);
    }
    Entry* E = Know(Number);
    if (!E)
        return EBADF;
    switch (T(Type)) {
    case T::Walk: {
        u32 To = In.Take<u32>();
        u16 Count = In.Take<u16>();
        std::string Path = E->Path;
        Packet Qids;
        u16 Found = 0;
        for (; Found < Count; ++Found) {
            std::string Next = Path + "/" + In.Text();
            struct stat S;
            if (lstat(Next.c_str(), &S) != 0) {
                if (Found == 0)
                    return errno;
                break;
            }
            PutQid(Qids, S);
            Path = Next;
        }
        Out.Put(Found);
        Out.Data.insert(Out.Data.end(), Qids.Data.begin(), Qids.Data.end());
        if (Found == Count)
            Fids_[To] = { Path };
        return 0;
    }
    case T::Clunk:
        if (E->Fd >= 0)
            close(E->Fd);
        Fids_.erase(Number);
        return 0;
    case T::LOpen: {
        int Flags = int(In.Take<u32>() & (O_ACCMODE | O_TRUNC));
        E->Fd = open(E->Path.c_str(), Flags | O_NOFOLLOW);
        if (E->Fd < 0)
            return errno;
        if (int R = QidOf(E->Path))
            return R;
        Out.Put(u32(0));
        return 0;
    }
    case T::LCreate: {
        std::string Path = E->Path + "/" + In.Text();
        u32 Flags = In.Take<u32>(), Mode = In.Take<u32>();
        int Fd = open(Path.c_str(), int(Flags & (O_ACCMODE | O_TRUNC | O_EXCL)) | O_CREAT, Mode);
        if (Fd < 0)
            return errno;
        *E = { Path, Fd };
        if (int R = QidOf(Path))
            return R;
        Out.Put(u32(0));
        return 0;
    }
    case T::Read: {
        u64 Offset = In.Take<u64>();
        u32 Count = In.Take<u32>();
        Bytes Data(Count);
        ssize_t Got = pread(E->Fd, Data.data(), Count, off_t(Offset));
        if (Got < 0)
            return errno;
        Out.Put(u32(Got));
        Out.Data.insert(Out.Data.end(), Data.begin(), Data.begin() + Got);
        return 0;
    }
    case T::Write: {
        u64 Offset = In.Take<u64>();
        u32 Count = In.Take<u32>();
        ssize_t Put = pwrite(E->Fd, In.Data.data() + In.At, std::min<usize>(Count, In.Data.size() - In.At), off_t(Offset));
        if (Put < 0)
            return errno;
        Out.Put(u32(Put));
        return 0;
    }
    case T::ReadFolder: {
        u64 Offset = In.Take<u64>();
        u32 Room = In.Take<u32>();
        return ReadFolder(*E, Offset, Room, Out);
    }
    case T::GetAttributes: {
        struct stat S;
        if (lstat(E->Path.c_str(), &S) != 0)
            return errno;
        Out.Put(u64(0x7FF));
        PutQid(Out, S);
        Out.Put(u32(S.st_mode));
        Out.Put(u32(S.st_uid));
        Out.Put(u32(S.st_gid));
        for (u64 V : { u64(S.st_nlink), u64(0), u64(S.st_size), u64(S.st_blksize), u64(S.st_blocks) })
            Out.Put(V);
        for (auto& Time : { S.st_atim, S.st_mtim, S.st_ctim, S.st_ctim }) {
            Out.Put(u64(Time.tv_sec));
            Out.Put(u64(Time.tv_nsec));
        }
        Out.Put(u64(0));
        Out.Put(u64(0));
        return 0;
    }
    case T::SetAttributes: {
        u32 Valid = In.Take<u32>(), Mode = In.Take<u32>();
        In.Take<u64>();
        u64 Size = In.Take<u64>();
        timespec Times[2];
        for (auto& Time : Times) {
            Time.tv_sec = time_t(In.Take<u64>());
            Time.tv_nsec = long(In.Take<u64>());
        }
        if (!(Valid & 0x10))
            Times[0].tv_nsec = UTIME_OMIT;
        if (!(Valid & 0x20))
            Times[1].tv_nsec = UTIME_OMIT;
        if (Valid & 1 && chmod(E->Path.c_str(), Mode) != 0)
            return errno;
        if (Valid & 8 && truncate(E->Path.c_str(), off_t(Size)) != 0)
            return errno;
        return Valid & 0x30 ? Outcome(utimensat(AT_FDCWD, E->Path.c_str(), Times, AT_SYMLINK_NOFOLLOW)) : 0;
    }
    case T::MakeFolder: {
        std::string Path = E->Path + "/" + In.Text();
        u32 Mode = In.Take<u32>();
        return mkdir(Path.c_str(), Mode) != 0 ? errno : QidOf(Path);
    }
    case T::SymLink: {
        std::string Path = E->Path + "/" + In.Text(), Target = In.Text();
        return symlink(Target.c_str(), Path.c_str()) != 0 ? errno : QidOf(Path);
    }
    case T::ReadLink: {
        char Room[4096];
        ssize_t Got = readlink(E->Path.c_str(), Room, sizeof(Room));
        if (Got < 0)
            return errno;
        Out.PutText(std::string(Room, usize(Got)));
        return 0;
    }
    case T::Link: {
        Entry* Of = Know(In.Take<u32>());
        return !Of ? EBADF : Outcome(link(Of->Path.c_str(), (E->Path + "/" + In.Text()).c_str()));
    }
    case T::RenameAt: {
        std::string From = E->Path + "/" + In.Text();
        Entry* To = Know(In.Take<u32>());
        return !To ? EBADF : Outcome(rename(From.c_str(), (To->Path + "/" + In.Text()).c_str()));
    }
    case T::UnlinkAt: {
        std::string Path = E->Path + "/" + In.Text();
        return Outcome(unlinkat(AT_FDCWD, Path.c_str(), In.Take<u32>() ? AT_REMOVEDIR : 0));
    }
    case T::Sync:
        return Outcome(fsync(E->Fd));
    case T::StatFs: {
        struct statvfs V;
        if (statvfs(E->Path.c_str(), &V) != 0)
            return errno;
        Out.Put(u32(0x01021997));
        Out.Put(u32(V.f_bsize));
        for (u64 N : { u64(V.f_blocks), u64(V.f_bfree), u64(V.f_bavail), u64(V.f_files), u64(V.f_ffree), u64(V.f_fsid) })
            Out.Put(N);
        Out.Put(u32(V.f_namemax));
        return 0;
    }
    default:
        return EOPNOTSUPP;
    }
}

Bytes Server::Answer(const Bytes& Request)
{
    Packet In { Request }, Out;
    u32 Size = In.Take<u32>();
    u8 Type = In.Take<u8>();
    u16 Tag = In.Take<u16>();
    EXPECT_EQ(Size, Request.size());
    int Error = Serve(Type, In, Out);
    Packet Whole;
    if (Error) {
        Out.Data.clear();
        Out.Put(u32(Error));
    }
    Whole.Put(u32(7 + Out.Data.size()));
    Whole.Put(u8(Error ? 7 : Type + 1));
    Whole.Put(Tag);
    Whole.Data.insert(Whole.Data.end(), Out.Data.begin(), Out.Data.end());
    return Whole.Data;
}

Direct::~Direct() { EXPECT_EQ(Taken, 0u); }

ninep::Exchange* Direct::Take(u32 RequestRoom, u32 ReplyRoom, bool)
{
    if (Taken == Most)
        return nullptr;
    ++Taken;
    auto* R = new Room;
    R->Request.resize(RequestRoom);
    R->Reply.resize(ReplyRoom);
    R->E.Request = R->Request;
    R->E.Reply = R->Reply;
    R->E.Tag = ++Tag_;
    R->E.Owner = R;
    return &R->E;
}

void Direct::Send(ninep::Exchange& E)
{
    ++Messages;
    if (Gone)
        return;
    Bytes A = To_.Answer(Bytes(E.Request.begin(), E.Request.begin() + E.RequestBytes));
    if (Spoil)
        Spoil(A, Context);
    E.ReplyBytes = u32(std::min(A.size(), E.Reply.size()));
    if (E.ReplyBytes)
        memcpy(E.Reply.data(), A.data(), E.ReplyBytes);
}

Status Direct::Wait(ninep::Exchange&) { return Gone ? STATUS_CONNECTION_DISCONNECTED : STATUS_SUCCESS; }

void Direct::Give(ninep::Exchange& E)
{
    --Taken;
    delete static_cast<Room*>(E.Owner);
}

Folder::Folder()
{
    char Name[] = "/tmp/ninep-XXXXXX";
    Path = mkdtemp(Name);
}

Folder::~Folder() { std::filesystem::remove_all(Path); }

void Folder::Write(const std::string& Name, const std::string& Text) const { std::ofstream(At(Name), std::ios::binary) << Text; }

std::string Folder::Read(const std::string& Name) const
{
    std::ostringstream S;
    S << std::ifstream(At(Name), std::ios::binary).rdbuf();
    return S.str();
}

bool Folder::Exists(const std::string& Name) const
{
    struct stat S;
    return lstat(At(Name).c_str(), &S) == 0;
}

}
