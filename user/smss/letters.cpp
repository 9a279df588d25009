// Drive letters: the mount manager is told when it may give them, and asked for what it gave. Codes and structures as in mountmgr.h.
#include "user/smss/smss.hpp"

extern "C" {
ULONG NTAPI DbgPrint(const char* Format, ...);
void NTAPI RtlInitUnicodeString(UNICODE_STRING* String, const WCHAR* Source);
PVOID NTAPI RtlAllocateHeap(PVOID Heap, ULONG Flags, SIZE_T Size);
BOOLEAN NTAPI RtlFreeHeap(PVOID Heap, ULONG Flags, PVOID Memory);
PEB* NTAPI RtlGetCurrentPeb();
}

namespace smss {

namespace {

constexpr ULONG AutoAssignments = 0x6DC014, QueryPoints = 0x6D0008;     // IOCTL_MOUNTMGR_AUTO_DL_ASSIGNMENTS, QUERY_POINTS
constexpr ULONG Patience = 30000, Step = 5;     // ms

struct MountPoint {
    ULONG LinkOffset;
    USHORT LinkBytes;
    ULONG IdOffset;
    USHORT IdBytes;
    ULONG DeviceOffset;
    USHORT DeviceBytes;
};
struct MountPoints {
    ULONG Size, Count;
};

NTSTATUS Ask(ACCESS_MASK Access, ULONG Code, void* In, ULONG InBytes, void* Out, ULONG OutBytes)
{
    UNICODE_STRING Name;
    RtlInitUnicodeString(&Name, L"\\Device\\MountPointManager");
    OBJECT_ATTRIBUTES Object { sizeof(OBJECT_ATTRIBUTES), nullptr, &Name, OBJ_CASE_INSENSITIVE, nullptr, nullptr };
    IO_STATUS_BLOCK Io {};
    HANDLE File;
    NTSTATUS Status = NtOpenFile(&File, Access | SYNCHRONIZE, &Object, &Io, FILE_SHARE_READ | FILE_SHARE_WRITE, FILE_SYNCHRONOUS_IO_NONALERT);
    if (Status < 0)
        return Status;
    Status = NtDeviceIoControlFile(File, nullptr, nullptr, nullptr, &Io, Code, In, InBytes, Out, OutBytes);
    NtClose(File);
    return Status;
}

// Letters of volumes besides C: and X:.
u32 CountLetters()
{
    constexpr ULONG Room = 32768;
    PVOID Heap = RtlGetCurrentPeb()->ProcessHeap;
    auto* Bytes = static_cast<u8*>(RtlAllocateHeap(Heap, 0, Room));
    if (!Bytes)
        return 0;
    MountPoint All {};
    u32 Count = 0;
    auto* Head = reinterpret_cast<MountPoints*>(Bytes);
    if (Ask(FILE_READ_ATTRIBUTES, QueryPoints, &All, sizeof(All), Bytes, Room) >= 0) {
        auto* Points = reinterpret_cast<MountPoint*>(Head + 1);
        for (ULONG I = 0; I < Head->Count; ++I) {
            auto* Link = reinterpret_cast<const WCHAR*>(Bytes + Points[I].LinkOffset);
            // "\DosDevices\D:" is 14 characters.
            if (Points[I].LinkBytes == 28 && Link[13] == L':' && Link[12] != L'C' && Link[12] != L'X')
                ++Count;
        }
    }
    RtlFreeHeap(Heap, 0, Bytes);
    return Count;
}

}

void AssignLetters()
{
    static bool Told;
    if (Told)
        return;
    Told = true;
    NTSTATUS Status = Ask(FILE_READ_DATA | FILE_WRITE_DATA, AutoAssignments, nullptr, 0, nullptr, 0);
    if (Status < 0)
        DbgPrint("smss: no drive letters are given: %08x\n", Status);
}

bool WaitForLetters(u32 Count)
{
    for (ULONG Waited = 0; CountLetters() < Count; Waited += Step) {
        if (Waited >= Patience)
            return false;
        LARGE_INTEGER Short;
        Short.QuadPart = -10000ll * Step;
        NtDelayExecution(0, &Short);
    }
    return true;
}

}
