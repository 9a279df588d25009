// What this folder uses of lib/rtl, with Windows' signatures.
#pragma once
#include "abi/services.hpp"

struct RTL_RELATIVE_NAME_U;

extern "C" {
void NTAPI RtlAcquirePebLock();
void NTAPI RtlReleasePebLock();
void NTAPI RtlInitUnicodeString(UNICODE_STRING* String, const WCHAR* Source);
void NTAPI RtlInitAnsiString(ANSI_STRING* String, const char* Source);
void NTAPI RtlFreeUnicodeString(UNICODE_STRING* String);
BOOLEAN NTAPI RtlEqualUnicodeString(const UNICODE_STRING* A, const UNICODE_STRING* B, BOOLEAN IgnoreCase);
WCHAR NTAPI RtlUpcaseUnicodeChar(WCHAR Char);
ULONG NTAPI RtlGetFullPathName_U(const WCHAR* Name, ULONG Size, WCHAR* Buffer, WCHAR** FilePart);
NTSTATUS NTAPI RtlSetCurrentDirectory_U(const UNICODE_STRING* Dos);
ULONG NTAPI RtlDetermineDosPathNameType_U(const WCHAR* Path);
ULONG NTAPI RtlNtStatusToDosError(NTSTATUS Status);
NTSTATUS NTAPI RtlQueryEnvironmentVariable_U(WCHAR* Environment, const UNICODE_STRING* Name, UNICODE_STRING* Value);
BOOLEAN NTAPI RtlDosPathNameToNtPathName_U(const WCHAR* Dos, UNICODE_STRING* NtName, WCHAR** FilePart, RTL_RELATIVE_NAME_U* Relative);
IMAGE_NT_HEADERS* NTAPI RtlImageNtHeader(PVOID Base);
PVOID NTAPI RtlImageDirectoryEntryToData(PVOID Base, BOOLEAN MappedAsImage, USHORT Directory, ULONG* Size);
}
