// A driver that uses, request by request, functions of the kernel's that need no device: each control code is a group, whose answer is the line of the
// first check that failed, or 0.
#include "wdm/ntoskrnl/ddk.hpp"

#undef KeGetCurrentIrql

extern "C" NTSTATUS NTAPI IoRetrievePriorityInfo(PIRP, PFILE_OBJECT, PETHREAD, PIO_PRIORITY_INFO);       // mingw-w64 has no declaration

namespace {

#define EXPECT(Condition)   \
    do {                    \
        if (!(Condition))   \
            return __LINE__; \
    } while (false)

PDEVICE_OBJECT Device;

bool Equal(const UNICODE_STRING& A, const WCHAR* Text)
{
    UNICODE_STRING B;
    RtlInitUnicodeString(&B, Text);
    return RtlEqualUnicodeString(&A, &B, FALSE);
}

// What the client may do, by a descriptor that gives administrators everything and others nothing.
ULONG Security()
{
    struct {
        UCHAR Revision, Count, Authority[6];
        ULONG Sub[2];
    } Admins { 1, 2, { 0, 0, 0, 0, 0, 5 }, { 32, 544 } }, Guests { 1, 2, { 0, 0, 0, 0, 0, 5 }, { 32, 546 } };
    alignas(8) UCHAR Lists[2][64];
    SECURITY_DESCRIPTOR Descriptors[2];
    GENERIC_MAPPING Mapping { FILE_GENERIC_READ, FILE_GENERIC_WRITE, FILE_GENERIC_EXECUTE, FILE_ALL_ACCESS };
    for (int I = 0; I < 2; ++I) {
        auto* List = reinterpret_cast<PACL>(Lists[I]);
        EXPECT(NT_SUCCESS(RtlCreateAcl(List, sizeof(Lists[I]), ACL_REVISION)));
        EXPECT(NT_SUCCESS(RtlAddAccessAllowedAce(List, ACL_REVISION, FILE_ALL_ACCESS, I ? static_cast<PSID>(&Guests) : &Admins)));
        EXPECT(NT_SUCCESS(RtlCreateSecurityDescriptor(&Descriptors[I], SECURITY_DESCRIPTOR_REVISION)));
        EXPECT(NT_SUCCESS(RtlSetDaclSecurityDescriptor(&Descriptors[I], TRUE, List, FALSE)));
        EXPECT(NT_SUCCESS(RtlSetOwnerSecurityDescriptor(&Descriptors[I], &Guests, FALSE)));
        EXPECT(NT_SUCCESS(RtlSetGroupSecurityDescriptor(&Descriptors[I], &Guests, FALSE)));
    }
    SECURITY_SUBJECT_CONTEXT Subject;
    SeCaptureSubjectContext(&Subject);
    EXPECT(SeQuerySubjectContextToken(&Subject) != nullptr);
    EXPECT(SeTokenIsAdmin(SeQuerySubjectContextToken(&Subject)));
    EXPECT(!SeTokenIsRestricted(SeQuerySubjectContextToken(&Subject)));
    ACCESS_MASK Granted;
    NTSTATUS Status;
    EXPECT(SeAccessCheck(&Descriptors[0], &Subject, FALSE, FILE_READ_DATA, 0, nullptr, &Mapping, UserMode, &Granted, &Status));
    EXPECT(Status == STATUS_SUCCESS && Granted == FILE_READ_DATA);
    EXPECT(!SeAccessCheck(&Descriptors[1], &Subject, FALSE, FILE_READ_DATA, 0, nullptr, &Mapping, UserMode, &Granted, &Status));
    EXPECT(Status == STATUS_ACCESS_DENIED && Granted == 0);
    EXPECT(SeAccessCheck(&Descriptors[1], &Subject, FALSE, FILE_READ_DATA, 0, nullptr, &Mapping, KernelMode, &Granted, &Status));
    LUID LoadDriver { 10, 0 }, Nothing { 4711, 0 };
    EXPECT(SeSinglePrivilegeCheck(LoadDriver, UserMode));           // the client has turned it on
    EXPECT(!SeSinglePrivilegeCheck(Nothing, UserMode));
    EXPECT(SeSinglePrivilegeCheck(Nothing, KernelMode));
    PVOID User;
    EXPECT(NT_SUCCESS(SeQueryInformationToken(SeQuerySubjectContextToken(&Subject), TokenUser, &User)));
    EXPECT(RtlValidSid(static_cast<PTOKEN_USER>(User)->User.Sid));
    ExFreePool(User);
    SeReleaseSubjectContext(&Subject);
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"SeExports");
    auto* Exports = static_cast<PSE_EXPORTS*>(MmGetSystemRoutineAddress(&Name));
    EXPECT(Exports && RtlEqualSid((*Exports)->SeAliasAdminsSid, &Admins));
    return 0;
}

