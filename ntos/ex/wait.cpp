// The wait services. A wait that can be satisfied at once makes no coroutine frame and takes no reference.
#include <span>

#include "kernel/kernel.hpp"
#include "ntos/ex/mutant.hpp"
#include "ntos/ex/semaphore.hpp"

using namespace ob;
using ex::Done;

namespace ex {

Result<ke::Deadline> CaptureTimeout(ke::Caller& Caller, ke::UserPtr<LARGE_INTEGER> Timeout)
{
    if (!Timeout)
        return ke::Deadline::None();
    return ke::Deadline::From(TRY(Timeout.Read(Caller)).QuadPart);
}

}

namespace {

// What can be said of a wait before any suspension. STATUS_PENDING: it must wait.
Status TryNow(ke::Caller& Caller, std::span<ke::Waitable* const> Objects, ke::WaitType Type, bool Alertable, ke::Deadline Until)
{
    u32 Count = u32(Objects.size());
    if (Type == ke::WaitType::Any) {
        for (u32 I = 0; I < Count; ++I) {
            if (!Objects[I]->IsSignaled(&Caller))
                continue;
            NTSTATUS S = Objects[I]->Satisfy(&Caller);
            if (S == STATUS_SUCCESS || S == STATUS_ABANDONED)
                return S + NTSTATUS(I);
            return S;
        }
    } else {
        u32 Ready = 0;
        while (Ready < Count && Objects[Ready]->IsSignaled(&Caller))
            ++Ready;
        if (Ready == Count) {
            NTSTATUS Outcome = STATUS_SUCCESS;
            for (ke::Waitable* O : Objects)
                if (NTSTATUS S = O->Satisfy(&Caller); S != STATUS_SUCCESS)
                    Outcome = S;
            return Outcome;
        }
    }
    if (Alertable)
        if (Status S = Caller.TakeAlert(); S.Code() != STATUS_SUCCESS)
            return S;
    return Until.HasPassed() ? STATUS_TIMEOUT : STATUS_PENDING;
}

ke::Task<> WaitOne(Ref<Object> Target, bool Alertable, ke::Deadline Until)
{
    co_return co_await ke::WaitFor(*Target->AsWaitable(), Alertable, Until);
}

// A handle that can be waited for; borrowed from the table.
Result<Object*> WaitableByHandle(ke::Caller& Caller, HANDLE Handle)
{
    if (HandleEntry* E = Caller.Process().Handles().Find(Handle)) [[likely]] {
        if (!(E->Access & SYNCHRONIZE))
            return STATUS_ACCESS_DENIED;
        if (!E->Target->AsWaitable())
            return STATUS_OBJECT_TYPE_MISMATCH;
        return E->Target;
    }
    // Pseudo handles: the process and the thread live as long as their caller.
    AnyReference R = TRY(ReferenceAny(Caller, Handle, SYNCHRONIZE));
    return R.Target.Get();
}

// The objects of one long wait.
struct WaitSet {
    u32 Count = 0;
    Object* Objects[ke::MaximumWaitObjects];
    ke::Waitable* Waitables[ke::MaximumWaitObjects];
    ~WaitSet()
    {
        for (u32 I = 0; I < Count; ++I)
            Objects[I]->Release();
    }
    std::span<ke::Waitable* const> Span() const { return { Waitables, Count }; }
};

ke::Task<> WaitMany(Own<WaitSet> Set, ke::WaitType Type, bool Alertable, ke::Deadline Until)
{
    co_return co_await ke::WaitFor(Set->Span(), Type, Alertable, Until);
}

// Checks and gathers; fills Set without references.
Status GatherMany(ke::Caller& Caller, svc::WaitForMultipleObjects& Call, ke::Deadline& Until, WaitSet& Set)
{
    if (Call.Count == 0 || Call.Count > ke::MaximumWaitObjects)
        return STATUS_INVALID_PARAMETER_1;
    if (Call.WaitType > u32(ke::WaitType::Any))
        return STATUS_INVALID_PARAMETER_3;
    Until = TRY(ex::CaptureTimeout(Caller, Call.Timeout));
    HANDLE Handles[ke::MaximumWaitObjects];
    TRY(mm::CopyFromUser(Caller.Process(), Handles, Call.Handles.Address(), Call.Count * sizeof(HANDLE)));
    for (u32 I = 0; I < Call.Count; ++I) {
        Set.Objects[I] = TRY(WaitableByHandle(Caller, Handles[I]));
        Set.Waitables[I] = Set.Objects[I]->AsWaitable();
    }
    if (Call.WaitType == u32(ke::WaitType::All))
        for (u32 I = 1; I < Call.Count; ++I)
            for (u32 J = 0; J < I; ++J)
                if (Set.Objects[I] == Set.Objects[J])
                    return STATUS_INVALID_PARAMETER_MIX;
    return STATUS_SUCCESS;
}

}

