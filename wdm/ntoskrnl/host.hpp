// Private to ntoskrnl.exe of a driver process: threads and IRQL, waiting, the rings.
//
// Host threads take turns at the ring: the leader takes messages and calls dispatch routines. A thread about to block (Blocking below) hands the
// ring over first, so a dispatch routine may wait for whatever it likes. Every other thread (system threads, workers, timers) is an ordinary thread.
// IRQL belongs to a thread. Raised to DISPATCH_LEVEL or above it holds the process-wide dispatch lock: code at that level excludes all
// other such code, as on a machine with one processor. When the level falls below, queued DPCs run first.
#pragma once
#include "wdm/ntoskrnl/nt.hpp"

#include "abi/wire/driver.hpp"

namespace host {

namespace wd = wire::driver;

// --- memory: the process heap
void* Allocate(usize Bytes);            // zeroed; null
void Free(void* At);
template <typename T> T* New() { return static_cast<T*>(Allocate(sizeof(T))); }

// A lock whose holder may be preempted; not recursive.
class Lock {
public:
    void Acquire()
    {
        LONG Free = 0;
        if (!__atomic_compare_exchange_n(&State_, &Free, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) [[unlikely]]
            Wait();
    }
    void Release()
    {
        if (__atomic_exchange_n(&State_, 0, __ATOMIC_RELEASE) == 2) [[unlikely]]
            RtlWakeAddressSingle(&State_);
    }

private:
    void Wait();
    LONG State_ = 0;
};
class Hold {
public:
    explicit Hold(Lock& L) : L_(L) { L_.Acquire(); }
    ~Hold() { L_.Release(); }
    Hold(const Hold&) = delete;

private:
    Lock& L_;
};

// --- threads

// What PsGetCurrentThread points to. Waits block on State.
struct Thread {
    DISPATCHER_HEADER Header;           // signalled when it has ended
    LONG Woken;
    NTSTATUS WaitStatus;
    HANDLE Handle, Id;
    bool IsHost, IsLeader, IsSystem, IsDrivers;      // IsDrivers: made by PsCreateSystemThread
    KIRQL Irql;
    LONG References;
    ULONG Priority;
    PKSTART_ROUTINE Start;
    PVOID Context;
    PIRP TopLevelIrp;
    u64 Client;                         // process id of the client whose request it works on
    u32 ClientTag;                      // and the request
    ULONG SpinLocks;                    // it holds
    u64 OwnStart, OwnEnd;               // where "user" addresses of it lie in this process (METHOD_NEITHER); any other is in the client's memory
};
inline Thread* Current()
{
    Thread* T;
    asm("movq %%gs:0x188, %0" : "=r"(T));       // where drivers' KeGetCurrentThread looks
    return T;
}
// What an IRP's thread is when it is a client's: not to be looked into. Its id is in the low half.
inline constexpr u64 ClientThread = 0xFFFFA000'00000000;
inline bool IsClientThread(const void* T) { return u64(T) >= ClientThread; }
Thread* NewThreadHere();                // makes this thread known
NTSTATUS StartThread(Thread* T, PKSTART_ROUTINE Start, PVOID Context);     // T's references: one is the thread's own
void Release(Thread* T);
// This thread acts as T, which waits meanwhile, and holds T's resources; back with what it was.
inline void Become(Thread* T) { asm volatile("movq %0, %%gs:0x188" : : "r"(T) : "memory"); }
bool OwnsAlone(PERESOURCE R, Thread* T);        // null: no

// --- IRQL
inline KIRQL Irql() { return Current()->Irql; }
KIRQL Raise(KIRQL To);                  // the old one
void Lower(KIRQL To);
// A verifier's finding: a line in the log that names the driver, and the end of the process.
[[noreturn]] void BugCheck(ULONG Code, u64 P1, u64 P2, u64 P3, u64 P4, const char* What, const void* Caller);
void RequireIrql(KIRQL AtMost, const char* Function, const void* Caller);
void RunDpcs();                         // at DISPATCH_LEVEL
// What may still call into a driver that has unloaded: the routine, or null. Description: what it is.
const void* PendingTimer(const char*& Description);
const void* PendingWork(const char*& Description);
extern LIST_ENTRY Dpcs;
void StartTimers();

// The thread is about to wait for something: another one takes the ring meanwhile.
class Blocking {
public:
    Blocking();
};
// Waits for one of the process's own objects or handles with the ring handed over.
NTSTATUS WaitForHandle(HANDLE H, BOOLEAN Alertable, PLARGE_INTEGER Timeout);

// --- IRPs that have a prefix of ours
struct HostIrp {
    u32 Tag;                            // of a request from the ring
    u8 Kind;
    bool Completed;
    CHAR Origin;                        // CurrentLocation when its maker first sent it; 0: it was not sent. Below: it is with a driver
    u8 Unused;
    HostIrp* NextFree;
    wd::Message M;
    u64 LentAt;                         // where pages lent with it are mapped; 0: they are not
    void* Extra;                        // freed with it
    IRP* Irp() { return reinterpret_cast<IRP*>(this + 1); }
    static HostIrp* Of(IRP* I) { return reinterpret_cast<HostIrp*>(I) - 1; }
};
static_assert(sizeof(HostIrp) % 16 == 0);
inline constexpr UCHAR HasPrefix = 0x80;        // in IRP.AllocationFlags
enum : u8 { PlainKind, RingKind };
HostIrp* NewIrp(CCHAR Stacks);
void FreeIrp(IRP* I);

// --- the ring
NTSTATUS Attach();
void Answer(u32 Tag, NTSTATUS Status, u64 Information, u64 File);
void Post(const wd::Reply& R);
void ServeRing();                       // a host thread's life
void Receive(const wd::Message& M);     // irp.cpp
void ReceiveWatched(const wd::Message& M);      // callbacks.cpp
ULONG FlagsOf(const wd::Message& M);    // IRP.Flags that a request's kind brings (request.cpp)
void RemoteDone(u32 Tag, NTSTATUS Status, u64 Information);      // remote.cpp
// Pages lent with a request have no address until they are mapped: their MDLs begin here, at an address of their own that tells request and page.
inline constexpr u64 LentBase = 0xFFFF'8000'0000'0000;
inline bool IsLent(const MDL* M) { return u64(M->StartVa) >= LentBase; }
HostIrp* LenderOf(const MDL* M);        // the request
void MarkLent(MDL* M, u32 Tag);         // it begins with the first page lent with the request
u8* MapLent(const MDL* M);              // the address of its first byte; null
u8* DataAt(u32 Page, u32 Offset);
u64 DataFrame(u32 Page);                // physical page number
NTSTATUS Control(wd::Control Code, const void* In, usize InBytes, void* Out = nullptr, usize OutBytes = 0);
void Log(const char* Format, ...);
void FlushText();                       // what DbgPrint has of a line that is not whole

// --- the driver
extern DRIVER_OBJECT* TheDriver;
extern UNICODE_STRING ServiceKey;
void Unload();
DEVICE_OBJECT* TopOf(DEVICE_OBJECT* D);
// Dispatcher objects
void SignalObject(DISPATCHER_HEADER* H);        // sets SignalState as given and wakes; dispatcher lock held
extern Lock Dispatcher;

}
