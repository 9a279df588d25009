// ObRegisterCallbacks and CmRegisterCallbackEx: a client's service that the driver watches comes as Kind::Watched, before it and after it (ntos/io/driver/watch.hpp).
// The registrations of this process are called in the order of their altitudes, the highest first, and after the service the other way round.
#include "wdm/ntoskrnl/fsd.hpp"
#include "wdm/ntoskrnl/object.hpp"

#include <utility>

namespace host {

namespace {

constexpr ULONG MostCalls = 16;
constexpr NTSTATUS CallbackBypass = NTSTATUS(0xC0000503), AltitudeCollision = NTSTATUS(0xC01C0011);
constexpr ULONG ContextCleanup = 40;    // RegNtCallbackObjectContextCleanup

// One registration; kept while one of its callbacks runs or the end of a service has yet to be told to it.
struct Registration {
    Registration* Next;
    UNICODE_STRING Altitude;            // empty: of CmRegisterCallback, below all
    PVOID Context;
    LONG Users;
    bool OfKeys;
    LONGLONG Cookie;                    // of keys
    PEX_CALLBACK_FUNCTION Function;
    ULONG Count;                        // of handles
    OB_OPERATION_REGISTRATION Operations[2];
    WCHAR Text[1];
};
Registration* First;                    // by altitude
LONGLONG LastCookie;
Lock ListLock;

// What a driver has put to a key by CmSetCallbackObjectContext.
struct KeyContext {
    KeyContext* Next;
    LONGLONG Cookie;
    PVOID Value;
};
struct KeyObject {
    DISPATCHER_HEADER Header;
    KeyObject* Next;
    u64 Number;                         // of the client's open key; 0: the registry's root
    KeyContext* Contexts;
    LONG Users;
    UNICODE_STRING Name;
    ULONG_PTR Id;                       // the same for all opens of one key
};
KeyObject* Keys;                        // by ListLock

struct Call {
    wd::Watched About;
    ULONG Count;
    struct {
        Registration* Of;
        ULONG Operation;
        PVOID Context;
    } Told[MostCalls];
    // Of keys:
    KeyObject *Key, *Result;
    UNICODE_STRING Second, Class;
    ULONG Disposition;
    PVOID ResultObject;
    union {
        REG_DELETE_KEY_INFORMATION Delete;
        REG_SET_VALUE_KEY_INFORMATION SetValue;
        REG_DELETE_VALUE_KEY_INFORMATION DeleteValue;
        REG_SET_INFORMATION_KEY_INFORMATION SetInformation;
        REG_RENAME_KEY_INFORMATION Rename;
        REG_ENUMERATE_KEY_INFORMATION Enumerate;
        REG_QUERY_KEY_INFORMATION Query;
        REG_QUERY_VALUE_KEY_INFORMATION QueryValue;
        REG_CREATE_KEY_INFORMATION_V1 Open;
    } Info;
    PVOID* Slot;                        // CallContext in it; ObjectContext follows
    u8 Rest[1];
};

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
    for (Registration* R = First; R; R = R->Next) {
        if (R->OfKeys)
            All.Code |= wd::watch::Keys;
        for (ULONG I = 0; I < R->Count; ++I)
            All.Code |= R->Operations[I].ObjectType == PsThreadType ? wd::watch::Threads : wd::watch::Processes;
    }
    return Control(wd::Control::Watch, &All, sizeof(All), nullptr, 0);
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

// It is the driver's from here on; or freed.
NTSTATUS Insert(Registration* R)
{
    NTSTATUS Status;
    {
        Hold Held(ListLock);
        Registration** At = &First;
        bool Taken = false;
        for (Registration* Other = First; Other; Other = Other->Next)
            Taken |= Other->OfKeys == R->OfKeys && R->Altitude.Length && CompareAltitudes(Other->Altitude, R->Altitude) == 0;
        if (Taken) {
            Status = AltitudeCollision;
        } else {
            while (*At && CompareAltitudes((*At)->Altitude, R->Altitude) >= 0)
                At = &(*At)->Next;
            R->Next = *At;
            R->Cookie = ++LastCookie;
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

// Takes it out of the list and waits until nothing of it runs any more.
template <typename F> Registration* Remove(F Is)
{
    Registration* R = nullptr;
    {
        Hold Held(ListLock);
        for (Registration** At = &First; *At; At = &(*At)->Next)
            if (Is(**At)) {
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

void LetGo(Registration* R) { __atomic_sub_fetch(&R->Users, 1, __ATOMIC_RELEASE); }

// --- handles

void BeforeHandle(Call& C)
{
    bool IsThread = C.About.Sort == wd::watch::Threads;
    OB_PRE_OPERATION_PARAMETERS Parameters {};
    OB_PRE_OPERATION_INFORMATION Info {};
    Info.Operation = C.About.What;
    Info.Object = IsThread ? reinterpret_cast<PVOID>(ClientThread | C.About.Object) : static_cast<PVOID>(ClientProcess(C.About.Object));
    Info.ObjectType = IsThread ? *PsThreadType : *PsProcessType;
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
    Info.ObjectType = IsThread ? *PsThreadType : *PsProcessType;
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

// --- keys

ULONG_PTR IdOfName(const UNICODE_STRING& Name)
{
    u64 Hash = 0xCBF29CE484222325;
    for (ULONG I = 0; I < Name.Length / 2u; ++I)
        Hash = (Hash ^ RtlUpcaseUnicodeChar(Name.Buffer[I])) * 0x100000001B3;
    return Hash;
}

// One more use. Null: no memory.
KeyObject* UseKey(u64 Number, const WCHAR* Name, u32 Bytes)
{
    Hold Held(ListLock);
    for (KeyObject* K = Keys; K; K = K->Next)
        if (K->Number == Number) {
            ++K->Users;
            return K;
        }
    auto* K = static_cast<KeyObject*>(Allocate(sizeof(KeyObject) + Bytes + 2));
    if (!K)
        return nullptr;
    K->Header.Type = ProxyObject;
    K->Header.Size = KeySize;
    K->Number = Number;
    K->Users = 1;
    K->Name = { USHORT(Bytes), USHORT(Bytes + 2), reinterpret_cast<WCHAR*>(K + 1) };
    memcpy(K + 1, Name, Bytes);
    K->Id = IdOfName(K->Name);
    K->Next = Keys;
    Keys = K;
    return K;
}

// Calls back for contexts that go: of one registration (Cookie), or all of a key that is closed.
void Cleanup(KeyObject* K, KeyContext* Gone)
{
    while (KeyContext* C = Gone) {
        Gone = C->Next;
        Registration* R;
        {
            Hold Held(ListLock);
            for (R = First; R && !(R->OfKeys && R->Cookie == C->Cookie); R = R->Next) { }
            if (R)
                __atomic_add_fetch(&R->Users, 1, __ATOMIC_RELAXED);
        }
        if (R) {
            REG_CALLBACK_CONTEXT_CLEANUP_INFORMATION Info { K, C->Value, nullptr };
            R->Function(R->Context, reinterpret_cast<PVOID>(u64(ContextCleanup)), &Info);
            LetGo(R);
        }
        Free(C);
    }
}

void DropKey(KeyObject* K, bool Closed)
{
    KeyContext* Gone = nullptr;
    bool Last;
    {
        Hold Held(ListLock);
        if (Closed)
            Gone = std::exchange(K->Contexts, nullptr);
        Last = --K->Users == 0 && !K->Contexts;
        if (Last)
            for (KeyObject** At = &Keys; *At; At = &(*At)->Next)
                if (*At == K) {
                    *At = K->Next;
                    break;
                }
    }
    Cleanup(K, Gone);
    if (Last)
        Free(K);
}

PVOID ContextOf(KeyObject* K, LONGLONG Cookie)
{
    Hold Held(ListLock);
    for (KeyContext* C = K ? K->Contexts : nullptr; C; C = C->Next)
        if (C->Cookie == Cookie)
            return C->Value;
    return nullptr;
}

// Info and Slot from About; names and data lie behind the call.
bool PresentKey(Call& C)
{
    static const WCHAR Root[] = L"\\REGISTRY";
    const wd::Watched& A = C.About;
    auto* At = C.Rest;
    auto* Name = reinterpret_cast<WCHAR*>(At);
    C.Key = A.Object ? UseKey(A.Object, Name, A.NameBytes) : UseKey(0, Root, sizeof(Root) - 2);
    if (!C.Key)
        return false;
    At += A.NameBytes;
    C.Second = { USHORT(A.SecondBytes), USHORT(A.SecondBytes), reinterpret_cast<WCHAR*>(At) };
    At += A.SecondBytes;
    C.Class = { USHORT(A.ClassBytes), USHORT(A.ClassBytes), reinterpret_cast<WCHAR*>(At) };
    At += A.ClassBytes;
    switch (A.What) {
    case RegNtPreSetValueKey:
        C.Info.SetValue = { C.Key, &C.Second, A.Index, A.Type, At, A.Length, nullptr, nullptr, nullptr };
        C.Slot = &C.Info.SetValue.CallContext;
        break;
    case RegNtPreDeleteValueKey:
        C.Info.DeleteValue = { C.Key, &C.Second, nullptr, nullptr, nullptr };
        C.Slot = &C.Info.DeleteValue.CallContext;
        break;
    case RegNtPreSetInformationKey:
        C.Info.SetInformation = { C.Key, KEY_SET_INFORMATION_CLASS(A.Class), At, A.Length, nullptr, nullptr, nullptr };
        C.Slot = &C.Info.SetInformation.CallContext;
        break;
    case RegNtPreRenameKey:
        C.Info.Rename = { C.Key, &C.Second, nullptr, nullptr, nullptr };
        C.Slot = &C.Info.Rename.CallContext;
        break;
    case RegNtPreEnumerateKey:
    case RegNtPreEnumerateValueKey:
        C.Info.Enumerate = { C.Key, A.Index, KEY_INFORMATION_CLASS(A.Class), nullptr, A.Length, nullptr, nullptr, nullptr, nullptr };
        C.Slot = &C.Info.Enumerate.CallContext;
        break;
    case RegNtPreQueryKey:
        C.Info.Query = { C.Key, KEY_INFORMATION_CLASS(A.Class), nullptr, A.Length, nullptr, nullptr, nullptr, nullptr };
        C.Slot = &C.Info.Query.CallContext;
        break;
    case RegNtPreQueryValueKey:
        C.Info.QueryValue = { C.Key, &C.Second, KEY_VALUE_INFORMATION_CLASS(A.Class), nullptr, A.Length, nullptr, nullptr, nullptr, nullptr };
        C.Slot = &C.Info.QueryValue.CallContext;
        break;
    case RegNtPreCreateKeyEx:
    case RegNtPreOpenKeyEx: {
        auto& O = C.Info.Open;
        O.CompleteName = &C.Second;
        O.RootObject = C.Key;
        O.ObjectType = *CmKeyObjectType;
        O.Options = A.Options;
        O.Class = A.ClassBytes ? &C.Class : nullptr;
        O.DesiredAccess = O.GrantedAccess = A.Original;
        O.Disposition = &C.Disposition;
        O.ResultObject = &C.ResultObject;
        O.Version = 1;
        O.RemainingName = &C.Second;
        O.Attributes = OBJ_CASE_INSENSITIVE;
        O.CheckAccessMode = UserMode;
        C.Slot = &O.CallContext;
        break;
    }
    default:                            // delete, close, flush: all have only the key
        C.Info.Delete = { C.Key, nullptr, nullptr, nullptr };
        C.Slot = &C.Info.Delete.CallContext;
    }
    return true;
}

ULONG PostOf(ULONG Class) { return Class <= 9 ? Class + RegNtPostDeleteKey : Class == RegNtPreKeyHandleClose ? ULONG(RegNtPostKeyHandleClose) : Class + 1; }

// Those from the one before Count on hear of the end. The outcome.
NTSTATUS AfterKey(Call& C, NTSTATUS Status)
{
    const wd::Watched& A = C.About;
    bool Opens = A.What == RegNtPreCreateKeyEx || A.What == RegNtPreOpenKeyEx, Closes = A.What == RegNtPreKeyHandleClose;
    if (Opens && Status >= 0 && A.Made) {
        // Its name: the root's and what was asked for.
        bool Absolute = C.Second.Length && C.Second.Buffer[0] == L'\\';
        u32 Bytes = (Absolute ? 0 : C.Key->Name.Length + (C.Second.Length ? 2 : 0)) + C.Second.Length;
        if (auto* Name = static_cast<WCHAR*>(Allocate(Bytes + 2))) {
            u32 At = 0;
            if (!Absolute) {
                memcpy(Name, C.Key->Name.Buffer, C.Key->Name.Length);
                At = C.Key->Name.Length / 2;
                if (C.Second.Length)
                    Name[At++] = L'\\';
            }
            memcpy(Name + At, C.Second.Buffer, C.Second.Length);
            C.Result = UseKey(A.Made, Name, Bytes);
            Free(Name);
        }
        C.Info.Open.GrantedAccess = A.Granted;
        C.Disposition = A.Disposition;
        C.ResultObject = C.Result;
    }
    REG_POST_OPERATION_INFORMATION Info {};
    Info.Object = Opens ? static_cast<PVOID>(C.Result) : C.Key;
    Info.PreInformation = &C.Info;
    while (C.Count) {
        auto& T = C.Told[--C.Count];
        Info.Status = Info.ReturnStatus = Status;
        Info.CallContext = T.Context;
        Info.ObjectContext = Opens ? nullptr : ContextOf(C.Key, T.Of->Cookie);
        NTSTATUS S = T.Of->Function(T.Of->Context, reinterpret_cast<PVOID>(u64(PostOf(A.What))), &Info);
        if (S == CallbackBypass)
            Status = Info.ReturnStatus;
        else if (S < 0)
            Status = S;
        LetGo(T.Of);
    }
    if (C.Result)
        DropKey(C.Result, false);
    DropKey(C.Key, Closes && Status >= 0);
    return Status;
}

// The verdict: a failing status refuses the service, and then nobody is left to be told.
NTSTATUS BeforeKey(Call& C)
{
    NTSTATUS Verdict = STATUS_SUCCESS;
    ULONG Told = 0;
    for (ULONG I = 0; I < C.Count; ++I) {
        auto& T = C.Told[I];
        if (Verdict < 0) {
            LetGo(T.Of);
            continue;
        }
        C.Slot[0] = nullptr;
        C.Slot[1] = ContextOf(C.Key, T.Of->Cookie);
        Verdict = T.Of->Function(T.Of->Context, reinterpret_cast<PVOID>(u64(C.About.What)), &C.Info);
        T.Context = C.Slot[0];
        if (Verdict < 0)
            LetGo(T.Of);
        else
            Told = I + 1;
    }
    C.Count = Told;
    if (Verdict < 0)
        AfterKey(C, Verdict == CallbackBypass ? STATUS_SUCCESS : Verdict);
    return Verdict;
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
        for (Registration* R = First; R && C->Count < MostCalls; R = R->Next) {
            bool Wanted = A.Sort == wd::watch::Keys && R->OfKeys;
            ULONG Which = 0;
            for (ULONG I = 0; I < R->Count; ++I)
                if (A.Sort != wd::watch::Keys && R->Operations[I].Operations & A.What &&
                    R->Operations[I].ObjectType == (A.Sort == wd::watch::Threads ? PsThreadType : PsProcessType)) {
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

const UNICODE_STRING& KeyName(PVOID Object) { return static_cast<KeyObject*>(Object)->Name; }

void ReceiveWatched(const wd::Message& M)
{
    auto* A = reinterpret_cast<wd::Watched*>(DataAt(M.Data, 0));
    auto* C = reinterpret_cast<Call*>(M.Parameters[1]);
    NTSTATUS Status = STATUS_SUCCESS;
    Thread* T = Current();
    T->Client = M.Process;
    if (!M.Parameters[0]) {
        C = Begin(*A, A + 1, M.InputBytes - u32(sizeof(*A)));
        if (C && A->Sort != wd::watch::Keys) {
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
        if ((Op.ObjectType != PsProcessType && Op.ObjectType != PsThreadType) || !Op.Operations ||
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
    Free(Remove([Handle](Registration& R) { return &R == Handle; }));
}

NTSTATUS NTAPI CmRegisterCallbackEx(PEX_CALLBACK_FUNCTION Function, PCUNICODE_STRING Altitude, PVOID, PVOID Context, PLARGE_INTEGER Cookie, PVOID)
{
    RequireIrql(APC_LEVEL, "CmRegisterCallbackEx", __builtin_return_address(0));
    Registration* R = NewRegistration(Altitude);
    if (!R)
        return STATUS_INSUFFICIENT_RESOURCES;
    R->OfKeys = true;
    R->Function = Function;
    R->Context = Context;
    // (The cookie is set before the first call can come: callbacks compare it.)
    Cookie->QuadPart = __atomic_load_n(&LastCookie, __ATOMIC_RELAXED) + 1;
    NTSTATUS Status = Insert(R);
    if (Status >= 0)
        Cookie->QuadPart = R->Cookie;
    return Status;
}
NTSTATUS NTAPI CmRegisterCallback(PEX_CALLBACK_FUNCTION Function, PVOID Context, PLARGE_INTEGER Cookie)
{
    return CmRegisterCallbackEx(Function, nullptr, nullptr, Context, Cookie, nullptr);
}
NTSTATUS NTAPI CmUnRegisterCallback(LARGE_INTEGER Cookie)
{
    Registration* R = Remove([Cookie](Registration& Any) { return Any.OfKeys && Any.Cookie == Cookie.QuadPart; });
    if (!R)
        return STATUS_INVALID_PARAMETER;
    // What it has put to keys goes, and it hears of it.
    for (;;) {
        KeyContext* C = nullptr;
        KeyObject* K;
        {
            Hold Held(ListLock);
            for (K = Keys; K && !C; K = C ? K : K->Next)
                for (KeyContext** At = &K->Contexts; *At; At = &(*At)->Next)
                    if ((*At)->Cookie == R->Cookie) {
                        C = *At;
                        *At = C->Next;
                        ++K->Users;
                        break;
                    }
        }
        if (!C)
            break;
        REG_CALLBACK_CONTEXT_CLEANUP_INFORMATION Info { K, C->Value, nullptr };
        R->Function(R->Context, reinterpret_cast<PVOID>(u64(ContextCleanup)), &Info);
        Free(C);
        DropKey(K, false);
    }
    Free(R);
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI CmCallbackGetKeyObjectID(PLARGE_INTEGER, PVOID Object, PULONG_PTR Id, PCUNICODE_STRING* Name)
{
    if (!Object || !IsKeyObject(Object))
        return STATUS_INVALID_PARAMETER;
    auto* K = static_cast<KeyObject*>(Object);
    if (Id)
        *Id = K->Id;
    if (Name)
        *Name = &K->Name;
    return STATUS_SUCCESS;
}
// The name is a copy, which CmCallbackReleaseKeyObjectIDEx frees.
NTSTATUS NTAPI CmCallbackGetKeyObjectIDEx(PLARGE_INTEGER Cookie, PVOID Object, PULONG_PTR Id, PCUNICODE_STRING* Name, ULONG Flags)
{
    PCUNICODE_STRING Own;
    NTSTATUS Status = Flags ? STATUS_INVALID_PARAMETER : CmCallbackGetKeyObjectID(Cookie, Object, Id, &Own);
    if (Status < 0 || !Name)
        return Status;
    auto* Copy = static_cast<UNICODE_STRING*>(Allocate(sizeof(UNICODE_STRING) + Own->Length));
    if (!Copy)
        return STATUS_INSUFFICIENT_RESOURCES;
    *Copy = { Own->Length, Own->Length, reinterpret_cast<WCHAR*>(Copy + 1) };
    memcpy(Copy + 1, Own->Buffer, Own->Length);
    *Name = Copy;
    return STATUS_SUCCESS;
}
void NTAPI CmCallbackReleaseKeyObjectIDEx(PCUNICODE_STRING Name) { Free(const_cast<UNICODE_STRING*>(Name)); }
NTSTATUS NTAPI CmSetCallbackObjectContext(PVOID Object, PLARGE_INTEGER Cookie, PVOID Value, PVOID* Old)
{
    if (!Object || !IsKeyObject(Object))
        return STATUS_INVALID_PARAMETER;
    auto* K = static_cast<KeyObject*>(Object);
    auto* Fresh = New<KeyContext>();
    if (!Fresh)
        return STATUS_INSUFFICIENT_RESOURCES;
    PVOID Was = nullptr;
    {
        Hold Held(ListLock);
        KeyContext** At = &K->Contexts;
        while (*At && (*At)->Cookie != Cookie->QuadPart)
            At = &(*At)->Next;
        if (KeyContext* There = *At) {
            Was = There->Value;
            There->Value = Value;
            if (!Value) {
                *At = There->Next;
                Free(There);
            }
        } else if (Value) {
            *Fresh = { nullptr, Cookie->QuadPart, Value };
            *At = std::exchange(Fresh, nullptr);
        }
    }
    Free(Fresh);
    if (Old)
        *Old = Was;
    return STATUS_SUCCESS;
}

}
