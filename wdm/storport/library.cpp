// The functions a miniport imports by name. Register and port access, memory, bus data.
#include "port.hpp"

using namespace stor;

extern "C" {

PVOID NTAPI StorPortGetDeviceBase(PVOID X, INTERFACE_TYPE, ULONG, STOR_PHYSICAL_ADDRESS Address, ULONG Bytes, BOOLEAN InIoSpace)
{
    Adapter& A = AdapterOf(X);
    if (InIoSpace)
        return reinterpret_cast<PVOID>(Address.QuadPart);
    for (ULONG N = 0; N < RTL_NUMBER_OF(A.Mapped); ++N) {
        if (A.Mapped[N] && A.MappedFrom[N].QuadPart == Address.QuadPart && A.MappedBytes[N] >= Bytes)
            return A.Mapped[N];         // a restarted adapter maps the same again
        if (A.Mapped[N])
            continue;
        A.Mapped[N] = MmMapIoSpace(Address, Bytes, MmNonCached);
        A.MappedBytes[N] = Bytes;
        A.MappedFrom[N] = Address;
        return A.Mapped[N];
    }
    return nullptr;
}
VOID NTAPI StorPortFreeDeviceBase(PVOID X, PVOID At)
{
    Adapter& A = AdapterOf(X);
    for (ULONG N = 0; N < RTL_NUMBER_OF(A.Mapped); ++N) {
        if (A.Mapped[N] == At) {
            MmUnmapIoSpace(At, A.MappedBytes[N]);
            A.Mapped[N] = nullptr;
        }
    }
}
BOOLEAN NTAPI StorPortValidateRange(PVOID X, INTERFACE_TYPE, ULONG, STOR_PHYSICAL_ADDRESS Address, ULONG Bytes, BOOLEAN InIoSpace)
{
    Adapter& A = AdapterOf(X);
    for (auto& R : A.Ranges)
        if (R.RangeLength && R.RangeInMemory == !InIoSpace && Address.QuadPart >= R.RangeStart.QuadPart &&
            ULONGLONG(Address.QuadPart - R.RangeStart.QuadPart) + Bytes <= R.RangeLength)
            return TRUE;
    return FALSE;
}

// The adapter's own configuration space: through the bus driver below, which knows no other.
static ULONG Config(Adapter& A, UCHAR Minor, PVOID Buffer, ULONG Offset, ULONG Bytes)
{
    KEVENT Event;
    IO_STATUS_BLOCK Iosb {};
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    PIRP I = IoBuildSynchronousFsdRequest(IRP_MJ_PNP, A.Lower, nullptr, 0, nullptr, &Event, &Iosb);
    if (!I)
        return 0;
    I->IoStatus.Status = STATUS_NOT_SUPPORTED;
    IO_STACK_LOCATION* S = IoGetNextIrpStackLocation(I);
    S->MinorFunction = Minor;
    S->Parameters.ReadWriteConfig.WhichSpace = PCI_WHICHSPACE_CONFIG;
    S->Parameters.ReadWriteConfig.Buffer = Buffer;
    S->Parameters.ReadWriteConfig.Offset = Offset;
    S->Parameters.ReadWriteConfig.Length = Bytes;
    NTSTATUS Status = IoCallDriver(A.Lower, I);
    if (Status == STATUS_PENDING) {
        KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, nullptr);
        Status = Iosb.Status;
    }
    return NT_SUCCESS(Status) ? Bytes : 0;
}
ULONG NTAPI StorPortGetBusData(PVOID X, ULONG Type, ULONG, ULONG, PVOID Buffer, ULONG Bytes)
{
    return Type == PCIConfiguration && Bytes && Bytes <= 256 ? Config(AdapterOf(X), IRP_MN_READ_CONFIG, Buffer, 0, Bytes) : 0;
}
ULONG NTAPI StorPortSetBusDataByOffset(PVOID X, ULONG Type, ULONG, ULONG, PVOID Buffer, ULONG Offset, ULONG Bytes)
{
    return Type == PCIConfiguration && Bytes && Offset < 256 && Bytes <= 256 - Offset ? Config(AdapterOf(X), IRP_MN_WRITE_CONFIG, Buffer, Offset, Bytes) : 0;
}

// --- memory the device reaches

