// Slots, derivation, untyped memory.
#include "tests/host/kernel/machine.hpp"

using namespace kernel;

class Space : public MachineTest { };

TEST_F(Space, BootUntypedsCoverTheMemoryOnce)
{
    u64 Bytes = 0, Last = 0;
    for (u32 I = 0; I < Info->UntypedCount; ++I) {
        const UntypedInfo& U = Info->Untyped[I];
        if (U.IsDevice)
            continue;
        EXPECT_EQ(U.Physical & ((u64(1) << U.SizeBits) - 1), 0u);
        EXPECT_GE(U.Physical, Last);
        Last = U.Physical + (u64(1) << U.SizeBits);
        Bytes += u64(1) << U.SizeBits;
    }
    EXPECT_EQ(Bytes, 64 * MiB);
    EXPECT_GE(Last, Info->ImagePhysical + (Info->ImageFrames << PageShift));
}

TEST_F(Space, RetypeChecksItsArguments)
{
    CPtr U = Make(ObjectType::Untyped, 16), At = Slot();
    EXPECT_EQ(Retype(At, ObjectType::Page, 0, At, 1), Error::InvalidCapability);
    EXPECT_EQ(Retype(boot::Tcb, ObjectType::Page, 0, At, 1), Error::IllegalOperation);
    EXPECT_EQ(Retype(U, ObjectType::Page, 0, At, 0), Error::RangeError);
    EXPECT_EQ(Retype(U, ObjectType::Endpoint, 0, At, 257), Error::RangeError);
    EXPECT_EQ(Retype(U, ObjectType::Endpoint, 0, SlotLimit() - 1, 2), Error::RangeError);
    EXPECT_EQ(Retype(U, ObjectType::Endpoint, 0, SlotLimit(), 1), Error::FailedLookup);
    EXPECT_EQ(Retype(U, ObjectType::CNode, 0, At, 1), Error::InvalidArgument);
    EXPECT_EQ(Retype(U, ObjectType::Untyped, 3, At, 1), Error::InvalidArgument);
    EXPECT_EQ(Retype(U, ObjectType::Untyped, 48, At, 1), Error::RangeError);
    EXPECT_EQ(Retype(U, ObjectType::Page, 0, U, 1), Error::DeleteFirst);
    EXPECT_EQ(Retype(U, ObjectType::Page, 0, At, 17), Error::NotEnoughMemory);
    EXPECT_EQ(Retype(U, ObjectType::LargePage, 0, At, 1), Error::NotEnoughMemory);
    EXPECT_EQ(Retype(U, ObjectType::Page, 0, At, 16), Error::None);
    EXPECT_EQ(Retype(U, ObjectType::Page, 0, At + 16, 1), Error::NotEnoughMemory);
}

TEST_F(Space, ObjectsAreAligned)
{
    CPtr U = Make(ObjectType::Untyped, 14);
    Make(ObjectType::Endpoint, 0, U);
    CPtr Page = Make(ObjectType::Page, 0, U);
    u64 First, Second;
    EXPECT_EQ(PageAddress(Page, First), Error::None);
    EXPECT_EQ(First & PageMask, 0u);
    // The rest of the first page is passed over for good.
    EXPECT_EQ(Retype(U, ObjectType::Page, 0, Slot(), 3), Error::NotEnoughMemory);
    CPtr Two = Slot();
    Slot();
    EXPECT_EQ(Retype(U, ObjectType::Page, 0, Two, 2), Error::None);
    EXPECT_EQ(PageAddress(Two, Second), Error::None);
    EXPECT_EQ(Second, First + PageSize);
}

TEST_F(Space, AnUntypedBeginsAnewWithoutChildren)
{
    CPtr U = Make(ObjectType::Untyped, 12), Page = Slot();
    EXPECT_EQ(Retype(U, ObjectType::Page, 0, Page, 1), Error::None);
    u64 Physical, Again;
    EXPECT_EQ(PageAddress(Page, Physical), Error::None);
    fake::PhysicalBytes(Physical)[5] = 7;
    EXPECT_EQ(Retype(U, ObjectType::Pml4, 0, Slot(), 1), Error::NotEnoughMemory);
    CPtr Kept = Slot();
    EXPECT_EQ(Copy(Kept, Page, ReadWrite), Error::None);
    EXPECT_EQ(Delete(Page), Error::None);
    EXPECT_EQ(Retype(U, ObjectType::Page, 0, Page, 1), Error::NotEnoughMemory);     // the copy is a child too
    EXPECT_EQ(Delete(Kept), Error::None);
    EXPECT_EQ(Retype(U, ObjectType::Page, 0, Page, 1), Error::None);
    EXPECT_EQ(PageAddress(Page, Again), Error::None);
    EXPECT_EQ(Physical, Again);
    EXPECT_EQ(fake::PhysicalBytes(Physical)[5], 0);
}

