// SCSI commands by pass-through, as programs send them: structures of ntddscsi.h, commands of SPC-4 and SBC-3.
#pragma once
#include "tests/guest/wdm/load.hpp"

namespace scsi {

constexpr u32 PassThroughCode = 0x4D004, PassThroughDirectCode = 0x4D014, CapabilitiesCode = 0x41010, InquiryDataCode = 0x4100C, MiniportCode = 0x4D008, RescanCode = 0x4101C,
              QueryPropertyCode = 0x2D1400;

struct PassThrough {            // SCSI_PASS_THROUGH, and _DIRECT with an address for the offset
    u16 Length;
    u8 ScsiStatus, Path, Target, Lun, CdbLength, SenseLength, DataIn;
    u32 DataBytes, Timeout;
    u64 Data;
    u32 SenseOffset;
    u8 Cdb[16];
};
static_assert(sizeof(PassThrough) == 56);
struct Direct {
    PassThrough P;
    u8 Sense[32];
};
enum : u8 { Out = 0, In = 1 };

inline void Put32(u8* At, u32 V)
{
    for (int I = 0; I < 4; ++I)
        At[I] = u8(V >> (24 - 8 * I));
}
inline u32 Get32(const u8* At) { return u32(At[0]) << 24 | u32(At[1]) << 16 | u32(At[2]) << 8 | At[3]; }

inline void Prepare(Direct& D, u8 Direction, void* Data, u32 Bytes)
{
    memset(&D, 0, sizeof(D));
    D.P.Length = sizeof(PassThrough);
    D.P.SenseLength = sizeof(D.Sense);
    D.P.SenseOffset = offsetof(Direct, Sense);
    D.P.DataIn = Direction;
    D.P.DataBytes = Bytes;
    D.P.Timeout = 20;
    D.P.Data = reinterpret_cast<u64>(Data);
}
// READ(10) or WRITE(10).
inline void Transfer(Direct& D, bool Write, u32 Lba, u32 Blocks, void* Data, u32 Bytes, bool Fua = false)
{
    Prepare(D, Write ? Out : In, Data, Bytes);
    D.P.CdbLength = 10;
    D.P.Cdb[0] = Write ? 0x2A : 0x28;
    D.P.Cdb[1] = Fua ? 8 : 0;
    Put32(D.P.Cdb + 2, Lba);
    D.P.Cdb[7] = u8(Blocks >> 8);
    D.P.Cdb[8] = u8(Blocks);
}
inline NTSTATUS Send(HANDLE File, Direct& D)
{
    IO_STATUS_BLOCK Io {};
    return NtDeviceIoControlFile(File, nullptr, nullptr, nullptr, &Io, PassThroughDirectCode, &D, sizeof(D), &D, sizeof(D));
}
// A command whose data comes or goes with the structure.
template <u32 Room> struct Buffered {
    PassThrough P;
    u8 Sense[32];
    alignas(8) u8 Data[Room];
    NTSTATUS Run(HANDLE File, const u8* Cdb, u8 CdbBytes, u8 Direction, u32 Bytes = Room, u8 Target = 0, u8 Lun = 0)
    {
        memset(&P, 0, sizeof(P));
        P.Length = sizeof(P);
        P.SenseLength = sizeof(Sense);
        P.SenseOffset = offsetof(Buffered, Sense);
        P.DataIn = Direction;
        P.DataBytes = Bytes;
        P.Timeout = 20;
        P.Data = offsetof(Buffered, Data);
        P.Target = Target;
        P.Lun = Lun;
        P.CdbLength = CdbBytes;
        memcpy(P.Cdb, Cdb, CdbBytes);
        IO_STATUS_BLOCK Io {};
        return NtDeviceIoControlFile(File, nullptr, nullptr, nullptr, &Io, PassThroughCode, this, sizeof(*this), this, sizeof(*this));
    }
};

// The first adapter with a unit; waits for it, as adapters start and find their units in the background.
inline HANDLE OpenAdapter(ULONG Options = FILE_SYNCHRONOUS_IO_NONALERT)
{
    static WCHAR Path[] = L"\\??\\Scsi0:";
    static u8 Info[2048];
    for (int Tries = 0; Tries < 400; ++Tries) {
        Path[8] = WCHAR('0' + Tries % 4);
        HANDLE File = nullptr;
        if (wdm::Open(&File, Path) >= 0) {
            u32 Units = 0;
            if (wdm::Control(File, InquiryDataCode, nullptr, 0, Info, sizeof(Info)) >= 0)
                for (u32 Bus = 0; Bus < Info[0]; ++Bus)
                    Units += Info[4 + 8 * Bus];
            if (Units && Options == FILE_SYNCHRONOUS_IO_NONALERT)
                return File;
            NtClose(File);
            if (Units)
                return wdm::Open(&File, Path, FILE_GENERIC_READ | FILE_GENERIC_WRITE, Options) >= 0 ? File : nullptr;
        }
        if (Tries % 4 == 3)
            wdm::Sleep(20);
    }
    return nullptr;
}

}
