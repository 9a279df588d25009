// The driver: devices, plug and play, where requests go.
#include "drivers/filesystems/ninep/share.hpp"

#include <new>

// Memory for the library's and our objects. Failing is told by null.
static constexpr ULONG PoolTag = 'P9eN';
void* operator new(size_t Bytes, const std::nothrow_t&) noexcept { return ExAllocatePoolWithTag(NonPagedPool, Bytes ? Bytes : 1, PoolTag); }
void* operator new(size_t Bytes) { return ExAllocatePoolWithTag(NonPagedPool, Bytes ? Bytes : 1, PoolTag); }
void* operator new(size_t Bytes, std::align_val_t, const std::nothrow_t&) noexcept { return ExAllocatePoolWithTag(NonPagedPool, Bytes ? Bytes : 1, PoolTag); }
static void Free(void* At)
{
    if (At)
        ExFreePoolWithTag(At, PoolTag);
}
void operator delete(void* At) noexcept { Free(At); }
void operator delete(void* At, size_t) noexcept { Free(At); }
void operator delete(void* At, std::align_val_t) noexcept { Free(At); }
void operator delete(void* At, size_t, std::align_val_t) noexcept { Free(At); }
const std::nothrow_t std::nothrow {};

namespace core {
void Panic(const char* What, const char* File, int Line)
{
    DbgPrint("ninep: %s (%s:%d)\n", What, File, Line);
    KeBugCheckEx(0xE1, 0, 0, 0, 0);
    for (;;) { }
}
}

