// The dispatcher: receives calls, faults and notifications, runs services, replies. One thread, this loop.
#include "ntos/ke/dispatch.hpp"

#include "abi/services.hpp"
#include "kernel/kernel.hpp"
#include "ntos/ex/log.hpp"
#include "ntos/hal/hal.hpp"
#include "ntos/ke/services.hpp"
#include "ntos/mm/absent.hpp"
#include "ntos/mm/space.hpp"
#include "ntos/ps/detail.hpp"
#include "ntos/ps/errand.hpp"

namespace ke {

using namespace nt;
using ps::Thread;

ps::Thread& Caller::Thread()
{
    return static_cast<ps::Thread&>(*this);
}

static u64 TraceLeft;

void TraceServices(u64 Count)
{
    TraceLeft = Count;
}

Caller* RunningCaller()
{
    Activity* A = Activity::Current();
    return A ? A->AsCaller() : Serving.By;
}

// The arguments from the fourth on. Not inline: the calls without such do not need the registers this takes.
[[gnu::noinline]] static bool CaptureArguments(Caller& By, u64 Stack, u32 Count)
{
    u64 From = Stack + 3 * sizeof(u64);
    usize Bytes = (Count - 3) * sizeof(u64);
    if ((From & PageMask) + Bytes <= PageSize && !(From & 7)) [[likely]] {
        auto At = By.Process().Memory().Touch(From, false);
        if (At.Ok()) [[likely]] {
            const volatile u64* Words = reinterpret_cast<const u64*>(At.Value());       // not worth a call of memcpy
            for (u32 I = 3; I < Count; ++I)
                By.Arguments[I] = Words[I - 3];
            return true;
        }
    }
    return mm::CopyFromUser(By.Process(), &By.Arguments[3], From, Bytes).Ok();
}

Task<> Settle(Caller& By, const ServiceInfo& Service, u64 Stack, Status Outcome)
{
    while (By.Attention & (Caller::PageMissing | Caller::StoresKept)) {
        if ((By.Attention & Caller::PageMissing) && !Outcome.Ok()) {
            // It failed because a page was not there: from the start again. What it had written by then it writes again.
            Status There = co_await mm::WaitForMissing(By);
            mm::ForgetAbsence(By);
            if (!There.Ok()) {
                Outcome = There;
                break;
            }
            if (Stack) {
                Outcome = mm::CopyFromUser(By.Process(), &By.Arguments[3], Stack + 3 * sizeof(u64), (Service.ArgumentCount - 3) * sizeof(u64));
                if (!Outcome.Ok())
                    continue;
                Stack = 0;
            }
            if (Service.Now)
                Outcome = Service.Now(By, By.Arguments);
            else
                Outcome = co_await Service.Waits(By, By.Arguments);
            continue;
        }
        By.Attention &= u8(~Caller::PageMissing);
        if (By.Attention & Caller::StoresKept)
            if (Status S = co_await mm::ApplyStores(By); !S.Ok() && Outcome.Ok())
                Outcome = S;
    }
    mm::ForgetAbsence(By);
    co_return Outcome == mm::PageAbsent ? Status(STATUS_ACCESS_VIOLATION) : Outcome;
}

constinit ServiceWatch* Watching;

Task<> RunService(Caller& By, const ServiceInfo& Service)
{
    Status Outcome;
    if (Service.Now)
        Outcome = Service.Now(By, By.Arguments);
    else if (Service.Waits)
        Outcome = co_await Service.Waits(By, By.Arguments);
    else
        Outcome = STATUS_NOT_IMPLEMENTED;
    if (By.Attention & (Caller::PageMissing | Caller::StoresKept))
        Outcome = co_await Settle(By, Service, 0, Outcome);
    co_return Outcome;
}

// What to do for the thread whose message has been handled.
enum class Answer { Reply, Resume, Park, Nothing };

// The service of T waits: its call is answered later.
static inline Answer ParkOrSave(Thread& T)
{
    if (T.AskToPark()) [[likely]]
        return Answer::Park;
    kernel::Error E = kernel::SaveCaller(T.ReplySlot());
    ASSERT(!kernel::Failed(E));
    return Answer::Nothing;
}

static void KillMisuser(Thread& T, const char* What)
{
    ex::Log("process %u thread %u: %s; the process is ended\n", T.Process().Id(), T.Id(), What);
    T.Process().Terminate(STATUS_INVALID_SYSTEM_SERVICE);
}

// Goes on with the service in a coroutine that Make makes.
template <typename F> static Answer GoOn(Thread& T, const ServiceInfo& Service, NTSTATUS& Result, F&& Make)
{
    Status Outcome;
    T.Waiting = &Service;
    if (!T.Activity::Start(Make, Outcome))
        return ParkOrSave(T);
    Result = Outcome.Code();
    if (Result == ps::NoReply)
        return Answer::Nothing;
    if (Result == STATUS_USER_APC || T.Attention) {
        T.Reply(Result);
        return T.InService ? Answer::Reply : Answer::Nothing;
    }
    return Answer::Reply;
}

// The service could not be answered for want of pages.
[[gnu::noinline, gnu::cold]] static Answer Settled(Thread& T, const ServiceInfo& Service, u64 Stack, NTSTATUS& Result)
{
    // (A service without an answer leaves what it has met to the next: a page that was not needed after all.)
    return GoOn(T, Service, Result, [&] { return Settle(T, Service, Stack, Result); });
}

[[gnu::noinline, gnu::cold]] static Answer Watched(Thread& T, const ServiceInfo& Service, u32 Number, NTSTATUS& Result)
{
    return GoOn(T, Service, Result, [&] { return Watching->Around(T, Number, Service); });
}

// Its arguments from the fourth on could not be read: perhaps they lie in a page that is not there.
[[gnu::noinline, gnu::cold]] static Answer WithoutArguments(Thread& T, const ServiceInfo& Service, u64 Stack, NTSTATUS& Result)
{
    Serving = { &Service, &T };
    Result = mm::CopyFromUser(T.Process(), &T.Arguments[3], Stack + 3 * sizeof(u64), (Service.ArgumentCount - 3) * sizeof(u64)).Code();
    return T.Attention ? Settled(T, Service, Stack, Result) : Answer::Reply;
}

static Answer Serve(Thread& T, const kernel::Message& M, NTSTATUS& Result)
{
    // A message from a thread that is in a service can only come from Send instead of Call, or from an errand.
    if (T.InService || T.InFault) [[unlikely]] {
        if (T.OnErrand()) {
            T.OnErrand()->Return(true);
            return Answer::Nothing;
        }
        KillMisuser(T, "sends messages besides its system calls");
        return Answer::Nothing;
    }
    T.InService = true;
    if (M.Label >= ServiceCount || M.Length != 4) [[unlikely]] {
        Result = STATUS_INVALID_SYSTEM_SERVICE;
        return Answer::Reply;
    }
    const ServiceInfo& Service = ServiceTable[M.Label];
    T.Arguments[0] = M.Words[0];
    T.Arguments[1] = M.Words[1];
    T.Arguments[2] = M.Words[2];
    T.Arguments[3] = M.Words[3];
    if (Service.ArgumentCount > 4 && !CaptureArguments(T, M.Words[3], Service.ArgumentCount)) [[unlikely]]
        return WithoutArguments(T, Service, M.Words[3], Result);
    Serving = { &Service, &T };
    if (TraceLeft) [[unlikely]] {
        --TraceLeft;
        ex::Log("[%u.%u] Nt%s(", T.Process().Id(), T.Id(), Service.Name);
        for (u32 I = 0; I < Service.ArgumentCount; ++I)
            ex::Log(I ? ", %x" : "%x", T.Arguments[I]);
        ex::Log(")\n");
    }
    if (Watching && Watching->Wants(M.Label, T)) [[unlikely]]
        return Watched(T, Service, M.Label, Result);
    if (Service.Now) {
        Status Outcome = Service.Now(T, T.Arguments);
        Result = Outcome.Code();
    } else if (Service.Waits) {
        Status Outcome;
        Activity* Before = Activity::Enter(&T);
        Task<> Root = Service.Waits(T, T.Arguments);
        Activity::Enter(Before);
        if (!T.Run(std::move(Root), Outcome)) {
            if (TraceLeft) [[unlikely]]
                ex::Log("[%u.%u]   waits\n", T.Process().Id(), T.Id());
            T.Waiting = &Service;
            return ParkOrSave(T);
        }
        Result = Outcome.Code();
    } else {
        // Told once each: nobody can flood the log with it.
        static u64 Told[(ServiceCount + 63) / 64];
        u64& Word = Told[M.Label / 64];
        if (!(Word >> M.Label % 64 & 1))
            ex::Log("process %u (%S) calls Nt%s, which is not implemented\n", T.Process().Id(), T.Process().ImagePath(), Service.Name);
        Word |= u64(1) << M.Label % 64;
        Result = STATUS_NOT_IMPLEMENTED;
    }
    if (TraceLeft && Result < 0) [[unlikely]]
        ex::Log("[%u.%u]   -> %x\n", T.Process().Id(), T.Id(), u32(Result));
    if (Result == ps::NoReply)
        return Answer::Nothing;
    if (Result == STATUS_USER_APC || T.Attention) [[unlikely]] {
        if (T.Attention & (Caller::PageMissing | Caller::StoresKept))
            return Settled(T, Service, 0, Result);
        T.Reply(Result);
        return T.InService ? Answer::Reply : Answer::Nothing;
    }
    return Answer::Reply;
}

static Answer Fault(Thread& T, const kernel::Message& M)
{
    // The labels can be forged: what counts is taken from the thread's registers, the message only says where to look.
    if (T.InService || T.InFault) {
        if (T.OnErrand()) {
            T.OnErrand()->Return(false);
            return Answer::Nothing;
        }
        KillMisuser(T, "sends messages besides its faults");
        return Answer::Nothing;
    }
    T.InFault = true;
    Serving = {};
    bool GoesOn = false;
    switch (M.Label) {
    case kernel::fault::VmFault:
        GoesOn = ps::HandleVmFault(T, M.Words[0], M.Words[1], M.Words[3]);
        break;
    case kernel::fault::UserException:
        ps::HandleUserException(T, M.Words[3], kernel::MessageWord(4));
        break;
    case kernel::fault::UnknownSyscall:
        // The kernel does not keep such a caller's stack pointer: it cannot go on.
        KillMisuser(T, "a system call instruction outside ntdll is not supported by this kernel");
        break;
    default:
        KillMisuser(T, "used a capability it does not have");
        break;
    }
    if (!GoesOn)
        return Answer::Nothing;
    T.InFault = false;
    return Answer::Resume;
}

[[noreturn]] void Dispatch(u64 Endpoint)
{
    kernel::Message M = kernel::Receive(Endpoint);
    for (;;) {
        NTSTATUS Result = 0;
        Answer What = Answer::Nothing;
        Thread* T = nullptr;
        if (M.Badge & ps::NotificationBadge) {
            Serving = {};
            hal::Interrupts(M.Badge & ~ps::NotificationBadge);
        } else {
            ob::Object* Sender = ps::ObjectById(M.Badge & ~ps::FaultBadge);
            if (Sender && &Sender->GetType() == &Thread::Type) {
                T = static_cast<Thread*>(Sender);
                if (!T->IsTerminating()) {
                    Thread::Replying = T;
                    What = M.Badge & ps::FaultBadge ? Fault(*T, M) : Serve(*T, M, Result);
                }
            }
        }
        do
            RunReadyActivities();
        while (ps::Reap());
        // Meanwhile the thread may have ended (Replying is null then), or been suspended.
        if (What != Answer::Nothing && Thread::Replying == T && !T->IsTerminating()) {
            if (What == Answer::Park) {
                if (T->ParkState() == Thread::Parking::Asked) {
                    T->Park();
                    Thread::Replying = nullptr;
                    M = kernel::ReplyReceive(Endpoint, 0, 1, abi::ParkReply, 0, 0, 0);
                    continue;
                }
                if (T->ParkState() == Thread::Parking::None) {
                    // It has been sent elsewhere.
                    Thread::Replying = nullptr;
                    M = kernel::Receive(Endpoint);
                    continue;
                }
                Result = T->EndParking();
                What = Answer::Reply;
            }
            if (T->IsHeld()) [[unlikely]] {
                kernel::Error E = kernel::SaveCaller(T->ReplySlot());
                ASSERT(!kernel::Failed(E));
                if (What == Answer::Resume)
                    T->InFault = true;
                T->Reply(Result);
                Thread::Replying = nullptr;
                M = kernel::Receive(Endpoint);
                continue;
            }
            T->InService = false;
            Thread::Replying = nullptr;
            if (What == Answer::Reply)
                M = kernel::ReplyReceive(Endpoint, 0, 1, u32(Result), 0, 0, 0);
            else
                M = kernel::ReplyReceive(Endpoint, 0, 0, 0, 0, 0, 0);
            continue;
        }
        Thread::Replying = nullptr;
        M = kernel::Receive(Endpoint);
    }
}

}
