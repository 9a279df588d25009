// RtlDispatchException, RtlUnwindEx and what brings them about: KiUserExceptionDispatcher, RtlRaiseException, RtlRaiseStatus.
#include "ntdll/exception/exception.hpp"

#include "ntdll/context/context.hpp"

namespace {

constexpr u64 ChainEnd = ~u64(0);

// A frame handler of the x86 kind; the fourth argument points to the dispatcher context's place.
using TEB_HANDLER = EXCEPTION_DISPOSITION(EXCEPTION_RECORD*, EXCEPTION_REGISTRATION_RECORD*, CONTEXT*, EXCEPTION_REGISTRATION_RECORD**);

u64 TebFrame() { return u64(Teb()->NtTib.ExceptionList); }
EXCEPTION_REGISTRATION_RECORD* AsFrame(u64 Frame) { return reinterpret_cast<EXCEPTION_REGISTRATION_RECORD*>(Frame); }

bool OnStack(u64 Frame)
{
    return !(Frame & 7) && Frame >= u64(Teb()->NtTib.StackLimit) && Frame < u64(Teb()->NtTib.StackBase);
}

void CopyRegisters(CONTEXT& To, const CONTEXT& From)
{
    ULONG Flags = From.ContextFlags & ~(CONTEXT_XSTATE & ~CONTEXT_AMD64);
    To = From;
    To.ContextFlags = Flags;
}

// Looks the function of Context up and goes one frame back in Next.
void Step(ULONG HandlerType, DISPATCHER_CONTEXT& Dispatch, const CONTEXT& Context, CONTEXT& Next)
{
    CopyRegisters(Next, Context);
    Dispatch.ControlPc = Context.Rip;
    Dispatch.ImageBase = 0;
    Dispatch.ScopeIndex = 0;
    Dispatch.FunctionEntry = RtlLookupFunctionEntry(Context.Rip, &Dispatch.ImageBase, nullptr);
    Dispatch.LanguageHandler = RtlVirtualUnwind(HandlerType, Dispatch.ImageBase, Context.Rip, Dispatch.FunctionEntry, &Next,
                                                &Dispatch.HandlerData, &Dispatch.EstablisherFrame, nullptr);
}

// After a collided unwind Dispatch describes the frame at which the other walk was; the frame after it goes to Next.
void StepFromDispatch(DISPATCHER_CONTEXT& Dispatch, CONTEXT& Next)
{
    u64 Frame;
    CopyRegisters(Next, *Dispatch.ContextRecord);
    RtlVirtualUnwind(UNWIND_HANDLER_NONE, Dispatch.ImageBase, Dispatch.ControlPc, Dispatch.FunctionEntry, &Next, nullptr, &Frame, nullptr);
}

enum class Walk { Continue, Search, Failed };

Walk RunTebFrames(EXCEPTION_RECORD* Record, CONTEXT* Context, u64& Frame, u64 Limit, u64& NestedUntil)
{
    while (Frame != ChainEnd && Frame < Limit) {
        if (!OnStack(Frame)) {
            Record->ExceptionFlags |= EXCEPTION_STACK_INVALID;
            return Walk::Failed;
        }
        EXCEPTION_REGISTRATION_RECORD* Dispatched = nullptr;
        auto* Handler = reinterpret_cast<TEB_HANDLER*>(AsFrame(Frame)->Handler);
        EXCEPTION_DISPOSITION Answer = Handler(Record, AsFrame(Frame), Context, &Dispatched);
        if (NestedUntil == Frame) {
            NestedUntil = 0;
            Record->ExceptionFlags &= ~EXCEPTION_NESTED_CALL;
        }
        if (Answer == ExceptionContinueExecution)
            return Walk::Continue;
        if (Answer == ExceptionNestedException && u64(Dispatched) > NestedUntil) {
            NestedUntil = u64(Dispatched);
            Record->ExceptionFlags |= EXCEPTION_NESTED_CALL;
        }
        Frame = u64(AsFrame(Frame)->Next);
    }
    return Walk::Search;
}

// The frames' handlers, innermost first.
Walk Search(EXCEPTION_RECORD* Record, CONTEXT* Original)
{
    CONTEXT Current, Next;
    DISPATCHER_CONTEXT Dispatch {};
    u64 Tib = TebFrame(), NestedUntil = 0;
    CopyRegisters(Current, *Original);
    for (u32 Frames = 0; Frames < 1000000; ++Frames) {
        Dispatch.TargetIp = 0;
        Dispatch.ContextRecord = &Current;
        Step(UNWIND_HANDLER_EXCEPTION, Dispatch, Current, Next);
        if (!OnStack(Dispatch.EstablisherFrame)) {
            Record->ExceptionFlags |= EXCEPTION_STACK_INVALID;
            return Walk::Failed;
        }
        bool Again = Dispatch.LanguageHandler != nullptr;
        while (Again) {
            Again = false;
            u64 Frame = Dispatch.EstablisherFrame;
            ULONG Flags = Record->ExceptionFlags;
            EXCEPTION_DISPOSITION Answer = RtlpExecuteHandlerForException(Record, Frame, Original, &Dispatch);
            Record->ExceptionFlags |= Flags & EXCEPTION_NONCONTINUABLE;
            if (NestedUntil == Frame) {
                Record->ExceptionFlags &= ~EXCEPTION_NESTED_CALL;
                NestedUntil = 0;
            }
            switch (Answer) {
            case ExceptionContinueExecution:
                return Walk::Continue;
            case ExceptionContinueSearch:
                break;
            case ExceptionNestedException:
                Record->ExceptionFlags |= EXCEPTION_NESTED_CALL;
                if (Dispatch.EstablisherFrame > NestedUntil)
                    NestedUntil = Dispatch.EstablisherFrame;
                break;
            case ExceptionCollidedUnwind:
                StepFromDispatch(Dispatch, Next);
                CopyRegisters(Current, *Dispatch.ContextRecord);
                Dispatch.ContextRecord = &Current;
                Again = true;
                break;
            default:
                RtlRaiseStatus(STATUS_INVALID_DISPOSITION);
            }
        }
        if (Walk Answer = RunTebFrames(Record, Original, Tib, Next.Rsp, NestedUntil); Answer != Walk::Search)
            return Answer;
        if (!Next.Rip || Next.Rsp >= u64(Teb()->NtTib.StackBase) || (Next.Rip == Current.Rip && Next.Rsp == Current.Rsp))
            return Walk::Failed;
        CopyRegisters(Current, Next);
    }
    return Walk::Failed;
}

[[noreturn]] void RaiseNested(NTSTATUS Code, EXCEPTION_RECORD* Cause)
{
    EXCEPTION_RECORD Record {};
    Record.ExceptionCode = Code;
    Record.ExceptionFlags = EXCEPTION_NONCONTINUABLE;
    Record.ExceptionRecord = Cause;
    for (;;)
        RtlRaiseException(&Record);
}

[[noreturn]] void Continue(CONTEXT* Context)
{
    NtContinue(Context, 0);
    RtlRaiseStatus(STATUS_INVALID_PARAMETER);
    __builtin_unreachable();
}

}

