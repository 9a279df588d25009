// A driver with a device of its own: found on the PCI bus, started by PnP, with registers, an interrupt and DMA. The device is QEMU's edu
// (--qemu-arg=-device --qemu-arg=edu); without it there is nothing to test.
#include "tests/guest/wdm/drivers/wdmtest.hpp"
#include "tests/guest/wdm/load.hpp"

using namespace wdm;

static const WCHAR* Key = L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\EduTest";
static const WCHAR* Match = L"\\Registry\\Machine\\System\\CurrentControlSet\\Control\\CriticalDeviceDatabase\\PCI#VEN_1234&DEV_11E8";

static bool MakeMatch()
{
    for (const WCHAR* Path : { L"\\Registry\\Machine\\System\\CurrentControlSet\\Control\\CriticalDeviceDatabase", Match }) {
        UNICODE_STRING Name = String(Path), Value = String(L"Service");
        OBJECT_ATTRIBUTES Attributes { sizeof(OBJECT_ATTRIBUTES), nullptr, &Name, OBJ_CASE_INSENSITIVE, nullptr, nullptr };
        HANDLE Handle;
        if (NtCreateKey(&Handle, 0xF003F, &Attributes, 0, nullptr, 0, nullptr) < 0)
            return false;
        if (Path == Match)
            NtSetValueKey(Handle, &Value, 0, 1, const_cast<WCHAR*>(L"EduTest"), 16);
        NtClose(Handle);
    }
    return true;
}

TAP_MAIN()
{
    CHECK_EQ(u32(MakeKey(Key, L"\\??\\C:\\work\\edu.sys")), 0);
    CHECK(MakeMatch());
    CHECK_EQ(u32(Load(Key)), 0);
    HANDLE File = nullptr;
    for (int Tries = 0; Tries < 50 && Open(&File, L"\\Device\\EduTest") < 0; ++Tries)
        Sleep(20);
    if (!File) {
        tap::Print("ok %d # SKIP there is no edu device\n", ++tap::Tests);
        return;
    }
    u32 Values[2] {};
    CHECK_EQ(u32(Control(File, wdmtest::EduLive, nullptr, 0, Values, 8)), 0);
    CHECK_EQ(Values[0], ~0x12345678u);
    CHECK_EQ(Values[1] & 0xFFFF, 0xEDu);
    for (u32 N = 3; N < 8; ++N) {
        static const u32 Expected[] = { 6, 24, 120, 720, 5040 };
        Values[0] = N;
        CHECK_EQ(u32(Control(File, wdmtest::EduFactorial, Values, 4, Values, 8)), 0);
        CHECK_EQ(Values[0], Expected[N - 3]);
        CHECK_EQ(Values[1], N - 2);
    }
    Values[0] = 5;
    CHECK_EQ(u32(Control(File, wdmtest::EduDma, Values, 4, Values, 8)), 0);
    CHECK_EQ(Values[0], 1u);
    CHECK_EQ(Values[1], 0u);
    CHECK_EQ(u32(Control(File, wdmtest::EduForeign, Values, 4, Values, 8)), 0);
    CHECK_EQ(Values[0], 1u);
    CHECK_EQ(Values[1], 0xFFu);
    NtClose(File);
}
