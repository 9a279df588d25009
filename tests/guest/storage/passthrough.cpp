// A disk behind a storage adapter, by pass-through on \??\ScsiN: - what it is, reading and writing, many requests at a time, errors. The scratch disk is 16 MiB; its
// sectors hold their own number (tools/neptune/storage_tests.py), and what is written is behind the first 4 MiB.
#include "tests/guest/storage/scsi.hpp"

using namespace scsi;

static constexpr u32 Sector = 512, FirstFree = 8192;

static bool IsNumbered(const u8* Data, u32 Lba, u32 Sectors)
{
    for (u32 S = 0; S < Sectors; ++S)
        for (u32 Word = 0; Word < Sector / 4; ++Word) {
            u32 Value;
            memcpy(&Value, Data + S * Sector + Word * 4, 4);
            if (Value != Lba + S)
                return false;
        }
    return true;
}

static u8* Memory(usize Bytes)
{
    PVOID At = nullptr;
    SIZE_T Size = Bytes;
    return NtAllocateVirtualMemory(reinterpret_cast<HANDLE>(-1), &At, 0, &Size, 0x3000, 4) >= 0 ? static_cast<u8*>(At) : nullptr;
}

static u32 Sectors;

static void Identity(HANDLE File)
{
    static Buffered<96> B;
    static const u8 Inquiry[6] = { 0x12, 0, 0, 0, 96, 0 };
    CHECK_EQ(u32(B.Run(File, Inquiry, 6, In)), 0u);
    CHECK_EQ(B.P.ScsiStatus, 0);
    CHECK_EQ(B.Data[0], 0);             // a disk
    tap::Print("# %.8s %.16s %.4s\n", B.Data + 8, B.Data + 16, B.Data + 32);
    static const u8 Serial[6] = { 0x12, 1, 0x80, 0, 96, 0 };
    CHECK_EQ(u32(B.Run(File, Serial, 6, In)), 0u);
    CHECK_EQ(B.Data[1], 0x80);
    B.Data[4 + (B.Data[3] < 40 ? B.Data[3] : 40)] = 0;
    tap::Print("# serial number %s\n", B.Data + 4);
    CHECK(B.Data[3] >= 7 && memcmp(B.Data + 4, "NEPTUNE", 7) == 0);
    static const u8 Capacity[10] = { 0x25 };
    CHECK_EQ(u32(B.Run(File, Capacity, 10, In, 8)), 0u);
    Sectors = Get32(B.Data) + 1;
    CHECK_EQ(Sectors, 32768u);
    CHECK_EQ(Get32(B.Data + 4), Sector);
    static const u8 Capacity16[16] = { 0x9E, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0 };
    CHECK_EQ(u32(B.Run(File, Capacity16, 16, In, 32)), 0u);
    CHECK_EQ(Get32(B.Data + 4) + 1, Sectors);
    static const u8 Ready[6] = {}, Luns[12] = { 0xA0, 0, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0 }, Modes[6] = { 0x1A, 0, 8, 0, 64, 0 };
    CHECK_EQ(u32(B.Run(File, Ready, 6, Out, 0)), 0u);
    CHECK_EQ(B.P.ScsiStatus, 0);
    CHECK_EQ(u32(B.Run(File, Luns, 12, In, 64)), 0u);
    CHECK_EQ(Get32(B.Data), 8u);
    CHECK_EQ(u32(B.Run(File, Modes, 6, In, 64)), 0u);
    CHECK_EQ(B.Data[12] & 0x3F, 8);
}

