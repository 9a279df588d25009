// A benchmark row: an operation that is done many times between two markers, which the counting plug-in sees (bench/plugin/count.c). The program prints
//     row <name> <operations per round> <rounds> <note>
// in the order of the markers; a row that fails prints "fail <name> <status>" and has none. tools/neptune/bench.py does the arithmetic.
#pragma once
#include <initializer_list>

#include "abi/nt/cm.hpp"
#include "abi/nt/ex.hpp"
#include "abi/nt/image.hpp"
#include "abi/nt/io.hpp"
#include "abi/nt/mm.hpp"
#include "abi/nt/ob.hpp"
#include "abi/nt/ps.hpp"
#include "abi/nt/status.hpp"
#include "abi/nt/sync.hpp"
#include "abi/services.hpp"

extern "C" {
int _snprintf(char* Buffer, size_t Room, const char* Format, ...);
void NTAPI RtlExitUserProcess(NTSTATUS Status);
void NTAPI RtlExitUserThread(NTSTATUS Status);
void NTAPI RtlInitUnicodeString(UNICODE_STRING* String, const WCHAR* Source);
PEB* NTAPI RtlGetCurrentPeb();
NTSTATUS NTAPI RtlCreateUserThread(HANDLE, PVOID, BOOLEAN, ULONG, SIZE_T, SIZE_T, PVOID Start, PVOID Argument, HANDLE* Thread, CLIENT_ID*);
NTSTATUS NTAPI RtlCreateProcessParametersEx(RTL_USER_PROCESS_PARAMETERS** Out, const UNICODE_STRING* Image, const UNICODE_STRING* DllPath,
                                            const UNICODE_STRING* Directory, const UNICODE_STRING* CommandLine, PVOID Environment,
                                            const UNICODE_STRING* Title, const UNICODE_STRING* Desktop, const UNICODE_STRING* Shell,
                                            const UNICODE_STRING* Runtime, ULONG Flags);
void NTAPI RtlDestroyProcessParameters(RTL_USER_PROCESS_PARAMETERS* Parameters);
int strcmp(const char* A, const char* B);
void* memset(void* To, int Value, size_t Bytes);
}

namespace bench {

inline void Marker()
{
    asm volatile("xchgq %%rcx, %%rcx" : : : "memory");
}
inline HANDLE ThisProcess() { return reinterpret_cast<HANDLE>(i64(-1)); }

// OBJECT_ATTRIBUTES of a name.
struct Named {
    UNICODE_STRING Name;
    OBJECT_ATTRIBUTES Object;
    explicit Named(const WCHAR* Text, ULONG Flags = OBJ_CASE_INSENSITIVE)
    {
        RtlInitUnicodeString(&Name, Text);
        Object = { sizeof(Object), nullptr, &Name, Flags, nullptr, nullptr };
    }
    Named(const Named&) = delete;
};

// What a row does: Operation(count) does it count times; the first failing status ends the row.
struct Row {
    const char* Name;
    u32 Operations;
    NTSTATUS (*Prepare)();
    NTSTATUS (*Run)(u32 Count);
    void (*Finish)();
    const char* Note;
};
extern const Row SyncRows[], MemoryRows[], FileRows[], ProcessRows[], DriverRows[], DiskRows[];    // each ends with a null name

#define BENCH_TRY(Call)                  \
    do {                                 \
        NTSTATUS Status_ = (Call);       \
        if (Status_ < 0) [[unlikely]]    \
            return Status_;              \
    } while (0)

}
