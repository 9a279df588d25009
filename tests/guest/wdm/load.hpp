// Loading test drivers: a service key, the privilege, NtLoadDriver.
#pragma once
#include "abi/nt/cm.hpp"
#include "tests/guest/tap.hpp"

extern "C" NTSTATUS NTAPI RtlAdjustPrivilege(ULONG Privilege, BOOLEAN Enable, BOOLEAN ForThread, BOOLEAN* Was);

namespace wdm {

inline UNICODE_STRING String(const WCHAR* Text)
{
    UNICODE_STRING S;
    RtlInitUnicodeString(&S, Text);
    return S;
}

inline NTSTATUS MakeKey(const WCHAR* Key, const WCHAR* Image)
{
    UNICODE_STRING Name = String(Key);
    OBJECT_ATTRIBUTES Attributes { sizeof(OBJECT_ATTRIBUTES), nullptr, &Name, OBJ_CASE_INSENSITIVE, nullptr, nullptr };
    HANDLE Handle;
    NTSTATUS Status = NtCreateKey(&Handle, 0xF003F, &Attributes, 0, nullptr, 0, nullptr);
    if (Status < 0)
        return Status;
    ULONG One = 1, Three = 3;
    auto Set = [&](const WCHAR* Value, ULONG Type, const void* Data, ULONG Bytes) {
        UNICODE_STRING V = String(Value);
        NtSetValueKey(Handle, &V, 0, Type, const_cast<void*>(Data), Bytes);
    };
    UNICODE_STRING Path = String(Image);
    Set(L"Type", 4, &One, 4);
    Set(L"Start", 4, &Three, 4);
    Set(L"ImagePath", 2, Path.Buffer, Path.Length + 2u);
    NtClose(Handle);
    return STATUS_SUCCESS;
}

inline NTSTATUS Load(const WCHAR* Key)
{
    BOOLEAN Was;
    RtlAdjustPrivilege(10, 1, 0, &Was);
    UNICODE_STRING Name = String(Key);
    return NtLoadDriver(&Name);
}
inline NTSTATUS Unload(const WCHAR* Key)
{
    UNICODE_STRING Name = String(Key);
    return NtUnloadDriver(&Name);
}

inline NTSTATUS Open(HANDLE* Handle, const WCHAR* Path, ACCESS_MASK Access = FILE_GENERIC_READ | FILE_GENERIC_WRITE, ULONG Options = FILE_SYNCHRONOUS_IO_NONALERT)
{
    UNICODE_STRING Name = String(Path);
    OBJECT_ATTRIBUTES Attributes { sizeof(OBJECT_ATTRIBUTES), nullptr, &Name, OBJ_CASE_INSENSITIVE, nullptr, nullptr };
    IO_STATUS_BLOCK Io;
    return NtOpenFile(Handle, Access, &Attributes, &Io, FILE_SHARE_VALID_FLAGS, Options);
}
inline NTSTATUS Control(HANDLE File, ULONG Code, const void* In = nullptr, ULONG InBytes = 0, void* Out = nullptr, ULONG OutBytes = 0, u64* Information = nullptr)
{
    IO_STATUS_BLOCK Io {};
    NTSTATUS Status = NtDeviceIoControlFile(File, nullptr, nullptr, nullptr, &Io, Code, const_cast<void*>(In), InBytes, Out, OutBytes);
    if (Information)
        *Information = Io.Information;
    return Status;
}
inline void Sleep(i64 Milliseconds)
{
    LARGE_INTEGER Time;
    Time.QuadPart = -10000 * Milliseconds;
    NtDelayExecution(0, &Time);
}

}
