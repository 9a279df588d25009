// COM1, polled: the system's own log before and beside any driver. And the end of the world.
#include "kernel/kernel.hpp"
#include "lib/core/result.hpp"

namespace kernel {

void (*OnPanic)();

// A 16550's registers.
static constexpr u16 Com1 = 0x3f8;
static constexpr u16 Data = Com1, InterruptEnable = Com1 + 1, FifoControl = Com1 + 2, LineControl = Com1 + 3, ModemControl = Com1 + 4,
                     LineStatus = Com1 + 5;
static constexpr u8 TransmitterEmpty = 0x20;
static constexpr u32 FifoDepth = 16;

static void Prepare()
{
    static bool Ready;
    if (Ready)
        return;
    Ready = true;
    Out8(InterruptEnable, 0);
    Out8(LineControl, 0x80);        // divisor latch: 115200 = 115200 / 1
    Out8(Data, 1);
    Out8(InterruptEnable, 0);
    Out8(LineControl, 0x03);        // 8 bits, no parity, 1 stop bit
    Out8(FifoControl, 0x07);        // FIFO on and empty
    Out8(ModemControl, 0x03);       // DTR, RTS
}

void DebugWrite(const char* Text, usize Length)
{
    Prepare();
    u32 Room = 0;
    auto Put = [&](char C) {
        if (Room == 0) {
            // A port without a UART reads as all ones, so this ends.
            while (!(In8(LineStatus) & TransmitterEmpty)) { }
            Room = FifoDepth;
        }
        Out8(Data, u8(C));
        --Room;
    };
    for (usize I = 0; I < Length; ++I) {
        if (Text[I] == '\n')
            Put('\r');
        Put(Text[I]);
    }
}

}

namespace core {

static void Write(const char* Text)
{
    usize Length = 0;
    while (Text[Length])
        ++Length;
    kernel::DebugWrite(Text, Length);
}

// Return addresses, by the frame pointers that every function here keeps.
static void WriteCallers(const void* Frame)
{
    const u64* At = static_cast<const u64*>(Frame);
    Write("callers:");
    for (u32 I = 0; I < 16 && At; ++I) {
        char Text[] = " 0x................";
        for (u32 D = 0; D < 16; ++D)
            Text[3 + D] = "0123456789abcdef"[At[1] >> (60 - D * 4) & 15];
        Write(Text);
        const u64* Next = reinterpret_cast<const u64*>(At[0]);
        if (Next <= At || Next > At + 0x8000)
            break;
        At = Next;
    }
    Write("\n");
}

void Panic(const char* What, const char* File, int Line)
{
    char Digits[12];
    char* At = Digits + sizeof(Digits) - 1;
    *At = 0;
    u32 N = Line < 0 ? 0 : u32(Line);
    do
        *--At = char('0' + N % 10);
    while (N /= 10);
    Write("NEPTUNE PANIC: ");
    Write(File);
    Write(":");
    Write(At);
    Write(": ");
    Write(What);
    Write("\n");
    WriteCallers(__builtin_frame_address(0));
    if (void (*Tell)() = kernel::OnPanic) {
        kernel::OnPanic = nullptr;
        Tell();
    }
    for (;;)
        (void)kernel::SuspendTcb(kernel::boot::Tcb);     // the initial thread; another one spins, with its clients waiting
}

}
