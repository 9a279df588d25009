// Objects by pointer: handles to them, their names and security; processes; and notifications of the kernel's that do not reach drivers (of processes,
// threads, images): asking for those answers STATUS_NOT_IMPLEMENTED.
#include "wdm/ntoskrnl/device.hpp"
#include "wdm/ntoskrnl/fsd.hpp"
#include "wdm/ntoskrnl/object.hpp"

extern "C" {
NTSTATUS NTAPI NtOpenKey(PHANDLE, ACCESS_MASK, POBJECT_ATTRIBUTES);
NTSTATUS NTAPI NtOpenProcess(PHANDLE, ACCESS_MASK, POBJECT_ATTRIBUTES, CLIENT_ID*);
NTSTATUS NTAPI NtQueryInformationProcess(HANDLE, PROCESSINFOCLASS, PVOID, ULONG, PULONG);
NTSTATUS NTAPI NtQuerySecurityObject(HANDLE, SECURITY_INFORMATION, PSECURITY_DESCRIPTOR, ULONG, PULONG);
NTSTATUS NTAPI NtSetSecurityObject(HANDLE, SECURITY_INFORMATION, PSECURITY_DESCRIPTOR);
}

namespace host {

namespace {

constexpr ACCESS_MASK QueryProcess = 0x0400;

NTSTATUS OpenProcess(u64 Id, ACCESS_MASK Access, HANDLE* Out)
{
    OBJECT_ATTRIBUTES Attributes { sizeof(OBJECT_ATTRIBUTES), nullptr, nullptr, 0, nullptr, nullptr };
    CLIENT_ID Client { reinterpret_cast<HANDLE>(Id), nullptr };
    return NtOpenProcess(Out, Access, &Attributes, &Client);
}

// A handle of this process's to what a pointer of it stands for.
NTSTATUS Open(PVOID Object, ACCESS_MASK Access, HANDLE* Out)
{
    *Out = nullptr;
    if (IsKeyObject(Object)) {
        OBJECT_ATTRIBUTES Named { sizeof(OBJECT_ATTRIBUTES), nullptr, const_cast<UNICODE_STRING*>(&KeyName(Object)), OBJ_CASE_INSENSITIVE, nullptr, nullptr };
        return NtOpenKey(Out, Access, &Named);
    }
    if (HANDLE H = ProxyHandle(Object))
        return NtDuplicateObject(NtCurrentProcess(), H, NtCurrentProcess(), Out, Access, 0, Access ? 0 : DUPLICATE_SAME_ACCESS);
    auto* H = static_cast<DISPATCHER_HEADER*>(Object);
    if (CSHORT Type = *static_cast<CSHORT*>(Object); Type == IO_TYPE_DEVICE) {
        wd::HandleOf In { 0, IdOf(static_cast<DEVICE_OBJECT*>(Object)), Access, 0 };
        wd::HandleGot Got {};
        NTSTATUS Status = Control(wd::Control::DeviceHandle, &In, sizeof(In), &Got, sizeof(Got));
        *Out = reinterpret_cast<HANDLE>(Got.Handle);
        return Status;
    } else if (Type == IO_TYPE_FILE) {
        auto* F = static_cast<FILE_OBJECT*>(Object);
        if (F->Flags == FO_HANDLE_CREATED && F->FsContext2)
            return NtDuplicateObject(NtCurrentProcess(), F->FsContext2, NtCurrentProcess(), Out, Access, 0, 0);
        return STATUS_NOT_IMPLEMENTED;  // a client's file: the handle would be another process's
    }
    if (H->Type == 6)
        return NtDuplicateObject(NtCurrentProcess(), static_cast<Thread*>(Object)->Handle, NtCurrentProcess(), Out, Access, 0, 0);
    if (H->Type == 3)
        return OpenProcess(ClientId(static_cast<PEPROCESS>(Object)), Access, Out);
    return STATUS_OBJECT_TYPE_MISMATCH;
}

}

}

using namespace host;

