// Threads, and clients: threads that a test plays.
#include <string.h>

#include <algorithm>

#include "kernel/fake/machine.hpp"

namespace fake {

static void Leave(Tcb& T)
{
    if (Endpoint* E = std::exchange(T.QueuedAt, nullptr))
        std::erase(E->Senders, &T);
}

void CancelThread(Tcb& T)
{
    Leave(T);
    if (Capability* R = T.Reply_)
        Remove(*R->Home);
    if (T.State == Tcb::Sending || T.State == Tcb::WaitsForReply)
        T.Repeats = !T.RipWritten && (T.Reason == Tcb::InCall || T.Reason == Tcb::InSend);
    T.State = Tcb::Stopped;
}

// The endpoint capability that the thread's own name leads to.
static Capability* Lookup(const Tcb& T, CPtr Name)
{
    if (!T.CSpace)
        return nullptr;
    auto& Slots = static_cast<CNode*>(T.CSpace->Target)->Slots;
    if (Slots.size() != usize(1) << T.CSpaceBits || Name >= Slots.size() || !Slots[Name] || Slots[Name]->K != Kind::Endpoint)
        return nullptr;
    return Slots[Name];
}

static void Queue(Tcb& T, Capability& Through)
{
    Endpoint& E = *static_cast<Endpoint*>(Through.Target);
    T.Sent.Badge = Through.Badge;
    T.State = Tcb::Sending;
    T.QueuedAt = &E;
    T.RipWritten = false;
    T.HasReply = false;
    E.Senders.push_back(&T);
}

static void RaiseFault(Tcb& T, Tcb::Reasons Why, u64 Label, std::initializer_list<u64> Words)
{
    T.Reason = Why;
    T.Sent = {};
    T.Sent.Label = Label;
    T.Sent.Length = u32(Words.size());
    std::copy(Words.begin(), Words.end(), T.Sent.Words);
    if (Capability* Handler = Lookup(T, T.FaultEndpoint); Handler && Handler->Rights & kernel::Write && Handler->Rights & kernel::Grant)
        Queue(T, *Handler);
    else
        T.State = Tcb::Stopped;         // nobody to tell: it stays where it is
}

static void SendAgain(Tcb& T)
{
    Capability* Through = Lookup(T, T.SentBy);
    if (Through && Through->Rights & kernel::Write)
        Queue(T, *Through);
    else
        RaiseFault(T, T.Reason, kernel::fault::Capability, { T.Registers.Rip, T.SentBy, 0, 0 });
}

static void SendFrom(CPtr TcbAt, Tcb::Reasons Why, u64 Capability, u64 Label, std::initializer_list<u64> Words)
{
    Tcb* T = Find<Tcb>(TcbAt, Kind::Tcb);
    if (!T || T->State != Tcb::Running)
        Die("a client that does not run sends");
    T->Reason = Why;
    T->Sent = {};
    T->Sent.Label = Label;
    T->Sent.Length = u32(Words.size());
    if (Words.size() > 4)
        Die("clients send at most four words: their message buffer is their TEB");
    std::copy(Words.begin(), Words.end(), T->Sent.Words);
    T->SentBy = Capability;
    T->Registers.Rdx = Why == Tcb::InCall ? u64(-1) : u64(-3);
    T->Registers.Rdi = Capability;
    T->Registers.Rsi = Label << 12 | Words.size();
    T->Registers.Rsp = 0x5741'4C45'5741'4C45;       // what the kernel has after a system call instruction is stale
    T->Registers.Rcx = T->Registers.R11 = T->Registers.Rsp;
    u64* Places[] = { &T->Registers.R10, &T->Registers.R8, &T->Registers.R9, &T->Registers.R15 };
    for (usize I = 0; I < Words.size(); ++I)
        *Places[I] = Words.begin()[I];
    SendAgain(*T);
}

static Tcb& Known(CPtr At)
{
    Tcb* T = Find<Tcb>(At, Kind::Tcb);
    if (!T)
        Die("a client whose TCB is gone");
    return *T;
}

bool Client::IsRunning() const
{
    Tcb* T = Find<Tcb>(Tcb_, Kind::Tcb);
    return T && T->State == Tcb::Running;
}
bool Client::IsWaiting() const
{
    Tcb* T = Find<Tcb>(Tcb_, Kind::Tcb);
    return T && (T->State == Tcb::Sending || T->State == Tcb::WaitsForReply);
}
void Client::Call(u64 Capability, u64 Label, std::initializer_list<u64> Words) { SendFrom(Tcb_, Tcb::InCall, Capability, Label, Words); }
void Client::Send(u64 Capability, u64 Label, std::initializer_list<u64> Words) { SendFrom(Tcb_, Tcb::InSend, Capability, Label, Words); }

static Tcb& Faulting(CPtr At)
{
    Tcb& T = Known(At);
    if (T.State != Tcb::Running)
        Die("a client that does not run faults");
    return T;
}

void Client::VmFault(u64 Address, u64 ErrorCode, bool Fetch)
{
    Tcb& T = Faulting(Tcb_);
    RaiseFault(T, Tcb::InVmFault, kernel::fault::VmFault, { T.Registers.Rip, Address, Fetch, ErrorCode });
}

void Client::UserException(u64 Vector, u64 ErrorCode)
{
    Tcb& T = Faulting(Tcb_);
    RaiseFault(T, Tcb::InException, kernel::fault::UserException, { T.Registers.Rip, T.Registers.Rsp, T.Registers.Rflags, Vector, ErrorCode });
}

void Client::UnknownSyscall()
{
    Tcb& T = Faulting(Tcb_);
    auto& R = T.Registers;
    RaiseFault(T, Tcb::InUnknownSyscall, kernel::fault::UnknownSyscall,
               { R.Rax, R.Rbx, R.Rcx, R.Rdx, R.Rsi, R.Rdi, R.Rbp, R.R8, R.R9, R.R10, R.R11, R.R12, R.R13, R.R14, R.R15, R.Rip, R.Rsp, R.Rflags, R.Rdx });
}

bool Client::TakeReply(kernel::Message& To)
{
    Tcb& T = Known(Tcb_);
    To = T.Reply;
    return std::exchange(T.HasReply, false);
}

kernel::Registers& Client::Registers() { return Known(Tcb_).Registers; }
u64 Client::IpcBuffer() const { return Known(Tcb_).IpcBuffer; }
u8 Client::Priority() const { return Known(Tcb_).Priority; }

bool Client::Touch(const std::function<Fault()>& Access)
{
    u64 Rip = Registers().Rip;
    for (u32 Try = 0; Try < 1000; ++Try) {
        Fault F = Access();
        if (!F)
            return true;
        VmFault(F.Address, F.ErrorCode);
        Executive::Run();
        if (!IsRunning() || Registers().Rip != Rip)
            return false;
    }
    Die("a client's access faults for ever");
}

// Any capability of the Executive to the thread's address space.
static CPtr SpaceOf(const Tcb& T)
{
    for (usize N = 0; T.VSpace && N < M->Nodes.size(); ++N)
        for (usize I = 0; I < NodeSlots; ++I)
            if (Slot S = M->Nodes[N]->Slots[I]; S && S->Target == T.VSpace->Target)
                return N << NodeBits | I;
    return 0;
}

bool Client::Read(u64 Address, void* To, usize Bytes)
{
    CPtr Space = SpaceOf(Known(Tcb_));
    return Touch([&] { return ReadClient(Space, Address, To, Bytes); });
}

bool Client::Write(u64 Address, const void* From, usize Bytes)
{
    CPtr Space = SpaceOf(Known(Tcb_));
    return Touch([&] { return WriteClient(Space, Address, From, Bytes); });
}

}

