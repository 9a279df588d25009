// Data of files.
#include "lib/fat/fat.hpp"

namespace fat {

using namespace nt;

Result<usize> Volume::Read(Entry& E, u64 Offset, void* To, usize Bytes)
{
    if (E.IsFolder())
        return STATUS_FILE_IS_A_DIRECTORY;
    if (Offset >= E.Size)
        return usize(0);
    if (Bytes > E.Size - Offset)
        Bytes = usize(E.Size - Offset);
    for (usize Done = 0; Done < Bytes;) {
        u32 Index = u32((Offset + Done) / ClusterBytes_), Within = u32((Offset + Done) % ClusterBytes_);
        u32 Cluster = TRY(ClusterAt(E, Index));
        usize Part = ClusterBytes_ - Within;
        u64 At = DataOf(Cluster) + Within;
        // Clusters that follow each other are read at once.
        while (Part < Bytes - Done && TRY(Get(Cluster)) == Cluster + 1) {
            Part += ClusterBytes_;
            Cluster = TRY(ClusterAt(E, ++Index));
        }
        if (Part > Bytes - Done)
            Part = Bytes - Done;
        TRY(On_.ReadAt(At, static_cast<u8*>(To) + Done, Part));
        Done += Part;
    }
    return Bytes;
}

Status Volume::Write(Entry& E, u64 Offset, const void* From, usize Bytes)
{
    if (E.IsFolder())
        return STATUS_FILE_IS_A_DIRECTORY;
    if (!Bytes)
        return STATUS_SUCCESS;
    if (Offset > 0xFFFFFFFF || Bytes > 0xFFFFFFFF - Offset)
        return STATUS_DISK_FULL;
    if (Offset > E.Size)
        TRY(SetSize(E, u32(Offset)));
    TRY(MarkDirty());
    u64 Past = Offset + Bytes;
    if (Past > E.Size)
        TRY(Grow(E, u32((Past + ClusterBytes_ - 1) / ClusterBytes_)));
    for (usize Done = 0; Done < Bytes;) {
        u32 Index = u32((Offset + Done) / ClusterBytes_), Within = u32((Offset + Done) % ClusterBytes_);
        usize Part = ClusterBytes_ - Within;
        if (Part > Bytes - Done)
            Part = Bytes - Done;
        TRY(On_.WriteAt(DataOf(TRY(ClusterAt(E, Index))) + Within, static_cast<const u8*>(From) + Done, Part));
        Done += Part;
    }
    if (Past <= E.Size)
        return STATUS_SUCCESS;
    TRY(On_.Barrier());
    E.Size = u32(Past);
    return Update(E);
}

Status Volume::SetSize(Entry& E, u32 Size)
{
    if (E.IsFolder())
        return STATUS_FILE_IS_A_DIRECTORY;
    if (Size == E.Size)
        return STATUS_SUCCESS;
    TRY(MarkDirty());
    u32 Old = E.Size, Keep = u32((u64(Size) + ClusterBytes_ - 1) / ClusterBytes_);
    if (Size > Old) {
        TRY(Grow(E, Keep));
        for (u64 At = Old; At < Size;) {
            u32 Within = u32(At % ClusterBytes_);
            u64 Part = ClusterBytes_ - Within < Size - At ? ClusterBytes_ - Within : Size - At;
            TRY(Zero(DataOf(TRY(ClusterAt(E, u32(At / ClusterBytes_)))) + Within, Part));
            At += Part;
        }
        TRY(On_.Barrier());
        E.Size = Size;
        return Update(E);
    }
    u32 First = E.First, Last = Keep ? TRY(ClusterAt(E, Keep - 1)) : 0;
    E.Size = Size;
    E.KnownCluster = 0;
    if (!Keep)
        E.First = 0;
    TRY(Update(E));
    if (!Keep)
        return Release(First);
    u32 Rest = TRY(Get(Last));
    if (Rest == End)
        return STATUS_SUCCESS;
    TRY(Set(Last, End));
    return Release(Rest);
}

}
