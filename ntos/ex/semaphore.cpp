// Semaphores.
#include "ntos/ex/semaphore.hpp"

using namespace ob;

namespace ex {

constinit const TypeInfo Semaphore::Type {
    .Name = L"Semaphore",
    .ValidAccess = SEMAPHORE_ALL_ACCESS,
    .Mapping = { STANDARD_RIGHTS_READ | SEMAPHORE_QUERY_STATE, STANDARD_RIGHTS_WRITE | SEMAPHORE_MODIFY_STATE,
                 STANDARD_RIGHTS_EXECUTE | SYNCHRONIZE, SEMAPHORE_ALL_ACCESS },
};

}

Status NtCreateSemaphore(ke::Caller& Caller, svc::CreateSemaphore& Call)
{
    TRY(ClearHandle(Caller, Call.SemaphoreHandle));
    LONG Count = Call.InitialCount, Limit = Call.MaximumCount;
    if (Limit <= 0 || Count < 0 || Count > Limit)
        return STATUS_INVALID_PARAMETER;
    Attributes Where = TRY(Capture(Caller, Call.ObjectAttributes));
    Ref<ex::Semaphore> New = TRY(Make<ex::Semaphore>(Count, Limit));
    return ReturnHandle(Caller, Call.SemaphoreHandle, InsertAndOpen(Caller, std::move(New), Where, Call.DesiredAccess));
}

Status NtOpenSemaphore(ke::Caller& Caller, svc::OpenSemaphore& Call)
{
    TRY(ClearHandle(Caller, Call.SemaphoreHandle));
    Attributes Wanted = TRY(Capture(Caller, Call.ObjectAttributes));
    return ReturnHandle(Caller, Call.SemaphoreHandle, OpenByName(Caller, ex::Semaphore::Type, Wanted, Call.DesiredAccess));
}

Status NtReleaseSemaphore(ke::Caller& Caller, svc::ReleaseSemaphore& Call)
{
    if (Call.ReleaseCount <= 0)
        return STATUS_INVALID_PARAMETER;
    Ref<ex::Semaphore> S = TRY(Reference<ex::Semaphore>(Caller, Call.SemaphoreHandle, SEMAPHORE_MODIFY_STATE));
    LONG Previous;
    TRY(S->Raise(Call.ReleaseCount, Previous));
    return Call.PreviousCount.WriteIfThere(Caller, Previous);
}

Status NtQuerySemaphore(ke::Caller& Caller, svc::QuerySemaphore& Call)
{
    if (Call.SemaphoreInformationClass != 0)
        return STATUS_INVALID_INFO_CLASS;
    if (Call.Length != sizeof(SEMAPHORE_BASIC_INFORMATION))
        return STATUS_INFO_LENGTH_MISMATCH;
    Ref<ex::Semaphore> S = TRY(Reference<ex::Semaphore>(Caller, Call.SemaphoreHandle, SEMAPHORE_QUERY_STATE));
    SEMAPHORE_BASIC_INFORMATION Info { ULONG(S->Count()), ULONG(S->Limit()) };
    return ke::WriteFixed(Caller, Call.SemaphoreInformation, Call.Length, Call.ReturnLength, Info);
}
