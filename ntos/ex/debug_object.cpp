// Debug objects: named and shared like any other object. None ever has an event to tell: no process can be attached to one.
#include "ntos/ex/ex.hpp"

using namespace ob;

namespace {

constexpr ACCESS_MASK ReadEvent = 1, ProcessAssign = 2, SetInformation = 4, AllAccess = STANDARD_RIGHTS_REQUIRED | SYNCHRONIZE | 0xF;
constexpr ULONG KillOnClose = 1, FlagsClass = 1;

class DebugObject final : public Object {
public:
    static const TypeInfo Type;
    explicit DebugObject(ULONG Flags) : Object(Type), Flags(Flags) { }
    ke::Waitable* AsWaitable() override { return &Pending_; }
    ULONG Flags;

private:
    ke::Event Pending_ { ke::Event::Notification, false };      // set while there are events to read
};

constinit const TypeInfo DebugObject::Type {
    .Name = L"DebugObject",
    .ValidAccess = AllAccess,
    .Mapping = { STANDARD_RIGHTS_READ | ReadEvent, STANDARD_RIGHTS_WRITE | ProcessAssign | SetInformation, STANDARD_RIGHTS_EXECUTE | SYNCHRONIZE, AllAccess },
};

}

Status NtCreateDebugObject(ke::Caller& Caller, svc::CreateDebugObject& Call)
{
    TRY(ClearHandle(Caller, Call.DebugObjectHandle));
    if (Call.Flags & ~KillOnClose)
        return STATUS_INVALID_PARAMETER;
    Attributes Where = TRY(Capture(Caller, Call.ObjectAttributes));
    Ref<DebugObject> New = TRY(Make<DebugObject>(Call.Flags));
    return ReturnHandle(Caller, Call.DebugObjectHandle, InsertAndOpen(Caller, std::move(New), Where, Call.DesiredAccess));
}

Status NtSetInformationDebugObject(ke::Caller& Caller, svc::SetInformationDebugObject& Call)
{
    if (Call.DebugObjectInformationClass != FlagsClass)
        return STATUS_INVALID_PARAMETER;
    if (Call.DebugObjectInformationLength != sizeof(ULONG)) {
        TRY(Call.ReturnLength.WriteIfThere(Caller, sizeof(ULONG)));
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    ULONG Flags = TRY(Call.DebugObjectInformation.ReadAs<ULONG>(Caller));
    if (Flags & ~KillOnClose)
        return STATUS_INVALID_PARAMETER;
    TRY(Reference<DebugObject>(Caller, Call.DebugObjectHandle, SetInformation))->Flags = Flags;
    return STATUS_SUCCESS;
}
