// Functions of the kernel's, called by a driver in groups; a group answers the line of its first failed check in drivers/kernelapi.cpp.
#include "tests/guest/wdm/load.hpp"

using namespace wdm;

TAP_MAIN()
{
    const WCHAR* Key = L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\KernelApi";
    CHECK_EQ(u32(MakeKey(Key, L"\\??\\C:\\work\\kernelapi.sys")), 0);
    CHECK_EQ(u32(Load(Key)), 0);
    HANDLE File;
    CHECK_EQ(u32(Open(&File, L"\\Device\\KernelApi")), 0);
    const char* const Groups[] = { "security", "objects", "names", "locks", "resources", "priority" };
    for (ULONG Round = 0; Round < 2; ++Round) {
        for (ULONG Group = 0; Group < 6; ++Group) {
            ULONG Line = ~0u;
            tap::Print("# %s\n", Groups[Group]);
            CHECK_EQ(u32(Control(File, 0x22u << 16 | (0x800 + Group) << 2, nullptr, 0, &Line, sizeof(Line))), 0);
            CHECK_EQ(Line, 0);
        }
    }
    NtClose(File);
    CHECK_EQ(u32(Unload(Key)), 0);
}
