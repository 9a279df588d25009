// Starting the Executive without hardware, and the doubles of hal and of the part that runs drivers.
#include "tests/host/system/system.hpp"

#include <stdio.h>
#include <stdlib.h>

#include <string>

#include "ntos/cm/cm.hpp"
#include "ntos/hal/hal.hpp"
#include "ntos/io/io.hpp"
#include "ntos/ke/dispatch.hpp"
#include "ntos/ke/services.hpp"
#include "ntos/ke/shared_page.hpp"
#include "ntos/ke/time.hpp"
#include "ntos/mm/mm.hpp"
#include "ntos/ps/detail.hpp"
#include "ntos/se/se.hpp"

namespace ps {
extern mm::Pfn SharedPage;
}

namespace hal {

void Interrupts(u64 Sources)
{
    if (Sources & ClockInterrupt)
        ke::RunTimers();
}

[[noreturn]] void Shutdown(PowerAction Action)
{
    fprintf(stderr, "the system shuts down (%u)\n", u32(Action));
    exit(33);
}

}

// Drivers' processes are part of the elf world only.
ke::Task<> NtLoadDriver(ke::Caller&, svc::LoadDriver&) { return ke::Task<>(STATUS_NOT_IMPLEMENTED); }
ke::Task<> NtUnloadDriver(ke::Caller&, svc::UnloadDriver&) { return ke::Task<>(STATUS_NOT_IMPLEMENTED); }
ke::Task<> NtDriverControl(ke::Caller&, svc::DriverControl&) { return ke::Task<>(STATUS_NOT_IMPLEMENTED); }
ke::Task<> NtPlugPlayControl(ke::Caller&, svc::PlugPlayControl&) { return ke::Task<>(STATUS_NOT_IMPLEMENTED); }

namespace test {

static kernel::CPtr Clock;
// A power of two, so that a number of ticks is exactly a number of units.
static constexpr u64 TicksPerUnit = 128, TscFrequency = TicksPerUnit * 10'000'000;

static Status Start()
{
    fake::Reset({ .MemoryBytes = 64 * MiB, .ImageAddress = 0x2000'0000'0000, .TscFrequency = TscFrequency });
    fake::SetTsc(1'000'000);
    const kernel::BootInfo& Boot = kernel::Start(nullptr);
    TRY(mm::Initialize(Boot));
    ps::InitializeExceptions();
    mm::KernelHandle Endpoint = TRY(mm::AllocateObject(mm::KernelObject::Endpoint));
    mm::KernelHandle Notification = TRY(mm::AllocateObject(mm::KernelObject::Notification));
    Clock = TRY(mm::AllocateSlot());
    ps::ServiceEndpoint = Endpoint.Cap;
    if (kernel::Failed(kernel::BindNotification(kernel::boot::Tcb, Notification.Cap)) ||
        kernel::Failed(kernel::Mint(Clock, Notification.Cap, kernel::AllRights, ps::NotificationBadge | hal::ClockInterrupt)))
        return STATUS_UNSUCCESSFUL;
    abi::KuserSharedData* Shared;
    ps::SharedPage = TRY(ke::MakeSharedPage(Shared));
    ke::StartClock({ .TscFrequency = TscFrequency, .SystemTimeAtStart = 133'000'000'000'000'000, .SetAlarm = nullptr }, Shared);
    TRY(se::Initialize());
    TRY(ob::InitializeNamespace());
    TRY(io::Initialize());
    TRY(cm::Initialize());
    ps::Ntdll = { .Base = NtdllAt, .LdrInitializeThunk = LoaderAt, .RtlUserThreadStart = ThreadStartAt, .KiUserExceptionDispatcher = ExceptionAt,
                  .KiUserApcDispatcher = ApcAt, .KiRaiseUserExceptionDispatcher = ExceptionAt + 0x80, .KiServiceReturn = ServiceReturnAt };
    fake::Executive::Start([] { ke::Dispatch(ps::ServiceEndpoint); });
    fake::Executive::Run();
    return STATUS_SUCCESS;
}

void Begin()
{
    static bool Done = false;
    if (std::exchange(Done, true))
        return;
    if (Status S = Start(); !S.Ok()) {
        fprintf(stderr, "the Executive does not start: 0x%x\n", u32(S.Code()));
        abort();
    }
}

void Advance(u64 Time)
{
    fake::AdvanceTsc(Time * TicksPerUnit);
    kernel::Signal(Clock);
    fake::Executive::Run();
}

static std::string NameOf(u32 Type)
{
    std::string Out;
    for (const wchar_t* At = ob::TypeAt(Type)->Name; *At; ++At)
        Out += char(*At);
    return Out;
}

static std::vector<u32> ObjectCounts()
{
    std::vector<u32> Counts;
    for (u32 I = 1; const ob::TypeInfo* Type = ob::TypeAt(I); ++I)
        Counts.push_back(Type->Objects);
    return Counts;
}

Balance::Balance()
{
    Begin();
    Before_ = mm::QueryMemory();
    Stray_ = fake::StrayMappings();
    Objects_ = ObjectCounts();
}

void Balance::Check() const
{
    mm::MemoryInfo Now = mm::QueryMemory();
    EXPECT_EQ(Now.CommittedPages, Before_.CommittedPages);
    EXPECT_EQ(fake::StrayMappings(), Stray_);
    std::vector<u32> Left = ObjectCounts();
    for (u32 I = 0; I < Left.size(); ++I) {
        std::string Name = NameOf(I + 1);
        u32 Before = I < Objects_.size() ? Objects_[I] : 0;
        if (Name == "Type")
            Before += u32(Left.size() - Objects_.size());       // a type is an object itself, from its first object on and for ever
        EXPECT_EQ(Left[I], Before) << "objects of type " << Name;
    }
}

}
