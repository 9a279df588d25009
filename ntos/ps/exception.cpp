// Faults and exceptions: from seL4's fault messages to KiUserExceptionDispatcher, or to the end of the process.
#include "abi/process.hpp"
#include "kernel/kernel.hpp"
#include "ntos/ex/log.hpp"
#include "ntos/mm/absent.hpp"
#include "ntos/mm/space.hpp"
#include "ntos/ps/debug.hpp"
#include "ntos/ps/detail.hpp"

namespace ps {

using namespace nt;
using mm::AddressSpace;

// --- stack growth

// The guard page at Address was touched (it is an ordinary page now): if it is the guard of the calling thread's stack, the next page below becomes the guard.
static Status GrowStack(AddressSpace& Space, u64 Address)
{
    ke::Activity* Running = ke::Activity::Current();
    ke::Caller* By = FaultingThread ? FaultingThread : Running ? Running->AsCaller() : nullptr;
    if (!By || &By->Process().Memory() != &Space)
        return STATUS_GUARD_PAGE_VIOLATION;
    u64 Teb = By->Thread().TebAddress();
    u64 Page = AlignDown(Address, PageSize);
    struct {
        u64 Base, Limit;
    } Stack;
    u64 Bottom;
    TRY(mm::CopyFromUser(By->Process(), &Stack, Teb + __builtin_offsetof(NT_TIB, StackBase), sizeof(Stack)));
    TRY(mm::CopyFromUser(By->Process(), &Bottom, Teb + __builtin_offsetof(TEB, DeallocationStack), sizeof(Bottom)));
    if (Page < Bottom || Page >= Stack.Base)
        return STATUS_GUARD_PAGE_VIOLATION;
    mm::Vad* V = Space.Find(Page);
    if (!V)
        return STATUS_GUARD_PAGE_VIOLATION;
    u64 Guaranteed = 2 * PageSize;      // what an overflow handler needs stays reserved below
    if (Page < V->Start + Guaranteed + PageSize)
        return STATUS_STACK_OVERFLOW;
    TRY(Space.Commit(*V, Page - PageSize, Page, mm::Protection::ReadWrite, true));
    u64 Limit = Page;
    return mm::CopyToUser(By->Process(), Teb + __builtin_offsetof(NT_TIB, StackLimit), &Limit, sizeof(Limit));
}

// A guard page that a thread puts into its own stack is where its stack ends from then on, until it grows again.
static Status EndStack(ke::Caller& By, AddressSpace& Space, u64 Start, u64 End)
{
    if (&By.Process().Memory() != &Space)
        return STATUS_SUCCESS;
    u64 Teb = By.Thread().TebAddress();
    struct {
        u64 Base, Limit;
    } Stack;
    TRY(mm::CopyFromUser(By.Process(), &Stack, Teb + __builtin_offsetof(NT_TIB, StackBase), sizeof(Stack)));
    if (Start < Stack.Limit || End > Stack.Base)
        return STATUS_SUCCESS;
    return mm::CopyToUser(By.Process(), Teb + __builtin_offsetof(NT_TIB, StackLimit), &End, sizeof(End));
}

ke::Caller* FaultingThread;

Status Thread::PushToStack(u64 Address, const void* From, usize Bytes)
{
    FaultingThread = this;
    Status S = mm::CopyToUser(Process(), Address, From, Bytes);
    FaultingThread = nullptr;
    return S;
}

void InitializeExceptions()
{
    AddressSpace::GrowStack = GrowStack;
    AddressSpace::EndStack = EndStack;
    InitializeDebugging();
}

// --- raising

void Thread::RaiseException(const EXCEPTION_RECORD& Record, const CONTEXT& At)
{
    CONTEXT Shown = At;
    if (Record.ExceptionCode == STATUS_BREAKPOINT)
        Shown.Rip += 1;                 // to a debugger the thread is behind the instruction
    if (!Debugger::Exception(*this, Record, At, true, Shown))
        DispatchException(Record, At);
}

void Thread::DispatchException(const EXCEPTION_RECORD& Record, const CONTEXT& At)
{
    u64 Frame = AlignDown(At.Rsp, 16) - abi::ExceptionFrameSize;
    EXCEPTION_RECORD Copy = Record;
    Status S = PushToStack(Frame, &At, sizeof(At));
    if (S.Ok())
        S = PushToStack(Frame + abi::ExceptionFrameRecord, &Copy, sizeof(Copy));
    if (!S.Ok()) {
        if (Record.ExceptionCode != STATUS_STACK_OVERFLOW && S.Code() == STATUS_STACK_OVERFLOW)
            Copy.ExceptionCode = STATUS_STACK_OVERFLOW;
        DieOf(Copy, At);
        return;
    }
    WriteFrame(At, Ntdll.KiUserExceptionDispatcher, Frame);
}

static const char* NameOf(NTSTATUS Code)
{
    switch (Code) {
    case STATUS_ACCESS_VIOLATION: return "access violation";
    case STATUS_STACK_OVERFLOW: return "stack overflow";
    case STATUS_ILLEGAL_INSTRUCTION: return "illegal instruction";
    case STATUS_PRIVILEGED_INSTRUCTION: return "privileged instruction";
    case STATUS_INTEGER_DIVIDE_BY_ZERO: return "integer divide by zero";
    case STATUS_STACK_BUFFER_OVERRUN: return "fail fast";
    case STATUS_BREAKPOINT: return "breakpoint";
    case STATUS_IN_PAGE_ERROR: return "in-page error";
    default: return "exception";
    }
}

// module+offset of an address, from the image views of the process.
static void LogAddress(ps::Process& P, const char* Label, u64 Address)
{
    mm::Vad* V = P.Memory().Find(Address);
    if (V && V->Kind == mm::Vad::Image) {
        ob::Name Path = V->Backing->FileName;
        usize Start = Path.Length;
        while (Start > 0 && Path.Data[Start - 1] != L'\\')
            --Start;
        ex::Log("  %s %p %S+0x%x\n", Label, Address, Path.From(Start), Address - V->Start);
    } else {
        ex::Log("  %s %p\n", Label, Address);
    }
}

void Thread::DieOf(const EXCEPTION_RECORD& Record, const CONTEXT& At)
{
    Report(Record, At);
    Process().Terminate(Record.ExceptionCode);
}

void Thread::Report(const EXCEPTION_RECORD& Record, const CONTEXT& At)
{
    ps::Process& P = Process();
    ex::Log("process %u (%S) thread %u: unhandled %s 0x%x\n", P.Id(), P.ImagePath(), Id(), NameOf(Record.ExceptionCode), u32(Record.ExceptionCode));
    LogAddress(P, "at", reinterpret_cast<u64>(Record.ExceptionAddress));
    for (u32 I = 0; I < Record.NumberParameters && I < EXCEPTION_MAXIMUM_PARAMETERS; ++I)
        ex::Log("  information[%u] = %p\n", I, Record.ExceptionInformation[I]);
    ex::Log("  rip %p rsp %p rbp %p flags %x\n", At.Rip, At.Rsp, At.Rbp, At.EFlags);
    ex::Log("  rax %p rbx %p rcx %p rdx %p rsi %p rdi %p\n", At.Rax, At.Rbx, At.Rcx, At.Rdx, At.Rsi, At.Rdi);
    ex::Log("  r8 %p r9 %p r10 %p r11 %p r12 %p r13 %p r14 %p r15 %p\n", At.R8, At.R9, At.R10, At.R11, At.R12, At.R13, At.R14, At.R15);
    // Code addresses on the stack: no frame pointers to follow, but good enough to see who called.
    u32 Shown = 0;
    for (u32 I = 0; I < 512 && Shown < 24; ++I) {
        u64 Word;
        if (!mm::CopyFromUser(P, &Word, At.Rsp + I * 8, 8).Ok())
            break;
        mm::Vad* V = Word >= mm::LowestUser && Word <= mm::HighestUser ? P.Memory().Find(Word) : nullptr;
        if (!V || V->Kind != mm::Vad::Image)
            continue;
        auto Info = P.Memory().Query(*V, Word);
        if (!mm::IsExecutable(Info.Protect))
            continue;
        LogAddress(P, "stack", Word);
        ++Shown;
    }
}

// --- fault messages

// `int n` with a gate that user mode may not use arrives as a general protection fault with error code n * 8 + 2, of some emulated
// processors n * 16 + 2: the instruction tells. The vector, or 0.
static u8 SoftwareInterrupt(Thread& T, u64 Code, u64 Rip)
{
    u8 Bytes[2];
    if ((Code & 7) != 2 || !mm::CopyFromUser(T.Process(), Bytes, Rip, sizeof(Bytes)).Ok() || Bytes[0] != 0xCD)
        return 0;
    return Code == Bytes[1] * 8u + 2 || Code == Bytes[1] * 16u + 2 ? Bytes[1] : 0;
}

static void UserException(Thread& T, u64 Number, u64 Code, CONTEXT& At)
{
    EXCEPTION_RECORD R {};
    R.ExceptionAddress = reinterpret_cast<PVOID>(At.Rip);
    switch (Number) {
    case 0: R.ExceptionCode = STATUS_INTEGER_DIVIDE_BY_ZERO; break;
    case 1:
        R.ExceptionCode = STATUS_SINGLE_STEP;
        At.EFlags &= ~0x100u;           // the trap flag: one step was asked for
        break;
    case 3:
        R.ExceptionCode = STATUS_BREAKPOINT;
        R.NumberParameters = 1;
        At.Rip -= 1;                    // as on Windows: the context is at the instruction
        R.ExceptionAddress = reinterpret_cast<PVOID>(At.Rip);
        break;
    case 4: R.ExceptionCode = STATUS_INTEGER_OVERFLOW; break;
    case 5: R.ExceptionCode = STATUS_ARRAY_BOUNDS_EXCEEDED; break;
    case 6: {
        R.ExceptionCode = STATUS_ILLEGAL_INSTRUCTION;
        u8 Opcode = 0;
        (void)mm::CopyFromUser(T.Process(), &Opcode, At.Rip, 1).Code();
        if (Opcode == 0xF1) {           // INT1, which emulated processors may not know: a debug exception behind the instruction
            R.ExceptionCode = STATUS_SINGLE_STEP;
            At.Rip += 1;
            R.ExceptionAddress = reinterpret_cast<PVOID>(At.Rip);
        }
        break;
    }
    case 16: R.ExceptionCode = STATUS_FLOAT_INVALID_OPERATION; break;      // the FPU's state, which ntdll can read, tells which
    case 17: R.ExceptionCode = STATUS_DATATYPE_MISALIGNMENT; break;
    case 19: R.ExceptionCode = STATUS_FLOAT_MULTIPLE_FAULTS; break;
    case 13:
        switch (SoftwareInterrupt(T, Code, At.Rip)) {
        case 0x29:
            // __fastfail: nobody is asked.
            R.ExceptionCode = STATUS_STACK_BUFFER_OVERRUN;
            R.ExceptionFlags = EXCEPTION_NONCONTINUABLE;
            R.NumberParameters = 1;
            R.ExceptionInformation[0] = At.Rcx;
            if (!Debugger::Exception(T, R, At, false))
                T.DieOf(R, At);
            return;
        case 0x2D:
            R.ExceptionCode = STATUS_BREAKPOINT;
            R.NumberParameters = 1;
            R.ExceptionInformation[0] = At.Rax;
            At.Rip += 2;
            if (At.Rax == 0 || At.Rax == 2 || At.Rax > 5) {
                T.RaiseException(R, At);
                return;
            }
            // Print, load or unload symbols, command string: for a kernel debugger. Without one they succeed, behind the INT3 that follows.
            At.Rax = 0;
            At.Rip += 1;
            T.Continue(At).Ignore();
            return;
        case 0x2C:                      // an assertion of NT's own
            R.ExceptionCode = STATUS_ASSERTION_FAILURE;
            T.RaiseException(R, At);
            return;
        case 3:
            R.ExceptionCode = STATUS_BREAKPOINT;
            R.NumberParameters = 1;
            T.RaiseException(R, At);
            return;
        default:
            break;
        }
        {
            u8 Opcode = 0;
            (void)mm::CopyFromUser(T.Process(), &Opcode, At.Rip, 1).Code();
            bool Privileged = Opcode == 0xF4 || Opcode == 0xFA || Opcode == 0xFB || (Opcode >= 0xE4 && Opcode <= 0xE7) || (Opcode >= 0xEC && Opcode <= 0xEF) ||
                              (Opcode >= 0x6C && Opcode <= 0x6F) || Opcode == 0x0F;
            if (Privileged && Code == 0) {
                R.ExceptionCode = STATUS_PRIVILEGED_INSTRUCTION;
            } else {
                R.ExceptionCode = STATUS_ACCESS_VIOLATION;
                R.NumberParameters = 2;
                R.ExceptionInformation[1] = ~u64(0);
            }
        }
        break;
    default:
        R.ExceptionCode = STATUS_ACCESS_VIOLATION;
        R.NumberParameters = 2;
        R.ExceptionInformation[1] = ~u64(0);
        break;
    }
    T.RaiseException(R, At);
}

// The kernel leaves EFER.NXE and the no-execute bits clear, so the processor never says that a fault was an instruction fetch, and a
// page that is mapped at all can be executed. A read fault at RIP itself can be nothing else than a fetch: had the instruction been
// fetched, its page would be there. It is told as one (8), and refused where the page may not be executed. So data that was never
// touched before it is jumped to raises what Windows raises; data that has been read or written, and is mapped therefore, runs.
// A fault at the start of the next page may be the rest of an instruction or what the instruction reads: it is told as a fetch if
// nothing is there, and never refused for want of the right to execute.
struct VmFault {
    u64 Rip, Address;
    bool Write, Fetch, Rest;
};

static Status Resolve(Thread& T, const VmFault& F)
{
    using Access = AddressSpace::Access;
    if (F.Address < mm::LowestUser || F.Address > mm::HighestUser)
        return STATUS_ACCESS_VIOLATION;
    FaultingThread = &T;
    Status S = T.Process().Memory().Fault(F.Address, F.Write ? Access::Write : F.Fetch ? Access::Execute : Access::Read);
    FaultingThread = nullptr;
    return S;
}

static void RaiseVmFault(Thread& T, const VmFault& F, Status S)
{
    CONTEXT At;
    At = T.InterruptedContext(0);
    EXCEPTION_RECORD R {};
    R.ExceptionAddress = reinterpret_cast<PVOID>(At.Rip);
    R.NumberParameters = 2;
    R.ExceptionInformation[0] = F.Write ? EXCEPTION_WRITE_FAULT : F.Fetch || F.Rest ? EXCEPTION_EXECUTE_FAULT : EXCEPTION_READ_FAULT;
    R.ExceptionInformation[1] = F.Address;
    switch (S.Code()) {
    case STATUS_ACCESS_VIOLATION:
    case STATUS_GUARD_PAGE_VIOLATION:
        R.ExceptionCode = S.Code();
        break;
    case STATUS_STACK_OVERFLOW:
        R.ExceptionCode = STATUS_STACK_OVERFLOW;
        break;
    default:
        R.ExceptionCode = STATUS_IN_PAGE_ERROR;
        R.NumberParameters = 3;
        R.ExceptionInformation[2] = u32(S.Code());
        break;
    }
    T.RaiseException(R, At);
}

// The page has to be read: only this thread waits for it.
static ke::Task<> WaitForFault(Thread& T, VmFault F)
{
    Status S = mm::PageAbsent;
    while (S.Code() == mm::PageAbsent) {
        S = co_await mm::WaitForFault(Ref<Process>(T.Process()), F.Address);
        if (S.Ok())
            S = Resolve(T, F);
    }
    if (S.Code() == STATUS_SUCCESS)
        co_return STATUS_SUCCESS;
    RaiseVmFault(T, F, S);
    co_return NoReply;
}

bool HandleVmFault(Thread& T, u64 Rip, u64 Address, u64 ErrorCode)
{
    constexpr u64 LongestInstruction = 15;
    bool Write = ErrorCode & 2;
    VmFault F { Rip, Address, Write, !Write && Address == Rip, !Write && !(Address & PageMask) && Address - Rip < LongestInstruction };
    Status S = Resolve(T, F);
    if (S.Code() == mm::PageAbsent) [[unlikely]] {
        Status Outcome;
        return T.Activity::Start([&] { return WaitForFault(T, F); }, Outcome) && Outcome == STATUS_SUCCESS;
    }
    if (S.Code() == STATUS_SUCCESS)
        return true;
    RaiseVmFault(T, F, S);
    return false;
}

void HandleUserException(Thread& T, u64 Number, u64 Code)
{
    CONTEXT At = T.InterruptedContext(0);
    UserException(T, Number, Code, At);
}

}