static void ReadWrite(HANDLE File, u32 MostBytes)
{
    static Direct D;
    u8* Data = Memory(4 * MiB);
    u8* Other = Memory(4 * MiB);
    if (!CHECK(Data && Other))
        return;
    Transfer(D, false, 0, 1, Data, Sector);
    CHECK_EQ(u32(Send(File, D)), 0u);
    CHECK_EQ(D.P.ScsiStatus, 0);
    CHECK_EQ(D.P.DataBytes, Sector);
    CHECK(IsNumbered(Data, 0, 1));
    // Lengths and places in memory of all kinds: not at a page's beginning, across pages.
    bool Good = true;
    u32 Lba = 17;
    for (u32 Count = 1; Count * Sector <= MostBytes && Count <= 2048; Count = Count * 3 / 2 + 1) {
        for (u32 Offset : { 0u, 512u, 4096u - 512u, 4u }) {
            if (Count * Sector + Offset > MostBytes)
                continue;
            memset(Data, 0xEE, Count * Sector + Offset + 16);
            Transfer(D, false, Lba, Count, Data + Offset, Count * Sector);
            NTSTATUS S = Send(File, D);
            bool Fine = S == 0 && D.P.ScsiStatus == 0 && IsNumbered(Data + Offset, Lba, Count) && Data[Count * Sector + Offset] == 0xEE && (!Offset || Data[Offset - 1] == 0xEE);
            if (!Fine)
                tap::Print("# %u sectors at +%u: status 0x%x, SCSI %u\n", Count, Offset, u32(S), D.P.ScsiStatus);
            Good &= Fine;
        }
        Lba += 31;
    }
    CHECK(Good);
    // The most that the adapter takes, and more.
    Transfer(D, false, 0, MostBytes / Sector, Data, MostBytes);
    CHECK_EQ(u32(Send(File, D)), 0u);
    CHECK(IsNumbered(Data, 0, MostBytes / Sector));
    Transfer(D, false, 0, MostBytes / Sector + 8, Data, MostBytes + 8 * Sector);
    CHECK_EQ(u32(Send(File, D)), 0xC000000Du);

    // Written is read again, flushed, with forced unit access, and nothing beside it has changed.
    for (u32 I = 0; I < 256 * KiB; ++I)
        Data[I] = u8(I * 7 + I / 251);
    Transfer(D, true, FirstFree + 8, 512, Data, 256 * KiB);
    CHECK_EQ(u32(Send(File, D)), 0u);
    CHECK_EQ(D.P.ScsiStatus, 0);
    // Through the cache, where the disk says that it can (DPOFUA) or has none.
    static Buffered<64> B;
    static const u8 Modes[6] = { 0x1A, 0, 8, 0, 64, 0 };
    CHECK_EQ(u32(B.Run(File, Modes, 6, In)), 0u);
    bool Through = B.Data[2] & 0x10 || !(B.Data[14] & 4);
    tap::Print("# write cache %s, forced unit access %s\n", B.Data[14] & 4 ? "on" : "off", B.Data[2] & 0x10 ? "yes" : "no");
    Transfer(D, true, FirstFree + 520, 8, Data, 4096, true);
    CHECK_EQ(u32(Send(File, D)), 0u);
    CHECK_EQ(D.P.ScsiStatus, Through ? 0 : 2);
    if (!Through) {
        Transfer(D, true, FirstFree + 520, 8, Data, 4096);
        CHECK_EQ(u32(Send(File, D)), 0u);
    }
    static const u8 Synchronize[10] = { 0x35 };
    CHECK_EQ(u32(B.Run(File, Synchronize, 10, Out, 0)), 0u);
    CHECK_EQ(B.P.ScsiStatus, 0);
    Transfer(D, false, FirstFree, 528, Other, 528 * Sector);
    CHECK_EQ(u32(Send(File, D)), 0u);
    CHECK_EQ(memcmp(Other + 8 * Sector, Data, 256 * KiB), 0);
    CHECK_EQ(memcmp(Other + 520 * Sector, Data, 4096), 0);
    CHECK(IsNumbered(Other, FirstFree, 8));
    // A write whose buffer cannot be written to by anybody: only read.
    PVOID Page = Data;
    SIZE_T PageBytes = 4096;
    ULONG Old;
    CHECK_EQ(u32(NtProtectVirtualMemory(reinterpret_cast<HANDLE>(-1), &Page, &PageBytes, 2, &Old)), 0u);
    Transfer(D, true, FirstFree + 600, 8, Data, 4096);
    CHECK_EQ(u32(Send(File, D)), 0u);
    Transfer(D, false, FirstFree + 600, 8, Data, 4096);
    CHECK_EQ(u32(Send(File, D)), 0xC0000005u);
}

// Many at a time: each slot is sent again when it is done, until all sectors of the first 4 MiB have been read, out of order.
static void Overlapped(HANDLE File)
{
    constexpr u32 Slots = 32, Bytes = 64 * KiB, Pieces = 4 * MiB / Bytes;
    struct Slot {
        Direct D;
        IO_STATUS_BLOCK Io;
        HANDLE Event;
        u8* Data;
        u32 Piece;
        bool Busy;
    };
    static Slot S[Slots];
    bool Good = true;
    u32 Next = 0, Done = 0, Most = 0, Now = 0;
    for (auto& One : S) {
        NtCreateEvent(&One.Event, 0x1F0003, nullptr, 1, 0);
        One.Data = Memory(Bytes);
    }
    while (Done < Pieces * 4 && Good) {
        for (auto& One : S) {
            if (One.Busy || Next == Pieces * 4)
                continue;
            One.Piece = Next++ * 37 % Pieces;
            Transfer(One.D, false, One.Piece * (Bytes / Sector), Bytes / Sector, One.Data, Bytes);
            memset(One.Data, 0, Bytes);
            NTSTATUS Status = NtDeviceIoControlFile(File, One.Event, nullptr, nullptr, &One.Io, PassThroughDirectCode, &One.D, sizeof(One.D), &One.D, sizeof(One.D));
            Good &= Status == STATUS_PENDING || Status == 0;
            One.Busy = true;
            Most = ++Now > Most ? Now : Most;
        }
        for (auto& One : S) {
            if (!One.Busy || NtWaitForSingleObject(One.Event, 0, nullptr) != 0)
                continue;
            --Now;
            One.Busy = false;
            ++Done;
            Good &= One.Io.Status == 0 && One.D.P.ScsiStatus == 0 && IsNumbered(One.Data, One.Piece * (Bytes / Sector), Bytes / Sector);
        }
    }
    CHECK(Good);
    CHECK_EQ(Done, Pieces * 4);
    CHECK_EQ(Most, Slots);
}

