// Walking names: directories, symbolic links, objects that parse the rest themselves; and putting new objects in.
#include "ntos/ob/detail.hpp"
#include "ntos/ps/thread.hpp"
#include "ntos/se/se.hpp"

namespace ob {

static constexpr u32 MaximumLinks = 32;
static constexpr usize MaximumPath = 32767;

namespace {

// Where a walk ended: at an object, or (a name to be created) at the directory it would be in.
struct Walk {
    RefPtr<Object> Found;
    RefPtr<Directory> Parent;
    Name Last;
    String Path;                        // what Last points into, if a link was followed
};

}

// "\a\b": sets At to the root and Rest to "a\b". \?? is a link for everybody to see, and short-cut here.
static Status StartAtRoot(Name Path, RefPtr<Object>& At, Name& Rest)
{
    if (!Path.Length || Path.Data[0] != L'\\')
        return STATUS_OBJECT_PATH_SYNTAX_BAD;
    if (GlobalDos && Path.Length > 4 && Path.Data[1] == L'?' && Path.Data[2] == L'?' && Path.Data[3] == L'\\') {
        At = RefPtr<Object>(GlobalDos);
        Rest = Path.From(4);
    } else {
        At = RefPtr<Object>(Root);
        Rest = Path.Length == 1 ? Name() : Path.From(1);
    }
    return STATUS_SUCCESS;
}

static Result<String> FollowLink(const SymbolicLink& Link, Name Rest)
{
    String S;
    if (Link.Target().Length + Rest.Length + 1 > MaximumPath)
        return STATUS_NAME_TOO_LONG;
    TRY(S.Append(Link.Target()));
    if (Rest.Data) {
        // A target may end with the separator: that of a drive's root does.
        if (S.IsEmpty() || S.Characters().Last() != L'\\')
            TRY(S.Append(L"\\"));
        TRY(S.Append(Rest));
    }
    return S;
}

struct WalkRules {
    OpenRequest* Request;               // null: for the Executive itself; nothing is parsed
    const TypeInfo* Type;
    bool IgnoreCase, Creating, MayFollow;
};

// From At (a start whose name is used up if Rest.Data is null) to the end of the name.
static Status WalkFrom(RefPtr<Object> At, Name Rest, const WalkRules& Rules, Walk& Out)
{
    for (u32 Links = 0;;) {
        if (&At->GetType() == &Directory::Type) {
            Directory& Here = static_cast<Directory&>(*At);
            if (!Rest.Data) {
                Out.Found = std::move(At);
                return STATUS_SUCCESS;
            }
            usize End = 0;
            while (End < Rest.Length && Rest.Data[End] != L'\\')
                ++End;
            if (End == 0)
                return STATUS_OBJECT_NAME_INVALID;
            bool IsLast = End == Rest.Length;
            Name Part = Rest.Up(End);
            RefPtr<Object> Next = Here.Find(Part, Rules.IgnoreCase);
            if (!Next) {
                if (!IsLast)
                    return STATUS_OBJECT_PATH_NOT_FOUND;
                if (!Rules.Creating)
                    return STATUS_OBJECT_NAME_NOT_FOUND;
                Out.Parent = RefPtr<Directory>(&Here);
                Out.Last = Part;
                return STATUS_SUCCESS;
            }
            At = std::move(Next);
            Rest = IsLast ? Name() : Rest.From(End + 1);
            continue;
        }
        String Again;
        if (&At->GetType() == &SymbolicLink::Type && (Rest.Data || Rules.Type != &SymbolicLink::Type)) {
            if (!Rules.MayFollow)
                return STATUS_REPARSE_POINT_ENCOUNTERED;
            Again = TRY(FollowLink(static_cast<SymbolicLink&>(*At), Rest));
        } else if (Rules.Request) {
            ParseResult Parsed = TRY(At->Parse(*Rules.Request, Rest));
            if (Parsed.Found) {
                Out.Found = std::move(Parsed.Found);
                return STATUS_SUCCESS;
            }
            Again = std::move(Parsed.Reparse);
        } else {
            if (Rest.Data)
                return STATUS_OBJECT_TYPE_MISMATCH;
            Out.Found = std::move(At);
            return STATUS_SUCCESS;
        }
        if (++Links > MaximumLinks)
            return STATUS_OBJECT_NAME_NOT_FOUND;
        TRY(StartAtRoot(Again.View(), At, Rest));
        Out.Path = std::move(Again);        // what Rest points into
    }
}

static Status WalkName(OpenRequest& Request, bool Creating, Walk& Out)
{
    Attributes& Wanted = Request.Wanted;
    Name Path = Wanted.Path.View(), Rest;
    RefPtr<Object> At;
    TRY(Wanted.RootStatus);
    if (!Wanted.Root) {
        TRY(StartAtRoot(Path, At, Rest));
    } else {
        At = Wanted.Root;
        // A root is a directory or something that parses: a link is neither, but an empty name names the link itself.
        if (&At->GetType() == &SymbolicLink::Type) {
            if (Path.Length || Creating)
                return STATUS_OBJECT_TYPE_MISMATCH;
            Out.Found = std::move(At);
            return STATUS_SUCCESS;
        }
        if (&At->GetType() == &Directory::Type) {
            if (!Wanted.HasName)
                return STATUS_OBJECT_NAME_INVALID;
            if (Path.Length && Path.Data[0] == L'\\')
                return STATUS_OBJECT_PATH_SYNTAX_BAD;
            if (Path.Length)
                Rest = Path;
        } else {
            Rest = Path.Data ? Path : Name(L"", 0);
        }
    }
    return WalkFrom(std::move(At), Rest, { &Request, Request.Type, Wanted.IgnoreCase(), Creating, !(Wanted.Flags & OBJ_DONT_REPARSE) }, Out);
}

Result<Ref<Object>> Lookup(OpenRequest& Request)
{
    Walk At;
    TRY(WalkName(Request, false, At));
    return Ref<Object>::Adopt(*At.Found.Leak());
}

// --- the Executive's own names

Result<Ref<Object>> LookupKernel(Name Path, bool TheLinkItself)
{
    RefPtr<Object> At;
    Name Rest;
    Walk Out;
    TRY(StartAtRoot(Path, At, Rest));
    TRY(WalkFrom(std::move(At), Rest, { nullptr, TheLinkItself ? &SymbolicLink::Type : nullptr, true, false, true }, Out));
    return Ref<Object>::Adopt(*Out.Found.Leak());
}

Status InsertKernel(Ref<Object> New, Name Path, bool Permanent)
{
    RefPtr<Object> At;
    Name Rest;
    Walk Out;
    TRY(StartAtRoot(Path, At, Rest));
    TRY(WalkFrom(std::move(At), Rest, { nullptr, &SymbolicLink::Type, true, true, true }, Out));
    if (Out.Found)
        return STATUS_OBJECT_NAME_COLLISION;
    TRY(Out.Parent->Add(*New, Out.Last));
    if (Permanent)
        MakePermanent(*New, true);
    return STATUS_SUCCESS;
}

// --- rights

ACCESS_MASK MapAccess(const TypeInfo& Type, ACCESS_MASK Desired)
{
    ACCESS_MASK Mapped = Desired & 0x0FFFFFFF;
    if (Desired & 0xF0000000) {
        if (Desired & GENERIC_READ)
            Mapped |= Type.Mapping.GenericRead;
        if (Desired & GENERIC_WRITE)
            Mapped |= Type.Mapping.GenericWrite;
        if (Desired & GENERIC_EXECUTE)
            Mapped |= Type.Mapping.GenericExecute;
        if (Desired & GENERIC_ALL)
            Mapped |= Type.Mapping.GenericAll;
    }
    return Mapped;
}

static constexpr u32 SecurityPrivilege = 8, CreatePermanentPrivilege = 16;

Result<ACCESS_MASK> CheckAccess(ke::Caller& Caller, Object& Target, ACCESS_MASK Desired)
{
    const TypeInfo& Type = Target.GetType();
    ACCESS_MASK Mapped = MapAccess(Type, Desired);
    if (!Target.Security() && !(Mapped & ACCESS_SYSTEM_SECURITY))
        return Result<ACCESS_MASK>((Mapped & MAXIMUM_ALLOWED ? Mapped | Type.ValidAccess : Mapped) & Type.ValidAccess);
    return Result<ACCESS_MASK>(TRY(se::AccessCheck(Target.Security(), Caller.Thread().EffectiveToken(), Mapped, Type.Mapping)) & (Type.ValidAccess | ACCESS_SYSTEM_SECURITY));
}

// The maker of an object gets what he asks for.
static Result<ACCESS_MASK> CreatorAccess(ke::Caller& Caller, const TypeInfo& Type, ACCESS_MASK Desired)
{
    ACCESS_MASK Mapped = MapAccess(Type, Desired);
    if (Mapped & MAXIMUM_ALLOWED)
        Mapped |= Type.ValidAccess;
    if ((Mapped & ACCESS_SYSTEM_SECURITY) && !se::HasPrivilege(Caller.Thread().EffectiveToken(), SecurityPrivilege))
        return STATUS_PRIVILEGE_NOT_HELD;
    return Mapped & (Type.ValidAccess | ACCESS_SYSTEM_SECURITY);
}

// --- opening and creating

Result<HANDLE> GrantHandle(ke::Caller& Caller, Ref<Object> Target, ACCESS_MASK Granted, u32 Flags)
{
    return Caller.Process().Handles().Add(std::move(Target), Granted, Flags & HandleTable::Inherit);
}

Result<HANDLE> OpenByPointer(ke::Caller& Caller, Ref<Object> Target, ACCESS_MASK Desired, u32 Flags)
{
    ACCESS_MASK Granted = TRY(CheckAccess(Caller, *Target, Desired));
    return GrantHandle(Caller, std::move(Target), Granted, Flags);
}

Result<HANDLE> OpenByName(ke::Caller& Caller, const TypeInfo& Type, Attributes& Wanted, ACCESS_MASK Desired)
{
    if (!Wanted.IsGiven)
        return STATUS_INVALID_PARAMETER;
    OpenRequest Request { Caller, Wanted, Desired, nullptr, &Type };
    Ref<Object> Found = TRY(Lookup(Request));
    if (&Found->GetType() != &Type)
        return STATUS_OBJECT_TYPE_MISMATCH;
    return OpenByPointer(Caller, std::move(Found), Desired, Wanted.Flags);
}

static Status AssignSecurity(ke::Caller& Caller, Object& New, const se::SecurityDescriptor* Explicit, const Object* Parent)
{
    const TypeInfo& Type = New.GetType();
    New.SetSecurity(TRY(se::AssignSecurity(Explicit, Parent ? Parent->Security() : nullptr, Caller.Thread().EffectiveToken(), Type.Mapping,
                                           &Type == &Directory::Type)));
    return STATUS_SUCCESS;
}

Result<HANDLE> InsertAndOpen(ke::Caller& Caller, Ref<Object> New, Attributes& Where, ACCESS_MASK Desired)
{
    const TypeInfo& Type = New->GetType();
    if ((Where.Flags & OBJ_PERMANENT) && !se::HasPrivilege(Caller.Thread().EffectiveToken(), CreatePermanentPrivilege))
        return STATUS_PRIVILEGE_NOT_HELD;
    if (Where.Path.IsEmpty()) {
        // Nobody finds an object without a name but by a handle: a descriptor only if one was given.
        if (Where.Security)
            TRY(AssignSecurity(Caller, *New, Where.Security.Get(), nullptr));
        ACCESS_MASK Granted = TRY(CreatorAccess(Caller, Type, Desired));
        return GrantHandle(Caller, std::move(New), Granted, Where.Flags);
    }
    OpenRequest Request { Caller, Where, Desired, nullptr, &Type };
    Walk At;
    TRY(WalkName(Request, true, At));
    if (At.Found) {
        if (&At.Found->GetType() != &Type)
            return STATUS_OBJECT_TYPE_MISMATCH;
        if (!(Where.Flags & OBJ_OPENIF))
            return STATUS_OBJECT_NAME_COLLISION;
        HANDLE Existing = TRY(OpenByPointer(Caller, Ref<Object>(*At.Found), Desired, Where.Flags));
        return Result<HANDLE>::With(STATUS_OBJECT_NAME_EXISTS, Existing);
    }
    TRY(CheckAccess(Caller, *At.Parent, &Type == &Directory::Type ? DIRECTORY_CREATE_SUBDIRECTORY : DIRECTORY_CREATE_OBJECT));
    TRY(AssignSecurity(Caller, *New, Where.Security.Get(), At.Parent.Get()));
    ACCESS_MASK Granted = TRY(CreatorAccess(Caller, Type, Desired));
    TRY(At.Parent->Add(*New, At.Last));
    if (Where.Flags & OBJ_PERMANENT)
        MakePermanent(*New, true);
    Result<HANDLE> Made = GrantHandle(Caller, New, Granted, Where.Flags);
    if (!Made.Ok())
        MakePermanent(*New, false);             // without a handle the name goes
    return Made;
}

Status ReturnHandle(ke::Caller& Caller, ke::UserPtr<HANDLE> To, Result<HANDLE> Made)
{
    if (!Made.Ok())
        return Made.GetStatus();
    if (Status S = To.Write(Caller, Made.Value()); !S.Ok()) {
        Caller.Process().Handles().Close(Made.Value()).Ignore();    // it was just made: it is there
        return S;
    }
    return Made.GetStatus();
}

}
