// Hostility below the system services: seL4's system calls with anything, interrupts, wild jumps, flags, segments, stacks.
#include "tests/guest/fuzz/child.hpp"

namespace fuzz {

u64 RawCall(const Message& M)
{
    register u64 R10 asm("r10") = M.Words[0];
    register u64 R8 asm("r8") = M.Words[1];
    register u64 R9 asm("r9") = M.Words[2];
    register u64 R15 asm("r15") = M.Words[3];
    u64 Di = M.Capability, Si = M.Tag, Number = M.Number;
    asm volatile("movq %%rsp, %%rbx\n\tsyscall\n\tmovq %%rbx, %%rsp"
                 : "+S"(Si), "+D"(Di), "+r"(R10), "+r"(R8), "+r"(R9), "+r"(R15), "+d"(Number)
                 :
                 : "rbx", "rcx", "r11", "memory");
    return R10;
}

namespace {

void Kernel(Random& R)
{
    Message M;
    M.Number = R.Percent(60) ? u64(-1) : R.Percent(80) ? u64(-i64(1 + R.Below(10))) : AnyNumber(R);
    M.Capability = R.Percent(50) ? 1 : R.Percent(75) ? R.Below(5) : AnyNumber(R);
    u64 Label = R.Percent(80) ? R.Below(ServiceCount + 16) : AnyNumber(R);
    u64 Caps = R.Percent(30) ? R.Below(4) : 0, Length = R.Percent(50) ? 4 : R.Below(128);
    M.Tag = Label << 12 | Caps << 7 | Length;
    if (R.Percent(10))
        M.Tag = R.Next();
    for (u64& W : M.Words)
        W = R.Percent(60) ? AnyAddress(R, 64) : AnyNumber(R);
    // The TEB is where the kernel would take further words and capabilities from.
    if (R.Percent(20)) {
        u64* Teb = reinterpret_cast<u64*>(__builtin_ia32_rdgsbase64());
        if (u64(Teb) > 0x10000 && u64(Teb) < 0x7FFFFFFF0000)
            for (u32 I = 0; I < 3; ++I)
                Teb[122 + I] = R.Below(5);
    }
    RawCall(M);
}

// A few bytes of code, run where they may do anything.
void Run(Random& R)
{
    u8 Code[16];
    u32 Length = 0;
    auto Put = [&](std::initializer_list<u8> Bytes) {
        for (u8 B : Bytes)
            Code[Length++] = B;
    };
    u8 Any = u8(R.Next());
    switch (R.Below(24)) {
    case 0: case 1: case 2: Put({ 0xCD, Any }); break;                  // int n
    case 3: Put({ 0xCC }); break;
    case 4: Put({ 0xF1 }); break;                                       // icebp
    case 5: Put({ 0x0F, 0x0B }); break;                                 // ud2
    case 6: Put({ 0xF4 }); break;                                       // hlt
    case 7: Put({ 0xFA }); break;                                       // cli
    case 8: Put({ 0xE4, Any }); break;                                  // in
    case 9: Put({ 0x0F, 0x34 }); break;                                 // sysenter
    case 10: Put({ 0x0F, 0x01, 0xF8 }); break;                          // swapgs
    case 11: Put({ 0x0F, 0x20, 0xC0 }); break;                          // mov rax, cr0
    case 12: Put({ 0x0F, 0x32 }); break;                                // rdmsr
    case 13: Put({ 0x48, 0x0F, 0x07 }); break;                          // sysret
    case 14: Put({ 0x48, 0xCF }); break;                                // iretq
    case 15: Put({ 0x31, 0xC0, 0xF7, 0xF0 }); break;                    // xor eax, eax; div eax
    case 16: Put({ 0x8E, 0xD8 }); break;                                // mov ds, ax
    case 17: Put({ 0x8E, 0xE0 }); break;                                // mov fs, ax
    case 18: Put({ 0x8E, 0xE8 }); break;                                // mov gs, ax
    case 19: Put({ 0xF3, 0x48, 0x0F, 0xAE, 0xD8 }); break;              // wrgsbase rax
    case 20: Put({ 0xF3, 0x48, 0x0F, 0xAE, 0xD0 }); break;              // wrfsbase rax
    case 21: Put({ 0x48, 0xCB }); break;                                // retfq
    case 22: Put({ 0x0F, 0x05 }); break;                                // syscall, Windows' way
    default:
        for (u32 I = 0; I < 8; ++I)
            Put({ u8(R.Next()) });
        break;
    }
    Put({ 0xC3 });
    u8* At = Memory.Code + R.Below(PageSize - 32);
    for (u32 I = 0; I < Length; ++I)
        At[I] = Code[I];
    u64 Argument = R.Percent(50) ? R.Below(ServiceCount) : AnyNumber(R);
    u64 Target = u64(At);
    asm volatile("callq *%[T]"
                 : "+a"(Argument)
                 : [T] "r"(Target)
                 : "rcx", "rdx", "rbx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory", "cc");
}

// Flags that change how the processor works; the next call and the next interrupt see them.
void Flags(Random& R)
{
    static constexpr u64 Bits[] = { 1 << 14, 1 << 18, 1 << 16, 3 << 12, 1 << 10, 1 << 21, 1 << 17, 1 << 8, 1 << 11 };
    u64 Flag = R.Of(Bits);
    Message M { u64(-1), 1, u64(R.Below(ServiceCount)) << 12 | 4, { 0, 0, 0, 0 } };
    if (R.Percent(50)) {
        asm volatile("pushfq\n\torq %0, (%%rsp)\n\tpopfq\n\tnop\n\tnop" : : "r"(Flag) : "memory", "cc");
        if (R.Percent(30))
            for (u32 I = 0; I < 200000; ++I)
                asm volatile("");
    } else {
        // Straight into a call.
        asm volatile("pushfq\n\torq %0, (%%rsp)\n\tpopfq" : : "r"(Flag) : "memory", "cc");
        RawCall(M);
    }
    asm volatile("pushfq\n\tandq $0xd5, (%%rsp)\n\tpopfq\n\tcld" : : : "memory", "cc");
}

[[gnu::noinline]] u32 Sink(volatile u8* Frame, u32 Depth)
{
    volatile u8 Room[3000];
    Room[0] = u8(Depth);
    if (Depth > 100000)
        return Frame[0];
    u32 Below = Sink(Room, Depth + 1);
    return Below + Room[0];
}

// The stack pointer goes somewhere, and then something happens.
void Stack(Random& R)
{
    u64 Where = AnyAddress(R, 8, 70), How = R.Below(3);
    if (How == 0)
        asm volatile("movq %%rsp, %%r12\n\tmovq %0, %%rsp\n\tud2\n\tmovq %%r12, %%rsp" : : "r"(Where) : "r12", "memory");
    else if (How == 1)
        asm volatile("movq %%rsp, %%r12\n\tmovq %0, %%rsp\n\tpushq %%rax\n\tpopq %%rax\n\tmovq %%r12, %%rsp" : : "r"(Where) : "r12", "memory");
    else
        // RBX, from which the Executive takes the stack pointer of a caller, points elsewhere during a call that raises or delivers.
        asm volatile("pushq %%rbx\n\tmovq %%rsp, %%r12\n\tmovq %0, %%rbx\n\tmovq $-1, %%rdx\n\tmovl $1, %%edi\n\tmovq %1, %%rsi\n\tsyscall\n\tmovq %%r12, %%rsp\n\tpopq %%rbx"
                     :
                     : "r"(Where), "r"(u64(abi::Service::TestAlert) << 12 | 4)
                     : "r12", "rcx", "rdx", "rdi", "rsi", "r8", "r9", "r10", "r11", "r15", "memory");
}

// Exceptions of the floating-point units.
void Numbers(Random& R)
{
    u32 Control = u32(R.Next()) & 0xFFFF, Word = R.Below(0x10000);
    if (R.Percent(50)) {
        asm volatile("ldmxcsr %0" : : "m"(Control));
        asm volatile("xorps %%xmm0, %%xmm0\n\tdivss %%xmm0, %%xmm0" : : : "xmm0");
        Control = 0x1F80;
        asm volatile("ldmxcsr %0" : : "m"(Control));
    } else {
        asm volatile("fldcw %0\n\tfldz\n\tfld1\n\tfdivp\n\tfwait\n\tfninit" : : "m"(Word));
    }
}

}

void Hostility(Random& R)
{
    switch (R.Below(16)) {
    case 0: case 1: case 2: case 3: case 4: Kernel(R); break;
    case 5: case 6: case 7: case 8: case 9: Run(R); break;
    case 10: case 11: Flags(R); break;
    case 12: {
        u64 Where = AnyAddress(R, 1, 90);
        if (R.Percent(50))
            reinterpret_cast<void (*)()>(Where)();
        else
            *reinterpret_cast<volatile u8*>(Where) = u8(Where);
        break;
    }
    case 13:
        if (R.Percent(30))
            Sink(nullptr, 0);
        break;
    case 14:
        if (R.Percent(50))
            Stack(R);
        break;
    default: Numbers(R); break;
    }
}

}
