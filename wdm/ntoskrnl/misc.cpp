// Smaller functions: interlocked lists by their export names, rundown protection, the device timer, error log entries, versions, power requests.
#include "wdm/ntoskrnl/host.hpp"

extern "C" NTSTATUS NTAPI LdrGetDllHandle(const WCHAR* Path, u64 Characteristics, const UNICODE_STRING* Name, PVOID* Base);
extern "C" NTSTATUS NTAPI NtAllocateUuids(PULARGE_INTEGER Time, PULONG Range, PULONG Sequence, PCHAR Seed);
extern "C" NTSTATUS NTAPI LdrGetProcedureAddress(PVOID Base, const ANSI_STRING* Name, ULONG Ordinal, PVOID* Address);

using namespace host;

extern "C" {

PSLIST_ENTRY NTAPI ExpInterlockedPopEntrySListExport(PSLIST_HEADER H) { return RtlInterlockedPopEntrySList(H); }
PSLIST_ENTRY NTAPI ExpInterlockedPushEntrySListExport(PSLIST_HEADER H, PSLIST_ENTRY E) { return RtlInterlockedPushEntrySList(H, E); }
PSLIST_ENTRY NTAPI ExpInterlockedFlushSListExport(PSLIST_HEADER H) { return RtlInterlockedFlushSList(H); }
void NTAPI InitializeSListHeadExport(PSLIST_HEADER H) { RtlInitializeSListHead(H); }
USHORT NTAPI ExQueryDepthSListExport(PSLIST_HEADER H) { return RtlQueryDepthSList(H); }

// A UUID of the time and the machine (RFC 4122, version 1).
NTSTATUS NTAPI ExUuidCreateExport(UUID* To)
{
    ULARGE_INTEGER Time;
    ULONG Range, Sequence;
    UCHAR Seed[6];
    NTSTATUS Status = NtAllocateUuids(&Time, &Range, &Sequence, reinterpret_cast<PCHAR>(Seed));
    if (Status < 0)
        return Status;
    To->Data1 = Time.LowPart;
    To->Data2 = USHORT(Time.HighPart);
    To->Data3 = USHORT((Time.HighPart >> 16 & 0xFFF) | 0x1000);
    To->Data4[0] = UCHAR((Sequence >> 8 & 0x3F) | 0x80);
    To->Data4[1] = UCHAR(Sequence);
    memcpy(To->Data4 + 2, Seed, sizeof(Seed));
    return STATUS_SUCCESS;
}

// --- rundown protection: the count times two; the lowest bit says that it is being run down, and then the rest is the waiter's block.

struct RundownWait {
    LONG_PTR Left;
    KEVENT Event;
};
void NTAPI ExInitializeRundownProtectionExport(PEX_RUNDOWN_REF R) { R->Count = 0; }
void NTAPI ExReInitializeRundownProtectionExport(PEX_RUNDOWN_REF R) { R->Count = 0; }
void NTAPI ExRundownCompletedExport(PEX_RUNDOWN_REF R) { R->Count = 1; }
BOOLEAN NTAPI ExAcquireRundownProtectionExExport(PEX_RUNDOWN_REF R, ULONG Many)
{
    ULONG_PTR Old = __atomic_load_n(&R->Count, __ATOMIC_RELAXED);
    do {
        if (Old & 1)
            return FALSE;
    } while (!__atomic_compare_exchange_n(&R->Count, &Old, Old + 2 * Many, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED));
    return TRUE;
}
BOOLEAN NTAPI ExAcquireRundownProtectionExport(PEX_RUNDOWN_REF R) { return ExAcquireRundownProtectionExExport(R, 1); }
void NTAPI ExReleaseRundownProtectionExExport(PEX_RUNDOWN_REF R, ULONG Many)
{
    ULONG_PTR Old = __atomic_load_n(&R->Count, __ATOMIC_RELAXED);
    do {
        if (Old & 1) {
            auto* W = reinterpret_cast<RundownWait*>(Old & ~ULONG_PTR(1));
            if (W && __atomic_sub_fetch(&W->Left, LONG_PTR(Many), __ATOMIC_ACQ_REL) == 0)
                KeSetEvent(&W->Event, 0, FALSE);
            return;
        }
    } while (!__atomic_compare_exchange_n(&R->Count, &Old, Old - 2 * Many, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
}
void NTAPI ExReleaseRundownProtectionExport(PEX_RUNDOWN_REF R) { ExReleaseRundownProtectionExExport(R, 1); }
void NTAPI ExWaitForRundownProtectionReleaseExport(PEX_RUNDOWN_REF R)
{
    RundownWait W;
    KeInitializeEvent(&W.Event, SynchronizationEvent, FALSE);
    ULONG_PTR Old = __atomic_load_n(&R->Count, __ATOMIC_RELAXED);
    do {
        if (Old <= 1) {
            __atomic_store_n(&R->Count, 1, __ATOMIC_RELEASE);
            return;
        }
        W.Left = LONG_PTR(Old >> 1);
    } while (!__atomic_compare_exchange_n(&R->Count, &Old, ULONG_PTR(&W) | 1, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
    KeWaitForSingleObject(&W.Event, Executive, KernelMode, FALSE, nullptr);
    __atomic_store_n(&R->Count, 1, __ATOMIC_RELEASE);
}

// --- the timer of a device: once a second at DISPATCH_LEVEL

struct DeviceTimer {
    KTIMER Timer;
    KDPC Dpc;
    PIO_TIMER_ROUTINE Routine;
    PDEVICE_OBJECT Device;
    PVOID Context;
};
static void NTAPI TimerTick(PKDPC, PVOID Context, PVOID, PVOID)
{
    auto* T = static_cast<DeviceTimer*>(Context);
    T->Routine(T->Device, T->Context);
}
NTSTATUS NTAPI IoInitializeTimer(PDEVICE_OBJECT D, PIO_TIMER_ROUTINE Routine, PVOID Context)
{
    auto* T = reinterpret_cast<DeviceTimer*>(D->Timer);
    if (!T && !(T = New<DeviceTimer>()))
        return STATUS_INSUFFICIENT_RESOURCES;
    KeInitializeTimer(&T->Timer);
    KeInitializeDpc(&T->Dpc, TimerTick, T);
    T->Routine = Routine;
    T->Device = D;
    T->Context = Context;
    D->Timer = reinterpret_cast<PIO_TIMER>(T);
    return STATUS_SUCCESS;
}
void NTAPI IoStartTimer(PDEVICE_OBJECT D)
{
    if (auto* T = reinterpret_cast<DeviceTimer*>(D->Timer)) {
        LARGE_INTEGER Due;
        Due.QuadPart = -10'000'000;
        KeSetTimerEx(&T->Timer, Due, 1000, &T->Dpc);
    }
}
void NTAPI IoStopTimer(PDEVICE_OBJECT D)
{
    if (auto* T = reinterpret_cast<DeviceTimer*>(D->Timer))
        KeCancelTimer(&T->Timer);
}

// --- error log entries go to the system's log

PVOID NTAPI IoAllocateErrorLogEntry(PVOID, UCHAR Bytes)
{
    return Bytes >= sizeof(IO_ERROR_LOG_PACKET) ? Allocate(Bytes) : nullptr;
}
void NTAPI IoWriteErrorLogEntry(PVOID Entry)
{
    auto* P = static_cast<IO_ERROR_LOG_PACKET*>(Entry);
    Log("error log entry %08lx (major function %u, status %08lx, unique value %lu)", ULONG(P->ErrorCode), P->MajorFunctionCode, ULONG(P->FinalStatus), P->UniqueErrorValue);
    Free(Entry);
}
void NTAPI IoFreeErrorLogEntry(PVOID Entry) { Free(Entry); }

// --- what there is

PVOID NTAPI MmGetSystemRoutineAddress(PUNICODE_STRING Name)
{
    char Text[128];
    if (Name->Length / 2 >= sizeof(Text))
        return nullptr;
    for (USHORT I = 0; I < Name->Length / 2; ++I)
        Text[I] = char(Name->Buffer[I]);
    ANSI_STRING Wanted { USHORT(Name->Length / 2), sizeof(Text), Text };
    static const WCHAR* const Modules[] = { L"ntoskrnl.exe", L"hal.dll" };
    for (const WCHAR* Module : Modules) {
        UNICODE_STRING ModuleName;
        RtlInitUnicodeString(&ModuleName, Module);
        PVOID Base, Address;
        if (LdrGetDllHandle(nullptr, 0, &ModuleName, &Base) >= 0 && LdrGetProcedureAddress(Base, &Wanted, 0, &Address) >= 0)
            return Address;
    }
    return nullptr;
}
BOOLEAN NTAPI IoIsWdmVersionAvailable(UCHAR Major, UCHAR Minor) { return Major < 6 || (Major == 6 && Minor == 0); }
void NTAPI IoGetStackLimits(PULONG_PTR Low, PULONG_PTR High)
{
    *High = ULONG_PTR(TebWord(0x08));
    *Low = ULONG_PTR(TebWord(0x10));
}
ULONG_PTR NTAPI IoGetRemainingStackSizeExport() { return ULONG_PTR(__builtin_frame_address(0)) - ULONG_PTR(TebWord(0x10)); }
BOOLEAN NTAPI IoIs32bitProcess(PIRP) { return FALSE; }
ULONG InitSafeBootModeValue = 0;
PVOID MmUserProbeAddressValue = reinterpret_cast<PVOID>(0x7FFFFFFF0000);
PVOID MmHighestUserAddressValue = reinterpret_cast<PVOID>(0x7FFFFFFEFFFF);
PVOID MmSystemRangeStartValue = reinterpret_cast<PVOID>(0xFFFF800000000000);
PEPROCESS NTAPI PsGetCurrentProcessExport() { return PsInitialSystemProcess; }
// The processor's state is a thread's own here: there is nothing to save.
NTSTATUS NTAPI KeSaveFloatingPointStateExport(PVOID) { return STATUS_SUCCESS; }
NTSTATUS NTAPI KeRestoreFloatingPointStateExport(PVOID) { return STATUS_SUCCESS; }
static LONGLONG Bias() { return *reinterpret_cast<volatile LONGLONG*>(0x7FFE0020); }       // KUSER_SHARED_DATA.TimeZoneBias
void NTAPI ExSystemTimeToLocalTime(PLARGE_INTEGER System, PLARGE_INTEGER Local) { Local->QuadPart = System->QuadPart - Bias(); }
void NTAPI ExLocalTimeToSystemTime(PLARGE_INTEGER Local, PLARGE_INTEGER System) { System->QuadPart = Local->QuadPart + Bias(); }
PCONFIGURATION_INFORMATION NTAPI IoGetConfigurationInformation()
{
    static CONFIGURATION_INFORMATION Info {};
    return &Info;
}

// --- power: one state, working; requests are sent as a driver expects them


struct PowerRequest {
    PREQUEST_POWER_COMPLETE Done;
    PVOID Context;
    PDEVICE_OBJECT Device;
    POWER_STATE State;
    UCHAR Minor;
};
static NTSTATUS NTAPI PowerDone(PDEVICE_OBJECT, PIRP I, PVOID Context)
{
    auto* R = static_cast<PowerRequest*>(Context);
    if (R->Done)
        R->Done(R->Device, R->Minor, R->State, R->Context, &I->IoStatus);
    Free(R);
    IoFreeIrp(I);
    return STATUS_MORE_PROCESSING_REQUIRED;
}
NTSTATUS NTAPI PoRequestPowerIrp(PDEVICE_OBJECT D, UCHAR Minor, POWER_STATE State, PREQUEST_POWER_COMPLETE Done, PVOID Context, PIRP* Out)
{
    DEVICE_OBJECT* Top = TopOf(D);
    PIRP I = IoAllocateIrp(Top->StackSize, FALSE);
    auto* R = New<PowerRequest>();
    if (!I || !R) {
        if (I)
            IoFreeIrp(I);
        Free(R);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    *R = { Done, Context, D, State, Minor };
    I->IoStatus.Status = STATUS_NOT_SUPPORTED;
    IO_STACK_LOCATION* S = IoGetNextIrpStackLocation(I);
    S->MajorFunction = IRP_MJ_POWER;
    S->MinorFunction = Minor;
    S->Parameters.Power.Type = DevicePowerState;
    S->Parameters.Power.State = State;
    IoSetCompletionRoutine(I, PowerDone, R, TRUE, TRUE, TRUE);
    if (Out)
        *Out = I;
    IofCallDriver(Top, I);
    return STATUS_PENDING;
}

}
