// Objects by handle, by name and by id, their types and their references. What a handle leads to is, if it lives in this process, the object itself
// (threads, the driver, its devices); else a proxy that stands for the handle, one for each object however many handles lead to it.
#include "wdm/ntoskrnl/device.hpp"
#include "wdm/ntoskrnl/fsd.hpp"
#include "wdm/ntoskrnl/object.hpp"

extern "C" {
NTSTATUS NTAPI NtCompareObjects(HANDLE, HANDLE);
NTSTATUS NTAPI NtQueryInformationThread(HANDLE, THREADINFOCLASS, PVOID, ULONG, PULONG);
}

namespace host {

namespace {

Lock ProxyLock;
LIST_ENTRY Proxies = { &Proxies, &Proxies };

struct ThreadBasic {
    NTSTATUS ExitStatus;
    PVOID Teb;
    CLIENT_ID Id;
    KAFFINITY Affinity;
    KPRIORITY Priority, BasePriority;
};

// One of this process's threads by a handle (which is closed, or the object's), with a reference. Null: it is another process's.
Thread* ThreadOfHandle(HANDLE H)
{
    ThreadBasic About {};
    if (NtQueryInformationThread(H, ThreadBasicInformation, &About, sizeof(About), nullptr) < 0 || u64(About.Id.UniqueProcess) != OwnProcessId())
        return nullptr;
    Thread* T = FindThread(About.Id.UniqueThread);
    if (!T)
        return EndedThread(H, About.Id.UniqueThread);
    NtClose(H);
    return T;
}

// What the exported type pointers lead to: their numbers in wd::HandleGot, and what only this process has.
enum : ULONG { Unknown, AnEvent, ASemaphore, AMutant, AProcess = 5, AThread, AFile, ASection, ADriver, ADevice, AKey, Kinds };
ULONG Types[Kinds] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 };
POBJECT_TYPE TypeOf(ULONG Kind) { return Kind ? reinterpret_cast<POBJECT_TYPE>(&Types[Kind]) : nullptr; }

}

ULONG KindOf(const void* Object)
{
    if (IsClientThread(Object))
        return AThread;
    if (IsProcess(Object))
        return AProcess;
    auto* H = static_cast<const DISPATCHER_HEADER*>(Object);
    if (H->Type == ProxyObject && H->Size == ProxySize)
        return ULONG(H->SignalState);
    if (IsKeyObject(Object))
        return AKey;
    if (H->Type == 6)
        return AThread;
    switch (*static_cast<const CSHORT*>(Object)) {
    case IO_TYPE_FILE:
        return AFile;
    case IO_TYPE_DRIVER:
        return ADriver;
    case IO_TYPE_DEVICE:
        return ADevice;
    }
    return Unknown;
}

PVOID NewProxy(HANDLE H, ULONG Type)
{
    auto* P = New<HandleProxy>();
    if (!P) {
        NtClose(H);
        return nullptr;
    }
    P->Header.Type = ProxyObject;
    P->Header.Size = ProxySize;
    P->Header.SignalState = LONG(Type);
    P->Handle = H;
    P->References = 1;
    Hold Held(ProxyLock);
    InsertHeadList(&Proxies, &P->Link);
    return P;
}

// The proxy there is for what the handle leads to (which is closed then), or a new one.
static PVOID ProxyOf(HANDLE H, ULONG Type)
{
    {
        Hold Held(ProxyLock);
        for (LIST_ENTRY* At = Proxies.Flink; At != &Proxies; At = At->Flink) {
            auto* P = CONTAINING_RECORD(At, HandleProxy, Link);
            if (P->Header.SignalState != LONG(Type) || NtCompareObjects(P->Handle, H) != STATUS_SUCCESS)
                continue;
            ++P->References;
            NtClose(H);
            return P;
        }
    }
    return NewProxy(H, Type);
}

static LONG ReleaseProxy(HandleProxy* P)
{
    {
        Hold Held(ProxyLock);
        if (LONG Left = --P->References; Left > 0)
            return Left;
        RemoveEntryList(&P->Link);
    }
    NtClose(P->Handle);
    Free(P);
    return 0;
}

}

using namespace host;
#define CALLER __builtin_return_address(0)

