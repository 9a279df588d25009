// The PFN database and what is cut from untyped memory: for mm, and for who takes whole frames (the pool, shared pages, ps).
#pragma once
#include "ntos/mm/mm.hpp"

namespace mm {

enum class PageState : u8 {
    Absent,         // not memory of ours
    Untyped,        // free, as a 4 KiB untyped
    FreeFrame,      // free, as a frame in the window (its content is old)
    ZeroFrame,      // free, as a frame in the window, zero
    Frame,          // in use as a frame
    Run,            // in use as a frame, mapped in a run instead of the window
    Objects,        // holds kernel objects
};

struct PfnEntry {
    u32 Next;           // of the free list
    u32 Slot;           // the 4 KiB untyped; its frame capability is at Slot + FrameSlotOffset, a copy for a client at Slot + ClientSlotOffset.
                        // 0: a page of the boot image
    u32 References;     // of a frame: owners (stores, page tables)
    PageState State;
    bool HasClientCopy;         // the copy for a client exists
    bool ClientCopyTaken;       // and maps the page somewhere
    u8 Pad;
};
static_assert(sizeof(PfnEntry) == 16);
inline constexpr u32 FrameSlotOffset = 512, ClientSlotOffset = 1024, SlotsPerCut = 1536;

PfnEntry& EntryOf(Pfn Frame);
// The frame's own capability, to be copied for client mappings.
CPtr FrameCapability(Pfn Frame);
// The frame's copy for a client, which stays with the frame when it is unmapped: most pages are in one place at a time, and need no capability made and
// deleted. 0: somebody has it, or there is none.
CPtr TakeClientCopy(Pfn Frame);
// Gives it back, unmapped; false if Cap is another capability.
bool ReturnClientCopy(Pfn Frame, CPtr Cap);
// Whether there are many free pages: then a few may be used before they are needed.
bool IsMemoryPlentiful();

// A zeroed (or not) frame with one reference. STATUS_NO_MEMORY.
Result<Pfn> AllocateFrame(bool Zeroed = true);
void ReferenceFrame(Pfn Frame);
void ReleaseFrame(Pfn Frame);           // free at the last one
// Frames with consecutive numbers, one reference each, not zeroed: cut from memory nobody has used yet, or from free frames that lie together.
Result<Pfn> TakeRun(u32 Pages);
// The capability of a page of device memory, for client mappings; the same each time. STATUS_NOT_FOUND: it is none.
Result<CPtr> DeviceFrame(u64 PhysicalPage);
bool IsOwnDevicePage(u64 PhysicalPage);        // the Executive has it mapped: others only see it
// Commit accounting: pages that may be needed. STATUS_COMMITMENT_LIMIT.
Status ChargeCommit(u64 Pages);
void ReturnCommit(u64 Pages);

}
