// Changing files: times, sizes, deletion, names, extended attributes.
#include <string.h>

#include "ntos/io/ramfs/ramfs.hpp"

namespace io::ramfs {

template <typename T> static T As(std::span<const u8> From)
{
    T Value {};
    memcpy(&Value, From.data(), From.size() < sizeof(T) ? From.size() : sizeof(T));
    return Value;
}

Status OpenNode::SetBasic(std::span<const u8> From)
{
    auto B = As<FILE_BASIC_INFORMATION>(From);
    Node& N = *Node_;
    // 0: as it is; -1: and this handle's operations do not change it either; -2: they do again.
    for (i64 Time : { B.CreationTime.QuadPart, B.LastAccessTime.QuadPart, B.LastWriteTime.QuadPart, B.ChangeTime.QuadPart })
        if (Time < -2)
            return STATUS_INVALID_PARAMETER;
    if (B.FileAttributes) {
        if (N.IsFolder ? B.FileAttributes & FILE_ATTRIBUTE_TEMPORARY : B.FileAttributes & FILE_ATTRIBUTE_DIRECTORY)
            return STATUS_INVALID_PARAMETER;
        u32 Kept = N.Attributes & FILE_ATTRIBUTE_SPARSE_FILE;
        N.Attributes = (B.FileAttributes & FILE_ATTRIBUTE_VALID_SET_FLAGS & ~FILE_ATTRIBUTE_NORMAL) | Kept;
    }
    if (B.CreationTime.QuadPart > 0)
        N.Created = u64(B.CreationTime.QuadPart);
    if (B.LastAccessTime.QuadPart > 0)
        N.Accessed = u64(B.LastAccessTime.QuadPart);
    if (B.LastWriteTime.QuadPart > 0)
        N.Written = u64(B.LastWriteTime.QuadPart);
    if (B.LastWriteTime.QuadPart)
        KeepWritten_ = B.LastWriteTime.QuadPart != -2;
    if (B.ChangeTime.QuadPart)
        KeepChanged_ = B.ChangeTime.QuadPart != -2;
    if (B.ChangeTime.QuadPart > 0)
        N.Changed = u64(B.ChangeTime.QuadPart);
    else if (!KeepChanged_)
        N.Changed = ke::SystemTime();
    u32 Filter = (B.FileAttributes ? FILE_NOTIFY_CHANGE_ATTRIBUTES : 0) | (B.CreationTime.QuadPart > 0 ? FILE_NOTIFY_CHANGE_CREATION : 0) |
                 (B.LastAccessTime.QuadPart > 0 ? FILE_NOTIFY_CHANGE_LAST_ACCESS : 0) | (B.LastWriteTime.QuadPart > 0 ? FILE_NOTIFY_CHANGE_LAST_WRITE : 0);
    if (Filter)
        On().Report(*Entry_, Filter, FILE_ACTION_MODIFIED);
    return STATUS_SUCCESS;
}

void OpenNode::SetSecurity(Own<se::SecurityDescriptor> Descriptor)
{
    Node_->Security = std::move(Descriptor);
    Node_->Changed = ke::SystemTime();
    On().Report(*Entry_, FILE_NOTIFY_CHANGE_SECURITY, FILE_ACTION_MODIFIED);
}

Status OpenNode::SetDisposition(u32 Flags)
{
    if (Flags & ~0x1Fu)
        return STATUS_INVALID_PARAMETER;
    bool Delete = Flags & FILE_DISPOSITION_DELETE;
    if (Flags & FILE_DISPOSITION_ON_CLOSE) {
        // Only changes what was asked for at the open.
        if (!(Options() & FILE_DELETE_ON_CLOSE))
            return STATUS_NOT_SUPPORTED;
        DeleteOnClose_ = Delete;
        return STATUS_SUCCESS;
    }
    if (!Delete) {
        Entry_->DeletePending = false;
        PosixDelete_ = false;
        return STATUS_SUCCESS;
    }
    bool Posix = Flags & FILE_DISPOSITION_POSIX_SEMANTICS;
    Status S = CheckDelete(Flags & FILE_DISPOSITION_IGNORE_READONLY_ATTRIBUTE);
    // A file with views may go by POSIX rules unless it is an image.
    if (S == STATUS_CANNOT_DELETE && Posix && !Node_->IsImageMapped() && Entry_.Get() != &On().RootEntry() &&
        (!(Node_->Attributes & FILE_ATTRIBUTE_READONLY) || (Flags & FILE_DISPOSITION_IGNORE_READONLY_ATTRIBUTE)))
        S = STATUS_SUCCESS;
    TRY(S);
    Entry_->DeletePending = true;
    PosixDelete_ |= Posix;
    return STATUS_SUCCESS;
}

// Whether something below the folder is open.
static Result<bool> IsOpenBelow(Node& Folder)
{
    Vector<Node*> Left;
    TRY(Left.Push(&Folder));
    while (!Left.IsEmpty()) {
        Node* N = Left.Last();
        Left.Pop();
        for (usize I = 0; Entry* E = N->At(I); ++I) {
            if (E->Opens)
                return true;
            if (E->Target->IsFolder && E->Target->Count())
                TRY(Left.Push(E->Target.Get()));
        }
    }
    return false;
}

static bool IsWithin(const Node* N, const Node& Top)
{
    while (N && N != &Top) {
        Entry* Up = N->FirstName();
        N = Up ? Up->Folder : nullptr;
    }
    return N != nullptr;
}

Status OpenNode::Rename(ke::Caller& Caller, std::span<const u8> From, bool Extended, bool Link)
{
    auto Head = As<FILE_RENAME_INFORMATION>(From);
    constexpr usize NameAt = offsetof(FILE_RENAME_INFORMATION, FileName);
    if (!Head.FileNameLength || (Head.FileNameLength & 1) || Head.FileNameLength > From.size() - NameAt)
        return STATUS_INVALID_PARAMETER;
    u32 Flags = Extended ? Head.Flags : (Head.ReplaceIfExists ? FILE_RENAME_REPLACE_IF_EXISTS : 0);
    bool Replace = Flags & FILE_RENAME_REPLACE_IF_EXISTS, Posix = Flags & FILE_RENAME_POSIX_SEMANTICS, IgnoreReadOnly = Flags & FILE_RENAME_IGNORE_READONLY_ATTRIBUTE;
    ob::String Text;
    TRY(Text.Characters().Resize(Head.FileNameLength / 2));
    memcpy(Text.Characters().Data(), From.data() + NameAt, Head.FileNameLength);
    if (Entry_.Get() == &On().RootEntry())
        return STATUS_INVALID_PARAMETER;
    if (Link && Node_->IsFolder)
        return STATUS_FILE_IS_A_DIRECTORY;
    if (!Entry_->Folder)
        return STATUS_ACCESS_DENIED;    // it is gone already
    if (Link && Entry_->DeletePending)
        return STATUS_ACCESS_DENIED;

    // Where to.
    Node* Folder = Entry_->Folder;
    RefPtr<File> Keep;
    ob::String Last;
    if (Head.RootDirectory || Text.View().Data[0] == L'\\') {
        TargetFolder T = TRY(OpenTargetFolder(Caller, Head.RootDirectory, Text.View()));
        if (&T.Folder->GetDevice() != &GetDevice())
            return STATUS_NOT_SAME_DEVICE;
        OpenNode* Opened = static_cast<RamFile&>(*T.Folder).AsNode();
        if (!Opened || !Opened->GetNode().IsFolder)
            return STATUS_OBJECT_PATH_NOT_FOUND;
        Folder = &Opened->GetNode();
        Last = std::move(T.Last);
        Keep = std::move(T.Folder);
    } else {
        for (wchar_t C : Text.Characters())
            if (C == L'\\')
                return STATUS_OBJECT_NAME_INVALID;
        Last = std::move(Text);
    }
    Path P;
    TRY(Resolve(*Folder, nullptr, Last.View(), P));
    if (!P.Last.Length || P.Folder != Folder)
        return STATUS_OBJECT_NAME_INVALID;
    Entry* FolderEntry = Folder->FirstName();
    if (!FolderEntry || FolderEntry->DeletePending)
        return STATUS_DELETE_PENDING;
    TRY(On().CheckDepth(*Folder, P.Last.Length));
    if (!Link && Node_->IsFolder) {
        if (IsWithin(Folder, *Node_))
            return STATUS_SHARING_VIOLATION;
        if (!Posix && TRY(IsOpenBelow(*Node_)))
            return STATUS_ACCESS_DENIED;
    }
    if (Folder != Entry_->Folder)
        (void)TRY(CheckNodeAccess(Caller, *Folder, nullptr, Node_->IsFolder ? FILE_ADD_SUBDIRECTORY : FILE_ADD_FILE));

    // What is there already.
    RefPtr<Entry> Old(P.Found);
    if (Old && Old == Entry_.Get()) {
        if (Link && !Replace)
            return STATUS_OBJECT_NAME_COLLISION;
        Link = false;
        Old.Reset();                    // at most the case of letters changes
    }
    if (Old) {
        Node& O = *Old->Target;
        if (!Replace)
            return STATUS_OBJECT_NAME_COLLISION;
        if (O.IsFolder && !(Posix && Node_->IsFolder && !O.Count()))
            return STATUS_ACCESS_DENIED;
        if ((O.Attributes & FILE_ATTRIBUTE_READONLY) && !IgnoreReadOnly)
            return STATUS_ACCESS_DENIED;
        if (O.IsImageMapped() || (O.IsMapped() && !Posix))
            return STATUS_ACCESS_DENIED;
        if (Old->Opens && (!Posix || !O.Share.IsDeleteShared()))
            return STATUS_ACCESS_DENIED;
        (void)TRY(CheckNodeAccess(Caller, O, Folder, DELETE_ACCESS));
    }
    u32 Kind = Node_->IsFolder ? FILE_NOTIFY_CHANGE_DIR_NAME : FILE_NOTIFY_CHANGE_FILE_NAME;
    TRY(Folder->MakeRoom());
    if (Link) {
        Ref<Entry> New = TRY(Entry::Create(P.Last, Node_));
        if (Old)
            On().Unlink(*Old);
        TRY(Folder->Insert(New));
        Folder->Touch();
        Node_->Changed = ke::SystemTime();
        On().Report(*New, Kind, FILE_ACTION_ADDED);
        return STATUS_SUCCESS;
    }
    Node* Before = Entry_->Folder;
    ob::String OldName = TRY(ob::String::Copy(Entry_->Name()));
    if (Old)
        On().Unlink(*Old);
    Before->Remove(*Entry_);
    Status S = Entry_->Rename(P.Last);
    if (!S.Ok()) {
        // It just came out of there: there is room.
        TRY(Before->Insert(Entry_));
        return S;
    }
    TRY(Folder->Insert(Entry_));
    Before->Touch();
    Folder->Touch();
    Node_->Changed = ke::SystemTime();
    bool Same = Before == Folder;
    On().Report(Before, OldName.View(), Kind, Same ? FILE_ACTION_RENAMED_OLD_NAME : FILE_ACTION_REMOVED);
    On().Report(*Entry_, Kind, Same ? FILE_ACTION_RENAMED_NEW_NAME : FILE_ACTION_ADDED);
    return STATUS_SUCCESS;
}

Status OpenNode::SetInformation(ke::Caller& Caller, ACCESS_MASK Granted, FILE_INFORMATION_CLASS Class, std::span<const u8> From)
{
    Node& N = *Node_;
    switch (Class) {
    case FileBasicInformation:
        // The packaged kernelbase sets attributes through handles that lack the right: then what counts is whether the caller would get it.
        if (!(Granted & FILE_WRITE_ATTRIBUTES))
            (void)TRY(CheckNodeAccess(Caller, N, Entry_->Folder, FILE_WRITE_ATTRIBUTES));
        return SetBasic(From);
    case FileDispositionInformation:
        return SetDisposition(From[0] ? FILE_DISPOSITION_DELETE : 0);
    case FileDispositionInformationEx:
        return SetDisposition(As<u32>(From));
    case FileRenameInformation:
        return Rename(Caller, From, false, false);
    case FileRenameInformationEx:
        return Rename(Caller, From, true, false);
    case FileLinkInformation:
        return Rename(Caller, From, false, true);
    case FileLinkInformationEx:
        return Rename(Caller, From, true, true);
    case FileEndOfFileInformation:
    case FileAllocationInformation: {
        i64 Size = As<i64>(From);
        if (N.IsFolder || Size < 0)
            return STATUS_INVALID_PARAMETER;
        if (Class == FileAllocationInformation && u64(Size) >= N.Size) {
            if (u64(Size) > MaximumSize)
                return STATUS_DISK_FULL;
            N.Allocation = AlignUp(u64(Size), PageSize);
            return STATUS_SUCCESS;
        }
        if (u64(Size) == N.Size)
            return STATUS_SUCCESS;
        TRY(N.SetSize(u64(Size)));
        N.Touch();
        On().Report(*Entry_, FILE_NOTIFY_CHANGE_SIZE | FILE_NOTIFY_CHANGE_LAST_WRITE, FILE_ACTION_MODIFIED);
        return STATUS_SUCCESS;
    }
    case FileValidDataLengthInformation: {
        i64 Length = As<i64>(From);
        return Length < 0 || u64(Length) > N.Size || N.IsFolder ? STATUS_INVALID_PARAMETER : STATUS_SUCCESS;
    }
    case FileShortNameInformation:
        return STATUS_SHORT_NAMES_NOT_ENABLED_ON_VOLUME;
    case FileCaseSensitiveInformation:
        return As<u32>(From) ? STATUS_NOT_SUPPORTED : STATUS_SUCCESS;
    default:
        return STATUS_INVALID_INFO_CLASS;
    }
}

// --- extended attributes: kept as the list they are told as

static usize EaSize(const u8* At)
{
    FILE_FULL_EA_INFORMATION E;
    memcpy(&E, At, offsetof(FILE_FULL_EA_INFORMATION, EaName));
    return offsetof(FILE_FULL_EA_INFORMATION, EaName) + E.EaNameLength + 1 + E.EaValueLength;
}

static u32 NextOf(const u8* At)
{
    u32 Next;
    memcpy(&Next, At, 4);
    return Next;
}

static bool SameEaName(const u8* A, u8 ALength, const u8* B, u8 BLength)
{
    if (ALength != BLength)
        return false;
    for (u8 I = 0; I < ALength; ++I)
        if (ob::UpCase(A[I]) != ob::UpCase(B[I]))
            return false;
    return true;
}

static Status AppendEa(Vector<u8>& To, const u8* From)
{
    usize Size = EaSize(From), Start = AlignUp(To.Size(), 4);
    TRY(To.Resize(Start + Size));
    memcpy(&To[Start], From, Size);
    memset(&To[Start], 0, 4);
    return STATUS_SUCCESS;
}

// Sets the offsets of a list that was put together entry by entry.
static void ChainEas(Vector<u8>& List)
{
    for (usize At = 0; At < List.Size();) {
        usize Next = AlignUp(At + EaSize(&List[At]), 4);
        u32 Offset = Next < List.Size() ? u32(Next - At) : 0;
        memcpy(&List[At], &Offset, 4);
        At = Next;
    }
}

Status OpenNode::SetEa(std::span<const u8> List)
{
    TRY(CheckEaList(List));
    Extras* X = TRY(Node_->NeedExtras());
    Vector<u8> New;
    // Those that are kept, then the new ones; one without a value is removed.
    for (usize At = 0; At < X->Ea.Size();) {
        const u8* Old = &X->Ea[At];
        bool Replaced = false;
        for (usize I = 0;;) {
            Replaced |= SameEaName(Old + 8, Old[5], &List[I] + 8, List[I + 5]);
            if (!NextOf(&List[I]))
                break;
            I += NextOf(&List[I]);
        }
        if (!Replaced)
            TRY(AppendEa(New, Old));
        if (!NextOf(Old))
            break;
        At += NextOf(Old);
    }
    for (usize I = 0;;) {
        if (List[I + 6] | List[I + 7])
            TRY(AppendEa(New, &List[I]));
        if (!NextOf(&List[I]))
            break;
        I += NextOf(&List[I]);
    }
    if (New.Size() > MaximumEaBytes)
        return STATUS_EA_TOO_LARGE;
    ChainEas(New);
    X->Ea = std::move(New);
    Node_->Changed = ke::SystemTime();
    On().Report(*Entry_, FILE_NOTIFY_CHANGE_EA, FILE_ACTION_MODIFIED);
    return STATUS_SUCCESS;
}

Status OpenNode::QueryEa(ke::Caller&, InfoBuffer& To, bool Single, std::span<const u8> Names, u32* Index, bool Restart)
{
    const Vector<u8>* Have = Node_->Rare ? &Node_->Rare->Ea : nullptr;
    Vector<u8> Out;
    if (!Names.empty()) {
        // Every name asked for is answered, with an empty value if there is none.
        for (usize I = 0;;) {
            if (Names.size() - I < 6 || Names.size() - I < usize(6) + Names[I + 4])
                return STATUS_EA_LIST_INCONSISTENT;
            u8 Length = Names[I + 4];
            bool Found = false;
            for (usize At = 0; Have && At < Have->Size();) {
                const u8* E = &(*Have)[At];
                if (SameEaName(E + 8, E[5], &Names[I + 5], Length)) {
                    TRY(AppendEa(Out, E));
                    Found = true;
                    break;
                }
                if (!NextOf(E))
                    break;
                At += NextOf(E);
            }
            if (!Found) {
                u8 Empty[8 + 256] = {};
                Empty[5] = Length;
                memcpy(Empty + 8, &Names[I + 5], Length);
                TRY(AppendEa(Out, Empty));
            }
            u32 Next = NextOf(&Names[I]);
            if (!Next || Single)
                break;
            if (Next >= Names.size() - I)
                return STATUS_EA_LIST_INCONSISTENT;
            I += Next;
        }
    } else {
        if (!Have || Have->IsEmpty())
            return STATUS_NO_EAS_ON_FILE;
        if (Restart || Index)
            EaAt_ = 0;
        if (Index)
            for (u32 Skip = *Index; Skip > 1 && EaAt_ < Have->Size(); --Skip)
                EaAt_ = NextOf(&(*Have)[EaAt_]) ? EaAt_ + NextOf(&(*Have)[EaAt_]) : Have->Size();
        if (EaAt_ >= Have->Size())
            return Index ? STATUS_NONEXISTENT_EA_ENTRY : STATUS_NO_MORE_EAS;
        while (EaAt_ < Have->Size()) {
            const u8* E = &(*Have)[EaAt_];
            if (AlignUp(Out.Size(), 4) + EaSize(E) > To.Room())
                break;
            TRY(AppendEa(Out, E));
            EaAt_ = NextOf(E) ? EaAt_ + NextOf(E) : Have->Size();
            if (Single)
                break;
        }
        if (Out.IsEmpty())
            return STATUS_BUFFER_TOO_SMALL;
    }
    ChainEas(Out);
    if (Out.Size() > To.Room())
        return STATUS_BUFFER_OVERFLOW;
    To.Bytes(Out.Data(), Out.Size());
    return STATUS_SUCCESS;
}

}
