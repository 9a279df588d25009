// A device stack in two processes, and pages lent to both: the data of large direct transfers is there without a copy, and gone for the driver when it has
// answered.
#include "tests/guest/wdm/drivers/layer.hpp"
#include "tests/guest/wdm/load.hpp"

using namespace wdm;

static const WCHAR* LowKey = L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\LayerLow";
static const WCHAR* HighKey = L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\LayerHigh";
constexpr u32 Most = 1 << 20;
static u8 Out[Most + 4096], In[Most + 4096];

static NTSTATUS Move(HANDLE File, bool Write, u8* At, u32 Bytes, u64 Offset, u64* Done)
{
    IO_STATUS_BLOCK Io {};
    LARGE_INTEGER Where;
    Where.QuadPart = i64(Offset);
    NTSTATUS S = (Write ? NtWriteFile : NtReadFile)(File, nullptr, nullptr, nullptr, &Io, At, Bytes, &Where, nullptr);
    *Done = Io.Information;
    return S;
}

// Writes and reads back with many lengths and alignments; whether all was well.
static bool RoundTrips(HANDLE File, u32 Seed)
{
    static const u32 Lengths[] = { 1, 511, 4096, 8191, 8192, 12288, 65536, 65536 + 4096, 300000, Most };
    for (u32 Length : Lengths) {
        for (u32 Shift : { 0u, 1u, 513u }) {
            u64 Offset = (Seed * 7919u) % 100000, Done;
            for (u32 I = 0; I < Length; ++I)
                Out[Shift + I] = u8(I * 3 + (I >> 8) + Seed);
            memset(In, 0xAA, sizeof(In));
            ++Seed;
            if (Move(File, true, Out + Shift, Length, Offset, &Done) != 0 || Done != Length || Move(File, false, In + Shift, Length, Offset, &Done) != 0 || Done != Length) {
                tap::Print("# length %u shift %u: %u done\n", Length, Shift, u32(Done));
                return false;
            }
            if (memcmp(In + Shift, Out + Shift, Length) != 0 || In[Shift + Length] != 0xAA || (Shift && In[Shift - 1] != 0xAA)) {
                tap::Print("# length %u shift %u: the data is not the same\n", Length, Shift);
                return false;
            }
        }
    }
    return true;
}

static layer::CountValues Counts(HANDLE File, bool OfFilter)
{
    struct {
        layer::CountValues C;
        u8 More;
    } Values {};
    Control(File, layer::Counts, nullptr, 0, &Values, sizeof(layer::CountValues) + OfFilter);
    return Values.C;
}

