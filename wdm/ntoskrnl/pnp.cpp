// Plug and play in the driver's process: physical device objects for the devices the Executive gives, AddDevice, starting.
// The bus driver below is this file: it answers for the PCI functions as pci.sys does on Windows.
#include "wdm/ntoskrnl/device.hpp"

#include <initguid.h>
#include <wdmguid.h>

namespace host {

namespace {

struct Pdo {
    wd::PciDevice About;
    bool Started, IsRoot;
    CM_RESOURCE_LIST* Given[2];         // raw and translated, once it has been started
    ULONG Count;                        // of what a device on no bus has
    wd::Resource Fixed[wd::MaximumResources];
};
DRIVER_OBJECT* BusDriver;

// A device of another process's bus, whose resources the Executive lets this process have.
struct Granted {
    Granted* Next;
    DEVICE_OBJECT* Of;
    CM_RESOURCE_LIST* List;
    ULONG Count;
    wd::Resource What[wd::MaximumResources];
};
Granted* AllGranted;                    // messages come one after the other

Granted* GrantedOf(DEVICE_OBJECT* D)
{
    while (D && !IsProxy(D))
        D = BelowOf(D);
    for (Granted* G = AllGranted; G; G = G->Next)
        if (G->Of == D)
            return G;
    return nullptr;
}

const wd::Resource* LineIn(const wd::Resource* R, ULONG Count)
{
    for (ULONG I = 0; I < Count; ++I)
        if (R[I].Type == CmResourceTypeInterrupt)
            return &R[I];
    return nullptr;
}

NTSTATUS Complete(IRP* I, NTSTATUS Status, ULONG_PTR Information = 0)
{
    I->IoStatus.Status = Status;
    I->IoStatus.Information = Information;
    IoCompleteRequest(I, IO_NO_INCREMENT);
    return Status;
}

ULONG Config(const wd::PciDevice& P, ULONG Offset, void* Data, ULONG Bytes, bool Write)
{
    if (Offset >= 256 || !Bytes)
        return 0;
    if (Bytes > 256 - Offset)
        Bytes = 256 - Offset;
    u8 Room[sizeof(wd::ConfigAccess) + 256];
    wd::ConfigAccess A { P.Bus, P.Device, P.Function, Offset, Bytes, Write };
    memcpy(Room, &A, sizeof(A));
    if (Write)
        memcpy(Room + sizeof(A), Data, Bytes);
    return Control(wd::Control::PciConfig, Room, sizeof(A) + (Write ? Bytes : 0), Write ? nullptr : Data, Write ? 0 : Bytes) >= 0 ? Bytes : 0;
}

// --- BUS_INTERFACE_STANDARD

void NTAPI Nothing(PVOID) { }
BOOLEAN NTAPI Translate(PVOID, PHYSICAL_ADDRESS Address, ULONG, PULONG, PPHYSICAL_ADDRESS To)
{
    *To = Address;
    return TRUE;
}
PDMA_ADAPTER NTAPI Adapter(PVOID Context, PDEVICE_DESCRIPTION Description, PULONG Registers) { return IoGetDmaAdapter(static_cast<PDEVICE_OBJECT>(Context), Description, Registers); }
ULONG NTAPI SetData(PVOID Context, ULONG, PVOID Buffer, ULONG Offset, ULONG Bytes) { return Config(static_cast<Pdo*>(static_cast<PDEVICE_OBJECT>(Context)->DeviceExtension)->About, Offset, Buffer, Bytes, true); }
ULONG NTAPI GetData(PVOID Context, ULONG, PVOID Buffer, ULONG Offset, ULONG Bytes) { return Config(static_cast<Pdo*>(static_cast<PDEVICE_OBJECT>(Context)->DeviceExtension)->About, Offset, Buffer, Bytes, false); }

// --- resources

ULONG CountOf(const wd::PciDevice& P, ULONG Interrupts)
{
    ULONG N = Interrupts;
    for (auto& B : P.Bars)
        N += B.Bytes != 0;
    return N;
}

// Messages, or else the line.
CM_RESOURCE_LIST* Resources(const Pdo& Of, bool Translated)
{
    const wd::PciDevice& P = Of.About;
    ULONG Messages = MessagesOf(P), Count = Of.Count + CountOf(P, Messages ? Translated ? Messages : 1 : P.Pin != ~0u);
    auto* L = static_cast<CM_RESOURCE_LIST*>(ExAllocatePoolWithTag(PagedPool, sizeof(CM_RESOURCE_LIST) + Count * sizeof(CM_PARTIAL_RESOURCE_DESCRIPTOR), 'iPcP'));
    if (!L)
        return nullptr;
    memset(L, 0, sizeof(CM_RESOURCE_LIST) + Count * sizeof(CM_PARTIAL_RESOURCE_DESCRIPTOR));
    L->Count = 1;
    L->List[0].InterfaceType = PCIBus;
    L->List[0].BusNumber = P.Bus;
    auto& Partial = L->List[0].PartialResourceList;
    Partial.Version = Partial.Revision = 1;
    Partial.Count = Count;
    auto* D = Partial.PartialDescriptors;
    for (auto& B : P.Bars) {
        if (!B.Bytes)
            continue;
        D->Type = B.IsPort ? CmResourceTypePort : CmResourceTypeMemory;
        D->ShareDisposition = CmResourceShareDeviceExclusive;
        D->Flags = B.IsPort ? CM_RESOURCE_PORT_IO | CM_RESOURCE_PORT_16_BIT_DECODE : B.Prefetchable ? CM_RESOURCE_MEMORY_PREFETCHABLE : CM_RESOURCE_MEMORY_READ_WRITE;
        D->u.Memory.Start.QuadPart = LONGLONG(B.Base);
        D->u.Memory.Length = ULONG(B.Bytes);
        ++D;
    }
    for (ULONG I = 0; I < Of.Count; ++I)
        DescribeFixed(*D++, Of.Fixed[I]);
    if (Messages) {
        DescribeMessages(D, Messages, Translated);
    } else if (P.Pin != ~0u) {
        D->Type = CmResourceTypeInterrupt;
        D->ShareDisposition = CmResourceShareShared;
        D->Flags = CM_RESOURCE_INTERRUPT_LEVEL_SENSITIVE;
        D->u.Interrupt.Level = LineIrql;
        D->u.Interrupt.Vector = P.Pin + LineVector;
        D->u.Interrupt.Affinity = 1;
    }
    return L;
}

IO_RESOURCE_REQUIREMENTS_LIST* Requirements(const wd::PciDevice& P)
{
    ULONG Count = CountOf(P, P.Pin != ~0u), Bytes = ULONG(sizeof(IO_RESOURCE_REQUIREMENTS_LIST) + Count * sizeof(IO_RESOURCE_DESCRIPTOR));
    auto* L = static_cast<IO_RESOURCE_REQUIREMENTS_LIST*>(ExAllocatePoolWithTag(PagedPool, Bytes, 'iPcP'));
    if (!L)
        return nullptr;
    memset(L, 0, Bytes);
    L->ListSize = Bytes;
    L->InterfaceType = PCIBus;
    L->BusNumber = P.Bus;
    L->SlotNumber = P.Device | P.Function << 5;
    L->AlternativeLists = 1;
    L->List[0].Version = L->List[0].Revision = 1;
    L->List[0].Count = Count;
    auto* D = L->List[0].Descriptors;
    for (auto& B : P.Bars) {
        if (!B.Bytes)
            continue;
        D->Type = B.IsPort ? CmResourceTypePort : CmResourceTypeMemory;
        D->ShareDisposition = CmResourceShareDeviceExclusive;
        D->u.Memory.Length = ULONG(B.Bytes);
        D->u.Memory.Alignment = ULONG(B.Bytes);
        D->u.Memory.MinimumAddress.QuadPart = LONGLONG(B.Base);
        D->u.Memory.MaximumAddress.QuadPart = LONGLONG(B.Base + B.Bytes - 1);
        ++D;
    }
    if (P.Pin != ~0u) {
        D->Type = CmResourceTypeInterrupt;
        D->ShareDisposition = CmResourceShareShared;
        D->u.Interrupt.MinimumVector = D->u.Interrupt.MaximumVector = P.Pin + LineVector;
    }
    return L;
}

// --- ids

WCHAR* Id(const wd::PciDevice& P, BUS_QUERY_ID_TYPE Type)
{
    auto* Text = static_cast<WCHAR*>(ExAllocatePoolWithTag(PagedPool, 512, 'iPcP'));
    if (!Text)
        return nullptr;
    memset(Text, 0, 512);
    u32 At = 0;
    auto Add = [&](const WCHAR* S) {
        while (*S)
            Text[At++] = *S++;
    };
    auto Hex = [&](u32 V, u32 Digits) {
        for (u32 I = 0; I < Digits; ++I)
            Text[At++] = L"0123456789ABCDEF"[V >> (4 * (Digits - 1 - I)) & 15];
    };
    const u8* C = P.Config;
    auto Device = [&] {
        Add(L"PCI\\VEN_");
        Hex(C[0] | C[1] << 8, 4);
        Add(L"&DEV_");
        Hex(C[2] | C[3] << 8, 4);
    };
    switch (Type) {
    case BusQueryDeviceID:
        Device();
        break;
    case BusQueryHardwareIDs:
        Device();
        Add(L"&REV_");
        Hex(C[8], 2);
        ++At;
        Device();
        ++At;
        break;
    case BusQueryCompatibleIDs:
        Add(L"PCI\\CC_");
        Hex(C[11] << 16 | C[10] << 8 | C[9], 6);
        ++At;
        Add(L"PCI\\CC_");
        Hex(C[11] << 8 | C[10], 4);
        ++At;
        break;
    default:
        Hex(P.Bus << 8 | P.Device << 3 | P.Function, 4);
        break;
    }
    return Text;
}

// Of a root device: a part of its devnode's path, ROOT\\DEVICE\\INSTANCE. Null: no memory, or another kind of id.
WCHAR* RootId(PDEVICE_OBJECT D, BUS_QUERY_ID_TYPE Type)
{
    if (Type != BusQueryDeviceID && Type != BusQueryInstanceID)
        return nullptr;
    constexpr ULONG DevnodePath = ~0u, Room = 1024;
    auto* Text = static_cast<WCHAR*>(ExAllocatePoolWithTag(PagedPool, Room, 'iPcP'));
    ULONG Bytes;
    if (!Text || IoGetDeviceProperty(D, DEVICE_REGISTRY_PROPERTY(DevnodePath), Room, Text, &Bytes) < 0) {
        if (Text)
            ExFreePool(Text);
        return nullptr;
    }
    WCHAR* Last = Text;
    for (WCHAR* At = Text; *At; ++At)
        if (*At == L'\\')
            Last = At;
    if (Type == BusQueryDeviceID)
        *Last = 0;
    else
        memmove(Text, Last + 1, (wcslen(Last + 1) + 1) * sizeof(WCHAR));
    return Text;
}

void FillPowerStates(DEVICE_CAPABILITIES* C)
{
    C->DeviceState[PowerSystemUnspecified] = PowerDeviceUnspecified;
    C->DeviceState[PowerSystemWorking] = PowerDeviceD0;
    for (int State = PowerSystemSleeping1; State < PowerSystemMaximum; ++State)
        C->DeviceState[State] = PowerDeviceD3;
}

NTSTATUS Pnp(PDEVICE_OBJECT D, PIRP I)
{
    auto& P = *static_cast<Pdo*>(D->DeviceExtension);
    IO_STACK_LOCATION* S = IoGetCurrentIrpStackLocation(I);
    if (P.IsRoot && S->MinorFunction == IRP_MN_QUERY_CAPABILITIES) {
        FillPowerStates(S->Parameters.DeviceCapabilities.Capabilities);
        return Complete(I, STATUS_SUCCESS);
    }
    if (P.IsRoot && S->MinorFunction == IRP_MN_QUERY_ID)
        if (WCHAR* Text = RootId(D, S->Parameters.QueryId.IdType))
            return Complete(I, STATUS_SUCCESS, ULONG_PTR(Text));
    // A root device has no bus to ask.
    if (P.IsRoot && (S->MinorFunction > IRP_MN_CANCEL_STOP_DEVICE || S->MinorFunction == IRP_MN_QUERY_DEVICE_RELATIONS) && S->MinorFunction != IRP_MN_SURPRISE_REMOVAL)
        return Complete(I, I->IoStatus.Status, I->IoStatus.Information);
    switch (S->MinorFunction) {
    case IRP_MN_START_DEVICE: {
        if (P.IsRoot)
            return Complete(I, STATUS_SUCCESS);
        // Decoding and bus mastering on, as pci.sys does.
        USHORT Command;
        Config(P.About, 4, &Command, 2, false);
        Command |= 7;
        Config(P.About, 4, &Command, 2, true);
        P.Started = true;
        return Complete(I, STATUS_SUCCESS);
    }
    case IRP_MN_STOP_DEVICE:
    case IRP_MN_REMOVE_DEVICE:
    case IRP_MN_SURPRISE_REMOVAL:
    case IRP_MN_QUERY_STOP_DEVICE:
    case IRP_MN_QUERY_REMOVE_DEVICE:
    case IRP_MN_CANCEL_STOP_DEVICE:
    case IRP_MN_CANCEL_REMOVE_DEVICE:
        return Complete(I, STATUS_SUCCESS);
    case IRP_MN_QUERY_CAPABILITIES: {
        DEVICE_CAPABILITIES* C = S->Parameters.DeviceCapabilities.Capabilities;
        C->Address = P.About.Device << 16 | P.About.Function;
        C->UINumber = ~0u;
        C->SystemWake = PowerSystemUnspecified;
        C->DeviceWake = PowerDeviceUnspecified;
        FillPowerStates(C);
        return Complete(I, STATUS_SUCCESS);
    }
    case IRP_MN_QUERY_ID: {
        WCHAR* Text = Id(P.About, S->Parameters.QueryId.IdType);
        return Complete(I, Text ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES, ULONG_PTR(Text));
    }
    case IRP_MN_QUERY_RESOURCES: {
        auto* L = Resources(P, false);
        return Complete(I, L ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES, ULONG_PTR(L));
    }
    case IRP_MN_QUERY_RESOURCE_REQUIREMENTS: {
        auto* L = Requirements(P.About);
        return Complete(I, L ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES, ULONG_PTR(L));
    }
    case IRP_MN_READ_CONFIG:
    case IRP_MN_WRITE_CONFIG: {
        auto& A = S->Parameters.ReadWriteConfig;
        ULONG Done = Config(P.About, A.Offset, A.Buffer, A.Length, S->MinorFunction == IRP_MN_WRITE_CONFIG);
        return Complete(I, Done ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER, Done);
    }
    case IRP_MN_QUERY_BUS_INFORMATION: {
        auto* B = static_cast<PNP_BUS_INFORMATION*>(ExAllocatePoolWithTag(PagedPool, sizeof(PNP_BUS_INFORMATION), 'iPcP'));
        if (!B)
            return Complete(I, STATUS_INSUFFICIENT_RESOURCES);
        B->BusTypeGuid = GUID_BUS_TYPE_PCI;
        B->LegacyBusType = PCIBus;
        B->BusNumber = P.About.Bus;
        return Complete(I, STATUS_SUCCESS, ULONG_PTR(B));
    }
    case IRP_MN_QUERY_INTERFACE: {
        auto& Q = S->Parameters.QueryInterface;
        if (memcmp(Q.InterfaceType, &GUID_BUS_INTERFACE_STANDARD, sizeof(GUID)) != 0 || Q.Size < sizeof(BUS_INTERFACE_STANDARD))
            return Complete(I, I->IoStatus.Status, I->IoStatus.Information);
        auto& B = *reinterpret_cast<BUS_INTERFACE_STANDARD*>(Q.Interface);
        B.Size = sizeof(B);
        B.Version = 1;
        B.Context = D;
        B.InterfaceReference = B.InterfaceDereference = Nothing;
        B.TranslateBusAddress = Translate;
        B.GetDmaAdapter = Adapter;
        B.SetBusData = SetData;
        B.GetBusData = GetData;
        return Complete(I, STATUS_SUCCESS);
    }
    case IRP_MN_QUERY_DEVICE_RELATIONS:
        if (S->Parameters.QueryDeviceRelations.Type == TargetDeviceRelation) {
            auto* R = static_cast<DEVICE_RELATIONS*>(ExAllocatePoolWithTag(PagedPool, sizeof(DEVICE_RELATIONS), 'iPcP'));
            if (!R)
                return Complete(I, STATUS_INSUFFICIENT_RESOURCES);
            R->Count = 1;
            R->Objects[0] = D;
            return Complete(I, STATUS_SUCCESS, ULONG_PTR(R));
        }
        [[fallthrough]];
    default:
        return Complete(I, I->IoStatus.Status, I->IoStatus.Information);
    }
}

NTSTATUS NTAPI BusDispatch(PDEVICE_OBJECT D, PIRP I)
{
    IO_STACK_LOCATION* S = IoGetCurrentIrpStackLocation(I);
    if (S->MajorFunction == IRP_MJ_PNP)
        return Pnp(D, I);
    if (S->MajorFunction == IRP_MJ_POWER)
        return Complete(I, S->MinorFunction == IRP_MN_SET_POWER || S->MinorFunction == IRP_MN_QUERY_POWER ? STATUS_SUCCESS : I->IoStatus.Status);
    if (S->MajorFunction == IRP_MJ_SYSTEM_CONTROL)
        return Complete(I, I->IoStatus.Status, I->IoStatus.Information);
    return Complete(I, STATUS_INVALID_DEVICE_REQUEST);
}

}

const wd::PciDevice* PciOf(DEVICE_OBJECT* D)
{
    while (D && D->DriverObject != BusDriver)
        D = BelowOf(D);
    return D && !static_cast<Pdo*>(D->DeviceExtension)->IsRoot ? &static_cast<Pdo*>(D->DeviceExtension)->About : nullptr;
}

const wd::Resource* FixedLine(DEVICE_OBJECT* D)
{
    if (Granted* G = GrantedOf(D))
        return LineIn(G->What, G->Count);
    while (D && D->DriverObject != BusDriver)
        D = BelowOf(D);
    if (!D)
        return nullptr;
    auto& P = *static_cast<Pdo*>(D->DeviceExtension);
    return LineIn(P.Fixed, P.Count);
}

DEVICE_OBJECT* AnyPdo()
{
    return BusDriver ? BusDriver->DeviceObject : nullptr;
}

// A PnP request to the top of what this process has of a stack, waited for.
static NTSTATUS Send(DEVICE_OBJECT* D, UCHAR Minor, void (*Fill)(IO_STACK_LOCATION*, void*), void* Context)
{
    DEVICE_OBJECT* Top = TopOf(D);
    KEVENT Event;
    IO_STATUS_BLOCK Iosb {};
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    PIRP I = IoBuildSynchronousFsdRequest(IRP_MJ_PNP, Top, nullptr, 0, nullptr, &Event, &Iosb);
    if (!I)
        return STATUS_INSUFFICIENT_RESOURCES;
    I->IoStatus.Status = STATUS_NOT_SUPPORTED;
    IO_STACK_LOCATION* S = IoGetNextIrpStackLocation(I);
    S->MinorFunction = Minor;
    if (Fill)
        Fill(S, Context);
    NTSTATUS Status = IofCallDriver(Top, I);
    if (Status == STATUS_PENDING) {
        KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, nullptr);
        Status = Iosb.Status;
    }
    return Status;
}

