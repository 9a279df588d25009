// The last images that were unloaded: what crash reports need to name code that is gone.
#include "ntdll/loader/loader.hpp"

namespace {

// RTL_UNLOAD_EVENT_TRACE.
struct UnloadEvent {
    PVOID BaseAddress;
    SIZE_T SizeOfImage;
    ULONG Sequence, TimeDateStamp, CheckSum;
    WCHAR ImageName[32];
    ULONG Version[2];
};
static_assert(sizeof(UnloadEvent) == 0x68);

constexpr ULONG Count = 64;
UnloadEvent Events[Count];
ULONG Sequence;
UnloadEvent* First = Events;
ULONG ElementSize = sizeof(UnloadEvent), ElementCount = Count;

}

namespace ldr {

void RecordUnload(const LDR_DATA_TABLE_ENTRY& Module)
{
    UnloadEvent& E = Events[Sequence % Count];
    E = {};
    E.SizeOfImage = Module.SizeOfImage;
    E.Sequence = Sequence++;
    E.TimeDateStamp = Module.TimeDateStamp;
    if (const IMAGE_NT_HEADERS* Headers = RtlImageNtHeader(Module.DllBase))
        E.CheckSum = Headers->OptionalHeader.CheckSum;
    for (u32 I = 0; I < Module.BaseDllName.Length / 2u && I < sizeof(E.ImageName) / sizeof(WCHAR) - 1; ++I)
        E.ImageName[I] = Module.BaseDllName.Buffer[I];
    E.BaseAddress = Module.DllBase;
}

}

extern "C" {

PVOID NTAPI RtlGetUnloadEventTrace() { return Events; }
void NTAPI RtlGetUnloadEventTraceEx(ULONG** Size, ULONG** Number, PVOID* Trace)
{
    *Size = &ElementSize;
    *Number = &ElementCount;
    *Trace = &First;
}

}
