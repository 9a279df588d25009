// GetMessage and its kin on the queues of queue.hpp: posted messages, timers, quitting, waiting for input and handles.
#include "win32/user32/queue.hpp"
#include "win32/user32/window.hpp"

using namespace user32;

namespace {

bool Matches(const MSG& Message, HWND Window, UINT First, UINT Last)
{
    if (Window == HWND(LONG_PTR(-1)) ? Message.hwnd != nullptr : (Window && Message.hwnd != Window)) {
        return false;
    }
    return (!First && !Last) || (Message.message >= First && Message.message <= Last);
}

// The timer that is due and matches, its next time set; the earliest time of all in Next.
Timer* DueTimer(Queue& Q, HWND Window, UINT First, UINT Last)
{
    ULONGLONG Now = GetTickCount64();
    for (Timer* T = Q.Timers; T; T = T->Next) {
        MSG As = { T->Window, WM_TIMER, T->Id, LPARAM(T->Proc), 0, { 0, 0 } };
        if (T->Due <= Now && Matches(As, Window, First, Last)) {
            return T;
        }
    }
    return nullptr;
}

// Time until a timer is due, INFINITE without one.
DWORD NextTimer(Queue& Q)
{
    ULONGLONG Now = GetTickCount64(), Best = ~0ull;
    for (Timer* T = Q.Timers; T; T = T->Next) {
        Best = T->Due < Best ? T->Due : Best;
    }
    return Best == ~0ull ? INFINITE : Best <= Now ? 0 : DWORD(Best - Now);
}

bool Take(Queue& Q, MSG* Out, HWND Window, UINT First, UINT Last, UINT Flags)
{
    win::Guard Hold(Lock);
    ResetEvent(Q.Event);
    Q.Changed = 0;
    Posted* Previous = nullptr;
    for (Posted** At = &Q.First; *At; Previous = *At, At = &(*At)->Next) {
        Posted* P = *At;
        if (!Matches(P->Message, Window, First, Last)) {
            continue;
        }
        *Out = P->Message;
        Q.MessageTime = P->Message.time;
        if (Flags & PM_REMOVE) {
            *At = P->Next;
            if (Q.Last == P) {
                Q.Last = Previous;
            }
            win::Free(P);
        }
        return true;
    }
    // WM_QUIT comes after everything posted and is never filtered by window.
    if (Q.Quit && ((!First && !Last) || (First <= WM_QUIT && WM_QUIT <= Last))) {
        *Out = { nullptr, WM_QUIT, WPARAM(Q.QuitCode), 0, GetTickCount(), { 0, 0 } };
        if (Flags & PM_REMOVE) {
            Q.Quit = false;
        }
        return true;
    }
    if (Timer* T = DueTimer(Q, Window, First, Last)) {
        *Out = { T->Window, WM_TIMER, T->Id, LPARAM(T->Proc), GetTickCount(), { 0, 0 } };
        Q.MessageTime = Out->time;
        if (Flags & PM_REMOVE) {
            T->Due = GetTickCount64() + T->Period;
        }
        return true;
    }
    return false;
}

bool BadWindow(HWND Window) { return Window && Window != HWND(LONG_PTR(-1)) && !IsWindow(Window); }

BOOL Peek(MSG* Out, HWND Window, UINT First, UINT Last, UINT Flags)
{
    Queue* Q = Mine();
    if (!Q) {
        return win::Fail(ERROR_NOT_ENOUGH_MEMORY);
    }
    if (BadWindow(Window)) {
        return win::Fail(ERROR_INVALID_WINDOW_HANDLE);
    }
    AnswerSent(*Q);
    return Take(*Q, Out, Window, First, Last, Flags);
}

BOOL Get(MSG* Out, HWND Window, UINT First, UINT Last)
{
    Queue* Q = Mine();
    if (!Q) {
        SetLastError(ERROR_NOT_ENOUGH_MEMORY);
        return -1;
    }
    if (BadWindow(Window)) {
        SetLastError(ERROR_INVALID_WINDOW_HANDLE);
        return -1;
    }
    for (;;) {
        AnswerSent(*Q);
        if (Take(*Q, Out, Window, First, Last, PM_REMOVE)) {
            return Out->message != WM_QUIT;
        }
        DWORD Left;
        {
            win::Guard Hold(Lock);
            Left = NextTimer(*Q);
        }
        WaitForSingleObject(Q->Event, Left);
    }
}

UINT PresentBits(Queue& Q)
{
    UINT Bits = 0;
    if (Q.First || Q.Quit) {
        Bits |= QS_POSTMESSAGE | QS_ALLPOSTMESSAGE;
    }
    if (Q.Incoming) {
        Bits |= QS_SENDMESSAGE;
    }
    if (NextTimer(Q) == 0) {
        Bits |= QS_TIMER;
    }
    return Bits;
}

}

