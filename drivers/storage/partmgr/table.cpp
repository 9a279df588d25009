#include "drivers/storage/partmgr/table.hpp"

#include <string.h>

namespace partmgr {

namespace {

constexpr uint8_t Extended[] = { 0x05, 0x0F, 0x85 };
constexpr uint8_t Protective = 0xEE;
constexpr uint32_t MaximumTableBytes = 1 << 20;

struct MbrEntry {
    uint8_t Boot, FirstChs[3], Type, LastChs[3];
    uint32_t Start, Count;
};
static_assert(sizeof(MbrEntry) == 16);

struct [[gnu::packed]] GptHeader {
    char Magic[8];
    uint32_t Revision, Bytes, Crc, Reserved;
    uint64_t Here, Other, FirstUsable, LastUsable;
    Guid DiskId;
    uint64_t Table;
    uint32_t Entries, EntryBytes, TableCrc;
};
static_assert(sizeof(GptHeader) == 92);

struct GptEntry {
    Guid Kind, Id;
    uint64_t First, Last, Attributes;
    uint16_t Name[36];
};
static_assert(sizeof(GptEntry) == 128);

bool IsExtended(uint8_t Type)
{
    for (uint8_t E : Extended)
        if (E == Type)
            return true;
    return false;
}

MbrEntry EntryOf(const uint8_t* Sector, uint32_t Index)
{
    MbrEntry E;
    memcpy(&E, Sector + 446 + 16 * Index, sizeof(E));
    return E;
}

bool HasSignature(const uint8_t* Sector) { return Sector[510] == 0x55 && Sector[511] == 0xAA; }

uint32_t Number32(const uint8_t* At)
{
    uint32_t N;
    memcpy(&N, At, 4);
    return N;
}

// Whether the first sector is the boot sector of a FAT, NTFS or exFAT volume and not a table.
bool IsVolume(const uint8_t* S)
{
    if (memcmp(S + 3, "NTFS    ", 8) == 0 || memcmp(S + 3, "EXFAT   ", 8) == 0)
        return true;
    bool Jumps = (S[0] == 0xEB && S[2] == 0x90) || S[0] == 0xE9;
    uint32_t Sector = S[11] | S[12] << 8, Cluster = S[13], Reserved = S[14] | S[15] << 8;
    bool IsFat = Jumps && (Sector == 512 || Sector == 1024 || Sector == 2048 || Sector == 4096) && Cluster && !(Cluster & (Cluster - 1)) && Reserved &&
                 (S[16] == 1 || S[16] == 2) && (S[21] == 0xF0 || S[21] >= 0xF8);
    if (!IsFat)
        return false;
    // A boot loader may keep the fields of a volume in an MBR: then the table must make sense.
    for (uint32_t I = 0; I < 4; ++I)
        if (MbrEntry E = EntryOf(S, I); E.Boot & 0x7F)
            return true;
    for (uint32_t I = 0; I < 4; ++I)
        if (MbrEntry E = EntryOf(S, I); E.Type && E.Count && E.Start)
            return false;
    return true;
}

class Reader {
public:
    Reader(Disk& From, Layout& To, void* Work) : From_(From), To_(To), Sector_(static_cast<uint8_t*>(Work)), Second_(Sector_ + MaximumSectorBytes), Bytes_(From.SectorBytes()) { }
    bool All();

private:
    bool Get(uint64_t Sector, uint8_t* To) { return Sector < From_.Sectors() && From_.Read(Sector, 1, To); }
    Partition* Add(uint64_t First, uint64_t Count);
    void Primary(const uint8_t* Table);
    void Logical(uint64_t Base, uint64_t Length);
    bool Gpt(uint64_t At);
    bool Entries(const GptHeader& H, bool Take);
    void Whole();
    Disk& From_;
    Layout& To_;
    uint8_t *Sector_, *Second_;
    const uint32_t Bytes_;
};

// The next partition, if it may be one.
Partition* Reader::Add(uint64_t First, uint64_t Count)
{
    uint64_t Sectors = From_.Sectors();
    bool Good = First && Count && First < Sectors && Count <= Sectors - First && To_.Count < MaximumPartitions;
    for (uint32_t I = 0; Good && I < To_.Count; ++I) {
        const Partition& P = To_.Partitions[I];
        Good = First * Bytes_ >= P.Start + P.Length || (First + Count) * Bytes_ <= P.Start;
    }
    if (!Good) {
        ++To_.Damaged;
        return nullptr;
    }
    Partition& P = To_.Partitions[To_.Count++];
    P = {};
    P.Start = First * Bytes_;
    P.Length = Count * Bytes_;
    P.Number = To_.Count;
    return &P;
}

void Reader::Primary(const uint8_t* Table)
{
    To_.What = Style::Mbr;
    To_.Signature = Number32(Table + 440);
    uint64_t Base = 0, Length = 0;
    for (uint32_t I = 0; I < 4; ++I) {
        MbrEntry E = EntryOf(Table, I);
        if (!E.Type || !E.Count)
            continue;
        if (IsExtended(E.Type)) {
            if (Base || !E.Start || E.Start >= From_.Sectors() || E.Count > From_.Sectors() - E.Start) {
                ++To_.Damaged;
                continue;
            }
            Base = E.Start;
            Length = E.Count;
            continue;
        }
        if (Partition* P = Add(E.Start, E.Count)) {
            P->Type = E.Type;
            P->Active = E.Boot & 0x80;
            P->HiddenSectors = E.Start;
            P->Entry = I;
        }
    }
    if (Base)
        Logical(Base, Length);
}

// The chain of tables in an extended partition. Each lies behind the one before it (Windows makes them so, and a chain that only goes forward ends).
void Reader::Logical(uint64_t Base, uint64_t Length)
{
    for (uint64_t At = Base, Last = 0;;) {
        if (At < Base || At >= Base + Length || (Last && At <= Last) || !Get(At, Second_) || !HasSignature(Second_)) {
            ++To_.Damaged;
            return;
        }
        Last = At;
        uint64_t Next = 0;
        for (uint32_t I = 0; I < 2; ++I) {
            MbrEntry E = EntryOf(Second_, I);
            if (!E.Type || !E.Count)
                continue;
            if (IsExtended(E.Type)) {
                Next = Base + E.Start;
                continue;
            }
            uint64_t First = At + E.Start;
            if (!E.Start || First >= Base + Length || E.Count > Base + Length - First) {
                ++To_.Damaged;
                continue;
            }
            if (Partition* P = Add(First, E.Count)) {
                P->Type = E.Type;
                P->Active = E.Boot & 0x80;
                P->Logical = true;
                P->HiddenSectors = E.Start;
                P->Entry = I;
            }
        }
        if (!Next)
            return;
        At = Next;
    }
}

bool Reader::Gpt(uint64_t At)
{
    if (!Get(At, Sector_))
        return false;
    GptHeader H;
    memcpy(&H, Sector_, sizeof(H));
    if (memcmp(H.Magic, "EFI PART", 8) != 0 || H.Bytes < sizeof(H) || H.Bytes > Bytes_ || H.Here != At)
        return false;
    memset(Sector_ + offsetof(GptHeader, Crc), 0, 4);
    if (Crc32(0, Sector_, H.Bytes) != H.Crc)
        return false;
    uint64_t Sectors = From_.Sectors(), TableBytes = uint64_t(H.Entries) * H.EntryBytes;
    if (H.EntryBytes < sizeof(GptEntry) || H.EntryBytes % 8 || H.EntryBytes > MaximumSectorBytes || !H.Entries || TableBytes > MaximumTableBytes)
        return false;
    uint64_t TableSectors = (TableBytes + Bytes_ - 1) / Bytes_;
    if (H.Table < 2 || H.Table >= Sectors || TableSectors > Sectors - H.Table || H.FirstUsable > H.LastUsable || H.LastUsable >= Sectors)
        return false;
    if (!Entries(H, false))
        return false;
    To_.What = Style::Gpt;
    To_.DiskId = H.DiskId;
    To_.UsableStart = H.FirstUsable * Bytes_;
    To_.UsableLength = (H.LastUsable - H.FirstUsable + 1) * Bytes_;
    To_.MaximumEntries = H.Entries;
    return Entries(H, true);
}

// Goes through the table: for its checksum, or (Take) for the partitions.
bool Reader::Entries(const GptHeader& H, bool Take)
{
    uint64_t Sector = H.Table, Left = uint64_t(H.Entries) * H.EntryBytes;
    uint32_t Crc = 0, Have = 0, Index = 0;     // Have: bytes of an entry that began in the sector before, in Second_
    while (Left) {
        if (!Get(Sector++, Sector_))
            return false;
        uint32_t Now = Left < Bytes_ ? uint32_t(Left) : Bytes_;
        Left -= Now;
        if (!Take) {
            Crc = Crc32(Crc, Sector_, Now);
            continue;
        }
        for (uint32_t At = 0; At < Now;) {
            uint32_t Piece = H.EntryBytes - Have < Now - At ? H.EntryBytes - Have : Now - At;
            memcpy(Second_ + Have, Sector_ + At, Piece);
            At += Piece;
            Have += Piece;
            if (Have < H.EntryBytes)
                break;
            Have = 0;
            GptEntry E;
            memcpy(&E, Second_, sizeof(E));
            uint32_t Place = Index++;
            if (E.Kind.IsZero())
                continue;
            if (E.First < H.FirstUsable || E.Last > H.LastUsable || E.Last < E.First) {
                ++To_.Damaged;
                continue;
            }
            if (Partition* P = Add(E.First, E.Last - E.First + 1)) {
                P->Kind = E.Kind;
                P->Id = E.Id;
                P->Attributes = E.Attributes;
                memcpy(P->Name, E.Name, sizeof(E.Name));
                P->Entry = Place;
            }
        }
    }
    return Take || Crc == H.TableCrc;
}

void Reader::Whole()
{
    To_.What = Style::Raw;
    Partition& P = To_.Partitions[0];
    P = {};
    P.Length = From_.Sectors() * Bytes_;
    P.Number = 1;
    To_.Count = P.Length ? 1 : 0;
}

bool Reader::All()
{
    memset(&To_, 0, offsetof(Layout, Partitions));
    if (Bytes_ < 512 || Bytes_ > MaximumSectorBytes || (Bytes_ & (Bytes_ - 1)))
        return false;
    if (!Get(0, Sector_))
        return false;
    if (!HasSignature(Sector_) || IsVolume(Sector_)) {
        Whole();
        return true;
    }
    bool IsGpt = false;
    for (uint32_t I = 0; I < 4; ++I)
        IsGpt |= EntryOf(Sector_, I).Type == Protective;
    if (!IsGpt) {
        Primary(Sector_);
        return true;
    }
    uint32_t Signature = Number32(Sector_ + 440);
    if (!Gpt(1)) {
        To_.Count = 0;
        ++To_.Damaged;
        To_.FromBackup = true;
        if (!Gpt(From_.Sectors() - 1)) {
            // Neither copy: a disk that is said to be in use, with nothing to be found on it.
            To_.Count = 0;
            ++To_.Damaged;
            To_.What = Style::Gpt;
        }
    }
    To_.Signature = Signature;
    return true;
}

// --- writing

bool IsSound(const Layout& L, uint64_t Low, uint64_t High, uint32_t Sector)
{
    for (uint32_t I = 0; I < L.Count; ++I) {
        const Partition& P = L.Partitions[I];
        if (!P.Length || P.Start % Sector || P.Length % Sector || P.Start < Low || P.Start >= High || P.Length > High - P.Start || P.Logical)
            return false;
        for (uint32_t J = 0; J < I; ++J) {
            const Partition& Q = L.Partitions[J];
            if (P.Start < Q.Start + Q.Length && Q.Start < P.Start + P.Length)
                return false;
        }
    }
    return true;
}

void PutEntry(uint8_t* Sector, uint32_t Index, uint8_t Boot, uint8_t Type, uint64_t Start, uint64_t Count)
{
    auto Chs = [](uint64_t Number, uint8_t* To) {
        uint64_t Cylinder = Number / (255 * 63), Rest = Number % (255 * 63);
        uint32_t Head = uint32_t(Rest / 63), InTrack = uint32_t(Rest % 63);
        if (Cylinder > 1023) {
            Cylinder = 1023;
            Head = 254;
            InTrack = 62;
        }
        To[0] = uint8_t(Head);
        To[1] = uint8_t((InTrack + 1) | (Cylinder >> 2 & 0xC0));
        To[2] = uint8_t(Cylinder);
    };
    MbrEntry E { Boot, {}, Type, {}, uint32_t(Start), uint32_t(Count) };
    Chs(Start, E.FirstChs);
    Chs(Start + Count - 1, E.LastChs);
    memcpy(Sector + 446 + 16 * Index, &E, sizeof(E));
}

WriteResult WriteMbr(Disk& To, const Layout& L, uint8_t* Sector)
{
    uint32_t Bytes = To.SectorBytes();
    if (!IsSound(L, Bytes, To.Sectors() * Bytes, Bytes))
        return WriteResult::Invalid;
    uint32_t Used = 0;
    for (uint32_t I = 0; I < L.Count; ++I) {
        const Partition& P = L.Partitions[I];
        bool Good = P.Number >= 1 && P.Number <= 4 && !(Used >> P.Number & 1) && P.Type && P.Type != Protective && !IsExtended(P.Type) && P.Start / Bytes <= 0xFFFFFFFF && P.Length / Bytes <= 0xFFFFFFFF;
        if (!Good)
            return WriteResult::Invalid;
        Used |= 1u << P.Number;
    }
    if (!To.Read(0, 1, Sector))
        return WriteResult::Failed;
    // What there was of a volume or a GPT would be believed instead of the table.
    if (!HasSignature(Sector) || IsVolume(Sector))
        memset(Sector, 0, Bytes);
    memset(Sector + 446, 0, 64);
    memcpy(Sector + 440, &L.Signature, 4);
    for (uint32_t I = 0; I < L.Count; ++I) {
        const Partition& P = L.Partitions[I];
        PutEntry(Sector, P.Number - 1, P.Active ? 0x80 : 0, P.Type, P.Start / Bytes, P.Length / Bytes);
    }
    Sector[510] = 0x55;
    Sector[511] = 0xAA;
    return To.Write(0, 1, Sector) ? WriteResult::Done : WriteResult::Failed;
}

// The entries that lie in sector Index of the table.
void FillEntries(const Layout& L, uint8_t* Sector, uint32_t Bytes, uint32_t Index)
{
    memset(Sector, 0, Bytes);
    uint32_t Each = Bytes / sizeof(GptEntry);
    for (uint32_t I = 0; I < L.Count; ++I) {
        const Partition& P = L.Partitions[I];
        if (P.Entry / Each != Index)
            continue;
        GptEntry E { P.Kind, P.Id, P.Start / Bytes, (P.Start + P.Length) / Bytes - 1, P.Attributes, {} };
        memcpy(E.Name, P.Name, sizeof(E.Name));
        memcpy(Sector + P.Entry % Each * sizeof(E), &E, sizeof(E));
    }
}

WriteResult WriteGpt(Disk& To, const Layout& L, uint8_t* Sector)
{
    constexpr uint32_t Entries = 128;
    uint32_t Bytes = To.SectorBytes();
    uint64_t Sectors = To.Sectors(), Table = uint64_t(Entries) * sizeof(GptEntry) / Bytes;
    if (Sectors < 2 * (Table + 1) + 2)
        return WriteResult::Invalid;
    uint64_t First = 2 + Table, Last = Sectors - Table - 2;
    if (!IsSound(L, First * Bytes, (Last + 1) * Bytes, Bytes))
        return WriteResult::Invalid;
    for (uint32_t I = 0; I < L.Count; ++I) {
        if (L.Partitions[I].Entry >= Entries || L.Partitions[I].Kind.IsZero())
            return WriteResult::Invalid;
        for (uint32_t J = 0; J < I; ++J)
            if (L.Partitions[J].Entry == L.Partitions[I].Entry)
                return WriteResult::Invalid;
    }
    uint32_t Crc = 0;
    for (uint32_t I = 0; I < Table; ++I) {
        FillEntries(L, Sector, Bytes, I);
        Crc = Crc32(Crc, Sector, Bytes);
    }
    // The second copy is complete before the first is touched; the protective MBR comes last.
    for (uint32_t Copy = 0; Copy < 2; ++Copy) {
        bool Backup = Copy == 0;
        uint64_t At = Backup ? Sectors - 1 : 1, Where = Backup ? Sectors - 1 - Table : 2;
        for (uint32_t I = 0; I < Table; ++I) {
            FillEntries(L, Sector, Bytes, I);
            if (!To.Write(Where + I, 1, Sector))
                return WriteResult::Failed;
        }
        GptHeader H { { 'E', 'F', 'I', ' ', 'P', 'A', 'R', 'T' }, 0x10000, sizeof(GptHeader), 0, 0, At, Backup ? 1 : Sectors - 1, First, Last, L.DiskId, Where, Entries, sizeof(GptEntry), Crc };
        H.Crc = Crc32(0, &H, sizeof(H));
        memset(Sector, 0, Bytes);
        memcpy(Sector, &H, sizeof(H));
        if (!To.Write(At, 1, Sector))
            return WriteResult::Failed;
    }
    if (!To.Read(0, 1, Sector))
        return WriteResult::Failed;
    if (!HasSignature(Sector) || IsVolume(Sector))
        memset(Sector, 0, Bytes);
    memset(Sector + 440, 0, 6 + 64);
    PutEntry(Sector, 0, 0, Protective, 1, Sectors - 1 > 0xFFFFFFFF ? 0xFFFFFFFF : Sectors - 1);
    Sector[510] = 0x55;
    Sector[511] = 0xAA;
    return To.Write(0, 1, Sector) ? WriteResult::Done : WriteResult::Failed;
}

}

bool Guid::IsZero() const
{
    for (uint8_t B : Bytes)
        if (B)
            return false;
    return true;
}

uint32_t Crc32(uint32_t Before, const void* Data, size_t Bytes)
{
    uint32_t Crc = ~Before;
    for (const uint8_t* At = static_cast<const uint8_t*>(Data); Bytes; --Bytes) {
        Crc ^= *At++;
        for (int I = 0; I < 8; ++I)
            Crc = Crc >> 1 ^ (Crc & 1 ? 0xEDB88320 : 0);
    }
    return ~Crc;
}

bool Read(Disk& From, Layout& To, void* Work) { return Reader(From, To, Work).All(); }

WriteResult Write(Disk& To, const Layout& What, void* Work)
{
    if (What.Count > MaximumPartitions)
        return WriteResult::Invalid;
    switch (What.What) {
    case Style::Mbr: return WriteMbr(To, What, static_cast<uint8_t*>(Work));
    case Style::Gpt: return WriteGpt(To, What, static_cast<uint8_t*>(Work));
    default: return WriteResult::Invalid;
    }
}

uint32_t UniqueId(const Layout& Of, const Partition& P, uint8_t* To)
{
    if (Of.What == Style::Mbr) {
        memcpy(To, &Of.Signature, 4);
        memcpy(To + 4, &P.Start, 8);
        return 12;
    }
    if (Of.What == Style::Gpt) {
        memcpy(To, "DMIO:ID:", 8);
        memcpy(To + 8, P.Id.Bytes, 16);
        return 24;
    }
    return 0;
}

}
