// Management instrumentation and event tracing. Nobody asks a driver's data blocks and nobody listens to its events: registering succeeds as on a
// system where nobody does, and what would query another provider answers STATUS_NOT_IMPLEMENTED.
#include "wdm/ntoskrnl/host.hpp"

using namespace host;

extern "C" {

NTSTATUS NTAPI IoWMIRegistrationControl(PDEVICE_OBJECT D, ULONG Action)
{
    constexpr ULONG Last = 5;           // WMIREG_ACTION_REGISTER is 1, WMIREG_ACTION_BLOCK_IRPS is 5
    return D && Action >= 1 && (Action & 0xFF) <= Last ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}
// The caller keeps the event's memory when it is refused.
NTSTATUS NTAPI IoWMIWriteEvent(PVOID) { return STATUS_NOT_IMPLEMENTED; }
NTSTATUS NTAPI IoWMIOpenBlockExport(LPCGUID, ULONG, PVOID* Out)
{
    *Out = nullptr;
    return STATUS_NOT_IMPLEMENTED;
}
NTSTATUS NTAPI IoWMIQueryAllData(PVOID, PULONG, PVOID) { return STATUS_NOT_IMPLEMENTED; }
NTSTATUS NTAPI IoWMIQueryAllDataMultiple(PVOID*, ULONG, PULONG, PVOID) { return STATUS_NOT_IMPLEMENTED; }
NTSTATUS NTAPI IoWMIQuerySingleInstance(PVOID, PUNICODE_STRING, PULONG, PVOID) { return STATUS_NOT_IMPLEMENTED; }
NTSTATUS NTAPI IoWMISetSingleInstance(PVOID, PUNICODE_STRING, ULONG, ULONG, PVOID) { return STATUS_NOT_IMPLEMENTED; }
NTSTATUS NTAPI IoWMISetSingleItem(PVOID, PUNICODE_STRING, ULONG, ULONG, ULONG, PVOID) { return STATUS_NOT_IMPLEMENTED; }
NTSTATUS NTAPI IoWMIExecuteMethod(PVOID, PUNICODE_STRING, ULONG, ULONG, PULONG, PUCHAR) { return STATUS_NOT_IMPLEMENTED; }
NTSTATUS NTAPI IoWMISetNotificationCallbackExport(PVOID, PVOID, PVOID) { return STATUS_NOT_IMPLEMENTED; }
NTSTATUS NTAPI IoWMIHandleToInstanceName(PVOID, HANDLE, PUNICODE_STRING) { return STATUS_NOT_IMPLEMENTED; }
NTSTATUS NTAPI IoWMIDeviceObjectToInstanceName(PVOID, PDEVICE_OBJECT, PUNICODE_STRING) { return STATUS_NOT_IMPLEMENTED; }
NTSTATUS NTAPI IoWMISuggestInstanceName(PDEVICE_OBJECT, PUNICODE_STRING, BOOLEAN, PUNICODE_STRING) { return STATUS_NOT_IMPLEMENTED; }
ULONG NTAPI IoWMIDeviceObjectToProviderId(PDEVICE_OBJECT D) { return ULONG(u64(D)); }
NTSTATUS NTAPI IoWMIAllocateInstanceIds(GUID*, ULONG Count, ULONG* First)
{
    static ULONG Next;
    *First = __atomic_fetch_add(&Next, Count, __ATOMIC_RELAXED);
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI WmiQueryTraceInformationExport(ULONG, PVOID, ULONG, PULONG, PVOID) { return STATUS_NOT_IMPLEMENTED; }
NTSTATUS NTAPI WmiTraceMessageVa(u64, ULONG, LPGUID, USHORT, va_list) { return STATUS_NOT_IMPLEMENTED; }
NTSTATUS __cdecl WmiTraceMessage(u64, ULONG, LPGUID, USHORT, ...) { return STATUS_NOT_IMPLEMENTED; }

// A provider that no session has enabled.
NTSTATUS NTAPI EtwRegisterExport(LPCGUID, PVOID, PVOID, u64* Handle)
{
    static u64 Next;
    *Handle = __atomic_add_fetch(&Next, 1, __ATOMIC_RELAXED);
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI EtwUnregister(u64) { return STATUS_SUCCESS; }
BOOLEAN NTAPI EtwEventEnabledExport(u64, const void*) { return FALSE; }
BOOLEAN NTAPI EtwProviderEnabled(u64, UCHAR, ULONGLONG) { return FALSE; }
NTSTATUS NTAPI EtwWriteExport(u64, const void*, LPCGUID, ULONG, PVOID) { return STATUS_SUCCESS; }
NTSTATUS NTAPI EtwWriteTransferExport(u64, const void*, LPCGUID, LPCGUID, ULONG, PVOID) { return STATUS_SUCCESS; }
NTSTATUS NTAPI EtwWriteExExport(u64, const void*, ULONG64, ULONG, LPCGUID, LPCGUID, ULONG, PVOID) { return STATUS_SUCCESS; }
NTSTATUS NTAPI EtwWriteString(u64, UCHAR, ULONGLONG, LPCGUID, const WCHAR*) { return STATUS_SUCCESS; }
NTSTATUS NTAPI EtwSetInformation(u64, ULONG, PVOID, ULONG) { return STATUS_SUCCESS; }
NTSTATUS NTAPI EtwActivityIdControl(ULONG Code, LPGUID Id)
{
    constexpr ULONG Create = 3;
    return Code == Create ? ExUuidCreate(Id) : STATUS_NOT_IMPLEMENTED;
}

}