EXPORT BOOL WINAPI PeekMessageW(LPMSG Out, HWND Window, UINT First, UINT Last, UINT Flags) { return Peek(Out, Window, First, Last, Flags); }
EXPORT BOOL WINAPI PeekMessageA(LPMSG Out, HWND Window, UINT First, UINT Last, UINT Flags) { return Peek(Out, Window, First, Last, Flags); }
EXPORT BOOL WINAPI GetMessageW(LPMSG Out, HWND Window, UINT First, UINT Last) { return Get(Out, Window, First, Last); }
EXPORT BOOL WINAPI GetMessageA(LPMSG Out, HWND Window, UINT First, UINT Last) { return Get(Out, Window, First, Last); }
// There is no keyboard, so no key message to translate.
EXPORT BOOL WINAPI TranslateMessage(const MSG*) { return FALSE; }
EXPORT BOOL WINAPI CallMsgFilterA(LPMSG, int) { return FALSE; }
EXPORT BOOL WINAPI CallMsgFilterW(LPMSG, int) { return FALSE; }

EXPORT LRESULT WINAPI DispatchMessageW(const MSG* Message)
{
    if (Message->message == WM_TIMER && Message->lParam) {
        reinterpret_cast<TIMERPROC>(Message->lParam)(Message->hwnd, WM_TIMER, Message->wParam, GetTickCount());
        return 0;
    }
    return Message->hwnd ? Call(Message->hwnd, Message->message, Message->wParam, Message->lParam, true) : 0;
}
EXPORT LRESULT WINAPI DispatchMessageA(const MSG* Message)
{
    if (Message->message == WM_TIMER && Message->lParam) {
        return DispatchMessageW(Message);
    }
    return Message->hwnd ? Call(Message->hwnd, Message->message, Message->wParam, Message->lParam, false) : 0;
}

EXPORT BOOL WINAPI PostThreadMessageW(DWORD Thread, UINT Message, WPARAM W, LPARAM L)
{
    if (Thread == GetCurrentThreadId()) {
        Mine();
    }
    win::Guard Hold(Lock);
    Queue* Q = Of(Thread);
    if (!Q) {
        return win::Fail(ERROR_INVALID_THREAD_ID);
    }
    return Post(*Q, nullptr, Message, W, L) || win::Fail(ERROR_NOT_ENOUGH_MEMORY);
}
EXPORT BOOL WINAPI PostThreadMessageA(DWORD Thread, UINT Message, WPARAM W, LPARAM L) { return PostThreadMessageW(Thread, Message, W, L); }

EXPORT void WINAPI PostQuitMessage(int Code)
{
    if (Queue* Q = Mine()) {
        win::Guard Hold(Lock);
        Q->Quit = true;
        Q->QuitCode = Code;
        Q->Changed |= QS_POSTMESSAGE;
        SetEvent(Q->Event);
    }
}

EXPORT BOOL WINAPI WaitMessage() { return MsgWaitForMultipleObjectsEx(0, nullptr, INFINITE, QS_ALLINPUT, 0) != WAIT_FAILED; }

