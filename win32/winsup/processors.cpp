// Processors, their groups and nodes: the machine has one group and one node.
#define _WIN32_WINNT 0x0A00
#include "win32/common/win.hpp"

extern "C" {
NTSTATUS NTAPI NtSetInformationThread(HANDLE Thread, ULONG Class, PVOID Data, ULONG Length);
}

namespace {

enum : ULONG { ThreadIdealProcessorEx = 33 };       // a class that mingw-w64's winternl.h does not name

DWORD_PTR AllProcessors()
{
    SYSTEM_INFO Info;
    GetSystemInfo(&Info);
    return Info.dwActiveProcessorMask;
}

}

EXPORT BOOL WINAPI GetProcessGroupAffinity(HANDLE Process, PUSHORT Count, PUSHORT Groups)
{
    DWORD_PTR OfProcess, OfSystem;
    if (!GetProcessAffinityMask(Process, &OfProcess, &OfSystem)) {
        return FALSE;
    }
    if (!Count) {
        return win::Fail(ERROR_INVALID_PARAMETER);
    }
    bool Fits = *Count >= 1 && Groups;
    *Count = 1;
    if (!Fits) {
        return win::Fail(ERROR_INSUFFICIENT_BUFFER);
    }
    Groups[0] = 0;
    return TRUE;
}

EXPORT BOOL WINAPI GetNumaNodeProcessorMask(UCHAR Node, PULONGLONG Mask)
{
    if (Node) {
        return win::Fail(ERROR_INVALID_PARAMETER);
    }
    *Mask = AllProcessors();
    return TRUE;
}
EXPORT BOOL WINAPI GetNumaNodeProcessorMaskEx(USHORT Node, PGROUP_AFFINITY Mask)
{
    if (Node) {
        return win::Fail(ERROR_INVALID_PARAMETER);
    }
    *Mask = { AllProcessors(), 0, {} };
    return TRUE;
}
EXPORT BOOL WINAPI GetNumaAvailableMemoryNodeEx(USHORT Node, PULONGLONG Bytes)
{
    MEMORYSTATUSEX Memory;
    Memory.dwLength = sizeof(Memory);
    if (Node) {
        return win::Fail(ERROR_INVALID_PARAMETER);
    }
    if (!GlobalMemoryStatusEx(&Memory)) {
        return FALSE;
    }
    *Bytes = Memory.ullAvailPhys;
    return TRUE;
}
EXPORT BOOL WINAPI GetNumaAvailableMemoryNode(UCHAR Node, PULONGLONG Bytes) { return GetNumaAvailableMemoryNodeEx(Node, Bytes); }
EXPORT BOOL WINAPI GetNumaProcessorNodeEx(PPROCESSOR_NUMBER Processor, PUSHORT Node)
{
    bool Known = Processor->Group == 0 && Processor->Number < 64 && (AllProcessors() >> Processor->Number & 1);
    *Node = Known ? 0 : 0xFFFF;
    return Known ? TRUE : win::Fail(ERROR_INVALID_PARAMETER);
}

EXPORT BOOL WINAPI SetThreadIdealProcessorEx(HANDLE Thread, PPROCESSOR_NUMBER Ideal, PPROCESSOR_NUMBER Before)
{
    PROCESSOR_NUMBER InOut = *Ideal;        // the service gives back the one before
    NTSTATUS Status = NtSetInformationThread(Thread, ThreadIdealProcessorEx, &InOut, sizeof(InOut));
    if (Status < 0) {
        return win::Fail(RtlNtStatusToDosError(Status));
    }
    if (Before) {
        *Before = InOut;
    }
    return TRUE;
}
