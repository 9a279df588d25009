// The virtual memory services.
#include "ntos/mm/space.hpp"
#include "ntos/ps/process.hpp"

using namespace mm;

namespace {

// A range argument, rounded to pages: [Start, End).
struct Range {
    u64 Start, End;
};
Result<Range> RangeOf(u64 Base, u64 Size)
{
    u64 Start = AlignDown(Base, PageSize), End = AlignUp(Base + Size, PageSize);
    if (Base + Size < Base || End < Start || End > HighestUser + 1)
        return STATUS_INVALID_PARAMETER_3;
    return Range { Start, End };
}

struct Requirements {
    u64 Lowest = 0, Highest = HighestUser, Alignment = AllocationGranularity;
    bool Given = false;                 // by an extended parameter: a base cannot be asked for then (zero bits do not count for it)
};

Result<Requirements> ReadParameters(ke::Caller& Caller, ke::UserPtr<MEM_EXTENDED_PARAMETER> From, u32 Count)
{
    Requirements R;
    u32 Seen = 0;
    if (Count > 8 || (Count && From.IsNull()))
        return STATUS_INVALID_PARAMETER;
    for (u32 I = 0; I < Count; ++I) {
        auto P = TRY(ke::UserPtr<MEM_EXTENDED_PARAMETER>::At(From.Address() + I * sizeof(MEM_EXTENDED_PARAMETER)).Read(Caller));
        u32 Type = P.Type & 0xFF;
        if (Type >= 32 || Seen & 1u << Type)
            return STATUS_INVALID_PARAMETER;
        Seen |= 1u << Type;
        switch (Type) {
        case MemExtendedParameterAddressRequirements: {
            auto A = TRY(ke::UserPtr<MEM_ADDRESS_REQUIREMENTS>::At(P.ULong64).Read(Caller));
            if (u64 Low = reinterpret_cast<u64>(A.LowestStartingAddress)) {
                if (Low & (AllocationGranularity - 1) || Low > HighestUser)
                    return STATUS_INVALID_PARAMETER;
                R.Lowest = Low;
            }
            if (u64 High = reinterpret_cast<u64>(A.HighestEndingAddress)) {
                if ((High + 1) & PageMask || High > HighestUser || High <= R.Lowest)
                    return STATUS_INVALID_PARAMETER;
                R.Highest = High;
            }
            if (A.Alignment) {
                if (A.Alignment & (A.Alignment - 1) || A.Alignment < AllocationGranularity)
                    return STATUS_INVALID_PARAMETER;
                R.Alignment = A.Alignment;
            }
            R.Given = R.Lowest || R.Highest != HighestUser || A.Alignment;
            break;
        }
        case MemExtendedParameterNumaNode:
        case MemExtendedParameterAttributeFlags:
            break;                      // one node; attributes are advice
        default:
            return STATUS_INVALID_PARAMETER;
        }
    }
    return R;
}

// Whether pages of a section's view may have protection P.
Status CheckView(const Vad& V, Protection P)
{
    Protection Of = TRY(ProtectionFrom(V.Backing->PageProtect));
    if ((IsWritable(P) && !IsWritable(Of) && !IsCopyOnWrite(V.Protect)) || (IsExecutable(P) && !IsExecutable(Of)))
        return STATUS_SECTION_PROTECTION;
    return STATUS_SUCCESS;
}

Status Allocate(ke::Caller& Caller, HANDLE ProcessHandle, ke::UserPtr<PVOID> BaseAddress, ke::UserPtr<SIZE_T> RegionSize, u32 Type, u32 Protect,
                const Requirements& Needs)
{
    constexpr u32 Known = MEM_COMMIT | MEM_RESERVE | MEM_RESET | MEM_RESET_UNDO | MEM_TOP_DOWN | MEM_WRITE_WATCH | MEM_PHYSICAL | MEM_LARGE_PAGES |
                          MEM_RESERVE_PLACEHOLDER | MEM_REPLACE_PLACEHOLDER;
    if (Type & ~Known || !(Type & (MEM_COMMIT | MEM_RESERVE | MEM_RESET | MEM_RESET_UNDO)))
        return STATUS_INVALID_PARAMETER_5;
    if (Type & (MEM_PHYSICAL | MEM_LARGE_PAGES))
        return STATUS_NOT_SUPPORTED;
    bool MakePlaceholder = Type & MEM_RESERVE_PLACEHOLDER, Replace = Type & MEM_REPLACE_PLACEHOLDER;
    if (MakePlaceholder && (!(Type & MEM_RESERVE) || Type & MEM_COMMIT || Protect != PAGE_NOACCESS))
        return STATUS_INVALID_PARAMETER_5;
    Protection P = TRY(ProtectionFrom(Protect));
    if (IsCopyOnWrite(P))
        return STATUS_INVALID_PAGE_PROTECTION;
    bool Guard = Protect & PAGE_GUARD;
    if (Guard && P == Protection::NoAccess)
        return STATUS_INVALID_PAGE_PROTECTION;

    u64 Base = reinterpret_cast<u64>(TRY(BaseAddress.Read(Caller)));
    u64 Size = TRY(RegionSize.Read(Caller));
    TRY(BaseAddress.Probe(Caller));
    TRY(RegionSize.Probe(Caller));
    if (Size == 0 || Size > HighestUser)
        return STATUS_INVALID_PARAMETER_4;
    if (Base > HighestUser)
        return STATUS_INVALID_PARAMETER_2;
    if (Base && Needs.Given)
        return STATUS_INVALID_PARAMETER;
    auto Target = TRY(ob::Reference<ps::Process>(Caller, ProcessHandle, PROCESS_VM_OPERATION));
    if (Target->HasEnded())
        return STATUS_PROCESS_IS_TERMINATING;
    AddressSpace& Space = Target->Memory();

    u64 Start, End;
    if (Type & (MEM_RESET | MEM_RESET_UNDO)) {
        Range R = TRY(RangeOf(Base, Size));
        Vad* V = Space.Find(R.Start);
        if (!V || V->End < R.End || (V->Kind != Vad::Private && V->Kind != Vad::Data))
            return STATUS_CONFLICTING_ADDRESSES;
        Start = R.Start;
        End = R.End;                    // the content may be kept: it is
    } else if (Type & MEM_RESERVE || Base == 0) {
        u64 Unit = Replace ? PageSize : AllocationGranularity;
        Vad* V;
        if (Base) {
            Start = AlignDown(Base, Unit);
            End = AlignUp(Base + Size, PageSize);
            if (End < Start || End > HighestUser + 1)
                return STATUS_INVALID_PARAMETER_4;
            if (Replace) {
                Vad* Old = Space.Find(Start);
                if (!Old || Old->Kind != Vad::Placeholder || Old->Start != Start || Old->End != End)
                    return STATUS_CONFLICTING_ADDRESSES;
                Space.Remove(*Old);
            }
        } else {
            u64 Bytes = AlignUp(Size, PageSize);
            Start = TRY(Space.FindFree(Bytes, { .Lowest = Needs.Lowest, .Highest = Needs.Highest, .Alignment = Needs.Alignment, .TopDown = bool(Type & MEM_TOP_DOWN) }));
            End = Start + Bytes;
        }
        V = TRY(Space.Insert(Start, End - Start, MakePlaceholder ? Vad::Placeholder : Vad::Private));
        V->Protect = P;
        V->InitialPage = Protect;
        V->WriteWatch = V->TracksWrites = Type & MEM_WRITE_WATCH;
        if (Type & MEM_COMMIT || (Base == 0 && !(Type & MEM_RESERVE))) {
            if (Status S = Space.Commit(*V, Start, End, P, Guard); !S.Ok()) {
                Space.Remove(*V);
                if (Replace)
                    (void)Space.Insert(Start, End - Start, Vad::Placeholder);
                return S;
            }
        }
    } else {
        Range R = TRY(RangeOf(Base, Size));
        Start = R.Start;
        End = R.End;
        Vad* V = Space.Find(Start);
        if (!V || V->Fixed || V->Kind == Vad::Placeholder || V->Kind == Vad::Image)
            return STATUS_CONFLICTING_ADDRESSES;
        if (V->End < End)
            return STATUS_CONFLICTING_ADDRESSES;
        if (V->Kind == Vad::Data)
            TRY(CheckView(*V, P));
        if (V->Kind == Vad::Data && !(V->Backing->Attributes & SEC_RESERVE)) {
            // All there is committed: of a section without a file the pages get the protection.
            if (!V->Backing->PageFile)
                return STATUS_ALREADY_COMMITTED;
            (void)TRY(Space.Protect(*V, Start, End, P, Guard));
        } else {
            TRY(Space.Commit(*V, Start, End, P, Guard));
        }
        if (Guard && AddressSpace::EndStack)
            TRY(AddressSpace::EndStack(Caller, Space, Start, End));
    }
    TRY(BaseAddress.Write(Caller, reinterpret_cast<PVOID>(Start)));
    return RegionSize.Write(Caller, End - Start);
}

}

