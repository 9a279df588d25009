// A process: an address space, a handle table, a token, threads. Waitable: signalled when it has ended.
#pragma once
#include "abi/nt/ps.hpp"
#include "ntos/ob/ob.hpp"

namespace mm {
class AddressSpace;
class Section;
}
namespace se {
class Token;
}

namespace ps {

class Thread;

class Process final : public ob::Object {
public:
    static const ob::TypeInfo Type;
    ~Process() override;
    ob::HandleTable& Handles() { return Handles_; }
    mm::AddressSpace& Memory() { return *Memory_; }
    se::Token& Token() { return *Token_; }
    void SetToken(Ref<se::Token> New);
    u64 Id() const { return Id_; }
    ke::Waitable* AsWaitable() override { return &Ended_; }
    bool HasEnded() const { return Ended_.State(); }
    ob::Name ImagePath() const { return ImagePath_.View(); }        // NT path of the image file
    u32 ThreadCount() const { return ThreadCount_; }
    NTSTATUS ExitStatus() const { return ExitStatus_; }
    u64 PebAddress() const { return Peb_; }

    // The first process is 4 (the Executive itself: no threads of its own here).
    static Process* First();
    static Process* Next(Process& After);
    static RefPtr<Process> ById(u64 Id);

    explicit Process(u64 Id);           // ps::CreateProcess is the way in

private:
    friend class Thread;
    friend struct Creation;
    core::ListNode<Process> AllLink_;
    ob::HandleTable Handles_;
    Own<mm::AddressSpace> Memory_;
    RefPtr<se::Token> Token_;
    ke::Event Ended_ { ke::Event::Notification, false };
    ob::String ImagePath_;
    u64 Id_, ParentId_ = 0, Peb_ = 0, CreateTime_ = 0, ExitTime_ = 0;
    u32 ThreadCount_ = 0, SessionId_ = 1;
    NTSTATUS ExitStatus_ = 0x103;       // STATUS_PENDING: still running
};

}
