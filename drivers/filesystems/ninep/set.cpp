// Changing files: IRP_MJ_SET_INFORMATION.
#include "drivers/filesystems/ninep/share.hpp"

namespace share {

namespace {

// What mingw-w64's headers do not have.
enum : ULONG { LinkInformationEx = 72 };
enum : ULONG { DispositionDelete = 1, DispositionPosix = 2, DispositionOnClose = 8, DispositionIgnoreReadOnly = 0x10 };
enum : ULONG { RenameReplace = 1, RenamePosix = 2, RenameIgnoreReadOnly = 0x40 };

NTSTATUS SetBasic(Share& S, Opening& O, const FILE_BASIC_INFORMATION& B)
{
    Node& N = *O.Of;
    if (B.CreationTime.QuadPart < -2 || B.LastAccessTime.QuadPart < -2 || B.LastWriteTime.QuadPart < -2 || B.ChangeTime.QuadPart < -2)
        return STATUS_INVALID_PARAMETER;
    if ((B.FileAttributes & FILE_ATTRIBUTE_DIRECTORY) && !N.IsFolder && !N.LinkToFolder)
        return STATUS_INVALID_PARAMETER;
    if ((B.FileAttributes & FILE_ATTRIBUTE_TEMPORARY) && N.IsFolder)
        return STATUS_INVALID_PARAMETER;
    ninep::NewAttributes To;
    if (B.LastAccessTime.QuadPart > 0) {
        To.Valid |= ninep::NewAttributes::HasAccessed;
        To.Accessed = HostTime(B.LastAccessTime);
    }
    if (B.LastWriteTime.QuadPart > 0) {
        To.Valid |= ninep::NewAttributes::HasModified;
        To.Modified = HostTime(B.LastWriteTime);
    }
    if (B.FileAttributes && !N.IsFolder && !N.IsLink) {
        NTSTATUS Status = Refresh(S, O);
        if (!NT_SUCCESS(Status))
            return Status;
        bool Was = !(N.Info.Mode & ninep::mode::AnyWrite), Wanted = B.FileAttributes & FILE_ATTRIBUTE_READONLY;
        if (Was != Wanted) {
            To.Valid |= ninep::NewAttributes::HasMode;
            To.Mode = N.Info.Mode & 07777;
            To.Mode = Wanted ? To.Mode & ~ninep::mode::AnyWrite : To.Mode | (ninep::mode::AnyWrite & ~S.Mask);
        }
    }
    if (!To.Valid)
        return STATUS_SUCCESS;
    NTSTATUS Status = Code(S.Server.Set(O.F, To));
    if (NT_SUCCESS(Status))
        Report(S, O.Where, FILE_NOTIFY_CHANGE_ATTRIBUTES | FILE_NOTIFY_CHANGE_LAST_WRITE, FILE_ACTION_MODIFIED);
    return Status;
}

NTSTATUS SetSize(Share& S, Opening& O, LONGLONG Size)
{
    if (Size < 0)
        return STATUS_INVALID_PARAMETER;
    Node& N = *O.Of;
    LARGE_INTEGER End;
    End.QuadPart = Size;
    if (N.Paged && !MmCanFileBeTruncated(&N.Section, &End))
        return STATUS_USER_MAPPED_FILE;
    if (N.Paged && N.HadWriter) {
        IO_STATUS_BLOCK Iosb {};
        CcFlushCache(&N.Section, nullptr, 0, &Iosb);
    }
    NTSTATUS Status = Code(S.Server.Set(O.F, { .Valid = ninep::NewAttributes::HasSize, .Size = u64(Size) }));
    if (NT_SUCCESS(Status)) {
        N.Info.Size = u64(Size);
        SetInfo(N, N.Info);
        O.Wrote = true;
        if (N.Paged) {
            CC_FILE_SIZES Sizes { N.Header.AllocationSize, N.Header.FileSize, N.Header.ValidDataLength };
            (void)CcSetFileSizesEx(O.File, &Sizes);
        }
    }
    return Status;
}

NTSTATUS SetDisposition(Share& S, Opening& O, ULONG Flags)
{
    Node& N = *O.Of;
    if (Flags & DispositionOnClose) {
        O.DeleteOnClose = Flags & DispositionDelete;
        return STATUS_SUCCESS;
    }
    if (!(Flags & DispositionDelete)) {
        N.DeletePending = false;
        return STATUS_SUCCESS;
    }
    if (O.Where.IsEmpty())
        return STATUS_CANNOT_DELETE;
    NTSTATUS Status = Refresh(S, O);
    if (!NT_SUCCESS(Status))
        return Status;
    if ((FileAttributes(N.Info) & FILE_ATTRIBUTE_READONLY) && !(Flags & DispositionIgnoreReadOnly))
        return STATUS_CANNOT_DELETE;
    if (N.IsFolder) {
        Status = CheckEmpty(S, O.Where);
        if (!NT_SUCCESS(Status))
            return Status;
    }
    if (N.Paged && !MmFlushImageSection(&N.Section, MmFlushForDelete))
        return STATUS_CANNOT_DELETE;
    Status = Copy(N.DeleteWhere, O.Where);
    if (NT_SUCCESS(Status)) {
        N.DeletePending = true;
        O.DeleteAtOnce = Flags & DispositionPosix;
    }
    return Status;
}

bool HasOpenBelow(Share& S, const Path& Folder)
{
    for (LIST_ENTRY* E = S.Nodes.Flink; E != &S.Nodes; E = E->Flink) {
        auto* N = CONTAINING_RECORD(E, Node, Link);
        for (LIST_ENTRY* F = N->Openings.Flink; F != &N->Openings; F = F->Flink) {
            auto* O = CONTAINING_RECORD(F, Opening, Link);
            if (!O->IsClean && IsBelow(O->Where, Folder))
                return true;
        }
    }
    return false;
}

// Everything open at or below From is at or below To from now on.
void Moved(Share& S, const Path& From, const Path& To)
{
    auto Move = [&](Path& Where) {
        if (!Same(View(Where), View(From)) && !IsBelow(Where, From))
            return;
        Path New;
        if (!NT_SUCCESS(Copy(New, To)))
            return;
        for (usize I = From.Size(); I < Where.Size(); ++I)
            if (!New.Push(Where[I]).Ok())
                return;
        Where = std::move(New);
    };
    for (LIST_ENTRY* E = S.Nodes.Flink; E != &S.Nodes; E = E->Flink) {
        auto* N = CONTAINING_RECORD(E, Node, Link);
        if (N->Deleted)
            continue;
        Move(N->DeleteWhere);
        for (LIST_ENTRY* F = N->Openings.Flink; F != &N->Openings; F = F->Flink)
            Move(CONTAINING_RECORD(F, Opening, Link)->Where);
    }
}

// Where a rename or link goes.
struct Target {
    Path Folder, Name;                  // Name: as wanted
    Path There;                         // what is there already by that name, in whatever case
    Fid F = NoFid;                      // of the folder
    bool Exists = false, IsSame = false;        // IsSame: it is the file itself
};

NTSTATUS FindTarget(Share& S, Opening& O, PIRP I, IO_STACK_LOCATION* L, ULONG Flags, Target& To)
{
    auto& P = L->Parameters.SetFile;
    auto* R = static_cast<FILE_RENAME_INFORMATION*>(I->AssociatedIrp.SystemBuffer);
    WideText Name;
    Path Unused;
    if (Opening* Folder = OpeningOf(P.FileObject)) {
        if (Folder->IsVolume || !Folder->Of->IsFolder)
            return STATUS_INVALID_PARAMETER;
        Name = Folder->Last.Span();
        if (!NT_SUCCESS(Copy(To.Folder, Folder->Where)))
            return STATUS_INSUFFICIENT_RESOURCES;
    } else {
        constexpr ULONG NameAt = FIELD_OFFSET(FILE_RENAME_INFORMATION, FileName);
        if (P.Length < NameAt || R->FileNameLength > P.Length - NameAt)
            return STATUS_INVALID_PARAMETER;
        Name = { R->FileName, R->FileNameLength / sizeof(WCHAR) };
        Split(O.Where, To.Folder, Unused);
    }
    if (Status Bad = ninep::ToServer(Name, To.Name); !Bad.Ok())
        return Code(Bad);
    NTSTATUS Status = WalkTo(S, To.Folder, To.F);
    if (!NT_SUCCESS(Status))
        return Status;
    // By its own name, or by another case of it.
    auto Is = S.Server.Walk(To.F, View(To.Name));
    if (Is.Ok()) {
        Status = Copy(To.There, To.Name);
    } else if (Is.Code() == STATUS_OBJECT_NAME_NOT_FOUND) {
        Status = FindName(S, To.Folder, View(To.Name), To.There);
        if (Status == STATUS_OBJECT_NAME_NOT_FOUND)
            return STATUS_SUCCESS;
        if (NT_SUCCESS(Status))
            Is = S.Server.Walk(To.F, View(To.There));
    }
    if (!NT_SUCCESS(Status) || !Is.Ok())
        return NT_SUCCESS(Status) ? Is.Code() : Status;
    auto Info = S.Server.Query(Is.Value());
    S.Server.Clunk(Is.Value());
    if (!Info.Ok())
        return Info.Code();
    To.Exists = true;
    To.IsSame = Info->Id.Path == O.Of->Id;
    if (To.IsSame)
        return STATUS_SUCCESS;
    if (!(Flags & RenameReplace))
        return STATUS_OBJECT_NAME_COLLISION;
    if (Info->IsFolder() || ((FileAttributes(Info.Value()) & FILE_ATTRIBUTE_READONLY) && !(Flags & RenameIgnoreReadOnly)))
        return STATUS_ACCESS_DENIED;
    if (Node* Open = FindNode(S, Info->Id.Path)) {
        if (Open->Paged && !MmFlushImageSection(&Open->Section, MmFlushForDelete))
            return STATUS_ACCESS_DENIED;
        if (Open->Handles && !(Flags & RenamePosix))
            return STATUS_ACCESS_DENIED;
        if (Open->Handles && Open->Access.SharedDelete < Open->Access.OpenCount)
            return STATUS_SHARING_VIOLATION;
    }
    return STATUS_SUCCESS;
}

NTSTATUS Rename(Share& S, Opening& O, PIRP I, IO_STACK_LOCATION* L, ULONG Flags)
{
    Path Folder, Name;
    Split(O.Where, Folder, Name);
    if (!Name.Size())
        return STATUS_ACCESS_DENIED;
    if (O.Of->IsFolder && HasOpenBelow(S, O.Where))
        return STATUS_ACCESS_DENIED;
    Target To;
    NTSTATUS Status = FindTarget(S, O, I, L, Flags, To);
    Fid From = NoFid;
    if (NT_SUCCESS(Status))
        Status = WalkTo(S, Folder, From);
    bool SameFolder = Same(View(Folder), View(To.Folder));
    if (NT_SUCCESS(Status) && !(SameFolder && Same(View(Name), View(To.Name)))) {
        bool OtherCase = To.Exists && !Same(View(To.There), View(To.Name));
        Node* Replaced = nullptr;
        if (To.Exists && !To.IsSame) {
            // The other one is taken by its own name first, so that the two never both exist.
            auto Is = S.Server.Walk(To.F, View(To.There));
            if (Is.Ok()) {
                if (auto Info = S.Server.Query(Is.Value()); Info.Ok())
                    Replaced = FindNode(S, Info->Id.Path);
                S.Server.Clunk(Is.Value());
            }
            Status = Code(S.Server.Rename(From, View(Name), To.F, View(To.There)));
            if (NT_SUCCESS(Status) && OtherCase)
                Status = Code(S.Server.Rename(To.F, View(To.There), To.F, View(To.Name)));
        } else if (To.IsSame && !(SameFolder && Same(View(To.There), View(Name)))) {
            // Another link to the same file is replaced: a rename would do nothing.
            Status = Code(S.Server.Unlink(From, View(Name), false));
            if (NT_SUCCESS(Status) && OtherCase)
                Status = Code(S.Server.Rename(To.F, View(To.There), To.F, View(To.Name)));
        } else {
            Status = Code(S.Server.Rename(From, View(Name), To.F, View(To.Name)));
        }
        if (NT_SUCCESS(Status)) {
            if (Replaced)
                Replaced->Deleted = true;
            if (O.Of->IsFolder)
                ForgetFolder(S, O.Where);
            NameChanged(S, Folder, View(Name), false);
            if (To.Exists && !(SameFolder && Same(View(To.There), View(Name))))
                NameChanged(S, To.Folder, View(To.There), false);
            NameChanged(S, To.Folder, View(To.Name), true);
            Path New, Old;
            Status = Copy(New, To.Folder);
            if (NT_SUCCESS(Status))
                Status = Append(New, View(To.Name));
            if (NT_SUCCESS(Status))
                Status = Copy(Old, O.Where);
            if (NT_SUCCESS(Status)) {
                Moved(S, Old, New);
                ULONG Filter = O.Of->IsFolder ? FILE_NOTIFY_CHANGE_DIR_NAME : FILE_NOTIFY_CHANGE_FILE_NAME;
                if (To.Exists && !To.IsSame)
                    Report(S, New, Filter, FILE_ACTION_REMOVED);
                Report(S, Old, Filter, SameFolder ? FILE_ACTION_RENAMED_OLD_NAME : FILE_ACTION_REMOVED);
                Report(S, New, Filter, SameFolder ? FILE_ACTION_RENAMED_NEW_NAME : FILE_ACTION_ADDED);
            }
        }
    }
    if (From != NoFid)
        S.Server.Clunk(From);
    if (To.F != NoFid)
        S.Server.Clunk(To.F);
    return Status;
}

NTSTATUS Link(Share& S, Opening& O, PIRP I, IO_STACK_LOCATION* L, ULONG Flags)
{
    if (O.Of->IsFolder)
        return STATUS_FILE_IS_A_DIRECTORY;
    Target To;
    NTSTATUS Status = FindTarget(S, O, I, L, Flags, To);
    if (NT_SUCCESS(Status) && To.IsSame)
        Status = Flags & RenameReplace ? STATUS_SUCCESS : STATUS_OBJECT_NAME_COLLISION;
    else if (NT_SUCCESS(Status)) {
        if (To.Exists) {
            Status = Code(S.Server.Unlink(To.F, View(To.There), false));
            if (NT_SUCCESS(Status))
                NameChanged(S, To.Folder, View(To.There), false);
        }
        if (NT_SUCCESS(Status))
            Status = Code(S.Server.Link(To.F, O.F, View(To.Name)));
        if (NT_SUCCESS(Status))
            NameChanged(S, To.Folder, View(To.Name), true);
    }
    if (To.F != NoFid)
        S.Server.Clunk(To.F);
    return Status;
}

}

NTSTATUS SetInformation(Share& S, PIRP I, IO_STACK_LOCATION* L)
{
    Opening* O = OpeningOf(L->FileObject);
    if (!O || O->IsVolume)
        return STATUS_INVALID_PARAMETER;
    auto& P = L->Parameters.SetFile;
    void* From = I->AssociatedIrp.SystemBuffer;
    ULONG Class = P.FileInformationClass;
    auto Has = [&](ULONG Bytes) { return P.Length >= Bytes && From; };
    Turn Mine(S.Lock);
    switch (Class) {
    case FileBasicInformation:
        return Has(sizeof(FILE_BASIC_INFORMATION)) ? SetBasic(S, *O, *static_cast<FILE_BASIC_INFORMATION*>(From)) : STATUS_INFO_LENGTH_MISMATCH;
    case FileDispositionInformation:
        return Has(sizeof(FILE_DISPOSITION_INFORMATION)) ? SetDisposition(S, *O, static_cast<FILE_DISPOSITION_INFORMATION*>(From)->DeleteFile ? DispositionDelete : 0)
                                                         : STATUS_INFO_LENGTH_MISMATCH;
    case FileDispositionInformationEx: return Has(4) ? SetDisposition(S, *O, *static_cast<ULONG*>(From)) : STATUS_INFO_LENGTH_MISMATCH;
    case FileEndOfFileInformation:
        if (!Has(8))
            return STATUS_INFO_LENGTH_MISMATCH;
        return O->Of->IsFolder ? STATUS_INVALID_PARAMETER : SetSize(S, *O, *static_cast<LONGLONG*>(From));
    case FileAllocationInformation: {
        if (!Has(8))
            return STATUS_INFO_LENGTH_MISMATCH;
        LONGLONG Wanted = *static_cast<LONGLONG*>(From);
        if (O->Of->IsFolder || Wanted < 0)
            return STATUS_INVALID_PARAMETER;
        // Less than the file has cuts it; more is the host's own business.
        NTSTATUS Status = Refresh(S, *O);
        return NT_SUCCESS(Status) && u64(Wanted) < O->Of->Info.Size ? SetSize(S, *O, Wanted) : Status;
    }
    case FileRenameInformation: return Has(sizeof(FILE_RENAME_INFORMATION)) ? Rename(S, *O, I, L, P.ReplaceIfExists ? RenameReplace : 0) : STATUS_INFO_LENGTH_MISMATCH;
    case FileRenameInformationEx: return Has(sizeof(FILE_RENAME_INFORMATION)) ? Rename(S, *O, I, L, *static_cast<ULONG*>(From)) : STATUS_INFO_LENGTH_MISMATCH;
    case FileLinkInformation: return Has(sizeof(FILE_RENAME_INFORMATION)) ? Link(S, *O, I, L, P.ReplaceIfExists ? RenameReplace : 0) : STATUS_INFO_LENGTH_MISMATCH;
    case LinkInformationEx: return Has(sizeof(FILE_RENAME_INFORMATION)) ? Link(S, *O, I, L, *static_cast<ULONG*>(From)) : STATUS_INFO_LENGTH_MISMATCH;
    default: return STATUS_INVALID_INFO_CLASS;
    }
}

}