namespace share {

// --- the lock

namespace {
struct Waiter {
    LIST_ENTRY Link;
    KEVENT Event;
};
}

void TurnLock::Initialize()
{
    KeInitializeSpinLock(&Lock_);
    InitializeListHead(&Waiting_);
    Held_ = false;
}

void TurnLock::Acquire()
{
    Waiter W;
    KIRQL Old;
    KeAcquireSpinLock(&Lock_, &Old);
    bool Wait = Held_;
    Held_ = true;
    if (Wait) {
        KeInitializeEvent(&W.Event, NotificationEvent, FALSE);
        InsertTailList(&Waiting_, &W.Link);
    }
    KeReleaseSpinLock(&Lock_, Old);
    if (Wait)
        KeWaitForSingleObject(&W.Event, Executive, KernelMode, FALSE, nullptr);
}

void TurnLock::Release()
{
    KIRQL Old;
    KeAcquireSpinLock(&Lock_, &Old);
    if (IsListEmpty(&Waiting_))
        Held_ = false;
    else                                // stays held, for the first who waits; his memory is gone as soon as he runs
        KeSetEvent(&CONTAINING_RECORD(RemoveHeadList(&Waiting_), Waiter, Link)->Event, IO_NO_INCREMENT, FALSE);
    KeReleaseSpinLock(&Lock_, Old);
}

// --- devices

namespace {

PDRIVER_OBJECT TheDriver;
ULONG Mask = 022;

NTSTATUS Complete(PIRP I, NTSTATUS Status)
{
    I->IoStatus.Status = Status;
    IoCompleteRequest(I, IO_NO_INCREMENT);
    return Status;
}

// The tag: Z or Z:label gives the drive letter; any other only the device, by its own name.
NTSTATUS MakeVolume(Share& S)
{
    auto Tag = S.Line.Tag();
    Vector<wchar_t> Name, Label;
    for (wchar_t C : WideText(L"\\Device\\HostShare", 17))
        if (!Name.Push(C).Ok())
            return STATUS_INSUFFICIENT_RESOURCES;
    char First = Tag.empty() ? 0 : Tag[0] & ~0x20;
    bool Drive = First >= 'A' && First <= 'Z' && (Tag.size() == 1 || Tag[1] == ':');
    if (Drive) {
        S.Letter = wchar_t(First);
        if (!Name.Push(S.Letter).Ok() || (Tag.size() > 2 && !ninep::ToWindows(Tag.subspan(2), S.Label).Ok()))
            return STATUS_INSUFFICIENT_RESOURCES;
    } else {
        if (!Name.Push(L'-').Ok() || !ninep::ToWindows(Tag, S.Label).Ok())
            return STATUS_INSUFFICIENT_RESOURCES;
        for (char C : Tag) {
            bool Plain = (C >= 'a' && C <= 'z') || (C >= 'A' && C <= 'Z') || (C >= '0' && C <= '9') || C == '.' || C == '-';
            if (!Name.Push(wchar_t(Plain ? C : '_')).Ok())
                return STATUS_INSUFFICIENT_RESOURCES;
        }
    }
    while (S.Label.Size() > 32)
        S.Label.Pop();
    UNICODE_STRING Text { USHORT(Name.Size() * 2), USHORT(Name.Size() * 2), Name.Data() };
    NTSTATUS Status = IoCreateDevice(TheDriver, sizeof(Extension), &Text, FILE_DEVICE_NETWORK_FILE_SYSTEM, FILE_REMOTE_DEVICE, FALSE, &S.Device);
    if (!NT_SUCCESS(Status))
        return Status;
    *static_cast<Extension*>(S.Device->DeviceExtension) = { &S, true };
    S.Started = true;
    S.Device->Flags &= ~DO_DEVICE_INITIALIZING;
    if (!Drive)
        return STATUS_SUCCESS;
    WCHAR Link[] = L"\\??\\Z:";
    Link[4] = S.Letter;
    UNICODE_STRING LinkName { 12, 14, Link };
    Status = IoCreateSymbolicLink(&LinkName, &Text);
    if (!NT_SUCCESS(Status))
        DbgPrint("ninep: the drive letter %c: is taken (%08x); the share is %wZ\n", First, Status, &Text);
    return STATUS_SUCCESS;
}

NTSTATUS Start(Share& S, const CM_RESOURCE_LIST* Resources)
{
    NTSTATUS Status = S.Line.Start(S.Lower, Resources);
    if (NT_SUCCESS(Status))
        Status = Code(S.Server.Start());
    if (NT_SUCCESS(Status))
        Status = MakeVolume(S);
    if (!NT_SUCCESS(Status))
        DbgPrint("ninep: a share cannot be used: %08x\n", Status);
    return Status;
}

NTSTATUS NTAPI Above(PDEVICE_OBJECT, PIRP, PVOID Event)
{
    KeSetEvent(static_cast<PKEVENT>(Event), IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

NTSTATUS Pnp(PDEVICE_OBJECT D, Share& S, PIRP I, IO_STACK_LOCATION* L)
{
    if (L->MinorFunction == IRP_MN_START_DEVICE) {
        KEVENT Done;
        KeInitializeEvent(&Done, NotificationEvent, FALSE);
        IoCopyCurrentIrpStackLocationToNext(I);
        IoSetCompletionRoutine(I, Above, &Done, TRUE, TRUE, TRUE);
        NTSTATUS Status = IoCallDriver(S.Lower, I);
        if (Status == STATUS_PENDING)
            KeWaitForSingleObject(&Done, Executive, KernelMode, FALSE, nullptr);
        Status = I->IoStatus.Status;
        if (NT_SUCCESS(Status))
            Status = Start(S, L->Parameters.StartDevice.AllocatedResourcesTranslated);
        return Complete(I, Status);
    }
    if (L->MinorFunction == IRP_MN_REMOVE_DEVICE || L->MinorFunction == IRP_MN_SURPRISE_REMOVAL) {
        if (S.Started) {
            S.Started = false;
            S.Line.Stop();
        }
    } else if (L->MinorFunction == IRP_MN_QUERY_STOP_DEVICE) {
        return Complete(I, STATUS_UNSUCCESSFUL);        // files may be open
    }
    if (L->MinorFunction == IRP_MN_QUERY_REMOVE_DEVICE || L->MinorFunction == IRP_MN_REMOVE_DEVICE || L->MinorFunction == IRP_MN_SURPRISE_REMOVAL)
        I->IoStatus.Status = STATUS_SUCCESS;
    IoSkipCurrentIrpStackLocation(I);
    NTSTATUS Status = IoCallDriver(S.Lower, I);
    if (L->MinorFunction == IRP_MN_REMOVE_DEVICE) {
        if (S.Device)
            IoDeleteDevice(S.Device);
        IoDetachDevice(S.Lower);
        IoDeleteDevice(D);
    }
    return Status;
}

NTSTATUS NTAPI Dispatch(PDEVICE_OBJECT D, PIRP I)
{
    auto& X = *static_cast<Extension*>(D->DeviceExtension);
    Share& S = *X.Of;
    IO_STACK_LOCATION* L = IoGetCurrentIrpStackLocation(I);
    if (!X.IsVolume) {
        switch (L->MajorFunction) {
        case IRP_MJ_PNP: return Pnp(D, S, I, L);
        case IRP_MJ_POWER:
        case IRP_MJ_SYSTEM_CONTROL:
            if (L->MajorFunction == IRP_MJ_POWER)
                PoStartNextPowerIrp(I);
            IoSkipCurrentIrpStackLocation(I);
            return IoCallDriver(S.Lower, I);
        default: return Complete(I, STATUS_INVALID_DEVICE_REQUEST);
        }
    }
    I->IoStatus.Information = 0;
    switch (L->MajorFunction) {
    case IRP_MJ_CREATE: return Complete(I, Create(S, I, L));
    case IRP_MJ_CLEANUP: return Complete(I, Cleanup(S, I, L));
    case IRP_MJ_CLOSE: return Complete(I, Close(S, I, L));
    case IRP_MJ_READ: return Complete(I, Read(S, I, L));
    case IRP_MJ_WRITE: return Complete(I, Write(S, I, L));
    case IRP_MJ_FLUSH_BUFFERS: return Complete(I, Flush(S, I, L));
    case IRP_MJ_QUERY_INFORMATION: return Complete(I, QueryInformation(S, I, L));
    case IRP_MJ_SET_INFORMATION: return Complete(I, SetInformation(S, I, L));
    case IRP_MJ_DIRECTORY_CONTROL:
        if (L->MinorFunction == IRP_MN_NOTIFY_CHANGE_DIRECTORY)
            return NotifyChange(S, I, L);
        return Complete(I, L->MinorFunction == IRP_MN_QUERY_DIRECTORY ? QueryDirectory(S, I, L) : STATUS_INVALID_DEVICE_REQUEST);
    case IRP_MJ_LOCK_CONTROL: return LockControl(S, I, L);
    case IRP_MJ_FILE_SYSTEM_CONTROL: return Complete(I, FsControl(S, I, L));
    case IRP_MJ_QUERY_VOLUME_INFORMATION: return Complete(I, QueryVolume(S, I, L));
    default: return Complete(I, STATUS_INVALID_DEVICE_REQUEST);
    }
}

NTSTATUS NTAPI AddDevice(PDRIVER_OBJECT Driver, PDEVICE_OBJECT Physical)
{
    PDEVICE_OBJECT D;
    NTSTATUS Status = IoCreateDevice(Driver, sizeof(Extension), nullptr, FILE_DEVICE_UNKNOWN, 0, FALSE, &D);
    if (!NT_SUCCESS(Status))
        return Status;
    auto* S = new (std::nothrow) Share {};
    if (!S) {
        IoDeleteDevice(D);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    S->Lock.Initialize();
    InitializeListHead(&S->Nodes);
    InitializeListHead(&S->Folders);
    InitializeListHead(&S->Watches);
    FsRtlNotifyInitializeSync(&S->WatchSync);
    S->Mask = Mask;
    *static_cast<Extension*>(D->DeviceExtension) = { S, false };
    S->Lower = IoAttachDeviceToDeviceStack(D, Physical);
    if (!S->Lower) {
        delete S;
        IoDeleteDevice(D);
        return STATUS_DEVICE_REMOVED;
    }
    D->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

// Parameters\Mask: the permission bits new files do not get, as a umask.
void ReadMask(PUNICODE_STRING Key)
{
    ULONG Default = Mask;
    RTL_QUERY_REGISTRY_TABLE Table[3] {};
    WCHAR Parameters[] = L"Parameters", Name[] = L"Mask";
    Table[0].Flags = RTL_QUERY_REGISTRY_SUBKEY;
    Table[0].Name = Parameters;
    Table[1].Flags = RTL_QUERY_REGISTRY_DIRECT;
    Table[1].Name = Name;
    Table[1].EntryContext = &Mask;
    Table[1].DefaultType = REG_DWORD;
    Table[1].DefaultData = &Default;
    Table[1].DefaultLength = sizeof(Default);
    WCHAR Path[260];
    if (Key->Length >= sizeof(Path))
        return;
    memcpy(Path, Key->Buffer, Key->Length);
    Path[Key->Length / sizeof(WCHAR)] = 0;
    if (!NT_SUCCESS(RtlQueryRegistryValues(RTL_REGISTRY_ABSOLUTE, Path, Table, nullptr, nullptr)))
        Mask = Default;
    Mask &= 0777;
}

}

}

extern "C" NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING Key)
{
    share::TheDriver = Driver;
    share::ReadMask(Key);
    for (auto& Routine : Driver->MajorFunction)
        Routine = share::Dispatch;
    Driver->DriverExtension->AddDevice = share::AddDevice;
    return STATUS_SUCCESS;
}
