// Listings: IRP_MN_QUERY_DIRECTORY. A listing is of the names as they were when it began, in the order of NTFS (by upper case); what they are is asked when they are told.
#include "drivers/filesystems/ninep/share.hpp"

namespace share {

namespace {

constexpr ULONG SymLinkTag = 0xA000000C;        // IO_REPARSE_TAG_SYMLINK
enum : ULONG { IdExtdDirectoryInformation = 60, IdExtdBothDirectoryInformation = 63 };

// How an entry of each class looks: where its parts are. All but FileNamesInformation begin like FILE_DIRECTORY_INFORMATION.
struct Layout {
    ULONG Class, Ea, Tag, Id, Name;     // 0: there is none
};
constexpr Layout Layouts[] = {
    { FileDirectoryInformation, 0, 0, 0, 64 },
    { FileFullDirectoryInformation, 64, 0, 0, 68 },
    { FileBothDirectoryInformation, 64, 0, 0, 94 },
    { FileIdFullDirectoryInformation, 64, 0, 72, 80 },
    { FileIdBothDirectoryInformation, 64, 0, 96, 104 },
    { IdExtdDirectoryInformation, 64, 68, 72, 88 },
    { IdExtdBothDirectoryInformation, 64, 68, 72, 114 },
    { FileNamesInformation, 0, 0, 0, 12 },
};

wchar_t Upper(wchar_t C) { return RtlUpcaseUnicodeChar(C); }

// Whether a name fits a pattern in upper case: * ? and the DOS forms < > " (FsRtlIsNameInExpression).
bool Fits(WideText Pattern, WideText Name)
{
    constexpr usize Most = 512;
    if (Pattern.size() >= Most)
        return false;
    usize LastDot = Name.size();
    for (usize I = 0; I < Name.size(); ++I)
        if (Name[I] == L'.')
            LastDot = I;
    // The places in the pattern that the name so far may have led to.
    bool Rooms[2][Most + 1] {}, *Now = Rooms[0], *Next = Rooms[1];
    Now[0] = true;
    for (usize At = 0;; ++At) {
        bool End = At == Name.size();
        wchar_t C = End ? 0 : Upper(Name[At]);
        memset(Next, 0, Pattern.size() + 1);
        bool Any = false;
        for (usize I = 0; I < Pattern.size(); ++I) {
            if (!Now[I])
                continue;
            wchar_t P = Pattern[I];
            bool Star = P == L'*' || P == L'<';
            if (Star || (P == L'>' && (End || C == L'.')) || (P == L'"' && End))
                Now[I + 1] = true;      // nothing of the name
            if (End)
                continue;
            if (P == L'*' || (P == L'<' && At != LastDot))
                Any = Next[I] = true;
            if (P == L'?' || (P == L'>' && C != L'.') || (P == L'"' && C == L'.') || (!Star && P == C))
                Any = Next[I + 1] = true;
        }
        if (End)
            return Now[Pattern.size()];
        if (!Any)
            return false;
        auto* Swap = Now;
        Now = Next;
        Next = Swap;
    }
}

WideText NameOf(Opening& O, const Entry& E) { return { O.Names.Data() + E.NameAt, E.NameChars }; }

bool Before(Opening& O, const Entry& A, const Entry& B)
{
    WideText X = NameOf(O, A), Y = NameOf(O, B);
    for (usize I = 0; I < X.size() && I < Y.size(); ++I) {
        wchar_t C = Upper(X[I]), D = Upper(Y[I]);
        if (C != D)
            return C < D;
    }
    return X.size() < Y.size();
}

// Heap sort.
void Sort(Opening& O, Entry* E, usize Count)
{
    auto Sink = [&](usize At, usize End) {
        for (usize Child; (Child = At * 2 + 1) < End; At = Child) {
            if (Child + 1 < End && Before(O, E[Child], E[Child + 1]))
                ++Child;
            if (!Before(O, E[At], E[Child]))
                return;
            Entry T = E[At];
            E[At] = E[Child];
            E[Child] = T;
        }
    };
    for (usize I = Count / 2; I-- > 0;)
        Sink(I, Count);
    for (usize End = Count; End-- > 1;) {
        Entry T = E[0];
        E[0] = E[End];
        E[End] = T;
        Sink(0, End);
    }
}

NTSTATUS AddEntry(Opening& O, WideText Name, const ninep::Qid& Id, u8 Kind)
{
    Entry E { u32(O.Names.Size()), u32(Name.size()), Id, Kind, false, {} };
    for (wchar_t C : Name)
        if (!O.Names.Push(C).Ok())
            return STATUS_INSUFFICIENT_RESOURCES;
    return Code(O.Entries.Push(E));
}

NTSTATUS ReadAll(Share& S, Opening& O)
{
    O.Entries.Clear();
    O.Names.Clear();
    O.Next = 0;
    auto F = S.Server.Again(O.F);
    if (!F.Ok())
        return F.Code();
    NTSTATUS Status = S.Server.Open(F.Value(), ninep::open::ReadOnly).Code();
    usize Dots = 0;
    if (NT_SUCCESS(Status) && O.Where.Size()) {
        Status = AddEntry(O, { L".", 1 }, {}, 4);
        if (NT_SUCCESS(Status))
            Status = AddEntry(O, { L"..", 2 }, {}, 4);
        Dots = 2;
    }
    u64 Offset = 0;
    Vector<wchar_t> Name;
    while (NT_SUCCESS(Status)) {
        auto More = S.Server.List(F.Value(), Offset, [&](const ninep::FolderEntry& E) -> core::Status {
            if (IsDots(E.Name))
                return core::Status();
            if (core::Status R = ninep::ToWindows(E.Name, Name); !R.Ok())
                return R;
            return core::Status(AddEntry(O, Name.Span(), E.Id, E.Kind));
        });
        Status = More.Code();
        if (!More.Ok() || !More.Value())
            break;
    }
    S.Server.Clunk(F.Value());
    if (NT_SUCCESS(Status) && O.Entries.Size() > Dots)
        Sort(O, O.Entries.Data() + Dots, O.Entries.Size() - Dots);
    O.Listed = NT_SUCCESS(Status);
    return Status;
}

// Attributes of the entry at At and some that will be told after it.
void Learn(Share& S, Opening& O, usize At)
{
    constexpr u32 Most = 16;
    if (At < 2 && O.Entries[At].NameChars <= 2 && NameOf(O, O.Entries[At])[0] == L'.' && !O.Entries[At].Id.Path) {
        // "." and "..": this folder's own; of the one above only that it is a folder.
        auto Info = S.Server.Query(O.F);
        if (Info.Ok())
            O.Entries[At].Info = Info.Take();
        O.Entries[At].Known = true;
        return;
    }
    Path Names[Most];
    Chars Texts[Most];
    usize Which[Most];
    Attributes Infos[Most];
    u32 Count = 0;
    for (usize I = At; I < O.Entries.Size() && Count < Most; ++I) {
        Entry& E = O.Entries[I];
        if (E.Known || (O.Pattern.Size() && !Fits(O.Pattern.Span(), NameOf(O, E))) || !ninep::ToServer(NameOf(O, E), Names[Count]).Ok())
            continue;
        Texts[Count] = View(Names[Count]);
        Which[Count++] = I;
    }
    S.Server.QuerySeveral(O.F, { Texts, Count }, { Infos, Count });
    for (u32 I = 0; I < Count; ++I) {
        Entry& E = O.Entries[Which[I]];
        E.Known = true;
        E.Info = Infos[I];
        if (E.Info.IsSymLink()) {
            Path Where;
            if (NT_SUCCESS(Copy(Where, O.Where)) && NT_SUCCESS(Append(Where, Texts[I])))
                E.LinkToFolder = LeadsToFolder(S, Where);
        }
    }
}

const Layout* LayoutOf(ULONG Class)
{
    for (const Layout& L : Layouts)
        if (L.Class == Class)
            return &L;
    return nullptr;
}

template <typename T> void Put(u8* To, ULONG At, T Value) { memcpy(To + At, &Value, sizeof(T)); }

void Fill(u8* To, const Layout& Y, const Entry& E, WideText Name)
{
    memset(To, 0, Y.Name);
    if (Y.Class == FileNamesInformation) {
        Put(To, 8, ULONG(Name.size() * 2));
        return;
    }
    const Attributes& A = E.Info;
    Put(To, 8, BornAt(A).QuadPart);
    Put(To, 16, NtTime(A.Accessed).QuadPart);
    Put(To, 24, NtTime(A.Modified).QuadPart);
    Put(To, 32, NtTime(A.Changed).QuadPart);
    Put(To, 40, LONGLONG(A.IsFolder() ? 0 : A.Size));
    Put(To, 48, A.IsFolder() ? 0 : AllocationOf(A));
    Put(To, 56, FileAttributes(A) | (E.LinkToFolder ? FILE_ATTRIBUTE_DIRECTORY : 0));
    Put(To, 60, ULONG(Name.size() * 2));
    ULONG Tag = A.IsSymLink() ? SymLinkTag : 0;
    if (Y.Tag)
        Put(To, Y.Tag, Tag);
    else if (Y.Ea)
        Put(To, Y.Ea, Tag);             // the place of a link's tag where there is no other
    if (Y.Id)
        Put(To, Y.Id, A.Id.Path);
}

NTSTATUS SetPattern(Opening& O, const UNICODE_STRING* Name)
{
    O.Pattern.Clear();
    if (!Name || !Name->Length)
        return STATUS_SUCCESS;
    for (USHORT I = 0; I < Name->Length / sizeof(WCHAR); ++I)
        if (!O.Pattern.Push(Upper(Name->Buffer[I])).Ok())
            return STATUS_INSUFFICIENT_RESOURCES;
    if (O.Pattern.Size() == 1 && O.Pattern[0] == L'*')
        O.Pattern.Clear();              // all
    return STATUS_SUCCESS;
}

}

NTSTATUS QueryDirectory(Share& S, PIRP I, IO_STACK_LOCATION* L)
{
    Opening* O = OpeningOf(L->FileObject);
    auto& P = L->Parameters.QueryDirectory;
    if (!O || O->IsVolume || !O->Of->IsFolder)
        return STATUS_INVALID_PARAMETER;
    const Layout* Y = LayoutOf(P.FileInformationClass);
    if (!Y)
        return STATUS_INVALID_INFO_CLASS;
    auto* To = static_cast<u8*>(BufferOf(I));
    if (P.Length < Y->Name || !To)
        return STATUS_INFO_LENGTH_MISMATCH;
    Turn Mine(S.Lock);
    bool First = !O->Listed || L->Flags & SL_RESTART_SCAN;
    if (First) {
        if (!O->Listed || (P.FileName && P.FileName->Length))
            if (NTSTATUS Status = SetPattern(*O, P.FileName); !NT_SUCCESS(Status))
                return Status;
        if (NTSTATUS Status = ReadAll(S, *O); !NT_SUCCESS(Status))
            return Status;
    }
    ULONG Used = 0, Last = ~0u;
    NTSTATUS Status = STATUS_SUCCESS;
    for (; O->Next < O->Entries.Size(); ++O->Next) {
        Entry& E = O->Entries[O->Next];
        WideText Name = NameOf(*O, E);
        if (O->Pattern.Size() && !Fits(O->Pattern.Span(), Name))
            continue;
        ULONG At = Used, Bytes = ULONG(Y->Name + Name.size() * 2);
        if (Last != ~0u) {
            At = AlignUp(Used, 8);
            if (At > P.Length || Bytes > P.Length - At)
                break;
        }
        if (Y->Class != FileNamesInformation && !E.Known)
            Learn(S, *O, O->Next);
        if (Y->Class != FileNamesInformation && !E.Info.Mode)
            continue;                   // gone meanwhile
        ULONG Room = P.Length - At;
        Fill(To + At, *Y, E, Name);
        ULONG Fit = Bytes > Room ? (Room - Y->Name) & ~1u : Bytes - Y->Name;
        memcpy(To + At + Y->Name, Name.data(), Fit);
        if (Last != ~0u)
            Put(To, Last, At - Last);
        Last = At;
        Used = At + Y->Name + Fit;
        if (Bytes > Room) {
            Status = STATUS_BUFFER_OVERFLOW;
            ++O->Next;
            break;
        }
        if (L->Flags & SL_RETURN_SINGLE_ENTRY) {
            ++O->Next;
            break;
        }
    }
    if (Last == ~0u)
        return First ? STATUS_NO_SUCH_FILE : STATUS_NO_MORE_FILES;
    I->IoStatus.Information = Used;
    return Status;
}

}
