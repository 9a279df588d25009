// The end of the system: every file system is asked to write what it keeps (IRP_MJ_SHUTDOWN), as on NT.
#include "ntos/ex/log.hpp"
#include "ntos/io/fs/fs.hpp"

namespace io::fs {

using namespace nt;

namespace {

// A file system that does not answer must not keep the machine from turning off.
constexpr u64 Patience = 30 * 10'000'000ull;

struct Answer : RefCounted<Answer> {
    static void* operator new(usize Bytes) noexcept { return ::operator new(Bytes, std::nothrow); }
    static void operator delete(void* At) { ::operator delete(At); }
    ke::Event Ended { ke::Event::Notification, false };
};

class ShutdownIrp final : public driver::Irp {
public:
    ShutdownIrp(driver::DriverDevice& Of, Ref<Answer> Tell) : Tell_(std::move(Tell))
    {
        Device = RefPtr<driver::DriverDevice>(&Of);
        M.What = wd::Kind::Irp;
        M.Major = driver::mj::Shutdown;
        M.Device = Of.Cookie;
    }
    void Done(driver::Channel&, Status, u64, u64, bool) override { Tell_->Ended.Set(); }

private:
    Ref<Answer> Tell_;
};

}

ke::Task<> Shutdown()
{
    // The list may change while one is awaited.
    Vector<Ref<driver::DriverDevice>> All;
    CO_TRY(CopyFileSystems(All));
    for (Ref<driver::DriverDevice>& Each : All) {
        if (Each->IsGone())
            continue;
        Answer* Made = new Answer;
        if (!Made)
            co_return STATUS_INSUFFICIENT_RESOURCES;
        Ref<Answer> Tell = Ref<Answer>::Adopt(*Made);
        auto* I = new ShutdownIrp(*Each, Tell);
        if (!I)
            co_return STATUS_INSUFFICIENT_RESOURCES;
        Each->In().Submit(*I);
        Status S = co_await ke::WaitFor(Tell->Ended, false, ke::Deadline { ke::InterruptTime() + Patience });
        if (S.Code() == STATUS_TIMEOUT)
            ex::Log("shutdown: the file system %S does not answer\n", Each->In().Of().Name());
    }
    co_return STATUS_SUCCESS;
}

}