ULONG Objects()
{
    HANDLE Handle;
    EXPECT(NT_SUCCESS(ObOpenObjectByPointer(Device, OBJ_KERNEL_HANDLE, nullptr, READ_CONTROL | WRITE_DAC, nullptr, KernelMode, &Handle)));
    PSECURITY_DESCRIPTOR Descriptor;
    BOOLEAN Allocated, Present, Defaulted;
    PACL Old;
    EXPECT(NT_SUCCESS(ObGetObjectSecurity(Device, &Descriptor, &Allocated)) && Descriptor && Allocated);
    EXPECT(NT_SUCCESS(RtlGetDaclSecurityDescriptor(Descriptor, &Present, &Old, &Defaulted)));
    EXPECT(NT_SUCCESS(ZwSetSecurityObject(Handle, DACL_SECURITY_INFORMATION, Descriptor)));
    ObReleaseObjectSecurity(Descriptor, Allocated);
    EXPECT(NT_SUCCESS(ZwClose(Handle)));
    alignas(8) UCHAR Buffer[300];
    auto* Name = reinterpret_cast<POBJECT_NAME_INFORMATION>(Buffer);
    ULONG Needed;
    EXPECT(NT_SUCCESS(ObQueryNameString(Device, Name, sizeof(Buffer), &Needed)));
    EXPECT(Equal(Name->Name, L"\\Device\\KernelApi"));
    PEPROCESS Process;
    EXPECT(NT_SUCCESS(PsLookupProcessByProcessId(PsGetCurrentProcessId(), &Process)));
    EXPECT(PsGetProcessId(Process) == PsGetCurrentProcessId());
    EXPECT(PsLookupProcessByProcessId(reinterpret_cast<HANDLE>(0x7FFFFFF0), &Process) == STATUS_INVALID_CID);
    return 0;
}