TAP_MAIN()
{
    CHECK_EQ(u32(MakeKey(LowKey, L"\\??\\C:\\work\\layer.sys")), 0);
    CHECK_EQ(u32(MakeKey(HighKey, L"\\??\\C:\\work\\layer.sys")), 0);
    CHECK_EQ(u32(Load(LowKey)), 0);
    HANDLE File;
    if (!CHECK_EQ(u32(Open(&File, L"\\Device\\LayerLow")), 0))
        return;
    tap::Print("# one process\n");
    CHECK(RoundTrips(File, 1));
    auto C = Counts(File, false);
    CHECK_EQ(C.Reads, 30u);
    CHECK_EQ(C.Writes, 30u);
    CHECK_EQ(C.Lent, 2 * 3 * 6u);       // those of two pages and more
    u8 Seed = 9;
    CHECK_EQ(u32(Control(File, layer::Fill, &Seed, 1, In, 100000)), 0);
    CHECK(In[0] == 9 && In[99999] == u8(99999 * 5 + 9));
    u64 Sum = 0;
    CHECK_EQ(u32(Control(File, layer::Sum, nullptr, 0, In, 100000, &Sum)), 0);
    u32 Expected = 0;
    for (u32 I = 0; I < 100000; ++I)
        Expected += u8(I * 5 + 9);
    CHECK_EQ(u32(Sum), Expected);
    // Memory that cannot be written to, and none at all.
    u64 Done;
    CHECK_EQ(u32(Move(File, false, reinterpret_cast<u8*>(0x1000), 65536, 0, &Done)), u32(STATUS_ACCESS_VIOLATION));
    CHECK_EQ(u32(Move(File, true, reinterpret_cast<u8*>(0x1000), 65536, 0, &Done)), u32(STATUS_ACCESS_VIOLATION));
    CHECK_EQ(u32(Move(File, false, const_cast<u8*>(reinterpret_cast<const u8*>(&RoundTrips)), 65536, 0, &Done)), u32(STATUS_ACCESS_VIOLATION));

    tap::Print("# two processes\n");
    CHECK_EQ(u32(Load(HighKey)), 0);
    HANDLE Both;
    CHECK_EQ(u32(Open(&Both, L"\\Device\\LayerLow")), 0);
    CHECK(RoundTrips(Both, 1000));
    C = Counts(Both, true);
    CHECK_EQ(C.Creates, 1u);
    CHECK_EQ(C.Reads, 30u);
    CHECK_EQ(C.Writes, 30u);
    C = Counts(Both, false);
    CHECK_EQ(C.Creates, 3u);            // one of them the filter's own, to attach
    CHECK_EQ(C.Reads, 30u + 30u + 12u);         // of 64 KiB and more the filter makes two
    CHECK_EQ(u32(Control(Both, layer::Fill, &Seed, 1, In, 50000)), 0);
    CHECK(In[0] == 9 && In[49999] == u8(49999 * 5 + 9));
    // Through both, cancelled.
    HANDLE Slow, Event;
    CHECK_EQ(u32(Open(&Slow, L"\\Device\\LayerLow", FILE_GENERIC_READ | FILE_GENERIC_WRITE, 0)), 0);
    CHECK_EQ(u32(NtCreateEvent(&Event, 0x1F0003, nullptr, 0, 0)), 0);
    IO_STATUS_BLOCK Io {}, Other {};
    CHECK_EQ(u32(NtDeviceIoControlFile(Slow, Event, nullptr, nullptr, &Io, layer::Hold, nullptr, 0, In, 65536)), u32(STATUS_PENDING));
    CHECK_EQ(u32(NtCancelIoFile(Slow, &Other)), 0);
    CHECK_EQ(u32(NtWaitForSingleObject(Event, 0, nullptr)), 0);
    CHECK_EQ(u32(Io.Status), u32(STATUS_CANCELLED));
    CHECK_EQ(Counts(Both, false).Cancelled, 1u);
    NtClose(Slow);
    NtClose(Both);
    for (int Tries = 0; Tries < 100 && Counts(File, false).Closes < 3; ++Tries)
        Sleep(10);                      // NtClose does not wait for the drivers
    CHECK_EQ(Counts(File, false).Closes, 3u);
    // The filter goes; the stack is the disk alone again.
    CHECK_EQ(u32(Unload(HighKey)), 0);
    CHECK_EQ(u32(Open(&Both, L"\\Device\\LayerLow")), 0);
    CHECK(RoundTrips(Both, 2000));
    NtClose(Both);

    tap::Print("# a driver that keeps what it was lent\n");
    memset(In, 0, 65536);
    CHECK_EQ(u32(Control(File, layer::Keep, nullptr, 0, In, 65536)), 0);
    CHECK_EQ(In[0], 1);
    Control(File, layer::Late);
    Sleep(100);
    CHECK_EQ(In[0], 1);
    CHECK_EQ(u32(Control(File, layer::Counts)), u32(STATUS_DEVICE_REMOVED));      // it has died of it
    NtClose(File);
    for (int Tries = 0; Tries < 500 && Open(&File, L"\\Device\\LayerLow") < 0; ++Tries)
        Sleep(20);
    CHECK(RoundTrips(File, 3000));
    NtClose(File);
    CHECK_EQ(u32(Unload(LowKey)), 0);
}
