// A driver with a say in what others do. Handles: no reading of one process's memory. Registry, below keys named "Watched": the value Forbidden is not set, the value
// Kept only seems to be deleted, the value Hidden is not found.
#include "wdm/ntoskrnl/ddk.hpp"

#include "tests/guest/wdm/drivers/watcher.hpp"

namespace {

PDEVICE_OBJECT Device;
watcher::Seen Seen;
ULONG Protected;
PVOID Handles;
LARGE_INTEGER Cookie;
constexpr ACCESS_MASK VmRead = 0x10;

#define EXPECT(Condition)            \
    do {                             \
        if (!(Condition) && !Seen.Wrong) \
            Seen.Wrong = __LINE__;   \
    } while (false)

bool Is(PCUNICODE_STRING A, const WCHAR* Text)
{
    UNICODE_STRING B;
    RtlInitUnicodeString(&B, Text);
    return A && RtlEqualUnicodeString(A, &B, TRUE);
}

OB_PREOP_CALLBACK_STATUS NTAPI BeforeHandle(PVOID Context, POB_PRE_OPERATION_INFORMATION Info)
{
    EXPECT(Context == &Seen && Info->ObjectType == *PsProcessType && !Info->KernelHandle);
    if (ULONG(ULONG_PTR(PsGetProcessId(static_cast<PEPROCESS>(Info->Object)))) != Protected)
        return OB_PREOP_SUCCESS;
    Info->CallContext = &Protected;
    if (Info->Operation == OB_OPERATION_HANDLE_CREATE) {
        auto& P = Info->Parameters->CreateHandleInformation;
        ++Seen.Opens;
        EXPECT(P.DesiredAccess == P.OriginalDesiredAccess);
        P.DesiredAccess &= ~VmRead;
        P.DesiredAccess |= 0x1000000;   // nothing can be added
    } else {
        auto& P = Info->Parameters->DuplicateHandleInformation;
        ++Seen.Duplicates;
        EXPECT(P.SourceProcess == P.TargetProcess);
        P.DesiredAccess &= ~VmRead;
    }
    return OB_PREOP_SUCCESS;
}
void NTAPI AfterHandle(PVOID Context, POB_POST_OPERATION_INFORMATION Info)
{
    EXPECT(Context == &Seen);
    if (ULONG(ULONG_PTR(PsGetProcessId(static_cast<PEPROCESS>(Info->Object)))) != Protected)
        return;
    EXPECT(Info->CallContext == &Protected);
    ++(Info->Operation == OB_OPERATION_HANDLE_CREATE ? Seen.OpenEnds : Seen.DuplicateEnds);
    if (NT_SUCCESS(Info->ReturnStatus))
        Seen.Granted = Info->Parameters->CreateHandleInformation.GrantedAccess;
}

bool IsWatched(PVOID Key, PCUNICODE_STRING* Name)
{
    ULONG_PTR Id;
    if (!NT_SUCCESS(CmCallbackGetKeyObjectID(&Cookie, Key, &Id, Name)))
        return false;
    UNICODE_STRING Tail = **Name;
    if (Tail.Length < 16)
        return false;
    Tail.Buffer += Tail.Length / 2 - 8;
    Tail.Length = 16;
    return Is(&Tail, L"\\Watched");
}

NTSTATUS NTAPI Registry(PVOID Context, PVOID First, PVOID Second)
{
    EXPECT(Context == &Device);
    PCUNICODE_STRING Name;
    switch (REG_NOTIFY_CLASS(ULONG_PTR(First))) {
    case RegNtPreSetValueKey: {
        auto* I = static_cast<PREG_SET_VALUE_KEY_INFORMATION>(Second);
        if (!IsWatched(I->Object, &Name))
            return STATUS_SUCCESS;
        ++Seen.Sets;
        RtlZeroMemory(Seen.Name, sizeof(Seen.Name));
        RtlCopyMemory(Seen.Name, Name->Buffer, Name->Length < sizeof(Seen.Name) ? Name->Length : sizeof(Seen.Name));
        RtlZeroMemory(Seen.Value, sizeof(Seen.Value));
        RtlCopyMemory(Seen.Value, I->ValueName->Buffer, I->ValueName->Length < sizeof(Seen.Value) ? I->ValueName->Length : sizeof(Seen.Value));
        RtlCopyMemory(Seen.Data, I->Data, I->DataSize < 8 ? I->DataSize : 8);
        if (Is(I->ValueName, L"Forbidden"))
            return STATUS_ACCESS_DENIED;
        PVOID Old = nullptr;
        EXPECT(NT_SUCCESS(CmSetCallbackObjectContext(I->Object, &Cookie, &Seen, &Old)));
        EXPECT(Old == I->ObjectContext);
        I->CallContext = I->Object;
        return STATUS_SUCCESS;
    }
    case RegNtPreDeleteValueKey: {
        auto* I = static_cast<PREG_DELETE_VALUE_KEY_INFORMATION>(Second);
        return IsWatched(I->Object, &Name) && Is(I->ValueName, L"Kept") ? STATUS_CALLBACK_BYPASS : STATUS_SUCCESS;
    }
    case RegNtPostSetValueKey: {
        auto* I = static_cast<PREG_POST_OPERATION_INFORMATION>(Second);
        if (!IsWatched(I->Object, &Name))
            return STATUS_SUCCESS;
        EXPECT(I->CallContext == I->Object && I->ObjectContext == &Seen);
        return STATUS_SUCCESS;
    }
    case RegNtPostQueryValueKey: {
        auto* I = static_cast<PREG_POST_OPERATION_INFORMATION>(Second);
        auto* Before = static_cast<PREG_QUERY_VALUE_KEY_INFORMATION>(I->PreInformation);
        if (!IsWatched(I->Object, &Name) || !Is(Before->ValueName, L"Hidden"))
            return STATUS_SUCCESS;
        EXPECT(I->Status == STATUS_SUCCESS);
        I->ReturnStatus = STATUS_OBJECT_NAME_NOT_FOUND;
        return STATUS_CALLBACK_BYPASS;
    }
    case RegNtPreOpenKeyEx: ++Seen.Keys; return STATUS_SUCCESS;
    case RegNtPostOpenKeyEx: {
        auto* I = static_cast<PREG_POST_OPERATION_INFORMATION>(Second);
        ++Seen.KeyEnds;
        if (NT_SUCCESS(I->Status))
            EXPECT(NT_SUCCESS(CmCallbackGetKeyObjectID(&Cookie, I->Object, nullptr, &Name)) && Name->Length > 16);
        return STATUS_SUCCESS;
    }
    case RegNtCallbackObjectContextCleanup:
        EXPECT(static_cast<PREG_CALLBACK_CONTEXT_CLEANUP_INFORMATION>(Second)->ObjectContext == &Seen);
        ++Seen.Cleanups;
        return STATUS_SUCCESS;
    default: return STATUS_SUCCESS;
    }
}

NTSTATUS Begin(ULONG Process)
{
    UNICODE_STRING Altitude = RTL_CONSTANT_STRING(L"320000.5"), Same = RTL_CONSTANT_STRING(L"0320000.50");
    OB_OPERATION_REGISTRATION Op { PsProcessType, OB_OPERATION_HANDLE_CREATE | OB_OPERATION_HANDLE_DUPLICATE, BeforeHandle, AfterHandle };
    OB_CALLBACK_REGISTRATION Wanted { OB_FLT_REGISTRATION_VERSION, 1, Altitude, &Seen, &Op };
    Protected = Process;
    NTSTATUS Status = ObRegisterCallbacks(&Wanted, &Handles);
    if (!NT_SUCCESS(Status))
        return Status;
    PVOID Other;
    Wanted.Altitude = Same;
    EXPECT(ObRegisterCallbacks(&Wanted, &Other) == NTSTATUS(0xC01C0011));
    Op.Operations = 0;
    EXPECT(ObRegisterCallbacks(&Wanted, &Other) == STATUS_INVALID_PARAMETER);
    Status = CmRegisterCallbackEx(Registry, &Altitude, Device->DriverObject, &Device, &Cookie, nullptr);
    LARGE_INTEGER More;
    EXPECT(CmRegisterCallbackEx(Registry, &Same, Device->DriverObject, &Device, &More, nullptr) == NTSTATUS(0xC01C0011));
    return Status;
}
NTSTATUS EndAll()
{
    if (!Handles)
        return STATUS_INVALID_DEVICE_STATE;
    ObUnRegisterCallbacks(Handles);
    Handles = nullptr;
    NTSTATUS Status = CmUnRegisterCallback(Cookie);
    EXPECT(CmUnRegisterCallback(Cookie) == STATUS_INVALID_PARAMETER);
    return Status;
}

NTSTATUS NTAPI Control(PDEVICE_OBJECT, PIRP Irp)
{
    auto& P = IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceIoControl;
    NTSTATUS Status = STATUS_INVALID_DEVICE_REQUEST;
    Irp->IoStatus.Information = 0;
    if (P.IoControlCode == watcher::Begin && P.InputBufferLength == 4) {
        Status = Begin(*static_cast<ULONG*>(Irp->AssociatedIrp.SystemBuffer));
    } else if (P.IoControlCode == watcher::End) {
        Status = EndAll();
    } else if (P.IoControlCode == watcher::Report && P.OutputBufferLength == sizeof(Seen)) {
        RtlCopyMemory(Irp->AssociatedIrp.SystemBuffer, &Seen, sizeof(Seen));
        Irp->IoStatus.Information = sizeof(Seen);
        Status = STATUS_SUCCESS;
    }
    Irp->IoStatus.Status = Status;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}
NTSTATUS NTAPI Succeed(PDEVICE_OBJECT, PIRP Irp)
{
    Irp->IoStatus.Status = STATUS_SUCCESS;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}
void NTAPI Unload(PDRIVER_OBJECT)
{
    (void)EndAll();
    IoDeleteDevice(Device);
}

}

extern "C" NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\Device\\Watcher");
    Driver->MajorFunction[IRP_MJ_CREATE] = Driver->MajorFunction[IRP_MJ_CLOSE] = Driver->MajorFunction[IRP_MJ_CLEANUP] = Succeed;
    Driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control;
    Driver->DriverUnload = Unload;
    return IoCreateDevice(Driver, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
