// Opening, cleanup, closing.
#include "fastfat.hpp"

namespace fastfat {

static bool IsSlash(WCHAR C) { return C == L'\\'; }

// What is opened: the folder the last name is in, and what is there of it.
struct Target {
    Fcb* Folder;                        // referenced; null for the root itself
    Fcb* Found;                         // referenced; null: Entry, or nothing
    bool Exists;
    fat::Entry Entry;
    UNICODE_STRING Last;
    bool WantsFolder;                   // a backslash behind it
};

static Fcb* RootOf(Volume& V)
{
    for (Fcb* F = V.Fcbs; F; F = F->Next)
        if (F->IsRoot())
            return F;
    return nullptr;                     // there always is
}

// Below Start (referenced here and given back).
static Status Walk(Volume& V, Fcb* Start, UNICODE_STRING Path, Target& T)
{
    Fcb* At = Start;
    ++At->References;
    auto Fail = [&](NTSTATUS S) {
        Release(At);
        return Status(S);
    };
    T.WantsFolder = false;
    while (Path.Length) {
        UNICODE_STRING First, Rest;
        FsRtlDissectName(Path, &First, &Rest);
        bool Last = !Rest.Length;
        // One backslash at the end means a folder.
        if (Path.Length > First.Length && IsSlash(Path.Buffer[Path.Length / 2 - 1]) && Last && First.Length) {
            T.WantsFolder = true;
        }
        if (!First.Length || First.Length > 255 * 2)
            return Fail(STATUS_OBJECT_NAME_INVALID);
        for (USHORT I = 0; I < First.Length / 2; ++I)
            if (First.Buffer[I] < 0x20 || wcschr(L"\"*/:<>?|", First.Buffer[I]))
                return Fail(STATUS_OBJECT_NAME_INVALID);
        if (!At->IsFolder() || At->DeletePending)
            return Fail(!At->IsFolder() ? STATUS_OBJECT_PATH_NOT_FOUND : STATUS_DELETE_PENDING);
        auto E = V.Fat->Find(At->Entry, { reinterpret_cast<const wchar_t*>(First.Buffer), First.Length / 2u });
        if (!E.Ok() && E.Code() != STATUS_OBJECT_NAME_NOT_FOUND)
            return Fail(E.Code());
        if (!E.Ok() && !Last)
            return Fail(STATUS_OBJECT_PATH_NOT_FOUND);
        if (Last) {
            T.Folder = At;
            T.Last = First;
            T.Exists = E.Ok();
            T.Found = nullptr;
            if (T.Exists) {
                auto Open = FindFcb(V, E.Value());
                T.Found = Open.Value();
                if (T.Found)
                    ++T.Found->References;
                else
                    T.Entry = E.Take();
            }
            return STATUS_SUCCESS;
        }
        auto Open = FindFcb(V, E.Value());
        Fcb* Next = Open.Value();
        if (Next) {
            ++Next->References;
        } else {
            auto Made = MakeFcb(V, At, E.Take());
            if (!Made.Ok())
                return Fail(Made.Code());
            Next = Made.Value();
        }
        Release(At);
        At = Next;
        Path = Rest;
    }
    T.Folder = nullptr;
    T.Found = At;
    T.Exists = true;
    T.WantsFolder = false;
    return STATUS_SUCCESS;
}

static NTSTATUS OpenVolume(Volume& V, IO_STACK_LOCATION* S, ULONG_PTR& Information)
{
    ULONG Disposition = S->Parameters.Create.Options >> 24;
    if (Disposition != FILE_OPEN && Disposition != FILE_OPEN_IF)
        return STATUS_ACCESS_DENIED;
    if (S->Parameters.Create.Options & FILE_DIRECTORY_FILE)
        return STATUS_NOT_A_DIRECTORY;
    FILE_OBJECT* File = S->FileObject;
    auto* C = static_cast<Ccb*>(Allocate(sizeof(Ccb)));
    if (!C)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (NTSTATUS Status = IoCheckShareAccess(S->Parameters.Create.SecurityContext->DesiredAccess, S->Parameters.Create.ShareAccess, File, &V.Whole->Share, TRUE); Status < 0) {
        Free(C);
        return Status;
    }
    File->FsContext = V.Whole;
    File->FsContext2 = C;
    File->Flags |= FO_NO_INTERMEDIATE_BUFFERING;
    ++V.Whole->References;
    ++V.Whole->Opens;
    Information = FILE_OPENED;
    return STATUS_SUCCESS;
}

// Overwrite, supersede: an empty file with new attributes.
static Status Empty(Volume& V, Fcb& F, FILE_OBJECT* File, u8 Attributes, bool Replace)
{
    if (NTSTATUS S = SetSize(F, File, 0); S < 0)
        return S;
    F.Entry.Attributes = u8((Replace ? 0 : F.Entry.Attributes & (fat::ReadOnly | fat::Hidden | fat::System)) | Attributes | fat::Archive);
    F.Entry.Written = F.Entry.Accessed = Now();
    if (Replace)
        F.Entry.Created = Now();
    F.Changed = true;
    TRY(WriteBack(F));
    Changed(V);
    return STATUS_SUCCESS;
}

static Status CreateNew(Volume& V, Target& T, ULONG Options, ULONG Attributes, Fcb*& Out)
{
    if (T.Folder->DeletePending)
        return STATUS_DELETE_PENDING;
    bool Folder = Options & FILE_DIRECTORY_FILE;
    u8 A = u8(Attributes & (fat::ReadOnly | fat::Hidden | fat::System));
    A = u8(A | (Folder ? fat::Folder : fat::Archive));
    auto E = V.Fat->Create(T.Folder->Entry, { reinterpret_cast<const wchar_t*>(T.Last.Buffer), T.Last.Length / 2u }, A, Now());
    Changed(V);
    if (!E.Ok())
        return E.GetStatus();
    Out = TRY(MakeFcb(V, T.Folder, E.Take()));
    Report(*Out, Folder ? FILE_NOTIFY_CHANGE_DIR_NAME : FILE_NOTIFY_CHANGE_FILE_NAME, FILE_ACTION_ADDED);
    return STATUS_SUCCESS;
}

NTSTATUS Create(Volume& V, PIRP I, IO_STACK_LOCATION* S, ULONG_PTR& Information)
{
    FILE_OBJECT* File = S->FileObject;
    UNICODE_STRING Path = File->FileName;
    ULONG Options = S->Parameters.Create.Options & 0xFFFFFF, Disposition = S->Parameters.Create.Options >> 24;
    ACCESS_MASK Access = S->Parameters.Create.SecurityContext->DesiredAccess;
    bool ForTarget = S->Flags & SL_OPEN_TARGET_DIRECTORY;
    if (V.LockedBy)
        return STATUS_ACCESS_DENIED;
    if (Options & FILE_OPEN_BY_FILE_ID)
        return STATUS_NOT_IMPLEMENTED;
    if (S->Parameters.Create.EaLength)
        return STATUS_EAS_NOT_SUPPORTED;
    Fcb* Start = RootOf(V);
    if (FILE_OBJECT* Related = File->RelatedFileObject) {
        Start = FcbOf(Related);
        if (!Start || (Path.Length && IsSlash(Path.Buffer[0])))
            return STATUS_INVALID_PARAMETER;
        if (Start->IsVolume)
            return Path.Length ? STATUS_INVALID_PARAMETER : OpenVolume(V, S, Information);
    } else if (!Path.Length) {
        return OpenVolume(V, S, Information);
    }
    if (Path.Length == 2 && IsSlash(Path.Buffer[0]))
        Path.Length = 0;
    if (Path.Length >= 4 && IsSlash(Path.Buffer[0]) && IsSlash(Path.Buffer[1]))
        return STATUS_OBJECT_NAME_INVALID;
    Target T {};
    if (Status S2 = Walk(V, Start, Path, T); !S2.Ok())
        return S2.Code();
    auto Drop = [&](NTSTATUS Status) {
        Release(T.Found);
        Release(T.Folder);
        return Status;
    };
    if (ForTarget) {
        // The folder is opened; the file object's name becomes the last part, Information says whether that is there.
        if (!T.Folder)
            return Drop(STATUS_OBJECT_NAME_INVALID);
        if (T.Found)
            Release(T.Found);
        Information = T.Exists ? FILE_EXISTS : FILE_DOES_NOT_EXIST;
        File->FileName.Buffer = T.Last.Buffer;
        File->FileName.Length = T.Last.Length;
        T.Found = T.Folder;
        T.Folder = nullptr;
        T.Exists = true;
        Options = 0;
        Disposition = FILE_OPEN;
    }
    Fcb* F = T.Found;
    bool Made = false;
    if (!T.Exists) {
        if (Disposition == FILE_OPEN || Disposition == FILE_OVERWRITE)
            return Drop(STATUS_OBJECT_NAME_NOT_FOUND);
        if (T.WantsFolder && !(Options & FILE_DIRECTORY_FILE))
            return Drop(STATUS_OBJECT_NAME_INVALID);
        if (Options & FILE_DELETE_ON_CLOSE && S->Parameters.Create.FileAttributes & FILE_ATTRIBUTE_READONLY)
            return Drop(STATUS_CANNOT_DELETE);
        if (Status N = CreateNew(V, T, Options, S->Parameters.Create.FileAttributes, F); !N.Ok())
            return Drop(N.Code());
        Made = true;
        Information = FILE_CREATED;
    } else {
        if (Disposition == FILE_CREATE)
            return Drop(STATUS_OBJECT_NAME_COLLISION);
        if (!F) {
            auto New = MakeFcb(V, T.Folder, std::move(T.Entry));
            if (!New.Ok())
                return Drop(New.Code());
            F = New.Value();
        }
        T.Found = F;
        if (F->DeletePending)
            return Drop(STATUS_DELETE_PENDING);
        if (!F->IsFolder() && (Options & FILE_DIRECTORY_FILE || T.WantsFolder))
            return Drop(T.WantsFolder && !(Options & FILE_DIRECTORY_FILE) ? STATUS_OBJECT_NAME_INVALID : STATUS_NOT_A_DIRECTORY);
        if (F->IsFolder() && Options & FILE_NON_DIRECTORY_FILE)
            return Drop(STATUS_FILE_IS_A_DIRECTORY);
        bool Overwrites = Disposition == FILE_OVERWRITE || Disposition == FILE_OVERWRITE_IF || Disposition == FILE_SUPERSEDE;
        if (F->IsFolder() && Overwrites)
            return Drop(STATUS_OBJECT_NAME_COLLISION);
        if (F->Entry.Attributes & fat::ReadOnly && !F->IsFolder()) {
            if (Access & (FILE_WRITE_DATA | FILE_APPEND_DATA) || Overwrites)
                return Drop(STATUS_ACCESS_DENIED);
            if (Options & FILE_DELETE_ON_CLOSE)
                return Drop(STATUS_CANNOT_DELETE);
        }
        if (F->IsRoot() && Options & FILE_DELETE_ON_CLOSE)
            return Drop(STATUS_CANNOT_DELETE);
        ACCESS_MASK Shared = Overwrites ? Access | FILE_WRITE_DATA : Access;
        if (F->Opens)
            if (NTSTATUS Status = IoCheckShareAccess(Shared, S->Parameters.Create.ShareAccess, File, &F->Share, FALSE); Status < 0)
                return Drop(Status);
        // An image that runs is not written to.
        if (Access & FILE_WRITE_DATA || Overwrites || Options & FILE_DELETE_ON_CLOSE)
            if (!F->IsFolder() && !MmFlushImageSection(&F->Sections, MmFlushForWrite))
                return Drop(Options & FILE_DELETE_ON_CLOSE ? STATUS_CANNOT_DELETE : STATUS_SHARING_VIOLATION);
        if (!ForTarget)
            Information = FILE_OPENED;
        if (Overwrites) {
            ULONG A = S->Parameters.Create.FileAttributes;
            if ((F->Entry.Attributes & fat::Hidden && !(A & FILE_ATTRIBUTE_HIDDEN)) || (F->Entry.Attributes & fat::System && !(A & FILE_ATTRIBUTE_SYSTEM)))
                return Drop(STATUS_ACCESS_DENIED);
            File->SectionObjectPointer = &F->Sections;
            LARGE_INTEGER Zero {};
            if (!MmCanFileBeTruncated(&F->Sections, &Zero))
                return Drop(STATUS_USER_MAPPED_FILE);
            if (Status E = Empty(V, *F, File, u8(A & (fat::ReadOnly | fat::Hidden | fat::System)), Disposition == FILE_SUPERSEDE); !E.Ok())
                return Drop(E.Code());
            Information = Disposition == FILE_SUPERSEDE ? FILE_SUPERSEDED : FILE_OVERWRITTEN;
            Report(*F, FILE_NOTIFY_CHANGE_LAST_WRITE | FILE_NOTIFY_CHANGE_SIZE | FILE_NOTIFY_CHANGE_ATTRIBUTES, FILE_ACTION_MODIFIED);
        }
    }
    auto* C = static_cast<Ccb*>(Allocate(sizeof(Ccb)));
    if (!C) {
        if (Made)
            Release(F);
        return Drop(STATUS_INSUFFICIENT_RESOURCES);
    }
    C->DeleteOnClose = Options & FILE_DELETE_ON_CLOSE;
    if (F->Opens)
        IoCheckShareAccess(Access, S->Parameters.Create.ShareAccess, File, &F->Share, TRUE);
    else
        IoSetShareAccess(Access, S->Parameters.Create.ShareAccess, File, &F->Share);
    File->FsContext = F;
    File->FsContext2 = C;
    File->SectionObjectPointer = F->IsFolder() ? nullptr : &F->Sections;
    File->Vpb = V.Vpb;
    ++F->Opens;
    ++V.Files;
    // The reference on F is the open's now.
    Release(T.Folder);
    (void)I;
    return STATUS_SUCCESS;
}

void Cleanup(Volume& V, FILE_OBJECT* File, PIRP I)
{
    Fcb& F = *FcbOf(File);
    Ccb& C = *CcbOf(File);
    if (std::exchange(C.CleanedUp, true))
        return;
    IoRemoveShareAccess(File, &F.Share);
    if (F.IsVolume) {
        --F.Opens;
        if (V.LockedBy == File)
            V.LockedBy = nullptr;
        return;
    }
    --V.Files;
    if (File->Flags & FO_FILE_MODIFIED && !F.IsFolder()) {      // written to in the cache
        if (!C.UserTimes)
            F.Entry.Written = Now();
        F.Entry.Attributes |= fat::Archive;
        F.Changed = true;
        Changed(V);
        Report(F, FILE_NOTIFY_CHANGE_LAST_WRITE, FILE_ACTION_MODIFIED);
    }
    if (F.IsFolder())
        FsRtlNotifyCleanup(V.NotifySync, &V.Notify, &C);
    else
        FsRtlFastUnlockAll(&F.Locks, File, IoGetRequestorProcess(I), nullptr);
    F.Header.IsFastIoPossible = F.Locks.FastIoIsQuestionable ? FastIoIsQuestionable : FastIoIsPossible;
    if (C.DeleteOnClose && !F.IsRoot()) {
        bool HasSome = false;
        if (F.IsFolder()) {
            u32 Slot = 0;
            HasSome = V.Fat->Next(F.Entry, Slot).Ok();
        }
        if (!HasSome)
            F.DeletePending = true;
    }
    bool Last = --F.Opens == 0;
    LARGE_INTEGER Nothing {};
    if (!F.IsFolder())
        CcUninitializeCacheMap(File, Last && F.DeletePending ? &Nothing : nullptr, nullptr);
    if (Last && !V.Dismounted) {
        if (F.DeletePending && !F.Deleted) {
            WaitStill(F);
            if (F.IsFolder())
                FsRtlNotifyFullChangeDirectory(V.NotifySync, &V.Notify, &C, nullptr, FALSE, FALSE, 0, nullptr, nullptr, nullptr);
            Status S = V.Fat->Remove(F.Entry);
            Changed(V);
            if (S.Ok()) {
                F.Deleted = true;
                Report(F, F.IsFolder() ? FILE_NOTIFY_CHANGE_DIR_NAME : FILE_NOTIFY_CHANGE_FILE_NAME, FILE_ACTION_REMOVED);
            } else {
                F.DeletePending = false;
                DbgPrint("fastfat: %wZ cannot be deleted: %08x", &F.Name, unsigned(S.Code()));
            }
        } else if (!F.Deleted && !F.Sections.SharedCacheMap) {
            // What is in the cache is written back within seconds, the data first.
            if (Status S = WriteBack(F, true); !S.Ok())
                DbgPrint("fastfat: %wZ cannot be written back: %08x", &F.Name, unsigned(S.Code()));
        }
    }
}

void Close(Volume& V, FILE_OBJECT* File)
{
    Fcb* F = FcbOf(File);
    Ccb* C = CcbOf(File);
    Free(C->Pattern.Buffer);
    Free(C);
    File->FsContext = File->FsContext2 = nullptr;
    (void)V;
    Release(F);
}

}
