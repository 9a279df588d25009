// Memory of a client that a driver locks while it has a request of his: MmProbeAndLockPages of an address in that process (a pointer in a control's input).
#include <utility>

#include "ntos/io/driver/driver.hpp"

namespace io::driver {

using namespace nt;

Status Channel::LockClient(ke::Caller& Caller, svc::DriverControl& Call)
{
    if (Call.InputLength < sizeof(wd::ClientRange))
        return STATUS_INVALID_PARAMETER;
    auto In = TRY(Call.InputBuffer.ReadAs<wd::ClientRange>(Caller));
    Irp* I = FindSent(In.Tag);
    ps::Process* Client = I ? I->Client() : nullptr;
    if (!Client || Client->IsTerminating())
        return STATUS_INVALID_PARAMETER;
    if (!In.Bytes || In.Address + In.Bytes < In.Address)
        return STATUS_ACCESS_VIOLATION;
    Own<Loan> Pages = TRY(Loan::OfMemory(*Client, In.Address, In.Bytes, In.Write == 0));
    if (Call.OutputLength < Pages->Frames.Size() * sizeof(u64))
        return STATUS_BUFFER_TOO_SMALL;
    for (usize P = 0; P < Pages->Frames.Size(); ++P) {
        u64 Number = Pages->Frames[P];
        TRY(Call.OutputBuffer.Write(Caller, &Number, sizeof(Number), P * sizeof(u64)));
    }
    return I->LendLate(std::move(Pages));
}

}
