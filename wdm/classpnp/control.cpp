// Device controls that class drivers leave to the library.
#include "class.hpp"

namespace classpnp {

namespace {

template <typename T> NTSTATUS Answer(PDEVICE_OBJECT D, PIRP Irp, const T& Value)
{
    if (IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceIoControl.OutputBufferLength < sizeof(T))
        return Finish(D, Irp, STATUS_BUFFER_TOO_SMALL);
    RtlCopyMemory(Irp->AssociatedIrp.SystemBuffer, &Value, sizeof(T));
    return Finish(D, Irp, STATUS_SUCCESS, sizeof(T));
}

// A command without data, and its outcome.
NTSTATUS Command(PDEVICE_OBJECT D, PIRP Irp, UCHAR Code, UCHAR Byte4, ULONG Seconds)
{
    SCSI_REQUEST_BLOCK Srb {};
    Srb.CdbLength = 6;
    Srb.TimeOutValue = Seconds;
    Srb.Cdb[0] = Code;
    Srb.Cdb[4] = Byte4;
    return Finish(D, Irp, ClassSendSrbSynchronous(D, &Srb, nullptr, 0, FALSE));
}

NTSTATUS CheckVerify(PDEVICE_OBJECT D, PIRP Irp)
{
    auto& P = IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceIoControl;
    PFUNCTIONAL_DEVICE_EXTENSION F = Fdo(D);
    if (P.OutputBufferLength && P.OutputBufferLength < sizeof(ULONG))
        return Finish(D, Irp, STATUS_BUFFER_TOO_SMALL);
    SCSI_REQUEST_BLOCK Srb {};
    Srb.CdbLength = 6;
    Srb.TimeOutValue = F->TimeOutValue;
    Srb.Cdb[0] = srb::TestUnitReady;
    NTSTATUS Status = ClassSendSrbSynchronous(D, &Srb, nullptr, 0, FALSE);
    if (NT_SUCCESS(Status) && P.OutputBufferLength) {
        RtlCopyMemory(Irp->AssociatedIrp.SystemBuffer, &F->MediaChangeCount, sizeof(ULONG));
        return Finish(D, Irp, Status, sizeof(ULONG));
    }
    return Finish(D, Irp, Status);
}

NTSTATUS MediaRemoval(PDEVICE_OBJECT D, PIRP Irp)
{
    if (IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceIoControl.InputBufferLength < sizeof(PREVENT_MEDIA_REMOVAL))
        return Finish(D, Irp, STATUS_INFO_LENGTH_MISMATCH);
    PFUNCTIONAL_DEVICE_EXTENSION F = Fdo(D);
    bool Lock = static_cast<PPREVENT_MEDIA_REMOVAL>(Irp->AssociatedIrp.SystemBuffer)->PreventMediaRemoval;
    if (!Lock && F->LockCount == 0)
        return Finish(D, Irp, STATUS_INVALID_DEVICE_STATE);
    constexpr UCHAR PreventRemoval = 0x1E;
    LONG Count = Lock ? InterlockedIncrement(&F->LockCount) : InterlockedDecrement(&F->LockCount);
    // Only the first and the last count.
    return Count == (Lock ? 1 : 0) ? Command(D, Irp, PreventRemoval, Lock, F->TimeOutValue) : Finish(D, Irp, STATUS_SUCCESS);
}

}

}

using namespace classpnp;

