// FAT volumes (12, 16, 32) with long names: the logic on the medium, without an operating system around it.
//
// A Volume reads and writes a Device. Metadata goes to the device at once and in an order that leaves, after any number of writes, a volume that
// a checker repairs without losing what was flushed: clusters are taken in the table before a folder names them, a folder forgets them before
// they are freed, a file's new size comes after its clusters, and a renamed file has its new name before it loses the old one. Between such steps Device::Barrier is called.
// All copies of the table are written (the active one only, if the volume says so). The volume is marked dirty before the first change and clean by Sync.
// Names compare by the Environment's upper case. Times are the medium's local time, as given.
// Everything read is checked: a table, folder or boot sector may hold anything (STATUS_FILE_CORRUPT_ERROR, STATUS_UNRECOGNIZED_VOLUME).
#pragma once
#include <span>

#include "lib/core/ref.hpp"
#include "lib/core/vector.hpp"

namespace fat {

class Device {
public:
    virtual u64 Size() = 0;
    virtual Status ReadAt(u64 Offset, void* To, usize Bytes) = 0;       // any alignment; what lies in one sector is written whole or not at all
    virtual Status WriteAt(u64 Offset, const void* From, usize Bytes) = 0;
    virtual Status Barrier() { return nt::STATUS_SUCCESS; }             // what follows must not reach the medium before what came
    virtual Status Flush() = 0;

protected:
    ~Device() = default;
};

using Text = std::span<const wchar_t>;

enum : u8 { ReadOnly = 0x01, Hidden = 0x02, System = 0x04, Label = 0x08, Folder = 0x10, Archive = 0x20 };

struct Stamp {
    u16 Date = 0x21, Time = 0;          // 1980-01-01; two-second steps
    u8 Tenths = 0;                      // further 10 ms, of the creation time only
};

// A file or folder. Where it lies (Parent, Slot, Slots) stays true until it is renamed or removed.
struct Entry {
    Vector<wchar_t> Name;               // the long name; if there is none the short one, in lower case where the entry says so
    u8 Short[11] = {};
    u8 Attributes = 0;
    Stamp Created, Written, Accessed;   // of Accessed only the date
    u32 First = 0, Size = 0;            // first cluster, 0 if none
    u32 Parent = 0;                     // first cluster of its folder, 0: the root
    u32 Slot = 0, Slots = 1;            // its first 32-byte place and their number, the last one is the short entry
    bool IsFolder() const { return Attributes & Folder; }
    // What was found of the chain, for going on from there.
    u32 KnownIndex = 0, KnownCluster = 0;
    // The chain from its start, as far as it has been followed, in runs.
    struct Run {
        u32 Index, Cluster, Count;      // from cluster Index of the file on
    };
    Vector<Run> Known;
    bool KnownToEnd = false;
};

// A piece of a file on the device.
struct Extent {
    u64 At, Bytes;
};

class Volume {
public:
    static Result<Own<Volume>> Mount(Device& On, wchar_t (*UpCase)(wchar_t));
    ~Volume() = default;
    // Whether it was mounted and not marked clean since. Then Repair, before anything else, takes back what was begun and not ended: clusters that no entry leads to, or that lie behind a file's
    // size, are freed; of two entries that a rename has left one goes; parts of long names without an entry go; copies of the table become alike. What cannot come from that (chains that are too short, or cross) is left as it is. Reads the whole table and all folders.
    bool WasDirty() const { return WasDirty_; }
    Status Repair();

    u32 Bits() const { return Bits_; }
    u32 ClusterBytes() const { return ClusterBytes_; }
    u32 SectorBytes() const { return SectorBytes_; }
    u32 Serial() const { return Serial_; }
    u64 DataStart() const { return DataStart_; }
    // The volume's label: its entry in the root; empty if there is none. At most 11 characters of code page 437, kept in upper case; empty takes it away. STATUS_INVALID_VOLUME_LABEL.
    Result<Vector<wchar_t>> Label();
    Status SetLabel(Text New, Stamp Now);
    u32 Clusters() const { return Clusters_; }
    Result<u32> FreeClusters();
    Entry Root() const;

    // --- folders. Dir is Root() or an entry found.
    // The entry at or after Slot (which becomes the place behind it). STATUS_NO_MORE_FILES. "." and ".." and labels are skipped.
    Result<Entry> Next(const Entry& Dir, u32& Slot);
    // By long or short name. STATUS_OBJECT_NAME_NOT_FOUND.
    Result<Entry> Find(const Entry& Dir, Text Name);
    // STATUS_OBJECT_NAME_COLLISION, STATUS_OBJECT_NAME_INVALID, STATUS_DISK_FULL.
    Result<Entry> Create(Entry& Dir, Text Name, u8 Attributes, Stamp Now);
    Status Remove(const Entry& E);      // STATUS_DIRECTORY_NOT_EMPTY
    // Moves E to another name and folder, where none of that name may be; E is then the new entry.
    Status Rename(Entry& E, Entry& To, Text Name);
    Status Update(const Entry& E);      // attributes, times

