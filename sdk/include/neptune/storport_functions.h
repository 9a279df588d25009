// Functions of storport.h: those storport.sys exports, and the inline ones over StorPortNotification and StorPortExtendedFunction.
#pragma once

#ifdef _STORPORT_
#define STORPORT_API
#else
#define STORPORT_API DECLSPEC_IMPORT
#endif

STORPORT_API ULONG NTAPI StorPortInitialize(PVOID Argument1, PVOID Argument2, PHW_INITIALIZATION_DATA HwInitializationData, PVOID HwContext);
STORPORT_API VOID StorPortNotification(SCSI_NOTIFICATION_TYPE NotificationType, PVOID HwDeviceExtension, ...);
STORPORT_API ULONG StorPortExtendedFunction(STORPORT_FUNCTION_CODE FunctionCode, PVOID HwDeviceExtension, ...);
STORPORT_API VOID NTAPI StorPortFreeDeviceBase(PVOID HwDeviceExtension, PVOID MappedAddress);
STORPORT_API ULONG NTAPI StorPortGetBusData(PVOID DeviceExtension, ULONG BusDataType, ULONG SystemIoBusNumber, ULONG SlotNumber, PVOID Buffer, ULONG Length);
STORPORT_API ULONG NTAPI StorPortSetBusDataByOffset(PVOID DeviceExtension, ULONG BusDataType, ULONG SystemIoBusNumber, ULONG SlotNumber, PVOID Buffer,
                                                    ULONG Offset, ULONG Length);
STORPORT_API PVOID NTAPI StorPortGetDeviceBase(PVOID HwDeviceExtension, INTERFACE_TYPE BusType, ULONG SystemIoBusNumber,
                                               STOR_PHYSICAL_ADDRESS IoAddress, ULONG NumberOfBytes, BOOLEAN InIoSpace);
STORPORT_API PVOID NTAPI StorPortGetLogicalUnit(PVOID HwDeviceExtension, UCHAR PathId, UCHAR TargetId, UCHAR Lun);
STORPORT_API PSCSI_REQUEST_BLOCK NTAPI StorPortGetSrb(PVOID DeviceExtension, UCHAR PathId, UCHAR TargetId, UCHAR Lun, LONG QueueTag);
STORPORT_API STOR_PHYSICAL_ADDRESS NTAPI StorPortGetPhysicalAddress(PVOID HwDeviceExtension, PSCSI_REQUEST_BLOCK Srb, PVOID VirtualAddress, ULONG *Length);
STORPORT_API PVOID NTAPI StorPortGetVirtualAddress(PVOID HwDeviceExtension, STOR_PHYSICAL_ADDRESS PhysicalAddress);
STORPORT_API PVOID NTAPI StorPortGetUncachedExtension(PVOID HwDeviceExtension, PPORT_CONFIGURATION_INFORMATION ConfigInfo, ULONG NumberOfBytes);
STORPORT_API PSTOR_SCATTER_GATHER_LIST NTAPI StorPortGetScatterGatherList(PVOID DeviceExtension, PSCSI_REQUEST_BLOCK Srb);
STORPORT_API VOID NTAPI StorPortLogError(PVOID HwDeviceExtension, PSCSI_REQUEST_BLOCK Srb, UCHAR PathId, UCHAR TargetId, UCHAR Lun, ULONG ErrorCode,
                                         ULONG UniqueId);
STORPORT_API VOID NTAPI StorPortCompleteRequest(PVOID HwDeviceExtension, UCHAR PathId, UCHAR TargetId, UCHAR Lun, UCHAR SrbStatus);
STORPORT_API VOID NTAPI StorPortMoveMemory(PVOID Destination, PVOID Source, ULONG Length);
STORPORT_API VOID NTAPI StorPortStallExecution(ULONG Delay);
STORPORT_API STOR_PHYSICAL_ADDRESS NTAPI StorPortConvertUlongToPhysicalAddress(ULONG_PTR UlongAddress);
STORPORT_API ULONG NTAPI StorPortConvertPhysicalAddressToUlong(STOR_PHYSICAL_ADDRESS Address);
STORPORT_API BOOLEAN NTAPI StorPortValidateRange(PVOID HwDeviceExtension, INTERFACE_TYPE BusType, ULONG SystemIoBusNumber,
                                                 STOR_PHYSICAL_ADDRESS IoAddress, ULONG NumberOfBytes, BOOLEAN InIoSpace);
