// Reading and writing.
#include "fastfat.hpp"

namespace fastfat {

static void* DataOf(PIRP I) { return I->MdlAddress ? MmGetSystemAddressForMdlSafe(I->MdlAddress, NormalPagePriority) : I->UserBuffer; }

// The volume as one file.
static NTSTATUS Raw(Volume& V, PIRP I, IO_STACK_LOCATION* S, bool Write)
{
    u64 Offset = u64(S->Parameters.Read.ByteOffset.QuadPart), Bytes = S->Parameters.Read.Length;
    if (Offset >= V.On.Bytes)
        return Complete(I, Write ? STATUS_INVALID_PARAMETER : STATUS_END_OF_FILE);
    if (Bytes > V.On.Bytes - Offset)
        Bytes = V.On.Bytes - Offset;
    if (Offset % V.On.SectorBytes || Bytes % V.On.SectorBytes)
        return Complete(I, STATUS_INVALID_PARAMETER);
    // Under a mounted volume only who has locked or dismounted it writes.
    if (Write && !V.Dismounted && V.LockedBy != S->FileObject)
        return Complete(I, STATUS_ACCESS_DENIED);
    NTSTATUS Status;
    {
        Locked Held(V);
        Status = (Write ? V.On.WriteAt(Offset, DataOf(I), Bytes) : V.On.ReadAt(Offset, DataOf(I), Bytes)).Code();
    }
    if (Status >= 0 && S->FileObject->Flags & FO_SYNCHRONOUS_IO)
        S->FileObject->CurrentByteOffset.QuadPart = LONGLONG(Offset + Bytes);
    return Complete(I, Status, Status >= 0 ? Bytes : 0);
}

// The functions of the cache raise.
static NTSTATUS CacheRead(FILE_OBJECT* File, LARGE_INTEGER* At, ULONG Bytes, void* To, IO_STATUS_BLOCK* Iosb)
{
    __try {
        CcCopyRead(File, At, Bytes, TRUE, To, Iosb);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return Iosb->Status;
}
static NTSTATUS CacheWrite(FILE_OBJECT* File, LARGE_INTEGER* At, ULONG Bytes, void* From)
{
    __try {
        CcCopyWrite(File, At, Bytes, TRUE, From);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}
static NTSTATUS StartCache(FILE_OBJECT* File, CC_FILE_SIZES* Sizes)
{
    static CACHE_MANAGER_CALLBACKS None {};
    __try {
        CcInitializeCacheMap(File, Sizes, FALSE, &None, nullptr);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}
static NTSTATUS Cache(Fcb& F, FILE_OBJECT* File)
{
    CC_FILE_SIZES Sizes { F.Header.AllocationSize, F.Header.FileSize, F.Header.ValidDataLength };
    return File->PrivateCacheMap ? STATUS_SUCCESS : StartCache(File, &Sizes);
}

NTSTATUS Read(Volume& V, Fcb& F, PIRP I, IO_STACK_LOCATION* S)
{
    if (F.IsVolume)
        return Raw(V, I, S, false);
    if (F.IsFolder())
        return Complete(I, STATUS_INVALID_DEVICE_REQUEST);
    LARGE_INTEGER At = S->Parameters.Read.ByteOffset;
    u64 Offset = u64(At.QuadPart);
    u32 Bytes = S->Parameters.Read.Length, Sector = V.On.SectorBytes;
    FILE_OBJECT* File = S->FileObject;
    if (!Bytes)
        return Complete(I, STATUS_SUCCESS);
    bool Paging = I->Flags & IRP_PAGING_IO, Direct = Paging || I->Flags & IRP_NOCACHE;
    if (Direct && (Offset % Sector || Bytes % Sector))
        return Complete(I, STATUS_INVALID_PARAMETER);
    if (!Paging && !FsRtlCheckLockForReadAccess(&F.Locks, I))
        return Complete(I, STATUS_FILE_LOCK_CONFLICT);
    if (V.Dismounted)
        return Complete(I, STATUS_VOLUME_DISMOUNTED);
    if (!Direct) {
        if (Offset >= u64(F.Header.FileSize.QuadPart))
            return Complete(I, STATUS_END_OF_FILE);
        IO_STATUS_BLOCK Iosb {};
        NTSTATUS Status = Cache(F, File);
        if (Status >= 0)
            Status = CacheRead(File, &At, Bytes, DataOf(I), &Iosb);
        if (Status >= 0 && File->Flags & FO_SYNCHRONOUS_IO)
            File->CurrentByteOffset.QuadPart = LONGLONG(Offset + Iosb.Information);
        return Complete(I, Status, Status >= 0 ? Iosb.Information : 0);
    }
    if (!Paging && F.Sections.SharedCacheMap) {
        IO_STATUS_BLOCK Iosb {};
        CcFlushCache(&F.Sections, &At, Bytes, &Iosb);
    }
    ExAcquireResourceExclusiveLite(&V.Lock, TRUE);
    u64 Size = u64(F.Header.FileSize.QuadPart), There = Paging && F.OnMedium < Size ? F.OnMedium : Size;
    if (Offset >= There) {              // paging: what is not on the medium is zero, the cache knows
        ExReleaseResourceLite(&V.Lock);
        return Complete(I, STATUS_END_OF_FILE);
    }
    u32 Count = There - Offset < Bytes ? u32(There - Offset) : Bytes;
    u64 Written = F.OnMedium > Offset ? F.OnMedium - Offset : 0;
    u32 FromMedium = Written < Count ? u32(Written) : Count;
    if (FromMedium < Count)
        memset(static_cast<u8*>(DataOf(I)) + FromMedium, 0, Count - FromMedium);
    if (!Paging && File->Flags & FO_SYNCHRONOUS_IO)
        File->CurrentByteOffset.QuadPart = LONGLONG(Offset + Count);
    if (!FromMedium) {
        ExReleaseResourceLite(&V.Lock);
        return Complete(I, STATUS_SUCCESS, Count);
    }
    // The rest of the last sector comes too, and must not cover zeroes.
    u32 Whole = u32(AlignUp(FromMedium, Sector));
    if (FromMedium < Count && Whole != FromMedium)
        Whole = u32(AlignDown(FromMedium, Sector));
    if (Whole < FromMedium) {
        auto Run = V.Fat->Where(F.Entry, Offset + Whole, FromMedium - Whole);
        {
            Status R = Run.Ok() ? V.On.ReadAt(Run->At, static_cast<u8*>(DataOf(I)) + Whole, FromMedium - Whole) : Run.GetStatus();
            if (!R.Ok()) {
                ExReleaseResourceLite(&V.Lock);
                return Complete(I, R.Code());
            }
        }
    }
    return Move(F, I, false, Offset, Whole, Count);     // gives the resource back
}

// The file's times and size have changed by a write.
static void Wrote(Volume& V, Fcb& F, FILE_OBJECT* File)
{
    Ccb* C = CcbOf(File);
    if (!C || !C->UserTimes)
        F.Entry.Written = Now();
    F.Entry.Attributes |= fat::Archive;
    F.Changed = true;
    Changed(V);
}

static NTSTATUS CachedWrite(Volume& V, Fcb& F, PIRP I, IO_STACK_LOCATION* S)
{
    LARGE_INTEGER& At = S->Parameters.Write.ByteOffset;
    u32 Bytes = S->Parameters.Write.Length;
    FILE_OBJECT* File = S->FileObject;
    NTSTATUS Status = STATUS_SUCCESS;
    u64 Before, End;
    // One write at a time goes past the cache's fast way.
    ExAcquireResourceExclusiveLite(&F.Main, TRUE);
    {
        Locked Held(V);
        Before = u64(F.Header.FileSize.QuadPart);
        if (At.LowPart == FILE_WRITE_TO_END_OF_FILE && At.HighPart == -1)
            At.QuadPart = LONGLONG(Before);
        End = u64(At.QuadPart) + Bytes;
        if (V.Dismounted)
            Status = STATUS_VOLUME_DISMOUNTED;
        else if (!FsRtlCheckLockForWriteAccess(&F.Locks, I))
            Status = STATUS_FILE_LOCK_CONFLICT;
        else if (End > Before)
            Status = Extend(F, End);
        if (Status >= 0)
            Wrote(V, F, File);
    }
    if (Status >= 0) {
        if (File->PrivateCacheMap || F.Sections.SharedCacheMap)
            TellSizes(F, File);
        Status = Cache(F, File);
        if (Status >= 0)
            Status = CacheWrite(File, &At, Bytes, DataOf(I));
        Locked Held(V);
        u64 Size = u64(F.Header.FileSize.QuadPart);
        if (Status >= 0) {
            u64 Valid = End < Size ? End : Size;
            if (Valid > u64(F.Header.ValidDataLength.QuadPart))
                F.Header.ValidDataLength.QuadPart = LONGLONG(Valid);
            if (File->Flags & FO_SYNCHRONOUS_IO)
                File->CurrentByteOffset.QuadPart = LONGLONG(End);
        } else if (End > Before && Size == End) {
            // What did not become part of the file is taken away again.
            SetSize(F, File, Before);
        }
    }
    ExReleaseResourceLite(&F.Main);
    if (Status >= 0 && File->Flags & FO_WRITE_THROUGH)
        Status = FlushFile(F);
    if (Status >= 0)
        Report(F, FILE_NOTIFY_CHANGE_LAST_WRITE | (End > Before ? FILE_NOTIFY_CHANGE_SIZE : 0), FILE_ACTION_MODIFIED);
    return Complete(I, Status, Status >= 0 ? Bytes : 0);
}

NTSTATUS Write(Volume& V, Fcb& F, PIRP I, IO_STACK_LOCATION* S)
{
    if (F.IsVolume)
        return Raw(V, I, S, true);
    if (F.IsFolder())
        return Complete(I, STATUS_INVALID_DEVICE_REQUEST);
    LARGE_INTEGER& At = S->Parameters.Write.ByteOffset;
    u32 Bytes = S->Parameters.Write.Length, Sector = V.On.SectorBytes;
    bool Paging = I->Flags & IRP_PAGING_IO, Direct = Paging || I->Flags & IRP_NOCACHE;
    if (!Bytes)
        return Complete(I, STATUS_SUCCESS);
    if (!Direct)
        return CachedWrite(V, F, I, S);
    FILE_OBJECT* File = S->FileObject;
    if (!Paging && F.Sections.SharedCacheMap && At.QuadPart >= 0) {
        // What the cache has of the range is older from now on.
        IO_STATUS_BLOCK Iosb {};
        CcFlushCache(&F.Sections, &At, Bytes, &Iosb);
        if (!CcPurgeCacheSection(&F.Sections, &At, Bytes, 0))
            return Complete(I, STATUS_USER_MAPPED_FILE);
    }
    ExAcquireResourceExclusiveLite(&V.Lock, TRUE);
    auto Fail = [&](NTSTATUS Status) {
        ExReleaseResourceLite(&V.Lock);
        return Complete(I, Status);
    };
    if (Paging && F.Deleted) {          // nobody misses it
        ExReleaseResourceLite(&V.Lock);
        return Complete(I, STATUS_SUCCESS, Bytes);
    }
    if (V.Dismounted || F.Deleted)
        return Fail(V.Dismounted ? STATUS_VOLUME_DISMOUNTED : STATUS_FILE_DELETED);
    u64 Size = u64(F.Header.FileSize.QuadPart);
    if (!Paging && At.LowPart == FILE_WRITE_TO_END_OF_FILE && At.HighPart == -1)
        At.QuadPart = LONGLONG(Size);
    u64 Offset = u64(At.QuadPart), End = Offset + Bytes;
    if (Offset % Sector || Bytes % Sector)
        return Fail(STATUS_INVALID_PARAMETER);
    u32 Count = Bytes;
    if (Paging) {
        // Behind the end of the file there is nothing to keep.
        if (Offset >= Size) {
            ExReleaseResourceLite(&V.Lock);
            return Complete(I, STATUS_SUCCESS, Bytes);
        }
        if (End > Size) {
            End = Size;
            Count = u32(AlignUp(End - Offset, Sector));
        }
        if (u64(F.Header.ValidDataLength.QuadPart) < End)       // written to through a view
            F.Header.ValidDataLength.QuadPart = LONGLONG(End);
    } else {
        if (!FsRtlCheckLockForWriteAccess(&F.Locks, I))
            return Fail(STATUS_FILE_LOCK_CONFLICT);
        if (End > Size)
            if (NTSTATUS Status = Extend(F, End); Status < 0)
                return Fail(Status);
        Wrote(V, F, File);
        if (u64(F.Header.ValidDataLength.QuadPart) < End)
            F.Header.ValidDataLength.QuadPart = LONGLONG(End);
        if (F.Sections.SharedCacheMap)
            TellSizes(F, File);
        if (File->Flags & FO_SYNCHRONOUS_IO)
            File->CurrentByteOffset.QuadPart = LONGLONG(End);
    }
    // Between what the medium has and this it has old data.
    if (Offset > F.OnMedium)
        if (Status Z = V.Fat->Zero(F.Entry, F.OnMedium, Offset - F.OnMedium); !Z.Ok())
            return Fail(Z.Code());
    bool Longer = End > F.Entry.Size;
    if (End > F.OnMedium) {
        F.OnMedium = End;
        F.Changed = true;
    }
    // The pages are clean when the write is complete, and perhaps nowhere else: this process may end.
    return Move(F, I, true, Offset, Count, Bytes, Longer ? End : 0);      // gives the resource back
}

}
