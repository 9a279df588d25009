// Registry hives in the file format of Windows ("regf" 1.5), with its transaction log.
//
// A hive is a tree of keys in cells; cells lie in bins, bins in a file behind a base block. A Hive holds all bins in memory, checked: a
// damaged cell costs what it holds (a broken key its subkeys too), is told to Report, and everything that remains is consistent; so whoever reads or changes
// the Hive afterwards meets only sound cells. A key is named by its cell, a number that stays the same until the key is freed or gets a longer name.
// Changes are made in memory. Commit makes them last: one entry appended to one of two log files and flushed; a power cut at any moment leaves
// all of a commit or nothing. Reconcile writes them into the primary file, after which the other log is used. Opening a hive whose primary
// file is marked dirty applies the logs.
//   Commit:    first since Reconcile: base block with primary sequence n+1, secondary n; flush. Entry n+1 (n+2 ...) to the log; flush.
//   Reconcile: the changed pages; flush. Base block with both sequence numbers at the last entry's; flush.
// Without log files (SaveKey's output) Commit writes straight to the primary file.
// Facts: the published descriptions of the format by M. Suhanov and T. Morgan. Nothing here knows an operating system.
#pragma once
#include <span>

#include "lib/core/vector.hpp"

namespace regf {

// What a hive is kept in. Reads and writes lie where the caller says; a read beyond the end is an error (STATUS_END_OF_FILE). Flush returns
// when all before it is on the medium. Writes lie within the size; Extend makes a file longer, never shorter.
class File {
public:
    virtual Result<u64> Size() = 0;
    virtual Status ReadAt(u64 Offset, void* To, usize Bytes) = 0;
    virtual Status WriteAt(u64 Offset, const void* From, usize Bytes) = 0;
    virtual Status Extend(u64 Size) = 0;
    virtual Status Flush() = 0;

protected:
    ~File() = default;
};

using Text = std::span<const wchar_t>;
inline constexpr u32 None = 0xFFFFFFFF;         // no cell
inline constexpr usize MaximumName = 255, MaximumValueName = 16383, MaximumDepth = 512;
inline constexpr u32 MaximumSize = 1u << 30;    // of all bins
enum KeyFlags : u16 { KeyIsRoot = 0x04, KeyNoDelete = 0x08, KeyIsLink = 0x10 };

// What the surroundings give.
struct Environment {
    wchar_t (*UpCase)(wchar_t) = nullptr;                               // the order of names
    bool (*GoodDescriptor)(std::span<const u8>) = nullptr;              // whether this is a sound self-relative security descriptor; null: all are
    void (*Report)(void* Context, const char* What, u32 Cell) = nullptr;        // something was damaged
    void* Context = nullptr;
    u64 (*Now)() = nullptr;                                             // time stamps of base blocks
};

// The bins: memory, the allocation of cells in it, and which pages have changed.
class Space {
public:
    static constexpr u32 Page = 4096, BinHeader = 32;
    // Takes the bins of a file, which may be anything: what cannot be a cell becomes free space. Says how many places were mended.
    Result<u32> Adopt(Vector<u8> Bins);
    u32 Size() const { return u32(Data_.Size()); }
    const u8* Data() const { return Data_.Data(); }
    // A new cell with room for Bytes, zeroed. STATUS_DISK_FULL beyond MaximumSize.
    Result<u32> Allocate(u32 Bytes);
    void Free(u32 Cell);
    bool IsCell(u32 Cell) const;                // an allocated cell begins here
    u32 Room(u32 Cell) const;                   // payload bytes of an allocated cell
    const u8* At(u32 Cell) const { return Data_.Data() + Cell + 4; }
    u8* Change(u32 Cell, u32 From, u32 Bytes);  // the same, for writing; the pages count as changed
    void Touch(u32 Offset, u32 Bytes);
    // The allocated cell after Cell (None: the first), or None.
    u32 Next(u32 Cell) const;

    struct PageSet {
        Vector<u64> Bits;
        u32 Count = 0;
        bool Has(u32 Page) const { return Page / 64 < Bits.Size() && (Bits[Page / 64] >> (Page % 64) & 1); }
        void Add(u32 Page);
        void Clear();
    };
    PageSet Unlogged, Unwritten;                // changed since the last Commit, since the last Reconcile

private:
    static constexpr u32 Classes = 64;
    static u32 ClassOf(u32 Size);
    u32 SizeAt(u32 Cell) const;
    void SetHead(u32 Cell, u32 Size, bool Used);
    bool IsFree(u32 Cell) const;
    bool Starts(u32 Offset) const { return Starts_[Offset / 512] >> (Offset / 8 % 64) & 1; }
    void Mark(u32 Offset, bool Start);
    void KeepFree(u32 Cell, u32 Size);
    u32 BinOf(u32 Offset) const { return Bins_[Offset / Page]; }
    u32 BinEnd(u32 Bin) const;
    Status Grow(u32 Need);
    u32 MendBin(u32 Bin);
    Vector<u8> Data_;
    Vector<u64> Starts_;                        // one bit for every 8 bytes: a cell, free or not, begins
    Vector<u32> Bins_;                          // for every page the start of its bin
    Vector<u32> Free_[Classes];                 // free cells by size; may hold stale entries
};

struct ValueInfo {
    Vector<wchar_t> Name;
    u32 Type = 0, Size = 0;
};

struct KeyInfo {
    u64 LastWrite = 0;
    u16 Flags = 0;
    u32 Parent = None, Security = None, Subkeys = 0, Values = 0;
    Vector<wchar_t> Name, Class;
};

class Store;

class Hive {
public:
    explicit Hive(const Environment& Around) : Around_(Around) { }
    // An empty hive with a root of this name and descriptor.
    Status Create(Text RootName, std::span<const u8> Descriptor);
    // Takes bins and checks everything. STATUS_REGISTRY_CORRUPT: no root to be found. Mended() says how much was repaired.
    Status Adopt(Vector<u8> Bins, u32 Root);
    u32 Root() const { return Root_; }
    u32 Mended() const { return Mended_; }
    Space& Bins() { return Space_; }
    const Environment& Around() const { return Around_; }

