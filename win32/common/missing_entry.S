// A stub is `call NeptuneMissing_<kind>`: its return address tells which one it was. Here that address becomes the
// first argument of NeptuneMissing (missing.cpp) and its result goes to the stub's caller.
    .text
    .macro kind Name, Code
    .globl NeptuneMissing_\Name
    .def NeptuneMissing_\Name; .scl 2; .type 32; .endef
    .seh_proc NeptuneMissing_\Name
NeptuneMissing_\Name:
    .seh_stackalloc 8
    .seh_endprologue
    pop %rcx
    mov $\Code, %edx
    jmp Common
    .seh_endproc
    .endm

    kind zero, 0
    kind hresult, 1
    kind error, 2
    kind status, 3
    kind security, 4
    kind mm, 5
    kind socket, 6
    kind minus, 7
    kind wsaerror, 8

    .def Common; .scl 3; .type 32; .endef
    .seh_proc Common
Common:
    sub $40, %rsp
    .seh_stackalloc 40
    .seh_endprologue
    call NeptuneMissing
    add $40, %rsp
    ret
    .seh_endproc