Status NtAllocateVirtualMemory(ke::Caller& Caller, svc::AllocateVirtualMemory& Call)
{
    if (Call.AllocationType & (MEM_RESERVE_PLACEHOLDER | MEM_REPLACE_PLACEHOLDER))
        return STATUS_INVALID_PARAMETER;
    Requirements Needs;
    Needs.Highest = TRY(HighestForZeroBits(Call.ZeroBits));
    return Allocate(Caller, Call.ProcessHandle, Call.BaseAddress, Call.RegionSize, Call.AllocationType, Call.Protect, Needs);
}

Status NtAllocateVirtualMemoryEx(ke::Caller& Caller, svc::AllocateVirtualMemoryEx& Call)
{
    Requirements Needs = TRY(ReadParameters(Caller, Call.Parameters, Call.ParameterCount));
    return Allocate(Caller, Call.ProcessHandle, Call.BaseAddress, Call.RegionSize, Call.AllocationType, Call.Protect, Needs);
}

Status NtFreeVirtualMemory(ke::Caller& Caller, svc::FreeVirtualMemory& Call)
{
    u32 Type = Call.FreeType, Kind = Type & ~(MEM_COALESCE_PLACEHOLDERS | MEM_PRESERVE_PLACEHOLDER);
    if ((Kind != MEM_DECOMMIT && Kind != MEM_RELEASE) || (Type != Kind && Kind != MEM_RELEASE))
        return STATUS_INVALID_PARAMETER_4;
    u64 Base = reinterpret_cast<u64>(TRY(Call.BaseAddress.Read(Caller)));
    u64 Size = TRY(Call.RegionSize.Read(Caller));
    TRY(Call.BaseAddress.Probe(Caller));
    TRY(Call.RegionSize.Probe(Caller));
    auto Target = TRY(ob::Reference<ps::Process>(Caller, Call.ProcessHandle, PROCESS_VM_OPERATION));
    AddressSpace& Space = Target->Memory();
    Range R = TRY(RangeOf(Base, Size));
    Vad* V = Space.Find(R.Start);
    if (!V)
        return STATUS_MEMORY_NOT_ALLOCATED;
    if (V->Fixed || (V->Kind != Vad::Private && V->Kind != Vad::Placeholder))
        return STATUS_INVALID_PAGE_PROTECTION;

    if (Type & MEM_COALESCE_PLACEHOLDERS) {
        // Every placeholder of the range becomes one.
        u64 At = R.Start;
        while (At < R.End) {
            Vad* Part = Space.Find(At);
            if (!Part || Part->Kind != Vad::Placeholder || Part->Start < R.Start || Part->End > R.End)
                return STATUS_CONFLICTING_ADDRESSES;
            At = Part->End;
        }
        for (At = R.Start; At < R.End;) {
            Vad* Part = Space.Find(At);
            At = Part->End;
            Space.Remove(*Part);
        }
        Vad* Whole = TRY(Space.Insert(R.Start, R.End - R.Start, Vad::Placeholder));
        (void)Whole;
    } else if (Kind == MEM_RELEASE) {
        if (Size == 0) {
            if (AlignDown(Base, PageSize) != V->Start)
                return STATUS_FREE_VM_NOT_AT_BASE;
            R = { V->Start, V->End };
        } else if (R.End > V->End || R.Start < V->Start) {
            return STATUS_UNABLE_TO_FREE_VM;
        }
        bool Keep = Type & MEM_PRESERVE_PLACEHOLDER;
        TRY(Space.Split(*V, R.End));
        if (R.Start > V->Start) {
            TRY(Space.Split(*V, R.Start));
            V = Space.Find(R.Start);
        }
        Space.Remove(*V);
        if (Keep)
            (void)TRY(Space.Insert(R.Start, R.End - R.Start, Vad::Placeholder));
    } else {
        if (V->Kind != Vad::Private)
            return STATUS_INVALID_PAGE_PROTECTION;
        if (Size == 0) {
            if (AlignDown(Base, PageSize) != V->Start)
                return STATUS_FREE_VM_NOT_AT_BASE;
            R = { V->Start, V->End };
        }
        if (R.End > V->End)
            return STATUS_UNABLE_TO_FREE_VM;
        TRY(Space.Decommit(*V, R.Start, R.End));
    }
    TRY(Call.BaseAddress.Write(Caller, reinterpret_cast<PVOID>(R.Start)));
    return Call.RegionSize.Write(Caller, R.End - R.Start);
}

