// wdmsec.lib: IoCreateDeviceSecure and its relatives. A device object is made, then the security descriptor that the SDDL string spells is
// set on it. The registry override by device class (…\Control\Class\{guid}\Properties) is not consulted: the default string is used.
#include <ntifs.h>
#include <wdmsec.h>
#include "sddl.h"

#undef RtlInitUnicodeStringEx

#define SDDL(Name, Text) const UNICODE_STRING Name = RTL_CONSTANT_STRING(Text)
SDDL(SDDL_DEVOBJ_KERNEL_ONLY, L"D:P");
SDDL(SDDL_DEVOBJ_SYS_ALL, L"D:P(A;;GA;;;SY)");
SDDL(SDDL_DEVOBJ_SYS_ALL_ADM_ALL, L"D:P(A;;GA;;;SY)(A;;GA;;;BA)");
SDDL(SDDL_DEVOBJ_SYS_ALL_ADM_RX, L"D:P(A;;GA;;;SY)(A;;GRGX;;;BA)");
SDDL(SDDL_DEVOBJ_SYS_ALL_ADM_RWX_WORLD_R, L"D:P(A;;GA;;;SY)(A;;GRGWGX;;;BA)(A;;GR;;;WD)");
SDDL(SDDL_DEVOBJ_SYS_ALL_ADM_RWX_WORLD_R_RES_R, L"D:P(A;;GA;;;SY)(A;;GRGWGX;;;BA)(A;;GR;;;WD)(A;;GR;;;RC)");
SDDL(SDDL_DEVOBJ_SYS_ALL_ADM_RWX_WORLD_RW_RES_R, L"D:P(A;;GA;;;SY)(A;;GRGWGX;;;BA)(A;;GRGW;;;WD)(A;;GR;;;RC)");
SDDL(SDDL_DEVOBJ_SYS_ALL_ADM_RWX_WORLD_RWX_RES_RWX, L"D:P(A;;GA;;;SY)(A;;GRGWGX;;;BA)(A;;GRGWGX;;;WD)(A;;GRGWGX;;;RC)");

NTSTATUS WdmlibIoCreateDeviceSecure(PDRIVER_OBJECT DriverObject, ULONG DeviceExtensionSize, PUNICODE_STRING DeviceName, DEVICE_TYPE DeviceType,
                                    ULONG DeviceCharacteristics, BOOLEAN Exclusive, PCUNICODE_STRING DefaultSDDLString, LPCGUID DeviceClassGuid,
                                    PDEVICE_OBJECT *DeviceObject)
{
    union {
        SDDL_DESCRIPTOR Descriptor;
        ULONG64 Alignment;
    } Space;
    PDEVICE_OBJECT Device = NULL;
    HANDLE Handle;
    NTSTATUS Status;

    UNREFERENCED_PARAMETER(DeviceClassGuid);
    *DeviceObject = NULL;
    Status = SddlToDescriptor(DefaultSDDLString->Buffer, DefaultSDDLString->Length / sizeof(WCHAR), &Space.Descriptor);
    if (!NT_SUCCESS(Status)) return Status;
    Status = IoCreateDevice(DriverObject, DeviceExtensionSize, DeviceName, DeviceType, DeviceCharacteristics, Exclusive, &Device);
    if (!NT_SUCCESS(Status)) return Status;
    Status = ObOpenObjectByPointer(Device, OBJ_KERNEL_HANDLE, NULL, WRITE_DAC, NULL, KernelMode, &Handle);
    if (NT_SUCCESS(Status)) {
        Status = ZwSetSecurityObject(Handle, DACL_SECURITY_INFORMATION, &Space.Descriptor.Header);
        ZwClose(Handle);
    }
    if (!NT_SUCCESS(Status)) {
        IoDeleteDevice(Device);
        return Status;
    }
    *DeviceObject = Device;
    return STATUS_SUCCESS;
}

NTSTATUS WdmlibRtlInitUnicodeStringEx(PUNICODE_STRING DestinationString, PCWSTR SourceString)
{
    SIZE_T Length = 0;
    if (SourceString != NULL)
        while (SourceString[Length] != 0) Length++;
    if (Length > 32766) return STATUS_NAME_TOO_LONG;
    DestinationString->Buffer = (PWSTR)SourceString;
    DestinationString->Length = (USHORT)(Length * sizeof(WCHAR));
    DestinationString->MaximumLength = SourceString != NULL ? (USHORT)(DestinationString->Length + sizeof(WCHAR)) : 0;
    return STATUS_SUCCESS;
}

NTSTATUS WdmlibIoValidateDeviceIoControlAccess(PIRP Irp, ULONG RequiredAccess)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    BOOLEAN Granted = TRUE;
    if ((RequiredAccess & ~(ULONG)(FILE_READ_ACCESS | FILE_WRITE_ACCESS)) != 0) return STATUS_INVALID_PARAMETER;
    if (Irp->RequestorMode == KernelMode || Stack->FileObject == NULL) return STATUS_SUCCESS;
    if ((RequiredAccess & FILE_READ_ACCESS) != 0 && !Stack->FileObject->ReadAccess) Granted = FALSE;
    if ((RequiredAccess & FILE_WRITE_ACCESS) != 0 && !Stack->FileObject->WriteAccess) Granted = FALSE;
    return Granted ? STATUS_SUCCESS : STATUS_ACCESS_DENIED;
}
