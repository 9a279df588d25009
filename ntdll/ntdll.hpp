// What every part of ntdll.dll shares: the service prototypes, the current TEB and PEB, small list helpers.
//
// The parts:  stubs.S entry.S   services, entry points, register sets      exception/  dispatch, unwinding, function tables, debugging
//             loader/           images, imports, API sets, TLS, resources   heap/       the process heaps
//             sync/             critical sections, SRW, waits on addresses  pool/       thread pool, timer queues
//             process/          process and thread creation, FLS, contexts of activation      context/  register contexts
//             misc/             time, event tracing, digests, Wine's extras
// lib/rtl has what needs no service. Exports: exports.txt here, lib/rtl/exports.txt, and every service (make_def.py).
// No file here may have a global constructor; the heap exists only after LdrpInitializeProcess has begun.
#pragma once
#include "abi/kuser.hpp"
#include "abi/nt/image.hpp"
#include "abi/nt/mm.hpp"
#include "abi/nt/ps.hpp"
#include "abi/nt/status.hpp"
#include "abi/services.hpp"
#include "lib/core/result.hpp"
#include "ntdll/rtlneeds.hpp"

inline TEB* Teb()
{
    TEB* Self;
    asm("movq %%gs:0x30, %0" : "=r"(Self));
    return Self;
}
inline PEB* Peb()
{
    PEB* Process;
    asm("movq %%gs:0x60, %0" : "=r"(Process));
    return Process;
}
inline const abi::KuserSharedData& Kuser() { return *reinterpret_cast<const abi::KuserSharedData*>(abi::KuserAddress); }
inline HANDLE CurrentProcess() { return reinterpret_cast<HANDLE>(i64(-1)); }
inline HANDLE CurrentThread() { return reinterpret_cast<HANDLE>(i64(-2)); }
inline u32 CurrentThreadId() { return u32(reinterpret_cast<u64>(Teb()->ClientId.UniqueThread)); }

inline void InitializeListHead(LIST_ENTRY* Head) { Head->Flink = Head->Blink = Head; }
inline bool IsListEmpty(const LIST_ENTRY* Head) { return Head->Flink == Head; }
inline void InsertTailList(LIST_ENTRY* Head, LIST_ENTRY* Entry)
{
    Entry->Flink = Head;
    Entry->Blink = Head->Blink;
    Head->Blink->Flink = Entry;
    Head->Blink = Entry;
}
inline void InsertHeadList(LIST_ENTRY* Head, LIST_ENTRY* Entry) { InsertTailList(Head->Flink, Entry); }
inline void RemoveEntryList(LIST_ENTRY* Entry)
{
    Entry->Flink->Blink = Entry->Blink;
    Entry->Blink->Flink = Entry->Flink;
    Entry->Flink = Entry->Blink = Entry;
}
#define RECORD_OF(Address, Type, Field) reinterpret_cast<Type*>(reinterpret_cast<char*>(Address) - __builtin_offsetof(Type, Field))

template <typename T = u8> T* At(const void* Base, u64 Offset)
{
    return reinterpret_cast<T*>(u64(Base) + Offset);
}
extern "C" {
NTSTATUS SvcContinue(CONTEXT* Context, BOOLEAN TestAlert);
void NTAPI RtlRaiseStatus(NTSTATUS Status);
ULONG NTAPI DbgPrint(const char* Format, ...);
void NTAPI DbgBreakPoint();
}
// 100 ns since boot.
i64 RtlpInterruptTime();

inline void CpuRelax() { asm volatile("pause" ::: "memory"); }
