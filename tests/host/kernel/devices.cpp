// Interrupts, ports, clock, log.
#include "tests/host/kernel/machine.hpp"

using namespace kernel;

class Devices : public MachineTest { };

TEST_F(Devices, AnInterruptComesOnceUntilAcknowledged)
{
    CPtr Irq = Slot(), N = Make(ObjectType::Notification), Bit = Slot();
    EXPECT_EQ(Mint(Bit, N, AllRights, 0x10), Error::None);
    EXPECT_EQ(GetIoApicIrq(Irq, 0, 2, false, false, 5), Error::None);
    EXPECT_EQ(GetIoApicIrq(Slot(), 0, 3, false, false, 5), Error::RevokeFirst);
    EXPECT_EQ(GetIoApicIrq(Slot(), 0, 3, false, false, 108), Error::RangeError);
    EXPECT_EQ(GetMsiIrq(Slot(), 0, 4, 0, 0, 5), Error::RevokeFirst);
    EXPECT_EQ(GetMsiIrq(Slot(), 0, 32, 0, 0, 6), Error::RangeError);
    EXPECT_EQ(GetMsiIrq(Slot(), 0, 4, 0, 0, Vectors), Error::RangeError);
    EXPECT_EQ(GetMsiIrq(Slot(), 0, 4, 0, 0, 6), Error::None);
    EXPECT_EQ(SetIrqNotification(Irq, Irq), Error::InvalidCapability);
    EXPECT_EQ(SetIrqNotification(Irq, Bit), Error::None);
    EXPECT_EQ(PollNotification(N), 0u);
    fake::RaiseIrq(5);
    EXPECT_EQ(PollNotification(N), 0x10u);
    EXPECT_TRUE(fake::IsIrqMasked(5));
    fake::RaiseIrq(5);
    EXPECT_EQ(PollNotification(N), 0u);
    EXPECT_EQ(AckIrq(Irq), Error::None);
    fake::RaiseIrq(5);
    EXPECT_EQ(PollNotification(N), 0x10u);
}

TEST_F(Devices, PortsAreWhatATestAttaches)
{
    u32 Register = 3;
    fake::AttachPorts(0x60, 0x64, { .In = [&](u16 Port, u32) { return Port == 0x60 ? Register : 0u; },
                                    .Out = [&](u16, u32, u32 Value) { Register = Value; } });
    EXPECT_EQ(In8(0x60), 3);
    Out32(0x61, 0x1234'5678);
    EXPECT_EQ(In32(0x60), 0x1234'5678u);
    EXPECT_EQ(In16(0x60), 0x5678u);
    EXPECT_EQ(In16(0x1000), 0xFFFF);
}

TEST_F(Devices, TheClockStandsStill)
{
    u64 Now = Tsc();
    EXPECT_EQ(Tsc(), Now);
    fake::AdvanceTsc(100);
    EXPECT_EQ(Tsc(), Now + 100);
    DebugWrite("abc", 3);
    EXPECT_TRUE(fake::DebugText().ends_with("abc"));
}
