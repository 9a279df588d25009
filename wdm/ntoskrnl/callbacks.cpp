// ObRegisterCallbacks, CmRegisterCallbackEx, PsSetCreateProcessNotifyRoutine(Ex): a client's service that the driver watches comes as Kind::Watched, before it and after it (ntos/io/driver/watch.hpp).
// The registrations of this process are called in the order of their altitudes, the highest first, and after the service the other way round.
// (Those of the registry: registry_callbacks.cpp.)
#include "wdm/ntoskrnl/callbacks.hpp"

namespace host {

Registration* FirstRegistration;
Lock ListLock;

namespace {

LONGLONG LastCookie;

// A decimal number with a fraction: <0, 0, >0.
int CompareAltitudes(const UNICODE_STRING& A, const UNICODE_STRING& B)
{
    auto Whole = [](const UNICODE_STRING& S, ULONG& From) {
        ULONG Length = S.Length / 2, To = 0;
        while (From < Length && S.Buffer[From] == L'0')
            ++From;
        for (To = From; To < Length && S.Buffer[To] != L'.'; ++To) { }
        return To;
    };
    ULONG FromA = 0, FromB = 0, ToA = Whole(A, FromA), ToB = Whole(B, FromB);
    if (ToA - FromA != ToB - FromB)
        return ToA - FromA < ToB - FromB ? -1 : 1;
    ULONG EndA = A.Length / 2, EndB = B.Length / 2;
    while (EndA > ToA && A.Buffer[EndA - 1] == L'0')
        --EndA;
    while (EndB > ToB && B.Buffer[EndB - 1] == L'0')
        --EndB;
    for (; FromA < EndA || FromB < EndB; ++FromA, ++FromB) {
        WCHAR X = FromA < EndA ? A.Buffer[FromA] : 0, Y = FromB < EndB ? B.Buffer[FromB] : 0;
        if (X != Y)
            return X < Y ? -1 : 1;
    }
    return 0;
}

// Tells the Executive what this process watches. The lock is held.
NTSTATUS TellWatch()
{
    wd::Status All {};
    for (Registration* R = FirstRegistration; R; R = R->Next) {
        if (R->OfKeys)
            All.Code |= wd::watch::Keys;
        if (R->Begins || R->BeginsEx)
            All.Code |= wd::watch::Life;
        for (ULONG I = 0; I < R->Count; ++I)
            All.Code |= R->Operations[I].ObjectType == &PsThreadTypeValue ? wd::watch::Threads : wd::watch::Processes;
    }
    return Control(wd::Control::Watch, &All, sizeof(All), nullptr, 0);
}

}

Registration* NewRegistration(const UNICODE_STRING* Altitude)
{
    auto* R = static_cast<Registration*>(Allocate(sizeof(Registration) + (Altitude ? Altitude->Length : 0)));
    if (R && Altitude) {
        R->Altitude = { Altitude->Length, Altitude->Length, R->Text };
        memcpy(R->Text, Altitude->Buffer, Altitude->Length);
    }
    return R;
}

NTSTATUS Insert(Registration* R)
{
    NTSTATUS Status;
    {
        Hold Held(ListLock);
        Registration** At = &FirstRegistration;
        bool Taken = false;
        for (Registration* Other = FirstRegistration; Other; Other = Other->Next)
            Taken |= Other->OfKeys == R->OfKeys && R->Altitude.Length && CompareAltitudes(Other->Altitude, R->Altitude) == 0;
        if (Taken) {
            Status = AltitudeCollision;
        } else {
            while (*At && CompareAltitudes((*At)->Altitude, R->Altitude) >= 0)
                At = &(*At)->Next;
            R->Next = *At;
            R->Cookie = ++LastCookie;
            if (R->CookieTo)
                *std::exchange(R->CookieTo, nullptr) = R->Cookie;      // before the first call can come: callbacks compare it
            *At = R;
            Status = TellWatch();
            if (Status < 0)
                *At = R->Next;
        }
    }
    if (Status < 0)
        Free(R);
    return Status;
}

Registration* Remove(bool (*Is)(Registration& R, const void* Context), const void* Context)
{
    Registration* R = nullptr;
    {
        Hold Held(ListLock);
        for (Registration** At = &FirstRegistration; *At; At = &(*At)->Next)
            if (Is(**At, Context)) {
                R = *At;
                *At = R->Next;
                (void)TellWatch();
                break;
            }
    }
    while (R && __atomic_load_n(&R->Users, __ATOMIC_ACQUIRE)) {
        Blocking Now;
        LARGE_INTEGER Soon;
        Soon.QuadPart = -10'000;
        NtDelayExecution(FALSE, &Soon);
    }
    return R;
}

namespace {

// --- handles

void BeforeHandle(Call& C)
{
    bool IsThread = C.About.Sort == wd::watch::Threads;
    OB_PRE_OPERATION_PARAMETERS Parameters {};
    OB_PRE_OPERATION_INFORMATION Info {};
    Info.Operation = C.About.What;
    Info.Object = IsThread ? reinterpret_cast<PVOID>(ClientThread | C.About.Object) : static_cast<PVOID>(ClientProcess(C.About.Object));
    Info.ObjectType = IsThread ? PsThreadTypeValue : PsProcessTypeValue;
    Info.Parameters = &Parameters;
    // (Both forms begin with the same two masks.)
    auto& Access = Parameters.CreateHandleInformation;
    Access.DesiredAccess = C.About.Wanted;
    Access.OriginalDesiredAccess = C.About.Original;
    if (C.About.What == wd::watch::Duplicate) {
        Parameters.DuplicateHandleInformation.SourceProcess = ClientProcess(C.About.Source);
        Parameters.DuplicateHandleInformation.TargetProcess = ClientProcess(C.About.Target);
    }
    for (ULONG I = 0; I < C.Count; ++I) {
        auto& Op = C.Told[I].Of->Operations[C.Told[I].Operation];
        if (!Op.PreOperation)
            continue;
        Info.CallContext = nullptr;
        ULONG Had = Access.DesiredAccess;
        Op.PreOperation(C.Told[I].Of->Context, &Info);
        Access.DesiredAccess &= Had;    // rights are only taken away
        C.Told[I].Context = Info.CallContext;
    }
    C.About.Wanted = Access.DesiredAccess;
}

void AfterHandle(Call& C)
{
    bool IsThread = C.About.Sort == wd::watch::Threads;
    OB_POST_OPERATION_PARAMETERS Parameters {};
    OB_POST_OPERATION_INFORMATION Info {};
    Info.Operation = C.About.What;
    Info.Object = IsThread ? reinterpret_cast<PVOID>(ClientThread | C.About.Object) : static_cast<PVOID>(ClientProcess(C.About.Object));
    Info.ObjectType = IsThread ? PsThreadTypeValue : PsProcessTypeValue;
    Info.ReturnStatus = NTSTATUS(C.About.Status);
    Info.Parameters = &Parameters;
    Parameters.CreateHandleInformation.GrantedAccess = C.About.Granted;
    for (ULONG I = C.Count; I--;) {
        auto& Op = C.Told[I].Of->Operations[C.Told[I].Operation];
        Info.CallContext = C.Told[I].Context;
        if (Op.PostOperation)
            Op.PostOperation(C.Told[I].Of->Context, &Info);
        LetGo(C.Told[I].Of);
    }
}

// --- processes that begin and end

void TellLife(Call& C)
{
    wd::Watched& A = C.About;
    UNICODE_STRING Image { USHORT(A.NameBytes), USHORT(A.NameBytes), reinterpret_cast<WCHAR*>(C.Rest) };
    UNICODE_STRING Line { USHORT(A.SecondBytes), USHORT(A.SecondBytes), reinterpret_cast<WCHAR*>(C.Rest + A.NameBytes) };
    PS_CREATE_NOTIFY_INFO Info {};
    Info.Size = sizeof(Info);
    Info.FileOpenNameAvailable = A.NameBytes != 0;
    Info.ParentProcessId = reinterpret_cast<HANDLE>(A.Source);
    Info.CreatingThreadId = { reinterpret_cast<HANDLE>(A.Target), reinterpret_cast<HANDLE>(u64(A.Index)) };
    Info.ImageFileName = &Image;
    Info.CommandLine = A.SecondBytes ? &Line : nullptr;
    auto Id = reinterpret_cast<HANDLE>(A.Object);
    for (ULONG I = 0; I < C.Count; ++I) {
        Registration* R = C.Told[I].Of;
        if (R->Begins)
            R->Begins(Info.ParentProcessId, Id, A.What != 0);
        else
            R->BeginsEx(ClientProcess(A.Object), Id, A.What ? &Info : nullptr);
        LetGo(R);
    }
    A.Status = ULONG(Info.CreationStatus);
}

NTSTATUS SetLife(PCREATE_PROCESS_NOTIFY_ROUTINE Routine, PCREATE_PROCESS_NOTIFY_ROUTINE_EX Ex, bool End)
{
    auto Is = [](Registration& R, const void* What) { return What && (reinterpret_cast<const void*>(R.Begins) == What || reinterpret_cast<const void*>(R.BeginsEx) == What); };
    const void* What = Routine ? reinterpret_cast<const void*>(Routine) : reinterpret_cast<const void*>(Ex);
    if (End) {
        Registration* R = Remove(Is, What);
        Free(R);
        return R ? STATUS_SUCCESS : STATUS_PROCEDURE_NOT_FOUND;
    }
    {
        Hold Held(ListLock);
        for (Registration* R = FirstRegistration; R; R = R->Next)
            if (Is(*R, What))
                return STATUS_INVALID_PARAMETER;
    }
    Registration* R = NewRegistration(nullptr);
    if (!R)
        return STATUS_INSUFFICIENT_RESOURCES;
    R->Begins = Routine;
    R->BeginsEx = Ex;
    return Insert(R);
}

// --- messages

// A call with those registrations that it concerns, each used once more. Null: none, or no memory.
Call* Begin(const wd::Watched& A, const void* Rest, u32 Bytes)
{
    auto* C = static_cast<Call*>(Allocate(sizeof(Call) + Bytes));
    if (!C)
        return nullptr;
    C->About = A;
    memcpy(C->Rest, Rest, Bytes);
    {
        Hold Held(ListLock);
        for (Registration* R = FirstRegistration; R && C->Count < MostCalls; R = R->Next) {
            bool Wanted = (A.Sort == wd::watch::Keys && R->OfKeys) || (A.Sort == wd::watch::Life && (R->Begins || R->BeginsEx));
            ULONG Which = 0;
            for (ULONG I = 0; I < R->Count; ++I)
                if (A.Sort & (wd::watch::Processes | wd::watch::Threads) && R->Operations[I].Operations & A.What &&
                    R->Operations[I].ObjectType == (A.Sort == wd::watch::Threads ? &PsThreadTypeValue : &PsProcessTypeValue)) {
                    Wanted = true;
                    Which = I;
                }
            if (!Wanted)
                continue;
            __atomic_add_fetch(&R->Users, 1, __ATOMIC_RELAXED);
            C->Told[C->Count].Of = R;
            C->Told[C->Count++].Operation = Which;
        }
    }
    if (C->Count)
        return C;
    Free(C);
    return nullptr;
}

}

void ReceiveWatched(const wd::Message& M)
{
    auto* A = reinterpret_cast<wd::Watched*>(DataAt(M.Data, 0));
    auto* C = reinterpret_cast<Call*>(M.Parameters[1]);
    NTSTATUS Status = STATUS_SUCCESS;
    Thread* T = Current();
    T->Client = M.Process;
    if (!M.Parameters[0]) {
        C = Begin(*A, A + 1, M.InputBytes - u32(sizeof(*A)));
        if (C && A->Sort == wd::watch::Life) {
            TellLife(*C);
            A->Status = C->About.Status;
            Free(C);
            C = nullptr;
        } else if (C && A->Sort != wd::watch::Keys) {
            BeforeHandle(*C);
            A->Wanted = C->About.Wanted;
        } else if (C) {
            if (PresentKey(*C)) {
                Status = BeforeKey(*C);
            } else {
                for (ULONG I = 0; I < C->Count; ++I)
                    LetGo(C->Told[I].Of);
                Status = STATUS_INSUFFICIENT_RESOURCES;
            }
            if (Status < 0) {
                Free(C);
                C = nullptr;
            }
        }
    } else if (C) {
        C->About = *A;
        if (A->Sort != wd::watch::Keys)
            AfterHandle(*C);
        else
            A->Status = ULONG(AfterKey(*C, NTSTATUS(A->Status)));
        Free(C);
        C = nullptr;
    }
    T->Client = 0;
    Answer(M.Tag, Status, reinterpret_cast<u64>(C), 0);
}

}