namespace kernel {
using namespace fake;

static Tcb* InvokedTcb(CPtr At, Error& E)
{
    Capability* C = Invoked(At, Kind::Tcb, E);
    return C ? static_cast<Tcb*>(C->Target) : nullptr;
}

// The host's own sanitizers watch the Executive there.
Error StartGuard(CPtr, CPtr, void (*)(), u64, u64, CPtr)
{
    return Error::None;
}

Error ConfigureTcb(CPtr At, const TcbSettings& S)
{
    Error E;
    Tcb* T = InvokedTcb(At, E);
    if (!T)
        return E;
    if (S.CSpaceBits > 64 || S.MaximumPriority < S.Priority)
        return Error::RangeError;
    Slot CSpace = SlotAt(S.CSpace), VSpace = SlotAt(S.Pml4), Buffer = S.IpcBuffer ? SlotAt(S.IpcBufferFrame) : nullptr;
    if (!CSpace || CSpace->K != Kind::CNode || !VSpace || VSpace->K != Kind::Pml4 || !static_cast<Pml4*>(VSpace->Target)->Asid)
        return Error::IllegalOperation;
    if (S.IpcBuffer) {
        if (!Buffer || (Buffer->K != Kind::Page && Buffer->K != Kind::LargePage) || Buffer->Target->IsDevice)
            return Error::IllegalOperation;
        if (S.IpcBuffer & 511)
            return Error::AlignmentError;
    }
    for (Slot* Old : { &T->CSpace, &T->VSpace, &T->Buffer })
        if (*Old)
            fake::Remove(*Old);
    if (E = Derive(CSpace, AllRights, false, 0, T->CSpace); Failed(E))
        return E;
    if (E = Derive(VSpace, AllRights, false, 0, T->VSpace); Failed(E))
        return E;
    if (Buffer)
        if (E = Derive(Buffer, AllRights, false, 0, T->Buffer); Failed(E))
            return E;
    T->FaultEndpoint = S.FaultEndpoint;
    T->CSpaceBits = S.CSpaceBits;
    T->IpcBuffer = S.IpcBuffer;
    T->Priority = S.Priority;
    T->MaximumPriority = S.MaximumPriority;
    return Error::None;
}

Error SetPriority(CPtr At, u8 Priority)
{
    Error E;
    if (Tcb* T = InvokedTcb(At, E))
        T->Priority = Priority;
    return E;
}

// What can be set of RFLAGS: not TF; IF and bit 1 are always on.
static u64 CleanFlags(u64 Flags) { return (Flags & ~u64(0x100)) | 0x202; }

static void Stop(Tcb& T)
{
    bool Repeats = T.Repeats && T.State == Tcb::Stopped;
    CancelThread(T);
    T.Repeats |= Repeats;
}

static void Restart(Tcb& T)
{
    if (T.State == Tcb::Running)
        return;
    Stop(T);
    T.State = Tcb::Running;
    if (std::exchange(T.Repeats, false) && !T.RipWritten)
        SendAgain(T);
}

Error ReadRegisters(CPtr At, bool Suspend, Registers& To)
{
    Error E;
    Tcb* T = InvokedTcb(At, E);
    if (!T)
        return E;
    if (T == M->OwnTcb)
        return Error::IllegalOperation;
    if (Suspend)
        Stop(*T);
    To = T->Registers;
    return Error::None;
}

Error WriteRegisters(CPtr At, bool Resume, const Registers& From)
{
    Error E;
    Tcb* T = InvokedTcb(At, E);
    if (!T)
        return E;
    if (T == M->OwnTcb)
        return Error::IllegalOperation;
    T->Registers = From;
    T->Registers.Rflags = CleanFlags(From.Rflags);
    T->RipWritten = true;
    if (Resume)
        Restart(*T);
    return Error::None;
}

Error SuspendTcb(CPtr At)
{
    Error E;
    if (Tcb* T = InvokedTcb(At, E))
        Stop(*T);
    return E;
}

Error ResumeTcb(CPtr At)
{
    Error E;
    if (Tcb* T = InvokedTcb(At, E))
        Restart(*T);
    return E;
}

Error BindNotification(CPtr At, CPtr Notification)
{
    Error E;
    Tcb* T = InvokedTcb(At, E);
    if (!T)
        return E;
    auto* N = Find<fake::Notification>(Notification, Kind::Notification);
    if (!N || T->Bound || N->Bound)
        return Error::IllegalOperation;
    T->Bound = N;
    N->Bound = T;
    return Error::None;
}

}
