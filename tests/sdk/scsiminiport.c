// The shape of a ScsiPort miniport.
#include <miniport.h>
#include <scsi.h>

static BOOLEAN NTAPI Initialize(PVOID Extension) { return Extension != NULL; }
static BOOLEAN NTAPI StartIo(PVOID Extension, PSCSI_REQUEST_BLOCK Srb)
{
    Srb->SrbStatus = SRB_STATUS_INVALID_REQUEST;
    ScsiPortNotification(RequestComplete, Extension, Srb);
    ScsiPortNotification(NextRequest, Extension);
    return TRUE;
}
ULONG NTAPI DriverEntry(PVOID DriverObject, PVOID RegistryPath)
{
    HW_INITIALIZATION_DATA Data = {0};
    Data.HwInitializationDataSize = sizeof(Data);
    Data.HwInitialize = Initialize;
    Data.HwStartIo = StartIo;
    return ScsiPortInitialize(DriverObject, RegistryPath, &Data, NULL);
}