ULONG Names()
{
    TUNNEL Tunnel;
    FsRtlInitializeTunnelCache(&Tunnel);
    UNICODE_STRING Short = RTL_CONSTANT_STRING(L"LONGNA~1.TXT"), Long = RTL_CONSTANT_STRING(L"Long name.txt"), Other = RTL_CONSTANT_STRING(L"other"), Upper = RTL_CONSTANT_STRING(L"LONG NAME.TXT");
    ULONG Data = 0x1234, Got = 0, Bytes = sizeof(Data);
    FsRtlAddToTunnelCache(&Tunnel, 7, &Short, &Long, FALSE, sizeof(Data), &Data);
    WCHAR ShortRoom[13], LongRoom[4];
    UNICODE_STRING FoundShort { 0, sizeof(ShortRoom), ShortRoom }, FoundLong { 0, sizeof(LongRoom), LongRoom };
    EXPECT(!FsRtlFindInTunnelCache(&Tunnel, 8, &Long, &FoundShort, &FoundLong, &Bytes, &Got));
    EXPECT(!FsRtlFindInTunnelCache(&Tunnel, 7, &Other, &FoundShort, &FoundLong, &Bytes, &Got));
    EXPECT(FsRtlFindInTunnelCache(&Tunnel, 7, &Upper, &FoundShort, &FoundLong, &Bytes, &Got));
    EXPECT(Got == 0x1234 && Bytes == sizeof(Data) && Equal(FoundShort, L"LONGNA~1.TXT") && Equal(FoundLong, L"Long name.txt"));
    EXPECT(FoundLong.Buffer != LongRoom);
    ExFreePool(FoundLong.Buffer);
    EXPECT(!FsRtlFindInTunnelCache(&Tunnel, 7, &Long, &FoundShort, &FoundLong, &Bytes, &Got));      // only once
    FsRtlAddToTunnelCache(&Tunnel, 7, &Short, &Long, FALSE, sizeof(Data), &Data);
    FsRtlDeleteKeyFromTunnelCache(&Tunnel, 7);
    EXPECT(Tunnel.NumEntries == 0);
    FsRtlDeleteTunnelCache(&Tunnel);

    UNICODE_PREFIX_TABLE Table;
    UNICODE_PREFIX_TABLE_ENTRY Root, Deep, Again;
    UNICODE_STRING RootName = RTL_CONSTANT_STRING(L"\\"), DeepName = RTL_CONSTANT_STRING(L"\\server\\share"), File = RTL_CONSTANT_STRING(L"\\SERVER\\share\\x"),
                   Near = RTL_CONSTANT_STRING(L"\\server\\shared");
    RtlInitializeUnicodePrefix(&Table);
    EXPECT(RtlInsertUnicodePrefix(&Table, &RootName, &Root) && RtlInsertUnicodePrefix(&Table, &DeepName, &Deep) && !RtlInsertUnicodePrefix(&Table, &DeepName, &Again));
    EXPECT(RtlFindUnicodePrefix(&Table, &File, 0) == &Deep);
    EXPECT(RtlFindUnicodePrefix(&Table, &File, 100) == &Root);      // the case tells
    EXPECT(RtlFindUnicodePrefix(&Table, &Near, 0) == &Root);
    RtlRemoveUnicodePrefix(&Table, &Deep);
    EXPECT(RtlFindUnicodePrefix(&Table, &File, 0) == &Root);

    alignas(4) UCHAR List[64] {};
    auto* Ea = reinterpret_cast<PFILE_FULL_EA_INFORMATION>(List);
    ULONG Bad = 0;
    Ea->EaNameLength = 3;
    Ea->EaValueLength = 4;
    RtlCopyMemory(Ea->EaName, "EA1", 4);
    EXPECT(IoCheckEaBufferValidity(Ea, 16, &Bad) == STATUS_SUCCESS);
    EXPECT(IoCheckEaBufferValidity(Ea, 15, &Bad) == STATUS_EA_LIST_INCONSISTENT && Bad == 0);
    Ea->NextEntryOffset = 16;
    EXPECT(IoCheckEaBufferValidity(Ea, 20, &Bad) == STATUS_EA_LIST_INCONSISTENT && Bad == 16);
    WCHAR Character = L'a', Foreign = 0x4E00;
    EXPECT(RtlIsValidOemCharacter(&Character) && Character == L'A' && !RtlIsValidOemCharacter(&Foreign));
    UUID A, B;
    EXPECT(NT_SUCCESS(ExUuidCreate(&A)) && NT_SUCCESS(ExUuidCreate(&B)) && RtlCompareMemory(&A, &B, sizeof(A)) != sizeof(A));
    return 0;
}

struct Shared {
    KQUEUE Queue;
    KGUARDED_MUTEX Mutex;
    KEVENT Done;
    LONG Count;
    LIST_ENTRY Entry;
};
void NTAPI Other(PVOID Context)
{
    auto* S = static_cast<Shared*>(Context);
    for (int I = 0; I < 1000; ++I) {
        KeAcquireGuardedMutex(&S->Mutex);
        LONG Seen = S->Count;
        if (I % 100 == 0)
            ZwYieldExecution();
        S->Count = Seen + 1;
        KeReleaseGuardedMutex(&S->Mutex);
    }
    KeInsertQueue(&S->Queue, &S->Entry);
    KeSetEvent(&S->Done, 0, FALSE);
    PsTerminateSystemThread(STATUS_SUCCESS);
}
LONG Ticks, Calls;
void NTAPI Tick(PEX_TIMER, PVOID) { InterlockedIncrement(&Ticks); }
void NTAPI Called(PVOID Context, PVOID First, PVOID Second)
{
    if (Context == &Calls && First == reinterpret_cast<PVOID>(1) && Second == reinterpret_cast<PVOID>(2))
        ++Calls;
}

