// The driver: dispatch, mounting, the thread that writes back what has been left.
#include "fastfat.hpp"

namespace fastfat {

DRIVER_OBJECT* Driver;
static DEVICE_OBJECT* ControlDevice;
static ERESOURCE ListLock;
static Volume* Volumes;

NTSTATUS Complete(PIRP I, NTSTATUS Status, ULONG_PTR Information)
{
    I->IoStatus.Status = Status;
    I->IoStatus.Information = Information;
    IoCompleteRequest(I, IO_DISK_INCREMENT);
    return Status;
}

static wchar_t Upper(wchar_t C) { return RtlUpcaseUnicodeChar(C); }

// --- mounting

static u64 SizeOf(DEVICE_OBJECT* D)
{
    u64 Length = 0;
    KEVENT Event;
    IO_STATUS_BLOCK Iosb {};
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    constexpr ULONG GetLengthInfo = 0x0007405C;         // IOCTL_DISK_GET_LENGTH_INFO
    PIRP I = IoBuildDeviceIoControlRequest(GetLengthInfo, D, nullptr, 0, &Length, sizeof(Length), FALSE, &Event, &Iosb);
    if (!I)
        return 0;
    NTSTATUS S = IoCallDriver(D, I);
    if (S == STATUS_PENDING) {
        KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, nullptr);
        S = Iosb.Status;
    }
    return S >= 0 ? Length : 0;
}

static void Discard(Volume* V, DEVICE_OBJECT* D)
{
    V->Fat = Own<fat::Volume>();
    V->On.Drop();
    if (V->NotifySync)
        FsRtlNotifyUninitializeSync(&V->NotifySync);
    ExDeleteResourceLite(&V->Lock);
    IoDeleteDevice(D);
}

NTSTATUS Mount(PIRP, IO_STACK_LOCATION* S)
{
    VPB* Vpb = S->Parameters.MountVolume.Vpb;
    DEVICE_OBJECT* Below = S->Parameters.MountVolume.DeviceObject;
    DEVICE_OBJECT* D;
    NTSTATUS Status = IoCreateDevice(Driver, sizeof(Volume), nullptr, FILE_DEVICE_DISK_FILE_SYSTEM, 0, FALSE, &D);
    if (Status < 0)
        return Status;
    auto* V = new (D->DeviceExtension) Volume {};
    ExInitializeResourceLite(&V->Lock);
    V->Device = D;
    V->Vpb = Vpb;
    V->On.Target = Below;
    V->On.SectorBytes = Below->SectorSize ? Below->SectorSize : 512;
    V->On.Bytes = SizeOf(Below);
    InitializeListHead(&V->Notify);
    auto Try = [&]() -> core::Status {
        if (!V->On.Bytes)
            return STATUS_UNRECOGNIZED_VOLUME;
        V->Fat = TRY(fat::Volume::Mount(V->On, Upper));
        if (V->Fat->WasDirty()) {       // the power went, or the process before this one ended
            if (core::Status R = V->Fat->Repair(); !R.Ok())
                DbgPrint("fastfat: a volume that was not marked clean cannot be looked through: %08x", unsigned(R.Code()));
            Changed(*V);
        }
        Vector<wchar_t> Label = TRY(V->Fat->Label());
        V->LabelBytes = USHORT((Label.Size() < 11 ? Label.Size() : 11) * 2);
        if (V->LabelBytes)
            memcpy(V->Label, Label.Data(), V->LabelBytes);
        V->Serial = V->Fat->Serial();
        Fcb* Root = TRY(MakeFcb(*V, nullptr, V->Fat->Root()));
        auto Whole = MakeFcb(*V, nullptr, fat::Entry());
        if (!Whole.Ok()) {
            Release(Root);
            return Whole.GetStatus();
        }
        V->Whole = Whole.Value();
        V->Whole->IsVolume = true;
        V->Whole->Header.FileSize.QuadPart = V->Whole->Header.AllocationSize.QuadPart = V->Whole->Header.ValidDataLength.QuadPart = LONGLONG(V->On.Bytes);
        return STATUS_SUCCESS;
    };
    Status = Try().Code();
    if (Status < 0) {
        Discard(V, D);
        return Status;
    }
    FsRtlNotifyInitializeSync(&V->NotifySync);
    D->Flags &= ~DO_DEVICE_INITIALIZING;
    D->StackSize = CCHAR(Below->StackSize + 1);
    D->AlignmentRequirement = Below->AlignmentRequirement;
    Vpb->DeviceObject = D;
    Vpb->SerialNumber = V->Serial;
    Vpb->VolumeLabelLength = V->LabelBytes;
    memcpy(Vpb->VolumeLabel, V->Label, V->LabelBytes);
    ExAcquireResourceExclusiveLite(&ListLock, TRUE);
    V->Next = Volumes;
    Volumes = V;
    ExReleaseResourceLite(&ListLock);
    return STATUS_SUCCESS;
}

