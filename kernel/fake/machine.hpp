// Private to the in-memory kernel: objects, capabilities, the machine.
#pragma once
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "kernel/fake/fake.hpp"

namespace fake {

using kernel::Error;

enum class Kind : u8 {
    Untyped, Tcb, Endpoint, Notification, CNode, Page, LargePage, PageTable, PageDirectory, Pdpt, Pml4, AsidPool, AsidControl, IrqControl,
    IrqHandler, IoPort, Reply, Other,
};

struct Capability;

// A slot's place holds a capability or null.
using Slot = Capability*;

struct Object {
    Kind K;
    u64 Physical = 0;
    u32 Bits = 0;
    u32 Capabilities = 0;               // it ends with the last
    bool IsDevice = false;
    explicit Object(Kind Which) : K(Which) { }
    virtual ~Object() = default;
};

struct CNode : Object {
    std::vector<Slot> Slots;
    explicit CNode(u32 Radix) : Object(Kind::CNode), Slots(usize(1) << Radix) { }
};

struct Mapping {
    u64 Physical;
    bool Writable;
    Capability* By;                     // null: the capability is gone
};
struct Pml4 : Object {
    Pml4() : Object(Kind::Pml4) { }
    u32 Asid = 0;
    bool IsHost = false;                // the Executive's own
    std::map<u64, Mapping> Pages;       // by address
    std::map<u64, Object*> Tables[3];   // page tables, directories, PDPTs, by the address they begin at; null: the kernel's own
};

struct AsidPool : Object {
    explicit AsidPool(u32 First) : Object(Kind::AsidPool), FirstAsid(First), Spaces(512) { }
    u32 FirstAsid;
    std::vector<Pml4*> Spaces;
};

struct SentMessage {
    u64 Label = 0;
    u32 Length = 0;
    u64 Words[120] = {};
    u64 Badge = 0;
};

struct Notification : Object {
    Notification() : Object(Kind::Notification) { }
    u64 Word = 0;
    struct Tcb* Bound = nullptr;
};
struct Endpoint : Object {
    Endpoint() : Object(Kind::Endpoint) { }
    std::deque<struct Tcb*> Senders;
};

struct Tcb : Object {
    Tcb() : Object(Kind::Tcb) { }
    enum States : u8 { Stopped, Running, Sending, WaitsForReply } State = Stopped;
    enum Reasons : u8 { InCall, InSend, InVmFault, InException, InUnknownSyscall } Reason = InCall;
    kernel::Registers Registers {};
    bool RipWritten = false;            // since the Call
    bool Repeats = false;               // stopped in a Call: Resume sends it again
    SentMessage Sent;                   // what it sends or has sent
    CPtr SentBy = 0;                    // by this capability of its own
    kernel::Message Reply {};
    bool HasReply = false;
    Slot CSpace = nullptr, VSpace = nullptr, Buffer = nullptr;
    Slot ReplyCapability = nullptr;     // in the server's caller place, until saved
    Capability* Reply_ = nullptr;       // the one reply capability to this thread
    Endpoint* QueuedAt = nullptr;
    Notification* Bound = nullptr;
    CPtr FaultEndpoint = 0;
    u32 CSpaceBits = 0;
    u8 Priority = 0, MaximumPriority = 0;
    u64 IpcBuffer = 0;
};

struct IrqHandler : Object {
    explicit IrqHandler(u32 V) : Object(Kind::IrqHandler), Vector(V) { }
    u32 Vector;
    Slot Target = nullptr;
    bool Masked = false;
};

struct Capability {
    Object* Target = nullptr;
    Kind K = Kind::Other;
    u8 Rights = kernel::AllRights;
    bool Revocable = false;             // copies of it are its children
    u64 Badge = 0;
    u64 Free = 0;                       // of an untyped: bytes used from the front
    u32 Asid = 0;                       // of a page or table: where it is mapped (0: nowhere)
    u64 Address = 0;
    Slot* Home = nullptr;
    Capability* Parent = nullptr;
    std::set<Capability*> Children;
};

inline constexpr u32 NodeBits = 16, RootBits = 8;
inline constexpr u64 NodeSlots = u64(1) << NodeBits;

struct Machine {
    Configuration Configured;
    kernel::BootInfo Info {};
    int File = -1;
    u8* Memory = nullptr;
    u64 MemoryTop = 0;
    std::vector<CNode*> Nodes;          // of the Executive's space, in order
    std::deque<Slot> Kept;              // the kernel's own references (the first CNode's place in the root, ...)
    Pml4* Own = nullptr;
    Tcb* OwnTcb = nullptr;
    Slot Caller = nullptr;              // the reply capability of the Executive thread
    std::map<u32, AsidPool*> Pools;     // by index
    std::map<u32, IrqHandler*> Irqs;
    u64 Buffer[120] = {};               // the Executive's message buffer
};
extern Machine* M;

[[noreturn]] void Die(const char* What);
void EndMachine();

// A slot of the Executive's space; Die if there cannot be one (the real kernel stops the Executive).
Slot& SlotAt(CPtr At);
// The same for an operand: null where the real kernel answers FailedLookup.
Slot* OperandAt(CPtr At);
template <typename T> T* Find(CPtr At, Kind K)
{
    Slot S = SlotAt(At);
    return S && S->K == K ? static_cast<T*>(S->Target) : nullptr;
}
Capability* Put(Slot& Where, Object* Target, Capability* Parent, bool Revocable);
// Takes the capability out of its slot; ends the object if it was the last.
void Remove(Slot& Where);
Capability* Invoked(CPtr At, Kind K, Error& E);     // null and why, if there is no such capability
// A copy with seL4's rules of what may be copied and who its parent is.
Error Derive(Capability* From, u8 Rights, bool WithBadge, u64 Badge, Slot& To);
void RemoveMapping(Capability& Of);     // takes away what it maps, if it still does; of pages and tables
Pml4* SpaceOf(u32 Asid);
void CancelThread(Tcb& T);              // out of whatever it is blocked in
void EndPml4(Pml4& P);
void PutOnHost(u64 Address, u64 Physical, bool Writable);
void TakeFromHost(u64 Address);
bool Fails(Operation What, Error& With);
void Post(Notification& N, u64 Badge);

}
