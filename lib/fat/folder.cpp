// Folders: 32-byte places, long names, short names.
#include <string.h>

#include "lib/core/defer.hpp"
#include "lib/fat/fat.hpp"

namespace fat {

using namespace nt;

static constexpr u32 MaximumSlots = 65536, NamePart = 13, LongAttributes = 0x0F;
static constexpr u8 Deleted = 0xE5, LowerBase = 0x08, LowerExtension = 0x10;
static constexpr u8 PartAt[NamePart] = { 1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30 };

static u16 Word(const u8* At) { return u16(At[0] | At[1] << 8); }
static void PutWord(u8* At, u32 Value)
{
    At[0] = u8(Value);
    At[1] = u8(Value >> 8);
}

static u8 Checksum(const u8* Short)
{
    u8 Sum = 0;
    for (u32 I = 0; I < 11; ++I)
        Sum = u8((Sum >> 1 | Sum << 7) + Short[I]);
    return Sum;
}

Entry Volume::Root() const { return Dir(0); }

Entry Volume::Dir(u32 First) const
{
    Entry E;
    E.Attributes = Folder;
    E.First = First ? First : RootCluster_;
    E.Slots = 0;
    return E;
}

bool Volume::Same(Text A, Text B) const
{
    if (A.size() != B.size())
        return false;
    for (usize I = 0; I < A.size(); ++I)
        if (UpCase_(A[I]) != UpCase_(B[I]))
            return false;
    return true;
}

// Where on the device a place of a folder is. Beyond: the folder ends before it.
Result<u64> Volume::PlaceOf(Entry& Dir, u32 Slot, bool& Beyond)
{
    Beyond = Slot >= MaximumSlots;
    if (Beyond)
        return u64(0);
    if (!Dir.First) {
        Beyond = Slot >= RootSlots_;
        return RootStart_ + u64(Slot) * 32;
    }
    u32 Index = u32(u64(Slot) * 32 / ClusterBytes_), Cluster = Dir.First;
    if (Index) {
        if (TRY(Get(TRY(ClusterAt(Dir, Index - 1)))) == End) {
            Beyond = true;
            return u64(0);
        }
        Cluster = TRY(ClusterAt(Dir, Index));
    } else if (Cluster < 2 || Cluster >= Clusters_ + 2) {
        return STATUS_FILE_CORRUPT_ERROR;
    }
    return DataOf(Cluster) + u64(Slot) * 32 % ClusterBytes_;
}

Status Volume::ReadSlot(Entry& Dir, u32 Slot, u8* To, bool& Beyond)
{
    u64 At = TRY(PlaceOf(Dir, Slot, Beyond));
    return Beyond ? Status(STATUS_SUCCESS) : On_.ReadAt(At, To, 32);
}

Status Volume::WriteSlots(Entry& Dir, u32 Slot, std::span<const u8> Slots)
{
    for (u32 I = 0, Count = u32(Slots.size() / 32); I < Count;) {
        bool Beyond;
        u64 At = TRY(PlaceOf(Dir, Slot + I, Beyond));
        if (Beyond)
            return STATUS_FILE_CORRUPT_ERROR;
        u32 Here = u32((SectorBytes_ - At % SectorBytes_) / 32);
        if (Here > Count - I)
            Here = Count - I;
        TRY(On_.WriteAt(At, &Slots[I * 32], Here * 32));
        I += Here;
    }
    return On_.Barrier();
}

Result<Entry> Volume::Next(const Entry& In, u32& Slot)
{
    Entry At = Dir(In.First == RootCluster_ ? 0 : In.First);
    wchar_t Name[260];
    u32 Expected = 0, Sum = 0, Start = 0, Length = 0;
    for (;; ++Slot) {
        u8 S[32];
        bool Beyond;
        TRY(ReadSlot(At, Slot, S, Beyond));
        if (Beyond || !S[0])
            return STATUS_NO_MORE_FILES;
        if (S[0] == Deleted) {
            Expected = 0;
            continue;
        }
        if ((S[11] & 0x3F) == LongAttributes) {
            u32 Number = S[0] & 0x3F;
            if (S[0] & 0x40) {
                Start = Slot;
                Sum = S[13];
                Length = Number * NamePart;
                Expected = Number <= 20 ? Number : 0;
            } else if (!Expected || Number != Expected - 1 || S[13] != Sum) {
                Expected = 0;
                continue;
            } else {
                Expected = Number;
            }
            for (u32 I = 0; Expected && I < NamePart; ++I)
                Name[(Number - 1) * NamePart + I] = wchar_t(Word(S + PartAt[I]));
            if (Expected == 1)
                Expected = 100;         // complete
            else if (!Number)
                Expected = 0;
            continue;
        }
        bool HasLong = Expected == 100 && Sum == Checksum(S);
        Expected = 0;
        if ((S[11] & fat::Label) || S[0] == '.')
            continue;
        Entry E;
        memcpy(E.Short, S, 11);
        E.Attributes = S[11] & 0x3F;
        E.Created = { Word(S + 16), Word(S + 14), S[13] };
        E.Accessed = { Word(S + 18), 0, 0 };
        E.Written = { Word(S + 24), Word(S + 22), 0 };
        E.First = u32(Word(S + 26)) | (Bits_ == 32 ? u32(Word(S + 20)) << 16 : 0);
        E.Size = u32(Word(S + 28)) | u32(Word(S + 30)) << 16;
        E.Parent = In.First == RootCluster_ ? 0 : In.First;
        E.Slot = HasLong ? Start : Slot;
        E.Slots = Slot - E.Slot + 1;
        if (HasLong) {
            u32 Count = 0;
            while (Count < Length && Count < 255 && Name[Count])
                ++Count;
            TRY(E.Name.Resize(Count));
            memcpy(E.Name.Data(), Name, Count * sizeof(wchar_t));
        } else {
            auto Add = [&](u32 From, u32 To, bool Lower) -> Status {
                while (To > From && S[To - 1] == ' ')
                    --To;
                for (u32 I = From; I < To; ++I) {
                    u8 C = I == 0 && S[0] == 0x05 ? Deleted : S[I];
                    TRY(E.Name.Push(Lower && C >= 'A' && C <= 'Z' ? wchar_t(C + 0x20) : FromOem(C)));
                }
                return STATUS_SUCCESS;
            };
            TRY(Add(0, 8, S[12] & LowerBase));
            if (S[8] != ' ') {
                TRY(E.Name.Push(L'.'));
                TRY(Add(8, 11, S[12] & LowerExtension));
            }
        }
        ++Slot;
        return E;
    }
}

// A short name as text.
static u32 ShortText(const u8* Short, wchar_t* To)
{
    u32 Length = 0;
    for (u32 I = 0; I < 11; ++I) {
        if (I == 8 && Short[8] != ' ')
            To[Length++] = L'.';
        if (Short[I] != ' ')
            To[Length++] = FromOem(I == 0 && Short[0] == 0x05 ? Deleted : Short[I]);
    }
    return Length;
}

Result<Entry> Volume::Find(const Entry& Dir, Text Name)
{
    for (u32 Slot = 0;;) {
        Result<Entry> E = Next(Dir, Slot);
        if (!E.Ok())
            return E.Code() == STATUS_NO_MORE_FILES ? Status(STATUS_OBJECT_NAME_NOT_FOUND) : E.GetStatus();
        wchar_t Short[13];
        u32 Length = ShortText(E->Short, Short);
        if (Same(E->Name.Span(), Name) || Same({ Short, Length }, Name))
            return E;
    }
}

Result<bool> Volume::ShortExists(const Entry& Dir, const u8* Short)
{
    for (u32 Slot = 0;;) {
        Result<Entry> E = Next(Dir, Slot);
        if (!E.Ok()) {
            if (E.Code() == STATUS_NO_MORE_FILES)
                return false;
            return E.GetStatus();
        }
        if (memcmp(E->Short, Short, 11) == 0)
            return true;
    }
}

// --- making names

static bool GoodInLong(wchar_t C)
{
    for (const char* Not = "\"*/:<>?\\|"; *Not; ++Not)
        if (C == wchar_t(*Not))
            return false;
    return C >= 0x20;
}

static bool GoodInShort(u8 C)
{
    for (const char* Not = " +,;=[]."; *Not; ++Not)
        if (C == u8(*Not))
            return false;
    return C > 0x20 && C != 0x7F;
}

// The short name for Name, and whether a long one is needed beside it.
Status Volume::MakeNames(const Entry& Dir, Text Name, u8* Short, u8& Case, bool& NeedsLong)
{
    if (Name.empty() || Name.size() > 255 || Name.back() == L'.' || Name.back() == L' ')
        return STATUS_OBJECT_NAME_INVALID;
    for (wchar_t C : Name)
        if (!GoodInLong(C))
            return STATUS_OBJECT_NAME_INVALID;
    usize Dot = Name.size();
    for (usize I = Name.size(); I-- > 1 && Dot == Name.size();)
        if (Name[I] == L'.')
            Dot = I;
    memset(Short, ' ', 11);
    bool Lossy = false, Lower[2] = {}, Capital[2] = {}, Other[2] = {};
    u32 Base = 0, Extension = 0;
    for (usize I = 0; I < Name.size(); ++I) {
        if (I == Dot)
            continue;
        bool InExtension = I > Dot;
        wchar_t C = Name[I], Raised = UpCase_(C);
        u8 O = ToOem(Raised);
        if (C == L' ' || C == L'.') {
            Lossy = true;
            continue;
        }
        if (!O || !GoodInShort(O)) {
            O = '_';
            Lossy = true;
        }
        Lower[InExtension] |= C >= L'a' && C <= L'z';
        Capital[InExtension] |= C >= L'A' && C <= L'Z';
        Other[InExtension] |= C >= 0x80 && C != Raised;
        u32& Length = InExtension ? Extension : Base;
        if (Length == (InExtension ? 3u : 8u))
            Lossy = true;
        else
            Short[(InExtension ? 8 : 0) + Length++] = O;
    }
    if (!Base) {
        Short[0] = '_';
        Base = 1;
        Lossy = true;
    }
    NeedsLong = Lossy || (Lower[0] && Capital[0]) || (Lower[1] && Capital[1]) || Other[0] || Other[1];
    Case = NeedsLong ? 0 : u8((Lower[0] ? LowerBase : 0) | (Lower[1] ? LowerExtension : 0));
    auto Escape = [&] {
        if (Short[0] == Deleted)
            Short[0] = 0x05;
    };
    if (!Lossy) {
        Escape();
        if (!NeedsLong || !TRY(ShortExists(Dir, Short)))
            return STATUS_SUCCESS;
    }
    // A number behind it; after a few, part of the name becomes a hash, so that many alike do not take long.
    u32 Hash = 0;
    for (wchar_t C : Name)
        Hash = Hash * 31 + u16(C);
    u8 Start[8];
    memcpy(Start, Short, 8);
    for (u32 N = 1; N < 1000000; ++N) {
        u32 Keep = Base;
        memcpy(Short, Start, 8);
        if (N > 4) {
            Keep = Base < 2 ? Base : 2;
            for (u32 I = 0; I < 4; ++I)
                Short[Keep++] = u8("0123456789ABCDEF"[(Hash + N / 10) >> (4 * I) & 0xF]);
        }
        u8 Tail[8];
        u32 Digits = 0;
        for (u32 Rest = N > 4 ? N % 10 : N; Rest || !Digits; Rest /= 10)
            Tail[Digits++] = u8('0' + Rest % 10);
        if (Keep + Digits + 1 > 8)
            Keep = 8 - Digits - 1;
        memset(Short + Keep, ' ', 8 - Keep);
        Short[Keep++] = '~';
        while (Digits)
            Short[Keep++] = Tail[--Digits];
        Escape();
        if (!TRY(ShortExists(Dir, Short)))
            return STATUS_SUCCESS;
    }
    return STATUS_OBJECT_NAME_COLLISION;
}

void Volume::Encode(const Entry& E, u8 Case, u8* To) const
{
    memset(To, 0, 32);
    memcpy(To, E.Short, 11);
    To[11] = E.Attributes;
    To[12] = Case;
    To[13] = E.Created.Tenths;
    PutWord(To + 14, E.Created.Time);
    PutWord(To + 16, E.Created.Date);
    PutWord(To + 18, E.Accessed.Date);
    PutWord(To + 20, Bits_ == 32 ? E.First >> 16 : 0);
    PutWord(To + 22, E.Written.Time);
    PutWord(To + 24, E.Written.Date);
    PutWord(To + 26, E.First & 0xFFFF);
    PutWord(To + 28, E.IsFolder() ? 0 : E.Size & 0xFFFF);
    PutWord(To + 30, E.IsFolder() ? 0 : E.Size >> 16);
}

// The first of so many free places in a row; the folder gets a cluster more if it must. What follows them reads as free or as the end.
Result<u32> Volume::FindRoom(Entry& Dir, u32 Slots)
{
    u32 Run = 0;
    bool Ended = false;
    for (u32 Slot = 0;; ++Slot) {
        u8 S[32] = {};
        bool Beyond;
        TRY(ReadSlot(Dir, Slot, S, Beyond));
        if (Beyond) {
            if (!Dir.First || Slot >= MaximumSlots)
                return STATUS_DISK_FULL;
            u32 Last = TRY(ClusterAt(Dir, u32(u64(Slot) * 32 / ClusterBytes_) - 1)), New = TRY(Take(Last));
            TRY(Zero(DataOf(New), ClusterBytes_));
            TRY(WriteTable());
            TRY(Set(Last, New));
            TRY(WriteTable());
            memset(S, 0, sizeof(S));
        }
        Ended |= !S[0];
        Run = Ended || S[0] == Deleted ? Run + 1 : 0;
        if (Run < Slots)
            continue;
        if (Ended) {
            // Behind the end anything may lie: the new end comes first.
            static constexpr u8 Nothing[32] = {};
            u8 Behind[32];
            TRY(ReadSlot(Dir, Slot + 1, Behind, Beyond));
            if (!Beyond && Behind[0])
                TRY(WriteSlots(Dir, Slot + 1, Nothing));
        }
        return Slot + 1 - Slots;
    }
}

// Gives E, whose data is on the medium, a name in Dir.
Status Volume::Insert(Entry& To, Text Name, Entry& E)
{
    u8 Case = 0, Slots[21 * 32];
    bool NeedsLong;
    TRY(MakeNames(To, Name, E.Short, Case, NeedsLong));
    u32 Long = NeedsLong ? u32((Name.size() + NamePart - 1) / NamePart) : 0;
    Entry At = Dir(To.First == RootCluster_ ? 0 : To.First);
    for (u32 I = 0; I < Long; ++I) {
        u8* S = Slots + I * 32;
        u32 Number = Long - I;
        memset(S, 0, 32);
        S[0] = u8(Number | (I == 0 ? 0x40 : 0));
        S[11] = LongAttributes;
        S[13] = Checksum(E.Short);
        for (u32 J = 0; J < NamePart; ++J) {
            usize From = (Number - 1) * NamePart + J;
            PutWord(S + PartAt[J], From < Name.size() ? u16(Name[From]) : From == Name.size() ? 0 : 0xFFFF);
        }
    }
    Encode(E, Case, Slots + Long * 32);
    Vector<wchar_t> Copy;
    TRY(Copy.Resize(Name.size()));
    memcpy(Copy.Data(), Name.data(), Name.size() * sizeof(wchar_t));
    u32 Parent = To.First == RootCluster_ ? 0 : To.First;
    // In its old place if it fits there, else in a new one.
    bool InPlace = E.Slots == Long + 1 && E.Slot != ~0u && E.Parent == Parent;
    u32 Slot = InPlace ? E.Slot : TRY(FindRoom(At, Long + 1));
    TRY(WriteSlots(At, Slot, { Slots, (Long + 1) * 32 }));
    E.Name = std::move(Copy);
    E.Parent = Parent;
    E.Slot = Slot;
    E.Slots = Long + 1;
    return STATUS_SUCCESS;
}

// Takes E's name out of its folder, the short entry first: with it the file is gone.
Status Volume::Erase(const Entry& E)
{
    Entry At = Dir(E.Parent);
    for (u32 I = E.Slots; I-- > 0;) {
        bool Beyond;
        u64 Place = TRY(PlaceOf(At, E.Slot + I, Beyond));
        if (Beyond)
            return STATUS_FILE_CORRUPT_ERROR;
        TRY(On_.WriteAt(Place, &Deleted, 1));
    }
    return On_.Barrier();
}

// Parts of long names before no entry that they belong to.
Status Volume::EraseOrphans(u32 First)
{
    Entry In = Dir(First);
    u32 Run = 0, Start = 0, Expected = 0, Sum = 0;      // Run: where the parts begin; Start: where what may be a whole name does
    bool Any = false;
    for (u32 Slot = 0;; ++Slot) {
        u8 S[32];
        bool Beyond;
        TRY(ReadSlot(In, Slot, S, Beyond));
        bool Ends = Beyond || !S[0];
        if (!Ends && S[0] != Deleted && (S[11] & 0x3F) == LongAttributes) {
            u32 Number = S[0] & 0x3F;
            if (!std::exchange(Any, true))
                Run = Slot;
            if (S[0] & 0x40) {
                Start = Slot;
                Sum = S[13];
                Expected = Number && Number <= 20 ? Number : 0;
            } else {
                Expected = Expected > 1 && Number == Expected - 1 && S[13] == Sum ? Number : 0;
            }
            continue;
        }
        bool Has = Any && Expected == 1 && !Ends && S[0] != Deleted && Sum == Checksum(S);
        for (u32 I = Run; Any && I < (Has ? Start : Slot); ++I) {
            u64 Place = TRY(PlaceOf(In, I, Beyond));
            TRY(On_.WriteAt(Place, &Deleted, 1));
        }
        Any = false;
        Expected = 0;
        if (Ends)
            return STATUS_SUCCESS;
    }
}

Result<Entry> Volume::Create(Entry& In, Text Name, u8 Attributes, Stamp Now)
{
    Result<Entry> Has = Find(In, Name);
    if (Has.Ok())
        return STATUS_OBJECT_NAME_COLLISION;
    if (Has.Code() != STATUS_OBJECT_NAME_NOT_FOUND)
        return Has.GetStatus();
    Entry E;
    u8 Case;
    bool NeedsLong;
    TRY(MakeNames(In, Name, E.Short, Case, NeedsLong));         // before anything is taken
    E.Attributes = Attributes & ~fat::Label;
    E.Created = E.Written = E.Accessed = Now;
    E.Slot = ~0u;
    TRY(MarkDirty());
    if (E.IsFolder()) {
        E.First = TRY(Take(0));
        u8 Slots[64];
        Entry Dots;
        Dots.Attributes = Folder;
        Dots.Created = Dots.Written = Dots.Accessed = Now;
        memset(Dots.Short, ' ', 11);
        Dots.Short[0] = '.';
        Dots.First = E.First;
        Encode(Dots, 0, Slots);
        Dots.Short[1] = '.';
        Dots.First = In.First == RootCluster_ ? 0 : In.First;
        Encode(Dots, 0, Slots + 32);
        TRY(Zero(DataOf(E.First), ClusterBytes_));
        TRY(On_.WriteAt(DataOf(E.First), Slots, sizeof(Slots)));
        TRY(WriteTable());
    }
    if (Status S = Insert(In, Name, E); !S.Ok()) {
        if (E.First)
            TRY(Release(E.First));
        return S;
    }
    return E;
}

Status Volume::Remove(const Entry& E)
{
    if (!E.Slots)
        return STATUS_CANNOT_DELETE;
    if (E.IsFolder()) {
        u32 Slot = 0;
        Result<Entry> Inside = Next(E, Slot);
        if (Inside.Ok())
            return STATUS_DIRECTORY_NOT_EMPTY;
        if (Inside.Code() != STATUS_NO_MORE_FILES)
            return Inside.GetStatus();
    }
    TRY(MarkDirty());
    TRY(Erase(E));
    return Release(E.First);
}

Status Volume::Rename(Entry& E, Entry& To, Text Name)
{
    if (!E.Slots)
        return STATUS_ACCESS_DENIED;
    Result<Entry> Has = Find(To, Name);
    if (Has.Ok() && (Has->Parent != E.Parent || Has->Slot != E.Slot))
        return STATUS_OBJECT_NAME_COLLISION;
    if (!Has.Ok() && Has.Code() != STATUS_OBJECT_NAME_NOT_FOUND)
        return Has.GetStatus();
    u32 Parent = To.First == RootCluster_ ? 0 : To.First;
    if (E.IsFolder()) {
        // Not into itself.
        u32 Above = Parent;
        for (u32 Depth = 0; Above; ++Depth) {
            if (Above == E.First || Depth > 1024)
                return STATUS_INVALID_PARAMETER;
            Entry At = Dir(Above);
            u8 S[32];
            bool Beyond;
            TRY(ReadSlot(At, 1, S, Beyond));
            Above = Beyond ? 0 : u32(Word(S + 26)) | (Bits_ == 32 ? u32(Word(S + 20)) << 16 : 0);
        }
    }
    TRY(MarkDirty());
    Entry Old;
    Old.Parent = E.Parent;
    Old.Slot = E.Slot;
    Old.Slots = E.Slots;
    TRY(Insert(To, Name, E));
    if (Old.Parent == E.Parent && Old.Slot == E.Slot)
        return STATUS_SUCCESS;
    if (E.IsFolder() && Old.Parent != E.Parent) {
        Entry At = Dir(E.First);
        u8 S[32];
        bool Beyond;
        TRY(ReadSlot(At, 1, S, Beyond));
        if (!Beyond && S[0] == '.' && S[1] == '.') {
            PutWord(S + 26, Parent & 0xFFFF);
            PutWord(S + 20, Bits_ == 32 ? Parent >> 16 : 0);
            TRY(WriteSlots(At, 1, S));
        }
    }
    return Erase(Old);
}

Status Volume::Update(const Entry& E)
{
    if (!E.Slots)
        return STATUS_SUCCESS;
    TRY(MarkDirty());
    Entry At = Dir(E.Parent);
    u8 S[32], New[32];
    bool Beyond;
    TRY(ReadSlot(At, E.Slot + E.Slots - 1, S, Beyond));
    if (Beyond || memcmp(S, E.Short, 11) != 0)
        return STATUS_FILE_CORRUPT_ERROR;
    Encode(E, S[12], New);
    return WriteSlots(At, E.Slot + E.Slots - 1, New);
}

// --- the label

Result<u32> Volume::FindLabel(u8* To)
{
    Entry Top = Root();
    for (u32 Slot = 0;; ++Slot) {
        bool Beyond;
        TRY(ReadSlot(Top, Slot, To, Beyond));
        if (Beyond || !To[0])
            return u32(~0u);
        if (To[0] != Deleted && (To[11] & 0x3F) != LongAttributes && (To[11] & (fat::Label | Folder)) == fat::Label)
            return Slot;
    }
}

Result<Vector<wchar_t>> Volume::Label()
{
    u8 S[32];
    Vector<wchar_t> Text;
    if (TRY(FindLabel(S)) == ~0u)
        return Text;
    u32 Length = 11;
    while (Length && S[Length - 1] == ' ')
        --Length;
    for (u32 I = 0; I < Length; ++I)
        TRY(Text.Push(FromOem(I == 0 && S[0] == 0x05 ? Deleted : S[I])));
    return Text;
}

Status Volume::SetLabel(Text New, Stamp Now)
{
    u8 Name[11];
    memset(Name, ' ', 11);
    if (New.size() > 11)
        return STATUS_INVALID_VOLUME_LABEL;
    for (usize I = 0; I < New.size(); ++I) {
        u8 O = ToOem(UpCase_(New[I]));
        bool Bad = O < 0x20;
        for (const char* Not = "\"*+,./:;<=>?[\\]|"; *Not; ++Not)
            Bad |= O == u8(*Not);
        if (Bad || (I == 0 && O == ' '))
            return STATUS_INVALID_VOLUME_LABEL;
        Name[I] = O;
    }
    if (Name[0] == Deleted)
        Name[0] = 0x05;
    TRY(MarkDirty());
    // The boot sector has a copy, which checkers compare.
    Vector<u8> Boot;
    TRY(Boot.Resize(SectorBytes_));
    TRY(On_.ReadAt(0, Boot.Data(), SectorBytes_));
    u32 Signature = Bits_ == 32 ? 66 : 38;
    if (Boot[Signature] == 0x29) {
        memcpy(&Boot[Signature + 5], New.empty() ? reinterpret_cast<const u8*>("NO NAME    ") : Name, 11);
        TRY(On_.WriteAt(0, Boot.Data(), SectorBytes_));
    }
    u8 S[32];
    u32 Slot = TRY(FindLabel(S));
    Entry Top = Root();
    if (New.empty()) {
        if (Slot == ~0u)
            return STATUS_SUCCESS;
        S[0] = Deleted;
        return WriteSlots(Top, Slot, S);
    }
    if (Slot == ~0u)
        Slot = TRY(FindRoom(Top, 1));
    memset(S, 0, sizeof(S));
    memcpy(S, Name, 11);
    S[11] = fat::Label;
    PutWord(S + 22, Now.Time);
    PutWord(S + 24, Now.Date);
    return WriteSlots(Top, Slot, S);
}

}
