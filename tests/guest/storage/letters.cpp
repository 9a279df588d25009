// The mount manager's process ends, again and again: the letters of the volumes stay, and the next process has them, too.
#include "tests/guest/wdm/process.hpp"

namespace {

void Wait(i64 Milliseconds)
{
    LARGE_INTEGER Time;
    Time.QuadPart = -10000 * Milliseconds;
    NtDelayExecution(0, &Time);
}

NTSTATUS TryOpen(const WCHAR* Path)
{
    HANDLE F = nullptr;
    NTSTATUS S = wdm::Open(&F, Path, FILE_READ_ATTRIBUTES | SYNCHRONIZE);
    if (S >= 0)
        NtClose(F);
    return S;
}

bool AllThere()
{
    bool Fine = true;
    for (const WCHAR* Path : { L"\\??\\D:\\h.txt", L"\\??\\E:\\", L"\\??\\F:\\" })
        if (NTSTATUS S = TryOpen(Path); S < 0) {
            tap::Print("# %c: 0x%x\n", Path[4], u32(S));
            Fine = false;
        }
    return Fine;
}

}

TAP_MAIN()
{
    CHECK(AllThere());
    for (u32 Round = 0; Round < 3; ++Round) {
        CHECK_EQ(u32(wdm::KillDriver("mountmgr")), 0u);
        bool Fine = true;
        for (u32 I = 0; I < 50 && Fine; ++I) {
            Fine = AllThere();
            Wait(10);
        }
        CHECK(Fine);
        // Longer than the old links would stay by themselves is not waited: that the new process has them is told by the next round.
        u32 Tries = 0;
        for (; Tries < 500 && TryOpen(L"\\Device\\MountPointManager") < 0; ++Tries)
            Wait(10);
        CHECK(Tries < 500);
        Wait(500);
    }
    CHECK(AllThere());
}