extern "C" {

NTSTATUS NTAPI ObOpenObjectByPointer(PVOID Object, ULONG, PACCESS_STATE, ACCESS_MASK Access, POBJECT_TYPE, KPROCESSOR_MODE, PHANDLE Out) { return Open(Object, Access, Out); }
NTSTATUS NTAPI ObOpenObjectByPointerWithTag(PVOID Object, ULONG, PACCESS_STATE, ACCESS_MASK Access, POBJECT_TYPE, KPROCESSOR_MODE, ULONG, PHANDLE Out) { return Open(Object, Access, Out); }
NTSTATUS NTAPI ObOpenObjectByName(POBJECT_ATTRIBUTES, POBJECT_TYPE, KPROCESSOR_MODE, PACCESS_STATE, ACCESS_MASK, PVOID, PHANDLE Out)
{
    *Out = nullptr;
    return STATUS_NOT_IMPLEMENTED;
}
// Objects of drivers are in their own processes.
NTSTATUS NTAPI ObReferenceObjectByName(PUNICODE_STRING, ULONG, PACCESS_STATE, ACCESS_MASK, POBJECT_TYPE, KPROCESSOR_MODE, PVOID, PVOID* Out)
{
    *Out = nullptr;
    return STATUS_NOT_IMPLEMENTED;
}
NTSTATUS NTAPI ObCloseHandle(HANDLE H, KPROCESSOR_MODE) { return NtClose(H); }
BOOLEAN NTAPI ObIsKernelHandle(HANDLE H) { return u64(H) & 0x80000000 ? TRUE : FALSE; }
void NTAPI ObMakeTemporaryObject(PVOID) { }
LONG_PTR FASTCALL ObfReferenceObjectWithTag(PVOID Object, ULONG) { return ObfReferenceObject(Object); }
LONG_PTR FASTCALL ObfDereferenceObjectWithTag(PVOID Object, ULONG) { return ObfDereferenceObject(Object); }
#undef ObDereferenceObject
LONG_PTR NTAPI ObDereferenceObjectExport(PVOID Object) { return ObfDereferenceObject(Object); }
void NTAPI ObDereferenceObjectDeferDeleteWithTag(PVOID Object, ULONG) { ObfDereferenceObject(Object); }
BOOLEAN NTAPI ObReferenceObjectSafeExport(PVOID Object)
{
    ObfReferenceObject(Object);
    return TRUE;
}
NTSTATUS NTAPI ObReferenceObjectByPointerWithTag(PVOID Object, ACCESS_MASK Access, POBJECT_TYPE Type, KPROCESSOR_MODE Mode, ULONG)
{
    return ObReferenceObjectByPointer(Object, Access, Type, Mode);
}
NTSTATUS NTAPI ObReferenceObjectByHandleWithTag(HANDLE H, ACCESS_MASK Access, POBJECT_TYPE Type, KPROCESSOR_MODE Mode, ULONG, PVOID* Out, POBJECT_HANDLE_INFORMATION Info)
{
    return ObReferenceObjectByHandle(H, Access, Type, Mode, Out, Info);
}

// A file's name is its device's with what was opened below; of everything else the Executive knows it.
NTSTATUS NTAPI ObQueryNameString(PVOID Object, POBJECT_NAME_INFORMATION To, ULONG Room, PULONG Needed)
{
    RequireIrql(PASSIVE_LEVEL, "ObQueryNameString", __builtin_return_address(0));
    if (IsKeyObject(Object)) {
        const UNICODE_STRING& Name = KeyName(Object);
        *Needed = ULONG(sizeof(*To) + Name.Length + 2);
        if (Room < *Needed)
            return STATUS_INFO_LENGTH_MISMATCH;
        To->Name = { Name.Length, USHORT(Name.Length + 2), reinterpret_cast<WCHAR*>(To + 1) };
        memcpy(To + 1, Name.Buffer, Name.Length);
        To->Name.Buffer[Name.Length / 2] = 0;
        return STATUS_SUCCESS;
    }
    auto* F = static_cast<FILE_OBJECT*>(Object);
    bool IsFile = !ProxyHandle(Object) && F->Type == IO_TYPE_FILE;
    HANDLE H;
    NTSTATUS Status = Open(IsFile ? F->DeviceObject : Object, 0, &H);
    if (Status < 0)
        return Status;
    Status = NtQueryObject(H, OBJECT_INFORMATION_CLASS(1), To, Room, Needed);
    NtClose(H);
    if (!IsFile || (Status < 0 && Status != STATUS_INFO_LENGTH_MISMATCH && Status != STATUS_BUFFER_OVERFLOW))
        return Status;
    *Needed += F->FileName.Length;
    if (Status < 0 || *Needed > Room)
        return STATUS_INFO_LENGTH_MISMATCH;
    memcpy(reinterpret_cast<u8*>(To->Name.Buffer) + To->Name.Length, F->FileName.Buffer, F->FileName.Length);
    To->Name.Length = USHORT(To->Name.Length + F->FileName.Length);
    To->Name.MaximumLength = USHORT(To->Name.Length + 2);
    To->Name.Buffer[To->Name.Length / 2] = 0;
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI ObGetObjectSecurity(PVOID Object, PSECURITY_DESCRIPTOR* Out, PBOOLEAN Allocated)
{
    *Out = nullptr;
    *Allocated = FALSE;
    HANDLE H;
    NTSTATUS Status = Open(Object, READ_CONTROL, &H);
    if (Status < 0)
        return Status;
    constexpr SECURITY_INFORMATION All = OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION;
    ULONG Bytes = 0;
    Status = NtQuerySecurityObject(H, All, nullptr, 0, &Bytes);
    if (Status == STATUS_BUFFER_TOO_SMALL) {
        PVOID Buffer = ExAllocatePoolWithTag(PagedPool, Bytes, 'dSbO');
        Status = Buffer ? NtQuerySecurityObject(H, All, Buffer, Bytes, &Bytes) : STATUS_INSUFFICIENT_RESOURCES;
        if (Status >= 0) {
            *Out = Buffer;
            *Allocated = TRUE;
        } else if (Buffer) {
            ExFreePool(Buffer);
        }
    }
    NtClose(H);
    return Status;
}
void NTAPI ObReleaseObjectSecurity(PSECURITY_DESCRIPTOR Descriptor, BOOLEAN Allocated)
{
    if (Allocated && Descriptor)
        ExFreePool(Descriptor);
}
NTSTATUS NTAPI ObSetSecurityObjectByPointer(PVOID Object, SECURITY_INFORMATION What, PSECURITY_DESCRIPTOR Descriptor)
{
    HANDLE H;
    NTSTATUS Status = Open(Object, WRITE_DAC | WRITE_OWNER, &H);
    if (Status < 0)
        return Status;
    Status = NtSetSecurityObject(H, What, Descriptor);
    NtClose(H);
    return Status;
}

// --- processes

NTSTATUS NTAPI PsLookupProcessByProcessId(HANDLE Id, PEPROCESS* Out)
{
    HANDLE H;
    if (OpenProcess(u64(Id), QueryProcess, &H) < 0)
        return STATUS_INVALID_CID;
    NtClose(H);
    *Out = u64(Id) == OwnProcessId() ? PsInitialSystemProcess : ClientProcess(u64(Id));
    return STATUS_SUCCESS;
}
// The last part of the image's name, in 15 characters.
PUCHAR NTAPI PsGetProcessImageFileName(PEPROCESS Process)
{
    static UCHAR Names[8][16];
    static ULONG Next;
    UCHAR* Name = Names[__atomic_fetch_add(&Next, 1, __ATOMIC_RELAXED) % 8];
    Name[0] = 0;
    HANDLE H;
    if (OpenProcess(ClientId(Process), QueryProcess, &H) < 0)
        return Name;
    alignas(8) u8 Buffer[600];
    ULONG Bytes;
    if (NtQueryInformationProcess(H, ProcessImageFileName, Buffer, sizeof(Buffer), &Bytes) >= 0) {
        auto* Path = reinterpret_cast<UNICODE_STRING*>(Buffer);
        ULONG End = Path->Length / 2, At = End;
        while (At && Path->Buffer[At - 1] != '\\')
            --At;
        ULONG To = 0;
        while (At < End && To < 15)
            Name[To++] = UCHAR(Path->Buffer[At++]);
        Name[To] = 0;
    }
    NtClose(H);
    return Name;
}
PEPROCESS NTAPI PsGetCurrentThreadProcess() { return PsInitialSystemProcess; }
HANDLE NTAPI PsGetCurrentThreadProcessId() { return PsGetCurrentProcessId(); }
PEPROCESS NTAPI PsGetThreadProcess(PETHREAD) { return PsInitialSystemProcess; }
HANDLE NTAPI PsGetThreadProcessId(PETHREAD) { return PsGetCurrentProcessId(); }
KPROCESSOR_MODE NTAPI PsGetCurrentThreadPreviousMode() { return ExGetPreviousMode(); }
BOOLEAN NTAPI PsIsThreadTerminating(PETHREAD) { return FALSE; }
BOOLEAN NTAPI PsIsSystemProcess(PEPROCESS Process) { return Process == PsInitialSystemProcess; }
ULONG NTAPI PsGetCurrentProcessSessionId() { return 0; }
// Quotas are not kept.
void NTAPI PsChargePoolQuota(PEPROCESS, POOL_TYPE, ULONG_PTR) { }
void NTAPI PsReturnPoolQuota(PEPROCESS, POOL_TYPE, ULONG_PTR) { }
NTSTATUS NTAPI PsChargeProcessPoolQuota(PEPROCESS, POOL_TYPE, ULONG_PTR) { return STATUS_SUCCESS; }
NTSTATUS NTAPI PsChargeProcessNonPagedPoolQuota(PEPROCESS, SIZE_T) { return STATUS_SUCCESS; }
NTSTATUS NTAPI PsChargeProcessPagedPoolQuota(PEPROCESS, SIZE_T) { return STATUS_SUCCESS; }
void NTAPI PsReturnProcessNonPagedPoolQuota(PEPROCESS, SIZE_T) { }
void NTAPI PsReturnProcessPagedPoolQuota(PEPROCESS, SIZE_T) { }

// --- notifications that do not reach drivers

NTSTATUS NTAPI PsSetCreateProcessNotifyRoutine(PCREATE_PROCESS_NOTIFY_ROUTINE, BOOLEAN) { return STATUS_NOT_IMPLEMENTED; }
NTSTATUS NTAPI PsSetCreateProcessNotifyRoutineEx(PCREATE_PROCESS_NOTIFY_ROUTINE_EX, BOOLEAN) { return STATUS_NOT_IMPLEMENTED; }
NTSTATUS NTAPI PsSetCreateThreadNotifyRoutine(PCREATE_THREAD_NOTIFY_ROUTINE) { return STATUS_NOT_IMPLEMENTED; }
NTSTATUS NTAPI PsRemoveCreateThreadNotifyRoutine(PCREATE_THREAD_NOTIFY_ROUTINE) { return STATUS_NOT_IMPLEMENTED; }
NTSTATUS NTAPI PsSetLoadImageNotifyRoutine(PLOAD_IMAGE_NOTIFY_ROUTINE) { return STATUS_NOT_IMPLEMENTED; }
NTSTATUS NTAPI PsRemoveLoadImageNotifyRoutine(PLOAD_IMAGE_NOTIFY_ROUTINE) { return STATUS_NOT_IMPLEMENTED; }
USHORT NTAPI ObGetFilterVersion() { return OB_FLT_REGISTRATION_VERSION; }
PVOID NTAPI CmGetBoundTransaction(PLARGE_INTEGER, PVOID) { return nullptr; }
void NTAPI CmGetCallbackVersion(PULONG Major, PULONG Minor)
{
    *Major = 1;
    *Minor = 1;
}

}
