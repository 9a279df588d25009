// Events.
#include "ntos/ex/ex.hpp"

using namespace ob;

namespace ex {

constinit const TypeInfo Event::Type {
    .Name = L"Event",
    .ValidAccess = EVENT_ALL_ACCESS,
    .Mapping = { STANDARD_RIGHTS_READ | EVENT_QUERY_STATE, STANDARD_RIGHTS_WRITE | EVENT_MODIFY_STATE, STANDARD_RIGHTS_EXECUTE | SYNCHRONIZE,
                 EVENT_ALL_ACCESS },
};

}

Status NtCreateEvent(ke::Caller& Caller, svc::CreateEvent& Call)
{
    TRY(ClearHandle(Caller, Call.EventHandle));
    if (Call.EventType > SynchronizationEvent)
        return STATUS_INVALID_PARAMETER;
    Attributes Where = TRY(Capture(Caller, Call.ObjectAttributes));
    auto Kind = Call.EventType == SynchronizationEvent ? ke::Event::Synchronization : ke::Event::Notification;
    Ref<ex::Event> New = TRY(Make<ex::Event>(Kind, Call.InitialState != 0));
    return ReturnHandle(Caller, Call.EventHandle, InsertAndOpen(Caller, std::move(New), Where, Call.DesiredAccess));
}

Status NtOpenEvent(ke::Caller& Caller, svc::OpenEvent& Call)
{
    TRY(ClearHandle(Caller, Call.EventHandle));
    Attributes Wanted = TRY(Capture(Caller, Call.ObjectAttributes));
    return ReturnHandle(Caller, Call.EventHandle, OpenByName(Caller, ex::Event::Type, Wanted, Call.DesiredAccess));
}

Status NtSetEvent(ke::Caller& Caller, svc::SetEvent& Call)
{
    Ref<ex::Event> E = TRY(Reference<ex::Event>(Caller, Call.EventHandle, EVENT_MODIFY_STATE));
    return Call.PreviousState.WriteIfThere(Caller, E->Set());
}

Status NtResetEvent(ke::Caller& Caller, svc::ResetEvent& Call)
{
    Ref<ex::Event> E = TRY(Reference<ex::Event>(Caller, Call.EventHandle, EVENT_MODIFY_STATE));
    return Call.PreviousState.WriteIfThere(Caller, E->Reset());
}

Status NtClearEvent(ke::Caller& Caller, svc::ClearEvent& Call)
{
    Ref<ex::Event> E = TRY(Reference<ex::Event>(Caller, Call.EventHandle, EVENT_MODIFY_STATE));
    E->Reset();
    return STATUS_SUCCESS;
}

Status NtPulseEvent(ke::Caller& Caller, svc::PulseEvent& Call)
{
    Ref<ex::Event> E = TRY(Reference<ex::Event>(Caller, Call.EventHandle, EVENT_MODIFY_STATE));
    bool Was = E->Set();
    E->Reset();
    return Call.PreviousState.WriteIfThere(Caller, Was);
}

Status NtQueryEvent(ke::Caller& Caller, svc::QueryEvent& Call)
{
    if (Call.EventInformationClass != 0)
        return STATUS_INVALID_INFO_CLASS;
    if (Call.Length != sizeof(EVENT_BASIC_INFORMATION))
        return STATUS_INFO_LENGTH_MISMATCH;
    Ref<ex::Event> E = TRY(Reference<ex::Event>(Caller, Call.EventHandle, EVENT_QUERY_STATE));
    EVENT_BASIC_INFORMATION Info { E->State().GetKind() == ke::Event::Synchronization ? SynchronizationEvent : NotificationEvent, E->State().State() };
    return ke::WriteFixed(Caller, Call.EventInformation, Call.Length, Call.ReturnLength, Info);
}
