// Write watch: which pages of a range that was reserved with MEM_WRITE_WATCH have been written since they were last looked at.
// A page that has not been is mapped read-only; the fault of the first write marks it (fault.cpp).
#include "ntos/mm/space.hpp"
#include "ntos/ps/process.hpp"

namespace mm {

using namespace nt;

bool AddressSpace::IsWritten(u64 Page)
{
    Pte* E = Entry(Page);
    return E && E->Written;
}

Status AddressSpace::ForgetWritten(u64 Start, u64 End)
{
    Forget();
    for (u64 A = Start; A < End; A += PageSize) {
        Pte* E = Entry(A);
        if (!E || !E->Written)
            continue;
        if (E->Slot && E->Writable)
            TRY(MapInHardware(A, *E, false));
        E->Written = 0;
    }
    return STATUS_SUCCESS;
}

// The pages of [Base, Base + Size), all of one watched range.
static Status FindWatched(AddressSpace& Space, u64 Base, u64 Size, u64& Start, u64& End)
{
    Start = AlignDown(Base, PageSize);
    End = AlignUp(Base + Size, PageSize);
    Vad* V = Base <= HighestUser && Size && Size <= HighestUser && End > Start ? Space.Find(Start) : nullptr;
    return V && V->WriteWatch && V->End >= End ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER_3;
}

}

using namespace mm;

Status NtGetWriteWatch(ke::Caller& Caller, svc::GetWriteWatch& Call)
{
    constexpr ULONG Reset = 1;
    if (Call.Flags & ~Reset)
        return STATUS_INVALID_PARAMETER_2;
    u64 Room = TRY(Call.EntriesInUserAddressArray.Read(Caller));
    if (!Room)
        return STATUS_INVALID_PARAMETER_6;
    TRY(Call.Granularity.Probe(Caller));
    auto P = TRY(ob::Reference<ps::Process>(Caller, Call.ProcessHandle, PROCESS_VM_OPERATION));
    AddressSpace& Space = P->Memory();
    u64 Start, End, Count = 0;
    TRY(FindWatched(Space, Call.BaseAddress.Raw(), Call.RegionSize, Start, End));
    for (u64 A = Start; A < End && Count < Room; A += PageSize) {
        if (!Space.IsWritten(A))
            continue;
        TRY(CopyToUser(Caller.Process(), Call.UserAddressArray.Address() + Count * sizeof(A), &A, sizeof(A)));
        ++Count;
        if (Call.Flags & Reset)
            TRY(Space.ForgetWritten(A, A + PageSize));
    }
    TRY(Call.EntriesInUserAddressArray.Write(Caller, Count));
    return Call.Granularity.Write(Caller, PageSize);
}

Status NtResetWriteWatch(ke::Caller& Caller, svc::ResetWriteWatch& Call)
{
    auto P = TRY(ob::Reference<ps::Process>(Caller, Call.ProcessHandle, PROCESS_VM_OPERATION));
    u64 Start, End;
    TRY(FindWatched(P->Memory(), Call.BaseAddress.Raw(), Call.RegionSize, Start, End));
    return P->Memory().ForgetWritten(Start, End);
}
