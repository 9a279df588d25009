#include "kernel/sel4/selftest/harness.hpp"

namespace selftest {

static u32 TestCount, FailureCount;

void Print(const char* Text)
{
    usize Length = 0;
    while (Text[Length])
        ++Length;
    DebugWrite(Text, Length);
}

void PrintNumber(u64 N)
{
    char Digits[24];
    char* At = Digits + sizeof(Digits) - 1;
    *At = 0;
    do
        *--At = char('0' + N % 10);
    while (N /= 10);
    Print(At);
}

void PrintHex(u64 N)
{
    char Digits[19] = "0x";
    for (int I = 0; I < 16; ++I)
        Digits[2 + I] = "0123456789abcdef"[N >> (60 - 4 * I) & 15];
    Print(Digits);
}

bool Check(bool Passed, const char* Name)
{
    if (!Passed)
        ++FailureCount;
    Print(Passed ? "ok " : "not ok ");
    PrintNumber(++TestCount);
    Print(" - ");
    Print(Name);
    Print("\n");
    return Passed;
}

bool CheckEqual(u64 Is, u64 Wanted, const char* Name)
{
    if (Is != Wanted) {
        Print("# is ");
        PrintHex(Is);
        Print(", wanted ");
        PrintHex(Wanted);
        Print("\n");
    }
    return Check(Is == Wanted, Name);
}

void Cost(const char* Name, u64 Instructions)
{
    Print("# cost ");
    Print(Name);
    Print(" ");
    PrintNumber(Instructions);
    Print("\n");
}

void Finish()
{
    Print("1..");
    PrintNumber(TestCount);
    Print(FailureCount ? "\n# FAILED\n" : "\n# passed\n");
    Out8(0xf4, FailureCount ? 1 : 0);       // QEMU's isa-debug-exit, if it is there
    for (;;)
        (void)SuspendTcb(boot::Tcb);
}

void Must(Error E, const char* What)
{
    if (!Failed(E))
        return;
    Print("# error ");
    PrintNumber(u32(E));
    Print("\n");
    core::Panic(What, __FILE__, __LINE__);
}

const BootInfo* Boot;
static CPtr NextSlot;
static CPtr Memory;
static u64 NextBuffer = Window;

void Prepare(const BootInfo& Info)
{
    Boot = &Info;
    NextSlot = Info.FirstFreeSlot;
    u8 Best = 0;
    for (u32 I = 0; I < Info.UntypedCount; ++I) {
        const UntypedInfo& U = Info.Untyped[I];
        if (!U.IsDevice && U.SizeBits > Best) {
            Best = U.SizeBits;
            Memory = U.Cap;
        }
    }
    Must(MapPdpt(Make(ObjectType::Pdpt), boot::Pml4, Window), "window: Pdpt");
    Must(MapPageDirectory(Make(ObjectType::PageDirectory), boot::Pml4, Window), "window: directory");
    Must(MapPageTable(Make(ObjectType::PageTable), boot::Pml4, Window), "window: table");
    Must(SetPriority(boot::Tcb, Priority), "own priority");
}

CPtr Slots(u32 Count)
{
    CPtr First = NextSlot;
    NextSlot += Count;
    return First;
}
CPtr Slot() { return Slots(1); }

CPtr Make(ObjectType Type, u32 SizeBits, u32 Count)
{
    CPtr First = Slots(Count);
    Must(Retype(Memory, Type, SizeBits, First, Count), "Retype");
    return First;
}
CPtr UntypedOf(u32 SizeBits) { return Make(ObjectType::Untyped, SizeBits); }

CPtr MapNewPage(u64 Address)
{
    CPtr Frame = Make(ObjectType::Page);
    Must(MapPage(Frame, boot::Pml4, Address, { .Writable = true }), "MapPage");
    return Frame;
}

alignas(16) static u8 Stacks[8][8192];
static u32 StackCount;

Thread NewThread(CPtr Endpoint, u64 Badge, u8 ThreadPriority)
{
    Thread T;
    T.Tcb = Make(ObjectType::Tcb);
    T.CNode = Make(ObjectType::CNode, 4);
    T.Buffer = NextBuffer;
    NextBuffer += PageSize;
    T.BufferFrame = MapNewPage(T.Buffer);
    *reinterpret_cast<volatile u64*>(T.Buffer + 0x30) = T.Buffer;
    ASSERT(StackCount < 8);
    T.StackTop = reinterpret_cast<u64>(Stacks[StackCount++]) + sizeof(Stacks[0]) - 8;
    Must(MintInto(T.CNode, 4, ClientEndpoint, Endpoint, AllRights, Badge), "MintInto");
    TcbSettings S { .FaultEndpoint = ClientEndpoint, .Priority = ThreadPriority, .MaximumPriority = 0, .CSpace = T.CNode, .CSpaceBits = 4,
                    .Pml4 = boot::Pml4, .IpcBuffer = T.Buffer, .IpcBufferFrame = T.BufferFrame };
    Must(ConfigureTcb(T.Tcb, S), "ConfigureTcb");
    return T;
}

void Run(const Thread& T, void (*Entry)(u64), u64 Argument)
{
    Registers R {};
    R.Rip = reinterpret_cast<u64>(Entry);
    R.Rsp = T.StackTop;
    R.Rdi = Argument;
    R.Rflags = 0x202;
    Must(WriteRegisters(T.Tcb, true, R), "WriteRegisters");
}

}

extern "C" [[noreturn]] void ExecutiveMain(void* BootArgument)
{
    using namespace selftest;
    Prepare(Start(BootArgument));
    TestSpace();
    TestMemory();
    TestMessages();
    TestFaults();
    TestThreads();
    TestAvx();
    TestInterrupt();
    MeasureCosts();
    Finish();
}