extern "C" {

// The variables themselves, as the kernel exports them. A driver's pointer of that name is its import of the variable.
POBJECT_TYPE ExEventObjectTypeValue = TypeOf(AnEvent), ExSemaphoreObjectTypeValue = TypeOf(ASemaphore), PsProcessTypeValue = TypeOf(AProcess), PsThreadTypeValue = TypeOf(AThread),
             IoFileObjectTypeValue = TypeOf(AFile), MmSectionObjectTypeValue = TypeOf(ASection), IoDriverObjectTypeValue = TypeOf(ADriver), IoDeviceObjectTypeValue = TypeOf(ADevice),
             CmKeyObjectTypeValue = TypeOf(AKey);

POBJECT_TYPE NTAPI ObGetObjectType(PVOID Object) { return TypeOf(KindOf(Object)); }

NTSTATUS NTAPI ObReferenceObjectByHandle(HANDLE H, ACCESS_MASK Access, POBJECT_TYPE Type, KPROCESSOR_MODE Mode, PVOID* Out, POBJECT_HANDLE_INFORMATION Info)
{
    RequireIrql(PASSIVE_LEVEL, "ObReferenceObjectByHandle", CALLER);
    *Out = nullptr;
    if (H == NtCurrentThread()) {
        if (Type && Type != PsThreadTypeValue)
            return STATUS_OBJECT_TYPE_MISMATCH;
        *Out = Current();
        __atomic_add_fetch(&Current()->References, 1, __ATOMIC_RELAXED);
        return STATUS_SUCCESS;
    }
    // A user-mode handle is one of the client whose request this thread works on.
    u64 Client = 0;
    if (Mode == UserMode && Current()->Client)
        Client = Current()->Client;
    wd::HandleOf In { Client, u64(H), Access, 0 };
    wd::HandleGot Got {};
    NTSTATUS Status = Control(wd::Control::ReferenceHandle, &In, sizeof(In), &Got, sizeof(Got));
    if (Status < 0)
        return Status;
    HANDLE Own = reinterpret_cast<HANDLE>(Got.Handle);
    if (Type && *reinterpret_cast<ULONG*>(Type) != Got.Type) {
        NtClose(Own);
        return STATUS_OBJECT_TYPE_MISMATCH;
    }
    if (Info)
        *Info = { 0, Got.Granted };
    if (Thread* T = Got.Type == AThread ? ThreadOfHandle(Own) : nullptr) {
        *Out = T;
        return STATUS_SUCCESS;
    }
    *Out = Got.Type == AFile ? FileOfHandle(Own) : ProxyOf(Own, Got.Type);
    return *Out ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

LONG_PTR FASTCALL ObfReferenceObject(PVOID Object)
{
    if (IsClientThread(Object) || IsProcess(Object))
        return 1;
    if (ProxyHandle(Object)) {
        Hold Held(ProxyLock);
        return ++static_cast<HandleProxy*>(Object)->References;
    }
    if (KindOf(Object) == AThread)
        return __atomic_add_fetch(&static_cast<Thread*>(Object)->References, 1, __ATOMIC_RELAXED);
    if (IsFile(Object))
        return ReferenceFile(static_cast<FILE_OBJECT*>(Object));
    return 1;
}
LONG_PTR FASTCALL ObfDereferenceObject(PVOID Object)
{
    if (IsClientThread(Object) || IsProcess(Object))
        return 1;
    if (ProxyHandle(Object))
        return ReleaseProxy(static_cast<HandleProxy*>(Object));
    if (KindOf(Object) == AThread)
        host::Release(static_cast<Thread*>(Object));
    else if (IsFile(Object))
        return DereferenceFile(static_cast<FILE_OBJECT*>(Object));
    return 1;
}
NTSTATUS NTAPI ObReferenceObjectByPointer(PVOID Object, ACCESS_MASK, POBJECT_TYPE Type, KPROCESSOR_MODE)
{
    // Tokens have no number.
    if (ULONG Kind = KindOf(Object); Type && Kind && TypeOf(Kind) != Type)
        return STATUS_OBJECT_TYPE_MISMATCH;
    ObfReferenceObject(Object);
    return STATUS_SUCCESS;
}
void NTAPI ObDereferenceObjectDeferDelete(PVOID Object) { ObfDereferenceObject(Object); }

// The objects of this process that have names: its driver's. Those of another driver have no address here.
NTSTATUS NTAPI ObReferenceObjectByName(PUNICODE_STRING Name, ULONG, PACCESS_STATE, ACCESS_MASK, POBJECT_TYPE Type, KPROCESSOR_MODE, PVOID, PVOID* Out)
{
    *Out = nullptr;
    if (!TheDriver || !RtlEqualUnicodeString(Name, &TheDriver->DriverName, TRUE))
        return STATUS_NOT_IMPLEMENTED;
    if (Type && Type != IoDriverObjectTypeValue)
        return STATUS_OBJECT_TYPE_MISMATCH;
    *Out = TheDriver;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI PsLookupThreadByThreadId(HANDLE Id, PETHREAD* Out)
{
    *Out = nullptr;
    if (Thread* T = Id ? FindThread(Id) : nullptr) {
        *Out = reinterpret_cast<PETHREAD>(T);
        return STATUS_SUCCESS;
    }
    return STATUS_INVALID_CID;
}

}