STORPORT_API VOID StorPortDebugPrint(ULONG DebugPrintLevel, PCSTR DebugMessage, ...);
STORPORT_API VOID NTAPI StorPortSynchronizeAccess(PVOID HwDeviceExtension, PSTOR_SYNCHRONIZED_ACCESS SynchronizedAccessRoutine, PVOID Context);
STORPORT_API VOID NTAPI StorPortQuerySystemTime(PLARGE_INTEGER CurrentTime);
STORPORT_API BOOLEAN NTAPI StorPortPause(PVOID HwDeviceExtension, ULONG TimeOut);
STORPORT_API BOOLEAN NTAPI StorPortResume(PVOID HwDeviceExtension);
STORPORT_API BOOLEAN NTAPI StorPortPauseDevice(PVOID HwDeviceExtension, UCHAR PathId, UCHAR TargetId, UCHAR Lun, ULONG TimeOut);
STORPORT_API BOOLEAN NTAPI StorPortResumeDevice(PVOID HwDeviceExtension, UCHAR PathId, UCHAR TargetId, UCHAR Lun);
STORPORT_API BOOLEAN NTAPI StorPortDeviceBusy(PVOID HwDeviceExtension, UCHAR PathId, UCHAR TargetId, UCHAR Lun, ULONG RequestsToComplete);
STORPORT_API BOOLEAN NTAPI StorPortDeviceReady(PVOID HwDeviceExtension, UCHAR PathId, UCHAR TargetId, UCHAR Lun);
STORPORT_API BOOLEAN NTAPI StorPortBusy(PVOID HwDeviceExtension, ULONG RequestsToComplete);
STORPORT_API BOOLEAN NTAPI StorPortReady(PVOID HwDeviceExtension);
STORPORT_API BOOLEAN NTAPI StorPortSetDeviceQueueDepth(PVOID HwDeviceExtension, UCHAR PathId, UCHAR TargetId, UCHAR Lun, ULONG Depth);
STORPORT_API PUCHAR NTAPI StorPortAllocateRegistryBuffer(PVOID HwDeviceExtension, PULONG Length);
STORPORT_API VOID NTAPI StorPortFreeRegistryBuffer(PVOID HwDeviceExtension, PUCHAR Buffer);
STORPORT_API BOOLEAN NTAPI StorPortRegistryRead(PVOID HwDeviceExtension, PUCHAR ValueName, ULONG Global, ULONG Type, PUCHAR Buffer, PULONG BufferLength);
STORPORT_API BOOLEAN NTAPI StorPortRegistryWrite(PVOID HwDeviceExtension, PUCHAR ValueName, ULONG Global, ULONG Type, PUCHAR Buffer, ULONG BufferLength);

#define NEPTUNE_STOR_IO(Type, Suffix)                                                                                     \
    STORPORT_API Type NTAPI StorPortReadPort##Suffix(PVOID HwDeviceExtension, Type *Port);                                \
    STORPORT_API VOID NTAPI StorPortWritePort##Suffix(PVOID HwDeviceExtension, Type *Port, Type Value);                   \
    STORPORT_API VOID NTAPI StorPortReadPortBuffer##Suffix(PVOID HwDeviceExtension, Type *Port, Type *Buffer, ULONG Count);  \
    STORPORT_API VOID NTAPI StorPortWritePortBuffer##Suffix(PVOID HwDeviceExtension, Type *Port, Type *Buffer, ULONG Count); \
    STORPORT_API Type NTAPI StorPortReadRegister##Suffix(PVOID HwDeviceExtension, Type *Register);                        \
    STORPORT_API VOID NTAPI StorPortWriteRegister##Suffix(PVOID HwDeviceExtension, Type *Register, Type Value);           \
    STORPORT_API VOID NTAPI StorPortReadRegisterBuffer##Suffix(PVOID HwDeviceExtension, Type *Register, Type *Buffer, ULONG Count); \
    STORPORT_API VOID NTAPI StorPortWriteRegisterBuffer##Suffix(PVOID HwDeviceExtension, Type *Register, Type *Buffer, ULONG Count);