// Once a second: a volume that has been at rest for one is written back and marked clean; one that never rests is written back every few seconds.
static void NTAPI WriteBackThread(PVOID)
{
    for (;;) {
        LARGE_INTEGER Pause;
        Pause.QuadPart = -10'000'000;
        KeDelayExecutionThread(KernelMode, FALSE, &Pause);
        ExAcquireResourceSharedLite(&ListLock, TRUE);
        Volume* First = Volumes;        // volumes stay
        ExReleaseResourceLite(&ListLock);
        for (Volume* V = First; V; V = V->Next) {
            LONGLONG Time = LONGLONG(KeQueryInterruptTime()), At = V->ChangedAt;
            if (!At || (Time - At < 10'000'000 && Time - V->ChangedSince < 40'000'000))
                continue;
            FlushAll(*V);               // the data is on the medium before the sizes
            Locked Held(*V);
            if (V->Dismounted || !V->ChangedAt)
                continue;
            if (Status S = Sync(*V); !S.Ok()) {
                DbgPrint("fastfat: a volume cannot be written back: %08x", unsigned(S.Code()));
                V->ChangedAt = V->ChangedSince = LONGLONG(KeQueryInterruptTime()) + 300'000'000;    // later
            }
        }
    }
}

// --- dispatch

// Where the data of a query or set goes.
static void* BufferOf(PIRP I) { return I->AssociatedIrp.SystemBuffer ? I->AssociatedIrp.SystemBuffer : I->MdlAddress ? MmGetSystemAddressForMdlSafe(I->MdlAddress, NormalPagePriority) : I->UserBuffer; }

static NTSTATUS OnVolume(Volume& V, PIRP I, IO_STACK_LOCATION* S)
{
    ULONG_PTR Information = 0;
    FILE_OBJECT* File = S->FileObject;
    Fcb* F = File ? FcbOf(File) : nullptr;
    NTSTATUS Status;
    // What gives the volume's resource away by itself.
    if (S->MajorFunction == IRP_MJ_READ || S->MajorFunction == IRP_MJ_WRITE) {
        if (!F)
            return Complete(I, STATUS_INVALID_PARAMETER);
        return S->MajorFunction == IRP_MJ_READ ? Read(V, *F, I, S) : Write(V, *F, I, S);
    }
    if (F && S->MajorFunction == IRP_MJ_LOCK_CONTROL) {
        if (F->IsFolder() || F->IsVolume)
            return Complete(I, STATUS_INVALID_PARAMETER);
        Status = FsRtlProcessFileLock(&F->Locks, I, nullptr);
        F->Header.IsFastIoPossible = F->Locks.FastIoIsQuestionable ? FastIoIsQuestionable : FastIoIsPossible;
        return Status;
    }
    if (F && S->MajorFunction == IRP_MJ_DIRECTORY_CONTROL && S->MinorFunction == IRP_MN_NOTIFY_CHANGE_DIRECTORY) {
        ExAcquireResourceExclusiveLite(&V.Lock, TRUE);
        bool Fine = F->IsFolder() && !V.Dismounted && !F->DeletePending;
        NTSTATUS Why = !F->IsFolder() ? STATUS_INVALID_PARAMETER : V.Dismounted ? STATUS_VOLUME_DISMOUNTED : STATUS_DELETE_PENDING;
        ExReleaseResourceLite(&V.Lock);
        if (!Fine)
            return Complete(I, Why);
        FsRtlNotifyFullChangeDirectory(V.NotifySync, &V.Notify, CcbOf(File), reinterpret_cast<PSTRING>(&F->Name), (S->Flags & SL_WATCH_TREE) != 0, FALSE,
                                       S->Parameters.NotifyDirectory.CompletionFilter, I, nullptr, nullptr);
        return STATUS_PENDING;
    }
    if (F && S->MajorFunction == IRP_MJ_DEVICE_CONTROL) {
        if (!F->IsVolume)
            return Complete(I, STATUS_INVALID_PARAMETER);
        IoSkipCurrentIrpStackLocation(I);
        return IoCallDriver(V.On.Target, I);
    }
    // What waits for the cache does so without the volume's resource.
    if (F && S->MajorFunction == IRP_MJ_FLUSH_BUFFERS && !F->IsVolume && !F->IsRoot())
        return Complete(I, F->IsFolder() ? STATUS_SUCCESS : FlushFile(*F));
    if (F && (S->MajorFunction == IRP_MJ_FLUSH_BUFFERS || (S->MajorFunction == IRP_MJ_FILE_SYSTEM_CONTROL && F->IsVolume && S->MinorFunction == IRP_MN_USER_FS_REQUEST &&
                                                         (S->Parameters.FileSystemControl.FsControlCode == FSCTL_LOCK_VOLUME || S->Parameters.FileSystemControl.FsControlCode == FSCTL_DISMOUNT_VOLUME))))
        FlushAll(V);
    {
        Locked Held(V);
        if (V.Dismounted && S->MajorFunction != IRP_MJ_CLEANUP && S->MajorFunction != IRP_MJ_CLOSE && S->MajorFunction != IRP_MJ_FILE_SYSTEM_CONTROL) {
            Status = STATUS_VOLUME_DISMOUNTED;
        } else if (S->MajorFunction == IRP_MJ_CREATE) {
            Status = Create(V, I, S, Information);
        } else if (!F) {
            Status = S->MajorFunction == IRP_MJ_CLEANUP || S->MajorFunction == IRP_MJ_CLOSE ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
        } else {
            switch (S->MajorFunction) {
            case IRP_MJ_CLEANUP:
                Cleanup(V, File, I);
                Status = STATUS_SUCCESS;
                break;
            case IRP_MJ_CLOSE:
                Close(V, File);
                Status = STATUS_SUCCESS;
                break;
            case IRP_MJ_QUERY_INFORMATION:
                Status = QueryInformation(V, *F, File, S->Parameters.QueryFile.FileInformationClass, BufferOf(I), S->Parameters.QueryFile.Length, Information);
                break;
            case IRP_MJ_SET_INFORMATION:
                Status = SetInformation(V, *F, File, S, BufferOf(I), S->Parameters.SetFile.Length);
                break;
            case IRP_MJ_DIRECTORY_CONTROL:
                Status = S->MinorFunction == IRP_MN_QUERY_DIRECTORY ? QueryDirectory(V, *F, *CcbOf(File), S, I->MdlAddress ? MmGetSystemAddressForMdlSafe(I->MdlAddress, NormalPagePriority) : I->UserBuffer, Information) :
                                                                      STATUS_INVALID_DEVICE_REQUEST;
                break;
            case IRP_MJ_QUERY_VOLUME_INFORMATION:
                Status = QueryVolume(V, S->Parameters.QueryVolume.FsInformationClass, BufferOf(I), S->Parameters.QueryVolume.Length, Information);
                break;
            case IRP_MJ_SET_VOLUME_INFORMATION:
                Status = SetVolume(V, S->Parameters.SetVolume.FsInformationClass, BufferOf(I), S->Parameters.SetVolume.Length);
                break;
            case IRP_MJ_FLUSH_BUFFERS: Status = Sync(V).Code(); break;
            case IRP_MJ_FILE_SYSTEM_CONTROL: Status = Control(V, *F, I, S, Information); break;
            default: Status = STATUS_INVALID_DEVICE_REQUEST; break;
            }
        }
    }
    return Complete(I, Status, Information);
}

