// The services on handles: close, duplicate, compare, query, set.
#include <string.h>

#include "ntos/ob/detail.hpp"
#include "ntos/ps/thread.hpp"
#include "ntos/se/se.hpp"

using namespace ob;

// The pseudo handles -1 to -6 may be closed: nothing happens.
static bool IsPseudo(HANDLE Handle)
{
    return reinterpret_cast<u64>(Handle) >= u64(-6);
}

Status (*ob::OnBadClose)(ke::Caller& By);

// What the close has started is awaited (a file system's cleanup).
static ke::Task<> AwaitClose(ke::Caller& Caller, CloseWait For)
{
    CO_TRY(co_await ke::WaitFor(*For.Until));
    co_return STATUS_SUCCESS;
}

ke::Task<> NtClose(ke::Caller& Caller, svc::Close& Call)
{
    Status S = Caller.Process().Handles().Close(Call.Handle);
    if (CloseWait For = TakeCloseWait(); For.Until) [[unlikely]]
        return AwaitClose(Caller, std::move(For));
    if (S == STATUS_INVALID_HANDLE && IsPseudo(Call.Handle))
        return ke::Task<>(Status(STATUS_SUCCESS));
    if (S == STATUS_INVALID_HANDLE && Call.Handle.Get() && OnBadClose)
        return ke::Task<>(OnBadClose(Caller));
    return ke::Task<>(S);
}

static Result<HANDLE> Duplicate(ke::Caller& Caller, svc::DuplicateObject& Call, ps::Process& Source)
{
    // The pseudo handle of the current process means the source process here, that of the thread the caller.
    RefPtr<Object> Target;
    ACCESS_MASK Had;
    u32 Flags = 0;
    if (HandleEntry* E = Source.Handles().Find(Call.SourceHandle)) {
        Target = RefPtr<Object>(E->Target);
        Had = E->Access;
        Flags = E->Flags;
    } else {
        if (!IsPseudo(Call.SourceHandle))
            return STATUS_INVALID_HANDLE;
        AnyReference R = TRY(ReferenceAny(Caller, Call.SourceHandle, 0));
        Target = std::move(R.Target);
        Had = R.Granted;
        if (Target == static_cast<Object*>(&Caller.Process()))
            Target = RefPtr<Object>(&Source);
    }
    if (!Call.TargetProcessHandle.Raw()) {
        // Only DUPLICATE_CLOSE_SOURCE makes sense: the caller closes for another process.
        return STATUS_SUCCESS;
    }
    Ref<ps::Process> To = TRY(Reference<ps::Process>(Caller, Call.TargetProcessHandle, PROCESS_DUP_HANDLE));
    if (To->HasEnded())
        return STATUS_PROCESS_IS_TERMINATING;
    ACCESS_MASK Granted = Had;
    const TypeInfo& Type = Target->GetType();
    if (!(Call.Options & DUPLICATE_SAME_ACCESS)) {
        ACCESS_MASK Mapped = MapAccess(Type, Call.DesiredAccess);
        if (HasInvalidRights(Type, Mapped))
            return STATUS_ACCESS_DENIED;
        // Fewer rights than there were need no check.
        if (!(Mapped & MAXIMUM_ALLOWED) && !(Mapped & ~Had))
            Granted = Mapped;
        else
            Granted = TRY(CheckAccess(Caller, *Target, Call.DesiredAccess));
    }
    u32 NewFlags = (Call.Options & DUPLICATE_SAME_ATTRIBUTES) ? Flags : (Call.HandleAttributes & HandleTable::Inherit);
    return To->Handles().Add(Ref<Object>::Adopt(*Target.Leak()), Granted, NewFlags);
}