NEPTUNE_STOR_IO(UCHAR, Uchar)
NEPTUNE_STOR_IO(USHORT, Ushort)
NEPTUNE_STOR_IO(ULONG, Ulong)
#undef NEPTUNE_STOR_IO
STORPORT_API ULONG64 NTAPI StorPortReadRegisterUlong64(PVOID HwDeviceExtension, PULONG64 Register);
STORPORT_API VOID NTAPI StorPortWriteRegisterUlong64(PVOID HwDeviceExtension, PULONG64 Register, ULONG64 Value);

#define StorPortCopyMemory(Destination, Source, Length) RtlCopyMemory(Destination, Source, Length)

// StorPortNotification's types beyond ScsiPort's; the numbers are the interface.
#define EnablePassiveInitialization ((SCSI_NOTIFICATION_TYPE)0x1000)
#define InitializeDpc ((SCSI_NOTIFICATION_TYPE)0x1001)
#define IssueDpc ((SCSI_NOTIFICATION_TYPE)0x1002)
#define AcquireSpinLock ((SCSI_NOTIFICATION_TYPE)0x1003)
#define ReleaseSpinLock ((SCSI_NOTIFICATION_TYPE)0x1004)
#define StateChangeDetectedCall ((SCSI_NOTIFICATION_TYPE)0x1005)
#define IoTargetRequestServiceTime ((SCSI_NOTIFICATION_TYPE)0x1006)
#define AsyncNotificationDetected ((SCSI_NOTIFICATION_TYPE)0x1007)

FORCEINLINE BOOLEAN StorPortEnablePassiveInitialization(PVOID DeviceExtension, PHW_PASSIVE_INITIALIZE_ROUTINE Routine)
{
    BOOLEAN Succeeded = FALSE;
    StorPortNotification(EnablePassiveInitialization, DeviceExtension, Routine, &Succeeded);
    return Succeeded;
}
FORCEINLINE VOID StorPortInitializeDpc(PVOID DeviceExtension, PSTOR_DPC Dpc, PHW_DPC_ROUTINE Routine)
{
    StorPortNotification(InitializeDpc, DeviceExtension, Dpc, Routine);
}
FORCEINLINE BOOLEAN StorPortIssueDpc(PVOID DeviceExtension, PSTOR_DPC Dpc, PVOID SystemArgument1, PVOID SystemArgument2)
{
    BOOLEAN Succeeded = FALSE;
    StorPortNotification(IssueDpc, DeviceExtension, Dpc, SystemArgument1, SystemArgument2, &Succeeded);
    return Succeeded;
}
FORCEINLINE VOID StorPortAcquireSpinLock(PVOID DeviceExtension, STOR_SPINLOCK SpinLock, PVOID LockContext, PSTOR_LOCK_HANDLE LockHandle)
{
    StorPortNotification(AcquireSpinLock, DeviceExtension, SpinLock, LockContext, LockHandle);
}
FORCEINLINE VOID StorPortReleaseSpinLock(PVOID DeviceExtension, PSTOR_LOCK_HANDLE LockHandle)
{
    StorPortNotification(ReleaseSpinLock, DeviceExtension, LockHandle);
}

// One inline function per extended function. The device extension is the first argument of each.
#define NEPTUNE_STOR_EXT(Name, Code, Parameters, ...) \
    FORCEINLINE ULONG StorPort##Name Parameters { return StorPortExtendedFunction(ExtFunction##Code, HwDeviceExtension, ##__VA_ARGS__); }