TEST_F(Space, AnUntypedBeginsAnewAloneInItsPage)
{
    CPtr Two = Make(ObjectType::Untyped, 13), Small = Slot();
    for (u32 I = 1; I < 128; ++I)
        Slot();
    EXPECT_EQ(Retype(Two, ObjectType::Untyped, 5, Small, 128), Error::None);        // all of the first page
    CPtr Neighbour = Make(ObjectType::Page, 0, Two), Object = Slot();
    u64 Physical;
    EXPECT_EQ(PageAddress(Neighbour, Physical), Error::None);
    memset(fake::PhysicalBytes(Physical - PageSize), 7, 2 * PageSize);
    for (CPtr U : { Small + 100, Small + 127 })
        for (u32 Round = 0; Round < 2; ++Round) {
            EXPECT_EQ(Retype(U, ObjectType::Notification, 0, Object, 1), Error::None);
            EXPECT_EQ(Delete(Object), Error::None);
        }
    const u8* Bytes = fake::PhysicalBytes(Physical - PageSize);
    for (u64 I = 0; I < 2 * PageSize; ++I)
        ASSERT_EQ(Bytes[I], I / 32 == 100 || I / 32 == 127 ? 0 : 7) << I;
}

TEST_F(Space, RevokeTakesEverythingBelow)
{
    u64 Before = fake::CapabilityCount();
    CPtr U = Make(ObjectType::Untyped, 16), Small = Make(ObjectType::Untyped, 12, U), Page = Make(ObjectType::Page, 0, Small), Shared = Slot(), Again = Slot();
    EXPECT_EQ(Copy(Shared, Page, ReadWrite), Error::None);
    EXPECT_EQ(Copy(Again, Shared, ReadWrite), Error::None);
    EXPECT_EQ(Revoke(Shared), Error::None);         // a copy of a page has no descendants
    EXPECT_FALSE(fake::IsEmpty(Again));
    EXPECT_EQ(Revoke(Page), Error::None);
    EXPECT_TRUE(fake::IsEmpty(Shared) && fake::IsEmpty(Again));
    EXPECT_FALSE(fake::IsEmpty(Page));
    EXPECT_EQ(Revoke(U), Error::None);
    EXPECT_EQ(fake::CapabilityCount(), Before + 1);
    EXPECT_EQ(Retype(U, ObjectType::Page, 0, Small, 16), Error::None);
}