using namespace host;

extern "C" {

NTSTATUS NTAPI ObRegisterCallbacks(POB_CALLBACK_REGISTRATION Wanted, PVOID* Handle)
{
    RequireIrql(APC_LEVEL, "ObRegisterCallbacks", __builtin_return_address(0));
    *Handle = nullptr;
    if ((Wanted->Version & 0xFF00) != (OB_FLT_REGISTRATION_VERSION & 0xFF00) || !Wanted->OperationRegistrationCount || Wanted->OperationRegistrationCount > 2)
        return STATUS_INVALID_PARAMETER;
    for (ULONG I = 0; I < Wanted->OperationRegistrationCount; ++I) {
        auto& Op = Wanted->OperationRegistration[I];
        if ((Op.ObjectType != &PsProcessTypeValue && Op.ObjectType != &PsThreadTypeValue) || !Op.Operations ||
            Op.Operations & ~(OB_OPERATION_HANDLE_CREATE | OB_OPERATION_HANDLE_DUPLICATE) || (!Op.PreOperation && !Op.PostOperation) ||
            (I && Op.ObjectType == Wanted->OperationRegistration[0].ObjectType))
            return STATUS_INVALID_PARAMETER;
    }
    Registration* R = NewRegistration(&Wanted->Altitude);
    if (!R)
        return STATUS_INSUFFICIENT_RESOURCES;
    R->Context = Wanted->RegistrationContext;
    R->Count = Wanted->OperationRegistrationCount;
    memcpy(R->Operations, Wanted->OperationRegistration, R->Count * sizeof(R->Operations[0]));
    NTSTATUS Status = Insert(R);
    if (Status >= 0)
        *Handle = R;
    return Status;
}
void NTAPI ObUnRegisterCallbacks(PVOID Handle)
{
    Free(Remove([](Registration& R, const void* Is) { return &R == Is; }, Handle));
}

NTSTATUS NTAPI PsSetCreateProcessNotifyRoutine(PCREATE_PROCESS_NOTIFY_ROUTINE Routine, BOOLEAN End) { return SetLife(Routine, nullptr, End); }
NTSTATUS NTAPI PsSetCreateProcessNotifyRoutineEx(PCREATE_PROCESS_NOTIFY_ROUTINE_EX Routine, BOOLEAN End) { return SetLife(nullptr, Routine, End); }

}
