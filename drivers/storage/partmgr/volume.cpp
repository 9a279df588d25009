// The partitions' side: their devices, requests at their offset, what is asked about them.
#include "drivers/storage/partmgr/partmgr.hpp"

namespace partmgr {

// GUID_DEVINTERFACE_VOLUME
static const GUID VolumeInterface = { 0x53F5630D, 0xB6BF, 0x11D0, { 0x94, 0xF2, 0x00, 0xA0, 0xC9, 0x1E, 0xFB, 0x8B } };
// GUID_DEVINTERFACE_HIDDEN_VOLUME: a partition of another system's. The mount manager does not know of it.
static const GUID HiddenInterface = { 0x7F108A28, 0x9833, 0x4B3B, { 0xB7, 0x80, 0x2C, 0x6B, 0x5F, 0xA5, 0xC0, 0x62 } };
// PARTITION_BASIC_DATA_GUID
static const GUID BasicData = { 0xEBD0A0A2, 0xB9E5, 0x4433, { 0x87, 0xC0, 0x68, 0xB6, 0xB7, 0x26, 0x99, 0xC7 } };

static bool IsHidden(const Volume& V)
{
    const Layout& L = *V.On->Table;
    return L.What == Style::Mbr ? !IsRecognized(V.What.Type) : L.What == Style::Gpt && memcmp(V.What.Kind.Bytes, &BasicData, sizeof(BasicData)) != 0;
}

// Text with one number; To is large enough. Returns the characters.
static ULONG Put(WCHAR* To, const WCHAR* Text)
{
    ULONG N = 0;
    for (; Text[N]; ++N)
        To[N] = Text[N];
    To[N] = 0;
    return N;
}

static ULONG PutNumber(WCHAR* To, ULONGLONG Number, ULONG Base = 10)
{
    WCHAR Digits[24];
    ULONG N = 0;
    do {
        ULONG D = ULONG(Number % Base);
        Digits[N++] = WCHAR(D < 10 ? L'0' + D : L'A' + D - 10);
        Number /= Base;
    } while (Number);
    for (ULONG I = 0; I < N; ++I)
        To[I] = Digits[N - 1 - I];
    To[N] = 0;
    return N;
}

// Which number a volume has is kept in a volatile key while the machine runs, so that after this driver's death each gets its own again.
static HANDLE OpenNumbers()
{
    UNICODE_STRING Path = RTL_CONSTANT_STRING(L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\partmgr\\Volumes");
    OBJECT_ATTRIBUTES Attributes;
    InitializeObjectAttributes(&Attributes, &Path, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, nullptr, nullptr);
    HANDLE Key;
    return NT_SUCCESS(ZwCreateKey(&Key, KEY_ALL_ACCESS, &Attributes, 0, nullptr, REG_OPTION_VOLATILE, nullptr)) ? Key : nullptr;
}

// The bytes of the unique id that has this number; 0: nobody.
static ULONG Holder(HANDLE Numbers, ULONG Number, UCHAR* Id)
{
    WCHAR Name[16];
    UNICODE_STRING Text { USHORT(PutNumber(Name, Number) * 2), sizeof(Name), Name };
    alignas(8) UCHAR Room[sizeof(KEY_VALUE_PARTIAL_INFORMATION) + MaximumUniqueId];
    ULONG Bytes;
    auto* Value = reinterpret_cast<KEY_VALUE_PARTIAL_INFORMATION*>(Room);
    if (!Numbers || !NT_SUCCESS(ZwQueryValueKey(Numbers, &Text, KeyValuePartialInformation, Room, sizeof(Room), &Bytes)) || Value->DataLength > MaximumUniqueId)
        return 0;
    memcpy(Id, Value->Data, Value->DataLength);
    return Value->DataLength;
}

Volume* MakeVolume(DiskDevice& D, const Partition& P)
{
    WCHAR Name[40];
    PDEVICE_OBJECT Device = nullptr;
    UCHAR Mine[MaximumUniqueId], Other[MaximumUniqueId];
    ULONG Number = 0, MineBytes = UniqueId(*D.Table, P, Mine);
    HANDLE Numbers = OpenNumbers();
    NTSTATUS Status = STATUS_OBJECT_NAME_COLLISION;
    while (Status == STATUS_OBJECT_NAME_COLLISION && ++Number < 1000) {
        ULONG OtherBytes = Holder(Numbers, Number, Other);
        if (OtherBytes && (OtherBytes != MineBytes || memcmp(Other, Mine, MineBytes)))
            continue;
        ULONG At = Put(Name, L"\\Device\\HarddiskVolume");
        At += PutNumber(Name + At, Number);
        UNICODE_STRING Text { USHORT(At * 2), USHORT(At * 2 + 2), Name };
        Status = IoCreateDevice(Driver, sizeof(Volume), &Text, FILE_DEVICE_DISK, D.Device->Characteristics | FILE_DEVICE_SECURE_OPEN, FALSE, &Device);
    }
    if (NT_SUCCESS(Status) && Numbers && MineBytes) {
        WCHAR Digits[16];
        UNICODE_STRING Text { USHORT(PutNumber(Digits, Number) * 2), sizeof(Digits), Digits };
        ZwSetValueKey(Numbers, &Text, 0, REG_BINARY, Mine, MineBytes);
    }
    if (Numbers)
        ZwClose(Numbers);
    if (!NT_SUCCESS(Status)) {
        DbgPrint("partmgr: no device for partition %lu: %08lx\n", P.Number, Status);
        return nullptr;
    }
    auto* V = static_cast<Volume*>(Device->DeviceExtension);
    memset(V, 0, sizeof(*V));
    V->IsVolume = true;
    V->On = &D;
    V->Device = Device;
    V->Number = Number;
    V->What = P;
    memcpy(V->Name, Name, sizeof(Name));
    Device->Flags |= DO_DIRECT_IO;
    Device->StackSize = CCHAR(D.Lower->StackSize + 1);
    Device->AlignmentRequirement = D.Lower->AlignmentRequirement;
    Device->SectorSize = USHORT(D.Bytes);
    // The link by disk and partition.
    ULONG At = Put(V->Link, L"\\Device\\Harddisk");
    At += PutNumber(V->Link + At, D.Number);
    At += Put(V->Link + At, L"\\Partition");
    PutNumber(V->Link + At, P.Number);
    UNICODE_STRING Link, Target;
    RtlInitUnicodeString(&Link, V->Link);
    RtlInitUnicodeString(&Target, V->Name);
    V->Linked = NT_SUCCESS(IoCreateSymbolicLink(&Link, &Target));
    Device->Flags &= ~DO_DEVICE_INITIALIZING;
    return V;
}

void DeleteVolume(Volume& V)
{
    if (V.Linked) {
        UNICODE_STRING Link;
        RtlInitUnicodeString(&Link, V.Link);
        IoDeleteSymbolicLink(&Link);
    }
    if (V.Interface.Buffer) {
        IoSetDeviceInterfaceState(&V.Interface, FALSE);
        RtlFreeUnicodeString(&V.Interface);
    }
    IoDeleteDevice(V.Device);
}

// --- requests

static NTSTATUS Transfer(Volume& V, PIRP Irp)
{
    PIO_STACK_LOCATION S = IoGetCurrentIrpStackLocation(Irp);
    ULONGLONG Offset = ULONGLONG(S->Parameters.Read.ByteOffset.QuadPart);
    ULONG Length = S->Parameters.Read.Length;
    if (!V.Present)
        return Complete(Irp, STATUS_NO_SUCH_DEVICE);
    if (Offset > V.What.Length || Length > V.What.Length - Offset || Offset % V.On->Bytes || Length % V.On->Bytes)
        return Complete(Irp, STATUS_INVALID_PARAMETER);
    IoCopyCurrentIrpStackLocationToNext(Irp);
    PIO_STACK_LOCATION Next = IoGetNextIrpStackLocation(Irp);
    Next->Parameters.Read.ByteOffset.QuadPart = LONGLONG(Offset + V.What.Start);
    Next->FileObject = nullptr;         // it is of the volume, not of the disk
    IoSetCompletionRoutine(Irp, nullptr, nullptr, FALSE, FALSE, FALSE);
    return IoCallDriver(V.On->Lower, Irp);
}

static NTSTATUS ToDisk(Volume& V, PIRP Irp)
{
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoGetNextIrpStackLocation(Irp)->FileObject = nullptr;
    IoSetCompletionRoutine(Irp, nullptr, nullptr, FALSE, FALSE, FALSE);
    return IoCallDriver(V.On->Lower, Irp);
}

template <typename T> static NTSTATUS Answer(PIRP Irp, const T& Value)
{
    if (IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceIoControl.OutputBufferLength < sizeof(T))
        return Complete(Irp, STATUS_BUFFER_TOO_SMALL);
    memcpy(Irp->AssociatedIrp.SystemBuffer, &Value, sizeof(T));
    return Complete(Irp, STATUS_SUCCESS, sizeof(T));
}

// A structure that begins with the length of what follows: as the mount manager's clients ask, first for the length.
template <typename Length> static NTSTATUS AnswerCounted(PIRP Irp, const void* Data, ULONG Bytes)
{
    ULONG Room = IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceIoControl.OutputBufferLength;
    if (Room < sizeof(Length) + 2)
        return Complete(Irp, STATUS_INVALID_PARAMETER);
    auto* To = static_cast<UCHAR*>(Irp->AssociatedIrp.SystemBuffer);
    Length Count = Length(Bytes);
    memcpy(To, &Count, sizeof(Count));
    if (Room < sizeof(Length) + Bytes)
        return Complete(Irp, STATUS_BUFFER_OVERFLOW, sizeof(Length) + 2);
    memcpy(To + sizeof(Length), Data, Bytes);
    return Complete(Irp, STATUS_SUCCESS, sizeof(Length) + Bytes);
}

static NTSTATUS Control(Volume& V, PIRP Irp)
{
    PIO_STACK_LOCATION S = IoGetCurrentIrpStackLocation(Irp);
    DiskDevice& D = *V.On;
    switch (S->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_DISK_GET_PARTITION_INFO_EX: {
        PARTITION_INFORMATION_EX Info;
        Fill(Info, *D.Table, V.What);
        return Answer(Irp, Info);
    }
    case IOCTL_DISK_GET_PARTITION_INFO: {
        if (D.Table->What == Style::Gpt)
            return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST);
        PARTITION_INFORMATION_EX Ex;
        Fill(Ex, *D.Table, V.What);
        PARTITION_INFORMATION Info {};
        Info.StartingOffset = Ex.StartingOffset;
        Info.PartitionLength = Ex.PartitionLength;
        Info.HiddenSectors = ULONG(V.What.HiddenSectors);
        Info.PartitionNumber = V.What.Number;
        Info.PartitionType = V.What.Type;
        Info.BootIndicator = V.What.Active;
        Info.RecognizedPartition = D.Table->What == Style::Mbr && Ex.Mbr.RecognizedPartition;
        return Answer(Irp, Info);
    }
    case IOCTL_DISK_GET_LENGTH_INFO: {
        GET_LENGTH_INFORMATION Length;
        Length.Length.QuadPart = LONGLONG(V.What.Length);
        return Answer(Irp, Length);
    }
    case IOCTL_DISK_GET_DRIVE_LAYOUT_EX: return GetLayout(D, Irp);
    case IOCTL_DISK_SET_DRIVE_LAYOUT_EX:
    case IOCTL_DISK_SET_DRIVE_LAYOUT:
    case IOCTL_DISK_CREATE_DISK:
    case IOCTL_DISK_UPDATE_PROPERTIES: return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST);     // of a disk only
    case IOCTL_STORAGE_GET_DEVICE_NUMBER: {
        STORAGE_DEVICE_NUMBER Number { FILE_DEVICE_DISK, D.Number, V.What.Number };
        return Answer(Irp, Number);
    }
    case IOCTL_VOLUME_GET_VOLUME_DISK_EXTENTS: {
        VOLUME_DISK_EXTENTS Extents {};
        Extents.NumberOfDiskExtents = 1;
        Extents.Extents[0].DiskNumber = D.Number;
        Extents.Extents[0].StartingOffset.QuadPart = LONGLONG(V.What.Start);
        Extents.Extents[0].ExtentLength.QuadPart = LONGLONG(V.What.Length);
        return Answer(Irp, Extents);
    }
    case IOCTL_VOLUME_ONLINE:
    case IOCTL_VOLUME_OFFLINE:
    case IOCTL_MOUNTDEV_LINK_CREATED:
    case IOCTL_MOUNTDEV_LINK_DELETED: return Complete(Irp, STATUS_SUCCESS);
    case IOCTL_MOUNTDEV_QUERY_DEVICE_NAME: {
        ULONG Bytes = 0;
        while (V.Name[Bytes / 2])
            Bytes += 2;
        return AnswerCounted<USHORT>(Irp, V.Name, Bytes);
    }
    case IOCTL_MOUNTDEV_QUERY_UNIQUE_ID:
        // A disk without a table has no identity: its place must do.
        return V.UniqueIdBytes ? AnswerCounted<USHORT>(Irp, V.UniqueId, V.UniqueIdBytes) : AnswerCounted<USHORT>(Irp, V.Link, ULONG(wcslen(V.Link) * sizeof(WCHAR)));
    case IOCTL_MOUNTDEV_QUERY_SUGGESTED_LINK_NAME: return Complete(Irp, STATUS_NOT_FOUND);
    case IOCTL_VOLUME_GET_GPT_ATTRIBUTES: {
        if (D.Table->What != Style::Gpt)
            return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST);
        VOLUME_GET_GPT_ATTRIBUTES_INFORMATION Attributes { V.What.Attributes };
        return Answer(Irp, Attributes);
    }
    case IOCTL_MOUNTDEV_QUERY_STABLE_GUID:
        return D.Table->What == Style::Gpt ? Answer(Irp, V.What.Id) : Complete(Irp, STATUS_UNSUCCESSFUL);
    default: return ToDisk(V, Irp);
    }
}