TEST_F(Space, BadgesOfEndpointsHave28Bits)
{
    CPtr Endpoint = Make(ObjectType::Endpoint), Badged = Slot(), Other = Slot();
    EXPECT_EQ(Mint(Badged, Endpoint, AllRights, 0x1'2345'6789), Error::None);
    EXPECT_EQ(fake::BadgeOf(Badged), 0x345'6789u);
    EXPECT_EQ(Mint(Other, Badged, AllRights, 5), Error::IllegalOperation);
    EXPECT_EQ(Copy(Other, Badged, AllRights), Error::None);
    EXPECT_EQ(fake::BadgeOf(Other), 0x345'6789u);
    CPtr N = Make(ObjectType::Notification), Bit = Slot();
    EXPECT_EQ(Mint(Bit, N, AllRights, u64(1) << 63), Error::None);
    EXPECT_EQ(fake::BadgeOf(Bit), u64(1) << 63);
    EXPECT_EQ(Revoke(Endpoint), Error::None);
    EXPECT_TRUE(fake::IsEmpty(Badged) && fake::IsEmpty(Other));
}

TEST_F(Space, CopiesAndMovesCheckTheirSlots)
{
    CPtr Endpoint = Make(ObjectType::Endpoint), Empty = Slot(), There = Make(ObjectType::Notification), Nothing = Slot();
    EXPECT_EQ(Copy(There, Endpoint, AllRights), Error::DeleteFirst);
    EXPECT_EQ(Copy(Empty, Nothing, AllRights), Error::FailedLookup);
    EXPECT_EQ(Copy(SlotLimit(), Endpoint, AllRights), Error::FailedLookup);
    EXPECT_EQ(Move(There, Endpoint), Error::DeleteFirst);
    EXPECT_EQ(Move(Empty, Endpoint), Error::None);
    EXPECT_TRUE(fake::IsEmpty(Endpoint));
    EXPECT_EQ(Delete(Endpoint), Error::None);       // an empty slot is fine
    EXPECT_EQ(Copy(Slot(), Make(ObjectType::PageTable), AllRights), Error::IllegalOperation);      // not mapped
    EXPECT_EQ(Copy(Slot(), Make(ObjectType::Pml4), AllRights), Error::IllegalOperation);           // no ASID
}

TEST_F(Space, ClientNodes)
{
    CPtr Node = Make(ObjectType::CNode, 2), Endpoint = Make(ObjectType::Endpoint);
    EXPECT_EQ(MintInto(Node, 2, 1, Endpoint, AllRights, 77), Error::None);
    EXPECT_EQ(MintInto(Node, 2, 1, Endpoint, AllRights, 78), Error::DeleteFirst);
    EXPECT_EQ(MintInto(Node, 2, 4, Endpoint, AllRights, 78), Error::FailedLookup);
    EXPECT_EQ(MintInto(boot::Tcb, 2, 1, Endpoint, AllRights, 78), Error::IllegalOperation);
    EXPECT_EQ(DeleteFrom(Node, 2, 1), Error::None);
    EXPECT_EQ(DeleteFrom(Node, 2, 1), Error::None);
    EXPECT_EQ(MintInto(Node, 2, 1, Endpoint, AllRights, 78), Error::None);
    EXPECT_EQ(Delete(Node), Error::None);           // what is in it goes with it
    CPtr Other = Slot();
    EXPECT_EQ(Mint(Other, Endpoint, AllRights, 1), Error::None);
}

TEST_F(Space, AddSlots)
{
    CPtr Before = SlotLimit(), Large = Make(ObjectType::Untyped, 21), Little = Make(ObjectType::Untyped, 20);
    EXPECT_EQ(AddSlots(Little), Error::NotEnoughMemory);
    EXPECT_EQ(AddSlots(Large), Error::None);
    EXPECT_EQ(SlotLimit(), Before + 0x10000);
    EXPECT_EQ(AddSlots(Large), Error::NotEnoughMemory);
    EXPECT_EQ(Retype(Little, ObjectType::Page, 0, Before, 256), Error::None);
    EXPECT_EQ(Retype(Make(ObjectType::Untyped, 14), ObjectType::Page, 0, Before - 2, 4), Error::RangeError);   // not across nodes
}

TEST_F(Space, DeviceMemoryMakesFramesOnly)
{
    CPtr Device = 0;
    u64 Physical = 0, Got;
    for (u32 I = 0; I < Info->UntypedCount; ++I)
        if (Info->Untyped[I].IsDevice) {
            Device = Info->Untyped[I].Cap;
            Physical = Info->Untyped[I].Physical;
        }
    EXPECT_EQ(Retype(Device, ObjectType::Tcb, 0, Slot(), 1), Error::InvalidArgument);
    CPtr Frame = Make(ObjectType::Page, 0, Device);
    EXPECT_EQ(PageAddress(Frame, Got), Error::None);
    EXPECT_EQ(Got, Physical);
}

TEST_F(Space, BeyondTheLimitTheRealKernelStops)
{
    EXPECT_DEATH((void)MapPage(SlotLimit(), boot::Pml4, 0x10000, {}), "beyond SlotLimit");
}

TEST_F(Space, FailuresOnDemand)
{
    CPtr Endpoint = Make(ObjectType::Endpoint), At = Slot();
    fake::FailNext(fake::Operation::Copy, 1);
    EXPECT_EQ(Copy(At, Endpoint, AllRights), Error::None);
    EXPECT_EQ(Copy(Slot(), Endpoint, AllRights), Error::NotEnoughMemory);
    EXPECT_EQ(Copy(Slot(), Endpoint, AllRights), Error::None);
    fake::FailAny(2);
    u32 Failures = 0;
    for (u32 I = 0; I < 6; ++I)
        Failures += Failed(I & 1 ? Copy(Slot(), Endpoint, AllRights) : Retype(Ram(), ObjectType::Endpoint, 0, Slot(), 1));
    EXPECT_EQ(Failures, 1u);
    EXPECT_FALSE(fake::FailurePending());
}
