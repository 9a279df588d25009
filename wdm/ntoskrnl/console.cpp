// For the console's driver (console.hpp).
#include "wdm/ntoskrnl/device.hpp"
#include "wdm/ntoskrnl/object.hpp"

extern "C" {
NTSTATUS NTAPI NtOpenProcess(PHANDLE, ACCESS_MASK, POBJECT_ATTRIBUTES, CLIENT_ID*);
NTSTATUS NTAPI NtQueryInformationProcess(HANDLE, PROCESSINFOCLASS, PVOID, ULONG, PULONG);
NTSTATUS NTAPI NtReadVirtualMemory(HANDLE, PVOID, PVOID, SIZE_T, SIZE_T*);
__declspec(dllimport) void NTAPI LdrConsoleControlThread(PVOID Event);       // the function's own address, which is the same in every process
}

using namespace host;

namespace {

constexpr ACCESS_MASK AllAccess = 0x1FFFFF, QueryAndRead = 0x0410;
constexpr u64 ParametersInPeb = 0x20, FlagsInParameters = 0x18;

NTSTATUS Open(ULONG Process, ACCESS_MASK Access, HANDLE* Out)
{
    OBJECT_ATTRIBUTES Attributes { sizeof(OBJECT_ATTRIBUTES), nullptr, nullptr, 0, nullptr, nullptr };
    CLIENT_ID Client { reinterpret_cast<HANDLE>(u64(Process)), nullptr };
    return NtOpenProcess(Out, Access, &Attributes, &Client);
}

}

extern "C" {

NTSTATUS NTAPI NeptuneSignalFile(PDEVICE_OBJECT Device, PFILE_OBJECT File, BOOLEAN Set)
{
    wd::FileSignal In { IdOf(Device), u64(File), Set, 0 };
    return Control(wd::Control::SignalFile, &In, sizeof(In));
}

NTSTATUS NTAPI NeptuneConsoleControl(ULONG Process, ULONG Event)
{
    HANDLE H, Thread;
    NTSTATUS Status = Open(Process, AllAccess, &H);
    if (Status < 0)
        return Status;
    Status = RtlCreateUserThread(H, nullptr, FALSE, 0, 0, 0, reinterpret_cast<PVOID>(LdrConsoleControlThread), reinterpret_cast<PVOID>(u64(Event)), &Thread, nullptr);
    NtClose(H);
    if (Status >= 0)
        NtClose(Thread);
    return Status;
}

NTSTATUS NTAPI NeptuneConsoleClient(ULONG Process, PULONG Parent, PULONG Flags)
{
    *Parent = *Flags = 0;
    HANDLE H;
    NTSTATUS Status = Open(Process, QueryAndRead, &H);
    if (Status < 0)
        return Status;
    PROCESS_BASIC_INFORMATION Basic {};
    Status = NtQueryInformationProcess(H, ProcessBasicInformation, &Basic, sizeof(Basic), nullptr);
    u64 At = 0;
    if (Status >= 0) {
        *Parent = ULONG(Basic.InheritedFromUniqueProcessId);
        Status = NtReadVirtualMemory(H, reinterpret_cast<PVOID>(u64(Basic.PebBaseAddress) + ParametersInPeb), &At, sizeof(At), nullptr);
    }
    if (Status >= 0)
        Status = NtReadVirtualMemory(H, reinterpret_cast<PVOID>(At + FlagsInParameters), Flags, sizeof(*Flags), nullptr);
    NtClose(H);
    return Status;
}

}