ULONG Locks()
{
    static Shared S;
    KeInitializeQueue(&S.Queue, 0);
    KeInitializeGuardedMutex(&S.Mutex);
    KeInitializeEvent(&S.Done, NotificationEvent, FALSE);
    S.Count = 0;
    LARGE_INTEGER Soon;
    Soon.QuadPart = -10000;
    EXPECT(ULONG(reinterpret_cast<ULONG_PTR>(KeRemoveQueue(&S.Queue, KernelMode, &Soon))) == ULONG(STATUS_TIMEOUT));
    HANDLE Handle;
    EXPECT(NT_SUCCESS(PsCreateSystemThread(&Handle, THREAD_ALL_ACCESS, nullptr, nullptr, nullptr, Other, &S)));
    ZwClose(Handle);
    for (int I = 0; I < 1000; ++I) {
        KeAcquireGuardedMutex(&S.Mutex);
        ++S.Count;
        KeReleaseGuardedMutex(&S.Mutex);
    }
    EXPECT(KeRemoveQueue(&S.Queue, KernelMode, nullptr) == &S.Entry);
    KeWaitForSingleObject(&S.Done, Executive, KernelMode, FALSE, nullptr);
    EXPECT(S.Count == 2000);

    KMUTANT Mutant;
    KeInitializeMutant(&Mutant, TRUE);
    EXPECT(KeReadStateMutant(&Mutant) == 0);
    KeReleaseMutant(&Mutant, 0, FALSE, FALSE);
    EXPECT(KeReadStateMutant(&Mutant) == 1);

    Ticks = 0;
    PEX_TIMER Timer = ExAllocateTimer(Tick, nullptr, EX_TIMER_NOTIFICATION);
    EXPECT(Timer && !ExSetTimer(Timer, -10000, 0, nullptr));
    KeWaitForSingleObject(Timer, Executive, KernelMode, FALSE, nullptr);
    for (int I = 0; I < 100 && !Ticks; ++I)
        KeDelayExecutionThread(KernelMode, FALSE, &Soon);
    EXPECT(Ticks == 1 && !ExCancelTimer(Timer, nullptr));
    ExDeleteTimer(Timer, TRUE, TRUE, nullptr);

    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\Callback\\KernelApi");
    OBJECT_ATTRIBUTES Attributes;
    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE, nullptr, nullptr);
    PCALLBACK_OBJECT Callback, Same;
    EXPECT(NT_SUCCESS(ExCreateCallback(&Callback, &Attributes, TRUE, TRUE)) && NT_SUCCESS(ExCreateCallback(&Same, &Attributes, FALSE, TRUE)) && Same == Callback);
    PVOID Registered = ExRegisterCallback(Callback, Called, &Calls);
    ExNotifyCallback(Callback, reinterpret_cast<PVOID>(1), reinterpret_cast<PVOID>(2));
    ExUnregisterCallback(Registered);
    ExNotifyCallback(Callback, reinterpret_cast<PVOID>(1), reinterpret_cast<PVOID>(2));
    EXPECT(Calls % 2 == 1);
    ++Calls;                            // the next request counts from an even number

    KEVENT Never;
    KeInitializeEvent(&Never, NotificationEvent, FALSE);
    IRP Cancelled {};
    Soon.QuadPart = -10000;
    EXPECT(FsRtlCancellableWaitForSingleObject(&Never, &Soon, &Cancelled) == STATUS_TIMEOUT);
    Cancelled.Cancel = TRUE;
    EXPECT(FsRtlCancellableWaitForSingleObject(&Never, nullptr, &Cancelled) == STATUS_CANCELLED);

    FAST_MUTEX Mutex;
    FSRTL_ADVANCED_FCB_HEADER Header {};
    FSRTL_PER_STREAM_CONTEXT Context {};
    ExInitializeFastMutex(&Mutex);
    FsRtlSetupAdvancedHeader(&Header, &Mutex);
    Context.OwnerId = &Mutex;
    static LONG Freed;
    Freed = 0;
    Context.FreeCallback = [](PVOID) { ++Freed; };
    EXPECT(NT_SUCCESS(FsRtlInsertPerStreamContext(&Header, &Context)));
    EXPECT(FsRtlLookupPerStreamContext(&Header, &Mutex, nullptr) == &Context && FsRtlLookupPerStreamContext(&Header, &Freed, nullptr) == nullptr);
    FsRtlTeardownPerStreamContexts(&Header);
    EXPECT(Freed == 1 && FsRtlLookupPerStreamContext(&Header, &Mutex, nullptr) == nullptr);
    return 0;
}