static void Errors(HANDLE File)
{
    static Direct D;
    static u8 Data[4096];
    // Past the end: the device says so.
    Transfer(D, false, Sectors, 1, Data, Sector);
    CHECK_EQ(u32(Send(File, D)), 0u);
    CHECK_EQ(D.P.ScsiStatus, 2);        // CHECK CONDITION
    CHECK(D.P.SenseLength >= 14 && (D.Sense[2] & 15) == 5 && D.Sense[12] == 0x21);
    Transfer(D, true, Sectors - 1, 2, Data, 2 * Sector);
    CHECK_EQ(u32(Send(File, D)), 0u);
    CHECK_EQ(D.P.ScsiStatus, 2);
    // No such command, unit, target.
    Prepare(D, In, Data, 64);
    D.P.CdbLength = 6;
    D.P.Cdb[0] = 0x0F;
    CHECK_EQ(u32(Send(File, D)), 0u);
    CHECK_EQ(D.P.ScsiStatus, 2);
    CHECK(D.P.SenseLength >= 14 && D.Sense[12] == 0x20);
    Transfer(D, false, 0, 1, Data, Sector);
    D.P.Lun = 3;
    CHECK_EQ(u32(Send(File, D)), 0xC00000C0u);      // STATUS_DEVICE_DOES_NOT_EXIST
    Transfer(D, false, 0, 1, Data, Sector);
    D.P.Target = 77;
    CHECK_EQ(u32(Send(File, D)), 0xC00000C0u);
    // What a program can get wrong.
    IO_STATUS_BLOCK Io;
    Transfer(D, false, 0, 1, Data, Sector);
    D.P.Length = 8;
    CHECK_EQ(u32(Send(File, D)), 0xC0000059u);      // STATUS_REVISION_MISMATCH
    Transfer(D, false, 0, 1, Data, Sector);
    D.P.CdbLength = 17;
    CHECK_EQ(u32(Send(File, D)), 0xC000000Du);
    Transfer(D, false, 0, 1, Data, Sector);
    D.P.SenseOffset = 4000;
    CHECK_EQ(u32(Send(File, D)), 0xC000000Du);
    Transfer(D, false, 0, 1, reinterpret_cast<void*>(0x10000), Sector);
    CHECK_EQ(u32(Send(File, D)), 0xC0000005u);
    Transfer(D, false, 0, 1, reinterpret_cast<void*>(0xFFFF800000000000), Sector);
    CHECK_EQ(u32(Send(File, D)), 0xC0000005u);
    CHECK_EQ(u32(NtDeviceIoControlFile(File, nullptr, nullptr, nullptr, &Io, PassThroughDirectCode, &D, 20, &D, sizeof(D))), 0xC000000Du);
    Transfer(D, false, 0, 2, Data, Sector);         // more blocks than there is room for
    CHECK_EQ(u32(Send(File, D)), 0u);
    CHECK_EQ(D.P.ScsiStatus, 2);
    // And then all is well.
    Transfer(D, false, 5, 8, Data, 4096);
    CHECK_EQ(u32(Send(File, D)), 0u);
    CHECK(IsNumbered(Data, 5, 8));
}

static u32 Properties(HANDLE File)
{
    struct {
        u32 Length, MaximumTransfer, MaximumPages, Events, AlignmentMask;
        u8 Tagged, ScansDown, Pio;
    } C {};
    CHECK_EQ(u32(wdm::Control(File, CapabilitiesCode, nullptr, 0, &C, sizeof(C))), 0u);
    CHECK(C.MaximumTransfer >= 64 * KiB && C.MaximumPages >= 17);
    static u8 Info[1024];
    CHECK_EQ(u32(wdm::Control(File, InquiryDataCode, nullptr, 0, Info, sizeof(Info))), 0u);
    u32 First;
    memcpy(&First, Info + 8, 4);
    CHECK(Info[0] >= 1 && Info[4] >= 1 && First >= 12 && First < 900);
    CHECK_EQ(u32(wdm::Control(File, InquiryDataCode, nullptr, 0, Info, 4)), 0xC0000023u);
    u32 Query[3] = { 1, 0, 0 };         // StorageAdapterProperty
    u32 Adapter[16] {};
    CHECK_EQ(u32(wdm::Control(File, QueryPropertyCode, Query, 12, Adapter, sizeof(Adapter))), 0u);
    CHECK_EQ(Adapter[2], C.MaximumTransfer);
    CHECK_EQ(u32(wdm::Control(File, QueryPropertyCode, Query, 12, Adapter, 8)), 0u);
    CHECK_EQ(Adapter[1], 32u);
    CHECK_EQ(u32(wdm::Control(File, 0x12345678)), 0xC0000010u);
    return C.MaximumTransfer;
}

TAP_MAIN()
{
    HANDLE File = OpenAdapter(), Async = OpenAdapter(0);
    if (!CHECK(File && Async))
        return;
    u32 Most = Properties(File);
    Identity(File);
    ReadWrite(File, Most);
    Overlapped(Async);
    Errors(File);
    NtClose(File);
    NtClose(Async);
}
