// A disk with bad sectors (tools/neptune/storage_tests.py has QEMU fail them): reads of sector 1000 and writes of sector 20000. Only what touches them fails, with
// sense data that says so, also among many requests, and afterwards the disk goes on.
#include "tests/guest/storage/scsi.hpp"

using namespace scsi;

static constexpr u32 Sector = 512, BadRead = 1000, BadWrite = 20000, Slots = 16, Bytes = 8 * Sector;

TAP_MAIN()
{
    HANDLE File = OpenAdapter(), Async = OpenAdapter(0);
    if (!CHECK(File && Async))
        return;
    static Direct D;
    alignas(4096) static u8 Data[Bytes];
    for (int Round = 0; Round < 3; ++Round) {
        Transfer(D, false, BadRead - 4, 8, Data, Bytes);
        CHECK_EQ(u32(Send(File, D)), 0u);
        CHECK_EQ(D.P.ScsiStatus, 2);
        CHECK(D.P.SenseLength >= 14 && (D.Sense[2] & 15) == 3);      // medium error
        Transfer(D, true, BadWrite, 1, Data, Sector);
        CHECK_EQ(u32(Send(File, D)), 0u);
        CHECK_EQ(D.P.ScsiStatus, 2);
        CHECK(D.P.SenseLength >= 14 && (D.Sense[2] & 15) == 3);
        Transfer(D, false, BadRead + 8, 8, Data, Bytes);
        CHECK_EQ(u32(Send(File, D)), 0u);
        CHECK_EQ(D.P.ScsiStatus, 0);
        u32 First;
        memcpy(&First, Data, 4);
        CHECK_EQ(First, BadRead + 8);
    }
    // One of many.
    struct Slot {
        Direct D;
        IO_STATUS_BLOCK Io;
        HANDLE Event;
        u8 Data[Bytes];
    };
    static Slot S[Slots];
    u32 Failed = 0, Good = 0;
    for (u32 I = 0; I < Slots; ++I) {
        NtCreateEvent(&S[I].Event, 0x1F0003, nullptr, 1, 0);
        Transfer(S[I].D, false, BadRead - 4 - 8 * (Slots / 2) + 8 * I, 8, S[I].Data, Bytes);
        NTSTATUS Status = NtDeviceIoControlFile(Async, S[I].Event, nullptr, nullptr, &S[I].Io, PassThroughDirectCode, &S[I].D, sizeof(S[I].D), &S[I].D, sizeof(S[I].D));
        if (Status < 0)
            tap::Print("# slot %u: 0x%x\n", I, u32(Status));
    }
    for (u32 I = 0; I < Slots; ++I) {
        NtWaitForSingleObject(S[I].Event, 0, nullptr);
        u32 First, Lba = BadRead - 4 - 8 * (Slots / 2) + 8 * I;
        memcpy(&First, S[I].Data, 4);
        if (S[I].Io.Status == 0 && S[I].D.P.ScsiStatus == 2 && (S[I].D.Sense[2] & 15) == 3 && Lba <= BadRead && Lba + 8 > BadRead)
            ++Failed;
        else if (S[I].Io.Status == 0 && S[I].D.P.ScsiStatus == 0 && First == Lba)
            ++Good;
        else
            tap::Print("# slot %u: 0x%x, SCSI %u, sense key %u\n", I, u32(S[I].Io.Status), S[I].D.P.ScsiStatus, S[I].D.Sense[2]);
    }
    CHECK_EQ(Failed, 1u);
    CHECK_EQ(Good, Slots - 1);
    NtClose(File);
    NtClose(Async);
}
