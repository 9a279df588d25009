// The clock: HPET timer 0 as a one-shot alarm, the TSC as the counter, the CMOS clock for the date.
#include "kernel/kernel.hpp"
#include "ntos/hal/hal.hpp"
#include "ntos/ke/time.hpp"
#include "ntos/mm/mm.hpp"

namespace hal {

using namespace nt;

// IA-PC HPET specification 1.0a, section 2.3.
static constexpr u64 HpetAddress = 0xFED00000;
static constexpr u32 Capabilities = 0x000, Configuration = 0x010, Counter = 0x0F0, Timer0Configuration = 0x100, Timer0Comparator = 0x108;
static constexpr u64 EnableCounter = 1, TimerEnable = 1 << 2;
static constexpr u32 RouteShift = 9;

static volatile u8* Hpet;
static u64 TicksPer100ns32;             // 32.32 HPET ticks per 100 ns
static u64 Irq;

static u64 Read(u32 Register)
{
    return *reinterpret_cast<volatile u64*>(Hpet + Register);
}

static void Write(u32 Register, u64 Value)
{
    *reinterpret_cast<volatile u64*>(Hpet + Register) = Value;
}

static u64 Cmos(u8 Register)
{
    kernel::Out8(0x70, Register);
    return kernel::In8(0x71);
}

// Seconds of the CMOS clock, read twice alike, as an NT time. MC146818 data sheet; the clock runs in UTC.
static u64 ReadDate()
{
    u64 Now[7] = {}, Before[7] = {};
    static constexpr u8 Registers[] = { 0x00, 0x02, 0x04, 0x07, 0x08, 0x09, 0x32 };
    for (u32 Tries = 0; Tries < 1000; ++Tries) {
        if (Cmos(0x0A) & 0x80)
            continue;
        bool Same = true;
        for (u32 I = 0; I < 7; ++I) {
            Now[I] = Cmos(Registers[I]);
            Same &= Now[I] == Before[I];
        }
        if (Same && Tries)
            break;
        for (u32 I = 0; I < 7; ++I)
            Before[I] = Now[I];
    }
    u64 Mode = Cmos(0x0B);
    bool Pm = !(Mode & 2) && Now[2] & 0x80;
    Now[2] &= 0x7F;
    if (!(Mode & 4))
        for (u64& N : Now)
            N = (N >> 4) * 10 + (N & 15);
    if (!(Mode & 2))
        Now[2] = Now[2] % 12 + (Pm ? 12 : 0);
    u64 Year = Now[5] + 100 * (Now[6] >= 19 && Now[6] <= 99 ? Now[6] : 20), Month = Now[4], Day = Now[3];
    if (Month < 1 || Month > 12 || Day < 1 || Year < 1970)
        return 0;
    // Days since 1601-01-01, counting years from March.
    u64 Y = Year - (Month <= 2), M = (Month + 9) % 12;
    u64 Days = 365 * Y + Y / 4 - Y / 100 + Y / 400 + (M * 306 + 5) / 10 + (Day - 1);
    constexpr u64 Epoch = 365 * 1600 + 1600 / 4 - 1600 / 100 + 1600 / 400 + (10 * 306 + 5) / 10;     // 1601-01-01, counted the same way
    return (((Days - Epoch) * 24 + Now[2]) * 60 + Now[1]) * 60 * 10'000'000 + Now[0] * 10'000'000;
}

static void SetAlarm(u64 Due)
{
    u64 Now = ke::InterruptTime();
    u64 Span = Due > Now ? Due - Now : 0;
    if (Span > 10'000'000)
        Span = 10'000'000;              // at least once a second
    u64 Ticks = u64((unsigned __int128)Span * TicksPer100ns32 >> 32) + 1;
    u64 At = Read(Counter) + Ticks;
    Write(Timer0Comparator, At);
    // A comparator value that has gone by already would only match after a wrap.
    while (i64(Read(Counter) - At) >= 0) {
        Ticks = Ticks * 2 + 1000;
        At = Read(Counter) + Ticks;
        Write(Timer0Comparator, At);
    }
}

static void Tick()
{
    // First of all: the I/O APIC drops an edge that comes while the pin is masked, and RunTimers sets an alarm that may be due at once.
    kernel::Error E = kernel::AckIrq(Irq);
    (void)E;                            // nothing could be done
    ke::RunTimers();
}

Status InitializeClock(void* SharedPage)
{
    Hpet = TRY(mm::MapDevice(HpetAddress, PageSize));
    u64 Caps = Read(Capabilities);
    u64 Femtoseconds = Caps >> 32;
    if (Femtoseconds == 0 || Femtoseconds > 100'000'000)
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    TicksPer100ns32 = u64(((unsigned __int128)100'000'000 << 32) / Femtoseconds);
    u64 Routes = Read(Timer0Configuration) >> 32;
    Write(Configuration, 0);
    Write(Counter, 0);
    Write(Configuration, EnableCounter);

    // How fast the TSC runs: over 10 ms.
    u64 Ticks = 10'000'000'000'000 / Femtoseconds;
    u64 Start = Read(Counter), TscStart = kernel::Tsc();
    while (Read(Counter) - Start < Ticks) { }
    u64 TscEnd = kernel::Tsc(), End = Read(Counter);
    u64 Frequency = u64((unsigned __int128)(TscEnd - TscStart) * 1'000'000'000'000'000 / ((End - Start) * Femtoseconds));
    if (Frequency < 1'000'000)
        return STATUS_DEVICE_CONFIGURATION_ERROR;

    // A pin of the I/O APIC that the timer can reach and nobody uses: not the old timer's 2 if there is another.
    u32 Pin = 32;
    for (u32 P : { 8u, 23u, 22u, 21u, 20u, 2u, 0u })
        if (Pin == 32 && Routes >> P & 1)
            Pin = P;
    if (Pin == 32)
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    TRY(ConnectInterrupt(Pin, false, false, ClockInterrupt, Irq));
    SetInterruptHandler(ClockInterrupt, Tick);
    Write(Timer0Configuration, TimerEnable | u64(Pin) << RouteShift);
    ke::StartClock({ .TscFrequency = Frequency, .SystemTimeAtStart = ReadDate(), .SetAlarm = SetAlarm }, static_cast<abi::KuserSharedData*>(SharedPage));
    return STATUS_SUCCESS;
}

}
