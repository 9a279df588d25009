// The keyboard: what QEMU's keys come to. tools/neptune/device_tests.py presses them when this program asks.
#include "tests/guest/wdm/process.hpp"

using namespace wdm;

namespace {

constexpr ULONG Code(ULONG Function) { return 0x0B << 16 | Function << 2; }
constexpr ULONG QueryAttributes = Code(0), SetTypematic = Code(1), SetIndicators = Code(2), QueryTypematic = Code(8), QueryIndicators = Code(16);
struct Key {
    USHORT Unit, Make, Flags, Reserved;
    ULONG Extra;
};
static_assert(sizeof(Key) == 12);
enum : USHORT { Break = 1, E0 = 2, E1 = 4 };

HANDLE File, Event;

// Asks for key N and takes what comes until Count codes are there.
void Expect(int N, const Key* Wanted, ULONG Count)
{
    tap::Print("press %d\n", N);
    Key Got[16] {};
    ULONG Have = 0;
    while (Have < Count) {
        IO_STATUS_BLOCK Io {};
        LARGE_INTEGER At {}, Limit;
        Limit.QuadPart = -100'000'000;
        NTSTATUS S = NtReadFile(File, Event, nullptr, nullptr, &Io, Got + Have, ULONG((16 - Have) * sizeof(Key)), &At, nullptr);
        if (S == STATUS_PENDING)
            S = NtWaitForSingleObject(Event, 0, &Limit) == 0 ? NTSTATUS(Io.Status) : STATUS_TIMEOUT;
        if (!CHECK_EQ(u32(S), 0))
            return;
        CHECK_EQ(Io.Information % sizeof(Key), 0u);
        Have += ULONG(Io.Information / sizeof(Key));
    }
    CHECK_EQ(Have, Count);
    for (ULONG I = 0; I < Count; ++I) {
        CHECK_EQ(Got[I].Make, Wanted[I].Make);
        CHECK_EQ(Got[I].Flags, Wanted[I].Flags);
        CHECK_EQ(Got[I].Unit, 0);
    }
}

}

TAP_MAIN()
{
    CHECK_EQ(u32(Open(&File, L"\\Device\\KeyboardClass0", FILE_GENERIC_READ, 0)), 0);
    if (!File)
        return;
    CHECK_EQ(u32(NtCreateEvent(&Event, 0x1F0003, nullptr, 0, 0)), 0);
    HANDLE Settings;
    CHECK_EQ(u32(Open(&Settings, L"\\Device\\KeyboardClass0", FILE_GENERIC_READ)), 0);
    struct {
        UCHAR Type, Subtype;
        USHORT Mode, FunctionKeys, Indicators, Keys;
        ULONG Queue;
        USHORT Repeats[6];
    } About {};
    u64 Bytes = 0;
    CHECK_EQ(u32(Control(Settings, QueryAttributes, nullptr, 0, &About, sizeof(About), &Bytes)), 0);
    CHECK_EQ(About.Mode, 1);
    CHECK_EQ(About.Indicators, 3);
    // The lamps: the keyboard acknowledges.
    USHORT Leds[2] = { 0, 4 }, Back[2] {}, OtherUnit[2] = { 1, 4 };
    CHECK_EQ(u32(Control(Settings, SetIndicators, Leds, 4)), 0);
    CHECK_EQ(u32(Control(Settings, QueryIndicators, nullptr, 0, Back, 4)), 0);
    CHECK_EQ(Back[1], 4);
    CHECK_EQ(u32(Control(Settings, SetIndicators, OtherUnit, 4)), u32(STATUS_INVALID_PARAMETER));
    USHORT Repeat[3] = { 0, 10, 500 }, Got[3] {}, TooFast[3] = { 0, 100, 500 };
    CHECK_EQ(u32(Control(Settings, SetTypematic, Repeat, 6)), 0);
    CHECK_EQ(u32(Control(Settings, QueryTypematic, nullptr, 0, Got, 6)), 0);
    CHECK(Got[1] == 10 && Got[2] == 500);
    CHECK_EQ(u32(Control(Settings, SetTypematic, TooFast, 6)), u32(STATUS_INVALID_PARAMETER));
    Key Room[2];
    IO_STATUS_BLOCK Io {};
    LARGE_INTEGER At {};
    CHECK_EQ(u32(NtReadFile(Settings, nullptr, nullptr, nullptr, &Io, Room, 13, &At, nullptr)), u32(STATUS_BUFFER_TOO_SMALL));

    const Key A[] = { { 0, 0x1E, 0, 0, 0 }, { 0, 0x1E, Break, 0, 0 } };
    Expect(0, A, 2);
    const Key ShiftB[] = { { 0, 0x2A, 0, 0, 0 }, { 0, 0x30, 0, 0, 0 }, { 0, 0x30, Break, 0, 0 }, { 0, 0x2A, Break, 0, 0 } };
    Expect(1, ShiftB, 4);
    const Key Up[] = { { 0, 0x48, E0, 0, 0 }, { 0, 0x48, E0 | Break, 0, 0 } };
    Expect(2, Up, 2);
    const Key RightCtrl[] = { { 0, 0x1D, E0, 0, 0 }, { 0, 0x1D, E0 | Break, 0, 0 } };
    Expect(3, RightCtrl, 2);
    const Key F12[] = { { 0, 0x58, 0, 0, 0 }, { 0, 0x58, Break, 0, 0 } };
    Expect(4, F12, 2);
    const Key Pause[] = { { 0, 0x1D, E1, 0, 0 }, { 0, 0x45, E1, 0, 0 }, { 0, 0x1D, E1 | Break, 0, 0 }, { 0, 0x45, E1 | Break, 0, 0 } };
    Expect(5, Pause, 4);
    // One that waits is cancelled.
    NTSTATUS S = NtReadFile(File, Event, nullptr, nullptr, &Io, Room, sizeof(Room), &At, nullptr);
    CHECK_EQ(u32(S), u32(STATUS_PENDING));
    IO_STATUS_BLOCK Other;
    CHECK_EQ(u32(NtCancelIoFile(File, &Other)), 0);
    LARGE_INTEGER Limit;
    Limit.QuadPart = -50'000'000;
    CHECK_EQ(u32(NtWaitForSingleObject(Event, 0, &Limit)), 0);
    CHECK_EQ(u32(Io.Status), u32(STATUS_CANCELLED));
    // Its drivers' process ends while a read waits: the read fails, the keyboard comes back.
    CHECK_EQ(u32(NtReadFile(File, Event, nullptr, nullptr, &Io, Room, sizeof(Room), &At, nullptr)), u32(STATUS_PENDING));
    CHECK_EQ(u32(KillDriver("i8042prt")), 0);
    CHECK_EQ(u32(NtWaitForSingleObject(Event, 0, &Limit)), 0);
    CHECK(Io.Status < 0);
    NtClose(File);
    CHECK_EQ(u32(Open(&File, L"\\Device\\KeyboardClass0", FILE_GENERIC_READ, 0)), 0);
    Expect(6, A, 2);
}
