// Device objects, their names, stacks and interfaces.
#include "wdm/ntoskrnl/host.hpp"

namespace host {

// Behind every DEVICE_OBJECT of ours.
struct Extension {
    DEVOBJ_EXTENSION Device;
    u64 Id;                             // the Executive's
    DEVICE_OBJECT* AttachedTo;
};
static Extension* Of(DEVICE_OBJECT* D) { return reinterpret_cast<Extension*>(D->DeviceObjectExtension); }

DEVICE_OBJECT* TopOf(DEVICE_OBJECT* D)
{
    while (D->AttachedDevice)
        D = D->AttachedDevice;
    return D;
}

}

using namespace host;

extern "C" {

NTSTATUS NTAPI IoCreateDevice(PDRIVER_OBJECT Driver, ULONG ExtensionBytes, PUNICODE_STRING Name, DEVICE_TYPE Type, ULONG Characteristics, BOOLEAN Exclusive, PDEVICE_OBJECT* Out)
{
    *Out = nullptr;
    usize Bytes = AlignUp(usize(ExtensionBytes), 16);
    constexpr usize Base = 0x150;       // sizeof(DEVICE_OBJECT) on Windows
    auto* D = static_cast<DEVICE_OBJECT*>(Allocate(Base + Bytes + sizeof(Extension)));
    if (!D)
        return STATUS_INSUFFICIENT_RESOURCES;
    D->Type = IO_TYPE_DEVICE;
    D->Size = USHORT(Base + ExtensionBytes);
    D->ReferenceCount = 0;
    D->DriverObject = Driver;
    D->Flags = DO_DEVICE_INITIALIZING | (Exclusive ? DO_EXCLUSIVE : 0) | (Name ? DO_DEVICE_HAS_NAME : 0);
    D->Characteristics = Characteristics;
    D->DeviceType = Type;
    D->StackSize = 1;
    D->AlignmentRequirement = 0;
    D->DeviceExtension = ExtensionBytes ? reinterpret_cast<u8*>(D) + Base : nullptr;
    if (Type == FILE_DEVICE_DISK || Type == FILE_DEVICE_CD_ROM || Type == FILE_DEVICE_VIRTUAL_DISK)
        D->SectorSize = Type == FILE_DEVICE_CD_ROM ? 2048 : 512;
    auto* X = reinterpret_cast<Extension*>(reinterpret_cast<u8*>(D) + Base + Bytes);
    X->Device.Type = IO_TYPE_DEVICE_OBJECT_EXTENSION;
    X->Device.Size = sizeof(X->Device);
    X->Device.DeviceObject = D;
    D->DeviceObjectExtension = &X->Device;
    InitializeListHead(&D->Queue.ListEntry);
    KeInitializeDeviceQueue(&D->DeviceQueue);
    KeInitializeEvent(&D->DeviceLock, SynchronizationEvent, TRUE);

    alignas(8) u8 Buffer[sizeof(wd::NewDevice) + 1024];
    if (Name && Name->Length > 1024) {
        Free(D);
        return STATUS_OBJECT_NAME_INVALID;
    }
    auto& In = *reinterpret_cast<wd::NewDevice*>(Buffer);
    In = { u64(D), ULONG(Type), Characteristics, Exclusive, Name ? Name->Length : 0u };
    if (Name)
        memcpy(Buffer + sizeof(In), Name->Buffer, Name->Length);
    wd::DeviceId Id {};
    NTSTATUS Status = Control(wd::Control::CreateDevice, Buffer, sizeof(In) + In.NameBytes, &Id, sizeof(Id));
    if (Status < 0) {
        Free(D);
        return Status;
    }
    X->Id = Id.Id;
    D->NextDevice = Driver->DeviceObject;
    Driver->DeviceObject = D;
    *Out = D;
    return STATUS_SUCCESS;
}

void NTAPI IoDeleteDevice(PDEVICE_OBJECT D)
{
    wd::DeviceId Id { Of(D)->Id };
    Control(wd::Control::DeleteDevice, &Id, sizeof(Id));
    for (DEVICE_OBJECT** P = &D->DriverObject->DeviceObject; *P; P = &(*P)->NextDevice) {
        if (*P == D) {
            *P = D->NextDevice;
            break;
        }
    }
    // Its memory stays while requests for it may be on their way; a driver deletes few devices.
    D->Type = 0;
}

PDEVICE_OBJECT NTAPI IoAttachDeviceToDeviceStack(PDEVICE_OBJECT Source, PDEVICE_OBJECT Target)
{
    DEVICE_OBJECT* Top = TopOf(Target);
    Top->AttachedDevice = Source;
    Of(Source)->AttachedTo = Top;
    Source->StackSize = CCHAR(Top->StackSize + 1);
    Source->AlignmentRequirement = Top->AlignmentRequirement;
    Source->SectorSize = Top->SectorSize;
    return Top;
}
NTSTATUS NTAPI IoAttachDeviceToDeviceStackSafe(PDEVICE_OBJECT Source, PDEVICE_OBJECT Target, PDEVICE_OBJECT* Attached)
{
    *Attached = IoAttachDeviceToDeviceStack(Source, Target);
    return STATUS_SUCCESS;
}
void NTAPI IoDetachDevice(PDEVICE_OBJECT Target)
{
    if (DEVICE_OBJECT* Above = Target->AttachedDevice) {
        Of(Above)->AttachedTo = nullptr;
        Target->AttachedDevice = nullptr;
    }
}
PDEVICE_OBJECT NTAPI IoGetAttachedDevice(PDEVICE_OBJECT D) { return TopOf(D); }
PDEVICE_OBJECT NTAPI IoGetAttachedDeviceReference(PDEVICE_OBJECT D) { return TopOf(D); }
PDEVICE_OBJECT NTAPI IoGetLowerDeviceObject(PDEVICE_OBJECT D) { return Of(D)->AttachedTo; }
PDEVICE_OBJECT NTAPI IoGetDeviceAttachmentBaseRef(PDEVICE_OBJECT D)
{
    while (Of(D)->AttachedTo)
        D = Of(D)->AttachedTo;
    return D;
}
PDEVICE_OBJECT NTAPI IoGetRelatedDeviceObject(PFILE_OBJECT F) { return TopOf(F->DeviceObject); }

static NTSTATUS Link(wd::Control Code, PUNICODE_STRING A, PUNICODE_STRING B)
{
    u8 Buffer[sizeof(wd::Names) + 2048];
    u32 First = A->Length, Second = B ? B->Length : 0;
    if (First + Second > 2048)
        return STATUS_OBJECT_NAME_INVALID;
    wd::Names N { First, Second };
    memcpy(Buffer, &N, sizeof(N));
    memcpy(Buffer + sizeof(N), A->Buffer, First);
    if (B)
        memcpy(Buffer + sizeof(N) + First, B->Buffer, Second);
    return Control(Code, Buffer, sizeof(N) + First + Second);
}
NTSTATUS NTAPI IoCreateSymbolicLink(PUNICODE_STRING Name, PUNICODE_STRING Target) { return Link(wd::Control::CreateLink, Name, Target); }
NTSTATUS NTAPI IoCreateUnprotectedSymbolicLink(PUNICODE_STRING Name, PUNICODE_STRING Target) { return Link(wd::Control::CreateLink, Name, Target); }
NTSTATUS NTAPI IoDeleteSymbolicLink(PUNICODE_STRING Name) { return Link(wd::Control::DeleteLink, Name, nullptr); }
NTSTATUS NTAPI WdmlibIoCreateDeviceSecure(PDRIVER_OBJECT Driver, ULONG ExtensionBytes, PUNICODE_STRING Name, DEVICE_TYPE Type, ULONG Characteristics, BOOLEAN Exclusive,
                                          PCUNICODE_STRING, LPCGUID, PDEVICE_OBJECT* Out)
{
    return IoCreateDevice(Driver, ExtensionBytes, Name, Type, Characteristics, Exclusive, Out);
}

// --- driver objects

NTSTATUS NTAPI IoAllocateDriverObjectExtension(PDRIVER_OBJECT Driver, PVOID Id, ULONG Bytes, PVOID* Out)
{
    struct Entry {
        Entry* Next;
        PVOID Id;
    };
    auto** Head = reinterpret_cast<Entry**>(Driver->DriverExtension + 1);
    for (Entry* E = *Head; E; E = E->Next)
        if (E->Id == Id)
            return STATUS_OBJECT_NAME_COLLISION;
    auto* E = static_cast<Entry*>(Allocate(sizeof(Entry) + Bytes));
    if (!E)
        return STATUS_INSUFFICIENT_RESOURCES;
    *E = { *Head, Id };
    *Head = E;
    *Out = E + 1;
    return STATUS_SUCCESS;
}
PVOID NTAPI IoGetDriverObjectExtension(PDRIVER_OBJECT Driver, PVOID Id)
{
    struct Entry {
        Entry* Next;
        PVOID Id;
    };
    for (auto* E = *reinterpret_cast<Entry**>(Driver->DriverExtension + 1); E; E = E->Next)
        if (E->Id == Id)
            return E + 1;
    return nullptr;
}
void NTAPI IoRegisterDriverReinitialization(PDRIVER_OBJECT Driver, PDRIVER_REINITIALIZE Routine, PVOID Context) { Routine(Driver, Context, 1); }
void NTAPI IoRegisterBootDriverReinitialization(PDRIVER_OBJECT Driver, PDRIVER_REINITIALIZE Routine, PVOID Context) { Routine(Driver, Context, 1); }
NTSTATUS NTAPI IoRegisterShutdownNotification(PDEVICE_OBJECT) { return STATUS_SUCCESS; }
NTSTATUS NTAPI IoRegisterLastChanceShutdownNotification(PDEVICE_OBJECT) { return STATUS_SUCCESS; }
void NTAPI IoUnregisterShutdownNotification(PDEVICE_OBJECT) { }

// --- share access, as file systems and serial ports count it

void NTAPI IoSetShareAccess(ACCESS_MASK Access, ULONG Share, PFILE_OBJECT F, PSHARE_ACCESS S)
{
    F->ReadAccess = (Access & (FILE_READ_DATA | FILE_EXECUTE)) != 0;
    F->WriteAccess = (Access & (FILE_WRITE_DATA | FILE_APPEND_DATA)) != 0;
    F->DeleteAccess = (Access & DELETE) != 0;
    bool Any = F->ReadAccess || F->WriteAccess || F->DeleteAccess;
    F->SharedRead = Any && Share & FILE_SHARE_READ;
    F->SharedWrite = Any && Share & FILE_SHARE_WRITE;
    F->SharedDelete = Any && Share & FILE_SHARE_DELETE;
    *S = { Any, F->ReadAccess, F->WriteAccess, F->DeleteAccess, F->SharedRead, F->SharedWrite, F->SharedDelete };
}
void NTAPI IoUpdateShareAccess(PFILE_OBJECT F, PSHARE_ACCESS S)
{
    if (!F->ReadAccess && !F->WriteAccess && !F->DeleteAccess)
        return;
    ++S->OpenCount;
    S->Readers += F->ReadAccess;
    S->Writers += F->WriteAccess;
    S->Deleters += F->DeleteAccess;
    S->SharedRead += F->SharedRead;
    S->SharedWrite += F->SharedWrite;
    S->SharedDelete += F->SharedDelete;
}
void NTAPI IoRemoveShareAccess(PFILE_OBJECT F, PSHARE_ACCESS S)
{
    if (!F->ReadAccess && !F->WriteAccess && !F->DeleteAccess)
        return;
    --S->OpenCount;
    S->Readers -= F->ReadAccess;
    S->Writers -= F->WriteAccess;
    S->Deleters -= F->DeleteAccess;
    S->SharedRead -= F->SharedRead;
    S->SharedWrite -= F->SharedWrite;
    S->SharedDelete -= F->SharedDelete;
}
NTSTATUS NTAPI IoCheckShareAccess(ACCESS_MASK Access, ULONG Share, PFILE_OBJECT F, PSHARE_ACCESS S, BOOLEAN Update)
{
    F->ReadAccess = (Access & (FILE_READ_DATA | FILE_EXECUTE)) != 0;
    F->WriteAccess = (Access & (FILE_WRITE_DATA | FILE_APPEND_DATA)) != 0;
    F->DeleteAccess = (Access & DELETE) != 0;
    if (!F->ReadAccess && !F->WriteAccess && !F->DeleteAccess)
        return STATUS_SUCCESS;
    F->SharedRead = (Share & FILE_SHARE_READ) != 0;
    F->SharedWrite = (Share & FILE_SHARE_WRITE) != 0;
    F->SharedDelete = (Share & FILE_SHARE_DELETE) != 0;
    if ((F->ReadAccess && S->SharedRead < S->OpenCount) || (F->WriteAccess && S->SharedWrite < S->OpenCount) || (F->DeleteAccess && S->SharedDelete < S->OpenCount) ||
        (S->Readers && !F->SharedRead) || (S->Writers && !F->SharedWrite) || (S->Deleters && !F->SharedDelete))
        return STATUS_SHARING_VIOLATION;
    if (Update)
        IoUpdateShareAccess(F, S);
    return STATUS_SUCCESS;
}

// --- StartIo queues

void NTAPI KeInitializeDeviceQueue(PKDEVICE_QUEUE Q)
{
    Q->Type = 20;                       // DeviceQueueObject
    Q->Size = sizeof(KDEVICE_QUEUE);
    InitializeListHead(&Q->DeviceListHead);
    Q->Lock = 0;
    Q->Busy = FALSE;
}
BOOLEAN NTAPI KeInsertDeviceQueue(PKDEVICE_QUEUE Q, PKDEVICE_QUEUE_ENTRY E)
{
    KIRQL Old = KeAcquireSpinLockRaiseToDpc(&Q->Lock);
    bool Queued = Q->Busy;
    if (Queued)
        InsertTailList(&Q->DeviceListHead, &E->DeviceListEntry);
    Q->Busy = TRUE;
    E->Inserted = Queued;
    KeReleaseSpinLock(&Q->Lock, Old);
    return Queued;
}
BOOLEAN NTAPI KeInsertByKeyDeviceQueue(PKDEVICE_QUEUE Q, PKDEVICE_QUEUE_ENTRY E, ULONG Key)
{
    KIRQL Old = KeAcquireSpinLockRaiseToDpc(&Q->Lock);
    bool Queued = Q->Busy;
    E->SortKey = Key;
    if (Queued) {
        LIST_ENTRY* At = Q->DeviceListHead.Blink;
        while (At != &Q->DeviceListHead && CONTAINING_RECORD(At, KDEVICE_QUEUE_ENTRY, DeviceListEntry)->SortKey > Key)
            At = At->Blink;
        InsertHeadList(At, &E->DeviceListEntry);
    }
    Q->Busy = TRUE;
    E->Inserted = Queued;
    KeReleaseSpinLock(&Q->Lock, Old);
    return Queued;
}
PKDEVICE_QUEUE_ENTRY NTAPI KeRemoveDeviceQueue(PKDEVICE_QUEUE Q)
{
    KIRQL Old = KeAcquireSpinLockRaiseToDpc(&Q->Lock);
    KDEVICE_QUEUE_ENTRY* E = nullptr;
    if (IsListEmpty(&Q->DeviceListHead)) {
        Q->Busy = FALSE;
    } else {
        E = CONTAINING_RECORD(RemoveHeadList(&Q->DeviceListHead), KDEVICE_QUEUE_ENTRY, DeviceListEntry);
        E->Inserted = FALSE;
    }
    KeReleaseSpinLock(&Q->Lock, Old);
    return E;
}
PKDEVICE_QUEUE_ENTRY NTAPI KeRemoveByKeyDeviceQueue(PKDEVICE_QUEUE Q, ULONG Key)
{
    KIRQL Old = KeAcquireSpinLockRaiseToDpc(&Q->Lock);
    KDEVICE_QUEUE_ENTRY* E = nullptr;
    if (IsListEmpty(&Q->DeviceListHead)) {
        Q->Busy = FALSE;
    } else {
        LIST_ENTRY* At = Q->DeviceListHead.Flink;
        while (At != &Q->DeviceListHead && CONTAINING_RECORD(At, KDEVICE_QUEUE_ENTRY, DeviceListEntry)->SortKey < Key)
            At = At->Flink;
        if (At == &Q->DeviceListHead)
            At = At->Flink;
        RemoveEntryList(At);
        E = CONTAINING_RECORD(At, KDEVICE_QUEUE_ENTRY, DeviceListEntry);
        E->Inserted = FALSE;
    }
    KeReleaseSpinLock(&Q->Lock, Old);
    return E;
}
BOOLEAN NTAPI KeRemoveEntryDeviceQueue(PKDEVICE_QUEUE Q, PKDEVICE_QUEUE_ENTRY E)
{
    KIRQL Old = KeAcquireSpinLockRaiseToDpc(&Q->Lock);
    bool Was = E->Inserted;
    if (Was) {
        RemoveEntryList(&E->DeviceListEntry);
        E->Inserted = FALSE;
    }
    KeReleaseSpinLock(&Q->Lock, Old);
    return Was;
}
void NTAPI IoStartPacket(PDEVICE_OBJECT D, PIRP I, PULONG Key, PDRIVER_CANCEL Cancel)
{
    KIRQL Old = Raise(DISPATCH_LEVEL), Irql;
    if (Cancel) {
        IoAcquireCancelSpinLock(&Irql);
        I->CancelRoutine = Cancel;
    }
    auto* E = &I->Tail.Overlay.DeviceQueueEntry;
    if (Key ? KeInsertByKeyDeviceQueue(&D->DeviceQueue, E, *Key) : KeInsertDeviceQueue(&D->DeviceQueue, E)) {
        if (Cancel && I->Cancel) {
            I->CancelIrql = Irql;
            I->CancelRoutine = nullptr;
            Cancel(D, I);
        } else if (Cancel) {
            IoReleaseCancelSpinLock(Irql);
        }
    } else {
        D->CurrentIrp = I;
        if (Cancel)
            IoReleaseCancelSpinLock(Irql);
        D->DriverObject->DriverStartIo(D, I);
    }
    Lower(Old);
}
static void Next(PDEVICE_OBJECT D, bool Cancelable, PKDEVICE_QUEUE_ENTRY (*Take)(PDEVICE_OBJECT, ULONG), ULONG Key)
{
    KIRQL Old = Raise(Irql() < DISPATCH_LEVEL ? DISPATCH_LEVEL : Irql()), Irql;
    if (Cancelable)
        IoAcquireCancelSpinLock(&Irql);
    D->CurrentIrp = nullptr;
    auto* E = Take(D, Key);
    PIRP I = E ? CONTAINING_RECORD(E, IRP, Tail.Overlay.DeviceQueueEntry) : nullptr;
    D->CurrentIrp = I;
    if (Cancelable)
        IoReleaseCancelSpinLock(Irql);
    if (I)
        D->DriverObject->DriverStartIo(D, I);
    Lower(Old);
}
void NTAPI IoStartNextPacket(PDEVICE_OBJECT D, BOOLEAN Cancelable)
{
    Next(D, Cancelable, [](PDEVICE_OBJECT O, ULONG) { return KeRemoveDeviceQueue(&O->DeviceQueue); }, 0);
}
void NTAPI IoStartNextPacketByKey(PDEVICE_OBJECT D, BOOLEAN Cancelable, ULONG Key)
{
    Next(D, Cancelable, [](PDEVICE_OBJECT O, ULONG K) { return KeRemoveByKeyDeviceQueue(&O->DeviceQueue, K); }, Key);
}
void NTAPI IoSetStartIoAttributes(PDEVICE_OBJECT, BOOLEAN, BOOLEAN) { }

// --- remove locks

void NTAPI IoInitializeRemoveLockEx(PIO_REMOVE_LOCK L, ULONG, ULONG, ULONG, ULONG)
{
    L->Common.Removed = FALSE;
    L->Common.IoCount = 1;
    KeInitializeEvent(&L->Common.RemoveEvent, SynchronizationEvent, FALSE);
}
NTSTATUS NTAPI IoAcquireRemoveLockEx(PIO_REMOVE_LOCK L, PVOID, PCSTR, ULONG, ULONG)
{
    __atomic_add_fetch(&L->Common.IoCount, 1, __ATOMIC_ACQ_REL);
    if (!L->Common.Removed)
        return STATUS_SUCCESS;
    if (__atomic_sub_fetch(&L->Common.IoCount, 1, __ATOMIC_ACQ_REL) == 0)
        KeSetEvent(&L->Common.RemoveEvent, 0, FALSE);
    return STATUS_DELETE_PENDING;
}
void NTAPI IoReleaseRemoveLockEx(PIO_REMOVE_LOCK L, PVOID, ULONG)
{
    if (__atomic_sub_fetch(&L->Common.IoCount, 1, __ATOMIC_ACQ_REL) == 0)
        KeSetEvent(&L->Common.RemoveEvent, 0, FALSE);
}
void NTAPI IoReleaseRemoveLockAndWaitEx(PIO_REMOVE_LOCK L, PVOID Tag, ULONG Size)
{
    L->Common.Removed = TRUE;
    IoReleaseRemoveLockEx(L, Tag, Size);
    if (__atomic_sub_fetch(&L->Common.IoCount, 1, __ATOMIC_ACQ_REL) > 0)
        KeWaitForSingleObject(&L->Common.RemoveEvent, Executive, KernelMode, FALSE, nullptr);
}

}
