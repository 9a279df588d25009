// Private to ntoskrnl.exe: objects with a header of ours in front, and those that stand for handles.
#pragma once
#include "wdm/ntoskrnl/host.hpp"

namespace host {

// What a proxy's first bytes are: DISPATCHER_HEADER.Type, then the handle where WaitListHead would be.
inline constexpr UCHAR ProxyObject = 0x7F, ProxySize = 'P';
struct HandleProxy {
    DISPATCHER_HEADER Header;           // Type ProxyObject, Size ProxySize, SignalState = wd::HandleGot.Type
    HANDLE Handle;
    LONG References;
};
// One reference; the handle is the proxy's from now on (closed if there is no memory: null). Type: as SignalState.
PVOID NewProxy(HANDLE H, ULONG Type);
inline HANDLE ProxyHandle(PVOID Object)
{
    auto* P = static_cast<HandleProxy*>(Object);
    return P->Header.Type == ProxyObject && P->Header.Size == ProxySize ? P->Handle : nullptr;
}

// A client's open key, as callbacks of the registry see it (callbacks.cpp): no handle of this process's.
inline constexpr UCHAR KeySize = 'K';
inline bool IsKeyObject(PVOID Object)
{
    auto* H = static_cast<DISPATCHER_HEADER*>(Object);
    return H->Type == ProxyObject && H->Size == KeySize;
}
const UNICODE_STRING& KeyName(PVOID Object);

// --- files (file.cpp)

// A thread that waits in a Cc call for the file's data.
struct CacheCaller {
    CacheCaller* Next;
    Thread* Who;
    u64 Offset, Bytes;                  // what it waits to be read; no bytes: nothing
    LONG Users;                         // threads that run paging requests in its name
    Lock Running;                       // one of them at a time
};
// Data that a thread has pinned, or that is being written: the one excludes the other.
struct CacheRange {
    CacheRange* Next;
    LONGLONG Offset;
    ULONG Bytes;
    Thread* Who;
};
// What SECTION_OBJECT_POINTERS.SharedCacheMap points to. CcGetFileSizePointer finds the size behind the first eight bytes.
struct SharedMap {
    u64 Mark;
    LARGE_INTEGER FileSize;
    const CACHE_MANAGER_CALLBACKS* Callbacks;       // null: none are called
    PVOID Context;                      // theirs
    Lock Writing;                       // one lazy write at a time
    CacheCaller* Callers;
    CacheRange *Pins, *Writes;
};

// Every FILE_OBJECT of the process has this in front.
struct File {
    enum class Sort : u8 {
        Client,                         // a client's open: one reference is the Executive's, until it sends IRP_MJ_CLOSE
        Handle,                         // what IoGetDeviceObjectPointer made: FsContext2 is the handle
        Stream,                         // a file system's own: IRP_MJ_CLOSE is sent with the last reference
    };
    LONG References;
    Sort Of;
    u32 NameRoom;                       // of a client's: bytes for the name behind the object
    wd::Message* Close;                 // of a client's: it has been closed, and is still referenced
    SharedMap Cache;                    // used if caching of the file's data began with this one
    FILE_OBJECT Object;
    static File* From(FILE_OBJECT* F) { return CONTAINING_RECORD(F, File, Object); }
};
inline bool IsFile(PVOID Object)
{
    auto* F = static_cast<FILE_OBJECT*>(Object);
    return F->Type == IO_TYPE_FILE && F->Size == sizeof(FILE_OBJECT);
}
// Sends a paging request to the file system (paging.cpp).
void CallForPage(DEVICE_OBJECT* D, IRP* I, FILE_OBJECT* F);
// Around what waits in the Executive for the file's data; what lies in this range is read in the caller's name.
class InCache {
public:
    InCache(PSECTION_OBJECT_POINTERS Section, u64 Offset, u64 Bytes);
    ~InCache();
    InCache(const InCache&) = delete;

private:
    SharedMap* Of_;
    CacheCaller Me_ {};
};
// From now on the range is not written, until Unpin; waits for a write that is under way.
void Pin(SharedMap* S, CacheRange& R);
void Unpin(SharedMap* S, CacheRange& R);
// With one reference, and More bytes behind it. Null: no memory.
FILE_OBJECT* NewFileObject(File::Sort Of, DEVICE_OBJECT* D, usize More = 0);
LONG ReferenceFile(FILE_OBJECT* F);
LONG DereferenceFile(FILE_OBJECT* F);
// IRP_MJ_CLOSE of a client's file has come. False: somebody has a reference; it comes again with the last one.
bool MayClose(FILE_OBJECT* F, const wd::Message& M);

}
