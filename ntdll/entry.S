// Where the Executive starts threads, exceptions and APCs in user mode (abi/process.hpp), and the code that moves whole register
// sets: RtlCaptureContext, the last step of RtlRestoreContext, setjmp and longjmp. The frames that the Executive pushes carry
// unwind data, so that an unwind passes from a handler through them into the code that was interrupted.
    .text

    .macro function name
    .p2align 4
    .globl \name
    .def \name; .scl 2; .type 32; .endef
    .seh_proc \name
\name:
    .endm

    // Offsets in CONTEXT.
    .set CxFlags, 0x30
    .set CxMxCsr, 0x34
    .set CxSegCs, 0x38
    .set CxSegDs, 0x3a
    .set CxSegEs, 0x3c
    .set CxSegFs, 0x3e
    .set CxSegGs, 0x40
    .set CxSegSs, 0x42
    .set CxEFlags, 0x44
    .set CxRax, 0x78
    .set CxRcx, 0x80
    .set CxRdx, 0x88
    .set CxRbx, 0x90
    .set CxRsp, 0x98
    .set CxRbp, 0xa0
    .set CxRsi, 0xa8
    .set CxRdi, 0xb0
    .set CxR8, 0xb8
    .set CxR9, 0xc0
    .set CxR10, 0xc8
    .set CxR11, 0xd0
    .set CxR12, 0xd8
    .set CxR13, 0xe0
    .set CxR14, 0xe8
    .set CxR15, 0xf0
    .set CxRip, 0xf8
    .set CxFltSave, 0x100
    .set CxXmm6, 0x200

    // Unwind data of a frame that starts with a CONTEXT at RSP (P1Home to P4Home are the home area of what it calls) and has a
    // machine frame at RSP+size.
    .macro context_frame size, floats
    .seh_pushframe
    .seh_stackalloc \size
    .seh_savereg %rbx, CxRbx
    .seh_savereg %rbp, CxRbp
    .seh_savereg %rsi, CxRsi
    .seh_savereg %rdi, CxRdi
    .seh_savereg %r12, CxR12
    .seh_savereg %r13, CxR13
    .seh_savereg %r14, CxR14
    .seh_savereg %r15, CxR15
    .if \floats
    .seh_savexmm %xmm6, CxXmm6
    .seh_savexmm %xmm7, CxXmm6+0x10
    .seh_savexmm %xmm8, CxXmm6+0x20
    .seh_savexmm %xmm9, CxXmm6+0x30
    .seh_savexmm %xmm10, CxXmm6+0x40
    .seh_savexmm %xmm11, CxXmm6+0x50
    .seh_savexmm %xmm12, CxXmm6+0x60
    .seh_savexmm %xmm13, CxXmm6+0x70
    .seh_savexmm %xmm14, CxXmm6+0x80
    .seh_savexmm %xmm15, CxXmm6+0x90
    .endif
    .seh_endprologue
    .endm

    // Machine frame (RIP, CS, EFLAGS, RSP, SS) at RSP+size from the CONTEXT at RSP. Clobbers rax.
    .macro machine_frame size
    movq CxRip(%rsp), %rax
    movq %rax, \size(%rsp)
    movzwl CxSegCs(%rsp), %eax
    movq %rax, \size+0x08(%rsp)
    movl CxEFlags(%rsp), %eax
    movq %rax, \size+0x10(%rsp)
    movq CxRsp(%rsp), %rax
    movq %rax, \size+0x18(%rsp)
    movzwl CxSegSs(%rsp), %eax
    movq %rax, \size+0x20(%rsp)
    .endm

// RSP -> CONTEXT, EXCEPTION_RECORD at +0x4f0, 0x590..0x740 free for us.
function KiUserExceptionDispatcher
    context_frame 0x590, 1
    cld
    fxsave64 CxFltSave(%rsp)
    stmxcsr CxMxCsr(%rsp)
    orl $0x100008, CxFlags(%rsp)
    machine_frame 0x590
    leaq 0x4f0(%rsp), %rcx
    movq %rsp, %rdx
    callq KiDispatchUserException
    int3
    .seh_endproc

