// AVX registers across threads, and an interrupt.
#include "kernel/sel4/selftest/harness.hpp"

namespace selftest {

static volatile u64 Rounds[2], Mismatches[2];
static volatile bool Stop;

// Fills all sixteen YMM registers from one pattern, then compares again and again while being preempted.
static void Filler(u64 Index)
{
    alignas(32) u8 Pattern[32], Got[16][32];
    for (u32 I = 0; I < 32; ++I)
        Pattern[I] = u8(I * 7 + 1 + Index * 100);
    asm volatile("vmovdqa (%0), %%ymm0; vmovdqa (%0), %%ymm1; vmovdqa (%0), %%ymm2; vmovdqa (%0), %%ymm3;"
                 "vmovdqa (%0), %%ymm4; vmovdqa (%0), %%ymm5; vmovdqa (%0), %%ymm6; vmovdqa (%0), %%ymm7;"
                 "vmovdqa (%0), %%ymm8; vmovdqa (%0), %%ymm9; vmovdqa (%0), %%ymm10; vmovdqa (%0), %%ymm11;"
                 "vmovdqa (%0), %%ymm12; vmovdqa (%0), %%ymm13; vmovdqa (%0), %%ymm14; vmovdqa (%0), %%ymm15"
                 : : "r"(Pattern) : "memory");
    while (!Stop) {
        asm volatile("vmovdqa %%ymm0, (%0); vmovdqa %%ymm1, 32(%0); vmovdqa %%ymm2, 64(%0); vmovdqa %%ymm3, 96(%0);"
                     "vmovdqa %%ymm4, 128(%0); vmovdqa %%ymm5, 160(%0); vmovdqa %%ymm6, 192(%0); vmovdqa %%ymm7, 224(%0);"
                     "vmovdqa %%ymm8, 256(%0); vmovdqa %%ymm9, 288(%0); vmovdqa %%ymm10, 320(%0); vmovdqa %%ymm11, 352(%0);"
                     "vmovdqa %%ymm12, 384(%0); vmovdqa %%ymm13, 416(%0); vmovdqa %%ymm14, 448(%0); vmovdqa %%ymm15, 480(%0)"
                     : : "r"(Got) : "memory");
        for (u32 I = 0; I < sizeof(Got); ++I)
            if ((&Got[0][0])[I] != Pattern[I % 32])
                Mismatches[Index] = Mismatches[Index] + 1;
        Rounds[Index] = Rounds[Index] + 1;
        if (Rounds[Index] % 16 == 0)
            Yield();
    }
    for (;;)
        Call(ClientEndpoint, 1, 1, Index, 0, 0, 0);
}

void TestAvx()
{
    CPtr Endpoint = Make(ObjectType::Endpoint);
    Thread A = NewThread(Endpoint, 1, Priority), B = NewThread(Endpoint, 2, Priority);
    Run(A, Filler, 0);
    Run(B, Filler, 1);
    u64 Start = Tsc();
    while ((Rounds[0] < 2000 || Rounds[1] < 2000) && Tsc() - Start < 4000000000ull)
        Yield();
    Stop = true;
    Message M = Receive(Endpoint);
    CPtr Saved = Slot();
    Must(SaveCaller(Saved), "SaveCaller");
    Check(M.Label == 1 && Receive(Endpoint).Label == 1, "threads with AVX state run without faults");
    Check(Rounds[0] >= 2000 && Rounds[1] >= 2000, "both made progress");
    CheckEqual(Mismatches[0] + Mismatches[1], 0, "each keeps all sixteen YMM registers");
    Must(SuspendTcb(A.Tcb), "SuspendTcb");
    Must(SuspendTcb(B.Tcb), "SuspendTcb");
}

// The interval timer: pin 2 of the first IOAPIC on a PC, edge-triggered, active high.
void TestInterrupt()
{
    CPtr Irq = Slot(), Source = Make(ObjectType::Notification), Badged = Slot();
    Check(!Failed(GetIoApicIrq(Irq, 0, 2, false, false, 0)), "GetIoApicIrq");
    Check(GetIoApicIrq(Slot(), 0, 2, false, false, 200) == Error::RangeError, "a vector over 107: RangeError");
    Must(Mint(Badged, Source, AllRights, 0x100), "Mint");
    Check(!Failed(SetIrqNotification(Irq, Badged)), "SetIrqNotification");
    constexpr u32 Divisor = 1193182 / 100;
    Out8(0x43, 0x34);
    Out8(0x40, Divisor & 0xff);
    Out8(0x40, Divisor >> 8);
    u64 Before = Tsc();
    bool Badges = true;
    for (u32 I = 0; I < 5; ++I) {
        Badges &= WaitNotification(Source) == 0x100;
        Check(!Failed(AckIrq(Irq)), "an interrupt came and was acknowledged");
    }
    Check(Badges, "with the badge of its notification");
    u64 Ticks = Tsc() - Before;
    Print("# five ticks of 10 ms took ");
    PrintNumber(Boot->TscFrequency ? Ticks * 1000000 / Boot->TscFrequency : 0);
    Print(" us\n");
    Out8(0x43, 0x30);
}

}
