// The firmware's devices on QEMU's q35: what ACPI's namespace says of them, drivers on them, the routing of PCI interrupts; that the driver's process may end; and the power
// button, which tools/neptune/device_tests.py presses.
#include "tests/guest/wdm/process.hpp"

using namespace wdm;

#define ENUM L"\\Registry\\Machine\\System\\CurrentControlSet\\Enum\\"

namespace {

constexpr UCHAR Port = 1, Interrupt = 2, Memory = 3;

ULONG Length(const WCHAR* Text)
{
    ULONG N = 0;
    while (Text[N])
        ++N;
    return N;
}

void Append(WCHAR* To, const WCHAR* Text) { memcpy(To + Length(To), Text, (Length(Text) + 1) * sizeof(WCHAR)); }

// A value's bytes; 0: it is not there.
ULONG Value(const WCHAR* Key, const WCHAR* Name, void* To, ULONG Room)
{
    UNICODE_STRING Path = String(Key), ValueName = String(Name);
    OBJECT_ATTRIBUTES Attributes { sizeof(OBJECT_ATTRIBUTES), nullptr, &Path, OBJ_CASE_INSENSITIVE, nullptr, nullptr };
    HANDLE Handle;
    if (NtOpenKey(&Handle, 0x20019, &Attributes) < 0)
        return 0;
    alignas(8) UCHAR Buffer[600];
    ULONG Bytes = 0, Used = 0;
    NTSTATUS S = NtQueryValueKey(Handle, &ValueName, KeyValuePartialInformation, Buffer, sizeof(Buffer), &Bytes);
    NtClose(Handle);
    if (S < 0)
        return 0;
    memcpy(&Used, Buffer + 8, 4);
    if (Used > Room)
        return 0;
    memcpy(To, Buffer + 12, Used);
    return Used;
}

template <ULONG N> bool Begins(const WCHAR* Text, ULONG Bytes, const WCHAR (&With)[N]) { return Bytes >= (N - 1) * 2 && memcmp(Text, With, (N - 1) * 2) == 0; }

// The first instance of a device with this id; false: there is none.
bool Instance(const WCHAR* Id, WCHAR (&Path)[200])
{
    Path[0] = 0;
    Append(Path, ENUM L"ACPI\\");
    Append(Path, Id);
    UNICODE_STRING Name = String(Path);
    OBJECT_ATTRIBUTES Attributes { sizeof(OBJECT_ATTRIBUTES), nullptr, &Name, OBJ_CASE_INSENSITIVE, nullptr, nullptr };
    HANDLE Handle;
    if (NtOpenKey(&Handle, 0x20019, &Attributes) < 0)
        return false;
    alignas(8) UCHAR Room[300] {};
    ULONG Bytes, NameBytes;
    NTSTATUS S = NtEnumerateKey(Handle, 0, KeyBasicInformation, Room, sizeof(Room) - 2, &Bytes);
    NtClose(Handle);
    if (S < 0)
        return false;
    memcpy(&NameBytes, Room + 12, 4);
    Append(Path, L"\\");
    memset(Room + 16 + NameBytes, 0, 2);
    Append(Path, reinterpret_cast<WCHAR*>(Room + 16));
    return true;
}

// A resource of LogConf\BootConfig; false: there is none such. Range: its length, of an interrupt 1 if it is level triggered.
bool Has(const WCHAR* Id, UCHAR Type, ULONGLONG Start, ULONG Range)
{
    struct {
        ULONG Lists, Interface, Bus;
        USHORT Version, Revision;
        ULONG Count;
        UCHAR Each[24][20];
    } L {};
    WCHAR Path[200];
    if (!Instance(Id, Path))
        return false;
    Append(Path, L"\\LogConf");
    ULONG Bytes = Value(Path, L"BootConfig", &L, sizeof(L));
    if (Bytes < 20 || L.Lists != 1 || Bytes < 20 + L.Count * 20)
        return false;
    for (ULONG I = 0; I < L.Count; ++I) {
        ULONGLONG First;
        ULONG Bytes4, Vector;
        memcpy(&First, L.Each[I] + 4, 8);
        memcpy(&Bytes4, L.Each[I] + 12, 4);
        memcpy(&Vector, L.Each[I] + 8, 4);
        if (L.Each[I][0] == Type && (Type == Interrupt ? Vector == Start && (L.Each[I][2] & 1) == !Range : First == Start && Bytes4 == Range))
            return true;
    }
    return false;
}

// As QEMU's q35 has them.
void CheckResources()
{
    CHECK(Has(L"PNP0303", Port, 0x60, 1));
    CHECK(Has(L"PNP0303", Port, 0x64, 1));
    CHECK(Has(L"PNP0303", Interrupt, 1, 0));
    CHECK(Has(L"PNP0F13", Interrupt, 12, 0));
    CHECK(Has(L"PNP0501", Port, 0x3F8, 8));
    CHECK(Has(L"PNP0501", Interrupt, 4, 0));
    CHECK(Has(L"PNP0B00", Port, 0x70, 8) || Has(L"PNP0B00", Port, 0x70, 2));
    CHECK(Has(L"PNP0B00", Interrupt, 8, 0));
    CHECK(Has(L"PNP0103", Memory, 0xFED00000, 0x400));
    CHECK(!Has(L"PNP0501", Port, 0x2F8, 8));
}

// The keyboard's driver is on the device that ACPI has found: the lamps are two commands, each with an interrupt.
void UseKeyboard()
{
    HANDLE Keyboard;
    if (!CHECK_EQ(u32(Open(&Keyboard, L"\\Device\\KeyboardClass0", FILE_GENERIC_READ)), 0))
        return;
    USHORT Leds[2] = { 0, 2 };
    for (int I = 0; I < 10; ++I)
        CHECK_EQ(u32(Control(Keyboard, 0x0B << 16 | 2 << 2, Leds, 4)), 0);
    NtClose(Keyboard);
}

}

TAP_MAIN()
{
    WCHAR Path[200], Text[300];
    ULONG Bytes;
    // The driver starts five seconds after the system.
    for (int I = 0; I < 600 && !Instance(L"PNP0303", Path); ++I)
        Sleep(50);
    CHECK(Instance(L"PNP0303", Path));
    Sleep(500);
    constexpr const WCHAR* Ids[] = { L"PNP0A08", L"PNP0303", L"PNP0F13", L"PNP0B00", L"PNP0C0F" };
    for (const WCHAR* Id : Ids)
        if (!CHECK(Instance(Id, Path)))
            tap::Print("# %ls\n", Id);
    CHECK(!Instance(L"PNP0A05", Path));
    Instance(L"PNP0303", Path);
    Bytes = Value(Path, L"HardwareID", Text, sizeof(Text));
    CHECK(Begins(Text, Bytes, L"ACPI\\PNP0303\0*PNP0303"));
    // What Enum\ROOT declares for the same place is this one.
    Bytes = Value(Path, L"Service", Text, sizeof(Text));
    CHECK(Begins(Text, Bytes, L"i8042prt"));
    CheckResources();
    UseKeyboard();
    // The process ends, twice: what it has found stays, and the driver comes back.
    for (int I = 0; I < 2; ++I) {
        CHECK_EQ(u32(KillDriver("ACPI")), 0);
        UseKeyboard();
        Sleep(3000);
        CheckResources();
        UseKeyboard();
    }
    tap::Print("1..%d\npress the power button\n", tap::Tests);
    Sleep(20000);
    CHECK(!"the system is still running");
}
