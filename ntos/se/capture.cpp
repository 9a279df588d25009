// Lists of SIDs and privileges taken out of a caller's memory.
#include "ntos/se/token.hpp"

namespace se {

Status CaptureSids(ke::Caller& From, u64 Address, u32 Count, Vector<SidEntry>& To)
{
    if (Count > MaximumSids)
        return STATUS_INVALID_PARAMETER;
    TRY(To.Reserve(To.Size() + Count));
    for (u32 I = 0; I < Count; ++I) {
        auto Raw = TRY(ke::UserPtr<SID_AND_ATTRIBUTES>::At(Address + sizeof(SID_AND_ATTRIBUTES) * I).Read(From));
        TRY(To.Push(SidEntry { TRY(CaptureSid(From, reinterpret_cast<u64>(Raw.Sid))), Raw.Attributes }));
    }
    return STATUS_SUCCESS;
}

Status CapturePrivileges(ke::Caller& From, u64 Address, u32 Count, Vector<LUID_AND_ATTRIBUTES>& To)
{
    if (Count > MaximumSids)
        return STATUS_INVALID_PARAMETER;
    TRY(To.Resize(Count));
    return mm::CopyFromUser(From.Process(), To.Data(), Address, Count * sizeof(LUID_AND_ATTRIBUTES));
}

}
