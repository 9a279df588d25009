// Stack probe of functions with more than a page of locals: touches every page from the current stack pointer down by rax bytes.
// Windows' ntoskrnl.exe exports it; linked into the driver it needs no import.
        .text
        .globl  __chkstk
        .def    __chkstk; .scl 2; .type 32; .endef
        .seh_proc __chkstk
__chkstk:
        pushq   %rcx
        .seh_pushreg %rcx
        pushq   %rax
        .seh_pushreg %rax
        .seh_endprologue
        leaq    24(%rsp), %rcx
1:      cmpq    $0x1000, %rax
        jb      2f
        subq    $0x1000, %rcx
        testq   %rcx, (%rcx)
        subq    $0x1000, %rax
        jmp     1b
2:      subq    %rax, %rcx
        testq   %rcx, (%rcx)
        popq    %rax
        popq    %rcx
        retq
        .seh_endproc
