// The native benchmark program: runs the rows named on its command line.
#include "bench/native/bench.hpp"

namespace bench {

static constexpr u32 Rounds = 5;

static void Print(const char* Text, int Length)
{
    IO_STATUS_BLOCK Io;
    NtWriteFile(RtlGetCurrentPeb()->ProcessParameters->StandardOutput, nullptr, nullptr, nullptr, &Io, const_cast<char*>(Text), ULONG(Length), nullptr, nullptr);
}

static NTSTATUS Measure(const Row& R)
{
    if (R.Prepare)
        BENCH_TRY(R.Prepare());
    // Once untimed: what is made on first use is not part of the figure.
    NTSTATUS Status = R.Run(R.Operations > 8 ? 8 : R.Operations);
    for (u32 I = 0; I < Rounds && Status >= 0; ++I) {
        Marker();
        Status = R.Run(R.Operations);
        Marker();
    }
    if (R.Finish)
        R.Finish();
    return Status;
}

// Whether the command line has this word behind the program's name.
static bool IsWanted(const char* Name)
{
    const UNICODE_STRING& Line = RtlGetCurrentPeb()->ProcessParameters->CommandLine;
    u32 At = 0, Length = Line.Length / 2;
    while (At < Length && Line.Buffer[At] != ' ')
        ++At;
    while (At < Length) {
        while (At < Length && Line.Buffer[At] == ' ')
            ++At;
        if (At == Length)
            break;
        u32 I = 0;
        for (; At < Length && Line.Buffer[At] != ' ' && char(Line.Buffer[At]) == Name[I]; ++At)
            ++I;
        if ((At == Length || Line.Buffer[At] == ' ') && !Name[I])
            return true;
        while (At < Length && Line.Buffer[At] != ' ')
            ++At;
    }
    return false;
}

}

using namespace bench;

extern "C" void NtProcessStartup(PEB*)
{
    for (const Row* Rows : { SyncRows, MemoryRows, FileRows, ProcessRows, DriverRows, DiskRows }) {
        for (; Rows->Name; ++Rows) {
            if (!IsWanted(Rows->Name))
                continue;
            char Line[600];
            NTSTATUS Status = Measure(*Rows);
            int Length = Status < 0 ? _snprintf(Line, sizeof(Line), "fail %s 0x%08x\n", Rows->Name, unsigned(Status))
                                    : _snprintf(Line, sizeof(Line), "row %s %u %u %s\n", Rows->Name, Rows->Operations, Rounds, Rows->Note);
            Print(Line, Length);
            if (Status < 0)
                RtlExitUserProcess(1);  // markers and lines would no longer agree
        }
    }
    RtlExitUserProcess(0);
}
