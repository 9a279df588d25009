// What class drivers keep in the registry, and debug output.
#include "class.hpp"

#include <stdarg.h>

using namespace classpnp;

namespace {

HANDLE Open(HANDLE Under, PCWSTR Path)
{
    UNICODE_STRING Text;
    OBJECT_ATTRIBUTES Object;
    HANDLE Key;
    RtlInitUnicodeString(&Text, Path);
    InitializeObjectAttributes(&Object, &Text, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, Under, nullptr);
    return NT_SUCCESS(ZwCreateKey(&Key, KEY_ALL_ACCESS, &Object, 0, nullptr, REG_OPTION_NON_VOLATILE, nullptr)) ? Key : nullptr;
}

// The device's own key, or one below it. Null.
HANDLE DeviceKey(PFUNCTIONAL_DEVICE_EXTENSION F, PCWSTR Subkey)
{
    HANDLE Device;
    if (!NT_SUCCESS(IoOpenDeviceRegistryKey(F->LowerPdo, PLUGPLAY_REGKEY_DEVICE, KEY_ALL_ACCESS, &Device)) || !Subkey)
        return Subkey ? nullptr : Device;
    HANDLE Key = Open(Device, Subkey);
    ZwClose(Device);
    return Key;
}

bool Number(HANDLE Key, PCWSTR Name, ULONG* To)
{
    UNICODE_STRING Value;
    struct {
        KEY_VALUE_PARTIAL_INFORMATION Info;
        UCHAR More[8];
    } Data;
    ULONG Bytes;
    RtlInitUnicodeString(&Value, Name);
    if (!NT_SUCCESS(ZwQueryValueKey(Key, &Value, KeyValuePartialInformation, &Data, sizeof(Data), &Bytes)) || Data.Info.Type != REG_DWORD || Data.Info.DataLength != 4)
        return false;
    RtlCopyMemory(To, Data.Info.Data, 4);
    return true;
}

void SetText(HANDLE Key, PCWSTR Name, const char* Text, ULONG Most)
{
    WCHAR Wide[64];
    ULONG N = 0;
    for (; N < Most && N < 63 && Text[N]; ++N)
        Wide[N] = UCHAR(Text[N]);
    Wide[N] = 0;
    UNICODE_STRING Value;
    RtlInitUnicodeString(&Value, Name);
    ZwSetValueKey(Key, &Value, 0, REG_SZ, Wide, (N + 1) * ULONG(sizeof(WCHAR)));
}

}

extern "C" {

// 0: there is none.
ULONG NTAPI ClassQueryTimeOutRegistryValue(PDEVICE_OBJECT D)
{
    ULONG Seconds = 0;
    if (HANDLE Key = Open(nullptr, Common(D)->DriverExtension->RegistryPath.Buffer)) {
        Number(Key, L"TimeOutValue", &Seconds);
        ZwClose(Key);
    }
    return Seconds;
}

// Without a value there what the caller has stays.
void NTAPI ClassGetDeviceParameter(PFUNCTIONAL_DEVICE_EXTENSION F, PWSTR Subkey, PWSTR Name, PULONG Value)
{
    if (HANDLE Key = DeviceKey(F, Subkey)) {
        Number(Key, Name, Value);
        ZwClose(Key);
    }
}

NTSTATUS NTAPI ClassSetDeviceParameter(PFUNCTIONAL_DEVICE_EXTENSION F, PWSTR Subkey, PWSTR Name, ULONG Value)
{
    HANDLE Key = DeviceKey(F, Subkey);
    if (!Key)
        return STATUS_UNSUCCESSFUL;
    UNICODE_STRING Text;
    RtlInitUnicodeString(&Text, Name);
    NTSTATUS Status = ZwSetValueKey(Key, &Text, 0, REG_DWORD, &Value, sizeof(Value));
    ZwClose(Key);
    return Status;
}

// HARDWARE\DeviceMap\Scsi: the device by its address, with its name and what INQUIRY said.
void NTAPI ClassUpdateInformationInRegistry(PDEVICE_OBJECT D, PCHAR DeviceName, ULONG DeviceNumber, PINQUIRYDATA Inquiry, ULONG InquiryBytes)
{
    SCSI_ADDRESS Address {};
    IO_STATUS_BLOCK Io {};
    ClassSendDeviceIoControlSynchronous(IOCTL_SCSI_GET_ADDRESS, Common(D)->LowerDeviceObject, &Address, 0, sizeof(Address), FALSE, &Io);
    if (!NT_SUCCESS(Io.Status))
        return;
    const struct {
        PCWSTR Text;
        ULONG Number;
    } Parts[] = { { L"Scsi Port ", Address.PortNumber }, { L"Scsi Bus ", Address.PathId }, { L"Target Id ", Address.TargetId }, { L"Logical Unit Id ", Address.Lun } };
    HANDLE Key = Open(nullptr, L"\\Registry\\Machine\\Hardware\\DeviceMap\\Scsi");
    for (auto& Part : Parts) {
        WCHAR Name[40];
        ULONG N = 0;
        for (; Part.Text[N]; ++N)
            Name[N] = Part.Text[N];
        for (ULONG Divisor = Part.Number < 10 ? 1 : Part.Number < 100 ? 10 : 100; Divisor; Divisor /= 10)
            Name[N++] = WCHAR(L'0' + Part.Number / Divisor % 10);
        Name[N] = 0;
        HANDLE Next = Key ? Open(Key, Name) : nullptr;
        if (Key)
            ZwClose(Key);
        Key = Next;
    }
    if (!Key)
        return;
    char Text[64];
    ULONG N = 0;
    for (; DeviceName && DeviceName[N] && N < 50; ++N)
        Text[N] = DeviceName[N];
    ULONG Divisor = 1;
    while (DeviceNumber / Divisor >= 10)
        Divisor *= 10;
    for (; Divisor; Divisor /= 10)
        Text[N++] = char('0' + DeviceNumber / Divisor % 10);
    Text[N] = 0;
    SetText(Key, L"DeviceName", Text, N);
    if (Inquiry && InquiryBytes >= 36) {
        const char* Type = Inquiry->DeviceType == 0 ? "DiskPeripheral" : Inquiry->DeviceType == 1 ? "TapePeripheral" : Inquiry->DeviceType == 5 ? "CdRomPeripheral" : "OtherPeripheral";
        SetText(Key, L"Identifier", reinterpret_cast<const char*>(Inquiry->VendorId), 28);
        SetText(Key, L"Type", Type, 20);
        UNICODE_STRING Value;
        RtlInitUnicodeString(&Value, L"InquiryData");
        ZwSetValueKey(Key, &Value, 0, REG_BINARY, Inquiry, InquiryBytes);
    }
    ZwClose(Key);
}

void ClassDebugPrint(CLASS_DEBUG_LEVEL Level, PCCHAR Format, ...)
{
    if (Level > ClassDebugWarning)
        return;
    va_list List;
    va_start(List, Format);
    vDbgPrintEx(DPFLTR_CLASSPNP_ID, DPFLTR_ERROR_LEVEL, Format, List);
    va_end(List);
}

}
