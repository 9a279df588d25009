// Nodes, names, paths.
#include <string.h>

#include "ntos/io/ramfs/ramfs.hpp"

namespace io::ramfs {

static wchar_t* MakeText(ob::Name Name)
{
    wchar_t* Text = static_cast<wchar_t*>(::operator new(Name.Length * 4 + 2, std::nothrow));
    if (!Text)
        return nullptr;
    memcpy(Text, Name.Data, Name.Length * 2);
    for (usize I = 0; I < Name.Length; ++I)
        Text[Name.Length + I] = ob::UpCase(Name.Data[I]);
    return Text;
}

Result<Ref<Entry>> Entry::Create(ob::Name Name, Ref<Node> Target)
{
    wchar_t* Text = MakeText(Name);
    if (!Text)
        return STATUS_INSUFFICIENT_RESOURCES;
    Entry* E = new Entry(std::move(Target), Text, Name.Length);
    if (!E) {
        ::operator delete(Text);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    return Ref<Entry>::Adopt(*E);
}

Status Entry::Rename(ob::Name To)
{
    ASSERT(!Folder);
    wchar_t* Text = MakeText(To);
    if (!Text)
        return STATUS_INSUFFICIENT_RESOURCES;
    ::operator delete(Text_);
    Text_ = Text;
    Length_ = To.Length;
    return STATUS_SUCCESS;
}

Entry::~Entry()
{
    ::operator delete(Text_);
}

Result<Ref<Node>> Node::Create(bool Folder, u32 Attributes, u64 Id)
{
    Node* N = new Node(Folder, Attributes, Id);
    if (!N)
        return STATUS_INSUFFICIENT_RESOURCES;
    N->Created = N->Accessed = N->Written = N->Changed = ke::SystemTime();
    return Ref<Node>::Adopt(*N);
}

u32 Node::Reported() const
{
    u32 A = Attributes | (IsFolder ? FILE_ATTRIBUTE_DIRECTORY : 0) | (ReparseTag() ? FILE_ATTRIBUTE_REPARSE_POINT : 0);
    return A ? A : FILE_ATTRIBUTE_NORMAL;
}

u32 Node::ReparseTag() const
{
    u32 Tag = 0;
    if (Rare && Rare->Reparse.Size() >= sizeof(REPARSE_DATA_HEADER))
        memcpy(&Tag, Rare->Reparse.Data(), sizeof(Tag));
    return Tag;
}

u32 Node::LinkCount() const
{
    u32 N = 0;
    for (Entry* E = Names.First(); E; E = Names.Next(*E))
        N += !E->DeletePending;
    return N;
}

u64 Node::AllocatedBytes() const
{
    u64 Whole = AlignUp(Size, PageSize);
    return Allocation > Whole ? Allocation : Whole;
}

Result<Extras*> Node::NeedExtras()
{
    if (!Rare) {
        Rare = Own<Extras>(new (std::nothrow) Extras);
        if (!Rare)
            return STATUS_INSUFFICIENT_RESOURCES;
    }
    return Rare.Get();
}

Result<mm::PageStore*> Node::NeedData()
{
    if (!Data)
        Data = TRY(mm::PageStore::Create());
    return Data.Get();
}

Status Node::SetSize(u64 NewSize)
{
    if (NewSize > MaximumSize)
        return STATUS_DISK_FULL;
    if (NewSize < Size && Data)
        TRY(Data->Truncate(NewSize));
    Size = NewSize;
    if (Allocation > AlignUp(Size, PageSize))
        Allocation = 0;
    return STATUS_SUCCESS;
}

void Node::Touch()
{
    Written = Changed = ke::SystemTime();
    Attributes |= IsFolder ? 0 : FILE_ATTRIBUTE_ARCHIVE;
}

static int CompareUpper(ob::Name A, ob::Name B)
{
    usize N = A.Length < B.Length ? A.Length : B.Length;
    for (usize I = 0; I < N; ++I)
        if (A.Data[I] != B.Data[I])
            return A.Data[I] < B.Data[I] ? -1 : 1;
    return A.Length < B.Length ? -1 : A.Length > B.Length;
}

usize Node::Position(ob::Name Upper) const
{
    usize Low = 0, High = Children_.Size();
    while (Low < High) {
        usize Middle = (Low + High) / 2;
        if (CompareUpper(Children_[Middle]->Upper(), Upper) < 0)
            Low = Middle + 1;
        else
            High = Middle;
    }
    return Low;
}

Entry* Node::Find(ob::Name Upper) const
{
    usize I = Position(Upper);
    return I < Children_.Size() && CompareUpper(Children_[I]->Upper(), Upper) == 0 ? Children_[I].Get() : nullptr;
}

Status Node::MakeRoom()
{
    // Growth doubles, as Push would.
    Status S = Children_.Push();
    if (S.Ok())
        Children_.Pop();
    return DiskFull(S);
}

Status Node::Insert(Ref<Entry> New)
{
    // Names in order (a mount, most listings) go to the end without a search.
    usize I = Children_.IsEmpty() || CompareUpper(Children_.Last()->Upper(), New->Upper()) < 0 ? Children_.Size() : Position(New->Upper());
    if (Status S = Children_.Push(); !S.Ok())
        return DiskFull(S);
    // The new, empty pointer at the end moves to its place, as bytes.
    memmove(static_cast<void*>(&Children_[I] + 1), static_cast<void*>(&Children_[I]), (Children_.Size() - 1 - I) * sizeof(Children_[0]));
    new (static_cast<void*>(&Children_[I])) RefPtr<Entry>;
    New->Folder = this;
    New->Target->Names.PushBack(*New);
    Children_[I] = std::move(New);
    ++Generation_;
    return STATUS_SUCCESS;
}

void Node::Remove(Entry& Old)
{
    usize I = Position(Old.Upper());
    ASSERT(I < Children_.Size() && Children_[I] == &Old);
    Old.Folder = nullptr;
    Old.TargetLink.Unlink();
    ++Generation_;
    Children_[I].Reset();
    memmove(static_cast<void*>(&Children_[I]), static_cast<void*>(&Children_[I] + 1), (Children_.Size() - 1 - I) * sizeof(Children_[0]));
    new (static_cast<void*>(&Children_.Last())) RefPtr<Entry>;
    Children_.Pop();
}

// --- paths

static bool IsLegal(wchar_t C)
{
    return C >= 32 && C != L'"' && C != L'*' && C != L'/' && C != L':' && C != L'<' && C != L'>' && C != L'?' && C != L'|';
}

Status Resolve(Node& From, Entry* FromEntry, ob::Name Text, Path& Out)
{
    Out.TrailingBackslash = Text.Length && Text.Data[Text.Length - 1] == L'\\';
    if (Out.TrailingBackslash)
        Text.Length--;
    Out.Found = FromEntry;
    Out.Folder = FromEntry ? FromEntry->Folder : nullptr;
    Out.Last = FromEntry ? FromEntry->Name() : ob::Name();
    if (!Text.Length)
        return Out.TrailingBackslash ? STATUS_OBJECT_NAME_INVALID : STATUS_SUCCESS;
    // "::$DATA" is the file itself.
    static constexpr wchar_t Main[] = L"::$DATA";
    if (Text.Length > 7 && ob::Equal(Text.From(Text.Length - 7), ob::Name(Main), true))
        Text.Length -= 7;
    Node* Here = &From;
    for (usize At = 0;;) {
        usize End = At;
        for (; End < Text.Length && Text.Data[End] != L'\\'; ++End) {
            if (!IsLegal(Text.Data[End]) || End - At >= MaximumName)
                return STATUS_OBJECT_NAME_INVALID;
            Out.Upper[End - At] = ob::UpCase(Text.Data[End]);
        }
        if (End == At)
            return STATUS_OBJECT_NAME_INVALID;
        Out.Last = { Text.Data + At, End - At };
        if (Out.Last.Data[0] == L'.' && (Out.Last.Length == 1 || (Out.Last.Length == 2 && Out.Last.Data[1] == L'.')))
            return STATUS_OBJECT_NAME_INVALID;
        if (!Here->IsFolder)
            return STATUS_OBJECT_PATH_NOT_FOUND;
        Out.Folder = Here;
        Out.Found = Here->Find(Out.UpperName());
        bool Last = End == Text.Length;
        if (Last)
            return STATUS_SUCCESS;
        if (!Out.Found)
            return STATUS_OBJECT_PATH_NOT_FOUND;
        At = End + 1;
        if (Out.Found->Target->Rare && Out.Found->Target->ReparseTag()) {
            Out.Link = Out.Found;
            Out.BehindLink = Text.From(At);
            return STATUS_SUCCESS;
        }
        Here = Out.Found->Target.Get();
    }
}

Result<ob::String> Volume::PathOf(const Entry& E)
{
    ob::String S;
    if (&E == Root_.Get()) {
        TRY(S.Append(L"\\"));
        return S;
    }
    usize Length = 0;
    for (const Entry* At = &E; At && At != Root_.Get(); At = At->Folder ? At->Folder->FirstName() : nullptr)
        Length += At->Name().Length + 1;
    TRY(S.Characters().Resize(Length));
    for (const Entry* At = &E; At && At != Root_.Get(); At = At->Folder ? At->Folder->FirstName() : nullptr) {
        Length -= At->Name().Length;
        memcpy(&S.Characters()[Length], At->Name().Data, At->Name().Length * 2);
        S.Characters()[--Length] = L'\\';
    }
    return S;
}

Status Volume::CheckDepth(const Node& Folder, usize Length) const
{
    for (const Node* N = &Folder; N;) {
        const Entry* E = N->FirstName();
        if (!E)
            break;
        Length += E->Name().Length + 1;
        N = E->Folder;
    }
    return Length > MaximumPath ? STATUS_NAME_TOO_LONG : STATUS_SUCCESS;
}

Entry* Volume::ById(u64 Id)
{
    // Depth first without recursion: ids are looked up rarely.
    if (Root().Id == Id)
        return Root_.Get();
    Vector<Node*> Left;
    if (!Left.Push(&Root()).Ok())
        return nullptr;
    while (!Left.IsEmpty()) {
        Node* N = Left.Last();
        Left.Pop();
        for (usize I = 0; Entry* E = N->At(I); ++I) {
            if (E->Target->Id == Id)
                return E;
            if (E->Target->IsFolder && !Left.Push(E->Target.Get()).Ok())
                return nullptr;
        }
    }
    return nullptr;
}

void Volume::Unlink(Entry& E)
{
    Ref<Entry> Keep(E);
    Node* Folder = E.Folder;
    if (!Folder)
        return;
    Folder->Remove(E);
    Folder->Touch();
    E.Target->Changed = ke::SystemTime();
    Report(Folder, E.Name(), E.Target->IsFolder ? FILE_NOTIFY_CHANGE_DIR_NAME : FILE_NOTIFY_CHANGE_FILE_NAME, FILE_ACTION_REMOVED);
    if (E.Target->IsFolder)
        for (Watch& W : E.Target->Watches)
            W.FolderDeleted();
}

void Volume::ReportSlow(Node* Folder, ob::Name Name, u32 Filter, u32 Action)
{
    // The path relative to the folder that is watched grows to the left on the way up.
    ob::String Relative;
    if (!Relative.Append(Name).Ok())
        return;
    bool Direct = true;
    for (Node* N = Folder; N; Direct = false) {
        for (Watch& W : N->Watches)
            if ((W.Filter & Filter) && (Direct || W.Tree))
                W.Report(Relative.View(), Action);
        Entry* Up = N->FirstName();
        if (!Up || !Up->Folder)
            break;
        ob::String Longer;
        if (!Longer.Append(Up->Name()).Ok() || !Longer.Append(L"\\").Ok() || !Longer.Append(Relative.View()).Ok())
            return;
        Relative = std::move(Longer);
        N = Up->Folder;
    }
}

// --- reparse points

static u16 Short(const Vector<u8>& V, usize At)
{
    u16 X = 0;
    if (At + 2 <= V.Size())
        memcpy(&X, &V[At], 2);
    return X;
}

Result<ob::String> FollowReparse(Volume& V, const Entry& Link, ob::Name Rest)
{
    const Vector<u8>& Data = Link.Target->Rare->Reparse;
    u32 Tag = Link.Target->ReparseTag();
    if (Tag != IO_REPARSE_TAG_MOUNT_POINT && Tag != IO_REPARSE_TAG_SYMLINK)
        return STATUS_IO_REPARSE_TAG_NOT_HANDLED;
    // SubstituteNameOffset and Length, PrintNameOffset and Length, (symbolic links: flags), names.
    usize Names = Tag == IO_REPARSE_TAG_SYMLINK ? 20 : 16;
    u32 Flags = 0;
    if (Tag == IO_REPARSE_TAG_SYMLINK && Data.Size() >= 20)
        memcpy(&Flags, &Data[16], 4);
    usize Offset = Names + Short(Data, 8), Length = Short(Data, 10);
    if (Offset + Length > Data.Size() || !Length || (Length & 1) || (Offset & 1))
        return STATUS_IO_REPARSE_DATA_INVALID;
    ob::String Text;
    TRY(Text.Characters().Resize(Length / 2));
    memcpy(Text.Characters().Data(), &Data[Offset], Length);
    ob::String Out;
    if (Tag == IO_REPARSE_TAG_SYMLINK && (Flags & SYMLINK_FLAG_RELATIVE)) {
        // Relative to the folder the link is in; "." and ".." are taken apart here.
        ob::String Base;
        if (Text.View().Data[0] != L'\\' && Link.Folder && Link.Folder->FirstName())
            Base = TRY(V.PathOf(*Link.Folder->FirstName()));
        Vector<ob::Name> Parts;
        for (ob::Name Half : { Base.View(), Text.View() }) {
            for (usize At = 0; At < Half.Length;) {
                usize End = At;
                while (End < Half.Length && Half.Data[End] != L'\\')
                    ++End;
                ob::Name Part { Half.Data + At, End - At };
                At = End + 1;
                if (!Part.Length || (Part.Length == 1 && Part.Data[0] == L'.'))
                    continue;
                if (Part.Length == 2 && Part.Data[0] == L'.' && Part.Data[1] == L'.') {
                    if (!Parts.IsEmpty())
                        Parts.Pop();
                    continue;
                }
                TRY(Parts.Push(Part));
            }
        }
        TRY(Out.Append(V.DosName()));
        for (ob::Name Part : Parts) {
            TRY(Out.Append(L"\\"));
            TRY(Out.Append(Part));
        }
        if (Parts.IsEmpty())
            TRY(Out.Append(L"\\"));
    } else {
        TRY(Out.Append(Text.View()));
    }
    if (Rest.Length) {
        if (Out.View().Data[Out.View().Length - 1] != L'\\')
            TRY(Out.Append(L"\\"));
        TRY(Out.Append(Rest));
    }
    return Out;
}

}
