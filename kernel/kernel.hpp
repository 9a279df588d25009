// What the Executive needs of the microkernel: capabilities, objects, messages. kernel/sel4 implements it on seL4,
// kernel/fake in memory for host tests, with the same rules; which one is a matter of linking.
//
// Capabilities are named by CPtr, an index into the Executive's own capability space: 64-bit depth, slots
// [0, SlotLimit()). The space is two levels deep: a root of 2^8 CNodes of 2^16 slots each; the initial CNode is entry
// 0, so boot capabilities keep their numbers. AddSlots() hangs the next CNode in.
// Nothing here allocates, waits (but the functions that say so) or retries. Errors are seL4's own, in seL4's numbers.
// Facts: the seL4 5.0.0 reference manual, libsel4's interface XML and kernel/sel4/README.md, which says what the kernel does where
// it surprises.
#pragma once
#include "lib/core/types.hpp"

namespace kernel {

using CPtr = u64;

enum class [[nodiscard]] Error : u32 {
    None, InvalidArgument, InvalidCapability, IllegalOperation, RangeError, AlignmentError,
    FailedLookup, TruncatedMessage, DeleteFirst, RevokeFirst, NotEnoughMemory,
};
inline bool Failed(Error E) { return E != Error::None; }

enum class ObjectType : u32 { Untyped, Tcb, Endpoint, Notification, CNode, Page, LargePage, PageTable, PageDirectory, Pdpt, Pml4 };
// log2 of the size in bytes; of a CNode, of one slot (its size argument is log2 of the slot count).
u32 ObjectBits(ObjectType Type);
inline constexpr u32 CNodeSlotBits = 5;

// --- boot

// Capabilities that are there from the start.
namespace boot {
inline constexpr CPtr Tcb = 1, CNode = 2, Pml4 = 3, IrqControl = 4, AsidControl = 5, AsidPool = 6, IoPort = 7, IpcBufferFrame = 10;
}
struct UntypedInfo {
    CPtr Cap;
    u64 Physical;
    u8 SizeBits;
    bool IsDevice;
};
struct BootInfo {
    CPtr FirstFreeSlot, EndFreeSlot;     // empty slots of the initial CNode
    CPtr FirstImageFrame;                // one Page capability for each 4 KiB of the image, in address order, mapped read-write
    u64 ImageFrames;
    u64 ImageAddress;                    // virtual address of the first
    u64 ImagePhysical;                   // physical address of the first (the image is physically contiguous)
    u32 UntypedCount;
    UntypedInfo Untyped[256];
    u64 TscFrequency;                    // Hz, 0 if the kernel did not measure it
};
// Takes what the kernel left at start (the pointer that _start got; ignored by the fake), builds the two-level
// capability space. Call once, first. What it needs itself is taken out: all slots and untypeds told of are unused, in no particular order.
const BootInfo& Start(void* BootArgument);

// --- capability space
CPtr SlotLimit();
// Makes 2^16 more slots from 2 MiB of untyped memory at Untyped (SizeBits 21); SlotLimit() grows by 2^16.
Error AddSlots(CPtr Untyped);

enum Rights : u8 { Write = 1, Read = 2, Grant = 4, ReadWrite = 3, AllRights = 7 };

Error Retype(CPtr Untyped, ObjectType Type, u32 SizeBits, CPtr FirstSlot, u32 Count);   // Count <= 256, slots within one CNode
Error Copy(CPtr To, CPtr From, Rights R);
Error Mint(CPtr To, CPtr From, Rights R, u64 Badge);     // an endpoint's badge has 28 bits, a notification's 64
// Into another CNode (a client's): slot Index of the CNode with capability Node, of 2^NodeBits slots.
Error MintInto(CPtr Node, u32 NodeBits, u64 Index, CPtr From, Rights R, u64 Badge);
Error DeleteFrom(CPtr Node, u32 NodeBits, u64 Index);
Error Move(CPtr To, CPtr From);
// A mapped copy of a Page stays mapped when its capability goes: UnmapPage first, or delete the Pml4 first.
Error Delete(CPtr Slot);                 // an empty slot is fine
Error Revoke(CPtr Slot);
Error SaveCaller(CPtr Slot);             // the reply capability of the last received Call; an empty slot stays empty if there was none

// --- memory
struct PageFlags {
    bool Writable;
    bool Cached = true;
};
// One mapping per capability: InvalidCapability if Frame is mapped already, DeleteFirst if something else is mapped at
// Address, FailedLookup if a table is missing there (which one, only trying tells: Pdpt, then directory, then table).
// Every mapping is executable: this kernel leaves the no-execute bit clear. Not readable but writable does not exist.
Error MapPage(CPtr Frame, CPtr Pml4, u64 Address, PageFlags Flags);
Error RemapPage(CPtr Frame, CPtr Pml4, PageFlags Flags);    // other flags for a mapped page, where it is
Error PageAddress(CPtr Frame, u64& Physical);
Error UnmapPage(CPtr Frame);
Error MapPageTable(CPtr Table, CPtr Pml4, u64 Address);
Error MapPageDirectory(CPtr Directory, CPtr Pml4, u64 Address);
Error MapPdpt(CPtr Pdpt, CPtr Pml4, u64 Address);
Error AssignAsid(CPtr Pool, CPtr Pml4);
Error MakeAsidPool(CPtr Untyped, CPtr To);      // Untyped of 4 KiB; a pool serves 512 address spaces

// --- threads
struct Registers {                       // in seL4's order
    u64 Rip, Rsp, Rflags, Rax, Rbx, Rcx, Rdx, Rsi, Rdi, Rbp, R8, R9, R10, R11, R12, R13, R14, R15, TlsBase;
};
struct TcbSettings {
    CPtr FaultEndpoint;                  // as the thread itself names it
    u8 Priority, MaximumPriority;
    CPtr CSpace;                         // CNode capability, radix CSpaceBits, guarded to 64 bits
    u32 CSpaceBits;
    CPtr Pml4;
    u64 IpcBuffer;                       // becomes the GS base; 512-byte aligned
    CPtr IpcBufferFrame;
};
Error ConfigureTcb(CPtr Tcb, const TcbSettings& Settings);
Error SetPriority(CPtr Tcb, u8 Priority);
Error ReadRegisters(CPtr Tcb, bool Suspend, Registers& To);
// With Resume ends whatever the thread was blocked in (a saved reply capability vanishes) and lets it go on at Rip. Without, it stays
// blocked and goes on at Rip when it is answered.
// Of a thread in a system call, Rip is that of the 2-byte instruction, and Rsp, Rcx and R11 are stale: stubs keep RSP in RBX.
// Rflags.TF cannot be set.
Error WriteRegisters(CPtr Tcb, bool Resume, const Registers& From);
Error SuspendTcb(CPtr Tcb);              // ends a Call as WriteRegisters does; ResumeTcb then repeats it
Error ResumeTcb(CPtr Tcb);
Error BindNotification(CPtr Tcb, CPtr Notification);
// Makes Tcb a thread of the Executive's own address and capability space, above all others, that begins at Entry; faults of the initial
// thread arrive at Endpoint from then on (they go nowhere before, and the thread just stops). Stack: its upper end, 16-byte aligned.
Error StartGuard(CPtr Tcb, CPtr Endpoint, void (*Entry)(), u64 Stack, u64 IpcBuffer, CPtr IpcBufferFrame);
// Called once by core::Panic after its own line: what else should be told.
extern void (*OnPanic)();

// --- messages
struct Message {
    u64 Label;
    u32 Length;                          // words; the first four are here, the others by MessageWord()
    u64 Words[4];
    u64 Badge;                           // of what was received
};
// Fault messages arrive with these labels; a client can send them itself. Words: kernel/sel4/README.md.
namespace fault {
inline constexpr u64 Capability = 1, UnknownSyscall = 2, UserException = 3, VmFault = 5;
}
u64 MessageWord(u32 Index);              // of the last received message, 4 <= Index < 120; any other call here may overwrite them
void SetMessageWord(u32 Index, u64 Value);   // of the next one sent, for Index >= 4
Message Receive(CPtr Endpoint);          // waits
Message ReplyReceive(CPtr Endpoint, u64 Label, u32 Length, u64 Word0, u64 Word1, u64 Word2, u64 Word3);     // waits
void Send(CPtr Endpoint, u64 Label, u32 Length, u64 Word0, u64 Word1 = 0, u64 Word2 = 0, u64 Word3 = 0);   // to a saved reply capability: never waits
// A client's side; the fake runs the other side's turn. Executive threads of ours use it too.
Message Call(CPtr Endpoint, u64 Label, u32 Length, u64 Word0, u64 Word1, u64 Word2, u64 Word3);
void Signal(CPtr Notification);
u64 WaitNotification(CPtr Notification); // waits; the badge
u64 PollNotification(CPtr Notification); // 0 if there is none
void Yield();

// --- interrupts and ports
Error GetIoApicIrq(CPtr To, u32 IoApic, u32 Pin, bool Level, bool ActiveLow, u32 Vector);    // Vector 0..107 of seL4's user range
// Of a message-signalled interrupt: the processor's vector is FirstVector + Vector. Nothing is masked meanwhile, and nothing needs to be acknowledged.
inline constexpr u32 FirstVector = 0x30, Vectors = 108;
Error GetMsiIrq(CPtr To, u32 Bus, u32 Device, u32 Function, u32 Handle, u32 Vector);
Error SetIrqNotification(CPtr Irq, CPtr Notification);
Error AckIrq(CPtr Irq);
u8 In8(u16 Port);
u16 In16(u16 Port);
u32 In32(u16 Port);
void Out8(u16 Port, u8 Value);
void Out16(u16 Port, u16 Value);
void Out32(u16 Port, u32 Value);

// --- the processor
u64 Tsc();

// --- the system's log: COM1, polled. Usable before Start.
void DebugWrite(const char* Text, usize Length);

}
