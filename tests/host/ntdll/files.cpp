// Files below the root of C:, standard handles, directory listings.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/host/ntdll/runner.hpp"

namespace runner {

namespace {

template <typename T> T& Out(uint64_t Argument) { return *reinterpret_cast<T*>(Argument); }

NTSTATUS FromErrno()
{
    switch (errno) {
    case ENOENT:
        return STATUS_OBJECT_NAME_NOT_FOUND;
    case EEXIST:
        return STATUS_OBJECT_NAME_COLLISION;
    case EISDIR:
        return STATUS_FILE_IS_A_DIRECTORY;
    case ENOTDIR:
        return STATUS_OBJECT_PATH_NOT_FOUND;
    case EACCES:
        return STATUS_ACCESS_DENIED;
    default:
        return STATUS_UNSUCCESSFUL;
    }
}

int64_t NtTime(const struct timespec& T) { return (int64_t(T.tv_sec) + 11644473600) * 10000000 + T.tv_nsec / 100; }

void Basic(const struct stat& S, uint64_t* To)
{
    To[0] = To[3] = uint64_t(NtTime(S.st_ctim));
    To[1] = uint64_t(NtTime(S.st_atim));
    To[2] = uint64_t(NtTime(S.st_mtim));
    reinterpret_cast<uint32_t*>(To)[8] = S_ISDIR(S.st_mode) ? 0x10 : 0x20;
}

NTSTATUS Open(uint64_t HandleOut, const OBJECT_ATTRIBUTES* Attributes, uint64_t Access, uint64_t Disposition, uint64_t Options, IO_STATUS_BLOCK* Io)
{
    std::string Nt, Path = HostPath(Attributes, &Nt);
    if (Path.empty())
        return STATUS_OBJECT_PATH_NOT_FOUND;
    struct stat S;
    bool Exists = stat(Path.c_str(), &S) == 0;
    bool Directory = Options & 1;
    if (!Exists && (Disposition == 1 || Disposition == 4))
        return STATUS_OBJECT_NAME_NOT_FOUND;
    if (Exists && Disposition == 2)
        return STATUS_OBJECT_NAME_COLLISION;
    if (Exists && S_ISDIR(S.st_mode) && Options & 0x40)
        return STATUS_FILE_IS_A_DIRECTORY;
    if (Exists && !S_ISDIR(S.st_mode) && Directory)
        return STATUS_NOT_A_DIRECTORY;
    if (!Exists && Directory && mkdir(Path.c_str(), 0755))
        return FromErrno();
    bool IsDirectory = Directory || (Exists && S_ISDIR(S.st_mode));
    int Flags = IsDirectory ? O_RDONLY | O_DIRECTORY : Access & 0x40000006 || Access & 0x10000000 ? O_RDWR : O_RDONLY;
    if (!Exists && !Directory)
        Flags |= O_CREAT | O_RDWR;
    if (!IsDirectory && (Disposition == 0 || Disposition == 4 || Disposition == 5))
        Flags |= O_TRUNC | O_RDWR;
    int Fd = open(Path.c_str(), Flags, 0644);
    if (Fd < 0)
        return FromErrno();
    auto F = std::make_shared<Object>();
    F->Type = IsDirectory ? Object::Kind::Directory : Object::Kind::File;
    F->Fd = Fd;
    F->Path = Path;
    F->NtPath = Nt;
    Out<uint64_t>(HandleOut) = NewHandle(F);
    Io->Status = 0;
    Io->Information = Exists ? (Flags & O_TRUNC ? 3 : 1) : 2;
    return STATUS_SUCCESS;
}

NTSTATUS OpenFile(Arguments A)
{
    return Open(A[0], reinterpret_cast<OBJECT_ATTRIBUTES*>(A[2]), A[1], 1, uint32_t(A[5]), &Out<IO_STATUS_BLOCK>(A[3]));
}
NTSTATUS CreateFile(Arguments A)
{
    return Open(A[0], reinterpret_cast<OBJECT_ATTRIBUTES*>(A[2]), A[1], uint32_t(A[7]), uint32_t(A[8]), &Out<IO_STATUS_BLOCK>(A[3]));
}

NTSTATUS Transfer(Arguments A, bool Write)
{
    auto F = Find(A[0]);
    if (!F || F->Fd < 0)
        return STATUS_INVALID_HANDLE;
    auto* Buffer = reinterpret_cast<char*>(A[5]);
    bool Seekable = lseek(F->Fd, 0, SEEK_CUR) >= 0 && F->Fd > 2;
    int64_t Where = A[7] ? Out<LARGE_INTEGER>(A[7]).QuadPart : -2;
    if (Where >= 0)
        F->Offset = uint64_t(Where);
    ssize_t N;
    if (Seekable)
        N = Write ? pwrite(F->Fd, Buffer, uint32_t(A[6]), long(F->Offset)) : pread(F->Fd, Buffer, uint32_t(A[6]), long(F->Offset));
    else
        N = Write ? write(F->Fd, Buffer, uint32_t(A[6])) : read(F->Fd, Buffer, uint32_t(A[6]));
    if (N < 0)
        return FromErrno();
    F->Offset += uint64_t(N);
    NTSTATUS Status = !Write && !N && uint32_t(A[6]) ? STATUS_END_OF_FILE : STATUS_SUCCESS;
    auto& Io = Out<IO_STATUS_BLOCK>(A[4]);
    Io.Status = Status;
    Io.Information = uint64_t(N);
    if (A[1])
        if (auto Event = Find(A[1])) {
            Event->Signalled = true;
            SignalChange();
        }
    return Status;
}

NTSTATUS QueryAttributes(Arguments A, bool Full)
{
    std::string Path = HostPath(reinterpret_cast<OBJECT_ATTRIBUTES*>(A[0]));
    struct stat S;
    if (Path.empty() || stat(Path.c_str(), &S))
        return STATUS_OBJECT_NAME_NOT_FOUND;
    auto* To = reinterpret_cast<uint64_t*>(A[1]);
    if (!Full) {
        Basic(S, To);
        return STATUS_SUCCESS;
    }
    uint64_t Temporary[5];
    Basic(S, Temporary);
    memcpy(To, Temporary, 32);
    To[4] = To[5] = uint64_t(S.st_size);
    reinterpret_cast<uint32_t*>(To)[12] = reinterpret_cast<uint32_t*>(Temporary)[8];
    return STATUS_SUCCESS;
}

NTSTATUS QueryInformationFile(Arguments A)
{
    auto F = Find(A[0]);
    if (!F || F->Fd < 0)
        return STATUS_INVALID_HANDLE;
    struct stat S;
    fstat(F->Fd, &S);
    auto* To = reinterpret_cast<uint64_t*>(A[2]);
    auto& Io = Out<IO_STATUS_BLOCK>(A[1]);
    Io.Status = 0;
    switch (uint32_t(A[4])) {
    case 4:
        Basic(S, To);
        Io.Information = 40;
        return STATUS_SUCCESS;
    case 5:
        To[0] = uint64_t(S.st_blocks) * 512;
        To[1] = uint64_t(S.st_size);
        reinterpret_cast<uint32_t*>(To)[4] = 1;
        reinterpret_cast<uint8_t*>(To)[20] = 0;
        reinterpret_cast<uint8_t*>(To)[21] = S_ISDIR(S.st_mode);
        Io.Information = 24;
        return STATUS_SUCCESS;
    case 6:
        To[0] = S.st_ino;
        Io.Information = 8;
        return STATUS_SUCCESS;
    case 14:
        To[0] = F->Offset;
        Io.Information = 8;
        return STATUS_SUCCESS;
    default:
        return STATUS_NOT_IMPLEMENTED;
    }
}

NTSTATUS SetInformationFile(Arguments A)
{
    auto F = Find(A[0]);
    if (!F || F->Fd < 0)
        return STATUS_INVALID_HANDLE;
    switch (uint32_t(A[4])) {
    case 14:
        F->Offset = Out<uint64_t>(A[2]);
        return STATUS_SUCCESS;
    case 13:
    case 64:
        if (Out<uint8_t>(A[2]))
            unlink(F->Path.c_str());
        return STATUS_SUCCESS;
    case 20:
        return ftruncate(F->Fd, Out<long>(A[2])) ? FromErrno() : STATUS_SUCCESS;
    default:
        return STATUS_NOT_IMPLEMENTED;
    }
}

NTSTATUS QueryVolumeInformationFile(Arguments A)
{
    auto F = Find(A[0]);
    if (!F || F->Fd < 0)
        return STATUS_INVALID_HANDLE;
    if (uint32_t(A[4]) != 4)
        return STATUS_NOT_IMPLEMENTED;
    // FILE_FS_DEVICE_INFORMATION: what the standard handles are counts as a pipe.
    Out<uint32_t>(A[2]) = F->Fd <= 2 ? 0x11 : 7;
    reinterpret_cast<uint32_t*>(A[2])[1] = 0x20;
    return STATUS_SUCCESS;
}

}

std::string Narrow(const UNICODE_STRING& S)
{
    std::string Text;
    for (int I = 0; I < S.Length / 2; ++I)
        Text += S.Buffer[I] < 128 ? char(S.Buffer[I]) : '?';
    return Text;
}

// The host path of an NT name, matched without regard to case; empty if it is not under C:. The last component need not exist.
std::string HostPath(const OBJECT_ATTRIBUTES* Attributes, std::string* NtName)
{
    std::string Name = Attributes->ObjectName ? Narrow(*Attributes->ObjectName) : "";
    if (Attributes->RootDirectory) {
        auto Directory = Find(uint64_t(Attributes->RootDirectory));
        if (!Directory)
            return {};
        Name = Directory->NtPath + (Directory->NtPath.ends_with('\\') ? "" : "\\") + Name;
    }
    if (NtName)
        *NtName = Name;
    if (strncasecmp(Name.c_str(), "\\??\\c:", 6))
        return {};
    std::string Host = The.Root;
    size_t At = 6;
    while (At < Name.size()) {
        size_t End = Name.find('\\', At);
        if (End == std::string::npos)
            End = Name.size();
        std::string Part = Name.substr(At, End - At);
        At = End + 1;
        if (Part.empty())
            continue;
        std::string Found = Part;
        if (access((Host + "/" + Part).c_str(), F_OK)) {
            if (DIR* D = opendir(Host.c_str())) {
                while (dirent* E = readdir(D)) {
                    if (!strcasecmp(E->d_name, Part.c_str()))
                        Found = E->d_name;
                }
                closedir(D);
            }
        }
        Host += "/" + Found;
    }
    return Host;
}

void AddFileServices(std::map<std::string, Handler>& Table)
{
    Table["OpenFile"] = OpenFile;
    Table["CreateFile"] = CreateFile;
    Table["ReadFile"] = [](Arguments A) { return Transfer(A, false); };
    Table["WriteFile"] = [](Arguments A) { return Transfer(A, true); };
    Table["QueryAttributesFile"] = [](Arguments A) { return QueryAttributes(A, false); };
    Table["QueryFullAttributesFile"] = [](Arguments A) { return QueryAttributes(A, true); };
    Table["QueryInformationFile"] = QueryInformationFile;
    Table["SetInformationFile"] = SetInformationFile;
    Table["QueryVolumeInformationFile"] = QueryVolumeInformationFile;
    Table["FlushBuffersFile"] = [](Arguments) -> NTSTATUS { return STATUS_SUCCESS; };
}

}
