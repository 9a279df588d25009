// Exceptions: dispatch to vectored handlers, .pdata frames and TEB frames; unwinding; the tables that map code to unwind data.
//
// Frames of both kinds are walked together, innermost first: a TEB frame (NtTib.ExceptionList, the x86 way, used by Wine's DLLs)
// belongs to the first .pdata frame whose caller's RSP is above it.
#pragma once
#include "ntdll/ntdll.hpp"

struct DISPATCHER_CONTEXT;
using EXCEPTION_ROUTINE = EXCEPTION_DISPOSITION NTAPI(EXCEPTION_RECORD*, PVOID EstablisherFrame, CONTEXT*, DISPATCHER_CONTEXT*);

struct DISPATCHER_CONTEXT {
    u64 ControlPc;
    u64 ImageBase;
    RUNTIME_FUNCTION* FunctionEntry;
    u64 EstablisherFrame;
    u64 TargetIp;
    CONTEXT* ContextRecord;
    EXCEPTION_ROUTINE* LanguageHandler;
    PVOID HandlerData;
    void* HistoryTable;
    u32 ScopeIndex;
    u32 Fill0;
};
static_assert(sizeof(DISPATCHER_CONTEXT) == 0x50);

inline constexpr ULONG UNWIND_HANDLER_NONE = 0, UNWIND_HANDLER_EXCEPTION = 1, UNWIND_HANDLER_UNWIND = 2, UNWIND_HANDLER_CHAINED = 4;

using UNHANDLED_FILTER = LONG NTAPI(EXCEPTION_POINTERS*);
using GET_RUNTIME_FUNCTION_CALLBACK = RUNTIME_FUNCTION* NTAPI(u64 ControlPc, PVOID Context);

extern "C" {
// Loads the registers of Context without a service. TEB frames below its RSP are dropped.
[[noreturn]] void RtlpRestoreRegisters(CONTEXT* Context);
[[noreturn]] void RtlpResume(const CONTEXT* Context);
void RtlpLoadFloats(const CONTEXT* Context);
[[noreturn]] void RtlpConsolidate(const CONTEXT* Context, EXCEPTION_RECORD* Record, PVOID Callback);
[[noreturn]] void RtlpJump(void* JumpBuffer, int Value);
// Call Dispatch->LanguageHandler in a frame that marks a nested exception, or a collided unwind.
EXCEPTION_DISPOSITION RtlpExecuteHandlerForException(EXCEPTION_RECORD*, u64 Frame, CONTEXT*, DISPATCHER_CONTEXT*);
EXCEPTION_DISPOSITION RtlpExecuteHandlerForUnwind(EXCEPTION_RECORD*, u64 Frame, CONTEXT*, DISPATCHER_CONTEXT*);

EXCEPTION_ROUTINE* NTAPI RtlVirtualUnwind(ULONG HandlerType, u64 ImageBase, u64 ControlPc, RUNTIME_FUNCTION* Function, CONTEXT* Context,
                                          PVOID* HandlerData, u64* EstablisherFrame, KNONVOLATILE_CONTEXT_POINTERS* Pointers);
RUNTIME_FUNCTION* NTAPI RtlLookupFunctionEntry(u64 ControlPc, u64* ImageBase, void* HistoryTable);
BOOLEAN NTAPI RtlDispatchException(EXCEPTION_RECORD* Record, CONTEXT* Context);
void NTAPI RtlUnwindEx(PVOID TargetFrame, PVOID TargetIp, EXCEPTION_RECORD* Record, PVOID ReturnValue, CONTEXT* Context, void* HistoryTable);
void NTAPI RtlUnwind(PVOID TargetFrame, PVOID TargetIp, EXCEPTION_RECORD* Record, PVOID ReturnValue);
void NTAPI RtlCaptureContext(CONTEXT* Context);
void NTAPI RtlRestoreContext(CONTEXT* Context, EXCEPTION_RECORD* Record);
void NTAPI RtlRaiseException(EXCEPTION_RECORD* Record);
void NTAPI RtlRaiseStatus(NTSTATUS Status);
[[noreturn]] void KiDispatchException(EXCEPTION_RECORD* Record, CONTEXT* Context);
[[noreturn]] void RtlpRaise(EXCEPTION_RECORD* Record, CONTEXT* Context);
ULONG NTAPI DbgPrint(const char* Format, ...);
}

// Images enter and leave the table that RtlLookupFunctionEntry uses for static code. Pdata may be null (no unwind data).
void RtlpAddImage(PVOID Base, u64 Size, RUNTIME_FUNCTION* Pdata, u32 Count);
void RtlpRemoveImage(PVOID Base);

enum class Vectored { Exception, Continue };
// Runs the handlers; true: the context is to be continued.
bool RtlpCallVectored(Vectored List, EXCEPTION_RECORD* Record, CONTEXT* Context);
UNHANDLED_FILTER* RtlpUnhandledFilter();