extern "C" {

BOOLEAN NTAPI RtlDispatchException(EXCEPTION_RECORD* Record, CONTEXT* Context)
{
    if (RtlpCallVectored(Vectored::Exception, Record, Context)) {
        RtlpCallVectored(Vectored::Continue, Record, Context);
        return 1;
    }
    Walk Answer = Search(Record, Context);
    if (Answer != Walk::Continue)
        return 0;
    if (Record->ExceptionFlags & EXCEPTION_NONCONTINUABLE)
        RaiseNested(STATUS_NONCONTINUABLE_EXCEPTION, Record);
    RtlpCallVectored(Vectored::Continue, Record, Context);
    return 1;
}

[[noreturn]] void KiDispatchException(EXCEPTION_RECORD* Record, CONTEXT* Context)
{
    if (RtlDispatchException(Record, Context))
        Continue(Context);
    NTSTATUS Answer = NtRaiseException(Record, Context, 0);
    NtTerminateProcess(CurrentProcess(), Answer < 0 ? Answer : Record->ExceptionCode);
    for (;;)
        DbgBreakPoint();
}

[[noreturn]] void RtlpRaise(EXCEPTION_RECORD* Record, CONTEXT* Context)
{
    Record->ExceptionAddress = reinterpret_cast<PVOID>(Context->Rip);
    if (Peb()->BeingDebugged) {
        NTSTATUS Answer = NtRaiseException(Record, Context, 1);
        RtlRaiseStatus(Answer);
    }
    KiDispatchException(Record, Context);
}

void NTAPI RtlRaiseStatus(NTSTATUS Status)
{
    EXCEPTION_RECORD Record {};
    Record.ExceptionCode = Status;
    Record.ExceptionFlags = EXCEPTION_NONCONTINUABLE;
    RtlRaiseException(&Record);
}

// For KiRaiseUserExceptionDispatcher, in entry.S.
NTSTATUS RtlpRaiseServiceStatus()
{
    NTSTATUS Status = Teb()->ExceptionCode;
    EXCEPTION_RECORD Record {};
    Record.ExceptionCode = Status;
    RtlRaiseException(&Record);
    return Status;
}

void NTAPI RtlUnwindEx(PVOID TargetFrame, PVOID TargetIp, EXCEPTION_RECORD* Record, PVOID ReturnValue, CONTEXT* Context, void* HistoryTable)
{
    EXCEPTION_RECORD Own {};
    CONTEXT Next;
    DISPATCHER_CONTEXT Dispatch {};
    const u64 Target = u64(TargetFrame);
    RtlCaptureContext(Context);
    if (!Record) {
        Own.ExceptionCode = STATUS_UNWIND;
        Own.ExceptionAddress = reinterpret_cast<PVOID>(Context->Rip);
        Record = &Own;
    }
    Record->ExceptionFlags |= EXCEPTION_UNWINDING | (Target ? 0 : EXCEPTION_EXIT_UNWIND);
    u64 Tib = TebFrame();
    for (;;) {
        Dispatch.TargetIp = u64(TargetIp);
        Dispatch.ContextRecord = Context;
        Dispatch.HistoryTable = HistoryTable;
        Step(UNWIND_HANDLER_UNWIND, Dispatch, *Context, Next);
        if (!OnStack(Dispatch.EstablisherFrame)) {
            if (!Target)
                break;
            RaiseNested(STATUS_BAD_STACK, Record);
        }
        bool Again = Dispatch.LanguageHandler != nullptr;
        while (Again) {
            Again = false;
            if (Target && Dispatch.EstablisherFrame > Target)
                RaiseNested(STATUS_INVALID_UNWIND_TARGET, Record);
            if (Dispatch.EstablisherFrame == Target)
                Record->ExceptionFlags |= EXCEPTION_TARGET_UNWIND;
            Context->Rax = u64(ReturnValue);
            EXCEPTION_DISPOSITION Answer = RtlpExecuteHandlerForUnwind(Record, Dispatch.EstablisherFrame, Context, &Dispatch);
            Record->ExceptionFlags &= ~(EXCEPTION_TARGET_UNWIND | EXCEPTION_COLLIDED_UNWIND);
            if (Answer == ExceptionCollidedUnwind) {
                // Go on where the unwind that was interrupted had come to.
                CopyRegisters(*Context, *Dispatch.ContextRecord);
                Dispatch.ContextRecord = Context;
                Dispatch.TargetIp = u64(TargetIp);
                StepFromDispatch(Dispatch, Next);
                Record->ExceptionFlags |= EXCEPTION_COLLIDED_UNWIND;
                Again = Dispatch.LanguageHandler != nullptr;
            } else if (Answer != ExceptionContinueSearch) {
                RaiseNested(STATUS_INVALID_DISPOSITION, Record);
            }
        }
        while (Tib != ChainEnd && Tib < Next.Rsp && Tib < Target) {
            if (!OnStack(Tib))
                RaiseNested(STATUS_BAD_STACK, Record);
            EXCEPTION_REGISTRATION_RECORD* Dispatched = nullptr;
            reinterpret_cast<TEB_HANDLER*>(AsFrame(Tib)->Handler)(Record, AsFrame(Tib), Context, &Dispatched);
            Tib = u64(AsFrame(Tib)->Next);
            Teb()->NtTib.ExceptionList = AsFrame(Tib);
        }
        if (Tib == Target && Target < Next.Rsp)
            break;
        if (Dispatch.EstablisherFrame == Target)
            break;
        if (!Next.Rip || Next.Rsp > u64(Teb()->NtTib.StackBase)) {
            if (!Target)
                break;
            RaiseNested(STATUS_BAD_STACK, Record);
        }
        CopyRegisters(*Context, Next);
    }
    if (!Target) {                                  // an exit unwind ends in the second chance
        NtRaiseException(Record, Context, 0);
        NtTerminateProcess(CurrentProcess(), Record->ExceptionCode);
    }
    if (Record->ExceptionCode != STATUS_UNWIND_CONSOLIDATE)
        Context->Rip = u64(TargetIp);
    Context->Rax = u64(ReturnValue);
    RtlRestoreContext(Context, Record);
}

void NTAPI RtlUnwind(PVOID TargetFrame, PVOID TargetIp, EXCEPTION_RECORD* Record, PVOID ReturnValue)
{
    CONTEXT Context;
    RtlUnwindEx(TargetFrame, TargetIp, Record, ReturnValue, &Context, nullptr);
}

[[noreturn]] void RtlpRestoreRegisters(CONTEXT* Context)
{
    while (TebFrame() < Context->Rsp)
        Teb()->NtTib.ExceptionList = Teb()->NtTib.ExceptionList->Next;
    LoadExtendedState(Context);
    if ((Context->ContextFlags & CONTEXT_FLOATING_POINT) == CONTEXT_FLOATING_POINT)
        RtlpLoadFloats(Context);
    RtlpResume(Context);
}

// jmp_buf as entry.S lays it out.
struct JumpBuffer {
    u64 Frame, Rbx, Rsp, Rbp, Rsi, Rdi, R12, R13, R14, R15, Rip;
    u32 MxCsr;
    u16 FpCsr, Spare;
    M128A Xmm[10];
};
static_assert(__builtin_offsetof(JumpBuffer, Xmm) == 0x60);

void NTAPI RtlRestoreContext(CONTEXT* Context, EXCEPTION_RECORD* Record)
{
    if (Record && Record->ExceptionCode == STATUS_LONGJUMP && Record->NumberParameters >= 1) {
        auto& Jump = *reinterpret_cast<const JumpBuffer*>(Record->ExceptionInformation[0]);
        Context->Rbx = Jump.Rbx;
        Context->Rsp = Jump.Rsp;
        Context->Rbp = Jump.Rbp;
        Context->Rsi = Jump.Rsi;
        Context->Rdi = Jump.Rdi;
        Context->R12 = Jump.R12;
        Context->R13 = Jump.R13;
        Context->R14 = Jump.R14;
        Context->R15 = Jump.R15;
        Context->Rip = Jump.Rip;
        Context->MxCsr = Jump.MxCsr;
        Context->FltSave.MxCsr = Jump.MxCsr;
        Context->FltSave.ControlWord = Jump.FpCsr;
        for (u32 I = 0; I < 10; ++I)
            Context->FltSave.XmmRegisters[6 + I] = Jump.Xmm[I];
        Context->ContextFlags |= CONTEXT_FULL;
    } else if (Record && Record->ExceptionCode == STATUS_UNWIND_CONSOLIDATE && Record->NumberParameters >= 1) {
        while (TebFrame() < Context->Rsp)
            Teb()->NtTib.ExceptionList = Teb()->NtTib.ExceptionList->Next;
        RtlpConsolidate(Context, Record, reinterpret_cast<PVOID>(Record->ExceptionInformation[0]));
    }
    RtlpRestoreRegisters(Context);
}

// Without a change of debug registers and without a pending APC wanted there is nothing a service would add.
NTSTATUS NTAPI NtContinue(CONTEXT* Context, BOOLEAN TestAlert)
{
    ULONG Flags = Context->ContextFlags;
    constexpr ULONG Whole = CONTEXT_CONTROL | CONTEXT_INTEGER;
    if (!TestAlert && (Flags & Whole) == Whole && (Flags & CONTEXT_DEBUG_REGISTERS) != CONTEXT_DEBUG_REGISTERS)
        RtlpRestoreRegisters(Context);
    LoadExtendedState(Context);
    if ((Flags & CONTEXT_FLOATING_POINT) == CONTEXT_FLOATING_POINT)
        RtlpLoadFloats(Context);
    return SvcContinue(Context, TestAlert);
}
NTSTATUS NTAPI ZwContinue(CONTEXT* Context, BOOLEAN TestAlert) { return NtContinue(Context, TestAlert); }

[[noreturn]] void longjmp(JumpBuffer* Buffer, int Value)
{
    if (!Buffer->Frame)
        RtlpJump(Buffer, Value);
    EXCEPTION_RECORD Record {};
    Record.ExceptionCode = STATUS_LONGJUMP;
    Record.NumberParameters = 1;
    Record.ExceptionInformation[0] = u64(Buffer);
    RtlUnwind(reinterpret_cast<PVOID>(Buffer->Frame), reinterpret_cast<PVOID>(Buffer->Rip), &Record,
              reinterpret_cast<PVOID>(u64(u32(Value ? Value : 1))));
    __builtin_unreachable();
}

}
