// System calls, events, threads that take turns.
#include "bench/native/bench.hpp"

namespace bench {

static HANDLE A, B, Partner;
static u32 Turns;

static NTSTATUS NullCall(u32 Count)
{
    for (u32 I = 0; I < Count; ++I)
        NtClose(reinterpret_cast<HANDLE>(0xDEAD0));
    return 0;
}

static NTSTATUS MakeEvent()
{
    return NtCreateEvent(&A, EVENT_ALL_ACCESS, nullptr, NotificationEvent, 1);
}
static void CloseEvent() { NtClose(A); }

static NTSTATUS SetEvent(u32 Count)
{
    for (u32 I = 0; I < Count; ++I)
        BENCH_TRY(NtSetEvent(A, nullptr));
    return 0;
}

static NTSTATUS WaitSignalled(u32 Count)
{
    for (u32 I = 0; I < Count; ++I)
        BENCH_TRY(NtWaitForSingleObject(A, 0, nullptr));
    return 0;
}

static NTSTATUS CreateAndClose(u32 Count)
{
    for (u32 I = 0; I < Count; ++I) {
        HANDLE H;
        BENCH_TRY(NtCreateEvent(&H, EVENT_ALL_ACCESS, nullptr, SynchronizationEvent, 0));
        BENCH_TRY(NtClose(H));
    }
    return 0;
}

static ULONG NTAPI Pong(PVOID)
{
    while (NtWaitForSingleObject(A, 0, nullptr) >= 0 && Turns) {
        --Turns;
        NtSetEvent(B, nullptr);
    }
    return 0;
}

static NTSTATUS StartPong()
{
    BENCH_TRY(NtCreateEvent(&A, EVENT_ALL_ACCESS, nullptr, SynchronizationEvent, 0));
    BENCH_TRY(NtCreateEvent(&B, EVENT_ALL_ACCESS, nullptr, SynchronizationEvent, 0));
    Turns = ~0u;
    return RtlCreateUserThread(ThisProcess(), nullptr, 0, 0, 0, 0, reinterpret_cast<PVOID>(Pong), nullptr, &Partner, nullptr);
}
static NTSTATUS PingPong(u32 Count)
{
    for (u32 I = 0; I < Count; ++I) {
        BENCH_TRY(NtSetEvent(A, nullptr));
        BENCH_TRY(NtWaitForSingleObject(B, 0, nullptr));
    }
    return 0;
}
static void StopPong()
{
    Turns = 0;
    NtSetEvent(A, nullptr);
    NtWaitForSingleObject(Partner, 0, nullptr);
    for (HANDLE H : { A, B, Partner })
        NtClose(H);
}

extern const Row SyncRows[] = {
    { "null_call", 2000, nullptr, NullCall, nullptr, "NtClose of a handle that does not exist" },
    { "set_event", 2000, MakeEvent, SetEvent, CloseEvent, "NtSetEvent of a set notification event nobody waits for" },
    { "wait_signalled", 2000, MakeEvent, WaitSignalled, CloseEvent, "NtWaitForSingleObject of a set notification event" },
    { "create_event_close", 1000, nullptr, CreateAndClose, nullptr, "NtCreateEvent without a name, NtClose" },
    { "event_ping_pong", 1000, StartPong, PingPong, StopPong,
      "round trip: two threads of a process, each NtSetEvent of the other's synchronization event and NtWaitForSingleObject of its own" },
    {},
};

}
