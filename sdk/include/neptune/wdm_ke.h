// Kernel services: what mingw-w64 lacks, and what it inlines with instructions or addresses of ring 0. A driver of this system is a user
// process, so IRQL, the current thread, ports and the shared time page are reached by the functions Windows exports for them (or, for
// ports, the names x86 Windows exports from hal.dll). NEPTUNE_RING0_INLINES keeps Windows' inline forms for a driver meant for Windows.
#pragma once
#ifdef __cplusplus
extern "C" {
#endif

#ifndef NEPTUNE_RING0_INLINES
NTKERNELAPI KIRQL NTAPI KeGetCurrentIrql(VOID);
NTKERNELAPI VOID NTAPI KeLowerIrql(KIRQL NewIrql);
NTKERNELAPI KIRQL NTAPI KfRaiseIrql(KIRQL NewIrql);
NTKERNELAPI KIRQL NTAPI KeRaiseIrqlToDpcLevel(VOID);
NTKERNELAPI KIRQL NTAPI KeRaiseIrqlToSynchLevel(VOID);
NTKERNELAPI PKTHREAD NTAPI KeGetCurrentThread(VOID);
NTKERNELAPI ULONG NTAPI KeGetCurrentProcessorNumber(VOID);
NTHALAPI UCHAR NTAPI READ_PORT_UCHAR(PUCHAR Port);
NTHALAPI USHORT NTAPI READ_PORT_USHORT(PUSHORT Port);
NTHALAPI ULONG NTAPI READ_PORT_ULONG(PULONG Port);
NTHALAPI VOID NTAPI READ_PORT_BUFFER_UCHAR(PUCHAR Port, PUCHAR Buffer, ULONG Count);
NTHALAPI VOID NTAPI READ_PORT_BUFFER_USHORT(PUSHORT Port, PUSHORT Buffer, ULONG Count);
NTHALAPI VOID NTAPI READ_PORT_BUFFER_ULONG(PULONG Port, PULONG Buffer, ULONG Count);
NTHALAPI VOID NTAPI WRITE_PORT_UCHAR(PUCHAR Port, UCHAR Value);
NTHALAPI VOID NTAPI WRITE_PORT_USHORT(PUSHORT Port, USHORT Value);
NTHALAPI VOID NTAPI WRITE_PORT_ULONG(PULONG Port, ULONG Value);
NTHALAPI VOID NTAPI WRITE_PORT_BUFFER_UCHAR(PUCHAR Port, PUCHAR Buffer, ULONG Count);
NTHALAPI VOID NTAPI WRITE_PORT_BUFFER_USHORT(PUSHORT Port, PUSHORT Buffer, ULONG Count);
NTHALAPI VOID NTAPI WRITE_PORT_BUFFER_ULONG(PULONG Port, PULONG Buffer, ULONG Count);
// The page all processes see, where Windows' inline functions read the kernel's own mapping of it.
#undef KI_USER_SHARED_DATA
#define KI_USER_SHARED_DATA 0x7FFE0000ULL
#endif

#ifdef _M_AMD64
FORCEINLINE ULONG64 READ_REGISTER_ULONG64(volatile ULONG64 *Register)
{
    ULONG64 Value;
    __asm__ __volatile__("" : : : "memory");
    Value = *Register;
    __asm__ __volatile__("" : : : "memory");
    return Value;
}
FORCEINLINE VOID WRITE_REGISTER_ULONG64(volatile ULONG64 *Register, ULONG64 Value)
{
    *Register = Value;
    __asm__ __volatile__("lock; orl $0, (%%rsp)" : : : "memory");
}
#endif

NTKERNELAPI LOGICAL NTAPI KeIsExecutingDpc(VOID);
NTKERNELAPI LOGICAL NTAPI KeShouldYieldProcessor(VOID);
NTKERNELAPI BOOLEAN NTAPI KeRemoveQueueDpcEx(PRKDPC Dpc, BOOLEAN WaitIfActive);
NTKERNELAPI VOID NTAPI KeQuerySystemTimePrecise(PLARGE_INTEGER CurrentTime);
NTKERNELAPI ULONG64 NTAPI KeQueryInterruptTimePrecise(PULONG64 QpcTimeStamp);
NTKERNELAPI ULONGLONG NTAPI KeQueryUnbiasedInterruptTimePrecise(PULONG64 QpcTimeStamp);
NTKERNELAPI NTSTATUS NTAPI KeQueryAuxiliaryCounterFrequency(PULONG64 Frequency);
NTKERNELAPI NTSTATUS NTAPI KeConvertAuxiliaryCounterToPerformanceCounter(ULONG64 Value, PULONG64 PerformanceCounter, PULONG64 Error);
NTKERNELAPI NTSTATUS NTAPI KeConvertPerformanceCounterToAuxiliaryCounter(ULONG64 Value, PULONG64 AuxiliaryCounter, PULONG64 Error);
NTKERNELAPI ULONG NTAPI KeQueryNodeActiveProcessorCount(USHORT NodeNumber);
NTKERNELAPI NTSTATUS NTAPI KeQueryNodeActiveAffinity2(USHORT NodeNumber, PGROUP_AFFINITY Affinities, USHORT Count, PUSHORT Required);

#define KE_PROCESSOR_CHANGE_ADD_EXISTING 1
#ifndef ENTER_REAL_TIME
#define KeInitializeGuardedMutexEx KeInitializeGuardedMutex
#endif

typedef struct _KTRIAGE_DUMP_DATA_BLOCK {
    LIST_ENTRY List;
    PVOID Address;
    ULONG Length;
} KTRIAGE_DUMP_DATA_BLOCK;
typedef struct _KTRIAGE_DUMP_DATA_ARRAY {
    LIST_ENTRY List;
    ULONG NumBlocksUsed;
    ULONG NumBlocksTotal;
    ULONG DataSize;
    ULONG MaxDataSize;
    ULONG ComponentNameBufferLength;
    PUCHAR ComponentName;
    KTRIAGE_DUMP_DATA_BLOCK Blocks[ANYSIZE_ARRAY];
} KTRIAGE_DUMP_DATA_ARRAY, *PKTRIAGE_DUMP_DATA_ARRAY;
NTKERNELAPI NTSTATUS NTAPI KeInitializeTriageDumpDataArray(PKTRIAGE_DUMP_DATA_ARRAY Array, ULONG Size);
NTKERNELAPI NTSTATUS NTAPI KeAddTriageDumpDataBlock(PKTRIAGE_DUMP_DATA_ARRAY Array, PVOID Address, SIZE_T Size);
NTKERNELAPI NTSTATUS NTAPI KeInitializeCrashDumpHeader(ULONG DumpType, ULONG Flags, PVOID Buffer, ULONG BufferSize, PULONG BufferNeeded);

#ifdef __cplusplus
}
#endif
