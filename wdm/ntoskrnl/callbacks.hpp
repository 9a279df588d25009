// Private to ntoskrnl.exe: what the callbacks of handles and processes (callbacks.cpp) and those of the registry (registry_callbacks.cpp) have in common.
#pragma once
#include "wdm/ntoskrnl/fsd.hpp"
#include "wdm/ntoskrnl/object.hpp"

#include <utility>

// reference.cpp
extern "C" POBJECT_TYPE CmKeyObjectTypeValue, PsProcessTypeValue, PsThreadTypeValue;

namespace host {

inline constexpr ULONG MostCalls = 16;
inline constexpr NTSTATUS CallbackBypass = NTSTATUS(0xC0000503), AltitudeCollision = NTSTATUS(0xC01C0011);

// One registration; kept while one of its callbacks runs or the end of a service has yet to be told to it.
struct Registration {
    Registration* Next;
    UNICODE_STRING Altitude;            // empty: of CmRegisterCallback, below all
    PVOID Context;
    LONG Users;
    bool OfKeys;
    PCREATE_PROCESS_NOTIFY_ROUTINE Begins;          // one of these: of processes that begin and end
    PCREATE_PROCESS_NOTIFY_ROUTINE_EX BeginsEx;
    LONGLONG Cookie;                    // of keys
    LONGLONG* CookieTo;                 // where it is told
    PEX_CALLBACK_FUNCTION Function;
    ULONG Count;                        // of handles
    OB_OPERATION_REGISTRATION Operations[2];
    WCHAR Text[1];
};
extern Registration* FirstRegistration;     // by altitude, the highest first; by ListLock, as the keys
extern Lock ListLock;

struct KeyObject;
// One service of a client, from before it to after it.
struct Call {
    wd::Watched About;
    ULONG Count;
    struct {
        Registration* Of;
        ULONG Operation;
        PVOID Context;
    } Told[MostCalls];
    // Of keys:
    KeyObject *Key, *Result;
    UNICODE_STRING Second, Class;
    ULONG Disposition;
    PVOID ResultObject;
    union {
        REG_DELETE_KEY_INFORMATION Delete;
        REG_SET_VALUE_KEY_INFORMATION SetValue;
        REG_DELETE_VALUE_KEY_INFORMATION DeleteValue;
        REG_SET_INFORMATION_KEY_INFORMATION SetInformation;
        REG_RENAME_KEY_INFORMATION Rename;
        REG_ENUMERATE_KEY_INFORMATION Enumerate;
        REG_QUERY_KEY_INFORMATION Query;
        REG_QUERY_VALUE_KEY_INFORMATION QueryValue;
        REG_CREATE_KEY_INFORMATION_V1 Open;
    } Info;
    PVOID* Slot;                        // CallContext in it; ObjectContext follows
    u8 Rest[1];
};

// Altitude: null for none. Null: no memory.
Registration* NewRegistration(const UNICODE_STRING* Altitude);
// It is in the list, or freed.
NTSTATUS Insert(Registration* R);
// Takes it out of the list and waits until nothing of it runs any more; the caller's then. Null: there is none.
Registration* Remove(bool (*Is)(Registration& R, const void* Context), const void* Context);
inline void LetGo(Registration* R) { __atomic_sub_fetch(&R->Users, 1, __ATOMIC_RELEASE); }

// Of keys: the structure the callbacks get (false: no memory); the verdict; the outcome, told to those that were told before.
bool PresentKey(Call& C);
NTSTATUS BeforeKey(Call& C);
NTSTATUS AfterKey(Call& C, NTSTATUS Status);

}
