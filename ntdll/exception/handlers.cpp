// Frame handlers: the two frames in which the dispatcher runs handlers, and __C_specific_handler for __try.
#include "ntdll/exception/exception.hpp"

namespace {

using FILTER = LONG(EXCEPTION_POINTERS*, u64 Frame);
using TERMINATION = void(BOOLEAN Abnormal, u64 Frame);

}

extern "C" {

EXCEPTION_DISPOSITION NTAPI RtlpExceptionFrameHandler(EXCEPTION_RECORD* Record, PVOID Frame, CONTEXT*, DISPATCHER_CONTEXT* Dispatch)
{
    if (Record->ExceptionFlags & EXCEPTION_UNWIND)
        return ExceptionContinueSearch;
    Dispatch->EstablisherFrame = (*At<DISPATCHER_CONTEXT*>(Frame, 0x20))->EstablisherFrame;
    return ExceptionNestedException;
}

EXCEPTION_DISPOSITION NTAPI RtlpUnwindFrameHandler(EXCEPTION_RECORD*, PVOID Frame, CONTEXT*, DISPATCHER_CONTEXT* Dispatch)
{
    const DISPATCHER_CONTEXT& Interrupted = **At<DISPATCHER_CONTEXT*>(Frame, 0x20);
    u64 TargetIp = Dispatch->TargetIp;
    *Dispatch = Interrupted;
    Dispatch->TargetIp = TargetIp;
    return ExceptionCollidedUnwind;
}

EXCEPTION_DISPOSITION NTAPI __C_specific_handler(EXCEPTION_RECORD* Record, PVOID Frame, CONTEXT* Context, DISPATCHER_CONTEXT* Dispatch)
{
    const auto& Table = *static_cast<const SCOPE_TABLE*>(Dispatch->HandlerData);
    const u64 Base = Dispatch->ImageBase;
    const u32 Pc = u32(Dispatch->ControlPc - Base), TargetPc = u32(Dispatch->TargetIp - Base);
    if (Record->ExceptionFlags & EXCEPTION_UNWIND) {
        for (u32 I = Dispatch->ScopeIndex; I < Table.Count; ++I) {
            auto& Scope = Table.ScopeRecord[I];
            if (Pc < Scope.BeginAddress || Pc >= Scope.EndAddress)
                continue;
            if (Record->ExceptionFlags & EXCEPTION_TARGET_UNWIND) {
                // The target is inside this scope, or is its __except block: this scope and those around it are not left.
                if ((TargetPc >= Scope.BeginAddress && TargetPc < Scope.EndAddress) || (Scope.JumpTarget && Scope.JumpTarget == TargetPc))
                    break;
            }
            if (!Scope.JumpTarget) {
                Dispatch->ScopeIndex = I + 1;
                reinterpret_cast<TERMINATION*>(Base + Scope.HandlerAddress)(1, u64(Frame));
            }
        }
        return ExceptionContinueSearch;
    }
    for (u32 I = Dispatch->ScopeIndex; I < Table.Count; ++I) {
        auto& Scope = Table.ScopeRecord[I];
        if (Pc < Scope.BeginAddress || Pc >= Scope.EndAddress || !Scope.JumpTarget)
            continue;
        LONG Answer = EXCEPTION_EXECUTE_HANDLER;
        if (Scope.HandlerAddress != 1) {
            EXCEPTION_POINTERS Pointers { Record, Context };
            Answer = reinterpret_cast<FILTER*>(Base + Scope.HandlerAddress)(&Pointers, u64(Frame));
        }
        if (Answer < 0)
            return ExceptionContinueExecution;
        if (Answer > 0) {
            RtlUnwindEx(Frame, reinterpret_cast<PVOID>(Base + Scope.JumpTarget), Record, reinterpret_cast<PVOID>(u64(u32(Record->ExceptionCode))),
                        Dispatch->ContextRecord, Dispatch->HistoryTable);
        }
    }
    return ExceptionContinueSearch;
}

}
