// The kernel's configuration (its own file of this name, in the place of Kconfig): x86_64, one processor, release.
#define AUTOCONF_INCLUDED
#define CONFIG_KERNEL_MASTER 1
#define CONFIG_WORD_SIZE 64
#define CONFIG_ARCH_X86 1
#define CONFIG_ARCH_X86_64 1
#define CONFIG_PLAT_PC99 1
#define CONFIG_MAX_NUM_NODES 1
#define CONFIG_CACHE_LN_SZ 64
#define CONFIG_OPTIMISATION_O2 1
#define CONFIG_FASTPATH 1
#define CONFIG_SYSCALL 1
#define CONFIG_FSGSBASE_INST 1
#define CONFIG_HUGE_PAGE 1
#define CONFIG_KERNEL_STACK_BITS 14
#define CONFIG_MULTIBOOT_GRAPHICS_MODE_NONE 1
// Interrupts: local APIC and one IOAPIC.
#define CONFIG_XAPIC 1
#define CONFIG_IRQ_IOAPIC 1
#define CONFIG_MAX_NUM_IOAPIC 1
#define CONFIG_MAX_RMRR_ENTRIES 32
// x87, SSE and AVX state (feature set 1+2+4) in 832 bytes; the TCB that holds it is 4 KiB (mode/api/constants.h here).
#define CONFIG_HAVE_FPU 1
#define CONFIG_XSAVE 1
#define CONFIG_XSAVE_XSAVEOPT 1
#define CONFIG_XSAVE_FEATURE_SET 7
#define CONFIG_XSAVE_SIZE 832
#define CONFIG_FPU_MAX_RESTORES_SINCE_SWITCH 64
// Scheduling: a tick of 1 ms, a quantum of 5.
#define CONFIG_NUM_PRIORITIES 256
#define CONFIG_NUM_DOMAINS 1
#define CONFIG_TIMER_TICK_MS 1
#define CONFIG_TIME_SLICE 5
// Sizes.
#define CONFIG_ROOT_CNODE_SIZE_BITS 16
#define CONFIG_RETYPE_FAN_OUT_LIMIT 256
// Memory that is used again is cleared this much (2^n bytes) at a time between looks at interrupts.
#define CONFIG_RESET_CHUNK_BITS 12
#define CONFIG_MAX_NUM_BOOTINFO_UNTYPED_CAPS 230
#define CONFIG_MAX_NUM_WORK_UNITS_PER_PREEMPTION 100
