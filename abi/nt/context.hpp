// The x64 register context, exception records and what unwinding passes around, as Windows lays them out.
#pragma once
#include "abi/nt/basic.hpp"

#define NT_AT(Type, Field, Offset) static_assert(__builtin_offsetof(Type, Field) == (Offset))
#define NT_SIZE(Type, Size) static_assert(sizeof(Type) == (Size))

namespace nt {

struct alignas(16) M128A {
    ULONGLONG Low;
    LONGLONG High;
};

// The FXSAVE image.
struct alignas(16) XSAVE_FORMAT {
    WORD ControlWord;
    WORD StatusWord;
    BYTE TagWord;
    BYTE Reserved1;
    WORD ErrorOpcode;
    DWORD ErrorOffset;
    WORD ErrorSelector;
    WORD Reserved2;
    DWORD DataOffset;
    WORD DataSelector;
    WORD Reserved3;
    DWORD MxCsr;
    DWORD MxCsr_Mask;
    M128A FloatRegisters[8];
    M128A XmmRegisters[16];
    BYTE Reserved4[96];
};
NT_SIZE(XSAVE_FORMAT, 512);
NT_AT(XSAVE_FORMAT, XmmRegisters, 160);

struct alignas(16) CONTEXT {
    ULONGLONG P1Home, P2Home, P3Home, P4Home, P5Home, P6Home;
    DWORD ContextFlags;
    DWORD MxCsr;
    WORD SegCs, SegDs, SegEs, SegFs, SegGs, SegSs;
    DWORD EFlags;
    ULONGLONG Dr0, Dr1, Dr2, Dr3, Dr6, Dr7;
    ULONGLONG Rax, Rcx, Rdx, Rbx, Rsp, Rbp, Rsi, Rdi, R8, R9, R10, R11, R12, R13, R14, R15;
    ULONGLONG Rip;
    XSAVE_FORMAT FltSave;
    M128A VectorRegister[26];
    ULONGLONG VectorControl;
    ULONGLONG DebugControl;
    ULONGLONG LastBranchToRip;
    ULONGLONG LastBranchFromRip;
    ULONGLONG LastExceptionToRip;
    ULONGLONG LastExceptionFromRip;
};
NT_SIZE(CONTEXT, 0x4D0);
NT_AT(CONTEXT, ContextFlags, 0x30);
NT_AT(CONTEXT, EFlags, 0x44);
NT_AT(CONTEXT, Rax, 0x78);
NT_AT(CONTEXT, Rsp, 0x98);
NT_AT(CONTEXT, Rip, 0xF8);
NT_AT(CONTEXT, FltSave, 0x100);
NT_AT(CONTEXT, VectorRegister, 0x300);
NT_AT(CONTEXT, DebugControl, 0x4A8);

inline constexpr DWORD CONTEXT_AMD64 = 0x00100000, CONTEXT_CONTROL = CONTEXT_AMD64 | 1, CONTEXT_INTEGER = CONTEXT_AMD64 | 2,
                       CONTEXT_SEGMENTS = CONTEXT_AMD64 | 4, CONTEXT_FLOATING_POINT = CONTEXT_AMD64 | 8,
                       CONTEXT_DEBUG_REGISTERS = CONTEXT_AMD64 | 0x10, CONTEXT_XSTATE = CONTEXT_AMD64 | 0x40,
                       CONTEXT_FULL = CONTEXT_CONTROL | CONTEXT_INTEGER | CONTEXT_FLOATING_POINT,
                       CONTEXT_ALL = CONTEXT_FULL | CONTEXT_SEGMENTS | CONTEXT_DEBUG_REGISTERS,
                       CONTEXT_EXCEPTION_ACTIVE = 0x08000000, CONTEXT_SERVICE_ACTIVE = 0x10000000, CONTEXT_UNWOUND_TO_CALL = 0x20000000,
                       CONTEXT_EXCEPTION_REQUEST = 0x40000000, CONTEXT_EXCEPTION_REPORTING = 0x80000000;

inline constexpr ULONG EXCEPTION_MAXIMUM_PARAMETERS = 15;

struct EXCEPTION_RECORD {
    NTSTATUS ExceptionCode;
    ULONG ExceptionFlags;
    EXCEPTION_RECORD* ExceptionRecord;
    PVOID ExceptionAddress;
    ULONG NumberParameters;
    ULONG_PTR ExceptionInformation[EXCEPTION_MAXIMUM_PARAMETERS];
};
NT_SIZE(EXCEPTION_RECORD, 0x98);
NT_AT(EXCEPTION_RECORD, ExceptionInformation, 0x20);

inline constexpr ULONG EXCEPTION_NONCONTINUABLE = 0x1, EXCEPTION_UNWINDING = 0x2, EXCEPTION_EXIT_UNWIND = 0x4, EXCEPTION_STACK_INVALID = 0x8,
                       EXCEPTION_NESTED_CALL = 0x10, EXCEPTION_TARGET_UNWIND = 0x20, EXCEPTION_COLLIDED_UNWIND = 0x40,
                       EXCEPTION_SOFTWARE_ORIGINATE = 0x80, EXCEPTION_UNWIND = 0x66;
// ExceptionInformation[0] of STATUS_ACCESS_VIOLATION and STATUS_IN_PAGE_ERROR.
inline constexpr ULONG_PTR EXCEPTION_READ_FAULT = 0, EXCEPTION_WRITE_FAULT = 1, EXCEPTION_EXECUTE_FAULT = 8;

struct EXCEPTION_POINTERS {
    EXCEPTION_RECORD* ExceptionRecord;
    CONTEXT* ContextRecord;
};

enum EXCEPTION_DISPOSITION : i32 {
    ExceptionContinueExecution,
    ExceptionContinueSearch,
    ExceptionNestedException,
    ExceptionCollidedUnwind,
};
inline constexpr LONG EXCEPTION_EXECUTE_HANDLER = 1, EXCEPTION_CONTINUE_SEARCH = 0, EXCEPTION_CONTINUE_EXECUTION = -1;

struct EXCEPTION_REGISTRATION_RECORD {
    EXCEPTION_REGISTRATION_RECORD* Next;
    PVOID Handler;
};

// Pointers to where the non-volatile registers of a frame were saved; each may be null.
struct KNONVOLATILE_CONTEXT_POINTERS {
    M128A* FloatingContext[16];
    ULONGLONG* IntegerContext[16];
};
NT_SIZE(KNONVOLATILE_CONTEXT_POINTERS, 0x100);

// CONTEXT_EX follows a CONTEXT that carries extended state; offsets are relative to the CONTEXT_EX.
struct CONTEXT_CHUNK {
    LONG Offset;
    DWORD Length;
};
struct CONTEXT_EX {
    CONTEXT_CHUNK All;
    CONTEXT_CHUNK Legacy;
    CONTEXT_CHUNK XState;
    CONTEXT_CHUNK KernelCet;
};
struct alignas(16) XSAVE_AREA_HEADER {
    ULONGLONG Mask;
    ULONGLONG CompactionMask;
    ULONGLONG Reserved2[6];
};
NT_SIZE(XSAVE_AREA_HEADER, 64);
// An XSAVE area without its legacy region, of a system whose only extended feature is AVX.
struct XSTATE {
    XSAVE_AREA_HEADER Header;
    M128A Ymm[16];              // upper halves
};
NT_SIZE(XSTATE, 320);

}
