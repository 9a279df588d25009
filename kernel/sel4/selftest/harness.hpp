// TAP over COM1, slots, memory and threads for the self-test. Anything that cannot fail here panics.
#pragma once
#include "kernel/kernel.hpp"
#include "lib/core/result.hpp"

namespace selftest {
using namespace kernel;

void Print(const char* Text);
void PrintNumber(u64 N);
void PrintHex(u64 N);
bool Check(bool Passed, const char* Name);
bool CheckEqual(u64 Is, u64 Wanted, const char* Name);
// A figure: `# cost NAME INSTRUCTIONS` (instructions only under -icount).
void Cost(const char* Name, u64 Instructions);
[[noreturn]] void Finish();
void Must(Error E, const char* What);

inline constexpr u64 Window = 0x300000000000;   // 2 MiB with a page table behind it
extern const BootInfo* Boot;
void Prepare(const BootInfo& Info);
CPtr Slot();                                    // an empty one of the initial CNode
CPtr Slots(u32 Count);
CPtr Make(ObjectType Type, u32 SizeBits = 0, u32 Count = 1);
CPtr UntypedOf(u32 SizeBits);
CPtr MapNewPage(u64 Address);                   // read-write, in our own address space

// A thread of this address space with a CNode of 16 slots: 1 is the endpoint, badged. GS base and "TEB" is its own page.
struct Thread {
    CPtr Tcb, CNode, BufferFrame;
    u64 Buffer;                                 // its address; the word at +0x30 points to itself, as in a TEB
    u64 StackTop;
};
inline constexpr CPtr ClientEndpoint = 1;
Thread NewThread(CPtr Endpoint, u64 Badge, u8 Priority);
void Run(const Thread& T, void (*Entry)(u64), u64 Argument);

inline constexpr u8 Priority = 100;             // ours and the threads' unless a test says otherwise

// The groups, in order.
void TestSpace();
void TestMemory();
void TestMessages();
void TestFaults();
void TestThreads();
void TestAvx();
void TestInterrupt();
void MeasureCosts();
}
