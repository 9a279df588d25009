// The registers of a thread: what they are in user mode, and where it goes on.
#include "abi/process.hpp"
#include "kernel/kernel.hpp"
#include "ntos/mm/absent.hpp"
#include "ntos/mm/space.hpp"
#include "ntos/ps/detail.hpp"
#include "ntos/ps/errand.hpp"

namespace ps {

using namespace nt;
using kernel::Failed;

static void ToContext(const kernel::Registers& R, CONTEXT& C)
{
    C.Rip = R.Rip;
    C.Rsp = R.Rsp;
    C.EFlags = u32(R.Rflags);
    C.Rax = R.Rax;
    C.Rbx = R.Rbx;
    C.Rcx = R.Rcx;
    C.Rdx = R.Rdx;
    C.Rsi = R.Rsi;
    C.Rdi = R.Rdi;
    C.Rbp = R.Rbp;
    C.R8 = R.R8;
    C.R9 = R.R9;
    C.R10 = R.R10;
    C.R11 = R.R11;
    C.R12 = R.R12;
    C.R13 = R.R13;
    C.R14 = R.R14;
    C.R15 = R.R15;
    C.SegCs = 0x33;
    C.SegSs = C.SegDs = C.SegEs = C.SegGs = UserData;
    C.SegFs = 0x53;
    C.MxCsr = 0x1F80;
    C.ContextFlags = CONTEXT_CONTROL | CONTEXT_INTEGER | CONTEXT_SEGMENTS;
}

// Addresses that the kernel would refuse, or that are not the user's, must not reach the processor.
static u64 Canonical(u64 Address)
{
    return Address <= mm::HighestUser ? Address : 0;
}

static void FromContext(const CONTEXT& C, kernel::Registers& R)
{
    R.Rip = Canonical(C.Rip);
    R.Rsp = C.Rsp;
    R.Rflags = (C.EFlags & 0xDD5) | 0x202;      // arithmetic flags, DF, TF off: single steps come with the debugger
    R.Rax = C.Rax;
    R.Rbx = C.Rbx;
    R.Rcx = C.Rcx;
    R.Rdx = C.Rdx;
    R.Rsi = C.Rsi;
    R.Rdi = C.Rdi;
    R.Rbp = C.Rbp;
    R.R8 = C.R8;
    R.R9 = C.R9;
    R.R10 = C.R10;
    R.R11 = C.R11;
    R.R12 = C.R12;
    R.R13 = C.R13;
    R.R14 = C.R14;
    R.R15 = C.R15;
}

CONTEXT Thread::InterruptedContext(NTSTATUS Returned)
{
    kernel::Registers R {};
    kernel::Error E = kernel::ReadRegisters(Tcb_.Cap, false, R);
    ASSERT(!Failed(E));
    CONTEXT C {};
    ToContext(R, C);
    if (InService) {
        if (!ForeignSyscall)
            C.Rsp = R.Rbx;              // abi/services.hpp: the stub keeps it there
        if (Parking_ == Parking::Parked)
            C.Rip = Ntdll.KiServiceReturn;
        else
            C.Rip += SyscallBytes;      // the kernel reports the instruction itself
        C.Rax = C.R10 = u32(Returned);
    }
    return C;
}

Status Thread::GetRegisters(CONTEXT& To)
{
    if (Terminating_ || !Tcb_.Cap)
        return STATUS_THREAD_IS_TERMINATING;
    if (StartContext_) {
        TRY(mm::CopyFromUser(Process(), &To, StartContext_, sizeof(To)));
        To.SegCs = 0x33;
        To.SegSs = To.SegDs = To.SegEs = To.SegGs = UserData;
        To.SegFs = 0x53;
        return STATUS_SUCCESS;
    }
    if (Errand_)
        Errand_->Return(false);
    To = InterruptedContext(HeldStatus_);
    return STATUS_SUCCESS;
}

void Thread::WriteFrame(const CONTEXT& Registers, u64 Rip, u64 Rsp)
{
    kernel::Registers R {};
    FromContext(Registers, R);
    R.Rip = Canonical(Rip);
    R.Rsp = Rsp;
    InService = InFault = ForeignSyscall = false;
    ReplyHeld_ = ReplyLost_ = false;
    Parking_ = Parking::None;
    kernel::Error E = kernel::WriteRegisters(Tcb_.Cap, !IsHeld(), R);
    ASSERT(!Failed(E));
}

Status Thread::RaiseStatus(NTSTATUS Code)
{
    TRY(mm::CopyToUser(Process(), Teb_ + __builtin_offsetof(TEB, ExceptionCode), &Code, sizeof(Code)));
    CONTEXT At = InterruptedContext(Code);
    WriteFrame(At, Ntdll.KiRaiseUserExceptionDispatcher, At.Rsp);
    return NoReply;
}

void Thread::StopAt(const CONTEXT& At)
{
    kernel::Error E = kernel::SuspendTcb(Tcb_.Cap);
    ASSERT(!Failed(E));
    Frozen_ = true;
    WriteFrame(At, At.Rip, At.Rsp);
}

// The context that a thread starts with is on its stack.
Status Thread::ChangeStart(const CONTEXT& From)
{
    CONTEXT Now;
    TRY(mm::CopyFromUser(Process(), &Now, StartContext_, sizeof(Now)));
    CONTEXT Changed = (From.ContextFlags & CONTEXT_INTEGER) == CONTEXT_INTEGER ? From : Now;
    const CONTEXT& Control = (From.ContextFlags & CONTEXT_CONTROL) == CONTEXT_CONTROL ? From : Now;
    const CONTEXT& Floats = (From.ContextFlags & CONTEXT_FLOATING_POINT) == CONTEXT_FLOATING_POINT ? From : Now;
    Changed.Rip = Control.Rip;
    Changed.Rsp = Control.Rsp;
    Changed.EFlags = Control.EFlags;
    Changed.FltSave = Floats.FltSave;
    Changed.MxCsr = Changed.FltSave.MxCsr = Floats.MxCsr & 0xFFFF;
    Changed.ContextFlags = Now.ContextFlags;
    return mm::CopyToUser(Process(), StartContext_, &Changed, sizeof(Changed));
}

Status Thread::SetRegisters(const CONTEXT& From)
{
    if (Terminating_ || !Tcb_.Cap)
        return STATUS_THREAD_IS_TERMINATING;
    if (StartContext_)
        return ChangeStart(From);
    if (Errand_)
        Errand_->Return(false);
    CONTEXT Now = InterruptedContext(HeldStatus_);
    if ((From.ContextFlags & CONTEXT_CONTROL) == CONTEXT_CONTROL) {
        Now.Rip = From.Rip;
        Now.Rsp = From.Rsp;
        Now.EFlags = From.EFlags;
    }
    if ((From.ContextFlags & CONTEXT_INTEGER) == CONTEXT_INTEGER) {
        u64 Rip = Now.Rip, Rsp = Now.Rsp;
        DWORD Flags = Now.EFlags;
        Now = From;
        Now.Rip = Rip;
        Now.Rsp = Rsp;
        Now.EFlags = Flags;
    }
    // A wait the thread is in ends without an answer: it goes on where it is told.
    Cancel();
    mm::ForgetAbsence(*this);
    bool Stopped = IsHeld() || !Started_;
    kernel::Registers R {};
    FromContext(Now, R);
    InService = InFault = ForeignSyscall = ReplyHeld_ = ReplyLost_ = false;
    Parking_ = Parking::None;
    // A wake-up it has not taken yet belongs to a wait it does not go back to, unless it stays in its stub.
    constexpr u64 StubBytes = 128;
    if (Wakeup_.Cap && R.Rip - Ntdll.KiServiceReturn + StubBytes / 2 >= StubBytes)
        kernel::PollNotification(Wakeup_.Cap);
    return Failed(kernel::WriteRegisters(Tcb_.Cap, !Stopped, R)) ? STATUS_UNSUCCESSFUL : STATUS_SUCCESS;
}

Status Thread::Continue(const CONTEXT& At)
{
    CONTEXT Now = InService || InFault ? InterruptedContext(0) : CONTEXT {};
    if ((At.ContextFlags & CONTEXT_INTEGER) == CONTEXT_INTEGER) {
        u64 Rip = Now.Rip, Rsp = Now.Rsp;
        DWORD Flags = Now.EFlags;
        Now = At;
        Now.Rip = Rip;
        Now.Rsp = Rsp;
        Now.EFlags = Flags;
    }
    if ((At.ContextFlags & CONTEXT_CONTROL) == CONTEXT_CONTROL) {
        Now.Rip = At.Rip;
        Now.Rsp = At.Rsp;
        Now.EFlags = At.EFlags;
    }
    WriteFrame(Now, Now.Rip, Now.Rsp);
    return NoReply;
}

}
