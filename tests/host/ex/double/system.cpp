#include "tests/host/ex/double/system.hpp"

#include <stdio.h>
#include <stdlib.h>

#include <algorithm>

#include "ntos/ex/log.hpp"
#include "ntos/hal/hal.hpp"
#include "ntos/ke/task.hpp"

namespace core {

void Panic(const char* What, const char* File, int Line)
{
    fprintf(stderr, "panic: %s (%s:%d)\n", What, File, Line);
    abort();
}

}

namespace kernel {
void Yield() { ++fake::Yields; }
u64 Tsc() { return __builtin_ia32_rdtsc(); }
}

namespace ex {
PoolUse QueryPool() { return { .Blocks = 5, .Bytes = 6000, .Pages = 7 }; }

void LogList(const char*, const LogArgument* Arguments, usize Count)
{
    fake::LastLog.clear();
    for (usize I = 0; I < Count; ++I)
        if (Arguments[I].Kind == LogArgument::Wide)
            fake::LastLog.assign(Arguments[I].Name.Data, Arguments[I].Name.Data + Arguments[I].Name.Length);
}
}

namespace ex {
ke::Task<> FlushSystem() { return ke::Task<>(Status(nt::STATUS_SUCCESS)); }
}

namespace hal {
void Shutdown(PowerAction)
{
    fprintf(stderr, "shut down\n");
    exit(33);
}
}

namespace fake {
bool DenyAccess, HasPrivileges = true;
u32 Yields;
std::u16string LastLog;
}

// --- se

namespace se {

class Token {
public:
    int Nothing = 0;
};
static Token TheToken;

Result<ACCESS_MASK> AccessCheck(const SecurityDescriptor* Descriptor, const Token&, ACCESS_MASK Desired, const GENERIC_MAPPING& Mapping)
{
    if (Descriptor && fake::DenyAccess)
        return STATUS_ACCESS_DENIED;
    if (Desired & MAXIMUM_ALLOWED)
        Desired |= Mapping.GenericAll;
    return Desired & ~MAXIMUM_ALLOWED;
}

Result<Own<SecurityDescriptor>> AssignSecurity(const SecurityDescriptor* Explicit, const SecurityDescriptor*, const Token&, const GENERIC_MAPPING&, bool)
{
    if (Explicit)
        return Explicit->Clone();
    return Own<SecurityDescriptor>(new SecurityDescriptor);
}

Result<Own<SecurityDescriptor>> MakeDescriptor(std::span<const Allowed>, u8) { return Own<SecurityDescriptor>(new SecurityDescriptor); }

// S-1-5-7 is the user.
bool MayOwn(const Token&, std::span<const u8> Owner) { return Owner.size() == 12 && Owner[8] == 7; }
bool HasPrivilege(const Token&, u32) { return fake::HasPrivileges; }
Result<Ref<ob::Object>> TokenForServer(ke::Caller& Client, u32, bool) { return Ref<ob::Object>(Client.Process()); }
Status ImpersonateClient(ps::Thread&, ob::Object&) { return STATUS_SUCCESS; }
// Believes what it reads: half a KiB from there.
Result<Own<SecurityDescriptor>> SecurityDescriptor::Capture(ke::Caller& From, u64 Address)
{
    Vector<u8> Bytes;
    TRY(Bytes.Resize(512));
    TRY(mm::CopyFromUser(From.Process(), Bytes.Data(), Address, 512));
    return Adopt(std::move(Bytes));
}
Result<Own<SecurityDescriptor>> SecurityDescriptor::Clone() const { return Own<SecurityDescriptor>(new SecurityDescriptor); }

}

// --- ps

namespace ps {

static core::List<Process, &Process::Link>& Processes()
{
    static core::List<Process, &Process::Link> All;
    return All;
}
static core::List<Thread, &Thread::AllLink>& Threads()
{
    static core::List<Thread, &Thread::AllLink> All;
    return All;
}

Process::Process(u64 Id) : Object(Type), Handles_(*this), Id_(Id) { Processes().PushBack(*this); }
Process::~Process() { Handles_.CloseAll(); }
Process* Process::First() { return Processes().First(); }
Process* Process::Next(Process& After) { return Processes().Next(After); }
RefPtr<Process> Process::ById(u64 Id)
{
    for (Process& P : Processes())
        if (P.Id() == Id)
            return RefPtr<Process>(&P);
    return nullptr;
}
static Thread* FirstOf(Process& P, Thread* T)
{
    while (T && &T->Process() != &P)
        T = Threads().Next(*T);
    return T;
}
Thread* Process::FirstThread() { return FirstOf(*this, Threads().First()); }
Thread* Process::NextThread(Thread& After) { return FirstOf(*this, Threads().Next(After)); }
Thread::Thread(ps::Process& In, u64 Id) : Object(Type), Keep_(In), Id_(Id)
{
    Process_ = &In;
    Threads().PushBack(*this);
}

const ob::TypeInfo Process::Type { .Name = L"Process", .ValidAccess = PROCESS_ALL_ACCESS, .Mapping = {} };
const ob::TypeInfo Thread::Type { .Name = L"Thread", .ValidAccess = 0x1FFFFF, .Mapping = {} };
se::Token& Thread::EffectiveToken() const { return se::TheToken; }

}

ps::Thread& ke::Caller::Thread()
{
    return static_cast<ps::Thread&>(*this);
}

// --- mm

