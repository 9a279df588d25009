// Capability space and memory.
#include "kernel/sel4/selftest/harness.hpp"

namespace selftest {

void TestSpace()
{
    Print("# image ");
    PrintHex(Boot->ImageAddress);
    Print(" at ");
    PrintHex(Boot->ImagePhysical);
    Print(", pages ");
    PrintNumber(Boot->ImageFrames);
    Print("; free slots ");
    PrintNumber(Boot->FirstFreeSlot);
    Print("-");
    PrintNumber(Boot->EndFreeSlot);
    Print("; TSC ");
    PrintNumber(Boot->TscFrequency);
    Print(" Hz\n");
    for (u32 I = 0; I < Boot->UntypedCount; ++I) {
        if (Boot->Untyped[I].IsDevice)
            continue;
        Print("# untyped ");
        PrintHex(Boot->Untyped[I].Physical);
        Print(" bits ");
        PrintNumber(Boot->Untyped[I].SizeBits);
        Print("\n");
    }
    // All but the one that the harness has taken from: the largest.
    u32 NotWhole = 0;
    CPtr Page = Slot();
    for (u32 I = 0; I < Boot->UntypedCount; ++I) {
        const UntypedInfo& U = Boot->Untyped[I];
        u64 Physical = 0;
        if (U.IsDevice || U.SizeBits < 12 || Retype(U.Cap, ObjectType::Page, 0, Page, 1) == Error::DeleteFirst)
            continue;
        NotWhole += Failed(PageAddress(Page, Physical)) || Physical != U.Physical;
        Must(Delete(Page), "page of a boot untyped");
    }
    Check(NotWhole <= 1, "boot untypeds begin where they say");
    CheckEqual(SlotLimit(), 0x10000, "one CNode at first");
    Check(!Failed(AddSlots(UntypedOf(21))), "AddSlots");
    CheckEqual(SlotLimit(), 0x20000, "then two");
    CPtr Far = 0x10005;
    CPtr N = Make(ObjectType::Notification);
    Check(!Failed(Mint(Far, N, AllRights, 0x123456789abcdef)), "Mint into the second CNode");
    Signal(Far);
    CheckEqual(PollNotification(N), 0x123456789abcdef, "a slot there works; badges have 64 bits");
    CheckEqual(PollNotification(N), 0, "and the signal is gone");
    Check(!Failed(Move(0x1ffff, Far)) && !Failed(Copy(Far, 0x1ffff, AllRights)), "Move and Copy within it");
    Check(Copy(Far, N, AllRights) == Error::DeleteFirst, "Copy onto a full slot: DeleteFirst");
    Check(!Failed(Delete(Far)) && !Failed(Delete(Far)), "Delete, also of an empty slot");
    Check(Copy(Slot(), Far, AllRights) == Error::FailedLookup, "Copy of an empty slot: FailedLookup");
    CPtr U = UntypedOf(14);
    Check(!Failed(Retype(U, ObjectType::Page, 0, 0x10100, 3)), "Retype into it");
    Check(Retype(U, ObjectType::Page, 0, 0x10110, 2) == Error::NotEnoughMemory, "no memory: NotEnoughMemory");
    Check(!Failed(Revoke(U)) && !Failed(Retype(U, ObjectType::Page, 0, 0x10100, 4)), "Revoke gives it back");
    Check(Retype(UntypedOf(21), ObjectType::Page, 0, 0x10200, 257) == Error::RangeError, "257 at once: RangeError");
    Check(!Failed(Revoke(U)) && !Failed(Delete(U)), "Revoke and Delete an untyped");
    CheckEqual(u32(SuspendTcb(Far)), u32(Error::InvalidCapability), "an invocation of an empty slot: InvalidCapability");
    CheckEqual(u32(SuspendTcb(N)), u32(Error::None), "an invocation of a notification is a Signal, not an error");
    (void)PollNotification(N);
}

void TestMemory()
{
    constexpr u64 A = 0x310000000000, B = Window + 0x100000;
    CPtr Frame = Make(ObjectType::Page);
    Check(MapPage(Frame, boot::Pml4, A, { .Writable = true }) == Error::FailedLookup, "no Pdpt: FailedLookup");
    Check(MapPageTable(Make(ObjectType::PageTable), boot::Pml4, A) == Error::FailedLookup, "no directory either");
    Check(!Failed(MapPdpt(Make(ObjectType::Pdpt), boot::Pml4, A)), "MapPdpt");
    Check(MapPage(Frame, boot::Pml4, A, { .Writable = true }) == Error::FailedLookup, "no directory: FailedLookup");
    Check(!Failed(MapPageDirectory(Make(ObjectType::PageDirectory), boot::Pml4, A)), "MapPageDirectory");
    Check(MapPage(Frame, boot::Pml4, A, { .Writable = true }) == Error::FailedLookup, "no table: FailedLookup");
    CPtr Table = Make(ObjectType::PageTable);
    Check(!Failed(MapPageTable(Table, boot::Pml4, A)), "MapPageTable");
    Check(MapPageTable(Make(ObjectType::PageTable), boot::Pml4, A) == Error::DeleteFirst, "a second table there: DeleteFirst");
    Check(!Failed(MapPage(Frame, boot::Pml4, A, { .Writable = true })), "MapPage");
    auto& InA = *reinterpret_cast<volatile u64*>(A);
    CheckEqual(InA, 0, "a new page is zero");
    InA = 0x1122334455667788;
    CPtr Second = Slot();
    Check(!Failed(Copy(Second, Frame, ReadWrite)), "Copy of a mapped frame is unmapped");
    Check(MapPage(Frame, boot::Pml4, B, { .Writable = true }) == Error::InvalidCapability, "a second mapping of one capability: InvalidCapability");
    Check(MapPage(Second, boot::Pml4, A, { .Writable = true }) == Error::DeleteFirst, "onto a mapped address: DeleteFirst");
    Check(!Failed(MapPage(Second, boot::Pml4, B, { .Writable = true })), "the copy maps elsewhere");
    auto& InB = *reinterpret_cast<volatile u64*>(B);
    CheckEqual(InB, 0x1122334455667788, "both show one page");
    InB = 42;
    CheckEqual(InA, 42, "both ways");
    Check(!Failed(RemapPage(Second, boot::Pml4, { .Writable = false })) && InB == 42, "RemapPage read-only");
    Check(!Failed(RemapPage(Second, boot::Pml4, { .Writable = true })), "and back");
    InB = 43;
    CheckEqual(InA, 43, "writable again");
    u64 Physical = 0;
    Check(!Failed(PageAddress(Second, Physical)) && Physical && !(Physical & PageMask), "PageAddress");
    Check(!Failed(UnmapPage(Second)) && !Failed(UnmapPage(Second)), "UnmapPage, also twice");
    Check(MapPage(Second, boot::Pml4, A + 1, { .Writable = true }) == Error::AlignmentError, "an odd address: AlignmentError");
    Check(!Failed(MapPage(Second, boot::Pml4, B, { .Writable = true })) && InB == 43, "and mapped anew");
    Check(!Failed(Delete(Second)) && InB == 43, "deleting a mapped copy leaves it mapped: unmap first");
    CPtr Third = Make(ObjectType::Page);
    Check(MapPage(Third, boot::Pml4, B, { .Writable = true }) == Error::DeleteFirst, "and the address taken");
    Must(Copy(Second, Frame, ReadWrite), "Copy");
    Check(!Failed(MapPage(Third, boot::Pml4, B + PageSize, { .Writable = true })), "another address");
    Check(!Failed(Delete(Third)), "deleting the last capability of a page");
    Third = MapNewPage(B + PageSize);
    CheckEqual(*reinterpret_cast<volatile u64*>(B + PageSize), 0, "does unmap it");

    CPtr Pml4 = Make(ObjectType::Pml4);
    CheckEqual(u32(MapPdpt(Make(ObjectType::Pdpt), Pml4, A)), u32(Error::InvalidCapability), "an address space without ASID maps nothing");
    Check(!Failed(AssignAsid(boot::AsidPool, Pml4)), "AssignAsid");
    Check(!Failed(MapPdpt(Make(ObjectType::Pdpt), Pml4, A)), "then it does");
    CPtr Pool = Slot();
    Check(!Failed(MakeAsidPool(UntypedOf(12), Pool)), "MakeAsidPool");
    Check(!Failed(AssignAsid(Pool, Make(ObjectType::Pml4))), "and a space from it");
    CPtr Large = Make(ObjectType::LargePage);
    Check(MapPage(Large, boot::Pml4, A, { .Writable = true }) == Error::DeleteFirst, "a large page over a table: DeleteFirst");
    Check(!Failed(MapPage(Large, boot::Pml4, A + 2 * MiB, { .Writable = true })), "a large page of its own");
    *reinterpret_cast<volatile u64*>(A + 4 * MiB - 8) = 7;
    CheckEqual(*reinterpret_cast<volatile u64*>(A + 4 * MiB - 8), 7, "works");
}

}