Status NtDuplicateObject(ke::Caller& Caller, svc::DuplicateObject& Call)
{
    Ref<ps::Process> Source = TRY(Reference<ps::Process>(Caller, Call.SourceProcessHandle, PROCESS_DUP_HANDLE));
    Result<HANDLE> Made = Duplicate(Caller, Call, *Source);
    // The source is closed whatever else went wrong.
    Status Closed;
    if (Call.Options & DUPLICATE_CLOSE_SOURCE) {
        Closed = Source->Handles().Close(Call.SourceHandle);
        if (Closed == STATUS_INVALID_HANDLE && IsPseudo(Call.SourceHandle))
            Closed = STATUS_SUCCESS;
    }
    if (!Call.TargetProcessHandle.Raw() && !Made.Ok())
        return Call.Options & DUPLICATE_CLOSE_SOURCE ? Closed : Status(STATUS_INVALID_PARAMETER);
    if (!Made.Ok()) {
        if (Call.TargetHandle)
            TRY(Call.TargetHandle.Write(Caller, nullptr));
        return Made.GetStatus();
    }
    if (!Call.TargetHandle)
        return STATUS_SUCCESS;                  // the handle stays, as on Windows
    if (Status S = Call.TargetHandle.Write(Caller, Made.Value()); !S.Ok()) {
        Ref<ps::Process> To = TRY(Reference<ps::Process>(Caller, Call.TargetProcessHandle, 0));
        To->Handles().Close(Made.Value()).Ignore();     // just made
        return S;
    }
    return STATUS_SUCCESS;
}

Status NtCompareObjects(ke::Caller& Caller, svc::CompareObjects& Call)
{
    AnyReference A = TRY(ReferenceAny(Caller, Call.FirstObjectHandle, 0));
    AnyReference B = TRY(ReferenceAny(Caller, Call.SecondObjectHandle, 0));
    return A.Target.Get() == B.Target.Get() ? STATUS_SUCCESS : STATUS_NOT_SAME_OBJECT;
}

Status NtMakeTemporaryObject(ke::Caller& Caller, svc::MakeTemporaryObject& Call)
{
    // A handle without the right will do for whoever could open the object with it: DefineDosDevice of the packaged kernelbase has such a one.
    AnyReference R = TRY(ReferenceAny(Caller, Call.Handle, 0));
    if (!(R.Granted & DELETE_ACCESS))
        (void)TRY(CheckAccess(Caller, *R.Target, DELETE_ACCESS));
    MakePermanent(*R.Target, false);
    return STATUS_SUCCESS;
}

Status NtMakePermanentObject(ke::Caller& Caller, svc::MakePermanentObject& Call)
{
    static constexpr u32 CreatePermanentPrivilege = 16;
    if (!se::HasPrivilege(Caller.Thread().EffectiveToken(), CreatePermanentPrivilege))
        return STATUS_PRIVILEGE_NOT_HELD;
    AnyReference R = TRY(ReferenceAny(Caller, Call.Handle, 0));
    MakePermanent(*R.Target, true);
    return STATUS_SUCCESS;
}

// --- queries

static usize LengthOf(const wchar_t* Terminated)
{
    usize N = 0;
    while (Terminated[N])
        ++N;
    return N;
}

// Queries of objects tell the length also to those whose own does not fit.
template <typename T> static Status AnswerFixed(ke::Caller& Caller, svc::QueryObject& Call, const T& Info)
{
    TRY(Call.ReturnLength.WriteIfThere(Caller, ULONG(sizeof(T))));
    return ke::WriteFixed(Caller, Call.ObjectInformation, Call.Length, Call.ReturnLength, Info);
}

static Status QueryBasic(ke::Caller& Caller, svc::QueryObject& Call, HANDLE Handle)
{
    AnyReference R = TRY(ReferenceAny(Caller, Handle, 0));
    HandleEntry* E = Caller.Process().Handles().Find(Handle);
    OBJECT_BASIC_INFORMATION Info {};
    const Object& O = *R.Target;
    Info.Attributes = (E && (E->Flags & HandleTable::Inherit) ? OBJ_INHERIT : 0) | (O.IsPermanent() ? OBJ_PERMANENT : 0);
    Info.GrantedAccess = R.Granted;
    Info.HandleCount = O.Handles();
    Info.PointerCount = O.References() - 1;     // without ours
    Info.TypeInfoSize = ULONG(sizeof(OBJECT_TYPE_INFORMATION) + (LengthOf(O.GetType().Name) + 1) * sizeof(wchar_t));
    if (Result<String> Path = R.Target->QueryName(); Path.Ok() && !Path.Value().IsEmpty())
        Info.NameInfoSize = ULONG(sizeof(UNICODE_STRING) + (Path.Value().View().Length + 1) * sizeof(wchar_t));
    if (O.Security() && (R.Granted & READ_CONTROL))
        Info.SecurityDescriptorSize = ULONG(O.Security()->Bytes().size());
    return AnswerFixed(Caller, Call, Info);
}