// --- plug and play

static NTSTATUS Strings(PIRP Irp, const WCHAR* Text, ULONG Characters)
{
    auto* To = static_cast<WCHAR*>(ExAllocatePoolWithTag(PagedPool, Characters * sizeof(WCHAR), Tag));
    if (!To)
        return Complete(Irp, STATUS_INSUFFICIENT_RESOURCES);
    memcpy(To, Text, Characters * sizeof(WCHAR));
    return Complete(Irp, STATUS_SUCCESS, reinterpret_cast<ULONG_PTR>(To));
}

static NTSTATUS QueryId(Volume& V, PIRP Irp)
{
    switch (IoGetCurrentIrpStackLocation(Irp)->Parameters.QueryId.IdType) {
    case BusQueryDeviceID: return Strings(Irp, L"STORAGE\\Volume", 15);
    case BusQueryHardwareIDs: return Strings(Irp, L"STORAGE\\Volume\0", 16);
    case BusQueryInstanceID: {
        // The disk by its signature or GUID, or its number when it has neither, and where it lies.
        WCHAR Text[96];
        ULONG At = 0;
        const Layout& L = *V.On->Table;
        if (L.What == Style::Gpt) {
            for (UCHAR B : L.DiskId.Bytes) {
                At += PutNumber(Text + At, B >> 4, 16);
                At += PutNumber(Text + At, B & 15, 16);
            }
        } else if (L.What == Style::Mbr && L.Signature) {
            At += Put(Text, L"Signature");
            At += PutNumber(Text + At, L.Signature, 16);
        } else {
            At += Put(Text, L"Disk");
            At += PutNumber(Text + At, V.On->Number);
        }
        At += Put(Text + At, L"Offset");
        At += PutNumber(Text + At, V.What.Start, 16);
        At += Put(Text + At, L"Length");
        At += PutNumber(Text + At, V.What.Length, 16);
        return Strings(Irp, Text, At + 1);
    }
    default: return Complete(Irp, Irp->IoStatus.Status, Irp->IoStatus.Information);
    }
}