// RSP -> CONTEXT; P1Home to P3Home arguments, P4Home routine; 0x4d0..0x4f8 free for us.
function KiUserApcDispatcher
    context_frame 0x4d0, 0
    cld
    machine_frame 0x4d0
    movq (%rsp), %rcx
    movq 0x08(%rsp), %rdx
    movq 0x10(%rsp), %r8
    movq %rsp, %r9
    callq *0x18(%rsp)
    movq %rsp, %rcx
    movl $1, %edx
    callq NtContinue
    movl %eax, %ecx
    callq RtlRaiseStatus
    int3
    .seh_endproc

// rcx = CONTEXT*, rdx = base of ntdll.
function LdrInitializeThunk
    .seh_endprologue
    andq $-16, %rsp
    subq $0x20, %rsp
    callq LdrpInitializeThread
    int3
    .seh_endproc

// A call from the kernel into PEB.KernelCallbackTable: RSP+0x20 input buffer, +0x28 its length, +0x2c index.
function KiUserCallbackDispatcher
    .seh_endprologue
    movq 0x20(%rsp), %rcx
    movl 0x28(%rsp), %edx
    movl 0x2c(%rsp), %r8d
    subq $0x28, %rsp
    callq KiDispatchCallback
    int3
    .seh_endproc

// RtlCaptureContext(CONTEXT*): the caller's registers as they will be after the call returns.
function RtlCaptureContext
    .seh_endprologue
    movq %rax, CxRax(%rcx)
    movq %rcx, CxRcx(%rcx)
    movq %rdx, CxRdx(%rcx)
    movq %rbx, CxRbx(%rcx)
    movq %rbp, CxRbp(%rcx)
    movq %rsi, CxRsi(%rcx)
    movq %rdi, CxRdi(%rcx)
    movq %r8, CxR8(%rcx)
    movq %r9, CxR9(%rcx)
    movq %r10, CxR10(%rcx)
    movq %r11, CxR11(%rcx)
    movq %r12, CxR12(%rcx)
    movq %r13, CxR13(%rcx)
    movq %r14, CxR14(%rcx)
    movq %r15, CxR15(%rcx)
    pushfq
    popq %rax
    movl %eax, CxEFlags(%rcx)
    movq (%rsp), %rax
    movq %rax, CxRip(%rcx)
    leaq 8(%rsp), %rax
    movq %rax, CxRsp(%rcx)
    movw %cs, CxSegCs(%rcx)
    movw %ds, CxSegDs(%rcx)
    movw %es, CxSegEs(%rcx)
    movw %fs, CxSegFs(%rcx)
    movw %gs, CxSegGs(%rcx)
    movw %ss, CxSegSs(%rcx)
    fxsave64 CxFltSave(%rcx)
    stmxcsr CxMxCsr(%rcx)
    movl $0x10000f, CxFlags(%rcx)
    movq CxRax(%rcx), %rax
    retq
    .seh_endproc

// A service's status is an exception first, of which a debugger hears (abi/process.hpp). RSP as in SvcCommon, whose saved registers are there.
function KiRaiseUserExceptionDispatcher
    .seh_pushreg %rbx
    .seh_pushreg %rdi
    .seh_pushreg %rsi
    .seh_pushreg %r15
    subq $0x28, %rsp
    .seh_stackalloc 0x28
    .seh_endprologue
    cld
    callq RtlpRaiseServiceStatus
    addq $0x28, %rsp
    movl %eax, %r10d
    jmp KiServiceReturn
    .seh_endproc

// The calling thread's own context is not the Executive's to tell or set (abi/process.hpp): it is taken here as it is on entry.
#define OWN_CONTEXT 0x6E776F63              /* abi::OwnContextReply */
    .globl ZwGetContextThread, ZwSetContextThread
    .macro own_context service
    pushq %rbx
    .seh_pushreg %rbx
    subq $0x500, %rsp
    .seh_stackalloc 0x500
    .seh_endprologue
    movq %rdx, %rbx
    callq \service
    cmpl $OWN_CONTEXT, %eax
    jne 1f
    leaq 0x20(%rsp), %rcx
    callq RtlCaptureContext
    leaq 0x20(%rsp), %rdx
    movq %rbx, %rcx
    movq 0x500(%rsp), %rax
    movq %rax, CxRbx(%rdx)
    cld                                     // the caller of a service may have any flags
    .endm
    .macro leave_own_context
