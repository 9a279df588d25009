// Opening, cleanup and closing.
#include "drivers/filesystems/ninep/share.hpp"

namespace share {

namespace {

struct Wish {
    PFILE_OBJECT File;
    ULONG Options, Disposition;
    ACCESS_MASK Access;
    USHORT Share, Attributes;
    bool Target, ExactCase, IsVolume = false, MustBeFolder = false;
    Vector<wchar_t> Name, Last;         // Last: of a target folder
    bool Wants(ULONG Option) const { return (Options & Option) != 0; }
    bool WantsData() const { return (Access & (FILE_READ_DATA | FILE_WRITE_DATA | FILE_APPEND_DATA | FILE_EXECUTE)) != 0; }
    bool WantsWrite() const { return (Access & (FILE_WRITE_DATA | FILE_APPEND_DATA)) != 0; }
    bool Empties() const { return Disposition == FILE_SUPERSEDE || Disposition == FILE_OVERWRITE || Disposition == FILE_OVERWRITE_IF; }
};

NTSTATUS Add(Vector<wchar_t>& To, WideText Text)
{
    for (wchar_t C : Text)
        if (!To.Push(C).Ok())
            return STATUS_INSUFFICIENT_RESOURCES;
    return STATUS_SUCCESS;
}

// The whole name, from the root of the share.
NTSTATUS TakeName(Wish& W)
{
    PFILE_OBJECT F = W.File;
    WideText Given(F->FileName.Buffer, F->FileName.Length / sizeof(WCHAR));
    Opening* From = OpeningOf(F->RelatedFileObject);
    if (F->RelatedFileObject) {
        if (!From || From->IsVolume)
            return STATUS_INVALID_PARAMETER;
        Vector<wchar_t> Each;
        for (usize At = 0; At < From->Where.Size();) {
            usize End = At;
            while (End < From->Where.Size() && From->Where[End] != '/')
                ++End;
            if (!ninep::ToWindows({ From->Where.Data() + At, End - At }, Each).Ok() || !NT_SUCCESS(Add(W.Name, Each.Span())) || !W.Name.Push(L'\\').Ok())
                return STATUS_INSUFFICIENT_RESOURCES;
            At = End + 1;
        }
        if (!Given.empty() && Given[0] == L'\\')
            return STATUS_INVALID_PARAMETER;
    } else if (Given.empty()) {
        W.IsVolume = true;
        return STATUS_SUCCESS;
    } else {
        if (Given[0] != L'\\')
            return STATUS_OBJECT_NAME_INVALID;
        Given = Given.subspan(1);
    }
    if (NTSTATUS S = Add(W.Name, Given); !NT_SUCCESS(S))
        return S;
    if (W.Name.Size() && W.Name.Last() == L'\\') {
        W.Name.Pop();
        W.MustBeFolder = !Given.empty();
    }
    // The unnamed stream, by its long name.
    static constexpr wchar_t Data[] = L"::$DATA";
    constexpr usize DataChars = 7;
    if (W.Name.Size() > DataChars) {
        usize At = W.Name.Size() - DataChars;
        bool Is = true;
        for (usize I = 0; I < DataChars; ++I)
            Is = Is && RtlUpcaseUnicodeChar(W.Name[At + I]) == Data[I];
        if (Is) {
            if (W.Wants(FILE_DIRECTORY_FILE))
                return STATUS_NOT_A_DIRECTORY;
            while (W.Name.Size() > At)
                W.Name.Pop();
        }
    }
    if (!W.Target)
        return STATUS_SUCCESS;
    usize At = W.Name.Size();
    while (At && W.Name[At - 1] != L'\\')
        --At;
    if (At == W.Name.Size())
        return STATUS_OBJECT_NAME_INVALID;
    if (NTSTATUS S = Add(W.Last, W.Name.Span().subspan(At)); !NT_SUCCESS(S))
        return S;
    while (W.Name.Size() > (At ? At - 1 : 0))
        W.Name.Pop();
    return STATUS_SUCCESS;
}

Node* NewNode(Share& S, const Attributes& Info)
{
    auto* N = new Node;
    if (!N)
        return nullptr;
    N->Header.NodeTypeCode = 0x9001;
    N->Header.NodeByteSize = sizeof(Node);
    N->Header.IsFastIoPossible = FastIoIsNotPossible;
    N->Id = Info.Id.Path;
    N->IsFolder = Info.IsFolder();
    SetInfo(*N, Info);
    N->IsLink = Info.IsSymLink();
    InitializeListHead(&N->Openings);
    FsRtlInitializeFileLock(&N->Locks, nullptr, nullptr);
    InsertTailList(&S.Nodes, &N->Link);
    return N;
}

void Release(Node* N)
{
    if (!IsListEmpty(&N->Openings))
        return;
    RemoveEntryList(&N->Link);
    FsRtlUninitializeFileLock(&N->Locks);
    delete N;
}

void Attach(Wish& W, Node* N, Opening* O)
{
    O->Of = N;
    O->File = W.File;
    InsertTailList(&N->Openings, &O->Link);
    ++N->Handles;
    W.File->FsContext = N;
    W.File->FsContext2 = O;
    W.File->SectionObjectPointer = &N->Section;
}

// What an existing file is asked for, before anything is done.
NTSTATUS CheckExisting(Wish& W, const Found& Is, bool LinkToFolder)
{
    bool Folder = Is.Info.IsFolder() || LinkToFolder;
    if (W.Disposition == FILE_CREATE)
        return STATUS_OBJECT_NAME_COLLISION;
    if (Folder && W.Wants(FILE_NON_DIRECTORY_FILE))
        return STATUS_FILE_IS_A_DIRECTORY;
    if (!Folder && (W.Wants(FILE_DIRECTORY_FILE) || W.Target))
        return STATUS_NOT_A_DIRECTORY;
    if (!Folder && W.MustBeFolder)
        return STATUS_OBJECT_NAME_INVALID;
    if (Folder && W.Empties())
        return W.Disposition == FILE_SUPERSEDE || W.Disposition == FILE_OVERWRITE_IF ? STATUS_OBJECT_NAME_COLLISION : STATUS_FILE_IS_A_DIRECTORY;
    bool ReadOnly = FileAttributes(Is.Info) & FILE_ATTRIBUTE_READONLY;
    if (!Folder && ReadOnly && (W.WantsWrite() || W.Empties()))
        return STATUS_ACCESS_DENIED;
    if (ReadOnly && W.Wants(FILE_DELETE_ON_CLOSE))
        return STATUS_CANNOT_DELETE;
    if (Is.IsRoot && W.Wants(FILE_DELETE_ON_CLOSE))
        return STATUS_CANNOT_DELETE;
    // Pipes, sockets and device files of the host are there, but not for reading.
    ULONG Kind = Is.Info.Mode & ninep::mode::Kind;
    if (!Folder && Kind != ninep::mode::File && Kind != ninep::mode::SymLink && (W.WantsData() || W.Empties()))
        return STATUS_ACCESS_DENIED;
    return STATUS_SUCCESS;
}

NTSTATUS OpenExisting(Share& S, Wish& W, Found& Is, ULONG_PTR& Information)
{
    bool LinkToFolder = Is.Info.IsSymLink() && LeadsToFolder(S, Is.Where);
    NTSTATUS Status = CheckExisting(W, Is, LinkToFolder);
    if (!NT_SUCCESS(Status))
        return Status;
    Node* N = FindNode(S, Is.Info.Id.Path);
    if (N && N->DeletePending)
        return STATUS_DELETE_PENDING;
    bool IsNew = !N;
    if (IsNew && !(N = NewNode(S, Is.Info)))
        return STATUS_INSUFFICIENT_RESOURCES;
    SetInfo(*N, Is.Info);
    Settle(*N, false);
    N->LinkToFolder = LinkToFolder;
    Opening* O = new Opening;
    if (!O) {
        Release(N);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    ACCESS_MASK Access = W.Access | (W.Empties() ? FILE_WRITE_DATA : 0);
    if (N->Access.OpenCount)
        Status = IoCheckShareAccess(Access, W.Share, W.File, &N->Access, FALSE);
    bool IsData = !N->IsFolder && !N->IsLink;
    // A program that runs is not written to.
    if (NT_SUCCESS(Status) && N->Paged && (W.WantsWrite() || W.Empties()) && !MmFlushImageSection(&N->Section, MmFlushForWrite))
        Status = STATUS_SHARING_VIOLATION;
    if (NT_SUCCESS(Status) && N->Paged && W.Wants(FILE_DELETE_ON_CLOSE) && !MmFlushImageSection(&N->Section, MmFlushForDelete))
        Status = STATUS_CANNOT_DELETE;
    if (NT_SUCCESS(Status) && IsData && (W.WantsData() || W.Empties())) {
        bool Write = W.WantsWrite() || W.Empties();
        ULONG Extra = W.Empties() ? ninep::open::Truncate : 0;
        auto Opened = S.Server.Open(Is.F, (Write ? ninep::open::ReadWrite : ninep::open::ReadOnly) | Extra);
        if (Opened.Code() == STATUS_ACCESS_DENIED && Write && !(W.Access & (FILE_READ_DATA | FILE_EXECUTE)))
            Opened = S.Server.Open(Is.F, ninep::open::WriteOnly | Extra);
        Status = Opened.Code();
        O->IsOpen = Opened.Ok();
        O->CanWrite = Opened.Ok() && Write;
        N->HadWriter |= O->CanWrite;
        if (Opened.Ok() && W.Empties()) {
            N->Info.Size = 0;
            SetInfo(*N, N->Info);
            Settle(*N, true);
        }
    }
    if (!NT_SUCCESS(Status)) {
        delete O;
        Release(N);
        return Status;
    }
    if (N->Access.OpenCount) {
        (void)IoCheckShareAccess(W.Access, W.Share, W.File, &N->Access, FALSE);
        IoUpdateShareAccess(W.File, &N->Access);
    } else {
        IoSetShareAccess(W.Access, W.Share, W.File, &N->Access);
    }
    O->F = Is.F;
    Is.F = NoFid;
    O->Where = std::move(Is.Where);
    O->Last = std::move(W.Last);
    O->DeleteOnClose = W.Wants(FILE_DELETE_ON_CLOSE);
    Attach(W, N, O);
    Information = W.Disposition == FILE_SUPERSEDE ? FILE_SUPERSEDED : W.Empties() ? FILE_OVERWRITTEN : FILE_OPENED;
    return STATUS_SUCCESS;
}

NTSTATUS CreateNew(Share& S, Wish& W, Found& At, ULONG_PTR& Information)
{
    if (W.Disposition == FILE_OPEN || W.Disposition == FILE_OVERWRITE || W.Target)
        return W.Target ? STATUS_OBJECT_PATH_NOT_FOUND : STATUS_OBJECT_NAME_NOT_FOUND;
    bool Folder = W.Wants(FILE_DIRECTORY_FILE);
    if (W.MustBeFolder && !Folder)
        return STATUS_OBJECT_NAME_INVALID;
    bool ReadOnly = W.Attributes & FILE_ATTRIBUTE_READONLY;
    if (ReadOnly && !Folder && W.Wants(FILE_DELETE_ON_CLOSE))
        return STATUS_CANNOT_DELETE;
    Fid F;
    NTSTATUS Status = WalkTo(S, At.Where, F);
    if (!NT_SUCCESS(Status))
        return Status;
    if (Folder) {
        Status = S.Server.MakeFolder(F, View(At.Last), 0777 & ~S.Mask).Code();
        if (NT_SUCCESS(Status)) {
            auto Inside = S.Server.Walk(F, View(At.Last));
            Status = Inside.Code();
            if (Inside.Ok()) {
                S.Server.Clunk(F);
                F = Inside.Value();
            }
        }
    } else {
        Status = S.Server.Create(F, View(At.Last), ninep::open::ReadWrite | ninep::open::Create | ninep::open::Exclusive, (ReadOnly ? 0444 : 0666) & ~S.Mask).Code();
    }
    Result<Attributes> Info = NT_SUCCESS(Status) ? S.Server.Query(F) : Result<Attributes>(core::Status(Status));
    if (!Info.Ok()) {
        S.Server.Clunk(F);
        return Info.Code();
    }
    NameChanged(S, At.Where, View(At.Last), true);
    Node* N = FindNode(S, Info->Id.Path);
    bool Stale = N != nullptr;          // of a file the host has removed and whose identity is used again
    if (Stale)
        N->Deleted = true;
    N = NewNode(S, Info.Value());
    Opening* O = N ? new Opening : nullptr;
    if (!O || !NT_SUCCESS(Append(At.Where, View(At.Last)))) {
        delete O;
        if (N)
            Release(N);
        S.Server.Clunk(F);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    IoSetShareAccess(W.Access, W.Share, W.File, &N->Access);
    O->F = F;
    O->IsOpen = O->CanWrite = N->HadWriter = !Folder;
    O->Where = std::move(At.Where);
    O->DeleteOnClose = W.Wants(FILE_DELETE_ON_CLOSE);
    Attach(W, N, O);
    Report(S, O->Where, Folder ? FILE_NOTIFY_CHANGE_DIR_NAME : FILE_NOTIFY_CHANGE_FILE_NAME, FILE_ACTION_ADDED);
    Information = FILE_CREATED;
    return STATUS_SUCCESS;
}

void Unlink(Share& S, const Path& Where, bool IsFolder)
{
    Path Folder, Name;
    Split(Where, Folder, Name);
    Fid F;
    if (!Name.Size() || !NT_SUCCESS(WalkTo(S, Folder, F)))
        return;
    // Nobody is there to be told of a failure: the host has its reasons, and the name stays.
    if (S.Server.Unlink(F, View(Name), IsFolder).Ok()) {
        if (IsFolder)
            ForgetFolder(S, Where);
        NameChanged(S, Folder, View(Name), false);
        Report(S, Where, IsFolder ? FILE_NOTIFY_CHANGE_DIR_NAME : FILE_NOTIFY_CHANGE_FILE_NAME, FILE_ACTION_REMOVED);
    }
    S.Server.Clunk(F);
}

}

Node* FindNode(Share& S, u64 Id)
{
    for (LIST_ENTRY* E = S.Nodes.Flink; E != &S.Nodes; E = E->Flink) {
        auto* N = CONTAINING_RECORD(E, Node, Link);
        if (N->Id == Id && !N->Deleted)
            return N;
    }
    return nullptr;
}

NTSTATUS Create(Share& S, PIRP I, IO_STACK_LOCATION* L)
{
    auto& C = L->Parameters.Create;
    Wish W { L->FileObject, C.Options & 0xFFFFFF, C.Options >> 24, C.SecurityContext->DesiredAccess, C.ShareAccess, C.FileAttributes, (L->Flags & SL_OPEN_TARGET_DIRECTORY) != 0,
             (L->Flags & SL_CASE_SENSITIVE) != 0 };
    if (!S.Started)
        return STATUS_DEVICE_NOT_READY;
    if (W.Wants(FILE_OPEN_BY_FILE_ID))
        return STATUS_NOT_SUPPORTED;
    if (C.EaLength)
        return STATUS_EAS_NOT_SUPPORTED;
    if (W.Target) {
        W.Disposition = FILE_OPEN;
        W.Options &= ~ULONG(FILE_NON_DIRECTORY_FILE | FILE_DELETE_ON_CLOSE);
    }
    NTSTATUS Status = TakeName(W);
    if (!NT_SUCCESS(Status))
        return Status;
    Turn Mine(S.Lock);
    if (W.IsVolume) {
        if (W.Disposition != FILE_OPEN && W.Disposition != FILE_OPEN_IF)
            return STATUS_ACCESS_DENIED;
        if (W.Wants(FILE_DIRECTORY_FILE))
            return STATUS_NOT_A_DIRECTORY;
        auto* O = new Opening;
        if (!O)
            return STATUS_INSUFFICIENT_RESOURCES;
        O->IsVolume = true;
        O->File = W.File;
        W.File->FsContext2 = O;
        I->IoStatus.Information = FILE_OPENED;
        return STATUS_SUCCESS;
    }
    Found Is;
    // A link that is to be deleted or renamed is meant itself: Windows' kernelbase says so with the option, the Win32 library used here does not.
    bool Itself = W.Wants(FILE_OPEN_REPARSE_POINT) || ((W.Access & DELETE) && !W.WantsData() && W.Disposition == FILE_OPEN);
    Status = Lookup(S, W.Name.Span(), !Itself, W.ExactCase, Is);
    if (!NT_SUCCESS(Status))
        return W.Target && Status == STATUS_OBJECT_NAME_NOT_FOUND ? STATUS_OBJECT_PATH_NOT_FOUND : Status;
    if (Is.Exists)
        Status = OpenExisting(S, W, Is, I->IoStatus.Information);
    else
        Status = CreateNew(S, W, Is, I->IoStatus.Information);
    if (Is.F != NoFid)
        S.Server.Clunk(Is.F);
    if (NT_SUCCESS(Status) && W.Target) {
        auto* O = OpeningOf(W.File);
        Path Last, Real;
        Status = Code(ninep::ToServer(O->Last.Span(), Last));
        bool Exists = NT_SUCCESS(Status) && NT_SUCCESS(FindName(S, O->Where, View(Last), Real));
        I->IoStatus.Information = Exists ? FILE_EXISTS : FILE_DOES_NOT_EXIST;
    }
    return Status;
}

NTSTATUS Cleanup(Share& S, PIRP I, IO_STACK_LOCATION* L)
{
    Opening* O = OpeningOf(L->FileObject);
    if (!O || O->IsVolume)
        return STATUS_SUCCESS;
    Turn Mine(S.Lock);
    Node* N = O->Of;
    O->IsClean = true;
    if (N->IsFolder)
        FsRtlNotifyCleanup(S.WatchSync, &S.Watches, O);
    else
        (void)FsRtlFastUnlockAll(&N->Locks, L->FileObject, IoGetRequestorProcess(I), nullptr);
    if (O->CanWrite)
        Settle(*N, false);
    if (O->Wrote)
        Report(S, O->Where, FILE_NOTIFY_CHANGE_LAST_WRITE | FILE_NOTIFY_CHANGE_SIZE, FILE_ACTION_MODIFIED);
    IoRemoveShareAccess(L->FileObject, &N->Access);
    if (O->DeleteOnClose && !N->DeletePending && (!N->IsFolder || NT_SUCCESS(CheckEmpty(S, O->Where)))) {
        if (NT_SUCCESS(Copy(N->DeleteWhere, O->Where)))
            N->DeletePending = true;
    }
    --N->Handles;
    if (N->DeletePending && !N->Deleted && (!N->Handles || O->DeleteAtOnce)) {
        N->HadWriter = false;           // what is dirty goes with the file
        Settle(*N, true);
        Unlink(S, N->DeleteWhere, N->IsFolder);
        N->Deleted = true;
    }
    return STATUS_SUCCESS;
}

NTSTATUS Close(Share& S, PIRP, IO_STACK_LOCATION* L)
{
    Opening* O = OpeningOf(L->FileObject);
    if (!O)
        return STATUS_SUCCESS;
    Turn Mine(S.Lock);
    L->FileObject->FsContext = L->FileObject->FsContext2 = nullptr;
    if (O->F != NoFid)
        S.Server.Clunk(O->F);
    if (Node* N = O->Of) {
        RemoveEntryList(&O->Link);
        if (!O->IsClean)
            --N->Handles;
        Release(N);
    }
    delete O;
    return STATUS_SUCCESS;
}

}
