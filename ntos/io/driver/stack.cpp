// Seats: the places of a device stack, and the requests that wait in them for a driver to come back.
#include "ntos/io/driver/stack.hpp"

#include "ntos/ex/log.hpp"

namespace io::driver {

using namespace nt;

// Requests wait so long for a driver, and are sent so often.
static constexpr u64 LongestHold = 300'000'000;
static constexpr u32 MostRepeats = 6;

// By the low half of their ids, less one; the high half tells those apart that had the place one after the other.
static Immortal<Vector<Seat*>> Seats;
static u32 Generation;

Status Seat::Create(DriverDevice& For)
{
    Seat* S = new Seat;
    if (!S)
        return STATUS_INSUFFICIENT_RESOURCES;
    RefPtr<Seat> Keep = RefPtr<Seat>::Adopt(S);
    usize At = 0;
    while (At < Seats->Size() && (*Seats)[At])
        ++At;
    if (At == Seats->Size())
        TRY(Seats->Push(nullptr));
    (*Seats)[At] = S;
    S->Id_ = u64(++Generation) << 32 | (At + 1);
    S->Now_ = &For;
    For.Id = S->Id_;
    For.Place = std::move(Keep);
    return STATUS_SUCCESS;
}

Seat::~Seat()
{
    ASSERT(Held_.IsEmpty());
    if (Above_)
        Above_->Below_ = Below_;
    if (Below_)
        Below_->Above_ = Above_;
    if (Id_)
        (*Seats)[u32(Id_) - 1] = nullptr;
}

RefPtr<Seat> Seat::Find(u64 Id)
{
    u32 At = u32(Id) - 1;
    if (At >= Seats->Size() || !(*Seats)[At] || (*Seats)[At]->Id_ != Id)
        return nullptr;
    RefPtr<Seat> S((*Seats)[At]);
    while (S->Leads_)
        S = S->Leads_;
    return S;
}

Seat& Seat::Top()
{
    Seat* S = this;
    while (S->Above_)
        S = S->Above_;
    return *S;
}

Seat& Seat::Bottom()
{
    Seat* S = this;
    while (S->Below_)
        S = S->Below_.Get();
    return *S;
}

Status Seat::Attach(Seat& Lower)
{
    if (&Lower == this || Lower.Above_ || Below_ || &Lower.Bottom() == &Bottom())
        return STATUS_INVALID_DEVICE_REQUEST;
    Below_ = RefPtr<Seat>(&Lower);
    Lower.Above_ = this;
    return STATUS_SUCCESS;
}

void Seat::Detach()
{
    if (RefPtr<Seat> B = std::move(Below_))
        B->Above_ = nullptr;
}

void Seat::Take(DriverDevice& New)
{
    RefPtr<Seat> Fresh = std::move(New.Place);
    if (Fresh.Get() != this) {
        Fresh->Now_ = nullptr;
        Fresh->Detach();
        Fresh->Leads_ = RefPtr<Seat>(this);
        New.Former = std::move(Fresh);
    }
    if (New.Awaited.Get() == this)
        New.Awaited.Reset();
    if (NameOf)
        NameOf->LeaveName();            // it has another now
    New.Place = RefPtr<Seat>(this);
    Now_ = &New;
    Last_.Reset();
    Gone_ = false;
    Ready_ = false;
}

void Seat::Resume()
{
    RefPtr<Seat> Keep(this);
    Ready_ = true;
    // What comes back at once waits for the next time.
    u32 Count = u32(Held_.Count());
    for (; Count && Now_ && Ready_; --Count) {
        Irp* I = Held_.PopFront();
        if (!I)
            return;
        I->More_->HeldBy = nullptr;
        Send(*I);
    }
}

void Seat::Lost()
{
    RefPtr<Seat> Keep(this);
    if (Now_)
        Last_ = RefPtr<DriverDevice>(Now_);
    Now_ = nullptr;
    if (!Node)
        GiveUp(STATUS_DEVICE_REMOVED);
}

void Seat::GiveUp(Status Why)
{
    RefPtr<Seat> Keep(this);
    Gone_ = true;
    if (NameOf)
        NameOf->LeaveName();
    while (Irp* I = Held_.PopFront()) {
        I->More_->HeldBy = nullptr;
        Fail(*I, Why);
    }
}

void Seat::Fail(Irp& I, Status Why)
{
    Irp* Whole = I.More_ ? I.More_->Whole : nullptr;
    if (!I.Device)
        I.Device = Now_ ? RefPtr<DriverDevice>(Now_) : Last_;
    I.Done(I.Device->In(), Why, 0, 0, false);
    delete &I;
    if (Whole)
        Whole->PartEnds();
}

void Seat::Send(Irp& I)
{
    if (!I.NeedsMore()) {
        Fail(I, STATUS_INSUFFICIENT_RESOURCES);
        return;
    }
    if (!I.More_->To)
        I.More_->To = RefPtr<Seat>(this);
    bool Control = I.M.Major == mj::Pnp || I.M.Major == mj::Power;
    if (Now_ && (Ready_ || Control) && !Now_->IsGone()) {
        I.Device = RefPtr<DriverDevice>(Now_);
        I.M.Device = Now_->Cookie;
        I.M.Flags |= wd::Exact;
        I.Address();
        Ref<Channel> In(Now_->In());
        In->Submit(I);
        return;
    }
    if (!Node || Gone_ || Control)
        Fail(I, Node ? STATUS_DEVICE_NOT_CONNECTED : STATUS_DEVICE_REMOVED);
    else
        Hold(I);
}

void Seat::Hold(Irp& I)
{
    u64 Time = ke::InterruptTime();
    if (!I.More_->HeldSince)
        I.More_->HeldSince = Time;
    if (I.Sent_ && ++I.More_->Repeats > MostRepeats) {
        I.Sent_ = false;
        Fail(I, STATUS_IO_DEVICE_ERROR);
        return;
    }
    if (I.Sent_ && !I.MayRepeat) {
        I.Sent_ = false;
        Fail(I, STATUS_DEVICE_NOT_CONNECTED);
        return;
    }
    I.Sent_ = false;
    if (Gone_) {
        Fail(I, STATUS_DEVICE_NOT_CONNECTED);
        return;
    }
    if (!Patience_.IsSet() && !Patience_.Set(Time + LongestHold).Ok()) {
        Fail(I, STATUS_INSUFFICIENT_RESOURCES);
        return;
    }
    I.More_->HeldBy = this;
    Held_.PushBack(I);
}

void Seat::Cancel(Irp& I)
{
    RefPtr<Seat> Keep(this);
    I.Link.Unlink();
    I.More_->HeldBy = nullptr;
    Fail(I, STATUS_CANCELLED);
}

void Seat::Patience::Expired(ke::Timer& T)
{
    RefPtr<Seat> S(&static_cast<Patience&>(T).Owner);
    u64 Now = ke::InterruptTime();
    u64 Next = 0;
    for (bool Again = true; Again;) {
        Again = false;
        Next = 0;
        for (Irp& I : S->Held_) {
            u64 Due = I.More_->HeldSince + LongestHold;
            if (Due <= Now) {
                I.Link.Unlink();
                I.More_->HeldBy = nullptr;
                S->Fail(I, STATUS_DEVICE_NOT_CONNECTED);
                Again = true;           // the list may have changed anywhere
                break;
            }
            if (!Next || Due < Next)
                Next = Due;
        }
    }
    if (Next && !T.Set(Next).Ok())
        S->GiveUp(STATUS_INSUFFICIENT_RESOURCES);
}

wd::DeviceShape Seat::Shape(const Channel& For) const
{
    const DriverDevice* D = Now_ ? Now_ : Last_.Get();
    wd::DeviceShape S {};
    S.Id = Id_;
    if (!D)
        return S;
    S.Cookie = Now_ && &D->In() == &For ? D->Cookie : 0;
    S.Type = D->DeviceType;
    S.Characteristics = D->Characteristics;
    S.Flags = D->Flags;
    S.StackSize = D->StackSize;
    S.AlignmentRequirement = D->AlignmentRequirement;
    S.SectorSize = D->SectorSize;
    return S;
}

// --- files below

u64 LowerFiles::Find(const DriverDevice& Of) const
{
    for (const One& O : Files_)
        if (O.Device == &Of)
            return O.Cookie;
    return 0;
}

void LowerFiles::Put(DriverDevice& Of, u64 Cookie)
{
    for (One& O : Files_) {
        if (O.Device == &Of) {
            O.Cookie = Cookie;
            return;
        }
    }
    Files_.Push(One { RefPtr<DriverDevice>(&Of), Cookie }).Ignore();      // without memory the driver sees no file
}

}
