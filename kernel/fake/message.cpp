// Messages, and the Executive as a thread of its own: a second stack that Receive leaves when there is nothing to receive.
#include <string.h>
#include <ucontext.h>

#include "kernel/fake/machine.hpp"

#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#include <sanitizer/common_interface_defs.h>
#define SWITCH_BEGIN(...) __sanitizer_start_switch_fiber(__VA_ARGS__)
#define SWITCH_END(...) __sanitizer_finish_switch_fiber(__VA_ARGS__)
#else
#define SWITCH_BEGIN(...) (void)0
#define SWITCH_END(...) (void)0
#endif

namespace fake {

static std::function<bool()> Idle;
static std::function<void()> Body;
static ucontext_t TestContext, BodyContext;
static std::vector<char> BodyStack;
static void* FakeStacks[2];
static const void* TestStack;
static size_t TestStackSize;
static bool IsInBody;

void OnIdle(std::function<bool()> Routine) { Idle = std::move(Routine); }

static void Enter()
{
    SWITCH_END(nullptr, &TestStack, &TestStackSize);
    Body();
    Die("the Executive's body ended");
}

void Executive::Start(std::function<void()> Routine)
{
    if (IsInBody)
        Die("the Executive starts itself");
    Body = std::move(Routine);
    BodyStack.resize(MiB);
    getcontext(&BodyContext);
    BodyContext.uc_stack.ss_sp = BodyStack.data();
    BodyContext.uc_stack.ss_size = BodyStack.size();
    BodyContext.uc_link = nullptr;
    makecontext(&BodyContext, Enter, 0);
}

void Executive::Run()
{
    if (IsInBody || !Body)
        Die("there is no Executive to run");
    IsInBody = true;
    SWITCH_BEGIN(&FakeStacks[0], BodyStack.data(), BodyStack.size());
    swapcontext(&TestContext, &BodyContext);
    SWITCH_END(FakeStacks[0], nullptr, nullptr);
    IsInBody = false;
}

// Nothing is there to receive.
static void WaitForSomething()
{
    if (IsInBody) {
        SWITCH_BEGIN(&FakeStacks[1], TestStack, TestStackSize);
        swapcontext(&BodyContext, &TestContext);
        SWITCH_END(FakeStacks[1], &TestStack, &TestStackSize);
        return;
    }
    if (!Idle || !Idle())
        Die("the Executive waits for ever");
}

// A notification sets the badge register alone; the others keep what was in them.
static kernel::Message Stale(u64 Badge)
{
    constexpr u64 Old = 0x57A1'E57A'1E57'A1E5;
    return { Old >> 12, 119, { Old, Old, Old, Old }, Badge };
}

static void Answer(Tcb& T, u64 Label, u32 Length, const u64 (&Words)[4])
{
    T.State = Tcb::Running;
    auto& R = T.Registers;
    switch (T.Reason) {
    case Tcb::InVmFault:
        break;
    case Tcb::InException:
        if (Label != 0)
            T.State = Tcb::Stopped;
        else if (!T.RipWritten) {
            u64* To[] = { &R.Rip, &R.Rsp, &R.Rflags };
            for (u32 I = 0; I < 3 && I < Length; ++I)
                *To[I] = Words[I];
        }
        break;
    case Tcb::InUnknownSyscall:
        if (Label != 0)
            T.State = Tcb::Stopped;
        else if (Length)
            Die("a reply with words to an unknown system call is not imitated");
        break;
    case Tcb::InCall:
    case Tcb::InSend:
        T.Reply = { Label, Length, { Words[0], Words[1], Words[2], Words[3] }, 0 };
        T.HasReply = true;
        R.Rdi = 0;
        R.Rsi = Label << 12 | Length;
        R.R10 = Words[0];
        R.R8 = Words[1];
        R.R9 = Words[2];
        R.R15 = Words[3];
        if (!T.RipWritten)
            R.Rip += 2;
        break;
    }
    T.RipWritten = false;
}

void Post(Notification& N, u64 Badge) { N.Word |= Badge; }

static void DropCaller()
{
    if (M->Caller)
        Remove(M->Caller);
}

// Takes the next message of E, if there is one.
static bool Take(Endpoint& E, kernel::Message& To)
{
    if (E.Senders.empty())
        return false;
    Tcb& T = *E.Senders.front();
    E.Senders.pop_front();
    T.QueuedAt = nullptr;
    SentMessage& S = T.Sent;
    To = { S.Label, S.Length, { S.Words[0], S.Words[1], S.Words[2], S.Words[3] }, S.Badge };
    memcpy(M->Buffer + 4, S.Words + 4, sizeof(M->Buffer) - 4 * sizeof(u64));
    if (T.Reason == Tcb::InSend) {
        T.State = Tcb::Running;
        T.Registers.Rip += 2;
        return true;
    }
    T.State = Tcb::WaitsForReply;
    Capability* C = new Capability;
    C->Target = &T;
    C->K = Kind::Reply;
    C->Home = &M->Caller;
    M->Caller = T.Reply_ = C;
    return true;
}

static u64 TakeWord(Notification& N) { return std::exchange(N.Word, 0); }

}

