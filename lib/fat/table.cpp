// The boot sector and the file allocation table.
#include <string.h>

#include "lib/fat/fat.hpp"

namespace fat {

using namespace nt;

static u16 Word(const u8* At) { return u16(At[0] | At[1] << 8); }
static u32 Long(const u8* At) { return u32(Word(At)) | u32(Word(At + 2)) << 16; }
static void PutLong(u8* At, u32 Value)
{
    for (u32 I = 0; I < 4; ++I)
        At[I] = u8(Value >> (8 * I));
}

Result<Own<Volume>> Volume::Mount(Device& On, wchar_t (*UpCase)(wchar_t))
{
    Own<Volume> V(new Volume(On, UpCase));
    if (!V)
        return STATUS_INSUFFICIENT_RESOURCES;
    TRY(V->ReadBoot());
    TRY(V->ReadFsInfo());
    return V;
}

Status Volume::ReadBoot()
{
    u8 B[512];
    u64 Size = On_.Size();
    if (Size < sizeof(B))
        return STATUS_UNRECOGNIZED_VOLUME;
    TRY(On_.ReadAt(0, B, sizeof(B)));
    SectorBytes_ = Word(B + 11);
    u32 PerCluster = B[13], Reserved = Word(B + 14), Sectors = Word(B + 19);
    Tables_ = B[16];
    RootSlots_ = Word(B + 17);
    TableSectors_ = Word(B + 22);
    if (!Sectors)
        Sectors = Long(B + 32);
    bool Large = !TableSectors_;
    if (Large)
        TableSectors_ = Long(B + 36);
    auto IsPower = [](u32 N) { return N && !(N & (N - 1)); };
    if ((B[0] != 0xEB && B[0] != 0xE9) || !IsPower(SectorBytes_) || SectorBytes_ < 512 || SectorBytes_ > 4096 || !IsPower(PerCluster) || !Reserved || !Tables_ ||
        Tables_ > 4 || !TableSectors_ || !Sectors || u64(Sectors) * SectorBytes_ > Size || PerCluster * SectorBytes_ > 256 * KiB)
        return STATUS_UNRECOGNIZED_VOLUME;
    u64 RootSectors = (u64(RootSlots_) * 32 + SectorBytes_ - 1) / SectorBytes_;
    u64 First = Reserved + u64(Tables_) * TableSectors_ + RootSectors;
    if (First >= Sectors)
        return STATUS_UNRECOGNIZED_VOLUME;
    ClusterBytes_ = PerCluster * SectorBytes_;
    Clusters_ = u32((Sectors - First) / PerCluster);
    Bits_ = Large ? 32 : Clusters_ < 4085 ? 12 : 16;
    if (!Clusters_ || Clusters_ > (Large ? 0x0FFFFFF4u : 65524u) || (Large ? RootSlots_ != 0 : RootSlots_ == 0))
        return STATUS_UNRECOGNIZED_VOLUME;
    u64 Need = (u64(Clusters_ + 2) * Bits_ + 7) / 8;
    if (Need > u64(TableSectors_) * SectorBytes_)
        return STATUS_UNRECOGNIZED_VOLUME;
    TableStart_ = u64(Reserved) * SectorBytes_;
    RootStart_ = TableStart_ + u64(Tables_) * TableSectors_ * SectorBytes_;
    DataStart_ = First * SectorBytes_;
    Serial_ = Long(B + (Large ? 67 : 39));
    WasDirty_ = B[Large ? 0x41 : 0x25] & 1;
    if (Large) {
        u32 Flags = Word(B + 40);
        Mirrored_ = !(Flags & 0x80);
        FirstTable_ = Mirrored_ ? 0 : Flags & 0xF;
        RootCluster_ = Long(B + 44);
        InfoSector_ = Word(B + 48);
        if (InfoSector_ >= Reserved)
            InfoSector_ = 0;
        if (FirstTable_ >= Tables_ || Word(B + 42) != 0 || RootCluster_ < 2 || RootCluster_ >= Clusters_ + 2)
            return STATUS_UNRECOGNIZED_VOLUME;
    }
    return Table_.Resize((Need + SectorBytes_ - 1) / SectorBytes_);
}

Status Volume::ReadFsInfo()
{
    if (!InfoSector_)
        return STATUS_SUCCESS;
    Vector<u8> S;
    TRY(S.Resize(SectorBytes_));
    TRY(On_.ReadAt(u64(InfoSector_) * SectorBytes_, S.Data(), SectorBytes_));
    if (Long(S.Data()) != 0x41615252 || Long(S.Data() + 484) != 0x61417272) {
        InfoSector_ = 0;
        return STATUS_SUCCESS;
    }
    // The count is believed only after it has been counted (FreeClusters); the hint is one.
    u32 Hint = Long(S.Data() + 492);
    if (Hint >= 2 && Hint < Clusters_ + 2)
        Hint_ = Hint;
    return STATUS_SUCCESS;
}

Status Volume::WriteFsInfo()
{
    if (!InfoSector_)
        return STATUS_SUCCESS;
    Vector<u8> S;
    TRY(S.Resize(SectorBytes_));
    TRY(On_.ReadAt(u64(InfoSector_) * SectorBytes_, S.Data(), SectorBytes_));
    PutLong(S.Data() + 488, Free_);
    PutLong(S.Data() + 492, Hint_);
    return On_.WriteAt(u64(InfoSector_) * SectorBytes_, S.Data(), SectorBytes_);
}

// --- entries

Result<u8*> Volume::TableSector(u32 Index)
{
    if (Index >= Table_.Size())
        return STATUS_FILE_CORRUPT_ERROR;
    if (!Table_[Index]) {
        Own<Cached> New(new (std::nothrow) Cached);
        if (!New)
            return STATUS_INSUFFICIENT_RESOURCES;
        TRY(New->Bytes.Resize(SectorBytes_));
        TRY(On_.ReadAt(TableStart_ + (u64(FirstTable_) * TableSectors_ + Index) * SectorBytes_, New->Bytes.Data(), SectorBytes_));
        Table_[Index] = std::move(New);
    }
    return Table_[Index]->Bytes.Data();
}

// 0: free; End: the last of a chain; Bad; otherwise the next.
Result<u32> Volume::Get(u32 Cluster)
{
    if (Cluster < 2 || Cluster >= Clusters_ + 2)
        return STATUS_FILE_CORRUPT_ERROR;
    u32 At = Bits_ == 12 ? Cluster + Cluster / 2 : Cluster * (Bits_ / 8);
    u32 Value = 0;
    for (u32 I = 0; I < (Bits_ + 7) / 8; ++I)
        Value |= u32(TRY(TableSector((At + I) / SectorBytes_))[(At + I) % SectorBytes_]) << (8 * I);
    if (Bits_ == 12)
        Value = Cluster % 2 ? Value >> 4 : Value & 0xFFF;
    Value &= 0x0FFFFFFF;
    u32 Special = Bits_ == 12 ? 0xFF7 : Bits_ == 16 ? 0xFFF7 : Bad;
    if (Value >= Special)
        return Value == Special ? u32(Bad) : u32(End);
    return Value;
}

Status Volume::Set(u32 Cluster, u32 Value)
{
    if (Cluster < 2 || Cluster >= Clusters_ + 2)
        return STATUS_FILE_CORRUPT_ERROR;
    u32 At = Bits_ == 12 ? Cluster + Cluster / 2 : Cluster * (Bits_ / 8), Count = (Bits_ + 7) / 8;
    // Both sectors of an entry that straddles must be there before one is changed.
    for (u32 I = 0; I < Count; ++I) {
        TRY(TableSector((At + I) / SectorBytes_));
        TRY(ChangedSectors_.Reserve(ChangedSectors_.Size() + 2));
    }
    for (u32 I = 0; I < Count; ++I) {
        u32 Sector = (At + I) / SectorBytes_;
        u8& Byte = Table_[Sector]->Bytes[(At + I) % SectorBytes_];
        u8 New = u8(Value >> (8 * I));
        if (Bits_ == 12)
            New = Cluster % 2 ? (I ? u8(Value >> 4) : u8((Byte & 0x0F) | (Value & 0xF) << 4)) : (I ? u8((Byte & 0xF0) | (Value >> 8 & 0xF)) : u8(Value));
        else if (Bits_ == 32 && I == 3)
            New = u8((Byte & 0xF0) | (Value >> 24 & 0xF));
        Byte = New;
        if (!Table_[Sector]->Changed) {
            Table_[Sector]->Changed = true;
            MUST(ChangedSectors_.Push(Sector));         // reserved
        }
    }
    return STATUS_SUCCESS;
}

// In the order in which they were changed first; neighbours together.
Status Volume::WriteTable()
{
    constexpr u32 Most = 32 * KiB;
    Vector<u8> Several;
    for (usize Next = 0; Next < ChangedSectors_.Size();) {
        u32 Sector = ChangedSectors_[Next], Count = 1;
        while (Next + Count < ChangedSectors_.Size() && ChangedSectors_[Next + Count] == Sector + Count && (Count + 1) * SectorBytes_ <= Most)
            ++Count;
        const u8* From = Table_[Sector]->Bytes.Data();
        if (Count > 1) {
            TRY(Several.Resize(Count * SectorBytes_));
            for (u32 I = 0; I < Count; ++I)
                memcpy(Several.Data() + I * SectorBytes_, Table_[Sector + I]->Bytes.Data(), SectorBytes_);
            From = Several.Data();
        }
        for (u32 Copy = 0; Copy < Tables_; ++Copy)
            if (Mirrored_ || Copy == FirstTable_)
                TRY(On_.WriteAt(TableStart_ + (u64(Copy) * TableSectors_ + Sector) * SectorBytes_, From, Count * SectorBytes_));
        for (u32 I = 0; I < Count; ++I)
            Table_[Sector + I]->Changed = false;
        Next += Count;
    }
    ChangedSectors_.Clear();
    return On_.Barrier();
}

// The bit in the boot sector, and the one in the table's second entry (which FAT12 has not).
Status Volume::MarkState(bool Dirty)
{
    Vector<u8> S;
    TRY(S.Resize(SectorBytes_));
    TRY(On_.ReadAt(0, S.Data(), SectorBytes_));
    u8& Flags = S[Bits_ == 32 ? 0x41 : 0x25];
    Flags = Dirty ? Flags | 1 : Flags & ~1;
    TRY(On_.WriteAt(0, S.Data(), SectorBytes_));
    if (Bits_ != 12) {
        u8* T = TRY(TableSector(0));
        u8& High = T[Bits_ == 16 ? 3 : 7];
        u8 Clean = Bits_ == 16 ? 0x80 : 0x08;
        High = Dirty ? High & ~Clean : High | Clean;
        if (!Table_[0]->Changed) {
            TRY(ChangedSectors_.Push(0u));
            Table_[0]->Changed = true;
        }
        TRY(WriteTable());
    }
    return On_.Barrier();
}

Status Volume::MarkDirty()
{
    if (Dirty_)
        return STATUS_SUCCESS;
    TRY(MarkState(true));
    Dirty_ = true;
    return STATUS_SUCCESS;
}

Status Volume::Sync()
{
    TRY(WriteTable());
    if (Dirty_) {
        TRY(FreeClusters());
        TRY(WriteFsInfo());
        TRY(On_.Flush());
        TRY(MarkState(false));
        Dirty_ = false;
    }
    return On_.Flush();
}

Result<u32> Volume::FreeClusters()
{
    if (Free_ == ~0u) {
        u32 Count = 0;
        for (u32 C = 2; C < Clusters_ + 2; ++C)
            Count += TRY(Get(C)) == 0;
        Free_ = Count;
    }
    return Free_;
}

// --- chains

Result<u32> Volume::Take(u32 Near)
{
    u32 From = Near >= 2 && Near + 1 < Clusters_ + 2 ? Near + 1 : Hint_;
    for (u32 I = 0; I < Clusters_; ++I) {
        u32 Cluster = 2 + u32((u64(From) - 2 + I) % Clusters_);
        if (TRY(Get(Cluster)) != 0)
            continue;
        TRY(Set(Cluster, End));
        Hint_ = Cluster;
        if (Free_ != ~0u)
            --Free_;
        return Cluster;
    }
    return STATUS_DISK_FULL;
}

Status Volume::Release(u32 First)
{
    for (u32 I = 0, C = First; I < Clusters_ && C >= 2 && C < Clusters_ + 2; ++I) {
        u32 Next = TRY(Get(C));
        if (Next == 0 || Next == Bad)
            break;
        TRY(Set(C, 0));
        if (C < Hint_)
            Hint_ = C;
        if (Free_ != ~0u)
            ++Free_;
        C = Next;
    }
    return WriteTable();
}

Result<u32> Volume::ClusterAt(Entry& E, u32 Index)
{
    u32 I = 0, C = E.First;
    if (E.KnownCluster && E.KnownIndex <= Index) {
        I = E.KnownIndex;
        C = E.KnownCluster;
    }
    if (Index >= Clusters_ || C < 2)
        return STATUS_FILE_CORRUPT_ERROR;
    for (; I < Index; ++I) {
        C = TRY(Get(C));
        if (C < 2 || C >= Clusters_ + 2)
            return STATUS_FILE_CORRUPT_ERROR;
    }
    if (C >= Clusters_ + 2)
        return STATUS_FILE_CORRUPT_ERROR;
    E.KnownIndex = Index;
    E.KnownCluster = C;
    return C;
}

// Gives E this many clusters. The new ones are a chain of their own in the table before the old end leads to them.
Status Volume::Take(Entry& E, u32 Clusters)
{
    TRY(Follow(E, Clusters_));
    u32 Has = Followed(E), Last = Has ? E.Known.Last().Cluster + E.Known.Last().Count - 1 : 0;
    u32 First = 0, Before = Last;
    auto Undo = [&](Status S) -> Status {
        if (First)
            TRY(Release(First));
        return S;
    };
    for (u32 I = Has; I < Clusters; ++I) {
        Result<u32> New = Take(Before);
        if (!New.Ok())
            return Undo(New.GetStatus());
        if (!First)
            First = New.Value();
        else
            TRY(Set(Before, New.Value()));
        Before = New.Value();
    }
    if (!First)
        return STATUS_SUCCESS;
    if (Last)
        TRY(Set(Last, First));
    else
        E.First = First;
    E.KnownCluster = 0;
    E.KnownToEnd = false;
    return STATUS_SUCCESS;
}

Status Volume::Grow(Entry& E, u32 Clusters)
{
    TRY(Take(E, Clusters));
    return WriteTable();
}

Status Volume::Zero(u64 Offset, u64 Bytes)
{
    Vector<u8> Zeros;
    TRY(Zeros.Resize(Bytes < 32 * KiB ? Bytes : 32 * KiB));
    for (u64 Done = 0; Done < Bytes;) {
        usize Part = Bytes - Done < Zeros.Size() ? usize(Bytes - Done) : Zeros.Size();
        TRY(On_.WriteAt(Offset + Done, Zeros.Data(), Part));
        Done += Part;
    }
    return STATUS_SUCCESS;
}

}
