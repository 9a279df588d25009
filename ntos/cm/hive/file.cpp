// regf's surroundings: files, names, descriptors, messages.
#include <string.h>

#include "ntos/cm/hive/hive.hpp"
#include "ntos/ex/log.hpp"
#include "ntos/mm/store.hpp"
#include "ntos/se/sid.hpp"

namespace cm {

Result<u64> KernelFile::Size() { return File_->DataSize(); }

Status KernelFile::ReadAt(u64 Offset, void* To, usize Bytes)
{
    if (Offset > File_->DataSize() || Bytes > File_->DataSize() - Offset)
        return STATUS_END_OF_FILE;
    RefPtr<mm::PageStore> Data = File_->DataStore();
    return Data ? Data->Read(Offset, To, Bytes) : Status(STATUS_INVALID_PARAMETER);
}

Status KernelFile::WriteAt(u64 Offset, const void* From, usize Bytes)
{
    RefPtr<mm::PageStore> Data = File_->DataStore();
    return Data ? Data->Write(Offset, From, Bytes) : Status(STATUS_INVALID_PARAMETER);
}

Status KernelFile::Extend(u64 Size) { return File_->ExtendData(Size); }

// The pages of a file on the RAM volume are all there is of it.
Status KernelFile::Flush() { return STATUS_SUCCESS; }

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
