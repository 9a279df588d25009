// Message queues. There is no window server: a queue belongs to a thread of this process and messages travel inside the
// process only. One lock guards all queues; no window procedure runs while it is held.
#pragma once
#include "win32/common/win.hpp"

namespace user32 {

struct Posted {
    Posted* Next;
    MSG Message;
};

// A message another thread sends and this queue's thread has to answer. Whoever comes last frees it: the receiver when
// nobody waits any more, the sender otherwise.
struct Sent {
    Sent* Next;
    HWND Window;
    UINT Message;
    WPARAM W;
    LPARAM L;
    bool Unicode;     // the sender's strings are UTF-16
    bool Done, Dead;  // answered; the receiver ended without an answer
    bool Busy;        // the receiver is inside the window procedure and frees it if nobody waits at the end
    bool NobodyWaits; // SendNotifyMessage, SendMessageCallback, or the sender's time ran out
    SENDASYNCPROC Callback;
    ULONG_PTR CallbackData;
    LRESULT Result;
    HANDLE Reply; // set with Done or Dead
    DWORD Sender;
    Sent* Outer; // the message inside whose handling this one came
};

struct Timer {
    Timer* Next;
    HWND Window;
    UINT_PTR Id;
    TIMERPROC Proc;
    UINT Period;
    ULONGLONG Due;
};

struct Queue {
    Queue* Next;
    DWORD Thread;
    HANDLE Event; // manual reset: set when something new comes, reset when the thread looks
    Posted *First, *Last;
    Sent* Incoming; // oldest first
    Sent* Current;  // innermost one that this thread is handling
    Timer* Timers;
    bool Quit;
    int QuitCode;
    UINT Changed; // QS_ bits that came since the thread last looked
    DWORD MessageTime;
    UINT_PTR NextTimer;
    LPARAM ExtraInfo;
};

extern SRWLOCK Lock;

// The calling thread's queue, made at first use; null without memory.
Queue* Mine();
// The queue of a thread of this process, if it has one; Lock is held.
Queue* Of(DWORD Thread);
// Puts a message at the end of a queue; Lock is held.
bool Post(Queue& To, HWND Window, UINT Message, WPARAM W, LPARAM L);
// Gives a message to another thread; Lock is held.
void Give(Queue& To, Sent* Message);
// Answers what other threads have sent to the calling one; Lock is not held.
void AnswerSent(Queue& Q);
// Waits until Message is answered, answering others meanwhile, and frees it. False when the time is over or nobody will answer.
bool AwaitReply(Queue& Q, Sent* Message, DWORD Timeout, LRESULT& Result);
// A destroyed window's messages and timers go with it; Lock is held.
void ForgetWindow(Queue& Q, HWND Window);

}