#define X PVOID HwDeviceExtension
NEPTUNE_STOR_EXT(AllocatePool, AllocatePool, (X, ULONG NumberOfBytes, ULONG Tag, PVOID *BufferPointer), NumberOfBytes, Tag, BufferPointer)
NEPTUNE_STOR_EXT(FreePool, FreePool, (X, PVOID BufferPointer), BufferPointer)
NEPTUNE_STOR_EXT(AllocateMdl, AllocateMdl, (X, PVOID BufferPointer, ULONG NumberOfBytes, PVOID *Mdl), BufferPointer, NumberOfBytes, Mdl)
NEPTUNE_STOR_EXT(FreeMdl, FreeMdl, (X, PVOID Mdl), Mdl)
NEPTUNE_STOR_EXT(BuildMdlForNonPagedPool, BuildMdlForNonPagedPool, (X, PVOID Mdl), Mdl)
NEPTUNE_STOR_EXT(GetSystemAddress, GetSystemAddress, (X, PSCSI_REQUEST_BLOCK Srb, PVOID *SystemAddress), Srb, SystemAddress)
NEPTUNE_STOR_EXT(GetOriginalMdl, GetOriginalMdl, (X, PSCSI_REQUEST_BLOCK Srb, PVOID *Mdl), Srb, Mdl)
NEPTUNE_STOR_EXT(CompleteServiceIrp, CompleteServiceIrp, (X, PVOID Irp), Irp)
NEPTUNE_STOR_EXT(GetDeviceObjects, GetDeviceObjects, (X, PVOID *Adapter, PVOID *Physical, PVOID *Lower), Adapter, Physical, Lower)
NEPTUNE_STOR_EXT(PutScatterGatherList, PutScatterGatherList, (X, PSTOR_SCATTER_GATHER_LIST List, BOOLEAN WriteToDevice), List, WriteToDevice)
NEPTUNE_STOR_EXT(AcquireMSISpinLock, AcquireMSISpinLock, (X, ULONG MessageId, PULONG OldIrql), MessageId, OldIrql)
NEPTUNE_STOR_EXT(ReleaseMSISpinLock, ReleaseMSISpinLock, (X, ULONG MessageId, ULONG OldIrql), MessageId, OldIrql)
NEPTUNE_STOR_EXT(GetMSIInfo, GetMessageInterruptInformation, (X, ULONG MessageId, PMESSAGE_INTERRUPT_INFORMATION Info), MessageId, Info)
NEPTUNE_STOR_EXT(InitializePerfOpts, InitializePerformanceOptimizations, (X, BOOLEAN Query, PPERF_CONFIGURATION_DATA Data), Query, Data)
NEPTUNE_STOR_EXT(GetStartIoPerfParams, GetStartIoPerformanceParameters, (X, PSCSI_REQUEST_BLOCK Srb, PVOID Parameters), Srb, Parameters)
NEPTUNE_STOR_EXT(GetCurrentProcessorNumber, GetCurrentProcessorNumber, (X, PPROCESSOR_NUMBER Number), Number)
NEPTUNE_STOR_EXT(GetHighestNodeNumber, GetHighestNodeNumber, (X, PULONG Number), Number)
NEPTUNE_STOR_EXT(AllocateContiguousMemorySpecifyCacheNode, AllocateContiguousMemorySpecifyCacheNode,
                 (X, SIZE_T Bytes, PHYSICAL_ADDRESS Low, PHYSICAL_ADDRESS High, PHYSICAL_ADDRESS Boundary, MEMORY_CACHING_TYPE Cache,
                  NODE_REQUIREMENT Node, PVOID *Buffer), Bytes, Low, High, Boundary, Cache, Node, Buffer)
NEPTUNE_STOR_EXT(FreeContiguousMemorySpecifyCache, FreeContiguousMemorySpecifyCache, (X, PVOID Base, SIZE_T Bytes, MEMORY_CACHING_TYPE Cache),
                 Base, Bytes, Cache)
NEPTUNE_STOR_EXT(SetPowerSettingNotificationGuids, SetPowerSettingNotificationGuids, (X, ULONG GuidCount, LPGUID Guid), GuidCount, Guid)
NEPTUNE_STOR_EXT(InvokeAcpiMethod, InvokeAcpiMethod, (X, PVOID Address, ULONG MethodName, PVOID In, ULONG InLength, PVOID Out, ULONG OutLength,
                                                      PULONG Returned), Address, MethodName, In, InLength, Out, OutLength, Returned)
