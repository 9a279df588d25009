// Private to ninep.sys: a host's folder as a volume with Windows' rules.
//
// A Share is one device with a mount tag: \Device\HostShare-TAG, and \??\Z: when the tag is a drive letter. A Node is a file or folder somebody has open, found by
// the server's identity of it: share modes, deletion, locks belong to it. An Opening is one open (CCB): its fid, its place in the tree, its listing.
// The server's tree has names that differ only in case and names that Windows cannot have: lib/ninep maps the latter; a name is looked up as it is first, then without regard
// to case in the folder's list (kept, and read again when the folder's time has changed).
// Changes by the host are seen: attributes come from the server with every open and every query.
// Symbolic links are followed inside the share; one that leads out of it, or is absolute, cannot be opened except as itself.
//
// Data is not cached, but programs are run from here and files mapped: those pages are the Executive's, read and written by paging requests, which take no lock.
// They are written before the file is read otherwise and forgotten when it is written otherwise, or has changed when it is opened.
//
// Locks: Share::Turn is held while names, Nodes or Openings change; it is given in the order it was asked for, so that a create behind a close finds the file
// closed. Reads, writes and listings do without.
#pragma once
#include "drivers/filesystems/ninep/virtio.hpp"

namespace share {

using ninep::Attributes;
using ninep::Chars;
using ninep::Fid;
using ninep::NoFid;
using ninep::WideText;
using Path = Vector<char>;              // from the share's root, names with slashes between; empty: the root

// A lock given in order of asking. Its holder may wait for the server.
class TurnLock {
public:
    void Initialize();
    void Acquire();
    void Release();

private:
    KSPIN_LOCK Lock_;
    LIST_ENTRY Waiting_;
    bool Held_;
};
class Turn {
public:
    explicit Turn(TurnLock& L) : L_(L) { L_.Acquire(); }
    ~Turn() { L_.Release(); }
    Turn(const Turn&) = delete;

private:
    TurnLock& L_;
};

struct Node;
struct Share;

struct Entry {                          // of a listing
    u32 NameAt, NameChars;              // in the names
    ninep::Qid Id;
    u8 Kind;
    bool Known;                         // Info is there
    Attributes Info;
    bool LinkToFolder = false;
};

// What FsContext2 points to.
struct Opening {
    LIST_ENTRY Link;                    // in its node
    Node* Of = nullptr;
    PFILE_OBJECT File = nullptr;
    Fid F = NoFid;                      // of the file; for data when IsOpen
    Path Where;
    bool IsOpen = false, CanWrite = false, DeleteOnClose = false, DeleteAtOnce = false, IsVolume = false, IsClean = false, Wrote = false;
    Vector<wchar_t> Last;               // SL_OPEN_TARGET_DIRECTORY: the name in this folder
    // Listing
    bool Listed = false;
    Vector<Entry> Entries;
    Vector<wchar_t> Names;
    Vector<wchar_t> Pattern;            // upper case
    usize Next = 0;
    // Watching
    Vector<wchar_t> WatchName;
    UNICODE_STRING WatchText {};
};

// What FsContext points to.
struct Node {
    FSRTL_ADVANCED_FCB_HEADER Header {};        // where the Executive looks
    SECTION_OBJECT_POINTERS Section {};
    LIST_ENTRY Link;                    // in its share
    LIST_ENTRY Openings;
    u64 Id = 0;
    bool IsFolder = false, IsLink = false, LinkToFolder = false, DeletePending = false, Deleted = false;
    u32 Handles = 0;                    // openings not cleaned up
    SHARE_ACCESS Access {};
    Attributes Info;                    // as last told by the server
    Path DeleteWhere;                   // what goes when the last handle does
    FILE_LOCK Locks {};
    // Mapped pages: since when there may be some (a paging request came), and what the file was then.
    bool Paged = false, HadWriter = false;
    ninep::Time PagedModified;
    u64 PagedSize = 0;
};

struct CachedFolder {
    LIST_ENTRY Link;                    // most recently used first
    Path Where;
    Fid F = NoFid;                      // not opened: for its time
    ninep::Time Modified;
    u64 Id = 0;
    struct Name {
        u32 At, Bytes, Hash;            // Hash: of the name as Windows has it, in upper case
    };
    Vector<Name> Names;
    Vector<char> Text;
};

struct Share {
    PDEVICE_OBJECT Device, Lower;
    Virtio Line;
    ninep::Client Server { Line };
    TurnLock Lock;
    LIST_ENTRY Nodes, Folders;
    u32 FolderCount = 0;
    LIST_ENTRY Watches;
    PNOTIFY_SYNC WatchSync = nullptr;
    u32 Mask;                           // permission bits that new files do not get
    bool Started = false;
    wchar_t Letter = 0;                 // of \??\Z:
    Vector<wchar_t> Label;
};

// Of either device object: that on top of the device's stack, and that of the volume.
struct Extension {
    Share* Of;
    bool IsVolume;
};

// --- lookup.cpp
struct Found {
    Fid F = NoFid;                      // the file's, when there is one
    Attributes Info;
    Path Where;                         // of the file, or of the folder that would have it
    Vector<char> Last;                  // when there is no file: the name it would have there
    bool Exists = false, IsRoot = false;
};
// FollowLast: a symbolic link as the last name is followed. ExactCase: the case counts. Statuses of opens: STATUS_OBJECT_NAME_INVALID, STATUS_OBJECT_PATH_NOT_FOUND ...
// The caller clunks F.
NTSTATUS Lookup(Share& S, WideText Name, bool FollowLast, bool ExactCase, Found& To);
NTSTATUS WalkTo(Share& S, const Path& Where, Fid& F);
// A name in a folder, case or not: how it really is. STATUS_OBJECT_NAME_NOT_FOUND.
NTSTATUS FindName(Share& S, const Path& Folder, Chars Name, Path& Real);
NTSTATUS CheckEmpty(Share& S, const Path& Folder);     // STATUS_DIRECTORY_NOT_EMPTY
bool IsDots(Chars Name);
bool LeadsToFolder(Share& S, const Path& Link);        // a symbolic link
// The share itself has made or removed a name: what is kept of the folder stays true.
void NameChanged(Share& S, const Path& Folder, Chars Name, bool Added);
void ForgetFolder(Share& S, const Path& Where);         // and those below
NTSTATUS Append(Path& To, Chars Name);
void Split(const Path& Whole, Path& Folder, Path& Name);
bool Same(Chars A, Chars B);
bool IsBelow(const Path& What, const Path& Folder);
NTSTATUS Copy(Path& To, const Path& From);
inline Chars View(const Path& P) { return { P.Data(), P.Size() }; }

// --- create.cpp
NTSTATUS Create(Share& S, PIRP I, IO_STACK_LOCATION* L);
NTSTATUS Cleanup(Share& S, PIRP I, IO_STACK_LOCATION* L);
NTSTATUS Close(Share& S, PIRP I, IO_STACK_LOCATION* L);
Node* FindNode(Share& S, u64 Id);
inline Opening* OpeningOf(PFILE_OBJECT F) { return F ? static_cast<Opening*>(F->FsContext2) : nullptr; }

// --- data.cpp
NTSTATUS Read(Share& S, PIRP I, IO_STACK_LOCATION* L);
NTSTATUS Write(Share& S, PIRP I, IO_STACK_LOCATION* L);
NTSTATUS Flush(Share& S, PIRP I, IO_STACK_LOCATION* L);
void* BufferOf(PIRP I);
// What the server tells of the file goes where the Executive looks for its size.
void SetInfo(Node& N, const Attributes& Info);
// The pages are written back, and forgotten if the file has changed meanwhile (or in any case).
void Settle(Node& N, bool Forget);

// --- info.cpp, set.cpp, folder.cpp, volume.cpp
NTSTATUS QueryInformation(Share& S, PIRP I, IO_STACK_LOCATION* L);
NTSTATUS SetInformation(Share& S, PIRP I, IO_STACK_LOCATION* L);
NTSTATUS QueryDirectory(Share& S, PIRP I, IO_STACK_LOCATION* L);
NTSTATUS QueryVolume(Share& S, PIRP I, IO_STACK_LOCATION* L);
// --- notify.cpp. The first two complete their requests.
NTSTATUS NotifyChange(Share& S, PIRP I, IO_STACK_LOCATION* L);
NTSTATUS LockControl(Share& S, PIRP I, IO_STACK_LOCATION* L);
NTSTATUS FsControl(Share& S, PIRP I, IO_STACK_LOCATION* L);
void Report(Share& S, const Path& Where, ULONG Filter, ULONG Action);
NTSTATUS WidePath(const Path& Where, Vector<wchar_t>& To);      // with a backslash in front
// The server's word on an open file (its last one when it is deleted).
NTSTATUS Refresh(Share& S, Opening& O);
LARGE_INTEGER NtTime(const ninep::Time& T);
ninep::Time HostTime(LARGE_INTEGER T);
ULONG FileAttributes(const Attributes& A);
LONGLONG AllocationOf(const Attributes& A);
LARGE_INTEGER BornAt(const Attributes& A);

// Statuses of the library's.
inline NTSTATUS Code(Status S) { return S.Code(); }

}