1:  addq $0x500, %rsp
    popq %rbx
2:  retq
    .seh_endproc
    .endm

// NtGetContextThread(HANDLE, CONTEXT*)
function NtGetContextThread
ZwGetContextThread:
    own_context SvcGetContextThread
    leaq 2f(%rip), %rax                     // who sets this context returns from here, with success
    movq %rax, CxRip(%rdx)
    leaq 0x508(%rsp), %rax
    movq %rax, CxRsp(%rdx)
    movq $0, CxRax(%rdx)
    callq RtlpGetOwnContext
    movl 0x20+CxEFlags(%rsp), %ecx
    pushq %rcx
    popfq
    leave_own_context

// NtSetContextThread(HANDLE, CONTEXT*): without CONTEXT_CONTROL it returns, with success.
function NtSetContextThread
ZwSetContextThread:
    own_context SvcSetContextThread
    movq 0x508(%rsp), %rax
    movq %rax, CxRip(%rdx)
    leaq 0x510(%rsp), %rax
    movq %rax, CxRsp(%rdx)
    movq $0, CxRax(%rdx)
    callq RtlpSetOwnContext
    leave_own_context

// What a thread does for the Executive while it is elsewhere (abi/process.hpp). The kernel gives the registers to a thread at its first
// floating-point instruction, and XSAVE and XRSTOR are none to QEMU, which lets them pass without the trap: an instruction before them traps.
function KiLoadState
    .seh_endprologue
    movaps %xmm0, %xmm0
    xrstor64 (%rcx)
    jmp 1f
    .seh_endproc
function KiSaveState
    .seh_endprologue
    movaps %xmm0, %xmm0
    xsave64 (%rcx)
1:  movq $-1, %rdx                          // seL4's Call
    syscall
    ud2                                     // nothing answers
    .seh_endproc

    .macro each_ymm what
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    \what \n
    .endr
    .endm
    .macro save_ymm n
    vextractf128 $1, %ymm\n, 16*\n(%rcx)
    .endm
    .macro load_ymm n
    vinsertf128 $1, 16*\n(%rcx), %ymm\n, %ymm\n
    .endm
// RtlpSaveYmm(M128A*), RtlpLoadYmm(const M128A*), RtlpClearYmm(): the upper halves of the AVX registers.
function RtlpSaveYmm
    .seh_endprologue
    each_ymm save_ymm
    retq
    .seh_endproc
function RtlpLoadYmm
    .seh_endprologue
    each_ymm load_ymm
    retq
    .seh_endproc
function RtlpClearYmm
    .seh_endprologue
    vzeroupper
    retq
    .seh_endproc

// RtlpResume(CONTEXT*): continue there. Integer and control registers only; the selectors are the microkernel's: its GDT has the user
// code segment before the user data segment. SS tells, CS does not: SYSRET leaves a selector in it that names no code segment. (Where SS
// has no 64-bit code segment before it, as on the host of the unit tests, CS does tell.)
function RtlpResume
    .seh_endprologue
    movl %ss, %eax
    pushq %rax
    pushq CxRsp(%rcx)
    movl CxEFlags(%rcx), %edx
    pushq %rdx
    subl $8, %eax
    larl %eax, %edx
    jnz 1f
    btl $21, %edx                           // L: 64-bit code
    jc 2f