PVOID NTAPI StorPortGetUncachedExtension(PVOID X, PPORT_CONFIGURATION_INFORMATION C, ULONG Bytes)
{
    Adapter& A = AdapterOf(X);
    if (C != &A.Config || !MakeDma(A))
        return nullptr;
    if (A.Uncached && A.UncachedBytes >= Bytes) {
        RtlZeroMemory(A.Uncached, A.UncachedBytes);
        return A.Uncached;
    }
    A.Uncached = A.Dma->DmaOperations->AllocateCommonBuffer(A.Dma, Bytes, &A.UncachedPhysical, TRUE);
    A.UncachedBytes = A.Uncached ? Bytes : 0;
    return A.Uncached;
}
STOR_PHYSICAL_ADDRESS NTAPI StorPortGetPhysicalAddress(PVOID X, PSCSI_REQUEST_BLOCK Srb, PVOID At, ULONG* Length)
{
    Adapter& A = AdapterOf(X);
    auto Where = reinterpret_cast<ULONG_PTR>(At), Base = reinterpret_cast<ULONG_PTR>(A.Uncached);
    STOR_PHYSICAL_ADDRESS P {};
    if (A.Uncached && Where >= Base && Where - Base < A.UncachedBytes) {
        P.QuadPart = A.UncachedPhysical.QuadPart + LONGLONG(Where - Base);
        *Length = ULONG(A.UncachedBytes - (Where - Base));
        return P;
    }
    if (Srb) {
        Request& R = *RequestOf(Srb);
        Base = reinterpret_cast<ULONG_PTR>(R.Extension);
        if (Base && Where >= Base && Where - Base < A.Config.SrbExtensionSize) {
            P.QuadPart = LONGLONG(R.ExtensionPhysical + (Where - Base));
            *Length = ULONG(A.Config.SrbExtensionSize - (Where - Base));
            return P;
        }
        Base = reinterpret_cast<ULONG_PTR>(SrbGetDataBuffer(Srb));
        if (R.Listed && Where >= Base && Where - Base < R.Bytes) {
            ULONG_PTR Offset = Where - Base;
            for (ULONG N = 0; N < R.List->NumberOfElements; ++N) {
                auto& E = R.List->List[N];
                if (Offset < E.Length) {
                    P.QuadPart = E.PhysicalAddress.QuadPart + LONGLONG(Offset);
                    *Length = ULONG(E.Length - Offset);
                    return P;
                }
                Offset -= E.Length;
            }
        }
    }
    P = MmGetPhysicalAddress(At);
    *Length = P.QuadPart ? ULONG(PAGE_SIZE - (Where & (PAGE_SIZE - 1))) : 0;
    return P;
}
PVOID NTAPI StorPortGetVirtualAddress(PVOID X, STOR_PHYSICAL_ADDRESS P)
{
    Adapter& A = AdapterOf(X);
    if (A.Uncached && P.QuadPart >= A.UncachedPhysical.QuadPart && P.QuadPart - A.UncachedPhysical.QuadPart < LONGLONG(A.UncachedBytes))
        return static_cast<UCHAR*>(A.Uncached) + (P.QuadPart - A.UncachedPhysical.QuadPart);
    return nullptr;
}
PSTOR_SCATTER_GATHER_LIST NTAPI StorPortGetScatterGatherList(PVOID, PSCSI_REQUEST_BLOCK Srb)
{
    Request& R = *RequestOf(Srb);
    return R.Listed ? R.List : nullptr;
}
STOR_PHYSICAL_ADDRESS NTAPI StorPortConvertUlongToPhysicalAddress(ULONG_PTR Address)
{
    STOR_PHYSICAL_ADDRESS P;
    P.QuadPart = LONGLONG(Address);
    return P;
}
#undef StorPortConvertUlong64ToPhysicalAddress
STOR_PHYSICAL_ADDRESS NTAPI StorPortConvertUlong64ToPhysicalAddress(ULONG64 Address) { return StorPortConvertUlongToPhysicalAddress(Address); }
ULONG NTAPI StorPortConvertPhysicalAddressToUlong(STOR_PHYSICAL_ADDRESS Address) { return Address.LowPart; }
VOID NTAPI StorPortMoveMemory(PVOID To, PVOID From, ULONG Bytes) { RtlMoveMemory(To, From, Bytes); }

// --- units and requests