    // --- reading
    Result<KeyInfo> Key(u32 Cell) const;
    Status Subkeys(u32 Cell, Vector<u32>& To) const;            // in the order of their names
    Status Values(u32 Cell, Vector<u32>& To) const;
    Result<u32> Find(u32 Cell, Text Name) const;                // a subkey, None if there is none
    Result<ValueInfo> Value(u32 Cell) const;
    Status Data(u32 Cell, Vector<u8>& To) const;
    std::span<const u8> Descriptor(u32 SecurityCell) const;

    // --- changing. A failure leaves the hive consistent.
    // A key that is not in its parent's list yet, without values and subkeys.
    Result<u32> NewKey(u32 Parent, Text Name, Text Class, std::span<const u8> Descriptor);
    Status Link(u32 Parent, u32 Key);                           // into the parent's list
    Status Unlink(u32 Parent, u32 Key);                         // STATUS_OBJECT_NAME_NOT_FOUND
    // A key of the same parent under another name; linked or not, it may move: the new cell. Its place in the list is renewed.
    Result<u32> Rename(u32 Key, Text Name);
    Status SetClass(u32 Key, Text Class);
    Status SetDescriptor(u32 Key, std::span<const u8> Descriptor);
    void SetTimeAndFlags(u32 Key, u64 LastWrite, u16 Flags);
    Result<u32> NewValue(Text Name, u32 Type, std::span<const u8> Data);        // in no list yet
    void FreeValue(u32 Value);                                  // in no list any more
    Status SetValues(u32 Key, std::span<const u32> Values);     // the list as a whole; what was in it and is not now is freed
    Status FreeKey(u32 Key);                                    // with all below; in no list any more

private:
    friend class Checker;
    struct Leaf;
    template <typename T> const T* As(u32 Cell) const { return reinterpret_cast<const T*>(Space_.At(Cell)); }
    template <typename T> T* Edit(u32 Cell) { return reinterpret_cast<T*>(Space_.Change(Cell, 0, sizeof(T))); }
    int Compare(Text Name, u32 Key) const;
    u32 NameHash(u32 Key) const;
    Result<u32> MakeSecurity(std::span<const u8> Descriptor);
    void DropSecurity(u32 Cell);
    Status WriteList(u32 Key, std::span<const u32> Sorted);
    Result<u32> WriteLeaf(std::span<const u32> Sorted);
    void FreeList(u32 List);
    void FreeData(u32 Value);
    void RaiseLongest(u32 Parent, u32 Key);
    Space Space_;
    Environment Around_;
    u32 Root_ = None, Security_ = None, Mended_ = 0;
};

// A hive in its files.
class Store {
public:
    // Log1 and Log2 may both be null: then there is no protection. ReadOnly: nothing is written, recovery happens in memory.
    Store(Hive& Of, File& Primary, File* Log1, File* Log2, bool ReadOnly = false) : Hive_(Of), Primary_(Primary), Logs_ { Log1, Log2 }, ReadOnly_(ReadOnly) { }
    // STATUS_NOT_REGISTRY_FILE, STATUS_REGISTRY_CORRUPT. Informational STATUS_REGISTRY_RECOVERED: logs were applied or something mended.
    Status Open();
    // Writes the whole hive, made by Hive::Create or Adopt, as new files. The base block comes last: a power cut before it leaves an unfinished hive.
    Status Create();
    // Whether nothing was ever in these files, or only what Create had written before it was interrupted: no base block, no log.
    Result<bool> IsUnfinished();
    // What changed since the last time becomes permanent. A failure changes nothing: it can be tried again.
    Status Commit();
    Status Reconcile();
    bool HasChanges() { return Hive_.Bins().Unlogged.Count != 0; }
    u64 LogBytes() const { return LogEnd_; }            // how long the log has grown since Reconcile
    void SetName(Text FileName);                        // its last 31 characters are kept in the base block

private:
    Status WriteBase(u32 Primary, u32 Secondary);
    Status StartLog(u32 First);
    Status WritePages(const Space::PageSet& Pages);
    Status Apply(Vector<u8>& Bins, u32 PrimarySequence, bool BaseIsGood, u32& Last, u32& Applied);
    Status ReadLog(u32 Which, Vector<u8>& Whole, u32& First) const;
    static constexpr u32 NoLog = 2;
    // The good log whose first entry is the newest, with what ReadLog tells of it; NoLog (Whole and First are as they were).
    u32 NewestLog(Vector<u8>& Whole, u32& First) const;
    void MakeBase(u8* To, u32 Type, u32 Primary, u32 Secondary) const;
    Hive& Hive_;
    File& Primary_;
    File* Logs_[2];
    bool ReadOnly_;
    u32 Sequence_ = 1;                  // of the last commit
    u32 WrittenSequence_ = 1;           // secondary: what the primary file's pages are
    u32 WrittenSize_ = 0;               // of the bins in the primary file's base block
    bool MarkedDirty_ = false;
    u32 Current_ = 0;                   // log in use
    bool LogStarted_ = false;
    u64 LogEnd_ = 0;
    u16 Name_[32] = {};
};

u64 Marvin32(std::span<const u8> Data);         // with the seed of the log's hashes
u64 Marvin32(std::span<const u8> Data, u64 Seed);

}
