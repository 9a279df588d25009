// ntdll.dll: the process heap, the PEB lock, and the services.
#include "abi/kuser.hpp"
#include "abi/nt/status.hpp"
#include "abi/services.hpp"
#include "lib/rtl/platform.hpp"

extern "C" {
PVOID NTAPI RtlAllocateHeap(PVOID Heap, ULONG Flags, SIZE_T Size);
PVOID NTAPI RtlReAllocateHeap(PVOID Heap, ULONG Flags, PVOID At, SIZE_T Size);
BOOLEAN NTAPI RtlFreeHeap(PVOID Heap, ULONG Flags, PVOID At);
SIZE_T NTAPI RtlSizeHeap(PVOID Heap, ULONG Flags, const void* At);
NTSTATUS NTAPI RtlEnterCriticalSection(RTL_CRITICAL_SECTION* Section);
NTSTATUS NTAPI RtlLeaveCriticalSection(RTL_CRITICAL_SECTION* Section);
void NTAPI RtlRaiseStatus(NTSTATUS Status);
}

namespace rtl::platform {

using namespace nt;

namespace {

const HANDLE CurrentProcess = reinterpret_cast<HANDLE>(i64(-1));

OBJECT_ATTRIBUTES Named(UNICODE_STRING* Name)
{
    return { sizeof(OBJECT_ATTRIBUTES), nullptr, Name, OBJ_CASE_INSENSITIVE, nullptr, nullptr };
}

}

void* Allocate(usize Size) { return RtlAllocateHeap(Peb()->ProcessHeap, 0, Size); }
void* Reallocate(void* At, usize Size) { return RtlReAllocateHeap(Peb()->ProcessHeap, 0, At, Size); }
void Free(void* At) { RtlFreeHeap(Peb()->ProcessHeap, 0, At); }
usize SizeOf(const void* At) { return RtlSizeHeap(Peb()->ProcessHeap, 0, At); }

PEB* Peb()
{
    PEB* Process;
    asm("movq %%gs:0x60, %0" : "=r"(Process));
    return Process;
}
TEB* Teb()
{
    TEB* Thread;
    asm("movq %%gs:0x30, %0" : "=r"(Thread));
    return Thread;
}
void LockPeb() { RtlEnterCriticalSection(Peb()->FastPebLock); }
void UnlockPeb() { RtlLeaveCriticalSection(Peb()->FastPebLock); }

u32 ProcessCookie()
{
    static u32 Cookie;
    u32 Value = __atomic_load_n(&Cookie, __ATOMIC_RELAXED);
    if (!Value) {
        constexpr ULONG ProcessCookieClass = 36;
        if (NtQueryInformationProcess(CurrentProcess, ProcessCookieClass, &Value, sizeof(Value), nullptr) < 0 || !Value)
            Value = u32(EntropyBits()) | 1;
        u32 None = 0;
        if (!__atomic_compare_exchange_n(&Cookie, &None, Value, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
            Value = None;
    }
    return Value;
}

u64 EntropyBits()
{
    u64 Clock = __builtin_ia32_rdtsc();
    Clock ^= reinterpret_cast<u64>(Teb()) << 17;
    return (Clock ^ Clock >> 29) * 0xBF58476D1CE4E5B9;
}

void Raise(NTSTATUS Status)
{
    RtlRaiseStatus(Status);
    __builtin_trap();
}

NTSTATUS OpenDirectory(UNICODE_STRING* NtPath, HANDLE* Directory)
{
    constexpr ACCESS_MASK Traverse = 0x20;
    constexpr ULONG ShareRead = 1, ShareWrite = 2, DirectoryFile = 1, Synchronous = 0x20;
    OBJECT_ATTRIBUTES Attributes = Named(NtPath);
    Attributes.Attributes |= OBJ_INHERIT;
    IO_STATUS_BLOCK Io;
    return NtOpenFile(Directory, Traverse | SYNCHRONIZE, &Attributes, &Io, ShareRead | ShareWrite, DirectoryFile | Synchronous);
}

NTSTATUS FileAttributes(UNICODE_STRING* NtPath, ULONG* Attributes)
{
    OBJECT_ATTRIBUTES Object = Named(NtPath);
    struct {                            // FILE_BASIC_INFORMATION
        LARGE_INTEGER Times[4];
        ULONG Attributes;
    } Basic;
    NTSTATUS Status = NtQueryAttributesFile(&Object, reinterpret_cast<FILE_BASIC_INFORMATION*>(&Basic));
    if (Status >= 0)
        *Attributes = Basic.Attributes;
    return Status;
}

void Close(HANDLE Handle) { NtClose(Handle); }

NTSTATUS NlsSection(ULONG Type, ULONG Id, void** At, ULONG* Size) { return NtGetNlsSectionPtr(Type, Id, nullptr, At, Size); }

ULONG DefaultLocale(bool User)
{
    ULONG Locale = 0;
    return NtQueryDefaultLocale(User, &Locale) >= 0 ? Locale : 0x409;
}

}
