// What every file system needs: share modes, name patterns, byte-range locks, change notification (NT's FsRtl).
#pragma once
#include "ntos/io/io.hpp"

namespace io {

// How a file is open: counts of openers by access and by what they share.
class ShareCounts {
public:
    struct Mode {
        bool Read, Write, Delete, ShareRead, ShareWrite, ShareDelete;
        bool Counts() const { return Read || Write || Delete; }
    };
    static Mode From(ACCESS_MASK Granted, u32 Share)
    {
        return { (Granted & (FILE_READ_DATA | FILE_EXECUTE)) != 0, (Granted & (FILE_WRITE_DATA | FILE_APPEND_DATA)) != 0, (Granted & DELETE_ACCESS) != 0,
                 (Share & FILE_SHARE_READ) != 0, (Share & FILE_SHARE_WRITE) != 0, (Share & FILE_SHARE_DELETE) != 0 };
    }
    // STATUS_SHARING_VIOLATION. Opens that neither read, write nor delete never conflict.
    Status Check(const Mode& M) const;
    void Add(const Mode& M) { Count(M, 1); }
    void Remove(const Mode& M) { Count(M, u32(-1)); }
    bool IsDeleteShared() const { return Delete == 0 && SharedDelete == Openers; }
    u32 Openers = 0;

private:
    void Count(const Mode& M, u32 By);
    u32 Read = 0, Write = 0, Delete = 0, SharedRead = 0, SharedWrite = 0, SharedDelete = 0;
};

// A search pattern: * ? and the DOS forms < > " as FsRtlIsNameInExpression has them. Win32's masks come unconverted from the Win32 library used here, so
// a pattern without DOS forms is read as Win32 reads it ("*.*" is everything, "a.*" finds "a"): on Windows kernelbase does that.
class Pattern {
public:
    static constexpr usize MaximumLength = 511;
    Status Set(ob::Name From);          // STATUS_OBJECT_NAME_INVALID if it is too long
    bool MatchesAll() const { return All_; }
    bool IsLiteral() const { return Literal_; }
    ob::Name Text() const { return Text_.View(); }     // upper case
    bool Matches(ob::Name UpperName) const;

private:
    ob::String Text_;
    bool All_ = true, Literal_ = false;
};

// The byte-range locks of one file.
class FileLocks {
public:
    // STATUS_FILE_LOCK_CONFLICT if bytes of the range are locked against this access.
    Status Check(const File& By, const ps::Process* Of, u64 Offset, u64 Length, u32 Key, bool Write) const
    {
        return Locks_.IsEmpty() ? Status(STATUS_SUCCESS) : CheckSlow(By, Of, Offset, Length, Key, Write);
    }
    // A Lock request: Data.Offset, LockLength, Data.Key, Code. STATUS_LOCK_NOT_GRANTED, STATUS_PENDING, STATUS_INVALID_LOCK_RANGE.
    Status Lock(Request& R);
    Status Unlock(const File& By, const ps::Process& Of, u64 Offset, u64 Length, u32 Key);      // STATUS_RANGE_NOT_LOCKED
    void UnlockAll(const File& By);
    bool IsEmpty() const { return Locks_.IsEmpty(); }

private:
    struct Range {
        const File* Owner;
        const ps::Process* Of;
        u64 Offset, Length;
        u32 Key;
        bool Exclusive;
        bool IsOf(const File* By, const ps::Process* In, u32 K) const { return Owner == By && Of == In && Key == K; }
    };
    Status CheckSlow(const File& By, const ps::Process* Of, u64 Offset, u64 Length, u32 Key, bool Write) const;
    bool Grant(Request& R, Status& Outcome);
    void Retry();
    Vector<Range> Locks_;
    core::List<Request, &Request::Link> Waiting_;
};

// A folder that is watched through one handle: collects changes and gives them to requests.
class Watch {
public:
    core::ListNode<Watch> Link;         // in the folder
    u32 Filter = 0;
    bool Tree = false;
    bool IsActive() const { return Filter != 0; }
    // The first request fixes filter, tree and the size of the buffer in between.
    Status Request(io::Request& R);
    void Report(ob::Name Path, u32 Action);     // Path: relative to the folder
    void Cleanup();                     // ends waiting requests: STATUS_NOTIFY_CLEANUP
    void FolderDeleted();               // STATUS_DELETE_PENDING

private:
    bool Append(ob::Name Path, u32 Action);
    Status Deliver(io::Request& R);
    void Flush();
    Vector<u8> Buffer_;
    u32 Room_ = 0;
    usize Last_ = 0;                    // offset of the last entry in Buffer_
    bool Overflow_ = false, Any_ = false;
    core::List<io::Request, &io::Request::Link> Waiting_;
};

}
