// Drivers that want to know of images (PsSetLoadImageNotifyRoutine). Of a driver's image they have been told when its DriverEntry is called; of one that a program
// maps they are told, and the program goes on.
#include "lib/core/list.hpp"
#include "ntos/io/driver/driver.hpp"
#include "ntos/io/driver/images.hpp"
#include "ntos/mm/section.hpp"
#include "ntos/mm/space.hpp"

namespace io::driver {

using namespace nt;

namespace {

struct Watcher {
    core::ListNode<Watcher> Link;
    Channel* In;
    static void* operator new(usize Bytes) noexcept { return ::operator new(Bytes, std::nothrow); }
    static void operator delete(void* At) { ::operator delete(At); }
};
Immortal<core::List<Watcher, &Watcher::Link>> Watchers;

// What waits until all have been told.
struct Telling : RefCounted<Telling> {
    u32 Left = 1;                       // one for who waits
    ke::Event Done { ke::Event::Notification, false };
    void Told()
    {
        if (--Left == 0)
            Done.Set();
    }
    static void* operator new(usize Bytes) noexcept { return ::operator new(Bytes, std::nothrow); }
    static void operator delete(void* At) { ::operator delete(At); }
};

class ImageIrp final : public Irp {
public:
    ImageIrp(u64 Process, u64 Base, u64 Bytes, ob::String Name, RefPtr<Telling> By) : Name_(std::move(Name)), By_(std::move(By))
    {
        M.What = wd::Kind::ImageLoaded;
        M.Parameters[0] = Process;
        M.Parameters[1] = Base;
        M.Parameters[2] = Bytes;
        M.InputBytes = DataBytes = u32(Name_.View().Length * 2);
        ++By_->Left;
    }
    Status CopyIn(Channel& In) override { return M.InputBytes ? In.WriteData(*this, 0, Name_.View().Data, M.InputBytes) : Status(STATUS_SUCCESS); }
    void Done(Channel&, Status, u64, u64, bool) override { By_->Told(); }

private:
    ob::String Name_;
    RefPtr<Telling> By_;
};

// Without memory somebody is not told.
RefPtr<Telling> Tell(u64 Process, u64 Base, u64 Bytes, ob::Name Name, const Channel* Except)
{
    auto* New = new Telling;
    if (!New)
        return nullptr;
    RefPtr<Telling> T = RefPtr<Telling>::Adopt(New);
    for (Watcher& W : *Watchers) {
        // One that is starting answers nothing yet.
        if (W.In == Except || W.In->Of().Now() != Driver::State::Running)
            continue;
        auto Copy = ob::String::Copy(Name);
        if (!Copy.Ok())
            continue;
        if (auto* I = new ImageIrp(Process, Base, Bytes, Copy.Take(), T))
            W.In->Submit(*I);
    }
    T->Told();
    return T;
}

void (*Before)(ke::Caller& By, u64 Base, ob::Name File);

void Mapped(ke::Caller& By, u64 Base, ob::Name File)
{
    if (Before)
        Before(By, Base, File);
    // What a driver's process maps is its host's, or told by it.
    if (Watchers->IsEmpty() || By.Process().Driver)
        return;
    mm::Vad* V = By.Process().Memory().Find(Base);
    (void)Tell(By.Process().Id(), Base, V ? V->End - V->Start : 0, File, nullptr);
}

}

Status WatchImages(Channel& In, bool On)
{
    for (Watcher& W : *Watchers) {
        if (W.In != &In)
            continue;
        if (!On)
            delete &W;
        return STATUS_SUCCESS;
    }
    if (!On)
        return STATUS_SUCCESS;
    auto* W = new Watcher;
    if (!W)
        return STATUS_INSUFFICIENT_RESOURCES;
    W->In = &In;
    Watchers->PushBack(*W);
    if (mm::OnImageMapped != Mapped) {
        Before = mm::OnImageMapped;
        mm::OnImageMapped = Mapped;
    }
    return STATUS_SUCCESS;
}

ke::Task<> TellImage(Channel& In, u64 Base, u64 Bytes, ob::Name Name)
{
    constexpr u64 Patience = 100'000'000;
    RefPtr<Telling> T = Tell(0, Base, Bytes, Name, &In);
    if (!T)
        co_return STATUS_INSUFFICIENT_RESOURCES;
    Status S = T->Left ? co_await ke::WaitFor(T->Done, false, ke::Deadline { ke::InterruptTime() + Patience }) : Status(STATUS_SUCCESS);
    co_return S.Code() == STATUS_TIMEOUT ? Status(STATUS_SUCCESS) : S;
}

}