static NTSTATUS Add(DRIVER_OBJECT* Driver, DEVICE_OBJECT* Physical)
{
    if (!Driver->DriverExtension->AddDevice)
        return STATUS_NOT_SUPPORTED;
    NTSTATUS Status = Driver->DriverExtension->AddDevice(Driver, Physical);
    TellShapes(Driver);
    return Status;
}

// The process's driver, and those that it hosts.
static NTSTATUS AddAll(DEVICE_OBJECT* Physical, const wd::NewDevnode& About)
{
    NTSTATUS Status = Add(TheDriver, Physical);
    for (const WCHAR* Name = About.Hosted; Status >= 0 && *Name; Name += wcslen(Name) + 1) {
        DRIVER_OBJECT* Other;
        Status = LoadAnother(Name, &Other);
        if (Status >= 0)
            Status = Add(Other, Physical);
    }
    return Status;
}

NTSTATUS AddDevice(const wd::NewDevnode& About, bool IsRoot, u64* Physical)
{
    if (!BusDriver) {
        BusDriver = static_cast<DRIVER_OBJECT*>(Allocate(sizeof(DRIVER_OBJECT) + sizeof(DRIVER_EXTENSION) + 64));
        if (!BusDriver)
            return STATUS_INSUFFICIENT_RESOURCES;
        BusDriver->Type = IO_TYPE_DRIVER;
        BusDriver->Size = sizeof(DRIVER_OBJECT);
        BusDriver->DriverExtension = reinterpret_cast<DRIVER_EXTENSION*>(BusDriver + 1);
        RtlInitUnicodeString(&BusDriver->DriverName, L"\\Driver\\PCI");
        for (auto& M : BusDriver->MajorFunction)
            M = BusDispatch;
    }
    if (!TheDriver->DriverExtension->AddDevice)
        return STATUS_NOT_SUPPORTED;
    DEVICE_OBJECT* D;
    NTSTATUS Status = IoCreateDevice(BusDriver, sizeof(Pdo), nullptr, FILE_DEVICE_BUS_EXTENDER, FILE_AUTOGENERATED_DEVICE_NAME, FALSE, &D);
    if (Status < 0)
        return Status;
    auto& P = *static_cast<Pdo*>(D->DeviceExtension);
    P.About = About.Pci;
    P.IsRoot = IsRoot;
    P.Count = About.Count;
    memcpy(P.Fixed, About.Resources, sizeof(P.Fixed));
    D->Flags = (D->Flags & ~DO_DEVICE_INITIALIZING) | DO_BUS_ENUMERATED_DEVICE;
    TellShape(D);
    *Physical = IdOf(D);
    Status = AddAll(D, About);
    if (Status < 0)
        return Status;
    // May the driver change what it is given.
    if (auto* L = IsRoot ? nullptr : Requirements(About.Pci)) {
        (void)Send(D, IRP_MN_FILTER_RESOURCE_REQUIREMENTS, [](IO_STACK_LOCATION* S, void* C) { S->Parameters.FilterResourceRequirements.IoResourceRequirementList = static_cast<IO_RESOURCE_REQUIREMENTS_LIST*>(C); }, L);
        ExFreePool(L);
    }
    return STATUS_SUCCESS;
}

