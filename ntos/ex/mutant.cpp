// Mutants: mutexes with an owner, recursion, and abandonment when the owner ends.
#include "ntos/ex/mutant.hpp"

using namespace ob;

namespace ex {

constinit const TypeInfo Mutant::Type {
    .Name = L"Mutant",
    .ValidAccess = MUTANT_ALL_ACCESS,
    .Mapping = { STANDARD_RIGHTS_READ | MUTANT_QUERY_STATE, STANDARD_RIGHTS_WRITE, STANDARD_RIGHTS_EXECUTE | SYNCHRONIZE, MUTANT_ALL_ACCESS },
};

bool Mutant::IsSignaled(const ke::Caller* By) const
{
    return By && (Count_ > 0 || Owner_ == By);
}

NTSTATUS Mutant::Satisfy(ke::Caller* By)
{
    if (Count_ == INT32_MIN)
        return STATUS_MUTANT_LIMIT_EXCEEDED;
    if (--Count_ == 0) {
        Owner_ = By;
        By->Thread().AddRundown(*this);
    }
    return std::exchange(Abandoned_, false) ? STATUS_ABANDONED : STATUS_SUCCESS;
}

Status Mutant::Release(ke::Caller& By, LONG& Previous)
{
    Previous = Count_;
    if (Owner_ != &By)
        return STATUS_MUTANT_NOT_OWNED;
    if (++Count_ == 1) {
        Owner_ = nullptr;
        ps::ThreadRundown::Link.Unlink();
        Wake();
    }
    return STATUS_SUCCESS;
}

void Mutant::ThreadEnds(ps::Thread&)
{
    Count_ = 1;
    Owner_ = nullptr;
    Abandoned_ = true;
    Wake();
}

}

Status NtCreateMutant(ke::Caller& Caller, svc::CreateMutant& Call)
{
    TRY(ClearHandle(Caller, Call.MutantHandle));
    Attributes Where = TRY(Capture(Caller, Call.ObjectAttributes));
    Ref<ex::Mutant> New = TRY(Make<ex::Mutant>());
    // Owned at once, but only if it is the one that was made, not one found by OBJ_OPENIF.
    Result<HANDLE> Made = InsertAndOpen(Caller, New, Where, Call.DesiredAccess);
    Status S = ReturnHandle(Caller, Call.MutantHandle, std::move(Made));
    if (S == STATUS_SUCCESS && Call.InitialOwner)
        New->Satisfy(&Caller);
    return S;
}

Status NtOpenMutant(ke::Caller& Caller, svc::OpenMutant& Call)
{
    TRY(ClearHandle(Caller, Call.MutantHandle));
    Attributes Wanted = TRY(Capture(Caller, Call.ObjectAttributes));
    return ReturnHandle(Caller, Call.MutantHandle, OpenByName(Caller, ex::Mutant::Type, Wanted, Call.DesiredAccess));
}

Status NtReleaseMutant(ke::Caller& Caller, svc::ReleaseMutant& Call)
{
    // No right is needed: owning it is the right.
    Ref<ex::Mutant> M = TRY(Reference<ex::Mutant>(Caller, Call.MutantHandle, 0));
    LONG Previous;
    TRY(M->Release(Caller, Previous));
    return Call.PreviousCount.WriteIfThere(Caller, Previous);
}

Status NtQueryMutant(ke::Caller& Caller, svc::QueryMutant& Call)
{
    switch (Call.MutantInformationClass) {
    case 0: {
        if (Call.Length != sizeof(MUTANT_BASIC_INFORMATION))
            return STATUS_INFO_LENGTH_MISMATCH;
        Ref<ex::Mutant> M = TRY(Reference<ex::Mutant>(Caller, Call.MutantHandle, MUTANT_QUERY_STATE));
        MUTANT_BASIC_INFORMATION Info { M->Count(), M->Owner() == &Caller, M->IsAbandoned() };
        return ke::WriteFixed(Caller, Call.MutantInformation, Call.Length, Call.ReturnLength, Info);
    }
    case 1: {
        if (Call.Length != sizeof(MUTANT_OWNER_INFORMATION))
            return STATUS_INFO_LENGTH_MISMATCH;
        Ref<ex::Mutant> M = TRY(Reference<ex::Mutant>(Caller, Call.MutantHandle, MUTANT_QUERY_STATE));
        MUTANT_OWNER_INFORMATION Info {};
        if (ke::Caller* Owner = M->Owner()) {
            Info.ClientId.UniqueProcess = reinterpret_cast<HANDLE>(Owner->Process().Id());
            Info.ClientId.UniqueThread = reinterpret_cast<HANDLE>(Owner->Thread().Id());
        }
        return ke::WriteFixed(Caller, Call.MutantInformation, Call.Length, Call.ReturnLength, Info);
    }
    default: return STATUS_INVALID_INFO_CLASS;
    }
}
