// What is kept in the registry.
#include "drivers/storage/mountmgr/mountmgr.hpp"

namespace mountmgr {

UNICODE_STRING ServiceKey;

namespace {

const WCHAR Database[] = L"\\Registry\\Machine\\System\\MountedDevices";
const WCHAR NoAutoMount[] = L"NoAutoMount";

HANDLE Open(PUNICODE_STRING Path, ACCESS_MASK Access)
{
    OBJECT_ATTRIBUTES Object;
    HANDLE Key;
    InitializeObjectAttributes(&Object, Path, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, nullptr, nullptr);
    return NT_SUCCESS(ZwCreateKey(&Key, Access, &Object, 0, nullptr, REG_OPTION_NON_VOLATILE, nullptr)) ? Key : nullptr;
}

HANDLE OpenDatabase(ACCESS_MASK Access)
{
    UNICODE_STRING Path;
    RtlInitUnicodeString(&Path, Database);
    return Open(&Path, Access);
}

}

void Keep(const Name& N, const Id& Unique)
{
    HANDLE Key = OpenDatabase(KEY_SET_VALUE);
    if (!Key)
        return;
    UNICODE_STRING Value = N.String();
    NTSTATUS Status = ZwSetValueKey(Key, &Value, 0, REG_BINARY, const_cast<UCHAR*>(Unique.Data), Unique.Bytes);
    if (!NT_SUCCESS(Status))
        DbgPrint("mountmgr: %wZ cannot be kept: %08lx\n", &Value, Status);
    ZwClose(Key);
}

bool Forget(const Name& N)
{
    HANDLE Key = OpenDatabase(KEY_SET_VALUE);
    if (!Key)
        return false;
    UNICODE_STRING Value = N.String();
    NTSTATUS Status = ZwDeleteValueKey(Key, &Value);
    ZwClose(Key);
    return NT_SUCCESS(Status);
}

void ForEachKept(bool (*Each)(void* Context, const Name& N, const Id& Unique), void* Context)
{
    HANDLE Key = OpenDatabase(KEY_QUERY_VALUE);
    if (!Key)
        return;
    constexpr ULONG Room = sizeof(KEY_VALUE_FULL_INFORMATION) + MaximumName + MaximumId + 16;
    struct Entry {
        Name Of;
        Id Unique;
    };
    auto* Info = static_cast<KEY_VALUE_FULL_INFORMATION*>(ExAllocatePoolWithTag(PagedPool, Room, Tag));
    auto* E = static_cast<Entry*>(ExAllocatePoolWithTag(PagedPool, sizeof(Entry), Tag));
    for (ULONG I = 0; Info && E; ++I) {
        ULONG Bytes;
        NTSTATUS Status = ZwEnumerateValueKey(Key, I, KeyValueFullInformation, Info, Room, &Bytes);
        if (Status == STATUS_BUFFER_OVERFLOW || Status == STATUS_BUFFER_TOO_SMALL)
            continue;                   // no entry of ours
        if (!NT_SUCCESS(Status))
            break;
        if (Info->Type != REG_BINARY || !Info->DataLength || Info->DataLength > MaximumId || !E->Of.Set(Info->Name, Info->NameLength))
            continue;
        E->Unique.Bytes = USHORT(Info->DataLength);
        memcpy(E->Unique.Data, reinterpret_cast<UCHAR*>(Info) + Info->DataOffset, Info->DataLength);
        if (!Each(Context, E->Of, E->Unique))
            break;
    }
    if (Info)
        ExFreePoolWithTag(Info, Tag);
    if (E)
        ExFreePoolWithTag(E, Tag);
    ZwClose(Key);
}

bool ReadAutomatic()
{
    HANDLE Key = Open(&ServiceKey, KEY_QUERY_VALUE);
    if (!Key)
        return true;
    UNICODE_STRING Value;
    RtlInitUnicodeString(&Value, NoAutoMount);
    struct {
        KEY_VALUE_PARTIAL_INFORMATION Info;
        UCHAR More[8];
    } Data;
    ULONG Bytes;
    ULONG Number = 0;
    if (NT_SUCCESS(ZwQueryValueKey(Key, &Value, KeyValuePartialInformation, &Data, sizeof(Data), &Bytes)) && Data.Info.Type == REG_DWORD && Data.Info.DataLength == 4)
        memcpy(&Number, Data.Info.Data, 4);
    ZwClose(Key);
    return !Number;
}

NTSTATUS WriteAutomatic(bool On)
{
    HANDLE Key = Open(&ServiceKey, KEY_SET_VALUE);
    if (!Key)
        return STATUS_UNSUCCESSFUL;
    UNICODE_STRING Value;
    RtlInitUnicodeString(&Value, NoAutoMount);
    ULONG Number = !On;
    NTSTATUS Status = ZwSetValueKey(Key, &Value, 0, REG_DWORD, &Number, sizeof(Number));
    ZwClose(Key);
    return Status;
}

}