bool GiveResources(IO_STACK_LOCATION* S, DEVICE_OBJECT* D)
{
    if (Granted* G = GrantedOf(D)) {
        if (!G->List && !(G->List = FixedResources(G->What, G->Count)))
            return false;
        S->Parameters.StartDevice.AllocatedResources = S->Parameters.StartDevice.AllocatedResourcesTranslated = G->List;
        return true;
    }
    while (D && D->DriverObject != BusDriver)
        D = BelowOf(D);
    if (!D)
        return true;
    auto& P = *static_cast<Pdo*>(D->DeviceExtension);
    if (P.IsRoot && !P.Count)
        return true;
    for (int Translated = 0; Translated < 2; ++Translated)
        if (!P.Given[Translated] && !(P.Given[Translated] = P.IsRoot ? FixedResources(P.Fixed, P.Count) : Resources(P, Translated)))
            return false;
    S->Parameters.StartDevice.AllocatedResources = P.Given[0];
    S->Parameters.StartDevice.AllocatedResourcesTranslated = P.Given[1];
    return true;
}

NTSTATUS AddAbove(u64 Physical, const wd::NewDevnode& About)
{
    if (!TheDriver->DriverExtension->AddDevice)
        return STATUS_NOT_SUPPORTED;
    DEVICE_OBJECT* D = DeviceById(Physical);
    if (!D)
        return STATUS_INSUFFICIENT_RESOURCES;
    D->Flags |= DO_BUS_ENUMERATED_DEVICE;
    if (About.Count && !GrantedOf(D)) {
        auto* G = New<Granted>();
        if (!G)
            return STATUS_INSUFFICIENT_RESOURCES;
        G->Next = AllGranted;
        G->Of = D;
        G->Count = About.Count;
        memcpy(G->What, About.Resources, sizeof(G->What));
        AllGranted = G;
    }
    return AddAll(D, About);
}

}

