// A process: an address space, a handle table, a token, threads. Waitable: signalled when it has ended.
#pragma once
#include "abi/nt/ps.hpp"
#include "ntos/ob/ob.hpp"

namespace mm {
class AddressSpace;
class Section;
}
namespace se {
class Token;
}

namespace ps {

class Thread;
class Job;
class Debugger;

// What makes a process a driver's (ntos/io/driver): two capabilities for each of its threads, and who is told of its end.
class DriverLink {
public:
    virtual void ProcessEnds(class Process& P) = 0;
    u64 WaitCap = 0;                    // a notification

protected:
    ~DriverLink() = default;
};

class Process final : public ob::Object {
public:
    static const ob::TypeInfo Type;
    static Result<Ref<Process>> Create();               // empty, with an id and an address space
    ~Process() override;
    ob::HandleTable& Handles() { return Handles_; }
    mm::AddressSpace& Memory() { return *Memory_; }
    se::Token& Token() { return *Token_; }
    void SetToken(Ref<se::Token> New);
    u64 Id() const { return Id_; }
    ke::Waitable* AsWaitable() override { return &Ended_; }
    bool HasEnded() const { return Ended_.State(); }
    bool IsTerminating() const { return Terminating_; }
    ob::Name ImagePath() const { return ImagePath_.View(); }        // NT path of the image file
    u32 ThreadCount() const { return ThreadCount_; }
    NTSTATUS ExitStatus() const { return ExitStatus_; }
    u64 PebAddress() const { return Peb_; }
    // Ends every thread but Except, and the process with the last.
    void Terminate(NTSTATUS Status, Thread* Except = nullptr);
    static void (*OnEnd)(Process&);     // called first of all when the last thread has gone; null

    static Process* First();
    static Process* Next(Process& After);
    static RefPtr<Process> ById(u64 Id);
    Thread* FirstThread();
    Thread* NextThread(Thread& After);

    // --- ps' own, and what queries tell
    u64 ParentId = 0, CreateTime = 0, ExitTime = 0;
    u32 SessionId = 1, ErrorMode = 0, PriorityClass = 2, Cookie = 0, BreakOnTermination = 0;
    u32 TimerResolution = 0;            // what it asked for, in 100 ns; 0: nothing
    SECTION_IMAGE_INFORMATION ImageInfo {};
    IO_COUNTERS Io {};                  // of files: io counts
    RefPtr<ob::Object> ImageSection;
    u64 ImageBase = 0;
    ob::String ImagePath_;
    u64 Peb_ = 0;
    RefPtr<Job> InJob;
    RefPtr<Debugger> DebuggedBy;        // ntos/ps/debug.hpp
    bool IsFrozen = false;              // by its debugger: no thread runs
    bool NoDebugInherit = false;        // its children are not debugged with it
    u64 LastThreadId = 0;               // of the thread that ended last
    DriverLink* Driver = nullptr;       // set before its first thread is made; it keeps itself alive until ProcessEnds

    Process();

private:
    friend class Thread;
    friend bool Reap();
    friend struct AllProcesses;
    void End();                         // the last thread is gone
    core::ListNode<Process> AllLink_;
    ob::HandleTable Handles_;
    Own<mm::AddressSpace> Memory_;
    RefPtr<se::Token> Token_;
    ke::Event Ended_ { ke::Event::Notification, false };
    struct ThreadList;
    Own<ThreadList> Threads_;
    u64 Id_ = 0;
    u32 ThreadCount_ = 0;
    bool Terminating_ = false;
    NTSTATUS ExitStatus_ = 0x103;       // STATUS_PENDING: still running
};

// Ids of processes and threads: multiples of 4, from one table, as on Windows.
Result<u64> AllocateId(ob::Object& For);
// Nothing if the id is another object's by now: an ended thread keeps telling its id, which is given anew.
void FreeId(u64 Id, const ob::Object& Of);

// What ntdll exports that the Executive calls (abi/process.hpp); found once, when ntdll is first mapped.
struct NtdllEntries {
    u64 Base, LdrInitializeThunk, RtlUserThreadStart, KiUserExceptionDispatcher, KiUserApcDispatcher, KiRaiseUserExceptionDispatcher, KiServiceReturn,
        KiSaveState, KiLoadState;
};
extern NtdllEntries Ntdll;

// Opens ntdll.dll, finds its entries; starts the first process, from an image file, with a command line and no handles.
Status InitializeNtdll();
Status StartFirstProcess(ob::Name ImageFile, ob::Name CommandLine);
// A process of the system's own, made ready: no thread yet (StartSystemProcess makes and starts it).
Result<Ref<Process>> MakeSystemProcess(ob::Name ImageFile, ob::Name CommandLine);
Status StartSystemProcess(Process& P);

}
