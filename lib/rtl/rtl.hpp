// The Rtl functions, with Windows' signatures and semantics: shared by ntdll.dll and, as far as they need neither PEB nor
// floating point, by the Executive. A family is a file of its name. None of them throws; those that Windows lets raise
// (a bad pointer) fault here as well. The contract of each is Windows' own: comments in the .cpp files say only what is
// easily missed. Functions on the process (paths, environment, registry, last error) exist in user mode only.
#pragma once
#include <stdarg.h>

#include "abi/nt/image.hpp"
#include "abi/nt/rtl.hpp"
#include "abi/nt/se.hpp"
#include "abi/nt/status.hpp"
#include "abi/services.hpp"

namespace nt {
struct PEB;
}

extern "C" {
using namespace nt;

// --- string.cpp
void NTAPI RtlInitString(STRING* To, const CHAR* From);
NTSTATUS NTAPI RtlInitStringEx(STRING* To, const CHAR* From);
void NTAPI RtlInitAnsiString(ANSI_STRING* To, const CHAR* From);
NTSTATUS NTAPI RtlInitAnsiStringEx(ANSI_STRING* To, const CHAR* From);
void NTAPI RtlInitUnicodeString(UNICODE_STRING* To, const WCHAR* From);
NTSTATUS NTAPI RtlInitUnicodeStringEx(UNICODE_STRING* To, const WCHAR* From);
BOOLEAN NTAPI RtlCreateUnicodeString(UNICODE_STRING* To, const WCHAR* From);
BOOLEAN NTAPI RtlCreateUnicodeStringFromAsciiz(UNICODE_STRING* To, const CHAR* From);
NTSTATUS NTAPI RtlDuplicateUnicodeString(ULONG Flags, const UNICODE_STRING* From, UNICODE_STRING* To);
NTSTATUS NTAPI RtlValidateUnicodeString(ULONG Flags, const UNICODE_STRING* String);
void NTAPI RtlFreeUnicodeString(UNICODE_STRING* String);
void NTAPI RtlFreeAnsiString(ANSI_STRING* String);
void NTAPI RtlFreeOemString(OEM_STRING* String);
void NTAPI RtlFreeUTF8String(STRING* String);
void NTAPI RtlEraseUnicodeString(UNICODE_STRING* String);
void NTAPI RtlCopyString(STRING* To, const STRING* From);
void NTAPI RtlCopyUnicodeString(UNICODE_STRING* To, const UNICODE_STRING* From);
NTSTATUS NTAPI RtlAppendAsciizToString(STRING* To, const CHAR* From);
NTSTATUS NTAPI RtlAppendStringToString(STRING* To, const STRING* From);
NTSTATUS NTAPI RtlAppendUnicodeToString(UNICODE_STRING* To, const WCHAR* From);
NTSTATUS NTAPI RtlAppendUnicodeStringToString(UNICODE_STRING* To, const UNICODE_STRING* From);
LONG NTAPI RtlCompareString(const STRING* A, const STRING* B, BOOLEAN NoCase);
BOOLEAN NTAPI RtlEqualString(const STRING* A, const STRING* B, BOOLEAN NoCase);
BOOLEAN NTAPI RtlPrefixString(const STRING* Prefix, const STRING* String, BOOLEAN NoCase);
LONG NTAPI RtlCompareUnicodeString(const UNICODE_STRING* A, const UNICODE_STRING* B, BOOLEAN NoCase);
LONG NTAPI RtlCompareUnicodeStrings(const WCHAR* A, SIZE_T LengthA, const WCHAR* B, SIZE_T LengthB, BOOLEAN NoCase);
BOOLEAN NTAPI RtlEqualUnicodeString(const UNICODE_STRING* A, const UNICODE_STRING* B, BOOLEAN NoCase);
BOOLEAN NTAPI RtlPrefixUnicodeString(const UNICODE_STRING* Prefix, const UNICODE_STRING* String, BOOLEAN NoCase);
BOOLEAN NTAPI RtlSuffixUnicodeString(const UNICODE_STRING* Suffix, const UNICODE_STRING* String, BOOLEAN NoCase);
NTSTATUS NTAPI RtlFindCharInUnicodeString(ULONG Flags, const UNICODE_STRING* In, const UNICODE_STRING* Set, USHORT* Position);
NTSTATUS NTAPI RtlHashUnicodeString(const UNICODE_STRING* String, BOOLEAN NoCase, ULONG Algorithm, ULONG* Hash);
CHAR NTAPI RtlUpperChar(CHAR C);
void NTAPI RtlUpperString(STRING* To, const STRING* From);
BOOLEAN NTAPI RtlEqualComputerName(const UNICODE_STRING* A, const UNICODE_STRING* B);
BOOLEAN NTAPI RtlEqualDomainName(const UNICODE_STRING* A, const UNICODE_STRING* B);
BOOLEAN NTAPI RtlIsTextUnicode(const void* Text, INT Size, INT* Tests);
void NTAPI RtlRunEncodeUnicodeString(UCHAR* Seed, UNICODE_STRING* String);
void NTAPI RtlRunDecodeUnicodeString(UCHAR Seed, UNICODE_STRING* String);

// --- casing.cpp, nls.cpp
WCHAR NTAPI RtlUpcaseUnicodeChar(WCHAR C);
WCHAR NTAPI RtlDowncaseUnicodeChar(WCHAR C);
NTSTATUS NTAPI RtlUpcaseUnicodeString(UNICODE_STRING* To, const UNICODE_STRING* From, BOOLEAN Allocate);
NTSTATUS NTAPI RtlDowncaseUnicodeString(UNICODE_STRING* To, const UNICODE_STRING* From, BOOLEAN Allocate);
void NTAPI RtlInitCodePageTable(USHORT* Table, CPTABLEINFO* Info);
void NTAPI RtlInitNlsTables(USHORT* Ansi, USHORT* Oem, USHORT* Case, NLSTABLEINFO* Info);
void NTAPI RtlResetRtlTranslations(const NLSTABLEINFO* Info);
void NTAPI RtlGetDefaultCodePage(USHORT* Ansi, USHORT* Oem);
extern USHORT NlsAnsiCodePage;
extern UCHAR NlsMbCodePageTag, NlsMbOemCodePageTag;

// --- convert.cpp
WCHAR NTAPI RtlAnsiCharToUnicodeChar(CHAR** At);
NTSTATUS NTAPI RtlMultiByteToUnicodeN(WCHAR* To, ULONG Room, ULONG* Size, const CHAR* From, ULONG FromSize);
NTSTATUS NTAPI RtlMultiByteToUnicodeSize(ULONG* Size, const CHAR* From, ULONG FromSize);
NTSTATUS NTAPI RtlUnicodeToMultiByteN(CHAR* To, ULONG Room, ULONG* Size, const WCHAR* From, ULONG FromSize);
NTSTATUS NTAPI RtlUnicodeToMultiByteSize(ULONG* Size, const WCHAR* From, ULONG FromSize);
NTSTATUS NTAPI RtlUpcaseUnicodeToMultiByteN(CHAR* To, ULONG Room, ULONG* Size, const WCHAR* From, ULONG FromSize);
NTSTATUS NTAPI RtlOemToUnicodeN(WCHAR* To, ULONG Room, ULONG* Size, const CHAR* From, ULONG FromSize);
NTSTATUS NTAPI RtlConsoleMultiByteToUnicodeN(WCHAR* To, ULONG Room, ULONG* Size, const CHAR* From, ULONG FromSize, ULONG* Special);
NTSTATUS NTAPI RtlUnicodeToOemN(CHAR* To, ULONG Room, ULONG* Size, const WCHAR* From, ULONG FromSize);
NTSTATUS NTAPI RtlUpcaseUnicodeToOemN(CHAR* To, ULONG Room, ULONG* Size, const WCHAR* From, ULONG FromSize);
NTSTATUS NTAPI RtlCustomCPToUnicodeN(CPTABLEINFO* Info, WCHAR* To, ULONG Room, ULONG* Size, const CHAR* From, ULONG FromSize);
NTSTATUS NTAPI RtlUnicodeToCustomCPN(CPTABLEINFO* Info, CHAR* To, ULONG Room, ULONG* Size, const WCHAR* From, ULONG FromSize);
NTSTATUS NTAPI RtlUpcaseUnicodeToCustomCPN(CPTABLEINFO* Info, CHAR* To, ULONG Room, ULONG* Size, const WCHAR* From, ULONG FromSize);
ULONG NTAPI RtlAnsiStringToUnicodeSize(const ANSI_STRING* String);
ULONG NTAPI RtlOemStringToUnicodeSize(const OEM_STRING* String);
ULONG NTAPI RtlUnicodeStringToAnsiSize(const UNICODE_STRING* String);
ULONG NTAPI RtlUnicodeStringToOemSize(const UNICODE_STRING* String);
ULONG NTAPI RtlxAnsiStringToUnicodeSize(const ANSI_STRING* String);
ULONG NTAPI RtlxOemStringToUnicodeSize(const OEM_STRING* String);
ULONG NTAPI RtlxUnicodeStringToAnsiSize(const UNICODE_STRING* String);
ULONG NTAPI RtlxUnicodeStringToOemSize(const UNICODE_STRING* String);
NTSTATUS NTAPI RtlAnsiStringToUnicodeString(UNICODE_STRING* To, const ANSI_STRING* From, BOOLEAN Allocate);
NTSTATUS NTAPI RtlOemStringToUnicodeString(UNICODE_STRING* To, const OEM_STRING* From, BOOLEAN Allocate);
NTSTATUS NTAPI RtlUnicodeStringToAnsiString(ANSI_STRING* To, const UNICODE_STRING* From, BOOLEAN Allocate);
NTSTATUS NTAPI RtlUnicodeStringToOemString(OEM_STRING* To, const UNICODE_STRING* From, BOOLEAN Allocate);
NTSTATUS NTAPI RtlUnicodeStringToCountedOemString(OEM_STRING* To, const UNICODE_STRING* From, BOOLEAN Allocate);
NTSTATUS NTAPI RtlUpcaseUnicodeStringToAnsiString(ANSI_STRING* To, const UNICODE_STRING* From, BOOLEAN Allocate);
NTSTATUS NTAPI RtlUpcaseUnicodeStringToOemString(OEM_STRING* To, const UNICODE_STRING* From, BOOLEAN Allocate);
NTSTATUS NTAPI RtlUpcaseUnicodeStringToCountedOemString(OEM_STRING* To, const UNICODE_STRING* From, BOOLEAN Allocate);

// --- utf8.cpp
NTSTATUS NTAPI RtlUTF8ToUnicodeN(WCHAR* To, ULONG Room, ULONG* Size, const CHAR* From, ULONG FromSize);
NTSTATUS NTAPI RtlUnicodeToUTF8N(CHAR* To, ULONG Room, ULONG* Size, const WCHAR* From, ULONG FromSize);
NTSTATUS NTAPI RtlUTF8StringToUnicodeString(UNICODE_STRING* To, const STRING* From, BOOLEAN Allocate);
NTSTATUS NTAPI RtlUnicodeStringToUTF8String(STRING* To, const UNICODE_STRING* From, BOOLEAN Allocate);

// --- number.cpp
NTSTATUS NTAPI RtlCharToInteger(const CHAR* S, ULONG Base, ULONG* Value);
NTSTATUS NTAPI RtlUnicodeStringToInteger(const UNICODE_STRING* S, ULONG Base, ULONG* Value);
NTSTATUS NTAPI RtlIntegerToChar(ULONG Value, ULONG Base, ULONG Room, CHAR* To);
NTSTATUS NTAPI RtlLargeIntegerToChar(const ULONGLONG* Value, ULONG Base, ULONG Room, CHAR* To);
NTSTATUS NTAPI RtlIntegerToUnicodeString(ULONG Value, ULONG Base, UNICODE_STRING* To);
NTSTATUS NTAPI RtlInt64ToUnicodeString(ULONGLONG Value, ULONG Base, UNICODE_STRING* To);

// --- largeint.cpp
LONGLONG NTAPI RtlConvertLongToLargeInteger(LONG Value);
ULONGLONG NTAPI RtlConvertUlongToLargeInteger(ULONG Value);
LONGLONG NTAPI RtlEnlargedIntegerMultiply(INT A, INT B);
ULONGLONG NTAPI RtlEnlargedUnsignedMultiply(UINT A, UINT B);
UINT NTAPI RtlEnlargedUnsignedDivide(ULONGLONG A, UINT B, UINT* Remainder);
LONGLONG NTAPI RtlExtendedIntegerMultiply(LONGLONG A, INT B);
LONGLONG NTAPI RtlExtendedLargeIntegerDivide(LONGLONG A, INT B, INT* Remainder);
LONGLONG NTAPI RtlExtendedMagicDivide(LONGLONG A, LONGLONG Magic, INT Shift);
LONGLONG NTAPI RtlLargeIntegerAdd(LONGLONG A, LONGLONG B);
LONGLONG NTAPI RtlLargeIntegerSubtract(LONGLONG A, LONGLONG B);
LONGLONG NTAPI RtlLargeIntegerNegate(LONGLONG A);
LONGLONG NTAPI RtlLargeIntegerShiftLeft(LONGLONG A, INT Count);
LONGLONG NTAPI RtlLargeIntegerShiftRight(LONGLONG A, INT Count);
LONGLONG NTAPI RtlLargeIntegerArithmeticShift(LONGLONG A, INT Count);
ULONGLONG NTAPI RtlLargeIntegerDivide(ULONGLONG A, ULONGLONG B, ULONGLONG* Remainder);
ULONG NTAPI RtlUlongByteSwap(ULONG Value);
USHORT NTAPI RtlUshortByteSwap(USHORT Value);
ULONGLONG NTAPI RtlUlonglongByteSwap(ULONGLONG Value);

// --- bitmap.cpp
void NTAPI RtlInitializeBitMap(RTL_BITMAP* Map, ULONG* Buffer, ULONG Size);
void NTAPI RtlSetAllBits(RTL_BITMAP* Map);
void NTAPI RtlClearAllBits(RTL_BITMAP* Map);
void NTAPI RtlSetBit(RTL_BITMAP* Map, ULONG Bit);
void NTAPI RtlClearBit(RTL_BITMAP* Map, ULONG Bit);
BOOLEAN NTAPI RtlTestBit(const RTL_BITMAP* Map, ULONG Bit);
void NTAPI RtlSetBits(RTL_BITMAP* Map, ULONG Start, ULONG Count);
void NTAPI RtlClearBits(RTL_BITMAP* Map, ULONG Start, ULONG Count);
BOOLEAN NTAPI RtlAreBitsSet(const RTL_BITMAP* Map, ULONG Start, ULONG Count);
BOOLEAN NTAPI RtlAreBitsClear(const RTL_BITMAP* Map, ULONG Start, ULONG Count);
ULONG NTAPI RtlFindSetBits(const RTL_BITMAP* Map, ULONG Count, ULONG Hint);
ULONG NTAPI RtlFindClearBits(const RTL_BITMAP* Map, ULONG Count, ULONG Hint);
ULONG NTAPI RtlFindSetBitsAndClear(RTL_BITMAP* Map, ULONG Count, ULONG Hint);
ULONG NTAPI RtlFindClearBitsAndSet(RTL_BITMAP* Map, ULONG Count, ULONG Hint);
ULONG NTAPI RtlNumberOfSetBits(const RTL_BITMAP* Map);
ULONG NTAPI RtlNumberOfClearBits(const RTL_BITMAP* Map);
ULONG NTAPI RtlFindNextForwardRunSet(const RTL_BITMAP* Map, ULONG Start, ULONG* RunStart);
ULONG NTAPI RtlFindNextForwardRunClear(const RTL_BITMAP* Map, ULONG Start, ULONG* RunStart);
ULONG NTAPI RtlFindLastBackwardRunSet(const RTL_BITMAP* Map, ULONG Start, ULONG* RunStart);
ULONG NTAPI RtlFindLastBackwardRunClear(const RTL_BITMAP* Map, ULONG Start, ULONG* RunStart);
ULONG NTAPI RtlFindFirstRunClear(const RTL_BITMAP* Map, ULONG* RunStart);
ULONG NTAPI RtlFindSetRuns(const RTL_BITMAP* Map, RTL_BITMAP_RUN* Runs, ULONG Room, BOOLEAN Longest);
ULONG NTAPI RtlFindClearRuns(const RTL_BITMAP* Map, RTL_BITMAP_RUN* Runs, ULONG Room, BOOLEAN Longest);
ULONG NTAPI RtlFindLongestRunSet(const RTL_BITMAP* Map, ULONG* Start);
ULONG NTAPI RtlFindLongestRunClear(const RTL_BITMAP* Map, ULONG* Start);
CHAR NTAPI RtlFindMostSignificantBit(ULONGLONG Value);
CHAR NTAPI RtlFindLeastSignificantBit(ULONGLONG Value);

// --- time.cpp
void NTAPI RtlTimeToTimeFields(const LARGE_INTEGER* Time, TIME_FIELDS* Fields);
BOOLEAN NTAPI RtlTimeFieldsToTime(const TIME_FIELDS* Fields, LARGE_INTEGER* Time);
void NTAPI RtlTimeToElapsedTimeFields(const LARGE_INTEGER* Time, TIME_FIELDS* Fields);
BOOLEAN NTAPI RtlTimeToSecondsSince1970(const LARGE_INTEGER* Time, ULONG* Seconds);
BOOLEAN NTAPI RtlTimeToSecondsSince1980(const LARGE_INTEGER* Time, ULONG* Seconds);
void NTAPI RtlSecondsSince1970ToTime(ULONG Seconds, LARGE_INTEGER* Time);
void NTAPI RtlSecondsSince1980ToTime(ULONG Seconds, LARGE_INTEGER* Time);

// --- memory.cpp
SIZE_T NTAPI RtlCompareMemory(const void* A, const void* B, SIZE_T Size);
SIZE_T NTAPI RtlCompareMemoryUlong(const void* At, SIZE_T Size, ULONG Pattern);
void NTAPI RtlCopyMemory(void* To, const void* From, SIZE_T Size);
void NTAPI RtlCopyMemoryNonTemporal(void* To, const void* From, SIZE_T Size);
void NTAPI RtlMoveMemory(void* To, const void* From, SIZE_T Size);
void NTAPI RtlFillMemory(void* To, SIZE_T Size, UCHAR Value);
void NTAPI RtlFillMemoryUlong(void* To, SIZE_T Size, ULONG Value);
void NTAPI RtlFillMemoryUlonglong(void* To, SIZE_T Size, ULONGLONG Value);
void NTAPI RtlZeroMemory(void* To, SIZE_T Size);
ULONG NTAPI RtlComputeCrc32(ULONG Initial, const void* Data, ULONG Size);
ULONGLONG NTAPI RtlCrc64(const void* Data, SIZE_T Size, ULONGLONG Initial);
ULONG NTAPI RtlCrc32(const void* Data, SIZE_T Size, ULONG Initial);
ULONG NTAPI RtlUniform(ULONG* Seed);
ULONG NTAPI RtlRandom(ULONG* Seed);
ULONG NTAPI RtlRandomEx(ULONG* Seed);

// --- compress.cpp
NTSTATUS NTAPI RtlGetCompressionWorkSpaceSize(USHORT Format, ULONG* BufferSize, ULONG* FragmentSize);
NTSTATUS NTAPI RtlCompressBuffer(USHORT Format, UCHAR* From, ULONG FromSize, UCHAR* To, ULONG Room, ULONG ChunkSize, ULONG* Size, PVOID WorkSpace);
NTSTATUS NTAPI RtlDecompressBuffer(USHORT Format, UCHAR* To, ULONG Room, UCHAR* From, ULONG FromSize, ULONG* Size);
NTSTATUS NTAPI RtlDecompressBufferEx(USHORT Format, UCHAR* To, ULONG Room, UCHAR* From, ULONG FromSize, ULONG* Size, PVOID WorkSpace);
NTSTATUS NTAPI RtlDecompressFragment(USHORT Format, UCHAR* To, ULONG Room, UCHAR* From, ULONG FromSize, ULONG Offset, ULONG* Size, PVOID WorkSpace);

// --- guid.cpp, inet.cpp
NTSTATUS NTAPI RtlGUIDFromString(const UNICODE_STRING* String, GUID* Guid);
NTSTATUS NTAPI RtlStringFromGUID(const GUID* Guid, UNICODE_STRING* String);
NTSTATUS NTAPI RtlStringFromGUIDEx(const GUID* Guid, UNICODE_STRING* String, BOOLEAN Allocate);
CHAR* NTAPI RtlIpv4AddressToStringA(const IN_ADDR* Address, CHAR* To);
WCHAR* NTAPI RtlIpv4AddressToStringW(const IN_ADDR* Address, WCHAR* To);
NTSTATUS NTAPI RtlIpv4AddressToStringExA(const IN_ADDR* Address, USHORT Port, CHAR* To, ULONG* Size);
NTSTATUS NTAPI RtlIpv4AddressToStringExW(const IN_ADDR* Address, USHORT Port, WCHAR* To, ULONG* Size);
NTSTATUS NTAPI RtlIpv4StringToAddressA(const CHAR* S, BOOLEAN Strict, const CHAR** End, IN_ADDR* Address);
NTSTATUS NTAPI RtlIpv4StringToAddressW(const WCHAR* S, BOOLEAN Strict, const WCHAR** End, IN_ADDR* Address);
NTSTATUS NTAPI RtlIpv4StringToAddressExA(const CHAR* S, BOOLEAN Strict, IN_ADDR* Address, USHORT* Port);
NTSTATUS NTAPI RtlIpv4StringToAddressExW(const WCHAR* S, BOOLEAN Strict, IN_ADDR* Address, USHORT* Port);
CHAR* NTAPI RtlIpv6AddressToStringA(const IN6_ADDR* Address, CHAR* To);
WCHAR* NTAPI RtlIpv6AddressToStringW(const IN6_ADDR* Address, WCHAR* To);
NTSTATUS NTAPI RtlIpv6AddressToStringExA(const IN6_ADDR* Address, ULONG Scope, USHORT Port, CHAR* To, ULONG* Size);
NTSTATUS NTAPI RtlIpv6AddressToStringExW(const IN6_ADDR* Address, ULONG Scope, USHORT Port, WCHAR* To, ULONG* Size);
NTSTATUS NTAPI RtlIpv6StringToAddressA(const CHAR* S, const CHAR** End, IN6_ADDR* Address);
NTSTATUS NTAPI RtlIpv6StringToAddressW(const WCHAR* S, const WCHAR** End, IN6_ADDR* Address);
NTSTATUS NTAPI RtlIpv6StringToAddressExA(const CHAR* S, IN6_ADDR* Address, ULONG* Scope, USHORT* Port);
NTSTATUS NTAPI RtlIpv6StringToAddressExW(const WCHAR* S, IN6_ADDR* Address, ULONG* Scope, USHORT* Port);

// --- error.cpp
ULONG NTAPI RtlNtStatusToDosError(NTSTATUS Status);
ULONG NTAPI RtlNtStatusToDosErrorNoTeb(NTSTATUS Status);

// --- process.cpp
PEB* NTAPI RtlGetCurrentPeb(void);
void NTAPI RtlAcquirePebLock(void);
void NTAPI RtlReleasePebLock(void);
ULONG NTAPI RtlGetLastWin32Error(void);
void NTAPI RtlSetLastWin32Error(ULONG Error);
void NTAPI RtlRestoreLastWin32Error(ULONG Error);
NTSTATUS NTAPI RtlGetLastNtStatus(void);
void NTAPI RtlSetLastWin32ErrorAndNtStatusFromNtStatus(NTSTATUS Status);
ULONG NTAPI RtlGetThreadErrorMode(void);
NTSTATUS NTAPI RtlSetThreadErrorMode(ULONG Mode, ULONG* Old);
PVOID NTAPI RtlEncodePointer(PVOID Pointer);
PVOID NTAPI RtlDecodePointer(PVOID Pointer);
PVOID NTAPI RtlEncodeSystemPointer(PVOID Pointer);
PVOID NTAPI RtlDecodeSystemPointer(PVOID Pointer);
void NTAPI RtlPushFrame(PVOID Frame);
void NTAPI RtlPopFrame(PVOID Frame);
PVOID NTAPI RtlGetFrame(void);
HANDLE NTAPI RtlGetCurrentTransaction(void);
BOOLEAN NTAPI RtlSetCurrentTransaction(HANDLE Transaction);
BOOLEAN NTAPI RtlIsProcessorFeaturePresent(ULONG Feature);
BOOLEAN NTAPI RtlQueryUnbiasedInterruptTime(ULONGLONG* Time);
CHAR NTAPI RtlQueryProcessPlaceholderCompatibilityMode(void);
NTSTATUS NTAPI RtlGetVersion(OSVERSIONINFOEXW* Info);
void NTAPI RtlGetNtVersionNumbers(ULONG* Major, ULONG* Minor, ULONG* Build);
BOOLEAN NTAPI RtlGetNtProductType(ULONG* Type);
BOOLEAN NTAPI RtlGetProductInfo(ULONG Major, ULONG Minor, ULONG PackMajor, ULONG PackMinor, ULONG* Product);
NTSTATUS NTAPI RtlVerifyVersionInfo(const OSVERSIONINFOEXW* Info, ULONG Types, ULONGLONG Conditions);
ULONGLONG NTAPI VerSetConditionMask(ULONGLONG Mask, ULONG Types, UCHAR Condition);

// --- image.cpp
NTSTATUS NTAPI RtlImageNtHeaderEx(ULONG Flags, PVOID Base, ULONGLONG Size, IMAGE_NT_HEADERS** Headers);
IMAGE_NT_HEADERS* NTAPI RtlImageNtHeader(PVOID Base);
PVOID NTAPI RtlImageDirectoryEntryToData(PVOID Base, BOOLEAN Mapped, USHORT Entry, ULONG* Size);
IMAGE_SECTION_HEADER* NTAPI RtlImageRvaToSection(const IMAGE_NT_HEADERS* Headers, PVOID Base, ULONG Rva);
PVOID NTAPI RtlImageRvaToVa(const IMAGE_NT_HEADERS* Headers, PVOID Base, ULONG Rva, IMAGE_SECTION_HEADER** Section);

// --- slist.cpp
void NTAPI RtlInitializeSListHead(SLIST_HEADER* Head);
SLIST_ENTRY* NTAPI RtlFirstEntrySList(const SLIST_HEADER* Head);
USHORT NTAPI RtlQueryDepthSList(SLIST_HEADER* Head);
SLIST_ENTRY* NTAPI RtlInterlockedPushEntrySList(SLIST_HEADER* Head, SLIST_ENTRY* Entry);
SLIST_ENTRY* NTAPI RtlInterlockedPopEntrySList(SLIST_HEADER* Head);
SLIST_ENTRY* NTAPI RtlInterlockedFlushSList(SLIST_HEADER* Head);
SLIST_ENTRY* NTAPI RtlInterlockedPushListSList(SLIST_HEADER* Head, SLIST_ENTRY* First, SLIST_ENTRY* Last, ULONG Count);
SLIST_ENTRY* NTAPI RtlInterlockedPushListSListEx(SLIST_HEADER* Head, SLIST_ENTRY* First, SLIST_ENTRY* Last, ULONG Count);

// --- splay.cpp
RTL_SPLAY_LINKS* NTAPI RtlSplay(RTL_SPLAY_LINKS* Links);
RTL_SPLAY_LINKS* NTAPI RtlDelete(RTL_SPLAY_LINKS* Links);
void NTAPI RtlDeleteNoSplay(RTL_SPLAY_LINKS* Links, RTL_SPLAY_LINKS** Root);
RTL_SPLAY_LINKS* NTAPI RtlSubtreeSuccessor(RTL_SPLAY_LINKS* Links);
RTL_SPLAY_LINKS* NTAPI RtlSubtreePredecessor(RTL_SPLAY_LINKS* Links);
RTL_SPLAY_LINKS* NTAPI RtlRealSuccessor(RTL_SPLAY_LINKS* Links);
RTL_SPLAY_LINKS* NTAPI RtlRealPredecessor(RTL_SPLAY_LINKS* Links);
void NTAPI RtlInitializeGenericTable(RTL_GENERIC_TABLE* Table, PVOID Compare, PVOID Allocate, PVOID Free, PVOID Context);
PVOID NTAPI RtlInsertElementGenericTable(RTL_GENERIC_TABLE* Table, PVOID Buffer, ULONG Size, BOOLEAN* New);
PVOID NTAPI RtlInsertElementGenericTableFull(RTL_GENERIC_TABLE* Table, PVOID Buffer, ULONG Size, BOOLEAN* New, PVOID Node, TABLE_SEARCH_RESULT Result);
BOOLEAN NTAPI RtlDeleteElementGenericTable(RTL_GENERIC_TABLE* Table, PVOID Buffer);
PVOID NTAPI RtlLookupElementGenericTable(RTL_GENERIC_TABLE* Table, PVOID Buffer);
PVOID NTAPI RtlLookupElementGenericTableFull(RTL_GENERIC_TABLE* Table, PVOID Buffer, PVOID* Node, TABLE_SEARCH_RESULT* Result);
PVOID NTAPI RtlEnumerateGenericTable(RTL_GENERIC_TABLE* Table, BOOLEAN Restart);
PVOID NTAPI RtlEnumerateGenericTableWithoutSplaying(RTL_GENERIC_TABLE* Table, PVOID* Key);
PVOID NTAPI RtlGetElementGenericTable(RTL_GENERIC_TABLE* Table, ULONG Index);
ULONG NTAPI RtlNumberGenericTableElements(RTL_GENERIC_TABLE* Table);
BOOLEAN NTAPI RtlIsGenericTableEmpty(RTL_GENERIC_TABLE* Table);

// --- avl.cpp
void NTAPI RtlInitializeGenericTableAvl(RTL_AVL_TABLE* Table, PVOID Compare, PVOID Allocate, PVOID Free, PVOID Context);
PVOID NTAPI RtlInsertElementGenericTableAvl(RTL_AVL_TABLE* Table, PVOID Buffer, ULONG Size, BOOLEAN* New);
PVOID NTAPI RtlInsertElementGenericTableFullAvl(RTL_AVL_TABLE* Table, PVOID Buffer, ULONG Size, BOOLEAN* New, PVOID Node, TABLE_SEARCH_RESULT Result);
BOOLEAN NTAPI RtlDeleteElementGenericTableAvl(RTL_AVL_TABLE* Table, PVOID Buffer);
PVOID NTAPI RtlLookupElementGenericTableAvl(RTL_AVL_TABLE* Table, PVOID Buffer);
PVOID NTAPI RtlLookupElementGenericTableFullAvl(RTL_AVL_TABLE* Table, PVOID Buffer, PVOID* Node, TABLE_SEARCH_RESULT* Result);
PVOID NTAPI RtlLookupFirstMatchingElementGenericTableAvl(RTL_AVL_TABLE* Table, PVOID Buffer, PVOID* Restart);
PVOID NTAPI RtlEnumerateGenericTableAvl(RTL_AVL_TABLE* Table, BOOLEAN Restart);
PVOID NTAPI RtlEnumerateGenericTableWithoutSplayingAvl(RTL_AVL_TABLE* Table, PVOID* Key);
PVOID NTAPI RtlGetElementGenericTableAvl(RTL_AVL_TABLE* Table, ULONG Index);
ULONG NTAPI RtlNumberGenericTableElementsAvl(RTL_AVL_TABLE* Table);
BOOLEAN NTAPI RtlIsGenericTableEmptyAvl(RTL_AVL_TABLE* Table);

// --- hashtable.cpp, handletable.cpp
BOOLEAN NTAPI RtlCreateHashTable(RTL_DYNAMIC_HASH_TABLE** Table, ULONG Shift, ULONG Flags);
BOOLEAN NTAPI RtlCreateHashTableEx(RTL_DYNAMIC_HASH_TABLE** Table, ULONG InitialSize, ULONG Shift, ULONG Flags);
void NTAPI RtlDeleteHashTable(RTL_DYNAMIC_HASH_TABLE* Table);
BOOLEAN NTAPI RtlInsertEntryHashTable(RTL_DYNAMIC_HASH_TABLE* Table, RTL_DYNAMIC_HASH_TABLE_ENTRY* Entry, ULONG_PTR Signature, RTL_DYNAMIC_HASH_TABLE_CONTEXT* Context);
BOOLEAN NTAPI RtlRemoveEntryHashTable(RTL_DYNAMIC_HASH_TABLE* Table, RTL_DYNAMIC_HASH_TABLE_ENTRY* Entry, RTL_DYNAMIC_HASH_TABLE_CONTEXT* Context);
RTL_DYNAMIC_HASH_TABLE_ENTRY* NTAPI RtlLookupEntryHashTable(RTL_DYNAMIC_HASH_TABLE* Table, ULONG_PTR Signature, RTL_DYNAMIC_HASH_TABLE_CONTEXT* Context);
RTL_DYNAMIC_HASH_TABLE_ENTRY* NTAPI RtlGetNextEntryHashTable(RTL_DYNAMIC_HASH_TABLE* Table, RTL_DYNAMIC_HASH_TABLE_CONTEXT* Context);
BOOLEAN NTAPI RtlInitEnumerationHashTable(RTL_DYNAMIC_HASH_TABLE* Table, RTL_DYNAMIC_HASH_TABLE_ENUMERATOR* Enumerator);
RTL_DYNAMIC_HASH_TABLE_ENTRY* NTAPI RtlEnumerateEntryHashTable(RTL_DYNAMIC_HASH_TABLE* Table, RTL_DYNAMIC_HASH_TABLE_ENUMERATOR* Enumerator);
void NTAPI RtlEndEnumerationHashTable(RTL_DYNAMIC_HASH_TABLE* Table, RTL_DYNAMIC_HASH_TABLE_ENUMERATOR* Enumerator);
void NTAPI RtlInitializeHandleTable(ULONG Count, ULONG Size, RTL_HANDLE_TABLE* Table);
NTSTATUS NTAPI RtlDestroyHandleTable(RTL_HANDLE_TABLE* Table);
RTL_HANDLE_TABLE_ENTRY* NTAPI RtlAllocateHandle(RTL_HANDLE_TABLE* Table, ULONG* Index);
BOOLEAN NTAPI RtlFreeHandle(RTL_HANDLE_TABLE* Table, RTL_HANDLE_TABLE_ENTRY* Entry);
BOOLEAN NTAPI RtlIsValidHandle(const RTL_HANDLE_TABLE* Table, const RTL_HANDLE_TABLE_ENTRY* Entry);
BOOLEAN NTAPI RtlIsValidIndexHandle(const RTL_HANDLE_TABLE* Table, ULONG Index, RTL_HANDLE_TABLE_ENTRY** Entry);

// --- atom.cpp
NTSTATUS NTAPI RtlCreateAtomTable(ULONG Buckets, PVOID* Table);
NTSTATUS NTAPI RtlDestroyAtomTable(PVOID Table);
NTSTATUS NTAPI RtlEmptyAtomTable(PVOID Table, BOOLEAN Pinned);
NTSTATUS NTAPI RtlAddAtomToAtomTable(PVOID Table, const WCHAR* Name, USHORT* Atom);
NTSTATUS NTAPI RtlLookupAtomInAtomTable(PVOID Table, const WCHAR* Name, USHORT* Atom);
NTSTATUS NTAPI RtlDeleteAtomFromAtomTable(PVOID Table, USHORT Atom);
NTSTATUS NTAPI RtlPinAtomInAtomTable(PVOID Table, USHORT Atom);
NTSTATUS NTAPI RtlQueryAtomInAtomTable(PVOID Table, USHORT Atom, ULONG* References, ULONG* Pins, WCHAR* Name, ULONG* Size);

// --- sid.cpp
BOOLEAN NTAPI RtlValidSid(const SID* Sid);
BOOLEAN NTAPI RtlEqualSid(const SID* A, const SID* B);
BOOLEAN NTAPI RtlEqualPrefixSid(const SID* A, const SID* B);
ULONG NTAPI RtlLengthRequiredSid(ULONG SubAuthorities);
ULONG NTAPI RtlLengthSid(const SID* Sid);
NTSTATUS NTAPI RtlInitializeSid(SID* Sid, const SID_IDENTIFIER_AUTHORITY* Authority, UCHAR SubAuthorities);
NTSTATUS NTAPI RtlAllocateAndInitializeSid(const SID_IDENTIFIER_AUTHORITY* Authority, UCHAR Count, ULONG S0, ULONG S1, ULONG S2, ULONG S3, ULONG S4, ULONG S5, ULONG S6, ULONG S7, SID** Sid);
PVOID NTAPI RtlFreeSid(SID* Sid);
NTSTATUS NTAPI RtlCopySid(ULONG Room, SID* To, const SID* From);
NTSTATUS NTAPI RtlCopySidAndAttributesArray(ULONG Count, const SID_AND_ATTRIBUTES* From, ULONG Room, SID_AND_ATTRIBUTES* To, SID* Sids, SID** NextSid, ULONG* Left);
SID_IDENTIFIER_AUTHORITY* NTAPI RtlIdentifierAuthoritySid(SID* Sid);
ULONG* NTAPI RtlSubAuthoritySid(SID* Sid, ULONG Index);
UCHAR* NTAPI RtlSubAuthorityCountSid(SID* Sid);
NTSTATUS NTAPI RtlConvertSidToUnicodeString(UNICODE_STRING* To, const SID* Sid, BOOLEAN Allocate);
NTSTATUS NTAPI RtlLengthSidAsUnicodeString(const SID* Sid, ULONG* Size);
NTSTATUS NTAPI RtlCreateServiceSid(const UNICODE_STRING* Name, SID* Sid, ULONG* Size);
void NTAPI RtlCopyLuid(LUID* To, const LUID* From);
void NTAPI RtlCopyLuidAndAttributesArray(ULONG Count, const LUID_AND_ATTRIBUTES* From, LUID_AND_ATTRIBUTES* To);
BOOLEAN NTAPI RtlEqualLuid(const LUID* A, const LUID* B);
void NTAPI RtlMapGenericMask(ACCESS_MASK* Mask, const GENERIC_MAPPING* Mapping);
BOOLEAN NTAPI RtlAreAllAccessesGranted(ACCESS_MASK Granted, ACCESS_MASK Desired);
BOOLEAN NTAPI RtlAreAnyAccessesGranted(ACCESS_MASK Granted, ACCESS_MASK Desired);

// --- acl.cpp
NTSTATUS NTAPI RtlCreateAcl(ACL* Acl, ULONG Size, ULONG Revision);
BOOLEAN NTAPI RtlValidAcl(ACL* Acl);
BOOLEAN NTAPI RtlFirstFreeAce(ACL* Acl, ACE_HEADER** Ace);
NTSTATUS NTAPI RtlGetAce(ACL* Acl, ULONG Index, PVOID* Ace);
NTSTATUS NTAPI RtlAddAce(ACL* Acl, ULONG Revision, ULONG Index, PVOID Aces, ULONG Size);
NTSTATUS NTAPI RtlDeleteAce(ACL* Acl, ULONG Index);
NTSTATUS NTAPI RtlAddAccessAllowedAce(ACL* Acl, ULONG Revision, ACCESS_MASK Mask, SID* Sid);
NTSTATUS NTAPI RtlAddAccessAllowedAceEx(ACL* Acl, ULONG Revision, ULONG Flags, ACCESS_MASK Mask, SID* Sid);
NTSTATUS NTAPI RtlAddAccessDeniedAce(ACL* Acl, ULONG Revision, ACCESS_MASK Mask, SID* Sid);
NTSTATUS NTAPI RtlAddAccessDeniedAceEx(ACL* Acl, ULONG Revision, ULONG Flags, ACCESS_MASK Mask, SID* Sid);
NTSTATUS NTAPI RtlAddAuditAccessAce(ACL* Acl, ULONG Revision, ACCESS_MASK Mask, SID* Sid, BOOLEAN Success, BOOLEAN Failure);
NTSTATUS NTAPI RtlAddAuditAccessAceEx(ACL* Acl, ULONG Revision, ULONG Flags, ACCESS_MASK Mask, SID* Sid, BOOLEAN Success, BOOLEAN Failure);
NTSTATUS NTAPI RtlAddAccessAllowedObjectAce(ACL* Acl, ULONG Revision, ULONG Flags, ACCESS_MASK Mask, const GUID* Type, const GUID* Inherited, SID* Sid);
NTSTATUS NTAPI RtlAddAccessDeniedObjectAce(ACL* Acl, ULONG Revision, ULONG Flags, ACCESS_MASK Mask, const GUID* Type, const GUID* Inherited, SID* Sid);
NTSTATUS NTAPI RtlAddAuditAccessObjectAce(ACL* Acl, ULONG Revision, ULONG Flags, ACCESS_MASK Mask, const GUID* Type, const GUID* Inherited, SID* Sid, BOOLEAN Success, BOOLEAN Failure);
NTSTATUS NTAPI RtlAddMandatoryAce(ACL* Acl, ULONG Revision, ULONG Flags, ACCESS_MASK Policy, UCHAR Type, SID* Sid);
NTSTATUS NTAPI RtlQueryInformationAcl(ACL* Acl, PVOID Information, ULONG Size, ACL_INFORMATION_CLASS Class);
NTSTATUS NTAPI RtlSetInformationAcl(ACL* Acl, PVOID Information, ULONG Size, ACL_INFORMATION_CLASS Class);
NTSTATUS NTAPI RtlDefaultNpAcl(ACL** Acl);

// --- secdesc.cpp
NTSTATUS NTAPI RtlCreateSecurityDescriptor(SECURITY_DESCRIPTOR* Sd, ULONG Revision);
NTSTATUS NTAPI RtlCreateSecurityDescriptorRelative(SECURITY_DESCRIPTOR_RELATIVE* Sd, ULONG Revision);
BOOLEAN NTAPI RtlValidSecurityDescriptor(SECURITY_DESCRIPTOR* Sd);
BOOLEAN NTAPI RtlValidRelativeSecurityDescriptor(SECURITY_DESCRIPTOR* Sd, ULONG Size, ULONG Required);
ULONG NTAPI RtlLengthSecurityDescriptor(SECURITY_DESCRIPTOR* Sd);
NTSTATUS NTAPI RtlGetControlSecurityDescriptor(SECURITY_DESCRIPTOR* Sd, SECURITY_DESCRIPTOR_CONTROL* Control, ULONG* Revision);
NTSTATUS NTAPI RtlSetControlSecurityDescriptor(SECURITY_DESCRIPTOR* Sd, SECURITY_DESCRIPTOR_CONTROL Which, SECURITY_DESCRIPTOR_CONTROL Values);
NTSTATUS NTAPI RtlGetOwnerSecurityDescriptor(SECURITY_DESCRIPTOR* Sd, SID** Owner, BOOLEAN* Defaulted);
NTSTATUS NTAPI RtlSetOwnerSecurityDescriptor(SECURITY_DESCRIPTOR* Sd, SID* Owner, BOOLEAN Defaulted);
NTSTATUS NTAPI RtlGetGroupSecurityDescriptor(SECURITY_DESCRIPTOR* Sd, SID** Group, BOOLEAN* Defaulted);
NTSTATUS NTAPI RtlSetGroupSecurityDescriptor(SECURITY_DESCRIPTOR* Sd, SID* Group, BOOLEAN Defaulted);
NTSTATUS NTAPI RtlGetDaclSecurityDescriptor(SECURITY_DESCRIPTOR* Sd, BOOLEAN* Present, ACL** Dacl, BOOLEAN* Defaulted);
NTSTATUS NTAPI RtlSetDaclSecurityDescriptor(SECURITY_DESCRIPTOR* Sd, BOOLEAN Present, ACL* Dacl, BOOLEAN Defaulted);
NTSTATUS NTAPI RtlGetSaclSecurityDescriptor(SECURITY_DESCRIPTOR* Sd, BOOLEAN* Present, ACL** Sacl, BOOLEAN* Defaulted);
NTSTATUS NTAPI RtlSetSaclSecurityDescriptor(SECURITY_DESCRIPTOR* Sd, BOOLEAN Present, ACL* Sacl, BOOLEAN Defaulted);
BOOLEAN NTAPI RtlGetSecurityDescriptorRMControl(SECURITY_DESCRIPTOR* Sd, UCHAR* Control);
void NTAPI RtlSetSecurityDescriptorRMControl(SECURITY_DESCRIPTOR* Sd, UCHAR* Control);
NTSTATUS NTAPI RtlSetAttributesSecurityDescriptor(SECURITY_DESCRIPTOR* Sd, SECURITY_DESCRIPTOR_CONTROL Control, ULONG* Revision);
NTSTATUS NTAPI RtlMakeSelfRelativeSD(SECURITY_DESCRIPTOR* Sd, SECURITY_DESCRIPTOR* To, ULONG* Size);
NTSTATUS NTAPI RtlAbsoluteToSelfRelativeSD(SECURITY_DESCRIPTOR* Sd, SECURITY_DESCRIPTOR* To, ULONG* Size);
NTSTATUS NTAPI RtlSelfRelativeToAbsoluteSD(SECURITY_DESCRIPTOR* From, SECURITY_DESCRIPTOR* To, ULONG* ToSize, ACL* Dacl, ULONG* DaclSize, ACL* Sacl, ULONG* SaclSize, SID* Owner, ULONG* OwnerSize, SID* Group, ULONG* GroupSize);
NTSTATUS NTAPI RtlSelfRelativeToAbsoluteSD2(SECURITY_DESCRIPTOR* Sd, ULONG* Size);
NTSTATUS NTAPI RtlCopySecurityDescriptor(SECURITY_DESCRIPTOR* From, SECURITY_DESCRIPTOR** To);

// --- secobject.cpp
NTSTATUS NTAPI RtlNewSecurityObject(SECURITY_DESCRIPTOR* Parent, SECURITY_DESCRIPTOR* Creator, SECURITY_DESCRIPTOR** New, BOOLEAN Container, HANDLE Token, const GENERIC_MAPPING* Mapping);
NTSTATUS NTAPI RtlNewSecurityObjectEx(SECURITY_DESCRIPTOR* Parent, SECURITY_DESCRIPTOR* Creator, SECURITY_DESCRIPTOR** New, const GUID* Type, BOOLEAN Container, ULONG Flags, HANDLE Token, const GENERIC_MAPPING* Mapping);
NTSTATUS NTAPI RtlNewSecurityObjectWithMultipleInheritance(SECURITY_DESCRIPTOR* Parent, SECURITY_DESCRIPTOR* Creator, SECURITY_DESCRIPTOR** New, const GUID** Types, ULONG TypeCount, BOOLEAN Container, ULONG Flags, HANDLE Token, const GENERIC_MAPPING* Mapping);
NTSTATUS NTAPI RtlDeleteSecurityObject(SECURITY_DESCRIPTOR** Sd);
NTSTATUS NTAPI RtlQuerySecurityObject(SECURITY_DESCRIPTOR* Sd, ULONG Information, SECURITY_DESCRIPTOR* To, ULONG Size, ULONG* Needed);
NTSTATUS NTAPI RtlSetSecurityObject(ULONG Information, SECURITY_DESCRIPTOR* Changes, SECURITY_DESCRIPTOR** Sd, const GENERIC_MAPPING* Mapping, HANDLE Token);
NTSTATUS NTAPI RtlConvertToAutoInheritSecurityObject(SECURITY_DESCRIPTOR* Parent, SECURITY_DESCRIPTOR* Current, SECURITY_DESCRIPTOR** New, const GUID* Type, BOOLEAN Container, const GENERIC_MAPPING* Mapping);
NTSTATUS NTAPI RtlAdjustPrivilege(ULONG Privilege, BOOLEAN Enable, BOOLEAN Thread, BOOLEAN* WasEnabled);
NTSTATUS NTAPI RtlImpersonateSelf(ULONG Level);

// --- locale.cpp, normalize.cpp, idn.cpp
void NTAPI RtlpSetLocaleTable(const void* LocaleNls, ULONG Size);      // ours: what locale.nls' mapping starts with
BOOLEAN NTAPI RtlIsValidLocaleName(const WCHAR* Name, ULONG Flags);
NTSTATUS NTAPI RtlLcidToLocaleName(LCID Lcid, UNICODE_STRING* Name, ULONG Flags, BOOLEAN Allocate);
NTSTATUS NTAPI RtlLocaleNameToLcid(const WCHAR* Name, LCID* Lcid, ULONG Flags);
NTSTATUS NTAPI RtlConvertLCIDToString(LCID Lcid, ULONG Base, ULONG Padding, WCHAR* To, ULONG Room);
NTSTATUS NTAPI RtlGetProcessPreferredUILanguages(ULONG Flags, ULONG* Count, WCHAR* Buffer, ULONG* Size);
NTSTATUS NTAPI RtlGetSystemPreferredUILanguages(ULONG Flags, ULONG Reserved, ULONG* Count, WCHAR* Buffer, ULONG* Size);
NTSTATUS NTAPI RtlGetThreadPreferredUILanguages(ULONG Flags, ULONG* Count, WCHAR* Buffer, ULONG* Size);
NTSTATUS NTAPI RtlGetUserPreferredUILanguages(ULONG Flags, ULONG Reserved, ULONG* Count, WCHAR* Buffer, ULONG* Size);
NTSTATUS NTAPI RtlSetProcessPreferredUILanguages(ULONG Flags, const WCHAR* Buffer, ULONG* Count);
NTSTATUS NTAPI RtlSetThreadPreferredUILanguages(ULONG Flags, const WCHAR* Buffer, ULONG* Count);
NTSTATUS NTAPI RtlNormalizeString(ULONG Form, const WCHAR* From, INT Length, WCHAR* To, INT* Room);
NTSTATUS NTAPI RtlIsNormalizedString(ULONG Form, const WCHAR* String, INT Length, BOOLEAN* Normalized);
NTSTATUS NTAPI RtlIdnToAscii(ULONG Flags, const WCHAR* From, INT Length, WCHAR* To, INT* Room);
NTSTATUS NTAPI RtlIdnToNameprepUnicode(ULONG Flags, const WCHAR* From, INT Length, WCHAR* To, INT* Room);
NTSTATUS NTAPI RtlIdnToUnicode(ULONG Flags, const WCHAR* From, INT Length, WCHAR* To, INT* Room);

// --- message.cpp
NTSTATUS NTAPI RtlFormatMessage(const WCHAR* Text, ULONG Width, BOOLEAN IgnoreInserts, BOOLEAN Ansi, BOOLEAN Array, va_list* Arguments, WCHAR* To, ULONG Room, ULONG* Size);
NTSTATUS NTAPI RtlFormatMessageEx(const WCHAR* Text, ULONG Width, BOOLEAN IgnoreInserts, BOOLEAN Ansi, BOOLEAN Array, va_list* Arguments, WCHAR* To, ULONG Room, ULONG* Size, ULONG Flags);
NTSTATUS NTAPI RtlFindMessage(PVOID Module, ULONG Type, ULONG Language, ULONG Id, MESSAGE_RESOURCE_ENTRY** Entry);

// --- env.cpp
NTSTATUS NTAPI RtlCreateEnvironment(BOOLEAN Inherit, WCHAR** Environment);
NTSTATUS NTAPI RtlCreateEnvironmentEx(const WCHAR* From, WCHAR** Environment, ULONG Flags);
NTSTATUS NTAPI RtlDestroyEnvironment(WCHAR* Environment);
void NTAPI RtlSetCurrentEnvironment(WCHAR* New, WCHAR** Old);
NTSTATUS NTAPI RtlQueryEnvironmentVariable(const WCHAR* Environment, const WCHAR* Name, SIZE_T NameLength, WCHAR* Value, SIZE_T Room, SIZE_T* Length);
NTSTATUS NTAPI RtlQueryEnvironmentVariable_U(const WCHAR* Environment, const UNICODE_STRING* Name, UNICODE_STRING* Value);
NTSTATUS NTAPI RtlSetEnvironmentVariable(WCHAR** Environment, const UNICODE_STRING* Name, const UNICODE_STRING* Value);
NTSTATUS NTAPI RtlSetEnvironmentVar(WCHAR** Environment, const WCHAR* Name, SIZE_T NameLength, const WCHAR* Value, SIZE_T ValueLength);
NTSTATUS NTAPI RtlSetEnvironmentStrings(const WCHAR* Environment, SIZE_T Size);
NTSTATUS NTAPI RtlExpandEnvironmentStrings(const WCHAR* Environment, const WCHAR* From, SIZE_T FromLength, WCHAR* To, SIZE_T Room, SIZE_T* Length);
NTSTATUS NTAPI RtlExpandEnvironmentStrings_U(const WCHAR* Environment, const UNICODE_STRING* From, UNICODE_STRING* To, ULONG* Size);

// --- path.cpp, fullpath.cpp
RTL_PATH_TYPE NTAPI RtlDetermineDosPathNameType_U(const WCHAR* Path);
RTL_PATH_TYPE NTAPI RtlDetermineDosPathNameType_Ustr(const UNICODE_STRING* Path);
ULONG NTAPI RtlIsDosDeviceName_U(const WCHAR* Path);
ULONG NTAPI RtlIsDosDeviceName_Ustr(const UNICODE_STRING* Path);
BOOLEAN NTAPI RtlIsNameLegalDOS8Dot3(const UNICODE_STRING* Name, OEM_STRING* Oem, BOOLEAN* Spaces);
NTSTATUS NTAPI RtlGenerate8dot3Name(const UNICODE_STRING* Name, BOOLEAN AllowExtended, GENERATE_NAME_CONTEXT* Context, UNICODE_STRING* Short);
ULONG NTAPI RtlGetFullPathName_U(const WCHAR* Name, ULONG Size, WCHAR* Buffer, WCHAR** FilePart);
NTSTATUS NTAPI RtlGetFullPathName_UEx(const WCHAR* Name, ULONG Size, WCHAR* Buffer, WCHAR** FilePart, ULONG* Needed);
NTSTATUS NTAPI RtlGetFullPathName_UstrEx(const UNICODE_STRING* Name, UNICODE_STRING* Static, UNICODE_STRING* Dynamic, UNICODE_STRING** Used, SIZE_T* FilePart, BOOLEAN* Invalid, RTL_PATH_TYPE* Type, SIZE_T* Needed);
BOOLEAN NTAPI RtlDosPathNameToNtPathName_U(const WCHAR* Dos, UNICODE_STRING* Nt, WCHAR** FilePart, RTL_RELATIVE_NAME_U* Relative);
NTSTATUS NTAPI RtlDosPathNameToNtPathName_U_WithStatus(const WCHAR* Dos, UNICODE_STRING* Nt, WCHAR** FilePart, RTL_RELATIVE_NAME_U* Relative);
BOOLEAN NTAPI RtlDosPathNameToRelativeNtPathName_U(const WCHAR* Dos, UNICODE_STRING* Nt, WCHAR** FilePart, RTL_RELATIVE_NAME_U* Relative);
NTSTATUS NTAPI RtlDosPathNameToRelativeNtPathName_U_WithStatus(const WCHAR* Dos, UNICODE_STRING* Nt, WCHAR** FilePart, RTL_RELATIVE_NAME_U* Relative);
NTSTATUS NTAPI RtlDosLongPathNameToNtPathName_U_WithStatus(const WCHAR* Dos, UNICODE_STRING* Nt, WCHAR** FilePart, RTL_RELATIVE_NAME_U* Relative);
void NTAPI RtlReleaseRelativeName(RTL_RELATIVE_NAME_U* Relative);
NTSTATUS NTAPI RtlNtPathNameToDosPathName(ULONG Flags, UNICODE_STRING* Path, ULONG* Type, WCHAR** FilePart);
ULONG NTAPI RtlGetCurrentDirectory_U(ULONG Size, WCHAR* Buffer);
NTSTATUS NTAPI RtlSetCurrentDirectory_U(const UNICODE_STRING* Path);
BOOLEAN NTAPI RtlDoesFileExists_U(const WCHAR* Path);
ULONG NTAPI RtlDosSearchPath_U(const WCHAR* Search, const WCHAR* Name, const WCHAR* Extension, ULONG Size, WCHAR* Buffer, WCHAR** FilePart);
ULONG NTAPI RtlGetLongestNtPathLength(void);
NTSTATUS NTAPI RtlGetLengthWithoutTrailingPathSeperators(ULONG Flags, const UNICODE_STRING* Path, ULONG* Length);

// --- registry.cpp
NTSTATUS NTAPI RtlCheckRegistryKey(ULONG RelativeTo, WCHAR* Path);
NTSTATUS NTAPI RtlCreateRegistryKey(ULONG RelativeTo, WCHAR* Path);
NTSTATUS NTAPI RtlDeleteRegistryValue(ULONG RelativeTo, const WCHAR* Path, const WCHAR* Name);
NTSTATUS NTAPI RtlWriteRegistryValue(ULONG RelativeTo, const WCHAR* Path, const WCHAR* Name, ULONG Type, PVOID Data, ULONG Size);
NTSTATUS NTAPI RtlQueryRegistryValues(ULONG RelativeTo, const WCHAR* Path, RTL_QUERY_REGISTRY_TABLE* Table, PVOID Context, PVOID Environment);
NTSTATUS NTAPI RtlQueryRegistryValuesEx(ULONG RelativeTo, const WCHAR* Path, RTL_QUERY_REGISTRY_TABLE* Table, PVOID Context, PVOID Environment);
NTSTATUS NTAPI RtlFormatCurrentUserKeyPath(UNICODE_STRING* Path);
NTSTATUS NTAPI RtlOpenCurrentUser(ACCESS_MASK Access, HANDLE* Key);

}