Status NtProtectVirtualMemory(ke::Caller& Caller, svc::ProtectVirtualMemory& Call)
{
    u64 Base = reinterpret_cast<u64>(TRY(Call.BaseAddress.Read(Caller)));
    u64 Size = TRY(Call.RegionSize.Read(Caller));
    TRY(Call.BaseAddress.Probe(Caller));
    TRY(Call.RegionSize.Probe(Caller));
    TRY(Call.OldProtect.Probe(Caller));
    if (Size == 0)
        return STATUS_INVALID_PARAMETER_3;
    Protection P = TRY(ProtectionFrom(Call.NewProtect));
    bool Guard = Call.NewProtect & PAGE_GUARD;
    if (Guard && P == Protection::NoAccess)
        return STATUS_INVALID_PAGE_PROTECTION;
    auto Target = TRY(ob::Reference<ps::Process>(Caller, Call.ProcessHandle, PROCESS_VM_OPERATION));
    AddressSpace& Space = Target->Memory();
    Range R = TRY(RangeOf(Base, Size));
    Vad* V = Space.Find(R.Start);
    if (!V || V->End < R.End || V->Fixed)
        return STATUS_CONFLICTING_ADDRESSES;
    if (V->Kind == Vad::Placeholder)
        return STATUS_CONFLICTING_ADDRESSES;
    if (V->Kind == Vad::Private && IsCopyOnWrite(P))
        return STATUS_INVALID_PAGE_PROTECTION;
    if (V->Kind == Vad::Data)
        TRY(CheckView(*V, P));
    u32 Old = TRY(Space.Protect(*V, R.Start, R.End, P, Guard));
    if (Guard && AddressSpace::EndStack)
        TRY(AddressSpace::EndStack(Caller, Space, R.Start, R.End));
    TRY(Call.BaseAddress.Write(Caller, reinterpret_cast<PVOID>(R.Start)));
    TRY(Call.RegionSize.Write(Caller, R.End - R.Start));
    return Call.OldProtect.Write(Caller, Old);
}