static Status GiveName(ke::Caller& Caller, svc::QueryObject& Call, const Object& Target, String Path)
{
    usize Text = Path.View().Length * sizeof(wchar_t);
    if (Text > 0xFFFC)
        return STATUS_NAME_TOO_LONG;
    usize Needed = sizeof(UNICODE_STRING) + (Text ? Text + sizeof(wchar_t) : 0);
    TRY(Call.ReturnLength.WriteIfThere(Caller, ULONG(Needed)));
    if (Call.Length < Needed) {
        // Types that name their objects themselves (files, keys) say so in another way.
        bool OwnName = Text && !Target.Parent() && &Target != static_cast<Object*>(Root);
        if (!OwnName || Call.Length < sizeof(UNICODE_STRING))
            return STATUS_INFO_LENGTH_MISMATCH;
        // They give what fits of it, with a null.
        usize Room = (Call.Length - sizeof(UNICODE_STRING)) & ~usize(1);
        UNICODE_STRING Part {};
        if (Room) {
            Part.Length = USHORT(Room - sizeof(wchar_t));
            Part.MaximumLength = USHORT(Room);
            Part.Buffer = reinterpret_cast<wchar_t*>(Call.ObjectInformation.Address() + sizeof(Part));
            TRY(Call.ObjectInformation.Write(Caller, Path.View().Data, Part.Length, sizeof(Part)));
            TRY(Call.ObjectInformation.Write(Caller, L"", sizeof(wchar_t), sizeof(Part) + Part.Length));
        }
        TRY(Call.ObjectInformation.WriteAs(Caller, Part));
        return STATUS_BUFFER_OVERFLOW;
    }
    UNICODE_STRING Head {};
    if (Text) {
        Head.Length = USHORT(Text);
        Head.MaximumLength = USHORT(Text + sizeof(wchar_t));
        Head.Buffer = reinterpret_cast<wchar_t*>(Call.ObjectInformation.Address() + sizeof(Head));
        TRY(Path.Append(Name(L"\0", 1)));
        TRY(Call.ObjectInformation.Write(Caller, Path.View().Data, Text + sizeof(wchar_t), sizeof(Head)));
    }
    return Call.ObjectInformation.WriteAs(Caller, Head);
}

static ke::Task<> QueryNameOf(ke::Caller& Caller, svc::QueryObject& Call, HANDLE Handle)
{
    AnyReference R = CO_TRY(ReferenceAny(Caller, Handle, 0));
    String Path;
    CO_TRY(co_await R.Target->AskName(Caller, Path));
    co_return GiveName(Caller, Call, *R.Target, std::move(Path));
}

// One type's block, its name behind it; Address is where the block will be in the caller.
static usize TypeBlockSize(const TypeInfo& Type)
{
    return sizeof(OBJECT_TYPE_INFORMATION) + (LengthOf(Type.Name) + 1) * sizeof(wchar_t);
}

static Status WriteTypeBlock(ke::Caller& Caller, ke::UserBuffer To, usize Offset, const TypeInfo& Type)
{
    usize Text = LengthOf(Type.Name) * sizeof(wchar_t);
    OBJECT_TYPE_INFORMATION Info {};
    Info.TypeName = { USHORT(Text), USHORT(Text + sizeof(wchar_t)), reinterpret_cast<wchar_t*>(To.Address() + Offset + sizeof(Info)) };
    Info.TotalNumberOfObjects = Type.Objects;
    Info.TotalNumberOfHandles = Type.Handles;
    Info.HighWaterNumberOfObjects = Type.PeakObjects;
    Info.HighWaterNumberOfHandles = Type.PeakHandles;
    Info.GenericMapping = Type.Mapping;
    Info.ValidAccessMask = Type.ValidAccess;
    Info.MaintainHandleCount = Type.CountsPerProcess;
    Info.TypeIndex = Type.Index;
    Info.PoolType = Type.PoolType;
    TRY(To.Write(Caller, Type.Name, Text + sizeof(wchar_t), Offset + sizeof(Info)));
    return To.WriteAs(Caller, Info, Offset);
}

