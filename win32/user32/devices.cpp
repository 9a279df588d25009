// RegisterDeviceNotification: windows are told when device interfaces come and go (WM_DEVICECHANGE). What there is, is what the plug-and-play manager has
// written below Control\DeviceClasses; one thread of the process watches that and sends the differences.
#include "win32/common/win.hpp"

#include <dbt.h>

extern "C" NTSTATUS NTAPI NtNotifyChangeKey(HANDLE Key, HANDLE Event, PIO_APC_ROUTINE Routine, PVOID Context, PIO_STATUS_BLOCK Block, ULONG Filter, BOOLEAN Tree,
                                            PVOID Buffer, ULONG Length, BOOLEAN Asynchronous);

namespace {

constexpr WCHAR Classes[] = L"SYSTEM\\CurrentControlSet\\Control\\DeviceClasses";
constexpr usize GuidLength = 38, MostName = 512;

// One registration; its address is the HDEVNOTIFY.
struct Wish {
    Wish* Next;
    HWND Window;
    bool Unicode, All; // the structure's strings; every class
    GUID Class;
};
// An interface that is there.
struct Interface {
    Interface* Next;
    bool Seen;
    GUID Class;
    WCHAR Name[MostName];
};

SRWLOCK Lock = SRWLOCK_INIT;
Wish* Wishes;
bool Watching;
Interface* Present; // the watching thread's, after Ready

bool Digits(const WCHAR*& At, int Count, ULONG& Value)
{
    for (Value = 0; Count; --Count, ++At) {
        WCHAR C = *At | 0x20;
        int Digit = *At >= L'0' && *At <= L'9' ? *At - L'0' : C >= L'a' && C <= L'f' ? C - L'a' + 10 : -1;
        if (Digit < 0) {
            return false;
        }
        Value = Value << 4 | ULONG(Digit);
    }
    return true;
}

// {xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx}
bool Parse(const WCHAR* Text, GUID& To)
{
    if (win::Length(Text) != GuidLength || *Text++ != L'{') {
        return false;
    }
    ULONG Value;
    if (!Digits(Text, 8, To.Data1) || *Text++ != L'-' || !Digits(Text, 4, Value)) {
        return false;
    }
    To.Data2 = USHORT(Value);
    if (*Text++ != L'-' || !Digits(Text, 4, Value) || *Text++ != L'-') {
        return false;
    }
    To.Data3 = USHORT(Value);
    for (int I = 0; I < 8; ++I) {
        if ((I == 2 && *Text++ != L'-') || !Digits(Text, 2, Value)) {
            return false;
        }
        To.Data4[I] = UCHAR(Value);
    }
    return *Text == L'}';
}

// Opens a subkey by its index.
HKEY Child(HKEY Of, DWORD Index, WCHAR (&Name)[MostName])
{
    DWORD Room = MostName;
    HKEY Key;
    if (RegEnumKeyExW(Of, Index, Name, &Room, nullptr, nullptr, nullptr, nullptr) || RegOpenKeyExW(Of, Name, 0, KEY_READ, &Key)) {
        return nullptr;
    }
    return Key;
}

void Note(const GUID& Class, const WCHAR* Name, Interface*& New)
{
    for (Interface* I = Present; I; I = I->Next) {
        if (lstrcmpiW(I->Name, Name) == 0) {
            I->Seen = true;
            return;
        }
    }
    auto* I = static_cast<Interface*>(win::Allocate(sizeof(Interface)));
    if (!I) {
        return;
    }
    I->Class = Class;
    lstrcpynW(I->Name, Name, MostName);
    I->Next = New;
    New = I;
}

// Marks what is still there, and collects what is new.
void Look(HKEY Top, Interface*& New)
{
    WCHAR Name[MostName];
    DWORD Count = 0;
    RegQueryInfoKeyW(Top, nullptr, nullptr, nullptr, &Count, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr);
    for (DWORD C = 0; C < Count; ++C) {
        HKEY Class = Child(Top, C, Name);
        GUID Guid;
        if (!Class) {
            continue;
        }
        bool IsClass = Parse(Name, Guid);
        for (DWORD D = 0; IsClass; ++D) {
            HKEY Device = Child(Class, D, Name);
            if (!Device) {
                break;
            }
            // ##?#BUS#ID#INSTANCE#{class}, below it #REFERENCE: the link in other characters. The value SymbolicLink is others' to change.
            WCHAR Link[2 * MostName] = L"\\\\?\\";
            lstrcpyW(Link + 4, lstrlenW(Name) > 4 ? Name + 4 : L"");
            usize End = win::Length(Link);
            for (DWORD R = 0;; ++R) {
                HKEY Reference = Child(Device, R, Name);
                if (!Reference) {
                    break;
                }
                DWORD Linked = 0, Bytes = sizeof(Linked);
                if (!RegGetValueW(Reference, L"Control", L"Linked", RRF_RT_REG_DWORD, nullptr, &Linked, &Bytes) && Linked) {
                    Link[End] = 0;
                    if (Name[0] && Name[1]) {
                        Link[End] = L'\\';
                        lstrcpyW(Link + End + 1, Name + 1);
                    }
                    Note(Guid, Link, New);
                }
                RegCloseKey(Reference);
            }
            RegCloseKey(Device);
        }
        RegCloseKey(Class);
    }
}

void Tell(HWND Window, bool Unicode, const Interface& I, WPARAM Event)
{
    usize Length = win::Length(I.Name) + 1, Bytes = sizeof(DEV_BROADCAST_DEVICEINTERFACE_W) + Length * sizeof(WCHAR);
    win::Buffer<char> Space(Bytes);
    if (!Space) {
        return;
    }
    auto* W = reinterpret_cast<DEV_BROADCAST_DEVICEINTERFACE_W*>(Space.Get());
    auto* A = reinterpret_cast<DEV_BROADCAST_DEVICEINTERFACE_A*>(Space.Get());
    W->dbcc_devicetype = DBT_DEVTYP_DEVICEINTERFACE;
    W->dbcc_classguid = I.Class;
    if (Unicode) {
        W->dbcc_size = DWORD(Bytes);
        lstrcpyW(W->dbcc_name, I.Name);
    } else {
        int Room = int(Bytes - offsetof(DEV_BROADCAST_DEVICEINTERFACE_A, dbcc_name));
        int Used = WideCharToMultiByte(CP_ACP, 0, I.Name, -1, A->dbcc_name, Room, nullptr, nullptr);
        A->dbcc_size = DWORD(offsetof(DEV_BROADCAST_DEVICEINTERFACE_A, dbcc_name)) + DWORD(Used);
    }
    SendMessageW(Window, WM_DEVICECHANGE, Event, LPARAM(W));
}

// Windows may register and unregister while they are told: each is found anew.
void TellAll(const Interface& I, WPARAM Event)
{
    for (usize At = 0;; ++At) {
        AcquireSRWLockShared(&Lock);
        Wish* W = Wishes;
        for (usize N = 0; W && N < At; ++N) {
            W = W->Next;
        }
        bool Wanted = W && (W->All || IsEqualGUID(W->Class, I.Class));
        HWND Window = W ? W->Window : nullptr;
        bool Unicode = W && W->Unicode;
        ReleaseSRWLockShared(&Lock);
        if (!Window) {
            return;
        }
        if (Wanted) {
            Tell(Window, Unicode, I, Event);
        }
    }
}

struct Start {
    HKEY Top;
    HANDLE Ready;
};

DWORD WINAPI Watch(void* Context)
{
    Start S = *static_cast<Start*>(Context);
    HANDLE Changed = CreateEventW(nullptr, FALSE, FALSE, nullptr);
    for (bool First = true; Changed; First = false) {
        // The request first, then the look: what changes in between is told again.
        // Not RegNotifyChangeKeyValue: the packaged one has the status block, which is written at the change, in its frame.
        static IO_STATUS_BLOCK Block;
        NTSTATUS Error = NtNotifyChangeKey(S.Top, Changed, nullptr, nullptr, &Block, REG_NOTIFY_CHANGE_NAME | REG_NOTIFY_CHANGE_LAST_SET, TRUE, nullptr, 0, TRUE);
        Interface* New = nullptr;
        Look(S.Top, New);
        for (Interface** At = &Present; *At;) {
            Interface* I = *At;
            if (I->Seen) {
                I->Seen = false;
                At = &I->Next;
                continue;
            }
            *At = I->Next;
            TellAll(*I, DBT_DEVICEREMOVECOMPLETE);
            win::Free(I);
        }
        while (New) {
            Interface* I = New;
            New = I->Next;
            I->Next = Present;
            Present = I;
            if (!First) {
                TellAll(*I, DBT_DEVICEARRIVAL);
            }
        }
        if (First) {
            SetEvent(S.Ready);
        }
        if (Error < 0 || WaitForSingleObject(Changed, INFINITE) != WAIT_OBJECT_0) {
            break;
        }
    }
    return 0;
}

// The thread that watches, once; it knows what there is when this returns. Lock is not held.
bool StartWatching()
{
    static SRWLOCK Starting = SRWLOCK_INIT;
    win::Guard Hold(Starting);
    if (Watching) {
        return true;
    }
    Start S {};
    S.Ready = CreateEventW(nullptr, TRUE, FALSE, nullptr);
    if (!S.Ready || RegOpenKeyExW(HKEY_LOCAL_MACHINE, Classes, 0, KEY_READ | KEY_NOTIFY, &S.Top)) {
        return false;
    }
    if (HANDLE Thread = CreateThread(nullptr, 0, Watch, &S, 0, nullptr)) {
        HANDLE Either[] = { S.Ready, Thread };
        Watching = WaitForMultipleObjects(2, Either, FALSE, INFINITE) == WAIT_OBJECT_0;
        CloseHandle(Thread);
    }
    CloseHandle(S.Ready);
    return Watching;
}

HDEVNOTIFY Register(HANDLE Recipient, void* Filter, DWORD Flags, bool Unicode)
{
    auto* What = static_cast<DEV_BROADCAST_DEVICEINTERFACE_W*>(Filter);
    if (!What || Flags & ~DWORD(DEVICE_NOTIFY_SERVICE_HANDLE | DEVICE_NOTIFY_ALL_INTERFACE_CLASSES)) {
        win::Fail(ERROR_INVALID_PARAMETER);
        return nullptr;
    }
    if (What->dbcc_devicetype != DBT_DEVTYP_DEVICEINTERFACE) {
        win::Fail(What->dbcc_devicetype == DBT_DEVTYP_HANDLE ? ERROR_CALL_NOT_IMPLEMENTED : ERROR_INVALID_DATA);
        return nullptr;
    }
    // There is no service manager whose services could be told.
    if (Flags & DEVICE_NOTIFY_SERVICE_HANDLE || !IsWindow(HWND(Recipient))) {
        win::Fail(ERROR_INVALID_PARAMETER);
        return nullptr;
    }
    if (!StartWatching()) {
        win::Fail(ERROR_NOT_ENOUGH_MEMORY);
        return nullptr;
    }
    auto* W = static_cast<Wish*>(win::Allocate(sizeof(Wish)));
    if (!W) {
        win::Fail(ERROR_NOT_ENOUGH_MEMORY);
        return nullptr;
    }
    W->Window = HWND(Recipient);
    W->Unicode = Unicode;
    W->All = Flags & DEVICE_NOTIFY_ALL_INTERFACE_CLASSES;
    W->Class = What->dbcc_classguid;
    win::Guard Hold(Lock);
    W->Next = Wishes;
    Wishes = W;
    return W;
}

}

EXPORT HDEVNOTIFY WINAPI RegisterDeviceNotificationW(HANDLE Recipient, LPVOID Filter, DWORD Flags) { return Register(Recipient, Filter, Flags, true); }
EXPORT HDEVNOTIFY WINAPI RegisterDeviceNotificationA(HANDLE Recipient, LPVOID Filter, DWORD Flags) { return Register(Recipient, Filter, Flags, false); }
EXPORT BOOL WINAPI UnregisterDeviceNotification(HDEVNOTIFY Handle)
{
    win::Guard Hold(Lock);
    for (Wish** At = &Wishes; *At; At = &(*At)->Next) {
        Wish* W = *At;
        if (W == Handle) {
            *At = W->Next;
            win::Free(W);
            return TRUE;
        }
    }
    return win::Fail(ERROR_SERVICE_SPECIFIC_ERROR);
}
