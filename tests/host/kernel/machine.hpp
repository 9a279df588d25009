// A fresh machine for each test, and short ways to objects.
#pragma once
#include "kernel/fake/fake.hpp"
#include "tests/host/support/gtest.hpp"

namespace kernel {
// Readable failures.
inline void PrintTo(Error E, std::ostream* To)
{
    static const char* const Names[] = { "None", "InvalidArgument", "InvalidCapability", "IllegalOperation", "RangeError", "AlignmentError",
                                         "FailedLookup", "TruncatedMessage", "DeleteFirst", "RevokeFirst", "NotEnoughMemory" };
    *To << Names[u32(E)];
}
}

using kernel::CPtr;
using kernel::Error;
using kernel::ObjectType;

class MachineTest : public ::testing::Test {
protected:
    MachineTest() : MachineTest(fake::Configuration {}) { }
    explicit MachineTest(const fake::Configuration& With)
    {
        fake::Reset(With);
        Info = &kernel::Start(nullptr);
        NextSlot = Info->FirstFreeSlot;
    }
    ~MachineTest() override { fake::Reset(); }
    // The largest untyped of RAM.
    CPtr Ram() const
    {
        const kernel::UntypedInfo* Best = nullptr;
        for (u32 I = 0; I < Info->UntypedCount; ++I)
            if (!Info->Untyped[I].IsDevice && (!Best || Info->Untyped[I].SizeBits > Best->SizeBits))
                Best = &Info->Untyped[I];
        return Best->Cap;
    }
    CPtr Slot() { return NextSlot++; }
    CPtr Make(ObjectType Type, u32 SizeBits = 0, CPtr From = 0)
    {
        CPtr At = Slot();
        EXPECT_EQ(kernel::Retype(From ? From : Ram(), Type, SizeBits, At, 1), Error::None);
        return At;
    }
    CPtr MakeSpace()
    {
        CPtr Space = Make(ObjectType::Pml4);
        EXPECT_EQ(kernel::AssignAsid(kernel::boot::AsidPool, Space), Error::None);
        return Space;
    }
    // Tables for one address.
    void MakeTables(CPtr Space, u64 Address)
    {
        EXPECT_EQ(kernel::MapPdpt(Make(ObjectType::Pdpt), Space, Address), Error::None);
        EXPECT_EQ(kernel::MapPageDirectory(Make(ObjectType::PageDirectory), Space, Address), Error::None);
        EXPECT_EQ(kernel::MapPageTable(Make(ObjectType::PageTable), Space, Address), Error::None);
    }
    const kernel::BootInfo* Info;
    CPtr NextSlot;
};
