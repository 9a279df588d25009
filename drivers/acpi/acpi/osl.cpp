// ACPICA's operating system layer on the driver interface (ACPICA User Guide, section 9). Everything is done at PASSIVE_LEVEL but the interrupt handler, which
// takes the locks, too: they are the interrupt's own.
#include "drivers/acpi/acpi/acpi.hpp"

extern "C" ACPI_SPINLOCK AcpiGbl_ReferenceCountLock;       // one of ACPICA's own
extern "C" __declspec(dllimport) NTSTATUS NTAPI NeptuneDriverControl(ULONG Code, PVOID In, ULONG InBytes, PVOID Out, ULONG OutBytes);
extern "C" __declspec(dllimport) int __cdecl _vsnprintf(char* To, size_t Bytes, const char* Format, va_list Arguments);

namespace acpi {

namespace {

PKINTERRUPT Interrupt;
ULONG Vector;
KIRQL LineIrql;
bool Level;
ACPI_OSD_HANDLER Handler;
void* HandlerContext;

// Work for the one thread that does it.
struct Item {
    void (*Work)(void*);
    void* Context;
};
constexpr ULONG Items = 128;
Item Ring[Items];
ULONG Head, Tail;                       // free-running
KDPC WakeDpc;
KEVENT Wake, Idle;

KIRQL Enter() { return Interrupt ? KeAcquireInterruptSpinLock(Interrupt) : KIRQL(PASSIVE_LEVEL); }
void Leave(KIRQL Old)
{
    if (Interrupt)
        KeReleaseInterruptSpinLock(Interrupt, Old);
}

void NTAPI SetWake(PKDPC, PVOID, PVOID, PVOID) { KeSetEvent(&Wake, 0, FALSE); }

void NTAPI Worker(PVOID)
{
    for (;;) {
        KeWaitForSingleObject(&Wake, Executive, KernelMode, FALSE, nullptr);
        for (;;) {
            KIRQL Old = Enter();
            bool Any = Head != Tail;
            Item I = Ring[Head % Items];
            Leave(Old);
            if (!Any)
                break;
            I.Work(I.Context);
            Old = Enter();
            ++Head;
            bool Empty = Head == Tail;
            Leave(Old);
            if (Empty)
                KeSetEvent(&Idle, 0, FALSE);
        }
    }
}

BOOLEAN NTAPI Isr(PKINTERRUPT, PVOID) { return Handler && Handler(HandlerContext) == ACPI_INTERRUPT_HANDLED; }

// Firmware memory that is mapped: it stays so, and is found again.
struct Mapping {
    Mapping* Next;
    ULONGLONG Physical, Bytes;
    UCHAR* At;
};
Mapping* Mappings;
FAST_MUTEX MappingLock;
bool CountsAreTaken;

}

void Say(const char* Format, ...)
{
    va_list Arguments;
    va_start(Arguments, Format);
    AcpiOsVprintf(Format, Arguments);
    va_end(Arguments);
}

NTSTATUS StartLayer(ULONG V, KIRQL I, bool IsLevel)
{
    Vector = V;
    LineIrql = I;
    Level = IsLevel;
    ExInitializeFastMutex(&MappingLock);
    KeInitializeEvent(&Wake, SynchronizationEvent, FALSE);
    KeInitializeEvent(&Idle, SynchronizationEvent, FALSE);
    KeInitializeDpc(&WakeDpc, SetWake, nullptr);
    // Connected now: its lock is what guards everything. Without a handler yet, no interrupt is enabled.
    NTSTATUS Status = IoConnectInterrupt(&Interrupt, Isr, nullptr, nullptr, Vector, LineIrql, LineIrql, Level ? LevelSensitive : Latched, TRUE, 1, FALSE);
    if (!NT_SUCCESS(Status))
        return Status;
    HANDLE Thread;
    Status = PsCreateSystemThread(&Thread, THREAD_ALL_ACCESS, nullptr, nullptr, nullptr, Worker, nullptr);
    if (NT_SUCCESS(Status))
        ZwClose(Thread);
    return Status;
}

NTSTATUS Later(void (*Work)(void*), void* Context)
{
    KIRQL Old = Enter();
    bool Room = Tail - Head < Items;
    if (Room)
        Ring[Tail++ % Items] = { Work, Context };
    Leave(Old);
    if (!Room)
        return STATUS_INSUFFICIENT_RESOURCES;
    KeInsertQueueDpc(&WakeDpc, nullptr, nullptr);
    return STATUS_SUCCESS;
}

NTSTATUS Tell(ULONG Code, void* In, ULONG Bytes) { return NeptuneDriverControl(Code, In, Bytes, nullptr, 0); }

// Memory is lent for reading.
ACPI_STATUS MemoryRegion(UINT32 Function, ACPI_PHYSICAL_ADDRESS Address, UINT32 Width, UINT64* Value, void*, void*)
{
    return (Function & ACPI_IO_MASK) == ACPI_READ ? AcpiOsReadMemory(Address, Value, Width) : AcpiOsWriteMemory(Address, *Value, Width);
}

}

