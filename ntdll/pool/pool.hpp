// The thread pool (Tp*) and what is built on it: work items, timers, waits, I/O.
//
// A pool is a queue of objects with pending callbacks and workers that take them. An object waits in the queue once however many
// callbacks it has pending. A worker that finds more in the queue and no idle colleague starts one, up to the pool's limit; an idle one
// ends after a while. Timers have one thread of the process, waits one per 60 handles, I/O one per completion port: they only queue
// the object when its time has come (or, if asked, call in that thread).
//
// Locks: a pool's lock guards its queue and the counts of its objects; the timer lock and the wait lock are taken before it.
#pragma once
#include "ntdll/heap/heap.hpp"
#include "ntdll/ntdll.hpp"
#include "ntdll/sync/sync.hpp"

namespace tp {

struct Pool;
struct Group;
struct Object;

struct TP_CALLBACK_ENVIRON {
    ULONG Version;
    Pool* ThePool;
    Group* CleanupGroup;
    PVOID CancelCallback;
    PVOID RaceDll;
    PVOID ActivationContext;
    PVOID FinalizationCallback;
    ULONG Flags;                // 1 long function, 2 persistent
    ULONG Priority;             // from version 3 on: 0 high, 1 normal, 2 low
    ULONG Size;
};
static_assert(sizeof(TP_CALLBACK_ENVIRON) == 0x48);

// TP_CALLBACK_INSTANCE: lives while a callback runs.
struct Instance {
    Object* Owner;
    HANDLE ThreadId;
    bool Associated, MayRunLong;
    RTL_CRITICAL_SECTION* Leave;
    HANDLE Mutant, Semaphore, Event;
    LONG SemaphoreCount;
    PVOID Dll;
};

enum class Kind : u8 { Simple, Work, Timer, Wait, Io, Function };

using SIMPLE_CALLBACK = void NTAPI(Instance*, PVOID Context);
using WORK_CALLBACK = void NTAPI(Instance*, PVOID Context, Object*);
using WAIT_CALLBACK = void NTAPI(Instance*, PVOID Context, Object*, ULONG Result);
using IO_CALLBACK = void NTAPI(Instance*, PVOID Context, PVOID ApcContext, IO_STATUS_BLOCK*, Object*);
using CANCEL_CALLBACK = void NTAPI(PVOID Context, PVOID CleanupContext);
using FUNCTION = void NTAPI(PVOID Context);
using WAIT_OR_TIMER = void NTAPI(PVOID Context, BOOLEAN TimedOut);

struct Completion {
    LIST_ENTRY Links;
    PVOID ApcContext;
    IO_STATUS_BLOCK Status;
};

struct Object {
    PVOID Win32Callback;        // kernelbase's CreateThreadpoolIo keeps its caller's callback in the first word of a TP_IO
    LIST_ENTRY QueueLinks;
    LIST_ENTRY GroupLinks;
    Pool* ThePool;
    Group* TheGroup;
    Kind Type;
    bool Queued, LongFunction;
    bool Released;              // its owner has given it back
    bool Leaving;               // its group is being emptied
    bool Cancelled;             // by that, before it ran (a simple callback runs once)
    u8 Priority;
    u32 References;
    u32 Pending;                // callbacks still to come
    u32 Running;                // callbacks under way
    u32 Associated;             // of those, the ones a waiter waits for
    RTL_CONDITION_VARIABLE Idle;
    PVOID Callback, Context, RaceDll, Finalization, Cancel, ActivationContext;
    HANDLE Done;                // signalled when no callback runs any more
    PVOID Owned;                // freed with the object

    struct {                    // Kind::Timer
        LIST_ENTRY Links;       // in the timer thread's list while set
        bool Set, Listed;
        i64 Due;                // interrupt time
        u32 Period;             // ms
    } Timer;
    struct {                    // Kind::Wait
        LIST_ENTRY Links;
        PVOID Bucket;
        HANDLE Handle;
        i64 Deadline;           // interrupt time; 0: none
        ULONG Flags;            // WT_ of RtlRegisterWait; its callback is a WAIT_OR_TIMER
        i64 Again;              // relative timeout for the next round
        bool Registered, Armed;
        u32 Signals, Timeouts;  // results of pending callbacks
    } Wait;
    struct {                    // Kind::Io
        LIST_ENTRY Done;        // Completions
        u32 Outstanding;
        u32 Skipped;            // operations begun and then disowned by TpWaitForIoCompletion
        HANDLE File;
    } Io;
};

struct Group {
    RTL_SRWLOCK Lock;
    u32 References;
    LIST_ENTRY Members;
};

struct Pool {
    RTL_SRWLOCK Lock;
    RTL_CONDITION_VARIABLE More;
    LIST_ENTRY Queue[3];
    u32 References;             // objects and workers, plus its creator
    u32 Workers, Busy, Idle;
    u32 Maximum, Minimum;
    bool Closing;
    SIZE_T StackReserve, StackCommit;
};

Pool* DefaultPool();
NTSTATUS Create(Object*& Out, Kind Type, PVOID Callback, PVOID Context, const TP_CALLBACK_ENVIRON* Environment);
void Submit(Object* O);         // one more callback
void Reference(Object* O);
void Release(Object* O);
// Drops callbacks that have not begun. Returns how many.
u32 CancelPending(Object* O);
// Waits for callbacks; first drops those that have not begun if Cancel. Disassociated ones count only if All.
void WaitFor(Object* O, bool Cancel, bool All = false);
// Gives its owner's reference back, once.
void Disown(Object* O);
// If a callback runs or is due, Event is signalled after the last; true: there is one.
bool SignalWhenDone(Object* O, HANDLE Event);
void Execute(Object* O);        // one callback, in this thread
void StartThread(PVOID Routine, PVOID Argument, SIZE_T Reserve = 0, SIZE_T Commit = 0);

// timers.cpp, waits.cpp
void SetTimer(Object* O, const LARGE_INTEGER* Due, u32 Period);
void SetWait(Object* O, HANDLE Handle, const LARGE_INTEGER* Timeout);
void RemoveWait(Object* O);

}
