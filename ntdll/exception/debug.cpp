// Debug output, and the debugger's side of debugging.
#include <stdarg.h>

#include "abi/nt/dbg.hpp"
#include "ntdll/exception/exception.hpp"
#include "ntdll/process/process.hpp"

extern "C" int _vsnprintf(char* Buffer, size_t Room, const char* Format, va_list Arguments);

namespace {

constexpr NTSTATUS PrintException = 0x40010006;         // DBG_PRINTEXCEPTION_C

// A debugger sees the text as an exception; without one it goes to the system's log.
[[gnu::noinline]] void RaisePrint(const char* Text, u32 Length)
{
    EXCEPTION_RECORD Record {};
    Record.ExceptionCode = PrintException;
    Record.NumberParameters = 2;
    Record.ExceptionInformation[0] = Length + 1;
    Record.ExceptionInformation[1] = u64(Text);
    __try {
        RtlRaiseException(&Record);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
    }
}

void Print(const char* Format, va_list Arguments, const char* Prefix = "")
{
    char Text[512];
    constexpr int Room = sizeof(Text) - 1;
    int Start = 0;
    for (; Prefix[Start] && Start < Room; ++Start)
        Text[Start] = Prefix[Start];
    int Length = _vsnprintf(Text + Start, size_t(Room - Start), Format, Arguments);
    Length = Length < 0 || Length > Room - Start ? Room : Start + Length;
    Text[Length] = 0;
    if (Peb()->BeingDebugged) {
        RaisePrint(Text, u32(Length));
        return;
    }
    WCHAR Wide[512];
    for (int I = 0; I < Length; ++I)
        Wide[I] = u8(Text[I]);
    UNICODE_STRING String { USHORT(Length * 2), USHORT(Length * 2), Wide };
    NtDisplayString(&String);
}

// DEBUG_EVENT, as Win32 has it.
struct DebugEvent {
    u32 Code;
    u32 ProcessId, ThreadId;
    u32 Pad;
    union {
        struct {
            EXCEPTION_RECORD Record;
            u32 FirstChance;
        } Exception;
        struct {
            HANDLE Thread;
            PVOID LocalBase, StartAddress;
        } CreateThread;
        struct {
            HANDLE File, Process, Thread;
            PVOID Base;
            u32 DebugInfoOffset, DebugInfoSize;
            PVOID LocalBase, StartAddress, ImageName;
            u16 Unicode;
        } CreateProcess;
        struct {
            u32 Code;
        } Exit;
        struct {
            HANDLE File;
            PVOID Base;
            u32 DebugInfoOffset, DebugInfoSize;
            PVOID ImageName;
            u16 Unicode;
        } LoadDll;
        struct {
            PVOID Base;
        } UnloadDll;
        struct {
            PVOID Text;
            u16 Unicode, Length;
        } Print;
        struct {
            u32 Error, Type;
        } Rip;
    };
};

HANDLE& DebugObject() { return Teb()->DbgSsReserved[1]; }

}