using namespace acpi;

extern "C" {

ACPI_STATUS AcpiOsInitialize() { return AE_OK; }
ACPI_STATUS AcpiOsTerminate() { return AE_OK; }

// The root pointer is in the firmware's area, on a boundary of 16 bytes (ACPI 6.4, 5.2.5.1).
ACPI_PHYSICAL_ADDRESS AcpiOsGetRootPointer()
{
    constexpr ULONG First = 0xE0000, Bytes = 0x20000;
    auto* At = static_cast<UCHAR*>(AcpiOsMapMemory(First, Bytes));
    if (!At)
        return 0;
    for (ULONG I = 0; I < Bytes; I += 16) {
        if (memcmp(At + I, "RSD PTR ", 8) != 0)
            continue;
        UCHAR Sum = 0;
        for (ULONG J = 0; J < 20; ++J)
            Sum = UCHAR(Sum + At[I + J]);
        if (Sum == 0)
            return First + I;
    }
    return 0;
}
ACPI_STATUS AcpiOsPredefinedOverride(const ACPI_PREDEFINED_NAMES*, ACPI_STRING* New)
{
    *New = nullptr;
    return AE_OK;
}
ACPI_STATUS AcpiOsTableOverride(ACPI_TABLE_HEADER*, ACPI_TABLE_HEADER** New)
{
    *New = nullptr;
    return AE_OK;
}
ACPI_STATUS AcpiOsPhysicalTableOverride(ACPI_TABLE_HEADER*, ACPI_PHYSICAL_ADDRESS* At, UINT32* Bytes)
{
    *At = 0;
    *Bytes = 0;
    return AE_OK;
}

// --- memory

void* AcpiOsAllocate(ACPI_SIZE Bytes) { return ExAllocatePoolWithTag(NonPagedPool, Bytes, 'ipcA'); }
void AcpiOsFree(void* At) { ExFreePool(At); }
void* AcpiOsMapMemory(ACPI_PHYSICAL_ADDRESS Where, ACPI_SIZE Length)
{
    ExAcquireFastMutex(&MappingLock);
    void* Found = nullptr;
    for (Mapping* M = Mappings; M && !Found; M = M->Next)
        if (Where >= M->Physical && Where - M->Physical + Length <= M->Bytes)
            Found = M->At + (Where - M->Physical);
    if (!Found) {
        ULONGLONG First = Where & ~0xFFFull, Bytes = ((Where + Length + 0xFFF) & ~0xFFFull) - First;
        PHYSICAL_ADDRESS P;
        P.QuadPart = LONGLONG(First);
        auto* At = static_cast<UCHAR*>(MmMapIoSpace(P, Bytes, MmNonCached));
        auto* M = At ? static_cast<Mapping*>(ExAllocatePoolWithTag(NonPagedPool, sizeof(Mapping), 'ipcA')) : nullptr;
        if (M) {
            *M = { Mappings, First, Bytes, At };
            Mappings = M;
        }
        if (At)
            Found = At + (Where - First);
    }
    ExReleaseFastMutex(&MappingLock);
    return Found;
}
void AcpiOsUnmapMemory(void*, ACPI_SIZE) { }
BOOLEAN AcpiOsReadable(void*, ACPI_SIZE) { return TRUE; }
BOOLEAN AcpiOsWritable(void*, ACPI_SIZE) { return TRUE; }
ACPI_STATUS AcpiOsGetPhysicalAddress(void*, ACPI_PHYSICAL_ADDRESS*) { return AE_NOT_IMPLEMENTED; }

ACPI_STATUS AcpiOsReadMemory(ACPI_PHYSICAL_ADDRESS Address, UINT64* Value, UINT32 Width)
{
    void* At = AcpiOsMapMemory(Address, Width / 8);
    if (!At)
        return AE_BAD_ADDRESS;
    *Value = Width == 8 ? *static_cast<volatile UINT8*>(At) : Width == 16 ? *static_cast<volatile UINT16*>(At) : Width == 32 ? *static_cast<volatile UINT32*>(At) :
             *static_cast<volatile UINT64*>(At);
    return AE_OK;
}
ACPI_STATUS AcpiOsWriteMemory(ACPI_PHYSICAL_ADDRESS Address, UINT64, UINT32)
{
    Say("AML wants to write to memory at 0x%X%08X: it may not\n", UINT32(Address >> 32), UINT32(Address));
    return AE_ACCESS;
}

// --- ports and PCI

ACPI_STATUS AcpiOsReadPort(ACPI_IO_ADDRESS Port, UINT32* Value, UINT32 Width)
{
    *Value = Width == 8 ? READ_PORT_UCHAR(reinterpret_cast<PUCHAR>(Port)) : Width == 16 ? READ_PORT_USHORT(reinterpret_cast<PUSHORT>(Port)) :
             READ_PORT_ULONG(reinterpret_cast<PULONG>(Port));
    return AE_OK;
}
ACPI_STATUS AcpiOsWritePort(ACPI_IO_ADDRESS Port, UINT32 Value, UINT32 Width)
{
    if (Width == 8)
        WRITE_PORT_UCHAR(reinterpret_cast<PUCHAR>(Port), UCHAR(Value));
    else if (Width == 16)
        WRITE_PORT_USHORT(reinterpret_cast<PUSHORT>(Port), USHORT(Value));
    else
        WRITE_PORT_ULONG(reinterpret_cast<PULONG>(Port), Value);
    return AE_OK;
}
ACPI_STATUS AcpiOsReadPciConfiguration(ACPI_PCI_ID* Id, UINT32 Register, UINT64* Value, UINT32 Width)
{
    *Value = 0;
    return HalGetBusDataByOffset(PCIConfiguration, Id->Bus, Id->Device | Id->Function << 5, Value, Register, Width / 8) ? AE_OK : AE_NOT_EXIST;
}
ACPI_STATUS AcpiOsWritePciConfiguration(ACPI_PCI_ID* Id, UINT32 Register, UINT64 Value, UINT32 Width)
{
    return HalSetBusDataByOffset(PCIConfiguration, Id->Bus, Id->Device | Id->Function << 5, &Value, Register, Width / 8) ? AE_OK : AE_NOT_EXIST;
}

// --- the interrupt, work, time

ACPI_STATUS AcpiOsInstallInterruptHandler(UINT32, ACPI_OSD_HANDLER Routine, void* Context)
{
    if (Handler)
        return AE_ALREADY_EXISTS;
    HandlerContext = Context;
    Handler = Routine;
    return AE_OK;
}
ACPI_STATUS AcpiOsRemoveInterruptHandler(UINT32, ACPI_OSD_HANDLER)
{
    Handler = nullptr;
    return AE_OK;
}
ACPI_STATUS AcpiOsExecute(ACPI_EXECUTE_TYPE, ACPI_OSD_EXEC_CALLBACK Work, void* Context) { return NT_SUCCESS(Later(Work, Context)) ? AE_OK : AE_NO_MEMORY; }
void AcpiOsWaitEventsComplete()
{
    while (Head != Tail) {
        LARGE_INTEGER Limit;
        Limit.QuadPart = -1'000'000;
        KeWaitForSingleObject(&Idle, Executive, KernelMode, FALSE, &Limit);
    }
}
ACPI_THREAD_ID AcpiOsGetThreadId() { return reinterpret_cast<ACPI_THREAD_ID>(PsGetCurrentThreadId()); }
void AcpiOsSleep(UINT64 Milliseconds)
{
    LARGE_INTEGER T;
    T.QuadPart = -LONGLONG(Milliseconds) * 10000;
    KeDelayExecutionThread(KernelMode, FALSE, &T);
}
void AcpiOsStall(UINT32 Microseconds) { KeStallExecutionProcessor(Microseconds); }
UINT64 AcpiOsGetTimer() { return KeQueryInterruptTime(); }
ACPI_STATUS AcpiOsEnterSleep(UINT8, UINT32, UINT32) { return AE_OK; }
ACPI_STATUS AcpiOsSignal(UINT32, void* Info)
{
    (void)Info;
    Say("AML signals a fatal error or a breakpoint\n");
    return AE_OK;
}

// --- locks

ACPI_STATUS AcpiOsCreateLock(ACPI_SPINLOCK* Lock)
{
    *Lock = Lock;                       // they are all the interrupt's but one
    return AE_OK;
}
void AcpiOsDeleteLock(ACPI_SPINLOCK) { }
// Each change of a reference count takes a lock, which the interrupt handler never does: threads alone can agree on it for less.
ACPI_CPU_FLAGS AcpiOsAcquireLock(ACPI_SPINLOCK Lock)
{
    if (Lock != AcpiGbl_ReferenceCountLock)
        return Enter();
    while (__atomic_exchange_n(&CountsAreTaken, true, __ATOMIC_ACQUIRE))
        AcpiOsSleep(1);
    return PASSIVE_LEVEL;
}
void AcpiOsReleaseLock(ACPI_SPINLOCK Lock, ACPI_CPU_FLAGS Old)
{
    if (Lock != AcpiGbl_ReferenceCountLock)
        Leave(KIRQL(Old));
    else
        __atomic_store_n(&CountsAreTaken, false, __ATOMIC_RELEASE);
}

// ACPICA takes one for each object that it makes: the wait of the system's comes only when somebody else has it.
struct Semaphore {
    LONG Free;                          // negative: so many wait
    KSEMAPHORE Waiters;
};

ACPI_STATUS AcpiOsCreateSemaphore(UINT32, UINT32 First, ACPI_SEMAPHORE* Out)
{
    auto* S = static_cast<Semaphore*>(ExAllocatePoolWithTag(NonPagedPool, sizeof(Semaphore), 'ipcA'));
    if (!S)
        return AE_NO_MEMORY;
    S->Free = LONG(First);
    KeInitializeSemaphore(&S->Waiters, 0, 0x7FFFFFFF);
    *Out = S;
    return AE_OK;
}
ACPI_STATUS AcpiOsDeleteSemaphore(ACPI_SEMAPHORE S)
{
    ExFreePool(S);
    return AE_OK;
}
ACPI_STATUS AcpiOsWaitSemaphore(ACPI_SEMAPHORE At, UINT32 Units, UINT16 Timeout)
{
    auto& S = *static_cast<Semaphore*>(At);
    if (Units != 1)
        return AE_SUPPORT;
    if (__atomic_fetch_sub(&S.Free, 1, __ATOMIC_ACQUIRE) > 0)
        return AE_OK;
    LARGE_INTEGER Limit;
    Limit.QuadPart = -LONGLONG(Timeout) * 10000;
    if (KeWaitForSingleObject(&S.Waiters, Executive, KernelMode, FALSE, Timeout == ACPI_WAIT_FOREVER ? nullptr : &Limit) == STATUS_SUCCESS)
        return AE_OK;
    // Not waiting any more; unless somebody has counted on it meanwhile.
    for (LONG Old = __atomic_load_n(&S.Free, __ATOMIC_ACQUIRE); Old < 0;)
        if (__atomic_compare_exchange_n(&S.Free, &Old, Old + 1, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
            return AE_TIME;
    KeWaitForSingleObject(&S.Waiters, Executive, KernelMode, FALSE, nullptr);
    return AE_OK;
}
ACPI_STATUS AcpiOsSignalSemaphore(ACPI_SEMAPHORE At, UINT32 Units)
{
    auto& S = *static_cast<Semaphore*>(At);
    for (; Units; --Units)
        if (__atomic_fetch_add(&S.Free, 1, __ATOMIC_RELEASE) < 0)
            KeReleaseSemaphore(&S.Waiters, 0, 1, FALSE);
    return AE_OK;
}

// --- words

void AcpiOsVprintf(const char* Format, va_list Arguments)
{
    // ACPICA makes its lines of parts.
    static char Line[300];
    static ULONG At;
    int N = _vsnprintf(Line + At, sizeof(Line) - 1 - At, Format, Arguments);
    At = N < 0 ? sizeof(Line) - 1 : At + ULONG(N);
    Line[At] = 0;
    if (At && (Line[At - 1] == '\n' || At > 250)) {
        DbgPrint("%s", Line);
        At = 0;
    }
}
void AcpiOsPrintf(const char* Format, ...)
{
    va_list Arguments;
    va_start(Arguments, Format);
    AcpiOsVprintf(Format, Arguments);
    va_end(Arguments);
}
void AcpiOsRedirectOutput(void*) { }

}
