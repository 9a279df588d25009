// The cache manager: what NtReadFile, NtWriteFile and a file-system driver's Cc calls do on the pages of a file.
//
// A Map is the cached data of one stream: a paged store (mm/store.hpp, mm/pager.hpp) and its sizes. Its pages are those that views of the file show, so mapped files and reads and writes
// are coherent by construction. The owner (io/fs) keeps one for each stream (SECTION_OBJECT_POINTERS of a driver's process), implements the pager with paging IRPs, and
// tells of changed sizes. Sections are made of Store().
// Nothing here blocks: Try functions answer STATUS_CANT_WAIT instead; tasks wait, without holding any lock (another reader, writer, flush or truncation may run
// between), and are safe to destroy while they wait (what they started goes on).
// Dirty pages are written by the lazy writer, in order of their offset in the file, within about a second; by Flush; and when more are dirty than the limit (an eighth of memory): then
// writers wait. A write that fails leaves its pages dirty, is tried again, ever more seldom, and is told once to the next Flush.
// Clean pages that nobody maps stay until memory is short.
#pragma once
#include "ntos/io/transfer.hpp"
#include "ntos/mm/pager.hpp"
#include "ntos/mm/section.hpp"
#include "ntos/ps/process.hpp"

namespace cc {

// As on Windows: allocated, the file's end, and how far its data has been written (beyond it reads as zero, and is not read from the file). Bytes. Valid <= File <= Allocation; a driver that does not
// keep valid data lengths gives Valid = File (MAXLONGLONG, as CcInitializeCacheMap takes it, means the same).
struct Sizes {
    u64 Allocation = 0, File = 0, Valid = 0;
};

// What one open file (or one reader) does in a row; for read-ahead. Belongs to the file, starts as zero.
struct Cursor {
    u64 End = 0;                        // of the last read
    u64 AheadTo = 0;                    // read ahead up to here
    u32 Window = 0;                     // bytes
};

class Map final : public RefCounted<Map> {
public:
    // Of must outlive the map, or Detach must be called.
    static Result<Ref<Map>> Create(mm::Pager& Of, const Sizes& S);
    // The pager is gone for good: nothing more is asked of it. Pages that are there stay, absent ones fail with Why (a failure), dirty ones are dropped. What is under way is still to be completed.
    void Detach(Status Why);
    mm::PageStore& Store() const { return *Store_; }
    const Sizes& GetSizes() const { return Sizes_; }

    // --- reads and writes of a client's memory (T.Process, T.Address, T.Length, T.Offset -> T.Done); byte-range locks are the caller's business
    // At once, or STATUS_CANT_WAIT. A read is clipped at the file's size (STATUS_END_OF_FILE at or behind it). A write must lie inside the valid data. STATUS_ACCESS_VIOLATION ... for a bad buffer.
    Status TryRead(io::Transfer& T, Cursor& C);
    Status TryWrite(io::Transfer& T);
    // The same, awaited. T must live in the activity's frames or in a Request and T.Process be kept alive by the caller. A read of any length; T.Done tells what was
    // copied also when it fails. A write may go beyond the valid data (which grows to its end; what lies between is zero) but not beyond Sizes.File: extend the file first. Through: returns
    // when what was written is with the pager (FILE_WRITE_THROUGH).
    ke::Task<> Read(io::Transfer& T, Cursor* C);
    ke::Task<> Write(io::Transfer& T, bool Through = false);
    // Starts reading what will be wanted (CcScheduleReadAhead, prefetch); never fails, may do nothing.
    void ReadAhead(u64 Offset, u64 Bytes);

