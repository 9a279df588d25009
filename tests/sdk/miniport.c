// The shape of a StorPort miniport.
#include "miniport.h"
#include "storport.h"
#include "ata.h"
#include "devioctl.h"
#include "ntddscsi.h"
#include "ntddstor.h"
#include "srbhelper.h"

typedef struct _ADAPTER {
    PULONG Registers;
    STOR_DPC Dpc;
    ULONG Pending;
} ADAPTER, *PADAPTER;
typedef struct _REQUEST {
    PSTOR_SCATTER_GATHER_LIST List;
} REQUEST;

HW_INITIALIZE HwInitialize;
HW_BUILDIO HwBuildIo;
HW_STARTIO HwStartIo;
HW_INTERRUPT HwInterrupt;
HW_FIND_ADAPTER HwFindAdapter;
HW_RESET_BUS HwResetBus;
HW_ADAPTER_CONTROL HwAdapterControl;
HW_UNIT_CONTROL HwUnitControl;
HW_DPC_ROUTINE HwDpc;
HW_PASSIVE_INITIALIZE_ROUTINE HwPassive;

VOID HwDpc(PSTOR_DPC Dpc, PVOID Extension, PVOID Argument1, PVOID Argument2)
{
    PSTORAGE_REQUEST_BLOCK Srb = Argument1;
    STOR_LOCK_HANDLE Lock = {0};
    (void)Dpc;
    (void)Argument2;
    StorPortAcquireSpinLock(Extension, InterruptLock, NULL, &Lock);
    SrbSetSrbStatus(Srb, SRB_STATUS_SUCCESS);
    StorPortReleaseSpinLock(Extension, &Lock);
    StorPortNotification(RequestComplete, Extension, Srb);
}
BOOLEAN HwPassive(PVOID Extension)
{
    StorPortInitializeDpc(Extension, &((PADAPTER)Extension)->Dpc, HwDpc);
    return TRUE;
}
BOOLEAN HwInitialize(PVOID Extension)
{
    PERF_CONFIGURATION_DATA Perf = {STOR_PERF_VERSION, sizeof(Perf)};
    Perf.Flags = STOR_PERF_OPTIMIZE_FOR_COMPLETION_DURING_STARTIO | STOR_PERF_DPC_REDIRECTION;
    StorPortInitializePerfOpts(Extension, FALSE, &Perf);
    return StorPortEnablePassiveInitialization(Extension, HwPassive);
}
BOOLEAN HwBuildIo(PVOID Extension, PSCSI_REQUEST_BLOCK Srb)
{
    REQUEST *Request = SrbGetMiniportContext(Srb);
    Request->List = StorPortGetScatterGatherList(Extension, Srb);
    return TRUE;
}
BOOLEAN HwStartIo(PVOID Extension, PSCSI_REQUEST_BLOCK Srb)
{
    PADAPTER Adapter = Extension;
    PCDB Cdb = SrbGetCdb(Srb);
    ULONG Function = SrbGetSrbFunction(Srb);
    if (Function == SRB_FUNCTION_EXECUTE_SCSI && Cdb != NULL && Cdb->CDB10.OperationCode == SCSIOP_READ) {
        StorPortWriteRegisterUlong(Extension, &Adapter->Registers[1], SrbGetDataTransferLength(Srb));
        return TRUE;
    }
    SrbSetSrbStatus(Srb, SRB_STATUS_INVALID_REQUEST);
    StorPortNotification(RequestComplete, Extension, Srb);
    return TRUE;
}
BOOLEAN HwInterrupt(PVOID Extension)
{
    PADAPTER Adapter = Extension;
    ULONG Status = StorPortReadRegisterUlong(Extension, &Adapter->Registers[0]);
    if (Status == 0) return FALSE;
    StorPortIssueDpc(Extension, &Adapter->Dpc, NULL, NULL);
    return TRUE;
}
ULONG HwFindAdapter(PVOID Extension, PVOID Context, PVOID Bus, PCHAR Arguments, PPORT_CONFIGURATION_INFORMATION Config, PBOOLEAN Again)
{
    PADAPTER Adapter = Extension;
    UCHAR Pci[64];
    (void)Context;
    (void)Bus;
    (void)Arguments;
    *Again = FALSE;
    if (StorPortGetBusData(Extension, PCIConfiguration, Config->SystemIoBusNumber, Config->SlotNumber, Pci, sizeof(Pci)) != sizeof(Pci)) return SP_RETURN_ERROR;
    Adapter->Registers = StorPortGetDeviceBase(Extension, Config->AdapterInterfaceType, Config->SystemIoBusNumber, (*Config->AccessRanges)[0].RangeStart,
                                               (*Config->AccessRanges)[0].RangeLength, FALSE);
    Config->SynchronizationModel = StorSynchronizeFullDuplex;
    Config->InterruptSynchronizationMode = InterruptSynchronizeAll;
    Config->Dma64BitAddresses = SCSI_DMA64_MINIPORT_SUPPORTED;
    return Adapter->Registers != NULL ? SP_RETURN_FOUND : SP_RETURN_ERROR;
}
BOOLEAN HwResetBus(PVOID Extension, ULONG PathId)
{
    StorPortCompleteRequest(Extension, (UCHAR)PathId, 0, 0, SRB_STATUS_BUS_RESET);
    return TRUE;
}
SCSI_ADAPTER_CONTROL_STATUS HwAdapterControl(PVOID Extension, SCSI_ADAPTER_CONTROL_TYPE Type, PVOID Parameters)
{
    (void)Extension;
    if (Type == ScsiQuerySupportedControlTypes) ((PSCSI_SUPPORTED_CONTROL_TYPE_LIST)Parameters)->SupportedTypeList[ScsiStopAdapter] = TRUE;
    return ScsiAdapterControlSuccess;
}
SCSI_UNIT_CONTROL_STATUS HwUnitControl(PVOID Extension, SCSI_UNIT_CONTROL_TYPE Type, PVOID Parameters)
{
    (void)Extension;
    (void)Parameters;
    return Type == ScsiUnitStart ? ScsiUnitControlSuccess : ScsiUnitControlUnsuccessful;
}
ULONG DriverEntry(PVOID DriverObject, PVOID RegistryPath)
{
    HW_INITIALIZATION_DATA Data = {0};
    Data.HwInitializationDataSize = sizeof(Data);
    Data.HwInitialize = HwInitialize;
    Data.HwBuildIo = HwBuildIo;
    Data.HwStartIo = HwStartIo;
    Data.HwInterrupt = HwInterrupt;
    Data.HwFindAdapter = HwFindAdapter;
    Data.HwResetBus = HwResetBus;
    Data.HwAdapterControl = HwAdapterControl;
    Data.HwUnitControl = HwUnitControl;
    Data.AdapterInterfaceType = PCIBus;
    Data.FeatureSupport = STOR_FEATURE_ATA_PASS_THROUGH | STOR_FEATURE_FULL_PNP_DEVICE_CAPABILITIES;
    Data.SrbTypeFlags = SRB_TYPE_FLAG_STORAGE_REQUEST_BLOCK;
    Data.AddressTypeFlags = ADDRESS_TYPE_FLAG_BTL8;
    Data.DeviceExtensionSize = sizeof(ADAPTER);
    Data.SrbExtensionSize = sizeof(REQUEST);
    Data.MapBuffers = STOR_MAP_NON_READ_WRITE_BUFFERS;
    return StorPortInitialize(DriverObject, RegistryPath, &Data, NULL);
}
