// Streams: the cached data of file-system drivers' files.
//
// A Stream is what a SECTION_OBJECT_POINTERS in a driver's process stands for: all opens of one file share it. Its Map (ntos/cc) is made when the file system starts caching
// (CcInitializeCacheMap) or a section is made of the file; paging I/O then goes through one of its files, which is kept for that (on NT the cache references the file object, too) and closed when the
// map goes: when nobody uses it and there are many, when the file is deleted, or when the file system asks (purge).
// NtReadFile and NtWriteFile look at the file's FSRTL_COMMON_FCB_HEADER in the driver's memory: if fast I/O is possible, reads are served from the map, and writes inside the valid data, without the
// driver; everything else is a request to it.
#pragma once
#include "ntos/cc/cc.hpp"
#include "ntos/io/driver/stack.hpp"

namespace io::fs {

namespace wd = wire::driver;

class FsFile;

class Stream final : public RefCounted<Stream>, public mm::Pager {
public:
    // Of a driver's process; made if it is new.
    static Result<Ref<Stream>> Of(driver::Channel& In, u64 Section, u64 FsContext);
    static RefPtr<Stream> Find(driver::Channel& In, u64 Section);
    ~Stream();
    // The map, made by sizes as the driver gives them. By: the file paging goes through if there is none yet.
    Status Start(const cc::Sizes& S, FsFile* By);
    // The driver has begun to cache with this file (null: a stream's): SharedCacheMap becomes Shared unless it is there already. What is there belongs to that file, which is kept as the map is.
    void Share(FsFile* By, u64 Shared);
    // The same for a file object the Executive does not know, of a device of the driver's.
    Status StartStream(const cc::Sizes& S, u64 Cookie, driver::DriverDevice& To);
    // By what the driver's header says.
    Status StartByHeader(FsFile& By);
    cc::Map* Map() const { return Map_.Get(); }
    struct Header {
        bool Fast;
        cc::Sizes Sizes;
    };
    Result<Header> Look() const;
    // Ends caching if nobody uses it: what is dirty is written first, unless Discard.
    void Retire(bool Discard);
    bool IsUsed() const;
    bool IsStreamFile() const { return To_ && !By_; }
    u32 Opens = 0;                      // CcInitializeCacheMap, not yet undone
    u64 Section() const { return Section_; }
    driver::Channel& In() const { return *In_; }
    // --- recover.cpp. The process is gone, another is awaited: paging waits.
    void Lose(ps::Process& P);
    bool IsAway() const { return Away_; }
    // A file object of the new process has it. False: another stream is there.
    bool Move(driver::Channel& In, u64 Section, u64 FsContext);
    // Paging goes on, through By.
    void Return(FsFile* By);
    void End();                         // without the driver: what is dirty is lost
    FsFile* By() const { return By_.Get(); }
    bool WasWritten() const { return Written_; }
    // The file's size as the file system was last told or has told, and how far it was written past the cache. Of files without a map.
    u64 Size = 0, Direct = 0;
    bool HasSize = false;

    // --- mm::Pager
    void Read(mm::PageIo& Io) override { Page(Io, false); }
    void Write(mm::PageIo& Io) override { Page(Io, true); }

    core::ListNode<Stream> Link;        // of its hash
    static void Ends(driver::Channel& In);      // the process is gone
    static void ForgetUnused();         // if there are too many

private:
    friend class RefCounted<Stream>;
    Stream(driver::Channel& In, u64 Section, u64 FsContext) : In_(In), Section_(Section), FsContext_(FsContext) { }
    static void* operator new(usize Bytes) noexcept { return ::operator new(Bytes, std::nothrow); }
    static void operator delete(void* At) { ::operator delete(At); }
    void Page(mm::PageIo& Io, bool Write);
    static ke::Task<> FlushAndEnd(Ref<Stream> S);
    Ref<driver::Channel> In_;
    u64 Section_, FsContext_, LastUse_ = 0;
    RefPtr<cc::Map> Map_;
    RefPtr<FsFile> By_, SharedBy_;
    RefPtr<Stream> Keep_;               // itself, while a stream file's map exists: no FsFile has it
    bool Shared_ = false, Away_ = false, Written_ = false;
    u32 Epoch_ = 0;                     // of processes
    core::List<mm::PageIo, &mm::PageIo::Link> Held_;
    friend void PageDone(void*, Status, u64);
    void Tell(u32 Offset, u64 Value);   // a field of the SECTION_OBJECT_POINTERS
    u64 Cookie_ = 0;
    RefPtr<driver::DriverDevice> To_;
    bool Ending_ = false;
};

// Control::Cache*: what the Cc functions of a driver's process ask.
ke::Task<> CacheControl(ke::Caller& Caller, driver::Channel& In, svc::DriverControl& Call);

}
