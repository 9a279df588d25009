// abi/services.def as C++ sees it from user mode: service numbers, metadata and the Nt prototypes.
//
// How a service is called (the contract between ntdll's stubs, ntos/ke/dispatch and foreign code):
//   seL4_Call on CPtr ServiceEndpoint, message info = label (service number) and 4 words, no caps:
//     word 0..2 (R10, R8, R9)  arguments 1 to 3
//     word 3 (R15)             argument 4 if the service has at most 4; otherwise the address of the argument array: the caller's home
//                              area and stack arguments (argument n at +8*(n-1); 1 to 3 are taken from the words, 4 and up from there)
//   The reply's word 0 is the NTSTATUS, or ParkReply: then the service waits, and the caller does seL4_Recv on CPtr ParkNotification, after which the
//   NTSTATUS is in the TEB at ParkStatusInTeb. (Both calls stay on seL4's short paths, which a reply kept for later does not.) seL4 does not preserve RSP: the caller keeps it in RBX across the instruction, and the Executive
//   relies on that when it builds APC and exception frames. RCX, R11 and RDX are lost, as on Windows.
//   A `syscall` with RAX = service number, R10/RDX/R8/R9 = arguments 1 to 4 and the stack as on Windows is served too (slowly).
#pragma once
#include "abi/nt/forward.hpp"

#if defined(_WIN32)
#define NTAPI __stdcall
#else
#define NTAPI
#endif

namespace abi {

inline constexpr u64 ServiceEndpoint = 1, FaultEndpoint = 2, ParkNotification = 3;
inline constexpr u32 ParkReply = 0x6B726170;            // a success code no service returns
inline constexpr u64 ParkStatusInTeb = 0x190;           // in TEB.SystemReserved1

enum class Service : u16 {
#define SVC(Name, Kind, State, Text, Parameters) Name,
#include "abi/services.def"
#undef SVC
    Count
};

}

#define P_IN(Type, Name) , Type Name
#define P_PTR(Type, Name) , Type* Name
#define P_OUT(Type, Name) , Type* Name
#define P_IO(Type, Name) , Type* Name
#define P_BUF(Name) , void* Name
#define SVC_DROP_FIRST(First, ...) __VA_ARGS__
#define SVC_PROTOTYPE(...) SVC_DROP_FIRST(__VA_ARGS__)
#define SVC(Name, Kind, State, Text, Parameters) NTSTATUS NTAPI Nt##Name(SVC_PROTOTYPE(0 Parameters));
#if defined(_WIN32)
extern "C" {
using namespace nt;
#include "abi/services.def"
}
#endif
#undef SVC
#undef P_IN
#undef P_PTR
#undef P_OUT
#undef P_IO
#undef P_BUF