static NTSTATUS Pnp(Volume& V, PIRP Irp)
{
    PIO_STACK_LOCATION S = IoGetCurrentIrpStackLocation(Irp);
    switch (S->MinorFunction) {
    case IRP_MN_START_DEVICE:
        if (!V.Interface.Buffer && NT_SUCCESS(IoRegisterDeviceInterface(V.Device, IsHidden(V) ? &HiddenInterface : &VolumeInterface, nullptr, &V.Interface)))
            IoSetDeviceInterfaceState(&V.Interface, TRUE);
        return Complete(Irp, STATUS_SUCCESS);
    case IRP_MN_QUERY_ID: return QueryId(V, Irp);
    case IRP_MN_QUERY_CAPABILITIES: {
        auto* C = S->Parameters.DeviceCapabilities.Capabilities;
        C->RawDeviceOK = TRUE;
        C->SilentInstall = TRUE;
        C->UniqueID = TRUE;
        C->Address = V.What.Number;
        return Complete(Irp, STATUS_SUCCESS);
    }
    case IRP_MN_QUERY_DEVICE_RELATIONS: {
        if (S->Parameters.QueryDeviceRelations.Type != TargetDeviceRelation)
            return Complete(Irp, Irp->IoStatus.Status, Irp->IoStatus.Information);
        auto* R = static_cast<DEVICE_RELATIONS*>(ExAllocatePoolWithTag(PagedPool, sizeof(DEVICE_RELATIONS), Tag));
        if (!R)
            return Complete(Irp, STATUS_INSUFFICIENT_RESOURCES);
        R->Count = 1;
        R->Objects[0] = V.Device;
        ObReferenceObject(V.Device);
        return Complete(Irp, STATUS_SUCCESS, reinterpret_cast<ULONG_PTR>(R));
    }
    case IRP_MN_SURPRISE_REMOVAL:
        V.Present = false;
        return Complete(Irp, STATUS_SUCCESS);
    case IRP_MN_REMOVE_DEVICE: {
        DiskDevice& D = *V.On;
        bool Gone = false;
        ExAcquireFastMutex(&D.Lock);
        // A partition that is still in the table may be started again.
        for (Volume** At = &D.Volumes; *At; At = &(*At)->Next)
            if (*At == &V && !V.Present) {
                *At = V.Next;
                Gone = true;
                break;
            }
        ExReleaseFastMutex(&D.Lock);
        NTSTATUS Status = Complete(Irp, STATUS_SUCCESS);
        if (Gone)
            DeleteVolume(V);
        return Status;
    }
    case IRP_MN_QUERY_REMOVE_DEVICE:
    case IRP_MN_CANCEL_REMOVE_DEVICE:
    case IRP_MN_QUERY_STOP_DEVICE:
    case IRP_MN_CANCEL_STOP_DEVICE:
    case IRP_MN_STOP_DEVICE: return Complete(Irp, STATUS_SUCCESS);
    default: return Complete(Irp, Irp->IoStatus.Status, Irp->IoStatus.Information);
    }
}

NTSTATUS VolumeDispatch(Volume& V, PIRP Irp)
{
    switch (IoGetCurrentIrpStackLocation(Irp)->MajorFunction) {
    case IRP_MJ_CREATE: return Complete(Irp, V.Present ? STATUS_SUCCESS : STATUS_NO_SUCH_DEVICE);
    case IRP_MJ_CLOSE:
    case IRP_MJ_CLEANUP: return Complete(Irp, STATUS_SUCCESS);
    case IRP_MJ_READ:
    case IRP_MJ_WRITE: return Transfer(V, Irp);
    case IRP_MJ_FLUSH_BUFFERS:
    case IRP_MJ_SHUTDOWN:
    case IRP_MJ_INTERNAL_DEVICE_CONTROL: return ToDisk(V, Irp);
    case IRP_MJ_DEVICE_CONTROL: return Control(V, Irp);
    case IRP_MJ_PNP: return Pnp(V, Irp);
    case IRP_MJ_POWER:
        PoStartNextPowerIrp(Irp);
        return Complete(Irp, STATUS_SUCCESS);
    default: return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST);
    }
}

}
