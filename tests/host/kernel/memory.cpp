// Mapping: tables, one mapping per capability, what stays and what goes.
#include "tests/host/kernel/machine.hpp"

using namespace kernel;

class Memory : public MachineTest {
protected:
    static constexpr u64 Address = 0x7654'3210'0000;
    static bool Reads(CPtr Space, u64 At, u8 Expected)
    {
        u8 Got = 0;
        return !fake::ReadClient(Space, At, &Got, 1) && Got == Expected;
    }
    static bool CanWrite(CPtr Space, u64 At)
    {
        u8 Byte = 0;
        return !fake::WriteClient(Space, At, &Byte, 1);
    }
};

TEST_F(Memory, TheImageIsThereAndWritable)
{
    u8* Image = fake::ImageBytes();
    Image[0] = 1;
    Image[(Info->ImageFrames << PageShift) - 1] = 2;
    EXPECT_EQ(fake::PhysicalBytes(Info->ImagePhysical)[0], 1);
    u64 Physical;
    EXPECT_EQ(PageAddress(Info->FirstImageFrame + 3, Physical), Error::None);
    EXPECT_EQ(Physical, Info->ImagePhysical + 3 * PageSize);
    // The kernel has put its own pages behind.
    CPtr Frame = Make(ObjectType::Page);
    EXPECT_EQ(MapPage(Frame, boot::Pml4, Info->ImageAddress + (Info->ImageFrames << PageShift), { .Writable = true }), Error::DeleteFirst);
}

TEST_F(Memory, TheWindow)
{
    CPtr Frame = Make(ObjectType::Page);
    u64 Physical;
    EXPECT_EQ(PageAddress(Frame, Physical), Error::None);
    u64 At = 0x1300'0000'0000;
    EXPECT_EQ(MapPage(Frame, boot::Pml4, At, { .Writable = true }), Error::FailedLookup);
    MakeTables(boot::Pml4, At);
    EXPECT_EQ(MapPage(Frame, boot::Pml4, At, { .Writable = true }), Error::None);
    *reinterpret_cast<u32*>(At + 8) = 0xABCD;
    EXPECT_EQ(*reinterpret_cast<u32*>(fake::PhysicalBytes(Physical) + 8), 0xABCDu);
    EXPECT_EQ(MapPage(Frame, boot::Pml4, At + PageSize, { .Writable = true }), Error::InvalidCapability);
    EXPECT_EQ(Delete(Frame), Error::None);          // its last capability: the page goes
    EXPECT_DEATH(*reinterpret_cast<volatile u32*>(At + 8) = 1, "");
}

TEST_F(Memory, TablesComeFromTheTop)
{
    CPtr Space = MakeSpace(), Frame = Make(ObjectType::Page), Table = Make(ObjectType::PageTable), Directory = Make(ObjectType::PageDirectory),
         Pdpt = Make(ObjectType::Pdpt);
    EXPECT_EQ(MapPage(Frame, Space, Address, {}), Error::FailedLookup);
    EXPECT_EQ(MapPageTable(Table, Space, Address), Error::FailedLookup);
    EXPECT_EQ(MapPageDirectory(Directory, Space, Address), Error::FailedLookup);
    EXPECT_EQ(MapPdpt(Pdpt, Space, Address), Error::None);
    EXPECT_EQ(MapPageTable(Table, Space, Address), Error::FailedLookup);
    EXPECT_EQ(MapPageDirectory(Directory, Space, Address), Error::None);
    EXPECT_EQ(MapPage(Frame, Space, Address, {}), Error::FailedLookup);
    EXPECT_EQ(MapPageTable(Table, Space, Address), Error::None);
    EXPECT_EQ(MapPageTable(Table, Space, Address + 2 * MiB), Error::InvalidCapability);
    EXPECT_EQ(MapPageTable(Make(ObjectType::PageTable), Space, Address + 4096), Error::DeleteFirst);
    EXPECT_EQ(MapPage(Frame, Space, Address + 1, {}), Error::AlignmentError);
    EXPECT_EQ(MapPage(Frame, Space, 0x8000'0000'0000, {}), Error::InvalidArgument);
    EXPECT_EQ(MapPage(Frame, Space, Address, {}), Error::None);
    EXPECT_EQ(MapPage(Make(ObjectType::Page), Space, Address, {}), Error::DeleteFirst);
    EXPECT_TRUE(Reads(Space, Address + 5, 0));
    EXPECT_FALSE(CanWrite(Space, Address));
    // A table that ends takes its pages along; the page's capability still says that it is mapped.
    EXPECT_EQ(Delete(Table), Error::None);
    EXPECT_FALSE(Reads(Space, Address, 0));
    EXPECT_EQ(MapPageTable(Make(ObjectType::PageTable), Space, Address), Error::None);
    EXPECT_EQ(MapPage(Frame, Space, Address, {}), Error::InvalidCapability);
    EXPECT_EQ(UnmapPage(Frame), Error::None);
    EXPECT_EQ(MapPage(Frame, Space, Address, {}), Error::None);
}