static NTSTATUS NTAPI Dispatch(PDEVICE_OBJECT D, PIRP I)
{
    IO_STACK_LOCATION* S = IoGetCurrentIrpStackLocation(I);
    if (D != ControlDevice)
        return OnVolume(*static_cast<Volume*>(D->DeviceExtension), I, S);
    switch (S->MajorFunction) {
    case IRP_MJ_CREATE: return Complete(I, STATUS_SUCCESS, FILE_OPENED);
    case IRP_MJ_CLEANUP:
    case IRP_MJ_CLOSE: return Complete(I, STATUS_SUCCESS);
    case IRP_MJ_FILE_SYSTEM_CONTROL:
        if (S->MinorFunction == IRP_MN_MOUNT_VOLUME)
            return Complete(I, Mount(I, S));
        break;
    case IRP_MJ_SHUTDOWN:
        ExAcquireResourceSharedLite(&ListLock, TRUE);
        for (Volume* V = Volumes; V; V = V->Next) {
            FlushAll(*V);
            Locked Held(*V);
            if (!V->Dismounted)
                Sync(*V).Ignore();      // nobody is left to be told
        }
        ExReleaseResourceLite(&ListLock);
        return Complete(I, STATUS_SUCCESS);
    }
    return Complete(I, STATUS_INVALID_DEVICE_REQUEST);
}

}

extern "C" NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING)
{
    using namespace fastfat;
    fastfat::Driver = Driver;
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\Fat");
    NTSTATUS Status = IoCreateDevice(Driver, 0, &Name, FILE_DEVICE_DISK_FILE_SYSTEM, 0, FALSE, &ControlDevice);
    if (Status < 0)
        return Status;
    ExInitializeResourceLite(&ListLock);
    for (auto& M : Driver->MajorFunction)
        M = Dispatch;
    HANDLE Thread;
    Status = PsCreateSystemThread(&Thread, THREAD_ALL_ACCESS, nullptr, nullptr, nullptr, WriteBackThread, nullptr);
    if (Status < 0) {
        IoDeleteDevice(ControlDevice);
        return Status;
    }
    ZwClose(Thread);
    IoRegisterShutdownNotification(ControlDevice);
    IoRegisterFileSystem(ControlDevice);
    return STATUS_SUCCESS;
}
