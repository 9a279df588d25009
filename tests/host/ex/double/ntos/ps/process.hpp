// The double of ntos/ps for tests of ob and ex: a process is a handle table and a piece of memory.
#pragma once
#include "abi/nt/ps.hpp"
#include "ntos/mm/space.hpp"
#include "ntos/se/se.hpp"

namespace ps {

inline constexpr u64 MemoryBase = 0x10000, MemorySize = 0x20000;

class Thread;

class Process final : public ob::Object {
public:
    static const ob::TypeInfo Type;
    explicit Process(u64 Id);
    ~Process() override;
    ob::HandleTable& Handles() { return Handles_; }
    mm::AddressSpace& Memory() { return Space_; }
    u64 Id() const { return Id_; }
    ke::Waitable* AsWaitable() override { return &Ended_; }
    bool HasEnded() const { return Ended_.State(); }
    ob::Name ImagePath() const { return ImagePath_.View(); }
    static Process* First();
    static Process* Next(Process& After);
    static RefPtr<Process> ById(u64 Id);
    Thread* FirstThread();
    Thread* NextThread(Thread& After);

    ke::Event Ended_ { ke::Event::Notification, false };
    u64 ParentId = 0, CreateTime = 0, ExitTime = 0;
    u32 SessionId = 1, ErrorMode = 0, TimerResolution = 0;
    nt::IO_COUNTERS Io {};
    ob::String ImagePath_;
    core::ListNode<Process> Link;
    u8 Bytes[MemorySize] = {};          // what its addresses from MemoryBase on show

private:
    ob::HandleTable Handles_;
    mm::AddressSpace Space_;
    u64 Id_;
};

}