EXPORT DWORD WINAPI MsgWaitForMultipleObjectsEx(DWORD Count, const HANDLE* Handles, DWORD Timeout, DWORD Mask, DWORD Flags)
{
    Queue* Q = Mine();
    if (!Q || Count >= MAXIMUM_WAIT_OBJECTS || (Flags & ~DWORD(MWMO_WAITALL | MWMO_ALERTABLE | MWMO_INPUTAVAILABLE))) {
        SetLastError(Q ? ERROR_INVALID_PARAMETER : ERROR_NOT_ENOUGH_MEMORY);
        return WAIT_FAILED;
    }
    HANDLE All[MAXIMUM_WAIT_OBJECTS];
    for (DWORD i = 0; i < Count; ++i) {
        All[i] = Handles[i];
    }
    All[Count] = Q->Event;
    ULONGLONG End = GetTickCount64() + Timeout;
    for (;;) {
        DWORD Due;
        bool Input;
        {
            win::Guard Hold(Lock);
            Due = NextTimer(*Q);
            UINT Bits = (Flags & MWMO_INPUTAVAILABLE) ? PresentBits(*Q) : Q->Changed | (Due == 0 ? UINT(QS_TIMER) : 0);
            Input = (Bits & Mask) != 0;
            if (!Input) {
                ResetEvent(Q->Event);
            }
        }
        if (Input && !(Flags & MWMO_WAITALL)) {
            // Handles come first when both are ready.
            DWORD Ready = Count ? WaitForMultipleObjectsEx(Count, All, FALSE, 0, (Flags & MWMO_ALERTABLE) != 0) : DWORD(WAIT_TIMEOUT);
            return Ready == WAIT_TIMEOUT ? WAIT_OBJECT_0 + Count : Ready;
        }
        ULONGLONG Now = GetTickCount64();
        DWORD Left = Timeout == INFINITE ? INFINITE : End > Now ? DWORD(End - Now) : 0;
        bool ForTimer = (Mask & QS_TIMER) && Due < Left;
        DWORD Woke;
        if (Flags & MWMO_WAITALL) {
            if (Input) {
                SetEvent(Q->Event);
            }
            Woke = WaitForMultipleObjectsEx(Count + 1, All, TRUE, ForTimer && !Input ? Due : Left, (Flags & MWMO_ALERTABLE) != 0);
            if (Woke != WAIT_TIMEOUT || !ForTimer) {
                return Woke;
            }
            continue;
        }
        Woke = WaitForMultipleObjectsEx(Count + 1, All, FALSE, ForTimer ? Due : Left, (Flags & MWMO_ALERTABLE) != 0);
        if (Woke == WAIT_OBJECT_0 + Count || (Woke == WAIT_TIMEOUT && ForTimer)) {
            continue; // look whether it is of the kind that is asked for
        }
        return Woke;
    }
}
EXPORT DWORD WINAPI MsgWaitForMultipleObjects(DWORD Count, const HANDLE* Handles, BOOL All, DWORD Timeout, DWORD Mask)
{
    return MsgWaitForMultipleObjectsEx(Count, Handles, Timeout, Mask, All ? MWMO_WAITALL : 0);
}
EXPORT DWORD WINAPI WaitForInputIdle(HANDLE, DWORD) { return 0; }

EXPORT DWORD WINAPI GetQueueStatus(UINT Mask)
{
    Queue* Q = Mine();
    if (!Q) {
        return 0;
    }
    win::Guard Hold(Lock);
    UINT Now = PresentBits(*Q) & Mask, New = Q->Changed & Mask;
    Q->Changed &= ~Mask;
    return MAKELONG(New, Now);
}
EXPORT BOOL WINAPI GetInputState() { return FALSE; }
EXPORT LONG WINAPI GetMessageTime()
{
    Queue* Q = Mine();
    return Q ? LONG(Q->MessageTime) : 0;
}
EXPORT DWORD WINAPI GetMessagePos() { return 0; }
EXPORT LPARAM WINAPI GetMessageExtraInfo()
{
    Queue* Q = Mine();
    return Q ? Q->ExtraInfo : 0;
}
EXPORT LPARAM WINAPI SetMessageExtraInfo(LPARAM Value)
{
    Queue* Q = Mine();
    LPARAM Old = 0;
    if (Q) {
        Old = Q->ExtraInfo;
        Q->ExtraInfo = Value;
    }
    return Old;
}

