// Names of the share: from a path as Windows has it to a file of the server's.
#include "drivers/filesystems/ninep/share.hpp"

namespace share {

namespace {

constexpr u32 MostFolders = 48, MostLinks = 40;

wchar_t Upper(wchar_t C) { return C < 0x80 ? wchar_t(C >= L'a' && C <= L'z' ? C - 32 : C) : RtlUpcaseUnicodeChar(C); }

u32 Hash(WideText Name)
{
    u32 H = 2166136261u;
    for (wchar_t C : Name)
        H = (H ^ u16(Upper(C))) * 16777619u;
    return H;
}

bool SameCaseless(WideText A, WideText B)
{
    if (A.size() != B.size())
        return false;
    for (usize I = 0; I < A.size(); ++I)
        if (Upper(A[I]) != Upper(B[I]))
            return false;
    return true;
}

void Drop(Share& S, CachedFolder* C)
{
    RemoveEntryList(&C->Link);
    --S.FolderCount;
    if (C->F != NoFid)
        S.Server.Clunk(C->F);
    delete C;
}

NTSTATUS AddName(CachedFolder& C, Chars Name)
{
    Vector<wchar_t> Wide;
    if (Status R = ninep::ToWindows(Name, Wide); !R.Ok())
        return Code(R);
    u32 At = u32(C.Text.Size());
    for (char B : Name)
        if (!C.Text.Push(B).Ok())
            return STATUS_INSUFFICIENT_RESOURCES;
    return Code(C.Names.Push(CachedFolder::Name { At, u32(Name.size()), Hash(Wide.Span()) }));
}

NTSTATUS ReadNames(Share& S, CachedFolder& C)
{
    C.Names.Clear();
    C.Text.Clear();
    auto F = S.Server.Again(C.F);
    if (!F.Ok())
        return F.Code();
    NTSTATUS Status = S.Server.Open(F.Value(), ninep::open::ReadOnly).Code();
    u64 Offset = 0;
    while (NT_SUCCESS(Status)) {
        auto More = S.Server.List(F.Value(), Offset, [&](const ninep::FolderEntry& E) { return IsDots(E.Name) ? core::Status() : core::Status(AddName(C, E.Name)); });
        Status = More.Code();
        if (!More.Ok() || !More.Value())
            break;
    }
    S.Server.Clunk(F.Value());
    return Status;
}

// The names of a folder, as they are now.
NTSTATUS NamesOf(Share& S, const Path& Where, CachedFolder*& Out)
{
    CachedFolder* C = nullptr;
    for (LIST_ENTRY* E = S.Folders.Flink; E != &S.Folders; E = E->Flink) {
        auto* Each = CONTAINING_RECORD(E, CachedFolder, Link);
        if (Same(View(Each->Where), View(Where))) {
            C = Each;
            break;
        }
    }
    if (C) {
        auto Now = S.Server.Query(C->F);
        if (!Now.Ok()) {
            Drop(S, C);
            return Now.Code() == STATUS_OBJECT_NAME_NOT_FOUND ? STATUS_OBJECT_PATH_NOT_FOUND : Now.Code();
        }
        RemoveEntryList(&C->Link);
        InsertHeadList(&S.Folders, &C->Link);
        Out = C;
        if (Now->Modified == C->Modified && Now->Id.Path == C->Id)
            return STATUS_SUCCESS;
        C->Modified = Now->Modified;
        C->Id = Now->Id.Path;
        NTSTATUS Status = ReadNames(S, *C);
        if (!NT_SUCCESS(Status))
            Drop(S, C);
        return Status;
    }
    C = new CachedFolder;
    if (!C)
        return STATUS_INSUFFICIENT_RESOURCES;
    NTSTATUS Status = Copy(C->Where, Where);
    if (NT_SUCCESS(Status))
        Status = WalkTo(S, Where, C->F);
    if (!NT_SUCCESS(Status)) {
        delete C;
        return Status;
    }
    InsertHeadList(&S.Folders, &C->Link);
    ++S.FolderCount;
    auto Now = S.Server.Query(C->F);
    Status = Now.Code();
    if (Now.Ok()) {
        C->Modified = Now->Modified;
        C->Id = Now->Id.Path;
        Status = Now->IsFolder() ? ReadNames(S, *C) : STATUS_OBJECT_PATH_NOT_FOUND;
    }
    if (!NT_SUCCESS(Status)) {
        Drop(S, C);
        return Status;
    }
    if (S.FolderCount > MostFolders)
        Drop(S, CONTAINING_RECORD(S.Folders.Blink, CachedFolder, Link));
    Out = C;
    return STATUS_SUCCESS;
}

}

bool Same(Chars A, Chars B) { return A.size() == B.size() && (A.empty() || memcmp(A.data(), B.data(), A.size()) == 0); }

NTSTATUS Copy(Path& To, const Path& From)
{
    To.Clear();
    if (!To.Resize(From.Size()).Ok())
        return STATUS_INSUFFICIENT_RESOURCES;
    if (From.Size())
        memcpy(To.Data(), From.Data(), From.Size());
    return STATUS_SUCCESS;
}

NTSTATUS Append(Path& To, Chars Name)
{
    usize Before = To.Size(), At = Before ? Before + 1 : 0;
    if (!To.Resize(At + Name.size()).Ok())
        return STATUS_INSUFFICIENT_RESOURCES;
    if (Before)
        To[Before] = '/';
    memcpy(To.Data() + At, Name.data(), Name.size());
    return STATUS_SUCCESS;
}

// Both are copies; without memory they are empty, and the server refuses them.
void Split(const Path& Whole, Path& Folder, Path& Name)
{
    usize At = Whole.Size();
    while (At && Whole[At - 1] != '/')
        --At;
    Folder.Clear();
    Name.Clear();
    if (!Name.Resize(Whole.Size() - At).Ok() || (At && !Folder.Resize(At - 1).Ok()))
        return;
    memcpy(Name.Data(), Whole.Data() + At, Whole.Size() - At);
    if (At)
        memcpy(Folder.Data(), Whole.Data(), At - 1);
}

bool IsBelow(const Path& What, const Path& Folder)
{
    if (!Folder.Size())
        return What.Size() > 0;
    return What.Size() > Folder.Size() && What[Folder.Size()] == '/' && memcmp(What.Data(), Folder.Data(), Folder.Size()) == 0;
}

NTSTATUS WalkTo(Share& S, const Path& Where, Fid& F)
{
    Fid At = S.Server.Root();
    Chars Names[ninep::MaximumWalk];
    usize Next = 0;
    do {
        u32 Count = 0;
        while (Next < Where.Size() && Count < ninep::MaximumWalk) {
            usize End = Next;
            while (End < Where.Size() && Where[End] != '/')
                ++End;
            Names[Count++] = { Where.Data() + Next, End - Next };
            Next = End + 1;
        }
        u32 Done;
        auto New = S.Server.Walk(At, { Names, Count }, nullptr, Done);
        if (At != S.Server.Root())
            S.Server.Clunk(At);
        if (!New.Ok())
            return New.Code() == STATUS_OBJECT_NAME_NOT_FOUND || New.Code() == STATUS_NOT_A_DIRECTORY ? STATUS_OBJECT_PATH_NOT_FOUND : New.Code();
        At = New.Value();
    } while (Next < Where.Size());
    F = At;
    return STATUS_SUCCESS;
}

bool IsDots(Chars Name) { return Same(Name, { ".", 1 }) || Same(Name, { "..", 2 }); }

NTSTATUS CheckEmpty(Share& S, const Path& Folder)
{
    CachedFolder* C;
    NTSTATUS Status = NamesOf(S, Folder, C);
    return NT_SUCCESS(Status) && C->Names.Size() ? STATUS_DIRECTORY_NOT_EMPTY : Status;
}

NTSTATUS FindName(Share& S, const Path& Folder, Chars Name, Path& Real)
{
    CachedFolder* C;
    NTSTATUS Status = NamesOf(S, Folder, C);
    if (!NT_SUCCESS(Status))
        return Status;
    Vector<wchar_t> Wanted, Each;
    if (!ninep::ToWindows(Name, Wanted).Ok())
        return STATUS_INSUFFICIENT_RESOURCES;
    u32 H = Hash(Wanted.Span());
    for (const auto& N : C->Names) {
        if (N.Hash != H || !ninep::ToWindows({ C->Text.Data() + N.At, N.Bytes }, Each).Ok() || !SameCaseless(Wanted.Span(), Each.Span()))
            continue;
        Real.Clear();
        if (!Real.Resize(N.Bytes).Ok())
            return STATUS_INSUFFICIENT_RESOURCES;
        memcpy(Real.Data(), C->Text.Data() + N.At, N.Bytes);
        return STATUS_SUCCESS;
    }
    return STATUS_OBJECT_NAME_NOT_FOUND;
}

void NameChanged(Share& S, const Path& Folder, Chars Name, bool Added)
{
    for (LIST_ENTRY* E = S.Folders.Flink; E != &S.Folders; E = E->Flink) {
        auto* C = CONTAINING_RECORD(E, CachedFolder, Link);
        if (!Same(View(C->Where), View(Folder)))
            continue;
        bool Fine = true;
        if (Added) {
            Fine = NT_SUCCESS(AddName(*C, Name));
        } else {
            for (usize I = 0; I < C->Names.Size(); ++I) {
                if (!Same({ C->Text.Data() + C->Names[I].At, C->Names[I].Bytes }, Name))
                    continue;
                C->Names[I] = C->Names.Last();
                C->Names.Pop();
                break;
            }
        }
        auto Now = Fine ? S.Server.Query(C->F) : Result<Attributes>(core::Status(STATUS_INSUFFICIENT_RESOURCES));
        if (Now.Ok())
            C->Modified = Now->Modified;
        else
            Drop(S, C);
        return;
    }
}

void ForgetFolder(Share& S, const Path& Where)
{
    for (LIST_ENTRY* E = S.Folders.Flink; E != &S.Folders;) {
        auto* C = CONTAINING_RECORD(E, CachedFolder, Link);
        E = E->Flink;
        if (Same(View(C->Where), View(Where)) || IsBelow(C->Where, Where))
            Drop(S, C);
    }
}

// --- looking up

namespace {

// Names still to be walked, the next one last.
struct Pending {
    Vector<Path> Names;
    NTSTATUS Push(Chars Name)
    {
        Path P;
        if (!P.Resize(Name.size()).Ok())
            return STATUS_INSUFFICIENT_RESOURCES;
        memcpy(P.Data(), Name.data(), Name.size());
        return Code(Names.Push(std::move(P)));
    }
};

// One name after the other.
NTSTATUS Slowly(Share& S, Pending& Todo, bool FollowLast, bool ExactCase, Found& To)
{
    Path Where;
    u32 Links = 0;
    Fid At = NoFid;                     // of Where
    NTSTATUS Status = WalkTo(S, Where, At);
    while (NT_SUCCESS(Status) && Todo.Names.Size()) {
        Path Name = std::move(Todo.Names.Last());
        Todo.Names.Pop();
        bool Last = Todo.Names.IsEmpty();
        auto F = S.Server.Walk(At, View(Name));
        if (F.Code() == STATUS_NOT_A_DIRECTORY) {
            Status = STATUS_OBJECT_PATH_NOT_FOUND;
            break;
        }
        if (F.Code() == STATUS_OBJECT_NAME_NOT_FOUND && !ExactCase) {
            Path Real;
            Status = FindName(S, Where, View(Name), Real);
            if (NT_SUCCESS(Status)) {
                F = S.Server.Walk(At, View(Real));
                Name = std::move(Real);
            } else if (Status == STATUS_OBJECT_NAME_NOT_FOUND) {
                Status = STATUS_SUCCESS;
            } else {
                break;
            }
        }
        if (F.Code() == STATUS_OBJECT_NAME_NOT_FOUND) {
            Status = Last ? STATUS_SUCCESS : STATUS_OBJECT_PATH_NOT_FOUND;
            if (Last) {
                To.Last = std::move(Name);
                To.Where = std::move(Where);
                S.Server.Clunk(At);
                return STATUS_SUCCESS;
            }
            break;
        }
        if (!F.Ok()) {
            Status = F.Code();
            break;
        }
        auto Info = S.Server.Query(F.Value());
        if (!Info.Ok()) {
            S.Server.Clunk(F.Value());
            Status = Info.Code();
            break;
        }
        if (Info->IsSymLink() && (!Last || FollowLast)) {
            Path Target;
            Status = ++Links > MostLinks ? STATUS_REPARSE_POINT_NOT_RESOLVED : Code(S.Server.ReadLink(F.Value(), Target));
            S.Server.Clunk(F.Value());
            if (NT_SUCCESS(Status) && (!Target.Size() || Target[0] == '/'))
                Status = STATUS_REPARSE_POINT_NOT_RESOLVED;
            // Its names, the last one first; where it leads up, the walk begins anew at the folder above.
            Path Base;
            if (NT_SUCCESS(Status))
                Status = Copy(Base, Where);
            Vector<Chars> Parts;
            for (usize Next = 0; NT_SUCCESS(Status) && Next < Target.Size();) {
                usize End = Next;
                while (End < Target.Size() && Target[End] != '/')
                    ++End;
                Chars Part(Target.Data() + Next, End - Next);
                Next = End + 1;
                if (Part.empty() || Same(Part, { ".", 1 }))
                    continue;
                if (!Same(Part, { "..", 2 })) {
                    Status = Code(Parts.Push(Part));
                } else if (Parts.Size()) {
                    Parts.Pop();
                } else if (Base.Size()) {
                    Path Folder, Unused;
                    Split(Base, Folder, Unused);
                    Base = std::move(Folder);
                } else {
                    Status = STATUS_REPARSE_POINT_NOT_RESOLVED;
                }
            }
            while (NT_SUCCESS(Status) && Parts.Size()) {
                Status = Todo.Push(Parts.Last());
                Parts.Pop();
            }
            if (NT_SUCCESS(Status) && Base.Size() != Where.Size()) {
                S.Server.Clunk(At);
                At = NoFid;
                Where = std::move(Base);
                Status = WalkTo(S, Where, At);
            }
            continue;
        }
        S.Server.Clunk(At);
        At = F.Value();
        To.Info = Info.Take();
        Status = Append(Where, View(Name));
        if (NT_SUCCESS(Status) && !Last && !To.Info.IsFolder())
            Status = STATUS_OBJECT_PATH_NOT_FOUND;
    }
    if (NT_SUCCESS(Status)) {
        // A link may have led to the root or to a folder on the way, whose attributes are not known yet.
        auto Info = S.Server.Query(At);
        Status = Info.Code();
        if (Info.Ok()) {
            To.Info = Info.Take();
            To.F = At;
            To.Exists = true;
            To.IsRoot = Where.IsEmpty();
            To.Where = std::move(Where);
            return STATUS_SUCCESS;
        }
    }
    if (At != NoFid)
        S.Server.Clunk(At);
    return Status;
}

}

bool LeadsToFolder(Share& S, const Path& Link)
{
    Pending Todo;
    for (usize End = Link.Size(); End;) {
        usize At = End;
        while (At && Link[At - 1] != '/')
            --At;
        if (!NT_SUCCESS(Todo.Push({ Link.Data() + At, End - At })))
            return false;
        End = At ? At - 1 : 0;
    }
    Found Is;
    bool Folder = NT_SUCCESS(Slowly(S, Todo, true, true, Is)) && Is.Exists && Is.Info.IsFolder();
    if (Is.F != NoFid)
        S.Server.Clunk(Is.F);
    return Folder;
}

NTSTATUS Lookup(Share& S, WideText Name, bool FollowLast, bool ExactCase, Found& To)
{
    // The names as the server has them.
    Vector<Path> Names;
    for (usize At = 0; At < Name.size();) {
        usize End = At;
        while (End < Name.size() && Name[End] != L'\\')
            ++End;
        Path Each;
        if (Status R = ninep::ToServer(Name.subspan(At, End - At), Each); !R.Ok())
            return Code(R);
        if (!Names.Push(std::move(Each)).Ok())
            return STATUS_INSUFFICIENT_RESOURCES;
        At = End + 1;
    }
    // All at once, which mostly works: exact names, and no links.
    if (Names.Size() <= ninep::MaximumWalk) {
        Chars Texts[ninep::MaximumWalk];
        ninep::Qid Qids[ninep::MaximumWalk];
        for (usize I = 0; I < Names.Size(); ++I)
            Texts[I] = View(Names[I]);
        u32 Done = 0;
        auto F = S.Server.Walk(S.Server.Root(), { Texts, Names.Size() }, Qids, Done);
        bool Links = false;
        for (u32 I = 0; I < Done; ++I)
            Links |= (Qids[I].Type & ninep::Qid::SymLink) && (I + 1 < Names.Size() || FollowLast);
        if (F.Ok() && !Links) {
            auto Info = S.Server.Query(F.Value());
            if (!Info.Ok()) {
                S.Server.Clunk(F.Value());
                return Info.Code();
            }
            To.F = F.Value();
            To.Info = Info.Take();
            To.Exists = true;
            To.IsRoot = Names.IsEmpty();
            for (auto& Each : Names)
                if (NTSTATUS Status = Append(To.Where, View(Each)); !NT_SUCCESS(Status)) {
                    S.Server.Clunk(To.F);
                    To.F = NoFid;
                    return Status;
                }
            return STATUS_SUCCESS;
        }
        if (F.Ok())
            S.Server.Clunk(F.Value());
        else if (F.Code() != STATUS_OBJECT_NAME_NOT_FOUND && F.Code() != STATUS_NOT_A_DIRECTORY && F.Code() != STATUS_REPARSE_POINT_NOT_RESOLVED)
            return F.Code();
        else if (!Links && Done + 1 == Names.Size() && (!Done || Qids[Done - 1].Type & ninep::Qid::Folder)) {
            // Only the last name is not there: perhaps it is in another case.
            Path Folder, Real;
            for (u32 I = 0; I < Done; ++I)
                if (NTSTATUS Status = Append(Folder, Texts[I]); !NT_SUCCESS(Status))
                    return Status;
            NTSTATUS Status = ExactCase ? STATUS_OBJECT_NAME_NOT_FOUND : FindName(S, Folder, Texts[Done], Real);
            if (Status == STATUS_OBJECT_NAME_NOT_FOUND) {
                To.Last = std::move(Names.Last());
                To.Where = std::move(Folder);
                return STATUS_SUCCESS;
            }
        }
    }
    Pending Todo;
    for (usize I = Names.Size(); I-- > 0;)
        if (NTSTATUS Status = Todo.Push(View(Names[I])); !NT_SUCCESS(Status))
            return Status;
    return Slowly(S, Todo, FollowLast, ExactCase, To);
}

}
