// Reading, writing, flushing.
#include "drivers/filesystems/ninep/share.hpp"

namespace share {

void* BufferOf(PIRP I)
{
    if (I->MdlAddress)
        return MmGetSystemAddressForMdlSafe(I->MdlAddress, NormalPagePriority);
    return I->UserBuffer ? I->UserBuffer : I->AssociatedIrp.SystemBuffer;
}

void SetInfo(Node& N, const Attributes& Info)
{
    N.Info = Info;
    N.Header.FileSize.QuadPart = N.Header.ValidDataLength.QuadPart = N.IsFolder ? 0 : LONGLONG(Info.Size);
    N.Header.AllocationSize.QuadPart = LONGLONG(AlignUp(u64(N.Header.FileSize.QuadPart), PageSize));
}

void Settle(Node& N, bool Forget)
{
    if (!N.Paged)
        return;
    IO_STATUS_BLOCK Iosb {};
    if (N.HadWriter)
        CcFlushCache(&N.Section, nullptr, 0, &Iosb);
    if (!Forget && N.PagedModified == N.Info.Modified && N.PagedSize == N.Info.Size)
        return;
    N.Paged = false;                    // before: what is read again from now on counts
    if (!CcPurgeCacheSection(&N.Section, nullptr, 0, 1)) {
        N.Paged = true;                 // mapped: it stays as it is
        N.PagedModified = N.Info.Modified;
        N.PagedSize = N.Info.Size;
    }
}

static bool IsPaging(PIRP I) { return (I->Flags & IRP_PAGING_IO) != 0; }

NTSTATUS Read(Share& S, PIRP I, IO_STACK_LOCATION* L)
{
    Opening* O = OpeningOf(L->FileObject);
    auto& P = L->Parameters.Read;
    if (!O || O->IsVolume || O->Of->IsFolder || !O->IsOpen)
        return STATUS_INVALID_DEVICE_REQUEST;
    if (!P.Length)
        return STATUS_SUCCESS;
    if (P.ByteOffset.QuadPart < 0)
        return STATUS_INVALID_PARAMETER;
    Node& N = *O->Of;
    if (IsPaging(I)) {
        if (!N.Paged) {
            N.PagedModified = N.Info.Modified;
            N.PagedSize = N.Info.Size;
            N.Paged = true;
        }
    } else {
        if (!FsRtlCheckLockForReadAccess(&N.Locks, I))
            return STATUS_FILE_LOCK_CONFLICT;
        if (N.Paged && N.HadWriter) {
            IO_STATUS_BLOCK Iosb {};
            CcFlushCache(&N.Section, &P.ByteOffset, P.Length, &Iosb);
        }
    }
    void* To = BufferOf(I);
    if (!To)
        return STATUS_INSUFFICIENT_RESOURCES;
    auto Done = S.Server.Read(O->F, u64(P.ByteOffset.QuadPart), To, P.Length);
    if (!Done.Ok())
        return Done.Code();
    I->IoStatus.Information = Done.Value();
    return Done.Value() ? STATUS_SUCCESS : STATUS_END_OF_FILE;
}

// Mapped pages come back, never beyond the end of the file. The open that paging goes by may be for reading: then another is made.
static NTSTATUS PagingWrite(Share& S, PIRP I, IO_STACK_LOCATION* L, Opening* O)
{
    auto& P = L->Parameters.Write;
    Node& N = *O->Of;
    const void* From = BufferOf(I);
    if (!From)
        return STATUS_INSUFFICIENT_RESOURCES;
    u64 Size = u64(N.Header.FileSize.QuadPart), Offset = u64(P.ByteOffset.QuadPart);
    u64 Bytes = Offset >= Size ? 0 : Size - Offset < P.Length ? Size - Offset : P.Length;
    Fid By = O->F;
    if (!O->CanWrite) {
        auto Another = S.Server.Again(O->F);
        if (!Another.Ok())
            return Another.Code();
        By = Another.Value();
        if (auto Opened = S.Server.Open(By, ninep::open::WriteOnly); !Opened.Ok()) {
            S.Server.Clunk(By);
            return Opened.Code();
        }
    }
    auto Done = S.Server.Write(By, Offset, From, Bytes);
    if (By != O->F)
        S.Server.Clunk(By);
    if (!Done.Ok())
        return Done.Code();
    if (Done.Value() < Bytes)
        return STATUS_DISK_FULL;
    I->IoStatus.Information = P.Length;
    return STATUS_SUCCESS;
}

NTSTATUS Write(Share& S, PIRP I, IO_STACK_LOCATION* L)
{
    Opening* O = OpeningOf(L->FileObject);
    auto& P = L->Parameters.Write;
    if (!O || O->IsVolume || O->Of->IsFolder || !O->IsOpen)
        return STATUS_INVALID_DEVICE_REQUEST;
    if (IsPaging(I))
        return PagingWrite(S, I, L, O);
    if (!O->CanWrite)
        return STATUS_ACCESS_DENIED;
    if (!P.Length)
        return STATUS_SUCCESS;
    Node& N = *O->Of;
    if (!FsRtlCheckLockForWriteAccess(&N.Locks, I))
        return STATUS_FILE_LOCK_CONFLICT;
    const void* From = BufferOf(I);
    if (!From)
        return STATUS_INSUFFICIENT_RESOURCES;
    bool AtEnd = P.ByteOffset.LowPart == FILE_WRITE_TO_END_OF_FILE && P.ByteOffset.HighPart == -1;
    u64 Offset = u64(P.ByteOffset.QuadPart);
    if (!AtEnd && P.ByteOffset.QuadPart < 0)
        return STATUS_INVALID_PARAMETER;
    if (AtEnd) {
        S.Lock.Acquire();               // two appends of the guest's do not meet; the host may still come between
        NTSTATUS Status = Refresh(S, *O);
        Offset = N.Info.Size;
        if (!NT_SUCCESS(Status)) {
            S.Lock.Release();
            return Status;
        }
    }
    if (N.Paged && N.HadWriter) {
        IO_STATUS_BLOCK Iosb {};
        CcFlushCache(&N.Section, nullptr, 0, &Iosb);
    }
    Result<usize> Done = Offset > u64(INT64_MAX) - P.Length ? Result<usize>(core::Status(STATUS_INVALID_PARAMETER)) : S.Server.Write(O->F, Offset, From, P.Length);
    if (AtEnd)
        S.Lock.Release();
    if (!Done.Ok())
        return Done.Code();
    O->Wrote = true;
    u64 End = Offset + Done.Value();
    if (End > N.Info.Size) {
        N.Info.Size = End;
        SetInfo(N, N.Info);
    }
    if (N.Paged) {
        LARGE_INTEGER At;
        At.QuadPart = LONGLONG(Offset);
        CC_FILE_SIZES Sizes { N.Header.AllocationSize, N.Header.FileSize, N.Header.ValidDataLength };
        (void)CcPurgeCacheSection(&N.Section, &At, ULONG(Done.Value()), 0);
        (void)CcSetFileSizesEx(L->FileObject, &Sizes);
    }
    I->IoStatus.Information = Done.Value();
    L->FileObject->CurrentByteOffset.QuadPart = LONGLONG(End);
    if (!Done.Value())
        return STATUS_DISK_FULL;
    if (L->FileObject->Flags & FO_WRITE_THROUGH)
        return Code(S.Server.Sync(O->F));
    return STATUS_SUCCESS;
}

NTSTATUS Flush(Share& S, PIRP, IO_STACK_LOCATION* L)
{
    Opening* O = OpeningOf(L->FileObject);
    if (!O)
        return STATUS_INVALID_PARAMETER;
    // A folder's or the volume's data is on the server at once.
    if (O->IsVolume || !O->IsOpen)
        return STATUS_SUCCESS;
    Settle(*O->Of, false);
    return Code(S.Server.Sync(O->F));
}

}
