// The services of debug objects.
#include "abi/nt/io.hpp"
#include "ntos/io/section_file.hpp"
#include "ntos/ps/debug.hpp"
#include "ntos/ps/detail.hpp"

using namespace ps;

static constexpr ACCESS_MASK ReadEvent = 1, ProcessAssign = 2, SetFlags = 4;
static constexpr ULONG KillOnClose = 1, FlagsClass = 1;

Status NtCreateDebugObject(ke::Caller& Caller, svc::CreateDebugObject& Call)
{
    TRY(Call.DebugObjectHandle.Write(Caller, nullptr));
    if (Call.Flags & ~KillOnClose)
        return STATUS_INVALID_PARAMETER;
    ob::Attributes Where = TRY(ob::Capture(Caller, Call.ObjectAttributes));
    Ref<Debugger> New = TRY(ob::Make<Debugger>(Call.Flags));
    Result<HANDLE> Opened = ob::InsertAndOpen(Caller, std::move(New), Where, Call.DesiredAccess);
    if (!Opened.Ok())
        return Opened.GetStatus();
    TRY(Call.DebugObjectHandle.Write(Caller, Opened.Value()));
    return Opened.Code();
}

Status NtSetInformationDebugObject(ke::Caller& Caller, svc::SetInformationDebugObject& Call)
{
    if (Call.DebugObjectInformationClass != FlagsClass)
        return STATUS_INVALID_PARAMETER;
    if (Call.DebugObjectInformationLength != sizeof(ULONG)) {
        TRY(Call.ReturnLength.WriteIfThere(Caller, sizeof(ULONG)));
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    ULONG Flags = TRY(Call.DebugObjectInformation.ReadAs<ULONG>(Caller));
    if (Flags & ~KillOnClose)
        return STATUS_INVALID_PARAMETER;
    TRY(ob::Reference<Debugger>(Caller, Call.DebugObjectHandle, SetFlags))->Flags = Flags;
    return Call.ReturnLength.WriteIfThere(Caller, 0);
}

Status NtDebugActiveProcess(ke::Caller& Caller, svc::DebugActiveProcess& Call)
{
    auto P = TRY(ob::Reference<Process>(Caller, Call.ProcessHandle, PROCESS_SUSPEND_RESUME));
    if (P.Get() == &Caller.Process() || P->Driver)
        return STATUS_ACCESS_DENIED;
    auto D = TRY(ob::Reference<Debugger>(Caller, Call.DebugObjectHandle, ProcessAssign));
    TRY(D->Attach(*P));
    P->NoDebugInherit = true;
    return STATUS_SUCCESS;
}

Status NtRemoveProcessDebug(ke::Caller& Caller, svc::RemoveProcessDebug& Call)
{
    auto P = TRY(ob::Reference<Process>(Caller, Call.ProcessHandle, PROCESS_SUSPEND_RESUME));
    auto D = TRY(ob::Reference<Debugger>(Caller, Call.DebugObjectHandle, ProcessAssign));
    if (P->DebuggedBy.Get() != D.Get())
        return STATUS_PORT_NOT_SET;
    D->Detach(*P);
    return STATUS_SUCCESS;
}

// A handle for the debugger, or null: an event is told without what cannot be opened.
static HANDLE Open(ke::Caller& Caller, ob::Object* Target, ACCESS_MASK Access)
{
    if (!Target)
        return nullptr;
    auto Opened = ob::OpenByPointer(Caller, Ref<ob::Object>(*Target), Access, 0);
    return Opened.Ok() ? Opened.Value() : nullptr;
}
static HANDLE OpenFile(ke::Caller& Caller, ob::Object* File)
{
    return Open(Caller, File, SYNCHRONIZE | FILE_READ_DATA | FILE_READ_ATTRIBUTES);
}

// Image: the file the event names, if it names one.
static Status Tell(ke::Caller& Caller, svc::WaitForDebugEvent& Call, Debugger& D, DebugEvent& E, ob::Object* Image)
{
    DBGUI_WAIT_STATE_CHANGE Change {};
    Change.NewState = E.State;
    Change.AppClientId = { reinterpret_cast<HANDLE>(E.Of->Id()), reinterpret_cast<HANDLE>(E.ThreadId) };
    TRY(Call.WaitStateChange.Write(Caller, &Change, sizeof(Change)));       // before there are handles to lose
    PVOID Base = reinterpret_cast<PVOID>(E.Base);
    switch (E.State) {
    case DbgCreateThreadStateChange:
        Change.CreateThread = { Open(Caller, E.By.Get(), THREAD_ALL_ACCESS), 0, reinterpret_cast<PVOID>(E.By->StartAddress) };
        break;
    case DbgCreateProcessStateChange:
        Change.CreateProcess = { Open(Caller, E.Of.Get(), PROCESS_ALL_ACCESS), Open(Caller, E.By.Get(), THREAD_ALL_ACCESS), 0, OpenFile(Caller, Image), Base, 0, 0, 0,
                                 E.By ? reinterpret_cast<PVOID>(E.By->StartAddress) : nullptr };
        break;
    case DbgExitThreadStateChange:
    case DbgExitProcessStateChange:
        Change.Exit.Status = E.ExitStatus;
        break;
    case DbgExceptionStateChange:
        Change.Exception = { E.Record, E.FirstChance };
        if (E.Record.ExceptionCode == STATUS_BREAKPOINT)
            Change.NewState = DbgBreakpointStateChange;
        else if (E.Record.ExceptionCode == STATUS_SINGLE_STEP)
            Change.NewState = DbgSingleStepStateChange;
        break;
    case DbgLoadDllStateChange:
        Change.LoadDll = { OpenFile(Caller, Image), Base, 0, 0, reinterpret_cast<PVOID>(E.NamePointer) };
        break;
    case DbgUnloadDllStateChange:
        Change.UnloadDll.Base = Base;
        break;
    default:
        break;
    }
    D.SetRead(E);
    return Call.WaitStateChange.Write(Caller, &Change, sizeof(Change));
}

static ke::Task<> Wait(ke::Caller& Caller, svc::WaitForDebugEvent& Call, Ref<Debugger> D, ke::Deadline Until)
{
    for (;;) {
        if (DebugEvent* E = D->Next()) {
            RefPtr<ob::Object> Image;
            if (!E->File.IsEmpty()) {
                ob::String Path = CO_TRY(ob::String::Copy(E->File.View()));
                auto Opened = co_await io::OpenImageFile(Caller, Path.View());
                if (Opened.Ok())
                    Image = RefPtr<ob::Object>(Opened.Value().File.Get());
                // Meanwhile the event may have gone, with its process or by another waiter.
                if (D->Next() != E || !ob::Equal(E->File.View(), Path.View(), false))
                    continue;
            }
            co_return Tell(Caller, Call, *D, *E, Image.Get());
        }
        Status S = co_await ke::WaitFor(*D->AsWaitable(), Call.Alertable, Until);
        if (S != STATUS_SUCCESS)
            co_return S;
    }
}

ke::Task<> NtWaitForDebugEvent(ke::Caller& Caller, svc::WaitForDebugEvent& Call)
{
    auto D = ob::Reference<Debugger>(Caller, Call.DebugObjectHandle, ReadEvent);
    if (!D.Ok())
        return ke::Task<>(D.GetStatus());
    if (Status S = mm::ProbeForWrite(Caller.Process(), Call.WaitStateChange.Address(), sizeof(DBGUI_WAIT_STATE_CHANGE)); !S.Ok())
        return ke::Task<>(S);
    ke::Deadline Until;
    if (Call.Timeout) {
        auto Timeout = Call.Timeout.Read(Caller);
        if (!Timeout.Ok())
            return ke::Task<>(Timeout.GetStatus());
        Until = ke::Deadline::From(Timeout.Value().QuadPart);
        if (Until.HasPassed() && !D.Value()->Next())
            return ke::Task<>(STATUS_TIMEOUT);
    }
    return Wait(Caller, Call, D.Take(), Until);
}

Status NtDebugContinue(ke::Caller& Caller, svc::DebugContinue& Call)
{
    CLIENT_ID Id = TRY(Call.ClientId.Read(Caller));
    NTSTATUS How = Call.ContinueStatus;
    switch (How) {
    case DBG_CONTINUE:
    case DBG_EXCEPTION_HANDLED:
    case DBG_EXCEPTION_NOT_HANDLED:
    case DBG_TERMINATE_THREAD:
    case DBG_TERMINATE_PROCESS:
        break;
    default:
        return STATUS_INVALID_PARAMETER;
    }
    auto D = TRY(ob::Reference<Debugger>(Caller, Call.DebugObjectHandle, ReadEvent));
    return D->Continue(reinterpret_cast<u64>(Id.UniqueProcess), reinterpret_cast<u64>(Id.UniqueThread), How);
}
