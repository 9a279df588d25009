// wmilib.sys: turns IRP_MJ_SYSTEM_CONTROL into calls of a driver's WMILIB_CONTEXT, and its answers into WNODEs.
#include <wdm.h>
#include <wmilib.h>
#include <wmistr.h>

namespace {

constexpr ULONG WnodeAlign = 8;
ULONG AlignTo(ULONG Value, ULONG To) { return (Value + To - 1) & ~(To - 1); }

NTSTATUS Complete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

// Says in the caller's buffer how large it would have to be.
NTSTATUS TooSmall(PIRP Irp, WNODE_HEADER *Node, ULONG Room, ULONG Needed)
{
    if (Room < sizeof(WNODE_TOO_SMALL)) return Complete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
    auto *Small = reinterpret_cast<WNODE_TOO_SMALL *>(Node);
    Node->BufferSize = sizeof(WNODE_TOO_SMALL);
    Node->Flags |= WNODE_FLAG_TOO_SMALL;
    Small->SizeNeeded = Needed;
    return Complete(Irp, STATUS_SUCCESS, sizeof(WNODE_TOO_SMALL));
}

bool FindGuid(PWMILIB_CONTEXT Context, LPCGUID Guid, ULONG *Index)
{
    for (*Index = 0; *Index < Context->GuidCount; ++*Index)
        if (RtlCompareMemory(Context->GuidList[*Index].Guid, Guid, sizeof(GUID)) == sizeof(GUID)) return true;
    return false;
}

// A counted string: its length in bytes, then the characters. The next offset.
ULONG PutString(UCHAR *Buffer, ULONG At, const UNICODE_STRING *Text)
{
    *reinterpret_cast<USHORT *>(Buffer + At) = Text->Length;
    RtlCopyMemory(Buffer + At + sizeof(USHORT), Text->Buffer, Text->Length);
    return At + sizeof(USHORT) + Text->Length;
}

NTSTATUS RegInfo(PWMILIB_CONTEXT Context, PDEVICE_OBJECT Device, PIRP Irp, UCHAR *Buffer, ULONG Room)
{
    ULONG Flags = 0;
    UNICODE_STRING Instance = {}, Mof = {}, None = {}, *Path = nullptr;
    PDEVICE_OBJECT Pdo = nullptr;
    NTSTATUS Status = Context->QueryWmiRegInfo(Device, &Flags, &Instance, &Path, &Mof, &Pdo);
    if (!NT_SUCCESS(Status)) return Complete(Irp, Status, 0);
    const bool ByName = (Flags & WMIREG_FLAG_INSTANCE_BASENAME) != 0;
    if (Path == nullptr) Path = &None;
    const ULONG Names = FIELD_OFFSET(WMIREGINFOW, WmiRegGuid) + Context->GuidCount * sizeof(WMIREGGUIDW);
    ULONG Needed = Names + 3 * sizeof(USHORT) + Path->Length + Mof.Length + (ByName ? Instance.Length : 0);
    if (Room < sizeof(ULONG)) {
        Status = Complete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
    } else if (Needed > Room) {
        *reinterpret_cast<ULONG *>(Buffer) = Needed;
        Status = Complete(Irp, STATUS_SUCCESS, sizeof(ULONG));
    } else {
        auto *Info = reinterpret_cast<WMIREGINFOW *>(Buffer);
        RtlZeroMemory(Info, Names);
        Info->BufferSize = Needed;
        Info->GuidCount = Context->GuidCount;
        Info->RegistryPath = Names;
        Info->MofResourceName = PutString(Buffer, Names, Path);
        ULONG Base = PutString(Buffer, Info->MofResourceName, &Mof);
        if (ByName) PutString(Buffer, Base, &Instance);
        for (ULONG I = 0; I < Context->GuidCount; ++I) {
            WMIREGGUIDW &To = Info->WmiRegGuid[I];
            To.Guid = *Context->GuidList[I].Guid;
            To.Flags = Context->GuidList[I].Flags | Flags;
            To.InstanceCount = Context->GuidList[I].InstanceCount;
            if (ByName) {
                To.BaseNameOffset = Base;
            } else if ((Flags & WMIREG_FLAG_INSTANCE_PDO) != 0 && Pdo != nullptr) {
                ObReferenceObject(Pdo);
                To.Pdo = reinterpret_cast<ULONG_PTR>(Pdo);
            }
        }
        Status = Complete(Irp, STATUS_SUCCESS, Needed);
    }
    if (Instance.Buffer != nullptr) ExFreePool(Instance.Buffer);
    return Status;
}

NTSTATUS AllData(PWMILIB_CONTEXT Context, PDEVICE_OBJECT Device, PIRP Irp, ULONG Guid, UCHAR *Buffer, ULONG Room)
{
    auto *Node = reinterpret_cast<WNODE_ALL_DATA *>(Buffer);
    if (Room < sizeof(WNODE_ALL_DATA)) return Complete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
    const ULONG Count = Context->GuidList[Guid].InstanceCount;
    const ULONG Data = AlignTo(FIELD_OFFSET(WNODE_ALL_DATA, OffsetInstanceDataAndLength) + Count * sizeof(OFFSETINSTANCEDATAANDLENGTH), WnodeAlign);
    Node->InstanceCount = Count;
    Node->WnodeHeader.Flags &= ~WNODE_FLAG_FIXED_INSTANCE_SIZE;
    Node->DataBlockOffset = Data;
    Node->OffsetInstanceNameOffsets = 0;
    // The lengths come first into the room of the offsets; WmiCompleteRequest spreads them.
    auto *Lengths = reinterpret_cast<ULONG *>(Node->OffsetInstanceDataAndLength);
    const bool Fits = Data <= Room;
    return Context->QueryWmiDataBlock(Device, Irp, Guid, 0, Count, Fits ? Lengths : nullptr, Fits ? Room - Data : 0, Fits ? Buffer + Data : nullptr);
}

}