ke::Task<> NtWaitForSingleObject(ke::Caller& Caller, svc::WaitForSingleObject& Call)
{
    Result<ke::Deadline> Until = ex::CaptureTimeout(Caller, Call.Timeout);
    if (!Until.Ok())
        return Done(Until.GetStatus());
    Result<Object*> Target = WaitableByHandle(Caller, Call.Handle);
    if (!Target.Ok())
        return Done(Target.GetStatus());
    ke::Waitable* One[] = { Target.Value()->AsWaitable() };
    Status Now = TryNow(Caller, One, ke::WaitType::Any, Call.Alertable != 0, Until.Value());
    if (Now != STATUS_PENDING)
        return Done(Now);
    return WaitOne(Ref<Object>(*Target.Value()), Call.Alertable != 0, Until.Value());
}

ke::Task<> NtWaitForMultipleObjects(ke::Caller& Caller, svc::WaitForMultipleObjects& Call)
{
    ke::Deadline Until;
    WaitSet Found;                      // its Count stays 0: it holds no references
    if (Status S = GatherMany(Caller, Call, Until, Found); !S.Ok())
        return Done(S);
    ke::WaitType Type = ke::WaitType(Call.WaitType.Get());
    Status Now = TryNow(Caller, { Found.Waitables, Call.Count }, Type, Call.Alertable != 0, Until);
    if (Now != STATUS_PENDING)
        return Done(Now);
    if (Call.Count == 1)
        return WaitOne(Ref<Object>(*Found.Objects[0]), Call.Alertable != 0, Until);
    Own<WaitSet> Set(new (std::nothrow) WaitSet);
    if (!Set.Get())
        return Done(STATUS_NO_MEMORY);
    for (u32 I = 0; I < Call.Count; ++I) {
        Set->Objects[I] = Found.Objects[I];
        Set->Waitables[I] = Found.Waitables[I];
        Set->Objects[I]->AddRef();
        ++Set->Count;
    }
    return WaitMany(std::move(Set), Type, Call.Alertable != 0, Until);
}

static Status SignalByHandle(ke::Caller& Caller, HANDLE Handle)
{
    AnyReference R = TRY(ReferenceAny(Caller, Handle, 0));
    const TypeInfo* Type = &R.Target->GetType();
    LONG Previous;
    if (Type == &ex::Event::Type) {
        if (!(R.Granted & EVENT_MODIFY_STATE))
            return STATUS_ACCESS_DENIED;
        static_cast<ex::Event&>(*R.Target).Set();
        return STATUS_SUCCESS;
    }
    if (Type == &ex::Mutant::Type)
        return static_cast<ex::Mutant&>(*R.Target).Release(Caller, Previous);
    if (Type == &ex::Semaphore::Type) {
        if (!(R.Granted & SEMAPHORE_MODIFY_STATE))
            return STATUS_ACCESS_DENIED;
        return static_cast<ex::Semaphore&>(*R.Target).Raise(1, Previous);
    }
    return STATUS_OBJECT_TYPE_MISMATCH;
}

ke::Task<> NtSignalAndWaitForSingleObject(ke::Caller& Caller, svc::SignalAndWaitForSingleObject& Call)
{
    Result<ke::Deadline> Until = ex::CaptureTimeout(Caller, Call.Timeout);
    if (!Until.Ok())
        return Done(Until.GetStatus());
    Result<Object*> Target = WaitableByHandle(Caller, Call.WaitHandle);
    if (!Target.Ok())
        return Done(Target.GetStatus());
    if (Status S = SignalByHandle(Caller, Call.SignalHandle); !S.Ok())
        return Done(S);
    ke::Waitable* One[] = { Target.Value()->AsWaitable() };
    Status Now = TryNow(Caller, One, ke::WaitType::Any, Call.Alertable != 0, Until.Value());
    if (Now != STATUS_PENDING)
        return Done(Now);
    return WaitOne(Ref<Object>(*Target.Value()), Call.Alertable != 0, Until.Value());
}

static ke::Task<> SleepUntil(bool Alertable, ke::Deadline Until)
{
    Status S = co_await ke::Sleep(Alertable, Until);
    co_return S == STATUS_TIMEOUT ? Status(STATUS_SUCCESS) : S;
}

ke::Task<> NtDelayExecution(ke::Caller& Caller, svc::DelayExecution& Call)
{
    // The packaged kernelbase's Sleep(INFINITE) gives no interval: forever. (Windows' own gives the longest one.)
    bool Forever = Call.DelayInterval.IsNull();
    Result<LARGE_INTEGER> Interval = Forever ? Result<LARGE_INTEGER>(LARGE_INTEGER {}) : Call.DelayInterval.Read(Caller);
    if (!Interval.Ok())
        return Done(Interval.GetStatus());
    ke::Deadline Until = Forever ? ke::Deadline::None() : ke::Deadline::From(Interval.Value().QuadPart);
    Status Now = TryNow(Caller, {}, ke::WaitType::Any, Call.Alertable != 0, Until);
    if (Now == STATUS_TIMEOUT) {
        if (Interval.Value().QuadPart == 0)
            kernel::Yield();            // our turn is the caller's: it waits for our reply
        return Done(STATUS_SUCCESS);
    }
    if (Now != STATUS_PENDING)
        return Done(Now);
    return SleepUntil(Call.Alertable != 0, Until);
}

Status NtYieldExecution(ke::Caller&, svc::YieldExecution&)
{
    kernel::Yield();
    return STATUS_SUCCESS;
}
