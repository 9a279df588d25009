// The basic types of the NT API with the sizes they have on 64-bit Windows, whatever the compiler's data model is.
// Structures and constants of one subsystem are in a header of that subsystem's name beside this one.
#pragma once
#include "lib/core/types.hpp"

namespace nt {

using VOID = void;
using CHAR = char;
using UCHAR = u8;
using BOOLEAN = u8;
using SHORT = i16;
using USHORT = u16;
using INT = i32;
using UINT = u32;
using LONG = i32;
using ULONG = u32;
using DWORD = u32;
using WORD = u16;
using BYTE = u8;
using LONGLONG = i64;
using ULONGLONG = u64;
using LONG_PTR = i64;
using ULONG_PTR = u64;
using SIZE_T = u64;
using WCHAR = wchar_t;
using NTSTATUS = i32;
using ACCESS_MASK = u32;
using KAFFINITY = u64;
using KPRIORITY = i32;
using PVOID = void*;
using HANDLE = void*;

static_assert(sizeof(void*) == 8);

constexpr bool NT_SUCCESS(NTSTATUS Status) { return Status >= 0; }

union LARGE_INTEGER {
    struct {
        ULONG LowPart;
        LONG HighPart;
    } u;
    LONGLONG QuadPart;
};
union ULARGE_INTEGER {
    struct {
        ULONG LowPart;
        ULONG HighPart;
    } u;
    ULONGLONG QuadPart;
};
static_assert(sizeof(LARGE_INTEGER) == 8);

// Buffer is not terminated; Length and MaximumLength count bytes.
struct UNICODE_STRING {
    USHORT Length;
    USHORT MaximumLength;
    WCHAR* Buffer;
};
struct ANSI_STRING {
    USHORT Length;
    USHORT MaximumLength;
    CHAR* Buffer;
};
using STRING = ANSI_STRING;
using OEM_STRING = ANSI_STRING;

struct LIST_ENTRY {
    LIST_ENTRY* Flink;
    LIST_ENTRY* Blink;
};
struct SINGLE_LIST_ENTRY {
    SINGLE_LIST_ENTRY* Next;
};

struct OBJECT_ATTRIBUTES {
    ULONG Length;
    HANDLE RootDirectory;
    UNICODE_STRING* ObjectName;
    ULONG Attributes;
    PVOID SecurityDescriptor;
    PVOID SecurityQualityOfService;
};
static_assert(sizeof(OBJECT_ATTRIBUTES) == 48);

struct CLIENT_ID {
    HANDLE UniqueProcess;
    HANDLE UniqueThread;
};

struct IO_STATUS_BLOCK {
    union {
        NTSTATUS Status;
        PVOID Pointer;
    };
    ULONG_PTR Information;
};
static_assert(sizeof(IO_STATUS_BLOCK) == 16);

struct LUID {
    ULONG LowPart;
    LONG HighPart;
};

struct GUID {
    u32 Data1;
    u16 Data2, Data3;
    u8 Data4[8];
};

inline constexpr ULONG OBJ_INHERIT = 0x2, OBJ_PERMANENT = 0x10, OBJ_EXCLUSIVE = 0x20, OBJ_CASE_INSENSITIVE = 0x40, OBJ_OPENIF = 0x80,
                       OBJ_OPENLINK = 0x100, OBJ_KERNEL_HANDLE = 0x200, OBJ_FORCE_ACCESS_CHECK = 0x400, OBJ_DONT_REPARSE = 0x1000,
                       OBJ_VALID_ATTRIBUTES = 0x1FF2;

inline constexpr ACCESS_MASK DELETE_ACCESS = 0x00010000, READ_CONTROL = 0x00020000, WRITE_DAC = 0x00040000, WRITE_OWNER = 0x00080000,
                             SYNCHRONIZE = 0x00100000, STANDARD_RIGHTS_REQUIRED = 0x000F0000, STANDARD_RIGHTS_READ = READ_CONTROL,
                             STANDARD_RIGHTS_WRITE = READ_CONTROL, STANDARD_RIGHTS_EXECUTE = READ_CONTROL,
                             STANDARD_RIGHTS_ALL = 0x001F0000, SPECIFIC_RIGHTS_ALL = 0x0000FFFF, ACCESS_SYSTEM_SECURITY = 0x01000000,
                             MAXIMUM_ALLOWED = 0x02000000, GENERIC_ALL = 0x10000000, GENERIC_EXECUTE = 0x20000000,
                             GENERIC_WRITE = 0x40000000, GENERIC_READ = 0x80000000;

}
