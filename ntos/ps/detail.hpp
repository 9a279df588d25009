// Private to ps (and the dispatcher).
#pragma once
#include "ntos/ps/thread.hpp"

namespace ps {

using mm::CPtr;

// The endpoint every service call and fault arrives at. Badges: the thread's id; the low bit marks faults.
extern CPtr ServiceEndpoint;
extern mm::Pfn SharedPage;              // KUSER_SHARED_DATA
extern CPtr DispatcherNotification;     // bound to the dispatcher
inline constexpr u64 FaultBadge = 1, NotificationBadge = u64(1) << 63;
inline constexpr u8 ExecutivePriority = 200, ClientPriority = ExecutivePriority;
inline constexpr u64 SyscallBytes = 2;
// What a context says of the segment registers: Windows' code selector, by which programs know 64-bit code, and the data selector that
// is in SS under this kernel.
inline constexpr nt::WORD UserData = 0x33;

// What a service returns when the thread goes on elsewhere: no reply is sent. Not a status of NT's, never seen by a client.
inline constexpr NTSTATUS NoReply = 0x6E6F7270;

core::List<Thread, &Thread::ReapLink_>& ThreadsToReap();
ob::Object* ObjectById(u64 Id);

// A page fault: true if the thread just goes on; otherwise it has been sent to its exception dispatcher or to its end.
bool HandleVmFault(Thread& T, u64 Rip, u64 Address, u64 ErrorCode);
// A processor exception (vector, error code).
void HandleUserException(Thread& T, u64 Number, u64 Code);
extern ke::Caller* FaultingThread;      // whose fault mm resolves, or on whose stack a frame is put: that stack may grow
void InitializeExceptions();
void InitializeDebugging();

}