Status NtRaiseException(ke::Caller& Caller, svc::RaiseException& Call)
{
    EXCEPTION_RECORD Record = TRY(Call.ExceptionRecord.Read(Caller));
    CONTEXT At = TRY(Call.ContextRecord.Read(Caller));
    At.ContextFlags &= ~(CONTEXT_XSTATE & ~CONTEXT_AMD64);      // it is not followed by a CONTEXT_EX on the stack
    if (Record.NumberParameters > EXCEPTION_MAXIMUM_PARAMETERS)
        return STATUS_INVALID_PARAMETER;
    ps::Thread& T = Caller.Thread();
    if (Call.FirstChance) {
        CONTEXT Shown = At;
        if (Record.ExceptionCode == STATUS_BREAKPOINT)
            At.Rip -= 1;                // what handlers of a processor's breakpoint find
        if (!ps::Debugger::Exception(T, Record, At, true, Shown))
            T.DispatchException(Record, At);
    } else if (!ps::Debugger::Exception(T, Record, At, false))
        T.DieOf(Record, At);
    return ps::NoReply;
}

Status NtContinue(ke::Caller& Caller, svc::Continue& Call)
{
    CONTEXT At = TRY(Call.ContextRecord.Read(Caller));
    ps::Thread& T = Caller.Thread();
    if (Call.TestAlert && T.HasApc() && T.DeliverApc(At))
        return ps::NoReply;
    return T.Continue(At);
}
