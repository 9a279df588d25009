// Executive objects and services that other components need of ex: events, the pool's counts, the hooks that boot wires.
//
// The synchronisation objects are thin: each is an ob::Object around a ke::Waitable, so that waiting is ke's alone.
// Everything runs on the dispatcher thread; a change towards "signalled" wakes at once (waiters become ready, they do not run).
#pragma once
#include "abi/nt/ex.hpp"
#include "ntos/ob/ob.hpp"

namespace ex {

class Event final : public ob::Object {
public:
    static const ob::TypeInfo Type;
    Event(ke::Event::Kind Kind, bool Signaled) : Object(Type), State_(Kind, Signaled) { }
    ke::Waitable* AsWaitable() override { return &State_; }
    ke::Event& State() { return State_; }
    bool Set() { return State_.Set(); }         // the state before
    bool Reset() { return State_.Reset(); }

private:
    ke::Event State_;
};

// Registry and files: everything that changed is written. Always succeeds; the log tells of what could not be.
ke::Task<> FlushSystem();
// The last part of it, after the cache's: file systems write what they keep. Set when drivers can be; null without them.
extern ke::Task<> (*ShutdownFileSystems)();

// Ends a service that may be a coroutine, without making one.
inline ke::Task<> Done(Status Outcome)
{
    return ke::Task<>(Result<>(Outcome));
}

// The deadline a Timeout argument means; null: for ever.
Result<ke::Deadline> CaptureTimeout(ke::Caller& Caller, ke::UserPtr<LARGE_INTEGER> Timeout);

// What the pool (operator new of the Executive) holds; the sizes are those asked for rounded up to their class.
struct PoolUse {
    u64 Blocks, Bytes, Pages;
};
PoolUse QueryPool();

// An identifier unique in this boot, as NtAllocateLocallyUniqueId gives.
LUID AllocateLuid();
// Good random bytes: RDSEED/RDRAND where there is one, the jitter of the TSC always, mixed.
void RandomBytes(void* To, usize Bytes);

// A hard error nobody answers for: a readable sentence; set at boot (the control channel shows it).
extern void (*OnHardError)(NTSTATUS Error, ob::Name Text);

}