namespace mm {

MemoryInfo QueryMemory() { return { .TotalPages = 1000, .FreePages = 500, .CommittedPages = 400, .CommitLimit = 900, .KernelObjectPages = 1, .FramePages = 2, .CapabilitySlots = 3 }; }

static u8* Find(ps::Process& In, u64 Address, usize Bytes)
{
    if (Address < ps::MemoryBase || Address - ps::MemoryBase > ps::MemorySize || Bytes > ps::MemorySize - (Address - ps::MemoryBase))
        return nullptr;
    return In.Bytes + (Address - ps::MemoryBase);
}

bool MayBeAbsent(ps::Process&) { return false; }
u8* TouchWithin(ps::Process&, u64, usize, bool) { return nullptr; }

Status CopyFromUser(ps::Process& From, void* To, u64 Address, usize Bytes)
{
    if (!Bytes)
        return STATUS_SUCCESS;
    u8* At = Find(From, Address, Bytes);
    if (!At)
        return STATUS_ACCESS_VIOLATION;
    memcpy(To, At, Bytes);
    return STATUS_SUCCESS;
}

Status CopyToUser(ps::Process& To, u64 Address, const void* From, usize Bytes)
{
    if (!Bytes)
        return STATUS_SUCCESS;
    u8* At = Find(To, Address, Bytes);
    if (!At)
        return STATUS_ACCESS_VIOLATION;
    memcpy(At, From, Bytes);
    return STATUS_SUCCESS;
}

Status ZeroUser(ps::Process& To, u64 Address, usize Bytes)
{
    u8* At = Find(To, Address, Bytes);
    if (!At)
        return STATUS_ACCESS_VIOLATION;
    memset(At, 0, Bytes);
    return STATUS_SUCCESS;
}

Status ProbeForWrite(ps::Process& In, u64 Address, usize Bytes) { return Find(In, Address, Bytes) ? STATUS_SUCCESS : STATUS_ACCESS_VIOLATION; }
Status ProbeForRead(ps::Process& In, u64 Address, usize Bytes) { return Find(In, Address, Bytes) ? STATUS_SUCCESS : STATUS_ACCESS_VIOLATION; }

}

// --- time: the ke::Timer interface over a vector

namespace ke {

static u64 Clock = 1'000'000;
static u64 SystemOffset = 132'000'000'000'000'000;

class TimerQueue {
public:
    static std::vector<Timer*>& All()
    {
        static std::vector<Timer*> Timers;
        return Timers;
    }
    static void Add(Timer& T, u64 Due)
    {
        Remove(T);
        T.Due_ = Due;
        T.Index_ = 0;
        All().push_back(&T);
    }
    static bool Remove(Timer& T)
    {
        if (T.Index_ == Timer::NotSet)
            return false;
        T.Index_ = Timer::NotSet;
        std::erase(All(), &T);
        return true;
    }
    static void Run()
    {
        for (;;) {
            auto First = std::min_element(All().begin(), All().end(), [](Timer* A, Timer* B) { return A->Due_ < B->Due_; });
            if (First == All().end() || (*First)->Due_ > Clock)
                return;
            Timer& T = **First;
            Remove(T);
            T.Expired_(T);
        }
    }
};

Status Timer::Set(u64 Due)
{
    TimerQueue::Add(*this, Due);
    return STATUS_SUCCESS;
}
bool Timer::Cancel() { return TimerQueue::Remove(*this); }
u64 InterruptTime() { return Clock; }
u64 SystemTime() { return Clock + SystemOffset; }
void SetSystemTime(u64 Now) { SystemOffset = Now - Clock; }

Deadline Deadline::From(i64 NtTimeout)
{
    if (NtTimeout == 0)
        return { 0 };
    if (NtTimeout < 0)
        return { Clock + u64(-NtTimeout) };
    return { u64(NtTimeout) <= SystemTime() ? 0 : Clock + (u64(NtTimeout) - SystemTime()) };
}

}

namespace fake {

void AdvanceClock(u64 By)
{
    ke::Clock += By;
    ke::TimerQueue::Run();
    ke::RunReadyActivities();
}

void Begin()
{
    static bool Done = false;
    if (!std::exchange(Done, true))
        MUST(ob::InitializeNamespace());
}

static u64 NextId = 8;

Client::Client() : Used_(OwnUsed_)
{
    Begin();
    P_ = RefPtr<ps::Process>::Adopt(new ps::Process(NextId += 4));
    T_ = RefPtr<ps::Thread>::Adopt(new ps::Thread(*P_, NextId += 4));
}

Client::Client(Client& Same) : P_(Same.P_), Used_(Same.OwnUsed_)
{
    T_ = RefPtr<ps::Thread>::Adopt(new ps::Thread(*P_, NextId += 4));
}

Client::~Client()
{
    T_->End();
    ke::RunReadyActivities();
}

u64 Client::Room(usize Bytes)
{
    Used_ = AlignUp(Used_, 16);
    u64 At = ps::MemoryBase + Used_;
    Used_ += Bytes;
    if (Used_ > ps::MemorySize)
        core::Panic("test uses too much client memory", __FILE__, __LINE__);
    memset(this->Bytes(At), 0, Bytes);
    return At;
}

u64 Client::PutString(const wchar_t* Text)
{
    usize N = 0;
    while (Text[N])
        ++N;
    u64 Data = Room(N * 2 + 2);
    memcpy(Bytes(Data), Text, N * 2);
    return Put(UNICODE_STRING { USHORT(N * 2), USHORT(N * 2 + 2), reinterpret_cast<wchar_t*>(Data) });
}

u64 Client::PutAttributes(const wchar_t* Path, u32 Flags, HANDLE Root, u64 Descriptor)
{
    u64 Text = Path ? PutString(Path) : 0;
    OBJECT_ATTRIBUTES A { sizeof(OBJECT_ATTRIBUTES), Root, reinterpret_cast<UNICODE_STRING*>(Text), Flags, reinterpret_cast<void*>(Descriptor), nullptr };
    return Put(A);
}

}