PVOID NTAPI StorPortGetLogicalUnit(PVOID X, UCHAR Path, UCHAR Target, UCHAR Lun)
{
    Unit* U = FindUnit(AdapterOf(X), Path, Target, Lun);
    return U ? U->Extension : nullptr;
}
PSCSI_REQUEST_BLOCK NTAPI StorPortGetSrb(PVOID X, UCHAR Path, UCHAR Target, UCHAR Lun, LONG QueueTag)
{
    Unit* U = FindUnit(AdapterOf(X), Path, Target, Lun);
    if (!U)
        return nullptr;
    for (LIST_ENTRY* L = U->Running.Flink; L != &U->Running; L = L->Flink) {
        auto* R = CONTAINING_RECORD(L, Request, Link);
        if (!R->Completed && (QueueTag == SP_UNTAGGED || LONG(SrbGetQueueTag(R->Block)) == QueueTag))
            return static_cast<PSCSI_REQUEST_BLOCK>(R->Block);
    }
    return nullptr;
}
VOID NTAPI StorPortCompleteRequest(PVOID X, UCHAR Path, UCHAR Target, UCHAR Lun, UCHAR SrbStatus)
{
    CompleteAll(AdapterOf(X), Path == UCHAR(SP_UNTAGGED) ? 255 : Path, Target == UCHAR(SP_UNTAGGED) ? 255 : Target, Lun == UCHAR(SP_UNTAGGED) ? 255 : Lun, SrbStatus);
}
BOOLEAN NTAPI StorPortPause(PVOID X, ULONG Seconds)
{
    Adapter& A = AdapterOf(X);
    A.PauseLeft = Seconds;
    A.Paused = true;
    return TRUE;
}
BOOLEAN NTAPI StorPortResume(PVOID X)
{
    Adapter& A = AdapterOf(X);
    A.Paused = false;
    KeInsertQueueDpc(&A.Dpc, nullptr, nullptr);
    return TRUE;
}
BOOLEAN NTAPI StorPortPauseDevice(PVOID X, UCHAR Path, UCHAR Target, UCHAR Lun, ULONG Seconds)
{
    Unit* U = FindUnit(AdapterOf(X), Path, Target, Lun);
    if (!U)
        return FALSE;
    U->PauseLeft = Seconds;
    U->Paused = true;
    return TRUE;
}
BOOLEAN NTAPI StorPortResumeDevice(PVOID X, UCHAR Path, UCHAR Target, UCHAR Lun)
{
    Unit* U = FindUnit(AdapterOf(X), Path, Target, Lun);
    if (!U)
        return FALSE;
    U->Paused = false;
    KeInsertQueueDpc(&AdapterOf(X).Dpc, nullptr, nullptr);
    return TRUE;
}
// Busy until so many requests have completed; with none under way the next completion or StorPortReady ends it.
BOOLEAN NTAPI StorPortBusy(PVOID X, ULONG Requests)
{
    Adapter& A = AdapterOf(X);
    A.BusyUntil = Requests < A.Outstanding ? Requests : A.Outstanding;
    return TRUE;
}
BOOLEAN NTAPI StorPortReady(PVOID X)
{
    AdapterOf(X).BusyUntil = 0;
    KeInsertQueueDpc(&AdapterOf(X).Dpc, nullptr, nullptr);
    return TRUE;
}
BOOLEAN NTAPI StorPortDeviceBusy(PVOID X, UCHAR Path, UCHAR Target, UCHAR Lun, ULONG Requests)
{
    Unit* U = FindUnit(AdapterOf(X), Path, Target, Lun);
    if (!U)
        return FALSE;
    U->BusyUntil = Requests < U->Outstanding ? Requests : U->Outstanding;
    return TRUE;
}
BOOLEAN NTAPI StorPortDeviceReady(PVOID X, UCHAR Path, UCHAR Target, UCHAR Lun)
{
    Unit* U = FindUnit(AdapterOf(X), Path, Target, Lun);
    if (!U)
        return FALSE;
    U->BusyUntil = 0;
    KeInsertQueueDpc(&AdapterOf(X).Dpc, nullptr, nullptr);
    return TRUE;
}
BOOLEAN NTAPI StorPortSetDeviceQueueDepth(PVOID X, UCHAR Path, UCHAR Target, UCHAR Lun, ULONG Depth)
{
    Adapter& A = AdapterOf(X);
    Unit* U = FindUnit(A, Path, Target, Lun);
    if (!U || !Depth || Depth > A.Config.MaxIOsPerLun)
        return FALSE;
    U->Depth = Depth;
    KeInsertQueueDpc(&A.Dpc, nullptr, nullptr);
    return TRUE;
}
VOID NTAPI StorPortSynchronizeAccess(PVOID X, PSTOR_SYNCHRONIZED_ACCESS Routine, PVOID Context)
{
    Adapter& A = AdapterOf(X);
    KIRQL Old = AcquireInterrupt(A);
    Routine(X, Context);
    ReleaseInterrupt(A, Old);
}

