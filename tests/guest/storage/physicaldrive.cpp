// The disk by its class driver: stack, names, transfers of many sizes through disk.sys and the port driver, each in its process. Sector N of the scratch disk holds N, 128
// times.
#include "tests/guest/storage/scsi.hpp"

using namespace wdm;

static constexpr u32 Sector = 512, Most = 1 << 20;
alignas(4096) static u8 Data[Most + 4096], Back[Most + 4096];

static NTSTATUS Move(HANDLE File, bool Write, u8* At, u32 Bytes, u64 Offset)
{
    IO_STATUS_BLOCK Io {};
    LARGE_INTEGER Where;
    Where.QuadPart = i64(Offset);
    NTSTATUS S = (Write ? NtWriteFile : NtReadFile)(File, nullptr, nullptr, nullptr, &Io, At, Bytes, &Where, nullptr);
    return S < 0 ? S : Io.Information == Bytes ? 0 : STATUS_UNSUCCESSFUL;
}

static bool HoldsNumbers(const u8* At, u32 First, u32 Sectors)
{
    for (u32 S = 0; S < Sectors; ++S) {
        for (u32 I = 0; I < Sector; I += 4) {
            u32 V;
            memcpy(&V, At + S * Sector + I, 4);
            if (V != First + S) {
                tap::Print("# sector %u, byte %u: %u\n", First + S, I, V);
                return false;
            }
        }
    }
    return true;
}

TAP_MAIN()
{
    HANDLE File = nullptr;
    for (int Tries = 0; Tries < 500 && Open(&File, L"\\??\\PhysicalDrive0") < 0; ++Tries)
        Sleep(20);
    if (!CHECK(File != nullptr))
        return;
    u64 Length = 0;
    CHECK_EQ(u32(Control(File, 0x7405C, nullptr, 0, &Length, 8)), 0);
    CHECK_EQ(Length, 32768ull * Sector);
    u32 Number[3] {};
    CHECK_EQ(u32(Control(File, 0x2D1080, nullptr, 0, Number, 12)), 0);
    CHECK(Number[0] == 7 && Number[1] == 0);
    for (u32 Sectors : { 1u, 8u, 9u, 16u, 128u, 255u, 2048u }) {
        memset(Data, 0, sizeof(Data));
        u32 First = 777 + Sectors;
        bool Read = Move(File, false, Data, Sectors * Sector, u64(First) * Sector) == 0 && HoldsNumbers(Data, First, Sectors);
        CHECK(Read);
    }
    // Not page-aligned in memory.
    CHECK_EQ(u32(Move(File, false, Data + 512, 64 * Sector, 4096ull * Sector)), 0);
    CHECK(HoldsNumbers(Data + 512, 4096, 64));
    for (u32 Round = 0; Round < 4; ++Round) {
        u32 Bytes = Round == 3 ? Most : Sector << (3 * Round);
        for (u32 I = 0; I < Bytes; ++I)
            Data[I] = u8(I * 7 + I / 509 + Round);
        memset(Back, 0, Bytes);
        CHECK_EQ(u32(Move(File, true, Data, Bytes, 8192ull * Sector)), 0);
        CHECK_EQ(u32(Move(File, false, Back, Bytes, 8192ull * Sector)), 0);
        CHECK(memcmp(Data, Back, Bytes) == 0);
    }
    IO_STATUS_BLOCK Io;
    CHECK_EQ(u32(NtFlushBuffersFile(File, &Io)), 0);
    CHECK_EQ(u32(Move(File, false, Data, Sector, Length)), u32(STATUS_INVALID_PARAMETER));
    NtClose(File);
    // The same device by its other names.
    for (const WCHAR* Name : { L"\\Device\\Harddisk0\\DR0", L"\\Device\\Harddisk0\\Partition0" }) {
        CHECK_EQ(u32(Open(&File, Name)), 0);
        CHECK_EQ(u32(Move(File, false, Data, 8 * Sector, 100ull * Sector)), 0);
        CHECK(HoldsNumbers(Data, 100, 8));
        NtClose(File);
    }
}
