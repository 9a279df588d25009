// Reading and writing.
#include "fastfat.hpp"

namespace fastfat {

Status FlushFile(Fcb& F)
{
    TRY(WriteBack(F));
    return F.Of->Fat->Flush();
}

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

NTSTATUS Read(Volume& V, Fcb& F, PIRP I, IO_STACK_LOCATION* S)
{
    if (F.IsVolume)
        return Raw(V, I, S, false);
    if (F.IsFolder())
        return Complete(I, STATUS_INVALID_DEVICE_REQUEST);
    u64 Offset = u64(S->Parameters.Read.ByteOffset.QuadPart);
    u32 Bytes = S->Parameters.Read.Length;
    if (!Bytes)
        return Complete(I, STATUS_SUCCESS);
    bool Paging = I->Flags & IRP_PAGING_IO, Direct = I->Flags & IRP_NOCACHE;
    if (Direct && (Offset % V.On.SectorBytes || Bytes % V.On.SectorBytes))
        return Complete(I, STATUS_INVALID_PARAMETER);
    if (!Paging && !FsRtlCheckLockForReadAccess(&F.Locks, I))
        return Complete(I, STATUS_FILE_LOCK_CONFLICT);
    Locked Held(V);
    if (V.Dismounted)
        return Complete(I, STATUS_VOLUME_DISMOUNTED);
    if (Offset >= F.Entry.Size)
        return Complete(I, STATUS_END_OF_FILE);
    auto Done = V.Fat->Read(F.Entry, Offset, DataOf(I), Bytes);
    if (!Done.Ok())
        return Complete(I, Done.Code());
    if (S->FileObject->Flags & FO_SYNCHRONOUS_IO && !Paging)
        S->FileObject->CurrentByteOffset.QuadPart = LONGLONG(Offset + Done.Value());
    return Complete(I, STATUS_SUCCESS, Done.Value());
}

NTSTATUS Write(Volume& V, Fcb& F, PIRP I, IO_STACK_LOCATION* S)
{
    if (F.IsVolume)
        return Raw(V, I, S, true);
    if (F.IsFolder())
        return Complete(I, STATUS_INVALID_DEVICE_REQUEST);
    LARGE_INTEGER& At = S->Parameters.Write.ByteOffset;
    u32 Bytes = S->Parameters.Write.Length;
    bool Paging = I->Flags & IRP_PAGING_IO, Direct = I->Flags & IRP_NOCACHE;
    if (!Bytes)
        return Complete(I, STATUS_SUCCESS);
    Locked Held(V);
    if (V.Dismounted)
        return Complete(I, STATUS_VOLUME_DISMOUNTED);
    if (At.LowPart == FILE_WRITE_TO_END_OF_FILE && At.HighPart == -1)
        At.QuadPart = LONGLONG(F.Entry.Size);
    u64 Offset = u64(At.QuadPart);
    if (Direct && (Offset % V.On.SectorBytes || (Bytes % V.On.SectorBytes && Offset + Bytes < F.Entry.Size)))
        return Complete(I, STATUS_INVALID_PARAMETER);
    if (!Paging && !FsRtlCheckLockForWriteAccess(&F.Locks, I))
        return Complete(I, STATUS_FILE_LOCK_CONFLICT);
    u32 Before = F.Entry.Size;
    Status Done = V.Fat->Write(F.Entry, Offset, DataOf(I), Bytes);
    Changed(V);
    if (!Done.Ok())
        return Complete(I, Done.Code());
    if (!CcbOf(S->FileObject)->UserTimes)
        F.Entry.Written = Now();
    F.Entry.Attributes |= fat::Archive;
    F.Changed = true;
    F.Header.FileSize.QuadPart = F.Header.ValidDataLength.QuadPart = LONGLONG(F.Entry.Size);
    F.Header.AllocationSize.QuadPart = LONGLONG(AllocatedOf(V, F.Entry));
    if (S->FileObject->Flags & FO_SYNCHRONOUS_IO && !Paging)
        S->FileObject->CurrentByteOffset.QuadPart = LONGLONG(Offset + Bytes);
    if (S->FileObject->Flags & FO_WRITE_THROUGH)
        Done = FlushFile(F);
    Report(F, FILE_NOTIFY_CHANGE_LAST_WRITE | (F.Entry.Size != Before ? FILE_NOTIFY_CHANGE_SIZE : 0), FILE_ACTION_MODIFIED);
    return Complete(I, Done.Code(), Done.Ok() ? Bytes : 0);
}

}
