// Keyed events: a wait and a release meet on an address of their process. Whoever comes first waits for the other.
#include "ntos/ex/ex.hpp"
#include "ntos/ps/process.hpp"

using namespace ob;
using ex::Done;

namespace ex {

namespace {

// One that waits, in its coroutine frame: unlinked when that goes.
struct Meeting {
    core::ListNode<Meeting> Link;
    const ps::Process* In;
    u64 Key;
    ke::Event Met { ke::Event::Notification };
    Meeting(const ps::Process& P, u64 K) : In(&P), Key(K) { }
};

class KeyedEvent final : public Object {
public:
    static const TypeInfo Type;
    KeyedEvent() : Object(Type) { }
    using Queue = core::List<Meeting, &Meeting::Link>;
    static constexpr u32 Buckets = 16;
    Queue Waiting[Buckets], Releasing[Buckets];
    ke::Waitable* AsWaitable() override { return &Always_; }    // as NT's: a wait for the handle itself never blocks

private:
    ke::Event Always_ { ke::Event::Notification, true };
};

constinit const TypeInfo KeyedEvent::Type {
    .Name = L"KeyedEvent",
    .ValidAccess = KEYEDEVENT_ALL_ACCESS | SYNCHRONIZE,
    .Mapping = { STANDARD_RIGHTS_READ | KEYEDEVENT_WAIT, STANDARD_RIGHTS_WRITE | KEYEDEVENT_WAKE, STANDARD_RIGHTS_EXECUTE, KEYEDEVENT_ALL_ACCESS },
};

constexpr wchar_t GlobalName[] = L"\\KernelObjects\\CritSecOutOfMemoryEvent";

Result<Ref<KeyedEvent>> ByHandle(ke::Caller& Caller, HANDLE Handle, ACCESS_MASK Access)
{
    if (Handle)
        return Reference<KeyedEvent>(Caller, Handle, Access);
    // The one that is always there.
    Result<Ref<Object>> There = LookupKernel(Name(GlobalName));
    if (There.Ok())
        return Ref<KeyedEvent>::Adopt(static_cast<KeyedEvent&>(*There.Value().Leak()));
    Ref<KeyedEvent> New = TRY(Make<KeyedEvent>());
    TRY(Protect(*New, STANDARD_RIGHTS_READ | KEYEDEVENT_WAIT | KEYEDEVENT_WAKE));
    TRY(InsertKernel(New, Name(GlobalName), true));
    return New;
}

u32 BucketOf(u64 Key)
{
    return (Key >> 2 ^ Key >> 6 ^ Key >> 12) % KeyedEvent::Buckets;
}

ke::Task<> WaitToMeet(Ref<KeyedEvent> Event, bool Release, const ps::Process& In, u64 Key, bool Alertable, ke::Deadline Until)
{
    Meeting Me(In, Key);
    auto& Side = Release ? Event->Releasing : Event->Waiting;
    Side[BucketOf(Key)].PushBack(Me);
    co_return co_await ke::WaitFor(Me.Met, Alertable, Until);
}

ke::Task<> Meet(ke::Caller& Caller, HANDLE Handle, u64 Key, bool Alertable, ke::UserPtr<LARGE_INTEGER> Timeout, bool Release)
{
    if (Key & 1)
        return Done(STATUS_INVALID_PARAMETER_1);
    Result<ke::Deadline> Until = CaptureTimeout(Caller, Timeout);
    if (!Until.Ok())
        return Done(Until.GetStatus());
    Result<Ref<KeyedEvent>> Event = ByHandle(Caller, Handle, Release ? KEYEDEVENT_WAKE : KEYEDEVENT_WAIT);
    if (!Event.Ok())
        return Done(Event.GetStatus());
    KeyedEvent& E = *Event.Value();
    auto& Other = Release ? E.Waiting : E.Releasing;
    for (Meeting& M : Other[BucketOf(Key)]) {
        // One whose wait has just ended otherwise is still linked, but waits no more.
        if (M.Key == Key && M.In == &Caller.Process() && M.Met.HasWaiters()) {
            M.Link.Unlink();
            M.Met.Set();
            return Done(STATUS_SUCCESS);
        }
    }
    return WaitToMeet(Event.Value(), Release, Caller.Process(), Key, Alertable, Until.Value());
}

}

}

Status NtCreateKeyedEvent(ke::Caller& Caller, svc::CreateKeyedEvent& Call)
{
    TRY(ClearHandle(Caller, Call.KeyedEventHandle));
    if (Call.Flags)
        return STATUS_INVALID_PARAMETER_4;
    Attributes Where = TRY(Capture(Caller, Call.ObjectAttributes));
    Ref<ex::KeyedEvent> New = TRY(Make<ex::KeyedEvent>());
    return ReturnHandle(Caller, Call.KeyedEventHandle, InsertAndOpen(Caller, std::move(New), Where, Call.DesiredAccess));
}

Status NtOpenKeyedEvent(ke::Caller& Caller, svc::OpenKeyedEvent& Call)
{
    TRY(ClearHandle(Caller, Call.KeyedEventHandle));
    Attributes Wanted = TRY(Capture(Caller, Call.ObjectAttributes));
    return ReturnHandle(Caller, Call.KeyedEventHandle, OpenByName(Caller, ex::KeyedEvent::Type, Wanted, Call.DesiredAccess));
}

ke::Task<> NtWaitForKeyedEvent(ke::Caller& Caller, svc::WaitForKeyedEvent& Call)
{
    return ex::Meet(Caller, Call.KeyedEventHandle, Call.Key.Raw(), Call.Alertable != 0, Call.Timeout, false);
}

ke::Task<> NtReleaseKeyedEvent(ke::Caller& Caller, svc::ReleaseKeyedEvent& Call)
{
    return ex::Meet(Caller, Call.KeyedEventHandle, Call.Key.Raw(), Call.Alertable != 0, Call.Timeout, true);
}
