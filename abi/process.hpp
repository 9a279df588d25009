// The contract between the Executive and ntdll.dll about processes and threads: what a new process finds in its address space,
// where a thread starts, how exceptions and user APCs are delivered. The numbers are ABI: the Executive writes these frames, the
// assembly in ntdll/entry.S reads them and carries unwind data for them.
//
// A new process has
//   - ntdll.dll and the program's image mapped as image sections (ntdll preferably at NtdllBase), nothing else: the loader in
//     ntdll makes the module lists;
//   - a PEB with ImageBaseAddress, ProcessParameters, OSMajorVersion/OSMinorVersion/OSBuildNumber/OSPlatformId, NtGlobalFlag,
//     NumberOfProcessors, SessionId, HeapSegmentReserve/Commit and HeapDeCommit* thresholds filled, everything else zero. ApiSetMap
//     may be given; where it is null ntdll maps \SystemRoot\System32\apisetschema.dll itself;
//   - ProcessParameters: one committed read-write region, the copied RTL_USER_PROCESS_PARAMETERS, normalised (Flags has
//     RTL_USER_PROC_PARAMS_NORMALIZED, the Buffer fields are addresses) with the environment block in the same region or in one of
//     its own (Environment, EnvironmentSize);
//   - KUSER_SHARED_DATA at abi::KuserAddress.
//
// A new thread has
//   - a stack whose lowest committed page is a guard page;
//   - a TEB, page aligned, with NtTib.StackBase, StackLimit, Self; DeallocationStack, ClientId, RealClientId,
//     ProcessEnvironmentBlock, everything else zero (ntdll sets NtTib.ExceptionList and
//     StaticUnicodeString); GS base = TEB;
//   - a CONTEXT (ThreadStart below says with what) on its stack, 16-byte aligned, at least 0x20 bytes above RSP;
//   - RIP = ntdll!LdrInitializeThunk, RCX = address of that CONTEXT, RDX = base address of ntdll, RSP anywhere below it.
//   x87 and SSE control words are Windows' (0x27F, 0x1F80), direction flag clear.
// After its own work LdrInitializeThunk calls NtContinue(context, TRUE), which enters the context. The first thread that runs there
// initialises the process; others wait for it.
#pragma once
#include "abi/nt/context.hpp"

namespace abi {

inline constexpr u64 NtdllBase = 0x170000000;

// The CONTEXT of a new thread: ContextFlags = CONTEXT_FULL (0x10000B), Rip = ntdll!RtlUserThreadStart, Rcx = the start routine
// (for a process's first thread the entry point of its image), Rdx = the argument (for a first thread the PEB), Rsp = StackBase - 0x28
// (16-byte alignment plus 8, as after a call, with a home area above), EFlags = 0x200, MxCsr = 0x1F80 and the FXSAVE area's control words set.
inline constexpr u64 ThreadStartStackReserve = 0x28;

// An exception: the Executive subtracts from the interrupted RSP the 128 bytes that leaf code may use nowhere on Windows (0: there
// is no red zone), aligns down to 16, subtracts ExceptionFrameSize and, if the pages are there (the guard page moves as for a
// push), writes CONTEXT at +0 and EXCEPTION_RECORD at ExceptionFrameRecord, then starts KiUserExceptionDispatcher with RSP = frame.
// The CONTEXT has CONTROL | INTEGER | SEGMENTS (0x100007); the Executive cannot read a thread's FPU registers, so the dispatcher's
// first instructions store them (and set CONTEXT_FLOATING_POINT). The bytes from ExceptionFrameMachine up are ntdll's: it keeps the
// machine frame for unwinding there, and the extended state (CONTEXT_XSTATE) from ExceptionFrameState on. If the frame cannot be written the process ends with STATUS_STACK_OVERFLOW or
// STATUS_ACCESS_VIOLATION: nobody could handle it.
inline constexpr u64 ExceptionFrameRecord = 0x4F0, ExceptionFrameMachine = 0x590, ExceptionFrameState = 0x5C0,
                     ExceptionFrameSize = 0x740;
static_assert(ExceptionFrameState + 63 + sizeof(nt::XSTATE) <= ExceptionFrameSize);

// A user APC, delivered when an alertable wait ends or NtTestAlert / NtContinue(.., TRUE) asks: CONTEXT at RSP (the registers at
// which the interrupted service returns, Rax and R10 = its status; CONTROL | INTEGER | SEGMENTS), P1Home to P3Home = the routine's
// arguments, P4Home = the routine; bytes from ApcFrameMachine up are ntdll's. RIP = KiUserApcDispatcher. It calls
// routine(P1, P2, P3, CONTEXT*) and then NtContinue(context, TRUE), which delivers the next one or goes on.
inline constexpr u64 ApcFrameMachine = 0x4D0, ApcFrameSize = 0x500;

// NtContinue and NtRaiseException take a CONTEXT of which the Executive uses CONTROL, INTEGER and, if flagged, DEBUG_REGISTERS;
// ntdll has loaded the floating-point part before it calls. NtRaiseException(record, context, TRUE) builds the exception frame above
// at context.Rsp (a debugger sees it first); with FALSE nobody is left: the debugger's second chance, then a report on the debug
// port and the end of the process with ExitStatus = ExceptionCode.
//
// NtGetContextThread and NtSetContextThread, for the calling thread itself, answer OwnContextReply: the Executive has checked the
// context, ntdll does the rest. (Of a `syscall` that is not ntdll's the Executive does what it can.)
inline constexpr u32 OwnContextReply = 0x6E776F63;      // a success code no service returns

// Another thread's floating-point and extended state: the Executive starts the thread at KiSaveState or KiLoadState with RCX = TEB + StateInTeb,
// RAX = StateFeatures, RDX = 0, RDI = ServiceEndpoint and RSI = 0. It stores into, or loads from, the XSAVE area there and makes an seL4 call,
// which the Executive takes for no service: the thread is then put back where it was (ntos/ps/errand.hpp).
inline constexpr u64 StateInTeb = 0x1840, StateFeatures = 7;       // x87, SSE, AVX

// A service whose status is to be an exception as well (NtClose of a bad handle in a debugged process): the Executive puts the status into
// TEB.ExceptionCode and sends the thread to KiRaiseUserExceptionDispatcher, RSP being what the stub kept in RBX.
//
// Addresses the Executive needs in ntdll are exports: LdrInitializeThunk, RtlUserThreadStart, KiUserExceptionDispatcher,
// KiUserApcDispatcher, KiUserCallbackDispatcher, KiRaiseUserExceptionDispatcher, KiSaveState, KiLoadState, KiServiceReturn (where a service returns its status in R10 to the
// end of its stub, RSP being what the stub kept in RBX).
//
// A thread's end: RtlExitUserThread -> NtTerminateThread(0, status): the Executive frees the stack (DeallocationStack) and the TEB
// after the thread is gone. A process's end: RtlExitUserProcess -> NtTerminateProcess(0, status) ends the other threads,
// LdrShutdownProcess runs, NtTerminateProcess(-1, status).

}
