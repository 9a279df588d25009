// Comes before the kernel's header of the same name. That one gives a TCB 2 KiB, which AVX state does not fit into
// (later kernels choose 4 KiB for it themselves).
#include_next <mode/api/constants.h>
#undef seL4_TCBBits
#define seL4_TCBBits 12
