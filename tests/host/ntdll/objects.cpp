// Handles, events, semaphores, mutants, threads, waits.
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/host/ntdll/runner.hpp"

namespace runner {

namespace {

template <typename T> T& Out(uint64_t Argument) { return *reinterpret_cast<T*>(Argument); }

pthread_mutex_t Big = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t Change = PTHREAD_COND_INITIALIZER;

bool Ready(Object& O)
{
    switch (O.Type) {
    case Object::Kind::Event:
    case Object::Kind::File:
    case Object::Kind::Thread:
    case Object::Kind::Process:
        return O.Signalled;
    case Object::Kind::Semaphore:
        return O.Count > 0;
    case Object::Kind::Mutant:
        return O.Count == 0 || O.Owner == Current->Id;
    default:
        return true;
    }
}
void Consume(Object& O)
{
    if (O.Type == Object::Kind::Event && !O.Manual)
        O.Signalled = false;
    if (O.Type == Object::Kind::Semaphore)
        --O.Count;
    if (O.Type == Object::Kind::Mutant) {
        ++O.Count;
        O.Owner = Current->Id;
    }
}

// The absolute CLOCK_REALTIME of an NT timeout.
struct timespec Until(const LARGE_INTEGER* Timeout)
{
    struct timespec Now;
    clock_gettime(CLOCK_REALTIME, &Now);
    int64_t Ticks = Timeout->QuadPart;
    if (Ticks > 0) {
        Ticks -= 116444736000000000;
        return { Ticks / 10000000, Ticks % 10000000 * 100 };
    }
    int64_t Total = Now.tv_sec * 10000000 + Now.tv_nsec / 100 - Ticks;
    return { Total / 10000000, Total % 10000000 * 100 };
}
bool Past(const struct timespec& T)
{
    struct timespec Now;
    clock_gettime(CLOCK_REALTIME, &Now);
    return Now.tv_sec > T.tv_sec || (Now.tv_sec == T.tv_sec && Now.tv_nsec >= T.tv_nsec);
}

NTSTATUS WaitFor(const uint64_t* Handles, uint32_t Count, bool All, const LARGE_INTEGER* Timeout)
{
    std::vector<ObjectRef> Objects;
    for (uint32_t I = 0; I < Count; ++I) {
        Objects.push_back(Find(Handles[I]));
        if (!Objects.back())
            return STATUS_INVALID_HANDLE;
    }
    struct timespec Deadline {};
    if (Timeout)
        Deadline = Until(Timeout);
    for (;;) {
        bool Every = true;
        for (uint32_t I = 0; I < Count; ++I) {
            if (!Ready(*Objects[I])) {
                Every = false;
            } else if (!All) {
                Consume(*Objects[I]);
                return NTSTATUS(I);
            }
        }
        if (All && Every) {
            for (auto& O : Objects)
                Consume(*O);
            return STATUS_SUCCESS;
        }
        if (Timeout && Past(Deadline))
            return STATUS_TIMEOUT;
        WaitChange(Timeout ? &Deadline : nullptr);
    }
}

NTSTATUS CreateEvent(Arguments A)
{
    auto E = std::make_shared<Object>();
    E->Type = Object::Kind::Event;
    E->Manual = A[3] == 0;
    E->Signalled = uint8_t(A[4]);
    Out<uint64_t>(A[0]) = NewHandle(E);
    return STATUS_SUCCESS;
}
NTSTATUS SetEvent(Arguments A, bool Value)
{
    auto E = Find(A[0]);
    if (!E)
        return STATUS_INVALID_HANDLE;
    if (A[1])
        Out<LONG>(A[1]) = E->Signalled;
    E->Signalled = Value;
    SignalChange();
    return STATUS_SUCCESS;
}
NTSTATUS CreateSemaphore(Arguments A)
{
    auto S = std::make_shared<Object>();
    S->Type = Object::Kind::Semaphore;
    S->Count = int(A[3]);
    S->Maximum = int(A[4]);
    Out<uint64_t>(A[0]) = NewHandle(S);
    return STATUS_SUCCESS;
}
NTSTATUS ReleaseSemaphore(Arguments A)
{
    auto S = Find(A[0]);
    if (!S)
        return STATUS_INVALID_HANDLE;
    if (S->Count + int(A[1]) > S->Maximum)
        return STATUS_SEMAPHORE_LIMIT_EXCEEDED;
    if (A[2])
        Out<LONG>(A[2]) = S->Count;
    S->Count += int(A[1]);
    SignalChange();
    return STATUS_SUCCESS;
}
NTSTATUS CreateMutant(Arguments A)
{
    auto M = std::make_shared<Object>();
    M->Type = Object::Kind::Mutant;
    if (uint8_t(A[3])) {
        M->Count = 1;
        M->Owner = Current->Id;
    }
    Out<uint64_t>(A[0]) = NewHandle(M);
    return STATUS_SUCCESS;
}
NTSTATUS ReleaseMutant(Arguments A)
{
    auto M = Find(A[0]);
    if (!M || M->Owner != Current->Id || !M->Count)
        return STATUS_MUTANT_NOT_OWNED;
    --M->Count;
    SignalChange();
    return STATUS_SUCCESS;
}

NTSTATUS CreateThreadEx(Arguments A)
{
    Thread* T = NewThread(A[4], A[5], A[9]);
    if (!T)
        return STATUS_NO_MEMORY;
    T->Suspended = A[6] & 1;
    if (A[6] & THREAD_CREATE_FLAGS_SKIP_THREAD_ATTACH)
        T->TheTeb->SameTebFlags |= TEB_SKIP_THREAD_ATTACH;
    auto O = std::make_shared<Object>();
    O->Type = Object::Kind::Thread;
    O->TheThread = T;
    Out<uint64_t>(A[0]) = NewHandle(O);
    if (auto* List = reinterpret_cast<PS_ATTRIBUTE_LIST*>(A[10])) {
        for (size_t I = 0; I < (List->TotalLength - 8) / sizeof(PS_ATTRIBUTE); ++I) {
            auto& At = List->Attributes[I];
            if (At.Attribute == PS_ATTRIBUTE_CLIENT_ID)
                *static_cast<CLIENT_ID*>(At.ValuePtr) = T->TheTeb->ClientId;
            if (At.Attribute == PS_ATTRIBUTE_TEB_ADDRESS)
                *static_cast<PVOID*>(At.ValuePtr) = T->TheTeb;
        }
    }
    struct Begin {
        Thread* T;
        ObjectRef O;
    };
    auto* B = new Begin { T, O };
    pthread_t Id;
    pthread_create(&Id, nullptr, [](void* P) -> void* {
        std::unique_ptr<Begin> B(static_cast<Begin*>(P));
        Current = B->T;
        Lock();
        while (B->T->Suspended)
            WaitChange(nullptr);
        Unlock();
        RunThread(B->T);
        Lock();
        The.Threads.erase(B->T->Id);
        B->O->Signalled = true;
        SignalChange();
        Unlock();
        return nullptr;
    }, B);
    pthread_detach(Id);
    return STATUS_SUCCESS;
}
NTSTATUS ResumeThread(Arguments A)
{
    auto O = Find(A[0]);
    if (!O || !O->TheThread)
        return STATUS_INVALID_HANDLE;
    if (A[1])
        Out<ULONG>(A[1]) = ULONG(O->TheThread->Suspended);
    if (O->TheThread->Suspended)
        --O->TheThread->Suspended;
    SignalChange();
    return STATUS_SUCCESS;
}

}

Object::~Object()
{
    if (Fd > 2)
        close(Fd);
}

void Lock() { pthread_mutex_lock(&Big); }
void Unlock() { pthread_mutex_unlock(&Big); }
void SignalChange() { pthread_cond_broadcast(&Change); }
void WaitChange(const struct timespec* Until)
{
    if (Until)
        pthread_cond_timedwait(&Change, &Big, Until);
    else
        pthread_cond_wait(&Change, &Big);
}

uint64_t NewHandle(ObjectRef Object)
{
    uint64_t Handle = The.NextHandle;
    The.NextHandle += 4;
    The.Handles[Handle] = std::move(Object);
    return Handle;
}
ObjectRef Find(uint64_t Handle)
{
    // This process and this thread.
    if (Handle == uint64_t(-1) || Handle == uint64_t(-2)) {
        auto O = std::make_shared<Object>();
        O->Type = Handle == uint64_t(-1) ? Object::Kind::Process : Object::Kind::Thread;
        O->TheThread = Handle == uint64_t(-2) ? Current : nullptr;
        return O;
    }
    auto I = The.Handles.find(Handle & ~uint64_t(3));
    return I == The.Handles.end() ? nullptr : I->second;
}

void AddObjectServices(std::map<std::string, Handler>& Table)
{
    Table["Close"] = [](Arguments A) -> NTSTATUS { return The.Handles.erase(A[0]) ? STATUS_SUCCESS : STATUS_INVALID_HANDLE; };
    Table["DuplicateObject"] = [](Arguments A) -> NTSTATUS {
        auto O = Find(A[1]);
        if (!O)
            return STATUS_INVALID_HANDLE;
        Out<uint64_t>(A[3]) = NewHandle(O);
        return STATUS_SUCCESS;
    };
    Table["CreateEvent"] = CreateEvent;
    Table["SetEvent"] = [](Arguments A) { return SetEvent(A, true); };
    Table["ResetEvent"] = [](Arguments A) { return SetEvent(A, false); };
    Table["ClearEvent"] = [](Arguments A) {
        uint64_t B[2] = { A[0], 0 };
        return SetEvent(B, false);
    };
    Table["CreateSemaphore"] = CreateSemaphore;
    Table["ReleaseSemaphore"] = ReleaseSemaphore;
    Table["CreateMutant"] = CreateMutant;
    Table["ReleaseMutant"] = ReleaseMutant;
    Table["WaitForSingleObject"] = [](Arguments A) { return WaitFor(&A[0], 1, false, reinterpret_cast<LARGE_INTEGER*>(A[2])); };
    Table["WaitForMultipleObjects"] = [](Arguments A) {
        return WaitFor(reinterpret_cast<uint64_t*>(A[1]), uint32_t(A[0]), uint32_t(A[2]) == 0, reinterpret_cast<LARGE_INTEGER*>(A[4]));
    };
    Table["DelayExecution"] = [](Arguments A) -> NTSTATUS {
        auto* Timeout = reinterpret_cast<LARGE_INTEGER*>(A[1]);
        struct timespec Deadline = Until(Timeout);
        Unlock();
        clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &Deadline, nullptr);
        Lock();
        return STATUS_SUCCESS;
    };
    Table["YieldExecution"] = [](Arguments) -> NTSTATUS {
        Unlock();
        sched_yield();
        Lock();
        return STATUS_SUCCESS;
    };
    Table["WaitForAlertByThreadId"] = [](Arguments A) -> NTSTATUS {
        auto* Timeout = reinterpret_cast<LARGE_INTEGER*>(A[1]);
        struct timespec Deadline {};
        if (Timeout)
            Deadline = Until(Timeout);
        while (!Current->Alerted) {
            if (Timeout && Past(Deadline))
                return STATUS_TIMEOUT;
            WaitChange(Timeout ? &Deadline : nullptr);
        }
        Current->Alerted = false;
        return STATUS_ALERTED;
    };
    Table["AlertThreadByThreadId"] = [](Arguments A) -> NTSTATUS {
        auto I = The.Threads.find(uint32_t(A[0]));
        if (I == The.Threads.end())
            return STATUS_INVALID_CID;
        I->second->Alerted = true;
        SignalChange();
        return STATUS_SUCCESS;
    };
    Table["CreateThreadEx"] = CreateThreadEx;
    Table["ResumeThread"] = ResumeThread;
}

}
