// Processes, threads and handles of the system.
#include "ntos/ex/sysinfo.hpp"
#include "ntos/mm/space.hpp"

using namespace ob;

namespace ex {

namespace {

// The part of a path after the last backslash.
Name FileName(Name Path)
{
    usize At = Path.Length;
    while (At && Path.Data[At - 1] != L'\\')
        --At;
    return Path.From(At);
}

// Two entries every list of Windows' has, and programs expect: the idle loop and the system itself. Neither has threads here.
struct Standing {
    u64 Id;
    Name Text;
};

Status PutThread(Stream& To, ps::Process& P, ps::Thread& T, bool Extended)
{
    SYSTEM_EXTENDED_THREAD_INFORMATION Info {};
    auto& Basic = Info.ThreadInfo;
    Basic.CreateTime.QuadPart = i64(T.CreateTime);
    Basic.UserTime.QuadPart = i64(ke::SystemTime() - T.CreateTime);
    Basic.StartAddress = reinterpret_cast<void*>(T.StartAddress);
    Basic.ClientId = { reinterpret_cast<HANDLE>(P.Id()), reinterpret_cast<HANDLE>(T.Id()) };
    Basic.BasePriority = T.BasePriority;
    Basic.Priority = T.BasePriority + T.PriorityIncrement;
    bool Waits = T.IsSuspended() || T.SuspendCount();
    Basic.ThreadState = Waits ? 5 : 1;                                  // waiting, ready
    Basic.WaitReason = T.SuspendCount() ? 5 : T.CurrentWait() ? 6 : 0;  // suspended, user request, executive
    Info.Win32StartAddress = Basic.StartAddress;
    Info.TebBase = reinterpret_cast<void*>(T.TebAddress());
    // There are no kernel stacks: the thread's own.
    NT_TIB Tib;
    if (Extended && mm::CopyFromUser(P, &Tib, T.TebAddress(), sizeof(Tib)).Ok()) {
        Info.StackBase = Tib.StackBase;
        Info.StackLimit = Tib.StackLimit;
    }
    return Extended ? To.Put(Info) : To.Put(Basic);
}

Status PutProcess(Stream& To, SYSTEM_PROCESS_INFORMATION& Info, ps::Process* P, Name Text, bool Extended, bool Last)
{
    usize ThreadSize = Extended ? sizeof(SYSTEM_EXTENDED_THREAD_INFORMATION) : sizeof(SYSTEM_THREAD_INFORMATION);
    usize Threads = Info.NumberOfThreads * ThreadSize;
    usize TextBytes = Text.Length ? (Text.Length + 1) * sizeof(wchar_t) : 0;
    usize Size = AlignUp(sizeof(Info) + Threads + TextBytes, 8);
    Info.NextEntryOffset = Last ? 0 : ULONG(Size);
    if (Text.Length)
        Info.ImageName = { USHORT(Text.Length * sizeof(wchar_t)), USHORT(TextBytes), reinterpret_cast<wchar_t*>(To.Address() + sizeof(Info) + Threads) };
    usize Start = To.Size();
    TRY(To.Put(Info));
    if (P)
        for (ps::Thread* T = P->FirstThread(); T; T = P->NextThread(*T))
            TRY(PutThread(To, *P, *T, Extended));
    TRY(To.Put(Text.Data, Text.Length * sizeof(wchar_t)));
    return To.Zero(Start + Size - To.Size());
}

}

Status QueryProcesses(Query& Q, bool Extended)
{
    Stream To(Q);
    static const Standing Always[] = { { 0, {} }, { 4, L"System" } };
    for (const Standing& S : Always) {
        SYSTEM_PROCESS_INFORMATION Info {};
        Info.UniqueProcessId = reinterpret_cast<HANDLE>(S.Id);
        Info.BasePriority = S.Id ? 8 : 0;
        TRY(PutProcess(To, Info, nullptr, S.Text, Extended, S.Id && !ps::Process::First()));
    }
    for (ps::Process* P = ps::Process::First(); P;) {
        ps::Process* Next = ps::Process::Next(*P);
        SYSTEM_PROCESS_INFORMATION Info {};
        for (ps::Thread* T = P->FirstThread(); T; T = P->NextThread(*T))
            ++Info.NumberOfThreads;
        Info.NumberOfThreadsHighWatermark = Info.NumberOfThreads;
        mm::AddressSpace& Space = P->Memory();
        Info.WorkingSetPrivateSize.QuadPart = i64(Space.PrivatePages << PageShift);
        Info.CreateTime.QuadPart = i64(P->CreateTime);
        Info.UserTime.QuadPart = i64((P->ExitTime ? P->ExitTime : ke::SystemTime()) - P->CreateTime);
        Info.CycleTime = u64(Info.UserTime.QuadPart);
        Info.BasePriority = 8;
        Info.UniqueProcessId = reinterpret_cast<HANDLE>(P->Id());
        Info.InheritedFromUniqueProcessId = reinterpret_cast<HANDLE>(P->ParentId);
        Info.UniqueProcessKey = P->Id();
        Info.HandleCount = P->Handles().Count();
        Info.SessionId = P->SessionId;
        auto& Vm = Info.VirtualMemory;
        Vm.Basic.VirtualSize = Vm.Basic.PeakVirtualSize = Space.ReservedBytes;
        Vm.Basic.PageFaultCount = ULONG(Space.PageFaults);
        Vm.Basic.WorkingSetSize = Vm.Basic.PeakWorkingSetSize = Space.MappedPages << PageShift;
        Vm.Basic.PagefileUsage = Vm.PrivateUsage = Space.PrivatePages << PageShift;
        Vm.Basic.PeakPagefileUsage = Space.PeakPrivatePages << PageShift;
        TRY(PutProcess(To, Info, P, FileName(P->ImagePath()), Extended, !Next));
        P = Next;
    }
    return To.Finish();
}

Status QueryProcessId(Query& Q)
{
    if (Q.Length != sizeof(SYSTEM_PROCESS_ID_INFORMATION))
        return Q.TooShort(sizeof(SYSTEM_PROCESS_ID_INFORMATION));
    auto Info = TRY(Q.Buffer.ReadAs<SYSTEM_PROCESS_ID_INFORMATION>(Q.Caller));
    RefPtr<ps::Process> P = ps::Process::ById(reinterpret_cast<u64>(Info.ProcessId));
    if (!P)
        return STATUS_INVALID_CID;
    Name Path = P->ImagePath();
    usize Bytes = Path.Length * sizeof(wchar_t);
    if (Info.ImageName.Length || !Info.ImageName.MaximumLength)
        return STATUS_INVALID_PARAMETER;
    if (Info.ImageName.MaximumLength < Bytes + sizeof(wchar_t)) {
        Info.ImageName.MaximumLength = USHORT(Bytes + sizeof(wchar_t));
        TRY(Q.Write(&Info, sizeof(Info)));
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    u64 To = reinterpret_cast<u64>(Info.ImageName.Buffer);
    TRY(mm::CopyToUser(Q.Caller.Process(), To, Path.Data, Bytes));
    TRY(mm::CopyToUser(Q.Caller.Process(), To + Bytes, L"", sizeof(wchar_t)));
    Info.ImageName.Length = USHORT(Bytes);
    return Q.Write(&Info, sizeof(Info));
}

namespace {

// Objects are told apart by a number that is not their address.
PVOID Disguise(const Object* O)
{
    static u64 Secret;
    while (!Secret)
        RandomBytes(&Secret, sizeof(Secret));
    return reinterpret_cast<PVOID>(0xFFFF'8000'0000'0000 | ((reinterpret_cast<u64>(O) ^ Secret) & 0x7FFF'FFFF'FFF0));
}

u64 CountHandles()
{
    u64 Count = 0;
    for (ps::Process* P = ps::Process::First(); P; P = ps::Process::Next(*P))
        Count += P->Handles().Count();
    return Count;
}

template <typename F> Status EachHandle(F&& Do)
{
    for (ps::Process* P = ps::Process::First(); P; P = ps::Process::Next(*P)) {
        HandleTable& Table = P->Handles();
        for (HANDLE H = nullptr; (H = Table.Next(H));)
            TRY(Do(*P, H, *Table.Find(H)));
    }
    return STATUS_SUCCESS;
}

}

Status QueryHandles(Query& Q)
{
    u64 Count = CountHandles();
    usize Needed = sizeof(u64) + Count * sizeof(SYSTEM_HANDLE_TABLE_ENTRY_INFO);
    if (Q.Length < Needed)
        return Q.TooShort(Needed);
    Stream To(Q);
    TRY(To.Put(Count));
    TRY(EachHandle([&](ps::Process& P, HANDLE H, HandleEntry& E) {
        SYSTEM_HANDLE_TABLE_ENTRY_INFO Info {};
        Info.UniqueProcessId = USHORT(P.Id());
        Info.ObjectTypeIndex = E.Target->GetType().Index;
        Info.HandleAttributes = UCHAR(E.Flags);
        Info.HandleValue = USHORT(reinterpret_cast<u64>(H));
        Info.Object = Disguise(E.Target);
        Info.GrantedAccess = E.Access;
        return To.Put(Info);
    }));
    return To.Finish();
}

Status QueryHandlesEx(Query& Q)
{
    u64 Count = CountHandles();
    usize Needed = 2 * sizeof(u64) + Count * sizeof(SYSTEM_HANDLE_TABLE_ENTRY_INFO_EX);
    if (Q.Length < Needed) {
        if (Q.Length >= 2 * sizeof(u64))
            TRY(Q.Buffer.WriteAs(Q.Caller, Count));
        return Q.TooShort(Needed);
    }
    Stream To(Q);
    TRY(To.Put(Count));
    TRY(To.Put(u64(0)));
    TRY(EachHandle([&](ps::Process& P, HANDLE H, HandleEntry& E) {
        SYSTEM_HANDLE_TABLE_ENTRY_INFO_EX Info {};
        Info.Object = Disguise(E.Target);
        Info.UniqueProcessId = P.Id();
        Info.HandleValue = reinterpret_cast<u64>(H);
        Info.GrantedAccess = E.Access;
        Info.ObjectTypeIndex = E.Target->GetType().Index;
        Info.HandleAttributes = E.Flags;
        return To.Put(Info);
    }));
    return To.Finish();
}

}
