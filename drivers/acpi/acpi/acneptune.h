/* What ACPICA has to know of the platform (its acenv.h includes this). */
#pragma once

#define ACPI_MACHINE_WIDTH 64
#define COMPILER_DEPENDENT_INT64 long long
#define COMPILER_DEPENDENT_UINT64 unsigned long long
#define ACPI_USE_NATIVE_DIVIDE
#define ACPI_USE_NATIVE_MATH64
#define ACPI_USE_LOCAL_CACHE
#define ACPI_CACHE_T ACPI_MEMORY_LIST
#define ACPI_MUTEX_TYPE ACPI_BINARY_SEMAPHORE
#define ACPI_SEMAPHORE void*
#define ACPI_SPINLOCK void*
#define ACPI_CPU_FLAGS unsigned long long
#define ACPI_THREAD_ID unsigned long long
#define ACPI_FLUSH_CPU_CACHE()

/* In C++ an empty structure has a size, and what follows it would be elsewhere than in C. */
#ifdef __cplusplus
#undef ACPI_FLEX_ARRAY
#define ACPI_FLEX_ARRAY(TYPE, NAME) TYPE NAME[0]
#endif
