#include "win32/user32/queue.hpp"

#include "win32/user32/window.hpp"

namespace user32 {

SRWLOCK Lock = SRWLOCK_INIT;

namespace {

Queue* Queues;
DWORD Slot = FLS_OUT_OF_INDEXES;

// Lock is held.
void Answer(Sent* Message, bool Dead)
{
    (Dead ? Message->Dead : Message->Done) = true;
    if (Message->NobodyWaits) {
        win::Free(Message);
    } else {
        SetEvent(Message->Reply);
    }
}

void WINAPI ThreadGone(void* Data)
{
    auto Q = static_cast<Queue*>(Data);
    if (!Q) {
        return;
    }
    DestroyWindowsOf(Q->Thread);
    win::Guard Hold(Lock);
    for (Queue** At = &Queues; *At; At = &(*At)->Next) {
        if (*At == Q) {
            *At = Q->Next;
            break;
        }
    }
    while (Posted* P = Q->First) {
        Q->First = P->Next;
        win::Free(P);
    }
    while (Timer* T = Q->Timers) {
        Q->Timers = T->Next;
        win::Free(T);
    }
    while (Sent* S = Q->Incoming) {
        Q->Incoming = S->Next;
        Answer(S, true);
    }
    while (Sent* S = Q->Current) {
        Q->Current = S->Outer;
        S->Busy = false;
        if (!S->Done) {
            Answer(S, true);
        } else if (S->NobodyWaits) {
            win::Free(S);
        }
    }
    CloseHandle(Q->Event);
    win::Free(Q);
}

void Notify(Queue& Q, UINT Bits)
{
    Q.Changed |= Bits;
    SetEvent(Q.Event);
}

}

Queue* Mine()
{
    win::Guard Hold(Lock);
    if (auto Q = static_cast<Queue*>(FlsGetValue(Slot))) {
        return Q;
    }
    auto Q = static_cast<Queue*>(win::Allocate(sizeof(Queue)));
    if (!Q) {
        return nullptr;
    }
    Q->Thread = GetCurrentThreadId();
    Q->Event = CreateEventW(nullptr, TRUE, FALSE, nullptr);
    Q->NextTimer = 0x7FFF;
    if (!Q->Event || !FlsSetValue(Slot, Q)) {
        if (Q->Event) {
            CloseHandle(Q->Event);
        }
        win::Free(Q);
        return nullptr;
    }
    Q->Next = Queues;
    Queues = Q;
    return Q;
}

Queue* Of(DWORD Thread)
{
    for (Queue* Q = Queues; Q; Q = Q->Next) {
        if (Q->Thread == Thread) {
            return Q;
        }
    }
    return nullptr;
}

bool Post(Queue& To, HWND Window, UINT Message, WPARAM W, LPARAM L)
{
    auto P = static_cast<Posted*>(win::Allocate(sizeof(Posted)));
    if (!P) {
        return false;
    }
    P->Message = { Window, Message, W, L, GetTickCount(), { 0, 0 } };
    (To.Last ? To.Last->Next : To.First) = P;
    To.Last = P;
    Notify(To, QS_POSTMESSAGE | QS_ALLPOSTMESSAGE);
    return true;
}

void Give(Queue& To, Sent* Message)
{
    Sent** At = &To.Incoming;
    while (*At) {
        At = &(*At)->Next;
    }
    *At = Message;
    Message->Next = nullptr;
    Notify(To, QS_SENDMESSAGE);
}

void AnswerSent(Queue& Q)
{
    for (;;) {
        Sent* Message;
        {
            win::Guard Hold(Lock);
            Message = Q.Incoming;
            if (!Message) {
                return;
            }
            Q.Incoming = Message->Next;
            Message->Outer = Q.Current;
            Message->Busy = true;
            Q.Current = Message;
        }
        if (Message->Callback && Message->Sender == Q.Thread) {
            // The answer to our own SendMessageCallback has come back.
            Message->Callback(Message->Window, Message->Message, Message->CallbackData, Message->Result);
            win::Guard Hold(Lock);
            Q.Current = Message->Outer;
            win::Free(Message);
            continue;
        }
        LRESULT Result = Call(Message->Window, Message->Message, Message->W, Message->L, Message->Unicode);
        win::Guard Hold(Lock);
        Q.Current = Message->Outer;
        Message->Busy = false;
        if (!Message->Done) { // ReplyMessage may have answered already
            Message->Result = Result;
            Queue* Sender = Message->Callback ? Of(Message->Sender) : nullptr;
            if (Sender) {
                Give(*Sender, Message);
            } else {
                Answer(Message, false);
            }
        } else if (Message->NobodyWaits) {
            win::Free(Message);
        }
    }
}

bool AwaitReply(Queue& Q, Sent* Message, DWORD Timeout, LRESULT& Result)
{
    ULONGLONG End = GetTickCount64() + Timeout;
    for (;;) {
        AnswerSent(Q);
        ULONGLONG Now = GetTickCount64();
        DWORD Left = Timeout == INFINITE ? INFINITE : End > Now ? DWORD(End - Now) : 0;
        HANDLE Handles[] = { Message->Reply, Q.Event };
        DWORD Woke = WaitForMultipleObjects(2, Handles, FALSE, Left);
        win::Guard Hold(Lock);
        if (Woke == WAIT_OBJECT_0 + 1) {
            // Leave the bits for the thread's own look at its queue, only the event is used up.
            ResetEvent(Q.Event);
            continue;
        }
        if (Woke == WAIT_OBJECT_0) {
            bool Good = Message->Done;
            Result = Message->Result;
            CloseHandle(Message->Reply);
            if (Message->Busy) { // answered by ReplyMessage
                Message->NobodyWaits = true;
            } else {
                win::Free(Message);
            }
            if (!Good) {
                SetLastError(ERROR_INVALID_WINDOW_HANDLE);
            }
            if (Q.Changed) {
                SetEvent(Q.Event);
            }
            return Good;
        }
        Message->NobodyWaits = true;
        CloseHandle(Message->Reply);
        if (Q.Changed) {
            SetEvent(Q.Event);
        }
        SetLastError(ERROR_TIMEOUT);
        return false;
    }
}

void ForgetWindow(Queue& Q, HWND Window)
{
    Posted* Previous = nullptr;
    for (Posted** At = &Q.First; *At;) {
        Posted* P = *At;
        if (P->Message.hwnd == Window) {
            *At = P->Next;
            if (Q.Last == P) {
                Q.Last = Previous;
            }
            win::Free(P);
        } else {
            Previous = P;
            At = &P->Next;
        }
    }
    for (Timer** At = &Q.Timers; *At;) {
        Timer* T = *At;
        if (T->Window == Window) {
            *At = T->Next;
            win::Free(T);
        } else {
            At = &T->Next;
        }
    }
}

}

// Made while loading: under Lock it would meet the loader's lock the wrong way round.
extern "C" BOOL NeptuneAttach(HINSTANCE)
{
    user32::Slot = win::ThreadSlot(user32::ThreadGone);
    return user32::Slot != FLS_OUT_OF_INDEXES;
}
