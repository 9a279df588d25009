// The system-call stubs, one per row of abi/services.def, under Svc<Name>, Nt<Name> and Zw<Name>. A name that ntdll answers by
// itself (see `own` below) has only the Svc form here; its Nt and Zw forms are elsewhere.
//
// The calling convention is in abi/services.hpp. R10, R8, R9, R15 are the message words; seL4 loses RCX, RDX, R11 and RSP.
#define PARK_REPLY 0x6B726170               /* abi::ParkReply */
#define PARK_NOTIFICATION 3                 /* abi::ParkNotification */
#define PARK_STATUS 0x190                   /* abi::ParkStatusInTeb */
    .text

// rcx = argument 1 (in r10 already), rdx, r8, r9 = arguments 2 to 4 (or r9 = the argument array), eax = message tag.
// It lies within one page: between the first and the second system call the Executive expects no fault.
    .p2align 7
    .globl SvcCommon
    .def SvcCommon; .scl 2; .type 32; .endef
    .seh_proc SvcCommon
SvcCommon:
    pushq %rbx
    .seh_pushreg %rbx
    pushq %rdi
    .seh_pushreg %rdi
    pushq %rsi
    .seh_pushreg %rsi
    pushq %r15
    .seh_pushreg %r15
    .seh_endprologue
    movq %r9, %r15
    movq %r8, %r9
    movq %rdx, %r8
    movl %eax, %esi
    movl $1, %edi
    movq $-1, %rdx
    movq %rsp, %rbx
    .globl SvcInstruction
SvcInstruction:
    syscall
    movq %rbx, %rsp
    cmpl $PARK_REPLY, %r10d
    je 1f
    .globl KiServiceReturn
    .def KiServiceReturn; .scl 2; .type 32; .endef
KiServiceReturn:
    movl %r10d, %eax
    popq %r15
    popq %rsi
    popq %rdi
    popq %rbx
    retq
1:  movl $PARK_NOTIFICATION, %edi
    movq $-5, %rdx                          // seL4's Recv
    syscall
    movq %rbx, %rsp
    movl %gs:PARK_STATUS, %r10d
    jmp KiServiceReturn
    .seh_endproc

    .macro label name
    .globl \name
    .def \name; .scl 2; .type 32; .endef
\name:
    .endm

    .set ServiceIndex, 0
    .macro service name, count:vararg
    .set Own, 0
    .irp own, Continue, QuerySystemTime, QueryPerformanceCounter, GetContextThread, SetContextThread
    .ifc \name,\own
    .set Own, 1
    .endif
    .endr
    .p2align 4
    label Svc\name
    .if Own == 0
    label Nt\name
    label Zw\name
    .endif
    movq %rcx, %r10
    .if (\count) > 4
    movq %rcx, 8(%rsp)
    movq %rdx, 16(%rsp)
    movq %r8, 24(%rsp)
    movq %r9, 32(%rsp)
    leaq 8(%rsp), %r9
    .endif
    movl $((ServiceIndex << 12) | 4), %eax
    movabsq $SvcCommon, %r11            // not relative: programs copy stubs and call the copies
    jmpq *%r11
    .set ServiceIndex, ServiceIndex + 1
    .endm

#define P_IN(Type, Name) +1
#define P_PTR(Type, Name) +1
#define P_OUT(Type, Name) +1
#define P_IO(Type, Name) +1
#define P_BUF(Name) +1
#define SVC(Name, Kind, State, Text, Parameters) service Name, 0 Parameters
#include "abi/services.def"