1:  movl %cs, %eax
2:  pushq %rax
    pushq CxRip(%rcx)
    movq CxRax(%rcx), %rax
    movq CxRdx(%rcx), %rdx
    movq CxRbx(%rcx), %rbx
    movq CxRbp(%rcx), %rbp
    movq CxRsi(%rcx), %rsi
    movq CxRdi(%rcx), %rdi
    movq CxR8(%rcx), %r8
    movq CxR9(%rcx), %r9
    movq CxR10(%rcx), %r10
    movq CxR11(%rcx), %r11
    movq CxR12(%rcx), %r12
    movq CxR13(%rcx), %r13
    movq CxR14(%rcx), %r14
    movq CxR15(%rcx), %r15
    movq CxRcx(%rcx), %rcx
    iretq
    .seh_endproc

// RtlpLoadFloats(CONTEXT*): the x87, MMX and SSE registers of a context.
function RtlpLoadFloats
    .seh_endprologue
    fxrstor64 CxFltSave(%rcx)
    ldmxcsr CxMxCsr(%rcx)
    retq
    .seh_endproc

// RtlpConsolidate(CONTEXT*, EXCEPTION_RECORD*, callback): call callback(record) in a frame from which an unwind goes on at the
// context, then go where it says. That is how C++ catch blocks run on top of the stack they have already left.
function RtlpConsolidate
    subq $0x500, %rsp
    andq $-16, %rsp
    movq %rdi, %r9
    movq %rsi, %r10
    movq %rcx, %rsi
    movq %rsp, %rdi
    movl $0x4d0/8, %ecx
    cld
    rep movsq
    machine_frame 0x4d0
    callq RtlpConsolidateFrame
    int3
    .seh_endprologue
    .seh_endproc

    // Entered by the call above, but with the return address dropped: RSP -> CONTEXT.
function RtlpConsolidateFrame
    context_frame 0x4d0, 1
    addq $8, %rsp
    movq %rdx, %rcx
    callq *%r8
    movq %rax, CxRip(%rsp)
    movq %rsp, %rcx
    callq RtlpRestoreRegisters
    int3
    .seh_endproc

    // jmp_buf: Frame 0, Rbx 8, Rsp 10, Rbp 18, Rsi 20, Rdi 28, R12..R15 30..48, Rip 50, MxCsr 58, FpCsr 5c, Xmm6..15 60..f0
function _setjmpex
    .seh_endprologue
    movq %rdx, 0x00(%rcx)
    movq %rbx, 0x08(%rcx)
    leaq 8(%rsp), %rax
    movq %rax, 0x10(%rcx)
    movq %rbp, 0x18(%rcx)
    movq %rsi, 0x20(%rcx)
    movq %rdi, 0x28(%rcx)
    movq %r12, 0x30(%rcx)
    movq %r13, 0x38(%rcx)
    movq %r14, 0x40(%rcx)
    movq %r15, 0x48(%rcx)
    movq (%rsp), %rax
    movq %rax, 0x50(%rcx)
    stmxcsr 0x58(%rcx)
    fnstcw 0x5c(%rcx)
    movdqa %xmm6, 0x60(%rcx)
    movdqa %xmm7, 0x70(%rcx)
    movdqa %xmm8, 0x80(%rcx)
    movdqa %xmm9, 0x90(%rcx)
    movdqa %xmm10, 0xa0(%rcx)
    movdqa %xmm11, 0xb0(%rcx)
    movdqa %xmm12, 0xc0(%rcx)
    movdqa %xmm13, 0xd0(%rcx)
    movdqa %xmm14, 0xe0(%rcx)
    movdqa %xmm15, 0xf0(%rcx)
    xorl %eax, %eax
    retq
    .seh_endproc

function _setjmp
    .seh_endprologue
    jmp _setjmpex
    .seh_endproc

// RtlpJump(jmp_buf*, value): without unwinding.
function RtlpJump
    .seh_endprologue
    movl %edx, %eax
    testl %eax, %eax
    jne 1f
    incl %eax
