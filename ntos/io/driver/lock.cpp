// Memory of a client that a driver locks while it has a request of his: MmProbeAndLockPages of an address in that process (a pointer in a control's input).
#include "ntos/io/driver/driver.hpp"
#include "ntos/mm/phys.hpp"
#include "ntos/mm/space.hpp"

namespace io::driver {

using namespace nt;

Status Channel::LockClient(ke::Caller& Caller, svc::DriverControl& Call)
{
    constexpr u32 Most = 64 * MiB;
    if (Call.InputLength < sizeof(wd::ClientRange))
        return STATUS_INVALID_PARAMETER;
    auto In = TRY(Call.InputBuffer.ReadAs<wd::ClientRange>(Caller));
    Irp* I = FindSent(In.Tag);
    ps::Process* Client = I ? I->Client() : nullptr;
    if (!Client || Client->IsTerminating())
        return STATUS_INVALID_PARAMETER;
    if (!In.Bytes || In.Bytes > Most || In.Address + In.Bytes < In.Address)
        return STATUS_ACCESS_VIOLATION;
    u64 First = AlignDown(In.Address, PageSize), Pages = (AlignUp(In.Address + In.Bytes, PageSize) - First) >> PageShift;
    if (Call.OutputLength < Pages * sizeof(u64))
        return STATUS_BUFFER_TOO_SMALL;
    mm::AddressSpace& Space = Client->Memory();
    if (!I->NeedsMore())
        return STATUS_INSUFFICIENT_RESOURCES;
    Vector<u32>& Locked = I->More_->Locked;
    TRY(Locked.Reserve(Locked.Size() + Pages));
    for (u64 P = 0; P < Pages; ++P) {
        (void)TRY(Space.Touch(First + P * PageSize, In.Write != 0));
        mm::Pfn Frame = TRY(Space.FrameAt(First + P * PageSize));
        // Pages of the boot image are not counted: they stay, and are nobody's to write to.
        if (mm::EntryOf(Frame).State == mm::PageState::Frame) {
            mm::ReferenceFrame(Frame);
            TRY(Locked.Push(Frame));
        } else if (In.Write) {
            return STATUS_NOT_SUPPORTED;
        }
        u64 Number = Frame;
        TRY(Call.OutputBuffer.Write(Caller, &Number, sizeof(Number), P * sizeof(u64)));
    }
    return STATUS_SUCCESS;
}

}
