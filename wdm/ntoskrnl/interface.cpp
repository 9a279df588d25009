// Device interfaces and who wants to know of them; the Executive keeps both (ntos/io/pnp/interface.cpp).
#include "wdm/ntoskrnl/device.hpp"

#include <initguid.h>
#include <wdmguid.h>

namespace host {

namespace {

struct Entry {
    PDRIVER_NOTIFICATION_CALLBACK_ROUTINE Routine;
    PVOID Context;
    GUID Class;
    LONG Users;                         // one for being registered, one for each call
};

constexpr u32 NameRoom = 1024;          // bytes

void Drop(Entry* E)
{
    if (__atomic_sub_fetch(&E->Users, 1, __ATOMIC_ACQ_REL) == 0)
        Free(E);
}

}

void InterfaceChange(const wd::Message& M)
{
    auto* E = reinterpret_cast<Entry*>(M.Device);
    // The link's name for the callback, which may keep a copy.
    auto* Text = static_cast<WCHAR*>(Allocate(M.InputBytes + 2));
    if (!Text)
        return;
    memcpy(Text, DataAt(M.Data, 0), M.InputBytes);
    UNICODE_STRING Name { USHORT(M.InputBytes), USHORT(M.InputBytes + 2), Text };
    DEVICE_INTERFACE_CHANGE_NOTIFICATION N {};
    N.Version = 1;
    N.Size = sizeof(N);
    N.Event = M.Parameters[0] ? GUID_DEVICE_INTERFACE_ARRIVAL : GUID_DEVICE_INTERFACE_REMOVAL;
    N.InterfaceClassGuid = E->Class;
    N.SymbolicLinkName = &Name;
    __atomic_add_fetch(&E->Users, 1, __ATOMIC_ACQ_REL);
    if (E->Routine)
        E->Routine(&N, E->Context);
    Drop(E);
    Free(Text);
}

}

using namespace host;

extern "C" {

NTSTATUS NTAPI IoRegisterDeviceInterface(PDEVICE_OBJECT D, CONST GUID* Class, PUNICODE_STRING Reference, PUNICODE_STRING Link)
{
    u8 In[sizeof(wd::NewInterface) + NameRoom];
    u32 ReferenceBytes = Reference ? Reference->Length : 0;
    if (ReferenceBytes > NameRoom)
        return STATUS_OBJECT_NAME_INVALID;
    wd::NewInterface N {};
    N.Device = IdOf(D);
    N.ReferenceBytes = ReferenceBytes;
    memcpy(&N.Class, Class, sizeof(GUID));
    memcpy(In, &N, sizeof(N));
    if (ReferenceBytes)
        memcpy(In + sizeof(N), Reference->Buffer, ReferenceBytes);
    auto* Text = static_cast<WCHAR*>(ExAllocatePoolWithTag(PagedPool, NameRoom, 'kniL'));
    if (!Text)
        return STATUS_INSUFFICIENT_RESOURCES;
    memset(Text, 0, NameRoom);
    NTSTATUS Status = Control(wd::Control::RegisterInterface, In, sizeof(N) + ReferenceBytes, Text, NameRoom - 2);
    if (Status < 0) {
        ExFreePool(Text);
        return Status;
    }
    usize Length = wcslen(Text);
    *Link = { USHORT(Length * 2), USHORT(Length * 2 + 2), Text };
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI IoSetDeviceInterfaceState(PUNICODE_STRING Link, BOOLEAN Enable)
{
    u8 In[sizeof(wd::InterfaceState) + NameRoom];
    if (Link->Length > NameRoom)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    wd::InterfaceState S { Enable != FALSE, Link->Length };
    memcpy(In, &S, sizeof(S));
    memcpy(In + sizeof(S), Link->Buffer, Link->Length);
    return Control(wd::Control::SetInterface, In, sizeof(S) + Link->Length);
}

NTSTATUS NTAPI IoGetDeviceInterfaces(CONST GUID* Class, PDEVICE_OBJECT D, ULONG Flags, PWSTR* List)
{
    wd::InterfaceQuery Q {};
    memcpy(&Q.Class, Class, sizeof(GUID));
    Q.Device = D ? IdOf(D) : 0;
    Q.Disabled = Flags & DEVICE_INTERFACE_INCLUDE_NONACTIVE;
    for (u32 Room = 4096;; Room *= 2) {
        auto* Names = static_cast<WCHAR*>(ExAllocatePoolWithTag(PagedPool, Room, 'kniL'));
        if (!Names)
            return STATUS_INSUFFICIENT_RESOURCES;
        memset(Names, 0, Room);
        NTSTATUS Status = Control(wd::Control::ListInterfaces, &Q, sizeof(Q), Names, Room);
        if (Status >= 0) {
            *List = Names;
            return STATUS_SUCCESS;
        }
        ExFreePool(Names);
        if (Status != STATUS_BUFFER_TOO_SMALL || Room >= 256 * 1024)
            return Status;
    }
}

NTSTATUS NTAPI IoRegisterPlugPlayNotification(IO_NOTIFICATION_EVENT_CATEGORY Category, ULONG Flags, PVOID Data, PDRIVER_OBJECT, PDRIVER_NOTIFICATION_CALLBACK_ROUTINE Routine,
                                              PVOID Context, PVOID* Out)
{
    auto* E = New<Entry>();
    if (!E)
        return STATUS_INSUFFICIENT_RESOURCES;
    E->Routine = Routine;
    E->Context = Context;
    E->Users = 1;
    *Out = E;
    // Of the other categories nothing is ever told: profiles do not change here, and a file's device goes with the file.
    if (Category != EventCategoryDeviceInterfaceChange)
        return STATUS_SUCCESS;
    memcpy(&E->Class, Data, sizeof(GUID));
    wd::Notification N {};
    memcpy(&N.Class, Data, sizeof(GUID));
    N.Cookie = u64(E);
    N.Existing = Flags & PNPNOTIFY_DEVICE_INTERFACE_INCLUDE_EXISTING_INTERFACES;
    NTSTATUS Status = Control(wd::Control::NotifyInterfaces, &N, sizeof(N));
    if (Status < 0)
        Free(E);
    return Status;
}

NTSTATUS NTAPI IoUnregisterPlugPlayNotification(PVOID Notification)
{
    auto* E = static_cast<Entry*>(Notification);
    // A message may be on its way: the entry stays, without a routine.
    E->Routine = nullptr;
    wd::DeviceId Id { u64(E) };
    Control(wd::Control::EndNotify, &Id, sizeof(Id));
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI IoUnregisterPlugPlayNotificationEx(PVOID Notification) { return IoUnregisterPlugPlayNotification(Notification); }

}