static Status QueryMappedFile(ke::Caller& Caller, AddressSpace& Space, u64 Address, svc::QueryVirtualMemory& Call)
{
    Vad* V = Space.Find(Address);
    if (!V)
        return STATUS_INVALID_ADDRESS;
    if (!V->Backing || V->Backing->FileName.IsEmpty())
        return STATUS_INVALID_ADDRESS;
    ob::Name Name = V->Backing->FileName;
    usize Bytes = Name.Length * sizeof(wchar_t), Needed = sizeof(UNICODE_STRING) + Bytes + sizeof(wchar_t);
    TRY(Call.ReturnLength.WriteIfThere(Caller, Needed));
    if (Call.MemoryInformationLength < sizeof(UNICODE_STRING))
        return STATUS_INFO_LENGTH_MISMATCH;
    if (Call.MemoryInformationLength < Needed)
        return STATUS_BUFFER_OVERFLOW;
    u64 Text = Call.MemoryInformation.Address() + sizeof(UNICODE_STRING);
    UNICODE_STRING Header { .Length = USHORT(Bytes), .MaximumLength = USHORT(Bytes + sizeof(wchar_t)), .Buffer = reinterpret_cast<WCHAR*>(Text) };
    TRY(Call.MemoryInformation.WriteAs(Caller, Header));
    TRY(Call.MemoryInformation.Write(Caller, Name.Data, Bytes, sizeof(Header)));
    wchar_t End = 0;
    return Call.MemoryInformation.WriteAs(Caller, End, sizeof(Header) + Bytes);
}