    // --- sizes, flush, purge
    // CcSetFileSizes. Smaller: pages behind the new end are gone and the rest of the last page is zero; STATUS_USER_MAPPED_FILE if views of programs or image sections exist. Larger: nothing is
    // read or written.
    Status SetSizes(const Sizes& S);
    // The driver has moved its valid data length (it never goes down but by SetSizes).
    void SetValid(u64 Valid);
    // CcZeroData: zeroes in the cache, dirty. Inside the file.
    ke::Task<> Zero(u64 Offset, u64 Bytes);
    // CcFlushCache, IRP_MJ_FLUSH_BUFFERS: returns when what was dirty in the range at the time of the call has been written, and with Barrier the pager's Flush has ended too. The first
    // error of a write (also of one before that nobody has been told of).
    ke::Task<> Flush(u64 Offset = 0, u64 Bytes = ~u64(0), bool Barrier = false);
    // CcPurgeCacheSection: drops the pages of the range, dirty or not, after waiting for writes of them that are under way. STATUS_USER_MAPPED_FILE (nothing is dropped) if views of programs exist; pages a driver
    // has mapped stay: STATUS_UNABLE_TO_FREE_VM.
    ke::Task<> Purge(u64 Offset = 0, u64 Bytes = ~u64(0));
    // Whether there is anything to write.
    bool IsDirty() const;

    // --- for MmFlushImageSection, MmCanFileBeTruncated, MmDoesFileHaveUserWritableReferences
    // No image section uses the file (an unused one is given up).
    bool CanWrite() const;
    bool CanTruncate(u64 NewSize) const;
    bool HasUserReferences() const;     // sections of programs, with or without views
    bool HasViewsInUse() const;         // of drivers

    // --- views in a driver's process (CcMapData, CcPinRead, CcPreparePinWrite)
    // The address in Driver's memory of the byte at Offset, with Bytes (at most 1 MiB; inside the allocation) present and mapped for reading and writing: touching them never faults for the file. To be given back by Unmap with
    // that address. The pages stay while they are mapped. What the driver writes there is noticed; SetDirty tells it at once. Fresh: the whole range is going to be written (CcPreparePinWrite with Zero): it becomes zero without being read.
    ke::Task<u64> MapInto(Ref<ps::Process> Driver, u64 Offset, u32 Bytes, bool Fresh = false);
    void Unmap(ps::Process& Driver, u64 Address);
    Status SetDirty(u64 Offset, u64 Bytes);
    // The process has ended: its views are gone.
    void Forget(ps::Process& Driver);

private:
    friend class RefCounted<Map>;
    static void* operator new(usize Bytes) noexcept { return ::operator new(Bytes, std::nothrow); }
    static void operator delete(void* At) { ::operator delete(At); }
    explicit Map(Ref<mm::PageStore> Store) : Store_(std::move(Store)) { }
    ~Map();
    // In a driver's process. Unused ones are kept for the next time, a few.
    struct View {
        RefPtr<ps::Process> In;
        u64 Base = 0, Offset = 0, Bytes = 0;
        u32 Uses = 0;
    };
    void Follow(Cursor& C, u64 Offset, u64 Bytes);
    Result<u64> UseView(ps::Process& In, u64 Offset, u32 Bytes, bool Write);
    void DropView(usize I);
    void DropUnusedViews();
    ke::Task<> WriteNow(io::Transfer& T, bool Through);
    static ke::Task<> FlushWithBarrier(Ref<mm::PageStore> Of, u64 First, u64 Count);
    Ref<mm::PageStore> Store_;
    Sizes Sizes_;
    RefPtr<mm::Section> Section_;       // what the views are of; made with the first
    Vector<View> Views_;
};

// Everything dirty of every map, and its pager's barrier: before power goes. The first error; goes on behind errors.
ke::Task<> FlushAll();

struct Counts {
    u64 Resident, Dirty, Writing, Reading;      // pages
    u64 ReadRequests, WriteRequests, PagesRead, PagesWritten;       // since the start
};
Counts Count();

// Before the first map: the lazy writer is told of dirty pages from here on. (Map::Create does it.)
void Initialize();
// For who makes pages dirty: whether too many are, and waits until it is not so any more. STATUS of Of's last write if that failed: then waiting would not help.
bool IsTooDirty();
ke::Task<> WaitForWrites(Ref<mm::PageStore> Of);
void SetDirtyLimit(u64 Pages);          // 0: an eighth of memory

}
