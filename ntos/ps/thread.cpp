#include "ntos/ps/thread.hpp"

#include "kernel/kernel.hpp"
#include "lib/core/defer.hpp"
#include "abi/process.hpp"
#include "ntos/ke/dispatch.hpp"
#include "ntos/ke/services.hpp"
#include "ntos/ke/time.hpp"
#include "ntos/mm/absent.hpp"
#include "ntos/mm/phys.hpp"
#include "ntos/mm/space.hpp"
#include "ntos/ps/debug.hpp"
#include "ntos/ps/detail.hpp"
#include "ntos/ps/errand.hpp"
#include "ntos/ps/threads.hpp"
#include "ntos/se/se.hpp"
#include "ntos/se/token.hpp"

namespace ps {

using namespace nt;
using kernel::Failed;

constinit const ob::TypeInfo Thread::Type {
    .Name = L"Thread",
    .ValidAccess = THREAD_ALL_ACCESS,
    .Mapping = { STANDARD_RIGHTS_READ | THREAD_GET_CONTEXT | THREAD_QUERY_INFORMATION, STANDARD_RIGHTS_WRITE | THREAD_TERMINATE | THREAD_SUSPEND_RESUME | THREAD_ALERT | THREAD_SET_INFORMATION | THREAD_SET_LIMITED_INFORMATION | THREAD_SET_CONTEXT,
                 STANDARD_RIGHTS_EXECUTE | SYNCHRONIZE | THREAD_QUERY_LIMITED_INFORMATION | THREAD_RESUME, THREAD_ALL_ACCESS },
    .Implies = { { THREAD_QUERY_INFORMATION, THREAD_QUERY_LIMITED_INFORMATION }, { THREAD_SET_INFORMATION, THREAD_SET_LIMITED_INFORMATION } },
};

Thread* Thread::Replying;
CPtr ServiceEndpoint, DispatcherNotification;

Thread::Thread() : Object(Type) { }

Thread::~Thread()
{
    TakeApart();
    if (Id_)
        FreeId(Id_, *this);
}

Result<Ref<Thread>> Thread::Create(ps::Process& Owner, const ThreadStart& How)
{
    if (Owner.IsTerminating() || Owner.HasEnded())
        return STATUS_PROCESS_IS_TERMINATING;
    Ref<Thread> T = TRY(ob::Make<Thread>());
    T->Process_ = &Owner;
    T->Keeps_ = RefPtr<ps::Process>(&Owner);
    if (Status S = T->Build(Owner, How); !S.Ok()) {
        T->TakeApart();
        T->Ended_.Set();
        return S;
    }
    Owner.Threads_->All.PushBack(*T);
    ++Owner.ThreadCount_;
    T->AddRef();                        // a thread that can run keeps itself; TakeApart() lets go
    return T;
}

// A page of the process, as a frame.
static Result<mm::Pfn> PageAt(mm::AddressSpace& Space, u64 Address)
{
    (void)TRY(Space.Touch(Address, true));
    return Space.FrameAt(Address);
}

Status Thread::Build(ps::Process& Owner, const ThreadStart& How)
{
    mm::AddressSpace& Space = Owner.Memory();
    Id_ = TRY(AllocateId(*this));
    CreateTime = ke::SystemTime();
    StartAddress = How.Routine;

    // The stack: reserved, its upper end committed, a guard page below that.
    u64 Reserve = How.StackReserve ? How.StackReserve : Owner.ImageInfo.MaximumStackSize;
    u64 Commit = How.StackCommit ? How.StackCommit : Owner.ImageInfo.CommittedStackSize;
    if (Reserve > 64 * GiB || Commit > 64 * GiB)
        return STATUS_NO_MEMORY;
    Reserve = AlignUp(Reserve ? Reserve : MiB, mm::AllocationGranularity);
    Commit = AlignUp(Commit > 2 * PageSize ? Commit : 2 * PageSize, PageSize);
    if (Commit + 2 * PageSize > Reserve)
        Reserve = AlignUp(Commit + 2 * PageSize, MiB);
    u64 Stack = TRY(Space.FindFree(Reserve, { .Highest = How.StackHighest }));
    mm::Vad* StackVad = TRY(Space.Insert(Stack, Reserve, mm::Vad::Private));
    StackVad->Protect = mm::Protection::ReadWrite;
    StackVad->InitialPage = PAGE_READWRITE;
    Stack_ = Stack;
    u64 StackBase = Stack + Reserve, Limit = StackBase - Commit;
    TRY(Space.Commit(*StackVad, Limit, StackBase, mm::Protection::ReadWrite, false));
    TRY(Space.Commit(*StackVad, Limit - PageSize, Limit, mm::Protection::ReadWrite, true));

    // The TEB: its first page is the thread's IPC buffer for seL4, which makes it the GS base.
    u64 TebBytes = AlignUp(sizeof(TEB), PageSize);
    u64 Teb = TRY(Space.FindFree(TebBytes, { .Highest = 0x7FFF'FFFD'FFFF, .Alignment = PageSize, .TopDown = true }));
    mm::Vad* TebVad = TRY(Space.Insert(Teb, TebBytes, mm::Vad::Private));
    TebVad->Protect = mm::Protection::ReadWrite;
    TebVad->InitialPage = PAGE_READWRITE;
    TebVad->Fixed = true;
    Teb_ = Teb;
    TRY(Space.Commit(*TebVad, Teb, Teb + TebBytes, mm::Protection::ReadWrite, false));
    mm::Pfn TebPage = TRY(PageAt(Space, Teb));
    TebWindow_ = mm::PageAddress(TebPage);
    auto Pointer = [](u64 A) { return reinterpret_cast<void*>(A); };
    struct {
        NT_TIB Tib;
        PVOID EnvironmentPointer;
        CLIENT_ID ClientId;
        PVOID ActiveRpcHandle, ThreadLocalStoragePointer, Peb;
    } Head {};
    static_assert(sizeof(Head) == __builtin_offsetof(TEB, LastErrorValue));
    Head.Tib.StackBase = Pointer(StackBase);
    Head.Tib.StackLimit = Pointer(Limit);
    Head.Tib.Self = reinterpret_cast<NT_TIB*>(Teb);
    Head.ClientId = { Pointer(Owner.Id()), Pointer(Id_) };
    Head.Peb = Pointer(Owner.PebAddress());
    TRY(mm::CopyToUser(Owner, Teb, &Head, sizeof(Head)));
    TRY(mm::CopyToUser(Owner, Teb + __builtin_offsetof(TEB, RealClientId), &Head.ClientId, sizeof(CLIENT_ID)));
    TRY(mm::CopyToUser(Owner, Teb + __builtin_offsetof(TEB, DeallocationStack), &Stack, sizeof(Stack)));

    UNICODE_STRING Static { .Length = 0, .MaximumLength = sizeof(TEB::StaticUnicodeBuffer),
                            .Buffer = reinterpret_cast<WCHAR*>(Teb + __builtin_offsetof(TEB, StaticUnicodeBuffer)) };
    TRY(mm::CopyToUser(Owner, Teb + __builtin_offsetof(TEB, StaticUnicodeString), &Static, sizeof(Static)));

    // Where it starts: LdrInitializeThunk, with the context of RtlUserThreadStart on the stack.
    CONTEXT Context {};
    Context.ContextFlags = CONTEXT_FULL;
    Context.Rip = Ntdll.RtlUserThreadStart;
    Context.Rcx = How.Routine;
    Context.Rdx = How.Argument;
    Context.Rsp = StackBase - abi::ThreadStartStackReserve;
    Context.EFlags = 0x200;
    Context.SegCs = 0x33;
    Context.SegSs = Context.SegDs = Context.SegEs = Context.SegGs = UserData;
    Context.SegFs = 0x53;
    Context.MxCsr = Context.FltSave.MxCsr = 0x1F80;
    Context.FltSave.MxCsr_Mask = 0xFFFF;
    Context.FltSave.ControlWord = 0x27F;
    u64 ContextAt = AlignDown(StackBase - abi::ThreadStartStackReserve - sizeof(CONTEXT) - 64, 16);
    TRY(mm::CopyToUser(Owner, ContextAt, &Context, sizeof(Context)));

    // The kernel objects.
    Tcb_ = TRY(mm::AllocateObject(mm::KernelObject::Tcb));
    CNode_ = TRY(mm::AllocateObject(mm::KernelObject::ClientCNode));
    ReplySlot_ = TRY(mm::AllocateSlot());
    TebFrame_ = TRY(mm::AllocateSlot());
    u64 Badge = Id_;                    // endpoints' badges have 28 bits
    constexpr auto SendAndGrant = kernel::Rights(kernel::Write | kernel::Grant);
    if (Failed(kernel::Copy(TebFrame_, mm::FrameCapability(TebPage), kernel::ReadWrite)) ||
        Failed(kernel::MintInto(CNode_.Cap, mm::ClientCNodeBits, abi::ServiceEndpoint, ServiceEndpoint, SendAndGrant, Badge)) ||
        Failed(kernel::MintInto(CNode_.Cap, mm::ClientCNodeBits, abi::FaultEndpoint, ServiceEndpoint, SendAndGrant, Badge | FaultBadge)) ||
        Failed(kernel::ConfigureTcb(Tcb_.Cap, { .FaultEndpoint = abi::FaultEndpoint, .Priority = ClientPriority, .MaximumPriority = ClientPriority,
                                                .CSpace = CNode_.Cap, .CSpaceBits = mm::ClientCNodeBits, .Pml4 = Space.Pml4(), .IpcBuffer = Teb,
                                                .IpcBufferFrame = TebFrame_ })))
        return STATUS_INSUFFICIENT_RESOURCES;
    if (Owner.Driver)
        TRY(GiveDriverCapabilities(*Owner.Driver));
    kernel::Registers Start {};
    Start.Rip = How.SkipLoaderInit ? How.Routine : Ntdll.LdrInitializeThunk;
    Start.Rsp = ContextAt - 0x48;       // as after a call, with a home area
    Start.Rcx = How.SkipLoaderInit ? How.Argument : ContextAt;
    Start.Rdx = Ntdll.Base;
    Start.Rflags = 0x202;
    if (Failed(kernel::WriteRegisters(Tcb_.Cap, false, Start)))
        return STATUS_INSUFFICIENT_RESOURCES;
    SuspendCount_ = How.Suspended;
    if (!How.SkipLoaderInit)
        StartContext_ = ContextAt;
    return STATUS_SUCCESS;
}

void Thread::Start()
{
    Started_ = true;
    Frozen_ = Process().IsFrozen;
    if (!IsHeld()) {
        StartContext_ = 0;
        kernel::Error E = kernel::ResumeTcb(Tcb_.Cap);
        ASSERT(!Failed(E));
    }
}

RefPtr<Thread> Thread::ById(u64 Id)
{
    ob::Object* O = ObjectById(Id);
    return O && &O->GetType() == &Type ? RefPtr<Thread>(static_cast<Thread*>(O)) : nullptr;
}

void Thread::SetPriority(i32 Base, i32 Increment)
{
    // NT's 1 to 31; everything from normal up shares the dispatcher's priority, so that calls stay on seL4's fast path.
    BasePriority = Base;
    PriorityIncrement = Increment;
    i32 Level = Base + Increment;
    u8 Priority = Level >= 7 ? ClientPriority : u8(ClientPriority - (7 - (Level < 1 ? 1 : Level)));
    if (Tcb_.Cap) {
        kernel::Error E = kernel::SetPriority(Tcb_.Cap, Priority);
        ASSERT(!Failed(E));
    }
}

// --- suspension

Status Thread::Suspend(u32& Previous)
{
    if (Terminating_)
        return STATUS_THREAD_IS_TERMINATING;
    if (SuspendCount_ >= 127)
        return STATUS_SUSPEND_COUNT_EXCEEDED;
    Previous = SuspendCount_++;
    // One that is in a service or a fault is stopped already; its reply waits (see Reply).
    if (SuspendCount_ == 1 && !Frozen_ && Started_ && !InService && !InFault) {
        kernel::Error E = kernel::SuspendTcb(Tcb_.Cap);
        ASSERT(!Failed(E));
    }
    return STATUS_SUCCESS;
}

u32 Thread::Resume()
{
    u32 Before = SuspendCount_;
    if (Before && --SuspendCount_ == 0 && !Frozen_)
        GoOn();
    return Before;
}

void Thread::Freeze()
{
    if (Frozen_ || Terminating_)
        return;
    Frozen_ = true;
    if (SuspendCount_ == 0 && Started_ && !InService && !InFault) {
        kernel::Error E = kernel::SuspendTcb(Tcb_.Cap);
        ASSERT(!Failed(E));
    }
}

void Thread::Thaw()
{
    if (std::exchange(Frozen_, false) && SuspendCount_ == 0)
        GoOn();
}

// Nothing holds it any more.
void Thread::GoOn()
{
    if (Terminating_ || !Started_)
        return;
    StartContext_ = 0;
    if (ReplyHeld_) {
        ReplyHeld_ = false;
        Reply(HeldStatus_);
    } else if (!InService && !InFault) {
        kernel::Error E = kernel::ResumeTcb(Tcb_.Cap);
        ASSERT(!Failed(E));
    }
}

// --- replies

void Thread::Reply(NTSTATUS Status)
{
    if (Terminating_)
        return;
    if (IsHeld() || Errand_) {
        ReplyHeld_ = true;
        HeldStatus_ = Status;
        return;
    }
    bool Due = Attention || Status == STATUS_USER_APC;
    Attention = 0;
    if (Due && HasApc() && DeliverApc(InterruptedContext(Status)))
        return;
    if (InFault || ForeignSyscall || ReplyLost_) {
        CONTEXT At = InterruptedContext(Status);
        WriteFrame(At, At.Rip, At.Rsp);
        return;
    }
    switch (Parking_) {
    case Parking::Asked:
        Parking_ = Parking::Answered;
        ParkStatus() = Status;
        return;
    case Parking::Parked:
        Parking_ = Parking::None;
        InService = false;
        ParkStatus() = Status;
        kernel::Signal(Wakeup_.Cap);
        return;
    default:
        InService = false;
        kernel::Send(ReplySlot_, 0, 1, u32(Status));
    }
}

NTSTATUS& Thread::ParkStatus() const
{
    return *reinterpret_cast<NTSTATUS*>(TebWindow_ + abi::ParkStatusInTeb);
}

bool Thread::AskToPark()
{
    if (!Wakeup_.Cap) {
        auto Made = mm::AllocateObject(mm::KernelObject::Notification);
        if (!Made.Ok())
            return false;
        if (Failed(kernel::MintInto(CNode_.Cap, mm::ClientCNodeBits, abi::ParkNotification, Made.Value().Cap, kernel::Read, 0))) {
            mm::FreeObject(Made.Value(), mm::KernelObject::Notification);
            return false;
        }
        Wakeup_ = Made.Take();
    }
    Parking_ = Parking::Asked;
    return true;
}

NTSTATUS Thread::EndParking()
{
    ASSERT(Parking_ == Parking::Answered);
    Parking_ = Parking::None;
    return ParkStatus();
}

void Thread::Completed(Status Outcome)
{
    if (Attention & (PageMissing | StoresKept)) [[unlikely]] {
        // After a wait a service is run again only if it says that it failed for a page.
        if (Outcome != mm::PageAbsent)
            Attention &= u8(~PageMissing);
        if (!Activity::Start([&] { return ke::Settle(*this, Waiting ? *Waiting : ke::ServiceTable[0], 0, Outcome); }, Outcome))
            return;
    }
    if (Outcome != NoReply)
        Reply(Outcome.Code());
}

// --- APCs and alerts

Status Thread::QueueApc(u64 Routine, u64 Argument1, u64 Argument2, u64 Argument3)
{
    if (Terminating_)
        return STATUS_UNSUCCESSFUL;
    UserApc* Apc = new UserApc;
    if (!Apc)
        return STATUS_NO_MEMORY;
    Apc->Routine = Routine;
    Apc->Arguments[0] = Argument1;
    Apc->Arguments[1] = Argument2;
    Apc->Arguments[2] = Argument3;
    QueueApc(*Apc);
    return STATUS_SUCCESS;
}

void Thread::QueueApc(UserApc& Apc)
{
    Apcs_.PushBack(Apc);
    if (ke::WaitState* Wait = CurrentWait(); Wait && Wait->IsAlertable())
        Wait->End(STATUS_USER_APC);
}

bool Thread::RemoveApc(UserApc& Apc)
{
    bool Was = Apc.Link.IsLinked();
    Apc.Link.Unlink();
    return Was;
}

void Thread::Alert()
{
    Alerted_ = true;
    if (ke::WaitState* Wait = CurrentWait(); Wait && Wait->IsAlertable()) {
        Alerted_ = false;
        Wait->End(STATUS_ALERTED);
    }
}

bool Thread::TestAlert()
{
    return std::exchange(Alerted_, false);
}

Status Thread::TakeAlert()
{
    if (TestAlert())
        return STATUS_ALERTED;
    return HasApc() ? STATUS_USER_APC : STATUS_SUCCESS;
}

bool Thread::DeliverApc(const CONTEXT& Interrupted)
{
    UserApc* Apc = Apcs_.PopFront();
    if (!Apc)
        return false;
    CONTEXT Frame = Interrupted;
    Frame.P1Home = Apc->Arguments[0];
    Frame.P2Home = Apc->Arguments[1];
    Frame.P3Home = Apc->Arguments[2];
    Frame.P4Home = Apc->Routine;
    if (!Apc->Owned)
        delete Apc;
    u64 At = AlignDown(Interrupted.Rsp - abi::ApcFrameSize, 16);
    if (Status S = PushToStack(At, &Frame, sizeof(Frame)); !S.Ok()) {
        EXCEPTION_RECORD Record { .ExceptionCode = S.Code(), .ExceptionAddress = reinterpret_cast<PVOID>(Interrupted.Rip) };
        DieOf(Record, Interrupted);
        return true;
    }
    WriteFrame(Interrupted, Ntdll.KiUserApcDispatcher, At);
    return true;
}

// --- security

se::Token& Thread::EffectiveToken() const
{
    return Impersonation_ ? *Impersonation_ : Process().Token();
}

void Thread::Impersonate(RefPtr<se::Token> Token)
{
    Impersonation_ = std::move(Token);
}

// --- the end

void Thread::Terminate(NTSTATUS Status)
{
    if (Terminating_)
        return;
    Terminating_ = true;
    ExitStatus_ = Status;
    // From here on it does not run; what its service holds is released when it is reaped.
    if (Tcb_.Cap) {
        kernel::Error E = kernel::SuspendTcb(Tcb_.Cap);
        ASSERT(!Failed(E));
    }
    ThreadsToReap().PushBack(*this);
}

void Thread::TakeApart()
{
    if (Errand_)
        Errand_->Abandon();
    Cancel();
    mm::ForgetAbsence(*this);
    if (Replying == this)
        Replying = nullptr;
    while (ThreadRundown* R = Rundown_.PopFront())
        R->ThreadEnds(*this);
    while (UserApc* Apc = Apcs_.PopFront())
        if (!Apc->Owned)
            delete Apc;
    Impersonation_.Reset();
    mm::FreeObject(Tcb_, mm::KernelObject::Tcb);
    mm::FreeObject(CNode_, mm::KernelObject::ClientCNode);
    mm::FreeObject(Wakeup_, mm::KernelObject::Notification);
    for (CPtr* Slot : { &ReplySlot_, &TebFrame_ }) {
        if (!*Slot)
            continue;
        kernel::Error E = kernel::Delete(*Slot);
        ASSERT(!Failed(E));
        mm::FreeSlot(std::exchange(*Slot, 0));
    }
    if (Keeps_ && !Keeps_->HasEnded()) {
        mm::AddressSpace& Space = Keeps_->Memory();
        for (u64* Range : { &Stack_, &Teb_ }) {
            mm::Vad* V = *Range ? Space.Find(*Range) : nullptr;
            if (V && V->Start == *Range && V->Kind == mm::Vad::Private)
                Space.Remove(*V);
            *Range = 0;
        }
    }
}

bool Reap()
{
    if (ThreadsToReap().IsEmpty())
        return false;
    while (Thread* T = ThreadsToReap().PopFront()) {
        ps::Process& Owner = T->Process();
        T->ExitTime = ke::SystemTime();
        T->TakeApart();
        T->ProcessLink_.Unlink();
        T->Ended_.Set();
        NTSTATUS Status = T->ExitStatus_;
        Owner.LastThreadId = T->Id_;
        if (--Owner.ThreadCount_ == 0) {
            if (!Owner.Terminating_)
                Owner.ExitStatus_ = Status;
            Owner.End();
        } else if (!Owner.Terminating_) {
            Debugger::ThreadEnded(*T);
        }
        T->Release();
    }
    return true;
}

}
