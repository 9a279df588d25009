// Writes what a RAM disk has in it to the standard output: for each piece of 4 KiB that is not zero its number (4 bytes), then its bytes. The argument is the drive's letter.
#include "tests/guest/fs/fs.hpp"

using namespace fs;

extern "C" void NtProcessStartup(PEB* Process)
{
    UNICODE_STRING& Line = Process->ProcessParameters->CommandLine;
    Drive = Line.Length >= 2 ? Line.Buffer[Line.Length / 2 - 1] : L'R';
    WCHAR Name[] = L"\\??\\R:";
    Name[4] = Drive;
    HANDLE Volume = nullptr;
    NTSTATUS S = wdm::Open(&Volume, Name);
    IO_STATUS_BLOCK Io {};
    if (S >= 0)
        S = NtFsControlFile(Volume, nullptr, nullptr, nullptr, &Io, FSCTL_LOCK_VOLUME, nullptr, 0, nullptr, 0);
    if (S >= 0)
        S = NtFsControlFile(Volume, nullptr, nullptr, nullptr, &Io, FSCTL_DISMOUNT_VOLUME, nullptr, 0, nullptr, 0);
    static u8 Piece[4 + 4096];
    for (u32 N = 0; S >= 0; ++N) {
        u64 Done = 0;
        S = Read(Volume, Piece + 4, 4096, i64(N) * 4096, &Done);
        if (S < 0 || !Done)
            break;
        for (u64 I = Done; I < 4096; ++I)
            Piece[4 + I] = 0;
        bool Zero = true;
        for (u32 I = 0; I < 4096 && Zero; ++I)
            Zero = !Piece[4 + I];
        if (Zero)
            continue;
        memcpy(Piece, &N, 4);
        tap::Write(reinterpret_cast<char*>(Piece), sizeof(Piece));
    }
    RtlExitUserProcess(S == STATUS_END_OF_FILE ? 0 : S);
}
