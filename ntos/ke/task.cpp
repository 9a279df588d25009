#include "ntos/ke/task.hpp"

namespace ke {

Activity* Activity::Current_ = nullptr;

Arena::~Arena()
{
    ASSERT(Used_ == 0);
    ::operator delete(Base_);
}

void* Arena::Allocate(usize Bytes)
{
    Bytes = AlignUp(Bytes, 16);
    if (Bytes > Size - Used_)
        return nullptr;
    if (!Base_) {
        Base_ = static_cast<u8*>(::operator new(Size, std::nothrow));
        if (!Base_)
            return nullptr;
    }
    void* At = Base_ + Used_;
    Used_ += Bytes;
    return At;
}

void Arena::Free(void* At, usize Bytes)
{
    Bytes = AlignUp(Bytes, 16);
    ASSERT(Base_ + Used_ == static_cast<u8*>(At) + Bytes);      // frames nest
    Used_ -= Bytes;
}

void* FrameMemory::operator new(usize Bytes) noexcept
{
    // The frame remembers its arena: it may be destroyed while another activity runs.
    Activity* Owner = Activity::Current();
    ASSERT(Owner);
    void* At = Owner->Frames_.Allocate(Bytes + 16);
    if (!At)
        return nullptr;
    *static_cast<Activity**>(At) = Owner;
    return static_cast<u8*>(At) + 16;
}

void FrameMemory::operator delete(void* At, usize Bytes) noexcept
{
    void* Start = static_cast<u8*>(At) - 16;
    (*static_cast<Activity**>(Start))->Frames_.Free(Start, Bytes + 16);
}

core::List<Activity, &Activity::ReadyLink_>& Activity::Ready()
{
    static constinit core::List<Activity, &Activity::ReadyLink_>* List = nullptr;
    alignas(core::List<Activity, &Activity::ReadyLink_>) static char Room[sizeof(core::List<Activity, &Activity::ReadyLink_>)];
    if (!List) [[unlikely]]
        List = new (Room) core::List<Activity, &Activity::ReadyLink_>;
    return *List;
}

Activity::~Activity()
{
    Cancel();
}

bool Activity::Run(Task<void>&& Root, Status& Outcome)
{
    ASSERT(!Root_ && !Suspended_);
    if (!Root.Frame_) {
        Outcome = Root.Ready_;
        return true;
    }
    auto Frame = std::exchange(Root.Frame_, nullptr);
    Root_ = Frame;
    RootOutcome_ = &Frame.promise().Value;
    Activity* Before = std::exchange(Current_, this);
    Frame.resume();
    Current_ = Before;
    if (!Frame.done()) {
        Suspended_ = true;
        return false;
    }
    Outcome = *RootOutcome_;
    Root_ = nullptr;
    Frame.destroy();
    return true;
}

void Activity::Cancel()
{
    ReadyLink_.Unlink();
    Suspended_ = false;
    if (auto Frame = std::exchange(Root_, nullptr)) {
        Activity* Before = std::exchange(Current_, this);
        Frame.destroy();
        Current_ = Before;
    }
}

void Activity::MakeReady(std::coroutine_handle<> Where)
{
    ResumeAt_ = Where;
    Ready().PushBack(*this);
}

void Activity::Resume()
{
    Activity* Before = std::exchange(Current_, this);
    ResumeAt_.resume();
    Current_ = Before;
    if (!Root_ || !Root_.done())
        return;
    Status Outcome = *RootOutcome_;
    Suspended_ = false;
    std::exchange(Root_, nullptr).destroy();
    Completed(Outcome);
}

void RunReadyActivities()
{
    while (Activity* Next = Activity::Ready().PopFront())
        Next->Resume();
}

void WorkItem::Start(Own<WorkItem> Item, Task<void>&& Root)
{
    Status Outcome;
    WorkItem* Raw = Item.Leak();
    if (Raw->Run(std::move(Root), Outcome))
        Raw->Completed(Outcome);
}

}
