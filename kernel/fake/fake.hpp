// The in-memory kernel as tests see it: how the machine is made, clients that send what a test says, failures on demand.
//
// kernel.hpp is implemented with seL4's rules (kernel/sel4/README.md): one mapping per capability, mappings that stay when their
// capability goes, untypeds that can be used again when nothing is left of them, replies that vanish. What the real kernel answers
// by stopping the Executive (a capability beyond SlotLimit()) ends the test.
// Physical memory is a memory file; a page that is mapped in the Executive's own address space is there on the host, at that
// address, so the Executive's window works; reading an unmapped place is a crash, as it should be.
// The Executive under test may be plain calls from the test, or a body of its own (Executive::Start) that waits in Receive.
#pragma once
#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

#include "kernel/kernel.hpp"

namespace fake {

using kernel::CPtr;

// --- the machine

struct Device {
    u64 Physical;
    u8 SizeBits;
};
struct Configuration {
    u64 MemoryBytes = 64 * MiB;         // in untypeds; sparse, so it may be large
    u64 ImagePages = 64;                // of the boot image, filled by the test if it wants to (ImageBytes())
    u64 ImageAddress = 0x2000'0000'0000, ImagePhysical = 0x0140'0000;
    u64 TscFrequency = 1'000'000'000;
    std::vector<Device> Devices { { 0xFEB0'0000, 20 } };
};
// For the next kernel::Start; without it the defaults. Ends the machine there was: all addresses and capabilities of it are dead.
void Reset(const Configuration& To = {});
u8* ImageBytes();                       // also where the Executive sees the image

// --- failures

enum class Operation : u32 { Retype, Copy, MapPage, RemapPage, MapTable, AssignAsid, MakeAsidPool, AddSlots, Count };
// The call of this kind that follows after Skip others fails.
void FailNext(Operation What, u32 Skip = 0, kernel::Error With = kernel::Error::NotEnoughMemory);
// The same, whichever kind it is: for trying every place where something can fail. False once such a call has failed.
void FailAny(u32 Skip, kernel::Error With = kernel::Error::NotEnoughMemory);
bool FailurePending();
void NoFailures();
u64 Calls(Operation What);              // how many there were

// --- what the machine holds

u64 CapabilityCount();                  // slots in use in the Executive's space
// Mappings of living address spaces whose capability is gone: pages that a client keeps although nobody knows.
u64 StrayMappings();
u64 MappingCount(CPtr Pml4);
bool IsEmpty(CPtr Slot);
u64 BadgeOf(CPtr Slot);
u8* PhysicalBytes(u64 Physical);        // RAM

// --- clients

// What a client's access meets.
struct Fault {
    bool Happened = false;
    u64 Address = 0;
    u64 ErrorCode = 0;                  // bit 0 present, 1 write, 2 user
    explicit operator bool() const { return Happened; }
};
// As the processor would, through the mappings of an address space.
Fault ReadClient(CPtr Pml4, u64 Address, void* To, usize Bytes);
Fault WriteClient(CPtr Pml4, u64 Address, const void* From, usize Bytes);

// A thread: what the Executive made as a TCB, played by the test.
class Client {
public:
    explicit Client(CPtr Tcb) : Tcb_(Tcb) { }
    bool IsRunning() const;             // can execute: not stopped, not waiting for a reply
    bool IsWaiting() const;             // in Call, or in a fault
    // Sends, by a capability as the client names it, what a system call would send. The client must be running.
    void Call(u64 Capability, u64 Label, std::initializer_list<u64> Words);
    void Send(u64 Capability, u64 Label, std::initializer_list<u64> Words);
    void VmFault(u64 Address, u64 ErrorCode, bool Fetch = false);
    void UserException(u64 Vector, u64 ErrorCode);
    void UnknownSyscall();
    // The reply that ended the last Call; takes it. False if there was none.
    bool TakeReply(kernel::Message& To);
    kernel::Registers& Registers();
    u64 IpcBuffer() const;
    u8 Priority() const;
    // Memory access with faults: each goes to the fault handler, the Executive runs, the access is tried again. False when the thread
    // does not go on (it was stopped, sent elsewhere, or nobody answered).
    bool Read(u64 Address, void* To, usize Bytes);
    bool Write(u64 Address, const void* From, usize Bytes);

private:
    bool Touch(const std::function<Fault()>& Access);
    CPtr Tcb_;
};

// --- the Executive as a thread of its own

namespace Executive {
// Body is called at the first Run(). It never returns.
void Start(std::function<void()> Body);
// Lets it go on until it waits and nothing is there for it.
void Run();
}
// Instead: what a Receive or WaitNotification that finds nothing calls to have something sent. False (or none set): the test ends there.
void OnIdle(std::function<bool()> Routine);

// --- devices

void RaiseIrq(u32 Vector);              // lost while it is not acknowledged, as an edge is
bool IsIrqMasked(u32 Vector);
struct PortDevice {
    std::function<u32(u16 Port, u32 Bytes)> In;
    std::function<void(u16 Port, u32 Bytes, u32 Value)> Out;
};
void AttachPorts(u16 First, u16 Last, PortDevice Device);
void SetTsc(u64 Value);
void AdvanceTsc(u64 By);
const std::string& DebugText();         // what went through DebugWrite
u64 Yields();

}
