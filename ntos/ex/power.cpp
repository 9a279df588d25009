// Shutting down, and what little there is to say of power: one machine, always on, without a battery.
#include "lib/core/cpuid.hpp"
#include "ntos/ex/ex.hpp"
#include "ntos/hal/hal.hpp"
#include "ntos/ps/thread.hpp"
#include "ntos/se/se.hpp"

namespace {

constexpr u32 ShutdownPrivilege = 19;
// POWER_ACTION
enum : ULONG { PowerActionNone, PowerActionReserved, PowerActionSleep, PowerActionHibernate, PowerActionShutdown, PowerActionShutdownReset, PowerActionShutdownOff, PowerActionWarmEject };
// POWER_INFORMATION_LEVEL
enum : ULONG { SystemPowerCapabilities = 4, SystemBatteryState = 5, SystemPowerInformation = 12, ProcessorInformation = 11, SystemExecutionState = 16, LastSleepTime = 15, LastWakeTime = 14 };

bool MayShutDown(ke::Caller& Caller)
{
    return se::HasPrivilege(Caller.Thread().EffectiveToken(), ShutdownPrivilege);
}

}

static ke::Task<> Stop(hal::PowerAction How)
{
    (void)co_await ex::FlushSystem();   // what could not be written has been told in the log
    hal::Shutdown(How);
}

ke::Task<> NtShutdownSystem(ke::Caller& Caller, svc::ShutdownSystem& Call)
{
    if (Call.Action > u32(hal::PowerAction::PowerOff))
        return ex::Done(STATUS_INVALID_PARAMETER);
    if (!MayShutDown(Caller))
        return ex::Done(STATUS_PRIVILEGE_NOT_HELD);
    return Stop(hal::PowerAction(Call.Action.Get()));
}

ke::Task<> NtInitiatePowerAction(ke::Caller& Caller, svc::InitiatePowerAction& Call)
{
    if (!MayShutDown(Caller))
        return ex::Done(STATUS_PRIVILEGE_NOT_HELD);
    switch (Call.SystemAction) {
    case PowerActionNone: return ex::Done(STATUS_SUCCESS);
    case PowerActionShutdown: return Stop(hal::PowerAction::Halt);
    case PowerActionShutdownReset: return Stop(hal::PowerAction::Restart);
    case PowerActionShutdownOff: return Stop(hal::PowerAction::PowerOff);
    case PowerActionSleep:
    case PowerActionHibernate: return ex::Done(STATUS_NOT_SUPPORTED);
    default: return ex::Done(STATUS_INVALID_PARAMETER);
    }
}

Status NtIsSystemResumeAutomatic(ke::Caller&, svc::IsSystemResumeAutomatic&)
{
    return STATUS_SUCCESS;              // a boolean: no
}

// ES_CONTINUOUS and what it keeps; one state for the system, which never sleeps.
static constexpr ULONG Continuous = 0x80000000, ValidFlags = 0x80000047;
static ULONG ExecutionState = Continuous;

Status NtSetThreadExecutionState(ke::Caller& Caller, svc::SetThreadExecutionState& Call)
{
    if (Call.NewFlags & ~ValidFlags)
        return STATUS_INVALID_PARAMETER;
    TRY(Call.PreviousFlags.Write(Caller, ExecutionState));
    if (Call.NewFlags & Continuous)
        ExecutionState = Call.NewFlags;
    return STATUS_SUCCESS;
}

namespace {

struct SYSTEM_POWER_CAPABILITIES_NT {
    BOOLEAN Buttons[76];
};
struct SYSTEM_BATTERY_STATE_NT {
    BOOLEAN AcOnLine, BatteryPresent, Charging, Discharging, Spare1[3], Tag;
    ULONG MaxCapacity, RemainingCapacity, Rate, EstimatedTime, DefaultAlert1, DefaultAlert2;
};
struct SYSTEM_POWER_INFORMATION_NT {
    ULONG MaxIdlenessAllowed, Idleness, TimeRemaining;
    UCHAR CoolingMode;
};
struct PROCESSOR_POWER_INFORMATION_NT {
    ULONG Number, MaxMhz, CurrentMhz, MhzLimit, MaxIdleState, CurrentIdleState;
};

template <typename T> Status Answer(ke::Caller& Caller, svc::PowerInformation& Call, const T& Value)
{
    if (Call.InputBuffer)
        return STATUS_INVALID_PARAMETER;
    if (Call.OutputBufferLength < sizeof(T))
        return STATUS_BUFFER_TOO_SMALL;
    return Call.OutputBuffer.WriteAs(Caller, Value);
}

u32 Megahertz()
{
    // CPUID leaf 0x16 tells where there is one; otherwise 0 means "not known" nowhere, so an even 1000.
    if (core::Cpuid(0).A < 0x16)
        return 1000;
    u32 A = core::Cpuid(0x16).A & 0xFFFF;
    return A ? A : 1000;
}

}

Status NtPowerInformation(ke::Caller& Caller, svc::PowerInformation& Call)
{
    switch (Call.InformationLevel) {
    case SystemPowerCapabilities: return Answer(Caller, Call, SYSTEM_POWER_CAPABILITIES_NT {});
    case SystemBatteryState: {
        SYSTEM_BATTERY_STATE_NT State {};
        State.AcOnLine = 1;
        return Answer(Caller, Call, State);
    }
    case ProcessorInformation: {
        u32 Mhz = Megahertz();
        return Answer(Caller, Call, PROCESSOR_POWER_INFORMATION_NT { 0, Mhz, Mhz, Mhz, 0, 0 });
    }
    case SystemPowerInformation: return Answer(Caller, Call, SYSTEM_POWER_INFORMATION_NT { 0, 0, 0, 2 });      // no active cooling
    case SystemExecutionState: return Answer(Caller, Call, ULONG(ExecutionState & ~Continuous));
    case LastSleepTime:
    case LastWakeTime: return Answer(Caller, Call, u64(0));
    default: return STATUS_NOT_IMPLEMENTED;
    }
}
