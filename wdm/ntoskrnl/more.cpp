// Small functions that sample drivers call: checks of the I/O manager's, legacy resources, processors, memory lists, power, names.
#include "wdm/ntoskrnl/device.hpp"

extern "C" {
NTSTATUS NTAPI NtAllocateUuids(PLARGE_INTEGER Time, PULONG Range, PULONG Sequence, PUCHAR Seed);
NTSTATUS NTAPI RtlOemStringToUnicodeString(PUNICODE_STRING, PCOEM_STRING, BOOLEAN);
void NTAPI RtlRaiseException(PEXCEPTION_RECORD);
}

using namespace host;
#define CALLER __builtin_return_address(0)

namespace host {
bool FillFrames(MDL* M);                // hardware.cpp
}

extern "C" {

// --- I/O

PVOID NTAPI IoGetInitialStackExport() { return reinterpret_cast<PVOID>(TebWord(0x08)); }
LOGICAL NTAPI IoWithinStackLimitsExport(ULONG_PTR At, SIZE_T Bytes) { return At >= TebWord(0x10) && At + Bytes <= TebWord(0x08) && At + Bytes >= At; }
NTSTATUS NTAPI IoCreateFile(PHANDLE H, ACCESS_MASK A, POBJECT_ATTRIBUTES O, PIO_STATUS_BLOCK I, PLARGE_INTEGER S, ULONG F, ULONG Sh, ULONG D, ULONG Op, PVOID Ea, ULONG El,
                            CREATE_FILE_TYPE Type, PVOID, ULONG)
{
    return Type == CreateFileTypeNone ? ZwCreateFile(H, A, O, I, S, F, Sh, D, Op, Ea, El) : STATUS_NOT_IMPLEMENTED;
}
NTSTATUS NTAPI IoCreateFileExExport(PHANDLE H, ACCESS_MASK A, POBJECT_ATTRIBUTES O, PIO_STATUS_BLOCK I, PLARGE_INTEGER S, ULONG F, ULONG Sh, ULONG D, ULONG Op, PVOID Ea, ULONG El,
                              CREATE_FILE_TYPE Type, PVOID, ULONG, PVOID)
{
    return Type == CreateFileTypeNone ? ZwCreateFile(H, A, O, I, S, F, Sh, D, Op, Ea, El) : STATUS_NOT_IMPLEMENTED;
}
NTSTATUS NTAPI IoSynchronousCallDriver(PDEVICE_OBJECT D, PIRP I)
{
    IoForwardIrpSynchronously(D, I);
    return I->IoStatus.Status;
}
NTSTATUS NTAPI IoAttachDeviceByPointer(PDEVICE_OBJECT Source, PDEVICE_OBJECT Target)
{
    return IoAttachDeviceToDeviceStack(Source, Target) ? STATUS_SUCCESS : STATUS_NO_SUCH_DEVICE;
}
BOOLEAN NTAPI IoTryQueueWorkItem(PIO_WORKITEM W, PIO_WORKITEM_ROUTINE_EX Routine, WORK_QUEUE_TYPE Queue, PVOID Context)
{
    IoQueueWorkItemEx(W, Routine, Queue, Context);
    return TRUE;
}
// The hint of a request is three bits of its flags, as on Windows: 0 none (normal), else the hint + 1. Requests are served in order whatever it is.
IO_PRIORITY_HINT NTAPI IoGetIoPriorityHint(PIRP I)
{
    ULONG Bits = I->Flags >> 17 & 7;
    return Bits ? IO_PRIORITY_HINT(Bits - 1) : IoPriorityNormal;
}
NTSTATUS NTAPI IoSetIoPriorityHint(PIRP I, IO_PRIORITY_HINT Hint)
{
    if (ULONG(Hint) >= MaxIoPriorityTypes)
        return STATUS_INVALID_PARAMETER;
    I->Flags = (I->Flags & ~(7u << 17)) | (ULONG(Hint) + 1) << 17;
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI IoRetrievePriorityInfo(PIRP I, PFILE_OBJECT, PETHREAD Thread, PIO_PRIORITY_INFO Info)
{
    if (Info->Size != sizeof(*Info))
        return STATUS_INVALID_PARAMETER;
    Info->ThreadPriority = Thread ? ULONG(KeQueryPriorityThread(reinterpret_cast<PKTHREAD>(Thread))) : 0xFFFF;
    Info->PagePriority = 5;             // MEMORY_PRIORITY_NORMAL: pages have no other
    Info->IoPriority = I ? IoGetIoPriorityHint(I) : IoPriorityNormal;
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI IoSetIoPriorityHintIntoFileObject(PFILE_OBJECT, IO_PRIORITY_HINT) { return STATUS_SUCCESS; }
NTSTATUS NTAPI IoGetActivityIdIrp(PIRP, LPGUID) { return STATUS_NOT_FOUND; }
NTSTATUS NTAPI IoSetActivityIdIrp(PIRP, LPCGUID) { return STATUS_SUCCESS; }
LPCGUID NTAPI IoGetActivityIdThread() { return nullptr; }
LPCGUID NTAPI IoSetActivityIdThread(LPCGUID) { return nullptr; }
void NTAPI IoClearActivityIdThread(LPCGUID) { }
BOOLEAN NTAPI IoIsValidIrpStatus(NTSTATUS S) { return S != STATUS_PENDING; }
BOOLEAN NTAPI IoIsFileOriginRemote(PFILE_OBJECT F) { return (F->Flags & FO_REMOTE_ORIGIN) != 0; }
NTSTATUS NTAPI IoSetFileOrigin(PFILE_OBJECT F, BOOLEAN Remote)
{
    bool Is = F->Flags & FO_REMOTE_ORIGIN;
    if (Is == bool(Remote))
        return STATUS_INVALID_PARAMETER;
    F->Flags ^= FO_REMOTE_ORIGIN;
    return STATUS_SUCCESS;
}
PGENERIC_MAPPING NTAPI IoGetFileObjectGenericMapping()
{
    static GENERIC_MAPPING Mapping { FILE_GENERIC_READ, FILE_GENERIC_WRITE, FILE_GENERIC_EXECUTE, FILE_ALL_ACCESS };
    return &Mapping;
}
NTSTATUS NTAPI IoCheckDesiredAccess(PACCESS_MASK Desired, ACCESS_MASK Granted)
{
    RtlMapGenericMask(Desired, IoGetFileObjectGenericMapping());
    return *Desired & ~Granted ? STATUS_ACCESS_DENIED : STATUS_SUCCESS;
}
// A list of FILE_FULL_EA_INFORMATION that stays within its buffer; else where the first bad one is.
NTSTATUS NTAPI IoCheckEaBufferValidity(PFILE_FULL_EA_INFORMATION Buffer, ULONG Bytes, PULONG Bad)
{
    ULONG At = 0;
    for (;;) {
        *Bad = At;
        constexpr ULONG Head = FIELD_OFFSET(FILE_FULL_EA_INFORMATION, EaName);
        if (Bytes - At < Head)
            return STATUS_EA_LIST_INCONSISTENT;
        auto* E = reinterpret_cast<PFILE_FULL_EA_INFORMATION>(reinterpret_cast<u8*>(Buffer) + At);
        ULONG Needed = Head + E->EaNameLength + 1 + E->EaValueLength;
        if (Needed > Bytes - At || E->EaName[E->EaNameLength])
            return STATUS_EA_LIST_INCONSISTENT;
        if (!E->NextEntryOffset)
            return STATUS_SUCCESS;
        if (E->NextEntryOffset & 3 || E->NextEntryOffset < Needed || E->NextEntryOffset > Bytes - At)
            return STATUS_EA_LIST_INCONSISTENT;
        At += E->NextEntryOffset;
    }
}
BOOLEAN NTAPI IoSetThreadHardErrorMode(BOOLEAN) { return TRUE; }
NTSTATUS NTAPI IoGetRequestorSessionId(PIRP, PULONG Session)
{
    *Session = 0;
    return STATUS_SUCCESS;
}
ULONG IoReadOperationCountValue, IoWriteOperationCountValue, IoOtherOperationCountValue;
LARGE_INTEGER IoReadTransferCountValue, IoWriteTransferCountValue, IoOtherTransferCountValue;
KSPIN_LOCK IoStatisticsLockValue;
// The volume's file system is asked whether it is still its medium. Mounting another one by itself is not among the answers.
NTSTATUS NTAPI IoVerifyVolume(PDEVICE_OBJECT Real, BOOLEAN)
{
    VPB* V = Real->Vpb;
    if (!V || !(V->Flags & VPB_MOUNTED) || !V->DeviceObject)
        return STATUS_SUCCESS;          // the next open mounts
    DEVICE_OBJECT* Top = TopOf(V->DeviceObject);
    KEVENT Done;
    IO_STATUS_BLOCK Iosb;
    KeInitializeEvent(&Done, NotificationEvent, FALSE);
    PIRP I = IoBuildSynchronousFsdRequest(IRP_MJ_FLUSH_BUFFERS, Top, nullptr, 0, nullptr, &Done, &Iosb);
    if (!I)
        return STATUS_INSUFFICIENT_RESOURCES;
    IO_STACK_LOCATION* S = IoGetNextIrpStackLocation(I);
    S->MajorFunction = IRP_MJ_FILE_SYSTEM_CONTROL;
    S->MinorFunction = IRP_MN_VERIFY_VOLUME;
    S->Flags = SL_ALLOW_RAW_MOUNT;
    S->Parameters.VerifyVolume.Vpb = V;
    S->Parameters.VerifyVolume.DeviceObject = V->DeviceObject;
    NTSTATUS Status = IofCallDriver(Top, I);
    if (Status == STATUS_PENDING) {
        KeWaitForSingleObject(&Done, Executive, KernelMode, FALSE, nullptr);
        Status = Iosb.Status;
    }
    return Status;
}

// --- detection of hardware that no bus reports: there is no description of it, and no devnode is made from a report

NTSTATUS NTAPI IoReportDetectedDevice(PDRIVER_OBJECT, INTERFACE_TYPE, ULONG, ULONG, PCM_RESOURCE_LIST, PIO_RESOURCE_REQUIREMENTS_LIST, BOOLEAN, PDEVICE_OBJECT*)
{
    return STATUS_NOT_IMPLEMENTED;
}
NTSTATUS NTAPI IoQueryDeviceDescription(PINTERFACE_TYPE, PULONG, PCONFIGURATION_TYPE, PULONG, PCONFIGURATION_TYPE, PULONG, PIO_QUERY_DEVICE_ROUTINE, PVOID)
{
    return STATUS_OBJECT_NAME_NOT_FOUND;
}
// Nothing arbitrates what a driver says it uses: a device's resources are those its bus driver gave it.
NTSTATUS NTAPI IoReportResourceUsage(PUNICODE_STRING, PDRIVER_OBJECT, PCM_RESOURCE_LIST, ULONG, PDEVICE_OBJECT, PCM_RESOURCE_LIST, ULONG, BOOLEAN, PBOOLEAN Conflict)
{
    *Conflict = FALSE;
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI IoReportResourceForDetection(PDRIVER_OBJECT, PCM_RESOURCE_LIST, ULONG, PDEVICE_OBJECT, PCM_RESOURCE_LIST, ULONG, PBOOLEAN Conflict)
{
    *Conflict = FALSE;
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI IoReportTargetDeviceChange(PDEVICE_OBJECT, PVOID) { return STATUS_NOT_IMPLEMENTED; }
NTSTATUS NTAPI IoReportTargetDeviceChangeAsynchronous(PDEVICE_OBJECT, PVOID, PDEVICE_CHANGE_COMPLETE_CALLBACK, PVOID) { return STATUS_NOT_IMPLEMENTED; }
NTSTATUS NTAPI IoGetDeviceInterfaceAlias(PUNICODE_STRING, const GUID*, PUNICODE_STRING) { return STATUS_NOT_IMPLEMENTED; }
NTSTATUS NTAPI IoGetDevicePropertyData(PDEVICE_OBJECT, const DEVPROPKEY*, LCID, ULONG, ULONG, PVOID, PULONG, PDEVPROPTYPE) { return STATUS_NOT_IMPLEMENTED; }
NTSTATUS NTAPI IoSetDevicePropertyData(PDEVICE_OBJECT, const DEVPROPKEY*, LCID, ULONG, DEVPROPTYPE, ULONG, PVOID) { return STATUS_NOT_IMPLEMENTED; }

// --- text on the screen, which is not the drivers'

void NTAPI HalDisplayString(PUCHAR Text) { Log("%s", reinterpret_cast<char*>(Text)); }
BOOLEAN NTAPI InbvCheckDisplayOwnership() { return FALSE; }
void NTAPI InbvAcquireDisplayOwnership() { }
BOOLEAN NTAPI InbvResetDisplay() { return FALSE; }
BOOLEAN NTAPI InbvDisplayString(PUCHAR Text)
{
    HalDisplayString(Text);
    return TRUE;
}
void NTAPI HalAcquireDisplayOwnershipExport(PVOID) { }
// The speaker's frequency in Hz; 0: quiet. TRUE: it can be made.
BOOLEAN NTAPI HalMakeBeep(ULONG Frequency)
{
    wd::Status S { Frequency, 0 };
    return Control(wd::Control::Beep, &S, sizeof(S)) >= 0;
}

PVOID NTAPI HalAllocateCommonBufferExport(PADAPTER_OBJECT Adapter, ULONG Bytes, PPHYSICAL_ADDRESS Logical, BOOLEAN Cached)
{
    auto* D = reinterpret_cast<PDMA_ADAPTER>(Adapter);
    return D->DmaOperations->AllocateCommonBuffer(D, Bytes, Logical, Cached);
}
void NTAPI HalFreeCommonBufferExport(PADAPTER_OBJECT Adapter, ULONG Bytes, PHYSICAL_ADDRESS Logical, PVOID At, BOOLEAN Cached)
{
    auto* D = reinterpret_cast<PDMA_ADAPTER>(Adapter);
    D->DmaOperations->FreeCommonBuffer(D, Bytes, Logical, At, Cached);
}

// --- transactions: there is no manager of them

NTSTATUS NTAPI TmEnableCallbacksExport() { return STATUS_NOT_IMPLEMENTED; }
NTSTATUS NTAPI TmRecoverResourceManagerExport() { return STATUS_NOT_IMPLEMENTED; }
NTSTATUS NTAPI ZwCreateEnlistmentExport() { return STATUS_NOT_IMPLEMENTED; }
NTSTATUS NTAPI ZwCreateResourceManagerExport() { return STATUS_NOT_IMPLEMENTED; }
NTSTATUS NTAPI ZwCreateTransactionManagerExport() { return STATUS_NOT_IMPLEMENTED; }
NTSTATUS NTAPI ZwRecoverResourceManagerExport() { return STATUS_NOT_IMPLEMENTED; }
NTSTATUS NTAPI ZwRecoverTransactionManagerExport() { return STATUS_NOT_IMPLEMENTED; }

// --- processors

void NTAPI KeStackAttachProcess(PKPROCESS, PKAPC_STATE) { }        // memory of another process is never this one's
void NTAPI KeUnstackDetachProcess(PKAPC_STATE) { }
void NTAPI KeSetSystemAffinityThread(KAFFINITY) { }
void NTAPI KeRevertToUserAffinityThread() { }
KAFFINITY NTAPI KeSetSystemAffinityThreadEx(KAFFINITY) { return 1; }
void NTAPI KeRevertToUserAffinityThreadEx(KAFFINITY) { }
USHORT NTAPI KeQueryActiveGroupCount() { return 1; }
USHORT NTAPI KeQueryMaximumGroupCount() { return 1; }
KAFFINITY NTAPI KeQueryGroupAffinity(USHORT Group) { return Group ? 0 : 1; }
NTSTATUS NTAPI KeGetProcessorNumberFromIndex(ULONG Index, PPROCESSOR_NUMBER Number)
{
    if (Index)
        return STATUS_INVALID_PARAMETER;
    *Number = {};
    return STATUS_SUCCESS;
}
ULONG NTAPI KeGetProcessorIndexFromNumber(PPROCESSOR_NUMBER Number) { return Number->Group || Number->Number ? 0xFFFFFFFF : 0; }
NTSTATUS NTAPI KeSetTargetProcessorDpcEx(PKDPC, PPROCESSOR_NUMBER) { return STATUS_SUCCESS; }
ULONG_PTR NTAPI KeIpiGenericCall(PKIPI_BROADCAST_WORKER Routine, ULONG_PTR Context)
{
    KIRQL Old = Raise(14);              // IPI_LEVEL
    ULONG_PTR Result = Routine(Context);
    Lower(Old);
    return Result;
}
NTSTATUS NTAPI KeExpandKernelStackAndCallout(PEXPAND_STACK_CALLOUT Routine, PVOID Context, SIZE_T)
{
    Routine(Context);                   // a thread's stack is as large as any needs
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI KeExpandKernelStackAndCalloutEx(PEXPAND_STACK_CALLOUT Routine, PVOID Context, SIZE_T, BOOLEAN, PVOID)
{
    Routine(Context);
    return STATUS_SUCCESS;
}
// The process ends with a line in the log; a dump is not made, so there is nothing to add to one.
BOOLEAN NTAPI KeRegisterBugCheckCallback(PKBUGCHECK_CALLBACK_RECORD, PKBUGCHECK_CALLBACK_ROUTINE, PVOID, ULONG, PUCHAR) { return FALSE; }
BOOLEAN NTAPI KeDeregisterBugCheckCallback(PKBUGCHECK_CALLBACK_RECORD) { return FALSE; }
BOOLEAN NTAPI KeRegisterBugCheckReasonCallback(PKBUGCHECK_REASON_CALLBACK_RECORD, PKBUGCHECK_REASON_CALLBACK_ROUTINE, KBUGCHECK_CALLBACK_REASON, PUCHAR) { return FALSE; }
BOOLEAN NTAPI KeDeregisterBugCheckReasonCallback(PKBUGCHECK_REASON_CALLBACK_RECORD) { return FALSE; }
PVOID KeLoaderBlockValue = nullptr;
LOGICAL NTAPI KeIsExecutingDpc() { return Irql() == DISPATCH_LEVEL; }
LOGICAL NTAPI KeShouldYieldProcessor() { return FALSE; }
BOOLEAN NTAPI ExIsProcessorFeaturePresent(ULONG Feature) { return Feature < 64 ? reinterpret_cast<volatile UCHAR*>(0x7FFE0274)[Feature] : FALSE; }
BOOLEAN NTAPI ExVerifySuiteExport(ULONG) { return FALSE; }
BOOLEAN NTAPI RtlIsNtDdiVersionAvailable(ULONG Version) { return Version <= 0x0A00000C; }
BOOLEAN NTAPI RtlIsServicePackVersionInstalled(ULONG Version) { return Version <= 0x0A000000; }
void NTAPI ExRaiseException(PEXCEPTION_RECORD Record) { RtlRaiseException(Record); }
ULONG NTAPI ExInterlockedAddUlong(PULONG To, ULONG What, PKSPIN_LOCK) { return __atomic_fetch_add(To, What, __ATOMIC_SEQ_CST); }
NTSTATUS NTAPI ExUuidCreate(UUID* Out)
{
    LARGE_INTEGER Time;
    ULONG Range, Sequence;
    UCHAR Node[6];
    if (NTSTATUS Status = NtAllocateUuids(&Time, &Range, &Sequence, Node); Status < 0)
        return Status;
    u64 T = u64(Time.QuadPart);
    Out->Data1 = ULONG(T);
    Out->Data2 = USHORT(T >> 32);
    Out->Data3 = USHORT((T >> 48 & 0x0FFF) | 0x1000);
    Out->Data4[0] = UCHAR((Sequence >> 8 & 0x3F) | 0x80);
    Out->Data4[1] = UCHAR(Sequence);
    memcpy(Out->Data4 + 2, Node, sizeof(Node));
    return STATUS_SUCCESS;
}

// --- memory

BOOLEAN NTAPI MmIsRecursiveIoFault() { return FALSE; }
NTSTATUS NTAPI MmPrefetchPages(ULONG, PREAD_LIST*) { return STATUS_NOT_IMPLEMENTED; }
PVOID NTAPI MmLockPagableImageSection(PVOID At) { return At; }
NTSTATUS NTAPI MmAdvanceMdl(PMDL M, ULONG Bytes)
{
    if (Bytes >= M->ByteCount)
        return STATUS_INVALID_PARAMETER_2;
    ULONG Pages = (M->ByteOffset + Bytes) >> PageShift, Left = ULONG((M->ByteOffset + u64(M->ByteCount) + PageMask) >> PageShift) - Pages;
    auto* Frames = reinterpret_cast<PFN_NUMBER*>(M + 1);
    memmove(Frames, Frames + Pages, Left * sizeof(PFN_NUMBER));
    M->StartVa = static_cast<u8*>(M->StartVa) + u64(Pages) * PageSize;
    M->ByteOffset = ULONG((M->ByteOffset + Bytes) & PageMask);
    M->ByteCount -= Bytes;
    if (M->MdlFlags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL))
        M->MappedSystemVa = static_cast<u8*>(M->MappedSystemVa) + Bytes;
    return STATUS_SUCCESS;
}
// Pages of this process's memory: below no particular address, and at one.
PMDL NTAPI MmAllocatePagesForMdlEx(PHYSICAL_ADDRESS, PHYSICAL_ADDRESS, PHYSICAL_ADDRESS, SIZE_T Bytes, MEMORY_CACHING_TYPE, ULONG)
{
    Bytes = AlignUp(Bytes, PageSize);
    PVOID At = ExAllocatePoolWithTag(NonPagedPool, Bytes, 'ldmM');
    if (!At)
        return nullptr;
    memset(At, 0, Bytes);
    PMDL M = IoAllocateMdl(At, ULONG(Bytes), FALSE, FALSE, nullptr);
    if (!M || !FillFrames(M)) {
        if (M)
            IoFreeMdl(M);
        ExFreePool(At);
        return nullptr;
    }
    M->MdlFlags |= MDL_PAGES_LOCKED;
    return M;
}
PMDL NTAPI MmAllocatePagesForMdl(PHYSICAL_ADDRESS Low, PHYSICAL_ADDRESS High, PHYSICAL_ADDRESS Skip, SIZE_T Bytes)
{
    return MmAllocatePagesForMdlEx(Low, High, Skip, Bytes, MmCached, 0);
}
void NTAPI MmFreePagesFromMdl(PMDL M)
{
    ExFreePool(M->StartVa);
    M->MdlFlags &= ~(MDL_PAGES_LOCKED | MDL_MAPPED_TO_SYSTEM_VA);
}
void NTAPI ExDisableResourceBoostLite(PERESOURCE) { }
NTSTATUS NTAPI ExRaiseHardError(NTSTATUS, ULONG, ULONG, PULONG_PTR, ULONG, PULONG) { return STATUS_NOT_IMPLEMENTED; }

// --- power: the machine is working, and nothing turns it down

NTSTATUS NTAPI PoRegisterPowerSettingCallback(PDEVICE_OBJECT, LPCGUID, PPOWER_SETTING_CALLBACK, PVOID, PVOID*) { return STATUS_NOT_IMPLEMENTED; }
NTSTATUS NTAPI PoUnregisterPowerSettingCallback(PVOID) { return STATUS_NOT_IMPLEMENTED; }
PULONG NTAPI PoRegisterDeviceForIdleDetection(PDEVICE_OBJECT, ULONG, ULONG, DEVICE_POWER_STATE) { return nullptr; }      // the device is never idle enough
PVOID NTAPI PoRegisterSystemState(PVOID Handle, EXECUTION_STATE) { return Handle ? Handle : PVOID(&IoStatisticsLockValue); }
void NTAPI PoUnregisterSystemState(PVOID) { }
void NTAPI PoSetSystemState(EXECUTION_STATE) { }
void NTAPI PoSetDeviceBusyEx(PULONG) { }
void NTAPI PoStartDeviceBusy(PULONG) { }
void NTAPI PoEndDeviceBusy(PULONG) { }
BOOLEAN NTAPI PoGetSystemWake(PIRP) { return FALSE; }
void NTAPI PoSetSystemWake(PIRP) { }
NTSTATUS NTAPI PoFxRegisterDevice(PDEVICE_OBJECT, PVOID, PVOID*) { return STATUS_NOT_IMPLEMENTED; }

// --- names

NTSTATUS NTAPI RtlOemStringToCountedUnicodeString(PUNICODE_STRING To, PCOEM_STRING From, BOOLEAN Allocate)
{
    if (!From->Length) {
        To->Length = 0;
        if (Allocate)
            *To = {};
        return STATUS_SUCCESS;
    }
    if (Allocate)
        return RtlOemStringToUnicodeString(To, From, TRUE);
    ULONG Bytes;
    NTSTATUS Status = RtlOemToUnicodeN(To->Buffer, To->MaximumLength, &Bytes, From->Buffer, From->Length);
    To->Length = USHORT(Bytes);
    return Status;
}
// Whether the character has one of the OEM code page: there and back it is the same. The character comes back in upper case.
BOOLEAN NTAPI RtlIsValidOemCharacter(PWCHAR Character)
{
    CHAR Oem[4];
    ULONG Bytes;
    WCHAR Upper = RtlUpcaseUnicodeChar(*Character), Again;
    if (RtlUnicodeToOemN(Oem, sizeof(Oem), &Bytes, &Upper, sizeof(Upper)) < 0 || !Bytes)
        return FALSE;
    ULONG Back;
    if (RtlOemToUnicodeN(&Again, sizeof(Again), &Back, Oem, Bytes) < 0 || Again != Upper)
        return FALSE;
    *Character = Upper;
    return TRUE;
}

// Lead bytes of the OEM code page, which has none.
static USHORT LeadBytes[256];
PUSHORT NlsOemLeadByteInfoValue = LeadBytes;

// --- prefix tables: one list; a name is found by the longest entry that is it or a folder above it

constexpr CSHORT TableCode = 0x800;
void NTAPI RtlInitializeUnicodePrefix(PUNICODE_PREFIX_TABLE T) { *T = { TableCode, 0, nullptr, nullptr }; }
static bool Same(const UNICODE_STRING& A, const UNICODE_STRING& B, ULONG FirstInsensitive)
{
    if (A.Length != B.Length)
        return false;
    UNICODE_STRING Exact { USHORT(A.Length / 2 < FirstInsensitive ? A.Length : FirstInsensitive * 2), 0, A.Buffer };
    if (memcmp(Exact.Buffer, B.Buffer, Exact.Length))
        return false;
    UNICODE_STRING RestA { USHORT(A.Length - Exact.Length), 0, A.Buffer + Exact.Length / 2 }, RestB { RestA.Length, 0, B.Buffer + Exact.Length / 2 };
    return RtlEqualUnicodeString(&RestA, &RestB, TRUE);
}
BOOLEAN NTAPI RtlInsertUnicodePrefix(PUNICODE_PREFIX_TABLE T, PUNICODE_STRING Prefix, PUNICODE_PREFIX_TABLE_ENTRY New)
{
    for (auto* E = T->NextPrefixTree; E; E = E->NextPrefixTree)
        if (RtlEqualUnicodeString(E->Prefix, Prefix, FALSE))
            return FALSE;
    memset(New, 0, sizeof(*New));
    New->NodeTypeCode = TableCode + 1;
    New->NameLength = CSHORT(Prefix->Length);
    New->Prefix = Prefix;
    auto** At = &T->NextPrefixTree;     // longest first
    while (*At && (*At)->NameLength > New->NameLength)
        At = &(*At)->NextPrefixTree;
    New->NextPrefixTree = *At;
    *At = New;
    return TRUE;
}
void NTAPI RtlRemoveUnicodePrefix(PUNICODE_PREFIX_TABLE T, PUNICODE_PREFIX_TABLE_ENTRY Gone)
{
    T->LastNextEntry = nullptr;
    for (auto** At = &T->NextPrefixTree; *At; At = &(*At)->NextPrefixTree)
        if (*At == Gone) {
            *At = Gone->NextPrefixTree;
            return;
        }
}
PUNICODE_PREFIX_TABLE_ENTRY NTAPI RtlFindUnicodePrefix(PUNICODE_PREFIX_TABLE T, PUNICODE_STRING Name, ULONG FirstInsensitive)
{
    for (auto* E = T->NextPrefixTree; E; E = E->NextPrefixTree) {
        USHORT Length = E->Prefix->Length;
        if (Length > Name->Length)
            continue;
        UNICODE_STRING Begin { Length, Length, Name->Buffer };
        bool Whole = Length == Name->Length || Name->Buffer[Length / 2] == '\\' || (Length == 2 && Name->Buffer[0] == '\\');
        if (Whole && Same(*E->Prefix, Begin, FirstInsensitive))
            return E;
    }
    return nullptr;
}
PUNICODE_PREFIX_TABLE_ENTRY NTAPI RtlNextUnicodePrefix(PUNICODE_PREFIX_TABLE T, BOOLEAN Restart)
{
    T->LastNextEntry = Restart ? T->NextPrefixTree : T->LastNextEntry ? T->LastNextEntry->NextPrefixTree : nullptr;
    return T->LastNextEntry;
}

}
