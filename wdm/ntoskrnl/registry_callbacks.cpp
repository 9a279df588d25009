// Registry callbacks: the structures of REG_NOTIFY_CLASS, key objects and what drivers put to them.
#include "wdm/ntoskrnl/callbacks.hpp"

namespace host {

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

namespace {

constexpr ULONG ContextCleanup = 40;    // RegNtCallbackObjectContextCleanup
KeyObject* Keys;                        // by ListLock

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
            for (R = FirstRegistration; R && !(R->OfKeys && R->Cookie == C->Cookie); R = R->Next) { }
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

}

const UNICODE_STRING& KeyName(PVOID Object) { return static_cast<KeyObject*>(Object)->Name; }

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
        O.ObjectType = CmKeyObjectTypeValue;
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

static ULONG PostOf(ULONG Class) { return Class <= 9 ? Class + RegNtPostDeleteKey : Class == RegNtPreKeyHandleClose ? ULONG(RegNtPostKeyHandleClose) : Class + 1; }

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

}

using namespace host;

extern "C" {

NTSTATUS NTAPI CmRegisterCallbackEx(PEX_CALLBACK_FUNCTION Function, PCUNICODE_STRING Altitude, PVOID, PVOID Context, PLARGE_INTEGER Cookie, PVOID)
{
    RequireIrql(APC_LEVEL, "CmRegisterCallbackEx", __builtin_return_address(0));
    Registration* R = NewRegistration(Altitude);
    if (!R)
        return STATUS_INSUFFICIENT_RESOURCES;
    R->OfKeys = true;
    R->Function = Function;
    R->Context = Context;
    R->CookieTo = &Cookie->QuadPart;
    return Insert(R);
}
NTSTATUS NTAPI CmRegisterCallback(PEX_CALLBACK_FUNCTION Function, PVOID Context, PLARGE_INTEGER Cookie)
{
    return CmRegisterCallbackEx(Function, nullptr, nullptr, Context, Cookie, nullptr);
}
NTSTATUS NTAPI CmUnRegisterCallback(LARGE_INTEGER Cookie)
{
    Registration* R = Remove([](Registration& Any, const void* Is) { return Any.OfKeys && Any.Cookie == *static_cast<const LONGLONG*>(Is); }, &Cookie.QuadPart);
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
