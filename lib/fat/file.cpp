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
    if (Size < E.Size)
        return Cut(E, Size);
    TRY(MarkDirty());
    u32 Old = E.Size;
    TRY(Grow(E, u32((u64(Size) + ClusterBytes_ - 1) / ClusterBytes_)));
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

// --- where it lies

Status Volume::Append(Entry& E, u32 Cluster)
{
    u32 Index = Followed(E);
    if (!E.Known.IsEmpty()) {
        Entry::Run& Last = E.Known.Last();
        if (Last.Cluster + Last.Count == Cluster) {
            ++Last.Count;
            return STATUS_SUCCESS;
        }
    }
    return E.Known.Push(Entry::Run { Index, Cluster, 1 });
}

Status Volume::Follow(Entry& E, u32 Index)
{
    while (!E.KnownToEnd && Followed(E) <= Index) {
        u32 Next = E.First;
        if (!E.Known.IsEmpty()) {
            const Entry::Run& Last = E.Known.Last();
            Next = TRY(Get(Last.Cluster + Last.Count - 1));
        }
        if (Next == End || Next == 0) {
            // A chain that stops in a free cluster is broken; a file without one has none.
            if (Next == 0 && !E.Known.IsEmpty())
                return STATUS_FILE_CORRUPT_ERROR;
            E.KnownToEnd = true;
            break;
        }
        if (Next < 2 || Next >= Clusters_ + 2 || Followed(E) >= Clusters_)
            return STATUS_FILE_CORRUPT_ERROR;
        TRY(Append(E, Next));
    }
    return STATUS_SUCCESS;
}

Result<Extent> Volume::Where(Entry& E, u64 Offset, u64 Most)
{
    u32 Index = u32(Offset / ClusterBytes_), Within = u32(Offset % ClusterBytes_);
    if (Offset / ClusterBytes_ >= Clusters_ || !Most)
        return STATUS_FILE_CORRUPT_ERROR;
    u64 Last = (Offset + Most - 1) / ClusterBytes_;
    TRY(Follow(E, Last < Clusters_ ? u32(Last) : Clusters_));
    if (Index >= Followed(E))
        return STATUS_FILE_CORRUPT_ERROR;
    usize Low = 0, High = E.Known.Size();
    while (High - Low > 1) {
        usize Middle = (Low + High) / 2;
        (E.Known[Middle].Index <= Index ? Low : High) = Middle;
    }
    const Entry::Run& R = E.Known[Low];
    u64 Bytes = u64(R.Index + R.Count - Index) * ClusterBytes_ - Within;
    return Extent { DataOf(R.Cluster + (Index - R.Index)) + Within, Bytes < Most ? Bytes : Most };
}

Result<u64> Volume::Reserved(Entry& E)
{
    TRY(Follow(E, Clusters_));
    return u64(Followed(E)) * ClusterBytes_;
}

Status Volume::Reserve(Entry& E, u64 Bytes)
{
    if (E.IsFolder())
        return STATUS_FILE_IS_A_DIRECTORY;
    if (Bytes > 0xFFFFFFFF)
        return STATUS_DISK_FULL;
    u32 Clusters = u32((Bytes + ClusterBytes_ - 1) / ClusterBytes_);
    TRY(Follow(E, Clusters_));
    if (Followed(E) >= Clusters)
        return STATUS_SUCCESS;
    TRY(MarkDirty());
    return Take(E, Clusters);
}

Status Volume::Cut(Entry& E, u64 Bytes)
{
    if (E.IsFolder())
        return STATUS_FILE_IS_A_DIRECTORY;
    u32 Keep = u32((Bytes + ClusterBytes_ - 1) / ClusterBytes_);
    TRY(MarkDirty());
    u32 First = E.First, Last = Keep ? TRY(ClusterAt(E, Keep - 1)) : 0;
    if (E.Size > Bytes)
        E.Size = u32(Bytes);
    E.KnownCluster = 0;
    if (!Keep)
        E.First = 0;
    TRY(WriteTable());
    TRY(Update(E));
    // What is known of the chain ends where it does.
    while (!E.Known.IsEmpty() && E.Known.Last().Index >= Keep)
        E.Known.Pop();
    if (!E.Known.IsEmpty() && Followed(E) > Keep)
        E.Known.Last().Count = Keep - E.Known.Last().Index;
    E.KnownToEnd = Followed(E) == Keep;
    if (!Keep)
        return Release(First);
    u32 Rest = TRY(Get(Last));
    if (Rest == End)
        return STATUS_SUCCESS;
    TRY(Set(Last, End));
    return Release(Rest);
}

Status Volume::Zero(Entry& E, u64 Offset, u64 Bytes)
{
    for (u64 Done = 0; Done < Bytes;) {
        Extent Run = TRY(Where(E, Offset + Done, Bytes - Done));
        TRY(Zero(Run.At, Run.Bytes));
        Done += Run.Bytes;
    }
    return STATUS_SUCCESS;
}

}
