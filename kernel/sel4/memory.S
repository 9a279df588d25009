// What compilers call by themselves, for images that bring none: weak. No FPU registers: the kernel then has no state of it to switch. Long blocks go by
// REP MOVSQ and STOSQ, whose iterations count as instructions each under -icount: eight bytes an iteration.
        .text
        .weak memcpy, memmove, memset, memcmp
        .type memcpy, @function
        .type memmove, @function
        .type memset, @function
        .type memcmp, @function
        .set    Long, 128

        .p2align 4
memmove:
        movq    %rdi, %rax
        subq    %rsi, %rax
        cmpq    %rdx, %rax
        jb      Backwards               // the target starts inside the source
// All of these load a piece before they store it and go upwards, so a target below an overlapping source is right.
memcpy:
        movq    %rdi, %rax
        cmpq    $16, %rdx
        jb      CopyShort
        movq    -8(%rsi, %rdx), %r9     // the last 16 bytes, written last
        movq    -16(%rsi, %rdx), %r8
        leaq    -16(%rdi, %rdx), %r10
        cmpq    $Long, %rdx
        jae     CopyLong
1:      cmpq    %r10, %rdi
        jae     2f
        movq    (%rsi), %rcx
        movq    8(%rsi), %rdx
        movq    %rcx, (%rdi)
        movq    %rdx, 8(%rdi)
        addq    $16, %rsi
        addq    $16, %rdi
        jmp     1b
CopyLong:
        movq    %rdx, %rcx
        shrq    $3, %rcx
        rep movsq
2:      movq    %r8, (%r10)
        movq    %r9, 8(%r10)
        ret
CopyShort:
        cmpl    $8, %edx
        jb      1f
        movq    (%rsi), %rcx
        movq    -8(%rsi, %rdx), %r8
        movq    %rcx, (%rdi)
        movq    %r8, -8(%rdi, %rdx)
        ret
1:      cmpl    $4, %edx
        jb      2f
        movl    (%rsi), %ecx
        movl    -4(%rsi, %rdx), %r8d
        movl    %ecx, (%rdi)
        movl    %r8d, -4(%rdi, %rdx)
        ret
2:      testl   %edx, %edx
        jz      3f
        movzbl  (%rsi), %ecx
        movzbl  -1(%rsi, %rdx), %r8d
        shrl    $1, %edx
        movzbl  (%rsi, %rdx), %r9d
        leaq    (%rdi, %rdx), %r10
        adcl    %edx, %edx              // the length again: the bit shifted out is the carry
        movb    %r9b, (%r10)
        movb    %cl, (%rdi)
        movb    %r8b, -1(%rdi, %rdx)
3:      ret

Backwards:
        movq    %rdi, %rax
        cmpq    $8, %rdx
        jb      2f
        movq    (%rsi), %r9             // the first 8 bytes, written last
1:      movq    -8(%rsi, %rdx), %rcx
        movq    %rcx, -8(%rdi, %rdx)
        subq    $8, %rdx
        cmpq    $8, %rdx
        jae     1b
        movq    %r9, (%rdi)
        ret
2:      testq   %rdx, %rdx
        jz      3f
        movzbl  -1(%rsi, %rdx), %ecx
        movb    %cl, -1(%rdi, %rdx)
        decq    %rdx
        jmp     2b
3:      ret

        .p2align 4
memset:
        movq    %rdi, %r10
        movzbl  %sil, %eax
        movabsq $0x0101010101010101, %rcx
        imulq   %rcx, %rax
        cmpq    $16, %rdx
        jb      SetShort
        leaq    -16(%rdi, %rdx), %r9
        cmpq    $Long, %rdx
        jae     2f
1:      cmpq    %r9, %rdi
        jae     3f
        movq    %rax, (%rdi)
        movq    %rax, 8(%rdi)
        addq    $16, %rdi
        jmp     1b
2:      movq    %rdx, %rcx
        shrq    $3, %rcx
        rep stosq
3:      movq    %rax, (%r9)
        movq    %rax, 8(%r9)
        movq    %r10, %rax
        ret
SetShort:
        cmpl    $8, %edx
        jb      1f
        movq    %rax, (%rdi)
        movq    %rax, -8(%rdi, %rdx)
        movq    %r10, %rax
        ret
1:      testl   %edx, %edx
        jz      2f
        movb    %al, -1(%rdi, %rdx)
        decl    %edx
        jmp     1b
2:      movq    %r10, %rax
        ret

        .p2align 4
memcmp:
        xorl    %eax, %eax
1:      cmpq    $8, %rdx
        jb      3f
        movq    (%rdi), %rcx
        movq    (%rsi), %r8
        cmpq    %r8, %rcx
        jne     2f
        addq    $8, %rdi
        addq    $8, %rsi
        subq    $8, %rdx
        jmp     1b
2:      bswapq  %rcx                    // the first byte decides
        bswapq  %r8
        cmpq    %r8, %rcx
        sbbl    %eax, %eax
        orl     $1, %eax
        ret
3:      testq   %rdx, %rdx
        jz      4f
        movzbl  (%rdi), %eax
        movzbl  (%rsi), %ecx
        incq    %rdi
        incq    %rsi
        decq    %rdx
        subl    %ecx, %eax
        jz      3b
4:      ret
        .section .note.GNU-stack, "", @progbits
