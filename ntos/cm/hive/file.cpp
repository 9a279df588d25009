// regf's surroundings: files, names, descriptors, messages.
#include <string.h>

#include "ntos/cm/hive/hive.hpp"
#include "ntos/ex/log.hpp"
#include "ntos/mm/store.hpp"
#include "ntos/se/sid.hpp"

namespace cm {

ke::Task<> KernelFile::Open(KernelFile& File, Ref<io::File> Of, Ref<WriteQueue> Queue, Ref<ps::Process> For)
{
    File.File_ = RefPtr<io::File>(Of);
    if (!Of->NeedsCreate()) {
        if (!Of->DataStore())
            co_return STATUS_INVALID_PARAMETER;
        co_return STATUS_SUCCESS;
    }
    File.Queue_ = RefPtr<WriteQueue>(Queue);
    CO_TRY(co_await io::ReadOwn(For, Of, Limit, File.Content_));
    File.HasContent_ = true;
    File.Size_ = File.Content_.Size();
    co_return STATUS_SUCCESS;
}

Result<u64> KernelFile::Size() { return Queue_ ? Size_ : File_->DataSize(); }

Status KernelFile::ReadAt(u64 Offset, void* To, usize Bytes)
{
    if (Queue_) {
        if (!HasContent_)
            return STATUS_INVALID_DEVICE_STATE;
        if (Offset > Content_.Size() || Bytes > Content_.Size() - Offset)
            return STATUS_END_OF_FILE;
        if (Bytes)
            memcpy(To, Content_.Data() + Offset, Bytes);
        return STATUS_SUCCESS;
    }
    if (Offset > File_->DataSize() || Bytes > File_->DataSize() - Offset)
        return STATUS_END_OF_FILE;
    RefPtr<mm::PageStore> Data = File_->DataStore();
    return Data ? Data->Read(Offset, To, Bytes) : Status(STATUS_INVALID_PARAMETER);
}

Status KernelFile::WriteAt(u64 Offset, const void* From, usize Bytes)
{
    if (Queue_) {
        if (Offset > Size_ || Bytes > Size_ - Offset)
            return STATUS_END_OF_FILE;
        TRY(Queue_->Write(*File_, Offset, From, Bytes));
        if (HasContent_)
            memcpy(Content_.Data() + Offset, From, Bytes);
        return STATUS_SUCCESS;
    }
    RefPtr<mm::PageStore> Data = File_->DataStore();
    return Data ? Data->Write(Offset, From, Bytes) : Status(STATUS_INVALID_PARAMETER);
}

Status KernelFile::Extend(u64 Size)
{
    if (!Queue_)
        return File_->ExtendData(Size);
    // Zeroes make a file longer on every file system.
    static constexpr u8 Zeroes[PageSize] = {};
    if (HasContent_)
        TRY(Content_.Resize(Size));
    while (Size_ < Size) {
        usize Now = Size - Size_ < PageSize ? usize(Size - Size_) : PageSize;
        TRY(Queue_->Write(*File_, Size_, Zeroes, Now));
        Size_ += Now;
    }
    return STATUS_SUCCESS;
}

// The pages of a file on the volume in memory are all there is of it.
Status KernelFile::Flush() { return Queue_ ? Queue_->Flush(*File_) : Status(STATUS_SUCCESS); }

static bool IsSoundDescriptor(std::span<const u8> Bytes)
{
    SECURITY_DESCRIPTOR_RELATIVE H;
    if (Bytes.size() < sizeof(H))
        return false;
    memcpy(&H, Bytes.data(), sizeof(H));
    auto SidAt = [&](u32 At) { return !At || (At < Bytes.size() && se::ParseSid(Bytes.subspan(At)).Ok()); };
    auto AclAt = [&](u32 At) { return !At || (At < Bytes.size() && se::IsValidAcl(Bytes.subspan(At))); };
    return H.Revision == 1 && (H.Control & SE_SELF_RELATIVE) && SidAt(H.Owner) && SidAt(H.Group) && (!(H.Control & SE_SACL_PRESENT) || AclAt(H.Sacl)) &&
           (!(H.Control & SE_DACL_PRESENT) || AclAt(H.Dacl));
}

regf::Environment RegfEnvironment()
{
    regf::Environment E;
    E.UpCase = ob::UpCase;
    E.GoodDescriptor = IsSoundDescriptor;
    E.Report = [](void*, const char* What, u32 Cell) { ex::Log("registry hive: %s (cell 0x%x)\n", What, Cell); };
    E.Now = ke::SystemTime;
    return E;
}

}
