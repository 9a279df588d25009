// Messages, saved callers and fault messages.
#include "kernel/sel4/selftest/harness.hpp"

namespace selftest {

static CPtr Endpoint;
static Thread T;

static u64 OwnTeb()
{
    u64 Teb;
    asm volatile("movq %%gs:0x30, %0" : "=r"(Teb));
    return Teb;
}

// Asks until told 99: word 0 is the answer to the last.
static void Asker(u64 First)
{
    u64 Value = First;
    for (;;) {
        Message M = Call(ClientEndpoint, 7, 4, Value, OwnTeb(), Value + 1, Value + 2);
        Value = M.Words[0];
    }
}

void TestMessages()
{
    Endpoint = Make(ObjectType::Endpoint);
    T = NewThread(Endpoint, 0xfffff80001abcdef, Priority);
    Run(T, Asker, 11);
    Message M = Receive(Endpoint);
    Check(M.Label == 7 && M.Length == 4 && M.Words[0] == 11 && M.Words[2] == 12 && M.Words[3] == 13, "a Call arrives");
    CheckEqual(M.Badge, 0x1abcdef, "with its badge: an endpoint's has 28 bits");
    CheckEqual(M.Words[1], T.Buffer, "GS base is the IPC buffer's address");
    M = ReplyReceive(Endpoint, 0, 1, 20, 0, 0, 0);
    CheckEqual(M.Words[0], 20, "ReplyReceive");
    CPtr Caller = Slot();
    Check(!Failed(SaveCaller(Caller)), "SaveCaller");
    CPtr Empty = Slot();
    Check(!Failed(SaveCaller(Empty)), "SaveCaller with nobody waiting");
    CheckEqual(u32(Copy(Slot(), Empty, AllRights)), u32(Error::FailedLookup), "leaves the slot empty");
    CheckEqual(u32(SaveCaller(Caller)), u32(Error::DeleteFirst), "SaveCaller to a full slot: DeleteFirst");
    Send(Caller, 0, 1, 30);
    M = Receive(Endpoint);
    CheckEqual(M.Words[0], 30, "Send to the saved caller");
    Send(Caller, 0, 1, 31);
    Check(true, "Send to a used reply capability returns");
    CheckEqual(u32(Copy(Slot(), Caller, AllRights)), u32(Error::FailedLookup), "which is gone from its slot");
    SetMessageWord(4, 0x44);
    M = ReplyReceive(Endpoint, 0, 5, 40, 0, 0, 0);
    CheckEqual(M.Words[0], 40, "a reply of five words");
    CheckEqual(reinterpret_cast<volatile u64*>(T.Buffer)[5], 0x44, "is written into the receiver's buffer: so never send more than four");
    CPtr Bound = Make(ObjectType::Notification), Badged = Slot();
    Must(Mint(Badged, Bound, AllRights, 5), "Mint");
    Check(!Failed(BindNotification(boot::Tcb, Bound)), "BindNotification");
    Signal(Badged);
    M = ReplyReceive(Endpoint, 0, 1, 50, 0, 0, 0);
    CheckEqual(M.Badge, 5, "a bound notification ends Receive with its badge");
    M = Receive(Endpoint);
    CheckEqual(M.Words[0], 50, "and the reply of that ReplyReceive went out");
    Check(!Failed(SuspendTcb(T.Tcb)), "SuspendTcb of a thread in Call");
}

// Lets the fault's thread go on at Rip, other registers as they are.
static Message GoOn(u64 Rip, u64 Rsp, u64 Flags) { return ReplyReceive(Endpoint, 0, 3, Rip, Rsp, Flags, 0); }

extern "C" char FaultTouch[], FaultTouched[], FaultUd2[], FaultInt3[], FaultDivide[], FaultInt2d[], FaultSyscall[], FaultSyscalled[];
asm(R"(
        .text
FaultingThread:
        movq    $0x1111, %rbx
FaultTouch:
        movq    %rbx, (%rdi)
FaultTouched:
        callq   *%rdi
FaultUd2:
        ud2
        int3
FaultInt3:
        xorl    %edx, %edx
        xorl    %ecx, %ecx
FaultDivide:
        divl    %ecx
        nop
FaultInt2d:
        int     $0x2d
        movq    $0x55, %rax
        movq    $0x2222, %rdx
        movq    $0x3333, %r10
        subq    $64, %rsp
        movq    %rsp, %r12
FaultSyscall:
        syscall
FaultSyscalled:
        movq    %rsp, %r13
        ud2
)");
extern "C" void FaultingThread(u64);
static u64 At(const char* Symbol) { return reinterpret_cast<u64>(Symbol); }

void TestFaults()
{
    constexpr u64 Nowhere = Window + 0x150000;
    Run(T, FaultingThread, Nowhere);
    Message M = Receive(Endpoint);
    Check(M.Label == fault::VmFault && M.Length == 4, "a VM fault has four words");
    CheckEqual(M.Words[0], At(FaultTouch), "1: RIP");
    CheckEqual(M.Words[1], Nowhere, "2: address");
    CheckEqual(M.Words[2], 0, "3: instruction fetch");
    CheckEqual(M.Words[3], 6, "4: the processor's error code: user, write, not present");
    MapNewPage(Nowhere);
    *reinterpret_cast<volatile u8*>(Nowhere + 8) = 0;
    M = ReplyReceive(Endpoint, 0, 0, 0, 0, 0, 0);
    CheckEqual(*reinterpret_cast<volatile u64*>(Nowhere), 0x1111, "an empty reply repeats the instruction");
    // It has called into the page, which holds 11 11 00 ...: adc %edx,(%rcx), RCX is 0.
    Check(M.Label == fault::VmFault && M.Words[0] == Nowhere && M.Words[2] == 0, "mapped pages are executable: there is no NX");
    Registers R;
    Must(ReadRegisters(T.Tcb, false, R), "ReadRegisters");
    CheckEqual(R.Rip, Nowhere, "ReadRegisters of a faulting thread: RIP of the instruction");
    CheckEqual(R.Rsp, T.StackTop - 8, "RSP");
    R.Rip = At(FaultUd2);
    R.Rsp += 8;
    Must(WriteRegisters(T.Tcb, true, R), "WriteRegisters");
    M = Receive(Endpoint);
    Check(M.Label == fault::UserException && M.Length == 5, "WriteRegisters with Resume ends a fault; a user exception has five words");
    CheckEqual(M.Words[0], At(FaultUd2), "1: RIP");
    CheckEqual(M.Words[1], T.StackTop, "2: RSP");
    Check((M.Words[2] & 0x202) == 0x202, "3: RFLAGS");
    CheckEqual(M.Words[3], 6, "4: vector (#UD 6)");
    CheckEqual(MessageWord(4), 0, "5: error code");
    u64 Rsp = M.Words[1];
    M = GoOn(At(FaultUd2) + 2, Rsp, 0x202);
    Check(M.Label == fault::UserException && M.Words[3] == 3, "int3 is vector 3");
    CheckEqual(M.Words[0], At(FaultInt3), "with RIP behind it");
    M = GoOn(At(FaultInt3), Rsp, 0x202);
    Check(M.Label == fault::UserException && M.Words[3] == 0 && M.Words[0] == At(FaultDivide), "divide error is vector 0 at the instruction");
    M = GoOn(At(FaultInt2d), Rsp, 0x202);
    Check(M.Label == fault::UserException && M.Words[3] == 13 && M.Words[0] == At(FaultInt2d), "int 2Dh is #GP at the instruction");
    u64 Code = MessageWord(4);
    Check(Code == 0x2d * 8 + 2 || Code == 0x2d * 16 + 2, "error code vector*8+2 (on QEMU vector*16+2): look at the instruction instead");
    M = GoOn(At(FaultInt2d) + 2, Rsp, 0x202);
    Check(M.Label == fault::UnknownSyscall && M.Length == 19, "a foreign syscall instruction: 19 words");
    CheckEqual(M.Words[0], 0x55, "1: RAX");
    CheckEqual(M.Words[3], 0x2222, "4: RDX");
    CheckEqual(MessageWord(9), 0x3333, "10: R10");
    CheckEqual(MessageWord(15), At(FaultSyscall), "16: RIP of the instruction");
    CheckEqual(MessageWord(18), 0x2222, "19: the number, which is RDX");
    CheckEqual(MessageWord(11), T.StackTop - 64, "12: R12");
    CheckEqual(MessageWord(16), T.StackTop, "17: RSP is not the thread's: it is that of its last interrupt or exception");
    Must(ReadRegisters(T.Tcb, false, R), "ReadRegisters");
    R.Rip = At(FaultSyscalled);
    R.Rsp = R.R12;
    Must(WriteRegisters(T.Tcb, true, R), "WriteRegisters");
    M = Receive(Endpoint);
    Check(M.Label == fault::UserException && M.Words[0] == At(FaultSyscalled) + 3, "goes on where WriteRegisters says");
    Must(ReadRegisters(T.Tcb, false, R), "ReadRegisters");
    CheckEqual(R.R13, R.R12, "with all registers, RSP too");
    constexpr u64 GuardProbe = 8;
    extern char StackGuard[] asm("__stack_guard");
    R.Rip = At(FaultTouch);
    R.Rdi = reinterpret_cast<u64>(StackGuard) + PageSize - GuardProbe;
    Must(WriteRegisters(T.Tcb, true, R), "WriteRegisters");
    M = Receive(Endpoint);
    Check(M.Label == fault::VmFault && M.Words[1] == R.Rdi, "our stack's guard page is unmapped");
    Must(SuspendTcb(T.Tcb), "SuspendTcb");
}

static volatile u64 Counter;
static void Spinner(u64)
{
    for (;;)
        Counter = Counter + 1;
}

extern "C" char InCallAt[], AfterCall[];
asm(R"(
        .text
InCall:
        subq    $32, %rsp
1:      movq    %rsp, %rbx
        movq    $-1, %rdx
        movq    %rdi, %rax
        movq    $1, %rdi
        movq    $0x7004, %rsi
        movq    %rax, %r10
        movq    $0x77, %r12
InCallAt:
        syscall
AfterCall:
        movq    %rbx, %rsp
        movq    %r10, %rdi
        jmp     1b
)");
extern "C" void InCall(u64);
static void Redirected(u64 Value) { Asker(Value + 1); }

void TestThreads()
{
    Run(T, InCall, 60);
    Message M = Receive(Endpoint);
    M = ReplyReceive(Endpoint, 0, 1, 61, 0, 0, 0);
    Registers R;
    Must(ReadRegisters(T.Tcb, false, R), "ReadRegisters");
    CheckEqual(R.Rip, At(InCallAt), "a thread in Call (by the fast path): RIP is that of the syscall instruction");
    CheckEqual(R.Rcx, 0, "RCX is stale");
    Check(R.R12 == 0x77 && R.Rdx == u64(-1) && R.Rsi == 0x7004 && R.Rdi == 1 && R.R10 == 61, "other registers are its own");
    CheckEqual(R.Rbx, T.StackTop - 32, "RBX holds its RSP if the stub put it there");
    Check(R.Rsp != R.Rbx, "RSP itself is stale");
    // Redirect it as an exception or APC would: everything else stays, it goes on elsewhere.
    CPtr Caller = Slot();
    Must(SaveCaller(Caller), "SaveCaller");
    R.Rip = reinterpret_cast<u64>(Redirected);
    R.Rsp = R.Rbx;
    R.Rdi = 70;
    Must(WriteRegisters(T.Tcb, true, R), "WriteRegisters");
    M = Receive(Endpoint);
    CheckEqual(M.Words[0], 71, "WriteRegisters with Resume ends a Call and redirects");
    CheckEqual(u32(Copy(Slot(), Caller, AllRights)), u32(Error::FailedLookup), "the saved reply capability is gone then");
    Must(SaveCaller(Caller), "SaveCaller");
    Must(SuspendTcb(T.Tcb), "SuspendTcb");
    CheckEqual(u32(Copy(Slot(), Caller, AllRights)), u32(Error::FailedLookup), "SuspendTcb ends a Call: reply capability gone");
    Must(ResumeTcb(T.Tcb), "ResumeTcb");
    M = Receive(Endpoint);
    CheckEqual(M.Words[0], 71, "ResumeTcb then repeats the Call");
    Must(SaveCaller(Caller), "SaveCaller");
    Must(ReadRegisters(T.Tcb, false, R), "ReadRegisters");
    R.Rip += 2;             // behind the syscall instruction, or it would be done again
    R.Rsp = R.Rbx;
    Must(WriteRegisters(T.Tcb, false, R), "WriteRegisters");
    Send(Caller, 0, 1, 72);
    M = Receive(Endpoint);
    CheckEqual(M.Words[0], 72, "WriteRegisters without Resume leaves a Call blocked; a reply still works");

    Thread S = NewThread(Endpoint, 2, Priority - 1);
    Run(S, Spinner, 0);
    Check(Counter == 0, "a lower priority does not run while we do");
    CPtr Pause = Make(ObjectType::Notification);
    (void)Pause;
    Must(SetPriority(S.Tcb, Priority), "SetPriority");
    u64 Start = Tsc();
    while (Counter == 0 && Tsc() - Start < 1000000000) { }
    Check(Counter != 0, "equal priorities share the processor by time slices");
    Must(ReadRegisters(S.Tcb, true, R), "ReadRegisters");
    u64 Was = Counter;
    Yield();
    CheckEqual(Counter, Was, "ReadRegisters with Suspend stops a running thread");
    Check(R.Rip >= reinterpret_cast<u64>(Spinner) && R.Rip < reinterpret_cast<u64>(Spinner) + 64, "with its true RIP");
    R.Rip = reinterpret_cast<u64>(Redirected);
    R.Rdi = 80;
    R.Rsp = S.StackTop;
    Must(WriteRegisters(S.Tcb, true, R), "WriteRegisters");
    Must(SaveCaller(Caller), "SaveCaller");
    M = Receive(Endpoint);
    CheckEqual(M.Words[0], 81, "and it can be sent elsewhere");
    Must(SuspendTcb(S.Tcb), "SuspendTcb");
    Must(SuspendTcb(T.Tcb), "SuspendTcb");
    Must(Revoke(S.CNode), "Revoke");
    Check(!Failed(Delete(S.Tcb)) && !Failed(Delete(S.CNode)), "a thread can be deleted");
}

}
