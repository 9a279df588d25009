#include "ntos/ps/debug.hpp"

#include "ntos/mm/section.hpp"
#include "ntos/mm/space.hpp"
#include "ntos/ps/detail.hpp"

namespace ps {

using namespace nt;

static constexpr ACCESS_MASK DebugReadEvent = 1, DebugProcessAssign = 2, DebugAllAccess = STANDARD_RIGHTS_REQUIRED | SYNCHRONIZE | 0xF;
static constexpr ULONG KillOnClose = 1;

constinit const ob::TypeInfo Debugger::Type {
    .Name = L"DebugObject",
    .ValidAccess = DebugAllAccess,
    .Mapping = { STANDARD_RIGHTS_READ | DebugReadEvent, STANDARD_RIGHTS_WRITE | DebugProcessAssign, STANDARD_RIGHTS_EXECUTE | SYNCHRONIZE, DebugAllAccess },
};

Debugger::~Debugger()
{
    while (DebugEvent* E = Events_.PopFront())
        delete E;
}

void Debugger::HandleClosed(Process&, u32 HandlesLeft, u32)
{
    if (HandlesLeft)
        return;
    Ref<Debugger> Keep(*this);
    for (Process* P = Process::First(); P; P = Process::Next(*P)) {
        if (P->DebuggedBy.Get() != this)
            continue;
        if (Flags & KillOnClose)
            P->Terminate(STATUS_DEBUGGER_INACTIVE);
        Detach(*P);
    }
    while (DebugEvent* E = Events_.PopFront())
        delete E;
}

// --- attaching

// PEB.BeingDebugged.
static void Mark(Process& P, bool On)
{
    BOOLEAN Value = On;
    mm::CopyToUser(P, P.PebAddress() + __builtin_offsetof(PEB, BeingDebugged), &Value, sizeof(Value)).Ignore();     // its own loss if it has unmapped it
}

Status Debugger::Attach(Process& To)
{
    if (To.IsTerminating() || To.HasEnded())
        return STATUS_PROCESS_IS_TERMINATING;
    if (To.DebuggedBy)
        return STATUS_PORT_ALREADY_SET;
    Thread* First = To.FirstThread();
    Own<DebugEvent> Created = Make(To, First, DbgCreateProcessStateChange);
    if (!Created)
        return STATUS_INSUFFICIENT_RESOURCES;
    Created->Base = To.ImageBase;
    TRY(Created->File.Append(To.ImagePath()));
    To.DebuggedBy = RefPtr<Debugger>(this);
    Mark(To, true);
    Queue(std::move(Created));
    for (Thread* T = First ? To.NextThread(*First) : nullptr; T; T = To.NextThread(*T))
        if (!T->HideFromDebugger)
            ThreadStarts(*T);
    Image(To, First, Ntdll.Base, 0, L"\\SystemRoot\\System32\\ntdll.dll");
    for (mm::Vad* V : To.Memory().Vads())
        if (V->Kind == mm::Vad::Image && V->Start != To.ImageBase && V->Start != Ntdll.Base)
            Image(To, First, V->Start, 0, V->Backing->FileName);
    return STATUS_SUCCESS;
}

void Debugger::Detach(Process& From)
{
    Ref<Debugger> Keep(*this);
    From.DebuggedBy.Reset();
    Mark(From, false);
    for (DebugEvent *E = Events_.First(), *After; E; E = After) {
        After = Events_.Next(*E);
        if (E->Of.Get() == &From)
            Over(*E, DBG_EXCEPTION_NOT_HANDLED);
    }
    Update();
}

// --- the queue

Own<DebugEvent> Debugger::Make(Process& Of, Thread* By, DBG_STATE State)
{
    Own<DebugEvent> E(new (std::nothrow) DebugEvent(Of));
    if (E) {
        E->State = State;
        E->By = RefPtr<Thread>(By);
        E->ThreadId = By ? By->Id() : 0;
    }
    return E;
}

void Debugger::Queue(Own<DebugEvent> E)
{
    Process& P = *E->Of;
    P.IsFrozen = true;
    for (Thread* T = P.FirstThread(); T; T = P.NextThread(*T))
        T->Freeze();
    Events_.PushBack(*E.Leak());
    Update();
}

DebugEvent* Debugger::Next()
{
    for (DebugEvent* E = Events_.First(); E; E = Events_.Next(*E)) {
        bool Free = !E->Read;
        for (DebugEvent* Other = Events_.First(); Free && Other; Other = Events_.Next(*Other))
            Free = !(Other->Read && Other->Of.Get() == E->Of.Get());
        if (Free)
            return E;
    }
    return nullptr;
}

void Debugger::Update()
{
    if (Next())
        Pending_.Set();
    else
        Pending_.Reset();
}

void Debugger::SetRead(DebugEvent& E)
{
    E.Read = true;
    Update();
}

void Debugger::Over(DebugEvent& E, NTSTATUS How)
{
    Own<DebugEvent> Mine(&E);
    E.Link.Unlink();
    Process& P = *E.Of;
    if (E.By && !E.By->IsTerminating()) {
        if (E.State == DbgExceptionStateChange && How == DBG_EXCEPTION_NOT_HANDLED) {
            if (E.FirstChance)
                E.By->DispatchException(E.Record, E.At);
            else
                E.By->DieOf(E.Record, E.At);
        } else if (How == DBG_TERMINATE_THREAD) {
            E.By->Terminate(DBG_TERMINATE_THREAD);
        }
    }
    if (How == DBG_TERMINATE_PROCESS && !P.IsTerminating())
        P.Terminate(DBG_TERMINATE_PROCESS);
    for (DebugEvent* Other = Events_.First(); Other; Other = Events_.Next(*Other))
        if (Other->Of.Get() == &P)
            return;
    P.IsFrozen = false;
    for (Thread* T = P.FirstThread(); T; T = P.NextThread(*T))
        T->Thaw();
}

Status Debugger::Continue(u64 ProcessId, u64 ThreadId, NTSTATUS How)
{
    for (DebugEvent* E = Events_.First(); E; E = Events_.Next(*E)) {
        if (!E->Read || E->Of->Id() != ProcessId || E->ThreadId != ThreadId)
            continue;
        Over(*E, How);
        Update();
        return STATUS_SUCCESS;
    }
    return STATUS_INVALID_PARAMETER;
}

// --- what happens

void Debugger::ThreadStarts(Thread& T)
{
    Debugger* D = T.Process().DebuggedBy.Get();
    if (!D || T.HideFromDebugger)
        return;
    if (Own<DebugEvent> E = Make(T.Process(), &T, DbgCreateThreadStateChange))
        D->Queue(std::move(E));
}

void Debugger::ThreadEnded(Thread& T)
{
    Debugger* D = T.Process().DebuggedBy.Get();
    if (!D || T.HideFromDebugger)
        return;
    if (Own<DebugEvent> E = Make(T.Process(), &T, DbgExitThreadStateChange)) {
        E->ExitStatus = T.ExitStatus();
        D->Queue(std::move(E));
    }
}

void Debugger::ProcessEnded(Process& P)
{
    RefPtr<Debugger> D = std::move(P.DebuggedBy);
    P.DebuggedBy.Reset();
    if (!D)
        return;
    if (Own<DebugEvent> E = Make(P, nullptr, DbgExitProcessStateChange)) {
        E->ExitStatus = P.ExitStatus();
        E->ThreadId = P.LastThreadId;
        D->Queue(std::move(E));
    }
}

void Debugger::Image(Process& Of, Thread* By, u64 Base, u64 NamePointer, ob::Name File)
{
    Own<DebugEvent> E = Make(Of, By, DbgLoadDllStateChange);
    if (!E || !E->File.Append(File).Ok())
        return;
    E->Base = Base;
    E->NamePointer = NamePointer;
    Queue(std::move(E));
}

void Debugger::ImageMapped(Thread& By, u64 Base, ob::Name File)
{
    if (Debugger* D = By.Process().DebuggedBy.Get(); D && !By.HideFromDebugger)
        D->Image(By.Process(), &By, Base, By.TebAddress() + __builtin_offsetof(NT_TIB, ArbitraryUserPointer), File);
}

void Debugger::ImageUnmapped(Thread& By, u64 Base)
{
    Debugger* D = By.Process().DebuggedBy.Get();
    if (!D || By.HideFromDebugger)
        return;
    if (Own<DebugEvent> E = Make(By.Process(), &By, DbgUnloadDllStateChange)) {
        E->Base = Base;
        D->Queue(std::move(E));
    }
}

bool Debugger::Exception(Thread& T, const EXCEPTION_RECORD& Record, const CONTEXT& At, bool FirstChance, const CONTEXT& Shown)
{
    Debugger* D = T.Process().DebuggedBy.Get();
    if (!D || T.HideFromDebugger)
        return false;
    Own<DebugEvent> E = Make(T.Process(), &T, DbgExceptionStateChange);
    if (!E)
        return false;
    E->Record = Record;
    E->At = At;
    E->FirstChance = FirstChance;
    T.StopAt(Shown);
    D->Queue(std::move(E));
    return true;
}

// --- where others tell

static Status BadClose(ke::Caller& By)
{
    if (!By.Process().DebuggedBy) [[likely]]
        return STATUS_INVALID_HANDLE;
    return By.Thread().RaiseStatus(STATUS_INVALID_HANDLE);
}

void InitializeDebugging()
{
    ob::OnBadClose = BadClose;
    mm::OnImageMapped = [](ke::Caller& By, u64 Base, ob::Name File) { Debugger::ImageMapped(By.Thread(), Base, File); };
    mm::OnImageUnmapped = [](ke::Caller& By, u64 Base) { Debugger::ImageUnmapped(By.Thread(), Base); };
}

}
