// The double of ntos/ps for tests of mm: a process is an address space and a handle table.
#pragma once
#include "abi/nt/ps.hpp"
#include "ntos/mm/space.hpp"
#include "ntos/se/se.hpp"

namespace ps {

class Process final : public ob::Object {
public:
    static const ob::TypeInfo Type;
    explicit Process(Own<mm::AddressSpace> Space) : Object(Type), Handles_(*this), Memory_(std::move(Space)) { }
    static Result<Ref<Process>> Create() { return ob::Make<Process>(TRY(mm::AddressSpace::Create())); }
    ob::HandleTable& Handles() { return Handles_; }
    mm::AddressSpace& Memory() { return *Memory_; }
    u64 Id() const { return 4; }
    ke::Waitable* AsWaitable() override { return &Ended; }
    bool HasEnded() const { return Ended.State(); }
    static Process* First() { return nullptr; }
    static Process* Next(Process&) { return nullptr; }
    static RefPtr<Process> ById(u64) { return {}; }

    ke::Event Ended { ke::Event::Notification, false };

private:
    ob::HandleTable Handles_;
    Own<mm::AddressSpace> Memory_;
};

}
