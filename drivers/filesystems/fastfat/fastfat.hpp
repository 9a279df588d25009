// fastfat.sys: FAT12, FAT16 and FAT32 volumes. lib/fat is the format; this is the file system around it: opens, shares, locks, notification, the cache.
//
// A Volume is a mounted volume, an Fcb a file or folder that is open or has an open one below it, a Ccb one open. One resource of the volume guards all metadata: it is held exclusively
// by whatever looks at folders or the table. Data is moved without it: an Fcb's Moving counts the transfers under way, which truncation waits for.
// Order: the volume's resource, then the list of an Fcb's transfers.
#pragma once
#include "lib/fat/fat.hpp"

#include "wdm/ntoskrnl/ddk.hpp"

namespace fastfat {

struct Volume;
struct Fcb;

// The medium for metadata: blocks of it are kept, changes are written through.
class Medium final : public fat::Device {
public:
    u64 Size() override { return Bytes; }
    Status ReadAt(u64 Offset, void* To, usize Bytes) override;
    Status WriteAt(u64 Offset, const void* From, usize Bytes) override;
    Status Flush() override;
    // Data has been written past the blocks kept here.
    void Forget(u64 Offset, u64 Bytes);
    void Drop();                        // all of them
    ~Medium() { Drop(); }

    DEVICE_OBJECT* Target = nullptr;
    u64 Bytes = 0;
    u32 SectorBytes = 512;

private:
    static constexpr u32 BlockBytes = 16 * 1024, Blocks = 256, Ways = 4;
    struct Block {
        u64 At = ~u64(0);
        u8* Bytes = nullptr;
        u32 Used = 0;
    };
    Result<Block*> Get(u64 At);
    Status Transfer(ULONG Major, u64 Offset, void* Buffer, u32 Bytes);
    Block Blocks_[Blocks];
    u32 Clock_ = 0;
};

struct Fcb {
    FSRTL_ADVANCED_FCB_HEADER Header;   // FsContext points here
    FAST_MUTEX HeaderMutex;
    ERESOURCE Main, Paging;
    SECTION_OBJECT_POINTERS Sections;
    FILE_LOCK Locks;
    SHARE_ACCESS Share;
    Volume* Of;
    Fcb* Parent;                        // holds a reference; null: the root
    Fcb* Next;                          // in the volume's list
    fat::Entry Entry;
    UNICODE_STRING Name;                // whole, from the root; for notification
    u32 References;                     // opens, until close, and children
    u32 Opens;                          // until cleanup
    bool DeletePending, Deleted, IsVolume;
    bool Changed;                       // Entry is newer than the folder
    u64 OnMedium;                       // up to here the medium has the file's data; Entry.Size, which the folder gets, is never more
    LONG Moving;                        // transfers under way
    KEVENT Still;                       // set while Moving is 0
    bool IsFolder() const { return Entry.IsFolder(); }
    bool IsRoot() const { return !Parent && !IsVolume; }
};

struct Ccb {
    bool DeleteOnClose, HasPattern, All, UserTimes;
    u32 Step;                           // 0: ".", 1: "..", 2: from Slot on
    u32 Slot;
    UNICODE_STRING Pattern;             // upper case
    bool ListedAny, CleanedUp;
};

struct Volume {
    DEVICE_OBJECT* Device;
    VPB* Vpb;
    Volume* Next;
    ERESOURCE Lock;
    Medium On;
    Own<fat::Volume> Fat;
    Fcb* Fcbs;
    Fcb* Whole;                         // the volume opened as a file
    PNOTIFY_SYNC NotifySync;
    LIST_ENTRY Notify;
    FILE_OBJECT* LockedBy;
    u32 Files;                          // opens, until cleanup
    bool Dismounted, Failed;
    ULONG Serial;
    WCHAR Label[12];
    USHORT LabelBytes;
    LONGLONG ChangedAt, ChangedSince;   // interrupt time of the last change of metadata, and of the first one; 0: clean
};

extern DRIVER_OBJECT* Driver;

class Locked {
public:
    explicit Locked(Volume& V) : V_(V) { ExAcquireResourceExclusiveLite(&V.Lock, TRUE); }
    ~Locked() { ExReleaseResourceLite(&V_.Lock); }
    Locked(const Locked&) = delete;

private:
    Volume& V_;
};

inline Fcb* FcbOf(FILE_OBJECT* F) { return static_cast<Fcb*>(F->FsContext); }
inline Ccb* CcbOf(FILE_OBJECT* F) { return static_cast<Ccb*>(F->FsContext2); }
NTSTATUS Complete(PIRP I, NTSTATUS Status, ULONG_PTR Information = 0);

// --- what the dispatch routines are made of: with the volume's resource held; the status is the request's
NTSTATUS Mount(PIRP I, IO_STACK_LOCATION* S);
NTSTATUS Create(Volume& V, PIRP I, IO_STACK_LOCATION* S, ULONG_PTR& Information);
void Cleanup(Volume& V, FILE_OBJECT* F, PIRP I);
void Close(Volume& V, FILE_OBJECT* F);
NTSTATUS QueryInformation(Volume& V, Fcb& F, FILE_OBJECT* File, FILE_INFORMATION_CLASS Class, void* To, ULONG Room, ULONG_PTR& Information);
NTSTATUS SetInformation(Volume& V, Fcb& F, FILE_OBJECT* File, IO_STACK_LOCATION* S, const void* From, ULONG Bytes);
NTSTATUS QueryDirectory(Volume& V, Fcb& F, Ccb& C, IO_STACK_LOCATION* S, void* To, ULONG_PTR& Information);
NTSTATUS QueryVolume(Volume& V, FS_INFORMATION_CLASS Class, void* To, ULONG Room, ULONG_PTR& Information);
NTSTATUS SetVolume(Volume& V, FS_INFORMATION_CLASS Class, const void* From, ULONG Bytes);
NTSTATUS Control(Volume& V, Fcb& F, PIRP I, IO_STACK_LOCATION* S, ULONG_PTR& Information);
// --- themselves complete the request
NTSTATUS Read(Volume& V, Fcb& F, PIRP I, IO_STACK_LOCATION* S);
NTSTATUS Write(Volume& V, Fcb& F, PIRP I, IO_STACK_LOCATION* S);

// --- fcb.cpp
Result<Fcb*> FindFcb(Volume& V, const fat::Entry& E);      // open already, or null
Result<Fcb*> MakeFcb(Volume& V, Fcb* Parent, fat::Entry&& E);
void Release(Fcb* F);
Status NameFcb(Fcb& F);                 // its whole name anew
NTSTATUS SetSize(Fcb& F, FILE_OBJECT* File, u64 Size);
// The entry, if it has changed. The size on the medium is that of what has been written there; Whole: the rest of the file is zeroed there first.
Status WriteBack(Fcb& F, bool Whole = false);
// The folder's size and the table, so that the file's data up to Past is found by whoever mounts the volume next.
Status CommitSize(Fcb& F, u64 Past);
void FlushAll(Volume& V);               // the cached data of all files; without the volume's resource
void TellSizes(Fcb& F, FILE_OBJECT* File);      // to the cache
NTSTATUS Extend(Fcb& F, u64 Size);      // room for it, and the file's size
void Changed(Volume& V);
Status Sync(Volume& V);
NTSTATUS FlushFile(Fcb& F);             // without the volume's resource
void Report(Fcb& F, ULONG Filter, ULONG Action);
void ReportName(Volume& V, const UNICODE_STRING& Name, ULONG Filter, ULONG Action);
void WaitStill(Fcb& F);

// --- times
fat::Stamp Now();
fat::Stamp FromTime(LARGE_INTEGER Time);
LARGE_INTEGER ToTime(const fat::Stamp& S);
inline ULONG AttributesOf(const fat::Entry& E)
{
    ULONG A = E.Attributes & (FILE_ATTRIBUTE_READONLY | FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_SYSTEM | FILE_ATTRIBUTE_DIRECTORY | FILE_ATTRIBUTE_ARCHIVE);
    return A ? A : FILE_ATTRIBUTE_NORMAL;
}
inline u64 IdOf(const Fcb& F) { return F.IsRoot() ? 1 : u64(F.Entry.Parent) << 32 | u64(F.Entry.Slot + F.Entry.Slots) << 5; }
u64 AllocatedOf(Volume& V, const fat::Entry& E);
// transfer.cpp: moves the data of a request, which it completes, between its MDL and the medium, from Offset in the file on. Bytes: as many as the request says are moved, a multiple of sectors.
// Past: of a write, how much of the file the folder knows of when the request is complete.
NTSTATUS Move(Fcb& F, PIRP I, bool Write, u64 Offset, u32 Bytes, ULONG_PTR Information, u64 Past = 0);

inline void* Allocate(usize Bytes)
{
    void* At = ExAllocatePoolWithTag(NonPagedPool, Bytes, ' taF');
    if (At)
        memset(At, 0, Bytes);
    return At;
}
inline void Free(void* At)
{
    if (At)
        ExFreePoolWithTag(At, ' taF');
}

}