TEST_F(Memory, WithoutAsidNothingIsMapped)
{
    CPtr Space = Make(ObjectType::Pml4);
    EXPECT_EQ(MapPdpt(Make(ObjectType::Pdpt), Space, Address), Error::InvalidCapability);
    EXPECT_EQ(MapPage(Make(ObjectType::Page), Space, Address, {}), Error::InvalidCapability);
    EXPECT_EQ(AssignAsid(boot::AsidPool, Space), Error::None);
    EXPECT_EQ(AssignAsid(boot::AsidPool, Space), Error::InvalidCapability);
    EXPECT_EQ(MapPdpt(Make(ObjectType::Pdpt), Space, Address), Error::None);
}

TEST_F(Memory, AnAsidPoolServes512)
{
    u32 Made = 0;
    CPtr Space;
    Error E;
    for (;; ++Made) {
        Space = Make(ObjectType::Pml4);
        if (E = AssignAsid(boot::AsidPool, Space); Failed(E))
            break;
    }
    EXPECT_EQ(E, Error::DeleteFirst);
    EXPECT_EQ(Made, 510u);              // 0 is no ASID, 1 is the Executive's
    CPtr Pool = Slot();
    EXPECT_EQ(MakeAsidPool(Make(ObjectType::Untyped, 13), Pool), Error::InvalidCapability);
    EXPECT_EQ(MakeAsidPool(Make(ObjectType::Untyped, 12), Pool), Error::None);
    EXPECT_EQ(AssignAsid(Pool, Space), Error::None);
    EXPECT_EQ(Delete(Space), Error::None);
    EXPECT_EQ(AssignAsid(Pool, Make(ObjectType::Pml4)), Error::None);
}

TEST_F(Memory, CopiesMapOnTheirOwn)
{
    CPtr A = MakeSpace(), B = MakeSpace(), Frame = Make(ObjectType::Page), ForA = Slot(), ForB = Slot();
    MakeTables(A, Address);
    MakeTables(B, Address);
    EXPECT_EQ(MapPage(Frame, A, Address, { .Writable = true }), Error::None);
    EXPECT_EQ(Copy(ForA, Frame, Read), Error::None);
    EXPECT_EQ(Copy(ForB, Frame, ReadWrite), Error::None);
    EXPECT_EQ(MapPage(ForA, A, Address + PageSize, { .Writable = true }), Error::None);     // but the copy may only read
    EXPECT_EQ(MapPage(ForB, B, Address, { .Writable = true }), Error::None);
    u8 Byte = 9;
    EXPECT_FALSE(fake::WriteClient(B, Address + 17, &Byte, 1));
    EXPECT_TRUE(Reads(A, Address + 17, 9) && Reads(A, Address + PageSize + 17, 9));
    EXPECT_FALSE(CanWrite(A, Address + PageSize));
    EXPECT_EQ(RemapPage(ForB, A, { .Writable = false }), Error::InvalidCapability);
    EXPECT_EQ(RemapPage(ForB, B, { .Writable = false }), Error::None);
    EXPECT_FALSE(CanWrite(B, Address));
    EXPECT_EQ(fake::MappingCount(A), 2u);
}

TEST_F(Memory, ADeletedCopyLeavesItsMapping)
{
    CPtr Space = MakeSpace(), Frame = Make(ObjectType::Page), Copied = Slot();
    MakeTables(Space, Address);
    EXPECT_EQ(Copy(Copied, Frame, ReadWrite), Error::None);
    EXPECT_EQ(MapPage(Copied, Space, Address, {}), Error::None);
    EXPECT_EQ(fake::StrayMappings(), 0u);
    EXPECT_EQ(Delete(Copied), Error::None);
    EXPECT_TRUE(Reads(Space, Address, 0));
    EXPECT_EQ(fake::StrayMappings(), 1u);
    EXPECT_EQ(Copy(Copied, Frame, ReadWrite), Error::None);
    EXPECT_EQ(MapPage(Copied, Space, Address, {}), Error::DeleteFirst);
    EXPECT_EQ(Delete(Space), Error::None);
    EXPECT_EQ(fake::StrayMappings(), 0u);
}

TEST_F(Memory, ASpaceThatEndsMapsNothing)
{
    CPtr Space = MakeSpace(), Frame = Make(ObjectType::Page), Other;
    MakeTables(Space, Address);
    EXPECT_EQ(MapPage(Frame, Space, Address, {}), Error::None);
    EXPECT_EQ(Delete(Space), Error::None);
    EXPECT_FALSE(Reads(Space, Address, 0));
    EXPECT_EQ(UnmapPage(Frame), Error::None);
    Other = MakeSpace();
    MakeTables(Other, Address);
    EXPECT_EQ(MapPage(Frame, Other, Address, {}), Error::None);
}

TEST_F(Memory, AccessesAcrossPagesFaultWhereTheyStop)
{
    CPtr Space = MakeSpace(), Frame = Make(ObjectType::Page);
    MakeTables(Space, Address);
    EXPECT_EQ(MapPage(Frame, Space, Address, {}), Error::None);
    u8 Bytes[32];
    fake::Fault F = fake::ReadClient(Space, Address + PageSize - 16, Bytes, 32);
    EXPECT_TRUE(F);
    EXPECT_EQ(F.Address, Address + PageSize);
    EXPECT_EQ(F.ErrorCode, 4u);
    F = fake::WriteClient(Space, Address, Bytes, 32);
    EXPECT_EQ(F.ErrorCode, 7u);
}