EXPORT UINT_PTR WINAPI SetTimer(HWND Window, UINT_PTR Id, UINT Period, TIMERPROC Proc)
{
    if (Window && !IsWindow(Window)) {
        return UINT_PTR(win::Fail(ERROR_INVALID_WINDOW_HANDLE));
    }
    Queue* Q = Mine();
    if (!Q) {
        return UINT_PTR(win::Fail(ERROR_NOT_ENOUGH_MEMORY));
    }
    DWORD Owner = Window ? GetWindowThreadProcessId(Window, nullptr) : GetCurrentThreadId();
    win::Guard Hold(Lock);
    Q = Of(Owner);
    if (!Q) {
        return UINT_PTR(win::Fail(ERROR_INVALID_WINDOW_HANDLE));
    }
    Timer* T = Q->Timers;
    while (T && !(T->Window == Window && T->Id == Id)) {
        T = T->Next;
    }
    if (!T) {
        T = static_cast<Timer*>(win::Allocate(sizeof(Timer)));
        if (!T) {
            return UINT_PTR(win::Fail(ERROR_NOT_ENOUGH_MEMORY));
        }
        T->Window = Window;
        T->Id = Window ? Id : Q->NextTimer--;
        T->Next = Q->Timers;
        Q->Timers = T;
    }
    T->Proc = Proc;
    T->Period = Period < USER_TIMER_MINIMUM ? USER_TIMER_MINIMUM : Period > USER_TIMER_MAXIMUM ? USER_TIMER_MAXIMUM : Period;
    T->Due = GetTickCount64() + T->Period;
    SetEvent(Q->Event); // a thread that already waits computes its time again
    return Window && T->Id == 0 ? 1 : T->Id;
}
EXPORT BOOL WINAPI KillTimer(HWND Window, UINT_PTR Id)
{
    Queue* Q = Mine();
    if (!Q) {
        return FALSE;
    }
    DWORD Owner = Window ? GetWindowThreadProcessId(Window, nullptr) : GetCurrentThreadId();
    win::Guard Hold(Lock);
    Q = Of(Owner);
    for (Timer** At = Q ? &Q->Timers : nullptr; At && *At; At = &(*At)->Next) {
        Timer* T = *At;
        if (T->Window == Window && T->Id == Id) {
            *At = T->Next;
            win::Free(T);
            return TRUE;
        }
    }
    return win::Fail(ERROR_INVALID_PARAMETER);
}

EXPORT BOOL WINAPI InSendMessage() { return InSendMessageEx(nullptr) != ISMEX_NOSEND; }
EXPORT DWORD WINAPI InSendMessageEx(LPVOID)
{
    Queue* Q = Mine();
    Sent* S = Q ? Q->Current : nullptr;
    if (!S) {
        return ISMEX_NOSEND;
    }
    DWORD Kind = S->Callback ? ISMEX_CALLBACK : S->NobodyWaits ? ISMEX_NOTIFY : ISMEX_SEND;
    return S->Done ? Kind | ISMEX_REPLIED : Kind;
}
EXPORT BOOL WINAPI ReplyMessage(LRESULT Result)
{
    Queue* Q = Mine();
    if (!Q) {
        return FALSE;
    }
    win::Guard Hold(Lock);
    Sent* S = Q->Current;
    if (!S || S->Done || S->NobodyWaits) {
        return FALSE;
    }
    S->Result = Result;
    S->Done = true;
    if (S->Reply) {
        SetEvent(S->Reply);
    }
    return TRUE;
}
