// The kernel's system calls on x86_64, by the `syscall` instruction: number in RDX, capability in RDI (the badge on
// return), tag in RSI, words 0-3 in R10, R8, R9, R15. The kernel keeps every register but RCX, R11 and RSP, which it
// does not even save: RSP waits in RBX.
// GS base is the address of the thread's IPC buffer, so words from 4 on and capability arguments go through GS.
#pragma once
#include "kernel/sel4/numbers.hpp"

namespace kernel::sel4 {

using GsWord = u64 __attribute__((address_space(256)));
// seL4_IPCBuffer: tag, 120 words, user data, three capabilities.
inline u64 BufferWord(u32 Index) { return *reinterpret_cast<volatile GsWord*>(8 + Index * 8ull); }
inline void SetBufferWord(u32 Index, u64 Value) { *reinterpret_cast<volatile GsWord*>(8 + Index * 8ull) = Value; }
inline void SetBufferCap(u32 Index, u64 Cap) { *reinterpret_cast<volatile GsWord*>(8 + (121 + Index) * 8ull) = Cap; }

// seL4_MessageInfo: length in 7 bits, extra capabilities in 2, unwrapped ones in 3, label in 20.
inline constexpr u64 MakeTag(u64 Label, u32 Caps, u32 Length) { return (Label & 0xfffff) << 12 | Caps << 7 | Length; }
inline constexpr u64 TagLabel(u64 Tag) { return Tag >> 12 & 0xfffff; }
inline constexpr u32 TagLength(u64 Tag) { return u32(Tag & 0x7f); }

// Every call is this one: what goes in comes out changed. Returns the tag.
[[gnu::always_inline]] inline u64 Enter(i64 Number, u64& Cap, u64 Tag, u64& M0, u64& M1, u64& M2, u64& M3)
{
    register u64 R10 asm("r10") = M0;
    register u64 R8 asm("r8") = M1;
    register u64 R9 asm("r9") = M2;
    register u64 R15 asm("r15") = M3;
    u64 Di = Cap;
    asm volatile("movq %%rsp, %%rbx\n\tsyscall\n\tmovq %%rbx, %%rsp"
                 : "+S"(Tag), "+D"(Di), "+r"(R10), "+r"(R8), "+r"(R9), "+r"(R15)
                 : "d"(Number)
                 : "rbx", "rcx", "r11", "memory");
    Cap = Di;
    M0 = R10;
    M1 = R8;
    M2 = R9;
    M3 = R15;
    return Tag;
}

[[gnu::always_inline]] inline u64 CallWith(u64 Cap, u64 Tag, u64& M0, u64& M1, u64& M2, u64& M3)
{
    return Enter(SysCall, Cap, Tag, M0, M1, M2, M3);
}

}
