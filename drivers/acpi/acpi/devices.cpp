// The devices of the namespace that are present, as physical devices: their ids, and what they are set to (_CRS) as resource lists.
#include "drivers/acpi/acpi/acpi.hpp"

namespace acpi {

namespace {

constexpr ULONG MostResources = 12, IdRoom = 24, MostCompatible = 4, MostDevices = 64;
// {d7b46895-001a-4942-891f-a7d46610a843}
constexpr GUID AcpiBus { 0xd7b46895, 0x001a, 0x4942, { 0x89, 0x1f, 0xa7, 0xd4, 0x66, 0x10, 0xa8, 0x43 } };

struct Child {
    ACPI_HANDLE Handle;
    char Id[IdRoom], Unique[IdRoom];
    char Compatible[MostCompatible][IdRoom];
    ULONG CompatibleCount, Count;
    UINT64 Address;
    CM_PARTIAL_RESOURCE_DESCRIPTOR Resources[MostResources];
};

PDEVICE_OBJECT Children[MostDevices];
ULONG ChildCount;
FAST_MUTEX ChildLock;
bool LockReady;

Child& Of(PDEVICE_OBJECT D) { return *static_cast<Child*>(D->DeviceExtension); }

void Copy(char (&To)[IdRoom], const char* From)
{
    ULONG N = 0;
    for (; From && From[N] && N < IdRoom - 1; ++N)
        To[N] = From[N] == '\\' || From[N] < ' ' ? '_' : From[N];
    To[N] = 0;
}

// --- resources

void Range(Child& C, UCHAR Type, USHORT Flags, ULONGLONG First, ULONGLONG Bytes)
{
    if (!Bytes || Bytes >> 32 || C.Count == MostResources)
        return;
    auto& D = C.Resources[C.Count++];
    D.Type = Type;
    D.ShareDisposition = CmResourceShareDeviceExclusive;
    D.Flags = Flags;
    D.u.Memory.Start.QuadPart = LONGLONG(First);
    D.u.Memory.Length = ULONG(Bytes);
}
void Ports(Child& C, ULONGLONG First, ULONGLONG Bytes) { Range(C, CmResourceTypePort, CM_RESOURCE_PORT_IO | CM_RESOURCE_PORT_16_BIT_DECODE, First, Bytes); }
void Memory(Child& C, ULONGLONG First, ULONGLONG Bytes, bool Write) { Range(C, CmResourceTypeMemory, Write ? CM_RESOURCE_MEMORY_READ_WRITE : CM_RESOURCE_MEMORY_READ_ONLY, First, Bytes); }

void Interrupt(Child& C, ULONG Line, bool Level, bool Shared)
{
    if (C.Count == MostResources)
        return;
    auto& D = C.Resources[C.Count++];
    D.Type = CmResourceTypeInterrupt;
    D.ShareDisposition = Shared ? CmResourceShareShared : CmResourceShareDeviceExclusive;
    D.Flags = Level ? CM_RESOURCE_INTERRUPT_LEVEL_SENSITIVE : CM_RESOURCE_INTERRUPT_LATCHED;
    D.u.Interrupt.Level = D.u.Interrupt.Vector = Line;
    D.u.Interrupt.Affinity = ~KAFFINITY(0);
}

ACPI_STATUS Take(ACPI_RESOURCE* R, void* Context)
{
    Child& C = *static_cast<Child*>(Context);
    switch (R->Type) {
    case ACPI_RESOURCE_TYPE_IO:
        Ports(C, R->Data.Io.Minimum, R->Data.Io.AddressLength);
        break;
    case ACPI_RESOURCE_TYPE_FIXED_IO:
        Ports(C, R->Data.FixedIo.Address, R->Data.FixedIo.AddressLength);
        break;
    case ACPI_RESOURCE_TYPE_MEMORY24:
        Memory(C, ULONGLONG(R->Data.Memory24.Minimum) << 8, ULONGLONG(R->Data.Memory24.AddressLength) << 8, R->Data.Memory24.WriteProtect);
        break;
    case ACPI_RESOURCE_TYPE_MEMORY32:
        Memory(C, R->Data.Memory32.Minimum, R->Data.Memory32.AddressLength, R->Data.Memory32.WriteProtect);
        break;
    case ACPI_RESOURCE_TYPE_FIXED_MEMORY32:
        Memory(C, R->Data.FixedMemory32.Address, R->Data.FixedMemory32.AddressLength, R->Data.FixedMemory32.WriteProtect);
        break;
    case ACPI_RESOURCE_TYPE_IRQ:
        for (ULONG I = 0; I < R->Data.Irq.InterruptCount; ++I)
            Interrupt(C, R->Data.Irq.Interrupts[I], R->Data.Irq.Triggering == ACPI_LEVEL_SENSITIVE, R->Data.Irq.Shareable);
        break;
    case ACPI_RESOURCE_TYPE_EXTENDED_IRQ:
        for (ULONG I = 0; I < R->Data.ExtendedIrq.InterruptCount; ++I)
            Interrupt(C, R->Data.ExtendedIrq.Interrupts[I], R->Data.ExtendedIrq.Triggering == ACPI_LEVEL_SENSITIVE, R->Data.ExtendedIrq.Shareable);
        break;
    }
    return AE_OK;                       // windows of busses and DMA channels are nobody's
}

bool IsPresent(ACPI_HANDLE Device)
{
    ACPI_OBJECT Object;
    ACPI_BUFFER Buffer { sizeof(Object), &Object };
    ACPI_STATUS Status = AcpiEvaluateObjectTyped(Device, const_cast<char*>("_STA"), nullptr, &Buffer, ACPI_TYPE_INTEGER);
    return Status == AE_NOT_FOUND || (ACPI_SUCCESS(Status) && (Object.Integer.Value & 1));
}

bool IsTaken(const Child& New)
{
    for (ULONG I = 0; I < ChildCount; ++I)
        if (strcmp(Of(Children[I]).Id, New.Id) == 0 && strcmp(Of(Children[I]).Unique, New.Unique) == 0)
            return true;
    return false;
}

// One that has no _UID, or that of another device with its id, is counted.
void MakeUnique(Child& C)
{
    for (ULONG N = 0; !C.Unique[0] || IsTaken(C); ++N) {
        C.Unique[0] = 'n';
        C.Unique[1] = char('0' + N / 10);
        C.Unique[2] = char('0' + N % 10);
        C.Unique[3] = 0;
    }
}

ACPI_STATUS Meet(ACPI_HANDLE Device, UINT32, void* Driver, void**)
{
    ACPI_DEVICE_INFO* Info;
    if (!IsPresent(Device) || ChildCount == MostDevices || ACPI_FAILURE(AcpiGetObjectInfo(Device, &Info)))
        return AE_OK;
    PDEVICE_OBJECT D;
    if ((Info->Valid & ACPI_VALID_HID) &&
        NT_SUCCESS(IoCreateDevice(static_cast<PDRIVER_OBJECT>(Driver), sizeof(Child), nullptr, FILE_DEVICE_ACPI, FILE_AUTOGENERATED_DEVICE_NAME, FALSE, &D))) {
        Child& C = Of(D);
        C.Handle = Device;
        Copy(C.Id, Info->HardwareId.String);
        if (Info->Valid & ACPI_VALID_UID)
            Copy(C.Unique, Info->UniqueId.String);
        if (Info->Valid & ACPI_VALID_CID)
            for (ULONG I = 0; I < Info->CompatibleIdList.Count && C.CompatibleCount < MostCompatible; ++I)
                Copy(C.Compatible[C.CompatibleCount++], Info->CompatibleIdList.Ids[I].String);
        C.Address = Info->Valid & ACPI_VALID_ADR ? Info->Address : 0;
        AcpiWalkResources(Device, const_cast<char*>(METHOD_NAME__CRS), Take, &C);
        ExAcquireFastMutex(&ChildLock);
        MakeUnique(C);
        Children[ChildCount++] = D;
        ExReleaseFastMutex(&ChildLock);
        D->Flags = (D->Flags & ~DO_DEVICE_INITIALIZING) | DO_BUS_ENUMERATED_DEVICE;
    }
    AcpiOsFree(Info);
    return AE_OK;
}

// --- answers

// Text in pool memory, as IRP_MN_QUERY_ID wants it.
struct Text {
    static constexpr ULONG Room = 400;
    WCHAR* Data = static_cast<WCHAR*>(ExAllocatePoolWithTag(PagedPool, Room * sizeof(WCHAR), 'ipcA'));
    ULONG Length = 0;
    Text()
    {
        if (Data)
            memset(Data, 0, Room * sizeof(WCHAR));
    }
    void Add(const char* S)
    {
        while (Data && *S && Length < Room - 2)
            Data[Length++] = WCHAR(UCHAR(*S++));
    }
    void End() { Length += Length < Room - 2; }
    void Both(const char* Id)
    {
        Add("ACPI\\");
        Add(Id);
        End();
        Add("*");
        Add(Id);
        End();
    }
};

NTSTATUS QueryId(const Child& C, PIRP Irp)
{
    Text T;
    if (!T.Data)
        return Complete(Irp, STATUS_INSUFFICIENT_RESOURCES);
    switch (IoGetCurrentIrpStackLocation(Irp)->Parameters.QueryId.IdType) {
    case BusQueryDeviceID:
        T.Add("ACPI\\");
        T.Add(C.Id);
        break;
    case BusQueryHardwareIDs:
        T.Both(C.Id);
        break;
    case BusQueryCompatibleIDs:
        for (ULONG I = 0; I < C.CompatibleCount; ++I)
            T.Both(C.Compatible[I]);
        break;
    case BusQueryInstanceID:
        T.Add(C.Unique);
        break;
    default:
        ExFreePool(T.Data);
        return Complete(Irp, Irp->IoStatus.Status, Irp->IoStatus.Information);
    }
    return Complete(Irp, STATUS_SUCCESS, ULONG_PTR(T.Data));
}

void* Zeroed(SIZE_T Bytes)
{
    void* At = ExAllocatePoolWithTag(PagedPool, Bytes, 'ipcA');
    if (At)
        memset(At, 0, Bytes);
    return At;
}

NTSTATUS Answer(PIRP Irp, void* What) { return Complete(Irp, What ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES, ULONG_PTR(What)); }

CM_RESOURCE_LIST* ResourceList(const Child& C)
{
    auto* L = static_cast<CM_RESOURCE_LIST*>(Zeroed(sizeof(CM_RESOURCE_LIST) + C.Count * sizeof(CM_PARTIAL_RESOURCE_DESCRIPTOR)));
    if (!L)
        return nullptr;
    L->Count = 1;
    L->List[0].InterfaceType = ACPIBus;
    auto& P = L->List[0].PartialResourceList;
    P.Version = P.Revision = 1;
    P.Count = C.Count;
    memcpy(P.PartialDescriptors, C.Resources, C.Count * sizeof(C.Resources[0]));
    return L;
}

// What it is set to is all it can have.
IO_RESOURCE_REQUIREMENTS_LIST* Requirements(const Child& C)
{
    ULONG Bytes = ULONG(sizeof(IO_RESOURCE_REQUIREMENTS_LIST) + C.Count * sizeof(IO_RESOURCE_DESCRIPTOR));
    auto* L = static_cast<IO_RESOURCE_REQUIREMENTS_LIST*>(Zeroed(Bytes));
    if (!L)
        return nullptr;
    L->ListSize = Bytes;
    L->InterfaceType = ACPIBus;
    L->AlternativeLists = 1;
    L->List[0].Version = L->List[0].Revision = 1;
    L->List[0].Count = C.Count;
    for (ULONG I = 0; I < C.Count; ++I) {
        auto& From = C.Resources[I];
        auto& D = L->List[0].Descriptors[I];
        D.Type = From.Type;
        D.ShareDisposition = From.ShareDisposition;
        D.Flags = From.Flags;
        if (From.Type == CmResourceTypeInterrupt) {
            D.u.Interrupt.MinimumVector = D.u.Interrupt.MaximumVector = From.u.Interrupt.Vector;
        } else {
            D.u.Memory.Length = From.u.Memory.Length;
            D.u.Memory.Alignment = 1;
            D.u.Memory.MinimumAddress = From.u.Memory.Start;
            D.u.Memory.MaximumAddress.QuadPart = From.u.Memory.Start.QuadPart + From.u.Memory.Length - 1;
        }
    }
    return L;
}

}

void FindDevices(PDRIVER_OBJECT Driver)
{
    ExInitializeFastMutex(&ChildLock);
    LockReady = true;
    AcpiGetDevices(nullptr, Meet, Driver, nullptr);
    Say("%u devices are present\n", unsigned(ChildCount));
}

DEVICE_RELATIONS* Relations()
{
    auto* R = static_cast<DEVICE_RELATIONS*>(Zeroed(sizeof(DEVICE_RELATIONS) + MostDevices * sizeof(PDEVICE_OBJECT)));
    if (!R || !LockReady)
        return R;
    ExAcquireFastMutex(&ChildLock);
    for (; R->Count < ChildCount; ++R->Count) {
        R->Objects[R->Count] = Children[R->Count];
        ObReferenceObject(Children[R->Count]);
    }
    ExReleaseFastMutex(&ChildLock);
    return R;
}

bool IsChild(PDEVICE_OBJECT D)
{
    for (ULONG I = 0; I < ChildCount; ++I)
        if (Children[I] == D)
            return true;
    return false;
}

NTSTATUS ChildPlugAndPlay(PDEVICE_OBJECT D, PIRP Irp)
{
    Child& C = Of(D);
    IO_STACK_LOCATION* S = IoGetCurrentIrpStackLocation(Irp);
    switch (S->MinorFunction) {
    case IRP_MN_START_DEVICE:
    case IRP_MN_STOP_DEVICE:
    case IRP_MN_QUERY_STOP_DEVICE:
    case IRP_MN_CANCEL_STOP_DEVICE:
    case IRP_MN_QUERY_REMOVE_DEVICE:
    case IRP_MN_CANCEL_REMOVE_DEVICE:
    case IRP_MN_SURPRISE_REMOVAL:
    case IRP_MN_REMOVE_DEVICE:          // it is present as long as the machine runs
        return Complete(Irp, STATUS_SUCCESS);
    case IRP_MN_QUERY_ID:
        return QueryId(C, Irp);
    case IRP_MN_QUERY_CAPABILITIES: {
        DEVICE_CAPABILITIES& To = *S->Parameters.DeviceCapabilities.Capabilities;
        To.UniqueID = TRUE;
        To.Address = ULONG(C.Address);
        To.UINumber = ~0u;
        To.DeviceState[PowerSystemWorking] = PowerDeviceD0;
        for (int State = PowerSystemSleeping1; State < PowerSystemMaximum; ++State)
            To.DeviceState[State] = PowerDeviceD3;
        return Complete(Irp, STATUS_SUCCESS);
    }
    case IRP_MN_QUERY_RESOURCES:
        return C.Count ? Answer(Irp, ResourceList(C)) : Complete(Irp, Irp->IoStatus.Status);
    case IRP_MN_QUERY_RESOURCE_REQUIREMENTS:
        return C.Count ? Answer(Irp, Requirements(C)) : Complete(Irp, Irp->IoStatus.Status);
    case IRP_MN_QUERY_BUS_INFORMATION: {
        auto* B = static_cast<PNP_BUS_INFORMATION*>(Zeroed(sizeof(PNP_BUS_INFORMATION)));
        if (B) {
            B->BusTypeGuid = AcpiBus;
            B->LegacyBusType = ACPIBus;
        }
        return Answer(Irp, B);
    }
    default:
        return Complete(Irp, Irp->IoStatus.Status, Irp->IoStatus.Information);
    }
}

}
