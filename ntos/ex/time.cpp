// The time services. Most of what they tell ntdll knows from the shared page.
#include "ntos/ex/ex.hpp"
#include "ntos/ps/thread.hpp"
#include "ntos/se/se.hpp"

static constexpr u32 SystemTimePrivilege = 12;

Status NtQuerySystemTime(ke::Caller& Caller, svc::QuerySystemTime& Call)
{
    LARGE_INTEGER Now;
    Now.QuadPart = i64(ke::SystemTime());
    return Call.SystemTime.Write(Caller, Now);
}

Status NtSetSystemTime(ke::Caller& Caller, svc::SetSystemTime& Call)
{
    LARGE_INTEGER New = TRY(Call.SystemTime.Read(Caller)), Before;
    if (!se::HasPrivilege(Caller.Thread().EffectiveToken(), SystemTimePrivilege))
        return STATUS_PRIVILEGE_NOT_HELD;
    if (New.QuadPart < 0 || New.QuadPart > 0x7FFF35F4F06C58F0)      // the year 30828, where FILETIME conversions end
        return STATUS_INVALID_PARAMETER;
    Before.QuadPart = i64(ke::SystemTime());
    TRY(Call.PreviousTime.WriteIfThere(Caller, Before));
    ke::SetSystemTime(u64(New.QuadPart));
    return STATUS_SUCCESS;
}

Status NtQueryPerformanceCounter(ke::Caller& Caller, svc::QueryPerformanceCounter& Call)
{
    LARGE_INTEGER Value;
    Value.QuadPart = i64(ke::InterruptTime());
    TRY(Call.PerformanceCounter.Write(Caller, Value));
    Value.QuadPart = 10'000'000;
    return Call.PerformanceFrequency.WriteIfThere(Caller, Value);
}

// In 100 ns units: the coarsest and the finest the clock may be asked for. The finest that any process asks for holds; it is told, not
// needed: alarms are one-shot, and always as fine as that.
static constexpr ULONG Coarsest = 156250, Finest = ULONG(ke::TimerGrid);

static ULONG CurrentResolution()
{
    ULONG Least = Coarsest;
    for (ps::Process* P = ps::Process::First(); P; P = ps::Process::Next(*P))
        if (P->TimerResolution && P->TimerResolution < Least && !P->HasEnded())
            Least = P->TimerResolution;
    return Least;
}

Status NtQueryTimerResolution(ke::Caller& Caller, svc::QueryTimerResolution& Call)
{
    TRY(Call.MaximumTime.Write(Caller, Coarsest));
    TRY(Call.MinimumTime.Write(Caller, Finest));
    return Call.CurrentTime.Write(Caller, CurrentResolution());
}

Status NtSetTimerResolution(ke::Caller& Caller, svc::SetTimerResolution& Call)
{
    TRY(Call.ActualTime.Write(Caller, CurrentResolution()));
    ULONG& Mine = Caller.Process().TimerResolution;
    if (!Call.SetResolution) {
        if (!Mine)
            return STATUS_TIMER_RESOLUTION_NOT_SET;
        Mine = 0;
    } else {
        Mine = Call.DesiredTime < Finest ? Finest : Call.DesiredTime > Coarsest ? Coarsest : Call.DesiredTime.Get();
    }
    return Call.ActualTime.Write(Caller, CurrentResolution());
}