Status NtQueryVirtualMemory(ke::Caller& Caller, svc::QueryVirtualMemory& Call)
{
    u64 Address = Call.BaseAddress.Raw();
    u32 Class = Call.MemoryInformationClass;
    if (Address > HighestUser && Class != MemoryWorkingSetExInformation)
        return STATUS_INVALID_PARAMETER;
    auto Target = TRY(ob::Reference<ps::Process>(Caller, Call.ProcessHandle, PROCESS_QUERY_LIMITED_INFORMATION));
    AddressSpace& Space = Target->Memory();
    switch (Class) {
    case MemoryBasicInformation: {
        MEMORY_BASIC_INFORMATION Info;
        if (Call.MemoryInformationLength < sizeof(Info))
            return STATUS_INFO_LENGTH_MISMATCH;
        Space.QueryRun(Address, Info);
        TRY(Call.MemoryInformation.WriteAs(Caller, Info));
        return Call.ReturnLength.WriteIfThere(Caller, sizeof(Info));
    }
    case MemoryMappedFilenameInformation:
        return QueryMappedFile(Caller, Space, Address, Call);
    case MemoryRegionInformation: {
        MEMORY_REGION_INFORMATION Info {};
        u64 Length = Call.MemoryInformationLength;
        if (Length < __builtin_offsetof(MEMORY_REGION_INFORMATION, CommitSize))
            return STATUS_INFO_LENGTH_MISMATCH;
        Vad* V = Space.Find(Address);
        if (!V)
            return STATUS_INVALID_ADDRESS;
        Info.AllocationBase = reinterpret_cast<PVOID>(V->AllocationBase);
        Info.AllocationProtect = V->InitialPage;
        // Memory that is nothing but memory is not told in the flags.
        Info.RegionType = V->Kind == Vad::Data && !V->Backing->PageFile ? 2 : V->Kind == Vad::Image ? 4 : V->Kind == Vad::Placeholder ? 0x40 : 0;
        Info.RegionSize = V->End - V->Start;
        for (u64 A = V->Start; A < V->End && V->End - V->Start < GiB; A += PageSize)
            Info.CommitSize += Space.Query(*V, A).Committed ? PageSize : 0;
        Length = Length < sizeof(Info) ? Length : sizeof(Info);
        TRY(Call.MemoryInformation.Write(Caller, &Info, Length));
        return Call.ReturnLength.WriteIfThere(Caller, Length);
    }
    case MemoryWorkingSetExInformation: {
        u64 Count = Call.MemoryInformationLength / sizeof(MEMORY_WORKING_SET_EX_INFORMATION);
        if (Count == 0)
            return STATUS_INFO_LENGTH_MISMATCH;
        for (u64 I = 0; I < Count; ++I) {
            auto Entry = TRY(Call.MemoryInformation.ReadAs<MEMORY_WORKING_SET_EX_INFORMATION>(Caller, I * sizeof(MEMORY_WORKING_SET_EX_INFORMATION)));
            u64 Page = reinterpret_cast<u64>(Entry.VirtualAddress);
            Vad* V = Page <= HighestUser ? Space.Find(Page) : nullptr;
            Entry.VirtualAttributes = 0;
            if (V) {
                auto Info = Space.Query(*V, Page);
                if (Info.Present)       // Valid, ShareCount, Win32Protection, Shared
                    Entry.VirtualAttributes = 1 | (Info.Private ? 0 : 1 << 1) | u64(PageFrom(Info.Protect)) << 4 | (Info.Private ? 0 : 1 << 15);
            }
            TRY(Call.MemoryInformation.WriteAs(Caller, Entry, I * sizeof(Entry)));
        }
        return Call.ReturnLength.WriteIfThere(Caller, Count * sizeof(MEMORY_WORKING_SET_EX_INFORMATION));
    }
    case MemoryImageInformation: {
        MEMORY_IMAGE_INFORMATION Info {};
        if (Call.MemoryInformationLength < sizeof(Info))
            return STATUS_INFO_LENGTH_MISMATCH;
        Vad* V = Space.Find(Address);
        if (!V)
            return STATUS_INVALID_ADDRESS;
        if (V->Kind == Vad::Image) {
            Info.ImageBase = reinterpret_cast<PVOID>(V->Start);
            Info.SizeOfImage = V->End - V->Start;
        }
        TRY(Call.MemoryInformation.WriteAs(Caller, Info));
        return Call.ReturnLength.WriteIfThere(Caller, sizeof(Info));
    }
    default:
        return STATUS_INVALID_INFO_CLASS;
    }
}

// What is there stays there: locking makes the range present.
static Status Lock(ke::Caller& Caller, HANDLE ProcessHandle, ke::UserPtr<PVOID> BaseAddress, ke::UserPtr<SIZE_T> RegionSize, u32 Type, bool Take)
{
    if (Type & ~3u || !Type)
        return STATUS_INVALID_PARAMETER;
    u64 Base = reinterpret_cast<u64>(TRY(BaseAddress.Read(Caller)));
    u64 Size = TRY(RegionSize.Read(Caller));
    auto Target = TRY(ob::Reference<ps::Process>(Caller, ProcessHandle, PROCESS_VM_OPERATION));
    Range R = TRY(RangeOf(Base, Size));
    if (Take)
        TRY(ProbeForRead(*Target, R.Start, R.End - R.Start));
    TRY(BaseAddress.Write(Caller, reinterpret_cast<PVOID>(R.Start)));
    return RegionSize.Write(Caller, R.End - R.Start);
}

