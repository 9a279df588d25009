// ReactOS's spellings: debug.h, portable exception handling, NTAPI everywhere.
#include <ntifs.h>
#include <ndk/iofuncs.h>
#include <pseh/pseh2.h>

#define NDEBUG
#include <debug.h>

static NTSTATUS NTAPI Dispatch(IN PDEVICE_OBJECT DeviceObject, IN PIRP Irp)
{
    NTSTATUS Status = STATUS_SUCCESS;
    DPRINT("dispatch %p %p\n", DeviceObject, Irp);
    _SEH2_TRY
    {
        ProbeForWrite(Irp->UserBuffer, 4, 1);
        *(PULONG)Irp->UserBuffer = READ_PORT_UCHAR((PUCHAR)0x60);
    }
    _SEH2_EXCEPT(EXCEPTION_EXECUTE_HANDLER)
    {
        Status = _SEH2_GetExceptionCode();
    }
    _SEH2_END;
    if (!NT_SUCCESS(Status)) UNIMPLEMENTED;
    Irp->IoStatus.Status = Status;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

NTSTATUS NTAPI DriverEntry(IN PDRIVER_OBJECT DriverObject, IN PUNICODE_STRING RegistryPath)
{
    DPRINT1("%wZ\n", RegistryPath);
    DriverObject->MajorFunction[IRP_MJ_READ] = Dispatch;
    return STATUS_SUCCESS;
}