static Status QueryType(ke::Caller& Caller, svc::QueryObject& Call, HANDLE Handle)
{
    AnyReference R = TRY(ReferenceAny(Caller, Handle, 0));
    const TypeInfo& Type = R.Target->GetType();
    usize Needed = AlignUp(TypeBlockSize(Type), 8);
    TRY(Call.ReturnLength.WriteIfThere(Caller, ULONG(Needed)));
    if (Call.Length < Needed)
        return STATUS_INFO_LENGTH_MISMATCH;
    return WriteTypeBlock(Caller, Call.ObjectInformation, 0, Type);
}

static Status QueryTypes(ke::Caller& Caller, svc::QueryObject& Call)
{
    // A count, then the blocks, each 8-aligned.
    usize At = sizeof(u64);
    u32 Count = 0;
    for (; const TypeInfo* Type = TypeAt(Count + 1); ++Count)
        At += AlignUp(TypeBlockSize(*Type), 8);
    TRY(Call.ReturnLength.WriteIfThere(Caller, ULONG(At)));
    if (Call.Length < sizeof(ULONG))
        return STATUS_INFO_LENGTH_MISMATCH;
    TRY(Call.ObjectInformation.WriteAs(Caller, Count));
    if (Call.Length < At)
        return STATUS_INFO_LENGTH_MISMATCH;
    At = sizeof(u64);
    for (u32 I = 1; I <= Count; ++I) {
        TRY(WriteTypeBlock(Caller, Call.ObjectInformation, At, *TypeAt(I)));
        At += AlignUp(TypeBlockSize(*TypeAt(I)), 8);
    }
    return STATUS_SUCCESS;
}

static Status QueryFlags(ke::Caller& Caller, svc::QueryObject& Call, HANDLE Handle)
{
    AnyReference R = TRY(ReferenceAny(Caller, Handle, 0));
    HandleEntry* E = Caller.Process().Handles().Find(Handle);
    OBJECT_HANDLE_FLAG_INFORMATION Info {};
    if (E) {
        Info.Inherit = (E->Flags & HandleTable::Inherit) != 0;
        Info.ProtectFromClose = (E->Flags & HandleTable::ProtectFromClose) != 0;
    }
    return AnswerFixed(Caller, Call, Info);
}

static Status QueryAtOnce(ke::Caller& Caller, svc::QueryObject& Call)
{
    switch (Call.ObjectInformationClass) {
    case ObjectBasicInformation: return QueryBasic(Caller, Call, Call.Handle);
    case ObjectTypeInformation: return QueryType(Caller, Call, Call.Handle);
    case ObjectTypesInformation: return QueryTypes(Caller, Call);
    case ObjectHandleFlagInformation: return QueryFlags(Caller, Call, Call.Handle);
    default: return STATUS_INVALID_INFO_CLASS;
    }
}

ke::Task<> NtQueryObject(ke::Caller& Caller, svc::QueryObject& Call)
{
    return Call.ObjectInformationClass == ObjectNameInformation ? QueryNameOf(Caller, Call, Call.Handle) : ke::Task<>(QueryAtOnce(Caller, Call));
}

Status NtSetInformationObject(ke::Caller& Caller, svc::SetInformationObject& Call)
{
    if (Call.ObjectInformationClass != ObjectHandleFlagInformation)
        return STATUS_INVALID_INFO_CLASS;
    if (Call.Length != sizeof(OBJECT_HANDLE_FLAG_INFORMATION))
        return STATUS_INFO_LENGTH_MISMATCH;
    auto Info = TRY(Call.ObjectInformation.ReadAs<OBJECT_HANDLE_FLAG_INFORMATION>(Caller));
    HandleEntry* E = Caller.Process().Handles().Find(Call.Handle);
    if (!E)
        return IsPseudo(Call.Handle) ? STATUS_ACCESS_DENIED : STATUS_INVALID_HANDLE;
    E->Flags = (Info.Inherit ? HandleTable::Inherit : 0) | (Info.ProtectFromClose ? HandleTable::ProtectFromClose : 0);
    return STATUS_SUCCESS;
}
