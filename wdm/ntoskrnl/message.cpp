// Which devices get message interrupts, and how their resources say so.
#include "wdm/ntoskrnl/device.hpp"

namespace host {

namespace {

constexpr ULONG MostMessages = 8;

bool ReadNumber(HANDLE Key, const WCHAR* Name, ULONG& To)
{
    UNICODE_STRING Value;
    RtlInitUnicodeString(&Value, Name);
    alignas(8) u8 Room[sizeof(KEY_VALUE_PARTIAL_INFORMATION) + 8];
    auto* Info = reinterpret_cast<KEY_VALUE_PARTIAL_INFORMATION*>(Room);
    ULONG Length;
    if (NtQueryValueKey(Key, &Value, KeyValuePartialInformation, Room, sizeof(Room), &Length) < 0 || Info->Type != REG_DWORD || Info->DataLength != 4)
        return false;
    memcpy(&To, Info->Data, 4);
    return true;
}

// Messages of the capability: MSI-X's table size, or one. From configuration space.
ULONG Capable(const wd::PciDevice& P)
{
    u8 Config[256];
    u8 Room[sizeof(wd::ConfigAccess)];
    wd::ConfigAccess A { P.Bus, P.Device, P.Function, 0, sizeof(Config), 0 };
    memcpy(Room, &A, sizeof(A));
    if (Control(wd::Control::PciConfig, Room, sizeof(A), Config, sizeof(Config)) < 0 || !(Config[6] & 0x10))
        return 0;
    ULONG Count = 0;
    u8 At = Config[0x34] & 0xFC;
    for (int Steps = 0; At >= 0x40 && Steps < 48; ++Steps, At = Config[At + 1] & 0xFC) {
        if (Config[At] == 0x11)
            return ((Config[At + 2] | Config[At + 3] << 8) & 0x7FF) + 1;
        if (Config[At] == 0x05)
            Count = 1;
    }
    return Count;
}

}

ULONG MessagesOf(const wd::PciDevice& P)
{
    WCHAR Path[500];
    static const WCHAR Below[] = L"\\Device\\Interrupt Management\\MessageSignaledInterruptProperties";
    usize At = ServiceKey.Length / 2;
    if (At + sizeof(Below) / 2 > 500)
        return 0;
    memcpy(Path, ServiceKey.Buffer, ServiceKey.Length);
    memcpy(Path + At, Below, sizeof(Below));
    UNICODE_STRING Name;
    RtlInitUnicodeString(&Name, Path);
    OBJECT_ATTRIBUTES Attributes;
    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE, nullptr, nullptr);
    HANDLE Key;
    if (NtOpenKey(&Key, KEY_READ, &Attributes) < 0)
        return 0;
    ULONG Supported = 0, Limit = MostMessages;
    bool Wanted = ReadNumber(Key, L"MSISupported", Supported) && Supported == 1;
    ReadNumber(Key, L"MessageNumberLimit", Limit);
    NtClose(Key);
    if (!Wanted)
        return 0;
    ULONG Count = Capable(P);
    if (Limit == 0 || Limit > MostMessages)
        Limit = MostMessages;
    return Count < Limit ? Count : Limit;
}

// As pci.sys: raw, one descriptor with the count; translated, one for each message. Count descriptors from D, of which raw uses the first.
void DescribeMessages(CM_PARTIAL_RESOURCE_DESCRIPTOR* D, ULONG Count, bool Translated)
{
    for (ULONG N = 0; N < (Translated ? Count : 1); ++N, ++D) {
        D->Type = CmResourceTypeInterrupt;
        D->ShareDisposition = CmResourceShareDeviceExclusive;
        D->Flags = CM_RESOURCE_INTERRUPT_LATCHED | CM_RESOURCE_INTERRUPT_MESSAGE;
        if (Translated) {
            D->u.MessageInterrupt.Translated.Level = LineIrql;
            D->u.MessageInterrupt.Translated.Vector = MessageVector + N;
            D->u.MessageInterrupt.Translated.Affinity = 1;
        } else {
            D->u.MessageInterrupt.Raw.MessageCount = USHORT(Count);
            D->u.MessageInterrupt.Raw.Vector = MessageVector;
            D->u.MessageInterrupt.Raw.Affinity = 1;
        }
    }
}

}