Status NtLockVirtualMemory(ke::Caller& Caller, svc::LockVirtualMemory& Call)
{
    return Lock(Caller, Call.ProcessHandle, Call.BaseAddress, Call.RegionSize, Call.MapType, true);
}

Status NtUnlockVirtualMemory(ke::Caller& Caller, svc::UnlockVirtualMemory& Call)
{
    return Lock(Caller, Call.ProcessHandle, Call.BaseAddress, Call.RegionSize, Call.MapType, false);
}

Status NtFlushInstructionCache(ke::Caller& Caller, svc::FlushInstructionCache& Call)
{
    // x86 keeps instruction caches coherent; the handle is checked as everywhere.
    (void)TRY(ob::Reference<ps::Process>(Caller, Call.ProcessHandle, PROCESS_VM_WRITE));
    return STATUS_SUCCESS;
}

Status NtFlushProcessWriteBuffers(ke::Caller&, svc::FlushProcessWriteBuffers&)
{
    return STATUS_SUCCESS;              // one processor: entering the Executive was the barrier
}

Status NtSetInformationVirtualMemory(ke::Caller& Caller, svc::SetInformationVirtualMemory& Call)
{
    (void)TRY(ob::Reference<ps::Process>(Caller, Call.ProcessHandle, PROCESS_VM_OPERATION));
    constexpr u32 VmPrefetchInformation = 0, VmPagePriorityInformation = 1;
    u32 Class = Call.VmInformationClass;
    if (Class != VmPrefetchInformation && Class != VmPagePriorityInformation)
        return STATUS_INVALID_PARAMETER_2;
    if (!Call.VmInformation)
        return STATUS_INVALID_PARAMETER_5;
    if (Call.VmInformationLength != sizeof(ULONG))
        return STATUS_INVALID_PARAMETER_6;
    constexpr u64 MostEntries = 0x10000;    // nobody else is served meanwhile
    if (!Call.NumberOfEntries || Call.NumberOfEntries > MostEntries)
        return STATUS_INVALID_PARAMETER_3;
    struct Entry {
        u64 Address, Bytes;
    };
    for (u64 I = 0; I < Call.NumberOfEntries; ++I) {
        Entry E;
        TRY(mm::CopyFromUser(Caller.Process(), &E, Call.VirtualAddresses.Address() + I * sizeof(Entry), sizeof(Entry)));
        if (!E.Bytes)
            return STATUS_INVALID_PARAMETER_4;
    }
    return STATUS_SUCCESS;              // advice: all is in memory
}

// Pages of a file in memory are the file; those of another are written to it.
ke::Task<> NtFlushVirtualMemory(ke::Caller& Caller, svc::FlushVirtualMemory& Call)
{
    u64 Base = reinterpret_cast<u64>(CO_TRY(Call.BaseAddress.Read(Caller)));
    u64 Size = CO_TRY(Call.RegionSize.Read(Caller));
    CO_TRY(Call.BaseAddress.Probe(Caller));
    CO_TRY(Call.RegionSize.Probe(Caller));
    auto Target = CO_TRY(ob::Reference<ps::Process>(Caller, Call.ProcessHandle, PROCESS_VM_OPERATION));
    Range R = CO_TRY(RangeOf(Base, Size));
    Vad* V = Target->Memory().Find(R.Start);
    if (!V || V->Kind != Vad::Data)
        co_return STATUS_NOT_MAPPED_VIEW;
    if (!Size || R.End > V->End)
        R = { R.Start, V->End };
    Status Outcome = STATUS_SUCCESS;
    if (V->Paged) {
        Ref<Section> Keep(*V->Backing);
        Outcome = co_await PageStore::Flush(Ref<PageStore>(*Keep->Store), (V->Offset + R.Start - V->Start) >> PageShift, (R.End - R.Start) >> PageShift);
    }
    CO_TRY(Call.IoStatus.WriteIfThere(Caller, IO_STATUS_BLOCK { .Status = Outcome.Code(), .Information = Outcome.Ok() ? R.End - R.Start : 0 }));
    CO_TRY(Call.BaseAddress.Write(Caller, reinterpret_cast<PVOID>(R.Start)));
    CO_TRY(Call.RegionSize.Write(Caller, R.End - R.Start));
    co_return Outcome;
}
