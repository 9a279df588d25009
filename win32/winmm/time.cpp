// winmm: the multimedia clock and timers; there are no sound, joystick or mixer devices.
#include "win32/common/win.hpp"

#include <mmsystem.h>

namespace {

struct Event {
    Event* Next;
    UINT Id, Flags;
    HANDLE Timer;
    LPTIMECALLBACK Callback;
    DWORD_PTR User;
};

SRWLOCK Lock = SRWLOCK_INIT;
Event* Events;
UINT NextId = 1;

Event* Unlink(UINT Id)
{
    win::Guard Hold(Lock);
    for (Event** At = &Events; *At; At = &(*At)->Next) {
        if ((*At)->Id == Id) {
            Event* Found = *At;
            *At = Found->Next;
            return Found;
        }
    }
    return nullptr;
}

void CALLBACK Fire(void* Data, BOOLEAN)
{
    UINT Id = UINT(ULONG_PTR(Data));
    Event Copy;
    bool Found = false;
    {
        win::Guard Hold(Lock);
        for (Event* E = Events; E; E = E->Next) {
            if (E->Id == Id) {
                Copy = *E;
                Found = true;
            }
        }
    }
    if (!Found) {
        return;
    }
    switch (Copy.Flags & (TIME_CALLBACK_EVENT_SET | TIME_CALLBACK_EVENT_PULSE)) {
    case TIME_CALLBACK_EVENT_SET:
        SetEvent(HANDLE(Copy.Callback));
        break;
    case TIME_CALLBACK_EVENT_PULSE:
        PulseEvent(HANDLE(Copy.Callback));
        break;
    default:
        Copy.Callback(Id, 0, Copy.User, 0, 0);
        break;
    }
    if (!(Copy.Flags & TIME_PERIODIC)) {
        if (Event* Done = Unlink(Id)) {
            DeleteTimerQueueTimer(nullptr, Done->Timer, nullptr);
            win::Free(Done);
        }
    }
}

}

EXPORT DWORD WINAPI timeGetTime() { return GetTickCount(); }
EXPORT MMRESULT WINAPI timeGetSystemTime(LPMMTIME Out, UINT Size)
{
    if (!Out || Size < sizeof(*Out)) {
        return TIMERR_NOCANDO;
    }
    Out->wType = TIME_MS;
    Out->u.ms = timeGetTime();
    return TIMERR_NOERROR;
}
EXPORT MMRESULT WINAPI timeGetDevCaps(LPTIMECAPS Out, UINT Size)
{
    if (!Out || Size < sizeof(*Out)) {
        return TIMERR_NOCANDO;
    }
    *Out = { 1, 1000000 };
    return TIMERR_NOERROR;
}
// Timers are always as fine as the system can.
EXPORT MMRESULT WINAPI timeBeginPeriod(UINT Period) { return Period ? TIMERR_NOERROR : TIMERR_NOCANDO; }
EXPORT MMRESULT WINAPI timeEndPeriod(UINT Period) { return Period ? TIMERR_NOERROR : TIMERR_NOCANDO; }

EXPORT MMRESULT WINAPI timeSetEvent(UINT Delay, UINT, LPTIMECALLBACK Callback, DWORD_PTR User, UINT Flags)
{
    if (!Delay || !Callback) {
        return 0;
    }
    auto E = static_cast<Event*>(win::Allocate(sizeof(Event)));
    if (!E) {
        return 0;
    }
    // The callback runs in this DLL's code, so it must not go away.
    HMODULE Self;
    GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN, reinterpret_cast<LPCWSTR>(Fire), &Self);
    win::Guard Hold(Lock);
    E->Id = NextId++;
    E->Flags = Flags;
    E->Callback = Callback;
    E->User = User;
    if (!CreateTimerQueueTimer(&E->Timer, nullptr, Fire, reinterpret_cast<void*>(ULONG_PTR(E->Id)), Delay,
                               (Flags & TIME_PERIODIC) ? Delay : 0, WT_EXECUTEINTIMERTHREAD)) {
        win::Free(E);
        return 0;
    }
    E->Next = Events;
    Events = E;
    return E->Id;
}
EXPORT MMRESULT WINAPI timeKillEvent(UINT Id)
{
    Event* E = Unlink(Id);
    if (!E) {
        return TIMERR_NOCANDO;
    }
    DeleteTimerQueueTimer(nullptr, E->Timer, (E->Flags & TIME_KILL_SYNCHRONOUS) ? INVALID_HANDLE_VALUE : nullptr);
    win::Free(E);
    return TIMERR_NOERROR;
}

EXPORT UINT WINAPI waveOutGetNumDevs() { return 0; }
EXPORT UINT WINAPI waveInGetNumDevs() { return 0; }
EXPORT UINT WINAPI midiOutGetNumDevs() { return 0; }
EXPORT UINT WINAPI midiInGetNumDevs() { return 0; }
EXPORT UINT WINAPI auxGetNumDevs() { return 0; }
EXPORT UINT WINAPI mixerGetNumDevs() { return 0; }
EXPORT UINT WINAPI joyGetNumDevs() { return 0; }
EXPORT BOOL WINAPI PlaySoundW(LPCWSTR, HMODULE, DWORD) { return FALSE; }
EXPORT BOOL WINAPI PlaySoundA(LPCSTR, HMODULE, DWORD) { return FALSE; }
EXPORT BOOL WINAPI sndPlaySoundW(LPCWSTR, UINT) { return FALSE; }
EXPORT BOOL WINAPI sndPlaySoundA(LPCSTR, UINT) { return FALSE; }
