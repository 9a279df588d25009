// The double of ntos/ps for tests of ob and ex: a process is a handle table and a piece of memory.
#pragma once
#include "abi/nt/ps.hpp"
#include "ntos/se/se.hpp"

namespace ps {


inline constexpr u64 MemoryBase = 0x10000, MemorySize = 0x20000;

class Process final : public ob::Object {
public:
    static const ob::TypeInfo Type;
    explicit Process(u64 Id) : Object(Type), Handles_(*this), Id_(Id) { }
    ~Process() override { Handles_.CloseAll(); }
    ob::HandleTable& Handles() { return Handles_; }
    u64 Id() const { return Id_; }
    ke::Waitable* AsWaitable() override { return &Ended_; }
    bool HasEnded() const { return Ended_.State(); }
    ke::Event Ended_ { ke::Event::Notification, false };
    u8 Bytes[MemorySize] = {};          // what its addresses from MemoryBase on show

private:
    ob::HandleTable Handles_;
    u64 Id_;
};

}
