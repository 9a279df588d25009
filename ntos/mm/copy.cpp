// NtReadVirtualMemory and NtWriteVirtualMemory: copies between processes.
#include "ntos/mm/space.hpp"
#include "ntos/ps/process.hpp"

using namespace mm;

// Into code that may not be written (within one page): a debugger's breakpoint. The page becomes the process's own for that.
static Status WriteCode(ps::Process& To, u64 Target, const void* From, u64 Bytes)
{
    AddressSpace& Space = To.Memory();
    u64 Page = AlignDown(Target, PageSize);
    Vad* V = Space.Find(Page);
    if (!V || V->Fixed || (V->Kind != Vad::Private && V->Kind != Vad::Image))
        return STATUS_ACCESS_VIOLATION;
    AddressSpace::PageInfo Info = Space.Query(*V, Page);
    if (!Info.Committed || Info.Guard || (Info.Protect != Protection::Execute && Info.Protect != Protection::ExecuteRead))
        return STATUS_ACCESS_VIOLATION;
    (void)TRY(Space.Protect(*V, Page, Page + PageSize, Protection::ExecuteReadWrite, false));
    Status S = CopyToUser(To, Target, From, Bytes);
    (void)TRY(Space.Protect(*V, Page, Page + PageSize, Info.Protect, false));
    return S;
}

// Copies between two processes, a page at a time, until something fails: what was copied is told.
static Status CopyBetween(ps::Process& From, u64 Source, ps::Process& To, u64 Target, u64 Bytes, u64& Done, bool Code = false)
{
    Done = 0;
    // Of views whose pages may have to be read: all that is to be read at once, before anything is copied.
    if (MayBeAbsent(From))
        if (Status S = ProbeForRead(From, Source, Bytes); S.Code() == PageAbsent)
            return S;
    if (MayBeAbsent(To))
        if (Status S = ProbeForWrite(To, Target, Bytes); S.Code() == PageAbsent)
            return S;
    for (Done = 0; Done < Bytes;) {
        u8 Buffer[512];
        u64 Now = Bytes - Done < sizeof(Buffer) ? Bytes - Done : sizeof(Buffer);
        if (u64 Left = PageSize - ((Target + Done) & PageMask); Now > Left)
            Now = Left;
        TRY(CopyFromUser(From, Buffer, Source + Done, Now));
        Status S = CopyToUser(To, Target + Done, Buffer, Now);
        if (S == STATUS_ACCESS_VIOLATION && Code)
            S = WriteCode(To, Target + Done, Buffer, Now);
        if (!S.Ok())
            return S;
        Done += Now;
    }
    return STATUS_SUCCESS;
}

Status NtReadVirtualMemory(ke::Caller& Caller, svc::ReadVirtualMemory& Call)
{
    u64 From = Call.BaseAddress.Raw(), To = Call.Buffer.Address(), Bytes = Call.NumberOfBytes, Done = 0;
    if (From + Bytes < From || To + Bytes < To || From + Bytes > HighestUser + 1 || To + Bytes > HighestUser + 1)
        return STATUS_ACCESS_VIOLATION;
    auto Target = TRY(ob::Reference<ps::Process>(Caller, Call.ProcessHandle, PROCESS_VM_READ));
    Status S = CopyBetween(*Target, From, Caller.Process(), To, Bytes, Done);
    if (S.Code() == STATUS_ACCESS_VIOLATION || S.Code() == STATUS_GUARD_PAGE_VIOLATION)
        S = STATUS_PARTIAL_COPY;
    TRY(Call.NumberOfBytesRead.WriteIfThere(Caller, Done));
    return S;
}

Status NtWriteVirtualMemory(ke::Caller& Caller, svc::WriteVirtualMemory& Call)
{
    u64 To = Call.BaseAddress.Raw(), From = Call.Buffer.Address(), Bytes = Call.NumberOfBytes, Done = 0;
    if (From + Bytes < From || To + Bytes < To || From + Bytes > HighestUser + 1 || To + Bytes > HighestUser + 1)
        return STATUS_ACCESS_VIOLATION;
    auto Target = TRY(ob::Reference<ps::Process>(Caller, Call.ProcessHandle, PROCESS_VM_WRITE));
    bool Code = ob::Reference<ps::Process>(Caller, Call.ProcessHandle, PROCESS_VM_OPERATION).Ok();
    Status S = ProbeForRead(Caller.Process(), From, Bytes);
    if (S.Ok())
        S = CopyBetween(Caller.Process(), From, *Target, To, Bytes, Done, Code);
    if (S.Code() == STATUS_ACCESS_VIOLATION || S.Code() == STATUS_GUARD_PAGE_VIOLATION)
        S = STATUS_PARTIAL_COPY;
    TRY(Call.NumberOfBytesWritten.WriteIfThere(Caller, Done));
    return S;
}
