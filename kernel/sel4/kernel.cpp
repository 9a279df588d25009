// kernel.hpp on seL4: capability space, memory, threads, interrupts, ports. Messages: message.cpp. Start: boot.cpp.
#include "kernel/kernel.hpp"
#include "kernel/sel4/invocations.hpp"
#include "kernel/sel4/libsel4.hpp"
#include "kernel/sel4/space.hpp"

namespace kernel {
using namespace sel4;

static constexpr CNode Root { RootCap };
static constexpr u8 FullDepth = 64;
// The kernel answers some calls that had nothing to do (X86Page::Unmap of an unmapped page) by leaving the registers as
// they were: the label of the request, larger than any error's, comes back.
static Error ToError(u32 Label) { return Label > u32(Error::NotEnoughMemory) ? Error::None : Error(Label); }

u32 ObjectBits(ObjectType Type)
{
    switch (Type) {
    case ObjectType::Untyped: return 0;
    case ObjectType::Tcb: return TcbBits;
    case ObjectType::Endpoint: return 4;
    case ObjectType::Notification: return 5;
    case ObjectType::CNode: return CNodeSlotBits;
    case ObjectType::LargePage: return 21;
    case ObjectType::Page:
    case ObjectType::PageTable:
    case ObjectType::PageDirectory:
    case ObjectType::Pdpt:
    case ObjectType::Pml4: return 12;
    }
    return 0;
}

static u64 KernelType(ObjectType Type)
{
    switch (Type) {
    case ObjectType::Untyped: return seL4_UntypedObject;
    case ObjectType::Tcb: return seL4_TCBObject;
    case ObjectType::Endpoint: return seL4_EndpointObject;
    case ObjectType::Notification: return seL4_NotificationObject;
    case ObjectType::CNode: return seL4_CapTableObject;
    case ObjectType::Page: return seL4_X86_4K;
    case ObjectType::LargePage: return seL4_X86_LargePageObject;
    case ObjectType::PageTable: return seL4_X86_PageTableObject;
    case ObjectType::PageDirectory: return seL4_X86_PageDirectoryObject;
    case ObjectType::Pdpt: return seL4_X86_PDPTObject;
    case ObjectType::Pml4: return seL4_X64_PML4Object;
    }
    return ~0ull;
}

// --- capability space

static u32 NodeCount = 1;

CPtr SlotLimit() { return CPtr(NodeCount) << NodeBits; }

Error AddSlots(CPtr Untyped)
{
    if (NodeCount == 1u << RootBits)
        return Error::RangeError;
    // Depth 0 names the root CNode itself as the place of the new capability.
    Error E = ToError(Untyped_Retype({ Untyped }, seL4_CapTableObject, NodeBits, Root, 0, 0, NodeCount, 1));
    if (!Failed(E))
        ++NodeCount;
    return E;
}

Error Retype(CPtr Untyped, ObjectType Type, u32 SizeBits, CPtr FirstSlot, u32 Count)
{
    return ToError(Untyped_Retype({ Untyped }, KernelType(Type), SizeBits, Root, FirstSlot >> NodeBits, FullDepth - NodeBits,
                                  FirstSlot & (NodeSlots - 1), Count));
}

Error Copy(CPtr To, CPtr From, Rights R) { return ToError(CNode_Copy(Root, To, FullDepth, Root, From, FullDepth, R)); }

Error Mint(CPtr To, CPtr From, Rights R, u64 Badge)
{
    return ToError(CNode_Mint(Root, To, FullDepth, Root, From, FullDepth, R, Badge));
}

Error MintInto(CPtr Node, u32 NodeBits, u64 Index, CPtr From, Rights R, u64 Badge)
{
    return ToError(CNode_Mint({ Node }, Index, u8(NodeBits), Root, From, FullDepth, R, Badge));
}

Error DeleteFrom(CPtr Node, u32 NodeBits, u64 Index) { return ToError(CNode_Delete({ Node }, Index, u8(NodeBits))); }
Error Move(CPtr To, CPtr From) { return ToError(CNode_Move(Root, To, FullDepth, Root, From, FullDepth)); }
Error Delete(CPtr Slot) { return ToError(CNode_Delete(Root, Slot, FullDepth)); }
Error Revoke(CPtr Slot) { return ToError(CNode_Revoke(Root, Slot, FullDepth)); }
Error SaveCaller(CPtr Slot) { return ToError(CNode_SaveCaller(Root, Slot, FullDepth)); }

// --- memory

// VM attributes: 0 is write-back, bit 0 write-through, bit 1 uncached.
static u64 Attributes(PageFlags Flags) { return Flags.Cached ? 0 : 2; }
static u64 PageRights(PageFlags Flags) { return Flags.Writable ? Rights::ReadWrite : Rights::Read; }

Error MapPage(CPtr Frame, CPtr Pml4, u64 Address, PageFlags Flags)
{
    return ToError(X86_Page_Map({ Frame }, Pml4, Address, PageRights(Flags), Attributes(Flags)));
}

Error RemapPage(CPtr Frame, CPtr Pml4, PageFlags Flags)
{
    return ToError(X86_Page_Remap({ Frame }, Pml4, PageRights(Flags), Attributes(Flags)));
}

Error UnmapPage(CPtr Frame) { return ToError(X86_Page_Unmap({ Frame })); }
Error PageAddress(CPtr Frame, u64& Physical) { return ToError(X86_Page_GetAddress({ Frame }, Physical)); }
Error MapPageTable(CPtr Table, CPtr Pml4, u64 Address) { return ToError(X86_PageTable_Map({ Table }, Pml4, Address, 0)); }
Error MapPageDirectory(CPtr Directory, CPtr Pml4, u64 Address)
{
    return ToError(X86_PageDirectory_Map({ Directory }, Pml4, Address, 0));
}
Error MapPdpt(CPtr Pdpt, CPtr Pml4, u64 Address) { return ToError(X86_PDPT_Map({ Pdpt }, { Pml4 }, Address, 0)); }
Error AssignAsid(CPtr Pool, CPtr Pml4) { return ToError(X86_ASIDPool_Assign({ Pool }, Pml4)); }
Error MakeAsidPool(CPtr Untyped, CPtr To)
{
    return ToError(X86_ASIDControl_MakePool({ boot::AsidControl }, { Untyped }, Root, To, FullDepth));
}

// --- threads

Error ConfigureTcb(CPtr Tcb, const TcbSettings& S)
{
    if (S.CSpaceBits > 64)
        return Error::RangeError;
    u64 Priorities = u64(S.MaximumPriority) << 8 | S.Priority;
    return ToError(TCB_Configure({ Tcb }, S.FaultEndpoint, Priorities, { S.CSpace }, GuardData(64 - S.CSpaceBits), { S.Pml4 }, 0,
                                 S.IpcBuffer, S.IpcBufferFrame));
}

Error SetPriority(CPtr Tcb, u8 Priority) { return ToError(TCB_SetPriority({ Tcb }, Priority)); }

static constexpr u32 RegisterCount = 19;
static_assert(sizeof(Registers) == RegisterCount * 8 && offsetof(Registers, TlsBase) == 18 * 8);
using RegisterArray = u64[RegisterCount];

Error ReadRegisters(CPtr Tcb, bool Suspend, Registers& To)
{
    return ToError(TCB_ReadRegisters({ Tcb }, Suspend, 0, RegisterCount, reinterpret_cast<RegisterArray&>(To)));
}

Error WriteRegisters(CPtr Tcb, bool Resume, const Registers& From)
{
    return ToError(TCB_WriteRegisters({ Tcb }, Resume, 0, RegisterCount, reinterpret_cast<const RegisterArray&>(From)));
}

Error SuspendTcb(CPtr Tcb) { return ToError(TCB_Suspend({ Tcb })); }
Error ResumeTcb(CPtr Tcb) { return ToError(TCB_Resume({ Tcb })); }
Error BindNotification(CPtr Tcb, CPtr Notification) { return ToError(TCB_BindNotification({ Tcb }, Notification)); }

Error StartGuard(CPtr Tcb, CPtr Endpoint, void (*Entry)(), u64 Stack, u64 IpcBuffer, CPtr IpcBufferFrame)
{
    TcbSettings S { .FaultEndpoint = 0, .Priority = 255, .MaximumPriority = 255, .CSpace = RootCap, .CSpaceBits = RootBits + NodeBits,
                    .Pml4 = boot::Pml4, .IpcBuffer = IpcBuffer, .IpcBufferFrame = IpcBufferFrame };
    if (Error E = ConfigureTcb(Tcb, S); Failed(E))
        return E;
    Registers R {};
    R.Rip = reinterpret_cast<u64>(Entry);
    R.Rsp = Stack - 8;                   // as after a call
    R.Rflags = 0x202;
    if (Error E = WriteRegisters(Tcb, true, R); Failed(E))
        return E;
    return ToError(TCB_SetSpace({ boot::Tcb }, Endpoint, { RootCap }, 0, { boot::Pml4 }, 0));
}

// --- interrupts and ports

Error GetIoApicIrq(CPtr To, u32 IoApic, u32 Pin, bool Level, bool ActiveLow, u32 Vector)
{
    return ToError(IRQControl_GetIOAPIC({ boot::IrqControl }, Root, To, FullDepth, IoApic, Pin, Level, ActiveLow, Vector));
}
Error GetMsiIrq(CPtr To, u32 Bus, u32 Device, u32 Function, u32 Handle, u32 Vector)
{
    return ToError(IRQControl_GetMSI({ boot::IrqControl }, Root, To, FullDepth, Bus, Device, Function, Handle, Vector));
}
Error SetIrqNotification(CPtr Irq, CPtr Notification) { return ToError(IRQHandler_SetNotification({ Irq }, Notification)); }
Error AckIrq(CPtr Irq) { return ToError(IRQHandler_Ack({ Irq })); }

static constexpr X86_IOPort Ports { boot::IoPort };
// The capability spans all ports, so a port access cannot fail.
u8 In8(u16 Port)
{
    u8 Value = 0xff;
    X86_IOPort_In8(Ports, Value, Port);
    return Value;
}
u16 In16(u16 Port)
{
    u16 Value = 0xffff;
    X86_IOPort_In16(Ports, Value, Port);
    return Value;
}
u32 In32(u16 Port)
{
    u32 Value = 0xffffffff;
    X86_IOPort_In32(Ports, Value, Port);
    return Value;
}
void Out8(u16 Port, u8 Value) { X86_IOPort_Out8(Ports, Port, Value); }
void Out16(u16 Port, u16 Value) { X86_IOPort_Out16(Ports, Port, Value); }
void Out32(u16 Port, u32 Value) { X86_IOPort_Out32(Ports, Port, Value); }

u64 Tsc()
{
    u32 Low, High;
    asm volatile("lfence\n\trdtsc" : "=a"(Low), "=d"(High) : : "memory");
    return u64(High) << 32 | Low;
}

}
