// Debug objects: what happens in a process that is attached to one stops the process until the debugger says how it goes on.
//
// An event is queued when something happens; from then until its last event has been continued (NtDebugContinue) the whole process is
// frozen, which is not the suspension that programs count. The debugger reads a process's events one at a time, in their order. A process
// that is created under a debugger, or attached later, starts with an event for itself, each further thread and each image.
// When the last handle of the debug object is closed, its processes end (the default) or are let go.
#pragma once
#include "abi/nt/dbg.hpp"
#include "ntos/ps/thread.hpp"

namespace ps {

struct DebugEvent {
    explicit DebugEvent(Process& Of) : Of(Of) { }
    core::ListNode<DebugEvent> Link;
    DBG_STATE State = DbgIdle;
    Ref<Process> Of;
    RefPtr<Thread> By;
    u64 ThreadId = 0;
    bool Read = false;                  // the debugger has it
    bool FirstChance = true;
    EXCEPTION_RECORD Record {};
    CONTEXT At {};                      // of an exception
    u64 Base = 0, NamePointer = 0;      // of an image
    NTSTATUS ExitStatus = 0;
    ob::String File;                    // the image's, an NT path
};

class Debugger final : public ob::Object {
public:
    static const ob::TypeInfo Type;
    explicit Debugger(ULONG Flags) : Object(Type), Flags(Flags) { }
    ~Debugger() override;
    ke::Waitable* AsWaitable() override { return &Pending_; }
    void HandleClosed(Process& By, u32 HandlesLeft, u32 InProcess) override;

    // STATUS_PORT_ALREADY_SET, STATUS_PROCESS_IS_TERMINATING.
    Status Attach(Process& To);
    void Detach(Process& From);
    DebugEvent* Next();                 // what the debugger may read now, or null
    void SetRead(DebugEvent& E);
    // The event that was read of this process and thread is over. STATUS_INVALID_PARAMETER if there is none.
    Status Continue(u64 ProcessId, u64 ThreadId, NTSTATUS How);
    ULONG Flags;

    // --- what happens; nothing for a process without debugger
    static void ThreadStarts(Thread& T);
    static void ThreadEnded(Thread& T);         // another one is left
    static void ProcessEnded(Process& P);
    static void ImageMapped(Thread& By, u64 Base, ob::Name File);
    static void ImageUnmapped(Thread& By, u64 Base);
    // The thread, which is in a fault or service, stops; true if a debugger hears of it. At: for the handlers; Shown: for the debugger.
    static bool Exception(Thread& T, const EXCEPTION_RECORD& Record, const CONTEXT& At, bool FirstChance, const CONTEXT& Shown);
    static bool Exception(Thread& T, const EXCEPTION_RECORD& Record, const CONTEXT& At, bool FirstChance) { return Exception(T, Record, At, FirstChance, At); }

private:
    static Own<DebugEvent> Make(Process& Of, Thread* By, DBG_STATE State);
    void Queue(Own<DebugEvent> E);
    void Over(DebugEvent& E, NTSTATUS How);
    void Image(Process& Of, Thread* By, u64 Base, u64 NamePointer, ob::Name File);
    void Update();
    core::List<DebugEvent, &DebugEvent::Link> Events_;
    ke::Event Pending_ { ke::Event::Notification, false };      // set while Next() has something
};

}
