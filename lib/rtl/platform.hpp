// What lib/rtl needs of the world it runs in. platform_pe.cpp answers for ntdll.dll, platform_elf.cpp for the Executive
// (which uses only the parts that need no PEB), the host tests for themselves.
#pragma once
#include "abi/nt/peb.hpp"

namespace rtl::platform {

// The process heap: what Allocate returns, RtlFreeHeap of the process heap frees. Null when there is no memory.
void* Allocate(usize Size);
void* Reallocate(void* At, usize Size);
void Free(void* At);
usize SizeOf(const void* At);           // of a block that Allocate returned

nt::PEB* Peb();
nt::TEB* Teb();
void LockPeb();
void UnlockPeb();

u32 ProcessCookie();                    // a secret of this process
u64 EntropyBits();                      // differs from call to call
[[noreturn]] void Raise(nt::NTSTATUS Status);

// Files by NT path, for the path functions. OpenDirectory gives a handle that follows the current directory.
nt::NTSTATUS OpenDirectory(nt::UNICODE_STRING* NtPath, nt::HANDLE* Directory);
nt::NTSTATUS FileAttributes(nt::UNICODE_STRING* NtPath, nt::ULONG* Attributes);
void Close(nt::HANDLE Handle);

// A normalization table or a code page (NtGetNlsSectionPtr); mapped once and kept.
nt::NTSTATUS NlsSection(nt::ULONG Type, nt::ULONG Id, void** At, nt::ULONG* Size);
nt::ULONG DefaultLocale(bool User);

}

namespace rtl {

// The same with types.
template <typename T> T* Allocate(usize Count = 1)
{
    return Count > (usize(1) << 40) / sizeof(T) ? nullptr : static_cast<T*>(platform::Allocate(Count * sizeof(T)));
}

}