using namespace host;

extern "C" {

// Legacy drivers ask by bus and slot.
ULONG NTAPI HalGetBusDataByOffset(BUS_DATA_TYPE Type, ULONG Bus, ULONG Slot, PVOID Buffer, ULONG Offset, ULONG Length)
{
    if (Type != PCIConfiguration)
        return 0;
    wd::PciDevice P {};
    P.Bus = Bus;
    P.Device = Slot & 31;
    P.Function = Slot >> 5 & 7;
    return Config(P, Offset, Buffer, Length, false);
}
ULONG NTAPI HalGetBusData(BUS_DATA_TYPE Type, ULONG Bus, ULONG Slot, PVOID Buffer, ULONG Length) { return HalGetBusDataByOffset(Type, Bus, Slot, Buffer, 0, Length); }
ULONG NTAPI HalSetBusDataByOffset(BUS_DATA_TYPE Type, ULONG Bus, ULONG Slot, PVOID Buffer, ULONG Offset, ULONG Length)
{
    if (Type != PCIConfiguration)
        return 0;
    wd::PciDevice P {};
    P.Bus = Bus;
    P.Device = Slot & 31;
    P.Function = Slot >> 5 & 7;
    return Config(P, Offset, Buffer, Length, true);
}
ULONG NTAPI HalSetBusData(BUS_DATA_TYPE Type, ULONG Bus, ULONG Slot, PVOID Buffer, ULONG Length) { return HalSetBusDataByOffset(Type, Bus, Slot, Buffer, 0, Length); }

NTSTATUS NTAPI IoGetDeviceProperty(PDEVICE_OBJECT D, DEVICE_REGISTRY_PROPERTY Property, ULONG Room, PVOID Buffer, PULONG Length)
{
    const wd::PciDevice* P = PciOf(D);
    if (!P || (Property != DevicePropertyBusNumber && Property != DevicePropertyAddress && Property != DevicePropertyLegacyBusType)) {
        wd::PropertyOf In { IdOf(D), ULONG(Property), 0 };
        u8 Out[2048];
        wd::Status Used {};             // how much of it
        NTSTATUS Status = Control(wd::Control::DeviceProperty, &In, sizeof(In), Out, sizeof(Out));
        if (Status < 0)
            return Status;
        memcpy(&Used, Out, sizeof(Used));
        *Length = Used.Code;
        if (Used.Code > Room)
            return STATUS_BUFFER_TOO_SMALL;
        memcpy(Buffer, Out + sizeof(Used), Used.Code);
        return STATUS_SUCCESS;
    }
    auto Number = [&](ULONG Value) {
        *Length = sizeof(ULONG);
        if (Room < sizeof(ULONG))
            return STATUS_BUFFER_TOO_SMALL;
        memcpy(Buffer, &Value, sizeof(Value));
        return STATUS_SUCCESS;
    };
    switch (Property) {
    case DevicePropertyBusNumber:
        return Number(P->Bus);
    case DevicePropertyAddress:
        return Number(P->Device << 16 | P->Function);
    case DevicePropertyLegacyBusType:
        return Number(PCIBus);
    default:
        *Length = 0;
        return STATUS_OBJECT_NAME_NOT_FOUND;
    }
}
void NTAPI IoInvalidateDeviceRelations(PDEVICE_OBJECT D, DEVICE_RELATION_TYPE Type)
{
    if (Type != BusRelations)
        return;
    wd::DeviceId Id { IdOf(D) };
    Control(wd::Control::InvalidateRelations, &Id, sizeof(Id));
}
void NTAPI IoInvalidateDeviceState(PDEVICE_OBJECT) { }
void NTAPI IoRequestDeviceEject(PDEVICE_OBJECT) { }

}