extern "C" {

NTSTATUS NTAPI ClassDeviceControl(PDEVICE_OBJECT D, PIRP Irp)
{
    PFUNCTIONAL_DEVICE_EXTENSION F = Fdo(D);
    switch (IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_STORAGE_GET_DEVICE_NUMBER: {
        STORAGE_DEVICE_NUMBER N { D->DeviceType, F->DeviceNumber, D->DeviceType == FILE_DEVICE_DISK ? F->CommonExtension.PartitionNumber : ~0u };
        return Answer(D, Irp, N);
    }
    case IOCTL_STORAGE_GET_HOTPLUG_INFO: {
        STORAGE_HOTPLUG_INFO H {};
        H.Size = sizeof(H);
        H.MediaRemovable = (D->Characteristics & FILE_REMOVABLE_MEDIA) != 0;
        return Answer(D, Irp, H);
    }
    case IOCTL_STORAGE_CHECK_VERIFY:
    case IOCTL_STORAGE_CHECK_VERIFY2:
    case IOCTL_DISK_CHECK_VERIFY:
    case IOCTL_CDROM_CHECK_VERIFY: return CheckVerify(D, Irp);
    case IOCTL_STORAGE_MEDIA_REMOVAL:
    case IOCTL_DISK_MEDIA_REMOVAL: return MediaRemoval(D, Irp);
    case IOCTL_STORAGE_EJECT_MEDIA:
    case IOCTL_DISK_EJECT_MEDIA: return Command(D, Irp, srb::StartStop, 2, START_UNIT_TIMEOUT);
    case IOCTL_STORAGE_LOAD_MEDIA:
    case IOCTL_STORAGE_LOAD_MEDIA2:
    case IOCTL_DISK_LOAD_MEDIA: return Command(D, Irp, srb::StartStop, 3, START_UNIT_TIMEOUT);
    case IOCTL_STORAGE_RESERVE:
    case IOCTL_DISK_RESERVE: return Command(D, Irp, 0x16, 0, F->TimeOutValue);
    case IOCTL_STORAGE_RELEASE:
    case IOCTL_DISK_RELEASE: return Command(D, Irp, 0x17, 0, F->TimeOutValue);
    default: return PassDown(D, Irp);
    }
}

// Completion routine for a driver's own check of the medium: Argument1 of the current location is the request it was made for.
NTSTATUS NTAPI ClassCheckVerifyComplete(PDEVICE_OBJECT D, PIRP Irp, PVOID)
{
    auto* Of = static_cast<PIRP>(IoGetCurrentIrpStackLocation(Irp)->Parameters.Others.Argument1);
    if (NT_SUCCESS(Irp->IoStatus.Status)) {
        RtlCopyMemory(Of->AssociatedIrp.SystemBuffer, &Fdo(D)->MediaChangeCount, sizeof(ULONG));
        Of->IoStatus.Information = sizeof(ULONG);
    }
    Of->IoStatus.Status = Irp->IoStatus.Status;
    ClassReleaseRemoveLock(D, Of);
    ClassCompleteRequest(D, Of, IO_DISK_INCREMENT);
    IoFreeIrp(Irp);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

// --- media changes: not polled for, as when the registry turns that off. MediaChangeDetectionInfo stays null.

void NTAPI ClassInitializeMediaChangeDetection(PFUNCTIONAL_DEVICE_EXTENSION, PUCHAR) { }
NTSTATUS NTAPI ClassInitializeTestUnitPolling(PFUNCTIONAL_DEVICE_EXTENSION, BOOLEAN) { return STATUS_NOT_SUPPORTED; }
void NTAPI ClassEnableMediaChangeDetection(PFUNCTIONAL_DEVICE_EXTENSION) { }
void NTAPI ClassDisableMediaChangeDetection(PFUNCTIONAL_DEVICE_EXTENSION) { }
void NTAPI ClassCleanupMediaChangeDetection(PFUNCTIONAL_DEVICE_EXTENSION) { }
void NTAPI ClassResetMediaChangeTimer(PFUNCTIONAL_DEVICE_EXTENSION) { }
void NTAPI ClassSetMediaChangeState(PFUNCTIONAL_DEVICE_EXTENSION, MEDIA_CHANGE_DETECTION_STATE, BOOLEAN) { }
void NTAPI ClassCheckMediaState(PFUNCTIONAL_DEVICE_EXTENSION) { }
PFILE_OBJECT_EXTENSION NTAPI ClassGetFsContext(PCOMMON_DEVICE_EXTENSION, PFILE_OBJECT) { return nullptr; }
void NTAPI ClassSendNotification(PFUNCTIONAL_DEVICE_EXTENSION, const GUID*, ULONG, PVOID) { }

// --- failures

NTSTATUS NTAPI ClassSetFailurePredictionPoll(PFUNCTIONAL_DEVICE_EXTENSION, FAILURE_PREDICTION_METHOD Method, ULONG)
{
    return Method == FailurePredictionNone ? STATUS_SUCCESS : STATUS_NOT_SUPPORTED;
}

void NTAPI ClassNotifyFailurePredicted(PFUNCTIONAL_DEVICE_EXTENSION F, PUCHAR, ULONG, BOOLEAN LogIt, ULONG Unique, UCHAR Path, UCHAR Target, UCHAR Lun)
{
    F->FailurePredicted = TRUE;
    if (LogIt)
        DbgPrint("classpnp: device %lu at %u:%u:%u predicts that it fails (%08lx)\n", F->DeviceNumber, Path, Target, Lun, Unique);
}

// --- WMI

NTSTATUS NTAPI ClassWmiCompleteRequest(PDEVICE_OBJECT D, PIRP Irp, NTSTATUS, ULONG, CCHAR) { return Finish(D, Irp, STATUS_NOT_SUPPORTED); }
// The data is the library's, as documented.
NTSTATUS NTAPI ClassWmiFireEvent(PDEVICE_OBJECT, LPGUID, ULONG, ULONG, PVOID Data)
{
    if (Data)
        ExFreePool(Data);
    return STATUS_NOT_SUPPORTED;
}

}