extern "C" {

NTSTATUS NTAPI WmiSystemControl(PWMILIB_CONTEXT Context, PDEVICE_OBJECT Device, PIRP Irp, PSYSCTL_IRP_DISPOSITION Disposition)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    const UCHAR Minor = Stack->MinorFunction;
    auto *Buffer = static_cast<UCHAR *>(Stack->Parameters.WMI.Buffer);
    const ULONG Room = Stack->Parameters.WMI.BufferSize;
    if (Minor > IRP_MN_REGINFO_EX || Minor == IRP_MN_REGINFO + 1) {
        *Disposition = IrpNotWmi;
        return STATUS_SUCCESS;
    }
    if (reinterpret_cast<PDEVICE_OBJECT>(Stack->Parameters.WMI.ProviderId) != Device) {
        *Disposition = IrpForward;
        return STATUS_SUCCESS;
    }
    *Disposition = IrpProcessed;
    if (Minor == IRP_MN_REGINFO || Minor == IRP_MN_REGINFO_EX) return RegInfo(Context, Device, Irp, Buffer, Room);
    ULONG Guid;
    if (!FindGuid(Context, static_cast<LPCGUID>(Stack->Parameters.WMI.DataPath), &Guid)) {
        *Disposition = IrpNotCompleted;
        Irp->IoStatus.Status = STATUS_WMI_GUID_NOT_FOUND;
        Irp->IoStatus.Information = 0;
        return STATUS_WMI_GUID_NOT_FOUND;
    }
    if (Minor >= IRP_MN_ENABLE_EVENTS && Minor <= IRP_MN_DISABLE_COLLECTION) {
        if (Context->WmiFunctionControl == nullptr) return Complete(Irp, STATUS_SUCCESS, 0);
        return Context->WmiFunctionControl(Device, Irp, Guid, Minor <= IRP_MN_DISABLE_EVENTS ? WmiEventControl : WmiDataBlockControl,
                                           Minor == IRP_MN_ENABLE_EVENTS || Minor == IRP_MN_ENABLE_COLLECTION);
    }
    if (Minor == IRP_MN_QUERY_ALL_DATA) return AllData(Context, Device, Irp, Guid, Buffer, Room);
    // The others are about one instance, by its number.
    auto *Single = reinterpret_cast<WNODE_SINGLE_INSTANCE *>(Buffer);
    if (Room < sizeof(WNODE_SINGLE_INSTANCE) || (Single->WnodeHeader.Flags & WNODE_FLAG_STATIC_INSTANCE_NAMES) == 0 ||
        Single->InstanceIndex >= Context->GuidList[Guid].InstanceCount)
        return Complete(Irp, STATUS_WMI_INSTANCE_NOT_FOUND, 0);
    const ULONG Index = Single->InstanceIndex;
    switch (Minor) {
    case IRP_MN_QUERY_SINGLE_INSTANCE: {
        const bool Fits = Single->DataBlockOffset <= Room;
        return Context->QueryWmiDataBlock(Device, Irp, Guid, Index, 1, &Single->SizeDataBlock, Fits ? Room - Single->DataBlockOffset : 0,
                                          Fits ? Buffer + Single->DataBlockOffset : nullptr);
    }
    case IRP_MN_CHANGE_SINGLE_INSTANCE:
        if (Context->SetWmiDataBlock == nullptr) return Complete(Irp, STATUS_WMI_READ_ONLY, 0);
        if (Single->DataBlockOffset > Room || Single->SizeDataBlock > Room - Single->DataBlockOffset) return Complete(Irp, STATUS_INVALID_PARAMETER, 0);
        return Context->SetWmiDataBlock(Device, Irp, Guid, Index, Single->SizeDataBlock, Buffer + Single->DataBlockOffset);
    case IRP_MN_CHANGE_SINGLE_ITEM: {
        auto *Item = reinterpret_cast<WNODE_SINGLE_ITEM *>(Buffer);
        if (Context->SetWmiDataItem == nullptr) return Complete(Irp, STATUS_WMI_READ_ONLY, 0);
        if (Room < sizeof(*Item) || Item->DataBlockOffset > Room || Item->SizeDataItem > Room - Item->DataBlockOffset) return Complete(Irp, STATUS_INVALID_PARAMETER, 0);
        return Context->SetWmiDataItem(Device, Irp, Guid, Index, Item->ItemId, Item->SizeDataItem, Buffer + Item->DataBlockOffset);
    }
    case IRP_MN_EXECUTE_METHOD: {
        auto *Item = reinterpret_cast<WNODE_METHOD_ITEM *>(Buffer);
        if (Context->ExecuteWmiMethod == nullptr) return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
        if (Room < sizeof(*Item) || Item->DataBlockOffset > Room || Item->SizeDataBlock > Room - Item->DataBlockOffset) return Complete(Irp, STATUS_INVALID_PARAMETER, 0);
        return Context->ExecuteWmiMethod(Device, Irp, Guid, Index, Item->MethodId, Item->SizeDataBlock, Room - Item->DataBlockOffset, Buffer + Item->DataBlockOffset);
    }
    default: return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
}

NTSTATUS NTAPI WmiCompleteRequest(PDEVICE_OBJECT, PIRP Irp, NTSTATUS Status, ULONG Used, CCHAR Boost)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    auto *Buffer = static_cast<UCHAR *>(Stack->Parameters.WMI.Buffer);
    auto *Node = reinterpret_cast<WNODE_HEADER *>(Buffer);
    const ULONG Room = Stack->Parameters.WMI.BufferSize;
    ULONG_PTR Information = 0;
    switch (Stack->MinorFunction) {
    case IRP_MN_QUERY_ALL_DATA: {
        auto *All = reinterpret_cast<WNODE_ALL_DATA *>(Buffer);
        const ULONG Needed = All->DataBlockOffset + Used;
        if (Status == STATUS_BUFFER_TOO_SMALL || (NT_SUCCESS(Status) && Needed > Room)) return TooSmall(Irp, Node, Room, Needed);
        if (!NT_SUCCESS(Status)) break;
        // From lengths only to offsets and lengths, the last first. Instances begin at multiples of eight.
        auto *Lengths = reinterpret_cast<ULONG *>(All->OffsetInstanceDataAndLength);
        for (ULONG I = All->InstanceCount; I-- != 0;) {
            const ULONG Length = Lengths[I];
            ULONG Offset = All->DataBlockOffset;
            for (ULONG Before = 0; Before < I; ++Before) Offset = AlignTo(Offset + Lengths[Before], WnodeAlign);
            All->OffsetInstanceDataAndLength[I].OffsetInstanceData = Offset;
            All->OffsetInstanceDataAndLength[I].LengthInstanceData = Length;
        }
        Node->BufferSize = Needed;
        KeQuerySystemTime(&Node->TimeStamp);
        Information = Needed;
        break;
    }
    case IRP_MN_QUERY_SINGLE_INSTANCE: {
        auto *Single = reinterpret_cast<WNODE_SINGLE_INSTANCE *>(Buffer);
        const ULONG Needed = Single->DataBlockOffset + Used;
        if (Status == STATUS_BUFFER_TOO_SMALL) return TooSmall(Irp, Node, Room, Needed);
        if (!NT_SUCCESS(Status)) break;
        Single->SizeDataBlock = Used;
        Node->BufferSize = Needed;
        KeQuerySystemTime(&Node->TimeStamp);
        Information = Needed;
        break;
    }
    case IRP_MN_EXECUTE_METHOD: {
        auto *Item = reinterpret_cast<WNODE_METHOD_ITEM *>(Buffer);
        const ULONG Needed = Item->DataBlockOffset + Used;
        if (Status == STATUS_BUFFER_TOO_SMALL) return TooSmall(Irp, Node, Room, Needed);
        if (!NT_SUCCESS(Status)) break;
        Item->SizeDataBlock = Used;
        Node->BufferSize = Needed;
        KeQuerySystemTime(&Node->TimeStamp);
        Information = Needed;
        break;
    }
    default: break;
    }
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, Boost);
    return Status;
}

