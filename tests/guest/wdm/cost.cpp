// What a request to a driver in another process costs, in the TSC's counts: instructions under --icount. The figures are comments; what is
// tested is that the requests succeed.
#include "tests/guest/wdm/load.hpp"

using namespace wdm;

static u64 Tsc()
{
    u32 Low, High;
    asm volatile("lfence; rdtsc" : "=a"(Low), "=d"(High));
    return u64(High) << 32 | Low;
}

template <typename F> static void Cost(const char* What, F Action)
{
    constexpr int Warm = 50, Many = 500;
    bool Good = true;
    for (int I = 0; I < Warm; ++I)
        Good &= Action();
    u64 Least = ~0ull, Start = Tsc();
    for (int I = 0; I < Many; ++I) {
        u64 A = Tsc();
        Good &= Action();
        u64 B = Tsc() - A;
        Least = B < Least ? B : Least;
    }
    u64 Mean = (Tsc() - Start) / Many;
    tap::Print("# %s: %llu (least %llu)\n", What, Mean, Least);
    tap::Check(Good, What, __LINE__, 0);
}

TAP_MAIN()
{
    static u8 Page[4096];
    CHECK_EQ(u32(Load(L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\Null")), 0);
    HANDLE File;
    if (!CHECK_EQ(u32(Open(&File, L"\\Device\\Null")), 0))
        return;
    IO_STATUS_BLOCK Io;
    Cost("close of a bad handle", [] { return NtClose(reinterpret_cast<HANDLE>(0x7FFFFFF0)) < 0; });
    Cost("device control", [&] { return NtDeviceIoControlFile(File, nullptr, nullptr, nullptr, &Io, 0x12340, nullptr, 0, nullptr, 0) == STATUS_INVALID_DEVICE_REQUEST; });
    Cost("write of 1 byte", [&] { return NtWriteFile(File, nullptr, nullptr, nullptr, &Io, Page, 1, nullptr, nullptr) >= 0; });
    Cost("write of 4 KiB", [&] { return NtWriteFile(File, nullptr, nullptr, nullptr, &Io, Page, 4096, nullptr, nullptr) >= 0; });
    Cost("open and close", [&] {
        HANDLE H;
        return Open(&H, L"\\Device\\Null") >= 0 && NtClose(H) >= 0;
    });
    NtClose(File);
    CHECK_EQ(u32(Unload(L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\Null")), 0);
    CHECK_EQ(u32(Open(&File, L"\\Device\\Null")), 0);     // the Executive's own again
    NtClose(File);
}
