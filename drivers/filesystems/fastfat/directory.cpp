// Listing folders.
#include "fastfat.hpp"

namespace fastfat {

namespace {

// Where the parts of an entry of some class are.
struct Shape {
    u32 NameAt, EaAt, ShortAt, IdAt;    // 0: not in it
    bool NamesOnly, WideId;
};

bool ShapeOf(FILE_INFORMATION_CLASS Class, Shape& S)
{
    switch (int(Class)) {
    case FileDirectoryInformation: S = { 64, 0, 0, 0, false, false }; return true;
    case FileFullDirectoryInformation: S = { 68, 64, 0, 0, false, false }; return true;
    case FileIdFullDirectoryInformation: S = { 80, 64, 0, 72, false, false }; return true;
    case FileBothDirectoryInformation: S = { 94, 64, 68, 0, false, false }; return true;
    case FileIdBothDirectoryInformation: S = { 104, 64, 68, 96, false, false }; return true;
    case 60: S = { 88, 64, 0, 72, false, true }; return true;          // FileIdExtdDirectoryInformation
    case 63: S = { 114, 64, 88, 72, false, true }; return true;        // FileIdExtdBothDirectoryInformation
    case FileNamesInformation: S = { 12, 0, 0, 0, true, false }; return true;
    default: return false;
    }
}

u32 ShortText(const fat::Entry& E, WCHAR* To)
{
    u32 N = 0;
    for (u32 I = 0; I < 11; ++I) {
        if (I == 8 && E.Short[8] != ' ')
            To[N++] = L'.';
        if (E.Short[I] != ' ')
            To[N++] = fat::FromOem(I == 0 && E.Short[0] == 0x05 ? 0xE5 : E.Short[I]);
    }
    return N;
}

void Put(u8* To, const Shape& S, Volume& V, const fat::Entry& E, const WCHAR* Name, u32 NameBytes, u32 Fits, u64 Id, bool Dots)
{
    memset(To, 0, S.NameAt);
    if (S.NamesOnly) {
        memcpy(To + 8, &NameBytes, 4);
    } else {
        LARGE_INTEGER Times[4] = { ToTime(E.Created), ToTime(E.Accessed), ToTime(E.Written), ToTime(E.Written) };
        memcpy(To + 8, Times, 32);
        u64 Size = E.IsFolder() ? 0 : E.Size, Allocated = AllocatedOf(V, E);
        memcpy(To + 40, &Size, 8);
        memcpy(To + 48, &Allocated, 8);
        ULONG Attributes = AttributesOf(E);
        memcpy(To + 56, &Attributes, 4);
        memcpy(To + 60, &NameBytes, 4);
        if (S.IdAt)
            memcpy(To + S.IdAt, &Id, 8);
        if (S.ShortAt && !Dots) {
            // Only beside a long name that is another one.
            WCHAR Short[13];
            u32 N = ShortText(E, Short);
            bool Same = N * 2 == NameBytes;
            for (u32 I = 0; Same && I < N; ++I)
                Same = RtlUpcaseUnicodeChar(Name[I]) == Short[I];
            if (!Same) {
                To[S.ShortAt] = u8(N * 2);
                memcpy(To + S.ShortAt + 2, Short, N * 2);
            }
        }
    }
    memcpy(To + S.NameAt, Name, Fits);
}

bool IsMatch(Ccb& C, const WCHAR* Name, u32 Length)
{
    if (C.All)
        return true;
    UNICODE_STRING N { USHORT(Length * 2), USHORT(Length * 2), const_cast<WCHAR*>(Name) };
    return FsRtlIsNameInExpression(&C.Pattern, &N, TRUE, nullptr);
}

}

NTSTATUS QueryDirectory(Volume& V, Fcb& F, Ccb& C, IO_STACK_LOCATION* S, void* Buffer, ULONG_PTR& Information)
{
    auto& P = S->Parameters.QueryDirectory;
    Shape Shape;
    if (!ShapeOf(P.FileInformationClass, Shape))
        return STATUS_INVALID_INFO_CLASS;
    if (!F.IsFolder())
        return STATUS_INVALID_PARAMETER;
    if (F.Deleted)
        return STATUS_DELETE_PENDING;
    bool First = !C.HasPattern, Restart = S->Flags & SL_RESTART_SCAN;
    if (First || (Restart && P.FileName && P.FileName->Length)) {
        UNICODE_STRING New {};
        if (P.FileName && P.FileName->Length) {
            New.Length = New.MaximumLength = P.FileName->Length;
            New.Buffer = static_cast<WCHAR*>(Allocate(New.Length));
            if (!New.Buffer)
                return STATUS_INSUFFICIENT_RESOURCES;
            for (USHORT I = 0; I < New.Length / 2; ++I)
                New.Buffer[I] = RtlUpcaseUnicodeChar(P.FileName->Buffer[I]);
        }
        Free(C.Pattern.Buffer);
        C.Pattern = New;
        C.HasPattern = true;
        C.All = !New.Length || (New.Length == 2 && New.Buffer[0] == L'*');
    }
    if (First || Restart) {
        C.Step = C.Slot = 0;
        C.ListedAny = false;
    }
    auto* To = static_cast<u8*>(Buffer);
    u32 Used = 0, Last = 0;
    for (;;) {
        fat::Entry E;
        const WCHAR* Name;
        u32 Length, NextStep = C.Step, NextSlot = C.Slot;
        u64 Id;
        bool Dots = C.Step < 2;
        if (Dots) {
            NextStep = C.Step + 1;
            Name = L"..";
            Length = C.Step + 1;
            const Fcb& About = C.Step && F.Parent ? *F.Parent : F;
            if (F.IsRoot() || !IsMatch(C, Name, Length)) {
                C.Step = NextStep;
                continue;
            }
            E.Attributes = fat::Folder;
            E.Created = About.Entry.Created;
            E.Written = About.Entry.Written;
            E.Accessed = About.Entry.Accessed;
            Id = IdOf(About);
        } else {
            auto Next = V.Fat->Next(F.Entry, NextSlot);
            if (!Next.Ok()) {
                if (Next.Code() != STATUS_NO_MORE_FILES)
                    return Used ? STATUS_SUCCESS : Next.Code();
                break;
            }
            E = Next.Take();
            Name = reinterpret_cast<const WCHAR*>(E.Name.Data());
            Length = u32(E.Name.Size());
            WCHAR Short[13];
            if (!IsMatch(C, Name, Length) && !IsMatch(C, Short, ShortText(E, Short))) {
                C.Slot = NextSlot;
                continue;
            }
            Id = u64(E.Parent) << 32 | u64(E.Slot + E.Slots) << 5;
            // What is open is known better.
            if (auto Open = FindFcb(V, E); Open.Value()) {
                const fat::Entry& Now = Open.Value()->Entry;
                E.Size = u32(Open.Value()->Header.FileSize.QuadPart);
                E.Written = Now.Written;
                E.Attributes = Now.Attributes;
            }
        }
        u32 Start = Used ? u32(AlignUp(Used, 8)) : 0, Bytes = Length * 2;
        if (Start + Shape.NameAt + Bytes > P.Length) {
            if (Used) {
                Information = Used;
                return STATUS_SUCCESS;
            }
            // Not even one fits: as much of it as does; the scan stays where it is.
            if (P.Length < Shape.NameAt)
                return STATUS_BUFFER_TOO_SMALL;
            Put(To, Shape, V, E, Name, Bytes, (P.Length - Shape.NameAt) & ~1u, Id, Dots);
            Information = P.Length;
            return STATUS_BUFFER_OVERFLOW;
        }
        Put(To + Start, Shape, V, E, Name, Bytes, Bytes, Id, Dots);
        if (Used) {
            u32 Next = Start - Last;
            memcpy(To + Last, &Next, 4);
        }
        Last = Start;
        Used = Start + Shape.NameAt + Bytes;
        C.Step = NextStep;
        C.Slot = NextSlot;
        C.ListedAny = true;
        if (S->Flags & SL_RETURN_SINGLE_ENTRY)
            break;
    }
    Information = Used;
    if (Used)
        return STATUS_SUCCESS;
    return C.ListedAny ? STATUS_NO_MORE_FILES : First || Restart ? STATUS_NO_SUCH_FILE : STATUS_NO_MORE_FILES;
}

}
