// What compilers call by themselves, for images that bring none: weak.
        .text
        .weak memcpy, memmove, memset, memcmp
        .type memcpy, @function
        .type memmove, @function
        .type memset, @function
        .type memcmp, @function
memmove:
        movq    %rdi, %rax
        subq    %rsi, %rax
        cmpq    %rdx, %rax
        jae     memcpy                  // the target does not start inside the source
        movq    %rdi, %rax
        movq    %rdx, %rcx
        leaq    -1(%rdi, %rdx), %rdi
        leaq    -1(%rsi, %rdx), %rsi
        std
        rep movsb
        cld
        ret
memcpy:
        movq    %rdi, %rax
        movq    %rdx, %rcx
        rep movsb
        ret
memset:
        movq    %rdi, %r8
        movl    %esi, %eax
        movq    %rdx, %rcx
        rep stosb
        movq    %r8, %rax
        ret
memcmp:
        xorl    %eax, %eax
        movq    %rdx, %rcx
        cmpq    %rcx, %rcx              // an empty range is equal
        repe cmpsb
        je      1f
        movzbl  -1(%rdi), %eax
        movzbl  -1(%rsi), %ecx
        subl    %ecx, %eax
1:      ret
        .section .note.GNU-stack, "", @progbits
