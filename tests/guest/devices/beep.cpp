// The speaker: two tones, which tools/neptune/device_tests.py looks for in what QEMU recorded.
#include "tests/guest/wdm/process.hpp"

using namespace wdm;

TAP_MAIN()
{
    constexpr ULONG Set = 1 << 16;      // IOCTL_BEEP_SET
    struct {
        ULONG Frequency, Duration;
    } Beep { 880, 400 }, Low { 36, 10 }, High { 32768, 10 }, Second { 440, ~0u }, Third { 1200, ~0u }, Fourth { 600, 1000 }, Silence {};
    HANDLE File;
    CHECK_EQ(u32(Open(&File, L"\\Device\\Beep")), 0);
    CHECK_EQ(u32(Control(File, Set, &Low, 8)), u32(STATUS_INVALID_PARAMETER));
    CHECK_EQ(u32(Control(File, Set, &High, 8)), u32(STATUS_INVALID_PARAMETER));
    CHECK_EQ(u32(Control(File, Set, &Beep, 7)), u32(STATUS_INVALID_PARAMETER));
    CHECK_EQ(u32(Control(File, Set + 4, &Beep, 8)), u32(STATUS_NOT_IMPLEMENTED));
    // It does not wait for the tone.
    LARGE_INTEGER Before, After;
    NtQuerySystemTime(&Before);
    CHECK_EQ(u32(Control(File, Set, &Beep, 8)), 0);
    NtQuerySystemTime(&After);
    CHECK(After.QuadPart - Before.QuadPart < 3'900'000);
    Sleep(600);                         // ends by itself
    CHECK_EQ(u32(Control(File, Set, &Second, 8)), 0);
    Sleep(400);
    CHECK_EQ(u32(Control(File, Set, &Silence, 8)), 0);
    Sleep(200);
    // Its process ends while it sounds: the next one turns the tone off before it plays another.
    CHECK_EQ(u32(Control(File, Set, &Third, 8)), 0);
    Sleep(300);
    CHECK_EQ(u32(KillDriver("Beep")), 0);
    for (int I = 0; I < 100 && Control(File, Set, &Silence, 8) >= 0; ++I)
        Sleep(10);
    CHECK(Control(File, Set, &Silence, 8) < 0);
    NtClose(File);
    CHECK_EQ(u32(Open(&File, L"\\Device\\Beep")), 0);
    Sleep(300);
    CHECK_EQ(u32(Control(File, Set, &Fourth, 8)), 0);
    Sleep(1300);
    NtClose(File);
}