// The event's data are the caller's pool, which is freed; nobody listens if IoWMIWriteEvent refuses it.
NTSTATUS NTAPI WmiFireEvent(PDEVICE_OBJECT Device, LPCGUID Guid, ULONG Instance, ULONG Bytes, PVOID Data)
{
    const ULONG Head = AlignTo(sizeof(WNODE_SINGLE_INSTANCE), WnodeAlign);
    NTSTATUS Status = STATUS_INSUFFICIENT_RESOURCES;
    auto *Event = static_cast<WNODE_SINGLE_INSTANCE *>(Bytes < 0x10000000 ? ExAllocatePoolWithTag(NonPagedPool, Head + Bytes, 'eimW') : nullptr);
    if (Event != nullptr) {
        RtlZeroMemory(Event, Head);
        Event->WnodeHeader.Guid = *Guid;
        Event->WnodeHeader.ProviderId = IoWMIDeviceObjectToProviderId(Device);
        Event->WnodeHeader.BufferSize = Head + Bytes;
        Event->WnodeHeader.Flags = WNODE_FLAG_SINGLE_INSTANCE | WNODE_FLAG_EVENT_ITEM | WNODE_FLAG_STATIC_INSTANCE_NAMES;
        KeQuerySystemTime(&Event->WnodeHeader.TimeStamp);
        Event->InstanceIndex = Instance;
        Event->DataBlockOffset = Head;
        Event->SizeDataBlock = Bytes;
        if (Data != nullptr) RtlCopyMemory(reinterpret_cast<UCHAR *>(Event) + Head, Data, Bytes);
        Status = IoWMIWriteEvent(Event);
        if (!NT_SUCCESS(Status)) ExFreePool(Event);
    }
    if (Data != nullptr) ExFreePool(Data);
    return Status;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT, PUNICODE_STRING) { return STATUS_SUCCESS; }

}