// A second thread that shares R, or wants it alone, and lets it go when it is told.
struct Guest {
    ERESOURCE* R;
    bool Alone;
    KEVENT Has, Go, Gone;
};
void NTAPI Visit(PVOID Context)
{
    auto* G = static_cast<Guest*>(Context);
    KeEnterCriticalRegion();
    (G->Alone ? ExAcquireResourceExclusiveLite : ExAcquireResourceSharedLite)(G->R, TRUE);
    KeSetEvent(&G->Has, 0, FALSE);
    KeWaitForSingleObject(&G->Go, Executive, KernelMode, FALSE, nullptr);
    ExReleaseResourceLite(G->R);
    KeLeaveCriticalRegion();
    KeSetEvent(&G->Gone, 0, FALSE);
    PsTerminateSystemThread(STATUS_SUCCESS);
}
bool Invite(Guest& G, ERESOURCE* R, bool Alone)
{
    G.R = R;
    G.Alone = Alone;
    KeInitializeEvent(&G.Has, NotificationEvent, FALSE);
    KeInitializeEvent(&G.Go, NotificationEvent, FALSE);
    KeInitializeEvent(&G.Gone, NotificationEvent, FALSE);
    HANDLE Handle;
    if (!NT_SUCCESS(PsCreateSystemThread(&Handle, THREAD_ALL_ACCESS, nullptr, nullptr, nullptr, Visit, &G)))
        return false;
    ZwClose(Handle);
    return true;
}
bool Happens(KEVENT& E, LONG Milliseconds)
{
    LARGE_INTEGER Soon;
    Soon.QuadPart = LONGLONG(Milliseconds) * -10'000;
    return KeWaitForSingleObject(&E, Executive, KernelMode, FALSE, &Soon) == STATUS_SUCCESS;
}

