// A driver with a device of its own: found on the PCI bus, started by PnP, with registers, interrupts by its line and by a message, and DMA. The device is QEMU's edu
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

// Messages or the line: what the device's hardware key says.
static bool SayMessages(u32 Supported)
{
    for (const WCHAR* Path : { L"\\Device", L"\\Device\\Interrupt Management", L"\\Device\\Interrupt Management\\MessageSignaledInterruptProperties" }) {
        WCHAR Text[200];
        u32 At = 0;
        for (const WCHAR* From : { Key, Path })
            while (*From)
                Text[At++] = *From++;
        Text[At] = 0;
        UNICODE_STRING Name = String(Text), Value = String(L"MSISupported");
        OBJECT_ATTRIBUTES Attributes { sizeof(OBJECT_ATTRIBUTES), nullptr, &Name, OBJ_CASE_INSENSITIVE, nullptr, nullptr };
        HANDLE Handle;
        if (NtCreateKey(&Handle, 0xF003F, &Attributes, 0, nullptr, 0, nullptr) < 0)
            return false;
        NtSetValueKey(Handle, &Value, 0, 4, &Supported, 4);
        NtClose(Handle);
    }
    return true;
}

// Next: what the key is to say when the device starts again.
static bool Try(bool Messages, u32 Next)
{
    HANDLE File = nullptr;
    for (int Tries = 0; Tries < 100 && Open(&File, L"\\Device\\EduTest") < 0; ++Tries)
        Sleep(20);
    if (!File) {
        tap::Print("ok %d # SKIP there is no edu device\n", ++tap::Tests);
        return false;
    }
    u32 Values[2] {};
    NTSTATUS Live = 0;
    for (int Tries = 0; Tries < 50 && (Live = Control(File, wdmtest::EduLive, nullptr, 0, Values, 8)) != 0; ++Tries)
        Sleep(20);                      // until it is started
    CHECK_EQ(u32(Live), 0);
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
    CHECK_EQ(u32(Control(File, wdmtest::EduMessages, Values, 4, Values, 8)), 0);
    CHECK_EQ(Values[0], Messages ? 5u : 0u);
    CHECK_EQ(Values[1], Messages ? 1u : 0u);
    CHECK_EQ(u32(Control(File, wdmtest::EduForeign, Values, 4, Values, 8)), 0);
    CHECK_EQ(Values[0], 1u);
    CHECK_EQ(Values[1], 0xFFu);
    // The driver's process ends, and another one is started.
    CHECK(SayMessages(Next));
    CHECK_EQ(u32(Control(File, wdmtest::EduDie, Values, 4, Values, 8)), u32(STATUS_DEVICE_REMOVED));
    NtClose(File);
    return true;
}

TAP_MAIN()
{
    CHECK_EQ(u32(MakeKey(Key, L"\\??\\C:\\work\\edu.sys")), 0);
    CHECK(MakeMatch());
    CHECK_EQ(u32(Load(Key)), 0);
    if (!Try(false, 1))
        return;
    Try(true, 0);
    Try(false, 0);
}
