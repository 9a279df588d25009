#include "ntos/ps/process.hpp"

#include "ntos/ke/time.hpp"
#include "ntos/mm/space.hpp"
#include "ntos/ps/debug.hpp"
#include "ntos/ps/detail.hpp"
#include "ntos/ps/job.hpp"
#include "ntos/ps/threads.hpp"
#include "ntos/se/se.hpp"
#include "ntos/se/token.hpp"

namespace ps {

using namespace nt;

constinit const ob::TypeInfo Process::Type {
    .Name = L"Process",
    .ValidAccess = PROCESS_ALL_ACCESS,
    .Mapping = { STANDARD_RIGHTS_READ | PROCESS_VM_READ | PROCESS_QUERY_INFORMATION, STANDARD_RIGHTS_WRITE | PROCESS_CREATE_PROCESS | PROCESS_CREATE_THREAD | PROCESS_VM_OPERATION | PROCESS_VM_WRITE | PROCESS_DUP_HANDLE | PROCESS_SET_QUOTA | PROCESS_SET_INFORMATION | PROCESS_SUSPEND_RESUME,
                 STANDARD_RIGHTS_EXECUTE | SYNCHRONIZE | PROCESS_QUERY_LIMITED_INFORMATION | PROCESS_TERMINATE, PROCESS_ALL_ACCESS },
    .Implies = { { PROCESS_QUERY_INFORMATION, PROCESS_QUERY_LIMITED_INFORMATION }, { PROCESS_SET_INFORMATION, PROCESS_SET_LIMITED_INFORMATION } },
};

// Lists that live for ever: made at first use, never destroyed.
template <typename T> struct Lasting {
    alignas(T) char Room[sizeof(T)] {};
    bool Made = false;
    T& Get()
    {
        if (!Made) {
            new (Room) T;
            Made = true;
        }
        return *reinterpret_cast<T*>(Room);
    }
};

struct AllProcesses {
    using List = core::List<Process, &Process::AllLink_>;
    static List& Get()
    {
        static constinit Lasting<List> L;
        return L.Get();
    }
};

core::List<Thread, &Thread::ReapLink_>& ThreadsToReap()
{
    static constinit Lasting<core::List<Thread, &Thread::ReapLink_>> L;
    return L.Get();
}

// --- ids

static constinit Lasting<Vector<ob::Object*>> Ids;      // index = id / 4
static u64 NextId = 2, UsedIds;        // 0 is nobody, 4 the system

Result<u64> AllocateId(ob::Object& For)
{
    Vector<ob::Object*>& Table = Ids.Get();
    // Ids come around late: a stale id should not name somebody new at once. At least half the table is free.
    if (UsedIds * 2 >= Table.Size())
        TRY(Table.Resize(Table.IsEmpty() ? 256 : Table.Size() * 2));
    for (;; ++NextId) {
        if (NextId >= Table.Size())
            NextId = 2;
        if (Table[NextId])
            continue;
        Table[NextId] = &For;
        ++UsedIds;
        return NextId++ * 4;
    }
}

void FreeId(u64 Id, const ob::Object& Of)
{
    ob::Object*& Entry = Ids.Get()[Id / 4];
    if (Entry != &Of)
        return;                         // somebody else has it by now
    Entry = nullptr;
    --UsedIds;
}

ob::Object* ObjectById(u64 Id)
{
    Vector<ob::Object*>& Table = Ids.Get();
    return Id / 4 < Table.Size() ? Table[Id / 4] : nullptr;      // the two low bits do not count, as on Windows
}

// --- life

Process::Process() : Object(Type), Handles_(*this) { }

Process::~Process()
{
    AllLink_.Unlink();
    if (Id_)
        FreeId(Id_, *this);
}

Result<Ref<Process>> Process::Create()
{
    Ref<Process> P = TRY(ob::Make<Process>());
    P->Threads_ = Own<ThreadList>(new (std::nothrow) ThreadList);
    if (!P->Threads_)
        return STATUS_INSUFFICIENT_RESOURCES;
    P->Memory_ = TRY(mm::AddressSpace::Create());
    P->Id_ = TRY(AllocateId(*P));
    P->CreateTime = ke::SystemTime();
    P->Cookie = u32(ke::InterruptTime() * 2654435761u) ^ u32(P->Id_ << 16);
    AllProcesses::Get().PushBack(*P);
    return P;
}

void Process::SetToken(Ref<se::Token> New)
{
    Token_ = std::move(New);
}

Process* Process::First()
{
    return AllProcesses::Get().First();
}

Process* Process::Next(Process& After)
{
    return AllProcesses::Get().Next(After);
}

RefPtr<Process> Process::ById(u64 Id)
{
    ob::Object* O = ObjectById(Id);
    return O && &O->GetType() == &Type ? RefPtr<Process>(static_cast<Process*>(O)) : nullptr;
}

Thread* Process::FirstThread()
{
    return Threads_->All.First();
}

Thread* Process::NextThread(Thread& After)
{
    return Threads_->All.Next(After);
}

void Process::Terminate(NTSTATUS Status, Thread* Except)
{
    if (!Except) {
        if (!Terminating_) {
            Terminating_ = true;
            ExitStatus_ = Status;
        }
        if (ThreadCount_ == 0 && !HasEnded())
            End();
    }
    for (Thread* T = FirstThread(); T; T = NextThread(*T))
        if (T != Except)
            T->Terminate(Status);
}

void (*Process::OnEnd)(Process&);

void Process::End()
{
    if (OnEnd)
        OnEnd(*this);
    Terminating_ = true;
    ExitTime = ke::SystemTime();
    Ref<Process> Keep(*this);
    if (DriverLink* D = std::exchange(Driver, nullptr))
        D->ProcessEnds(*this);
    Debugger::ProcessEnded(*this);
    Handles_.CloseAll();
    Memory_->Clear();
    ImageSection.Reset();
    if (InJob)
        InJob->ProcessEnds(*this);
    Ended_.Set();
}

}
