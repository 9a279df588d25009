// Requests to a driver in a process of its own: null.sys, by its service key.
#include "bench/native/bench.hpp"

extern "C" NTSTATUS NTAPI RtlAdjustPrivilege(ULONG Privilege, BOOLEAN Enable, BOOLEAN ForThread, BOOLEAN* Was);

namespace bench {

static HANDLE Null;
static u8 Data[4096];
static constexpr ULONG LoadDriverPrivilege = 10;
static const WCHAR Service[] = L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\Null";

static NTSTATUS OpenNull()
{
    BOOLEAN Was;
    BENCH_TRY(RtlAdjustPrivilege(LoadDriverPrivilege, 1, 0, &Was));
    UNICODE_STRING Name;
    RtlInitUnicodeString(&Name, Service);
    BENCH_TRY(NtLoadDriver(&Name));
    Named Device(L"\\Device\\Null");
    IO_STATUS_BLOCK Io;
    return NtOpenFile(&Null, FILE_GENERIC_READ | FILE_GENERIC_WRITE, &Device.Object, &Io, FILE_SHARE_READ | FILE_SHARE_WRITE, FILE_SYNCHRONOUS_IO_NONALERT);
}
static void CloseNull()
{
    NtClose(Null);
    UNICODE_STRING Name;
    RtlInitUnicodeString(&Name, Service);
    NtUnloadDriver(&Name);
}

static NTSTATUS Control(u32 Count)
{
    IO_STATUS_BLOCK Io;
    for (u32 I = 0; I < Count; ++I)
        if (NTSTATUS Status = NtDeviceIoControlFile(Null, nullptr, nullptr, nullptr, &Io, 0x12340, nullptr, 0, nullptr, 0); Status != STATUS_INVALID_DEVICE_REQUEST)
            return Status < 0 ? Status : STATUS_UNSUCCESSFUL;
    return 0;
}
static NTSTATUS Write(u32 Count, ULONG Bytes)
{
    IO_STATUS_BLOCK Io;
    for (u32 I = 0; I < Count; ++I)
        BENCH_TRY(NtWriteFile(Null, nullptr, nullptr, nullptr, &Io, Data, Bytes, nullptr, nullptr));
    return 0;
}

extern const Row DriverRows[] = {
    { "irp_null_ioctl", 500, OpenNull, Control, CloseNull, "NtDeviceIoControlFile without data to null.sys in its own process, answered STATUS_INVALID_DEVICE_REQUEST by the driver" },
    { "irp_null_write_1", 500, OpenNull, [](u32 Count) { return Write(Count, 1); }, CloseNull, "NtWriteFile of 1 byte to it" },
    { "irp_null_write_4k", 500, OpenNull, [](u32 Count) { return Write(Count, 4096); }, CloseNull, "NtWriteFile of 4 KiB to it" },
    {},
};

}
