// Reading, writing, flushing.
#include "drivers/filesystems/ninep/share.hpp"

namespace share {

void* BufferOf(PIRP I)
{
    if (I->MdlAddress)
        return MmGetSystemAddressForMdlSafe(I->MdlAddress, NormalPagePriority);
    return I->UserBuffer ? I->UserBuffer : I->AssociatedIrp.SystemBuffer;
}

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
    if (!FsRtlCheckLockForReadAccess(&O->Of->Locks, I))
        return STATUS_FILE_LOCK_CONFLICT;
    void* To = BufferOf(I);
    if (!To)
        return STATUS_INSUFFICIENT_RESOURCES;
    auto Done = S.Server.Read(O->F, u64(P.ByteOffset.QuadPart), To, P.Length);
    if (!Done.Ok())
        return Done.Code();
    I->IoStatus.Information = Done.Value();
    return Done.Value() ? STATUS_SUCCESS : STATUS_END_OF_FILE;
}

NTSTATUS Write(Share& S, PIRP I, IO_STACK_LOCATION* L)
{
    Opening* O = OpeningOf(L->FileObject);
    auto& P = L->Parameters.Write;
    if (!O || O->IsVolume || O->Of->IsFolder || !O->IsOpen)
        return STATUS_INVALID_DEVICE_REQUEST;
    if (!O->CanWrite)
        return STATUS_ACCESS_DENIED;
    if (!P.Length)
        return STATUS_SUCCESS;
    const void* From = BufferOf(I);
    if (!From)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (!FsRtlCheckLockForWriteAccess(&O->Of->Locks, I))
        return STATUS_FILE_LOCK_CONFLICT;
    bool AtEnd = P.ByteOffset.LowPart == FILE_WRITE_TO_END_OF_FILE && P.ByteOffset.HighPart == -1;
    u64 Offset = u64(P.ByteOffset.QuadPart);
    if (!AtEnd && P.ByteOffset.QuadPart < 0)
        return STATUS_INVALID_PARAMETER;
    if (AtEnd)
        S.Lock.Acquire();               // two appends of the guest's do not meet; the host may still come between
    Result<usize> Done(usize(0));
    if (AtEnd) {
        NTSTATUS Status = Refresh(S, *O);
        Offset = O->Of->Info.Size;
        if (!NT_SUCCESS(Status)) {
            S.Lock.Release();
            return Status;
        }
    }
    if (Offset > u64(INT64_MAX) - P.Length)
        Done = core::Status(STATUS_INVALID_PARAMETER);
    else
        Done = S.Server.Write(O->F, Offset, From, P.Length);
    if (AtEnd)
        S.Lock.Release();
    if (!Done.Ok())
        return Done.Code();
    O->Wrote = true;
    I->IoStatus.Information = Done.Value();
    L->FileObject->CurrentByteOffset.QuadPart = LONGLONG(Offset + Done.Value());
    if (Done.Value() < P.Length && !Done.Value())
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
    return Code(S.Server.Sync(O->F));
}

}
