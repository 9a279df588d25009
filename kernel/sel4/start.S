// The Executive's first instructions. The kernel enters with the boot information's address in RDI, no stack, GS at the
// IPC buffer.
        .section .text._start, "ax", @progbits
        .global _start
        .type _start, @function
_start:
        leaq    __stack_top(%rip), %rsp
        xorl    %ebp, %ebp
        pushq   %rdi
        pushq   $0                      // keeps the stack 16-byte aligned at calls
        leaq    __init_array_start(%rip), %rbx
        leaq    __init_array_end(%rip), %r12
1:      cmpq    %r12, %rbx
        jae     2f
        callq   *(%rbx)
        addq    $8, %rbx
        jmp     1b
2:      popq    %rax
        popq    %rdi
        callq   ExecutiveMain
        ud2
        .size _start, . - _start
        .section .note.GNU-stack, "", @progbits