1:  movq 0x08(%rcx), %rbx
    movq 0x18(%rcx), %rbp
    movq 0x20(%rcx), %rsi
    movq 0x28(%rcx), %rdi
    movq 0x30(%rcx), %r12
    movq 0x38(%rcx), %r13
    movq 0x40(%rcx), %r14
    movq 0x48(%rcx), %r15
    ldmxcsr 0x58(%rcx)
    fnclex
    fldcw 0x5c(%rcx)
    movdqa 0x60(%rcx), %xmm6
    movdqa 0x70(%rcx), %xmm7
    movdqa 0x80(%rcx), %xmm8
    movdqa 0x90(%rcx), %xmm9
    movdqa 0xa0(%rcx), %xmm10
    movdqa 0xb0(%rcx), %xmm11
    movdqa 0xc0(%rcx), %xmm12
    movdqa 0xd0(%rcx), %xmm13
    movdqa 0xe0(%rcx), %xmm14
    movdqa 0xf0(%rcx), %xmm15
    movq 0x50(%rcx), %rdx
    movq 0x10(%rcx), %rsp
    jmpq *%rdx
    .seh_endproc

// _local_unwind(frame, target): leave a __try block by jumping to target in the same function.
function _local_unwind
    subq $0x28, %rsp
    .seh_stackalloc 0x28
    .seh_endprologue
    xorl %r8d, %r8d
    xorl %r9d, %r9d
    callq RtlUnwind
    addq $0x28, %rsp
    retq
    .seh_endproc

// rax = bytes of stack about to be allocated: touch each page so that the guard page moves. All registers are kept.
function __chkstk
    .seh_endprologue
    pushq %rcx
    pushq %rax
    leaq 24(%rsp), %rcx
    subq %rax, %rcx
    jae 1f
    xorl %ecx, %ecx
1:  movq %gs:0x10, %rax
    cmpq %rax, %rcx
    jae 3f
    andq $-4096, %rcx
2:  leaq -4096(%rax), %rax
    testb $0, (%rax)
    cmpq %rax, %rcx
    jb 2b
3:  popq %rax
    popq %rcx
    retq
    .seh_endproc

    .globl DbgBreakPoint, DbgUserBreakPoint, DbgBreakPointWithStatus
    .p2align 4
DbgBreakPoint:
DbgUserBreakPoint:
DbgBreakPointWithStatus:
    int3
    retq

// What the guard pointers of an image's load configuration point to: every target is good.
    .p2align 4
    .globl LdrpNoGuardCheck, LdrpNoGuardDispatch
LdrpNoGuardCheck:
    retq
    .p2align 4
LdrpNoGuardDispatch:
    jmpq *%rax

// What ntdll exports and does not have: answers STATUS_NOT_IMPLEMENTED (missing.txt lists the names).
    .p2align 4
    .globl NtdllNotImplemented
NtdllNotImplemented:
    movl $0xC0000002, %eax
    retq

    // The frames in which handlers run. The dispatcher context is kept at RSP+0x20, so that the frame's own handler
    // (exception/handlers.cpp) can tell a nested exception and a collided unwind.
    .macro handler_frame name, handler
    .p2align 4
    .globl \name
    .def \name; .scl 2; .type 32; .endef
    .seh_proc \name
    .seh_handler \handler, @except, @unwind
\name:
    subq $0x28, %rsp
    .seh_stackalloc 0x28
    .seh_endprologue
    movq %r9, 0x20(%rsp)
    callq *0x30(%r9)
    nop
    addq $0x28, %rsp
    retq
    .seh_endproc
    .endm
    handler_frame RtlpExecuteHandlerForException, RtlpExceptionFrameHandler
    handler_frame RtlpExecuteHandlerForUnwind, RtlpUnwindFrameHandler

// RtlRaiseException(EXCEPTION_RECORD*): the exception happens at our return address.
function RtlRaiseException
    subq $0x4f8, %rsp
    .seh_stackalloc 0x4f8
    .seh_endprologue
    movq %rcx, 0x500(%rsp)
    leaq 0x20(%rsp), %rcx
    callq RtlCaptureContext
    leaq 0x20(%rsp), %rdx
    movq 0x4f8(%rsp), %rax
    movq %rax, CxRip(%rdx)
    leaq 0x500(%rsp), %rax
    movq %rax, CxRsp(%rdx)
    movq 0x500(%rsp), %rcx
    movq %rcx, CxRcx(%rdx)
    callq RtlpRaise
    int3
    .seh_endproc
