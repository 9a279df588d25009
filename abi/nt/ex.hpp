// Synchronisation objects, atoms and time: structures and constants of the NT API.
#pragma once
#include "abi/nt/ob.hpp"

namespace nt {

inline constexpr ACCESS_MASK EVENT_QUERY_STATE = 1, EVENT_MODIFY_STATE = 2, EVENT_ALL_ACCESS = STANDARD_RIGHTS_REQUIRED | SYNCHRONIZE | 3;
inline constexpr ACCESS_MASK MUTANT_QUERY_STATE = 1, MUTANT_ALL_ACCESS = STANDARD_RIGHTS_REQUIRED | SYNCHRONIZE | 1;
inline constexpr ACCESS_MASK SEMAPHORE_QUERY_STATE = 1, SEMAPHORE_MODIFY_STATE = 2,
                             SEMAPHORE_ALL_ACCESS = STANDARD_RIGHTS_REQUIRED | SYNCHRONIZE | 3;
inline constexpr ACCESS_MASK TIMER_QUERY_STATE = 1, TIMER_MODIFY_STATE = 2, TIMER_ALL_ACCESS = STANDARD_RIGHTS_REQUIRED | SYNCHRONIZE | 3;
inline constexpr ACCESS_MASK KEYEDEVENT_WAIT = 1, KEYEDEVENT_WAKE = 2, KEYEDEVENT_ALL_ACCESS = STANDARD_RIGHTS_REQUIRED | 3;

enum EVENT_TYPE : ULONG { NotificationEvent, SynchronizationEvent };
enum TIMER_TYPE : ULONG { NotificationTimer, SynchronizationTimer };

struct EVENT_BASIC_INFORMATION {
    ULONG EventType;
    LONG EventState;
};
struct MUTANT_BASIC_INFORMATION {
    LONG CurrentCount;
    BOOLEAN OwnedByCaller, AbandonedState;
};
struct MUTANT_OWNER_INFORMATION {
    CLIENT_ID ClientId;
};
struct SEMAPHORE_BASIC_INFORMATION {
    ULONG CurrentCount, MaximumCount;
};
struct TIMER_BASIC_INFORMATION {
    LARGE_INTEGER RemainingTime;
    BOOLEAN TimerState;
};
static_assert(sizeof(EVENT_BASIC_INFORMATION) == 8 && sizeof(MUTANT_BASIC_INFORMATION) == 8 && sizeof(SEMAPHORE_BASIC_INFORMATION) == 8 &&
              sizeof(TIMER_BASIC_INFORMATION) == 16);

enum ATOM_INFORMATION_CLASS : ULONG { AtomBasicInformation, AtomTableInformation };
struct ATOM_BASIC_INFORMATION {
    USHORT UsageCount, Flags, NameLength;
    WCHAR Name[1];
};
struct ATOM_TABLE_INFORMATION {
    ULONG NumberOfAtoms;
    USHORT Atoms[1];
};

}
