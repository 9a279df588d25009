// Ending a driver's process, as a mistake of its own would.
#pragma once
#include "abi/nt/sysinfo.hpp"
#include "tests/guest/wdm/load.hpp"

namespace wdm {

// The process that hosts the driver of Services\Service. STATUS_NOT_FOUND: there is none.
inline NTSTATUS KillDriver(const char* Service)
{
    static UCHAR All[65536];
    ULONG Bytes = 0, At = 0;
    NTSTATUS S = NtQuerySystemInformation(5, All, sizeof(All), &Bytes);
    if (S < 0)
        return S;
    BOOLEAN Was;
    RtlAdjustPrivilege(20, 1, 0, &Was);         // debugging: other users' processes
    for (;;) {
        auto& P = *reinterpret_cast<SYSTEM_PROCESS_INFORMATION*>(All + At);
        OBJECT_ATTRIBUTES Attributes { sizeof(OBJECT_ATTRIBUTES), nullptr, nullptr, 0, nullptr, nullptr };
        CLIENT_ID Id { P.UniqueProcessId, nullptr };
        HANDLE Process;
        if (P.UniqueProcessId && NtOpenProcess(&Process, 0x1 | 0x1000 | 0x10 | 0x400, &Attributes, &Id) >= 0) {
            alignas(8) UCHAR Room[1024];
            auto& Line = *reinterpret_cast<UNICODE_STRING*>(Room);
            bool Is = false;
            if (NtQueryInformationProcess(Process, 60, Room, sizeof(Room), &Bytes) >= 0) {
                USHORT Length = 0;
                while (Service[Length])
                    ++Length;
                USHORT N = Line.Length / 2;
                Is = N > Length && Line.Buffer[N - Length - 1] == '\\';
                for (USHORT I = 0; Is && I < Length; ++I)
                    Is = (Line.Buffer[N - Length + I] | 0x20) == (Service[I] | 0x20);
            }
            S = Is ? NtTerminateProcess(Process, NTSTATUS(0xC0000005)) : STATUS_NOT_FOUND;
            NtClose(Process);
            if (Is)
                return S;
        }
        if (!P.NextEntryOffset)
            return STATUS_NOT_FOUND;
        At += P.NextEntryOffset;
    }
}

}
