// Files, pipes and the registry.
#include "bench/native/bench.hpp"

namespace bench {

static HANDLE File, Key, ServerEnd, ClientEnd, Partner;
static const WCHAR DataName[] = L"\\??\\C:\\work\\bench.dat", NewName[] = L"\\??\\C:\\work\\bench.new";
static const WCHAR KeyName[] = L"\\Registry\\Machine\\Software\\NeptuneBench";
static constexpr ULONG DataSize = 1 << 20;
alignas(4096) static char Buffer[DataSize];

static NTSTATUS OpenData()
{
    Named Name(DataName);
    IO_STATUS_BLOCK Io;
    BENCH_TRY(NtCreateFile(&File, FILE_GENERIC_READ | FILE_GENERIC_WRITE, &Name.Object, &Io, nullptr, FILE_ATTRIBUTE_NORMAL, FILE_SHARE_READ | FILE_SHARE_WRITE,
                           FILE_OVERWRITE_IF, FILE_SYNCHRONOUS_IO_NONALERT, nullptr, 0));
    memset(Buffer, 'n', DataSize);
    return NtWriteFile(File, nullptr, nullptr, nullptr, &Io, Buffer, DataSize, nullptr, nullptr);
}
static void CloseData() { NtClose(File); }

static NTSTATUS Read(u32 Count, ULONG Length)
{
    LARGE_INTEGER At;
    At.QuadPart = 0;
    for (u32 I = 0; I < Count; ++I) {
        IO_STATUS_BLOCK Io;
        BENCH_TRY(NtReadFile(File, nullptr, nullptr, nullptr, &Io, Buffer, Length, &At, nullptr));
        if (Io.Information != Length)
            return STATUS_END_OF_FILE;
    }
    return 0;
}

static NTSTATUS MakeData()
{
    NTSTATUS Status = OpenData();
    NtClose(File);
    return Status;
}
static NTSTATUS OpenClose(u32 Count)
{
    Named Name(DataName);
    for (u32 I = 0; I < Count; ++I) {
        HANDLE H;
        IO_STATUS_BLOCK Io;
        BENCH_TRY(NtOpenFile(&H, FILE_GENERIC_READ, &Name.Object, &Io, FILE_SHARE_READ, FILE_SYNCHRONOUS_IO_NONALERT));
        BENCH_TRY(NtClose(H));
    }
    return 0;
}

static NTSTATUS CreateDelete(u32 Count)
{
    Named Name(NewName);
    for (u32 I = 0; I < Count; ++I) {
        HANDLE H;
        IO_STATUS_BLOCK Io;
        BENCH_TRY(NtCreateFile(&H, FILE_GENERIC_WRITE | DELETE_ACCESS, &Name.Object, &Io, nullptr, FILE_ATTRIBUTE_NORMAL, 0, FILE_CREATE, FILE_SYNCHRONOUS_IO_NONALERT,
                               nullptr, 0));
        BOOLEAN Delete = 1;
        BENCH_TRY(NtSetInformationFile(H, &Io, &Delete, sizeof(Delete), FileDispositionInformation));
        BENCH_TRY(NtClose(H));
    }
    return 0;
}

static ULONG NTAPI Echo(PVOID)
{
    for (;;) {
        IO_STATUS_BLOCK Io;
        char Byte;
        if (NtReadFile(ClientEnd, nullptr, nullptr, nullptr, &Io, &Byte, 1, nullptr, nullptr) < 0 ||
            NtWriteFile(ClientEnd, nullptr, nullptr, nullptr, &Io, &Byte, 1, nullptr, nullptr) < 0)
            return 0;
    }
}
static NTSTATUS StartEcho()
{
    Named Name(L"\\??\\pipe\\neptune-bench");
    IO_STATUS_BLOCK Io;
    LARGE_INTEGER Timeout;
    Timeout.QuadPart = -500000;
    BENCH_TRY(NtCreateNamedPipeFile(&ServerEnd, FILE_GENERIC_READ | FILE_GENERIC_WRITE, &Name.Object, &Io, FILE_SHARE_READ | FILE_SHARE_WRITE, FILE_CREATE,
                                    FILE_SYNCHRONOUS_IO_NONALERT, FILE_PIPE_BYTE_STREAM_TYPE, FILE_PIPE_BYTE_STREAM_MODE, FILE_PIPE_QUEUE_OPERATION, 1, 4096, 4096,
                                    &Timeout));
    BENCH_TRY(NtOpenFile(&ClientEnd, FILE_GENERIC_READ | FILE_GENERIC_WRITE, &Name.Object, &Io, FILE_SHARE_READ | FILE_SHARE_WRITE, FILE_SYNCHRONOUS_IO_NONALERT));
    return RtlCreateUserThread(ThisProcess(), nullptr, 0, 0, 0, 0, reinterpret_cast<PVOID>(Echo), nullptr, &Partner, nullptr);
}
static NTSTATUS PingPong(u32 Count)
{
    for (u32 I = 0; I < Count; ++I) {
        IO_STATUS_BLOCK Io;
        char Byte = 'x';
        BENCH_TRY(NtWriteFile(ServerEnd, nullptr, nullptr, nullptr, &Io, &Byte, 1, nullptr, nullptr));
        BENCH_TRY(NtReadFile(ServerEnd, nullptr, nullptr, nullptr, &Io, &Byte, 1, nullptr, nullptr));
    }
    return 0;
}
static void StopEcho()
{
    NtClose(ServerEnd);
    NtWaitForSingleObject(Partner, 0, nullptr);
    NtClose(Partner);
    NtClose(ClientEnd);
}

static NTSTATUS MakeKey()
{
    Named Name(KeyName);
    ULONG Number = 42, Disposition;
    BENCH_TRY(NtCreateKey(&Key, KEY_ALL_ACCESS, &Name.Object, 0, nullptr, REG_OPTION_VOLATILE, &Disposition));
    UNICODE_STRING Value;
    RtlInitUnicodeString(&Value, L"value");
    return NtSetValueKey(Key, &Value, 0, 4 /* REG_DWORD */, &Number, sizeof(Number));
}
static NTSTATUS QueryValue(u32 Count)
{
    UNICODE_STRING Value;
    RtlInitUnicodeString(&Value, L"value");
    for (u32 I = 0; I < Count; ++I) {
        u64 Information[8];
        ULONG Length;
        BENCH_TRY(NtQueryValueKey(Key, &Value, KeyValuePartialInformation, Information, sizeof(Information), &Length));
    }
    return 0;
}
static void DeleteKey()
{
    NtDeleteKey(Key);
    NtClose(Key);
}

extern const Row FileRows[] = {
    { "pipe_ping_pong", 1000, StartEcho, PingPong, StopEcho, "round trip of 1 byte between two threads through a duplex named pipe, NtWriteFile and NtReadFile on each side" },
    { "reg_query", 1000, MakeKey, QueryValue, DeleteKey, "NtQueryValueKey, partial information of a 4-byte value" },
    { "open_close", 500, MakeData, OpenClose, nullptr, "NtOpenFile of an existing file C:\\work\\bench.dat for reading, NtClose" },
    { "cached_read_512", 1000, OpenData, [](u32 Count) { return Read(Count, 512); }, CloseData, "NtReadFile of 512 bytes at offset 0 into the same buffer, synchronous handle" },
    { "cached_read_4k", 1000, OpenData, [](u32 Count) { return Read(Count, 4096); }, CloseData, "the same with 4 KiB" },
    { "cached_read_64k", 200, OpenData, [](u32 Count) { return Read(Count, 65536); }, CloseData, "the same with 64 KiB" },
    { "cached_read_1m", 20, OpenData, [](u32 Count) { return Read(Count, 1 << 20); }, CloseData, "the same with 1 MiB" },
    { "file_create_delete", 300, nullptr, CreateDelete, nullptr, "NtCreateFile of a new file in C:\\work, FileDispositionInformation, NtClose" },
    {},
};

}
