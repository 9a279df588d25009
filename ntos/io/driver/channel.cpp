// The shared memory of a driver process: sending requests, taking answers.
#include <string.h>

#include "kernel/kernel.hpp"
#include "ntos/ex/log.hpp"
#include "ntos/io/driver/driver.hpp"
#include "ntos/io/driver/pci.hpp"
#include "ntos/io/driver/remote.hpp"
#include "ntos/io/driver/stack.hpp"
#include "ntos/io/driver/watch.hpp"
#include "ntos/io/fs/fs.hpp"
#include "ntos/mm/phys.hpp"
#include "ntos/mm/space.hpp"
#include "ntos/ps/detail.hpp"

namespace io::driver {

using namespace nt;
namespace layout = wd::layout;

constinit Immortal<Channel::ChannelList> Channel::All_;

Result<Ref<Channel>> Channel::Create(Driver& Of)
{
    Channel* New = new Channel(Of);
    if (!New)
        return STATUS_INSUFFICIENT_RESOURCES;
    Ref<Channel> C = Ref<Channel>::Adopt(*New);
    TRY(C->Build());
    All_->PushBack(*C);
    return C;
}

Status Channel::Build()
{
    Section_ = RefPtr<mm::Section>(TRY(mm::CreatePageFileSection(u64(layout::Total) * PageSize, PAGE_READWRITE, SEC_COMMIT)));
    for (u32 I = 0; I < layout::Data; ++I)
        Fixed_[I] = TRY(Section_->Store->Page(I, true));
    auto& H = *reinterpret_cast<wd::Header*>(Fixed_[layout::Header]);
    H.Version = wd::Version;
    H.Replies.Sleeping = 1;             // the dispatcher is notified of the first answer
    Requests_.Attach(H.Requests, { Fixed_ + layout::Requests, sizeof(wd::Message) });
    Replies_.Attach(H.Replies, { Fixed_ + layout::Replies, sizeof(wd::Reply) });
    TRY(Tags_.Resize(MaximumSent));
    for (u32 I = 0; I < MaximumSent; ++I)
        Tags_[I].NextFree = u16(I + 1 < MaximumSent ? I + 2 : 0);
    FreeTag_ = 1;
    Notification_ = TRY(mm::AllocateObject(mm::KernelObject::Notification));
    WaitCap = Notification_.Cap;
    return STATUS_SUCCESS;
}

Channel::~Channel()
{
    ASSERT(Queued_.IsEmpty() && Sent_.IsEmpty());
    AllLink_.Unlink();
    mm::FreeObject(Notification_, mm::KernelObject::Notification);
}

// --- the data area

Result<u32> Channel::TakePages(u32 Count)
{
    // First fit: what was used last is found first, and is in the processor's cache.
    for (u32 At = 0, Run = 0; At < wd::DataPages; ++At) {
        if (Run == 0 && At % 64 == 0 && Used_[At / 64] == ~u64(0)) {
            At += 63;
            continue;
        }
        Run = Used_[At / 64] >> (At % 64) & 1 ? 0 : Run + 1;
        if (Run < Count)
            continue;
        u32 First = At + 1 - Count;
        for (u32 P = First; P <= At; ++P) {
            if (!Data_[P]) [[unlikely]] {
                Data_[P] = TRY(Section_->Store->Page(layout::Data + P, true));
                u64 Frame = mm::FrameOf(Data_[P]);
                memcpy(Fixed_[layout::Frames + P * 8 / PageSize] + (P * 8 & PageMask), &Frame, 8);
            }
            Used_[P / 64] |= u64(1) << (P % 64);
        }
        return First;
    }
    return STATUS_INSUFFICIENT_RESOURCES;
}

void Channel::FreePages(u32 First, u32 Count)
{
    for (u32 P = First; P < First + Count; ++P)
        Used_[P / 64] &= ~(u64(1) << (P % 64));
}

u8* Channel::DataAt(u32 Page, u32 Offset, u32& Run)
{
    Run = u32(PageSize - (Offset & PageMask));
    return Data_[Page + (Offset >> PageShift)] + (Offset & PageMask);
}

template <typename F> static Status EachRun(Channel& C, const Irp& I, u32 Offset, u64 Bytes, F Each)
{
    ASSERT(Offset + Bytes <= I.DataBytes);
    for (u64 Done = 0; Done < Bytes;) {
        u32 Run;
        u8* At = C.DataAt(I.M.Data, u32(Offset + Done), Run);
        if (Run > Bytes - Done)
            Run = u32(Bytes - Done);
        TRY(Each(At, Done, Run));
        Done += Run;
    }
    return STATUS_SUCCESS;
}

Status Channel::ReadData(const Irp& I, u32 Offset, void* To, u32 Bytes)
{
    return EachRun(*this, I, Offset, Bytes, [&](u8* At, u64 Done, u32 Run) -> Status {
        memcpy(static_cast<u8*>(To) + Done, At, Run);
        return STATUS_SUCCESS;
    });
}

Status Channel::WriteData(const Irp& I, u32 Offset, const void* From, u32 Bytes)
{
    return EachRun(*this, I, Offset, Bytes, [&](u8* At, u64 Done, u32 Run) -> Status {
        memcpy(At, static_cast<const u8*>(From) + Done, Run);
        return STATUS_SUCCESS;
    });
}

Status Channel::DataToUser(const Irp& I, u32 Offset, ps::Process& To, u64 Address, u64 Bytes)
{
    return EachRun(*this, I, Offset, Bytes, [&](u8* At, u64 Done, u32 Run) { return mm::CopyToUser(To, Address + Done, At, Run); });
}

Status Channel::DataFromUser(const Irp& I, u32 Offset, ps::Process& From, u64 Address, u64 Bytes)
{
    return EachRun(*this, I, Offset, Bytes, [&](u8* At, u64 Done, u32 Run) { return mm::CopyFromUser(From, At, Address + Done, Run); });
}

// --- to the driver

// Looks once a second, while requests are with drivers, whether all of them go on.
struct Watchdog : ke::Timer {
    static constexpr u64 Second = 10'000'000;
    static constexpr u32 Patience = 10;
    constexpr Watchdog() : Timer(Look) { }
    static void Look(ke::Timer& T)
    {
        bool Any = false;
        for (Channel& C : *Channel::All_) {
            u32 Taken = C.Requests_.Taken();
            bool Waits = C.Outstanding_ && Taken != C.Requests_.Put();
            Any |= C.Outstanding_ != 0;
            C.Stuck_ = Waits && Taken == C.LastTaken_ ? C.Stuck_ + 1 : 0;
            C.LastTaken_ = Taken;
            if (C.Stuck_ >= Patience) {
                C.Stuck_ = 0;
                C.Misbehaves("has not taken a request for ten seconds");
            }
        }
        if (Any)
            T.Set(ke::InterruptTime() + Second).Ignore();       // the next request sets it again
    }
};
static Immortal<Watchdog> Watching;

void Channel::Submit(Irp& I)
{
    ++Outstanding_;
    if (!Watching->IsSet()) [[unlikely]]
        Watching->Set(ke::InterruptTime() + Watchdog::Second).Ignore();        // the next request tries again
    if (Dead_) {
        Finish(I, STATUS_DEVICE_REMOVED, 0, 0);
        return;
    }
    if (I.DataBytes > wd::DataPages * PageSize) {
        Finish(I, STATUS_INSUFFICIENT_RESOURCES, 0, 0);
        return;
    }
    if (!Queued_.IsEmpty() || !Send(I)) {
        Queued_.PushBack(I);
    } else if (Requests_.Publish()) {
        kernel::Signal(Notification_.Cap);
        Woken_ = true;
    }
}

void Channel::SubmitAndLook(Irp& I)
{
    Woken_ = false;
    Submit(I);
    if (!Woken_)
        return;
    if (LooksToSkip_) {
        --LooksToSkip_;
        return;
    }
    // Others of the dispatcher's priority may be ready, too, and get their share of time before it comes back: then, or when the driver is slow, this
    // is left out for a while, longer each time.
    constexpr u64 Soon = 200'000;       // TSC counts
    constexpr u32 MostSkips = 1024;
    u32 Before = Outstanding_;
    Replies_.EndSleep();
    u64 Start = kernel::Tsc();
    kernel::Yield();
    bool Late = kernel::Tsc() - Start > Soon;
    Drain();
    if (Late || Outstanding_ >= Before) {
        LooksToSkip_ = Skips_;
        Skips_ = Skips_ < MostSkips ? Skips_ * 2 : MostSkips;
    } else {
        Skips_ = 1;
    }
}

bool Channel::Send(Irp& I)
{
    if (!Requests_.Free() || !FreeTag_)
        return false;
    u32 Pages = u32((I.DataBytes + PageMask) >> PageShift);
    if (Pages) {
        auto First = TakePages(Pages);
        if (!First.Ok())
            return false;
        I.Pages_ = Pages;
        I.M.Data = First.Value();
        Status S = I.CopyIn(*this);
        if (const Loan* L = I.Lent())
            for (u32 F = 0, At = u32(AlignUp(I.M.InputBytes, 8)); S.Ok() && F < L->Frames.Size(); ++F, At += sizeof(u64))
                if (u64 Frame = L->Frames[F]; true)
                    S = WriteData(I, At, &Frame, sizeof(Frame));
        if (!S.Ok()) [[unlikely]] {
            Finish(I, S, 0, 0);
            return true;
        }
    } else if (Status S = I.CopyIn(*this); !S.Ok()) [[unlikely]] {
        Finish(I, S, 0, 0);
        return true;
    }
    u16 Index = u16(FreeTag_ - 1);
    Tag& T = Tags_[Index];
    FreeTag_ = T.NextFree;
    T.I = &I;
    I.M.Tag = Index | u32(T.Generation) << 16;
    I.Sent_ = true;
    Sent_.PushBack(I);
    return Requests_.Put(I.M);
}

void Channel::Cancel(Irp& I)
{
    if (I.More_ && I.More_->Then != Irp::After::Nothing)
        return;                         // it has ended, but for its parts
    if (!I.Sent_) {
        Finish(I, STATUS_CANCELLED, 0, 0);
        return;
    }
    if (Dead_ || I.CancelWanted_)
        return;
    I.MayRepeat = false;
    I.CancelWanted_ = true;
    ++CancelsWanted_;
    Pump();
}

void Channel::Pump()
{
    if (Dead_)
        return;
    bool Any = false;
    // Cancels wait for room like everything else; they go first.
    for (auto It = Sent_.begin(); CancelsWanted_ && It != Sent_.end(); ++It) {
        Irp& I = *It;
        if (!I.CancelWanted_)
            continue;
        wd::Message M {};
        M.What = wd::Kind::Cancel;
        M.Tag = I.M.Tag;
        if (!Requests_.Put(M))
            break;
        I.CancelWanted_ = false;
        --CancelsWanted_;
        Any = true;
    }
    while (Irp* I = Queued_.First()) {
        I->Link.Unlink();
        if (!Send(*I)) {
            Queued_.PushFront(*I);
            break;
        }
        Any = true;
    }
    if (Any && Requests_.Publish())
        kernel::Signal(Notification_.Cap);
    if (Requests_.IsBroken())
        Misbehaves("spoils the ring of its requests");
}

// --- from the driver

void Channel::Finish(Irp& I, Status Outcome, u64 Information, u64 Cookie)
{
    I.Link.Unlink();
    --Outstanding_;
    if (I.CancelWanted_) {
        I.CancelWanted_ = false;
        --CancelsWanted_;
    }
    if (!I.More_) [[likely]] {
        I.Done(*this, Outcome, Information, Cookie, I.Sent_);
        if (I.Pages_)
            FreePages(I.M.Data, I.Pages_);
        delete &I;
        return;
    }
    Irp::More& More = *I.More_;
    More.Outcome = Outcome;
    More.Information = Information;
    More.Cookie = Cookie;
    // The driver has its answer: it keeps nothing.
    if (More.Lent) {
        if (More.Lent->MappedAt && Process)
            Process->Memory().UnmapFrames(More.Lent->MappedAt);
        More.Lent->MappedAt = 0;
    }
    I.CancelParts();
    More.Then = Irp::After::Finish;
    if (More.Parts.IsEmpty())
        Conclude(I);
}

void Channel::Conclude(Irp& I)
{
    Irp::More& More = *I.More_;
    Ref<Channel> Keep(*this);
    if (More.Then == Irp::After::Hold) {
        if (I.Pages_)
            FreePages(I.M.Data, std::exchange(I.Pages_, 0));
        More.Then = Irp::After::Nothing;
        if (std::exchange(More.Late, false))
            More.Lent = {};             // the next process locks what it needs
        RefPtr<Seat> To = More.To;
        To->Hold(I);
        return;
    }
    I.Done(*this, More.Outcome, More.Information, More.Cookie, I.Sent_);
    if (I.Pages_)
        FreePages(I.M.Data, I.Pages_);
    Irp* Whole = More.Whole;
    delete &I;
    if (Whole)
        Whole->PartEnds();
}

void Channel::Lose(Irp& I)
{
    if (!I.More_ || !I.More_->To || !I.More_->To->Node || I.CancelWanted_ || (I.Sent_ && !I.MayRepeat)) {
        Finish(I, I.CancelWanted_ ? STATUS_CANCELLED : STATUS_DEVICE_REMOVED, 0, 0);
        return;
    }
    I.Link.Unlink();
    --Outstanding_;
    if (I.More_->Lent)
        I.More_->Lent->MappedAt = 0;
    I.CancelParts();
    I.More_->Then = Irp::After::Hold;
    if (I.More_->Parts.IsEmpty())
        Conclude(I);
}

void Irp::CancelParts()
{
    for (bool Again = true; Again;) {
        Again = false;
        for (More& P : More_->Parts) {
            if (std::exchange(P.WholeEnds, true))
                continue;
            P.Self.Cancel();
            Again = true;               // the list may have changed anywhere
            break;
        }
    }
}

void Irp::PartEnds()
{
    if (More_->Parts.IsEmpty() && More_->Then != After::Nothing)
        Device->In().Conclude(*this);
}

void Irp::Cancel()
{
    if (More_ && More_->HeldBy)
        More_->HeldBy->Cancel(*this);
    else if (Device)
        Device->In().Cancel(*this);
}

Irp* Channel::FindSent(u32 Tag)
{
    u32 Index = Tag & 0xFFFF;
    return Index < MaximumSent && Tags_[Index].Generation == Tag >> 16 ? Tags_[Index].I : nullptr;
}

RefPtr<DriverDevice> Channel::FindDevice(u64 Cookie) const
{
    for (DriverDevice& D : Driver_.Devices)
        if (D.Cookie == Cookie)
            return RefPtr<DriverDevice>(&D);
    return nullptr;
}

Status Channel::Grant(u64 Device)
{
    return MayReach(Device) ? Status(STATUS_SUCCESS) : Granted_.Push(Device);
}

bool Channel::MayReach(u64 Device) const
{
    for (u64 G : Granted_)
        if (G == Device)
            return true;
    return false;
}

void Channel::Misbehaves(const char* What)
{
    if (!Process || Process->IsTerminating())
        return;
    ex::Log("driver %S: process %u %s; it is ended\n", Driver_.Name(), Process->Id(), What);
    Process->Terminate(STATUS_DRIVER_INTERNAL_ERROR);
}

void Channel::Drain()
{
    if (Dead_)
        return;
    Ref<Channel> Keep(*this);
    bool Any = false;
    do {
        wd::Reply R;
        // One round's worth: a driver that floods does not keep the dispatcher.
        for (u32 Left = wd::ReplySlots; Left && !Dead_ && Replies_.Take(R); --Left) {
            Any = true;
            if (R.What == wd::ReplyKind::Done) [[likely]] {
                u32 Index = R.Tag & 0xFFFF;
                if (Index >= MaximumSent || !Tags_[Index].I || Tags_[Index].Generation != R.Tag >> 16) {
                    Misbehaves("answers a request that is not there");
                    return;
                }
                Tag& T = Tags_[Index];
                Irp* I = std::exchange(T.I, nullptr);
                ++T.Generation;
                T.NextFree = std::exchange(FreeTag_, u16(Index + 1));
                Served_ |= R.Status >= 0 && I->MayRepeat;
                Finish(*I, Status(NTSTATUS(R.Status)), R.Information, R.File);
            } else if (R.What == wd::ReplyKind::Call && Process) {
                if (Status S = StartRemote(*this, R.Information); !S.Ok()) {
                    Misbehaves("sends a request that cannot be read");
                    return;
                }
            } else if (R.What == wd::ReplyKind::Pending) {
                if (u32 Index = R.Tag & 0xFFFF; Index < MaximumSent && Tags_[Index].I && Tags_[Index].Generation == R.Tag >> 16)
                    Tags_[Index].I->Pends();
            } else if (R.What == wd::ReplyKind::CancelCall) {
                CancelRemote(*this, R.Tag);
            } else if (R.What == wd::ReplyKind::FileIs) {
                u32 Index = R.Tag & 0xFFFF;
                if (Index >= MaximumSent || !Tags_[Index].I || Tags_[Index].Generation != R.Tag >> 16 || !fs::FileIs(*Tags_[Index].I, R.Information, R.File)) {
                    Misbehaves("tells of a file that is not being opened");
                    return;
                }
            } else {
                Misbehaves("sends an unknown message");
                return;
            }
        }
        if (Replies_.IsBroken()) {
            Misbehaves("spoils the ring of its answers");
            return;
        }
    } while (!Dead_ && !Replies_.BeginSleep());
    if (Any && (!Queued_.IsEmpty() || CancelsWanted_))
        Pump();
}

void Channel::ProcessEnds(ps::Process& P)
{
    Ref<Channel> Keep(*this);
    Drain();                            // what it had answered before it ended is answered
    Dead_ = true;
    Process = nullptr;
    TakeDevices(Driver_);               // no DMA into what has been lent from here on
    RemoteCallerEnds(*this);
    SetWatch(*this, 0).Ignore();
    while (Irp* I = Sent_.First())
        Lose(*I);
    while (Irp* I = Queued_.First())
        Lose(*I);
    AllLink_.Unlink();
    fs::VolumesChange(this);
    Driver_.HasEnded(P);
}

void DrainAll()
{
    for (Channel& C : *Channel::All_)
        C.Drain();
}

}
