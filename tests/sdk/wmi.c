// A WMI provider and a driver that uses the functions on UNICODE_STRING, reader-writer spin locks, push locks and lookaside lists of the second kind.
#include <ntifs.h>
#include <wdmguid.h>
#include <wmilib.h>
#include <wmistr.h>
#include <ntstrsafe.h>

static const GUID Block = {0x9F2A6D10, 0x1B6E, 0x4C1D, {1, 2, 3, 4, 5, 6, 7, 8}};
static WMIGUIDREGINFO Guids[] = {{&Block, 1, 0}};

static WMI_QUERY_REGINFO_CALLBACK QueryInfo;
static WMI_QUERY_DATABLOCK_CALLBACK QueryData;
static DRIVER_DISPATCH Control;
DRIVER_INITIALIZE DriverEntry;

static NTSTATUS QueryInfo(PDEVICE_OBJECT DeviceObject, PULONG Flags, PUNICODE_STRING Name, PUNICODE_STRING *Path, PUNICODE_STRING Mof, PDEVICE_OBJECT *Pdo)
{
    UNREFERENCED_PARAMETER(Name);
    UNREFERENCED_PARAMETER(Path);
    RtlInitUnicodeString(Mof, L"Resource");
    *Flags = WMIREG_FLAG_INSTANCE_PDO;
    *Pdo = DeviceObject;
    return STATUS_SUCCESS;
}

static NTSTATUS QueryData(PDEVICE_OBJECT DeviceObject, PIRP Irp, ULONG Guid, ULONG Instance, ULONG Count, PULONG Lengths, ULONG Room, PUCHAR Buffer)
{
    NTSTATUS Status = Guid == 0 && Instance == 0 && Count == 1 ? STATUS_BUFFER_TOO_SMALL : STATUS_WMI_GUID_NOT_FOUND;
    if (Status == STATUS_BUFFER_TOO_SMALL && Room >= sizeof(ULONG)) {
        *(PULONG)Buffer = 42;
        *Lengths = sizeof(ULONG);
        Status = STATUS_SUCCESS;
    }
    return WmiCompleteRequest(DeviceObject, Irp, Status, sizeof(ULONG), IO_NO_INCREMENT);
}

static NTSTATUS Control(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    static WMILIB_CONTEXT Context = {RTL_NUMBER_OF(Guids), Guids, QueryInfo, QueryData};
    SYSCTL_IRP_DISPOSITION Disposition;
    NTSTATUS Status = WmiSystemControl(&Context, DeviceObject, Irp, &Disposition);
    switch (Disposition) {
    case IrpProcessed: break;
    case IrpNotCompleted: IoCompleteRequest(Irp, IO_NO_INCREMENT); break;
    default:
        Irp->IoStatus.Status = Status = STATUS_NOT_SUPPORTED;
        IoCompleteRequest(Irp, IO_NO_INCREMENT);
    }
    return Status;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    WCHAR Room[8];
    UNICODE_STRING Small = {0, sizeof(Room), Room}, Name;
    LOOKASIDE_LIST_EX Lookaside;
    EX_SPIN_LOCK Spin = 0;
    KGUARDED_MUTEX Guarded;
    KIRQL Level;
    PDEVICE_OBJECT Device;
    SECURITY_SUBJECT_CONTEXT Subject;
    NTSTATUS Status;

    DriverObject->MajorFunction[IRP_MJ_SYSTEM_CONTROL] = Control;
    if (RtlUnicodeStringCopy(&Small, RegistryPath) != STATUS_BUFFER_OVERFLOW || Small.Length != sizeof(Room)) return STATUS_UNSUCCESSFUL;
    Status = RtlUnicodeStringPrintf(&Small, L"%d", 17);
    if (NT_SUCCESS(Status)) Status = RtlUnicodeStringCatString(&Small, L"a");
    if (NT_SUCCESS(Status)) Status = RtlUnicodeStringInit(&Name, L"\\Device\\Wmi");
    if (!NT_SUCCESS(Status)) return Status;
    Level = ExAcquireSpinLockShared(&Spin);
    ExReleaseSpinLockShared(&Spin, Level);
    KeInitializeGuardedMutex(&Guarded);
    KeAcquireGuardedMutex(&Guarded);
    KeReleaseGuardedMutex(&Guarded);
    SeCaptureSubjectContext(&Subject);
    SeReleaseSubjectContext(&Subject);
    Status = ExInitializeLookasideListEx(&Lookaside, NULL, NULL, NonPagedPoolNx, 0, 64, 'iwtN', 0);
    if (!NT_SUCCESS(Status)) return Status;
    ExDeleteLookasideListEx(&Lookaside);
    Status = IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
    return NT_SUCCESS(Status) ? IoWMIRegistrationControl(Device, WMIREG_ACTION_REGISTER) : Status;
}