// --- time and messages

VOID NTAPI StorPortStallExecution(ULONG Microseconds) { KeStallExecutionProcessor(Microseconds); }
VOID NTAPI StorPortQuerySystemTime(PLARGE_INTEGER Time) { KeQuerySystemTime(Time); }
VOID NTAPI StorPortLogError(PVOID X, PSCSI_REQUEST_BLOCK, UCHAR Path, UCHAR Target, UCHAR Lun, ULONG Code, ULONG Unique)
{
    DbgPrint("storport: adapter %lu, unit %u:%u:%u: error %lu (0x%lx)\n", AdapterOf(X).Number, Path, Target, Lun, Code, Unique);
}
VOID StorPortDebugPrint(ULONG Level, PCSTR Format, ...)
{
    va_list Arguments;
    va_start(Arguments, Format);
    vDbgPrintEx(DPFLTR_DEFAULT_ID, Level, Format, Arguments);
    va_end(Arguments);
}

// --- registers and ports

#define IO(Type, Suffix, Name)                                                                                                                  \
    Type NTAPI StorPortReadPort##Suffix(PVOID, Type* At) { return READ_PORT_##Name(At); }                                                       \
    VOID NTAPI StorPortWritePort##Suffix(PVOID, Type* At, Type Value) { WRITE_PORT_##Name(At, Value); }                                         \
    VOID NTAPI StorPortReadPortBuffer##Suffix(PVOID, Type* At, Type* To, ULONG Count)                                                           \
    {                                                                                                                                           \
        for (ULONG N = 0; N < Count; ++N)                                                                                                       \
            To[N] = READ_PORT_##Name(At);                                                                                                       \
    }                                                                                                                                           \
    VOID NTAPI StorPortWritePortBuffer##Suffix(PVOID, Type* At, Type* From, ULONG Count)                                                        \
    {                                                                                                                                           \
        for (ULONG N = 0; N < Count; ++N)                                                                                                       \
            WRITE_PORT_##Name(At, From[N]);                                                                                                     \
    }                                                                                                                                           \
    Type NTAPI StorPortReadRegister##Suffix(PVOID, Type* At) { return *const_cast<volatile Type*>(At); }                                        \
    VOID NTAPI StorPortWriteRegister##Suffix(PVOID, Type* At, Type Value) { *const_cast<volatile Type*>(At) = Value; }                          \
    VOID NTAPI StorPortReadRegisterBuffer##Suffix(PVOID, Type* At, Type* To, ULONG Count)                                                       \
    {                                                                                                                                           \
        for (ULONG N = 0; N < Count; ++N)                                                                                                       \
            To[N] = *const_cast<volatile Type*>(At + N);                                                                                        \
    }                                                                                                                                           \
    VOID NTAPI StorPortWriteRegisterBuffer##Suffix(PVOID, Type* At, Type* From, ULONG Count)                                                    \
    {                                                                                                                                           \
        for (ULONG N = 0; N < Count; ++N)                                                                                                       \
            *const_cast<volatile Type*>(At + N) = From[N];                                                                                      \
    }
IO(UCHAR, Uchar, UCHAR)
IO(USHORT, Ushort, USHORT)
IO(ULONG, Ulong, ULONG)
ULONG64 NTAPI StorPortReadRegisterUlong64(PVOID, PULONG64 At) { return *const_cast<volatile ULONG64*>(At); }
VOID NTAPI StorPortWriteRegisterUlong64(PVOID, PULONG64 At, ULONG64 Value) { *const_cast<volatile ULONG64*>(At) = Value; }

// --- the registry: values below the service's Parameters\Device (Global) or Parameters\DeviceN

