// The names of Wine's own that its DLLs import: debug channels (all off) and its Unix paths (there are none).
#include "ntdll/ntdll.hpp"

extern "C" {

UCHAR __wine_dbg_get_channel_flags(PVOID) { return 0; }
int __wine_dbg_header(u32, PVOID, const char*) { return -1; }
int __wine_dbg_output(const char* Text)
{
    int N = 0;
    while (Text[N])
        ++N;
    return N;
}
int __wine_dbg_write(const char*, u32 Length) { return int(Length); }

// A copy in a ring of recent strings, long enough for one message.
const char* __wine_dbg_strdup(const char* Text)
{
    static constinit char Ring[4096] {};
    static constinit u32 Next = 0;
    u32 Length = 0;
    while (Text[Length] && Length < 511)
        ++Length;
    u32 Start = __atomic_fetch_add(&Next, 512u, __ATOMIC_RELAXED) % sizeof(Ring);
    __builtin_memcpy(Ring + Start, Text, Length);
    Ring[Start + Length] = 0;
    return Ring + Start;
}

NTSTATUS NTAPI wine_nt_to_unix_file_name(const void*, char*, ULONG*, ULONG) { return STATUS_NOT_IMPLEMENTED; }
NTSTATUS NTAPI wine_unix_to_nt_file_name(const char*, WCHAR*, ULONG*) { return STATUS_NOT_IMPLEMENTED; }

// --- 32-bit processes: there are none

NTSTATUS NTAPI RtlWow64EnableFsRedirection(BOOLEAN) { return STATUS_NOT_IMPLEMENTED; }
NTSTATUS NTAPI RtlWow64EnableFsRedirectionEx(ULONG, ULONG*) { return STATUS_NOT_IMPLEMENTED; }
NTSTATUS NTAPI RtlWow64GetProcessMachines(HANDLE Process, USHORT* Current, USHORT* Native)
{
    PROCESS_BASIC_INFORMATION Basic;
    NTSTATUS Status = NtQueryInformationProcess(Process, ProcessBasicInformation, &Basic, sizeof(Basic), nullptr);
    if (Status < 0)
        return Status;
    if (Current)
        *Current = IMAGE_FILE_MACHINE_UNKNOWN;
    if (Native)
        *Native = IMAGE_FILE_MACHINE_AMD64;
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI RtlWow64IsWowGuestMachineSupported(USHORT, BOOLEAN* Supported)
{
    *Supported = 0;
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI RtlWow64GetThreadContext(HANDLE, PVOID) { return STATUS_INVALID_PARAMETER; }
NTSTATUS NTAPI RtlWow64SetThreadContext(HANDLE, const void*) { return STATUS_INVALID_PARAMETER; }

}