NEPTUNE_STOR_EXT(InitializeWorker, InitializeWorker, (X, PVOID *Worker), Worker)
NEPTUNE_STOR_EXT(QueueWorkItem, QueueWorkItem, (X, PHW_WORKITEM Callback, PVOID Worker, PVOID Context), Callback, Worker, Context)
NEPTUNE_STOR_EXT(FreeWorker, FreeWorker, (X, PVOID Worker), Worker)
NEPTUNE_STOR_EXT(InitializeTimer, InitializeTimer, (X, PVOID *Handle), Handle)
NEPTUNE_STOR_EXT(RequestTimer, RequestTimer, (X, PVOID Handle, PHW_TIMER_EX Callback, PVOID Context, ULONGLONG Microseconds, ULONGLONG Tolerance),
                 Handle, Callback, Context, Microseconds, Tolerance)
NEPTUNE_STOR_EXT(FreeTimer, FreeTimer, (X, PVOID Handle), Handle)
NEPTUNE_STOR_EXT(GetSystemPortNumber, GetSystemPortNumber, (X, PVOID Address), Address)
NEPTUNE_STOR_EXT(MarkDumpMemory, MarkDumpMemory, (X, PVOID Address, ULONG_PTR Length, ULONG Flags), Address, Length, Flags)
NEPTUNE_STOR_EXT(QueryPerformanceCounter, QueryPerformanceCounter, (X, PLARGE_INTEGER Frequency, PLARGE_INTEGER Counter), Frequency, Counter)
NEPTUNE_STOR_EXT(PoFxActivateComponent, PoFxActivateComponent, (X, PVOID Address, PSCSI_REQUEST_BLOCK Srb, ULONG Component, ULONG Flags),
                 Address, Srb, Component, Flags)
NEPTUNE_STOR_EXT(PoFxIdleComponent, PoFxIdleComponent, (X, PVOID Address, PSCSI_REQUEST_BLOCK Srb, ULONG Component, ULONG Flags), Address, Srb,
                 Component, Flags)
NEPTUNE_STOR_EXT(PoFxSetComponentLatency, PoFxSetComponentLatency, (X, PVOID Address, ULONG Component, ULONGLONG Latency), Address, Component, Latency)
NEPTUNE_STOR_EXT(PoFxSetComponentResidency, PoFxSetComponentResidency, (X, PVOID Address, ULONG Component, ULONGLONG Residency), Address, Component,
                 Residency)
NEPTUNE_STOR_EXT(PoFxSetIdleTimeout, PoFxSetIdleTimeout, (X, PVOID Address, ULONGLONG IdleTimeout), Address, IdleTimeout)
NEPTUNE_STOR_EXT(GetD3ColdSupport, GetD3ColdSupport, (X, PVOID Address, PBOOLEAN Supported), Address, Supported)
NEPTUNE_STOR_EXT(DelayExecution, DelayExecution, (X, ULONG Microseconds), Microseconds)
NEPTUNE_STOR_EXT(AllocateDmaMemory, AllocateDmaMemory, (X, SIZE_T Bytes, PHYSICAL_ADDRESS Low, PHYSICAL_ADDRESS High, PHYSICAL_ADDRESS Boundary,
                                                        MEMORY_CACHING_TYPE Cache, NODE_REQUIREMENT Node, PVOID *Buffer, PPHYSICAL_ADDRESS Physical),
                 Bytes, Low, High, Boundary, Cache, Node, Buffer, Physical)
NEPTUNE_STOR_EXT(FreeDmaMemory, FreeDmaMemory, (X, PVOID Base, SIZE_T Bytes, MEMORY_CACHING_TYPE Cache, PHYSICAL_ADDRESS Physical), Base, Bytes, Cache,
                 Physical)
#undef X
#undef NEPTUNE_STOR_EXT