PUCHAR NTAPI StorPortAllocateRegistryBuffer(PVOID, PULONG Length)
{
    if (!*Length || *Length > 64 * 1024)
        return nullptr;
    auto* At = static_cast<PUCHAR>(ExAllocatePoolWithTag(NonPagedPool, *Length, Tag));
    if (At)
        RtlZeroMemory(At, *Length);
    return At;
}
VOID NTAPI StorPortFreeRegistryBuffer(PVOID, PUCHAR Buffer)
{
    if (Buffer)
        ExFreePool(Buffer);
}
static HANDLE OpenValues(Adapter& A, ULONG Global, ACCESS_MASK Access)
{
    HANDLE Key = nullptr, Sub = nullptr;
    if (!NT_SUCCESS(IoOpenDriverRegistryKey(A.Self->DriverObject, DRIVER_REGKEY_TYPE(0), Access, 0, &Key)))
        return nullptr;
    WCHAR Text[24], Digits[12];
    UNICODE_STRING Name { 0, sizeof(Text), Text }, Decimal { 0, sizeof(Digits), Digits };
    RtlAppendUnicodeToString(&Name, L"Device");
    if (!Global) {
        RtlIntegerToUnicodeString(A.Number, 10, &Decimal);
        RtlAppendUnicodeStringToString(&Name, &Decimal);
    }
    OBJECT_ATTRIBUTES Attributes;
    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, Key, nullptr);
    NTSTATUS Status = Access & KEY_SET_VALUE ? ZwCreateKey(&Sub, Access, &Attributes, 0, nullptr, 0, nullptr) : ZwOpenKey(&Sub, Access, &Attributes);
    ZwClose(Key);
    return NT_SUCCESS(Status) ? Sub : nullptr;
}
BOOLEAN NTAPI StorPortRegistryRead(PVOID X, PUCHAR ValueName, ULONG Global, ULONG Type, PUCHAR Buffer, PULONG Length)
{
    HANDLE Key = OpenValues(AdapterOf(X), Global, KEY_READ);
    if (!Key)
        return FALSE;
    ANSI_STRING Ansi;
    UNICODE_STRING Name;
    RtlInitAnsiString(&Ansi, reinterpret_cast<PCSZ>(ValueName));
    BOOLEAN Good = FALSE;
    if (NT_SUCCESS(RtlAnsiStringToUnicodeString(&Name, &Ansi, TRUE))) {
        ULONG Bytes = FIELD_OFFSET(KEY_VALUE_PARTIAL_INFORMATION, Data) + *Length, Got = 0;
        if (auto* V = static_cast<KEY_VALUE_PARTIAL_INFORMATION*>(ExAllocatePoolWithTag(PagedPool, Bytes, Tag))) {
            NTSTATUS Status = ZwQueryValueKey(Key, &Name, KeyValuePartialInformation, V, Bytes, &Got);
            if (NT_SUCCESS(Status) && V->Type == Type) {
                RtlCopyMemory(Buffer, V->Data, V->DataLength);
                *Length = V->DataLength;
                Good = TRUE;
            } else if (Status == STATUS_BUFFER_OVERFLOW || Status == STATUS_BUFFER_TOO_SMALL) {
                *Length = Got - FIELD_OFFSET(KEY_VALUE_PARTIAL_INFORMATION, Data);
            }
            ExFreePool(V);
        }
        RtlFreeUnicodeString(&Name);
    }
    ZwClose(Key);
    return Good;
}
BOOLEAN NTAPI StorPortRegistryWrite(PVOID X, PUCHAR ValueName, ULONG Global, ULONG Type, PUCHAR Buffer, ULONG Length)
{
    HANDLE Key = OpenValues(AdapterOf(X), Global, KEY_READ | KEY_SET_VALUE);
    if (!Key)
        return FALSE;
    ANSI_STRING Ansi;
    UNICODE_STRING Name;
    RtlInitAnsiString(&Ansi, reinterpret_cast<PCSZ>(ValueName));
    BOOLEAN Good = FALSE;
    if (NT_SUCCESS(RtlAnsiStringToUnicodeString(&Name, &Ansi, TRUE))) {
        Good = NT_SUCCESS(ZwSetValueKey(Key, &Name, 0, Type, Buffer, Length));
        RtlFreeUnicodeString(&Name);
    }
    ZwClose(Key);
    return Good;
}

}
