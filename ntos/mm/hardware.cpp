// An address space as the kernel has it: pages, and the tables they need, mapped and unmapped.
#include "kernel/kernel.hpp"
#include "ntos/mm/phys.hpp"
#include "ntos/mm/slots.hpp"
#include "ntos/mm/space.hpp"

namespace mm {

using kernel::Failed;
using namespace nt;

Status AddressSpace::MapInHardware(u64 Address, Pte& E, bool Writable, CPtr Device)
{
    if (!Pml4_.Cap)
        return STATUS_PROCESS_IS_TERMINATING;
    if (E.Slot) {
        // Mapped already: only the right to write can have changed. A capability to map writable must carry that right: all do.
        if (Failed(kernel::RemapPage(E.Slot, Pml4_.Cap, { .Writable = Writable })))
            return STATUS_NO_MEMORY;
        E.Writable = Writable;
        return STATUS_SUCCESS;
    }
    CPtr Slot = Device ? 0 : TakeClientCopy(E.Frame);
    if (!Slot) {
        Slot = TRY(AllocateSlot());
        if (Failed(kernel::Copy(Slot, Device ? Device : FrameCapability(E.Frame), kernel::ReadWrite))) {
            FreeSlot(Slot);
            return STATUS_NO_MEMORY;
        }
    }
    u64 Page = AlignDown(Address, PageSize);
    Status Outcome = STATUS_NO_MEMORY;
    for (u32 Try = 0; Try < 4; ++Try) {
        kernel::Error Error = kernel::MapPage(Slot, Pml4_.Cap, Page, { .Writable = Writable, .Cached = !Device });
        if (!Failed(Error)) {
            E.Slot = Slot;
            E.Writable = Writable;
            ++MappedPages;
            return STATUS_SUCCESS;
        }
        if (Error != kernel::Error::FailedLookup)
            break;
        Leaf* L = LeafFor(Page, false).Take();
        KernelHandle Table;
        if (auto T = AllocateObject(KernelObject::PageTable); T.Ok())
            Table = T.Take();
        else
            break;
        Error = kernel::MapPageTable(Table.Cap, Pml4_.Cap, Page);
        if (Error == kernel::Error::FailedLookup) {
            auto D = AllocateObject(KernelObject::PageDirectory);
            if (D.Ok()) {
                Error = kernel::MapPageDirectory(D.Value().Cap, Pml4_.Cap, Page);
                if (Error == kernel::Error::FailedLookup) {
                    auto P = AllocateObject(KernelObject::Pdpt);
                    if (P.Ok() && !Failed(kernel::MapPdpt(P.Value().Cap, Pml4_.Cap, Page)) && Pdpts_.Push(Upper { AlignDown(Page, 512 * GiB), P.Value() }).Ok())
                        Error = kernel::MapPageDirectory(D.Value().Cap, Pml4_.Cap, Page);
                    else if (P.Ok())
                        FreeObject(P.Value(), KernelObject::Pdpt);
                }
                if (!Failed(Error) && Directories_.Push(Upper { AlignDown(Page, GiB), D.Value() }).Ok()) {
                    Error = kernel::MapPageTable(Table.Cap, Pml4_.Cap, Page);
                } else {
                    FreeObject(D.Value(), KernelObject::PageDirectory);
                    Error = kernel::Error::NotEnoughMemory;
                }
            }
        }
        if (Failed(Error)) {
            FreeObject(Table, KernelObject::PageTable);
            break;
        }
        L->Table = Table;
    }
    if (ReturnClientCopy(E.Frame, Slot))
        return Outcome;
    kernel::Error Ignored = kernel::Delete(Slot);
    (void)Ignored;
    FreeSlot(Slot);
    return Outcome;
}

void AddressSpace::UnmapInHardware(Pte& E)
{
    if (!E.Slot)
        return;
    bool Kept = ReturnClientCopy(E.Frame, E.Slot);
    // A space that is gone maps nothing; but a capability that is used again must know.
    kernel::Error Error = Pml4_.Cap || Kept ? kernel::UnmapPage(E.Slot) : kernel::Error::None;
    ASSERT(!Failed(Error));
    if (!Kept) {
        Error = kernel::Delete(E.Slot);
        ASSERT(!Failed(Error));
        FreeSlot(E.Slot);
    }
    E.Slot = 0;
    E.Writable = 0;
    --MappedPages;
}

}