extern "C" {

ULONG NTAPI DbgPrint(const char* Format, ...)
{
    va_list Arguments;
    va_start(Arguments, Format);
    Print(Format, Arguments);
    va_end(Arguments);
    return STATUS_SUCCESS;
}
ULONG NTAPI DbgPrintEx(ULONG Component, ULONG Level, const char* Format, ...)
{
    if (NtQueryDebugFilterState(Component, Level) == 0)
        return STATUS_SUCCESS;
    va_list Arguments;
    va_start(Arguments, Format);
    Print(Format, Arguments);
    va_end(Arguments);
    return STATUS_SUCCESS;
}
ULONG NTAPI vDbgPrintEx(ULONG, ULONG, const char* Format, va_list Arguments)
{
    Print(Format, Arguments);
    return STATUS_SUCCESS;
}
ULONG NTAPI vDbgPrintExWithPrefix(const char* Prefix, ULONG, ULONG, const char* Format, va_list Arguments)
{
    Print(Format, Arguments, Prefix);
    return STATUS_SUCCESS;
}
ULONG NTAPI DbgPrompt(const char* Text, char*, ULONG)
{
    DbgPrint("%s", Text);
    return 0;
}
NTSTATUS NTAPI DbgQueryDebugFilterState(ULONG Component, ULONG Level) { return NtQueryDebugFilterState(Component, Level); }
NTSTATUS NTAPI DbgSetDebugFilterState(ULONG Component, ULONG Level, BOOLEAN State) { return NtSetDebugFilterState(Component, Level, State); }

NTSTATUS NTAPI DbgUiConnectToDbg()
{
    if (DebugObject())
        return STATUS_SUCCESS;
    OBJECT_ATTRIBUTES Attributes { sizeof(OBJECT_ATTRIBUTES), nullptr, nullptr, 0, nullptr, nullptr };
    return NtCreateDebugObject(&DebugObject(), 0x1F000F, &Attributes, 1);       // all access; kill on close
}
HANDLE NTAPI DbgUiGetThreadDebugObject() { return DebugObject(); }
void NTAPI DbgUiSetThreadDebugObject(HANDLE Object) { DebugObject() = Object; }
NTSTATUS NTAPI DbgUiStopDebugging(HANDLE Process) { return NtRemoveProcessDebug(Process, DebugObject()); }
NTSTATUS NTAPI DbgUiWaitStateChange(PVOID Change, LARGE_INTEGER* Timeout) { return NtWaitForDebugEvent(DebugObject(), 1, Timeout, Change); }
NTSTATUS NTAPI DbgUiContinue(CLIENT_ID* Client, NTSTATUS Status) { return NtDebugContinue(DebugObject(), Client, Status); }

void NTAPI DbgUiRemoteBreakin(PVOID)
{
    if (Peb()->BeingDebugged)
        DbgBreakPoint();
    RtlExitUserThread(STATUS_SUCCESS);
}
NTSTATUS NTAPI DbgUiIssueRemoteBreakin(HANDLE Process)
{
    HANDLE Thread;
    NTSTATUS Status = NtCreateThreadEx(&Thread, THREAD_ALL_ACCESS, nullptr, Process, reinterpret_cast<PVOID>(&DbgUiRemoteBreakin), nullptr,
                                       THREAD_CREATE_FLAGS_SKIP_THREAD_ATTACH, 0, 0, 0, nullptr);
    if (Status >= 0)
        NtClose(Thread);
    return Status;
}
NTSTATUS NTAPI DbgUiDebugActiveProcess(HANDLE Process)
{
    NTSTATUS Status = NtDebugActiveProcess(Process, DebugObject());
    if (Status < 0)
        return Status;
    Status = DbgUiIssueRemoteBreakin(Process);
    if (Status < 0)
        DbgUiStopDebugging(Process);
    return Status;
}

NTSTATUS NTAPI DbgUiConvertStateChangeStructure(const DBGUI_WAIT_STATE_CHANGE* Change, DebugEvent* Event)
{
    *Event = {};
    Event->ProcessId = u32(u64(Change->AppClientId.UniqueProcess));
    Event->ThreadId = u32(u64(Change->AppClientId.UniqueThread));
    auto TebOf = [](HANDLE Thread) -> PVOID {
        THREAD_BASIC_INFORMATION Basic;
        return NtQueryInformationThread(Thread, ThreadBasicInformation, &Basic, sizeof(Basic), nullptr) >= 0 ? Basic.TebBaseAddress : nullptr;
    };
    switch (Change->NewState) {
    case DbgCreateThreadStateChange:
        Event->Code = 2;
        Event->CreateThread = { Change->CreateThread.Handle, TebOf(Change->CreateThread.Handle), Change->CreateThread.StartAddress };
        break;
    case DbgCreateProcessStateChange:
        Event->Code = 3;
        Event->CreateProcess = { Change->CreateProcess.File, Change->CreateProcess.Process, Change->CreateProcess.Thread,
                                 Change->CreateProcess.Base, Change->CreateProcess.DebugInfoOffset, Change->CreateProcess.DebugInfoSize,
                                 TebOf(Change->CreateProcess.Thread), Change->CreateProcess.StartAddress, nullptr, 1 };
        break;
    case DbgExitThreadStateChange:
        Event->Code = 4;
        Event->Exit.Code = u32(Change->Exit.Status);
        break;
    case DbgExitProcessStateChange:
        Event->Code = 5;
        Event->Exit.Code = u32(Change->Exit.Status);
        break;
    case DbgExceptionStateChange:
    case DbgBreakpointStateChange:
    case DbgSingleStepStateChange:
        if (Change->Exception.Record.ExceptionCode == PrintException) {
            Event->Code = 8;
            Event->Print = { reinterpret_cast<PVOID>(Change->Exception.Record.ExceptionInformation[1]), 0,
                             u16(Change->Exception.Record.ExceptionInformation[0]) };
            break;
        }
        if (Change->Exception.Record.ExceptionCode == DBG_RIPEXCEPTION) {
            Event->Code = 9;
            Event->Rip = { u32(Change->Exception.Record.ExceptionInformation[0]), u32(Change->Exception.Record.ExceptionInformation[1]) };
            break;
        }
        Event->Code = 1;
        Event->Exception = { Change->Exception.Record, Change->Exception.FirstChance };
        break;
    case DbgLoadDllStateChange: {
        Event->Code = 6;
        Event->LoadDll = { Change->LoadDll.File, Change->LoadDll.Base, Change->LoadDll.DebugInfoOffset, Change->LoadDll.DebugInfoSize,
                           Change->LoadDll.NamePointer, 1 };
        break;
    }
    case DbgUnloadDllStateChange:
        Event->Code = 7;
        Event->UnloadDll.Base = Change->UnloadDll.Base;
        break;
    default:
        return STATUS_UNSUCCESSFUL;
    }
    return STATUS_SUCCESS;
}

void NTAPI RtlAssert(PVOID Assertion, PVOID File, ULONG Line, const char* Message)
{
    DbgPrint("Assertion failed: %s%s%s, %s:%u\n", Message ? Message : "", Message ? ": " : "", static_cast<const char*>(Assertion),
             static_cast<const char*>(File), Line);
    DbgBreakPoint();
}

// Ends a call from the kernel into PEB.KernelCallbackTable: this kernel makes none.
NTSTATUS NTAPI NtCallbackReturn(PVOID, ULONG, NTSTATUS) { return STATUS_NO_CALLBACK_ACTIVE; }

NTSTATUS NTAPI KiDispatchCallback(PVOID Input, ULONG Length, ULONG Index)
{
    using CALLBACK = NTSTATUS NTAPI(PVOID, ULONG);
    auto** Table = static_cast<CALLBACK**>(Peb()->KernelCallbackTable);
    return Table && Table[Index] ? Table[Index](Input, Length) : STATUS_NOT_IMPLEMENTED;
}

}

namespace core {
[[noreturn]] void Panic(const char* What, const char* File, int Line)
{
    DbgPrint("ntdll: %s, %s:%u\n", What, File, Line);
    for (;;)
        NtTerminateProcess(CurrentProcess(), STATUS_ASSERTION_FAILURE);
}
}
