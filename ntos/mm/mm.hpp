// Memory management: physical pages, the window, address spaces, sections.
//
// Physical memory comes as untyped capabilities. Each is cut, when it is first needed, into 4 KiB untypeds; one of these
// becomes a page frame (mapped once in the window, at WindowBase + physical address, so that the Executive reads and writes any page
// without a kernel call) or holds kernel objects (page tables, TCBs, CNodes), and goes back when it is free. One PFN entry
// stands for each.
// A process has an AddressSpace: VADs (ranges, by address) and software page tables that mirror the hardware's: an entry says
// which frame, which protection, and which capability maps it. A page is mapped when it is first touched (a fault), or
// read or written by the Executive for the process.
// Accounting: every private writable page is charged to the process' commit and to the system's; the limit is physical
// memory (there is no page file). STATUS_COMMITMENT_LIMIT / STATUS_NO_MEMORY, never an overdraft for committed memory.
#pragma once
#include "abi/nt/mm.hpp"
#include "lib/core/vector.hpp"
#include "ntos/mm/store.hpp"
#include "ntos/ob/ob.hpp"

namespace kernel {
struct BootInfo;
}

namespace mm {

// --- start
Status Initialize(const kernel::BootInfo& Boot);
struct MemoryInfo {
    u64 TotalPages, FreePages, CommittedPages, CommitLimit, KernelObjectPages, FramePages;
    u64 CapabilitySlots;            // in use one by one: mappings, handles of objects, what has been derived
    u64 KernelObjects;              // alive, but for page tables
    u64 CachedPages;                // clean ones of paged stores: they count as committed and not as free, but make room for who needs it
};
MemoryInfo QueryMemory();

// --- pages for the Executive itself (pool, stores): zeroed, window-mapped, contiguous virtual = physical order not promised
Result<u8*> AllocatePage();
void FreePage(u8* Page);
u8* PageAddress(Pfn Frame);
Pfn FrameOf(const void* WindowAddress);
u64 PhysicalAddress(const void* WindowAddress);
// Physically contiguous, zeroed, for devices; at most 2 MiB. STATUS_NO_MEMORY: no such run of pages is free.
Result<u8*> AllocateContiguous(usize Bytes);
// Its owner's reference to each of the pages. The run stays whole, for the next who asks: a driver that is started again must find one although
// memory is full. Others may have references yet.
void FreeContiguous(Pfn First, u32 Pages);
// Maps device memory (uncached) for the Executive.
Result<volatile u8*> MapDevice(u64 Physical, usize Bytes);

// --- kernel objects
using CPtr = u64;
Result<CPtr> AllocateSlot();
void FreeSlot(CPtr Slot);               // empty
enum class KernelObject : u8 { Tcb, Endpoint, Notification, ClientCNode, PageTable, PageDirectory, Pdpt, Pml4 };
inline constexpr u32 ClientCNodeBits = 2;
struct KernelHandle {
    CPtr Cap = 0;
    struct Slab* From = nullptr;        // where its memory goes back
    Pfn Page = NoPfn;
};
Result<KernelHandle> AllocateObject(KernelObject Kind);
void FreeObject(KernelHandle& Object, KernelObject Kind);       // deletes the capability: the object ends; nothing for an empty handle

// --- sections
class Section;                          // mm/section.hpp
}