    // --- data
    Result<usize> Read(Entry& E, u64 Offset, void* To, usize Bytes);
    // Makes the file longer if it must.
    Status Write(Entry& E, u64 Offset, const void* From, usize Bytes);
    Status SetSize(Entry& E, u32 Size); // new bytes are zero
    // Where on the device the byte at Offset lies and how many follow it there, at most Most. STATUS_FILE_CORRUPT_ERROR: the chain is shorter.
    Result<Extent> Where(Entry& E, u64 Offset, u64 Most);
    // The same three in parts, for a file system that moves the data itself. Reserve gives the file clusters for Bytes, in memory only: WriteTable, and then Update with the new size, make
    // it so on the medium; before that the medium has a file that ends earlier. Reserved: the bytes its clusters have room for. Cut frees the clusters behind Bytes; a size that is larger goes down
    // with them, on the medium first.
    Status Reserve(Entry& E, u64 Bytes);
    Result<u64> Reserved(Entry& E);
    Status Cut(Entry& E, u64 Bytes);
    Status Zero(Entry& E, u64 Offset, u64 Bytes);       // on the medium, of clusters it has
    Status WriteTable();                // what has changed in it, in the order in which it did
    Status Flush() { return On_.Flush(); }
    // Everything is on the medium and the volume is marked clean.
    Status Sync();

    static void* operator new(usize Bytes) noexcept { return ::operator new(Bytes, std::nothrow); }
    static void operator delete(void* At) { ::operator delete(At); }

private:
    static constexpr u32 Bad = 0x0FFFFFF7, End = 0x0FFFFFF8;
    Volume(Device& On, wchar_t (*UpCase)(wchar_t)) : On_(On), UpCase_(UpCase) { }
    Status ReadBoot();
    // table.cpp
    Result<u8*> TableSector(u32 Index);
    Result<u32> Get(u32 Cluster);
    Status Set(u32 Cluster, u32 Value);
    Status MarkDirty();
    Status MarkState(bool Dirty);
    Result<u32> Take(u32 Near);         // a free cluster, made an end in memory
    Status Grow(Entry& E, u32 Clusters);
    Status Take(Entry& E, u32 Clusters);        // the same in memory only
    Status Release(u32 First);          // a whole chain
    Result<u32> ClusterAt(Entry& E, u32 Index);
    Status Follow(Entry& E, u32 Index); // until Known has the cluster, or the chain ends
    static u32 Followed(const Entry& E) { return E.Known.IsEmpty() ? 0 : E.Known[E.Known.Size() - 1].Index + E.Known[E.Known.Size() - 1].Count; }
    Status Append(Entry& E, u32 Cluster);
    Result<u32> FindLabel(u8* To);      // the place of the label's entry; ~0: there is none
    Status ReadFsInfo();
    Status WriteFsInfo();
    // folder.cpp
    struct Raw;
    Result<u64> PlaceOf(Entry& Dir, u32 Slot, bool& Beyond);
    Status ReadSlot(Entry& Dir, u32 Slot, u8* To, bool& Beyond);
    Status WriteSlots(Entry& Dir, u32 Slot, std::span<const u8> Slots);
    Result<u32> FindRoom(Entry& Dir, u32 Slots);
    Result<bool> ShortExists(const Entry& Dir, const u8* Short);
    Status MakeNames(const Entry& Dir, Text Name, u8* Short, u8& Case, bool& NeedsLong);
    Status Insert(Entry& Dir, Text Name, Entry& E);
    Status Erase(const Entry& E);
    Status EraseOrphans(u32 First);     // of the folder that begins there
    void Encode(const Entry& E, u8 Case, u8* To) const;
    Entry Dir(u32 First) const;
    bool Same(Text A, Text B) const;
    Status Zero(u64 Offset, u64 Bytes);
    u64 DataOf(u32 Cluster) const { return DataStart_ + u64(Cluster - 2) * ClusterBytes_; }

    Device& On_;
    wchar_t (*UpCase_)(wchar_t);
    u32 Bits_ = 0, SectorBytes_ = 0, ClusterBytes_ = 0, Clusters_ = 0;
    u32 Tables_ = 0, TableSectors_ = 0, FirstTable_ = 0;        // FirstTable_: the one that is read
    bool Mirrored_ = true;
    u64 TableStart_ = 0, RootStart_ = 0, DataStart_ = 0;
    u32 RootSlots_ = 0, RootCluster_ = 0, InfoSector_ = 0;
    u32 Free_ = ~0u, Hint_ = 2, Serial_ = 0;
    bool Dirty_ = false, WasDirty_ = false;
    struct Cached {
        Vector<u8> Bytes;
        bool Changed = false;
    };
    Vector<Own<Cached>> Table_;
    Vector<u32> ChangedSectors_;
};

// A name in code page 437 (0: not in it), and back.
u8 ToOem(wchar_t C);
wchar_t FromOem(u8 C);

}