ULONG Resources()
{
    static ERESOURCE R;
    static Guest Sharer, Owner;
    EXPECT(NT_SUCCESS(ExInitializeResourceLite(&R)));
    KeEnterCriticalRegion();
    // Two threads share it, each with its own count; a third that wants it alone waits for both.
    EXPECT(ExAcquireResourceSharedLite(&R, FALSE) && ExAcquireResourceSharedLite(&R, FALSE) && ExIsResourceAcquiredSharedLite(&R) == 2);
    EXPECT(Invite(Sharer, &R, false) && Happens(Sharer.Has, 10'000));
    EXPECT(Invite(Owner, &R, true) && !Happens(Owner.Has, 20) && ExGetExclusiveWaiterCount(&R) == 1);
    // Who has it may take it again, whoever waits; to wait behind them is another call.
    EXPECT(ExAcquireResourceSharedLite(&R, FALSE) && !ExAcquireSharedWaitForExclusive(&R, FALSE));
    EXPECT(!ExAcquireResourceExclusiveLite(&R, FALSE));
    for (int I = 0; I < 3; ++I)
        ExReleaseResourceLite(&R);
    EXPECT(!ExIsResourceAcquiredSharedLite(&R) && !Happens(Owner.Has, 20));
    KeSetEvent(&Sharer.Go, 0, FALSE);
    EXPECT(Happens(Owner.Has, 10'000) && !ExAcquireResourceSharedLite(&R, FALSE) && !ExIsResourceAcquiredExclusiveLite(&R));
    KeSetEvent(&Owner.Go, 0, FALSE);
    EXPECT(Happens(Sharer.Gone, 10'000) && Happens(Owner.Gone, 10'000));
    // Alone: again, shared too, and from then on shared with others.
    EXPECT(ExAcquireResourceExclusiveLite(&R, FALSE) && ExAcquireResourceSharedLite(&R, FALSE) && ExIsResourceAcquiredExclusiveLite(&R));
    ExReleaseResourceLite(&R);
    ExConvertExclusiveToSharedLite(&R);
    EXPECT(!ExIsResourceAcquiredExclusiveLite(&R) && ExIsResourceAcquiredSharedLite(&R) == 1);
    EXPECT(Invite(Sharer, &R, false) && Happens(Sharer.Has, 10'000));
    KeSetEvent(&Sharer.Go, 0, FALSE);
    EXPECT(Happens(Sharer.Gone, 10'000));
    // An owner that is no thread: it is released for that.
    auto Name = ERESOURCE_THREAD(&Sharer) | 3;
    ExSetResourceOwnerPointer(&R, reinterpret_cast<PVOID>(Name));
    EXPECT(!ExIsResourceAcquiredSharedLite(&R) && !ExAcquireResourceExclusiveLite(&R, FALSE));
    ExReleaseResourceForThreadLite(&R, Name);
    EXPECT(ExAcquireResourceExclusiveLite(&R, FALSE));
    ExReleaseResourceLite(&R);
    KeLeaveCriticalRegion();
    EXPECT(NT_SUCCESS(ExDeleteResourceLite(&R)));
    return 0;
}

// What a request says of its importance.
ULONG Priority(PIRP Irp)
{
    IO_PRIORITY_INFO Info;
    IoInitializePriorityInfo(&Info);
    EXPECT(NT_SUCCESS(IoRetrievePriorityInfo(Irp, nullptr, PsGetCurrentThread(), &Info)));
    EXPECT(Info.IoPriority == IoPriorityNormal && Info.PagePriority == 5 && Info.ThreadPriority > 0 && Info.ThreadPriority < 32);
    ULONG Flags = Irp->Flags;
    EXPECT(NT_SUCCESS(IoSetIoPriorityHint(Irp, IoPriorityVeryLow)) && IoGetIoPriorityHint(Irp) == IoPriorityVeryLow);
    EXPECT(NT_SUCCESS(IoRetrievePriorityInfo(Irp, nullptr, nullptr, &Info)) && Info.IoPriority == IoPriorityVeryLow && Info.ThreadPriority == 0xFFFF);
    EXPECT(IoSetIoPriorityHint(Irp, MaxIoPriorityTypes) == STATUS_INVALID_PARAMETER);
    EXPECT(NT_SUCCESS(IoSetIoPriorityHint(Irp, IoPriorityNormal)) && IoGetIoPriorityHint(Irp) == IoPriorityNormal);
    EXPECT((Irp->Flags ^ Flags) == 3 << 17);
    Info.Size = 0;
    EXPECT(IoRetrievePriorityInfo(Irp, nullptr, nullptr, &Info) == STATUS_INVALID_PARAMETER);
    return 0;
}

NTSTATUS NTAPI Control(PDEVICE_OBJECT, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    auto* Out = static_cast<ULONG*>(Irp->AssociatedIrp.SystemBuffer);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = sizeof(ULONG);
    if (Stack->Parameters.DeviceIoControl.OutputBufferLength < sizeof(ULONG)) {
        Irp->IoStatus.Status = STATUS_BUFFER_TOO_SMALL;
    } else {
        switch (Stack->Parameters.DeviceIoControl.IoControlCode >> 2 & 0x7FF) {
        case 0: *Out = Security(); break;
        case 1: *Out = Objects(); break;
        case 2: *Out = Names(); break;
        case 3: *Out = Locks(); break;
        case 4: *Out = Resources(); break;
        case 5: *Out = Priority(Irp); break;
        default: Irp->IoStatus.Status = STATUS_INVALID_DEVICE_REQUEST;
        }
    }
    NTSTATUS Status = Irp->IoStatus.Status;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}
NTSTATUS NTAPI Succeed(PDEVICE_OBJECT, PIRP Irp)
{
    Irp->IoStatus.Status = STATUS_SUCCESS;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}
void NTAPI Unload(PDRIVER_OBJECT) { IoDeleteDevice(Device); }

}

extern "C" NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\Device\\KernelApi");
    Driver->MajorFunction[IRP_MJ_CREATE] = Driver->MajorFunction[IRP_MJ_CLOSE] = Driver->MajorFunction[IRP_MJ_CLEANUP] = Succeed;
    Driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control;
    Driver->DriverUnload = Unload;
    return IoCreateDevice(Driver, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