namespace kernel {
using namespace fake;

u64 MessageWord(u32 Index)
{
    if (Index < 4 || Index >= 120)
        Die("a message word that is not in the buffer");
    return M->Buffer[Index];
}

void SetMessageWord(u32 Index, u64 Value)
{
    if (Index < 4 || Index >= 120)
        Die("a message word that is not in the buffer");
    M->Buffer[Index] = Value;
}

Message Receive(CPtr At)
{
    Endpoint* E = Find<Endpoint>(At, Kind::Endpoint);
    if (!E)
        Die("Receive from what is no endpoint");
    DropCaller();
    for (;;) {
        if (auto* N = M->OwnTcb->Bound; N && N->Word)
            return Stale(TakeWord(*N));
        if (Message Got; Take(*E, Got))
            return Got;
        WaitForSomething();
    }
}

Message ReplyReceive(CPtr At, u64 Label, u32 Length, u64 Word0, u64 Word1, u64 Word2, u64 Word3)
{
    if (M->Caller) {
        Tcb& T = *static_cast<Tcb*>(M->Caller->Target);
        DropCaller();
        Answer(T, Label, Length, { Word0, Word1, Word2, Word3 });
    }
    return Receive(At);
}

void Send(CPtr At, u64 Label, u32 Length, u64 Word0, u64 Word1, u64 Word2, u64 Word3)
{
    Slot& S = SlotAt(At);
    if (!S)
        return;                         // the kernel says nothing
    if (S->K != Kind::Reply)
        Die("Send to what is not a reply capability could wait");
    Tcb& T = *static_cast<Tcb*>(S->Target);
    Remove(S);
    Answer(T, Label, Length, { Word0, Word1, Word2, Word3 });
}

Message Call(CPtr At, u64 Label, u32 Length, u64 Word0, u64 Word1, u64 Word2, u64 Word3)
{
    Slot S = SlotAt(At);
    if (!S || S->K != Kind::Endpoint)
        Die("Call of what is no endpoint");
    if (IsInBody)
        Die("the Executive calls itself");
    Tcb T;
    T.State = Tcb::Sending;
    T.Sent.Label = Label;
    T.Sent.Length = Length;
    T.Sent.Badge = S->Badge;
    u64 Words[] = { Word0, Word1, Word2, Word3 };
    memcpy(T.Sent.Words, Words, sizeof(Words));
    Endpoint& E = *static_cast<Endpoint*>(S->Target);
    T.QueuedAt = &E;
    E.Senders.push_back(&T);
    Executive::Run();
    if (T.State != Tcb::Running)
        Die("a Call that is not answered");
    return T.Reply;
}

void Signal(CPtr At)
{
    Slot S = SlotAt(At);
    if (S && S->K == Kind::Notification && S->Rights & Rights::Write)
        Post(*static_cast<Notification*>(S->Target), S->Badge);
}

u64 WaitNotification(CPtr At)
{
    Notification* N = Find<Notification>(At, Kind::Notification);
    if (!N)
        Die("a wait for what is no notification");
    while (!N->Word)
        WaitForSomething();
    return TakeWord(*N);
}

u64 PollNotification(CPtr At)
{
    Notification* N = Find<Notification>(At, Kind::Notification);
    return N ? TakeWord(*N) : 0;
}

}
