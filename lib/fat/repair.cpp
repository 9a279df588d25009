// A volume that was not marked clean: what steps that were begun and not ended have left.
#include <string.h>

#include "lib/fat/fat.hpp"

namespace fat {

using namespace nt;

namespace {

// What is known of who has a chain.
struct Owner {
    u32 First, Size;
    Stamp Created;
    u8 Attributes;
    bool Is(const Entry& E) const
    {
        return First == E.First && Size == E.Size && Attributes == E.Attributes && Created.Date == E.Created.Date && Created.Time == E.Created.Time &&
               Created.Tenths == E.Created.Tenths;
    }
};

class Marks {
public:
    Status Make(u32 Count)
    {
        TRY(Bytes_.Resize(Count / 8 + 1));
        memset(Bytes_.Data(), 0, Bytes_.Size());
        return STATUS_SUCCESS;
    }
    bool Has(u32 I) const { return Bytes_[I / 8] >> (I % 8) & 1; }
    void Put(u32 I) { Bytes_[I / 8] = u8(Bytes_[I / 8] | 1 << (I % 8)); }

private:
    Vector<u8> Bytes_;
};

}

Status Volume::Repair()
{
    Marks Used;
    Vector<Owner> Owners;
    Vector<u32> Folders;
    TRY(Used.Make(Clusters_ + 2));
    TRY(MarkDirty());
    auto IsCluster = [this](u32 C) { return C >= 2 && C < Clusters_ + 2; };
    // How many clusters the chain has; it may run into another.
    auto Follow = [&](u32 First, bool& Shared) -> Result<u32> {
        u32 Count = 0;
        for (u32 C = First; IsCluster(C); C = TRY(Get(C))) {
            if ((Shared = Used.Has(C)))
                return Count;
            Used.Put(C);
            ++Count;
        }
        return Count;
    };
    bool Shared = false;
    if (RootCluster_)
        (void)TRY(Follow(RootCluster_, Shared));
    TRY(Folders.Push(0u));
    while (!Folders.IsEmpty()) {
        u32 First = Folders.Last();
        Folders.Pop();
        TRY(EraseOrphans(First));
        Entry In = Dir(First);
        for (u32 Slot = 0;;) {
            auto Found = Next(In, Slot);
            if (Found.Code() == STATUS_NO_MORE_FILES)
                break;
            if (!Found.Ok())
                return Found.GetStatus();
            Entry& E = Found.Value();
            if (!IsCluster(E.First))
                continue;
            if (Used.Has(E.First)) {
                // The same file under two names: a rename that has not lost the old one. One of them goes; the clusters stay.
                for (const Owner& O : Owners)
                    if (O.Is(E)) {
                        TRY(Erase(E));
                        break;
                    }
                continue;
            }
            TRY(Owners.Push(Owner { E.First, E.Size, E.Created, E.Attributes }));
            u32 Count = TRY(Follow(E.First, Shared)), Needed = u32((u64(E.Size) + ClusterBytes_ - 1) / ClusterBytes_);
            if (E.IsFolder())
                TRY(Folders.Push(E.First));
            else if (Count > Needed && !Shared)
                TRY(Cut(E, E.Size));    // what was taken for data that has not come
        }
    }
    // What nobody has.
    for (u32 C = 2; C < Clusters_ + 2; ++C) {
        u32 Next = TRY(Get(C));
        if (Next && Next != Bad && !Used.Has(C)) {
            TRY(Set(C, 0));
            if (Free_ != ~0u)
                ++Free_;
        }
    }
    // Copies of the table that one write has reached and the other not.
    Vector<u8> Copy;
    TRY(Copy.Resize(SectorBytes_));
    for (u32 I = 0; Mirrored_ && I < Table_.Size(); ++I) {
        const u8* First = TRY(TableSector(I));
        for (u32 T = 1; T < Tables_ && !Table_[I]->Changed; ++T) {
            TRY(On_.ReadAt(TableStart_ + (u64(T) * TableSectors_ + I) * SectorBytes_, Copy.Data(), SectorBytes_));
            if (!memcmp(First, Copy.Data(), SectorBytes_))
                continue;
            TRY(ChangedSectors_.Push(I));
            Table_[I]->Changed = true;
        }
    }
    return WriteTable();
}

}
