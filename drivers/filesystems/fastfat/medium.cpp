// The device below, and the blocks of metadata that are kept of it.
#include "fastfat.hpp"

namespace fastfat {

Status Medium::Transfer(ULONG Major, u64 Offset, void* Buffer, u32 Count)
{
    KEVENT Event;
    IO_STATUS_BLOCK Iosb {};
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    LARGE_INTEGER At;
    At.QuadPart = LONGLONG(Offset);
    PIRP I = IoBuildSynchronousFsdRequest(Major, Target, Buffer, Count, &At, &Event, &Iosb);
    if (!I)
        return STATUS_INSUFFICIENT_RESOURCES;
    NTSTATUS S = IoCallDriver(Target, I);
    if (S == STATUS_PENDING) {
        KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, nullptr);
        S = Iosb.Status;
    }
    if (S >= 0 && Count && Iosb.Information < Count)
        S = STATUS_IO_DEVICE_ERROR;
    return S;
}

Status Medium::Flush()
{
    Status S = Transfer(IRP_MJ_FLUSH_BUFFERS, 0, nullptr, 0);
    // A device without a cache of its own need not know the request.
    return S == STATUS_INVALID_DEVICE_REQUEST || S == STATUS_NOT_IMPLEMENTED || S == STATUS_NOT_SUPPORTED ? Status(STATUS_SUCCESS) : S;
}

Result<Medium::Block*> Medium::Get(u64 At)
{
    u32 Set = u32(At / BlockBytes * 0x9E3779B1u >> 8) % (Blocks / Ways) * Ways;
    Block* Oldest = &Blocks_[Set];
    for (u32 W = 0; W < Ways; ++W) {
        Block& B = Blocks_[Set + W];
        if (B.At == At) {
            B.Used = ++Clock_;
            return &B;
        }
        if (B.At == ~u64(0) ? Oldest->At != ~u64(0) : Oldest->At != ~u64(0) && B.Used < Oldest->Used)
            Oldest = &B;
    }
    if (!Oldest->Bytes && !(Oldest->Bytes = static_cast<u8*>(Allocate(BlockBytes))))
        return STATUS_INSUFFICIENT_RESOURCES;
    Oldest->At = ~u64(0);
    u64 Here = Bytes - At < BlockBytes ? Bytes - At : BlockBytes;
    TRY(Transfer(IRP_MJ_READ, At, Oldest->Bytes, u32(Here)));
    Oldest->At = At;
    Oldest->Used = ++Clock_;
    return Oldest;
}

Status Medium::ReadAt(u64 Offset, void* To, usize Count)
{
    if (Offset > Bytes || Count > Bytes - Offset)
        return STATUS_FILE_CORRUPT_ERROR;
    for (usize Done = 0; Done < Count;) {
        u64 At = AlignDown(Offset + Done, BlockBytes);
        u32 Within = u32(Offset + Done - At);
        usize Part = BlockBytes - Within < Count - Done ? BlockBytes - Within : Count - Done;
        Block* B = TRY(Get(At));
        memcpy(static_cast<u8*>(To) + Done, B->Bytes + Within, Part);
        Done += Part;
    }
    return STATUS_SUCCESS;
}

Status Medium::WriteAt(u64 Offset, const void* From, usize Count)
{
    if (Offset > Bytes || Count > Bytes - Offset)
        return STATUS_FILE_CORRUPT_ERROR;
    for (usize Done = 0; Done < Count;) {
        u64 At = AlignDown(Offset + Done, BlockBytes);
        u32 Within = u32(Offset + Done - At);
        usize Part = BlockBytes - Within < Count - Done ? BlockBytes - Within : Count - Done;
        Block* B = TRY(Get(At));
        memcpy(B->Bytes + Within, static_cast<const u8*>(From) + Done, Part);
        u32 First = u32(AlignDown(Within, SectorBytes)), Past = u32(AlignUp(Within + Part, SectorBytes));
        if (Status S = Transfer(IRP_MJ_WRITE, At + First, B->Bytes + First, Past - First); !S.Ok()) {
            B->At = ~u64(0);            // what is on the medium is not known
            return S;
        }
        Done += Part;
    }
    return STATUS_SUCCESS;
}

void Medium::Forget(u64 Offset, u64 Count)
{
    for (Block& B : Blocks_)
        if (B.At != ~u64(0) && B.At < Offset + Count && Offset < B.At + BlockBytes)
            B.At = ~u64(0);
}

void Medium::Drop()
{
    for (Block& B : Blocks_) {
        fastfat::Free(B.Bytes);
        B = {};
    }
}

}

// --- what lib/ needs of the world around it

namespace std {
const nothrow_t nothrow {};
}

void* operator new(size_t Bytes, const std::nothrow_t&) noexcept { return ExAllocatePoolWithTag(NonPagedPool, Bytes, ' taF'); }
void* operator new(size_t Bytes, std::align_val_t, const std::nothrow_t&) noexcept { return ExAllocatePoolWithTag(NonPagedPool, Bytes, ' taF'); }
void operator delete(void* At) noexcept { fastfat::Free(At); }
void operator delete(void* At, size_t) noexcept { fastfat::Free(At); }
void operator delete(void* At, std::align_val_t) noexcept { fastfat::Free(At); }
void operator delete(void* At, size_t, std::align_val_t) noexcept { fastfat::Free(At); }

namespace core {
void Panic(const char* What, const char* File, int Line)
{
    DbgPrint("fastfat: %s (%s:%d)", What, File, Line);
    KeBugCheckEx(0x23, ULONG_PTR(Line), 0, 0, 0);       // FAT_FILE_SYSTEM
}
}
