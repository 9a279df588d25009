// Opening and creating files of the RAM volume.
#include <string.h>

#include "ntos/io/ramfs/ramfs.hpp"
#include "ntos/ps/thread.hpp"
#include "ntos/se/token.hpp"

namespace io::ramfs {

const se::SecurityDescriptor* Node::DefaultSecurity;

Result<Ref<Volume>> Volume::Create(ob::Name DosName, u32 Serial)
{
    auto V = TRY(ob::Make<Volume>());
    if (!Node::DefaultSecurity) {
        static const se::Allowed Who[] = { { se::sid::LocalSystem, FILE_ALL_ACCESS }, { se::sid::Administrators, FILE_ALL_ACCESS },
                                           { se::sid::Everyone, FILE_GENERIC_READ | FILE_GENERIC_EXECUTE } };
        Node::DefaultSecurity = TRY(se::MakeDescriptor(Who)).Leak();
    }
    Ref<Node> Top = TRY(Node::Create(true, FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_SYSTEM, 5));
    V->Root_ = TRY(Entry::Create(ob::Name(L"", 0), Top));
    Top->Names.PushBack(*V->Root_);
    V->DosName_ = TRY(ob::String::Copy(DosName));
    V->Serial = Serial;
    V->Mounted = ke::SystemTime();
    return V;
}

Result<ACCESS_MASK> CheckNodeAccess(ke::Caller& Caller, Node& N, Node* Folder, ACCESS_MASK Desired)
{
    se::Token& By = Caller.Thread().EffectiveToken();
    auto Granted = se::AccessCheck(N.SecurityInForce(), By, Desired, FileMapping);
    if (Granted.Ok() || !(Desired & (DELETE_ACCESS | FILE_READ_ATTRIBUTES)) || !Folder)
        return Granted;
    // Who may delete from, or list, the folder may also delete the file, or see its attributes.
    ACCESS_MASK FromFolder = 0;
    if ((Desired & DELETE_ACCESS) && se::AccessCheck(Folder->SecurityInForce(), By, FILE_DELETE_CHILD, FileMapping).Ok())
        FromFolder |= DELETE_ACCESS;
    if ((Desired & FILE_READ_ATTRIBUTES) && se::AccessCheck(Folder->SecurityInForce(), By, FILE_LIST_DIRECTORY, FileMapping).Ok())
        FromFolder |= FILE_READ_ATTRIBUTES;
    ACCESS_MASK Rest = Desired & ~FromFolder;
    if (!FromFolder)
        return Granted;
    if (Rest)
        Rest = TRY(se::AccessCheck(N.SecurityInForce(), By, Rest, FileMapping));
    return Result<ACCESS_MASK>(Rest | FromFolder);
}

static Result<ob::ParseResult> Answer(Ref<ob::Object> Found)
{
    ob::ParseResult R;
    R.Found = std::move(Found);
    return R;
}

static Result<ob::ParseResult> Redirect(Result<ob::String> To)
{
    ob::ParseResult R;
    R.Reparse = TRY(std::move(To));
    return R;
}

Result<ob::ParseResult> Volume::Open(ob::OpenRequest& Request, CreateParameters& How, File* Start, ob::Name Rest, bool AtRoot)
{
    if (How.Pipe || How.Mailslot)
        return STATUS_INVALID_PARAMETER;
    OpenNode* From = Start ? static_cast<RamFile*>(Start)->AsNode() : nullptr;
    Entry* FromEntry = From ? &From->GetEntry() : Root_.Get();
    if (How.Options & FILE_OPEN_BY_FILE_ID) {
        u64 Id = 0;
        if ((Rest.Length != 4 && Rest.Length != 8) || How.TargetFolder)
            return STATUS_INVALID_PARAMETER;
        memcpy(&Id, Rest.Data, 8);
        Entry* E = ById(Id);
        if (!E)
            return STATUS_INVALID_PARAMETER;
        return OpenExisting(Request, How, *E, false);
    }
    if (!Start && !Rest.Data) {
        if (How.Options & FILE_DIRECTORY_FILE)
            return STATUS_NOT_A_DIRECTORY;
        How.Granted = TRY(CheckDeviceAccess(Request, *this, How.Access));
        return Answer(TRY(ob::Make<OpenVolume>(*this, How)));
    }
    if (Start && Rest.Length && Rest.Data[0] == L'\\')
        return STATUS_INVALID_PARAMETER;
    Path P;
    TRY(Resolve(*FromEntry->Target, FromEntry, Rest, P));
    if (P.Link)
        return Redirect(FollowReparse(*this, *P.Link, P.BehindLink));
    if (How.TargetFolder) {
        if (!P.Folder || !P.Folder->FirstName())
            return STATUS_OBJECT_NAME_INVALID;
        return OpenExisting(Request, How, *P.Folder->FirstName(), false);
    }
    if (P.Found)
        return OpenExisting(Request, How, *P.Found, P.TrailingBackslash);
    return CreateNew(Request, How, P);
}

static bool Overwrites(u32 Disposition)
{
    return Disposition == FILE_SUPERSEDE || Disposition == FILE_OVERWRITE || Disposition == FILE_OVERWRITE_IF;
}

Status Volume::Overwrite(CreateParameters& How, Entry& E)
{
    Node& N = *E.Target;
    u32 Keep = N.Attributes & (FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_SYSTEM);
    if (Keep & ~How.Attributes)
        return STATUS_ACCESS_DENIED;
    if (N.IsMapped())
        return STATUS_USER_MAPPED_FILE;
    TRY(N.SetSize(0));
    N.Allocation = How.AllocationSize < MaximumSize ? AlignUp(How.AllocationSize, PageSize) : 0;
    if (N.Rare)
        N.Rare->Ea.Clear();
    N.Attributes = (How.Attributes & FILE_ATTRIBUTE_VALID_SET_FLAGS & ~FILE_ATTRIBUTE_NORMAL) | FILE_ATTRIBUTE_ARCHIVE;
    N.Touch();
    if (How.Disposition == FILE_SUPERSEDE)
        N.Created = N.Written;
    How.Information = How.Disposition == FILE_SUPERSEDE ? FILE_SUPERSEDED : FILE_OVERWRITTEN;
    Report(E, FILE_NOTIFY_CHANGE_SIZE | FILE_NOTIFY_CHANGE_LAST_WRITE | FILE_NOTIFY_CHANGE_ATTRIBUTES, FILE_ACTION_MODIFIED);
    return STATUS_SUCCESS;
}

Result<ob::ParseResult> Volume::OpenExisting(ob::OpenRequest& Request, CreateParameters& How, Entry& E, bool TrailingBackslash)
{
    Node& N = *E.Target;
    if (E.DeletePending)
        return STATUS_DELETE_PENDING;
    if (How.Disposition == FILE_CREATE)
        return STATUS_OBJECT_NAME_COLLISION;
    if (N.Rare && N.ReparseTag() && !(How.Options & FILE_OPEN_REPARSE_POINT) && !How.TargetFolder)
        return Redirect(FollowReparse(*this, E, ob::Name()));
    if (How.Query) {
        (void)TRY(CheckNodeAccess(Request.Caller, N, E.Folder, FILE_READ_ATTRIBUTES));
        FILE_NETWORK_OPEN_INFORMATION& Q = *How.Query;
        Q.CreationTime.QuadPart = i64(N.Created);
        Q.LastAccessTime.QuadPart = i64(N.Accessed);
        Q.LastWriteTime.QuadPart = i64(N.Written);
        Q.ChangeTime.QuadPart = i64(N.Changed);
        Q.EndOfFile.QuadPart = i64(N.Size);
        Q.AllocationSize.QuadPart = i64(N.AllocatedBytes());
        Q.FileAttributes = N.Reported();
        How.Query = nullptr;
        return Answer(Ref<ob::Object>(*this));
    }
    if ((How.Options & FILE_DIRECTORY_FILE) && (How.Options & FILE_NON_DIRECTORY_FILE))
        return STATUS_INVALID_PARAMETER;
    if (N.IsFolder) {
        if (How.Options & FILE_NON_DIRECTORY_FILE)
            return STATUS_FILE_IS_A_DIRECTORY;
        if (Overwrites(How.Disposition))
            return STATUS_OBJECT_NAME_COLLISION;
    } else {
        if (How.Options & FILE_DIRECTORY_FILE)
            return STATUS_NOT_A_DIRECTORY;
        if (TrailingBackslash)
            return STATUS_OBJECT_NAME_INVALID;
    }
    ACCESS_MASK Needed = How.Access;
    if (How.Disposition == FILE_SUPERSEDE)
        Needed |= DELETE_ACCESS;
    else if (Overwrites(How.Disposition))
        Needed |= FILE_WRITE_DATA | FILE_WRITE_EA | FILE_WRITE_ATTRIBUTES;
    ACCESS_MASK Granted = TRY(CheckNodeAccess(Request.Caller, N, E.Folder, Needed));
    constexpr ACCESS_MASK Writes = FILE_WRITE_DATA | FILE_APPEND_DATA;
    bool Writing = !N.IsFolder && ((How.Access & Writes) || Overwrites(How.Disposition));
    if (N.Attributes & FILE_ATTRIBUTE_READONLY) {
        if (Writing && How.Disposition != FILE_SUPERSEDE)       // that replaces the file, and its attributes
            return STATUS_ACCESS_DENIED;
        if (How.Options & FILE_DELETE_ON_CLOSE)
            return STATUS_CANNOT_DELETE;
        if (!N.IsFolder)
            Granted &= ~Writes;
    }
    if ((How.Options & FILE_DELETE_ON_CLOSE) && &E == Root_.Get())
        return STATUS_CANNOT_DELETE;
    if (N.IsImageMapped()) {
        if (Writing)
            return STATUS_SHARING_VIOLATION;
        if (How.Options & FILE_DELETE_ON_CLOSE)
            return STATUS_CANNOT_DELETE;
    }
    // What the caller did not ask for he does not get, only what the disposition needed was checked.
    if (!(How.Access & MAXIMUM_ALLOWED))
        Granted &= How.Access;
    auto Mode = ShareCounts::From(How.TargetFolder ? 0 : Granted | (Overwrites(How.Disposition) ? FILE_WRITE_DATA : 0), How.Share);
    TRY(N.Share.Check(Mode));
    Mode = ShareCounts::From(How.TargetFolder ? 0 : Granted, How.Share);
    How.Granted = Granted;
    Ref<OpenNode> New = TRY(ob::Make<OpenNode>(*this, How, Ref<Node>(N), Ref<Entry>(E)));
    if (Overwrites(How.Disposition))
        TRY(Overwrite(How, E));
    else
        How.Information = FILE_OPENED;
    N.Share.Add(Mode);
    New->Counted(Mode);
    if (How.Options & FILE_DELETE_ON_CLOSE)
        New->DeleteOnClose();
    return Answer(std::move(New));
}

Result<ob::ParseResult> Volume::CreateNew(ob::OpenRequest& Request, CreateParameters& How, const Path& Where)
{
    bool Folder = How.Options & FILE_DIRECTORY_FILE;
    if (How.Query || How.Disposition == FILE_OPEN || How.Disposition == FILE_OVERWRITE)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    if (Folder && (How.Options & FILE_NON_DIRECTORY_FILE))
        return STATUS_INVALID_PARAMETER;
    if (Where.TrailingBackslash && !Folder)
        return STATUS_OBJECT_NAME_INVALID;
    Node& Parent = *Where.Folder;
    Entry* ParentEntry = Parent.FirstName();
    if (!ParentEntry || ParentEntry->DeletePending || (!ParentEntry->Folder && ParentEntry != Root_.Get()))
        return STATUS_DELETE_PENDING;
    TRY(CheckDepth(Parent, Where.Last.Length));
    (void)TRY(CheckNodeAccess(Request.Caller, Parent, nullptr, Folder ? FILE_ADD_SUBDIRECTORY : FILE_ADD_FILE));
    if ((How.Options & FILE_DELETE_ON_CLOSE) && (How.Attributes & FILE_ATTRIBUTE_READONLY))
        return STATUS_CANNOT_DELETE;
    u32 Attributes = How.Attributes & FILE_ATTRIBUTE_VALID_SET_FLAGS & ~(FILE_ATTRIBUTE_NORMAL | (Folder ? FILE_ATTRIBUTE_TEMPORARY : 0));
    if (!Folder)
        Attributes |= FILE_ATTRIBUTE_ARCHIVE;
    Ref<Node> N = TRY(Node::Create(Folder, Attributes, NextId()));
    if (How.AllocationSize < MaximumSize)
        N->Allocation = AlignUp(How.AllocationSize, PageSize);
    if (!How.Ea.empty()) {
        Extras* X = TRY(N->NeedExtras());
        TRY(X->Ea.Resize(How.Ea.size()));
        memcpy(X->Ea.Data(), How.Ea.data(), How.Ea.size());
    }
    if (Request.Wanted.Security || Parent.Security)
        N->Security = TRY(se::AssignSecurity(Request.Wanted.Security.Get(), Parent.Security.Get(), Request.Caller.Thread().EffectiveToken(), FileMapping, Folder));
    Ref<Entry> E = TRY(Entry::Create(Where.Last, N));
    How.Granted = How.Access & MAXIMUM_ALLOWED ? FILE_ALL_ACCESS : How.Access & (FILE_ALL_ACCESS | ACCESS_SYSTEM_SECURITY);
    How.Information = FILE_CREATED;
    Ref<OpenNode> New = TRY(ob::Make<OpenNode>(*this, How, N, E));
    TRY(Parent.Insert(E));
    Parent.Touch();
    auto Mode = ShareCounts::From(How.Granted, How.Share);
    N->Share.Add(Mode);
    New->Counted(Mode);
    if (How.Options & FILE_DELETE_ON_CLOSE)
        New->DeleteOnClose();
    Report(*E, Folder ? FILE_NOTIFY_CHANGE_DIR_NAME : FILE_NOTIFY_CHANGE_FILE_NAME, FILE_ACTION_ADDED);
    return Answer(std::move(New));
}

Result<Ref<File>> Volume::OpenKernel(ob::Name Text)
{
    CreateParameters How;
    How.Granted = FILE_GENERIC_READ | FILE_EXECUTE;
    How.Share = FILE_SHARE_READ | FILE_SHARE_DELETE;
    How.Options = FILE_SYNCHRONOUS_IO_NONALERT;
    if (!Text.Length || Text.Data[0] != L'\\')
        return STATUS_OBJECT_PATH_SYNTAX_BAD;
    Path P;
    TRY(Resolve(Root(), Root_.Get(), Text.From(1), P));
    if (!P.Found || P.Link)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    if (P.Found->Target->IsFolder)
        return STATUS_FILE_IS_A_DIRECTORY;
    auto Mode = ShareCounts::From(How.Granted, How.Share);
    TRY(P.Found->Target->Share.Check(Mode));
    Ref<OpenNode> New = TRY(ob::Make<OpenNode>(*this, How, P.Found->Target, Ref<Entry>(*P.Found)));
    P.Found->Target->Share.Add(Mode);
    New->Counted(Mode);
    return Ref<File>(std::move(New));
}

}
