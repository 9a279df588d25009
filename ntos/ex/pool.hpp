// The Executive's heap: operator new and delete of the elf world (pool_new.cpp).
//
// Blocks up to 2032 bytes come from pages cut into slots of one size; a page's head says which. Up to 4096 bytes: a whole
// page, the one kind of block that is page-aligned. Above: a run of pages (mm::AllocateRun), with its head before the block.
// Every block is 16-byte aligned. Allocation can fail (null), always; there is no other limit than memory. A page whose last
// slot is freed goes back, but for one per size. Debug builds fill what is freed.
#pragma once
#include "lib/core/types.hpp"

namespace ex::pool {

inline constexpr usize LargestSlot = 2032;

void* Allocate(usize Bytes);
void* AllocateAligned(usize Bytes, usize Alignment);   // Alignment a power of two up to 4096; above 16, at most 4096 bytes
void Free(void* Block);                                // null is allowed
// Gives the pages kept empty back (for leak tests).
void Trim();

}
