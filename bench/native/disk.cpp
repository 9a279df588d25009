// Sequential reading of a disk past all caches, many requests in flight: of \??\PhysicalDrive0, or of the adapter's first unit by pass-through.
#include "bench/native/bench.hpp"

namespace bench {

extern "C" void* memcpy(void* To, const void* From, size_t Bytes);

namespace {

constexpr u32 Slots = 32, PassThroughDirect = 0x4D014, GetCapabilities = 0x41010, DiskBytes = 32 << 20;

struct PassThrough {            // SCSI_PASS_THROUGH_DIRECT
    u16 Length;
    u8 ScsiStatus, Path, Target, Lun, CdbLength, SenseLength, DataIn;
    u32 DataBytes, Timeout;
    u64 Data;
    u32 SenseOffset;
    u8 Cdb[16];
};
struct Slot {
    IO_STATUS_BLOCK Io;
    HANDLE Event;
    void* Data;
    PassThrough Command;
} S[Slots];
HANDLE Disk;
bool Raw;
u32 RequestBytes;
u64 Next;

NTSTATUS Open()
{
    IO_STATUS_BLOCK Io;
    for (int Tries = 0; Tries < 200; ++Tries) {
        static const WCHAR* const Ports[] = { L"\\??\\Scsi0:", L"\\??\\Scsi1:" };
        Named Drive(L"\\??\\PhysicalDrive0"), Port(Ports[Tries & 1]);
        Raw = NtOpenFile(&Disk, FILE_READ_DATA | SYNCHRONIZE, &Drive.Object, &Io, FILE_SHARE_READ | FILE_SHARE_WRITE, FILE_NO_INTERMEDIATE_BUFFERING) >= 0;
        // Its units are known a little after the adapter has its name; the disk's driver, if there is one, comes after that.
        if (Raw || (Tries >= 50 && NtOpenFile(&Disk, FILE_GENERIC_READ | FILE_GENERIC_WRITE, &Port.Object, &Io, FILE_SHARE_READ | FILE_SHARE_WRITE, 0) >= 0))
            break;
        LARGE_INTEGER Time;
        Time.QuadPart = -200'000;
        NtDelayExecution(0, &Time);
    }
    if (!Disk)
        return STATUS_NO_SUCH_DEVICE;
    RequestBytes = 1 << 20;
    if (!Raw) {
        u32 Capabilities[8] {};
        HANDLE Event;
        BENCH_TRY(NtCreateEvent(&Event, EVENT_ALL_ACCESS, nullptr, 1, 0));
        NTSTATUS Status = NtDeviceIoControlFile(Disk, Event, nullptr, nullptr, &Io, GetCapabilities, nullptr, 0, Capabilities, sizeof(Capabilities));
        if (Status == STATUS_PENDING)
            NtWaitForSingleObject(Event, 0, nullptr);
        while (RequestBytes > Capabilities[1] && RequestBytes > 65536)
            RequestBytes /= 2;
    }
    for (Slot& One : S) {
        BENCH_TRY(NtCreateEvent(&One.Event, EVENT_ALL_ACCESS, nullptr, 1, 0));
        SIZE_T Size = RequestBytes;
        One.Data = nullptr;
        BENCH_TRY(NtAllocateVirtualMemory(ThisProcess(), &One.Data, 0, &Size, 0x3000, 4));
    }
    return 0;
}

void Close()
{
    NtClose(Disk);
}

NTSTATUS Send(Slot& One, u64 Offset, u32 Bytes)
{
    if (Raw) {
        LARGE_INTEGER At;
        At.QuadPart = i64(Offset);
        return NtReadFile(Disk, One.Event, nullptr, nullptr, &One.Io, One.Data, Bytes, &At, nullptr);
    }
    PassThrough& P = One.Command;
    memset(&P, 0, sizeof(P));
    P.Length = sizeof(P);
    P.CdbLength = 10;
    P.DataIn = 1;
    P.DataBytes = Bytes;
    P.Timeout = 30;
    P.Data = reinterpret_cast<u64>(One.Data);
    u32 Lba = u32(Offset / 512), Blocks = Bytes / 512;
    u8 Cdb[10] = { 0x28, 0, u8(Lba >> 24), u8(Lba >> 16), u8(Lba >> 8), u8(Lba), 0, u8(Blocks >> 8), u8(Blocks), 0 };
    memcpy(P.Cdb, Cdb, sizeof(Cdb));
    return NtDeviceIoControlFile(Disk, One.Event, nullptr, nullptr, &One.Io, PassThroughDirect, &P, sizeof(P), &P, sizeof(P));
}

// Count times 4 KiB, the disk's end followed by its beginning.
NTSTATUS Read(u32 Count)
{
    u64 Left = u64(Count) * 4096;
    u32 Sent = 0, Done = 0;
    while (Left || Done < Sent) {
        if (Left && Sent - Done < Slots) {
            Slot& One = S[Sent % Slots];
            u32 Bytes = Left < RequestBytes ? u32(Left) : RequestBytes;
            BENCH_TRY(Send(One, Next, Bytes));
            Next = Next + RequestBytes >= DiskBytes ? 0 : Next + RequestBytes;
            Left -= Bytes;
            ++Sent;
            continue;
        }
        Slot& One = S[Done++ % Slots];
        BENCH_TRY(NtWaitForSingleObject(One.Event, 0, nullptr));
        BENCH_TRY(One.Io.Status);
        if (!Raw && One.Command.ScsiStatus)
            return STATUS_IO_DEVICE_ERROR;
    }
    return 0;
}

}

#define DISK_ROW(Bus) { "disk_seq_read_4k_" Bus, 16384, Open, Read, Close, "4 KiB of 64 MiB read in a row from the disk, uncached, 32 requests of up to 1 MiB in flight" }
extern const Row DiskRows[] = { DISK_ROW("ahci"), DISK_ROW("nvme"), DISK_ROW("virtio"), {} };

}
