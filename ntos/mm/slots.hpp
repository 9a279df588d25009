// Private to mm (and the pool): capability slots and pages for kernel objects.
#pragma once
#include "ntos/mm/mm.hpp"

namespace mm {

void StartSlots(CPtr First, CPtr End);
// Makes sure a range of Count slots can be taken (hangs in another CNode if need be).
Status EnsureSlots(u32 Count);
CPtr TakeSlotRange(u32 Count);          // after EnsureSlots; for ever
u64 SlotsInUse();                       // of AllocateSlot
u64 ObjectsAlive();                     // of AllocateObject, without page tables

// 2 MiB of untyped memory for a CNode.
Result<CPtr> TakeLargeUntyped();
// A page to make kernel objects of, and back when nothing is left in it.
Result<Pfn> TakeUntyped();
void ReturnUntyped(Pfn Page);
CPtr UntypedOf(Pfn Page);

void ZeroPage(u8* Page);

// Maps a frame into the Executive's own address space, making the tables it takes.
Status MapOwn(CPtr Frame, u64 Address, bool Cached = true);
void AddDeviceRegion(CPtr Cap, u64 Base, u64 End);

// Blocks of contiguous Executive addresses. Frames: room for Pages numbers, kept by the caller for FreeRun.
Result<u8*> AllocateRun(usize Pages, u32* Frames);
void FreeRun(u8* Address, usize Pages, usize Mapped, const u32* Frames);

}
