#include "lib/core/defer.hpp"
#include "ntos/ke/services.hpp"
#include "ntos/mm/space.hpp"
#include "ntos/ps/detail.hpp"
#include "ntos/se/se.hpp"
#include "ntos/se/token.hpp"
#include "tests/host/system/system.hpp"

namespace test {

static constexpr u64 Memory = 0x1000'0000, MemoryBytes = 4 * MiB;

static Ref<se::Token> TokenOf(As Who)
{
    if (Who == As::System)
        return MUST(se::SystemToken());
    Ref<se::Token> T = MUST(se::UserToken());
    if (Who == As::Nobody) {
        for (se::SidEntry& G : T->Groups)
            if (G.Id == se::sid::Administrators)
                G.Attributes = SE_GROUP_USE_FOR_DENY_ONLY;
        T->Present = T->Enabled = T->EnabledByDefault = 0;
        T->OwnerIndex = 0;
        T->Changed();
    }
    return T;
}

Client::Client(As Who) : Owns_(true)
{
    Begin();
    P_ = RefPtr<ps::Process>(MUST(ps::Process::Create()));
    P_->SetToken(TokenOf(Who));
    mm::Vad* V = MUST(P_->Memory().Insert(Memory, MemoryBytes, mm::Vad::Private));
    V->Protect = mm::Protection::ReadWrite;
    V->InitialPage = PAGE_READWRITE;
    MUST(P_->Memory().Commit(*V, Memory, Memory + MemoryBytes, mm::Protection::ReadWrite, false));
    Adopt(MUST(ps::Thread::Create(*P_, { .Routine = 0x1'4000'1000, .Argument = 0 })));
    T_->Start();
}

Client::Client(Client& Same) : P_(Same.P_), Used_(Same.Used_)
{
    Adopt(MUST(ps::Thread::Create(*P_, { .Routine = 0x1'4000'1000, .Argument = 0 })));
    T_->Start();
}

Client::Client(Client& Of, Ref<ps::Thread> Made) : P_(&Made->Process())
{
    if (P_.Get() == Of.P_.Get())
        Used_ = Of.Used_;
    Adopt(std::move(Made));
}

void Client::Adopt(Ref<ps::Thread> T)
{
    T_ = RefPtr<ps::Thread>(std::move(T));
    Tcb_ = T_->KernelThread();
    Stack_ = Cpu().Registers().Rsp - 0x200;
}

Client::~Client()
{
    if (Owns_)
        P_->Terminate(STATUS_SUCCESS);
    T_.Reset();
    do
        ke::RunReadyActivities();
    while (ps::Reap());
}

NTSTATUS Client::CallWith(abi::Service Service, const u64* Words, usize Count)
{
    // Some places of a test count on a service's number of arguments: a wrong one would read what is not there.
    if (Count != ke::ServiceTable[u32(Service)].ArgumentCount)
        core::Panic(ke::ServiceTable[u32(Service)].Name, "wrong number of arguments", int(Count));
    if (!IsRunning())
        core::Panic("a thread that does not run calls", __FILE__, __LINE__);
    u64 Fourth = Count <= 4 ? Words[Count > 3 ? 3 : Count] : Stack_;
    if (Count > 4)
        Write(Stack_, Words, Count * sizeof(u64));
    auto& R = Cpu().Registers();
    R.Rbx = Stack_ - 8;                 // where the stub keeps its stack pointer
    (void)Reply();                      // one that nobody asked for
    Cpu().Call(abi::ServiceEndpoint, u64(Service), { Words[0], Count > 1 ? Words[1] : 0, Count > 2 ? Words[2] : 0, Fourth });
    fake::Executive::Run();
    return Reply();
}

// As the stub does: told to park, it waits in its second system call.
bool Client::IsParked() { return Parked_ && T_->ParkState() == ps::Thread::Parking::Parked; }
bool Client::IsBlocked() { return Cpu().IsWaiting() || IsParked(); }
bool Client::IsRunning() { return Cpu().IsRunning() && !IsParked(); }

NTSTATUS Client::Reply()
{
    if (T_->HasEnded())
        return STATUS_PENDING;
    kernel::Message M;
    if (!Parked_) {
        if (!Cpu().TakeReply(M))
            return STATUS_PENDING;
        if (u32(M.Words[0]) != abi::ParkReply)
            return NTSTATUS(u32(M.Words[0]));
        Parked_ = true;
        Cpu().Registers().Rip = ParkedAt;
    }
    if (IsParked())
        return STATUS_PENDING;
    Parked_ = false;
    if (Rip() != ParkedAt)
        return STATUS_PENDING;          // it has been sent elsewhere
    Cpu().Registers().Rip = ServiceReturnAt;
    return Get<NTSTATUS>(T_->TebAddress() + abi::ParkStatusInTeb);
}

u64 Client::Room(usize Bytes)
{
    *Used_ = AlignUp(*Used_, 16);
    u64 At = Memory + *Used_;
    *Used_ += Bytes;
    if (*Used_ > MemoryBytes)
        core::Panic("a test uses too much client memory", __FILE__, __LINE__);
    MUST(mm::ZeroUser(*P_, At, Bytes));
    return At;
}

void Client::Write(u64 At, const void* From, usize Bytes) { MUST(mm::CopyToUser(*P_, At, From, Bytes)); }
void Client::Read(u64 At, void* To, usize Bytes) { MUST(mm::CopyFromUser(*P_, To, At, Bytes)); }

u64 Client::PutBytes(const void* From, usize Bytes)
{
    u64 At = Room(Bytes ? Bytes : 1);
    Write(At, From, Bytes);
    return At;
}

u64 Client::PutString(ob::Name Text)
{
    u64 Data = PutBytes(Text.Data, Text.Length * sizeof(wchar_t));
    return Put(UNICODE_STRING { USHORT(Text.Length * 2), USHORT(Text.Length * 2), reinterpret_cast<wchar_t*>(Data) });
}

u64 Client::PutAttributes(ob::Name Path, u32 Flags, HANDLE Root, u64 Descriptor)
{
    u64 Text = Path.IsEmpty() ? 0 : PutString(Path);
    return Put(OBJECT_ATTRIBUTES { sizeof(OBJECT_ATTRIBUTES), Root, reinterpret_cast<UNICODE_STRING*>(Text), Flags, reinterpret_cast<void*>(Descriptor), nullptr });
}

HANDLE Client::Open(Ref<ob::Object> Target, ACCESS_MASK Granted) { return MUST(P_->Handles().Add(std::move(Target), Granted, 0)); }

}
